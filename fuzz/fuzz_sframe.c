/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__sframe_header_parse, sotto__e2ee_open and _open_frame. Property: bytes that we did not seal never open (H137), as one
 * SFrame, or as a frame of any codec; a header that parses writes to the same bytes; what is sealed opens to what it was, once, and not
 * after a change.
 */
#include <stdlib.h>
#include <string.h>

#include "media/e2ee_frame.h"
#include "sotto/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void add(struct e2ee *e, int32_t direction, int32_t cipher, uint64_t kid, uint8_t bits)
{
    static const uint8_t base[16] = {1, 2, 3, 4, 5, 6, 7, 8};
    const sotto_e2ee_key k = {.size = sizeof k,
                              .cipher = cipher,
                              .kid = kid,
                              .key = base,
                              .key_len = sizeof base,
                              .ratchet_bits = bits};
    require(sotto__e2ee_add(e, direction, &k) == 0);
}

static void check_header(struct sframe_bytes p)
{
    struct sframe_header h;
    uint8_t again[SFRAME_MAX_HEADER];
    if (sotto__sframe_header_parse(p.p, p.n, &h) < 0) return;
    require(sotto__sframe_header_write(h.kid, h.counter, again) == h.n);
    require(h.n <= p.n && memcmp(again, p.p, h.n) == 0);
}

/* Of keys that sealed nothing. */
static void check_foreign(struct e2ee *e, struct sframe_bytes p)
{
    static const enum codec_id ids[] = {CODEC_OPUS, CODEC_VP8,  CODEC_VP9,
                                        CODEC_H264, CODEC_H265, CODEC_AV1};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct buf out;
        sotto__buf_init(&out, SOTTO_MAX_FRAME);
        require(sotto__e2ee_open_frame(e, NULL, ids[i], p, &out) < 0);
        sotto__buf_free(&out);
    }
}

/* The input as plaintext; its first byte says what is changed afterwards. */
static void check_own(struct e2ee *from, struct e2ee *e, struct sframe_bytes p)
{
    struct sframe_bytes metadata = {p.p, p.n > 4 ? 4 : p.n};
    uint8_t *sealed = malloc(p.n + SFRAME_OVERHEAD), *back = malloc(p.n + SFRAME_OVERHEAD);
    size_t n, n_back;
    require(sealed && back);
    require(sotto__e2ee_seal(from, metadata, p, sealed, &n) == 0);
    size_t at = (size_t)p.p[0] * 7 % n;
    sealed[at] ^= 0x10;
    require(sotto__e2ee_open(e, NULL, metadata, (struct sframe_bytes){sealed, n}, back, &n_back) <
            0);
    sealed[at] ^= 0x10;
    require(sotto__e2ee_open(e, NULL, metadata, (struct sframe_bytes){sealed, n}, back, &n_back) ==
            0);
    require(n_back == p.n && memcmp(back, p.p, n_back) == 0);
    require(sotto__e2ee_open(e, NULL, metadata, (struct sframe_bytes){sealed, n}, back, &n_back) <
            0);
    free(sealed);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct e2ee *foreign, *from, *to;
    struct sframe_bytes p = {data, size};
    if (size == 0 || size > 20000) return 0;
    require(sotto__e2ee_new(&foreign) == 0 && sotto__e2ee_new(&from) == 0 &&
            sotto__e2ee_new(&to) == 0);
    for (int32_t cipher = 1; cipher <= 5; cipher++) /* 4 bytes of tag may be guessed: not of that suite */
        if (cipher != SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_32)
            add(foreign, SOTTO_E2EE_RECEIVE, cipher, (uint64_t)cipher << 4, 4);
    add(foreign, SOTTO_E2EE_RECEIVE, 4, 1, 0);
    check_header(p);
    check_foreign(foreign, p);
    int32_t cipher = 1 + data[0] % 5;
    add(from, SOTTO_E2EE_SEND, cipher, 3, 0);
    add(to, SOTTO_E2EE_RECEIVE, cipher, 3, 0);
    check_own(from, to, p);
    sotto__e2ee_free(foreign);
    sotto__e2ee_free(from);
    sotto__e2ee_free(to);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_PAYLOAD_FUZZ_H
#define FUZZ_PAYLOAD_FUZZ_H
/*
 * The payload formats of VP8, VP9 and AV1. The first byte of the input says what the rest is:
 *   even  a frame. If it can be split, then: the bounds hold, every packet can be looked at, the first starts and the last may end a
 *         frame, a packet of a key frame says so, and join(split(x)) = x; of AV1 join(split(x)) is written anew (in the
 *         fewest bytes, without delimiters), and must be a fixpoint from then on.
 *   odd   payloads, each with its length in two bytes before it. join gives a frame or an error and no trace; a packet that cannot
 *         be looked at cannot be joined; a frame that was joined is what its parts say: not longer than they are, but for sizes.
 */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "wire/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_PIECES 4096u

static inline void require(bool claim)
{
    if (!claim) abort();
}

struct fuzz_pieces {
    struct payload_piece items[FUZZ_PIECES];
    size_t n;
};

static inline void fuzz_piece_add(struct fuzz_pieces *k, const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    if (!copy) abort();
    if (n > 0) memcpy(copy, p, n);
    k->items[k->n++] = (struct payload_piece){copy, n};
}

static inline void fuzz_pieces_free(struct fuzz_pieces *k)
{
    for (size_t i = 0; i < k->n; i++) free((void *)(uintptr_t)k->items[i].p);
    k->n = 0;
}

/* Splits a frame and joins it into out. False: it is none. */
static inline bool fuzz_round(enum codec_id id, const uint8_t *p, size_t n, size_t max,
                              struct buf *out)
{
    static struct fuzz_pieces pieces;
    const struct codec codec = {.id = id};
    struct split_state state = {.picture_id = (uint16_t)n};
    struct split s;
    struct payload_info info;
    uint8_t packet[512];
    size_t packets, bytes, len, sum = 0;
    bool is_key = false;
    if (sotto__split_init(&s, &codec, &state, p, n, max, false) < 0) return false;
    sotto__split_bound(&s, &packets, &bytes);
    require(packets <= FUZZ_PIECES);
    while ((len = sotto__split_next(&s, packet)) > 0) {
        require(len <= max && pieces.n < packets);
        fuzz_piece_add(&pieces, packet, len);
        require(sotto__payload_peek(id, packet, len, &info) == 0);
        if (pieces.n == 1) require(info.starts);
        is_key |= info.is_key;
        sum += len;
    }
    require(pieces.n > 0 && sum <= bytes && info.may_end);
    require(sotto__payload_join(id, pieces.items, pieces.n, out) == 0);
    if (sotto__frame_is_key(id, out->p, out->n))
        require(is_key);
    else
        require(!is_key || id == CODEC_AV1); /* later packets do not know what came before them */
    fuzz_pieces_free(&pieces);
    return true;
}

static inline void fuzz_frame(enum codec_id id, const uint8_t *p, size_t n, size_t max)
{
    struct buf once, twice;
    sotto__buf_init(&once, SIZE_MAX);
    sotto__buf_init(&twice, SIZE_MAX);
    if (fuzz_round(id, p, n, max, &once)) {
        if (id != CODEC_AV1) require(once.n == n && memcmp(once.p, p, n) == 0);
        require(fuzz_round(id, once.p, once.n, max, &twice));
        require(once.n == twice.n && memcmp(once.p, twice.p, once.n) == 0);
    }
    sotto__buf_free(&once);
    sotto__buf_free(&twice);
}

static inline void fuzz_payloads(enum codec_id id, const uint8_t *p, size_t n)
{
    static struct fuzz_pieces pieces;
    struct payload_info info;
    struct buf out;
    bool all_good = true;
    size_t sum = 0;
    while (n >= 2 && pieces.n < FUZZ_PIECES) {
        size_t len = (size_t)p[0] << 8 | p[1];
        p += 2, n -= 2;
        if (len > n) len = n;
        if (len == 0 || sotto__payload_peek(id, p, len, &info) < 0) all_good = false;
        fuzz_piece_add(&pieces, p, len);
        p += len, n -= len, sum += len;
    }
    sotto__buf_init(&out, SIZE_MAX);
    sotto__buf_add(&out, "x", 1);
    int r = sotto__payload_join(id, pieces.items, pieces.n, &out);
    require(r == 0 || r == SOTTO_E_SYNTAX);
    require(out.err == 0 && out.p[0] == 'x' && (r == 0 ? out.n > 1 : out.n == 1));
    if (r == 0) require(all_good && out.n - 1 <= 2 * sum + 34);
    if (r == 0 && id == CODEC_AV1) { /* what was joined is a temporal unit */
        struct buf again;
        sotto__buf_init(&again, SIZE_MAX);
        require(fuzz_round(id, out.p + 1, out.n - 1, 200, &again));
        require(again.n == out.n - 1 && memcmp(again.p, out.p + 1, again.n) == 0);
        sotto__buf_free(&again);
    }
    sotto__buf_free(&out);
    fuzz_pieces_free(&pieces);
}

static inline void payload_fuzz(enum codec_id id, const uint8_t *data, size_t size)
{
    if (size < 2 || size > FUZZ_PIECES) return;
    if (data[0] & 1)
        fuzz_payloads(id, data + 1, size - 1);
    else
        fuzz_frame(id, data + 1, size - 1, 100 + data[0]);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_NAL_UNITS_H
#define FUZZ_NAL_UNITS_H
/*
 * What fuzz_h264 and fuzz_h265 require of frames of NAL units. The first byte of an input says what the rest is: bit 0 a frame, whose
 * packets have at most 100 + the next byte bytes; or pieces, each after its 16-bit length. Blocks are allocated in their exact size, so
 * that a byte read too far is seen.
 */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/bytes.h"
#include "wire/payload.h"

#define UNITS_MAX_PIECES 512u

static inline void require(bool claim)
{
    if (!claim) abort();
}

static inline uint8_t *exact_copy(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    require(copy != NULL);
    if (n > 0) memcpy(copy, p, n);
    return copy;
}

static inline void add_unit(struct buf *out, const uint8_t *p, size_t n)
{
    sotto__buf_add(out, "\0\0\0\1", 4);
    sotto__buf_add(out, p, n);
}

/* The frame with start codes of 4 bytes, read as having start codes: cut before each 00 00 01, zeros at the ends thrown away. */
static inline void normalise_codes(const uint8_t *p, size_t n, struct buf *out)
{
    size_t from = n;
    for (size_t i = 0; i <= n; i++) {
        bool code = n - i >= 3 && p[i] == 0 && p[i + 1] == 0 && p[i + 2] == 1;
        if (i < n && !code) continue;
        size_t end = i;
        while (end > from && p[end - 1] == 0) end--;
        if (end > from) add_unit(out, p + from, end - from);
        from = i + 3;
    }
}

/* The same, read as having lengths. */
static inline void normalise_lengths(const uint8_t *p, size_t n, struct buf *out)
{
    struct reader r = sotto__reader(p, n);
    while (r.n > 0 && !r.bad) {
        size_t len = sotto__read_u32(&r);
        const uint8_t *unit = sotto__read_view(&r, len);
        if (unit) add_unit(out, unit, len);
    }
    if (r.bad) out->n = 0;
}

/* join(split(x)) is x with start codes of 4 bytes; bounds are true; packets can be peeked at; a key frame's packets say so. */
static inline void check_frame(const struct codec *codec, const uint8_t *data, size_t n, size_t max)
{
    struct payload_piece pieces[UNITS_MAX_PIECES];
    struct buf joined, codes, lengths;
    struct split s;
    size_t n_pieces = 0, n_packets, n_bytes, bytes = 0, len;
    bool key = false;
    uint8_t *frame = exact_copy(data, n), *packet = malloc(max);
    require(packet != NULL);
    sotto__buf_init(&joined, 5 * n + 16);
    sotto__buf_init(&codes, 5 * n + 16);
    sotto__buf_init(&lengths, 5 * n + 16);
    if (sotto__split_init(&s, codec, NULL, frame, n, max, false) < 0) goto out;
    sotto__split_bound(&s, &n_packets, &n_bytes);
    if (n_packets > UNITS_MAX_PIECES) goto out;
    while ((len = sotto__split_next(&s, packet)) > 0) {
        struct payload_info info;
        require(n_pieces < n_packets && len <= max);
        pieces[n_pieces++] = (struct payload_piece){exact_copy(packet, len), len};
        bytes += len;
        require(sotto__payload_peek(codec->id, packet, len, &info) == 0);
        if (n_pieces == 1) require(info.starts);
        key |= info.is_key;
    }
    require(bytes <= n_bytes && n_pieces > 0);
    require(sotto__payload_join(codec->id, pieces, n_pieces, &joined) == 0);
    normalise_codes(frame, n, &codes);
    normalise_lengths(frame, n, &lengths);
    bool by_codes = joined.n == codes.n && memcmp(joined.p, codes.p, joined.n) == 0;
    bool by_lengths = joined.n == lengths.n && memcmp(joined.p, lengths.p, joined.n) == 0;
    require(by_codes || by_lengths);
    if (n >= 4 && memcmp(frame, "\0\0\0\1", 4) == 0) require(by_codes);
    require(key || !sotto__frame_is_key(codec->id, frame, n));
out:
    for (size_t i = 0; i < n_pieces; i++) free((void *)(uintptr_t)pieces[i].p);
    sotto__buf_free(&joined);
    sotto__buf_free(&codes);
    sotto__buf_free(&lengths);
    free(frame);
    free(packet);
}

/* What is joined has every byte of its pieces but their headers, behind start codes; what is refused leaves nothing; a piece that cannot
 * be peeked at is never joined. */
static inline void check_pieces(enum codec_id id, const uint8_t *data, size_t n)
{
    struct payload_piece pieces[UNITS_MAX_PIECES];
    struct reader r = sotto__reader(data, n);
    struct buf out;
    size_t n_pieces = 0, bytes = 0;
    bool broken = false;
    while (r.n >= 2 && n_pieces < UNITS_MAX_PIECES) {
        struct payload_info info = {0};
        size_t len = sotto__read_u16(&r);
        if (len > r.n) len = r.n;
        const uint8_t *p = exact_copy(sotto__read_view(&r, len), len);
        if (len == 0 || sotto__payload_peek(id, p, len, &info) < 0) broken = true;
        pieces[n_pieces++] = (struct payload_piece){p, len};
        bytes += len;
    }
    sotto__buf_init(&out, n % 3 == 0 ? n / 2 + 8 : 5 * n + 16);
    sotto__buf_add(&out, "before", 6);
    int result = sotto__payload_join(id, pieces, n_pieces, &out);
    require(out.err == 0 && memcmp(out.p, "before", 6) == 0);
    if (result < 0) {
        require(out.n == 6);
        require(result == SOTTO_E_SYNTAX || result == SOTTO_E_LIMIT);
    } else {
        require(!broken && n_pieces > 0);
        require(out.n > 10 && memcmp(out.p + 6, "\0\0\0\1", 4) == 0);
        require(out.n - 6 <= 5 * bytes); /* units of one byte */
    }
    for (size_t i = 0; i < n_pieces; i++) free((void *)(uintptr_t)pieces[i].p);
    sotto__buf_free(&out);
}

static inline int check_units(const struct codec *codec, const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    if (data[0] & 1) {
        check_frame(codec, data + 2, size - 2, 100 + (size_t)data[1]);
    } else {
        check_pieces(codec->id, data + 1, size - 1);
    }
    return 0;
}

#endif

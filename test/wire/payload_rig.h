/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_WIRE_PAYLOAD_RIG_H
#define TEST_WIRE_PAYLOAD_RIG_H
/* For the tests of payload formats: a frame split into packets, each in a block of its own size, so that ASan sees a byte read too
 * far; joined again; and files of real encoders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/mem.h"
#include "wire/payload.h"

#define RIG_MAX_FRAME (16u * 1024 * 1024)

struct rig_packets {
    struct payload_piece *items;
    size_t n;
};

static inline const uint8_t *rig_copy(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    if (n > 0) memcpy(copy, p, n);
    return copy;
}

static inline void rig_free(struct rig_packets *packets)
{
    for (size_t i = 0; i < packets->n; i++) free((void *)(uintptr_t)packets->items[i].p);
    free(packets->items);
    *packets = (struct rig_packets){0};
}

/* Splits, and checks what holds for every format: the bounds are true, no packet is empty or above max, after the last there is none. */
static inline int rig_split(const struct codec *codec, struct split_state *state,
                            const uint8_t *frame, size_t n, size_t max, bool is_key,
                            struct rig_packets *ret)
{
    struct split s;
    size_t n_packets, n_bytes, bytes = 0, len;
    *ret = (struct rig_packets){0};
    int r = sotto__split_init(&s, codec, state, frame, n, max, is_key);
    if (r < 0) return r;
    sotto__split_bound(&s, &n_packets, &n_bytes);
    ret->items = calloc(n_packets, sizeof *ret->items);
    assert_non_null(ret->items);
    uint8_t *out = malloc(max);
    assert_non_null(out);
    while ((len = sotto__split_next(&s, out)) > 0) {
        assert_true(len <= max);
        assert_true(ret->n < n_packets);
        ret->items[ret->n++] = (struct payload_piece){rig_copy(out, len), len};
        bytes += len;
    }
    assert_true(bytes <= n_bytes);
    assert_true(ret->n > 0);
    assert_int_equal(sotto__split_next(&s, out), 0);
    free(out);
    return 0;
}

static inline void rig_assert_joins_to(enum codec_id id, const struct rig_packets *packets,
                                       const uint8_t *frame, size_t n)
{
    struct buf out;
    sotto__buf_init(&out, RIG_MAX_FRAME);
    assert_int_equal(sotto__payload_join(id, packets->items, packets->n, &out), 0);
    assert_int_equal(out.n, n);
    assert_memory_equal(out.p, frame, n);
    sotto__buf_free(&out);
}

/* Every packet can be looked at; the first may start the frame, the last may end it. */
static inline void rig_assert_peeks(enum codec_id id, const struct rig_packets *packets,
                                    bool is_key)
{
    bool key = false;
    for (size_t i = 0; i < packets->n; i++) {
        struct payload_info info;
        assert_int_equal(sotto__payload_peek(id, packets->items[i].p, packets->items[i].n, &info),
                         0);
        if (i == 0) assert_true(info.starts);
        if (i + 1 == packets->n) assert_true(info.may_end);
        key |= info.is_key;
    }
    assert_int_equal(key, is_key);
}

/* What joining these bytes as one packet says; nothing may be left in the buffer when it fails. */
static inline int rig_join_one(enum codec_id id, const uint8_t *p, size_t n)
{
    struct payload_piece piece = {rig_copy(p, n), n};
    struct buf out;
    sotto__buf_init(&out, RIG_MAX_FRAME);
    int r = sotto__payload_join(id, &piece, 1, &out);
    assert_true(r == 0 ? out.n > 0 : out.n == 0 && out.err == 0);
    sotto__buf_free(&out);
    free((void *)(uintptr_t)piece.p);
    return r;
}

static inline uint8_t *rig_read_file(const char *path, size_t *ret_n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long n = ftell(file);
    assert_true(n > 0);
    uint8_t *p = malloc((size_t)n);
    assert_non_null(p);
    rewind(file);
    assert_int_equal(fread(p, 1, (size_t)n, file), n);
    fclose(file);
    *ret_n = (size_t)n;
    return p;
}

#endif

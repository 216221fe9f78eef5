/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_WIRE_PAYLOAD_VIDEO_H
#define TEST_WIRE_PAYLOAD_VIDEO_H
/* For the tests of VP8, VP9 and AV1: frames of IVF files, and what is checked in the same way for each of them. */
#include "payload_rig.h"

struct ivf {
    uint8_t *file;
    size_t n, at;
};

static inline struct ivf ivf_open(const char *path)
{
    struct ivf f = {.at = 32};
    f.file = rig_read_file(path, &f.n);
    assert_true(f.n > f.at && memcmp(f.file, "DKIF", 4) == 0);
    return f;
}

static inline bool ivf_next(struct ivf *f, const uint8_t **ret, size_t *ret_n)
{
    if (f->at == f->n) return false;
    assert_true(f->n - f->at > 12);
    const uint8_t *p = f->file + f->at;
    *ret_n = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
    assert_true(f->n - f->at - 12 >= *ret_n);
    *ret = p + 12;
    f->at += 12 + *ret_n;
    return true;
}

/* join(split(frame)) = frame, and every packet can be looked at. */
static inline size_t video_round_trip(enum codec_id id, const uint8_t *frame, size_t n, size_t max,
                                      bool is_key)
{
    const struct codec codec = {.id = id};
    struct split_state state = {.picture_id = 0x7ffe};
    struct rig_packets packets;
    const uint8_t *copy = rig_copy(frame, n);
    assert_int_equal(rig_split(&codec, &state, copy, n, max, is_key, &packets), 0);
    assert_int_equal(sotto__frame_is_key(id, copy, n), is_key);
    rig_assert_peeks(id, &packets, is_key);
    rig_assert_joins_to(id, &packets, copy, n);
    size_t n_packets = packets.n;
    rig_free(&packets);
    free((void *)(uintptr_t)copy);
    return n_packets;
}

static inline int video_split_result(enum codec_id id, const uint8_t *p, size_t n)
{
    const struct codec codec = {.id = id};
    struct split_state state = {0};
    struct split s;
    const uint8_t *copy = rig_copy(p, n);
    int r = sotto__split_init(&s, &codec, &state, copy, n, 100, false);
    free((void *)(uintptr_t)copy);
    return r;
}

static inline int video_peek(enum codec_id id, const uint8_t *p, size_t n, struct payload_info *ret)
{
    const uint8_t *copy = rig_copy(p, n);
    int r = sotto__payload_peek(id, copy, n, ret);
    free((void *)(uintptr_t)copy);
    return r;
}

struct video_piece { /* a payload of a table */
    size_t n;
    uint8_t p[32];
};

/* Joins the pieces up to the first without bytes; checks for the frame, or that nothing is left of a failure. */
static inline void video_assert_join(enum codec_id id, const struct video_piece *items, int result,
                                     const uint8_t *frame, size_t n)
{
    struct payload_piece pieces[8];
    size_t n_pieces = 0;
    struct buf out;
    for (; n_pieces < 8 && items[n_pieces].n > 0; n_pieces++)
        pieces[n_pieces] = (struct payload_piece){rig_copy(items[n_pieces].p, items[n_pieces].n),
                                                  items[n_pieces].n};
    sotto__buf_init(&out, RIG_MAX_FRAME);
    sotto__buf_add(&out, "before", 6);
    assert_int_equal(sotto__payload_join(id, pieces, n_pieces, &out), result);
    assert_int_equal(out.err, 0);
    assert_int_equal(out.n, result == 0 ? 6 + n : 6);
    assert_memory_equal(out.p, "before", 6);
    if (result == 0) assert_memory_equal(out.p + 6, frame, n);
    sotto__buf_free(&out);
    for (size_t i = 0; i < n_pieces; i++) free((void *)(uintptr_t)pieces[i].p);
}

/* Joining with each allocation failing in turn, and into a buffer that is one byte too small. */
static inline void video_join_survives(enum codec_id id, const uint8_t *frame, size_t n)
{
    const struct codec codec = {.id = id};
    struct split_state state = {0};
    struct rig_packets packets;
    int64_t live = sotto__mem_live();
    assert_int_equal(rig_split(&codec, &state, frame, n, 100, false, &packets), 0);
    for (uint64_t k = 1, failed = 1; failed; k++) {
        struct buf out;
        sotto__buf_init(&out, n);
        sotto__mem_fail_at(k);
        int r = sotto__payload_join(id, packets.items, packets.n, &out);
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(out.n, failed ? 0 : n);
        sotto__buf_free(&out);
    }
    struct buf small;
    sotto__buf_init(&small, n - 1);
    assert_int_equal(sotto__payload_join(id, packets.items, packets.n, &small), SOTTO_E_LIMIT);
    assert_int_equal(small.n, 0);
    assert_int_equal(small.err, 0);
    sotto__buf_free(&small);
    rig_free(&packets);
    assert_int_equal(sotto__mem_live(), live);
}

#endif

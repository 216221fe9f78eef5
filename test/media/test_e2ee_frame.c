/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of each codec, sealed, through packets, and opened: docs/reference/end-to-end.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "media/e2ee_frame.h"
#include "sotto/media.h"
#include "util/mem.h"
#include "wire/payload.h"

enum { MAX_PACKETS = 64, PACKET = 200 };

struct ends {
    struct e2ee *a, *b; /* a sends to b */
};

static void setup(struct ends *e)
{
    static uint8_t bytes[16] = {0x42};
    static uint32_t number;
    number++;
    memcpy(bytes + 4, &number, sizeof number);
    const sotto_e2ee_key k = {.size = sizeof k, .kid = 5, .key = bytes, .key_len = sizeof bytes};
    assert_int_equal(sotto__e2ee_new(&e->a), 0);
    assert_int_equal(sotto__e2ee_new(&e->b), 0);
    assert_int_equal(sotto__e2ee_add(e->a, SOTTO_E2EE_SEND, &k), 0);
    assert_int_equal(sotto__e2ee_add(e->b, SOTTO_E2EE_RECEIVE, &k), 0);
}

static void teardown(struct ends *e)
{
    sotto__e2ee_free(e->a);
    sotto__e2ee_free(e->b);
}

struct sample {
    const char *name;
    enum codec_id id;
    bool is_key;
    size_t n_head, n_body; /* of body: bytes that follow from a seed */
    uint8_t head[64];
    size_t n_clear; /* bytes of head that may be seen on the wire */
};

static const struct sample samples[] = {
    {"opus", CODEC_OPUS, false, 1, 80, {0xf8}, 0},
    {"PCMU", CODEC_PCMU, false, 0, 160, {0}, 0},
    {"VP8 key", CODEC_VP8, true, 10, 900, {0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1}, 10},
    {"VP8", CODEC_VP8, false, 3, 700, {0x11, 2, 0}, 3},
    {"VP9 key", CODEC_VP9, true, 9, 700, {0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xf0, 0x1d, 0xf0}, 0},
    {"VP9", CODEC_VP9, false, 1, 300, {0x86}, 0},
    {"H264 key",
     CODEC_H264,
     true,
     34,
     900,
     {0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0x96, 0x54, 0, 0, 0,    1,    0x68, 0xce, 0x38,
      0, 0, 0, 1, 6,    5,    0xaa, 0x80, 0,    0,    0, 1, 0x65, 0x88, 0x84, 0x21, 0x43},
     34},
    {"H264", CODEC_H264, false, 9, 500, {0, 0, 0, 1, 0x41, 0x9a, 0x24, 0x6c, 0x41}, 9},
    {"H264 tiny", CODEC_H264, false, 6, 0, {0, 0, 0, 1, 0x41, 0x9a}, 6},
    {"H265 key",
     CODEC_H265,
     true,
     31,
     900,
     {0, 0, 0, 1, 0x40, 1, 0x0c, 1, 0, 0, 0, 1,    0x42, 1,    1,   1,
      0, 0, 0, 1, 0x44, 1, 0xc1, 0, 0, 0, 1, 0x26, 1,    0xaf, 0x09},
     31},
    {"H265", CODEC_H265, false, 8, 500, {0, 0, 0, 1, 2, 1, 0xd0, 0x09}, 8},
    {"AV1 key", CODEC_AV1, true, 9, 127, {0x0a, 3, 0, 0, 0x11, 0x32, 0x80, 0x01, 0x10}, 9},
    {"AV1", CODEC_AV1, false, 4, 128, {0x36, 0x08, 0x80, 0x01}, 4},
};
#define N_SAMPLES (sizeof samples / sizeof *samples)

static size_t make_frame(const struct sample *s, uint32_t seed, uint8_t *out)
{
    memcpy(out, s->head, s->n_head);
    for (size_t i = 0; i < s->n_body; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[s->n_head + i] = (uint8_t)(seed >> 24 | 0x10); /* nothing that has to be escaped */
    }
    return s->n_head + s->n_body;
}

/* Into packets and out of them. */
static void carry(const struct sample *s, const uint8_t *frame, size_t n, const struct buf *sealed,
                  struct buf *out)
{
    static uint8_t packets[MAX_PACKETS][PACKET];
    struct payload_piece pieces[MAX_PACKETS];
    const struct codec codec = {
        .id = s->id, .clock = 90000, .channels = 1, .params.packetization = 1};
    struct split_state state = {0};
    struct split split;
    size_t n_packets, bytes, k = 0, len;
    bool is_key = false;
    assert_int_equal(sotto__split_init_sealed(&split, &codec, &state, frame, n, sealed->p,
                                              sealed->n, PACKET, s->is_key),
                     0);
    sotto__split_bound(&split, &n_packets, &bytes);
    assert_true(n_packets <= MAX_PACKETS);
    while ((len = sotto__split_next(&split, packets[k])) > 0) {
        struct payload_info info;
        pieces[k] = (struct payload_piece){packets[k], len};
        if (s->id >= CODEC_VP8) {
            assert_int_equal(sotto__payload_peek(s->id, packets[k], len, &info), 0);
            is_key = is_key || info.is_key || info.may_be_key;
        }
        k++;
    }
    assert_true(k <= n_packets);
    assert_int_equal(is_key, s->is_key); /* servers and receivers see it */
    assert_int_equal(sotto__payload_join(s->id, pieces, k, out), 0);
}

static int seal(struct ends *e, const struct sample *s, const uint8_t *p, size_t n,
                struct buf *sealed)
{
    sotto__buf_init(sealed, SOTTO_MAX_FRAME);
    return sotto__e2ee_seal_frame(e->a, s->id, (struct sframe_bytes){p, n}, sealed);
}

static int open_it(struct ends *e, const struct sample *s, const uint8_t *p, size_t n,
                   struct buf *out)
{
    sotto__buf_init(out, SOTTO_MAX_FRAME);
    int r = sotto__e2ee_open_frame(e->b, NULL, s->id, (struct sframe_bytes){p, n}, out);
    if (r < 0) sotto__buf_free(out);
    return r;
}

static bool has(const struct buf *b, const uint8_t *p, size_t n)
{
    return memmem(b->p, b->n, p, n) != NULL;
}

/* proves: S25 */
static void frames_of_every_codec_come_back_as_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        const struct sample *s = &samples[i];
        struct ends e;
        setup(&e);
        for (uint32_t seed = 0; seed < 400; seed++) { /* ciphertexts with zeros and start codes among them */
            uint8_t frame[1100];
            struct buf sealed, carried, back;
            size_t n = make_frame(s, seed, frame);
            assert_int_equal(seal(&e, s, frame, n, &sealed), 0);
            sotto__buf_init(&carried, SOTTO_MAX_FRAME);
            if (s->id < CODEC_VP8)
                sotto__buf_add(&carried, sealed.p, sealed.n);
            else
                carry(s, frame, n, &sealed, &carried);
            assert_int_equal(open_it(&e, s, carried.p, carried.n, &back), 0);
            assert_int_equal(back.n, n);
            assert_memory_equal(back.p, frame, n);
            assert_int_equal(sotto__frame_is_key(s->id, back.p, back.n), s->is_key);
            if (s->n_body >= 100)
                for (size_t at = s->n_head + 8; at + 8 <= n; at += 8)
                    assert_false(has(&sealed, frame + at, 8)); /* nothing readable */
            sotto__buf_free(&sealed);
            sotto__buf_free(&carried);
            sotto__buf_free(&back);
        }
        teardown(&e);
    }
}

/* proves: S25 H137 */
static void a_frame_that_was_changed_anywhere_does_not_come_up_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        const struct sample *s = &samples[i];
        struct ends e;
        uint8_t frame[1100];
        struct buf sealed, back;
        setup(&e);
        size_t n = make_frame(s, 1, frame);
        assert_int_equal(seal(&e, s, frame, n, &sealed), 0);
        for (size_t bit = 0; bit < sealed.n * 8; bit += bit < 800 ? 1 : 7) {
            sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (open_it(&e, s, sealed.p, sealed.n, &back) == 0) { /* it was a copy that nobody reads */
                assert_true(s->id == CODEC_H264 || s->id == CODEC_H265 || s->id == CODEC_AV1);
                assert_int_equal(back.n, n);
                assert_memory_equal(back.p, frame, n);
                sotto__buf_free(&back);
                teardown(&e);
                sotto__buf_free(&sealed);
                setup(&e);
                assert_int_equal(seal(&e, s, frame, n, &sealed), 0);
                continue;
            }
            sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t len = 0; len < sealed.n; len++)
            assert_int_equal(open_it(&e, s, sealed.p, len, &back), SOTTO_E_PROTO);
        assert_int_equal(open_it(&e, s, frame, n, &back), SOTTO_E_PROTO); /* in the clear */
        assert_int_equal(open_it(&e, s, sealed.p, sealed.n, &back), 0);
        sotto__buf_free(&back);
        sotto__buf_free(&sealed);
        teardown(&e);
    }
}

static void add_sealed(struct ends *e, const struct sample *s, const uint8_t *p, size_t n,
                       struct buf *out)
{
    struct buf sealed;
    assert_int_equal(seal(e, s, p, n, &sealed), 0);
    sotto__buf_add(out, sealed.p, sealed.n);
    sotto__buf_free(&sealed);
}

/* As a browser's transform gets them, under one time. */
/* proves: S25 H137 */
static void av1_layers_that_were_sealed_one_by_one_are_opened_one_by_one(void **state)
{
    (void)state;
    static const uint8_t layers[2][6] = {{0x36, 0x00, 3, 1, 2, 3}, {0x36, 0x08, 3, 4, 5, 6}};
    const struct sample s = {.id = CODEC_AV1};
    struct ends e;
    struct buf wire, back;
    setup(&e);
    for (int bad = 0; bad < 2; bad++) {
        sotto__buf_init(&wire, SOTTO_MAX_FRAME);
        for (int i = 0; i < 2; i++) add_sealed(&e, &s, layers[i], sizeof *layers, &wire);
        wire.p[wire.n - 1] ^= (uint8_t)bad; /* of the upper layer's tag */
        assert_int_equal(open_it(&e, &s, wire.p, wire.n, &back), bad ? SOTTO_E_PROTO : 0);
        sotto__buf_free(&wire);
        if (bad) continue;
        assert_int_equal(back.n, sizeof layers);
        assert_memory_equal(back.p, layers, sizeof layers);
        sotto__buf_free(&back);
    }
    teardown(&e);
}

/* proves: S25 */
static void what_is_no_frame_or_has_no_form_is_not_sealed(void **state)
{
    (void)state;
    static const struct {
        enum codec_id id;
        uint8_t p[8];
        size_t n;
        int want;
    } bad[] = {{CODEC_VP8, {0x10, 2, 0, 0x9d, 1, 0x2a}, 6, SOTTO_E_SYNTAX},
               {CODEC_VP8, {0x11, 2}, 2, SOTTO_E_SYNTAX},
               {CODEC_H264, {1, 2, 3, 4}, 4, SOTTO_E_SYNTAX},
               {CODEC_H264, {0, 0, 0, 1, 0x67, 1}, 6, SOTTO_E_SYNTAX}, /* no slice */
               {CODEC_AV1, {0x0a, 3, 0, 0, 0x11}, 5, SOTTO_E_SYNTAX},
               {CODEC_AV1, {0x32, 9, 0}, 3, SOTTO_E_SYNTAX},
               {CODEC_DTMF, {1, 2, 3, 4}, 4, SOTTO_E_UNSUPPORTED},
               {CODEC_RED, {111, 2, 3, 4}, 4, SOTTO_E_UNSUPPORTED}};
    struct ends e;
    setup(&e);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out;
        const struct sample s = {.id = bad[i].id};
        assert_int_equal(seal(&e, &s, bad[i].p, bad[i].n, &out), bad[i].want);
        sotto__buf_free(&out);
    }
    teardown(&e);
}

/* A frame with lengths instead of start codes comes out with start codes. */
static void h264_with_lengths_is_sealed_with_start_codes(void **state)
{
    (void)state;
    static const uint8_t mp4[] = {0, 0, 0, 6, 0x41, 0x9a, 0x24, 0x6c, 0x41, 0x77};
    static const uint8_t annex_b[] = {0, 0, 0, 1, 0x41, 0x9a, 0x24, 0x6c, 0x41, 0x77};
    const struct sample s = {.id = CODEC_H264};
    struct ends e;
    struct buf sealed, back;
    setup(&e);
    assert_int_equal(seal(&e, &s, mp4, sizeof mp4, &sealed), 0);
    assert_int_equal(open_it(&e, &s, sealed.p, sealed.n, &back), 0);
    assert_int_equal(back.n, sizeof annex_b);
    assert_memory_equal(back.p, annex_b, sizeof annex_b);
    sotto__buf_free(&sealed);
    sotto__buf_free(&back);
    teardown(&e);
}

/* proves: S25 */
static void a_frame_that_grows_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    struct ends e;
    struct buf sealed;
    uint8_t *big = calloc(1, SOTTO_MAX_FRAME);
    assert_non_null(big);
    setup(&e);
    const struct sample s = {.id = CODEC_VP9};
    assert_int_equal(seal(&e, &s, big, SOTTO_MAX_FRAME - SFRAME_OVERHEAD, &sealed), 0);
    sotto__buf_free(&sealed);
    assert_int_equal(seal(&e, &s, big, SOTTO_MAX_FRAME - SFRAME_OVERHEAD + 1, &sealed),
                     SOTTO_E_TOO_BIG);
    sotto__buf_free(&sealed);
    teardown(&e);
    free(big);
}

static void frames_leave_nothing_when_memory_ends(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    int64_t live = sotto__mem_live();
    for (size_t i = 0; i < N_SAMPLES; i++) {
        const struct sample *s = &samples[i];
        uint8_t frame[1100];
        size_t n = make_frame(s, 3, frame);
        bool done = false;
        for (uint64_t at = 1; !done; at++) {
            struct buf sealed, back = {0};
            sotto__mem_fail_at(at);
            int r = seal(&e, s, frame, n, &sealed);
            if (r == 0) r = open_it(&e, s, sealed.p, sealed.n, &back);
            done = !sotto__mem_failed();
            sotto__mem_fail_at(0);
            assert_int_equal(r, done ? 0 : SOTTO_E_NOMEM);
            sotto__buf_free(&sealed);
            if (r == 0) sotto__buf_free(&back);
            assert_int_equal(sotto__mem_live(), live);
        }
    }
    teardown(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_codec_come_back_as_they_were),
        cmocka_unit_test(a_frame_that_was_changed_anywhere_does_not_come_up_changed),
        cmocka_unit_test(av1_layers_that_were_sealed_one_by_one_are_opened_one_by_one),
        cmocka_unit_test(what_is_no_frame_or_has_no_form_is_not_sealed),
        cmocka_unit_test(h264_with_lengths_is_sealed_with_start_codes),
        cmocka_unit_test(a_frame_that_grows_beyond_the_limit_is_refused),
        cmocka_unit_test(frames_leave_nothing_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Header extensions (RFC 8285) in both forms: the bytes of the RFC, every element that we know, hostile blocks: H098, RTP-09. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/limits.h"
#include "util/mem.h"
#include "wire/rtp_ext.h"

static const uint8_t ids[EXT_COUNT] = {
    [EXT_MID] = 1,           [EXT_RID] = 2,        [EXT_RRID] = 3,        [EXT_ABS_SEND] = 4,
    [EXT_ABS_CAPTURE] = 5,   [EXT_TWCC] = 6,       [EXT_AUDIO_LEVEL] = 7, [EXT_ORIENTATION] = 8,
    [EXT_PLAYOUT_DELAY] = 9, [EXT_DEPENDENCY] = 10};

static struct ext_values read_block(uint16_t profile, const uint8_t *p, size_t n)
{
    struct rtp rtp = {.has_ext = true, .ext_profile = profile, .ext = p, .n_ext = n};
    struct ext_values v;
    sotto__ext_read(&rtp, ids, &v);
    return v;
}

/* proves: RTP-09 */
static void ext_reads_every_element_in_both_forms(void **state)
{
    (void)state;
    static const uint8_t one[] = {0x11, '4',  '2',  0x20, 'h',  0x30, 'q',  0x42, 1,
                                  2,    3,    0x57, 1,    2,    3,    4,    5,    6,
                                  7,    8,    0x61, 0xab, 0xcd, 0x70, 0x8a, 0x80, 0x0e,
                                  0x92, 0x00, 0x10, 0x64, 0xa1, 0xde, 0xad};
    static const uint8_t two[] = {1, 2,    '4', '2', 2,    1,    'h',  3,  1, 'q',  4,
                                  3, 1,    2,   3,   5,    8,    1,    2,  3, 4,    5,
                                  6, 7,    8,   6,   2,    0xab, 0xcd, 7,  1, 0x8a, 8,
                                  1, 0x0e, 9,   3,   0x00, 0x10, 0x64, 10, 2, 0xde, 0xad};
    struct ext_values both[] = {read_block(0xbede, one, sizeof one),
                                read_block(0x1000, two, sizeof two)};
    for (int i = 0; i < 2; i++) {
        const struct ext_values *v = &both[i];
        assert_int_equal(v->has, (1u << EXT_COUNT) - 1);
        assert_true(sotto__str_eq(v->mid, STR("42")));
        assert_true(sotto__str_eq(v->rid, STR("h")));
        assert_true(sotto__str_eq(v->rrid, STR("q")));
        assert_int_equal(v->abs_send, 0x010203);
        assert_true(v->abs_capture == 0x0102030405060708u);
        assert_false(v->has_capture_offset);
        assert_int_equal(v->twcc, 0xabcd);
        assert_true(v->voice);
        assert_int_equal(v->audio_level, 10);
        assert_int_equal(v->rotation, 2); /* without camera and flip */
        assert_int_equal(v->playout_min, 1);
        assert_int_equal(v->playout_max, 100);
        assert_int_equal(v->n_dependency, 2);
        assert_int_equal(v->dependency[1], 0xad);
    }
}

static void ext_reads_the_offset_of_a_capture_time(void **state)
{
    (void)state;
    static const uint8_t block[] = {0x5f, 0,    0,    0,    1,    0,    0,    0,   2,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
    struct ext_values v = read_block(0xbede, block, sizeof block);
    assert_int_equal(v.has, 1u << EXT_ABS_CAPTURE);
    assert_true(v.abs_capture == 0x0000000100000002u);
    assert_true(v.has_capture_offset && v.capture_offset == -2);
}

/* RFC 8285 §4.2 and §4.3 give these layouts: elements of 1, 2 and 4 bytes, and padding between them. */
/* proves: RTP-09 */
static void ext_rtp_09_walks_padding_and_unknown_elements(void **state)
{
    (void)state;
    static const uint8_t one[] = {0xc0, 0xff, 0xd1, 0xff, 0xff, 0,   0, 0x61,
                                  0,    7,    0,    0,    0x10, '0', 0, 0};
    static const uint8_t two[] = {200, 0, 201, 1, 0xff, 0, 0, 202, 4, 1,  2,
                                  3,   4, 6,   2, 0,    7, 0, 1,   1, '0'};
    struct ext_values v = read_block(0xbede, one, sizeof one);
    assert_int_equal(v.has, 1u << EXT_TWCC | 1u << EXT_MID);
    assert_int_equal(v.twcc, 7);
    v = read_block(0x100f, two, sizeof two);
    assert_int_equal(v.has, 1u << EXT_TWCC | 1u << EXT_MID);
    assert_int_equal(v.twcc, 7);
}

/* proves: H098 SRTP-10 RTP-09 */
static void ext_h098_judges_hostile_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint16_t profile;
        uint8_t bytes[24];
        size_t n;
        uint32_t has;
    } cases[] = {
        {"nothing", 0xbede, {0}, 0, 0},
        {"one byte, runs over", 0xbede, {0x61, 1, 2, 0x12, '0', '1'}, 6, 1u << EXT_TWCC},
        {"id 15 ends it", 0xbede, {0x61, 1, 2, 0xf0, 0, 0x10, '0', 0}, 8, 1u << EXT_TWCC},
        {"id 15 at the end, its length ignored", 0xbede, {0x61, 1, 2, 0xff}, 4, 1u << EXT_TWCC},
        {"id 0 with a length ends it",
         0xbede,
         {0x61, 1, 2, 0x01, 0, 0, 0x10, '0'},
         8,
         1u << EXT_TWCC},
        {"two bytes, 255 at the end", 0x1000, {6, 2, 1, 2, 1, 255, '0', '1'}, 8, 1u << EXT_TWCC},
        {"two bytes, id without a length", 0x1000, {6, 2, 1, 2, 0, 0, 0, 1}, 8, 1u << EXT_TWCC},
        {"two bytes, id 15 is one like others",
         0x1000,
         {15, 1, 9, 6, 2, 1, 2, 0},
         8,
         1u << EXT_TWCC},
        {"a foreign profile", 0xabac, {0x61, 1, 2, 0}, 4, 0},
        {"a profile like the two-byte form", 0x1010, {6, 2, 1, 2}, 4, 0},
        {"elements of a wrong size",
         0xbede,
         {0x60, 1, 0x62, 1,    2, 3, 0x71, 1, 1, 0x41, 1, 1,
          0x91, 1, 1,    0x81, 1, 1, 0x56, 1, 2, 3,    4, 5},
         24,
         0},
        {"a wrong one, then a right one",
         0xbede,
         {0x60, 1, 0x61, 1, 2, 0, 0, 0},
         8,
         1u << EXT_TWCC},
        {"MID that is no token", 0xbede, {0x11, 'a', ' ', 0}, 4, 0},
        {"MID with a NUL", 0xbede, {0x12, 'a', 0, 'b'}, 4, 0},
        {"MID of bytes above ASCII", 0xbede, {0x11, 0xc3, 0xbc, 0}, 4, 0},
        {"MID of 0 bytes", 0x1000, {1, 0, 0, 0}, 4, 0},
        {"RID with a slash", 0xbede, {0x21, 'a', '/', 0}, 4, 0},
        {"RID with a hyphen", 0xbede, {0x22, 'a', '-', '1'}, 4, 1u << EXT_RID},
        {"repaired RID of 0 bytes", 0x1000, {3, 0, 0, 0}, 4, 0},
        {"dependency descriptor of 0 bytes", 0x1000, {10, 0, 0, 0}, 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *exact = sotto__memdup(cases[i].bytes, cases[i].n);
        assert_non_null(exact);
        struct ext_values v = read_block(cases[i].profile, exact, cases[i].n);
        if (v.has != cases[i].has) fail_msg("%s: %x", cases[i].what, v.has);
        sotto__free(exact);
    }
}

static void ext_takes_the_first_of_two(void **state)
{
    (void)state;
    static const uint8_t block[] = {0x61, 0, 1, 0x61, 0, 2, 0x10, 'a', 0x10, 'b'};
    struct ext_values v = read_block(0xbede, block, sizeof block);
    assert_int_equal(v.twcc, 1);
    assert_true(sotto__str_eq(v.mid, STR("a")));
}

static void ext_reads_only_what_was_negotiated(void **state)
{
    (void)state;
    static const uint8_t block[] = {0x61, 0, 1, 0x10, 'a', 0, 0, 0};
    const uint8_t none[EXT_COUNT] = {0}, only[EXT_COUNT] = {[EXT_MID] = 6};
    struct rtp rtp = {.has_ext = true, .ext_profile = 0xbede, .ext = block, .n_ext = sizeof block};
    struct ext_values v;
    sotto__ext_read(&rtp, none, &v);
    assert_int_equal(v.has, 0); /* id 0 is no id: padding does not match it */
    sotto__ext_read(&rtp, only, &v);
    assert_int_equal(v.has, 0); /* the bytes 0 1 are no MID */
    rtp.has_ext = false;
    sotto__ext_read(&rtp, ids, &v);
    assert_int_equal(v.has, 0);
}

/* proves: H098 */
static void ext_keeps_mids_of_their_limit_and_not_longer(void **state)
{
    (void)state;
    uint8_t block[2 + SOTTO_MAX_MID + 1] = {1, SOTTO_MAX_MID};
    memset(block + 2, 'm', SOTTO_MAX_MID + 1);
    assert_int_equal(read_block(0x1000, block, 2 + SOTTO_MAX_MID).mid.n, SOTTO_MAX_MID);
    block[1]++;
    assert_int_equal(read_block(0x1000, block, sizeof block).has, 0);
    uint8_t rid[2 + 255] = {2, 255};
    memset(rid + 2, 'r', 255);
    assert_int_equal(read_block(0x1000, rid, sizeof rid).rid.n, 255);
}

/* ---- writing ---- */

static struct ext_values some(void)
{
    return (struct ext_values){
        .has = 1u << EXT_MID | 1u << EXT_TWCC | 1u << EXT_AUDIO_LEVEL,
        .mid = STR("0"),
        .twcc = 0x0102,
        .voice = true,
        .audio_level = 127,
    };
}

static void ext_writes_the_one_byte_form(void **state)
{
    (void)state;
    static const uint8_t want[] = {0xbe, 0xde, 0, 2, 0x10, '0', 0x61, 1, 2, 0x70, 0xff, 0};
    uint8_t out[64];
    struct ext_values v = some();
    assert_int_equal(sotto__ext_size(ids, &v), sizeof want);
    assert_int_equal(sotto__ext_write(ids, &v, out, sizeof want), sizeof want);
    assert_memory_equal(out, want, sizeof want);
    for (size_t cap = 0; cap < sizeof want; cap++)
        assert_int_equal(sotto__ext_write(ids, &v, out, cap), SOTTO_E_TOO_BIG);
}

static void ext_writes_the_two_byte_form_where_it_must(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x10, 0x00, 0, 3, 1, 1, '0', 6, 2, 1, 2, 15, 1, 0xff, 0, 0};
    uint8_t high[EXT_COUNT], out[64];
    memcpy(high, ids, sizeof high);
    high[EXT_AUDIO_LEVEL] = 15;
    struct ext_values v = some();
    assert_int_equal(sotto__ext_size(high, &v), sizeof want);
    assert_int_equal(sotto__ext_write(high, &v, out, sizeof out), sizeof want);
    assert_memory_equal(out, want, sizeof want);
    v = some();
    v.mid = STR("0123456789abcdef"); /* 16 bytes are the one-byte form's last */
    assert_int_equal(sotto__ext_write(ids, &v, out, sizeof out), 28);
    assert_int_equal(out[0], 0xbe);
    v.mid = STR("0123456789abcdefg");
    assert_int_equal(sotto__ext_write(ids, &v, out, sizeof out), 32);
    assert_int_equal(out[0], 0x10);
}

static void ext_writes_nothing_where_nothing_is_to_say(void **state)
{
    (void)state;
    const uint8_t none[EXT_COUNT] = {0};
    uint8_t out[4] = {0};
    struct ext_values v = some(), empty = {.has = 1u << EXT_MID};
    assert_int_equal(sotto__ext_size(none, &v), 0);
    assert_int_equal(sotto__ext_write(none, &v, out, sizeof out), 0);
    assert_int_equal(sotto__ext_write(ids, &empty, out, sizeof out), 0); /* a MID of 0 bytes */
    v.has = 0;
    assert_int_equal(sotto__ext_write(ids, &v, out, 0), 0);
}

static void ext_refuses_elements_above_255_bytes(void **state)
{
    (void)state;
    uint8_t descriptor[256] = {0}, out[512];
    struct ext_values v = {
        .has = 1u << EXT_DEPENDENCY, .dependency = descriptor, .n_dependency = 255};
    assert_int_equal(sotto__ext_write(ids, &v, out, sizeof out), 4 + 260);
    v.n_dependency = 256;
    assert_int_equal(sotto__ext_write(ids, &v, out, sizeof out), SOTTO_E_TOO_BIG);
}

static void ext_writes_what_it_reads(void **state)
{
    (void)state;
    static const uint8_t descriptor[] = {0x80, 0, 1};
    struct ext_values again, v = {.has = (1u << EXT_COUNT) - 1,
                                  .mid = STR("audio"),
                                  .rid = STR("h"),
                                  .rrid = STR("l"),
                                  .abs_send = 0xfffffe,
                                  .abs_capture = UINT64_MAX - 1,
                                  .has_capture_offset = true,
                                  .capture_offset = INT64_MIN,
                                  .twcc = 0xffff,
                                  .audio_level = 0,
                                  .rotation = 3,
                                  .playout_min = 0xfff,
                                  .playout_max = 0xffe,
                                  .dependency = descriptor,
                                  .n_dependency = sizeof descriptor};
    for (int form = 0; form < 2; form++) {
        uint8_t used[EXT_COUNT], out[128];
        for (int i = 0; i < EXT_COUNT; i++) used[i] = (uint8_t)(ids[i] + (form ? 200 : 0));
        int n = sotto__ext_write(used, &v, out, sizeof out);
        assert_true(n > 4 && n % 4 == 0 && (size_t)n == sotto__ext_size(used, &v));
        struct rtp rtp = {.has_ext = true,
                          .ext_profile = form ? 0x1000 : 0xbede,
                          .ext = out + 4,
                          .n_ext = (size_t)n - 4};
        sotto__ext_read(&rtp, used, &again);
        assert_int_equal(again.has, v.has);
        assert_true(sotto__str_eq(again.mid, v.mid) && sotto__str_eq(again.rid, v.rid));
        assert_true(sotto__str_eq(again.rrid, v.rrid) && again.abs_send == v.abs_send);
        assert_true(again.abs_capture == v.abs_capture && again.has_capture_offset);
        assert_true(again.capture_offset == v.capture_offset && again.twcc == v.twcc);
        assert_true(again.audio_level == 0 && !again.voice && again.rotation == 3);
        assert_true(again.playout_min == 0xfff && again.playout_max == 0xffe);
        assert_int_equal(again.n_dependency, sizeof descriptor);
        assert_memory_equal(again.dependency, descriptor, sizeof descriptor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ext_reads_every_element_in_both_forms),
        cmocka_unit_test(ext_reads_the_offset_of_a_capture_time),
        cmocka_unit_test(ext_rtp_09_walks_padding_and_unknown_elements),
        cmocka_unit_test(ext_h098_judges_hostile_blocks),
        cmocka_unit_test(ext_takes_the_first_of_two),
        cmocka_unit_test(ext_reads_only_what_was_negotiated),
        cmocka_unit_test(ext_keeps_mids_of_their_limit_and_not_longer),
        cmocka_unit_test(ext_writes_the_one_byte_form),
        cmocka_unit_test(ext_writes_the_two_byte_form_where_it_must),
        cmocka_unit_test(ext_writes_nothing_where_nothing_is_to_say),
        cmocka_unit_test(ext_refuses_elements_above_255_bytes),
        cmocka_unit_test(ext_writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* NAL units found in frames with start codes and with lengths, the two told apart, and laid out in packets. */
#include "payload_rig.h"

#include "wire/payload_int.h"

struct listing { /* "lengths of the units" in a text, "" for no frame */
    const char *hex;
    size_t head;
    const char *units;
};

static size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (; *hex; hex++) {
        if (*hex == ' ') continue;
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        assert_true(n < cap);
        out[n++] = (uint8_t)byte;
        hex++;
    }
    return n;
}

/* "[" the bytes of each unit "]" */
static void list_units(const uint8_t *p, size_t n, size_t head, char *out, size_t cap)
{
    struct nal_reader r;
    struct payload_piece unit;
    size_t used = 0;
    out[0] = '\0';
    if (sotto__nal_open(&r, p, n, head) < 0) return;
    while (sotto__nal_next(&r, &unit)) {
        used += (size_t)snprintf(out + used, cap - used, "[");
        for (size_t i = 0; i < unit.n; i++)
            used += (size_t)snprintf(out + used, cap - used, "%02x", unit.p[i]);
        used += (size_t)snprintf(out + used, cap - used, "]");
        assert_true(used < cap);
    }
}

static void check_listings(const struct listing *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[64];
        char units[256];
        size_t len = from_hex(rows[i].hex, bytes, sizeof bytes);
        const uint8_t *frame = rig_copy(bytes, len);
        list_units(frame, len, rows[i].head, units, sizeof units);
        assert_string_equal(units, rows[i].units);
        free((void *)(uintptr_t)frame);
    }
}

static void units_are_found_between_start_codes(void **state)
{
    (void)state;
    static const struct listing rows[] = {
        {"00000001 65aabb", 1, "[65aabb]"},
        {"000001 65aabb", 1, "[65aabb]"},
        {"00000001 6742 00000001 68ce 000001 6588", 1, "[6742][68ce][6588]"},
        {"0000000000 01 65", 1, "[65]"}, /* leading_zero_8bits */
        {"00000001 65aa 000000", 1, "[65aa]"}, /* trailing_zero_8bits */
        {"00000001 65aa 00000000 000001 41bb", 1, "[65aa][41bb]"},
        {"00000001 65 00 00 03 01 00000001 41", 1, "[6500000301][41]"}, /* emulation prevention stays */
        {"00000001 65 00 00 02 00 01", 1, "[650000020001]"},
        {"00000001 65 00 00 000001 41", 1, "[65][41]"},
        {"00000001 00000001 41", 1, "[41]"}, /* an empty unit is none */
        {"00000001 41 000001", 1, "[41]"},
        {"00000001 41 00000001 0000", 1, "[41]"},
        {"00000001 41 0001", 1, "[410001]"},
        {"00000001 41 00 01 0000 01 42", 1, "[410001][42]"},
    };
    check_listings(rows, sizeof rows / sizeof *rows);
}

static void units_are_found_by_their_lengths(void **state)
{
    (void)state;
    static const struct listing rows[] = {
        {"00000003 65aabb", 1, "[65aabb]"},
        {"00000002 09f0 00000003 41aabb", 1, "[09f0][41aabb]"},
        {"00000004 65000000", 1, "[65000000]"}, /* zeros at the end are the unit's */
        {"00000002 65aa 00000001 41", 1, "[65aa][41]"},
        {"00000003 4001aa 00000002 4201", 2, "[4001aa][4201]"},
    };
    check_listings(rows, sizeof rows / sizeof *rows);
}

static void what_is_neither_form_is_no_frame(void **state)
{
    (void)state;
    struct nal_reader r;
    assert_int_equal(sotto__nal_open(&r, (const uint8_t *)"", 0, 1), SOTTO_E_SYNTAX);
    static const struct listing rows[] = {
        {"", 1, ""},
        {"65", 1, ""},
        {"65000141", 1, ""}, /* a start code behind something */
        {"6500000141", 1, ""},
        {"0065000001 41", 1, ""},
        {"65aabb", 1, ""},
        {"00", 1, ""},
        {"000000", 1, ""},
        {"00000000", 1, ""},
        {"0001 65aabb", 1, ""},
        {"0000000365aa", 1, ""},           /* a length beyond the end */
        {"00000002 65aa 00", 1, ""},       /* bytes after the last unit */
        {"00000002 65aa 000000", 1, ""},
        {"00000002 65aa 00000000", 1, ""}, /* a unit of no bytes */
        {"00000000 00000002 65aa", 1, ""},
        {"ffffffff 65aa", 1, ""},
        {"00000002 e5aa", 1, ""},          /* a first bit that is never set */
    };
    check_listings(rows, sizeof rows / sizeof *rows);
}

/* 00 00 01 xx begins a length of 256…511, or a start code of 3 bytes: every length that can be taken for one. */
static void a_length_that_looks_like_a_start_code_is_a_length(void **state)
{
    (void)state;
    for (size_t head = 1; head <= 2; head++)
        for (size_t n = 256; n < 512; n++) {
            uint8_t *frame = malloc(4 + n);
            struct nal_reader r;
            struct payload_piece unit;
            assert_non_null(frame);
            memset(frame, 0x5a, 4 + n);
            frame[0] = frame[1] = 0, frame[2] = 1, frame[3] = (uint8_t)n;
            memcpy(frame + 4, head == 1 ? "\x41\x9a" : "\x02\x01", 2);
            assert_int_equal(sotto__nal_open(&r, frame, 4 + n, head), 0);
            assert_true(r.lengths);
            assert_true(sotto__nal_next(&r, &unit));
            assert_int_equal(unit.n, n);
            assert_false(sotto__nal_next(&r, &unit));
            free(frame);
        }
}

/* The first unit behind a start code of 3 bytes, where as a length its type and size would lead to the end of the frame. */
static void a_start_code_of_three_bytes_is_not_taken_for_a_length(void **state)
{
    (void)state;
    static const struct {
        size_t head;
        uint8_t unit[2];
    } rows[] = {
        {1, {0x41, 0x9a}}, /* slices of H264 that begin a picture */
        {1, {0x65, 0x88}}, {1, {0x01, 0xa8}}, {1, {0x61, 0xe0}}, {1, {0x09, 0xf0}}, /* access unit delimiter */
        {2, {0x02, 0x01}}, /* TRAIL_R, IDR, VPS, AUD of H265 */
        {2, {0x26, 0x01}}, {2, {0x40, 0x01}}, {2, {0x46, 0x01}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = 4 + 256 + (size_t)rows[i].unit[0];
        uint8_t *frame = malloc(n);
        struct nal_reader r;
        assert_non_null(frame);
        memset(frame, 0x5a, n);
        memcpy(frame, "\0\0\1", 3);
        memcpy(frame + 3, rows[i].unit, 2);
        assert_int_equal(sotto__nal_open(&r, frame, n, rows[i].head), 0);
        assert_false(r.lengths);
        free(frame);
    }
}

/* ---- layout ---- */

static const struct codec h264 = {.id = CODEC_H264, .params = {.packetization = 1}},
                          h265 = {.id = CODEC_H265};

/* Units of these sizes, with start codes of 4 bytes. */
static uint8_t *frame_of(const struct codec *codec, const size_t *sizes, size_t n, size_t *ret_n)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total += 4 + sizes[i];
    uint8_t *frame = malloc(total);
    assert_non_null(frame);
    for (size_t i = 0; i < n; i++) {
        memcpy(frame + at, "\0\0\0\1", 4);
        for (size_t k = 0; k < sizes[i]; k++) frame[at + 4 + k] = (uint8_t)(0x11 + k % 0xe0);
        frame[at + 4] = codec->id == CODEC_H264 ? 0x41 : 0x02;
        if (codec->id == CODEC_H265) frame[at + 5] = 0x01;
        at += 4 + sizes[i];
    }
    *ret_n = total;
    return frame;
}

/* How many packets, and their lengths. */
static void check_layout(const struct codec *codec, const size_t *sizes, size_t n, size_t max,
                         const char *layout)
{
    size_t n_frame, used = 0;
    char text[256] = "";
    struct rig_packets packets;
    uint8_t *frame = frame_of(codec, sizes, n, &n_frame);
    assert_int_equal(rig_split(codec, NULL, frame, n_frame, max, false, &packets), 0);
    for (size_t i = 0; i < packets.n; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%zu ", packets.items[i].n);
    if (layout) assert_string_equal(text, layout);
    rig_assert_joins_to(codec->id, &packets, frame, n_frame);
    rig_assert_peeks(codec->id, &packets, false);
    rig_free(&packets);
    free(frame);
}

static void small_units_share_packets_and_large_ones_are_cut(void **state)
{
    (void)state;
    check_layout(&h264, (size_t[]){99}, 1, 100, "99 ");
    check_layout(&h264, (size_t[]){100}, 1, 100, "100 ");
    check_layout(&h264, (size_t[]){101}, 1, 100, "52 52 ");           /* 100 bytes behind the header in two */
    check_layout(&h264, (size_t[]){47, 48}, 2, 100, "100 ");          /* 1 + 2 + 47 + 2 + 48 */
    check_layout(&h264, (size_t[]){47, 49}, 2, 100, "47 49 ");
    check_layout(&h264, (size_t[]){1, 1, 1}, 3, 100, "10 ");
    check_layout(&h264, (size_t[]){20, 6, 500, 20}, 4, 100, "31 86 85 85 85 85 85 20 ");
}

/* Every size of a unit around the edges of packets, alone, before and after small ones. */
static void every_size_around_the_edges_comes_back(void **state)
{
    (void)state;
    const struct codec *codecs[] = {&h264, &h265};
    for (size_t c = 0; c < 2; c++)
        for (size_t max = 100; max <= 103; max++)
            for (size_t n = 2; n <= 4 * max + 5; n++) {
                check_layout(codecs[c], (size_t[]){n}, 1, max, NULL);
                check_layout(codecs[c], (size_t[]){3, n}, 2, max, NULL);
                check_layout(codecs[c], (size_t[]){n, 3, 2}, 3, max, NULL);
                check_layout(codecs[c], (size_t[]){n, n, 2, n}, 4, max, NULL);
            }
}

/* As many pairs of sizes as fill one aggregate, and one byte more. */
static void every_pair_around_a_full_aggregate_comes_back(void **state)
{
    (void)state;
    for (size_t a = 2; a <= 101; a++)
        for (size_t b = 90 - (a < 88 ? a : 88); b + a <= 102; b++) {
            if (b < 2) continue;
            check_layout(&h264, (size_t[]){a, b}, 2, 100, NULL);
            check_layout(&h265, (size_t[]){a, b}, 2, 100, NULL);
        }
}

static void max_above_what_lengths_can_say_is_cut_to_it(void **state)
{
    (void)state;
    check_layout(&h264, (size_t[]){65535}, 1, 1 << 20, "65535 ");
    check_layout(&h264, (size_t[]){65536}, 1, 1 << 20, "32770 32769 ");
    check_layout(&h264, (size_t[]){65529, 1}, 2, 1 << 20, "65535 ");
    check_layout(&h264, (size_t[]){65530, 1}, 2, 1 << 20, "65530 1 ");
}

/* 8 MiB as one unit, as units of one byte, and of zeros, each within a second even under sanitizers; quadratic time would take hours. */
static void frames_of_eight_mebibytes_take_linear_time(void **state)
{
    (void)state;
    const size_t n = 8u * 1024 * 1024;
    uint8_t *frame = malloc(n);
    assert_non_null(frame);
    struct rig_packets packets;
    memset(frame, 0x5a, n);
    memcpy(frame, "\0\0\0\1\x41", 5);
    assert_int_equal(rig_split(&h264, NULL, frame, n, 1140, false, &packets), 0);
    rig_assert_joins_to(CODEC_H264, &packets, frame, n);
    rig_free(&packets);
    for (size_t at = 0; at + 8 <= n; at += 8) memcpy(frame + at, "\0\0\0\1\x41\x9a\0\0", 8);
    assert_int_equal(rig_split(&h264, NULL, frame, n, 1140, false, &packets), 0);
    assert_true(packets.n < n / 8 / 200); /* of 4 bytes each in an aggregate */
    rig_free(&packets);
    memset(frame + 5, 0, n - 5);
    assert_int_equal(rig_split(&h264, NULL, frame, n, 1140, false, &packets), 0);
    assert_int_equal(packets.n, 1);
    rig_free(&packets);
    memset(frame, 0, n);
    assert_int_equal(rig_split(&h264, NULL, frame, n, 1140, false, &packets), SOTTO_E_SYNTAX);
    free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_found_between_start_codes),
        cmocka_unit_test(units_are_found_by_their_lengths),
        cmocka_unit_test(what_is_neither_form_is_no_frame),
        cmocka_unit_test(a_length_that_looks_like_a_start_code_is_a_length),
        cmocka_unit_test(a_start_code_of_three_bytes_is_not_taken_for_a_length),
        cmocka_unit_test(small_units_share_packets_and_large_ones_are_cut),
        cmocka_unit_test(every_size_around_the_edges_comes_back),
        cmocka_unit_test(every_pair_around_a_full_aggregate_comes_back),
        cmocka_unit_test(max_above_what_lengths_can_say_is_cut_to_it),
        cmocka_unit_test(frames_of_eight_mebibytes_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

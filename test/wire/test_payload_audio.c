/* SPDX-License-Identifier: BSD-2-Clause */
/* Audio payloads: durations of Opus by its first bytes (H131), frames of one packet, RED (RFC 2198), telephone-event (RFC 4733). */
#include "payload_rig.h"

static const struct codec opus = {.id = CODEC_OPUS, .clock = 48000, .channels = 2},
                          pcmu = {.id = CODEC_PCMU, .clock = 8000, .channels = 1},
                          pcma = {.id = CODEC_PCMA, .clock = 8000, .channels = 1},
                          dtmf = {.id = CODEC_DTMF, .clock = 8000, .channels = 1};

/* ---- durations ---- */

/* RFC 6716 table 2: tenths of milliseconds of a frame of each configuration. */
static const unsigned frame_of[32] = {100, 200, 400, 600, 100, 200, 400, 600, 100, 200, 400,
                                      600, 100, 200, 100, 200, 25,  50,  100, 200, 25,  50,
                                      100, 200, 25,  50,  100, 200, 25,  50,  100, 200};

/* proves: RTP-14 */
static void the_first_bytes_of_opus_say_its_duration(void **state)
{
    (void)state;
    for (unsigned toc = 0; toc < 256; toc++)
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t packet[3] = {(uint8_t)toc, (uint8_t)second, 0xff};
            unsigned code = toc & 3, frames = code == 3 ? second & 63 : code == 0 ? 1 : 2;
            unsigned tenths = frame_of[toc >> 3] * frames;
            if (tenths > 1200) tenths = 0; /* R5: 120 ms at most */
            assert_int_equal(sotto__payload_duration(&opus, packet, sizeof packet),
                             tenths * 48 / 10);
        }
}

/* proves: H131 */
static void h131_opus_that_says_no_duration_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *p;
        size_t n;
        uint32_t ticks;
    } rows[] = {
        {"", 0, 0},
        {"\x78", 1, 960},           /* one byte: a frame of no bytes, as DTX makes it */
        {"\x7b", 1, 0},             /* code 3 without its count */
        {"\x7b\x00", 2, 0},         /* count 0 */
        {"\x7b\x06", 2, 5760},      /* 6 of 20 ms */
        {"\x7b\x07", 2, 0},         /* 7 of 20 ms */
        {"\x83\x30", 2, 5760},      /* 48 of 2.5 ms */
        {"\x83\x31", 2, 0},         /* 49 */
        {"\x83\xff", 2, 0},         /* 63, padded */
        {"\x1b\x02", 2, 5760},      /* 2 of 60 ms */
        {"\x1b\x03", 2, 0},
        {"\x19", 1, 5760},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *p = rig_copy((const uint8_t *)rows[i].p, rows[i].n);
        struct payload_info info;
        assert_int_equal(sotto__payload_duration(&opus, p, rows[i].n), rows[i].ticks);
        assert_int_equal(sotto__payload_peek(CODEC_OPUS, p, rows[i].n, &info),
                         rows[i].ticks > 0 ? 0 : SOTTO_E_SYNTAX);
        free((void *)(uintptr_t)p);
    }
}

/* proves: RTP-14 */
static void g711_lasts_a_tick_a_byte_and_other_data_does_not_say(void **state)
{
    (void)state;
    static const uint8_t p[160];
    const struct codec stereo = {.id = CODEC_PCMA, .channels = 2}, none = {.id = CODEC_PCMA};
    assert_int_equal(sotto__payload_duration(&pcmu, p, 160), 160);
    assert_int_equal(sotto__payload_duration(&pcma, p, 1), 1);
    assert_int_equal(sotto__payload_duration(&stereo, p, 160), 80);
    assert_int_equal(sotto__payload_duration(&none, p, 160), 0);
    assert_int_equal(sotto__payload_duration(&dtmf, p, 4), 0);
}

/* ---- one packet a frame ---- */

static void a_frame_is_one_packet(void **state)
{
    (void)state;
    const struct codec *codecs[] = {&opus, &pcmu, &pcma, &dtmf};
    uint8_t frame[1141];
    memset(frame, 0x78, sizeof frame);
    for (size_t c = 0; c < 4; c++) {
        struct rig_packets packets;
        for (size_t n = 4; n <= 1140; n += 71) {
            assert_int_equal(rig_split(codecs[c], NULL, frame, n, 1140, false, &packets), 0);
            assert_int_equal(packets.n, 1);
            rig_assert_joins_to(codecs[c]->id, &packets, frame, n);
            rig_assert_peeks(codecs[c]->id, &packets, false);
            rig_free(&packets);
        }
        assert_int_equal(rig_split(codecs[c], NULL, frame, 1140, 1140, false, &packets), 0);
        rig_free(&packets);
        assert_int_equal(rig_split(codecs[c], NULL, frame, 1141, 1140, false, &packets),
                         SOTTO_E_TOO_BIG);
        assert_int_equal(rig_split(codecs[c], NULL, frame, 0, 1140, false, &packets),
                         SOTTO_E_SYNTAX);
        assert_false(sotto__frame_is_key(codecs[c]->id, frame, sizeof frame));
    }
}

static void two_packets_are_no_frame_of_audio(void **state)
{
    (void)state;
    const struct payload_piece pieces[2] = {{(const uint8_t *)"\x78", 1},
                                            {(const uint8_t *)"\x78", 1}};
    const struct payload_piece empty = {(const uint8_t *)"", 0};
    struct buf out;
    sotto__buf_init(&out, 100);
    assert_int_equal(sotto__payload_join(CODEC_OPUS, pieces, 2, &out), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__payload_join(CODEC_OPUS, &empty, 1, &out), SOTTO_E_SYNTAX);
    assert_int_equal(out.n, 0);
    sotto__buf_free(&out);
}

/* ---- RED ---- */

struct bytes {
    const char *p;
    size_t n;
};

static int red_parse(const struct bytes *row, struct red_block *blocks, size_t *ret_n)
{
    const uint8_t *p = rig_copy((const uint8_t *)row->p, row->n);
    int r = sotto__red_parse(p, row->n, blocks, ret_n);
    for (size_t i = 0; r == 0 && i < *ret_n; i++) /* every byte can be read */
        for (size_t k = 0; k < blocks[i].n; k++) assert_true(blocks[i].p[k] <= 0xff);
    free((void *)(uintptr_t)p);
    return r;
}

/* RFC 2198 §4: DVI4 (PT 5) with LPC (PT 7) as the older block, in the layout of its figure, with less data. */
static void red_is_read_and_written_as_in_the_figure(void **state)
{
    (void)state;
    static const uint8_t packet[] = {0x87, 0x02, 0x80, 0x03, 0x05, 'l',
                                     'p',  'c',  'd',  'v',  'i',  '4'};
    struct red_block blocks[RED_MAX_BLOCKS];
    uint8_t out[sizeof packet];
    size_t n;
    assert_int_equal(sotto__red_parse(packet, sizeof packet, blocks, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(blocks[0].pt, 7);
    assert_int_equal(blocks[0].offset, 160);
    assert_int_equal(blocks[0].n, 3);
    assert_memory_equal(blocks[0].p, "lpc", 3);
    assert_int_equal(blocks[1].pt, 5);
    assert_int_equal(blocks[1].offset, 0);
    assert_int_equal(blocks[1].n, 4);
    assert_memory_equal(blocks[1].p, "dvi4", 4);
    assert_int_equal(sotto__red_write(blocks, n, out, sizeof out), sizeof packet);
    assert_memory_equal(out, packet, sizeof packet);
    assert_int_equal(sotto__red_write(blocks, n, out, sizeof out - 1), SOTTO_E_TOO_BIG);
}

/* As a browser sends Opus 111 twice: 960 ticks and 1920 ticks ago. */
static void red_with_two_older_packets_of_opus_is_read(void **state)
{
    (void)state;
    static const struct bytes packet = {"\xef\x1e\x00\x02\xef\x0f\x00\x01\x6f"
                                        "aabccc",
                                        15};
    struct red_block blocks[RED_MAX_BLOCKS];
    size_t n;
    assert_int_equal(sotto__red_parse((const uint8_t *)packet.p, packet.n, blocks, &n), 0);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(blocks[i].pt, 111);
        assert_int_equal(blocks[i].offset, 1920 - 960 * (int)i);
        assert_int_equal(blocks[i].p[0], 'a' + (int)i);
    }
    assert_int_equal(blocks[2].n, 3);
}

static void red_that_is_cut_anywhere_before_its_primary_block_is_refused(void **state)
{
    (void)state;
    static const char packet[] = "\xef\x1e\x00\x02\xef\x0f\x00\x01\x6f"
                                 "aab"
                                 "c";
    for (size_t n = 0; n < sizeof packet; n++) {
        struct red_block blocks[RED_MAX_BLOCKS] = {{.pt = 99}};
        size_t n_blocks = 77;
        const struct bytes row = {packet, n};
        bool whole = n > 12;
        assert_int_equal(red_parse(&row, blocks, &n_blocks), whole ? 0 : SOTTO_E_SYNTAX);
        assert_int_equal(n_blocks, whole ? 3 : 77);
        assert_int_equal(blocks[0].pt, whole ? 111 : 99);
    }
}

static void red_has_eight_blocks_and_not_nine(void **state)
{
    (void)state;
    uint8_t packet[4 * 8 + 2];
    struct red_block blocks[RED_MAX_BLOCKS];
    size_t n;
    for (size_t older = 0; older <= 8; older++) {
        memset(packet, 0, sizeof packet);
        for (size_t i = 0; i < older; i++) packet[4 * i] = 0xef;
        packet[4 * older] = 0x6f;
        const struct bytes row = {(const char *)packet, 4 * older + 2};
        assert_int_equal(red_parse(&row, blocks, &n), older < 8 ? 0 : SOTTO_E_SYNTAX);
        if (older < 8) assert_int_equal(n, older + 1);
    }
}

static void red_refuses_to_write_what_its_fields_cannot_hold(void **state)
{
    (void)state;
    static const uint8_t data[1024];
    uint8_t out[2200];
    static const struct {
        struct red_block older, primary;
        int result;
    } rows[] = {
        {{111, 16383, data, 1023}, {111, 0, data, 1024}, 4 + 1 + 1023 + 1024},
        {{111, 16384, data, 1}, {111, 0, data, 1}, SOTTO_E_RANGE},
        {{111, 960, data, 1024}, {111, 0, data, 1}, SOTTO_E_RANGE},
        {{128, 960, data, 1}, {111, 0, data, 1}, SOTTO_E_RANGE},
        {{111, 960, data, 1}, {128, 0, data, 1}, SOTTO_E_RANGE},
        {{111, 960, data, 1}, {111, 1, data, 1}, SOTTO_E_RANGE},
        {{111, 960, data, 1}, {111, 0, data, 0}, SOTTO_E_RANGE},
        {{111, 0, NULL, 0}, {111, 0, data, 1}, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct red_block blocks[2] = {rows[i].older, rows[i].primary};
        assert_int_equal(sotto__red_write(blocks, 2, out, sizeof out), rows[i].result);
    }
    struct red_block many[RED_MAX_BLOCKS + 1];
    for (size_t i = 0; i < RED_MAX_BLOCKS + 1; i++)
        many[i] = (struct red_block){.pt = 111, .p = data, .n = 1};
    assert_int_equal(sotto__red_write(many, RED_MAX_BLOCKS, out, sizeof out), 4 * 7 + 1 + 8);
    assert_int_equal(sotto__red_write(many, RED_MAX_BLOCKS + 1, out, sizeof out), SOTTO_E_RANGE);
    assert_int_equal(sotto__red_write(many, 0, out, sizeof out), SOTTO_E_RANGE);
}

/* ---- telephone-event ---- */

/* RFC 4733 §2.3: a "9" of 200 ms that ended, a "1" of 250 ms that goes on, and the ends of the fields. */
/* proves: RTP-14 */
static void telephone_events_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        struct dtmf_event event;
        uint8_t bytes[4];
    } rows[] = {
        {{9, true, 7, 1600}, {0x09, 0x87, 0x06, 0x40}},
        {{1, false, 10, 2000}, {0x01, 0x0a, 0x07, 0xd0}},
        {{0, false, 0, 0}, {0, 0, 0, 0}},
        {{255, true, 63, 65535}, {0xff, 0xbf, 0xff, 0xff}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dtmf_event e;
        uint8_t out[4];
        assert_int_equal(sotto__dtmf_parse(rows[i].bytes, 4, &e), 0);
        assert_int_equal(e.event, rows[i].event.event);
        assert_int_equal(e.end, rows[i].event.end);
        assert_int_equal(e.volume, rows[i].event.volume);
        assert_int_equal(e.duration, rows[i].event.duration);
        sotto__dtmf_write(&e, out);
        assert_memory_equal(out, rows[i].bytes, 4);
    }
}

static void a_telephone_event_has_four_bytes(void **state)
{
    (void)state;
    static const uint8_t event[4] = {5, 0xca, 0x03, 0x20}; /* with the reserved bit, which is ignored: §2.3.3 */
    for (size_t n = 0; n <= 4; n++) {
        struct dtmf_event e;
        struct payload_info info;
        const uint8_t *p = rig_copy(event, n);
        assert_int_equal(sotto__dtmf_parse(p, n, &e), n < 4 ? SOTTO_E_SYNTAX : 0);
        assert_int_equal(sotto__payload_peek(CODEC_DTMF, p, n, &info), n < 4 ? SOTTO_E_SYNTAX : 0);
        if (n == 4) assert_int_equal(e.volume, 10);
        free((void *)(uintptr_t)p);
    }
}

static void sixteen_characters_are_tones(void **state)
{
    (void)state;
    static const char tones[] = "0123456789*#ABCD";
    for (int c = -128; c < 256; c++) {
        const char *at = c > 0 && c < 128 ? strchr(tones, c >= 'a' && c <= 'd' ? c - 32 : c) : NULL;
        assert_int_equal(sotto__dtmf_event_of((char)c), at ? at - tones : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bytes_of_opus_say_its_duration),
        cmocka_unit_test(h131_opus_that_says_no_duration_is_dropped),
        cmocka_unit_test(g711_lasts_a_tick_a_byte_and_other_data_does_not_say),
        cmocka_unit_test(a_frame_is_one_packet),
        cmocka_unit_test(two_packets_are_no_frame_of_audio),
        cmocka_unit_test(red_is_read_and_written_as_in_the_figure),
        cmocka_unit_test(red_with_two_older_packets_of_opus_is_read),
        cmocka_unit_test(red_that_is_cut_anywhere_before_its_primary_block_is_refused),
        cmocka_unit_test(red_has_eight_blocks_and_not_nine),
        cmocka_unit_test(red_refuses_to_write_what_its_fields_cannot_hold),
        cmocka_unit_test(telephone_events_are_read_and_written),
        cmocka_unit_test(a_telephone_event_has_four_bytes),
        cmocka_unit_test(sixteen_characters_are_tones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Tones through a session: they share the sequence numbers and the clock of the audio around them (RFC 4733 §2.1, §2.5.1). */
#include "session_rig.h"

enum { OPUS = 111, TONES48 = 110, TONES8 = 126 };

static struct codec opus_and_tones[] = {
    {.id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = OPUS, .apt = -1},
    {.id = CODEC_DTMF, .name = "telephone-event", .clock = 8000, .channels = 1, .pt = TONES8},
    {.id = CODEC_DTMF, .name = "telephone-event", .clock = 48000, .channels = 1, .pt = TONES48}};

struct told { /* what was told of tones, in order */
    char tones[64];
    size_t n;
};

static void configure_tones(struct call *c, size_t n_codecs, bool sends)
{
    static struct codec_list list;
    struct line cfg = {.kind = SOTTO_AUDIO, .mid = "a", .sends = sends, .n_outgoing = 1};
    list = (struct codec_list){opus_and_tones, n_codecs, n_codecs};
    cfg.send = cfg.recv = &list, cfg.ids = ids, cfg.max_bps = UINT64_MAX;
    sotto__session_configure(&c->s, c->now, &c->audio, &cfg);
}

static void run_tones(struct call *c, struct told *told, sotto_us until)
{
    struct session_out out;
    for (;;) {
        while (sotto__session_next(&c->s, c->now, &out) == 1) {
            if (out.type != SESSION_OUT_TONE) {
                take(c, &out);
                continue;
            }
            assert_ptr_equal(out.line, &c->audio);
            assert_true(told->n < sizeof told->tones - 1);
            told->tones[told->n++] = out.tone ? out.tone : '.';
        }
        sotto_us due = sotto__session_due(&c->s);
        if (due > until) break;
        assert_true(due > c->now);
        c->now = due;
    }
    c->now = until;
}

/* Audio every 20 ms for so long. */
static void talk(struct call *c, struct told *told, sotto_us span)
{
    for (sotto_us end = c->now + span; c->now < end;) {
        assert_int_equal(send_audio(c), 0);
        run_tones(c, told, c->now + SOTTO_MS(20));
    }
}

static void event_of(const struct out_packet *k, struct dtmf_event *e)
{
    assert_int_equal(k->rtp.n_payload, 4);
    assert_int_equal(sotto__dtmf_parse(k->rtp.payload, 4, e), 0);
}

static void tones_go_out_amid_the_audio_with_its_clock(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct told told = {{0}, 0};
    struct dtmf_event e;
    unsigned events = 0, ends = 0, markers = 0;
    uint32_t audio = 0, tone = 0;
    configure_tones(c, 3, true);
    talk(c, &told, SOTTO_MS(200));
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1#", 100, 70), 0);
    talk(c, &told, SOTTO_MS(800));
    assert_string_equal(told.tones, "1#.");
    assert_true(c->n_rtp > 50);
    for (size_t i = 0; i < c->n_rtp; i++) {
        const struct out_packet *k = &c->rtp[i];
        assert_int_equal(k->rtp.ssrc, c->rtp[0].rtp.ssrc);
        assert_int_equal(k->rtp.seq, (uint16_t)(c->rtp[0].rtp.seq + i));
        if (k->rtp.pt == OPUS) {
            audio = k->rtp.time;
            continue;
        }
        assert_int_equal(k->rtp.pt, TONES48);
        event_of(k, &e);
        assert_int_equal(e.event, markers + k->rtp.marker == 1 ? 1 : 11);
        if (k->rtp.marker) { /* of the audio that was sent as it began, at most 20 ms before or after */
            tone = k->rtp.time;
            assert_true(audio - tone + 960 <= 2 * 960);
        }
        assert_int_equal(k->rtp.time, tone);
        assert_true(e.duration <= 4800);
        events++, ends += e.end, markers += k->rtp.marker;
    }
    assert_int_equal(markers, 2);
    assert_int_equal(ends, 6);
    assert_int_equal(events, 2 * (4 + 3));
    call_free(c);
}

/* Segments begin exactly 65535 ticks after each other, however the capture times of the audio between them jump. */
static void a_long_tone_keeps_its_time_while_that_of_the_audio_jumps(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct told told = {{0}, 0};
    struct dtmf_event e = {0};
    uint32_t first = 0, segment = 0;
    unsigned segments = 0;
    configure_tones(c, 3, true);
    talk(c, &told, SOTTO_MS(100));
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "5", 6000, 70), 0);
    for (int i = 0; i < 6500 / 20; i++) {
        static const uint8_t packet[80] = {15 << 3, 1, 2, 3};
        sotto_frame f = {.size = sizeof f, .data = packet, .len = sizeof packet};
        f.capture_us = c->now - SOTTO_MS(i * 7 % 13);
        (void)sotto__session_send_frame(&c->s, c->now, &c->audio, &f);
        run_tones(c, &told, c->now + SOTTO_MS(20));
    }
    for (size_t i = 0; i < c->n_rtp; i++) {
        const struct out_packet *k = &c->rtp[i];
        if (k->rtp.pt != TONES48) continue;
        event_of(k, &e);
        if (k->rtp.marker) first = segment = k->rtp.time;
        if (k->rtp.time == segment) continue;
        assert_int_equal(k->rtp.time, segment + 0xffff);
        segment = k->rtp.time;
        segments++;
    }
    assert_int_equal(segments, 4);
    assert_true(e.end);
    assert_int_equal(segment + e.duration - first, 288000);
    assert_string_equal(told.tones, "5.");
    call_free(c);
}

static void tones_without_audio_have_times_of_their_own(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct told told = {{0}, 0};
    configure_tones(c, 2, true); /* and a clock of their own: no other was negotiated */
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "7,8", 40, 30), 0);
    run_tones(c, &told, c->now + SOTTO_SECONDS(3));
    assert_string_equal(told.tones, "7,8.");
    assert_int_equal(c->n_rtp, 8);
    for (size_t i = 0; i < 8; i++) {
        struct dtmf_event e;
        event_of(&c->rtp[i], &e);
        assert_int_equal(c->rtp[i].rtp.pt, TONES8);
        assert_int_equal(c->rtp[i].rtp.marker, i % 4 == 0);
        assert_int_equal(e.duration, i % 4 == 0 ? 160 : 320);
        assert_int_equal(c->rtp[i].rtp.time, c->rtp[i < 4 ? 0 : 4].rtp.time);
    }
    assert_int_equal(c->rtp[4].rtp.time - c->rtp[0].rtp.time, 2070 * 8);
    call_free(c);
}

static void tones_need_a_line_that_sends_and_an_event_payload(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    configure_tones(c, 1, true);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1", 0, 0), SOTTO_E_STATE);
    configure_tones(c, 3, false);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1", 0, 0), SOTTO_E_STATE);
    configure_tones(c, 3, true);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1x", 0, 0), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1", 39, 0), SOTTO_E_RANGE);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1", 40, 30), 0);
    call_free(c); /* while one plays */
}

/* What cannot be sent is not caught up with, and what follows is not taken for what was before. */
static void tones_end_quietly_when_the_line_stops_sending(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct told told = {{0}, 0};
    configure_tones(c, 3, true);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1234", 100, 70), 0);
    run_tones(c, &told, c->now + SOTTO_MS(50));
    size_t sent = c->n_rtp;
    assert_int_equal(sent, 2);
    configure_tones(c, 3, false);
    run_tones(c, &told, c->now + SOTTO_SECONDS(2));
    assert_int_equal(c->n_rtp, sent);
    configure_tones(c, 3, true);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "9", 40, 30), 0);
    run_tones(c, &told, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->n_rtp, sent + 4);
    assert_true(c->rtp[sent].rtp.marker);
    assert_true(c->rtp[sent].rtp.time - c->rtp[0].rtp.time >= 2 * 48000);
    call_free(c);
}

static void no_memory_for_tones_is_said(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct told told = {{0}, 0};
    configure_tones(c, 3, true);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1", 40, 30), SOTTO_E_NOMEM);
    assert_true(sotto__mem_failed());
    for (uint64_t n = 1; n < 30; n++) { /* packets that there is no memory for are lost */
        assert_int_equal(sotto__session_dtmf(&c->s, c->now, &c->audio, "1", 40, 30), 0);
        sotto__mem_fail_at(n);
        run_tones(c, &told, c->now + SOTTO_MS(200));
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_string_equal(told.tones, "1.");
        memset(&told, 0, sizeof told);
        if (!failed) break;
    }
    call_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tones_go_out_amid_the_audio_with_its_clock),
        cmocka_unit_test(a_long_tone_keeps_its_time_while_that_of_the_audio_jumps),
        cmocka_unit_test(tones_without_audio_have_times_of_their_own),
        cmocka_unit_test(tones_need_a_line_that_sends_and_an_event_payload),
        cmocka_unit_test(tones_end_quietly_when_the_line_stops_sending),
        cmocka_unit_test(no_memory_for_tones_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

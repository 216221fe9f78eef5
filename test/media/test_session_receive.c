/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session does with its sources over time, and what it tells: sections
 * of audio and video that receive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "media/session.h"
#include "util/mem.h"

static struct codec video_codecs[] = {{.id = CODEC_VP8,
                                       .name = "VP8",
                                       .clock = 90000,
                                       .channels = 1,
                                       .pt = 96,
                                       .apt = -1,
                                       .feedback = FEEDBACK_NACK | FEEDBACK_PLI}};
static struct codec audio_codecs[] = {
    {.id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = 111, .apt = -1}};
static const struct codec_list video = {video_codecs, 1, 1}, audio = {audio_codecs, 1, 1};
static const uint8_t ids[EXT_COUNT] = {0};

struct call {
    struct session s;
    struct line v, a;
    sotto_us now;
    unsigned mutes, unmutes, rtcp, warnings;
    uint64_t dropped;
};

static void configure(struct call *c, struct line *line, bool receives, sotto_us target)
{
    bool is_audio = line == &c->a;
    struct line cfg = {.kind = is_audio ? SOTTO_AUDIO : SOTTO_VIDEO,
                       .receives = receives,
                       .recv = is_audio ? &audio : &video,
                       .send = is_audio ? &audio : &video,
                       .ids = ids,
                       .max_bps = UINT64_MAX};
    cfg.mid[0] = is_audio ? 'a' : 'v';
    sotto__session_configure(&c->s, c->now, line, &cfg);
    sotto__session_set_mode(&c->s, c->now, line, SOTTO_RECEIVE_FRAMES, target);
}

static void begin(struct call *c, sotto_us target)
{
    memset(c, 0, sizeof *c);
    c->now = SOTTO_SECONDS(1000);
    assert_int_equal(sotto__session_init(&c->s, "cname", 0, c->now), 0);
    c->s.can_send = true;
    configure(c, &c->v, true, target);
    configure(c, &c->a, true, target);
}

static void end(struct call *c)
{
    sotto__session_remove(&c->s, &c->v);
    sotto__session_remove(&c->s, &c->a);
    sotto__session_free(&c->s);
    assert_int_equal(sotto__mem_live(), 0);
}

static bool only_deltas; /* no key frames */

static void in(struct call *c, uint32_t ssrc, uint16_t seq, bool is_video)
{
    static const uint8_t key_frame[] = {0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0, 7, 7, 7};
    static const uint8_t opus[] = {0x78, 1, 2};
    uint8_t p[RTP_HEADER + sizeof key_frame];
    struct rtp rtp = {.marker = is_video,
                      .pt = is_video ? 96 : 111,
                      .seq = seq,
                      .time = seq * (is_video ? 3000u : 960u),
                      .ssrc = ssrc};
    size_t n = is_video ? sizeof key_frame : sizeof opus;
    sotto__rtp_write(&rtp, p);
    memcpy(p + RTP_HEADER, is_video ? key_frame : opus, n);
    if (is_video && only_deltas) p[RTP_HEADER + 1] |= 1;
    sotto__session_rtp(&c->s, c->now, p, RTP_HEADER + n);
}

static void turn(struct call *c)
{
    struct session_out out;
    for (int i = 0; sotto__session_next(&c->s, c->now, &out) == 1; i++) {
        assert_true(i < 100);
        c->rtcp += out.type == SESSION_OUT_RTCP;
        c->mutes += out.type == SESSION_OUT_MUTE;
        c->unmutes += out.type == SESSION_OUT_UNMUTE;
        c->warnings += out.type == SESSION_OUT_E2EE;
        if (out.type == SESSION_OUT_DROPPED) c->dropped += out.count;
    }
    assert_true(sotto__session_due(&c->s) > c->now); /* nothing asks to be called again at once */
}

static void run(struct call *c, sotto_us until)
{
    for (sotto_us due; (due = sotto__session_due(&c->s)) <= until;) {
        if (due > c->now) c->now = due;
        turn(c);
    }
    c->now = until;
}

/* The time of the next frame and 1; 0: none. */
static uint32_t pull(struct call *c)
{
    struct line *line;
    const char *rid;
    sotto_us capture;
    struct received *f = sotto__session_pull(&c->s, c->now, &line, &rid, &capture);
    if (!f) return 0;
    assert_ptr_equal(line, f->codec == CODEC_VP8 ? &c->v : &c->a);
    assert_null(rid);
    assert_int_equal(capture, 0); /* no report yet */
    uint32_t time = f->time;
    sotto__received_free(f);
    return time + 1;
}

static void frames_become_ready_when_they_are_due(void **state)
{
    struct call c;
    (void)state;
    begin(&c, SOTTO_MS(200));
    in(&c, 1, 10, true);
    turn(&c);
    sotto_us came = c.now;
    run(&c, came + SOTTO_MS(199));
    assert_false(sotto__session_ready(&c.s));
    run(&c, came + SOTTO_MS(201));
    assert_true(sotto__session_ready(&c.s));
    assert_int_equal(pull(&c), 30001);
    assert_int_equal(pull(&c), 0);
    end(&c);
}

/* RFC 4585 §3.5 bounds how often feedback may be sent. What does not need it goes on meanwhile. */
static void a_request_that_must_wait_stops_nothing(void **state)
{
    struct call c;
    (void)state;
    begin(&c, SOTTO_MS(100));
    in(&c, 1, 10, true);
    in(&c, 2, 10, true);
    in(&c, 3, 10, false);
    run(&c, c.now + SOTTO_MS(300));
    while (pull(&c)) continue;
    sotto_us since = c.now;
    c.s.early_at = since + SOTTO_MS(400);
    c.s.timer.next = since + SOTTO_SECONDS(5);
    only_deltas = true;
    in(&c, 1, 12, true); /* both have something to ask for */
    in(&c, 2, 12, true);
    only_deltas = false;
    in(&c, 3, 25, false); /* 300 ms after the first, which came 300 ms ago */
    unsigned before = c.rtcp;
    run(&c, since + SOTTO_MS(50));
    assert_int_equal(c.s.n_nacks, 1);
    run(&c, since + SOTTO_MS(250));
    assert_int_equal(pull(&c), 25 * 960 + 1);
    run(&c, since + SOTTO_MS(399));
    assert_int_equal(c.rtcp, before);
    run(&c, since + SOTTO_MS(405));
    assert_int_equal(c.s.n_nacks, 0);
    assert_true(c.rtcp - before >= 1);
    end(&c);
}

static void sources_take_turns(void **state)
{
    struct call c;
    (void)state;
    begin(&c, 0);
    for (uint16_t i = 0; i < 3; i++) in(&c, 1, (uint16_t)(10 + i), true);
    for (uint16_t i = 0; i < 2; i++) in(&c, 2, (uint16_t)(20 + i), true);
    in(&c, 3, 30, true);
    turn(&c);
    static const uint16_t want[] = {10, 20, 30, 11, 21, 12};
    for (size_t i = 0; i < 6; i++) assert_int_equal(pull(&c), want[i] * 3000u + 1);
    assert_int_equal(pull(&c), 0);
    end(&c);
}

/* The application learns of a section, and only then says that it is end-to-end. */
/* proves: S25 */
static void what_came_in_the_clear_is_dropped_when_its_section_is_made_end_to_end(void **state)
{
    struct call c;
    (void)state;
    begin(&c, 0);
    in(&c, 1, 10, true);
    in(&c, 3, 30, false);
    run(&c, c.now + SOTTO_MS(50));
    assert_true(sotto__session_ready(&c.s));
    assert_int_equal(sotto__e2ee_new(&c.v.e2ee), 0);
    sotto__e2ee_require(c.v.e2ee, SOTTO_E2EE_RECEIVE);
    sotto__session_e2ee_changed(&c.s, c.now, &c.v);
    assert_int_equal(pull(&c), 30 * 960 + 1); /* the other section's goes on */
    assert_int_equal(pull(&c), 0);
    assert_int_equal(c.warnings, 0);
    sotto_us since = c.now;
    for (uint16_t i = 0; i < 49; i++) { /* a little less than two seconds */
        in(&c, 1, (uint16_t)(11 + i), true);
        run(&c, since + SOTTO_MS(40) * (i + 1));
        assert_int_equal(pull(&c), 0);
    }
    assert_int_equal(c.warnings, 2);
    end(&c);
}

static void the_first_packet_unmutes_and_the_end_mutes(void **state)
{
    struct call c;
    (void)state;
    begin(&c, 0);
    turn(&c);
    assert_int_equal(c.unmutes, 0);
    in(&c, 1, 10, true);
    in(&c, 1, 11, true);
    in(&c, 2, 11, false);
    turn(&c);
    assert_int_equal(c.unmutes, 2);
    configure(&c, &c.v, false, 0);
    turn(&c);
    assert_int_equal(c.mutes, 1);
    assert_int_equal(c.s.n_sources, 1);
    in(&c, 1, 12, true);
    turn(&c);
    assert_int_equal(c.unmutes, 2);
    configure(&c, &c.v, true, 0);
    in(&c, 1, 13, true);
    turn(&c);
    assert_int_equal(c.unmutes, 3);
    end(&c);
}

static void what_was_not_taken_is_told(void **state)
{
    struct call c;
    (void)state;
    begin(&c, 0);
    for (uint16_t i = 0; i < SOTTO_RECV_FRAMES + 1; i++, c.now += SOTTO_MS(10)) {
        in(&c, 1, i, true);
        turn(&c);
    }
    assert_int_equal(c.dropped, SOTTO_RECV_FRAMES); /* the newest key frame stays */
    assert_int_equal(pull(&c), SOTTO_RECV_FRAMES * 3000 + 1);
    assert_int_equal(pull(&c), 0);
    end(&c);
}

static void an_empty_session_needs_nothing(void **state)
{
    struct session s = {0};
    (void)state;
    sotto__session_free(&s);
    assert_int_equal(sotto__session_init(&s, "cname", 0, 5), 0);
    assert_int_equal(sotto__session_due(&s), SOTTO_NEVER);
    assert_false(sotto__session_ready(&s));
    struct session_out out;
    assert_int_equal(sotto__session_next(&s, 5, &out), 0);
    sotto__session_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_become_ready_when_they_are_due),
        cmocka_unit_test(a_request_that_must_wait_stops_nothing),
        cmocka_unit_test(sources_take_turns),
        cmocka_unit_test(what_came_in_the_clear_is_dropped_when_its_section_is_made_end_to_end),
        cmocka_unit_test(the_first_packet_unmutes_and_the_end_mutes),
        cmocka_unit_test(what_was_not_taken_is_told),
        cmocka_unit_test(an_empty_session_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

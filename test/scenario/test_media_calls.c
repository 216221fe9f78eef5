/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an application does with a call: holds and resumes it, stops a transceiver, hangs up, takes its frames late, sets the jitter
 * target, sends tones, restarts ICE. Every frame that comes is checked by media.c. Time is virtual, the API is the public one.
 */
#include "cmocka_all.h"
#include "media.h"
#include "util/limits.h"
#include "util/mem.h"

struct seen { /* by side 1, beside what media.c keeps */
    struct media *m;
    uint64_t warned;           /* frames, as SOTTO_WARN_FRAMES_DROPPED says */
    sotto_us earliest, latest; /* from capture to being handed over, of video */
    char tones[16];            /* of side 0; '.' is the end */
    sotto_us tone_at[16];
    size_t n_tones;
};

static void (*take_in_media)(struct side *s, const sotto_event *e, void *user);

static void watch_frame(struct seen *w, const sotto_event *e)
{
    const sotto_frame *f = e->u.frame.frame;
    if (sotto_transceiver_kind(e->u.frame.transceiver) != SOTTO_VIDEO) return;
    sotto_us captured =
        w->m->begin + (sotto_us)(f->rtp_time - w->m->opt.rtp_time[MEDIA_VIDEO]) * 100 / 9;
    sotto_us age = w->m->pair->net->now - captured;
    if (age < w->earliest) w->earliest = age;
    if (age > w->latest) w->latest = age;
}

static void take_and_watch(struct side *s, const sotto_event *e, void *user)
{
    struct seen *w = user;
    take_in_media(s, e, w->m);
    if (s->index == 1 && e->type == SOTTO_EV_FRAME) watch_frame(w, e);
    if (e->type == SOTTO_EV_WARNING) {
        assert_int_equal(e->u.warning.code, SOTTO_WARN_FRAMES_DROPPED);
        assert_int_equal(s->index, 1);
        w->warned += e->u.warning.count;
    }
    if (e->type == SOTTO_EV_DTMF_TONE) {
        assert_int_equal(s->index, 0);
        assert_true(w->n_tones < sizeof w->tones - 1);
        w->tone_at[w->n_tones] = s->pair->net->now;
        w->tones[w->n_tones++] = e->u.dtmf.tone ? e->u.dtmf.tone : '.';
    }
}

/* A call that has settled, watched. */
static struct media *call(const struct media_opt *opt, struct seen *w)
{
    struct media *m = media_new(7, opt);
    media_run(m, SOTTO_SECONDS(3));
    *w = (struct seen){.m = m, .earliest = SOTTO_NEVER};
    take_in_media = m->pair->opt.take;
    m->pair->opt.take = take_and_watch;
    m->pair->opt.user = w;
    return m;
}

static void negotiate(struct media *m, int from)
{
    assert_int_equal(pair_offer(m->pair, from), 0);
    media_run(m, SOTTO_MS(500));
}

/* The camera is on again: it goes on with the frame of now. */
static void go_on(struct media *m, int side, enum media_kind kind)
{
    sotto_us span = m->pair->net->now - m->begin;
    m->side[side].out[kind].next = (kind == MEDIA_AUDIO ? span / 20000 : span * 3 / 100000) + 1;
    m->opt.off[side][kind] = false;
}

static int try_to_send(struct media *m, int side)
{
    static const uint8_t key[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01, 0, 0};
    sotto_frame f = {.size = sizeof f, .data = key, .len = sizeof key, .is_key = true};
    return sotto_transceiver_send_frame(m->side[side].t[MEDIA_VIDEO], &f);
}

static void hold_and_resume(int holder, sotto_direction held)
{
    struct seen w;
    struct media *m = call(NULL, &w);
    const size_t *events = m->pair->side[1].n_events;
    size_t mutes = events[SOTTO_EV_MUTE], unmutes = events[SOTTO_EV_UNMUTE];
    sotto_transceiver *t = m->side[holder].t[MEDIA_VIDEO];
    assert_int_equal(mutes, 0);
    assert_int_equal(sotto_transceiver_set_direction(t, held), 0);
    m->opt.off[0][MEDIA_VIDEO] = true;
    negotiate(m, holder);
    assert_int_equal(events[SOTTO_EV_MUTE], mutes + 1);
    assert_int_equal(try_to_send(m, 0), SOTTO_E_STATE);
    media_measure(m);
    media_run(m, SOTTO_SECONDS(5));
    assert_int_equal(m->side[1].in[MEDIA_VIDEO].frames, 0);
    assert_in_range(m->side[0].in[MEDIA_VIDEO].frames, 145, 155); /* the other way goes on */
    assert_in_range(m->side[1].in[MEDIA_AUDIO].frames, 245, 255);

    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_SENDRECV), 0);
    media_measure(m);
    negotiate(m, holder);
    assert_int_equal(events[SOTTO_EV_UNMUTE], unmutes); /* W3C: with the first packet */
    go_on(m, 0, MEDIA_VIDEO);
    media_run(m, SOTTO_SECONDS(5));
    assert_int_equal(events[SOTTO_EV_UNMUTE], unmutes + 1);
    assert_int_equal(events[SOTTO_EV_MUTE], mutes + 1);
    assert_in_range(m->side[1].in[MEDIA_VIDEO].frames, 135, 155);
    assert_true(m->side[1].in[MEDIA_VIDEO].keys >= 1); /* media.c: what comes after a gap is one */
    assert_in_range(m->side[0].out[MEDIA_VIDEO].asked, 1, 3);
    media_free(m);
}

static void the_sender_holds_and_resumes(void **state)
{
    (void)state;
    hold_and_resume(0, SOTTO_DIR_RECVONLY);
}

static void the_receiver_holds_and_resumes(void **state)
{
    (void)state;
    hold_and_resume(1, SOTTO_DIR_SENDONLY);
}

static void a_stopped_transceiver_carries_nothing_and_the_other_goes_on(void **state)
{
    (void)state;
    struct seen w;
    struct media *m = call(NULL, &w);
    const size_t *events = m->pair->side[1].n_events;
    m->opt.off[0][MEDIA_VIDEO] = m->opt.off[1][MEDIA_VIDEO] = true;
    assert_int_equal(sotto_transceiver_stop(m->side[0].t[MEDIA_VIDEO]), 0);
    assert_int_equal(try_to_send(m, 0), SOTTO_E_STATE);
    media_run(m, SOTTO_MS(200));
    media_measure(m);
    assert_int_equal(try_to_send(m, 1), 0); /* it does not know yet */
    media_run(m, SOTTO_SECONDS(1));
    assert_int_equal(m->side[0].in[MEDIA_VIDEO].frames, 0);
    negotiate(m, 0);
    assert_int_equal(try_to_send(m, 1), SOTTO_E_STATE);
    assert_int_equal(events[SOTTO_EV_TRACK_REMOVED], 1);
    media_measure(m);
    media_run(m, SOTTO_SECONDS(5));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(m->side[i].in[MEDIA_VIDEO].frames, 0);
        assert_in_range(m->side[i].in[MEDIA_AUDIO].frames, 245, 255);
        assert_int_equal(m->side[i].in[MEDIA_AUDIO].missing, 0);
    }
    media_free(m);
}

static void hanging_up_mutes_the_other_side(void **state)
{
    (void)state;
    struct seen w;
    struct media *m = call(NULL, &w);
    const struct side *other = &m->pair->side[1];
    assert_int_equal(other->n_events[SOTTO_EV_MUTE], 0);
    for (int i = 0; i < 2; i++) m->opt.off[i][MEDIA_AUDIO] = m->opt.off[i][MEDIA_VIDEO] = true;
    sotto_pc_close(m->pair->side[0].pc);
    assert_int_equal(try_to_send(m, 0), SOTTO_E_CLOSED);
    media_run(m, SOTTO_MS(200));
    assert_int_equal(other->n_events[SOTTO_EV_MUTE], 2);
    assert_int_equal(other->n_events[SOTTO_EV_UNMUTE], 2);
    media_free(m);
}

/* proves: S09 */
static void a_slow_application_gets_the_newest_frames_and_an_exact_count(void **state)
{
    (void)state;
    struct seen w;
    struct media_opt opt = {.off = {{true, false}, {true, true}}};
    struct media *m = call(&opt, &w);
    struct side *slow = &m->pair->side[1];
    media_run(m, SOTTO_MS(1)); /* all that has come is taken */
    int64_t idle = sotto__mem_live(), most = 0;
    slow->deaf = true;
    for (int i = 0; i < 100; i++) {
        media_run(m, SOTTO_MS(100));
        if (sotto__mem_live() > most) most = sotto__mem_live();
    }
    /* two blocks for each frame that waits, and for 1 s of packets that are kept for retransmission */
    assert_true(most - idle < 2 * SOTTO_RECV_FRAMES + 1000);
    assert_true(m->side[0].out[MEDIA_VIDEO].asked > 0);
    assert_true(m->side[0].out[MEDIA_VIDEO].keys > 1);
    int64_t newest = m->side[0].out[MEDIA_VIDEO].next - 1;
    uint64_t before = m->side[1].in[MEDIA_VIDEO].frames;
    slow->deaf = false;
    media_run(m, SOTTO_MS(1));
    uint64_t taken = m->side[1].in[MEDIA_VIDEO].frames - before;
    assert_in_range(taken, 1, SOTTO_RECV_FRAMES);
    assert_in_range(m->side[1].in[MEDIA_VIDEO].last, newest - 5, newest); /* up to that on its way */
    assert_true(w.warned >= 300 - SOTTO_RECV_FRAMES - 5);
    media_run(m, SOTTO_SECONDS(2));
    media_drain(m, SOTTO_SECONDS(1));
    const struct media_in *in = &m->side[1].in[MEDIA_VIDEO];
    print_message("sent %d, taken %d, warned of %d, missing %d, dropped %d\n",
                  (int)m->side[0].out[MEDIA_VIDEO].frames, (int)in->frames, (int)w.warned,
                  (int)in->missing, (int)in->dropped);
    assert_int_equal(m->side[0].out[MEDIA_VIDEO].refused, 0);
    assert_int_equal(in->last + 1, m->side[0].out[MEDIA_VIDEO].next);
    assert_int_equal(in->frames + in->dropped, m->side[0].out[MEDIA_VIDEO].frames);
    assert_int_equal(in->dropped, in->missing);
    /* but for those that were on their way, and needed what was dropped: they came, and were of no use */
    assert_in_range(w.warned, in->missing - 5, in->missing);
    media_free(m);
}

static void a_jitter_target_is_kept(void **state)
{
    (void)state;
    struct seen w;
    struct media_opt opt = {.off = {{false, false}, {true, true}}};
    struct media *m = call(&opt, &w);
    struct net_link link = {.delay_us = SOTTO_MS(20), .jitter_us = SOTTO_MS(80)};
    sotto_transceiver *t = m->side[1].t[MEDIA_VIDEO];
    assert_true(sotto_transceiver_get_jitter_target(t) < 0);
    assert_int_equal(sotto_transceiver_set_jitter_target(t, SOTTO_MS(500)), 0);
    assert_int_equal(sotto_transceiver_get_jitter_target(t), SOTTO_MS(500));
    net_link_both(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, &link);
    media_run(m, SOTTO_SECONDS(10)); /* until what was handed over early is behind it */
    w.earliest = SOTTO_NEVER, w.latest = 0;
    media_measure(m);
    media_run(m, SOTTO_SECONDS(20));
    print_message("target 500 ms: %d to %d ms after capture, %d ms between two\n",
                  (int)(w.earliest / 1000), (int)(w.latest / 1000),
                  (int)(m->side[1].in[MEDIA_VIDEO].longest / 1000));
    assert_in_range(w.earliest, SOTTO_MS(500), SOTTO_MS(600));
    assert_in_range(w.latest, SOTTO_MS(500), SOTTO_MS(620));
    /* 33 ms, and what the least delay of the link seems to be moves by; as it came: up to 113 ms */
    assert_true(m->side[1].in[MEDIA_VIDEO].longest < SOTTO_MS(100));
    assert_int_equal(m->side[1].in[MEDIA_VIDEO].missing, 0);
    assert_int_equal(sotto_transceiver_set_jitter_target(t, 0), 0);
    media_run(m, SOTTO_SECONDS(1));
    w.latest = 0;
    media_run(m, SOTTO_SECONDS(5));
    assert_in_range(w.latest, SOTTO_MS(20), SOTTO_MS(150));
    media_free(m);
}

static void capture_times_of_audio_and_video_agree(void **state)
{
    (void)state;
    struct seen w;
    struct media *m = call(NULL, &w);
    struct net_link slow = {.delay_us = SOTTO_MS(40)};
    net_link_both(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, &slow);
    media_run(m, SOTTO_SECONDS(10));
    media_measure(m);
    media_run(m, SOTTO_SECONDS(20));
    for (int i = 0; i < 2; i++) {
        const struct media_in *a = &m->side[i].in[MEDIA_AUDIO], *v = &m->side[i].in[MEDIA_VIDEO];
        print_message("side %d: capture of audio %d us off, of video %d us\n", i,
                      (int)a->capture_error, (int)v->capture_error);
        assert_int_equal(a->captures, a->frames);
        assert_int_equal(v->captures, v->frames);
        assert_in_range(a->capture_error - v->capture_error + 1000, 0, 2000); /* within 1 ms */
        assert_in_range(v->capture_error + SOTTO_MS(45), 0, SOTTO_MS(90));
    }
    media_free(m);
}

static void tones_are_told_when_they_begin(void **state)
{
    (void)state;
    struct seen w;
    struct media_opt opt = {.off = {{false, true}, {true, true}}};
    struct media *m = call(&opt, &w);
    sotto_transceiver *t = m->side[0].t[MEDIA_AUDIO];
    sotto_us begin = m->pair->net->now;
    assert_int_equal(sotto_transceiver_insert_dtmf(t, "1a,#", 200, 50), 0);
    media_run(m, SOTTO_SECONDS(5));
    assert_string_equal(w.tones, "1A,#.");
    static const sotto_us at[] = {0, SOTTO_MS(250), SOTTO_MS(500), SOTTO_MS(2500), SOTTO_MS(2750)};
    for (size_t i = 0; i < w.n_tones; i++)
        assert_in_range(w.tone_at[i] - begin, at[i], at[i] + SOTTO_MS(60));
    w.n_tones = 0;
    assert_int_equal(sotto_transceiver_insert_dtmf(t, "123456", 0, 0), 0);
    media_run(m, SOTTO_MS(250)); /* the second sounds */
    assert_int_equal(sotto_transceiver_insert_dtmf(t, "", 0, 0), 0);
    media_run(m, SOTTO_SECONDS(2));
    w.tones[w.n_tones] = '\0';
    assert_string_equal(w.tones, "12.");
    assert_int_equal(sotto_transceiver_insert_dtmf(m->side[0].t[MEDIA_VIDEO], "1", 0, 0),
                     SOTTO_E_STATE);
    assert_int_equal(m->side[0].out[MEDIA_AUDIO].refused, 0);
    media_free(m);
}

static void an_ice_restart_loses_nothing(void **state)
{
    (void)state;
    struct seen w;
    struct media *m = call(NULL, &w);
    media_measure(m);
    for (int round = 0; round < 4; round++) {
        m->pair->side[0].told_all = m->pair->side[1].told_all = false; /* of this generation */
        struct net_link link = {.delay_us = SOTTO_MS(20), .loss = round < 2 ? 0 : 0.02};
        net_link_both(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, &link);
        assert_int_equal(sotto_pc_restart_ice(m->pair->side[round % 2].pc), 0);
        assert_int_equal(pair_offer(m->pair, round % 2), 0);
        media_run(m, SOTTO_SECONDS(5));
    }
    media_drain(m, SOTTO_SECONDS(2));
    for (int i = 0; i < 2; i++) {
        const struct media_in *v = &m->side[i].in[MEDIA_VIDEO];
        assert_int_equal(m->side[1 - i].out[MEDIA_VIDEO].refused, 0);
        assert_int_equal(v->last + 1, m->side[1 - i].out[MEDIA_VIDEO].next);
        assert_int_equal(v->missing, 0);
        assert_int_equal(v->dropped, 0);
        assert_true(v->longest < SOTTO_MS(300));
        assert_int_equal(m->pair->side[i].n_events[SOTTO_EV_MUTE], 0);
    }
    media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sender_holds_and_resumes),
        cmocka_unit_test(the_receiver_holds_and_resumes),
        cmocka_unit_test(a_stopped_transceiver_carries_nothing_and_the_other_goes_on),
        cmocka_unit_test(hanging_up_mutes_the_other_side),
        cmocka_unit_test(a_slow_application_gets_the_newest_frames_and_an_exact_count),
        cmocka_unit_test(a_jitter_target_is_kept),
        cmocka_unit_test(capture_times_of_audio_and_video_agree),
        cmocka_unit_test(tones_are_told_when_they_begin),
        cmocka_unit_test(an_ice_restart_loses_nothing),
    };
    return cmocka_run_group_tests_name("media calls", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several encodings of one camera between two peers, and a third peer in the middle that passes packets on as they are. What a frame
 * holds follows from its rid and number, and the number from its RTP time: all that comes is compared bit for bit.
 */
#include <string.h>

#include "cmocka_all.h"
#include "pair.h"

enum { RIDS = 3, MAX_FRAME = 40000 };
static const char *const rids[RIDS] = {"h", "m", "l"};
static const size_t sizes[RIDS] = {6000, 2500, 800};

struct layer {
    int64_t next;             /* to be sent */
    uint64_t keys, asked, refused; /* of side 0 */
    bool wants_key, paused;        /* paused: and no key frame was sent since */
    int64_t last;                  /* received; -1: none */
    uint64_t got, got_keys, missing;
};

struct camera {
    struct pair *pair;
    size_t n; /* layers; 1: without rid */
    sotto_transceiver *from, *to;
    sotto_us begin;
    struct layer layers[RIDS];
    uint8_t frame[MAX_FRAME];
};

static size_t make(const struct camera *c, size_t layer, int64_t number, bool is_key, uint8_t *out)
{
    static const uint8_t key_head[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
    uint64_t rng = (uint64_t)number * 8 + layer * 2 + is_key;
    size_t n = (is_key ? 4 : 1) * (sizes[layer] / 2 + net_random(&rng) % sizes[layer]) + 16;
    if (c->n == 1) /* packets of about 1,000 bytes */
        n = (is_key ? 4 : 1) * (1 + net_random(&rng) % 3) * 1000 + 16;
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)net_random(&rng);
    out[0] |= 1; /* an inter frame: RFC 6386 §9.1 */
    if (is_key) memcpy(out, key_head, sizeof key_head);
    return n;
}

static size_t layer_of(const struct camera *c, const char *rid)
{
    if (c->n == 1) {
        assert_null(rid);
        return 0;
    }
    assert_non_null(rid);
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(rid, rids[i]) == 0) return i;
    fail_msg("rid %s", rid);
    return 0;
}

/* ---- what the applications do ---- */

static void take_frame(struct camera *c, const sotto_frame *f)
{
    struct layer *l = &c->layers[layer_of(c, f->rid)];
    int64_t number = f->rtp_time / 3000;
    assert_int_equal(f->rtp_time % 3000, 0);
    assert_true(number > l->last);
    assert_true(f->is_key || number == l->last + 1); /* it has what it needs */
    size_t n = make(c, (size_t)(l - c->layers), number, f->is_key, c->frame);
    assert_int_equal(f->len, n);
    assert_memory_equal(f->data, c->frame, n);
    if (l->last >= 0) l->missing += (uint64_t)(number - l->last - 1);
    l->last = number;
    l->got++;
    l->got_keys += f->is_key;
}

static void key_frame_is_needed(struct camera *c, const char *rid)
{
    struct layer *l = &c->layers[layer_of(c, rid)];
    l->asked++;
    l->wants_key = true;
}

static void take(struct side *s, const sotto_event *e, void *user)
{
    struct camera *c = user;
    if (s->index == 1 && e->type == SOTTO_EV_TRACK) c->to = e->u.track.transceiver;
    if (s->index == 1 && e->type == SOTTO_EV_FRAME) take_frame(c, e->u.frame.frame);
    if (s->index == 0 && e->type == SOTTO_EV_KEYFRAME_NEEDED)
        key_frame_is_needed(c, e->u.media.rid);
}

static void send_all(struct camera *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct layer *l = &c->layers[i];
        bool is_key = l->wants_key || l->next == 0;
        sotto_frame f = {.size = sizeof f,
                         .data = c->frame,
                         .len = make(c, i, l->next, is_key, c->frame),
                         .rid = c->n > 1 ? rids[i] : NULL,
                         .time_kind = SOTTO_TIME_RTP,
                         .rtp_time = (uint32_t)l->next * 3000,
                         .is_key = is_key};
        int r = sotto_transceiver_send_frame(c->from, &f);
        /* after a pause only a key frame is taken; that it is wanted comes as an event */
        assert_true(r == 0 || (r == SOTTO_E_AGAIN && !is_key && l->paused));
        l->next++;
        l->refused += r < 0;
        if (!is_key) continue;
        l->wants_key = l->paused = false;
        l->keys++;
    }
}

/* 30 frames a second. */
static void run(struct camera *c, sotto_us span)
{
    sotto_us end = c->pair->net->now + span;
    while (c->pair->net->now < end) {
        send_all(c);
        pair_run(c->pair, 33333);
    }
}

static void measure(struct camera *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct layer *l = &c->layers[i];
        l->keys = l->asked = l->got = l->got_keys = l->missing = 0;
    }
}

static sotto_transceiver *add_camera(struct pair *p, size_t n)
{
    sotto_encoding e[RIDS];
    sotto_transceiver *t;
    memset(e, 0, sizeof e);
    for (size_t i = 0; i < n; i++) e[i] = (sotto_encoding){.size = sizeof e[i], .rid = rids[i]};
    sotto_transceiver_config cfg = {.size = sizeof cfg,
                                    .direction = SOTTO_DIR_SENDONLY,
                                    .encodings = n > 1 ? e : NULL,
                                    .n_encodings = n > 1 ? n : 0};
    assert_int_equal(sotto_pc_add_transceiver(p->side[0].pc, SOTTO_VIDEO, &cfg, &t), 0);
    return t;
}

static void camera_new(struct camera *c, size_t n)
{
    *c = (struct camera){.n = n};
    struct pair_opt opt = {.take = take, .user = c};
    for (size_t i = 0; i < n; i++) c->layers[i].last = -1;
    c->pair = pair_new(11, &opt);
    c->from = add_camera(c->pair, n);
    assert_int_equal(pair_offer(c->pair, 0), 0);
    assert_true(pair_until(c->pair, SOTTO_SECONDS(30), pair_is_connected, NULL));
    assert_non_null(c->to);
}

static void expect_all(const struct camera *c, size_t i)
{
    assert_int_equal(c->layers[i].last + 1, c->layers[i].next);
    assert_int_equal(c->layers[i].missing, 0);
}

/* ---- simulcast ---- */

static void three_encodings_arrive_each_with_its_rid(void **state)
{
    (void)state;
    struct camera c;
    camera_new(&c, RIDS);
    run(&c, SOTTO_SECONDS(5));
    struct net_link link = {.delay_us = SOTTO_MS(20), .loss = 0.03};
    net_link_both(c.pair->net, c.pair->side[0].host, c.pair->side[1].host, &link);
    run(&c, SOTTO_SECONDS(10)); /* RTX of each is told apart by its repaired rid: RFC 8852 §3.2 */
    link.loss = 0;
    net_link_both(c.pair->net, c.pair->side[0].host, c.pair->side[1].host, &link);
    run(&c, SOTTO_SECONDS(1));
    pair_run(c.pair, SOTTO_SECONDS(1));
    for (size_t i = 0; i < RIDS; i++) {
        expect_all(&c, i);
        assert_int_equal(c.layers[i].got, c.layers[i].next);
    }
    assert_int_equal(c.pair->side[1].n_events[SOTTO_EV_UNMUTE], 1); /* of the transceiver */
    pair_free(c.pair);
}

static void a_key_frame_of_one_encoding_is_asked_for(void **state)
{
    (void)state;
    struct camera c;
    camera_new(&c, RIDS);
    assert_int_equal(sotto_transceiver_request_keyframe(c.to, "m"), SOTTO_E_STATE);
    run(&c, SOTTO_SECONDS(2));
    assert_int_equal(sotto_transceiver_request_keyframe(c.to, "x"), SOTTO_E_RANGE);
    for (size_t i = 0; i < RIDS; i++) {
        measure(&c);
        assert_int_equal(sotto_transceiver_request_keyframe(c.to, rids[i]), 0);
        run(&c, SOTTO_SECONDS(2));
        for (size_t k = 0; k < RIDS; k++) {
            assert_int_equal(c.layers[k].asked, k == i);
            assert_int_equal(c.layers[k].got_keys, k == i);
        }
    }
    measure(&c);
    assert_int_equal(sotto_transceiver_request_keyframe(c.to, NULL), 0);
    run(&c, SOTTO_SECONDS(2));
    for (size_t k = 0; k < RIDS; k++) assert_int_equal(c.layers[k].asked, 1);
    pair_free(c.pair);
}

static void set_inactive(struct camera *c, size_t layer, bool inactive)
{
    sotto_send_parameters *p;
    assert_int_equal(sotto_transceiver_get_parameters(c->from, &p), 0);
    assert_int_equal(p->n_encodings, RIDS);
    assert_string_equal(p->encodings[layer].rid, rids[layer]);
    p->encodings[layer].inactive = inactive;
    c->layers[layer].paused = true;
    assert_int_equal(sotto_transceiver_set_parameters(c->from, p), 0);
    sotto_free(p);
}

static void an_inactive_encoding_stops_and_begins_again_with_a_key_frame(void **state)
{
    (void)state;
    struct camera c;
    camera_new(&c, RIDS);
    run(&c, SOTTO_SECONDS(2));
    for (size_t off = 0; off < RIDS; off++) {
        set_inactive(&c, off, true);
        run(&c, SOTTO_MS(200)); /* what was on its way */
        measure(&c);
        run(&c, SOTTO_SECONDS(5));
        for (size_t k = 0; k < RIDS; k++) {
            if (k == off)
                assert_int_equal(c.layers[k].got, 0);
            else
                assert_in_range(c.layers[k].got, 145, 155);
            assert_int_equal(c.layers[k].asked, 0);
        }
        measure(&c);
        set_inactive(&c, off, false);
        run(&c, SOTTO_SECONDS(3));
        for (size_t k = 0; k < RIDS; k++) {
            assert_int_equal(c.layers[k].asked, k == off);
            assert_int_equal(c.layers[k].got_keys, k == off);
            assert_true(c.layers[k].got > 80);
        }
    }
    assert_int_equal(c.pair->side[1].n_events[SOTTO_EV_MUTE], 0);
    pair_free(c.pair);
}

/* ---- a peer in the middle ---- */

struct middle {
    struct camera c; /* its pair: from the camera (side 0) to the middle (side 1) */
    struct pair *out; /* from the middle (side 0) to who watches (side 1) */
    sotto_transceiver *onward;
    uint64_t packets, refused, asked;
};

static void pass_on(struct middle *m, const sotto_event *e)
{
    assert_null(e->u.rtp.rid);
    assert_ptr_equal(e->u.rtp.transceiver, m->c.to);
    m->packets++;
    int r = m->onward ? sotto_transceiver_send_rtp(m->onward, e->u.rtp.packet, e->u.rtp.len)
                      : SOTTO_E_STATE;
    assert_true(r == 0 || r == SOTTO_E_STATE); /* the other call is not there yet */
    m->refused += r < 0;
}

static void take_at_the_middle(struct side *s, const sotto_event *e, void *user)
{
    struct middle *m = user;
    assert_true(s->index == 0 || e->type != SOTTO_EV_FRAME); /* in receive mode RTP */
    if (s->index == 1 && e->type == SOTTO_EV_RTP) {
        pass_on(m, e);
        return;
    }
    take(s, e, &m->c);
}

static void take_at_the_end(struct side *s, const sotto_event *e, void *user)
{
    struct middle *m = user;
    if (s->index == 1 && e->type == SOTTO_EV_FRAME) take_frame(&m->c, e->u.frame.frame);
    if (s->index == 0 && e->type == SOTTO_EV_KEYFRAME_NEEDED) {
        int r = sotto_transceiver_request_keyframe(m->c.to, NULL);
        assert_true(r == 0 || r == SOTTO_E_STATE); /* nothing came from the camera yet */
        m->asked++;
    }
}

static void middle_new(struct middle *m)
{
    static const char *const addresses[2][2] = {{"192.0.2.1", "192.0.2.2"},
                                                {"192.0.2.3", "192.0.2.4"}};
    *m = (struct middle){.c = {.n = 1}};
    m->c.layers[0].last = -1;
    struct pair_opt in = {
        .take = take_at_the_middle, .user = m, .addresses = {addresses[0][0], addresses[0][1]}};
    m->c.pair = pair_new(12, &in);
    m->c.from = add_camera(m->c.pair, 1);
    assert_int_equal(pair_offer(m->c.pair, 0), 0);
    assert_true(pair_until(m->c.pair, SOTTO_SECONDS(30), pair_is_connected, NULL));
    assert_int_equal(sotto_transceiver_set_receive_mode(m->c.to, SOTTO_RECEIVE_RTP), 0);
    struct pair_opt out = {.take = take_at_the_end,
                           .user = m,
                           .beside = m->c.pair,
                           .addresses = {addresses[1][0], addresses[1][1]}};
    m->out = pair_new(13, &out);
}

static void who_watches_comes(struct middle *m)
{
    m->onward = add_camera(m->out, 1);
    assert_int_equal(pair_offer(m->out, 0), 0);
    assert_true(pair_until(m->out, SOTTO_SECONDS(30), pair_is_connected, NULL));
}

static void packets_that_are_passed_on_are_the_frames_of_the_camera(void **state)
{
    (void)state;
    struct middle m;
    middle_new(&m);
    who_watches_comes(&m);
    run(&m.c, SOTTO_SECONDS(10));
    pair_run(m.c.pair, SOTTO_SECONDS(1));
    assert_true(m.packets > 500);
    assert_int_equal(m.refused, 0);
    assert_int_equal(m.c.layers[0].got, m.c.layers[0].next);
    expect_all(&m.c, 0);
    pair_free(m.out);
    pair_free(m.c.pair);
}

static void who_comes_later_asks_through_the_middle_for_a_key_frame(void **state)
{
    (void)state;
    struct middle m;
    middle_new(&m);
    run(&m.c, SOTTO_SECONDS(3)); /* nobody watches */
    who_watches_comes(&m);
    assert_int_equal(m.c.layers[0].got, 0);
    run(&m.c, SOTTO_SECONDS(3));
    assert_true(m.asked >= 1);
    assert_true(m.c.layers[0].asked >= 1);
    assert_in_range(m.c.layers[0].got, 80, 92); /* from the key frame on */
    assert_int_equal(m.c.layers[0].missing, 0);
    pair_free(m.out);
    pair_free(m.c.pair);
}

/* The middle repairs nothing itself: the packet that is lost on the second way is sent again by its own history. */
static void what_is_lost_behind_the_middle_is_sent_again_by_it(void **state)
{
    (void)state;
    struct middle m;
    struct net_link link = {.delay_us = SOTTO_MS(20), .loss = 0.03};
    middle_new(&m);
    who_watches_comes(&m);
    run(&m.c, SOTTO_SECONDS(2));
    net_link_both(m.out->net, m.out->side[0].host, m.out->side[1].host, &link);
    run(&m.c, SOTTO_SECONDS(10));
    link.loss = 0;
    net_link_both(m.out->net, m.out->side[0].host, m.out->side[1].host, &link);
    run(&m.c, SOTTO_SECONDS(1));
    pair_run(m.c.pair, SOTTO_SECONDS(1));
    expect_all(&m.c, 0);
    pair_free(m.out);
    pair_free(m.c.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_encodings_arrive_each_with_its_rid),
        cmocka_unit_test(a_key_frame_of_one_encoding_is_asked_for),
        cmocka_unit_test(an_inactive_encoding_stops_and_begins_again_with_a_key_frame),
        cmocka_unit_test(packets_that_are_passed_on_are_the_frames_of_the_camera),
        cmocka_unit_test(who_comes_later_asks_through_the_middle_for_a_key_frame),
        cmocka_unit_test(what_is_lost_behind_the_middle_is_sent_again_by_it),
    };
    return cmocka_run_group_tests_name("media layers", tests, NULL, NULL);
}

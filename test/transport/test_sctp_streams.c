/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams that usrsctp gets when they are used: on the wire all of them are there from the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "util/bytes.h"
#include "util/time.h"

static const struct link_cfg lan = {.delay = SOTTO_MS(1)};

struct wire { /* what was seen on it, by side */
    unsigned inits, requests, answers;
    uint32_t tsn[2], request[2]; /* first of both; the last request to reset */
    bool has_request[2];
};

/* RFC 6525 §4.1: requests are numbered from the first TSN on. */
static void see_reconfig(struct wire *w, int from, const uint8_t *p, size_t n)
{
    for (size_t at = 4; at + 8 <= n;) {
        unsigned type = sotto__get_u16(p + at);
        uint32_t seq = sotto__get_u32(p + at + 4);
        assert_true(type == 13 || type == 16);
        if (type == 13) {
            uint32_t next = w->has_request[from] ? w->request[from] + 1 : w->tsn[from];
            if (!w->has_request[from] || seq != w->request[from]) { /* or it is repeated */
                assert_int_equal(seq, next);
                w->request[from] = seq, w->has_request[from] = true, w->requests++;
            }
            assert_true((int32_t)(sotto__get_u32(p + at + 8) - w->tsn[!from]) >= -1);
        } else {
            assert_true(w->has_request[!from]);
            assert_true((int32_t)(w->request[!from] - seq) >= 0);
            w->answers++;
        }
        at += (sotto__get_u16(p + at + 2) + 3u) & ~3u;
    }
}

static bool see(struct pair *p, int from, const uint8_t *packet, size_t n)
{
    struct wire *w = p->arg;
    for (size_t at = 12; at + 4 <= n; at += (sotto__get_u16(packet + at + 2) + 3u) & ~3u) {
        size_t len = sotto__get_u16(packet + at + 2);
        assert_true(len >= 4 && len <= n - at);
        if (packet[at] == 1 || packet[at] == 2) {
            assert_int_equal(sotto__get_u16(packet + at + 12), SOTTO_STREAMS_OUT);
            assert_int_equal(sotto__get_u16(packet + at + 14), SOTTO_STREAMS_OUT);
            w->tsn[from] = sotto__get_u32(packet + at + 16), w->inits++;
        }
        if (packet[at] == 0x82) see_reconfig(w, from, packet + at, len);
    }
    return true;
}

static void open_pair(struct pair *p, const struct link_cfg *link, struct wire *w)
{
    *w = (struct wire){0};
    pair_open(p, link);
    p->tap = see, p->arg = w;
    pair_connect(p);
    assert_int_equal(p->a.streams_out, SOTTO_STREAMS_OUT);
    assert_int_equal(p->b.streams_out, SOTTO_STREAMS_OUT);
    assert_true(w->inits >= 2);
}

static void expect(const struct sctp_msg *m, enum sctp_msg_type type, uint16_t sid,
                   const char *text)
{
    assert_int_equal(m->type, type);
    assert_int_equal(m->sid, sid);
    assert_false(m->denied);
    if (!text) return;
    assert_int_equal(m->ppid, 53);
    assert_int_equal(m->len, strlen(text));
    assert_memory_equal(m->data, text, m->len);
}

static void any_stream_can_be_the_first_one(void **state)
{
    (void)state;
    static const uint16_t sids[] = {SOTTO_STREAMS_FIRST - 1, SOTTO_STREAMS_FIRST,
                                    SOTTO_STREAMS_FIRST + 1, SOTTO_STREAMS_OUT - 1};
    for (size_t i = 0; i < 4; i++) {
        struct pair p;
        struct wire w;
        open_pair(&p, &lan, &w);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(side_send(&p, &p.a, sids[i], "there", 5), 0);
            pair_run(&p, SOTTO_MS(50));
            assert_int_equal(side_send(&p, &p.b, sids[i], "back", 4), 0);
            pair_run(&p, SOTTO_MS(50));
        }
        assert_int_equal(p.b.n_inbox, 3);
        assert_int_equal(p.a.n_inbox, 3);
        for (size_t k = 0; k < 3; k++) {
            expect(&p.b.inbox[k], SCTP_MSG_DATA, sids[i], "there");
            expect(&p.a.inbox[k], SCTP_MSG_DATA, sids[i], "back");
        }
        assert_int_equal(w.requests + w.answers, 0);
        pair_close(&p);
    }
}

static void streams_are_reset_before_and_after_more_of_them_are_used(void **state)
{
    (void)state;
    struct pair p;
    struct wire w;
    static const uint16_t sids[] = {3, 3, 17, 3, 200, 17, 16, 0};
    open_pair(&p, &lan, &w);
    for (size_t i = 0; i < sizeof sids / sizeof *sids; i++) {
        assert_int_equal(side_send(&p, &p.a, sids[i], "before", 6), 0);
        assert_int_equal(sotto__sctp_reset(p.a.s, p.now, sids[i]), 0);
        pair_run(&p, SOTTO_MS(500));
        assert_int_equal(p.b.n_inbox, 2);
        expect(&p.b.inbox[0], SCTP_MSG_DATA, sids[i], "before");
        expect(&p.b.inbox[1], SCTP_MSG_RESET_IN, sids[i], NULL);
        assert_int_equal(p.a.n_inbox, 1);
        expect(&p.a.inbox[0], SCTP_MSG_RESET_OUT, sids[i], NULL);
        assert_int_equal(sotto__sctp_reset(p.b.s, p.now, sids[i]), 0);
        pair_run(&p, SOTTO_MS(500));
        assert_int_equal(p.a.n_inbox, 2);
        expect(&p.a.inbox[1], SCTP_MSG_RESET_IN, sids[i], NULL);
        assert_int_equal(p.b.n_inbox, 3);
        expect(&p.b.inbox[2], SCTP_MSG_RESET_OUT, sids[i], NULL);
        side_clear(&p.a);
        side_clear(&p.b);
    }
    assert_int_equal(w.requests, 2 * sizeof sids / sizeof *sids);
    assert_true(w.answers >= w.requests);
    pair_close(&p);
}

static void a_stream_that_was_never_used_is_reset(void **state)
{
    (void)state;
    struct pair p;
    struct wire w;
    uint8_t *bulk = calloc(1, 200000);
    open_pair(&p, &lan, &w);
    assert_int_equal(side_send(&p, &p.a, 0, bulk, 200000), 0); /* so that it has to wait */
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 99), 0);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 99), SOTTO_E_AGAIN);
    assert_int_equal(side_send(&p, &p.a, 99, "x", 1), SOTTO_E_STATE);
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.b.n_inbox, 2);
    expect(&p.b.inbox[1], SCTP_MSG_RESET_IN, 99, NULL);
    assert_int_equal(p.a.n_inbox, 1);
    expect(&p.a.inbox[0], SCTP_MSG_RESET_OUT, 99, NULL);
    assert_int_equal(side_send(&p, &p.a, 99, "new", 3), 0);
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.b.n_inbox, 3);
    expect(&p.b.inbox[2], SCTP_MSG_DATA, 99, "new");
    free(bulk);
    pair_close(&p);
}

static void more_streams_wait_for_an_answer_to_a_reset(void **state)
{
    (void)state;
    struct pair p;
    struct wire w;
    open_pair(&p, &lan, &w);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 1), 0);
    assert_int_equal(side_send(&p, &p.a, 77, "x", 1), SOTTO_E_AGAIN);
    assert_false(sotto__sctp_writable(p.a.s, 1));
    assert_int_equal(side_send(&p, &p.a, 2, "x", 1), SOTTO_E_AGAIN);
    pair_run(&p, SOTTO_MS(300));
    assert_true(sotto__sctp_writable(p.a.s, 1));
    assert_int_equal(side_send(&p, &p.a, 77, "after", 5), 0);
    pair_run(&p, SOTTO_MS(300));
    assert_int_equal(p.b.n_inbox, 2);
    expect(&p.b.inbox[1], SCTP_MSG_DATA, 77, "after");
    pair_close(&p);
}

struct count { /* of one side: the next number on each stream */
    uint32_t next[SOTTO_STREAMS_OUT];
};

static void in_order(struct side *side, const struct sctp_msg *m)
{
    struct count *c = side->arg;
    if (m->type != SCTP_MSG_DATA) return;
    assert_true(m->len >= 4);
    assert_int_equal(sotto__get_u32(m->data), c->next[m->sid]++);
    for (size_t i = 4; i < m->len; i++) assert_int_equal(m->data[i], (uint8_t)m->sid);
}

/* Both sides send on ever more streams, large and small, over a bad path; each stream keeps its order. */
static void streams_are_added_under_load(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct link_cfg link = {
            .seed = seed, .delay = SOTTO_MS(5), .jitter = SOTTO_MS(5), .loss = seed % 2 ? 0 : .03};
        struct pair p;
        struct wire w;
        struct count got[2] = {{{0}}}, sent[2] = {{{0}}};
        static uint8_t data[20000];
        unsigned total[2] = {0};
        open_pair(&p, &link, &w);
        struct side *sides[] = {&p.a, &p.b};
        for (int i = 0; i < 2; i++)
            sides[i]->on_msg = in_order, sides[i]->arg = &got[i], sides[i]->discard = true;
        for (unsigned k = 0; k < 600; k++) {
            unsigned i = (unsigned)(pair_random(&p) % 2);
            uint16_t sid = (uint16_t)(pair_random(&p) % (1 + k * 2 / 5));
            size_t n = 4 + (size_t)(pair_random(&p) % (k % 5 ? 300 : sizeof data - 4));
            memset(data, (uint8_t)sid, n);
            for (int b = 0; b < 4; b++) data[b] = (uint8_t)(sent[i].next[sid] >> (24 - 8 * b));
            int r = side_send(&p, sides[i], sid, data, n);
            if (r == 0) sent[i].next[sid]++, total[i]++;
            assert_true(r == 0 || r == SOTTO_E_AGAIN);
            if (r < 0 || pair_random(&p) % 4 == 0) pair_step(&p);
        }
        pair_run(&p, SOTTO_SECONDS(30));
        assert_false(p.a.down || p.b.down);
        assert_memory_equal(&got[1], &sent[0], sizeof *got);
        assert_memory_equal(&got[0], &sent[1], sizeof *got);
        assert_true(total[0] > 50 && total[1] > 50);
        uint32_t high = 0;
        for (size_t i = 200; i < SOTTO_STREAMS_OUT; i++) high += sent[0].next[i] + sent[1].next[i];
        assert_true(high > 0);
        pair_close(&p);
    }
}

static void unordered_and_partly_reliable_messages_keep_their_stream(void **state)
{
    (void)state;
    struct pair p;
    struct wire w;
    struct link_cfg link = {.seed = 3, .delay = SOTTO_MS(2), .loss = .1};
    static const uint16_t sids[] = {0, 15, 16, 17, 255};
    static uint8_t big[5000];
    unsigned seen[SOTTO_STREAMS_OUT] = {0};
    open_pair(&p, &link, &w);
    for (unsigned k = 0; k < 200; k++) {
        struct sctp_send_opt opt = {.sid = sids[k % 5 * (k / 5 % 2 ? 1u : (k > 100))],
                                    .ppid = 51,
                                    .unordered = true,
                                    .reliability =
                                        k % 3 ? SOTTO_DC_RELIABLE : SOTTO_DC_MAX_RETRANSMITS};
        size_t n = k % 7 ? 1 : sizeof big;
        big[0] = (uint8_t)opt.sid;
        for (int r = SOTTO_E_AGAIN; r == SOTTO_E_AGAIN; pair_step(&p))
            if ((r = sotto__sctp_send(p.a.s, p.now, &opt, big, n)) != 0)
                assert_int_equal(r, SOTTO_E_AGAIN);
    }
    pair_run(&p, SOTTO_SECONDS(20));
    assert_false(p.a.down || p.b.down);
    for (size_t i = 0; i < p.b.n_inbox; i++) {
        assert_int_equal(p.b.inbox[i].ppid, 51);
        assert_int_equal(p.b.inbox[i].data[0], (uint8_t)p.b.inbox[i].sid);
        seen[p.b.inbox[i].sid]++;
    }
    for (size_t i = 0; i < 5; i++) assert_true(seen[sids[i]] > 0);
    pair_close(&p);
}

struct keep { /* a packet held back, and what is put behind it */
    uint8_t p[4096];
    size_t n, head;
    bool merges, done;
};

/* B's cookie is held back, and A's answer to it that never comes; B's first DATA arrives at A without it, or behind it. */
static bool hold_cookie(struct pair *p, int from, const uint8_t *packet, size_t n)
{
    struct keep *k = p->arg;
    if (from == 0 || k->done) return true;
    if (packet[12] == 11) return false;
    if (packet[12] == 10) {
        assert_true(n <= 2048);
        memcpy(k->p, packet, n);
        k->n = n;
        return false;
    }
    if (packet[12] != 0 || k->n == 0) return true;
    k->done = true;
    if (!k->merges) return true;
    memcpy(k->p + k->n, packet + 12, n - 12);
    k->n += n - 12;
    return false;
}

static void data_beside_the_cookie_may_be_on_any_stream(void **state)
{
    (void)state;
    for (int merges = 0; merges < 2; merges++) {
        struct pair p;
        struct keep k = {.merges = merges};
        pair_open(&p, &lan);
        p.tap = hold_cookie, p.arg = &k;
        for (int i = 0; i < 100 && !p.b.up; i++) pair_step(&p);
        assert_true(p.b.up && !p.a.up);
        assert_int_equal(side_send(&p, &p.b, 200, "early", 5), 0);
        pair_collect(&p);
        assert_true(k.done);
        if (merges) pair_inject(&p, &p.a, k.p, k.n);
        pair_run(&p, SOTTO_MS(20));
        assert_true(p.a.up);
        assert_int_equal(p.a.n_inbox, 1);
        expect(&p.a.inbox[0], SCTP_MSG_DATA, 200, "early");
        assert_int_equal(side_send(&p, &p.a, 201, "reply", 5), 0);
        pair_run(&p, SOTTO_SECONDS(1));
        assert_int_equal(p.b.n_inbox, 1);
        expect(&p.b.inbox[0], SCTP_MSG_DATA, 201, "reply");
        pair_close(&p);
    }
}

static void without_re_config_all_inbound_streams_are_there_and_a_few_outbound_ones(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    p.tap = tap_without_reconfig;
    pair_connect(&p);
    assert_int_equal(p.a.streams_out, SOTTO_STREAMS_FIRST);
    assert_int_equal(side_send(&p, &p.a, SOTTO_STREAMS_FIRST, "x", 1), SOTTO_E_INVAL);
    assert_int_equal(side_send(&p, &p.a, SOTTO_STREAMS_FIRST - 1, "x", 1), 0);
    pair_run(&p, SOTTO_MS(100));
    assert_int_equal(p.b.n_inbox, 1);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_stream_can_be_the_first_one),
        cmocka_unit_test(streams_are_reset_before_and_after_more_of_them_are_used),
        cmocka_unit_test(a_stream_that_was_never_used_is_reset),
        cmocka_unit_test(more_streams_wait_for_an_answer_to_a_reset),
        cmocka_unit_test(streams_are_added_under_load),
        cmocka_unit_test(unordered_and_partly_reliable_messages_keep_their_stream),
        cmocka_unit_test(data_beside_the_cookie_may_be_on_any_stream),
        cmocka_unit_test(without_re_config_all_inbound_streams_are_there_and_a_few_outbound_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

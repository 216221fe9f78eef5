/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of reliability and order over links that lose and reorder, with streams being reset among it: nothing that a peer
 * may legally do ends the association, reliable messages all arrive, ordered ones in order, and none is damaged. These are the
 * scenarios in which usrsctp 0.9.5.0 without the guard aborts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "util/mem.h"
#include "util/time.h"

#define STREAMS 4
#define RESET_STREAM 9

struct traffic {
    const char *name;
    size_t size_min, size_max;
    int32_t reliability;
    uint32_t limit;
    bool unordered;
    bool resets; /* another stream is used and reset meanwhile */
    bool mixed;  /* every other message fits a packet, and all go on one stream */
};

struct check { /* of what arrives on one side */
    const struct traffic *traffic;
    uint32_t sent[STREAMS], next[STREAMS];
    uint64_t arrived, resets_in;
    bool damaged, disorder;
};

static uint8_t pattern(uint32_t seed, size_t i)
{
    return (uint8_t)((seed * 2654435761u + (uint32_t)i * 40503u) >> 13);
}

static void write_message(uint8_t *p, size_t n, uint16_t sid, uint32_t number)
{
    uint32_t head[2] = {number, (uint32_t)n};
    memcpy(p, head, 8);
    for (size_t i = 8; i < n; i++) p[i] = pattern(number + sid, i);
}

static void check_message(struct side *side, const struct sctp_msg *m)
{
    struct check *c = side->arg;
    if (m->type != SCTP_MSG_DATA) {
        c->resets_in += m->type == SCTP_MSG_RESET_IN;
        return;
    }
    if (m->sid == RESET_STREAM) return;
    uint32_t head[2] = {0, 0};
    if (m->len < 8 || m->sid >= STREAMS) {
        c->damaged = true;
        return;
    }
    memcpy(head, m->data, 8);
    if (head[1] != m->len || head[0] >= c->sent[m->sid]) c->damaged = true;
    for (size_t i = 8; i < m->len && !c->damaged; i++)
        c->damaged = m->data[i] != pattern(head[0] + m->sid, i);
    bool gap = c->traffic->reliability == SOTTO_DC_RELIABLE ? head[0] != c->next[m->sid]
                                                            : head[0] < c->next[m->sid];
    if (!c->traffic->unordered && gap) c->disorder = true;
    c->next[m->sid] = head[0] + 1;
    c->arrived++;
}

static void send_some(struct pair *p, struct check *c, uint8_t *data)
{
    const struct traffic *t = c->traffic;
    uint16_t sid = t->mixed ? 0 : (uint16_t)(pair_random(p) % STREAMS);
    size_t n = t->size_min + pair_random(p) % (t->size_max - t->size_min + 1);
    if (t->mixed && pair_random(p) % 2 == 0) n = 8 + pair_random(p) % 1000;
    struct sctp_send_opt opt = {.sid = sid,
                                .ppid = 53,
                                .unordered = t->unordered,
                                .reliability = t->reliability,
                                .limit = t->limit};
    write_message(data, n, sid, c->sent[sid]);
    int r = sotto__sctp_send(p->a.s, p->now, &opt, data, n);
    assert_true(r == 0 || r == SOTTO_E_AGAIN);
    if (r == 0) c->sent[sid]++;
}

/* A message on a stream of its own, which is then reset: as a channel that is opened and closed again and again. */
static void use_and_reset(struct pair *p)
{
    if (side_send(p, &p->a, RESET_STREAM, "short-lived", 11) == 0)
        assert_int_equal(sotto__sctp_reset(p->a.s, p->now, RESET_STREAM), 0);
}

static uint64_t total(const struct check *c)
{
    uint64_t n = 0;
    for (int i = 0; i < STREAMS; i++) n += c->sent[i];
    return n;
}

static void run(const struct traffic *t, const struct link_cfg *link, const char *what)
{
    struct pair p;
    struct check c = {.traffic = t};
    uint8_t *data = malloc(t->size_max);
    pair_open(&p, link);
    p.b.discard = true, p.b.on_msg = check_message, p.b.arg = &c;
    pair_connect(&p);
    for (int i = 0; i < 150 && !p.a.down && !p.b.down; i++) {
        send_some(&p, &c, data);
        if (t->resets && i % 5 == 0) use_and_reset(&p);
        pair_run(&p, SOTTO_MS(5));
    }
    pair_run(&p, SOTTO_SECONDS(60)); /* the rest, with all its retransmissions */
    uint64_t sent = total(&c);
    if (p.a.down || p.b.down || c.damaged || c.disorder || c.arrived > sent || c.arrived == 0 ||
        (t->reliability == SOTTO_DC_RELIABLE && c.arrived != sent) ||
        (t->resets && c.resets_in == 0))
        fail_msg("%s, seed %llu, %s: down %d %d, damaged %d, disorder %d, %llu of %llu", t->name,
                 (unsigned long long)link->seed, what, p.a.down, p.b.down, c.damaged, c.disorder,
                 (unsigned long long)c.arrived, (unsigned long long)sent);
    free(data);
    pair_close(&p);
}

/* Half of the seeds, unless there are hours: one run takes a sixth of a second under sanitizers. */
static void run_over_links(const struct traffic *t, uint64_t seeds)
{
    static const double losses[] = {0, 0.01, 0.05};
    static const sotto_us jitters[] = {0, SOTTO_MS(2), SOTTO_MS(8)};
    if (!getenv("SOTTO_LONG")) seeds /= 2;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        for (int l = 0; l < 3; l++)
            for (int j = 0; j < 3; j++) {
                char what[64];
                struct link_cfg link = {.seed = seed,
                                        .loss = losses[l],
                                        .delay = SOTTO_MS(10),
                                        .jitter = jitters[j],
                                        .rate_bps = 20000000};
                snprintf(what, sizeof what, "loss %.2f, jitter %d ms", losses[l],
                         (int)(jitters[j] / 1000));
                run(t, &link, what);
            }
}

static void unordered_without_retransmission_never_ends_the_association(void **state)
{
    (void)state;
    static const struct traffic t = {"unordered, none again, 10 to 60 KB",
                                     10000,
                                     60000,
                                     SOTTO_DC_MAX_RETRANSMITS,
                                     0,
                                     true,
                                     false};
    run_over_links(&t, 12);
}

/* usrsctp alone takes a whole message for the end of an abandoned one on the same stream: "Illegal message sequence". */
static void unordered_of_mixed_sizes_never_ends_the_association(void **state)
{
    (void)state;
    static const struct traffic kinds[] = {
        {"mixed, none again", 10000, 40000, SOTTO_DC_MAX_RETRANSMITS, 0, true, .mixed = true},
        {"mixed, 30 ms", 10000, 40000, SOTTO_DC_MAX_LIFETIME, 30, true, .mixed = true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) run_over_links(&kinds[i], 8);
}

static void every_kind_of_channel_survives_loss_and_reordering(void **state)
{
    (void)state;
    static const struct traffic kinds[] = {
        {"ordered, reliable", 8, 30000, SOTTO_DC_RELIABLE, 0, false, false},
        {"ordered, none again", 8, 30000, SOTTO_DC_MAX_RETRANSMITS, 0, false, false},
        {"ordered, twice again", 8, 30000, SOTTO_DC_MAX_RETRANSMITS, 2, false, false},
        {"ordered, 0 ms", 8, 30000, SOTTO_DC_MAX_LIFETIME, 0, false, false},
        {"ordered, 30 ms", 8, 30000, SOTTO_DC_MAX_LIFETIME, 30, false, false},
        {"unordered, reliable", 8, 30000, SOTTO_DC_RELIABLE, 0, true, false},
        {"unordered, once again", 8, 30000, SOTTO_DC_MAX_RETRANSMITS, 1, true, false},
        {"unordered, 30 ms", 8, 30000, SOTTO_DC_MAX_LIFETIME, 30, true, false},
        {"unordered, small", 8, 900, SOTTO_DC_MAX_RETRANSMITS, 0, true, false},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) run_over_links(&kinds[i], 2);
}

static void resets_among_lossy_traffic_disturb_nobody(void **state)
{
    (void)state;
    static const struct traffic kinds[] = {
        {"resets, unordered, reliable, small", 8, 900, SOTTO_DC_RELIABLE, 0, true, true},
        {"resets, unordered, none again", 8, 20000, SOTTO_DC_MAX_RETRANSMITS, 0, true, true},
        {"resets, ordered, reliable", 8, 20000, SOTTO_DC_RELIABLE, 0, false, true},
        {"resets, ordered, none again", 8, 20000, SOTTO_DC_MAX_RETRANSMITS, 0, false, true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) run_over_links(&kinds[i], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unordered_without_retransmission_never_ends_the_association),
        cmocka_unit_test(unordered_of_mixed_sizes_never_ends_the_association),
        cmocka_unit_test(every_kind_of_channel_survives_loss_and_reordering),
        cmocka_unit_test(resets_among_lossy_traffic_disturb_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Two associations over a virtual link: see the header. */
#include "sctp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "sotto/data.h"
#include "util/mem.h"
#include "util/time.h"

static _Atomic sotto_us clock_us = 1000000000, wall_offset = SOTTO_SECONDS(1700000000);

void test_clock_set(sotto_us now)
{
    clock_us = now;
}

void test_wall_step(sotto_us by)
{
    wall_offset += by;
}

sotto_us test_clock(void)
{
    return clock_us;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict tz)
{
    (void)tz;
    sotto_us now = clock_us + wall_offset;
    tv->tv_sec = (time_t)(now / 1000000), tv->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}

uint64_t pair_random(struct pair *p) /* splitmix64 */
{
    uint64_t z = (p->rng += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(struct pair *p)
{
    return (double)(pair_random(p) >> 11) / 9007199254740992.0;
}

void pair_cfg(struct sctp_cfg *cfg)
{
    *cfg = (struct sctp_cfg){.local_port = 5000,
                             .remote_port = 5000,
                             .streams_out = SOTTO_STREAMS_OUT,
                             .streams_in = 2 * SOTTO_STREAMS_OUT,
                             .max_message_size = SOTTO_DEFAULT_MESSAGE};
}

void pair_open_cfg(struct pair *p, const struct link_cfg *link, const struct sctp_cfg *a,
                   const struct sctp_cfg *b)
{
    *p = (struct pair){.now = test_clock() + 1000000, .link = *link, .rng = link->seed};
    test_clock_set(p->now);
    p->a.reading = p->b.reading = true;
    assert_int_equal(sotto__sctp_new(&p->a.s, a, p->now), 0);
    assert_int_equal(sotto__sctp_new(&p->b.s, b, p->now), 0);
}

void pair_open(struct pair *p, const struct link_cfg *link)
{
    struct sctp_cfg cfg;
    pair_cfg(&cfg);
    pair_open_cfg(p, link, &cfg, &cfg);
}

static void put_flight(struct pair *p, struct flight f)
{
    if (p->n_flights == p->cap_flights) {
        p->cap_flights = p->cap_flights ? 2 * p->cap_flights : 64;
        p->flights = realloc(p->flights, p->cap_flights * sizeof *p->flights);
        assert_non_null(p->flights);
    }
    size_t i = p->n_flights++; /* a heap by time, then by order */
    for (; i > 0; i = (i - 1) / 2) {
        struct flight *up = &p->flights[(i - 1) / 2];
        if (up->at < f.at || (up->at == f.at && up->order < f.order)) break;
        p->flights[i] = *up;
    }
    p->flights[i] = f;
}

static bool before(const struct flight *x, const struct flight *y)
{
    return x->at < y->at || (x->at == y->at && x->order < y->order);
}

static struct flight pop_flight(struct pair *p)
{
    struct flight top = p->flights[0], f = p->flights[--p->n_flights];
    size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= p->n_flights) break;
        if (k + 1 < p->n_flights && before(&p->flights[k + 1], &p->flights[k])) k++;
        if (!before(&p->flights[k], &f)) break;
        p->flights[i] = p->flights[k], i = k;
    }
    p->flights[i] = f;
    return top;
}

/* Whether the path carries a packet. */
static bool passes(const struct pair *p, struct side *from, size_t n, enum sctp_whole whole)
{
    if (whole == SCTP_WHOLE) from->probes++;
    if (p->link.mtu == 0 || n <= p->link.mtu) return true;
    if (whole == SCTP_FRAGMENTS)
        from->fragmented++;
    else
        from->too_big++;
    return whole == SCTP_FRAGMENTS;
}

static void transmit(struct pair *p, struct side *from, const uint8_t *packet, size_t n,
                     enum sctp_whole whole)
{
    from->packets++, from->bytes += n;
    if (n > from->largest) from->largest = n;
    if (!passes(p, from, n, whole)) return;
    if (p->tap && !p->tap(p, from == &p->b, packet, n)) return;
    if (p->link.down || uniform(p) < p->link.loss) return;
    sotto_us at = p->now;
    if (p->link.rate_bps > 0) {
        sotto_us wire = (sotto_us)((int64_t)(n + 65) * 8000000 / p->link.rate_bps);
        if (from->busy_until < p->now) from->busy_until = p->now;
        if (p->link.queue > 0 && from->busy_until - p->now > (sotto_us)p->link.queue * wire) return;
        from->busy_until += wire;
        at = from->busy_until;
    }
    at += p->link.delay + (p->link.jitter ? (sotto_us)(uniform(p) * (double)p->link.jitter) : 0);
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, packet, n);
    put_flight(
        p, (struct flight){.at = at, .order = p->order++, .to = from == &p->a, .p = copy, .n = n});
}

static void pull(struct pair *p, struct side *s)
{
    struct sctp_msg m;
    int r;
    while (s->reading && (r = sotto__sctp_pull(s->s, p->now, &m)) != 0) {
        if (r < 0) {
            s->pull_error = r;
            return;
        }
        s->messages++, s->message_bytes += m.len;
        if (s->on_msg) s->on_msg(s, &m);
        if (s->discard) {
            sotto__free(m.data);
            continue;
        }
        if (s->n_inbox == s->cap_inbox) {
            s->cap_inbox = s->cap_inbox ? 2 * s->cap_inbox : 16;
            s->inbox = realloc(s->inbox, s->cap_inbox * sizeof *s->inbox);
            assert_non_null(s->inbox);
        }
        s->inbox[s->n_inbox++] = m;
    }
}

static void collect(struct pair *p, struct side *s)
{
    struct sctp_out out;
    for (int rounds = 0; rounds < 2; rounds++) { /* a pull may make packets */
        while (sotto__sctp_next(s->s, p->now, &out) > 0) {
            if (out.type == SCTP_OUT_PACKET) transmit(p, s, out.p, out.n, out.whole);
            if (out.type == SCTP_OUT_UP) {
                assert_false(s->up);
                s->up = true, s->streams_out = out.streams_out;
            }
            if (out.type == SCTP_OUT_DOWN) {
                assert_false(s->down);
                s->down = true, s->error = out.error;
            }
        }
        if (rounds == 0) pull(p, s);
    }
}

void pair_collect(struct pair *p)
{
    if (p->a.s) collect(p, &p->a);
    if (p->b.s) collect(p, &p->b);
}

void pair_inject(struct pair *p, struct side *to, const uint8_t *packet, size_t n)
{
    assert_int_equal(sotto__sctp_input(to->s, p->now, packet, n), 0);
    pair_collect(p);
}

void pair_step(struct pair *p)
{
    pair_collect(p);
    sotto_us next = p->now + SOTTO_MS(100);
    if (p->a.s) next = sotto__earlier(next, sotto__sctp_due(p->a.s));
    if (p->b.s) next = sotto__earlier(next, sotto__sctp_due(p->b.s));
    if (p->n_flights > 0) next = sotto__earlier(next, p->flights[0].at);
    if (next > p->now) p->now = next;
    test_clock_set(p->now);
    while (p->n_flights > 0 && p->flights[0].at <= p->now) {
        struct flight f = pop_flight(p);
        struct side *to = f.to ? &p->b : &p->a;
        if (to->s) {
            assert_int_equal(sotto__sctp_input(to->s, p->now, f.p, f.n), 0);
            if (pair_random(p) % 8 == 0) collect(p, to); /* else they come together, as in a turn of the loop */
        }
        free(f.p);
    }
    pair_collect(p);
}

void pair_run(struct pair *p, sotto_us span)
{
    for (sotto_us end = p->now + span; p->now < end;) pair_step(p);
}

bool pair_run_until(struct pair *p, sotto_us span, bool (*done)(struct pair *))
{
    for (sotto_us end = p->now + span; p->now < end && !done(p);) pair_step(p);
    return done(p);
}

static bool both_up(struct pair *p)
{
    return p->a.up && p->b.up;
}

void pair_connect(struct pair *p)
{
    assert_true(pair_run_until(p, SOTTO_SECONDS(30), both_up));
}

void side_clear(struct side *s)
{
    for (size_t i = 0; i < s->n_inbox; i++) sotto__free(s->inbox[i].data);
    s->n_inbox = 0;
}

void pair_close(struct pair *p)
{
    sotto__sctp_free(p->a.s);
    sotto__sctp_free(p->b.s);
    side_clear(&p->a);
    side_clear(&p->b);
    free(p->a.inbox);
    free(p->b.inbox);
    while (p->n_flights > 0) free(pop_flight(p).p);
    free(p->flights);
    p->a.s = p->b.s = NULL;
}

int side_send(struct pair *p, struct side *s, uint16_t sid, const void *data, size_t n)
{
    struct sctp_send_opt opt = {.sid = sid, .ppid = 53, .reliability = SOTTO_DC_RELIABLE};
    return sotto__sctp_send(s->s, p->now, &opt, data, n);
}

bool tap_without_reconfig(struct pair *p, int from, const uint8_t *packet, size_t n)
{
    (void)p, (void)from;
    uint8_t *own = (uint8_t *)(uintptr_t)packet; /* the outbox's, which nobody reads again */
    if (own[12] != 1 && own[12] != 2) return true;
    for (size_t i = 32; i + 4 <= n && own[i + 1] != 7; i += (own[i + 3] + 3u) & ~3u)
        for (size_t k = i + 4; own[i + 1] == 8 && k < i + own[i + 3]; k++) /* supported extensions */
            if (own[k] == 0x82) own[k] = 0x84;
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast DNS on a link that is made up: who asks what and when, which answers are taken, who gets one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "transport/mdns_agent.h"
#include "util/mem.h"
#include "util/rand.h"
#include "wire/mdns.h"

#define MAX_SENT 512
#define MAX_WAITING 128

/* A host with interfaces 1…n; "descriptors" are 10 + family index. What is sent is kept; what it is to receive is put in by hand. */
struct host {
    size_t n_interfaces;
    bool no_sockets, has_only_v4, deaf;
    bool open[2];
    unsigned joined[2]; /* bits of interfaces */
    size_t opened, closed, looked;
    struct sent {
        struct address to;
        unsigned interface;
        size_t n;
        uint8_t p[MDNS_MESSAGE];
    } sent[MAX_SENT];
    size_t n_sent;
    struct waiting {
        struct net_origin from;
        size_t n;
        uint8_t p[1500];
    } waiting[MAX_WAITING];
    size_t n_waiting, at_waiting;
};

static int host_interfaces(void *world, struct net_interface *out, size_t max)
{
    struct host *h = world;
    h->looked++;
    for (size_t i = 0; i < h->n_interfaces && i < max; i++)
        out[i] = (struct net_interface){(unsigned)i + 1, {true, !h->has_only_v4}};
    return (int)(h->n_interfaces < max ? h->n_interfaces : max);
}

static int host_open(void *world, uint8_t family, uint16_t port)
{
    struct host *h = world;
    assert_int_equal(port, 5353);
    if (h->no_sockets) return SOTTO_E_SYS;
    assert_false(h->open[family == 6]);
    h->open[family == 6] = true;
    h->opened++;
    return family == 6 ? 11 : 10;
}

static void host_join(void *world, int fd, const struct address *group, unsigned interface)
{
    struct host *h = world;
    char text[46];
    assert_true(h->open[fd - 10]);
    assert_string_equal(sotto__address_text(group, text), fd == 11 ? "ff02::fb" : "224.0.0.251");
    h->joined[fd - 10] |= 1u << interface;
}

static bool host_send(void *world, int fd, const struct address *to, unsigned interface,
                      const uint8_t *p, size_t n)
{
    struct host *h = world;
    assert_true(h->open[fd - 10] && (to->family == 6) == (fd == 11));
    assert_true(h->n_sent < MAX_SENT);
    if (h->deaf) return false;
    struct sent *s = &h->sent[h->n_sent++];
    *s = (struct sent){.to = *to, .interface = interface, .n = n};
    memcpy(s->p, p, n);
    return true;
}

static size_t host_receive(void *world, int fd, struct net_origin *from, uint8_t *p, size_t cap)
{
    struct host *h = world;
    if (h->at_waiting == h->n_waiting) return 0;
    struct waiting *w = &h->waiting[h->at_waiting];
    if ((w->from.addr.family == 6) != (fd == 11)) return 0;
    h->at_waiting++;
    assert_true(w->n <= cap);
    *from = w->from;
    memcpy(p, w->p, w->n);
    return w->n;
}

static void host_close(void *world, int fd)
{
    struct host *h = world;
    assert_true(h->open[fd - 10]);
    h->open[fd - 10] = false;
    h->closed++;
}

static const struct net_ops ops = {host_interfaces, host_open,    host_join,
                                   host_send,       host_receive, host_close};

struct rig {
    struct host host;
    struct mdns_agent a;
    sotto_us now;
};

#define START SOTTO_SECONDS(1000)
#define NAME "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
static const struct address v4 = {4, {192, 0, 2, 7}, 0};
static const struct address v6 = {6, {0x20, 1, 0xd, 0xb8, [15] = 7}, 0};
static const struct net_origin neighbour = {{4, {192, 0, 2, 7}, 5353}, 1};

static struct rig *rig_new(size_t interfaces)
{
    struct rig *r = calloc(1, sizeof *r);
    struct mdns_cfg cfg = {.ops = &ops, .world = &r->host};
    r->host.n_interfaces = interfaces;
    r->now = START;
    sotto__mdns_agent_init(&r->a, &cfg);
    return r;
}

static void rig_free(struct rig *r)
{
    sotto__mdns_agent_free(&r->a);
    assert_false(r->host.open[0] || r->host.open[1]);
    free(r);
}

/* What comes out until `until`, at the times that it asks for; the last of it in out. */
static size_t run(struct rig *r, sotto_us until, struct mdns_out *out)
{
    struct mdns_out one;
    size_t n = 0;
    for (int turns = 0;; turns++) {
        assert_true(turns < 10000);
        while (sotto__mdns_agent_next(&r->a, r->now, &one) == 1) {
            n++;
            if (out) *out = one;
        }
        sotto_us due = sotto__mdns_agent_due(&r->a);
        if (due > until) break;
        assert_true(due > r->now); /* nothing is due at once again and again */
        r->now = due;
    }
    if (until > r->now) r->now = until;
    return n;
}

static void put(struct rig *r, const struct net_origin *from, const struct writer *w)
{
    struct waiting *x = &r->host.waiting[r->host.n_waiting++];
    assert_true(!w->bad && w->n <= sizeof x->p && r->host.n_waiting <= MAX_WAITING);
    x->from = *from;
    x->n = w->n;
    memcpy(x->p, w->p, w->n);
    sotto__mdns_agent_ready(&r->a);
}

static void put_answer(struct rig *r, const struct net_origin *from, const char *name,
                       const struct address *addr, uint32_t ttl)
{
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_record rec = {
        .type = addr->family == 6 ? MDNS_AAAA : MDNS_A, .flush = true, .ttl = ttl, .addr = *addr};
    snprintf(rec.name, sizeof rec.name, "%s", name);
    sotto__mdns_begin(&w, 0, true);
    sotto__mdns_add_record(&w, &rec);
    put(r, from, &w);
}

static void put_question(struct rig *r, const struct net_origin *from, const char *name,
                         uint16_t type, bool unicast)
{
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_question q = {.type = type, .unicast = unicast};
    snprintf(q.name, sizeof q.name, "%s", name);
    sotto__mdns_begin(&w, 77, false);
    sotto__mdns_add_question(&w, &q);
    put(r, from, &w);
}

static void ask(struct rig *r, const char *name, void *owner)
{
    assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, sotto__str(name), false, owner), 0);
}

/* ---- asking ---- */

static void sockets_are_there_only_while_they_are_needed(void **state)
{
    struct rig *r = rig_new(2);
    struct mdns_out out;
    struct sotto_fd fds[4];
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(run(r, START, NULL), 0);
    assert_int_equal(r->host.opened, 0);
    assert_int_equal(sotto__mdns_agent_fds(&r->a, fds, 4), 0);
    assert_true(sotto__mdns_agent_due(&r->a) == SOTTO_NEVER);
    ask(r, NAME, r);
    run(r, START, NULL);
    assert_int_equal(sotto__mdns_agent_fds(&r->a, fds, 4), 2);
    assert_true(fds[0].fd == 10 && fds[1].fd == 11);
    assert_int_equal(r->host.joined[0], 6);
    assert_int_equal(r->host.joined[1], 6);
    put_answer(r, &neighbour, NAME, &v4, 120);
    assert_int_equal(run(r, START, &out), 1);
    assert_true(out.owner == r && sotto__address_eq(&out.addr, &v4));
    assert_string_equal(out.name, NAME);
    assert_int_equal(r->host.closed, 2);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    assert_int_equal(r->host.opened, 4);
    sotto__mdns_agent_forget(&r->a, &out); /* somebody else's */
    assert_int_equal(r->host.closed, 2);
    sotto__mdns_agent_forget(&r->a, r);
    assert_int_equal(r->host.closed, 4);
    rig_free(r);
}

static void a_name_is_asked_for_at_0_1_and_3_seconds_then_given_up(void **state)
{
    static const sotto_us at[] = {0, SOTTO_SECONDS(1), SOTTO_SECONDS(3)};
    struct rig *r = rig_new(2);
    struct mdns_out out;
    (void)state;
    ask(r, "1F4712DB-ea17-4bcf-a596-105139dfd8bf.LOCAL", r);
    for (size_t i = 0; i < 3; i++) {
        if (i > 0) assert_int_equal(run(r, START + at[i] - 1, NULL), 0);
        assert_int_equal(r->host.n_sent, 4 * i);
        assert_int_equal(run(r, START + at[i], NULL), 0);
        assert_int_equal(r->host.n_sent, 4 * (i + 1)); /* two interfaces, two families */
        for (size_t k = 4 * i; k < r->host.n_sent; k++) {
            const struct sent *s = &r->host.sent[k];
            struct mdns_reader m;
            struct mdns_question q;
            assert_int_equal(s->to.port, 5353);
            assert_int_equal(sotto__mdns_open(&m, s->p, s->n), 0);
            assert_true(!m.is_response && m.id == 0);
            for (int type = 0; type < 2; type++) {
                assert_int_equal(sotto__mdns_next_question(&m, &q), 1);
                assert_string_equal(q.name, NAME);
                assert_int_equal(q.type, type == 0 ? MDNS_A : MDNS_AAAA);
                assert_true(q.unicast == (i == 0));
            }
        }
    }
    assert_int_equal(run(r, START + SOTTO_MDNS_ASK_US - 1, NULL), 0);
    assert_int_equal(run(r, START + SOTTO_MDNS_ASK_US, &out), 1);
    assert_int_equal(out.addr.family, 0);
    assert_string_equal(out.name, NAME);
    assert_int_equal(r->host.n_sent, 12);
    rig_free(r);
}

static void only_names_of_one_label_are_asked_for(void **state)
{
    static const char *const names[] = {"example.com", "a.b.local", "local", "", "a.local."};
    struct rig *r = rig_new(1);
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, sotto__str(names[i]), false, r),
                         SOTTO_E_SYNTAX);
    run(r, START + SOTTO_SECONDS(10), NULL);
    assert_int_equal(r->host.n_sent, 0);
    rig_free(r);
}

static void answers_that_must_not_be_used_are_ignored(void **state)
{
    static const struct {
        const char *why;
        struct net_origin from;
        const char *name;
        struct address addr;
        uint32_t ttl;
    } rows[] = {
        {"from another port", {{4, {192, 0, 2, 7}, 5354}, 1}, NAME, {4, {192, 0, 2, 7}, 0}, 120},
        {"of another name", {{4, {192, 0, 2, 7}, 5353}, 1}, "a.local", {4, {192, 0, 2, 7}, 0}, 120},
        {"a goodbye", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {192, 0, 2, 7}, 0}, 0},
        {"loopback", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {127, 0, 0, 1}, 0}, 120},
        {"loopback", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {6, {[15] = 1}, 0}, 120},
        {"unspecified", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {0}, 0}, 120},
        {"unspecified", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {6, {0}, 0}, 120},
        {"multicast", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {224, 0, 0, 251}, 0}, 120},
        {"broadcast", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {255, 255, 255, 255}, 0}, 120},
        {"metadata", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {169, 254, 169, 254}, 0}, 120},
        {"link-local", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {6, {0xfe, 0x80, [15] = 1}, 0}, 120},
    };
    struct rig *r = rig_new(1);
    struct mdns_out out;
    (void)state;
    ask(r, NAME, r);
    run(r, START, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_answer(r, &rows[i].from, rows[i].name, &rows[i].addr, rows[i].ttl);
        if (run(r, START, NULL) != 0) fail_msg("%s", rows[i].why);
    }
    put_answer(r, &neighbour, NAME, &v6, 120); /* the first good one counts … */
    put_answer(r, &neighbour, NAME, &v4, 120); /* … a second says nothing more */
    assert_int_equal(run(r, START, &out), 1);
    assert_true(sotto__address_eq(&out.addr, &v6));
    rig_free(r);
}

static void loopback_is_taken_where_it_is_allowed(void **state)
{
    static const struct address home = {4, {127, 0, 0, 1}, 0};
    struct rig *r = rig_new(1);
    struct mdns_out out;
    (void)state;
    assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, sotto__str(NAME), true, r), 0);
    run(r, START, NULL);
    put_answer(r, &neighbour, NAME, &home, 120);
    assert_int_equal(run(r, START, &out), 1);
    assert_true(sotto__address_eq(&out.addr, &home));
    rig_free(r);
}

static void a_name_that_two_ask_for_is_told_to_both(void **state)
{
    struct rig *r = rig_new(1);
    struct mdns_out out;
    int a, b;
    (void)state;
    ask(r, NAME, &a);
    ask(r, NAME, &b);
    ask(r, NAME, r);
    run(r, START, NULL);
    sotto__mdns_agent_forget(&r->a, r);
    put_answer(r, &neighbour, NAME, &v4, 120);
    assert_int_equal(sotto__mdns_agent_next(&r->a, r->now, &out), 1);
    assert_ptr_equal(out.owner, &a);
    assert_int_equal(sotto__mdns_agent_next(&r->a, r->now, &out), 1);
    assert_ptr_equal(out.owner, &b);
    assert_int_equal(sotto__mdns_agent_next(&r->a, r->now, &out), 0);
    rig_free(r);
}

static void names_beyond_the_limits_wait_or_are_refused(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    r->host.has_only_v4 = true;
    for (unsigned i = 0; i < SOTTO_MAX_MDNS_ASKS; i++) {
        snprintf(name, sizeof name, "n%u.local", i);
        ask(r, name, r);
    }
    assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, STR("more.local"), false, r),
                     SOTTO_E_LIMIT);
    run(r, START, NULL);
    assert_int_equal(r->host.n_sent, SOTTO_MAX_MDNS_FLIGHT);
    put_answer(r, &neighbour, "n3.local", &v4, 120);
    put_answer(r, &neighbour, "n99.local", &v4, 120); /* not asked yet */
    assert_int_equal(run(r, START, NULL), 1);
    assert_int_equal(r->host.n_sent, SOTTO_MAX_MDNS_FLIGHT + 1); /* the next one has its turn */
    sotto__mdns_agent_forget(&r->a, r);
    assert_true(sotto__mdns_agent_due(&r->a) == SOTTO_NEVER);
    rig_free(r);
}

static void without_sockets_or_interfaces_names_are_given_up_in_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct rig *r = rig_new(kind == 1 ? 0 : 1);
        struct mdns_out out;
        r->host.no_sockets = kind == 0;
        r->host.deaf = kind == 2;
        ask(r, NAME, r);
        assert_int_equal(run(r, START + SOTTO_SECONDS(60), &out), 1);
        assert_int_equal(out.addr.family, 0);
        assert_true(r->host.looked <= 3);
        rig_free(r);
    }
}

static void garbage_is_ignored(void **state)
{
    struct rig *r = rig_new(1);
    uint64_t seed = 7;
    (void)state;
    ask(r, NAME, r);
    run(r, START, NULL);
    for (int i = 0; i < MAX_WAITING; i++) {
        struct waiting *w = &r->host.waiting[r->host.n_waiting++];
        w->from = neighbour;
        w->n = 1 + (size_t)(seed >> 33) % 200;
        for (size_t k = 0; k < w->n; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            w->p[k] = k < 12 ? (uint8_t)((seed >> 40) & 0x84) : (uint8_t)(seed >> 40);
        }
    }
    for (int i = 0; i < 4; i++) {
        sotto__mdns_agent_ready(&r->a);
        assert_int_equal(run(r, START, NULL), 0);
    }
    assert_int_equal(r->host.at_waiting, MAX_WAITING);
    rig_free(r);
}

/* ---- answering ---- */

/* The one record of the message that was sent last. */
static struct mdns_record last_record(const struct rig *r)
{
    const struct sent *s = &r->host.sent[r->host.n_sent - 1];
    struct mdns_reader m;
    struct mdns_record rec;
    assert_int_equal(sotto__mdns_open(&m, s->p, s->n), 0);
    assert_true(m.is_response);
    assert_int_equal(sotto__mdns_next_record(&m, &rec), 1);
    return rec;
}

static size_t sent_after(struct rig *r, sotto_us span)
{
    size_t before = r->host.n_sent;
    run(r, r->now + span, NULL);
    return r->host.n_sent - before;
}

static void names_of_ours_are_answered_on_the_link_that_asks(void **state)
{
    static const struct net_origin there = {{4, {192, 0, 2, 9}, 5353}, 2};
    static const struct net_origin there6 = {{6, {0xfe, 0x80, [15] = 9}, 5353}, 2};
    struct rig *r = rig_new(3);
    char name[MDNS_LOCAL], again[MDNS_LOCAL], other[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, again), 0);
    assert_string_equal(name, again);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, &r->now, other), 0);
    assert_string_not_equal(name, other); /* connections are not linked by their names */
    put_question(r, &there, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    const struct sent *s = &r->host.sent[0];
    assert_true(s->interface == 2 && s->to.ip[0] == 224 && s->to.port == 5353);
    struct mdns_record rec = last_record(r);
    assert_string_equal(rec.name, name);
    assert_true(rec.flush && rec.ttl == 120 && sotto__address_eq(&rec.addr, &v4));
    put_question(r, &there6, name, MDNS_ANY, false);
    assert_int_equal(sent_after(r, 0), 1);
    assert_true(r->host.sent[1].to.ip[0] == 0xff && last_record(r).type == MDNS_A);
    put_question(r, &there6, name, MDNS_AAAA, false);
    assert_int_equal(sent_after(r, 0), 1);
    rec = last_record(r);
    assert_true(rec.type == MDNS_NSEC && rec.has_a && !rec.has_aaaa && rec.flush);
    rig_free(r);
}

static void a_record_goes_to_a_link_once_a_second(void **state)
{
    static const struct net_origin there = {{4, {192, 0, 2, 9}, 5353}, 2};
    struct rig *r = rig_new(2);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    for (int i = 0; i < 20; i++) put_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(999)), 1);
    put_question(r, &there, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1); /* another link */
    put_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(1)), 0);
    put_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    rig_free(r);
}

static void who_asks_for_a_unicast_answer_gets_one_if_the_link_has_heard_it(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    put_question(r, &neighbour, name, MDNS_A, true);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(20)), 1);
    assert_int_equal(r->host.sent[0].to.ip[0], 224);
    put_question(r, &neighbour, name, MDNS_A, true);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(11)), 1);
    assert_true(sotto__address_eq(&r->host.sent[1].to, &neighbour.addr));
    put_question(r, &neighbour, name, MDNS_A, true);
    assert_int_equal(sent_after(r, 0), 1);
    assert_int_equal(r->host.sent[2].to.ip[0], 224);
    rig_free(r);
}

static void who_does_not_speak_mdns_is_answered_as_in_dns(void **state)
{
    static const struct net_origin old = {{4, {192, 0, 2, 9}, 40000}, 1};
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    put_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    struct mdns_reader m;
    struct mdns_question q;
    assert_true(sotto__address_eq(&r->host.sent[0].to, &old.addr));
    assert_int_equal(sotto__mdns_open(&m, r->host.sent[0].p, r->host.sent[0].n), 0);
    assert_int_equal(m.id, 77);
    assert_int_equal(sotto__mdns_next_question(&m, &q), 1);
    struct mdns_record rec = last_record(r);
    assert_true(!rec.flush && rec.ttl == 10);
    /* it is no amplifier for long */
    for (unsigned i = 0; i < 3 * SOTTO_MAX_MDNS_UNICAST; i++)
        put_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(999)) +
                         (sotto__mdns_agent_ready(&r->a), sent_after(r, 0)),
                     SOTTO_MAX_MDNS_UNICAST - 1);
    put_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(2)), 0);
    put_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    rig_free(r);
}

static void what_is_known_or_not_ours_is_not_answered(void **state)
{
    static const struct net_origin elsewhere = {{4, {192, 0, 2, 9}, 5353}, 5};
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    put_question(r, &neighbour, NAME, MDNS_A, false);
    put_question(r, &elsewhere, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 0);
    for (uint32_t ttl = 59; ttl <= 60; ttl++) { /* half of it, at least: RFC 6762 §7.1 */
        uint8_t bytes[MDNS_MESSAGE];
        struct writer w = sotto__writer(bytes, sizeof bytes);
        struct mdns_question q = {.type = MDNS_A};
        struct mdns_record rec = {.type = MDNS_A, .ttl = ttl, .addr = v4};
        memcpy(q.name, name, sizeof name);
        memcpy(rec.name, name, sizeof name);
        sotto__mdns_begin(&w, 0, false);
        sotto__mdns_add_question(&w, &q);
        sotto__mdns_add_record(&w, &rec);
        put(r, &neighbour, &w);
        assert_int_equal(sent_after(r, SOTTO_SECONDS(2)), ttl == 59 ? 1 : 0);
    }
    sotto__mdns_agent_forget(&r->a, r);
    rig_free(r);
}

static void a_message_with_too_many_questions_is_not_answered(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct rig *r = rig_new(1);
        char name[MDNS_LOCAL];
        uint8_t bytes[1400];
        struct writer w = sotto__writer(bytes, sizeof bytes);
        struct mdns_question q = {.name = "a.local", .type = MDNS_A};
        assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
        sotto__mdns_begin(&w, 0, false);
        for (unsigned i = 1; i < SOTTO_MAX_MDNS_QUESTIONS + more; i++)
            sotto__mdns_add_question(&w, &q);
        memcpy(q.name, name, sizeof name);
        sotto__mdns_add_question(&w, &q);
        put(r, &neighbour, &w);
        assert_int_equal(sent_after(r, 0), more ? 0 : 1);
        rig_free(r);
    }
}

static void interfaces_beyond_the_limit_are_left_out(void **state)
{
    struct rig *r = rig_new(SOTTO_MAX_MDNS_INTERFACES + 1);
    (void)state;
    ask(r, NAME, r);
    run(r, START, NULL);
    assert_int_equal(r->host.n_sent, 2 * SOTTO_MAX_MDNS_INTERFACES);
    rig_free(r);
}

static void two_of_one_context_find_each_other(void **state)
{
    struct rig *r = rig_new(1);
    struct mdns_out out;
    char name[MDNS_LOCAL];
    (void)state;
    r->host.has_only_v4 = true;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    ask(r, name, &out);
    run(r, START, NULL);
    for (size_t i = 0; i < r->host.n_sent; i++) { /* the system brings back what goes to the group */
        struct writer w = {r->host.sent[i].p, r->host.sent[i].n, MDNS_MESSAGE, false};
        put(r, &neighbour, &w);
        run(r, START, &out);
    }
    assert_true(sotto__address_eq(&out.addr, &v4));
    rig_free(r);
}

static void names_of_ours_are_limited(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    for (unsigned i = 0; i < SOTTO_MAX_MDNS_NAMES; i++) {
        struct address a = {4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}, 0};
        assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &a, r, name), 0);
    }
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), SOTTO_E_LIMIT);
    sotto__mdns_agent_forget(&r->a, r);
    sotto__rand_fail(1);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), SOTTO_E_SYS);
    sotto__rand_fail(0);
    rig_free(r);
}

static void without_memory_nothing_is_asked_and_nothing_leaks(void **state)
{
    int64_t live = sotto__mem_live();
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct rig *r = rig_new(1);
        char name[MDNS_LOCAL];
        sotto__mem_fail_at(n);
        int a = sotto__mdns_agent_ask(&r->a, r->now, STR(NAME), false, r);
        int b = sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name);
        run(r, START + SOTTO_SECONDS(5), NULL);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true(a == (n == 1 ? SOTTO_E_NOMEM : 0) && b == (n == 2 ? SOTTO_E_NOMEM : 0));
        rig_free(r);
        if (!failed) break;
    }
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_there_only_while_they_are_needed),
        cmocka_unit_test(a_name_is_asked_for_at_0_1_and_3_seconds_then_given_up),
        cmocka_unit_test(only_names_of_one_label_are_asked_for),
        cmocka_unit_test(answers_that_must_not_be_used_are_ignored),
        cmocka_unit_test(loopback_is_taken_where_it_is_allowed),
        cmocka_unit_test(a_name_that_two_ask_for_is_told_to_both),
        cmocka_unit_test(names_beyond_the_limits_wait_or_are_refused),
        cmocka_unit_test(without_sockets_or_interfaces_names_are_given_up_in_time),
        cmocka_unit_test(garbage_is_ignored),
        cmocka_unit_test(names_of_ours_are_answered_on_the_link_that_asks),
        cmocka_unit_test(a_record_goes_to_a_link_once_a_second),
        cmocka_unit_test(who_asks_for_a_unicast_answer_gets_one_if_the_link_has_heard_it),
        cmocka_unit_test(who_does_not_speak_mdns_is_answered_as_in_dns),
        cmocka_unit_test(what_is_known_or_not_ours_is_not_answered),
        cmocka_unit_test(a_message_with_too_many_questions_is_not_answered),
        cmocka_unit_test(interfaces_beyond_the_limit_are_left_out),
        cmocka_unit_test(two_of_one_context_find_each_other),
        cmocka_unit_test(names_of_ours_are_limited),
        cmocka_unit_test(without_memory_nothing_is_asked_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

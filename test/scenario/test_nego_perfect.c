/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Perfect negotiation (W3C §10.7) between two peers, polite and impolite: in each round both sides make random changes at the same
 * time (add, remove, direction, streams, stop, ICE restart) while signalling takes its time; then both have the same sections, the
 * directions that both want, the tracks that the other sends, and the data channel has carried every message. By the seed, events are
 * taken at once or late, and the link is perfect or loses packets. A failing seed is replayed alone with SOTTO_SEED=number;
 * SOTTO_LONG=1 walks ten times as many.
 */
#include "nego.h"
#include "nego_sdp.h"

enum { SEEDS = 20, ROUNDS = 25, MAX_HANDLES = 64, MAX_SECTIONS = 12 };

struct part { /* a transceiver as its application knows it */
    sotto_transceiver *t;
    char streams[64]; /* "x,y", that we send in */
    char heard[64];   /* that the remote's track is in */
};

struct app {
    struct run *run;
    struct nego_side *s;
    bool polite, ignores;
    size_t needed;
    struct part parts[MAX_HANDLES];
    size_t n_parts;
};

struct signal {
    struct node node;
    sotto_us at;
    int to;
    int32_t type; /* IMPLICIT: a candidate */
    char *text, *mid, *ufrag;
    int32_t mline;
};

struct run {
    struct nego *n;
    struct app app[2];
    struct node signals; /* in order of sending */
    sotto_us last_at[2]; /* the signalling keeps the order */
    uint64_t rng, seed;
    size_t collisions;
};

static uint64_t pick(struct run *r, uint64_t n)
{
    return net_random(&r->rng) % n;
}

/* ---- signalling ---- */

static char *own(const char *s)
{
    char *c = strdup(s ? s : "");
    if (!c) abort();
    return c;
}

static void post(struct run *r, int to, int32_t type, const char *text, const char *mid,
                 const char *ufrag, int32_t mline)
{
    struct signal *m = calloc(1, sizeof *m);
    if (!m) abort();
    m->at = r->n->net->now + (sotto_us)pick(r, SOTTO_MS(60));
    if (m->at < r->last_at[to]) m->at = r->last_at[to];
    r->last_at[to] = m->at;
    m->to = to, m->type = type, m->mline = mline;
    m->text = own(text), m->mid = own(mid), m->ufrag = own(ufrag);
    sotto__list_push(&r->signals, &m->node);
}

static void on_candidate(struct nego_side *s, const sotto_candidate *c, void *user)
{
    struct app *a = user;
    post(a->run, 1 - s->index, SOTTO_SDP_IMPLICIT, c->line, c->mid, c->ufrag, c->mline_index);
}

static void describe(struct app *a)
{
    int32_t type = 0;
    nego_set_local(a->s, SOTTO_SDP_IMPLICIT, NULL);
    char *sdp = nego_description(a->s, true, SOTTO_DESC_EFFECTIVE, &type);
    post(a->run, 1 - a->s->index, type, sdp, NULL, NULL, 0);
}

/* W3C's example, line by line; our calls are done when they return, so nothing is "making" or "pending". */
static void receive(struct app *a, const struct signal *m)
{
    if (m->type != SOTTO_SDP_IMPLICIT) {
        bool collision =
            m->type == SOTTO_SDP_OFFER && nego_signaling(a->s) != SOTTO_SIGNALING_STABLE;
        a->ignores = !a->polite && collision;
        a->run->collisions += collision;
        if (a->ignores) return;
        nego_set_remote(a->s, m->type, m->text);
        if (m->type == SOTTO_SDP_OFFER) describe(a);
        return;
    }
    int r = nego_add_candidate(a->s, m->text, m->mid, m->mline, m->ufrag[0] ? m->ufrag : NULL);
    if (r < 0 && !a->ignores) fail_msg("a candidate: %d %s", r, a->s->err.reason);
}

static void signal_free(struct signal *m)
{
    sotto__list_remove(&m->node);
    free(m->text), free(m->mid), free(m->ufrag);
    free(m);
}

static sotto_us run_signals(struct run *r)
{
    sotto_us due = SOTTO_NEVER;
    for (struct node *i = r->signals.next, *next; i != &r->signals; i = next) {
        struct signal *m = CONTAINER_OF(i, struct signal, node);
        next = i->next;
        if (m->at > r->n->net->now) {
            due = sotto__earlier(due, m->at);
            continue;
        }
        receive(&r->app[m->to], m);
        next = i->next; /* what was posted meanwhile stands behind */
        signal_free(m);
    }
    return due;
}

/* ---- tracks ---- */

static struct part *part_of(struct app *a, sotto_transceiver *t)
{
    for (size_t i = 0; i < a->n_parts; i++)
        if (a->parts[i].t == t) return &a->parts[i];
    assert_true(a->n_parts < MAX_HANDLES);
    a->parts[a->n_parts] = (struct part){.t = t};
    return &a->parts[a->n_parts++];
}

static bool lists(const sotto_event *e, const char *id, size_t n)
{
    for (size_t i = 0; i < e->u.track.n_streams; i++)
        if (strlen(e->u.track.streams[i]) == n && strncmp(e->u.track.streams[i], id, n) == 0)
            return true;
    return false;
}

static void append(char *to, size_t cap, const char *id, size_t n)
{
    size_t have = strlen(to);
    assert_true(have + n + 2 < cap);
    snprintf(to + have, cap - have, "%s%.*s", have ? "," : "", (int)n, id);
}

static void on_track(struct nego_side *s, const sotto_event *e, void *user)
{
    struct app *a = user;
    struct part *p = part_of(a, e->u.track.transceiver);
    char now[64] = "";
    (void)s;
    if (e->type == SOTTO_EV_TRACK) {
        for (size_t i = 0; i < e->u.track.n_streams; i++)
            append(now, sizeof now, e->u.track.streams[i], strlen(e->u.track.streams[i]));
    } else {
        for (const char *at = p->heard; *at;) {
            size_t n = strcspn(at, ",");
            if (!lists(e, at, n)) append(now, sizeof now, at, n);
            at += n + (at[n] == ',');
        }
    }
    memcpy(p->heard, now, sizeof p->heard);
}

/* ---- changes ---- */

static const char *some_streams(struct run *r)
{
    static const char *const some[] = {"", "x", "y", "x,y", "z"};
    return some[pick(r, 5)];
}

static void set_streams(struct app *a, sotto_transceiver *t, const char *streams)
{
    struct part *p = part_of(a, t);
    snprintf(p->streams, sizeof p->streams, "%s", streams);
}

static void add_something(struct app *a)
{
    struct run *r = a->run;
    const char *streams = some_streams(r);
    int32_t kind = pick(r, 2) ? SOTTO_AUDIO : SOTTO_VIDEO;
    sotto_transceiver *t = pick(r, 2) ? nego_track(a->s, kind, streams)
                                      : nego_add(a->s, kind, (int32_t)pick(r, 4), streams);
    set_streams(a, t, streams);
    if (pick(r, 4) == 0) nego_add_rids(a->s, "h,m,l");
}

static void change_one(struct app *a, sotto_transceiver *t)
{
    struct run *r = a->run;
    if (sotto_transceiver_get_direction(t) == SOTTO_DIR_STOPPED) return;
    switch (pick(r, 4)) {
    case 0: nego_remove(a->s, t); break;
    case 1: nego_direct(a->s, t, (int32_t)pick(r, 4)); break;
    case 2: nego_stop(a->s, t); break;
    default: {
        const char *streams = some_streams(r);
        nego_streams(a->s, t, streams);
        set_streams(a, t, streams);
    }
    }
}

static void change(struct app *a)
{
    struct run *r = a->run;
    size_t n = nego_count_transceivers(a->s);
    uint64_t what = pick(r, 10);
    if (n == 0 || (what < 4 && n < MAX_SECTIONS)) {
        add_something(a);
    } else if (n >= MAX_SECTIONS && what < 4) {
        sotto_transceiver *t = nego_at(a->s, pick(r, n));
        if (sotto_transceiver_get_direction(t) != SOTTO_DIR_STOPPED) nego_stop(a->s, t);
    } else if (what == 9) {
        assert_int_equal(sotto_pc_restart_ice(a->s->pc), 0);
        nego_take(a->s);
    } else {
        change_one(a, nego_at(a->s, pick(r, n)));
    }
}

/* ---- running ---- */

static void take_needs(struct run *r)
{
    for (int i = 0; i < 2; i++) {
        struct app *a = &r->app[i];
        if (a->s->n_needed == a->needed) continue;
        a->needed = a->s->n_needed;
        assert_int_equal(nego_signaling(a->s), SOTTO_SIGNALING_STABLE); /* it is told in no other */
        describe(a);
    }
}

static bool is_quiet(struct run *r)
{
    if (!sotto__list_empty(&r->signals) || !nego_is_connected(r->n, NULL)) return false;
    for (int i = 0; i < 2; i++)
        if (nego_signaling(r->app[i].s) != SOTTO_SIGNALING_STABLE ||
            r->app[i].s->n_needed != r->app[i].needed)
            return false;
    return nego_is_whole(r->n, "c");
}

/* Until it was quiet for a while; false: not in time. */
static bool settle(struct run *r, sotto_us span)
{
    struct net *net = r->n->net;
    sotto_us end = net->now + span, quiet_since = -1;
    for (;;) {
        nego_turn(r->n);
        take_needs(r);
        sotto_us due = run_signals(r);
        take_needs(r);
        if (!is_quiet(r))
            quiet_since = -1;
        else if (quiet_since < 0)
            quiet_since = net->now;
        else if (net->now - quiet_since > SOTTO_MS(200))
            return true;
        if (net->now >= end) return false;
        due = sotto__earlier(due, net->now + SOTTO_MS(50));
        net_advance(net, nego_due(r->n, sotto__earlier(due, end)));
    }
}

/* ---- what must be true when it is quiet ---- */

static bool sends(int32_t d)
{
    return d == SOTTO_DIR_SENDRECV || d == SOTTO_DIR_SENDONLY;
}

static bool receives(int32_t d)
{
    return d == SOTTO_DIR_SENDRECV || d == SOTTO_DIR_RECVONLY;
}

static bool same_set(const char *a, const char *b)
{
    if (strlen(a) != strlen(b)) return false;
    for (const char *at = a; *at;) {
        size_t n = strcspn(at, ",");
        char id[64];
        snprintf(id, sizeof id, "%.*s", (int)n, at);
        if (!strstr(b, id)) return false;
        at += n + (at[n] == ',');
    }
    return true;
}

static sotto_transceiver *with_mid(struct nego_side *s, const char *mid)
{
    for (size_t i = 0; i < nego_count_transceivers(s); i++)
        if (strcmp(nego_mid(s, nego_at(s, i)), mid) == 0) return nego_at(s, i);
    return NULL;
}

/* One direction of one section: a sends to b as both want, and b was told exactly that. */
static void check_flow(struct app *a, sotto_transceiver *ta, struct app *b, sotto_transceiver *tb)
{
    bool flows =
        sends(sotto_transceiver_get_direction(ta)) && receives(sotto_transceiver_get_direction(tb));
    assert_int_equal(sends(sotto_transceiver_current_direction(ta)), flows);
    assert_int_equal(receives(sotto_transceiver_current_direction(tb)), flows);
    const char *heard = part_of(b, tb)->heard, *want = flows ? part_of(a, ta)->streams : "";
    if (!same_set(heard, want))
        fail_msg("section %s: heard \"%s\", sent in \"%s\"", nego_mid(a->s, ta), heard, want);
}

static void give_back(struct app *a)
{
    for (size_t i = 0; i < a->n_parts;) {
        bool lives = false;
        for (size_t k = 0; k < nego_count_transceivers(a->s) && !lives; k++)
            lives = nego_at(a->s, k) == a->parts[i].t;
        if (lives) {
            i++;
            continue;
        }
        sotto_transceiver_free(a->parts[i].t);
        a->parts[i] = a->parts[--a->n_parts];
    }
}

static void check(struct run *r)
{
    struct app *a = &r->app[0], *b = &r->app[1];
    nego_expect_agreement(r->n);
    assert_int_equal(nego_count_transceivers(a->s), nego_count_transceivers(b->s));
    assert_true(sdp_sections(nego_local(a->s)) <= 2 * MAX_SECTIONS + 8);
    for (size_t i = 0; i < nego_count_transceivers(a->s); i++) {
        sotto_transceiver *ta = nego_at(a->s, i), *tb = with_mid(b->s, nego_mid(a->s, ta));
        assert_non_null(tb);
        check_flow(a, ta, b, tb);
        check_flow(b, tb, a, ta);
    }
    assert_int_equal(nego_transport(a->s).dtls, SOTTO_DTLS_CONNECTED);
    give_back(a);
    give_back(b);
}

/* ---- a seed ---- */

static void begin(struct run *r, uint64_t seed)
{
    struct nego_opt o = {.seed = seed};
    *r = (struct run){.seed = seed, .rng = seed * 0x9e3779b97f4a7c15u};
    sotto__list_init(&r->signals);
    r->n = nego_new(&o);
    for (int i = 0; i < 2; i++) {
        struct app *a = &r->app[i];
        *a = (struct app){.run = r, .s = i ? &r->n->b : &r->n->a, .polite = (int)(seed % 2) == i};
        a->s->lazy = seed & 2;
        a->s->on_candidate = on_candidate, a->s->on_track = on_track, a->s->user = a;
        a->s->watch = NEGO_NEEDED;
    }
    if (seed & 4) {
        struct net_link link = {.loss = 0.05, .delay_us = SOTTO_MS(20), .jitter_us = SOTTO_MS(10)};
        net_link_both(r->n->net, r->n->a.host, r->n->b.host, &link);
    }
    nego_channel(r->app[pick(r, 2)].s, "c");
}

static void forget_texts(struct run *r)
{
    for (size_t i = 0; i < r->n->n_kept; i++) free(r->n->kept[i]);
    r->n->n_kept = 0;
    nego_forget(r->app[0].s), nego_forget(r->app[1].s);
}

static void walk(void **state)
{
    uint64_t seed = *(const uint64_t *)*state;
    struct run r;
    begin(&r, seed);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 2; i++) {
            for (uint64_t k = pick(&r, 4); k > 0; k--) change(&r.app[i]);
            struct nego_chan *c = nego_find(r.app[i].s, "c");
            if (round > 0) nego_send(c);
        }
        if (!settle(&r, SOTTO_SECONDS(60)))
            fail_msg("seed %llu, round %d: does not settle: %s, %s; %d, %d",
                     (unsigned long long)seed, round, nego_transceivers(r.app[0].s),
                     nego_transceivers(r.app[1].s), nego_signaling(r.app[0].s),
                     nego_signaling(r.app[1].s));
        check(&r);
        forget_texts(&r);
    }
    while (!sotto__list_empty(&r.signals))
        signal_free(CONTAINER_OF(r.signals.next, struct signal, node));
    assert_true(r.collisions > 0); /* else this shows nothing */
    nego_free(r.n);
}

int main(void)
{
    static struct nego_suite u;
    static uint64_t seeds[SEEDS * 10];
    static char names[SEEDS * 10][40];
    const char *one = getenv("SOTTO_SEED"), *all = getenv("SOTTO_LONG");
    size_t n = one ? 1 : all && strcmp(all, "1") == 0 ? SEEDS * 10 : SEEDS;
    for (size_t i = 0; i < n; i++) {
        seeds[i] = one ? strtoull(one, NULL, 10) : i + 1;
        snprintf(names[i], sizeof names[i], "perfect_negotiation_with_seed_%llu",
                 (unsigned long long)seeds[i]);
        nego_suite_test(&u, names[i], walk);
        u.tests[u.n - 1].initial_state = &seeds[i];
    }
    return nego_suite_run(&u, "negotiation: perfect");
}

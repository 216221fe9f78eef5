/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness of the scenarios: makes two applications, carries their signalling, moves the clock, and keeps accounts of events.
 * Talks to the library through its public headers, and through api/ctx.h to place a context in the virtual world.
 */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chans.h"
#include "raw_peer.h"
#include "util/mem.h"

struct signal_message {
    struct node node;
    sotto_us at;
    int to;
    int32_t type; /* SOTTO_SDP_*, or IMPLICIT for a candidate */
    char *text;   /* the description or the candidate line; NULL: end of candidates */
    char *mid, *ufrag;
    int32_t mline;
};

int pair_seeds(int n)
{
    const char *want = getenv("SOTTO_LONG");
    return want && strcmp(want, "1") == 0 ? n * 10 : n;
}

static char *copy(const char *s)
{
    char *c = s ? strdup(s) : NULL;
    if (s && !c) abort();
    return c;
}

/* ---- signalling ---- */

static void post(struct pair *p, sotto_us delay, struct signal_message m)
{
    struct signal_message *s = malloc(sizeof *s);
    if (!s) abort();
    *s = m;
    s->at = p->net->now + delay;
    s->node = (struct node){0};
    struct node *n = p->signals.prev;
    while (n != &p->signals && CONTAINER_OF(n, struct signal_message, node)->at > s->at)
        n = n->prev;
    s->node.prev = n, s->node.next = n->next;
    n->next->prev = &s->node, n->next = &s->node;
}

static void signal_free(struct signal_message *s)
{
    free(s->text), free(s->mid), free(s->ufrag), free(s);
}

static void post_description(struct pair *p, int from)
{
    sotto_sdp_type type = 0;
    char *sdp = NULL;
    int r = sotto_pc_local_description(p->side[from].pc, SOTTO_DESC_EFFECTIVE, &type, &sdp);
    if (r != 1) return; /* closed or out of memory: then nothing can be told */
    post(p, p->opt.signal_us,
         (struct signal_message){.to = 1 - from, .type = type, .text = copy(sdp)});
    sotto_free(sdp);
}

static bool is_gathered(struct side *s)
{
    return s->pc && side_state(s).gathering == SOTTO_GATHERING_COMPLETE;
}

static int describe(struct pair *p, int from)
{
    int r = sotto_pc_set_local_description(p->side[from].pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    if (r < 0) return r;
    if (p->opt.no_trickle)
        p->waiting |= 1 << from;
    else
        post_description(p, from);
    return 0;
}

int pair_offer(struct pair *p, int from)
{
    return describe(p, from);
}

static void apply(struct pair *p, struct signal_message *m)
{
    struct side *s = &p->side[m->to];
    if (!s->pc) return;
    if (m->type != SOTTO_SDP_IMPLICIT) {
        s->set_error = sotto_pc_set_remote_description(s->pc, m->type, m->text, NULL);
        if (s->set_error == 0 && m->type == SOTTO_SDP_OFFER) s->set_error = describe(p, m->to);
        return;
    }
    sotto_candidate c = {.size = sizeof c,
                         .line = m->text ? m->text : "",
                         .mid = m->mid,
                         .has_mline_index = 1,
                         .mline_index = m->mline,
                         .ufrag = m->ufrag};
    sotto_pc_add_ice_candidate(s->pc, &c,
                               NULL); /* early ones and those for the closed are refused */
}

static sotto_us run_signals(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (!(p->waiting & 1 << i) || !p->side[i].pc || !is_gathered(&p->side[i])) continue;
        p->waiting &= ~(1 << i);
        post_description(p, i);
    }
    while (!sotto__list_empty(&p->signals)) {
        struct signal_message *m = CONTAINER_OF(p->signals.next, struct signal_message, node);
        if (m->at > p->net->now) return m->at;
        sotto__list_remove(&m->node);
        apply(p, m);
        signal_free(m);
    }
    return SOTTO_NEVER;
}

void pair_tell_candidate(struct side *s, const sotto_event *e)
{
    struct pair *p = s->pair;
    bool is_end = e->u.candidate.line[0] == '\0';
    CHECK(!s->told_all || is_end);
    if (is_end) s->told_all = true;
    if (p->opt.no_trickle || p->opt.no_candidates[s->index] || (is_end && p->opt.no_end)) return;
    post(p, p->opt.signal_us + p->opt.candidate_us,
         (struct signal_message){.to = 1 - s->index,
                                 .text = is_end ? NULL : copy(e->u.candidate.line),
                                 .mid = copy(e->u.candidate.mid),
                                 .ufrag = copy(e->u.candidate.ufrag),
                                 .mline = e->u.candidate.mline_index});
}

/* ---- making and ending ---- */

static int side_open(struct side *s, const sotto_pc_config *pc_cfg)
{
    struct pair *p = s->pair;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true, .log_level = p->opt.log_level};
    int r = 0;
    if (s->index == 1 && p->opt.one_context) {
        s->host = p->side[0].host, s->ctx = p->side[0].ctx;
    } else {
        const char *own = s->index == 0 ? "192.0.2.1" : "192.0.2.2";
        s->host =
            net_host_new(p->net, p->opt.addresses[s->index] ? p->opt.addresses[s->index] : own);
        s->world = (struct world){.now = net_now,
                                  .ice_ops = &sotto__ice_net,
                                  .user = s->host,
                                  .watch_ops = &net_watch_host,
                                  .boot = net_boot};
        r = sotto__ctx_new_in(&s->world, &cfg, &s->ctx);
    }
    if (r < 0) return r;
    sotto_pc_config c = *pc_cfg;
    c.size = sizeof c;
    c.user = s;
    return sotto_pc_new(s->ctx, &c, &s->pc);
}

int pair_try_new(uint64_t seed, const struct pair_opt *opt, struct pair **ret)
{
    struct pair *p = calloc(1, sizeof *p);
    if (!p) abort();
    *ret = p;
    if (opt) p->opt = *opt;
    p->net = p->opt.beside ? p->opt.beside->net : net_new(seed);
    if (p->opt.beside) p->opt.beside->sibling = p, p->sibling = p->opt.beside;
    p->rng = seed ^ 0x5077a;
    p->live = sotto__mem_live();
    sotto__list_init(&p->signals);
    for (int i = 0; i < 2; i++) {
        p->side[i].pair = p;
        p->side[i].index = i;
        sotto__list_init(&p->side[i].chans);
    }
    for (int i = 0; i < (p->opt.raw ? 1 : 2); i++) {
        int r = side_open(&p->side[i], &p->opt.pc[i]);
        if (r < 0) return r;
    }
    return 0;
}

struct pair *pair_new(uint64_t seed, const struct pair_opt *opt)
{
    struct pair *p;
    CHECK(pair_try_new(seed, opt, &p) == 0);
    return p;
}

static void side_empty(struct side *s)
{
    while (!sotto__list_empty(&s->chans)) chan_free(CONTAINER_OF(s->chans.next, struct chan, node));
    sotto_pc_free(s->pc);
    s->pc = NULL;
}

static void forget_signals(struct pair *p)
{
    while (!sotto__list_empty(&p->signals)) {
        struct signal_message *m = CONTAINER_OF(p->signals.next, struct signal_message, node);
        sotto__list_remove(&m->node);
        signal_free(m);
    }
    p->waiting = 0;
}

void pair_renew(struct pair *p)
{
    forget_signals(p);
    for (int i = 0; i < 2; i++) {
        struct side *s = &p->side[i];
        sotto_pc_config c = p->opt.pc[i];
        c.size = sizeof c;
        c.user = s;
        side_empty(s);
        s->deaf = s->told_all = s->is_closed = false;
        s->n_states = 0;
        memset(s->n_events, 0, sizeof s->n_events);
        CHECK(sotto_pc_new(s->ctx, &c, &s->pc) == 0);
    }
}

void pair_free(struct pair *p)
{
    if (!p) return;
    for (int i = 0; i < 2; i++) side_empty(&p->side[i]);
    sotto_ctx_free(p->side[0].ctx);
    if (!p->opt.one_context) sotto_ctx_free(p->side[1].ctx);
    if (p->opt.raw) raw_free(p->opt.raw);
    forget_signals(p);
    if (p->opt.beside) {
        p->opt.beside->sibling = NULL;
    } else {
        CHECK(p->net->live_ices == 0);
        CHECK(p->net->live_sockets == 0);
        CHECK(p->net->count.overflow == 0);
        CHECK(sotto__mem_live() == p->live);
        net_free(p->net);
    }
    free(p);
}

/* ---- time ---- */

/* What epoll does for real sockets: any call on a connection makes its context look at the deadline anew. */
static void touch(struct pair *p)
{
    for (int i = 0; i < 2; i++) side_state(&p->side[i]);
}

static void run_sides(struct pair *p)
{
    touch(p);
    for (int i = 0; i < 2; i++) {
        struct side *s = &p->side[i];
        if (!s->ctx || (i == 1 && p->opt.one_context)) continue;
        CHECK(sotto_ctx_run(s->ctx, 0) >= 0);
        side_take_events(s);
    }
    if (p->opt.raw) raw_run(p->opt.raw);
}

static sotto_us pair_due(struct pair *p)
{
    sotto_us due = run_signals(p);
    touch(p);
    for (int i = 0; i < 2; i++)
        if (p->side[i].ctx) due = sotto__earlier(due, sotto__ctx_due(p->side[i].ctx));
    return p->opt.raw ? sotto__earlier(due, raw_due(p->opt.raw)) : due;
}

void pair_step(struct pair *p, sotto_us end)
{
    run_sides(p);
    if (p->sibling) run_sides(p->sibling);
    sotto_us due = sotto__earlier(end, pair_due(p));
    if (p->sibling) due = sotto__earlier(due, pair_due(p->sibling));
    net_advance(p->net, sotto__earlier(due, net_due(p->net)));
}

static bool no_condition(struct pair *p, void *unused)
{
    (void)p, (void)unused;
    return false;
}

bool pair_until(struct pair *p, sotto_us span, pair_condition done, void *arg)
{
    sotto_us end = p->net->now + span, last = p->net->now;
    for (int idle = 0; !done(p, arg);) {
        if (p->net->now >= end) {
            run_sides(p);
            run_signals(p);
            return done(p, arg);
        }
        pair_step(p, end);
        idle = p->net->now == last ? idle + 1 : 0;
        CHECK(idle < 5000); /* a deadline that is always due: a real loop would spin */
        last = p->net->now;
    }
    return true;
}

void pair_run(struct pair *p, sotto_us span)
{
    pair_until(p, span, no_condition, NULL);
}

/* ---- conditions ---- */

sotto_pc_state side_state(const struct side *s)
{
    sotto_pc_state st = {sizeof st, SOTTO_CONNECTION_CLOSED, SOTTO_ICE_CLOSED, 0,
                         SOTTO_SIGNALING_CLOSED};
    if (!s->pc) return st;
    CHECK(sotto_pc_get_state(s->pc, &st) == 0);
    return st;
}

bool pair_is_connected(struct pair *p, void *unused)
{
    (void)unused;
    return side_state(&p->side[0]).connection == SOTTO_CONNECTION_CONNECTED &&
           side_state(&p->side[1]).connection == SOTTO_CONNECTION_CONNECTED;
}

bool pair_is_over(struct pair *p, void *unused)
{
    (void)unused;
    return side_state(&p->side[0]).connection >= SOTTO_CONNECTION_FAILED &&
           side_state(&p->side[1]).connection >= SOTTO_CONNECTION_FAILED;
}

struct wanted {
    int from;
    struct chan *c;
    const char *label;
};

static bool is_open(struct pair *p, void *arg)
{
    struct wanted *w = arg;
    struct chan *other = side_find(&p->side[1 - w->from], w->label);
    return w->c->phase == CHAN_OPEN && other && other->phase == CHAN_OPEN;
}

bool pair_open_channel(struct pair *p, int from, const char *label, const sotto_dc_config *cfg,
                       struct chan *a[2])
{
    struct wanted w = {from, side_channel(&p->side[from], label, cfg), label};
    if (!w.c || !pair_until(p, SOTTO_SECONDS(30), is_open, &w)) return false;
    a[from] = w.c;
    a[1 - from] = side_find(&p->side[1 - from], label);
    return true;
}

struct pair *pair_connected(uint64_t seed, const struct pair_opt *opt, struct chan *a[2])
{
    struct pair *p = pair_new(seed, opt);
    struct wanted w = {0, side_channel(&p->side[0], "c", NULL), "c"};
    CHECK(w.c);
    CHECK(pair_offer(p, 0) == 0);
    CHECK(pair_until(p, SOTTO_SECONDS(60), is_open, &w));
    a[0] = w.c;
    a[1] = side_find(&p->side[1], "c");
    return p;
}

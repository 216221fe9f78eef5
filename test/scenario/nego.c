/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness of negotiation: makes the applications, takes their events into a log, carries candidates, moves the clock. What
 * tests say to a side is in nego_calls.c, what they read from it in nego_look.c. Knows the library by its public headers, and
 * api/ctx.h to place a context in the virtual world.
 */
#include "nego.h"

#include "nego_log.h"
#include "util/mem.h"

struct told { /* a candidate on its way */
    struct node node;
    sotto_us at;
    int to;
    char *line, *mid, *ufrag;
    int32_t mline;
    int tries;
};

static char *copy(const char *s)
{
    char *c = strdup(s ? s : "");
    if (!c) abort();
    return c;
}

/* ---- making and ending ---- */

static void side_open(struct nego *n, struct nego_side *s, int index, const sotto_pc_config *cfg,
                      const char *address)
{
    sotto_ctx_config ctx = {.size = sizeof ctx, .no_thread = true, .show_addresses = true};
    s->n = n, s->index = index;
    s->watch = NEGO_TRACKS | NEGO_NEEDED;
    s->host = net_host_new(n->net, address);
    s->world = (struct world){.now = net_now, .ice_ops = &sotto__ice_net, .user = s->host};
    assert_int_equal(sotto__ctx_new_in(&s->world, &ctx, &s->ctx), 0);
    sotto_pc_config c = *cfg;
    c.size = sizeof c;
    c.user = s;
    assert_int_equal(sotto_pc_new(s->ctx, &c, &s->pc), 0);
}

struct nego *nego_new(const struct nego_opt *opt)
{
    struct nego_opt none = {0};
    const struct nego_opt *o = opt ? opt : &none;
    struct nego *n = calloc(1, sizeof *n);
    if (!n) abort();
    n->live = sotto__mem_live();
    n->net = net_new(o->seed ? o->seed : 1);
    n->signal_us = o->signal_us ? o->signal_us : SOTTO_MS(5);
    sotto__list_init(&n->candidates);
    side_open(n, &n->a, 0, &o->a, o->address_a ? o->address_a : "192.0.2.1");
    n->b.n = n, n->b.index = 1;
    if (!o->alone) side_open(n, &n->b, 1, &o->b, o->address_b ? o->address_b : "192.0.2.2");
    return n;
}

struct nego *nego_alone(void)
{
    struct nego_opt o = {.alone = true};
    return nego_new(&o);
}

struct nego *nego_pair(void)
{
    return nego_new(NULL);
}

static void told_free(struct told *t)
{
    sotto__list_remove(&t->node);
    free(t->line), free(t->mid), free(t->ufrag);
    free(t);
}

static void side_free(struct nego_side *s)
{
    for (size_t i = 0; i < s->n_chans; i++) sotto_dc_free(s->chans[i].dc);
    sotto_pc_free(s->pc);
    sotto_ctx_free(s->ctx);
    free(s->log);
}

void nego_free(struct nego *n)
{
    side_free(&n->a);
    side_free(&n->b);
    while (!sotto__list_empty(&n->candidates))
        told_free(CONTAINER_OF(n->candidates.next, struct told, node));
    assert_int_equal(n->net->live_ices, 0);
    assert_int_equal(n->net->live_sockets, 0);
    assert_int_equal(n->net->count.overflow, 0);
    assert_int_equal(sotto__mem_live(), n->live);
    net_free(n->net);
    for (size_t i = 0; i < n->n_kept; i++) free(n->kept[i]);
    free(n->kept);
    free(n);
}

struct nego_side *nego_other(struct nego_side *s)
{
    return s->index == 0 ? &s->n->b : &s->n->a;
}

char *nego_keep(struct nego *n, char *malloced)
{
    if (!malloced) abort();
    if (n->n_kept == n->cap_kept) {
        n->cap_kept = n->cap_kept * 2 + 64;
        n->kept = realloc(n->kept, n->cap_kept * sizeof *n->kept);
        if (!n->kept) abort();
    }
    return n->kept[n->n_kept++] = malloced;
}

char *nego_text(struct nego *n, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) abort();
    va_end(args);
    return nego_keep(n, text);
}

/* ---- candidates ---- */

int nego_add_candidate(struct nego_side *s, const char *line, const char *mid, int32_t mline,
                       const char *ufrag)
{
    sotto_candidate c = {.size = sizeof c,
                         .line = line,
                         .mid = mid,
                         .has_mline_index = mline >= 0,
                         .mline_index = mline >= 0 ? mline : 0,
                         .ufrag = ufrag};
    s->err = (sotto_error){.size = sizeof s->err};
    return sotto_pc_add_ice_candidate(s->pc, &c, &s->err);
}

static void tell(struct nego_side *s, const sotto_event *e)
{
    struct nego *n = s->n;
    if (s->on_candidate) {
        sotto_candidate c = {.size = sizeof c,
                             .line = e->u.candidate.line,
                             .mid = e->u.candidate.mid,
                             .has_mline_index = 1,
                             .mline_index = e->u.candidate.mline_index,
                             .ufrag = e->u.candidate.ufrag};
        s->on_candidate(s, &c, s->user);
        return;
    }
    if (s->mute_candidates || !nego_other(s)->pc) return;
    struct told *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->at = n->net->now + n->signal_us;
    t->to = 1 - s->index;
    t->line = copy(e->u.candidate.line), t->mid = copy(e->u.candidate.mid);
    t->ufrag = copy(e->u.candidate.ufrag), t->mline = e->u.candidate.mline_index;
    sotto__list_push(&n->candidates, &t->node);
}

/* Those that are due; one that comes before its description waits for it, for a second at most. */
static sotto_us deliver(struct nego *n)
{
    sotto_us due = SOTTO_NEVER;
    for (struct node *i = n->candidates.next, *next; i != &n->candidates; i = next) {
        struct told *t = CONTAINER_OF(i, struct told, node);
        struct nego_side *to = t->to == 0 ? &n->a : &n->b;
        next = i->next;
        if (t->at > n->net->now) {
            due = sotto__earlier(due, t->at);
            continue;
        }
        int r = nego_add_candidate(to, t->line, t->mid, t->mline, t->ufrag);
        if ((r == SOTTO_E_STATE || r == SOTTO_E_SDP) && t->tries++ < 100) {
            t->at = n->net->now + SOTTO_MS(10);
            due = sotto__earlier(due, t->at);
            continue;
        }
        told_free(t);
    }
    return due;
}

/* ---- events ---- */

static void take_candidate(struct nego_side *s, const sotto_event *e)
{
    if (e->u.candidate.line[0] == '\0')
        s->n_ends++;
    else
        s->n_candidates++;
    snprintf(s->last_ufrag, sizeof s->last_ufrag, "%s", e->u.candidate.ufrag);
    tell(s, e);
}

static void take_message(struct nego_side *s, const sotto_event *e)
{
    uint64_t number;
    for (size_t i = 0; i < s->n_chans; i++) {
        struct nego_chan *c = &s->chans[i];
        if (c->dc != e->u.message.dc) continue;
        assert_int_equal(e->u.message.len, sizeof number);
        memcpy(&number, e->u.message.data, sizeof number);
        assert_int_equal(number, c->received); /* each once, in order */
        c->received++;
        return;
    }
    fail_msg("a message of a channel that nobody has");
}

static void take_channel(struct nego_side *s, const sotto_event *e)
{
    sotto_dc *dc = e->u.channel.dc;
    if (e->type == SOTTO_EV_CHANNEL) {
        assert_true(s->n_chans < NEGO_MAX_CHANS);
        s->chans[s->n_chans++] = (struct nego_chan){.side = s, .dc = dc};
        nego_log(s, NEGO_CHANNELS, "channel %s", sotto_dc_label(dc));
        return;
    }
    for (size_t i = 0; i < s->n_chans; i++) {
        struct nego_chan *c = &s->chans[i];
        if (c->dc != dc) continue;
        if (e->type == SOTTO_EV_OPEN) {
            c->open = true;
            nego_log(s, NEGO_CHANNELS, "open %s", sotto_dc_label(dc));
        } else if (e->type == SOTTO_EV_CLOSED) {
            c->open = false, c->closed = true;
            c->error = e->u.channel.error;
            nego_log(s, NEGO_CHANNELS, "closed %s", sotto_dc_label(dc));
        }
    }
}

static void take_track(struct nego_side *s, const char *what, const sotto_event *e)
{
    nego_log_track(s, what, e);
    if (s->on_track) s->on_track(s, e, s->user);
}

static void take_one(struct nego_side *s, const sotto_event *e)
{
    assert_ptr_equal(e->pc, s->pc);
    switch (e->type) {
    case SOTTO_EV_STATE:
        if (e->u.state.signaling != s->signaling)
            nego_log(s, NEGO_SIGNALING, "%s", nego_signaling_name(e->u.state.signaling));
        s->signaling = e->u.state.signaling;
        return;
    case SOTTO_EV_NEGOTIATION_NEEDED:
        s->n_needed++;
        nego_log(s, NEGO_NEEDED, "needed");
        return;
    case SOTTO_EV_CANDIDATE: take_candidate(s, e); return;
    case SOTTO_EV_CANDIDATE_ERROR:
        nego_log(s, NEGO_ERRORS, "error %d %s", e->u.candidate_error.code,
                 e->u.candidate_error.url);
        return;
    case SOTTO_EV_TRACK: take_track(s, "track", e); return;
    case SOTTO_EV_TRACK_REMOVED: take_track(s, "removed", e); return;
    case SOTTO_EV_MUTE: nego_log_track(s, "mute", e); return;
    case SOTTO_EV_UNMUTE: nego_log_track(s, "unmute", e); return;
    case SOTTO_EV_MESSAGE: take_message(s, e); return;
    case SOTTO_EV_CHANNEL:
    case SOTTO_EV_OPEN:
    case SOTTO_EV_CLOSED: take_channel(s, e); return;
    default: return;
    }
}

void nego_take(struct nego_side *s)
{
    sotto_event *e;
    if (s->lazy && !s->n->in_turn) return;
    while (s->ctx && s->pc) {
        int r = sotto_ctx_next(s->ctx, &e);
        assert_true(r == 0 || r == 1);
        if (r == 0) return;
        take_one(s, e);
        sotto_event_free(e);
    }
}

/* ---- time ---- */

/* What epoll does for real sockets: any call on a connection makes its context look at the deadline anew. */
static void touch(struct nego_side *s)
{
    sotto_pc_state st = {.size = sizeof st};
    if (s->pc) assert_int_equal(sotto_pc_get_state(s->pc, &st), 0);
}

void nego_turn(struct nego *n)
{
    struct nego_side *sides[2] = {&n->a, &n->b};
    for (int i = 0; i < 2; i++) touch(sides[i]);
    n->in_turn = true;
    for (int i = 0; i < 2; i++) {
        if (!sides[i]->pc) continue;
        assert_true(sotto_ctx_run(sides[i]->ctx, 0) >= 0);
        nego_take(sides[i]);
    }
    n->in_turn = false;
}

sotto_us nego_due(struct nego *n, sotto_us end)
{
    sotto_us due = sotto__earlier(end, deliver(n));
    struct nego_side *sides[2] = {&n->a, &n->b};
    for (int i = 0; i < 2; i++) {
        if (!sides[i]->pc) continue;
        touch(sides[i]);
        due = sotto__earlier(due, sotto__ctx_due(sides[i]->ctx));
    }
    return sotto__earlier(due, net_due(n->net));
}

bool nego_until(struct nego *n, sotto_us span, nego_condition done, void *arg)
{
    sotto_us end = n->net->now + span, last = n->net->now;
    for (int idle = 0;;) {
        nego_turn(n);
        if (done && done(n, arg)) return true;
        if (n->net->now >= end) return false;
        net_advance(n->net, nego_due(n, end));
        idle = n->net->now == last ? idle + 1 : 0;
        assert_true(idle < 5000); /* a deadline that is always due: a real loop would spin */
        last = n->net->now;
    }
}

void nego_run(struct nego *n, sotto_us span)
{
    nego_until(n, span, NULL, NULL);
}

bool nego_is_connected(struct nego *n, void *unused)
{
    (void)unused;
    return nego_connection(&n->a) == SOTTO_CONNECTION_CONNECTED &&
           nego_connection(&n->b) == SOTTO_CONNECTION_CONNECTED;
}

static bool all_open(struct nego *n, void *unused)
{
    struct nego_side *sides[2] = {&n->a, &n->b};
    size_t open[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sides[i]->n_chans; k++) {
            if (!sides[i]->chans[k].open && !sides[i]->chans[k].closed) return false;
            open[i] += sides[i]->chans[k].open;
        }
    return nego_is_connected(n, unused) && open[0] == open[1];
}

void nego_connect(struct nego *n)
{
    assert_true(nego_until(n, SOTTO_SECONDS(30), all_open, NULL));
}

/* ---- rows as tests ---- */

void nego_suite_test(struct nego_suite *u, const char *name, CMUnitTestFunction f)
{
    assert_true(u->n < sizeof u->tests / sizeof *u->tests);
    u->tests[u->n++] = (struct CMUnitTest){.name = name, .test_func = f};
}

void nego_suite_rows(struct nego_suite *u, const void *rows, size_t stride, size_t n,
                     CMUnitTestFunction f)
{
    for (size_t i = 0; i < n; i++) {
        const char *row = (const char *)rows + i * stride, *name;
        memcpy(&name, row, sizeof name);
        nego_suite_test(u, name, f);
        u->tests[u->n - 1].initial_state = (void *)(uintptr_t)row;
    }
}

int nego_suite_run(struct nego_suite *u, const char *name)
{
    return _cmocka_run_group_tests(name, u->tests, u->n, NULL, NULL);
}

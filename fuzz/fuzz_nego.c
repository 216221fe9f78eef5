/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: negotiation between two peers, as a list of operations: calls of the API in any order, on either side, with a man in the
 * middle who delivers their descriptions whole, changed, late, twice, to the wrong side or as another type; allocations that fail.
 * Property: after each step states, descriptions, sections and transceivers agree with each other (nego_check.c); a call that fails
 * changes nothing; a rollback leads back; a description changes no wish of the application; two sides that heard all of each other
 * negotiate without failure and agree; nothing is left behind.
 */
#include "nego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_STEPS = 64 };

/* ---- descriptions ---- */

/* What was set is on record, as it reads now. */
static int note_local(struct world *w, struct side *s, bool current, bool fresh)
{
    int32_t type, which = current ? SOTTO_DESC_CURRENT : SOTTO_DESC_PENDING;
    char *sdp;
    REQUIRE(sotto__peer_local_description(s->peer, which, &type, &sdp) == 1);
    nego_check_text(s, sdp, type == SOTTO_SDP_OFFER, fresh);
    if (getenv("NEGO_TRACE")) fprintf(stderr, "of %c, type %d\n%s", 'A' + s->index, type, sdp);
    int id = nego_record(w, s->index, type, sdp);
    sotto__free(sdp);
    return id;
}

static int set_local(struct world *w, struct side *s, int32_t type, const char *sdp)
{
    struct peer *p = s->peer;
    sotto_error err = {.size = sizeof err};
    struct call c = nego_begin(w, s, "set_local");
    int r = nego_end(w, s, &c, 0, sotto__peer_set_local(p, nego_now(w), type, sdp, &err));
    REQUIRE(r == 0 || (err.code == r && err.reason[0]));
    if (r < 0) return r;
    nego_check_wishes(s);
    if (type == SOTTO_SDP_ROLLBACK) {
        s->pl = s->pr = 0;
    } else if (p->signaling == SOTTO_SIGNALING_STABLE) {
        s->cr = s->pr;
        s->pr = s->pl = 0;
        s->cl = note_local(w, s, true, !sdp);
    } else {
        s->pl = note_local(w, s, false, !sdp);
    }
    nego_judge(w);
    return 0;
}

/* id: of what the other side made, unchanged and as the type that it has; 0: anything else. */
static int set_remote(struct world *w, struct side *s, int32_t type, const char *sdp, int id)
{
    struct peer *p = s->peer;
    sotto_error err = {.size = sizeof err};
    struct call c = nego_begin(w, s, "set_remote");
    int r = nego_end(w, s, &c, 0, sotto__peer_set_remote(p, nego_now(w), type, sdp, &err));
    REQUIRE(r == 0 || (err.code == r && err.reason[0]));
    if (r < 0) return r;
    nego_check_wishes(s);
    if (id == 0) id = -(++w->last_id);
    if (id < 0 && sotto__jsep_is_answer(type)) w->dirty = true;
    if (type == SOTTO_SDP_ROLLBACK) {
        s->pl = s->pr = 0;
    } else if (type == SOTTO_SDP_ANSWER) {
        s->cl = s->pl;
        s->cr = id;
        s->pl = s->pr = 0;
    } else {
        s->pr = id;
        if (type == SOTTO_SDP_OFFER) s->pl = 0;
    }
    nego_judge(w);
    return 0;
}

static void op_create(struct world *w, struct side *s, bool answer)
{
    bool restart = nego_next(&w->in) & 1;
    char *sdp = NULL;
    struct call c = nego_begin(w, s, answer ? "create_answer" : "create_offer");
    int r = answer ? sotto__peer_create_answer(s->peer, &sdp)
                   : sotto__peer_create_offer(s->peer, nego_now(w), restart, &sdp);
    nego_end(w, s, &c, 0, r);
    if (r < 0) return;
    nego_same(s, &c.before, 0, c.name);
    nego_check_text(s, sdp, !answer, true);
    nego_record(w, s->index, answer ? SOTTO_SDP_ANSWER : SOTTO_SDP_OFFER, sdp);
    sotto__free(sdp);
}

static void op_set_local(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    int32_t type = how % 5;
    char *made = NULL;
    const struct text *t = how & 64 ? nego_text_of(w, s->index, how >> 3 & 3) : NULL;
    if (how & 128) {
        const char *last = sotto__jsep_is_answer(type) ? s->peer->last_answer : s->peer->last_offer;
        made = last ? strdup(last) : NULL;
    }
    char *copy = !made && t ? strdup(t->sdp) : NULL; /* the record moves */
    set_local(w, s, type, made ? made : copy);
    free(made);
    free(copy);
}

/* A description that is on record: to one of the sides, as it is or changed. */
static int deliver(struct world *w, struct side *to, const struct text *t, uint8_t how)
{
    int32_t type = how & 4 ? (how & 3) + !(how & 3) : t->type;
    size_t count = how >> 3 & 3;
    bool whole = count == 0 && type == t->type && t->author == !to->index;
    int id = whole ? t->id : 0;
    char *sdp = strdup(nego_mutate(w, t->sdp, count));
    REQUIRE(sdp);
    if (getenv("NEGO_TRACE"))
        fprintf(stderr, "deliver to %c, %s, type %d\n%s", 'A' + to->index,
                whole ? "whole" : "changed", type, whole ? t->sdp : sdp);
    int r = set_remote(w, to, type, whole ? t->sdp : sdp, id);
    free(sdp);
    return r;
}

static void op_deliver(struct world *w, struct side *s)
{
    uint8_t which = nego_next(&w->in), how = nego_next(&w->in);
    const struct text *t =
        which & 16 ? nego_text(w, which % MAX_TEXTS) : nego_text_of(w, !s->index, which & 3);
    if (t) deliver(w, s, t, how);
}

/* A description that stands in the input. */
static void op_deliver_raw(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    size_t n = (size_t)(nego_next(&w->in) << 8 | nego_next(&w->in));
    if (n > w->in.n) n = w->in.n;
    char *sdp = strndup((const char *)w->in.p, n);
    REQUIRE(sdp);
    w->in.p += n;
    w->in.n -= n;
    nego_record(w, -1, 1 + how % 3, sdp);
    set_remote(w, s, 1 + how % 3, sdp, 0);
    free(sdp);
}

static bool any_accepted(const struct peer *p)
{
    const struct sdp *answer =
        sotto__jsep_is_answer(p->current_local.type) ? p->current_local.sdp : p->current_remote.sdp;
    for (size_t i = 0; i < answer->n_media; i++)
        if (answer->media[i].port != 0) return true;
    return false;
}

/* Given time, and all candidates of each other, they are connected. */
static void check_connection(struct world *w)
{
    if (!w->talks || w->lost || !any_accepted(w->side[0].peer)) return;
    for (int i = 0; i < 20; i++) {
        nego_take(w, &w->side[0], 256, true);
        nego_take(w, &w->side[1], 256, true);
        nego_run(w, SOTTO_MS(200));
    }
    if (w->lost) return;
    for (size_t i = 0; i < 2; i++)
        REQUIRE(w->side[i].peer->connection == SOTTO_CONNECTION_CONNECTED);
}

/* Offer, answer, both delivered whole. If both have heard all of each other, it cannot fail, and they agree. */
static void op_exchange(struct world *w, struct side *s)
{
    struct side *other = &w->side[!s->index];
    bool sure = !w->dirty && !w->failing && nego_in_sync(w);
    int r = set_local(w, s, SOTTO_SDP_IMPLICIT, NULL);
    if (r == 0) r = deliver(w, other, nego_text(w, 0), 0);
    if (r == 0) r = set_local(w, other, SOTTO_SDP_IMPLICIT, NULL);
    if (r == 0) r = deliver(w, s, nego_text(w, 0), 0);
    if (!sure || r == SOTTO_E_LIMIT) return;
    if (r < 0) fprintf(stderr, "a clean exchange failed: %d\n", r);
    REQUIRE(r == 0 && nego_in_sync(w));
    nego_check_agreement(w, s->index);
    check_connection(w);
}

/* Offer and answer with changes on the way. */
static void op_meddle(struct world *w, struct side *s)
{
    struct side *other = &w->side[!s->index];
    uint8_t how = nego_next(&w->in);
    if (set_local(w, s, SOTTO_SDP_IMPLICIT, NULL) < 0) return;
    if (deliver(w, other, nego_text(w, 0), (uint8_t)((how & 3) << 3)) < 0) return;
    if (set_local(w, other, SOTTO_SDP_IMPLICIT, NULL) < 0) return;
    deliver(w, s, nego_text(w, 0), (uint8_t)((how >> 2 & 3) << 3));
}

static void op_rollback(struct world *w, struct side *s)
{
    if (nego_next(&w->in) & 1)
        set_local(w, s, SOTTO_SDP_ROLLBACK, NULL);
    else
        set_remote(w, s, SOTTO_SDP_ROLLBACK, "", 0);
}

/* One that was stopped before it had a section can go at any time: there is nothing to be negotiated for it. */
static bool any_leaves(struct side *s)
{
    struct transceiver *t = NULL;
    while ((t = sotto__transceiver_next(s->peer, t)))
        if (t->stopping && t->mline_index < 0) return true;
    return false;
}

static size_t stopped(struct side *s)
{
    struct transceiver *t = NULL;
    size_t n = 0;
    while ((t = sotto__transceiver_next(s->peer, t))) n += t->stopped;
    return n;
}

/* A remote offer and its rollback: as if it had never been. Its tracks came and went: events; a read of parameters is void. A section
 * that it rejects stops its transceiver for good: so says W3C. */
static void op_try_remote(struct world *w, struct side *s)
{
    uint8_t which = nego_next(&w->in), how = nego_next(&w->in);
    const struct text *t = nego_text(w, which % MAX_TEXTS);
    struct snap before;
    if (!t || s->peer->signaling != SOTTO_SIGNALING_STABLE || w->failing || any_leaves(s)) return;
    sotto__peer_drain(s->peer, nego_now(w)); /* what the transport has to say already is not the offer's doing */
    nego_snap(s, &before);
    size_t n_stopped = stopped(s);
    if (deliver(w, s, t, (uint8_t)((how & ~7) | 4 | SOTTO_SDP_OFFER)) < 0) return;
    nego_check(w, s);
    if (stopped(s) != n_stopped) return;
    bool read = sotto__transceiver_next(s->peer, NULL) != NULL;
    if (set_remote(w, s, SOTTO_SDP_ROLLBACK, "", 0) < 0) return;
    unsigned but = 1u << SNAP_EVENTS | 1u << SNAP_NEEDED;
    if (read) but |= 1u << SNAP_SENDING;
    nego_same(s, &before, but, "a remote offer and its rollback");
}

static void op_try_local(struct world *w, struct side *s)
{
    struct snap before;
    if (s->peer->signaling != SOTTO_SIGNALING_STABLE || w->failing || any_leaves(s)) return;
    nego_snap(s, &before);
    if (set_local(w, s, SOTTO_SDP_IMPLICIT, NULL) < 0) return;
    nego_check(w, s);
    if (set_local(w, s, SOTTO_SDP_ROLLBACK, NULL) < 0) return;
    unsigned but = 1u << SNAP_EVENTS | 1u << SNAP_NEEDED | 1u << SNAP_STATE | 1u << SNAP_TRANSPORT;
    nego_same(s, &before, but, "a local offer and its rollback");
}

/* ---- the list ---- */

static void do_negotiation(struct world *w, struct side *s, unsigned op)
{
    switch (op) {
    case 0: op_exchange(w, s); break;
    case 1: op_meddle(w, s); break;
    case 2: op_create(w, s, false); break;
    case 3: op_create(w, s, true); break;
    case 4: op_set_local(w, s); break;
    case 5: op_deliver(w, s); break;
    case 6: op_deliver_raw(w, s); break;
    case 7: op_rollback(w, s); break;
    case 8: op_try_remote(w, s); break;
    case 9: op_try_local(w, s); break;
    case 10: set_local(w, s, SOTTO_SDP_IMPLICIT, NULL); break;
    default:
        if (nego_text_of(w, !s->index, 0)) deliver(w, s, nego_text_of(w, !s->index, 0), 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w;
    nego_open(&w, data, size);
    for (int i = 0; i < MAX_STEPS && w.in.n > 0; i++) {
        uint8_t op = nego_next(&w.in);
        if (getenv("NEGO_TRACE")) fprintf(stderr, "-- operation %u\n", op % 32u);
        struct side *s = &w.side[op >> 7];
        if (op % 32 < 12)
            do_negotiation(&w, s, op % 32);
        else
            nego_call(&w, s, op % 32);
        nego_check(&w, &w.side[0]);
        nego_check(&w, &w.side[1]);
    }
    nego_close(&w);
    return 0;
}

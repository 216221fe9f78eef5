/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: negotiation between two peers, as a list of operations: calls of the API in any order, on either side, with a man in the
 * middle who delivers their descriptions whole, changed, late, twice, to the wrong side or as another type; allocations that fail.
 * Property: after each step states, descriptions, sections and transceivers agree with each other (nego_check.c); a call that fails
 * changes nothing; a rollback leads back; a description changes no wish of the application; two sides that heard all of each other
 * negotiate without failure and agree; nothing is left behind.
 */
#include "nego.h"
#include "util/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_STEPS = 64 };

static char shell; /* what api/ would have: a handle of the application */

/* ---- calls ---- */

/* Around each call that may fail: what is armed fails in it, and after a failure the rest is as before. */
struct call {
    struct snap before;
    const char *name;
    size_t needed;
};

static struct call begin(struct world *w, struct side *s, const char *name)
{
    struct call c = {.name = name, .needed = nego_needed(s)};
    nego_snap(s, &c.before);
    nego_see(s);
    if (!w->failing) return c;
    uint8_t at = nego_next(&w->in);
    w->lost = true;
    if (at == 255)
        sotto__rand_fail(1);
    else
        sotto__mem_fail_at(1u + at);
    return c;
}

/* but: what may differ even after a failure. */
static int end(struct world *w, struct side *s, struct call *c, unsigned but, int r)
{
    bool failed = w->failing && sotto__mem_failed();
    sotto__mem_fail_at(0);
    sotto__rand_fail(0);
    w->failing = false;
    if (getenv("NEGO_TRACE"))
        fprintf(stderr, "%c %s: %d%s, signaling %d, dirty %d\n", 'A' + s->index, c->name, r,
                failed ? " (memory failed)" : "", s->peer->signaling, w->dirty);
    if (r < 0) nego_same(s, &c->before, but, c->name);
    REQUIRE(r != SOTTO_E_NOMEM || failed);
    REQUIRE(nego_needed(s) <= c->needed || s->peer->signaling == SOTTO_SIGNALING_STABLE);
    return r;
}

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
    struct call c = begin(w, s, "set_local");
    int r = end(w, s, &c, 0, sotto__peer_set_local(p, nego_now(w), type, sdp, &err));
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
    struct call c = begin(w, s, "set_remote");
    int r = end(w, s, &c, 0, sotto__peer_set_remote(p, nego_now(w), type, sdp, &err));
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
    struct call c = begin(w, s, answer ? "create_answer" : "create_offer");
    int r = answer ? sotto__peer_create_answer(s->peer, &sdp)
                   : sotto__peer_create_offer(s->peer, nego_now(w), restart, &sdp);
    end(w, s, &c, 0, r);
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

/* ---- transceivers ---- */

static size_t streams(struct input *in, const char *out[static 3])
{
    static const char *const ids[] = {"s1", "s2", "s3", "a-stream", "-", "b d", "", "s1"};
    uint8_t how = nego_next(in);
    size_t n = how & 3;
    for (size_t i = 0; i < n; i++) out[i] = ids[(how >> 2) * (i + 1) % (how & 128 ? 8 : 4)];
    return n;
}

static size_t some_encodings(struct input *in, sotto_encoding out[static 4])
{
    static const char *const rids[] = {"a", "b", "c", "h", "bad rid", NULL};
    uint8_t how = nego_next(in);
    size_t n = how & 3;
    for (size_t i = 0; i < n; i++) {
        const char *rid = how & 4 ? rids[(i + (how >> 3 & 3)) % (how & 128 ? 6 : 4)] : NULL;
        out[i] = (sotto_encoding){.size = sizeof *out,
                                  .rid = rid,
                                  .inactive = how >> 5 & 1,
                                  .scale = how & 64 ? (double)i : 0};
    }
    return n;
}

static void name_codec(sotto_kind kind, sotto_codec *ret)
{
    *ret = kind == SOTTO_AUDIO
               ? (sotto_codec){.mime = "audio/PCMU", .clock_hz = 8000, .channels = 1}
               : (sotto_codec){.mime = "video/VP8", .clock_hz = 90000};
    ret->size = sizeof *ret;
}

/* The handle is the application's. */
static void own(struct world *w, struct side *s, struct transceiver *t)
{
    sotto_codec c;
    t->shell = &shell;
    if (!w->lean || t->prefs.n > 0 || t->stopping) return;
    name_codec(t->kind, &c);
    REQUIRE(sotto__transceiver_set_preferences(s->peer, t, &c, 1) == 0);
}

static void op_add(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    const char *ids[3];
    sotto_encoding encodings[4];
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = how >> 1 & 3};
    struct transceiver *t = NULL;
    if (how & 8) cfg.n_streams = streams(&w->in, ids);
    if (how & 16) cfg.n_encodings = some_encodings(&w->in, encodings);
    if (how & 128) cfg.direction = nego_next(&w->in);
    cfg.streams = ids;
    cfg.encodings = encodings;
    struct call c = begin(w, s, "add_transceiver");
    int r = sotto__transceiver_add(s->peer, nego_now(w), how & 1 ? SOTTO_VIDEO : SOTTO_AUDIO,
                                   how & 32 ? NULL : &cfg, &t);
    if (end(w, s, &c, 0, r) == 0) own(w, s, t);
}

static void op_add_track(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    const char *ids[3];
    struct transceiver *t = NULL;
    size_t n = how & 2 ? streams(&w->in, ids) : 0;
    struct call c = begin(w, s, "add_track");
    int r = sotto__transceiver_add_track(s->peer, nego_now(w), how & 1 ? SOTTO_VIDEO : SOTTO_AUDIO,
                                         ids, n, &t);
    if (end(w, s, &c, 0, r) == 0) own(w, s, t);
}

static int change_preferences(struct world *w, struct peer *p, struct transceiver *t)
{
    struct codec_list all = {0};
    sotto_codec chosen[8];
    uint8_t start = nego_next(&w->in), n = nego_next(&w->in) & 7;
    if (sotto__codecs_capabilities(nego_next(&w->in) & 15 ? t->kind : SOTTO_VIDEO, &all) < 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        const struct codec *c = &all.items[(start + i * 3) % all.n];
        const char *mime = t->kind == SOTTO_AUDIO ? "audio/" : "video/";
        static char mimes[8][40];
        snprintf(mimes[i], sizeof mimes[i], "%s%s", mime, c->name);
        chosen[i] = (sotto_codec){.size = sizeof *chosen,
                                  .mime = mimes[i],
                                  .clock_hz = c->clock,
                                  .channels = t->kind == SOTTO_AUDIO ? c->channels : 0,
                                  .fmtp = c->fmtp};
    }
    int r = sotto__transceiver_set_preferences(p, t, chosen, n);
    sotto__codecs_free(&all);
    return r;
}

static int change_parameters(struct world *w, struct peer *p, struct transceiver *t)
{
    sotto_send_parameters *params = NULL;
    uint8_t how = nego_next(&w->in);
    uint64_t before = t->transaction;
    if (sotto__transceiver_get_parameters(p, t, &params) < 0) return 0;
    REQUIRE(params->n_encodings == t->encodings.n && params->n_encodings >= 1);
    if (how & 1) params->transaction ^= 1;
    if (how & 2) params->encodings[0].scale = how >> 4;
    if (how & 4) params->encodings[0].inactive = true;
    if (how & 8) params->n_encodings--;
    int r = sotto__transceiver_set_parameters(p, t, params);
    REQUIRE(r == 0 ? t->transaction == 0 && !(how & 9)
                   : t->transaction == params->transaction || how & 1);
    if (r < 0) t->transaction = before; /* that it was read is not what failed */
    sotto__free(params);
    return r;
}

static int change_streams(struct world *w, struct peer *p, struct transceiver *t)
{
    const char *ids[3];
    size_t n = streams(&w->in, ids);
    return sotto__transceiver_set_streams(p, nego_now(w), t, ids, n);
}

/* Calls on one transceiver. */
static void op_change(struct world *w, struct side *s, unsigned which)
{
    struct peer *p = s->peer;
    struct transceiver *t = nego_pick(s, nego_next(&w->in));
    if (!t) return;
    struct call c = begin(w, s, "a call on a transceiver");
    int r = 0;
    switch (which) {
    case 0: r = sotto__transceiver_remove_track(p, nego_now(w), t); break;
    case 1: r = sotto__transceiver_set_direction(p, nego_now(w), t, nego_next(&w->in) % 5); break;
    case 2: r = change_streams(w, p, t); break;
    case 3: r = change_preferences(w, p, t); break;
    case 4: r = change_parameters(w, p, t); break;
    default: r = sotto__transceiver_stop(p, nego_now(w), t); break;
    }
    end(w, s, &c, 0, r);
}

/* As api/ does: only of one that is gone, or of a closed connection. */
static void op_give_back(struct world *w, struct side *s)
{
    struct transceiver *t = NULL, *chosen = NULL;
    uint8_t skip = nego_next(&w->in) & 3;
    while ((t = sotto__transceiver_next_gone(s->peer, t)))
        if (t->shell && (!chosen || skip-- > 0)) chosen = t;
    if (!chosen && s->peer->closed) chosen = sotto__transceiver_next(s->peer, NULL);
    if (chosen) sotto__transceiver_give_back(s->peer, chosen);
}

/* ---- data ---- */

static void op_open(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    sotto_dc_config cfg = {.size = sizeof cfg, .protocol = "", .unordered = how & 1};
    struct channel *c = NULL;
    size_t i = 0;
    while (i < MAX_CHANS && s->chans[i]) i++;
    if (i == MAX_CHANS) return;
    if (how & 2) cfg.negotiated = true, cfg.id = how >> 2;
    struct call call = begin(w, s, "open_channel");
    int r = sotto__peer_open_channel(s->peer, nego_now(w), "x", &cfg, &c);
    if (end(w, s, &call, 0, r) == 0) s->chans[i] = c;
}

static void op_channel(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    struct channel **slot = &s->chans[how % MAX_CHANS], *c = *slot;
    if (!c) return;
    if (how & 64) {
        sotto__channel_close(s->peer, nego_now(w), c);
    } else if (how & 128) {
        (void)sotto__channel_send(s->peer, nego_now(w), c, "hello", 5, true);
    } else {
        *slot = NULL;
        sotto__channel_release(s->peer, nego_now(w), c);
    }
}

/* ---- transport ---- */

static void op_restart(struct world *w, struct side *s)
{
    struct call c = begin(w, s, "restart_ice");
    end(w, s, &c, 0, sotto__peer_restart_ice(s->peer, nego_now(w)));
}

static void op_configure(struct world *w, struct side *s)
{
    struct peer_cfg cfg;
    uint8_t how = nego_next(&w->in);
    sotto__peer_get_config(s->peer, &cfg);
    cfg.transport.relay_only = how & 2;
    if (how & 2) w->lost = true;
    struct call c = begin(w, s, "configure");
    end(w, s, &c, 0, sotto__peer_configure(s->peer, &cfg.transport, how & 1));
}

static void op_candidate(struct world *w, struct side *s)
{
    static const char *const texts[] = {
        "candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host",
        "candidate:2 1 udp 1 192.0.2.1 9 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:3 1 tcp 1 192.0.2.1 9 typ host tcptype active",
        "",
        "candidate:4 1 udp 5 2001:db8::7 6000 typ host ufrag abcd",
        "a=candidate:5 1 UDP 7 198.51.100.1 7000 typ relay",
        "candidate:bad",
        "candidate:6 1 udp 9 example.local 7 typ host"};
    static const char *const mids[] = {"0", "1", "2", "zz", NULL, NULL, "0", "0"};
    uint8_t how = nego_next(&w->in), more = nego_next(&w->in);
    const char *ufrags[] = {NULL, s->peer->transport.remote.ufrag, "abcd", ""};
    sotto_candidate cand = {.size = sizeof cand,
                            .line = texts[how & 7],
                            .mid = mids[how >> 3 & 7],
                            .has_mline_index = more & 1,
                            .mline_index = more >> 4,
                            .ufrag = ufrags[how >> 6]};
    sotto_error err = {.size = sizeof err};
    bool all = more & 2; /* no more of any section */
    struct call c = begin(w, s, "add_candidate");
    int r = sotto__peer_add_candidate(s->peer, nego_now(w), all ? NULL : &cand, &err);
    /* one too many is told by a warning */
    end(w, s, &c, r == SOTTO_E_LIMIT ? 1u << SNAP_EVENTS : 0, r);
}

static void op_time(struct world *w)
{
    static const sotto_us spans[] = {SOTTO_MS(1),   SOTTO_MS(20),     SOTTO_MS(100),
                                     SOTTO_MS(400), SOTTO_SECONDS(2), SOTTO_SECONDS(40)};
    uint8_t how = nego_next(&w->in);
    size_t i = how % 6;
    if (!w->talks && i > 3) i = 3;
    nego_run(w, spans[i]);
    if (!(how & 128)) {
        nego_take(w, &w->side[0], 64, true);
        nego_take(w, &w->side[1], 64, true);
    }
}

static void op_close(struct world *w, struct side *s)
{
    if (nego_next(&w->in) != 0xc1) return; /* seldom: nothing comes after it */
    sotto__peer_close(s->peer, nego_now(w));
    nego_judge(w);
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

static void do_other(struct world *w, struct side *s, unsigned op)
{
    switch (op) {
    case 12: op_add(w, s); break;
    case 13: op_add_track(w, s); break;
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
    case 19: op_change(w, s, op - 14); break;
    case 20: op_give_back(w, s); break;
    case 21: op_open(w, s); break;
    case 22: op_channel(w, s); break;
    case 23: op_restart(w, s); break;
    case 24: op_configure(w, s); break;
    case 25: op_candidate(w, s); break;
    case 26: nego_take(w, s, nego_next(&w->in), true); break;
    case 27: nego_take(w, s, nego_next(&w->in), false); break;
    case 28: op_time(w); break;
    case 29: w->failing = true; break;
    case 30: op_close(w, s); break;
    default: op_add_track(w, s); break;
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
            do_other(&w, s, op % 32);
        nego_check(&w, &w.side[0]);
        nego_check(&w, &w.side[1]);
    }
    nego_close(&w);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of the sequence fuzzer that are no descriptions: calls on transceivers, channels and the transport, events, time. Each may
 * have an allocation that fails in it, and after a failure all is as before.
 */
#include "nego.h"
#include "util/rand.h"

static char shell; /* what api/ would have: a handle of the application */

struct call nego_begin(struct world *w, struct side *s, const char *name)
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

int nego_end(struct world *w, struct side *s, struct call *c, unsigned but, int r)
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
    struct call c = nego_begin(w, s, "add_transceiver");
    int r = sotto__transceiver_add(s->peer, nego_now(w), how & 1 ? SOTTO_VIDEO : SOTTO_AUDIO,
                                   how & 32 ? NULL : &cfg, &t);
    if (nego_end(w, s, &c, 0, r) == 0) own(w, s, t);
}

static void op_add_track(struct world *w, struct side *s)
{
    uint8_t how = nego_next(&w->in);
    const char *ids[3];
    struct transceiver *t = NULL;
    size_t n = how & 2 ? streams(&w->in, ids) : 0;
    struct call c = nego_begin(w, s, "add_track");
    int r = sotto__transceiver_add_track(s->peer, nego_now(w), how & 1 ? SOTTO_VIDEO : SOTTO_AUDIO,
                                         ids, n, &t);
    if (nego_end(w, s, &c, 0, r) == 0) own(w, s, t);
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
    int r = sotto__transceiver_set_parameters(p, nego_now(w), t, params);
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
    struct call c = nego_begin(w, s, "a call on a transceiver");
    int r = 0;
    switch (which) {
    case 0: r = sotto__transceiver_remove_track(p, nego_now(w), t); break;
    case 1: r = sotto__transceiver_set_direction(p, nego_now(w), t, nego_next(&w->in) % 5); break;
    case 2: r = change_streams(w, p, t); break;
    case 3: r = change_preferences(w, p, t); break;
    case 4: r = change_parameters(w, p, t); break;
    default: r = sotto__transceiver_stop(p, nego_now(w), t); break;
    }
    nego_end(w, s, &c, 0, r);
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
    struct call call = nego_begin(w, s, "open_channel");
    int r = sotto__peer_open_channel(s->peer, nego_now(w), "x", &cfg, &c);
    if (nego_end(w, s, &call, 0, r) == 0) s->chans[i] = c;
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
    struct call c = nego_begin(w, s, "restart_ice");
    nego_end(w, s, &c, 0, sotto__peer_restart_ice(s->peer, nego_now(w)));
}

static void op_configure(struct world *w, struct side *s)
{
    struct peer_cfg cfg;
    uint8_t how = nego_next(&w->in);
    sotto__peer_get_config(s->peer, &cfg);
    cfg.transport.relay_only = how & 2;
    if (how & 2) w->lost = true;
    struct call c = nego_begin(w, s, "configure");
    nego_end(w, s, &c, 0, sotto__peer_configure(s->peer, &cfg.transport, how & 1));
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
    const struct transport_kept *remote = s->peer->transport.remote;
    const char *ufrags[] = {NULL, remote ? remote->ufrag : "", "abcd", ""};
    sotto_candidate cand = {.size = sizeof cand,
                            .line = texts[how & 7],
                            .mid = mids[how >> 3 & 7],
                            .has_mline_index = more & 1,
                            .mline_index = more >> 4,
                            .ufrag = ufrags[how >> 6]};
    sotto_error err = {.size = sizeof err};
    bool all = more & 2; /* no more of any section */
    struct call c = nego_begin(w, s, "add_candidate");
    int r = sotto__peer_add_candidate(s->peer, nego_now(w), all ? NULL : &cand, &err);
    /* one too many is told by a warning */
    nego_end(w, s, &c, r == SOTTO_E_LIMIT ? 1u << SNAP_EVENTS : 0, r);
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

void nego_call(struct world *w, struct side *s, unsigned op)
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

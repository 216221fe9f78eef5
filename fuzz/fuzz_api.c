/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: every function of the public API that takes a handle, in any order, on four connections in two contexts over a virtual
 * network: with handles that live, that are closed, that were freed while an event holds them, that are of another type, or NULL.
 * Property: each call returns a number that its header names; one on a handle that was freed does and gives nothing, one on a handle of
 * another type or NULL is refused; what a call gives on failure is nothing; events keep the order of event.h and name what lives; after
 * it all nothing is left.
 * proves: A04 A05 A20 H130
 */
#include <string.h>

#include "api.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(int32_t level, const char *line, void *user)
{
    (void)user;
    require(level >= SOTTO_LOG_ERROR && level <= SOTTO_LOG_DEBUG && !strchr(line, '\n'));
    require(sotto_ctx_post(((struct api *)user)->ctx[0], 1, NULL) == SOTTO_E_STATE);
}

static void begin(struct api *w)
{
    require(sotto_version()[0] != '\0' && sotto_now() > 0);
    static const char *const addresses[] = {"192.0.2.1,2001:db8::1", "192.0.2.2,2001:db8::2"};
    w->net = net_new(1);
    for (int i = 0; i < 2; i++) {
        sotto_ctx_config cfg = {
            .size = sizeof cfg, .no_thread = true, .log_level = SOTTO_LOG_DEBUG};
        cfg.log = hear, cfg.log_user = w;
        w->host[i] = net_host_new(w->net, addresses[i]);
        w->world[i] = (struct world){.now = net_now,
                                     .ice_ops = &sotto__ice_net,
                                     .user = w->host[i],
                                     .watch_ops = &net_watch_host,
                                     .boot = net_boot};
        require(sotto__ctx_new_in(&w->world[i], &cfg, &w->ctx[i]) == 0);
    }
}

/* ---- handles and events ---- */

static bool is_held(const struct api *w, const void *handle)
{
    for (int i = 0; i < API_HELD; i++) {
        const sotto_event *e = w->held[i];
        if (e && (e->pc == handle || api_dc_of(e) == handle || api_track_of(e) == handle))
            return true;
    }
    return false;
}

/* Handles that were freed are gone with the last event that names them. */
static void forget(struct api *w)
{
    struct handle *all[] = {w->pcs, w->dcs, w->tracks};
    const int n[] = {API_PCS, API_DCS, API_TRACKS};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < n[k]; i++)
            if (all[k][i].freed && !is_held(w, all[k][i].p)) all[k][i] = (struct handle){0};
}

static void let_go(struct api *w, int i)
{
    sotto_event_free(w->held[i]);
    w->held[i] = NULL;
    forget(w);
}

static void note(struct handle *table, int n, void *p)
{
    int room = -1;
    for (int i = 0; i < n; i++) {
        if (table[i].p == p) return;
        if (!table[i].p && room < 0) room = i;
    }
    if (room >= 0) table[room] = (struct handle){.p = p};
}

static int slot_of(const struct api *w, const void *pc)
{
    for (int i = 0; i < API_PCS; i++)
        if (w->pcs[i].p == pc) return i;
    return -1;
}

/* A candidate goes to the other end, if that still is. */
static void tell(struct api *w, const sotto_event *e)
{
    int i = slot_of(w, e->pc);
    if (i < 0 || !w->pcs[i ^ 1].p) return;
    sotto_candidate c = {.size = sizeof c,
                         .line = e->u.candidate.line,
                         .mid = e->u.candidate.mid,
                         .has_mline_index = 1,
                         .mline_index = e->u.candidate.mline_index,
                         .ufrag = e->u.candidate.ufrag};
    api_known(sotto_pc_add_ice_candidate(w->pcs[i ^ 1].p, &c, NULL));
}

static void check_event(struct api *w, const sotto_event *e)
{
    require(e->type >= SOTTO_EV_STATE && e->type < 32 && e->at <= w->net->now);
    require((e->pc == NULL) == (e->type == SOTTO_EV_USER));
    int i = slot_of(w, e->pc);
    if (e->pc) require(i >= 0 && !w->pcs[i].freed);
    if (e->pc) require(!w->is_over[i]);
    if (e->type == SOTTO_EV_STATE && e->u.state.signaling == SOTTO_SIGNALING_CLOSED)
        w->is_over[i] = true;
    if (api_track_of(e)) note(w->tracks, API_TRACKS, api_track_of(e));
}

static void take_event(struct api *w, sotto_event *e, bool hold)
{
    check_event(w, e);
    if (e->type == SOTTO_EV_CANDIDATE) tell(w, e);
    if (e->type == SOTTO_EV_CHANNEL) api_keep_dc(w, e->u.channel.dc);
    for (int i = 0; i < API_RETRIES; i++)
        if (w->retry[i]) require(sotto_reconnect_handle(w->retry[i], e) >= 0);
    int at = w->n_held++ % API_HELD;
    if (!hold) {
        sotto_event_free(e);
        return;
    }
    sotto_event_free(w->held[at]);
    w->held[at] = e;
    forget(w);
}

static void take(struct api *w, int ctx, bool hold)
{
    sotto_event *e[3] = {NULL};
    int r = w->by == TAKE_WAIT   ? sotto_ctx_wait(w->ctx[ctx], 0, e)
            : w->by == TAKE_MANY ? sotto_ctx_next_many(w->ctx[ctx], e, 3)
                                 : sotto_ctx_next(w->ctx[ctx], e);
    require(r >= 0 && r <= (w->by == TAKE_MANY ? 3 : 1));
    for (int i = 0; i < 3; i++) require((e[i] != NULL) == (i < r));
    for (int i = 0; i < r; i++) take_event(w, e[i], hold);
}

/* ---- time ---- */

static void run(struct api *w, sotto_us span)
{
    sotto_us end = w->net->now + span;
    for (int turns = 0; turns < 4000; turns++) {
        sotto_us due = end;
        for (int i = 0; i < 2; i++) {
            for (int k = 0; k < API_PCS; k++) /* as epoll would say it: there may be something to be read */
                if (w->pcs[k].p && !w->pcs[k].freed)
                    sotto_pc_get_state(w->pcs[k].p,
                                       &(sotto_pc_state){.size = sizeof(sotto_pc_state)});
            require(sotto_ctx_run(w->ctx[i], 0) >= 0);
            for (int k = 0; k < 12; k++) take(w, i, false);
            due = sotto__earlier(due, sotto__ctx_due(w->ctx[i]));
        }
        for (int i = 0; i < API_RETRIES; i++)
            if (w->retry[i]) require(sotto_reconnect_run(w->retry[i], w->net->now) <= 2);
        if (w->net->now >= end) return;
        net_advance(w->net, sotto__earlier(due, net_due(w->net)));
    }
}

/* ---- whole negotiations, so that there is something to be called upon ---- */

static void give(struct api *w, int from, int to)
{
    sotto_sdp_type type = 0;
    char *sdp = NULL;
    if (!w->pcs[from].p || !w->pcs[to].p) return;
    int r = sotto_pc_local_description(w->pcs[from].p, SOTTO_DESC_EFFECTIVE, &type, &sdp);
    require((r == 1) == (sdp != NULL));
    if (r == 1) api_known(sotto_pc_set_remote_description(w->pcs[to].p, type, sdp, NULL));
    sotto_free(sdp);
}

static void negotiate(struct api *w, int from)
{
    int to = from ^ 1;
    if (!w->pcs[from].p || !w->pcs[to].p) return;
    api_known(sotto_pc_set_local_description(w->pcs[from].p, SOTTO_SDP_IMPLICIT, NULL, NULL));
    give(w, from, to);
    api_known(sotto_pc_set_local_description(w->pcs[to].p, SOTTO_SDP_IMPLICIT, NULL, NULL));
    give(w, to, from);
    if (sotto__read_u8(&w->in) & 1) run(w, SOTTO_MS(400));
}

static void new_pc(struct api *w, int i)
{
    sotto_pc *pc = NULL;
    if (w->pcs[i].p) return;
    uint8_t how = sotto__read_u8(&w->in);
    sotto_pc_config cfg = {.size = sizeof cfg, .user = &w->pcs[i], .no_auto_restart = how & 1};
    if (how & 2) cfg.bundle_policy = SOTTO_BUNDLE_MAX_BUNDLE;
    if (how & 4) cfg.max_message_size = 1000;
    if (how & 8) cfg.max_buffered_bytes = 5000;
    cfg.cert = how & 16 ? NULL : w->cert;
    int r = sotto_pc_new(w->ctx[i & 1], how & 128 ? NULL : &cfg, &pc);
    require(r == 0 && pc);
    w->pcs[i] = (struct handle){.p = pc};
    w->is_over[i] = false;
}

void api_free_pc(struct api *w, int i)
{
    for (int k = 0; k < API_RETRIES; k++)
        if (w->retry_of[k] == i) sotto_reconnect_free(w->retry[k]), w->retry[k] = NULL;
    sotto_pc_free(w->pcs[i].p);
    w->pcs[i].freed = true;
    forget(w);
}

void api_free_dc(struct api *w, struct handle *h)
{
    sotto_dc_free(h->p);
    h->freed = true;
    forget(w);
}

static void on_ctx(struct api *w, uint8_t v)
{
    sotto_ctx *c = w->ctx[v & 1];
    switch (v >> 1 & 7) {
    case 0: require(sotto_ctx_batch(c, v & 128) == 0); break;
    case 1: api_known(sotto_ctx_post(c, v, w)); break;
    case 2: require(sotto_ctx_fd(c) >= 0); break;
    case 3: w->by = v >> 6 & 3; break;
    case 4:
        require(sotto_ctx_next((sotto_ctx *)w->pcs[0].p, &(sotto_event *){0}) == SOTTO_E_INVAL);
        break;
    case 5: net_host_move(w->host[v & 1], v & 128 ? "192.0.2.7" : "192.0.2.1,192.0.2.8"); break;
    case 6: net_set_down(w->net, w->host[0], w->host[1], v & 128); break;
    default: require(sotto_ctx_run(NULL, 0) == SOTTO_E_INVAL);
    }
}

static void step(struct api *w)
{
    uint8_t op = sotto__read_u8(&w->in), v = sotto__read_u8(&w->in);
    switch (op & 15) {
    case 0: new_pc(w, v % API_PCS); break;
    case 1: negotiate(w, v % API_PCS); break;
    case 2: run(w, SOTTO_MS(v) * (op & 16 ? 20 : 1)); break;
    case 3: take(w, v & 1, v & 2); break;
    case 4: let_go(w, v % API_HELD); break;
    case 5: on_ctx(w, v); break;
    case 6: give(w, v % API_PCS, v >> 2 & (API_PCS - 1)); break;
    case 7:
    case 8: api_call_pc(w, v); break;
    case 9:
    case 10: api_call_dc(w, v); break;
    case 11:
    case 12: api_call_track(w, v); break;
    case 13: api_call_media(w, v); break;
    case 14: api_call_retry(w, v); break;
    default: api_call_trust(w, v);
    }
}

static void end(struct api *w)
{
    for (int k = 0; k < API_RETRIES; k++) sotto_reconnect_free(w->retry[k]);
    for (int i = 0; i < 2; i++) sotto_ctx_free(w->ctx[i]);
    for (int i = 0; i < API_HELD; i++) {
        const sotto_event *e = w->held[i];
        if (e && e->pc) require(sotto_pc_restart_ice(e->pc) == SOTTO_E_CLOSED);
        if (e && api_dc_of(e)) require(sotto_dc_send(api_dc_of(e), "x", 1, true) == SOTTO_E_CLOSED);
        sotto_event_free(w->held[i]);
    }
    require(w->net->live_ices == 0 && w->net->live_sockets == 0);
    net_free(w->net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sotto_cert *cert; /* to make one takes long */
    if (!cert) require(sotto_selftest() == 0 && sotto_cert_generate_days(365, &cert) == 0);
    int64_t live = sotto__mem_live();
    struct api *w = calloc(1, sizeof *w);
    require(w != NULL);
    w->cert = cert;
    w->in = sotto__reader(data, size);
    begin(w);
    for (int i = 0; i < API_PCS; i++) new_pc(w, i);
    for (int i = 0; w->in.n > 0 && i < 150; i++) step(w);
    run(w, SOTTO_MS(500));
    end(w);
    free(w);
    require(sotto__mem_live() == live);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE by libnice 0.1.21: one NiceAgent with its own GMainContext per struct ice (RFC 8445, RFC 8838), aggressive nomination,
 * Ta 5 ms, UDP only, no consent option (it can be crashed from outside), no UPnP, numeric addresses only. In: calls of
 * ice_ops under the context's lock, from any thread. Out: by next(). libnice opens its own sockets; all else about time and
 * descriptors comes from above (ice_nice_loop.c). What libnice reports is kept by ice_nice_state.c.
 * answers: H110
 */
#include "transport/ice_nice.h"

#include <nice/debug.h>
#include <stdio.h>
#include <sys/socket.h>

#include "util/mem.h"

#define PACING_MS 5u              /* RFC 8445 §14.2: the least */
#define GATHER_SENDINGS 5u        /* to a STUN or TURN server: with 7 a dead one holds up gathering for 20 s */
#define CHECK_SENDINGS 7u         /* RFC 8489 §6.2.1: Rc */
#define IDLE_MS 5000u             /* how long after the last check libnice calls a connection failed */
#define CALM_IDLE_MS 50u          /* the same once connected: its timer ticks that long for nothing */
#define MAX_PAIRS 100u            /* RFC 8445 §6.1.2.5 */
#define PATIENCE SOTTO_MS(39500)  /* RFC 8863 §4 */
#define LATE_PATIENCE SOTTO_SECONDS(15) /* for a candidate that came at its end */
#define HOLD SOTTO_SECONDS(1)      /* for the remote's checks: see is_patient */
#define CLOSE_WAIT SOTTO_SECONDS(1)
#define GOODBYE_MS 100u           /* with two sendings a goodbye to a dead server has ended after 300 ms … */
#define GOODBYE_DRAIN_MS 500      /* … so that a free without close() waits no longer than this */
#define SEND_CHUNK 32u
#define NICE_BUFFERS (2 * 65536 - 8192) /* of which libnice uses the first packet's length; less than what malloc() maps */

static void ice_free(struct ice *ice);

static NiceAgent *make_agent(GMainContext *ctx, const struct ice_cfg *cfg)
{
    NiceAgent *agent =
        nice_agent_new_full(ctx, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_ICE_TRICKLE);
    if (!agent) return NULL;
    nice_debug_disable(TRUE); /* NICE_DEBUG of the environment has it print addresses, and passwords of ICE and TURN */
    g_object_set(agent, "controlling-mode", (gboolean)cfg->controlling, "force-relay",
                 (gboolean)cfg->relay_only, "upnp", FALSE, "ice-tcp", FALSE, "keepalive-conncheck",
                 FALSE, "stun-pacing-timer", PACING_MS, "stun-initial-timeout", 250u,
                 "stun-max-retransmissions", GATHER_SENDINGS, "max-connectivity-checks", MAX_PAIRS,
                 "idle-timeout", IDLE_MS, NULL);
    return agent;
}

static int start_agent(struct ice *ice, const struct ice_cfg *cfg)
{
    ice->agent = make_agent(ice->loop->ctx, cfg);
    if (!ice->agent) return SOTTO_E_SYS;
    sotto__nice_connect_signals(ice);
    sotto__mem_fresh(NICE_BUFFERS);
    ice->stream = nice_agent_add_stream(ice->agent, 1);
    if (ice->stream == 0) return SOTTO_E_SYS;
    if (!nice_agent_set_local_credentials(ice->agent, ice->stream, cfg->ufrag, cfg->pwd))
        return SOTTO_E_SYS;
    if (cfg->port_min || cfg->port_max)
        nice_agent_set_port_range(ice->agent, ice->stream, NICE_COMPONENT,
                                  cfg->port_min ? cfg->port_min : 1024,
                                  cfg->port_max ? cfg->port_max : 65535);
    sotto__nice_servers_add(ice, cfg->servers, cfg->n_servers, !cfg->more_servers, ice->loop->now);
    return 0;
}

static int ice_init(struct ice **ret, const struct ice_cfg *cfg, sotto_us now)
{
    int r = SOTTO_E_NOMEM;
    struct ice *ice = sotto__calloc(1, sizeof *ice);
    if (!ice) return SOTTO_E_NOMEM;
    ice->box = cfg->box;
    ice->log = cfg->log;
    ice->relay_only = cfg->relay_only;
    ice->default_route = cfg->default_route;
    ice->allow_loopback = cfg->allow_loopback;
    memcpy(ice->external, cfg->external, sizeof ice->external);
    ice->no_fast_path = cfg->no_fast_path;
    ice->is_patient = cfg->is_patient;
    ice->nice_state = NICE_COMPONENT_STATE_DISCONNECTED;
    ice->ufrag = sotto__strdup(cfg->ufrag);
    ice->pwd = sotto__strdup(cfg->pwd);
    ice->remote_ufrag = sotto__strdup("");
    ice->loop = sotto__calloc(1, sizeof *ice->loop);
    ice->out = sotto__malloc(sizeof *ice->out);
    bool has_texts = ice->ufrag && ice->pwd && ice->remote_ufrag;
    if (!has_texts || !ice->out || !ice->loop || sotto__nice_servers_init(ice, cfg) < 0) goto fail;
    sotto__nice_loop_init(ice->loop);
    ice->loop->now = now;
    if (cfg->interface) {
        ice->interface = sotto__strdup(cfg->interface);
        if (!ice->interface) goto fail;
    }
    if (cfg->ca_file) {
        ice->ca_file = sotto__strdup(cfg->ca_file);
        if (!ice->ca_file) goto fail;
    }
    r = start_agent(ice, cfg);
    if (r == 0) r = sotto__nice_consent_init(ice, cfg->controlling);
    if (r < 0) goto fail;
    *ret = ice;
    return 0;
fail:
    ice_free(ice);
    return r;
}

/* The remote's checks are to come first, on each path: till then libnice checks only what has checked us. */
static bool is_holding(const struct ice *ice)
{
    return ice->hold_until != 0 && ice->loop->now < ice->hold_until;
}

/* libnice sees the remote candidates once it has sockets; under relay_only once it has a relay: before, it would check from hosts. */
static void give_remotes(struct ice *ice)
{
    if (is_holding(ice)) return;
    ice->hold_until = 0;
    bool is_early = ice->relay_only && !ice->gathered && ice->n_relay == 0;
    if (!ice->held || !ice->remote_set || !ice->gather_called || is_early) return;
    nice_agent_set_remote_candidates(ice->agent, ice->stream, NICE_COMPONENT, ice->held);
    g_slist_free_full(g_steal_pointer(&ice->held), (GDestroyNotify)nice_candidate_free);
    ice->loop->stale = true;
    sotto__nice_hurry(ice);
}

/* The sockets move to a context that nobody runs: without a callback alone they would stay readable and never be read. */
static void be_deaf(struct ice *ice)
{
    sotto__nice_twin_close(ice);
    if (ice->is_deaf || !ice->gather_called) return;
    GMainContext *nobody = g_main_context_new();
    nice_agent_attach_recv(ice->agent, ice->stream, NICE_COMPONENT, nobody, NULL, NULL);
    g_main_context_unref(nobody);
    ice->is_deaf = true;
    ice->loop->stale = true;
}

static void end_gathering(struct ice *ice, sotto_us now)
{
    if (!ice->gather_called || ice->gathered) return;
    bool is_over =
        ice->nice_gathered && !ice->more_servers && sotto__nice_stun_due(ice) == SOTTO_NEVER;
    ice->was_cut_short = !is_over && now - ice->gather_at >= SOTTO_MAX_GATHER_US;
    ice->gathered = is_over || ice->was_cut_short; /* a server can keep libnice waiting for longer */
    ice->gathered_at = now;
}

/* What libnice's signals asked for, outside of them. */
static void after_turn(struct ice *ice, sotto_us now)
{
    if (ice->close_called) return;
    sotto__nice_stun_turn(ice, now);
    end_gathering(ice, now);
    if (ice->n_prflx > SOTTO_MAX_PRFLX) be_deaf(ice); /* each one more costs libnice time that grows with their number */
    sotto__nice_fence(ice);
    if (ice->gathered && !ice->is_settled) {
        g_object_set(ice->agent, "stun-max-retransmissions", CHECK_SENDINGS, NULL);
        ice->is_settled = true;
    }
    if (!ice->is_calm && ice->nice_state == NICE_COMPONENT_STATE_READY) {
        g_object_set(ice->agent, "idle-timeout", CALM_IDLE_MS, NULL);
        ice->is_calm = true;
        sotto__nice_end_checks(ice);
    }
    if (ice->gathered && ice->remote_set && ice->patience == 0)
        ice->patience = sotto__after(now, PATIENCE);
    give_remotes(ice);
    sotto__nice_hurry(ice);
    sotto__nice_rest(ice);
    sotto__nice_twin_turn(ice, now);
    sotto__nice_consent_turn(ice, now);
}

static int ice_gather(struct ice *ice, sotto_us now)
{
    if (ice->gather_called) return SOTTO_E_STATE;
    ice->loop->now = now;
    int n = sotto__nice_add_locals(ice);
    if (n < 0) return n;
    ice->loop->stale = true;
    ice->gather_called = true;
    ice->gather_at = now;
    nice_agent_attach_recv(ice->agent, ice->stream, NICE_COMPONENT, ice->loop->ctx,
                           sotto__nice_recv, ice);
    sotto__nice_servers_start(ice);
    if (!nice_agent_gather_candidates(ice->agent, ice->stream)) return SOTTO_E_LIMIT;
    sotto__nice_turn_turn(ice, now);
    sotto__nice_servers_ask(ice);
    sotto__nice_resize(ice, SO_SNDBUFFORCE, SO_SNDBUF, SOTTO_SOCKET_BUFFER);
    sotto__nice_never_fragment(ice);
    sotto__nice_filter(ice);
    after_turn(ice, now);
    ice->has_news = true;
    return 0;
}

static void drop_packets(struct ice *ice)
{
    struct packet p;
    while (ice->box && sotto__ice_box_take(ice->box, ice, &p)) continue;
}

/*
 * The local candidates stay and with them our credentials, which libnice would replace. It goes on to believe in the sources of data
 * that it knew; what comes from there is for DTLS to refuse.
 */
static int forget_remote(struct ice *ice)
{
    if (!nice_agent_restart_stream(ice->agent, ice->stream) ||
        !nice_agent_set_local_credentials(ice->agent, ice->stream, ice->ufrag, ice->pwd))
        return SOTTO_E_SYS;
    g_object_set(ice->agent, "idle-timeout", IDLE_MS, NULL);
    g_slist_free_full(g_steal_pointer(&ice->held), (GDestroyNotify)nice_candidate_free);
    g_clear_pointer(&ice->pair_local, nice_candidate_free);
    g_clear_pointer(&ice->pair_remote, nice_candidate_free);
    sotto__nice_twin_close(ice);
    sotto__nice_path_forget(ice);
    ice->selected[0] = '\0';
    ice->n_prflx = 0;
    sotto__ice_tally_clear(&ice->tally);
    ice->remote_done = ice->pair_changed = ice->is_calm = ice->is_dead = false;
    ice->n_conflicts = 0;
    ice->patience = 0;
    drop_packets(ice);
    if (ice->is_deaf)
        nice_agent_attach_recv(ice->agent, ice->stream, NICE_COMPONENT, ice->loop->ctx,
                               sotto__nice_recv, ice);
    ice->is_deaf = false;
    return 0;
}

static int ice_set_remote(struct ice *ice, const char *ufrag, const char *pwd, sotto_us now)
{
    char *name = sotto__strdup(ufrag), *secret = sotto__strdup(pwd);
    ice->loop->now = now;
    ice->loop->stale = true;
    int r = name && secret ? 0 : SOTTO_E_NOMEM; /* before anything is forgotten */
    if (r == 0 && ice->remote_set) r = forget_remote(ice);
    if (r == 0 && !nice_agent_set_remote_credentials(ice->agent, ice->stream, ufrag, pwd))
        r = SOTTO_E_SYS;
    if (r < 0) {
        sotto__free(name);
        if (secret) sotto__free_secret(secret, strlen(secret));
        return r;
    }
    sotto__nice_consent_remote(ice, secret);
    ice->remote_set = true;
    sotto__free(ice->remote_ufrag);
    ice->remote_ufrag = name;
    if (ice->gather_called) sotto__nice_filter(ice);
    if (ice->is_patient) ice->hold_until = sotto__after(now, HOLD);
    give_remotes(ice);
    ice->has_news = true;
    return 0;
}

static int ice_add_remote(struct ice *ice, const struct candidate *c, sotto_us now)
{
    if (c->is_tcp || c->addr.family == 0 || c->component != NICE_COMPONENT) return 0;
    int r = sotto__ice_tally_add(&ice->tally, c);
    if (r <= 0) return r;
    ice->loop->now = now;
    ice->held = g_slist_append(ice->held, sotto__nice_from_candidate(ice, c));
    if (ice->patience != 0 && ice->patience < sotto__after(now, LATE_PATIENCE))
        ice->patience = sotto__after(now, LATE_PATIENCE);
    give_remotes(ice);
    ice->has_news = true;
    return 0;
}

static void ice_remote_done(struct ice *ice, sotto_us now)
{
    ice->loop->now = now;
    ice->remote_done = ice->has_news = true;
}

static size_t send_chunk(struct ice *ice, const struct packet *pkts, size_t n)
{
    GOutputVector vectors[SEND_CHUNK];
    NiceOutputMessage messages[SEND_CHUNK];
    size_t sent = 0;
    for (size_t i = 0; i < n; i++) {
        vectors[i] = (GOutputVector){pkts[i].p, pkts[i].n};
        messages[i] = (NiceOutputMessage){&vectors[i], 1};
    }
    for (size_t at = 0; at < n;) {
        GError *error = NULL;
        gint r = nice_agent_send_messages_nonblocking(ice->agent, ice->stream, NICE_COMPONENT,
                                                      messages + at, (guint)(n - at), NULL, &error);
        bool is_full = error && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
        g_clear_error(&error);
        if (is_full) break;
        sent += r > 0 ? (size_t)r : 0;
        at += r > 0 ? (size_t)r : 1; /* one that the system refuses does not stop the others */
    }
    return sent;
}

static int ice_send(struct ice *ice, const struct packet *pkts, size_t n, sotto_us now)
{
    size_t sent = 0;
    if (!ice->pair_local || ice->is_dead || ice->close_called) return SOTTO_E_STATE;
    if (sotto__nice_consent_ended(ice, now)) return SOTTO_E_STATE; /* the next turn finds it dead */
    int fd = ice->no_fast_path ? -1 : sotto__nice_path_fd(ice);
    if (fd >= 0) return (int)sotto__nice_send_past(ice, fd, pkts, n);
    ice->loop->now = now;
    if (ice->n_turn_tcp > 0) ice->loop->stale = true; /* a queue may form, and a source for it */
    if (n == 1) {
        gint r = nice_agent_send(ice->agent, ice->stream, NICE_COMPONENT, (guint)pkts->n,
                                 (const gchar *)pkts->p);
        return r >= 0 ? 1 : 0;
    }
    for (size_t at = 0; at < n; at += SEND_CHUNK)
        sent += send_chunk(ice, pkts + at, n - at < SEND_CHUNK ? n - at : SEND_CHUNK);
    return (int)sent;
}

static bool yield(struct ice *ice, sotto_us now, struct ice_out *out)
{
    *out = (struct ice_out){0};
    if (ice->locals && !ice->out) ice->out = sotto__malloc(sizeof *ice->out); /* one that came late */
    if (ice->locals && ice->out) { /* without memory it waits */
        sotto__nice_to_candidate(ice->locals->data, ice->out); /* cannot fail: on_candidate has tried it */
        nice_candidate_free(ice->locals->data);
        ice->locals = g_slist_delete_link(ice->locals, ice->locals);
        out->type = ICE_OUT_CANDIDATE;
        out->candidate = ice->out;
        out->server = sotto__nice_server_of(ice, ice->out);
        if (out->server < 2 * ice->n_servers) out->server %= ice->n_servers;
        return true;
    }
    if (ice->gathered && sotto__nice_server_error(ice, out)) return true;
    if (ice->gathered && !ice->gathered_yielded) {
        ice->gathered_yielded = true;
        sotto__free(ice->out);
        ice->out = NULL;
        out->type = ICE_OUT_GATHERED;
        return true;
    }
    if (ice->pair_changed) {
        ice->pair_changed = false;
        sotto__nice_make_selected(ice);
        SOTTO_LOG(ice->log, SOTTO_LOG_INFO, "ice", "pair %s", ice->selected);
        out->type = ICE_OUT_SELECTED;
        return true;
    }
    int32_t state = sotto__nice_state(ice, now);
    if (state != ice->state) {
        SOTTO_LOG(ice->log, SOTTO_LOG_DEBUG, "ice", "state %d → %d", (int)ice->state, (int)state);
        ice->state = out->state = state;
        out->type = ICE_OUT_STATE;
        return true;
    }
    out->type = ICE_OUT_PACKET;
    return sotto__ice_box_take(ice->box, ice, &out->packet);
}

/* Everything was looked at in this very turn, and what was read then has been taken. */
static bool is_done(const struct ice *ice, sotto_us now)
{
    const struct nice_loop *l = ice->loop;
    return ice->twin && !l->turn_ready && now < sotto__nice_turn_due(ice) && ice->done_at == now &&
           !sotto__nice_twin_waits(ice) && !ice->has_news && !l->ready && !l->stale &&
           now < l->due && now < sotto__nice_twin_due(ice) && !ice->close_called;
}

static int ice_next(struct ice *ice, sotto_us now, struct ice_out *out)
{
    struct nice_loop *l = ice->loop;
    l->now = now;
    if (ice->is_closed) return 0; /* libnice's timers would go on */
    if (ice->is_dead) be_deaf(ice); /* libnice ends the process if a pair succeeds after it gave up */
    if (ice->twin && sotto__nice_twin_take(ice, out)) return 1;
    if (is_done(ice, now)) return 0;
    sotto__nice_turn_turn(ice, now);
    if (!ice->close_called) {
        if (l->ready) sotto__nice_consent_listen(ice, now);
        if (l->ready || ice->twin) sotto__nice_listen(ice, now);
        if (yield(ice, now, out)) return 1;
        if (l->ready && !ice->pair_local) sotto__nice_tally(ice);
        if (l->ready) sotto__nice_servers_listen(ice);
    }
    sotto__nice_loop_query(l);
    if (l->ready || now >= l->due) sotto__nice_loop_turn(l);
    after_turn(ice, now);
    sotto__nice_loop_query(l);
    if (now >= l->due) sotto__nice_loop_turn(l); /* that made something due */
    if (ice->close_called) {
        if (ice->goodbye_done || now >= ice->close_by) ice->is_closed = true;
        return 0;
    }
    if (yield(ice, now, out)) return 1;
    ice->has_news = false;
    ice->done_at = now;
    return ice->twin && sotto__nice_twin_read(ice, now, out);
}

static sotto_us ice_due(const struct ice *ice)
{
    if (ice->is_closed) return SOTTO_NEVER;
    sotto__nice_loop_query(ice->loop);
    sotto_us due = sotto__earlier(ice->loop->due, sotto__nice_turn_due(ice));
    if (ice->close_called) return sotto__earlier(due, ice->close_by);
    if (ice->has_news) return ice->loop->now;
    due = sotto__earlier(due, sotto__nice_twin_due(ice));
    if (ice->gather_called && !ice->gathered)
        due = sotto__earlier(sotto__earlier(due, sotto__nice_stun_due(ice)),
                             sotto__after(ice->gather_at, SOTTO_MAX_GATHER_US));
    due = sotto__earlier(due, sotto__nice_consent_due(ice));
    return sotto__earlier(due, sotto__nice_state_due(ice));
}

static int ice_fds(const struct ice *ice, struct sotto_fd *out, int max)
{
    sotto__nice_loop_query(ice->loop);
    int n = sotto__nice_loop_fds(ice->loop, out, max);
    n = sotto__nice_twin_fds(ice, out, n, max);
    return sotto__nice_turn_fds(ice, out, n, max);
}

static void ice_ready(struct ice *ice, int slot, short revents)
{
    if (sotto__nice_twin_ready(ice, slot) || sotto__nice_turn_ready(ice, slot)) return;
    sotto__nice_loop_ready(ice->loop, slot, revents);
}

static sotto_us ice_heard(const struct ice *ice)
{
    return ice->heard;
}

static void ice_hurry(struct ice *ice, sotto_us now)
{
    if (ice->hold_until == 0) return;
    ice->loop->now = ice->hold_until = now;
    ice->has_news = true; /* the next turn gives them */
}

static const char *ice_selected(const struct ice *ice)
{
    return ice->selected;
}

static bool ice_pair(const struct ice *ice, struct ice_pair *ret)
{
    const struct nice_consent *c = &ice->consent;
    struct ice_pair pair = {
        .rtt = c->rtt, .rtt_total = c->rtt_total, .asked = c->n_asked, .answered = c->n_answered};
    if (!ice->pair_local || !sotto__nice_to_candidate(ice->pair_local, &pair.local) ||
        !sotto__nice_to_candidate(ice->pair_remote, &pair.remote))
        return false;
    sotto__nice_to_address(&ice->pair_local->base_addr, &pair.base);
    *ret = pair;
    return true;
}

static void on_goodbye(GObject *agent, GAsyncResult *result, gpointer user)
{
    struct ice *ice = g_object_get_data(agent, "sotto-ice"); /* NULL: freed meanwhile */
    (void)result, (void)user;
    if (ice) ice->goodbye_done = true;
}

static void ice_close(struct ice *ice, sotto_us now)
{
    if (ice->close_called) return;
    ice->close_called = true;
    ice->close_by = sotto__after(now, CLOSE_WAIT);
    ice->loop->now = now;
    ice->loop->stale = true;
    sotto__nice_twin_close(ice);
    sotto__nice_path_forget(ice);
    drop_packets(ice);
    if (ice->n_turn == 0) { /* nobody to say goodbye to */
        be_deaf(ice);
        ice->goodbye_done = ice->is_closed = true;
        return;
    }
    g_object_set(ice->agent, "stun-initial-timeout", GOODBYE_MS, "stun-max-retransmissions", 2u,
                 NULL);
    g_object_set_data(G_OBJECT(ice->agent), "sotto-ice", ice);
    g_main_context_push_thread_default(ice->loop->ctx); /* where the answer is dispatched */
    nice_agent_close_async(ice->agent, on_goodbye, NULL);
    g_main_context_pop_thread_default(ice->loop->ctx);
}

static bool ice_closed(const struct ice *ice)
{
    return ice->is_closed;
}

/* For a free that cannot come back later: until the goodbyes are answered. */
static void drain(struct ice *ice)
{
    sotto_us now = g_get_monotonic_time(), end = now + SOTTO_MS(GOODBYE_DRAIN_MS);
    for (; !ice->goodbye_done && now < end; now = g_get_monotonic_time()) {
        struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
        GPollFD polls[SOTTO_MAX_ICE_FDS];
        struct ice_out out;
        (void)ice_next(ice, now, &out); /* nothing comes of one that is closing */
        if (ice->goodbye_done) break;
        int n = ice_fds(ice, fds, SOTTO_MAX_ICE_FDS);
        for (int i = 0; i < n; i++) polls[i] = (GPollFD){fds[i].fd, (gushort)fds[i].events, 0};
        sotto_us due = sotto__earlier(ice_due(ice), end);
        if (g_poll(polls, (guint)n, due > now ? (gint)((due - now + 999) / 1000) : 0) < 0) continue;
        for (int i = 0; i < n; i++)
            if (polls[i].revents) ice_ready(ice, i, (short)polls[i].revents);
    }
}

static void free_agent(struct ice *ice)
{
    if (!ice->agent) return;
    g_signal_handlers_disconnect_by_data(ice->agent, ice);
    if (ice->n_turn > 0 && ice->gather_called && !ice->goodbye_done) {
        ice_close(ice, ice->loop->now);
        drain(ice);
    }
    g_object_set_data(G_OBJECT(ice->agent), "sotto-ice", NULL);
    sotto__nice_path_forget(ice);
    be_deaf(ice);
    g_clear_object(&ice->agent);
}

static void ice_free(struct ice *ice)
{
    if (!ice) return;
    free_agent(ice);
    drop_packets(ice);
    if (ice->loop) sotto__nice_loop_free(ice->loop);
    g_slist_free_full(ice->locals, (GDestroyNotify)nice_candidate_free);
    g_slist_free_full(ice->held, (GDestroyNotify)nice_candidate_free);
    g_clear_pointer(&ice->pair_local, nice_candidate_free);
    g_clear_pointer(&ice->pair_remote, nice_candidate_free);
    sotto__nice_consent_free(ice);
    sotto__free(ice->interface);
    sotto__free(ice->ca_file);
    sotto__free(ice->loop);
    sotto__nice_turn_free(ice);
    sotto__nice_stun_free(ice);
    sotto__free(ice->servers);
    sotto__ice_tally_free(&ice->tally);
    sotto__free(ice->out);
    sotto__free(ice->ufrag);
    sotto__free(ice->remote_ufrag);
    if (ice->pwd) sotto__free_secret(ice->pwd, strlen(ice->pwd));
    sotto__free_secret(ice, sizeof *ice);
}

static const struct ice_tally *ice_tally(const struct ice *ice)
{
    return &ice->tally;
}

static size_t ice_bytes(const struct ice *ice)
{
    const void *const all[] = {ice,          ice->loop,        ice->interface,
                               ice->ca_file, ice->twin,        ice->consent.remote_pwd,
                               ice->servers, ice->tally.items, ice->out,
                               ice->ufrag,   ice->pwd,         ice->remote_ufrag};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) n += sotto__mem_size(all[i]);
    n += sotto__mem_size(ice->queries);
    for (size_t i = 0; i < 2 * ice->n_servers; i++) n += sotto__turn_tls_bytes(ice->servers[i].tls);
    return n;
}

const struct ice_ops sotto__ice_nice = {
    .init = ice_init,
    .servers = sotto__nice_servers_add,
    .gather = ice_gather,
    .set_remote = ice_set_remote,
    .add_remote = ice_add_remote,
    .remote_done = ice_remote_done,
    .send = ice_send,
    .whole = sotto__nice_whole,
    .next = ice_next,
    .due = ice_due,
    .fds = ice_fds,
    .ready = ice_ready,
    .heard = ice_heard,
    .hurry = ice_hurry,
    .selected = ice_selected,
    .pair = ice_pair,
    .woke = sotto__nice_woke,
    .close = ice_close,
    .closed = ice_closed,
    .free = ice_free,
    .bytes = ice_bytes,
    .tally = ice_tally,
    .refused = sotto__nice_refused,
};

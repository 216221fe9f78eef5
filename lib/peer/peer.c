/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One peer connection: its life, the states of W3C WebRTC 1.0 §4.3 aggregated from the transport's, and the routing of what the
 * transport says. Read this first. In: calls from api/, turns of the loop; out: events (events.c), messages (receive.c), packets
 * (by the transport, into the egress). Single-threaded; time is an argument.
 */
#include "peer/peer.h"

#include <stdio.h>
#include <string.h>

#include "peer/policy.h"
#include "peer/private.h"
#include "util/cold.h"
#include "util/mem.h"
#include "util/rand.h"

/* Slots of local candidates: two generations during an ICE restart. */
#define MAX_CANDIDATES (2 * SOTTO_MAX_LOCAL_CANDIDATES)

static int random_names(struct peer *p)
{
    int r = sotto__rand_u64(&p->session_id);
    p->session_id &= INT64_MAX; /* RFC 9429 §5.2.1: fits a signed 64-bit integer */
    if (r == 0) r = sotto__rand_ice(p->cname, sizeof p->cname - 1);
    return r < 0 ? r : sotto__rand_ice(p->tls_id, sizeof p->tls_id - 1);
}

COLD int sotto__peer_new(struct peer **ret, const struct peer_cfg *cfg)
{
    struct peer *p = sotto__calloc(1, sizeof *p);
    if (!p) return SOTTO_E_NOMEM;
    sotto__list_init(&p->channels);
    sotto__list_init(&p->round);
    sotto__list_init(&p->transceivers);
    sotto__list_init(&p->gone);
    p->data_index = p->tagged_index = -1;
    p->max_buffered = cfg->max_buffered;
    p->max_message_size = cfg->transport.max_message_size;
    p->max_channels = cfg->max_channels;
    p->roam.is_off = cfg->no_auto_restart;
    p->verify.required = cfg->required_verification;
    p->streams = cfg->max_channels;
    p->reading = true;
    p->born = cfg->now;
    p->ntp_offset = cfg->ntp_offset;
    int r = sotto__events_init(p);
    if (r == 0) r = random_names(p);
    if (r == 0) r = sotto__transport_init(&p->transport, &cfg->transport);
    if (r < 0) {
        sotto__peer_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

COLD void sotto__peer_free(struct peer *p)
{
    struct channel *c;
    if (!p) return;
    while ((c = sotto__peer_next_channel(p, NULL))) sotto__channel_free(p, c);
    sotto__transport_free(&p->transport);
    sotto__peer_forget_candidates(p, NULL);
    sotto__events_free(p);
    sotto__transceivers_free(p);
    sotto__media_free(p);
    sotto__story_free(p);
    sotto__description_free(&p->current_local);
    sotto__description_free(&p->pending_local);
    sotto__description_free(&p->current_remote);
    sotto__description_free(&p->pending_remote);
    sotto__map_free(&p->by_id);
    sotto__policy_free(p);
    sotto__free(p->last_offer);
    sotto__free(p->last_answer);
    sotto__free(p->candidates);
    sotto__free(p->remote_tls_id);
    sotto__free(p);
}

COLD void sotto__peer_close(struct peer *p, sotto_us now)
{
    if (p->closed) return;
    sotto__media_close(p, now);
    p->closed = true;
    sotto__transport_close(&p->transport, now);
    p->sctp_up = false;
    sotto__receive_drop_held(p);
    sotto__events_drop_candidates(p, NULL);
    sotto__events_not_needed(p);
    sotto__channel_all_down(p, now, 0, "the connection was closed here");
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        if (!t->stopped) sotto__transceiver_stopped(p, t);
    p->signaling = SOTTO_SIGNALING_CLOSED;
    p->connection = SOTTO_CONNECTION_CLOSED;
    p->ice = SOTTO_ICE_CLOSED;
    sotto__story_update(p, now);
    sotto__events_state(p, now);
}

struct ice *sotto__peer_detach_ice(struct peer *p, sotto_us now)
{
    return sotto__transport_detach(&p->transport, now);
}

COLD void sotto__peer_forget_candidates(struct peer *p, const char *ufrag)
{
    sotto__events_drop_candidates(p, ufrag);
    for (size_t i = 0; i < p->n_candidates; i++) {
        if (ufrag && strcmp(p->candidates[i].ufrag, ufrag) != 0) continue;
        p->candidates[i].ufrag[0] = '\0';
        sotto__free(p->candidates[i].name);
        p->candidates[i].name = NULL;
    }
    while (p->n_candidates > 0 && !p->candidates[p->n_candidates - 1].ufrag[0]) p->n_candidates--;
}

COLD void sotto__peer_prune_candidates(struct peer *p)
{
    const struct transport *t = &p->transport;
    for (size_t i = 0; i < p->n_candidates; i++) {
        char ufrag[sizeof t->live.ufrag];
        memcpy(ufrag, p->candidates[i].ufrag, sizeof ufrag);
        if (ufrag[0] && strcmp(ufrag, t->live.ufrag) != 0 && strcmp(ufrag, t->next.ufrag) != 0)
            sotto__peer_forget_candidates(p, ufrag);
    }
}

COLD void sotto__peer_reset_transport(struct peer *p, sotto_us now)
{
    sotto__transport_reset(&p->transport, now);
    sotto__peer_forget_candidates(p, NULL);
    p->gathering = SOTTO_GATHERING_NEW;
    p->ice = SOTTO_ICE_NEW;
    p->dtls = TRANSPORT_DTLS_NEW;
    sotto__verify_dtls(p, now);
    p->transport_unused = p->sctp_up = p->ice_role_known = p->role_known = p->dtls_client =
        p->restart_wanted = false;
    if (!p->held.channel) { /* an association that failed before stands in nobody's way */
        p->sctp_down = false;
        p->streams = p->max_channels;
    }
    p->tagged_mid[0] = '\0';
    sotto__free(p->remote_tls_id);
    p->remote_tls_id = NULL;
    p->tagged_index = -1;
    p->n_remote_candidates = p->story.silent = 0;
}

static int32_t aggregate(const struct peer *p)
{
    /* W3C WebRTC 1.0, RTCPeerConnectionState, in its order; there is one transport */
    bool dtls_idle = p->dtls == TRANSPORT_DTLS_NEW || p->dtls == TRANSPORT_DTLS_CLOSED;
    if (p->closed || p->ended) return SOTTO_CONNECTION_CLOSED;
    if (p->ice == SOTTO_ICE_FAILED || p->dtls == TRANSPORT_DTLS_FAILED)
        return SOTTO_CONNECTION_FAILED;
    if (p->ice == SOTTO_ICE_DISCONNECTED) return SOTTO_CONNECTION_DISCONNECTED;
    if (p->ice == SOTTO_ICE_NEW && dtls_idle) return SOTTO_CONNECTION_NEW;
    if ((p->ice == SOTTO_ICE_CONNECTED || p->ice == SOTTO_ICE_COMPLETED) &&
        (p->dtls == TRANSPORT_DTLS_CONNECTED || p->dtls == TRANSPORT_DTLS_CLOSED))
        return SOTTO_CONNECTION_CONNECTED;
    return SOTTO_CONNECTION_CONNECTING;
}

void sotto__peer_update(struct peer *p, sotto_us now)
{
    if (p->closed) return;
    sotto__story_update(p, now);
    bool end = p->ice == SOTTO_ICE_FAILED || p->dtls == TRANSPORT_DTLS_CLOSED;
    if (end && p->held.channel) return; /* the end is told after the messages that had arrived */
    p->ended = p->dtls == TRANSPORT_DTLS_CLOSED;
    p->connection = aggregate(p);
    sotto__events_state(p, now);
    sotto__events_verified(p, now);
}

COLD void sotto__peer_candidate(const struct local_candidate *from, struct candidate *ret)
{
    *ret = (struct candidate){.component = 1,
                              .priority = from->priority,
                              .type = from->type,
                              .addr = from->addr,
                              .related = from->related};
    if (from->name) {
        ret->addr.family = 0;
        snprintf(ret->name, sizeof ret->name, "%s", from->name);
    }
    memcpy(ret->foundation, from->foundation, sizeof from->foundation);
    memcpy(ret->ufrag, from->ufrag, sizeof from->ufrag);
}

static bool reserve_candidate(struct peer *p, size_t i)
{
    if (i < p->cap_candidates) return true;
    struct local_candidate *more = sotto__realloc(p->candidates, (i + 2) * sizeof *more);
    if (!more) return false;
    p->candidates = more;
    p->cap_candidates = i + 2;
    return true;
}

/* From 1; 0: not known, or none. */
COLD static uint8_t place_of(const struct peer *p, const struct transport_out *t)
{
    const struct transport_generation *all[] = {&p->transport.live, &p->transport.next};
    for (size_t k = 0; t->server && k < 2; k++)
        for (size_t i = 0; i < all[k]->n_servers; i++)
            if (t->server == &all[k]->servers[i]) return (uint8_t)(i + 1);
    return 0;
}

COLD static void add_local_candidate(struct peer *p, sotto_us now, const struct transport_out *t)
{
    const struct candidate *c = t->candidate;
    const char *ufrag = t->ufrag;
    size_t i = 0;
    char name[MDNS_LOCAL], *kept = NULL;
    while (i < p->n_candidates && p->candidates[i].ufrag[0]) i++;
    if (i == MAX_CANDIDATES || !reserve_candidate(p, i)) return; /* one fewer to try */
    p->story.families[0] |= FAMILY_BIT(c->addr.family);
    if (!sotto__transport_tells(&p->transport, now, c, name)) return;
    if (name[0] && !(kept = sotto__strdup(name))) return;
    struct local_candidate *slot = &p->candidates[i];
    *slot = (struct local_candidate){
        .priority = c->priority, .type = c->type, .addr = c->addr, .name = kept};
    slot->server = place_of(p, t);
    if (p->transport.privacy < SOTTO_PRIVACY_DEFAULT_ROUTE) slot->related = c->related;
    memcpy(slot->foundation, c->foundation, sizeof slot->foundation);
    snprintf(slot->ufrag, sizeof slot->ufrag, "%s", ufrag);
    if (i == p->n_candidates) p->n_candidates++;
    sotto__events_candidate(p, now, (uint16_t)i, ufrag);
}

COLD static void gathered(struct peer *p, sotto_us now, const char *ufrag)
{
    memcpy(p->gathered[1], p->gathered[0], sizeof p->gathered[0]);
    snprintf(p->gathered[0], sizeof p->gathered[0], "%s", ufrag);
    sotto__events_candidate(p, now, END_OF_CANDIDATES, ufrag);
    p->gathering = SOTTO_GATHERING_COMPLETE;
}

COLD static void server_failed(struct peer *p, sotto_us now, const struct transport_out *t)
{
    sotto__story_trouble(p, now, t);
    struct note *note = sotto__events_reserve(p, 1) == 0 ? sotto__calloc(1, sizeof *note) : NULL;
    if (!note) return; /* of no consequence for the connection */
    note->url = sotto__strdup(t->server->url ? t->server->url : "");
    note->text = sotto__strdup(t->text);
    note->code = t->code;
    note->local = t->local;
    if (note->url && note->text)
        sotto__events_note(p, now, SOTTO_EV_CANDIDATE_ERROR, note);
    else
        sotto__note_free(p, note);
}

/* ---- data, as negotiated ---- */

COLD static void association_down(struct peer *p, int error, const char *reason)
{
    if (p->sctp_down) return;
    p->sctp_down = true;
    p->verify.data_waits = false;
    p->down_error = error;
    p->down_reason = reason;
}

COLD void sotto__peer_begin_data(struct peer *p, sotto_us now, uint16_t remote_port)
{
    if (p->sctp_ends) return; /* begins when the old one was read to its end: receive.c */
    int r = sotto__transport_begin_data(&p->transport, DATA_PORT, remote_port, now);
    if (r == 0) return;
    association_down(p, r, "there is no memory for the association");
    sotto__receive(p, now);
}

void sotto__peer_end_data(struct peer *p, sotto_us now)
{
    p->sctp_ends = true; /* RFC 8841 §10.4: port 0 ends it; receive.c tells the channels, after their messages */
    association_down(p, 0, "data channels were ended by negotiation");
    sotto__receive(p, now);
}

COLD static void dtls_changed(struct peer *p, sotto_us now, const struct transport_out *t)
{
    p->dtls = t->dtls_state;
    sotto__verify_dtls(p, now);
    if (t->dtls_state == TRANSPORT_DTLS_CLOSED)
        association_down(p, 0, "the remote closed the connection");
    if (t->dtls_state == TRANSPORT_DTLS_FAILED) {
        SOTTO_LOG(p->transport.shared->log, SOTTO_LOG_ERROR, "dtls", "%s", t->reason);
        sotto__story_trouble(p, now, t);
        association_down(p, t->error, "the connection could not be secured");
    }
}

COLD void sotto__peer_data_up(struct peer *p, sotto_us now, uint16_t streams)
{
    if (p->sctp_down) { /* of the association before, with a DTLS association that ended */
        sotto__receive_drop_held(p);
        sotto__receive(p, now);
        p->sctp_down = false;
        p->streams = p->max_channels;
    }
    p->verify.data_waits = !sotto__verify_is_open(p);
    p->verify.streams = streams;
    if (p->verify.data_waits) return;
    p->sctp_up = true;
    if (streams < p->streams) p->streams = streams;
    sotto__channel_all_up(p, now);
}

static bool is_up(int32_t ice)
{
    return ice == SOTTO_ICE_CONNECTED || ice == SOTTO_ICE_COMPLETED;
}

static void ice_changed(struct peer *p, sotto_us now, int32_t state)
{
    bool is_back = is_up(state) && !is_up(p->ice);
    p->ice = state;
    if (is_back) sotto__media_path(p, now);
}

static void route(struct peer *p, sotto_us now, const struct transport_out *t)
{
    switch (t->type) {
    case TRANSPORT_OUT_CANDIDATE: add_local_candidate(p, now, t); break;
    case TRANSPORT_OUT_GATHERED: gathered(p, now, t->ufrag); break;
    case TRANSPORT_OUT_SERVER: server_failed(p, now, t); break;
    case TRANSPORT_OUT_ICE: ice_changed(p, now, t->ice_state); break;
    case TRANSPORT_OUT_DTLS: dtls_changed(p, now, t); break;
    case TRANSPORT_OUT_SCTP_UP: sotto__peer_data_up(p, now, t->streams_out); break;
    case TRANSPORT_OUT_RTP:
    case TRANSPORT_OUT_RTCP: sotto__media_packet(p, now, t); return;
    case TRANSPORT_OUT_SCTP_DOWN:
        association_down(p, t->error,
                         t->error ? "the association failed" : "the remote closed the association");
        break;
    }
    sotto__receive(p, now);
    sotto__peer_update(p, now);
}

void sotto__peer_drain(struct peer *p, sotto_us now)
{
    struct transport_out t;
    while (sotto__transport_drain(&p->transport, now, &t) == 1) route(p, now, &t);
}

int sotto__peer_next(struct peer *p, sotto_us now)
{
    struct transport_out t;
    if (p->closed) return 0;
    sotto__transport_turn(&p->transport);
    while (sotto__transport_next(&p->transport, now, &t) == 1) route(p, now, &t);
    sotto__receive(p, now);
    sotto__media_run(p, now);
    sotto__roam_run(p, now);
    sotto__sendq_pump(p, now);
    sotto__peer_drain(p, now);
    sotto__peer_update(p, now);
    return p->transport.more;
}

sotto_us sotto__peer_due(const struct peer *p)
{
    if (p->closed) return SOTTO_NEVER;
    sotto_us due = sotto__earlier(sotto__transport_due(&p->transport), sotto__roam_due(p));
    return p->session ? sotto__earlier(due, sotto__session_due(p->session)) : due;
}

int sotto__peer_fds(struct peer *p, struct sotto_fd *out, int max)
{
    /* closed: an ICE that still says goodbye is driven by the loop */
    return p->closed ? 0 : sotto__transport_fds(&p->transport, out, max);
}

void sotto__peer_ready(struct peer *p, int slot, short revents)
{
    sotto__transport_ready(&p->transport, slot, revents);
}

void sotto__peer_get_state(const struct peer *p, sotto_pc_state *ret)
{
    ret->connection = p->connection;
    ret->ice = p->ice;
    ret->gathering = p->gathering;
    ret->signaling = p->signaling;
}

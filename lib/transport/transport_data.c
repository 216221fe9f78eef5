/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DTLS and SCTP of one transport (RFC 8831 §5, RFC 8261). In: datagrams that ICE validated, sorted by their first byte (RFC 7983),
 * of which transport_media.c gets RTP and RTCP; packets of the association, which are sealed here and go out over the selected
 * pair. Out: state changes. SCTP begins only after the remote's certificate was verified. One association of DTLS ends and another
 * begins where signalling says so (RFC 8842 §5): from then on nothing of the old one is sent or accepted. Does not know channels.
 * answers: H055 H071
 */
#include <string.h>

#include "sotto/pc.h"
#include "transport/pmtu.h"
#include "transport/transport_priv.h"
#include "util/cold.h"
#include "util/mem.h"
#include "wire/demux.h"

void sotto__transport_drop_early(struct transport *t)
{
    for (size_t i = 0; i < t->n_early; i++) sotto__free(t->early[i].p);
    t->n_early = t->early_bytes = 0;
}

/* DTLS that came before the answer: only the newest few are worth anything, for the peer repeats its flight. */
static void keep_early(struct transport *t, const struct packet *pkt)
{
    while (t->n_early == SOTTO_MAX_EARLY_RECORDS ||
           (t->n_early > 0 && t->early_bytes + pkt->n > SOTTO_MAX_EARLY_BYTES)) {
        t->early_bytes -= t->early[0].n;
        sotto__free(t->early[0].p);
        memmove(t->early, t->early + 1, --t->n_early * sizeof *t->early);
    }
    if (pkt->n > SOTTO_MAX_EARLY_BYTES) return;
    uint8_t *copy = sotto__memdup(pkt->p, pkt->n);
    if (!copy) return; /* as if the network had lost it */
    t->early[t->n_early++] = (struct transport_early){copy, pkt->n};
    t->early_bytes += pkt->n;
}

static void take_dtls(struct transport *t, sotto_us now, const struct packet *pkt)
{
    struct dtls_datagram in = {(uint8_t *)(uintptr_t)pkt->p, pkt->n}; /* ice.h: whoever takes it may write over it */
    struct dtls_out d;
    while (sotto__dtls_open(t->dtls, now, &in, &d))
        if (t->sctp && t->dtls_state == TRANSPORT_DTLS_CONNECTED)
            sotto__sctp_input(t->sctp, now, d.p, d.n);
}

bool sotto__transport_take(struct transport *t, sotto_us now, const struct transport_generation *g,
                           const struct packet *pkt, struct transport_out *out)
{
    enum packet_kind kind = sotto__demux(pkt->p, pkt->n);
    t->stats.packets_received++;
    t->stats.bytes_received += pkt->n;
    if (t->dtls_moves && g != &t->next) return false; /* of the association that ended */
    if (kind == PACKET_RTP || kind == PACKET_RTCP)
        return sotto__transport_take_media(t, now, pkt, out);
    if (kind != PACKET_DTLS) { /* STUN was libnice's; the rest is nobody's */
        if (kind != PACKET_STUN) t->attacks.n[ATTACK_DATAGRAM_UNKNOWN]++;
        return false;
    }
    if (t->dtls)
        take_dtls(t, now, pkt);
    else if (t->dtls_state == TRANSPORT_DTLS_NEW)
        keep_early(t, pkt);
    return false;
}

static int say_dtls(struct transport *t, struct transport_out *out, enum transport_dtls_state state,
                    int error, const char *reason)
{
    t->dtls_state = state;
    if (state == TRANSPORT_DTLS_CLOSED || state == TRANSPORT_DTLS_FAILED)
        sotto__transport_end_media(t);
    *out = (struct transport_out){
        .type = TRANSPORT_OUT_DTLS, .dtls_state = state, .error = error, .reason = reason};
    return 1;
}

static int say_down(struct transport *t, struct transport_out *out, int error)
{
    t->sctp_up = false;
    *out = (struct transport_out){.type = TRANSPORT_OUT_SCTP_DOWN, .error = error};
    return 1;
}

static bool can_start_dtls(const struct transport *t)
{
    return t->live.selected && t->has_remote && !t->dtls_moves &&
           t->dtls_state == TRANSPORT_DTLS_NEW;
}

static int start_dtls(struct transport *t, sotto_us now, struct transport_out *out)
{
    struct dtls_cfg cfg = {.ctx = t->shared->dtls_ctx,
                           .cert = t->cert,
                           .client = t->remote->dtls_client,
                           .log = t->shared->log};
    int r = sotto__dtls_new(&t->dtls, &cfg, now);
    if (r == 0) {
        (void)sotto__dtls_set_pins(t->dtls, t->pins, t->n_pins); /* it has no peer yet to be refused */
        r = sotto__dtls_set_fingerprints(t->dtls, t->remote->fingerprints,
                                         t->remote->n_fingerprints);
    }
    for (size_t i = 0; r == 0 && i < t->n_early; i++)
        r = sotto__dtls_input(t->dtls, now, t->early[i].p, t->early[i].n);
    sotto__transport_drop_early(t);
    if (r < 0) return say_dtls(t, out, TRANSPORT_DTLS_FAILED, r, "DTLS cannot start");
    return say_dtls(t, out, TRANSPORT_DTLS_CONNECTING, 0, "");
}

COLD void sotto__transport_new_dtls(struct transport *t, bool on_next, sotto_us now)
{
    sotto__transport_drop_carrier(t, false, now);
    sotto__transport_stop_draining(t, now);
    sotto__transport_free_dtls(t);
    sotto__transport_drop_early(t);
    sotto__transport_end_media(t);
    t->dtls_ended = t->dtls_ended || t->dtls_state != TRANSPORT_DTLS_NEW;
    t->dtls_state = TRANSPORT_DTLS_NEW;
    t->dtls_moves = on_next;
    if (t->sctp) t->sctp_over = true;
}

COLD static int start_sctp(struct transport *t, sotto_us now)
{
    struct sctp_cfg cfg = {.local_port = t->sctp_port_local,
                           .remote_port = t->sctp_port_remote,
                           .streams_out = t->streams_out,
                           .streams_in = t->streams_in,
                           .max_message_size = t->max_message_size,
                           .home = t->shared->sctp_home,
                           .owner = t->owner,
                           .log = t->shared->log};
    sotto__transport_free_sctp(t); /* of an association of DTLS that ended */
    t->path.sctp = NULL;
    t->sctp_over = false;
    return t->has_data ? sotto__sctp_new(&t->sctp, &cfg, now) : 0;
}

void sotto__transport_commit(struct transport *t, size_t n)
{
    sotto__egress_commit(t->shared->egress, n);
    t->stats.packets_sent++;
    t->stats.bytes_sent += n;
}

uint8_t *sotto__transport_reserve(struct transport *t, sotto_us now, size_t n)
{
    const struct transport_generation *g = sotto__transport_path(t);
    if (!g) return NULL;
    return sotto__egress_reserve(t->shared->egress, t->shared->ice_ops, g->ice, n, now);
}

static void send_packet(struct transport *t, sotto_us now, const uint8_t *p, size_t n)
{
    uint8_t *to = sotto__transport_reserve(t, now, n);
    if (!to) return;
    memcpy(to, p, n);
    sotto__transport_commit(t, n);
}

/* What is in the batch was made for the setting before. False: it cannot be had. */
static bool set_whole(struct transport *t, sotto_us now, bool whole)
{
    const struct transport_generation *g = sotto__transport_path(t);
    if (t->path.fragments == !whole) return true;
    if (!g || !t->path.is_searched) return false;
    if (t->shared->egress->ice == g->ice) sotto__egress_flush(t->shared->egress, now);
    if (!t->shared->ice_ops->whole(g->ice, whole)) return false;
    t->path.fragments = !whole;
    return true;
}

/*
 * The largest packet that the peer takes, whatever the path carries. Peers that do not announce it (RFC 8449) get what fits Ethernet:
 * libwebrtc's DTLS reads into 2,048 bytes, and ends the connection at a longer record.
 */
static size_t most_of_peer(const struct transport *t)
{
    size_t limit = sotto__dtls_record_limit(t->dtls);
    if (limit == 0) return PMTU_ETHERNET;
    return limit < PMTU_LIMIT ? limit : PMTU_LIMIT;
}

/*
 * Another pair may carry less, or more. Over a relay it is not known what happens to large packets behind it, and TCP would cut
 * them: neither is searched. What was made for a larger path before, and must be sent again, goes there in fragments: SCTP cannot cut it.
 */
static void look_at_path(struct transport *t)
{
    const struct ice_ops *ops = t->shared->ice_ops;
    const struct transport_generation *g = sotto__transport_path(t);
    if (!g ||
        (t->path.sctp == t->sctp && t->path.ice == g->ice && t->path.pair == t->stats.pair_changes))
        return;
    struct ice_pair pair;
    bool is_direct = ops->whole && ops->pair(g->ice, &pair) && pair.local.type != CANDIDATE_RELAY &&
                     pair.remote.type != CANDIDATE_RELAY;
    t->path.sctp = t->sctp, t->path.ice = g->ice, t->path.pair = t->stats.pair_changes;
    t->path.fragments = false;
    t->path.is_searched = is_direct && ops->whole(g->ice, true);
    if (!t->path.is_searched && ops->whole) (void)ops->whole(g->ice, false);
    sotto__sctp_set_path(t->sctp, t->path.is_searched ? most_of_peer(t) : 0);
}

/* Between the loss of a path and the next one the association waits. */
static void look_at_state(struct transport *t, sotto_us now)
{
    int32_t state = sotto__transport_ice_state(t);
    if (state == SOTTO_ICE_DISCONNECTED || state == SOTTO_ICE_FAILED)
        sotto__sctp_set_reachable(t->sctp, now, false);
    else if (state == SOTTO_ICE_CONNECTED || state == SOTTO_ICE_COMPLETED)
        sotto__sctp_set_reachable(t->sctp, now, true);
}

static void seal_packet(struct transport *t, sotto_us now, const uint8_t *p, size_t n,
                        enum sctp_whole whole)
{
    size_t cap = n + SOTTO_DTLS_OVERHEAD;
    if (t->sctp_over || t->dtls_state != TRANSPORT_DTLS_CONNECTED) return;
    if (whole != SCTP_ANY && !set_whole(t, now, whole == SCTP_WHOLE) && whole == SCTP_WHOLE) return;
    uint8_t *to = sotto__transport_reserve(t, now, cap);
    int len = to ? sotto__dtls_seal(t->dtls, p, n, to, cap) : 0;
    if (len > 0) sotto__transport_commit(t, (size_t)len);
}

/* The handshake is done, but not what it was for: the remote is told. */
COLD static int give_up(struct transport *t, sotto_us now, struct transport_out *out, int error,
                        const char *reason)
{
    struct dtls_out d;
    sotto__dtls_close(t->dtls, now);
    while (sotto__dtls_next(t->dtls, now, &d) == 1)
        if (d.type == DTLS_OUT_PACKET) send_packet(t, now, d.p, d.n);
    return say_dtls(t, out, TRANSPORT_DTLS_FAILED, error, reason);
}

static int connected(struct transport *t, sotto_us now, struct transport_out *out)
{
    int r = sotto__transport_start_media(t);
    if (r == SOTTO_E_PROTO) return give_up(t, now, out, r, "the remote agreed on no SRTP profile");
    if (r < 0) return give_up(t, now, out, r, "SRTP cannot start");
    r = start_sctp(t, now);
    if (r < 0) return give_up(t, now, out, r, "SCTP cannot start");
    return say_dtls(t, out, TRANSPORT_DTLS_CONNECTED, 0, "");
}

/* Takes what DTLS has to say; 1: out is filled. */
static int drain_dtls(struct transport *t, sotto_us now, struct transport_out *out)
{
    struct dtls_out d;
    if (!t->dtls || t->dtls_state == TRANSPORT_DTLS_FAILED) return 0;
    for (;;) {
        int r = sotto__dtls_next(t->dtls, now, &d);
        if (r == 0) return 0;
        if (r < 0) return say_dtls(t, out, TRANSPORT_DTLS_FAILED, r, sotto__dtls_reason(t->dtls));
        switch (d.type) {
        case DTLS_OUT_PACKET: send_packet(t, now, d.p, d.n); break;
        case DTLS_OUT_DATA:
            if (t->sctp) sotto__sctp_input(t->sctp, now, d.p, d.n);
            break;
        case DTLS_OUT_CONNECTED: return connected(t, now, out);
        case DTLS_OUT_CLOSED:
            return say_dtls(t, out, TRANSPORT_DTLS_CLOSED, 0, "closed by the remote");
        }
    }
}

int sotto__transport_drain_sctp(struct transport *t, sotto_us now, struct transport_out *out)
{
    struct sctp_out s;
    if (t->sctp) look_at_path(t);
    if (t->sctp) look_at_state(t, now);
    while (t->sctp && sotto__sctp_next(t->sctp, now, &s) == 1) {
        if (s.type == SCTP_OUT_PACKET) seal_packet(t, now, s.p, s.n, s.whole);
        if (s.type == SCTP_OUT_PACKET || t->sctp_over) continue;
        if (s.type == SCTP_OUT_DOWN) return say_down(t, out, s.error);
        t->sctp_up = true;
        *out = (struct transport_out){.type = TRANSPORT_OUT_SCTP_UP, .streams_out = s.streams_out};
        return 1;
    }
    return 0;
}

bool sotto__transport_data_pending(const struct transport *t)
{
    return t->dtls_ended || (t->sctp_over && t->sctp_up) || can_start_dtls(t) ||
           (t->srtp && t->early_media);
}

int sotto__transport_news(struct transport *t, sotto_us now, struct transport_out *out)
{
    if (t->sctp_over && t->sctp_up) return say_down(t, out, 0);
    bool ended = t->dtls_ended;
    t->dtls_ended = false;
    if (can_start_dtls(t)) return start_dtls(t, now, out);
    if (ended) return say_dtls(t, out, TRANSPORT_DTLS_NEW, 0, "");
    return drain_dtls(t, now, out) || sotto__transport_early_media(t, now, out);
}

int sotto__transport_begin_data(struct transport *t, uint16_t local_port, uint16_t remote_port,
                                sotto_us now)
{
    if (t->has_data) return 0;
    t->has_data = true;
    t->sctp_port_local = local_port;
    t->sctp_port_remote = remote_port;
    int r = t->dtls_state == TRANSPORT_DTLS_CONNECTED ? start_sctp(t, now) : 0;
    if (r < 0) t->has_data = false;
    return r;
}

COLD void sotto__transport_end_data(struct transport *t, sotto_us now)
{
    struct transport_out ignored;
    if (t->sctp) {
        sotto__sctp_close(t->sctp, now);
        while (sotto__transport_drain_sctp(t, now, &ignored)) continue;
    }
    sotto__transport_free_sctp(t);
    t->has_data = t->sctp_up = t->sctp_over = false;
}

COLD void sotto__transport_close(struct transport *t, sotto_us now)
{
    struct transport_out ignored;
    sotto__transport_drop_names(t);
    sotto__transport_end_data(t, now);
    if (t->dtls && t->dtls_state != TRANSPORT_DTLS_FAILED) {
        sotto__dtls_close(t->dtls, now);
        while (drain_dtls(t, now, &ignored)) continue;
    }
    sotto__transport_end_media(t);
    sotto__transport_free_dtls(t);
    t->dtls_state = TRANSPORT_DTLS_CLOSED;
    t->dtls_ended = false;
    const struct transport_generation *g = sotto__transport_path(t);
    if (g && t->shared->egress->ice == g->ice) sotto__egress_flush(t->shared->egress, now);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE, DTLS and SCTP wired together (RFC 8831 §5, RFC 8261). In: datagrams from ICE, sorted by their first byte (RFC 7983);
 * packets of the association, which are sealed here. Out: state changes for peer/. The handshake starts on the first selected
 * pair; SCTP starts only after the remote's certificate was verified. Does not know channels or SDP.
 */
#include "transport/transport.h"

#include <string.h>

#include "sotto/pc.h"
#include "util/mem.h"
#include "util/rand.h"
#include "wire/demux.h"

#define TURN_DATAGRAMS 64 /* then waiters are let in: architecture, one lock */

static int new_credentials(struct transport *t)
{
    char ufrag[sizeof t->ufrag], pwd[sizeof t->pwd];
    int r = sotto__rand_ice(ufrag, sizeof ufrag - 1);
    if (r == 0) r = sotto__rand_ice(pwd, sizeof pwd - 1);
    if (r < 0) return r; /* neither changed: RFC 8839 §5.4 wants both or none */
    memcpy(t->ufrag, ufrag, sizeof ufrag);
    memcpy(t->pwd, pwd, sizeof pwd);
    sotto__wipe(pwd, sizeof pwd);
    return 0;
}

static void free_server(struct ice_server *s)
{
    sotto__free(s->username);
    if (s->credential) sotto__free_secret(s->credential, strlen(s->credential));
}

static int copy_servers(struct transport *t, const struct ice_server *servers, size_t n)
{
    if (n == 0) return 0;
    t->servers = sotto__calloc(n, sizeof *t->servers);
    if (!t->servers) return SOTTO_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        struct ice_server *to = &t->servers[t->n_servers++];
        *to = (struct ice_server){.kind = servers[i].kind, .addr = servers[i].addr};
        if (servers[i].username && !(to->username = sotto__strdup(servers[i].username)))
            return SOTTO_E_NOMEM;
        if (servers[i].credential && !(to->credential = sotto__strdup(servers[i].credential)))
            return SOTTO_E_NOMEM;
    }
    return 0;
}

int sotto__transport_init(struct transport *t, const struct transport_cfg *cfg)
{
    *t = (struct transport){
        .shared = cfg->shared,
        .relay_only = cfg->relay_only,
        .allow_loopback = cfg->allow_loopback,
        .port_min = cfg->port_min,
        .port_max = cfg->port_max,
        .max_message_size = cfg->max_message_size,
        .streams_out = cfg->streams_out,
        .streams_in = cfg->streams_in,
    };
    int r = new_credentials(t);
    if (r == 0) r = copy_servers(t, cfg->servers, cfg->n_servers);
    if (r == 0 && cfg->interface && !(t->interface = sotto__strdup(cfg->interface)))
        r = SOTTO_E_NOMEM;
    if (r < 0) {
        sotto__transport_free(t);
        return r;
    }
    t->cert = sotto__cert_ref(cfg->cert);
    return 0;
}

int sotto__transport_start(struct transport *t, bool controlling, sotto_us now)
{
    const struct ice_ops *ops = t->shared->ice_ops;
    struct ice_cfg cfg = {
        .controlling = controlling,
        .relay_only = t->relay_only,
        .allow_loopback = t->allow_loopback,
        .ufrag = t->ufrag,
        .pwd = t->pwd,
        .port_min = t->port_min,
        .port_max = t->port_max,
        .interface = t->interface,
        .servers = t->servers,
        .n_servers = t->n_servers,
        .box = t->shared->box,
        .log = t->shared->log,
        .world = t->shared->world,
    };
    struct ice *ice;
    int r = ops->init(&ice, &cfg, now);
    if (r < 0) return r;
    r = ops->gather(ice, now);
    if (r < 0) {
        ops->free(ice);
        return r;
    }
    t->ice = ice;
    return 0;
}

int sotto__transport_set_remote(struct transport *t, const struct transport_remote *remote,
                                sotto_us now)
{
    int r = t->shared->ice_ops->set_remote(t->ice, remote->ufrag, remote->pwd, now);
    if (r < 0) return r;
    t->remote = *remote;
    t->has_remote = true;
    return 0;
}

int sotto__transport_add_candidate(struct transport *t, const struct candidate *c, sotto_us now)
{
    return t->shared->ice_ops->add_remote(t->ice, c, now);
}

void sotto__transport_remote_done(struct transport *t, sotto_us now)
{
    t->shared->ice_ops->remote_done(t->ice, now);
}

static void drop_early(struct transport *t)
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

static int say_dtls(struct transport *t, struct transport_out *out, enum transport_dtls_state state,
                    int error, const char *reason)
{
    t->dtls_state = state;
    *out = (struct transport_out){
        .type = TRANSPORT_OUT_DTLS, .dtls_state = state, .error = error, .reason = reason};
    return 1;
}

static bool can_start_dtls(const struct transport *t)
{
    return t->selected && t->has_remote && t->dtls_state == TRANSPORT_DTLS_NEW;
}

static int start_dtls(struct transport *t, sotto_us now, struct transport_out *out)
{
    struct dtls_cfg cfg = {.ctx = t->shared->dtls_ctx,
                           .cert = t->cert,
                           .client = t->remote.dtls_client,
                           .log = t->shared->log};
    int r = sotto__dtls_new(&t->dtls, &cfg, now);
    if (r == 0)
        r = sotto__dtls_set_fingerprints(t->dtls, t->remote.fingerprints, t->remote.n_fingerprints);
    for (size_t i = 0; r == 0 && i < t->n_early; i++)
        r = sotto__dtls_input(t->dtls, now, t->early[i].p, t->early[i].n);
    drop_early(t);
    if (r < 0) return say_dtls(t, out, TRANSPORT_DTLS_FAILED, r, "DTLS cannot start");
    return say_dtls(t, out, TRANSPORT_DTLS_CONNECTING, 0, "");
}

static int start_sctp(struct transport *t, sotto_us now)
{
    struct sctp_cfg cfg = {.local_port = t->remote.sctp_port_local,
                           .remote_port = t->remote.sctp_port_remote,
                           .streams_out = t->streams_out,
                           .streams_in = t->streams_in,
                           .max_message_size = t->max_message_size,
                           .wake_fd = t->shared->wake_fd,
                           .log = t->shared->log};
    return t->remote.has_data ? sotto__sctp_new(&t->sctp, &cfg, now) : 0;
}

static void send_packet(struct transport *t, sotto_us now, const uint8_t *p, size_t n)
{
    if (!t->ice) return;
    uint8_t *to = sotto__egress_reserve(t->shared->egress, t->shared->ice_ops, t->ice, n, now);
    memcpy(to, p, n);
    sotto__egress_commit(t->shared->egress, n);
}

static void seal_packet(struct transport *t, sotto_us now, const uint8_t *p, size_t n)
{
    size_t cap = n + SOTTO_DTLS_OVERHEAD;
    if (!t->ice || t->dtls_state != TRANSPORT_DTLS_CONNECTED) return;
    uint8_t *to = sotto__egress_reserve(t->shared->egress, t->shared->ice_ops, t->ice, cap, now);
    int len = sotto__dtls_seal(t->dtls, p, n, to, cap);
    if (len > 0) sotto__egress_commit(t->shared->egress, (size_t)len);
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
        case DTLS_OUT_CONNECTED:
            r = start_sctp(t, now);
            if (r < 0) return say_dtls(t, out, TRANSPORT_DTLS_FAILED, r, "SCTP cannot start");
            return say_dtls(t, out, TRANSPORT_DTLS_CONNECTED, 0, "");
        case DTLS_OUT_CLOSED:
            return say_dtls(t, out, TRANSPORT_DTLS_CLOSED, 0, "closed by the remote");
        }
    }
}

static int drain_sctp(struct transport *t, sotto_us now, struct transport_out *out)
{
    struct sctp_out s;
    while (t->sctp && sotto__sctp_next(t->sctp, now, &s) == 1) {
        switch (s.type) {
        case SCTP_OUT_PACKET: seal_packet(t, now, s.p, s.n); break;
        case SCTP_OUT_UP:
            *out =
                (struct transport_out){.type = TRANSPORT_OUT_SCTP_UP, .streams_out = s.streams_out};
            return 1;
        case SCTP_OUT_DOWN:
            *out = (struct transport_out){.type = TRANSPORT_OUT_SCTP_DOWN, .error = s.error};
            return 1;
        }
    }
    return 0;
}

int sotto__transport_drain(struct transport *t, sotto_us now, struct transport_out *out)
{
    if (can_start_dtls(t)) return start_dtls(t, now, out);
    return drain_dtls(t, now, out) || drain_sctp(t, now, out);
}

static void take_datagram(struct transport *t, sotto_us now, const struct packet *pkt)
{
    t->budget--;
    /* media comes with its own modules; STUN was libnice's; the rest is nobody's */
    if (sotto__demux(pkt->p, pkt->n) != PACKET_DTLS) return;
    if (t->dtls)
        sotto__dtls_input(t->dtls, now, pkt->p, pkt->n);
    else if (t->dtls_state == TRANSPORT_DTLS_NEW)
        keep_early(t, pkt);
}

/* One output of ICE; 1: out is filled. */
static int from_ice(struct transport *t, sotto_us now, const struct ice_out *in,
                    struct transport_out *out)
{
    switch (in->type) {
    case ICE_OUT_CANDIDATE:
        *out = (struct transport_out){.type = TRANSPORT_OUT_CANDIDATE, .candidate = in->candidate};
        return 1;
    case ICE_OUT_GATHERED: *out = (struct transport_out){.type = TRANSPORT_OUT_GATHERED}; return 1;
    case ICE_OUT_STATE:
        *out = (struct transport_out){.type = TRANSPORT_OUT_ICE, .ice_state = in->state};
        return 1;
    case ICE_OUT_SELECTED:
        t->selected = true;
        return can_start_dtls(t) ? start_dtls(t, now, out) : 0;
    case ICE_OUT_PACKET: take_datagram(t, now, &in->packet); return drain_dtls(t, now, out);
    }
    return 0;
}

void sotto__transport_turn(struct transport *t)
{
    t->budget = TURN_DATAGRAMS;
    t->more = false;
}

int sotto__transport_next(struct transport *t, sotto_us now, struct transport_out *out)
{
    struct ice_out in;
    if (can_start_dtls(t)) return start_dtls(t, now, out);
    if (drain_dtls(t, now, out)) return 1;
    while (t->ice && t->budget > 0) {
        if (t->shared->ice_ops->next(t->ice, now, &in) != 1) return drain_sctp(t, now, out);
        if (from_ice(t, now, &in, out)) return 1;
    }
    t->more = t->ice != NULL;
    return drain_sctp(t, now, out);
}

sotto_us sotto__transport_due(const struct transport *t)
{
    sotto_us due = SOTTO_NEVER;
    if (t->more) return 0;
    if (t->ice) due = t->shared->ice_ops->due(t->ice);
    if (t->dtls && t->dtls_state != TRANSPORT_DTLS_FAILED)
        due = sotto__earlier(due, sotto__dtls_due(t->dtls));
    if (t->sctp) due = sotto__earlier(due, sotto__sctp_due(t->sctp));
    return due;
}

int sotto__transport_fds(const struct transport *t, struct sotto_fd *out, int max)
{
    return t->ice ? t->shared->ice_ops->fds(t->ice, out, max) : 0;
}

void sotto__transport_ready(struct transport *t, int slot, short revents)
{
    if (t->ice) t->shared->ice_ops->ready(t->ice, slot, revents);
}

void sotto__transport_close(struct transport *t, sotto_us now)
{
    struct transport_out ignored;
    if (t->sctp) {
        sotto__sctp_close(t->sctp, now);
        while (drain_sctp(t, now, &ignored)) continue;
        sotto__sctp_free(t->sctp);
        t->sctp = NULL;
    }
    if (t->dtls && t->dtls_state != TRANSPORT_DTLS_FAILED) {
        sotto__dtls_close(t->dtls, now);
        while (drain_dtls(t, now, &ignored)) continue;
    }
    sotto__dtls_free(t->dtls);
    t->dtls = NULL;
    t->dtls_state = TRANSPORT_DTLS_CLOSED;
    if (t->shared->egress->ice == t->ice) sotto__egress_flush(t->shared->egress, now);
}

struct ice *sotto__transport_detach(struct transport *t, sotto_us now)
{
    struct ice *ice = t->ice;
    if (!ice) return NULL;
    if (t->shared->egress->ice == ice) sotto__egress_flush(t->shared->egress, now);
    t->ice = NULL;
    t->selected = t->more = false;
    t->shared->ice_ops->close(ice, now);
    return ice;
}

int sotto__transport_renew(struct transport *t)
{
    return new_credentials(t);
}

void sotto__transport_free(struct transport *t)
{
    if (!t || !t->shared) return;
    sotto__sctp_free(t->sctp);
    sotto__dtls_free(t->dtls);
    if (t->ice) t->shared->ice_ops->free(t->ice);
    drop_early(t);
    for (size_t i = 0; i < t->n_servers; i++) free_server(&t->servers[i]);
    sotto__free(t->servers);
    sotto__free(t->interface);
    sotto__cert_unref(t->cert);
    sotto__wipe(t->pwd, sizeof t->pwd);
    *t = (struct transport){0};
}

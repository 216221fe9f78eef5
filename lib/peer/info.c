/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an application asks about the one transport (RTCIceTransport, RTCDtlsTransport, RTCSctpTransport of W3C WebRTC 1.0), and the
 * configuration as it stands: reading it, and changing what may change (RFC 9429 §4.1.18). In: the peer; out: plain structs.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "peer/stats.h"

enum transport_dtls_state sotto__peer_dtls(const struct peer *p)
{
    return p->closed ? TRANSPORT_DTLS_CLOSED : p->dtls;
}

static int32_t sctp_state(const struct peer *p)
{
    bool wanted = p->transport.has_data || p->data_negotiated || p->data_index >= 0; /* W3C: from the offer on */
    if (p->sctp_down) return SOTTO_SCTP_CLOSED;
    if (p->sctp_up) return p->closed ? SOTTO_SCTP_CLOSED : SOTTO_SCTP_CONNECTED;
    if (!wanted) return SOTTO_SCTP_NONE;
    return p->closed ? SOTTO_SCTP_CLOSED : SOTTO_SCTP_CONNECTING;
}

void sotto__peer_get_transport(const struct peer *p, sotto_transport_info *ret)
{
    static const int32_t dtls[] = {SOTTO_DTLS_NEW, SOTTO_DTLS_CONNECTING, SOTTO_DTLS_CONNECTED,
                                   SOTTO_DTLS_CLOSED, SOTTO_DTLS_FAILED};
    const struct transport *t = &p->transport;
    bool described = p->current_local.sdp || p->pending_local.sdp;
    *ret = (sotto_transport_info){.size = ret->size, .dtls = dtls[sotto__peer_dtls(p)]};
    if (p->ice_role_known)
        ret->ice_role = p->controlling ? SOTTO_ICE_ROLE_CONTROLLING : SOTTO_ICE_ROLE_CONTROLLED;
    ret->sctp = sctp_state(p);
    if (ret->sctp != SOTTO_SCTP_NONE) ret->max_message_size = p->remote_max_message;
    if (ret->sctp == SOTTO_SCTP_CONNECTED) ret->max_channels = p->streams;
    ret->is_dtls_client = p->role_known && p->dtls_client;
    if (described) snprintf(ret->local_ufrag, sizeof ret->local_ufrag, "%s", t->live.ufrag);
    if (t->live.remote_ufrag)
        snprintf(ret->remote_ufrag, sizeof ret->remote_ufrag, "%s", t->live.remote_ufrag);
    if (t->live.ice)
        snprintf(ret->selected_pair, sizeof ret->selected_pair, "%s",
                 t->shared->ice_ops->selected(t->live.ice));
}

void sotto__peer_get_config(const struct peer *p, struct peer_cfg *ret)
{
    const struct transport *t = &p->transport;
    *ret = (struct peer_cfg){
        .transport = {.shared = t->shared,
                      .cert = t->cert,
                      .relay_only = t->relay_only,
                      .allow_loopback = t->allow_loopback,
                      .privacy = t->privacy,
                      .port_min = t->port_min,
                      .port_max = t->port_max,
                      .interface = t->interface,
                      .external = {t->external[0], t->external[1]},
                      .ca_file = t->ca_file,
                      .servers = t->servers,
                      .n_servers = t->n_servers,
                      .max_message_size = t->max_message_size,
                      .streams_out = t->streams_out,
                      .streams_in = t->streams_in,
                      .pins = t->pins,
                      .n_pins = t->n_pins},
        .max_buffered = p->max_buffered,
        .max_channels = p->max_channels,
        .no_auto_restart = p->roam.is_off,
        .required_verification = p->verify.required,
    };
}

int sotto__peer_configure(struct peer *p, const struct transport_cfg *cfg, bool restart)
{
    if (p->closed) return SOTTO_E_CLOSED;
    int r = sotto__transport_configure(&p->transport, cfg);
    if (r < 0) return r;
    if (restart && p->gathering != SOTTO_GATHERING_NEW) {
        const struct transport *t = &p->transport;
        p->reconfigured = true;
        memcpy(p->gathered_ufrag, t->next.ice ? t->next.ufrag : t->live.ufrag,
               sizeof p->gathered_ufrag);
    }
    return 0;
}

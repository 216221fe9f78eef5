/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two peers joined by the virtual network. Events are taken as they come and counted; local candidates go to the other side.
 */
#include "duo.h"

static void side_open(struct duo *d, struct duo_side *s, const char *address)
{
    s->host = net_host_new(d->net, address);
    s->shared = (struct transport_shared){.ice_ops = &sotto__ice_net,
                                          .world = s->host,
                                          .box = &s->box,
                                          .egress = &s->egress,
                                          .dtls_ctx = d->dtls,
                                          .log = &s->log};
    s->log.shows = true; /* and writes nothing */
    assert_int_equal(sotto__cert_generate(&s->cert, 1700000000), 0);
    struct peer_cfg cfg = {.transport = {.shared = &s->shared,
                                         .cert = s->cert,
                                         .max_message_size = SOTTO_DEFAULT_MESSAGE,
                                         .streams_out = 256,
                                         .streams_in = 512},
                           .now = duo_now(d),
                           .max_buffered = SOTTO_DEFAULT_BUFFERED,
                           .max_channels = 256};
    assert_int_equal(sotto__peer_new(&s->peer, &cfg), 0);
}

struct duo *duo_new(uint64_t seed)
{
    struct duo *d = calloc(1, sizeof *d);
    d->net = net_new(seed);
    net_advance(d->net, net_clock());
    assert_int_equal(sotto__dtls_ctx_new(&d->dtls), 0);
    side_open(d, &d->a, "192.0.2.1");
    side_open(d, &d->b, "192.0.2.2");
    return d;
}

static void side_close(struct duo *d, struct duo_side *s)
{
    sotto__peer_close(s->peer, duo_now(d));
    struct ice *ice = sotto__peer_detach_ice(s->peer, duo_now(d));
    sotto__ice_net.free(ice);
    sotto__peer_free(s->peer);
    sotto__cert_unref(s->cert);
    sotto__ice_box_free(&s->box);
}

void duo_free(struct duo *d)
{
    side_close(d, &d->a);
    side_close(d, &d->b);
    sotto__dtls_ctx_free(d->dtls);
    net_free(d->net);
    free(d);
}

sotto_us duo_now(const struct duo *d)
{
    return d->net->now;
}

static void take_candidate(struct duo *d, struct duo_side *to, const struct peer_event *e)
{
    if (!sotto__jsep_remote(to->peer)->sdp) return;
    sotto_candidate c = {.size = sizeof c, .line = e->line, .mid = e->mid, .ufrag = e->ufrag};
    assert_int_equal(sotto__peer_add_candidate(to->peer, duo_now(d), &c, NULL), 0);
}

static void take_event(struct duo *d, struct duo_side *s, struct duo_side *other)
{
    struct peer_event e;
    sotto__peer_peek(s->peer, &e);
    s->n_events[e.type]++;
    if (e.type == SOTTO_EV_CANDIDATE && !s->mute) take_candidate(d, other, &e);
    if (e.type == SOTTO_EV_CHANNEL) s->remote = e.channel;
    if (e.type == SOTTO_EV_CLOSED) s->closed_error = e.error;
    sotto__peer_pop(s->peer);
}

static bool take_message(struct duo *d, struct duo_side *s)
{
    struct peer_message m;
    if (s->paused || sotto__peer_pull(s->peer, duo_now(d), &m) != 1) return false;
    s->n_messages++;
    s->bytes += m.len;
    s->last_len = m.len;
    s->last_is_text = m.is_text;
    memcpy(s->last, m.data, m.len < sizeof s->last ? m.len : sizeof s->last);
    sotto__free(m.data);
    return true;
}

/* Control events first, then messages one by one, as api/ does. */
static void take_events(struct duo *d, struct duo_side *s, struct duo_side *other)
{
    do
        while (sotto__peer_has_event(s->peer)) take_event(d, s, other);
    while (take_message(d, s));
}

static void turn(struct duo *d, struct duo_side *s, struct duo_side *other)
{
    while (sotto__peer_next(s->peer, duo_now(d)) == 1) continue;
    take_events(d, s, other);
    sotto__egress_flush(&s->egress, duo_now(d));
}

void duo_run(struct duo *d, sotto_us span)
{
    sotto_us end = duo_now(d) + span;
    for (;;) {
        turn(d, &d->a, &d->b);
        turn(d, &d->b, &d->a);
        sotto_us due = sotto__earlier(net_due(d->net), sotto__peer_due(d->a.peer));
        due = sotto__earlier(due, sotto__peer_due(d->b.peer));
        if (due > end) break;
        net_advance(d->net, due > duo_now(d) ? due : duo_now(d));
        net_clock_set(duo_now(d));
    }
    net_advance(d->net, end);
    net_clock_set(end);
}

void duo_signal(struct duo *d)
{
    char *sdp = NULL;
    sotto_error err = {.size = sizeof err};
    int r = sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) fail_msg("%s", err.reason);
    assert_int_equal(sotto__peer_local_description(d->a.peer, 0, NULL, &sdp), 1);
    r = sotto__peer_set_remote(d->b.peer, duo_now(d), SOTTO_SDP_OFFER, sdp, &err);
    if (r < 0) fail_msg("%s", err.reason);
    sotto__free(sdp);
    r = sotto__peer_set_local(d->b.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) fail_msg("%s", err.reason);
    assert_int_equal(sotto__peer_local_description(d->b.peer, 0, NULL, &sdp), 1);
    r = sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_ANSWER, sdp, &err);
    if (r < 0) fail_msg("%s", err.reason);
    sotto__free(sdp);
}

struct channel *duo_open(struct duo_side *s, const char *label)
{
    sotto_dc_config cfg = {.size = sizeof cfg, .protocol = ""};
    struct channel *c;
    assert_int_equal(sotto__peer_open_channel(s->peer, s->host->net->now, label, &cfg, &c), 0);
    return c;
}

void duo_connect(struct duo *d)
{
    struct channel *c = duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(c->state, SOTTO_DC_OPEN);
    assert_non_null(d->b.remote);
}

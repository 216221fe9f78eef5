/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the association brings: user messages, DCEP (RFC 8832), stream resets. Reads ahead until one user message is held, so
 * that control is prompt and yet in order with the data around it; then it waits for the application, and the window closes.
 * answers: H120 H122 H123 H124
 */
#include "peer/policy.h"
#include "peer/private.h"
#include "util/mem.h"
#include "wire/dcep.h"

static void refuse(struct peer *p, sotto_us now, uint16_t sid, const char *why)
{
    sotto__peer_attacked(p, ATTACK_CHANNEL_REFUSED);
    sotto__events_warning(p, now, SOTTO_WARN_CHANNEL_REFUSED, why, 0);
    /* a reset that cannot be sent means that the association is gone, and the channel with it */
    (void)sotto__sctp_reset(p->transport.sctp, now, sid);
}

static size_t remote_channels(const struct peer *p)
{
    size_t n = 0;
    for (const struct node *i = p->channels.next; i != &p->channels; i = i->next) {
        const struct channel *c = CONTAINER_OF(i, struct channel, k.all);
        n += c->remote && c->state != SOTTO_DC_CLOSED;
    }
    return n;
}

static const char *check_open(const struct peer *p, uint16_t sid, const struct dcep *d)
{
    bool even = sid % 2 == 0;
    if (even == p->dtls_client) return "a remote data channel with an id of our parity was refused";
    if (sid >= p->streams) return "a remote data channel with an id above the limit was refused";
    if (p->n_channels - p->n_closed >= p->max_channels)
        return "a remote data channel above max_channels was refused";
    if (p->n_closed >= SOTTO_MAX_CLOSED_CHANNELS)
        return "a remote data channel was refused: too many closed ones were not freed";
    if ((d->label.n && memchr(d->label.p, 0, d->label.n)) ||
        (d->protocol.n && memchr(d->protocol.p, 0, d->protocol.n)))
        return "a remote data channel with NUL in its label was refused";
    return NULL;
}

static void broke(struct peer *p, sotto_us now, struct channel *c, const char *how)
{
    sotto__peer_attacked(p, ATTACK_CHANNEL_BROKEN);
    sotto__channel_closing(p, now, c, SOTTO_E_PROTO, how);
}

static int32_t priority_of(uint16_t weight)
{
    if (weight <= 128) return SOTTO_PRIORITY_VERY_LOW;
    if (weight <= 256) return SOTTO_PRIORITY_LOW;
    return weight <= 512 ? SOTTO_PRIORITY_MEDIUM : SOTTO_PRIORITY_HIGH;
}

static void open_remote(struct peer *p, sotto_us now, uint16_t sid, const struct dcep *d)
{
    static const uint8_t ack = DCEP_ACK;
    const char *why = check_open(p, sid, d);
    if (!why && !sotto__policy_takes_channel(p, remote_channels(p))) {
        sotto__peer_attacked(p, ATTACK_POLICY_CHANNEL);
        why = "a remote data channel was refused: the policy does not allow it";
    }
    if (why) {
        refuse(p, now, sid, why);
        return;
    }
    struct channel *c = sotto__channel_new(p, d->label, d->protocol);
    int r = c ? sotto__channel_set_id(p, c, sid) : SOTTO_E_NOMEM;
    if (r == 0) r = sotto__sendq_push(p, now, c, PPID_DCEP, &ack, 1);
    if (r < 0) {
        if (c) sotto__channel_free(p, c);
        refuse(p, now, sid, "a remote data channel was refused: no memory");
        return;
    }
    c->remote = true;
    c->unordered = d->unordered;
    c->reliability = d->reliability;
    c->limit = d->limit;
    c->priority = priority_of(d->priority);
    sotto__events_channel(p, now, c, SOTTO_EV_CHANNEL);
    sotto__channel_open(p, now, c);
}

static void take_dcep(struct peer *p, sotto_us now, struct channel *c, const struct sctp_msg *m)
{
    struct dcep d;
    if (sotto__dcep_parse(m->data, m->len, &d) < 0) {
        if (c)
            broke(p, now, c, "the remote sent bad DCEP on it");
        else
            refuse(p, now, m->sid, "a remote data channel with a bad OPEN was refused");
    } else if (d.type == DCEP_ACK) {
        if (c && c->k.open_sent) c->k.acked = true;
    } else if (c) { /* the id is in use: RFC 8832 §6 */
        broke(p, now, c, "the remote opened it a second time");
    } else {
        open_remote(p, now, m->sid, &d);
    }
}

/* false: the channel is over. */
static bool is_sound(struct peer *p, sotto_us now, struct channel *c, const struct peer_message *m)
{
    if (!m->is_text || sotto__utf8_ok(m->data, m->len)) return true;
    broke(p, now, c, "the remote sent text that is not UTF-8");
    return false;
}

/* true: the message is now held. */
static bool take_data(struct peer *p, sotto_us now, struct channel *c, struct sctp_msg *m)
{
    bool is_text =
        m->ppid == PPID_TEXT || m->ppid == PPID_TEXT_PARTIAL || m->ppid == PPID_TEXT_EMPTY;
    bool is_binary =
        m->ppid == PPID_BINARY || m->ppid == PPID_BINARY_PARTIAL || m->ppid == PPID_BINARY_EMPTY;
    bool empty = m->ppid == PPID_TEXT_EMPTY || m->ppid == PPID_BINARY_EMPTY;
    if (!c || c->state != SOTTO_DC_OPEN || (!is_text && !is_binary)) {
        if (!c || (!is_text && !is_binary)) sotto__peer_attacked(p, ATTACK_MESSAGE_STRAY);
        return false;
    }
    if (empty) m->len = 0, m->data[0] = 0;
    struct peer_message held = {
        .channel = c, .at = now, .data = m->data, .len = m->len, .is_text = is_text};
    if (sotto__e2ee_is_required(c->e2ee, SOTTO_E2EE_RECEIVE) &&
        !(held.was_opened = sotto__channel_unseal(p, now, c, &held)))
        return false;
    if (!is_sound(p, now, c, &held)) return false;
    /* RFC 8832 §6: data from the remote means that it has seen the OPEN, even if its ACK is late (Firefox) */
    c->k.acked = c->k.acked || c->k.open_sent;
    p->held = held;
    m->data = NULL;
    return true;
}

static void take_reset(struct peer *p, sotto_us now, struct channel *c, const struct sctp_msg *m)
{
    if (!c) return; /* of a channel that was refused */
    if (m->type == SCTP_MSG_RESET_OUT) {
        c->k.reset_done = true;
        c->k.reset_in = c->k.reset_in || m->denied; /* it will not answer either */
    } else {
        c->k.reset_in = true;
        sotto__channel_closing(p, now, c, 0, "");
        c = sotto__map_get(&p->by_id, m->sid); /* closing may have ended it */
    }
    if (c) sotto__channel_check_closed(p, now, c);
}

static void take(struct peer *p, sotto_us now, struct sctp_msg *m)
{
    struct channel *c = sotto__map_get(&p->by_id, m->sid);
    if (m->type != SCTP_MSG_DATA)
        take_reset(p, now, c, m);
    else if (m->ppid == PPID_DCEP)
        take_dcep(p, now, c, m);
    else
        take_data(p, now, c, m);
    if (m->type == SCTP_MSG_DATA) sotto__free(m->data);
}

/* Ended by negotiation, and read to its end: data may be negotiated anew, and perhaps was. */
static void end_association(struct peer *p, sotto_us now)
{
    uint16_t port = p->transport.sctp_port_remote;
    sotto__transport_end_data(&p->transport, now);
    p->sctp_ends = p->sctp_down = false;
    p->streams = p->max_channels;
    if (p->transport_unused) sotto__peer_reset_transport(p, now);
    if (p->data_negotiated) sotto__peer_begin_data(p, now, port);
}

void sotto__receive(struct peer *p, sotto_us now)
{
    struct sctp_msg m;
    while (p->transport.sctp && !p->held.channel && sotto__verify_can_read(p)) {
        if (sotto__sctp_pull(p->transport.sctp, now, &m) != 1) break; /* no memory: the tick tries again */
        take(p, now, &m);
    }
    if (!p->sctp_down || p->held.channel) return;
    if (p->sctp_up || p->down_reason) {
        const char *reason = p->down_reason;
        p->sctp_up = false;
        p->down_reason = NULL;
        sotto__channel_all_down(p, now, p->down_error, reason ? reason : "");
    }
    if (p->sctp_ends) end_association(p, now);
}

void sotto__receive_drop_held(struct peer *p)
{
    sotto__free(p->held.data);
    p->held = (struct peer_message){0};
}

/* It was read ahead, before the application could say that the channel is end-to-end. */
void sotto__receive_unseal_held(struct peer *p, sotto_us now, struct channel *c)
{
    struct peer_message *m = &p->held;
    bool sealed = sotto__e2ee_is_required(c->e2ee, SOTTO_E2EE_RECEIVE);
    if (m->channel != c || m->was_opened || !sealed) return;
    m->was_opened = sotto__channel_unseal(p, now, c, m);
    if (m->was_opened && is_sound(p, now, c, m)) return;
    sotto__receive_drop_held(p);
    sotto__receive(p, now);
}

bool sotto__peer_has_message(const struct peer *p)
{
    return p->reading && p->held.channel;
}

/* Small messages are read several at a time: the next one is mostly there, or it is known that there is none. True: that was all,
 * and nothing else is to be done. */
static bool hold_next(struct peer *p, sotto_us now)
{
    struct sctp *s = p->transport.sctp;
    struct sctp_msg m;
    if (!s || p->sctp_down || p->dtls != TRANSPORT_DTLS_CONNECTED || p->ice == SOTTO_ICE_FAILED)
        return false;
    int ready = sotto__sctp_ready(s);
    if (ready <= 0) return ready == 0 && now < sotto__sctp_due(s);
    if (sotto__sctp_pull(s, now, &m) != 1) return false;
    take(p, now, &m);
    return p->held.channel != NULL;
}

int sotto__peer_pull(struct peer *p, sotto_us now, struct peer_message *out)
{
    if (!sotto__peer_has_message(p)) return 0;
    *out = p->held;
    if (p->story.reached[MOMENT_MESSAGE] == 0) sotto__story_reached(p, now, MOMENT_MESSAGE);
    p->held.channel->messages_in++;
    p->held.channel->bytes_in += p->held.len;
    p->held = (struct peer_message){0};
    out->was_ready = hold_next(p, now);
    if (out->was_ready) return 1;
    sotto__receive(p, now);
    sotto__peer_drain(p, now); /* the window update */
    sotto__peer_update(p, now);
    return 1;
}

void sotto__peer_set_reading(struct peer *p, sotto_us now, bool on)
{
    (void)now;
    p->reading = on;
}

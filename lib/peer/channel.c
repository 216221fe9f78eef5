/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data channels: the table, ids, opening and closing (RFC 8831 §6, RFC 8832 §6, W3C RTCDataChannel). In: calls of the application
 * and what receive.c read from the association; out: messages to sendq.c, stream resets, events. Knows nothing of SDP.
 * answers: H125 A20
 */
#include <string.h>

#include "peer/private.h"
#include "util/mem.h"
#include "wire/dcep.h"

struct channel *sotto__channel_new(struct peer *p, struct str label, struct str protocol)
{
    struct channel *c = sotto__calloc(1, sizeof *c);
    if (!c) return NULL;
    c->label = sotto__strndup(label.p, label.n);
    c->protocol = sotto__strndup(protocol.p, protocol.n);
    if (!c->label || !c->protocol) {
        sotto__free(c->label);
        sotto__free(c->protocol);
        sotto__free(c);
        return NULL;
    }
    c->id = -1;
    c->number = ++p->last_channel;
    c->priority = SOTTO_PRIORITY_LOW;
    sotto__list_init(&c->k.messages);
    sotto__list_push(&p->channels, &c->k.all);
    p->n_channels++;
    return c;
}

void sotto__channel_free(struct peer *p, struct channel *c)
{
    sotto__sendq_clear(c);
    if (p->held.channel == c) sotto__receive_drop_held(p);
    if (c->id >= 0 && sotto__map_get(&p->by_id, (uint64_t)c->id) == c)
        sotto__map_del(&p->by_id, (uint64_t)c->id);
    if (c->state == SOTTO_DC_CLOSED) p->n_closed--;
    sotto__list_remove(&c->k.all);
    sotto__list_remove(&c->k.pending);
    sotto__e2ee_gone(p, c->e2ee);
    sotto__e2ee_free(c->e2ee);
    sotto__free(c->label);
    sotto__free(c->protocol);
    sotto__free(c);
    p->n_channels--;
}

struct channel *sotto__peer_next_channel(struct peer *p, struct channel *after)
{
    struct node *n = after ? after->k.all.next : p->channels.next;
    return n == &p->channels ? NULL : CONTAINER_OF(n, struct channel, k.all);
}

int sotto__channel_set_id(struct peer *p, struct channel *c, int32_t id)
{
    int r = sotto__map_put(&p->by_id, (uint64_t)id, c);
    if (r == 0) c->id = id;
    return r;
}

/* RFC 8832 §6: the DTLS client takes even ids, the server odd ones. */
static int find_id(struct peer *p, struct channel *c)
{
    for (int32_t id = p->dtls_client ? 0 : 1; id < p->streams; id += 2)
        if (!sotto__map_get(&p->by_id, (uint64_t)id)) return sotto__channel_set_id(p, c, id);
    return SOTTO_E_LIMIT;
}

static int push_open(struct peer *p, sotto_us now, struct channel *c)
{
    static const uint16_t weights[] = {256, 128, 256, 512, 1024};
    struct dcep d = {.type = DCEP_OPEN,
                     .unordered = c->unordered,
                     .reliability = c->reliability,
                     .limit = c->limit,
                     .priority = weights[c->priority],
                     .label = sotto__str(c->label),
                     .protocol = sotto__str(c->protocol)};
    size_t cap = 12 + d.label.n + d.protocol.n;
    uint8_t *bytes = sotto__malloc(cap);
    if (!bytes) return SOTTO_E_NOMEM;
    int n = sotto__dcep_write(&d, bytes, cap);
    int r = n < 0 ? n : sotto__sendq_push(p, now, c, PPID_DCEP, bytes, (size_t)n);
    sotto__free(bytes);
    if (r == 0) c->k.open_sent = true;
    return r;
}

/* The association is up: says OPEN to the remote, and to the application. */
static int announce(struct peer *p, sotto_us now, struct channel *c)
{
    int r = c->id < 0 ? find_id(p, c) : 0;
    if (r == 0 && c->id >= p->streams) r = SOTTO_E_LIMIT;
    if (r == 0 && !c->negotiated) r = push_open(p, now, c);
    if (r == 0) sotto__channel_open(p, now, c);
    return r;
}

void sotto__channel_open(struct peer *p, sotto_us now, struct channel *c)
{
    c->state = SOTTO_DC_OPEN;
    p->channels_opened++;
    sotto__events_channel(p, now, c, SOTTO_EV_OPEN);
}

void sotto__channel_assign_ids(struct peer *p, sotto_us now)
{
    struct channel *next;
    for (struct channel *c = sotto__peer_next_channel(p, NULL); c; c = next) {
        next = sotto__peer_next_channel(p, c);
        if (c->id >= 0 || c->state != SOTTO_DC_CONNECTING) continue;
        int r = find_id(p, c);
        if (r == SOTTO_E_NOMEM) continue; /* tried again when the association is up */
        if (r < 0) sotto__channel_finish(p, now, c, r, "no stream is left for it");
    }
}

void sotto__channel_all_up(struct peer *p, sotto_us now)
{
    struct channel *next;
    for (struct channel *c = sotto__peer_next_channel(p, NULL); c; c = next) {
        next = sotto__peer_next_channel(p, c);
        if (c->state != SOTTO_DC_CONNECTING) continue;
        int r = announce(p, now, c);
        if (r < 0) sotto__channel_finish(p, now, c, r, "it could not be opened");
    }
}

void sotto__channel_all_down(struct peer *p, sotto_us now, int error, const char *reason)
{
    struct channel *next;
    for (struct channel *c = sotto__peer_next_channel(p, NULL); c; c = next) {
        next = sotto__peer_next_channel(p, c);
        if (c->state != SOTTO_DC_CLOSED) sotto__channel_finish(p, now, c, error, reason);
    }
}

void sotto__channel_finish(struct peer *p, sotto_us now, struct channel *c, int error,
                           const char *reason)
{
    sotto__sendq_clear(c);
    if (p->held.channel == c) sotto__receive_drop_held(p);
    if (c->id >= 0) sotto__map_del(&p->by_id, (uint64_t)c->id);
    if (c->state == SOTTO_DC_OPEN) p->channels_left++;
    if (c->e2ee) sotto__e2ee_end(c->e2ee);
    c->state = SOTTO_DC_CLOSED;
    p->n_closed++;
    if (c->k.error == 0) {
        c->k.error = error;
        c->k.reason = reason;
    }
    if (c->released) {
        sotto__channel_free(p, c);
        return;
    }
    sotto__events_drop_channel(c, 1u << SOTTO_EV_WRITABLE | 1u << SOTTO_EV_BUFFERED_LOW);
    sotto__events_channel(p, now, c, SOTTO_EV_CLOSED);
}

void sotto__channel_after_queue(struct peer *p, sotto_us now, struct channel *c)
{
    if (c->state != SOTTO_DC_CLOSING || c->k.reset_sent) return;
    c->k.reset_sent = true;
    int r = sotto__sctp_reset(p->transport.sctp, now, (uint16_t)c->id);
    if (r < 0 && r != SOTTO_E_AGAIN) sotto__channel_finish(p, now, c, 0, "");
}

void sotto__channel_check_closed(struct peer *p, sotto_us now, struct channel *c)
{
    if (c->k.reset_done && c->k.reset_in) sotto__channel_finish(p, now, c, 0, "");
}

/* W3C's closing procedure: what is queued still goes out, then the stream is reset. */
static void begin_closing(struct peer *p, sotto_us now, struct channel *c)
{
    c->state = SOTTO_DC_CLOSING;
    p->channels_left++;
    c->k.want_writable = false;
    if (p->held.channel == c) sotto__receive_drop_held(p);
    if (c->k.n_messages == 0) sotto__channel_after_queue(p, now, c);
}

void sotto__channel_closing(struct peer *p, sotto_us now, struct channel *c, int error,
                            const char *reason)
{
    if (c->state != SOTTO_DC_OPEN) return;
    c->k.error = error;
    c->k.reason = reason;
    sotto__events_channel(p, now, c, SOTTO_EV_CLOSING);
    begin_closing(p, now, c);
}

void sotto__channel_close(struct peer *p, sotto_us now, struct channel *c)
{
    if (c->state == SOTTO_DC_CONNECTING) {
        sotto__channel_finish(p, now, c, 0, "");
    } else if (c->state == SOTTO_DC_OPEN) {
        begin_closing(p, now, c);
        sotto__receive(p, now);
        sotto__peer_drain(p, now);
    }
}

void sotto__channel_release(struct peer *p, sotto_us now, struct channel *c)
{
    c->released = true;
    sotto__events_drop_channel(c, UINT32_MAX);
    if (c->state == SOTTO_DC_CLOSED)
        sotto__channel_free(p, c);
    else
        sotto__channel_close(p, now, c);
}

void sotto__channel_set_low(struct peer *p, sotto_us now, struct channel *c, uint64_t bytes)
{
    (void)p, (void)now; /* W3C: setting the threshold fires nothing by itself */
    c->buffered_low = bytes;
}

/* Undoes a channel that could not be opened, as if it had never been. */
static int undo(struct peer *p, struct channel *c, int r)
{
    sotto__events_drop_channel(c, UINT32_MAX);
    sotto__channel_free(p, c);
    return r;
}

int sotto__peer_open_channel(struct peer *p, sotto_us now, const char *label,
                             const sotto_dc_config *cfg, struct channel **ret)
{
    if (p->closed || p->sctp_down) return SOTTO_E_CLOSED;
    if (p->n_channels - p->n_closed >= p->max_channels) return SOTTO_E_LIMIT;
    if (cfg->negotiated && cfg->id >= p->streams) return SOTTO_E_RANGE;
    if (cfg->negotiated && sotto__map_get(&p->by_id, cfg->id)) return SOTTO_E_ACCESS;
    struct channel *c = sotto__channel_new(p, sotto__str(label), sotto__str(cfg->protocol));
    if (!c) return SOTTO_E_NOMEM;
    c->unordered = cfg->unordered;
    c->negotiated = cfg->negotiated;
    c->reliability = cfg->reliability;
    c->limit = cfg->reliability == SOTTO_DC_RELIABLE ? 0 : cfg->limit;
    if (cfg->priority != SOTTO_PRIORITY_DEFAULT) c->priority = cfg->priority;
    int r = 0;
    if (c->negotiated)
        r = sotto__channel_set_id(p, c, cfg->id);
    else if (p->role_known)
        r = find_id(p, c);
    if (r == 0 && p->sctp_up) r = announce(p, now, c);
    if (r < 0) return undo(p, c, r);
    *ret = c;
    if (p->sctp_up) sotto__peer_send_waiting(p, now);
    sotto__needed_update(p, now);
    return 0;
}

/* extra: bytes that are put around it. */
static int check_send(const struct peer *p, const struct channel *c, const void *data, size_t n,
                      size_t extra, bool is_text)
{
    if (c->state == SOTTO_DC_CONNECTING) return SOTTO_E_STATE;
    if (c->state != SOTTO_DC_OPEN) return SOTTO_E_CLOSED;
    if (n > SOTTO_MAX_MESSAGE - extra || n + extra > p->remote_max_message) return SOTTO_E_TOO_BIG;
    if (is_text && !sotto__utf8_ok(data, n)) return SOTTO_E_SYNTAX;
    return 0;
}

/* 0 and what the message is to SCTP, or an error. */
static int admit(struct peer *p, struct channel *c, const void *data, size_t n, size_t extra,
                 bool is_text, uint32_t *ret_ppid)
{
    int r = check_send(p, c, data, n, extra, is_text);
    if (r < 0) return r;
    bool full = c->k.n_messages >= SOTTO_MAX_QUEUED_MESSAGES ||
                (c->buffered > 0 && c->buffered + n + extra > p->max_buffered);
    if (full) {
        c->k.want_writable = true;
        c->k.want_size = n + extra;
        return SOTTO_E_AGAIN;
    }
    *ret_ppid = is_text ? (n ? PPID_TEXT : PPID_TEXT_EMPTY) : (n ? PPID_BINARY : PPID_BINARY_EMPTY);
    return 0;
}

static int queue(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid, const void *data,
                 size_t n)
{
    int r = sotto__sendq_now(p, now, c, ppid, data, n);
    if (r == SOTTO_E_AGAIN) r = sotto__sendq_push(p, now, c, ppid, data, n);
    return r == SOTTO_E_STATE ? SOTTO_E_CLOSED : r;
}

static int send_sealed(struct peer *p, sotto_us now, struct channel *c, const void *data, size_t n,
                       bool is_text)
{
    uint32_t unused;
    uint8_t *sealed;
    size_t n_sealed;
    int r = admit(p, c, data, n, 1 + SFRAME_OVERHEAD, is_text, &unused);
    if (r == 0) r = sotto__channel_seal(c, data, n, is_text, &sealed, &n_sealed);
    if (r < 0) return r;
    r = queue(p, now, c, PPID_BINARY, sealed, n_sealed);
    sotto__free(sealed);
    return r;
}

int sotto__channel_send_later(struct peer *p, sotto_us now, struct channel *c, const void *data,
                              size_t n, bool is_text)
{
    uint32_t ppid;
    if (sotto__e2ee_is_required(c->e2ee, SOTTO_E2EE_SEND))
        return send_sealed(p, now, c, data, n, is_text);
    int r = admit(p, c, data, n, 0, is_text, &ppid);
    return r < 0 ? r : queue(p, now, c, ppid, data, n);
}

int sotto__channel_send(struct peer *p, sotto_us now, struct channel *c, const void *data, size_t n,
                        bool is_text)
{
    int r = sotto__channel_send_later(p, now, c, data, n, is_text);
    if (r == 0) sotto__peer_drain(p, now);
    return r;
}

void sotto__peer_send_waiting(struct peer *p, sotto_us now)
{
    sotto__sendq_pump(p, now);
    sotto__peer_drain(p, now);
}

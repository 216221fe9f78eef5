/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and stream resets of one association (RFC 8831 §6.6, §6.7; RFC 6525; partial reliability: RFC 3758, RFC 7496).
 * In: messages to send and streams to reset, taken while what usrsctp holds of ours is below the bounds, in bytes and in
 * number; out, when asked: messages that arrived, whole, with resets in order between them. Not asking closes the window.
 * Knows nothing of packets.
 */
#include <errno.h>
#include <string.h>

#include "transport/sctp_priv.h"
#include "util/mem.h"

#include "sotto/data.h"

/* In usrsctp's netinet/sctp_uio.h but not in its public header: bytes that wait or are not acknowledged. */
#define SCTP_GET_SNDBUF_USE 0x1101
struct sctp_sockstat {
    sctp_assoc_t ss_assoc_id;
    uint32_t ss_total_sndbuf;
    uint32_t ss_total_recv_buf;
};

static bool get_option(struct sctp *s, int option, void *value, size_t size)
{
    socklen_t n = (socklen_t)size;
    return usrsctp_getsockopt(s->so, IPPROTO_SCTP, option, value, &n) == 0;
}

/*
 * What usrsctp holds of ours: bytes as it counts them; for the number, messages that have not begun to leave (accepted, less
 * those seen leaving: it abandons none before) and fragments that are on their way.
 */
static void measure(struct sctp *s)
{
    struct sctp_sockstat use = {0};
    struct sctp_status status = {0};
    s->backlog.stale = false;
    if (!s->so || !get_option(s, SCTP_GET_SNDBUF_USE, &use, sizeof use) ||
        !get_option(s, SCTP_STATUS, &status, sizeof status))
        return;
    if (use.ss_total_sndbuf == 0) s->backlog.accepted = s->started;
    s->backlog.bytes = use.ss_total_sndbuf;
    s->backlog.messages = (size_t)(s->backlog.accepted - s->started) + status.sstat_unackdata;
}

static bool fits(const struct sctp *s, size_t n)
{
    if (s->backlog.messages >= SOTTO_SCTP_BACKLOG_MESSAGES) return false;
    /* One message may be larger than the whole backlog: it is taken while half of it is free. */
    return s->backlog.bytes + n <= SOTTO_SCTP_BACKLOG || s->backlog.bytes < SOTTO_SCTP_BACKLOG / 2;
}

bool sotto__sctp_writable(const struct sctp *s, size_t n)
{
    if (!s->up || s->down || !s->so) return false;
    if (fits(s, n)) return true;
    if (!s->backlog.stale) return false;
    struct sctp *m = (struct sctp *)(uintptr_t)s; /* the bounds are a cache */
    sotto__sctp_lock_quiet(m);
    measure(m);
    sotto__sctp_unlock(m);
    return fits(s, n);
}

static int send_error(struct sctp *s)
{
    switch (errno) {
    case EWOULDBLOCK: /* usrsctp's own bounds: as full as ours */
        s->backlog.bytes = SOTTO_SCTP_BACKLOG;
        return SOTTO_E_AGAIN;
    case ENOMEM:
    case ENOBUFS: return SOTTO_E_NOMEM;
    case EINVAL:
    case EMSGSIZE: return SOTTO_E_INVAL;
    default: /* gone: the state says so at the next look */
        s->check = true;
        atomic_store(&s->attention, true);
        return SOTTO_E_STATE;
    }
}

static void set_reliability(struct sctp_sendv_spa *spa, const struct sctp_send_opt *opt)
{
    if (opt->reliability == SOTTO_DC_RELIABLE) return;
    spa->sendv_flags |= SCTP_SEND_PRINFO_VALID;
    spa->sendv_prinfo.pr_policy =
        opt->reliability == SOTTO_DC_MAX_RETRANSMITS ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
    spa->sendv_prinfo.pr_value = opt->limit;
}

static int send_locked(struct sctp *s, const struct sctp_send_opt *opt, const uint8_t *p, size_t n)
{
    if (!s->so || s->down || s->out_state[opt->sid] != STREAM_OPEN) return SOTTO_E_STATE;
    if (!fits(s, n) && s->backlog.stale) measure(s);
    if (!fits(s, n)) return SOTTO_E_AGAIN;
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = opt->sid;
    spa.sendv_sndinfo.snd_ppid = htonl(opt->ppid);
    spa.sendv_sndinfo.snd_flags = opt->unordered ? SCTP_UNORDERED : 0;
    set_reliability(&spa, opt);
    if (usrsctp_sendv(s->so, p, n, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) < 0)
        return send_error(s);
    s->backlog.accepted++, s->backlog.messages++, s->backlog.bytes += n;
    s->stats.messages_out++;
    return 0;
}

int sotto__sctp_send(struct sctp *s, sotto_us now, const struct sctp_send_opt *opt,
                     const uint8_t *p, size_t n)
{
    if (!s->up || s->down) return SOTTO_E_STATE;
    if (n == 0 || opt->sid >= s->streams_out) return SOTTO_E_INVAL;
    if (n > SOTTO_MAX_MESSAGE) return SOTTO_E_TOO_BIG;
    sotto__sctp_lock(s, now);
    int r = send_locked(s, opt, p, n);
    s->busy_until = sotto__after(now, SOTTO_SECONDS(1));
    sotto__sctp_unlock(s);
    return r;
}

int sotto__sctp_reset(struct sctp *s, sotto_us now, uint16_t sid)
{
    if (!s->up || s->down) return SOTTO_E_STATE;
    if (sid >= s->streams_out) return SOTTO_E_INVAL;
    if (s->out_state[sid] != STREAM_OPEN) return SOTTO_E_AGAIN; /* its event is still to come */
    union {
        struct sctp_reset_streams head;
        uint8_t bytes[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
    } req = {.head = {.srs_flags = SCTP_STREAM_RESET_OUTGOING, .srs_number_streams = 1}};
    memcpy(req.bytes + offsetof(struct sctp_reset_streams, srs_stream_list), &sid, sizeof sid);
    sotto__sctp_lock(s, now);
    int r = 0;
    if (!s->so || s->down) {
        r = SOTTO_E_STATE;
    } else if (usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_RESET_STREAMS, &req, sizeof req) == 0) {
        s->out_state[sid] = STREAM_RESETTING;
    } else if (errno == EOPNOTSUPP) { /* the peer cannot: the caller hears it as an answer, like any other */
        s->out_state[sid] = STREAM_DENIED, s->denied++;
    } else {
        r = SOTTO_E_STATE;
    }
    s->busy_until = sotto__after(now, SOTTO_SECONDS(1));
    sotto__sctp_unlock(s);
    return r;
}

/* The next stream of a reset that is being given out, or of those that cannot be reset. */
static bool next_reset(struct sctp *s, struct sctp_msg *out)
{
    struct sctp_resets *e = &s->resets;
    if (e->at < e->n) {
        uint16_t sid = e->list ? e->list[e->at] : (uint16_t)e->at;
        *out = (struct sctp_msg){.type = e->type, .sid = sid, .denied = e->denied};
        if (e->type == SCTP_MSG_RESET_OUT && sid < s->streams_out) s->out_state[sid] = STREAM_OPEN;
        if (++e->at == e->n) {
            sotto__free(e->list);
            *e = (struct sctp_resets){0};
        }
        return true;
    }
    for (uint16_t sid = 0; s->denied > 0 && sid < s->streams_out; sid++) {
        if (s->out_state[sid] != STREAM_DENIED) continue;
        s->out_state[sid] = STREAM_OPEN, s->denied--;
        *out = (struct sctp_msg){.type = SCTP_MSG_RESET_OUT, .sid = sid, .denied = true};
        return true;
    }
    return false;
}

/* A whole notification is in s->partial: take it apart. */
static int take_event(struct sctp *s)
{
    struct sctp_stream_reset_event e;
    size_t head = offsetof(struct sctp_stream_reset_event, strreset_stream_list);
    if (s->partial.n < head) return 0;
    memcpy(&e, s->partial.p, head);
    if (e.strreset_type != SCTP_STREAM_RESET_EVENT) return 0;
    bool in = e.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN;
    bool denied = e.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED);
    if (in && denied) return 0; /* we never ask for that */
    if (in && s->guard.resets_unread > 0) s->guard.resets_unread--;
    size_t n = (s->partial.n - head) / sizeof(uint16_t);
    uint16_t *list = NULL;
    if (n > 0) {
        list = sotto__memdup(s->partial.p + head, n * sizeof(uint16_t));
        if (!list) return SOTTO_E_NOMEM;
    } else {
        n = in ? s->guard.user_streams : s->streams_out;
    }
    s->resets = (struct sctp_resets){.type = in ? SCTP_MSG_RESET_IN : SCTP_MSG_RESET_OUT,
                                     .denied = denied,
                                     .list = list,
                                     .n = n};
    return 0;
}

static bool reserve(struct sctp *s)
{
    struct sctp_partial *m = &s->partial;
    if (m->cap - m->n > 1) return true; /* one is for the NUL */
    size_t most = (size_t)s->max_message_size + 2; /* one more than allowed, to see that it is */
    size_t cap = m->cap ? 2 * m->cap : s->last_len + 2;
    if (cap < 256) cap = 256;
    if (cap > most && most > 4096) cap = most;
    uint8_t *p = sotto__realloc(m->p, cap);
    if (!p) return false;
    m->p = p, m->cap = cap;
    return true;
}

static void drop_partial(struct sctp *s)
{
    sotto__free(s->partial.p);
    s->partial = (struct sctp_partial){0};
}

/* Read on: 1 a message is whole, 2 an event is, 0 nothing more, or an error. */
static int receive(struct sctp *s)
{
    struct sctp_partial *m = &s->partial;
    for (;;) {
        if (m->n == 0 && (usrsctp_get_events(s->so) & SCTP_EVENT_READ) == 0) return 0;
        if (!reserve(s)) return SOTTO_E_NOMEM;
        struct sctp_rcvinfo info = {0};
        socklen_t info_len = sizeof info;
        unsigned int info_type = 0;
        int flags = 0;
        ssize_t r = usrsctp_recvv(s->so, m->p + m->n, m->cap - m->n - 1, NULL, NULL, &info,
                                  &info_len, &info_type, &flags);
        if (r <= 0) { /* EWOULDBLOCK, the end, or the error that ended it */
            if (m->n > 0) return SOTTO_E_PROTO; /* the rest is not there: larger than half the window */
            s->check = true;
            return 0;
        }
        m->n += (size_t)r;
        bool event = (flags & MSG_NOTIFICATION) != 0;
        if (!event && m->n > s->max_message_size) return SOTTO_E_PROTO;
        m->sid = info.rcv_sid, m->ppid = ntohl(info.rcv_ppid);
        if (flags & MSG_EOR) return event ? 2 : 1;
    }
}

/* What was read becomes the caller's, without the slack. */
static void give(struct sctp *s, struct sctp_msg *out)
{
    struct sctp_partial *m = &s->partial;
    m->p[m->n] = 0;
    if (m->cap > m->n + 1 + m->n / 4) {
        uint8_t *p = sotto__realloc(m->p, m->n + 1);
        if (p) m->p = p; /* else it stays large */
    }
    *out = (struct sctp_msg){.type = SCTP_MSG_DATA,
                             .sid = sotto__sctp_guard_unshadow(&s->guard, m->sid),
                             .ppid = m->ppid,
                             .data = m->p,
                             .len = m->n};
    s->last_len = m->n;
    *m = (struct sctp_partial){0};
    s->stats.messages_in++;
    if (s->guard.beyond > 0) s->guard.beyond--;
}

static int pull_locked(struct sctp *s, struct sctp_msg *out)
{
    while (s->so) {
        int r = s->partial.is_event ? 2 : receive(s);
        if (r == 2) {
            s->partial.is_event = true; /* without memory for it, it stays */
            r = take_event(s);
            if (r < 0) return r;
            drop_partial(s);
            if (next_reset(s, out)) return 1;
            continue;
        }
        if (r == 1) give(s, out);
        if (r == 0) {
            drop_partial(s);
            atomic_store(&s->readable, false);
            s->guard.resets_unread = 0;
        }
        if (r == SOTTO_E_PROTO) {
            drop_partial(s);
            sotto__sctp_fail(s, SOTTO_E_PROTO);
        }
        return r;
    }
    return 0;
}

int sotto__sctp_pull(struct sctp *s, sotto_us now, struct sctp_msg *out)
{
    if (next_reset(s, out)) return 1;
    if (!atomic_load(&s->readable) && s->partial.n == 0) return 0;
    sotto__sctp_lock(s, now);
    int r = pull_locked(s, out);
    sotto__sctp_unlock(s);
    return r;
}

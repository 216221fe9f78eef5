/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and stream resets of one association (RFC 8831 §6.6, §6.7; RFC 6525; partial reliability: RFC 3758, RFC 7496).
 * In: messages to send and streams to reset, taken while what usrsctp holds of ours is below the bounds, in bytes and in
 * number; out, when asked: messages that arrived, whole, with resets in order between them. Not asking closes the window.
 * Knows nothing of packets.
 * answers: H119 H127
 */
#include <errno.h>
#include <string.h>

#include "transport/sctp_priv.h"
#include "util/cold.h"
#include "util/mem.h"

#include "sotto/data.h"

#define RUN_MESSAGE 1024u   /* larger ones fill a packet */
#define AHEAD_MESSAGE 2048u /* larger ones are read on their own */

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
 * those seen leaving: it abandons none before) and fragments that are on their way. A long path may hold more: what its congestion
 * window lets out, and as much again.
 */
static void measure(struct sctp *s)
{
    struct sctp_sockstat use = {0};
    struct sctp_status status = {0};
    s->backlog.stale = false;
    if (!s->so || !get_option(s, SCTP_GET_SNDBUF_USE, &use, sizeof use) ||
        !get_option(s, SCTP_STATUS, &status, sizeof status))
        return;
    if (use.ss_total_sndbuf == 0) s->backlog.accepted = s->started + s->run.messages;
    s->backlog.bytes = use.ss_total_sndbuf + s->run.n;
    s->backlog.messages = (size_t)(s->backlog.accepted - s->started) + status.sstat_unackdata;
    size_t most = 2 * (size_t)status.sstat_primary.spinfo_cwnd;
    if (most < SOTTO_SCTP_BACKLOG || status.sstat_primary.spinfo_srtt <= SCTP_NEAR_MS)
        most = SOTTO_SCTP_BACKLOG;
    s->backlog.most = most < SOTTO_SCTP_BACKLOG_MAX ? most : SOTTO_SCTP_BACKLOG_MAX;
}

COLD bool sotto__sctp_all_left(struct sctp *s)
{
    struct sctp_sockstat use = {0};
    if (s->run.messages > 0) return false;
    if (s->backlog.accepted == s->started && !s->is_halfway) return true;
    return get_option(s, SCTP_GET_SNDBUF_USE, &use, sizeof use) && use.ss_total_sndbuf == 0;
}

static bool fits(const struct sctp *s, size_t n)
{
    size_t most = s->backlog.most;
    if (s->backlog.messages >= most / (SOTTO_SCTP_BACKLOG / SOTTO_SCTP_BACKLOG_MESSAGES))
        return false;
    /* One message may be larger than the whole backlog: it is taken while half of it is free. */
    return s->backlog.bytes + n <= most || s->backlog.bytes < most / 2;
}

bool sotto__sctp_writable(const struct sctp *s, size_t n)
{
    if (!s->up || s->down || !s->so || s->want_out) return false;
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
        s->backlog.bytes = s->backlog.most;
        return SOTTO_E_AGAIN;
    case ENOMEM:
    case ENOBUFS: return SOTTO_E_NOMEM;
    case EINVAL:
    case EMSGSIZE:
        SOTTO_LOG(s->log, SOTTO_LOG_ERROR, "sctp", "a message was refused: %s", strerror(errno));
        return SOTTO_E_INVAL;
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

/* To usrsctp. */
static int hand_over(struct sctp *s, const struct sctp_send_opt *opt, const uint8_t *p, size_t n)
{
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = opt->sid;
    spa.sendv_sndinfo.snd_ppid = htonl(opt->ppid);
    spa.sendv_sndinfo.snd_flags = opt->unordered ? SCTP_UNORDERED : 0;
    set_reliability(&spa, opt);
    if (usrsctp_sendv(s->so, p, n, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) < 0)
        return send_error(s);
    return 0;
}

struct run_head {
    struct sctp_send_opt opt;
    size_t n;
};

static bool to_run(struct sctp *s, const struct sctp_send_opt *opt, const uint8_t *p, size_t n)
{
    struct sctp_run *r = &s->run;
    struct run_head head = {*opt, n};
    size_t need = sizeof head + n;
    if (n > RUN_MESSAGE || r->n + need > SOTTO_SCTP_RUN) return false;
    if (r->cap - r->n < need) {
        size_t cap = r->cap ? 2 * r->cap : 256;
        while (cap - r->n < need) cap *= 2;
        uint8_t *bytes = sotto__realloc(r->p, cap);
        if (!bytes) return false;
        r->p = bytes, r->cap = cap;
    }
    memcpy(r->p + r->n, &head, sizeof head);
    memcpy(r->p + r->n + sizeof head, p, n);
    r->n += need, r->messages++;
    return true;
}

static void set_nagle(struct sctp *s, bool on)
{
    int nodelay = !on;
    if (s->nagle != on &&
        usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_NODELAY, &nodelay, sizeof nodelay) == 0)
        s->nagle = on;
}

/* While more come, usrsctp waits for full packets; the last one lets all go. */
void sotto__sctp_flush_run(struct sctp *s)
{
    struct sctp_run *r = &s->run;
    size_t at = 0;
    r->stuck = false;
    while (r->messages > 0 && s->so && !s->down) {
        struct run_head head;
        memcpy(&head, r->p + at, sizeof head);
        set_nagle(s, r->messages > 1);
        int e = hand_over(s, &head.opt, r->p + at + sizeof head, head.n);
        r->stuck = e == SOTTO_E_NOMEM || e == SOTTO_E_AGAIN;
        if (r->stuck) break;
        at += sizeof head + head.n, r->messages--;
    }
    if (!r->stuck) { /* an association that is gone takes them along */
        r->n = 0, r->messages = 0;
    } else {
        r->n -= at;
        memmove(r->p, r->p + at, r->n);
    }
    if (s->so) set_nagle(s, false);
}

static int send_now(struct sctp *s, sotto_us now, const struct sctp_send_opt *opt, const uint8_t *p,
                    size_t n)
{
    sotto__sctp_lock(s, now);
    sotto__sctp_flush_run(s);
    int r = !s->so || s->down ? SOTTO_E_STATE : 0;
    if (r == 0 && s->run.messages > 0) r = SOTTO_E_NOMEM; /* it cannot overtake those */
    if (r == 0) r = hand_over(s, opt, p, n);
    sotto__sctp_unlock(s);
    return r;
}

int sotto__sctp_send(struct sctp *s, sotto_us now, const struct sctp_send_opt *opt,
                     const uint8_t *p, size_t n)
{
    if (!s->up || s->down || !s->so) return SOTTO_E_STATE;
    if (n == 0 || opt->sid >= s->streams_out) return SOTTO_E_INVAL;
    if (n > SOTTO_MAX_MESSAGE) return SOTTO_E_TOO_BIG;
    if (s->out_state[opt->sid] != STREAM_OPEN) return SOTTO_E_STATE;
    if (!sotto__sctp_writable(s, n)) return SOTTO_E_AGAIN;
    if (!sotto__sctp_has_stream(s, now, opt->sid)) return SOTTO_E_AGAIN;
    int r = to_run(s, opt, p, n) ? 0 : send_now(s, now, opt, p, n);
    sotto__sctp_busy(s, now);
    if (r < 0) return r;
    s->backlog.accepted++, s->backlog.messages++, s->backlog.bytes += n;
    s->stats.messages_out++;
    sotto__sctp_path_sent(s, now, n);
    return 0;
}

/* What was accepted on the stream is usrsctp's. */
COLD static int request_reset(struct sctp *s, uint16_t sid)
{
    union {
        struct sctp_reset_streams head;
        uint8_t bytes[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
    } req = {.head = {.srs_flags = SCTP_STREAM_RESET_OUTGOING, .srs_number_streams = 1}};
    memcpy(req.bytes + offsetof(struct sctp_reset_streams, srs_stream_list), &sid, sizeof sid);
    if (usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_RESET_STREAMS, &req, sizeof req) == 0) {
        s->out_state[sid] = STREAM_RESETTING;
    } else if (errno == EOPNOTSUPP) { /* the peer cannot: the caller hears it as an answer, like any other */
        s->out_state[sid] = STREAM_DENIED, s->denied++;
    } else {
        return SOTTO_E_STATE;
    }
    return 0;
}

void sotto__sctp_reset_later(struct sctp *s)
{
    for (uint16_t sid = 0; sid < s->streams_out; sid++)
        if (s->out_state[sid] == STREAM_LATER && request_reset(s, sid) < 0)
            s->out_state[sid] = STREAM_DENIED, s->denied++;
}

COLD int sotto__sctp_reset(struct sctp *s, sotto_us now, uint16_t sid)
{
    if (!s->up || s->down) return SOTTO_E_STATE;
    if (sid >= s->streams_out) return SOTTO_E_INVAL;
    if (s->out_state[sid] != STREAM_OPEN) return SOTTO_E_AGAIN; /* its event is still to come */
    if (!sotto__sctp_has_stream(s, now, sid)) { /* so nothing was sent on it */
        s->out_state[sid] = STREAM_LATER;
        return 0;
    }
    sotto__sctp_lock(s, now);
    sotto__sctp_flush_run(s);
    int r = 0;
    if (s->run.messages > 0)
        r = SOTTO_E_NOMEM; /* they come before it */
    else if (!s->so || s->down)
        r = SOTTO_E_STATE;
    else
        r = request_reset(s, sid);
    sotto__sctp_busy(s, now);
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

/* A small buffer stays for the next message, until the association is idle. */
static void drop_partial(struct sctp *s)
{
    struct sctp_partial keep = {.p = s->partial.p, .cap = s->partial.cap};
    if (keep.cap > AHEAD_MESSAGE) {
        sotto__free(keep.p);
        keep = (struct sctp_partial){0};
    }
    s->partial = keep;
}

/* The guard counts what was read: a message, or an event of the peer's resets. */
static void note_read(struct sctp *s)
{
    const struct sctp_partial *m = &s->partial;
    struct sctp_stream_reset_event e = {0};
    size_t head = offsetof(struct sctp_stream_reset_event, strreset_stream_list);
    if (!m->is_event) {
        if (s->guard.beyond > 0) s->guard.beyond--;
        return;
    }
    memcpy(&e, m->p, m->n < head ? m->n : head);
    bool in = e.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN;
    bool denied = e.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED);
    if (e.strreset_type == SCTP_STREAM_RESET_EVENT && in && !denied && s->guard.resets_unread > 0)
        s->guard.resets_unread--;
}

/* Read on: 1 a message or an event is whole, 0 nothing more, or an error. */
static int receive(struct sctp *s)
{
    struct sctp_partial *m = &s->partial;
    if (m->is_whole) return 1;
    while (!m->is_whole) {
        if (!reserve(s)) return SOTTO_E_NOMEM;
        struct sctp_rcvinfo info = {0};
        socklen_t info_len = sizeof info;
        unsigned int info_type = 0;
        int flags = 0;
        ssize_t r = usrsctp_recvv(s->so, m->p + m->n, m->cap - m->n - 1, NULL, NULL, &info,
                                  &info_len, &info_type, &flags);
        if (r <= 0) { /* EWOULDBLOCK, the end, or the error that ended it */
            if (m->n > 0) return SOTTO_E_PROTO; /* the rest is not there: larger than half the window */
            s->check = s->check || r == 0 || errno != EWOULDBLOCK;
            return 0;
        }
        m->n += (size_t)r;
        m->is_event = (flags & MSG_NOTIFICATION) != 0;
        if (!m->is_event && m->n > s->max_message_size) {
            s->stats.oversize++;
            return SOTTO_E_PROTO;
        }
        m->sid = info.rcv_sid;
        m->ppid = ntohl(info.rcv_ppid);
        if (!m->is_event) sotto__sctp_guard_unshadow(&m->sid, &m->ppid);
        m->is_whole = (flags & MSG_EOR) != 0;
    }
    note_read(s);
    return 1;
}

struct ahead_head {
    uint32_t ppid, n;
    uint16_t sid;
};

/* The message that was read goes behind those read before, and its buffer is free for the next; false: it stays where it is. */
static bool to_ahead(struct sctp *s)
{
    struct sctp_partial *m = &s->partial;
    struct sctp_ahead *a = &s->ahead;
    struct ahead_head head = {.ppid = m->ppid, .n = (uint32_t)m->n, .sid = m->sid};
    size_t need = sizeof head + m->n;
    if (m->is_event || m->n > AHEAD_MESSAGE || a->n + need > SOTTO_SCTP_AHEAD) return false;
    if (a->cap - a->n < need) {
        size_t cap = a->cap ? 2 * a->cap : 256;
        while (cap - a->n < need) cap *= 2;
        uint8_t *p = sotto__realloc(a->p, cap);
        if (!p) return false;
        a->p = p, a->cap = cap;
    }
    memcpy(a->p + a->n, &head, sizeof head);
    memcpy(a->p + a->n + sizeof head, m->p, m->n);
    a->n += need, a->messages++;
    m->n = 0, m->is_whole = false;
    return true;
}

/* Several small messages at a time, up to the first that is not; what comes behind them, an error too, is told in its turn. */
static void read_ahead(struct sctp *s)
{
    struct sctp_ahead *a = &s->ahead;
    a->at = a->n = 0;
    for (a->error = 0; a->error == 0 && s->so && a->messages < SOTTO_SCTP_AHEAD_MESSAGES;) {
        int r = receive(s);
        if (r == 1 && to_ahead(s)) continue;
        if (r == 0) {
            drop_partial(s);
            atomic_store(&s->readable, false);
            s->guard.resets_unread = 0;
        }
        if (r == SOTTO_E_PROTO) {
            drop_partial(s);
            sotto__sctp_fail(s, SOTTO_E_PROTO);
        }
        a->error = r < 0 ? r : 0;
        return;
    }
}

static int give(struct sctp *s, struct sctp_msg *out, uint16_t sid, uint32_t ppid, uint8_t *p,
                size_t n)
{
    p[n] = 0;
    *out = (struct sctp_msg){.type = SCTP_MSG_DATA, .sid = sid, .ppid = ppid, .data = p, .len = n};
    s->last_len = n;
    s->stats.messages_in++;
    return 1;
}

static int give_ahead(struct sctp *s, struct sctp_msg *out)
{
    struct sctp_ahead *a = &s->ahead;
    struct ahead_head head;
    memcpy(&head, a->p + a->at, sizeof head);
    uint8_t *p = sotto__malloc((size_t)head.n + 1);
    if (!p) return SOTTO_E_NOMEM;
    memcpy(p, a->p + a->at + sizeof head, head.n);
    a->at += sizeof head + head.n, a->messages--;
    return give(s, out, head.sid, head.ppid, p, head.n);
}

/* What was read becomes the caller's, without the slack. */
static int give_partial(struct sctp *s, struct sctp_msg *out)
{
    struct sctp_partial m = s->partial;
    s->partial = (struct sctp_partial){0};
    if (m.cap > m.n + 1 + m.n / 4) {
        uint8_t *p = sotto__realloc(m.p, m.n + 1);
        if (p) m.p = p; /* else it stays large */
    }
    return give(s, out, m.sid, m.ppid, m.p, m.n);
}

/* 1: out is filled; 0: nothing is at hand. */
static int take_one(struct sctp *s, struct sctp_msg *out)
{
    if (next_reset(s, out)) return 1;
    if (s->ahead.messages > 0) return give_ahead(s, out);
    if (!s->partial.is_whole) return 0;
    if (!s->partial.is_event) return give_partial(s, out);
    int r = take_event(s); /* without memory for it, it stays */
    if (r < 0) return r;
    drop_partial(s);
    return next_reset(s, out);
}

int sotto__sctp_ready(const struct sctp *s)
{
    if (s->resets.at < s->resets.n || s->denied > 0) return -1;
    if (s->ahead.messages > 0) return 1;
    bool is_empty = s->ahead.error == 0 && s->partial.n == 0 && s->stage.packets == 0;
    return is_empty && !atomic_load(&s->readable) ? 0 : -1;
}

int sotto__sctp_pull(struct sctp *s, sotto_us now, struct sctp_msg *out)
{
    for (;;) {
        int r = take_one(s, out);
        if (r != 0) return r;
        r = s->ahead.error;
        s->ahead.error = 0;
        if (r != 0) return r;
        if (!s->so || (s->stage.packets == 0 && s->partial.n == 0 && !atomic_load(&s->readable)))
            return 0;
        sotto__sctp_lock(s, now);
        sotto__sctp_flush_input(s);
        read_ahead(s);
        sotto__sctp_unlock(s);
    }
}

COLD size_t sotto__sctp_bytes(const struct sctp *s, size_t *ret_queued)
{
    struct sctp *m = (struct sctp *)(uintptr_t)s; /* locking writes, the association stays as it is */
    struct sctp_sockstat use = {0};
    sotto__sctp_lock_quiet(m);
    if (s->so) (void)get_option(m, SCTP_GET_SNDBUF_USE, &use, sizeof use); /* once it has ended there is nothing */
    size_t n = sotto__mem_size(s->back.bytes);
    sotto__sctp_unlock(m);
    *ret_queued = use.ss_total_sndbuf;
    return n + sotto__mem_size(s) + sotto__mem_size(s->front.bytes) +
           sotto__mem_size(s->partial.p) + sotto__mem_size(s->stage.p) + sotto__mem_size(s->run.p) +
           sotto__mem_size(s->ahead.p) + sotto__mem_size(s->resets.list) +
           sotto__mem_size(s->out_state) + sotto__mem_size(s->held.p);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One SCTP association over DTLS (RFC 8261, RFC 8831 §6): its usrsctp socket, its life from new to free, and what comes out
 * of it: packets, UP and DOWN. Packets in are sctp_input.c's, messages and stream resets are sctp_data.c's, the process-wide
 * side of usrsctp is sctp_stack.c's. UP and DOWN come from the association's
 * state, not from usrsctp's notifications: those queue behind the messages, and nobody may be reading them. Knows
 * nothing of DTLS, channels or the clock.
 * answers: H118 H130
 */
#include <errno.h>
#include <string.h>

#include "transport/sctp_priv.h"
#include "util/cold.h"
#include "util/mem.h"

#include "sotto/ctx.h"

#define MODULE "sctp"

COLD static bool set_option(struct sctp *s, int option, const void *value, size_t n)
{
    if (usrsctp_setsockopt(s->so, IPPROTO_SCTP, option, value, (socklen_t)n) == 0) return true;
    SOTTO_LOG(s->log, SOTTO_LOG_ERROR, MODULE, "option %#x: %s", (unsigned)option, strerror(errno));
    return false;
}

/* The window must hold the largest message twice: usrsctp begins to give a message out in parts at half of it, and mixes up
 * such parts when some of them are abandoned. */
uint32_t sotto__sctp_receive_buffer(const struct sctp *s)
{
    uint32_t twice = 2 * s->max_message_size + 4096;
    if (twice < SOTTO_SCTP_WINDOW) twice = SOTTO_SCTP_WINDOW;
    return twice > s->window ? twice : s->window;
}

static bool set_buffers(struct sctp *s)
{
    uint32_t rcv = sotto__sctp_receive_buffer(s), half = rcv / 2;
    /* Our own bound on what waits is below this one: it shall never be the one that binds. */
    uint32_t snd = 2 * (SOTTO_SCTP_BACKLOG_MAX + SOTTO_MAX_MESSAGE);
    sotto__sctp_stack_room(rcv);
    return usrsctp_setsockopt(s->so, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof rcv) == 0 &&
           usrsctp_setsockopt(s->so, SOL_SOCKET, SO_SNDBUF, &snd, sizeof snd) == 0 &&
           set_option(s, SCTP_PARTIAL_DELIVERY_POINT, &half, sizeof half);
}

static bool set_options(struct sctp *s, const struct sctp_cfg *cfg)
{
    int on = 1, off = 0;
    struct linger linger = {.l_onoff = 1, .l_linger = 0}; /* close is one ABORT, and then nothing */
    struct sctp_initmsg init = {.sinit_num_ostreams =
                                    s->guard.few ? s->guard.few : cfg->streams_out,
                                .sinit_max_instreams = (uint16_t)(s->guard.user_streams + 1),
                                .sinit_max_attempts = UINT16_MAX}; /* sctp_outage.c counts */
    struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                     .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    struct sctp_event event = {
        .se_assoc_id = SCTP_ALL_ASSOC, .se_type = SCTP_STREAM_RESET_EVENT, .se_on = 1};
    return usrsctp_set_non_blocking(s->so, 1) == 0 &&
           usrsctp_setsockopt(s->so, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 &&
           set_option(s, SCTP_INITMSG, &init, sizeof init) &&
           set_option(s, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) &&
           set_option(s, SCTP_EVENT, &event, sizeof event) &&
           set_option(s, SCTP_RECVRCVINFO, &on, sizeof on) &&
           set_option(s, SCTP_NODELAY, &on, sizeof on) &&
           set_option(s, SCTP_FRAGMENT_INTERLEAVE, &off, sizeof off) && sotto__sctp_path_init(s);
}

static bool associate(struct sctp *s, const struct sctp_cfg *cfg)
{
    void *id = (void *)(uintptr_t)s->id;
    struct sockaddr_conn local = {
        .sconn_family = AF_CONN, .sconn_port = htons(sotto__sctp_port(s)), .sconn_addr = id};
    struct sockaddr_conn remote = {
        .sconn_family = AF_CONN, .sconn_port = htons(cfg->remote_port), .sconn_addr = id};
    if (usrsctp_set_upcall(s->so, sotto__sctp_upcall, id) < 0) return false;
    if (usrsctp_bind(s->so, (struct sockaddr *)&local, sizeof local) < 0) return false;
    return usrsctp_connect(s->so, (struct sockaddr *)&remote, sizeof remote) == 0 ||
           errno == EINPROGRESS;
}

static int open_socket(struct sctp *s, const struct sctp_cfg *cfg)
{
    s->so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!s->so) return errno == ENOMEM || errno == ENOBUFS ? SOTTO_E_NOMEM : SOTTO_E_SYS;
    return set_buffers(s) && set_options(s, cfg) && associate(s, cfg) ? 0 : SOTTO_E_SYS;
}

COLD int sotto__sctp_new(struct sctp **ret, const struct sctp_cfg *cfg, sotto_us now)
{
    if (cfg->streams_out == 0 || cfg->streams_in < 2 || cfg->max_message_size == 0 ||
        cfg->max_message_size > SOTTO_MAX_MESSAGE)
        return SOTTO_E_INVAL;
    struct sctp *s = sotto__calloc(1, sizeof *s);
    if (!s) return SOTTO_E_NOMEM;
    s->log = cfg->log, s->home = cfg->home, s->owner = cfg->owner;
    s->max_message_size = cfg->max_message_size;
    s->streams_out = cfg->streams_out;
    s->guard.local_port = cfg->local_port, s->guard.remote_port = cfg->remote_port;
    s->guard.user_streams = cfg->streams_in / 2; /* as twice as many were asked for as there are */
    if (cfg->streams_out > SOTTO_STREAMS_FIRST && s->guard.user_streams > SOTTO_STREAMS_FIRST)
        s->guard.few = SOTTO_STREAMS_FIRST;
    s->guard.streams_out = cfg->streams_out;
    s->guard.window = UINT32_MAX;
    s->backlog.most = SOTTO_SCTP_BACKLOG;
    sotto__sctp_busy(s, now);
    sotto__sctp_outage_init(s, now);
    s->out_state = sotto__calloc(cfg->streams_out, 1);
    int r = s->out_state ? sotto__sctp_stack_add(s, now) : SOTTO_E_NOMEM;
    if (r == 0) {
        sotto__sctp_lock(s, now);
        r = open_socket(s, cfg);
        sotto__sctp_unlock(s);
    }
    if (r < 0) {
        sotto__sctp_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* Close the socket; what it says goes into the outbox, or, after stack_remove, nowhere. */
static void close_socket(struct sctp *s)
{
    if (!s->so) return;
    usrsctp_set_upcall(s->so, NULL, NULL);
    usrsctp_close(s->so);
    s->so = NULL;
}

void sotto__sctp_fail(struct sctp *s, int error)
{
    close_socket(s);
    sotto__sctp_rest(s);
    if (s->down) return;
    s->down = true, s->error = error;
    atomic_store(&s->attention, true);
}

COLD void sotto__sctp_close(struct sctp *s, sotto_us now)
{
    sotto__sctp_lock(s, now);
    close_socket(s);
    sotto__sctp_stack_remove(s);
    s->up = false, s->down = s->down_told = true;
    sotto__sctp_rest(s);
    s->stage.packets = s->run.messages = s->ahead.messages = 0;
    sotto__sctp_unlock(s);
}

COLD void sotto__sctp_free(struct sctp *s)
{
    if (!s) return;
    sotto__sctp_lock_quiet(s);
    uint64_t id = s->id;
    sotto__sctp_stack_remove(s);
    if (id != 0) close_socket(s);
    sotto__sctp_unlock(s);
    sotto__sctp_rest(s);
    sotto__outbox_free(&s->front);
    sotto__outbox_free(&s->back);
    sotto__sctp_outage_free(s);
    sotto__free(s->stage.p);
    sotto__free(s->run.p);
    sotto__free(s->ahead.p);
    sotto__free(s->held.p);
    sotto__free(s->partial.p);
    sotto__free(s->resets.list);
    sotto__free(s->out_state);
    sotto__free(s);
}

static void swap_boxes(struct sctp *s)
{
    struct outbox empty = s->front;
    s->front = s->back;
    if (empty.cap > 256 * 1024)
        sotto__outbox_free(&empty); /* a burst's size is not for keeps */
    else
        empty.at = empty.n = empty.packets = 0;
    s->back = empty;
}

/* Idle ones need none. */
static void free_boxes(struct sctp *s)
{
    sotto__outbox_free(&s->front);
    sotto__outbox_free(&s->back);
    sotto__free(s->stage.p);
    s->stage = (struct sctp_stage){0};
    if (s->run.messages == 0) {
        sotto__free(s->run.p);
        s->run = (struct sctp_run){0};
    }
    if (s->partial.n == 0) {
        sotto__free(s->partial.p);
        s->partial = (struct sctp_partial){0};
    }
    if (s->ahead.messages == 0 && s->ahead.error == 0) {
        sotto__free(s->ahead.p);
        s->ahead = (struct sctp_ahead){0};
    }
}

static bool take_packet(struct sctp *s, struct sctp_out *out)
{
    struct outbox *o = &s->front;
    if (o->packets == 0) return false;
    size_t head = (size_t)(o->bytes[o->at] << 8 | o->bytes[o->at + 1]), n = head & ~OUTBOX_PROBE;
    *out = (struct sctp_out){.type = SCTP_OUT_PACKET, .p = o->bytes + o->at + 2, .n = n};
    if (head & OUTBOX_PROBE)
        out->whole = SCTP_WHOLE;
    else if (n > s->path.search.size)
        out->whole = SCTP_FRAGMENTS;
    o->at += n + 2, o->packets--;
    return true;
}

/* What was sent has been acknowledged and what was asked for answered: no timer runs but that of heartbeats. */
bool sotto__sctp_settled(const struct sctp *s)
{
    return s->up && s->run.messages == 0 &&
           (!s->has_tsn || (s->guard.has_acked && (int32_t)(s->guard.acked - s->last_tsn) >= 0)) &&
           !memchr(s->out_state, STREAM_RESETTING, s->streams_out);
}

/* With a loop an idle association costs nothing but a look now and then, as the loop ticks and hears whom a timer woke. */
static sotto_us tick_due(const struct sctp *s)
{
    if (!s->home) return sotto__sctp_stack_due(sotto__sctp_stack_stamp() < s->busy_until);
    return s->is_trim ? s->look_at : s->busy_until;
}

/* Something was accepted or arrived that usrsctp shall see, or the other way round. */
static bool waits(const struct sctp *s)
{
    return s->stage.packets > 0 || (s->run.messages > 0 && !s->run.stuck) ||
           atomic_load_explicit(&s->attention, memory_order_acquire);
}

/* The clock of usrsctp must be right before it sees something that begins a timer; otherwise a loop ticks when it must. */
static void turn(struct sctp *s, sotto_us now, bool ticks)
{
    if ((ticks && !s->home) || s->stage.packets > 0 || s->run.messages > 0)
        sotto__sctp_lock(s, now);
    else
        sotto__sctp_lock_quiet(s);
    s->backlog.stale = true;
    if (ticks && now >= s->look_at) { /* should usrsctp ever end one without a word */
        s->in_tick = s->in_tick || !s->check;
        s->check = true, s->look_at = sotto__after(now, s->home ? SCTP_LOOK_HOME : SCTP_LOOK);
    }
    sotto__sctp_flush_input(s);
    sotto__sctp_flush_run(s);
    sotto__sctp_release(s);
    sotto__sctp_add_out(s);
    sotto__sctp_look(s);
    atomic_store(&s->attention, false);
    sotto__sctp_path_turn(s, now);
    sotto__sctp_outage_turn(s, now);
    swap_boxes(s);
    s->is_trim = now >= s->busy_until && s->front.packets == 0;
    if (s->is_trim) {
        free_boxes(s);
        sotto__sctp_shrink(s);
        if (sotto__sctp_settled(s)) sotto__sctp_rest(s);
    }
    sotto__sctp_unlock(s);
}

int sotto__sctp_next(struct sctp *s, sotto_us now, struct sctp_out *out)
{
    if (take_packet(s, out)) return 1;
    bool ticks = s->so && !s->down && now >= tick_due(s);
    if (ticks || waits(s) || now >= sotto__sctp_path_due(s) || now >= sotto__sctp_outage_due(s))
        turn(s, now, ticks);
    if (s->up && !s->up_told) {
        s->up_told = true;
        *out = (struct sctp_out){.type = SCTP_OUT_UP, .streams_out = s->streams_out};
        return 1;
    }
    if (take_packet(s, out)) return 1;
    if (!s->down || s->down_told) return 0;
    s->down_told = true;
    *out = (struct sctp_out){.type = SCTP_OUT_DOWN, .error = s->error};
    return 1;
}

sotto_us sotto__sctp_due(const struct sctp *s)
{
    if (s->front.packets > 0 || waits(s) || (s->up && !s->up_told) || (s->down && !s->down_told))
        return 0;
    if (!s->so || s->down) return SOTTO_NEVER;
    sotto_us due = s->home && s->is_trim ? sotto__after(s->look_at, SCTP_LOOK_WAIT) : tick_due(s);
    due = sotto__earlier(due, sotto__sctp_outage_due(s));
    return sotto__earlier(due, sotto__sctp_path_due(s));
}

COLD void sotto__sctp_get_stats(const struct sctp *s, struct sctp_stats *ret)
{
    struct sctp *m = (struct sctp *)(uintptr_t)s; /* locking writes, the association stays as it is */
    struct sctp_status status = {0};
    socklen_t n = sizeof status;
    *ret = s->stats;
    ret->packet_size = (uint32_t)s->path.search.size;
    sotto__sctp_lock_quiet(m);
    ret->outbox_dropped = s->outbox_dropped;
    if (s->so && usrsctp_getsockopt(s->so, IPPROTO_SCTP, SCTP_STATUS, &status, &n) == 0) {
        ret->rwnd_peer = status.sstat_rwnd;
        ret->cwnd = status.sstat_primary.spinfo_cwnd;
        ret->rtt_us = status.sstat_primary.spinfo_srtt * 1000;
    }
    sotto__sctp_unlock(m);
}

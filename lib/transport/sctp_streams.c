/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many streams usrsctp has. It wants about a hundred bytes for each that was negotiated, whether used or not, so it is told of a
 * few, while the guard announces all. When one of the others is used it gets them, by its own way of adding streams (RFC 6525
 * §4.5, §4.6): as if the peer had asked for that, or had agreed to it. Neither is ever on the wire, where all streams exist from the
 * start. Inbound ones are added when a packet is about them; outbound ones before the first message, and only while usrsctp has no
 * message of ours that it has not sent whole: moving its queues, it forgets of which one it has sent a part.
 * answers: H121
 */
#include <errno.h>
#include <string.h>

#include "transport/sctp_priv.h"

#include "sotto/ctx.h"

#define MODULE "sctp"
#define RE_CONFIG 0x82
#define PARAM_ANSWER 16
#define PARAM_ADD_OUT 17
#define PERFORMED 1u

struct from_peer { /* a packet that the peer did not send: header, RE-CONFIG, one parameter */
    uint8_t bytes[12 + 4 + 12];
};

static void put(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void feed_param(struct sctp *s, unsigned type, uint32_t seq, uint32_t value)
{
    struct from_peer m = {{0}};
    put(m.bytes, (uint32_t)s->guard.remote_port << 16 | sotto__sctp_port(s));
    put(m.bytes + 4, s->guard.own_tag);
    put(m.bytes + 12, (uint32_t)RE_CONFIG << 24 | 16);
    put(m.bytes + 16, type << 16 | 12);
    put(m.bytes + 20, seq);
    put(m.bytes + 24, value);
    usrsctp_conninput((void *)(uintptr_t)s->id, m.bytes, sizeof m.bytes, 0);
}

static bool get_status(struct sctp *s, struct sctp_status *ret)
{
    socklen_t n = sizeof *ret;
    *ret = (struct sctp_status){0};
    return usrsctp_getsockopt(s->so, IPPROTO_SCTP, SCTP_STATUS, ret, &n) == 0;
}

/* Whether the peer may ask for more streams: only we do, in its name. */
static bool let_add(struct sctp *s, bool on)
{
    struct sctp_assoc_value value = {.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ |
                                                    (on ? SCTP_ENABLE_CHANGE_ASSOC_REQ : 0u)};
    return usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &value,
                              sizeof value) == 0;
}

static bool failed(struct sctp *s)
{
    SOTTO_LOG(s->log, SOTTO_LOG_ERROR, MODULE, "streams could not be added");
    sotto__sctp_fail(s, SOTTO_E_NOMEM);
    return false;
}

bool sotto__sctp_add_in(struct sctp *s)
{
    struct sctp_guard *g = &s->guard;
    struct sctp_status status;
    uint32_t all = g->user_streams + 1u;
    if (!let_add(s, true)) return failed(s);
    g->in = (struct sctp_added){.done = true, .at = g->next_request};
    feed_param(s, PARAM_ADD_OUT, g->in.at, (all - g->few - 1) << 16);
    if (!let_add(s, false) || !get_status(s, &status) || status.sstat_instrms != all)
        return failed(s);
    g->all_in = true;
    return true;
}

void sotto__sctp_streams_up(struct sctp *s, uint16_t negotiated)
{
    struct sctp_guard *g = &s->guard;
    uint16_t all = g->few > 0 && g->can_add ? g->peer_in : negotiated;
    if (all < s->streams_out) s->streams_out = all;
    s->out_now = negotiated;
}

/* 1: there are all; 0: not yet. */
static int add_out(struct sctp *s)
{
    struct sctp_add_streams add = {.sas_outstrms = (uint16_t)(s->streams_out - s->out_now)};
    struct sctp_status status;
    if (!sotto__sctp_all_left(s)) return 0;
    s->guard.out.done = false;
    if (usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_ADD_STREAMS, &add, sizeof add) != 0)
        return errno == EALREADY ? 0 : SOTTO_E_NOMEM; /* a reset waits for its answer */
    if (!s->guard.out.done) return SOTTO_E_NOMEM;
    feed_param(s, PARAM_ANSWER, s->guard.out.at, PERFORMED);
    if (!get_status(s, &status) || status.sstat_outstrms != s->streams_out) return SOTTO_E_NOMEM;
    s->out_now = s->streams_out;
    return 1;
}

void sotto__sctp_add_out(struct sctp *s)
{
    if (!s->want_out || !s->so || s->down) return;
    int r = add_out(s);
    if (r < 0) failed(s);
    if (r == 0) return;
    s->want_out = false;
    s->backlog.stale = true;
    sotto__sctp_reset_later(s);
}

bool sotto__sctp_has_stream(struct sctp *s, sotto_us now, uint16_t sid)
{
    if (sid < s->out_now) return true;
    sotto__sctp_lock(s, now);
    sotto__sctp_flush_run(s);
    s->want_out = true;
    sotto__sctp_add_out(s);
    sotto__sctp_unlock(s);
    return sid < s->out_now;
}

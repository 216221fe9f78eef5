/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filter in front of usrsctp 0.9.5.0 (chunks: RFC 9260 §3, RFC 3758 §3.2, RFC 6525 §4, RFC 4820). In: packets out of DTLS, so the
 * sender is the authenticated peer, who may still be hostile; out: a verdict, and the packet with its complete unordered messages
 * moved to the shadow stream. usrsctp keeps a stale entry of an abandoned fragmented message and takes the next complete one on the
 * same stream for a part of it, which ends the association; messages without fragments never meet that entry on an id of their own.
 * Unordered messages carry no sequence number, so nothing else changes. And the packets that usrsctp sends, with all streams announced
 * and the numbers of requests as the peer knows them. Knows neither usrsctp nor time.
 * answers: H111 H112 H113 H114 H115 H116 H117 H126 H128
 */
#include "transport/sctp_guard.h"

#include <string.h>

#include "transport/sctp.h"
#include "util/bytes.h"

enum chunk_type {
    DATA = 0,
    INIT = 1,
    INIT_ACK = 2,
    SACK = 3,
    HEARTBEAT = 4,
    HEARTBEAT_ACK = 5,
    ABORT = 6,
    SHUTDOWN = 7,
    SHUTDOWN_ACK = 8,
    ERROR = 9,
    COOKIE_ECHO = 10,
    COOKIE_ACK = 11,
    SHUTDOWN_COMPLETE = 14,
    RE_CONFIG = 0x82,
    PAD = 0x84,
    FORWARD_TSN = 0xc0
};

#define HEADER 12u      /* common header */
#define MAX_CHUNKS 819u /* of a packet: as many of the smallest DATA fit the largest one */
#define MAX_PARAMS 32u  /* of INIT and INIT ACK */
#define SMALL_WINDOW 1500u /* closed, as usrsctp says it when messages are small */
#define FLAGS_WHOLE 7u  /* DATA: unordered, begin and end */

struct chunk {
    uint8_t type, flags;
    const uint8_t *p; /* the body, behind the chunk's header */
    size_t n;
};

struct walk { /* over one packet */
    const uint8_t *packet;
    struct sctp_guard *g;
    struct sctp_seen *seen;
    const char *why;
    bool cookie_here;  /* a COOKIE ECHO in this packet */
    bool settles;      /* DATA or SACK: with no cookie beside it, the peer has our COOKIE ACK */
};

static bool refuse(struct walk *w, const char *why)
{
    w->why = why;
    return false;
}

/* The next chunk (padded to 4 bytes, the last one perhaps not); false: a length that does not fit. */
static bool next_chunk(struct reader *r, struct chunk *c)
{
    c->type = sotto__read_u8(r);
    c->flags = sotto__read_u8(r);
    size_t len = sotto__read_u16(r);
    if (r->bad || len < 4 || len - 4 > r->n) return false;
    c->n = len - 4;
    c->p = sotto__read_view(r, c->n);
    size_t pad = (4 - len % 4) % 4;
    sotto__read_view(r, pad < r->n ? pad : r->n);
    return true;
}

/* A parameter or error cause: type, length including these 4 bytes, padded. */
static bool next_param(struct reader *r, uint16_t *type, struct reader *body)
{
    *type = sotto__read_u16(r);
    size_t len = sotto__read_u16(r);
    if (r->bad || len < 4 || len - 4 > r->n) return false;
    *body = sotto__reader(sotto__read_view(r, len - 4), len - 4);
    size_t pad = (4 - len % 4) % 4;
    sotto__read_view(r, pad < r->n ? pad : r->n);
    return true;
}

static bool check_init_param(struct walk *w, uint16_t type, const struct reader *body, bool is_ack)
{
    size_t n = body->n;
    switch (type) {
    case 5:      /* IPv4 address */
    case 6:      /* IPv6 address */
    case 11:     /* host name */
    case 0xc001: /* ASCONF: add, delete, set primary */
    case 0xc002:
    case 0xc004: return refuse(w, "INIT with an address");
    case 7: return is_ack || refuse(w, "INIT with a cookie");
    case 0x8002: /* AUTH: random, chunk list, HMACs. usrsctp reads them though AUTH is off */
    case 0x8003: return n <= 256 || refuse(w, "INIT with an oversized AUTH parameter");
    case 0x8004: return (n >= 2 && n <= 32 && n % 2 == 0) || refuse(w, "INIT with bad HMACs");
    case 0x8008:
        w->g->can_add = n > 0 && memchr(body->p, RE_CONFIG, n);
        return n <= 32 || refuse(w, "INIT with too many extensions");
    case 0xc000: return n == 0 || refuse(w, "INIT with a bad Forward-TSN parameter");
    default: return true;
    }
}

/* RFC 9260 §3.3.2 and §3.3.3. One tag for the life of the association: usrsctp's restart is never entered. */
static bool check_init(struct walk *w, const struct chunk *c)
{
    bool is_ack = c->type == INIT_ACK;
    struct reader r = sotto__reader(c->p, c->n);
    uint32_t tag = sotto__read_u32(&r), rwnd = sotto__read_u32(&r);
    uint16_t out = sotto__read_u16(&r), in = sotto__read_u16(&r);
    uint32_t tsn = sotto__read_u32(&r);
    if (r.bad || tag == 0 || rwnd < 1500 || out == 0 || in == 0) return refuse(w, "bad INIT");
    if (c->n > SOTTO_MTU - HEADER - 40) return refuse(w, "oversized INIT"); /* its cookie must fit a packet of ours */
    if (w->g->settled || w->g->in.done) return refuse(w, "INIT after data");
    if (w->g->has_tag && w->g->tag != tag) return refuse(w, "another INIT tag");
    w->g->can_add = false;
    unsigned params = 0, cookies = 0;
    while (r.n >= 4) {
        struct reader body;
        uint16_t type;
        if (++params > MAX_PARAMS || !next_param(&r, &type, &body))
            return refuse(w, "bad INIT parameter");
        if (!check_init_param(w, type, &body, is_ack)) return false;
        if (type == 7 && (++cookies > 1 || body.n == 0)) return refuse(w, "bad cookie in INIT ACK");
    }
    if (r.n > 0) return refuse(w, "rest behind INIT");
    if (is_ack && cookies == 0) return refuse(w, "INIT ACK without a cookie");
    w->seen->rewrite = true;
    w->g->has_tag = true, w->g->tag = tag, w->g->cum_tsn = tsn - 1, w->g->next_tsn = tsn;
    w->g->peer_in = in, w->g->next_request = tsn;
    w->g->all_in = w->g->few == 0 || !w->g->can_add;
    return true;
}

/* Whether a stream exists. */
static bool check_stream(struct walk *w, uint16_t sid)
{
    if (!w->g->all_in && w->g->few > 0 && sid >= w->g->few) w->seen->more = true;
    return sid < w->g->user_streams;
}

static bool check_cookie(struct walk *w, const struct chunk *c)
{
    struct sctp_guard *g = w->g;
    if (g->settled) return refuse(w, "COOKIE ECHO after data");
    uint32_t crc = sotto__crc32c(0, c->p, c->n);
    if (g->has_cookie && (g->cookie_len != c->n || g->cookie_crc != crc))
        return refuse(w, "another cookie");
    g->has_cookie = true, g->cookie_len = c->n, g->cookie_crc = crc;
    w->cookie_here = true;
    return true;
}

static bool check_data(struct walk *w, const struct chunk *c)
{
    if (c->n < 13) return refuse(w, "DATA without data");
    if (!check_stream(w, sotto__get_u16(c->p + 4)))
        return refuse(w, "DATA on a stream that does not exist");
    if ((c->flags & FLAGS_WHOLE) == FLAGS_WHOLE || sotto__get_u16(c->p + 8) != 0)
        w->seen->rewrite = true;
    uint32_t tsn = sotto__get_u32(c->p);
    if (w->seen->data_len == 0) {
        w->seen->data_len = c->n;
        w->seen->in_sequence = !w->g->gaps;
        w->seen->closed = w->g->window < SMALL_WINDOW;
        w->seen->next = tsn == w->g->cum_tsn + 1;
    }
    if (tsn == w->g->next_tsn)
        w->g->next_tsn++;
    else
        w->seen->in_sequence = false;
    /* usrsctp's window never closes on small messages, each of which costs it some 400 bytes. */
    if (w->g->window < SMALL_WINDOW && ++w->g->beyond > SOTTO_SCTP_BEYOND_WINDOW) {
        w->g->beyond = SOTTO_SCTP_BEYOND_WINDOW;
        w->seen->rewrite = w->seen->too_much = true;
    }
    w->settles = true;
    return true;
}

static bool check_sack(struct walk *w, const struct chunk *c)
{
    if (c->n < 12) return refuse(w, "short SACK");
    size_t gaps = sotto__get_u16(c->p + 8), dups = sotto__get_u16(c->p + 10);
    if (c->n != 12 + 4 * (gaps + dups)) return refuse(w, "SACK of wrong length");
    uint16_t last = 0;
    for (size_t i = 0; i < gaps; i++) { /* ascending blocks, each of at least one TSN: RFC 9260 §3.3.4 */
        uint16_t start = sotto__get_u16(c->p + 12 + 4 * i), end = sotto__get_u16(c->p + 14 + 4 * i);
        if (start <= last || end < start) return refuse(w, "SACK with bad gaps");
        last = end;
    }
    uint32_t acked = sotto__get_u32(c->p);
    if (!w->g->has_acked || (int32_t)(acked - w->g->acked) > 0) {
        w->g->acked = acked, w->g->has_acked = true;
        w->seen->advances = c->n == 12 && c->p == w->packet + HEADER + 4;
    }
    w->settles = w->seen->acks = true;
    return true;
}

static bool check_heartbeat(struct walk *w, const struct chunk *c)
{
    struct reader r = sotto__reader(c->p, c->n), body;
    uint16_t type;
    if (c->n > SOTTO_MTU - HEADER - 40) return refuse(w, "oversized HEARTBEAT"); /* it is echoed */
    if (!next_param(&r, &type, &body) || type != 1 || r.n > 0) return refuse(w, "bad HEARTBEAT");
    if (c->type == HEARTBEAT_ACK)
        w->seen->answer = (size_t)(c->p - w->packet), w->seen->answer_len = c->n;
    return true;
}

/* RFC 3758 §3.2. usrsctp stops at a stream that does not exist. */
static bool check_forward(struct walk *w, const struct chunk *c)
{
    if (c->n < 4 || (c->n - 4) % 4 != 0) return refuse(w, "FORWARD-TSN of wrong length");
    for (size_t i = 4; i < c->n; i += 4)
        if (!check_stream(w, sotto__get_u16(c->p + i)))
            return refuse(w, "FORWARD-TSN on a stream that does not exist");
    return true;
}

static bool check_causes(struct walk *w, const struct chunk *c)
{
    struct reader r = sotto__reader(c->p, c->n), body;
    while (r.n > 0) {
        uint16_t cause;
        if (!next_param(&r, &cause, &body)) return refuse(w, "bad error cause");
        if (cause == 0xb0 || cause == 0xb1) return refuse(w, "error cause of a NAT"); /* they swap tags in usrsctp */
        if (c->type == ABORT && cause != 12) w->seen->abort_proto = true; /* 12: by the user */
    }
    return true;
}

/* RFC 6525 §4.1: the peer resets its outgoing streams. One request at a time, as §5.1.1 wants it of the sender. */
static bool check_reset_out(struct walk *w, struct reader body)
{
    uint32_t seq = sotto__read_u32(&body);
    sotto__read_u32(&body); /* of ours that it answers */
    w->seen->request_tsn = sotto__read_u32(&body);
    if (body.bad || body.n % 2 != 0) return refuse(w, "bad reset request");
    while (body.n > 0)
        if (!check_stream(w, sotto__read_u16(&body)))
            return refuse(w, "reset of a stream that does not exist");
    if (w->g->reset_open && w->g->reset_seq != seq) return refuse(w, "second reset request");
    /* An event costs usrsctp two kilobytes. No id is used again before our side of it is reset too: there can be no more. */
    if (w->g->resets_unread >= w->g->user_streams && w->g->reset_done != seq)
        return refuse(w, "too many resets");
    w->g->reset_open = true, w->g->reset_seq = seq;
    return true;
}

/* RFC 6525 §4. usrsctp, as it is set up, denies requests to add streams and to reset the association. One to reset our streams
 * it would obey behind our back; RFC 8831 §6.7 has no use for it. */
static bool check_reconfig(struct walk *w, const struct chunk *c)
{
    struct reader r = sotto__reader(c->p, c->n), body;
    unsigned params = 0;
    while (r.n > 0) {
        uint16_t type;
        if (++params > 2 || !next_param(&r, &type, &body)) return refuse(w, "bad RE-CONFIG");
        if (type == 13) {
            if (w->seen->request > 0) return refuse(w, "two reset requests");
            if (!check_reset_out(w, body)) return false;
            w->seen->request = (size_t)(c->p - w->packet) - 4, w->seen->request_len = c->n + 4;
        } else if (!(type == 16 && (body.n == 8 || body.n == 16)) && !(type == 15 && body.n == 4) &&
                   !((type == 17 || type == 18) && body.n == 8)) {
            return refuse(w, "RE-CONFIG that is not offered");
        }
    }
    if (params == 0) return refuse(w, "empty RE-CONFIG");
    w->seen->rewrite = true;
    return true;
}

static bool check_shape(struct walk *w, const struct chunk *c)
{
    switch (c->type) {
    case DATA: return check_data(w, c);
    case INIT:
    case INIT_ACK: return check_init(w, c);
    case SACK: return check_sack(w, c);
    case HEARTBEAT:
    case HEARTBEAT_ACK: return check_heartbeat(w, c);
    case ABORT: w->seen->end = w->seen->aborted = true; return check_causes(w, c);
    case ERROR: return check_causes(w, c);
    case SHUTDOWN: w->seen->end = true; return c->n == 4 || refuse(w, "SHUTDOWN of wrong length");
    case SHUTDOWN_ACK:
    case SHUTDOWN_COMPLETE: w->seen->end = true; /* fall through */
    case COOKIE_ACK: return c->n == 0 || refuse(w, "control chunk of wrong length");
    case COOKIE_ECHO: return check_cookie(w, c);
    case RE_CONFIG: return check_reconfig(w, c);
    case FORWARD_TSN: return check_forward(w, c);
    case PAD: return true;
    default: return refuse(w, "chunk type that is not offered");
    }
}

static bool stands_alone(uint8_t type) /* RFC 9260 §6.10 */
{
    return type == INIT || type == INIT_ACK || type == SHUTDOWN_COMPLETE;
}

/* Chunk by chunk, with what holds between chunks. State is changed in `w->g` as we go: the caller commits it at the end. */
static bool check_chunks(struct walk *w, struct reader *r, uint32_t vtag)
{
    for (unsigned i = 0; r->n > 0; i++) {
        struct chunk c;
        if (i == MAX_CHUNKS) return refuse(w, "too many chunks");
        if (!next_chunk(r, &c)) return refuse(w, "chunk of impossible length");
        if (stands_alone(c.type) && (i > 0 || r->n > 0))
            return refuse(w, "INIT beside other chunks");
        if (c.type == COOKIE_ECHO && i > 0) return refuse(w, "COOKIE ECHO is not first");
        if ((vtag == 0) != (c.type == INIT)) return refuse(w, "wrong verification tag");
        if (c.type != DATA && (c.type != SACK || i > 0)) w->seen->other = true;
        w->seen->last = (size_t)(c.p - w->packet) - 4;
        if (!check_shape(w, &c)) return false;
        if (c.type == COOKIE_ECHO && r->n > 0) w->seen->cookie_end = (size_t)(r->p - w->packet);
    }
    return true;
}

bool sotto__sctp_guard_check(struct sctp_guard *g, const uint8_t *p, size_t n,
                             struct sctp_seen *seen, const char **why)
{
    struct sctp_guard next = *g;
    struct walk w = {.packet = p, .g = &next, .seen = seen, .why = ""};
    *seen = (struct sctp_seen){0};
    struct reader r = sotto__reader(p, n);
    uint16_t from = sotto__read_u16(&r), to = sotto__read_u16(&r);
    uint32_t vtag = sotto__read_u32(&r);
    sotto__read_u32(&r); /* the checksum: DTLS has authenticated the packet */
    bool good = !r.bad && r.n > 0 && from == g->remote_port && to == g->local_port;
    if (!good) w.why = "bad common header";
    good = good && check_chunks(&w, &r, vtag);
    *why = w.why;
    if (!good) return false;
    /* Without a cookie beside it the peer has our COOKIE ACK, and we are both past the handshake. */
    if (w.settles && !w.cookie_here) next.settled = true;
    *g = next;
    return true;
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16), put16(p + 2, v & 0xffff);
}

/* The id, plus one, goes where no PPID has bits: RFC 8832 and RFC 8831 know none above 57, and what else comes is nobody's. */
static void rewrite_data(const struct sctp_guard *g, const struct chunk *c, uint8_t *body)
{
    if (sotto__get_u16(body + 8) != 0) put32(body + 8, 0);
    if ((c->flags & FLAGS_WHOLE) != FLAGS_WHOLE) return;
    put16(body + 8, sotto__get_u16(body + 4) + 1u);
    put16(body + 4, g->few == 0 || g->all_in ? g->user_streams : g->few);
}

static uint32_t to_usrsctp(const struct sctp_added *a, uint32_t seq)
{
    return a->done && (int32_t)(seq - a->at) >= 0 ? seq + 1 : seq;
}

static uint32_t to_wire(const struct sctp_added *a, uint32_t seq)
{
    return a->done && (int32_t)(seq - a->at) >= 0 ? seq - 1 : seq;
}

/* RFC 6525 §4: an answer (16) begins with the number of the other side's request, a request with its own; that to reset outgoing
 * streams (13) has the other side's behind it. */
static void renumber(uint8_t *param, size_t n, const struct sctp_added *own,
                     const struct sctp_added *other,
                     uint32_t (*to)(const struct sctp_added *a, uint32_t seq))
{
    uint16_t type = sotto__get_u16(param);
    if (n < 8) return;
    put32(param + 4, to(type == 16 ? other : own, sotto__get_u32(param + 4)));
    if (type == 13 && n >= 12) put32(param + 8, to(other, sotto__get_u32(param + 8)));
}

static void rewrite_reconfig(const struct sctp_guard *g, const struct chunk *c, uint8_t *body)
{
    struct reader r = sotto__reader(c->p, c->n), inner;
    uint16_t type;
    while (r.n > 0 && next_param(&r, &type, &inner))
        renumber(body + (inner.p - c->p) - 4, inner.n + 4, &g->in, &g->out, to_usrsctp);
}

void sotto__sctp_guard_rewrite(const struct sctp_guard *g, const struct sctp_seen *seen, uint8_t *p,
                               size_t n)
{
    struct reader r = sotto__reader(p + HEADER, n - HEADER);
    struct chunk c;
    bool first = seen->probe;
    while (r.n > 0 && next_chunk(&r, &c)) {
        uint8_t *body = p + (c.p - p);
        if (c.type == INIT || c.type == INIT_ACK)
            put16(body + 8, g->few == 0 || g->all_in ? 0xffff : g->few + 1u);
        if (c.type == RE_CONFIG) rewrite_reconfig(g, &c, body);
        if (c.type == DATA) rewrite_data(g, &c, body);
        if (c.type == DATA && seen->too_much && !first)
            put16(body, g->cum_tsn >> 16), put16(body + 2, g->cum_tsn);
        if (c.type == DATA) first = false;
    }
}

void sotto__sctp_guard_unshadow(uint16_t *sid, uint32_t *ppid)
{
    if (*ppid >> 16 == 0) return;
    *sid = (uint16_t)((*ppid >> 16) - 1);
    *ppid &= 0xffff;
}

bool sotto__sctp_guard_reached(const struct sctp_guard *g, uint32_t tsn)
{
    return (int32_t)(g->cum_tsn - tsn) >= 0;
}

void sotto__sctp_guard_blank(uint8_t *p, size_t at)
{
    p[at] = PAD, p[at + 1] = 0;
}

static void note_answer(struct sctp_guard *g, uint32_t seq, uint32_t result)
{
    if (seq == g->next_request) g->next_request++;
    if (!g->reset_open || seq != g->reset_seq) return;
    g->reset_open = false;
    if (result == 1 && g->reset_done != seq) g->resets_unread++, g->reset_done = seq;
}

/* false: it is between usrsctp and us. */
static bool output_reconfig(struct sctp_guard *g, const struct chunk *c, uint8_t *body)
{
    struct reader r = sotto__reader(c->p, c->n), inner;
    uint16_t type;
    while (r.n > 0 && next_param(&r, &type, &inner)) {
        uint8_t *param = body + (inner.p - c->p) - 4;
        uint32_t seq = inner.n >= 4 ? sotto__get_u32(inner.p) : 0;
        if (type == 16 && g->in.done && seq == g->in.at) return false;
        if (type == 17) { /* we ask no peer for that */
            g->out = (struct sctp_added){.done = true, .at = seq};
            return false;
        }
        renumber(param, inner.n + 4, &g->out, &g->in, to_wire);
        if (type == 16 && inner.n >= 8)
            note_answer(g, sotto__get_u32(param + 4), sotto__get_u32(param + 8));
    }
    return true;
}

static void output_init(struct sctp_guard *g, const struct chunk *c, uint8_t *body)
{
    unsigned out = g->streams_out;
    if (c->type == INIT_ACK && out > g->peer_in) out = g->peer_in;
    g->own_tag = sotto__get_u32(body);
    if (g->few > 0) put16(body + 8, out);
    put16(body + 10, g->user_streams);
}

static void output_sack(struct sctp_guard *g, const struct chunk *c)
{
    g->cum_tsn = sotto__get_u32(c->p);
    g->window = sotto__get_u32(c->p + 4);
    if (g->window >= SMALL_WINDOW) g->beyond = 0;
    g->gaps = sotto__get_u16(c->p + 8) > 0;
    if (!g->gaps) g->next_tsn = g->cum_tsn + 1;
}

bool sotto__sctp_guard_output(struct sctp_guard *g, uint8_t *p, size_t n)
{
    if (n < HEADER) return true;
    struct reader r = sotto__reader(p + HEADER, n - HEADER);
    struct chunk c;
    while (r.n > 0 && next_chunk(&r, &c)) {
        uint8_t *body = p + (c.p - p);
        if ((c.type == INIT || c.type == INIT_ACK) && c.n >= 16) {
            output_init(g, &c, body);
        } else if (c.type == SACK && c.n >= 12) {
            output_sack(g, &c);
        } else if (c.type == RE_CONFIG && !output_reconfig(g, &c, body)) {
            if (body == p + HEADER + 4 && r.n == 0) return false;
            sotto__sctp_guard_blank(p, (size_t)(body - p) - 4);
        }
    }
    return true;
}

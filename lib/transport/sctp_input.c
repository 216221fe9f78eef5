/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of packets into one association. In: packets out of DTLS; the guard checks each. Packets of one turn that hold
 * nothing but the next DATA in sequence are put together and given to usrsctp as one, which is then acknowledged once
 * (RFC 9260 §6.10 sets no bound to a bundle): much of what a packet costs there is not paid per byte. Anything out of the
 * ordinary goes in alone and at once. Here too: reset requests that came too early, and probes of a closed window.
 */
#include <string.h>

#include "transport/sctp_priv.h"
#include "util/bytes.h"
#include "util/mem.h"

#include "sotto/ctx.h"

#define MODULE "sctp"
#define HEADER 12u
#define FLAG_ACK_NOW 8u /* DATA: RFC 7053 */

void sotto__sctp_look(struct sctp *s)
{
    if (!s->so || s->down || (s->up && !s->check)) return;
    struct sctp_status status = {0};
    socklen_t n = sizeof status;
    /* One that was aborted is still there for a while, as closed. */
    bool alive = usrsctp_getsockopt(s->so, IPPROTO_SCTP, SCTP_STATUS, &status, &n) == 0 &&
                 status.sstat_state != SCTP_CLOSED;
    if (alive && !s->up && status.sstat_state == SCTP_ESTABLISHED) {
        s->up = true;
        sotto__sctp_streams_up(s, status.sstat_outstrms);
    } else if (!alive) {
        s->down = true;
        s->error = s->in_tick ? SOTTO_E_NETWORK : SOTTO_E_PROTO;
        atomic_store(&s->readable, true); /* what arrived before can still be pulled */
    }
    if (alive) s->rtt_ms = status.sstat_primary.spinfo_srtt;
    s->check = false;
}

static void feed(struct sctp *s, uint8_t *p, size_t n)
{
    void *id = (void *)(uintptr_t)s->id;
    uint16_t port = sotto__sctp_port(s);
    p[2] = (uint8_t)(port >> 8), p[3] = (uint8_t)port;
    s->feeding = true;
    usrsctp_conninput(id, p, n, 0);
    s->feeding = false;
    if (!s->fed) return;
    s->fed = false;
    sotto__sctp_upcall(s->so, id, 0);
}

/*
 * A reset holds from a TSN on. Told of it before all data up to there has come, usrsctp puts what comes later aside and then
 * takes unordered messages among it for ordered ones. So such a request waits here; the peer gets no answer and repeats it.
 */
static void hold(struct sctp *s, uint8_t *p, struct sctp_seen *seen)
{
    uint8_t *packet = sotto__malloc(HEADER + seen->request_len);
    if (packet) { /* else the peer's repetition will do */
        memcpy(packet, p, HEADER);
        memcpy(packet + HEADER, p + seen->request, seen->request_len);
        sotto__free(s->held.p);
        s->held.p = packet, s->held.n = HEADER + seen->request_len, s->held.tsn = seen->request_tsn;
    }
    sotto__sctp_guard_blank(p, seen->request);
}

void sotto__sctp_release(struct sctp *s)
{
    if (!s->held.p || !s->so || !sotto__sctp_guard_reached(&s->guard, s->held.tsn)) return;
    uint8_t *p = s->held.p;
    struct sctp_seen seen = {.rewrite = true};
    s->held.p = NULL;
    sotto__sctp_guard_rewrite(&s->guard, &seen, p, s->held.n);
    feed(s, p, s->held.n);
    sotto__free(p);
}

static void make_room(struct sctp *s, uint32_t room)
{
    uint32_t rcv = sotto__sctp_receive_buffer(s) + room;
    if (usrsctp_setsockopt(s->so, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof rcv) == 0)
        s->probe.room = room;
}

/*
 * Probes of a window that the application keeps closed. Senders by usrsctp give up after some that are refused, whatever SACKs
 * say, and a reset of theirs waits for the chunk in the probe. So a few in a second find room, and never more than a bound.
 */
static void admit_probe(struct sctp *s, sotto_us now, struct sctp_seen *seen)
{
    if (!seen->closed || !seen->next || now < s->probe.next || s->probe.n >= SOTTO_SCTP_PROBES)
        return;
    s->probe.next = sotto__after(now, SOTTO_MS(100)), s->probe.n++;
    seen->probe = true;
    make_room(s, s->probe.room + (uint32_t)seen->data_len + 512);
}

static void end_probes(struct sctp *s)
{
    if (s->probe.n == 0 || !s->so || s->guard.window < s->probe.room + SOTTO_MTU) return;
    make_room(s, 0);
    s->probe.n = 0;
}

/* The window doubles when a third of it comes within a round trip, as it then soon may be what holds the sender back. Who does not
 * read gets no more. */
static void note_rate(struct sctp *s, sotto_us now, size_t n)
{
    if (s->rtt_ms <= SCTP_NEAR_MS) return;
    s->rate.bytes += n;
    if (now - s->rate.since < SOTTO_MS(s->rtt_ms)) return;
    uint32_t window = sotto__sctp_receive_buffer(s);
    bool grows = s->rate.bytes > window / 3 && s->rate.since > 0;
    s->rate.since = now, s->rate.bytes = 0;
    if (!grows || window > SOTTO_SCTP_WINDOW_MAX / 2) return;
    s->window = 2 * window;
    sotto__sctp_stack_room(s->window);
    make_room(s, s->probe.room);
}

void sotto__sctp_shrink(struct sctp *s)
{
    if (s->window == 0 || !s->so) return;
    s->window = 0;
    make_room(s, s->probe.room);
}

/*
 * How many packets are put together. The sender counts acknowledgements while it looks for the path's rate, RFC 9260 §7.2.1:
 * over a long path they come as ever, until much has arrived without a gap.
 */
static unsigned most_packets(const struct sctp *s)
{
    bool is_near = s->rtt_ms <= SCTP_NEAR_MS; /* measured since the handshake */
    return is_near || s->smooth > 4u * 1024 * 1024 ? SOTTO_SCTP_MERGE : 2;
}

static bool stage_room(struct sctp *s, size_t n)
{
    struct sctp_stage *t = &s->stage;
    if (t->cap - t->n >= n) return true;
    size_t cap = t->cap ? 2 * t->cap : 256;
    while (cap - t->n < n) cap *= 2;
    uint8_t *p = sotto__realloc(t->p, cap);
    if (!p) return false;
    t->p = p, t->cap = cap;
    return true;
}

/* One more in-sequence packet, behind the others of this turn; false: it does not go with them. */
static bool stage(struct sctp *s, const uint8_t *p, size_t n, const struct sctp_seen *seen)
{
    struct sctp_stage *t = &s->stage;
    if (!s->up || !seen->in_sequence || seen->other || seen->closed) return false;
    if (s->outage.is_lenient) return false; /* what acknowledges shall do so before a timer runs */
    if (t->packets > 0 && (seen->acks || t->packets >= most_packets(s)))
        sotto__sctp_flush_input(s); /* only the first may begin with a SACK */
    size_t head = t->packets > 0 ? HEADER : 0;
    if (!stage_room(s, n - head + 3)) return false;
    t->last = t->n + seen->last - head;
    memcpy(t->p + t->n, p + head, n - head);
    t->n += n - head;
    while (t->n % 4 != 0) t->p[t->n++] = 0; /* a packet's last chunk may come without its padding */
    t->packets++;
    s->smooth += n;
    return true;
}

static void after_input(struct sctp *s)
{
    sotto__sctp_release(s);
    sotto__sctp_add_out(s);
    end_probes(s);
    if (s->outage.is_lenient) sotto__sctp_outage_heard(s);
    sotto__sctp_look(s);
}

void sotto__sctp_flush_input(struct sctp *s)
{
    struct sctp_stage *t = &s->stage;
    if (t->packets == 0) return;
    if (t->packets > 1) t->p[t->last + 1] |= FLAG_ACK_NOW;
    size_t n = t->n;
    t->n = 0, t->packets = 0;
    if (!s->so) return;
    feed(s, t->p, n);
    after_input(s);
}

/* The packet is about streams that usrsctp shall have first. A cookie before that makes the association that can have them. */
static bool get_streams(struct sctp *s, uint8_t *p, const struct sctp_seen *seen)
{
    sotto__sctp_flush_input(s);
    if (!s->so) return false;
    if (seen->cookie_end > 0) {
        feed(s, p, seen->cookie_end);
        sotto__sctp_guard_blank(p, HEADER);
    }
    return s->so && sotto__sctp_add_in(s);
}

/*
 * RFC 9260 §6.3.2, R3: the retransmission timer starts anew when the oldest packet is acknowledged. usrsctp does so only for a SACK
 * that has gaps; without any loss the timer runs out again and again, in the middle of a transfer, and takes what is older than the
 * smoothed round trip for lost: the window falls to one packet. So a SACK now and then is told twice, first with a gap of no TSN,
 * which usrsctp skips (and which no peer could send: the guard refuses it).
 */
static void restart_timer(struct sctp *s, sotto_us now, const uint8_t *p)
{
    enum { SACK_LEN = 16, GAP_LEN = 4 };
    uint8_t copy[HEADER + SACK_LEN + GAP_LEN];
    s->restarted = now;
    sotto__sctp_flush_input(s);
    if (!s->so) return;
    memcpy(copy, p, HEADER + SACK_LEN);
    uint8_t *chunk = copy + HEADER, *gap = chunk + SACK_LEN;
    chunk[3] = SACK_LEN + GAP_LEN, chunk[13] = 1; /* length, number of gaps */
    gap[0] = 0, gap[1] = 2, gap[2] = 0, gap[3] = 1;
    feed(s, copy, sizeof copy);
}

/* A packet that the guard let through. */
static void inside(struct sctp *s, sotto_us now, const uint8_t *p, size_t n, struct sctp_seen *seen)
{
    static uint8_t copy[SCTP_PACKET_LIMIT]; /* under the lock: one for the process */
    admit_probe(s, now, seen);
    bool early = seen->request > 0 && !sotto__sctp_guard_reached(&s->guard, seen->request_tsn);
    bool answer =
        seen->answer > 0 && sotto__sctp_path_answer(s, now, p + seen->answer, seen->answer_len);
    if (seen->rewrite || early || answer || seen->more) p = memcpy(copy, p, n);
    if (answer) sotto__sctp_guard_blank(copy, seen->answer - 4);
    if (early) hold(s, copy, seen);
    if (seen->more && !get_streams(s, copy, seen)) return;
    if (seen->rewrite) sotto__sctp_guard_rewrite(&s->guard, seen, copy, n);
    if (seen->acks) s->backlog.stale = true;
    if (seen->answer > 0 && !answer) s->outage.beat = true;
    if (seen->acks) s->outage.answered = true;
    if (seen->data_len > 0) note_rate(s, now, n);
    if (seen->advances && s->up && now - s->restarted >= SCTP_RESTART_TIMER)
        restart_timer(s, now, p);
    if (stage(s, p, n, seen)) return;
    if (seen->data_len > 0) s->smooth = 0;
    sotto__sctp_flush_input(s);
    if (!s->so) return;
    feed(s, p == copy ? copy : memcpy(copy, p, n), n);
    if (seen->end) {
        s->check = true, s->in_tick = false;
        atomic_store(&s->attention, true);
    }
    after_input(s);
    if (s->down && seen->end && !s->down_told) s->error = seen->abort_proto ? SOTTO_E_PROTO : 0;
}

/* A HEARTBEAT or the answer to one, alone: no timer begins with it that must be looked after. */
static bool is_beat(const uint8_t *p, size_t n)
{
    return n >= 16 && (p[12] == 4 || p[12] == 5) && 12u + sotto__get_u16(p + 14) + 3u >= n;
}

int sotto__sctp_input(struct sctp *s, sotto_us now, const uint8_t *p, size_t n)
{
    const char *why = "oversized packet";
    struct sctp_seen seen;
    s->stats.packets_in++;
    bool beat = is_beat(p, n);
    if (beat)
        sotto__sctp_lock_quiet(s);
    else
        sotto__sctp_lock(s, now);
    bool over = !s->so;
    bool good =
        !over && n <= SCTP_PACKET_LIMIT && sotto__sctp_guard_check(&s->guard, p, n, &seen, &why);
    if (good) inside(s, now, p, n, &seen);
    sotto__sctp_unlock(s);
    if (!beat) sotto__sctp_busy(s, now);
    if (good || over) return 0;
    s->stats.packets_dropped++;
    SOTTO_LOG(s->log, SOTTO_LOG_DEBUG, MODULE, "dropped a packet of %zu bytes: %s", n, why);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An association while there is no path for its packets: ICE has lost one and may find another. RFC 9260 §8.1 ends an association after so
 * many repetitions in vain, which says something of the peer only as long as there is a path. So without one usrsctp repeats for days, and
 * with one again, until the peer has acknowledged something, a clock of our own ends what gets no answer. The first repetition leaves as
 * soon as the path is there, not when usrsctp's timer says so. In: whether there is a path, packets both ways. Knows nothing of ICE.
 */
#include <string.h>

#include "transport/sctp_priv.h"
#include "util/mem.h"

#include "sotto/ctx.h"

#define MODULE "sctp"
#define SPAN SOTTO_SECONDS(60)
#define DAYS UINT16_MAX /* repetitions, every four seconds: three of them */

static void set_limit(struct sctp *s, uint16_t most)
{
    struct sctp_assocparams all = {.sasoc_asocmaxrxt = most};
    if (s->so && !s->down &&
        usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_ASSOCINFO, &all, sizeof all) < 0)
        SOTTO_LOG(s->log, SOTTO_LOG_ERROR, MODULE, "the number of repetitions stays");
}

/*
 * Beyond its own limit an address gets no data any more, for good if all that it acknowledges are repetitions (Karn's rule). There is but
 * this one, so the limit of the association is enough.
 */
static void trust_address(struct sctp *s)
{
    struct sctp_paddrparams path = {.spp_pathmaxrxt = DAYS};
    struct sockaddr_conn to = {.sconn_family = AF_CONN,
                               .sconn_port = htons(s->guard.remote_port),
                               .sconn_addr = (void *)(uintptr_t)s->id};
    if (!s->so || s->down) return;
    memcpy(&path.spp_address, &to, sizeof to);
    if (usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) < 0)
        SOTTO_LOG(s->log, SOTTO_LOG_ERROR, MODULE, "the peer's address may be given up");
}

/* From now on it may take this long, if something waits for an answer. */
static void begin_span(struct sctp *s, sotto_us now)
{
    s->outage.waits = !sotto__sctp_settled(s);
    s->outage.answered = false;
    s->outage.acked = s->guard.acked;
    s->outage.until = sotto__after(now, SPAN);
}

void sotto__sctp_outage_init(struct sctp *s, sotto_us now)
{
    s->outage.is_lenient = s->outage.is_first = true; /* SCTP_INITMSG: a handshake is not counted either */
    s->outage.until = sotto__after(now, SPAN);
    s->outage.waits = true;
}

static void forget_packet(struct sctp *s)
{
    sotto__free(s->outage.p);
    s->outage.p = NULL;
    s->outage.n = 0;
}

static void send_packet(struct sctp *s)
{
    uint8_t *to = s->outage.n > 0 ? sotto__outbox_room(&s->back, s->outage.n, false) : NULL;
    if (to) memcpy(to, s->outage.p, s->outage.n);
    forget_packet(s);
}

void sotto__sctp_set_reachable(struct sctp *s, sotto_us now, bool reachable)
{
    if (s->outage.is_held == !reachable || !s->so || s->down) return;
    sotto__sctp_lock_quiet(s);
    s->outage.is_held = !reachable;
    if (reachable) {
        send_packet(s);
        begin_span(s, now);
    } else {
        set_limit(s, DAYS);
        trust_address(s);
        s->outage.is_lenient = true, s->outage.is_first = false;
        sotto__sctp_rest(s);
    }
    atomic_store(&s->attention, true);
    sotto__sctp_unlock(s);
    if (reachable) sotto__sctp_busy(s, now);
}

/* What usrsctp repeats for want of an answer; not what it answers, or asks beside that. */
void sotto__sctp_outage_output(struct sctp *s, const uint8_t *p, size_t n)
{
    enum { SACK = 3, HEARTBEAT, HEARTBEAT_ACK, ABORT };
    if (!s->outage.is_held || n < 13 || (p[12] >= SACK && p[12] <= ABORT)) return;
    forget_packet(s);
    s->outage.p = sotto__memdup(p, n); /* without memory its timer must do */
    if (s->outage.p) s->outage.n = n;
}

/* Until the peer has got on, or answered a heartbeat, usrsctp's count is that of the time without a path. */
void sotto__sctp_outage_heard(struct sctp *s)
{
    bool moves = s->outage.beat || s->guard.acked != s->outage.acked;
    s->outage.beat = false;
    if (!moves || !s->outage.is_lenient || s->outage.is_held || !s->up) return;
    s->outage.is_lenient = s->outage.is_first = false;
    set_limit(s, SCTP_REPETITIONS);
}

void sotto__sctp_outage_turn(struct sctp *s, sotto_us now)
{
    if (s->up && s->outage.is_first) s->outage.is_lenient = s->outage.is_first = false;
    if (now < sotto__sctp_outage_due(s)) return;
    if (s->outage.waits && !s->outage.answered && !sotto__sctp_settled(s)) {
        SOTTO_LOG(s->log, SOTTO_LOG_WARNING, MODULE, "the peer does not answer any more");
        sotto__sctp_fail(s, SOTTO_E_NETWORK);
    } else {
        begin_span(s, now);
    }
}

sotto_us sotto__sctp_outage_due(const struct sctp *s)
{
    bool counts = s->outage.is_lenient && !s->outage.is_held && s->so && !s->down;
    return counts ? s->outage.until : SOTTO_NEVER;
}

void sotto__sctp_outage_free(struct sctp *s)
{
    forget_packet(s);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state machine of path MTU discovery (RFC 8899 §4.3, §5.2, §5.3). In: time, wishes, answers, signs of loss; out: when to probe
 * which size, and the size that is safe. The sizes of a table are searched: the largest first, for hosts that share a machine; then
 * Ethernet's; then by halving. One probe is in flight at a time. Knows neither bytes nor sockets.
 */
#include "transport/pmtu.h"

/* UDP payloads that common paths pass: IPv6's minimum; 1400; WireGuard and PPPoE in various forms; clouds with 1460; Ethernet with IPv6
 * and with IPv4; jumbo frames of 8896 and 9000 with IPv6; hosts that share a machine. */
#define SCTP_OF(udp) (((udp)-37u) & ~3u)
static const size_t sizes[] = {PMTU_BASE,      SCTP_OF(1232u), SCTP_OF(1352u), SCTP_OF(1372u),
                               SCTP_OF(1412u), SCTP_OF(1432u), SCTP_OF(1452u), SCTP_OF(1472u),
                               SCTP_OF(8848u), SCTP_OF(8952u), PMTU_LIMIT};
#define N_SIZES (sizeof sizes / sizeof sizes[0])
#define ETHERNET 7u /* in the table */

#define MAX_PROBES 3u                    /* RFC 8899 §5.1.2 */
#define RAISE_TIMER SOTTO_SECONDS(600)   /* §5.1.1: PMTU_RAISE_TIMER */
#define AGAIN_TIMER SOTTO_SECONDS(10)    /* §5.1.1: CONFIRMATION_TIMER; no probe at all was answered: the path may be down */
#define FIRST_TIMER SOTTO_SECONDS(1)     /* §5.1.1: PROBE_TIMER, larger than 1 second while the round trip is unknown */
#define SHORTEST_TIMER SOTTO_MS(100)     /* … then three round trips, for queues grow while data flows */
#define LONGEST_TIMER SOTTO_SECONDS(3)
#define TRUST SOTTO_SECONDS(1)           /* after an answer to a suspicion: losses have other reasons */

void sotto__pmtu_init(struct pmtu *m, size_t most)
{
    unsigned end = N_SIZES;
    while (end > 1 && sizes[end - 1] > most) end--;
    *m = (struct pmtu){
        .state = most > 0 ? PMTU_IDLE : PMTU_OFF, .end = end, .size = PMTU_BASE, .high = end};
}

static void question(struct pmtu *m, enum pmtu_state state, unsigned probing)
{
    m->state = state;
    m->probing = probing;
    m->tries = 0;
    m->in_flight = false;
}

static void complete(struct pmtu *m, sotto_us search_at)
{
    m->state = PMTU_COMPLETE;
    m->in_flight = false;
    m->search_at = search_at;
}

/* What to ask next, between what passes and what does not. */
static void search(struct pmtu *m, sotto_us now)
{
    if (m->high - m->low <= 1) {
        complete(m, m->state == PMTU_SUSPECT ? m->search_at : sotto__after(now, RAISE_TIMER));
        return;
    }
    unsigned at = (m->low + m->high) / 2;
    if (m->high == m->end)
        at = m->end - 1;
    else if (m->low < ETHERNET && m->high > ETHERNET)
        at = ETHERNET;
    question(m, PMTU_SEARCH, at);
}

void sotto__pmtu_want(struct pmtu *m, sotto_us now)
{
    m->wanted = true;
    if (m->state == PMTU_IDLE) question(m, PMTU_CONFIRM, 0);
    if (m->state != PMTU_COMPLETE || now < m->search_at || m->low == m->end - 1) return;
    m->high = m->end;
    search(m, now);
}

void sotto__pmtu_stalled(struct pmtu *m, sotto_us now)
{
    bool asked = m->state == PMTU_CONFIRM || m->state == PMTU_SUSPECT;
    if (m->low == 0 || asked || now < m->trust_until) return;
    question(m, PMTU_SUSPECT, m->low);
}

static void passes(struct pmtu *m, unsigned at)
{
    m->low = at;
    m->size = sizes[at];
    if (m->high <= at) m->high = at + 1; /* it was thought lost, and was only late */
}

/* An answer after its probe was given up: a queue is longer than it was, so larger ones may have been late, too. */
static void late(struct pmtu *m, sotto_us now)
{
    if (now - m->sent_at > m->rtt) m->rtt = now - m->sent_at;
    m->search_at = sotto__earlier(m->search_at, sotto__after(now, AGAIN_TIMER));
}

void sotto__pmtu_acked(struct pmtu *m, sotto_us now, size_t size)
{
    unsigned at = 0;
    while (at < m->top && sizes[at] != size) at++;
    if (m->state == PMTU_OFF || m->state == PMTU_IDLE || sizes[at] != size) return;
    bool asked = m->tries > 0 && at == m->probing;
    if (asked && m->in_flight && m->tries == 1) m->rtt = now - m->sent_at;
    if (at > m->low) passes(m, at);
    if (at == m->low && m->state == PMTU_COMPLETE && m->high == at + 1 && at + 1 < m->top)
        late(m, now);
    switch (m->state) {
    case PMTU_SUSPECT:
        if (at < m->probing) return;
        m->trust_until = sotto__after(now, TRUST);
        search(m, now);
        break;
    case PMTU_CONFIRM: search(m, now); break;
    case PMTU_SEARCH:
        if (m->low >= m->probing) search(m, now);
        break;
    default: break;
    }
}

/* RFC 8899 §5.2: so many probes of a size were lost. */
static void fails(struct pmtu *m, sotto_us now)
{
    switch (m->state) {
    case PMTU_CONFIRM: complete(m, sotto__after(now, AGAIN_TIMER)); break;
    case PMTU_SEARCH:
        m->high = m->probing;
        search(m, now);
        break;
    default: /* a black hole: §4.3 */
        m->high = m->low;
        m->low = 0;
        m->size = PMTU_BASE;
        question(m, PMTU_CONFIRM, 0);
        break;
    }
}

static sotto_us timer(const struct pmtu *m)
{
    if (m->rtt == 0) return FIRST_TIMER;
    sotto_us t = 3 * m->rtt;
    return t < SHORTEST_TIMER ? SHORTEST_TIMER : t > LONGEST_TIMER ? LONGEST_TIMER : t;
}

static bool asks(const struct pmtu *m)
{
    return m->state == PMTU_CONFIRM || m->state == PMTU_SEARCH || m->state == PMTU_SUSPECT;
}

size_t sotto__pmtu_next(struct pmtu *m, sotto_us now)
{
    if (asks(m) && m->in_flight && now >= m->deadline) {
        m->in_flight = false;
        if (m->tries >= MAX_PROBES) fails(m, now);
    }
    if (!asks(m) || m->in_flight) return 0;
    m->in_flight = true;
    m->tries++;
    m->sent_at = now;
    m->deadline = sotto__after(now, timer(m));
    if (m->probing > m->top) m->top = m->probing;
    return sizes[m->probing];
}

sotto_us sotto__pmtu_due(const struct pmtu *m)
{
    if (!asks(m)) return SOTTO_NEVER;
    return m->in_flight ? m->deadline : 0;
}

bool sotto__pmtu_settled(const struct pmtu *m)
{
    return m->state == PMTU_COMPLETE || (m->state == PMTU_OFF && m->wanted);
}

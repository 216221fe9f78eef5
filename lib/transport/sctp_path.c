/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The size of an association's packets: what the search of pmtu.c finds, applied to usrsctp. In: a new path, bulk data, usrsctp's
 * packets on their way out, HEARTBEAT ACKs. Out: probes, and packets that fit the path. usrsctp lowers its fragmentation point with
 * its path MTU, but never raises it again while an association lives: so that begins at the largest, fragments are kept small by
 * SCTP_MAXSEG, which may go up and down, and bundles that are too large for the path are cut here, between chunks. Chunks made for a
 * larger path than the present one cannot be cut: they are marked, for the network to fragment them. What usrsctp takes for the MTU
 * is the step in which its window grows, see docs/explanation/long-paths.md: it is not the size of a packet.
 */
#include <string.h>

#include "transport/sctp_path.h"
#include "transport/sctp_priv.h"
#include "transport/sctp_probe.h"
#include "util/bytes.h"
#include "util/rand.h"

#include "sotto/ctx.h"

#define MODULE "sctp"
#define HEADER 12u
/* usrsctp adds to SCTP_MAXSEG, of a socket for IPv4: headers of IP, SCTP and DATA; and subtracts for AF_CONN the latter two */
#define MAXSEG_EXTRA 48u
/* When its path MTU is lowered, usrsctp sends again what is within an IPv4 header of the new one: this much room is left until then */
#define SLACK 20u
#define STEP_MAX 65000u /* usrsctp takes no MTU above 65,536 */
#define BULK (64u * 1024)         /* bytes within a second that make a search worth it */
#define BULK_SPAN SOTTO_SECONDS(1)

/* The step: in bytes for each round trip. An association needs its address, where there is one already. */
static bool set_step(struct sctp *s, size_t size)
{
    struct sctp_paddrparams params = {.spp_flags = SPP_PMTUD_DISABLE,
                                      .spp_pathmtu = (uint32_t)size - HEADER}; /* usrsctp adds it for AF_CONN */
    struct sockaddr_conn to = {.sconn_family = AF_CONN,
                               .sconn_port = htons(s->guard.remote_port),
                               .sconn_addr = (void *)(uintptr_t)s->id};
    if (s->up) memcpy(&params.spp_address, &to, sizeof to);
    s->path.step = size;
    return usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params) ==
           0;
}

static bool set_limit(struct sctp *s, size_t size, bool exact)
{
    struct sctp_assoc_value value = {.assoc_value =
                                         (uint32_t)size - MAXSEG_EXTRA - (exact ? 0 : SLACK)};
    s->path.limit = size, s->path.exact = exact;
    return usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_MAXSEG, &value, sizeof value) == 0;
}

bool sotto__sctp_path_init(struct sctp *s)
{
    sotto__pmtu_init(&s->path.search, 0);
    return set_step(s, PMTU_LIMIT) && set_limit(s, PMTU_BASE, false);
}

void sotto__sctp_set_path(struct sctp *s, size_t most)
{
    if (most > 0 && sotto__rand_u64(&s->path.nonce) < 0) most = 0;
    sotto__pmtu_init(&s->path.search, most);
    atomic_store(&s->attention, true);
}

void sotto__sctp_path_sent(struct sctp *s, sotto_us now, size_t n)
{
    if (now - s->path.bulk_since > BULK_SPAN) s->path.bulk_since = now, s->path.bulk = 0;
    s->path.bulk += n;
    if (s->path.bulk >= BULK) sotto__pmtu_want(&s->path.search, now);
}

/* A sixteenth of the window, within bounds. The backlog of a long path is two windows. */
static size_t step_of(size_t backlog)
{
    if (backlog <= SOTTO_SCTP_BACKLOG) return PMTU_LIMIT;
    return backlog < 2 * SOTTO_SCTP_BACKLOG ? 2 * PMTU_LIMIT : STEP_MAX;
}

static void apply(struct sctp *s)
{
    const struct pmtu *m = &s->path.search;
    bool settled = sotto__pmtu_settled(m);
    size_t step = step_of(s->backlog.most);
    if (s->path.step != step && !set_step(s, step))
        SOTTO_LOG(s->log, SOTTO_LOG_ERROR, MODULE, "the window's step stays");
    if (s->path.limit == m->size && s->path.exact == settled) return;
    set_limit(s, m->size, settled);
}

void sotto__sctp_path_turn(struct sctp *s, sotto_us now)
{
    struct sctp_path *path = &s->path;
    if (!s->so || !s->up || s->down) return;
    if (path->stalled) sotto__pmtu_stalled(&path->search, now);
    path->stalled = false;
    size_t size = sotto__pmtu_next(&path->search, now);
    apply(s);
    if (size == 0) return;
    struct sctp_probe probe = {.local_port = s->guard.local_port,
                               .remote_port = s->guard.remote_port,
                               .tag = s->guard.tag,
                               .nonce = path->nonce,
                               .size = size};
    uint8_t *to = sotto__outbox_room(&s->back, size, true);
    if (to) sotto__sctp_probe_write(to, &probe);
}

sotto_us sotto__sctp_path_due(const struct sctp *s)
{
    return s->so && s->up && !s->down ? sotto__pmtu_due(&s->path.search) : SOTTO_NEVER;
}

bool sotto__sctp_path_answer(struct sctp *s, sotto_us now, const uint8_t *body, size_t n)
{
    size_t size, before = s->path.search.size;
    if (!sotto__sctp_probe_answered(body, n, s->path.nonce, &size)) return false;
    sotto__pmtu_acked(&s->path.search, now, size);
    if (s->path.search.size != before)
        SOTTO_LOG(s->log, SOTTO_LOG_DEBUG, MODULE, "the path carries packets of %zu bytes",
                  s->path.search.size);
    atomic_store(&s->attention, true);
    return true;
}

static void put(struct sctp *s, uint8_t *p, size_t n)
{
    memset(p + 8, 0, 4);
    uint32_t crc = sotto__crc32c(0, p, n);
    for (int i = 0; i < 4; i++) p[8 + i] = (uint8_t)(crc >> (8 * i)); /* RFC 9260 appendix A: least significant first */
    uint8_t *to = sotto__outbox_room(&s->back, n, false);
    sotto__sctp_outage_output(s, p, n);
    if (to)
        memcpy(to, p, n);
    else
        s->outbox_dropped++;
}

/* The length of the chunks from `at` on that fit a packet: at least one. */
static size_t fitting(const uint8_t *p, size_t at, size_t n, size_t limit)
{
    size_t end = at;
    while (end + 4 <= n) {
        size_t len = (sotto__get_u16(p + end + 2) + 3u) & ~3u;
        if (len < 4) break;
        if (end > at && HEADER + end - at + len > limit) return end - at;
        end += len;
    }
    return n - at;
}

void sotto__sctp_path_output(struct sctp *s, uint8_t *p, size_t n)
{
    uint8_t header[HEADER];
    memcpy(header, p, HEADER);
    for (size_t at = HEADER; at < n;) {
        size_t len = n <= s->path.limit ? n - at : fitting(p, at, n, s->path.limit);
        uint8_t *head = p + at - HEADER; /* over the end of the packet before, which has gone */
        memcpy(head, header, HEADER);
        put(s, head, HEADER + len);
        at += len;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sources of a remote that state is kept for, at most SOTTO_MAX_SSRCS, and which of their packets came. Every SSRC that sends
 * something authentic becomes one (libsrtp makes a stream for it); here it is decided which of them stay. One more than there is room
 * for takes the place of one that said BYE, or of the one that was silent longest, if that was 10 s; else it is refused. Of one that
 * made room the numbers are kept, so that its packets cannot be replayed when its SSRC comes back (RFC 3711 §3.3.2). Comes back means:
 * before its first wrap, for what is not known begins at rollover counter 0.
 * answers: H095
 */
#include <arpa/inet.h>

#include "transport/srtp_priv.h"
#include "util/limits.h"
#include "util/mem.h"

static int refuse(uint64_t *counter)
{
    ++*counter;
    return SOTTO_E_PROTO;
}

static void drop_stream(struct srtp *s, uint32_t ssrc)
{
    if (!s->in) return; /* AES-GCM: nobody else keeps anything of it */
    srtp_err_status_t r = srtp_remove_stream(s->in, htonl(ssrc));
    if (r != srtp_err_status_ok) SOTTO_LOG(s->log, 1, "srtp", "a stream could not be removed");
}

static struct srtp_gone *find_gone(const struct srtp *s, uint32_t ssrc)
{
    for (size_t i = 0; i < s->n_gone; i++)
        if (s->gone[i].ssrc == ssrc) return &s->gone[i];
    return NULL;
}

/* False: no memory to remember it; then it stays. */
static bool bury(struct srtp *s, const struct srtp_source *source)
{
    if (!s->gone && !(s->gone = sotto__calloc(SOTTO_MAX_GONE_SSRCS, sizeof *s->gone))) return false;
    struct srtp_gone *to = find_gone(s, source->ssrc);
    if (!to) {
        to = &s->gone[s->gone_at];
        s->gone_at = (s->gone_at + 1) % SOTTO_MAX_GONE_SSRCS;
        if (s->n_gone < SOTTO_MAX_GONE_SSRCS) s->n_gone++;
    }
    *to = (struct srtp_gone){source->ssrc, source->has_rtp ? source->high + 1 : source->floor,
                             source->rtcp_next > source->rtcp_floor ? source->rtcp_next
                                                                    : source->rtcp_floor};
    return true;
}

/* Somebody goes; false: nobody may. */
static bool make_room(struct srtp *s, sotto_us now)
{
    struct srtp_source *oldest = NULL, *source;
    if (s->sources.n < SOTTO_MAX_SSRCS) return true;
    for (size_t at = 0; (source = sotto__map_next(&s->sources, &at, NULL));)
        if (!oldest || source->is_forgotten > oldest->is_forgotten ||
            (source->is_forgotten == oldest->is_forgotten && source->last < oldest->last))
            oldest = source;
    if (!oldest->is_forgotten && now - oldest->last < SOTTO_SOURCE_IDLE_US) return false;
    if (!bury(s, oldest)) return false;
    drop_stream(s, oldest->ssrc);
    sotto__map_del(&s->sources, oldest->ssrc);
    sotto__free(oldest);
    return true;
}

static struct srtp_source *add(struct srtp *s, uint32_t ssrc)
{
    struct srtp_source *source = sotto__calloc(1, sizeof *source);
    if (!source) return NULL;
    source->ssrc = ssrc;
    if (sotto__map_put(&s->sources, ssrc, source) < 0) {
        sotto__free(source);
        return NULL;
    }
    return source;
}

/* A source that is not known sent something authentic; its stream exists already. NULL: it does not stay. */
static struct srtp_source *admit(struct srtp *s, sotto_us now, uint32_t ssrc, bool rtcp,
                                 uint64_t index)
{
    const struct srtp_gone *gone = find_gone(s, ssrc);
    uint64_t floor = gone ? gone->floor : 0, rtcp_floor = gone ? gone->rtcp_floor : 0;
    struct srtp_source *source = NULL;
    if (index < (rtcp ? rtcp_floor : floor))
        s->stats.replayed++;
    else if (!make_room(s, now) || !(source = add(s, ssrc)))
        s->stats.crowded++;
    if (source)
        source->floor = floor, source->rtcp_floor = rtcp_floor;
    else
        drop_stream(s, ssrc);
    return source;
}

/* ---- which indexes came ---- */

static bool has(const uint64_t *seen, uint64_t window, uint64_t next, uint64_t index)
{
    if (index >= next) return false;
    return next - index > window || seen[index % window / 64] >> index % 64 & 1;
}

/* next: above the highest so far. */
static void mark(uint64_t *seen, uint64_t window, uint64_t next, uint64_t index)
{
    if (index >= next && index - next >= window) next = index - window + 1;
    for (; next <= index; next++) seen[next % window / 64] &= ~(1ull << next % 64); /* of a window ago */
    seen[index % window / 64] |= 1ull << index % 64;
}

bool sotto__srtp_source_has_rtp(const struct srtp_source *src, uint64_t index)
{
    return src && src->has_rtp && has(src->seen, SRTP_WINDOW, src->high + 1, index);
}

bool sotto__srtp_source_has_rtcp(const struct srtp_source *src, uint32_t index)
{
    return src && has(src->rtcp_seen, SRTCP_WINDOW, src->rtcp_next, index);
}

/* ---- packets ---- */

int sotto__srtp_source_rtp(struct srtp *s, sotto_us now, uint32_t ssrc, uint16_t seq)
{
    struct srtp_source *source = sotto__map_get(&s->sources, ssrc);
    if (!source && !(source = admit(s, now, ssrc, false, seq))) return SOTTO_E_PROTO;
    uint64_t index = sotto__srtp_index(source->has_rtp ? source->high : 0, seq);
    if (index < source->floor) return refuse(&s->stats.replayed);
    mark(source->seen, SRTP_WINDOW, source->has_rtp ? source->high + 1 : 0, index);
    if (!source->has_rtp || index > source->high) source->high = index;
    source->has_rtp = true;
    source->is_forgotten = false;
    source->last = now;
    return 0;
}

int sotto__srtp_source_rtcp(struct srtp *s, sotto_us now, uint32_t ssrc, uint32_t index)
{
    struct srtp_source *source = sotto__map_get(&s->sources, ssrc);
    if (!source && !(source = admit(s, now, ssrc, true, index))) return SOTTO_E_PROTO;
    if (index < source->rtcp_floor) return refuse(&s->stats.replayed);
    mark(source->rtcp_seen, SRTCP_WINDOW, source->rtcp_next, index);
    if (index >= source->rtcp_next) source->rtcp_next = (uint64_t)index + 1;
    source->is_forgotten = false;
    source->last = now;
    return 0;
}

void sotto__srtp_forget(struct srtp *s, uint32_t ssrc)
{
    struct srtp_source *source = sotto__map_get(&s->sources, ssrc);
    if (source) source->is_forgotten = true;
}

void sotto__srtp_source_free(struct srtp *s)
{
    struct srtp_source *source;
    for (size_t at = 0; (source = sotto__map_next(&s->sources, &at, NULL));) sotto__free(source);
    sotto__map_free(&s->sources);
    sotto__free(s->gone);
}

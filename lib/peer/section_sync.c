/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lip sync groups (RFC 5888 §7, RFC 9429 §5.2.1, §5.2.2, §5.3.1). In: the sections of a description in the making with the streams of their
 * transceivers, and the description that came before; out: a=group:LS lines. A section stands in one group only (RFC 5888 §5), so
 * groups that meet become one. Knows nothing of transceivers but their streams.
 */
#include "peer/section_sync.h"

#include "peer/section_write.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"

/* The next a=group:LS line of a description. */
static bool next_group(const struct sdp *sdp, size_t *at, struct sdp_group *ret)
{
    const struct sdp_line *line;
    while (sdp && (line = sotto__sdp_next_attr(&sdp->s, at, "group")))
        if (sotto__sdp_group(line->value, ret) == 0 && sotto__str_eq(ret->semantics, STR("LS")))
            return true;
    return false;
}

static bool has_mid(const struct sdp_group *g, struct str mid)
{
    for (size_t i = 0; i < g->n_mids; i++)
        if (sotto__str_eq(g->mids[i], mid)) return true;
    return false;
}

static bool share_stream(const struct strings *a, const struct strings *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (sotto__strings_have(b, a->items[i])) return true;
    return false;
}

/* ---- offers ---- */

static void join(size_t *group, size_t n, size_t a, size_t b)
{
    size_t from = group[a] > group[b] ? group[a] : group[b];
    size_t to = group[a] > group[b] ? group[b] : group[a];
    for (size_t i = 0; i < n; i++)
        if (group[i] == from) group[i] = to;
}

int sotto__section_sync_offer(struct sdp *sdp, const struct sync_member *members, size_t n,
                              const struct sdp *last)
{
    size_t group[SOTTO_MAX_SDP_MEDIA], at = 0;
    struct str mids[SOTTO_MAX_SDP_MEDIA];
    struct sdp_group old;
    int r = 0;
    for (size_t i = 0; i < n; i++) group[i] = i;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (share_stream(members[i].streams, members[j].streams)) join(group, n, i, j);
    while (next_group(last, &at, &old))
        for (size_t i = 0; i < n; i++)
            for (size_t j = i + 1; j < n; j++)
                if (has_mid(&old, members[i].mid) && has_mid(&old, members[j].mid))
                    join(group, n, i, j);
    for (size_t g = 0; r == 0 && g < n; g++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            if (group[i] == g) mids[count++] = members[i].mid;
        if (count > 1) r = sotto__section_write_group(sdp, "LS", mids, count);
    }
    return r;
}

/* ---- answers ---- */

/* How many of the group's members belong to this stream. */
static size_t count_of(const struct sync_member *members, size_t n, const struct sdp_group *g,
                       const char *stream)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (has_mid(g, members[i].mid) && sotto__strings_have(members[i].streams, stream)) count++;
    return count;
}

/* The stream that most members of the group have in common; NULL: they have none. */
static const char *common_stream(const struct sync_member *members, size_t n,
                                 const struct sdp_group *g)
{
    const char *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t s = 0; has_mid(g, members[i].mid) && s < members[i].streams->n; s++) {
            size_t count = count_of(members, n, g, members[i].streams->items[s]);
            if (count > most) most = count, best = members[i].streams->items[s];
        }
    return best;
}

int sotto__section_sync_answer(struct sdp *sdp, const struct sync_member *members, size_t n,
                               const struct sdp *offer)
{
    struct str mids[SOTTO_MAX_SDP_MEDIA];
    struct sdp_group g;
    size_t at = 0;
    int r = 0;
    while (r == 0 && next_group(offer, &at, &g)) {
        const char *stream = common_stream(members, n, &g);
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            const struct strings *streams = members[i].streams;
            if (!has_mid(&g, members[i].mid)) continue;
            if (streams->n == 0 || sotto__strings_have(streams, stream))
                mids[count++] = members[i].mid;
        }
        if (count > 1) r = sotto__section_write_group(sdp, "LS", mids, count);
    }
    return r;
}

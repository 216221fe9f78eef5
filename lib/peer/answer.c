/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of an answer (RFC 9429 §5.3): the first usable data section of the pending remote offer is accepted, every other section
 * gets port 0 (RFC 3264 §6). In: the peer's state, which does not change; out: text.
 */
#include <stdio.h>

#include "peer/private.h"
#include "wire/sdp_attr.h"

/* RFC 9143 §7.3: our group is a part of the offered one. */
static bool is_bundled(const struct sdp *offer, struct str mid)
{
    struct sdp_group group;
    const struct sdp_line *line;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&offer->s, &at, "group"))) {
        if (sotto__sdp_group(line->value, &group) < 0) continue;
        if (!sotto__str_eq(group.semantics, STR("BUNDLE"))) continue;
        for (size_t i = 0; i < group.n_mids; i++)
            if (sotto__str_eq(group.mids[i], mid)) return true;
    }
    return false;
}

static const char *answer_setup(const struct peer *p, const struct remote_params *remote)
{
    if (p->role_known) return p->dtls_client ? "active" : "passive";
    return remote->setup == SDP_SETUP_ACTIVE ? "passive" : "active"; /* RFC 8842 §5.3 */
}

static int add_sections(struct peer *p, struct sdp *sdp, const struct sdp *offer,
                        const struct remote_params *remote)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < offer->n_media; i++) {
        const struct sdp_media *m = &offer->media[i];
        const struct sdp_line *line = sotto__sdp_attr(&m->s, "mid");
        char mid[SOTTO_MAX_MID + 1] = "0";
        if (line) snprintf(mid, sizeof mid, "%.*s", (int)line->value.n, line->value.p);
        if (m == remote->media)
            r = sotto__offer_data(p, sdp, mid, answer_setup(p, remote));
        else
            r = sotto__offer_rejected(sdp, m);
    }
    return r;
}

int sotto__answer_make(struct peer *p, uint64_t version, char **ret)
{
    const struct sdp *offer = p->pending_remote.sdp;
    struct remote_params remote;
    struct sdp *sdp;
    int r = sotto__apply_read(p, offer, true, &remote, NULL);
    if (r == 0) r = sotto__sdp_new(&sdp);
    if (r < 0) return r;
    r = sotto__offer_head(p, sdp, version);
    const struct sdp_line *mid = remote.media ? sotto__sdp_attr(&remote.media->s, "mid") : NULL;
    if (r == 0 && mid && is_bundled(offer, mid->value))
        r = sotto__sdp_add(sdp, &sdp->s, 'a', "group:BUNDLE %.*s", (int)mid->value.n, mid->value.p);
    if (r == 0) r = add_sections(p, sdp, offer, &remote);
    return sotto__offer_text(sdp, r, ret);
}

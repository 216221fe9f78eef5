/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a negotiation is needed (W3C WebRTC 1.0 §4.7.3): transceivers, data channels and wanted restarts compared with the current
 * descriptions, which are read as they were written. In: a peer; out: its flag and the event NEGOTIATION_NEEDED. The steps of the W3C
 * algorithm are named where they stand. Knows nothing of pending descriptions: while there is one, nothing is decided.
 */
#include "peer/private.h"
#include "wire/sdp_attr.h"

static struct str mid_of(const struct sdp_media *m)
{
    const struct sdp_line *line = sotto__sdp_attr(&m->s, "mid");
    return line ? line->value : (struct str){NULL, 0};
}

/* The section that t is associated with in a description: it has its mid; or, where sections have none, its place. */
static const struct sdp_media *section_of(const struct sdp *sdp, const struct transceiver *t)
{
    struct str mid = sotto__str(t->mid);
    if (!sdp || mid.n == 0) return NULL;
    for (size_t i = 0; i < sdp->n_media; i++)
        if (sotto__str_eq(mid_of(&sdp->media[i]), mid)) return &sdp->media[i];
    if (t->mline_index < 0 || (size_t)t->mline_index >= sdp->n_media) return NULL;
    const struct sdp_media *m = &sdp->media[t->mline_index];
    return mid_of(m).n == 0 ? m : NULL;
}

static bool is_rejected(const struct sdp_media *m)
{
    return m->port == 0 && !sotto__sdp_attr(&m->s, "bundle-only");
}

/* The direction as it stands there, else the session's; sendrecv is what none means: RFC 8866 §6.7. */
static int32_t direction_of(const struct sdp *sdp, const struct sdp_media *m)
{
    const struct sdp_section *const places[] = {&m->s, &sdp->s};
    for (size_t i = 0; i < 2; i++)
        for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++)
            if (sotto__sdp_attr(places[i], sotto__direction_name(d))) return d;
    return SOTTO_DIR_SENDRECV;
}

/* A section without a single a=msid, or with other streams than the sender's. */
static bool streams_differ(const struct sdp_media *m, const struct strings *streams)
{
    const struct sdp_line *line;
    struct sdp_msid msid;
    size_t n_streams = 0;
    bool any = false;
    for (size_t at = 0; (line = sotto__sdp_next_attr(&m->s, &at, "msid"));) {
        if (sotto__sdp_msid(line->value, &msid) < 0) continue;
        any = true;
        if (sotto__str_eq(msid.id, STR("-"))) continue; /* of no stream: RFC 8830 §2 */
        n_streams++;
        bool found = false;
        for (size_t i = 0; i < streams->n && !found; i++)
            found = sotto__str_eq(msid.id, sotto__str(streams->items[i]));
        if (!found) return true;
    }
    return !any || n_streams != streams->n;
}

/* Step 5.3, of one that is not stopped and has its section in the current local description. */
static bool section_differs(const struct peer *p, const struct transceiver *t,
                            const struct sdp_media *m)
{
    const struct sdp *local = p->current_local.sdp, *remote = p->current_remote.sdp;
    const struct sdp_media *other = section_of(remote, t);
    int32_t ours = direction_of(local, m);
    int32_t theirs = other ? sotto__direction_reverse(direction_of(remote, other)) : ours;
    /* 5.3.1: the streams */
    if (sotto__direction_sends(t->direction) && streams_differ(m, &t->streams)) return true;
    /* 5.3.2: we offered last; what we wanted, or what was answered, is what is wanted now */
    if (p->current_local.type == SOTTO_SDP_OFFER)
        return ours != t->direction && theirs != t->direction;
    /* 5.3.3: we answered last; with what we want now, the answer would be another one */
    return ours != sotto__direction_and(t->direction, theirs);
}

static bool transceiver_needs(const struct peer *p, const struct transceiver *t)
{
    const struct sdp_media *local = section_of(p->current_local.sdp, t);
    const struct sdp_media *remote = section_of(p->current_remote.sdp, t);
    /* 5.1: it was stopped here, and the remote does not know yet */
    if (t->stopping && !t->stopped) return true;
    /* 5.2: it has no section yet; 5.3: or one that differs */
    if (!t->stopped) return !local || section_differs(p, t, local);
    /* 5.4: stopped, and nobody has rejected its section yet */
    return local && !is_rejected(local) && !(remote && is_rejected(remote));
}

bool sotto__needed_check(struct peer *p)
{
    /* 1: nothing of this library needs a negotiation of its own */
    /* 2: LocalIceCredentialsToReplace */
    if (p->restart_wanted) return true;
    /* 3, 4: data channels without a section that was negotiated for data */
    if (p->n_channels > p->n_closed && !p->data_negotiated) return true;
    /* 5: each transceiver */
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        if (transceiver_needs(p, t)) return true;
    /* 6 */
    return false;
}

void sotto__needed_update(struct peer *p, sotto_us now)
{
    if (p->closed) return;
    if (p->signaling != SOTTO_SIGNALING_STABLE) {
        /* Looked at anew when stable. What nobody has taken yet is not to be told between offer and answer, where W3C fires nothing. */
        sotto__events_not_needed(p);
        return;
    }
    sotto__transceivers_sweep(p);
    if (!sotto__needed_check(p)) {
        p->negotiation_needed = false;
        sotto__events_not_needed(p);
    } else if (!p->negotiation_needed) {
        p->negotiation_needed = true;
        sotto__events_needed(p, now);
    }
}

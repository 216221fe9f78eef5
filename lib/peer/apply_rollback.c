/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rollback of a pending offer (RFC 9429 §4.1.10.2; W3C WebRTC 1.0 §4.4.1.5): transceivers, data section, streams and transport become
 * what they were when the state was last stable. What can fail (the events of tracks, new credentials) is done first.
 */
#include "peer/apply.h"
#include "util/error.h"
#include "util/mem.h"

static void disassociate(struct transceiver *t)
{
    t->draft_mid[0] = '\0';
    if (t->was_associated) return;
    t->mid[0] = '\0';
    t->mline_index = -1;
}

static void rollback_sections(struct peer *p)
{
    struct transceiver *t = NULL;
    while ((t = sotto__transceiver_next(p, t))) disassociate(t);
    p->data_draft_mid[0] = '\0';
    if (p->data_was_associated) return;
    p->data_mid[0] = '\0';
    p->data_index = -1;
}

void sotto__apply_rollback_local(struct peer *p, sotto_us now)
{
    rollback_sections(p);
    sotto__apply_rollback_transport(p, now);
    sotto__description_free(&p->pending_local);
}

/* ---- of a remote offer ---- */

/* Those that the offer made go away with it, unless the application sends on them meanwhile. */
static bool goes(const struct transceiver *t)
{
    return t->by_remote && !t->by_add_track;
}

static int plan_undo(struct peer *p, struct plan_item *undo)
{
    struct transceiver *t = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && (t = sotto__transceiver_next(p, t)); i++) {
        undo[i].t = t;
        if (t->mline_index < 0) continue;
        r = sotto__plan_tracks(&undo[i], t->current, &t->stable_streams);
    }
    return r;
}

static void undo_one(struct peer *p, struct plan_item *i)
{
    struct transceiver *t = i->t;
    if (i->has_tracks) sotto__plan_commit_tracks(i);
    sotto__strings_free(&t->stable_streams);
    if (t->stable_encodings.items) {
        sotto__encodings_free(&t->encodings);
        t->encodings = t->stable_encodings;
        t->stable_encodings = (struct encodings){0};
        t->transaction = 0;
    }
    if (goes(t)) {
        sotto__transceiver_stopped(p, t);
        t->mid[0] = '\0';
        t->mline_index = -1;
        sotto__transceiver_remove(p, t);
    } else {
        t->by_remote = false;
        disassociate(t);
    }
}

static void queue(struct peer *p, sotto_us now, uint32_t type, struct note **note)
{
    if (*note) sotto__events_note(p, now, type, *note);
    *note = NULL;
}

static int rollback_remote(struct peer *p, sotto_us now, sotto_error *err)
{
    size_t n = p->n_transceivers;
    struct plan_item *undo = sotto__calloc(n + 1, sizeof *undo);
    int r = undo ? plan_undo(p, undo) : SOTTO_E_NOMEM;
    if (r == 0) r = sotto__events_reserve(p, sotto__plan_notes(undo, n));
    for (size_t i = 0; r == 0 && i < n; i++) undo_one(p, &undo[i]);
    for (size_t i = 0; r == 0 && i < n; i++)
        queue(p, now, SOTTO_EV_TRACK_REMOVED, &undo[i].removed);
    for (size_t i = 0; r == 0 && i < n; i++) queue(p, now, SOTTO_EV_TRACK, &undo[i].added);
    for (size_t i = 0; undo && i < n; i++) sotto__plan_item_free(p, &undo[i]);
    sotto__free(undo);
    if (r < 0) return sotto__error(err, r, 0, "%s", sotto_strerror(r));
    rollback_sections(p);
    sotto__description_free(&p->pending_remote);
    if (!p->transport.has_remote) p->ice_role_known = false;
    p->remote_restart = false;
    p->next_tls_id[0] = '\0';
    return 0;
}

int sotto__apply_rollback(struct peer *p, sotto_us now, bool local, sotto_error *err)
{
    int r = local ? 0 : rollback_remote(p, now, err);
    if (r < 0) return r;
    if (local) sotto__apply_rollback_local(p, now);
    p->signaling = SOTTO_SIGNALING_STABLE;
    p->negotiation_needed = false;
    sotto__events_not_needed(p);
    sotto__media_sync(p, now);
    sotto__peer_update(p, now);
    sotto__events_state(p, now);
    sotto__needed_update(p, now);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of an answer (RFC 9429 §5.3, RFC 9143 §7.3): each section of the pending remote offer is accepted as far as one transport, its
 * transceiver and the codecs in common go, or gets port 0 (RFC 3264 §6). In: the peer's state, which does not change; out: text.
 */
#include "peer/policy.h"
#include "peer/section_sync.h"
#include "peer/section_write.h"

struct reply { /* to one m-line */
    bool accepted;
    struct transceiver *t; /* NULL: data */
    struct codec_list codecs;
    struct ext_set exts;
};

struct answer {
    struct peer *p;
    struct sdp *sdp;
    struct sections offer;
    struct reply replies[SOTTO_MAX_SDP_MEDIA];
    bool chosen[SOTTO_MAX_SDP_MEDIA];
    int32_t offered;       /* the section whose transport attributes count, -1: none */
    struct pt_map pts;
    struct ext_map exts;
};

/* ---- what is accepted ---- */

/* Codecs of an offered section that we take; none: it is rejected. A payload type that means two things in the bundle means its first
 * (RFC 9143 §10.1.2). */
static int read_media(struct answer *a, struct section *s, struct reply *reply)
{
    sotto_kind kind = s->kind == SECTION_AUDIO ? SOTTO_AUDIO : SOTTO_VIDEO;
    struct transceiver *t = sotto__transceiver_at(a->p, s->index);
    if (!t || t->stopped || t->kind != kind) return 0;
    sotto__codecs_claim(&a->pts, &s->codecs);
    int r = sotto__codecs_answer(kind, &t->prefs, &s->codecs, &reply->codecs);
    if (r < 0) return r;
    reply->t = t;
    reply->accepted = sotto__codecs_usable(&reply->codecs);
    if (!reply->accepted) return 0;
    sotto__exts_claim(&a->exts, s->m, &s->exts);
    sotto__exts_answer(&s->exts, kind, &reply->exts);
    return 0;
}

/* RFC 9143 §7.3.3: the tagged section of a bundle that is there already cannot be rejected alone: then all of it is. */
static void reject_with_tagged(struct answer *a, size_t n_live)
{
    if (n_live == 0 || a->offered < 0) return;
    int32_t group = a->offer.items[a->offered].group;
    const struct section *tagged = NULL;
    for (size_t i = 0; group >= 0 && i < a->offer.n; i++)
        if (a->offer.items[i].group == group && a->offer.items[i].group_place == 0)
            tagged = &a->offer.items[i];
    if (!tagged || a->replies[tagged->index].accepted) return;
    for (size_t i = 0; i < a->offer.n; i++) a->replies[i].accepted = false;
}

/* RFC 9143 §7.3.1: a section that has nothing but its bundle cannot carry that. */
static void reject_without_port(struct answer *a)
{
    bool port = false;
    for (size_t i = 0; i < a->offer.n; i++)
        port = port || (a->replies[i].accepted && !a->offer.items[i].bundle_only);
    for (size_t i = 0; !port && i < a->offer.n; i++) a->replies[i].accepted = false;
}

static int decide(struct answer *a)
{
    struct str live[SOTTO_MAX_SDP_MEDIA];
    size_t n_live = sotto__section_live_mids(a->p, live);
    int r = 0;
    a->offered = sotto__bundle_choose(&a->offer, live, n_live, a->chosen);
    for (size_t i = 0; r == 0 && i < a->offer.n; i++) {
        struct section *s = &a->offer.items[i];
        if (!a->chosen[i]) continue;
        if (s->kind == SECTION_DATA)
            a->replies[i].accepted = s->index == a->p->data_index;
        else
            r = read_media(a, s, &a->replies[i]);
    }
    reject_with_tagged(a, n_live);
    reject_without_port(a);
    return r;
}

/* ---- the session ---- */

/* In the order of the offered group: the first one is the tagged one. */
static int write_bundle(const struct answer *a)
{
    struct str mids[SOTTO_MAX_SDP_MEDIA];
    size_t n = 0;
    for (int32_t place = 0; place < (int32_t)SOTTO_MAX_SDP_MEDIA; place++)
        for (size_t i = 0; i < a->offer.n; i++) {
            const struct section *s = &a->offer.items[i];
            if (a->replies[i].accepted && s->group >= 0 && s->group_place == place)
                mids[n++] = s->mid;
        }
    return sotto__section_write_group(a->sdp, "BUNDLE", mids, n);
}

static int write_sync(const struct answer *a)
{
    struct sync_member members[SOTTO_MAX_SDP_MEDIA];
    size_t n = 0;
    for (size_t i = 0; i < a->offer.n; i++) {
        const struct reply *reply = &a->replies[i];
        if (reply->accepted && reply->t)
            members[n++] = (struct sync_member){a->offer.items[i].mid, &reply->t->streams};
    }
    return sotto__section_sync_answer(a->sdp, members, n, a->p->pending_remote.sdp);
}

static const struct sdp_line *offered_attr(const struct answer *a, const char *name)
{
    if (a->offered < 0) return NULL;
    return sotto__section_transport_attr(a->p->pending_remote.sdp, &a->offer.items[a->offered],
                                         name);
}

/* RFC 9429 §5.3.1: the options that the offer has. */
static int write_options(const struct answer *a)
{
    const struct sdp_line *line = offered_attr(a, "ice-options");
    if (!line) return 0;
    return sotto__section_write_options(a->sdp, sotto__sdp_ice_option(line->value, "trickle"),
                                        sotto__sdp_ice_option(line->value, "ice2"));
}

/* RFC 8842 §5.3: the role of the association that goes on, else what the offer leaves to us, active if we may choose. */
static const char *choose_setup(const struct answer *a)
{
    const struct peer *p = a->p;
    const struct sdp_line *line = offered_attr(a, "setup");
    enum sdp_setup setup;
    if (p->role_known && !p->next_tls_id[0]) return p->dtls_client ? "active" : "passive";
    if (!line || sotto__sdp_setup(line->value, &setup) < 0) return "active";
    return setup == SDP_SETUP_ACTIVE ? "passive" : "active";
}

/* ---- sections ---- */

static const struct rid *find_rid(const struct rid_list *l, struct str id)
{
    for (size_t i = 0; i < l->n; i++)
        if (sotto__str_eq(l->items[i].id, id)) return &l->items[i];
    return NULL;
}

/* RFC 8853 §5.3.2, W3C "create an answer": of the streams that we are asked to send those that we have; all that we are to receive, none
 * of them paused by us. */
static void fill_rids(const struct section *s, struct section_text *x)
{
    struct rid_list own;
    sotto__section_own_rids(x->t, &own);
    for (size_t i = 0; sotto__direction_sends(x->direction) && i < s->recv.n; i++) {
        const struct rid *ours = find_rid(&own, s->recv.items[i].id);
        if (ours) x->send.items[x->send.n++] = *ours;
    }
    for (size_t i = 0; sotto__direction_receives(x->direction) && i < s->send.n; i++)
        x->recv.items[x->recv.n++].id = s->send.items[i].id;
    x->simulcast = x->send.n > 0 || x->recv.n > 0;
}

static bool had_msid(const struct peer *p, struct str mid)
{
    const struct sdp *before = p->current_local.sdp;
    for (size_t i = 0; before && mid.n > 0 && i < before->n_media; i++)
        if (sotto__str_eq(sotto__section_mid(before, i), mid))
            return sotto__sdp_attr(&before->media[i].s, "msid") != NULL;
    return false;
}

static int write_media(const struct answer *a, const struct section *s, struct section_text *x)
{
    const struct reply *reply = &a->replies[s->index];
    x->t = reply->t;
    x->direction =
        sotto__direction_and(sotto__direction_reverse(s->direction), reply->t->direction);
    x->codecs = &reply->codecs;
    x->exts = &reply->exts;
    x->rtcp_rsize = s->rtcp_rsize;
    fill_rids(s, x);
    /* RFC 9429 §5.3.1: the transceiver's direction says whether there are streams, the section's whether it sends */
    x->msid = sotto__direction_sends(reply->t->direction) || had_msid(a->p, s->mid);
    x->ssrc = sotto__direction_sends(x->direction) && x->send.n == 0;
    return sotto__section_write_media(a->p, a->sdp, x);
}

static struct str fmts_of(const struct sdp_media *m) /* as they stand in the m-line */
{
    const struct str *first = &m->fmts[0], *last = &m->fmts[m->n_fmts - 1];
    return (struct str){first->p, (size_t)(last->p + last->n - first->p)};
}

static int write_sections(const struct answer *a)
{
    const struct peer *p = a->p;
    const struct transport_text transport = {
        .ice = sotto__section_ice(p, p->remote_restart),
        .setup = choose_setup(a),
        .tls_id = p->next_tls_id[0] ? p->next_tls_id : p->tls_id,
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < a->offer.n; i++) {
        const struct section *s = &a->offer.items[i];
        struct section_text x = {.mid = s->mid, .port = 9, .proto = s->m->proto};
        x.transport = &transport;
        if (s->kind == SECTION_DATA) x.fmt = fmts_of(s->m);
        if (!a->replies[i].accepted)
            r = sotto__section_write_rejected(a->sdp, s->m);
        else
            r = s->kind == SECTION_DATA ? sotto__section_write_data(p, a->sdp, &x)
                                        : write_media(a, s, &x);
    }
    return r;
}

static int write_answer(struct answer *a, uint64_t version)
{
    int r = sotto__sections_read(a->p->pending_remote.sdp, &a->offer, NULL);
    if (r == 0) (void)sotto__policy_sections(a->p, &a->offer, false);
    if (r == 0) r = decide(a);
    if (r == 0) r = sotto__section_write_head(a->p, a->sdp, version);
    if (r == 0) r = write_options(a);
    if (r == 0) r = write_bundle(a);
    if (r == 0) r = write_sync(a);
    return r == 0 ? write_sections(a) : r;
}

int sotto__answer_make(struct peer *p, uint64_t version, char **ret)
{
    struct answer a = {.p = p, .exts = p->exts};
    int r = sotto__sdp_new(&a.sdp);
    if (r < 0) return r;
    r = write_answer(&a, version);
    for (size_t i = 0; i < a.offer.n; i++) sotto__codecs_free(&a.replies[i].codecs);
    sotto__sections_free(&a.offer);
    return sotto__section_write_end(a.sdp, r, ret);
}

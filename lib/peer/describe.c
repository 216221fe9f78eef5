/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading descriptions back, with the candidates so far (W3C §4.4.1.5, RFC 9429 §5.2), and candidates of the remote as they
 * trickle in (RFC 8840 §4.4, W3C addIceCandidate()). Nothing here changes the signaling state.
 * answers: H026 H029 H038 H039
 */
#include <stdio.h>
#include <string.h>

#include "peer/policy.h"
#include "peer/private.h"
#include "util/error.h"
#include "util/mem.h"
#include "wire/sdp_attr.h"

static const struct description *pick(int32_t which, const struct description *current,
                                      const struct description *pending)
{
    if (which == SOTTO_DESC_CURRENT) return current;
    if (which == SOTTO_DESC_PENDING || pending->sdp) return pending;
    return current;
}

static bool is_of(const struct local_candidate *c, struct str ufrag)
{
    return ufrag.n > 0 && sotto__str_eq(sotto__str(c->ufrag), ufrag);
}

/* RFC 9429 §5.2: relay, else server-reflexive, else host; IPv4 before IPv6. */
static const struct local_candidate *default_candidate(const struct peer *p, struct str ufrag)
{
    static const enum candidate_type order[] = {CANDIDATE_RELAY, CANDIDATE_SRFLX, CANDIDATE_HOST};
    for (size_t o = 0; o < 3; o++)
        for (uint8_t family = 4; family <= 6; family += 2)
            for (size_t i = 0; i < p->n_candidates; i++) {
                const struct local_candidate *c = &p->candidates[i];
                if (c->type == order[o] && c->addr.family == family && !c->name && is_of(c, ufrag))
                    return c;
            }
    return NULL;
}

static int add_candidates(const struct peer *p, struct sdp *sdp, struct sdp_media *m,
                          struct str ufrag)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->n_candidates; i++) {
        struct candidate c;
        struct buf text;
        if (!is_of(&p->candidates[i], ufrag)) continue;
        sotto__peer_candidate(&p->candidates[i], &c);
        c.ufrag[0] = '\0'; /* a=ice-ufrag says it */
        sotto__buf_init(&text, SOTTO_MAX_CANDIDATE);
        sotto__candidate_write(&c, &text);
        r = text.err ? text.err
                     : sotto__sdp_add(sdp, &m->s, 'a', "%.*s", (int)text.n, (char *)text.p);
        sotto__buf_free(&text);
    }
    bool all = sotto__str_eq(ufrag, sotto__str(p->gathered[0])) ||
               sotto__str_eq(ufrag, sotto__str(p->gathered[1]));
    return r == 0 && all ? sotto__sdp_add(sdp, &m->s, 'a', "end-of-candidates") : r;
}

static int write_tree(const struct sdp *sdp, char **ret)
{
    struct buf text;
    sotto__buf_init(&text, SOTTO_MAX_SDP * 2);
    sotto__sdp_write(sdp, &text);
    int r = text.err;
    if (r == 0) {
        *ret = sotto__buf_take_string(&text);
        return *ret ? 0 : SOTTO_E_NOMEM;
    }
    sotto__buf_free(&text);
    return r;
}

static int32_t index_of_mid(const struct sdp *sdp, struct str mid)
{
    for (size_t i = 0; i < sdp->n_media; i++) {
        const struct sdp_line *line = sotto__sdp_attr(&sdp->media[i].s, "mid");
        if (line && sotto__str_eq(line->value, mid)) return (int32_t)i;
    }
    return -1;
}

int32_t sotto__describe_tagged(const struct sdp *sdp)
{
    const struct sdp_line *line;
    struct sdp_group group;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&sdp->s, &at, "group"))) {
        if (sotto__sdp_group(line->value, &group) < 0 ||
            !sotto__str_eq(group.semantics, STR("BUNDLE")))
            continue;
        for (size_t i = 0; i < group.n_mids; i++) {
            int32_t index = index_of_mid(sdp, group.mids[i]);
            if (index >= 0 && sdp->media[index].port != 0) return index;
        }
    }
    for (size_t i = 0; i < sdp->n_media; i++)
        if (sdp->media[i].port != 0) return (int32_t)i;
    return -1;
}

/* Our own text with candidates, and the default one in c= and m= (RFC 8839 §4.2.1.2). */
static int write_local(const struct peer *p, const struct sdp *from, char **ret)
{
    char *text = NULL, ip[46], line[64];
    struct sdp *sdp;
    struct str ufrag = sotto__jsep_ufrag(from);
    const struct local_candidate *c = default_candidate(p, ufrag);
    int r = write_tree(from, &text);
    if (r < 0) return r;
    r = sotto__sdp_parse(text, strlen(text), &sdp, NULL);
    sotto__free(text);
    if (r < 0) return r;
    int32_t tagged = sotto__describe_tagged(sdp);
    struct sdp_media *m = tagged >= 0 ? &sdp->media[tagged] : NULL;
    if (m && c) {
        m->port = c->addr.port;
        snprintf(line, sizeof line, "IN IP%u %s", c->addr.family,
                 sotto__address_text(&c->addr, ip));
        for (size_t i = 0; i < m->s.n_lines; i++)
            if (m->s.lines[i].type == 'c') m->s.lines[i].value = sotto__str(line);
    }
    if (m) r = add_candidates(p, sdp, m, ufrag);
    if (r == 0) r = write_tree(sdp, ret);
    sotto__sdp_free(sdp);
    return r;
}

int sotto__peer_local_description(struct peer *p, int32_t which, int32_t *ret_type, char **ret_sdp)
{
    const struct description *d = pick(which, &p->current_local, &p->pending_local);
    if (!d->sdp) return 0;
    int r = ret_sdp ? write_local(p, d->sdp, ret_sdp) : 0;
    if (r < 0) return r;
    if (ret_type) *ret_type = d->type;
    return 1;
}

int sotto__peer_remote_description(struct peer *p, int32_t which, int32_t *ret_type, char **ret_sdp)
{
    const struct description *d = pick(which, &p->current_remote, &p->pending_remote);
    if (!d->sdp) return 0;
    int r = ret_sdp ? write_tree(d->sdp, ret_sdp) : 0;
    if (r < 0) return r;
    if (ret_type) *ret_type = d->type;
    return 1;
}

int sotto__peer_can_trickle(const struct peer *p)
{
    const struct sdp *sdp = p->pending_remote.sdp ? p->pending_remote.sdp : p->current_remote.sdp;
    if (p->closed) return SOTTO_E_CLOSED;
    if (!sdp) return SOTTO_E_STATE;
    const struct sdp_line *line = sotto__sdp_attr(&sdp->s, "ice-options");
    for (size_t i = 0; i <= sdp->n_media; i++) {
        if (line && sotto__sdp_ice_option(line->value, "trickle")) return 1;
        line = i < sdp->n_media ? sotto__sdp_attr(&sdp->media[i].s, "ice-options") : NULL;
    }
    return 0;
}

/* The section that a candidate names; NULL: there is none. */
static struct sdp_media *find_section(struct sdp *sdp, const sotto_candidate *cand)
{
    for (size_t i = 0; cand->mid && i < sdp->n_media; i++) {
        const struct sdp_line *mid = sotto__sdp_attr(&sdp->media[i].s, "mid");
        if (mid && sotto__str_eq(mid->value, sotto__str(cand->mid))) return &sdp->media[i];
    }
    if (cand->mid || !cand->has_mline_index) return NULL;
    if (cand->mline_index < 0 || (size_t)cand->mline_index >= sdp->n_media) return NULL;
    return &sdp->media[cand->mline_index];
}

/* ---- candidates of the remote ---- */

static struct str section_ufrag(const struct sdp *sdp, const struct sdp_media *m)
{
    const struct sdp_line *line = sotto__sdp_attr_or_session(sdp, m, "ice-ufrag");
    return line ? line->value : sotto__jsep_ufrag(sdp); /* bundled into another section */
}

/* The transport already knows this generation of the remote: candidates go straight to it. */
static bool is_live(const struct peer *p, struct str ufrag)
{
    const struct transport *t = &p->transport;
    const char *live = t->live.remote_ufrag, *next = t->next.remote_ufrag;
    return (live && sotto__str_eq(ufrag, sotto__str(live))) ||
           (next && sotto__str_eq(ufrag, sotto__str(next)));
}

static size_t count_candidates(const struct sdp_media *m)
{
    size_t n = 0, at = 0;
    while (sotto__sdp_next_attr(&m->s, &at, "candidate")) n++;
    return n;
}

/*
 * Candidates belong to the tagged section. A Firefox gathers for each section that it adds, before it knows of the bundle, under the
 * same ufrag: those are sockets that nobody will use. From a remote that names none for the tagged section any one is taken.
 */
static bool takes_candidates(const struct sdp *sdp, const struct sdp_media *m)
{
    int32_t tagged = sotto__describe_tagged(sdp);
    return tagged < 0 || m == &sdp->media[tagged] || count_candidates(&sdp->media[tagged]) == 0;
}

/* What is not is written down; but not a second component, which browsers name for the same address. */
static bool is_usable(struct peer *p, const struct candidate *c)
{
    if (c->component != 1) return false;
    bool is_name = c->addr.family == 0;
    if (!sotto__policy_takes_candidate(p, c)) {
        sotto__peer_attacked(p, ATTACK_POLICY_CANDIDATE);
        return false;
    }
    if (!c->is_tcp && (is_name ? sotto__transport_takes_name(&p->transport, c)
                               : sotto__address_usable(&c->addr, p->transport.allow_loopback))) {
        if (!is_name) p->story.families[1] |= FAMILY_BIT(c->addr.family);
        return true;
    }
    sotto__story_refused(p, c);
    if (is_name)
        sotto__peer_attacked(p, ATTACK_CANDIDATE_NAME);
    else if (!c->is_tcp)
        sotto__peer_attacked(p, ATTACK_CANDIDATE_ADDRESS);
    return false;
}

void sotto__peer_named(struct peer *p, sotto_us now, const char *name, const struct address *addr)
{
    size_t before = p->transport.n_named;
    if (p->closed) return;
    sotto__transport_named(&p->transport, now, name, addr);
    size_t n = before - p->transport.n_named;
    if (addr->family == 0)
        p->story.silent += (unsigned)n;
    else if (n > 0)
        p->story.families[1] |= FAMILY_BIT(addr->family);
}

void sotto__peer_resolved(struct peer *p, const struct resolver_out *out)
{
    if (!p->closed) sotto__transport_resolved(&p->transport, out);
}

static void warn_limit(struct peer *p, sotto_us now)
{
    sotto__peer_attacked(p, ATTACK_CANDIDATE_LIMIT);
    sotto__events_warning(p, now, SOTTO_WARN_REMOTE_CANDIDATES,
                          "the remote has more candidates than are used", 0);
}

/* In a description: what cannot be used is as if it were not there. */
static void apply_candidate(struct peer *p, struct str text, sotto_us now)
{
    struct candidate c;
    if (sotto__candidate_parse(text, &c, NULL) < 0) {
        sotto__peer_attacked(p, ATTACK_CANDIDATE_BROKEN);
        return;
    }
    if (!is_usable(p, &c)) return;
    if (c.ufrag[0] && strcmp(c.ufrag, p->transport.remote->ufrag) != 0) return;
    if (p->n_remote_candidates == SOTTO_MAX_REMOTE_CANDIDATES) {
        warn_limit(p, now);
        return;
    }
    p->n_remote_candidates++;
    /* one that ICE cannot take is one fewer to try */
    (void)sotto__transport_add_candidate(&p->transport, p->transport.remote->ufrag, &c, now);
}

static bool has_candidate(const struct sdp *sdp, struct str value)
{
    for (size_t i = 0; sdp && i < sdp->n_media; i++) {
        const struct sdp_line *line;
        size_t at = 0;
        while ((line = sotto__sdp_next_attr(&sdp->media[i].s, &at, "candidate")))
            if (sotto__str_eq(line->value, value)) return true;
    }
    return false;
}

void sotto__describe_apply_candidates(struct peer *p, const struct sdp *sdp,
                                      const struct sdp *before, sotto_us now)
{
    for (size_t i = 0; i < sdp->n_media; i++) { /* under BUNDLE they may stand in any section */
        const struct sdp_media *m = &sdp->media[i];
        const struct sdp_line *line;
        size_t at = 0;
        if (!sotto__str_eq(section_ufrag(sdp, m), sotto__str(p->transport.remote->ufrag)) ||
            !takes_candidates(sdp, m))
            continue;
        while ((line = sotto__sdp_next_attr(&m->s, &at, "candidate"))) {
            if (!line->value.p || has_candidate(before, line->value)) continue;
            struct str text = {line->name.p,
                               (size_t)(line->value.p + line->value.n - line->name.p)};
            apply_candidate(p, text, now);
        }
    }
}

static int add_line(struct peer *p, sotto_us now, struct description *d, struct sdp_media *m,
                    const char *line, const struct candidate *c, sotto_error *err)
{
    struct str ufrag = section_ufrag(d->sdp, m);
    bool live = is_live(p, ufrag);
    if ((live ? p->n_remote_candidates : count_candidates(m)) >= SOTTO_MAX_REMOTE_CANDIDATES) {
        warn_limit(p, now);
        return sotto__error(err, SOTTO_E_LIMIT, 0, "more than %d candidates",
                            SOTTO_MAX_REMOTE_CANDIDATES);
    }
    const char *text = strncmp(line, "a=", 2) == 0 ? line + 2 : line;
    int r = sotto__sdp_add(d->sdp, &m->s, 'a', "%s", text);
    if (r < 0) return sotto__error(err, r, 0, "the candidate cannot be stored");
    if (!live) return 0; /* read from the description when the transport learns of it */
    char of[SOTTO_MAX_UFRAG + 1];
    snprintf(of, sizeof of, "%.*s", (int)ufrag.n, ufrag.p);
    r = sotto__transport_add_candidate(&p->transport, of, c, now);
    if (r < 0) {
        m->s.n_lines--;
        return sotto__error(err, r, 0, "ICE does not take it");
    }
    p->n_remote_candidates++;
    return 0;
}

static int remote_done(struct peer *p, sotto_us now, struct description *d, struct sdp_media *m,
                       const char *named)
{
    struct str ufrag = m ? section_ufrag(d->sdp, m) : sotto__jsep_ufrag(d->sdp);
    if (named && named[0] && !sotto__str_eq(ufrag, sotto__str(named))) return 0; /* of an older generation */
    struct sdp_section *s = m ? &m->s : &d->sdp->s;
    int r = sotto__sdp_attr(s, "end-of-candidates")
                ? 0
                : sotto__sdp_add(d->sdp, s, 'a', "end-of-candidates");
    if (r < 0 || !is_live(p, ufrag)) return r;
    char of[SOTTO_MAX_UFRAG + 1];
    snprintf(of, sizeof of, "%.*s", (int)ufrag.n, ufrag.p);
    sotto__transport_remote_done(&p->transport, of, now);
    return 0;
}

static bool names_generation(const struct description *d, const sotto_candidate *cand,
                             const char *ufrag)
{
    struct sdp_media *m = d->sdp ? find_section(d->sdp, cand) : NULL;
    return m && sotto__str_eq(section_ufrag(d->sdp, m), sotto__str(ufrag));
}

/* The description that a candidate belongs to: W3C addIceCandidate() looks into the pending and the current one. */
static struct description *description_of(struct peer *p, const sotto_candidate *cand,
                                          const char *ufrag)
{
    struct description *latest = sotto__jsep_remote(p);
    if (ufrag && ufrag[0] && !names_generation(latest, cand, ufrag) &&
        names_generation(&p->current_remote, cand, ufrag))
        return &p->current_remote;
    return latest;
}

int sotto__peer_add_candidate(struct peer *p, sotto_us now, const sotto_candidate *cand,
                              sotto_error *err)
{
    struct description *d = sotto__jsep_remote(p);
    struct candidate c = {0};
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (!d->sdp) return sotto__error(err, SOTTO_E_STATE, 0, "no remote description yet");
    if (!cand) return remote_done(p, now, d, NULL, NULL);
    if (!cand->mid && !cand->has_mline_index && cand->line[0])
        return sotto__error(err, SOTTO_E_INVAL, 0, "neither mid nor mline_index is given");
    int r = cand->line[0] ? sotto__candidate_parse(sotto__str(cand->line), &c, err) : 0;
    const char *ufrag = cand->ufrag ? cand->ufrag : c.ufrag;
    if (r < 0) sotto__peer_attacked(p, ATTACK_CANDIDATE_BROKEN);
    if (r == 0) d = description_of(p, cand, ufrag);
    struct sdp_media *m = r == 0 ? find_section(d->sdp, cand) : NULL;
    if (r < 0) return r;
    if (!m && (cand->mid || cand->has_mline_index))
        return sotto__error(err, SOTTO_E_SDP, 0, "there is no such media section");
    if (cand->line[0] == '\0') return remote_done(p, now, d, m, cand->ufrag);
    bool ours = !ufrag[0] || sotto__str_eq(section_ufrag(d->sdp, m), sotto__str(ufrag));
    if (!ours || !is_usable(p, &c) || !takes_candidates(d->sdp, m)) return 0;
    return add_line(p, now, d, m, cand->line, &c, err);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading descriptions back, with the candidates so far (W3C §4.4.1.5, RFC 9429 §5.2), and candidates of the remote as they
 * trickle in (RFC 8840 §4.4, W3C addIceCandidate()). Nothing here changes the signaling state.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "util/error.h"
#include "util/mem.h"

static const struct description *pick(int32_t which, const struct description *current,
                                      const struct description *pending)
{
    if (which == SOTTO_DESC_CURRENT) return current;
    if (which == SOTTO_DESC_PENDING || pending->sdp) return pending;
    return current;
}

/* RFC 9429 §5.2: relay, else server-reflexive, else host; IPv4 before IPv6. */
static const struct candidate *default_candidate(const struct peer *p)
{
    static const enum candidate_type order[] = {CANDIDATE_RELAY, CANDIDATE_SRFLX, CANDIDATE_HOST};
    for (size_t o = 0; o < 3; o++)
        for (uint8_t family = 4; family <= 6; family += 2)
            for (size_t i = 0; i < p->n_candidates; i++)
                if (p->candidates[i].type == order[o] && p->candidates[i].addr.family == family)
                    return &p->candidates[i];
    return NULL;
}

static int add_candidates(const struct peer *p, struct sdp *sdp, struct sdp_media *m)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->n_candidates; i++) {
        struct buf text;
        sotto__buf_init(&text, SOTTO_MAX_CANDIDATE);
        sotto__candidate_write(&p->candidates[i], &text);
        r = text.err ? text.err
                     : sotto__sdp_add(sdp, &m->s, 'a', "%.*s", (int)text.n, (char *)text.p);
        sotto__buf_free(&text);
    }
    if (r == 0 && p->gathering == SOTTO_GATHERING_COMPLETE)
        r = sotto__sdp_add(sdp, &m->s, 'a', "end-of-candidates");
    return r;
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

/* Our own text with candidates, and the default one in c= and m= (RFC 8839 §4.2.1.2). */
static int write_local(const struct peer *p, const struct sdp *from, char **ret)
{
    char *text = NULL, ip[46], line[64];
    struct sdp *sdp;
    int32_t index;
    int r = write_tree(from, &text);
    if (r < 0) return r;
    r = sotto__sdp_parse(text, strlen(text), &sdp, NULL);
    sotto__free(text);
    if (r < 0) return r;
    /* without mids, which an old offer may lack: the data section */
    struct sdp_media *m =
        (struct sdp_media *)(uintptr_t)sotto__jsep_data_section(sdp, p->mid, &index);
    const struct candidate *c = default_candidate(p);
    if (m && m->port != 0 && c) {
        m->port = c->addr.port;
        snprintf(line, sizeof line, "IN IP%u %s", c->addr.family,
                 sotto__address_text(&c->addr, ip));
        for (size_t i = 0; i < m->s.n_lines; i++)
            if (m->s.lines[i].type == 'c') m->s.lines[i].value = sotto__str(line);
    }
    if (m && m->port != 0) r = add_candidates(p, sdp, m);
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
    const struct sdp *sdp = p->current_remote.sdp ? p->current_remote.sdp : p->pending_remote.sdp;
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

/* Whether a candidate of section m under this ufrag belongs to the transport of the data section. */
static bool is_ours(struct peer *p, const struct sdp *sdp, const struct sdp_media *m,
                    const char *ufrag)
{
    int32_t index;
    const struct sdp_media *data = sotto__jsep_data_section(
        sdp, p->data_negotiated || p->transport.has_remote ? p->mid : "", &index);
    if (!data) return false;
    struct str want = sotto__apply_ufrag(sdp, data);
    struct str have = ufrag && ufrag[0] ? sotto__str(ufrag) : sotto__apply_ufrag(sdp, m);
    return sotto__str_eq(want, have);
}

/* The transport already knows this description: candidates go straight to it. */
static bool is_live(const struct peer *p, const struct sdp *sdp, const struct sdp_media *data)
{
    return p->transport.has_remote && p->transport.ice && data &&
           sotto__str_eq(sotto__apply_ufrag(sdp, data), sotto__str(p->transport.remote.ufrag));
}

static size_t count_candidates(const struct sdp_media *m)
{
    size_t n = 0, at = 0;
    while (sotto__sdp_next_attr(&m->s, &at, "candidate")) n++;
    return n;
}

static int add_line(struct peer *p, sotto_us now, struct description *d, struct sdp_media *m,
                    const char *line, const struct candidate *c, sotto_error *err)
{
    bool live = is_live(p, d->sdp, m);
    if ((live ? p->n_remote_candidates : count_candidates(m)) >= SOTTO_MAX_REMOTE_CANDIDATES)
        return sotto__error(err, SOTTO_E_LIMIT, 0, "more than %d candidates",
                            SOTTO_MAX_REMOTE_CANDIDATES);
    const char *text = strncmp(line, "a=", 2) == 0 ? line + 2 : line;
    int r = sotto__sdp_add(d->sdp, &m->s, 'a', "%s", text);
    if (r < 0) return sotto__error(err, r, 0, "the candidate cannot be stored");
    if (!live) return 0; /* read from the description when the transport learns of it */
    r = sotto__transport_add_candidate(&p->transport, c, now);
    if (r < 0) {
        m->s.n_lines--;
        return sotto__error(err, r, 0, "ICE does not take it");
    }
    p->n_remote_candidates++;
    return 0;
}

static int remote_done(struct peer *p, sotto_us now, struct description *d, struct sdp_media *m)
{
    int32_t index;
    const struct sdp_media *data = m ? m : sotto__jsep_data_section(d->sdp, p->mid, &index);
    if (is_live(p, d->sdp, data)) {
        sotto__transport_remote_done(&p->transport, now);
        return 0;
    }
    struct sdp_section *s = m ? &m->s : &d->sdp->s;
    if (sotto__sdp_attr(s, "end-of-candidates")) return 0;
    return sotto__sdp_add(d->sdp, s, 'a', "end-of-candidates");
}

int sotto__peer_add_candidate(struct peer *p, sotto_us now, const sotto_candidate *cand,
                              sotto_error *err)
{
    struct description *d = sotto__jsep_remote(p);
    struct candidate c;
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (!d->sdp) return sotto__error(err, SOTTO_E_STATE, 0, "no remote description yet");
    if (!cand) return remote_done(p, now, d, NULL);
    if (!cand->mid && !cand->has_mline_index && cand->line[0])
        return sotto__error(err, SOTTO_E_INVAL, 0, "neither mid nor mline_index is given");
    struct sdp_media *m = find_section(d->sdp, cand);
    if (!m && (cand->mid || cand->has_mline_index))
        return sotto__error(err, SOTTO_E_SDP, 0, "there is no such media section");
    if (cand->line[0] == '\0') return remote_done(p, now, d, m);
    int r = sotto__candidate_parse(sotto__str(cand->line), &c, err);
    if (r < 0) return r;
    const char *ufrag = cand->ufrag ? cand->ufrag : c.ufrag;
    bool usable = !c.is_tcp && c.component == 1 && c.addr.family != 0 &&
                  sotto__address_usable(&c.addr, p->transport.allow_loopback);
    if (!usable || !is_ours(p, d->sdp, m, ufrag)) return 0;
    return add_line(p, now, d, m, cand->line, &c, err);
}

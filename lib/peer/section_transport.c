/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE and DTLS of a description: credentials (RFC 8839), fingerprints (RFC 8122), setup and tls-id (RFC 8842), from the section, the
 * tagged section of its BUNDLE group (RFC 9143 §7.1.3) or the session.
 * In come the tree and the section whose transport counts, out goes what the transport needs, or an error that says what is missing.
 * Whether that fits a connection that is up already is apply.c's question.
 * answers: H007 H008 H009 H010 H011
 */
#include "peer/section.h"
#include "transport/cert.h"
#include "util/error.h"

/* ---- where transport attributes stand ---- */

/* The first place where such a line stands, NULL: nowhere. A section's fingerprints replace the session's: RFC 8122 §5. */
static const struct sdp_section *place_of(const struct sdp *sdp, const struct section *s,
                                          const char *name)
{
    if (sotto__sdp_attr(&s->m->s, name)) return &s->m->s;
    if (s->group_first && sotto__sdp_attr(&s->group_first->s, name)) return &s->group_first->s;
    return sotto__sdp_attr(&sdp->s, name) ? &sdp->s : NULL;
}

const struct sdp_line *sotto__section_transport_attr(const struct sdp *sdp, const struct section *s,
                                                     const char *name)
{
    const struct sdp_section *place = place_of(sdp, s, name);
    return place ? sotto__sdp_attr(place, name) : NULL;
}

/* ---- values ---- */

static int copy_text(const struct section *s, const struct sdp_line *line, const char *what,
                     char *out, size_t cap, sotto_error *err)
{
    if (!line)
        return sotto__error(err, SOTTO_E_SDP, s->m->number, "section %d has no %s", s->index, what);
    if (line->value.n >= cap) /* the parser allows none so long */
        return sotto__error(err, SOTTO_E_LIMIT, line->number, "%s is too long", what);
    memcpy(out, line->value.p, line->value.n);
    out[line->value.n] = '\0';
    return 0;
}

static int read_credentials(const struct sdp *sdp, const struct section *s,
                            struct transport_remote *t, sotto_error *err)
{
    const struct sdp_line *ufrag = sotto__section_transport_attr(sdp, s, "ice-ufrag");
    const struct sdp_line *pwd = sotto__section_transport_attr(sdp, s, "ice-pwd");
    int r = copy_text(s, ufrag, "ICE ufrag", t->ufrag, sizeof t->ufrag, err);
    return r < 0 ? r : copy_text(s, pwd, "ICE password", t->pwd, sizeof t->pwd, err);
}

static int read_fingerprints(const struct sdp *sdp, const struct section *s,
                             struct transport_remote *t, sotto_error *err)
{
    const struct sdp_section *place = place_of(sdp, s, "fingerprint");
    const struct sdp_line *line;
    size_t at = 0;
    if (!place)
        return sotto__error(err, SOTTO_E_SDP, s->m->number, "section %d has no DTLS fingerprint",
                            s->index);
    while ((line = sotto__sdp_next_attr(place, &at, "fingerprint"))) {
        if (t->n_fingerprints == SOTTO_MAX_FINGERPRINTS)
            return sotto__error(err, SOTTO_E_LIMIT, line->number, "too many fingerprints");
        int r = sotto__sdp_fingerprint(line->value, &t->fingerprints[t->n_fingerprints]);
        if (r < 0) return sotto__error(err, r, line->number, "a fingerprint cannot be read");
        t->n_fingerprints++;
    }
    if (!sotto__fingerprints_usable(t->fingerprints, t->n_fingerprints))
        return sotto__error(err, SOTTO_E_SDP, s->m->number,
                            "section %d has no fingerprint of sha-256, -384 or -512", s->index);
    return 0;
}

/* RFC 8842 §5: an offer says actpass, but old ones choose for us; an answer must choose. */
static int read_setup(const struct sdp *sdp, const struct section *s, bool is_offer,
                      enum sdp_setup *ret, sotto_error *err)
{
    const struct sdp_line *line = sotto__section_transport_attr(sdp, s, "setup");
    *ret = SDP_SETUP_ACTPASS;
    if (!line && is_offer) return 0;
    if (!line)
        return sotto__error(err, SOTTO_E_SDP, s->m->number, "section %d has no a=setup", s->index);
    if (sotto__sdp_setup(line->value, ret) < 0 || *ret == SDP_SETUP_HOLDCONN ||
        (!is_offer && *ret == SDP_SETUP_ACTPASS))
        return sotto__error(err, SOTTO_E_SDP, line->number, "a=setup has a value not allowed here");
    return 0;
}

int sotto__transport_desc_read(const struct sdp *sdp, const struct section *tagged, bool is_offer,
                               struct transport_desc *ret, sotto_error *err)
{
    struct transport_desc d = {.setup = SDP_SETUP_ACTPASS};
    const struct sdp_line *id = sotto__section_transport_attr(sdp, tagged, "tls-id");
    const struct sdp_line *options = sotto__section_transport_attr(sdp, tagged, "ice-options");
    int r = read_credentials(sdp, tagged, &d.t, err);
    if (r == 0) r = read_fingerprints(sdp, tagged, &d.t, err);
    if (r == 0) r = read_setup(sdp, tagged, is_offer, &d.setup, err);
    if (r == 0 && id) r = copy_text(tagged, id, "tls-id", d.tls_id, sizeof d.tls_id, err);
    if (r < 0) return r;
    d.trickle = options && sotto__sdp_ice_option(options->value, "trickle");
    d.lite = sotto__sdp_attr(&sdp->s, "ice-lite") != NULL; /* RFC 8839 §5.3: of the session only */
    d.done = !d.trickle || sotto__section_transport_attr(sdp, tagged, "end-of-candidates");
    *ret = d;
    return 0;
}

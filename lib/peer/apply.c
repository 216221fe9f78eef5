/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a remote description means for the transport (RFC 9429 §5.10–5.11): reading and checking its data section, and giving the
 * transport what it needs once the negotiation is done. Reading changes nothing.
 */
#include <string.h>

#include "peer/private.h"
#include "util/error.h"
#include "wire/sdp_attr.h"

bool sotto__apply_usable_data(const struct sdp_media *m)
{
    bool proto = sotto__str_ieq(m->proto, STR("UDP/DTLS/SCTP")) ||
                 sotto__str_ieq(m->proto, STR("TCP/DTLS/SCTP"));       /* RFC 8841 §4 */
    bool used = m->port != 0 || sotto__sdp_attr(&m->s, "bundle-only"); /* RFC 9143 §6 */
    return used && proto && sotto__str_eq(m->kind, STR("application")) && m->n_fmts == 1 &&
           sotto__str_ieq(m->fmts[0], STR("webrtc-datachannel"));
}

const struct sdp_media *sotto__jsep_data_section(const struct sdp *sdp, const char *mid,
                                                 int32_t *ret_index)
{
    for (size_t i = 0; sdp && i < sdp->n_media; i++) {
        const struct sdp_line *line = sotto__sdp_attr(&sdp->media[i].s, "mid");
        if (mid[0] ? line && sotto__str_eq(line->value, sotto__str(mid))
                   : sotto__apply_usable_data(&sdp->media[i])) {
            *ret_index = (int32_t)i;
            return &sdp->media[i];
        }
    }
    return NULL;
}

/* The first section of the BUNDLE group that m is in: transport attributes may stand there only (RFC 9143 §7.1.3). */
static const struct sdp_media *tagged_section(const struct sdp *sdp, const struct sdp_media *m)
{
    const struct sdp_line *line, *mid = sotto__sdp_attr(&m->s, "mid");
    struct sdp_group group;
    size_t at = 0;
    while (mid && (line = sotto__sdp_next_attr(&sdp->s, &at, "group"))) {
        if (sotto__sdp_group(line->value, &group) < 0 || group.n_mids == 0) continue;
        bool in = false;
        for (size_t i = 0; i < group.n_mids; i++)
            in = in || sotto__str_eq(group.mids[i], mid->value);
        for (size_t i = 0; in && i < sdp->n_media; i++) {
            const struct sdp_line *other = sotto__sdp_attr(&sdp->media[i].s, "mid");
            if (other && sotto__str_eq(other->value, group.mids[0])) return &sdp->media[i];
        }
    }
    return m;
}

static const struct sdp_line *transport_attr(const struct sdp *sdp, const struct sdp_media *m,
                                             const char *name)
{
    const struct sdp_line *line = sotto__sdp_attr_or_session(sdp, m, name);
    return line ? line : sotto__sdp_attr(&tagged_section(sdp, m)->s, name);
}

static int read_credentials(const struct sdp *sdp, const struct sdp_media *m,
                            struct transport_remote *t, sotto_error *err)
{
    const struct sdp_line *ufrag = transport_attr(sdp, m, "ice-ufrag");
    const struct sdp_line *pwd = transport_attr(sdp, m, "ice-pwd");
    if (!ufrag || !pwd)
        return sotto__error(err, SOTTO_E_SDP, m->number, "the data section has no ICE credentials");
    if (ufrag->value.n >= sizeof t->ufrag || pwd->value.n >= sizeof t->pwd)
        return sotto__error(err, SOTTO_E_SDP, ufrag->number, "ICE credentials that are too long");
    memcpy(t->ufrag, ufrag->value.p, ufrag->value.n);
    memcpy(t->pwd, pwd->value.p, pwd->value.n);
    return 0;
}

/* A section's fingerprints replace the session's: RFC 8122 §5. */
static int read_fingerprints(const struct sdp *sdp, const struct sdp_media *m,
                             struct transport_remote *t, sotto_error *err)
{
    const struct sdp_section *where[] = {&m->s, &sdp->s, &tagged_section(sdp, m)->s};
    for (size_t i = 0; i < 3 && t->n_fingerprints == 0; i++) {
        const struct sdp_line *line;
        size_t at = 0;
        while ((line = sotto__sdp_next_attr(where[i], &at, "fingerprint"))) {
            if (t->n_fingerprints == SOTTO_MAX_FINGERPRINTS)
                return sotto__error(err, SOTTO_E_LIMIT, line->number, "too many fingerprints");
            int r = sotto__sdp_fingerprint(line->value, &t->fingerprints[t->n_fingerprints++]);
            if (r < 0) return sotto__error(err, r, line->number, "a fingerprint cannot be read");
        }
    }
    if (t->n_fingerprints == 0)
        return sotto__error(err, SOTTO_E_SDP, m->number, "the data section has no fingerprint");
    if (!sotto__fingerprints_usable(t->fingerprints, t->n_fingerprints))
        return sotto__error(err, SOTTO_E_SDP, m->number, "no fingerprint of sha-256, -384 or -512");
    return 0;
}

static int read_setup(const struct sdp *sdp, const struct sdp_media *m, bool is_offer,
                      enum sdp_setup *ret, sotto_error *err)
{
    const struct sdp_line *line = transport_attr(sdp, m, "setup");
    *ret = SDP_SETUP_ACTPASS;
    if (!line && is_offer) return 0;
    if (!line) return sotto__error(err, SOTTO_E_SDP, m->number, "the answer has no a=setup");
    if (sotto__sdp_setup(line->value, ret) < 0 || *ret == SDP_SETUP_HOLDCONN ||
        (!is_offer && *ret == SDP_SETUP_ACTPASS))
        return sotto__error(err, SOTTO_E_SDP, line->number, "a=setup has a value not allowed here");
    return 0;
}

static void read_sctp(const struct sdp_media *m, struct remote_params *ret)
{
    const struct sdp_line *port = sotto__sdp_attr(&m->s, "sctp-port");
    const struct sdp_line *size = sotto__sdp_attr(&m->s, "max-message-size");
    ret->t.has_data = true;
    ret->t.sctp_port_local = ret->t.sctp_port_remote = 5000;
    ret->max_message = SOTTO_DEFAULT_REMOTE_MESSAGE;
    if (port) sotto__sdp_sctp_port(port->value, &ret->t.sctp_port_remote); /* checked by the parser */
    if (size && sotto__sdp_max_message_size(size->value, &ret->max_message) == 0 &&
        ret->max_message == 0)
        ret->max_message = UINT64_MAX; /* RFC 8841 §6.1: 0 is any size */
}

int sotto__apply_read(struct peer *p, const struct sdp *sdp, bool is_offer,
                      struct remote_params *ret, sotto_error *err)
{
    /* an offer may come while a first offer of ours, which it replaces, is pending */
    const char *mid = is_offer && !p->data_negotiated ? "" : p->mid;
    *ret = (struct remote_params){.index = -1};
    const struct sdp_media *m = sotto__jsep_data_section(sdp, mid, &ret->index);
    if (!m || !sotto__apply_usable_data(m)) return 0;
    if (m->port == 0 && (!is_offer || tagged_section(sdp, m) == m)) return 0; /* bundle-only, but with whom? */
    int r = read_credentials(sdp, m, &ret->t, err);
    if (r == 0) r = read_fingerprints(sdp, m, &ret->t, err);
    if (r == 0) r = read_setup(sdp, m, is_offer, &ret->setup, err);
    if (r < 0) return r;
    read_sctp(m, ret);
    const struct sdp_line *options = transport_attr(sdp, m, "ice-options");
    ret->media = m;
    ret->trickle = options && sotto__sdp_ice_option(options->value, "trickle");
    ret->lite = sotto__sdp_attr(&sdp->s, "ice-lite") != NULL;
    ret->done = !ret->trickle || transport_attr(sdp, m, "end-of-candidates");
    ret->sdp = sdp;
    return 0;
}

/* A later description of a live transport may not change what it stands on. */
int sotto__apply_check_same(struct peer *p, const struct remote_params *r, sotto_error *err)
{
    const struct transport_remote *old = &p->transport.remote;
    if (!r->media || !p->transport.has_remote) return 0;
    bool ufrag = strcmp(r->t.ufrag, old->ufrag) == 0, pwd = strcmp(r->t.pwd, old->pwd) == 0;
    if (ufrag != pwd)
        return sotto__error(err, SOTTO_E_SDP, r->media->number,
                            "an ICE restart must change both ufrag and password");
    if (r->t.n_fingerprints != old->n_fingerprints ||
        memcmp(r->t.fingerprints, old->fingerprints,
               r->t.n_fingerprints * sizeof *r->t.fingerprints) != 0)
        return sotto__error(err, SOTTO_E_MODIFICATION, r->media->number,
                            "the fingerprint of a live connection may not change");
    if (!ufrag)
        return sotto__error(err, SOTTO_E_UNSUPPORTED, r->media->number,
                            "an ICE restart is not supported by this version");
    if ((r->setup == SDP_SETUP_ACTIVE && p->dtls_client) ||
        (r->setup == SDP_SETUP_PASSIVE && !p->dtls_client))
        return sotto__error(err, SOTTO_E_SDP, r->media->number,
                            "a=setup contradicts the roles of the live connection");
    return 0;
}

struct str sotto__apply_ufrag(const struct sdp *sdp, const struct sdp_media *m)
{
    const struct sdp_line *line = transport_attr(sdp, m, "ice-ufrag");
    return line ? line->value : (struct str){NULL, 0};
}

void sotto__apply_candidate(struct peer *p, struct str text, sotto_us now)
{
    struct candidate c;
    if (sotto__candidate_parse(text, &c, NULL) < 0) return; /* in a description: as if it were not there */
    if (c.is_tcp || c.component != 1 || c.addr.family == 0) return;
    if (!sotto__address_usable(&c.addr, p->transport.allow_loopback)) return;
    if (p->n_remote_candidates == SOTTO_MAX_REMOTE_CANDIDATES) {
        sotto__events_warning(p, now, SOTTO_WARN_REMOTE_CANDIDATES,
                              "the remote has more candidates than are used");
        return;
    }
    p->n_remote_candidates++;
    /* one that ICE cannot take is one fewer to try */
    (void)sotto__transport_add_candidate(&p->transport, &c, now);
}

static void apply_candidates(struct peer *p, const struct sdp_media *m, sotto_us now)
{
    const struct sdp_line *line;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&m->s, &at, "candidate"))) {
        if (!line->value.p) continue;
        struct str text = {line->name.p, (size_t)(line->value.p + line->value.n - line->name.p)};
        sotto__apply_candidate(p, text, now);
    }
}

int sotto__apply_remote(struct peer *p, const struct remote_params *r, bool dtls_client,
                        sotto_us now)
{
    struct transport_remote t = r->t;
    t.dtls_client = dtls_client;
    int err = sotto__transport_set_remote(&p->transport, &t, now);
    if (err < 0) return err;
    p->remote_max_message = r->max_message;
    p->dtls_client = dtls_client;
    p->role_known = true;
    apply_candidates(p, r->media, now);
    for (size_t i = 0; i < r->sdp->n_media; i++) { /* under BUNDLE they may stand in another section */
        const struct sdp_media *m = &r->sdp->media[i];
        if (m != r->media && sotto__str_eq(sotto__apply_ufrag(r->sdp, m), sotto__str(t.ufrag)))
            apply_candidates(p, m, now);
    }
    if (r->done) sotto__transport_remote_done(&p->transport, now);
    sotto__channel_assign_ids(p, now);
    return 0;
}

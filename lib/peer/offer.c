/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of an offer (RFC 9429 §5.2): m-lines that were negotiated keep their place, the data section (RFC 8841) is appended when a
 * channel asks for it. Also the pieces that answers share. In: the peer's state, which does not change; out: text.
 */
#include <inttypes.h>
#include <stdio.h>

#include "peer/private.h"
#include "wire/sdp_attr.h"

int sotto__offer_head(struct peer *p, struct sdp *sdp, uint64_t version)
{
    int r = sotto__sdp_add(sdp, &sdp->s, 'v', "0");
    if (r == 0)
        r = sotto__sdp_add(sdp, &sdp->s, 'o', "- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1",
                           p->session_id, version);
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 's', "-");
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 't', "0 0");
    return r;
}

int sotto__offer_data(struct peer *p, struct sdp *sdp, const char *mid, const char *setup)
{
    const struct transport *t = &p->transport;
    struct sdp_fingerprint own;
    struct sdp_media *m;
    char fingerprint[224];
    int r = sotto__sdp_add_media(sdp, STR("application"), 9, STR("UDP/DTLS/SCTP"),
                                 STR("webrtc-datachannel"), &m);
    if (r < 0) return r;
    sotto__cert_fingerprint(t->cert, &own);
    sotto__fingerprint_text(&own, fingerprint);
    r = sotto__sdp_add(sdp, &m->s, 'c', "IN IP4 0.0.0.0");
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "mid:%s", mid);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "ice-ufrag:%s", t->ufrag);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "ice-pwd:%s", t->pwd);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "ice-options:trickle ice2");
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "fingerprint:%s", fingerprint);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "tls-id:%s", p->tls_id);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "setup:%s", setup);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "sctp-port:5000");
    if (r == 0)
        r = sotto__sdp_add(sdp, &m->s, 'a', "max-message-size:%" PRIu32, p->max_message_size);
    return r;
}

/* A section that is not used: port 0, and what it needs to be recognised. */
int sotto__offer_rejected(struct sdp *sdp, const struct sdp_media *like)
{
    const struct sdp_line *mid = sotto__sdp_attr(&like->s, "mid");
    struct buf fmts;
    struct sdp_media *m;
    sotto__buf_init(&fmts, SOTTO_MAX_SDP_LINE);
    for (size_t i = 0; i < like->n_fmts; i++)
        sotto__buf_addf(&fmts, "%s%.*s", i ? " " : "", (int)like->fmts[i].n, like->fmts[i].p);
    struct str list = {(const char *)fmts.p, fmts.n};
    int r = fmts.err ? fmts.err : sotto__sdp_add_media(sdp, like->kind, 0, like->proto, list, &m);
    sotto__buf_free(&fmts);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'c', "IN IP4 0.0.0.0");
    if (r == 0 && mid)
        r = sotto__sdp_add(sdp, &m->s, 'a', "mid:%.*s", (int)mid->value.n, mid->value.p);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "inactive");
    return r;
}

int sotto__offer_text(struct sdp *sdp, int r, char **ret)
{
    struct buf text;
    sotto__buf_init(&text, SOTTO_MAX_SDP);
    if (r == 0) {
        sotto__sdp_write(sdp, &text);
        r = text.err;
    }
    sotto__sdp_free(sdp);
    if (r == 0) {
        *ret = sotto__buf_take_string(&text);
        return *ret ? 0 : SOTTO_E_NOMEM;
    }
    sotto__buf_free(&text);
    return r;
}

static bool mid_is_used(const struct sdp *sdp, const char *mid)
{
    for (size_t i = 0; sdp && i < sdp->n_media; i++) {
        const struct sdp_line *line = sotto__sdp_attr(&sdp->media[i].s, "mid");
        if (line && sotto__str_eq(line->value, sotto__str(mid))) return true;
    }
    return false;
}

/* A mid that no section has: the lowest number. */
static void choose_mid(const struct peer *p, const struct sdp *before, char *out, size_t cap)
{
    if (p->mid[0]) {
        snprintf(out, cap, "%s", p->mid);
        return;
    }
    unsigned number = before ? (unsigned)before->n_media : 0;
    do snprintf(out, cap, "%u", number++);
    while (mid_is_used(before, out));
}

static int add_sections(struct peer *p, struct sdp *sdp, const struct sdp *before, const char *mid)
{
    bool placed = false;
    int r = 0;
    for (size_t i = 0; r == 0 && before && i < before->n_media; i++) {
        const struct sdp_media *m = &before->media[i];
        const struct sdp_line *line = sotto__sdp_attr(&m->s, "mid");
        bool data = p->mid[0] && line && sotto__str_eq(line->value, sotto__str(p->mid));
        r = data ? sotto__offer_data(p, sdp, mid, "actpass") : sotto__offer_rejected(sdp, m);
        placed = placed || data;
    }
    if (r == 0 && !placed && (p->n_channels > 0 || p->mid[0]))
        r = sotto__offer_data(p, sdp, mid, "actpass");
    return r;
}

int sotto__offer_make(struct peer *p, uint64_t version, char **ret)
{
    const struct sdp *before = p->current_remote.sdp;
    char mid[SOTTO_MAX_MID + 1];
    struct sdp *sdp;
    int r = sotto__sdp_new(&sdp);
    if (r < 0) return r;
    choose_mid(p, before, mid, sizeof mid);
    r = sotto__offer_head(p, sdp, version);
    if (r == 0 && (p->n_channels > 0 || p->mid[0]))
        r = sotto__sdp_add(sdp, &sdp->s, 'a', "group:BUNDLE %s", mid);
    if (r == 0) r = add_sections(p, sdp, before, mid);
    return sotto__offer_text(sdp, r, ret);
}

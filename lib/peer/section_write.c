/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the texts of offers and answers share (RFC 9429 §5.2.1, §5.3.1): the session's head, the lines of a data section (RFC 8841) and of a
 * section of audio or video, rejected sections. In: what offer.c and answer.c decided about a section; out: lines in a tree. By RFC 9143
 * §7.1.3 the attributes of transport stand in the tagged section only. Browsers repeat them in each that is in use, and want them there:
 * Firefox refuses or crashes without, Chromium loses the bundle when the tagged section is rejected. So they are in each here, too.
 * Knows nothing of states, order of sections and codecs in common.
 */
#include "peer/section_write.h"

#include <inttypes.h>

#include "peer/policy.h"
#include "wire/sdp_attr.h"

/* Opus (RFC 7587 §6.1) is the only codec of ours with an upper end for the duration of a packet. */
#define MAX_PTIME_MS 120

int sotto__section_write_head(const struct peer *p, struct sdp *sdp, uint64_t version)
{
    int r = sotto__sdp_add(sdp, &sdp->s, 'v', "0");
    if (r == 0)
        r = sotto__sdp_add(sdp, &sdp->s, 'o', "- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1",
                           p->session_id, version);
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 's', "-");
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 't', "0 0");
    return r;
}

int sotto__section_write_options(struct sdp *sdp, bool trickle, bool ice2)
{
    if (!trickle && !ice2) return 0;
    return sotto__sdp_add(sdp, &sdp->s, 'a', "ice-options:%s%s%s", trickle ? "trickle" : "",
                          trickle && ice2 ? " " : "", ice2 ? "ice2" : "");
}

int sotto__section_write_group(struct sdp *sdp, const char *semantics, const struct str *mids,
                               size_t n)
{
    struct buf list;
    if (n == 0) return 0;
    sotto__buf_init(&list, SOTTO_MAX_SDP_LINE);
    for (size_t i = 0; i < n; i++) sotto__buf_addf(&list, " %.*s", (int)mids[i].n, mids[i].p);
    int r = list.err ? list.err
                     : sotto__sdp_add(sdp, &sdp->s, 'a', "group:%s%.*s", semantics, (int)list.n,
                                      (const char *)list.p);
    sotto__buf_free(&list);
    return r;
}

int sotto__section_write_end(struct sdp *sdp, int r, char **ret)
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

/* ---- parts of a section ---- */

static int write_start(struct sdp *sdp, struct sdp_media *m, const struct section_text *x)
{
    int r = sotto__sdp_add(sdp, &m->s, 'c', "IN IP4 0.0.0.0");
    if (r == 0 && x->max_bps != 0) r = sotto__sdp_add(sdp, &m->s, 'b', "TIAS:%" PRIu64, x->max_bps);
    if (r == 0 && x->mid.n > 0)
        r = sotto__sdp_add(sdp, &m->s, 'a', "mid:%.*s", (int)x->mid.n, x->mid.p);
    if (r == 0 && x->bundle_only) r = sotto__sdp_add(sdp, &m->s, 'a', "bundle-only");
    return r;
}

static int write_transport(const struct peer *p, struct sdp *sdp, struct sdp_media *m,
                           const struct transport_text *t)
{
    struct sdp_fingerprint own;
    char fingerprint[224];
    sotto__cert_fingerprint(p->transport.cert, &own);
    sotto__fingerprint_text(&own, fingerprint);
    int r = sotto__sdp_add(sdp, &m->s, 'a', "ice-ufrag:%s", t->ice->ufrag);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "ice-pwd:%s", t->ice->pwd);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "fingerprint:%s", fingerprint);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "tls-id:%s", t->tls_id);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "setup:%s", t->setup);
    return r;
}

static int write_rtcp(struct sdp *sdp, struct sdp_media *m, const struct section_text *x)
{
    int r = 0;
    if (x->transport->first) r = sotto__sdp_add(sdp, &m->s, 'a', "rtcp:9 IN IP4 0.0.0.0");
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "rtcp-mux");
    if (r == 0 && x->transport->first) r = sotto__sdp_add(sdp, &m->s, 'a', "rtcp-mux-only");
    if (r == 0 && x->rtcp_rsize) r = sotto__sdp_add(sdp, &m->s, 'a', "rtcp-rsize");
    return r;
}

/* RFC 8830 §2: one line for each stream, "-" for none. The second word is what browsers of before RFC 9429 call the track by. */
static int write_msids(struct sdp *sdp, struct sdp_media *m, const struct transceiver *t)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->streams.n; i++)
        r = sotto__sdp_add(sdp, &m->s, 'a', "msid:%s %s", t->streams.items[i], t->track_id);
    if (t->streams.n == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "msid:- %s", t->track_id);
    return r;
}

/* RFC 5576 §4.1, §4.2: the stream and, where retransmission was named, the one that repeats it. */
static int write_ssrcs(const struct peer *p, struct sdp *sdp, struct sdp_media *m,
                       const struct section_text *x)
{
    bool rtx = false;
    int r = 0;
    for (size_t i = 0; i < x->codecs->n; i++) rtx = rtx || x->codecs->items[i].id == CODEC_RTX;
    if (rtx)
        r = sotto__sdp_add(sdp, &m->s, 'a', "ssrc-group:FID %" PRIu32 " %" PRIu32, x->t->ssrc,
                           x->t->rtx_ssrc);
    if (r == 0)
        r = sotto__sdp_add(sdp, &m->s, 'a', "ssrc:%" PRIu32 " cname:%s", x->t->ssrc, p->cname);
    if (r == 0 && rtx)
        r = sotto__sdp_add(sdp, &m->s, 'a', "ssrc:%" PRIu32 " cname:%s", x->t->rtx_ssrc, p->cname);
    return r;
}

/* RFC 8851: a line for each rid. */
static int write_rids(struct sdp *sdp, struct sdp_media *m, const struct rid_list *l,
                      const char *direction)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->n; i++)
        r = sotto__sdp_add(sdp, &m->s, 'a', "rid:%.*s %s", (int)l->items[i].id.n, l->items[i].id.p,
                           direction);
    return r;
}

static void add_rid_list(struct buf *b, const struct rid_list *l, const char *direction)
{
    if (l->n > 0) sotto__buf_addf(b, "%s%s ", b->n > 0 ? " " : "", direction);
    for (size_t i = 0; i < l->n; i++)
        sotto__buf_addf(b, "%s%s%.*s", i > 0 ? ";" : "", l->items[i].paused ? "~" : "",
                        (int)l->items[i].id.n, l->items[i].id.p);
}

/* RFC 8853 §5.1. */
static int write_simulcast(struct sdp *sdp, struct sdp_media *m, const struct section_text *x)
{
    struct buf b;
    int r = write_rids(sdp, m, &x->send, "send");
    if (r == 0) r = write_rids(sdp, m, &x->recv, "recv");
    if (r < 0 || !x->simulcast) return r;
    sotto__buf_init(&b, SOTTO_MAX_SDP_LINE);
    add_rid_list(&b, &x->send, "send");
    add_rid_list(&b, &x->recv, "recv");
    r = b.err ? b.err
              : sotto__sdp_add(sdp, &m->s, 'a', "simulcast:%.*s", (int)b.n, (const char *)b.p);
    sotto__buf_free(&b);
    return r;
}

/* ---- sections ---- */

int sotto__section_write_data(const struct peer *p, struct sdp *sdp, const struct section_text *x)
{
    struct sdp_media *m;
    int r = sotto__sdp_add_media(sdp, STR("application"), x->port, x->proto, x->fmt, &m);
    if (r == 0) r = write_start(sdp, m, x);
    if (r == 0) r = write_transport(p, sdp, m, x->transport);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "sctp-port:%d", DATA_PORT);
    if (r == 0)
        r = sotto__sdp_add(sdp, &m->s, 'a', "max-message-size:%" PRIu32, p->max_message_size);
    return r;
}

int sotto__section_write_media(const struct peer *p, struct sdp *sdp, const struct section_text *x)
{
    struct str kind = x->t->kind == SOTTO_AUDIO ? STR("audio") : STR("video");
    struct sdp_media *m = NULL;
    struct buf fmts;
    struct section_text start = *x;
    start.max_bps = sotto__direction_receives(x->direction) ? sotto__policy_receive_bps(p) : 0;
    sotto__buf_init(&fmts, SOTTO_MAX_SDP_LINE);
    int r = sotto__codecs_fmts(x->codecs, &fmts);
    struct str list = {(const char *)fmts.p, fmts.n};
    if (r == 0) r = fmts.err;
    if (r == 0) r = sotto__sdp_add_media(sdp, kind, x->port, x->proto, list, &m);
    sotto__buf_free(&fmts);
    if (r == 0) r = write_start(sdp, m, &start);
    if (r == 0) r = write_transport(p, sdp, m, x->transport);
    if (r == 0) r = sotto__exts_write(x->exts, sdp, m);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "%s", sotto__direction_name(x->direction));
    if (r == 0 && x->msid) r = write_msids(sdp, m, x->t);
    if (r == 0) r = write_rtcp(sdp, m, x);
    if (r == 0) r = sotto__codecs_write(x->codecs, sdp, m);
    if (r == 0 && x->t->kind == SOTTO_AUDIO)
        r = sotto__sdp_add(sdp, &m->s, 'a', "maxptime:%d", MAX_PTIME_MS);
    if (r == 0 && x->ssrc) r = write_ssrcs(p, sdp, m, x);
    if (r == 0) r = write_simulcast(sdp, m, x);
    return r;
}

int sotto__section_write_rejected(struct sdp *sdp, const struct sdp_media *like)
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

/* ---- what both ask ---- */

const struct transport_generation *sotto__section_ice(const struct peer *p, bool restart)
{
    const struct transport *t = &p->transport;
    if (restart) return sotto__transport_prepared(t);
    return t->next.ice ? &t->next : &t->live; /* a restart that goes on, or waits for its answer */
}

void sotto__section_own_rids(const struct transceiver *t, struct rid_list *ret)
{
    ret->n = 0;
    for (size_t i = 0; i < t->encodings.n && ret->n < SOTTO_MAX_RIDS; i++) {
        const struct encoding *e = &t->encodings.items[i];
        if (e->rid) ret->items[ret->n++] = (struct rid){sotto__str(e->rid), e->inactive};
    }
}

bool sotto__section_is_used(const struct sdp *sdp, size_t i)
{
    if (!sdp || i >= sdp->n_media) return false;
    const struct sdp_media *m = &sdp->media[i];
    return m->port != 0 || sotto__sdp_attr(&m->s, "bundle-only");
}

struct str sotto__section_mid(const struct sdp *sdp, size_t i)
{
    const struct sdp_line *mid = NULL;
    if (sdp && i < sdp->n_media) mid = sotto__sdp_attr(&sdp->media[i].s, "mid");
    return mid ? mid->value : (struct str){NULL, 0};
}

size_t sotto__section_live_mids(const struct peer *p, struct str mids[SOTTO_MAX_SDP_MEDIA])
{
    const struct sdp *local = p->current_local.sdp, *remote = p->current_remote.sdp;
    size_t n = 0;
    for (size_t i = 0; local && i < local->n_media && n < SOTTO_MAX_SDP_MEDIA; i++) {
        struct str mid = sotto__section_mid(local, i);
        bool used = sotto__section_is_used(local, i) && sotto__section_is_used(remote, i);
        if (used && mid.n > 0) mids[n++] = mid;
    }
    return n;
}

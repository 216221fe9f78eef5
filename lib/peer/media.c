/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media of one connection: tells the session what transceivers negotiated, carries packets between session and transport, turns what the
 * session has to say into events. A transceiver sends only what the application hands over, and only within the negotiated direction; a
 * remote description can lower that, never raise it. Knows no RTP.
 */
#include <string.h>

#include "peer/private.h"
#include "util/cold.h"
#include "util/mem.h"

/* ---- the session ---- */

COLD int sotto__media_open(struct peer *p)
{
    if (p->session) return 0;
    struct session *s = sotto__malloc(sizeof *s);
    if (!s) return SOTTO_E_NOMEM;
    int r = sotto__session_init(s, p->cname, p->ntp_offset, p->born);
    if (r < 0)
        sotto__free(s);
    else
        p->session = s;
    return r;
}

void sotto__media_free(struct peer *p)
{
    if (p->session) sotto__session_free(p->session);
    sotto__free(p->session);
    p->session = NULL;
}

/* ---- what was negotiated ---- */

static void fill_outgoing(const struct transceiver *t, struct line *cfg)
{
    for (size_t i = 0; i < t->encodings.n && i < SOTTO_MAX_RIDS; i++) {
        const struct encoding *e = &t->encodings.items[i];
        cfg->outgoing[cfg->n_outgoing++] = (struct outgoing){
            .rid = e->rid,
            .inactive = e->inactive,
            .max_bps = e->max_bps,
            .ssrc = i == 0 ? t->ssrc : 0, /* those of others are not in descriptions */
            .rtx_ssrc = i == 0 ? t->rtx_ssrc : 0,
        };
    }
}

static bool has_repairs(const struct codec_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].id == CODEC_RTX) return true;
    return false;
}

/* Keys come from DTLS: where that is done without a profile of SRTP, none will ever be. */
static void begin(struct peer *p, sotto_us now)
{
    int r = sotto__transport_begin_media(&p->transport, now);
    if (r >= 0 || p->told_no_srtp) return;
    p->told_no_srtp = true;
    const char *why = r == SOTTO_E_STATE ? "media was negotiated, but the remote has agreed on no "
                                           "SRTP profile: it needs a new connection"
                                         : "media was negotiated, but SRTP cannot start";
    SOTTO_LOG(p->transport.shared->log, SOTTO_LOG_ERROR, "srtp", "%s", why);
    sotto__events_warning(p, now, SOTTO_WARN_NO_SRTP, why, 0);
}

COLD static void sync_one(struct peer *p, sotto_us now, struct transceiver *t)
{
    bool ends = t->stopping || t->stopped || p->closed;
    struct line cfg = {.kind = t->kind,
                       .sends = !ends && sotto__direction_sends(t->current),
                       .receives = !ends && sotto__direction_receives(t->current),
                       .rsize = t->rtcp_rsize,
                       .send = &t->send,
                       .recv = &t->recv,
                       .ids = t->exts.id,
                       .max_bps = t->max_bps,
                       .n_remotes = t->line.n_remotes};
    memcpy(cfg.mid, t->mid, sizeof cfg.mid);
    memcpy(cfg.remotes, t->line.remotes, sizeof cfg.remotes);
    fill_outgoing(t, &cfg);
    for (size_t i = 0; i < cfg.n_outgoing && !has_repairs(&t->send); i++)
        cfg.outgoing[i].rtx_ssrc = 0;
    sotto__session_configure(p->session, now, &t->line, &cfg);
    if (cfg.sends || cfg.receives) begin(p, now);
}

void sotto__media_sync(struct peer *p, sotto_us now)
{
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));) sync_one(p, now, t);
    sotto__media_run(p, now);
}

/* ---- packets ---- */

void sotto__media_packet(struct peer *p, sotto_us now, const struct transport_out *t)
{
    bool is_held = !sotto__verify_is_open(p); /* opened all the same, or SRTP would lose count of what passes by */
    p->session->is_held = is_held;
    p->verify.dropped += is_held;
    if (t->type == TRANSPORT_OUT_RTP)
        sotto__session_rtp(p->session, now, t->packet.p, t->packet.n);
    else if (!is_held)
        sotto__session_rtcp(p->session, now, t->packet.p, t->packet.n);
}

void sotto__media_path(struct peer *p, sotto_us now)
{
    if (p->session) sotto__session_path(p->session, now);
}

static struct transceiver *owner(struct line *line)
{
    return CONTAINER_OF(line, struct transceiver, line);
}

static uint8_t encoding_bit(const struct session_out *out)
{
    return (uint8_t)(1u << (out->outgoing - out->line->outgoing));
}

static void tell(struct peer *p, sotto_us now, const struct session_out *out)
{
    struct transceiver *t = owner(out->line);
    switch (out->type) {
    case SESSION_OUT_KEYFRAME:
        t->k.keys |= encoding_bit(out);
        sotto__events_media(p, now, t, SOTTO_EV_KEYFRAME_NEEDED);
        break;
    case SESSION_OUT_BITRATE:
        t->k.bitrates |= encoding_bit(out);
        sotto__events_media(p, now, t, SOTTO_EV_TARGET_BITRATE);
        break;
    case SESSION_OUT_MUTE: sotto__events_media(p, now, t, SOTTO_EV_MUTE); break;
    case SESSION_OUT_UNMUTE: sotto__events_media(p, now, t, SOTTO_EV_UNMUTE); break;
    case SESSION_OUT_TONE:
        if (t->k.n_tones == sizeof t->k.tones) break;
        t->k.tones[t->k.n_tones++] = out->tone;
        sotto__events_media(p, now, t, SOTTO_EV_DTMF_TONE);
        break;
    case SESSION_OUT_SSRC:
        t->ssrc = out->outgoing->ssrc;
        if (out->outgoing->rtx_ssrc) t->rtx_ssrc = out->outgoing->rtx_ssrc;
        break;
    case SESSION_OUT_DROPPED:
        sotto__events_warning(p, now, SOTTO_WARN_FRAMES_DROPPED,
                              "received frames were not taken in time and were dropped",
                              out->count);
        break;
    case SESSION_OUT_E2EE:
        sotto__events_warning(p, now, out->code, sotto__e2ee_text(out->code), out->count);
        break;
    default:
        sotto__events_warning(p, now, SOTTO_WARN_CIRCUIT_BREAKER,
                              "the remote receives nothing of what is sent: media is held back", 0);
        break;
    }
}

static int send_rtp(struct peer *p, sotto_us now, const struct departure *d)
{
    if (!p->session->can_send) return SOTTO_E_STATE; /* queued for another remote */
    if (d->again)
        return sotto__transport_send_rtp_again(&p->transport, now, d->head, d->n_head, d->payload,
                                               d->n_payload);
    return sotto__transport_send_rtp(&p->transport, now, d->head, d->n_head, d->payload,
                                     d->n_payload);
}

/* What SRTP has to tell: the rest of its results is loss, as on any network. */
static void check_srtp(struct peer *p, sotto_us now, int sent)
{
    struct srtp_stats stats = {0};
    if (sent == SOTTO_E_CLOSED)
        sotto__events_warning(p, now, SOTTO_WARN_KEYS_SPENT,
                              "the keys of media have served their life: nothing is sent any more",
                              0);
    if (p->transport.srtp) sotto__srtp_get_stats(p->transport.srtp, &stats);
    stats.reflected += p->session->stats.looped;
    if (stats.reflected > p->reflected)
        sotto__events_warning(p, now, SOTTO_WARN_REFLECTED, "packets of our own came back",
                              stats.reflected - p->reflected);
    p->reflected = stats.reflected;
}

void sotto__media_run(struct peer *p, sotto_us now)
{
    struct session_out out;
    int sent = 0, r;
    if (!p->session) return;
    bool has_keys = sotto__transport_has_media_keys(&p->transport);
    p->session->can_send = has_keys && sotto__verify_is_open(p);
    p->session->is_held = has_keys && !sotto__verify_is_open(p);
    while (sotto__session_next(p->session, now, &out) == 1) {
        switch (out.type) {
        case SESSION_OUT_RTP:
            r = send_rtp(p, now, out.departure);
            if (r == SOTTO_E_CLOSED) sent = r;
            break;
        case SESSION_OUT_RTCP:
            (void)sotto__transport_send_rtcp(&p->transport, now, out.p, out.n);
            break;
        case SESSION_OUT_FORGET: sotto__transport_forget_ssrc(&p->transport, out.ssrc); break;
        default: tell(p, now, &out); break;
        }
    }
    check_srtp(p, now, sent);
}

COLD void sotto__media_close(struct peer *p, sotto_us now)
{
    if (!p->session) return;
    sotto__session_bye(p->session);
    sotto__media_run(p, now);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));) {
        sotto__e2ee_gone(p, t->line.e2ee);
        sotto__session_remove(p->session, &t->line);
    }
}

/* ---- of the application ---- */

int sotto__media_send_frame(struct peer *p, sotto_us now, struct transceiver *t,
                            const sotto_frame *f)
{
    if (p->closed) return SOTTO_E_CLOSED;
    int r = sotto__session_send_frame(p->session, now, &t->line, f);
    sotto__media_run(p, now);
    return r;
}

int sotto__media_send_rtp(struct peer *p, sotto_us now, struct transceiver *t, const uint8_t *rtp,
                          size_t n)
{
    if (p->closed) return SOTTO_E_CLOSED;
    int r = sotto__session_send_rtp(p->session, now, &t->line, rtp, n);
    sotto__media_run(p, now);
    return r;
}

int sotto__media_request_key(struct peer *p, sotto_us now, struct transceiver *t, const char *rid)
{
    if (p->closed) return SOTTO_E_CLOSED;
    int r = sotto__session_request_key(p->session, now, &t->line, rid);
    sotto__media_run(p, now);
    return r;
}

int sotto__media_set_mode(struct peer *p, sotto_us now, struct transceiver *t, int32_t mode)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (mode < SOTTO_RECEIVE_FRAMES || mode > SOTTO_RECEIVE_ORDERED) return SOTTO_E_RANGE;
    if (mode == SOTTO_RECEIVE_RTP && sotto__e2ee_is_required(t->line.e2ee, SOTTO_E2EE_RECEIVE))
        return SOTTO_E_STATE; /* it would show what cannot be opened */
    sotto__session_set_mode(p->session, now, &t->line, mode, t->line.target);
    return 0;
}

int sotto__media_set_target(struct peer *p, sotto_us now, struct transceiver *t, sotto_us target)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (target > SOTTO_SECONDS(4)) return SOTTO_E_RANGE; /* W3C jitterBufferTarget */
    sotto__session_set_mode(p->session, now, &t->line, t->line.mode, target < 0 ? -1 : target);
    return 0;
}

int sotto__media_dtmf(struct peer *p, sotto_us now, struct transceiver *t, const char *tones,
                      int32_t duration_ms, int32_t gap_ms)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->kind != SOTTO_AUDIO) return SOTTO_E_STATE;
    int r = sotto__session_dtmf(p->session, now, &t->line, tones, duration_ms, gap_ms);
    sotto__media_run(p, now);
    return r;
}

bool sotto__peer_has_media(const struct peer *p)
{
    return p->session && sotto__session_ready(p->session);
}

int sotto__peer_pull_media(struct peer *p, sotto_us now, struct peer_media *out)
{
    struct line *line;
    struct received *f = sotto__session_pull(p->session, now, &line, &out->rid, &out->capture);
    if (!f) return 0;
    sotto__story_reached(p, now, MOMENT_FRAME);
    out->transceiver = owner(line);
    out->received = f;
    return 1;
}

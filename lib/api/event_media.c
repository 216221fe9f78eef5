/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of media: a frame or packet is moved from its receiver into the event that the application takes; requests for key frames,
 * targets and tones are made of what is pending at the transceiver.
 */
#include <string.h>

#include "api/ctx.h"
#include "util/mem.h"

#define USUAL_PACKET 1500u /* bytes; larger ones are not in their event */

static const char *mime_of(enum codec_id id)
{
    switch (id) {
    case CODEC_OPUS: return "audio/opus";
    case CODEC_PCMU: return "audio/PCMU";
    case CODEC_PCMA: return "audio/PCMA";
    case CODEC_VP8: return "video/VP8";
    case CODEC_VP9: return "video/VP9";
    case CODEC_H264: return "video/H264";
    case CODEC_H265: return "video/H265";
    case CODEC_AV1: return "video/AV1";
    case CODEC_DTMF: return "audio/telephone-event";
    case CODEC_RED: return "audio/red";
    case CODEC_RTX: return "video/rtx";
    }
    return "";
}

static struct full_event *new_event(struct guard *g, const char *rid, const char **ret_rid)
{
    size_t n = rid ? strlen(rid) + 1 : 0;
    struct full_event *f = sotto__event_new(g, n);
    if (!f) return NULL;
    *ret_rid = rid ? memcpy(f->text, rid, n) : NULL;
    return f;
}

static void fill_frame(struct full_event *f, const struct peer_media *m, const char *rid)
{
    const struct received *r = m->received;
    f->frame = (sotto_frame){.size = sizeof f->frame,
                             .data = r->data,
                             .len = r->n,
                             .rid = rid,
                             .time_kind = SOTTO_TIME_RTP,
                             .capture_us = m->capture,
                             .rtp_time = r->time,
                             .is_key = r->is_key,
                             .payload_kind = 1,
                             .payload_type = r->pt,
                             .mime = mime_of(r->codec),
                             .duration_ticks = r->duration,
                             .received_us = r->at,
                             .dropped = r->dropped,
                             .dependency = r->n_dependency ? r->dependency : NULL,
                             .dependency_len = r->n_dependency,
                             .rotation = r->rotation * 90,
                             .audio_level_kind = r->has_level,
                             .audio_level = r->audio_level,
                             .has_voice = r->voice};
    f->e.type = SOTTO_EV_FRAME;
    f->e.u.frame.frame = &f->frame;
}

/* A copy, behind the rid: the packet's memory stays with its receiver, for the next ones. false: no memory; then it is lost. */
static bool fill_packet(struct full_event *f, const struct peer_media *m, const char *rid)
{
    const struct received *r = m->received;
    void *to = r->n <= USUAL_PACKET ? (uint8_t *)f->text + SOTTO_MAX_RID + 1
                                    : (f->data = sotto__malloc(r->n));
    if (to) memcpy(to, r->data, r->n);
    f->e.type = SOTTO_EV_RTP;
    f->e.u.rtp.packet = to;
    f->e.u.rtp.len = r->n;
    f->e.u.rtp.rid = rid;
    sotto__received_free(m->received);
    return to != NULL;
}

static int fill(struct full_event *f, const struct peer_media *m)
{
    const char *rid = m->rid ? memcpy(f->text, m->rid, strlen(m->rid) + 1) : NULL;
    f->e.at = m->received->at;
    if (m->received->is_packet) return fill_packet(f, m, rid) ? 1 : SOTTO_E_NOMEM;
    f->received = m->received;
    fill_frame(f, m, rid);
    return 1;
}

/* The event is made first: without memory the frame stays where it is. */
int sotto__event_take_media(sotto_ctx *c, sotto_pc *pc, struct full_event **ret)
{
    struct peer_media m;
    struct full_event *f = sotto__event_new(c->guard, SOTTO_MAX_RID + 1u + USUAL_PACKET);
    if (!f) return SOTTO_E_NOMEM;
    int r = sotto__peer_pull_media(pc->peer, sotto__now(c), &m);
    sotto_transceiver *t = NULL;
    if (r == 1) {
        r = sotto__media_shell(pc, m.transceiver, &t) < 0 ? SOTTO_E_NOMEM : 1;
        if (r == 1)
            r = fill(f, &m);
        else
            sotto__received_free(m.received);
    }
    if (r != 1) {
        sotto__event_drop(pc->guard, f);
        return r;
    }
    f->e.u.frame.transceiver = t; /* the first member of each */
    *ret = f;
    return 1;
}

int sotto__event_fill_media(sotto_pc *pc, const struct peer_event *p, struct full_event **ret)
{
    const char *rid;
    sotto_transceiver *t;
    struct full_event *f = new_event(pc->guard, p->rid, &rid);
    if (!f) return SOTTO_E_NOMEM;
    int r = sotto__media_shell(pc, p->transceiver, &t);
    if (r < 0) {
        sotto__event_drop(pc->guard, f);
        return r;
    }
    f->e.u.media.transceiver = t; /* the first member of each */
    if (p->type == SOTTO_EV_DTMF_TONE) {
        f->e.u.dtmf.tone = p->tone;
    } else if (p->type == SOTTO_EV_KEYFRAME_NEEDED) {
        f->e.u.media.rid = rid;
    } else {
        f->e.u.bitrate.rid = rid;
        f->e.u.bitrate.bps = p->bps;
        f->e.u.bitrate.rtt_us = p->rtt;
        f->e.u.bitrate.loss = p->loss;
    }
    *ret = f;
    return 0;
}

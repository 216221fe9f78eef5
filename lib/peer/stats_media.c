/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams in the report of statistics: inbound-rtp, outbound-rtp and what the remote reports of them, remote-inbound-rtp and
 * remote-outbound-rtp (W3C webrtc-stats §8). In: the counters of the session; out: objects. What only encoders and decoders know is not
 * here: it is the application's.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "peer/stats.h"

#define STREAM_ID 16

static double seconds(sotto_us us)
{
    return (double)us / 1e6;
}

static void stream_id(char id[static STREAM_ID], const char *prefix, uint32_t ssrc)
{
    snprintf(id, STREAM_ID, "%s%u", prefix, ssrc);
}

/* What all four have: RTCRtpStreamStats. */
static void begin(struct stats_build *b, const char *type, const char *id, uint32_t ssrc,
                  const struct transceiver *t, const struct codec *codec)
{
    char codec_id[STATS_CODEC_ID];
    sotto__stats_begin(b, type, id);
    sotto__stats_int(b, "ssrc", ssrc);
    sotto__stats_text(b, "kind", t->kind == SOTTO_AUDIO ? "audio" : "video");
    sotto__stats_text(b, "transportId", STATS_TRANSPORT);
    if (!codec) return;
    sotto__stats_codec_id(codec_id, t->kind, codec);
    sotto__stats_text(b, "codecId", codec_id);
}

static double to_seconds(double ticks, const struct codec *codec)
{
    return codec && codec->clock ? ticks / (double)codec->clock : 0;
}

/* ---- sent ---- */

static void add_remote_inbound(struct stats_build *b, const struct transceiver *t,
                               const struct outgoing *o, const struct codec *codec,
                               const char *local, const char *id)
{
    const struct remote_report *r = &o->remote;
    begin(b, "remote-inbound-rtp", id, o->ssrc, t, codec);
    sotto__stats_text(b, "localId", local);
    sotto__stats_signed(b, "packetsLost", r->lost);
    sotto__stats_double(b, "jitter", to_seconds(r->jitter, codec));
    sotto__stats_double(b, "fractionLost", r->fraction);
    if (r->n_rtts > 0) sotto__stats_double(b, "roundTripTime", seconds(r->rtt));
    sotto__stats_double(b, "totalRoundTripTime", seconds(r->rtt_total));
    sotto__stats_int(b, "roundTripTimeMeasurements", r->n_rtts);
}

static void add_outbound(struct stats_build *b, const struct transceiver *t,
                         const struct outgoing *o)
{
    const struct sender_stats *s = &o->sender->stats;
    const struct codec *codec = sotto__line_codec(&t->send, o->last_pt);
    char id[STREAM_ID], remote[STREAM_ID];
    stream_id(id, "O", o->ssrc);
    stream_id(remote, "RI", o->ssrc);
    if (o->remote.n > 0) add_remote_inbound(b, t, o, codec, id, remote);
    begin(b, "outbound-rtp", id, o->ssrc, t, codec);
    sotto__stats_text(b, "mid", t->mid);
    if (o->rid) sotto__stats_text(b, "rid", o->rid);
    if (o->remote.n > 0) sotto__stats_text(b, "remoteId", remote);
    if (o->rtx_ssrc) sotto__stats_int(b, "rtxSsrc", o->rtx_ssrc);
    sotto__stats_int(b, "packetsSent", s->packets);
    sotto__stats_int(b, "bytesSent", s->bytes);
    sotto__stats_int(b, "headerBytesSent", s->header_bytes);
    sotto__stats_int(b, "retransmittedPacketsSent", s->repair_packets);
    sotto__stats_int(b, "retransmittedBytesSent", s->repair_bytes);
    sotto__stats_double(b, "targetBitrate", (double)o->told_bps);
    sotto__stats_double(b, "totalPacketSendDelay", seconds(s->send_delay));
    sotto__stats_int(b, "nackCount", s->nacks);
    sotto__stats_bool(b, "active", t->line.sends && !o->inactive);
    sotto__stats_e2ee(b, t->line.e2ee, SOTTO_E2EE_SEND);
    if (t->kind == SOTTO_AUDIO) return;
    sotto__stats_int(b, "framesSent", s->frames);
    sotto__stats_int(b, "firCount", s->firs);
    sotto__stats_int(b, "pliCount", s->plis);
}

/* ---- received ---- */

static void add_remote_outbound(struct stats_build *b, const struct peer *p,
                                const struct transceiver *t, const struct source *src,
                                const struct codec *codec, const char *local, const char *id)
{
    const struct reception *r = &src->reception;
    const sotto_us epoch = SOTTO_SECONDS(2208988800); /* 1900 … 1970 */
    begin(b, "remote-outbound-rtp", id, src->ssrc, t, codec);
    sotto__stats_text(b, "localId", local);
    sotto__stats_int(b, "packetsSent", r->sr_packets);
    sotto__stats_int(b, "bytesSent", r->sr_octets);
    sotto__stats_double(b, "remoteTimestamp", (double)(sotto__ntp_us(r->sr_ntp) - epoch) / 1e3);
    sotto__stats_int(b, "reportsSent", r->n_srs);
    if (p->session->rtt > 0) sotto__stats_double(b, "roundTripTime", seconds(p->session->rtt));
}

static void add_received(struct stats_build *b, const struct transceiver *t,
                         const struct source *src, const struct receiver_stats *s)
{
    sotto__stats_int(b, "bytesReceived", s->bytes);
    sotto__stats_int(b, "headerBytesReceived", s->header_bytes);
    sotto__stats_int(b, "packetsDiscarded", s->discarded);
    sotto__stats_int(b, "retransmittedPacketsReceived", s->repair_packets);
    sotto__stats_int(b, "retransmittedBytesReceived", s->repair_bytes);
    sotto__stats_int(b, "nackCount", s->nacks);
    sotto__stats_double(b, "jitterBufferDelay", seconds(s->buffer_delay));
    sotto__stats_double(b, "jitterBufferTargetDelay", seconds(s->buffer_target));
    sotto__stats_int(b, "jitterBufferEmittedCount", s->emitted);
    if (t->kind == SOTTO_AUDIO) return;
    sotto__stats_int(b, "framesReceived", s->frames);
    sotto__stats_int(b, "framesDropped", s->frames_dropped);
    sotto__stats_int(b, "framesAssembledFromMultiplePackets", s->frames_assembled_late);
    sotto__stats_double(b, "totalAssemblyTime", seconds(s->assembly_time));
    sotto__stats_int(b, "pliCount", s->plis);
    sotto__stats_int(b, "firCount", src->fir_seq);
    sotto__stats_int(b, "freezeCount", s->freezes);
}

static const struct source *repair_of(const struct peer *p, const struct source *src)
{
    for (struct node *n = p->session->sources.next; n != &p->session->sources; n = n->next) {
        const struct source *other = CONTAINER_OF(n, struct source, all);
        if (other->primary == src) return other;
    }
    return NULL;
}

static void add_inbound(struct stats_build *b, const struct peer *p, const struct transceiver *t,
                        const struct source *src, double timestamp, sotto_us now)
{
    struct receiver_stats s;
    char id[STREAM_ID], remote[STREAM_ID];
    sotto__receiver_get_stats(src->receiver, &s);
    const struct codec *codec = sotto__line_codec(&t->recv, src->last_pt);
    const struct source *repair = repair_of(p, src);
    stream_id(id, "I", src->ssrc);
    stream_id(remote, "RO", src->ssrc);
    if (src->reception.has_sr) add_remote_outbound(b, p, t, src, codec, id, remote);
    begin(b, "inbound-rtp", id, src->ssrc, t, codec);
    sotto__stats_text(b, "mid", t->mid);
    if (src->rid) sotto__stats_text(b, "rid", src->rid);
    if (src->reception.has_sr) sotto__stats_text(b, "remoteId", remote);
    if (repair) sotto__stats_int(b, "rtxSsrc", repair->ssrc);
    sotto__stats_int(b, "packetsReceived", src->reception.received);
    sotto__stats_signed(b, "packetsLost", sotto__reception_lost(&src->reception));
    sotto__stats_double(b, "jitter", to_seconds(src->reception.jitter, codec));
    sotto__stats_double(b, "lastPacketReceivedTimestamp",
                        timestamp - (double)(now - src->last) / 1e3);
    sotto__stats_e2ee(b, t->line.e2ee, SOTTO_E2EE_RECEIVE);
    add_received(b, t, src, &s);
}

/* A stream is there once something was sent or received. */
void sotto__stats_media(struct stats_build *b, const struct peer *p, const struct transceiver *t,
                        double timestamp, sotto_us now)
{
    const struct line *line = &t->line;
    for (size_t i = 0; i < line->n_outgoing; i++)
        if (line->outgoing[i].sender && line->outgoing[i].sender->stats.packets > 0)
            add_outbound(b, t, &line->outgoing[i]);
    for (struct node *n = p->session->sources.next; n != &p->session->sources; n = n->next) {
        const struct source *src = CONTAINER_OF(n, struct source, all);
        if (src->line == line && src->receiver) add_inbound(b, p, t, src, timestamp, now);
    }
}

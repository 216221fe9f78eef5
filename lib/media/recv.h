/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_RECV_H
#define SOTTO_MEDIA_RECV_H
/*
 * One incoming source: packets → frames, complete and in order. Reordering and loss, NACK, when to ask for a key frame, the jitter target,
 * what is dropped for a slow application. In: parsed packets, RTX undone; out: NACKs, key-frame requests, frames to be pulled.
 */
#include "media/e2ee.h"
#include "media/jitter.h"
#include "media/nack.h"
#include "sotto/media.h"
#include "util/list.h"
#include "wire/payload.h"
#include "wire/rtp_ext.h"

struct received { /* a frame, or in mode RTP a packet */
    struct node queue;
    struct receiver *home; /* a packet: whose memory this is, and data behind it; to be freed before that goes. A frame: NULL */
    uint8_t *data;
    size_t n;
    bool is_packet, is_key;
    bool was_opened;       /* end-to-end */
    enum codec_id codec;
    uint8_t pt;
    uint32_t time, clock;
    uint32_t duration;     /* ticks; 0 unknown */
    sotto_us at;           /* when its last packet came */
    sotto_us capture_sent; /* abs-capture-time of the sender, on its clock, µs since 1900 (sotto__ntp_us); 0: none */
    uint64_t dropped;      /* just before it */
    uint8_t rotation, audio_level;
    bool has_level, voice;
    size_t n_dependency;
    sotto_us first_at, due; /* when its first packet came; when it may be pulled */
    uint8_t dependency[SOTTO_MAX_DEPENDENCY];
};

struct receiver_stats { /* W3C RTCInboundRtpStreamStats; jitter, packetsLost are report.h's */
    uint64_t packets, bytes, header_bytes; /* of this source, repairs included; bytes of payload */
    uint64_t duplicates, late, discarded;  /* discarded: came too late or did not fit: packetsDiscarded */
    uint64_t repair_packets, repair_bytes; /* by RTX */
    uint64_t frames, key_frames;           /* completed and handed to the queue: framesReceived … */
    uint64_t frames_dropped;               /* incomplete, undecodable, or not taken in time */
    uint64_t frames_assembled_late;        /* framesAssembledFromMultiplePackets */
    uint64_t nacks, nacked, plis;          /* sent: packets of RTCP, sequence numbers, requests */
    sotto_us assembly_time;                /* sum: totalAssemblyTime */
    sotto_us buffer_delay, buffer_target;  /* sums over frames: jitterBufferDelay, …TargetDelay */
    uint64_t emitted;                      /* jitterBufferEmittedCount */
    uint64_t freezes;                      /* gaps in which a key frame was waited for */
    sotto_us last_packet;
};

struct receiver_cfg {
    bool is_video;
    bool nack, pli;   /* the remote understands them */
    int32_t mode;     /* SOTTO_RECEIVE_* */
    sotto_us target;  /* < 0: adaptive */
    struct e2ee *e2ee; /* frames are opened with it; NULL: they are handed over as they come */
};

enum receiver_out_type {
    RECEIVER_OUT_NACK,     /* seqs, n: ascending */
    RECEIVER_OUT_KEYFRAME, /* ask for one */
    RECEIVER_OUT_DROPPED   /* count frames were dropped because they were not taken */
};

#define RECEIVER_MAX_NACK 64u
struct receiver_out {
    enum receiver_out_type type;
    uint16_t seqs[RECEIVER_MAX_NACK];
    size_t n;
    uint64_t count;
};

struct receiver; /* allocated: recv_state.h */
int sotto__receiver_new(struct receiver **ret, const struct receiver_cfg *cfg); /* 0, SOTTO_E_NOMEM */
void sotto__receiver_free(struct receiver *r); /* NULL is fine */
void sotto__receiver_configure(struct receiver *r, sotto_us now,
                               const struct receiver_cfg *cfg); /* while it runs */

/* One packet, payload 0 bytes (padding only) included. codec: of its payload type (never RTX, RED). packet, n_packet: the whole of it, for
 * mode RTP. is_repair: it came by RTX. Never fails: without memory it is as if it had been lost. */
void sotto__receiver_input(struct receiver *r, sotto_us now, const struct rtp *rtp,
                           const struct ext_values *ext, const struct codec *codec, bool is_repair,
                           const uint8_t *packet, size_t n_packet);
void sotto__receiver_set_rtt(struct receiver *r, sotto_us rtt);
void sotto__receiver_want_key(struct receiver *r); /* the application asks: next() says so at once, if it may */
int sotto__receiver_next(struct receiver *r, sotto_us now, struct receiver_out *out); /* 1 filled, 0 nothing; runs due timers */
sotto_us sotto__receiver_due(const struct receiver *r);
/* The timers alone, where what next() tells cannot be used yet. */
void sotto__receiver_run(struct receiver *r, sotto_us now);
sotto_us sotto__receiver_run_due(const struct receiver *r);
bool sotto__receiver_ready(const struct receiver *r); /* pull would give something */
/* The oldest frame that is due, or packet. Yours: sotto__received_free. NULL: none. */
struct received *sotto__receiver_pull(struct receiver *r, sotto_us now);
void sotto__received_free(struct received *f);
sotto_us sotto__receiver_delay(const struct receiver *r); /* target in use */
void sotto__receiver_get_stats(const struct receiver *r, struct receiver_stats *ret);

#endif

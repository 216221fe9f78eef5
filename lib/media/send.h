/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_SEND_H
#define SOTTO_MEDIA_SEND_H
/*
 * One outgoing encoding: frames → packets, with sequence numbers, timestamps and the history that retransmissions are answered from
 * (RFC 3550 §5.1, RFC 4588). Packets wait in the pacer; header and extensions are written when one leaves. The frame's bytes are copied
 * once, into one block a frame, which lives as long as the history or the pacer needs one of its packets.
 */
#include "media/pacer.h"
#include "sotto/media.h"
#include "wire/payload.h"
#include "wire/rtp_ext.h"

struct sent_frame; /* block of packets: history.h */

struct sent_packet {
    struct node queue; /* in the pacer */
    struct sender *sender;
    struct sent_frame *frame;
    int64_t seq; /* unwrapped */
    uint32_t time;
    uint8_t pt;
    uint8_t pacer_class; /* where it waits */
    bool marker, first, last; /* first, last: of its frame */
    bool has_left, is_repair; /* is_repair: it waits to be sent again */
    uint16_t n, repairs;      /* repairs: how often it was sent again */
    uint16_t room, n_head;    /* bytes before payload; of them the header of its first departure: without RTX the same bytes go again */
    uint8_t *payload;
    sotto_us queued, sent; /* sent: last departure */
    sotto_us at;           /* the pacer's */
};

struct sender_stats { /* W3C RTCOutboundRtpStreamStats */
    uint64_t packets, bytes /* payload */, header_bytes; /* with retransmissions */
    uint64_t repair_packets, repair_bytes;
    uint64_t frames, key_frames, frame_bytes; /* taken from the application */
    uint64_t frames_refused;                  /* SOTTO_E_AGAIN */
    uint64_t nacks, plis, firs;               /* received; nacks: packets of RTCP */
    uint64_t repairs_refused;                 /* asked for, but more than SOTTO_REPAIR_PERCENT */
    sotto_us send_delay;                      /* sum of packets' time in the pacer: totalPacketSendDelay */
};

#define SENDER_PARTS 10 /* of the last second */
struct sender_second {  /* bytes of payload that left in it, and of repairs that were queued */
    int64_t part;       /* time / 100 ms of the newest */
    uint32_t media[SENDER_PARTS], repairs[SENDER_PARTS];
    uint64_t media_sum, repairs_sum;
};

#define SENDER_USED 1024u /* numbers below the highest one that an application's own packets may still use */

struct sender {
    uint32_t ssrc, rtx_ssrc;
    bool is_video, needs_key; /* needs_key: a frame was refused; others are until a key frame comes */
    bool repeats;             /* without RTX: headers are kept with the packets */
    size_t max;               /* bytes of an RTP packet before SRTP: the path's */
    size_t head;              /* of them header and extensions: learnt from those that left */
    int64_t seq, rtx_seq;     /* the next one, unwrapped; begin below 2^15: a loss of the first packets must not hide a wrap */
    uint32_t time_base;       /* random */
    struct split_state split;
    uint8_t rotation;         /* of the last frame */
    /* RTP time of the last frame and the moment that it stands for: for sender reports */
    bool has_time;
    uint32_t last_time, clock;
    sotto_us last_capture;
    uint32_t duration;        /* of the last frame in ticks; 0: not known */
    int64_t skew;             /* audio: 1/64 ticks by which samples lag behind the capture clock */
    sotto_us frame_at;        /* when the last frame came, 0: none; … */
    sotto_us interval;        /* … smoothed distance of frames */
    sotto_us paced_at;        /* when the last packet may leave */
    uint64_t sr_packets, sr_octets; /* RFC 3550 §6.4.1: without retransmissions */
    bool has_seq;             /* a number was used */
    int64_t raw_floor;        /* numbers from here on may be an application's own … */
    uint64_t raw_used[SENDER_USED / 64]; /* … each once: a number used twice would break AES-GCM */
    struct sender_second second;
    struct history *history;
    struct sender_stats stats;
};

/* rtx_ssrc 0: no RTX. 0, SOTTO_E_NOMEM, SOTTO_E_SYS no randomness. */
int sotto__sender_new(struct sender **ret, bool is_video, uint32_t ssrc, uint32_t rtx_ssrc);
void sotto__sender_free(struct sender *s, struct pacer *p); /* takes its packets out of the pacer; NULL is fine */

/* The extensions that its packets are about to carry: frames leave room for them. Without: learnt from the packets that leave. */
void sotto__sender_expect(struct sender *s, const uint8_t ids[EXT_COUNT],
                          const struct ext_values *values);
/* One frame, checked by api/ for sizes and NULL only. codec: as negotiated. As sotto_transceiver_send_frame(). */
int sotto__sender_frame(struct sender *s, sotto_us now, const struct codec *codec,
                        const sotto_frame *f, struct pacer *p);
/* The same, but its packets carry `sealed`. */
struct sealed_frame {
    const uint8_t *p;
    size_t n;
};
int sotto__sender_sealed(struct sender *s, sotto_us now, const struct codec *codec,
                         const sotto_frame *f, const struct sealed_frame *sealed, struct pacer *p);
/* A packet of the application's own: leaves before all video. seq and time are its own. 0, SOTTO_E_NOMEM, SOTTO_E_AGAIN the pacer is over
 * its limit, SOTTO_E_RANGE the sequence number was used already, or is more than SENDER_USED below the highest. */
int sotto__sender_rtp(struct sender *s, sotto_us now, const struct codec *codec,
                      const struct rtp *rtp, struct pacer *p);
/* A payload with a time of its own (telephone-event): not to be sent again. 0, SOTTO_E_NOMEM, SOTTO_E_AGAIN. */
int sotto__sender_event(struct sender *s, sotto_us now, const struct codec *codec,
                        const uint8_t *payload, size_t n, uint32_t time, bool marker,
                        struct pacer *p);
uint32_t sotto__sender_time(const struct sender *s, sotto_us capture, uint32_t clock); /* RTP time of a moment */

/* One entry of a NACK: queues what is in the history, each packet at most once a round trip, all together at most
 * SOTTO_REPAIR_PERCENT of what was sent in the last second. */
void sotto__sender_nack(struct sender *s, sotto_us now, uint16_t pid, uint16_t blp, sotto_us rtt,
                        struct pacer *p);

/* Writes the header of a packet that leaves now. ids: negotiated; values: mid, rid, abs_send, abs_capture, twcc… as the session wants them
 * for this packet; those of the frame are added (for a repetition without RTX the old header is used). rtx_pt: payload type of RTX,
 * PT_NONE: repeat the original. Counts. false: it cannot be sent again, as its header was not kept: nothing leaves. */
#define SENDER_MAX_HEADER 512u
struct departure {
    uint8_t head[SENDER_MAX_HEADER]; /* with RTX's original sequence number */
    size_t n_head;
    const uint8_t *payload; /* view: valid until the next call on the sender */
    size_t n_payload;
    uint32_t ssrc;
    bool is_repair;
    bool again; /* a repair without RTX: the same bytes as the first time; SRTP must take the same number again */
};
bool sotto__sender_depart(struct sender *s, sotto_us now, struct sent_packet *pkt,
                          const uint8_t ids[EXT_COUNT], struct ext_values *values, uint8_t rtx_pt,
                          struct departure *out);

#endif

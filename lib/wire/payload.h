/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_PAYLOAD_H
#define SOTTO_WIRE_PAYLOAD_H
/*
 * Payload formats: split(frame → payloads of packets), peek(one payload), join(payloads → frame), with join(split(x)) = x. By codec:
 * payload_audio.c (RFC 7587, RFC 3551), payload_h264.c (RFC 6184), payload_h265.c (RFC 7798), payload_vp8.c (RFC 7741), payload_vp9.c
 * (RFC 9628), payload_av1.c (AOM RTP specification 1.0); payload.c dispatches. What frames look like: see sotto_frame in media.h.
 */
#include "sotto/base.h"
#include "util/buf.h"
#include "wire/codec.h"

/* ---- sending ---- */

struct split_state { /* of one outgoing stream, kept between frames; zero, or random where the format has picture ids */
    uint16_t picture_id; /* VP8, VP9: 15 bits, one more for each frame */
    bool av1_started;    /* a temporal unit with a sequence header went out */
};

union split_cursor {
    struct {
        size_t at, end;
    } plain;
    struct {
        size_t next;      /* where the reader goes on */
        size_t unit, end; /* the NAL unit that is next; end 0: none is left */
        size_t at;        /* of a fragmented one: what is left of it; 0: not begun */
        size_t last, last_end;         /* the last one of all */
        size_t packets, bytes, filled; /* how they will lie in packets; how full the last packet is */
        bool lengths, alone;
    } nal; /* H264, H265 */
    struct {
        size_t at;
        uint8_t head[16];
        size_t n_head;
    } vpx;
    struct {
        size_t obu, at;
        uint8_t flags;
    } av1;
    uint64_t room[12]; /* an implementation may lay these out otherwise, within this size */
};

struct split { /* of one frame; the frame's bytes stay with the caller until the end */
    const struct codec *codec;
    const uint8_t *p;
    size_t n;
    size_t max;          /* bytes of a payload */
    bool is_key;
    size_t left;         /* opaque */
    union split_cursor u;
};

/* Checks the frame (its structure, as far as splitting needs it). max ≥ 100. 0, or SOTTO_E_SYNTAX not a frame of this codec,
 * SOTTO_E_TOO_BIG one that cannot be split (audio, H264 with packetization-mode 0). Advances the state: one call for each frame. */
int sotto__split_init(struct split *s, const struct codec *codec, struct split_state *state,
                      const uint8_t *frame, size_t n, size_t max, bool is_key);
/* The same for a frame whose bytes are sealed: what descriptors say is read from the frame, what packets carry is `sealed`. */
int sotto__split_init_sealed(struct split *s, const struct codec *codec, struct split_state *state,
                             const uint8_t *frame, size_t n, const uint8_t *sealed, size_t n_sealed,
                             size_t max, bool is_key);
/* At least as many payloads as there will be, and bytes of all of them together: for one allocation. */
void sotto__split_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes);
/* The next payload into out (cap ≥ max): its length, 0: there are no more. The last one gets the marker bit (video). */
size_t sotto__split_next(struct split *s, uint8_t *out);
/* Audio: RTP ticks of a packet (opus, PCMU, PCMA); 0: the data does not say. */
uint32_t sotto__payload_duration(const struct codec *codec, const uint8_t *p, size_t n);
/* Video: whether these frame bytes begin a picture that needs no earlier one: sotto_frame.is_key as the data says. */
bool sotto__frame_is_key(enum codec_id id, const uint8_t *p, size_t n);

/* ---- receiving ---- */

struct payload_info {
    bool starts;      /* it may be the first of a frame; H264, H265: always true but for later fragments */
    bool may_end;     /* it may be the last one; the marker bit of the RTP header says so too */
    bool is_key;      /* some part of a key picture, or parameter sets before one: the frame it belongs to is one */
    bool disposable;  /* no later frame needs the one it belongs to, for certain */
    int32_t picture_id; /* -1: the format has none */
    bool picture_id_long; /* 15 bits, not 7 */
    int32_t temporal;   /* layer, 0 if the format has none */
    bool is_first;      /* H264, H265: nothing of its frame was before it, for certain, but perhaps a delimiter or SEI: it begins with a
                           delimiter or the parameter sets that come first. Others: false, see starts */
    bool may_be_key;    /* VP9: it starts a frame that is not predicted, whatever the frame's header says: that may be sealed. Others:
                           false, see is_key */
};
/* One payload of a packet (n ≥ 1): 0, or SOTTO_E_SYNTAX: its descriptor or header is broken, drop it. */
int sotto__payload_peek(enum codec_id id, const uint8_t *p, size_t n, struct payload_info *ret);

struct payload_piece {
    const uint8_t *p;
    size_t n;
};
/* All payloads of one frame in order → frame, appended to out, which has its maximum. 0, or SOTTO_E_SYNTAX (fragments that do not fit
 * together, lengths beyond the end), SOTTO_E_LIMIT, SOTTO_E_NOMEM; then out is as before. */
int sotto__payload_join(enum codec_id id, const struct payload_piece *pieces, size_t n,
                        struct buf *out);
/* The same for a frame whose layers were sealed one by one (VP9; others have one): one behind the other, with the bytes of each. */
#define PAYLOAD_MAX_LAYERS 8u
struct payload_layers {
    size_t n, sizes[PAYLOAD_MAX_LAYERS];
};
int sotto__payload_join_sealed(enum codec_id id, const struct payload_piece *pieces, size_t n,
                               struct buf *out, struct payload_layers *ret);
/* What a frame of opened layers, which out ends with, has behind them. 0, SOTTO_E_LIMIT, SOTTO_E_NOMEM. */
int sotto__payload_end_layers(struct buf *out, const struct payload_layers *layers);

/* RED for audio (RFC 2198): blocks of one payload, oldest first, the primary one last. n ≤ RED_MAX_BLOCKS. */
#define RED_MAX_BLOCKS 8u
struct red_block {
    uint8_t pt;
    uint16_t offset; /* ticks before the packet's timestamp; 0: primary */
    const uint8_t *p;
    size_t n;
};
int sotto__red_parse(const uint8_t *p, size_t n, struct red_block blocks[RED_MAX_BLOCKS],
                     size_t *ret_n); /* 0, SOTTO_E_SYNTAX */
/* The length; SOTTO_E_TOO_BIG above cap; SOTTO_E_RANGE an offset above 14 bits, a block above 10 bits or an empty primary one. */
int sotto__red_write(const struct red_block *blocks, size_t n, uint8_t *out, size_t cap);

/* telephone-event (RFC 4733 §2.3) */
struct dtmf_event {
    uint8_t event;
    bool end;
    uint8_t volume;
    uint16_t duration;
};
int sotto__dtmf_parse(const uint8_t *p, size_t n, struct dtmf_event *ret); /* 0, SOTTO_E_SYNTAX */
void sotto__dtmf_write(const struct dtmf_event *e, uint8_t out[4]);
int sotto__dtmf_event_of(char tone); /* 0…15; -1: not a tone */

#endif

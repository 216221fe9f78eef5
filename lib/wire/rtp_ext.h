/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_RTP_EXT_H
#define SOTTO_WIRE_RTP_EXT_H
/* RTP header extensions (RFC 8285), one-byte and two-byte form: the elements that we know, read and written by the negotiated ids. */
#include "util/str.h"
#include "wire/rtp.h"

enum ext_id {
    EXT_MID,       /* urn:ietf:params:rtp-hdrext:sdes:mid */
    EXT_RID,       /* …sdes:rtp-stream-id */
    EXT_RRID,      /* …sdes:repaired-rtp-stream-id */
    EXT_ABS_SEND,  /* http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time */
    EXT_ABS_CAPTURE, /* …/abs-capture-time */
    EXT_TWCC,      /* transport-wide-cc */
    EXT_AUDIO_LEVEL, /* RFC 6464; audio only */
    EXT_ORIENTATION, /* urn:3gpp:video-orientation; video only, as are those below and RID, RRID */
    EXT_PLAYOUT_DELAY,
    EXT_DEPENDENCY, /* AV1 dependency descriptor */
    EXT_COUNT
};

struct ext_values {
    uint32_t has;          /* 1u << EXT_…: which of the rest count */
    struct str mid, rid, rrid; /* views; read: of their grammar and length (RFC 8843 §15.1: token; RFC 8852 §3.1), else not there */
    uint32_t abs_send;     /* 24 bits: 6.18 fixed point seconds */
    uint64_t abs_capture;  /* NTP 32.32, of the capturing system */
    bool has_capture_offset;
    int64_t capture_offset; /* NTP 32.32, signed */
    uint16_t twcc;         /* transport-wide sequence number */
    uint8_t audio_level;   /* 0…127, minus dBov */
    bool voice;
    uint8_t rotation;      /* CVO: times 90 degrees clockwise to be shown upright; camera and flip bits are dropped */
    uint16_t playout_min, playout_max; /* 12 bits each, times 10 ms */
    const uint8_t *dependency; /* view */
    size_t n_dependency;
};

/* Reads those of ids[] (0: not negotiated). An element that breaks its own form is skipped; one that runs over the block's end ends the
 * reading: what was read before stays. Elements of one id twice: the first. id 0 is padding, 15 ends the one-byte form (RFC 8285 §4.2). */
void sotto__ext_read(const struct rtp *rtp, const uint8_t ids[EXT_COUNT], struct ext_values *ret);
/* Bytes of the extension block with its 4-byte head and padding, as ext_write writes it; 0: there is nothing to write. Values without an id
 * are left out. The one-byte form if all ids are ≤ 14 and all elements 1…16 bytes, else the two-byte form. */
size_t sotto__ext_size(const uint8_t ids[EXT_COUNT], const struct ext_values *v);
/* Writes the block; its length, 0: nothing to write; SOTTO_E_TOO_BIG. */
int sotto__ext_write(const uint8_t ids[EXT_COUNT], const struct ext_values *v, uint8_t *out,
                     size_t cap);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_CODEC_H
#define SOTTO_WIRE_CODEC_H
/* What a codec is: as descriptions negotiate it, and as payloads are read and written by it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec_id {
    CODEC_OPUS = 1,
    CODEC_PCMU,
    CODEC_PCMA,
    CODEC_DTMF, /* telephone-event: RFC 4733 */
    CODEC_RED,  /* RFC 2198 */
    CODEC_VP8,
    CODEC_VP9,
    CODEC_H264,
    CODEC_H265,
    CODEC_AV1,
    CODEC_RTX /* RFC 4588 */
};

enum { /* bits of codec.feedback: RFC 4585, 5104 */
    FEEDBACK_NACK = 1,
    FEEDBACK_PLI = 2,
    FEEDBACK_FIR = 4,
    FEEDBACK_REMB = 8,
    FEEDBACK_TWCC = 16
};

/* Format parameters that decide whether two payload types are the same codec, or that change what is sent. */
struct codec_params {
    uint8_t profile;      /* VP9 profile-id, AV1 profile, H265 profile-id; H264: profile_idc */
    uint8_t h264_iop;     /* constraint flags */
    uint8_t level;        /* H264 level_idc, H265 level-id, AV1 level-idx */
    uint8_t tier;         /* H265, AV1 */
    uint8_t packetization; /* H264 packetization-mode 0 or 1 */
    bool asymmetric;      /* H264 level-asymmetry-allowed */
    bool stereo, fec, dtx, cbr; /* opus, as the one who wrote it wants to receive: RFC 7587 §6.1 */
    uint32_t max_bps;     /* opus maxaveragebitrate; 0: none */
    uint32_t max_playback_hz; /* opus; 0: none */
    bool sends_stereo;        /* opus sprop-stereo */
};

enum { PT_NONE = 255 }; /* a payload type that is not chosen yet */

struct codec {
    enum codec_id id;
    const char *name; /* static, as in rtpmap: "opus", "H264" */
    uint32_t clock;
    uint8_t channels; /* audio: 1, 2; video: 1 */
    uint8_t pt;
    int16_t apt;       /* RTX: the payload type that it repeats; RED: the one it holds; -1 */
    uint32_t feedback; /* FEEDBACK_* */
    struct codec_params params;
    char *fmtp; /* owned; the parameters as a text, NULL: none */
};

struct codec_list {
    struct codec *items;
    size_t n, cap;
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When two codecs are the same, and with which parameters an offered one is answered: RFC 6184 §8.2.2 (H.264), RFC 7798 §7.2.2
 * (H.265), RFC 9628 §6.2 (VP9), the AV1 RTP specification §7.2 (AV1). Those that name a format configuration are the same on both
 * sides; levels are what each side can receive, as far as the format allows them to differ.
 * Comes in: parameters, read; goes out: parameters. Knows no text and no payload type numbers but those that RTX and RED repeat.
 */
#include "peer/codecs.h"
#include "peer/codecs_int.h"

/* ---- H.264 ---- */

enum h264_profile { H264_UNKNOWN, H264_CONSTRAINED_BASELINE, H264_BASELINE, H264_MAIN, H264_HIGH };

/* RFC 6184 §8.1, table 5, as far as we support profiles. Bits of iop: constraint_set0 is 0x80. A flag outside mask counts not. */
static const struct {
    uint8_t idc, mask, iop;
    enum h264_profile profile;
} h264_profiles[] = {
    {0x42, 0x4f, 0x40, H264_CONSTRAINED_BASELINE},
    {0x4d, 0x8f, 0x80, H264_CONSTRAINED_BASELINE},
    {0x58, 0xcf, 0xc0, H264_CONSTRAINED_BASELINE},
    {0x42, 0x4f, 0x00, H264_BASELINE},
    {0x58, 0xcf, 0x80, H264_BASELINE},
    {0x4d, 0xaf, 0x00, H264_MAIN},
    {0x64, 0xff, 0x00, H264_HIGH},
};

static enum h264_profile h264_profile(const struct codec_params *p)
{
    for (size_t i = 0; i < sizeof h264_profiles / sizeof *h264_profiles; i++)
        if (h264_profiles[i].idc == p->profile &&
            (p->h264_iop & h264_profiles[i].mask) == h264_profiles[i].iop)
            return h264_profiles[i].profile;
    return H264_UNKNOWN;
}

/* H.264 A.3.1: in these, level_idc 11 with constraint_set3 is level 1b; in the others level_idc 9 is. */
static bool set3_is_level(uint8_t idc)
{
    return idc == 0x42 || idc == 0x4d || idc == 0x58;
}

static bool is_level_1b(const struct codec_params *p)
{
    return set3_is_level(p->profile) ? p->level == 11 && p->h264_iop & 0x10 : p->level == 9;
}

static int level_rank(const struct codec_params *p) /* 1b lies between 1 and 1.1 */
{
    return is_level_1b(p) ? 2 * 10 + 1 : 2 * p->level;
}

static struct codec_params answer_h264(const struct codec_params *ours,
                                       const struct codec_params *offered)
{
    struct codec_params p = *offered; /* the profile stays in the words of the offer */
    p.asymmetric = ours->asymmetric && offered->asymmetric;
    bool take_ours = p.asymmetric || level_rank(ours) < level_rank(offered);
    bool level_1b = is_level_1b(take_ours ? ours : offered);
    p.level = take_ours ? ours->level : offered->level;
    if (!set3_is_level(p.profile)) return p;
    p.h264_iop = (uint8_t)(level_1b ? p.h264_iop | 0x10 : p.h264_iop & ~0x10);
    return p;
}

/* ---- all ---- */

bool sotto__codec_matches(const struct codec *a, const struct codec *b)
{
    const struct codec_params *p = &a->params, *q = &b->params;
    if (a->id != b->id || a->clock != b->clock || a->channels != b->channels) return false;
    switch (a->id) {
    case CODEC_H264:
        return h264_profile(p) != H264_UNKNOWN && h264_profile(p) == h264_profile(q) &&
               p->packetization == q->packetization;
    case CODEC_H265: return p->profile == q->profile && p->tier == q->tier;
    case CODEC_VP9:
    case CODEC_AV1: return p->profile == q->profile;
    default: return true;
    }
}

bool sotto__codec_same(const struct codec *a, const struct codec *b)
{
    bool repeats = a->id == CODEC_RTX || a->id == CODEC_RED;
    return sotto__codec_matches(a, b) && (!repeats || a->apt == b->apt);
}

struct codec sotto__codec_preferred(const struct codec *ours, const struct codec *pref)
{
    struct codec c = *ours;
    if (ours->id == CODEC_OPUS) c.params = pref->params;
    return c;
}

bool sotto__codec_asks_same(const struct codec *a, const struct codec *b)
{
    const struct codec_params *p = &a->params, *q = &b->params;
    if (a->id != CODEC_OPUS) return true;
    return p->stereo == q->stereo && p->sends_stereo == q->sends_stereo && p->dtx == q->dtx &&
           p->cbr == q->cbr && p->max_bps == q->max_bps && p->max_playback_hz == q->max_playback_hz;
}

struct codec_params sotto__codec_answer(const struct codec *ours, const struct codec *offered)
{
    struct codec_params p = ours->params;
    if (ours->id == CODEC_H264) return answer_h264(&ours->params, &offered->params);
    if (ours->id == CODEC_H265 && offered->params.level < p.level) p.level = offered->params.level;
    return p;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pictures to H.264 by OpenH264: constrained baseline, which every browser that has H.264 decodes. A key frame carries its parameter
 * sets; there is none but those that are asked for.
 */
#include "media.h"

#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>

struct encoder {
    ISVCEncoder *codec;
    uint8_t *out;
    size_t cap;
    int32_t fps;
    int64_t frames;
};

static int set_up(struct encoder *e, int32_t width, int32_t height, uint32_t bps)
{
    SEncParamExt x;
    int quiet = WELS_LOG_QUIET, format = videoFormatI420;
    if ((*e->codec)->GetDefaultParams(e->codec, &x) != 0) return SOTTO_E_SYS;
    x.iUsageType = CAMERA_VIDEO_REAL_TIME;
    x.iPicWidth = width;
    x.iPicHeight = height;
    x.iTargetBitrate = (int)bps;
    x.iMaxBitrate = UNSPECIFIED_BIT_RATE;
    x.iRCMode = RC_BITRATE_MODE;
    x.fMaxFrameRate = (float)e->fps;
    x.iTemporalLayerNum = 1;
    x.iSpatialLayerNum = 1;
    x.iMultipleThreadIdc = 1;
    x.uiIntraPeriod = 0;
    x.bEnableFrameSkip = false;
    x.eSpsPpsIdStrategy = CONSTANT_ID;
    x.sSpatialLayers[0].iVideoWidth = width;
    x.sSpatialLayers[0].iVideoHeight = height;
    x.sSpatialLayers[0].fFrameRate = (float)e->fps;
    x.sSpatialLayers[0].iSpatialBitrate = (int)bps;
    x.sSpatialLayers[0].iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
    x.sSpatialLayers[0].uiProfileIdc = PRO_BASELINE;
    x.sSpatialLayers[0].sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
    (*e->codec)->SetOption(e->codec, ENCODER_OPTION_TRACE_LEVEL, &quiet);
    if ((*e->codec)->InitializeExt(e->codec, &x) != 0) return SOTTO_E_SYS;
    return (*e->codec)->SetOption(e->codec, ENCODER_OPTION_DATAFORMAT, &format) == 0 ? 0
                                                                                     : SOTTO_E_SYS;
}

int encode_h264_new(int32_t width, int32_t height, int32_t fps, uint32_t bps, struct encoder **ret)
{
    struct encoder *e = calloc(1, sizeof *e);
    int r;
    if (!e) return SOTTO_E_NOMEM;
    e->fps = fps;
    r = WelsCreateSVCEncoder(&e->codec) == 0 && e->codec ? 0 : SOTTO_E_SYS;
    if (r == 0) r = set_up(e, width, height, bps);
    if (r < 0) {
        encode_h264_free(e);
        return r;
    }
    *ret = e;
    return 0;
}

/* The NAL units of all layers, one behind the other, as they came: with start codes. */
static int join(struct encoder *e, const SFrameBSInfo *info, struct encoded *ret)
{
    size_t n = 0;
    for (int i = 0; i < info->iLayerNum; i++)
        for (int k = 0; k < info->sLayerInfo[i].iNalCount; k++)
            n += (size_t)info->sLayerInfo[i].pNalLengthInByte[k];
    if (n > e->cap) {
        uint8_t *grown = realloc(e->out, n);
        if (!grown) return SOTTO_E_NOMEM;
        e->out = grown;
        e->cap = n;
    }
    n = 0;
    for (int i = 0; i < info->iLayerNum; i++) {
        const SLayerBSInfo *layer = &info->sLayerInfo[i];
        size_t len = 0;
        for (int k = 0; k < layer->iNalCount; k++) len += (size_t)layer->pNalLengthInByte[k];
        memcpy(e->out + n, layer->pBsBuf, len);
        n += len;
    }
    ret->data = e->out;
    ret->len = n;
    ret->is_key = info->eFrameType == videoFrameTypeIDR;
    return 0;
}

int encode_h264(struct encoder *e, const struct picture *p, bool key, struct encoded *ret)
{
    SSourcePicture in = {.iColorFormat = videoFormatI420,
                         .iPicWidth = p->width,
                         .iPicHeight = p->height,
                         .iStride = {p->width, p->width / 2, p->width / 2},
                         .pData = {p->y, p->u, p->v},
                         .uiTimeStamp = e->frames++ * 1000 / e->fps};
    SFrameBSInfo out = {0};
    ret->len = 0;
    if (key && (*e->codec)->ForceIntraFrame(e->codec, true) != 0) return SOTTO_E_SYS;
    if ((*e->codec)->EncodeFrame(e->codec, &in, &out) != cmResultSuccess) return SOTTO_E_SYS;
    if (out.eFrameType == videoFrameTypeSkip || out.iLayerNum == 0) return 0;
    return join(e, &out, ret);
}

int encode_h264_set_bitrate(struct encoder *e, uint32_t bps)
{
    SBitrateInfo b = {.iLayer = SPATIAL_LAYER_ALL, .iBitrate = (int)bps};
    return (*e->codec)->SetOption(e->codec, ENCODER_OPTION_BITRATE, &b) == 0 ? 0 : SOTTO_E_SYS;
}

void encode_h264_free(struct encoder *e)
{
    if (!e) return;
    if (e->codec) {
        (*e->codec)->Uninitialize(e->codec);
        WelsDestroySVCEncoder(e->codec);
    }
    free(e->out);
    free(e);
}

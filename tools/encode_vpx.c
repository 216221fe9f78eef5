/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pictures to VP8 by libvpx, tuned for a call: no look-ahead, no frames that wait, a key frame only when it is asked for.
 */
#include "media.h"

#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

struct encoder {
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t cfg;
    bool is_open;
    int64_t frames;
    uint8_t *out; /* libvpx gives one packet a picture; kept here until the next call */
    size_t cap;
};

int encode_vpx_new(int32_t width, int32_t height, int32_t fps, uint32_t bps, struct encoder **ret)
{
    struct encoder *e = calloc(1, sizeof *e);
    if (!e) return SOTTO_E_NOMEM;
    if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &e->cfg, 0) != VPX_CODEC_OK) {
        free(e);
        return SOTTO_E_SYS;
    }
    e->cfg.g_w = (unsigned)width;
    e->cfg.g_h = (unsigned)height;
    e->cfg.g_timebase = (vpx_rational_t){1, fps};
    e->cfg.g_threads = 1;
    e->cfg.g_lag_in_frames = 0;
    e->cfg.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT; /* a lost frame does not spoil the probabilities */
    e->cfg.rc_end_usage = VPX_CBR;
    e->cfg.rc_target_bitrate = bps / 1000;
    e->cfg.rc_min_quantizer = 4;
    e->cfg.rc_max_quantizer = 56;
    e->cfg.rc_buf_sz = 1000;
    e->cfg.rc_buf_initial_sz = 500;
    e->cfg.rc_buf_optimal_sz = 600;
    e->cfg.rc_dropframe_thresh = 0;
    e->cfg.kf_mode = VPX_KF_FIXED; /* with a distance that no call reaches */
    e->cfg.kf_min_dist = e->cfg.kf_max_dist = 1u << 30;
    if (vpx_codec_enc_init(&e->codec, vpx_codec_vp8_cx(), &e->cfg, 0) == VPX_CODEC_OK) {
        e->is_open = true;
        if (vpx_codec_control(&e->codec, VP8E_SET_CPUUSED, -8) == VPX_CODEC_OK &&
            vpx_codec_control(&e->codec, VP8E_SET_STATIC_THRESHOLD, 1) == VPX_CODEC_OK) {
            *ret = e;
            return 0;
        }
    }
    encode_vpx_free(e);
    return SOTTO_E_SYS;
}

static int keep(struct encoder *e, const void *data, size_t len)
{
    if (len > e->cap) {
        uint8_t *grown = realloc(e->out, len);
        if (!grown) return SOTTO_E_NOMEM;
        e->out = grown;
        e->cap = len;
    }
    memcpy(e->out, data, len);
    return 0;
}

int encode_vpx(struct encoder *e, const struct picture *p, bool key, struct encoded *ret)
{
    const vpx_codec_cx_pkt_t *packet;
    vpx_codec_iter_t at = NULL;
    vpx_image_t image;
    int r = 0;
    ret->len = 0;
    if (!vpx_img_wrap(&image, VPX_IMG_FMT_I420, (unsigned)p->width, (unsigned)p->height, 1, p->y))
        return SOTTO_E_SYS;
    if (vpx_codec_encode(&e->codec, &image, e->frames++, 1, key ? VPX_EFLAG_FORCE_KF : 0,
                         VPX_DL_REALTIME) != VPX_CODEC_OK)
        return SOTTO_E_SYS;
    while (r == 0 && (packet = vpx_codec_get_cx_data(&e->codec, &at))) {
        if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
        r = keep(e, packet->data.frame.buf, packet->data.frame.sz);
        ret->data = e->out;
        ret->len = packet->data.frame.sz;
        ret->is_key = packet->data.frame.flags & VPX_FRAME_IS_KEY;
    }
    return r;
}

int encode_vpx_set_bitrate(struct encoder *e, uint32_t bps)
{
    e->cfg.rc_target_bitrate = bps / 1000;
    return vpx_codec_enc_config_set(&e->codec, &e->cfg) == VPX_CODEC_OK ? 0 : SOTTO_E_SYS;
}

void encode_vpx_free(struct encoder *e)
{
    if (!e) return;
    if (e->is_open) vpx_codec_destroy(&e->codec);
    free(e->out);
    free(e);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library without the extra audio (meson: -Daudio=disabled): the functions of audio.h are there and say so. Stands in for all other
 * files of this layer, and for libopus.
 */
#include "extra/library.h"
#include "sotto/audio.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the arguments of what does nothing */

#define NO ((int)SOTTO_E_UNSUPPORTED)

SOTTO_API int sotto_opus_encoder_new(const sotto_opus_config *cfg, sotto_opus_encoder **ret)
{
    return NO;
}
SOTTO_API void sotto_opus_encoder_free(sotto_opus_encoder *e)
{
}

SOTTO_API int sotto_opus_encode(sotto_opus_encoder *e, const int16_t *pcm, size_t frames,
                                uint8_t *out, size_t cap)
{
    return NO;
}

SOTTO_API int sotto_opus_encoder_set_bitrate(sotto_opus_encoder *e, int32_t bps)
{
    return NO;
}
SOTTO_API int sotto_opus_encoder_set_loss(sotto_opus_encoder *e, double loss)
{
    return NO;
}
SOTTO_API int sotto_opus_decoder_new(int32_t channels, sotto_opus_decoder **ret)
{
    return NO;
}
SOTTO_API int sotto_opus_decoder_open(const sotto_opus_decoder_config *cfg,
                                      sotto_opus_decoder **ret)
{
    return NO;
}
SOTTO_API int sotto_opus_decoder_get_isolation(const sotto_opus_decoder *d, sotto_isolation *ret)
{
    return NO;
}
SOTTO_API void sotto_opus_decoder_free(sotto_opus_decoder *d)
{
}

SOTTO_API int sotto_opus_decode(sotto_opus_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                                size_t cap)
{
    return NO;
}

SOTTO_API int sotto_opus_decode_fec(sotto_opus_decoder *d, const uint8_t *p, size_t len,
                                    int16_t *pcm, size_t frames)
{
    return NO;
}

SOTTO_API int sotto_opus_packet_frames(const uint8_t *p, size_t len)
{
    return NO;
}
SOTTO_API int sotto_pcmu_encode(const int16_t *pcm, size_t n, uint8_t *out)
{
    return NO;
}
SOTTO_API int sotto_pcmu_decode(const uint8_t *p, size_t n, int16_t *pcm)
{
    return NO;
}
SOTTO_API int sotto_pcma_encode(const int16_t *pcm, size_t n, uint8_t *out)
{
    return NO;
}
SOTTO_API int sotto_pcma_decode(const uint8_t *p, size_t n, int16_t *pcm)
{
    return NO;
}

SOTTO_API int sotto_playout_new(const sotto_playout_config *cfg, sotto_playout **ret)
{
    return NO;
}
SOTTO_API void sotto_playout_free(sotto_playout *p)
{
}
SOTTO_API int sotto_playout_put(sotto_playout *p, const sotto_frame *f)
{
    return NO;
}
SOTTO_API int sotto_playout_pull(sotto_playout *p, int16_t *pcm, size_t frames)
{
    return NO;
}
SOTTO_API int sotto_playout_get_stats(const sotto_playout *p, sotto_playout_stats *ret)
{
    return NO;
}
SOTTO_API int sotto_playout_get_stats_json(const sotto_playout *p, char **ret)
{
    return NO;
}
SOTTO_API int sotto_playout_get_isolation(const sotto_playout *p, sotto_isolation *ret)
{
    return NO;
}

const char *sotto__opus_library_version(void)
{
    return "";
}

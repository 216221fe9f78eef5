/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library without decoders in processes of their own (meson: -Disolate=disabled): making one is refused, so that nobody believes to
 * have what he has not. Stands in for all isolate_*.c, and for libseccomp.
 */
#include "extra/isolate.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the arguments of what does nothing */

#define NO ((int)SOTTO_E_UNSUPPORTED)

int sotto__isolate_playout_new(const sotto_playout_config *c, void *tag,
                               struct isolate_playout **ret)
{
    return NO;
}
void sotto__isolate_playout_free(struct isolate_playout *i)
{
}
int sotto__isolate_put(struct isolate_playout *i, const struct playout_packet *packet)
{
    return NO;
}
void sotto__isolate_pull(struct isolate_playout *i, int16_t *pcm, size_t frames)
{
}
void sotto__isolate_read(const struct isolate_playout *i, sotto_playout_stats *s)
{
}
void sotto__isolate_playout_tell(const struct isolate_playout *i, sotto_isolation *ret)
{
}
int sotto__isolate_decoder_new(int channels, const char *path, struct isolate_decoder **ret)
{
    return NO;
}
void sotto__isolate_decoder_free(struct isolate_decoder *d)
{
}
int sotto__isolate_decode(struct isolate_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                          size_t cap)
{
    return NO;
}
int sotto__isolate_decode_fec(struct isolate_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                              size_t frames)
{
    return NO;
}
void sotto__isolate_decoder_tell(const struct isolate_decoder *d, sotto_isolation *ret)
{
}

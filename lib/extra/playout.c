/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sotto_playout of audio.h: making it, its two ends and its counters. What is put is checked here; the work is done by playout_engine.c,
 * in this process, or behind isolate_playout.c in another. It reads no clock.
 */
#include "extra/playout.h"

#include <string.h>

#include "extra/config.h"
#include "extra/isolate.h"
#include "util/mem.h"
#include "util/str.h"

#define DEFAULT_MIN 20000  /* microseconds */
#define DEFAULT_MAX 500000
#define MAX_CLOCK (INT64_C(1) << 50) /* microseconds: 35 years */

static int read_config(const sotto_playout_config *cfg, sotto_playout_config *ret)
{
    int r = sotto__extra_copy(cfg, sizeof *ret, ret);
    if (r < 0) return r;
    if (ret->channels < 0 || ret->channels > 2 || ret->min_delay < 0 || ret->max_delay < 0)
        return SOTTO_E_RANGE;
    if (ret->min_delay > SOTTO_MAX_PLAYOUT_US || ret->max_delay > SOTTO_MAX_PLAYOUT_US)
        return SOTTO_E_RANGE;
    if (!ret->isolate_decoder && (ret->decoder_path || ret->ctx)) return SOTTO_E_INVAL;
    if (ret->channels == 0) ret->channels = 1;
    if (ret->max_delay == 0)
        ret->max_delay = ret->min_delay > DEFAULT_MAX ? ret->min_delay : DEFAULT_MAX;
    if (ret->min_delay == 0)
        ret->min_delay = ret->max_delay < DEFAULT_MIN ? ret->max_delay : DEFAULT_MIN;
    return ret->min_delay <= ret->max_delay ? 0 : SOTTO_E_RANGE;
}

static int start(sotto_playout *p, const sotto_playout_config *c)
{
    if (!c->isolate_decoder) return sotto__playout_init(p, c);
    return sotto__isolate_playout_new(c, p, &p->isolated);
}

SOTTO_API int sotto_playout_new(const sotto_playout_config *cfg, sotto_playout **ret)
{
    sotto_playout_config c;
    if (!ret) return SOTTO_E_INVAL;
    int r = read_config(cfg, &c);
    if (r < 0) return r;
    sotto_playout *p = (sotto_playout *)sotto__calloc(1, sizeof *p);
    if (!p) return SOTTO_E_NOMEM;
    p->channels = c.channels;
    r = start(p, &c);
    if (r < 0) {
        sotto_playout_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

SOTTO_API void sotto_playout_free(sotto_playout *p)
{
    if (!p) return;
    sotto__isolate_playout_free(p->isolated);
    sotto__playout_release(p);
    sotto__free(p);
}

static int codec_of(const char *mime, enum playout_codec *ret)
{
    struct str name = sotto__str(mime);
    if (sotto__str_ieq(name, STR("audio/opus")))
        *ret = PLAYOUT_OPUS;
    else if (sotto__str_ieq(name, STR("audio/PCMU")))
        *ret = PLAYOUT_PCMU;
    else if (sotto__str_ieq(name, STR("audio/PCMA")))
        *ret = PLAYOUT_PCMA;
    else
        return SOTTO_E_UNSUPPORTED;
    return 0;
}

static int check_frame(const sotto_frame *f, enum playout_codec *ret_codec, int32_t *ret_frames)
{
    if (!f->data || f->len == 0 || !f->mime) return SOTTO_E_INVAL;
    int r = codec_of(f->mime, ret_codec);
    if (r < 0) return r;
    if (f->len > SOTTO_MAX_AUDIO_PACKET) return SOTTO_E_TOO_BIG;
    if (*ret_codec == PLAYOUT_OPUS) {
        r = sotto_opus_packet_frames((const uint8_t *)f->data, f->len);
        if (r < 0) return r;
        *ret_frames = r;
        return 0;
    }
    *ret_frames = (int32_t)f->len * 6;
    return *ret_frames <= PLAYOUT_MAX_FRAMES ? 0 : SOTTO_E_TOO_BIG;
}

static void refuse(sotto_playout *p)
{
    atomic_fetch_add_explicit(&p->refused, 1, memory_order_relaxed);
}

SOTTO_API int sotto_playout_put(sotto_playout *p, const sotto_frame *f)
{
    sotto_frame all;
    enum playout_codec codec = PLAYOUT_OPUS;
    int32_t frames = 0;
    if (!p || !f) return SOTTO_E_INVAL;
    int r = sotto__extra_copy(f, sizeof all, &all);
    if (r == 0) r = check_frame(&all, &codec, &frames);
    if (r < 0) {
        if (r == SOTTO_E_SYNTAX || r == SOTTO_E_TOO_BIG) refuse(p);
        return r;
    }
    sotto_us received = all.received_us < 0 ? 0 : all.received_us;
    struct playout_packet packet = {.codec = codec,
                                    .frames = frames,
                                    .rtp_time = all.rtp_time,
                                    .after_loss = all.dropped > 0,
                                    .received = (received < MAX_CLOCK ? received : MAX_CLOCK) *
                                                PLAYOUT_MS / 1000,
                                    .len = all.len,
                                    .data = (const uint8_t *)all.data};
    r = p->isolated ? sotto__isolate_put(p->isolated, &packet) : sotto__playout_add(p, &packet);
    if (r < 0) refuse(p);
    return r;
}

SOTTO_API int sotto_playout_pull(sotto_playout *p, int16_t *pcm, size_t frames)
{
    if (!p || !pcm) return SOTTO_E_INVAL;
    if (frames == 0 || frames > PLAYOUT_MAX_FRAMES) return SOTTO_E_RANGE;
    if (p->isolated)
        sotto__isolate_pull(p->isolated, pcm, frames);
    else
        sotto__playout_take(p, pcm, frames);
    return (int)frames;
}

SOTTO_API int sotto_playout_get_stats(const sotto_playout *p, sotto_playout_stats *ret)
{
    sotto_playout_stats s = {.size = sizeof s};
    if (!p || !ret) return SOTTO_E_INVAL;
    int r = sotto__extra_check(ret, sizeof s);
    if (r < 0) return r;
    if (p->isolated)
        sotto__isolate_read(p->isolated, &s);
    else
        sotto__playout_read(p, &s);
    s.packets_dropped += atomic_load_explicit(&p->refused, memory_order_relaxed);
    sotto__extra_fill(ret, &s, sizeof s);
    return 0;
}

SOTTO_API int sotto_playout_get_isolation(const sotto_playout *p, sotto_isolation *ret)
{
    sotto_isolation all = {.size = sizeof all, .state = SOTTO_ISOLATION_NONE};
    if (!p || !ret) return SOTTO_E_INVAL;
    int r = sotto__extra_check(ret, sizeof all);
    if (r < 0) return r;
    if (p->isolated) sotto__isolate_playout_tell(p->isolated, &all);
    sotto__extra_fill(ret, &all, sizeof all);
    return 0;
}

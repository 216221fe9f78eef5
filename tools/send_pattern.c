/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generated picture and sound, and pictures of a camera, through the encoders: VP8, H.264, Opus. Follows the bitrate that the
 * library says, and gives a key frame when one is needed.
 */
#include "sender_int.h"

#include <time.h>

#include "camera.h"

static int64_t wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- video ---------------------------------------------------------------------------------------------------------- */

int video_begin(struct video *v, struct sender *s, int32_t width, int32_t height, int32_t fps)
{
    *v = (struct video){.s = s, .bps = SENDER_BPS};
    return s->codec == CODEC_VP8 ? encode_vpx_new(width, height, fps, v->bps, &v->encoder)
                                 : encode_h264_new(width, height, fps, v->bps, &v->encoder);
}

void video_end(struct video *v)
{
    if (v->s->codec == CODEC_VP8)
        encode_vpx_free(v->encoder);
    else
        encode_h264_free(v->encoder);
}

/* The library's word within our bounds; changes of a few per cent are not worth a change. */
static int follow_bitrate(struct video *v, uint64_t target)
{
    uint32_t bps = target < SENDER_MIN_BPS   ? SENDER_MIN_BPS
                   : target > SENDER_MAX_BPS ? SENDER_MAX_BPS
                                             : (uint32_t)target;
    uint32_t difference = bps > v->bps ? bps - v->bps : v->bps - bps;
    if (difference <= v->bps / 20) return 0;
    v->bps = bps;
    return v->s->codec == CODEC_VP8 ? encode_vpx_set_bitrate(v->encoder, bps)
                                    : encode_h264_set_bitrate(v->encoder, bps);
}

int video_send(struct video *v, const struct picture *p, sotto_us captured)
{
    uint64_t target = atomic_load(&v->s->bps);
    struct encoded out;
    bool key;
    int r = 0;
    if (target == 0) return 0; /* nothing may be sent */
    if (target != UINT64_MAX) r = follow_bitrate(v, target);
    if (r < 0) return r;
    key = atomic_exchange(&v->s->need_key, false);
    r = v->s->codec == CODEC_VP8 ? encode_vpx(v->encoder, p, key, &out)
                                 : encode_h264(v->encoder, p, key, &out);
    if (r >= 0 && out.len > 0) sender_send(v->s, out.data, out.len, captured, out.is_key);
    return r;
}

void send_pattern(struct sender *s)
{
    const struct sources *from = s->from;
    struct picture p = {0};
    struct video v;
    sotto_us start = sotto_now(), at = start;
    int r = video_begin(&v, s, from->width, from->height, from->fps);
    if (r >= 0) r = picture_init(&p, from->width, from->height);
    for (int64_t i = 0; r >= 0 && sender_wait(s, at); i++, at = start + i * 1000000 / from->fps) {
        sotto_us now = sotto_now();
        if (now - at > SENDER_LATE_US) { /* the machine slept, or is too slow */
            start = now;
            i = 0;
        }
        pattern_draw(&p, wall_us() / 1000);
        r = video_send(&v, &p, now);
    }
    if (r < 0) sender_complain(s, "the pattern cannot be encoded", r);
    picture_free(&p);
    video_end(&v);
}

static int next_picture(struct sender *s, struct video *v, struct picture *p,
                        struct camera_frame *f)
{
    if (!camera_is_h264(s->from->camera)) {
        camera_picture(f, p);
        return video_send(v, p, f->at);
    }
    if (atomic_exchange(&s->need_key, false)) camera_need_key(s->from->camera);
    sender_send(s, f->data, f->len, f->at, f->is_key);
    return 0;
}

void send_camera(struct sender *s)
{
    struct camera *c = s->from->camera;
    struct camera_frame f = {0};
    struct picture p = {0};
    struct video v = {.s = s};
    int r = 0;
    camera_size(c, &p.width, &p.height);
    if (!camera_is_h264(c)) r = video_begin(&v, s, p.width, p.height, s->from->fps);
    camera_need_key(c); /* for this one that joins */
    while (r >= 0 && sender_wait(s, 0)) {
        r = camera_next(c, &f, 100000);
        if (r == 1) r = next_picture(s, &v, &p, &f);
    }
    if (r < 0) sender_complain(s, "the camera", r);
    if (v.encoder) video_end(&v);
    camera_frame_free(&f);
}

/* --- audio ---------------------------------------------------------------------------------------------------------- */

/* A frame is sent when its last sample would have come from a microphone; its capture time is that of its first. */
void send_sound(struct sender *s)
{
    sotto_opus_config cfg = {
        .size = sizeof cfg, .bps = (int32_t)SENDER_AUDIO_BPS, .application = SOTTO_OPUS_MUSIC};
    sotto_opus_encoder *e = NULL;
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    int16_t pcm[960];
    sotto_us at = sotto_now();
    int64_t to_wall = wall_us() - at;
    unsigned loss = 0;
    int r = sotto_opus_encoder_new(&cfg, &e);
    while (r >= 0 && sender_wait(s, at + 20000)) {
        sotto_us now = sotto_now();
        if (now - at > SENDER_LATE_US) at = now - 20000;
        if (loss != atomic_load(&s->loss_ppm)) {
            loss = atomic_load(&s->loss_ppm);
            r = sotto_opus_encoder_set_loss(e, loss / 1e6);
        }
        pattern_sound(pcm, 960, at + to_wall);
        if (r >= 0) r = sotto_opus_encode(e, pcm, 960, packet, sizeof packet);
        if (r > 0) sender_send(s, packet, (size_t)r, at, false);
        at += 20000;
    }
    if (r < 0) sender_complain(s, "the sound cannot be encoded", r);
    sotto_opus_encoder_free(e);
}

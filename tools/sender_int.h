/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_SENDER_INT_H
#define SOTTO_TOOLS_SENDER_INT_H
/* The parts of a sender: its thread and clock (sender.c), what it sends (send_pattern.c, send_file.c). */
#include "sender.h"

#include <pthread.h>
#include <stdatomic.h>

#define SENDER_BPS 800000u      /* of video, until the library says more */
#define SENDER_MIN_BPS 100000u  /* below it pictures are no use */
#define SENDER_MAX_BPS 2500000u /* more does not make them better */
#define SENDER_AUDIO_BPS 48000u
#define SENDER_LATE_US 500000 /* who is later than that begins his time anew */

enum codec_choice { CODEC_NONE, CODEC_VP8, CODEC_H264, CODEC_OPUS, CODEC_OF_FILE };

struct sender {
    const struct sources *from;
    sotto_transceiver *t;
    int32_t kind;
    enum codec_choice codec;
    int32_t payload_type;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;              /* under the lock */
    atomic_bool need_key;
    atomic_ullong bps;      /* of the encoder; UINT64_MAX: was not said yet */
    atomic_uint loss_ppm;
    bool complained;        /* of a frame that was refused */
};

bool sender_wait(struct sender *s, sotto_us until); /* false: stop */
/* One frame to the library. What it cannot take now is dropped: it asks for a key frame when it can. */
void sender_send(struct sender *s, const uint8_t *data, size_t len, sotto_us captured, bool is_key);
void sender_complain(struct sender *s, const char *what, int code);

/* The threads' work, until sender_wait says stop. */
void send_pattern(struct sender *s);
void send_sound(struct sender *s);
void send_file(struct sender *s);
void send_camera(struct sender *s);

/* Pictures of a size through the encoder of the codec that was chosen; shared by pattern and camera. */
struct video {
    struct sender *s;
    struct encoder *encoder;
    uint32_t bps; /* as set */
};
int video_begin(struct video *v, struct sender *s, int32_t width, int32_t height, int32_t fps);
int video_send(struct video *v, const struct picture *p, sotto_us captured);
void video_end(struct video *v);

#endif

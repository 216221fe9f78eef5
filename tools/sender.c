/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of one track that `sotto demo` sends: picks a codec from what was negotiated, waits for the time of each frame, gives it to
 * the library. What is in the frames comes from send_pattern.c, send_file.c and camera.c.
 */
#include "sender_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "camera.h"

/* --- sources -------------------------------------------------------------------------------------------------------- */

static int map(struct source_file *f, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r = -1;
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        if (S_ISREG(st.st_mode) && st.st_size > 0) {
            void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
            f->data = p == MAP_FAILED ? NULL : p;
            f->n = (size_t)st.st_size;
            f->path = path;
            r = f->data ? 0 : -1;
        } else {
            errno = EINVAL;
        }
    }
    if (r < 0) fprintf(stderr, "sotto: %s: %s\n", path, strerror(errno));
    if (fd >= 0) close(fd);
    return r;
}

int sources_add_file(struct sources *s, const char *path)
{
    struct source_file f = {0}, *to;
    struct media_reader reader;
    struct media_unit unit;
    int r;
    if (map(&f, path) < 0) return SOTTO_E_SYS;
    r = media_reader_init(&reader, f.data, f.n);
    to = reader.kind == SOTTO_AUDIO ? &s->audio : &s->video;
    if (r == 0) r = media_reader_next(&reader, &unit);
    if (r <= 0) fprintf(stderr, "sotto: %s: %s\n", path, r < 0 ? reader.why : "it holds no media");
    media_reader_free(&reader);
    if (r == 1 && to->path)
        fprintf(stderr, "sotto: %s: there is a file of that kind already\n", path);
    if (r == 1 && !to->path) {
        *to = f;
        return 0;
    }
    munmap((void *)(uintptr_t)f.data, f.n);
    return r < 0 ? r : SOTTO_E_SYNTAX;
}

void sources_free(struct sources *s)
{
    if (s->audio.path) munmap((void *)(uintptr_t)s->audio.data, s->audio.n);
    if (s->video.path) munmap((void *)(uintptr_t)s->video.data, s->video.n);
    camera_close(s->camera);
    memset(s, 0, sizeof *s);
}

/* --- the codec ------------------------------------------------------------------------------------------------------- */

/* Whether OpenH264, a baseline encoder that makes slices of any size, can send what the remote calls this. */
static bool takes_baseline(const sotto_codec *c)
{
    return strstr(c->fmtp, "profile-level-id=42") && strstr(c->fmtp, "packetization-mode=1");
}

static enum codec_choice fits(const struct sender *s, const sotto_codec *c, const char *mime)
{
    if (mime) return strcasecmp(c->mime, mime) == 0 ? CODEC_OF_FILE : CODEC_NONE;
    if (strcasecmp(c->mime, "audio/opus") == 0) return CODEC_OPUS;
    if (strcasecmp(c->mime, "video/VP8") == 0 && !camera_is_h264(s->from->camera)) return CODEC_VP8;
    return strcasecmp(c->mime, "video/H264") == 0 && takes_baseline(c) ? CODEC_H264 : CODEC_NONE;
}

/* The first of what was negotiated that can be sent: the remote's favourite. */
static int choose(struct sender *s)
{
    const struct source_file *f = s->kind == SOTTO_AUDIO ? &s->from->audio : &s->from->video;
    struct media_reader reader = {0};
    sotto_codecs *all = NULL;
    int r = 0;
    if (f->path) r = media_reader_init(&reader, f->data, f->n);
    if (r >= 0) r = sotto_transceiver_codec(s->t, &all);
    for (size_t i = 0; r >= 0 && i < all->n && s->codec == CODEC_NONE; i++) {
        s->codec = fits(s, &all->items[i], reader.mime);
        s->payload_type = all->items[i].payload_type;
    }
    if (r >= 0 && s->codec == CODEC_NONE) r = SOTTO_E_UNSUPPORTED;
    sotto_free(all);
    media_reader_free(&reader);
    return r;
}

/* --- the thread ------------------------------------------------------------------------------------------------------ */

static void *run(void *arg)
{
    struct sender *s = arg;
    if (s->codec == CODEC_OF_FILE)
        send_file(s);
    else if (s->kind == SOTTO_AUDIO)
        send_sound(s);
    else if (s->from->camera)
        send_camera(s);
    else
        send_pattern(s);
    return NULL;
}

static int start_thread(struct sender *s)
{
    pthread_condattr_t monotonic;
    int r;
    pthread_mutex_init(&s->lock, NULL); /* with these attributes neither of them can fail in glibc and musl */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r = pthread_create(&s->thread, NULL, run, s);
    if (r == 0) return 0;
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    return SOTTO_E_SYS;
}

int sender_start(const struct sources *from, sotto_transceiver *t, struct sender **ret)
{
    struct sender *s = calloc(1, sizeof *s);
    int r;
    if (!s) return SOTTO_E_NOMEM;
    s->from = from;
    s->t = t;
    s->kind = sotto_transceiver_kind(t);
    atomic_init(&s->bps, UINT64_MAX);
    r = choose(s);
    if (r >= 0) r = start_thread(s);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void sender_stop(struct sender *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

sotto_transceiver *sender_transceiver(const struct sender *s)
{
    return s->t;
}

void sender_need_key(struct sender *s)
{
    atomic_store(&s->need_key, true);
}

void sender_set_bitrate(struct sender *s, uint64_t bps, double loss)
{
    atomic_store(&s->bps, bps);
    if (loss >= 0 && loss <= 1) atomic_store(&s->loss_ppm, (unsigned)(loss * 1e6));
}

bool sender_wait(struct sender *s, sotto_us until)
{
    struct timespec at = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    bool stop;
    pthread_mutex_lock(&s->lock);
    while (!s->stop && sotto_now() < until) pthread_cond_timedwait(&s->wake, &s->lock, &at);
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !stop;
}

void sender_complain(struct sender *s, const char *what, int code)
{
    if (!s->complained) fprintf(stderr, "sotto: %s: %s\n", what, sotto_strerror(code));
    s->complained = true;
}

void sender_send(struct sender *s, const uint8_t *data, size_t len, sotto_us captured, bool is_key)
{
    sotto_frame f = {.size = sizeof f,
                     .data = data,
                     .len = len,
                     .time_kind = SOTTO_TIME_CAPTURE,
                     .capture_us = captured,
                     .is_key = is_key,
                     .payload_kind = 1,
                     .payload_type = s->payload_type};
    int r = sotto_transceiver_send_frame(s->t, &f);
    if (r < 0 && r != SOTTO_E_STATE && r != SOTTO_E_AGAIN && r != SOTTO_E_CLOSED)
        sender_complain(s, "a frame was refused", r);
}

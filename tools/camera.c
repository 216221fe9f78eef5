/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A camera by V4L2 (the kernel's interface for video capture), with buffers that are mapped. A thread takes each frame, brings raw ones to
 * I420, and puts it into a ring from which the senders copy: who is slow loses frames, and nobody waits for him.
 */
#include "camera.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFERS 4
#define RING 8
#define MAX_UNIT (2u * 1024 * 1024) /* bytes of an access unit */

struct camera {
    const char *device;
    int fd, stop; /* stop: an eventfd */
    uint32_t format;
    int32_t width, height;
    size_t stride;
    struct {
        uint8_t *p;
        size_t n;
    } buffers[BUFFERS];
    unsigned n_buffers;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t came;
    struct camera_frame ring[RING]; /* frame n is in ring[n % RING] */
    uint64_t newest, newest_key;    /* 0: none */
    bool is_gone;
};

static int control(int fd, unsigned long request, void *arg)
{
    int r;
    do r = ioctl(fd, request, arg);
    while (r < 0 && errno == EINTR);
    return r;
}

static int failed(const struct camera *c, const char *what)
{
    fprintf(stderr, "sotto: %s: %s: %s\n", c->device, what, strerror(errno));
    return SOTTO_E_SYS;
}

/* --- set-up --------------------------------------------------------------------------------------------------------- */

static int set_format(struct camera *c, int32_t width, int32_t height)
{
    struct v4l2_format f = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    uint32_t formats[64];
    size_t n = 0;
    for (; n < 64; n++) {
        struct v4l2_fmtdesc d = {.index = (uint32_t)n, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
        if (control(c->fd, VIDIOC_ENUM_FMT, &d) < 0) break;
        formats[n] = d.pixelformat;
    }
    c->format = camera_choose(formats, n);
    errno = ENOTSUP;
    if (c->format == 0) return failed(c, "it has none of I420, NV12, YUYV and H.264");
    f.fmt.pix.width = (uint32_t)width;
    f.fmt.pix.height = (uint32_t)height;
    f.fmt.pix.pixelformat = c->format;
    f.fmt.pix.field = V4L2_FIELD_NONE;
    if (control(c->fd, VIDIOC_S_FMT, &f) < 0) return failed(c, "format");
    errno = ENOTSUP;
    if (f.fmt.pix.pixelformat != c->format || f.fmt.pix.width < PICTURE_MIN ||
        f.fmt.pix.width > PICTURE_MAX || f.fmt.pix.height < PICTURE_MIN / 2 ||
        f.fmt.pix.height > PICTURE_MAX)
        return failed(c, "it wants another format or size");
    c->width = (int32_t)(f.fmt.pix.width & ~1u); /* an odd column or row is left out */
    c->height = (int32_t)(f.fmt.pix.height & ~1u);
    c->stride = f.fmt.pix.bytesperline;
    return 0;
}

static void set_rate(const struct camera *c, int32_t fps)
{
    struct v4l2_streamparm p = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    p.parm.capture.timeperframe.numerator = 1;
    p.parm.capture.timeperframe.denominator = (uint32_t)fps;
    control(c->fd, VIDIOC_S_PARM, &p); /* a wish: drivers without it have one rate */
}

static int map_buffers(struct camera *c)
{
    struct v4l2_requestbuffers want = {
        .count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (control(c->fd, VIDIOC_REQBUFS, &want) < 0) return failed(c, "buffers");
    for (unsigned i = 0; i < want.count && i < BUFFERS; i++) {
        struct v4l2_buffer b = {
            .index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
        void *p;
        if (control(c->fd, VIDIOC_QUERYBUF, &b) < 0) return failed(c, "a buffer");
        p = mmap(NULL, b.length, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, (off_t)b.m.offset);
        if (p == MAP_FAILED) return failed(c, "a buffer");
        c->buffers[i].p = p;
        c->buffers[i].n = b.length;
        c->n_buffers = i + 1;
        if (control(c->fd, VIDIOC_QBUF, &b) < 0) return failed(c, "a buffer");
    }
    return control(c->fd, VIDIOC_STREAMON, &type) < 0 ? failed(c, "start") : 0;
}

/* --- the thread ----------------------------------------------------------------------------------------------------- */

static bool grow(struct camera_frame *f, size_t n)
{
    uint8_t *p = n > f->cap ? realloc(f->data, n) : f->data;
    if (!p) return false;
    if (n > f->cap) f->cap = n;
    f->data = p;
    f->len = n;
    return true;
}

/* One frame from the driver's buffer into the ring. */
static void take(struct camera *c, const uint8_t *p, size_t n, sotto_us at)
{
    struct camera_frame *f;
    bool ok;
    pthread_mutex_lock(&c->lock);
    f = &c->ring[(c->newest + 1) % RING];
    if (c->format == V4L2_PIX_FMT_H264) {
        ok = n > 0 && n <= MAX_UNIT && grow(f, n);
        if (ok) memcpy(f->data, p, n);
        f->is_key = ok && camera_has_key(p, n);
    } else {
        struct picture to = {.width = c->width, .height = c->height};
        ok = grow(f, picture_bytes(&to));
        if (ok) camera_picture(f, &to);
        ok = ok && camera_to_i420(c->format, p, n, c->stride, &to);
        f->is_key = true;
    }
    if (ok) {
        f->at = at;
        f->number = ++c->newest;
        if (f->is_key) c->newest_key = c->newest;
        pthread_cond_broadcast(&c->came);
    }
    pthread_mutex_unlock(&c->lock);
}

/* False: the camera is gone. */
static bool turn(struct camera *c)
{
    struct v4l2_buffer b = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    bool is_monotonic;
    sotto_us at;
    if (control(c->fd, VIDIOC_DQBUF, &b) < 0) return errno == EAGAIN || errno == EIO;
    if (b.index >= c->n_buffers) return false;
    is_monotonic = (b.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    at = is_monotonic ? (sotto_us)b.timestamp.tv_sec * 1000000 + b.timestamp.tv_usec : sotto_now();
    if (!(b.flags & V4L2_BUF_FLAG_ERROR) && b.bytesused <= c->buffers[b.index].n)
        take(c, c->buffers[b.index].p, b.bytesused, at);
    return control(c->fd, VIDIOC_QBUF, &b) == 0;
}

static void *run(void *arg)
{
    struct camera *c = arg;
    struct pollfd fds[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->stop, .events = POLLIN}};
    bool goes_on = true;
    while (goes_on) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
        if (fds[1].revents) return NULL;
        if (fds[0].revents) goes_on = !(fds[0].revents & POLLHUP) && turn(c);
    }
    fprintf(stderr, "sotto: %s: the camera is gone\n", c->device);
    pthread_mutex_lock(&c->lock);
    c->is_gone = true;
    pthread_cond_broadcast(&c->came);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

int camera_open(const char *device, int32_t width, int32_t height, int32_t fps, struct camera **ret)
{
    struct camera *c = calloc(1, sizeof *c);
    struct v4l2_capability cap = {0};
    pthread_condattr_t monotonic;
    uint32_t can;
    int r = 0;
    if (!c) return SOTTO_E_NOMEM;
    c->device = device;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->came, &monotonic);
    pthread_condattr_destroy(&monotonic);
    c->stop = eventfd(0, EFD_CLOEXEC);
    c->fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (c->fd < 0 || c->stop < 0) r = failed(c, "open");
    if (r == 0 && control(c->fd, VIDIOC_QUERYCAP, &cap) < 0) r = failed(c, "no camera");
    can = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;
    errno = ENOTSUP;
    if (r == 0 && (!(can & V4L2_CAP_VIDEO_CAPTURE) || !(can & V4L2_CAP_STREAMING)))
        r = failed(c, "it does not capture by mapped buffers");
    if (r == 0) r = set_format(c, width, height);
    if (r == 0) set_rate(c, fps);
    if (r == 0) r = map_buffers(c);
    if (r == 0) c->has_thread = (errno = pthread_create(&c->thread, NULL, run, c)) == 0;
    if (r == 0 && !c->has_thread) r = failed(c, "a thread");
    if (r < 0)
        camera_close(c);
    else
        *ret = c;
    return r;
}

void camera_close(struct camera *c)
{
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (!c) return;
    if (c->has_thread && eventfd_write(c->stop, 1) == 0) pthread_join(c->thread, NULL);
    if (c->n_buffers > 0) control(c->fd, VIDIOC_STREAMOFF, &type);
    for (unsigned i = 0; i < c->n_buffers; i++) munmap(c->buffers[i].p, c->buffers[i].n);
    for (int i = 0; i < RING; i++) free(c->ring[i].data);
    if (c->fd >= 0) close(c->fd);
    if (c->stop >= 0) close(c->stop);
    pthread_cond_destroy(&c->came);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* --- what senders take ---------------------------------------------------------------------------------------------- */

bool camera_is_h264(const struct camera *c)
{
    return c && c->format == V4L2_PIX_FMT_H264;
}

void camera_size(const struct camera *c, int32_t *width, int32_t *height)
{
    *width = c->width;
    *height = c->height;
}

void camera_need_key(struct camera *c)
{
    struct v4l2_control key = {.id = V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME};
    if (camera_is_h264(c)) control(c->fd, VIDIOC_S_CTRL, &key); /* who cannot do it sends key frames at times anyway */
}

/* The number of the frame that comes next for one who has `last`; 0: it has not come. Under the lock. */
static uint64_t next_number(const struct camera *c, uint64_t last)
{
    if (c->newest == last) return 0;
    if (c->format != V4L2_PIX_FMT_H264) return c->newest; /* pictures: the newest */
    if (last > 0 && c->newest - last < RING) return last + 1;
    return c->newest_key > last && c->newest - c->newest_key < RING ? c->newest_key : 0;
}

int camera_next(struct camera *c, struct camera_frame *f, sotto_us wait_us)
{
    sotto_us until = sotto_now() + wait_us;
    struct timespec at = {.tv_sec = (time_t)(until / 1000000),
                          .tv_nsec = (long)(until % 1000000 * 1000)};
    uint64_t number;
    int r = 0;
    pthread_mutex_lock(&c->lock);
    while ((number = next_number(c, f->number)) == 0 && !c->is_gone && r == 0)
        r = pthread_cond_timedwait(&c->came, &c->lock, &at);
    if (number > 0) {
        const struct camera_frame *from = &c->ring[number % RING];
        r = grow(f, from->len) ? 1 : SOTTO_E_NOMEM;
        if (r == 1) memcpy(f->data, from->data, from->len);
        f->at = from->at;
        f->is_key = from->is_key;
        f->number = number;
    } else {
        r = c->is_gone ? SOTTO_E_NETWORK : 0;
    }
    pthread_mutex_unlock(&c->lock);
    return r;
}

void camera_picture(const struct camera_frame *f, struct picture *p)
{
    p->y = f->data;
    p->u = f->data + (size_t)p->width * (size_t)p->height;
    p->v = p->u + (size_t)p->width * (size_t)p->height / 4;
}

void camera_frame_free(struct camera_frame *f)
{
    free(f->data);
    memset(f, 0, sizeof *f);
}

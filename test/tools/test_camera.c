/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cameras without a camera: open, ioctl, mmap and munmap of camera.c lead to a V4L2 device that is played here (linked with --wrap), so
 * that set-up, the ring and what senders get of it are seen; the formats are looked at for themselves.
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "camera.h"
#include "cmocka_all.h"

#define WIDTH 160
#define HEIGHT 90
#define STRIDE (2 * WIDTH + 16)
#define BUFFER (STRIDE * HEIGHT)

int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *p, size_t n);
void *__real_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *p, size_t n);

/* The device: one thread, the camera's, takes from it; frames wait in the buffers in order. */
static struct {
    int fd; /* counts the frames that wait */
    uint32_t formats[4], chosen, capabilities;
    uint8_t buffers[4][BUFFER];
    uint32_t used[4], next; /* bytes in each; the one that is taken next */
    atomic_int keys, queued, is_gone;
} device;

int __wrap_open(const char *path, int flags, ...)
{
    (void)flags;
    errno = ENOENT;
    return strcmp(path, "/dev/played") == 0 ? dup(device.fd) : -1;
}

static int take(struct v4l2_buffer *b)
{
    uint64_t n;
    errno = ENODEV;
    if (atomic_load(&device.is_gone)) return -1;
    if (read(device.fd, &n, sizeof n) != sizeof n) return -1;
    b->index = device.next++ % 4;
    b->bytesused = device.used[b->index];
    b->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    b->timestamp.tv_sec = 7;
    b->timestamp.tv_usec = 500 + (suseconds_t)b->index;
    return 0;
}

static int on_format(struct v4l2_format *f)
{
    device.chosen = f->fmt.pix.pixelformat;
    f->fmt.pix.width = WIDTH;
    f->fmt.pix.height = HEIGHT;
    f->fmt.pix.bytesperline = STRIDE;
    return 0;
}

static int on_enum(struct v4l2_fmtdesc *d)
{
    errno = EINVAL;
    if (d->index >= 4 || device.formats[d->index] == 0) return -1;
    d->pixelformat = device.formats[d->index];
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *arg = va_arg(list, void *);
    va_end(list);
    (void)fd;
    switch (request) {
    case VIDIOC_QUERYCAP:
        ((struct v4l2_capability *)arg)->capabilities = device.capabilities;
        return 0;
    case VIDIOC_ENUM_FMT: return on_enum(arg);
    case VIDIOC_S_FMT: return on_format(arg);
    case VIDIOC_REQBUFS: ((struct v4l2_requestbuffers *)arg)->count = 4; return 0;
    case VIDIOC_QUERYBUF:
        ((struct v4l2_buffer *)arg)->length = BUFFER;
        ((struct v4l2_buffer *)arg)->m.offset = ((struct v4l2_buffer *)arg)->index * 65536;
        return 0;
    case VIDIOC_QBUF: atomic_fetch_add(&device.queued, 1); return 0;
    case VIDIOC_DQBUF: return take(arg);
    case VIDIOC_S_CTRL: atomic_fetch_add(&device.keys, 1); return 0;
    default: return 0; /* STREAMON, STREAMOFF, S_PARM */
    }
}

void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    if (fd < 0) return __real_mmap(at, n, protection, flags, fd, offset);
    return device.buffers[offset / 65536];
}

int __wrap_munmap(void *p, size_t n)
{
    bool is_ours = (uint8_t *)p >= device.buffers[0] && (uint8_t *)p < device.buffers[3] + BUFFER;
    return is_ours ? 0 : __real_munmap(p, n);
}

static void start(uint32_t format)
{
    memset(&device, 0, sizeof device);
    device.fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    device.formats[0] = format;
    device.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
}

/* One frame of n bytes that are all `fill`; waits until the camera took it. */
static void give(uint32_t number, uint8_t fill, uint32_t n)
{
    int queued = atomic_load(&device.queued);
    memset(device.buffers[number % 4], fill, n);
    device.used[number % 4] = n;
    assert_int_equal(eventfd_write(device.fd, 1), 0);
    while (atomic_load(&device.queued) == queued) sched_yield();
}

/* An access unit: a slice of a key frame or of another, and its number. */
static void give_unit(uint32_t number, bool is_key)
{
    const uint8_t unit[] = {0, 0, 0, 1, is_key ? 0x65 : 0x41, 0x88, (uint8_t)number};
    int queued = atomic_load(&device.queued);
    memcpy(device.buffers[number % 4], unit, sizeof unit);
    device.used[number % 4] = sizeof unit;
    assert_int_equal(eventfd_write(device.fd, 1), 0);
    while (atomic_load(&device.queued) == queued) sched_yield();
}

/* --- formats -------------------------------------------------------------------------------------------------------- */

static void raw_formats_go_before_h264(void **state)
{
    static const uint32_t lists[][3] = {{V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_H264, V4L2_PIX_FMT_YUYV},
                                        {V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420},
                                        {V4L2_PIX_FMT_H264, V4L2_PIX_FMT_MJPEG, 0},
                                        {V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_RGB24, 0}};
    static const uint32_t want[] = {V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_H264, 0};
    (void)state;
    for (size_t i = 0; i < 4; i++) assert_int_equal(camera_choose(lists[i], 3), want[i]);
    assert_int_equal(camera_choose(NULL, 0), 0);
}

/* The pixel at (x, y) has brightness 10 y + x; each pair of columns of an even row has its own colours. */
static void raw_pictures_become_i420(void **state)
{
    enum { W = 160, H = 80, S = 340 };
    static uint8_t yuyv[S * H], nv12[S * H * 3 / 2], i420[S * H * 3 / 2];
    struct picture p = {0};
    (void)state;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            uint8_t luma = (uint8_t)(10 * y + x), u = (uint8_t)(x / 2 + y / 2),
                    v = (uint8_t)(x / 2 * 3 + y / 2);
            yuyv[y * S + 2 * x] = nv12[y * S + x] = i420[y * S + x] = luma;
            yuyv[y * S + 2 * x + 1] = x % 2 ? v : u;
            nv12[S * H + y / 2 * S + x] = x % 2 ? v : u;
            i420[S * H + y / 2 * (S / 2) + x / 2] = u;
            i420[S * H + S / 2 * (H / 2) + y / 2 * (S / 2) + x / 2] = v;
        }
    assert_int_equal(picture_init(&p, W, H), 0);
    const struct {
        uint32_t format;
        const uint8_t *data;
        size_t n;
    } table[] = {{V4L2_PIX_FMT_YUYV, yuyv, sizeof yuyv},
                 {V4L2_PIX_FMT_NV12, nv12, sizeof nv12},
                 {V4L2_PIX_FMT_YUV420, i420, sizeof i420}};
    for (size_t i = 0; i < 3; i++) {
        memset(p.y, 0, picture_bytes(&p));
        assert_true(camera_to_i420(table[i].format, table[i].data, table[i].n, S, &p));
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                assert_int_equal(p.y[y * W + x], (uint8_t)(10 * y + x));
                assert_int_equal(p.u[y / 2 * (W / 2) + x / 2], (uint8_t)(x / 2 + y / 2));
                assert_int_equal(p.v[y / 2 * (W / 2) + x / 2], (uint8_t)(x / 2 * 3 + y / 2));
            }
        assert_false(camera_to_i420(table[i].format, table[i].data, table[i].n - 1, S, &p));
        assert_false(camera_to_i420(table[i].format, table[i].data, table[i].n, W - 1, &p));
    }
    assert_false(camera_to_i420(V4L2_PIX_FMT_MJPEG, yuyv, sizeof yuyv, S, &p));
    picture_free(&p);
}

/* --- a device ------------------------------------------------------------------------------------------------------- */

static void a_raw_camera_gives_its_newest_picture(void **state)
{
    struct camera *c;
    struct camera_frame f = {0};
    struct picture p = {0};
    (void)state;
    start(V4L2_PIX_FMT_YUYV);
    assert_int_equal(camera_open("/dev/played", 640, 360, 30, &c), 0);
    assert_false(camera_is_h264(c));
    camera_size(c, &p.width, &p.height);
    assert_true(p.width == WIDTH && p.height == HEIGHT);
    assert_int_equal(camera_next(c, &f, 1000), 0);
    give(0, 50, BUFFER);
    give(1, 60, BUFFER);
    give(2, 70, 100); /* cut off: none */
    assert_int_equal(camera_next(c, &f, 1000000), 1);
    camera_picture(&f, &p);
    assert_int_equal(f.len, WIDTH * HEIGHT * 3 / 2);
    assert_true(p.y[0] == 60 && p.u[0] == 60 && p.v[WIDTH * HEIGHT / 4 - 1] == 60);
    assert_int_equal(f.at, 7000501);
    assert_int_equal(camera_next(c, &f, 1000), 0);
    camera_frame_free(&f);
    camera_close(c);
    close(device.fd);
}

static void a_slow_taker_of_h264_goes_on_with_a_key_frame(void **state)
{
    struct camera *c;
    struct camera_frame f = {0};
    (void)state;
    start(V4L2_PIX_FMT_H264);
    assert_int_equal(camera_open("/dev/played", 640, 360, 30, &c), 0);
    assert_true(camera_is_h264(c));
    give_unit(0, false); /* nobody can begin with it */
    assert_int_equal(camera_next(c, &f, 1000), 0);
    give_unit(1, true);
    give_unit(2, false);
    for (uint8_t i = 1; i <= 2; i++) {
        assert_int_equal(camera_next(c, &f, 1000000), 1);
        assert_int_equal(f.data[6], i);
        assert_int_equal(f.is_key, i == 1);
    }
    for (uint32_t i = 3; i < 20; i++) give_unit(i, i == 15);
    assert_int_equal(camera_next(c, &f, 1000000), 1);
    assert_int_equal(f.data[6], 15);
    assert_true(f.is_key);
    assert_int_equal(camera_next(c, &f, 1000000), 1);
    assert_int_equal(f.data[6], 16);
    camera_need_key(c);
    assert_int_equal(atomic_load(&device.keys), 1);
    camera_frame_free(&f);
    camera_close(c);
    close(device.fd);
}

static void a_camera_that_is_pulled_out_is_gone(void **state)
{
    struct camera *c;
    struct camera_frame f = {0};
    (void)state;
    start(V4L2_PIX_FMT_NV12);
    assert_int_equal(camera_open("/dev/played", 640, 360, 30, &c), 0);
    atomic_store(&device.is_gone, 1);
    assert_int_equal(eventfd_write(device.fd, 1), 0);
    assert_int_equal(camera_next(c, &f, 5000000), SOTTO_E_NETWORK);
    camera_close(c);
    close(device.fd);
}

static void what_is_no_camera_for_us_is_refused(void **state)
{
    struct camera *c;
    (void)state;
    start(V4L2_PIX_FMT_MJPEG);
    assert_int_equal(camera_open("/dev/played", 640, 360, 30, &c), SOTTO_E_SYS);
    device.formats[0] = V4L2_PIX_FMT_YUYV;
    device.capabilities = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
    assert_int_equal(camera_open("/dev/played", 640, 360, 30, &c), SOTTO_E_SYS);
    assert_int_equal(camera_open("/dev/none", 640, 360, 30, &c), SOTTO_E_SYS);
    camera_close(NULL);
    close(device.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_formats_go_before_h264),
        cmocka_unit_test(raw_pictures_become_i420),
        cmocka_unit_test(a_raw_camera_gives_its_newest_picture),
        cmocka_unit_test(a_slow_taker_of_h264_goes_on_with_a_key_frame),
        cmocka_unit_test(a_camera_that_is_pulled_out_is_gone),
        cmocka_unit_test(what_is_no_camera_for_us_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

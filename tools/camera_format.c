/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formats of cameras: which of them is taken, and how raw ones become I420. Pictures have an even width and height; rows may be
 * longer than the picture is wide.
 */
#include "camera.h"

#include <linux/videodev2.h>
#include <string.h>

uint32_t camera_choose(const uint32_t *formats, size_t n)
{
    static const uint32_t best[] = {V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUYV,
                                    V4L2_PIX_FMT_H264};
    for (size_t i = 0; i < sizeof best / sizeof *best; i++)
        for (size_t k = 0; k < n; k++)
            if (formats[k] == best[i]) return best[i];
    return 0;
}

static void copy_rows(uint8_t *to, size_t width, const uint8_t *from, size_t stride, size_t rows)
{
    for (size_t i = 0; i < rows; i++) memcpy(to + i * width, from + i * stride, width);
}

/* Two pixels in four bytes, Y U Y V; colour of every second row is left out. */
static void from_yuyv(const uint8_t *from, size_t stride, const struct picture *to)
{
    size_t w = (size_t)to->width, h = (size_t)to->height;
    for (size_t row = 0; row < h; row++) {
        const uint8_t *p = from + row * stride;
        uint8_t *y = to->y + row * w;
        for (size_t x = 0; x < w; x++) y[x] = p[2 * x];
        if (row % 2) continue;
        for (size_t x = 0; x < w / 2; x++) {
            to->u[row / 2 * (w / 2) + x] = p[4 * x + 1];
            to->v[row / 2 * (w / 2) + x] = p[4 * x + 3];
        }
    }
}

/* U and V in turn, in one plane behind the first. */
static void from_nv12(const uint8_t *from, size_t stride, const struct picture *to)
{
    size_t w = (size_t)to->width, h = (size_t)to->height;
    const uint8_t *colour = from + stride * h;
    copy_rows(to->y, w, from, stride, h);
    for (size_t row = 0; row < h / 2; row++)
        for (size_t x = 0; x < w / 2; x++) {
            to->u[row * (w / 2) + x] = colour[row * stride + 2 * x];
            to->v[row * (w / 2) + x] = colour[row * stride + 2 * x + 1];
        }
}

bool camera_to_i420(uint32_t format, const uint8_t *from, size_t n, size_t stride,
                    const struct picture *to)
{
    size_t w = (size_t)to->width, h = (size_t)to->height;
    bool is_packed = format == V4L2_PIX_FMT_YUYV;
    size_t bytes = is_packed ? stride * h : stride * h * 3 / 2;
    if (stride < (is_packed ? 2 * w : w) || n < bytes) return false;
    if (is_packed) {
        from_yuyv(from, stride, to);
    } else if (format == V4L2_PIX_FMT_NV12) {
        from_nv12(from, stride, to);
    } else if (format == V4L2_PIX_FMT_YUV420) {
        copy_rows(to->y, w, from, stride, h);
        copy_rows(to->u, w / 2, from + stride * h, stride / 2, h / 2);
        copy_rows(to->v, w / 2, from + stride * h + stride / 2 * (h / 2), stride / 2, h / 2);
    } else {
        return false;
    }
    return true;
}

bool camera_has_key(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 3 < n; i++)
        if (p[i] == 0 && p[i + 1] == 0 && p[i + 2] == 1 && (p[i + 3] & 0x1f) == 5) return true;
    return false;
}

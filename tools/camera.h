/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_CAMERA_H
#define SOTTO_TOOLS_CAMERA_H
/* A camera by V4L2: one thread reads it, any number of senders takes its frames. */
#include "media.h"

struct camera;

/* Raw pictures (I420, NV12, YUYV) before H.264: they can be encoded to what each browser wants, at the bitrate that its path bears.
 * Returns 0; or SOTTO_E_* with a sentence on standard error. */
int camera_open(const char *device, int32_t width, int32_t height, int32_t fps,
                struct camera **ret);
void camera_close(struct camera *c); /* nullable */
bool camera_is_h264(const struct camera *c); /* nullable */
void camera_size(const struct camera *c, int32_t *width, int32_t *height);
void camera_need_key(struct camera *c); /* H.264: asks the camera, if it can do that */

/* A frame, copied for one sender: an access unit, or a picture in I420. */
struct camera_frame {
    uint8_t *data; /* owned */
    size_t len, cap;
    sotto_us at;
    bool is_key;
    uint64_t number; /* of the frame; 0: none yet */
};
/* The next frame after the one in f; after a gap in H.264 the next key frame. 1; 0 none within `wait_us`; SOTTO_E_NETWORK the camera is
 * gone, SOTTO_E_NOMEM. */
int camera_next(struct camera *c, struct camera_frame *f, sotto_us wait_us);
void camera_picture(const struct camera_frame *f, struct picture *p); /* a view; p's size is the camera's */
void camera_frame_free(struct camera_frame *f);

/* camera_format.c: what needs no device. */

/* The best of these four-character codes of V4L2 for us; 0: none fits. */
uint32_t camera_choose(const uint32_t *formats, size_t n);
/* Rows of `stride` bytes to I420. False: `from` is shorter than that, or another format. */
bool camera_to_i420(uint32_t format, const uint8_t *from, size_t n, size_t stride,
                    const struct picture *to);
bool camera_has_key(const uint8_t *annex_b, size_t n);

#endif

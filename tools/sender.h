/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_SENDER_H
#define SOTTO_TOOLS_SENDER_H
/* What the calls of `sotto demo` send: a thread for each track, which makes or reads the frames and hands them to the library. */
#include "media.h"
#include "media_file.h"

/* Where sound and pictures come from, the same for all calls; filled before the first one, not changed afterwards. */
struct sources {
    int32_t width, height, fps; /* of the pattern, and asked of a camera */
    struct source_file {
        const char *path;    /* NULL: none */
        const uint8_t *data; /* the whole file, mapped */
        size_t n;
    } audio, video;
    struct camera *camera; /* NULL: none */
};

/* Map a file and put it where it belongs. Returns 0, or <0 with a sentence on standard error. */
int sources_add_file(struct sources *s, const char *path);
void sources_free(struct sources *s);

struct sender;
/* Begin to send: the transceiver is connected and its direction sends. s outlives the sender.
 * Returns 0, SOTTO_E_UNSUPPORTED nothing that was negotiated fits, or another SOTTO_E_*. */
int sender_start(const struct sources *s, sotto_transceiver *t, struct sender **ret);
void sender_stop(struct sender *s); /* waits for its thread: at most as long as one frame takes; nullable */
sotto_transceiver *sender_transceiver(const struct sender *s);
void sender_need_key(struct sender *s);
void sender_set_bitrate(struct sender *s, uint64_t bps, double loss);

#endif

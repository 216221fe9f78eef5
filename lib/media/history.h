/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_HISTORY_H
#define SOTTO_MEDIA_HISTORY_H
/* The packets of one outgoing encoding that left a moment ago, by sequence number, and the blocks of frames that hold them. Bounded by
 * number, bytes and age: SOTTO_HISTORY_*. */
#include "media/send.h"

struct sent_frame {
    struct node all;   /* in the history, oldest first */
    size_t n_packets, n_bytes;
    sotto_us at;
    bool has_dependency; /* values of the frame that the first packet carries */
    uint8_t dependency[SOTTO_MAX_DEPENDENCY];
    size_t n_dependency;
    sotto_us capture;
    uint8_t rotation, audio_level;
    bool has_level, voice;
    struct sent_packet packets[];
};

struct history;
int sotto__history_new(struct history **ret); /* 0, SOTTO_E_NOMEM */
void sotto__history_free(struct history *h, struct pacer *p);
/* Moves the block in; frames that are too old or too many go, out of the pacer too. */
void sotto__history_add(struct history *h, sotto_us now, struct sent_frame *f, struct pacer *p);
struct sent_packet *sotto__history_get(const struct history *h, uint16_t seq); /* NULL: not there any more */

#endif

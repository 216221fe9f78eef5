/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_HISTORY_H
#define SOTTO_MEDIA_HISTORY_H
/* The packets of one outgoing encoding that wait or left a moment ago, by sequence number, and the blocks of frames that hold them. Bounded
 * by number, bytes and age: SOTTO_HISTORY_*; what still waits for its first departure stays. */
#include "media/send.h"

struct sent_frame { /* one allocation: packets, then their bytes */
    struct node all;             /* in the history, oldest first */
    size_t n_packets, n_bytes;   /* bytes: of payload */
    size_t size;                 /* of the allocation */
    size_t unsent;               /* packets that wait in the pacer for the first time: the pacer counts */
    sotto_us at;                 /* made, or the last first departure */
    bool keep_out;               /* not to be sent again: telephone-event */
    sotto_us capture;
    bool has_level, voice, tells_rotation; /* values of the frame that its packets carry */
    uint8_t rotation, audio_level;
    size_t n_dependency;
    uint8_t dependency[SOTTO_MAX_DEPENDENCY];
    struct sent_packet packets[];
};

struct history {
    struct node frames; /* oldest first */
    size_t n_packets, n_bytes;
    struct node spares; /* blocks of packets that went, for those to come */
    size_t n_spares;
    size_t n_slots; /* a power of 2, at most SOTTO_HISTORY_PACKETS */
    struct sent_packet *slots[];
};

int sotto__history_new(struct history **ret, size_t n_slots); /* 0, SOTTO_E_NOMEM */
void sotto__history_free(struct history *h, struct pacer *p); /* packets that wait are taken out of the pacer; NULL is fine */
/* A block of at least that size, most often one that went; its size is set, nothing else. NULL: no memory. */
struct sent_frame *sotto__history_block(struct history *h, size_t size);
/* Moves the block in; frames that are too old or too many go, out of the pacer too. */
void sotto__history_add(struct history *h, sotto_us now, struct sent_frame *f, struct pacer *p);
/* A packet that has left. NULL: it has not, or it is not there any more. */
struct sent_packet *sotto__history_get(const struct history *h, sotto_us now, uint16_t seq);

#endif

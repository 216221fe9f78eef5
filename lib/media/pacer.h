/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_PACER_H
#define SOTTO_MEDIA_PACER_H
/*
 * When a packet of media may leave: audio at once, then retransmissions, then video at the times that its sender chose. One per
 * connection. It holds pointers into the senders' histories; what leaves is taken with next. The seat of congestion control: a rate that is
 * set caps all but audio. Every operation is O(1).
 */
#include "util/limits.h"
#include "util/list.h"
#include "util/time.h"

struct sent_packet; /* send.h */

enum pacer_class { PACER_AUDIO, PACER_REPAIR, PACER_VIDEO, PACER_CLASSES };

#define PACER_SLOT_US 2500     /* video leaves in bursts of that distance: fewer wake-ups, and batches for the kernel */
#define PACER_SLOTS 64u        /* bits of `used`; together 160 ms, senders look 40 ms ahead */
#define PACER_BURST_US 5000    /* a rate is kept over that time */
#define PACER_OVERHEAD 40u     /* counted beside each payload: header, a few extensions, SRTP tag */
#define PACER_REPAIR_BPS 40000000u /* retransmissions of one long loss do not leave as one burst */

struct pacer {
    struct node queues[PACER_CLASSES]; /* of sent_packet.queue; video: those whose time has come */
    struct node slots[PACER_SLOTS];    /* video of the next times, by time / PACER_SLOT_US modulo PACER_SLOTS */
    uint64_t used;                     /* slots that are not empty */
    int64_t slot;                      /* the first one that was not moved to the queue */
    size_t bytes[PACER_CLASSES], packets[PACER_CLASSES];
    uint64_t rate_bps;                 /* cap by congestion control; 0: none */
    sotto_us rate_at, repair_at;       /* until when what has left uses the rates up */
};

void sotto__pacer_init(struct pacer *p); /* it may not be moved from then on */
/* Whether a frame of n bytes fits below SOTTO_MAX_PACER_BYTES and _PACKETS: an empty queue takes any frame. */
bool sotto__pacer_takes(const struct pacer *p, enum pacer_class c, size_t n);
/* at: video is held until then, or a little less. Packets of one sender come with times that do not fall. */
void sotto__pacer_push(struct pacer *p, sotto_us now, enum pacer_class c, struct sent_packet *pkt,
                       sotto_us at);
void sotto__pacer_remove(struct pacer *p, struct sent_packet *pkt); /* fine if it is not in a queue */
/* The packet that may leave now, taken out of its queue; NULL: none. */
struct sent_packet *sotto__pacer_next(struct pacer *p, sotto_us now);
sotto_us sotto__pacer_due(const struct pacer *p); /* when next gives one; SOTTO_NEVER */
void sotto__pacer_set_rate(struct pacer *p, uint64_t bps);

#endif

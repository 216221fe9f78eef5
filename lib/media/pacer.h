/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_PACER_H
#define SOTTO_MEDIA_PACER_H
/*
 * When a packet of media may leave: audio at once, then retransmissions, then video, each frame spread over its interval. One per
 * connection. It holds pointers into the senders' histories; what leaves is taken with next. The seat of congestion control: a rate that is
 * set caps all but audio.
 */
#include "util/limits.h"
#include "util/list.h"
#include "util/time.h"

struct sent_packet; /* send.h */

enum pacer_class { PACER_AUDIO, PACER_REPAIR, PACER_VIDEO, PACER_CLASSES };

struct pacer {
    struct node queues[PACER_CLASSES]; /* of sent_packet.queue */
    size_t bytes[PACER_CLASSES], packets[PACER_CLASSES];
    uint64_t rate_bps; /* cap by congestion control; 0: none */
    sotto_us next_at;  /* when video or repair may leave again */
    uint64_t budget;   /* opaque */
};

void sotto__pacer_init(struct pacer *p);
/* Whether a frame of n bytes fits below SOTTO_MAX_PACER_BYTES: an empty queue takes any frame. */
bool sotto__pacer_takes(const struct pacer *p, enum pacer_class c, size_t n);
/* deadline: by when the whole of it should have left: the packets of a frame share theirs. */
void sotto__pacer_push(struct pacer *p, sotto_us now, enum pacer_class c, struct sent_packet *pkt,
                       sotto_us deadline);
void sotto__pacer_remove(struct pacer *p, struct sent_packet *pkt); /* fine if it is not in a queue */
/* The packet that may leave now, taken out of its queue; NULL: none. */
struct sent_packet *sotto__pacer_next(struct pacer *p, sotto_us now);
sotto_us sotto__pacer_due(const struct pacer *p);
void sotto__pacer_set_rate(struct pacer *p, uint64_t bps);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_ARRIVAL_H
#define SOTTO_MEDIA_ARRIVAL_H
/*
 * Transport-wide feedback, both ways (draft-holmer-rmcat-transport-wide-cc-extensions-01): which packets of the transport arrived when, and
 * what the remote says of ours.
 */
#include "util/limits.h"
#include "util/time.h"
#include "wire/twcc.h"

struct arrivals { /* of the remote's packets; allocated with its first */
    int64_t base, end; /* unwrapped numbers: base … end - 1 were not told yet */
    sotto_us *at;      /* ring of SOTTO_MAX_ARRIVALS; 0: not arrived */
    uint8_t count;     /* feedback packets so far */
    sotto_us next;     /* when to tell; SOTTO_NEVER: nothing to tell */
    sotto_us told, interval; /* the last time, and how long to wait after the first that is new */
};
void sotto__arrivals_free(struct arrivals *a);
void sotto__arrivals_packet(struct arrivals *a, sotto_us now, uint16_t seq); /* without memory: as if lost */
/* Appends one feedback packet of what is known; `next` is then `now` while there is more. false: there is nothing, or no room, which leaves
 * the writer good and `next` as it was. */
bool sotto__arrivals_write(struct arrivals *a, sotto_us now, uint32_t ssrc, uint32_t media_ssrc,
                           struct writer *w);

enum departure_state { DEPARTURE_UNTOLD, DEPARTURE_LOST, DEPARTURE_ARRIVED };

struct departures { /* of ours */
    int64_t next; /* number of the next packet */
    struct sent_size {
        sotto_us at, arrived; /* arrived: by the remote's clock, which began anywhere */
        uint16_t n;
        uint8_t state; /* DEPARTURE_… */
    } * ring;            /* SOTTO_MAX_DEPARTURES; NULL before the first */
    int64_t first, last; /* what the last feedback was about: for congestion control, with the ring */
    sotto_us base_time;  /* of the remote's clock, unwrapped */
    /* since the beginning */
    uint64_t acked_packets, acked_bytes, lost_packets;
    double loss;        /* smoothed, 0…1 */
    uint64_t acked_bps; /* over the last second or so */
    sotto_us window_at; /* of `now`: when the bytes below began to be told */
    uint64_t window_bytes;
    bool has_feedback;
};
void sotto__departures_free(struct departures *d);
uint16_t sotto__departures_packet(struct departures *d, sotto_us now, size_t n); /* gives the number for the packet */
/* false: it is about packets that were never sent, or too old: ignored. The same told again changes nothing. */
bool sotto__departures_feedback(struct departures *d, sotto_us now, const struct twcc *t);

#endif

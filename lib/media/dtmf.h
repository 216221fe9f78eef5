/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_DTMF_H
#define SOTTO_MEDIA_DTMF_H
/* Tones in time: RFC 4733 §2.5 and the queue of W3C RTCDTMFSender. */
#include "util/time.h"
#include "wire/payload.h"

#define DTMF_MAX_TONES 256u

enum dtmf_out_type { DTMF_OUT_TONE, DTMF_OUT_PACKET };
struct dtmf_out {
    enum dtmf_out_type type;
    char tone;          /* TONE: begins; 0: all were played */
    uint8_t payload[4]; /* PACKET */
    bool marker;        /* the first packet of a tone: take the RTP time of `began` and keep it until the next marker */
    sotto_us began;     /* PACKET: of the tone */
    uint32_t ahead;     /* PACKET: ticks to add to that RTP time: a tone too long for one duration goes on in segments */
};

struct dtmf; /* allocated */
int sotto__dtmf_new(struct dtmf **ret); /* 0, SOTTO_E_NOMEM */
void sotto__dtmf_free(struct dtmf *d);  /* NULL is fine */
/* Replaces what was queued and does not yet sound; "" stops. Durations as sotto_transceiver_insert_dtmf() has them. clock: of
 * telephone-event. 0, SOTTO_E_SYNTAX, SOTTO_E_RANGE; on an error nothing has changed. */
int sotto__dtmf_insert(struct dtmf *d, sotto_us now, const char *tones, int32_t duration_ms,
                       int32_t gap_ms, uint32_t clock);
int sotto__dtmf_next(struct dtmf *d, sotto_us now, struct dtmf_out *out); /* 1 filled, 0 nothing */
sotto_us sotto__dtmf_due(const struct dtmf *d);

#endif

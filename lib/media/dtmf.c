/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tones that are sent as telephone-events (RFC 4733): which tone when, by W3C RTCDTMFSender, and which packets it takes, by §2.5.1.
 * A text of tones comes in, the begin of each and its packets go out, by the five verbs. Knows no SSRC, sequence number or timestamp:
 * it says which moment a timestamp is of.
 */
#include "media/dtmf.h"

#include <string.h>

#include "util/mem.h"

/* RFC 4733 §2.5.1.2 lets updates come as often as audio packets do */
#define UPDATE SOTTO_MS(20)
#define PAUSE SOTTO_MS(2000) /* of a comma: W3C insertDTMF() */
enum { VOLUME = 10 };        /* -10 dBm0, as browsers */
enum { ENDS = 3 };           /* §2.5.1.4: the last packet of a tone is sent three times */
enum { MAX_TICKS = 0xffff }; /* that a packet can say */

enum phase {
    IDLE,
    STEP, /* the next tone of the queue begins when due */
    TONE, /* one sounds */
    END   /* it ended, and its last packet is repeated */
};

struct dtmf {
    enum phase phase;
    sotto_us due;
    char tones[DTMF_MAX_TONES];
    size_t at, n;
    sotto_us duration, gap; /* of tones that are yet to begin */
    uint32_t clock;
    struct {
        uint8_t event;
        sotto_us began, duration, gap, ended;
        uint32_t clock, ahead; /* as in dtmf_out */
        uint32_t ticks;        /* of the last segment, when it ended */
        bool told;             /* a packet was sent */
        int ends;              /* so often was the end */
    } now;
};

int sotto__dtmf_new(struct dtmf **ret)
{
    struct dtmf *d = sotto__calloc(1, sizeof *d);
    if (!d) return SOTTO_E_NOMEM;
    d->due = SOTTO_NEVER;
    *ret = d;
    return 0;
}

void sotto__dtmf_free(struct dtmf *d)
{
    sotto__free(d);
}

sotto_us sotto__dtmf_due(const struct dtmf *d)
{
    return d->due;
}

int sotto__dtmf_insert(struct dtmf *d, sotto_us now, const char *tones, int32_t duration_ms,
                       int32_t gap_ms, uint32_t clock)
{
    size_t n = strnlen(tones, DTMF_MAX_TONES + 1);
    if (duration_ms == 0) duration_ms = 100;
    if (gap_ms == 0) gap_ms = 70;
    for (size_t i = 0; i < n; i++)
        if (tones[i] != ',' && sotto__dtmf_event_of(tones[i]) < 0) return SOTTO_E_SYNTAX;
    if (n > DTMF_MAX_TONES || duration_ms < 40 || duration_ms > 6000 || gap_ms < 30 ||
        gap_ms > 6000 || clock == 0)
        return SOTTO_E_RANGE;
    for (size_t i = 0; i < n; i++)
        d->tones[i] = tones[i] >= 'a' && tones[i] <= 'd' ? (char)(tones[i] - 'a' + 'A') : tones[i];
    d->at = 0, d->n = n;
    d->duration = SOTTO_MS(duration_ms), d->gap = SOTTO_MS(gap_ms);
    d->clock = clock;
    if (d->phase == IDLE && n > 0) d->phase = STEP, d->due = now;
    return 0;
}

static void begin(struct dtmf *d, sotto_us now, char tone)
{
    memset(&d->now, 0, sizeof d->now);
    d->now.event = (uint8_t)sotto__dtmf_event_of(tone);
    d->now.began = now;
    d->now.duration = d->duration, d->now.gap = d->gap;
    d->now.clock = d->clock;
    d->phase = TONE;
    d->due = sotto__after(now, UPDATE);
}

/* W3C: the playout task. */
static void step(struct dtmf *d, sotto_us now, struct dtmf_out *out)
{
    out->type = DTMF_OUT_TONE;
    if (d->at == d->n) {
        d->phase = IDLE, d->due = SOTTO_NEVER;
        return;
    }
    out->tone = d->tones[d->at++];
    if (out->tone == ',') {
        d->due = sotto__after(now, PAUSE);
    } else {
        begin(d, now, out->tone);
    }
}

static void write_packet(struct dtmf *d, uint32_t ticks, bool end, struct dtmf_out *out)
{
    const struct dtmf_event e = {d->now.event, end, VOLUME, (uint16_t)ticks};
    out->type = DTMF_OUT_PACKET;
    sotto__dtmf_write(&e, out->payload);
    out->marker = !d->now.told;
    out->began = d->now.began;
    out->ahead = d->now.ahead;
    d->now.told = true;
}

/* All within the gap, as far from each other as it allows: what loses one of them should not lose all. */
static void tell_end(struct dtmf *d, sotto_us now, struct dtmf_out *out)
{
    write_packet(d, d->now.ticks, true, out);
    if (++d->now.ends < ENDS) {
        d->due = sotto__after(now, sotto__earlier(UPDATE, d->now.gap / ENDS));
    } else {
        d->phase = STEP;
        d->due = sotto__after(d->now.ended, d->now.gap);
    }
}

/* How long it sounded so far, or that it ended. A segment that is full is said to be, without the end bit, and the next one begins
 * where it ends: §2.5.1.3. */
static void tell(struct dtmf *d, sotto_us now, struct dtmf_out *out)
{
    sotto_us sounded = now - d->now.began;
    if (sounded > d->now.duration) sounded = d->now.duration;
    uint32_t ticks = (uint32_t)(sounded * d->now.clock / 1000000) - d->now.ahead;
    if (ticks > MAX_TICKS) {
        write_packet(d, MAX_TICKS, false, out);
        d->now.ahead += MAX_TICKS;
        return; /* still due */
    }
    sotto_us ends_at = d->now.began + d->now.duration;
    if (sounded < d->now.duration) {
        write_packet(d, ticks, false, out);
        d->due = sotto__earlier(sotto__after(now, UPDATE), ends_at);
    } else {
        d->phase = END;
        d->now.ended = now, d->now.ticks = ticks;
        tell_end(d, now, out);
    }
}

int sotto__dtmf_next(struct dtmf *d, sotto_us now, struct dtmf_out *out)
{
    if (now < d->due) return 0;
    *out = (struct dtmf_out){0};
    switch (d->phase) {
    case IDLE: return 0;
    case STEP: step(d, now, out); break;
    case TONE: tell(d, now, out); break;
    case END: tell_end(d, now, out); break;
    }
    return 1;
}

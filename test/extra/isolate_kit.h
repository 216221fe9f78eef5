/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_ISOLATE_KIT_H
#define TEST_ISOLATE_KIT_H
/* What the tests of isolated decoders share. */
#include "sotto/audio.h"

#define ISOLATE_TRIES 8    /* of a measure that the machine may spoil */
#define ISOLATE_PACKETS 50 /* a second of sound, again and again */

struct isolate_packet {
    size_t len;
    uint8_t data[SOTTO_OPUS_MAX_PACKET];
};

extern struct isolate_packet isolate_packets[ISOLATE_PACKETS];
void isolate_make_packets(void); /* a tone that any of them may follow */
struct isolate_packet isolate_evil(char what); /* 20 ms at which evil_opus.c does it */
double isolate_loudness(const int16_t *pcm, size_t n);
void isolate_sleep_until(sotto_us at);

#endif

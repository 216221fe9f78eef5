/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of a tone and of evil, how loud something is, and real time: what the tests of isolated decoders share. */
#include "isolate_kit.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct isolate_packet isolate_packets[ISOLATE_PACKETS];

/* A tone of 400 Hz, of which 20 ms are whole periods: any packet may follow any other. */
void isolate_make_packets(void)
{
    int16_t pcm[960];
    sotto_opus_encoder *e = NULL;
    sotto_opus_config c = {.size = sizeof c, .complexity_kind = 1, .complexity = 3};
    assert_int_equal(sotto_opus_encoder_new(&c, &e), 0);
    for (int i = 0; i < 960; i++) pcm[i] = (int16_t)(8000 * sin(2 * M_PI * 400 * i / 48000));
    for (int i = -5; i < ISOLATE_PACKETS; i++) {
        struct isolate_packet *p = &isolate_packets[i < 0 ? 0 : i];
        p->len = (size_t)sotto_opus_encode(e, pcm, 960, p->data, sizeof p->data);
    }
    sotto_opus_encoder_free(e);
}

/* One frame of 20 ms, and EVIL with the letter as its padding: RFC 6716 §3.2.5. */
struct isolate_packet isolate_evil(char what)
{
    struct isolate_packet p = {.len = 28, .data = {0x0b, 0x41, 5}};
    p.data[3] = 0x55;
    memcpy(p.data + 23, "EVIL", 4);
    p.data[27] = (uint8_t)what;
    return p;
}

double isolate_loudness(const int16_t *pcm, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)pcm[i] * pcm[i];
    return sqrt(sum / (double)n);
}

void isolate_sleep_until(sotto_us at)
{
    struct timespec t = {at / 1000000, at % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

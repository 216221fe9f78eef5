/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixed workloads whose instructions are counted (bench/instructions): work data | media | setup. Two peers over the virtual
 * network in virtual time, so that a run is the same on any day: what remains is the cryptography of random keys, below 1 %.
 * Counted is what happens inside bench_counted(); it is found by its name, so it must keep it.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 256, MESSAGE = 65536, FRAMES = 300, FRAME = 12000, PAIRS = 25 };

static uint8_t bytes[MESSAGE];

/* 16 MiB in messages of 64 KiB. */
static void data(struct bench_world *w)
{
    struct world_side *from = &w->side[0], *to = &w->side[1];
    sotto_us end = w->net->now + SOTTO_SECONDS(600);
    int sent = 0;
    while (to->messages < MESSAGES && w->net->now < end) {
        int r = 0;
        from->is_writable = false;
        sotto_ctx_batch(from->ctx, true);
        while (sent < MESSAGES && (r = sotto_dc_send(from->dc, bytes, sizeof bytes, false)) == 0)
            sent++;
        sotto_ctx_batch(from->ctx, false);
        if (r != SOTTO_E_AGAIN) bench_world_check(r, "send");
        do bench_world_step(w, end);
        while (!from->is_writable && to->messages < MESSAGES && w->net->now < end);
    }
    if (to->messages != MESSAGES) bench_world_check(SOTTO_E_NETWORK, "messages did not arrive");
}

/* 10 seconds of H.264, 30 key frames of 12 kB each second. */
static void media(struct bench_world *w)
{
    static const uint8_t head[] = {0,    0,    0,    1,    0x67, 0x42, 0xe0, 0x1f, 0xda,
                                   0x02, 0x80, 0xf6, 0x80, 0,    0,    0,    1,    0x68,
                                   0xce, 0x3c, 0x80, 0,    0,    0,    1,    0x65, 0x88};
    sotto_frame f = {
        .size = sizeof f, .data = bytes, .len = FRAME, .is_key = true, .payload_kind = 1};
    f.payload_type = bench_world_payload_type(w, "video/H264");
    for (size_t i = 0; i < FRAME; i++) bytes[i] = (uint8_t)(4 + i % 251);
    memcpy(bytes, head, sizeof head);
    for (int i = 0; i < FRAMES; i++) {
        bench_world_check(sotto_transceiver_send_frame(w->side[0].video, &f), "frame");
        bench_world_run(w, 33333);
    }
    bench_world_run(w, SOTTO_SECONDS(1));
    if (w->side[1].frames != FRAMES) bench_world_check(SOTTO_E_NETWORK, "frames did not arrive");
}

/* Connections made and closed, one pair after the other. */
static void setup(struct bench_world *w)
{
    for (int i = 0; i < PAIRS; i++) {
        bench_world_connect(w, false);
        bench_world_disconnect(w);
    }
}

static const struct work {
    const char *name;
    void (*run)(struct bench_world *w);
    bool connects, has_media; /* beforehand, which does not count */
    uint64_t units;
    const char *unit;
} works[] = {
    {"data", data, true, false, (uint64_t)MESSAGES *MESSAGE, "byte"},
    {"media", media, true, true, FRAMES, "frame"},
    {"setup", setup, false, false, PAIRS, "pair"},
};

void bench_counted(const struct work *k, struct bench_world *w);

__attribute__((noinline)) void bench_counted(const struct work *k, struct bench_world *w)
{
    k->run(w);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof works / sizeof *works; i++) {
        const struct work *k = &works[i];
        if (strcmp(argv[1], k->name) != 0) continue;
        struct bench_world *w = bench_world_new();
        bench_world_connect(w, k->has_media); /* also what is done once in a process */
        bench_world_run(w, SOTTO_SECONDS(2));
        if (!k->connects) bench_world_disconnect(w);
        bench_counted(k, w);
        bench_world_free(w);
        printf("R {\"work\":\"%s\",\"units\":%llu,\"unit\":\"%s\"}\n", k->name,
               (unsigned long long)k->units, k->unit);
        return 0;
    }
    fputs("usage: work data | media | setup\n", stderr);
    return 2;
}

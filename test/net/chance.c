/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lib/ and usrsctp draw by chance: libcrypto's RAND_bytes() and usrsctp's read_random(), which an executable may define for itself.
 * Here it follows from the seed of the network, so that a scenario goes the same way in each run: sequence numbers, names, the moments of
 * reports and heartbeats. What OpenSSL draws for keys stays random. Linked into scenario executables, fuzzers, and tests of modules that
 * draw. Threads may.
 */
#include <stdatomic.h>

#include "net.h"

#define STEP 0x9e3779b97f4a7c15u

int RAND_bytes(unsigned char *p, int n);
void read_random(void *p, size_t n);
static atomic_uint_least64_t drawn;

uint64_t net_random(uint64_t *state)
{
    uint64_t z = *state += STEP;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void net_chance_seed(uint64_t seed)
{
    atomic_store(&drawn, seed);
}

static void draw(uint8_t *p, size_t n)
{
    uint64_t state = atomic_fetch_add(&drawn, n * STEP);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(net_random(&state) >> 32);
}

int RAND_bytes(unsigned char *p, int n)
{
    draw(p, (size_t)n);
    return 1;
}

__attribute__((visibility("default"))) void read_random(void *p, size_t n)
{
    draw(p, n);
}

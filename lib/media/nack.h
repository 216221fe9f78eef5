/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_NACK_H
#define SOTTO_MEDIA_NACK_H
/*
 * Which packets are missing, and when to ask for each (again): after a moment for reordering, then each round trip with back-off, a bounded
 * number of times (RFC 4585 §6.2.1). Knows sequence numbers only.
 */
#include "util/limits.h"
#include "util/time.h"

struct nack_item {
    int64_t seq;
    sotto_us since, next; /* found missing; when to ask */
    uint8_t asked;
};

struct nack {
    struct nack_item items[SOTTO_MAX_NACKS]; /* ascending */
    size_t n;
    int64_t highest;     /* seen; < 0: none */
    sotto_us rtt;
    sotto_us reordering; /* seen: how long to wait before a gap is a loss */
};

void sotto__nack_init(struct nack *k);
/* A packet came, by whatever way. false: the gap before it is too large to be asked for: a key frame is cheaper. */
bool sotto__nack_packet(struct nack *k, sotto_us now, int64_t seq, bool is_repair);
void sotto__nack_forget(struct nack *k, int64_t below); /* they are not needed any more */
/* Those that are due now: how many, at most max. given_up: some were asked for as often as is allowed and did not come. */
size_t sotto__nack_next(struct nack *k, sotto_us now, uint16_t *seqs, size_t max, bool *given_up);
sotto_us sotto__nack_due(const struct nack *k);

#endif

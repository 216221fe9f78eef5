/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_NACK_H
#define SOTTO_MEDIA_NACK_H
/*
 * Which packets are missing, and when to ask for each (again): after a moment for reordering, then each round trip with back-off, a bounded
 * number of times (RFC 4585 §6.2.1). Knows unwrapped sequence numbers only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "util/limits.h"
#include "util/time.h"

#define NACK_MAX_ASKED 14u /* times that one packet is asked for */

struct nack_item {
    int64_t seq;
    sotto_us since, asked_at, next; /* found missing; asked last; to be asked */
    uint8_t asked;
};

struct nack { /* all-zero but for highest: begin with init */
    struct nack_item *items; /* ascending; allocated with the first loss */
    size_t n, cap;
    int64_t highest;     /* seen; < 0: none */
    sotto_us rtt;        /* as given or, before that, measured by repairs */
    bool rtt_given;
    sotto_us reordering; /* seen: how long to wait before a gap is a loss */
};

enum nack_result {
    NACK_NEW,      /* the next one, or one beyond a gap that will be asked for */
    NACK_FILLED,   /* it was missing and not asked for, or came too soon to be an answer: reordered */
    NACK_REPAIRED, /* it was missing and asked for */
    NACK_UNKNOWN,  /* it was not missed: given up or forgotten before, or a duplicate */
    NACK_TOO_MANY  /* the gap before it is too large to be asked for, or memory is short: nothing is missing any more. A key frame is
                      cheaper */
};

void sotto__nack_init(struct nack *k); /* to the zero state */
void sotto__nack_free(struct nack *k); /* and init again */
/* The stream goes on after `highest`: nothing is missing. What was learned of the path stays. */
void sotto__nack_restart(struct nack *k, int64_t highest);
enum nack_result sotto__nack_packet(struct nack *k, sotto_us now, int64_t seq);
/* The packets from `from` to `to` - 1, all below every one that was seen or missed so far, are missing too. */
void sotto__nack_before(struct nack *k, sotto_us now, int64_t from, int64_t to);
void sotto__nack_forget(struct nack *k, int64_t below); /* they are not needed any more */
void sotto__nack_set_rtt(struct nack *k, sotto_us rtt);
/* When it was found missing; < 0: it is not missing, or not waited for. */
sotto_us sotto__nack_since(const struct nack *k, int64_t seq);
/* Those that are due now: how many, at most max. Those that were asked for as often as is allowed are forgotten. */
size_t sotto__nack_next(struct nack *k, sotto_us now, uint16_t *seqs, size_t max);
sotto_us sotto__nack_due(const struct nack *k);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_EXPLAIN_H
#define SOTTO_PEER_EXPLAIN_H
/* Why a connection is not up, or was slow: a report of what is known, and the same in words. */
#include "peer/stats.h"

/*
 * The report: first "sotto-explanation", then "sotto-phase", "sotto-server-error", "sotto-refused", "sotto-change", "sotto-check", and
 * the candidates and the pair as in the statistics. timestamp: milliseconds since 1970. *ret is one block, yours: sotto__free. 0 or
 * SOTTO_E_NOMEM.
 */
int sotto__peer_explain(struct peer *p, sotto_us now, double timestamp, sotto_stats **ret);
/* explain_text.c: such a report as text for people; *ret is yours: sotto__free. 0 or SOTTO_E_NOMEM. */
int sotto__explain_text(const sotto_stats *report, char **ret);

/* explain_verdict.c: the sentence, and what may be done about it ("" nothing). Returns the stage, static. *slowest: the phase that took
 * longest of a connection that came up slowly; else unchanged. */
const char *sotto__explain_verdict(const struct peer *p, sotto_us now, struct buf *sentence,
                                   struct buf *advice, const char **slowest);
size_t sotto__explain_locals(const struct peer *p, int type, uint8_t family); /* candidates; -1, 0: any */
const struct ice_tally *sotto__explain_tally(const struct peer *p); /* NULL: nothing is known */

/* The steps of a connection: each from one moment to another. */
struct explain_phase {
    const char *name;
    unsigned from, to; /* enum moment */
};
#define EXPLAIN_PHASES 7
extern const struct explain_phase sotto__explain_phases[EXPLAIN_PHASES];
#endif

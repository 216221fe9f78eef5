/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PEER_REPORT_H
#define TEST_PEER_REPORT_H
/*
 * Statistics for tests. Each report is checked as a whole when it is taken: ids are unique, what is referred to is there, and
 * docs/reference/statistics.md (PAGE) names every member with its kind. Fails by cmocka.
 */
#include "duo.h"
#include "peer/stats.h"

int report_read_page(void **state); /* of a group of tests: before them */
sotto_stats *report_of(struct peer *p, const struct transceiver *selector);
sotto_stats *report(const struct duo_side *s);
/* Every member that the page names for these types was in a report of this program. */
void report_must_have_shown(const char *const *types, size_t n);

size_t report_count(const sotto_stats *s, const char *type);
const sotto_stat *report_one(const sotto_stats *s, const char *type); /* there is one */
const sotto_stat *report_channel(const sotto_stats *s, const char *label); /* NULL: none */
const sotto_stat *report_codec(const sotto_stats *s, const char *mime, int64_t pt); /* pt -1: any; NULL: none */
int64_t report_int(const sotto_stat *o, const char *name);            /* it is there, and an integer */
const char *report_text(const sotto_stat *o, const char *name);
bool report_has(const sotto_stat *o, const char *name);
const sotto_stat *report_refer(const sotto_stats *s, const sotto_stat *o, const char *name);

/* Sends messages of n bytes and lets them arrive. */
void report_send(struct duo *d, struct duo_side *s, struct channel *c, size_t n, int times);
struct transceiver *report_transceiver(struct duo *d, sotto_kind kind); /* of side a */
void report_candidate(struct duo *d, const char *line); /* of the remote, given to side a */
/* One of ours, 198.51.100.7:4000 of priority 77, related to 192.0.2.1:5000; as if side a had gathered it. */
void report_local_candidate(struct duo *d, enum candidate_type type);

#endif

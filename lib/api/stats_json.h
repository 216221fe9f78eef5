/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_API_STATS_JSON_H
#define SOTTO_API_STATS_JSON_H
#include "sotto/stats.h"

/* A report as a JSON object (RFC 8259), id → object with id, type and timestamp first. *ret is yours. 0 or SOTTO_E_NOMEM. */
int sotto__stats_json(const sotto_stats *stats, char **ret);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_API_STATS_JSON_H
#define SOTTO_API_STATS_JSON_H
#include "sotto/stats.h"
#include "util/buf.h"

/* A report as a JSON object (RFC 8259), id → object with id, type and timestamp first. *ret is yours. 0 or SOTTO_E_NOMEM. */
int sotto__stats_json(const sotto_stats *stats, char **ret);
/* A text between quotation marks, whatever it holds. Appended. */
void sotto__stats_json_text(struct buf *b, const char *text);
/* A number as printf() writes it in the locale of the process, with a point for what stands in its place. Appended. */
void sotto__stats_json_number(struct buf *b, const char *printed);

#endif

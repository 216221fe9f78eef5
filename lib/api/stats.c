/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of stats.h: check the arguments, read the wall clock, lock, let peer/ make the report, unlock; and looking things up
 * in a report, which needs no lock. A closed connection still tells what it knows (W3C getStats()).
 */
#include "sotto/stats.h"

#include <string.h>
#include <time.h>

#include "api/ctx.h"
#include "api/stats_json.h"
#include "peer/explain.h"
#include "util/mem.h"

static double wall_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1e3 + (double)(t.tv_nsec / 1000) / 1e3;
}

/* W3C: the selector is a sender or receiver of this connection. */
static int check_selector(const sotto_pc *pc, const sotto_transceiver *selector)
{
    if (!selector) return 0;
    if (selector->magic != MAGIC_TRANSCEIVER) return SOTTO_E_INVAL;
    if (selector->pc != pc || !selector->transceiver || selector->transceiver->stopped)
        return SOTTO_E_ACCESS;
    return 0;
}

SOTTO_API int sotto_pc_get_stats(sotto_pc *pc, const sotto_transceiver *selector, sotto_stats **ret)
{
    struct peer *peer;
    if (!ret) return SOTTO_E_INVAL;
    double now = wall_clock_ms();
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = check_selector(pc, selector);
    if (r == 0)
        r = sotto__peer_stats(peer, sotto__now(pc->ctx), selector ? selector->transceiver : NULL,
                              now, ret);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_get_stats_json(sotto_pc *pc, char **ret)
{
    sotto_stats *stats;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto_pc_get_stats(pc, NULL, &stats);
    if (r < 0) return r;
    r = sotto__stats_json(stats, ret);
    sotto__free(stats);
    return r;
}

static int explain(sotto_pc *pc, sotto_stats **ret)
{
    struct peer *peer;
    double now = wall_clock_ms();
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_explain(peer, sotto__now(pc->ctx), now, ret);
    sotto__pc_leave(pc);
    return r;
}

/* The report as one of its texts. */
static int explain_as(sotto_pc *pc, int (*write)(const sotto_stats *, char **), char **ret)
{
    sotto_stats *report;
    if (!ret) return SOTTO_E_INVAL;
    int r = explain(pc, &report);
    if (r < 0) return r;
    r = write(report, ret);
    sotto__free(report);
    return r;
}

SOTTO_API int sotto_pc_explain(sotto_pc *pc, char **ret)
{
    return explain_as(pc, sotto__explain_text, ret);
}

SOTTO_API int sotto_pc_explain_json(sotto_pc *pc, char **ret)
{
    return explain_as(pc, sotto__stats_json, ret);
}

SOTTO_API const sotto_stat *sotto_stats_find(const sotto_stats *stats, const char *type)
{
    for (size_t i = 0; stats && type && i < stats->n; i++)
        if (strcmp(stats->items[i].type, type) == 0) return &stats->items[i];
    return NULL;
}

SOTTO_API const sotto_stat *sotto_stats_by_id(const sotto_stats *stats, const char *id)
{
    for (size_t i = 0; stats && id && i < stats->n; i++)
        if (strcmp(stats->items[i].id, id) == 0) return &stats->items[i];
    return NULL;
}

SOTTO_API const sotto_stat_member *sotto_stat_member_of(const sotto_stat *stat, const char *name)
{
    for (size_t i = 0; stat && name && i < stat->n_members; i++)
        if (strcmp(stat->members[i].name, name) == 0) return &stat->members[i];
    return NULL;
}

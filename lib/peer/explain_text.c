/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of sotto_pc_explain() as text: the sentence, what may be done, and a table of phases, candidates and errors. In: the
 * report; out: English text in lines, addresses masked where the report has them so. What came from servers is escaped.
 */
#include <string.h>

#include "peer/explain.h"
#include "util/str.h"

static const sotto_stat_member *find(const sotto_stat *o, const char *name)
{
    for (size_t i = 0; i < o->n_members; i++)
        if (strcmp(o->members[i].name, name) == 0) return &o->members[i];
    return NULL;
}

static const char *text(const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = find(o, name);
    return m ? m->v.s : "";
}

static long long number(const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = find(o, name);
    return m ? (long long)m->v.i : 0;
}

/* Seconds as "   12.345 s"; a time that is not there: "        …". */
static void add_seconds(struct buf *b, const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = find(o, name);
    long long ms = m ? (long long)(m->v.d * 1e3 + 0.5) : 0;
    if (m)
        sotto__buf_addf(b, " %6lld.%03lld s", ms / 1000, ms % 1000);
    else
        sotto__buf_addf(b, "            …");
}

static void add_phase(struct buf *b, const sotto_stat *o)
{
    sotto__buf_addf(b, "%-12s", text(o, "name"));
    add_seconds(b, o, "begun");
    add_seconds(b, o, "duration");
    sotto__buf_addf(b, "\n");
}

static void add_candidate(struct buf *b, const sotto_stat *o)
{
    const char *address = text(o, "address");
    sotto__buf_addf(b, "%-12s %-6s %s %s\n", strncmp(o->type, "local", 5) == 0 ? "ours" : "theirs",
                    text(o, "candidateType"), text(o, "protocol"),
                    address[0] ? address : "(not shown)");
}

static void add_server(struct buf *b, const sotto_stat *o)
{
    char said[256];
    sotto__str_escape(sotto__str(text(o, "errorText")), said, sizeof said);
    sotto__buf_addf(b, "%-12s %s: %lld %s\n", "server", text(o, "url"), number(o, "errorCode"),
                    said);
}

static void add_change(struct buf *b, const sotto_stat *o)
{
    sotto__buf_addf(b, "%-12s", text(o, "what"));
    add_seconds(b, o, "at");
    sotto__buf_addf(b, "\n");
}

static void add_check(struct buf *b, const sotto_stat *o)
{
    const char *address = text(o, "address");
    sotto__buf_addf(b, "%-12s %5lld %5lld %7lld %6lld %4lld %s\n", text(o, "state"),
                    number(o, "pairs"), number(o, "requestsReceived"),
                    number(o, "responsesReceived"), number(o, "errorsReceived"),
                    number(o, "errorCode"), address[0] ? address : "(not shown)");
}

static void add_rows(struct buf *b, const sotto_stats *r, const char *title, const char *type,
                     void (*add)(struct buf *, const sotto_stat *))
{
    bool any = false;
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->items[i].type, type) != 0) continue;
        if (!any) sotto__buf_addf(b, "\n%s\n", title);
        any = true;
        add(b, &r->items[i]);
    }
}

static void add_refused(struct buf *b, const sotto_stat *o)
{
    sotto__buf_addf(b, "%-12s %lld\n", text(o, "reason"), number(o, "candidates"));
}

int sotto__explain_text(const sotto_stats *report, char **ret)
{
    struct buf b;
    sotto__buf_init(&b, SOTTO_MAX_EXPLANATION_TEXT);
    const sotto_stat *e = &report->items[0];
    sotto__buf_addf(&b, "%s\n", text(e, "sentence"));
    if (text(e, "advice")[0]) sotto__buf_addf(&b, "%s\n", text(e, "advice"));
    add_rows(&b, report, "phase             begun         took", "sotto-phase", add_phase);
    add_rows(&b, report, "candidates", "local-candidate", add_candidate);
    add_rows(&b, report, "candidates of the remote", "remote-candidate", add_candidate);
    add_rows(&b, report, "candidates of the remote that are not used", "sotto-refused",
             add_refused);
    add_rows(&b, report, "checks       pairs asked answers errors code", "sotto-check", add_check);
    add_rows(&b, report, "changes", "sotto-change", add_change);
    add_rows(&b, report, "errors of servers", "sotto-server-error", add_server);
    *ret = sotto__buf_take_string(&b);
    return *ret ? 0 : SOTTO_E_NOMEM;
}

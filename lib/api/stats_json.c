/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A statistics report as JSON (RFC 8259), in the shape that browsers' JSON.stringify(Object.fromEntries(report)) has. In: a report,
 * whose texts may be anything; out: well-formed UTF-8 whatever they are and whatever the locale. Broken bytes become U+FFFD.
 */
#include "api/stats_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/buf.h"
#include "util/str.h"

static void add(struct buf *b, struct str s)
{
    sotto__buf_add(b, s.p, s.n);
}

/* Bytes of the well-formed character at p that stands for itself; 0: there is none. */
static size_t character(const uint8_t *p, size_t n)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len == 1) return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '"' && p[0] != '\\';
    return len <= n && sotto__utf8_ok(p, len) ? len : 0;
}

static void add_escaped(struct buf *b, uint8_t c)
{
    if (c == '"' || c == '\\')
        sotto__buf_addf(b, "\\%c", c);
    else
        sotto__buf_addf(b, "\\u%04x", c < 0x80 ? c : 0xfffd);
}

void sotto__stats_json_text(struct buf *b, const char *text)
{
    const uint8_t *p = (const uint8_t *)text, *start = p, *end = p + strlen(text);
    add(b, STR("\""));
    while (p < end) {
        size_t n = character(p, (size_t)(end - p));
        p += n;
        if (n > 0) continue;
        sotto__buf_add(b, start, (size_t)(p - start));
        add_escaped(b, *p);
        start = ++p;
    }
    sotto__buf_add(b, start, (size_t)(p - start));
    add(b, STR("\""));
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == 'e';
}

void sotto__stats_json_number(struct buf *b, const char *printed)
{
    for (const char *p = printed; *p; p++) {
        if (is_plain(*p))
            sotto__buf_add(b, p, 1);
        else if (p > printed && is_plain(p[-1])) /* a point may have several bytes */
            add(b, STR("."));
    }
}

/* As short as it can be and read back as the same number. */
static void add_double(struct buf *b, double d)
{
    char text[40];
    if (!isfinite(d)) {
        add(b, STR("null")); /* as JSON.stringify() */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d) break;
    }
    sotto__stats_json_number(b, text);
}

static void add_name(struct buf *b, const char *name)
{
    sotto__stats_json_text(b, name);
    add(b, STR(":"));
}

static void add_member(struct buf *b, const sotto_stat_member *m)
{
    add(b, STR(","));
    add_name(b, m->name);
    switch (m->kind) {
    case SOTTO_STAT_INT: sotto__buf_addf(b, "%lld", (long long)m->v.i); break;
    case SOTTO_STAT_BOOL: add(b, m->v.i ? STR("true") : STR("false")); break;
    case SOTTO_STAT_DOUBLE: add_double(b, m->v.d); break;
    default: sotto__stats_json_text(b, m->v.s); break;
    }
}

/* time: the timestamp, written. */
static void add_object(struct buf *b, const sotto_stat *s, const struct buf *time)
{
    add_name(b, s->id);
    add(b, STR("{"));
    add_name(b, "id");
    sotto__stats_json_text(b, s->id);
    add(b, STR(","));
    add_name(b, "type");
    sotto__stats_json_text(b, s->type);
    add(b, STR(","));
    add_name(b, "timestamp");
    sotto__buf_add(b, time->p, time->n);
    for (size_t i = 0; i < s->n_members; i++) add_member(b, &s->members[i]);
    add(b, STR("}"));
}

int sotto__stats_json(const sotto_stats *stats, char **ret)
{
    struct buf b, time;
    sotto__buf_init(&b, SIZE_MAX / 4); /* its parts have their limits */
    sotto__buf_init(&time, 64);
    if (stats->n > 0) add_double(&time, stats->items[0].timestamp); /* all have the same */
    add(&b, STR("{"));
    for (size_t i = 0; i < stats->n; i++) {
        if (i > 0) add(&b, STR(","));
        add_object(&b, &stats->items[i], &time);
    }
    add(&b, STR("}"));
    char *text = time.err ? NULL : sotto__buf_take_string(&b);
    sotto__buf_free(&time);
    if (!text) {
        sotto__buf_free(&b);
        return SOTTO_E_NOMEM;
    }
    *ret = text;
    return 0;
}

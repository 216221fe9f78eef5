/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building a statistics report: objects and members are collected in growing buffers, texts by their offset, and become one block at
 * the end. In: names that live as long as the library, values, texts to be copied; out: the public sotto_stats. Knows no meanings.
 * answers: A19
 */
#include <string.h>

#include "peer/stats.h"
#include "util/mask.h"
#include "util/mem.h"

struct item {
    const char *type;
    size_t id, first, n; /* id: offset in the texts; first: member */
};

struct member {
    const char *name;
    int32_t kind;
    union {
        int64_t i;
        double d;
        size_t text;
    } v;
};

void sotto__stats_init(struct stats_build *b, bool shows)
{
    b->shows = shows;
    /* what is reported has its own limits, so has the report */
    sotto__buf_init(&b->items, SIZE_MAX / 4);
    sotto__buf_init(&b->members, SIZE_MAX / 4);
    sotto__buf_init(&b->text, SIZE_MAX / 4);
}

static size_t add_text(struct stats_build *b, const char *s)
{
    size_t at = b->text.n;
    sotto__buf_add(&b->text, s, strlen(s) + 1);
    return at;
}

void sotto__stats_begin(struct stats_build *b, const char *type, const char *id)
{
    struct item item = {.type = type, .first = b->members.n / sizeof(struct member)};
    item.id = add_text(b, id);
    sotto__buf_add(&b->items, &item, sizeof item);
}

static void add(struct stats_build *b, const struct member *m)
{
    sotto__buf_add(&b->members, m, sizeof *m);
    if (b->items.err || b->members.err) return;
    struct item *last = (struct item *)(void *)(b->items.p + b->items.n) - 1;
    last->n++;
}

void sotto__stats_int(struct stats_build *b, const char *name, uint64_t value)
{
    int64_t i = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    add(b, &(struct member){.name = name, .kind = SOTTO_STAT_INT, .v.i = i});
}

void sotto__stats_signed(struct stats_build *b, const char *name, int64_t value)
{
    add(b, &(struct member){.name = name, .kind = SOTTO_STAT_INT, .v.i = value});
}

void sotto__stats_double(struct stats_build *b, const char *name, double value)
{
    add(b, &(struct member){.name = name, .kind = SOTTO_STAT_DOUBLE, .v.d = value});
}

void sotto__stats_bool(struct stats_build *b, const char *name, bool value)
{
    add(b, &(struct member){.name = name, .kind = SOTTO_STAT_BOOL, .v.i = value});
}

void sotto__stats_text(struct stats_build *b, const char *name, const char *value)
{
    size_t at = add_text(b, value);
    add(b, &(struct member){.name = name, .kind = SOTTO_STAT_TEXT, .v.text = at});
}

void sotto__stats_named(struct stats_build *b, const char *name, const char *kind,
                        const char *value)
{
    char mask[MASK];
    sotto__stats_text(b, name, b->shows ? value : sotto__mask_string(kind, value, mask));
}

void sotto__stats_words(struct stats_build *b, const char *name, const char *value)
{
    char masked[SOTTO_MAX_EXPLANATION];
    if (!b->shows) sotto__mask_text(value, masked, sizeof masked);
    sotto__stats_text(b, name, b->shows ? value : masked);
}

size_t sotto__stats_count(const struct stats_build *b)
{
    return b->items.n / sizeof(struct item);
}

bool sotto__stats_has(const struct stats_build *b, size_t first, const char *id)
{
    const struct item *items = (const struct item *)(const void *)b->items.p;
    if (b->text.err) return false;
    for (size_t i = first; i < sotto__stats_count(b); i++)
        if (strcmp((const char *)b->text.p + items[i].id, id) == 0) return true;
    return false;
}

static void fill(const struct stats_build *b, double timestamp, sotto_stats *ret)
{
    const struct item *items = (const struct item *)(const void *)b->items.p;
    const struct member *members = (const struct member *)(const void *)b->members.p;
    size_t n = b->items.n / sizeof *items, n_members = b->members.n / sizeof *members;
    sotto_stat *to = (sotto_stat *)(void *)(ret + 1);
    sotto_stat_member *to_members = (sotto_stat_member *)(void *)(to + n);
    char *text = (char *)(to_members + n_members);
    if (b->text.n > 0) memcpy(text, b->text.p, b->text.n);
    for (size_t i = 0; i < n_members; i++) {
        to_members[i] = (sotto_stat_member){.name = members[i].name, .kind = members[i].kind};
        if (members[i].kind == SOTTO_STAT_TEXT)
            to_members[i].v.s = text + members[i].v.text;
        else if (members[i].kind == SOTTO_STAT_DOUBLE)
            to_members[i].v.d = members[i].v.d;
        else
            to_members[i].v.i = members[i].v.i;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = (sotto_stat){.id = text + items[i].id,
                             .type = items[i].type,
                             .timestamp = timestamp,
                             .members = to_members + items[i].first,
                             .n_members = items[i].n};
    *ret = (sotto_stats){.size = sizeof *ret, .items = to, .n = n};
}

int sotto__stats_finish(struct stats_build *b, double timestamp, sotto_stats **ret)
{
    sotto_stats *block = NULL;
    if (!b->items.err && !b->members.err && !b->text.err)
        block = sotto__malloc(
            sizeof *block + b->items.n / sizeof(struct item) * sizeof(sotto_stat) +
            b->members.n / sizeof(struct member) * sizeof(sotto_stat_member) + b->text.n);
    if (block) fill(b, timestamp, block);
    sotto__buf_free(&b->items);
    sotto__buf_free(&b->members);
    sotto__buf_free(&b->text);
    if (!block) return SOTTO_E_NOMEM;
    *ret = block;
    return 0;
}

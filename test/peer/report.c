/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of statistics, checked against the page that names what they hold. */
#include "report.h"

#define MAX_ROWS 256

static struct row {
    char type[32], name[48], kind[16];
    bool seen;
} rows[MAX_ROWS];
static size_t n_rows;

int report_read_page(void **state)
{
    (void)state;
    char line[512], type[32] = "";
    FILE *f = fopen(PAGE, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        struct row r = {0};
        if (sscanf(line, "## %31[a-z-]", type) == 1) continue;
        if (sscanf(line, "| `%47[A-Za-z0-9]` | %15[a-z] |", r.name, r.kind) != 2) continue;
        assert_true(n_rows < MAX_ROWS);
        memcpy(r.type, type, sizeof r.type);
        rows[n_rows++] = r;
    }
    fclose(f);
    assert_true(n_rows > 40);
    return 0;
}

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {"", "integer", "number", "boolean", "text"};
    return names[kind];
}

static void look_up(const char *type, const sotto_stat_member *m)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].type, type) != 0 || strcmp(rows[i].name, m->name) != 0) continue;
        assert_string_equal(rows[i].kind, kind_name(m->kind));
        rows[i].seen = true;
        return;
    }
    fail_msg("the page does not name %s of %s", m->name, type);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static void check_object(const sotto_stats *s, const sotto_stat *o)
{
    assert_true(o->timestamp == 1234.5);
    assert_ptr_equal(sotto_stats_by_id(s, o->id), o); /* no other has its id */
    for (size_t i = 0; i < o->n_members; i++) {
        const sotto_stat_member *m = &o->members[i];
        look_up(o->type, m);
        assert_ptr_equal(sotto_stat_member_of(o, m->name), m);
        if (!ends_with(m->name, "Id")) continue;
        assert_non_null(sotto_stats_by_id(s, m->v.s));
    }
}

sotto_stats *report_of(struct peer *p, const struct transceiver *selector)
{
    sotto_stats *s = NULL;
    assert_int_equal(sotto__peer_stats(p, net_clock(), selector, 1234.5, &s), 0);
    assert_int_equal(s->size, sizeof *s);
    for (size_t i = 0; i < s->n; i++) check_object(s, &s->items[i]);
    return s;
}

sotto_stats *report(const struct duo_side *s)
{
    return report_of(s->peer, NULL);
}

size_t report_count(const sotto_stats *s, const char *type)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) n += strcmp(s->items[i].type, type) == 0;
    return n;
}

const sotto_stat *report_one(const sotto_stats *s, const char *type)
{
    if (report_count(s, type) != 1) fail_msg("%zu of %s", report_count(s, type), type);
    return sotto_stats_find(s, type);
}

int64_t report_int(const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = sotto_stat_member_of(o, name);
    if (!m) fail_msg("%s has no %s", o->type, name);
    assert_int_equal(m->kind, SOTTO_STAT_INT);
    return m->v.i;
}

const char *report_text(const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = sotto_stat_member_of(o, name);
    if (!m) fail_msg("%s has no %s", o->type, name);
    assert_int_equal(m->kind, SOTTO_STAT_TEXT);
    return m->v.s;
}

bool report_has(const sotto_stat *o, const char *name)
{
    return sotto_stat_member_of(o, name) != NULL;
}

const sotto_stat *report_refer(const sotto_stats *s, const sotto_stat *o, const char *name)
{
    return sotto_stats_by_id(s, report_text(o, name));
}

const sotto_stat *report_channel(const sotto_stats *s, const char *label)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, "data-channel") == 0 &&
            strcmp(report_text(&s->items[i], "label"), label) == 0)
            return &s->items[i];
    return NULL;
}

const sotto_stat *report_codec(const sotto_stats *s, const char *mime, int64_t pt)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, "codec") == 0 &&
            strcmp(report_text(&s->items[i], "mimeType"), mime) == 0 &&
            (pt < 0 || report_int(&s->items[i], "payloadType") == pt))
            return &s->items[i];
    return NULL;
}

void report_send(struct duo *d, struct duo_side *s, struct channel *c, size_t n, int times)
{
    static const uint8_t zeros[100000];
    for (int i = 0; i < times; i++)
        assert_int_equal(sotto__channel_send(s->peer, duo_now(d), c, zeros, n, false), 0);
    sotto__egress_flush(&s->egress, duo_now(d));
    duo_run(d, SOTTO_SECONDS(2));
}

struct transceiver *report_transceiver(struct duo *d, sotto_kind kind)
{
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(d->a.peer, duo_now(d), kind, NULL, &t), 0);
    return t;
}

void report_must_have_shown(const char *const *types, size_t n)
{
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(rows[i].type, types[k]) == 0 && !rows[i].seen)
                fail_msg("nothing reported %s of %s", rows[i].name, rows[i].type);
}

void report_candidate(struct duo *d, const char *line)
{
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = d->a.peer->data_mid};
    assert_int_equal(sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL), 0);
}

void report_local_candidate(struct duo *d, enum candidate_type type)
{
    struct peer *p = d->a.peer;
    struct local_candidate c = {.foundation = "9",
                                .priority = 77,
                                .addr = {4, {198, 51, 100, 7}, 4000},
                                .type = type,
                                .related = {4, {192, 0, 2, 1}, 5000}};
    assert_true(p->n_candidates < p->cap_candidates);
    snprintf(c.ufrag, sizeof c.ufrag, "%s", p->transport.live.ufrag);
    p->candidates[p->n_candidates++] = c;
}

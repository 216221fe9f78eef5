/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__mdns_open, _next_question, _next_record and the writers. Property: nothing is read outside of the message; what was read
 * and can be written, written and read again is the same, and written once more the same bytes; a writer with one byte too few says so.
 */
#include <stdlib.h>

#include "wire/mdns.h"

#define MOST 64
#define ROOM (MOST * 2 * 600)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct message {
    uint16_t id;
    bool is_response;
    struct mdns_question questions[MOST];
    struct mdns_record records[MOST];
    size_t n_questions, n_records;
};

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_name(const char *name)
{
    require(strlen(name) < MDNS_NAME - 1);
    for (const char *c = name; *c; c++)
        require((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("-_.", *c));
}

/* What the writers can write, of what can be read. */
static bool read_all(const uint8_t *p, size_t n, struct message *ret)
{
    struct mdns_reader m;
    struct mdns_question q;
    struct mdns_record r;
    memset(ret, 0, sizeof *ret);
    if (sotto__mdns_open(&m, p, n) < 0) return false;
    ret->id = m.id;
    ret->is_response = m.is_response;
    while (sotto__mdns_next_question(&m, &q) == 1) {
        require_name(q.name);
        require(m.at <= n);
        if (q.name[0] && q.is_internet && ret->n_questions < MOST)
            ret->questions[ret->n_questions++] = q;
    }
    while (sotto__mdns_next_record(&m, &r) == 1) {
        require_name(r.name);
        require(m.at <= n);
        require(r.addr.family == (r.type == MDNS_A ? 4 : r.type == MDNS_AAAA ? 6 : 0));
        bool can = r.addr.family != 0 || r.type == MDNS_NSEC;
        r.is_authority = false; /* it is written as an answer */
        if (r.name[0] && r.is_internet && can && ret->n_records < MOST)
            ret->records[ret->n_records++] = r;
    }
    return true;
}

static size_t write_all(const struct message *m, uint8_t *out, size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    sotto__mdns_begin(&w, m->id, m->is_response);
    for (size_t i = 0; i < m->n_questions; i++) sotto__mdns_add_question(&w, &m->questions[i]);
    for (size_t i = 0; i < m->n_records; i++) sotto__mdns_add_record(&w, &m->records[i]);
    return w.bad ? 0 : w.n;
}

static void require_same(const struct message *a, const struct message *b)
{
    require(a->id == b->id && a->is_response == b->is_response);
    require(a->n_questions == b->n_questions && a->n_records == b->n_records);
    for (size_t i = 0; i < a->n_questions; i++) {
        const struct mdns_question *x = &a->questions[i], *y = &b->questions[i];
        require(strcmp(x->name, y->name) == 0 && x->type == y->type && x->unicast == y->unicast);
    }
    for (size_t i = 0; i < a->n_records; i++) {
        const struct mdns_record *x = &a->records[i], *y = &b->records[i];
        require(strcmp(x->name, y->name) == 0 && x->type == y->type && x->flush == y->flush);
        require(x->ttl == y->ttl && sotto__address_eq(&x->addr, &y->addr));
        require(x->has_a == y->has_a && x->has_aaaa == y->has_aaaa);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message first, second;
    static uint8_t once[ROOM], twice[ROOM];
    uint8_t *copy = malloc(size ? size : 1); /* its end is the end of a block */
    if (!copy) abort();
    if (size > 0) memcpy(copy, data, size);
    bool is = read_all(copy, size, &first);
    free(copy);
    if (!is) return 0;
    size_t n = write_all(&first, once, sizeof once);
    require(n >= 12);
    require(read_all(once, n, &second));
    require_same(&first, &second);
    require(write_all(&second, twice, sizeof twice) == n && memcmp(once, twice, n) == 0);
    require(write_all(&second, twice, n - 1) == 0);
    return 0;
}

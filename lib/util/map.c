/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integer → pointer by open addressing with linear probing; deletion shifts back, so there are no tombstones.
 */
#include "util/map.h"

#include "sotto/base.h"
#include "util/mem.h"

static size_t home(const struct map *m, uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u; /* Fibonacci hashing spreads consecutive ids */
    return (size_t)(key >> 32) & (m->cap - 1);
}

static struct map_slot *find(const struct map *m, uint64_t key)
{
    if (m->cap == 0) return NULL;
    for (size_t i = home(m, key);; i = (i + 1) & (m->cap - 1)) {
        if (!m->slots[i].value) return NULL;
        if (m->slots[i].key == key) return &m->slots[i];
    }
}

static void insert(struct map *m, uint64_t key, void *value)
{
    size_t i = home(m, key);
    while (m->slots[i].value) i = (i + 1) & (m->cap - 1);
    m->slots[i] = (struct map_slot){key, value};
}

static int grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : 16, .n = m->n};
    bigger.slots = sotto__calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots) return SOTTO_E_NOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].value) insert(&bigger, m->slots[i].key, m->slots[i].value);
    sotto__free(m->slots);
    *m = bigger;
    return 0;
}

int sotto__map_put(struct map *m, uint64_t key, void *value)
{
    struct map_slot *slot = find(m, key);
    if (slot) {
        slot->value = value;
        return 0;
    }
    if ((m->n + 1) * 4 > m->cap * 3) {
        int r = grow(m);
        if (r < 0) return r;
    }
    insert(m, key, value);
    m->n++;
    return 0;
}

void *sotto__map_get(const struct map *m, uint64_t key)
{
    struct map_slot *slot = find(m, key);
    return slot ? slot->value : NULL;
}

void *sotto__map_del(struct map *m, uint64_t key)
{
    struct map_slot *slot = find(m, key);
    if (!slot) return NULL;
    void *value = slot->value;
    size_t hole = (size_t)(slot - m->slots), mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t want = home(m, m->slots[i].key);
        if (((i - want) & mask) < ((i - hole) & mask)) continue; /* its home lies after the hole */
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole].value = NULL;
    m->n--;
    return value;
}

void *sotto__map_next(const struct map *m, size_t *at, uint64_t *ret_key)
{
    while (*at < m->cap) {
        const struct map_slot *slot = &m->slots[(*at)++];
        if (!slot->value) continue;
        if (ret_key) *ret_key = slot->key;
        return slot->value;
    }
    return NULL;
}

void sotto__map_free(struct map *m)
{
    if (!m) return;
    sotto__free(m->slots);
    *m = (struct map){0};
}

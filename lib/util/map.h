/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_MAP_H
#define SOTTO_UTIL_MAP_H
/* Integer → pointer: open addressing, grows by doubling. Keys come from us (ids, stream numbers), so no seeded hash is needed. */
#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot {
        uint64_t key;
        void *value; /* NULL: free */
    } * slots;
    size_t cap, n;
};

int sotto__map_put(struct map *m, uint64_t key, void *value); /* value not NULL; replaces; 0 or SOTTO_E_NOMEM */
void *sotto__map_get(const struct map *m, uint64_t key);      /* NULL: none */
void *sotto__map_del(struct map *m, uint64_t key);            /* what was there */
/* Walk: start with *at = 0; NULL at the end. Do not put or delete meanwhile. */
void *sotto__map_next(const struct map *m, size_t *at, uint64_t *ret_key);
void sotto__map_free(struct map *m); /* not the values */

#endif

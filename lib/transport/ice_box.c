/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The box of ice.h: datagrams that a dispatch of an ICE implementation brought, until their owners take them. One buffer
 * of records (head, datagram, padding to 8), filled at the end, emptied from the front; bounded by SOTTO_ICE_BOX, beyond
 * which datagrams are dropped and counted. Several owners may have records in it at a time: a turn of one connection ends
 * before its datagrams do. Knows nothing of what the datagrams mean.
 * answers: H057
 */
#include <string.h>

#include "transport/ice.h"
#include "util/limits.h"
#include "util/mem.h"

#define BOX_FIRST (64u * 1024)   /* first allocation: holds any datagram */
#define BOX_KEEP (1024u * 1024) /* an empty box above this gives its memory back */

struct ice_box_head {
    const struct ice *owner; /* NULL: taken */
    size_t n;
};

static size_t record_size(size_t n)
{
    return sizeof(struct ice_box_head) + ((n + 7) & ~(size_t)7);
}

static struct ice_box_head *record_at(const struct ice_box *b, size_t at)
{
    return (struct ice_box_head *)(void *)(b->bytes + at); /* aligned: every record is a multiple of 8 */
}

/* Room for `need` bytes at the end: first by closing the gap in front, then by growing. */
static bool make_room(struct ice_box *b, size_t need)
{
    if (b->cap - b->n >= need) return true;
    if (b->head > 0) {
        memmove(b->bytes, b->bytes + b->head, b->n - b->head);
        b->n -= b->head;
        b->head = 0;
    }
    if (b->cap - b->n >= need) return true;
    if (need > SOTTO_ICE_BOX - b->n) return false;
    size_t cap = b->cap ? b->cap : BOX_FIRST;
    while (cap - b->n < need) cap *= 2;
    if (cap > SOTTO_ICE_BOX) cap = SOTTO_ICE_BOX;
    uint8_t *bytes = sotto__realloc(b->bytes, cap);
    if (!bytes) return false;
    b->bytes = bytes;
    b->cap = cap;
    return true;
}

void sotto__ice_box_put(struct ice_box *b, const struct ice *owner, const uint8_t *p, size_t n)
{
    if (n > SOTTO_MAX_DATAGRAM || !make_room(b, record_size(n))) {
        b->dropped++;
        return;
    }
    struct ice_box_head *head = record_at(b, b->n);
    *head = (struct ice_box_head){owner, n};
    if (n > 0) memcpy(head + 1, p, n);
    b->n += record_size(n);
}

bool sotto__ice_box_take(struct ice_box *b, const struct ice *owner, struct packet *out)
{
    while (b->head < b->n && !record_at(b, b->head)->owner)
        b->head += record_size(record_at(b, b->head)->n);
    if (b->head == b->n) { /* the last view has ended too: its taker came back */
        b->head = b->n = 0;
        if (b->cap > BOX_KEEP) sotto__ice_box_free(b);
        return false;
    }
    for (size_t at = b->head; at < b->n;) {
        struct ice_box_head *head = record_at(b, at);
        if (head->owner == owner) {
            head->owner = NULL;
            *out = (struct packet){(const uint8_t *)(head + 1), head->n};
            return true;
        }
        at += record_size(head->n);
    }
    return false;
}

void sotto__ice_box_free(struct ice_box *b)
{
    sotto__free(b->bytes);
    b->bytes = NULL;
    b->head = b->n = b->cap = 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packets of one outgoing encoding: blocks of frames in the order in which they were made, and a ring of pointers by sequence number,
 * so that an entry of a NACK (RFC 4585 §6.2.1) costs one look. In: blocks with their packets filled in; out: packets that have left. It
 * does not know what is asked for, or how often.
 * answers: H104
 */
#include "media/history.h"

#include "util/mem.h"

#define SPARES 64u       /* blocks that are kept … */
#define SPARE_MOST 2048u /* … of at most so many bytes: of one packet */

int sotto__history_new(struct history **ret, size_t n_slots)
{
    struct history *h = sotto__calloc(1, sizeof *h + n_slots * sizeof h->slots[0]);
    if (!h) return SOTTO_E_NOMEM;
    sotto__list_init(&h->frames);
    sotto__list_init(&h->spares);
    h->n_slots = n_slots;
    *ret = h;
    return 0;
}

static struct sent_packet **slot_of(struct history *h, int64_t seq)
{
    return &h->slots[(uint64_t)seq & (h->n_slots - 1)];
}

/* The block that goes next, and becomes that of the next packet, was last touched thousands of packets ago. */
static void fetch(const struct sent_frame *f, size_t size)
{
    for (size_t at = 0; at < SPARE_MOST && at < size; at += 64)
        __builtin_prefetch((const uint8_t *)f + at, 1);
}

static void drop(struct history *h, struct sent_frame *f, struct pacer *p)
{
    for (size_t i = 0; i < f->n_packets; i++) {
        struct sent_packet *pkt = &f->packets[i], **slot = slot_of(h, pkt->seq);
        sotto__pacer_remove(p, pkt);
        if (*slot == pkt) *slot = NULL;
    }
    h->n_packets -= f->n_packets, h->n_bytes -= f->n_bytes;
    sotto__list_remove(&f->all);
    if (f->size <= SPARE_MOST && h->n_spares < SPARES) {
        sotto__list_push(&h->spares, &f->all);
        h->n_spares++;
    } else {
        sotto__free(f);
    }
}

static struct sent_frame *take_spare(struct history *h)
{
    struct node *n = sotto__list_pop(&h->spares);
    if (!n) return NULL;
    h->n_spares--;
    return CONTAINER_OF(n, struct sent_frame, all);
}

struct sent_frame *sotto__history_block(struct history *h, size_t size)
{
    struct sent_frame *f = size <= SPARE_MOST ? take_spare(h) : NULL;
    if (f && f->size < size) {
        sotto__free(f);
        f = NULL;
    }
    if (f) return f;
    f = sotto__malloc(size);
    if (f) f->size = size;
    return f;
}

static struct sent_frame *oldest(const struct history *h)
{
    return sotto__list_empty(&h->frames) ? NULL
                                         : CONTAINER_OF(h->frames.next, struct sent_frame, all);
}

void sotto__history_free(struct history *h, struct pacer *p)
{
    if (!h) return;
    for (struct sent_frame *f; (f = oldest(h));) drop(h, f, p);
    for (struct sent_frame *f; (f = take_spare(h));) sotto__free(f);
    sotto__free(h);
}

static bool is_old(const struct sent_frame *f, sotto_us now)
{
    return now - f->at > SOTTO_HISTORY_US;
}

void sotto__history_add(struct history *h, sotto_us now, struct sent_frame *f, struct pacer *p)
{
    sotto__list_push(&h->frames, &f->all);
    h->n_packets += f->n_packets, h->n_bytes += f->n_bytes;
    for (size_t i = 0; i < f->n_packets && !f->keep_out; i++)
        *slot_of(h, f->packets[i].seq) = &f->packets[i];
    /* frames leave in order: if one waits, all behind it do */
    for (struct sent_frame *o = oldest(h); o != f && o->unsent == 0; o = oldest(h)) {
        bool many = h->n_packets > SOTTO_HISTORY_PACKETS || h->n_bytes > SOTTO_HISTORY_BYTES;
        if (!many && !is_old(o, now)) return;
        drop(h, o, p);
        fetch(oldest(h), f->size);
    }
}

struct sent_packet *sotto__history_get(const struct history *h, sotto_us now, uint16_t seq)
{
    struct sent_packet *pkt = h->slots[seq & (h->n_slots - 1)];
    if (!pkt || (uint16_t)pkt->seq != seq || !pkt->has_left) return NULL;
    return is_old(pkt->frame, now) ? NULL : pkt;
}

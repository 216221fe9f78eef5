/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the media of one connection takes of memory: for the statistics. In: a session and its lines; out: bytes of all their blocks:
 * histories with their spares, packets and frames that wait, rings and tables. Packets of a receiver count as they do for its limit.
 */
#include "media/history.h"
#include "media/recv_state.h"
#include "media/session.h"
#include "util/mem.h"

static size_t frames(const struct node *head)
{
    size_t n = 0;
    for (const struct node *at = head->next; at != head; at = at->next)
        n += sotto__mem_size(CONTAINER_OF(at, struct sent_frame, all));
    return n;
}

static size_t of_sender(const struct sender *s)
{
    if (!s) return 0;
    const struct history *h = s->history;
    return sotto__mem_size(s) + sotto__mem_size(h) + frames(&h->frames) + frames(&h->spares);
}

static size_t of_receiver(const struct receiver *r)
{
    if (!r) return 0;
    return sotto__mem_size(r) + sotto__mem_size(r->ring) + sotto__mem_size(r->nack.items) +
           r->n_bytes + r->n_spares * RECV_BLOCK;
}

size_t sotto__line_bytes(const struct line *line)
{
    size_t n = sotto__mem_size(line->dtmf) + sotto__e2ee_bytes(line->e2ee);
    for (size_t i = 0; i < line->n_outgoing; i++) n += of_sender(line->outgoing[i].sender);
    return n;
}

size_t sotto__session_bytes(const struct session *s)
{
    size_t n = sotto__mem_size(s) + sotto__mem_size(s->by_ssrc.slots) +
               sotto__mem_size(s->arrivals.at) + sotto__mem_size(s->departures.ring);
    for (const struct node *at = s->sources.next; at != &s->sources; at = at->next) {
        const struct source *src = CONTAINER_OF(at, struct source, all);
        n += sotto__mem_size(src) + sotto__mem_size(src->rid) + of_receiver(src->receiver);
    }
    return n;
}

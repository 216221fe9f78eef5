/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The send queues of the channels and the weighted round between them (deficit round robin; weights of RFC 8831 §6.4). In: messages
 * of open channels; out: sctp, as far as its backlog has room, so that a late message of an urgent channel overtakes early ones of
 * others. Bounded by bytes and by count per channel; the callers check.
 */
#include <string.h>

#include "peer/private.h"
#include "util/mem.h"
#include "wire/dcep.h"

struct message {
    struct node node;
    uint32_t ppid;
    sotto_us at;
    size_t n;
    uint8_t data[];
};

#define QUANTUM 8192 /* bytes a round for weight 256 */

static int64_t quantum(const struct channel *c)
{
    /* SOTTO_PRIORITY_VERY_LOW … HIGH: weights 128, 256, 512, 1024 */
    return (int64_t)QUANTUM / 2 << (c->priority - SOTTO_PRIORITY_VERY_LOW);
}

static int give(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid, const uint8_t *data,
                size_t n, sotto_us waited)
{
    static const uint8_t zero = 0; /* RFC 8831 §6.6: an empty message is one zero byte */
    struct sctp_send_opt opt = {.sid = (uint16_t)c->id, .ppid = ppid};
    if (ppid != PPID_DCEP) {
        /* RFC 8832 §6: until the ACK is here, in order behind the OPEN */
        opt.unordered = c->unordered && (c->negotiated || c->remote || c->k.acked);
        opt.reliability = c->reliability;
        opt.limit = c->limit;
        if (c->reliability == SOTTO_DC_MAX_LIFETIME) {
            uint32_t ms = (uint32_t)(waited / 1000);
            if (ms > 0 && ms >= c->limit) return 0; /* its life ended in our queue */
            opt.limit -= ms;
        }
    }
    int r = sotto__sctp_send(p->transport.sctp, now, &opt, n ? data : &zero, n ? n : 1);
    if (r == 0 && ppid != PPID_DCEP) {
        c->messages_out++;
        c->bytes_out += n;
    }
    return r;
}

static bool is_user(uint32_t ppid)
{
    return ppid != PPID_DCEP;
}

int sotto__sendq_now(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid,
                     const void *data, size_t n)
{
    if (!p->sctp_up || c->k.n_messages > 0 || !sotto__list_empty(&p->round)) return SOTTO_E_AGAIN;
    return give(p, now, c, ppid, data, n, 0);
}

int sotto__sendq_push(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid,
                      const void *data, size_t n)
{
    struct message *m = sotto__malloc(sizeof *m + n);
    if (!m) return SOTTO_E_NOMEM;
    *m = (struct message){.ppid = ppid, .at = now, .n = n};
    if (n > 0) memcpy(m->data, data, n);
    sotto__list_push(&c->k.messages, &m->node);
    if (c->k.n_messages++ == 0) sotto__list_push(&p->round, &c->k.ready);
    if (is_user(ppid)) c->buffered += n;
    return 0;
}

static void pop(struct channel *c)
{
    struct message *m = CONTAINER_OF(sotto__list_pop(&c->k.messages), struct message, node);
    if (is_user(m->ppid)) c->buffered -= m->n;
    sotto__free(m);
    if (--c->k.n_messages > 0) return;
    sotto__list_remove(&c->k.ready);
    c->k.deficit = 0;
}

static void tell_room(struct peer *p, sotto_us now, struct channel *c, uint64_t before)
{
    if (before > c->buffered_low && c->buffered <= c->buffered_low)
        sotto__events_channel(p, now, c, SOTTO_EV_BUFFERED_LOW);
    bool fits = c->buffered == 0 || c->buffered + c->k.want_size <= p->max_buffered;
    if (c->k.want_writable && fits && c->buffered <= p->max_buffered / 2 &&
        c->k.n_messages <= SOTTO_MAX_QUEUED_MESSAGES / 2) {
        c->k.want_writable = false;
        sotto__events_channel(p, now, c, SOTTO_EV_WRITABLE);
    }
}

/* The channel's share of this round. false: SCTP takes no more. */
static bool serve(struct peer *p, sotto_us now, struct channel *c)
{
    uint64_t before = c->buffered;
    size_t waited = c->k.n_messages;
    bool room = true;
    c->k.deficit += quantum(c);
    while (c->k.n_messages > 0 && c->k.deficit > 0) {
        struct message *m = CONTAINER_OF(c->k.messages.next, struct message, node);
        int r = give(p, now, c, m->ppid, m->data, m->n, now - m->at);
        if (r < 0) {
            room = false;
            break;
        }
        c->k.deficit -= (int64_t)m->n + 1;
        pop(c);
    }
    if (c->k.n_messages != waited) tell_room(p, now, c, before);
    return room;
}

void sotto__sendq_pump(struct peer *p, sotto_us now)
{
    while (p->sctp_up && !sotto__list_empty(&p->round)) {
        struct channel *c = CONTAINER_OF(p->round.next, struct channel, k.ready);
        bool room = serve(p, now, c);
        if (c->k.n_messages == 0) {
            sotto__channel_after_queue(p, now, c);
        } else if (room) { /* to the tail; without room it keeps its place, and what it has left of this share */
            sotto__list_remove(&c->k.ready);
            sotto__list_push(&p->round, &c->k.ready);
        } else {
            c->k.deficit -= quantum(c);
        }
        if (!room) return;
    }
}

void sotto__sendq_clear(struct channel *c)
{
    uint64_t left = c->buffered; /* W3C: bufferedAmount does not reset when the channel closes */
    while (c->k.n_messages > 0) pop(c);
    c->buffered = left;
    c->k.want_writable = false;
}

size_t sotto__sendq_bytes(const struct channel *c)
{
    if (c->k.n_messages == 0) return 0; /* buffered may still count what was cleared */
    return (size_t)c->buffered + c->k.n_messages * sizeof(struct message);
}

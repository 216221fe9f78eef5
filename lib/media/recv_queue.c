/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames (in mode RTP: packets) that wait to be due and to be pulled. In: frames in order; out: the oldest that is due. The queue is
 * bounded by number and bytes: of video the newest key frame and what follows is kept, if there is one; of all else the newest. What was
 * dropped is counted exactly. Knows nothing of packets and gaps.
 */
#include "media/recv.h"
#include "media/recv_state.h"
#include "util/mem.h"

static struct received *oldest(const struct receiver *r)
{
    return CONTAINER_OF(r->queue.next, struct received, queue);
}

/* ---- memory ---- */

/* Small packets are not worth a block: a frame of SOTTO_MAX_FRAME has to fit into SOTTO_RECV_BYTES, whatever its packets are. Larger ones
 * do not come from browsers. */
static bool is_usual(size_t size)
{
    return size > RECV_BLOCK / 3 * 2 && size <= RECV_BLOCK;
}

size_t sotto__recv_cost(size_t size)
{
    return is_usual(size) ? RECV_BLOCK : size;
}

void *sotto__recv_block(struct receiver *r, size_t size)
{
    if (is_usual(size) && r->n_spares > 0) return r->spares[--r->n_spares];
    return sotto__malloc(sotto__recv_cost(size));
}

void sotto__recv_block_free(struct receiver *r, void *block, size_t size)
{
    if (is_usual(size) && r->n_spares < RECV_SPARES)
        r->spares[r->n_spares++] = block;
    else
        sotto__free(block);
}

static size_t held_bytes(const struct received *f)
{
    return f->home ? sotto__recv_cost(sizeof *f + f->n) : sizeof *f + f->n;
}

void sotto__received_free(struct received *f)
{
    if (!f) return;
    if (f->home) {
        sotto__recv_block_free(f->home, f, sizeof *f + f->n);
        return;
    }
    sotto__free(f->data);
    sotto__free(f);
}

/* ---- the queue ---- */

static struct received *take_oldest(struct receiver *r)
{
    struct received *f = oldest(r);
    if (r->held == &f->queue) r->held = f->queue.next;
    sotto__list_remove(&f->queue);
    if (r->newest_key == f) r->newest_key = NULL;
    if (r->n_due > 0) r->n_due--;
    r->n_queued--;
    r->n_bytes -= held_bytes(f);
    return f;
}

static void drop_oldest(struct receiver *r)
{
    struct received *f = take_oldest(r);
    uint64_t lost = f->dropped + 1;
    sotto__received_free(f);
    r->dropped++;
    r->stats.frames_dropped++;
    if (r->n_queued > 0)
        oldest(r)->dropped += lost;
    else
        r->lost += lost;
}

/* The application was too slow. */
static void drop_some(struct receiver *r)
{
    if (!r->cfg.is_video || r->cfg.mode == SOTTO_RECEIVE_RTP) {
        drop_oldest(r);
        return;
    }
    struct received *key = r->newest_key;
    if (key && key == oldest(r)) key = NULL; /* nothing would be gained */
    while (r->n_queued > 0 && oldest(r) != key) drop_oldest(r);
    if (!key) sotto__recv_break(r, 0);
}

void sotto__recv_trim(struct receiver *r)
{
    size_t max = r->cfg.mode == SOTTO_RECEIVE_RTP ? SOTTO_RECV_PACKETS : SOTTO_RECV_FRAMES;
    while (r->n_due > max || r->n_queued > SOTTO_RECV_PACKETS) drop_some(r);
}

void sotto__recv_make_room(struct receiver *r, size_t n)
{
    while (r->n_queued > 0 && r->n_bytes + n > SOTTO_RECV_BYTES) drop_some(r);
}

/* Never before an older one; whatever the RTP time says, no later than the target after it came. */
static void set_due(struct receiver *r, sotto_us now, struct received *f)
{
    f->due = now;
    if (r->cfg.mode == SOTTO_RECEIVE_FRAMES && !f->is_packet) {
        f->due = sotto__jitter_due(&r->jitter, f->time);
        sotto_us latest = f->at + sotto__jitter_target(&r->jitter);
        if (f->due > latest) f->due = latest;
    }
    if (f->due < r->due) f->due = r->due;
    r->due = f->due;
}

void sotto__recv_push(struct receiver *r, sotto_us now, struct received *f)
{
    size_t n = held_bytes(f);
    sotto__recv_make_room(r, n);
    if (f->is_key) {
        r->broken = RECV_NO_LAYER;
        r->key_needed = false;
    } else if (r->cfg.is_video && !f->is_packet && r->broken == 0) { /* what it needs made room */
        r->lost++;
        r->dropped++;
        r->stats.frames_dropped++;
        sotto__received_free(f);
        return;
    }
    set_due(r, now, f);
    f->dropped = r->lost;
    r->lost = 0;
    sotto__list_push(&r->queue, &f->queue);
    if (r->held == &r->queue) r->held = &f->queue;
    if (f->is_key) r->newest_key = f;
    r->n_queued++;
    r->n_bytes += n;
    sotto__recv_ripen(r, now);
    sotto__recv_trim(r);
}

void sotto__recv_ripen(struct receiver *r, sotto_us now)
{
    while (r->held != &r->queue && CONTAINER_OF(r->held, struct received, queue)->due <= now) {
        r->held = r->held->next;
        r->n_due++;
    }
}

sotto_us sotto__recv_queue_due(const struct receiver *r)
{
    if (r->held == &r->queue) return SOTTO_NEVER;
    return CONTAINER_OF(r->held, struct received, queue)->due;
}

void sotto__recv_retime(struct receiver *r, sotto_us now)
{
    r->due = INT64_MIN;
    r->n_due = 0;
    r->held = r->queue.next;
    for (struct node *n = r->queue.next; n != &r->queue; n = n->next)
        set_due(r, now, CONTAINER_OF(n, struct received, queue));
    sotto__recv_ripen(r, now);
}

bool sotto__receiver_ready(const struct receiver *r)
{
    return r->n_due > 0;
}

struct received *sotto__receiver_pull(struct receiver *r, sotto_us now)
{
    sotto__recv_ripen(r, now);
    if (r->n_due == 0) return NULL;
    struct received *f = take_oldest(r);
    r->stats.emitted++;
    r->stats.buffer_delay += now - f->first_at;
    r->stats.buffer_target += sotto__receiver_delay(r);
    return f;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of missing packets of one source (RFC 4585 §6.2.1). In: the sequence numbers that came; out: those to ask for. A gap is first
 * given the time that reordering took lately; an answer is awaited for a bit more than the round trip, later ones longer. Knows nothing of
 * frames: who finds that a packet is of no use any more calls forget.
 */
#include "media/nack.h"

#include <string.h>

#include "util/mem.h"

#define FIRST_RTT SOTTO_MS(100) /* before anything is known */
#define MIN_RTT SOTTO_MS(10)
#define MAX_RTT SOTTO_MS(1000)
#define FIRST_REORDERING SOTTO_MS(10)
#define MIN_REORDERING SOTTO_MS(5)
#define MAX_REORDERING SOTTO_MS(100)
#define FIRST_ITEMS 16u

void sotto__nack_init(struct nack *k)
{
    *k = (struct nack){.highest = -1, .rtt = FIRST_RTT, .reordering = FIRST_REORDERING};
}

void sotto__nack_free(struct nack *k)
{
    sotto__free(k->items);
    sotto__nack_init(k);
}

void sotto__nack_restart(struct nack *k, int64_t highest)
{
    k->n = 0;
    k->highest = highest;
}

/* Where it stands, or would stand. */
static size_t find(const struct nack *k, int64_t seq)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (k->items[mid].seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool reserve(struct nack *k, size_t more)
{
    if (more > SOTTO_MAX_NACKS - k->n) return false;
    size_t cap = k->cap > 0 ? k->cap : FIRST_ITEMS;
    while (cap < k->n + more) cap *= 2;
    if (cap == k->cap) return true;
    struct nack_item *items = sotto__realloc(k->items, cap * sizeof *items);
    if (!items) return false;
    k->items = items;
    k->cap = cap;
    return true;
}

static struct nack_item missing(const struct nack *k, sotto_us now, int64_t seq)
{
    return (struct nack_item){.seq = seq, .since = now, .next = now + k->reordering};
}

/* A gap was filled by itself: how long that took. Such moments are remembered long, so that rare ones cost few needless requests. */
static void learn_reordering(struct nack *k, sotto_us took)
{
    sotto_us want = took + took / 4;
    if (want > k->reordering)
        k->reordering = want;
    else
        k->reordering -= (k->reordering - want) / 32;
    if (k->reordering < MIN_REORDERING) k->reordering = MIN_REORDERING;
    if (k->reordering > MAX_REORDERING) k->reordering = MAX_REORDERING;
}

static void learn_rtt(struct nack *k, const struct nack_item *item, sotto_us now)
{
    if (k->rtt_given || item->asked != 1) return; /* which question was answered? */
    sotto_us rtt = (3 * k->rtt + (now - item->asked_at)) / 4;
    k->rtt = rtt < MIN_RTT ? MIN_RTT : rtt > MAX_RTT ? MAX_RTT : rtt;
}

static enum nack_result fill(struct nack *k, sotto_us now, int64_t seq)
{
    size_t i = find(k, seq);
    if (i == k->n || k->items[i].seq != seq) return NACK_UNKNOWN;
    struct nack_item item = k->items[i];
    memmove(&k->items[i], &k->items[i + 1], (k->n - i - 1) * sizeof item);
    k->n--;
    if (item.asked == 0 || (item.asked == 1 && now - item.asked_at < k->rtt / 2)) {
        learn_reordering(k, now - item.since);
        return NACK_FILLED;
    }
    learn_rtt(k, &item, now);
    return NACK_REPAIRED;
}

enum nack_result sotto__nack_packet(struct nack *k, sotto_us now, int64_t seq)
{
    if (k->highest >= 0 && seq <= k->highest) return fill(k, now, seq);
    int64_t first = k->highest < 0 ? seq : k->highest + 1;
    k->highest = seq;
    if (first == seq) {
        if (k->reordering > MIN_REORDERING) k->reordering -= k->reordering / 4096;
        return NACK_NEW;
    }
    if (seq - first > (int64_t)SOTTO_MAX_NACKS || !reserve(k, (size_t)(seq - first))) {
        k->n = 0;
        return NACK_TOO_MANY;
    }
    for (int64_t s = first; s < seq; s++) k->items[k->n++] = missing(k, now, s);
    return NACK_NEW;
}

void sotto__nack_before(struct nack *k, sotto_us now, int64_t from, int64_t to)
{
    if (to <= from || to - from > (int64_t)SOTTO_MAX_NACKS || !reserve(k, (size_t)(to - from)))
        return;
    size_t more = (size_t)(to - from);
    memmove(&k->items[more], k->items, k->n * sizeof *k->items);
    k->n += more;
    for (size_t i = 0; i < more; i++) k->items[i] = missing(k, now, from + (int64_t)i);
}

void sotto__nack_forget(struct nack *k, int64_t below)
{
    size_t gone = find(k, below);
    if (gone == 0) return;
    memmove(k->items, &k->items[gone], (k->n - gone) * sizeof *k->items);
    k->n -= gone;
}

void sotto__nack_set_rtt(struct nack *k, sotto_us rtt)
{
    if (rtt <= 0) return;
    k->rtt = rtt < MIN_RTT ? MIN_RTT : rtt > MAX_RTT ? MAX_RTT : rtt;
    k->rtt_given = true;
}

sotto_us sotto__nack_since(const struct nack *k, int64_t seq)
{
    size_t i = find(k, seq);
    return i < k->n && k->items[i].seq == seq ? k->items[i].since : -1;
}

/* An answer takes the round trip and a bit. If there was none, question or answer was lost: from the second time on each question is asked
 * twice, which is cheap, as senders repeat a packet once a round trip at most. Later there is more time in between: haste did not help. */
static sotto_us patience(const struct nack *k, unsigned asked)
{
    sotto_us once = k->rtt + k->rtt / 8 + SOTTO_MS(5);
    if (asked > 6) once += once * (asked - 6) / 4;
    return asked == 1 ? once : asked % 2 == 0 ? once / 3 : once - once / 3;
}

size_t sotto__nack_next(struct nack *k, sotto_us now, uint16_t *seqs, size_t max)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < k->n; i++) {
        struct nack_item item = k->items[i];
        bool is_due = item.next <= now;
        if (is_due && item.asked >= NACK_MAX_ASKED) continue;
        if (is_due && n < max) {
            seqs[n++] = (uint16_t)item.seq;
            item.asked++;
            item.asked_at = now;
            item.next = now + patience(k, item.asked);
        }
        k->items[kept++] = item;
    }
    k->n = kept;
    return n;
}

sotto_us sotto__nack_due(const struct nack *k)
{
    sotto_us due = SOTTO_NEVER;
    for (size_t i = 0; i < k->n; i++) due = sotto__earlier(due, k->items[i].next);
    return due;
}

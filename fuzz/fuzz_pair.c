/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: a whole pair of peers with a man in the middle whom the input drives (drop, alter, cut, repeat, hold back, forge).
 * Property: nothing is left behind, no event breaks its order, what arrives on the reliable channel is what was sent, and afterwards
 * a fresh pair in the same contexts connects. What the peers send is STUN, DTLS or SRTP, and nothing of what is said in the channel
 * stands in it. A call of two others in the same process, whom he does not touch, goes on: each message comes, once and in order.
 * proves: S08 S14 H056 H057
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "require.h"
#include "transport/net_watch.h"
#include "wire/demux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void pair_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

enum { KEPT = 8 };

struct man {
    const struct pair *mark; /* whose datagrams he has */
    const uint8_t *p;
    size_t n;
    struct net_datagram *kept[KEPT];
    size_t n_kept;
};

static uint8_t next(struct man *m)
{
    if (m->n == 0) return 0;
    m->n--;
    return *m->p++;
}

static void keep(struct man *m, const struct net_datagram *d)
{
    struct net_datagram **slot = &m->kept[m->n_kept++ % KEPT];
    free(*slot);
    *slot = malloc(sizeof *d + d->n + 1);
    if (!*slot) abort();
    memcpy(*slot, d, sizeof *d + d->n);
}

static void forge(struct man *m, struct net *net, const struct net_datagram *d)
{
    uint8_t bytes[256];
    size_t n = next(m);
    for (size_t i = 0; i < n; i++) bytes[i] = i < m->n ? m->p[i] : (uint8_t)(i * 7);
    m->p += n < m->n ? n : m->n;
    m->n -= n < m->n ? n : m->n;
    net_inject(net, &d->from, &d->to, bytes, n, SOTTO_MS(next(m)));
}

/* What a host of ours sends: framed as it must be, and without a run of the bytes of chan_number()'s messages. */
static void look(const struct net_datagram *d)
{
    uint8_t said[32];
    for (size_t i = 0; i < sizeof said; i++) said[i] = (uint8_t)((i + 24) * 131 >> 3);
    enum packet_kind kind = sotto__demux(d->p, d->n);
    require(kind == PACKET_STUN || kind == PACKET_DTLS);
    require(!memmem(d->p, d->n, said, sizeof said));
}

static bool is_of(const struct pair *p, const struct net_datagram *d)
{
    for (int i = 0; i < 2; i++)
        if (sotto__net_same_ip(&d->from, &p->side[i].host->addresses[0])) return true;
    return false;
}

static enum net_verdict meddle(struct net *net, struct net_datagram *d, void *user)
{
    struct man *m = user;
    look(d);
    if (!is_of(m->mark, d)) return NET_PASS;
    if (m->n == 0 || d->n == 0) return NET_PASS;
    const struct net_datagram *old = m->kept[next(m) % KEPT];
    switch (next(m) % 10) {
    case 0: return NET_DROP;
    case 1: d->p[next(m) % d->n] ^= next(m); break;
    case 2: d->p[(size_t)(next(m) << 8 | next(m)) % d->n] = next(m); break;
    case 3: d->n = (size_t)(next(m) << 8 | next(m)) % d->n; break;
    case 4: net_inject(net, &d->from, &d->to, d->p, d->n, SOTTO_MS(next(m))); break;
    case 5: net_inject(net, &d->from, &d->to, d->p, d->n, SOTTO_MS(10) * next(m)); return NET_DROP;
    case 6: net_inject(net, &d->to, &d->from, d->p, d->n, SOTTO_MS(5)); break;
    case 7: forge(m, net, d); break;
    case 8:
        if (old) net_inject(net, &d->from, &d->to, old->p, old->n, SOTTO_MS(next(m)));
        break;
    default: break;
    }
    keep(m, d); /* as it is now: what it replaces may have been `old` */
    return NET_PASS;
}

static void talk(struct pair *p, struct chan *c, struct chan *beside)
{
    for (int i = 0; i < 10; i++) {
        if (c->phase == CHAN_OPEN) chan_number(c, (size_t)(100 << i % 6));
        if (i % 4 == 0) chan_number(beside, 200);
        pair_run(p, SOTTO_MS(30));
    }
    struct chan *d = side_find(&p->side[1], "c");
    if (d) CHECK(d->n_disorder == 0 && d->n_in <= c->n_out);
}

/* Two others, in the same network and process: their call stands before he begins. */
static struct pair *neighbours(struct pair *p, struct chan **ret)
{
    struct pair_opt o = {.beside = p, .addresses = {"192.0.2.101", "192.0.2.102"}};
    struct pair *q = pair_new(7, &o);
    *ret = side_channel(&q->side[0], "c", NULL);
    CHECK(*ret && pair_offer(q, 0) == 0);
    CHECK(pair_until(q, SOTTO_SECONDS(20), pair_is_connected, NULL));
    pair_run(q, SOTTO_MS(200));
    CHECK((*ret)->phase == CHAN_OPEN);
    return q;
}

static void live_on(struct pair *q, struct chan *c)
{
    CHECK(pair_is_connected(q, NULL) && chan_number(c, 300) == 0);
    pair_run(q, SOTTO_MS(200));
    struct chan *d = side_find(&q->side[1], "c");
    CHECK(d && chan_same(c, d) && d->n_disorder == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chan *beside = NULL;
    struct man m = {.p = data, .n = size};
    uint8_t options = next(&m);
    struct pair_opt o = {
        .no_trickle = options & 1, .no_end = options & 2, .one_context = options & 4};
    struct pair *p = pair_new(options, &o), *q = neighbours(p, &beside);
    m.mark = p;
    p->net->tap = meddle, p->net->tap_user = &m;
    struct chan *c = side_channel(&p->side[0], "c", NULL);
    CHECK(c && pair_offer(p, 0) == 0);
    pair_run(p, SOTTO_MS(300));
    talk(p, c, beside);
    pair_run(p, SOTTO_SECONDS(options & 8 ? 40 : 1));
    live_on(q, beside);
    p->net->tap = NULL;
    pair_renew(p);
    CHECK(side_channel(&p->side[1], "fresh", NULL) && pair_offer(p, 1) == 0);
    CHECK(pair_until(p, SOTTO_SECONDS(20), pair_is_connected, NULL));
    pair_free(q);
    pair_free(p);
    for (size_t i = 0; i < KEPT; i++) free(m.kept[i]);
    return 0;
}

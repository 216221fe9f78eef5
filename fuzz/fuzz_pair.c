/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: a whole pair of peers with a man in the middle whom the input drives (drop, alter, cut, repeat, hold back, forge).
 * Property: nothing is left behind, no event breaks its order, what arrives on the reliable channel is what was sent, and afterwards
 * a fresh pair in the same contexts connects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void pair_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

enum { KEPT = 8 };

struct man {
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

static enum net_verdict meddle(struct net *net, struct net_datagram *d, void *user)
{
    struct man *m = user;
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

static void talk(struct pair *p, struct chan *c)
{
    for (int i = 0; i < 10; i++) {
        if (c->phase == CHAN_OPEN) chan_number(c, (size_t)(100 << i % 6));
        pair_run(p, SOTTO_MS(30));
    }
    struct chan *d = side_find(&p->side[1], "c");
    if (d) CHECK(d->n_disorder == 0 && d->n_in <= c->n_out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct man m = {.p = data, .n = size};
    uint8_t options = next(&m);
    struct pair_opt o = {
        .no_trickle = options & 1, .no_end = options & 2, .one_context = options & 4};
    struct pair *p = pair_new(options, &o);
    p->net->tap = meddle, p->net->tap_user = &m;
    struct chan *c = side_channel(&p->side[0], "c", NULL);
    CHECK(c && pair_offer(p, 0) == 0);
    pair_run(p, SOTTO_MS(300));
    talk(p, c);
    pair_run(p, SOTTO_SECONDS(options & 8 ? 40 : 1));
    p->net->tap = NULL;
    pair_renew(p);
    CHECK(side_channel(&p->side[1], "fresh", NULL) && pair_offer(p, 1) == 0);
    CHECK(pair_until(p, SOTTO_SECONDS(20), pair_is_connected, NULL));
    pair_free(p);
    for (size_t i = 0; i < KEPT; i++) free(m.kept[i]);
    return 0;
}

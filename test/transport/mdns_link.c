/* SPDX-License-Identifier: BSD-2-Clause */
/* See mdns_link.h. A "descriptor" is 10, and 11 for IPv6. */
#include "mdns_link.h"

static int host_interfaces(void *world, struct net_interface *out, size_t max)
{
    struct host *h = world;
    h->looked++;
    for (size_t i = 0; i < h->n_interfaces && i < max; i++)
        out[i] = (struct net_interface){(unsigned)i + 1, {true, !h->has_only_v4}};
    return (int)(h->n_interfaces < max ? h->n_interfaces : max);
}

static int host_open(void *world, uint8_t family, uint16_t port)
{
    struct host *h = world;
    assert_int_equal(port, 5353);
    if (h->no_sockets) return SOTTO_E_SYS;
    assert_false(h->open[family == 6]);
    h->open[family == 6] = true;
    h->opened++;
    return family == 6 ? 11 : 10;
}

static void host_join(void *world, int fd, const struct address *group, unsigned interface)
{
    struct host *h = world;
    char text[46];
    assert_true(h->open[fd - 10]);
    assert_string_equal(sotto__address_text(group, text), fd == 11 ? "ff02::fb" : "224.0.0.251");
    h->joined[fd - 10] |= 1u << interface;
}

static bool host_send(void *world, int fd, const struct address *to, unsigned interface,
                      const uint8_t *p, size_t n)
{
    struct host *h = world;
    assert_true(h->open[fd - 10] && (to->family == 6) == (fd == 11));
    assert_true(h->n_sent < MAX_SENT);
    if (h->deaf) return false;
    struct sent *s = &h->sent[h->n_sent++];
    *s = (struct sent){.to = *to, .interface = interface, .n = n};
    memcpy(s->p, p, n);
    return true;
}

static size_t host_receive(void *world, int fd, struct net_origin *from, uint8_t *p, size_t cap)
{
    struct host *h = world;
    if (h->at_waiting == h->n_waiting) return 0;
    struct waiting *w = &h->waiting[h->at_waiting];
    if ((w->from.addr.family == 6) != (fd == 11)) return 0;
    h->at_waiting++;
    assert_true(w->n <= cap);
    *from = w->from;
    memcpy(p, w->p, w->n);
    return w->n;
}

static void host_close(void *world, int fd)
{
    struct host *h = world;
    assert_true(h->open[fd - 10]);
    h->open[fd - 10] = false;
    h->closed++;
}

static const struct net_ops ops = {host_interfaces, host_open,    host_join,
                                   host_send,       host_receive, host_close};

const struct address v4 = {4, {192, 0, 2, 7}, 0};
const struct address v6 = {6, {0x20, 1, 0xd, 0xb8, [15] = 7}, 0};
const struct net_origin neighbour = {{4, {192, 0, 2, 7}, 5353}, 1};

struct rig *rig_new(size_t interfaces)
{
    struct rig *r = calloc(1, sizeof *r);
    struct mdns_cfg cfg = {.ops = &ops, .world = &r->host};
    r->host.n_interfaces = interfaces;
    r->now = START;
    sotto__mdns_agent_init(&r->a, &cfg);
    return r;
}

void rig_free(struct rig *r)
{
    sotto__mdns_agent_free(&r->a);
    assert_false(r->host.open[0] || r->host.open[1]);
    free(r);
}

size_t rig_run(struct rig *r, sotto_us until, struct mdns_out *out)
{
    struct mdns_out one;
    size_t n = 0;
    for (int turns = 0;; turns++) {
        assert_true(turns < 10000);
        while (sotto__mdns_agent_next(&r->a, r->now, &one) == 1) {
            n++;
            if (out) *out = one;
        }
        sotto_us due = sotto__mdns_agent_due(&r->a);
        if (due > until) break;
        assert_true(due > r->now); /* nothing is due at once again and again */
        r->now = due;
    }
    if (until > r->now) r->now = until;
    return n;
}

void rig_put(struct rig *r, const struct net_origin *from, const struct writer *w)
{
    struct waiting *x = &r->host.waiting[r->host.n_waiting++];
    assert_true(!w->bad && w->n <= sizeof x->p && r->host.n_waiting <= MAX_WAITING);
    x->from = *from;
    x->n = w->n;
    memcpy(x->p, w->p, w->n);
    sotto__mdns_agent_ready(&r->a);
}

void rig_answer(struct rig *r, const struct net_origin *from, const char *name,
                const struct address *addr, uint32_t ttl)
{
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_record rec = {
        .type = addr->family == 6 ? MDNS_AAAA : MDNS_A, .flush = true, .ttl = ttl, .addr = *addr};
    snprintf(rec.name, sizeof rec.name, "%s", name);
    sotto__mdns_begin(&w, 0, true);
    sotto__mdns_add_record(&w, &rec);
    rig_put(r, from, &w);
}

void rig_question(struct rig *r, const struct net_origin *from, const char *name, uint16_t type,
                  bool unicast)
{
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_question q = {.type = type, .unicast = unicast};
    snprintf(q.name, sizeof q.name, "%s", name);
    sotto__mdns_begin(&w, 77, false);
    sotto__mdns_add_question(&w, &q);
    rig_put(r, from, &w);
}

void rig_ask(struct rig *r, const char *name, void *owner)
{
    assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, sotto__str(name), false, owner), 0);
}

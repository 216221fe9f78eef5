/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: the mDNS agent, on a link that is made up: names asked for, hidden and forgotten, datagrams, time, as a list of operations.
 * Property: each name that is asked for is told once, in time, unless its owner is forgotten; what is told is an address that may be
 * used; answers to single askers are so many a second, and go to who asked; nothing is due at once again and again; with nothing to do
 * there is no socket.
 */
#include <stdlib.h>

#include "transport/mdns_agent.h"
#include "wire/mdns.h"

#define OWNERS 4
#define LABELS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct mdns_agent agent;
    struct reader in;
    sotto_us now;
    bool open[2], deaf;
    unsigned waiting[OWNERS]; /* names that are not told yet */
    const uint8_t *datagram;  /* the next one to be received; NULL: none */
    size_t n_datagram;
    struct net_origin from;
    sotto_us second;
    unsigned to_one; /* in that second */
};

static void require(bool claim)
{
    if (!claim) abort();
}

static int make_interfaces(void *world, struct net_interface *out, size_t max)
{
    (void)world, (void)max;
    out[0] = (struct net_interface){1, {true, true}};
    out[1] = (struct net_interface){2, {true, false}};
    return 2;
}

static int make_socket(void *world, uint8_t family, uint16_t port)
{
    struct world *w = world;
    require(port == 5353 && !w->open[family == 6]);
    if (w->deaf) return SOTTO_E_SYS;
    w->open[family == 6] = true;
    return family;
}

static void join(void *world, int fd, const struct address *group, unsigned interface)
{
    require(((struct world *)world)->open[fd == 6] && group->family == fd && interface <= 2);
}

static bool count_sent(void *world, int fd, const struct address *to, unsigned interface,
                       const uint8_t *p, size_t n)
{
    struct world *w = world;
    struct mdns_reader m;
    struct mdns_record r;
    bool is_group = to->ip[0] == 224 || to->ip[0] == 0xff;
    require(w->open[fd == 6] && to->family == fd && interface >= 1 && interface <= 2);
    require(n <= MDNS_MESSAGE && sotto__mdns_open(&m, p, n) == 0);
    if (!m.is_response) {
        require(is_group && m.questions == 2 && to->port == 5353);
        return true;
    }
    require(sotto__mdns_next_record(&m, &r) == 1 && sotto__mdns_is_local(sotto__str(r.name)));
    if (is_group) return true;
    require(sotto__address_eq(to, &w->from.addr) && !w->from.is_far); /* to nobody else than who asks */
    if (w->now - w->second >= SOTTO_SECONDS(1)) w->second = w->now, w->to_one = 0;
    require(++w->to_one <= 2 * SOTTO_MAX_MDNS_UNICAST); /* its second and ours may overlap */
    return true;
}

static size_t take(void *world, int fd, struct net_origin *from, uint8_t *p, size_t cap)
{
    struct world *w = world;
    if (!w->datagram || w->from.addr.family != fd) return 0;
    size_t n = w->n_datagram < cap ? w->n_datagram : cap;
    memcpy(p, w->datagram, n);
    *from = w->from;
    w->datagram = NULL;
    return n;
}

static void close_socket(void *world, int fd)
{
    struct world *w = world;
    require(w->open[fd == 6]);
    w->open[fd == 6] = false;
}

static const struct net_ops ops = {make_interfaces, make_socket, join,
                                   count_sent,      take,        close_socket};

static void turn(struct world *w)
{
    struct mdns_out out;
    while (sotto__mdns_agent_next(&w->agent, w->now, &out) == 1) {
        unsigned *waiting = out.owner;
        require(*waiting > 0);
        --*waiting;
        struct address a = out.addr;
        a.port = 1;
        require(a.family == 0 || sotto__address_usable(&a, true));
    }
    require(sotto__mdns_agent_due(&w->agent) > w->now);
    unsigned all = 0;
    for (int i = 0; i < OWNERS; i++) all += w->waiting[i];
    require(all == w->agent.n_asks);
    if (all == 0 && w->agent.n_names == 0) require(!w->open[0] && !w->open[1]);
}

/* A well-formed message about one of our names, or one that is asked for. */
static size_t make_message(struct world *w, uint8_t how, uint8_t out[MDNS_MESSAGE])
{
    struct writer to = sotto__writer(out, MDNS_MESSAGE);
    struct mdns_question q = {.type = how & 1   ? MDNS_A
                                      : how & 2 ? MDNS_ANY
                                                : MDNS_AAAA,
                              .unicast = how & 4};
    struct mdns_record r = {.type = how & 1 ? MDNS_A : MDNS_AAAA, .ttl = how & 2 ? 120 : 0};
    char name[MDNS_NAME] = "";
    if (how & 8) { /* the head of the list is a struct with the name at its end: ask instead of looking */
        char hidden[MDNS_LOCAL];
        static const struct address own = {4, {192, 0, 2, 1}, 0};
        if (sotto__mdns_agent_hide(&w->agent, w->now, &own, &w->waiting[0], hidden) == 0)
            memcpy(name, hidden, sizeof hidden);
    } else {
        name[0] = (char)('a' + how / 16 % LABELS);
        memcpy(name + 1, ".local", 7);
    }
    memcpy(q.name, name, sizeof name);
    memcpy(r.name, name, sizeof name);
    r.addr.family = r.type == MDNS_A ? 4 : 6;
    for (size_t i = 0; i < sizeof r.addr.ip; i++) r.addr.ip[i] = sotto__read_u8(&w->in);
    bool answers = how & 64;
    sotto__mdns_begin(&to, how, answers);
    if (answers)
        sotto__mdns_add_record(&to, &r);
    else
        sotto__mdns_add_question(&to, &q);
    return to.bad ? 0 : to.n;
}

static void receive(struct world *w, const uint8_t *p, size_t n, uint8_t from)
{
    w->from = (struct net_origin){{from & 1 ? 6 : 4, {from & 1 ? 0xfe : 192, 0x80, 2, from}, 5353},
                                  1 + (from >> 1 & 1u)};
    if (from & 4) w->from.addr.port = 40000;
    w->from.is_far = from & 8;
    w->datagram = p;
    w->n_datagram = n;
    sotto__mdns_agent_ready(&w->agent);
    turn(w);
    w->datagram = NULL;
}

static void step(struct world *w)
{
    uint8_t op = sotto__read_u8(&w->in), arg = sotto__read_u8(&w->in), bytes[MDNS_MESSAGE];
    unsigned *owner = &w->waiting[arg % OWNERS];
    char name[] = "a.local", hidden[MDNS_LOCAL];
    struct address own = {arg & 64 ? 6 : 4, {192, 0, 2, arg}, 9};
    switch (op % 6) {
    case 0:
        name[0] = (char)('a' + arg / OWNERS % LABELS);
        if (sotto__mdns_agent_ask(&w->agent, w->now, sotto__str(name), arg & 128, owner) == 0)
            ++*owner;
        break;
    case 1: sotto__mdns_agent_hide(&w->agent, w->now, &own, owner, hidden); break;
    case 2:
        sotto__mdns_agent_forget(&w->agent, owner);
        *owner = 0;
        break;
    case 3: {
        size_t n = arg < w->in.n ? arg : w->in.n;
        const uint8_t *p = sotto__read_view(&w->in, n);
        if (p) receive(w, p, n, op / 6);
        break;
    }
    case 4: {
        size_t n = make_message(w, arg, bytes);
        receive(w, bytes, n, op / 6);
        break;
    }
    default:
        if (op & 16) sotto__mdns_agent_moved(&w->agent, w->now);
        w->now += SOTTO_MS(arg) * (op & 8 ? 100 : 1);
        break;
    }
    turn(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.in = sotto__reader(data, size), .now = SOTTO_SECONDS(1)};
    sotto__mdns_agent_init(&w.agent, &(struct mdns_cfg){.ops = &ops, .world = &w});
    w.deaf = sotto__read_u8(&w.in) & 1;
    while (w.in.n > 0 && !w.in.bad) step(&w);
    /* whatever was asked for comes to its end: so many at a time, each in its time */
    for (unsigned i = 0; i <= SOTTO_MAX_MDNS_ASKS / SOTTO_MAX_MDNS_OWN_FLIGHT + 1; i++) {
        turn(&w);
        w.now += SOTTO_MDNS_ASK_US;
    }
    turn(&w);
    require(w.agent.n_asks == 0);
    sotto__mdns_agent_free(&w.agent);
    require(!w.open[0] && !w.open[1]);
    return 0;
}

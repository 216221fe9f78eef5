/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast DNS for ICE candidates: names of remotes are asked for (RFC 6762 §5), names that hide our addresses are answered for (§6), by
 * the mDNS draft §3. In: names, datagrams; out: addresses that may be used, or that nobody answered. We speak and listen on port 5353, as
 * browsers answer nobody else; the first question says that an answer to us alone will do. An answer must come from that port (§6) and
 * hold a name that is asked for: these are random, so whoever answers has seen the candidate. Knows nothing of ICE.
 * answers: H034 H035
 */
#include "transport/mdns_agent.h"

#include <poll.h>

#include "sotto/ctx.h"
#include "util/mem.h"
#include "wire/mdns.h"

#define PORT 5353
#define TTL 120u                     /* seconds, of an address: RFC 6762 §10 */
#define LEGACY_TTL 10u               /* … for who does not speak mDNS: §6.7 */
#define LOOK_EVERY SOTTO_SECONDS(1)  /* for interfaces, at most */
#define AGAIN SOTTO_SECONDS(1)       /* a record goes to a link no more often: §6 */
#define NEGATIVE (2 * SOTTO_MAX_MDNS_INTERFACES) /* in sent_at: that the other family has no address, to any link */
#define FRESH SOTTO_SECONDS(TTL / 4) /* sent within it: an answer to one is enough: §5.4 */

struct mdns_ask {
    struct node node;
    void *owner;
    bool allow_loopback, done;
    unsigned tries;
    sotto_us next_at, until; /* next_at: of the next question; until SOTTO_NEVER: it waits for its turn */
    struct address addr;     /* done: the answer; family 0: none */
    char name[MDNS_LOCAL];
};

struct mdns_name {
    struct node node;
    const void *owner;
    struct address addr;
    sotto_us sent_at[NEGATIVE + 1]; /* by interface and family; 0: never */
    char name[MDNS_LOCAL];
};

static const struct address groups[2] = {
    {.family = 4, .ip = {224, 0, 0, 251}, .port = PORT},
    {.family = 6, .ip = {0xff, 0x02, [15] = 0xfb}, .port = PORT},
};

static struct mdns_ask *ask_of(const struct node *n)
{
    return CONTAINER_OF(n, struct mdns_ask, node);
}

static struct mdns_name *name_of(const struct node *n)
{
    return CONTAINER_OF(n, struct mdns_name, node);
}

void sotto__mdns_agent_init(struct mdns_agent *a, const struct mdns_cfg *cfg)
{
    *a = (struct mdns_agent){.cfg = *cfg, .fds = {-1, -1}};
    sotto__list_init(&a->asks);
    sotto__list_init(&a->names);
}

/* ---- sockets ---- */

static void close_sockets(struct mdns_agent *a)
{
    for (size_t f = 0; f < 2; f++) {
        if (a->fds[f] >= 0) a->cfg.ops->close(a->cfg.world, a->fds[f]);
        a->fds[f] = -1;
    }
    a->n_interfaces = 0;
    a->looked_at = 0;
}

static void rest(struct mdns_agent *a)
{
    a->is_busy = a->has_input = a->has_room = false;
    close_sockets(a);
}

/* Sockets of both families, in the group on each interface that there is now. */
static void look(struct mdns_agent *a, sotto_us now)
{
    const struct net_ops *ops = a->cfg.ops;
    if (a->looked_at != 0 && now - a->looked_at < LOOK_EVERY) return;
    a->looked_at = now;
    int n = ops->interfaces(a->cfg.world, a->interfaces, SOTTO_MAX_MDNS_INTERFACES);
    a->n_interfaces = n > 0 ? (size_t)n : 0;
    for (size_t f = 0; f < 2; f++) {
        if (a->fds[f] < 0) a->fds[f] = ops->open(a->cfg.world, groups[f].family, PORT);
        for (size_t i = 0; a->fds[f] >= 0 && i < a->n_interfaces; i++)
            if (a->interfaces[i].has[f])
                ops->join(a->cfg.world, a->fds[f], &groups[f], a->interfaces[i].index);
    }
    if (a->fds[0] < 0 && a->fds[1] < 0) /* one of them is enough: there are hosts without IPv6 */
        SOTTO_LOG(a->cfg.log, SOTTO_LOG_WARNING, "mdns", "port 5353 cannot be used");
}

static void send_all(struct mdns_agent *a, const struct writer *w)
{
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; a->fds[f] >= 0 && i < a->n_interfaces; i++)
            if (a->interfaces[i].has[f]) /* one that does not leave is as one that is lost */
                (void)a->cfg.ops->send(a->cfg.world, a->fds[f], &groups[f], a->interfaces[i].index,
                                       w->p, w->n);
}

/* ---- asking ---- */

static void copy_lower(char to[MDNS_LOCAL], struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        to[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    to[name.n] = '\0';
}

int sotto__mdns_agent_ask(struct mdns_agent *a, sotto_us now, struct str name, bool allow_loopback,
                          void *owner)
{
    if (!sotto__mdns_is_local(name)) return SOTTO_E_SYNTAX;
    if (a->n_asks == SOTTO_MAX_MDNS_ASKS) return SOTTO_E_LIMIT;
    struct mdns_ask *ask = sotto__calloc(1, sizeof *ask);
    if (!ask) return SOTTO_E_NOMEM;
    *ask = (struct mdns_ask){
        .owner = owner, .allow_loopback = allow_loopback, .next_at = now, .until = SOTTO_NEVER};
    copy_lower(ask->name, name);
    sotto__list_push(&a->asks, &ask->node);
    a->n_asks++;
    a->is_busy = a->has_room = true;
    return 0;
}

static void send_question(struct mdns_agent *a, const struct mdns_ask *ask)
{
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_question q = {.type = MDNS_A, .unicast = ask->tries == 0};
    memcpy(q.name, ask->name, sizeof ask->name);
    sotto__mdns_begin(&w, 0, false); /* §18.1: an id of zero */
    sotto__mdns_add_question(&w, &q);
    q.type = MDNS_AAAA;
    sotto__mdns_add_question(&w, &q);
    if (!w.bad) send_all(a, &w);
}

/* Names that are being asked for: of this owner, or of all. */
static unsigned count_flight(const struct mdns_agent *a, const void *owner)
{
    unsigned all = 0;
    for (const struct node *n = a->asks.next; n != &a->asks; n = n->next)
        all += ask_of(n)->until != SOTTO_NEVER && (!owner || ask_of(n)->owner == owner);
    return all;
}

static void begin_asks(struct mdns_agent *a, sotto_us now)
{
    if (!a->has_room) return;
    unsigned all = count_flight(a, NULL);
    const void *full = &all; /* the last owner that was found to have as many as it may; so far nobody */
    a->has_room = false;
    for (struct node *n = a->asks.next; n != &a->asks && all < SOTTO_MAX_MDNS_FLIGHT; n = n->next) {
        struct mdns_ask *ask = ask_of(n);
        if (ask->until != SOTTO_NEVER || ask->owner == full) continue;
        if (count_flight(a, ask->owner) >= SOTTO_MAX_MDNS_OWN_FLIGHT) {
            full = ask->owner;
            continue;
        }
        ask->until = sotto__after(now, SOTTO_MDNS_ASK_US);
        ask->next_at = now;
        all++;
    }
}

/* Questions that are due. RFC 6762 §5.2: after 1 s, then twice as long. */
static void ask_due(struct mdns_agent *a, sotto_us now)
{
    begin_asks(a, now);
    for (struct node *n = a->asks.next; n != &a->asks; n = n->next) {
        struct mdns_ask *ask = ask_of(n);
        if (ask->done || ask->until == SOTTO_NEVER) continue;
        if (now >= ask->until) {
            ask->done = true;
        } else if (now >= ask->next_at) {
            look(a, now);
            send_question(a, ask);
            ask->next_at = sotto__after(now, SOTTO_SECONDS(1) << ask->tries++);
        }
    }
}

static void take_answers(struct mdns_agent *a, struct mdns_reader *m)
{
    struct mdns_record r;
    while (sotto__mdns_next_record(m, &r) == 1) {
        if (!r.is_internet || r.is_authority || r.addr.family == 0 || r.ttl == 0) continue;
        for (struct node *n = a->asks.next; n != &a->asks; n = n->next) {
            struct mdns_ask *ask = ask_of(n);
            if (ask->done || ask->tries == 0 || strcmp(ask->name, r.name) != 0) continue;
            struct address usable = r.addr;
            usable.port = PORT; /* any: it is about the address */
            if (!sotto__address_usable(&usable, ask->allow_loopback)) continue;
            ask->addr = r.addr; /* one is enough: draft §3.2.2 */
            ask->done = true;
        }
    }
}

/* ---- answering ---- */

int sotto__mdns_agent_hide(struct mdns_agent *a, sotto_us now, const struct address *addr,
                           void *owner, char ret[static MDNS_LOCAL])
{
    struct mdns_name *name;
    for (struct node *n = a->names.next; n != &a->names; n = n->next) {
        name = name_of(n);
        if (name->owner != owner || name->addr.family != addr->family ||
            memcmp(name->addr.ip, addr->ip, sizeof addr->ip) != 0)
            continue;
        memcpy(ret, name->name, MDNS_LOCAL);
        return 0;
    }
    if (a->n_names == SOTTO_MAX_MDNS_NAMES) return SOTTO_E_LIMIT;
    name = sotto__calloc(1, sizeof *name);
    int r = name ? sotto__mdns_make_name(name->name) : SOTTO_E_NOMEM;
    if (r < 0) {
        sotto__free(name);
        return r;
    }
    name->owner = owner;
    name->addr = *addr;
    name->addr.port = 0;
    sotto__list_push(&a->names, &name->node);
    a->n_names++;
    a->is_busy = a->has_input = true; /* so that the sockets are looked at, which are new */
    look(a, now);
    memcpy(ret, name->name, MDNS_LOCAL);
    return 0;
}

/* The record that answers a question for this name: the address, or that there is none of this family (§6.1). */
static struct mdns_record record_for(const struct mdns_name *name, uint16_t type, bool legacy)
{
    uint16_t own = name->addr.family == 6 ? MDNS_AAAA : MDNS_A;
    struct mdns_record r = {.type = type == own || type == MDNS_ANY ? own : MDNS_NSEC,
                            .flush = !legacy, /* §6.7 */
                            .ttl = legacy ? LEGACY_TTL : TTL,
                            .addr = name->addr,
                            .has_a = own == MDNS_A,
                            .has_aaaa = own == MDNS_AAAA};
    memcpy(r.name, name->name, sizeof name->name);
    return r;
}

/* §7.1: the asker has it already, and for a while yet. */
static bool is_known(const struct mdns_reader *after, const struct mdns_record *r)
{
    struct mdns_reader m = *after;
    struct mdns_record known;
    while (m.records[0] > 0 && sotto__mdns_next_record(&m, &known) == 1)
        if (known.type == r->type && strcmp(known.name, r->name) == 0 && known.ttl >= r->ttl / 2 &&
            sotto__address_eq(&known.addr, &r->addr))
            return true;
    return false;
}

/* Answers to one are counted, as who asks may not be who is answered. */
static bool may_send_unicast(struct mdns_agent *a, sotto_us now)
{
    if (now - a->unicast_since >= SOTTO_SECONDS(1)) {
        a->unicast_since = now;
        a->n_unicast = 0;
    }
    if (a->n_unicast == SOTTO_MAX_MDNS_UNICAST) return false;
    a->n_unicast++;
    return true;
}

static void answer(struct mdns_agent *a, sotto_us now, size_t f, const struct net_origin *from,
                   const struct mdns_reader *m, const struct mdns_question *q)
{
    bool legacy = from->addr.port != PORT;
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_name *name = NULL;
    size_t at = 0;
    for (struct node *n = a->names.next; n != &a->names && !name; n = n->next)
        if (strcmp(name_of(n)->name, q->name) == 0) name = name_of(n);
    while (at < a->n_interfaces && a->interfaces[at].index != from->interface) at++;
    if (!name || !q->is_internet || at == a->n_interfaces) return;
    struct mdns_record r = record_for(name, q->type, legacy);
    sotto_us *sent_at = &name->sent_at[r.type == MDNS_NSEC ? NEGATIVE : 2 * at + f];
    bool fresh = *sent_at != 0 && now - *sent_at < FRESH;
    if (is_known(m, &r)) return;
    sotto__mdns_begin(&w, legacy ? m->id : 0, true);
    if (legacy) sotto__mdns_add_question(&w, q);
    sotto__mdns_add_record(&w, &r);
    if (w.bad) return;
    if (legacy || (q->unicast && fresh)) {
        if (may_send_unicast(a, now))
            a->cfg.ops->send(a->cfg.world, a->fds[f], &from->addr, from->interface, w.p, w.n);
    } else if (*sent_at == 0 || now - *sent_at >= AGAIN) {
        a->cfg.ops->send(a->cfg.world, a->fds[f], &groups[f], from->interface, w.p, w.n);
        *sent_at = now;
    }
}

static void take_questions(struct mdns_agent *a, sotto_us now, size_t f,
                           const struct net_origin *from, struct mdns_reader *m)
{
    struct mdns_question q[SOTTO_MAX_MDNS_QUESTIONS];
    size_t n = 0;
    while (n < SOTTO_MAX_MDNS_QUESTIONS && sotto__mdns_next_question(m, &q[n]) == 1) n++;
    /* known answers stand behind the last question */
    if (m->questions == 0)
        for (size_t i = 0; i < n; i++) answer(a, now, f, from, m, &q[i]);
}

/* ---- the verbs ---- */

static void receive(struct mdns_agent *a, sotto_us now, size_t f)
{
    uint8_t bytes[9000]; /* RFC 6762 §17 */
    struct net_origin from;
    struct mdns_reader m;
    size_t n;
    for (unsigned i = 0; a->fds[f] >= 0 && i < SOTTO_MAX_MDNS_TURN; i++) {
        n = a->cfg.ops->receive(a->cfg.world, a->fds[f], &from, bytes, sizeof bytes);
        if (n == 0) return;
        if (from.is_far || sotto__mdns_open(&m, bytes, n) < 0) continue; /* §11 */
        if (!m.is_response)
            take_questions(a, now, f, &from, &m);
        else if (from.addr.port == PORT)
            take_answers(a, &m);
    }
}

int sotto__mdns_agent_next(struct mdns_agent *a, sotto_us now, struct mdns_out *out)
{
    if (a->has_input) {
        a->has_input = false;
        for (size_t f = 0; f < 2; f++) receive(a, now, f);
    }
    ask_due(a, now);
    for (struct node *n = a->asks.next; n != &a->asks; n = n->next) {
        struct mdns_ask *ask = ask_of(n);
        if (!ask->done) continue;
        *out = (struct mdns_out){.owner = ask->owner, .addr = ask->addr};
        memcpy(out->name, ask->name, sizeof ask->name);
        sotto__list_remove(&ask->node);
        sotto__free(ask);
        a->n_asks--;
        a->has_room = true;
        return 1;
    }
    if (a->n_asks == 0 && a->n_names == 0) rest(a);
    return 0;
}

sotto_us sotto__mdns_agent_due(const struct mdns_agent *a)
{
    sotto_us due = a->has_input || a->has_room ? 0 : SOTTO_NEVER;
    for (const struct node *n = a->asks.next; n && n != &a->asks; n = n->next) {
        const struct mdns_ask *ask = ask_of(n);
        if (ask->until == SOTTO_NEVER) continue;
        due = sotto__earlier(due, ask->done ? 0 : sotto__earlier(ask->next_at, ask->until));
    }
    return due;
}

int sotto__mdns_agent_fds(const struct mdns_agent *a, struct sotto_fd *out, int max)
{
    int n = 0;
    for (size_t f = 0; f < 2 && n < max; f++)
        if (a->fds[f] >= 0 && a->cfg.ops) out[n++] = (struct sotto_fd){a->fds[f], POLLIN};
    return n;
}

void sotto__mdns_agent_ready(struct mdns_agent *a)
{
    a->has_input = true;
}

void sotto__mdns_agent_forget(struct mdns_agent *a, const void *owner)
{
    for (struct node *n = a->asks.next, *next; n != &a->asks; n = next) {
        next = n->next;
        if (ask_of(n)->owner != owner) continue;
        sotto__list_remove(n);
        sotto__free(ask_of(n));
        a->n_asks--;
        a->has_room = true;
    }
    for (struct node *n = a->names.next, *next; n != &a->names; n = next) {
        next = n->next;
        if (name_of(n)->owner != owner) continue;
        sotto__list_remove(n);
        sotto__free(name_of(n));
        a->n_names--;
    }
    if (a->n_asks == 0 && a->n_names == 0) rest(a);
}

/* Other sockets, too: the kernel counts groups of interfaces that went against those of one socket. */
void sotto__mdns_agent_moved(struct mdns_agent *a, sotto_us now)
{
    if (!a->is_busy) return;
    close_sockets(a);
    for (struct node *n = a->names.next; n != &a->names; n = n->next)
        memset(name_of(n)->sent_at, 0, sizeof name_of(n)->sent_at); /* the new links have heard nothing */
    look(a, now);
    a->has_input = true; /* so that the sockets are looked at, which are new */
}

void sotto__mdns_agent_free(struct mdns_agent *a)
{
    struct node *n;
    if (!a->cfg.ops) return;
    while ((n = sotto__list_pop(&a->asks))) sotto__free(ask_of(n));
    while ((n = sotto__list_pop(&a->names))) sotto__free(name_of(n));
    rest(a);
    *a = (struct mdns_agent){0};
}

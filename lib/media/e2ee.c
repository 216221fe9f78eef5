/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * End-to-end keys of one transceiver or data channel (RFC 9605 §4.4, §5.1, §9.3). Sending: under one key, with counters that the whole
 * process shares. Receiving: by the kid; a counter that was opened or is far behind is refused, also when it would open; a sender's ratchet
 * is followed after a frame has proven itself. In: keys and bytes; out: bytes, what became of them, what is to be told. Knows no codec.
 *
 * answers: S25 H137
 */
#include "media/e2ee.h"

#include <string.h>

#include "media/e2ee_counter.h"
#include "sotto/event.h"
#include "util/cold.h"
#include "util/limits.h"
#include "util/mem.h"
#include "util/secret.h"
#include "util/time.h"

enum { WORDS = SOTTO_E2EE_WINDOW / 64, N_WARNINGS = 3 };

struct step { /* of a ratchet; a key without one has a single one */
    struct sframe_key *key; /* NULL: none */
    uint64_t number;        /* from 1 on, and no other's: kids come again, with other keys */
    struct counter *counter; /* sending */
    bool any;                /* received: something was opened … */
    uint64_t highest, opened; /* … the highest counter, and how many */
    uint64_t seen[WORDS];    /* counters by their low bits, those of the window */
};

struct key {
    struct node all;
    int32_t cipher;
    unsigned bits;  /* of the ratchet; 0: none */
    uint64_t kid;   /* with the step in its low bits */
    uint8_t *base;  /* of the step: secret memory; NULL: it has no ratchet */
    size_t n_base;
    struct step now, before; /* before: for what is late */
};

struct side {
    bool required;
    struct node keys;
    uint32_t n_keys;
    struct key *current;   /* that sends, or that opened something last; NULL: none */
    uint64_t n_steps;      /* that there ever were */
    uint64_t passed, no_key, bad, replayed, old;
    uint64_t told[N_WARNINGS];
    sotto_us told_at;      /* 0: never */
    unsigned guesses;      /* steps of a ratchet that were made for nothing, since something was told */
};

struct e2ee {
    struct side send, receive;
};

/* ---- life ---- */

static void end_step(struct step *s)
{
    sotto__sframe_key_free(s->key);
    sotto__counter_put(s->counter);
    *s = (struct step){.key = NULL};
}

COLD static void free_key(struct key *k)
{
    end_step(&k->now);
    end_step(&k->before);
    sotto__secret_free(k->base);
    sotto__free(k);
}

COLD int sotto__e2ee_new(struct e2ee **ret)
{
    struct e2ee *e = sotto__calloc(1, sizeof *e);
    if (!e) return SOTTO_E_NOMEM;
    sotto__list_init(&e->send.keys);
    sotto__list_init(&e->receive.keys);
    *ret = e;
    return 0;
}

static void free_keys(struct side *s)
{
    s->current = NULL;
    s->n_keys = 0;
    while (!sotto__list_empty(&s->keys)) {
        struct node *n = sotto__list_pop(&s->keys);
        free_key(CONTAINER_OF(n, struct key, all));
    }
}

COLD void sotto__e2ee_end(struct e2ee *e)
{
    free_keys(&e->send);
    free_keys(&e->receive);
}

COLD void sotto__e2ee_free(struct e2ee *e)
{
    if (!e) return;
    sotto__e2ee_end(e);
    sotto__free(e);
}

COLD size_t sotto__e2ee_bytes(const struct e2ee *e)
{
    size_t n = sotto__mem_size(e);
    if (!e) return 0;
    const struct side *sides[] = {&e->send, &e->receive};
    for (size_t i = 0; i < 2; i++)
        for (const struct node *at = sides[i]->keys.next; at != &sides[i]->keys; at = at->next)
            n += sotto__mem_size(CONTAINER_OF(at, struct key, all));
    return n;
}

/* ---- keys ---- */

static struct side *side_of(struct e2ee *e, int32_t direction)
{
    return direction == SOTTO_E2EE_SEND ? &e->send : &e->receive;
}

/* All steps of a ratchet have one name. */
static struct key *find(const struct side *s, uint64_t kid)
{
    for (struct node *n = s->keys.next; n != &s->keys; n = n->next) {
        struct key *k = CONTAINER_OF(n, struct key, all);
        if (k->kid >> k->bits == kid >> k->bits) return k;
    }
    return NULL;
}

/* Whether another key already has one of the names that this one would have. */
static bool is_taken(const struct side *s, const sotto_e2ee_key *key)
{
    for (struct node *n = s->keys.next; n != &s->keys; n = n->next) {
        const struct key *k = CONTAINER_OF(n, struct key, all);
        unsigned bits = k->bits > key->ratchet_bits ? k->bits : key->ratchet_bits;
        if (k->kid >> bits == key->kid >> bits) return true;
    }
    return false;
}

static int make_step(struct step *ret, int32_t cipher, uint64_t kid, struct sframe_bytes base,
                     bool seals, uint64_t least)
{
    struct step s = {.key = NULL};
    int r = sotto__sframe_key_new(&s.key, cipher, kid, base, seals);
    if (r == 0 && seals) r = sotto__counter_get(sotto__sframe_key_id(s.key), least, &s.counter);
    if (r < 0) {
        end_step(&s);
        return r;
    }
    *ret = s;
    return 0;
}

/* Whether the other direction has this very key: then both ends seal under it, and use its counters twice. */
static bool is_reflected(const struct side *other, const struct step *step)
{
    const uint8_t *id = sotto__sframe_key_id(step->key);
    for (struct node *n = other->keys.next; n != &other->keys; n = n->next) {
        const struct key *k = CONTAINER_OF(n, struct key, all);
        if (memcmp(sotto__sframe_key_id(k->now.key), id, SFRAME_ID) == 0) return true;
    }
    return false;
}

static int check(const struct side *s, const sotto_e2ee_key *key, int32_t cipher)
{
    if (!sotto__sframe_knows(cipher)) return SOTTO_E_RANGE;
    if (key->key_len < SOTTO_E2EE_KEY_MIN || key->key_len > SOTTO_E2EE_KEY_MAX)
        return SOTTO_E_RANGE;
    if (key->ratchet_bits == 1 || key->ratchet_bits > 16) return SOTTO_E_RANGE;
    if (is_taken(s, key)) return SOTTO_E_ACCESS;
    return s->n_keys >= SOTTO_MAX_E2EE_KEYS ? SOTTO_E_LIMIT : 0;
}

COLD int sotto__e2ee_add(struct e2ee *e, int32_t direction, const sotto_e2ee_key *key)
{
    struct side *s = side_of(e, direction);
    int32_t cipher = key->cipher ? key->cipher : SOTTO_SFRAME_AES_128_GCM_SHA256_128;
    struct sframe_bytes base = {key->key, key->key_len};
    int r = check(s, key, cipher);
    if (r < 0) return r;
    struct key *k = sotto__calloc(1, sizeof *k);
    if (!k) return SOTTO_E_NOMEM;
    k->cipher = cipher, k->bits = key->ratchet_bits, k->kid = key->kid;
    r = make_step(&k->now, cipher, key->kid, base, s == &e->send, key->counter);
    if (r == 0 && is_reflected(s == &e->send ? &e->receive : &e->send, &k->now)) r = SOTTO_E_ACCESS;
    if (r == 0 && k->bits) {
        k->base = sotto__secret_new(SFRAME_MAX_BASE);
        if (!k->base) r = SOTTO_E_NOMEM;
    }
    if (r < 0) {
        free_key(k);
        return r;
    }
    if (k->base) memcpy(k->base, key->key, key->key_len);
    k->n_base = key->key_len;
    k->now.number = ++s->n_steps;
    sotto__list_push(&s->keys, &k->all);
    s->n_keys++;
    s->required = true;
    if (s == &e->send && !s->current) s->current = k;
    return 0;
}

COLD int sotto__e2ee_remove(struct e2ee *e, int32_t direction, uint64_t kid)
{
    struct side *s = side_of(e, direction);
    struct key *k = find(s, kid);
    if (!k) return SOTTO_E_RANGE;
    if (s->current == k) s->current = NULL;
    sotto__list_remove(&k->all);
    free_key(k);
    s->n_keys--;
    return 0;
}

COLD int sotto__e2ee_use(struct e2ee *e, uint64_t kid)
{
    struct key *k = find(&e->send, kid);
    if (!k) return SOTTO_E_RANGE;
    e->send.current = k;
    return 0;
}

void sotto__e2ee_require(struct e2ee *e, int32_t directions)
{
    if (directions & SOTTO_E2EE_SEND) e->send.required = true;
    if (directions & SOTTO_E2EE_RECEIVE) e->receive.required = true;
}

bool sotto__e2ee_is_required(const struct e2ee *e, int32_t direction)
{
    return e && (direction == SOTTO_E2EE_SEND ? e->send : e->receive).required;
}

bool sotto__e2ee_has_key(const struct e2ee *e, int32_t direction)
{
    return e && (direction == SOTTO_E2EE_SEND ? e->send.current != NULL : e->receive.n_keys > 0);
}

COLD void sotto__e2ee_get_stats(const struct e2ee *e, int32_t direction, sotto_e2ee_stats *ret)
{
    const struct side *s = direction == SOTTO_E2EE_SEND ? &e->send : &e->receive;
    ret->is_required = s->required;
    ret->cipher = s->current ? s->current->cipher : 0;
    ret->kid = s->current ? s->current->kid : 0;
    ret->n_keys = s->n_keys;
    ret->passed = s->passed, ret->no_key = s->no_key, ret->bad = s->bad;
    ret->replayed = s->replayed, ret->old = s->old;
}

/* ---- the ratchet: §5.1 ---- */

static uint64_t low_bits(const struct key *k)
{
    return ((uint64_t)1 << k->bits) - 1;
}

/* The step after `ahead` others, in next and base, which has SFRAME_MAX_BASE bytes; the key stays as it is. */
static int make_ahead(const struct key *k, unsigned ahead, bool seals, struct step *next,
                      uint8_t *base, size_t *n_base)
{
    uint64_t low = low_bits(k), kid = (k->kid & ~low) | ((k->kid + ahead) & low);
    memcpy(base, k->base, k->n_base);
    *n_base = k->n_base;
    for (unsigned i = 0; i < ahead; i++) {
        int r =
            sotto__sframe_ratchet(k->cipher, (struct sframe_bytes){base, *n_base}, base, n_base);
        if (r < 0) return r;
    }
    return make_step(next, k->cipher, kid, (struct sframe_bytes){base, *n_base}, seals, 0);
}

/* next is moved, base is copied over the old one. */
static void go_on(struct key *k, struct step *next, const uint8_t *base, size_t n_base)
{
    end_step(&k->before);
    k->before = k->now;
    k->now = *next;
    k->kid = sotto__sframe_key_kid(next->key);
    sotto__wipe(k->base, SFRAME_MAX_BASE); /* it may have been longer */
    memcpy(k->base, base, n_base);
    k->n_base = n_base;
}

COLD int sotto__e2ee_ratchet(struct e2ee *e)
{
    struct key *k = e->send.current;
    uint8_t base[SFRAME_MAX_BASE];
    struct step next;
    size_t n;
    if (!k || !k->bits) return SOTTO_E_STATE;
    int r = make_ahead(k, 1, true, &next, base, &n);
    if (r == 0) {
        go_on(k, &next, base, n);
        end_step(&k->before); /* what was sent under it cannot be opened from here any more */
    }
    sotto__wipe(base, sizeof base);
    return r;
}

/* ---- sealing ---- */

int sotto__e2ee_seal(struct e2ee *e, struct sframe_bytes metadata, struct sframe_bytes p,
                     uint8_t *out, size_t *ret_n)
{
    struct side *s = &e->send;
    uint64_t counter;
    if (!s->current) {
        s->no_key++;
        return SOTTO_E_ACCESS;
    }
    struct step *now = &s->current->now;
    int r = sotto__counter_next(now->counter, &counter);
    if (r < 0) return r;
    size_t n = sotto__sframe_seal(now->key, counter, metadata, p, out);
    if (n == 0) return SOTTO_E_SYS;
    s->passed++;
    *ret_n = n;
    return 0;
}

/* ---- opening ---- */

enum { FRESH, REPLAYED, OLD };

/* §9.3 */
static int look_back(const struct step *s, uint64_t counter)
{
    if (!s->any || counter > s->highest) return FRESH;
    if (s->highest - counter >= SOTTO_E2EE_WINDOW) return OLD;
    return s->seen[counter / 64 % WORDS] >> counter % 64 & 1 ? REPLAYED : FRESH;
}

static void note(struct step *s, uint64_t counter)
{
    if (!s->any || counter > s->highest) {
        uint64_t ahead = s->any ? counter - s->highest : SOTTO_E2EE_WINDOW;
        if (ahead >= SOTTO_E2EE_WINDOW) {
            memset(s->seen, 0, sizeof s->seen);
        } else {
            for (uint64_t c = s->highest + 1; c < counter; c++)
                s->seen[c / 64 % WORDS] &= ~((uint64_t)1 << c % 64);
        }
        s->highest = counter;
    }
    s->any = true;
    s->opened++;
    s->seen[counter / 64 % WORDS] |= (uint64_t)1 << counter % 64;
}

struct sealed { /* what is to be opened, and where to */
    struct e2ee_order *order;
    struct sframe_header h;
    struct sframe_bytes metadata, p;
    uint8_t *out;
    size_t *ret_n;
};

/* Swapped on the way: it would have come before one that was opened. */
static bool is_swapped(const struct step *step, const struct sealed *f)
{
    const struct e2ee_order *o = f->order;
    return o && o->step == step->number && f->h.counter < o->counter;
}

static int open_by(struct side *s, struct step *step, const struct sealed *f)
{
    int place = is_swapped(step, f) ? REPLAYED : look_back(step, f->h.counter);
    s->replayed += place == REPLAYED;
    s->old += place == OLD;
    if (place != FRESH) return SOTTO_E_PROTO;
    if (sotto__sframe_open(step->key, &f->h, f->metadata, f->p, f->out, f->ret_n) < 0) {
        s->bad++;
        return SOTTO_E_PROTO;
    }
    note(step, f->h.counter);
    if (f->order) *f->order = (struct e2ee_order){step->number, f->h.counter};
    return 0;
}

/* The sender has ratcheted, or somebody says so: nothing changes before it has proven to be true. Who lies makes work, a hundred times that
 * of a forged frame: so only some are listened to before the application has been told. */
COLD static int open_ahead(struct side *s, struct key *k, const struct sealed *f)
{
    uint64_t ahead = (f->h.kid - k->kid) & low_bits(k);
    uint8_t base[SFRAME_MAX_BASE];
    struct step next = {.key = NULL};
    size_t n = 0;
    int r = SOTTO_E_PROTO;
    if (ahead > SOTTO_E2EE_RATCHET_AHEAD || s->guesses >= SOTTO_E2EE_GUESSES ||
        make_ahead(k, (unsigned)ahead, false, &next, base, &n) < 0) {
        s->bad++;
    } else {
        next.number = ++s->n_steps;
        r = open_by(s, &next, f);
    }
    if (r == 0) {
        go_on(k, &next, base, n);
    } else {
        s->guesses += next.key != NULL;
        end_step(&next);
    }
    sotto__wipe(base, sizeof base);
    return r;
}

static int open_with(struct side *s, struct key *k, const struct sealed *f)
{
    if (f->h.kid == k->kid) {
        int r = open_by(s, &k->now, f);
        if (k->before.key && k->now.opened >= SOTTO_E2EE_WINDOW) end_step(&k->before);
        return r;
    }
    if (k->before.key && f->h.kid == sotto__sframe_key_kid(k->before.key)) {
        bool swapped = f->order && f->order->step == k->now.number;
        if (!swapped) return open_by(s, &k->before, f);
        s->replayed++;
        return SOTTO_E_PROTO;
    }
    return open_ahead(s, k, f);
}

int sotto__e2ee_open(struct e2ee *e, struct e2ee_order *order, struct sframe_bytes metadata,
                     struct sframe_bytes p, uint8_t *out, size_t *ret_n)
{
    struct side *s = &e->receive;
    struct sealed f = {.order = order, .metadata = metadata, .p = p, .out = out, .ret_n = ret_n};
    if (sotto__sframe_header_parse(p.p, p.n, &f.h) < 0) {
        s->bad++;
        return SOTTO_E_PROTO;
    }
    struct key *k = find(s, f.h.kid);
    if (!k) {
        s->no_key++;
        return SOTTO_E_PROTO;
    }
    int r = open_with(s, k, &f);
    if (r < 0) return r;
    s->passed++;
    s->current = k;
    return 0;
}

void sotto__e2ee_refuse(struct e2ee *e)
{
    e->receive.bad++;
}

/* ---- what is to be told ---- */

static void dropped(const struct side *s, uint64_t n[N_WARNINGS])
{
    n[0] = s->no_key - s->told[0];
    n[1] = s->bad - s->told[1];
    n[2] = s->replayed + s->old - s->told[2];
}

sotto_us sotto__e2ee_due(const struct e2ee *e)
{
    uint64_t n[N_WARNINGS];
    if (!e) return SOTTO_NEVER;
    dropped(&e->receive, n);
    if (n[0] + n[1] + n[2] == 0) return SOTTO_NEVER;
    return e->receive.told_at ? e->receive.told_at + SOTTO_E2EE_WARN_US : 0;
}

int sotto__e2ee_tell(struct e2ee *e, sotto_us now, int32_t *ret_code, uint64_t *ret_count)
{
    struct side *s = &e->receive;
    uint64_t n[N_WARNINGS];
    if (now < sotto__e2ee_due(e)) return 0;
    dropped(s, n);
    size_t most = n[1] > n[0] ? 1 : 0;
    if (n[2] > n[most]) most = 2;
    s->told[most] += n[most];
    s->told_at = now;
    s->guesses = 0;
    *ret_code = SOTTO_WARN_E2EE_NO_KEY + (int32_t)most;
    *ret_count = n[most];
    return 1;
}

COLD const char *sotto__e2ee_text(int32_t code)
{
    switch (code) {
    case SOTTO_WARN_E2EE_NO_KEY:
        return "what was received is sealed with an end-to-end key that is not known: dropped";
    case SOTTO_WARN_E2EE_BAD:
        return "what was received does not open with its end-to-end key, or is in the clear: "
               "dropped";
    default: return "what was received was opened before, or is too old to tell: dropped";
    }
}

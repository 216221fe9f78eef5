/* SPDX-License-Identifier: BSD-2-Clause */
/* End-to-end keys: which one seals and opens, replays, the ratchet, counters that are used once, what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "media/e2ee.h"
#include "sotto/event.h"
#include "util/limits.h"
#include "util/mem.h"
#include "util/secret.h"
#include "util/time.h"

#define T0 SOTTO_SECONDS(1000)
enum { TEXT = 100, ROOM = TEXT + SFRAME_OVERHEAD };

/* A key that no test before has used: counters are the process's. */
static sotto_e2ee_key fresh(uint64_t kid, unsigned bits)
{
    static uint8_t bytes[32];
    static uint32_t number;
    number++;
    memcpy(bytes, &number, sizeof number);
    return (sotto_e2ee_key){.size = sizeof(sotto_e2ee_key),
                            .kid = kid,
                            .key = bytes,
                            .key_len = sizeof bytes,
                            .ratchet_bits = bits};
}

struct ends {
    struct e2ee *a, *b; /* a sends to b */
    int64_t live;
};

static void setup(struct ends *e)
{
    e->live = sotto__mem_live();
    assert_int_equal(sotto__e2ee_new(&e->a), 0);
    assert_int_equal(sotto__e2ee_new(&e->b), 0);
}

static void teardown(struct ends *e)
{
    sotto__e2ee_free(e->a);
    sotto__e2ee_free(e->b);
    assert_int_equal(sotto__mem_live(), e->live);
}

static void share(struct ends *e, const sotto_e2ee_key *k)
{
    assert_int_equal(sotto__e2ee_add(e->a, SOTTO_E2EE_SEND, k), 0);
    assert_int_equal(sotto__e2ee_add(e->b, SOTTO_E2EE_RECEIVE, k), 0);
}

struct sealed {
    uint8_t p[ROOM];
    size_t n;
};

static const uint8_t text[TEXT] = "a frame";
static const struct sframe_bytes plain = {text, TEXT}, about = {(const uint8_t *)"x", 1};

static struct sealed seal(struct ends *e)
{
    struct sealed s;
    assert_int_equal(sotto__e2ee_seal(e->a, about, plain, s.p, &s.n), 0);
    return s;
}

static int open_as(struct ends *e, struct e2ee_order *order, const struct sealed *s)
{
    uint8_t out[ROOM];
    size_t n = 0;
    int r = sotto__e2ee_open(e->b, order, about, (struct sframe_bytes){s->p, s->n}, out, &n);
    if (r == 0) assert_true(n == TEXT && memcmp(out, text, TEXT) == 0);
    return r;
}

static int open_it(struct ends *e, const struct sealed *s)
{
    return open_as(e, NULL, s);
}

static sotto_e2ee_stats received(const struct ends *e)
{
    sotto_e2ee_stats s = {.size = sizeof s};
    sotto__e2ee_get_stats(e->b, SOTTO_E2EE_RECEIVE, &s);
    return s;
}

static uint64_t counter_of(const struct sealed *s)
{
    struct sframe_header h;
    assert_int_equal(sotto__sframe_header_parse(s->p, s->n, &h), 0);
    return h.counter;
}

/* proves: S25 */
static void e2ee_seals_and_opens_with_every_suite(void **state)
{
    (void)state;
    for (int32_t cipher = 0; cipher <= 5; cipher++) {
        struct ends e;
        setup(&e);
        sotto_e2ee_key k = fresh(7, 0);
        k.cipher = cipher;
        assert_false(sotto__e2ee_is_required(e.a, SOTTO_E2EE_SEND));
        share(&e, &k);
        assert_true(sotto__e2ee_is_required(e.a, SOTTO_E2EE_SEND));
        for (int i = 0; i < 5; i++) {
            struct sealed s = seal(&e);
            assert_int_equal(open_it(&e, &s), 0);
        }
        assert_int_equal(received(&e).passed, 5);
        assert_int_equal(received(&e).cipher, cipher ? cipher : 4);
        teardown(&e);
    }
}

/* proves: S25 H137 */
static void e2ee_drops_what_is_forged_unknown_replayed_or_old(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh(7, 0), other = fresh(9, 0);
    static struct sealed many[SOTTO_E2EE_WINDOW + 1];
    share(&e, &k);
    for (size_t i = 0; i <= SOTTO_E2EE_WINDOW; i++) many[i] = seal(&e);
    assert_int_equal(open_it(&e, &many[5]), 0);
    assert_int_equal(open_it(&e, &many[5]), SOTTO_E_PROTO);
    assert_int_equal(received(&e).replayed, 1);
    assert_int_equal(open_it(&e, &many[2]), 0); /* late, once */
    assert_int_equal(open_it(&e, &many[2]), SOTTO_E_PROTO);
    struct sealed bad = many[6];
    bad.p[bad.n - 1] ^= 1;
    assert_int_equal(open_it(&e, &bad), SOTTO_E_PROTO);
    assert_int_equal(received(&e).bad, 1);
    assert_int_equal(open_it(&e, &many[6]), 0); /* the forgery has used up nothing */
    assert_int_equal(open_it(&e, &many[SOTTO_E2EE_WINDOW]), 0);
    assert_int_equal(open_it(&e, &many[0]), SOTTO_E_PROTO); /* as many behind as the window has */
    assert_int_equal(received(&e).old, 1);
    assert_int_equal(open_it(&e, &many[1]), 0); /* one less */
    assert_int_equal(open_it(&e, &many[1]), SOTTO_E_PROTO);
    assert_int_equal(open_it(&e, &many[5]), SOTTO_E_PROTO); /* still known */
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &other), 0);
    assert_int_equal(sotto__e2ee_use(e.a, 9), 0);
    bad = seal(&e);
    assert_int_equal(open_it(&e, &bad), SOTTO_E_PROTO);
    assert_int_equal(received(&e).no_key, 1);
    teardown(&e);
}

/* proves: H137 */
static void e2ee_keeps_its_window_when_a_forged_counter_jumps(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh(7, 0);
    share(&e, &k);
    struct sealed s = seal(&e), forged = {.n = 60};
    size_t n = sotto__sframe_header_write(7, UINT64_MAX / 2 + 1, forged.p);
    memset(forged.p + n, 0x55, forged.n - n);
    assert_int_equal(open_it(&e, &forged), SOTTO_E_PROTO);
    assert_int_equal(open_it(&e, &s), 0);
    sotto__sframe_header_write(7, UINT64_MAX, forged.p);
    assert_int_equal(open_it(&e, &forged), SOTTO_E_PROTO);
    s = seal(&e);
    assert_int_equal(open_it(&e, &s), 0);
    teardown(&e);
}

/* proves: S25 */
static void e2ee_follows_a_long_row_and_a_jump_of_counters(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh(7, 0);
    share(&e, &k);
    for (unsigned i = 0; i < 5 * SOTTO_E2EE_WINDOW; i++) {
        struct sealed s = seal(&e);
        if (i % 3 == 1) continue; /* lost */
        assert_int_equal(open_it(&e, &s), 0);
        assert_int_equal(open_it(&e, &s), SOTTO_E_PROTO);
    }
    (void)seal(&e);
    struct sealed late = seal(&e), newer = seal(&e); /* where an older one was seen, a window ago */
    assert_int_equal(open_it(&e, &newer), 0);
    assert_int_equal(open_it(&e, &late), 0);
    assert_int_equal(sotto__e2ee_ratchet(e.a), SOTTO_E_STATE); /* it has none */
    assert_int_equal(sotto__e2ee_remove(e.a, SOTTO_E2EE_SEND, 7), 0);
    k.counter = 1ull << 60; /* the same key goes on, far away */
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &k), 0);
    struct sealed s = seal(&e);
    assert_true(counter_of(&s) == 1ull << 60);
    assert_int_equal(open_it(&e, &s), 0);
    assert_int_equal(open_it(&e, &s), SOTTO_E_PROTO);
    teardown(&e);
}

/* proves: S25 H137 */
static void e2ee_drops_what_was_swapped_where_there_is_an_order(void **state)
{
    (void)state;
    struct ends e;
    struct e2ee_order order = {.step = 0}, other = {.step = 0};
    setup(&e);
    sotto_e2ee_key k = fresh(16, 4);
    share(&e, &k);
    struct sealed a = seal(&e), b = seal(&e), c = seal(&e);
    assert_int_equal(open_as(&e, &order, &b), 0);
    assert_int_equal(open_as(&e, &order, &a), SOTTO_E_PROTO);
    assert_int_equal(received(&e).replayed, 1);
    assert_int_equal(open_as(&e, &other, &a), 0); /* another stream under the same key */
    assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    struct sealed d = seal(&e);
    assert_int_equal(open_as(&e, &order, &d), 0);
    assert_int_equal(open_as(&e, &order, &c), SOTTO_E_PROTO); /* of the step before */
    assert_int_equal(open_as(&e, &other, &c), 0);
    teardown(&e);
}

/* proves: S25 */
static void e2ee_begins_its_order_anew_with_a_key_of_an_old_name(void **state)
{
    (void)state;
    struct ends e;
    struct e2ee_order order = {.step = 0}, slow = {.step = 0};
    struct sealed s;
    setup(&e);
    sotto_e2ee_key k = fresh(8, 2);
    k.counter = 1000;
    share(&e, &k);
    s = seal(&e);
    assert_int_equal(open_as(&e, &slow, &s), 0);
    for (int i = 0; i < 4; i++) { /* around all names of its steps; a paused stream sees none of them */
        assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
        s = seal(&e);
        assert_int_equal(open_as(&e, &order, &s), 0);
    }
    s = seal(&e);
    assert_true(counter_of(&s) < 1000);
    assert_int_equal(open_as(&e, &slow, &s), 0);
    assert_int_equal(sotto__e2ee_remove(e.a, SOTTO_E2EE_SEND, 8), 0);
    assert_int_equal(sotto__e2ee_remove(e.b, SOTTO_E2EE_RECEIVE, 8), 0);
    k = fresh(8, 2);
    share(&e, &k);
    s = seal(&e);
    assert_int_equal(open_as(&e, &order, &s), 0);
    assert_int_equal(open_as(&e, &slow, &s), SOTTO_E_PROTO); /* a second time */
    teardown(&e);
}

/* Both ends would seal under it, from the same counter on; and what one sent could be sent back to it. */
/* proves: S25 */
static void e2ee_refuses_one_key_for_both_directions(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh(7, 0), r;
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &k), 0);
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_RECEIVE, &k), SOTTO_E_ACCESS);
    assert_false(sotto__e2ee_is_required(e.a, SOTTO_E2EE_RECEIVE));
    assert_int_equal(sotto__e2ee_add(e.b, SOTTO_E2EE_RECEIVE, &k), 0);
    assert_int_equal(sotto__e2ee_add(e.b, SOTTO_E2EE_SEND, &k), SOTTO_E_ACCESS);
    r = k, r.kid = 8; /* another name is another key */
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_RECEIVE, &r), 0);
    r = k, r.cipher = SOTTO_SFRAME_AES_256_GCM_SHA512_128; /* as is another suite */
    assert_int_equal(sotto__e2ee_add(e.b, SOTTO_E2EE_SEND, &r), 0);
    teardown(&e);
}

/* proves: S25 */
static void e2ee_never_sends_a_counter_twice_under_a_key(void **state)
{
    (void)state;
    struct ends e, f;
    uint64_t seen[40];
    size_t n = 0;
    setup(&e);
    setup(&f);
    sotto_e2ee_key k = fresh(7, 0);
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &k), 0);
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &k), SOTTO_E_ACCESS);
    assert_int_equal(sotto__e2ee_add(f.a, SOTTO_E2EE_SEND, &k), 0); /* another transceiver */
    for (int i = 0; i < 10; i++) {
        struct sealed s = seal(i % 2 ? &e : &f);
        seen[n++] = counter_of(&s);
    }
    for (int round = 0; round < 5; round++) { /* taken away and given again */
        assert_int_equal(sotto__e2ee_remove(e.a, SOTTO_E2EE_SEND, 7), 0);
        if (round == 2) assert_int_equal(sotto__e2ee_remove(f.a, SOTTO_E2EE_SEND, 7), 0);
        assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &k), 0);
        struct sealed s = seal(&e);
        seen[n++] = counter_of(&s);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) assert_true(seen[i] != seen[j]);
    sotto__e2ee_end(e.a);
    sotto__e2ee_end(f.a);
    teardown(&f);
    teardown(&e);
}

/* proves: S25 */
static void e2ee_follows_the_ratchet_and_not_beyond_its_limit(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh(3 << 8, 8);
    share(&e, &k);
    struct sealed first = seal(&e), late = seal(&e);
    assert_int_equal(open_it(&e, &first), 0);
    assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    struct sealed next = seal(&e);
    assert_int_equal(open_it(&e, &next), 0);
    assert_int_equal(open_it(&e, &late), 0); /* of the step before */
    assert_int_equal(open_it(&e, &late), SOTTO_E_PROTO);
    assert_true(received(&e).kid == (3 << 8) + 1);
    for (unsigned i = 0; i < SOTTO_E2EE_RATCHET_AHEAD; i++)
        assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    next = seal(&e);
    assert_int_equal(open_it(&e, &next), 0);
    assert_int_equal(open_it(&e, &late), SOTTO_E_PROTO); /* gone for good */
    for (unsigned i = 0; i < SOTTO_E2EE_RATCHET_AHEAD + 1; i++)
        assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    next = seal(&e);
    assert_int_equal(open_it(&e, &next), SOTTO_E_PROTO);
    teardown(&e);
}

static void e2ee_goes_around_the_bits_of_the_ratchet(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh((5 << 2) + 3, 2);
    share(&e, &k);
    for (int i = 0; i < 9; i++) {
        struct sealed s = seal(&e);
        assert_int_equal(open_it(&e, &s), 0);
        assert_true(received(&e).kid == (uint64_t)(5 << 2) + (3 + (unsigned)i) % 4);
        assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    }
    teardown(&e);
}

/* proves: H137 */
static void e2ee_does_not_ratchet_for_a_forgery(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    sotto_e2ee_key k = fresh(3 << 8, 8);
    share(&e, &k);
    struct sealed s = seal(&e), forged = {.n = 80};
    size_t n = sotto__sframe_header_write((3 << 8) + 9, 1, forged.p);
    memset(forged.p + n, 0xaa, forged.n - n);
    assert_int_equal(open_it(&e, &forged), SOTTO_E_PROTO);
    assert_true(received(&e).kid == 0 && received(&e).bad == 1);
    assert_int_equal(open_it(&e, &s), 0);
    teardown(&e);
}

/* Each costs a hundred times what a forged frame costs. */
/* proves: S25 H137 */
static void e2ee_tries_the_ratchet_a_few_times_between_warnings(void **state)
{
    (void)state;
    struct ends e;
    int32_t code;
    uint64_t count;
    setup(&e);
    sotto_e2ee_key k = fresh(3 << 8, 8);
    share(&e, &k);
    struct sealed old = seal(&e), forged = {.n = 80};
    size_t n = sotto__sframe_header_write((3 << 8) + 9, 1, forged.p);
    memset(forged.p + n, 0xaa, forged.n - n);
    assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    struct sealed next = seal(&e);
    for (unsigned i = 0; i < SOTTO_E2EE_GUESSES - 1; i++) assert_true(open_it(&e, &forged) < 0);
    assert_int_equal(open_it(&e, &next), 0); /* the last one; true ones do not count */
    assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    struct sealed last = seal(&e);
    assert_true(open_it(&e, &forged) < 0);
    assert_int_equal(open_it(&e, &last), SOTTO_E_PROTO); /* nobody looks */
    assert_int_equal(open_it(&e, &old), 0); /* what needs no step is opened */
    assert_int_equal(received(&e).bad, SOTTO_E2EE_GUESSES + 1);
    assert_int_equal(sotto__e2ee_tell(e.b, T0, &code, &count), 1);
    assert_int_equal(open_it(&e, &last), 0);
    teardown(&e);
}

/* A key that is longer than what comes of it: nothing of it stays. */
/* proves: S25 */
static void e2ee_wipes_all_of_a_key_when_it_ratchets(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    uint8_t bytes[SOTTO_E2EE_KEY_MAX], *at = sotto__secret_new(sizeof bytes);
    memset(bytes, 0x5e, sizeof bytes);
    sotto__secret_free(at); /* what is free first is given first */
    sotto_e2ee_key k = fresh(1 << 4, 4);
    k.key = bytes, k.key_len = sizeof bytes;
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &k), 0);
    assert_memory_equal(at, bytes, sizeof bytes);
    assert_int_equal(sotto__e2ee_ratchet(e.a), 0);
    assert_memory_not_equal(at, bytes, 32);
    for (size_t i = 32; i < sizeof bytes; i++) assert_int_equal(at[i], 0);
    teardown(&e);
}

static void e2ee_refuses_keys_that_are_out_of_range(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    uint8_t bytes[SOTTO_E2EE_KEY_MAX + 1] = {9};
    const sotto_e2ee_key good = {
        .size = sizeof good, .kid = 32, .key = bytes, .key_len = 16, .ratchet_bits = 4};
    sotto_e2ee_key bad[7];
    for (int i = 0; i < 7; i++) bad[i] = good;
    bad[0].cipher = 6, bad[1].cipher = -1, bad[2].key_len = SOTTO_E2EE_KEY_MIN - 1;
    bad[3].key_len = SOTTO_E2EE_KEY_MAX + 1, bad[4].ratchet_bits = 1, bad[5].ratchet_bits = 17;
    bad[6].counter = UINT64_MAX;
    for (int i = 0; i < 7; i++)
        assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &bad[i]), SOTTO_E_RANGE);
    assert_false(sotto__e2ee_is_required(e.a, SOTTO_E2EE_SEND));
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &good), 0);
    bad[0] = good, bad[0].ratchet_bits = 0, bad[0].kid = 35; /* one of its steps */
    assert_int_equal(sotto__e2ee_add(e.a, SOTTO_E2EE_SEND, &bad[0]), SOTTO_E_ACCESS);
    assert_int_equal(sotto__e2ee_remove(e.a, SOTTO_E2EE_SEND, 48), SOTTO_E_RANGE);
    assert_int_equal(sotto__e2ee_use(e.a, 48), SOTTO_E_RANGE);
    assert_int_equal(sotto__e2ee_remove(e.a, SOTTO_E2EE_SEND, 47), 0);
    assert_int_equal(sotto__e2ee_ratchet(e.a), SOTTO_E_STATE);
    teardown(&e);
}

static void e2ee_takes_as_many_keys_as_its_limit(void **state)
{
    (void)state;
    struct ends e;
    setup(&e);
    for (uint64_t kid = 0; kid <= SOTTO_MAX_E2EE_KEYS; kid++) {
        sotto_e2ee_key k = fresh(kid, 0);
        assert_int_equal(sotto__e2ee_add(e.b, SOTTO_E2EE_RECEIVE, &k),
                         kid < SOTTO_MAX_E2EE_KEYS ? 0 : SOTTO_E_LIMIT);
    }
    assert_int_equal(received(&e).n_keys, SOTTO_MAX_E2EE_KEYS);
    teardown(&e);
}

/* proves: S25 */
static void e2ee_lets_nothing_pass_without_a_key(void **state)
{
    (void)state;
    struct ends e;
    struct sealed s;
    setup(&e);
    sotto_e2ee_key k = fresh(7, 0);
    share(&e, &k);
    struct sealed good = seal(&e);
    assert_int_equal(sotto__e2ee_remove(e.a, SOTTO_E2EE_SEND, 7), 0);
    assert_int_equal(sotto__e2ee_remove(e.b, SOTTO_E2EE_RECEIVE, 7), 0);
    assert_true(sotto__e2ee_is_required(e.a, SOTTO_E2EE_SEND));
    assert_false(sotto__e2ee_has_key(e.a, SOTTO_E2EE_SEND));
    assert_int_equal(sotto__e2ee_seal(e.a, about, plain, s.p, &s.n), SOTTO_E_ACCESS);
    assert_int_equal(open_it(&e, &good), SOTTO_E_PROTO);
    teardown(&e);
}

/* proves: S25 */
static void e2ee_tells_of_dropped_frames_once_a_second(void **state)
{
    (void)state;
    struct ends e;
    int32_t code;
    uint64_t count;
    setup(&e);
    sotto_e2ee_key k = fresh(7, 0);
    share(&e, &k);
    struct sealed s = seal(&e);
    assert_true(sotto__e2ee_due(e.b) == SOTTO_NEVER);
    assert_int_equal(sotto__e2ee_tell(e.b, T0, &code, &count), 0);
    assert_int_equal(open_it(&e, &s), 0);
    assert_int_equal(open_it(&e, &s), SOTTO_E_PROTO);
    assert_int_equal(sotto__e2ee_tell(e.b, T0, &code, &count), 1);
    assert_true(code == SOTTO_WARN_E2EE_REPLAYED && count == 1);
    for (int i = 0; i < 3; i++) sotto__e2ee_refuse(e.b);
    assert_int_equal(open_it(&e, &s), SOTTO_E_PROTO);
    assert_int_equal(sotto__e2ee_tell(e.b, T0 + SOTTO_E2EE_WARN_US - 1, &code, &count), 0);
    assert_true(sotto__e2ee_due(e.b) == T0 + SOTTO_E2EE_WARN_US);
    assert_int_equal(sotto__e2ee_tell(e.b, T0 + SOTTO_E2EE_WARN_US, &code, &count), 1);
    assert_true(code == SOTTO_WARN_E2EE_BAD && count == 3);
    assert_int_equal(sotto__e2ee_tell(e.b, T0 + 2 * SOTTO_E2EE_WARN_US, &code, &count), 1);
    assert_true(code == SOTTO_WARN_E2EE_REPLAYED && count == 1);
    assert_true(sotto__e2ee_due(e.b) == SOTTO_NEVER);
    for (int32_t c = SOTTO_WARN_E2EE_NO_KEY; c <= SOTTO_WARN_E2EE_REPLAYED; c++)
        assert_true(strlen(sotto__e2ee_text(c)) > 20);
    teardown(&e);
}

static int run_all(struct ends *e)
{
    sotto_e2ee_key k = fresh(7 << 4, 4);
    struct sealed s;
    int r = sotto__e2ee_new(&e->a);
    if (r == 0) r = sotto__e2ee_new(&e->b);
    if (r == 0) r = sotto__e2ee_add(e->a, SOTTO_E2EE_SEND, &k);
    if (r == 0) r = sotto__e2ee_add(e->b, SOTTO_E2EE_RECEIVE, &k);
    if (r == 0) r = sotto__e2ee_ratchet(e->a);
    if (r == 0) r = sotto__e2ee_seal(e->a, about, plain, s.p, &s.n);
    if (r == 0) r = open_it(e, &s);
    return r;
}

static void e2ee_leaves_nothing_when_memory_ends(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct ends e = {NULL, NULL, live};
        sotto__mem_fail_at(n);
        int r = run_all(&e);
        done = !sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true(done ? r == 0 : r < 0);
        teardown(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e2ee_seals_and_opens_with_every_suite),
        cmocka_unit_test(e2ee_drops_what_is_forged_unknown_replayed_or_old),
        cmocka_unit_test(e2ee_keeps_its_window_when_a_forged_counter_jumps),
        cmocka_unit_test(e2ee_follows_a_long_row_and_a_jump_of_counters),
        cmocka_unit_test(e2ee_drops_what_was_swapped_where_there_is_an_order),
        cmocka_unit_test(e2ee_begins_its_order_anew_with_a_key_of_an_old_name),
        cmocka_unit_test(e2ee_refuses_one_key_for_both_directions),
        cmocka_unit_test(e2ee_never_sends_a_counter_twice_under_a_key),
        cmocka_unit_test(e2ee_follows_the_ratchet_and_not_beyond_its_limit),
        cmocka_unit_test(e2ee_goes_around_the_bits_of_the_ratchet),
        cmocka_unit_test(e2ee_does_not_ratchet_for_a_forgery),
        cmocka_unit_test(e2ee_tries_the_ratchet_a_few_times_between_warnings),
        cmocka_unit_test(e2ee_wipes_all_of_a_key_when_it_ratchets),
        cmocka_unit_test(e2ee_refuses_keys_that_are_out_of_range),
        cmocka_unit_test(e2ee_takes_as_many_keys_as_its_limit),
        cmocka_unit_test(e2ee_lets_nothing_pass_without_a_key),
        cmocka_unit_test(e2ee_tells_of_dropped_frames_once_a_second),
        cmocka_unit_test(e2ee_leaves_nothing_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

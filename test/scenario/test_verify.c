/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verified peers: the code is the same at both ends and another one on each side of a man in the middle, who has the signaling server and
 * two connections between which he carries everything; a pin keeps him out; and where a level is required nothing passes before it.
 */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "pair.h"

struct code {
    char digits[SOTTO_VERIFICATION_CODE], words[SOTTO_VERIFICATION_WORDS];
};

static struct code code_of(const struct side *s)
{
    struct code c;
    assert_int_equal(sotto_pc_get_verification_code(s->pc, c.digits, sizeof c.digits), 0);
    assert_int_equal(sotto_pc_get_verification_words(s->pc, c.words, sizeof c.words), 0);
    return c;
}

static bool same_code(const struct code *a, const struct code *b)
{
    bool digits = strcmp(a->digits, b->digits) == 0, words = strcmp(a->words, b->words) == 0;
    assert_int_equal(digits, words);
    return digits;
}

static int level_of(const struct side *s)
{
    return sotto_pc_get_verification(s->pc);
}

/* ---- the code ---- */

/* proves: S18 DTLS-21 */
static void both_ends_have_one_code_and_no_two_connections_have_the_same(void **state)
{
    (void)state;
    struct code seen[10];
    struct pair *p = pair_new(1, NULL);
    for (size_t i = 0; i < 10; i++) {
        char early[SOTTO_VERIFICATION_CODE];
        if (i > 0) pair_renew(p);
        assert_non_null(side_channel(&p->side[0], "c", NULL));
        assert_int_equal(sotto_pc_get_verification_code(p->side[0].pc, early, sizeof early),
                         SOTTO_E_STATE);
        assert_int_equal(pair_offer(p, 0), 0);
        assert_true(pair_until(p, SOTTO_SECONDS(30), pair_is_connected, NULL));
        struct code b = code_of(&p->side[1]);
        seen[i] = code_of(&p->side[0]);
        assert_true(same_code(&seen[i], &b));
        for (size_t k = 0; k < i; k++) assert_false(same_code(&seen[i], &seen[k]));
        assert_int_equal(level_of(&p->side[0]), SOTTO_VERIFY_NONE);
    }
    pair_free(p);
}

static void a_code_is_forty_digits_or_sixteen_words(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(2, NULL, a);
    struct code c = code_of(&p->side[0]);
    assert_int_equal(strlen(c.digits), 47);
    for (size_t i = 0; i < 47; i++)
        assert_true(i % 6 == 5 ? c.digits[i] == ' ' : c.digits[i] >= '0' && c.digits[i] <= '9');
    size_t spaces = 0;
    for (size_t i = 0; c.words[i]; i++) {
        spaces += c.words[i] == ' ';
        assert_true(c.words[i] == ' ' || (c.words[i] >= 'a' && c.words[i] <= 'z'));
    }
    assert_int_equal(spaces, 15);
    pair_free(p);
}

/* ---- the man in the middle ---- */

/* Two calls, A with the first half of him, the second half with B; what comes to one half goes out of the other. */
struct middle {
    struct pair *pair[2];
    struct side *half[2];
    uint64_t carried;
};

static void carry(struct side *s, const sotto_event *e, void *user)
{
    struct middle *m = user;
    if (e->type != SOTTO_EV_MESSAGE || (s != m->half[0] && s != m->half[1])) return;
    struct chan *to = side_find(m->half[s == m->half[0]], "c");
    if (to && chan_send(to, e->u.message.data, e->u.message.len, e->u.message.is_text) == 0)
        m->carried++;
}

static void middle_new(struct middle *m, uint64_t seed, const sotto_pc_config *of_a)
{
    struct pair_opt o = {.take = carry, .user = m, .addresses = {"192.0.2.1", "192.0.2.11"}};
    *m = (struct middle){.carried = 0};
    if (of_a) o.pc[0] = *of_a;
    m->pair[0] = pair_new(seed, &o);
    o = (struct pair_opt){
        .take = carry, .user = m, .addresses = {"192.0.2.12", "192.0.2.2"}, .beside = m->pair[0]};
    m->pair[1] = pair_new(seed, &o);
    m->half[0] = &m->pair[0]->side[1];
    m->half[1] = &m->pair[1]->side[0];
}

static void middle_free(struct middle *m)
{
    pair_free(m->pair[1]);
    pair_free(m->pair[0]);
}

static bool is_carried(struct pair *p, void *arg)
{
    const struct middle *m = arg;
    const struct chan *b = side_find(&m->pair[1]->side[1], "c");
    (void)p;
    return b && b->n_in == 1 && m->carried == 1;
}

/* proves: S18 DTLS-21 H027 */
static void somebody_in_the_middle_can_carry_everything_but_has_two_codes(void **state)
{
    (void)state;
    int calls = pair_seeds(100);
    struct middle m;
    middle_new(&m, 3, NULL);
    for (int i = 0; i < calls; i++) {
        for (int k = 0; i > 0 && k < 2; k++) pair_renew(m.pair[k]);
        m.carried = 0;
        for (int k = 0; k < 2; k++) { /* who calls whom, in each of the four ways */
            int from = i / (k + 1) % 2;
            assert_non_null(side_channel(&m.pair[k]->side[from], "c", NULL));
            assert_int_equal(pair_offer(m.pair[k], from), 0);
        }
        assert_true(pair_until(m.pair[0], SOTTO_SECONDS(30), pair_is_connected, NULL));
        assert_true(pair_until(m.pair[1], SOTTO_SECONDS(30), pair_is_connected, NULL));
        pair_run(m.pair[0], SOTTO_MS(500));
        struct chan *a = side_find(&m.pair[0]->side[0], "c");
        assert_int_equal(chan_send(a, "is it you?", 10, true), 0);
        assert_true(pair_until(m.pair[0], SOTTO_SECONDS(10), is_carried, &m));
        struct code of_a = code_of(&m.pair[0]->side[0]), of_b = code_of(&m.pair[1]->side[1]);
        struct code one = code_of(m.half[0]), two = code_of(m.half[1]);
        assert_true(same_code(&of_a, &one) && same_code(&of_b, &two));
        assert_false(same_code(&of_a, &of_b));
    }
    middle_free(&m);
}

static sotto_cert *make_cert(const char **fingerprint)
{
    sotto_cert *c;
    char *text;
    assert_int_equal(sotto_cert_generate(&c), 0);
    assert_int_equal(sotto_cert_fingerprint(c, &text), 0);
    *fingerprint = text;
    return c;
}

/* proves: S05 S18 S28 H027 */
static void with_a_pin_the_one_in_the_middle_never_comes_up(void **state)
{
    (void)state;
    const char *of_b;
    sotto_cert *b = make_cert(&of_b);
    sotto_pc_config cfg = {.peer_fingerprints = &of_b, .n_peer_fingerprints = 1};
    for (int from = 0; from < 2; from++) {
        struct middle m;
        middle_new(&m, 4, &cfg);
        struct side *a = &m.pair[0]->side[0];
        assert_non_null(side_channel(&m.pair[0]->side[from], "c", NULL));
        assert_int_equal(pair_offer(m.pair[0], from), 0);
        assert_false(pair_until(m.pair[0], SOTTO_SECONDS(90), pair_is_connected, NULL));
        sotto_pc_state s = side_state(a);
        assert_int_equal(a->set_error, SOTTO_E_ACCESS);
        assert_int_equal(a->n_events[SOTTO_EV_OPEN] + a->n_events[SOTTO_EV_VERIFIED], 0);
        if (from == 1) { /* A was called: nothing of it was told to anybody */
            assert_int_equal(s.connection, SOTTO_CONNECTION_NEW);
            assert_int_equal(s.gathering, SOTTO_GATHERING_NEW);
            assert_int_equal(s.signaling, SOTTO_SIGNALING_STABLE);
            assert_int_equal(a->n_events[SOTTO_EV_CANDIDATE], 0);
        }
        middle_free(&m);
    }
    sotto_cert_free(b);
    sotto_free((char *)(uintptr_t)of_b);
}

/* proves: S28 */
static void who_uses_a_pinned_certificate_is_pinned_when_connected(void **state)
{
    (void)state;
    const char *print[2];
    struct pair_opt o = {0};
    sotto_cert *cert[2] = {make_cert(&print[0]), make_cert(&print[1])};
    o.pc[1].cert = cert[1];
    o.pc[0].peer_fingerprints = print; /* one of two */
    o.pc[0].n_peer_fingerprints = 2;
    o.pc[0].required_verification = SOTTO_VERIFY_PINNED;
    struct chan *c[2];
    struct pair *p = pair_connected(5, &o, c);
    assert_int_equal(level_of(&p->side[0]), SOTTO_VERIFY_PINNED);
    assert_int_equal(level_of(&p->side[1]), SOTTO_VERIFY_NONE);
    assert_int_equal(p->side[0].n_events[SOTTO_EV_VERIFIED], 1);
    assert_int_equal(p->side[1].n_events[SOTTO_EV_VERIFIED], 0);
    for (int i = 0; i < 2; i++) assert_int_equal(chan_number(c[i], 100), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(chan_same(c[0], c[1]) && chan_same(c[1], c[0]));
    char *theirs;
    assert_int_equal(sotto_pc_get_peer_fingerprint(p->side[0].pc, &theirs), 0);
    assert_string_equal(theirs, print[1]);
    sotto_free(theirs);
    pair_free(p);
    for (int i = 0; i < 2; i++) sotto_cert_free(cert[i]), sotto_free((char *)(uintptr_t)print[i]);
}

/* ---- nothing before it ---- */

struct seen {
    size_t verified, after; /* events of side 0: how many; of channels after the first one */
    bool too_early;
    int32_t level;
    bool is_enough;
};

static void look(struct side *s, const sotto_event *e, void *user)
{
    struct seen *k = user;
    if (s->index != 0) return;
    if (e->type == SOTTO_EV_VERIFIED) {
        k->verified++;
        k->level = e->u.verified.level;
        k->is_enough = e->u.verified.is_enough;
    }
    bool passes =
        e->type == SOTTO_EV_CHANNEL || e->type == SOTTO_EV_OPEN || e->type == SOTTO_EV_MESSAGE;
    if (passes && k->is_enough) k->after++;
    if (passes && !k->is_enough) k->too_early = true;
}

/* Both have a channel of their own and one that is negotiated; side 0 wants to know first who it is, or both do. */
static struct pair *waiting_pair(uint64_t seed, bool both, struct seen *k, struct chan *c[4])
{
    struct pair_opt o = {.take = look, .user = k};
    sotto_dc_config agreed = {.size = sizeof agreed, .negotiated = true, .id = 7};
    o.pc[0].required_verification = SOTTO_VERIFY_CONFIRMED;
    if (both) o.pc[1].required_verification = SOTTO_VERIFY_CONFIRMED;
    struct pair *p = pair_new(seed, &o);
    for (int i = 0; i < 2; i++) {
        c[i] = side_channel(&p->side[i], i == 0 ? "of 0" : "of 1", NULL);
        c[2 + i] = side_channel(&p->side[i], "agreed", &agreed);
    }
    assert_int_equal(pair_offer(p, 0), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(30), pair_is_connected, NULL));
    pair_run(p, SOTTO_SECONDS(5));
    return p;
}

static void confirm(struct side *s)
{
    code_of(s);
    assert_int_equal(sotto_pc_confirm_peer(s->pc, true), 0);
    assert_int_equal(level_of(s), SOTTO_VERIFY_CONFIRMED);
}

/* proves: S05 S18 */
static void no_message_passes_in_either_direction_before_it_is_confirmed(void **state)
{
    (void)state;
    struct seen k = {0};
    struct chan *c[4];
    struct pair *p = waiting_pair(6, false, &k, c);
    chan_bulk(c[1], 2000, 5000); /* side 1 knows nothing of it, and sends; so much does not fit a window */
    assert_int_equal(chan_number(c[3], 1000), 0);
    for (int minute = 0; minute < 10; minute++) {
        pair_run(p, SOTTO_SECONDS(60));
        assert_int_equal(chan_send(c[0], "x", 1, true), SOTTO_E_STATE);
        assert_int_equal(chan_send(c[2], "x", 1, true), SOTTO_E_STATE);
    }
    assert_true(!k.too_early && k.verified == 0);
    assert_int_equal(c[0]->phase, CHAN_NEW);
    assert_null(side_find(&p->side[0], "of 1"));
    assert_null(side_find(&p->side[1], "of 0"));
    assert_int_equal(c[3]->n_in, 0);
    assert_true(c[1]->bulk_left > 0); /* the window is closed: nothing is lost, and nothing grows */
    assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_CONNECTED);
    confirm(&p->side[0]);
    pair_run(p, SOTTO_SECONDS(30));
    assert_true(!k.too_early && k.verified == 1 && k.after > 0);
    assert_true(k.level == SOTTO_VERIFY_CONFIRMED && k.is_enough);
    assert_true(chan_same(c[3], c[2]));
    assert_int_equal(c[1]->bulk_left, 0);
    assert_true(chan_same(c[1], side_find(&p->side[0], "of 1")));
    for (int i = 0; i < 3; i += 2) assert_int_equal(chan_number(c[i], 3000), 0);
    pair_run(p, SOTTO_SECONDS(2));
    assert_true(chan_same(c[0], side_find(&p->side[1], "of 0")) && chan_same(c[2], c[3]));
    pair_free(p);
}

/* proves: S18 */
static void both_may_want_to_know_first_and_confirm_one_after_the_other(void **state)
{
    (void)state;
    struct seen k = {0};
    struct chan *c[4];
    struct pair *p = waiting_pair(7, true, &k, c);
    pair_run(p, SOTTO_SECONDS(120));
    confirm(&p->side[0]);
    pair_run(p, SOTTO_SECONDS(120));
    assert_int_equal(chan_number(c[0], 100), 0); /* open here, and taken in, but not given to the application there */
    pair_run(p, SOTTO_SECONDS(60));
    assert_null(side_find(&p->side[1], "of 0"));
    assert_int_equal(c[1]->phase, CHAN_NEW);
    confirm(&p->side[1]);
    pair_run(p, SOTTO_SECONDS(10));
    assert_true(chan_same(c[0], side_find(&p->side[1], "of 0")));
    assert_int_equal(chan_number(c[1], 100), 0);
    pair_run(p, SOTTO_SECONDS(10));
    assert_true(chan_same(c[1], side_find(&p->side[0], "of 1")));
    pair_free(p);
}

/* proves: S18 H027 */
static void codes_that_differ_end_the_connection(void **state)
{
    (void)state;
    struct seen k = {0};
    struct chan *c[4];
    struct pair *p = waiting_pair(8, false, &k, c);
    assert_int_equal(chan_number(c[3], 1000), 0);
    code_of(&p->side[0]);
    assert_int_equal(sotto_pc_confirm_peer(p->side[0].pc, false), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(10), pair_is_over, NULL));
    assert_true(p->side[0].is_closed && c[0]->phase == CHAN_CLOSED && !k.too_early);
    assert_int_equal(c[2]->n_in, 0);
    assert_int_equal(sotto_pc_confirm_peer(p->side[0].pc, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_confirm_peer(p->side[0].pc, false), SOTTO_E_CLOSED);
    pair_free(p);
}

/* The other one was replaced: a new identity, so a new DTLS association. */
static void replace(struct pair *p, const char *label)
{
    struct side *s = &p->side[1];
    sotto_pc_config cfg = {.size = sizeof cfg, .user = s};
    while (!sotto__list_empty(&s->chans)) chan_free(CONTAINER_OF(s->chans.next, struct chan, node));
    sotto_pc_free(s->pc);
    s->told_all = s->is_closed = false;
    assert_int_equal(sotto_pc_new(s->ctx, &cfg, &s->pc), 0);
    assert_non_null(side_channel(s, label, NULL));
}

/* proves: S18 H089 */
static void another_identity_has_to_be_confirmed_anew(void **state)
{
    (void)state;
    struct seen k = {0};
    struct chan *c[4];
    struct pair *p = waiting_pair(9, false, &k, c);
    assert_int_equal(sotto_pc_confirm_peer(p->side[0].pc, true), SOTTO_E_STATE); /* nobody looked */
    confirm(&p->side[0]);
    pair_run(p, SOTTO_SECONDS(1));
    struct code first = code_of(&p->side[0]);
    replace(p, "again");
    p->side[0].told_all = false;
    assert_int_equal(pair_offer(p, 1), 0);
    pair_run(p, SOTTO_SECONDS(20));
    assert_int_equal(p->side[0].set_error, 0);
    assert_true(pair_is_connected(p, NULL));
    assert_true(k.verified == 2 && k.level == SOTTO_VERIFY_NONE && !k.is_enough);
    assert_int_equal(level_of(&p->side[0]), SOTTO_VERIFY_NONE);
    assert_true(!k.too_early && !side_find(&p->side[0], "again"));
    assert_int_equal(sotto_pc_confirm_peer(p->side[0].pc, true), SOTTO_E_STATE);
    struct code second = code_of(&p->side[0]), theirs = code_of(&p->side[1]);
    assert_true(!same_code(&first, &second) && same_code(&second, &theirs));
    confirm(&p->side[0]);
    pair_run(p, SOTTO_SECONDS(2));
    assert_non_null(side_find(&p->side[0], "again"));
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_have_one_code_and_no_two_connections_have_the_same),
        cmocka_unit_test(a_code_is_forty_digits_or_sixteen_words),
        cmocka_unit_test(somebody_in_the_middle_can_carry_everything_but_has_two_codes),
        cmocka_unit_test(with_a_pin_the_one_in_the_middle_never_comes_up),
        cmocka_unit_test(who_uses_a_pinned_certificate_is_pinned_when_connected),
        cmocka_unit_test(no_message_passes_in_either_direction_before_it_is_confirmed),
        cmocka_unit_test(both_may_want_to_know_first_and_confirm_one_after_the_other),
        cmocka_unit_test(codes_that_differ_end_the_connection),
        cmocka_unit_test(another_identity_has_to_be_confirmed_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

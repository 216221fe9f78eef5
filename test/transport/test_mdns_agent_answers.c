/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast DNS on a link that is made up: who asks for our names, and who gets an answer. */
#include "mdns_link.h"

/* The one record of the message that was sent last. */
static struct mdns_record last_record(const struct rig *r)
{
    const struct sent *s = &r->host.sent[r->host.n_sent - 1];
    struct mdns_reader m;
    struct mdns_record rec;
    assert_int_equal(sotto__mdns_open(&m, s->p, s->n), 0);
    assert_true(m.is_response);
    assert_int_equal(sotto__mdns_next_record(&m, &rec), 1);
    return rec;
}

static size_t sent_after(struct rig *r, sotto_us span)
{
    size_t before = r->host.n_sent;
    rig_run(r, r->now + span, NULL);
    return r->host.n_sent - before;
}

static void names_of_ours_are_answered_on_the_link_that_asks(void **state)
{
    static const struct net_origin there = {{4, {192, 0, 2, 9}, 5353}, 2};
    static const struct net_origin there6 = {{6, {0xfe, 0x80, [15] = 9}, 5353}, 2};
    struct rig *r = rig_new(3);
    char name[MDNS_LOCAL], again[MDNS_LOCAL], other[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, again), 0);
    assert_string_equal(name, again);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, &r->now, other), 0);
    assert_string_not_equal(name, other); /* connections are not linked by their names */
    rig_question(r, &there, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    const struct sent *s = &r->host.sent[0];
    assert_true(s->interface == 2 && s->to.ip[0] == 224 && s->to.port == 5353);
    struct mdns_record rec = last_record(r);
    assert_string_equal(rec.name, name);
    assert_true(rec.flush && rec.ttl == 120 && sotto__address_eq(&rec.addr, &v4));
    rig_question(r, &there6, name, MDNS_ANY, false);
    assert_int_equal(sent_after(r, 0), 1);
    assert_true(r->host.sent[1].to.ip[0] == 0xff && last_record(r).type == MDNS_A);
    rig_question(r, &there6, name, MDNS_AAAA, false);
    assert_int_equal(sent_after(r, 0), 1);
    rec = last_record(r);
    assert_true(rec.type == MDNS_NSEC && rec.has_a && !rec.has_aaaa && rec.flush);
    rig_free(r);
}

/* H035: who is far learns nothing, whatever he asks; nor does he who says that a name of ours is his change what we say. */
/* proves: H035 */
static void h035_neither_far_askers_nor_claims_move_our_names(void **state)
{
    static const struct net_origin far = {{4, {198, 51, 100, 9}, 5353}, 1, true},
                                   far_legacy = {{4, {198, 51, 100, 9}, 40000}, 1, true};
    static const struct address theirs = {4, {192, 0, 2, 66}, 0};
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    rig_question(r, &far, name, MDNS_A, true);
    rig_question(r, &far, name, MDNS_ANY, false);
    rig_question(r, &far_legacy, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(1)), 0);
    rig_answer(r, &neighbour, name, &theirs, 120);
    rig_answer(r, &neighbour, name, &theirs, 0);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(1)), 0);
    rig_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    struct mdns_record rec = last_record(r);
    assert_true(sotto__address_eq(&rec.addr, &v4));
    rig_free(r);
}

static void links_that_come_are_answered_on(void **state)
{
    static const struct net_origin there = {{4, {192, 0, 2, 9}, 5353}, 2};
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    rig_question(r, &there, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(1)), 0);
    r->host.n_interfaces = 2;
    sotto__mdns_agent_moved(&r->a, r->now);
    assert_true(r->host.open[0] && r->host.open[1] && r->host.joined[0] == 6);
    rig_question(r, &there, name, MDNS_A, true); /* it has not heard it yet: all shall */
    assert_int_equal(sent_after(r, 0), 1);
    assert_int_equal(r->host.sent[0].to.ip[0], 224);
    rig_free(r);
}

static void a_record_goes_to_a_link_once_a_second(void **state)
{
    static const struct net_origin there = {{4, {192, 0, 2, 9}, 5353}, 2};
    struct rig *r = rig_new(2);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    for (int i = 0; i < 20; i++) rig_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(999)), 1);
    rig_question(r, &there, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1); /* another link */
    rig_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(1)), 0);
    rig_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    rig_free(r);
}

static void what_is_not_there_is_told_once_a_second(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v6, r, name), 0);
    rig_question(r, &neighbour, name, MDNS_A, false); /* whoever asks for both … */
    rig_question(r, &neighbour, name, MDNS_AAAA, false);
    assert_int_equal(sent_after(r, 0), 2); /* … is answered for both */
    assert_int_equal(last_record(r).type, MDNS_AAAA);
    for (int i = 0; i < 10; i++) rig_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(1)), 0);
    rig_question(r, &neighbour, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    assert_int_equal(last_record(r).type, MDNS_NSEC);
    rig_free(r);
}

static void who_asks_for_a_unicast_answer_gets_one_if_the_link_has_heard_it(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    rig_question(r, &neighbour, name, MDNS_A, true);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(20)), 1);
    assert_int_equal(r->host.sent[0].to.ip[0], 224);
    rig_question(r, &neighbour, name, MDNS_A, true);
    assert_int_equal(sent_after(r, SOTTO_SECONDS(11)), 1);
    assert_true(sotto__address_eq(&r->host.sent[1].to, &neighbour.addr));
    rig_question(r, &neighbour, name, MDNS_A, true);
    assert_int_equal(sent_after(r, 0), 1);
    assert_int_equal(r->host.sent[2].to.ip[0], 224);
    rig_free(r);
}

static void who_does_not_speak_mdns_is_answered_as_in_dns(void **state)
{
    static const struct net_origin old = {{4, {192, 0, 2, 9}, 40000}, 1};
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    rig_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    struct mdns_reader m;
    struct mdns_question q;
    assert_true(sotto__address_eq(&r->host.sent[0].to, &old.addr));
    assert_int_equal(sotto__mdns_open(&m, r->host.sent[0].p, r->host.sent[0].n), 0);
    assert_int_equal(m.id, 77);
    assert_int_equal(sotto__mdns_next_question(&m, &q), 1);
    struct mdns_record rec = last_record(r);
    assert_true(!rec.flush && rec.ttl == 10);
    /* it is no amplifier for long */
    size_t sent = 0;
    for (unsigned i = 0; i < 3 * SOTTO_MAX_MDNS_UNICAST; i++)
        rig_question(r, &old, name, MDNS_A, false);
    for (unsigned i = 0; i < 3 * SOTTO_MAX_MDNS_UNICAST; i += SOTTO_MAX_MDNS_TURN) {
        sotto__mdns_agent_ready(&r->a);
        sent += sent_after(r, 0);
    }
    assert_int_equal(sent, SOTTO_MAX_MDNS_UNICAST - 1);
    assert_int_equal(sent_after(r, SOTTO_MS(999)), 0);
    rig_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, SOTTO_MS(2)), 0);
    rig_question(r, &old, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 1);
    rig_free(r);
}

/* proves: H035 */
static void what_is_known_or_not_ours_is_not_answered(void **state)
{
    static const struct net_origin elsewhere = {{4, {192, 0, 2, 9}, 5353}, 5};
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    rig_question(r, &neighbour, NAME, MDNS_A, false);
    rig_question(r, &elsewhere, name, MDNS_A, false);
    assert_int_equal(sent_after(r, 0), 0);
    for (uint32_t ttl = 59; ttl <= 60; ttl++) { /* half of it, at least: RFC 6762 §7.1 */
        uint8_t bytes[MDNS_MESSAGE];
        struct writer w = sotto__writer(bytes, sizeof bytes);
        struct mdns_question q = {.type = MDNS_A};
        struct mdns_record rec = {.type = MDNS_A, .ttl = ttl, .addr = v4};
        memcpy(q.name, name, sizeof name);
        memcpy(rec.name, name, sizeof name);
        sotto__mdns_begin(&w, 0, false);
        sotto__mdns_add_question(&w, &q);
        sotto__mdns_add_record(&w, &rec);
        rig_put(r, &neighbour, &w);
        assert_int_equal(sent_after(r, SOTTO_SECONDS(2)), ttl == 59 ? 1 : 0);
    }
    sotto__mdns_agent_forget(&r->a, r);
    rig_free(r);
}

static void a_message_with_too_many_questions_is_not_answered(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct rig *r = rig_new(1);
        char name[MDNS_LOCAL];
        uint8_t bytes[1400];
        struct writer w = sotto__writer(bytes, sizeof bytes);
        struct mdns_question q = {.name = "a.local", .type = MDNS_A};
        assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
        sotto__mdns_begin(&w, 0, false);
        for (unsigned i = 1; i < SOTTO_MAX_MDNS_QUESTIONS + more; i++)
            sotto__mdns_add_question(&w, &q);
        memcpy(q.name, name, sizeof name);
        sotto__mdns_add_question(&w, &q);
        rig_put(r, &neighbour, &w);
        assert_int_equal(sent_after(r, 0), more ? 0 : 1);
        rig_free(r);
    }
}

static void interfaces_beyond_the_limit_are_left_out(void **state)
{
    struct rig *r = rig_new(SOTTO_MAX_MDNS_INTERFACES + 1);
    (void)state;
    rig_ask(r, NAME, r);
    rig_run(r, START, NULL);
    assert_int_equal(r->host.n_sent, 2 * SOTTO_MAX_MDNS_INTERFACES);
    rig_free(r);
}

static void two_of_one_context_find_each_other(void **state)
{
    struct rig *r = rig_new(1);
    struct mdns_out out;
    char name[MDNS_LOCAL];
    (void)state;
    r->host.has_only_v4 = true;
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    rig_ask(r, name, &out);
    rig_run(r, START, NULL);
    for (size_t i = 0; i < r->host.n_sent; i++) { /* the system brings back what goes to the group */
        struct writer w = {r->host.sent[i].p, r->host.sent[i].n, MDNS_MESSAGE, false};
        rig_put(r, &neighbour, &w);
        rig_run(r, START, &out);
    }
    assert_true(sotto__address_eq(&out.addr, &v4));
    rig_free(r);
}

static void names_of_ours_are_limited(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    (void)state;
    for (unsigned i = 0; i < SOTTO_MAX_MDNS_NAMES; i++) {
        struct address a = {4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}, 0};
        assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &a, r, name), 0);
    }
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), SOTTO_E_LIMIT);
    sotto__mdns_agent_forget(&r->a, r);
    sotto__rand_fail(1);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), SOTTO_E_SYS);
    sotto__rand_fail(0);
    rig_free(r);
}

static void without_memory_nothing_is_asked_and_nothing_leaks(void **state)
{
    int64_t live = sotto__mem_live();
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct rig *r = rig_new(1);
        char name[MDNS_LOCAL];
        sotto__mem_fail_at(n);
        int a = sotto__mdns_agent_ask(&r->a, r->now, STR(NAME), false, r);
        int b = sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name);
        rig_run(r, START + SOTTO_SECONDS(5), NULL);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true(a == (n == 1 ? SOTTO_E_NOMEM : 0) && b == (n == 2 ? SOTTO_E_NOMEM : 0));
        rig_free(r);
        if (!failed) break;
    }
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_ours_are_answered_on_the_link_that_asks),
        cmocka_unit_test(h035_neither_far_askers_nor_claims_move_our_names),
        cmocka_unit_test(links_that_come_are_answered_on),
        cmocka_unit_test(a_record_goes_to_a_link_once_a_second),
        cmocka_unit_test(what_is_not_there_is_told_once_a_second),
        cmocka_unit_test(who_asks_for_a_unicast_answer_gets_one_if_the_link_has_heard_it),
        cmocka_unit_test(who_does_not_speak_mdns_is_answered_as_in_dns),
        cmocka_unit_test(what_is_known_or_not_ours_is_not_answered),
        cmocka_unit_test(a_message_with_too_many_questions_is_not_answered),
        cmocka_unit_test(interfaces_beyond_the_limit_are_left_out),
        cmocka_unit_test(two_of_one_context_find_each_other),
        cmocka_unit_test(names_of_ours_are_limited),
        cmocka_unit_test(without_memory_nothing_is_asked_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast DNS on a link that is made up: what is asked when, which answers are taken. */
#include "mdns_link.h"

/* proves: H035 */
static void sockets_are_there_only_while_they_are_needed(void **state)
{
    struct rig *r = rig_new(2);
    struct mdns_out out;
    struct sotto_fd fds[4];
    char name[MDNS_LOCAL];
    (void)state;
    assert_int_equal(rig_run(r, START, NULL), 0);
    assert_int_equal(r->host.opened, 0);
    assert_int_equal(sotto__mdns_agent_fds(&r->a, fds, 4), 0);
    assert_true(sotto__mdns_agent_due(&r->a) == SOTTO_NEVER);
    rig_ask(r, NAME, r);
    rig_run(r, START, NULL);
    assert_int_equal(sotto__mdns_agent_fds(&r->a, fds, 4), 2);
    assert_true(fds[0].fd == 10 && fds[1].fd == 11);
    assert_int_equal(r->host.joined[0], 6);
    assert_int_equal(r->host.joined[1], 6);
    rig_answer(r, &neighbour, NAME, &v4, 120);
    assert_int_equal(rig_run(r, START, &out), 1);
    assert_true(out.owner == r && sotto__address_eq(&out.addr, &v4));
    assert_string_equal(out.name, NAME);
    assert_int_equal(r->host.closed, 2);
    assert_int_equal(sotto__mdns_agent_hide(&r->a, r->now, &v4, r, name), 0);
    assert_int_equal(r->host.opened, 4);
    sotto__mdns_agent_forget(&r->a, &out); /* somebody else's */
    assert_int_equal(r->host.closed, 2);
    sotto__mdns_agent_forget(&r->a, r);
    assert_int_equal(r->host.closed, 4);
    rig_free(r);
}

/* proves: H034 */
static void a_name_is_asked_for_at_0_1_and_3_seconds_then_given_up(void **state)
{
    static const sotto_us at[] = {0, SOTTO_SECONDS(1), SOTTO_SECONDS(3)};
    struct rig *r = rig_new(2);
    struct mdns_out out;
    (void)state;
    rig_ask(r, "1F4712DB-ea17-4bcf-a596-105139dfd8bf.LOCAL", r);
    for (size_t i = 0; i < 3; i++) {
        if (i > 0) assert_int_equal(rig_run(r, START + at[i] - 1, NULL), 0);
        assert_int_equal(r->host.n_sent, 4 * i);
        assert_int_equal(rig_run(r, START + at[i], NULL), 0);
        assert_int_equal(r->host.n_sent, 4 * (i + 1)); /* two interfaces, two families */
        for (size_t k = 4 * i; k < r->host.n_sent; k++) {
            const struct sent *s = &r->host.sent[k];
            struct mdns_reader m;
            struct mdns_question q;
            assert_int_equal(s->to.port, 5353);
            assert_int_equal(sotto__mdns_open(&m, s->p, s->n), 0);
            assert_true(!m.is_response && m.id == 0);
            for (int type = 0; type < 2; type++) {
                assert_int_equal(sotto__mdns_next_question(&m, &q), 1);
                assert_string_equal(q.name, NAME);
                assert_int_equal(q.type, type == 0 ? MDNS_A : MDNS_AAAA);
                assert_true(q.unicast == (i == 0));
            }
        }
    }
    assert_int_equal(rig_run(r, START + SOTTO_MDNS_ASK_US - 1, NULL), 0);
    assert_int_equal(rig_run(r, START + SOTTO_MDNS_ASK_US, &out), 1);
    assert_int_equal(out.addr.family, 0);
    assert_string_equal(out.name, NAME);
    assert_int_equal(r->host.n_sent, 12);
    rig_free(r);
}

/* proves: H033 */
static void only_names_of_one_label_are_asked_for(void **state)
{
    static const char *const names[] = {"example.com", "a.b.local", "local", "", "a.local."};
    struct rig *r = rig_new(1);
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, sotto__str(names[i]), false, r),
                         SOTTO_E_SYNTAX);
    rig_run(r, START + SOTTO_SECONDS(10), NULL);
    assert_int_equal(r->host.n_sent, 0);
    rig_free(r);
}

/* proves: H034 ICE-19 */
static void answers_that_must_not_be_used_are_ignored(void **state)
{
    static const struct {
        const char *why;
        struct net_origin from;
        const char *name;
        struct address addr;
        uint32_t ttl;
    } rows[] = {
        {"from another port", {{4, {192, 0, 2, 7}, 5354}, 1}, NAME, {4, {192, 0, 2, 7}, 0}, 120},
        {"from far", {{4, {192, 0, 2, 7}, 5353}, 1, true}, NAME, {4, {192, 0, 2, 7}, 0}, 120},
        {"of another name", {{4, {192, 0, 2, 7}, 5353}, 1}, "a.local", {4, {192, 0, 2, 7}, 0}, 120},
        {"a goodbye", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {192, 0, 2, 7}, 0}, 0},
        {"loopback", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {127, 0, 0, 1}, 0}, 120},
        {"loopback", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {6, {[15] = 1}, 0}, 120},
        {"unspecified", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {0}, 0}, 120},
        {"unspecified", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {6, {0}, 0}, 120},
        {"multicast", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {224, 0, 0, 251}, 0}, 120},
        {"broadcast", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {255, 255, 255, 255}, 0}, 120},
        {"metadata", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {4, {169, 254, 169, 254}, 0}, 120},
        {"link-local", {{4, {192, 0, 2, 7}, 5353}, 1}, NAME, {6, {0xfe, 0x80, [15] = 1}, 0}, 120},
    };
    struct rig *r = rig_new(1);
    struct mdns_out out;
    (void)state;
    rig_ask(r, NAME, r);
    rig_run(r, START, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_answer(r, &rows[i].from, rows[i].name, &rows[i].addr, rows[i].ttl);
        if (rig_run(r, START, NULL) != 0) fail_msg("%s", rows[i].why);
    }
    rig_answer(r, &neighbour, NAME, &v6, 120); /* the first good one counts … */
    rig_answer(r, &neighbour, NAME, &v4, 120); /* … a second says nothing more */
    assert_int_equal(rig_run(r, START, &out), 1);
    assert_true(sotto__address_eq(&out.addr, &v6));
    rig_free(r);
}

static void loopback_is_taken_where_it_is_allowed(void **state)
{
    static const struct address home = {4, {127, 0, 0, 1}, 0};
    struct rig *r = rig_new(1);
    struct mdns_out out;
    (void)state;
    assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, sotto__str(NAME), true, r), 0);
    rig_run(r, START, NULL);
    rig_answer(r, &neighbour, NAME, &home, 120);
    assert_int_equal(rig_run(r, START, &out), 1);
    assert_true(sotto__address_eq(&out.addr, &home));
    rig_free(r);
}

static void a_name_that_two_ask_for_is_told_to_both(void **state)
{
    struct rig *r = rig_new(1);
    struct mdns_out out;
    int a, b;
    (void)state;
    rig_ask(r, NAME, &a);
    rig_ask(r, NAME, &b);
    rig_ask(r, NAME, r);
    rig_run(r, START, NULL);
    sotto__mdns_agent_forget(&r->a, r);
    rig_answer(r, &neighbour, NAME, &v4, 120);
    assert_int_equal(sotto__mdns_agent_next(&r->a, r->now, &out), 1);
    assert_ptr_equal(out.owner, &a);
    assert_int_equal(sotto__mdns_agent_next(&r->a, r->now, &out), 1);
    assert_ptr_equal(out.owner, &b);
    assert_int_equal(sotto__mdns_agent_next(&r->a, r->now, &out), 0);
    rig_free(r);
}

/* proves: H034 */
static void names_beyond_the_limits_wait_or_are_refused(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL], owners[SOTTO_MAX_MDNS_ASKS];
    (void)state;
    r->host.has_only_v4 = true;
    for (unsigned i = 0; i < SOTTO_MAX_MDNS_ASKS; i++) {
        snprintf(name, sizeof name, "n%u.local", i);
        rig_ask(r, name, &owners[i]);
    }
    assert_int_equal(sotto__mdns_agent_ask(&r->a, r->now, STR("more.local"), false, r),
                     SOTTO_E_LIMIT);
    rig_run(r, START, NULL);
    assert_int_equal(r->host.n_sent, SOTTO_MAX_MDNS_FLIGHT);
    rig_answer(r, &neighbour, "n3.local", &v4, 120);
    rig_answer(r, &neighbour, "n99.local", &v4, 120); /* not asked yet */
    assert_int_equal(rig_run(r, START, NULL), 1);
    assert_int_equal(r->host.n_sent, SOTTO_MAX_MDNS_FLIGHT + 1); /* the next one has its turn */
    for (unsigned i = 0; i < SOTTO_MAX_MDNS_ASKS; i++) sotto__mdns_agent_forget(&r->a, &owners[i]);
    assert_true(sotto__mdns_agent_due(&r->a) == SOTTO_NEVER);
    rig_free(r);
}

/* H034: a remote with a thousand names, and nobody who answers: so many at a time, each given up in time, and others are not kept. */
/* proves: H034 */
static void h034_a_thousand_names_of_one_remote_keep_nobody_waiting(void **state)
{
    struct rig *r = rig_new(1);
    char name[MDNS_LOCAL];
    struct mdns_out out;
    size_t taken = 0;
    int other;
    (void)state;
    r->host.has_only_v4 = true;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "n%u.local", i);
        int got = sotto__mdns_agent_ask(&r->a, r->now, sotto__str(name), false, r);
        if (i == 100) rig_ask(r, NAME, &other);
        assert_int_equal(got, taken + (i > 100) < SOTTO_MAX_MDNS_ASKS ? 0 : SOTTO_E_LIMIT);
        taken += got == 0;
    }
    rig_run(r, START, NULL);
    assert_int_equal(r->host.n_sent, SOTTO_MAX_MDNS_OWN_FLIGHT + 1);
    rig_answer(r, &neighbour, NAME, &v4, 120);
    assert_int_equal(rig_run(r, START, &out), 1);
    assert_ptr_equal(out.owner, &other);
    sotto_us rounds = (sotto_us)(taken / SOTTO_MAX_MDNS_OWN_FLIGHT + 1);
    for (sotto_us i = 1; i <= rounds; i++) {
        r->host.n_sent = 0;
        size_t told = rig_run(r, START + i * SOTTO_MDNS_ASK_US, NULL);
        assert_true(told <= SOTTO_MAX_MDNS_OWN_FLIGHT);
        assert_true(r->host.n_sent <= 4 * SOTTO_MAX_MDNS_OWN_FLIGHT);
        taken -= told;
    }
    assert_int_equal(taken, 0);
    rig_free(r);
}

static void interfaces_that_come_are_asked_on(void **state)
{
    struct rig *r = rig_new(1);
    struct mdns_out out;
    (void)state;
    sotto__mdns_agent_moved(&r->a, r->now); /* nothing is to be done */
    assert_int_equal(r->host.opened, 0);
    rig_ask(r, NAME, r);
    rig_run(r, START, NULL);
    assert_int_equal(r->host.joined[0], 2);
    r->host.n_interfaces = 2;
    sotto__mdns_agent_moved(&r->a, r->now);
    assert_int_equal(r->host.joined[0], 6);
    assert_int_equal(r->host.joined[1], 6);
    assert_true(r->host.opened == 4 && r->host.closed == 2);
    r->host.n_sent = 0;
    rig_run(r, START + SOTTO_SECONDS(1), NULL);
    assert_int_equal(r->host.n_sent, 4);
    assert_int_equal(r->host.sent[1].interface, 2);
    r->host.n_interfaces = 0;
    sotto__mdns_agent_moved(&r->a, r->now);
    assert_int_equal(rig_run(r, START + SOTTO_SECONDS(9), &out), 1);
    assert_int_equal(out.addr.family, 0);
    rig_free(r);
}

static void without_sockets_or_interfaces_names_are_given_up_in_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct rig *r = rig_new(kind == 1 ? 0 : 1);
        struct mdns_out out;
        r->host.no_sockets = kind == 0;
        r->host.deaf = kind == 2;
        rig_ask(r, NAME, r);
        assert_int_equal(rig_run(r, START + SOTTO_SECONDS(60), &out), 1);
        assert_int_equal(out.addr.family, 0);
        assert_true(r->host.looked <= 3);
        rig_free(r);
    }
}

static void garbage_is_ignored(void **state)
{
    struct rig *r = rig_new(1);
    uint64_t seed = 7;
    (void)state;
    rig_ask(r, NAME, r);
    rig_run(r, START, NULL);
    for (int i = 0; i < MAX_WAITING; i++) {
        struct waiting *w = &r->host.waiting[r->host.n_waiting++];
        w->from = neighbour;
        w->n = 1 + (size_t)(seed >> 33) % 200;
        for (size_t k = 0; k < w->n; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            w->p[k] = k < 12 ? (uint8_t)((seed >> 40) & 0x84) : (uint8_t)(seed >> 40);
        }
    }
    for (unsigned i = 0; i < MAX_WAITING; i += SOTTO_MAX_MDNS_TURN) { /* others have their turn between */
        assert_int_equal(r->host.at_waiting, i);
        sotto__mdns_agent_ready(&r->a);
        assert_int_equal(rig_run(r, START, NULL), 0);
    }
    assert_int_equal(r->host.at_waiting, MAX_WAITING);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_there_only_while_they_are_needed),
        cmocka_unit_test(a_name_is_asked_for_at_0_1_and_3_seconds_then_given_up),
        cmocka_unit_test(only_names_of_one_label_are_asked_for),
        cmocka_unit_test(answers_that_must_not_be_used_are_ignored),
        cmocka_unit_test(loopback_is_taken_where_it_is_allowed),
        cmocka_unit_test(a_name_that_two_ask_for_is_told_to_both),
        cmocka_unit_test(names_beyond_the_limits_wait_or_are_refused),
        cmocka_unit_test(h034_a_thousand_names_of_one_remote_keep_nobody_waiting),
        cmocka_unit_test(interfaces_that_come_are_asked_on),
        cmocka_unit_test(without_sockets_or_interfaces_names_are_given_up_in_time),
        cmocka_unit_test(garbage_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What changes of the network mean for one peer, by what the watch saw: told or not, and restarted or not, and when. */
#include "duo.h"

#include "transport/net_watch.h"

#define HOME "192.0.2.1" /* as duo.c has it */

static struct net_watch watch;

static void look(struct net_look *l, const char *addresses, const char *route4)
{
    struct str rest = sotto__str(addresses), one, after;
    *l = (struct net_look){.n = 0};
    for (bool more = addresses[0] != '\0'; more; rest = after) {
        more = sotto__str_cut(rest, ' ', &one, &after);
        assert_int_equal(sotto__address_parse(one, &l->addresses[l->n++]), 0);
    }
    if (route4) assert_int_equal(sotto__address_parse(sotto__str(route4), &l->route[0]), 0);
}

static struct duo *connected(uint64_t seed)
{
    struct duo *d = duo_new(seed);
    watch = (struct net_watch){.fd = 1};
    d->a.shared.watch = d->b.shared.watch = &watch;
    duo_connect(d);
    memset(d->a.n_events, 0, sizeof d->a.n_events);
    return d;
}

struct told {
    unsigned changes, needs, restarts;
};

static struct told take(struct duo *d)
{
    struct told t = {0};
    struct peer_event e;
    for (; sotto__peer_has_event(d->a.peer); sotto__peer_pop(d->a.peer)) {
        sotto__peer_peek(d->a.peer, &e);
        t.changes += e.type == SOTTO_EV_NETWORK_CHANGED;
        t.needs += e.type == SOTTO_EV_NETWORK_CHANGED && e.code;
        t.restarts += e.type == SOTTO_EV_NEGOTIATION_NEEDED;
    }
    return t;
}

static void a_connection_that_is_up_restarts_only_if_it_must(void **state)
{
    (void)state;
    static const struct {
        const char *was, *was_route, *is, *is_route;
        const char *interface;
        bool needs;
    } rows[] = {
        {HOME, HOME, HOME " 198.51.100.1", HOME, NULL, false},
        {HOME, HOME, HOME, NULL, NULL, false},                       /* the default route went */
        {HOME, NULL, HOME " 198.51.100.1", "198.51.100.1", NULL, false}, /* there was none */
        {HOME, HOME, HOME " 198.51.100.1", "198.51.100.1", NULL, true},
        {HOME, HOME, HOME " 198.51.100.1", "198.51.100.1", "wlan0", false},
        {HOME " 198.51.100.1", "198.51.100.1", HOME, HOME, NULL, false}, /* … to the one in use */
        {HOME, HOME, "198.51.100.1", "198.51.100.1", NULL, true},
        {HOME, HOME, "2001:db8::1", NULL, NULL, true},
        {HOME, HOME, "198.51.100.1", NULL, "wlan0", true},
        {HOME, HOME, "", NULL, NULL, false}, /* not yet */
        {HOME, HOME, "127.0.0.1 ::1", NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = connected(20 + i);
        char interface[] = "wlan0", *before = d->a.peer->transport.interface;
        look(&watch.was, rows[i].was, rows[i].was_route);
        look(&watch.is, rows[i].is, rows[i].is_route);
        if (rows[i].interface) d->a.peer->transport.interface = interface;
        sotto__peer_moved(d->a.peer, duo_now(d));
        d->a.peer->transport.interface = before;
        struct told t = take(d);
        if (t.changes != 1 || t.needs != rows[i].needs || t.restarts != rows[i].needs)
            fail_msg("row %zu: %u, %u, %u", i, t.changes, t.needs, t.restarts);
        duo_free(d);
    }
}

static void one_restart_in_so_much_time_and_the_next_when_it_is_over(void **state)
{
    (void)state;
    struct duo *d = connected(1);
    struct peer *p = d->a.peer;
    sotto_us now = duo_now(d);
    look(&watch.was, HOME, HOME);
    look(&watch.is, "198.51.100.1", "198.51.100.1");
    assert_int_equal(sotto__roam_due(p), SOTTO_NEVER);
    for (int i = 0; i < 10; i++) sotto__peer_moved(p, now);
    struct told t = take(d);
    assert_int_equal(t.changes, 1);
    assert_int_equal(t.restarts, 1);
    assert_int_equal(sotto__roam_due(p), now + SOTTO_RESTART_EVERY_US);
    sotto__roam_run(p, now + SOTTO_RESTART_EVERY_US - 1);
    assert_int_equal(take(d).restarts, 0);
    sotto__roam_run(p, now + SOTTO_RESTART_EVERY_US); /* the application did nothing: it is told again */
    assert_int_equal(take(d).restarts, 1);
    assert_int_equal(sotto__roam_due(p), SOTTO_NEVER);
    duo_free(d);
}

static void what_has_passed_when_its_time_comes_is_left_alone(void **state)
{
    (void)state;
    struct duo *d = connected(2);
    struct peer *p = d->a.peer;
    sotto_us now = duo_now(d);
    look(&watch.was, HOME, HOME);
    look(&watch.is, "198.51.100.1", "198.51.100.1");
    sotto__peer_moved(p, now);
    sotto__peer_moved(p, now);
    take(d);
    look(&watch.is, HOME, HOME); /* back again */
    sotto__roam_run(p, now + SOTTO_RESTART_EVERY_US);
    assert_int_equal(take(d).restarts, 0);
    assert_int_equal(sotto__roam_due(p), SOTTO_NEVER);
    duo_free(d);
}

static void while_a_negotiation_runs_it_waits(void **state)
{
    (void)state;
    struct duo *d = connected(3);
    struct peer *p = d->a.peer;
    sotto_us now = duo_now(d);
    look(&watch.was, HOME, HOME);
    look(&watch.is, "198.51.100.1", "198.51.100.1");
    p->signaling = SOTTO_SIGNALING_HAVE_LOCAL_OFFER;
    sotto__peer_moved(p, now);
    assert_int_equal(take(d).restarts, 0);
    assert_int_equal(sotto__roam_due(p), SOTTO_NEVER);
    p->signaling = SOTTO_SIGNALING_STABLE;
    assert_int_equal(sotto__roam_due(p), now + SOTTO_SECONDS(1));
    sotto__roam_run(p, now + SOTTO_SECONDS(1));
    assert_int_equal(take(d).restarts, 1);
    duo_free(d);
}

static void sleep_is_told_and_long_sleep_restarts(void **state)
{
    (void)state;
    static const struct {
        sotto_us slept;
        bool off;
        unsigned restarts;
    } rows[] = {{SOTTO_SECONDS(3), false, 0},
                {SOTTO_SECONDS(30) - 1, false, 0},
                {SOTTO_SECONDS(30), false, 1},
                {SOTTO_SECONDS(30), true, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = connected(30 + i);
        look(&watch.is, HOME, HOME);
        d->a.peer->roam.is_off = rows[i].off;
        sotto__peer_slept(d->a.peer, duo_now(d), rows[i].slept);
        struct told t = take(d);
        assert_int_equal(t.changes, 1);
        assert_int_equal(t.needs, rows[i].slept >= SOTTO_SECONDS(30));
        assert_int_equal(t.restarts, rows[i].restarts);
        duo_free(d);
    }
}

/* No memory for the event: the restart comes all the same, or its event is lost as any other. */
static void without_memory_nothing_breaks(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 10; n++) {
        struct duo *d = connected(40 + n);
        look(&watch.was, HOME, HOME);
        look(&watch.is, "198.51.100.1", "198.51.100.1");
        sotto__mem_fail_at(n);
        sotto__peer_moved(d->a.peer, duo_now(d));
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true(d->a.peer->restart_wanted);
        duo_free(d);
        if (!failed) return;
    }
    fail_msg("too many allocations");
}

static void a_closed_one_is_told_nothing(void **state)
{
    (void)state;
    struct duo *d = connected(4);
    assert_true(sotto__peer_gathers(d->a.peer));
    sotto__peer_close(d->a.peer, duo_now(d));
    take(d);
    look(&watch.is, "198.51.100.1", NULL);
    sotto__peer_moved(d->a.peer, duo_now(d));
    sotto__peer_slept(d->a.peer, duo_now(d), SOTTO_SECONDS(99));
    assert_false(sotto__peer_gathers(d->a.peer));
    assert_false(sotto__peer_has_event(d->a.peer));
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_is_up_restarts_only_if_it_must),
        cmocka_unit_test(one_restart_in_so_much_time_and_the_next_when_it_is_over),
        cmocka_unit_test(what_has_passed_when_its_time_comes_is_left_alone),
        cmocka_unit_test(while_a_negotiation_runs_it_waits),
        cmocka_unit_test(sleep_is_told_and_long_sleep_restarts),
        cmocka_unit_test(without_memory_nothing_breaks),
        cmocka_unit_test(a_closed_one_is_told_nothing),
    };
    return cmocka_run_group_tests_name("roam", tests, NULL, NULL);
}

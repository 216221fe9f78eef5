/* SPDX-License-Identifier: BSD-2-Clause */
/* The watch on this host's addresses, in a network namespace of the test's own (test/netns), whose interface it changes by ip(8). */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/net_watch.h"

#define DAY SOTTO_SECONDS(86400) /* the clock of these tests only says what was before what */

static void run(const char *command)
{
    assert_int_equal(system(command), 0);
}

/* The kernel has said something; it does so before ip(8) ends. */
static void take_news(struct net_watch *w, sotto_us now)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    sotto__net_watch_ready(w, now);
}

static const struct address added = {.family = 4, .ip = {10, 99, 0, 7}};

static void an_address_that_comes_or_goes_is_news(void **state)
{
    struct net_watch w;
    (void)state;
    assert_int_equal(sotto__net_watch_open(&w, &sotto__net_watch_linux, NULL), 0);
    assert_int_equal(sotto__net_watch_due(&w), SOTTO_NEVER);
    assert_false(sotto__net_watch_changed(&w, DAY));
    assert_false(sotto__net_look_has(&w.is, &added));
    run("ip address add 10.99.0.7/24 dev sotto0");
    take_news(&w, DAY);
    assert_int_equal(sotto__net_watch_due(&w), DAY + SOTTO_MS(200));
    assert_false(sotto__net_watch_changed(&w, DAY + SOTTO_MS(199)));
    assert_true(sotto__net_watch_changed(&w, DAY + SOTTO_MS(200)));
    assert_true(sotto__net_look_has(&w.is, &added));
    assert_int_equal(sotto__net_watch_due(&w), SOTTO_NEVER);
    run("ip address del 10.99.0.7/24 dev sotto0");
    take_news(&w, 2 * DAY);
    assert_true(sotto__net_watch_changed(&w, 3 * DAY));
    assert_false(sotto__net_look_has(&w.is, &added));
    sotto__net_watch_close(&w);
}

static void what_is_as_before_when_it_is_quiet_again_is_no_news(void **state)
{
    struct net_watch w;
    (void)state;
    assert_int_equal(sotto__net_watch_open(&w, &sotto__net_watch_linux, NULL), 0);
    run("ip address add 10.99.0.7/24 dev sotto0");
    run("ip address del 10.99.0.7/24 dev sotto0");
    take_news(&w, DAY);
    assert_false(sotto__net_watch_changed(&w, 2 * DAY));
    run("ip address add 169.254.1.1/16 dev sotto0"); /* never offered */
    take_news(&w, 3 * DAY);
    assert_false(sotto__net_watch_changed(&w, 4 * DAY));
    run("ip address del 169.254.1.1/16 dev sotto0");
    sotto__net_watch_close(&w);
}

static void news_without_end_are_looked_at_all_the_same(void **state)
{
    struct net_watch w;
    (void)state;
    assert_int_equal(sotto__net_watch_open(&w, &sotto__net_watch_linux, NULL), 0);
    run("ip address add 10.99.0.7/24 dev sotto0");
    for (int i = 0; i < 30; i++) sotto__net_watch_soon(&w, DAY + i * SOTTO_MS(100));
    assert_int_equal(sotto__net_watch_due(&w), DAY + SOTTO_SECONDS(2));
    assert_true(sotto__net_watch_changed(&w, DAY + SOTTO_MS(2900)));
    run("ip address del 10.99.0.7/24 dev sotto0");
    sotto__net_watch_close(&w);
}

static void a_watch_that_is_closed_says_nothing(void **state)
{
    struct net_watch w = {.fd = -1};
    (void)state;
    sotto__net_watch_close(&w);
    assert_int_equal(sotto__net_watch_due(&w), SOTTO_NEVER);
    assert_false(sotto__net_watch_changed(&w, DAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_comes_or_goes_is_news),
        cmocka_unit_test(what_is_as_before_when_it_is_quiet_again_is_no_news),
        cmocka_unit_test(news_without_end_are_looked_at_all_the_same),
        cmocka_unit_test(a_watch_that_is_closed_says_nothing),
    };
    return cmocka_run_group_tests_name("net_watch", tests, NULL, NULL);
}

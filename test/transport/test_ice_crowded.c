/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host with more than 64 addresses, in a network namespace of its own (test/netns). There libnice ends the process for a check of a new
 * source that says no priority: no peer may be able to send one that arrives.
 */
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "puppet.h"

static const struct reply good = {0};

static void add_addresses(void)
{
    if (if_nametoindex("sotto0") == 0) fail_msg("to be run by test/netns: it changes lo");
    for (int i = 1; i <= 80; i++) {
        char command[64];
        snprintf(command, sizeof command, "ip address add 10.99.0.%d/32 dev lo", i);
        if (system(command) != 0) fail_msg("%s", command);
    }
}

/* proves: H044 H049 */
static void a_check_without_a_priority_does_not_arrive(void **state)
{
    static struct puppet p;
    struct stun_text s;
    (void)state;
    add_addresses();
    puppet_open(&p, false);
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t id[12] = {'n', 'o', 'n', 'e', (uint8_t)i};
        stun_begin(&s, STUN_REQUEST_TYPE, id);
        for (uint32_t k = 0; i == 3 && k < 12; k++) stun_add_u32(&s, 0x9000, k); /* … or late */
        stun_add(&s, STUN_USERNAME, "alice:puppet", 12);
        if (i > 0) stun_add_u32(&s, STUN_PRIORITY, i == 2 ? 0 : 1); /* the lowest there is */
        stun_add_u64(&s, STUN_CONTROLLING, 99);
        stun_sign(&s, p.alice.pwd, 20);
        stun_finger(&s);
        puppet_forget(&p);
        puppet_send_from(&p, 0x7f000400 + i, &s);
        puppet_play(&p, &good, 50);
        assert_int_equal(p.successes, i == 1);
    }
    puppet_connect(&p);
    puppet_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_without_a_priority_does_not_arrive)};
    return cmocka_run_group_tests_name("ice_crowded", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The ordinary life of a DTLS connection: handshake, data, lost packets, late answers, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dtls_pair.h"
#include "util/mem.h"

static void two_peers_connect_and_talk(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    assert_true(pair_talks(&p));
    assert_int_equal(p.end[0].connected, 1);
    assert_int_equal(p.end[1].connected, 1);
    assert_string_equal(sotto__dtls_reason(p.end[0].d), "");
    /* DTLS-17: no flight above what passes every path */
    assert_true(p.end[0].largest <= SOTTO_MTU && p.end[1].largest <= SOTTO_MTU);
    pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_peers_connect_and_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

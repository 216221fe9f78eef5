/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/if_addr.h>

#include "transport/ice_addr.h"
#include "util/limits.h"

static struct address parse(const char *text)
{
    struct address a = {0};
    assert_int_equal(sotto__address_parse(sotto__str(text), &a), 0);
    return a;
}

static void only_addresses_that_reach_another_host_are_offered(void **state)
{
    static const struct {
        const char *text;
        bool ok, ok_loopback;
    } rows[] = {
        {"192.0.2.1", true, true},
        {"10.1.2.3", true, true},
        {"172.17.0.1", true, true},
        {"127.0.0.1", false, true},
        {"127.0.0.2", false, false},
        {"127.1.0.1", false, false},
        {"::1", false, true},
        {"169.254.3.4", false, false},
        {"0.0.0.0", false, false},
        {"0.1.2.3", false, false},
        {"224.0.0.1", false, false},
        {"255.255.255.255", false, false},
        {"240.0.0.1", false, false},
        {"2001:db8::1", true, true},
        {"fd00::1", true, true},
        {"fe80::1", false, false},
        {"febf::1", false, false},
        {"fec0::1", false, false},
        {"ff02::1", false, false},
        {"::", false, false},
        {"::ffff:192.0.2.1", false, false},
        {"::192.0.2.1", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a = parse(rows[i].text);
        if (sotto__ice_local_usable(&a, false) != rows[i].ok ||
            sotto__ice_local_usable(&a, true) != rows[i].ok_loopback)
            fail_msg("%s", rows[i].text);
    }
}

static void lines_of_if_inet6_are_read(void **state)
{
    struct address want = parse("2001:db8::12");
    struct ice_inet6 got;
    (void)state;
    assert_true(
        sotto__ice_inet6_line("20010db8000000000000000000000012 02 40 00 21     eth0\n", &got));
    assert_true(sotto__address_eq(&got.addr, &want));
    assert_string_equal(got.name, "eth0");
    assert_int_equal(got.flags, IFA_F_DEPRECATED | IFA_F_TEMPORARY);
    assert_false(
        sotto__ice_inet6_line("20010db80000000000000000000000xx 02 40 00 01 eth0\n", &got));
    assert_false(sotto__ice_inet6_line("20010db8000000000000000000000012 02 40 00\n", &got));
    assert_false(sotto__ice_inet6_line("2001", &got));
}

static void the_stable_address_is_hidden_behind_a_temporary_one(void **state)
{
    const struct ice_inet6 list[] = {
        {parse("2001:db8::1"), "eth0", 0},
        {parse("2001:db8::2"), "eth0", IFA_F_TEMPORARY},
        {parse("2001:db8::3"), "eth0", IFA_F_TEMPORARY | IFA_F_DEPRECATED},
        {parse("fd00::1"), "eth0", IFA_F_PERMANENT},
        {parse("2001:db8:1::1"), "wlan0", IFA_F_PERMANENT},
        {parse("2001:db8:1::2"), "wlan0", IFA_F_DEPRECATED},
        {parse("2001:db8:1::3"), "wlan0", IFA_F_TENTATIVE},
        {parse("2001:db8:1::4"), "wlan0", IFA_F_TEMPORARY | IFA_F_DADFAILED},
    };
    static const bool shunned[] = {true, false, true, false, false, true, true, true};
    const size_t n = sizeof list / sizeof list[0];
    struct address unlisted = parse("2001:db8::99");
    (void)state;
    for (size_t i = 0; i < n; i++)
        if (sotto__ice_inet6_shunned(&list[i].addr, list[i].name, list, n) != shunned[i])
            fail_msg("row %zu", i);
    assert_false(sotto__ice_inet6_shunned(&unlisted, "ppp0", list, n)); /* nothing is known of it */
}

static void loopback_is_listed_only_when_allowed(void **state)
{
    struct address list[SOTTO_MAX_LOCAL_ADDRESSES], home = parse("127.0.0.1");
    struct ice_local_filter filter = {.interface = "lo", .allow_loopback = false};
    (void)state;
    assert_int_equal(sotto__ice_local_addresses(&filter, list, SOTTO_MAX_LOCAL_ADDRESSES), 0);
    filter.allow_loopback = true;
    int n = sotto__ice_local_addresses(&filter, list, SOTTO_MAX_LOCAL_ADDRESSES);
    assert_in_range(n, 1, 2);
    assert_true(sotto__address_eq(&list[0], &home));
    assert_int_equal(sotto__ice_local_addresses(&filter, list, 1), 1);
    filter.interface = "nosuch0";
    assert_int_equal(sotto__ice_local_addresses(&filter, list, SOTTO_MAX_LOCAL_ADDRESSES), 0);
    filter = (struct ice_local_filter){.interface = NULL};
    n = sotto__ice_local_addresses(&filter, list, SOTTO_MAX_LOCAL_ADDRESSES);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        assert_true(sotto__ice_local_usable(&list[i], false));
    }
}

/* Whatever network this machine has: one address of a family at most, and one that is offered without the filter as well. */
static void the_default_route_leaves_from_one_address_of_a_family(void **state)
{
    struct ice_local_filter all = {.allow_loopback = false}, some = {.default_route = true},
                            named = {
                                .interface = "lo", .default_route = true, .allow_loopback = true};
    struct address a[SOTTO_MAX_LOCAL_ADDRESSES], b[SOTTO_MAX_LOCAL_ADDRESSES];
    int of[2] = {0, 0};
    (void)state;
    int n_all = sotto__ice_local_addresses(&all, a, SOTTO_MAX_LOCAL_ADDRESSES);
    int n = sotto__ice_local_addresses(&some, b, SOTTO_MAX_LOCAL_ADDRESSES);
    assert_true(n >= 0 && n <= n_all && n <= 2);
    for (int i = 0; i < n; i++) {
        bool is_in = false;
        for (int k = 0; k < n_all; k++) is_in = is_in || sotto__address_eq(&a[k], &b[i]);
        assert_true(is_in && of[b[i].family == 6]++ == 0);
    }
    some.allow_loopback = true;
    assert_true(sotto__ice_local_addresses(&some, b, SOTTO_MAX_LOCAL_ADDRESSES) > n); /* for tests */
    assert_true(sotto__ice_local_addresses(&named, b, SOTTO_MAX_LOCAL_ADDRESSES) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_addresses_that_reach_another_host_are_offered),
        cmocka_unit_test(lines_of_if_inet6_are_read),
        cmocka_unit_test(the_stable_address_is_hidden_behind_a_temporary_one),
        cmocka_unit_test(loopback_is_listed_only_when_allowed),
        cmocka_unit_test(the_default_route_leaves_from_one_address_of_a_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

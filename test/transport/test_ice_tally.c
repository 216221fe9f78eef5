/* SPDX-License-Identifier: BSD-2-Clause */
/* What came from a remote's addresses is counted by address, bounded, and whatever the bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/pc.h"
#include "transport/ice_tally.h"
#include "util/limits.h"
#include "util/mem.h"

static int add(struct ice_tally *t, const struct address *a)
{
    struct candidate c = {.addr = *a};
    return sotto__ice_tally_add(t, &c);
}

static const struct address peer = {.family = 4, .ip = {192, 0, 2, 7}, .port = 0x1234},
                            relay = {.family = 4, .ip = {192, 0, 2, 99}, .port = 3478};

static const uint8_t request[20] = {0, 1}, success[20] = {1, 1}, allocated[20] = {1, 3};
static const uint8_t forbidden[28] = {1, 0x11, 0, 8, [20] = 0, 9, 0, 4, 0, 0, 4, 3};
/* XOR-PEER-ADDRESS of the peer above under a cookie of zeros, and a request */
static const uint8_t relayed[56] = {0,    0x17, 0, 36, [20] = 0, 0x12, 0,    8, 0,  1, 0x12,
                                    0x34, 192,  0, 2,  7,        0,    0x13, 0, 20, 0, 1};

static const struct row {
    const char *name;
    const uint8_t *p;
    size_t n;
    bool by_relay;
    uint32_t asked, answers, errors;
    uint16_t code;
} rows[] = {
    {"a check", request, sizeof request, false, 1, 0, 0, 0},
    {"an answer", success, sizeof success, false, 0, 1, 0, 0},
    {"an error", forbidden, sizeof forbidden, false, 0, 0, 1, 403},
    {"of another method", allocated, sizeof allocated, false, 0, 0, 0, 0},
    {"cut short", request, 19, false, 0, 0, 0, 0},
    {"an error cut short", forbidden, 27, false, 0, 0, 0, 0},
    {"by a relay", relayed, sizeof relayed, true, 1, 0, 0, 0},
    {"by a relay, cut short", relayed, 55, true, 0, 0, 0, 0},
    {"by a relay, empty", relayed, 20, true, 0, 0, 0, 0},
};

static void what_came_is_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct ice_tally t = {.n = 0};
        assert_int_equal(add(&t, &peer), 1);
        assert_int_equal(add(&t, &peer), 0);
        sotto__ice_tally_note(&t, r->by_relay ? &relay : &peer, r->p, r->n);
        const struct ice_tried *e = &t.items[0];
        if (t.n != 1 || e->asked != r->asked || e->answers != r->answers ||
            e->errors != r->errors || e->code != r->code)
            fail_msg("%s", r->name);
        sotto__ice_tally_free(&t);
    }
}

static void an_indication_in_an_indication_is_not_opened(void **state)
{
    (void)state;
    uint8_t twice[sizeof relayed];
    struct ice_tally t = {.n = 0};
    memcpy(twice, relayed, sizeof twice);
    twice[37] = 0x17;
    sotto__ice_tally_note(&t, &relay, twice, sizeof twice);
    assert_int_equal(t.n, 0);
    sotto__ice_tally_free(&t);
}

static void strangers_are_few_and_become_known(void **state)
{
    (void)state;
    struct ice_tally t = {.n = 0};
    struct address a = peer;
    for (a.port = 1; a.port <= SOTTO_MAX_TALLY_STRANGERS + 1; a.port++)
        sotto__ice_tally_note(&t, &a, request, sizeof request);
    assert_int_equal(t.n, SOTTO_MAX_TALLY_STRANGERS);
    a.port = 1;
    assert_false(t.items[0].is_named);
    assert_int_equal(add(&t, &a), 1);
    assert_true(t.items[0].is_named);
    assert_int_equal(t.items[0].asked, 1);
    a.port = 99; /* there is a place again */
    sotto__ice_tally_note(&t, &a, request, sizeof request);
    assert_int_equal(t.n, SOTTO_MAX_TALLY_STRANGERS + 1);
    sotto__ice_tally_clear(&t);
    assert_int_equal(t.n, 0);
    sotto__ice_tally_free(&t);
}

static void candidates_have_a_limit(void **state)
{
    (void)state;
    struct ice_tally t = {.n = 0};
    struct address a = peer;
    for (a.port = 1; a.port <= SOTTO_MAX_REMOTE_CANDIDATES; a.port++)
        assert_int_equal(add(&t, &a), 1);
    assert_int_equal(add(&t, &a), SOTTO_E_LIMIT);
    sotto__ice_tally_free(&t);
}

static void without_memory_nothing_is_counted(void **state)
{
    (void)state;
    struct ice_tally t = {.n = 0};
    int64_t live = sotto__mem_live();
    sotto__mem_fail_at(1);
    assert_int_equal(add(&t, &peer), SOTTO_E_NOMEM);
    sotto__mem_fail_at(1);
    sotto__ice_tally_note(&t, &peer, request, sizeof request);
    sotto__mem_fail_at(0);
    assert_int_equal(t.n, 0);
    assert_int_equal(sotto__mem_live(), live);
}

static void an_address_behind_a_name_is_hidden_unless_it_was_told_too(void **state)
{
    struct candidate c = {.addr = {4, {192, 0, 2, 7}, 9}, .name = "a.local"};
    struct ice_tally t = {0};
    (void)state;
    assert_int_equal(sotto__ice_tally_add(&t, &c), 1);
    assert_true(t.items[0].is_named && t.items[0].is_hidden);
    assert_int_equal(add(&t, &c.addr), 0);
    assert_false(t.items[0].is_hidden);
    assert_int_equal(sotto__ice_tally_add(&t, &c), 0);
    assert_false(t.items[0].is_hidden);
    sotto__ice_tally_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_behind_a_name_is_hidden_unless_it_was_told_too),
        cmocka_unit_test(what_came_is_counted),
        cmocka_unit_test(an_indication_in_an_indication_is_not_opened),
        cmocka_unit_test(strangers_are_few_and_become_known),
        cmocka_unit_test(candidates_have_a_limit),
        cmocka_unit_test(without_memory_nothing_is_counted),
    };
    return cmocka_run_group_tests_name("ice_tally", tests, NULL, NULL);
}

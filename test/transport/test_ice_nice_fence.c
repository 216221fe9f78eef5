/* SPDX-License-Identifier: BSD-2-Clause */
/* How large sockets are and which checks get in, by what kind of pair there is; which errors are conflicts of roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "puppet.h"
#include "transport/ice_nice.h"

static const struct reply silent = {.code = -1};
static struct puppet p;

static int room(void)
{
    struct ice *ice = p.alice.ice;
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    int size = 0;
    socklen_t n = sizeof size;
    assert_true(sockets->len > 0);
    assert_int_equal(getsockopt(g_socket_get_fd(g_ptr_array_index(sockets, 0)), SOL_SOCKET,
                                SO_RCVBUF, &size, &n),
                     0);
    g_ptr_array_unref(sockets);
    return size;
}

static bool is_answered(void)
{
    puppet_forget(&p);
    puppet_nominate(&p);
    puppet_play(&p, &silent, 10);
    return p.successes > 0;
}

static void open_direct(void)
{
    puppet_open(&p, false);
    p.alice.ice->no_fast_path = false;
    puppet_introduce(&p);
    puppet_connect(&p);
}

/* proves: H044 */
static void over_a_relay_sockets_are_large_and_no_check_comes_past_it(void **state)
{
    (void)state;
    open_direct();
    struct ice *ice = p.alice.ice;
    NiceCandidateType type = ice->pair_local->type;
    int small = room();
    assert_in_range(small, 1, 2 * SOTTO_SMALL_SOCKET);
    assert_true(is_answered());

    ice->pair_local->type = NICE_CANDIDATE_TYPE_RELAYED; /* as if */
    ice->nice_state = NICE_COMPONENT_STATE_CONNECTED;
    sotto__nice_fence(ice);
    assert_int_equal(room(), small); /* the checks are not over */
    ice->nice_state = NICE_COMPONENT_STATE_READY;
    sotto__nice_fence(ice);
    assert_true(room() > small);
    assert_false(is_answered());

    ice->pair_local->type = type;
    sotto__nice_fence(ice);
    assert_int_equal(room(), small);
    assert_true(is_answered());
    puppet_close(&p);
}

static void without_a_second_socket_the_first_is_large(void **state)
{
    (void)state;
    for (int why = 0; why < 2; why++) {
        open_direct();
        int small = room();
        if (why == 0)
            p.alice.ice->no_fast_path = true;
        else
            p.alice.ice->path.no_twin = true;
        sotto__nice_fence(p.alice.ice);
        assert_true(room() > small);
        assert_true(is_answered());
        puppet_close(&p);
    }
}

/* proves: H046 */
static void only_a_487_of_the_peer_is_a_conflict(void **state)
{
    static const struct {
        unsigned type;
        int code;
        const char *key;
        size_t cut;
        unsigned counts;
    } rows[] = {
        {STUN_ERROR_TYPE, 487, "puppet-pwd-0123456789ab", 0, 1},
        {STUN_ERROR_TYPE, 487, "alice-pwd-0123456789ab", 0, 0},
        {STUN_ERROR_TYPE, 487, NULL, 0, 0},
        {STUN_ERROR_TYPE, 487, "puppet-pwd-0123456789ab", 1, 0},
        {STUN_ERROR_TYPE, 487, "puppet-pwd-0123456789ab", 60, 0},
        {STUN_ERROR_TYPE, 401, "puppet-pwd-0123456789ab", 0, 0},
        {STUN_ERROR_TYPE, 0, "puppet-pwd-0123456789ab", 0, 0},
        {STUN_SUCCESS_TYPE, 487, "puppet-pwd-0123456789ab", 0, 0},
        {STUN_REQUEST_TYPE, 487, "puppet-pwd-0123456789ab", 0, 0},
    };
    static const uint8_t id[12] = {1}, much[1501] = {1, 0x11};
    (void)state;
    puppet_open(&p, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_text s;
        p.alice.ice->n_conflicts = 0;
        stun_begin(&s, rows[i].type, id);
        if (rows[i].code) stun_add_error(&s, rows[i].code);
        if (rows[i].key) stun_sign(&s, rows[i].key, 20);
        stun_finger(&s);
        size_t n = s.n > rows[i].cut ? s.n - rows[i].cut : 0;
        sotto__nice_note_conflict(p.alice.ice, s.bytes, n);
        if (p.alice.ice->n_conflicts != rows[i].counts) fail_msg("row %zu", i);
    }
    sotto__nice_note_conflict(p.alice.ice, much, sizeof much);
    assert_int_equal(p.alice.ice->n_conflicts, 0);
    puppet_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_a_relay_sockets_are_large_and_no_check_comes_past_it),
        cmocka_unit_test(without_a_second_socket_the_first_is_large),
        cmocka_unit_test(only_a_487_of_the_peer_is_a_conflict),
    };
    return cmocka_run_group_tests_name("ice_nice_fence", tests, NULL, NULL);
}

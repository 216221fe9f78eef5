/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of e2ee.h: what they refuse, before anything is connected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sotto/sotto.h"
#include "util/mem.h"

struct world_of {
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_dc *dc;
    sotto_transceiver *t;
    int64_t live;
};

static void setup(struct world_of *w)
{
    const sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    w->live = sotto__mem_live();
    assert_int_equal(sotto_ctx_new(&cfg, &w->ctx), 0);
    assert_int_equal(sotto_pc_new(w->ctx, NULL, &w->pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(w->pc, "x", NULL, &w->dc), 0);
    assert_int_equal(sotto_pc_add_transceiver(w->pc, SOTTO_AUDIO, NULL, &w->t), 0);
}

static void teardown(struct world_of *w)
{
    sotto_dc_free(w->dc);
    sotto_pc_free(w->pc);
    sotto_ctx_free(w->ctx);
    assert_int_equal(sotto__mem_live(), w->live);
}

static sotto_e2ee_key key(uint8_t first)
{
    static uint8_t bytes[16];
    memset(bytes, first, sizeof bytes);
    return (sotto_e2ee_key){.size = sizeof(sotto_e2ee_key),
                            .kid = 16,
                            .key = bytes,
                            .key_len = sizeof bytes,
                            .ratchet_bits = 4};
}

/* One row of functions: of a transceiver, or of a channel. */
struct row {
    bool is_dc;
    void *of;
};

static int add(const struct row *r, int32_t direction, const sotto_e2ee_key *k)
{
    return r->is_dc ? sotto_dc_add_e2ee_key(r->of, direction, k)
                    : sotto_transceiver_add_e2ee_key(r->of, direction, k);
}
static int drop(const struct row *r, int32_t direction, uint64_t kid)
{
    return r->is_dc ? sotto_dc_remove_e2ee_key(r->of, direction, kid)
                    : sotto_transceiver_remove_e2ee_key(r->of, direction, kid);
}
static int use(const struct row *r, uint64_t kid)
{
    return r->is_dc ? sotto_dc_use_e2ee_key(r->of, kid)
                    : sotto_transceiver_use_e2ee_key(r->of, kid);
}
static int ratchet(const struct row *r)
{
    return r->is_dc ? sotto_dc_ratchet_e2ee(r->of) : sotto_transceiver_ratchet_e2ee(r->of);
}
static int require(const struct row *r, int32_t direction)
{
    return r->is_dc ? sotto_dc_require_e2ee(r->of, direction)
                    : sotto_transceiver_require_e2ee(r->of, direction);
}
static int stats(const struct row *r, int32_t direction, sotto_e2ee_stats *ret)
{
    return r->is_dc ? sotto_dc_get_e2ee_stats(r->of, direction, ret)
                    : sotto_transceiver_get_e2ee_stats(r->of, direction, ret);
}

static void check_row(const struct row *r, uint8_t first)
{
    sotto_e2ee_key good = key(first), bad = good;
    sotto_e2ee_stats s = {.size = sizeof s}, wrong = {.size = 2};
    bad.key = NULL;
    assert_int_equal(add(r, SOTTO_E2EE_SEND, NULL), SOTTO_E_INVAL);
    assert_int_equal(add(r, SOTTO_E2EE_SEND, &bad), SOTTO_E_INVAL);
    bad = good, bad.size = 3;
    assert_int_equal(add(r, SOTTO_E2EE_SEND, &bad), SOTTO_E_INVAL);
    assert_int_equal(add(r, SOTTO_E2EE_SEND | SOTTO_E2EE_RECEIVE, &good), SOTTO_E_RANGE);
    assert_int_equal(add(r, 0, &good), SOTTO_E_RANGE);
    assert_int_equal(require(r, 0), SOTTO_E_RANGE);
    assert_int_equal(require(r, 4), SOTTO_E_RANGE);
    assert_int_equal(stats(r, SOTTO_E2EE_SEND, NULL), SOTTO_E_INVAL);
    assert_int_equal(stats(r, SOTTO_E2EE_SEND, &wrong), SOTTO_E_INVAL);
    assert_int_equal(stats(r, 3, &s), SOTTO_E_RANGE);
    assert_int_equal(use(r, 16), SOTTO_E_RANGE);
    assert_int_equal(ratchet(r), SOTTO_E_STATE);
    assert_int_equal(drop(r, SOTTO_E2EE_SEND, 16), SOTTO_E_RANGE);
    assert_int_equal(drop(r, 3, 16), SOTTO_E_RANGE);
    assert_int_equal(stats(r, SOTTO_E2EE_SEND, &s), 0);
    assert_true(!s.is_required && s.n_keys == 0 && s.size == sizeof s);
    assert_int_equal(add(r, SOTTO_E2EE_SEND, &good), 0);
    assert_int_equal(add(r, SOTTO_E2EE_SEND, &good), SOTTO_E_ACCESS);
    assert_int_equal(add(r, SOTTO_E2EE_RECEIVE, &good), SOTTO_E_ACCESS); /* the remote's must be another */
    bad = good, bad.kid = 32;
    assert_int_equal(add(r, SOTTO_E2EE_RECEIVE, &bad), 0);
    assert_int_equal(use(r, 17), 0); /* any step of it */
    assert_int_equal(ratchet(r), 0);
    assert_int_equal(stats(r, SOTTO_E2EE_SEND, &s), 0);
    assert_true(s.is_required && s.n_keys == 1 && s.kid == 17 &&
                s.cipher == SOTTO_SFRAME_AES_128_GCM_SHA256_128);
    assert_int_equal(drop(r, SOTTO_E2EE_SEND, 17), 0);
    assert_int_equal(require(r, SOTTO_E2EE_SEND | SOTTO_E2EE_RECEIVE), 0);
    assert_int_equal(stats(r, SOTTO_E2EE_SEND, &s), 0);
    assert_true(s.is_required && s.n_keys == 0); /* for good */
}

/* proves: S20 S25 */
static void e2ee_functions_check_what_they_are_given(void **state)
{
    (void)state;
    struct world_of w;
    setup(&w);
    const struct row rows[] = {{false, w.t}, {true, w.dc}}, none[] = {{false, NULL}, {true, NULL}};
    sotto_e2ee_key k = key(3);
    sotto_e2ee_stats s = {.size = sizeof s};
    for (uint8_t i = 0; i < 2; i++) {
        check_row(&rows[i], (uint8_t)(i + 1));
        assert_int_equal(add(&none[i], SOTTO_E2EE_SEND, &k), SOTTO_E_INVAL);
        assert_int_equal(drop(&none[i], SOTTO_E2EE_SEND, 1), SOTTO_E_INVAL);
        assert_int_equal(use(&none[i], 1), SOTTO_E_INVAL);
        assert_int_equal(ratchet(&none[i]), SOTTO_E_INVAL);
        assert_int_equal(require(&none[i], SOTTO_E2EE_SEND), SOTTO_E_INVAL);
        assert_int_equal(stats(&none[i], SOTTO_E2EE_SEND, &s), SOTTO_E_INVAL);
    }
    sotto_pc_close(w.pc);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(add(&rows[i], SOTTO_E2EE_SEND, &k), SOTTO_E_CLOSED);
        assert_int_equal(require(&rows[i], SOTTO_E2EE_SEND), SOTTO_E_CLOSED);
        assert_int_equal(stats(&rows[i], SOTTO_E2EE_SEND, &s), SOTTO_E_CLOSED);
        assert_int_equal(use(&rows[i], 1), SOTTO_E_CLOSED);
        assert_int_equal(ratchet(&rows[i]), SOTTO_E_CLOSED);
        assert_int_equal(drop(&rows[i], SOTTO_E2EE_SEND, 1), SOTTO_E_CLOSED);
    }
    teardown(&w);
}

/* proves: S25 */
static void e2ee_keys_change_nothing_when_memory_ends(void **state)
{
    (void)state;
    struct world_of w;
    setup(&w);
    const struct row rows[] = {{false, w.t}, {true, w.dc}};
    sotto_e2ee_key k = key(7);
    for (int i = 0; i < 2; i++) {
        int64_t live = sotto__mem_live();
        for (uint64_t n = 1;; n++) {
            sotto_e2ee_stats s = {.size = sizeof s};
            sotto__mem_fail_at(n);
            int r = add(&rows[i], SOTTO_E2EE_SEND, &k);
            bool failed = sotto__mem_failed();
            sotto__mem_fail_at(0);
            if (!failed) {
                assert_int_equal(r, 0);
                break;
            }
            assert_int_equal(r, SOTTO_E_NOMEM);
            assert_int_equal(sotto__mem_live(), live);
            assert_int_equal(stats(&rows[i], SOTTO_E2EE_SEND, &s), 0);
            assert_false(s.is_required);
        }
    }
    teardown(&w);
}

/* Its keys would belong to nobody. */
static void e2ee_refuses_keys_of_a_transceiver_that_is_gone(void **state)
{
    (void)state;
    struct world_of w;
    setup(&w);
    sotto_e2ee_key k = key(9);
    assert_int_equal(sotto_transceiver_add_e2ee_key(w.t, SOTTO_E2EE_SEND, &k), 0);
    assert_int_equal(sotto_transceiver_stop(w.t), 0); /* in no offer yet: gone at once */
    assert_int_equal(sotto_transceiver_add_e2ee_key(w.t, SOTTO_E2EE_SEND, &k), SOTTO_E_CLOSED);
    assert_int_equal(sotto_transceiver_require_e2ee(w.t, SOTTO_E2EE_SEND), SOTTO_E_CLOSED);
    sotto_transceiver_free(w.t);
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e2ee_functions_check_what_they_are_given),
        cmocka_unit_test(e2ee_refuses_keys_of_a_transceiver_that_is_gone),
        cmocka_unit_test(e2ee_keys_change_nothing_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates made in advance: when, how many, and that each is used once. */
#include <string.h>
#include <time.h>

#include "api/ctx.h"
#include "call.h"
#include "transport/cert.h"
#include "util/mem.h"

static sotto_ctx *make(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *c;
    assert_int_equal(sotto_ctx_new(&cfg, &c), 0);
    return c;
}

static void idle(sotto_ctx *c)
{
    for (int i = 0; i < 6; i++) assert_int_equal(sotto_ctx_run(c, SOTTO_MS(5)), 0);
}

static void one_connection_alone_makes_none_and_the_next_ones_two(void **state)
{
    sotto_ctx *c = make();
    sotto_pc *pc[4];
    (void)state;
    assert_int_equal(sotto_pc_new(c, NULL, &pc[0]), 0);
    idle(c);
    assert_int_equal(c->spare.n, 0);
    assert_int_equal(sotto_pc_new(c, NULL, &pc[1]), 0);
    assert_int_equal(c->spare.n, 0);
    idle(c);
    assert_int_equal(c->spare.n, SPARE_CERTS);
    for (int i = 2; i < 4; i++) {
        assert_int_equal(sotto_pc_new(c, NULL, &pc[i]), 0);
        assert_int_equal(c->spare.n, 3 - i);
    }
    for (int i = 0; i < 4; i++) sotto_pc_free(pc[i]);
    sotto_ctx_free(c);
}

static void each_certificate_is_given_once_and_none_that_is_stale(void **state)
{
    int64_t live = sotto__mem_live(), now = (int64_t)time(NULL);
    struct sdp_fingerprint prints[5];
    sotto_ctx *c = make();
    struct cert *cert;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        int64_t at = i == 4 ? now + 3 * 86400 : now;
        assert_int_equal(sotto__spare_take(c, at, &cert), 0);
        assert_true(sotto__cert_expires(cert) - at >= 28 * 86400);
        sotto__cert_fingerprint(cert, &prints[i]);
        sotto__cert_unref(cert);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(prints[i].bytes, prints[k].bytes, prints[i].n_bytes);
        idle(c);
    }
    sotto_ctx_free(c);
    assert_int_equal(sotto__mem_live(), live);
}

static void what_is_too_many_is_given_back(void **state)
{
    int64_t live = sotto__mem_live();
    sotto_ctx *c = make();
    (void)state;
    for (int i = 0; i < SPARE_CERTS + 1; i++) {
        struct cert *cert;
        assert_int_equal(sotto__cert_generate(&cert, (int64_t)time(NULL)), 0);
        sotto__spare_put(c, cert);
    }
    assert_int_equal(c->spare.n, SPARE_CERTS);
    sotto_ctx_free(c);
    assert_int_equal(sotto__mem_live(), live);
}

/* Without memory for a certificate a wait is a wait: it is not tried again until another connection comes. */
static void one_that_cannot_be_made_is_not_tried_again_and_again(void **state)
{
    sotto_ctx *c = make();
    sotto_pc *pc[3];
    (void)state;
    for (int i = 0; i < 2; i++) assert_int_equal(sotto_pc_new(c, NULL, &pc[i]), 0);
    assert_true(sotto__spare_wanted(c));
    sotto__mem_fail_at(1);
    assert_int_equal(sotto_ctx_run(c, SOTTO_MS(5)), 0);
    assert_true(sotto__mem_failed());
    assert_false(sotto__spare_wanted(c));
    idle(c);
    assert_int_equal(c->spare.n, 0);
    assert_int_equal(sotto_pc_new(c, NULL, &pc[2]), 0);
    idle(c);
    assert_int_equal(c->spare.n, SPARE_CERTS);
    for (int i = 0; i < 3; i++) sotto_pc_free(pc[i]);
    sotto_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_alone_makes_none_and_the_next_ones_two),
        cmocka_unit_test(each_certificate_is_given_once_and_none_that_is_stale),
        cmocka_unit_test(what_is_too_many_is_given_back),
        cmocka_unit_test(one_that_cannot_be_made_is_not_tried_again_and_again),
    };
    return cmocka_run_group_tests_name("spare", tests, NULL, NULL);
}

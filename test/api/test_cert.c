/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates of the application: PEM there and back, and a connection that uses one. */
#include "api/ctx.h"
#include "call.h"
#include "util/mem.h"
#include "util/rand.h"

static void a_certificate_survives_pem_and_serves_a_connection(void **state)
{
    (void)state;
    sotto_cert *made, *read;
    char *pem, *one, *two, *sdp;
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_error err = {.size = sizeof err};
    assert_int_equal(sotto_cert_generate(&made), 0);
    assert_int_equal(sotto_cert_to_pem(made, &pem), 0);
    assert_int_equal(sotto_cert_from_pem(pem, strlen(pem), &read, &err), 0);
    assert_int_equal(sotto_cert_fingerprint(made, &one), 0);
    assert_int_equal(sotto_cert_fingerprint(read, &two), 0);
    assert_string_equal(one, two);
    assert_true(sotto_cert_expires(made) > 1700000000);
    assert_int_equal(sotto_cert_from_pem("nonsense", 8, &read, &err), SOTTO_E_SYNTAX);
    assert_int_equal(err.code, SOTTO_E_SYNTAX);
    assert_int_equal(sotto_cert_generate(NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_cert_to_pem(NULL, &sdp), SOTTO_E_INVAL);
    assert_int_equal(sotto_cert_expires(NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_new(NULL, &ctx), 0);
    sotto_pc_config cfg = {.size = sizeof cfg, .cert = read, .allow_loopback = true};
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    sotto_cert_free(read); /* the connection keeps what it needs */
    sotto_dc *dc;
    assert_int_equal(sotto_pc_create_data_channel(pc, "", NULL, &dc), 0);
    assert_int_equal(sotto_pc_create_offer(pc, NULL, &sdp), 0);
    assert_non_null(strstr(sdp, one));
    sotto_ctx_free(ctx);
    sotto_cert_free(made);
    sotto_cert_free(NULL);
    sotto_free(sdp), sotto_free(pem), sotto_free(one), sotto_free(two);
}

static void a_certificate_must_be_one_and_be_valid(void **state)
{
    (void)state;
    sotto_ctx *ctx;
    sotto_pc_config cfg = {.size = sizeof cfg};
    struct cert *old;
    char *pem;
    struct pc_config out;
    sotto_error err = {.size = sizeof err};
    assert_int_equal(sotto_ctx_new(NULL, &ctx), 0);
    cfg.cert = (sotto_cert *)ctx;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_INVAL);
    sotto_ctx_free(ctx);
    assert_int_equal(sotto__cert_generate(&old, 1600000000), 0); /* of 2020 */
    assert_int_equal(sotto__cert_to_pem(old, &pem), 0);
    sotto__cert_unref(old);
    assert_int_equal(sotto_cert_from_pem(pem, strlen(pem), &cfg.cert, &err), 0);
    assert_true(sotto_cert_expires(cfg.cert) < 1700000000);
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_ACCESS);
    sotto_cert_free(cfg.cert);
    sotto_free(pem);
}

static int use_certificate(void)
{
    sotto_cert *made = NULL, *read = NULL;
    char *pem = NULL, *print = NULL;
    int r = sotto_cert_generate(&made);
    if (r == 0) r = sotto_cert_to_pem(made, &pem);
    if (r == 0) r = sotto_cert_from_pem(pem, strlen(pem), &read, NULL);
    if (r == 0) r = sotto_cert_fingerprint(read, &print);
    sotto_free(pem), sotto_free(print);
    sotto_cert_free(made), sotto_cert_free(read);
    return r;
}

static void each_failing_allocation_of_a_certificate_ends_cleanly(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = use_certificate();
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
    }
    sotto__rand_fail(1);
    assert_int_equal(use_certificate(), SOTTO_E_SYS);
    sotto__rand_fail(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_survives_pem_and_serves_a_connection),
        cmocka_unit_test(a_certificate_must_be_one_and_be_valid),
        cmocka_unit_test(each_failing_allocation_of_a_certificate_ends_cleanly),
    };
    return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates of the application: PEM there and back, and a connection that uses one. */
#include "call.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_survives_pem_and_serves_a_connection),
    };
    return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}

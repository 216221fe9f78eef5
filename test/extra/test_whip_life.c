/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a helper for WHIP that is given up, and who may call one. The whole client against a server: test/whip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/ctx.h"
#include "api/guard.h"
#include "extra/whip_priv.h"
#include "util/time.h"

/* A helper whose first attempt was its last: nobody listens there. */
static sotto_whip *be_refused(sotto_ctx **ctx)
{
    sotto_whip_config cfg = {
        .size = sizeof cfg, .url = "http://127.0.0.1:9/", .token = "t", .attempts = 1};
    sotto_whip_news news = {.size = sizeof news};
    sotto_whip *w;
    assert_int_equal(sotto_ctx_new(NULL, ctx), 0);
    assert_int_equal(sotto_whip_publish(*ctx, &cfg, &w), 0);
    while (news.state != SOTTO_WHIP_REFUSED) {
        sotto_event *e;
        if (sotto_whip_next(w, &news) == 1) continue;
        assert_int_equal(sotto_ctx_wait(*ctx, SOTTO_SECONDS(20), &e), 1);
        sotto_whip_handle(w, e);
        sotto_event_free(e);
    }
    return w;
}

static void a_helper_takes_the_connection_along_that_it_gave_up(void **state)
{
    sotto_ctx *ctx;
    (void)state;
    sotto_whip *w = be_refused(&ctx);
    assert_non_null(w->old_pc);
    sotto_whip_free(w);
    assert_int_equal(ctx->n_pcs, 0);
    sotto_ctx_free(ctx);
}

static void the_log_sink_may_not_call_a_helper(void **state)
{
    const sotto_event e = {.type = SOTTO_EV_STATE};
    sotto_whip_news news = {.size = sizeof news};
    sotto_ctx *ctx;
    (void)state;
    sotto_whip *w = be_refused(&ctx);
    sotto__guard_set_in_sink(true);
    assert_int_equal(sotto_whip_handle(w, &e), SOTTO_E_STATE);
    assert_int_equal(sotto_whip_next(w, &news), SOTTO_E_STATE);
    assert_int_equal(sotto_whip_set_token(w, "t"), SOTTO_E_STATE);
    assert_int_equal(sotto_whip_retry(w), SOTTO_E_STATE);
    assert_int_equal(sotto_whip_stop(w), SOTTO_E_STATE);
    sotto_whip_free(w); /* does nothing */
    sotto__guard_set_in_sink(false);
    assert_int_equal(ctx->n_pcs, 1);
    sotto_whip_free(w);
    assert_int_equal(ctx->n_pcs, 0);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_helper_takes_the_connection_along_that_it_gave_up),
        cmocka_unit_test(the_log_sink_may_not_call_a_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

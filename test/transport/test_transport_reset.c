/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport that becomes as new. */
#include "couple.h"
#include "util/mem.h"

static void a_transport_that_was_reset_connects_again(void **state)
{
    (void)state;
    struct couple *c = couple_new(1, false);
    char ufrag[9];
    for (int round = 0; round < 3; round++) {
        if (round > 0) {
            assert_int_equal(sotto__transport_renew(&c->a.t), 0);
            assert_int_equal(sotto__transport_renew(&c->b.t), 0);
        }
        memcpy(ufrag, c->a.t.live.ufrag, sizeof ufrag);
        couple_connect(c);
        sotto__transport_reset(&c->a.t, couple_now(c));
        sotto__transport_reset(&c->b.t, couple_now(c));
        assert_int_equal(c->a.t.dtls_state, TRANSPORT_DTLS_NEW);
        assert_false(c->a.t.has_remote || c->a.t.has_data);
        assert_null(c->a.t.sctp);
        assert_string_equal(c->a.t.live.ufrag, "");
        couple_run(c, SOTTO_SECONDS(10));
        assert_null(c->a.t.retired[0]); /* it has said its goodbyes */
    }
    couple_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transport_that_was_reset_connects_again),
    };
    return cmocka_run_group_tests_name("transport_reset", tests, NULL, NULL);
}

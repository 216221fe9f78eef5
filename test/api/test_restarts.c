/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A remote that restarts ICE without end (H058 of the security catalogue): real sockets, and nobody who answers a check. SOTTO_LONG=1: a
 * thousand times.
 */
#include "../open_fds.h"
#include "sides.h"
#include "util/limits.h"
#include "util/mem.h"

enum { WARM = 50, MEAN = 4 };

static void empty(struct sides *s)
{
    sotto_event *e;
    while (sotto_ctx_next(s->ctx, &e) == 1) sotto_event_free(e);
}

/* proves: H058 */
static void restarts_of_the_remote_without_end_cost_what_a_few_do(void **state)
{
    struct sides s;
    sotto_dc *dc;
    sotto_dc_config cfg = {.size = sizeof cfg};
    int64_t live = 0;
    int restarts = getenv("SOTTO_LONG") ? 1000 : 150;
    (void)state;
    sides_new_with_thread(&s);
    assert_int_equal(sotto_pc_create_data_channel(s.a, "dc", &cfg, &dc), 0);
    int before = open_fds();
    sides_negotiate(s.a, s.b);
    for (int i = 0; i < restarts; i++) {
        assert_int_equal(sotto_pc_restart_ice(s.a), 0);
        sides_negotiate(s.a, s.b);
        empty(&s);
        assert_true(open_fds() <= before + 2 * SOTTO_MAX_PC_FDS);
        if (i == WARM) live = sotto__mem_live();
    }
    assert_true(sotto__mem_live() <= MEAN * live);
    sides_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_of_the_remote_without_end_cost_what_a_few_do),
    };
    return cmocka_run_group_tests_name("restarts", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The account of memory in the statistics of connections over real sockets: what util/mem counts from the moment before they are made is
 * what they say, and what the handles of the application take. The modules one by one: test/peer/test_stats_bytes.c.
 */
#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

/* What connections share: the context's tables and boxes, the stack's table, their certificates. */
#define REST 3000

static int64_t member(sotto_pc *pc, const char *name)
{
    sotto_stats *stats;
    assert_int_equal(sotto_pc_get_stats(pc, NULL, &stats), 0);
    const sotto_stat *o = sotto_stats_find(stats, "sotto-memory");
    assert_non_null(o);
    const sotto_stat_member *m = sotto_stat_member_of(o, name);
    assert_non_null(m);
    int64_t n = m->v.i;
    sotto_free(stats);
    return n;
}

static int64_t handles(const struct call_side *s)
{
    return (int64_t)(sotto__mem_size(s->pc) + sotto__mem_size(s->pc->fds) + sotto__mem_size(s->dc) +
                     sotto__mem_size(s->dc->label) + sotto__mem_size(s->dc->protocol));
}

static void connections_take_what_they_say(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    struct call c;
    bool never = false;
    assert_int_equal(both_ways_ctx(&cfg, &ctx), 0);
    int64_t before = sotto__mem_bytes();
    call_new(&c, ctx, ctx);
    call_connect(&c);
    call_run(&c, &never, 500);
    int64_t box = (int64_t)(sotto__mem_size(ctx->box.bytes) + sotto__mem_size(ctx->box.train));
    int64_t counted = sotto__mem_bytes() - before - box - handles(&c.a) - handles(&c.b);
    int64_t said = member(c.a.pc, "totalBytes") + member(c.b.pc, "totalBytes");
    print_message("%lld bytes of two connections, of which they tell %lld\n", (long long)counted,
                  (long long)said);
    assert_in_range(counted - said, 0, REST);
    assert_true(member(c.a.pc, "iceBytes") > 500); /* real ones */
    call_free(&c);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(connections_take_what_they_say)};
    sotto__mem_weigh();
    return cmocka_run_group_tests_name("stats_bytes", tests, NULL, NULL);
}

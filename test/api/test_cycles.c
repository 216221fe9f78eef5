/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect, exchange, close, many times in one process: memory, threads and descriptors stay as they were. */
#include <limits.h>
#include <malloc.h>
#include <sys/resource.h>

#include "../open_fds.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static long status(const char *key)
{
    char line[256];
    long value = -1;
    FILE *f = fopen("/proc/self/status", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0) value = strtol(line + strlen(key) + 1, NULL, 10);
    fclose(f);
    return value;
}

static void cycle(sotto_ctx *ctx)
{
    struct call c;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    assert_int_equal(sotto_dc_send(c.a.dc, "ping", 4, true), 0);
    bool got = false;
    for (int i = 0; i < 6000 && !got; i++) call_run(&c, &got, 10), got = c.b.n_messages > 0;
    assert_true(got);
    sotto_pc_close(c.a.pc);
    assert_true(call_run(&c, &c.b.closed, 60000));
    call_free(&c);
}

struct left {
    int64_t blocks;
    long fds;
};

/* What there is once no more than that is left, or after long: ICE says goodbye for a while. */
static struct left settle(sotto_ctx *ctx, struct left most)
{
    struct left now;
    sotto_event *e;
    sotto_us end = sotto_now() + 60000000;
    do {
        if (sotto_ctx_wait(ctx, 50000, &e) == 1) sotto_event_free(e);
        now = (struct left){sotto__mem_live(), open_fds()};
    } while ((now.blocks > most.blocks || now.fds > most.fds) && sotto_now() < end);
    return now;
}

/* proves: A08 */
static void many_calls_leave_nothing_behind(void **state)
{
    (void)state;
    int n = getenv("SOTTO_LONG") ? 1000 : 50;
    sotto_ctx *ctx;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    for (int i = 0; i < 10; i++) cycle(ctx);
    struct left first = settle(ctx, (struct left){INT64_MAX, LONG_MAX});
    malloc_trim(0);
    long threads = status("Threads:"), rss = status("VmRSS:");
    for (int i = 0; i < n; i++) cycle(ctx);
    struct left most = {first.blocks + 32, first.fds + 8}, last = settle(ctx, most);
    malloc_trim(0);
    print_message("after %d more calls: %ld kB more, %ld descriptors, %ld threads\n", n,
                  status("VmRSS:") - rss, last.fds, status("Threads:"));
    assert_true(last.fds <= most.fds);
    assert_int_equal(status("Threads:"), threads);
    assert_true(last.blocks <= most.blocks);
#ifndef SANITIZED /* their quarantine keeps what was freed; the plain build runs this test too */
    assert_true(status("VmRSS:") < rss + 1024);
#endif
    sotto_ctx_free(ctx);
}

/* A thousand that gather, each with a socket and a channel. */
/* proves: A08 */
static void a_thousand_at_a_time_leave_nothing_behind(void **state)
{
    enum { ALIVE = 1000 };
    static sotto_pc *pcs[ALIVE];
    static sotto_dc *dcs[ALIVE];
    struct rlimit files;
    sotto_ctx *ctx;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    size_t n = files.rlim_max >= 8 * ALIVE ? ALIVE : (size_t)files.rlim_max / 8;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    cycle(ctx);
    struct left first = settle(ctx, (struct left){INT64_MAX, LONG_MAX});
    long threads = status("Threads:");
    for (size_t i = 0; i < n; i++) {
        sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true};
        assert_int_equal(sotto_pc_new(ctx, &cfg, &pcs[i]), 0);
        assert_int_equal(sotto_pc_create_data_channel(pcs[i], "x", NULL, &dcs[i]), 0);
        assert_int_equal(sotto_pc_set_local_description(pcs[i], SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    }
    assert_true(open_fds() > first.fds + (long)n);
    assert_int_equal(status("Threads:"), threads);
    for (size_t i = 0; i < n; i++) sotto_dc_free(dcs[i]), sotto_pc_free(pcs[i]);
    struct left most = {first.blocks + 32, first.fds + 8};
    struct left last = settle(ctx, most);
    print_message("%zu at a time: %ld blocks, %ld descriptors more\n", n,
                  (long)(last.blocks - first.blocks), last.fds - first.fds);
    assert_true(last.fds <= most.fds);
    assert_true(last.blocks <= most.blocks);
    assert_int_equal(status("Threads:"), threads);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_calls_leave_nothing_behind),
        cmocka_unit_test(a_thousand_at_a_time_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("cycles", tests, NULL, NULL);
}

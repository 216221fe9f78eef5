/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect, exchange, close, many times in one process: memory, threads and descriptors stay as they were. */
#include <malloc.h>

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
    for (int i = 0; i < 1000 && !got; i++) call_run(&c, &got, 10), got = c.b.n_messages > 0;
    assert_true(got);
    sotto_pc_close(c.a.pc);
    assert_true(call_run(&c, &c.b.closed, 5000));
    call_free(&c);
}

static void many_calls_leave_nothing_behind(void **state)
{
    (void)state;
    int n = getenv("SOTTO_LONG") ? 1000 : 50;
    sotto_ctx *ctx;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    for (int i = 0; i < 10; i++) cycle(ctx);
    malloc_trim(0);
    long fds = open_fds(), threads = status("Threads:"), rss = status("VmRSS:");
    int64_t live = sotto__mem_live();
    for (int i = 0; i < n; i++) cycle(ctx);
    malloc_trim(0);
    print_message("after %d more calls: %ld kB more, %d descriptors, %ld threads\n", n,
                  status("VmRSS:") - rss, open_fds(), status("Threads:"));
    assert_true(open_fds() <= fds + 8); /* ice that still says goodbye */
    assert_int_equal(status("Threads:"), threads);
    assert_true(sotto__mem_live() <= live + 32);
#ifndef SANITIZED /* their quarantine keeps what was freed; the plain build runs this test too */
    assert_true(status("VmRSS:") < rss + 1024);
#endif
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_calls_leave_nothing_behind)};
    return cmocka_run_group_tests_name("cycles", tests, NULL, NULL);
}

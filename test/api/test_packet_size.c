/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet size that is found and used over real links: two processes in two network namespaces, a veth pair between them whose MTU
 * is set and then shrinks in mid-transfer. Needs root, or runs inside test/netns.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "both_ways.h"
#include "sotto/sotto.h"

#define MESSAGE 65536u
#define PATIENCE 60000000 /* µs: sanitizers on a busy machine */

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
    char command[512] = "PATH=$PATH:/usr/sbin:/sbin; ";
    size_t n = strlen(command);
    va_list args;
    va_start(args, format);
    vsnprintf(command + n, sizeof command - n, format, args);
    va_end(args);
    if (system(command) != 0) fail_msg("%s", command);
}

struct end {
    int wire; /* to the other process: descriptions, then how many messages were sent */
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_dc *dc;
    bool open, gathered;
    uint64_t messages; /* received: each says its number */
};

static void take(struct end *e, sotto_us wait)
{
    sotto_event *ev;
    if (sotto_ctx_wait(e->ctx, wait, &ev) != 1) return;
    switch (ev->type) {
    case SOTTO_EV_STATE:
        e->gathered = ev->u.state.gathering == SOTTO_GATHERING_COMPLETE;
        assert_int_not_equal(ev->u.state.connection, SOTTO_CONNECTION_FAILED);
        break;
    case SOTTO_EV_OPEN: e->open = true; break;
    case SOTTO_EV_CHANNEL: e->dc = ev->u.channel.dc, e->open = true; break;
    case SOTTO_EV_MESSAGE: {
        const uint8_t *p = ev->u.message.data;
        uint64_t number;
        assert_int_equal(ev->u.message.len, MESSAGE);
        memcpy(&number, p, sizeof number);
        assert_int_equal(number, e->messages++);
        for (size_t i = sizeof number; i < MESSAGE; i += 997)
            assert_int_equal(p[i], (uint8_t)(number + i));
        break;
    }
    default: break;
    }
    sotto_event_free(ev);
}

/* What this side has to say of itself, with all candidates. */
static void tell(struct end *e)
{
    char *sdp;
    assert_int_equal(sotto_pc_set_local_description(e->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    for (sotto_us end = sotto_now() + PATIENCE; !e->gathered && sotto_now() < end;) take(e, 10000);
    assert_int_equal(sotto_pc_local_description(e->pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 1);
    assert_int_equal(write(e->wire, sdp, strlen(sdp)), strlen(sdp));
    sotto_free(sdp);
}

static void hear(struct end *e, sotto_sdp_type type)
{
    static char sdp[65536];
    ssize_t n = read(e->wire, sdp, sizeof sdp - 1);
    assert_true(n > 0);
    sdp[n] = '\0';
    assert_int_equal(sotto_pc_set_remote_description(e->pc, type, sdp, NULL), 0);
}

static void begin(struct end *e, int wire, bool offers)
{
    sotto_ctx_config ctx = {.size = sizeof ctx, .no_thread = true};
    sotto_pc_config cfg = {.size = sizeof cfg};
    *e = (struct end){.wire = wire};
    assert_int_equal(both_ways_ctx(&ctx, &e->ctx), 0);
    assert_int_equal(sotto_pc_new(e->ctx, &cfg, &e->pc), 0);
    if (offers) {
        assert_int_equal(sotto_pc_create_data_channel(e->pc, "bulk", NULL, &e->dc), 0);
        tell(e);
        hear(e, SOTTO_SDP_ANSWER);
    } else {
        hear(e, SOTTO_SDP_OFFER);
        tell(e);
    }
    for (sotto_us end = sotto_now() + PATIENCE; !e->open && sotto_now() < end;) take(e, 10000);
    assert_true(e->open);
}

/* The other process: its own network, and the end that receives. */
static int other(int wire)
{
    char go;
    struct end e;
    if (unshare(CLONE_NEWNET) != 0) return 2;
    if (write(wire, "n", 1) != 1 || read(wire, &go, 1) != 1) return 3;
    begin(&e, wire, false);
    uint64_t sent;
    for (;;) {
        take(&e, 5000);
        if (recv(wire, &sent, sizeof sent, MSG_DONTWAIT) == sizeof sent) break;
    }
    for (sotto_us end = sotto_now() + PATIENCE; e.messages < sent && sotto_now() < end;)
        take(&e, 5000);
    uint64_t n = e.messages;
    sotto_ctx_free(e.ctx);
    return write(wire, &n, sizeof n) == sizeof n ? 0 : 4;
}

static int64_t found(const struct end *e)
{
    sotto_stats *s;
    assert_int_equal(sotto_pc_get_stats(e->pc, NULL, &s), 0);
    const sotto_stat *t = sotto_stats_find(s, "sctp-transport");
    assert_non_null(t);
    int64_t mtu = sotto_stat_member_of(t, "mtu")->v.i;
    sotto_free(s);
    return mtu;
}

/* Sends until the size is as wanted. */
static uint64_t send_until(struct end *e, uint64_t number, int64_t size)
{
    static uint8_t data[MESSAGE];
    sotto_us end = sotto_now() + PATIENCE;
    for (uint64_t first = number; number - first < 50 || found(e) != size; take(e, 1000)) {
        for (size_t i = sizeof number; i < MESSAGE; i += 997) data[i] = (uint8_t)(number + i);
        memcpy(data, &number, sizeof number);
        int r = sotto_dc_send(e->dc, data, MESSAGE, false);
        if (r == 0) number++;
        if (r != 0) assert_int_equal(r, SOTTO_E_AGAIN);
        if (sotto_now() > end)
            fail_msg("%lld found, not %lld", (long long)found(e), (long long)size);
    }
    return number;
}

static void set_mtu(pid_t pid, int mtu)
{
    shell("ip link set pm0 mtu %d && nsenter --net=/proc/%d/ns/net ip link set pm1 mtu %d", mtu,
          (int)pid, mtu);
}

static void one_link(int mtu, int64_t size, int then, int64_t then_size)
{
    int wire[2];
    char c;
    struct end e;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wire), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(wire[0]);
        _exit(other(wire[1]));
    }
    close(wire[1]);
    assert_int_equal(read(wire[0], &c, 1), 1);
    shell("ip link add pm0 type veth peer name pm1 netns %d && ip address add 10.78.0.1/24 dev pm0 "
          "&& "
          "ip link set pm0 up && nsenter --net=/proc/%d/ns/net sh -c 'PATH=$PATH:/usr/sbin:/sbin; "
          "ip address add 10.78.0.2/24 dev pm1 && ip link set pm1 up && ip link set lo up'",
          (int)pid, (int)pid);
    set_mtu(pid, mtu);
    assert_int_equal(write(wire[0], "g", 1), 1);
    begin(&e, wire[0], true);
    uint64_t sent = send_until(&e, 0, size);
    if (then) {
        set_mtu(pid, then);
        sent = send_until(&e, sent, then_size);
    }
    uint64_t arrived = 0;
    assert_int_equal(write(wire[0], &sent, sizeof sent), sizeof sent);
    while (recv(wire[0], &arrived, sizeof arrived, MSG_DONTWAIT) < 0 && errno == EAGAIN)
        take(&e, 10000); /* the rest arrives */
    assert_int_equal(arrived, sent);
    sotto_ctx_free(e.ctx);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    /* with the other namespace it goes by itself, sooner or later */
    shell("ip link delete pm0 2>/dev/null || ! ip link show pm0 2>/dev/null");
    close(wire[0]);
}

static void links_of_any_size_are_filled_and_survive_that_they_shrink(void **state)
{
    (void)state;
    one_link(1400, 1332, 0, 0);
    one_link(1500, 1432, 1280, 1192);
    one_link(9000, 8912, 1450, 1372);
    one_link(65535, 16256, 1500, 1432);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_any_size_are_filled_and_survive_that_they_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

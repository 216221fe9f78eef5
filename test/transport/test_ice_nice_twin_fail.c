/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving past libnice where something is missing: errors, memory, rights, room, time. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../open_fds.h"
#include "twin_kit.h"
#include "util/mem.h"

static void an_error_of_reading_loses_nothing(void **state)
{
    static const struct {
        int error;
        bool closes;
    } cases[] = {
        {EINTR, false},        {EAGAIN, false},   {ENOMEM, false},      {ENOBUFS, false},
        {ECONNREFUSED, false}, {ENETDOWN, false}, {ENETUNREACH, false}, {EHOSTUNREACH, false},
        {EMSGSIZE, false},     {EPROTO, false},   {EBADF, true},        {ENOTSOCK, true},
        {EFAULT, true},        {EINVAL, true},    {EIO, true},          {ENOTCONN, true},
    };
    (void)state;
    connect_with_twin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int times = 1; times <= 4; times += 3) {
            wire.error = cases[i].error;
            wire.times = cases[i].closes ? 1 : times;
            pass(&alice, &bob, 30, 300);
            assert_int_equal(wire.times, 0);
            assert_int_equal(bob.ice->twin == NULL, cases[i].closes);
            bob.ice->path.not_before = 0;
            if (!bob.ice->twin) open_twin_of(&alice, &bob);
        }
    assert_int_equal(bob.box.dropped, 0);
}

/* proves: A09 */
static void without_the_kernels_help_libnice_receives(void **state)
{
    static const int settings[] = {SO_REUSEPORT, SO_ATTACH_REUSEPORT_CBPF, 0};
    (void)state;
    connect_ends(&alice, &bob);
    int fds = open_fds();
    for (size_t i = 0; i < 3; i++) {
        wire.setting = settings[i];
        wire.no_bind = settings[i] == 0;
        bob.ice->path.not_before = 0;
        pass(&alice, &bob, 250, 100);
        assert_null(bob.ice->twin);
        assert_null(bob.box.train);
        assert_int_equal(open_fds(), fds);
        assert_true(bob.ice->path.not_before > drive_now() + SOTTO_SECONDS(4));
    }
    wire.setting = 0;
    wire.no_bind = false;
    pass(&alice, &bob, 250, 100);
    assert_null(bob.ice->twin); /* not before some seconds */
    bob.ice->path.not_before = 0;
    open_twin_of(&alice, &bob);
}

static void without_memory_libnice_receives(void **state)
{
    (void)state;
    connect_ends(&alice, &bob);
    assert_int_equal(drive_send(&alice, 0, 250, 100), 250);
    expect(&alice, &bob, 250);
    assert_non_null(bob.ice->twin);
    for (uint64_t n = 1;; n++) {
        sotto__nice_twin_close(bob.ice);
        bob.ice->path.not_before = 0;
        int64_t live = sotto__mem_live();
        bob.ice->path.came = WORTH;
        sotto__mem_fail_at(n);
        sotto__nice_twin_turn(bob.ice, drive_now());
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(bob.ice->twin == NULL, failed);
        if (!failed) break;
        assert_int_equal(sotto__mem_live(), live);
    }
    pass(&alice, &bob, 100, 100);
}

static void the_setting_opens_none(void **state)
{
    (void)state;
    bob.cfg.no_fast_path = true;
    connect_ends(&alice, &bob);
    for (int i = 0; i < 3; i++) pass(&alice, &bob, 250, 100);
    assert_null(bob.ice->twin);
    assert_int_equal(wire.calls, 0);
}

static void two_connections_share_the_buffers(void **state)
{
    static struct end carol, dave;
    struct ice_out out;
    (void)state;
    end_init(&carol, "carol", true);
    end_init(&dave, "dave4", false);
    dave.cfg.no_fast_path = carol.cfg.no_fast_path = false;
    dave.cfg.box = &bob.box;
    connect_with_twin();
    connect_ends(&carol, &dave);
    open_twin_of(&carol, &dave);
    assert_ptr_equal(dave.ice->box, bob.ice->box);
    for (int i = 0; i < 3; i++) {
        size_t had = bob.packets, his = dave.packets;
        assert_int_equal(drive_send(&alice, bob.next_number, 60, 333), 60);
        int slot = twin_slot(&bob);
        ops->ready(bob.ice, slot, POLLIN);
        assert_int_equal(ops->next(bob.ice, drive_now(), &out), 1); /* he leaves the others where they are */
        assert_int_equal(out.type, ICE_OUT_PACKET);
        bob.next_number++;
        if (i < 2) pass(&carol, &dave, 70, 444);
        if (i == 2) sotto__nice_twin_close(dave.ice);
        expect(&alice, &bob, had + 59);
        assert_int_equal(dave.packets, his + (i < 2 ? 70 : 0));
        assert_false(bob.out_of_order || dave.out_of_order);
    }
    assert_int_equal(bob.box.dropped, 0);
    end_free(&carol);
    end_free(&dave);
}

static void closing_and_freeing_end_it_whatever_it_holds(void **state)
{
    struct ice_out out;
    (void)state;
    int fds = open_fds();
    for (int how = 0; how < 3; how++) {
        connect_with_twin();
        assert_int_equal(drive_send(&alice, 0, 60, 333), 60);
        int slot = twin_slot(&bob);
        ops->ready(bob.ice, slot, POLLIN);
        assert_int_equal(ops->next(bob.ice, drive_now(), &out), 1);
        assert_int_equal(out.type, ICE_OUT_PACKET);
        if (how == 0) {
            ops->close(bob.ice, drive_now());
            assert_int_equal(ops->next(bob.ice, drive_now(), &out), 0);
        }
        if (how == 1) {
            assert_int_equal(
                ops->set_remote(bob.ice, "other", "other-pwd-0123456789abcd", drive_now()), 0);
            while (ops->next(bob.ice, drive_now(), &out) == 1)
                assert_int_not_equal(out.type, ICE_OUT_PACKET);
        }
        if (how < 2) assert_null(bob.ice->twin);
        ops->ready(bob.ice, slot, POLLIN); /* as it may come late */
        free_two(NULL);
        make_two(NULL);
    }
    assert_int_equal(open_fds(), fds);
}

static void nobody_special_may_do_all_this(void **state)
{
    int status = -1;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
        connect_ends(&alice, &bob);
        if (drive_send(&alice, 0, 250, 100) != 250) _exit(3);
        drive(both, 2, NULL, NULL, 100);
        if (!bob.ice->twin) _exit(4);
        if (drive_send(&alice, 250, 100, 100) != 100) _exit(5);
        drive(both, 2, NULL, NULL, 100);
        _exit(wire.calls > 0 && bob.packets == 350 ? 0 : 6);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_error_of_reading_loses_nothing), TEST(without_the_kernels_help_libnice_receives),
        TEST(without_memory_libnice_receives),   TEST(the_setting_opens_none),
        TEST(two_connections_share_the_buffers), TEST(closing_and_freeing_end_it_whatever_it_holds),
        TEST(nobody_special_may_do_all_this),
    };
    return cmocka_run_group_tests_name("ice_nice_twin_fail", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of another generation of the remote get no answer; those of this one, and a patient agent's first check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"

static const struct ice_ops *const ops = &sotto__ice_nice;

struct scene {
    struct end alice, bob; /* bob has credentials and a socket, but no ice */
    int fd;
    struct sockaddr_in at;
};

static void open_scene(struct scene *s, bool is_patient)
{
    *s = (struct scene){0};
    end_init(&s->alice, "alice", false);
    end_init(&s->bob, "bob4", true);
    s->alice.cfg.is_patient = is_patient;
    assert_int_equal(end_open(&s->alice), 0);
    s->fd = stranger(&s->at);
    assert_int_equal(ops->gather(s->alice.ice, drive_now()), 0);
    drive((struct end *[]){&s->alice}, 1, NULL, NULL, 5); /* its candidates */
    assert_int_equal(ops->set_remote(s->alice.ice, s->bob.ufrag, s->bob.pwd, drive_now()), 0);
}

static void close_scene(struct scene *s)
{
    close(s->fd);
    end_free(&s->alice);
    end_free(&s->bob);
}

/* How many answers to a check, and how many checks, come to bob within so long. */
static void hear(struct scene *s, int ms, int *answers, int *checks)
{
    struct end *only[1] = {&s->alice};
    uint8_t in[600];
    *answers = *checks = 0;
    for (sotto_us end = drive_now() + SOTTO_MS(ms); drive_now() < end;) {
        drive(only, 1, NULL, NULL, 4);
        for (ssize_t n; (n = recv(s->fd, in, sizeof in, 0)) > 0;)
            *(in[0] == 1 ? answers : checks) += 1;
    }
}

static void send_check(struct scene *s, const char *ufrag)
{
    struct end claims = s->bob;
    uint8_t check[512];
    snprintf(claims.ufrag, sizeof claims.ufrag, "%s", ufrag);
    size_t n = make_check(&claims, &s->alice, check);
    assert_true(n > 0);
    send_raw(s->fd, &s->alice, check, n);
}

static int answers_to(struct scene *s, const char *ufrag)
{
    int answers, checks;
    send_check(s, ufrag);
    hear(s, 150, &answers, &checks);
    return answers;
}

/* proves: H040 ICE-04 */
static void only_the_remotes_own_name_is_answered(void **state)
{
    static const char *const others[] = {"bob5", "Bob4", "bob", "bob44", "bob45678"};
    (void)state;
    struct scene s;
    open_scene(&s, false);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(answers_to(&s, others[i]), 0);
    assert_true(answers_to(&s, s.bob.ufrag) >= 1);
    close_scene(&s);
}

/* proves: ICE-04 */
static void another_remote_has_another_name(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, false);
    assert_true(answers_to(&s, s.bob.ufrag) >= 1);
    assert_int_equal(ops->set_remote(s.alice.ice, "carol", s.bob.pwd, drive_now()), 0);
    assert_int_equal(answers_to(&s, s.bob.ufrag), 0);
    assert_true(answers_to(&s, "carol") >= 1);
    close_scene(&s);
}

static void a_patient_one_begins_after_the_remote_or_after_a_second(void **state)
{
    (void)state;
    for (int remote_begins = 0; remote_begins < 2; remote_begins++) {
        struct scene s;
        struct candidate c = {.component = 1,
                              .priority = 2000000000,
                              .foundation = "1",
                              .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
        int answers, checks;
        open_scene(&s, true);
        c.addr.port = ntohs(s.at.sin_port);
        assert_int_equal(ops->add_remote(s.alice.ice, &c, drive_now()), 0);
        hear(&s, 300, &answers, &checks);
        assert_int_equal(checks, 0);
        if (remote_begins) send_check(&s, s.bob.ufrag);
        hear(&s, remote_begins ? 200 : 1200, &answers, &checks);
        assert_int_equal(answers, remote_begins);
        assert_true(checks > 0);
        close_scene(&s);
    }
}

static void a_patient_one_that_is_told_so_begins_at_once(void **state)
{
    (void)state;
    struct scene s;
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    int answers, checks;
    open_scene(&s, true);
    c.addr.port = ntohs(s.at.sin_port);
    assert_int_equal(ops->add_remote(s.alice.ice, &c, drive_now()), 0);
    hear(&s, 300, &answers, &checks);
    assert_int_equal(checks, 0);
    ops->hurry(s.alice.ice, drive_now());
    assert_true(ops->due(s.alice.ice) <= drive_now());
    hear(&s, 100, &answers, &checks);
    assert_true(checks > 0);
    ops->hurry(s.alice.ice, drive_now()); /* nothing more */
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_remotes_own_name_is_answered),
        cmocka_unit_test(another_remote_has_another_name),
        cmocka_unit_test(a_patient_one_begins_after_the_remote_or_after_a_second),
        cmocka_unit_test(a_patient_one_that_is_told_so_begins_at_once),
    };
    return cmocka_run_group_tests_name("ice_nice_filter", tests, NULL, NULL);
}

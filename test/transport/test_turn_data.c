/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a TURN server says that somebody sent to our relay (RFC 8656 §11.6), with real libnice: from whom we have no check that holds it
 * is nobody's data, whatever the server lets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "bad_turn.h"
#include "ice_drive.h"
#include "stun_kit.h"

#define DATA_INDICATION 0x0017
#define XOR_PEER 0x0012
#define DATA 0x0013

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice;
static struct end *one[] = {&alice};

static bool is_gathered(void *server)
{
    bad_turn_step(server);
    return alice.gathered > 0;
}

static bool has_come(void *server)
{
    bad_turn_step(server);
    return alice.packets > 0;
}

static bool is_closed(void *server)
{
    bad_turn_step(server);
    return ops->closed(alice.ice);
}

static bool never(void *server)
{
    bad_turn_step(server);
    return false;
}

/* By the relay, from 203.0.113.`last`. */
static void indicate(const struct bad_turn *b, uint8_t last, const void *p, size_t n)
{
    static uint8_t id[12] = {'t', 'o', 'l', 'd'};
    uint8_t peer[8] = {0,          1,        0x12 ^ 0x21, 0x34 ^ 0x12,
                       203 ^ 0x21, 0 ^ 0x12, 113 ^ 0xa4,  (uint8_t)(last ^ 0x42)};
    struct stun_text s;
    id[11]++;
    stun_begin(&s, DATA_INDICATION, id);
    stun_add(&s, XOR_PEER, peer, sizeof peer);
    stun_add(&s, DATA, p, n);
    assert_int_equal(
        sendto(b->listener, s.bytes, s.n, 0, (const struct sockaddr *)&b->from, sizeof b->from),
        (ssize_t)s.n);
}

static void begin(struct bad_turn *b, struct end *peer)
{
    static struct ice_server server;
    bool has_relay = false;
    *b = (struct bad_turn){.act = BAD_GRANT};
    server = bad_turn_open(b, ICE_SERVER_TURN_UDP);
    end_init(&alice, "alice", true);
    end_init(peer, "peer", false);
    alice.cfg.servers = &server, alice.cfg.n_servers = 1;
    alice.cfg.relay_only = true;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->set_remote(alice.ice, peer->ufrag, peer->pwd, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(one, 1, is_gathered, b, 9000));
    for (size_t i = 0; i < alice.n_candidates; i++)
        has_relay |= alice.candidates[i].type == CANDIDATE_RELAY;
    assert_true(has_relay);
}

/* proves: H055 */
static void data_of_nobody_by_the_relay_is_dropped(void **state)
{
    struct bad_turn b;
    struct end peer;
    uint8_t data[40] = {0}, check[512];
    (void)state;
    begin(&b, &peer);
    for (int first = 0; first < 256; first++) {
        data[0] = (uint8_t)first;
        indicate(&b, 9, data, (size_t)(1 + first % 40));
        drive(one, 1, never, &b, 1);
    }
    assert_int_equal(alice.packets, 0);
    assert_int_equal(alice.selections, 0);
    /* from whom there is a check, it is data, and from no other */
    indicate(&b, 7, check, make_check(&peer, &alice, check));
    drive(one, 1, never, &b, 50);
    data[0] = 0x80;
    indicate(&b, 9, data, sizeof data);
    drive(one, 1, never, &b, 50);
    assert_int_equal(alice.packets, 0);
    indicate(&b, 7, data, sizeof data);
    assert_true(drive(one, 1, has_come, &b, 9000));
    assert_int_equal(alice.packets, 1);
    ops->close(alice.ice, drive_now());
    assert_true(drive(one, 1, is_closed, &b, 9000));
    end_free(&alice);
    end_free(&peer);
    bad_turn_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(data_of_nobody_by_the_relay_is_dropped)};
    return cmocka_run_group_tests_name("turn_data", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* See answerer.h. */
#include "answerer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "util/limits.h"

#define LATE_ONES 64

const struct ice_ops *const ops = &sotto__ice_nice;
struct end alice, puppet;
int fd, other_fd = -1;
bool is_first_dead;
sotto_us ahead;
unsigned asked, answered;
sotto_us asked_at[ANSWERER_ASKED];
bool asked_as_controlling;

static struct {
    sotto_us at; /* 0: none */
    size_t n;
    uint8_t bytes[600];
} late[LATE_ONES];

sotto_us now_ahead(void)
{
    return drive_now() + ahead;
}

static bool give_password(StunAgent *agent, StunMessage *msg, uint8_t *name, uint16_t n,
                          uint8_t **pwd, size_t *n_pwd, void *user)
{
    const char *want = "puppet:alice";
    (void)agent, (void)msg, (void)user;
    assert_int_equal(n, strlen(want));
    assert_memory_equal(name, want, n);
    *pwd = (uint8_t *)puppet.pwd;
    *n_pwd = strlen(puppet.pwd);
    return true;
}

static void init_stun(StunAgent *agent)
{
    stun_agent_init(agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_USE_FINGERPRINT | STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS);
}

static size_t reply_to(StunMessage *request, const struct sockaddr_storage *from, enum manner how,
                       uint8_t *out, size_t n)
{
    struct sockaddr_storage mapped = *from;
    StunAgent agent;
    StunMessage reply;
    bool control = !stun_message_has_attribute(request, STUN_ATTRIBUTE_ICE_CONTROLLING);
    init_stun(&agent);
    if (how == WITH_ANOTHER_KEY) request->key = (uint8_t *)"another-key-0123456789ab";
    if (how == TO_ANOTHER) request->buffer[12] ^= 1;
    if (how == WITH_AN_ERROR || how == WITH_ANOTHER_ROLE) {
        assert_true(stun_agent_init_error(&agent, &reply, out, n, request,
                                          how == WITH_AN_ERROR ? STUN_ERROR_FORBIDDEN
                                                               : STUN_ERROR_ROLE_CONFLICT));
        return stun_agent_finish_message(&agent, &reply, NULL, 0);
    }
    if (how == WITHOUT_INTEGRITY) {
        assert_true(stun_agent_init_response(&agent, &reply, out, n, request));
        reply.key = NULL;
        return stun_agent_finish_message(&agent, &reply, NULL, 0);
    }
    assert_int_equal(stun_usage_ice_conncheck_create_reply(
                         &agent, request, &reply, out, &n, &mapped, sizeof(struct sockaddr_in),
                         &control, 1, STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
                     STUN_USAGE_ICE_RETURN_SUCCESS);
    return n;
}

static void send_late(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < LATE_ONES; i++) {
        if (late[i].at != 0) continue;
        late[i].at = now_ahead() + SOTTO_MS(rand() % 1000);
        late[i].n = n;
        memcpy(late[i].bytes, p, n);
        return;
    }
    fail_msg("too many are under way");
}

static void deliver_late(void)
{
    for (size_t i = 0; i < LATE_ONES; i++) {
        if (late[i].at == 0 || late[i].at > now_ahead()) continue;
        late[i].at = 0;
        send_raw(fd, &alice, late[i].bytes, late[i].n);
    }
}

bool is_lost(enum manner how)
{
    return how == BADLY && rand() % 20 == 0;
}

static void send_reply(int which, enum manner how, const uint8_t *p, size_t n)
{
    static const uint8_t data[1200] = {0x80};
    if (how == BADLY) {
        send_late(p, n);
        return;
    }
    if (how == FROM_ANOTHER) {
        struct sockaddr_in at;
        int other = stranger(&at);
        send_raw(other, &alice, p, n);
        close(other);
        return;
    }
    for (int i = 0; how == BEHIND_DATA && i < 10; i++) send_raw(which, &alice, data, sizeof data);
    send_raw(which, &alice, p, n);
    if (how == BEHIND_DATA) send_raw(which, &alice, data, sizeof data);
    if (how == TWICE) send_raw(which, &alice, p, n);
}

void move_away(void)
{
    struct sockaddr_in at;
    other_fd = stranger(&at);
}

/* What waits at one of its sockets. */
static void serve_at(int which, enum manner how)
{
    uint8_t in[600], out[600];
    union {
        struct sockaddr sa;
        struct sockaddr_storage any;
    } from;
    socklen_t size = sizeof from;
    for (ssize_t n; (n = recvfrom(which, in, sizeof in, 0, &from.sa, &size)) > 0;) {
        StunAgent agent;
        StunMessage m;
        if (in[0] == 1) answered += in[1] == 1;
        if (in[0] != 0 || in[1] != 1 || is_lost(how)) continue;
        init_stun(&agent);
        assert_int_equal(stun_agent_validate(&agent, &m, in, (size_t)n, give_password, NULL),
                         STUN_VALIDATION_SUCCESS);
        asked_at[asked++ % (ANSWERER_ASKED)] = now_ahead();
        asked_as_controlling = stun_message_has_attribute(&m, STUN_ATTRIBUTE_ICE_CONTROLLING);
        if (how == NOT || is_lost(how)) continue;
        size_t len = reply_to(&m, &from.any, how, out, sizeof out);
        assert_true(len > 0);
        send_reply(which, how, out, len);
    }
}

void serve(enum manner how)
{
    deliver_late();
    serve_at(fd, is_first_dead ? NOT : how);
    if (other_fd >= 0) serve_at(other_fd, how);
}

void turn(void)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    struct ice_out out;
    int n = ops->fds(alice.ice, fds, SOTTO_MAX_ICE_FDS);
    for (int i = 0; i < n; i++) {
        struct pollfd p = {fds[i].fd, fds[i].events, 0};
        if (poll(&p, 1, 0) > 0) ops->ready(alice.ice, i, p.revents);
    }
    while (ops->next(alice.ice, now_ahead(), &out) == 1) {
        if (out.type != ICE_OUT_STATE) continue;
        alice.state_at[alice.n_states] = now_ahead();
        alice.states[alice.n_states++] = out.state;
    }
}

/* In steps of 100 ms. */
void pass_ms(int ms, enum manner how)
{
    for (int i = 0; i < ms / 100; i++) {
        ahead += SOTTO_MS(100);
        turn();
        serve(how);
    }
}

void pass(int seconds, enum manner how)
{
    pass_ms(1000 * seconds, how);
}

static void put_through(void)
{
    uint8_t check[512];
    struct end *only[1] = {&alice};
    for (int i = 0; i < 200 && end_state(&alice) != SOTTO_ICE_COMPLETED; i++) {
        if (i % 10 == 0) send_raw(fd, &alice, check, make_check(&puppet, &alice, check));
        drive(only, 1, NULL, NULL, 4);
        serve(WELL);
    }
    assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
    drive(only, 1, NULL, NULL, 20);
    serve(WELL);
    asked = answered = 0;
    ahead = 0;
    memset(late, 0, sizeof late);
}

void set_up(bool controlling)
{
    struct sockaddr_in at;
    struct end *only[1] = {&alice};
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    end_init(&alice, "alice", controlling);
    end_init(&puppet, "puppet", !controlling);
    alice.cfg.no_fast_path = false; /* there the consent is libnice's */
    assert_int_equal(end_open(&alice), 0);
    fd = stranger(&at);
    c.addr.port = ntohs(at.sin_port);
    assert_int_equal(ops->set_remote(alice.ice, puppet.ufrag, puppet.pwd, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(only, 1, NULL, NULL, 5);
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    put_through();
}

void tear_down(void)
{
    close(fd);
    if (other_fd >= 0) close(other_fd);
    other_fd = -1;
    is_first_dead = false;
    end_free(&alice);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See ice_drive.h. One poll() over the descriptors of all ends, as the one epoll of a context would have them.
 */
#include "ice_drive.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "still_clock.h"
#include "util/limits.h"

sotto_us drive_now(void)
{
    return still_clock_now();
}

void end_init(struct end *e, const char *ufrag, bool controlling)
{
    *e = (struct end){0};
    snprintf(e->ufrag, sizeof e->ufrag, "%s", ufrag);
    snprintf(e->pwd, sizeof e->pwd, "%.7s-pwd-0123456789ab", ufrag);
    e->cfg =
        (struct ice_cfg){.controlling = controlling, .allow_loopback = true, .interface = "lo"};
    e->cfg.no_fast_path = getenv("SOTTO_NO_FAST_PATH") != NULL; /* the whole suite can go either way */
}

int end_open(struct end *e)
{
    e->cfg.ufrag = e->ufrag;
    e->cfg.pwd = e->pwd;
    if (!e->cfg.box) e->cfg.box = &e->box;
    return sotto__ice_nice.init(&e->ice, &e->cfg, drive_now());
}

void end_free(struct end *e)
{
    sotto__ice_nice.free(e->ice);
    e->ice = NULL;
    sotto__ice_box_free(&e->box);
}

int32_t end_state(const struct end *e)
{
    return e->n_states ? e->states[e->n_states - 1] : SOTTO_ICE_NEW;
}

sotto_us end_when(const struct end *e, int32_t state)
{
    for (size_t i = 0; i < e->n_states; i++)
        if (e->states[i] == state) return e->state_at[i];
    return -1;
}

bool end_saw(const struct end *e, int32_t state)
{
    return end_when(e, state) >= 0;
}

void pair_introduce(struct end *a, struct end *b)
{
    a->peer = b;
    b->peer = a;
    assert_int_equal(sotto__ice_nice.set_remote(a->ice, b->ufrag, b->pwd, drive_now()), 0);
    assert_int_equal(sotto__ice_nice.set_remote(b->ice, a->ufrag, a->pwd, drive_now()), 0);
}

static void take_packet(struct end *e, const struct packet *p)
{
    uint32_t number;
    e->packets++;
    e->bytes += p->n;
    e->last_n = p->n < sizeof e->last ? p->n : sizeof e->last;
    memcpy(e->last, p->p, e->last_n);
    if (p->n < 1 + sizeof number) return;
    memcpy(&number, p->p + 1, sizeof number);
    if (number != e->next_number) e->out_of_order = true;
    e->next_number = number + 1;
}

static void take(struct end *e, const struct ice_out *out, sotto_us now)
{
    switch (out->type) {
    case ICE_OUT_CANDIDATE:
        assert_true(e->n_candidates < 64);
        e->candidate_servers[e->n_candidates] = out->server;
        e->candidates[e->n_candidates++] = *out->candidate;
        if (e->peer)
            assert_int_equal(sotto__ice_nice.add_remote(e->peer->ice, out->candidate, now), 0);
        break;
    case ICE_OUT_GATHERED: e->gathered++; break;
    case ICE_OUT_STATE:
        assert_true(e->n_states < END_STATES);
        e->state_at[e->n_states] = now;
        e->states[e->n_states++] = out->state;
        break;
    case ICE_OUT_SELECTED: e->selections++; break;
    case ICE_OUT_SERVER:
        assert_true(e->n_errors < END_STATES);
        e->errors[e->n_errors].server = out->server;
        e->errors[e->n_errors].code = out->code;
        e->errors[e->n_errors].local = out->local;
        snprintf(e->errors[e->n_errors++].text, sizeof e->errors->text, "%s", out->text);
        break;
    case ICE_OUT_PACKET: take_packet(e, &out->packet); break;
    }
}

static void wait_for(struct end **ends, size_t n, sotto_us until)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    struct pollfd polls[8 * SOTTO_MAX_ICE_FDS];
    struct end *owner[8 * SOTTO_MAX_ICE_FDS];
    int slot[8 * SOTTO_MAX_ICE_FDS];
    nfds_t n_polls = 0;
    sotto_us due = until;
    for (size_t i = 0; i < n; i++) {
        if (!ends[i]->ice || ends[i]->is_stopped) continue;
        int n_fds = sotto__ice_nice.fds(ends[i]->ice, fds, SOTTO_MAX_ICE_FDS);
        sotto_us its = sotto__ice_nice.due(ends[i]->ice);
        if (its < due) due = its;
        for (int k = 0; k < n_fds && n_polls < 8 * SOTTO_MAX_ICE_FDS; k++, n_polls++) {
            polls[n_polls] = (struct pollfd){fds[k].fd, fds[k].events, 0};
            owner[n_polls] = ends[i];
            slot[n_polls] = k;
        }
    }
    still_clock_poll(polls, n_polls, due);
    for (nfds_t i = 0; i < n_polls; i++)
        if (polls[i].revents) sotto__ice_nice.ready(owner[i]->ice, slot[i], polls[i].revents);
}

bool drive(struct end **ends, size_t n, bool (*done)(void *), void *arg, int ms)
{
    sotto_us end = drive_now() + SOTTO_MS(ms);
    for (;;) {
        struct ice_out out;
        sotto_us now = drive_now();
        for (size_t i = 0; i < n; i++) {
            if (!ends[i]->ice || ends[i]->is_stopped) continue;
            while (sotto__ice_nice.next(ends[i]->ice, now, &out) == 1) take(ends[i], &out, now);
        }
        if (done && done(arg)) return true;
        if (now >= end) return false;
        wait_for(ends, n, end);
    }
}

int drive_send(struct end *e, uint32_t first, size_t n, size_t size)
{
    static uint8_t bytes[256][2048];
    struct packet packets[256];
    assert_true(n <= 256 && size <= 2048 && size >= 5);
    for (size_t i = 0; i < n; i++) {
        uint32_t number = first + (uint32_t)i;
        memset(bytes[i], 0x80, size);
        memcpy(bytes[i] + 1, &number, sizeof number);
        packets[i] = (struct packet){bytes[i], size};
    }
    return sotto__ice_nice.send(e->ice, packets, n, drive_now());
}

bool pair_is_connected(void *pair)
{
    struct end **p = pair;
    return p[0]->selections > 0 && p[1]->selections > 0;
}

int stranger(struct sockaddr_in *where)
{
    socklen_t len = sizeof *where;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    *where = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)where, sizeof *where), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)where, &len), 0);
    return fd;
}

static struct sockaddr_in ipv4_of(const struct end *e)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    for (size_t i = 0; i < e->n_candidates; i++)
        if (e->candidates[i].addr.family == 4) {
            memcpy(&to.sin_addr, e->candidates[i].addr.ip, 4);
            to.sin_port = htons(e->candidates[i].addr.port);
        }
    assert_int_not_equal(to.sin_port, 0);
    return to;
}

void send_raw(int fd, const struct end *e, const void *p, size_t n)
{
    struct sockaddr_in to = ipv4_of(e);
    assert_int_equal(sendto(fd, p, n, 0, (const struct sockaddr *)&to, sizeof to), n);
}

size_t make_check(const struct end *from, const struct end *to, uint8_t out[static 512])
{
    static const uint16_t known[] = {0};
    StunAgent agent;
    StunMessage msg;
    char name[64];
    int n = snprintf(name, sizeof name, "%s:%s", to->ufrag, from->ufrag);
    stun_agent_init(&agent, known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    return stun_usage_ice_conncheck_create(&agent, &msg, out, 512, (const uint8_t *)name, (size_t)n,
                                           (const uint8_t *)to->pwd, strlen(to->pwd),
                                           from->cfg.controlling, from->cfg.controlling, 1845501695,
                                           99, NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

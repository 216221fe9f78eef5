/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See couple.h. The one loop drives both transports as a context would: a turn of each, its messages, the egress, then time goes
 * on to whatever is due next, or poll() waits for it.
 */
#include "couple.h"

#include <stdlib.h>

#include "still_clock.h"
#include "util/mem.h"

#define PORT 5000
#define PPID_BINARY 53
#define MAX_FDS (4 * SOTTO_MAX_ICE_FDS)

sotto_us couple_now(const struct couple *c)
{
    return c->net ? c->net->now : still_clock_now();
}

void party_config(const struct party *p, struct transport_cfg *ret)
{
    *ret = (struct transport_cfg){.shared = &p->shared,
                                  .cert = p->cert,
                                  .allow_loopback = !p->host,
                                  .interface = p->host ? NULL : "lo",
                                  .max_message_size = SOTTO_DEFAULT_MESSAGE,
                                  .streams_out = 16,
                                  .streams_in = 32};
}

static void party_open(struct couple *c, struct party *p, const char *address)
{
    struct transport_cfg cfg;
    if (c->net) p->host = net_host_new(c->net, address);
    p->shared = (struct transport_shared){.ice_ops = c->net ? &sotto__ice_net : &sotto__ice_nice,
                                          .world = p->host,
                                          .box = &p->box,
                                          .egress = &p->egress,
                                          .dtls_ctx = c->dtls,
                                          .no_fast_path = getenv("SOTTO_NO_FAST_PATH")};
    p->size = 100;
    assert_int_equal(sotto__cert_generate(&p->cert, 1700000000), 0);
    party_config(p, &cfg);
    assert_int_equal(sotto__transport_init(&p->t, &cfg), 0);
}

struct couple *couple_new(uint64_t seed, bool real)
{
    struct couple *c = calloc(1, sizeof *c);
    if (!real) {
        c->net = net_new(seed);
        net_advance(c->net, net_clock());
    }
    assert_int_equal(sotto__dtls_ctx_new(&c->dtls), 0);
    party_open(c, &c->a, "192.0.2.1");
    party_open(c, &c->b, "192.0.2.2");
    c->a.other = &c->b, c->b.other = &c->a;
    c->b.is_client = true;
    return c;
}

static void party_close(struct couple *c, struct party *p)
{
    struct ice *ice;
    sotto__transport_close(&p->t, couple_now(c));
    while ((ice = sotto__transport_detach(&p->t, couple_now(c)))) p->shared.ice_ops->free(ice);
    sotto__transport_free(&p->t);
    sotto__cert_unref(p->cert);
    sotto__ice_box_free(&p->box);
}

void couple_free(struct couple *c)
{
    party_close(c, &c->a);
    party_close(c, &c->b);
    if (c->third.other) party_close(c, &c->third);
    sotto__dtls_ctx_free(c->dtls);
    if (c->net) {
        assert_int_equal(c->net->live_ices, 0);
        net_free(c->net);
    }
    free(c);
}

static void give_candidate(struct couple *c, struct party *to, const struct candidate *k)
{
    assert_int_equal(sotto__transport_add_candidate(&to->t, k->ufrag, k, couple_now(c)), 0);
}

struct transport_remote party_remote(const struct party *of, bool next)
{
    const struct transport_generation *g = next ? &of->t.next : &of->t.live;
    struct transport_remote r = {.n_fingerprints = 1, .dtls_client = !of->is_client};
    snprintf(r.ufrag, sizeof r.ufrag, "%s", g->ufrag);
    snprintf(r.pwd, sizeof r.pwd, "%s", g->pwd);
    sotto__cert_fingerprint(of->t.cert, &r.fingerprints[0]);
    return r;
}

int party_set_remote(struct couple *c, struct party *p, const struct transport_remote *r)
{
    int error = sotto__transport_set_remote(&p->t, r, couple_now(c));
    for (size_t i = 0; error == 0 && i < p->other->n_candidates; i++)
        give_candidate(c, p, &p->other->candidates[i]);
    return error;
}

bool party_send(struct couple *c, struct party *p)
{
    static uint8_t bytes[65536];
    struct party_message m = {p->n_sent, couple_now(c)};
    struct sctp_send_opt opt = {.sid = 0, .ppid = PPID_BINARY};
    memcpy(bytes, &m, sizeof m);
    if (!p->t.sctp || sotto__sctp_send(p->t.sctp, couple_now(c), &opt, bytes, p->size) != 0)
        return false;
    p->n_sent++;
    return true;
}

static void take(struct couple *c, struct party *p, const struct transport_out *o)
{
    switch (o->type) {
    case TRANSPORT_OUT_CANDIDATE:
        assert_true(p->n_candidates < PARTY_LOG);
        p->candidates[p->n_candidates] = *o->candidate;
        snprintf(p->candidates[p->n_candidates].ufrag, sizeof o->candidate->ufrag, "%s", o->ufrag);
        give_candidate(c, p->other, &p->candidates[p->n_candidates++]);
        break;
    case TRANSPORT_OUT_GATHERED:
        p->n_gathered++;
        snprintf(p->gathered_ufrag, sizeof p->gathered_ufrag, "%s", o->ufrag);
        sotto__transport_remote_done(&p->other->t, o->ufrag, couple_now(c));
        break;
    case TRANSPORT_OUT_SERVER:
        p->n_servers++;
        p->server = *o;
        snprintf(p->server_url, sizeof p->server_url, "%s", o->server->url);
        snprintf(p->server_text, sizeof p->server_text, "%s", o->text);
        break;
    case TRANSPORT_OUT_ICE:
        assert_true(p->n_ice < PARTY_LOG);
        p->ice[p->n_ice++] = o->ice_state;
        break;
    case TRANSPORT_OUT_DTLS:
        assert_true(p->n_dtls < PARTY_LOG);
        p->dtls[p->n_dtls++] = o->dtls_state;
        p->dtls_error = o->error;
        snprintf(p->dtls_reason, sizeof p->dtls_reason, "%s", o->reason);
        break;
    case TRANSPORT_OUT_SCTP_UP: p->n_up++; break;
    case TRANSPORT_OUT_SCTP_DOWN: p->n_down++; break;
    case TRANSPORT_OUT_RTP:
    case TRANSPORT_OUT_RTCP:
        if (p->on_media) p->on_media(p, o->type == TRANSPORT_OUT_RTCP, o->packet.p, o->packet.n);
        break;
    }
}

static void pull(struct couple *c, struct party *p)
{
    struct sctp_msg m;
    while (!p->is_paused && p->t.sctp && sotto__sctp_pull(p->t.sctp, couple_now(c), &m) == 1) {
        struct party_message head;
        assert_int_equal(m.type, SCTP_MSG_DATA);
        memcpy(&head, m.data, sizeof head);
        if (!p->is_lax) assert_int_equal(head.number, p->n_received);
        p->n_received++;
        if (couple_now(c) - head.sent_at > p->slowest) p->slowest = couple_now(c) - head.sent_at;
        sotto__free(m.data);
    }
}

static void turn(struct couple *c, struct party *p)
{
    struct transport_out o;
    sotto_us now = couple_now(c);
    if (p->every > 0 && now >= p->next_at) {
        party_send(c, p);
        p->next_at = now + p->every;
    }
    sotto__transport_turn(&p->t);
    while (sotto__transport_next(&p->t, now, &o) == 1) take(c, p, &o);
    pull(c, p);
    while (sotto__transport_drain(&p->t, now, &o) == 1) take(c, p, &o);
    sotto__egress_flush(&p->egress, now);
}

static sotto_us party_due(const struct party *p)
{
    if (!p->other) return SOTTO_NEVER;
    sotto_us due = sotto__transport_due(&p->t);
    return p->every > 0 ? sotto__earlier(due, p->next_at) : due;
}

static void wait_real(struct couple *c, sotto_us until)
{
    struct party *parties[] = {&c->a, &c->b, &c->third};
    struct sotto_fd fds[MAX_FDS];
    struct pollfd polls[3 * MAX_FDS];
    struct transport *owner[3 * MAX_FDS];
    int slot[3 * MAX_FDS], at = 0;
    for (int i = 0; i < 3; i++) {
        int n = parties[i]->other ? sotto__transport_fds(&parties[i]->t, fds, MAX_FDS) : 0;
        for (int k = 0; k < n; k++, at++) {
            polls[at] = (struct pollfd){fds[k].fd, fds[k].events, 0};
            owner[at] = &parties[i]->t;
            slot[at] = k;
        }
    }
    still_clock_poll(polls, (nfds_t)at, until);
    for (int i = 0; i < at; i++)
        if (polls[i].revents) sotto__transport_ready(owner[i], slot[i], polls[i].revents);
}

bool couple_until(struct couple *c, bool (*done)(struct couple *), sotto_us span)
{
    sotto_us end = couple_now(c) + span, at = 0;
    for (int still = 0;; still++) {
        if (couple_now(c) != at) still = 0;
        at = couple_now(c);
        if (still > 10000) fail_msg("time stands still: somebody is always due");
        net_clock_set(couple_now(c)); /* OpenSSL and usrsctp ask it */
        turn(c, &c->a);
        turn(c, &c->b);
        if (c->third.other) turn(c, &c->third);
        if (done && done(c)) return true;
        sotto_us due = sotto__earlier(party_due(&c->a), party_due(&c->b));
        due = sotto__earlier(due, party_due(&c->third));
        if (c->net) due = sotto__earlier(due, net_due(c->net));
        if (c->net && due > end) break;
        if (!c->net && couple_now(c) >= end) return false;
        if (c->net) {
            net_advance(c->net, due > couple_now(c) ? due : couple_now(c));
        } else {
            wait_real(c, due < end ? due : end);
        }
    }
    net_advance(c->net, end);
    net_clock_set(end);
    return false;
}

void couple_run(struct couple *c, sotto_us span)
{
    couple_until(c, NULL, span);
}

struct party *couple_third(struct couple *c)
{
    party_open(c, &c->third, "192.0.2.3");
    c->third.other = &c->a;
    c->third.is_client = true;
    return &c->third;
}

bool couple_is_up(struct couple *c)
{
    return c->a.n_up > c->a.n_down && c->b.n_up > c->b.n_down;
}

bool couple_has_moved(struct couple *c)
{
    return !c->a.t.next.ice && !c->b.t.next.ice;
}

bool couple_is_even(struct couple *c)
{
    return c->a.n_received == c->b.n_sent && c->b.n_received == c->a.n_sent;
}

void couple_signal(struct couple *c)
{
    struct transport_remote of_a = party_remote(&c->a, false), of_b = party_remote(&c->b, false);
    sotto_us now = couple_now(c);
    assert_int_equal(sotto__transport_start(&c->a.t, true, now), 0);
    assert_int_equal(sotto__transport_start(&c->b.t, false, now), 0);
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    assert_int_equal(sotto__transport_begin_data(&c->b.t, PORT, PORT, now), 0);
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    assert_int_equal(sotto__transport_begin_data(&c->a.t, PORT, PORT, now), 0);
}

void couple_connect(struct couple *c)
{
    couple_signal(c);
    assert_true(couple_until(c, couple_is_up, SOTTO_SECONDS(c->net ? 5 : 60)));
}

void couple_restart(struct couple *c, bool new_dtls)
{
    sotto_us now = couple_now(c);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, now), 0);
    struct transport_remote of_a = party_remote(&c->a, true);
    assert_int_equal(sotto__transport_prepare(&c->b.t), 0);
    assert_int_equal(sotto__transport_restart(&c->b.t, now), 0);
    struct transport_remote of_b = party_remote(&c->b, true);
    of_a.new_dtls = of_b.new_dtls = new_dtls;
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attackers of the handshake: one who owns the path but not the key, and one who can only forge datagrams of a source that ICE
 * trusts. The first must never get through; the second must not be able to end a call (security catalogue, F1 and H059–H089).
 */
#include "cmocka_all.h"
#include "raw_peer.h"

/* ---- another certificate than the description's ---- */

static void expect_refused(struct pair *p, struct raw *r)
{
    struct chan *c = side_channel(&p->side[0], "secret", NULL);
    pair_run(p, SOTTO_SECONDS(40));
    assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_FAILED);
    for (size_t i = 0; i < p->side[0].n_states; i++)
        assert_int_not_equal(p->side[0].states[i].connection, SOTTO_CONNECTION_CONNECTED);
    assert_int_not_equal(c->phase, CHAN_OPEN);
    assert_false(r->sctp_up);
    assert_int_equal(r->n_plain, 0); /* not one byte of SCTP */
}

static void swap_certificate(struct raw *r)
{
    sotto__cert_unref(r->claimed);
    assert_int_equal(sotto__cert_generate(&r->claimed, 1700000000), 0);
}

/* proves: H059 */
static void a_swapped_certificate_is_refused_in_either_role_and_direction(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++)
        for (int offers = 0; offers < 2; offers++) {
            struct raw *r;
            struct pair *p = raw_pair_new((uint64_t)(client * 2 + offers), NULL, &r);
            assert_non_null(side_channel(&p->side[0], "c", NULL));
            swap_certificate(r);
            const char *setup = client ? "active" : "passive";
            assert_int_equal(offers ? raw_offer(r, setup) : raw_answer(r, setup), 0);
            expect_refused(p, r);
            pair_free(p);
        }
}

static void the_same_peers_connect_when_the_certificate_is_right(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++)
        for (int offers = 0; offers < 2; offers++) {
            struct raw *r;
            struct pair *p = raw_pair_new(10 + (uint64_t)(client * 2 + offers), NULL, &r);
            assert_non_null(side_channel(&p->side[0], "c", NULL));
            const char *setup = client ? "active" : "passive";
            assert_int_equal(offers ? raw_offer(r, setup) : raw_answer(r, setup), 0);
            pair_run(p, SOTTO_SECONDS(5));
            assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_CONNECTED);
            assert_true(r->sctp_up);
            pair_free(p);
        }
}

/* proves: H087 */
static void a_handshake_that_is_never_answered_fails_in_half_a_minute(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct raw *r;
        struct pair *p = raw_pair_new(20, NULL, &r);
        r->no_dtls = true;
        assert_int_equal(raw_offer(r, client ? "active" : "passive"), 0);
        pair_run(p, SOTTO_SECONDS(10));
        uint64_t sent = p->net->count.sent;
        assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_CONNECTING);
        pair_run(p, SOTTO_SECONDS(25));
        assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_FAILED);
        assert_true(p->net->count.sent - sent < 200);
        pair_free(p);
    }
}

/* ---- one forged datagram ---- */

enum kill {
    KILL_ALERT_TO_CLIENT,
    KILL_ALERT_TO_SERVER,
    KILL_NULL_HELLO,
    KILL_HUGE_FRAGMENT,
    KILL_SERVER_HELLO,
    KILL_APP_DATA,
    KILL_VERIFY_REQUEST,
    KILL_ALTERED_FRAGMENT,
    KILL_ALTERED_HELLO,
    KILLS
};

struct attacker {
    enum kill kill;
    int at; /* strike at this DTLS datagram */
    int seen, struck;
    uint64_t rng;
    struct address client, server;
    bool known;
    uint8_t hello[2048];
    size_t n_hello;
};

static size_t record(uint8_t *out, uint8_t type, uint64_t seq, const uint8_t *body, size_t n)
{
    uint8_t head[13] = {type,
                        0xfe,
                        0xfd,
                        0,
                        0,
                        0,
                        0,
                        0,
                        (uint8_t)(seq >> 16),
                        (uint8_t)(seq >> 8),
                        (uint8_t)seq,
                        (uint8_t)(n >> 8),
                        (uint8_t)n};
    memcpy(out, head, 13);
    memcpy(out + 13, body, n);
    return 13 + n;
}

static size_t handshake(uint8_t *out, uint8_t type, uint32_t length, uint16_t msg_seq,
                        uint32_t offset, const uint8_t *body, size_t n, uint64_t seq)
{
    uint8_t m[2048] = {type,
                       (uint8_t)(length >> 16),
                       (uint8_t)(length >> 8),
                       (uint8_t)length,
                       (uint8_t)(msg_seq >> 8),
                       (uint8_t)msg_seq,
                       (uint8_t)(offset >> 16),
                       (uint8_t)(offset >> 8),
                       (uint8_t)offset,
                       (uint8_t)(n >> 16),
                       (uint8_t)(n >> 8),
                       (uint8_t)n};
    memcpy(m + 12, body, n);
    return record(out, 22, seq, m, 12 + n);
}

static size_t hello_null(uint8_t *out, uint64_t seq)
{
    uint8_t b[2 + 32 + 1 + 1 + 2 + 2 + 2] = {0xfe, 0xfd};
    memset(b + 2, 0x5a, 32);
    b[37] = 2, b[39] = 1; /* TLS_RSA_WITH_NULL_MD5 */
    b[40] = 1, b[41] = 0; /* one compression method: null */
    return handshake(out, 1, 42, 0, 0, b, 42, seq);
}

static size_t server_hello(uint8_t *out, uint64_t seq)
{
    uint8_t b[38] = {0xfe, 0xfd};
    memset(b + 2, 0xa5, 32);
    b[35] = 0, b[36] = 1; /* a cipher that nobody offered */
    return handshake(out, 2, 38, 0, 0, b, 38, seq);
}

static size_t forge(struct attacker *a, uint8_t *out, bool *to_client)
{
    static const uint8_t alert[2] = {2, 40}, text[20] = "forged application",
                         request[] = {0xfe, 0xfd, 20, 1,  2,  3,  4,  5,  6,  7,  8, 9,
                                      10,   11,   12, 13, 14, 15, 16, 17, 18, 19, 20};
    uint64_t seq = net_random(&a->rng) % 20;
    *to_client = net_chance(&a->rng, 0.5);
    switch (a->kill) {
    case KILL_ALERT_TO_CLIENT: *to_client = true; return record(out, 21, seq, alert, 2);
    case KILL_ALERT_TO_SERVER: *to_client = false; return record(out, 21, seq, alert, 2);
    case KILL_NULL_HELLO: *to_client = false; return hello_null(out, seq);
    case KILL_HUGE_FRAGMENT:
        return handshake(out, *to_client ? 2 : 1, 0xffffff, (uint16_t)(seq % 3), 0, text, 20, seq);
    case KILL_SERVER_HELLO: *to_client = true; return server_hello(out, seq);
    case KILL_APP_DATA: return record(out, 23, seq, text, 20);
    case KILL_VERIFY_REQUEST:
        *to_client = true;
        return handshake(out, 3, sizeof request, 0, 0, request, sizeof request, seq);
    default: break;
    }
    *to_client = false;
    if (a->n_hello < 60) return 0;
    if (a->kill == KILL_ALTERED_HELLO) { /* valid, but not what the client will sign */
        memcpy(out, a->hello, a->n_hello);
        out[a->n_hello - 2] ^= 1;
        return a->n_hello;
    }
    /* the middle of the true ClientHello, altered */
    uint32_t length = (uint32_t)a->hello[14] << 16 | (uint32_t)a->hello[15] << 8 | a->hello[16];
    uint8_t part[64];
    memcpy(part, a->hello + 25 + 10, 30);
    for (int i = 0; i < 30; i += 3) part[i] ^= (uint8_t)(1 + net_random(&a->rng) % 255);
    return handshake(out, 1, length, 0, 10, part, 30, seq);
}

static enum net_verdict attack(struct net *net, struct net_datagram *d, void *user)
{
    struct attacker *a = user;
    uint8_t forged[2100];
    bool to_client;
    if (d->n < 26 || d->p[0] < 20 || d->p[0] > 63) return NET_PASS;
    if (!a->known && d->p[0] == 22 && d->p[13] == 1) { /* the first ClientHello tells who is who */
        a->known = true;
        a->client = d->from, a->server = d->to;
        a->n_hello = d->n < sizeof a->hello ? d->n : sizeof a->hello;
        memcpy(a->hello, d->p, a->n_hello);
    }
    if (!a->known || a->struck || a->seen++ != a->at) return NET_PASS;
    size_t n = forge(a, forged, &to_client);
    sotto_us delay = (sotto_us)(net_random(&a->rng) % 12000); /* before or after what is under way */
    if (n > 0)
        net_inject(net, to_client ? &a->server : &a->client, to_client ? &a->client : &a->server,
                   forged, n, delay);
    a->struck = 1;
    return NET_PASS;
}

static bool survives(enum kill kill, uint64_t seed)
{
    struct pair *p = pair_new(seed, NULL);
    struct attacker a = {.kill = kill, .rng = seed * 977 + kill};
    a.at = (int)(net_random(&a.rng) % 6);
    p->net->tap = attack, p->net->tap_user = &a;
    assert_non_null(side_channel(&p->side[seed % 2], "c", NULL));
    assert_int_equal(pair_offer(p, (int)(seed % 2)), 0);
    bool up = pair_until(p, SOTTO_SECONDS(20), pair_is_connected, NULL);
    pair_free(p);
    return up;
}

/* proves: S38 H064 H065 H066 H067 H068 H069 H070 */
static void one_forged_datagram_ends_no_handshake(void **state)
{
    (void)state;
    static const char *const names[KILLS] = {
        "alert to the client",       "alert to the server",
        "hello with NULL cipher",    "16 MB fragment",
        "forged ServerHello",        "plaintext data",
        "forged HelloVerifyRequest", "altered ClientHello fragment",
        "altered ClientHello"};
    for (int kill = 0; kill < KILLS; kill++) {
        int runs = pair_seeds(100), alive = 0;
        for (int seed = 0; seed < runs; seed++) alive += survives((enum kill)kill, (uint64_t)seed);
        print_message("%s: %d of %d connect\n", names[kill], alive, runs);
        assert_true(alive * 100 >= runs * 99);
    }
}

static enum net_verdict flood(struct net *net, struct net_datagram *d, void *user)
{
    struct attacker *a = user;
    attack(net, d, user);
    uint8_t forged[2100];
    for (int i = 0; a->known && i < 20; i++) {
        bool to_client;
        a->kill = (enum kill)(net_random(&a->rng) % KILLS);
        size_t n = forge(a, forged, &to_client);
        if (n > 0)
            net_inject(net, to_client ? &a->server : &a->client,
                       to_client ? &a->client : &a->server, forged, n,
                       (sotto_us)(net_random(&a->rng) % 20000));
    }
    return NET_PASS;
}

/* proves: H078 */
static void a_connected_call_does_not_notice_forgeries(void **state)
{
    (void)state;
    struct chan *b[2];
    struct attacker a = {.at = 1 << 20, .rng = 5};
    struct pair *p = pair_new(30, NULL);
    b[0] = side_channel(&p->side[0], "c", NULL);
    p->net->tap = attack, p->net->tap_user = &a;
    assert_int_equal(pair_offer(p, 0), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(5), pair_is_connected, NULL));
    pair_run(p, SOTTO_SECONDS(1));
    b[1] = side_find(&p->side[1], "c");
    p->net->tap = flood;
    chan_bulk(b[0], 20, 20000);
    chan_bulk(b[1], 20, 20000);
    pair_run(p, SOTTO_SECONDS(20));
    assert_true(pair_is_connected(p, NULL));
    assert_true(chan_same(b[0], b[1]) && chan_same(b[1], b[0]) && b[0]->n_in == 20);
    assert_true(p->net->count.injected > 1000);
    pair_free(p);
}

static enum net_verdict reflect_and_replay(struct net *net, struct net_datagram *d, void *user)
{
    (void)user;
    if (d->p[0] <= 3) return NET_PASS;
    net_inject(net, &d->to, &d->from, d->p, d->n, SOTTO_MS(3));  /* H088 */
    net_inject(net, &d->from, &d->to, d->p, d->n, SOTTO_MS(30)); /* H086 */
    return NET_PASS;
}

/* proves: H088 */
static void reflected_and_replayed_datagrams_change_nothing(void **state)
{
    (void)state;
    struct pair *p = pair_new(31, NULL);
    struct chan *b[2] = {side_channel(&p->side[0], "c", NULL), NULL};
    p->net->tap = reflect_and_replay;
    assert_int_equal(pair_offer(p, 0), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(20), pair_is_connected, NULL));
    pair_run(p, SOTTO_SECONDS(2));
    b[1] = side_find(&p->side[1], "c");
    assert_non_null(b[1]);
    chan_bulk(b[0], 50, 5000);
    chan_bulk(b[1], 50, 5000);
    pair_run(p, SOTTO_SECONDS(20));
    assert_true(chan_same(b[0], b[1]) && chan_same(b[1], b[0]) && b[1]->n_in == 50);
    pair_free(p);
}

static enum net_verdict corrupt(struct net *net, struct net_datagram *d, void *user)
{
    uint64_t *rng = user;
    if (d->n > 0 && net_chance(rng, 0.05))
        d->p[net_random(rng) % d->n] ^= (uint8_t)(1 + net_random(rng) % 255);
    if (d->n > 1 && net_chance(rng, 0.02)) d->n = net_random(rng) % d->n;
    (void)net;
    return NET_PASS;
}

static void bit_errors_everywhere_delay_and_harm_no_data(void **state)
{
    (void)state;
    int runs = pair_seeds(20), alive = 0;
    for (int seed = 0; seed < runs; seed++) {
        uint64_t rng = 99 + (uint64_t)seed;
        struct pair *p = pair_new((uint64_t)seed, NULL);
        struct chan *b[2] = {side_channel(&p->side[0], "c", NULL), NULL};
        p->net->tap = corrupt, p->net->tap_user = &rng;
        assert_int_equal(pair_offer(p, 0), 0);
        if (pair_until(p, SOTTO_SECONDS(30), pair_is_connected, NULL)) {
            alive++;
            pair_run(p, SOTTO_SECONDS(10));
            b[1] = side_find(&p->side[1], "c");
            assert_non_null(b[1]);
            chan_bulk(b[0], 10, 3000);
            pair_run(p, SOTTO_SECONDS(30));
            assert_true(chan_same(b[0], b[1]) && b[1]->n_in == 10);
        }
        pair_free(p);
    }
    assert_true(alive * 10 >= runs * 8); /* who alters what is under way may stop a handshake, nothing more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swapped_certificate_is_refused_in_either_role_and_direction),
        cmocka_unit_test(the_same_peers_connect_when_the_certificate_is_right),
        cmocka_unit_test(a_handshake_that_is_never_answered_fails_in_half_a_minute),
        cmocka_unit_test(one_forged_datagram_ends_no_handshake),
        cmocka_unit_test(a_connected_call_does_not_notice_forgeries),
        cmocka_unit_test(reflected_and_replayed_datagrams_change_nothing),
        cmocka_unit_test(bit_errors_everywhere_delay_and_harm_no_data),
    };
    return cmocka_run_group_tests_name("dtls attack", tests, NULL, NULL);
}

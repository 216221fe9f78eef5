/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From OpenSSL's handshake to records of our own: last flights that are lost, repeated and late in every order, no number sealed
 * twice, what the peer may still say, against us and against OpenSSL alone in both roles.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dtls_pair.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"
#include "util/limits.h"
#include "util/mem.h"

static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                     "ECDHE-ECDSA-AES256-GCM-SHA384",
                                     "ECDHE-ECDSA-CHACHA20-POLY1305"};
enum { OPENSSL_CLIENT, OPENSSL_SERVER, BOTH_OURS, SETTINGS };

/* what every record that ours sent was numbered; and what happens to the datagrams of the last flights */
struct watch {
    struct seen {
        uint16_t epoch;
        uint64_t seq, nonce;
    } * seen[2];
    size_t n[2], cap[2];
    uint64_t rebuilds[2]; /* each handshake has numbers and keys of its own */
    bool has_nonces;
    unsigned fates, left;
    size_t protected_by[2]; /* datagrams with something of epoch 1 */
};

static void remember(struct watch *w, int from, const struct dtls *d, const struct dtls_record *r)
{
    if (w->rebuilds[from] != d->stats.rebuilds) w->n[from] = 0;
    w->rebuilds[from] = d->stats.rebuilds;
    struct seen s = {.epoch = r->epoch, .seq = sotto__dtls_sequence(r->p)};
    if (r->epoch == 1)
        s.nonce = (uint64_t)sotto__get_u32(r->p + 13) << 32 | sotto__get_u32(r->p + 17);
    for (size_t i = 0; i < w->n[from]; i++) {
        const struct seen *o = &w->seen[from][i];
        if (o->epoch == s.epoch && o->seq == s.seq)
            fail_msg("end %d: record %u of epoch %u twice (type %u)", from, (unsigned)s.seq,
                     s.epoch, r->p[0]);
        assert_false(w->has_nonces && s.epoch == 1 && o->epoch == 1 && o->nonce == s.nonce);
    }
    if (w->n[from] == w->cap[from]) {
        w->cap[from] = w->cap[from] ? 2 * w->cap[from] : 64;
        w->seen[from] = realloc(w->seen[from], w->cap[from] * sizeof s);
        assert_non_null(w->seen[from]);
    }
    w->seen[from][w->n[from]++] = s;
}

static bool fate(struct pair *p, struct watch *w, int to, const uint8_t *dgram, size_t n)
{
    unsigned what = w->fates & 3;
    if (w->left == 0) return true;
    w->left--, w->fates >>= 2;
    if (what == 2) pair_send(p, to, dgram, n, p->delay);       /* twice */
    if (what == 3) pair_send(p, to, dgram, n, SOTTO_MS(1100)); /* after both ends' first timeout */
    return what == 0 || what == 2;
}

static bool watch(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    struct watch *w = p->tap_arg;
    struct reader in = sotto__reader(dgram, n);
    struct dtls_record r;
    bool last = false, is_protected = false;
    while (sotto__dtls_guard_split(&in, &r)) {
        if (p->end[from].d) remember(w, from, p->end[from].d, &r);
        last = last || r.epoch == 1 || r.type == DTLS_CCS;
        is_protected = is_protected || r.epoch == 1;
    }
    w->protected_by[from] += is_protected;
    return !last || fate(p, w, 1 - from, dgram, n);
}

static void watch_free(struct watch *w)
{
    free(w->seen[0]);
    free(w->seen[1]);
}

/* A pair of this setting that speaks this suite. */
static void begin(struct pair *p, struct watch *w, int setting, size_t suite, uint64_t seed)
{
    *w = (struct watch){.has_nonces = suite < 2};
    pair_init_without_fingerprints(p, seed);
    if (setting != BOTH_OURS) {
        SSL_CTX *ctx = pair_openssl_ctx();
        assert_true(SSL_CTX_set_cipher_list(ctx, suites[suite]));
        pair_use_openssl(p, setting, ctx, pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, 0));
    }
    for (int i = 0; i < 2; i++) {
        if (p->end[i].d) assert_true(SSL_set_cipher_list(p->end[i].d->ssl, suites[suite]));
        pair_know(p, i);
    }
    p->tap = watch, p->tap_arg = w;
}

static void connect_and_talk(struct pair *p, struct watch *w, int setting, size_t suite)
{
    begin(p, w, setting, suite, 1);
    assert_true(pair_run_until_connected(p, SOTTO_SECONDS(2)));
    assert_true(pair_talks(p));
}

static void end(struct pair *p, struct watch *w)
{
    pair_free(p);
    watch_free(w);
}

static size_t data_from(struct pair *p, int who, const char *text)
{
    uint8_t dgram[200];
    int n =
        sotto__dtls_seal(p->end[who].d, (const uint8_t *)text, strlen(text), dgram, sizeof dgram);
    assert_true(n > 0);
    if (watch(p, who, dgram, (size_t)n)) pair_send(p, 1 - who, dgram, (size_t)n, p->delay);
    return (size_t)n;
}

/* The end that is connected first speaks at once, as SCTP does. */
static bool connect_impatiently(struct pair *p)
{
    sotto_us until = pair_clock + SOTTO_SECONDS(40);
    while (!(p->end[0].connected && p->end[1].connected) && pair_clock < until) {
        pair_run(p, SOTTO_MS(20));
        for (int i = 0; i < 2; i++)
            if (p->end[i].d && p->end[i].connected && !p->end[1 - i].connected && p->end[1 - i].d)
                data_from(p, i, "early");
    }
    return p->end[0].connected && p->end[1].connected;
}

static void last_flights_may_be_lost_repeated_and_late_in_every_order(void **state)
{
    (void)state;
    for (int setting = 0; setting < SETTINGS; setting++) {
        for (unsigned fates = 0; fates < 256; fates++) {
            struct pair p;
            struct watch w;
            begin(&p, &w, setting, fates % 3, fates + 1);
            w.fates = fates, w.left = 4;
            if (!connect_impatiently(&p)) fail_msg("setting %d, fates %02x", setting, fates);
            pair_run(&p, SOTTO_SECONDS(2));
            w.left = 0;
            if (!pair_talks(&p)) fail_msg("setting %d, fates %02x: silence", setting, fates);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(p.end[i].connected, 1);
                assert_int_equal(p.end[i].error, 0);
                if (p.end[i].d) assert_null(p.end[i].d->ssl);
            }
            end(&p, &w);
        }
    }
}

static void no_number_and_no_nonce_is_used_twice_in_a_lossy_life(void **state) /* DTLS-22 */
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct pair p;
        struct watch w;
        begin(&p, &w, (int)(seed % SETTINGS), (size_t)(seed / 3 % 3), seed);
        p.dup = 20, p.jitter = SOTTO_MS(80);
        if (seed % SETTINGS == BOTH_OURS)
            p.loss = 40;
        else /* OpenSSL alone tries only five times in 30 seconds */
            w.fates = (unsigned)pair_random(&p) & 0xfff, w.left = 6;
        if (!connect_impatiently(&p))
            fail_msg("seed %u: %s | %s", (unsigned)seed,
                     p.end[0].d ? sotto__dtls_reason(p.end[0].d) : "OpenSSL",
                     p.end[1].d ? sotto__dtls_reason(p.end[1].d) : "OpenSSL");
        w.left = 0;
        pair_run(&p, SOTTO_SECONDS(2)); /* what is late arrives */
        for (int i = 0; i < 10; i++) assert_true(pair_talks(&p));
        for (int i = 0; i < 2; i++)
            if (p.end[i].d) sotto__dtls_close(p.end[i].d, pair_clock);
        pair_run(&p, SOTTO_SECONDS(1));
        for (int i = 0; i < 2; i++)
            if (p.end[i].d) assert_true(w.n[i] > 12);
        end(&p, &w);
    }
}

static void a_repeated_finished_is_answered_and_a_replayed_one_is_not(void **state)
{
    (void)state;
    for (size_t suite = 0; suite < 3; suite++) {
        struct pair p;
        struct watch w;
        begin(&p, &w, BOTH_OURS, suite, 1);
        w.fates = 1 << 2, w.left = 2; /* the server's last flight is lost once: so the client repeats its own */
        assert_true(connect_impatiently(&p));
        pair_run(&p, SOTTO_SECONDS(1));
        size_t before = w.protected_by[1];
        struct dtls_layer *client = &p.end[0].d->layer;
        static const uint8_t finished[24] = {20, 0, 0, 12, 0, 5, 0, 0, 0, 0, 0, 12};
        static const uint8_t request[12] = {1}; /* to renegotiate */
        uint8_t dgram[2][100];
        int n = sotto__dtls_layer_seal(client, DTLS_HANDSHAKE, finished, sizeof finished, dgram[0]);
        int m = sotto__dtls_layer_seal(client, DTLS_HANDSHAKE, request, sizeof request, dgram[1]);
        for (int i = 0; i < 5; i++) pair_send(&p, 1, dgram[0], (size_t)n, 0);
        for (int i = 0; i < 5; i++) pair_send(&p, 1, dgram[1], (size_t)m, 0);
        pair_run(&p, SOTTO_SECONDS(1));
        assert_int_equal(w.protected_by[1], before + 1);
        assert_true(pair_talks(&p));
        before = w.protected_by[0];
        n = sotto__dtls_layer_seal(&p.end[1].d->layer, DTLS_HANDSHAKE, finished, sizeof finished,
                                   dgram[0]);
        pair_send(&p, 0, dgram[0], (size_t)n, 0);
        pair_run(&p, SOTTO_SECONDS(1));
        assert_int_equal(w.protected_by[0], before); /* a client has nothing to repeat */
        assert_true(pair_talks(&p));
        end(&p, &w);
    }
}

struct kept_finished {
    uint8_t p[200];
    size_t n;
    struct watch w;
};

static bool keep_finished(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    struct kept_finished *k = p->tap_arg;
    struct reader in = sotto__reader(dgram, n);
    struct dtls_record r;
    while (from == 0 && k->n == 0 && sotto__dtls_guard_split(&in, &r)) {
        if (r.epoch != 1) continue;
        assert_true(r.n <= sizeof k->p);
        memcpy(k->p, r.p, k->n = r.n);
    }
    k->w.protected_by[from]++;
    return true;
}

static void the_finished_that_openssl_opened_is_not_opened_again(void **state)
{
    (void)state;
    struct pair p;
    struct kept_finished k = {.n = 0};
    pair_init(&p, 1);
    p.tap = keep_finished, p.tap_arg = &k;
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
    pair_run(&p, SOTTO_SECONDS(1));
    size_t before = k.w.protected_by[1];
    assert_true(k.n > 0);
    for (int i = 0; i < 3; i++) pair_send(&p, 1, k.p, k.n, 0);
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(k.w.protected_by[1], before);
    pair_free(&p);
}

/* The peer's keys, to say what OpenSSL's interface would not. */
static void peers_layer(struct dtls_layer *l, SSL *ssl, size_t suite, bool client)
{
    struct dtls_secrets s = {.cipher = (enum dtls_cipher)suite, .sha384 = suite == 1};
    SSL_SESSION_get_master_key(SSL_get_session(ssl), s.master, sizeof s.master);
    SSL_get_client_random(ssl, s.client_random, 32);
    SSL_get_server_random(ssl, s.server_random, 32);
    assert_int_equal(sotto__dtls_layer_init(l, &s, client, 100, 0), 0);
}

static void tell_dtls(struct dtls *d, struct dtls_layer *l, uint8_t type, const void *p, size_t n)
{
    uint8_t dgram[2100];
    int len = sotto__dtls_layer_seal(l, type, p, n, dgram);
    assert_true(len > 0);
    sotto__dtls_input(d, pair_clock, dgram, (size_t)len);
}

static void every_cipher_carries_data_and_ends_with_a_goodbye_of_either_side(void **state)
{
    (void)state;
    for (size_t suite = 0; suite < 3; suite++) {
        for (int openssl = 0; openssl < 2; openssl++) {
            for (int first = 0; first < 2; first++) {
                struct pair p;
                struct watch w;
                connect_and_talk(&p, &w, openssl, suite);
                for (int i = 0; i < 30; i++) assert_true(pair_talks(&p));
                struct end *theirs = &p.end[openssl], *ours = &p.end[1 - openssl];
                if (first == openssl)
                    SSL_shutdown(theirs->ssl);
                else
                    sotto__dtls_close(ours->d, pair_clock);
                pair_run(&p, SOTTO_SECONDS(1));
                assert_true(theirs->ssl_closed);
                if (first != openssl) SSL_shutdown(theirs->ssl); /* OpenSSL leaves the answer to its user */
                pair_run(&p, SOTTO_SECONDS(1));
                assert_int_equal(ours->closed, 1);
                assert_int_equal(ours->error, 0);
                uint8_t buf[100];
                assert_int_equal(sotto__dtls_seal(ours->d, buf, 1, buf, 100), SOTTO_E_STATE);
                end(&p, &w);
            }
        }
    }
}

/* proves: H086 */
static void alerts_of_the_peer_end_it_or_are_counted(void **state) /* H077 */
{
    (void)state;
    static const uint8_t fatal[] = {2, 80}, warning[] = {1, 90}, strange[] = {2, 80, 1};
    for (size_t suite = 0; suite < 3; suite++) {
        for (int openssl = 0; openssl < 2; openssl++) {
            struct pair p;
            struct watch w;
            struct dtls_layer l;
            connect_and_talk(&p, &w, openssl, suite);
            struct end *ours = &p.end[1 - openssl];
            peers_layer(&l, p.end[openssl].ssl, suite, openssl == 0);
            tell_dtls(ours->d, &l, DTLS_ALERT, strange, sizeof strange);
            tell_dtls(ours->d, &l, DTLS_ALERT, strange, 1);
            for (unsigned i = 0; i < SOTTO_MAX_DTLS_WARNINGS; i++)
                tell_dtls(ours->d, &l, DTLS_ALERT, warning, 2);
            tell_dtls(ours->d, &l, DTLS_APPDATA, "x", 1); /* the count begins anew */
            for (unsigned i = 0; i < SOTTO_MAX_DTLS_WARNINGS; i++)
                tell_dtls(ours->d, &l, DTLS_ALERT, warning, 2);
            assert_int_equal(ours->d->dead, 0);
            tell_dtls(ours->d, &l, DTLS_ALERT, openssl ? fatal : warning, 2);
            pair_run(&p, SOTTO_MS(10));
            assert_int_equal(ours->error, SOTTO_E_PROTO);
            assert_non_null(strstr(sotto__dtls_reason(ours->d), "alert"));
            sotto__dtls_layer_free(&l);
            end(&p, &w);
        }
    }
}

static void after_a_goodbye_nothing_is_given_up(void **state)
{
    (void)state;
    static const uint8_t goodbye[] = {1, 0}, finished[24] = {20};
    struct pair p;
    struct watch w;
    struct dtls_layer l;
    connect_and_talk(&p, &w, OPENSSL_CLIENT, 0);
    peers_layer(&l, p.end[0].ssl, 0, true);
    size_t before = p.end[1].messages, sent = p.end[1].sent;
    tell_dtls(p.end[1].d, &l, DTLS_ALERT, goodbye, 2);
    tell_dtls(p.end[1].d, &l, DTLS_APPDATA, "x", 1);
    uint8_t dgram[100];
    struct dtls_out out;
    struct dtls_datagram in = {dgram,
                               (size_t)sotto__dtls_layer_seal(&l, DTLS_APPDATA, goodbye, 2, dgram)};
    assert_false(sotto__dtls_open(p.end[1].d, pair_clock, &in, &out));
    tell_dtls(p.end[1].d, &l, DTLS_HANDSHAKE, finished, sizeof finished);
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.end[1].messages, before);
    assert_int_equal(p.end[1].closed, 1);
    assert_int_equal(p.end[1].sent, sent + 1); /* the goodbye, no flight */
    sotto__dtls_layer_free(&l);
    end(&p, &w);
}

static void used_up_numbers_end_the_connection(void **state) /* DTLS-22 */
{
    (void)state;
    struct pair p;
    struct watch w;
    uint8_t buf[100];
    connect_and_talk(&p, &w, BOTH_OURS, 2);
    p.end[0].d->layer.seq = SOTTO_MAX_DTLS_SEQUENCE;
    assert_int_equal(sotto__dtls_seal(p.end[0].d, buf, 1, buf, 100), 30);
    assert_int_equal(sotto__dtls_seal(p.end[0].d, buf, 1, buf, 100), SOTTO_E_STATE);
    pair_run(&p, SOTTO_MS(10));
    assert_int_equal(p.end[0].error, SOTTO_E_PROTO);
    assert_non_null(strstr(sotto__dtls_reason(p.end[0].d), "used up"));
    end(&p, &w);
}

static void too_many_forgeries_end_the_connection(void **state) /* RFC 9147 §4.5.3 */
{
    (void)state;
    struct pair p;
    struct watch w;
    struct dtls_stats s;
    uint8_t dgram[60] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 9, 9, 0, 47};
    connect_and_talk(&p, &w, BOTH_OURS, 0);
    p.end[0].d->layer.forged = SOTTO_MAX_DTLS_FORGED - 2;
    sotto__dtls_input(p.end[0].d, pair_clock, dgram, sizeof dgram);
    sotto__dtls_get_stats(p.end[0].d, &s);
    assert_int_equal(s.forged, SOTTO_MAX_DTLS_FORGED - 1);
    assert_true(pair_talks(&p));
    sotto__dtls_input(p.end[0].d, pair_clock, dgram, sizeof dgram);
    pair_run(&p, SOTTO_MS(10));
    assert_int_equal(p.end[0].error, SOTTO_E_PROTO);
    assert_non_null(strstr(sotto__dtls_reason(p.end[0].d), "forged"));
    end(&p, &w);
}

static void data_is_opened_where_it_lies(void **state)
{
    (void)state;
    struct pair p;
    struct watch w;
    struct dtls_out out;
    struct dtls_stats before, after;
    uint8_t dgram[400];
    size_t n = 0;
    connect_and_talk(&p, &w, BOTH_OURS, 0);
    struct dtls_layer *l = &p.end[0].d->layer;
    sotto__dtls_get_stats(p.end[1].d, &before);
    for (int i = 0; i < 3; i++)
        n += (size_t)sotto__dtls_layer_seal(l, DTLS_APPDATA, (const uint8_t *)"012" + i, 1,
                                            dgram + n);
    memcpy(dgram + n, dgram, 38), dgram[n + 4] = 0, n += 38; /* epoch 0 */
    memcpy(dgram + n, dgram, 38), n += 38;                   /* a replay */
    n += (size_t)sotto__dtls_layer_seal(l, DTLS_APPDATA, dgram, 0, dgram + n); /* nothing */
    n += (size_t)sotto__dtls_layer_seal(l, DTLS_APPDATA, (const uint8_t *)"3", 1, dgram + n);
    dgram[n++] = 23; /* no record */
    struct dtls_datagram in = {dgram, n};
    for (int i = 0; i < 4; i++) {
        assert_true(sotto__dtls_open(p.end[1].d, pair_clock, &in, &out));
        assert_int_equal(out.type, DTLS_OUT_DATA);
        assert_true(out.p > dgram && out.p < dgram + n);
        assert_int_equal(out.n, 1);
        assert_int_equal(out.p[0], '0' + i);
    }
    assert_false(sotto__dtls_open(p.end[1].d, pair_clock, &in, &out));
    assert_int_equal(in.n, 0);
    assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 0);
    sotto__dtls_get_stats(p.end[1].d, &after);
    assert_int_equal(after.records_in, before.records_in + 7);
    assert_int_equal(after.records_dropped, before.records_dropped + 3);
    end(&p, &w);
}

static void what_came_earlier_is_given_up_first(void **state)
{
    (void)state;
    struct pair p;
    struct watch w;
    struct dtls_out out;
    uint8_t dgram[2][100];
    int n[2];
    begin(&p, &w, BOTH_OURS, 0, 1);
    while (!p.end[1].d->connected) pair_run(&p, SOTTO_MS(1));
    while (!p.end[0].d->connected) pair_run(&p, SOTTO_MS(1));
    for (int i = 0; i < 2; i++)
        n[i] = sotto__dtls_seal(p.end[0].d, (const uint8_t *)"01" + i, 1, dgram[i], 100);
    sotto__dtls_input(p.end[1].d, pair_clock, dgram[0], (size_t)n[0]);
    struct dtls_datagram in = {dgram[1], (size_t)n[1]};
    assert_false(sotto__dtls_open(p.end[1].d, pair_clock, &in, &out));
    assert_int_equal(in.n, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 1);
        assert_int_equal(out.p[0], '0' + i);
    }
    end(&p, &w);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void a_connection_that_stands_costs_little_memory(void **state)
{
    (void)state;
    enum { PAIRS = 20 };
    static struct pair p[PAIRS];
    size_t most = 0;
    pair_init(&p[0], 1); /* what OpenSSL makes once */
    assert_true(pair_run_until_connected(&p[0], SOTTO_SECONDS(1)));
    for (int i = 1; i < PAIRS; i++) {
        pair_init(&p[i], 1);
        assert_true(pair_run_until_connected(&p[i], SOTTO_SECONDS(1)));
        pair_run(&p[i], SOTTO_SECONDS(1));
        struct dtls *d[2] = {p[i].end[0].d, p[i].end[1].d};
        size_t with = heap();
        for (int k = 0; k < 2; k++) {
            sotto__dtls_free(d[k]);
            p[i].end[k].d = NULL;
        }
        size_t each = (with - heap()) / 2;
        if (each > most) most = each;
    }
    print_message("a connected DTLS holds %u bytes\n", (unsigned)most);
    assert_true(most < 10 * 1024); /* under a sanitizer malloc tells nothing */
    for (int i = 0; i < PAIRS; i++) pair_free(&p[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_flights_may_be_lost_repeated_and_late_in_every_order),
        cmocka_unit_test(no_number_and_no_nonce_is_used_twice_in_a_lossy_life),
        cmocka_unit_test(a_repeated_finished_is_answered_and_a_replayed_one_is_not),
        cmocka_unit_test(the_finished_that_openssl_opened_is_not_opened_again),
        cmocka_unit_test(every_cipher_carries_data_and_ends_with_a_goodbye_of_either_side),
        cmocka_unit_test(alerts_of_the_peer_end_it_or_are_counted),
        cmocka_unit_test(after_a_goodbye_nothing_is_given_up),
        cmocka_unit_test(used_up_numbers_end_the_connection),
        cmocka_unit_test(too_many_forgeries_end_the_connection),
        cmocka_unit_test(data_is_opened_where_it_lies),
        cmocka_unit_test(what_came_earlier_is_given_up_first),
        cmocka_unit_test(a_connection_that_stands_costs_little_memory),
    };
    return cmocka_run_group_tests_name("dtls_switch", tests, NULL, NULL);
}

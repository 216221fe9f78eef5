/* SPDX-License-Identifier: BSD-2-Clause */
/* The ordinary life of a DTLS connection: handshake, data, lost packets, timers, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "dtls_pair.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"
#include "util/mem.h"

static void two_peers_connect_and_talk(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    assert_true(pair_talks(&p));
    pair_run(&p, SOTTO_SECONDS(5));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p.end[i].connected, 1);
        assert_string_equal(sotto__dtls_reason(p.end[i].d), "");
        assert_true(p.end[i].largest <= SOTTO_MTU); /* DTLS-17: no flight above what passes every path */
        assert_int_equal(sotto__dtls_due(p.end[i].d), SOTTO_NEVER);
        assert_null(p.end[i].d->ssl); /* tens of kilobytes */
    }
    pair_free(&p);
}

static void what_was_agreed_on_is_known_once_connected(void **state)
{
    (void)state;
    struct pair p;
    struct dtls_info info;
    struct sdp_fingerprint own;
    struct buf is, want;
    pair_init(&p, 2);
    sotto__buf_init(&is, SOTTO_MAX_PEM);
    assert_false(sotto__dtls_get_info(p.end[0].d, &info, &is));
    assert_int_equal(is.n, 0);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    for (int i = 0; i < 2; i++) {
        sotto__buf_init(&is, SOTTO_MAX_PEM);
        sotto__buf_init(&want, SOTTO_MAX_PEM);
        assert_true(sotto__dtls_get_info(p.end[i].d, &info, &is));
        assert_int_equal(info.version, 0xfefd);
        assert_string_equal(info.cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        sotto__cert_fingerprint(p.end[1 - i].cert, &own);
        assert_string_equal(info.certificate.hash, own.hash);
        assert_int_equal(info.certificate.n_bytes, own.n_bytes);
        assert_memory_equal(info.certificate.bytes, own.bytes, own.n_bytes);
        sotto__cert_base64(p.end[1 - i].cert, &want);
        assert_int_equal(is.n, want.n);
        assert_memory_equal(is.p, want.p, want.n);
        sotto__buf_free(&is);
        sotto__buf_free(&want);
    }
    pair_free(&p);
}

static void a_silent_client_sends_its_first_flight_at_the_first_next(void **state)
{
    (void)state;
    struct pair p;
    struct dtls_out out;
    pair_init(&p, 1);
    assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 0);
    assert_true(sotto__dtls_due(p.end[0].d) <= pair_clock);
    assert_int_equal(sotto__dtls_next(p.end[0].d, pair_clock, &out), 1);
    assert_int_equal(out.type, DTLS_OUT_PACKET);
    assert_int_equal(out.p[0], 22);
    pair_free(&p);
}

static bool has_extension(const uint8_t *p, size_t n, uint16_t wanted)
{
    struct reader r = sotto__reader(p + 25 + 34, n - 25 - 34);
    sotto__read_view(&r, sotto__read_u8(&r));  /* session */
    sotto__read_view(&r, sotto__read_u8(&r));  /* cookie */
    sotto__read_view(&r, sotto__read_u16(&r)); /* suites */
    sotto__read_view(&r, sotto__read_u8(&r));  /* compression */
    sotto__read_u16(&r);
    while (r.n > 0 && !r.bad) {
        uint16_t type = sotto__read_u16(&r);
        sotto__read_view(&r, sotto__read_u16(&r));
        if (type == wanted) return true;
    }
    assert_false(r.bad);
    return false;
}

static void our_client_hello_offers_what_rfc_8827_wants_and_nothing_weak(void **state) /* DTLS-02, DTLS-12 */
{
    (void)state;
    struct pair p;
    struct dtls_out out;
    pair_init(&p, 1);
    assert_int_equal(sotto__dtls_next(p.end[0].d, pair_clock, &out), 1);
    struct reader r = sotto__reader(out.p + 25, out.n - 25);
    assert_int_equal(sotto__read_u16(&r), 0xfefd);
    sotto__read_view(&r, 32);
    assert_int_equal(sotto__read_u8(&r), 0); /* no session to be resumed */
    assert_int_equal(sotto__read_u8(&r), 0); /* no cookie */
    uint16_t n = sotto__read_u16(&r);
    static const uint16_t wanted[] = {0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x00ff};
    assert_int_equal(n, sizeof wanted);
    for (size_t i = 0; i < n / 2; i++) assert_int_equal(sotto__read_u16(&r), wanted[i]);
    assert_int_equal(sotto__read_u16(&r), 0x0100); /* null compression alone */
    assert_true(has_extension(out.p, out.n, 23));  /* extended master secret */
    assert_true(has_extension(out.p, out.n, 14));  /* use_srtp */
    assert_false(has_extension(out.p, out.n, 35)); /* session ticket */
    pair_free(&p);
}

static void records_of_every_size_pass_and_larger_ones_do_not(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 100, 1163, 1200, 4000, 16383, 16384};
    struct pair p;
    struct dtls_out out;
    uint8_t *msg = malloc(20000), *dgram = malloc(20000);
    pair_init(&p, 1);
    assert_int_equal(sotto__dtls_seal(p.end[0].d, msg, 1, dgram, 100), SOTTO_E_STATE);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    pair_run(&p, SOTTO_SECONDS(1));
    for (size_t i = 0; i < 20000; i++) msg[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i];
        assert_int_equal(sotto__dtls_seal(p.end[0].d, msg, n, dgram, n + SOTTO_DTLS_OVERHEAD - 1),
                         SOTTO_E_TOO_BIG);
        int r = sotto__dtls_seal(p.end[0].d, msg, n, dgram, n + SOTTO_DTLS_OVERHEAD);
        assert_int_equal(r, n + 37);
        sotto__dtls_input(p.end[1].d, pair_clock, dgram, (size_t)r);
        assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 1);
        assert_int_equal(out.type, DTLS_OUT_DATA);
        assert_int_equal(out.n, n);
        assert_memory_equal(out.p, msg, n);
        assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 0);
    }
    assert_int_equal(sotto__dtls_seal(p.end[0].d, msg, 16385, dgram, 20000), SOTTO_E_TOO_BIG);
    assert_int_equal(sotto__dtls_seal(p.end[0].d, msg, 0, dgram, 20000), SOTTO_E_INVAL);
    assert_true(pair_talks(&p));
    pair_free(&p);
    free(msg);
    free(dgram);
}

static void no_nonce_is_used_twice(void **state) /* DTLS-22 */
{
    (void)state;
    struct pair p;
    uint8_t dgram[100], last[8] = {0};
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(sotto__dtls_seal(p.end[0].d, last, 1, dgram, sizeof dgram), 38);
        assert_true(memcmp(dgram + 13, last, 8) > 0); /* the explicit part of it, RFC 5288 §3 */
        memcpy(last, dgram + 13, 8);
    }
    pair_free(&p);
}

static void several_records_in_one_datagram_all_arrive(void **state)
{
    (void)state;
    struct pair p;
    struct dtls_out out;
    uint8_t dgram[2000];
    size_t n = 0;
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    for (uint8_t i = 0; i < 10; i++) {
        int r = sotto__dtls_seal(p.end[0].d, &i, 1, dgram + n, sizeof dgram - n);
        assert_true(r > 0);
        n += (size_t)r;
    }
    sotto__dtls_input(p.end[1].d, pair_clock, dgram, n);
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 1);
        assert_int_equal(out.type, DTLS_OUT_DATA);
        assert_int_equal(out.p[0], i);
    }
    assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 0);
    pair_free(&p);
}

static void plaintext_that_nobody_takes_is_bounded(void **state)
{
    (void)state;
    struct pair p;
    struct dtls_out out;
    struct dtls_stats s;
    uint8_t msg[1000] = {0}, dgram[1100];
    unsigned got = 0;
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    pair_run(&p, SOTTO_SECONDS(1));
    for (int i = 0; i < 1000; i++) {
        int n = sotto__dtls_seal(p.end[0].d, msg, sizeof msg, dgram, sizeof dgram);
        sotto__dtls_input(p.end[1].d, pair_clock, dgram, (size_t)n);
    }
    assert_true(p.end[1].d->plain.cap <= SOTTO_MAX_DTLS_QUEUE);
    while (sotto__dtls_next(p.end[1].d, pair_clock, &out) == 1) got++;
    sotto__dtls_get_stats(p.end[1].d, &s);
    assert_in_range(got, 60, 65);
    assert_int_equal(s.records_dropped, 1000 - got);
    assert_true(pair_talks(&p));
    pair_free(&p);
}

static void a_lossy_link_delays_but_does_not_prevent_a_connection(void **state) /* DTLS-17 */
{
    (void)state;
    const uint64_t seeds = getenv("SOTTO_LONG") ? 1000 : 200;
    sotto_us *took = calloc((size_t)seeds, sizeof *took), worst = 0;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct pair p;
        pair_init(&p, seed + 1);
        p.loss = 30, p.dup = 10, p.jitter = SOTTO_MS(30);
        sotto_us start = pair_clock;
        if (!pair_run_until_connected(&p, SOTTO_MAX_DTLS_US))
            fail_msg("seed %u: %s | %s", (unsigned)seed, sotto__dtls_reason(p.end[0].d),
                     sotto__dtls_reason(p.end[1].d));
        took[seed] = pair_clock - start;
        if (took[seed] > worst) worst = took[seed];
        pair_run(&p, SOTTO_SECONDS(1));
        assert_true(pair_talks(&p));
        pair_free(&p);
    }
    size_t slow = 0;
    for (uint64_t i = 0; i < seeds; i++) slow += took[i] > SOTTO_SECONDS(3);
    print_message("30 %% loss: %u of %u above 3 s, the worst %u ms\n", (unsigned)slow,
                  (unsigned)seeds, (unsigned)(worst / 1000));
    assert_true(slow * 100 <= seeds);
    free(took);
}

/* Swallows the first n datagrams of the server that hold something protected: its last flight. */
static bool lose_last_flight(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    int *left = p->tap_arg;
    struct reader r = sotto__reader(dgram, n);
    struct dtls_record rec;
    if (from != 1 || *left == 0) return true;
    while (sotto__dtls_guard_split(&r, &rec)) {
        if (rec.epoch != 1) continue;
        --*left;
        return false;
    }
    return true;
}

static void a_lost_last_flight_is_sent_again(void **state)
{
    (void)state;
    struct pair p;
    int left = 3;
    pair_init(&p, 1);
    p.tap = lose_last_flight, p.tap_arg = &left;
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(3)));
    assert_int_equal(left, 0);
    assert_true(pair_talks(&p));
    pair_free(&p);
}

/* proves: H087 */
static void nobody_there_is_an_error_after_30_seconds_with_bounded_repeats(void **state) /* H087 */
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        pair_init(&p, 1);
        p.blackhole = who;
        pair_run(&p, SOTTO_MAX_DTLS_US - 1);
        assert_int_equal(p.end[who].error, 0);
        pair_run(&p, SOTTO_MS(1));
        assert_int_equal(p.end[who].error, SOTTO_E_NETWORK);
        assert_string_not_equal(sotto__dtls_reason(p.end[who].d), "");
        assert_in_range(p.end[0].sent, 10, 60);
        assert_int_equal(sotto__dtls_due(p.end[who].d), SOTTO_NEVER);
        pair_free(&p);
    }
}

/* proves: H085 */
static void two_clients_fail_with_a_reason(void **state) /* H085 */
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    struct dtls_cfg cfg = {.ctx = p.ctx, .cert = p.end[1].cert, .client = true};
    sotto__dtls_free(p.end[1].d);
    assert_int_equal(sotto__dtls_new(&p.end[1].d, &cfg, pair_clock), 0);
    pair_know(&p, 1);
    pair_run(&p, SOTTO_MAX_DTLS_US);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p.end[i].error, SOTTO_E_PROTO);
        assert_non_null(strstr(sotto__dtls_reason(p.end[i].d), "client, too"));
        assert_true(p.end[i].sent < 60); /* no spin */
    }
    pair_free(&p);
}

static bool send_back(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    pair_send(p, from, dgram, n, SOTTO_MS(1));
    return true;
}

/* proves: H088 */
static void our_own_packets_sent_back_do_no_harm(void **state) /* H088 */
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    p.tap = send_back;
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
    assert_true(pair_talks(&p));
    assert_int_equal(p.end[0].messages, 1);
    assert_int_equal(p.end[1].messages, 1);
    pair_free(&p);
    pair_init(&p, 1);
    p.tap = send_back;
    p.blackhole = 1;
    pair_run(&p, SOTTO_MAX_DTLS_US);
    assert_int_equal(p.end[0].connected, 0);
    pair_free(&p);
}

/* proves: H086 */
static void a_goodbye_closes_both_ends_once(void **state) /* DTLS-19, H086 */
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        uint8_t buf[100];
        pair_init(&p, 1);
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
        pair_run(&p, SOTTO_SECONDS(1));
        sotto__dtls_close(p.end[who].d, pair_clock);
        sotto__dtls_close(p.end[who].d, pair_clock);
        assert_int_equal(sotto__dtls_seal(p.end[who].d, buf, 1, buf, 100), SOTTO_E_STATE);
        p.dup = 100; /* each goodbye comes twice: the second is a replay */
        pair_run(&p, SOTTO_SECONDS(1));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(p.end[i].closed, 1);
            assert_int_equal(p.end[i].error, 0);
            assert_int_equal(sotto__dtls_seal(p.end[i].d, buf, 1, buf, 100), SOTTO_E_STATE);
            assert_int_equal(sotto__dtls_due(p.end[i].d), SOTTO_NEVER);
        }
        pair_free(&p);
    }
}

static void a_close_in_the_middle_of_a_handshake_is_silent(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair p;
        pair_init(&p, 1);
        pair_run(&p, SOTTO_MS(15));
        size_t sent = p.end[i].sent;
        sotto__dtls_close(p.end[i].d, pair_clock);
        pair_run(&p, SOTTO_SECONDS(40));
        assert_int_equal(p.end[i].sent, sent);
        assert_int_equal(p.end[i].error, 0);
        pair_free(&p);
    }
}

/* proves: H086 */
static void replayed_records_are_given_up_once(void **state)
{
    (void)state;
    struct pair p;
    struct dtls_stats s;
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    pair_run(&p, SOTTO_SECONDS(1));
    p.dup = 100;
    for (int i = 0; i < 100; i++) assert_true(pair_talks(&p));
    assert_int_equal(p.end[0].messages, 100);
    assert_int_equal(p.end[1].messages, 100);
    sotto__dtls_get_stats(p.end[0].d, &s);
    assert_true(s.records_dropped >= 100);
    pair_free(&p);
}

/* proves: DTLS-10 S35 */
static void both_ends_export_the_same_keys_and_none_before_connected(void **state) /* DTLS-10, DTLS-21 */
{
    (void)state;
    struct pair p;
    uint8_t a[60] = {0}, b[60] = {1}, c[60] = {2};
    pair_init(&p, 1);
    assert_int_equal(sotto__dtls_export(p.end[0].d, "EXTRACTOR-dtls_srtp", a, 60), SOTTO_E_STATE);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    assert_int_equal(sotto__dtls_export(p.end[0].d, "EXTRACTOR-dtls_srtp", a, 60), 0);
    assert_int_equal(sotto__dtls_export(p.end[1].d, "EXTRACTOR-dtls_srtp", b, 60), 0);
    assert_int_equal(sotto__dtls_export(p.end[1].d, "EXPORTER-Channel-Binding", c, 60), 0);
    assert_memory_equal(a, b, 60);
    assert_memory_not_equal(a, c, 60);
    assert_int_equal(sotto__dtls_srtp_profile(p.end[0].d), 7); /* SRTP_AEAD_AES_128_GCM */
    pair_free(&p);
}

static bool lose_the_first(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    (void)dgram, (void)n;
    return p->end[from].sent > 1;
}

/* proves: A12 */
static void a_wall_clock_that_jumps_does_not_stop_the_handshake(void **state) /* A12 */
{
    (void)state;
    static const sotto_us shifts[] = {-SOTTO_SECONDS(315360000), -SOTTO_SECONDS(10),
                                      SOTTO_SECONDS(315360000)};
    for (size_t i = 0; i < 3; i++) {
        for (int ms = 5; ms < 75; ms += 10) {
            struct pair p;
            pair_init(&p, 1);
            p.tap = lose_the_first;
            pair_run(&p, SOTTO_MS(ms));
            pair_wall_shift = shifts[i];
            assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(5)));
            pair_free(&p);
        }
    }
    pair_wall_shift = 0;
}

static void a_process_may_have_had_many_contexts(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct dtls_ctx *ctx;
        assert_int_equal(sotto__dtls_ctx_new(&ctx), 0);
        sotto__dtls_ctx_free(ctx);
    }
    two_peers_connect_and_talk(NULL);
    sotto__dtls_ctx_free(NULL);
    sotto__dtls_free(NULL);
}

static void somebody_elses_errors_in_openssls_queue_do_no_harm(void **state)
{
    (void)state;
    struct pair p;
    uint8_t forged[60] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 0, 0, 47};
    pair_init(&p, 1);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    pair_run(&p, SOTTO_MS(5));
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    for (int i = 0; i < 2; i++) {
        ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
        sotto__dtls_input(p.end[i].d, pair_clock, forged, sizeof forged);
    }
    assert_true(pair_talks(&p));
    assert_int_equal(ERR_peek_error(), 0);
    pair_free(&p);
}

static int whole_life(struct dtls_ctx *ctx, struct cert *cert, uint64_t fail_at)
{
    struct dtls *d[2] = {NULL};
    struct dtls_out out;
    struct sdp_fingerprint f;
    uint8_t buf[200];
    int r = 0, connected = 0;
    sotto__cert_fingerprint(cert, &f);
    sotto__mem_fail_at(fail_at);
    for (int i = 0; i < 2 && r == 0; i++) {
        struct dtls_cfg cfg = {.ctx = ctx, .cert = cert, .client = i == 0};
        r = sotto__dtls_new(&d[i], &cfg, pair_clock);
        if (r == 0) r = sotto__dtls_set_fingerprints(d[i], &f, 1);
    }
    for (int turn = 0; turn < 400 && connected < 2 && r == 0; turn++) {
        pair_clock += SOTTO_MS(10);
        for (int i = 0; i < 2 && r == 0; i++) {
            while ((r = sotto__dtls_next(d[i], pair_clock, &out)) == 1) {
                if (out.type == DTLS_OUT_CONNECTED) connected++;
                if (out.type == DTLS_OUT_PACKET)
                    sotto__dtls_input(d[1 - i], pair_clock, out.p, out.n);
            }
        }
    }
    if (r == 0 && connected == 2) {
        int n = sotto__dtls_seal(d[0], (const uint8_t *)"hello", 5, buf, sizeof buf);
        assert_true(n > 0);
        sotto__dtls_input(d[1], pair_clock, buf, (size_t)n);
        sotto__dtls_close(d[0], pair_clock);
    }
    sotto__dtls_free(d[0]);
    sotto__dtls_free(d[1]);
    return r < 0 ? r : connected == 2 ? 0 : 1;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct dtls_ctx *ctx = NULL;
    struct cert *cert;
    assert_int_equal(sotto__cert_generate(&cert, UNIX_NOW), 0);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__dtls_ctx_new(&ctx), SOTTO_E_NOMEM);
    assert_int_equal(sotto__dtls_ctx_new(&ctx), 0);
    int64_t live = sotto__mem_live();
    unsigned refused = 0;
    for (uint64_t n = 1;; n++) {
        int r = whole_life(ctx, cert, n);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        /* what was to be kept of a packet is lost like the packet: the handshake repeats it */
        assert_true(r == 0 || (failed && r == SOTTO_E_NOMEM));
        refused += r != 0;
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
    }
    assert_int_equal(refused, 10); /* struct, filter, fingerprints, keys and peer's certificate of each end */
    sotto__cert_unref(cert);
    sotto__dtls_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_peers_connect_and_talk),
        cmocka_unit_test(what_was_agreed_on_is_known_once_connected),
        cmocka_unit_test(a_silent_client_sends_its_first_flight_at_the_first_next),
        cmocka_unit_test(our_client_hello_offers_what_rfc_8827_wants_and_nothing_weak),
        cmocka_unit_test(records_of_every_size_pass_and_larger_ones_do_not),
        cmocka_unit_test(no_nonce_is_used_twice),
        cmocka_unit_test(several_records_in_one_datagram_all_arrive),
        cmocka_unit_test(plaintext_that_nobody_takes_is_bounded),
        cmocka_unit_test(a_lossy_link_delays_but_does_not_prevent_a_connection),
        cmocka_unit_test(a_lost_last_flight_is_sent_again),
        cmocka_unit_test(nobody_there_is_an_error_after_30_seconds_with_bounded_repeats),
        cmocka_unit_test(two_clients_fail_with_a_reason),
        cmocka_unit_test(our_own_packets_sent_back_do_no_harm),
        cmocka_unit_test(a_goodbye_closes_both_ends_once),
        cmocka_unit_test(a_close_in_the_middle_of_a_handshake_is_silent),
        cmocka_unit_test(replayed_records_are_given_up_once),
        cmocka_unit_test(both_ends_export_the_same_keys_and_none_before_connected),
        cmocka_unit_test(a_wall_clock_that_jumps_does_not_stop_the_handshake),
        cmocka_unit_test(a_process_may_have_had_many_contexts),
        cmocka_unit_test(somebody_elses_errors_in_openssls_queue_do_no_harm),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

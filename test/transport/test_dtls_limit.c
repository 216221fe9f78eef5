/* SPDX-License-Identifier: BSD-2-Clause */
/* The longest record that a peer takes (RFC 8449): announced by us, kept of peers, refused when it is of no use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dtls_pair.h"
#include "transport/dtls_int.h"

static const struct said { /* by a peer that is OpenSSL */
    uint8_t bytes[3];
    size_t n;
    bool connects;
    size_t limit;
} cases[] = {{{0}, 0, false, 0},
             {{0x40}, 1, false, 0},
             {{0x40, 0x00, 0}, 3, false, 0},
             {{0x00, 0x00}, 2, false, 0},
             {{0x00, 0x40}, 2, false, 0},
             {{0x04, 0xaf}, 2, false, 0},
             {{0x04, 0xb0}, 2, true, 1200},
             {{0x08, 0x00}, 2, true, 2048},
             {{0x40, 0x00}, 2, true, 16384},
             {{0x40, 0x01}, 2, true, 16385},
             {{0xff, 0xff}, 2, true, 65535}};

static uint8_t heard[2]; /* what that peer got of us */
static size_t n_heard;

static int say(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *n,
               X509 *x, size_t index, int *alert, void *arg)
{
    const struct said *s = arg;
    (void)ssl, (void)type, (void)context, (void)x, (void)index, (void)alert;
    *out = s->bytes, *n = s->n;
    return 1;
}

static int hear(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t n,
                X509 *x, size_t index, int *alert, void *arg)
{
    (void)ssl, (void)type, (void)context, (void)x, (void)index, (void)alert, (void)arg;
    if (n == 2) memcpy(heard, in, 2);
    n_heard = n;
    return 1;
}

static void connect_to(struct pair *p, int who, const struct said *s)
{
    SSL_CTX *ctx = pair_openssl_ctx();
    n_heard = 0;
    if (s)
        assert_true(SSL_CTX_add_custom_ext(ctx, 28,
                                           SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO, say,
                                           NULL, (void *)s, hear, NULL));
    pair_init_without_fingerprints(p, 1);
    pair_use_openssl(p, who, ctx, pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, 0));
    pair_know(p, 1 - who);
}

static void two_of_ours_take_records_of_any_length(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    assert_int_equal(sotto__dtls_record_limit(p.end[0].d), 0);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
    for (int i = 0; i < 2; i++) assert_int_equal(sotto__dtls_record_limit(p.end[i].d), 16384);
    pair_free(&p);
}

static void a_peer_that_says_nothing_is_unknown(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        connect_to(&p, who, NULL);
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
        assert_int_equal(sotto__dtls_record_limit(p.end[1 - who].d), 0);
        assert_true(pair_talks(&p));
        pair_free(&p);
    }
}

static void what_a_peer_says_is_kept_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int who = 0; who < 2; who++) {
            struct pair p;
            connect_to(&p, who, &cases[i]);
            bool connected = pair_run_until_connected(&p, SOTTO_SECONDS(2));
            if (connected != cases[i].connects) fail_msg("case %zu, end %d", i, who);
            if (connected) {
                assert_int_equal(sotto__dtls_record_limit(p.end[1 - who].d), cases[i].limit);
                assert_int_equal(n_heard, 2);
                assert_int_equal(heard[0] << 8 | heard[1], 16384);
                assert_true(pair_talks(&p));
            }
            pair_free(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_ours_take_records_of_any_length),
        cmocka_unit_test(a_peer_that_says_nothing_is_unknown),
        cmocka_unit_test(what_a_peer_says_is_kept_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

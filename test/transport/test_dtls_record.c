/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of epoch 1 by themselves: what opens and what does not, the replay window, sequence numbers and nonces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "sotto/base.h"
#include "transport/dtls_guard.h"
#include "transport/dtls_record.h"
#include "util/limits.h"

enum { CIPHERS = 3, NONCE = 0x7777 };

struct both {
    struct dtls_layer client, server;
};

static void both_init(struct both *b, enum dtls_cipher cipher, uint64_t seq)
{
    struct dtls_secrets s = {.cipher = cipher, .sha384 = cipher == DTLS_AES_256_GCM};
    memset(s.master, 1, sizeof s.master);
    memset(s.client_random, 2, sizeof s.client_random);
    memset(s.server_random, 3, sizeof s.server_random);
    assert_int_equal(sotto__dtls_layer_init(&b->client, &s, true, seq, NONCE), 0);
    assert_int_equal(sotto__dtls_layer_init(&b->server, &s, false, seq, NONCE), 0);
}

static void both_free(struct both *b)
{
    sotto__dtls_layer_free(&b->client);
    sotto__dtls_layer_free(&b->server);
}

static size_t seal(struct dtls_layer *l, const char *text, uint8_t *out)
{
    int n = sotto__dtls_layer_seal(l, DTLS_APPDATA, (const uint8_t *)text, strlen(text), out);
    assert_int_equal(n, l->head + strlen(text) + DTLS_TAG);
    return (size_t)n;
}

static int open_copy(struct dtls_layer *l, const uint8_t *rec, size_t n)
{
    uint8_t copy[256];
    memcpy(copy, rec, n);
    return sotto__dtls_layer_open(l, copy, n);
}

static void texts_of_every_size_open_in_both_directions(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,  1,   2,   15,  16,   17,    63,   64,
                                   65, 191, 192, 193, 1200, 16383, 16384};
    uint8_t *text = malloc(DTLS_LARGEST), *rec = malloc(DTLS_LARGEST + 64);
    for (size_t i = 0; i < DTLS_LARGEST; i++) text[i] = (uint8_t)(i * 7 + 1);
    for (int c = 0; c < CIPHERS; c++) {
        struct both b;
        both_init(&b, (enum dtls_cipher)c, 1);
        for (size_t i = 0; i < 4 * sizeof sizes / sizeof sizes[0]; i++) {
            size_t n = sizes[i / 4];
            struct dtls_layer *from = i % 2 ? &b.client : &b.server;
            struct dtls_layer *to = i % 2 ? &b.server : &b.client;
            const uint8_t *p = text;
            if (i & 2) p = memcpy(rec + from->head, text, n); /* where it is to lie */
            int len = sotto__dtls_layer_seal(from, DTLS_APPDATA, p, n, rec);
            assert_int_equal(len, from->head + n + DTLS_TAG);
            assert_int_equal(len - 13, rec[11] << 8 | rec[12]);
            assert_true(n < 16 || memcmp(rec + from->head, text, n) != 0);
            assert_int_equal(sotto__dtls_layer_open(to, rec, (size_t)len), n);
            assert_memory_equal(rec + to->head, text, n);
        }
        both_free(&b);
    }
    free(text);
    free(rec);
}

static void no_changed_bit_opens_and_none_moves_the_window(void **state)
{
    (void)state;
    for (int c = 0; c < CIPHERS; c++) {
        for (int empty = 0; empty < 2; empty++) {
            struct both b;
            uint8_t rec[64];
            both_init(&b, (enum dtls_cipher)c, 1);
            size_t n = seal(&b.client, empty ? "" : "hello", rec);
            for (size_t bit = 0; bit < 8 * n; bit++) {
                rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_true(open_copy(&b.server, rec, n) < 0);
                rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            for (size_t len = 0; len < n; len++) {
                assert_int_equal(open_copy(&b.server, rec, len), DTLS_MALFORMED);
                rec[11] = 0, rec[12] = (uint8_t)(len < 13 ? 0 : len - 13);
                assert_true(open_copy(&b.server, rec, len) < 0);
                rec[12] = (uint8_t)(n - 13);
            }
            assert_int_equal(b.server.next, 0);
            assert_in_range(b.server.forged, 8 * (n - 13), 8 * n);
            assert_true(open_copy(&b.client, rec, n) == DTLS_FORGED); /* sent back to us */
            assert_int_equal(open_copy(&b.server, rec, n), empty ? 0 : 5);
            assert_int_equal(open_copy(&b.server, rec, n), DTLS_REPLAYED);
            assert_int_equal(ERR_peek_error(), 0);
            both_free(&b);
        }
    }
}

/* proves: H075 H076 */
static void other_epochs_versions_and_sizes_are_not_even_tried(void **state)
{
    (void)state;
    struct both b;
    static uint8_t rec[DTLS_LARGEST + 128];
    both_init(&b, DTLS_AES_128_GCM, 1);
    static const struct {
        size_t at;
        uint8_t is;
    } cases[] = {{1, 3}, {2, 0xff}, {2, 0xfc}, {3, 1}, {4, 0}, {4, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = seal(&b.client, "hello", rec);
        rec[cases[i].at] = cases[i].is;
        assert_int_equal(sotto__dtls_layer_open(&b.server, rec, n), DTLS_MALFORMED);
    }
    static const size_t sizes[] = {0, 13, 36, DTLS_LARGEST + 38};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(sotto__dtls_layer_open(&b.server, rec, sizes[i]), DTLS_MALFORMED);
    assert_int_equal(b.server.forged, 0);
    both_free(&b);
}

static void replays_and_the_too_old_do_not_open_whatever_the_order(void **state) /* RFC 6347 §4.1.2.6 */
{
    (void)state;
    enum { N = 6000 };
    struct both b;
    static uint8_t rec[N][64], opened[N];
    uint64_t rng = 1, newest = 0;
    size_t n = 0, taken = 0;
    memset(opened, 0, sizeof opened);
    both_init(&b, DTLS_AES_128_GCM, 0);
    for (size_t i = 0; i < N; i++) n = seal(&b.client, "x", rec[i]);
    for (size_t i = 0; i < 20 * N; i++) {
        rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
        uint64_t base = i / 20, seq = base + rng % 1500; /* forward, with far outliers and repeats */
        if (rng >> 40 & 1) seq = seq > 1400 ? seq - 1400 : 0;
        if (seq >= N) continue;
        int want = opened[seq] || newest >= seq + DTLS_WINDOW ? DTLS_REPLAYED : 1;
        assert_int_equal(open_copy(&b.server, rec[seq], n), want);
        if (want < 0) continue;
        opened[seq] = 1, taken++;
        if (seq > newest) newest = seq;
    }
    assert_true(taken > N / 2);
    both_free(&b);
}

static void the_window_is_as_wide_as_it_says_also_after_a_leap(void **state)
{
    (void)state;
    static const uint64_t leaps[] = {1, 63, 64, 65, 958, 960, 961, 1024, 5000, 1ULL << 40};
    for (size_t i = 0; i < sizeof leaps / sizeof leaps[0]; i++) {
        struct both b;
        uint8_t first[64], edge[64], beyond[64], far[64];
        both_init(&b, DTLS_CHACHA20_POLY1305, 2000);
        size_t n = seal(&b.client, "x", first);
        assert_int_equal(open_copy(&b.server, first, n), 1);
        b.client.seq = 2000 + leaps[i];
        seal(&b.client, "x", far);
        assert_int_equal(open_copy(&b.server, far, n), 1);
        assert_int_equal(open_copy(&b.server, far, n), DTLS_REPLAYED);
        assert_int_equal(open_copy(&b.server, first, n), DTLS_REPLAYED);
        uint64_t newest = 2000 + leaps[i];
        b.client.seq = newest - DTLS_WINDOW; /* ChaCha20 has no nonce beside it */
        seal(&b.client, "x", beyond);
        seal(&b.client, "x", edge);
        assert_int_equal(open_copy(&b.server, beyond, n), DTLS_REPLAYED);
        assert_int_equal(open_copy(&b.server, edge, n), 1);
        assert_int_equal(open_copy(&b.server, edge, n), DTLS_REPLAYED);
        both_free(&b);
    }
}

static void numbers_that_were_opened_elsewhere_are_replays(void **state)
{
    (void)state;
    struct both b;
    uint8_t rec[64];
    both_init(&b, DTLS_AES_256_GCM, 3);
    sotto__dtls_layer_mark(&b.server, 3);
    size_t n = seal(&b.client, "x", rec);
    assert_int_equal(open_copy(&b.server, rec, n), DTLS_REPLAYED);
    n = seal(&b.client, "x", rec);
    assert_int_equal(open_copy(&b.server, rec, n), 1);
    both_free(&b);
}

static void sequence_numbers_end_and_do_not_wrap(void **state) /* DTLS-22 */
{
    (void)state;
    for (int c = 0; c < CIPHERS; c++) {
        struct both b;
        uint8_t rec[64];
        both_init(&b, (enum dtls_cipher)c, SOTTO_MAX_DTLS_SEQUENCE - 1);
        for (int i = 0; i < 2; i++) {
            size_t n = seal(&b.client, "x", rec);
            assert_int_equal(sotto__dtls_sequence(rec), SOTTO_MAX_DTLS_SEQUENCE - 1 + (unsigned)i);
            assert_int_equal(sotto__dtls_layer_open(&b.server, rec, n), 1);
        }
        for (int i = 0; i < 3; i++)
            assert_int_equal(
                sotto__dtls_layer_seal(&b.client, DTLS_APPDATA, (const uint8_t *)"x", 1, rec),
                SOTTO_E_LIMIT);
        both_free(&b);
    }
}

static uint64_t explicit_nonce(const uint8_t *rec)
{
    uint64_t v = 0;
    for (size_t i = 13; i < 21; i++) v = v << 8 | rec[i];
    return v;
}

static void explicit_nonces_go_on_with_the_sequence_numbers(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, NONCE, UINT64_MAX - 2}; /* also over the end: the next is 0, the distance stays */
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct dtls_layer l;
        struct dtls_secrets s = {.cipher = DTLS_AES_128_GCM};
        uint8_t rec[64];
        assert_int_equal(sotto__dtls_layer_init(&l, &s, true, 5, starts[i]), 0);
        for (uint64_t seq = 5; seq < 1000; seq++) {
            seal(&l, "x", rec);
            assert_int_equal(sotto__dtls_sequence(rec), seq);
            assert_true(explicit_nonce(rec) == seq + starts[i]);
        }
        sotto__dtls_layer_free(&l);
    }
}

static void an_explicit_nonce_that_is_not_ours_ends_the_sealing(void **state)
{
    (void)state;
    struct both b;
    uint8_t rec[64];
    both_init(&b, DTLS_AES_128_GCM, 5);
    b.client.nonce++; /* as if OpenSSL counted in another way than we believe */
    assert_int_equal(sotto__dtls_layer_seal(&b.client, DTLS_APPDATA, (const uint8_t *)"x", 1, rec),
                     SOTTO_E_SYS);
    assert_int_equal(sotto__dtls_layer_seal(&b.client, DTLS_APPDATA, (const uint8_t *)"x", 1, rec),
                     SOTTO_E_LIMIT);
    both_free(&b);
}

static void the_exporter_puts_the_clients_random_first(void **state) /* RFC 5705 §4; the answer was computed apart from OpenSSL */
{
    (void)state;
    static const uint8_t want[16] = {0xb5, 0x7e, 0xd1, 0xe9, 0x62, 0xeb, 0xdf, 0xf9,
                                     0x2c, 0xb2, 0x59, 0x0b, 0x51, 0xf0, 0xdc, 0x13};
    struct dtls_secrets s = {.cipher = DTLS_AES_128_GCM};
    uint8_t got[16];
    for (size_t i = 0; i < sizeof s.master; i++) s.master[i] = (uint8_t)i;
    memset(s.client_random, 0xc0, sizeof s.client_random);
    memset(s.server_random, 0x50, sizeof s.server_random);
    assert_true(sotto__dtls_prf(&s, "EXTRACTOR-dtls_srtp", false, got, sizeof got));
    assert_memory_equal(got, want, sizeof want);
    assert_true(sotto__dtls_prf(&s, "EXTRACTOR-dtls_srtp", true, got, sizeof got));
    assert_memory_not_equal(got, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_every_size_open_in_both_directions),
        cmocka_unit_test(no_changed_bit_opens_and_none_moves_the_window),
        cmocka_unit_test(other_epochs_versions_and_sizes_are_not_even_tried),
        cmocka_unit_test(replays_and_the_too_old_do_not_open_whatever_the_order),
        cmocka_unit_test(the_window_is_as_wide_as_it_says_also_after_a_leap),
        cmocka_unit_test(numbers_that_were_opened_elsewhere_are_replays),
        cmocka_unit_test(sequence_numbers_end_and_do_not_wrap),
        cmocka_unit_test(explicit_nonces_go_on_with_the_sequence_numbers),
        cmocka_unit_test(an_explicit_nonce_that_is_not_ours_ends_the_sealing),
        cmocka_unit_test(the_exporter_puts_the_clients_random_first),
    };
    return cmocka_run_group_tests_name("dtls_record", tests, NULL, NULL);
}

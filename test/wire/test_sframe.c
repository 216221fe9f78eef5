/* SPDX-License-Identifier: BSD-2-Clause */
/* SFrame: all test vectors of RFC 9605 appendix C, and what must not open (H137). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sotto/e2ee.h"
#include "wire/sframe.c" /* appendix C.2 has keys and nonces of the AEAD alone */

#define LINE 1024

struct hex {
    uint8_t p[LINE / 2];
    size_t n;
};

static struct hex from_hex(const char *text)
{
    struct hex h = {.n = strlen(text) / 2};
    for (size_t i = 0; i < h.n; i++)
        h.p[i] = (uint8_t)(sotto__hex_digit(text[2 * i]) << 4 | sotto__hex_digit(text[2 * i + 1]));
    return h;
}

static struct sframe_bytes view(const struct hex *h)
{
    return (struct sframe_bytes){h->p, h->n};
}

static void check_header(const char *line)
{
    uint64_t kid, counter;
    char text[64];
    uint8_t out[SFRAME_MAX_HEADER];
    struct sframe_header h;
    assert_int_equal(sscanf(line, "header %" SCNu64 " %" SCNu64 " %63s", &kid, &counter, text), 3);
    struct hex want = from_hex(text);
    assert_int_equal(sotto__sframe_header_write(kid, counter, out), want.n);
    assert_memory_equal(out, want.p, want.n);
    assert_int_equal(sotto__sframe_header_parse(want.p, want.n, &h), 0);
    assert_true(h.kid == kid && h.counter == counter && h.n == want.n);
    for (size_t n = 0; n < want.n; n++)
        assert_int_equal(sotto__sframe_header_parse(want.p, n, &h), SOTTO_E_SYNTAX);
}

static void check_aead(const char *line)
{
    int cipher;
    char t[5][256];
    uint8_t tag[MAX_HASH], out[256], iv[IV] = {0};
    assert_int_equal(sscanf(line, "aead %d %255s %255s %255s %255s %255s", &cipher, t[0], t[1],
                            t[2], t[3], t[4]),
                     6);
    struct hex key = from_hex(t[0]), nonce = from_hex(t[1]), aad = from_hex(t[2]),
               pt = from_hex(t[3]), ct = from_hex(t[4]);
    struct sframe_key k = {.suite = &suites[cipher], .seals = true};
    memcpy(iv, nonce.p, NONCE);
    assert_true(set_key(&k, key.p));
    assert_true(aes_ctr(&k, iv, view(&pt), out));
    assert_memory_equal(out, ct.p, pt.n);
    assert_true(ctr_tag(&k, iv, view(&aad), (struct sframe_bytes){NULL, 0}, out, pt.n, tag));
    assert_int_equal(ct.n, pt.n + k.suite->n_tag);
    assert_memory_equal(tag, ct.p + pt.n, k.suite->n_tag);
    EVP_CIPHER_CTX_free(k.aes);
    EVP_MAC_CTX_free(k.mac);
}

struct vector {
    int cipher;
    uint64_t kid, counter;
    struct hex base, key, salt, metadata, pt, ct;
};

static struct vector read_vector(const char *line)
{
    char t[6][256];
    struct vector v;
    assert_int_equal(sscanf(line,
                            "sframe %d %" SCNu64 " %" SCNu64 " %255s %255s %255s %255s %255s %255s",
                            &v.cipher, &v.kid, &v.counter, t[0], t[1], t[2], t[3], t[4], t[5]),
                     9);
    v.base = from_hex(t[0]), v.key = from_hex(t[1]), v.salt = from_hex(t[2]);
    v.metadata = from_hex(t[3]), v.pt = from_hex(t[4]), v.ct = from_hex(t[5]);
    return v;
}

static struct sframe_key *new_key(const struct vector *v, bool seals)
{
    struct sframe_key *k;
    assert_int_equal(sotto__sframe_key_new(&k, v->cipher, v->kid, view(&v->base), seals), 0);
    return k;
}

static void check_sframe(const char *line)
{
    struct vector v = read_vector(line);
    uint8_t secret[MAX_HASH], key[MAX_KEY], out[256], back[256];
    struct sframe_key *seals = new_key(&v, true), *opens = new_key(&v, false);
    struct sframe_header h;
    size_t n;
    assert_true(extract(seals->suite, view(&v.base), secret));
    assert_true(derive(seals->suite, secret, "SFrame 1.0 Secret key ", v.kid, key, v.key.n));
    assert_int_equal(v.key.n, seals->suite->n_key);
    assert_memory_equal(key, v.key.p, v.key.n);
    assert_memory_equal(seals->salt, v.salt.p, NONCE);
    assert_int_equal(sotto__sframe_seal(seals, v.counter, view(&v.metadata), view(&v.pt), out),
                     v.ct.n);
    assert_memory_equal(out, v.ct.p, v.ct.n);
    assert_int_equal(sotto__sframe_header_parse(out, v.ct.n, &h), 0);
    assert_true(h.kid == v.kid && h.counter == v.counter);
    assert_int_equal(sotto__sframe_open(opens, &h, view(&v.metadata), view(&v.ct), back, &n), 0);
    assert_int_equal(n, v.pt.n);
    assert_memory_equal(back, v.pt.p, n);
    assert_int_equal(sotto__sframe_open(opens, &h, view(&v.metadata),
                                        (struct sframe_bytes){out, v.ct.n}, out, &n),
                     0); /* in place */
    assert_memory_equal(out, v.pt.p, v.pt.n);
    sotto__sframe_key_free(seals);
    sotto__sframe_key_free(opens);
}

static unsigned each_line(const char *kind, void (*check)(const char *))
{
    char line[LINE];
    unsigned n = 0;
    FILE *f = fopen(FIXTURES "/sframe/rfc9605.txt", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, kind, strlen(kind)) != 0) continue;
        check(line);
        n++;
    }
    fclose(f);
    return n;
}

/* proves: S25 */
static void sframe_has_the_headers_of_rfc_9605_appendix_c_1(void **state)
{
    (void)state;
    assert_int_equal(each_line("header", check_header), 17 * 17);
}

/* proves: S25 */
static void sframe_has_the_tags_of_rfc_9605_appendix_c_2(void **state)
{
    (void)state;
    assert_int_equal(each_line("aead", check_aead), 3);
}

/* proves: S25 */
static void sframe_seals_and_opens_as_rfc_9605_appendix_c_3(void **state)
{
    (void)state;
    assert_int_equal(each_line("sframe", check_sframe), 5);
}

/* proves: H137 */
static void sframe_refuses_numbers_that_are_longer_than_they_need_to_be(void **state)
{
    (void)state;
    static const struct {
        uint8_t p[10];
        size_t n;
    } bad[] = {{{0x80, 7}, 2},
               {{0x08, 7}, 2},
               {{0x90, 0, 255}, 3},
               {{0x09, 0, 8}, 3},
               {{0xf0, 0, 1, 1, 1, 1, 1, 1, 1}, 9},
               {{0}, 0},
               {{0x80}, 1},
               {{0x0f, 1, 2, 3}, 4}};
    struct sframe_header h;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(sotto__sframe_header_parse(bad[i].p, bad[i].n, &h), SOTTO_E_SYNTAX);
}

static void check_changed(const char *line)
{
    struct vector v = read_vector(line);
    struct sframe_key *opens = new_key(&v, false), *seals = new_key(&v, true);
    struct sframe_bytes no_metadata = {NULL, 0};
    uint8_t back[256] = {0};
    struct sframe_header h;
    size_t n = 77;
    for (size_t bit = 0; bit < v.ct.n * 8; bit++) { /* each one, in header, text and tag */
        struct hex bad = v.ct;
        bad.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (sotto__sframe_header_parse(bad.p, bad.n, &h) < 0) continue;
        assert_int_equal(sotto__sframe_open(opens, &h, view(&v.metadata), view(&bad), back, &n),
                         SOTTO_E_PROTO);
    }
    assert_int_equal(sotto__sframe_header_parse(v.ct.p, v.ct.n, &h), 0);
    for (size_t len = h.n; len < v.ct.n; len++) /* each shorter one */
        assert_int_equal(sotto__sframe_open(opens, &h, view(&v.metadata),
                                            (struct sframe_bytes){v.ct.p, len}, back, &n),
                         SOTTO_E_PROTO);
    assert_int_equal(sotto__sframe_open(opens, &h, no_metadata, view(&v.ct), back, &n),
                     SOTTO_E_PROTO);
    assert_null(memmem(back, sizeof back, v.pt.p, v.pt.n)); /* nor is it left there */
    assert_int_equal(sotto__sframe_open(seals, &h, view(&v.metadata), view(&v.ct), back, &n),
                     SOTTO_E_PROTO); /* RFC 9605 §4.4.1: a key for one direction */
    assert_int_equal(sotto__sframe_seal(opens, 0, no_metadata, view(&v.pt), back), 0);
    assert_int_equal(n, 77);
    sotto__sframe_key_free(opens);
    sotto__sframe_key_free(seals);
}

/* proves: S25 H137 */
static void sframe_opens_nothing_that_was_changed(void **state)
{
    (void)state;
    assert_int_equal(each_line("sframe", check_changed), 5);
}

/* proves: S25 */
static void sframe_ratchets_as_rfc_9605_5_1(void **state)
{
    (void)state;
    static const uint8_t base[16] = {1};
    uint8_t a[SFRAME_MAX_BASE], b[SFRAME_MAX_BASE], prk[32], want[32];
    static const uint8_t info[] = "SFrame 1.0 Ratchet\x01";
    size_t n;
    assert_int_equal(sotto__sframe_ratchet(SOTTO_SFRAME_AES_128_GCM_SHA256_128,
                                           (struct sframe_bytes){base, 16}, a, &n),
                     0);
    assert_int_equal(n, 32);
    assert_non_null(HMAC(EVP_sha256(), "", 0, base, 16, prk, NULL)); /* HKDF, once more by hand */
    assert_non_null(HMAC(EVP_sha256(), prk, 32, info, sizeof info - 1, want, NULL));
    assert_memory_equal(a, want, 32);
    memcpy(b, base, 16);
    assert_int_equal(sotto__sframe_ratchet(SOTTO_SFRAME_AES_256_GCM_SHA512_128,
                                           (struct sframe_bytes){b, 16}, b, &n),
                     0);
    assert_int_equal(n, 64);
    assert_memory_not_equal(a, b, 32);
}

static void sframe_keys_differ_by_kid_suite_and_base(void **state)
{
    (void)state;
    struct vector v = {.cipher = 1, .kid = 1, .base = {.p = {1}, .n = 16}};
    struct vector other[3] = {v, v, v};
    other[0].kid = 2, other[1].cipher = 2, other[2].base.p[15] = 1;
    struct sframe_key *k = new_key(&v, true), *again = new_key(&v, true);
    assert_memory_equal(sotto__sframe_key_id(k), sotto__sframe_key_id(again), SFRAME_ID);
    sotto__sframe_key_free(again);
    for (int i = 0; i < 3; i++) {
        struct sframe_key *o = new_key(&other[i], true);
        assert_memory_not_equal(sotto__sframe_key_id(k), sotto__sframe_key_id(o), SFRAME_ID);
        sotto__sframe_key_free(o);
    }
    sotto__sframe_key_free(k);
}

/* proves: S13 S25 */
static void sframe_selftest_passes_and_leaves_nothing_behind(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    assert_int_equal(sotto__sframe_selftest(), 0);
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto__sframe_selftest();
        if (!sotto__mem_failed()) break;
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
    }
    sotto__mem_fail_at(0);
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sframe_has_the_headers_of_rfc_9605_appendix_c_1),
        cmocka_unit_test(sframe_has_the_tags_of_rfc_9605_appendix_c_2),
        cmocka_unit_test(sframe_seals_and_opens_as_rfc_9605_appendix_c_3),
        cmocka_unit_test(sframe_refuses_numbers_that_are_longer_than_they_need_to_be),
        cmocka_unit_test(sframe_opens_nothing_that_was_changed),
        cmocka_unit_test(sframe_ratchets_as_rfc_9605_5_1),
        cmocka_unit_test(sframe_keys_differ_by_kid_suite_and_base),
        cmocka_unit_test(sframe_selftest_passes_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Which SRTP profile a handshake agrees on (RFC 5764 §4.1), and that the keys of both ends fit (§4.2): rows DTLS-08, -09, -10, H081. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/srtp.h>

#include "dtls_pair.h"
#include "srtp_oracle.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"

static const char *const lists[] = {
    "SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM", "SRTP_AES128_CM_SHA1_80",
    "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM"};

/* Of two lists: ours is in our order of preference, whatever order the other has. */
static uint16_t agreed(int client, int server)
{
    static const uint16_t only[] = {7, 8, 1};
    if (client == 3 && server == 3) return 0xffff; /* the server's first */
    if (client == 3) return only[server];
    if (server == 3) return only[client];
    return client == server ? only[client] : 0;
}

/* One packet each way, sealed by one end and opened by the other. */
static void check_keys(enum srtp_profile profile, const uint8_t *clients, const uint8_t *servers)
{
    uint8_t p[200 + SOTTO_SRTP_OVERHEAD];
    struct srtp *c, *s;
    struct oracle o;
    assert_int_equal(sotto__srtp_new(&c, profile, true, clients, NULL), 0);
    assert_int_equal(sotto__srtp_new(&s, profile, false, servers, NULL), 0);
    oracle_init(&o, profile, servers, 0);
    uint8_t want[200 + SOTTO_SRTP_OVERHEAD];
    oracle_make_rtp(want, 1, 1, 200);
    size_t n = oracle_rtp(&o, 1, want, 200);
    assert_int_equal(sotto__srtp_protect(c, p, oracle_make_rtp(p, 1, 1, 200)), n);
    assert_memory_equal(p, want, n);
    assert_int_equal(sotto__srtp_unprotect(s, 0, p, n), 200);
    assert_int_equal(sotto__srtp_protect(s, p, oracle_make_rtp(p, 2, 1, 200)), n);
    assert_int_equal(sotto__srtp_unprotect(c, 0, p, n), 200);
    sotto__srtp_free(c);
    sotto__srtp_free(s);
}

static void export(const struct end *e, uint8_t *keys, size_t n)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    if (e->d)
        assert_int_equal(sotto__dtls_export(e->d, label, keys, n), 0);
    else
        assert_int_equal(
            SSL_export_keying_material(e->ssl, keys, n, label, strlen(label), NULL, 0, 0), 1);
}

static uint16_t profile_of(const struct end *e)
{
    if (e->d) return sotto__dtls_srtp_profile(e->d);
    const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(e->ssl);
    return p ? (uint16_t)p->id : 0;
}

static void check_pair(struct pair *p, uint16_t want)
{
    uint8_t keys[2][SOTTO_SRTP_MAX_KEY_MATERIAL];
    assert_true(pair_run_until_connected(p, SOTTO_SECONDS(10)));
    assert_int_equal(profile_of(&p->end[0]), want);
    assert_int_equal(profile_of(&p->end[1]), want);
    size_t n = sotto__srtp_key_material(want);
    assert_int_equal(n > 0, want != 0);
    if (n == 0) return;
    export(&p->end[0], keys[0], n);
    export(&p->end[1], keys[1], n);
    assert_memory_equal(keys[0], keys[1], n);
    check_keys(want, keys[0], keys[1]);
}

/* proves: DTLS-09 */
static void two_lists_give_the_profile_that_both_have(void **state)
{
    struct pair p;
    (void)state;
    for (int client = 0; client < 4; client++)
        for (int server = 0; server < 4; server++) {
            pair_init(&p, 1);
            assert_int_equal(sotto__dtls_srtp_profile(p.end[0].d), 0);
            assert_int_equal(SSL_set_tlsext_use_srtp(p.end[0].d->ssl, lists[client]), 0);
            assert_int_equal(SSL_set_tlsext_use_srtp(p.end[1].d->ssl, lists[server]), 0);
            uint16_t want = agreed(client, server);
            check_pair(&p, want == 0xffff ? 1 : want);
            pair_free(&p);
        }
}

/* proves: DTLS-09 DTLS-10 */
static void with_openssl_alone_the_same(void **state)
{
    static const uint16_t want[] = {7, 8, 1, 7, 0, 0}; /* as server we choose GCM */
    static const char *const theirs[] = {
        "SRTP_AEAD_AES_128_GCM",
        "SRTP_AEAD_AES_256_GCM",
        "SRTP_AES128_CM_SHA1_80",
        "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM",
        "SRTP_AES128_CM_SHA1_32",
        NULL};
    struct pair p;
    (void)state;
    for (int who = 0; who < 2; who++)
        for (int i = 0; i < 6; i++) {
            struct cert *cert;
            SSL_CTX *ctx = pair_openssl_ctx();
            if (theirs[i]) assert_int_equal(SSL_CTX_set_tlsext_use_srtp(ctx, theirs[i]), 0);
            assert_int_equal(sotto__cert_generate(&cert, UNIX_NOW), 0);
            pair_init_without_fingerprints(&p, 1);
            pair_use_openssl(&p, who, ctx, cert);
            pair_know(&p, 1 - who);
            check_pair(&p, who == 1 && i == 3 ? 1 : want[i]); /* … and as client it is theirs to choose */
            assert_int_equal(sotto__dtls_is_client(p.end[1 - who].d), who == 1);
            pair_free(&p);
        }
}

/* proves: DTLS-09 S34 */
static void our_list_prefers_gcm(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p, 1);
    STACK_OF(SRTP_PROTECTION_PROFILE) *list = SSL_get_srtp_profiles(p.end[0].d->ssl);
    static const unsigned long want[] = {7, 8, 1};
    assert_int_equal(sk_SRTP_PROTECTION_PROFILE_num(list), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sk_SRTP_PROTECTION_PROFILE_value(list, i)->id, want[i]);
    check_pair(&p, SRTP_PROFILE_AEAD_AES_128_GCM);
    pair_free(&p);
}

/* Where use_srtp begins in a hello that is one datagram; NULL: it is none, or has none. */
static uint8_t *use_srtp(uint8_t *p, size_t n, uint8_t type)
{
    static const uint8_t head[3] = {0, 14, 0};
    if (n < 60 || p[0] != 22 || p[13] != type) return NULL;
    return memmem(p + 59, n - 59, head, sizeof head);
}

struct change {
    const char *what;
    uint8_t type;    /* of the hello */
    size_t at;       /* behind the extension's type and length */
    uint8_t to;
    bool hinted;     /* OpenSSL says that it was use_srtp */
};

static unsigned changed;

static bool change(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    const struct change *how = p->tap_arg;
    uint8_t *x = use_srtp((uint8_t *)(uintptr_t)dgram, n, how->type);
    (void)from;
    if (x) x[4 + how->at] = how->to, changed++;
    return true;
}

/* H081: neither a profile that was not offered, nor two, nor an MKI, whoever wrote that into the hello. */
/* proves: DTLS-08 H081 */
static void a_hello_that_was_tampered_with_leads_nowhere(void **state)
{
    static const struct change changes[] = {
        {"a profile that was not offered", 2, 3, 2, true},
        {"a profile that nobody knows", 2, 2, 0x80, true},
        {"two profiles", 2, 1, 4, true},
        {"no profile", 2, 1, 0, true},
        {"an MKI of 255 bytes that are not there", 2, 4, 255, true},
        {"a list of odd length", 1, 1, 3, true},
        {"a list longer than the extension", 1, 1, 200, true},
        {"an MKI of 255 bytes of a client", 1, 8, 255, true},
        {"another first profile", 1, 3, 5, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct pair p;
        pair_init(&p, 1);
        p.tap = change, p.tap_arg = (void *)(uintptr_t)&changes[i];
        changed = 0;
        assert_false(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
        assert_true(changed > 0);
        const struct dtls *victim = p.end[changes[i].type == 2 ? 0 : 1].d;
        if (changes[i].hinted && (!victim->hint || !strstr(victim->hint, "srtp")))
            fail_msg("%s: %s", changes[i].what, victim->hint);
        assert_int_equal(sotto__dtls_srtp_profile(p.end[0].d), 0);
        pair_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_lists_give_the_profile_that_both_have),
        cmocka_unit_test(with_openssl_alone_the_same),
        cmocka_unit_test(our_list_prefers_gcm),
        cmocka_unit_test(a_hello_that_was_tampered_with_leads_nowhere),
    };
    return cmocka_run_group_tests_name("dtls_srtp", tests, NULL, NULL);
}

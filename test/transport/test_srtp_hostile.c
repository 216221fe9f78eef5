/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of somebody who has no keys, or recorded some, or sends what no sender would: security rows SRTP-01, -04, -07, -11, H090–H097. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "srtp_oracle.h"
#include "transport/srtp_priv.h"
#include "util/bytes.h"
#include "util/mem.h"

#define SSRC 0xdeadbeefu
#define ROOM (1500 + SOTTO_SRTP_OVERHEAD)

static struct srtp *client, *server;

static void open_pair(enum srtp_profile profile)
{
    oracle_pair(profile, &client, &server);
}

static void close_pair(void)
{
    sotto__srtp_free(client);
    sotto__srtp_free(server);
}

static size_t seal(uint8_t *p, uint16_t seq, size_t n)
{
    int r = sotto__srtp_protect(client, p, oracle_make_rtp(p, SSRC, seq, n));
    assert_true(r > (int)n);
    return (size_t)r;
}

static size_t seal_rtcp(uint8_t *p, size_t n)
{
    int r = sotto__srtp_protect_rtcp(client, p, oracle_make_rtcp(p, SSRC, n));
    assert_true(r > (int)n);
    return (size_t)r;
}

/* A copy of exactly that size, for ASan. */
static int give(bool rtcp, const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, p, n);
    int r = rtcp ? sotto__srtp_unprotect_rtcp(server, 0, copy, n)
                 : sotto__srtp_unprotect(server, 0, copy, n);
    free(copy);
    return r;
}

static struct srtp_stats stats(void)
{
    struct srtp_stats st;
    sotto__srtp_get_stats(server, &st);
    return st;
}

static void random_bytes(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)oracle_random();
}

/* proves: H097 SRTP-11 */
static void every_length_with_any_header_is_dropped(void **state)
{
    uint8_t p[64 + SOTTO_SRTP_OVERHEAD];
    uint64_t given = 0;
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        given = 0;
        for (size_t n = 0; n <= 64; n++)
            for (int k = 0; k < 300; k++) {
                random_bytes(p, sizeof p);
                if (k % 2 == 0) p[0] = (uint8_t)(0x80 | (p[0] & 0x3f));
                if (k % 4 == 0 && n >= 8) p[n - 4] |= 0x80; /* E of AES-GCM */
                assert_int_equal(give(k % 3 == 0, p, n), SOTTO_E_PROTO);
                given++;
            }
        struct srtp_stats st = stats();
        assert_int_equal(st.forged + st.plain_rtcp, given);
        assert_int_equal(server->sources.n, 0);
        close_pair();
    }
}

/* What is sealed is checked as well: libsrtp reads the header that it is given. */
static void what_is_no_packet_is_not_sealed(void **state)
{
    (void)state;
    open_pair(SRTP_PROFILE_AEAD_AES_128_GCM);
    for (size_t n = 0; n <= 40; n++)
        for (int k = 0; k < 300; k++) {
            uint8_t *p = malloc(n + SOTTO_SRTP_OVERHEAD);
            assert_non_null(p);
            random_bytes(p, n);
            if (n >= 12) p[8] = p[9] = p[10] = 0, p[11] = 1;
            bool v2 = n > 0 && p[0] >> 6 == 2;
            size_t header = n > 0 ? 12 + 4u * (p[0] & 15) : 12;
            if (v2 && (p[0] & 0x10))
                header += 4 + (header + 4 <= n ? 4u * sotto__get_u16(p + header + 2) : 0);
            int r = sotto__srtp_protect(client, p, n);
            if (!v2 || header > n)
                assert_int_equal(r, SOTTO_E_INVAL);
            else
                assert_true(r == (int)n + 16 || r == SOTTO_E_STATE);
            random_bytes(p, n);
            r = sotto__srtp_protect_rtcp(client, p, n < 8 ? n : 7);
            assert_int_equal(r, SOTTO_E_INVAL);
            free(p);
        }
    uint8_t p[8 + SOTTO_SRTP_OVERHEAD] = {0x40, 0xc8};
    assert_int_equal(sotto__srtp_protect_rtcp(client, p, 8), SOTTO_E_INVAL);
    close_pair();
}

/* Headers that say more than there is, under a tag that would be right if they did not (the receiver's own key). */
/* proves: H097 SRTP-11 */
static void headers_beyond_the_end_are_dropped(void **state)
{
    static const struct {
        uint8_t first;
        uint16_t words;
        size_t n;
        bool fits;
    } cases[] = {
        {0x80, 0, 12, true},  {0x8f, 0, 12, false}, {0x8f, 0, 71, false},
        {0x8f, 0, 72, true},  {0x90, 0, 15, false}, {0x90, 0, 16, true},
        {0x90, 1, 19, false}, {0x90, 1, 20, true},  {0x90, 0xffff, 1400, false},
        {0x9f, 0, 75, false}, {0x9f, 0, 76, true},  {0x00, 0, 20, false},
        {0x40, 0, 20, false}, {0xc0, 0, 20, false},
    };
    uint8_t p[ROOM], q[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            open_pair(oracle_profiles[i]);
            size_t n = oracle_make_rtp(p, SSRC, 1, cases[k].n),
                   header = 12 + 4u * (cases[k].first & 15);
            p[0] = cases[k].first;
            if (p[0] & 0x10 && header + 4 <= n)
                p[header + 2] = (uint8_t)(cases[k].words >> 8),
                           p[header + 3] = (uint8_t)cases[k].words;
            memcpy(q, p, n);
            int r = sotto__srtp_protect(client, p, n);
            assert_int_equal(r > 0, cases[k].fits);
            if (r > 0)
                assert_int_equal(give(false, p, (size_t)r), n);
            else
                assert_int_equal(give(false, q, n + 16), SOTTO_E_PROTO);
            close_pair();
        }
}

/* SRTP-01: each bit counts, and a packet that fails leaves no trace but in one counter. */
/* proves: H093 H109 SRTP-01 RTP-10 */
static void forged_packets_change_nothing(void **state)
{
    uint8_t p[ROOM], good[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        size_t n = seal(good, 1000, 60);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            memcpy(p, good, n);
            p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(give(false, p, n), SOTTO_E_PROTO);
        }
        for (size_t less = 1; less <= n; less++)
            assert_int_equal(give(false, good, n - less), SOTTO_E_PROTO);
        memset(good + n, 0, 4);
        assert_int_equal(give(false, good, n + 4), SOTTO_E_PROTO); /* an MKI of 4 */
        struct srtp_stats st = stats();
        assert_int_equal(st.forged, 8 * n + n + 1);
        assert_int_equal(server->sources.n, 0);
        assert_int_equal(give(false, good, n), 60);

        size_t m = seal_rtcp(good, 60);
        unsigned plain = 0;
        for (size_t bit = 0; bit < 8 * m; bit++) {
            memcpy(p, good, m);
            p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(give(true, p, m), SOTTO_E_PROTO);
        }
        plain = (unsigned)stats().plain_rtcp;
        assert_int_equal(plain, 1); /* the E bit itself */
        assert_int_equal(server->sources.n, 1);
        assert_int_equal(give(true, good, m), 60);
        assert_int_equal(stats().replayed, 0);
        close_pair();
    }
}

/* H091: forged numbers far ahead, of a source that is known and of one that is not. */
/* proves: H091 SRTP-01 */
static void forged_numbers_do_not_poison_the_counter(void **state)
{
    uint8_t p[ROOM];
    int rounds = getenv("SOTTO_LONG") ? 1000000 : 20000;
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        uint16_t seq = 60000;
        for (int k = 0; k < rounds; k++) {
            if (k % 20 == 0) {
                size_t n = seal(p, seq++, 40); /* crosses the wrap in 100,000 rounds */
                assert_int_equal(give(false, p, n), 40);
                n = seal_rtcp(p, 28);
                assert_int_equal(give(true, p, n), 28);
            }
            random_bytes(p, 60);
            oracle_make_rtp(p, k % 3 == 0 ? (uint32_t)oracle_random() : SSRC,
                            (uint16_t)(seq + (oracle_random() & 0x7fff)), 20);
            assert_int_equal(give(false, p, 60), SOTTO_E_PROTO);
            random_bytes(p, 60);
            oracle_make_rtcp(p, SSRC, 20);
            p[i == 2 ? 46 : 56] |= 0x80;
            p[i == 2 ? 46 : 56] &= 0x80; /* an index of 24 bits: it could be the next of many */
            assert_int_equal(give(true, p, 60), SOTTO_E_PROTO);
        }
        assert_int_equal(server->sources.n, 1);
        close_pair();
    }
}

/* SRTP-04, H093: RFC 8827 §6.5 wants RTCP encrypted. The tag is right. */
/* proves: H093 SRTP-04 S34 */
static void rtcp_without_encryption_is_dropped(void **state)
{
    uint8_t p[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct oracle o;
        open_pair(oracle_profiles[i]);
        oracle_init(&o, oracle_profiles[i], oracle_keys(), 0);
        for (uint32_t index = 1; index < 50; index++) {
            size_t n = oracle_plain_rtcp(&o, index, p, oracle_make_rtcp(p, SSRC, 28));
            assert_int_equal(give(true, p, n), SOTTO_E_PROTO);
        }
        assert_int_equal(stats().plain_rtcp, 49);
        assert_int_equal(server->sources.n, 0);
        size_t n = oracle_rtcp(&o, 1, p, oracle_make_rtcp(p, SSRC, 28));
        assert_int_equal(give(true, p, n), 28); /* those indexes were not used up */
        assert_int_equal(give(true, p, n), SOTTO_E_PROTO);
        n = oracle_rtcp(&o, 0x7fffffff, p, oracle_make_rtcp(p, SSRC, 28)); /* as far ahead as can be */
        assert_int_equal(give(true, p, n), 28);
        assert_int_equal(give(true, p, n), SOTTO_E_PROTO);
        close_pair();
    }
}

/* SRTP-07, H094 */
/* proves: H094 SRTP-07 RTP-01 */
static void what_we_sealed_comes_back_as_nothing(void **state)
{
    uint8_t p[ROOM], q[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        int n = sotto__srtp_protect(server, p, oracle_make_rtp(p, 77, 1, 50));
        int m = sotto__srtp_protect_rtcp(server, q, oracle_make_rtcp(q, 78, 28));
        assert_true(n > 50 && m > 28);
        assert_int_equal(give(false, p, (size_t)n), SOTTO_E_PROTO);
        assert_int_equal(give(true, q, (size_t)m), SOTTO_E_PROTO);
        assert_int_equal(stats().reflected, 2);
        assert_int_equal(stats().forged, 0);
        /* with another SSRC on it, it is a forgery: the keys of the two directions differ */
        p[11] ^= 1;
        assert_int_equal(give(false, p, (size_t)n), SOTTO_E_PROTO);
        assert_int_equal(stats().forged, 1);
        assert_int_equal(server->sources.n, 0);
        close_pair();
    }
}

/* proves: H091 */
static void keys_of_another_association_open_nothing(void **state)
{
    uint8_t p[ROOM], keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
    (void)state;
    for (int i = 0; i < 3; i++) {
        size_t n_keys = sotto__srtp_key_material(oracle_profiles[i]);
        for (size_t bit = 0; bit < 8 * n_keys; bit += 5) {
            open_pair(oracle_profiles[i]);
            memcpy(keys, oracle_keys(), sizeof keys);
            keys[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct srtp *other;
            assert_int_equal(sotto__srtp_new(&other, oracle_profiles[i], true, keys, NULL), 0);
            int n = sotto__srtp_protect(other, p, oracle_make_rtp(p, SSRC, 1, 50));
            bool is_clients = (bit / 8 < n_keys - 2 * (i == 2 ? 14u : 12u))
                                  ? bit / 8 < (i == 1 ? 32u : 16u)
                                  : bit / 8 < n_keys - (i == 2 ? 14u : 12u);
            assert_int_equal(give(false, p, (size_t)n), is_clients ? SOTTO_E_PROTO : 50);
            sotto__srtp_free(other);
            close_pair();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_with_any_header_is_dropped),
        cmocka_unit_test(what_is_no_packet_is_not_sealed),
        cmocka_unit_test(headers_beyond_the_end_are_dropped),
        cmocka_unit_test(forged_packets_change_nothing),
        cmocka_unit_test(forged_numbers_do_not_poison_the_counter),
        cmocka_unit_test(rtcp_without_encryption_is_dropped),
        cmocka_unit_test(what_we_sealed_comes_back_as_nothing),
        cmocka_unit_test(keys_of_another_association_open_nothing),
    };
    return cmocka_run_group_tests_name("srtp_hostile", tests, NULL, NULL);
}

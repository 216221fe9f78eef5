/* SPDX-License-Identifier: BSD-2-Clause */
/* AES-GCM against libsrtp2: the same bytes for every packet, the same verdict on what comes late, twice, or spoiled, by chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "srtp_oracle.h"
#include "transport/srtp_priv.h"
#include "util/mem.h"

enum { MOST = 1400, ROOM = MOST + SOTTO_SRTP_OVERHEAD, PACKETS = 20000, HELD = 1200 };

static const enum srtp_profile profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM,
                                             SRTP_PROFILE_AEAD_AES_256_GCM};

/* libsrtp's end, with the client's or the server's key. */
static srtp_t reference(enum srtp_profile profile, size_t whose, srtp_ssrc_type_t type)
{
    size_t n_key = profile == SRTP_PROFILE_AEAD_AES_256_GCM ? 32 : 16;
    uint8_t key[32 + 12];
    srtp_policy_t policy = {.ssrc.type = type, .key = key, .window_size = SRTP_WINDOW};
    srtp_t ret;
    if (n_key == 32) {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    }
    memcpy(key, oracle_keys() + whose * n_key, n_key);
    memcpy(key + n_key, oracle_keys() + 2 * n_key + whose * 12, 12);
    assert_int_equal(sotto__srtp_start(), 0);
    assert_int_equal(srtp_create(&ret, &policy), srtp_err_status_ok);
    return ret;
}

static size_t below(size_t n)
{
    return (size_t)(oracle_random() % n);
}

/* Of any size, with CSRCs and extensions now and then. */
static size_t make_rtp(uint8_t *p, uint32_t ssrc, uint16_t seq)
{
    size_t n = 12 + below(MOST - 200), csrcs = below(4) == 0 ? below(16) : 0, words = below(9);
    oracle_make_rtp(p, ssrc, seq, MOST);
    p[0] = (uint8_t)(0x80 | csrcs);
    size_t head = 12 + 4 * csrcs;
    if (below(2) == 0) {
        p[0] |= 0x10;
        p[head] = 0xbe, p[head + 1] = 0xde, p[head + 2] = 0, p[head + 3] = (uint8_t)words;
        head += 4 + 4 * words;
    }
    return n > head ? n : head;
}

static void assert_same(const uint8_t *a, int n_a, const uint8_t *b, int n_b)
{
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, (size_t)n_a);
}

struct held {
    uint8_t p[ROOM];
    size_t n, plain;
    bool rtcp;
};

struct ends {
    srtp_t out, in; /* libsrtp's */
    struct srtp *ours, *theirs;
    unsigned opened, refused;
};

/* Both open a copy of it, or neither does. */
static void give(struct ends *e, const struct held *h)
{
    uint8_t a[ROOM], b[ROOM];
    int n = (int)h->n;
    memcpy(a, h->p, h->n);
    memcpy(b, h->p, h->n);
    srtp_err_status_t r =
        h->rtcp ? srtp_unprotect_rtcp(e->in, a, &n) : srtp_unprotect(e->in, a, &n);
    int len = h->rtcp ? sotto__srtp_unprotect_rtcp(e->theirs, 0, b, h->n)
                      : sotto__srtp_unprotect(e->theirs, 0, b, h->n);
    assert_int_equal(len > 0, r == srtp_err_status_ok);
    if (len > 0) assert_same(a, n, b, len);
    if (len > 0)
        e->opened++;
    else
        e->refused++;
}

static void seal_both(struct ends *e, struct held *h, uint32_t ssrc, uint16_t seq)
{
    uint8_t other[ROOM];
    size_t n =
        h->rtcp ? oracle_make_rtcp(h->p, ssrc, 28 + 4 * below(60)) : make_rtp(h->p, ssrc, seq);
    int len = (int)n;
    memcpy(other, h->p, n);
    int r = h->rtcp ? sotto__srtp_protect_rtcp(e->ours, h->p, n)
                    : sotto__srtp_protect(e->ours, h->p, n);
    srtp_err_status_t status =
        h->rtcp ? srtp_protect_rtcp(e->out, other, &len) : srtp_protect(e->out, other, &len);
    assert_int_equal(status, srtp_err_status_ok);
    assert_same(h->p, r, other, len);
    h->n = (size_t)r, h->plain = n;
}

/* Packets of three sources that skip, wrap, come late by up to twice the window, twice, spoiled. */
static void try_streams(enum srtp_profile profile)
{
    static struct held held[HELD];
    uint16_t seq[3] = {0x7000, 0x7fff, 3};
    struct ends e = {.out = reference(profile, 0, ssrc_any_outbound),
                     .in = reference(profile, 0, ssrc_any_inbound)};
    oracle_pair(profile, &e.ours, &e.theirs);
    for (size_t i = 0; i < PACKETS; i++) {
        struct held *h = &held[i < HELD ? i : below(HELD)];
        size_t of = below(3);
        if (i >= HELD) {
            give(&e, h); /* the one whose place it takes */
            if (below(20) == 0) give(&e, h);
            if (below(20) == 0) h->p[below(h->n)] ^= (uint8_t)(1u << below(8)), give(&e, h);
        }
        h->rtcp = below(10) == 0;
        if (!h->rtcp) seq[of] = (uint16_t)(seq[of] + 1 + (below(200) == 0 ? below(300) : 0));
        seal_both(&e, h, 0x01020300u + (uint32_t)of, seq[of]);
    }
    assert_true(e.opened > PACKETS / 2 && e.refused > PACKETS / 20);
    sotto__srtp_free(e.ours);
    sotto__srtp_free(e.theirs);
    assert_int_equal(srtp_dealloc(e.in), srtp_err_status_ok);
    assert_int_equal(srtp_dealloc(e.out), srtp_err_status_ok);
}

static void every_packet_is_as_libsrtp_has_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) try_streams(profiles[i]);
}

static void every_bit_is_authentic(void **state)
{
    uint8_t p[ROOM], sealed[ROOM];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int rtcp = 0; rtcp < 2; rtcp++) {
            struct srtp *client, *server;
            oracle_pair(profiles[i], &client, &server);
            size_t n = rtcp ? oracle_make_rtcp(sealed, 7, 28) : oracle_make_rtp(sealed, 7, 9, 28);
            int len = rtcp ? sotto__srtp_protect_rtcp(client, sealed, n)
                           : sotto__srtp_protect(client, sealed, n);
            assert_true(len > 0);
            for (size_t bit = 0; bit < 8u * (size_t)len; bit++) {
                memcpy(p, sealed, (size_t)len);
                p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                int r = rtcp ? sotto__srtp_unprotect_rtcp(server, 0, p, (size_t)len)
                             : sotto__srtp_unprotect(server, 0, p, (size_t)len);
                assert_int_equal(r, SOTTO_E_PROTO);
            }
            int r = rtcp ? sotto__srtp_unprotect_rtcp(server, 0, sealed, (size_t)len)
                         : sotto__srtp_unprotect(server, 0, sealed, (size_t)len);
            assert_int_equal(r, n);
            sotto__srtp_free(client);
            sotto__srtp_free(server);
        }
    }
}

/* Sealing and opening take nothing from the heap once a source is known. */
static void no_packet_costs_an_allocation(void **state)
{
    struct srtp *client, *server;
    uint8_t p[ROOM];
    (void)state;
    oracle_pair(profiles[0], &client, &server);
    for (uint16_t seq = 0; seq < 100; seq++) {
        int n = sotto__srtp_protect(client, p, oracle_make_rtp(p, 7, seq, 1200));
        assert_int_equal(sotto__srtp_unprotect(server, 0, p, (size_t)n), 1200);
        n = sotto__srtp_protect_rtcp(client, p, oracle_make_rtcp(p, 7, 28));
        assert_int_equal(sotto__srtp_unprotect_rtcp(server, 0, p, (size_t)n), 28);
        if (seq == 0) sotto__mem_fail_at(1);
    }
    assert_false(sotto__mem_failed());
    sotto__mem_fail_at(0);
    sotto__srtp_free(client);
    sotto__srtp_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_is_as_libsrtp_has_it),
        cmocka_unit_test(every_bit_is_authentic),
        cmocka_unit_test(no_packet_costs_an_allocation),
    };
    return cmocka_run_group_tests_name("srtp_gcm", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing and opening: keys, windows, wraps, what may be sealed, and that what libsrtp makes is what the RFCs say. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "srtp_oracle.h"
#include "transport/srtp_priv.h"
#include "util/bytes.h"
#include "util/limits.h"
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
    client = server = NULL;
}

/* The client seals the packet of that number; its length. */
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

/* Whether the server takes a copy of it. */
static bool opens(const uint8_t *p, size_t n)
{
    uint8_t copy[ROOM];
    memcpy(copy, p, n);
    return sotto__srtp_unprotect(server, 0, copy, n) >= 0;
}

static bool opens_rtcp(const uint8_t *p, size_t n)
{
    uint8_t copy[ROOM];
    memcpy(copy, p, n);
    return sotto__srtp_unprotect_rtcp(server, 0, copy, n) >= 0;
}

/* proves: DTLS-09 S34 */
static void three_profiles_and_no_other_are_known(void **state)
{
    struct srtp *s = NULL;
    (void)state;
    assert_string_equal(sotto__srtp_profile_name(1), "SRTP_AES128_CM_HMAC_SHA1_80");
    assert_string_equal(sotto__srtp_profile_name(7), "SRTP_AEAD_AES_128_GCM");
    assert_string_equal(sotto__srtp_profile_name(8), "SRTP_AEAD_AES_256_GCM");
    for (unsigned i = 0; i < 0x10000; i++) {
        if (i == 1 || i == 7 || i == 8) continue; /* 5 and 6 are those without encryption */
        assert_int_equal(sotto__srtp_key_material(i), 0);
        assert_string_equal(sotto__srtp_profile_name(i), "");
        assert_int_equal(sotto__srtp_new(&s, i, true, oracle_keys(), NULL), SOTTO_E_INVAL);
    }
    assert_null(s);
    for (int i = 0; i < 3; i++) {
        assert_true(sotto__srtp_key_material(oracle_profiles[i]) <= SOTTO_SRTP_MAX_KEY_MATERIAL);
        open_pair(oracle_profiles[i]);
        assert_int_equal(sotto__srtp_profile(client), oracle_profiles[i]);
        close_pair();
    }
}

/* DTLS-10: fixed keys, both roles, both directions, against the formulas. */
/* proves: DTLS-10 SRTP-05 */
static void packets_are_those_of_the_rfcs_under_the_keys_of_their_sender(void **state)
{
    uint8_t p[ROOM], q[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (size_t whose = 0; whose < 2; whose++) {
            struct oracle o;
            open_pair(oracle_profiles[i]);
            struct srtp *from = whose == 0 ? client : server, *to = whose == 0 ? server : client;
            oracle_init(&o, oracle_profiles[i], oracle_keys(), whose);
            for (uint16_t seq = 100; seq < 400; seq++) {
                size_t n = oracle_make_rtp(p, SSRC, seq, 200 + (size_t)(oracle_random() % 1200));
                if (seq % 3 == 1) p[0] |= (uint8_t)(oracle_random() % 16); /* CSRCs */
                if (seq % 3 == 2) p[0] |= 0x10, p[14] = 0, p[15] = (uint8_t)(oracle_random() % 40);
                memcpy(q, p, n);
                size_t want = oracle_rtp(&o, seq, q, n);
                assert_int_equal(sotto__srtp_protect(from, p, n), want);
                assert_memory_equal(p, q, want);
                assert_int_equal(sotto__srtp_unprotect(to, 0, p, want), n);
            }
            for (uint32_t index = 1; index < 100; index++) {
                size_t n = oracle_make_rtcp(p, SSRC, 8 + 4 * ((size_t)(oracle_random() % 300)));
                memcpy(q, p, n);
                size_t want = oracle_rtcp(&o, index, q, n);
                assert_int_equal(sotto__srtp_protect_rtcp(from, p, n), want);
                assert_memory_equal(p, q, want);
                assert_int_equal(sotto__srtp_unprotect_rtcp(to, 0, p, want), n);
            }
            close_pair();
        }
    }
}

static void what_is_opened_is_what_was_sealed(void **state)
{
    uint8_t p[ROOM], plain[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        for (uint16_t n = 12; n <= 1400; n++) {
            oracle_make_rtp(plain, SSRC, n, n);
            size_t len = seal(p, n, n);
            assert_true(len <= n + SOTTO_SRTP_OVERHEAD);
            if (n > 16) assert_memory_not_equal(p + 12, plain + 12, n - 12u);
            assert_int_equal(sotto__srtp_unprotect(server, 0, p, len), n);
            assert_memory_equal(p, plain, n);
        }
        for (size_t n = 8; n <= 1400; n += 4) {
            oracle_make_rtcp(plain, SSRC, n);
            size_t len = seal_rtcp(p, n);
            assert_true(len <= n + SOTTO_SRTP_OVERHEAD);
            assert_int_equal(sotto__srtp_unprotect_rtcp(server, 0, p, len), n);
            assert_memory_equal(p, plain, n);
        }
        close_pair();
    }
}

/* SRTP-02, H090 */
/* proves: H090 SRTP-02 */
static void ten_thousand_packets_open_once_each(void **state)
{
    struct {
        uint8_t p[64];
        size_t n;
    } *sent = calloc(10000, sizeof *sent);
    struct srtp_stats st;
    (void)state;
    assert_non_null(sent);
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        for (uint16_t k = 0; k < 10000; k++) {
            sent[k].n = seal(sent[k].p, (uint16_t)(k + 30000), 30);
            assert_true(opens(sent[k].p, sent[k].n));
            assert_false(opens(sent[k].p, sent[k].n));
        }
        for (int k = 0; k < 10000; k++) assert_false(opens(sent[k].p, sent[k].n));
        sotto__srtp_get_stats(server, &st);
        assert_int_equal(st.replayed, 20000);
        for (int k = 0; k < 10000; k++) {
            sent[k].n = seal_rtcp(sent[k].p, 28);
            assert_true(opens_rtcp(sent[k].p, sent[k].n));
            assert_false(opens_rtcp(sent[k].p, sent[k].n));
        }
        for (int k = 0; k < 10000; k++) assert_false(opens_rtcp(sent[k].p, sent[k].n));
        sotto__srtp_get_stats(server, &st);
        assert_int_equal(st.replayed, 40000);
        assert_int_equal(st.forged, 0);
        close_pair();
    }
    free(sent);
}

/* proves: SRTP-02 */
static void late_packets_are_taken_within_the_window(void **state)
{
    enum { N = 1100 };
    static uint8_t p[N][80];
    size_t n[N];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        for (uint16_t k = 0; k < N; k++) n[k] = seal(p[k], (uint16_t)(k + 65000), 30); /* over the wrap */
        assert_true(opens(p[0], n[0]));
        assert_true(opens(p[N - 1], n[N - 1]));
        assert_false(opens(p[N - 1 - SRTP_WINDOW], n[N - 1 - SRTP_WINDOW]));
        assert_false(opens(p[N - 2 - SRTP_WINDOW], n[N - 2 - SRTP_WINDOW])); /* nobody has seen it */
        assert_true(opens(p[N - SRTP_WINDOW], n[N - SRTP_WINDOW]));
        for (int k = N - 2; k > N - (int)SRTP_WINDOW; k--) assert_true(opens(p[k], n[k]));
        for (int k = 0; k < 200; k++) n[k] = seal_rtcp(p[k], 28);
        assert_true(opens_rtcp(p[199], n[199]));
        assert_false(opens_rtcp(p[199 - 128], n[199 - 128]));
        for (int k = 198; k > 199 - 128; k--) assert_true(opens_rtcp(p[k], n[k]));
        close_pair();
    }
}

/* SRTP-03, H092: one in ten is late by up to 1000 packets, and 140,000 packets wrap twice. */
/* proves: H092 SRTP-03 */
static void wraps_survive_reordering(void **state)
{
    enum { LATE = 1024 };
    static struct {
        uint8_t p[64];
        size_t n;
        int due;
    } late[LATE];
    uint8_t p[64];
    (void)state;
    for (int i = 0; i < 3; i++) {
        int taken = 0, total = i == 2 ? 70000 : 140000;
        memset(late, 0, sizeof late);
        open_pair(oracle_profiles[i]);
        for (int k = 0; k < total + 2 * LATE; k++) {
            int slot = k % LATE;
            if (late[slot].due == k && late[slot].n > 0) {
                taken += opens(late[slot].p, late[slot].n);
                late[slot].n = 0;
            }
            if (k >= total) continue;
            size_t n = seal(p, (uint16_t)(k + 20000), 30);
            int due = k + 1 + (int)(oracle_random() % 1000), at = due % LATE;
            if (k > 0 && k < total - 1 && oracle_random() % 10 == 0 && late[at].n == 0) {
                memcpy(late[at].p, p, n);
                late[at].n = n, late[at].due = due;
            } else {
                taken += opens(p, n);
            }
        }
        assert_int_equal(taken, total);
        close_pair();
    }
}

/* proves: SRTP-03 */
static void half_a_turn_may_be_lost(void **state)
{
    uint8_t p[64];
    (void)state;
    open_pair(SRTP_PROFILE_AEAD_AES_128_GCM);
    uint16_t seq = 40000;
    for (int k = 0; k < 50; k++, seq = (uint16_t)(seq + 0x7fff))
        assert_true(opens(p, seal(p, seq, 30)));
    close_pair();
}

/* Appendix A of RFC 3711, in the other direction: what a late packet's index is. */
/* proves: H092 */
static void the_index_is_the_nearest_one(void **state)
{
    static const struct {
        uint64_t high;
        uint16_t seq;
        uint64_t index;
    } cases[] = {
        {0, 0, 0},
        {0, 65535, 65535},
        {100, 65000, 65000},
        {0x8000, 0, 0},
        {0x8001, 0, 0x10000},
        {0x8001, 1, 1},
        {65535, 0, 65536},
        {65536, 65535, 65535},
        {65546, 65530, 65530},
        {0x17fff, 0xffff, 0x1ffff},
        {0x17ffe, 0xffff, 0xffff},
        {0x1ffff, 0x7fff, 0x17fff},
        {0x1ffff, 0x7ffe, 0x27ffe},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sotto__srtp_index(cases[i].high, cases[i].seq), cases[i].index);
}

static void a_number_seals_one_packet_only(void **state)
{
    uint8_t p[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        seal(p, 5, 100);
        oracle_make_rtp(p, SSRC, 5, 100);
        assert_int_equal(sotto__srtp_protect(client, p, 100), SOTTO_E_STATE);
        seal(p, 4, 100);                   /* late, but the first time */
        seal(p, SRTP_SENT_WINDOW + 4, 100);
        oracle_make_rtp(p, SSRC, 5, 100);
        assert_int_equal(sotto__srtp_protect(client, p, 100), SOTTO_E_STATE);
        seal(p, 6, 100);
        oracle_make_rtp(p, SSRC, 3, 100); /* too old to know */
        assert_int_equal(sotto__srtp_protect(client, p, 100), SOTTO_E_STATE);
        seal(p, 3 * SRTP_SENT_WINDOW, 100); /* a gap as long as the window */
        seal(p, 3 * SRTP_SENT_WINDOW - SRTP_SENT_WINDOW + 6, 100);
        oracle_make_rtp(p, SSRC + 1, 5, 100); /* another source has its own numbers */
        assert_int_equal(sotto__srtp_protect(client, p, 100),
                         sotto__srtp_key_material(oracle_profiles[i]) == 60 ? 110 : 116);
        close_pair();
    }
}

static void the_same_packet_may_go_again(void **state)
{
    uint8_t first[ROOM], again[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        for (int k = 0; k < 70000; k++) {
            uint16_t seq = (uint16_t)(k + 30000), old = (uint16_t)(seq - SRTP_SENT_WINDOW + 1);
            size_t n = seal(first, seq, 60);
            if (k < (int)SRTP_SENT_WINDOW || k % 50 != 0) continue;
            oracle_make_rtp(again, SSRC, seq, 60);
            assert_int_equal(sotto__srtp_protect_again(client, again, 60), n);
            assert_memory_equal(again, first, n);
            oracle_make_rtp(again, SSRC, old, 60); /* the oldest that is known; over wraps, too */
            assert_int_equal(sotto__srtp_protect_again(client, again, 60), n);
            oracle_make_rtp(again, SSRC, (uint16_t)(old - 1), 60);
            assert_int_equal(sotto__srtp_protect_again(client, again, 60), SOTTO_E_STATE);
        }
        close_pair();
    }
}

static void another_packet_under_the_same_number_never_leaves(void **state)
{
    uint8_t p[ROOM], zero[200] = {0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        size_t len = seal(p, 7, 100);
        for (size_t at = 1; at < 100; at++) {
            if (at == 2 || at == 3 || (at >= 8 && at < 12)) continue; /* number and SSRC */
            oracle_make_rtp(p, SSRC, 7, 100);
            p[at] ^= (uint8_t)(1u << at % 8);
            assert_int_equal(sotto__srtp_protect_again(client, p, 100), SOTTO_E_STATE);
            assert_memory_equal(p, zero, len);
        }
        oracle_make_rtp(p, SSRC, 7, 101);
        assert_int_equal(sotto__srtp_protect_again(client, p, 101), SOTTO_E_STATE);
        oracle_make_rtp(p, SSRC, 7, 99);
        assert_int_equal(sotto__srtp_protect_again(client, p, 99), SOTTO_E_STATE);
        oracle_make_rtp(p, SSRC, 8, 100); /* never sent */
        assert_int_equal(sotto__srtp_protect_again(client, p, 100), SOTTO_E_STATE);
        oracle_make_rtp(p, SSRC + 1, 7, 100);
        assert_int_equal(sotto__srtp_protect_again(client, p, 100), SOTTO_E_STATE);
        oracle_make_rtp(p, SSRC, 7, 100);
        assert_int_equal(sotto__srtp_protect_again(client, p, 100), len); /* it still may */
        assert_true(opens(p, len));
        close_pair();
    }
}

/* SRTP-06: RFC 3711 §9.2 */
/* proves: SRTP-06 S35 */
static void keys_end_with_their_life(void **state)
{
    uint8_t p[ROOM];
    (void)state;
    for (int i = 0; i < 3; i++) {
        open_pair(oracle_profiles[i]);
        seal(p, 0xfff0, 100);
        struct srtp_sender *sender = sotto__map_get(&client->senders, SSRC);
        if (client->out) /* libsrtp counts, too */
            assert_int_equal(srtp_set_stream_roc(client->out, SSRC, 0xffffffff),
                             srtp_err_status_ok);
        sender->high = 0xfffffffffff0;
        for (unsigned seq = 0xfff1; seq <= 0xffff; seq++) seal(p, (uint16_t)seq, 100);
        oracle_make_rtp(p, SSRC, 0, 100);
        assert_int_equal(sotto__srtp_protect(client, p, 100), SOTTO_E_CLOSED);
        assert_int_equal(sotto__srtp_protect_again(client, p, 100), SOTTO_E_CLOSED);
        oracle_make_rtp(p, SSRC + 1, 0, 100); /* another source goes on, until the sum is reached */
        assert_true(sotto__srtp_protect(client, p, 100) > 0);
        client->n_rtp = SRTP_LIFE - 1;
        oracle_make_rtp(p, SSRC + 1, 1, 100);
        assert_true(sotto__srtp_protect(client, p, 100) > 0);
        oracle_make_rtp(p, SSRC + 1, 2, 100);
        assert_int_equal(sotto__srtp_protect(client, p, 100), SOTTO_E_CLOSED);
        client->n_rtcp = SRTCP_LIFE - 2;
        seal_rtcp(p, 28);
        oracle_make_rtcp(p, SSRC, 28);
        assert_int_equal(sotto__srtp_protect_rtcp(client, p, 28), SOTTO_E_CLOSED);
        close_pair();
    }
}

static void our_own_sources_are_limited(void **state)
{
    uint8_t p[ROOM];
    (void)state;
    open_pair(SRTP_PROFILE_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 0; ssrc < SOTTO_MAX_SSRCS; ssrc++) {
        oracle_make_rtp(p, ssrc, 1, 50);
        assert_true(sotto__srtp_protect(client, p, 50) > 0);
    }
    oracle_make_rtp(p, SOTTO_MAX_SSRCS, 1, 50);
    assert_int_equal(sotto__srtp_protect(client, p, 50), SOTTO_E_LIMIT);
    oracle_make_rtcp(p, SOTTO_MAX_SSRCS, 28);
    assert_int_equal(sotto__srtp_protect_rtcp(client, p, 28), SOTTO_E_LIMIT);
    oracle_make_rtp(p, 0, 2, 50);
    assert_true(sotto__srtp_protect(client, p, 50) > 0);
    close_pair();
}

static void run_once(void)
{
    uint8_t p[ROOM];
    int r;
    client = server = NULL;
    if (sotto__srtp_new(&client, SRTP_PROFILE_AEAD_AES_128_GCM, true, oracle_keys(), NULL) < 0 ||
        sotto__srtp_new(&server, SRTP_PROFILE_AEAD_AES_128_GCM, false, oracle_keys(), NULL) < 0)
        return;
    r = sotto__srtp_protect(client, p, oracle_make_rtp(p, SSRC, 1, 50));
    if (r > 0) r = sotto__srtp_unprotect(server, 0, p, (size_t)r);
    assert_true(r == 50 || r == SOTTO_E_NOMEM || r == SOTTO_E_PROTO);
    r = sotto__srtp_protect_rtcp(client, p, oracle_make_rtcp(p, SSRC + 1, 28));
    if (r > 0) r = sotto__srtp_unprotect_rtcp(server, 0, p, (size_t)r);
    assert_true(r == 28 || r == SOTTO_E_NOMEM || r == SOTTO_E_PROTO);
    for (uint16_t seq = 2; seq < 5; seq++) { /* what could not be remembered is so again */
        r = sotto__srtp_protect(client, p, oracle_make_rtp(p, SSRC, seq, 50));
        if (r > 0) r = sotto__srtp_unprotect(server, 0, p, (size_t)r);
    }
    assert_int_equal(r, 50);
}

static void every_allocation_may_fail(void **state)
{
    int64_t live = sotto__mem_live();
    uint64_t n = 0;
    bool failed = true;
    (void)state;
    while (failed) {
        sotto__mem_fail_at(++n);
        run_once();
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        close_pair();
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_true(n > 8);
    sotto__srtp_free(NULL);
}

/* How often those bytes stand in memory that can be written; each is given with its bits turned, so that this is no place of it. */
__attribute__((no_sanitize("address"))) static unsigned found(const uint8_t *turned, size_t n)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], mode[8];
    unsigned long from, to;
    unsigned hits = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[1] != 'w') continue;
        if (mode[0] != 'r' || to - from > 16u << 20) continue; /* a sanitizer's own */
        for (const uint8_t *p = (const uint8_t *)from; p + n <= (const uint8_t *)to; p++) {
            size_t i = 0;
            while (i < n && p[i] + turned[i] == 0xff) i++;
            hits += i == n;
        }
    }
    fclose(maps);
    return hits;
}

static void master_keys_are_not_kept(void **state)
{
    uint8_t turned[32];
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct srtp *s;
        uint8_t keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
        for (size_t k = 0; k < sizeof keys; k++) {
            keys[k] = (uint8_t)oracle_random();
            if (k < 32) turned[k] = keys[k] ^ 0xff;
        }
        size_t n = oracle_profiles[i] == SRTP_PROFILE_AEAD_AES_256_GCM ? 32 : 16;
        assert_int_equal(sotto__srtp_new(&s, oracle_profiles[i], true, keys, NULL), 0);
        assert_int_equal(found(turned, n), 1); /* here */
        sotto__wipe(keys, sizeof keys);
        assert_int_equal(found(turned, n), 0);
        sotto__srtp_free(s);
        assert_int_equal(found(turned, n), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_profiles_and_no_other_are_known),
        cmocka_unit_test(packets_are_those_of_the_rfcs_under_the_keys_of_their_sender),
        cmocka_unit_test(what_is_opened_is_what_was_sealed),
        cmocka_unit_test(ten_thousand_packets_open_once_each),
        cmocka_unit_test(late_packets_are_taken_within_the_window),
        cmocka_unit_test(wraps_survive_reordering),
        cmocka_unit_test(half_a_turn_may_be_lost),
        cmocka_unit_test(the_index_is_the_nearest_one),
        cmocka_unit_test(a_number_seals_one_packet_only),
        cmocka_unit_test(the_same_packet_may_go_again),
        cmocka_unit_test(another_packet_under_the_same_number_never_leaves),
        cmocka_unit_test(keys_end_with_their_life),
        cmocka_unit_test(our_own_sources_are_limited),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(master_keys_are_not_kept),
    };
    return cmocka_run_group_tests_name("srtp", tests, NULL, NULL);
}

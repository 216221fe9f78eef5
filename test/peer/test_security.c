/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The security report of two peers in the virtual network: what it says before and after the handshake, which addresses it names, that the
 * counters move with what is refused, and that they never go back when the transport below begins anew.
 */
#include "lines.h"
#include "peer/security.h"

static struct security_block *report_of(struct duo *d, struct duo_side *s)
{
    struct security_block *b = NULL;
    assert_int_equal(sotto__peer_security(s->peer, duo_now(d), &b), 0);
    return b;
}

static uint64_t count_of(struct duo *d, struct duo_side *s, const char *name)
{
    struct security_block *b = report_of(d, s);
    uint64_t n = UINT64_MAX;
    for (size_t i = 0; i < b->report.n_counters; i++)
        if (strcmp(b->report.counters[i].name, name) == 0) n = b->report.counters[i].count;
    sotto__free(b);
    assert_true(n != UINT64_MAX);
    return n;
}

/* proves: S21 S24 */
static void before_the_handshake_little_is_known_and_nothing_is_claimed(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    struct security_block *b = report_of(d, &d->a);
    assert_int_equal(b->report.dtls_state, SOTTO_DTLS_NEW);
    assert_string_equal(b->report.dtls_version, "");
    assert_string_equal(b->report.dtls_group, "");
    assert_string_equal(b->report.srtp_profile, "");
    assert_false(b->report.dtls_ems);
    assert_string_equal(b->report.local.hash, "sha-256");
    assert_string_equal(b->report.remote.hash, "");
    assert_string_equal(b->report.remote.fingerprint, "");
    assert_int_equal(b->report.e2ee, SOTTO_E2EE_NONE);
    assert_true(b->report.consent_age_us == -1);
    assert_int_equal(b->report.n_addresses, 0);
    assert_int_equal(b->report.exposes, 0);
    assert_int_equal(b->report.n_counters, ATTACK_COUNT);
    for (size_t i = 0; i < ATTACK_COUNT; i++) assert_int_equal(b->report.counters[i].count, 0);
    sotto__free(b);
    duo_free(d);
}

/* proves: S13 S21 */
static void a_call_with_media_tells_its_profile_and_its_addresses(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->a, &d->b);
    duo_run(d, SOTTO_SECONDS(2));
    struct security_block *b = report_of(d, &d->a);
    assert_int_equal(b->report.dtls_state, SOTTO_DTLS_CONNECTED);
    assert_string_equal(b->report.dtls_version, "DTLS 1.2");
    assert_string_equal(b->report.srtp_profile, "SRTP_AEAD_AES_128_GCM");
    assert_true(b->report.dtls_ems);
    assert_int_equal(b->report.n_addresses, 1);
    assert_string_equal(b->report.addresses[0].type, "host");
    assert_int_equal(b->report.exposes, b->report.addresses[0].exposes);
    assert_int_equal(b->report.exposes, SOTTO_EXPOSED_PUBLIC);
    sotto__free(b);
    duo_free(d);
}

static int give(struct duo *d, const char *line)
{
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = "0"};
    return sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL);
}

/* proves: S19 S21 */
static void what_signaling_brings_and_is_refused_is_counted(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_open(&d->a, "x");
    duo_signal(d);
    give(d, "candidate:1 1 udp 2130706431 127.0.0.1 22 typ host");
    give(d, "candidate:1 1 udp 2130706431 224.0.0.1 5000 typ host");
    give(d, "candidate:1 1 udp 2130706431 a.example.com 5000 typ host");
    give(d, "candidate:1 1 udp 2130706431 192.0.2.1 99999 typ host");
    assert_int_equal(count_of(d, &d->a, "candidateAddress"), 2);
    assert_int_equal(count_of(d, &d->a, "candidateName"), 1);
    assert_int_equal(count_of(d, &d->a, "candidateBroken"), 1);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, "v=0\r\nnonsense"), SOTTO_E_SYNTAX);
    assert_int_equal(count_of(d, &d->a, "descriptionRefused"), 1);
    duo_free(d);
}

/* proves: S21 H110 */
static void datagrams_that_are_refused_are_counted_and_the_sums_never_go_back(void **state)
{
    static const uint8_t junk[] = {0x14, 0xfe, 0xfd, 0, 7, 1, 2, 3, 4, 5, 6, 0, 1, 1};
    (void)state;
    struct duo *d = duo_new(4);
    duo_connect(d);
    struct transport *t = &d->a.peer->transport;
    for (int i = 0; i < 5; i++)
        assert_int_equal(sotto__dtls_input(t->dtls, duo_now(d), junk, sizeof junk), 0);
    uint64_t dropped = count_of(d, &d->a, "dtlsDropped") + count_of(d, &d->a, "dtlsForged");
    assert_true(dropped >= 5);
    uint8_t packet[32] = {0};
    for (int i = 0; i < 3; i++) sotto__sctp_input(t->sctp, duo_now(d), packet, sizeof packet);
    assert_int_equal(count_of(d, &d->a, "sctpRefused"), 3);
    sotto__peer_close(d->a.peer, duo_now(d)); /* frees DTLS and SCTP */
    sotto__egress_flush(&d->a.egress, duo_now(d));
    assert_null(t->dtls);
    assert_int_equal(count_of(d, &d->a, "sctpRefused"), 3);
    assert_true(count_of(d, &d->a, "dtlsDropped") + count_of(d, &d->a, "dtlsForged") >= dropped);
    duo_free(d);
}

/* proves: A10 */
static void without_memory_there_is_no_report(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    duo_connect(d);
    int64_t live = sotto__mem_live();
    for (unsigned n = 1;; n++) {
        struct security_block *b = NULL;
        sotto__mem_fail_at(n);
        int r = sotto__peer_security(d->a.peer, duo_now(d), &b);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true(r == 0 || (r == SOTTO_E_NOMEM && !b));
        sotto__free(b);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
    }
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_handshake_little_is_known_and_nothing_is_claimed),
        cmocka_unit_test(a_call_with_media_tells_its_profile_and_its_addresses),
        cmocka_unit_test(what_signaling_brings_and_is_refused_is_counted),
        cmocka_unit_test(datagrams_that_are_refused_are_counted_and_the_sums_never_go_back),
        cmocka_unit_test(without_memory_there_is_no_report),
    };
    return cmocka_run_group_tests_name("security", tests, NULL, NULL);
}

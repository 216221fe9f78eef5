/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the remote: pins against descriptions and certificates, the word of the user, and the gate that both open. */
#include "peer/verify.h"

#include <openssl/evp.h>

#include "duo.h"
#include "sotto/verify.h"
#include "util/enc.h"

/* As b will show itself, or somebody else. */
static struct sdp_fingerprint print_of_b(const struct duo *d, bool is_right)
{
    struct sdp_fingerprint f;
    sotto__cert_fingerprint(d->b.cert, &f);
    if (!is_right) f.bytes[0] ^= 1;
    return f;
}

/* The same certificate by another hash, which no description of ours has. */
static struct sdp_fingerprint print512_of_b(const struct duo *d, bool is_right)
{
    struct sdp_fingerprint f = {.hash = "sha-512", .n_bytes = 64};
    struct buf text;
    uint8_t der[2048];
    unsigned n = 0;
    sotto__buf_init(&text, sizeof der);
    sotto__cert_base64(d->b.cert, &text);
    sotto__buf_add(&text, (const uint8_t *)"", 1);
    int len = EVP_DecodeBlock(der, text.p, (int)text.n - 1);
    for (size_t i = text.n - 2; text.p[i] == '='; i--) len--;
    assert_true(len > 0 && EVP_Digest(der, (size_t)len, f.bytes, &n, EVP_sha512(), NULL) == 1);
    sotto__buf_free(&text);
    if (!is_right) f.bytes[63] ^= 1;
    return f;
}

static struct duo *duo_requires(uint64_t seed, int32_t level)
{
    struct duo *d = duo_new(seed);
    d->a.peer->verify.required = level;
    return d;
}

/* a opens "x", b another one in which it says something. */
static struct channel *call_b(struct duo *d)
{
    struct channel *c = duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(10));
    struct channel *of_b = duo_open(&d->b, "y");
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(sotto__channel_send(d->b.peer, duo_now(d), of_b, "hello", 5, true), 0);
    duo_run(d, SOTTO_SECONDS(10));
    return c;
}

static void expect_shut(const struct duo *d, const struct channel *c)
{
    assert_false(sotto__verify_is_open(d->a.peer));
    assert_int_equal(c->state, SOTTO_DC_CONNECTING);
    assert_int_equal(d->a.n_events[SOTTO_EV_OPEN] + d->a.n_events[SOTTO_EV_CHANNEL], 0);
    assert_int_equal(d->a.n_messages + d->b.n_events[SOTTO_EV_CHANNEL], 0);
}

static void expect_open(struct duo *d, const struct channel *c)
{
    duo_run(d, SOTTO_SECONDS(1));
    assert_true(sotto__verify_is_open(d->a.peer));
    assert_int_equal(c->state, SOTTO_DC_OPEN);
    assert_int_equal(d->a.n_messages, 1);
    assert_memory_equal(d->a.last, "hello", 5);
    assert_int_equal(d->b.n_events[SOTTO_EV_CHANNEL], 1);
}

/* proves: S05 S28 */
static void the_gate_opens_when_the_certificate_is_pinned_later(void **state)
{
    (void)state;
    struct duo *d = duo_requires(1, SOTTO_VERIFY_PINNED);
    struct sdp_fingerprint wrong = print_of_b(d, false), right[2] = {wrong, print_of_b(d, true)};
    struct channel *c = call_b(d);
    expect_shut(d, c);
    assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), &wrong, 1, NULL), SOTTO_E_ACCESS);
    expect_shut(d, c);
    assert_int_equal(d->a.peer->transport.n_pins, 0);
    assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), right, 2, NULL), 0);
    expect_open(d, c);
    assert_int_equal(sotto__peer_verification(d->a.peer), SOTTO_VERIFY_PINNED);
    assert_int_equal(sotto__peer_required_verification(d->a.peer), SOTTO_VERIFY_PINNED);
    assert_int_equal(d->a.n_events[SOTTO_EV_VERIFIED], 1);
    duo_free(d);
}

/* proves: S18 */
static void a_pin_does_not_suffice_where_the_code_is_to_be_compared(void **state)
{
    (void)state;
    struct duo *d = duo_requires(2, SOTTO_VERIFY_CONFIRMED);
    struct sdp_fingerprint right = print_of_b(d, true);
    uint8_t code[DTLS_CODE], theirs[DTLS_CODE];
    assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), &right, 1, NULL), 0);
    assert_int_equal(sotto__peer_verification_code(d->a.peer, code), SOTTO_E_STATE);
    struct channel *c = call_b(d);
    expect_shut(d, c);
    assert_int_equal(sotto__peer_verification(d->a.peer), SOTTO_VERIFY_PINNED);
    assert_int_equal(sotto__peer_confirm(d->a.peer, duo_now(d)), SOTTO_E_STATE); /* the code was not read */
    assert_int_equal(sotto__peer_verification_code(d->a.peer, code), 0);
    assert_int_equal(sotto__peer_verification_code(d->b.peer, theirs), 0);
    assert_memory_equal(code, theirs, DTLS_CODE);
    assert_int_equal(sotto__peer_confirm(d->a.peer, duo_now(d)), 0);
    expect_open(d, c);
    assert_int_equal(d->a.n_events[SOTTO_EV_VERIFIED], 2);
    assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), &right, 1, NULL), 0);
    assert_int_equal(sotto__peer_verification(d->a.peer), SOTTO_VERIFY_CONFIRMED); /* no less than before */
    sotto__peer_close(d->a.peer, duo_now(d));
    assert_int_equal(sotto__peer_verification_code(d->a.peer, code), SOTTO_E_CLOSED);
    assert_int_equal(sotto__peer_confirm(d->a.peer, duo_now(d)), SOTTO_E_CLOSED);
    assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), &right, 1, NULL), SOTTO_E_CLOSED);
    duo_free(d);
}

/* proves: S05 S28 H027 */
static void a_description_of_somebody_else_is_refused_and_nothing_begins(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    struct sdp_fingerprint wrong = print_of_b(d, false);
    char *sdp;
    sotto_error e = {.size = sizeof e};
    assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), &wrong, 1, NULL), 0);
    duo_open(&d->b, "x");
    assert_int_equal(sotto__peer_set_local(d->b.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    assert_int_equal(sotto__peer_local_description(d->b.peer, 0, NULL, &sdp), 1);
    assert_int_equal(sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_OFFER, sdp, &e),
                     SOTTO_E_ACCESS);
    assert_int_equal(e.code, SOTTO_E_ACCESS);
    sotto__free(sdp);
    assert_int_equal(d->a.peer->signaling, SOTTO_SIGNALING_STABLE);
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_NEW);
    assert_int_equal(d->a.peer->gathering, SOTTO_GATHERING_NEW);
    assert_null(d->a.peer->transport.live.ice);
    duo_free(d);
}

/* proves: S28 */
static void a_pin_of_a_hash_that_the_description_lacks_is_held_against_the_certificate(void **state)
{
    (void)state;
    for (int right = 0; right < 2; right++) {
        struct duo *d = duo_new(4);
        struct sdp_fingerprint pin = print512_of_b(d, right);
        assert_int_equal(sotto__peer_set_pins(d->a.peer, duo_now(d), &pin, 1, NULL), 0);
        duo_open(&d->a, "x");
        duo_signal(d);
        duo_run(d, SOTTO_SECONDS(10));
        assert_int_equal(d->a.peer->connection,
                         right ? SOTTO_CONNECTION_CONNECTED : SOTTO_CONNECTION_FAILED);
        assert_int_equal(sotto__peer_verification(d->a.peer),
                         right ? SOTTO_VERIFY_PINNED : SOTTO_VERIFY_NONE);
        assert_int_equal(d->a.n_events[SOTTO_EV_OPEN], right);
        duo_free(d);
    }
}

static void the_remotes_fingerprint_is_that_of_its_certificate(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct sdp_fingerprint f, right = print_of_b(d, true);
    assert_int_equal(sotto__peer_remote_fingerprint(d->a.peer, &f), SOTTO_E_STATE);
    duo_connect(d);
    assert_int_equal(sotto__peer_remote_fingerprint(d->a.peer, &f), 0);
    assert_memory_equal(f.bytes, right.bytes, 32);
    sotto__peer_close(d->a.peer, duo_now(d));
    assert_int_equal(sotto__peer_remote_fingerprint(d->a.peer, &f), SOTTO_E_CLOSED);
    duo_free(d);
}

static void what_comes_after_the_end_stays_outside(void **state)
{
    (void)state;
    struct duo *d = duo_requires(6, SOTTO_VERIFY_CONFIRMED);
    struct channel *c = call_b(d);
    expect_shut(d, c);
    sotto__peer_close(d->b.peer, duo_now(d));
    duo_run(d, SOTTO_SECONDS(5));
    assert_int_equal(d->a.n_messages + d->a.n_events[SOTTO_EV_CHANNEL], 0);
    assert_int_equal(d->a.n_events[SOTTO_EV_CLOSED], 1);
    assert_int_equal(sotto__peer_confirm(d->a.peer, duo_now(d)), SOTTO_E_STATE);
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CLOSED);
    duo_free(d);
}

/* Each allocation of what opens the gate fails once: then it stays shut, or opens all the same and nothing is lost of the level. */
static void without_memory_the_gate_does_not_open_by_mistake(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        int64_t live = sotto__mem_live();
        struct duo *d = duo_requires(7, SOTTO_VERIFY_PINNED);
        struct sdp_fingerprint right = print_of_b(d, true);
        struct channel *c = call_b(d);
        expect_shut(d, c);
        sotto__mem_fail_at(n);
        int r = sotto__peer_set_pins(d->a.peer, duo_now(d), &right, 1, NULL);
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(sotto__peer_verification(d->a.peer),
                         r == 0 ? SOTTO_VERIFY_PINNED : SOTTO_VERIFY_NONE);
        assert_true(r == 0 || (r == SOTTO_E_NOMEM && failed));
        if (r < 0) expect_shut(d, c);
        duo_run(d, SOTTO_SECONDS(2));
        assert_int_equal(d->a.n_events[SOTTO_EV_VERIFIED], r == 0);
        duo_free(d);
        assert_true(sotto__mem_live() == live && n < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gate_opens_when_the_certificate_is_pinned_later),
        cmocka_unit_test(a_pin_does_not_suffice_where_the_code_is_to_be_compared),
        cmocka_unit_test(a_description_of_somebody_else_is_refused_and_nothing_begins),
        cmocka_unit_test(
            a_pin_of_a_hash_that_the_description_lacks_is_held_against_the_certificate),
        cmocka_unit_test(the_remotes_fingerprint_is_that_of_its_certificate),
        cmocka_unit_test(what_comes_after_the_end_stays_outside),
        cmocka_unit_test(without_memory_the_gate_does_not_open_by_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

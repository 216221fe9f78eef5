/* SPDX-License-Identifier: BSD-2-Clause */
/* RTP headers (RFC 3550 §5.1) and RTX (RFC 4588 §4): every field, every length; H097, RTP-05, RTP-07. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/bytes.h"
#include "util/mem.h"
#include "wire/rtp.h"

/* Two CSRCs, an extension of two words, marker, payload type 111, four bytes of payload, three of padding. */
static const uint8_t full[] = {
    0xb2, 0xef, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02, 0x03, 0x04, /* header */
    0x0a, 0x0b, 0x0c, 0x0d, 0x1a, 0x1b, 0x1c, 0x1d,                         /* CSRCs */
    0xbe, 0xde, 0x00, 0x02, 0x10, 0x61, 0x22, 0x01, 0x02, 0x03, 0x00, 0x00, /* extension */
    0x70, 0x71, 0x72, 0x73, 0x00, 0x00, 0x03};

/* A copy of its exact size, so that ASan sees a byte read too far. */
static int parse_exact(const uint8_t *p, size_t n, struct rtp *ret)
{
    uint8_t *exact = sotto__memdup(p, n);
    assert_non_null(exact);
    int code = sotto__rtp_parse(exact, n, ret);
    if (code == 0) { /* views must not outlive it */
        assert_true(ret->payload >= exact && ret->payload + ret->n_payload <= exact + n);
        ret->payload = p + (ret->payload - exact);
        ret->ext = ret->has_ext ? p + (ret->ext - exact) : NULL;
        ret->csrc = p + (ret->csrc - exact);
    }
    sotto__free(exact);
    return code;
}

static void rtp_reads_every_field(void **state)
{
    (void)state;
    struct rtp r;
    assert_int_equal(parse_exact(full, sizeof full, &r), 0);
    assert_true(r.marker);
    assert_int_equal(r.pt, 111);
    assert_int_equal(r.seq, 0x1234);
    assert_int_equal(r.time, 0xdeadbeef);
    assert_int_equal(r.ssrc, 0x01020304);
    assert_int_equal(r.n_csrc, 2);
    assert_ptr_equal(r.csrc, full + 12);
    assert_true(r.has_ext);
    assert_int_equal(r.ext_profile, 0xbede);
    assert_ptr_equal(r.ext, full + 24);
    assert_int_equal(r.n_ext, 8);
    assert_ptr_equal(r.payload, full + 32);
    assert_int_equal(r.n_payload, 4);
    assert_int_equal(r.n_padding, 3);
    assert_int_equal(r.n_header, 32);
}

/* proves: H097 RTP-05 */
static void rtp_h097_refuses_every_packet_that_is_cut(void **state)
{
    (void)state;
    struct rtp r = {.pt = 77};
    uint8_t cut[sizeof full];
    memcpy(cut, full, sizeof full);
    cut[0] &= 0xdf; /* without padding: a packet may end anywhere behind its header */
    for (size_t n = 0; n < 32; n++) assert_int_equal(parse_exact(cut, n, &r), SOTTO_E_SYNTAX);
    assert_int_equal(r.pt, 77); /* nothing was written */
    assert_int_equal(sotto__rtp_parse(NULL, 0, &r), SOTTO_E_SYNTAX);
    for (size_t n = 32; n < sizeof full; n++) {
        assert_int_equal(parse_exact(cut, n, &r), 0);
        assert_int_equal(r.n_payload, n - 32);
    }
}

/* proves: H097 RTP-05 */
static void rtp_h097_judges_hostile_headers(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t bytes[24];
        size_t n;
        int want;
        size_t n_payload;
    } cases[] = {
        {"12 bytes, no payload", {0x80, 96}, 12, 0, 0},
        {"version 0", {0x00, 96}, 12, SOTTO_E_SYNTAX, 0},
        {"version 1", {0x40, 96}, 12, SOTTO_E_SYNTAX, 0},
        {"version 3", {0xc0, 96}, 12, SOTTO_E_SYNTAX, 0},
        {"15 CSRCs, one is there", {0x8f, 96}, 16, SOTTO_E_SYNTAX, 0},
        {"one CSRC, half of it", {0x81, 96}, 14, SOTTO_E_SYNTAX, 0},
        {"one CSRC, nothing else", {0x81, 96}, 16, 0, 0},
        {"X without an extension", {0x90, 96}, 12, SOTTO_E_SYNTAX, 0},
        {"X with half a head", {0x90, 96}, 14, SOTTO_E_SYNTAX, 0},
        {"X of length 0", {0x90, 96}, 16, 0, 0},
        {"X one word longer than the packet",
         {0x90, 96, [12] = 0xbe, 0xde, 0, 2},
         20,
         SOTTO_E_SYNTAX,
         0},
        {"X of 65535 words", {0x90, 96, [12] = 0xbe, 0xde, 0xff, 0xff}, 24, SOTTO_E_SYNTAX, 0},
        {"P, no payload at all", {0xa0, 96}, 12, SOTTO_E_SYNTAX, 0},
        {"P of 0", {0xa0, 96}, 16, SOTTO_E_SYNTAX, 0},
        {"P of 1", {0xa0, 96, [15] = 1}, 16, 0, 3},
        {"P of all: a probe", {0xa0, 96, [15] = 4}, 16, 0, 0},
        {"P of one more than the payload", {0xa0, 96, [15] = 5}, 16, SOTTO_E_SYNTAX, 0},
        {"P of 255", {0xa0, 96, [15] = 255}, 16, SOTTO_E_SYNTAX, 0},
        {"P that would reach into the extension",
         {0xb0, 96, [12] = 0xbe, 0xde, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5},
         24,
         SOTTO_E_SYNTAX,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rtp r = {0};
        int code = parse_exact(cases[i].bytes, cases[i].n, &r);
        if (code != cases[i].want || (code == 0 && r.n_payload != cases[i].n_payload))
            fail_msg("%s: %d, payload %zu", cases[i].what, code, r.n_payload);
    }
}

static void rtp_writes_the_fixed_header(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x90, 0xef, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};
    uint8_t out[RTP_HEADER];
    struct rtp r;
    assert_int_equal(sotto__rtp_parse(full, sizeof full, &r), 0);
    sotto__rtp_write(&r, out); /* without its CSRCs and padding */
    assert_memory_equal(out, want, sizeof want);
    r = (struct rtp){.pt = 0xff};
    sotto__rtp_write(&r, out);
    assert_int_equal(out[0], 0x80);
    assert_int_equal(out[1], 0x7f); /* seven bits: never the marker */
}

/* proves: RTP-07 */
static void rtp_07_unwraps_a_retransmission(void **state)
{
    (void)state;
    uint8_t packet[17] = {0x80, 0xe1, 0, 9, [8] = 5, 5, 5, 5, 0xab, 0xcd, 'x', 'y', 'z'};
    struct rtp r;
    assert_int_equal(parse_exact(packet, sizeof packet, &r), 0);
    assert_int_equal(sotto__rtp_unwrap_rtx(&r, 96, 0x77), 0);
    assert_int_equal(r.seq, 0xabcd);
    assert_int_equal(r.pt, 96);
    assert_int_equal(r.ssrc, 0x77);
    assert_true(r.marker);
    assert_int_equal(r.n_payload, 3);
    assert_int_equal(r.n_header, 14);
    assert_memory_equal(r.payload, "xyz", 3);
}

/* proves: H105 RTP-07 */
static void rtp_07_refuses_a_retransmission_below_two_bytes(void **state)
{
    (void)state;
    for (size_t n = 12; n <= 14; n++) {
        uint8_t packet[14] = {0x80, 97};
        struct rtp r;
        assert_int_equal(parse_exact(packet, n, &r), 0);
        assert_int_equal(sotto__rtp_unwrap_rtx(&r, 96, 1), n < 14 ? SOTTO_E_SYNTAX : 0);
        assert_int_equal(r.pt, n < 14 ? 97 : 96);
        assert_int_equal(r.n_payload, n < 14 ? n - 12 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rtp_reads_every_field),
        cmocka_unit_test(rtp_h097_refuses_every_packet_that_is_cut),
        cmocka_unit_test(rtp_h097_judges_hostile_headers),
        cmocka_unit_test(rtp_writes_the_fixed_header),
        cmocka_unit_test(rtp_07_unwraps_a_retransmission),
        cmocka_unit_test(rtp_07_refuses_a_retransmission_below_two_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

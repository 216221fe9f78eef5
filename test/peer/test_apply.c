/* SPDX-License-Identifier: BSD-2-Clause */
/* What a remote description means for the transport. */
#include "texts.h"

#define PRINT(digit)                                                                               \
    "a=fingerprint:sha-256 " digit digit ":00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:" \
    "00:00:00:00:00:00:00:00:00:00:00:00:00\r\n"
#define BARE                                                                                       \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "                                \
    "0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n"
#define CREDENTIALS "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"

static int read_text(struct duo *d, const char *text, struct remote_params *ret, struct sdp **sdp)
{
    assert_int_equal(sotto__sdp_parse(text, strlen(text), sdp, NULL), 0);
    return sotto__apply_read(d->a.peer, *sdp, true, ret, NULL);
}

static void fingerprints_of_the_section_go_before_those_of_the_session(void **state)
{
    (void)state; /* SDP-09 */
    struct duo *d = duo_new(1);
    struct remote_params r;
    struct sdp *sdp;
    assert_int_equal(read_text(d, OFFER_HEAD PRINT("1") BARE CREDENTIALS PRINT("2"), &r, &sdp), 0);
    assert_int_equal(r.t.n_fingerprints, 1);
    assert_int_equal(r.t.fingerprints[0].bytes[0], 0x22);
    sotto__sdp_free(sdp);
    assert_int_equal(read_text(d, OFFER_HEAD PRINT("1") CREDENTIALS BARE, &r, &sdp), 0);
    assert_int_equal(r.t.fingerprints[0].bytes[0], 0x11);
    sotto__sdp_free(sdp);
    duo_free(d);
}

static void transport_attributes_may_stand_in_the_tagged_section(void **state)
{
    (void)state; /* RFC 9143 7.1.3 */
    struct duo *d = duo_new(2);
    struct remote_params r;
    struct sdp *sdp;
    assert_int_equal(read_text(d, OFFER_HEAD "a=group:BUNDLE a 0\r\n" AUDIO("a") BARE, &r, &sdp),
                     0);
    assert_string_equal(r.t.ufrag, "abcd");
    assert_int_equal(r.index, 1);
    sotto__sdp_free(sdp);
    assert_int_equal(read_text(d, OFFER_HEAD AUDIO("a") BARE, &r, &sdp), SOTTO_E_SDP);
    sotto__sdp_free(sdp);
    duo_free(d);
}

static void message_sizes_have_their_default_and_zero_is_any(void **state)
{
    static const struct {
        const char *line;
        uint64_t want;
    } rows[] = {
        {"", 65536},
        {"a=max-message-size:262144\r\n", 262144},
        {"a=max-message-size:0\r\n", UINT64_MAX},
        {"a=max-message-size:1073741823\r\n", 1073741823},
    };
    (void)state; /* SDP-21 */
    struct duo *d = duo_new(3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct remote_params r;
        struct sdp *sdp;
        char text[2048];
        snprintf(text, sizeof text, "%s%s", OFFER_HEAD DATA("0"), rows[i].line);
        assert_int_equal(read_text(d, text, &r, &sdp), 0);
        if (r.max_message != rows[i].want) fail_msg("row %zu", i);
        sotto__sdp_free(sdp);
    }
    duo_free(d);
}

static void weak_hashes_alone_are_refused(void **state)
{
    (void)state; /* SDP-07, H008 */
    struct duo *d = duo_new(4);
    struct remote_params r;
    struct sdp *sdp;
    assert_int_equal(
        read_text(
            d,
            OFFER_HEAD BARE CREDENTIALS
            "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n",
            &r, &sdp),
        SOTTO_E_SDP);
    sotto__sdp_free(sdp);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_of_the_section_go_before_those_of_the_session),
        cmocka_unit_test(transport_attributes_may_stand_in_the_tagged_section),
        cmocka_unit_test(message_sizes_have_their_default_and_zero_is_any),
        cmocka_unit_test(weak_hashes_alone_are_refused),
    };
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}

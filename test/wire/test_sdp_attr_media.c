/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the attributes of media, good and bad (H014 to H019 of the security list as far as a reader goes). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "wire/sdp_attr.h"

static void assert_str(struct str s, const char *want)
{
    if (!sotto__str_eq(s, sotto__str(want)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.n, s.p, want);
}

#define ASSERT_SYNTAX(reader, type, ...)                                                           \
    do {                                                                                           \
        static const char *const bad[] = {__VA_ARGS__};                                            \
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {                                    \
            type unused;                                                                           \
            if (reader(sotto__str(bad[i]), &unused) != SOTTO_E_SYNTAX) fail_msg("\"%s\"", bad[i]); \
        }                                                                                          \
    } while (0)

static void rtpmap_reads_codec_clock_and_channels(void **state)
{
    (void)state;
    struct sdp_rtpmap m;
    assert_int_equal(sotto__sdp_rtpmap(STR("111 opus/48000/2"), &m), 0);
    assert_int_equal(m.pt, 111);
    assert_str(m.name, "opus");
    assert_int_equal(m.clock, 48000);
    assert_int_equal(m.channels, 2);
    assert_int_equal(sotto__sdp_rtpmap(STR("0 PCMU/8000"), &m), 0);
    assert_int_equal(m.channels, 1);
    assert_int_equal(sotto__sdp_rtpmap(STR("127 x/4294967295/255"), &m), 0);
    assert_true(m.clock == UINT32_MAX);
    ASSERT_SYNTAX(sotto__sdp_rtpmap, struct sdp_rtpmap, "", "96", "96 ", "96 opus", "96 opus/",
                  "96 /48000", "128 x/1", "-1 x/1", "4294967296 x/1", "96 x/0", "96 x/4294967296",
                  "96 x/1/0", "96 x/1/256", "96 x/1/", "96 x/1/2/3", "96 x/1 y", "x opus/48000",
                  "96 o:pus/1");
}

static void fmtp_finds_parameters_by_their_key(void **state)
{
    (void)state;
    struct sdp_fmtp f;
    struct str value;
    assert_int_equal(sotto__sdp_fmtp(STR("96 a=1; Level-ID = x=y ;flag;;a=2;z"), &f), 0);
    assert_str(f.fmt, "96");
    assert_true(sotto__sdp_fmtp_param(&f, "a", &value));
    assert_str(value, "1"); /* the first */
    assert_true(sotto__sdp_fmtp_param(&f, "level-id", &value));
    assert_str(value, "x=y");
    assert_true(sotto__sdp_fmtp_param(&f, "flag", &value));
    assert_int_equal(value.n, 0);
    assert_true(sotto__sdp_fmtp_param(&f, "z", &value));
    assert_false(sotto__sdp_fmtp_param(&f, "fla", &value));
    assert_false(sotto__sdp_fmtp_param(&f, "b", &value));
    ASSERT_SYNTAX(sotto__sdp_fmtp, struct sdp_fmtp, "", " ", "(");
}

static void fmtp_may_hold_no_keys_and_nothing_at_all(void **state)
{
    (void)state;
    struct sdp_fmtp f;
    struct str value;
    assert_int_equal(sotto__sdp_fmtp(STR("101 0-16"), &f), 0);
    assert_str(f.params, "0-16");
    assert_false(sotto__sdp_fmtp_param(&f, "apt", &value));
    assert_int_equal(sotto__sdp_fmtp(STR("63 111/111"), &f), 0);
    assert_str(f.params, "111/111");
    assert_int_equal(sotto__sdp_fmtp(STR("63"), &f), 0);
    assert_int_equal(f.params.n, 0);
    assert_false(sotto__sdp_fmtp_param(&f, "apt", &value));
}

static void rtcp_fb_is_for_one_payload_type_or_all(void **state)
{
    (void)state;
    struct sdp_rtcp_fb fb;
    assert_int_equal(sotto__sdp_rtcp_fb(STR("96 ccm fir"), &fb), 0);
    assert_int_equal(fb.pt, 96);
    assert_str(fb.type, "ccm");
    assert_str(fb.param, "fir");
    assert_int_equal(sotto__sdp_rtcp_fb(STR("* nack"), &fb), 0);
    assert_int_equal(fb.pt, -1);
    assert_int_equal(fb.param.n, 0);
    assert_int_equal(sotto__sdp_rtcp_fb(STR("127 ccm tmmbr smaxpr=120"), &fb), 0);
    assert_str(fb.param, "tmmbr smaxpr=120");
    ASSERT_SYNTAX(sotto__sdp_rtcp_fb, struct sdp_rtcp_fb, "", "96", "* ", "128 nack", "-1 nack",
                  "** nack", "96 (");
}

static void extmap_reads_id_direction_uri_and_attributes(void **state)
{
    (void)state;
    struct sdp_extmap m;
    assert_int_equal(sotto__sdp_extmap(STR("3 urn:ietf:params:rtp-hdrext:sdes:mid"), &m), 0);
    assert_int_equal(m.id, 3);
    assert_int_equal(m.direction.n, 0);
    assert_str(m.uri, "urn:ietf:params:rtp-hdrext:sdes:mid");
    assert_int_equal(m.attributes.n, 0);
    assert_int_equal(sotto__sdp_extmap(STR("4096/recvonly urn:x  a b "), &m), 0);
    assert_int_equal(m.id, 4096);
    assert_str(m.direction, "recvonly");
    assert_str(m.attributes, "a b");
    static const int ids[] = {1, 14, 15, 255, 4096, 4351};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d x", ids[i]);
        assert_int_equal(sotto__sdp_extmap(sotto__str(text), &m), 0);
    }
    ASSERT_SYNTAX(sotto__sdp_extmap, struct sdp_extmap, "", "1", "1 ", "0 x", "256 x", "300 x",
                  "4095 x", "4352 x", "65537 x", "-1 x", "1/ x", "1/up x", "x x", "1/sendonly");
}

/* proves: SDP-20 */
static void rid_reads_id_direction_and_restrictions(void **state)
{
    (void)state;
    struct sdp_rid r;
    assert_int_equal(sotto__sdp_rid(STR("h-1_B send pt=96;max-width=1280"), &r), 0);
    assert_str(r.id, "h-1_B");
    assert_false(r.recv);
    assert_str(r.restrictions, "pt=96;max-width=1280");
    assert_int_equal(sotto__sdp_rid(STR("09azAZ recv"), &r), 0);
    assert_true(r.recv);
    assert_int_equal(r.restrictions.n, 0);
    ASSERT_SYNTAX(sotto__sdp_rid, struct sdp_rid, "", "h", "h ", "~h send", "h;m send",
                  "h sendrecv", "h SEND", "h\xc3\xbc send");
}

/* proves: SDP-20 */
static void rid_of_255_bytes_passes_and_of_256_does_not(void **state) /* H017 */
{
    (void)state;
    struct sdp_rid r;
    char text[300];
    snprintf(text, sizeof text, "%0255d send", 0);
    assert_int_equal(sotto__sdp_rid(sotto__str(text), &r), 0);
    assert_int_equal(r.id.n, 255);
    snprintf(text, sizeof text, "%0256d send", 0);
    assert_int_equal(sotto__sdp_rid(sotto__str(text), &r), SOTTO_E_SYNTAX);
}

/* proves: SDP-20 */
static void simulcast_reads_lists_for_both_directions(void **state)
{
    (void)state;
    struct sdp_simulcast s;
    assert_int_equal(sotto__sdp_simulcast(STR("send h;m;l"), &s), 0);
    assert_str(s.send, "h;m;l");
    assert_int_equal(s.recv.n, 0);
    assert_int_equal(sotto__sdp_simulcast(STR("recv a,~b;~c send 1"), &s), 0);
    assert_str(s.recv, "a,~b;~c");
    assert_str(s.send, "1");
    ASSERT_SYNTAX(sotto__sdp_simulcast, struct sdp_simulcast, "", "send", "send ", "~~~;,,",
                  "send ~~a", "send ;", "send a;", "send a;;b", "send a,", "send ,a", "send ~",
                  "send a send b", "send a recv", "both a", "send a b", "send rid=a;b");
}

static void ssrc_reads_attribute_and_value(void **state)
{
    (void)state;
    struct sdp_ssrc s;
    assert_int_equal(sotto__sdp_ssrc(STR("4294967295 cname:a:b c"), &s), 0);
    assert_true(s.ssrc == UINT32_MAX);
    assert_str(s.attribute, "cname");
    assert_str(s.value, "a:b c");
    assert_int_equal(sotto__sdp_ssrc(STR("1 flag"), &s), 0);
    assert_str(s.attribute, "flag");
    assert_int_equal(s.value.n, 0);
    ASSERT_SYNTAX(sotto__sdp_ssrc, struct sdp_ssrc, "", "1", "1 ", "1 :x", "4294967296 cname:x",
                  "-1 cname:x", "x cname:x", "1 c name");
}

static void ssrc_group_holds_up_to_16(void **state) /* H018 */
{
    (void)state;
    struct sdp_ssrc_group g;
    assert_int_equal(sotto__sdp_ssrc_group(STR("FID 1 4294967295"), &g), 0);
    assert_str(g.semantics, "FID");
    assert_int_equal(g.n_ssrcs, 2);
    assert_true(g.ssrcs[1] == UINT32_MAX);
    assert_int_equal(sotto__sdp_ssrc_group(STR("SIM 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"), &g),
                     0);
    assert_int_equal(g.n_ssrcs, 16);
    assert_int_equal(
        sotto__sdp_ssrc_group(STR("SIM 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), &g),
        SOTTO_E_LIMIT);
    ASSERT_SYNTAX(sotto__sdp_ssrc_group, struct sdp_ssrc_group, "", "FID", "FID ", "FID x",
                  "FID 4294967296", "(FID) 1");
}

/* proves: SDP-32 */
static void msid_reads_stream_and_track(void **state) /* SDP-32 */
{
    (void)state;
    struct sdp_msid m;
    assert_int_equal(sotto__sdp_msid(STR("{guid} track-1"), &m), 0);
    assert_str(m.id, "{guid}");
    assert_str(m.appdata, "track-1");
    assert_int_equal(sotto__sdp_msid(STR("-"), &m), 0);
    assert_int_equal(m.appdata.n, 0);
    assert_int_equal(
        sotto__sdp_msid(STR("1234567890123456789012345678901234567890123456789012345678901234 x"),
                        &m),
        0);
    ASSERT_SYNTAX(sotto__sdp_msid, struct sdp_msid, "", " ", "a b c", "a,b c", "a b:c",
                  "12345678901234567890123456789012345678901234567890123456789012345",
                  "x 12345678901234567890123456789012345678901234567890123456789012345");
}

static void bandwidth_reads_type_and_number(void **state) /* H019 */
{
    (void)state;
    static const struct {
        const char *text, *type;
        uint64_t value;
    } good[] = {{"AS:500", "AS", 500},
                {"TIAS:0", "TIAS", 0},
                {"X-YZ:007", "X-YZ", 7},
                {"AS:4294967295", "AS", UINT32_MAX},
                {"CT:18446744073709551615", "CT", UINT64_MAX},
                {"CT:18446744073709551616", "CT", UINT64_MAX},
                {"CT:99999999999999999999999999", "CT", UINT64_MAX},
                {"CT:00000000000000000000000001", "CT", 1}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct sdp_bandwidth b;
        assert_int_equal(sotto__sdp_bandwidth(sotto__str(good[i].text), &b), 0);
        assert_str(b.type, good[i].type);
        if (b.value != good[i].value) fail_msg("%s", good[i].text);
    }
    ASSERT_SYNTAX(sotto__sdp_bandwidth, struct sdp_bandwidth, "", "AS", "AS:", ":1", "AS:-1",
                  "AS: 1", "AS:1 ", "A S:1", "AS:1.5", "AS:x", "AS:1:2");
}

static void ptime_is_milliseconds_above_zero(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t ms;
    } good[] = {{"20", 20},   {"2.5", 2},   {"0.5", 1}, {"10.0", 10}, {"4294967295", UINT32_MAX},
                {"0020", 20}, {"0.001", 1}, {"1", 1}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint32_t ms = 0;
        assert_int_equal(sotto__sdp_ptime(sotto__str(good[i].text), &ms), 0);
        if (ms != good[i].ms) fail_msg("%s: %u", good[i].text, ms);
    }
    ASSERT_SYNTAX(sotto__sdp_ptime, uint32_t, "", "0", "0.0", "-1", ".5", "1.", "1.x", "1.5.5",
                  "20 ", "x", "4294967296", "20ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rtpmap_reads_codec_clock_and_channels),
        cmocka_unit_test(fmtp_finds_parameters_by_their_key),
        cmocka_unit_test(fmtp_may_hold_no_keys_and_nothing_at_all),
        cmocka_unit_test(rtcp_fb_is_for_one_payload_type_or_all),
        cmocka_unit_test(extmap_reads_id_direction_uri_and_attributes),
        cmocka_unit_test(rid_reads_id_direction_and_restrictions),
        cmocka_unit_test(rid_of_255_bytes_passes_and_of_256_does_not),
        cmocka_unit_test(simulcast_reads_lists_for_both_directions),
        cmocka_unit_test(ssrc_reads_attribute_and_value),
        cmocka_unit_test(ssrc_group_holds_up_to_16),
        cmocka_unit_test(msid_reads_stream_and_track),
        cmocka_unit_test(bandwidth_reads_type_and_number),
        cmocka_unit_test(ptime_is_milliseconds_above_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

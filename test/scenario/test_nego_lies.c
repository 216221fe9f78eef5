/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions that lie: rows H001 to H028 of the security catalogue, each one change of a good offer, given to a new connection and to
 * one in a call. What is refused changes nothing and queues no event; what is taken costs no more than its own section or line; the
 * call goes on. docs/explanation/threat-model.md has the tests of all rows.
 */
#include <time.h>

#include "nego_more.h"

/* ---- one change ---- */

enum op { PUT, SET, DROP_ALL, TEXT };

struct lie {
    const char *name;
    enum op op;
    int section;       /* 0 audio, 1 video, 2 data */
    const char *begin; /* SET: of the line that is replaced; DROP_ALL: of lines; TEXT: what is replaced */
    const char *line;  /* "%s" in SET: what followed `begin` */
    int want;
};

#define PRINT20 "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13"

static const struct lie refused[] = {
    /* proves: H004 */
    {"h004_a_byte_order_mark_is_refused", TEXT, 0, "v=0\r\n", "\xef\xbb\xbfv=0\r\n",
     SOTTO_E_SYNTAX},
    /* proves: H004 */
    {"h004_the_byte_255_is_refused", TEXT, 0, "v=0\r\n", "\xff=0\r\n", SOTTO_E_SYNTAX},
    /* proves: H004 */
    {"h004_a_lone_carriage_return_is_refused", TEXT, 0, "\r\nt=0 0", "\rt=0 0", SOTTO_E_SYNTAX},
    /* proves: H004 */
    {"h004_a_control_character_is_refused", TEXT, 0, "s=-", "s=\x01", SOTTO_E_SYNTAX},
    /* proves: H005 */
    {"h005_a_mid_twice_is_refused", SET, 1, "a=mid:", "a=mid:0", SOTTO_E_SYNTAX},
    /* proves: H005 */
    {"h005_a_group_that_names_an_unknown_mid_is_refused", TEXT, 0, "BUNDLE 0", "BUNDLE 9 0",
     SOTTO_E_SYNTAX},
    /* proves: H005 */
    {"h005_a_mid_in_two_groups_is_refused", TEXT, 0, "a=group:BUNDLE 0",
     "a=group:BUNDLE 1\r\na=group:BUNDLE 0", SOTTO_E_SYNTAX},
    /* proves: H005 SDP-16 */
    {"h005_a_mid_that_is_no_token_is_refused", SET, 1, "a=mid:", "a=mid:a b", SOTTO_E_SYNTAX},
    /* proves: H006 */
    {"h006_a_second_ice_ufrag_in_a_section_is_refused", PUT, 0, NULL, "a=ice-ufrag:zzzz",
     SOTTO_E_SYNTAX},
    /* proves: H006 */
    {"h006_a_second_setup_in_a_section_is_refused", PUT, 0, NULL, "a=setup:passive",
     SOTTO_E_SYNTAX},
    /* proves: H006 */
    {"h006_a_second_sctp_port_in_a_section_is_refused", PUT, 2, NULL, "a=sctp-port:5001",
     SOTTO_E_SYNTAX},
    /* proves: H007 SDP-08 */
    {"h007_no_fingerprint_is_refused", DROP_ALL, 0, "a=fingerprint:", NULL, SOTTO_E_SDP},
    /* proves: H008 */
    {"h008_sha_1_alone_is_refused", SET, 0, "a=fingerprint:", "a=fingerprint:sha-1 " PRINT20,
     SOTTO_E_SDP},
    /* proves: H008 */
    {"h008_md5_alone_is_refused", SET, 0, "a=fingerprint:",
     "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F", SOTTO_E_SDP},
    /* proves: H008 */
    {"h008_an_unknown_hash_alone_is_refused", SET, 0,
     "a=fingerprint:", "a=fingerprint:sha-9000 " PRINT20, SOTTO_E_SDP},
    /* proves: H008 */
    {"h008_bad_hex_is_refused", SET, 0, "a=fingerprint:", "a=fingerprint:sha-256 XX:%s",
     SOTTO_E_SYNTAX},
    /* proves: H008 */
    {"h008_a_fingerprint_of_20_bytes_for_sha_256_is_refused", SET, 0,
     "a=fingerprint:", "a=fingerprint:sha-256 " PRINT20, SOTTO_E_SYNTAX},
    {"h008_an_empty_fingerprint_is_refused", SET, 0,
     "a=fingerprint:", "a=fingerprint:", SOTTO_E_SYNTAX},
    /* proves: H010 */
    {"h010_holdconn_is_refused", SET, 0, "a=setup:", "a=setup:holdconn", SOTTO_E_SDP},
    /* proves: H010 */
    {"h010_an_unknown_role_is_refused", SET, 0, "a=setup:", "a=setup:lazy", SOTTO_E_SYNTAX},
    /* proves: H012 SDP-10 S14 */
    {"h012_keys_in_the_description_instead_of_dtls_are_refused", SET, 0, "a=fingerprint:",
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
     SOTTO_E_SDP},
};

static const struct lie harmless[] = {
    {"h006_a_second_rtcp_mux_is_harmless", PUT, 0, NULL, "a=rtcp-mux", 0},
    {"h008_md5_beside_a_good_one_is_harmless", PUT, 0, NULL,
     "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F", 0},
    /* proves: H012 */
    {"h012_keys_beside_dtls_are_harmless", PUT, 0, NULL,
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", 0},
    /* proves: H015 */
    {"h015_an_apt_of_itself_is_dropped", PUT, 1, NULL, "a=fmtp:96 apt=96", 0},
    /* proves: H016 */
    {"h016_an_extension_of_id_0_is_harmless", PUT, 1, NULL, "a=extmap:0 urn:3gpp:video-orientation",
     0},
    /* proves: H016 */
    {"h016_an_extension_of_id_300_is_harmless", PUT, 1, NULL,
     "a=extmap:300 urn:3gpp:video-orientation", 0},
    /* proves: H018 */
    {"h018_a_group_of_unknown_ssrcs_is_harmless", PUT, 1, NULL, "a=ssrc-group:FID 1 2", 0},
    /* proves: H019 */
    {"h019_a_bandwidth_of_32_bits_is_harmless", SET, 1, "c=", "c=%s\r\nb=AS:4294967295", 0},
    {"h019_a_bandwidth_of_0_is_harmless", SET, 1, "c=", "c=%s\r\nb=TIAS:0", 0},
    /* proves: H020 */
    {"h020_a_message_size_of_65_bits_is_harmless", SET, 2,
     "a=max-message-size:", "a=max-message-size:18446744073709551616", 0},
    /* proves: H020 */
    {"h020_a_negative_message_size_is_harmless", SET, 2,
     "a=max-message-size:", "a=max-message-size:-1", 0},
    /* proves: H025 */
    {"h025_format_characters_in_a_stream_are_harmless", PUT, 0, NULL, "a=msid:%n%s%n%s %n", 0},
    {"h025_format_characters_in_an_attribute_are_carried_as_text", PUT, 0, NULL, "a=%n:%s%s%s%n",
     0},
};

static char *told(struct nego *n, const struct lie *lie, const char *good)
{
    switch (lie->op) {
    case PUT: return sdp_put(n, good, lie->section, lie->line);
    case DROP_ALL: return sdp_drop_all(n, good, lie->begin);
    case TEXT: return sdp_replace(n, good, lie->begin, lie->line);
    default: break;
    }
    char *text = nego_text(n, "%s", good), *value = sdp_value(n, good, lie->section, lie->begin);
    assert_non_null(value);
    const char *at = strstr(lie->line, "%s"); /* by hand: the line may hold other such characters */
    char *line = at ? nego_text(n, "%.*s%s%s", (int)(at - lie->line), lie->line, value, at + 2)
                    : nego_text(n, "%s", lie->line);
    if (strcmp(lie->begin, "a=fingerprint:") == 0) /* in the others too, or they would do instead */
        for (int i = SDP_SESSION; i < 3; i++)
            if (i != lie->section && sdp_has(n, text, i, lie->begin))
                text = sdp_drop(n, text, i, lie->begin);
    return sdp_set(n, text, lie->section, lie->begin, line);
}

static void fill(struct nego *n)
{
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_channel(&n->a, "c");
}

static struct nego *call(void)
{
    struct nego *n = nego_pair();
    fill(n);
    nego_exchange(&n->a);
    more_expect_data(n);
    return n;
}

static void lie_is_refused(void **state)
{
    const struct lie *lie = *state;
    struct nego *n = nego_pair(); /* to a new connection */
    fill(n);
    char *offer = nego_offer(&n->a);
    nego_refuse_remote(&n->b, SOTTO_SDP_OFFER, told(n, lie, offer), lie->want);
    char *answer = nego_answer_to(&n->b, offer);
    /* and in a call, both as an offer and as an answer */
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    offer = nego_offer(&n->b);
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, told(n, lie, offer), lie->want);
    more_expect_data(n);
    answer = nego_answer_to(&n->a, offer);
    nego_refuse_remote(&n->b, SOTTO_SDP_ANSWER, told(n, lie, answer), lie->want);
    more_expect_data(n);
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

static void lie_is_harmless(void **state)
{
    const struct lie *lie = *state;
    struct nego *n = nego_pair();
    fill(n);
    for (int i = 0; i < 4; i++) { /* each side offers twice, answers twice */
        struct nego_side *from = i % 2 ? &n->b : &n->a;
        char *answer = nego_answer_to(nego_other(from), told(n, lie, nego_offer(from)));
        for (int k = 0; k < 3; k++) assert_false(sdp_is_rejected(n, answer, k));
        assert_null(strstr(answer, "%n"));
        assert_null(strstr(answer, "a=crypto"));
        nego_set_remote(from, SOTTO_SDP_ANSWER, told(n, lie, answer));
        more_expect_one_transport(n);
        more_expect_data(n);
    }
    nego_free(n);
}

/* ---- too much ---- */

static const struct flood {
    const char *name;
    int section;      /* -1: after all */
    const char *line; /* %zu: its number */
    size_t n;
    int want; /* 0: taken; else refused so */
} floods[] = {
    /* proves: H001 */
    {"h001_a_description_of_10_mb_is_refused", 0, "a=x:0123456789012345678901234567890123456789",
     220000, SOTTO_E_LIMIT},
    /* proves: H002 */
    {"h002_a_hundred_thousand_m_lines_are_refused", -1, "m=audio 9 UDP/TLS/RTP/SAVPF 0", 100000,
     SOTTO_E_LIMIT},
    /* proves: H002 */
    {"h002_sixty_five_m_lines_are_refused", -1, "m=audio 0 UDP/TLS/RTP/SAVPF 0", 62, SOTTO_E_LIMIT},
    /* proves: H002 */
    {"h002_a_million_attributes_are_refused", 0, "a=x", 1000000, SOTTO_E_LIMIT},
    /* proves: H002 */
    {"h002_a_section_of_2049_lines_is_refused", 0, "a=x", 2048, SOTTO_E_LIMIT},
    /* proves: H008 */
    {"h008_ten_thousand_fingerprints_are_refused", 0, "a=fingerprint:sha-1 " PRINT20, 10000,
     SOTTO_E_LIMIT},
    /* proves: H008 */
    {"h008_nine_fingerprints_are_refused", 0,
     "a=fingerprint:sha-384 " PRINT20 ":" PRINT20 ":20:21:22:23:24:25:26:27", 8, SOTTO_E_LIMIT},
    /* proves: H016 */
    {"h016_a_thousand_extensions_are_taken_as_far_as_they_go", 1, "a=extmap:%zu urn:x:%zu", 1000,
     0},
    /* proves: H017 */
    {"h017_a_thousand_rids_are_taken_as_far_as_they_go", 1, "a=rid:r%zu recv", 1000, 0},
    /* proves: H018 */
    {"h018_a_thousand_ssrcs_are_taken_as_far_as_they_go", 1, "a=ssrc:%zu cname:x", 1000, 0},
    /* proves: H018 */
    {"h018_ten_thousand_ssrcs_are_refused", 1, "a=ssrc:%zu cname:x", 10000, SOTTO_E_LIMIT},
    /* proves: H026 */
    {"h026_a_thousand_candidates_are_taken_as_far_as_they_go", 0,
     "a=candidate:%zu 1 udp 1 192.0.2.%zu 9 typ host", 1000, 0},
    /* proves: H026 */
    {"h026_a_hundred_thousand_candidates_are_refused", 0,
     "a=candidate:%zu 1 udp 1 192.0.2.99 9 typ host", 100000, SOTTO_E_LIMIT},
};

/* The text with n such lines; %zu stands for numbers below 250. */
static char *flooded(const struct flood *f, const char *good)
{
    const char *at = good;
    for (int i = 0; f->section >= 0 && i <= f->section; i++) at = strstr(at, "\r\nm=") + 2;
    const char *end = f->section >= 0 ? strstr(at, "\r\nm=") + 2 : good + strlen(good);
    size_t each = strlen(f->line) + 16, begin = (size_t)(end - good);
    char *text = malloc(strlen(good) + f->n * each + 1);
    assert_non_null(text);
    memcpy(text, good, begin);
    char *to = text + begin;
    for (size_t i = 0; i < f->n; i++) {
        for (const char *c = f->line; *c; c++) {
            if (strncmp(c, "%zu", 3) != 0) {
                *to++ = *c;
                continue;
            }
            to += snprintf(to, 8, "%zu", i % 250);
            c += 2;
        }
        *to++ = '\r', *to++ = '\n';
    }
    memcpy(to, end, strlen(end) + 1);
    return text;
}

static void flood_is_bounded(void **state)
{
    const struct flood *f = *state;
    struct nego *n = call();
    char *good = nego_offer(&n->b), *text = flooded(f, good);
    if (f->want < 0) {
        nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, text, f->want);
        more_expect_data(n);
        nego_set_remote(&n->b, SOTTO_SDP_ANSWER, nego_answer_to(&n->a, good));
    } else {
        char *answer = nego_answer_to(&n->a, text);
        assert_true(strlen(answer) < 30000);
        nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
    }
    free(text);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

/* proves: H001 */
static void h001_too_long_a_description_is_refused_at_once(void **state)
{
    (void)state;
    struct nego *n = call();
    struct flood f = {.section = 0, .line = "a=x:0123456789", .n = 700000};
    char *text = flooded(&f, nego_offer(&n->b));
    assert_true(strlen(text) > 10000000);
    clock_t before = clock();
    for (int i = 0; i < 20; i++)
        assert_int_equal(sotto_pc_set_remote_description(n->a.pc, SOTTO_SDP_OFFER, text, NULL),
                         SOTTO_E_LIMIT);
    assert_true((clock() - before) / (CLOCKS_PER_SEC / 1000) < 20 * 20); /* sanitizers are slow */
    free(text);
    more_expect_data(n);
    nego_free(n);
}

/* proves: H003 H015 */
static void h003_a_line_of_1_mb_is_refused(void **state)
{
    (void)state;
    static const size_t lengths[] = {1000000, 100000, 8193};
    struct nego *n = call();
    char *good = nego_offer(&n->b);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *line = malloc(lengths[i] + 1);
        assert_non_null(line);
        memset(line, 'x', lengths[i]);
        memcpy(line, "a=x:", 4);
        line[lengths[i]] = '\0';
        nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, sdp_put(n, good, 0, line), SOTTO_E_LIMIT);
        free(line);
    }
    more_expect_data(n);
    nego_free(n);
}

/* ---- roles of DTLS ---- */

static const struct {
    const char *name, *offered, *answered;
} roles[] = {
    /* proves: H010 */
    {"h010_an_offer_that_is_active_gets_a_passive_answer", "active", "passive"},
    /* proves: H010 */
    {"h010_an_offer_that_is_passive_gets_an_active_answer", "passive", "active"},
};

static void role_is_answered(void **state)
{
    const struct {
        const char *name, *offered, *answered;
    } *row = *state;
    struct nego *n = nego_pair();
    fill(n);
    char *offer = sdp_replace(n, nego_offer(&n->a), "a=setup:actpass",
                              nego_text(n, "a=setup:%s", row->offered));
    char *answer = nego_answer_to(&n->b, offer);
    assert_string_equal(sdp_value(n, answer, 0, "a=setup:"), row->answered);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    assert_int_equal(nego_transport(&n->a).is_dtls_client, strcmp(row->offered, "active") == 0);
    nego_free(n);
}

/* proves: H011 */
static void h011_actpass_in_an_answer_is_refused(void **state)
{
    (void)state;
    struct nego *n = call();
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    char *bad = sdp_set(n, answer, 0, "a=setup:", "a=setup:actpass");
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, bad, SOTTO_E_SDP);
    nego_refuse_remote(&n->a, SOTTO_SDP_PRANSWER, bad, SOTTO_E_SDP);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_free(n);
}

/* ---- codecs that lie cost themselves or their section ---- */

static const struct {
    const char *name, *kind, *formats, *lines, *want; /* want: formats of the answer, NULL rejected */
} codecs[] = {
    /* proves: H014 SDP-28 */
    {"h014_a_payload_type_of_64_to_95_costs_itself", "video", "64 95 96",
     "rtpmap:64 VP8/90000|rtpmap:95 VP8/90000|rtpmap:96 VP8/90000", "96"},
    /* proves: H014 */
    {"h014_one_payload_type_for_two_codecs_costs_itself", "video", "96 97",
     "rtpmap:96 VP8/90000|rtpmap:96 H265/90000|rtpmap:97 VP9/90000", "97"},
    /* proves: H014 */
    {"h014_payload_types_that_are_none_leave_nothing", "video", "128 4294967296 72",
     "rtpmap:72 VP8/90000", NULL},
    {"h014_a_payload_type_named_twice_counts_once", "video", "96 96", "rtpmap:96 VP8/90000", "96"},
    /* proves: H015 H105 */
    {"h015_a_chain_of_apt_costs_itself", "video", "96 97 98",
     "rtpmap:96 VP8/90000|rtpmap:97 rtx/90000|fmtp:97 apt=98|rtpmap:98 rtx/90000|fmtp:98 apt=97",
     "96"},
    /* proves: H015 */
    {"h015_a_profile_that_is_no_number_costs_its_codec", "video", "96 97",
     "rtpmap:96 H264/90000|fmtp:96 profile-level-id=zz|rtpmap:97 VP9/90000|fmtp:97 profile-id=-1|"
     "rtpmap:98 VP8/90000",
     NULL},
    {"h015_parameters_of_commas_and_semicolons_cost_nothing", "video", "96",
     "rtpmap:96 VP8/90000|fmtp:96 ;;;=;;==;,,", "96"},
};

static void codec_costs_itself(void **state)
{
    const struct {
        const char *name, *kind, *formats, *lines, *want;
    } *row = *state;
    struct nego *n = nego_alone();
    char *answer = nego_answer_to(&n->a, more_offer(n, row->kind, row->formats, row->lines));
    assert_int_equal(sdp_is_rejected(n, answer, 0), row->want == NULL);
    if (row->want) assert_string_equal(more_formats(n, answer, 0), row->want);
    assert_false(sdp_is_rejected(n, answer, 1));
    nego_free(n);
}

/* proves: H015 */
static void h015_parameters_beyond_1_kb_cost_their_codec(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct nego *n = nego_alone();
        char *lines =
            nego_text(n, "rtpmap:96 VP8/90000|rtpmap:97 VP9/90000|fmtp:96 x=%0*d", 1024 - 2 + i, 0);
        char *answer = nego_answer_to(&n->a, more_offer(n, "video", "96 97", lines));
        assert_string_equal(more_formats(n, answer, 0), i ? "97" : "96 97");
        nego_free(n);
    }
}

/* proves: S14 H013 */
static void h013_a_section_without_dtls_costs_itself(void **state)
{
    (void)state;
    static const char *const profiles[] = {"RTP/AVP", "RTP/AVPF", "UDP", "RTP/SAVPF/X"};
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        struct nego *n = nego_alone();
        char *offer = more_offer(n, "audio", "0", "rtpmap:0 PCMU/8000");
        offer = sdp_replace(n, offer, "UDP/TLS/RTP/SAVPF", profiles[i]);
        sdp_expect(n, nego_answer_to(&n->a, offer), "0 audio rejected; 1 application");
        nego_free(n);
    }
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, refused, lie_is_refused);
    NEGO_ROWS(&u, harmless, lie_is_harmless);
    NEGO_ROWS(&u, floods, flood_is_bounded);
    NEGO_TEST(&u, h001_too_long_a_description_is_refused_at_once);
    NEGO_TEST(&u, h003_a_line_of_1_mb_is_refused);
    NEGO_ROWS(&u, roles, role_is_answered);
    NEGO_TEST(&u, h011_actpass_in_an_answer_is_refused);
    NEGO_ROWS(&u, codecs, codec_costs_itself);
    NEGO_TEST(&u, h015_parameters_beyond_1_kb_cost_their_codec);
    NEGO_TEST(&u, h013_a_section_without_dtls_costs_itself);
    return nego_suite_run(&u, "negotiation: lies");
}

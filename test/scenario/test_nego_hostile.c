/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions that lie or are odd, to a peer that knows media: what rows H001 to H028 and SDP-01 to SDP-34 of the security catalogue
 * want and no other scenario names. Each is given to a new peer and to one in a call that must go on.
 */
#include "nego.h"
#include "nego_sdp.h"
#include "util/mem.h"

static const struct paper media = {
    .s = {{"audio", .msid = "s t"}, {"video", .msid = "s v"}, {"data"}}};

/* ---- lines that are put into a section of a good offer ---- */

enum verdict { TAKEN, REFUSED, EITHER };

static const struct row {
    const char *name, *line;
    int section;
    enum verdict want;
} rows[] = {
    {"h006_a_second_ice_ufrag_is_refused", "a=ice-ufrag:zzzz", 0, REFUSED},
    {"h006_a_second_ice_pwd_is_refused", "a=ice-pwd:zzzzzzzzzzzzzzzzzzzzzzzz", 0, REFUSED},
    {"h006_a_second_setup_is_refused", "a=setup:active", 0, REFUSED},
    {"h006_a_second_sctp_port_is_refused", "a=sctp-port:5001", 2, REFUSED},
    {"h006_a_second_mid_is_refused", "a=mid:zz", 0, REFUSED},
    {"h008_a_second_fingerprint_of_md5_is_ignored",
     "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F", 0, TAKEN},
    {"h012_sdes_beside_dtls_is_ignored",
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3", 0, TAKEN},
    {"h014_an_rtpmap_of_a_number_beyond_is_harmless", "a=rtpmap:300 opus/48000/2", 0, EITHER},
    {"h014_an_rtpmap_of_a_negative_number_is_harmless", "a=rtpmap:-1 opus/48000/2", 0, EITHER},
    {"h014_a_second_rtpmap_of_a_number_is_harmless", "a=rtpmap:111 PCMU/8000", 0, EITHER},
    {"h015_an_apt_that_is_missing_is_harmless", "a=fmtp:97 apt", 1, TAKEN},
    {"h015_an_apt_of_itself_is_harmless", "a=fmtp:96 apt=96", 1, TAKEN},
    {"h016_an_extmap_without_a_uri_is_harmless", "a=extmap:5", 0, EITHER},
    /* proves: H016 */
    {"h016_an_extmap_of_id_15_is_harmless", "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid", 0,
     TAKEN},
    {"h016_an_extmap_of_a_used_id_is_harmless", "a=extmap:4 urn:3gpp:video-orientation", 1, TAKEN},
    {"h017_a_rid_without_a_direction_is_harmless", "a=rid:a", 1, EITHER},
    {"h017_a_simulcast_line_of_separators_is_harmless", "a=simulcast:;,;~,~;;", 1, EITHER},
    {"h018_an_ssrc_group_of_unknown_ssrcs_is_harmless", "a=ssrc-group:FID 1 2", 1, TAKEN},
    /* proves: H018 */
    {"h018_an_ssrc_group_of_one_ssrc_twice_is_harmless", "a=ssrc-group:FID 1 1", 1, TAKEN},
    {"h018_an_ssrc_that_is_no_number_is_harmless", "a=ssrc:x cname:y", 1, EITHER},
    {"h018_an_ssrc_beyond_32_bits_is_harmless", "a=ssrc:4294967296 cname:y", 1, EITHER},
    {"h020_a_max_message_size_of_letters_is_harmless", "a=max-message-size:many", 2, EITHER},
    {"h025_format_characters_in_an_attribute_are_harmless", "a=x:%s%n%s%n", 0, TAKEN},
    /* proves: SDP-12 */
    {"sdp_12_an_unknown_attribute_is_ignored", "a=nobody-knows:this", 0, TAKEN},
    /* proves: SDP-20 */
    {"sdp_20_a_rid_with_an_unknown_restriction_is_harmless", "a=rid:q recv colour=blue", 1, TAKEN},
    /* proves: SDP-32 */
    {"sdp_32_an_msid_of_65_bytes_is_harmless",
     "a=msid:01234567890123456789012345678901234567890123456789012345678901234 t", 0, EITHER},
    {"sdp_32_an_empty_msid_is_harmless", "a=msid:", 0, EITHER},
};

static void one_line(void **state)
{
    const struct row *row = *state;
    struct nego *n = nego_alone();
    char *offer = sdp_put(n, paper_write(n, &media), row->section, row->line);
    char *before = nego_snapshot(&n->a);
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, offer);
    if (row->want == TAKEN) assert_int_equal(r, 0);
    if (row->want == REFUSED) assert_true(r == SOTTO_E_SYNTAX || r == SOTTO_E_SDP);
    assert_true(r == 0 || r == SOTTO_E_SYNTAX || r == SOTTO_E_SDP);
    if (r < 0) {
        assert_string_equal(nego_snapshot(&n->a), before);
    } else {
        char *answer = nego_answer(&n->a);
        assert_int_equal(sdp_sections(answer), 3);
        assert_false(sdp_is_rejected(n, answer, 0));
        assert_false(sdp_is_rejected(n, answer, 2));
        assert_int_equal(sdp_count(answer, "a=crypto"), 0);
        assert_int_equal(sdp_count(answer, "%n"), 0);
        sdp_sections(nego_remote(&n->a)); /* can be written back */
    }
    nego_run(n, SOTTO_MS(20));
    nego_free(n);
}

/* ---- floods: n lines in one section; bounded memory, and a peer that goes on ---- */

static const struct flood {
    const char *name, *before, *after; /* of the number */
    int section;
    size_t n;
} floods[] = {
    {"h002_a_flood_of_attributes_is_bounded", "a=x:", "\r\n", 0, 10000},
    {"h008_a_flood_of_fingerprints_is_bounded", "a=fingerprint:sha-1 ", ":00\r\n", 0, 10000},
    {"h014_a_flood_of_rtpmaps_is_bounded", "a=rtpmap:", " opus/48000/2\r\n", 0, 5000},
    {"h015_a_flood_of_fmtps_is_bounded", "a=fmtp:", " apt=97\r\n", 1, 5000},
    {"h016_a_flood_of_extmaps_is_bounded", "a=extmap:", " urn:x\r\n", 0, 1900},
    /* proves: H017 */
    {"h017_a_flood_of_rids_is_bounded", "a=rid:", " recv\r\n", 1, 1900},
    {"h018_a_flood_of_ssrcs_is_bounded", "a=ssrc:", " cname:x\r\n", 1, 1900},
    {"h018_a_flood_of_ssrc_groups_is_bounded", "a=ssrc-group:FID ", " 1\r\n", 1, 1900},
    {"h026_a_flood_of_candidates_is_bounded", "a=candidate:", " 1 udp 1 192.0.2.99 9 typ host\r\n",
     0, 1900},
    {"sdp_32_a_flood_of_msids_is_bounded", "a=msid:", " t\r\n", 0, 1900},
};

static void flood(void **state)
{
    const struct flood *row = *state;
    struct nego *n = nego_alone();
    char *lines = calloc(row->n + 1, 100), *good = paper_write(n, &media);
    size_t at = 0;
    assert_non_null(lines);
    for (size_t i = 0; i < row->n; i++) {
        int len = snprintf(lines + at, 100, "%s%zu%s", row->before, i % 256, row->after);
        at += (size_t)len;
    }
    lines[at - 2] = '\0';
    int64_t live = sotto__mem_live();
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, sdp_put(n, good, row->section, lines));
    free(lines);
    assert_true(r == 0 || r == SOTTO_E_LIMIT || r == SOTTO_E_SYNTAX || r == SOTTO_E_SDP);
    if (r < 0) assert_int_equal(sotto__mem_live(), live);
    if (r < 0) nego_set_remote(&n->a, SOTTO_SDP_OFFER, good);
    nego_answer(&n->a);
    nego_run(n, SOTTO_MS(20));
    nego_free(n);
}

/* ---- what our own descriptions look like ---- */

static char *full_offer(struct nego *n)
{
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_channel(&n->a, "c");
    return nego_make_offer(&n->a);
}

/* proves: SDP-01 */
static void sdp_01_an_offer_has_the_skeleton_and_its_version_counts_changes(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *one = full_offer(n), *two = nego_make_offer(&n->a);
    assert_string_equal(one, two); /* unchanged: the same */
    assert_true(strncmp(one, "v=0\r\no=- ", 9) == 0);
    assert_string_equal(sdp_value(n, one, SDP_SESSION, "s="), "-");
    assert_string_equal(sdp_value(n, one, SDP_SESSION, "t="), "0 0");
    unsigned long long id, v1, v2, other;
    assert_int_equal(sscanf(sdp_value(n, one, SDP_SESSION, "o=- "), "%llu %llu", &id, &v1), 2);
    assert_true(id <= INT64_MAX && id > 0xffff);
    nego_track(&n->a, SOTTO_AUDIO, "t");
    two = nego_make_offer(&n->a);
    assert_int_equal(sscanf(sdp_value(n, two, SDP_SESSION, "o=- "), "%llu %llu", &other, &v2), 2);
    assert_true(other == id && v2 == v1 + 1);
    nego_free(n);
}

/* proves: SDP-02 SDP-03 */
static void sdp_02_every_offer_is_actpass_and_sdp_03_no_answer_is(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    full_offer(n);
    for (int i = 0; i < 4; i++) {
        struct nego_side *s = i % 2 ? &n->b : &n->a;
        char *offer = nego_offer(s), *answer = nego_answer_to(nego_other(s), offer);
        assert_true(sdp_count(offer, "a=setup:") == sdp_count(offer, "a=setup:actpass") &&
                    sdp_count(offer, "a=setup:") > 0);
        assert_int_equal(sdp_count(answer, "a=setup:actpass"), 0);
        assert_int_equal(sdp_count(answer, "a=setup:holdconn"), 0);
        nego_set_remote(s, SOTTO_SDP_ANSWER, answer);
    }
    nego_free(n);
}

/* proves: SDP-06 */
static void sdp_06_our_fingerprint_is_sha_256_in_upper_case(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *offer = full_offer(n), *print = NULL;
    for (int i = SDP_SESSION; i < 3 && !print; i++)
        print = sdp_value(n, offer, i, "a=fingerprint:");
    assert_non_null(print);
    assert_true(strncmp(print, "sha-256 ", 8) == 0);
    assert_int_equal(strlen(print), 8 + 32 * 3 - 1);
    for (char *c = print + 8; *c; c++) assert_non_null(strchr("0123456789ABCDEF:", *c));
    nego_free(n);
}

/* proves: SDP-10 S14 */
static void sdp_10_keys_are_never_in_an_offer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *offer = full_offer(n);
    assert_int_equal(sdp_count(offer, "crypto"), 0);
    assert_int_equal(sdp_count(offer, "key-mgmt"), 0);
    assert_int_equal(sdp_count(offer, "ice-lite"), 0);
    nego_free(n);
}

/* proves: SDP-21 */
static void sdp_21_sctp_port_and_message_size_are_offered(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *offer = full_offer(n);
    assert_true(sdp_has(n, offer, 2, "a=sctp-port:5000"));
    assert_true(sdp_has(n, offer, 2, "a=max-message-size:"));
    nego_free(n);
}

/* proves: SDP-23 */
static void sdp_23_trickle_and_ice2_are_offered(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *offer = full_offer(n), *options = NULL;
    for (int i = SDP_SESSION; i < 3 && !options; i++)
        options = sdp_value(n, offer, i, "a=ice-options:");
    assert_true(options && strstr(options, "trickle") && strstr(options, "ice2"));
    nego_free(n);
}

/* proves: SDP-26 */
static void sdp_26_the_default_destination_is_a_candidate_or_none(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    full_offer(n);
    char *fresh = nego_make_offer(&n->a);
    assert_string_equal(sdp_value(n, fresh, 0, "c="), "IN IP4 0.0.0.0");
    nego_exchange(&n->a);
    nego_connect(n);
    nego_run(n, SOTTO_SECONDS(1));
    char *local = nego_local(&n->a), *c = sdp_value(n, local, 0, "c=IN IP4 ");
    if (strcmp(c, "0.0.0.0") != 0) {
        char *address = nego_text(n, " %s ", c);
        assert_non_null(strstr(sdp_section(n, local, 0), address));
    }
    nego_free(n);
}

/* proves: SDP-31 */
static void sdp_31_lines_end_in_crlf_and_lf_is_taken_and_nul_is_not(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    char *offer = full_offer(n);
    for (char *c = offer; (c = strchr(c, '\n')); c++) assert_true(c[-1] == '\r');
    char *lf = nego_text(n, "%s", offer), *to = lf;
    for (char *from = offer; *from; from++)
        if (*from != '\r') *to++ = *from;
    *to = '\0';
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, lf);
    nego_rollback(&n->b);
    nego_refuse_remote(&n->b, SOTTO_SDP_OFFER, sdp_replace(n, offer, "a=mid:0", "a=mid:\x01"),
                       SOTTO_E_SYNTAX);
    nego_refuse_remote(&n->b, SOTTO_SDP_OFFER, sdp_replace(n, offer, "\r\na=mid:0", "\ra=mid:0"),
                       SOTTO_E_SYNTAX);
    nego_free(n);
}

/* ---- fingerprints that matter when it connects ---- */

static const struct {
    const char *name;
    bool session_is_right, connects;
} prints[] = {
    /* proves: SDP-09 */
    {"sdp_09_a_fingerprint_of_the_section_goes_before_that_of_the_session", false, true},
    /* proves: SDP-09 */
    {"sdp_09_a_wrong_fingerprint_of_the_section_is_not_healed_by_the_session", true, false},
};

static void print_level(void **state)
{
    const struct {
        const char *name;
        bool session_is_right, connects;
    } *row = *state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    char *offer = nego_offer(&n->a), *right = NULL;
    for (int i = SDP_SESSION; i < 1 && !right; i++)
        right = sdp_value(n, offer, i, "a=fingerprint:");
    offer = sdp_drop_all(n, offer, "a=fingerprint:");
    const char *session = row->session_is_right ? right : PAPER_PRINT;
    const char *section = row->session_is_right ? PAPER_PRINT : right;
    offer = sdp_put(n, offer, SDP_SESSION, nego_text(n, "a=fingerprint:%s", session));
    offer = sdp_put(n, offer, 0, nego_text(n, "a=fingerprint:%s", section));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, offer));
    assert_int_equal(nego_until(n, SOTTO_SECONDS(30), nego_is_connected, NULL), row->connects);
    if (!row->connects) assert_int_equal(nego_transport(&n->b).dtls, SOTTO_DTLS_FAILED);
    nego_free(n);
}

static void h009_a_weak_hash_does_not_heal_a_wrong_strong_one(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    char *offer = nego_offer(&n->a);
    offer = sdp_drop_all(n, offer, "a=fingerprint:");
    offer = sdp_put(n, offer, 0,
                    "a=fingerprint:" PAPER_PRINT "\r\na=fingerprint:sha-1 "
                    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, offer));
    assert_false(nego_until(n, SOTTO_SECONDS(20), nego_is_connected, NULL));
    assert_int_equal(nego_transport(&n->b).dtls, SOTTO_DTLS_FAILED);
    nego_free(n);
}

/* ---- in a call ---- */

/* proves: H021 */
static void h021_an_origin_that_goes_back_is_harmless(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = media;
    p.version = 10;
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version = 3;
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_true(r == 0 || r == SOTTO_E_SDP);
    if (r == 0) nego_answer(&n->a);
    assert_int_equal(nego_signaling(&n->a), SOTTO_SIGNALING_STABLE);
    nego_free(n);
}

/* proves: H028 */
static void h028_an_answer_of_another_session_is_refused_or_never_connects(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    full_offer(n);
    char *stolen = strdup(nego_answer_to(&n->b, nego_offer(&n->a)));
    assert_non_null(stolen);
    nego_free(n);
    n = nego_pair();
    full_offer(n);
    nego_offer(&n->a);
    int r = nego_try_remote(&n->a, SOTTO_SDP_ANSWER, stolen);
    free(stolen);
    assert_true(r == 0 || r == SOTTO_E_SDP);
    assert_false(nego_until(n, SOTTO_SECONDS(10), nego_is_connected, NULL));
    assert_int_not_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    nego_free(n);
}

/* proves: H025 */
static void h025_what_a_remote_wrote_is_shown_escaped(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *bad = sdp_set(n, paper_write(n, &media), 0, "a=mid:", "a=mid:\x7f\x1b[31m%n");
    assert_true(nego_try_remote(&n->a, SOTTO_SDP_OFFER, bad) < 0);
    for (const char *c = n->a.err.reason; *c; c++) assert_true(*c >= ' ' && *c < 0x7f);
    assert_true(n->a.err.line > 0);
    nego_free(n);
}

/* proves: H022 */
static void h022_every_way_to_lose_or_move_a_section_is_refused_in_a_call(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    full_offer(n);
    nego_exchange(&n->a);
    nego_connect(n);
    char *good = nego_make_offer(&n->b);
    for (int i = 0; i < 3; i++) {
        char *group = nego_text(n, "a=group:BUNDLE%s%s%s", i == 0 ? "" : " 0", i == 1 ? "" : " 1",
                                i == 2 ? "" : " 2");
        char *bad = sdp_set(n, sdp_drop_section(n, good, i), SDP_SESSION, "a=group:BUNDLE", group);
        nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, bad, SOTTO_E_SDP);
        nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, sdp_swap_sections(n, good, i, (i + 1) % 3),
                           SOTTO_E_SDP);
    }
    nego_send(nego_find(&n->a, "c"));
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(nego_is_whole(n, "c"));
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, rows, one_line);
    NEGO_ROWS(&u, floods, flood);
    NEGO_TEST(&u, sdp_01_an_offer_has_the_skeleton_and_its_version_counts_changes);
    NEGO_TEST(&u, sdp_02_every_offer_is_actpass_and_sdp_03_no_answer_is);
    NEGO_TEST(&u, sdp_06_our_fingerprint_is_sha_256_in_upper_case);
    NEGO_TEST(&u, sdp_10_keys_are_never_in_an_offer);
    NEGO_TEST(&u, sdp_21_sctp_port_and_message_size_are_offered);
    NEGO_TEST(&u, sdp_23_trickle_and_ice2_are_offered);
    NEGO_TEST(&u, sdp_26_the_default_destination_is_a_candidate_or_none);
    NEGO_TEST(&u, sdp_31_lines_end_in_crlf_and_lf_is_taken_and_nul_is_not);
    NEGO_ROWS(&u, prints, print_level);
    NEGO_TEST(&u, h009_a_weak_hash_does_not_heal_a_wrong_strong_one);
    NEGO_TEST(&u, h021_an_origin_that_goes_back_is_harmless);
    NEGO_TEST(&u, h028_an_answer_of_another_session_is_refused_or_never_connects);
    NEGO_TEST(&u, h025_what_a_remote_wrote_is_shown_escaped);
    NEGO_TEST(&u, h022_every_way_to_lose_or_move_a_section_is_refused_in_a_call);
    return nego_suite_run(&u, "negotiation: hostile");
}

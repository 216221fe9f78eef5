/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers over the life of a connection: a payload type means one codec and an id of a header extension one URI in the whole bundle, from
 * the first description to the last, whoever gave them first (RFC 3264 §8.3.2, RFC 8285 §6, RFC 9143 §10; browsers refuse what breaks
 * it). SDP-15, SDP-19, SDP-28.
 */
#include "nego_more.h"

#define MID "urn:ietf:params:rtp-hdrext:sdes:mid"
#define LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define SEND_TIME "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define ORIENTATION "urn:3gpp:video-orientation"

/* ---- the ledger: what each number ever meant ---- */

struct ledger {
    char codecs[128][64], exts[256][160];
    int n_codecs, n_exts; /* entries that were checked against one before */
};

static void note(char *entry, size_t cap, const char *meaning, const char *what, int number)
{
    if (entry[0] && strcmp(entry, meaning) != 0)
        fail_msg("%s %d was %s and is %s", what, number, entry, meaning);
    snprintf(entry, cap, "%s", meaning);
}

static void note_codecs(struct ledger *l, struct nego *n, const char *lines)
{
    for (const char *at = lines; (at = strstr(at, "\r\na=rtpmap:"));) {
        at += strlen("\r\na=rtpmap:");
        long pt = strtol(at, NULL, 10);
        const char *name = strchr(at, ' ') + 1;
        assert_true(pt >= 0 && pt < 128 && (pt < 64 || pt > 95));
        char *meaning = nego_text(n, "%.*s", (int)strcspn(name, "\r"), name);
        l->n_codecs += l->codecs[pt][0] != '\0';
        note(l->codecs[pt], sizeof l->codecs[pt], meaning, "payload type", (int)pt);
    }
}

static void note_exts(struct ledger *l, struct nego *n, const char *lines)
{
    for (const char *at = lines; (at = strstr(at, "\r\na=extmap:"));) {
        at += strlen("\r\na=extmap:");
        long id = strtol(at, NULL, 10);
        const char *uri = strchr(at, ' ') + 1;
        assert_true(id > 0 && id < 256 && id != 15);
        char *meaning = nego_text(n, "%.*s", (int)strcspn(uri, "\r"), uri);
        l->n_exts += l->exts[id][0] != '\0';
        note(l->exts[id], sizeof l->exts[id], meaning, "extension", (int)id);
    }
}

static void note_all(struct ledger *l, struct nego *n, const char *sdp)
{
    note_codecs(l, n, sdp);
    note_exts(l, n, sdp);
}

/* An exchange, noted. */
static void exchange(struct ledger *l, struct nego_side *from)
{
    nego_exchange(from);
    note_all(l, from->n, nego_local(from));
    note_all(l, from->n, nego_remote(from));
}

/* proves: SDP-15 */
static void numbers_keep_their_meaning_over_a_long_call(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    struct ledger l = {.n_codecs = 0};
    nego_track(&n->a, SOTTO_VIDEO, "s");
    exchange(&l, &n->a);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    exchange(&l, &n->b);
    nego_add_rids(&n->a, "h,m,l");
    more_prefer(&n->a, nego_at(&n->a, 0), "AV1 H265 rtx");
    exchange(&l, &n->a);
    nego_stop(&n->b, nego_at(&n->b, 0));
    exchange(&l, &n->b);
    nego_track(&n->a, SOTTO_AUDIO, "u"); /* takes the section of the stopped one */
    more_prefer(&n->a, nego_at(&n->a, 0), "PCMA opus red");
    exchange(&l, &n->a);
    nego_track(&n->b, SOTTO_VIDEO, "w");
    more_prefer(&n->b, nego_at(&n->b, 0), "");
    exchange(&l, &n->b);
    exchange(&l, &n->a);
    assert_true(l.n_codecs > 100 && l.n_exts > 40);
    nego_expect_agreement(n);
    nego_free(n);
}

/* ---- numbers of the remote ---- */

#define FIREFOX_LIKE                                                                               \
    "rtpmap:109 opus/48000/2|rtpmap:9 G722/8000/1|extmap:1 " LEVEL "|extmap:2/recvonly "           \
    "urn:ietf:params:rtp-hdrext:csrc-audio-level|extmap:7 " MID

static void the_numbers_of_an_offer_are_kept_in_our_own_offers(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct ledger l = {.n_codecs = 0};
    char *offer = more_offer(n, "audio", "109 9 0", FIREFOX_LIKE);
    note_all(&l, n, offer);
    nego_answer_to(&n->a, offer);
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    char *ours = nego_offer(&n->a);
    note_all(&l, n, ours);
    assert_int_equal(more_pt(n, ours, 0, "opus"), 109);
    assert_int_equal(more_pt(n, ours, 3, "opus"), 109); /* a new section has the number, too */
    for (int i = 0; i < 4; i++) {
        if (i == 1) continue; /* data */
        more_expect_lines(n, ours, i, "a=extmap:7 " MID, true);
        more_expect_lines(n, ours, i, "a=extmap:2", false); /* it was theirs, and we do not know it */
    }
    more_expect_lines(n, ours, 0, "a=extmap:1 " LEVEL, true);
    more_expect_lines(n, ours, 2, "a=extmap:1 ", false);
    nego_free(n);
}

static void numbers_of_codecs_that_we_rejected_are_not_used_again(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct ledger l = {.n_codecs = 0};
    char *offer = more_offer(n, "video", "96 97 98",
                             "rtpmap:96 theora/90000|rtpmap:97 ulpfec/90000|rtpmap:98 VP8/90000");
    note_all(&l, n, offer);
    note_all(&l, n, nego_answer_to(&n->a, offer));
    note_all(&l, n, nego_offer(&n->a));
    assert_int_equal(more_pt(n, nego_local(&n->a), 0, "VP8"), 98);
    assert_true(l.n_codecs > 0);
    nego_free(n);
}

/* "96 97 … 127", and what they are; skip: none of them. */
static char *many(struct nego *n, int from, int to, const char *codec, char **formats)
{
    char *lines = nego_text(n, "%s", "");
    for (int pt = from; pt <= to; pt++) {
        *formats = nego_text(n, "%s%s%d", *formats, (*formats)[0] ? " " : "", pt);
        lines = nego_text(n, "%s%srtpmap:%d %s", lines, lines[0] ? "|" : "", pt, codec);
    }
    return lines;
}

/* proves: SDP-28 */
static void when_the_dynamic_numbers_are_used_up_those_below_64_are_taken(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct ledger l = {.n_codecs = 0};
    char *formats = nego_text(n, "0"), *lines = many(n, 96, 127, "x-odd/8000", &formats);
    char *offer = more_offer(n, "audio", formats, lines);
    note_all(&l, n, offer);
    nego_answer_to(&n->a, offer);
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    more_prefer(&n->a, t, "VP8 AV1 rtx");
    char *ours = nego_offer(&n->a);
    note_all(&l, n, ours);
    assert_string_equal(more_names(n, ours, 2), "VP8 rtx AV1 rtx");
    assert_true(more_pt(n, ours, 2, "VP8") >= 35 && more_pt(n, ours, 2, "AV1") <= 63);
    nego_free(n);
}

/* proves: SDP-28 */
static void without_any_number_left_an_offer_fails_and_changes_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *formats = nego_text(n, "0"), *lines = many(n, 96, 127, "x-odd/8000", &formats);
    lines = nego_text(n, "%s|%s", lines, many(n, 35, 63, "x-odd/8000", &formats));
    nego_answer_to(&n->a, more_offer(n, "audio", formats, lines));
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    char *before = nego_snapshot(&n->a), *sdp = NULL;
    assert_int_equal(sotto_pc_create_offer(n->a.pc, NULL, &sdp), SOTTO_E_LIMIT);
    assert_null(sdp);
    nego_refuse_local(&n->a, SOTTO_SDP_OFFER, NULL, SOTTO_E_LIMIT);
    assert_string_equal(nego_snapshot(&n->a), before);
    nego_stop(&n->a, t); /* and without what has none it goes on */
    nego_offer(&n->a);
    nego_free(n);
}

/* proves: SDP-15 */
static void one_number_for_two_codecs_in_the_bundle_rejects_the_second(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, /* 111 0 8 */
                            {"m=video 9 UDP/TLS/RTP/SAVPF 111 100",
                             .extra = "a=rtcp-mux\r\na=rtpmap:111 VP8/90000\r\n"
                                      "a=rtpmap:100 VP9/90000\r\n"},
                            {"m=video 9 UDP/TLS/RTP/SAVPF 100",
                             .extra = "a=rtcp-mux\r\na=rtpmap:100 H265/90000\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(more_formats(n, answer, 1), "100");
    sdp_expect(n, answer, "0 audio recvonly; 1 video recvonly; 2 video rejected");
    nego_free(n);
}

static void one_codec_may_have_one_number_in_all_sections(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"video"}, {"audio"}, {"video"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(more_formats(n, answer, 0), more_formats(n, answer, 2));
    nego_free(n);
}

static void a_codec_with_two_numbers_is_answered_with_both(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *offer = more_offer(n, "video", "96 100", "rtpmap:96 VP8/90000|rtpmap:100 VP8/90000");
    char *answer = nego_answer_to(&n->a, offer);
    assert_string_equal(more_formats(n, answer, 0), "96 100");
    char *ours = nego_offer(&n->a); /* one number is enough for an offer, and it is one of theirs */
    int pt = more_pt(n, ours, 0, "VP8");
    assert_true(pt == 96 || pt == 100);
    nego_free(n);
}

static void the_remotes_numbers_are_those_to_send_with(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    more_prefer(&n->a, t, "VP8 rtx");
    char *offer = nego_offer(&n->a), *answer = paper_answer(n, offer);
    int vp8 = more_pt(n, offer, 0, "VP8"), rtx = more_pt(n, offer, 0, "rtx");
    assert_int_equal(vp8, 96);
    /* an answer with numbers of its own: RFC 3264 §6.1 allows it */
    answer = sdp_replace(n, answer, nego_text(n, "SAVPF %d %d", vp8, rtx), "SAVPF 120 121");
    answer = sdp_replace(n, answer, nego_text(n, "rtpmap:%d ", vp8), "rtpmap:120 ");
    answer = sdp_replace(n, answer, nego_text(n, "rtpmap:%d ", rtx), "rtpmap:121 ");
    answer = sdp_replace(n, answer, nego_text(n, "rtcp-fb:%d ", vp8), "rtcp-fb:120 ");
    answer = sdp_replace(n, answer, nego_text(n, "fmtp:%d apt=%d", rtx, vp8), "fmtp:121 apt=120");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_string_equal(more_codecs(&n->a, t), "120=VP8 121=rtx(apt=120)");
    char *next = nego_offer(&n->a);
    assert_int_equal(more_pt(n, next, 0, "VP8"), 96); /* what we receive keeps our number */
    nego_free(n);
}

/* Browsers remember what a number meant in an offer that was rolled back. */
static void numbers_of_a_rolled_back_offer_keep_their_meaning(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct ledger l = {.n_codecs = 0};
    nego_track(&n->a, SOTTO_VIDEO, "s");
    char *theirs = more_offer(n, "video", "97 127",
                              "rtpmap:97 VP8/90000|rtpmap:127 theora/90000|extmap:9 " MID
                              "|extmap:4 " SEND_TIME);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, theirs);
    nego_rollback(&n->a);
    note_exts(&l, n, theirs);
    note_exts(&l, n, nego_offer(&n->a));
    assert_true(l.n_exts > 0);
    nego_free(n);
}

/* ---- header extensions ---- */

static const struct {
    const char *name, *lines, *has, *has_not; /* of a video section with VP8 */
} exts[] = {
    /* proves: SDP-19 */
    {"ids_are_answered_as_offered", "extmap:3 " MID "|extmap:14 " SEND_TIME,
     "a=extmap:3 " MID "\r\n|a=extmap:14 " SEND_TIME "\r\n", NULL},
    {"an_id_of_two_bytes_is_answered_without_allow_mixed", "extmap:200 " MID,
     "a=extmap:200 " MID "\r\n", "a=extmap-allow-mixed"},
    /* proves: SDP-19 */
    {"ids_of_one_and_two_bytes_with_allow_mixed",
     "extmap-allow-mixed|extmap:1 " MID "|extmap:255 " SEND_TIME,
     "a=extmap-allow-mixed|a=extmap:1 " MID "\r\n|a=extmap:255 " SEND_TIME "\r\n", NULL},
    /* proves: SDP-19 */
    {"id_256_is_not_answered", "extmap:256 " MID "|extmap:2 " SEND_TIME, "a=extmap:2 " SEND_TIME,
     "a=extmap:256"},
    {"an_id_of_offers_only_is_not_answered", "extmap:4096 " MID, NULL, "a=extmap:4096"},
    /* proves: H016 */
    {"of_one_id_for_two_uris_the_first_counts", "extmap:5 " MID "|extmap:5 " SEND_TIME,
     "a=extmap:5 " MID "\r\n", "a=extmap:5 " SEND_TIME},
    {"of_two_ids_for_one_uri_the_first_counts", "extmap:5 " MID "|extmap:6 " MID,
     "a=extmap:5 " MID "\r\n", "a=extmap:6"},
    {"a_recvonly_extension_is_answered_sendonly", "extmap:5/recvonly " SEND_TIME,
     "a=extmap:5/sendonly " SEND_TIME, NULL},
    {"an_inactive_extension_stays_inactive", "extmap:5/inactive " SEND_TIME,
     "a=extmap:5/inactive " SEND_TIME, NULL},
    {"an_extension_of_audio_is_nothing_for_video", "extmap:5 " LEVEL, NULL, "a=extmap:5"},
    {"an_extension_with_attributes_is_taken", "extmap:5 " SEND_TIME " with attributes",
     "a=extmap:5 " SEND_TIME, NULL},
    {"uris_are_compared_by_each_letter", "extmap:5 URN:3GPP:video-orientation", NULL, "a=extmap:5"},
    {"rids_of_no_simulcast_are_not_answered",
     "extmap:5 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", NULL, "a=extmap:5"},
    {"an_extension_that_nobody_offered_is_not_answered", "extmap:5 " MID, NULL,
     "a=extmap:1|a=extmap:2|a=extmap:5 " SEND_TIME},
};

static void ext_is_answered(void **state)
{
    const struct {
        const char *name, *lines, *has, *has_not;
    } *row = *state;
    struct nego *n = nego_alone();
    char *lines = nego_text(n, "rtpmap:96 VP8/90000|%s", row->lines);
    char *answer = nego_answer_to(&n->a, more_offer(n, "video", "96", lines));
    assert_false(sdp_is_rejected(n, answer, 0));
    more_expect_lines(n, answer, 0, row->has, true);
    more_expect_lines(n, answer, 0, row->has_not, false);
    nego_free(n);
}

/* proves: SDP-19 */
static void an_id_that_means_another_uri_in_a_second_section_is_dropped_there(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"m=video 9 UDP/TLS/RTP/SAVPF 96", .extra = "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
                                                          "a=extmap:5 " MID "\r\n"},
              {"m=video 9 UDP/TLS/RTP/SAVPF 96", .extra = "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
                                                          "a=extmap:5 " ORIENTATION
                                                          "\r\na=extmap:6 " MID "\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    more_expect_lines(n, answer, 0, "a=extmap:5 " MID, true);
    more_expect_lines(n, answer, 1, "a=extmap:5 ", false);
    nego_free(n);
}

/* proves: SDP-19 */
static void an_id_is_never_given_to_another_uri_later(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct ledger l = {.n_codecs = 0};
    const char *first = "rtpmap:96 VP8/90000|extmap:1 urn:x:first|extmap:2 urn:x:second";
    char *offer = more_offer(n, "video", "96", first);
    note_all(&l, n, offer);
    nego_answer_to(&n->a, offer);
    offer = more_offer(n, "video", "96", "rtpmap:96 VP8/90000"); /* they are gone */
    offer = sdp_set(n, offer, SDP_SESSION, "o=", "o=- 7 1 IN IP4 127.0.0.1");
    nego_answer_to(&n->a, offer);
    nego_add_rids(&n->a, "h,l");
    nego_track(&n->a, SOTTO_AUDIO, "s");
    char *ours = nego_offer(&n->a);
    note_all(&l, n, ours); /* ids 1 and 2 are taken for ever */
    more_expect_lines(n, ours, 0, "a=extmap:1 |a=extmap:2 ", false);
    nego_free(n);
}

/* proves: SDP-16 */
static void both_sides_use_the_same_extensions(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_track(&n->b, SOTTO_VIDEO, "r");
    nego_exchange(&n->a);
    char *mine = more_exts(&n->a, t);
    assert_string_equal(mine, more_exts(&n->b, nego_at(&n->b, 0)));
    assert_non_null(strstr(mine, MID));
    assert_null(strstr(mine, "rtp-stream-id")); /* no simulcast here */
    nego_free(n);
}

static void extensions_that_the_answer_lacks_are_not_used(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    char *answer = paper_answer(n, nego_offer(&n->a));
    char *of_mid = strstr(answer, " " MID) - 2; /* ":4", or "12" */
    long id = strtol(of_mid + (of_mid[0] == ':'), NULL, 10);
    assert_true(id > 0);
    answer = sdp_drop(n, answer, 0, "a=extmap:");
    answer = sdp_put(n, answer, 0, nego_text(n, "a=extmap:%ld " MID, id));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_string_equal(more_exts(&n->a, t), MID);
    nego_free(n);
}

static void an_answer_that_moves_an_id_does_not_use_it(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    char *answer = paper_answer(n, nego_offer(&n->a));
    answer = sdp_drop(n, answer, 0, "a=extmap:");
    answer = sdp_put(n, answer, 0, "a=extmap:11 " MID); /* it was not offered so */
    int r = nego_try_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_true(r == 0 || r == SOTTO_E_SDP);
    if (r == 0) assert_string_equal(more_exts(&n->a, t), "");
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, numbers_keep_their_meaning_over_a_long_call);
    NEGO_TEST(&u, the_numbers_of_an_offer_are_kept_in_our_own_offers);
    NEGO_TEST(&u, numbers_of_codecs_that_we_rejected_are_not_used_again);
    NEGO_TEST(&u, when_the_dynamic_numbers_are_used_up_those_below_64_are_taken);
    NEGO_TEST(&u, without_any_number_left_an_offer_fails_and_changes_nothing);
    NEGO_TEST(&u, one_number_for_two_codecs_in_the_bundle_rejects_the_second);
    NEGO_TEST(&u, one_codec_may_have_one_number_in_all_sections);
    NEGO_TEST(&u, a_codec_with_two_numbers_is_answered_with_both);
    NEGO_TEST(&u, the_remotes_numbers_are_those_to_send_with);
    NEGO_TEST(&u, numbers_of_a_rolled_back_offer_keep_their_meaning);
    NEGO_ROWS(&u, exts, ext_is_answered);
    NEGO_TEST(&u, an_id_that_means_another_uri_in_a_second_section_is_dropped_there);
    NEGO_TEST(&u, an_id_is_never_given_to_another_uri_later);
    NEGO_TEST(&u, both_sides_use_the_same_extensions);
    NEGO_TEST(&u, extensions_that_the_answer_lacks_are_not_used);
    NEGO_TEST(&u, an_answer_that_moves_an_id_does_not_use_it);
    return nego_suite_run(&u, "negotiation: numbers");
}

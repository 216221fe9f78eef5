/* SPDX-License-Identifier: BSD-2-Clause */
/* Header extensions in descriptions: reading, one id for one URI in the bundle, offers, answers, texts. */
#include "sections.h"

#include "util/buf.h"

#define MID_URI "urn:ietf:params:rtp-hdrext:sdes:mid"
#define RID_URI "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define RRID_URI "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
#define SEND_URI "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define CAPTURE_URI "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
#define TWCC_URI "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define LEVEL_URI "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define TURN_URI "urn:3gpp:video-orientation"
#define DELAY_URI "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
#define AV1_URI                                                                                    \
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
#define ALL_URIS                                                                                   \
    {                                                                                              \
        MID_URI, RID_URI, RRID_URI, SEND_URI, CAPTURE_URI, TWCC_URI, LEVEL_URI, TURN_URI,          \
            DELAY_URI, AV1_URI                                                                     \
    }

/* "mid=3 level=1>": what is in a set, in the order of enum ext_id; > < 0 stand for directions. */
static void print_set(const struct ext_set *set, char *out, size_t cap)
{
    static const char *const names[EXT_COUNT] = {"mid",  "rid",   "rrid", "send",  "capture",
                                                 "twcc", "level", "turn", "delay", "av1"};
    static const char *const directions[] = {"", ">", "<", "0"};
    size_t n = 0;
    out[0] = '\0';
    for (size_t e = 0; e < EXT_COUNT; e++)
        if (set->id[e] != 0)
            n += (size_t)snprintf(out + n, cap - n, "%s%s=%u%s", n > 0 ? " " : "", names[e],
                                  set->id[e], directions[set->direction[e]]);
}

static void assert_set(const struct ext_set *set, const char *want)
{
    char got[300];
    print_set(set, got, sizeof got);
    if (strcmp(got, want) != 0) fail_msg("\"%s\" is not \"%s\"", got, want);
}

static struct sdp *parsed(const char *session, const char *media)
{
    struct sdp *sdp = NULL;
    char text[SOTTO_MAX_SDP / 16];
    snprintf(text, sizeof text, TOP "%s%s", session, media);
    if (sotto__sdp_parse(text, strlen(text), &sdp, NULL) < 0) fail_msg("%s", text);
    return sdp;
}

static void read_set(const char *lines, sotto_kind kind, struct ext_set *ret)
{
    char media[4096];
    snprintf(media, sizeof media, AUDIO "%s", lines);
    struct sdp *sdp = parsed("", media);
    sotto__exts_read(sdp, &sdp->media[0], kind, ret);
    sotto__sdp_free(sdp);
}

#define LINE(id, uri) "a=extmap:" id " " uri "\r\n"

/* ---- reading ---- */

static void exts_are_known_by_their_uri_and_kind(void **state)
{
    (void)state;
    static const char *const uris[EXT_COUNT] = ALL_URIS;
    static const char both[] = LINE("1", MID_URI) LINE("2", RID_URI) LINE("3", RRID_URI)
        LINE("4", SEND_URI) LINE("5", CAPTURE_URI) LINE("6", TWCC_URI) LINE("7", LEVEL_URI)
            LINE("8", TURN_URI) LINE("9", DELAY_URI) LINE("10", AV1_URI) LINE("11", "urn:x");
    struct ext_set set;
    read_set(both, SOTTO_AUDIO, &set);
    assert_set(&set, "mid=1 send=4 capture=5 twcc=6 level=7");
    read_set(both, SOTTO_VIDEO, &set);
    assert_set(&set, "mid=1 rid=2 rrid=3 send=4 capture=5 twcc=6 turn=8 delay=9 av1=10");
    for (int e = 0; e < EXT_COUNT; e++)
        assert_string_equal(sotto__ext_uri((enum ext_id)e), uris[e]);
}

static void exts_have_ids_of_one_and_two_bytes(void **state) /* SDP-19, H016 */
{
    (void)state;
    static const struct {
        const char *lines, *want;
    } cases[] = {
        {"", ""},
        {LINE("1", MID_URI), "mid=1"},
        {LINE("14", MID_URI), "mid=14"},
        {LINE("0", MID_URI), ""},
        {LINE("15", MID_URI), ""},
        {LINE("16", MID_URI), "mid=16"},
        {LINE("255", MID_URI), "mid=255"},
        {LINE("256", MID_URI), ""},
        {LINE("300", MID_URI), ""},
        {LINE("4096", MID_URI), ""}, /* a number of an offer only */
        {LINE("4097", MID_URI), ""},
        {LINE("65537", MID_URI), ""},
        {LINE("-1", MID_URI), ""},
        {LINE("x", MID_URI), ""},
        {LINE("1", "") LINE("2", MID_URI), "mid=2"},
        {LINE("1", MID_URI) LINE("2", MID_URI), "mid=1"},  /* a URI twice: the first */
        {LINE("1", MID_URI) LINE("1", SEND_URI), "mid=1"}, /* an id twice: the first */
        {LINE("1", "urn:x") LINE("1", MID_URI), ""},
        {LINE("1", "urn:x") LINE("1", MID_URI) LINE("2", MID_URI), "mid=2"},
        {LINE("1", MID_URI " attributes of it"), "mid=1"},
        {LINE("1", MID_URI "x") LINE("2", "x" MID_URI), ""},
        {LINE("1/sendonly", MID_URI) LINE("2/recvonly", SEND_URI) LINE("3/inactive", TWCC_URI)
             LINE("4/sendrecv", LEVEL_URI),
         "mid=1> send=2< twcc=30 level=4"},
        {LINE("1/up", MID_URI), ""},
        {LINE("1", "urn:ietf:params:rtp-hdrext:encrypt " MID_URI), ""}, /* RFC 6904: not ours */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ext_set set;
        char got[300];
        read_set(cases[i].lines, SOTTO_AUDIO, &set);
        print_set(&set, got, sizeof got);
        if (strcmp(got, cases[i].want) != 0) fail_msg("%s: \"%s\"", cases[i].lines, got);
    }
}

static void exts_beyond_count_cost_nothing_but_themselves(void **state) /* H016 */
{
    (void)state;
    struct buf text;
    struct sdp *sdp = NULL;
    struct ext_set set;
    struct ext_map map = {{0}, {0}};
    sotto__buf_init(&text, SOTTO_MAX_SDP);
    sotto__buf_addf(&text, TOP AUDIO);
    for (int i = 0; i < 1000; i++) sotto__buf_addf(&text, "a=extmap:%d urn:x:%d\r\n", i, i);
    sotto__buf_addf(&text, LINE("7", MID_URI));
    assert_int_equal(sotto__sdp_parse((char *)text.p, text.n, &sdp, NULL), 0);
    sotto__exts_read(sdp, &sdp->media[0], SOTTO_AUDIO, &set);
    assert_set(&set, "");
    sotto__exts_claim(&map, &sdp->media[0], &set);
    sotto__exts_offer(SOTTO_AUDIO, false, &map, &set); /* all ids are theirs */
    assert_set(&set, "");
    sotto__sdp_free(sdp);
    sotto__buf_free(&text);
}

static void exts_in_the_256th_line_count_and_in_the_next_not(void **state)
{
    (void)state;
    for (unsigned before = SOTTO_MAX_EXTMAPS - 1; before <= SOTTO_MAX_EXTMAPS; before++) {
        struct buf text;
        struct sdp *sdp = NULL;
        struct ext_set set;
        struct ext_map map = {{0}, {0}};
        sotto__buf_init(&text, SOTTO_MAX_SDP);
        sotto__buf_addf(&text, TOP AUDIO);
        for (unsigned i = 0; i < before; i++) sotto__buf_addf(&text, "a=extmap:0 x\r\na=x\r\n");
        sotto__buf_addf(&text, LINE("7", MID_URI));
        assert_int_equal(sotto__sdp_parse((char *)text.p, text.n, &sdp, NULL), 0);
        sotto__exts_read(sdp, &sdp->media[0], SOTTO_AUDIO, &set);
        assert_set(&set, before < SOTTO_MAX_EXTMAPS ? "mid=7" : "");
        sotto__exts_claim(&map, &sdp->media[0], &set);
        assert_int_equal(map.id[EXT_MID], before < SOTTO_MAX_EXTMAPS ? 7 : 0);
        sotto__sdp_free(sdp);
        sotto__buf_free(&text);
    }
}

static void exts_stand_in_the_session_too(void **state)
{
    (void)state;
    struct ext_set set;
    struct sdp *sdp = parsed(LINE("1", MID_URI) LINE("2", SEND_URI) LINE("3", TWCC_URI),
                             AUDIO LINE("5", MID_URI) LINE("3", LEVEL_URI));
    sotto__exts_read(sdp, &sdp->media[0], SOTTO_AUDIO, &set);
    assert_set(&set, "mid=5 send=2 level=3");
    sotto__sdp_free(sdp);
}

static void exts_may_be_mixed_if_session_or_section_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *session, *media;
        bool mixed;
    } cases[] = {{"", AUDIO, false},
                 {"a=extmap-allow-mixed\r\n", AUDIO, true},
                 {"", AUDIO "a=extmap-allow-mixed\r\n", true},
                 {"", AUDIO VIDEO "a=extmap-allow-mixed\r\n", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ext_set set;
        struct sdp *sdp = parsed(cases[i].session, cases[i].media);
        sotto__exts_read(sdp, &sdp->media[0], SOTTO_AUDIO, &set);
        assert_int_equal(set.allow_mixed, cases[i].mixed);
        assert_false(set.simulcast);
        sotto__sdp_free(sdp);
    }
}

/* ---- the bundle ---- */

/* Claims the lines of each text in turn; what is left in the last set. */
static void claim(struct ext_map *map, const char *lines, sotto_kind kind, struct ext_set *set)
{
    char media[4096];
    snprintf(media, sizeof media, AUDIO "%s", lines);
    struct sdp *sdp = parsed("", media);
    sotto__exts_read(sdp, &sdp->media[0], kind, set);
    sotto__exts_claim(map, &sdp->media[0], set);
    sotto__sdp_free(sdp);
}

static void exts_mean_one_uri_by_an_id_in_the_bundle(void **state) /* SDP-19 */
{
    (void)state;
    static const struct {
        const char *first, *second, *left; /* of the second */
    } cases[] = {
        {LINE("1", MID_URI) LINE("2", SEND_URI), LINE("1", MID_URI) LINE("2", SEND_URI),
         "mid=1 send=2"},
        {LINE("1", MID_URI), LINE("2", SEND_URI), "send=2"},
        {LINE("1", MID_URI), LINE("2", MID_URI), ""},            /* another id */
        {LINE("1", MID_URI), LINE("1", SEND_URI), ""},           /* another URI */
        {LINE("1", "urn:x"), LINE("1", SEND_URI), ""},           /* an id of something unknown */
        {LINE("1", MID_URI), LINE("1", "urn:x") LINE("2", SEND_URI), "send=2"},
        {LINE("1", TURN_URI), LINE("1", SEND_URI), ""},          /* known, but not for this kind */
        {LINE("1", TURN_URI), LINE("1", TURN_URI) LINE("2", SEND_URI), "send=2"},
        {LINE("1", MID_URI), LINE("2", MID_URI) LINE("3", SEND_URI), "send=3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ext_map map = {{0}, {0}};
        struct ext_set set;
        char got[300];
        claim(&map, cases[i].first, SOTTO_AUDIO, &set);
        claim(&map, cases[i].second, SOTTO_AUDIO, &set);
        print_set(&set, got, sizeof got);
        if (strcmp(got, cases[i].left) != 0) fail_msg("case %zu: %s", i, got);
    }
}

static void exts_of_the_session_are_claimed_with_a_section(void **state)
{
    (void)state;
    struct ext_map map = {{0}, {0}};
    struct ext_set set;
    struct sdp *sdp = parsed(LINE("1", "urn:x") LINE("9", MID_URI) LINE("3", "urn:y"), AUDIO);
    sotto__exts_read(sdp, &sdp->media[0], SOTTO_AUDIO, &set);
    sotto__exts_claim(&map, &sdp->media[0], &set);
    assert_set(&set, "mid=9");
    assert_int_equal(map.id[EXT_MID], 9);
    sotto__exts_offer(SOTTO_AUDIO, false, &map, &set); /* 1 and 3 are somebody's */
    assert_set(&set, "mid=9 send=2 capture=12 twcc=6 level=7");
    sotto__sdp_free(sdp);
}

/* ---- offers ---- */

static void exts_are_offered_with_one_byte_ids(void **state)
{
    (void)state;
    struct ext_map map = {{0}, {0}};
    struct ext_set audio, video, simulcast;
    sotto__exts_offer(SOTTO_AUDIO, false, &map, &audio);
    assert_set(&audio, "mid=4 send=2 capture=12 twcc=3 level=1");
    assert_true(audio.allow_mixed);
    sotto__exts_offer(SOTTO_VIDEO, false, &map, &video);
    assert_set(&video, "mid=4 send=2 capture=12 twcc=3 turn=13 delay=5 av1=9");
    sotto__exts_offer(SOTTO_VIDEO, true, &map, &simulcast);
    assert_set(&simulcast, "mid=4 rid=10 rrid=11 send=2 capture=12 twcc=3 turn=13 delay=5 av1=9");
    assert_true(simulcast.simulcast && !video.simulcast);
    sotto__exts_offer(SOTTO_AUDIO, true, &map, &audio);
    assert_set(&audio, "mid=4 send=2 capture=12 twcc=3 level=1");
}

static void exts_offered_keep_the_ids_of_the_bundle_and_leave_those_of_others(void **state)
{
    (void)state;
    struct ext_map map = {{0}, {0}};
    struct ext_set set;
    claim(&map, LINE("4", MID_URI) LINE("1", "urn:x") LINE("2", "urn:y") LINE("20", TWCC_URI),
          SOTTO_AUDIO, &set);
    sotto__exts_offer(SOTTO_AUDIO, false, &map, &set);
    assert_set(&set, "mid=4 send=6 capture=12 twcc=20 level=7");
}

static void exts_offered_go_on_at_16_and_stop_at_255(void **state) /* one past each limit */
{
    (void)state;
    struct ext_map map = {{0}, {0}};
    struct ext_set set;
    for (unsigned id = 1; id <= 13; id++) map.foreign[0] |= 1u << id;
    sotto__exts_offer(SOTTO_AUDIO, false, &map, &set);
    assert_set(&set, "mid=14 send=16 capture=17 twcc=18 level=19");
    map = (struct ext_map){{0}, {0}};
    memset(map.foreign, 0xff, sizeof map.foreign);
    map.foreign[7] &= ~(1u << 30 | 1u << 31); /* 254 and 255 */
    sotto__exts_offer(SOTTO_AUDIO, false, &map, &set);
    assert_set(&set, "mid=254 send=255");
}

/* ---- answers ---- */

static void exts_are_answered_with_directions_turned_round(void **state)
{
    (void)state;
    struct ext_set offered, answer;
    read_set(LINE("1", MID_URI) LINE("2/sendonly", SEND_URI) LINE("3/recvonly", TWCC_URI)
                 LINE("4/inactive", LEVEL_URI) "a=extmap-allow-mixed\r\n",
             SOTTO_AUDIO, &offered);
    sotto__exts_answer(&offered, SOTTO_AUDIO, &answer);
    assert_set(&answer, "mid=1 send=2< twcc=3> level=40");
    assert_true(answer.allow_mixed);
    sotto__exts_answer(&offered, SOTTO_VIDEO, &answer);
    assert_set(&answer, "mid=1 send=2< twcc=3>");
    read_set(LINE("1", MID_URI), SOTTO_AUDIO, &offered);
    sotto__exts_answer(&offered, SOTTO_AUDIO, &answer);
    assert_false(answer.allow_mixed);
}

static void exts_of_rids_are_answered_to_simulcast_only(void **state)
{
    (void)state;
    struct ext_set offered, answer;
    read_set(LINE("1", RID_URI) LINE("2", RRID_URI) LINE("3", MID_URI), SOTTO_VIDEO, &offered);
    sotto__exts_answer(&offered, SOTTO_VIDEO, &answer);
    assert_set(&answer, "mid=3");
    read_set(LINE("1", RID_URI) LINE("2", RRID_URI) "a=simulcast:send a\r\n", SOTTO_VIDEO,
             &offered);
    assert_true(offered.simulcast);
    sotto__exts_answer(&offered, SOTTO_VIDEO, &answer);
    assert_set(&answer, "rid=1 rrid=2");
    read_set("a=simulcast:send a\r\n", SOTTO_VIDEO, &offered); /* tolerated without them */
    sotto__exts_answer(&offered, SOTTO_VIDEO, &answer);
    assert_set(&answer, "");
}

static void exts_in_common_are_in_both_with_one_id(void **state)
{
    (void)state;
    static const struct {
        const char *local, *remote, *common; /* as we see it */
    } cases[] = {
        {LINE("1", MID_URI) LINE("2", SEND_URI), LINE("1", MID_URI), "mid=1"},
        {LINE("1", MID_URI), LINE("1", MID_URI) LINE("2", SEND_URI), "mid=1"},
        {LINE("1", MID_URI), LINE("2", MID_URI), ""},
        {LINE("1", MID_URI), LINE("1/recvonly", MID_URI), "mid=1>"},
        {LINE("1", MID_URI), LINE("1/sendonly", MID_URI), "mid=1<"},
        {LINE("1/sendonly", MID_URI), LINE("1/recvonly", MID_URI), "mid=1>"},
        {LINE("1/sendonly", MID_URI), LINE("1/sendonly", MID_URI), ""}, /* nobody receives it */
        {LINE("1", MID_URI), LINE("1/inactive", MID_URI), ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ext_set local, remote, common;
        char got[300];
        read_set(cases[i].local, SOTTO_AUDIO, &local);
        read_set(cases[i].remote, SOTTO_AUDIO, &remote);
        sotto__exts_common(&local, &remote, &common);
        print_set(&common, got, sizeof got);
        if (strcmp(got, cases[i].common) != 0) fail_msg("case %zu: %s", i, got);
        assert_false(common.allow_mixed);
    }
    struct ext_set local, remote, common;
    read_set("a=extmap-allow-mixed\r\n", SOTTO_AUDIO, &local);
    read_set("a=extmap-allow-mixed\r\n", SOTTO_AUDIO, &remote);
    sotto__exts_common(&local, &remote, &common);
    assert_true(common.allow_mixed);
    remote.allow_mixed = false;
    sotto__exts_common(&local, &remote, &common);
    assert_false(common.allow_mixed);
    sotto__exts_common(&remote, &local, &common);
    assert_false(common.allow_mixed);
}

/* ---- texts ---- */

static void exts_come_back_as_they_were_written(void **state)
{
    (void)state;
    struct sdp *sdp = NULL;
    struct sdp_media *m = NULL;
    struct ext_set set, again;
    read_set(LINE("1", MID_URI) LINE("2/sendonly", SEND_URI) LINE("3/recvonly", TURN_URI)
                 LINE("200/inactive", AV1_URI) "a=extmap-allow-mixed\r\n",
             SOTTO_VIDEO, &set);
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("video"), 9, STR("RTP/AVP"), STR("96"), &m), 0);
    assert_int_equal(sotto__exts_write(&set, sdp, m), 0);
    assert_int_equal(m->s.n_lines, 5);
    assert_str(m->s.lines[0].value, "1 " MID_URI);
    assert_str(m->s.lines[1].value, "2/sendonly " SEND_URI);
    assert_str(m->s.lines[4].name, "extmap-allow-mixed");
    sotto__exts_read(sdp, m, SOTTO_VIDEO, &again);
    assert_memory_equal(&again, &set, sizeof set);
    set.allow_mixed = false;
    assert_int_equal(sotto__exts_write(&set, sdp, m), 0);
    assert_int_equal(m->s.n_lines, 5 + 4);
    sotto__sdp_free(sdp);
}

static void exts_are_written_or_the_failure_is_told(void **state)
{
    (void)state;
    struct ext_map map = {{0}, {0}};
    struct ext_set set;
    sotto__exts_offer(SOTTO_VIDEO, true, &map, &set);
    for (uint64_t n = 1;; n++) {
        struct sdp *sdp = NULL;
        struct sdp_media *m = NULL;
        int64_t before = sotto__mem_live();
        assert_int_equal(sotto__sdp_new(&sdp), 0);
        assert_int_equal(sotto__sdp_add_media(sdp, STR("video"), 9, STR("x"), STR("96"), &m), 0);
        sotto__mem_fail_at(n);
        int r = sotto__exts_write(&set, sdp, m);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        sotto__sdp_free(sdp);
        assert_int_equal(sotto__mem_live(), before);
        if (!failed) break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exts_are_known_by_their_uri_and_kind),
        cmocka_unit_test(exts_have_ids_of_one_and_two_bytes),
        cmocka_unit_test(exts_beyond_count_cost_nothing_but_themselves),
        cmocka_unit_test(exts_in_the_256th_line_count_and_in_the_next_not),
        cmocka_unit_test(exts_stand_in_the_session_too),
        cmocka_unit_test(exts_may_be_mixed_if_session_or_section_says_so),
        cmocka_unit_test(exts_mean_one_uri_by_an_id_in_the_bundle),
        cmocka_unit_test(exts_of_the_session_are_claimed_with_a_section),
        cmocka_unit_test(exts_are_offered_with_one_byte_ids),
        cmocka_unit_test(exts_offered_keep_the_ids_of_the_bundle_and_leave_those_of_others),
        cmocka_unit_test(exts_offered_go_on_at_16_and_stop_at_255),
        cmocka_unit_test(exts_are_answered_with_directions_turned_round),
        cmocka_unit_test(exts_of_rids_are_answered_to_simulcast_only),
        cmocka_unit_test(exts_in_common_are_in_both_with_one_id),
        cmocka_unit_test(exts_come_back_as_they_were_written),
        cmocka_unit_test(exts_are_written_or_the_failure_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

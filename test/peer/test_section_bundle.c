/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sections share the transport (RFC 9143 §7.2–7.4), and what answers and later offers may not change. */
#include "sections.h"

#include "util/buf.h"

/*
 * A description in short: "0 1|2" are the BUNDLE groups, then a word a section: kind (a, v, d, t for text, p for a profile that cannot
 * be used, m for no rtcp-mux), how ("-" rejected, "b" bundle-only), and its mid.
 */
static void write_section(struct buf *out, struct str word)
{
    bool rejected = word.n > 1 && word.p[1] == '-', bundle_only = word.n > 1 && word.p[1] == 'b';
    int skip = rejected || bundle_only ? 2 : 1;
    const char *kind = word.p[0] == 'd'   ? "application"
                       : word.p[0] == 't' ? "text"
                       : word.p[0] == 'v' ? "video"
                                          : "audio";
    const char *proto = word.p[0] == 'd'   ? "UDP/DTLS/SCTP webrtc-datachannel"
                        : word.p[0] == 'p' ? "RTP/AVP 0"
                        : word.p[0] == 'v' ? "UDP/TLS/RTP/SAVPF 96"
                                           : "UDP/TLS/RTP/SAVPF 0";
    sotto__buf_addf(out, "m=%s %d %s\r\na=rtpmap:96 VP8/90000\r\n", kind, skip == 2 ? 0 : 9, proto);
    if (word.p[0] != 'm') sotto__buf_addf(out, MUX);
    if (bundle_only) sotto__buf_addf(out, "a=bundle-only\r\n");
    if ((int)word.n > skip)
        sotto__buf_addf(out, "a=mid:%.*s\r\n", (int)word.n - skip, word.p + skip);
}

static void read_short(struct reading *ret, const char *groups, const char *sections)
{
    struct buf text;
    struct str group, rest = sotto__str(groups), words = sotto__str(sections), word;
    sotto__buf_init(&text, SOTTO_MAX_SDP);
    sotto__buf_addf(&text, TOP);
    while (rest.n > 0) {
        sotto__str_cut(rest, '|', &group, &rest);
        sotto__buf_addf(&text, "a=group:BUNDLE %.*s\r\n", (int)group.n, group.p);
    }
    sotto__buf_addf(&text, KEYS);
    while (word = sotto__str_word(&words), word.n > 0) write_section(&text, word);
    assert_int_equal(text.err, 0);
    read_bytes(ret, (char *)text.p, text.n);
    sotto__buf_free(&text);
    if (ret->r < 0) fail_msg("%s: %s", sections, ret->err.reason);
}

/* ---- choosing ---- */

static const struct {
    const char *name, *groups, *sections, *live; /* mids */
    const char *chosen;                          /* '+' for each section that is */
    int32_t tagged;
} choices[] = {
    {"all in one group", "0 1 2", "a0 v1 d2", "", "+++", 0},
    {"a group of one", "0", "d0", "", "+", 0},
    {"no group: the first alone", "", "a0 v1 d2", "", "+..", 0},
    {"no group and no mids", "", "a v d", "", "+..", 0},
    {"no group, the first has no rtcp-mux: the next alone", "", "m0 v1 d2", "", ".+.", 1},
    {"no group, the first is rejected", "", "a-0 v1 d2", "", ".+.", 1},
    {"two groups: that of the first", "0 2|1 3", "a0 v1 d2 a3", "", "+.+.", 0},
    {"two groups, the first section cannot be used", "0|1 2", "t0 v1 d2", "", ".++", 1},
    {"part of the sections is in a group", "0 2", "a0 v1 d2", "", "+.+", 0},
    {"the first is in no group", "1 2", "a0 v1 d2", "", "+..", 0},
    {"tagged by the order of the group", "2 0 1", "a0 v1 d2", "", "+++", 2},
    {"the tagged one cannot be used", "2 0 1", "a0 v1 t2", "", "++.", 0},
    {"the tagged one has a wrong profile", "0 1 2", "p0 v1 d2", "", ".++", 1},
    {"the tagged one is rejected but still named", "0 1 2", "a-0 v1 d2", "", ".++", 1},
    {"a rejected one is in the group", "0 1 2", "a0 v-1 d2", "", "+.+", 0},
    {"bundle-only with a tagged one", "0 1 2", "a0 vb1 db2", "", "+++", 0},
    {"bundle-only and the tagged one cannot be used", "0 1 2", "p0 vb1 db2", "", "...", -1},
    {"the first that has a port is tagged then", "0 1 2", "p0 vb1 d2", "", ".++", 2},
    {"bundle-only in no group", "0", "a0 vb1", "", "+.", 0},
    {"bundle-only as the tagged one is rejected", "1 0", "a0 vb1", "", "+.", 0},
    {"nothing that can be used", "0 1", "p0 t1", "", "..", -1},
    {"nothing but rejected ones", "", "a-0 d-1", "", "..", -1},
    {"nothing at all", "", "", "", "", -1},
    {"live: its group", "0|1 2", "a0 v1 d2", "2", ".++", 1},
    {"live: the first of them that is there", "0 3|1 2", "a-0 v1 d2 a3", "0 2", ".++.", 1},
    {"live: the group takes a new one in", "0 1 2", "a0 v1 d2", "0 1", "+++", 0},
    {"live: the tagged one is rejected", "1 2", "a-0 v1 d2", "0 1", ".++", 1},
    {"live: the new tagged one is not live", "2 1", "a-0 v1 d2", "0 1", ".++", 2},
    {"live: out of the group, alone", "0 1", "a0 v1 d2", "2", "..+", 2},
    {"live: no group any more", "", "a0 v1 d2", "1 2", ".+.", 1},
    {"live: none is left", "1 2", "a-0 v1 d2", "0", ".++", 1},
    {"live: a mid that nobody has", "0|1", "a0 d1", "7", "+.", 0},
    {"live: it cannot be used any more", "0 1", "p0 d1", "0", ".+", 1},
    {"live: bundle-only behind one that cannot be used", "0 1", "p0 db1", "0 1", ".+", 1},
};

static void bundle_choices_follow_the_groups(void **state) /* SDP-14 */
{
    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct reading r;
        struct str live[8], rest = sotto__str(choices[i].live), mid;
        bool chosen[SOTTO_MAX_SDP_MEDIA];
        char got[16] = "";
        size_t n_live = 0;
        while (mid = sotto__str_word(&rest), mid.n > 0) live[n_live++] = mid;
        read_short(&r, choices[i].groups, choices[i].sections);
        int32_t tagged = sotto__bundle_choose(&r.s, live, n_live, chosen);
        for (size_t k = 0; k < r.s.n; k++) got[k] = chosen[k] ? '+' : '.';
        if (strcmp(got, choices[i].chosen) != 0 || tagged != choices[i].tagged)
            fail_msg("%s: %s, tagged %d", choices[i].name, got, tagged);
        reading_free(&r);
    }
}

static void bundle_of_other_semantics_is_none(void **state)
{
    (void)state;
    struct reading r;
    read_good(&r, TOP "a=group:LS 0 1\r\na=group:BUNDLE 1\r\n" KEYS AUDIO MID("0") VIDEO MID("1"));
    assert_int_equal(r.s.items[0].group, -1);
    assert_int_equal(r.s.items[1].group, 0);
    assert_int_equal(r.s.items[1].group_place, 0);
    reading_free(&r);
}

/* ---- answers ---- */

struct exchange {
    const char *name, *groups, *sections; /* of the offer */
    const char *answer_groups, *answer;
    int32_t tagged;  /* of the answer */
    const char *why; /* in the reason; NULL: fine */
};

static void assert_exchanges(const struct exchange *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct reading offer, answer;
        sotto_error err = {.size = sizeof err};
        int32_t tagged = -2;
        read_short(&offer, e[i].groups, e[i].sections);
        read_short(&answer, e[i].answer_groups, e[i].answer);
        int r = sotto__sections_check_answer(&offer.s, &answer.s, &err);
        if (r == 0) r = sotto__bundle_check_answer(&offer.s, &answer.s, &tagged, &err);
        if (r != (e[i].why ? SOTTO_E_SDP : 0)) fail_msg("%s: %d %s", e[i].name, r, err.reason);
        if (r == 0 && tagged != e[i].tagged) fail_msg("%s: tagged %d", e[i].name, tagged);
        if (r < 0 && (tagged != -2 || err.code != r || !strstr(err.reason, e[i].why)))
            fail_msg("%s: %s", e[i].name, err.reason);
        reading_free(&offer);
        reading_free(&answer);
    }
}
#define ASSERT_EXCHANGES(table) assert_exchanges(table, sizeof(table) / sizeof *(table))

static void answers_bundle_part_of_what_was_offered(void **state) /* SDP-14 */
{
    (void)state;
    static const struct exchange table[] = {
        {"all", "0 1 2", "a0 v1 d2", "0 1 2", "a0 v1 d2", 0, NULL},
        {"one was rejected", "0 1 2", "a0 v1 d2", "0 2", "a0 v-1 d2", 0, NULL},
        {"the tagged one was rejected", "0 1 2", "a0 v1 d2", "1 2", "a-0 v1 d2", 1, NULL},
        {"another order", "0 1", "a0 v1", "1 0", "a0 v1", 1, NULL},
        {"all were rejected", "0 1", "a0 v1", "", "a-0 v-1", -1, NULL},
        {"nothing was offered", "", "", "", "", -1, NULL},
        {"one alone needs no group", "0 1", "a0 v1", "", "a-0 v1", 1, NULL},
        {"one alone without mids", "0 1", "a0 v1", "", "a v-", 0, NULL},
        {"a rejected one is still named", "0 1 2", "a0 v1 d2", "0 1 2", "a-0 v1 d2", 1, NULL},
        {"bundle-only was offered", "0 1", "a0 vb1", "0 1", "a0 v1", 0, NULL},
        {"bundle-only in the answer: RFC 8843", "0 1", "a0 v1", "0 1", "a0 vb1", 0, NULL},
        {"no group in the answer", "0 1", "a0 v1", "", "a0 v1", 0, "in one BUNDLE group"},
        {"one is outside", "0 1 2", "a0 v1 d2", "0 1", "a0 v1 d2", 0, "in one BUNDLE group"},
        {"two groups", "0 1 2", "a0 v1 d2", "0|1 2", "a0 v1 d2", 0, "in one BUNDLE group"},
        {"without mids", "0 1", "a0 v1", "", "a v", 0, "in one BUNDLE group"},
        {"not offered so", "0 1", "a0 v1 d2", "0 1 2", "a0 v1 d2", 0, "not offered with it"},
        {"no group was offered", "", "a0 v1", "0 1", "a0 v1", 0, "not offered with it"},
        {"over two groups", "0|1", "a0 v1", "0 1", "a0 v1", 0, "not offered with it"},
    };
    ASSERT_EXCHANGES(table);
}

/* proves: SDP-13 */
static void answers_have_the_sections_of_the_offer(void **state) /* SDP-13, SDP-17 */
{
    (void)state;
    static const struct exchange table[] = {
        {"fewer", "0 1", "a0 v1", "0", "a0", 0, "the answer has 1 sections, the offer 2"},
        {"more", "0", "a0", "0 1", "a0 v1", 0, "the answer has 2 sections"},
        {"none", "0", "a0", "", "", 0, "the answer has 0 sections"},
        {"mids changed places", "0 1", "a0 a1", "1 0", "a1 a0", 0, "another mid"},
        {"another mid", "0", "a0", "7", "a7", 0, "another mid"},
        {"a mid where there was none", "", "a", "", "a7", 0, "another mid"},
        {"another mid, rejected", "0 1", "a0 v1", "0", "a0 v-7", 0, "another mid"},
        {"another kind", "0 1", "a0 v1", "0 1", "a0 a1", 0, "section 1 (audio) is of another kind"},
        {"another kind, rejected", "0 1", "a0 v1", "0", "a0 a-1", 0, "another kind"},
        {"another protocol", "0", "a0", "0", "p0", 0, "another protocol"},
        {"accepted what was rejected", "0", "a0 v-1", "0 1", "a0 v1", 0, "the offer rejects it"},
        {"no rtcp-mux", "0", "a0", "0", "m0", 0, "has no a=rtcp-mux"},
        {"of no use, bundle-only", "0 1", "a0 t1", "0 1", "a0 tb1", 0, "neither audio nor"},
        {"rtcp-mux of the tagged one", "0 1", "a0 a1", "0 1", "a0 m1", 0, NULL},
        {"bundle-only that was rejected", "0 1", "a0 a-1", "0 1", "a0 ab1", 0, "rejects it"},
        {"no rtcp-mux but rejected", "0 1", "a0 v1", "1", "m-0 v1", 1, NULL},
        {"a kind that we never offer, rejected", "0", "a0 t-1", "0", "a0 t-1", 0, NULL},
    };
    ASSERT_EXCHANGES(table);
}

static void answers_need_a_codec_that_we_have(void **state)
{
    (void)state;
    struct reading offer, answer;
    sotto_error err = {.size = sizeof err};
    read_good(&offer, TOP KEYS VIDEO);
    read_good(&answer,
              TOP KEYS "m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=rtpmap:97 theora/90000\r\n" MUX);
    assert_int_equal(sotto__sections_check_answer(&offer.s, &answer.s, &err), SOTTO_E_SDP);
    assert_non_null(strstr(err.reason, "no codec"));
    assert_int_equal(err.line, 9);
    reading_free(&offer);
    reading_free(&answer);
}

/* ---- later offers ---- */

/* proves: SDP-12 */
static void offers_keep_what_is_negotiated(void **state) /* SDP-12, H022 */
{
    (void)state;
    static const struct {
        const char *name, *before, *offer, *why;
    } table[] = {
        {"the same", "a0 v1 d2", "a0 v1 d2", NULL},
        {"first", "", "a0 v1", NULL},
        {"one more", "a0 v1", "a0 v1 v2", NULL},
        {"now rejected", "a0 v1", "a0 v-1", NULL},
        {"recycled", "a0 v-1", "a0 v2", NULL},
        {"recycled as another kind", "a0 v-1", "a0 a2", NULL},
        {"rejected as before", "a0 v-1", "a0 v-1", NULL},
        {"taken back with the same mid", "a0 v-1", "a0 v1", NULL},
        {"without mids", "a v", "a v", NULL},
        {"mids came", "a v", "a0 v1", NULL},
        {"mids went", "a0 v1", "a v", NULL},
        {"fewer", "a0 v1", "a0", "the offer has 1 sections; there were 2"},
        {"none", "a0", "", "the offer has 0 sections"},
        {"fewer, though that was rejected", "a0 v-1", "a0", "there were 2"},
        {"another kind", "a0 v1", "a0 a1", "section 1 (audio) was of another kind"},
        {"another kind, rejected", "a0 v1", "a0 a-1", "another kind"},
        {"another mid", "a0 v1", "a0 v7", "had another mid"},
        {"changed places", "a0 a1", "a1 a0", "the mid of another section"},
        {"a new one with an old mid", "a-0 v1", "a2 v1 v0", "section 2 (video) has the mid"},
        {"the mid of a rejected one", "a0 v-1", "a0 v-2 v1", "the mid of another section"},
        {"recycled with the mid of another", "a0 v-1 d2", "a0 v2 d3", "the mid of another section"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct reading before, offer;
        sotto_error err = {.size = sizeof err};
        read_short(&before, "", table[i].before);
        read_short(&offer, "", table[i].offer);
        int r = sotto__sections_check_reoffer(&before.s, &offer.s, &err);
        if (r != (table[i].why ? SOTTO_E_SDP : 0)) fail_msg("%s: %d", table[i].name, r);
        if (r < 0 && !strstr(err.reason, table[i].why))
            fail_msg("%s: %s", table[i].name, err.reason);
        reading_free(&before);
        reading_free(&offer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_choices_follow_the_groups),
        cmocka_unit_test(bundle_of_other_semantics_is_none),
        cmocka_unit_test(answers_bundle_part_of_what_was_offered),
        cmocka_unit_test(answers_have_the_sections_of_the_offer),
        cmocka_unit_test(answers_need_a_codec_that_we_have),
        cmocka_unit_test(offers_keep_what_is_negotiated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

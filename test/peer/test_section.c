/* SPDX-License-Identifier: BSD-2-Clause */
/* Media sections as they are read: what browsers write, what is refused, what costs only itself, and directions. */
#include "sections.h"

#include "section_fixtures.h"

/* ---- browsers ---- */

static void fixture_read(const char *name, struct reading *ret)
{
    static char text[SOTTO_MAX_SDP];
    char path[512];
    snprintf(path, sizeof path, "%s/sdp/%s.sdp", FIXTURES, name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s", path);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    read_bytes(ret, text, n);
    if (ret->r < 0) fail_msg("%s:%d: %s", name, ret->err.line, ret->err.reason);
}

static void describe(const struct section *s, char *out, size_t cap)
{
    static const char kinds[] = "oavd", directions[] = "=><0";
    size_t exts = 0;
    int n = snprintf(out, cap, "%c%s", kinds[s->kind],
                     s->rejected      ? "-"
                     : s->bundle_only ? "b"
                                      : "");
    if (s->rejected || s->kind == SECTION_DATA) return;
    for (size_t e = 0; e < EXT_COUNT; e++) exts += s->exts.id[e] != 0;
    snprintf(out + n, cap - (size_t)n, "%ce%zur%zu/%zum%zus%zu", directions[s->direction], exts,
             s->send.n, s->recv.n, s->n_streams, s->n_ssrcs);
}

/* proves: SDP-34 */
static void section_reads_every_description_of_browsers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++) {
        struct reading r;
        struct str rest = sotto__str(fixtures[i].sections);
        fixture_read(fixtures[i].name, &r);
        for (size_t k = 0; k < r.s.n; k++) {
            const struct section *s = &r.s.items[k];
            struct str want = sotto__str_word(&rest);
            char got[80];
            describe(s, got, sizeof got);
            if (!sotto__str_eq(sotto__str(got), want))
                fail_msg("%s, section %zu: %s", fixtures[i].name, k, got);
            if (s->unusable) fail_msg("%s, section %zu %s", fixtures[i].name, k, s->unusable);
            assert_int_equal(s->index, k);
            assert_int_equal(s->rejected ? -1 : 0, s->group);
        }
        assert_int_equal(rest.n, 0);
        reading_free(&r);
    }
}

/* ---- whether it can be accepted ---- */

static void assert_unusable(const char *text, size_t index, const char *part)
{
    struct reading r;
    read_good(&r, text);
    const char *why = r.s.items[index].unusable;
    if (part ? !why || !strstr(why, part) : why != NULL) fail_msg("%s: %s", why, text);
    reading_free(&r);
}

static void section_of_media_needs_rtp_over_dtls(void **state) /* SDP-11, H013 */
{
    (void)state;
    static const struct {
        const char *proto;
        bool fine;
    } cases[] = {{"UDP/TLS/RTP/SAVPF", true},
                 {"TCP/DTLS/RTP/SAVPF", true},
                 {"RTP/SAVPF", true},
                 {"UDP/TLS/RTP/SAVP", true},
                 {"TCP/DTLS/RTP/SAVP", true},
                 {"RTP/SAVP", true},
                 {"udp/tls/rtp/savpf", true},
                 {"RTP/AVP", false},
                 {"RTP/AVPF", false},
                 {"UDP/RTP/AVPF", false},
                 {"UDP/TLS/RTP/AVPF", false},
                 {"TCP/TLS/RTP/SAVPF", false},
                 {"UDP/DTLS/SCTP", false},
                 {"UDP/TLS/RTP/SAVPF2", false},
                 {"udp", false},
                 {"UDP/TLS/UDPTL", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        for (int video = 0; video < 2; video++) {
            snprintf(text, sizeof text, TOP KEYS "m=%s 9 %s 96\r\na=rtpmap:96 %s\r\n" MUX,
                     video ? "video" : "audio", cases[i].proto,
                     video ? "VP8/90000" : "opus/48000/2");
            assert_unusable(text, 0, cases[i].fine ? NULL : "profile");
        }
    }
}

static void section_of_data_needs_webrtc_datachannel_over_sctp_over_dtls(void **state) /* SDP-22 */
{
    (void)state;
    static const struct {
        const char *proto, *fmts, *why;
    } cases[] = {{"UDP/DTLS/SCTP", "webrtc-datachannel", NULL},
                 {"TCP/DTLS/SCTP", "webrtc-datachannel", NULL},
                 {"DTLS/SCTP", "5000", "protocol"},
                 {"SCTP", "webrtc-datachannel", "protocol"},
                 {"UDP/TLS/RTP/SAVPF", "96", "protocol"},
                 {"UDP/DTLS/SCTP", "5000", "webrtc-datachannel"},
                 {"UDP/DTLS/SCTP", "bfcp", "webrtc-datachannel"},
                 {"UDP/DTLS/SCTP", "webrtc-datachannel bfcp", "webrtc-datachannel"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, TOP KEYS "m=application 9 %s %s\r\n", cases[i].proto,
                 cases[i].fmts);
        assert_unusable(text, 0, cases[i].why);
    }
}

static void section_of_another_kind_cannot_be_used(void **state) /* SDP-12, H025 */
{
    (void)state;
    static const char *const kinds[] = {"text", "image", "message", "Audio", "%n%s%n"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 TOP KEYS AUDIO "m=%s 9 UDP/TLS/RTP/SAVPF 96\r\na=%%n%%s:%%n\r\n", kinds[i]);
        assert_unusable(text, 0, NULL);
        assert_unusable(text, 1, "neither audio nor video");
    }
}

static void section_that_is_rejected_is_not_judged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        TOP "m=audio 0 RTP/AVP 0\r\n", TOP "m=text 0 x 0\r\n",
        TOP "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux-only\r\na=simulcast:send a\r\n",
        TOP "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct reading r;
        read_good(&r, texts[i]);
        assert_true(r.s.items[0].rejected);
        assert_null(r.s.items[0].unusable);
        reading_free(&r);
    }
}

static void section_without_rtcp_mux_cannot_be_used(void **state) /* SDP-17 */
{
    (void)state;
    struct reading r;
    static const char head[] = TOP KEYS "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" OPUS;
    char text[1024];
    assert_unusable(head, 0, "rtcp-mux");
    snprintf(text, sizeof text, "%sa=rtcp-mux-only\r\n", head);
    read_text(&r, text);
    assert_int_equal(r.r, SOTTO_E_SDP);
    assert_non_null(strstr(r.err.reason, "rtcp-mux-only"));
    assert_int_equal(r.err.line, 9);
    reading_free(&r);
    snprintf(text, sizeof text, "%sa=rtcp-mux-only\r\n" MUX, head);
    assert_unusable(text, 0, NULL);
}

static void section_takes_rtcp_mux_from_the_tagged_one(void **state) /* RFC 9143 §7.1.3 */
{
    (void)state;
    static const char audio[] = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" OPUS MID("a");
    static const struct {
        const char *group, *in_data, *in_audio;
        bool mux, rsize;
    } cases[] = {
        {GROUP("d a"), MUX, "", true, false},
        {GROUP("d a"), MUX "a=rtcp-rsize\r\n", "", true, true},
        {GROUP("d a"), MUX "a=rtcp-mux-only\r\n", "a=rtcp-mux-only\r\n", true, false},
        {GROUP("d a"), MUX "a=rtcp-rsize\r\n", MUX, true, false}, /* it speaks for itself */
        {GROUP("d a"), "", "", false, false},
        {GROUP("d a"), "", MUX "a=rtcp-rsize\r\n", true, true},
        {GROUP("a d"), MUX, "", false, false},
        {"", MUX, "", false, false},
        {"a=x\r\n" MUX, "", "", false, false}, /* not an attribute of the session */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[2048];
        snprintf(text, sizeof text, TOP "%s" KEYS DATA MID("d") "%s%s%s", cases[i].group,
                 cases[i].in_data, audio, cases[i].in_audio);
        read_good(&r, text);
        const struct section *s = &r.s.items[1];
        if (s->rtcp_mux != cases[i].mux || s->rtcp_rsize != cases[i].rsize ||
            (s->unusable == NULL) != cases[i].mux)
            fail_msg("case %zu", i);
        reading_free(&r);
    }
}

/* proves: SDP-18 */
static void section_says_whether_rtcp_may_be_reduced(void **state) /* SDP-18 */
{
    (void)state;
    struct reading r;
    read_good(&r, TOP KEYS AUDIO VIDEO "a=rtcp-rsize\r\n");
    assert_true(r.s.items[0].rtcp_mux && r.s.items[1].rtcp_mux);
    assert_false(r.s.items[0].rtcp_rsize);
    assert_true(r.s.items[1].rtcp_rsize);
    reading_free(&r);
}

static void section_needs_a_codec_that_we_have(void **state) /* SDP-28, H014 */
{
    (void)state;
    static const struct {
        const char *fmts, *maps;
        bool fine;
    } cases[] = {
        {"0", "", true},
        {"111", "a=rtpmap:111 opus/48000/2\r\n", true},
        {"111", "a=rtpmap:111 ISAC/16000\r\n", false},
        {"111", "", false},
        {"126", "a=rtpmap:126 telephone-event/8000\r\n", false}, /* nothing by itself */
        {"64", "a=rtpmap:64 opus/48000/2\r\n", false},           /* RFC 5761 §4 */
        {"95", "a=rtpmap:95 opus/48000/2\r\n", false},
        {"63", "a=rtpmap:63 opus/48000/2\r\n", true},
        {"128", "a=rtpmap:128 opus/48000/2\r\n", false},
        {"255", "a=rtpmap:255 opus/48000/2\r\n", false},
        {"-1", "a=rtpmap:-1 opus/48000/2\r\n", false},
        {"4294967296", "a=rtpmap:4294967296 opus/48000/2\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, TOP KEYS "m=audio 9 UDP/TLS/RTP/SAVPF %s\r\n%s" MUX,
                 cases[i].fmts, cases[i].maps);
        assert_unusable(text, 0, cases[i].fine ? NULL : "codec");
    }
}

static void section_is_bundle_only_with_port_0_in_a_group_behind_another(void **state) /* SDP-14 */
{
    (void)state;
    static const char zero[] = "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n" OPUS MUX;
    static const struct {
        const char *group, *port_line;
        bool attribute, rejected, bundle_only;
    } cases[] = {{GROUP("d a"), zero, true, false, true},  {GROUP("d a"), zero, false, true, false},
                 {GROUP("a d"), zero, true, true, false}, /* the tagged one has no other to go with */
                 {GROUP("d"), zero, true, true, false},    {"", zero, true, true, false},
                 {GROUP("d a"), AUDIO, true, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[2048];
        snprintf(text, sizeof text, TOP "%s" KEYS DATA MID("d") "%s" MID("a") "%s", cases[i].group,
                 cases[i].port_line, cases[i].attribute ? "a=bundle-only\r\n" : "");
        read_good(&r, text);
        if (r.s.items[1].rejected != cases[i].rejected ||
            r.s.items[1].bundle_only != cases[i].bundle_only)
            fail_msg("case %zu", i);
        if (cases[i].bundle_only) assert_true(sotto__codecs_usable(&r.s.items[1].codecs));
        reading_free(&r);
    }
}

/* ---- what the whole description must say ---- */

/* proves: SDP-08 */
static void section_in_use_needs_credentials_and_a_fingerprint(void **state) /* SDP-08, H007, H012 */
{
    (void)state;
    static const struct {
        const char *text, *missing; /* NULL: fine */
        int32_t line;
    } cases[] = {
        {TOP AUDIO UFRAG PWD PRINT, NULL, 0},
        {TOP UFRAG PWD PRINT AUDIO DATA, NULL, 0},
        {TOP PRINT AUDIO UFRAG PWD DATA UFRAG PWD, NULL, 0},
        {TOP GROUP("0 1") AUDIO MID("0") KEYS VIDEO MID("1"), NULL, 0},
        {TOP GROUP("1 0") AUDIO MID("0") VIDEO MID("1") KEYS, NULL, 0},
        {TOP PWD PRINT AUDIO, "ufrag", 7},
        {TOP UFRAG PRINT AUDIO, "password", 7},
        {TOP UFRAG PWD AUDIO, "fingerprint", 7},
        {TOP UFRAG PWD DATA, "fingerprint", 7},
        {TOP UFRAG PWD AUDIO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLF"
                             "JhQX1cfHAwJSoj|2^20|1:32\r\n",
         "fingerprint", 7},
        {TOP "m=audio 9 RTP/SAVP 111\r\n" OPUS MUX UFRAG PWD "a=crypto:1 x inline:y\r\n",
         "fingerprint", 5},
        {TOP GROUP("0") AUDIO MID("0") KEYS VIDEO MID("1"), "ufrag", 14}, /* in no group */
        {TOP GROUP("0 1") AUDIO MID("0") VIDEO MID("1") KEYS, "ufrag", 6}, /* not the tagged one */
        {TOP AUDIO KEYS "m=video 9 RTP/AVP 96\r\n", NULL, 0}, /* cannot be used in any case */
        {TOP AUDIO KEYS "m=text 9 UDP/TLS/RTP/SAVPF 96\r\n", NULL, 0},
        {TOP AUDIO KEYS "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n", NULL, 0},
        {TOP AUDIO KEYS "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "ufrag", 12}, /* no codec */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        read_text(&r, cases[i].text);
        if ((r.r == SOTTO_E_SDP) != (cases[i].missing != NULL)) fail_msg("case %zu: %d", i, r.r);
        if (cases[i].missing &&
            (!strstr(r.err.reason, cases[i].missing) || r.err.line != cases[i].line))
            fail_msg("case %zu, line %d: %s", i, r.err.line, r.err.reason);
        reading_free(&r);
    }
}

static void section_description_without_sections_is_fine(void **state)
{
    (void)state;
    struct reading r;
    read_good(&r, TOP);
    assert_int_equal(r.s.n, 0);
    assert_null(sotto__section_by_mid(&r.s, STR("0")));
    reading_free(&r);
}

/* ---- streams and SSRCs ---- */

#define CHARS64 "0123456789012345678901234567890123456789012345678901234567890123"

/* proves: SDP-32 */
static void section_reads_streams_of_msid_and_of_its_old_form(void **state) /* SDP-32 */
{
    (void)state;
    static const struct {
        const char *lines, *streams;
        bool has;
    } cases[] = {
        {"", "", false},
        {"a=msid:- track\r\n", "", true},
        {"a=msid:s\r\n", "s", true},
        {"a=msid:s track\r\na=msid:t track\r\na=msid:s track\r\n", "s t", true},
        {"a=msid:- x\r\na=msid:s x\r\n", "s", true},
        {"a=msid:" CHARS64 " x\r\n", CHARS64, true},
        {"a=msid:" CHARS64 "4 x\r\n", "", false}, /* 65 */
        {"a=msid:a b c\r\na=msid:ok x\r\na=msid:\r\na=msid:a,b x\r\n", "ok", true},
        {"a=ssrc:1 msid:old x\r\na=ssrc:1 cname:c\r\na=ssrc:2 msid:old x\r\n", "old", true},
        {"a=ssrc:1 msid:- x\r\n", "", true},
        {"a=ssrc:1 msid:old x\r\na=msid:new x\r\n", "new", true},
        {"a=ssrc:1 msid:old x\r\na=msid:- x\r\n", "", true},
        {"a=ssrc:1 msid:old x\r\na=msid:a,b x\r\n", "old", true},
        {"a=ssrc:1 msid:a b c\r\na=ssrc:1 msid\r\n", "", false},
        {"a=msid:1\r\na=msid:2\r\na=msid:3\r\na=msid:4\r\na=msid:5\r\na=msid:6\r\na=msid:7\r\n"
         "a=msid:8\r\na=msid:9\r\n",
         "1 2 3 4 5 6 7 8", true}, /* one past the limit */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[2048];
        snprintf(text, sizeof text, TOP KEYS AUDIO "%s", cases[i].lines);
        read_good(&r, text);
        const struct section *s = &r.s.items[0];
        struct str rest = sotto__str(cases[i].streams);
        bool same = s->has_msid == cases[i].has;
        for (size_t k = 0; k < s->n_streams; k++)
            same = same && sotto__str_eq(s->streams[k], sotto__str_word(&rest));
        if (!same || rest.n > 0) fail_msg("%s", cases[i].lines);
        reading_free(&r);
    }
}

/* proves: H018 */
static void section_keeps_32_ssrcs_each_once(void **state) /* H018 */
{
    (void)state;
    struct reading r;
    struct buf text;
    sotto__buf_init(&text, SOTTO_MAX_SDP);
    sotto__buf_addf(&text, TOP KEYS VIDEO "a=ssrc:x cname:c\r\na=ssrc:4294967296 cname:c\r\n"
                                          "a=ssrc-group:FID 77 77\r\n");
    for (unsigned i = 0; i < 1000; i++)
        sotto__buf_addf(&text, "a=ssrc:%u cname:c\r\na=ssrc:%u foo\r\n", i / 2, i / 2);
    read_bytes(&r, (char *)text.p, text.n);
    assert_int_equal(r.r, 0);
    assert_int_equal(r.s.items[0].n_ssrcs, SOTTO_MAX_SECTION_SSRCS);
    for (unsigned i = 0; i < SOTTO_MAX_SECTION_SSRCS; i++)
        assert_int_equal(r.s.items[0].ssrcs[i], i);
    reading_free(&r);
    sotto__buf_free(&text);
}

/* ---- numbers ---- */

/* proves: H019 SDP-33 */
static void section_takes_bandwidth_as_a_cap(void **state) /* SDP-33, H019 */
{
    (void)state;
    static const struct {
        const char *lines;
        uint64_t bps;
    } cases[] = {
        {"", UINT64_MAX},
        {"b=TIAS:256000\r\n", 256000},
        {"b=AS:500\r\n", 459000}, /* 500 · 950 − 16000 */
        {"b=AS:500\r\nb=TIAS:256000\r\n", 256000},
        {"b=TIAS:256000\r\nb=AS:1\r\n", 256000},
        {"b=AS:0\r\n", 0},
        {"b=AS:16\r\n", 0}, /* 15200 − 16000 */
        {"b=AS:17\r\n", 150},
        {"b=TIAS:0\r\n", 0},
        {"b=AS:4294967295\r\n", 4294967295u * UINT64_C(950) - 16000},
        {"b=AS:18446744073709551615\r\n", UINT64_MAX},
        {"b=AS:19417625340746896\r\n", UINT64_C(19417625340746896) * 950 - 16000},
        {"b=AS:19417625340746897\r\n", UINT64_MAX}, /* one past what 64 bits hold */
        {"b=TIAS:99999999999999999999999\r\nb=AS:500\r\n", 459000},
        {"b=AS:-1\r\nb=TIAS:x\r\nb=CT:5\r\nb=RR:1\r\nb=as:5\r\n", UINT64_MAX},
        {"b=TIAS:1\r\nb=TIAS:2\r\n", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[1024];
        snprintf(text, sizeof text,
                 TOP "a=x\r\n" KEYS "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n%s" OPUS MUX,
                 cases[i].lines);
        read_good(&r, text);
        if (r.s.items[0].max_bps != cases[i].bps)
            fail_msg("%s: %llu", cases[i].lines, (unsigned long long)r.s.items[0].max_bps);
        reading_free(&r);
    }
}

static void section_reads_packet_times(void **state)
{
    (void)state;
    struct reading r;
    read_good(&r, TOP KEYS AUDIO "a=ptime:x\r\na=ptime:20\r\na=ptime:40\r\na=maxptime:120\r\n" VIDEO
                                 "a=ptime:0\r\n");
    assert_int_equal(r.s.items[0].ptime_ms, 20);
    assert_int_equal(r.s.items[0].maxptime_ms, 120);
    assert_int_equal(r.s.items[1].ptime_ms, 0);
    assert_int_equal(r.s.items[1].maxptime_ms, 0);
    reading_free(&r);
}

static void section_of_data_has_port_and_largest_message(void **state) /* SDP-21, H020 */
{
    (void)state;
    static const struct {
        const char *lines;
        uint16_t port;
        uint64_t size;
    } cases[] = {{"", 5000, 65536},
                 {"a=sctp-port:5001\r\n", 5001, 65536},
                 {"a=max-message-size:262144\r\n", 5000, 262144},
                 {"a=max-message-size:0\r\n", 5000, UINT64_MAX},
                 {"a=max-message-size:-1\r\n", 5000, 65536},
                 {"a=max-message-size:18446744073709551616\r\n", 5000, UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[1024];
        snprintf(text, sizeof text,
                 TOP KEYS "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n%s", cases[i].lines);
        read_good(&r, text);
        assert_int_equal(r.s.items[0].kind, SECTION_DATA);
        assert_int_equal(r.s.items[0].direction, SOTTO_DIR_INACTIVE);
        assert_true(r.s.items[0].max_bps == UINT64_MAX);
        assert_int_equal(r.s.items[0].sctp_port, cases[i].port);
        if (r.s.items[0].max_message != cases[i].size) fail_msg("%s", cases[i].lines);
        reading_free(&r);
    }
}

static void section_is_found_by_its_mid(void **state) /* SDP-16 */
{
    (void)state;
    struct reading r;
    read_good(&r, TOP KEYS AUDIO MID("%s%n") VIDEO DATA MID("2"));
    assert_str(r.s.items[0].mid, "%s%n");
    assert_int_equal(r.s.items[1].mid.n, 0);
    assert_ptr_equal(sotto__section_by_mid(&r.s, STR("2")), &r.s.items[2]);
    assert_ptr_equal(sotto__section_by_mid(&r.s, STR("%s%n")), &r.s.items[0]);
    assert_null(sotto__section_by_mid(&r.s, STR("3")));
    assert_null(sotto__section_by_mid(&r.s, STR(""))); /* though one has none */
    reading_free(&r);
}

/* ---- directions ---- */

static void section_takes_its_direction_from_itself_then_the_session(void **state)
{
    (void)state;
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (int32_t session = -1; session < 4; session++) {
        for (int32_t media = -1; media < 4; media++) {
            struct reading r;
            char text[1024];
            snprintf(text, sizeof text, TOP KEYS "a=%s\r\n" AUDIO "a=%s\r\na=%s\r\n",
                     session < 0 ? "x" : names[session], media < 0 ? "y" : names[media],
                     media < 0 ? "Inactive" : "inactive"); /* the first counts */
            read_good(&r, text);
            int32_t want = media >= 0 ? media : session >= 0 ? session : SOTTO_DIR_SENDRECV;
            if (r.s.items[0].direction != want) fail_msg("%s", text);
            reading_free(&r);
        }
    }
}

static void directions_meet_as_rfc_3264_says(void **state) /* SDP-27 */
{
    (void)state;
    enum {
        SR = SOTTO_DIR_SENDRECV,
        SO = SOTTO_DIR_SENDONLY,
        RO = SOTTO_DIR_RECVONLY,
        IN = SOTTO_DIR_INACTIVE
    };
    static const int32_t both[4][4] = {
        {SR, SO, RO, IN}, {SO, SO, IN, IN}, {RO, IN, RO, IN}, {IN, IN, IN, IN}};
    static const int32_t back[4] = {SR, RO, SO, IN};
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (int32_t a = 0; a < 4; a++) {
        for (int32_t b = 0; b < 4; b++) assert_int_equal(sotto__direction_and(a, b), both[a][b]);
        assert_int_equal(sotto__direction_reverse(a), back[a]);
        assert_string_equal(sotto__direction_name(a), names[a]);
        assert_int_equal(sotto__direction_sends(a), a == SR || a == SO);
        assert_int_equal(sotto__direction_receives(a), a == SR || a == RO);
        assert_int_equal(
            sotto__direction_make(sotto__direction_sends(a), sotto__direction_receives(a)), a);
    }
    assert_false(sotto__direction_sends(SOTTO_DIR_NONE) ||
                 sotto__direction_sends(SOTTO_DIR_STOPPED));
    assert_false(sotto__direction_receives(SOTTO_DIR_NONE));
    assert_string_equal(sotto__direction_name(SOTTO_DIR_STOPPED), "inactive");
}

/* ---- memory ---- */

static void sections_survive_each_allocation_that_fails(void **state)
{
    (void)state;
    static const char text[] = TOP GROUP("0 1 2") KEYS AUDIO MID("0")
        VIDEO MID("1") "a=fmtp:96 x-a=1\r\na=rid:h send\r\na=simulcast:send h\r\n" DATA MID("2");
    struct sdp *sdp = NULL;
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &sdp, NULL), 0);
    int64_t before = sotto__mem_live();
    uint64_t n = 1;
    for (;; n++) {
        sotto_error err = {.size = sizeof err};
        struct sections s;
        sotto__mem_fail_at(n);
        int r = sotto__sections_read(sdp, &s, &err);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(r, err.code);
        sotto__sections_free(&s); /* legal after a failure too */
        assert_int_equal(sotto__mem_live(), before);
        if (!failed) break;
    }
    assert_true(n > 2);
    sotto__sdp_free(sdp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_reads_every_description_of_browsers),
        cmocka_unit_test(section_of_media_needs_rtp_over_dtls),
        cmocka_unit_test(section_of_data_needs_webrtc_datachannel_over_sctp_over_dtls),
        cmocka_unit_test(section_of_another_kind_cannot_be_used),
        cmocka_unit_test(section_that_is_rejected_is_not_judged),
        cmocka_unit_test(section_without_rtcp_mux_cannot_be_used),
        cmocka_unit_test(section_takes_rtcp_mux_from_the_tagged_one),
        cmocka_unit_test(section_says_whether_rtcp_may_be_reduced),
        cmocka_unit_test(section_needs_a_codec_that_we_have),
        cmocka_unit_test(section_is_bundle_only_with_port_0_in_a_group_behind_another),
        cmocka_unit_test(section_in_use_needs_credentials_and_a_fingerprint),
        cmocka_unit_test(section_description_without_sections_is_fine),
        cmocka_unit_test(section_reads_streams_of_msid_and_of_its_old_form),
        cmocka_unit_test(section_keeps_32_ssrcs_each_once),
        cmocka_unit_test(section_takes_bandwidth_as_a_cap),
        cmocka_unit_test(section_reads_packet_times),
        cmocka_unit_test(section_of_data_has_port_and_largest_message),
        cmocka_unit_test(section_is_found_by_its_mid),
        cmocka_unit_test(section_takes_its_direction_from_itself_then_the_session),
        cmocka_unit_test(directions_meet_as_rfc_3264_says),
        cmocka_unit_test(sections_survive_each_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What offers look like: the session, places and mids, the bundle and its transport (RFC 9429 §5.2, RFC 9143 §7). */
#include <regex.h>

#include "lines.h"

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

/* ---- the session ---- */

/* proves: SDP-01 */
static void the_version_goes_up_only_when_the_text_changes(void **state)
{
    (void)state; /* SDP-01 */
    struct duo *d = duo_new(10);
    char *one = offer_of(&d->a), *two = offer_of(&d->a);
    assert_string_equal(one, two);
    assert_true(matches(one, "^v=0\r\no=- [0-9]{1,19} [0-9]+ IN IP4 127\\.0\\.0\\.1\r\n"
                             "s=-\r\nt=0 0\r\na=ice-options:trickle ice2\r\n$"));
    assert_true(d->a.peer->session_id <= INT64_MAX);
    uint64_t version = d->a.peer->version;
    duo_open(&d->a, "x");
    char *three = offer_of(&d->a);
    assert_int_equal(d->a.peer->version, version + 1);
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_OFFER, one, NULL),
                     SOTTO_E_MODIFICATION);
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_OFFER, three, NULL), 0);
    sotto__free(one);
    sotto__free(two);
    sotto__free(three);
    duo_free(d);
}

/* proves: ICE-01 */
static void lines_end_with_crlf_and_nothing_is_offered_that_is_forbidden(void **state)
{
    (void)state; /* SDP-06, SDP-10, SDP-31 */
    struct duo *d = duo_new(10);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    duo_open(&d->a, "x");
    char *sdp = offer_of(&d->a);
    for (const char *p = sdp; *p; p++) {
        if (*p == '\n') assert_true(p > sdp && p[-1] == '\r');
        if (*p == '\r') assert_true(p[1] == '\n');
    }
    assert_true(matches(sdp, "a=fingerprint:sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}\r\n"));
    static const char *const never[] = {"a=crypto", "a=key-mgmt", "a=ice-lite", "a=candidate",
                                        "k=",       "i=",         "e=",         "b="};
    for (int i = -1; i < 3; i++)
        for (size_t n = 0; n < sizeof never / sizeof *never; n++) HAS_NO(sdp, i, never[n]);
    sotto__free(sdp);
    duo_free(d);
}

/* ---- the bundle ---- */

static const char *const transport_lines[] = {
    "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=tls-id:", "a=setup:actpass$"};

/* Each section that is in use has them, the same; the first of the group is this one. */
static void expect_transport(const char *sdp, int tagged)
{
    char mid[64];
    snprintf(mid, sizeof mid, "%s", line_value(sdp, tagged, "a=mid:"));
    const char *group = line_value(sdp, -1, "a=group:BUNDLE ");
    assert_int_equal(strcspn(group, " "), strlen(mid));
    assert_int_equal(strncmp(group, mid, strlen(mid)), 0);
    for (int i = 0; i < count_sections(sdp); i++) {
        bool used = is_used(sdp, i);
        for (size_t n = 0; n < sizeof transport_lines / sizeof *transport_lines; n++)
            HAS_N(sdp, i, transport_lines[n], used);
        char *ufrag = strdup(line_value(sdp, tagged, "a=ice-ufrag:"));
        if (used) assert_string_equal(line_value(sdp, i, "a=ice-ufrag:"), ufrag);
        free(ufrag);
    }
}

static void the_first_section_has_a_port_and_the_others_are_bundle_only(void **state)
{
    (void)state; /* SDP-02, SDP-14, SDP-17, SDP-18: RFC 9143 §7.2, RFC 9429 §5.2.1 */
    struct duo *d = duo_new(10);
    duo_open(&d->a, "x");
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_RECVONLY);
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 0 1 2");
    HAS_N(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF ", 1);
    HAS_N(sdp, 1, "m=video 0 UDP/TLS/RTP/SAVPF ", 1);
    HAS(sdp, 2, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel");
    expect_transport(sdp, 0);
    HAS(sdp, 0, "a=rtcp:9 IN IP4 0.0.0.0");
    HAS(sdp, 0, "a=rtcp-mux-only");
    HAS_NO(sdp, 1, "a=rtcp-mux-only");
    for (int i = 0; i < 3; i++) {
        HAS(sdp, i, "c=IN IP4 0.0.0.0");
        HAS_N(sdp, i, "a=bundle-only$", i > 0);
        HAS_N(sdp, i, "a=rtcp-mux$", i < 2);
        HAS_N(sdp, i, "a=rtcp-rsize$", i < 2);
    }
    HAS(sdp, 2, "a=sctp-port:5000");
    HAS(sdp, 2, "a=max-message-size:262144");
    sotto__free(sdp);
    duo_free(d);
}

static void data_alone_carries_the_transport(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    duo_open(&d->a, "x");
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 0");
    HAS(sdp, 0, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
    HAS_NO(sdp, 0, "a=rtcp");
    expect_transport(sdp, 0);
    sotto__free(sdp);
    duo_free(d);
}

static void a_later_offer_has_a_port_in_every_section_old_or_new(void **state)
{
    (void)state; /* SDP-02, SDP-14: RFC 9143 §7.5, RFC 9429 §5.2.2 */
    struct duo *d = duo_new(10);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_open(&d->a, "x");
    char *first = offer_of(&d->a);
    duo_signal(d);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 0 1 2");
    HAS_N(sdp, 2, "m=video 9 ", 1);
    expect_transport(sdp, 0);
    for (int i = 0; i < 3; i++) {
        HAS_NO(sdp, i, "a=bundle-only");
        HAS_NO(sdp, i, "a=rtcp:");
        HAS_NO(sdp, i, "a=rtcp-mux-only");
    }
    for (size_t n = 0; n < sizeof transport_lines / sizeof *transport_lines - 1; n++) {
        char *before = strdup(line_value(first, 0, transport_lines[n]));
        assert_string_equal(before, line_value(sdp, 0, transport_lines[n]));
        free(before);
    }
    sotto__free(first);
    sotto__free(sdp);
    duo_free(d);
}

static void the_transport_stays_in_the_section_where_the_last_answer_saw_it(void **state)
{
    (void)state; /* the side that answered had a transceiver of its own before */
    struct duo *d = duo_new(10);
    struct transceiver *own = add(d, &d->b, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_open(&d->a, "x");
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    char *sdp = offer_of(&d->b);
    HAS(sdp, -1, "a=group:BUNDLE 0 1 2");
    HAS_N(sdp, 0, "m=video 9 ", 1);
    HAS_N(sdp, 1, "m=application 9 ", 1);
    HAS_N(sdp, 2, "m=audio 9 ", 1);
    assert_string_equal(own->draft_mid, "2");
    expect_transport(sdp, 0);
    sotto__free(sdp);
    duo_free(d);
}

static void the_bundle_of_the_last_answer_counts_and_no_other_group(void **state)
{
    static const char answer[] = OFFER_HEAD
        "a=group:LS 1\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" TRANSPORT
        "a=mid:0\r\na=rtcp-mux\r\na=setup:active\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" TRANSPORT
        "a=mid:1\r\na=rtcp-mux\r\na=setup:active\r\n";
    (void)state;
    struct duo *d = duo_new(10);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, answer), 0);
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 0 1");
    expect_transport(sdp, 0);
    sotto__free(sdp);
    duo_free(d);
}

static void a_transceiver_is_tagged_rather_than_data(void **state)
{
    (void)state; /* W3C "create an offer": the first transceiver that is not stopped, while nothing was negotiated */
    struct duo *d = duo_new(10);
    duo_open(&d->a, "x");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 1 0");
    HAS_N(sdp, 0, "m=application 0 ", 1);
    HAS(sdp, 0, "a=bundle-only");
    HAS_N(sdp, 1, "m=audio 9 ", 1);
    expect_transport(sdp, 1);
    sotto__free(sdp);
    duo_signal(d);
    duo_run(d, SOTTO_MS(3000));
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    duo_free(d);
}

static void the_transport_moves_when_its_section_is_stopped(void **state)
{
    (void)state; /* RFC 9143 §7.5: a section that is to be disabled cannot be the tagged one */
    struct duo *d = duo_new(10);
    struct transceiver *t = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    duo_open(&d->a, "x");
    duo_signal(d);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t);
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 1 2");
    HAS_N(sdp, 0, "m=audio 0 UDP/TLS/RTP/SAVPF ", 1);
    HAS(sdp, 0, "a=mid:0");
    HAS_NO(sdp, 0, "a=msid");
    HAS_NO(sdp, 0, "a=bundle-only");
    expect_transport(sdp, 1);
    sotto__free(sdp);
    duo_signal(d);
    sdp = offer_of(&d->b);
    HAS(sdp, -1, "a=group:BUNDLE 1 2");
    expect_transport(sdp, 1);
    sotto__free(sdp);
    duo_free(d);
}

static void a_bundle_of_which_nothing_is_left_begins_anew(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    struct transceiver *t = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t);
    duo_signal(d);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 1 2");
    HAS_N(sdp, 0, "m=video 9 ", 1);
    HAS_N(sdp, 1, "m=video 0 ", 1);
    HAS(sdp, 1, "a=bundle-only");
    expect_transport(sdp, 0);
    sotto__free(sdp);
    duo_free(d);
}

/* proves: ICE-02 */
static void a_restart_changes_the_credentials_and_nothing_else(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    char *sdp;
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    char *before = offer_of(&d->a);
    assert_int_equal(sotto__peer_create_offer(d->a.peer, duo_now(d), true, &sdp), 0);
    static const char *const lines[] = {"a=ice-ufrag:", "a=ice-pwd:", "a=tls-id:"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *old = strdup(line_value(before, 0, lines[i]));
        bool same = strcmp(old, line_value(sdp, 0, lines[i])) == 0;
        assert_true(same == (i >= 2));
        free(old);
    }
    sotto__free(before);
    sotto__free(sdp);
    duo_free(d);
}

/* ---- places and mids ---- */

static void sections_that_were_negotiated_keep_their_place(void **state)
{
    static const char sdp[] = OFFER_HEAD "m=text 9 UDP/TLS/RTP/SAVPF 111 0\r\n" TRANSPORT
                                         "a=mid:0\r\na=rtcp-mux\r\n" AUDIO("1");
    (void)state;
    struct duo *d = duo_new(2);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    char *text = offer_of(&d->a);
    HAS(text, 0, "m=text 0 UDP/TLS/RTP/SAVPF 111 0"); /* nobody needs its place */
    HAS(text, 0, "a=mid:0");
    HAS(text, 1, "a=mid:1");
    sotto__free(text);
    duo_open(&d->a, "x");
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    text = offer_of(&d->a); /* what was rejected is recycled under a new mid, first for transceivers */
    HAS_N(text, 0, "m=video 0 ", 1);
    HAS(text, 0, "a=mid:2");
    HAS(text, 0, "a=bundle-only"); /* there was no BUNDLE group */
    HAS_N(text, 1, "m=audio 9 ", 1);
    HAS_N(text, 2, "m=application 0 ", 1);
    HAS(text, 2, "a=mid:3");
    HAS(text, -1, "a=group:BUNDLE 1 2 3");
    expect_transport(text, 1);
    sotto__free(text);
    duo_free(d);
}

static void places_of_stopped_transceivers_are_recycled_lowest_first(void **state)
{
    (void)state; /* RFC 9429 §5.2.2 */
    struct duo *d = duo_new(2);
    struct transceiver *t[4];
    for (int i = 0; i < 4; i++) t[i] = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t[1]);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t[2]);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a); /* they are in use until their stop was negotiated */
    HAS_N(sdp, 1, "m=audio 0 ", 1);
    HAS_N(sdp, 2, "m=audio 0 ", 1);
    HAS(sdp, 4, "a=mid:4");
    sotto__free(sdp);
    duo_signal(d);
    duo_open(&d->a, "x");
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    sdp = offer_of(&d->a);
    HAS_N(sdp, 1, "m=video 9 ", 1);
    HAS(sdp, 1, "a=mid:5");
    HAS_N(sdp, 2, "m=application 9 ", 1);
    HAS(sdp, 2, "a=mid:6");
    assert_int_equal(count_sections(sdp), 5);
    HAS(sdp, -1, "a=group:BUNDLE 0 5 6 3 4");
    sotto__free(sdp);
    duo_signal(d);
    sdp = offer_of(&d->b);
    assert_int_equal(count_sections(sdp), 5);
    HAS(sdp, -1, "a=group:BUNDLE 0 5 6 3 4");
    sotto__free(sdp);
    duo_free(d);
}

static void a_stopped_transceiver_without_a_section_gets_none(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    sotto__transceiver_stop(d->a.peer, duo_now(d), add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV));
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    assert_int_equal(count_sections(sdp), 1);
    HAS_N(sdp, 0, "m=video 9 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void proposed_mids_stay_until_somebody_else_uses_them(void **state)
{
    static const char taken[] = OFFER_HEAD AUDIO("1") "m=text 0 RTP/AVP 0\r\na=mid:3\r\n";
    (void)state;
    struct duo *d = duo_new(2);
    struct transceiver *one = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_open(&d->a, "x");
    char *sdp = offer_of(&d->a);
    HAS(sdp, 1, "a=mid:1");
    sotto__free(sdp);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    sdp = offer_of(&d->a); /* data comes last, and keeps its mid */
    HAS(sdp, 0, "a=mid:0");
    HAS(sdp, 1, "a=mid:2");
    HAS(sdp, 2, "a=mid:1");
    sotto__free(sdp);
    assert_string_equal(one->mid, "");
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, taken), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    sdp = offer_of(&d->a);
    HAS(sdp, 0, "a=mid:1"); /* the remote's, also that of a section that nobody uses, are not taken again */
    HAS_N(sdp, 1, "m=audio 0 ", 1);
    HAS(sdp, 1, "a=mid:4");
    HAS(sdp, 2, "a=mid:5");
    HAS_N(sdp, 3, "m=application ", 1);
    HAS(sdp, 3, "a=mid:6");
    sotto__free(sdp);
    duo_free(d);
}

static void a_mid_that_stands_in_a_description_is_never_proposed(void **state)
{
    static const char taken[] = OFFER_HEAD AUDIO("1") "m=text 9 RTP/AVP 0\r\na=mid:0\r\n";
    (void)state; /* whatever the counter says */
    struct duo *d = duo_new(2);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, taken), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    d->a.peer->next_mid = 0;
    duo_open(&d->a, "x");
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    HAS(sdp, 1, "a=mid:2");
    HAS(sdp, 2, "a=mid:3");
    sotto__free(sdp);
    duo_free(d);
}

static void an_offer_over_a_pending_one_goes_on_from_it(void **state)
{
    (void)state; /* RFC 9429 §5.2.2, have-local-offer */
    struct duo *d = duo_new(2);
    struct transceiver *t = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    duo_open(&d->a, "x");
    char *sdp = offer_of(&d->a);
    HAS(sdp, 0, "a=mid:0");
    HAS_N(sdp, 1, "m=video 0 ", 1);
    HAS(sdp, 1, "a=mid:1");
    HAS(sdp, 2, "a=mid:2");
    expect_transport(sdp, 0);
    sotto__free(sdp);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t);
    sdp = offer_of(&d->a);
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_NO(sdp, 0, "a=bundle-only");
    HAS(sdp, -1, "a=group:BUNDLE 1 2");
    expect_transport(sdp, 1);
    sotto__free(sdp);
    duo_free(d);
}

static void as_many_sections_as_there_can_be_fit_into_an_offer(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    struct transceiver *t;
    for (unsigned i = 0; i < SOTTO_MAX_TRANSCEIVERS; i++)
        add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    assert_int_equal(sotto__transceiver_add(d->a.peer, duo_now(d), SOTTO_AUDIO, NULL, &t),
                     SOTTO_E_LIMIT);
    duo_open(&d->a, "x");
    duo_signal(d);
    char *sdp = offer_of(&d->a);
    assert_int_equal(count_sections(sdp), SOTTO_MAX_SDP_MEDIA);
    HAS_N(sdp, SOTTO_MAX_SDP_MEDIA - 1, "m=application 9 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void an_offer_above_the_limit_of_descriptions_is_an_error(void **state)
{
    (void)state; /* SOTTO_MAX_SDP */
    struct duo *d = duo_new(2);
    char names[SOTTO_MAX_STREAM_IDS][SOTTO_MAX_STREAM_ID + 1], *sdp = NULL;
    const char *streams[SOTTO_MAX_STREAM_IDS];
    for (size_t i = 0; i < SOTTO_MAX_STREAM_IDS; i++) {
        memset(names[i], 'a' + (int)i, SOTTO_MAX_STREAM_ID);
        names[i][SOTTO_MAX_STREAM_ID] = '\0';
        streams[i] = names[i];
    }
    for (unsigned i = 0; i < SOTTO_MAX_TRANSCEIVERS; i++) {
        struct transceiver *t = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
        assert_int_equal(
            sotto__transceiver_set_streams(d->a.peer, duo_now(d), t, streams, SOTTO_MAX_STREAM_IDS),
            0);
    }
    assert_int_equal(sotto__peer_create_offer(d->a.peer, duo_now(d), false, &sdp), SOTTO_E_LIMIT);
    assert_null(sdp);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), SOTTO_E_LIMIT);
    assert_int_equal(d->a.peer->signaling, SOTTO_SIGNALING_STABLE);
    duo_free(d);
}

static void offers_survive_every_failing_allocation(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    add_streams(d, &d->a, SOTTO_AUDIO, "s", "t");
    add_simulcast(d, &d->a, "qhf");
    duo_open(&d->a, "x");
    duo_signal(d);
    add_streams(d, &d->a, SOTTO_VIDEO, "s", NULL);
    char *want = offer_of(&d->a), *sdp = NULL;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto__offer_make(d->a.peer, false, d->a.peer->version, &sdp);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) break;
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_string_equal(sdp, want);
    sotto__free(sdp);
    sotto__free(want);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_goes_up_only_when_the_text_changes),
        cmocka_unit_test(lines_end_with_crlf_and_nothing_is_offered_that_is_forbidden),
        cmocka_unit_test(the_first_section_has_a_port_and_the_others_are_bundle_only),
        cmocka_unit_test(data_alone_carries_the_transport),
        cmocka_unit_test(a_later_offer_has_a_port_in_every_section_old_or_new),
        cmocka_unit_test(the_transport_stays_in_the_section_where_the_last_answer_saw_it),
        cmocka_unit_test(the_bundle_of_the_last_answer_counts_and_no_other_group),
        cmocka_unit_test(a_transceiver_is_tagged_rather_than_data),
        cmocka_unit_test(the_transport_moves_when_its_section_is_stopped),
        cmocka_unit_test(a_bundle_of_which_nothing_is_left_begins_anew),
        cmocka_unit_test(a_restart_changes_the_credentials_and_nothing_else),
        cmocka_unit_test(sections_that_were_negotiated_keep_their_place),
        cmocka_unit_test(places_of_stopped_transceivers_are_recycled_lowest_first),
        cmocka_unit_test(a_stopped_transceiver_without_a_section_gets_none),
        cmocka_unit_test(proposed_mids_stay_until_somebody_else_uses_them),
        cmocka_unit_test(a_mid_that_stands_in_a_description_is_never_proposed),
        cmocka_unit_test(an_offer_over_a_pending_one_goes_on_from_it),
        cmocka_unit_test(as_many_sections_as_there_can_be_fit_into_an_offer),
        cmocka_unit_test(an_offer_above_the_limit_of_descriptions_is_an_error),
        cmocka_unit_test(offers_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an application allows before it looks at a remote: each limit of a policy, with what is answered to an offer beyond it, what is not
 * made, and what is counted.
 */
#include "lines.h"
#include "peer/policy.h"

static struct policy *policy_of(const struct policy *limits, const char *codec)
{
    struct policy *w = sotto__calloc(1, sizeof *w + 2 * POLICY_CODEC);
    assert_non_null(w);
    *w = *limits;
    if (w->max_sections == 0) w->max_sections = UINT32_MAX;
    if (w->max_send_bps == 0) w->max_send_bps = UINT64_MAX;
    w->any_codec = codec == NULL;
    if (codec) snprintf(w->codecs[w->n_codecs++], POLICY_CODEC, "%s", codec);
    return w;
}

#define LIMITS(...)                                                                                \
    policy_of(                                                                                     \
        &(struct policy){.max_channels = UINT32_MAX, .max_candidates = UINT32_MAX, __VA_ARGS__},   \
        NULL)

static uint64_t count(struct duo_side *s, enum attack what)
{
    struct attacks a;
    sotto__transport_attacks(&s->peer->transport, &a);
    return a.n[what];
}

#define CALL HEAD_OF("0 1 2") SOUND("0", CREDENTIALS) VIDEO("1", CREDENTIALS) DATA("2")

/* proves: S31 */
static void what_is_not_allowed_is_rejected_and_nothing_is_made_of_it(void **state)
{
    static const struct {
        int32_t audio, video;
        bool no_data;
        uint32_t max_sections;
        bool used[3];
    } rows[] = {
        {.audio = SOTTO_ALLOW_ALL, .used = {true, true, true}},
        {.audio = SOTTO_ALLOW_NONE, .used = {false, true, true}},
        {.video = SOTTO_ALLOW_NONE, .used = {true, false, true}},
        {.no_data = true, .used = {true, true, false}},
        {.max_sections = 2, .used = {true, true, false}},
        {.max_sections = 1, .used = {true, false, false}},
        {.audio = SOTTO_ALLOW_NONE, .max_sections = 1, .used = {false, true, false}},
        {SOTTO_ALLOW_NONE, SOTTO_ALLOW_NONE, true, 0, {false, false, false}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = duo_new(1);
        size_t media = 0, refused = 0;
        const struct policy limits = {.audio = rows[i].audio,
                                      .video = rows[i].video,
                                      .no_data = rows[i].no_data,
                                      .max_sections = rows[i].max_sections};
        sotto__peer_set_policy(d->a.peer, policy_of(&limits, NULL));
        char *sdp = answer_to(d, &d->a, CALL);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(is_used(sdp, k), rows[i].used[k]);
            media += k < 2 && rows[i].used[k];
            refused += !rows[i].used[k];
        }
        assert_int_equal(d->a.peer->n_transceivers, media);
        assert_int_equal(d->a.peer->data_index, rows[i].used[2] ? 2 : -1);
        assert_int_equal(count(&d->a, ATTACK_POLICY_SECTION), refused);
        sotto__free(sdp);
        duo_free(d);
    }
}

/* What an offer takes of memory under a policy, or without one. */
static int64_t taken_by(struct policy *policy)
{
    struct duo *d = duo_new(2);
    sotto__peer_set_policy(d->a.peer, policy);
    int64_t before = sotto__mem_live();
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, CALL), 0);
    int64_t taken = sotto__mem_live() - before;
    duo_free(d);
    return taken;
}

/* proves: S31 */
static void what_is_rejected_takes_no_more_memory_than_its_text(void **state)
{
    (void)state;
    int64_t all = taken_by(NULL);
    int64_t less = taken_by(LIMITS(.video = SOTTO_ALLOW_NONE));
    int64_t none =
        taken_by(LIMITS(.audio = SOTTO_ALLOW_NONE, .video = SOTTO_ALLOW_NONE, .no_data = true));
    assert_true(none < less && less < all);
}

/* proves: S31 */
static void directions_are_narrowed_or_the_section_goes(void **state)
{
    static const struct {
        int32_t audio;
        const char *offered, *answered; /* by us, who want to send and to receive; NULL: rejected */
    } rows[] = {
        {SOTTO_ALLOW_ALL, "sendrecv", "sendrecv"},     {SOTTO_ALLOW_SEND, "sendrecv", "sendonly"},
        {SOTTO_ALLOW_RECEIVE, "sendrecv", "recvonly"}, {SOTTO_ALLOW_SEND, "sendonly", NULL},
        {SOTTO_ALLOW_RECEIVE, "recvonly", NULL},       {SOTTO_ALLOW_SEND, "recvonly", "sendonly"},
        {SOTTO_ALLOW_RECEIVE, "inactive", "inactive"}, {SOTTO_ALLOW_NONE, "inactive", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = duo_new(3);
        char offer[2048];
        snprintf(offer, sizeof offer, "%sa=%s\r\n", HEAD_OF("0") SOUND("0", CREDENTIALS),
                 rows[i].offered);
        sotto__peer_set_policy(d->a.peer, LIMITS(.audio = rows[i].audio));
        assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), 0);
        struct transceiver *t = sotto__transceiver_at(d->a.peer, 0);
        if (t) t->direction = SOTTO_DIR_SENDRECV;
        char *sdp = answer_of(&d->a);
        assert_int_equal(is_used(sdp, 0), rows[i].answered != NULL);
        snprintf(offer, sizeof offer, "a=%s$", rows[i].answered ? rows[i].answered : "");
        if (rows[i].answered) expect_lines(sdp, 0, offer, 1, __FILE__, __LINE__);
        sotto__free(sdp);
        duo_free(d);
    }
}

/* proves: S31 */
static void only_the_named_codecs_are_taken(void **state)
{
    static const char both[] = HEAD_OF(
        "0") "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n" CREDENTIALS
             "a=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n";
    (void)state;
    struct duo *d = duo_new(4);
    struct policy limits = {.max_channels = UINT32_MAX};
    sotto__peer_set_policy(d->a.peer, policy_of(&limits, "pcmu"));
    char *sdp = answer_to(d, &d->a, both);
    HAS_NO(sdp, 0, "a=rtpmap:111");
    assert_true(is_used(sdp, 0));
    sotto__free(sdp);
    sotto__peer_set_policy(d->b.peer, policy_of(&limits, "G722"));
    sdp = answer_to(d, &d->b, both);
    assert_false(is_used(sdp, 0));
    assert_int_equal(d->b.peer->n_transceivers, 0);
    sotto__free(sdp);
    duo_free(d);
}

/* proves: S31 */
static void an_answer_beyond_the_policy_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    char *sdp = local_text(&d->a);
    char *answer = settle(d, &d->b, sdp);
    sotto_error err = {.size = sizeof err};
    sotto__peer_set_policy(d->a.peer, LIMITS(.video = SOTTO_ALLOW_NONE));
    assert_int_equal(sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_ANSWER, answer, &err),
                     SOTTO_E_SDP);
    assert_non_null(strstr(err.reason, "policy"));
    assert_int_equal(d->a.peer->signaling, SOTTO_SIGNALING_HAVE_LOCAL_OFFER);
    assert_int_equal(count(&d->a, ATTACK_POLICY_SECTION), 1);
    assert_int_equal(count(&d->a, ATTACK_DESCRIPTION_REFUSED), 1);
    sotto__peer_set_policy(d->a.peer, NULL); /* and without it the same answer is fine */
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, answer), 0);
    sotto__free(sdp);
    sotto__free(answer);
    duo_free(d);
}

/* proves: S31 */
static void our_own_offer_keeps_to_the_policy(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    struct policy limits = {.audio = SOTTO_ALLOW_RECEIVE, .max_receive_bps = 64000};
    sotto__peer_set_policy(d->a.peer, policy_of(&limits, "OPUS"));
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    HAS(sdp, 0, "a=recvonly");
    HAS(sdp, 0, "b=TIAS:64000");
    HAS_NO(sdp, 0, "a=rtpmap:0 ");
    sotto__free(sdp);
    duo_free(d);
}

/* proves: S31 */
static void what_we_send_stays_below_the_limit(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    sotto__peer_set_policy(d->a.peer, LIMITS(.max_send_bps = 300000));
    struct transceiver *t = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->a, &d->b);
    assert_int_equal(t->max_bps, 300000);
    duo_free(d);
}

/* proves: S31 */
static void channels_of_the_remote_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    sotto__peer_set_policy(
        d->b.peer,
        policy_of(&(struct policy){.max_channels = 1, .max_candidates = UINT32_MAX}, NULL));
    duo_connect(d); /* the first one */
    struct channel *second = duo_open(&d->a, "y");
    duo_run(d, SOTTO_SECONDS(2));
    assert_int_equal(count(&d->b, ATTACK_POLICY_CHANNEL), 1);
    assert_int_equal(count(&d->b, ATTACK_CHANNEL_REFUSED), 1);
    assert_int_equal(d->b.peer->n_channels, 1);
    assert_int_not_equal(second->state, SOTTO_DC_OPEN);
    struct channel *own = duo_open(&d->b, "z"); /* ours are not its */
    duo_run(d, SOTTO_SECONDS(2));
    assert_int_equal(own->state, SOTTO_DC_OPEN);
    duo_free(d);
}

static int give(struct duo *d, const char *line)
{
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = "0"};
    return sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL);
}

/* proves: S19 S31 */
static void candidates_beyond_the_policy_are_ignored_and_counted(void **state)
{
    enum { N = 6 };
    static const struct {
        uint32_t refuse, max;
        size_t taken; /* of those below */
    } rows[] = {
        {0, UINT32_MAX, N},
        {SOTTO_REFUSE_PRIVATE, UINT32_MAX, 4},
        {SOTTO_REFUSE_PUBLIC, UINT32_MAX, 2},
        {SOTTO_REFUSE_HOST, UINT32_MAX, 2},
        {SOTTO_REFUSE_SRFLX, UINT32_MAX, 5},
        {SOTTO_REFUSE_RELAY, UINT32_MAX, 5},
        {0, 2, 2},
        {0, 0, 0},
    };
    static const char *const lines[N] = {
        "candidate:1 1 udp 2130706431 10.1.2.3 5000 typ host",
        "candidate:5 1 udp 2130706429 64:ff9b::a01:203 5000 typ host", /* by NAT64 */
        "candidate:6 1 udp 2130706428 64:ff9b::808:808 5000 typ host",
        "candidate:2 1 udp 2130706430 192.0.2.9 5000 typ host",
        "candidate:3 1 udp 1694498815 192.0.2.10 5000 typ srflx raddr 0.0.0.0 rport 9",
        "candidate:4 1 udp 16777215 192.0.2.11 5000 typ relay raddr 0.0.0.0 rport 9",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = duo_new(9);
        const struct policy limits = {.max_channels = UINT32_MAX,
                                      .refuse_candidates = rows[i].refuse,
                                      .max_candidates = rows[i].max};
        sotto__peer_set_policy(d->a.peer, policy_of(&limits, NULL));
        duo_open(&d->a, "x");
        duo_signal(d);
        for (size_t k = 0; k < N; k++) assert_int_equal(give(d, lines[k]), 0);
        assert_int_equal(d->a.peer->n_remote_candidates, rows[i].taken);
        assert_int_equal(count(&d->a, ATTACK_POLICY_CANDIDATE), N - rows[i].taken);
        duo_free(d);
    }
}

/* proves: S31 */
static void an_offer_that_waits_is_answered_by_the_policy_it_came_under(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, CALL), 0);
    sotto__peer_set_policy(d->a.peer, LIMITS(.video = SOTTO_ALLOW_NONE));
    char *sdp = answer_of(&d->a);
    assert_true(is_used(sdp, 1));
    sotto__free(sdp);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_ANSWER), 0);
    sdp = settle(d, &d->a, CALL); /* the next one is under it */
    assert_false(is_used(sdp, 1));
    assert_true(is_used(sdp, 0));
    sotto__free(sdp);
    duo_free(d);
}

/* proves: S31 */
static void what_was_negotiated_goes_with_the_next_offer(void **state)
{
    (void)state;
    struct duo *d = duo_new(11);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->a, &d->b);
    duo_run(d, SOTTO_SECONDS(1));
    char *sdp = local_text(&d->b);
    assert_true(is_used(sdp, 0) && is_used(sdp, 1));
    sotto__free(sdp);
    sotto__peer_set_policy(d->b.peer, LIMITS(.max_sections = 1));
    sdp = local_text(&d->b); /* nothing changes by itself */
    assert_true(is_used(sdp, 1));
    sotto__free(sdp);
    signal_from(d, &d->a, &d->b);
    sdp = local_text(&d->b);
    assert_true(is_used(sdp, 0));
    assert_false(is_used(sdp, 1));
    sotto__free(sdp);
    assert_int_equal(count(&d->b, ATTACK_POLICY_SECTION), 1);
    duo_run(d, SOTTO_SECONDS(1));
    assert_true(sotto__transport_has_media_keys(&d->a.peer->transport)); /* the other one goes on */
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_allowed_is_rejected_and_nothing_is_made_of_it),
        cmocka_unit_test(what_is_rejected_takes_no_more_memory_than_its_text),
        cmocka_unit_test(directions_are_narrowed_or_the_section_goes),
        cmocka_unit_test(only_the_named_codecs_are_taken),
        cmocka_unit_test(an_answer_beyond_the_policy_is_refused_and_changes_nothing),
        cmocka_unit_test(our_own_offer_keeps_to_the_policy),
        cmocka_unit_test(what_we_send_stays_below_the_limit),
        cmocka_unit_test(channels_of_the_remote_beyond_the_limit_are_refused),
        cmocka_unit_test(candidates_beyond_the_policy_are_ignored_and_counted),
        cmocka_unit_test(an_offer_that_waits_is_answered_by_the_policy_it_came_under),
        cmocka_unit_test(what_was_negotiated_goes_with_the_next_offer),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}

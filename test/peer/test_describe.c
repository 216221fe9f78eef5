/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptions read back with their candidates, and candidates of the remote. */
#include "duo.h"

static int add(struct duo *d, const char *line, const char *mid, int32_t index, const char *ufrag)
{
    sotto_candidate c = {.size = sizeof c,
                         .line = line,
                         .mid = mid,
                         .has_mline_index = index >= 0,
                         .mline_index = index,
                         .ufrag = ufrag};
    return sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL);
}

#define HOST "candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host"

/* a has offered, b has answered, and nothing was trickled. */
static struct duo *negotiated(uint64_t seed)
{
    struct duo *d = duo_new(seed);
    duo_open(&d->a, "x");
    duo_signal(d);
    return d;
}

/* proves: SDP-23 */
static void candidates_go_to_the_section_they_name(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    assert_int_equal(add(d, HOST, "0", -1, NULL), SOTTO_E_STATE);
    duo_free(d);
    d = negotiated(1);
    assert_int_equal(add(d, HOST, "0", -1, NULL), 0);
    assert_int_equal(add(d, HOST, NULL, 0, NULL), 0);
    assert_int_equal(add(d, HOST, NULL, -1, NULL), SOTTO_E_INVAL);
    assert_int_equal(add(d, HOST, "9", 0, NULL), SOTTO_E_SDP);
    assert_int_equal(add(d, HOST, NULL, 1, NULL), SOTTO_E_SDP);
    assert_int_equal(add(d, "candidate:nonsense", "0", -1, NULL), SOTTO_E_SYNTAX);
    assert_int_equal(d->a.peer->n_remote_candidates, 2);
    assert_int_equal(add(d, HOST, "0", -1, "olderOne"), 0); /* H038: dropped */
    assert_int_equal(add(d, "candidate:1 1 udp 2130706431 224.0.0.1 5000 typ host", "0", -1, NULL),
                     0);
    assert_int_equal(add(d, "candidate:1 1 udp 2130706431 127.0.0.1 22 typ host", "0", -1, NULL),
                     0); /* H031 */
    assert_int_equal(add(d, "candidate:1 1 udp 2130706431 x.local 5000 typ host", "0", -1, NULL),
                     0);
    assert_int_equal(d->a.peer->n_remote_candidates, 2);
    duo_free(d);
}

/* proves: H026 H029 */
static void no_more_than_64_candidates_are_taken(void **state)
{
    (void)state;
    struct duo *d = negotiated(2);
    char line[96];
    for (int i = 0; i < SOTTO_MAX_REMOTE_CANDIDATES; i++) { /* H029 */
        snprintf(line, sizeof line, "candidate:%d 1 udp %d 192.0.2.9 %d typ host", i, 1000 + i,
                 5000 + i);
        assert_int_equal(add(d, line, "0", -1, NULL), 0);
    }
    assert_int_equal(add(d, HOST, "0", -1, NULL), SOTTO_E_LIMIT);
    duo_free(d);
}

static void before_the_answer_candidates_wait_in_the_description(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    char *sdp, *remote;
    duo_open(&d->b, "x");
    assert_int_equal(sotto__peer_set_local(d->b.peer, duo_now(d), SOTTO_SDP_OFFER, NULL, NULL), 0);
    assert_int_equal(sotto__peer_local_description(d->b.peer, 0, NULL, &sdp), 1);
    assert_int_equal(sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_OFFER, sdp, NULL), 0);
    assert_int_equal(add(d, HOST, "0", -1, NULL), 0);
    assert_int_equal(d->a.peer->n_remote_candidates, 0);
    assert_int_equal(sotto__peer_remote_description(d->a.peer, SOTTO_DESC_PENDING, NULL, &remote),
                     1);
    assert_non_null(strstr(remote, "a=" HOST "\r\n"));
    assert_int_equal(sotto__peer_remote_description(d->a.peer, SOTTO_DESC_CURRENT, NULL, NULL), 0);
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_ANSWER, NULL, NULL), 0);
    assert_int_equal(d->a.peer->n_remote_candidates, 1);
    sotto__free(sdp);
    sotto__free(remote);
    duo_free(d);
}

static void the_local_description_grows_with_its_candidates(void **state)
{
    (void)state;
    struct duo *d = negotiated(4);
    char *sdp;
    int32_t type;
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(sotto__peer_local_description(d->a.peer, SOTTO_DESC_CURRENT, &type, &sdp), 1);
    assert_int_equal(type, SOTTO_SDP_OFFER);
    assert_non_null(strstr(sdp, "a=candidate:"));
    assert_non_null(strstr(sdp, "a=end-of-candidates\r\n"));
    assert_non_null(strstr(sdp, "c=IN IP4 192.0.2.1\r\n"));
    assert_null(strstr(sdp, "m=application 9 "));
    assert_int_equal(sotto__peer_local_description(d->a.peer, SOTTO_DESC_PENDING, &type, &sdp), 0);
    assert_int_equal(sotto__peer_can_trickle(d->a.peer), 1);
    sotto__free(sdp);
    duo_free(d);
}

static void a_candidate_that_cannot_be_added_changes_nothing(void **state)
{
    (void)state;
    struct duo *d = negotiated(5);
    for (uint64_t n = 1;; n++) {
        struct peer *p = d->a.peer;
        const struct sdp_media *m = &p->current_remote.sdp->media[0];
        size_t lines = m->s.n_lines, count = p->n_remote_candidates;
        sotto__mem_fail_at(n);
        int r = add(d, HOST, "0", -1, NULL);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(m->s.n_lines, lines);
        assert_int_equal(p->n_remote_candidates, count);
    }
    assert_int_equal(d->a.peer->n_remote_candidates, 1);
    duo_free(d);
}

static void
candidates_of_sections_in_the_bundle_are_taken_while_the_tagged_one_has_none(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    struct transceiver *t;
    d->b.mute = true;
    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &t), 0);
    duo_open(&d->a, "x");
    duo_signal(d);
    const struct sdp *remote = d->a.peer->current_remote.sdp;
    assert_int_equal(remote->n_media, 2);
    assert_int_equal(add(d, HOST, "1", -1, NULL), 0);
    assert_int_equal(d->a.peer->n_remote_candidates, 1);
    assert_int_equal(add(d, HOST, "0", -1, NULL), 0);
    assert_int_equal(d->a.peer->n_remote_candidates, 2);
    for (int i = 0; i < 100; i++) assert_int_equal(add(d, HOST, "1", -1, NULL), 0); /* Firefox, section by section */
    assert_int_equal(d->a.peer->n_remote_candidates, 2);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_go_to_the_section_they_name),
        cmocka_unit_test(no_more_than_64_candidates_are_taken),
        cmocka_unit_test(before_the_answer_candidates_wait_in_the_description),
        cmocka_unit_test(the_local_description_grows_with_its_candidates),
        cmocka_unit_test(a_candidate_that_cannot_be_added_changes_nothing),
        cmocka_unit_test(
            candidates_of_sections_in_the_bundle_are_taken_while_the_tagged_one_has_none),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What offers look like, and when their version goes up. */
#include "texts.h"

static void the_version_goes_up_only_when_the_text_changes(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    char *one, *two, *three;
    assert_int_equal(sotto__peer_create_offer(d->a.peer, &one), 0);
    assert_int_equal(sotto__peer_create_offer(d->a.peer, &two), 0);
    assert_string_equal(one, two);
    uint64_t version = d->a.peer->version;
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_create_offer(d->a.peer, &three), 0);
    assert_int_equal(d->a.peer->version, version + 1);
    assert_null(strstr(one, "m=application"));
    assert_non_null(strstr(three, "a=setup:actpass\r\n"));
    assert_int_equal(sotto__peer_set_local(d->a.peer, 0, SOTTO_SDP_OFFER, one, NULL),
                     SOTTO_E_MODIFICATION);
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_OFFER, three, NULL), 0);
    sotto__free(one);
    sotto__free(two);
    sotto__free(three);
    duo_free(d);
}

static void sections_that_were_negotiated_keep_their_place(void **state)
{
    static const char sdp[] = OFFER_HEAD AUDIO("0");
    (void)state;
    struct duo *d = duo_new(2);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    duo_open(&d->a, "x");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    char *text = local_text(&d->a);
    char *audio = strstr(text, "m=audio 0 UDP/TLS/RTP/SAVPF 111 0\r\n"),
         *data = strstr(text, "m=application ");
    assert_true(audio && data && audio < data);
    assert_non_null(strstr(data, "a=mid:1\r\n"));
    assert_non_null(strstr(text, "a=group:BUNDLE 1\r\n"));
    sotto__free(text);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_goes_up_only_when_the_text_changes),
        cmocka_unit_test(sections_that_were_negotiated_keep_their_place),
    };
    return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What descriptions do to the transport: restarts, identities, roles. */
#include "texts.h"

/* The offer of b with another first character behind each of these names. */
static char *altered(struct duo *d, struct duo_side *s, const char *const *names, size_t n)
{
    assert_int_equal(local(d, s, SOTTO_SDP_OFFER), 0);
    char *text = local_text(s);
    for (size_t i = 0; i < n; i++) {
        char *at = strstr(text, names[i]);
        assert_non_null(at);
        at += strlen(names[i]);
        *at = *at == '1' ? '2' : '1';
    }
    return text;
}

static void what_may_change_on_a_live_transport(void **state)
{
    static const struct {
        const char *names[4];
        size_t n;
        int want;
    } rows[] = {
        {{"a=ice-ufrag:"}, 1, SOTTO_E_SDP}, /* SDP-24 */
        {{"a=ice-pwd:"}, 1, SOTTO_E_SDP},
        {{"sha-256 "}, 1, SOTTO_E_MODIFICATION}, /* SDP-05, H023 */
        {{"a=tls-id:"}, 1, SOTTO_E_MODIFICATION}, /* SDP-04 */
        {{"a=ice-ufrag:", "a=ice-pwd:"}, 2, 0},
        {{"a=ice-ufrag:", "a=ice-pwd:", "sha-256 "}, 3, 0},
        {{"a=ice-ufrag:", "a=ice-pwd:", "a=tls-id:"}, 3, 0},
    };
    (void)state;
    struct duo *d = duo_new(1);
    duo_connect(d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = altered(d, &d->b, rows[i].names, rows[i].n);
        int r = remote(d, &d->a, SOTTO_SDP_OFFER, text);
        if (r != rows[i].want) fail_msg("row %zu: %d", i, r);
        if (r == 0) assert_int_equal(remote(d, &d->a, SOTTO_SDP_ROLLBACK, NULL), 0);
        assert_int_equal(local(d, &d->b, SOTTO_SDP_ROLLBACK), 0);
        sotto__free(text);
        size_t before = d->b.n_messages;
        struct channel *c = sotto__peer_next_channel(d->a.peer, NULL);
        assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), c, "on", 2, true), 0);
        duo_run(d, SOTTO_MS(200));
        assert_int_equal(d->b.n_messages, before + 1);
    }
    duo_free(d);
}

static void a_restart_keeps_the_association(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    duo_connect(d);
    for (int i = 0; i < 4; i++) {
        char old[9];
        struct dtls *dtls = d->a.peer->transport.dtls;
        memcpy(old, d->a.peer->transport.live.ufrag, sizeof old);
        assert_int_equal(sotto__peer_restart_ice(d->a.peer, duo_now(d)), 0);
        assert_true(d->a.peer->negotiation_needed);
        duo_signal(d);
        assert_false(d->a.peer->restart_wanted);
        duo_run(d, SOTTO_SECONDS(1));
        assert_string_not_equal(d->a.peer->transport.live.ufrag, old);
        assert_string_equal(d->a.peer->transport.live.ufrag,
                            d->b.peer->transport.live.remote_ufrag);
        assert_ptr_equal(d->a.peer->transport.dtls, dtls);
        assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
        assert_false(d->a.peer->negotiation_needed);
    }
    duo_free(d);
}

static void restarts_must_be_answered_as_such(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_connect(d);
    char *text = NULL;
    assert_int_equal(sotto__peer_local_description(d->b.peer, 0, NULL, &text), 1);
    assert_int_equal(sotto__peer_restart_ice(d->a.peer, duo_now(d)), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, text), SOTTO_E_SDP); /* old credentials: H028 */
    assert_int_equal(d->a.peer->signaling, SOTTO_SIGNALING_HAVE_LOCAL_OFFER);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_ROLLBACK), 0);
    assert_true(d->a.peer->restart_wanted); /* W3C: still to be done */
    d->a.peer->restart_wanted = false;

    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0); /* no restart */
    char *ufrag = strstr(text, "a=ice-ufrag:") + 12, *pwd = strstr(text, "a=ice-pwd:") + 10;
    *ufrag = *ufrag == '1' ? '2' : '1', *pwd = *pwd == '1' ? '2' : '1';
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, text), SOTTO_E_SDP);
    sotto__free(text);
    duo_free(d);
}

static void negotiate(struct duo *d, struct duo_side *from, struct duo_side *to)
{
    assert_int_equal(local(d, from, SOTTO_SDP_OFFER), 0);
    char *text = local_text(from);
    assert_int_equal(remote(d, to, SOTTO_SDP_OFFER, text), 0);
    sotto__free(text);
    assert_int_equal(local(d, to, SOTTO_SDP_ANSWER), 0);
    text = local_text(to);
    assert_int_equal(remote(d, from, SOTTO_SDP_ANSWER, text), 0);
    sotto__free(text);
}

static void restarts_may_follow_each_other_before_they_are_done(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    duo_connect(d);
    struct dtls *dtls = d->a.peer->transport.dtls;
    for (int i = 0; i < 6; i++) {
        struct duo_side *from = i % 2 ? &d->b : &d->a;
        if (i != 3) /* one that restarts nothing, between two that do */
            assert_int_equal(sotto__peer_restart_ice(from->peer, duo_now(d)), 0);
        negotiate(d, from, i % 2 ? &d->a : &d->b);
    }
    duo_run(d, SOTTO_SECONDS(5));
    assert_ptr_equal(d->a.peer->transport.dtls, dtls);
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    assert_string_equal(d->a.peer->transport.live.ufrag, d->b.peer->transport.live.remote_ufrag);
    duo_open(&d->a, "y");
    duo_run(d, SOTTO_SECONDS(2));
    assert_string_equal(d->b.remote->label, "y");
    duo_free(d);
}

static void a_lite_remote_makes_us_controlling(void **state)
{
    (void)state; /* RFC 8445 6.1.1, ICE-01 */
    struct duo *d = duo_new(4);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER,
                            OFFER_HEAD "a=ice-lite\r\n" DATA("0") "a=setup:actpass\r\n"),
                     0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_ANSWER), 0);
    assert_true(d->a.peer->controlling && d->a.peer->transport.controlling);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_OFFER, OFFER_HEAD DATA("0") "a=setup:actpass\r\n"),
                     0);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_ANSWER), 0);
    assert_false(d->b.peer->controlling || d->b.peer->transport.controlling);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_change_on_a_live_transport),
        cmocka_unit_test(a_restart_keeps_the_association),
        cmocka_unit_test(restarts_must_be_answered_as_such),
        cmocka_unit_test(restarts_may_follow_each_other_before_they_are_done),
        cmocka_unit_test(a_lite_remote_makes_us_controlling),
    };
    return cmocka_run_group_tests_name("apply_transport", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Plans: what a description does is prepared without a trace and carried out whole. */
#include "texts.h"

#include "peer/apply.h"

#define BUNDLE(mids) "a=group:BUNDLE " mids "\r\n"
#define OFFER                                                                                      \
    OFFER_HEAD BUNDLE("0 1 2") AUDIO("0") "a=msid:s t\r\na=setup:actpass\r\n" VIDEO(               \
        "1") "a=setup:actpass\r\n" DATA("2") "a=setup:actpass\r\n"
#define VIDEO(mid)                                                                                 \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT "a=mid:" mid                                    \
    "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n"

/* proves: SDP-21 */
static void message_sizes_have_their_default_and_zero_is_any(void **state)
{
    static const struct {
        const char *line;
        uint64_t want;
    } rows[] = {
        {"", 65536},
        {"a=max-message-size:262144\r\n", 262144},
        {"a=max-message-size:0\r\n", UINT64_MAX},
        {"a=max-message-size:1073741823\r\n", 1073741823},
    };
    (void)state; /* SDP-21 */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = duo_new(3);
        char text[2048];
        snprintf(text, sizeof text, "%s%s", OFFER_HEAD DATA("0") "a=setup:active\r\n",
                 rows[i].line);
        duo_open(&d->a, "x");
        assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
        assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, text), 0);
        if (d->a.peer->remote_max_message != rows[i].want) fail_msg("row %zu", i);
        duo_free(d);
    }
}

/* ---- nothing is left of what fails ---- */

struct look { /* all that a failed call could have changed */
    int32_t signaling, gathering, data_index, mlines[4];
    size_t n_transceivers, n_gone, n_controls;
    bool pending_local, pending_remote, has_ice, has_next, needed;
    char data_mid[SOTTO_MAX_MID + 1], live[9];
};

static struct look look_at(struct peer *p)
{
    struct look l;
    memset(&l, 0, sizeof l);
    l.signaling = p->signaling, l.gathering = p->gathering, l.data_index = p->data_index;
    l.n_transceivers = p->n_transceivers, l.n_gone = p->n_gone, l.n_controls = p->n_controls;
    l.pending_local = p->pending_local.sdp, l.pending_remote = p->pending_remote.sdp;
    l.has_ice = p->transport.live.ice, l.has_next = p->transport.next.ice;
    l.needed = p->negotiation_needed;
    memcpy(l.data_mid, p->data_mid, sizeof l.data_mid);
    memcpy(l.live, p->transport.live.ufrag, sizeof l.live);
    struct transceiver *t = NULL;
    for (size_t i = 0; i < 4 && (t = sotto__transceiver_next(p, t)); i++)
        l.mlines[i] = t->mline_index;
    return l;
}

/* Sets a description with each allocation failing in turn, until none does. */
static void sweep(struct duo *d, struct duo_side *s, bool is_local, int32_t type, const char *sdp)
{
    for (uint64_t n = 1;; n++) {
        struct look before = look_at(s->peer), after;
        sotto__mem_fail_at(n);
        int r = is_local ? local(d, s, type) : remote(d, s, type, sdp);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (r == 0) return;
        if (!failed || r != SOTTO_E_NOMEM) fail_msg("allocation %d: %d", (int)n, r);
        after = look_at(s->peer);
        if (memcmp(&before, &after, sizeof before) != 0) fail_msg("allocation %d", (int)n);
    }
}

static void each_failing_allocation_of_a_description_changes_nothing(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    int64_t live = sotto__mem_live();
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(d->b.peer, 0, SOTTO_VIDEO, NULL, 0, &t), 0);
    sweep(d, &d->b, false, SOTTO_SDP_OFFER, OFFER);
    assert_int_equal(d->b.peer->n_transceivers, 2);
    sweep(d, &d->b, true, SOTTO_SDP_ANSWER, NULL);
    assert_int_equal(d->b.peer->signaling, SOTTO_SIGNALING_STABLE);

    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &t), 0);
    duo_open(&d->a, "x");
    sweep(d, &d->a, true, SOTTO_SDP_OFFER, NULL);
    static const char answer[] =
        OFFER_HEAD BUNDLE("0 1") AUDIO("0") "a=setup:active\r\n" DATA("1") "a=setup:active\r\n";
    sweep(d, &d->a, false, SOTTO_SDP_ANSWER, answer);
    assert_int_equal(t->current, SOTTO_DIR_SENDRECV);
    assert_true(sotto__mem_live() > live);
    duo_free(d);
}

static void a_transport_that_nothing_uses_any_more_is_as_new(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct transceiver *t;
    char ufrag[9];
    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &t), 0);
    for (int round = 0; round < 3; round++) {
        duo_signal(d);
        duo_run(d, SOTTO_SECONDS(1));
        assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
        assert_int_equal(d->b.peer->connection, SOTTO_CONNECTION_CONNECTED);
        memcpy(ufrag, d->a.peer->transport.live.ufrag, sizeof ufrag);
        assert_int_equal(sotto__transceiver_stop(d->a.peer, duo_now(d), t), 0);
        duo_signal(d);
        duo_run(d, SOTTO_SECONDS(1));
        assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_NEW);
        assert_int_equal(d->b.peer->connection, SOTTO_CONNECTION_NEW);
        assert_int_equal(d->a.peer->n_transceivers, 0);
        assert_int_equal(d->b.peer->n_transceivers, 0);
        assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_VIDEO, NULL, &t), 0);
    }
    assert_string_not_equal(ufrag, d->a.peer->transport.live.ufrag);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_sizes_have_their_default_and_zero_is_any),
        cmocka_unit_test(each_failing_allocation_of_a_description_changes_nothing),
        cmocka_unit_test(a_transport_that_nothing_uses_any_more_is_as_new),
    };
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}

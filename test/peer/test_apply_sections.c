/* SPDX-License-Identifier: BSD-2-Clause */
/* What descriptions do to transceivers: association, directions, streams and their events, encodings. */
#include "texts.h"

#define BUNDLE(mids) "a=group:BUNDLE " mids "\r\n"
#define ACTPASS "a=setup:actpass\r\n"
#define VIDEO(mid)                                                                                 \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT "a=mid:" mid                                    \
    "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"

static struct transceiver *nth(struct duo_side *s, size_t n)
{
    struct transceiver *t = NULL;
    do t = sotto__transceiver_next(s->peer, t);
    while (t && n-- > 0);
    return t;
}

/* Takes the events away and lists those of tracks: "+a s1 s2|-v s1|". */
static void tracks(struct duo_side *s, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    while (sotto__peer_has_event(s->peer)) {
        struct peer_event e;
        sotto__peer_peek(s->peer, &e);
        if (e.type == SOTTO_EV_TRACK || e.type == SOTTO_EV_TRACK_REMOVED) {
            n += (size_t)snprintf(out + n, cap - n, "%c%c", e.type == SOTTO_EV_TRACK ? '+' : '-',
                                  e.transceiver->kind == SOTTO_AUDIO ? 'a' : 'v');
            for (size_t i = 0; i < e.streams->n; i++)
                n += (size_t)snprintf(out + n, cap - n, " %s", e.streams->items[i]);
            n += (size_t)snprintf(out + n, cap - n, "|");
        }
        sotto__peer_pop(s->peer);
    }
}

static void tracks_of_offers_one_after_the_other(void **state)
{
    static const struct {
        const char *lines, *want;
    } rows[] = {
        {"a=sendrecv\r\na=msid:s1 t\r\n", "+a s1|"},
        {"a=sendrecv\r\na=msid:s1 t\r\n", ""},
        {"a=sendrecv\r\na=msid:s1 t\r\na=msid:s2 t\r\n", "+a s1 s2|"}, /* one more stream fires again */
        {"a=sendrecv\r\na=msid:s2 t\r\n", "-a s1|"},
        {"a=sendonly\r\na=msid:s3 t\r\n", "-a s2|+a s3|"},
        {"a=recvonly\r\na=msid:s3 t\r\n", "-a s3|"},
        {"a=inactive\r\n", ""},
        {"a=sendrecv\r\na=msid:- t\r\n", "+a|"}, /* of no stream */
        {"a=inactive\r\n", "-a|"},
    };
    (void)state;
    struct duo *d = duo_new(1);
    char got[128];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%s%s", OFFER_HEAD AUDIO("0") ACTPASS, rows[i].lines);
        assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, text), 0);
        assert_int_equal(local(d, &d->a, SOTTO_SDP_ANSWER), 0);
        tracks(&d->a, got, sizeof got);
        if (strcmp(got, rows[i].want) != 0) fail_msg("offer %zu: %s", i, got);
    }
    assert_int_equal(d->a.peer->n_transceivers, 1);
    duo_free(d);
}

/* proves: H024 S36 */
static void a_remote_never_makes_us_send(void **state)
{
    (void)state; /* H024 */
    struct duo *d = duo_new(2);
    assert_int_equal(
        remote(d, &d->a, SOTTO_SDP_OFFER, OFFER_HEAD AUDIO("0") ACTPASS "a=sendrecv\r\n"), 0);
    assert_int_equal(nth(&d->a, 0)->direction, SOTTO_DIR_RECVONLY);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_ANSWER), 0);
    assert_int_equal(nth(&d->a, 0)->current, SOTTO_DIR_RECVONLY);

    struct transceiver *t;
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_RECVONLY};
    assert_int_equal(sotto__transceiver_add(d->b.peer, 0, SOTTO_AUDIO, &cfg, &t), 0);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_OFFER), 0);
    /* an answer that claims to receive what was never offered */
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_ANSWER,
                            OFFER_HEAD AUDIO("0") "a=setup:active\r\na=sendrecv\r\n"),
                     0);
    assert_int_equal(t->current, SOTTO_DIR_RECVONLY);
    assert_false(t->has_sent);
    duo_free(d);
}

static void an_offer_takes_the_transceivers_of_add_track(void **state)
{
    (void)state; /* RFC 9429 5.10 */
    struct duo *d = duo_new(3);
    struct transceiver *added, *first, *second;
    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &added), 0);
    assert_int_equal(sotto__transceiver_add_track(d->a.peer, 0, SOTTO_VIDEO, NULL, 0, &first), 0);
    assert_int_equal(sotto__transceiver_add_track(d->a.peer, 0, SOTTO_VIDEO, NULL, 0, &second), 0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER,
                            OFFER_HEAD BUNDLE("a b c d") AUDIO("a") ACTPASS VIDEO("b") ACTPASS
                            "a=sendonly\r\n" VIDEO("c") ACTPASS "a=recvonly\r\n" VIDEO("d")
                                ACTPASS),
                     0);
    assert_string_equal(added->mid, ""); /* by addTransceiver: never taken */
    assert_string_equal(first->mid, "c"); /* a section that only sends is no place for a track */
    assert_string_equal(second->mid, "d");
    assert_int_equal(d->a.peer->n_transceivers, 5);
    duo_free(d);
}

static void a_rejected_section_stops_its_transceiver(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    struct transceiver *t, *other;
    char got[64];
    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &other), 0);
    t->shell = d; /* as if the application had its handle */
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(sotto__transceiver_stop(d->b.peer, duo_now(d), nth(&d->b, 0)), 0);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_OFFER), 0);
    char *text = local_text(&d->b);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, text), 0);
    sotto__free(text);
    assert_true(t->stopped);
    assert_int_equal(d->a.peer->n_transceivers, 2); /* till the answer */
    assert_int_equal(local(d, &d->a, SOTTO_SDP_ANSWER), 0);
    assert_int_equal(d->a.peer->n_transceivers, 1);
    assert_int_equal(d->a.peer->n_gone, 1);
    assert_int_equal(sotto__transceiver_current(t), SOTTO_DIR_STOPPED);
    tracks(&d->a, got, sizeof got);
    text = local_text(&d->a);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_ANSWER, text), 0);
    sotto__free(text);
    assert_int_equal(d->b.peer->n_transceivers, 1);
    t->shell = NULL;
    sotto__transceiver_release(d->a.peer, t);
    assert_int_equal(d->a.peer->n_gone, 0);
    duo_free(d);
}

static void layers_that_the_answer_lacks_are_gone(void **state)
{
    static const struct {
        const char *lines;
        size_t n;
        const char *rids[3];
    } rows[] = {
        {"a=rid:a recv\r\na=rid:b recv\r\na=rid:c recv\r\na=simulcast:recv a;b;c\r\n",
         3,
         {"a", "b", "c"}},
        {"a=rid:a recv\r\na=rid:c recv\r\na=simulcast:recv a;c\r\n", 2, {"a", "c"}},
        {"a=rid:b recv\r\na=simulcast:recv b\r\n", 1, {"b"}},
        {"a=rid:z recv\r\na=simulcast:recv z\r\n", 1, {"a"}},
        {"", 1, {"a"}},
    };
    static const sotto_encoding three[] = {{.size = sizeof *three, .rid = "a"},
                                           {.size = sizeof *three, .rid = "b"},
                                           {.size = sizeof *three, .rid = "c"}};
    sotto_transceiver_config cfg = {.size = sizeof cfg, .encodings = three, .n_encodings = 3};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = duo_new(5);
        struct transceiver *t;
        char text[2048];
        assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_VIDEO, &cfg, &t), 0);
        assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
        snprintf(text, sizeof text, "%s%s", OFFER_HEAD VIDEO("0") "a=setup:active\r\n",
                 rows[i].lines);
        assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, text), 0);
        assert_int_equal(t->encodings.n, rows[i].n);
        for (size_t k = 0; k < rows[i].n; k++)
            assert_string_equal(t->encodings.items[k].rid, rows[i].rids[k]);
        duo_free(d);
    }
}

static void layers_that_the_offer_wants_are_taken_and_rolled_back(void **state)
{
    static const char offer[] = OFFER_HEAD VIDEO("0") ACTPASS
        "a=rid:h recv\r\na=rid:l recv\r\na=rid:h2 recv\r\na=simulcast:recv h,h2;l\r\n";
    (void)state;
    struct duo *d = duo_new(6);
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(d->a.peer, 0, SOTTO_VIDEO, NULL, 0, &t), 0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), 0);
    assert_int_equal(t->encodings.n, 2);
    assert_string_equal(t->encodings.items[0].rid, "h");
    assert_true(t->encodings.items[0].scale == 2 && t->encodings.items[1].scale == 1);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ROLLBACK, NULL), 0);
    assert_int_equal(t->encodings.n, 1);
    assert_null(t->encodings.items[0].rid);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tracks_of_offers_one_after_the_other),
        cmocka_unit_test(a_remote_never_makes_us_send),
        cmocka_unit_test(an_offer_takes_the_transceivers_of_add_track),
        cmocka_unit_test(a_rejected_section_stops_its_transceiver),
        cmocka_unit_test(layers_that_the_answer_lacks_are_gone),
        cmocka_unit_test(layers_that_the_offer_wants_are_taken_and_rolled_back),
    };
    return cmocka_run_group_tests_name("apply_sections", tests, NULL, NULL);
}

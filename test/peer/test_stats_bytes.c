/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The account of memory in the statistics, held against what util/mem counts: two peers over the virtual network.
 */
#include "report.h"

/* What two peers share, or what is rounded: entries in the stack's table of associations, blocks of queued messages. */
#define REST 1024

static int64_t of(const struct duo_side *s, const char *name)
{
    sotto_stats *r = report(s);
    int64_t n = report_int(report_one(r, "sotto-memory"), name);
    sotto__free(r);
    return n;
}

/* The members are the total. */
static int64_t total(const struct duo_side *s)
{
    static const char *const names[] = {"peerBytes", "sdpBytes",  "iceBytes",   "dtlsBytes",
                                        "srtpBytes", "sctpBytes", "mediaBytes", "channelsBytes"};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) sum += of(s, names[i]);
    assert_int_equal(sum, of(s, "totalBytes"));
    return sum;
}

/* All that util/mem has counted, less the peers' own account and the boxes of the two hosts. */
static int64_t unaccounted(const struct duo *d)
{
    return sotto__mem_bytes() - total(&d->a) - total(&d->b) -
           (int64_t)sotto__mem_size(d->a.box.bytes) - (int64_t)sotto__mem_size(d->b.box.bytes);
}

static void a_fresh_peer_is_accounted_for_to_the_byte(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    int64_t before = sotto__mem_bytes() - total(&d->a);
    struct peer *old = d->a.peer;
    struct peer_cfg cfg;
    sotto__peer_get_config(old, &cfg);
    cfg.transport.shared = &d->a.shared;
    cfg.transport.cert = d->a.cert;
    struct ice_server servers[] = {{.kind = ICE_SERVER_TURN_UDP,
                                    .url = (char[]){"turn:198.51.100.1"},
                                    .username = (char[]){"a name"},
                                    .credential = (char[]){"a secret"}}};
    cfg.transport.servers = servers;
    cfg.transport.n_servers = 1;
    sotto__peer_close(old, 0);
    sotto__peer_free(old);
    assert_int_equal(sotto__peer_new(&d->a.peer, &cfg), 0);
    assert_int_equal(sotto__mem_bytes() - total(&d->a), before);
    assert_true(of(&d->a, "iceBytes") > 50);
    assert_int_equal(of(&d->a, "mediaBytes"), 0);
    duo_free(d);
}

static void connected_peers_are_accounted_for(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    int64_t before = unaccounted(d);
    duo_connect(d);
    duo_run(d, SOTTO_SECONDS(20)); /* what was only for the beginning is given back */
    assert_in_range(unaccounted(d) - before + REST, 0, 2 * REST);
    assert_true(of(&d->a, "sdpBytes") > 1000 && of(&d->a, "dtlsBytes") > 500);
    assert_true(of(&d->a, "sctpBytes") > 500 && of(&d->a, "channelsBytes") > 100);
    assert_int_equal(of(&d->a, "srtpBytes"), 0);
    duo_free(d);
}

static void what_is_queued_is_accounted_for_until_it_is_delivered(void **state)
{
    (void)state;
    static const uint8_t zeros[10000];
    struct duo *d = duo_new(3);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    duo_run(d, SOTTO_SECONDS(20));
    int64_t before = unaccounted(d), idle = of(&d->a, "channelsBytes");
    d->b.paused = true;
    for (int i = 0; i < 10; i++) { /* until nothing moves any more */
        while (sotto__channel_send(d->a.peer, duo_now(d), x, zeros, sizeof zeros, false) == 0)
            continue;
        sotto__egress_flush(&d->a.egress, duo_now(d));
        duo_run(d, SOTTO_SECONDS(2));
    }
    assert_true(of(&d->a, "channelsBytes") > idle + (int64_t)x->buffered);
    assert_true(x->buffered > 0);
    assert_true(of(&d->a, "sctpQueuedBytes") > SOTTO_SCTP_BACKLOG / 2);
    assert_in_range(unaccounted(d) - before + 16 * REST, 0, 32 * REST);
    d->b.paused = false;
    duo_run(d, SOTTO_SECONDS(60));
    assert_int_equal(of(&d->a, "channelsBytes"), idle);
    assert_int_equal(of(&d->a, "sctpQueuedBytes"), 0);
    assert_in_range(unaccounted(d) - before + REST, 0, 2 * REST);
    duo_free(d);
}

static void events_and_texts_that_wait_are_accounted_for(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    struct peer_event e;
    char *text;
    int64_t before = unaccounted(d), idle = of(&d->a, "peerBytes");
    for (int i = 0; i < 100; i++) sotto__events_candidate(d->a.peer, 0, END_OF_CANDIDATES, "abcd");
    struct note *note = sotto__calloc(1, sizeof *note);
    assert_non_null(note);
    note->url = sotto__strdup("stun:198.51.100.1");
    note->text = sotto__strdup("no answer");
    sotto__events_note(d->a.peer, 0, SOTTO_EV_CANDIDATE_ERROR, note);
    assert_true(of(&d->a, "peerBytes") > idle + 100 * (int64_t)sizeof(struct control));
    assert_int_equal(unaccounted(d), before);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_create_offer(d->a.peer, 0, false, &text), 0);
    sotto__free(text);
    assert_true(of(&d->a, "sdpBytes") > 300);
    assert_int_equal(unaccounted(d), before);
    for (; sotto__peer_has_event(d->a.peer); sotto__peer_pop(d->a.peer))
        sotto__peer_peek(d->a.peer, &e);
    assert_int_equal(of(&d->a, "peerBytes"), idle);
    duo_free(d);
}

static void media_is_accounted_for(void **state)
{
    (void)state;
    static const uint8_t bytes[50000] = {0x10, 0x02, 0x00, 0x9d, 0x01,
                                         0x2a, 0x80, 0x02, 0xe0, 0x01};
    struct duo *d = duo_new(5);
    int64_t before = unaccounted(d);
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(d->a.peer, duo_now(d), SOTTO_VIDEO, NULL, 0, &t),
                     0);
    duo_connect(d);
    duo_run(d, SOTTO_SECONDS(1));
    int64_t idle = of(&d->a, "mediaBytes");
    assert_true(idle > 1000);
    for (int i = 0; i < 10; i++) {
        sotto_frame f = {.size = sizeof f,
                         .data = bytes,
                         .len = sizeof bytes,
                         .is_key = true,
                         .capture_us = duo_now(d)};
        assert_int_equal(sotto__media_send_frame(d->a.peer, duo_now(d), t, &f), 0);
        sotto__egress_flush(&d->a.egress, duo_now(d));
        duo_run(d, SOTTO_MS(33));
    }
    assert_true(of(&d->a, "mediaBytes") > idle + 5 * (int64_t)sizeof bytes);
    assert_true(of(&d->b, "mediaBytes") > 8 * (int64_t)sizeof bytes); /* nobody takes the frames */
    assert_true(of(&d->a, "srtpBytes") > 500 && of(&d->b, "srtpBytes") > 500);
    assert_in_range(unaccounted(d) - before + 32 * REST, 0, 64 * REST);
    duo_free(d);
}

static void every_member_is_on_the_page(void **state)
{
    (void)state;
    static const char *const types[] = {"sotto-memory"};
    report_must_have_shown(types, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_peer_is_accounted_for_to_the_byte),
        cmocka_unit_test(connected_peers_are_accounted_for),
        cmocka_unit_test(what_is_queued_is_accounted_for_until_it_is_delivered),
        cmocka_unit_test(events_and_texts_that_wait_are_accounted_for),
        cmocka_unit_test(media_is_accounted_for),
        cmocka_unit_test(every_member_is_on_the_page),
    };
    sotto__mem_weigh();
    return cmocka_run_group_tests_name("stats_bytes", tests, report_read_page, NULL);
}

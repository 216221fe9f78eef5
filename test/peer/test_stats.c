/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics of two peers over the virtual network: every object and member by name, with exact counts; ICE's are test_stats_ice.c. */
#include "report.h"
#include "transport/pmtu.h"

static void a_fresh_connection_knows_itself_only(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    sotto_stats *s = report(&d->a);
    assert_int_equal(s->n, 2);
    report_one(s, "sotto-memory");
    const sotto_stat *pc = report_one(s, "peer-connection");
    assert_int_equal(report_int(pc, "dataChannelsOpened"), 0);
    assert_int_equal(report_int(pc, "dataChannelsClosed"), 0);
    sotto__free(s);
    duo_free(d);
}

static void the_transport_begins_with_the_first_description(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = report_one(s, "transport"), *c = report_one(s, "certificate");
    assert_string_equal(report_text(t, "dtlsState"), "new");
    assert_string_equal(report_text(t, "iceState"), "new");
    assert_string_equal(report_text(t, "dtlsRole"), "unknown");
    assert_string_equal(report_text(t, "iceRole"), "controlling");
    assert_string_equal(report_text(t, "iceLocalUsernameFragment"),
                        d->a.peer->transport.live.ufrag);
    assert_int_equal(report_int(t, "selectedCandidatePairChanges"), 0);
    assert_int_equal(report_int(t, "packetsSent"), 0);
    assert_ptr_equal(report_refer(s, t, "localCertificateId"), c);
    assert_false(report_has(t, "remoteCertificateId") || report_has(t, "tlsVersion") ||
                 report_has(t, "dtlsCipher") || report_has(t, "selectedCandidatePairId") ||
                 report_has(t, "srtpCipher"));
    assert_int_equal(report_count(s, "candidate-pair") + report_count(s, "remote-candidate"), 0);
    const sotto_stat *x = report_one(s, "data-channel");
    assert_string_equal(report_text(x, "state"), "connecting");
    assert_false(report_has(x, "dataChannelIdentifier")); /* not known yet */
    sotto__free(s);
    duo_free(d);
}

static void a_connected_transport_names_its_parts(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_connect(d);
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = report_one(s, "transport");
    assert_string_equal(report_text(t, "dtlsState"), "connected");
    assert_string_equal(report_text(t, "iceState"), "completed");
    assert_string_equal(report_text(t, "iceRole"), "controlling");
    assert_string_equal(report_text(t, "dtlsRole"), d->a.peer->dtls_client ? "client" : "server");
    assert_string_equal(report_text(t, "tlsVersion"), "FEFD");
    assert_string_equal(report_text(t, "dtlsCipher"), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_int_equal(report_int(t, "selectedCandidatePairChanges"), 1);
    assert_ptr_equal(report_refer(s, t, "selectedCandidatePairId"),
                     report_one(s, "candidate-pair"));
    sotto__free(s);
    duo_free(d);
}

static void certificates_are_the_ones_in_use(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_connect(d);
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    const sotto_stat *ta = report_one(a, "transport"), *tb = report_one(b, "transport");
    const sotto_stat *own = report_refer(a, ta, "localCertificateId");
    const sotto_stat *seen = report_refer(b, tb, "remoteCertificateId");
    struct sdp_fingerprint f;
    char want[224], *pem;
    assert_int_equal(report_count(a, "certificate"), 2);
    sotto__cert_fingerprint(d->a.cert, &f);
    sotto__fingerprint_text(&f, want);
    assert_string_equal(report_text(own, "fingerprintAlgorithm"), "sha-256");
    assert_string_equal(report_text(own, "fingerprint"), want + strlen("sha-256 "));
    assert_string_equal(report_text(seen, "fingerprint"), report_text(own, "fingerprint"));
    assert_string_equal(report_text(seen, "base64Certificate"),
                        report_text(own, "base64Certificate"));
    /* the same bytes as in the PEM text, which has lines */
    assert_int_equal(sotto__cert_to_pem(d->a.cert, &pem), 0);
    const char *base64 = report_text(own, "base64Certificate"), *p = strchr(pem, '\n');
    size_t at = 0;
    for (; base64[at]; p++)
        if (*p != '\n') assert_int_equal(*p, base64[at++]);
    assert_memory_equal(p, "\n-----END CERTIFICATE", 21);
    sotto__free(pem);
    sotto__free(a);
    sotto__free(b);
    duo_free(d);
}

static void one_certificate_for_both_is_one_object(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct transport *b = &d->b.peer->transport;
    sotto__cert_unref(b->cert);
    b->cert = sotto__cert_ref(d->a.cert);
    duo_connect(d);
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = report_one(s, "transport"), *c = report_one(s, "certificate");
    assert_ptr_equal(report_refer(s, t, "localCertificateId"), c);
    assert_ptr_equal(report_refer(s, t, "remoteCertificateId"), c);
    sotto__free(s);
    duo_free(d);
}

/* ---- counts ---- */

static void check_channel(const sotto_stats *s, const char *label, int64_t out, int64_t bytes_out,
                          int64_t in, int64_t bytes_in)
{
    const sotto_stat *c = report_channel(s, label);
    assert_non_null(c);
    assert_int_equal(report_int(c, "messagesSent"), out);
    assert_int_equal(report_int(c, "bytesSent"), bytes_out);
    assert_int_equal(report_int(c, "messagesReceived"), in);
    assert_int_equal(report_int(c, "bytesReceived"), bytes_in);
}

static void the_association_tells_what_its_path_carries(void **state)
{
    (void)state;
    struct duo *d = duo_new(16);
    duo_connect(d);
    sotto_stats *s = report(&d->a);
    const sotto_stat *a = report_one(s, "sctp-transport");
    assert_ptr_equal(report_refer(s, a, "transportId"), report_one(s, "transport"));
    assert_int_equal(report_int(a, "mtu"), PMTU_BASE);
    sotto__free(s);
    report_send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 50000, 20);
    s = report(&d->a);
    a = report_one(s, "sctp-transport");
    assert_int_equal(report_int(a, "mtu"), PMTU_LIMIT); /* the virtual link takes anything */
    assert_true(report_int(a, "congestionWindow") >= PMTU_LIMIT - 12);
    assert_true(report_int(a, "receiverWindow") > 100000);
    sotto__free(s);
    s = report(&d->b); /* it sent nothing */
    assert_int_equal(report_int(report_one(s, "sctp-transport"), "mtu"), PMTU_BASE);
    sotto__free(s);
    duo_free(d);
}

static void messages_of_channels_are_counted_exactly(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL), *bx = d->b.remote;
    struct channel *y = duo_open(&d->a, "y");
    duo_run(d, SOTTO_SECONDS(1));
    report_send(d, &d->a, x, 100, 7);
    report_send(d, &d->a, x, 0, 2);         /* empty ones are messages too */
    report_send(d, &d->a, x, 100000, 12);   /* more than SCTP takes at once: some wait in our queue */
    report_send(d, &d->b, bx, 33, 3);
    report_send(d, &d->a, y, 1, 1);
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    check_channel(a, "x", 21, 1200700, 3, 99);
    check_channel(b, "x", 3, 99, 21, 1200700);
    check_channel(a, "y", 1, 1, 0, 0);
    check_channel(b, "y", 0, 0, 1, 1);
    const sotto_stat *c = report_channel(b, "x");
    assert_string_equal(report_text(c, "protocol"), "");
    assert_string_equal(report_text(c, "state"), "open");
    assert_int_equal(report_int(c, "dataChannelIdentifier"), x->id);
    assert_int_equal(report_int(report_one(a, "peer-connection"), "dataChannelsOpened"), 2);
    assert_int_equal(report_int(report_one(b, "peer-connection"), "dataChannelsOpened"), 2);
    sotto__free(a);
    sotto__free(b);
    duo_free(d);
}

static void a_message_counts_as_received_when_it_is_taken(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    duo_connect(d);
    d->b.paused = true;
    report_send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 10, 2);
    sotto_stats *s = report(&d->b);
    check_channel(s, "x", 0, 0, 0, 0);
    sotto__free(s);
    d->b.paused = false;
    duo_run(d, SOTTO_MS(1));
    s = report(&d->b);
    check_channel(s, "x", 0, 0, 2, 20);
    sotto__free(s);
    duo_free(d);
}

static void what_is_queued_is_not_sent_yet(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    static const uint8_t zeros[200000];
    int n = 0;
    while (x->buffered == 0 && n < 100) {
        assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), x, zeros, sizeof zeros, false),
                         0);
        n++;
    }
    sotto_stats *s = report(&d->a);
    check_channel(s, "x", n - 1, (n - 1) * (int64_t)sizeof zeros, 0, 0);
    sotto__free(s);
    duo_run(d, SOTTO_SECONDS(5));
    s = report(&d->a);
    check_channel(s, "x", n, n * (int64_t)sizeof zeros, 0, 0);
    sotto__free(s);
    duo_free(d);
}

static void a_channel_that_is_end_to_end_counts_what_was_sealed(void **state)
{
    (void)state;
    static const uint8_t bytes[16] = {0xe2};
    const sotto_e2ee_key k = {.size = sizeof k, .kid = 1, .key = bytes, .key_len = sizeof bytes};
    struct duo *d = duo_new(18);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    const struct e2ee_place here = {.channel = x}, there = {.channel = d->b.remote};
    assert_int_equal(sotto__peer_e2ee_add(d->a.peer, duo_now(d), &here, SOTTO_E2EE_SEND, &k), 0);
    assert_int_equal(sotto__peer_e2ee_add(d->b.peer, duo_now(d), &there, SOTTO_E2EE_RECEIVE, &k),
                     0);
    assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), x, "hi", 2, true), 0);
    duo_run(d, SOTTO_SECONDS(1));
    sotto_stats *s = report(&d->a), *t = report(&d->b);
    const sotto_stat *o = report_channel(s, "x"), *i = report_channel(t, "x");
    assert_int_equal(report_int(o, "sottoE2eeSealed"), 1);
    assert_int_equal(report_int(o, "sottoE2eeRefused"), 0);
    assert_int_equal(report_int(i, "sottoE2eeOpened"), 1);
    assert_int_equal(report_int(i, "sottoE2eeBad"), 0);
    sotto__free(s);
    sotto__free(t);
    duo_free(d);
}

static void channels_are_counted_when_they_open_and_leave_open(void **state)
{
    (void)state;
    struct duo *d = duo_new(9);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL), *y = duo_open(&d->a, "y");
    duo_run(d, SOTTO_SECONDS(1));
    struct channel *never;
    sotto_dc_config cfg = {.size = sizeof cfg, .protocol = "p"};
    sotto__channel_close(d->a.peer, duo_now(d), x);
    sotto_stats *s = report(&d->a);
    assert_int_equal(report_int(report_one(s, "peer-connection"), "dataChannelsClosed"), 1);
    assert_string_equal(report_text(report_channel(s, "x"), "state"), "closing");
    sotto__free(s);
    sotto__egress_flush(&d->a.egress, duo_now(d));
    duo_run(d, SOTTO_SECONDS(2));
    s = report(&d->b);
    assert_int_equal(report_int(report_one(s, "peer-connection"), "dataChannelsClosed"), 1);
    assert_string_equal(report_text(report_channel(s, "x"), "state"), "closed");
    sotto__free(s);
    sotto__peer_close(d->a.peer, duo_now(d));
    s = report(&d->a);
    assert_int_equal(report_int(report_one(s, "peer-connection"), "dataChannelsOpened"), 2);
    assert_int_equal(report_int(report_one(s, "peer-connection"), "dataChannelsClosed"), 2);
    sotto__free(s);
    sotto__channel_release(d->a.peer, duo_now(d), y);
    s = report(&d->a);
    assert_null(report_channel(s, "y")); /* its handle is gone, and it with it */
    sotto__free(s);
    duo_free(d);
    d = duo_new(10); /* one that never opens counts in neither */
    assert_int_equal(sotto__peer_open_channel(d->a.peer, duo_now(d), "n", &cfg, &never), 0);
    sotto__channel_close(d->a.peer, duo_now(d), never);
    s = report(&d->a);
    assert_int_equal(report_int(report_one(s, "peer-connection"), "dataChannelsOpened"), 0);
    assert_int_equal(report_int(report_one(s, "peer-connection"), "dataChannelsClosed"), 0);
    assert_string_equal(report_text(report_one(s, "data-channel"), "protocol"), "p");
    sotto__free(s);
    duo_free(d);
}

static void check_flow(const sotto_stat *from, const sotto_stat *to)
{
    assert_true(report_int(from, "packetsSent") > 0);
    assert_int_equal(report_int(from, "packetsSent"), report_int(to, "packetsReceived"));
    assert_int_equal(report_int(from, "bytesSent"), report_int(to, "bytesReceived"));
}

static void what_one_side_sends_the_other_receives(void **state)
{
    (void)state;
    struct duo *d = duo_new(11);
    duo_connect(d);
    report_send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 5000, 100);
    duo_run(d, SOTTO_MS(500));
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    const sotto_stat *ta = report_one(a, "transport"), *tb = report_one(b, "transport");
    check_flow(ta, tb);
    check_flow(tb, ta);
    assert_true(report_int(ta, "bytesSent") > 500000);
    check_flow(report_one(a, "candidate-pair"), report_one(b, "candidate-pair"));
    assert_int_equal(report_int(report_one(a, "candidate-pair"), "bytesSent"),
                     report_int(ta, "bytesSent"));
    sotto__free(a);
    sotto__free(b);
    duo_free(d);
}

/* ---- over time ---- */

static void ids_stay_and_are_never_used_again(void **state)
{
    (void)state;
    struct duo *d = duo_new(12);
    duo_connect(d);
    sotto_stats *before = report(&d->a);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    int32_t id = x->id;
    report_send(d, &d->a, x, 10, 1);
    sotto_stats *s = report(&d->a);
    assert_int_equal(s->n, before->n);
    for (size_t i = 0; i < s->n; i++) assert_string_equal(s->items[i].id, before->items[i].id);
    sotto__free(s);
    sotto__channel_release(d->a.peer, duo_now(d), x);
    sotto__egress_flush(&d->a.egress, duo_now(d));
    duo_run(d, SOTTO_SECONDS(2));
    x = duo_open(&d->a, "again");
    assert_int_equal(x->id, id); /* the stream is used again, the object is another */
    s = report(&d->a);
    assert_string_not_equal(report_one(s, "data-channel")->id,
                            report_one(before, "data-channel")->id);
    sotto__free(s);
    sotto__free(before);
    duo_free(d);
}

/* ---- media ---- */

static void negotiated_codecs_are_listed_once(void **state)
{
    (void)state;
    struct duo *d = duo_new(17);
    struct transceiver *audio = report_transceiver(d, SOTTO_AUDIO);
    struct transceiver *other = report_transceiver(d, SOTTO_AUDIO);
    report_transceiver(d, SOTTO_VIDEO);
    sotto_stats *s = report(&d->a);
    assert_int_equal(report_count(s, "codec"), 0); /* nothing is negotiated yet */
    sotto__free(s);
    duo_connect(d);
    s = report(&d->a);
    const sotto_stat *opus = report_codec(s, "audio/opus", -1),
                     *vp8 = report_codec(s, "video/VP8", -1);
    assert_non_null(opus);
    assert_non_null(vp8);
    assert_non_null(report_codec(s, "video/rtx", -1));
    assert_int_equal(report_int(opus, "clockRate"), 48000);
    assert_int_equal(report_int(opus, "channels"), 2);
    assert_string_equal(report_text(opus, "transportId"), report_one(s, "transport")->id);
    assert_true(report_has(opus, "sdpFmtpLine"));
    assert_int_equal(report_int(vp8, "clockRate"), 90000);
    assert_false(report_has(vp8, "channels") || report_has(vp8, "sdpFmtpLine"));
    size_t n = report_count(s, "codec");
    /* two audio sections with the same codecs: as many objects as payload types */
    bool used[128] = {false};
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, "codec") == 0)
            used[report_int(&s->items[i], "payloadType")] = true;
    size_t types = 0;
    for (size_t i = 0; i < 128; i++) types += used[i];
    assert_true(n >= types && n < 2 * types);
    sotto__free(s);
    audio->stopped = true; /* the other one still uses them */
    s = report(&d->a);
    assert_int_equal(report_count(s, "codec"), n);
    sotto__free(s);
    other->stopped = true;
    s = report(&d->a);
    assert_null(report_codec(s, "audio/opus", -1));
    assert_non_null(report_codec(s, "video/VP8", -1));
    sotto__free(s);
    duo_free(d);
}

static void without_an_accepted_section_there_is_no_transport(void **state)
{
    (void)state;
    struct duo *d = duo_new(22);
    struct transceiver *t = report_transceiver(d, SOTTO_AUDIO);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(1));
    sotto_stats *s = report(&d->a);
    assert_string_equal(report_text(report_one(s, "transport"), "dtlsState"), "connected");
    sotto__free(s);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(1));
    s = report(&d->a);
    assert_int_equal(s->n, 2); /* peer-connection, sotto-memory */
    sotto__free(s);
    s = report(&d->b);
    assert_int_equal(s->n, 2);
    sotto__free(s);
    duo_free(d);
}

static void directions_with_other_parameters_are_two_codecs(void **state)
{
    (void)state;
    struct duo *d = duo_new(18);
    struct transceiver *t = report_transceiver(d, SOTTO_AUDIO);
    duo_connect(d);
    sotto_stats *s = report(&d->a);
    size_t n = report_count(s, "codec");
    sotto__free(s);
    assert_true(t->send.n > 0 && t->recv.n > 0);
    sotto__free(t->send.items[0].fmtp);
    t->send.items[0].fmtp = sotto__strdup("hostile=\"\\\x01");
    s = report(&d->a);
    assert_int_equal(report_count(s, "codec"), n + 1);
    assert_string_equal(report_text(sotto_stats_find(s, "codec"), "sdpFmtpLine"),
                        "hostile=\"\\\x01");
    sotto__free(s);
    t->recv.items[0].pt = 127; /* the directions may have other numbers */
    s = report(&d->a);
    assert_non_null(report_codec(s, "audio/opus", 127));
    sotto__free(s);
    duo_free(d);
}

static void a_selector_shows_what_its_transceiver_uses(void **state)
{
    (void)state;
    struct duo *d = duo_new(19);
    struct transceiver *audio = report_transceiver(d, SOTTO_AUDIO),
                       *video = report_transceiver(d, SOTTO_VIDEO);
    sotto_stats *s = report_of(d->a.peer, audio);
    assert_int_equal(s->n, 0); /* it has no section yet */
    sotto__free(s);
    duo_connect(d);
    report_candidate(d, "candidate:2 1 udp 99 2001:db8::7 6000 typ host");
    report_local_candidate(d, CANDIDATE_SRFLX);
    s = report_of(d->a.peer, video);
    assert_int_equal(report_count(s, "peer-connection") + report_count(s, "data-channel"), 0);
    assert_int_equal(report_count(s, "transport"), 1);
    assert_int_equal(report_count(s, "candidate-pair"), 1);
    assert_int_equal(report_count(s, "local-candidate"), 1);
    assert_int_equal(report_count(s, "remote-candidate"), 1); /* the pair's only */
    assert_int_equal(report_count(s, "certificate"), 2);
    assert_non_null(report_codec(s, "video/VP8", -1));
    assert_null(report_codec(s, "audio/opus", -1));
    sotto__free(s);
    duo_free(d);
}

/* ---- ends ---- */

static void a_closed_connection_tells_what_it_knows(void **state)
{
    (void)state;
    struct duo *d = duo_new(20);
    duo_connect(d);
    report_send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 10, 3);
    sotto__peer_close(d->a.peer, duo_now(d));
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = report_one(s, "transport");
    assert_string_equal(report_text(t, "dtlsState"), "closed");
    assert_string_equal(report_text(t, "iceState"), "closed");
    check_channel(s, "x", 3, 30, 0, 0);
    assert_string_equal(report_text(report_channel(s, "x"), "state"), "closed");
    sotto__free(s);
    duo_free(d);
}

static void without_memory_there_is_no_report_and_no_leak(void **state)
{
    (void)state;
    struct duo *d = duo_new(21);
    report_transceiver(d, SOTTO_VIDEO);
    duo_connect(d);
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto_stats *s = NULL;
        sotto__mem_fail_at(n);
        int r = sotto__peer_stats(d->a.peer, 0, NULL, 0, &s);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_true(n > 5);
            sotto__free(s);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_null(s);
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_int_equal(sotto__mem_live(), live);
    duo_free(d);
}

static void every_row_of_the_page_was_seen(void **state)
{
    static const char *const types[] = {"peer-connection", "transport",    "sctp-transport",
                                        "certificate",     "data-channel", "codec"};
    (void)state; /* the last test: the others have reported everything there is */
    report_must_have_shown(types, sizeof types / sizeof *types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_connection_knows_itself_only),
        cmocka_unit_test(the_transport_begins_with_the_first_description),
        cmocka_unit_test(a_connected_transport_names_its_parts),
        cmocka_unit_test(certificates_are_the_ones_in_use),
        cmocka_unit_test(one_certificate_for_both_is_one_object),
        cmocka_unit_test(the_association_tells_what_its_path_carries),
        cmocka_unit_test(messages_of_channels_are_counted_exactly),
        cmocka_unit_test(a_message_counts_as_received_when_it_is_taken),
        cmocka_unit_test(what_is_queued_is_not_sent_yet),
        cmocka_unit_test(a_channel_that_is_end_to_end_counts_what_was_sealed),
        cmocka_unit_test(channels_are_counted_when_they_open_and_leave_open),
        cmocka_unit_test(what_one_side_sends_the_other_receives),
        cmocka_unit_test(ids_stay_and_are_never_used_again),
        cmocka_unit_test(negotiated_codecs_are_listed_once),
        cmocka_unit_test(without_an_accepted_section_there_is_no_transport),
        cmocka_unit_test(directions_with_other_parameters_are_two_codecs),
        cmocka_unit_test(a_selector_shows_what_its_transceiver_uses),
        cmocka_unit_test(a_closed_connection_tells_what_it_knows),
        cmocka_unit_test(without_memory_there_is_no_report_and_no_leak),
        cmocka_unit_test(every_row_of_the_page_was_seen),
    };
    return cmocka_run_group_tests(tests, report_read_page, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams in the report: what both sides say of one another agrees, and every member that the page names is shown. */
#include "lines.h"
#include "report.h"

static const uint8_t opus[] = {0xf8, 0xff, 0xfe}; /* 20 ms */
static uint8_t vp8[5000] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};

static void send_from(struct duo *d, struct duo_side *s, struct transceiver *t, const uint8_t *p,
                      size_t n)
{
    sotto_frame f = {
        .size = sizeof f, .data = p, .len = n, .is_key = true, .capture_us = duo_now(d)};
    assert_int_equal(sotto__media_send_frame(s->peer, duo_now(d), t, &f), 0);
    sotto__egress_flush(&s->egress, duo_now(d));
}

static void send_frame(struct duo *d, struct transceiver *t, const uint8_t *p, size_t n)
{
    send_from(d, &d->a, t, p, n);
}

static void take_all(struct duo *d)
{
    struct peer_media m;
    while (sotto__peer_pull_media(d->b.peer, duo_now(d), &m) == 1) sotto__received_free(m.received);
}

static void set_loss(struct duo *d, double loss)
{
    net_link(d->net, d->a.host, d->b.host)->loss = loss;
    net_link(d->net, d->b.host, d->a.host)->loss = loss;
}

/* Three seconds of audio and video from a to b. */
static struct duo *call(double loss)
{
    struct duo *d = duo_new(5);
    struct transceiver *audio = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    struct transceiver *video = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    struct transceiver *back;
    assert_int_equal(sotto__transceiver_add_track(d->b.peer, 0, SOTTO_AUDIO, NULL, 0, &back), 0);
    signal_from(d, &d->a, &d->b);
    duo_run(d, SOTTO_SECONDS(1));
    set_loss(d, loss);
    for (int i = 0; i < 150; i++) {
        send_frame(d, audio, opus, sizeof opus);
        send_from(d, &d->b, back, opus, sizeof opus); /* whoever sends measures round trips */
        if (i % 2 == 0) send_frame(d, video, vp8, sizeof vp8);
        duo_run(d, SOTTO_MS(20));
        take_all(d);
    }
    set_loss(d, 0);
    duo_run(d, SOTTO_SECONDS(6));
    take_all(d);
    return d;
}

static const sotto_stat *of_kind(const sotto_stats *s, const char *type, const char *kind)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, type) == 0 &&
            strcmp(report_text(&s->items[i], "kind"), kind) == 0)
            return &s->items[i];
    fail_msg("no %s of %s", type, kind);
    return NULL;
}

static void both_sides_count_the_same(void **state)
{
    (void)state;
    struct duo *d = call(0);
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    const sotto_stat *out = of_kind(a, "outbound-rtp", "video");
    const sotto_stat *in = of_kind(b, "inbound-rtp", "video");
    assert_int_equal(report_int(out, "ssrc"), report_int(in, "ssrc"));
    assert_int_equal(report_int(out, "packetsSent"), report_int(in, "packetsReceived"));
    assert_int_equal(report_int(out, "bytesSent"), report_int(in, "bytesReceived"));
    assert_int_equal(report_int(out, "headerBytesSent"), report_int(in, "headerBytesReceived"));
    assert_int_equal(report_int(out, "framesSent"), 75);
    assert_int_equal(report_int(in, "framesReceived"), 75);
    assert_int_equal(report_int(in, "jitterBufferEmittedCount"), 75);
    assert_int_equal(report_int(in, "framesDropped"), 0);
    assert_int_equal(report_int(in, "packetsLost"), 0);
    assert_string_equal(report_text(report_one(a, "transport"), "srtpCipher"),
                        report_text(report_one(b, "transport"), "srtpCipher"));
    const sotto_stat *said = report_refer(a, out, "remoteId");
    assert_string_equal(said->type, "remote-inbound-rtp");
    assert_ptr_equal(report_refer(a, said, "localId"), out);
    assert_true(report_has(said, "roundTripTime"));
    said = report_refer(b, in, "remoteId");
    assert_string_equal(said->type, "remote-outbound-rtp");
    assert_int_equal(report_int(said, "packetsSent"), report_int(out, "packetsSent"));
    assert_int_equal(report_int(of_kind(b, "inbound-rtp", "audio"), "packetsReceived"), 150);
    sotto_free(a), sotto_free(b);
    duo_free(d);
}

static void repairs_are_counted_on_both_sides(void **state)
{
    (void)state;
    struct duo *d = call(0.05);
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    const sotto_stat *out = of_kind(a, "outbound-rtp", "video");
    const sotto_stat *in = of_kind(b, "inbound-rtp", "video");
    assert_true(report_int(out, "nackCount") > 0);
    assert_true(report_int(in, "nackCount") >= report_int(out, "nackCount"));
    assert_true(report_int(out, "retransmittedPacketsSent") >=
                report_int(in, "retransmittedPacketsReceived"));
    assert_true(report_int(in, "retransmittedPacketsReceived") > 0);
    assert_true(report_int(in, "packetsLost") > 0);
    assert_int_equal(report_int(in, "rtxSsrc"), report_int(out, "rtxSsrc"));
    sotto_free(a), sotto_free(b);
    duo_free(d);
}

static void encodings_and_selectors_have_their_own_streams(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    struct transceiver *t = add_simulcast(d, &d->a, "ab");
    struct transceiver *other = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->a, &d->b);
    duo_run(d, SOTTO_SECONDS(1));
    /* duo's other side takes the first layer only, unless it is asked for both: a lone encoding has no rid */
    send_frame(d, t, vp8, sizeof vp8);
    send_frame(d, other, opus, sizeof opus);
    duo_run(d, SOTTO_SECONDS(1));
    sotto_stats *s = report_of(d->a.peer, t);
    assert_int_equal(report_count(s, "outbound-rtp"), 1);
    assert_string_equal(report_text(report_one(s, "outbound-rtp"), "kind"), "video");
    sotto_free(s);
    s = report(&d->a);
    assert_int_equal(report_count(s, "outbound-rtp"), 2);
    sotto_free(s);
    duo_free(d);
}

static void the_page_names_nothing_that_is_not_shown(void **state)
{
    static const char *const types[] = {"remote-inbound-rtp", "remote-outbound-rtp"};
    (void)state;
    report_must_have_shown(types, sizeof types / sizeof *types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_count_the_same),
        cmocka_unit_test(repairs_are_counted_on_both_sides),
        cmocka_unit_test(encodings_and_selectors_have_their_own_streams),
        cmocka_unit_test(the_page_names_nothing_that_is_not_shown),
    };
    return cmocka_run_group_tests(tests, report_read_page, NULL);
}

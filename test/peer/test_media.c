/* SPDX-License-Identifier: BSD-2-Clause */
/* Media of two connected peers: frames arrive whole and in order, directions are obeyed, events of media are told in order. */
#include "duo.h"
#include "lines.h"
#include "transport/srtp_priv.h"

static struct duo *call(struct transceiver **audio, struct transceiver **video)
{
    struct duo *d = duo_new(7);
    *audio = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    *video = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->a, &d->b);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    return d;
}

static int send_audio(struct duo *d, struct duo_side *s, struct transceiver *t)
{
    static const uint8_t silence[] = {0xf8, 0xff, 0xfe}; /* 20 ms */
    sotto_frame f = {
        .size = sizeof f, .data = silence, .len = sizeof silence, .capture_us = duo_now(d)};
    int r = sotto__media_send_frame(s->peer, duo_now(d), t, &f);
    sotto__egress_flush(&s->egress, duo_now(d));
    return r;
}

/* VP8, as far as its frame header tells: a key frame has bit 0 of its first byte clear. */
static int send_video(struct duo *d, struct duo_side *s, struct transceiver *t, uint8_t *bytes,
                      size_t n, bool key)
{
    static const uint8_t key_head[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
    if (key)
        memcpy(bytes, key_head, sizeof key_head);
    else
        bytes[0] = 0x11;
    sotto_frame f = {
        .size = sizeof f, .data = bytes, .len = n, .is_key = key, .capture_us = duo_now(d)};
    int r = sotto__media_send_frame(s->peer, duo_now(d), t, &f);
    sotto__egress_flush(&s->egress, duo_now(d));
    return r;
}

static size_t take_frames(struct duo *d, struct duo_side *s, sotto_kind kind, uint8_t *last,
                          size_t *n_last)
{
    struct peer_media m;
    size_t n = 0;
    while (sotto__peer_pull_media(s->peer, duo_now(d), &m) == 1) {
        if (m.transceiver->kind == kind) {
            n++;
            if (last) memcpy(last, m.received->data, m.received->n);
            if (n_last) *n_last = m.received->n;
        }
        sotto__received_free(m.received);
    }
    return n;
}

static struct transceiver *of_kind(struct duo_side *s, sotto_kind kind)
{
    struct transceiver *t = NULL;
    while ((t = sotto__transceiver_next(s->peer, t)) && t->kind != kind) continue;
    return t;
}

/* proves: RTP-12 */
static void audio_arrives(void **state)
{
    struct transceiver *audio, *video;
    struct duo *d = call(&audio, &video);
    uint8_t last[64];
    size_t n_last = 0, n = 0;
    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(send_audio(d, &d->a, audio), 0);
        duo_run(d, SOTTO_MS(20));
        n += take_frames(d, &d->b, SOTTO_AUDIO, last, &n_last);
    }
    duo_run(d, SOTTO_SECONDS(1));
    n += take_frames(d, &d->b, SOTTO_AUDIO, last, &n_last);
    assert_int_equal(n, 50);
    assert_int_equal(n_last, 3);
    assert_int_equal(d->b.n_events[SOTTO_EV_UNMUTE], 1);
    duo_free(d);
}

/* proves: RTP-12 */
static void video_arrives_bit_for_bit(void **state)
{
    struct transceiver *audio, *video;
    struct duo *d = call(&audio, &video);
    static uint8_t frame[50000], last[sizeof frame];
    size_t n_last = 0, n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof frame; i++) frame[i] = (uint8_t)(i * 7);
    for (int i = 0; i < 30; i++) {
        size_t len = i == 0 ? sizeof frame : 5000;
        assert_int_equal(send_video(d, &d->a, video, frame, len, i == 0), 0);
        duo_run(d, SOTTO_MS(33));
        if (take_frames(d, &d->b, SOTTO_VIDEO, last, &n_last) == 0) continue;
        n++;
        assert_memory_equal(last + 10, frame + 10, n_last - 10);
    }
    assert_true(n >= 27);
    duo_free(d);
}

static void nothing_is_sent_against_the_direction(void **state)
{
    struct transceiver *audio, *video;
    struct duo *d = duo_new(8);
    (void)state;
    audio = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_RECVONLY);
    video = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDONLY);
    assert_int_equal(send_audio(d, &d->a, audio), SOTTO_E_STATE); /* before negotiation */
    signal_from(d, &d->a, &d->b);
    duo_run(d, SOTTO_SECONDS(1));
    uint8_t frame[100] = {0};
    assert_int_equal(send_audio(d, &d->a, audio), SOTTO_E_STATE);
    assert_int_equal(send_video(d, &d->a, video, frame, sizeof frame, true), 0);
    assert_int_equal(send_video(d, &d->b, of_kind(&d->b, SOTTO_VIDEO), frame, sizeof frame, true),
                     SOTTO_E_STATE);
    assert_int_equal(sotto__transceiver_stop(d->a.peer, duo_now(d), video), 0);
    assert_int_equal(send_video(d, &d->a, video, frame, sizeof frame, true), SOTTO_E_STATE);
    duo_free(d);
}

/* proves: S36 H024 */
static void a_remote_that_offers_again_and_again_gets_no_packet_before_the_local_call(void **state)
{
    struct duo *d = duo_new(9);
    (void)state;
    add(d, &d->b, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->b, &d->a);
    duo_run(d, SOTTO_SECONDS(1));
    struct transceiver *t = of_kind(&d->a, SOTTO_AUDIO);
    for (int i = 0; i < 5; i++) { /* sendrecv each time */
        assert_int_equal(send_audio(d, &d->a, t), SOTTO_E_STATE);
        signal_from(d, &d->b, &d->a);
        duo_run(d, SOTTO_SECONDS(1));
    }
    assert_int_equal(send_audio(d, &d->a, t), SOTTO_E_STATE);
    assert_int_equal(d->a.peer->transport.srtp->n_rtp, 0);
    assert_int_equal(sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, SOTTO_DIR_SENDRECV),
                     0);
    signal_from(d, &d->b, &d->a);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(send_audio(d, &d->a, t), 0);
    duo_run(d, SOTTO_SECONDS(1));
    assert_true(d->a.peer->transport.srtp->n_rtp > 0);
    duo_free(d);
}

static void a_key_frame_is_asked_for(void **state)
{
    struct transceiver *audio, *video;
    struct duo *d = call(&audio, &video);
    uint8_t frame[100] = {0};
    struct transceiver *other = of_kind(&d->b, SOTTO_VIDEO);
    (void)state;
    assert_int_equal(sotto__media_request_key(d->b.peer, duo_now(d), other, NULL), SOTTO_E_STATE);
    assert_int_equal(send_video(d, &d->a, video, frame, sizeof frame, true), 0);
    duo_run(d, SOTTO_MS(100));
    assert_int_equal(sotto__media_request_key(d->b.peer, duo_now(d), other, "x"), SOTTO_E_RANGE);
    assert_int_equal(sotto__media_request_key(d->b.peer, duo_now(d), other, NULL), 0);
    sotto__egress_flush(&d->b.egress, duo_now(d));
    duo_run(d, SOTTO_MS(500));
    assert_int_equal(d->a.n_events[SOTTO_EV_KEYFRAME_NEEDED], 1);
    duo_free(d);
}

/* The text of a warning of this code that nobody took yet; NULL: none. Takes all control events. */
static const char *warning(struct duo_side *s, int32_t code)
{
    struct peer_event e;
    const char *text = NULL;
    while (sotto__peer_has_event(s->peer)) {
        sotto__peer_peek(s->peer, &e);
        if (e.type == SOTTO_EV_WARNING && e.code == code) {
            assert_null(text);
            text = e.text;
        }
        sotto__peer_pop(s->peer);
    }
    return text;
}

static void media_without_keys_is_told_once(void **state)
{
    static uint64_t no_profile[8192]; /* DTLS that agreed on no profile */
    struct duo *d = duo_new(9);
    (void)state;
    duo_connect(d);
    struct transport *t = &d->a.peer->transport;
    struct dtls *dtls = t->dtls;
    t->wants_media = true; /* not now */
    struct transceiver *audio = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    signal_from(d, &d->a, &d->b);
    t->wants_media = false;
    t->dtls = (struct dtls *)(void *)no_profile;
    sotto__media_sync(d->a.peer, duo_now(d));
    const char *text = warning(&d->a, SOTTO_WARN_NO_SRTP);
    assert_non_null(text);
    assert_non_null(strstr(text, "no SRTP profile"));
    sotto__media_sync(d->a.peer, duo_now(d));
    assert_null(warning(&d->a, SOTTO_WARN_NO_SRTP));
    assert_int_equal(send_audio(d, &d->a, audio), SOTTO_E_STATE);
    t->dtls = dtls;
    assert_null(warning(&d->b, SOTTO_WARN_NO_SRTP));
    duo_free(d);
}

static void spent_keys_are_told(void **state)
{
    struct transceiver *audio, *video;
    struct duo *d = call(&audio, &video);
    struct peer *p = d->a.peer;
    (void)state;
    assert_int_equal(send_audio(d, &d->a, audio), 0);
    p->transport.srtp->n_rtp = SRTP_LIFE - 1; /* one packet is left */
    assert_int_equal(send_audio(d, &d->a, audio), 0);
    duo_run(d, 0);
    assert_int_equal(d->a.n_events[SOTTO_EV_WARNING], 0);
    uint64_t sent = d->a.egress.sent;
    send_audio(d, &d->a, audio);
    assert_non_null(warning(&d->a, SOTTO_WARN_KEYS_SPENT));
    assert_true(d->a.egress.sent == sent);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_arrives),
        cmocka_unit_test(video_arrives_bit_for_bit),
        cmocka_unit_test(nothing_is_sent_against_the_direction),
        cmocka_unit_test(a_remote_that_offers_again_and_again_gets_no_packet_before_the_local_call),
        cmocka_unit_test(a_key_frame_is_asked_for),
        cmocka_unit_test(media_without_keys_is_told_once),
        cmocka_unit_test(spent_keys_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

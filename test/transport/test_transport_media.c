/* SPDX-License-Identifier: BSD-2-Clause */
/* RTP and RTCP over a transport: keys come with DTLS and go with it, what comes before them waits, nothing passes without them. */
#include <openssl/srtp.h>

#include "couple.h"
#include "srtp_oracle.h"
#include "transport/dtls_int.h"
#include "transport/transport_priv.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "wire/demux.h"

#define SSRC 0x11223344u
#define SIZE 500

static struct seen { /* by one end: of the server of DTLS, of the client */
    unsigned rtp, rtcp;
    uint16_t seqs[256];
} seen[2];

static void on_media(struct party *p, bool is_rtcp, const uint8_t *packet, size_t n)
{
    struct seen *s = &seen[p->is_client];
    uint8_t want[SIZE];
    if (p->t.early_media) assert_int_equal(sotto__transport_due(&p->t), 0); /* there is more to give up */
    if (is_rtcp) {
        assert_int_equal(n, oracle_make_rtcp(want, SSRC, 28));
        s->rtcp++;
    } else {
        assert_int_equal(n, oracle_make_rtp(want, SSRC, sotto__get_u16(packet + 2), SIZE));
        s->seqs[s->rtp++ % 256] = sotto__get_u16(packet + 2);
    }
    assert_memory_equal(packet, want, n);
}

static struct couple *begin(void)
{
    struct couple *c = couple_new(1, false);
    memset(seen, 0, sizeof seen);
    c->a.on_media = c->b.on_media = on_media;
    return c;
}

static void want_media(struct couple *c)
{
    assert_int_equal(sotto__transport_begin_media(&c->a.t, couple_now(c)), 0);
    assert_int_equal(sotto__transport_begin_media(&c->b.t, couple_now(c)), 0);
    assert_int_equal(sotto__transport_begin_media(&c->b.t, couple_now(c)), 0);
}

static struct couple *connected(void)
{
    struct couple *c = begin();
    want_media(c);
    couple_connect(c);
    return c;
}

static int send_rtp(struct couple *c, struct party *p, uint16_t seq)
{
    uint8_t packet[SIZE];
    oracle_make_rtp(packet, SSRC, seq, SIZE);
    return sotto__transport_send_rtp(&p->t, couple_now(c), packet, 20, packet + 20, SIZE - 20);
}

static int send_rtcp(struct couple *c, struct party *p)
{
    uint8_t packet[28];
    oracle_make_rtcp(packet, SSRC, 28);
    return sotto__transport_send_rtcp(&p->t, couple_now(c), packet, 28);
}

static struct srtp_stats stats(const struct party *p)
{
    struct srtp_stats st;
    sotto__srtp_get_stats(p->t.srtp, &st);
    return st;
}

static void packets_of_media_arrive_as_they_were(void **state)
{
    struct couple *c = connected();
    uint8_t packet[SIZE];
    (void)state;
    assert_true(sotto__transport_has_media_keys(&c->a.t));
    assert_true(sotto__transport_has_media_keys(&c->b.t));
    assert_int_equal(sotto__srtp_profile(c->a.t.srtp), SRTP_PROFILE_AEAD_AES_128_GCM);
    for (uint16_t i = 0; i < 200; i++) {
        assert_int_equal(send_rtp(c, &c->a, (uint16_t)(65500 + i)), 0);
        if (i % 10 == 0) assert_int_equal(send_rtcp(c, &c->a), 0);
        couple_run(c, SOTTO_MS(1));
    }
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(seen[1].rtp, 200);
    assert_int_equal(seen[1].rtcp, 20);
    for (uint16_t i = 0; i < 200; i++) assert_int_equal(seen[1].seqs[i], (uint16_t)(65500 + i));
    /* the same packet again is dropped at the other end; another one under its number stays here */
    oracle_make_rtp(packet, SSRC, 150, SIZE);
    assert_int_equal(sotto__transport_send_rtp_again(&c->a.t, couple_now(c), packet, SIZE, NULL, 0),
                     0);
    packet[20] ^= 1;
    assert_int_equal(sotto__transport_send_rtp_again(&c->a.t, couple_now(c), packet, SIZE, NULL, 0),
                     SOTTO_E_STATE);
    assert_int_equal(send_rtp(c, &c->a, 150), SOTTO_E_STATE);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(seen[1].rtp, 200);
    assert_int_equal(stats(&c->b).replayed, 1);
    assert_true(party_send(c, &c->a) && party_send(c, &c->b)); /* data beside it */
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    /* under the same SSRC the other end is somebody else: what becomes of that is not decided here */
    assert_int_equal(send_rtp(c, &c->b, 7), 0);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(seen[0].rtp, 1);
    assert_int_equal(stats(&c->a).reflected, 0);
    couple_free(c);
}

/* As they lie in a train: libsrtp gets them aligned, all others are opened where they are. */
static void packets_that_are_not_aligned_are_opened(void **state)
{
    static const enum srtp_profile profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM,
                                                 SRTP_PROFILE_AES128_CM_SHA1_80};
    _Alignas(8) uint8_t bytes[8 + SIZE + SOTTO_SRTP_OVERHEAD + 8];
    uint8_t want[SIZE], keys[SOTTO_SRTP_MAX_KEY_MATERIAL] = {1, 2, 3};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct transport t = {0};
        struct srtp *remote;
        assert_int_equal(sotto__srtp_new(&remote, profiles[i], true, keys, NULL), 0);
        assert_int_equal(sotto__srtp_new(&t.srtp, profiles[i], false, keys, NULL), 0);
        for (uint16_t over = 0; over < 8; over++) {
            struct transport_out out;
            uint8_t *at = bytes + 8 + over;
            int n = sotto__srtp_protect(remote, at, oracle_make_rtp(at, SSRC, over, SIZE));
            assert_true(n > SIZE);
            memset(bytes, 0xee, 8);
            assert_true(sotto__transport_take_media(&t, SOTTO_SECONDS(1),
                                                    &(struct packet){at, (size_t)n}, &out));
            assert_int_equal(out.type, TRANSPORT_OUT_RTP);
            assert_ptr_equal(out.packet.p, i == 0 ? at : bytes + 8);
            assert_int_equal(out.packet.n, oracle_make_rtp(want, SSRC, over, SIZE));
            assert_memory_equal(out.packet.p, want, SIZE);
            for (size_t k = 0; k < 8; k++) assert_int_equal(bytes[k], 0xee);
        }
        sotto__srtp_free(remote);
        sotto__srtp_free(t.srtp);
    }
}

static void what_is_too_big_or_no_packet_does_not_go(void **state)
{
    static uint8_t packet[65536];
    struct couple *c = connected();
    sotto_us now = couple_now(c);
    (void)state;
    oracle_make_rtp(packet, SSRC, 1, SOTTO_MAX_MEDIA_PACKET + 1);
    uint64_t sent = c->a.t.stats.packets_sent;
    assert_int_equal(sotto__transport_send_rtp(&c->a.t, now, packet, 12, packet + 12,
                                               SOTTO_MAX_MEDIA_PACKET - 11),
                     SOTTO_E_TOO_BIG);
    assert_int_equal(sotto__transport_send_rtp(&c->a.t, now, packet, SIZE_MAX, packet, 2),
                     SOTTO_E_TOO_BIG);
    assert_int_equal(sotto__transport_send_rtcp(&c->a.t, now, packet, SOTTO_MAX_MEDIA_PACKET + 1),
                     SOTTO_E_TOO_BIG);
    assert_int_equal(sotto__transport_send_rtp(&c->a.t, now, packet, 11, NULL, 0), SOTTO_E_INVAL);
    assert_int_equal(sotto__transport_send_rtcp(&c->a.t, now, packet, 7), SOTTO_E_INVAL);
    assert_int_equal(c->a.t.stats.packets_sent, sent);
    assert_int_equal(sotto__transport_send_rtp(&c->a.t, now, packet, 12, packet + 12,
                                               SOTTO_MAX_MEDIA_PACKET - 12),
                     0);
    assert_int_equal(c->a.t.stats.packets_sent, sent + 1);
    couple_free(c);
}

static enum net_verdict count_plain(struct net *net, struct net_datagram *d, void *user)
{
    (void)net;
    enum packet_kind kind = sotto__demux(d->p, d->n);
    if (kind == PACKET_RTP || kind == PACKET_RTCP) ++*(unsigned *)user;
    return NET_PASS;
}

/* SRTP-09 */
/* proves: SRTP-09 S08 */
static void nothing_is_sent_without_keys(void **state)
{
    unsigned leaked = 0;
    struct couple *c = begin();
    (void)state;
    c->net->tap = count_plain, c->net->tap_user = &leaked;
    want_media(c);
    assert_int_equal(send_rtp(c, &c->a, 1), SOTTO_E_STATE);
    couple_signal(c);
    for (int i = 0; i < 100 && !sotto__transport_has_media_keys(&c->a.t); i++) {
        assert_int_equal(send_rtp(c, &c->a, 1), SOTTO_E_STATE);
        assert_int_equal(send_rtcp(c, &c->a), SOTTO_E_STATE);
        couple_run(c, SOTTO_MS(2));
    }
    assert_int_equal(leaked, 0);
    assert_true(couple_until(c, couple_is_up, SOTTO_SECONDS(5)));
    assert_int_equal(send_rtp(c, &c->a, 1), 0);
    sotto__transport_close(&c->a.t, couple_now(c));
    assert_false(sotto__transport_has_media_keys(&c->a.t));
    assert_int_equal(send_rtp(c, &c->a, 2), SOTTO_E_STATE);
    assert_int_equal(send_rtcp(c, &c->a), SOTTO_E_STATE);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(leaked, 1);
    assert_int_equal(c->b.t.dtls_state, TRANSPORT_DTLS_CLOSED); /* the other end was told, and has no keys either */
    assert_false(sotto__transport_has_media_keys(&c->b.t));
    assert_int_equal(send_rtp(c, &c->b, 2), SOTTO_E_STATE);
    couple_free(c);
}

static void media_may_be_wanted_later(void **state)
{
    struct couple *c = begin();
    (void)state;
    couple_connect(c);
    assert_false(sotto__transport_has_media_keys(&c->a.t));
    assert_int_equal(send_rtp(c, &c->a, 1), SOTTO_E_STATE);
    want_media(c);
    assert_int_equal(send_rtp(c, &c->a, 1), 0);
    couple_run(c, SOTTO_MS(50));
    assert_int_equal(seen[1].rtp, 1);
    couple_free(c);
}

/* A party whose DTLS knows a profile that we do not, as any peer may. */
static struct dtls_ctx *use_profiles(struct party *p, const char *names)
{
    struct dtls_ctx *ctx;
    assert_int_equal(sotto__dtls_ctx_new(&ctx), 0);
    assert_int_equal(SSL_CTX_set_tlsext_use_srtp(ctx->ssl, names), 0);
    p->shared.dtls_ctx = ctx;
    return ctx;
}

static bool both_over(struct couple *c)
{
    return c->a.t.dtls_state >= TRANSPORT_DTLS_CLOSED && c->b.t.dtls_state >= TRANSPORT_DTLS_CLOSED;
}

/* proves: DTLS-08 H081 */
static void without_a_profile_in_common_there_is_no_connection(void **state)
{
    (void)state; /* DTLS-08, RFC 5764 §4.1.1 */
    for (int who = 0; who < 2; who++) {
        struct couple *c = begin();
        struct party *odd = who == 0 ? &c->a : &c->b, *other = odd->other;
        struct dtls_ctx *ctx = use_profiles(odd, "SRTP_AES128_CM_SHA1_32");
        assert_int_equal(sotto__transport_begin_media(&other->t, couple_now(c)), 0);
        couple_signal(c);
        assert_true(couple_until(c, both_over, SOTTO_SECONDS(5)));
        assert_int_equal(other->t.dtls_state, TRANSPORT_DTLS_FAILED);
        assert_int_equal(other->dtls_error, SOTTO_E_PROTO);
        assert_string_equal(other->dtls_reason, "the remote agreed on no SRTP profile");
        assert_false(sotto__transport_has_media_keys(&other->t));
        assert_int_equal(other->n_up, 0);
        couple_free(c);
        sotto__dtls_ctx_free(ctx);
    }
}

/* proves: DTLS-08 */
static void data_alone_needs_no_profile(void **state)
{
    struct couple *c = begin();
    struct dtls_ctx *ctx = use_profiles(&c->b, "SRTP_AES128_CM_SHA1_32");
    (void)state;
    couple_connect(c);
    assert_int_equal(sotto__transport_begin_media(&c->a.t, couple_now(c)), SOTTO_E_STATE);
    assert_false(c->a.t.wants_media);
    assert_int_equal(c->a.t.dtls_state, TRANSPORT_DTLS_CONNECTED);
    couple_free(c);
    sotto__dtls_ctx_free(ctx);
}

struct loss {
    const struct couple *c;
    bool done;
};

/* Loses the server's last flight the first time. */
static enum net_verdict lose_finished(struct net *net, struct net_datagram *d, void *user)
{
    struct loss *loss = user;
    struct address server;
    (void)net;
    if (loss->done || d->n == 0 || d->p[0] != 20 || /* ChangeCipherSpec */
        !net_ice_address(loss->c->a.t.live.ice, &server) || !sotto__address_eq(&server, &d->from))
        return NET_PASS;
    loss->done = true;
    return NET_DROP;
}

static bool server_has_keys(struct couple *c)
{
    return c->a.t.srtp != NULL;
}

/* H096: the server sends as soon as it may; its Finished comes later. */
/* proves: H096 */
static void packets_that_come_before_the_keys_wait_for_them(void **state)
{
    struct couple *c = begin();
    (void)state;
    want_media(c);
    struct loss loss = {.c = c};
    c->net->tap = lose_finished, c->net->tap_user = &loss;
    couple_signal(c);
    assert_true(couple_until(c, server_has_keys, SOTTO_SECONDS(5)));
    assert_null(c->b.t.srtp);
    for (uint16_t i = 0; i < SOTTO_MAX_EARLY_MEDIA + 3; i++)
        assert_int_equal(send_rtp(c, &c->a, (uint16_t)(100 + i)), 0);
    couple_run(c, SOTTO_MS(7));
    assert_null(c->b.t.srtp);
    assert_int_equal(c->b.t.n_early_media, SOTTO_MAX_EARLY_MEDIA);
    assert_int_equal(seen[1].rtp, 0);
    assert_true(couple_until(c, couple_is_up, SOTTO_SECONDS(5)));
    assert_int_equal(seen[1].rtp, SOTTO_MAX_EARLY_MEDIA); /* the newest, in order */
    for (uint16_t i = 0; i < SOTTO_MAX_EARLY_MEDIA; i++) assert_int_equal(seen[1].seqs[i], 103 + i);
    assert_null(c->b.t.early_media);
    assert_int_equal(stats(&c->b).forged, 0);
    couple_free(c);
}

/* proves: H096 */
static void what_waits_is_bounded_in_bytes_and_goes_with_the_transport(void **state)
{
    static uint8_t packet[SOTTO_MAX_DATAGRAM];
    struct couple *c = begin();
    struct transport_out out;
    struct transport *t = &c->a.t;
    int64_t live = sotto__mem_live();
    (void)state;
    packet[0] = 0x80, packet[1] = 96;
    assert_false(sotto__transport_take(t, 0, &t->live, &(struct packet){packet, 1000}, &out));
    assert_int_equal(t->n_early_media, 0); /* nobody wants media */
    assert_int_equal(sotto__transport_begin_media(t, 0), 0);
    for (int i = 0; i < 100; i++)
        sotto__transport_take(t, 0, &t->live, &(struct packet){packet, 20000}, &out);
    assert_int_equal(t->n_early_media, 3);
    assert_int_equal(t->early_media_bytes, 60000);
    sotto__transport_take(t, 0, &t->live,
                          &(struct packet){packet, SOTTO_MAX_EARLY_MEDIA_BYTES - 60000}, &out);
    assert_int_equal(t->n_early_media, 4);
    sotto__transport_take(t, 0, &t->live, &(struct packet){packet, 1}, &out);
    assert_int_equal(t->n_early_media, 4);
    sotto__transport_take(t, 0, &t->live, &(struct packet){packet, SOTTO_MAX_EARLY_MEDIA_BYTES},
                          &out);
    assert_int_equal(t->n_early_media, 1);
    for (int i = 0; i < 100; i++)
        sotto__transport_take(t, 0, &t->live, &(struct packet){packet, 100}, &out);
    assert_int_equal(t->n_early_media, SOTTO_MAX_EARLY_MEDIA);
    sotto__mem_fail_at(1);
    sotto__transport_take(t, 0, &t->live, &(struct packet){packet, 100}, &out);
    assert_true(sotto__mem_failed());
    assert_int_equal(t->n_early_media, SOTTO_MAX_EARLY_MEDIA - 1);
    sotto__transport_reset(t, 0);
    assert_int_equal(t->n_early_media, 0);
    assert_false(t->wants_media);
    assert_int_equal(sotto__mem_live(), live);
    couple_free(c);
}

static struct recorded {
    struct net_datagram *d[64];
    unsigned n;
} recorded;

static enum net_verdict record(struct net *net, struct net_datagram *d, void *user)
{
    (void)net, (void)user;
    if (sotto__demux(d->p, d->n) != PACKET_RTP || recorded.n == 64) return NET_PASS;
    struct net_datagram *copy = malloc(sizeof *d + d->n);
    assert_non_null(copy);
    memcpy(copy, d, sizeof *d + d->n);
    recorded.d[recorded.n++] = copy;
    return NET_PASS;
}

static bool up_again(struct couple *c)
{
    return c->a.n_up == 2 && c->b.n_up == 2;
}

/* DTLS-15, RFC 8842 §5 */
/* proves: H090 */
static void another_association_has_other_keys(void **state)
{
    struct couple *c = connected();
    (void)state;
    c->net->tap = record;
    for (uint16_t i = 0; i < 20; i++) assert_int_equal(send_rtp(c, &c->a, i), 0);
    couple_run(c, SOTTO_MS(50));
    assert_int_equal(seen[1].rtp, 20);
    assert_int_equal(recorded.n, 20);
    couple_restart(c, true);
    assert_false(sotto__transport_has_media_keys(&c->a.t));
    assert_int_equal(send_rtp(c, &c->a, 20), SOTTO_E_STATE);
    assert_true(couple_until(c, up_again, SOTTO_SECONDS(5)));
    assert_true(sotto__transport_has_media_keys(&c->a.t));
    assert_int_equal(send_rtp(c, &c->a, 0), 0); /* numbers begin anew */
    for (uint16_t i = 1; i < 20; i++) assert_int_equal(send_rtp(c, &c->a, (uint16_t)(100 + i)), 0);
    couple_run(c, SOTTO_MS(50));
    assert_int_equal(seen[1].rtp, 40);
    struct address from, to;
    assert_true(net_ice_address(c->a.t.live.ice, &from) && net_ice_address(c->b.t.live.ice, &to));
    for (unsigned i = 0; i < 20; i++) /* the packets of the old one, on the new path */
        net_inject(c->net, &from, &to, recorded.d[i]->p, recorded.d[i]->n, 1000);
    couple_run(c, SOTTO_MS(50));
    assert_int_equal(seen[1].rtp, 40);
    assert_int_equal(stats(&c->b).forged, 19);
    assert_int_equal(stats(&c->b).replayed, 1); /* its number was known before its tag was looked at */
    for (unsigned i = 0; i < recorded.n; i++) free(recorded.d[i]);
    couple_free(c);
}

static void an_ice_restart_keeps_the_keys(void **state)
{
    struct couple *c = connected();
    (void)state;
    const struct srtp *before = c->a.t.srtp;
    assert_int_equal(send_rtp(c, &c->a, 1), 0);
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(5)));
    assert_ptr_equal(c->a.t.srtp, before);
    assert_int_equal(send_rtp(c, &c->a, 2), 0);
    couple_run(c, SOTTO_MS(50));
    assert_int_equal(seen[1].rtp, 2);
    sotto__transport_forget_ssrc(&c->b.t, SSRC); /* a pause; it may go on */
    assert_int_equal(send_rtp(c, &c->a, 3), 0);
    couple_run(c, SOTTO_MS(50));
    assert_int_equal(seen[1].rtp, 3);
    couple_free(c);
}

static void keys_that_could_not_be_made_can_be_tried_again(void **state)
{
    (void)state;
    struct couple *c = begin();
    couple_connect(c);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__transport_begin_media(&c->a.t, couple_now(c)), SOTTO_E_NOMEM);
    assert_true(sotto__mem_failed());
    assert_int_equal(sotto__transport_begin_media(&c->a.t, couple_now(c)), 0);
    assert_true(sotto__transport_has_media_keys(&c->a.t));
    couple_free(c);
}

static unsigned came[2];

static void count_kind(struct party *p, bool is_rtcp, const uint8_t *packet, size_t n)
{
    (void)p, (void)packet;
    assert_int_equal(n, is_rtcp ? 28 : 40);
    came[is_rtcp]++;
}

/* SRTP-08, RFC 5761 §4: the second byte says which it is; nothing passes for the other. */
/* proves: SRTP-08 */
static void the_second_byte_tells_rtp_from_rtcp(void **state)
{
    struct couple *c = connected();
    uint8_t packet[40];
    (void)state;
    c->b.on_media = count_kind;
    for (unsigned x = 0; x < 256; x++) {
        bool rtcp = x >= 192 && x <= 223;
        unsigned rtp_before = came[0], rtcp_before = came[1];
        oracle_make_rtp(packet, SSRC, (uint16_t)x, sizeof packet);
        packet[1] = (uint8_t)x;
        assert_int_equal(sotto__transport_send_rtp(&c->a.t, couple_now(c), packet, 40, NULL, 0), 0);
        oracle_make_rtcp(packet, SSRC + 1, 28);
        packet[1] = (uint8_t)x;
        assert_int_equal(sotto__transport_send_rtcp(&c->a.t, couple_now(c), packet, 28), 0);
        couple_run(c, SOTTO_MS(20));
        assert_int_equal(came[0] - rtp_before, !rtcp);
        assert_int_equal(came[1] - rtcp_before, rtcp);
        struct srtp_stats st = stats(&c->b);
        assert_int_equal(st.forged + st.plain_rtcp, x + 1); /* one of the two, each time */
    }
    couple_free(c);
}

/* The main path, with each allocation failing in turn: no keys, or a packet that is lost. */
static void every_allocation_may_fail(void **state)
{
    struct couple *c = begin();
    uint64_t n = 0;
    (void)state;
    couple_connect(c);
    couple_run(c, SOTTO_SECONDS(5)); /* what was needed to connect is gone */
    int64_t live = sotto__mem_live();
    for (bool failed = true; failed;) {
        memset(seen, 0, sizeof seen);
        sotto__mem_fail_at(++n);
        int a = sotto__transport_begin_media(&c->a.t, couple_now(c));
        int b = sotto__transport_begin_media(&c->b.t, couple_now(c));
        int r = a == 0 ? send_rtp(c, &c->a, 1) : SOTTO_E_NOMEM;
        couple_run(c, SOTTO_MS(50));
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true((a == 0 || a == SOTTO_E_NOMEM) && (b == 0 || b == SOTTO_E_NOMEM));
        assert_true(r == 0 || r == SOTTO_E_NOMEM);
        if (a == 0 && b == 0) { /* the next one arrives */
            assert_int_equal(send_rtp(c, &c->a, 2), 0);
            couple_run(c, SOTTO_MS(50));
            assert_int_equal(seen[1].seqs[seen[1].rtp - 1], 2);
        }
        assert_true(failed || seen[1].rtp == 2);
        sotto__transport_end_media(&c->a.t);
        sotto__transport_end_media(&c->b.t);
        c->a.t.wants_media = c->b.t.wants_media = false;
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_true(n > 6);
    couple_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_media_arrive_as_they_were),
        cmocka_unit_test(packets_that_are_not_aligned_are_opened),
        cmocka_unit_test(what_is_too_big_or_no_packet_does_not_go),
        cmocka_unit_test(nothing_is_sent_without_keys),
        cmocka_unit_test(media_may_be_wanted_later),
        cmocka_unit_test(without_a_profile_in_common_there_is_no_connection),
        cmocka_unit_test(data_alone_needs_no_profile),
        cmocka_unit_test(packets_that_come_before_the_keys_wait_for_them),
        cmocka_unit_test(what_waits_is_bounded_in_bytes_and_goes_with_the_transport),
        cmocka_unit_test(another_association_has_other_keys),
        cmocka_unit_test(an_ice_restart_keeps_the_keys),
        cmocka_unit_test(keys_that_could_not_be_made_can_be_tried_again),
        cmocka_unit_test(the_second_byte_tells_rtp_from_rtcp),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("transport_media", tests, NULL, NULL);
}

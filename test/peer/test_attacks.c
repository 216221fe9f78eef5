/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each counter of SOTTO_ATTACKS, raised by what it counts: two peers in the virtual network, one of which attacks, or somebody on the path
 * between them. What is refused is counted under its name and under no other; a counter without a row fails.
 */
#include "lines.h"
#include "peer/policy.h"
#include "peer/security.h"
#include "wire/dcep.h"

#define WHILE SOTTO_MS(200)

/* ---- the victim is a; its report ---- */

static void read_counters(struct duo *d, uint64_t to[static ATTACK_COUNT])
{
    struct security_block *b = NULL;
    assert_int_equal(sotto__peer_security(d->a.peer, duo_now(d), &b), 0);
    assert_int_equal(b->report.n_counters, ATTACK_COUNT);
    for (size_t i = 0; i < ATTACK_COUNT; i++) to[i] = b->report.counters[i].count;
    sotto__free(b);
}

/* ---- what comes to it ---- */

static struct ice_pair path_of(struct duo *d)
{
    struct ice_pair pair;
    assert_true(sotto__transport_pair(&d->a.peer->transport, &pair));
    return pair;
}

/* A datagram that claims to be from the remote. */
static void arrive(struct duo *d, const uint8_t *p, size_t n)
{
    struct ice_pair pair = path_of(d);
    net_inject(d->net, &pair.remote.addr, &pair.local.addr, p, n, 0);
    duo_run(d, WHILE);
}

static void put_rtp(uint8_t p[static 12], uint8_t pt, uint16_t seq, uint32_t ssrc)
{
    const uint8_t head[12] = {0x80,
                              pt,
                              (uint8_t)(seq >> 8),
                              (uint8_t)seq,
                              0,
                              0,
                              0,
                              0,
                              (uint8_t)(ssrc >> 24),
                              (uint8_t)(ssrc >> 16),
                              (uint8_t)(ssrc >> 8),
                              (uint8_t)ssrc};
    memcpy(p, head, sizeof head);
}

/* An authentic packet of s. */
static void send_rtp(struct duo *d, struct duo_side *s, const uint8_t *p, size_t n)
{
    assert_int_equal(
        sotto__transport_send_rtp(&s->peer->transport, duo_now(d), p, n, (const uint8_t *)"", 0),
        0);
    duo_run(d, WHILE);
}

static uint8_t payload_type(struct duo *d)
{
    char *sdp = local_text(&d->a);
    unsigned long pt = strtoul(line_value(sdp, 0, "a=rtpmap:"), NULL, 10);
    sotto__free(sdp);
    assert_true(pt >= 96 && pt < 128);
    return (uint8_t)pt;
}

/* An authentic message of b. */
static void send_message(struct duo *d, uint16_t sid, uint32_t ppid, const void *p, size_t n)
{
    const struct sctp_send_opt opt = {.sid = sid, .ppid = ppid};
    assert_int_equal(sotto__sctp_send(d->b.peer->transport.sctp, duo_now(d), &opt, p, n), 0);
    duo_run(d, SOTTO_SECONDS(2));
}

/* ---- somebody on the path: changes, repeats or sends back what passes ---- */

static enum net_verdict repeat_rtp(struct net *net, struct net_datagram *m, void *user)
{
    (void)user;
    if (m->p[0] >> 6 == 2) net_inject(net, &m->from, &m->to, m->p, m->n, SOTTO_MS(20));
    return NET_PASS;
}

static enum net_verdict reflect_rtp(struct net *net, struct net_datagram *m, void *user)
{
    (void)user;
    if (m->p[0] >> 6 == 2) net_inject(net, &m->to, &m->from, m->p, m->n, SOTTO_MS(1));
    return NET_PASS;
}

/* RFC 7714 §9.2: the E bit stands before the index, at the end. */
static enum net_verdict clear_e_bit(struct net *net, struct net_datagram *m, void *user)
{
    (void)net, (void)user;
    if (m->p[0] >> 6 == 2 && m->p[1] >= 192 && m->p[1] < 224) m->p[m->n - 4] &= 0x7f;
    return NET_PASS;
}

/* A ClientHello, before the true one: valid, but not what the client will sign. */
static enum net_verdict mislead(struct net *net, struct net_datagram *m, void *user)
{
    bool *done = user;
    uint8_t altered[2048];
    if (*done || m->n < 60 || m->n > sizeof altered || m->p[0] != 22 || m->p[13] != 1)
        return NET_PASS;
    memcpy(altered, m->p, m->n);
    altered[m->n - 2] ^= 1;
    net_inject(net, &m->from, &m->to, altered, m->n, 0);
    *done = true;
    return NET_PASS;
}

/* ---- the attacks; those of a live call, and those that come before it ---- */

static void dtls_forged(struct duo *d)
{
    uint8_t record[13 + 64] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 64};
    arrive(d, record, sizeof record);
}

static void dtls_dropped(struct duo *d)
{
    static const uint8_t record[] = {20, 0xfe, 0xfd, 0, 7, 1, 2, 3, 4, 5, 6, 0, 1, 1};
    arrive(d, record, sizeof record);
}

static void dtls_rebuilt(struct duo *d)
{
    bool done = false;
    d->net->tap = mislead, d->net->tap_user = &done;
    duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(20));
    assert_true(done && d->a.peer->dtls == TRANSPORT_DTLS_CONNECTED);
}

static void dtls_certificate(struct duo *d)
{
    duo_open(&d->a, "x");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    char *sdp = local_text(&d->a);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_OFFER, sdp), 0);
    sotto__free(sdp);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_IMPLICIT), 0);
    sdp = local_text(&d->b);
    char *digit = strstr(sdp, "a=fingerprint:sha-256 ");
    assert_non_null(digit);
    digit += strlen("a=fingerprint:sha-256 ");
    *digit = *digit == '0' ? '1' : '0';
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, sdp), 0);
    sotto__free(sdp);
    duo_run(d, SOTTO_SECONDS(20));
}

static void datagram_unknown(struct duo *d)
{
    static const uint8_t junk[] = {0xff, 1, 2, 3};
    arrive(d, junk, sizeof junk);
}

static void srtp_forged(struct duo *d)
{
    uint8_t p[60] = {0};
    put_rtp(p, 111, 1, 0xbadbad);
    arrive(d, p, sizeof p);
}

static void srtp_replayed(struct duo *d)
{
    uint8_t p[40] = {0};
    put_rtp(p, payload_type(d), 1, 77);
    d->net->tap = repeat_rtp;
    send_rtp(d, &d->b, p, sizeof p);
}

static void srtp_reflected(struct duo *d)
{
    uint8_t p[40] = {0};
    put_rtp(p, payload_type(d), 1, 78);
    d->net->tap = reflect_rtp;
    send_rtp(d, &d->a, p, sizeof p);
}

/* Authentic reports under whatever name we give ourselves: a loop behind the remote. */
static void reports_reflected(struct duo *d)
{
    for (int i = 0; i < 3; i++) {
        uint32_t ssrc = d->a.peer->session->ssrc;
        const uint8_t report[] = {0x80,
                                  201,
                                  0,
                                  1,
                                  (uint8_t)(ssrc >> 24),
                                  (uint8_t)(ssrc >> 16),
                                  (uint8_t)(ssrc >> 8),
                                  (uint8_t)ssrc};
        assert_int_equal(
            sotto__transport_send_rtcp(&d->b.peer->transport, duo_now(d), report, sizeof report),
            0);
        duo_run(d, WHILE);
    }
}

static void srtcp_plain(struct duo *d)
{
    static const uint8_t report[] = {0x80, 201, 0, 1, 0, 0, 0, 79};
    d->net->tap = clear_e_bit;
    assert_int_equal(
        sotto__transport_send_rtcp(&d->b.peer->transport, duo_now(d), report, sizeof report), 0);
    duo_run(d, WHILE);
}

static void srtp_crowded(struct duo *d)
{
    uint8_t p[40] = {0}, pt = payload_type(d);
    for (uint32_t i = 0; i <= SOTTO_MAX_UNSIGNALLED; i++) {
        put_rtp(p, pt, 1, 1000 + i);
        send_rtp(d, &d->b, p, sizeof p);
    }
}

static void rtp_malformed(struct duo *d)
{
    uint8_t p[40] = {0};
    put_rtp(p, payload_type(d), 1, 80);
    p[0] |= 0x20; /* padding, of 0 bytes: RFC 3550 §5.1 */
    send_rtp(d, &d->b, p, sizeof p);
}

static void rtp_unrouted(struct duo *d)
{
    uint8_t p[40] = {0};
    put_rtp(p, 77, 1, 81);
    send_rtp(d, &d->b, p, sizeof p);
}

static void sctp_refused(struct duo *d)
{
    uint8_t packet[32] = {0};
    sotto__sctp_input(d->a.peer->transport.sctp, duo_now(d), packet, sizeof packet);
}

static void message_oversize(struct duo *d)
{
    static const uint8_t large[SOTTO_DEFAULT_MESSAGE + 1];
    send_message(d, (uint16_t)d->b.remote->id, PPID_BINARY, large, sizeof large);
}

static void message_stray(struct duo *d)
{
    send_message(d, 99, PPID_BINARY, "x", 1);
}

static void channel_refused(struct duo *d)
{
    send_message(d, 99, PPID_DCEP, "\x03", 1);
}

static void channel_broken(struct duo *d)
{
    send_message(d, (uint16_t)d->b.remote->id, PPID_TEXT, "\xff", 1);
}

static void refused_below(const struct ice *ice, struct ice_refused *ret)
{
    (void)ice;
    *ret = (struct ice_refused){.filtered = 3};
}

static void conflicts_below(const struct ice *ice, struct ice_refused *ret)
{
    (void)ice;
    *ret = (struct ice_refused){.conflicts = 2};
}

/* libnice's side of it, which the virtual network has not: what it counts is shown in test/transport and in test_security.c of api. */
static struct ice_ops below;

static void stun_refused(struct duo *d)
{
    below = sotto__ice_net;
    below.refused = refused_below;
    d->a.shared.ice_ops = &below;
}

static void ice_conflict(struct duo *d)
{
    below = sotto__ice_net;
    below.refused = conflicts_below;
    d->a.shared.ice_ops = &below;
}

static void give(struct duo *d, const char *line)
{
    const sotto_candidate c = {.size = sizeof c, .line = line, .mid = "0"};
    (void)sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL);
}

static void candidate_broken(struct duo *d)
{
    give(d, "candidate:1 1 udp 2130706431 192.0.2.1 99999 typ host");
}

static void candidate_address(struct duo *d)
{
    give(d, "candidate:1 1 udp 2130706431 127.0.0.1 22 typ host");
}

static void candidate_name(struct duo *d)
{
    give(d, "candidate:1 1 udp 2130706431 a.example.com 5000 typ host");
}

static void candidate_limit(struct duo *d)
{
    char line[100];
    for (int i = 0; i <= SOTTO_MAX_REMOTE_CANDIDATES; i++) {
        snprintf(line, sizeof line, "candidate:1 1 udp 2130706431 192.0.2.1 %d typ host", 2000 + i);
        give(d, line);
    }
}

static void description_refused(struct duo *d)
{
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, "v=0\r\nnonsense"), SOTTO_E_SYNTAX);
}

static void identity_changed(struct duo *d)
{
    char *sdp = offer_of(&d->b);
    for (char *at = sdp; (at = strstr(at, "a=fingerprint:sha-256 "));) {
        at += strlen("a=fingerprint:sha-256 ");
        *at = *at == '0' ? '1' : '0';
    }
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), SOTTO_E_MODIFICATION);
    sotto__free(sdp);
}

static void add_key(struct duo *d, struct duo_side *s, struct channel *c, int32_t direction,
                    uint64_t kid)
{
    static const uint8_t secret[16] = "of sixteen bytes";
    const sotto_e2ee_key key = {
        .size = sizeof key, .kid = kid, .key = secret, .key_len = sizeof secret};
    const struct e2ee_place at = {.channel = c};
    assert_int_equal(sotto__peer_e2ee_add(s->peer, duo_now(d), &at, direction, &key), 0);
}

/* One of b's messages, sealed under this kid, `times` times. */
static void send_sealed(struct duo *d, uint64_t kid, int times)
{
    uint8_t *p;
    size_t n;
    add_key(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), SOTTO_E2EE_RECEIVE, 1);
    add_key(d, &d->b, d->b.remote, SOTTO_E2EE_SEND, kid);
    assert_int_equal(sotto__channel_seal(d->b.remote, "secret", 6, true, &p, &n), 0);
    while (times-- > 0) send_message(d, (uint16_t)d->b.remote->id, PPID_BINARY, p, n);
    sotto__free(p);
}

static void frame_forged(struct duo *d)
{
    send_sealed(d, 1, 0);
    send_message(d, (uint16_t)d->b.remote->id, PPID_BINARY, "in the clear", 12);
}

static void frame_replayed(struct duo *d)
{
    send_sealed(d, 1, 2);
    assert_int_equal(d->a.n_messages, 1);
}

static void frame_unknown_key(struct duo *d)
{
    send_sealed(d, 2, 1);
    assert_int_equal(d->a.n_messages, 0);
}

static void set_policy(struct duo *d, const struct policy *limits)
{
    struct policy *w = sotto__calloc(1, sizeof *w);
    assert_non_null(w);

    *w = *limits;
    w->any_codec = true;
    w->max_send_bps = UINT64_MAX;
    sotto__peer_set_policy(d->a.peer, w);
}

static void policy_section(struct duo *d)
{
    set_policy(d, &(struct policy){.max_sections = 9, .audio = SOTTO_ALLOW_NONE});
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, HEAD_OF("0") SOUND("0", CREDENTIALS)), 0);
}

static void policy_channel(struct duo *d)
{
    set_policy(d, &(struct policy){.max_sections = 9, .no_data = true});
    duo_open(&d->b, "another");
    duo_run(d, SOTTO_SECONDS(2));
}

static void policy_candidate(struct duo *d)
{
    set_policy(d, &(struct policy){.max_sections = 9, .refuse_candidates = SOTTO_REFUSE_HOST});
    give(d, "candidate:1 1 udp 2130706431 192.0.2.99 5000 typ host");
}

/* What a handshake that goes wrong repeats counts, too. */
#define BIT(what) (1ull << (what))
#define HANDSHAKE (BIT(ATTACK_DTLS_FORGED) | BIT(ATTACK_DTLS_DROPPED))

static const struct {
    enum attack what;
    void (*raise)(struct duo *d);
    bool comes_before; /* no call is up */
    uint64_t also;     /* others that may be counted with it */
} rows[] = {
    {ATTACK_DTLS_FORGED, dtls_forged, false, 0},
    {ATTACK_DTLS_DROPPED, dtls_dropped, false, 0},
    {ATTACK_DTLS_REBUILT, dtls_rebuilt, true, HANDSHAKE},
    {ATTACK_DTLS_CERTIFICATE, dtls_certificate, true, HANDSHAKE},
    {ATTACK_DATAGRAM_UNKNOWN, datagram_unknown, false, 0},
    {ATTACK_SRTP_FORGED, srtp_forged, false, 0},
    {ATTACK_SRTP_REPLAYED, srtp_replayed, false, 0},
    {ATTACK_SRTP_REFLECTED, srtp_reflected, false, 0},
    {ATTACK_SRTP_REFLECTED, reports_reflected, false, 0},
    {ATTACK_SRTCP_PLAIN, srtcp_plain, false, 0},
    {ATTACK_SRTP_CROWDED, srtp_crowded, false, 0},
    {ATTACK_RTP_MALFORMED, rtp_malformed, false, 0},
    {ATTACK_RTP_UNROUTED, rtp_unrouted, false, 0},
    {ATTACK_SCTP_REFUSED, sctp_refused, false, 0},
    {ATTACK_MESSAGE_OVERSIZE, message_oversize, false, 0},
    {ATTACK_MESSAGE_STRAY, message_stray, false, 0},
    {ATTACK_CHANNEL_REFUSED, channel_refused, false, 0},
    {ATTACK_CHANNEL_BROKEN, channel_broken, false, 0},
    {ATTACK_STUN_REFUSED, stun_refused, false, 0},
    {ATTACK_ICE_CONFLICT, ice_conflict, false, 0},
    {ATTACK_CANDIDATE_BROKEN, candidate_broken, false, 0},
    {ATTACK_CANDIDATE_ADDRESS, candidate_address, false, 0},
    {ATTACK_CANDIDATE_NAME, candidate_name, false, 0},
    {ATTACK_CANDIDATE_LIMIT, candidate_limit, false, 0},
    {ATTACK_DESCRIPTION_REFUSED, description_refused, false, 0},
    {ATTACK_IDENTITY_CHANGED, identity_changed, false, 0},
    {ATTACK_FRAME_FORGED, frame_forged, false, 0},
    {ATTACK_FRAME_REPLAYED, frame_replayed, false, 0},
    {ATTACK_FRAME_UNKNOWN_KEY, frame_unknown_key, false, 0},
    {ATTACK_POLICY_SECTION, policy_section, true, 0},
    {ATTACK_POLICY_CHANNEL, policy_channel, false, BIT(ATTACK_CHANNEL_REFUSED)},
    {ATTACK_POLICY_CANDIDATE, policy_candidate, false, 0},
};

static const char *const names[] = {
#define NAME(NAME, name, text) name,
    SOTTO_ATTACKS(NAME)
#undef NAME
};

static void connect(struct duo *d)
{
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(d->b.peer, duo_now(d), SOTTO_AUDIO, NULL, 0, &t),
                     0);
    duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(2));
    assert_non_null(d->b.remote);
    assert_true(sotto__transport_has_media_keys(&d->b.peer->transport));
}

static int expect(size_t i, const uint64_t before[static ATTACK_COUNT],
                  const uint64_t after[static ATTACK_COUNT])
{
    int n_bad = 0;
    for (size_t k = 0; k < ATTACK_COUNT; k++) {
        bool is_more = after[k] > before[k], may = rows[i].also & BIT(k);
        if (k == rows[i].what ? is_more : (may || after[k] == before[k])) continue;
        print_error("%s: %s went from %llu to %llu\n", names[rows[i].what], names[k],
                    (unsigned long long)before[k], (unsigned long long)after[k]);
        n_bad++;
    }
    return n_bad;
}

/* proves: S21 */
static void each_attack_is_counted_under_its_name_and_no_other(void **state)
{
    bool has_row[ATTACK_COUNT] = {0};
    int n_bad = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t before[ATTACK_COUNT], after[ATTACK_COUNT];
        struct duo *d = duo_new(100 + i);
        if (!rows[i].comes_before) connect(d);
        read_counters(d, before);
        rows[i].raise(d);
        read_counters(d, after);
        n_bad += expect(i, before, after);
        d->net->tap = NULL;
        duo_free(d);
        has_row[rows[i].what] = true;
    }
    assert_int_equal(n_bad, 0);
    for (size_t k = 0; k < ATTACK_COUNT; k++)
        if (!has_row[k]) fail_msg("nothing here raises %s", names[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attack_is_counted_under_its_name_and_no_other),
    };
    return cmocka_run_group_tests_name("attacks", tests, NULL, NULL);
}

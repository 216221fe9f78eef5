/* SPDX-License-Identifier: BSD-2-Clause */
/* Reception statistics, what the remote reports, RTCP timing and the circuit breakers, in virtual time: H100, H103, RTP-04, RTP-06. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/report.h"

#define START SOTTO_SECONDS(1000)

/* ---- times ---- */

static void report_ntp_times_go_there_and_back(void **state)
{
    (void)state;
    static const sotto_us times[] = {0, 1, 999999, 1000000, 3913056000123456, 4294967295999999};
    assert_true(sotto__ntp(1500000) == 0x180000000u);
    assert_int_equal(sotto__ntp_middle(0x1234567890abcdefu), 0x567890ab);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_true(sotto__ntp_us(sotto__ntp(times[i])) == times[i]);
    assert_true(sotto__ntp_us(UINT64_MAX) > 0);
}

/* proves: H103 */
static void report_h103_clamps_round_trips(void **state)
{
    (void)state;
    const uint64_t ntp = 0x1234567890abcdefu;
    const uint32_t middle = sotto__ntp_middle(ntp);
    static const struct {
        uint32_t before, delay; /* last is middle - before */
        sotto_us want;
    } cases[] = {
        {65536, 0, 1000000},
        {65536, 32768, 500000},
        {65536 * 10, 0, 10000000},
        {65536 * 10 + 1, 0, 0}, /* nobody's path */
        {100, 101, 1},          /* the remote rounds its delay up */
        {0, 6553, 1},
        {0, 6554, 0},           /* more than rounding */
        {(uint32_t)-65536, 0, 0}, /* a report that we will send in a second */
        {0x80000000, 0, 0},
        {65536, UINT32_MAX, 1000015}, /* a delay of 18 hours is -1 around the corner: harmless */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sotto__ntp_rtt(ntp, middle - cases[i].before, cases[i].delay),
                         cases[i].want);
    assert_int_equal(sotto__ntp_rtt(ntp, 0, 0), 0); /* it never got a report */
}

/* ---- reception ---- */

static void take(struct reception *r, sotto_us at, uint16_t seq)
{
    sotto__reception_packet(r, at, seq, (uint32_t)(at / 1000 * 90), 90000, false);
}

static void report_counts_loss_as_rfc_3550(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_block b;
    assert_false(sotto__reception_block(&r, START, 7, &b));
    for (uint16_t i = 0; i < 100; i++)
        if (i % 4 != 1) take(&r, START, (uint16_t)(65500 + i)); /* 25 lost, over the wrap */
    assert_true(sotto__reception_block(&r, START, 7, &b));
    assert_true(b.ssrc == 7 && b.fraction == 64 && b.lost == 25);
    assert_int_equal(b.highest, 65500 + 99);
    assert_int_equal(sotto__reception_lost(&r), 25);
    for (uint16_t i = 100; i < 200; i++) take(&r, START, (uint16_t)(65500 + i));
    sotto__reception_block(&r, START, 7, &b);
    assert_true(b.fraction == 0 && b.lost == 25); /* of its own interval; since the beginning */
    sotto__reception_block(&r, START, 7, &b);
    assert_true(b.fraction == 0 && b.lost == 25); /* nothing came: no share */
}

static void report_counts_late_and_double_packets_as_received(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_block b;
    static const uint16_t seqs[] = {10, 12, 11, 13, 13, 9};
    for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) take(&r, START, seqs[i]);
    sotto__reception_block(&r, START, 7, &b);
    assert_true(b.highest == 13 && b.lost == -1 && b.fraction == 0); /* 9…13, 13 twice */
}

static void report_does_not_count_repairs(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_block b;
    sotto__reception_packet(&r, START, 5, 0, 90000, true);
    assert_false(sotto__reception_block(&r, START, 7, &b));
    take(&r, START, 10);
    take(&r, START, 12);
    sotto__reception_packet(&r, START, 11, 0, 90000, true);
    sotto__reception_block(&r, START, 7, &b);
    assert_true(b.lost == 1 && b.fraction == 85);
}

static void report_says_255_of_256_when_all_is_lost(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_block b;
    take(&r, START, 0);
    sotto__reception_block(&r, START, 7, &b);
    take(&r, START, 2000);
    sotto__reception_block(&r, START, 7, &b);
    assert_int_equal(b.fraction, 255);
    assert_int_equal(b.lost, 1999);
}

static void report_clamps_loss_to_24_bits(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_block b;
    for (uint32_t i = 0; i < 3000; i++) take(&r, START, (uint16_t)(i * 2999));
    sotto__reception_block(&r, START, 7, &b);
    assert_int_equal(b.lost, 0x7fffff);
    r = (struct reception){0};
    take(&r, START, 1);
    r.received += 0x1000000;
    sotto__reception_block(&r, START, 7, &b);
    assert_int_equal(b.lost, -0x800000);
}

/* proves: H100 */
static void report_h100_begins_anew_after_a_jump_of_two(void **state)
{
    (void)state;
    static const int jumps[] = {30000, -30000, 3000, -200};
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        struct reception r = {0};
        struct rtcp_block b;
        uint16_t to = (uint16_t)(40000 + jumps[i]);
        for (uint16_t seq = 39990; seq <= 40000; seq++)
            if (seq != 39995) take(&r, START, seq);
        take(&r, START, to);
        assert_int_equal(r.highest, 40000); /* one alone moves nothing */
        take(&r, START, (uint16_t)(to + 1));
        take(&r, START, (uint16_t)(to + 2));
        sotto__reception_block(&r, START, 7, &b);
        assert_int_equal(b.lost, 1); /* the loss from before, none by the jump */
        assert_true(b.highest > 40000 && (b.highest & 0xffff) == (uint16_t)(to + 2));
    }
}

static void report_a_lone_jump_does_not_move_it(void **state)
{
    (void)state;
    struct reception r = {0};
    take(&r, START, 1000);
    for (uint16_t i = 1; i < 50; i++) {
        take(&r, START, (uint16_t)(20000 + i * 200));
        take(&r, START, (uint16_t)(1000 + i));
    }
    assert_int_equal(r.highest, 1049);
    assert_int_equal(sotto__reception_lost(&r), 0);
}

static void report_a_gap_below_3000_is_loss(void **state)
{
    (void)state;
    struct reception r = {0};
    take(&r, START, 0);
    take(&r, START, 2999);
    assert_int_equal(sotto__reception_lost(&r), 2998);
}

static void report_measures_jitter_as_rfc_3550(void **state)
{
    (void)state;
    struct reception r = {0};
    double want = 0;
    for (uint16_t i = 0; i < 200; i++) { /* 20 ms of 48 kHz, each second one 5 ms late: D is 240 */
        sotto__reception_packet(&r, START + SOTTO_MS(20) * i + SOTTO_MS(i % 2 * 5), i, i * 960u,
                                48000, false);
        if (i > 0) want += (240 - want) / 16;
    }
    assert_true(r.jitter > want - 0.01 && r.jitter < want + 0.01);
    assert_true(r.jitter > 239 && r.jitter < 241);
    double before = r.jitter;
    sotto__reception_packet(&r, START + SOTTO_MS(4000), 200, 0x80000000, 48000, false);
    assert_true(r.jitter == before); /* timestamps jumped: no jitter of hours */
    sotto__reception_packet(&r, START + SOTTO_MS(4020), 201, 0x80000000 + 960, 48000, false);
    before = r.jitter;
    sotto__reception_packet(&r, START + SOTTO_MS(4100), 150, 0x80000000, 48000, false);
    assert_true(r.jitter == before); /* late ones say nothing of the path */
    sotto__reception_packet(&r, START + SOTTO_MS(4040), 202, 0, 8000, false);
    assert_true(r.jitter == 0); /* another clock */
    sotto__reception_packet(&r, START + SOTTO_MS(4060), 203, 0, 0, false);
    assert_true(r.jitter == 0);
}

static void report_jitter_survives_the_wrap_of_timestamps(void **state)
{
    (void)state;
    struct reception r = {0};
    for (uint32_t i = 0; i < 100; i++)
        sotto__reception_packet(&r, START + SOTTO_MS(20) * i, (uint16_t)i,
                                (uint32_t)-40000 + i * 960u, 48000, false);
    assert_true(r.jitter < 0.001);
}

static void report_tells_the_last_sender_report(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_block b;
    struct rtcp sr = {
        .type = RTCP_SR, .ntp = 0x1234567890abcdefu, .rtp_time = 9, .packets = 5, .octets = 6};
    take(&r, START, 1);
    sotto__reception_block(&r, START, 7, &b);
    assert_true(b.lsr == 0 && b.dlsr == 0);
    sotto__reception_sr(&r, START, &sr);
    sotto__reception_block(&r, START + SOTTO_MS(1500), 7, &b);
    assert_true(b.lsr == 0x567890ab && b.dlsr == 98304);
    assert_true(r.n_srs == 1 && r.sr_packets == 5 && r.sr_octets == 6 && r.sr_time == 9);
    sotto__reception_block(&r, START + SOTTO_SECONDS(100000), 7, &b);
    assert_int_equal(b.dlsr, UINT32_MAX); /* more than 18 hours */
}

/* ---- of ours ---- */

/* proves: H103 */
static void report_keeps_what_the_remote_says_within_bounds(void **state)
{
    (void)state;
    struct remote_report r = {0};
    uint64_t ntp = sotto__ntp(START);
    struct rtcp_block b = {.fraction = 255,
                           .lost = -8388608,
                           .jitter = UINT32_MAX,
                           .highest = UINT32_MAX,
                           .lsr = sotto__ntp_middle(ntp) - 6554,
                           .dlsr = 0};
    sotto__remote_report(&r, START, ntp, &b);
    assert_true(r.n == 1 && r.fraction < 1 && r.fraction > 0.99 && r.lost == -8388608);
    assert_true(r.jitter == 5400000 && r.highest == UINT32_MAX && r.at == START);
    assert_true(r.rtt > 99900 && r.rtt < 100100 && r.n_rtts == 1 && r.rtt_total == r.rtt);
    sotto_us before = r.rtt;
    b.lsr = sotto__ntp_middle(ntp) + 65536; /* of the future */
    sotto__remote_report(&r, START, ntp, &b);
    assert_true(r.n == 2 && r.rtt == before && r.n_rtts == 1);
    b.lsr = 0;
    sotto__remote_report(&r, START, ntp, &b);
    assert_true(r.n == 3 && r.rtt == before && r.n_rtts == 1);
}

/* ---- timing ---- */

struct spread {
    double mean, least, most; /* seconds */
};

static struct spread intervals(uint64_t bps, size_t members, bool video, size_t bytes)
{
    struct rtcp_timer t;
    struct spread s = {0, 1e9, 0};
    sotto_us now = START;
    const int n = 2000;
    sotto__rtcp_timer_init(&t, now, 4711);
    for (int i = 0; i < n; i++) {
        sotto__rtcp_timer_sent(&t, now, bytes, bps, members, members / 2, true, video);
        assert_int_equal(t.last, now);
        double span = (double)(t.next - now) / 1e6;
        s.mean += span / n;
        if (span < s.least) s.least = span;
        if (span > s.most) s.most = span;
        now = t.next;
        sotto__rtcp_timer_received(&t, bytes);
    }
    return s;
}

/* proves: RTP-04 */
static void report_rtp_04_spreads_reports_from_half_to_one_and_a_half(void **state)
{
    (void)state;
    struct spread video = intervals(2500000, 4, true, 120), audio = intervals(64000, 2, false, 120);
    assert_true(video.least >= 0.5 && video.least < 0.52 && video.most <= 1.5 && video.most > 1.48);
    assert_true(video.mean > 0.97 && video.mean < 1.03);
    assert_true(audio.least >= 1.25 && audio.most <= 3.75 && audio.mean > 2.4 && audio.mean < 2.6);
}

/* proves: RTP-04 */
static void report_rtp_04_stays_within_five_percent(void **state)
{
    (void)state;
    /* 50 SSRCs at 300 kbit/s: 148 bytes each, 1875 bytes a second for all of them: 3.95 s a report */
    struct spread s = intervals(300000, 50, true, 120);
    double fair = 148.0 * 50 / (300000 / 8 * 0.05);
    assert_true(s.mean > fair * 0.97 && s.mean < fair * 1.03); /* reconsidered and compensated */
    assert_true(s.most > fair * 1.15 && s.most <= fair * 1.5 / 1.2182);
    s = intervals(0, 50, true, 120); /* nothing is known: five seconds */
    assert_true(s.mean > 4.8 && s.mean < 5.2);
    s = intervals(1000, 500, true, 1200);
    assert_true(s.mean < 5.2);
}

static void report_gives_a_quarter_to_few_senders(void **state)
{
    (void)state;
    struct rtcp_timer t;
    double mean[2] = {0, 0};
    for (int we_send = 0; we_send < 2; we_send++) {
        sotto__rtcp_timer_init(&t, START, 1);
        for (int i = 0; i < 2000; i++) {
            sotto__rtcp_timer_sent(&t, START, 100, 256000, 40, 2, we_send, true);
            mean[we_send] += (double)(t.next - START) / 2000e6;
        }
    }
    assert_true(mean[0] > 3.9 && mean[0] < 4.4);  /* 38 receivers share three quarters of 1600 bytes a second */
    assert_true(mean[1] > 0.97 && mean[1] < 1.1); /* 2 senders one quarter: less than a second */
}

static void report_first_one_comes_within_a_second(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 100; seed++) {
        struct rtcp_timer t;
        sotto__rtcp_timer_init(&t, START, seed);
        assert_true(t.next >= START + SOTTO_MS(250) && t.next <= START + SOTTO_MS(750));
    }
}

/* proves: RTP-04 */
static void report_rtp_04_holds_early_feedback_to_five_percent(void **state)
{
    (void)state;
    struct rtcp_timer t;
    const sotto_us end = START + SOTTO_SECONDS(600);
    size_t sent = 0, burst = 0;
    sotto__rtcp_timer_init(&t, START, 1);
    sotto__rtcp_timer_sent(&t, START, 100, 64000, 2, 1, false, false);
    for (sotto_us now = START; now < end; now += SOTTO_MS(1)) { /* a wish each millisecond */
        if (sotto__rtcp_timer_early_due(&t, now) > now) continue;
        sotto__rtcp_timer_early(&t, now, 60);
        sent += 88;
        if (now == START + SOTTO_MS(burst)) burst++;
    }
    assert_true(burst >= 20 && burst < 40); /* what hurries leaves at once */
    assert_true(sent < 240000 + 2600 && sent > 240000 - 2600); /* 400 bytes a second */
    sotto_us due = sotto__rtcp_timer_early_due(&t, end);
    assert_true(due >= end && due < end + SOTTO_MS(250));
    assert_true(sotto__rtcp_timer_early_due(&t, due) == due);
    burst = 0; /* an idle hour does not save up more than the burst */
    for (; sotto__rtcp_timer_early_due(&t, end + SOTTO_SECONDS(3600)) == end + SOTTO_SECONDS(3600);
         burst++)
        sotto__rtcp_timer_early(&t, end + SOTTO_SECONDS(3600), 72);
    assert_int_equal(burst, 26); /* of 100 bytes */
}

/* ---- circuit breakers ---- */

struct path {
    uint32_t highest, step; /* packets that arrive in an interval */
    double fraction;
    sotto_us rtt, interval;
    uint64_t bps, bytes;
};

/* Reports until it opens: after how long, SOTTO_NEVER not within five minutes. */
static sotto_us opens_after(struct breaker *b, sotto_us start, struct path *p)
{
    for (sotto_us now = start; now < start + SOTTO_SECONDS(300); now += p->interval) {
        struct remote_report r = {
            .fraction = p->fraction, .highest = p->highest += p->step, .rtt = p->rtt};
        if (sotto__breaker_report(b, now, &r, p->bps, p->bytes, p->interval)) return now - start;
    }
    return SOTTO_NEVER;
}

static void breaker_stays_shut_on_a_good_path(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct path p = {0, 100, 0.02, SOTTO_MS(80), SOTTO_SECONDS(1), 2500000, 1100};
    assert_true(opens_after(&b, START, &p) == SOTTO_NEVER);
    p.fraction = 0;
    p.highest = UINT32_MAX - 1000; /* the extended number wraps too */
    b = (struct breaker){0};
    assert_true(opens_after(&b, START, &p) == SOTTO_NEVER);
}

/* proves: RTP-06 */
static void breaker_rtp_06_opens_when_no_media_arrives(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct path p = {1000, 0, 0, SOTTO_MS(50), SOTTO_SECONDS(1), 2500000, 1100};
    assert_true(opens_after(&b, START, &p) == SOTTO_SECONDS(5)); /* five reports that say so */
    b = (struct breaker){0};
    p.interval = SOTTO_MS(50); /* with each early packet: not after a quarter of a second */
    assert_true(opens_after(&b, START, &p) == SOTTO_SECONDS(5));
    b = (struct breaker){0};
    p.interval = SOTTO_SECONDS(1), p.bps = 800, p.bytes = 200; /* a packet each 2 s */
    assert_true(opens_after(&b, START, &p) == SOTTO_SECONDS(10));
}

static void breaker_arrival_cancels_the_media_timeout(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct remote_report r = {.highest = 1};
    for (int i = 0; i < 100; i++) {
        if (i % 5 == 0) r.highest++;
        assert_false(sotto__breaker_report(&b, START + SOTTO_SECONDS(i), &r, 1000000, 1000,
                                           SOTTO_SECONDS(1)));
    }
}

static void breaker_counts_reports_that_came_and_not_only_time(void **state)
{
    (void)state;
    static const int at[] = {0, 1, 5, 6, 7, 8}; /* seconds; three reports were lost */
    struct breaker b = {0};
    struct remote_report r = {.highest = 1};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        sotto_us interval = SOTTO_SECONDS(i == 0 ? 1 : at[i] - at[i - 1]);
        assert_int_equal(
            sotto__breaker_report(&b, START + SOTTO_SECONDS(at[i]), &r, 1000000, 1000, interval),
            i == 5);
    }
}

/* proves: RTP-06 */
static void breaker_rtp_06_opens_above_ten_times_tcp(void **state)
{
    (void)state;
    /* s 1000, Tr 0.2, p 0.25: X = 1000 / (0.2 * sqrt(2/3 * 0.25)) = 12247 bytes/s; ten times is 979,796 bit/s */
    static const struct {
        uint64_t bps;
        sotto_us want;
    } cases[] = {{970000, SOTTO_NEVER}, {990000, SOTTO_SECONDS(2)}};
    for (size_t i = 0; i < 2; i++) {
        struct breaker b = {0};
        struct path p = {0, 100, 0.25, SOTTO_MS(200), SOTTO_SECONDS(1), cases[i].bps, 1000};
        assert_true(opens_after(&b, START, &p) == cases[i].want);
    }
    struct breaker b = {0}; /* ten round trips of two seconds are more than the most: 15 s */
    struct path p = {0, 100, 0.25, SOTTO_SECONDS(2), SOTTO_SECONDS(1), 990000, 1000};
    assert_true(opens_after(&b, START, &p) == SOTTO_SECONDS(14));
}

static void breaker_averages_loss_over_its_interval(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct remote_report r = {.rtt = SOTTO_MS(200)};
    for (int i = 0; i < 100; i++) { /* 0.6 in one second of three: 0.2 */
        r.highest += 100;
        r.fraction = i % 3 == 0 ? 0.6 : 0;
        assert_false(sotto__breaker_report(&b, START + SOTTO_SECONDS(i), &r, 1000000, 1000,
                                           SOTTO_SECONDS(1)));
    }
}

static void breaker_needs_packets_and_a_round_trip_for_congestion(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct path unknown = {0, 100, 0.4, 0, SOTTO_SECONDS(1), 50000000, 1000};
    assert_true(opens_after(&b, START, &unknown) == SOTTO_NEVER);
    b = (struct breaker){0};
    struct path nothing = {0, 100, 0.4, SOTTO_MS(200), SOTTO_SECONDS(1), 0, 0};
    assert_true(opens_after(&b, START, &nothing) == SOTTO_NEVER);
}

static void breaker_opens_when_media_is_unusable(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct path p = {0, 1, 0.7, SOTTO_MS(5), SOTTO_SECONDS(1), 64000, 100};
    assert_true(opens_after(&b, START, &p) == SOTTO_SECONDS(15));
    b = (struct breaker){0};
    p.fraction = 0.49;
    assert_true(opens_after(&b, START, &p) == SOTTO_NEVER);
}

/* Intervals of a second until it opens. */
static sotto_us silent_for(struct breaker *b, sotto_us start, bool sending)
{
    for (int i = 0; i < 300; i++)
        if (sotto__breaker_interval(b, start + SOTTO_SECONDS(i), sending, SOTTO_SECONDS(1)))
            return SOTTO_SECONDS(i);
    return SOTTO_NEVER;
}

/* proves: RTP-06 */
static void breaker_rtp_06_opens_after_15_seconds_of_silence(void **state)
{
    (void)state;
    struct breaker b = {0};
    assert_true(silent_for(&b, START, false) == SOTTO_NEVER);
    assert_true(silent_for(&b, START + SOTTO_SECONDS(300), true) == SOTTO_SECONDS(15));
    assert_true(b.open && b.until == START + SOTTO_SECONDS(330));
    b = (struct breaker){0};
    sotto__breaker_interval(&b, START, true, SOTTO_SECONDS(1));
    sotto__breaker_heard(&b, START + SOTTO_SECONDS(10)); /* any RTCP counts */
    assert_true(silent_for(&b, START + SOTTO_SECONDS(10), true) == SOTTO_SECONDS(15));
    b = (struct breaker){0};
    for (int i = 0; i < 100; i++) {
        sotto__breaker_heard(&b, START + SOTTO_SECONDS(i * 10));
        assert_false(
            sotto__breaker_interval(&b, START + SOTTO_SECONDS(i * 10 + 9), true, SOTTO_SECONDS(1)));
    }
}

/* proves: H109 */
static void breaker_holds_longer_each_time_and_forgets_after_a_good_minute(void **state)
{
    (void)state;
    static const int holds[] = {15, 30, 60, 120, 240, 240};
    struct breaker b = {0};
    struct path dead = {1, 0, 0, SOTTO_MS(50), SOTTO_SECONDS(1), 2500000, 1100};
    sotto_us now = START;
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        sotto_us after = opens_after(&b, now, &dead);
        assert_true(after == SOTTO_SECONDS(5)); /* begins anew: not at the first report */
        assert_true(b.open && b.until == now + after + SOTTO_SECONDS(holds[i]));
        assert_true(opens_after(&b, now + after, &dead) == SOTTO_NEVER); /* it is open already */
        assert_true(silent_for(&b, now + after, true) == SOTTO_NEVER);
        now = b.until;
        b.open = false;
    }
    struct path good = {1, 100, 0, SOTTO_MS(50), SOTTO_SECONDS(1), 2500000, 1100};
    assert_true(opens_after(&b, now, &good) == SOTTO_NEVER);
    now += SOTTO_SECONDS(300);
    dead.highest = good.highest;
    sotto_us after = opens_after(&b, now, &dead);
    assert_true(b.until == now + after + SOTTO_SECONDS(15));
}

static void breaker_opened_by_silence_ends_with_a_path_and_no_other_does(void **state)
{
    (void)state;
    struct breaker b = {0};
    struct path dead = {1, 0, 0, SOTTO_MS(50), SOTTO_SECONDS(1), 2500000, 1100};
    assert_true(silent_for(&b, START, true) == SOTTO_SECONDS(15));
    sotto__breaker_path(&b, START + SOTTO_SECONDS(20));
    assert_true(b.until == START + SOTTO_SECONDS(20) && b.times == 0);
    b.open = false;
    assert_true(silent_for(&b, START + SOTTO_SECONDS(20), true) == SOTTO_SECONDS(15));
    assert_true(b.until == START + SOTTO_SECONDS(50)); /* and is no second time */
    b = (struct breaker){0};
    sotto__breaker_interval(&b, START, true, SOTTO_SECONDS(1));
    sotto__breaker_path(&b, START + SOTTO_SECONDS(14));
    assert_true(silent_for(&b, START + SOTTO_SECONDS(14), true) == SOTTO_SECONDS(15));
    b = (struct breaker){0};
    assert_true(opens_after(&b, START, &dead) == SOTTO_SECONDS(5));
    sotto_us until = b.until;
    sotto__breaker_path(&b, START + SOTTO_SECONDS(6));
    assert_true(b.open && b.until == until);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_ntp_times_go_there_and_back),
        cmocka_unit_test(report_h103_clamps_round_trips),
        cmocka_unit_test(report_counts_loss_as_rfc_3550),
        cmocka_unit_test(report_counts_late_and_double_packets_as_received),
        cmocka_unit_test(report_does_not_count_repairs),
        cmocka_unit_test(report_says_255_of_256_when_all_is_lost),
        cmocka_unit_test(report_clamps_loss_to_24_bits),
        cmocka_unit_test(report_h100_begins_anew_after_a_jump_of_two),
        cmocka_unit_test(report_a_lone_jump_does_not_move_it),
        cmocka_unit_test(report_a_gap_below_3000_is_loss),
        cmocka_unit_test(report_measures_jitter_as_rfc_3550),
        cmocka_unit_test(report_jitter_survives_the_wrap_of_timestamps),
        cmocka_unit_test(report_tells_the_last_sender_report),
        cmocka_unit_test(report_keeps_what_the_remote_says_within_bounds),
        cmocka_unit_test(report_rtp_04_spreads_reports_from_half_to_one_and_a_half),
        cmocka_unit_test(report_rtp_04_stays_within_five_percent),
        cmocka_unit_test(report_gives_a_quarter_to_few_senders),
        cmocka_unit_test(report_first_one_comes_within_a_second),
        cmocka_unit_test(report_rtp_04_holds_early_feedback_to_five_percent),
        cmocka_unit_test(breaker_stays_shut_on_a_good_path),
        cmocka_unit_test(breaker_rtp_06_opens_when_no_media_arrives),
        cmocka_unit_test(breaker_arrival_cancels_the_media_timeout),
        cmocka_unit_test(breaker_counts_reports_that_came_and_not_only_time),
        cmocka_unit_test(breaker_rtp_06_opens_above_ten_times_tcp),
        cmocka_unit_test(breaker_averages_loss_over_its_interval),
        cmocka_unit_test(breaker_needs_packets_and_a_round_trip_for_congestion),
        cmocka_unit_test(breaker_opens_when_media_is_unusable),
        cmocka_unit_test(breaker_rtp_06_opens_after_15_seconds_of_silence),
        cmocka_unit_test(breaker_opened_by_silence_ends_with_a_path_and_no_other_does),
        cmocka_unit_test(breaker_holds_longer_each_time_and_forgets_after_a_good_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

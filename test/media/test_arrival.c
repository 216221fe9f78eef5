/* SPDX-License-Identifier: BSD-2-Clause */
/* Transport-wide feedback both ways: what is told, when, within which bounds; and what a remote may make us believe: H107, RTP-16. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/arrival.h"
#include "util/mem.h"

#define START SOTTO_SECONDS(1000)

static uint8_t out[1200];
static struct twcc t;

/* The next feedback, read again into t; how many bytes, 0: none. */
static size_t tell_within(struct arrivals *a, sotto_us now, size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    struct rtcp r;
    size_t at = 0;
    if (!sotto__arrivals_write(a, now, 1, 2, &w)) {
        assert_true(!w.bad && w.n == 0);
        return 0;
    }
    assert_false(w.bad);
    assert_int_equal(sotto__rtcp_check(out, w.n, true), 0);
    assert_int_equal(sotto__rtcp_next(out, w.n, &at, &r), 1);
    assert_int_equal(sotto__twcc_parse(&r, &t), 0);
    assert_true(t.ssrc == 1 && t.media_ssrc == 2);
    return w.n;
}

static size_t tell(struct arrivals *a, sotto_us now)
{
    return tell_within(a, now, sizeof out);
}

static sotto_us base_us(sotto_us at) /* the base time of a packet that came then: 64 ms and 24 bits, signed */
{
    int64_t base = at / 64000 & 0xffffff;
    return (base >= 0x800000 ? base - 0x1000000 : base) * 64000;
}

/* ---- receiving ---- */

static void arrival_tells_what_came_and_when(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    assert_int_equal(tell(&a, START), 0);
    sotto__arrivals_packet(&a, START, 65534);
    assert_true(a.next == START + SOTTO_MS(100));
    sotto__arrivals_packet(&a, START + 500, 65535);
    sotto__arrivals_packet(&a, START + 20250, 3);
    sotto__arrivals_packet(&a, START + 10000, 1); /* overtaken */
    sotto__arrivals_packet(&a, START + 30000, 1); /* again */
    assert_true(tell(&a, START + SOTTO_MS(100)) > 0);
    assert_true(t.base_seq == 65534 && t.n == 6 && t.count == 0);
    static const int32_t deltas[] = {-1, 2, -1, 38, -1, 41}; /* of 250 µs; -1: not there */
    for (size_t i = 1; i < 6; i++) {
        assert_int_equal(t.status[i].received, deltas[i] >= 0);
        if (deltas[i] >= 0) assert_int_equal(t.status[i].delta, deltas[i]);
    }
    assert_true(t.base_time * 64000LL == base_us(START));
    assert_int_equal(t.status[0].delta, START % 64000 / 250);
    assert_true(a.next == SOTTO_NEVER);
    assert_int_equal(tell(&a, START + SOTTO_MS(200)), 0);
    sotto__arrivals_packet(&a, START + SOTTO_MS(200), 5);
    assert_true(tell(&a, START + SOTTO_MS(300)) > 0);
    assert_true(t.base_seq == 4 && t.n == 2 && t.count == 1); /* goes on where it ended */
    assert_false(t.status[0].received);
    sotto__arrivals_free(&a);
}

static void arrival_tells_late_ones_after_all(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    sotto__arrivals_packet(&a, START, 1000);
    sotto__arrivals_packet(&a, START, 1002);
    assert_true(tell(&a, START + SOTTO_MS(100)) > 0);
    assert_false(t.status[1].received);
    sotto__arrivals_packet(&a, START + SOTTO_MS(110), 1001);
    assert_true(tell(&a, START + SOTTO_MS(200)) > 0);
    assert_true(t.base_seq == 1001 && t.n == 2 && t.status[0].received && t.status[1].received);
    for (uint16_t i = 1003; i < 1003 + 256; i++) sotto__arrivals_packet(&a, START, i);
    while (tell(&a, START)) continue;
    sotto__arrivals_packet(&a, START, 1258 - 256); /* too late */
    sotto__arrivals_packet(&a, START, 999);
    assert_true(a.next == SOTTO_NEVER);
    sotto__arrivals_free(&a);
}

static void arrival_adapts_to_what_five_percent_allow(void **state)
{
    (void)state;
    static const struct {
        int rate; /* packets a second */
        sotto_us least, most;
    } cases[] = {{2, SOTTO_MS(250), SOTTO_MS(250)},
                 {50, SOTTO_MS(150), SOTTO_MS(250)},
                 {300, SOTTO_MS(50), SOTTO_MS(60)},
                 {2000, SOTTO_MS(50), SOTTO_MS(50)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arrivals a = {.next = SOTTO_NEVER};
        sotto_us now = START, gap = 1000000 / cases[i].rate;
        size_t feedback = 0;
        for (uint16_t seq = 0; seq < 20 * cases[i].rate; seq++, now += gap) {
            sotto__arrivals_packet(&a, now, seq);
            if (now < a.next) continue;
            feedback += tell(&a, now) + 42;
        }
        assert_true(a.interval >= cases[i].least && a.interval <= cases[i].most);
        size_t media = 160u * 20u * (unsigned)cases[i].rate;
        if (cases[i].rate >= 50) assert_true(feedback * 20 < media * 115 / 100);
        sotto__arrivals_free(&a);
    }
}

static void arrival_cuts_feedback_to_the_room_there_is(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    size_t packets = 0, told = 0;
    for (uint16_t seq = 0; seq < 3000; seq++) sotto__arrivals_packet(&a, START + seq * 1000, seq);
    sotto_us next = a.next;
    assert_int_equal(tell_within(&a, START + SOTTO_SECONDS(3), 39), 0);
    assert_true(a.next == next); /* stays due */
    for (size_t cap = 40; a.next != SOTTO_NEVER; cap = sizeof out, packets++) {
        size_t n = tell_within(&a, START + SOTTO_SECONDS(3), cap);
        assert_true(n > 0 && n <= cap);
        assert_int_equal(t.base_seq, told);
        told += t.n;
        if (a.next != SOTTO_NEVER) assert_true(a.next == START + SOTTO_SECONDS(3));
    }
    assert_int_equal(told, 3000);
    assert_true(packets < 9);
    sotto__arrivals_free(&a);
}

static void arrival_begins_a_packet_where_a_delta_is_too_large(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    sotto__arrivals_packet(&a, START, 1);
    sotto__arrivals_packet(&a, START + 32767LL * 250, 2);
    sotto__arrivals_packet(&a, START + 65535LL * 250, 3); /* 8.192 s later: one tick more */
    assert_true(tell(&a, START + SOTTO_SECONDS(17)) > 0);
    assert_true(t.n == 2 && t.status[1].delta == 32767);
    assert_true(tell(&a, START + SOTTO_SECONDS(17)) > 0);
    assert_true(t.n == 1 && t.base_seq == 3);
    sotto__arrivals_free(&a);
}

static void arrival_takes_jumps_as_jumps(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    sotto__arrivals_packet(&a, START, 100);
    sotto__arrivals_packet(&a, START, 100 + SOTTO_MAX_ARRIVALS / 2); /* 4095 lost: told */
    for (size_t n = 0; tell(&a, START + SOTTO_MS(100)); n += t.n)
        assert_true(n <= SOTTO_MAX_ARRIVALS);
    sotto__arrivals_packet(&a, START, 200);   /* far behind */
    assert_true(a.next == SOTTO_NEVER);
    sotto__arrivals_packet(&a, START, 20000); /* far ahead */
    assert_true(tell(&a, START + SOTTO_MS(200)) > 0);
    assert_true(t.base_seq == 20000 && t.n == 1);
    sotto__arrivals_packet(&a, START, 19990);
    assert_true(tell(&a, START + SOTTO_MS(200)) > 0);
    assert_true(t.base_seq == 19990 && t.n == 11 && t.status[0].received && t.status[10].received);
    sotto__arrivals_free(&a);
}

static void arrival_memory_stays_where_nobody_asks(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    int64_t before = sotto__mem_live();
    for (uint32_t i = 0; i < 200000; i++) sotto__arrivals_packet(&a, START + i, (uint16_t)(i * 3));
    assert_int_equal(sotto__mem_live(), before + 1);
    assert_true(a.end - a.base <= SOTTO_MAX_ARRIVALS);
    size_t told = 0;
    while (tell(&a, START + SOTTO_SECONDS(1))) told += t.n;
    assert_int_equal(told, SOTTO_MAX_ARRIVALS);
    sotto__arrivals_free(&a);
    sotto__arrivals_free(&a);
    assert_int_equal(sotto__mem_live(), before);
}

static void arrival_lives_without_memory(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    struct departures d = {0};
    int64_t before = sotto__mem_live();
    sotto__mem_fail_at(1);
    sotto__arrivals_packet(&a, START, 1);
    assert_true(sotto__mem_failed() && a.next == SOTTO_NEVER);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__departures_packet(&d, START, 100), 0);
    assert_true(sotto__mem_failed());
    sotto__mem_fail_at(0);
    t = (struct twcc){.n = 1};
    assert_false(sotto__departures_feedback(&d, START, &t));
    sotto__arrivals_packet(&a, START, 2); /* the next one tries again */
    assert_true(a.next != SOTTO_NEVER);
    assert_int_equal(sotto__departures_packet(&d, START, 100), 1);
    sotto__arrivals_free(&a);
    sotto__departures_free(&d);
    assert_int_equal(sotto__mem_live(), before);
}

/* ---- sending ---- */

static void send_packets(struct departures *d, int n)
{
    for (int i = 0; i < n; i++) sotto__departures_packet(d, START + d->next * 1000, 1000);
}

static void all_received(uint16_t base, uint16_t n)
{
    t = (struct twcc){.base_seq = base, .n = n};
    for (uint16_t i = 0; i < n; i++) t.status[i] = (struct twcc_status){true, 4};
}

static void departures_count_what_arrived_and_what_did_not(void **state)
{
    (void)state;
    struct departures d = {0};
    send_packets(&d, 100);
    all_received(0, 100);
    t.base_time = 10;
    for (int i = 0; i < 100; i += 10) t.status[i] = (struct twcc_status){0};
    assert_true(sotto__departures_feedback(&d, START + SOTTO_MS(200), &t));
    assert_true(d.acked_packets == 90 && d.acked_bytes == 90000 && d.lost_packets == 10);
    assert_true(d.loss > 0.06 && d.loss < 0.07); /* 0.1 with the weight of 100 packets */
    assert_true(d.first == 0 && d.last == 99);
    assert_int_equal(d.ring[10].state, DEPARTURE_LOST);
    assert_int_equal(d.ring[11].state, DEPARTURE_ARRIVED);
    assert_true(d.ring[1].arrived == 10 * 64000 + 1000); /* the first that arrived counts from the base */
    assert_true(d.ring[12].arrived == 10 * 64000 + 11 * 1000);
    sotto__departures_free(&d);
    assert_null(d.ring);
}

/* proves: H107 */
static void departures_h107_believe_each_thing_once(void **state)
{
    (void)state;
    struct departures d = {0};
    send_packets(&d, 20);
    all_received(0, 20);
    t.status[5] = (struct twcc_status){0};
    for (int again = 0; again < 3; again++) { /* the same again, with whatever count */
        t.count = (uint8_t)(again * 100);
        assert_true(sotto__departures_feedback(&d, START + SOTTO_MS(100), &t));
        assert_true(d.acked_packets == 19 && d.lost_packets == 1 && d.acked_bytes == 19000);
    }
    all_received(5, 1); /* it came after all */
    assert_true(sotto__departures_feedback(&d, START + SOTTO_MS(200), &t));
    assert_true(d.acked_packets == 20 && d.lost_packets == 0);
    t.status[0] = (struct twcc_status){0}; /* and cannot be lost any more */
    assert_true(sotto__departures_feedback(&d, START + SOTTO_MS(300), &t));
    assert_true(d.acked_packets == 20 && d.lost_packets == 0 && d.loss >= 0);
    sotto__departures_free(&d);
}

/* proves: H107 RTP-16 */
static void departures_rtp_16_ignore_what_was_never_sent(void **state)
{
    (void)state;
    struct departures d = {0};
    all_received(0, 1);
    assert_false(sotto__departures_feedback(&d, START, &t));
    send_packets(&d, 10);
    static const uint16_t bad[][2] = {{10, 1},    {9, 2},     {0, 11},   {65535, 1},
                                      {65535, 2}, {40000, 5}, {30000, 5}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        all_received(bad[i][0], bad[i][1]);
        assert_false(sotto__departures_feedback(&d, START, &t));
    }
    assert_true(d.acked_packets == 0 && d.lost_packets == 0 && !d.has_feedback);
    all_received(0, 10);
    assert_true(sotto__departures_feedback(&d, START, &t));
    sotto__departures_free(&d);
}

static void departures_forget_beyond_their_limit(void **state)
{
    (void)state;
    struct departures d = {0};
    send_packets(&d, SOTTO_MAX_DEPARTURES + 1);
    all_received(0, 1);
    assert_false(sotto__departures_feedback(&d, START, &t));
    all_received(1, 1);
    assert_true(sotto__departures_feedback(&d, START, &t));
    sotto__departures_free(&d);
}

static void departures_numbers_and_clocks_wrap(void **state)
{
    (void)state;
    struct departures d = {0};
    sotto_us last = 0;
    uint16_t number = 0;
    for (int i = 0; i < 200000; i++) {
        assert_int_equal(sotto__departures_packet(&d, START + i * 10000LL, 100), number);
        all_received(number++, 1);
        int32_t base = (0x7ff000 + i) & 0xffffff; /* a remote's clock that wraps soon */
        t.base_time = base >= 0x800000 ? base - 0x1000000 : base;
        t.status[0].delta = 0;
        assert_true(sotto__departures_feedback(&d, START + i * 10000LL, &t));
        sotto_us arrived = d.ring[(size_t)i % SOTTO_MAX_DEPARTURES].arrived;
        if (i > 0) assert_true(arrived == last + 64000);
        last = arrived;
    }
    assert_int_equal(d.acked_packets, 200000);
    assert_true(d.loss == 0);
    sotto__departures_free(&d);
}

/* proves: H107 */
static void departures_h107_a_clock_that_leaps_does_not_overflow(void **state)
{
    (void)state;
    struct departures d = {0};
    send_packets(&d, 1);
    for (int i = 0; i < 100000; i++) {
        all_received(0, 1);
        t.base_time = (int32_t)(((uint32_t)i * 0x700000) & 0xffffff) - 0x800000; /* far ahead each time */
        assert_true(sotto__departures_feedback(&d, START, &t));
        assert_true(d.base_time < SOTTO_SECONDS(600000) && d.base_time > -SOTTO_SECONDS(600000));
    }
    sotto__departures_free(&d);
}

static void departures_take_feedback_that_was_overtaken(void **state)
{
    (void)state;
    struct departures d = {0};
    static const int32_t bases[] = {100, 99, -0x800000, 0x7fffff};
    static const sotto_us want[] = {100, 99, -0x800000, -0x800001}; /* the last: before the wrap */
    for (uint16_t i = 0; i < 4; i++) {
        sotto__departures_packet(&d, START, 100);
        all_received(i, 1);
        t.base_time = bases[i];
        t.status[0].delta = 0;
        assert_true(sotto__departures_feedback(&d, START, &t));
        assert_true(d.ring[i].arrived == want[i] * 64000);
    }
    sotto__departures_free(&d);
}

static void departures_measure_the_rate_that_gets_through(void **state)
{
    (void)state;
    struct departures d = {0};
    for (int i = 0; i < 100; i++) { /* 100 packets of 1000 bytes a second, every second lost */
        for (int k = 0; k < 10; k++)
            sotto__departures_packet(&d, START + SOTTO_MS(i * 100 + k * 10), 1000);
        all_received((uint16_t)(i * 10), 10);
        for (int k = 0; k < 10; k += 2) t.status[k] = (struct twcc_status){0};
        assert_true(sotto__departures_feedback(&d, START + SOTTO_MS(i * 100 + 100), &t));
    }
    assert_true(d.acked_bps > 380000 && d.acked_bps < 420000);
    assert_true(d.loss > 0.49 && d.loss < 0.51);
    sotto__departures_free(&d);
}

static void departures_understand_what_arrivals_tell(void **state)
{
    (void)state;
    struct arrivals a = {.next = SOTTO_NEVER};
    struct departures d = {0};
    uint32_t random = 7;
    unsigned lost = 0;
    const unsigned n = 70000;
    for (unsigned i = 0; i < n; i++) {
        sotto_us now = START + i * 2000;
        uint16_t seq = sotto__departures_packet(&d, now, 500);
        random = random * 1664525 + 1013904223;
        if (random >> 28 == 0 && i != n - 1)
            lost++;
        else
            sotto__arrivals_packet(&a, now + 30000 + (random >> 20 & 4095), seq);
        if (now + 30000 < a.next) continue;
        while (tell(&a, now + 30000)) assert_true(sotto__departures_feedback(&d, now + 60000, &t));
    }
    while (tell(&a, START + n * 2000))
        assert_true(sotto__departures_feedback(&d, START + n * 2000, &t));
    assert_int_equal(d.lost_packets, lost);
    assert_int_equal(d.acked_packets, n - lost);
    assert_true(d.loss > 0.03 && d.loss < 0.1);
    sotto_us first = d.ring[(n - 1) % SOTTO_MAX_DEPARTURES].at;
    assert_true(first == START + (n - 1) * 2000);
    sotto__arrivals_free(&a);
    sotto__departures_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrival_tells_what_came_and_when),
        cmocka_unit_test(arrival_tells_late_ones_after_all),
        cmocka_unit_test(arrival_adapts_to_what_five_percent_allow),
        cmocka_unit_test(arrival_cuts_feedback_to_the_room_there_is),
        cmocka_unit_test(arrival_begins_a_packet_where_a_delta_is_too_large),
        cmocka_unit_test(arrival_takes_jumps_as_jumps),
        cmocka_unit_test(arrival_memory_stays_where_nobody_asks),
        cmocka_unit_test(arrival_lives_without_memory),
        cmocka_unit_test(departures_count_what_arrived_and_what_did_not),
        cmocka_unit_test(departures_h107_believe_each_thing_once),
        cmocka_unit_test(departures_rtp_16_ignore_what_was_never_sent),
        cmocka_unit_test(departures_forget_beyond_their_limit),
        cmocka_unit_test(departures_numbers_and_clocks_wrap),
        cmocka_unit_test(departures_h107_a_clock_that_leaps_does_not_overflow),
        cmocka_unit_test(departures_take_feedback_that_was_overtaken),
        cmocka_unit_test(departures_measure_the_rate_that_gets_through),
        cmocka_unit_test(departures_understand_what_arrivals_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Tones in virtual time: which packets, when, by RFC 4733 §2.5, and the queue of W3C RTCDTMFSender. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "media/dtmf.h"
#include "util/mem.h"

/* What came out, as text: "120:T5" tone 5 begins 120 ms after the start; "140:5+20" a packet of event 5 says 20 ms; "M" before it: the
 * marker; "E" after it: the end; "^16383" after it: ticks ahead. Times of packets in ms of their clock. */
struct script {
    struct dtmf *d;
    sotto_us now, start;
    uint32_t clock;
    char text[32768];
    size_t used;
};

static void setup(struct script *s)
{
    memset(s, 0, sizeof *s);
    s->now = s->start = SOTTO_SECONDS(1000);
    s->clock = 8000;
    assert_int_equal(sotto__dtmf_new(&s->d), 0);
    assert_true(sotto__dtmf_due(s->d) == SOTTO_NEVER);
}

static int insert(struct script *s, const char *tones, int duration_ms, int gap_ms)
{
    return sotto__dtmf_insert(s->d, s->now, tones, duration_ms, gap_ms, s->clock);
}

static void take(struct script *s, const struct dtmf_out *out)
{
    char *at = s->text + s->used;
    size_t room = sizeof s->text - s->used;
    int ms = (int)((s->now - s->start) / 1000);
    if (out->type == DTMF_OUT_TONE) {
        s->used += (size_t)snprintf(at, room, "%d:T%c ", ms, out->tone ? out->tone : '-');
        return;
    }
    struct dtmf_event e;
    char ahead[16] = "";
    assert_int_equal(sotto__dtmf_parse(out->payload, 4, &e), 0);
    assert_int_equal(e.volume, 10);
    assert_true(e.duration > 0); /* 0 means a state, not a tone: RFC 4733 §2.3.5 */
    if (out->ahead) snprintf(ahead, sizeof ahead, "^%u", out->ahead);
    s->used += (size_t)snprintf(at, room, "%d:%s%d+%d%s%s ", ms, out->marker ? "M" : "", e.event,
                                (int)(e.duration * 1000ull / s->clock), e.end ? "E" : "", ahead);
}

/* Runs as a loop does that wakes exactly when something is due, until `ms` after the start. */
static void run(struct script *s, int ms)
{
    sotto_us until = s->start + SOTTO_MS(ms);
    while (sotto__dtmf_due(s->d) <= until) {
        struct dtmf_out out;
        if (sotto__dtmf_due(s->d) > s->now) {
            s->now = sotto__dtmf_due(s->d) - 1;
            assert_int_equal(sotto__dtmf_next(s->d, s->now, &out), 0);
            s->now++;
        }
        assert_int_equal(sotto__dtmf_next(s->d, s->now, &out), 1);
        take(s, &out);
        assert_true(s->used < sizeof s->text);
    }
    s->now = until;
}

static void expect(struct script *s, const char *text)
{
    assert_string_equal(s->text, text);
    sotto__dtmf_free(s->d);
}

static void one_tone_is_updated_and_its_end_said_three_times(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    assert_int_equal(insert(&s, "5", 100, 70), 0);
    run(&s, 1000);
    assert_true(sotto__dtmf_due(s.d) == SOTTO_NEVER);
    expect(&s, "0:T5 20:M5+20 40:5+40 60:5+60 80:5+80 100:5+100E 120:5+100E 140:5+100E 170:T- ");
}

static void zero_stands_for_100_and_70_ms(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    assert_int_equal(insert(&s, "5", 0, 0), 0);
    run(&s, 1000);
    expect(&s, "0:T5 20:M5+20 40:5+40 60:5+60 80:5+80 100:5+100E 120:5+100E 140:5+100E 170:T- ");
}

static void the_shortest_tones_and_gaps_still_say_each_end_three_times(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    assert_int_equal(insert(&s, "a#", 40, 30), 0);
    run(&s, 1000);
    expect(&s, "0:TA 20:M12+20 40:12+40E 50:12+40E 60:12+40E "
               "70:T# 90:M11+20 110:11+40E 120:11+40E 130:11+40E 140:T- ");
}

static void a_comma_is_a_pause_of_two_seconds(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    assert_int_equal(insert(&s, ",1,", 40, 60), 0);
    run(&s, 10000);
    expect(&s, "0:T, 2000:T1 2020:M1+20 2040:1+40E 2060:1+40E 2080:1+40E 2100:T, 4100:T- ");
}

static void all_packets_of_a_tone_are_of_its_first_moment(void **state)
{
    (void)state;
    struct script s;
    struct dtmf_out out;
    unsigned packets = 0, markers = 0;
    setup(&s);
    assert_int_equal(insert(&s, "19", 6000, 30), 0);
    sotto_us began = s.start;
    for (s.now = s.start; s.now < s.start + SOTTO_SECONDS(13); s.now += SOTTO_MS(1))
        while (sotto__dtmf_next(s.d, s.now, &out)) {
            if (out.type == DTMF_OUT_TONE) {
                began = s.now;
                continue;
            }
            packets++, markers += out.marker;
            assert_true(out.began == began);
            assert_int_equal(out.ahead, 0); /* 6 s have 48000 ticks */
        }
    assert_int_equal(packets, 2 * (300 + 2));
    assert_int_equal(markers, 2);
    sotto__dtmf_free(s.d);
}

/* RFC 4733 §2.5.1.3: 1.5 s at 48 kHz are 72000 ticks: 65535 and 6465. */
static void a_tone_above_16_bits_of_ticks_goes_on_in_a_new_segment(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    s.clock = 48000;
    assert_int_equal(insert(&s, "7", 1500, 70), 0);
    run(&s, 1340);
    s.used = 0;
    run(&s, 3000);
    expect(&s, "1360:7+1360 1380:7+1365 1380:7+14^65535 1400:7+34^65535 1420:7+54^65535 "
               "1440:7+74^65535 1460:7+94^65535 1480:7+114^65535 1500:7+134E^65535 "
               "1520:7+134E^65535 1540:7+134E^65535 1570:T- ");
}

/* A tone that fills its only segment ends in it; one tick more would begin another. */
static void a_tone_of_exactly_16_bits_of_ticks_has_one_segment(void **state)
{
    (void)state;
    for (uint32_t clock = 65535; clock <= 65536; clock++) {
        struct script s;
        struct dtmf_out out, last = {0};
        struct dtmf_event e;
        setup(&s);
        s.clock = clock;
        assert_int_equal(insert(&s, "7", 1000, 6000), 0);
        for (; sotto__dtmf_due(s.d) < s.start + SOTTO_MS(7000); s.now = sotto__dtmf_due(s.d)) {
            assert_int_equal(sotto__dtmf_next(s.d, s.now, &out), 1);
            if (out.type == DTMF_OUT_PACKET) last = out;
        }
        assert_int_equal(sotto__dtmf_parse(last.payload, 4, &e), 0);
        assert_true(e.end);
        assert_int_equal(last.ahead, clock == 65535 ? 0 : 65535);
        assert_int_equal(last.ahead + e.duration, clock);
        sotto__dtmf_free(s.d);
    }
}

static void segments_are_counted_over_the_longest_tone(void **state)
{
    (void)state;
    struct script s;
    struct dtmf_out out = {0};
    setup(&s);
    s.clock = 48000;
    assert_int_equal(insert(&s, "7", 6000, 70), 0);
    uint32_t told = 0, ahead = 0;
    for (s.now = s.start; s.now <= s.start + SOTTO_MS(6040); s.now += SOTTO_MS(1))
        while (sotto__dtmf_next(s.d, s.now, &out)) {
            struct dtmf_event e;
            if (out.type == DTMF_OUT_TONE) continue;
            assert_int_equal(sotto__dtmf_parse(out.payload, 4, &e), 0);
            assert_true(out.ahead == ahead || (out.ahead == ahead + 0xffff && told == 0xffff));
            ahead = out.ahead, told = e.duration;
            assert_int_equal(e.end, ahead + told == 288000);
        }
    assert_int_equal(ahead, 4 * 0xffff);
    assert_int_equal(ahead + told, 288000);
    sotto__dtmf_free(s.d);
}

static void a_late_loop_says_how_long_it_really_sounded(void **state)
{
    (void)state;
    struct script s;
    struct dtmf_out out;
    setup(&s);
    assert_int_equal(insert(&s, "12", 100, 70), 0);
    run(&s, 20);
    s.now = s.start + SOTTO_MS(75); /* instead of 40 and 60: one packet */
    assert_int_equal(sotto__dtmf_next(s.d, s.now, &out), 1);
    take(&s, &out);
    assert_int_equal(sotto__dtmf_next(s.d, s.now, &out), 0);
    run(&s, 100);
    s.now = s.start + SOTTO_MS(5000); /* everything that is due of this tone, one by one, then the next */
    run(&s, 10000);
    expect(&s, "0:T1 20:M1+20 75:1+75 95:1+95 100:1+100E 5000:1+100E 5020:1+100E "
               "5020:T2 5040:M2+20 5060:2+40 5080:2+60 5100:2+80 5120:2+100E 5140:2+100E "
               "5160:2+100E 5190:T- ");
}

/* W3C insertDTMF(): what sounds goes on with its duration and gap; what waited is replaced. */
static void inserting_again_replaces_what_waits_and_not_what_sounds(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    assert_int_equal(insert(&s, "123", 60, 60), 0);
    run(&s, 30);
    assert_int_equal(insert(&s, "9", 40, 30), 0);
    run(&s, 1000);
    expect(&s, "0:T1 20:M1+20 40:1+40 60:1+60E 80:1+60E 100:1+60E "
               "120:T9 140:M9+20 160:9+40E 170:9+40E 180:9+40E 190:T- ");
}

static void an_empty_text_stops_after_the_tone_that_sounds(void **state)
{
    (void)state;
    struct script s;
    setup(&s);
    assert_int_equal(insert(&s, "", 100, 70), 0); /* nothing to stop: nothing is told */
    run(&s, 10);
    assert_int_equal(insert(&s, "123", 40, 60), 0);
    run(&s, 35);
    assert_int_equal(insert(&s, "", 0, 0), 0);
    run(&s, 1000);
    assert_int_equal(insert(&s, "4", 40, 30), 0); /* and it can begin anew */
    run(&s, 2000);
    expect(&s, "10:T1 30:M1+20 50:1+40E 70:1+40E 90:1+40E 110:T- "
               "1000:T4 1020:M4+20 1040:4+40E 1050:4+40E 1060:4+40E 1070:T- ");
}

static void what_cannot_be_played_changes_nothing(void **state)
{
    (void)state;
    struct script s;
    char many[DTMF_MAX_TONES + 2];
    static const struct {
        const char *tones;
        int32_t duration, gap;
        int result;
    } rows[] = {
        {"1E", 100, 70, SOTTO_E_SYNTAX}, {"1 2", 100, 70, SOTTO_E_SYNTAX},
        {"e", 100, 70, SOTTO_E_SYNTAX},  {"1", 39, 70, SOTTO_E_RANGE},
        {"1", 6001, 70, SOTTO_E_RANGE},  {"1", -1, 70, SOTTO_E_RANGE},
        {"1", 100, 29, SOTTO_E_RANGE},   {"1", 100, 6001, SOTTO_E_RANGE},
        {"1", 100, -1, SOTTO_E_RANGE},   {"1", INT32_MIN, INT32_MAX, SOTTO_E_RANGE},
    };
    setup(&s);
    assert_int_equal(insert(&s, "12", 40, 30), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(insert(&s, rows[i].tones, rows[i].duration, rows[i].gap), rows[i].result);
    memset(many, '7', sizeof many);
    many[DTMF_MAX_TONES + 1] = '\0';
    assert_int_equal(insert(&s, many, 100, 70), SOTTO_E_RANGE);
    assert_int_equal(sotto__dtmf_insert(s.d, s.now, "1", 100, 70, 0), SOTTO_E_RANGE);
    run(&s, 1000);
    expect(&s, "0:T1 20:M1+20 40:1+40E 50:1+40E 60:1+40E "
               "70:T2 90:M2+20 110:2+40E 120:2+40E 130:2+40E 140:T- ");
}

static void as_many_tones_as_there_may_be_are_all_played(void **state)
{
    (void)state;
    struct script s;
    struct dtmf_out out;
    char many[DTMF_MAX_TONES + 1];
    unsigned tones = 0, ends = 0;
    memset(many, '0', sizeof many);
    many[DTMF_MAX_TONES] = '\0';
    setup(&s);
    assert_int_equal(insert(&s, many, 40, 30), 0);
    for (; sotto__dtmf_due(s.d) != SOTTO_NEVER; s.now = sotto__dtmf_due(s.d)) {
        assert_int_equal(sotto__dtmf_next(s.d, s.now, &out), 1);
        tones += out.type == DTMF_OUT_TONE && out.tone == '0';
        ends += out.type == DTMF_OUT_TONE && out.tone == 0;
    }
    assert_int_equal(tones, DTMF_MAX_TONES);
    assert_int_equal(ends, 1);
    sotto__dtmf_free(s.d);
}

static void no_memory_is_said_and_nothing_is_left(void **state)
{
    (void)state;
    struct dtmf *d = NULL;
    int64_t live = sotto__mem_live();
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__dtmf_new(&d), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    assert_null(d);
    sotto__dtmf_free(d);
    assert_int_equal(sotto__dtmf_new(&d), 0);
    sotto__dtmf_free(d);
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tone_is_updated_and_its_end_said_three_times),
        cmocka_unit_test(zero_stands_for_100_and_70_ms),
        cmocka_unit_test(the_shortest_tones_and_gaps_still_say_each_end_three_times),
        cmocka_unit_test(a_comma_is_a_pause_of_two_seconds),
        cmocka_unit_test(all_packets_of_a_tone_are_of_its_first_moment),
        cmocka_unit_test(a_tone_above_16_bits_of_ticks_goes_on_in_a_new_segment),
        cmocka_unit_test(a_tone_of_exactly_16_bits_of_ticks_has_one_segment),
        cmocka_unit_test(segments_are_counted_over_the_longest_tone),
        cmocka_unit_test(a_late_loop_says_how_long_it_really_sounded),
        cmocka_unit_test(inserting_again_replaces_what_waits_and_not_what_sounds),
        cmocka_unit_test(an_empty_text_stops_after_the_tone_that_sounds),
        cmocka_unit_test(what_cannot_be_played_changes_nothing),
        cmocka_unit_test(as_many_tones_as_there_may_be_are_all_played),
        cmocka_unit_test(no_memory_is_said_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

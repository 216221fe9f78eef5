/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An Opus decoder in a process of its own, whose answers are waited for: the same PCM as from one in this process, and what is left of it
 * when it was taken over (evil_opus.c). Real processes in real time: what the machine may spoil has some tries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "extra/isolate_shared.h"
#include "isolate_kit.h"

/* One call of both, of each kind in turn: the same PCM. False: the machine let the process wait too long. */
static bool is_the_same(sotto_opus_decoder *a, sotto_opus_decoder *b, int i, int channels)
{
    static int16_t here[5760 * 2], there[5760 * 2];
    const struct isolate_packet *p = &isolate_packets[i];
    sotto_isolation fate_of = {.size = sizeof fate_of};
    int n, m;
    if (i % 5 == 4) {
        n = sotto_opus_decode_fec(a, p->data, p->len, here, 960);
        m = sotto_opus_decode_fec(b, p->data, p->len, there, 960);
    } else if (i % 7 == 6) {
        n = sotto_opus_decode(a, NULL, 0, here, 480);
        m = sotto_opus_decode(b, NULL, 0, there, 480);
    } else {
        n = sotto_opus_decode(a, p->data, p->len, here, 5760);
        m = sotto_opus_decode(b, p->data, p->len, there, 5760);
    }
    assert_int_equal(sotto_opus_decoder_get_isolation(b, &fate_of), 0);
    assert_int_equal(fate_of.state, SOTTO_ISOLATION_RUNNING);
    assert_int_equal(n, m);
    /* concealed sound is ever quieter, and so never the same */
    bool same = memcmp(here, there, (size_t)(n * channels) * sizeof *here) == 0;
    return same;
}

static bool all_are_the_same(int channels)
{
    int16_t pcm[960];
    bool same = true;
    sotto_opus_decoder *a = NULL, *b = NULL;
    sotto_isolation fate_of = {.size = sizeof fate_of};
    sotto_opus_decoder_config c = {
        .size = sizeof c, .channels = channels, .isolate_decoder = true, .decoder_path = DECODER};
    assert_int_equal(sotto_opus_decoder_new(channels, &a), 0);
    assert_int_equal(sotto_opus_decoder_open(&c, &b), 0);
    for (int i = 0; i < ISOLATE_PACKETS && same; i++) same = is_the_same(a, b, i, channels);
    assert_int_equal(sotto_opus_decode(b, (const uint8_t *)"\x0b", 1, pcm, 960), SOTTO_E_SYNTAX);
    assert_int_equal(
        sotto_opus_decode(b, isolate_packets[9].data, isolate_packets[9].len, pcm, 959),
        SOTTO_E_TOO_BIG);
    assert_int_equal(sotto_opus_decoder_get_isolation(a, &fate_of), 0);
    assert_int_equal(fate_of.state, SOTTO_ISOLATION_NONE);
    sotto_opus_decoder_free(a);
    sotto_opus_decoder_free(b);
    return same;
}

static void an_isolated_decoder_gives_the_same_frames(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 2; channels++) {
        bool same = all_are_the_same(channels);
        for (int try = 1; !same && try < ISOLATE_TRIES; try++) same = all_are_the_same(channels);
        assert_true(same);
    }
}

/* proves: S11 H136 */
static void a_decoder_that_is_waited_for_is_restarted_too_and_is_off_after_five_deaths(void **state)
{
    (void)state;
    static const char letters[] = "flwgf";
    int16_t pcm[960];
    sotto_opus_decoder *d = NULL;
    sotto_isolation i = {.size = sizeof i};
    sotto_opus_decoder_config c = {.size = sizeof c, .isolate_decoder = true, .decoder_path = EVIL};
    assert_int_equal(sotto_opus_decoder_open(&c, &d), 0);
    for (size_t k = 0; k < 12 && i.state != SOTTO_ISOLATION_OFF; k++) {
        struct isolate_packet p = isolate_evil(letters[k % 5]);
        int r = 0;
        for (int n = 0; n < 20; n++) {
            r = sotto_opus_decode(d, isolate_packets[n].data, isolate_packets[n].len, pcm, 960);
            if (r == SOTTO_E_CLOSED) break;
            assert_int_equal(r, 960);
        }
        if (r == 960 && k == 0) assert_true(isolate_loudness(pcm, 960) > 3000);
        sotto_us before = sotto_now();
        if (r == 960) r = sotto_opus_decode(d, p.data, p.len, pcm, 960);
        assert_true(r == 960 || r == SOTTO_E_CLOSED);
        assert_true(sotto_now() - before < 5000000); /* it comes back, whatever the machine does */
        assert_int_equal(sotto_opus_decoder_get_isolation(d, &i), 0);
    }
    assert_int_equal(i.state, SOTTO_ISOLATION_OFF);
    assert_int_equal(
        sotto_opus_decode(d, isolate_packets[0].data, isolate_packets[0].len, pcm, 960),
        SOTTO_E_CLOSED);
    sotto_opus_decoder_free(d);
}

/* One that says it made more than was asked for has died of it. */
/* proves: S11 H136 */
static void an_answer_of_other_frames_is_concealed_and_a_death(void **state)
{
    (void)state;
    const struct isolate_packet p = isolate_evil('n');
    int16_t pcm[961] = {0};
    sotto_opus_decoder *d = NULL;
    sotto_isolation i = {.size = sizeof i};
    sotto_opus_decoder_config c = {.size = sizeof c, .isolate_decoder = true, .decoder_path = EVIL};
    assert_int_equal(sotto_opus_decoder_open(&c, &d), 0);
    pcm[960] = 12345;
    for (int n = 0; n < 10 && i.deaths == 0; n++) {
        assert_int_equal(sotto_opus_decode(d, p.data, p.len, pcm, 960), 960);
        assert_int_equal(sotto_opus_decoder_get_isolation(d, &i), 0);
    }
    assert_true(i.deaths > 0);
    assert_int_equal(pcm[960], 12345);
    sotto_opus_decoder_free(d);
}

static void a_packet_of_more_than_64_kb_is_refused(void **state)
{
    (void)state;
    static uint8_t big[ISOLATE_MAX_DATA + 1] = {0x0b, 0x41};
    int16_t pcm[960];
    sotto_opus_decoder *d = NULL;
    sotto_opus_decoder_config c = {
        .size = sizeof c, .isolate_decoder = true, .decoder_path = DECODER};
    assert_int_equal(sotto_opus_decoder_open(&c, &d), 0);
    for (size_t len = ISOLATE_MAX_DATA; len <= ISOLATE_MAX_DATA + 1; len++) {
        size_t at = 2, pad = len - 2 - 100; /* one frame of some hundred bytes, the rest is padding */
        memset(big + 2, 0, sizeof big - 2);
        for (; pad > 255; pad -= 255) big[at++] = 255;
        big[at] = (uint8_t)(pad - 1);
        assert_int_equal(sotto_opus_packet_frames(big, len), 960);
        int r = sotto_opus_decode(d, big, len, pcm, 960);
        assert_int_equal(r, len <= ISOLATE_MAX_DATA ? 960 : SOTTO_E_TOO_BIG);
    }
    sotto_opus_decoder_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isolated_decoder_gives_the_same_frames),
        cmocka_unit_test(
            a_decoder_that_is_waited_for_is_restarted_too_and_is_off_after_five_deaths),
        cmocka_unit_test(an_answer_of_other_frames_is_concealed_and_a_death),
        cmocka_unit_test(a_packet_of_more_than_64_kb_is_refused),
    };
    isolate_make_packets();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/audio.h"
#include "util/mem.h"

#define MAX_FRAMES 5760

static sotto_opus_encoder *encoder(sotto_opus_config c)
{
    sotto_opus_encoder *e = NULL;
    c.size = sizeof c;
    assert_int_equal(sotto_opus_encoder_new(&c, &e), 0);
    return e;
}

static sotto_opus_decoder *decoder(int channels)
{
    sotto_opus_decoder *d = NULL;
    assert_int_equal(sotto_opus_decoder_new(channels, &d), 0);
    return d;
}

/* Something like a voice: a harmonic tone at 150 Hz whose loudness goes up and down; channel 1 is half as loud. */
static void voice(int16_t *pcm, size_t from, size_t frames, int channels)
{
    for (size_t i = 0; i < frames; i++) {
        double t = (double)(from + i) / 48000, v = 0;
        for (int h = 1; h <= 10; h++) v += sin(2 * M_PI * 150 * h * t) / h;
        v *= 5000 * (1 + 0.5 * sin(2 * M_PI * 3 * t));
        for (int c = 0; c < channels; c++)
            pcm[i * (size_t)channels + (size_t)c] = (int16_t)(c ? v / 2 : v);
    }
}

static double energy(const int16_t *pcm, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)pcm[i] * pcm[i];
    return sqrt(sum / (double)n);
}

static void what_is_encoded_can_be_decoded_in_every_shape(void **state)
{
    (void)state;
    static const int durations[] = {10, 20, 40, 60};
    int16_t pcm[2880 * 2], out[MAX_FRAMES * 2];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    for (int channels = 1; channels <= 2; channels++)
        for (int app = SOTTO_OPUS_VOIP; app <= SOTTO_OPUS_LOW_DELAY; app++)
            for (size_t k = 0; k < 4; k++) {
                sotto_opus_encoder *e = encoder((sotto_opus_config){
                    .channels = channels, .frame_ms = durations[k], .application = app});
                sotto_opus_decoder *d = decoder(channels);
                size_t frames = (size_t)durations[k] * 48;
                double in_energy = 0, out_energy = 0;
                for (size_t i = 0; i < 10; i++) {
                    voice(pcm, i * frames, frames, channels);
                    int n = sotto_opus_encode(e, pcm, frames, packet, sizeof packet);
                    assert_true(n > 2);
                    assert_int_equal(sotto_opus_packet_frames(packet, (size_t)n), frames);
                    assert_int_equal(sotto_opus_decode(d, packet, (size_t)n, out, MAX_FRAMES),
                                     frames);
                    in_energy += energy(pcm, frames * (size_t)channels);
                    out_energy += energy(out, frames * (size_t)channels);
                }
                assert_true(out_energy > 0.7 * in_energy && out_energy < 1.3 * in_energy);
                sotto_opus_encoder_free(e);
                sotto_opus_decoder_free(d);
            }
    assert_int_equal(sotto__mem_live(), 0);
}

/* Bytes that three seconds of voice cost. */
static int cost(sotto_opus_encoder *e)
{
    int16_t pcm[960];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    int sum = 0;
    for (size_t i = 0; i < 150; i++) {
        voice(pcm, i * 960, 960, 1);
        int n = sotto_opus_encode(e, pcm, 960, packet, sizeof packet);
        assert_true(n >= 0);
        sum += n;
    }
    return sum;
}

static void the_bitrate_is_kept_and_can_be_changed(void **state)
{
    (void)state;
    sotto_opus_encoder *e = encoder((sotto_opus_config){.bps = 64000});
    int high = cost(e);
    assert_true(high > 16000 && high < 32000);
    assert_int_equal(sotto_opus_encoder_set_bitrate(e, 12000), 0);
    int low = cost(e);
    assert_true(low > 2500 && low < 6500);
    assert_int_equal(sotto_opus_encoder_set_bitrate(e, 5999), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encoder_set_bitrate(e, 510001), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encoder_set_bitrate(e, 6000), 0);
    assert_int_equal(sotto_opus_encoder_set_bitrate(e, 510000), 0);
    assert_int_equal(sotto_opus_encoder_set_bitrate(NULL, 6000), SOTTO_E_INVAL);
    sotto_opus_encoder_free(e);
}

/* Packets of two seconds of silence that would be sent. */
static int sent_in_silence(bool dtx)
{
    int16_t pcm[960];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    sotto_opus_encoder *e = encoder((sotto_opus_config){.dtx = dtx});
    int sent = 0;
    for (size_t i = 0; i < 50; i++) {
        voice(pcm, i * 960, 960, 1);
        assert_true(sotto_opus_encode(e, pcm, 960, packet, sizeof packet) > 2);
    }
    memset(pcm, 0, sizeof pcm);
    for (int i = 0; i < 100; i++) {
        int n = sotto_opus_encode(e, pcm, 960, packet, sizeof packet);
        assert_true(n >= 0);
        sent += n > 0;
    }
    sotto_opus_encoder_free(e);
    return sent;
}

/* proves: RTP-14 */
static void silence_is_not_sent_with_dtx_but_for_a_refresh_now_and_then(void **state)
{
    (void)state;
    int sent = sent_in_silence(true);
    assert_true(sent >= 4 && sent <= 40);
    assert_int_equal(sent_in_silence(false), 100);
}

/* How much of a lost frame comes back from the packet after it: the error, relative to the loudness. */
static double recovered(sotto_opus_config cfg, double loss)
{
    int16_t pcm[960], a[960], b[960];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    double error = 0, sum = 0;
    sotto_opus_encoder *e = encoder(cfg);
    sotto_opus_decoder *good = decoder(1), *lossy = decoder(1);
    assert_int_equal(sotto_opus_encoder_set_loss(e, loss), 0);
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < 960; k++) /* the pitch moves, so that concealment alone is wrong */
            pcm[k] = (int16_t)(9000 * sin(2e-6 * pow((double)((i * 960 + k) % 48000), 2) + 2) +
                               (double)(i * 960 + k) / 1e6);
        int n = sotto_opus_encode(e, pcm, 960, packet, sizeof packet);
        assert_true(n > 0);
        if (i % 5 == 4) { /* the one before this was lost */
            assert_int_equal(sotto_opus_decode_fec(lossy, packet, (size_t)n, b, 960), 960);
            for (size_t k = 0; k < 960; k++) error += pow(a[k] - b[k], 2), sum += pow(a[k], 2);
        }
        assert_int_equal(sotto_opus_decode(good, packet, (size_t)n, a, 960), 960);
        if (i % 5 != 3) assert_int_equal(sotto_opus_decode(lossy, packet, (size_t)n, b, 960), 960);
    }
    sotto_opus_encoder_free(e);
    sotto_opus_decoder_free(good);
    sotto_opus_decoder_free(lossy);
    return sqrt(error / sum);
}

/* proves: RTP-14 */
static void a_lost_frame_is_recovered_from_the_next_packet_if_loss_was_reported(void **state)
{
    (void)state;
    double with = recovered((sotto_opus_config){.bps = 24000}, 0.2);
    double without = recovered((sotto_opus_config){.bps = 24000}, 0);
    double off = recovered((sotto_opus_config){.bps = 24000, .no_fec = true}, 0.2);
    assert_true(with < 0.75 * without);
    assert_true(with < 0.75 * off);
}

static void loss_is_a_number_from_zero_to_one(void **state)
{
    (void)state;
    sotto_opus_encoder *e = encoder((sotto_opus_config){0});
    assert_int_equal(sotto_opus_encoder_set_loss(e, 0), 0);
    assert_int_equal(sotto_opus_encoder_set_loss(e, 0.001), 0);
    assert_int_equal(sotto_opus_encoder_set_loss(e, 1), 0);
    assert_int_equal(sotto_opus_encoder_set_loss(e, -0.01), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encoder_set_loss(e, 1.01), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encoder_set_loss(e, NAN), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encoder_set_loss(e, INFINITY), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encoder_set_loss(NULL, 0), SOTTO_E_INVAL);
    sotto_opus_encoder_free(e);
}

static void what_is_lost_is_concealed_and_gets_quieter(void **state)
{
    (void)state;
    int16_t pcm[960], out[MAX_FRAMES];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    sotto_opus_encoder *e = encoder((sotto_opus_config){0});
    sotto_opus_decoder *d = decoder(1);
    for (size_t i = 0; i < 20; i++) {
        voice(pcm, i * 960, 960, 1);
        int n = sotto_opus_encode(e, pcm, 960, packet, sizeof packet);
        assert_int_equal(sotto_opus_decode(d, packet, (size_t)n, out, 960), 960);
    }
    double before = energy(out, 960);
    assert_int_equal(sotto_opus_decode(d, NULL, 0, out, 960), 960);
    assert_true(energy(out, 960) > before / 3);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sotto_opus_decode(d, NULL, 0, out, MAX_FRAMES), MAX_FRAMES);
    assert_true(energy(out, MAX_FRAMES) < before / 3);
    sotto_opus_encoder_free(e);
    sotto_opus_decoder_free(d);
}

/* H131 and its neighbours. Byte 0: configuration << 3 | stereo << 2 | code; RFC 6716 §3. */
struct row {
    const char *what;
    uint8_t head[8];
    size_t n_head, zeros; /* the bytes that follow */
    int frames;
};

static const struct row rows[] = {
    {"nothing", {0}, 0, 0, SOTTO_E_SYNTAX},
    {"1 byte, code 0: an empty frame, DTX", {0x08}, 1, 0, 960},
    {"1 byte, code 1: two empty frames", {0x09}, 1, 0, 1920},
    {"1 byte, code 2 has no length", {0x0a}, 1, 0, SOTTO_E_SYNTAX},
    {"1 byte, code 3 has no count", {0x0b}, 1, 0, SOTTO_E_SYNTAX},
    {"code 1, an odd number of bytes", {0x09}, 1, 3, SOTTO_E_SYNTAX},
    {"code 2, the first frame is longer than the packet", {0x0a, 100}, 2, 99, SOTTO_E_SYNTAX},
    {"code 2, half a length", {0x0a, 252}, 2, 0, SOTTO_E_SYNTAX},
    {"code 3, count 0", {0x0b, 0}, 2, 10, SOTTO_E_SYNTAX},
    {"code 3, count 0 of 2.5 ms", {0xe3, 0}, 2, 10, SOTTO_E_SYNTAX},
    {"code 3, 48 of 2.5 ms: 120 ms", {0xe3, 48}, 2, 48, 5760},
    {"code 3, 49 of 2.5 ms", {0xe3, 49}, 2, 49, SOTTO_E_SYNTAX},
    {"code 3, 63 of 2.5 ms", {0xe3, 63}, 2, 63, SOTTO_E_SYNTAX},
    {"code 3, 48 of 20 ms", {0x0b, 48}, 2, 48, SOTTO_E_SYNTAX},
    {"code 3, 6 of 20 ms: 120 ms", {0x0b, 6}, 2, 60, 5760},
    {"code 3, 7 of 20 ms", {0x0b, 7}, 2, 70, SOTTO_E_SYNTAX},
    {"code 3, 2 of 60 ms, stereo: 120 ms", {0x1f, 2}, 2, 80, 5760},
    {"code 3, 3 of 60 ms", {0x1b, 3}, 2, 90, SOTTO_E_SYNTAX},
    {"code 3, constant, not divisible", {0x0b, 3}, 2, 10, SOTTO_E_SYNTAX},
    {"code 3, variable, lengths beyond the end", {0x0b, 0x83, 200, 200}, 4, 20, SOTTO_E_SYNTAX},
    {"code 3, variable, half a length", {0x0b, 0x82, 253}, 3, 0, SOTTO_E_SYNTAX},
    {"padding is announced and missing", {0x0b, 0x41}, 2, 0, SOTTO_E_SYNTAX},
    {"padding of 255 goes on and ends", {0x0b, 0x41, 255, 255, 255}, 5, 0, SOTTO_E_SYNTAX},
    {"padding is longer than the packet", {0x0b, 0x41, 200}, 3, 100, SOTTO_E_SYNTAX},
    {"padding is all there is", {0x0b, 0x41, 10}, 3, 10, 960},
    {"padding of 254 and 20", {0x0b, 0x41, 255, 20}, 4, 284, 960},
    {"1275 bytes in one frame", {0xf8}, 1, 1275, 960},
    {"1276 bytes in one frame", {0xf8}, 1, 1276, SOTTO_E_SYNTAX},
    {"two frames of 1275 bytes", {0xf9}, 1, 2550, 1920},
    {"two frames of 1276 bytes", {0xf9}, 1, 2552, SOTTO_E_SYNTAX},
    {"120 ms of stereo", {0xff, 6}, 2, 600, 5760},
};

/* proves: H131 */
static void hostile_packets_give_pcm_or_an_error_and_never_more_than_120_ms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        size_t len = row->n_head + row->zeros;
        for (int channels = 1; channels <= 2; channels++) {
            /* as large as they are, so that one byte too far is seen */
            uint8_t *p = calloc(1, len ? len : 1);
            int16_t *pcm = calloc(MAX_FRAMES * (size_t)channels, sizeof *pcm);
            assert_non_null(p);
            assert_non_null(pcm);
            memcpy(p, row->head, row->n_head);
            sotto_opus_decoder *d = decoder(channels);
            int r = sotto_opus_packet_frames(p, len);
            if (r != row->frames) fail_msg("%s: %d, not %d", row->what, r, row->frames);
            r = sotto_opus_decode(d, p, len, pcm, MAX_FRAMES);
            if (r != row->frames) fail_msg("%s, decoded: %d, not %d", row->what, r, row->frames);
            r = sotto_opus_decode_fec(d, p, len, pcm, 960);
            if (r != (row->frames < 0 ? row->frames : 960)) fail_msg("%s, FEC: %d", row->what, r);
            assert_int_equal(sotto_opus_decode(d, NULL, 0, pcm, MAX_FRAMES), MAX_FRAMES);
            sotto_opus_decoder_free(d);
            free(pcm);
            free(p);
        }
    }
}

/* What libopus itself says of a packet. */
static int by_libopus(const uint8_t *p, size_t len)
{
    const unsigned char *parts[48];
    opus_int16 sizes[48];
    if (len == 0) return SOTTO_E_SYNTAX;
    int n = opus_packet_parse(p, (opus_int32)len, NULL, parts, sizes, NULL);
    return n > 0 ? n * opus_packet_get_samples_per_frame(p, 48000) : SOTTO_E_SYNTAX;
}

/* Small numbers are where packets begin and end; the generator is fixed, so that a failure comes again. */
/* proves: H131 */
static void our_parser_and_that_of_libopus_agree_on_any_bytes(void **state)
{
    (void)state;
    uint32_t x = 7;
    int whole = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t p[1400];
        size_t len = 0;
        x = x * 1664525 + 1013904223;
        size_t want = x >> 28 == 0 ? x >> 16 & 1023 : x >> 24 & 31;
        if (round % 500 == 0) want = 1270 + (x >> 20 & 15);
        while (len < want) {
            x = x * 1664525 + 1013904223;
            p[len++] = (uint8_t)(x >> 30 == 0   ? x >> 16
                                 : x >> 30 == 1 ? 250 + (x >> 20 & 5)
                                                : x >> 24 & 15);
        }
        if (want > 1 && round % 3 == 0) p[0] |= 3;
        int ours = sotto_opus_packet_frames(p, len);
        assert_int_equal(ours, by_libopus(p, len));
        whole += ours > 0;
    }
    assert_in_range(whole, 20000, 180000);
}

/* proves: H131 */
static void a_packet_longer_than_the_room_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    int16_t in[960], first[960], second[960];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    sotto_opus_encoder *e = encoder((sotto_opus_config){0});
    sotto_opus_decoder *a = decoder(1), *b = decoder(1);
    for (size_t i = 0; i < 5; i++) {
        voice(in, i * 960, 960, 1);
        int n = sotto_opus_encode(e, in, 960, packet, sizeof packet);
        assert_int_equal(sotto_opus_decode(b, packet, (size_t)n, second, 959), SOTTO_E_TOO_BIG);
        assert_int_equal(sotto_opus_decode(b, (const uint8_t *)"\x0b", 1, second, 960),
                         SOTTO_E_SYNTAX);
        assert_int_equal(sotto_opus_decode(a, packet, (size_t)n, first, 960), 960);
        assert_int_equal(sotto_opus_decode(b, packet, (size_t)n, second, 960), 960);
        assert_memory_equal(first, second, sizeof first);
    }
    sotto_opus_encoder_free(e);
    sotto_opus_decoder_free(a);
    sotto_opus_decoder_free(b);
}

static void what_is_missing_or_out_of_range_is_refused(void **state)
{
    (void)state;
    static const size_t no_durations[] = {0, 119, 121, 5761, 5880, SIZE_MAX};
    int16_t pcm[MAX_FRAMES] = {0};
    uint8_t packet[SOTTO_OPUS_MAX_PACKET] = {0x08};
    sotto_opus_encoder *e = encoder((sotto_opus_config){0});
    sotto_opus_decoder *d = decoder(1);
    assert_int_equal(sotto_opus_encoder_new(NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_encode(NULL, pcm, 960, packet, 1275), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_encode(e, NULL, 960, packet, 1275), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_encode(e, pcm, 960, NULL, 1275), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_encode(e, pcm, 480, packet, 1275), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_encode(e, pcm, 960, packet, 14), SOTTO_E_TOO_BIG);
    assert_in_range(sotto_opus_encode(e, pcm, 960, packet, 15), 1, 15);
    assert_int_equal(sotto_opus_decoder_new(1, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decoder_new(0, &d), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_decoder_new(3, &d), SOTTO_E_RANGE);
    packet[0] = 0x08;
    assert_int_equal(sotto_opus_decode(NULL, packet, 1, pcm, 5760), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decode(d, NULL, 1, pcm, 5760), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decode(d, packet, 1, NULL, 5760), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decode(d, packet, SIZE_MAX, pcm, 5760), SOTTO_E_SYNTAX);
    assert_int_equal(sotto_opus_decode_fec(NULL, packet, 1, pcm, 960), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decode_fec(d, NULL, 1, pcm, 960), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decode_fec(d, packet, 1, NULL, 960), SOTTO_E_INVAL);
    for (size_t i = 0; i < sizeof no_durations / sizeof no_durations[0]; i++) {
        assert_int_equal(sotto_opus_decode_fec(d, packet, 1, pcm, no_durations[i]), SOTTO_E_RANGE);
        assert_int_equal(sotto_opus_decode(d, NULL, 0, pcm, no_durations[i]), SOTTO_E_RANGE);
    }
    assert_int_equal(sotto_opus_packet_frames(NULL, 1), SOTTO_E_INVAL);
    sotto_opus_encoder_free(e);
    sotto_opus_decoder_free(d);
    sotto_opus_encoder_free(NULL);
    sotto_opus_decoder_free(NULL);
}

static void a_configuration_one_past_its_range_is_refused(void **state)
{
    (void)state;
    static const struct {
        sotto_opus_config c;
        int result;
    } configs[] = {
        {{.channels = 2, .frame_ms = 60, .bps = 510000, .application = 2}, 0},
        {{.bps = 6000, .complexity_kind = 1, .complexity = 0}, 0},
        {{.complexity = 99}, 0}, /* does not count */
        {{.complexity_kind = 1, .complexity = 10}, 0},
        {{.complexity_kind = 1, .complexity = 11}, SOTTO_E_RANGE},
        {{.complexity_kind = 1, .complexity = -1}, SOTTO_E_RANGE},
        {{.complexity_kind = 2}, SOTTO_E_RANGE},
        {{.channels = 3}, SOTTO_E_RANGE},
        {{.channels = -1}, SOTTO_E_RANGE},
        {{.frame_ms = 5}, SOTTO_E_RANGE},
        {{.frame_ms = 80}, SOTTO_E_RANGE},
        {{.bps = 5999}, SOTTO_E_RANGE},
        {{.bps = 510001}, SOTTO_E_RANGE},
        {{.bps = -1}, SOTTO_E_RANGE},
        {{.application = 3}, SOTTO_E_RANGE},
        {{.application = -1}, SOTTO_E_RANGE},
    };
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        sotto_opus_encoder *e = NULL;
        sotto_opus_config c = configs[i].c;
        assert_int_equal(sotto_opus_encoder_new(&c, &e), SOTTO_E_INVAL); /* no size */
        c.size = sizeof c;
        assert_int_equal(sotto_opus_encoder_new(&c, &e), configs[i].result);
        sotto_opus_encoder_free(e);
    }
    sotto_opus_encoder *e = NULL;
    assert_int_equal(sotto_opus_encoder_new(NULL, &e), 0); /* all defaults */
    sotto_opus_encoder_free(e);
}

static void without_memory_nothing_is_made_and_nothing_leaks(void **state)
{
    (void)state;
    sotto_opus_encoder *e = NULL;
    sotto_opus_decoder *d = NULL;
    sotto__mem_fail_at(1);
    assert_int_equal(sotto_opus_encoder_new(NULL, &e), SOTTO_E_NOMEM);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto_opus_decoder_new(2, &d), SOTTO_E_NOMEM);
    assert_null(e);
    assert_null(d);
    assert_int_equal(sotto__mem_live(), 0);
    sotto__mem_fail_at(2);
    assert_int_equal(sotto_opus_encoder_new(NULL, &e), 0);
    assert_false(sotto__mem_failed());
    sotto__mem_fail_at(0);
    sotto_opus_encoder_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_can_be_decoded_in_every_shape),
        cmocka_unit_test(the_bitrate_is_kept_and_can_be_changed),
        cmocka_unit_test(silence_is_not_sent_with_dtx_but_for_a_refresh_now_and_then),
        cmocka_unit_test(a_lost_frame_is_recovered_from_the_next_packet_if_loss_was_reported),
        cmocka_unit_test(loss_is_a_number_from_zero_to_one),
        cmocka_unit_test(what_is_lost_is_concealed_and_gets_quieter),
        cmocka_unit_test(hostile_packets_give_pcm_or_an_error_and_never_more_than_120_ms),
        cmocka_unit_test(our_parser_and_that_of_libopus_agree_on_any_bytes),
        cmocka_unit_test(a_packet_longer_than_the_room_is_refused_and_changes_nothing),
        cmocka_unit_test(what_is_missing_or_out_of_range_is_refused),
        cmocka_unit_test(a_configuration_one_past_its_range_is_refused),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A library built with -Daudio=disabled: no function of audio.h does anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sotto/audio.h"

static void every_function_says_that_it_is_not_supported(void **state)
{
    (void)state;
    sotto_opus_encoder *e = NULL;
    sotto_opus_decoder *d = NULL;
    sotto_playout *p = NULL;
    char *json = NULL;
    int16_t pcm[480] = {0};
    uint8_t packet[480] = {0};
    sotto_playout_stats stats = {.size = sizeof stats};
    sotto_isolation isolation = {.size = sizeof isolation};
    const int results[] = {
        sotto_opus_encoder_new(NULL, &e),
        sotto_opus_encode(e, pcm, 480, packet, sizeof packet),
        sotto_opus_encoder_set_bitrate(e, 32000),
        sotto_opus_encoder_set_loss(e, 0.1),
        sotto_opus_decoder_new(1, &d),
        sotto_opus_decoder_open(NULL, &d),
        sotto_opus_decoder_get_isolation(d, &isolation),
        sotto_opus_decode(d, packet, 1, pcm, 480),
        sotto_opus_decode_fec(d, packet, 1, pcm, 480),
        sotto_opus_packet_frames(packet, 1),
        sotto_pcmu_encode(pcm, 1, packet),
        sotto_pcmu_decode(packet, 1, pcm),
        sotto_pcma_encode(pcm, 1, packet),
        sotto_pcma_decode(packet, 1, pcm),
        sotto_playout_new(NULL, &p),
        sotto_playout_put(p, NULL),
        sotto_playout_pull(p, pcm, 480),
        sotto_playout_get_stats(p, &stats),
        sotto_playout_get_isolation(p, &isolation),
        sotto_playout_get_stats_json(p, &json),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_int_equal(results[i], SOTTO_E_UNSUPPORTED);
    sotto_opus_encoder_free(e);
    sotto_opus_decoder_free(d);
    sotto_playout_free(p);
    assert_true(!e && !d && !p && !json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_says_that_it_is_not_supported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A library built with -Dmedia=disabled: no function of media does anything, no description has any, remote media is rejected. */
#include <stdio.h>

#include "call.h"
#include "sotto/media.h"
#include "util/mem.h"

static sotto_ctx *ctx;
static sotto_pc *pc;

static int begin(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
    assert_int_equal(sotto__mem_live(), 0);
    return 0;
}

static char *fixture(const char *name)
{
    static char text[65536];
    char path[512];
    snprintf(path, sizeof path, FIXTURES "/sdp/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void every_function_says_that_it_is_not_supported(void **state)
{
    (void)state;
    sotto_transceiver *t = NULL;
    sotto_send_parameters *params = NULL;
    sotto_codecs *codecs = NULL;
    sotto_frame frame = {.size = sizeof frame};
    char mid[8];
    const int results[] = {
        sotto_pc_add_transceiver(pc, SOTTO_VIDEO, NULL, &t),
        sotto_pc_add_track(pc, SOTTO_AUDIO, NULL, 0, &t),
        sotto_pc_remove_track(pc, t),
        sotto_pc_get_transceivers(pc, &t, 1),
        sotto_transceiver_kind(t),
        sotto_transceiver_mid(t, mid, sizeof mid),
        (int)sotto_transceiver_get_direction(t),
        sotto_transceiver_set_direction(t, SOTTO_DIR_SENDONLY),
        (int)sotto_transceiver_current_direction(t),
        sotto_transceiver_stop(t),
        sotto_transceiver_set_streams(t, NULL, 0),
        sotto_transceiver_get_parameters(t, &params),
        sotto_transceiver_set_parameters(t, NULL),
        sotto_transceiver_set_codec_preferences(t, NULL, 0),
        sotto_transceiver_get_codec_preferences(t, &codecs),
        sotto_transceiver_codec(t, &codecs),
        sotto_capabilities(SOTTO_VIDEO, &codecs),
        sotto_transceiver_send_frame(t, &frame),
        sotto_transceiver_send_rtp(t, "", 0),
        sotto_transceiver_request_keyframe(t, NULL),
        sotto_transceiver_set_receive_mode(t, 0),
        sotto_transceiver_set_jitter_target(t, 0),
        (int)sotto_transceiver_get_jitter_target(t),
        sotto_transceiver_insert_dtmf(t, "1", 0, 0),
        sotto_transceiver_set_user(t, NULL),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_int_equal(results[i], SOTTO_E_UNSUPPORTED);
    assert_null(sotto_transceiver_get_user(t));
    sotto_transceiver_free(t);
    assert_true(!t && !params && !codecs);
}

static void the_rest_of_the_library_is_sound(void **state)
{
    (void)state;
    char *json = NULL;
    assert_int_equal(sotto_selftest(), 0);
    assert_int_equal(sotto_pc_get_stats_json(pc, &json), 0);
    assert_non_null(strstr(json, "peer-connection"));
    sotto_free(json);
}

static void an_offer_has_data_only(void **state)
{
    (void)state;
    sotto_dc *dc = NULL;
    char *sdp = NULL;
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_pc_create_offer(pc, NULL, &sdp), 0);
    assert_non_null(strstr(sdp, "m=application 9"));
    assert_null(strstr(sdp, "m=audio"));
    assert_null(strstr(sdp, "m=video"));
    sotto_free(sdp);
    sotto_dc_free(dc);
}

/* answer: what we say to this offer of a browser */
static char *answer(const char *offer)
{
    sotto_error err = {.size = sizeof err};
    char *sdp = NULL;
    int r = sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, fixture(offer), &err);
    if (r < 0) fail_msg("%s: line %d: %s", offer, err.line, err.reason);
    assert_int_equal(sotto_pc_create_answer(pc, &sdp), 0);
    r = sotto_pc_set_local_description(pc, SOTTO_SDP_ANSWER, sdp, &err);
    if (r < 0) fail_msg("%s: line %d: %s", offer, err.line, err.reason);
    return sdp;
}

static void drain_without_tracks(void)
{
    sotto_event *e;
    while (sotto_ctx_next(ctx, &e) == 1) {
        assert_int_not_equal(e->type, SOTTO_EV_TRACK);
        sotto_event_free(e);
    }
}

static void rejects_a_browsers_media_and_takes_its_data(void **state)
{
    (void)state;
    static const char *const offers[] = {"chromium-offer-avd.sdp", "firefox-offer-avd.sdp"};
    for (size_t i = 0; i < 2; i++) {
        char *sdp = answer(offers[i]);
        assert_non_null(strstr(sdp, "m=audio 0 "));
        assert_non_null(strstr(sdp, "m=video 0 "));
        assert_non_null(strstr(sdp, "m=application 9 "));
        assert_non_null(strstr(sdp, "a=group:BUNDLE 2\r\n"));
        sotto_free(sdp);
        drain_without_tracks();
        sotto_pc_free(pc);
        assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    }
}

static void rejects_all_of_an_offer_without_data(void **state)
{
    (void)state;
    char *sdp = answer("chromium-offer-audio.sdp");
    assert_non_null(strstr(sdp, "m=audio 0 "));
    assert_null(strstr(sdp, "a=group:BUNDLE 0"));
    sotto_free(sdp);
    drain_without_tracks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_function_says_that_it_is_not_supported, begin, end),
        cmocka_unit_test_setup_teardown(the_rest_of_the_library_is_sound, begin, end),
        cmocka_unit_test_setup_teardown(an_offer_has_data_only, begin, end),
        cmocka_unit_test_setup_teardown(rejects_a_browsers_media_and_takes_its_data, begin, end),
        cmocka_unit_test_setup_teardown(rejects_all_of_an_offer_without_data, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

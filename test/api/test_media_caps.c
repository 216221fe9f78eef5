/* SPDX-License-Identifier: BSD-2-Clause */
/* sotto_capabilities(): what it names, and its errors. */
#include "call.h"
#include "sotto/media.h"
#include "util/mem.h"

static bool names(const char *const *items, size_t n, const char *end)
{
    for (size_t i = 0; i < n; i++) {
        size_t all = strlen(items[i]), len = strlen(end);
        if (all >= len && strcmp(items[i] + all - len, end) == 0) return true;
    }
    return false;
}

static size_t count(const sotto_codecs *c, const char *mime)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) n += strcmp(c->items[i].mime, mime) == 0;
    return n;
}

static void audio_has_its_codecs_and_extensions(void **state)
{
    (void)state;
    sotto_codecs *c;
    assert_int_equal(sotto_capabilities(SOTTO_AUDIO, &c), 0);
    assert_int_equal(c->n, 6);
    assert_string_equal(c->items[0].mime, "audio/opus");
    assert_int_equal(c->items[0].payload_type, -1);
    assert_int_equal(count(c, "audio/red") + count(c, "audio/PCMU") + count(c, "audio/PCMA"), 3);
    assert_int_equal(count(c, "audio/telephone-event"), 2);
    assert_int_equal(count(c, "audio/rtx"), 0);
    assert_true(names(c->extensions, c->n_extensions, "sdes:mid"));
    assert_true(names(c->extensions, c->n_extensions, "ssrc-audio-level"));
    assert_false(names(c->extensions, c->n_extensions, "video-orientation"));
    sotto_free(c);
}

static void video_has_its_codecs_and_extensions(void **state)
{
    (void)state;
    sotto_codecs *c;
    assert_int_equal(sotto_capabilities(SOTTO_VIDEO, &c), 0);
    assert_int_equal(c->n, 12);
    assert_string_equal(c->items[0].mime, "video/VP8");
    assert_int_equal(count(c, "video/H264"), 6);
    assert_int_equal(count(c, "video/VP9"), 2);
    assert_int_equal(count(c, "video/AV1") + count(c, "video/H265"), 2);
    assert_int_equal(count(c, "video/rtx"), 1);
    assert_true(names(c->extensions, c->n_extensions, "sdes:rtp-stream-id"));
    assert_true(names(c->extensions, c->n_extensions, "video-orientation"));
    assert_false(names(c->extensions, c->n_extensions, "ssrc-audio-level"));
    sotto_free(c);
}

static void other_kinds_and_no_place_are_refused(void **state)
{
    (void)state;
    sotto_codecs *c = NULL;
    assert_int_equal(sotto_capabilities(SOTTO_VIDEO, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_capabilities(0, &c), SOTTO_E_RANGE);
    assert_int_equal(sotto_capabilities(3, &c), SOTTO_E_RANGE);
    assert_int_equal(sotto_capabilities(-1, &c), SOTTO_E_RANGE);
    assert_null(c);
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto_codecs *c = NULL;
        sotto__mem_fail_at(n);
        int r = sotto_capabilities(SOTTO_VIDEO, &c);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        sotto_free(c);
        assert_true(sotto__mem_live() == live);
        if (!failed) break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_has_its_codecs_and_extensions),
        cmocka_unit_test(video_has_its_codecs_and_extensions),
        cmocka_unit_test(other_kinds_and_no_place_are_refused),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("media_caps", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A call whose one side wants to know first who the other is: no frame goes out or comes in before, all of them after. */
#include "cmocka_all.h"
#include "media.h"

static void read_code_and_confirm(sotto_pc *pc)
{
    char code[SOTTO_VERIFICATION_CODE];
    assert_int_equal(sotto_pc_get_verification_code(pc, code, sizeof code), 0);
    assert_int_equal(sotto_pc_confirm_peer(pc, true), 0);
}

/* proves: S05 S18 */
static void no_frame_passes_in_either_direction_before_it_is_confirmed(void **state)
{
    (void)state;
    struct media_opt o = {.required = SOTTO_VERIFY_CONFIRMED};
    struct media *m = media_new(1, &o);
    media_run(m, SOTTO_SECONDS(60));
    for (int side = 0; side < 2; side++)
        for (enum media_kind k = 0; k < MEDIA_KINDS; k++) {
            assert_int_equal(m->side[side].in[k].frames, 0);
            assert_true(side == 0 ? m->side[0].out[k].frames == 0 : m->side[1].out[k].frames > 0);
        }
    assert_true(m->side[0].out[MEDIA_AUDIO].refused > 2900);
    assert_int_equal(m->pair->side[0].n_events[SOTTO_EV_FRAME], 0);
    assert_int_equal(m->pair->side[1].n_events[SOTTO_EV_FRAME], 0);
    assert_int_equal(m->pair->side[0].n_events[SOTTO_EV_UNMUTE], 0);
    assert_int_equal(m->pair->side[0].n_events[SOTTO_EV_KEYFRAME_NEEDED], 0);
    assert_int_equal(m->pair->side[1].n_events[SOTTO_EV_WARNING], 0); /* reports say that its media arrives */
    read_code_and_confirm(m->pair->side[0].pc);
    media_run(m, SOTTO_SECONDS(3)); /* for a key frame; nobody holds anything back: RFC 8083 §4.1 */
    media_measure(m);
    media_run(m, SOTTO_SECONDS(10));
    media_drain(m, SOTTO_SECONDS(1));
    for (int side = 0; side < 2; side++) {
        assert_true(m->side[side].in[MEDIA_AUDIO].frames >= 490);
        assert_true(m->side[side].in[MEDIA_VIDEO].frames >= 290);
    }
    media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_frame_passes_in_either_direction_before_it_is_confirmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

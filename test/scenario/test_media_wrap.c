/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequence numbers wrap, and with them the rollover counter of SRTP (RFC 3711 §3.3.1), while packets overtake each other, are lost and are
 * sent again across the wrap; by RTX (RFC 4588) and, without it, as the same packets. Every frame is checked by media.c.
 */
#include "cmocka_all.h"
#include "media.h"

static void wrap(uint64_t seed, bool no_rtx, uint64_t n_wraps)
{
    /* 20 packets a frame: 65536 take less than two minutes. RTP times wrap too: 20 s after the beginning. */
    struct media_opt opt = {.video_bytes = 22000,
                            .key_bytes = 40000,
                            .off = {{true, false}, {false, true}},
                            .rtp_time = {0u - 48000 * 20, 0u - 90000 * 20},
                            .no_rtx = no_rtx};
    struct net_link link = {.delay_us = SOTTO_MS(30), .reorder = 0.3, .reorder_us = SOTTO_MS(20)};
    struct media_wraps w;
    struct media *m = media_new(seed, &opt);
    media_run(m, SOTTO_SECONDS(2));
    net_link_both(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, &link);
    media_watch_wraps(m, &w, seed, 0.03); /* at 10 % and this rate the circuit breaker opens */
    media_measure(m);
    const struct media_in *in = &m->side[1].in[MEDIA_VIDEO];
    for (int s = 0; w.wraps < n_wraps || w.highest < 1000; s++) {
        assert_true(s < 250 * (int)n_wraps);
        media_run(m, SOTTO_SECONDS(1));
        assert_true(in->longest <= SOTTO_MS(500));
    }
    w.loss = 0;
    media_run(m, SOTTO_SECONDS(1));
    media_drain(m, SOTTO_SECONDS(2));
    print_message("%s: %d wraps, %d lost within 50 of them, %d sent again; %d of %d frames "
                  "missing, longest stop %d ms\n",
                  no_rtx ? "without RTX" : "with RTX", (int)w.wraps, (int)w.lost_near,
                  (int)w.old_near, (int)in->missing, (int)m->side[0].out[MEDIA_VIDEO].next,
                  (int)(in->longest / 1000));
    assert_true(w.lost_near > 0);
    if (no_rtx) assert_true(w.old_near > 0);
    assert_int_equal(in->last + 1, m->side[0].out[MEDIA_VIDEO].next);
    assert_true(in->missing * 100 < in->frames);
    assert_true(m->side[0].in[MEDIA_AUDIO].missing * 5 < m->side[0].in[MEDIA_AUDIO].frames);
    media_free(m);
}

/* proves: H092 SRTP-03 */
static void repairs_by_RTX_cross_the_wrap(void **state)
{
    (void)state;
    for (int seed = 1; seed <= pair_seeds(1); seed++) wrap((uint64_t)seed, false, 1);
}

/* proves: H092 */
static void repairs_by_the_same_packets_cross_the_wrap(void **state)
{
    (void)state;
    for (int seed = 1; seed <= pair_seeds(1); seed++) wrap((uint64_t)seed, true, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repairs_by_RTX_cross_the_wrap),
        cmocka_unit_test(repairs_by_the_same_packets_cross_the_wrap),
    };
    return cmocka_run_group_tests_name("media wrap", tests, NULL, NULL);
}

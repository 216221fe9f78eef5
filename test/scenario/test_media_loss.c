/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call over links that lose: with 5 % and 15 % of all datagrams lost, and with bursts of 10 in a row, video stands still for at most
 * 500 ms and the loudspeaker is never quiet for more than 60 ms; reordering of 30 % loses nothing. Every frame is checked by media.c.
 */
#include "cmocka_all.h"
#include "media.h"

static const struct media_opt talking = {.video_bytes = 5000, .key_bytes = 20000, .plays = true};

/* Over a good link until all has settled. */
static struct media *settled(uint64_t seed, const struct media_opt *opt)
{
    struct media *m = media_new(seed, opt);
    media_run(m, SOTTO_SECONDS(5));
    return m;
}

static void set_link(struct media *m, const struct net_link *link)
{
    net_link_both(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, link);
}

static void report(const struct media *m, const char *what)
{
    for (int i = 0; i < 2; i++) {
        const struct media_in *v = &m->side[i].in[MEDIA_VIDEO], *a = &m->side[i].in[MEDIA_AUDIO];
        print_message("%s, side %d: %d frames, %d missing, longest stop %d ms, %d asked; audio %d "
                      "missing, %d in a row, quiet %d ms, latest %d ms\n",
                      what, i, (int)v->frames, (int)v->missing, (int)(v->longest / 1000),
                      (int)m->side[1 - i].out[MEDIA_VIDEO].asked, (int)a->missing, (int)a->most,
                      (int)(m->side[i].speaker.longest_quiet / 1000), (int)(v->latest / 1000));
    }
}

static void assert_smooth(const struct media *m, sotto_us span)
{
    for (int i = 0; i < 2; i++) {
        const struct media_side *s = &m->side[i];
        assert_true(s->in[MEDIA_VIDEO].longest <= SOTTO_MS(500));
        assert_true(s->in[MEDIA_VIDEO].frames > (uint64_t)(span / SOTTO_SECONDS(1)) * 25);
        assert_true(s->in[MEDIA_AUDIO].frames > (uint64_t)(span / SOTTO_SECONDS(1)) * 35);
        assert_true(s->speaker.pulls >= (uint64_t)(span / SOTTO_MS(10)) - 1);
        assert_true(s->speaker.longest_quiet <= SOTTO_MS(60));
        assert_int_equal(s->out[MEDIA_AUDIO].refused, 0);
    }
}

static void random_loss(double loss, const char *what)
{
    struct net_link link = {.delay_us = SOTTO_MS(25), .jitter_us = SOTTO_MS(5), .loss = loss};
    sotto_us span = SOTTO_SECONDS(30);
    for (int seed = 1; seed <= pair_seeds(2); seed++) {
        struct media *m = settled((uint64_t)seed, &talking);
        set_link(m, &link);
        media_run(m, SOTTO_SECONDS(2));
        media_measure(m);
        media_run(m, span);
        report(m, what);
        assert_smooth(m, span);
        media_free(m);
    }
}

/* proves: RTP-14 */
static void video_goes_on_and_audio_is_heard_at_5_percent_loss(void **state)
{
    (void)state;
    random_loss(0.05, "5 % lost");
}

static void video_goes_on_and_audio_is_heard_at_15_percent_loss(void **state)
{
    (void)state;
    random_loss(0.15, "15 % lost");
}

static void video_goes_on_and_audio_is_heard_when_10_packets_in_a_row_are_lost(void **state)
{
    (void)state;
    struct net_link link = {.delay_us = SOTTO_MS(25), .jitter_us = SOTTO_MS(5)};
    sotto_us span = SOTTO_SECONDS(30);
    for (int seed = 1; seed <= pair_seeds(2); seed++) {
        struct media_bursts bursts;
        struct media *m = settled((uint64_t)seed, &talking);
        set_link(m, &link);
        media_set_bursts(m, &bursts, (uint64_t)seed, 10, 1.0 / 300); /* more than one in 2 s */
        media_measure(m);
        media_run(m, span);
        report(m, "bursts of 10");
        assert_in_range(bursts.begun, 30, 300);
        assert_smooth(m, span);
        media_free(m);
    }
}

static void reordering_loses_nothing(void **state)
{
    (void)state;
    struct net_link link = {.delay_us = SOTTO_MS(20), .reorder = 0.3, .reorder_us = SOTTO_MS(15)};
    for (int seed = 1; seed <= pair_seeds(2); seed++) {
        struct media_opt opt = talking;
        opt.plays = false;
        struct media *m = settled((uint64_t)seed, &opt);
        set_link(m, &link);
        media_measure(m);
        media_run(m, SOTTO_SECONDS(20));
        media_drain(m, SOTTO_SECONDS(2));
        report(m, "30 % reordered");
        for (int i = 0; i < 2; i++)
            for (enum media_kind k = 0; k < MEDIA_KINDS; k++) {
                assert_int_equal(m->side[i].in[k].last + 1, m->side[1 - i].out[k].next);
                assert_int_equal(m->side[i].in[k].missing, 0);
                assert_int_equal(m->side[i].in[k].dropped, 0);
                assert_int_equal(m->side[i].out[k].asked, 0);
            }
        media_free(m);
    }
}

static void a_cut_of_two_seconds_is_one_stop(void **state)
{
    (void)state;
    struct media *m = settled(1, &talking);
    net_set_down(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, true);
    media_measure(m);
    media_run(m, SOTTO_SECONDS(2));
    net_set_down(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, false);
    media_run(m, SOTTO_SECONDS(2));
    for (int i = 0; i < 2; i++) {
        assert_in_range(m->side[i].in[MEDIA_VIDEO].longest, SOTTO_MS(1900), SOTTO_MS(2600));
        assert_true(m->side[i].in[MEDIA_AUDIO].frames > 80);
        assert_in_range(m->side[i].speaker.longest_quiet, SOTTO_MS(1500), SOTTO_MS(2200));
    }
    media_measure(m);
    media_run(m, SOTTO_SECONDS(10));
    report(m, "after a cut");
    assert_smooth(m, SOTTO_SECONDS(10));
    media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(video_goes_on_and_audio_is_heard_at_5_percent_loss),
        cmocka_unit_test(video_goes_on_and_audio_is_heard_at_15_percent_loss),
        cmocka_unit_test(video_goes_on_and_audio_is_heard_when_10_packets_in_a_row_are_lost),
        cmocka_unit_test(reordering_loses_nothing),
        cmocka_unit_test(a_cut_of_two_seconds_is_one_stop),
    };
    return cmocka_run_group_tests_name("media loss", tests, NULL, NULL);
}

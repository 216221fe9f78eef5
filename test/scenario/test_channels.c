/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of data channels: their ids, negotiated ones, closing from either side, ids used again, hundreds at once.
 */
#include "cmocka_all.h"
#include "pair.h"

/* proves: H121 */
static void ids_are_even_for_the_dtls_client_and_odd_for_the_server(void **state)
{
    (void)state;
    struct chan *a[2], *b[2], *c[2];
    struct pair *p = pair_connected(1, NULL, a);
    assert_true(pair_open_channel(p, 0, "b", NULL, b));
    assert_true(pair_open_channel(p, 1, "d", NULL, c));
    /* the answerer is active: RFC 8842 §5.3 lets it choose, and RFC 9429 §5.3.1 tells it to */
    assert_int_equal(sotto_dc_id(a[0]->dc) % 2, 1);
    assert_int_equal(sotto_dc_id(b[0]->dc) % 2, 1);
    assert_int_equal(sotto_dc_id(c[1]->dc) % 2, 0);
    assert_int_equal(sotto_dc_id(b[0]->dc), sotto_dc_id(b[1]->dc));
    assert_int_equal(sotto_dc_id(c[0]->dc), sotto_dc_id(c[1]->dc));
    assert_int_not_equal(sotto_dc_id(a[0]->dc), sotto_dc_id(b[0]->dc));
    pair_free(p);
}

static void an_id_is_not_known_before_the_role_is(void **state)
{
    (void)state;
    struct pair *p = pair_new(2, NULL);
    struct chan *c = side_channel(&p->side[0], "c", NULL);
    assert_int_equal(sotto_dc_id(c->dc), SOTTO_E_STATE);
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(2));
    assert_true(sotto_dc_id(c->dc) >= 0);
    pair_free(p);
}

static void options_of_a_channel_reach_the_other_side(void **state)
{
    (void)state;
    static const sotto_dc_config rows[] = {
        {.unordered = true},
        {.reliability = SOTTO_DC_MAX_RETRANSMITS, .limit = 0},
        {.reliability = SOTTO_DC_MAX_RETRANSMITS, .limit = 65535, .unordered = true},
        {.reliability = SOTTO_DC_MAX_LIFETIME, .limit = 1234, .protocol = "chat.v1"},
        {.priority = SOTTO_PRIORITY_HIGH, .protocol = "gr\xc3\xbc\xc3\x9f"},
        {.priority = SOTTO_PRIORITY_VERY_LOW},
    };
    struct chan *a[2];
    struct pair *p = pair_connected(3, NULL, a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chan *c[2];
        char label[32];
        snprintf(label, sizeof label, "row %zu", i);
        assert_true(pair_open_channel(p, (int)(i % 2), label, &rows[i], c));
        for (int k = 0; k < 2; k++) {
            uint32_t limit;
            assert_int_equal(sotto_dc_unordered(c[k]->dc), rows[i].unordered);
            assert_int_equal(sotto_dc_reliability(c[k]->dc, &limit), rows[i].reliability);
            assert_int_equal(limit, rows[i].limit);
            assert_string_equal(sotto_dc_protocol(c[k]->dc),
                                rows[i].protocol ? rows[i].protocol : "");
            assert_int_equal(sotto_dc_priority(c[k]->dc),
                             rows[i].priority ? rows[i].priority : SOTTO_PRIORITY_LOW);
            assert_int_equal(sotto_dc_negotiated(c[k]->dc), 0);
        }
    }
    pair_free(p);
}

static void the_longest_label_and_protocol_pass_and_one_more_byte_does_not(void **state)
{
    (void)state;
    struct chan *a[2], *c[2];
    struct pair *p = pair_connected(4, NULL, a);
    char *s = malloc(65537);
    assert_non_null(s);
    memset(s, 'x', 65536);
    s[65536] = '\0';
    sotto_dc_config cfg = {.protocol = s};
    struct chan *none;
    assert_int_equal(side_try_channel(&p->side[0], s, NULL, &none), SOTTO_E_LIMIT);
    assert_int_equal(side_try_channel(&p->side[0], "l", &cfg, &none), SOTTO_E_LIMIT);
    s[65535] = '\0';
    assert_true(pair_open_channel(p, 0, s, &cfg, c));
    assert_string_equal(sotto_dc_protocol(c[1]->dc), s);
    assert_int_equal(side_try_channel(&p->side[0], "\xff", NULL, &none), SOTTO_E_SYNTAX);
    assert_true(pair_open_channel(p, 0, "", NULL, c));
    free(s);
    pair_free(p);
}

static void bad_options_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        sotto_dc_config cfg;
        int want;
    } rows[] = {
        {{.negotiated = true, .id = 65535}, SOTTO_E_RANGE},
        {{.negotiated = true, .id = 256}, SOTTO_E_RANGE},
        {{.reliability = 3}, SOTTO_E_RANGE},
        {{.reliability = -1}, SOTTO_E_RANGE},
        {{.reliability = 1, .limit = 65536}, SOTTO_E_RANGE},
        {{.priority = 5}, SOTTO_E_RANGE},
        {{.priority = -1}, SOTTO_E_RANGE},
        {{.protocol = "\xff"}, SOTTO_E_SYNTAX},
    };
    struct pair *p = pair_new(5, NULL);
    struct chan *none;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(side_try_channel(&p->side[0], "c", &rows[i].cfg, &none), rows[i].want);
    pair_run(p, SOTTO_MS(1));
    assert_int_equal(p->side[0].n_events[SOTTO_EV_NEGOTIATION_NEEDED], 0);
    pair_free(p);
}

static void negotiated_channels_open_by_themselves_and_announce_nothing(void **state)
{
    (void)state;
    struct pair *p = pair_new(6, NULL);
    sotto_dc_config cfg = {.negotiated = true, .id = 100, .unordered = true};
    struct chan *a[2] = {side_channel(&p->side[0], "left", &cfg),
                         side_channel(&p->side[1], "right", &cfg)};
    struct chan *none;
    assert_int_equal(side_try_channel(&p->side[0], "again", &cfg, &none), SOTTO_E_ACCESS);
    assert_int_equal(sotto_dc_id(a[0]->dc), 100);
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(2));
    assert_int_equal(a[0]->phase, CHAN_OPEN);
    assert_int_equal(a[1]->phase, CHAN_OPEN);
    assert_int_equal(p->side[0].n_events[SOTTO_EV_CHANNEL] + p->side[1].n_events[SOTTO_EV_CHANNEL],
                     0);
    assert_int_equal(sotto_dc_negotiated(a[0]->dc), 1);
    chan_send(a[0], "to the right", 12, true);
    chan_send(a[1], "to the left", 11, true);
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(chan_same(a[0], a[1]) && chan_same(a[1], a[0]) && a[0]->n_in == 1);
    cfg.id = 5; /* late ones: the other side has not opened its own yet */
    struct chan *b[2] = {side_channel(&p->side[0], "l", &cfg), NULL};
    pair_run(p, SOTTO_MS(100));
    assert_int_equal(b[0]->phase, CHAN_OPEN);
    b[1] = side_channel(&p->side[1], "r", &cfg);
    pair_run(p, SOTTO_MS(100));
    chan_send(b[0], "now", 3, true);
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(chan_same(b[0], b[1]));
    pair_free(p);
}

static void either_side_closes_and_what_was_sent_before_still_arrives(void **state)
{
    (void)state;
    for (int closer = 0; closer < 2; closer++) {
        struct chan *a[2], *b[2];
        struct pair *p = pair_connected(10 + (uint64_t)closer, NULL, a);
        assert_true(pair_open_channel(p, 0, "b", NULL, b));
        for (int i = 0; i < 10; i++) assert_int_equal(chan_number(b[closer], 30000), 0);
        assert_int_equal(sotto_dc_close(b[closer]->dc), 0);
        assert_int_equal(sotto_dc_state(b[closer]->dc), SOTTO_DC_CLOSING);
        assert_int_equal(chan_send(b[closer], "x", 1, true), SOTTO_E_CLOSED);
        assert_int_equal(sotto_dc_close(b[closer]->dc), 0);
        pair_run(p, SOTTO_SECONDS(5));
        assert_int_equal(b[0]->phase, CHAN_CLOSED);
        assert_int_equal(b[1]->phase, CHAN_CLOSED);
        assert_int_equal(b[0]->error, 0);
        assert_int_equal(b[1]->error, 0);
        assert_int_equal(b[1 - closer]->n_closing, 1);
        assert_true(chan_same(b[closer], b[1 - closer]));
        assert_int_equal(chan_send(a[0], "other", 5, true), 0);
        pair_run(p, SOTTO_SECONDS(1));
        assert_true(chan_same(a[0], a[1]));
        pair_free(p);
    }
}

static void both_sides_close_at_once(void **state)
{
    (void)state;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(20, NULL, a);
    for (int i = 0; i < 20; i++) {
        assert_true(pair_open_channel(p, i % 2, "b", NULL, b));
        sotto_dc_close(b[0]->dc);
        sotto_dc_close(b[1]->dc);
        pair_run(p, SOTTO_SECONDS(2));
        assert_int_equal(b[0]->phase, CHAN_CLOSED);
        assert_int_equal(b[1]->phase, CHAN_CLOSED);
        chan_free(b[0]);
        chan_free(b[1]);
    }
    pair_free(p);
}

static void ids_are_used_again_a_thousand_times(void **state)
{
    (void)state;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(21, NULL, a);
    int most = 0;
    for (int i = 0; i < 1000; i++) {
        assert_true(pair_open_channel(p, i % 2, "again", NULL, b));
        if (sotto_dc_id(b[0]->dc) > most) most = sotto_dc_id(b[0]->dc);
        chan_send(b[0], "there", 5, true);
        chan_send(b[1], "back", 4, true);
        pair_run(p, SOTTO_MS(30));
        assert_true(chan_same(b[0], b[1]) && chan_same(b[1], b[0]));
        sotto_dc_close(b[i / 2 % 2]->dc);
        pair_run(p, SOTTO_MS(300));
        assert_int_equal(b[0]->phase, CHAN_CLOSED);
        assert_int_equal(b[1]->phase, CHAN_CLOSED);
        chan_free(b[0]);
        chan_free(b[1]);
    }
    assert_true(most <= 4);
    pair_free(p);
}

static void a_handle_freed_in_any_state_closes_the_channel_for_the_other(void **state)
{
    (void)state;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(22, NULL, a);
    chan_free(side_channel(&p->side[0], "connecting", NULL));
    assert_true(pair_open_channel(p, 0, "open", NULL, b));
    for (int i = 0; i < 5; i++) chan_number(b[0], 20000);
    chan_free(b[0]);
    pair_run(p, SOTTO_SECONDS(3));
    assert_int_equal(b[1]->phase, CHAN_CLOSED);
    assert_int_equal(b[1]->n_in, 5);
    assert_true(pair_open_channel(p, 1, "closing", NULL, b));
    sotto_dc_close(b[0]->dc);
    chan_free(b[0]);
    pair_run(p, SOTTO_SECONDS(3));
    assert_int_equal(b[1]->phase, CHAN_CLOSED);
    pair_free(p);
}

static void two_hundred_channels_open_talk_and_close(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_channels = o.pc[1].max_channels = 1024;
    struct chan *a[2], *c[200], *d[200];
    struct pair *p = pair_connected(23, &o, a);
    char label[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
            snprintf(label, sizeof label, "n%d", i);
            c[i] = side_channel(&p->side[i % 2], label, NULL);
            assert_non_null(c[i]);
        }
        pair_run(p, SOTTO_SECONDS(3));
        for (int i = 0; i < 200; i++) {
            snprintf(label, sizeof label, "n%d", i);
            d[i] = side_find(&p->side[1 - i % 2], label);
            assert_non_null(d[i]);
            assert_int_equal(chan_send(c[i], label, strlen(label), true), 0);
            assert_int_equal(chan_number(d[i], 2000), 0);
        }
        pair_run(p, SOTTO_SECONDS(5));
        for (int i = 0; i < 200; i++) {
            assert_true(chan_same(c[i], d[i]) && chan_same(d[i], c[i]));
            sotto_dc_close(c[i]->dc);
        }
        pair_run(p, SOTTO_SECONDS(20));
        for (int i = 0; i < 200; i++) {
            assert_int_equal(c[i]->phase, CHAN_CLOSED);
            assert_int_equal(d[i]->phase, CHAN_CLOSED);
            chan_free(c[i]);
            chan_free(d[i]);
        }
    }
    pair_free(p);
}

static void more_channels_than_max_channels_is_a_limit(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_channels = 10;
    struct pair *p = pair_new(24, &o);
    struct chan *none;
    int n = 0, r;
    while ((r = side_try_channel(&p->side[0], "c", NULL, &none)) == 0) n++;
    assert_int_equal(r, SOTTO_E_LIMIT);
    assert_in_range(n, 5, 10); /* half of the ids belong to the other side */
    pair_free(p);
}

static void messages_before_the_acknowledgement_arrive_in_order(void **state)
{
    (void)state;
    struct net_link slow = {.delay_us = SOTTO_MS(500)};
    struct chan *a[2];
    struct pair *p = pair_connected(25, NULL, a);
    net_link_both(p->net, p->side[0].host, p->side[1].host, &slow);
    sotto_dc_config cfg = {.unordered = true};
    struct chan *c = side_channel(&p->side[0], "hasty", &cfg);
    int early = 0;
    for (int i = 0; i < 50; i++) {
        if (c->phase == CHAN_OPEN && early < 20 && chan_number(c, 100) == 0) early++;
        pair_run(p, SOTTO_MS(20));
    }
    pair_run(p, SOTTO_SECONDS(5));
    while (early < 20) assert_int_equal(chan_number(c, 100), 0), early++;
    pair_run(p, SOTTO_SECONDS(5));
    struct chan *d = side_find(&p->side[1], "hasty");
    assert_non_null(d);
    assert_int_equal(d->n_in, 20);
    pair_free(p);
}

static void an_abrupt_end_closes_each_channel_once_with_an_error(void **state)
{
    (void)state;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(26, NULL, a);
    assert_true(pair_open_channel(p, 1, "b", NULL, b));
    chan_send(a[0], "last words", 10, true);
    sotto_pc_free(p->side[0].pc);
    p->side[0].pc = NULL;
    for (int i = 0; i < 100; i++) pair_step(p, p->net->now + SOTTO_MS(100));
    assert_int_equal(a[1]->phase, CHAN_CLOSED);
    assert_int_equal(b[1]->phase, CHAN_CLOSED);
    assert_int_equal(p->side[1].n_events[SOTTO_EV_CLOSED], 2);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_even_for_the_dtls_client_and_odd_for_the_server),
        cmocka_unit_test(an_id_is_not_known_before_the_role_is),
        cmocka_unit_test(options_of_a_channel_reach_the_other_side),
        cmocka_unit_test(the_longest_label_and_protocol_pass_and_one_more_byte_does_not),
        cmocka_unit_test(bad_options_are_refused_and_change_nothing),
        cmocka_unit_test(negotiated_channels_open_by_themselves_and_announce_nothing),
        cmocka_unit_test(either_side_closes_and_what_was_sent_before_still_arrives),
        cmocka_unit_test(both_sides_close_at_once),
        cmocka_unit_test(ids_are_used_again_a_thousand_times),
        cmocka_unit_test(a_handle_freed_in_any_state_closes_the_channel_for_the_other),
        cmocka_unit_test(two_hundred_channels_open_talk_and_close),
        cmocka_unit_test(more_channels_than_max_channels_is_a_limit),
        cmocka_unit_test(messages_before_the_acknowledgement_arrive_in_order),
        cmocka_unit_test(an_abrupt_end_closes_each_channel_once_with_an_error),
    };
    return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}

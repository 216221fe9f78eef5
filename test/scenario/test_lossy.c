/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unordered and partially reliable channels over links that lose and reorder: what arrives is whole and unchanged, nothing
 * arrives twice, and the association goes on (SCTP-06 of the catalogue: usrsctp 0.9.5.0 aborts here without the shadow streams).
 */
#include "cmocka_all.h"
#include "pair.h"

struct row {
    bool unordered;
    int32_t reliability;
    uint32_t limit;
    size_t size;
};

static const struct row rows[] = {
    {true, SOTTO_DC_RELIABLE, 0, 20000},       {true, SOTTO_DC_MAX_RETRANSMITS, 0, 10000},
    {true, SOTTO_DC_MAX_RETRANSMITS, 0, 900},  {true, SOTTO_DC_MAX_LIFETIME, 30, 10000},
    {false, SOTTO_DC_MAX_RETRANSMITS, 0, 900}, {false, SOTTO_DC_MAX_RETRANSMITS, 1, 10000},
    {false, SOTTO_DC_MAX_LIFETIME, 30, 10000}, {false, SOTTO_DC_RELIABLE, 0, 20000},
};
#define ROWS (sizeof rows / sizeof *rows)

static void run_rows(uint64_t seed, const struct net_link *link)
{
    struct chan *a[2], *c[ROWS][2];
    struct pair *p = pair_connected(seed, NULL, a);
    for (size_t i = 0; i < ROWS; i++) {
        sotto_dc_config cfg = {.unordered = rows[i].unordered,
                               .reliability = rows[i].reliability,
                               .limit = rows[i].limit};
        char label[8];
        snprintf(label, sizeof label, "r%zu", i);
        assert_true(pair_open_channel(p, (int)(i % 2), label, &cfg, c[i]));
    }
    net_link_both(p->net, p->side[0].host, p->side[1].host, link);
    for (int k = 0; k < 30; k++) {
        for (size_t i = 0; i < ROWS; i++) chan_number(c[i][i % 2], rows[i].size);
        pair_run(p, SOTTO_MS(20 + (sotto_us)(net_random(&p->rng) % 60)));
        assert_true(pair_is_connected(p, NULL));
    }
    pair_run(p, SOTTO_SECONDS(60));
    for (size_t i = 0; i < ROWS; i++) {
        struct chan *from = c[i][i % 2], *to = c[i][1 - i % 2];
        assert_int_equal(from->phase, CHAN_OPEN);
        assert_int_equal(to->phase, CHAN_OPEN);
        assert_true(to->n_in <= from->n_out);
        assert_int_equal(to->bytes_in, to->n_in * rows[i].size);
        if (!rows[i].unordered) assert_int_equal(to->n_disorder, 0);
        if (rows[i].reliability == SOTTO_DC_RELIABLE) assert_int_equal(to->n_in, from->n_out);
        if (rows[i].reliability == SOTTO_DC_RELIABLE && !rows[i].unordered)
            assert_true(chan_same(from, to));
    }
    /* and the connection is as good as new */
    struct net_link good = {.delay_us = SOTTO_MS(5)};
    net_link_both(p->net, p->side[0].host, p->side[1].host, &good);
    chan_bulk(a[0], 20, 50000);
    pair_run(p, SOTTO_SECONDS(10));
    assert_true(chan_same(a[0], a[1]));
    pair_free(p);
}

static void nothing_aborts_under_reordering(void **state)
{
    (void)state;
    struct net_link link = {.delay_us = SOTTO_MS(10), .reorder = 0.3, .reorder_us = SOTTO_MS(8)};
    for (int seed = 0; seed < pair_seeds(12); seed++) run_rows((uint64_t)seed, &link);
}

static void nothing_aborts_under_loss(void **state)
{
    (void)state;
    struct net_link link = {.delay_us = SOTTO_MS(15),
                            .loss = 0.1,
                            .reorder = 0.1,
                            .reorder_us = SOTTO_MS(8),
                            .duplicate = 0.05};
    for (int seed = 0; seed < pair_seeds(12); seed++) run_rows(1000 + (uint64_t)seed, &link);
}

/* The traffic that ends associations of a bare usrsctp 0.9.5.0 within seconds: large unordered messages, abandoned at once or
 * after a moment, with small ones between them, with a few milliseconds of reordering. */
static void dense_abandoned_messages_end_no_association(void **state)
{
    (void)state;
    for (int seed = 0; seed < pair_seeds(24); seed++) {
        struct chan *a[2], *c[2];
        struct pair *p = pair_connected(2000 + (uint64_t)seed, NULL, a);
        struct net_link link = {.delay_us = SOTTO_MS(10 + seed % 3 * 10),
                                .loss = seed % 4 == 3 ? 0.02 : 0,
                                .reorder = 0.1 + seed % 5 * 0.1,
                                .reorder_us = SOTTO_MS(2 + seed % 7)};
        sotto_dc_config cfg = {.unordered = true,
                               .reliability =
                                   seed % 2 ? SOTTO_DC_MAX_LIFETIME : SOTTO_DC_MAX_RETRANSMITS,
                               .limit = seed % 2 ? 30 : 0};
        assert_true(pair_open_channel(p, 0, "dense", &cfg, c));
        net_link_both(p->net, p->side[0].host, p->side[1].host, &link);
        for (int k = 0; k < 800; k++) { /* whole ones among the abandoned ones, on one stream */
            chan_number(c[0], (size_t)(10000 + seed * 1000));
            for (int i = 0; i < 3; i++) chan_number(c[0], 300);
            pair_run(p, SOTTO_MS(8));
        }
        pair_run(p, SOTTO_SECONDS(10));
        assert_int_equal(c[0]->phase, CHAN_OPEN);
        assert_int_equal(c[1]->phase, CHAN_OPEN);
        assert_int_equal(chan_send(a[0], "alive", 5, true), 0);
        pair_run(p, SOTTO_SECONDS(10));
        assert_true(chan_same(a[0], a[1]));
        pair_free(p);
    }
}

static void without_retransmissions_loss_shows(void **state)
{
    (void)state;
    struct chan *a[2], *c[2];
    struct pair *p = pair_connected(1, NULL, a);
    sotto_dc_config cfg = {.unordered = true, .reliability = SOTTO_DC_MAX_RETRANSMITS, .limit = 0};
    assert_true(pair_open_channel(p, 0, "u", &cfg, c));
    struct net_link link = {.delay_us = SOTTO_MS(10), .loss = 0.2};
    net_link_both(p->net, p->side[0].host, p->side[1].host, &link);
    for (int i = 0; i < 500; i++) {
        chan_number(c[0], 100);
        pair_run(p, SOTTO_MS(50));
    }
    pair_run(p, SOTTO_SECONDS(30));
    print_message("%d of 500 arrived at 20 %% loss\n", (int)c[1]->n_in);
    assert_in_range(c[1]->n_in, 300, 450);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_aborts_under_reordering),
        cmocka_unit_test(nothing_aborts_under_loss),
        cmocka_unit_test(dense_abandoned_messages_end_no_association),
        cmocka_unit_test(without_retransmissions_loss_shows),
    };
    return cmocka_run_group_tests_name("lossy", tests, NULL, NULL);
}

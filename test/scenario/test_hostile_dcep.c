/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An authenticated peer that breaks the rules of SCTP and DCEP: rows H111–H130 of the security catalogue. Whatever it says, the
 * connection's other channels go on, memory stays bounded, and what cannot go on is closed with a reason.
 */
#include "cmocka_all.h"
#include "raw_peer.h"
#include "util/mem.h"
#include "wire/dcep.h"

/* The raw peer is DTLS client: even ids are its own to open. */
static struct pair *start(uint64_t seed, struct raw **r)
{
    return raw_connected(seed, true, r);
}

static struct chan *open_good(struct pair *p, struct raw *r, uint16_t sid, const char *label)
{
    size_t acks = r->n_acks;
    assert_int_equal(raw_open(r, sid, label), 0);
    pair_run(p, SOTTO_MS(100));
    assert_int_equal(r->n_acks, acks + 1);
    struct chan *c = side_find(&p->side[0], label);
    assert_non_null(c);
    assert_int_equal(c->phase, CHAN_OPEN);
    return c;
}

/* Whether the connection can still open a channel and carry messages both ways. */
static void expect_alive(struct pair *p, struct raw *r, uint16_t sid)
{
    char label[32];
    snprintf(label, sizeof label, "alive %u", sid);
    struct chan *c = open_good(p, r, sid, label);
    assert_int_equal(raw_send(r, sid, PPID_TEXT, "ping", 4), 0);
    pair_run(p, SOTTO_MS(100));
    assert_int_equal(c->n_in, 1);
    size_t data = r->n_data;
    assert_int_equal(chan_send(c, "pong", 4, true), 0);
    pair_run(p, SOTTO_MS(100));
    assert_int_equal(r->n_data, data + 1);
}

static void an_honest_raw_peer_connects_in_either_role(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct raw *r;
        struct pair *p = raw_connected(1, client, &r);
        expect_alive(p, r, client ? 2 : 3);
        struct chan *own = side_channel(&p->side[0], "own", NULL);
        pair_run(p, SOTTO_MS(100));
        assert_int_equal(sotto_dc_id(own->dc) % 2, client);
        const struct raw_message *m = raw_last(r);
        assert_int_equal(m->ppid, PPID_DCEP);
        assert_int_equal(m->data[0], DCEP_OPEN);
        assert_int_equal(raw_send(r, m->sid, PPID_DCEP, "\x02", 1), 0);
        pair_run(p, SOTTO_MS(100));
        assert_int_equal(own->phase, CHAN_OPEN);
        pair_free(p);
    }
}

/* proves: H122 */
static void malformed_opens_are_reset_and_open_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"", 1},                            /* type 0 */
        {"\x01", 1},                        /* reserved */
        {"\x04", 1},                        /* unknown */
        {"\xff\0\0\0\0\0\0\0\0\0\0\0", 12}, /* unknown */
        {"\x03", 1},                        /* short */
        {"\x03\0\1\0\0\0\0\0\0\0\0", 11},   /* one short */
        {"\x03\0\1\0\0\0\0\0\0\1\0\0", 12}, /* label beyond the end */
        {"\x03\0\1\0\0\0\0\0\xff\xff\xff\xff"
         "abc",
         15}, /* lengths that overflow */
        {"\x03\0\1\0\0\0\0\0\0\0\0\0"
         "abc",
         15}, /* bytes left over */
        {"\x03\0\1\0\0\0\0\0\0\2\0\0"
         "a\0",
         14}, /* NUL in the label */
        {"\x03\0\1\0\0\0\0\0\0\2\0\0"
         "\xff\xfe",
         14}, /* no UTF-8 */
        {"\x03\0\1\0\0\0\0\0\0\0\0\1"
         "\xff",
         13},                                 /* nor in the protocol */
        {"\x03\x03\1\0\0\0\0\0\0\0\0\0", 12}, /* unknown channel type */
        {"\x03\x7f\1\0\0\0\0\0\0\0\0\0", 12}, /* unknown channel type */
        {"\x03\x83\1\0\0\0\0\0\0\0\0\0", 12}, /* unknown channel type */
    };
    struct raw *r;
    struct pair *p = start(2, &r);
    int64_t live = sotto__mem_live();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t resets = r->n_resets_in;
        uint16_t sid = (uint16_t)(2 * i);
        assert_int_equal(raw_send(r, sid, PPID_DCEP, rows[i].bytes, rows[i].n), 0);
        pair_run(p, SOTTO_MS(300));
        if (r->n_resets_in != resets + 1) print_error("row %zu is not reset\n", i);
        assert_int_equal(r->n_resets_in, resets + 1);
        raw_reset(r, sid);
        pair_run(p, SOTTO_MS(300));
    }
    assert_int_equal(r->n_acks, 0);
    assert_int_equal(p->side[0].n_events[SOTTO_EV_CHANNEL], 0);
    assert_true(sotto__mem_live() <= live + 16);
    expect_alive(p, r, 100);
    pair_free(p);
}

/* proves: H121 H122 */
static void opens_on_ids_that_are_not_the_peers_are_refused(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(3, &r);
    sotto_dc_config cfg = {.negotiated = true, .id = 8};
    struct chan *mine = side_channel(&p->side[0], "mine", &cfg);
    struct chan *c = open_good(p, r, 2, "first");
    assert_int_equal(mine->phase, CHAN_OPEN);
    static const uint16_t wrong[] = {1, 7, 255, 256, 400, 510};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t resets = r->n_resets_in;
        raw_open(r, wrong[i], "wrong");
        pair_run(p, SOTTO_MS(300));
        /* above our 256 outgoing streams there is none that we could reset */
        assert_int_equal(r->n_resets_in, resets + (wrong[i] < 256));
        raw_reset(r, wrong[i]);
        pair_run(p, SOTTO_MS(100));
    }
    raw_open(r, 8, "on a negotiated one");
    pair_run(p, SOTTO_MS(300));
    raw_open(r, 2, "twice");
    pair_run(p, SOTTO_MS(300));
    assert_int_equal(sotto_dc_state(c->dc), SOTTO_DC_CLOSING);
    raw_reset(r, 2);
    pair_run(p, SOTTO_MS(300));
    assert_int_equal(c->phase, CHAN_CLOSED);
    assert_int_equal(c->error, SOTTO_E_PROTO);
    assert_int_equal(r->n_acks, 1);
    assert_int_equal(p->side[0].n_events[SOTTO_EV_CHANNEL], 1);
    expect_alive(p, r, 20);
    pair_free(p);
}

/* proves: H123 */
static void acknowledgements_that_nobody_asked_for_are_ignored(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(4, &r);
    struct chan *c = open_good(p, r, 2, "c");
    raw_send(r, 2, PPID_DCEP, "\x02", 1);
    raw_send(r, 2, PPID_DCEP, "\x02", 1);
    raw_send(r, 30, PPID_DCEP, "\x02", 1);
    pair_run(p, SOTTO_MS(300));
    assert_int_equal(c->phase, CHAN_OPEN);
    expect_alive(p, r, 4);
    pair_free(p);
}

/* proves: H120 */
static void payloads_of_unknown_kinds_are_dropped_and_empty_ones_are_empty(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(5, &r);
    struct chan *c = open_good(p, r, 2, "c");
    static const uint32_t unknown[] = {0, 1, 49, 55, 58, 1000, 0xffffffffu};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        raw_send(r, 2, unknown[i], "junk", 4);
    pair_run(p, SOTTO_MS(200));
    assert_int_equal(c->phase, CHAN_OPEN);
    assert_int_equal(c->n_in, 0);
    raw_send(r, 2, PPID_TEXT_EMPTY, "\0", 1);
    pair_run(p, SOTTO_MS(200));
    assert_true(c->n_in == 1 && c->last_len == 0 && c->last_text);
    uint8_t many[100] = {1};
    raw_send(r, 2, PPID_BINARY_EMPTY, many, 100);
    pair_run(p, SOTTO_MS(200));
    assert_true(c->n_in == 1 || (c->n_in == 2 && c->last_len == 0 && !c->last_text));
    raw_send(r, 2, PPID_BINARY_PARTIAL, "ab", 2); /* the deprecated ones are accepted: SCTP-07 */
    raw_send(r, 2, PPID_TEXT_PARTIAL, "cd", 2);
    pair_run(p, SOTTO_MS(200));
    assert_int_equal(c->phase, CHAN_OPEN);
    expect_alive(p, r, 4);
    pair_free(p);
}

static void text_that_is_not_utf8_closes_the_channel(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(6, &r);
    struct chan *c = open_good(p, r, 2, "c");
    raw_send(r, 2, PPID_TEXT, "\xc3\x28", 2);
    pair_run(p, SOTTO_MS(300));
    raw_reset(r, 2);
    pair_run(p, SOTTO_MS(300));
    assert_int_equal(c->n_in, 0);
    assert_int_equal(c->phase, CHAN_CLOSED);
    assert_int_equal(c->error, SOTTO_E_PROTO);
    expect_alive(p, r, 4);
    pair_free(p);
}

/* proves: H124 */
static void data_before_the_open_is_bounded(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(7, &r);
    int64_t live = sotto__mem_live();
    uint8_t junk[1000] = {7};
    for (int i = 0; i < 2000; i++) {
        raw_send(r, (uint16_t)(i % 200), PPID_BINARY, junk, sizeof junk);
        if (i % 50 == 0) pair_run(p, SOTTO_MS(100));
    }
    pair_run(p, SOTTO_SECONDS(5));
    assert_true(sotto__mem_live() < live + 1200);
    expect_alive(p, r, 220);
    pair_free(p);
}

/* proves: H119 */
static void a_message_above_our_maximum_ends_something_and_not_the_process(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_message_size = 10000;
    struct raw *r;
    struct pair *p = raw_pair_new(8, &o, &r);
    assert_int_equal(raw_offer(r, "active"), 0);
    pair_run(p, SOTTO_SECONDS(3));
    assert_true(r->sctp_up);
    struct chan *c = open_good(p, r, 2, "c");
    uint8_t *m = calloc(1, 10001);
    assert_non_null(m);
    assert_int_equal(raw_send(r, 2, PPID_BINARY, m, 10000), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(c->n_in, 1);
    assert_int_equal(raw_send(r, 2, PPID_BINARY, m, 10001), 0);
    free(m);
    pair_run(p, SOTTO_SECONDS(3));
    assert_int_equal(c->n_in, 1);
    assert_int_equal(c->phase, CHAN_CLOSED);
    assert_int_not_equal(c->error, 0);
    pair_free(p);
}

/* proves: H125 */
static void a_flood_of_opens_is_bounded(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_channels = 4000;
    struct raw *r;
    struct pair *p = raw_pair_new(9, &o, &r);
    assert_int_equal(raw_offer(r, "active"), 0);
    pair_run(p, SOTTO_SECONDS(3));
    assert_true(r->sctp_up);
    p->side[0].deaf = true; /* the application sleeps */
    int64_t live = sotto__mem_live();
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 500; i++) {
            raw_open(r, (uint16_t)(2 * i), "flood");
            if (i % 100 == 99) pair_run(p, SOTTO_MS(100));
        }
        for (int i = 0; i < 500; i++) raw_reset(r, (uint16_t)(2 * i));
        pair_run(p, SOTTO_SECONDS(2));
    }
    int64_t used = sotto__mem_live() - live;
    print_message("5000 opens that nobody takes: %d blocks\n", (int)used);
    assert_true(used < 20000);
    p->side[0].deaf = false;
    pair_run(p, SOTTO_SECONDS(5));
    pair_free(p);
}

/* proves: H126 */
static void a_storm_of_resets_leaves_the_connection_alive(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(10, &r);
    struct chan *c = open_good(p, r, 2, "c");
    for (int i = 0; i < 500; i++) {
        raw_reset(r, (uint16_t)(i % 250));
        if (i % 10 == 0) pair_run(p, SOTTO_MS(10));
    }
    pair_run(p, SOTTO_SECONDS(20));
    assert_int_equal(c->phase, CHAN_CLOSED);
    assert_int_equal(c->error, 0);
    expect_alive(p, r, 40);
    pair_free(p);
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8),
    p[3] = (uint8_t)v;
}

/* proves: H112 */
static void chunks_that_do_not_add_up_are_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"", 0},         /* no chunk */
        {"\0\3\0\0", 4}, /* length 0 */
        {"\0\3\0\1", 4}, /* length 1 */
        {"\0\3\0\3", 4}, /* length 3 */
        {"\0\3\xff\xff"
         "abcdefghijklmnop",
         20},            /* beyond the end */
        {"\3\0\0\4", 4}, /* SACK without body */
        {"\3\0\0\x10\0\0\0\0\0\1\0\0\xff\xff\xff\xff", 16},            /* SACK with 65535 gaps that are not there */
        {"\4\0\0\4", 4}, /* HEARTBEAT without information */
        {"\1\0\0\4", 4}, /* INIT without body */
        {"\1\0\0\x14\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\1", 20}, /* INIT: no streams */
        {"\2\0\0\x14\0\0\0\1\0\1\0\0\0\1\0\1\0\0\0\1", 20}, /* INIT-ACK out of the blue */
        {"\x0a\0\0\x0c"
         "cookie!!",
         12},                                                   /* forged cookie */
        {"\x0b\0\0\4", 4},                                      /* COOKIE-ACK again */
        {"\xc1\0\0\x14\0\0\0\1\0\5\0\x08\1\2\3\4\0\0\0\0", 20}, /* ASCONF */
        {"\x80\0\0\x10\0\0\0\1\0\0\0\0\0\0\0\0", 16},           /* ASCONF-ACK */
        {"\x0f\0\0\x0c\0\1\0\1"
         "abcd",
         12},                                                 /* AUTH */
        {"\xc0\0\0\4", 4},                                    /* FORWARD-TSN without body */
        {"\x82\0\0\4", 4},                                    /* RE-CONFIG without body */
        {"\x82\0\0\x0c\0\x11\0\x08\0\0\0\1", 12},             /* ADD_OUT without body */
        {"\x40\0\0\x14\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 20}, /* I-DATA */
        {"\x07\0\0\4", 4},                                    /* SHUTDOWN without body */
        {"\x09\0\0\x08\0\xb0\0\x04", 8},                      /* ERROR: NAT colliding */
        {"\x7f\0\0\4", 4},                                    /* unknown chunk: stop */
        {"\xff\0\0\4", 4},                                    /* unknown chunk: report */
    };
    struct raw *r;
    struct pair *p = start(11, &r);
    struct chan *c = open_good(p, r, 2, "c");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        raw_packet(r, (const uint8_t *)rows[i].bytes, rows[i].n);
        pair_run(p, SOTTO_MS(50));
        if (c->phase != CHAN_OPEN) print_error("row %zu ended it\n", i);
        assert_int_equal(c->phase, CHAN_OPEN);
    }
    expect_alive(p, r, 4);
    pair_free(p);
}

/* proves: H111 */
static void a_flood_of_inits_makes_no_second_association(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(12, &r);
    int64_t live = sotto__mem_live();
    uint8_t init[20] = {1, 0, 0, 20, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1};
    for (uint32_t i = 1; i <= 2000; i++) {
        put32(init + 4, i * 2654435761u);
        raw_packet(r, init, sizeof init);
        if (i % 50 == 0) pair_run(p, SOTTO_MS(5));
    }
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(sotto__mem_live() <= live + 100);
    expect_alive(p, r, 2);
    pair_free(p);
}

/* proves: H118 */
static void fragments_that_never_end_are_bounded(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(13, &r);
    struct chan *c = open_good(p, r, 2, "c");
    uint8_t chunk[1016] = {0, 2 /* beginning only */, 1016 >> 8, 1016 & 255};
    uint32_t tsn = r->next_tsn;
    r->swallow = true; /* our own SCTP knows nothing of these */
    for (uint32_t i = 0; i < 20000; i++, tsn++) {
        put32(chunk + 4, tsn);
        chunk[8] = (uint8_t)(i % 200 >> 8), chunk[9] = (uint8_t)(i % 200);
        put32(chunk + 12, PPID_BINARY);
        raw_packet(r, chunk, sizeof chunk);
        if (i % 40 == 0) pair_run(p, SOTTO_MS(2));
    }
    pair_run(p, SOTTO_SECONDS(2));
    assert_int_equal(c->n_in, 0);
    pair_free(p);
}

/* proves: H115 */
static void lies_about_what_was_received_do_not_free_what_was_not(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(14, &r);
    struct chan *c = open_good(p, r, 2, "c");
    uint8_t sack[16] = {3, 0, 0, 16};
    put32(sack + 8, 1000000);
    for (uint32_t i = 0; i < 100; i++) {
        put32(sack + 4, i * 0x02000001u);
        raw_packet(r, sack, sizeof sack);
    }
    pair_run(p, SOTTO_SECONDS(1));
    if (c->phase == CHAN_OPEN) expect_alive(p, r, 4); /* or the association was aborted: RFC 9260 §6.2.1 */
    pair_free(p);
}

/* proves: H115 */
static void a_window_that_stays_shut_holds_the_sender_within_its_buffer(void **state)
{
    (void)state;
    struct raw *r;
    struct pair *p = start(15, &r);
    struct chan *c = open_good(p, r, 2, "c");
    r->no_pull = true;
    int64_t live = sotto__mem_live();
    chan_bulk(c, 1000000, 10000);
    pair_run(p, SOTTO_SECONDS(30));
    assert_true(sotto_dc_buffered_amount(c->dc) <= 1024 * 1024);
    assert_true(sotto__mem_live() < live + 3000);
    assert_int_equal(c->phase, CHAN_OPEN);
    pair_free(p);
}

/* proves: H130 */
static void shutdown_and_abort_close_every_channel_once(void **state)
{
    (void)state;
    static const char *const last[] = {"\x06\0\0\x04", "\x06\1\0\x04", "\x07\0\0\x08\0\0\0\0"};
    for (size_t i = 0; i < 3; i++) {
        struct raw *r;
        struct pair *p = start(16 + i, &r);
        struct chan *c = open_good(p, r, 2, "c"), *d = open_good(p, r, 4, "d");
        chan_bulk(c, 50, 20000);
        r->swallow = true;
        uint8_t chunk[8] = {0};
        memcpy(chunk, last[i], i == 2 ? 8 : 4);
        raw_packet(r, chunk, i == 2 ? 8 : 4);
        raw_packet(r, chunk, i == 2 ? 8 : 4);
        pair_run(p, SOTTO_SECONDS(40));
        if (i != 1) { /* an ABORT with the T bit needs the other tag: dropped */
            if (i == 0) assert_int_equal(c->phase, CHAN_CLOSED);
            if (i == 0) assert_int_equal(d->phase, CHAN_CLOSED);
        }
        sotto_pc_close(p->side[0].pc);
        pair_run(p, SOTTO_SECONDS(1));
        assert_int_equal(p->side[0].n_events[SOTTO_EV_CLOSED], 2);
        pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_raw_peer_connects_in_either_role),
        cmocka_unit_test(malformed_opens_are_reset_and_open_nothing),
        cmocka_unit_test(opens_on_ids_that_are_not_the_peers_are_refused),
        cmocka_unit_test(acknowledgements_that_nobody_asked_for_are_ignored),
        cmocka_unit_test(payloads_of_unknown_kinds_are_dropped_and_empty_ones_are_empty),
        cmocka_unit_test(text_that_is_not_utf8_closes_the_channel),
        cmocka_unit_test(data_before_the_open_is_bounded),
        cmocka_unit_test(a_message_above_our_maximum_ends_something_and_not_the_process),
        cmocka_unit_test(a_flood_of_opens_is_bounded),
        cmocka_unit_test(a_storm_of_resets_leaves_the_connection_alive),
        cmocka_unit_test(chunks_that_do_not_add_up_are_dropped),
        cmocka_unit_test(a_flood_of_inits_makes_no_second_association),
        cmocka_unit_test(fragments_that_never_end_are_bounded),
        cmocka_unit_test(lies_about_what_was_received_do_not_free_what_was_not),
        cmocka_unit_test(a_window_that_stays_shut_holds_the_sender_within_its_buffer),
        cmocka_unit_test(shutdown_and_abort_close_every_channel_once),
    };
    return cmocka_run_group_tests_name("hostile dcep", tests, NULL, NULL);
}

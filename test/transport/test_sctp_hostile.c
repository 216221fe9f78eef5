/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An authenticated peer that lies, against a whole association: well-formed packets with wrong contents, floods, replays, ends
 * at bad moments. The victim stays alive or ends cleanly, once; memory stays bounded.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "transport/sctp_priv.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "util/time.h"

static const struct link_cfg lan = {.delay = SOTTO_MS(1)};

struct spy { /* what the attacker, who is A, knows of the association */
    uint8_t tag[4]; /* of B, the victim */
    uint32_t tsn;   /* A's last */
    uint32_t victim_tsn;
    uint32_t reset_seq;
    uint8_t init[256], cookie[2048];
    size_t init_len, cookie_len;
    bool mute;      /* A, who knows nothing of the forgeries, is not told of their answers */
};

static bool look(struct pair *p, int from, const uint8_t *packet, size_t n)
{
    struct spy *spy = p->arg;
    uint8_t type = packet[12];
    if (from == 0 && type != 1) memcpy(spy->tag, packet + 4, 4);
    if (from == 0 && (type == 1 || type == 2))
        spy->tsn = sotto__get_u32(packet + 28) - 1, spy->reset_seq = spy->tsn + 1;
    if (from == 1 && (type == 1 || type == 2)) spy->victim_tsn = sotto__get_u32(packet + 28) - 1;
    if (from == 0 && type == 1 && n <= sizeof spy->init)
        memcpy(spy->init, packet, spy->init_len = n);
    if (from == 0 && type == 10 && n <= sizeof spy->cookie)
        memcpy(spy->cookie, packet, spy->cookie_len = n);
    for (size_t at = 12; at + 8 <= n; at += (sotto__get_u16(packet + at + 2) + 3u) & ~3u) {
        if (packet[at] != 0) continue;
        *(from == 0 ? &spy->tsn : &spy->victim_tsn) = sotto__get_u32(packet + at + 4);
    }
    return !(spy->mute && from == 1);
}

static void start(struct pair *p, struct spy *spy)
{
    *spy = (struct spy){.tsn = 0};
    pair_open(p, &lan);
    p->tap = look, p->arg = spy;
    pair_connect(p);
    assert_int_equal(side_send(p, &p->a, 0, "hello", 5), 0);
    assert_int_equal(side_send(p, &p->b, 0, "hello", 5), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(p->b.n_inbox, 1);
    side_clear(&p->a);
    side_clear(&p->b);
}

static void inject(struct pair *p, const struct spy *spy, struct writer *w)
{
    static const uint8_t ports[] = {5000 >> 8, 5000 & 255, 5000 >> 8, 5000 & 255};
    uint8_t packet[2048] = {0};
    assert_false(w->bad);
    memcpy(packet, ports, 4);
    memcpy(packet + 4, spy->tag, 4);
    memcpy(packet + 12, w->p, w->n);
    pair_inject(p, &p->b, packet, 12 + w->n);
}

static void write_data(struct writer *w, uint8_t flags, uint32_t tsn, uint16_t sid, uint16_t ssn,
                       size_t n)
{
    static const uint8_t zero[1200];
    sotto__write_u8(w, 0), sotto__write_u8(w, flags), sotto__write_u16(w, (uint16_t)(16 + n));
    sotto__write_u32(w, tsn), sotto__write_u16(w, sid), sotto__write_u16(w, ssn),
        sotto__write_u32(w, 53);
    sotto__write_bytes(w, zero, (n + 3) & ~(size_t)3);
}

static void inject_data(struct pair *p, struct spy *spy, uint8_t flags, uint32_t tsn, uint16_t sid,
                        uint16_t ssn, size_t n)
{
    uint8_t b[1300];
    struct writer w = sotto__writer(b, sizeof b);
    write_data(&w, flags, tsn, sid, ssn, n);
    inject(p, spy, &w);
}

static void inject_reset(struct pair *p, struct spy *spy, uint32_t seq, uint32_t tsn, int sid)
{
    uint8_t b[64];
    struct writer w = sotto__writer(b, sizeof b);
    unsigned list = sid >= 0 ? 2 : 0;
    sotto__write_u16(&w, 0x8200), sotto__write_u16(&w, (uint16_t)(20 + list));
    sotto__write_u16(&w, 13), sotto__write_u16(&w, (uint16_t)(16 + list));
    sotto__write_u32(&w, seq), sotto__write_u32(&w, spy->victim_tsn), sotto__write_u32(&w, tsn);
    if (sid >= 0) sotto__write_u16(&w, (uint16_t)sid), sotto__write_u16(&w, 0);
    inject(p, spy, &w);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* B still works with A: the attacker's forgeries have not touched A's own state. */
static void expect_alive(struct pair *p)
{
    side_clear(&p->a);
    assert_false(p->b.down);
    assert_int_equal(side_send(p, &p->b, 3, "still here", 10), 0);
    pair_run(p, SOTTO_SECONDS(5));
    assert_false(p->b.down);
    assert_int_equal(p->a.n_inbox, 1);
}

/* proves: H115 */
static void lying_acknowledgements_do_no_harm(void **state)
{
    (void)state;
    static const struct {
        uint32_t ahead;
        uint16_t gap_start, gap_end;
    } lies[] = {{1, 0, 0}, {1000, 0, 0},  {0x7fffffff, 0, 0}, {0x80000000, 0, 0},
                {0, 2, 5}, {0, 2, 65535}, {0, 60000, 60001}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct pair p;
        struct spy spy;
        uint8_t b[64];
        start(&p, &spy);
        struct writer w = sotto__writer(b, sizeof b);
        unsigned gaps = lies[i].gap_start > 0;
        sotto__write_u16(&w, 0x0300), sotto__write_u16(&w, (uint16_t)(16 + 4 * gaps));
        sotto__write_u32(&w, spy.victim_tsn + lies[i].ahead), sotto__write_u32(&w, 1 << 20);
        sotto__write_u16(&w, (uint16_t)gaps), sotto__write_u16(&w, 0);
        if (gaps) sotto__write_u16(&w, lies[i].gap_start), sotto__write_u16(&w, lies[i].gap_end);
        inject(&p, &spy, &w);
        pair_run(&p, SOTTO_SECONDS(1));
        if (p.b.down)
            assert_int_equal(p.b.error, SOTTO_E_PROTO);
        else
            expect_alive(&p);
        pair_close(&p);
    }
}

/* proves: H116 */
static void jumps_of_forward_tsn_do_no_harm(void **state)
{
    (void)state;
    static const uint32_t ahead[] = {0,          1,          100,        5000,      70000,
                                     0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffff0};
    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        struct pair p;
        struct spy spy;
        uint8_t b[64];
        start(&p, &spy);
        size_t before = heap();
        struct writer w = sotto__writer(b, sizeof b);
        sotto__write_u16(&w, 0xc000), sotto__write_u16(&w, 12);
        sotto__write_u32(&w, spy.tsn + ahead[i]), sotto__write_u16(&w, 255),
            sotto__write_u16(&w, 0xffff);
        for (int k = 0; k < 3; k++) inject(&p, &spy, &w);
        pair_run(&p, SOTTO_SECONDS(1));
        if (p.b.down)
            assert_int_equal(p.b.error, SOTTO_E_PROTO);
        else
            expect_alive(&p);
        assert_in_range(heap(), 0, before + 1024 * 1024);
        pair_close(&p);
    }
}

struct flood {
    const char *name;
    uint8_t flags;
    size_t n;      /* bytes of a fragment */
    uint32_t step; /* between TSNs: 2 leaves holes, so that what is missing could still come */
    bool all_streams;
    bool read;
};

/* H117, H118, H128: fragments without end, without beginning, tiny, on every stream, beyond the window. */
/* proves: H117 H118 H128 */
static void floods_of_fragments_stay_within_the_window(void **state)
{
    (void)state;
    static const struct flood floods[] = {
        {"begun messages", 2, 1000, 2, true, true},
        {"middles", 0, 1000, 1, false, true},
        {"tiny middles", 0, 1, 1, false, true},
        {"tiny begun", 2, 1, 2, true, true},
        {"ends", 1, 1000, 2, true, true},
        {"unordered begun", 6, 1000, 2, true, true},
        {"unordered middles", 4, 1, 1, false, true},
        {"unordered ends", 5, 1, 2, true, true},
        {"whole with holes", 3, 1000, 2, true, true},
        {"tiny, whole with holes", 3, 1, 2, true, true},
        {"unordered with holes", 7, 1, 2, true, true},
        {"whole, unread", 3, 1, 1, true, false},
        {"unordered, unread", 7, 1, 1, true, false},
        {"large, unread", 7, 1100, 1, true, false},
    };
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        const struct flood *f = &floods[i];
        struct pair p;
        struct spy spy;
        start(&p, &spy);
        p.b.discard = true, p.b.reading = f->read, spy.mute = true;
        size_t before = heap(), most = 0;
        uint32_t tsn = spy.tsn + f->step, k = 0;
        for (; k < 30000 && !p.b.down; k++, tsn += f->step) {
            uint16_t sid = f->all_streams ? (uint16_t)(1 + k % 255) : 7;
            inject_data(&p, &spy, f->flags, tsn, sid, f->all_streams ? (uint16_t)(k / 255) : 0,
                        f->n);
            if (k % 100 == 0) pair_run(&p, SOTTO_MS(10));
            if (heap() > before + most) most = heap() - before;
        }
        if (most > 4u * 1024 * 1024) fail_msg("%s: %zu bytes", f->name, most);
        p.b.reading = true;
        pair_run(&p, SOTTO_MS(100));
        print_message("    %-22s %6.1f MB at most, %llu given out%s\n", f->name, (double)most / 1e6,
                      (unsigned long long)p.b.messages, p.b.down ? ", refused" : "");
        pair_close(&p);
        assert_in_range(heap(), 0, before + 256 * 1024); /* and all is given back */
    }
}

/* proves: H126 */
static void a_storm_of_resets_is_bounded_and_harms_nobody(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy;
    for (int reading = 0; reading < 2; reading++) {
        start(&p, &spy);
        p.b.reading = reading, spy.mute = true;
        size_t before = heap(), most = 0;
        for (unsigned k = 0; k < 10000; k++) {
            inject_reset(&p, &spy, spy.reset_seq + k, spy.tsn, k % 3 ? (int)(k % 256) : -1);
            if (k % 100 == 0) pair_run(&p, SOTTO_MS(10));
            if (heap() > before + most) most = heap() - before;
        }
        print_message("    %s: %.1f MB at most\n", reading ? "read" : "unread", (double)most / 1e6);
        if (!reading) assert_in_range(most, 0, 4u * 1024 * 1024);
        p.b.reading = true, spy.mute = false;
        pair_run(&p, SOTTO_SECONDS(1));
        assert_in_range(p.b.n_inbox, 1, reading ? 10000 / 3 * 256 + 10000 : 256 * 256);
        expect_alive(&p);
        pair_close(&p);
    }
}

/* proves: H126 */
static void lies_about_resets_do_no_harm(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy;
    start(&p, &spy);
    for (unsigned k = 0; k < 1000; k++)
        inject_reset(&p, &spy, spy.reset_seq + 1000 + k * 7919, spy.tsn, 5); /* wrong numbers */
    assert_int_equal(p.b.n_inbox, 0);
    inject_reset(&p, &spy, spy.reset_seq, spy.tsn + 0x10000000, 5); /* will never come */
    pair_run(&p, SOTTO_SECONDS(1));
    inject_reset(&p, &spy, spy.reset_seq + 1, spy.tsn, 6); /* a second one beside it */
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.b.n_inbox, 0);
    uint8_t b[64];
    struct writer w = sotto__writer(b, sizeof b); /* answers that nobody asked for */
    for (uint32_t result = 0; result < 8; result++) {
        w.n = 0;
        sotto__write_u32(&w, 0x82000010), sotto__write_u32(&w, 0x0010000c);
        sotto__write_u32(&w, spy.victim_tsn + 1), sotto__write_u32(&w, result);
        inject(&p, &spy, &w);
    }
    expect_alive(&p);
    assert_int_equal(p.b.n_inbox, 0);
    pair_close(&p);
}

/* proves: H113 */
static void replays_of_the_handshake_change_nothing(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy;
    start(&p, &spy);
    assert_true(spy.init_len > 0);
    size_t before = heap();
    for (int k = 0; k < 1000; k++) {
        spy.init[19] = (uint8_t)k; /* other tags, too */
        pair_inject(&p, &p.b, spy.init, spy.init_len);
        if (spy.cookie_len > 0) pair_inject(&p, &p.b, spy.cookie, spy.cookie_len);
    }
    assert_in_range(heap(), 0, before + 64 * 1024);
    expect_alive(&p);
    pair_close(&p);
}

/* proves: H111 */
static void inits_before_the_answer_leave_one_association(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy = {0};
    pair_open(&p, &lan);
    p.tap = look, p.arg = &spy;
    pair_collect(&p);
    assert_true(spy.init_len > 0);
    pair_inject(&p, &p.b, spy.init, spy.init_len);
    uint8_t other[256];
    memcpy(other, spy.init, spy.init_len);
    for (int k = 0; k < 1000; k++) {
        other[16] = (uint8_t)(k >> 8), other[17] = (uint8_t)k;
        pair_inject(&p, &p.b, other, spy.init_len);
        pair_inject(&p, &p.b, spy.init, spy.init_len);
    }
    pair_connect(&p);
    expect_alive(&p);
    pair_close(&p);
}

/* proves: H112 */
static void garbage_is_dropped_and_counted(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy;
    struct sctp_stats was, is;
    start(&p, &spy);
    sotto__sctp_get_stats(p.b.s, &was);
    uint8_t packet[1500];
    for (int k = 0; k < 2000; k++) {
        for (size_t i = 0; i < sizeof packet; i++) packet[i] = (uint8_t)pair_random(&p);
        pair_inject(&p, &p.b, packet, (size_t)(pair_random(&p) % sizeof packet));
    }
    static uint8_t large[20000];
    memcpy(large, "\x13\x88\x13\x88", 4);
    pair_inject(&p, &p.b, large, sizeof large);
    sotto__sctp_get_stats(p.b.s, &is);
    assert_int_equal(is.packets_dropped - was.packets_dropped, 2001);
    expect_alive(&p);
    pair_close(&p);
}

/* proves: H130 */
static void ends_of_all_kinds_are_told_once(void **state)
{
    (void)state;
    static const struct {
        uint8_t chunk[16];
        size_t n;
        bool down;
        int error;
    } ends[] = {
        {{6, 0, 0, 4}, 4, true, 0},                                      /* ABORT */
        {{6, 1, 0, 4}, 4, false, 0},                                     /* … with the tag of the other direction */
        {{6, 0, 0, 8, 0, 12, 0, 4}, 8, true, 0},                         /* … by the user */
        {{6, 0, 0, 8, 0, 13, 0, 4}, 8, true, SOTTO_E_PROTO},             /* … that blames us */
        {{6, 0, 0, 8, 0, 0xb0, 0, 4}, 8, false, 0},                      /* … of a NAT */
        {{14, 0, 0, 4}, 4, false, 0},                                    /* SHUTDOWN COMPLETE out of order */
        {{8, 0, 0, 4}, 4, false, 0},                                     /* SHUTDOWN ACK out of order */
        {{11, 0, 0, 4}, 4, false, 0},                                    /* COOKIE ACK again */
        {{9, 0, 0, 12, 0, 3, 0, 8, 0, 0, 0, 1}, 12, false, 0},           /* stale cookie */
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct pair p;
        struct spy spy;
        uint8_t chunk[16];
        start(&p, &spy);
        memcpy(chunk, ends[i].chunk, sizeof chunk);
        struct writer w = {chunk, ends[i].n, sizeof chunk, false};
        for (int k = 0; k < 3; k++) {
            inject(&p, &spy, &w); /* side.down asserts that DOWN comes once */
            if (!p.b.down) pair_run(&p, SOTTO_MS(200));
        }
        if (p.b.down != ends[i].down || p.b.error != ends[i].error)
            fail_msg("row %zu: down %d, error %d", i, p.b.down, p.b.error);
        if (!p.b.down) expect_alive(&p);
        assert_int_equal(side_send(&p, &p.b, 0, "x", 1), p.b.down ? SOTTO_E_STATE : 0);
        pair_run(&p, SOTTO_SECONDS(1));
        pair_close(&p);
    }
}

static void an_orderly_shutdown_by_the_peer_comes_behind_its_data(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy;
    uint8_t b[64];
    start(&p, &spy);
    p.b.reading = false;
    inject_data(&p, &spy, 3, spy.tsn + 1, 1, 0, 100);
    struct writer w = sotto__writer(b, sizeof b);
    sotto__write_u32(&w, 0x07000008), sotto__write_u32(&w, spy.victim_tsn);
    inject(&p, &spy, &w);
    w.n = 0;
    sotto__write_u32(&w, 0x0e000004);
    inject(&p, &spy, &w);
    pair_run(&p, SOTTO_MS(100));
    assert_true(p.b.down);
    assert_int_equal(p.b.error, 0);
    p.b.reading = true;
    pair_run(&p, SOTTO_MS(100));
    assert_int_equal(p.b.n_inbox, 1);
    assert_int_equal(p.b.inbox[0].len, 100);
    pair_close(&p);
}

static void packets_after_close_are_ignored(void **state)
{
    (void)state;
    struct pair p;
    struct spy spy;
    start(&p, &spy);
    for (int k = 0; k < 20; k++) assert_int_equal(side_send(&p, &p.a, 0, "late", 4), 0);
    pair_collect(&p);
    sotto__sctp_close(p.b.s, p.now);
    pair_run(&p, SOTTO_SECONDS(5));
    assert_true(p.a.down);
    assert_false(p.b.down); /* who closes is not told */
    assert_int_equal(p.a.error, 0);
    assert_int_equal(sotto__sctp_due(p.b.s), SOTTO_NEVER);
    pair_close(&p);
}

/* Of 64 bits anything near the heap is an address. Of 32 an eighth of all values lies as near, "1.1" of the cookie's text
 * among them: there it must be the very one that usrsctp would be given, or its own. */
static bool is_address(uintptr_t value, const struct sctp *s)
{
    if (sizeof value < 8) return value == (uintptr_t)s || value == (uintptr_t)s->so;
    return (uint64_t)value - (uintptr_t)s + (1u << 28) <= 2u << 28;
}

static bool no_addresses(struct pair *p, int from, const uint8_t *packet, size_t n)
{
    const struct sctp *s = from ? p->b.s : p->a.s;
    uintptr_t le, be;
    for (size_t i = 0; i + sizeof le <= n; i++) {
        memcpy(&le, packet + i, sizeof le);
        be = 0;
        for (size_t k = 0; k < sizeof be; k++) be = be << 8 | packet[i + k];
        assert_false(is_address(le, s));
        assert_false(is_address(be, s));
    }
    return true;
}

/* proves: H129 */
static void heartbeats_and_cookies_hold_no_addresses_of_ours(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    p.tap = no_addresses;
    pair_connect(&p);
    uint64_t packets = p.a.packets;
    pair_run(&p, SOTTO_SECONDS(120));
    assert_true(p.a.packets > packets + 2); /* heartbeats went out */
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lying_acknowledgements_do_no_harm),
        cmocka_unit_test(jumps_of_forward_tsn_do_no_harm),
        cmocka_unit_test(floods_of_fragments_stay_within_the_window),
        cmocka_unit_test(a_storm_of_resets_is_bounded_and_harms_nobody),
        cmocka_unit_test(lies_about_resets_do_no_harm),
        cmocka_unit_test(replays_of_the_handshake_change_nothing),
        cmocka_unit_test(inits_before_the_answer_leave_one_association),
        cmocka_unit_test(garbage_is_dropped_and_counted),
        cmocka_unit_test(ends_of_all_kinds_are_told_once),
        cmocka_unit_test(an_orderly_shutdown_by_the_peer_comes_behind_its_data),
        cmocka_unit_test(packets_after_close_are_ignored),
        cmocka_unit_test(heartbeats_and_cookies_hold_no_addresses_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

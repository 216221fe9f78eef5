/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent again (RFC 4588, NACK storms: H104), packets of the application's own, events, statistics. */
#include "send_rig.h"

#define RTX 0x22222222u

static void nack(struct rig *r, uint16_t pid, uint16_t blp, sotto_us rtt)
{
    sotto__sender_nack(r->s, r->now, pid, blp, rtt, &r->pacer);
}

static void ask_all_later(struct rig *r, size_t n)
{
    rig_run(r, r->now + SOTTO_SECONDS(1) / 2);
    for (size_t i = 0; i < n; i++) nack(r, r->left[i].rtp.seq, 0, 50000);
    rig_run(r, r->now);
}

/* proves: RTP-07 */
static void with_rtx_a_packet_goes_again_under_a_number_of_its_own(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    r.ids[EXT_MID] = 1, r.ids[EXT_RID] = 2, r.ids[EXT_RRID] = 3;
    r.values.has = 1u << EXT_MID | 1u << EXT_RID;
    r.values.mid = STR("0"), r.values.rid = STR("lo");
    r.s->rtx_seq = 65535;
    assert_int_equal(rig_send(&r, 4500, true), 0);
    rig_run(&r, r.now);
    ask_all_later(&r, 4);
    assert_int_equal(r.n, 8);
    for (size_t i = 0; i < 4; i++) {
        struct left *first = &r.left[i], *again = &r.left[4 + i];
        struct ext_values v;
        assert_true(again->is_repair && !again->again && !first->is_repair);
        assert_int_equal(again->rtp.ssrc, RTX);
        assert_int_equal(again->rtp.pt, 97);
        assert_int_equal(again->rtp.seq, (uint16_t)(65535 + i));
        assert_int_equal(again->rtp.marker, first->rtp.marker);
        sotto__ext_read(&again->rtp, r.ids, &v);
        assert_int_equal(v.has, 1u << EXT_MID | 1u << EXT_RRID); /* RFC 8852 §3: RID is another element here */
        assert_true(sotto__str_eq(v.rrid, STR("lo")));
        assert_int_equal(sotto__rtp_unwrap_rtx(&again->rtp, 96, 0x11111111), 0);
        assert_int_equal(again->rtp.seq, first->rtp.seq);
        assert_int_equal(again->rtp.time, first->rtp.time);
        assert_int_equal(again->rtp.n_payload, first->rtp.n_payload);
        assert_memory_equal(again->rtp.payload, first->rtp.payload, first->rtp.n_payload);
    }
    rig_end(&r);
}

/* AES-GCM: another packet under the same number would give the keys away. */
/* proves: RTP-07 */
static void without_rtx_the_same_bytes_go_again_whatever_changed_since(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    r.ids[EXT_MID] = 1, r.ids[EXT_ABS_SEND] = 3, r.ids[EXT_TWCC] = 4;
    r.values = (struct ext_values){.has = 1u << EXT_MID | 1u << EXT_ABS_SEND | 1u << EXT_TWCC};
    r.values.mid = STR("0"), r.values.abs_send = 0x123456, r.values.twcc = 9;
    sotto_frame f = rig_video(&r, 3000, true);
    f.rotation = 90, f.dependency = "dd", f.dependency_len = 2;
    assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
    rig_run(&r, r.now);
    for (int round = 0; round < 3; round++) {
        r.values.abs_send++, r.values.twcc++;
        if (round == 1) r.ids[EXT_MID] = 7, r.ids[EXT_ORIENTATION] = 8, r.ids[EXT_DEPENDENCY] = 9;
        if (round == 2) r.values.mid = STR("another");
        ask_all_later(&r, 3);
        assert_int_equal(r.n, 6 + 3 * (size_t)round);
        for (size_t i = 0; i < 3; i++) {
            struct left *again = &r.left[3 + 3 * (size_t)round + i];
            assert_true(again->is_repair && again->again);
            assert_int_equal(again->n, r.left[i].n);
            assert_memory_equal(again->bytes, r.left[i].bytes, r.left[i].n);
        }
    }
    rig_end(&r);
}

static void a_header_that_was_not_kept_is_not_sent_again(void **state)
{
    (void)state;
    char mid[64];
    struct rig r;
    rig_start(&r, true, 0);
    memset(mid, 'm', sizeof mid);
    r.ids[EXT_MID] = 1;
    r.values = (struct ext_values){.has = 1u << EXT_MID, .mid = {mid, sizeof mid}};
    assert_int_equal(rig_send(&r, 100, true), 0); /* longer than ever before: no room */
    rig_run(&r, r.now);
    ask_all_later(&r, 1);
    assert_int_equal(r.refused, 1);
    assert_int_equal(r.n, 1);
    assert_int_equal(rig_send(&r, 100, true), 0); /* now there is room */
    rig_run(&r, r.now + SOTTO_SECONDS(1));
    nack(&r, r.left[1].rtp.seq, 0, 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 3);
    assert_memory_equal(r.left[2].bytes, r.left[1].bytes, r.left[1].n);
    rig_end(&r);
}

static void rtx_that_is_negotiated_away_or_comes_is_followed(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    assert_int_equal(rig_send(&r, 100, true), 0);
    rig_run(&r, r.now);
    assert_int_equal(rig_send(&r, 100, false), 0); /* without room for its header: there is RTX */
    rig_run(&r, r.now);
    r.rtx_pt = PT_NONE;
    ask_all_later(&r, 2);
    assert_int_equal(r.refused, 1);
    assert_int_equal(r.n, 3);
    assert_memory_equal(r.left[2].bytes, r.left[0].bytes, r.left[0].n);
    r.rtx_pt = 98;
    ask_all_later(&r, 2);
    assert_int_equal(r.n, 5);
    assert_int_equal(r.left[4].rtp.pt, 98);
    rig_end(&r);
}

/* proves: H104 */
static void a_packet_goes_again_once_a_round_trip(void **state)
{
    static const struct {
        sotto_us rtt, rest;
    } rows[] = {{0, 10000}, {9999, 10000}, {10001, 10001}, {200000, 200000}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;
        rig_start(&r, true, RTX);
        assert_int_equal(rig_send(&r, 100, true), 0);
        rig_run(&r, r.now);
        for (size_t round = 0; round < 3; round++) {
            rig_run(&r, r.now + rows[i].rest - 1);
            nack(&r, r.left[0].rtp.seq, 0, rows[i].rtt);
            rig_run(&r, r.now);
            assert_int_equal(r.n, 1 + round);
            rig_run(&r, r.now + 1);
            nack(&r, r.left[0].rtp.seq, 0, rows[i].rtt);
            nack(&r, r.left[0].rtp.seq, 0, rows[i].rtt); /* while it waits */
            rig_run(&r, r.now);
            assert_int_equal(r.n, 2 + round);
        }
        rig_end(&r);
    }
}

static void every_bit_of_an_entry_names_its_packet_also_across_the_wrap(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    r.s->seq = 65530;
    for (size_t i = 0; i < 20; i++) assert_int_equal(rig_send(&r, 50, i == 0), 0);
    rig_run(&r, r.now + SOTTO_SECONDS(1));
    nack(&r, 65530, 0xa001, 0); /* itself, +1, +14, +16 */
    rig_run(&r, r.now);
    assert_int_equal(r.n, 24);
    static const uint16_t want[] = {65530, 65531, 8, 10};
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *osn = r.left[20 + i].rtp.payload;
        assert_int_equal(osn[0] << 8 | osn[1], want[i]);
    }
    rig_end(&r);
}

static void what_never_left_or_is_long_gone_is_not_sent_again(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    assert_int_equal(rig_send(&r, 50000, true), 0);
    rig_run(&r, r.now + 15000); /* half of it */
    size_t half = r.n;
    uint16_t next = (uint16_t)(r.left[half - 1].rtp.seq + 1);
    nack(&r, next, 0xffff, 0);
    nack(&r, 0, 0xffff, 0), nack(&r, 50000, 0xffff, 0); /* numbers that it never had */
    rig_run(&r, r.now);
    assert_int_equal(r.n, half);
    rig_run(&r, r.now + SOTTO_HISTORY_US + SOTTO_SECONDS(1));
    size_t all = r.n;
    nack(&r, next, 0xffff, 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, all);
    assert_int_equal(r.s->stats.repair_packets, 0);
    rig_end(&r);
}

/* H104: 31 packets of RTCP a millisecond would be 527,000 numbers a second. */
/* proves: H104 */
static void a_storm_of_nacks_is_bounded(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    uint64_t sent[40] = {0}, repaired[40] = {0}; /* by 100 ms */
    for (int ms = 0; ms < 4000; ms++) {
        r.now = T0 + ms * SOTTO_MS(1);
        if (ms % 33 == 0 && ms < 3000) assert_int_equal(rig_send(&r, 10000, ms % 330 == 0), 0);
        for (uint16_t i = 0; i < 31; i++)
            nack(&r, (uint16_t)(r.s->seq - 1 - 17 * (i + 1)), 0xffff, 1000);
        struct sent_packet *pkt;
        while ((pkt = sotto__pacer_next(&r.pacer, r.now))) {
            r.n = 0;
            rig_depart(&r, pkt);
            *(r.left[0].is_repair ? &repaired[ms / 100] : &sent[ms / 100]) += pkt->n;
        }
    }
    for (size_t end = 10; end <= 40; end++) { /* any second: RTX is bounded by what was sent then */
        uint64_t media = 0, rtx = 0;
        for (size_t i = end - 10; i < end; i++) media += sent[i], rtx += repaired[i];
        assert_true(rtx <=
                    (media + 20000) * SOTTO_REPAIR_PERCENT / 100 + SOTTO_REPAIR_FLOOR + 2000);
        if (end == 20) assert_true(rtx > media / 4); /* and it does repair */
    }
    assert_true(r.s->stats.repairs_refused > 100000);
    rig_end(&r);
}

/* proves: H104 */
static void a_little_is_always_repaired_and_no_more(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    assert_int_equal(rig_send(&r, 50000, true), 0);
    rig_run(&r, r.now + SOTTO_MS(1500)); /* nothing in the last second */
    size_t n = r.n;
    for (size_t i = 0; i < n; i++) nack(&r, r.left[i].rtp.seq, 0, 0);
    rig_run(&r, r.now + SOTTO_MS(400));
    uint64_t bytes = r.s->stats.repair_bytes;
    assert_in_range(bytes, SOTTO_REPAIR_FLOOR - 1140, SOTTO_REPAIR_FLOOR);
    nack(&r, r.left[0].rtp.seq, 0, 0);
    rig_run(&r, r.now + 1000);
    assert_int_equal(r.s->stats.repair_bytes, bytes);
    rig_end(&r);
}

/* ---- packets of the application's own ---- */

static int raw(struct rig *r, uint16_t seq, uint32_t time)
{
    static const uint8_t payload[] = "payload";
    struct rtp rtp = {.marker = seq & 1, .pt = 96, .seq = seq, .time = time, .payload = payload};
    rtp.n_payload = sizeof payload;
    return sotto__sender_rtp(r->s, r->now, &vp8, &rtp, &r->pacer);
}

static void a_raw_packet_leaves_at_once_as_it_is_and_can_be_repaired(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    sotto__pacer_set_rate(&r.pacer, 1000);
    for (uint16_t i = 0; i < 50; i++)
        assert_int_equal(raw(&r, (uint16_t)(65500 + i), 7000u + i), 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 50);
    for (uint16_t i = 0; i < 50; i++) {
        assert_int_equal(r.left[i].rtp.seq, (uint16_t)(65500 + i));
        assert_int_equal(r.left[i].rtp.time, 7000 + i);
        assert_int_equal(r.left[i].rtp.marker, i & 1);
        assert_int_equal(r.left[i].rtp.pt, 96);
        assert_string_equal((const char *)r.left[i].rtp.payload, "payload");
    }
    sotto__pacer_set_rate(&r.pacer, 0);
    assert_int_equal(sotto__sender_time(r.s, r.now + SOTTO_SECONDS(1), 90000), 7049 + 90000);
    rig_run(&r, r.now + 50000);
    nack(&r, 65500, 0, 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 51);
    assert_true(r.left[50].is_repair);
    rig_end(&r);
}

/* The receiver would take the number for one that is to come. */
static void what_lies_half_the_circle_behind_is_not_repaired(void **state)
{
    (void)state;
    for (int behind = 32767; behind <= 32768; behind++) {
        struct rig r;
        rig_start(&r, true, RTX);
        assert_int_equal(raw(&r, 100, 1), 0);
        rig_run(&r, r.now);
        rig_run(&r, r.now + 50000);
        sotto__pacer_set_rate(&r.pacer, 1000);
        assert_int_equal(rig_send(&r, 100, true), 0); /* uses the rate up: the repair waits */
        rig_run(&r, r.now);
        nack(&r, 100, 0, 0);
        assert_int_equal(raw(&r, 20100, 2), 0);
        assert_int_equal(raw(&r, (uint16_t)(100 + behind), 3), 0);
        rig_run(&r, r.now);
        assert_int_equal(r.n, 4);
        sotto__pacer_set_rate(&r.pacer, 0);
        rig_run(&r, r.now);
        assert_int_equal(r.n, behind == 32767 ? 5 : 4);
        assert_int_equal(r.refused, behind == 32767 ? 0 : 1);
        rig_end(&r);
    }
}

static void a_number_is_used_once(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    assert_int_equal(raw(&r, 5000, 1), 0);
    assert_int_equal(raw(&r, 5000, 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, 4999, 1), SOTTO_E_RANGE); /* below the first one */
    assert_int_equal(raw(&r, 7000, 1), 0);
    assert_int_equal(raw(&r, 7001 - SENDER_USED, 1), 0); /* as far back as SRTP takes */
    assert_int_equal(raw(&r, 7000 - SENDER_USED, 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, 7001 - SENDER_USED, 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, 6999, 1), 0);
    assert_int_equal(raw(&r, 6999, 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, 7000, 1), SOTTO_E_RANGE);
    for (uint32_t i = 7001; i < 200000; i += 3) { /* across wraps, with gaps that are filled late */
        assert_int_equal(raw(&r, (uint16_t)(i + 2), i), 0);
        assert_int_equal(raw(&r, (uint16_t)i, i), 0);
        assert_int_equal(raw(&r, (uint16_t)i, i), SOTTO_E_RANGE);
        assert_int_equal(raw(&r, (uint16_t)(i + 2), i), SOTTO_E_RANGE);
        r.n = 0;
        rig_run(&r, r.now);
        assert_int_equal(r.n, i == 7001 ? 6 : 2);
    }
    assert_int_equal(raw(&r, (uint16_t)(r.s->seq + 30000), 1), 0); /* a jump */
    assert_int_equal(raw(&r, (uint16_t)(r.s->seq - 1), 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, (uint16_t)(r.s->seq - 2), 1), 0);
    assert_int_equal(rig_send(&r, 100, true), 0); /* numbers of frames are not the application's */
    assert_int_equal(raw(&r, (uint16_t)(r.s->seq - 1), 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, (uint16_t)(r.s->seq - 3), 1), SOTTO_E_RANGE);
    assert_int_equal(raw(&r, (uint16_t)r.s->seq, 1), 0);
    rig_end(&r);
}

static void a_raw_packet_without_memory_or_room_changes_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    struct sender before = *r.s;
    sotto__mem_fail_at(1);
    assert_int_equal(raw(&r, 5, 1), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    assert_memory_equal(&before, r.s, sizeof before);
    assert_int_equal(raw(&r, 5, 1), 0);
    while (sotto__pacer_takes(&r.pacer, PACER_AUDIO, 8))
        assert_int_equal(raw(&r, (uint16_t)r.s->seq, 1), 0);
    before = *r.s;
    assert_int_equal(raw(&r, (uint16_t)r.s->seq, 1), SOTTO_E_AGAIN);
    assert_memory_equal(&before, r.s, sizeof before);
    assert_int_equal(
        sotto__sender_event(r.s, r.now, &opus, (const uint8_t *)"1234", 4, 9, true, &r.pacer),
        SOTTO_E_AGAIN);
    assert_int_equal(r.pacer.packets[PACER_AUDIO], SOTTO_MAX_PACER_PACKETS);
    rig_end(&r);
}

/* ---- events, statistics ---- */

static void events_have_times_of_their_own_and_are_not_repaired(void **state)
{
    static const struct codec tones = {
        .id = CODEC_DTMF, .name = "telephone-event", .clock = 48000, .pt = 110, .apt = -1};
    (void)state;
    struct rig r;
    rig_start(&r, false, RTX);
    assert_int_equal(rig_audio(&r, T0), 0);
    uint32_t time = sotto__sender_time(r.s, T0 + 10000, 48000);
    r.now = T0 + 10000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(sotto__sender_event(r.s, r.now, &tones, (const uint8_t *)"\1\12\3\4", 4,
                                             time, i == 0, &r.pacer),
                         0);
    r.now = T0 + 20000;
    assert_int_equal(rig_audio(&r, T0 + 20000), 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(r.left[i].rtp.seq, (uint16_t)(r.left[0].rtp.seq + i));
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(r.left[i].rtp.time, r.left[0].rtp.time + 480);
        assert_int_equal(r.left[i].rtp.pt, 110);
        assert_int_equal(r.left[i].rtp.marker, i == 1);
        assert_memory_equal(r.left[i].rtp.payload, "\1\12\3\4", 4);
    }
    assert_int_equal(r.left[4].rtp.time, r.left[0].rtp.time + 960); /* sound goes on as if nothing was */
    assert_false(r.left[4].rtp.marker);
    rig_run(&r, r.now + 50000);
    nack(&r, r.left[0].rtp.seq, 0xf, 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 7); /* both of sound */
    rig_end(&r);
}

static void an_event_alone_has_a_time_for_reports(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, false, 0);
    uint32_t time = sotto__sender_time(r.s, r.now, 48000);
    assert_int_equal(
        sotto__sender_event(r.s, r.now, &opus, (const uint8_t *)"1234", 4, time, true, &r.pacer),
        0);
    assert_true(r.s->has_time);
    assert_int_equal(sotto__sender_time(r.s, r.now + 1000, 48000), time + 48);
    sotto__mem_fail_at(1);
    assert_int_equal(
        sotto__sender_event(r.s, r.now, &opus, (const uint8_t *)"1234", 4, time, true, &r.pacer),
        SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    rig_end(&r);
}

static void statistics_count_what_left(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, RTX);
    r.ids[EXT_MID] = 1, r.values.has = 1u << EXT_MID, r.values.mid = STR("0");
    assert_int_equal(rig_send(&r, 2000, true), 0);
    assert_int_equal(r.s->stats.packets, 0); /* taken, not sent */
    r.now += 3000;
    rig_run(&r, r.now);
    assert_int_equal(rig_send(&r, 1000, false), 0);
    rig_run(&r, r.now + SOTTO_SECONDS(1));
    nack(&r, r.left[2].rtp.seq, 0, 0);
    rig_run(&r, r.now);
    const struct sender_stats *k = &r.s->stats;
    assert_int_equal(k->frames, 2);
    assert_int_equal(k->key_frames, 1);
    assert_int_equal(k->frame_bytes, 3000);
    assert_int_equal(k->packets, 4);
    assert_int_equal(k->bytes, 3000 + 3 * 4 + 1004);
    assert_int_equal(k->header_bytes, 4 * 20 + 2); /* RTX's number is not payload of the codec */
    assert_int_equal(k->repair_packets, 1);
    assert_int_equal(k->repair_bytes, 1004);
    assert_int_equal(k->send_delay, 2 * 3000);
    assert_int_equal(r.s->sr_packets, 3);
    assert_int_equal(r.s->sr_octets, 3012);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_rtx_a_packet_goes_again_under_a_number_of_its_own),
        cmocka_unit_test(without_rtx_the_same_bytes_go_again_whatever_changed_since),
        cmocka_unit_test(a_header_that_was_not_kept_is_not_sent_again),
        cmocka_unit_test(rtx_that_is_negotiated_away_or_comes_is_followed),
        cmocka_unit_test(a_packet_goes_again_once_a_round_trip),
        cmocka_unit_test(every_bit_of_an_entry_names_its_packet_also_across_the_wrap),
        cmocka_unit_test(what_never_left_or_is_long_gone_is_not_sent_again),
        cmocka_unit_test(a_storm_of_nacks_is_bounded),
        cmocka_unit_test(a_little_is_always_repaired_and_no_more),
        cmocka_unit_test(a_raw_packet_leaves_at_once_as_it_is_and_can_be_repaired),
        cmocka_unit_test(what_lies_half_the_circle_behind_is_not_repaired),
        cmocka_unit_test(a_number_is_used_once),
        cmocka_unit_test(a_raw_packet_without_memory_or_room_changes_nothing),
        cmocka_unit_test(events_have_times_of_their_own_and_are_not_repaired),
        cmocka_unit_test(an_event_alone_has_a_time_for_reports),
        cmocka_unit_test(statistics_count_what_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

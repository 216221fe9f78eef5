/* SPDX-License-Identifier: BSD-2-Clause */
/* Where packets go: two video sections with the same payload types and one of audio, all in one bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "media/session.h"
#include "util/mem.h"

#define RTX 97
#define LOOP 98 /* RTX of RTX */
#define OPUS 111
#define TONES 110
#define RED 63

static struct codec video_codecs[] = {
    {.id = CODEC_VP8,
     .name = "VP8",
     .clock = 90000,
     .channels = 1,
     .pt = 96,
     .apt = -1,
     .feedback = FEEDBACK_NACK | FEEDBACK_PLI},
    {.id = CODEC_RTX, .name = "rtx", .clock = 90000, .channels = 1, .pt = RTX, .apt = 96},
    {.id = CODEC_RTX, .name = "rtx", .clock = 90000, .channels = 1, .pt = LOOP, .apt = RTX},
    {.id = CODEC_H264, .name = "H264", .clock = 90000, .channels = 1, .pt = 102, .apt = -1}};
static struct codec audio_codecs[] = {
    {.id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = OPUS, .apt = -1},
    {.id = CODEC_RED, .name = "red", .clock = 48000, .channels = 2, .pt = RED, .apt = OPUS},
    {.id = CODEC_DTMF,
     .name = "telephone-event",
     .clock = 48000,
     .channels = 1,
     .pt = TONES,
     .apt = -1}};
static const struct codec_list both = {video_codecs, 4, 4}, only_vp8 = {video_codecs, 3, 3},
                               audio_list = {audio_codecs, 3, 3};
static const uint8_t ids[EXT_COUNT] = {[EXT_MID] = 1, [EXT_RID] = 2, [EXT_RRID] = 3};

struct call {
    struct session s;
    struct line v, w, a; /* w has no H264 */
    sotto_us now;
};

static void configure(struct call *c, struct line *line, const char *mid,
                      const struct codec_list *list, uint32_t ssrc, uint32_t rtx_ssrc)
{
    struct line cfg = {.kind = line == &c->a ? SOTTO_AUDIO : SOTTO_VIDEO,
                       .receives = true,
                       .send = list,
                       .recv = list,
                       .ids = ids,
                       .max_bps = UINT64_MAX};
    memcpy(cfg.mid, mid, strlen(mid) + 1);
    if (ssrc) {
        cfg.n_remotes = 1;
        cfg.remotes[0] = (struct line_remote){ssrc, rtx_ssrc};
    }
    sotto__session_configure(&c->s, c->now, line, &cfg);
    sotto__session_set_mode(&c->s, c->now, line,
                            line == &c->a ? SOTTO_RECEIVE_ORDERED : SOTTO_RECEIVE_FRAMES, 0);
}

static void begin(struct call *c)
{
    memset(c, 0, sizeof *c);
    c->now = SOTTO_SECONDS(1000);
    assert_int_equal(sotto__session_init(&c->s, "cname", 0, c->now), 0);
    configure(c, &c->v, "v", &both, 0, 0);
    configure(c, &c->w, "w", &only_vp8, 500, 501);
    configure(c, &c->a, "a", &audio_list, 0, 0);
}

static void end(struct call *c)
{
    sotto__session_remove(&c->s, &c->v);
    sotto__session_remove(&c->s, &c->w);
    sotto__session_remove(&c->s, &c->a);
    sotto__session_free(&c->s);
    assert_int_equal(sotto__mem_live(), 0);
}

struct in { /* one packet; payload: one byte after what n_payload says */
    uint32_t ssrc;
    uint8_t pt;
    uint16_t seq;
    const char *mid, *rid, *rrid;
    const uint8_t *payload; /* NULL: a VP8 key frame */
    size_t n;
};

static const uint8_t key_frame[] = {0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0, 7, 7, 7};

static void in(struct call *c, const struct in *i)
{
    uint8_t p[2000];
    struct ext_values v = {.mid = sotto__str(i->mid ? i->mid : ""),
                           .rid = sotto__str(i->rid ? i->rid : ""),
                           .rrid = sotto__str(i->rrid ? i->rrid : "")};
    v.has = (i->mid ? 1u << EXT_MID : 0) | (i->rid ? 1u << EXT_RID : 0) |
            (i->rrid ? 1u << EXT_RRID : 0);
    struct rtp rtp = {.marker = true,
                      .pt = i->pt,
                      .seq = i->seq,
                      .time = i->seq * 3000u,
                      .ssrc = i->ssrc,
                      .has_ext = v.has != 0};
    sotto__rtp_write(&rtp, p);
    int n_ext = sotto__ext_write(ids, &v, p + RTP_HEADER, 600);
    assert_true(n_ext >= 0);
    size_t n = RTP_HEADER + (size_t)n_ext, n_payload = i->payload ? i->n : sizeof key_frame;
    memcpy(p + n, i->payload ? i->payload : key_frame, n_payload);
    sotto__session_rtp(&c->s, c->now, p, n + n_payload);
}

/* The same as a repeated packet: of original number osn. */
static void repair_in(struct call *c, uint32_t ssrc, uint8_t pt, uint16_t seq, uint16_t osn,
                      const char *rrid)
{
    uint8_t payload[2 + sizeof key_frame] = {(uint8_t)(osn >> 8), (uint8_t)osn};
    memcpy(payload + 2, key_frame, sizeof key_frame);
    in(c, &(struct in){.ssrc = ssrc,
                       .pt = pt,
                       .seq = seq,
                       .mid = "v",
                       .rrid = rrid,
                       .payload = payload,
                       .n = sizeof payload});
}

static struct line *line_of(struct call *c, uint32_t ssrc)
{
    struct source *src = sotto__session_source(&c->s, ssrc);
    return src ? src->line : NULL;
}

static uint64_t packets_of(struct call *c, uint32_t ssrc)
{
    struct source *src = sotto__session_source(&c->s, ssrc);
    struct receiver_stats stats = {0};
    if (src && src->receiver) sotto__receiver_get_stats(src->receiver, &stats);
    return stats.packets;
}

static size_t frames(struct call *c)
{
    struct line *line;
    const char *rid;
    sotto_us capture;
    struct session_out out;
    size_t n = 0;
    c->now += SOTTO_MS(200);
    while (sotto__session_next(&c->s, c->now, &out) == 1) continue;
    for (struct received *f; (f = sotto__session_pull(&c->s, c->now, &line, &rid, &capture)); n++)
        sotto__received_free(f);
    return n;
}

/* RFC 9143 §9.2: MID, then a=ssrc, then a payload type that only one section has. */
/* proves: SDP-16 H099 */
static void packets_go_to_the_section_that_they_name(void **state)
{
    static const struct {
        const char *name;
        uint32_t ssrc;
        uint8_t pt;
        const char *mid;
        char line; /* 0: nowhere */
    } rows[] = {
        {"by MID", 1, 96, "v", 'v'},
        {"by MID", 1, 96, "w", 'w'},
        {"by MID against a=ssrc", 500, 96, "v", 'v'},
        {"by a=ssrc", 500, 96, NULL, 'w'},
        {"by the a=ssrc of a repair stream", 501, RTX, NULL, 'w'},
        {"by payload type", 1, OPUS, NULL, 'a'},
        {"by payload type", 1, 102, NULL, 'v'},
        {"a payload type of two", 1, 96, NULL, 0},
        {"a MID that nobody has", 500, 96, "x", 0},
        {"a MID that begins like one", 1, 96, "vv", 0},
        {"a payload type that the section has not", 1, OPUS, "v", 0},
        {"a payload type that the section has not", 1, 102, "w", 0},
        {"a payload type that the section of the SSRC has not", 500, 102, NULL, 0},
        {"a static payload type: H099", 1, 0, NULL, 0},
        {"a static payload type: H099", 1, 0, "a", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call c;
        begin(&c);
        in(&c, &(struct in){.ssrc = rows[i].ssrc, .pt = rows[i].pt, .mid = rows[i].mid});
        struct line *line = line_of(&c, rows[i].ssrc);
        char got = line ? line->mid[0] : 0;
        if (got != rows[i].line) fail_msg("%s: %c", rows[i].name, got ? got : '-');
        assert_int_equal(c.s.stats.unroutable, rows[i].line == 0);
        assert_int_equal(c.s.n_sources, rows[i].line != 0);
        end(&c);
    }
}

static void a_section_that_does_not_receive_gets_nothing(void **state)
{
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .mid = "v"});
    assert_ptr_equal(line_of(&c, 1), &c.v);
    struct line cfg = {.kind = SOTTO_VIDEO,
                       .mid = "v",
                       .sends = true,
                       .send = &both,
                       .recv = &both,
                       .ids = ids,
                       .n_outgoing = 1};
    sotto__session_configure(&c.s, c.now, &c.v, &cfg);
    assert_null(line_of(&c, 1));
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .mid = "v", .seq = 1});
    assert_null(line_of(&c, 1));
    in(&c, &(struct in){.ssrc = 2, .pt = 96}); /* now only one has it */
    assert_ptr_equal(line_of(&c, 2), &c.w);
    end(&c);
}

/* proves: H098 RTP-10 */
static void a_section_is_latched_and_moves_only_with_a_valid_packet(void **state)
{
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .mid = "v"});
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 1}); /* nothing says it now */
    assert_int_equal(packets_of(&c, 1), 2);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 2, .mid = "x"}); /* H098 */
    in(&c, &(struct in){.ssrc = 1, .pt = 102, .seq = 2, .mid = "w"}); /* it has no H264 */
    in(&c, &(struct in){.ssrc = 1, .pt = OPUS, .seq = 2});
    in(&c, &(struct in){.ssrc = 1, .pt = RTX, .seq = 2}); /* a stream of media is no repair */
    assert_ptr_equal(line_of(&c, 1), &c.v);
    assert_int_equal(packets_of(&c, 1), 2);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 2, .mid = "w"});
    assert_ptr_equal(line_of(&c, 1), &c.w);
    assert_int_equal(c.s.n_sources, 1);
    assert_int_equal(c.v.n_sources, 0);
    assert_int_equal(c.w.n_sources, 1);
    end(&c);
}

/* H098: the RID of a stream does not change; one that comes late counts. */
/* proves: H098 RTP-10 */
static void a_rid_is_latched_once(void **state)
{
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .mid = "v"});
    assert_null(sotto__session_source(&c.s, 1)->rid);
    for (uint16_t i = 1; i < 100; i++)
        in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = i, .rid = i % 2 ? "hi" : "lo"});
    assert_string_equal(sotto__session_source(&c.s, 1)->rid, "hi");
    assert_int_equal(packets_of(&c, 1), 100);
    end(&c);
}

/* ---- repairs ---- */

/* proves: RTP-07 */
static void repairs_find_their_stream(void **state)
{
    static const struct {
        const char *name;
        const char *rids[2]; /* of streams 1 and 2; NULL: there is none */
        const char *rrid;
        uint32_t primary;
    } rows[] = {
        {"the only stream", {"", NULL}, NULL, 1},
        {"by repaired RID", {"lo", "hi"}, "hi", 2},
        {"by repaired RID", {"lo", "hi"}, "lo", 1},
        {"a RID that is not there", {"lo", "hi"}, "mid", 0},
        {"which of two", {"lo", "hi"}, NULL, 0},
        {"another layer than the only one that is there", {"lo", NULL}, "hi", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call c;
        begin(&c);
        for (uint32_t k = 0; k < 2; k++)
            if (rows[i].rids[k])
                in(&c, &(struct in){.ssrc = 1 + k,
                                    .pt = 96,
                                    .seq = 10,
                                    .mid = "v",
                                    .rid = rows[i].rids[k][0] ? rows[i].rids[k] : NULL});
        repair_in(&c, 9, RTX, 77, 12, rows[i].rrid);
        struct source *src = sotto__session_source(&c.s, 9);
        assert_non_null(src);
        assert_true(src->is_repair && !src->receiver);
        uint32_t primary = src->primary ? src->primary->ssrc : 0;
        if (primary != rows[i].primary) fail_msg("%s: %u", rows[i].name, primary);
        if (primary) assert_int_equal(packets_of(&c, primary), 2);
        end(&c);
    }
}

/* Browsers repeat the RID in the first packets only. */
static void a_repaired_rid_is_remembered_until_its_stream_comes(void **state)
{
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 10, .mid = "v", .rid = "lo"});
    repair_in(&c, 9, RTX, 77, 12, "hi");
    repair_in(&c, 9, RTX, 78, 13, NULL);
    assert_int_equal(packets_of(&c, 1), 1);
    in(&c, &(struct in){.ssrc = 2, .pt = 96, .seq = 10, .mid = "v", .rid = "hi"});
    repair_in(&c, 9, RTX, 79, 14, NULL);
    assert_int_equal(packets_of(&c, 1), 1);
    assert_int_equal(packets_of(&c, 2), 2);
    end(&c);
}

static void a_signalled_repair_stream_finds_its_stream(void **state)
{
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 500, .pt = 96, .seq = 10});
    in(&c, &(struct in){.ssrc = 510, .pt = 96, .seq = 10, .mid = "w"});
    uint8_t payload[2 + sizeof key_frame] = {0, 11};
    memcpy(payload + 2, key_frame, sizeof key_frame);
    in(&c, &(struct in){.ssrc = 501, .pt = RTX, .payload = payload, .n = sizeof payload});
    assert_int_equal(packets_of(&c, 500), 2);
    assert_int_equal(frames(&c), 3);
    end(&c);
}

/* H105 */
/* proves: H105 */
static void broken_repairs_are_dropped(void **state)
{
    static const uint8_t payload[] = {0, 12, 0, 13, 0x10, 0x10, 2, 0, 0x9d, 1, 0x2a};
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 10, .mid = "v"});
    in(&c,
       &(struct in){.ssrc = 9, .pt = RTX, .seq = 0, .mid = "v", .payload = payload, .n = 0});  /* a probe */
    assert_int_equal(c.s.stats.malformed, 0);
    in(&c, &(struct in){.ssrc = 9, .pt = RTX, .seq = 1, .mid = "v", .payload = payload, .n = 1});
    assert_int_equal(c.s.stats.malformed, 1);
    in(&c,
       &(struct in){
           .ssrc = 9, .pt = LOOP, .seq = 2, .mid = "v", .payload = payload, .n = sizeof payload});
    in(&c,
       &(struct in){
           .ssrc = 8, .pt = LOOP, .seq = 3, .mid = "v", .payload = payload, .n = sizeof payload});
    in(&c, &(struct in){.ssrc = 9, .pt = 96, .seq = 4, .mid = "v"}); /* a repair stream is none of media */
    assert_int_equal(packets_of(&c, 1), 1);
    in(&c,
       &(struct in){.ssrc = 9, .pt = RTX, .seq = 5, .mid = "v", .payload = payload, .n = 2}); /* of padding */
    assert_int_equal(packets_of(&c, 1), 2);
    assert_int_equal(sotto__session_source(&c.s, 9)->repair_packets, 4);
    end(&c);
}

static void repairs_are_rebuilt_for_applications_that_want_packets(void **state)
{
    static uint8_t large[1400] = {0, 12};
    struct call c;
    struct line *line;
    const char *rid;
    sotto_us capture;
    (void)state;
    begin(&c);
    sotto__session_set_mode(&c.s, c.now, &c.v, SOTTO_RECEIVE_RTP, 0);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 10, .mid = "v"});
    repair_in(&c, 9, RTX, 77, 11, NULL);
    in(&c, &(struct in){
               .ssrc = 9, .pt = RTX, .seq = 78, .mid = "v", .payload = large, .n = sizeof large});
    for (uint16_t i = 0; i < 2; i++) {
        struct rtp rtp;
        struct received *f = sotto__session_pull(&c.s, c.now, &line, &rid, &capture);
        assert_non_null(f);
        assert_true(f->is_packet);
        assert_int_equal(sotto__rtp_parse(f->data, f->n, &rtp), 0);
        assert_int_equal(rtp.seq, 10 + i);
        assert_int_equal(rtp.pt, 96);
        assert_int_equal(rtp.ssrc, 1);
        assert_true(rtp.marker);
        assert_int_equal(rtp.n_payload, sizeof key_frame);
        assert_memory_equal(rtp.payload, key_frame, sizeof key_frame);
        sotto__received_free(f);
    }
    struct received *f = sotto__session_pull(&c.s, c.now, &line, &rid, &capture);
    if (f) { /* a large one may be rebuilt too, but not come as it was */
        struct rtp rtp;
        assert_int_equal(sotto__rtp_parse(f->data, f->n, &rtp), 0);
        assert_int_equal(rtp.seq, 12);
        assert_int_equal(rtp.pt, 96);
        sotto__received_free(f);
    }
    end(&c);
}

/* ---- redundancy ---- */

static void redundant_blocks_fill_gaps(void **state)
{
    static const uint8_t plain[] = {0x78, 1, 2},
                         red[] = {
                             0x80 | OPUS, 3000 >> 6, (3000 & 0x3f) << 2, 3, OPUS, 0x78, 8, 8, 0x78,
                             9,           9};
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = OPUS, .seq = 10, .mid = "a", .payload = plain, .n = 3});
    assert_int_equal(frames(&c), 1);
    in(&c, &(struct in){.ssrc = 1, .pt = RED, .seq = 12, .payload = red, .n = sizeof red});
    assert_int_equal(frames(&c), 2); /* 11 and 12 */
    in(&c, &(struct in){.ssrc = 1, .pt = RED, .seq = 13, .payload = red, .n = sizeof red});
    assert_int_equal(frames(&c), 1); /* 12 was there */
    in(&c, &(struct in){.ssrc = 1, .pt = RED, .seq = 14, .payload = red, .n = 3}); /* cut off */
    assert_int_equal(c.s.stats.malformed, 1);
    struct receiver_stats stats;
    sotto__receiver_get_stats(sotto__session_source(&c.s, 1)->receiver, &stats);
    assert_int_equal(stats.duplicates, 0);
    assert_int_equal(sotto__reception_lost(&sotto__session_source(&c.s, 1)->reception), 1); /* though it was recovered */
    end(&c);
}

static void padding_of_a_redundant_stream_is_no_loss(void **state)
{
    static const uint8_t plain[] = {0x78, 1, 2};
    struct call c;
    (void)state;
    begin(&c);
    in(&c, &(struct in){.ssrc = 1, .pt = OPUS, .seq = 10, .mid = "a", .payload = plain, .n = 3});
    in(&c, &(struct in){.ssrc = 1, .pt = RED, .seq = 11, .payload = plain, .n = 0});
    in(&c, &(struct in){.ssrc = 1, .pt = TONES, .seq = 12, .payload = plain, .n = 3}); /* nor is a tone, nor a frame */
    in(&c, &(struct in){.ssrc = 1, .pt = OPUS, .seq = 13, .payload = plain, .n = 3});
    assert_int_equal(packets_of(&c, 1), 4);
    assert_int_equal(frames(&c), 2);
    assert_int_equal(c.s.stats.malformed, 0);
    end(&c);
}

/* ---- floods ---- */

/* H095: without a MID few sources are kept, with one more, but not all; a stream that is there goes on. */
/* proves: H095 */
static void a_flood_of_sources_is_bounded(void **state)
{
    (void)state;
    for (int with_mid = 0; with_mid < 2; with_mid++) {
        struct call c;
        begin(&c);
        size_t max = with_mid ? SOTTO_MAX_SSRCS : SOTTO_MAX_UNSIGNALLED + 1;
        in(&c, &(struct in){.ssrc = 1, .pt = 102, .mid = "v"});
        int64_t most = 0;
        for (uint32_t i = 0; i < 65536; i++) {
            in(&c, &(struct in){.ssrc = 1000 + i,
                                .pt = 102,
                                .mid = with_mid ? "v" : NULL,
                                .payload = (const uint8_t[]){0x65, 0x88},
                                .n = 2});
            if (i % 100 == 0)
                in(&c, &(struct in){.ssrc = 1, .pt = 102, .seq = (uint16_t)(1 + i / 100)});
            if (sotto__mem_live() > most) most = sotto__mem_live();
        }
        assert_int_equal(c.s.n_sources, max);
        assert_int_equal(c.s.stats.crowded, 65536 + 1 - max);
        assert_true(most < 2000);
        assert_int_equal(packets_of(&c, 1), 1 + 656);
        end(&c);
    }
}

static void a_source_that_was_silent_makes_room_and_is_forgotten(void **state)
{
    struct call c;
    struct session_out out;
    size_t forgotten = 0;
    (void)state;
    begin(&c);
    for (uint32_t i = 0; i < SOTTO_MAX_SSRCS; i++)
        in(&c, &(struct in){.ssrc = 1 + i, .pt = 96, .mid = "v"});
    assert_int_equal(frames(&c), SOTTO_MAX_SSRCS);
    in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 1}); /* so that 2 is silent for longest */
    c.now += SOTTO_SOURCE_IDLE_US - 1 - SOTTO_MS(200);
    in(&c, &(struct in){.ssrc = 5000, .pt = 96, .mid = "v"});
    assert_null(line_of(&c, 5000));
    c.now += 1;
    in(&c, &(struct in){.ssrc = 5000, .pt = 96, .mid = "v"});
    assert_ptr_equal(line_of(&c, 5000), &c.v);
    assert_ptr_equal(line_of(&c, 1), &c.v);
    assert_null(line_of(&c, 2));
    while (sotto__session_next(&c.s, c.now, &out) == 1)
        if (out.type == SESSION_OUT_FORGET) {
            assert_int_equal(out.ssrc, 2);
            forgotten++;
        }
    assert_int_equal(forgotten, 1);
    end(&c);
}

static void not_rtp_is_counted(void **state)
{
    static const uint8_t bad[][13] = {
        {0x80}, {0x40, 96}, {0xa0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 200}, {0x8f, 96}};
    struct call c;
    (void)state;
    begin(&c);
    for (size_t i = 0; i < 4; i++) {
        uint8_t *p = sotto__memdup(bad[i], i ? 13 : 5); /* as large as it is */
        sotto__session_rtp(&c.s, c.now, p, i ? 13 : 5);
        sotto__free(p);
    }
    assert_int_equal(c.s.stats.malformed, 4);
    assert_int_equal(c.s.n_sources, 0);
    end(&c);
}

static void memory_may_end_anywhere(void **state)
{
    uint64_t n = 0;
    (void)state;
    do {
        struct call c;
        begin(&c);
        sotto__mem_fail_at(++n);
        in(&c, &(struct in){.ssrc = 1, .pt = 96, .seq = 10, .mid = "v", .rid = "lo"});
        in(&c, &(struct in){.ssrc = 2, .pt = 96, .seq = 10, .mid = "v", .rid = "hi"});
        repair_in(&c, 9, RTX, 77, 12, "hi");
        in(&c, &(struct in){.ssrc = 2, .pt = 96, .seq = 11, .mid = "w"});
        in(&c,
           &(struct in){
               .ssrc = 3, .pt = OPUS, .seq = 11, .payload = (const uint8_t[]){0x78, 1}, .n = 2});
        frames(&c);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        end(&c);
        if (!failed) break;
    } while (n < 1000);
    assert_true(n > 15 && n < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_go_to_the_section_that_they_name),
        cmocka_unit_test(a_section_that_does_not_receive_gets_nothing),
        cmocka_unit_test(a_section_is_latched_and_moves_only_with_a_valid_packet),
        cmocka_unit_test(a_rid_is_latched_once),
        cmocka_unit_test(repairs_find_their_stream),
        cmocka_unit_test(a_repaired_rid_is_remembered_until_its_stream_comes),
        cmocka_unit_test(a_signalled_repair_stream_finds_its_stream),
        cmocka_unit_test(broken_repairs_are_dropped),
        cmocka_unit_test(repairs_are_rebuilt_for_applications_that_want_packets),
        cmocka_unit_test(redundant_blocks_fill_gaps),
        cmocka_unit_test(padding_of_a_redundant_stream_is_no_loss),
        cmocka_unit_test(a_flood_of_sources_is_bounded),
        cmocka_unit_test(a_source_that_was_silent_makes_room_and_is_forgotten),
        cmocka_unit_test(not_rtp_is_counted),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"
#include "media/recv_state.h"
#include "wire/payload.h"

static const struct receiver_cfg video = {.is_video = true, .nack = true, .pli = true};
static const struct receiver_cfg no_repair = {.is_video = true, .pli = true};

static struct feed_frame frame(uint32_t number, int64_t needs)
{
    return (struct feed_frame){.number = number, .needs = needs, .time = number * 3000, .n = 100};
}

static void in(struct feed *f, uint32_t number, int64_t needs, uint16_t seq, size_t n)
{
    struct feed_frame v = frame(number, needs);
    feed_vp8_in(f, &v, seq, n);
}

static void packet_in(struct feed *f, const struct feed_frame *v, uint16_t seq, size_t i, size_t n)
{
    struct feed_packet p = feed_vp8_packet(v, seq, i, n);
    feed_in(f, &feed_vp8, &p);
}

/* Long enough for every gap to be given up, and for one key frame to be asked for. */
static void later(struct feed *f)
{
    feed_run(f, f->now + SOTTO_SECONDS(2));
}

/* Frames 0 to 3 in three packets each; which of the twelve are lost; what comes out. */
static void whole_frames_come_out_and_broken_chains_wait_for_a_key_frame(void **state)
{
    static const struct {
        const char *name;
        unsigned lost; /* bits */
        unsigned disposable; /* frames */
        bool second_key;     /* frame 2 */
        unsigned out;        /* frames */
        bool asks;
    } rows[] = {
        {"nothing", 0, 0, false, 0xf, false},
        {"start of a frame", 1u << 3, 0, false, 0x1, true},
        {"middle of a frame", 1u << 4, 0, false, 0x1, true},
        {"end of a frame", 1u << 5, 0, false, 0x1, true},
        {"a whole frame", 7u << 3, 0, false, 0x1, true},
        {"end of one, start of the next", 3u << 5, 0, false, 0x1, true},
        {"start of the key frame", 1u << 0, 0, false, 0, true},
        {"end of the key frame", 1u << 2, 0, false, 0, true},
        {"before another key frame", 1u << 3, 0, true, 0xd, false},
        {"a whole frame before another key frame", 7u << 3, 0, true, 0xd, false},
        {"the end before another key frame", 1u << 5, 0, true, 0xd, false},
        {"start of one that nobody needs", 1u << 3, 2, false, 0xd, false},
        {"middle of one that nobody needs", 1u << 4, 2, false, 0xd, false},
        {"end of one that nobody needs", 1u << 5, 2, false, 0xd, false},
        {"start and end of one that nobody needs", 5u << 3, 2, false, 0xd, false},
        {"all of one that nobody needs: who knows that", 7u << 3, 2, false, 0x1, true},
        {"end of that, start of the next", 3u << 5, 2, false, 0x1, true},
        {"two in a row, both not needed", 1u << 4 | 1u << 7, 6, false, 0x9, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct feed f;
        unsigned out = 0;
        feed_init(&f, &no_repair);
        int64_t needs = -1;
        for (uint32_t k = 0; k < 4; k++) {
            struct feed_frame v = frame(k, rows[i].second_key && k == 2 ? -1 : needs);
            v.disposable = rows[i].disposable >> k & 1;
            if (!v.disposable) needs = k;
            for (unsigned p = 0; p < 3; p++)
                if (!(rows[i].lost >> (3 * k + p) & 1)) packet_in(&f, &v, (uint16_t)(3 * k), p, 3);
        }
        for (int ms = 0; ms < 2000; ms += 10) {
            struct received *got;
            for (; (got = feed_pull(&f)); sotto__received_free(got))
                out |= 1u << (got->time / 3000);
            struct receiver_out say;
            while (sotto__receiver_next(f.r, f.now, &say) == 1) f.plis++;
            f.now += SOTTO_MS(10);
        }
        if (out != rows[i].out || (f.plis > 0) != rows[i].asks)
            fail_msg("%s: %x, %d requests", rows[i].name, out, (int)f.plis);
        if (rows[i].out & 8) /* what is missing is counted with the next */
            assert_int_equal(f.dropped_sum, 4 - f.frames);
        feed_free(&f);
    }
}

static void lower_layers_go_on_when_a_higher_one_is_broken(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &no_repair);
    struct feed_frame v[] = {frame(0, -1), frame(1, 0),  frame(2, 0), frame(3, 1),
                             frame(4, 2),  frame(5, -1), frame(6, 5)};
    v[1].temporal = v[3].temporal = v[6].temporal = 1;
    for (unsigned i = 0; i < 7; i++) {
        if (i == 5) {
            assert_int_equal(f.frames, 3); /* 0, 2, 4: 1 is broken and 3 needs it */
            assert_true(f.plis > 0);
        }
        for (unsigned p = 0; p < 3; p++)
            if (i != 1 || p != 1) packet_in(&f, &v[i], (uint16_t)(3 * i), p, 3);
        later(&f);
    }
    assert_int_equal(f.frames, 5);
    feed_free(&f);
}

/* Once all is broken, nothing above is whole, whatever is lost later. */
static void what_is_broken_stays_broken_until_a_key_frame_comes(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &no_repair);
    struct feed_frame v[] = {frame(0, -1), frame(1, 0), frame(2, 1), frame(3, 2), frame(4, -1)};
    v[2].temporal = 1;
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned p = 0; p < 3; p++)
            if ((i != 1 && i != 2) || p != 1) packet_in(&f, &v[i], (uint16_t)(3 * i), p, 3);
        later(&f);
        assert_int_equal(f.frames, i < 4 ? 1 : 2);
    }
    assert_int_equal(feed_stats(&f).freezes, 1);
    feed_free(&f);
}

/* Only if all packets that came say that nobody needs it. */
static void a_frame_that_contradicts_itself_is_needed(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &no_repair);
    in(&f, 0, -1, 0, 1);
    struct feed_frame v = frame(1, 0);
    packet_in(&f, &v, 1, 0, 3);
    v.disposable = true;
    packet_in(&f, &v, 1, 2, 3);
    in(&f, 2, 0, 4, 1);
    later(&f);
    assert_int_equal(f.frames, 1);
    assert_true(f.plis > 0);
    feed_free(&f);
}

static void ids_of_seven_bits_say_nothing_of_long_gaps(void **state)
{
    (void)state;
    for (uint64_t hole = 99; hole <= 100; hole++) {
        struct packet p = {.info.picture_id = 8};
        const struct frame_mark mark = {.known = true, .picture_id = 7};
        int32_t distance = 0;
        assert_int_equal(sotto__recv_follows(&mark, &p, hole, &distance), hole < 100);
        assert_int_equal(distance, hole < 100);
        p.info.picture_id_long = true; /* it has begun to use others */
        assert_false(sotto__recv_follows(&mark, &p, 1, &distance));
    }
}

static void a_marker_or_the_next_time_ends_a_frame(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    for (uint32_t i = 0; i < 4; i++) {
        struct feed_frame v = frame(i, (int64_t)i - 1);
        for (unsigned p = 0; p < 2; p++) {
            struct feed_packet q = feed_vp8_packet(&v, (uint16_t)(2 * i), p, 2);
            q.marker = false;
            feed_in(&f, &feed_vp8, &q);
        }
        assert_int_equal(feed_pull_all(&f), i > 0);
    }
    later(&f);
    assert_int_equal(f.frames, 3); /* who knows whether the last one is whole */
    feed_free(&f);
}

/* H100: every packet has a marker: frames that begin nowhere are none. */
/* proves: H100 */
static void a_marker_storm_gives_no_frames(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    for (uint16_t i = 0; i < 20000; i++, f.now += 1000) {
        struct feed_frame v = frame(1, -1);
        struct feed_packet p = feed_vp8_packet(&v, i, 1, 2);
        p.seq = i;
        p.marker = true;
        feed_in(&f, &feed_vp8, &p);
        assert_true(sotto__mem_live() < 30); /* the first ones wait for earlier ones */
        feed_pull_all(&f);
    }
    assert_int_equal(f.frames, 0);
    assert_int_equal(feed_stats(&f).frames_dropped, 20000);
    in(&f, 9, -1, 20000, 2);
    assert_int_equal(feed_pull_all(&f), 1);
    feed_free(&f);
}

/* H132: a frame that never begins, and one that never ends. */
/* proves: H132 */
static void endless_frames_cost_bounded_memory_and_linear_time(void **state)
{
    (void)state;
    for (int has_start = 0; has_start < 2; has_start++) {
        struct feed f;
        feed_init(&f, &video);
        struct feed_packet p = {.time = 5, .payload = {0x7c, 0x05, 1}, .n = 900}; /* FU-A of an IDR: RFC 6184 §5.8 */
        size_t most = 0;
        for (uint32_t i = 0; i < 1000000; i++, f.now += 30) {
            p.seq = (uint16_t)i;
            p.payload[1] = i == 0 && has_start ? 0x85 : 0x05;
            feed_in(&f, &feed_h264, &p);
            if (f.r->n_bytes > most) most = f.r->n_bytes;
        }
        assert_true(most <= SOTTO_RECV_BYTES);
        assert_true(has_start ? most > SOTTO_MAX_FRAME : most < 1600000);
        assert_true(most < SOTTO_MAX_FRAME / 4 * 7);
        p.seq = (uint16_t)1000000;
        p.marker = true;
        feed_in(&f, &feed_h264, &p);
        assert_int_equal(f.r->n_bytes, 0);
        feed_run(&f, f.now + SOTTO_MS(500));
        assert_int_equal(f.frames, 0);
        assert_in_range(f.plis, 1, 2);
        feed_free(&f);
    }
}

static void a_frame_of_four_megabytes_is_handed_over(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    struct feed_packet p = {.time = 5, .n = 1102};
    p.payload[0] = 0x7c;
    for (uint32_t i = 0; i < 4000; i++) {
        p.seq = (uint16_t)i;
        p.payload[1] = i == 0 ? 0x87 : i == 3999 ? 0x47 : 0x07; /* an SPS of that size is silly, but is one unit */
        p.marker = i == 3999;
        feed_in(&f, &feed_h264, &p);
    }
    later(&f);
    struct receiver_stats s = feed_stats(&f);
    assert_int_equal(s.frames + s.frames_dropped, 1); /* whole: what it is worth the payload's reader judges */
    assert_int_equal(f.r->n_bytes, 0);
    feed_free(&f);
}

enum { LAYER = 60, MAX_SEALED = LAYER + SFRAME_OVERHEAD };

/* A layer of a VP9 picture, or a half of one. */
static struct feed_packet vp9(uint16_t picture, unsigned spatial, bool begins, bool ends,
                              const uint8_t *p, size_t n)
{
    struct feed_packet out = {.time = picture * 3000u, .n = 5 + n};
    out.payload[0] = (uint8_t)(0xa0 | (picture > 1 ? 0x40 : 0) | begins << 3 | ends << 2); /* I, L; P; B; E */
    out.payload[1] = 0x80, out.payload[2] = (uint8_t)picture;
    out.payload[3] = (uint8_t)(spatial << 1 | (spatial > 0));
    memcpy(out.payload + 5, p, n);
    return out;
}

static void give_key(struct e2ee *e, int32_t direction)
{
    static const uint8_t bytes[16] = {0x99, 1};
    const sotto_e2ee_key k = {.size = sizeof k, .kid = 3, .key = bytes, .key_len = sizeof bytes};
    assert_int_equal(sotto__e2ee_add(e, direction, &k), 0);
}

/* Sends a picture of `sent` layers, each sealed by itself and in two packets; the tag of layer `bad` is changed. want: the picture. */
static void layers_in(struct feed *f, struct e2ee *from, uint16_t picture, unsigned sent,
                      unsigned bad, struct buf *want)
{
    static const struct codec codec = {.id = CODEC_VP9, .clock = 90000, .pt = 98};
    static const uint8_t key[LAYER] = {0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xf0, 0x1d, 0xf0},
                         other[LAYER] = {0x86};
    static uint16_t seq;
    struct feed_packet plain[3];
    struct payload_piece pieces[3];
    for (unsigned i = 0; i < sent; i++) {
        uint8_t sealed[MAX_SEALED];
        const uint8_t *p = i == 0 && picture == 1 ? key : other;
        size_t n;
        plain[i] = vp9(picture, i, true, true, p, LAYER - i);
        pieces[i] = (struct payload_piece){plain[i].payload, plain[i].n};
        assert_int_equal(sotto__e2ee_seal(from, (struct sframe_bytes){key, 0},
                                          (struct sframe_bytes){p, LAYER - i}, sealed, &n),
                         0);
        if (i == bad) sealed[n - 1] ^= 1;
        for (unsigned half = 0; half < 2; half++) {
            struct feed_packet packet = vp9(picture, i, half == 0, half == 1,
                                            half ? sealed + 40 : sealed, half ? n - 40 : 40);
            packet.seq = seq++;
            packet.marker = half == 1 && i == sent - 1;
            feed_in(f, &codec, &packet);
        }
    }
    sotto__buf_init(want, SOTTO_MAX_FRAME);
    assert_int_equal(sotto__payload_join(CODEC_VP9, pieces, sent, want), 0);
}

/* As a browser's transform gets them. */
/* proves: S25 H137 */
static void layers_that_were_sealed_one_by_one_come_out_as_one_picture(void **state)
{
    static const struct {
        unsigned sent, bad;
    } pictures[] = {{3, 9}, {3, 9}, {1, 9}, {2, 9}, {3, 2}, {3, 0}}; /* a server leaves layers out; tampers with one */
    struct receiver_cfg cfg = no_repair;
    struct e2ee *from, *to;
    struct feed f;
    (void)state;
    assert_int_equal(sotto__e2ee_new(&from), 0);
    assert_int_equal(sotto__e2ee_new(&to), 0);
    give_key(from, SOTTO_E2EE_SEND);
    give_key(to, SOTTO_E2EE_RECEIVE);
    cfg.e2ee = to;
    feed_init(&f, &cfg);
    for (uint16_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        struct receiver_out say;
        struct buf want;
        layers_in(&f, from, (uint16_t)(i + 1), pictures[i].sent, pictures[i].bad, &want);
        f.now += SOTTO_MS(500);
        while (sotto__receiver_next(f.r, f.now, &say) == 1) continue;
        struct received *got = sotto__receiver_pull(f.r, f.now);
        if (pictures[i].bad == 9) {
            assert_non_null(got);
            assert_int_equal(got->n, want.n);
            assert_memory_equal(got->data, want.p, want.n);
            assert_int_equal(got->is_key, i == 0);
        } else {
            assert_null(got);
        }
        sotto__received_free(got);
        sotto__buf_free(&want);
    }
    feed_free(&f);
    sotto__e2ee_free(from);
    sotto__e2ee_free(to);
}

static struct feed_packet h264(uint16_t seq, uint32_t time, bool marker, uint8_t unit)
{
    struct feed_packet p = {.seq = seq,
                            .time = time,
                            .marker = marker,
                            .payload = {unit, 0x88, 3, 4, 5, 6, 7, 8},
                            .n = 8};
    return p;
}

/* H.264 payloads do not say where a frame begins: what came before must be there. */
static void h264_frames_begin_after_what_came_before(void **state)
{
    static const struct {
        const char *name;
        const uint8_t units[6]; /* of six packets; 0: lost. Times: 0 0 0, 1, 2 2 */
        uint64_t frames, plis;
    } rows[] = {
        {"all", {0x67, 0x68, 0x65, 0x41, 0x67, 0x65}, 3, 0},
        {"middle of a stream", {0x41, 0x41, 0x41, 0x41, 0x67, 0x65}, 1, 0},
        {"the end of the second is unknown", {0x67, 0x68, 0x65, 0, 0x65, 0x65}, 1, 1},
        {"a lost parameter set", {0x67, 0, 0x65, 0x41, 0x41, 0x41}, 0, 1},
        {"not needed", {0x67, 0x68, 0x65, 0x01, 0x41, 0x41}, 3, 0},
        {"a delimiter first", {0x09, 0x67, 0x65, 0x41, 0x41, 0x41}, 3, 0},
        {"a gap before parameter sets", {0x67, 0x68, 0x65, 0, 0x67, 0x65}, 2, 0},
        {"a unit that is none", {0x67, 0x68, 0x65, 0x1f, 0x41, 0x41}, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const uint32_t times[6] = {0, 0, 0, 3000, 6000, 6000};
        struct feed f;
        feed_init(&f, &no_repair);
        for (uint16_t k = 0; k < 6; k++) {
            struct feed_packet p = h264(k, times[k], k == 2 || k == 3 || k == 5, rows[i].units[k]);
            if (rows[i].units[k]) feed_in(&f, &feed_h264, &p);
        }
        f.now += SOTTO_MS(30);
        feed_run(&f, f.now + SOTTO_MS(250));
        if (f.frames != rows[i].frames || f.plis != rows[i].plis)
            fail_msg("%s: %d frames, %d requests", rows[i].name, (int)f.frames, (int)f.plis);
        feed_free(&f);
    }
}

/* Cameras that set the marker on every unit. */
static void parameter_sets_of_their_own_belong_to_the_picture_after_them(void **state)
{
    static const uint8_t units[] = {0x67, 0x68, 0x65, 0x41};
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    for (uint16_t i = 0; i < 4; i++) {
        struct feed_packet p = h264(i, i == 3 ? 3000 : 0, true, units[i]);
        feed_in(&f, &feed_h264, &p);
    }
    f.now += SOTTO_MS(30);
    struct receiver_out out;
    assert_int_equal(sotto__receiver_next(f.r, f.now, &out), 0);
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_true(got->is_key);
    assert_int_equal(got->n, 3 * (4 + 8));
    sotto__received_free(got);
    assert_int_equal(feed_pull_all(&f), 1);
    assert_int_equal(f.dropped_sum, 0);
    feed_free(&f);
}

static void without_picture_ids_times_tell_how_many_were_lost(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &no_repair);
    for (uint32_t i = 0; i < 12; i++) {
        struct feed_frame v = frame(i, i == 9 ? -1 : (int64_t)i - 1);
        v.no_ids = true;
        if (i < 5 || i > 7) feed_vp8_in(&f, &v, (uint16_t)(3 * i), 3);
        later(&f);
    }
    assert_int_equal(f.frames, 5 + 3);
    assert_int_equal(f.dropped_sum, 4); /* 5, 6, 7, and 8, which needed them */
    feed_free(&f);
}

static void what_packets_tell_is_told_with_the_frame(void **state)
{
    struct feed f;
    uint8_t descriptor[SOTTO_MAX_DEPENDENCY + 1] = {1, 2, 3};
    (void)state;
    feed_init(&f, &video);
    struct feed_frame v = frame(0, -1);
    sotto_us first_at = f.now;
    f.ext.has = 1u << EXT_DEPENDENCY;
    f.ext.dependency = descriptor;
    f.ext.n_dependency = SOTTO_MAX_DEPENDENCY;
    packet_in(&f, &v, 0, 0, 2);
    f.now += 500;
    f.ext.has = 1u << EXT_ORIENTATION | 1u << EXT_ABS_CAPTURE | 1u << EXT_DEPENDENCY;
    f.ext.rotation = 3;
    f.ext.abs_capture = (uint64_t)77 << 32;
    f.ext.n_dependency = 1;
    packet_in(&f, &v, 0, 1, 2);
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->rotation, 3);
    assert_int_equal(got->capture_sent, SOTTO_SECONDS(77));
    assert_int_equal(got->n_dependency, SOTTO_MAX_DEPENDENCY);
    assert_memory_equal(got->dependency, descriptor, SOTTO_MAX_DEPENDENCY);
    assert_int_equal(got->first_at, first_at);
    assert_int_equal(got->at, first_at + 500);
    assert_true(got->is_key && got->pt == 96 && got->clock == 90000 && got->duration == 0);
    sotto__received_free(got);
    struct receiver_stats s = feed_stats(&f);
    assert_int_equal(s.assembly_time, 500);
    assert_int_equal(s.frames_assembled_late, 1);
    assert_int_equal(s.key_frames, 1);
    f.ext.has = 1u << EXT_DEPENDENCY;
    f.ext.n_dependency = SOTTO_MAX_DEPENDENCY + 1; /* one more is none */
    in(&f, 1, 0, 2, 1);
    got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->rotation, 3); /* it is told when it changes */
    assert_int_equal(got->n_dependency, 0);
    sotto__received_free(got);
    f.ext.has = 0;
    in(&f, 2, -1, 3, 1);
    got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->rotation, 0); /* … and by key frames */
    sotto__received_free(got);
    feed_free(&f);
}

/* RFC 7587 §3.1.3: with DTX times go on and sequence numbers do not. */
static void silence_is_no_loss(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &(struct receiver_cfg){.mode = SOTTO_RECEIVE_ORDERED});
    for (uint16_t i = 0; i < 100; i++) {
        feed_opus_in(&f, i, i * 960u + (i > 50 ? 48000 * 60 : 0));
        if (i == 50) feed_run(&f, f.now + SOTTO_SECONDS(60));
        feed_run(&f, f.now + SOTTO_MS(20));
    }
    assert_int_equal(f.frames, 100);
    assert_int_equal(f.dropped_sum, 0);
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_frames_come_out_and_broken_chains_wait_for_a_key_frame),
        cmocka_unit_test(lower_layers_go_on_when_a_higher_one_is_broken),
        cmocka_unit_test(what_is_broken_stays_broken_until_a_key_frame_comes),
        cmocka_unit_test(a_frame_that_contradicts_itself_is_needed),
        cmocka_unit_test(ids_of_seven_bits_say_nothing_of_long_gaps),
        cmocka_unit_test(a_marker_or_the_next_time_ends_a_frame),
        cmocka_unit_test(a_marker_storm_gives_no_frames),
        cmocka_unit_test(endless_frames_cost_bounded_memory_and_linear_time),
        cmocka_unit_test(a_frame_of_four_megabytes_is_handed_over),
        cmocka_unit_test(layers_that_were_sealed_one_by_one_come_out_as_one_picture),
        cmocka_unit_test(h264_frames_begin_after_what_came_before),
        cmocka_unit_test(parameter_sets_of_their_own_belong_to_the_picture_after_them),
        cmocka_unit_test(without_picture_ids_times_tell_how_many_were_lost),
        cmocka_unit_test(what_packets_tell_is_told_with_the_frame),
        cmocka_unit_test(silence_is_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pictures of real encoders, split into small packets, which arrive out of order, some after a repair: for each codec exactly the
 * frames that were sent come out, with those that may be shown first marked as key frames.
 */
#include "feed.h"

#include "util/bytes.h"

#define MAX_FRAMES 256u
#define MAX_PACKETS 16384u
#define ROUNDS 8u /* the stream is played so often */

struct picture {
    const uint8_t *p;
    size_t n;
};

struct film {
    uint8_t *bytes;
    size_t n;
    struct picture pictures[MAX_FRAMES];
    size_t n_pictures;
};

static void read_file(struct film *f, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/media/%s", FIXTURES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    f->bytes = malloc(1 << 20);
    assert_non_null(f->bytes);
    f->n = fread(f->bytes, 1, 1 << 20, file);
    fclose(file);
}

static void read_ivf(struct film *f)
{
    for (size_t at = 32; at + 12 <= f->n;) { /* little-endian length, time */
        const uint8_t *h = f->bytes + at;
        size_t n = h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16;
        f->pictures[f->n_pictures++] = (struct picture){h + 12, n};
        at += 12 + n;
    }
}

/* Where the next start code begins; n: none. */
static size_t start_code(const struct film *f, size_t at)
{
    for (; at + 3 < f->n; at++)
        if (!f->bytes[at] && !f->bytes[at + 1] && f->bytes[at + 2] == 1) return at;
    return f->n;
}

/* An access unit ends before what comes between its last slice and the first slice of the next picture. */
static void read_units(struct film *f, bool is_h265)
{
    size_t begin = 0, after = 0;
    bool has_slice = false;
    for (size_t at = start_code(f, 0), next; at < f->n; at = next) {
        const uint8_t *unit = f->bytes + at + 3;
        next = start_code(f, at + 3);
        size_t to = next < f->n && f->bytes[next - 1] == 0 ? next - 1 : next;
        unsigned type = is_h265 ? unit[0] >> 1 & 63 : unit[0] & 31;
        bool is_slice = is_h265 ? type < 32 : type == 1 || type == 5;
        bool is_first = is_slice && (unit[is_h265 ? 2 : 1] & 0x80);
        if (is_first && has_slice) {
            f->pictures[f->n_pictures++] = (struct picture){f->bytes + begin, after - begin};
            begin = after;
        }
        has_slice = has_slice || is_slice;
        if (is_slice) after = to;
    }
    f->pictures[f->n_pictures++] = (struct picture){f->bytes + begin, f->n - begin};
}

struct sent {
    struct feed_packet p;
    sotto_us at;
};

struct expected {
    struct buf bytes;
    bool is_key;
    uint32_t time;
};

static uint32_t seed;
static unsigned chance(unsigned n) /* one in n */
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n == 0;
}

/* One picture: its packets on their way, and what is to come out. */
static size_t send(const struct codec *codec, struct split_state *state, const struct picture *pic,
                   uint32_t time, sotto_us at, struct sent *out, uint16_t seq,
                   struct expected *want)
{
    struct split s;
    struct payload_piece pieces[512];
    size_t n = 0;
    want->is_key = sotto__frame_is_key(codec->id, pic->p, pic->n);
    want->time = time;
    sotto__buf_init(&want->bytes, SOTTO_MAX_FRAME);
    assert_int_equal(sotto__split_init(&s, codec, state, pic->p, pic->n, 150, want->is_key), 0);
    for (;; n++) {
        assert_true(n < 512);
        struct sent *o = &out[n];
        o->p = (struct feed_packet){.seq = (uint16_t)(seq + n), .time = time};
        o->p.n = sotto__split_next(&s, o->p.payload);
        if (o->p.n == 0) break;
        o->at = at + (sotto_us)n * 50;
        if (chance(3)) o->at += 3000;
        o->p.repair = chance(20);
        if (o->p.repair) o->at += SOTTO_MS(100);
        pieces[n] = (struct payload_piece){o->p.payload, o->p.n};
    }
    assert_true(n > 0);
    out[n - 1].p.marker = true;
    assert_int_equal(sotto__payload_join(codec->id, pieces, n, &want->bytes), 0);
    return n;
}

static int by_arrival(const void *a, const void *b)
{
    const struct sent *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return (int16_t)(uint16_t)(x->p.seq - y->p.seq);
}

static void require(struct feed *f, const struct expected *want)
{
    struct received *got = sotto__receiver_pull(f->r, f->now);
    assert_non_null(got);
    assert_int_equal(got->time, want->time);
    assert_int_equal(got->is_key, want->is_key);
    assert_int_equal(got->n, want->bytes.n);
    assert_memory_equal(got->data, want->bytes.p, got->n);
    assert_int_equal(got->dropped, 0);
    sotto__received_free(got);
}

static void play(const struct film *film, const struct codec *codec)
{
    static struct sent packets[MAX_PACKETS];
    static struct expected want[ROUNDS * MAX_FRAMES];
    struct split_state state = {.picture_id = 0x7ff0};
    struct feed f;
    size_t n = 0, frames = 0, out = 0;
    const struct receiver_cfg cfg = {
        .is_video = true, .nack = true, .pli = true, .target = SOTTO_MS(300)}; /* there is time for repairs */
    feed_init(&f, &cfg);
    for (size_t i = 0; i < ROUNDS * film->n_pictures; i++) {
        static const uint32_t order[4] = {0, 3, 1, 2}; /* of B-frames: times are not those of decoding */
        uint32_t time = 0xffff0000 + (uint32_t)(i / 4 * 4 + order[i % 4]) * 3000;
        assert_true(n + 512 < MAX_PACKETS);
        n += send(codec, &state, &film->pictures[i % film->n_pictures], time,
                  f.now + (sotto_us)i * 33333, &packets[n], (uint16_t)(65500 + n), &want[frames++]);
    }
    packets[0].at = f.now - 1; /* where it begins is certain */
    packets[0].p.repair = false;
    qsort(packets, n, sizeof *packets, by_arrival);
    for (size_t i = 0; i <= n; i++) {
        struct receiver_out say;
        f.now = i < n ? packets[i].at : f.now + SOTTO_SECONDS(1);
        if (i < n) feed_in(&f, codec, &packets[i].p);
        while (sotto__receiver_next(f.r, f.now, &say) == 1)
            assert_int_equal(say.type, RECEIVER_OUT_NACK);
        while (sotto__receiver_ready(f.r)) require(&f, &want[out++]);
    }
    assert_int_equal(out, frames);
    assert_int_equal(feed_stats(&f).frames_dropped, 0);
    feed_free(&f);
    for (size_t i = 0; i < frames; i++) sotto__buf_free(&want[i].bytes);
    assert_int_equal(sotto__mem_live(), 0);
}

static void all_codecs_come_out_as_they_went_in(void **state)
{
    static const struct {
        const char *name;
        struct codec codec;
    } rows[] = {
        {"vp8.ivf", {.id = CODEC_VP8, .clock = 90000, .pt = 96}},
        {"vp9.ivf", {.id = CODEC_VP9, .clock = 90000, .pt = 98}},
        {"av1.ivf", {.id = CODEC_AV1, .clock = 90000, .pt = 99}},
        {"av1_hidden.ivf", {.id = CODEC_AV1, .clock = 90000, .pt = 99}},
        {"bframes.h264", {.id = CODEC_H264, .clock = 90000, .pt = 102, .params.packetization = 1}},
        {"slices.h264", {.id = CODEC_H264, .clock = 90000, .pt = 102, .params.packetization = 1}},
        {"slices.h265", {.id = CODEC_H265, .clock = 90000, .pt = 104}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct film film = {.n = 0};
        read_file(&film, rows[i].name);
        if (strstr(rows[i].name, ".ivf"))
            read_ivf(&film);
        else
            read_units(&film, rows[i].codec.id == CODEC_H265);
        print_message("%s: %zu pictures\n", rows[i].name, film.n_pictures);
        assert_in_range(film.n_pictures, 4, MAX_FRAMES);
        seed = 1;
        play(&film, &rows[i].codec);
        free(film.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_codecs_come_out_as_they_went_in)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

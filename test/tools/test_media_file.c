/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of media: fixtures that ffmpeg 5.1 wrote are read unit by unit; what is written is read again; broken ones are refused. */
#include "media_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"

struct file {
    uint8_t *data;
    size_t n;
};

static struct file load(const char *name)
{
    char path[512];
    struct file f = {0};
    snprintf(path, sizeof path, "%s/media_file/%s", FIXTURES, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    f.data = malloc(1 << 20);
    assert_non_null(f.data);
    f.n = fread(f.data, 1, 1 << 20, in);
    fclose(in);
    return f;
}

/* What ffprobe says of each fixture. */
static const struct {
    const char *name, *mime, *keys; /* K a key frame */
    int32_t width, height, channels;
    int units;
    int64_t duration_us;
} fixtures[] = {
    {"baseline.h264", "video/H264", "K---K---", 178, 100, 0, 8, 40000},
    {"vp8.ivf", "video/VP8", "K--K--", 176, 144, 0, 6, 33333},
    {"vp9.ivf", "video/VP9", "K--K--", 178, 100, 0, 6, 33333},
    {"av1.ivf", "video/AV1", "K--K--", 178, 100, 0, 6, 41708},
    {"mono.ogg", "audio/opus", NULL, 0, 0, 1, 15, 20000},
    {"tags.ogg", "audio/opus", NULL, 0, 0, 2, 9, 60000},
};
#define N_FIXTURES (sizeof fixtures / sizeof *fixtures)

static void files_of_ffmpeg_are_read_unit_by_unit_and_again_after_a_rewind(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        struct file f = load(fixtures[i].name);
        struct media_reader r;
        struct media_unit u;
        assert_int_equal(media_reader_init(&r, f.data, f.n), 0);
        assert_string_equal(r.mime, fixtures[i].mime);
        assert_int_equal(r.width, fixtures[i].width);
        assert_int_equal(r.height, fixtures[i].height);
        assert_int_equal(r.channels, fixtures[i].channels);
        for (int round = 0; round < 2; round++) {
            int n = 0;
            while (media_reader_next(&r, &u) == 1) {
                int64_t at = fixtures[i].duration_us * n;
                if (fixtures[i].keys) assert_int_equal(u.is_key, fixtures[i].keys[n] == 'K');
                assert_in_range(u.at_us, at, at + n);
                assert_in_range(u.duration_us, fixtures[i].duration_us,
                                fixtures[i].duration_us + 1);
                assert_true(u.len > 0);
                n++;
            }
            assert_int_equal(n, fixtures[i].units);
            media_reader_rewind(&r);
        }
        media_reader_free(&r);
        free(f.data);
    }
}

static void access_units_together_are_the_whole_h264_file(void **state)
{
    struct file f = load("baseline.h264");
    struct media_reader r;
    struct media_unit u;
    const uint8_t *end = f.data;
    (void)state;
    assert_int_equal(media_reader_init(&r, f.data, f.n), 0);
    while (media_reader_next(&r, &u) == 1) {
        assert_ptr_equal(u.data, end);
        end = u.data + u.len;
    }
    assert_ptr_equal(end, f.data + f.n);
    media_reader_free(&r);
    free(f.data);
}

/* proves: H134 */
static void files_that_are_cut_anywhere_end_or_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        struct file f = load(fixtures[i].name);
        for (size_t n = 0; n < f.n; n += n < 200 ? 1 : 97) {
            uint8_t *cut = malloc(n ? n : 1); /* of just this size: ASan sees one byte too far */
            struct media_reader r;
            struct media_unit u;
            int units = 0;
            assert_non_null(cut);
            memcpy(cut, f.data, n);
            if (media_reader_init(&r, cut, n) == 0)
                while (media_reader_next(&r, &u) == 1) units++;
            else
                assert_non_null(r.why);
            assert_true(units <= fixtures[i].units);
            media_reader_free(&r);
            free(cut);
        }
        free(f.data);
    }
}

/* Changes bytes of a fixture; all of these must be refused at once, or when the first unit is asked for. */
static void broken_files_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        const char *why;
    } broken[] = {
        {"vp8.ivf", 0, 'X', "neither H.264"},
        {"vp8.ivf", 4, 1, "header"},
        {"vp8.ivf", 6, 31, "header"},
        {"vp8.ivf", 16, 0, "header"},       /* the time base 30/1 becomes 0/1 */
        {"vp8.ivf", 20, 0, "header"},       /* … 30/0 */
        {"vp8.ivf", 8, 'W', "another codec"},
        {"vp8.ivf", 35, 0xff, "cut off"},   /* a frame of 4 GB */
        {"mono.ogg", 4, 1, "without a stream"}, /* another version */
        {"mono.ogg", 22, 0, "without a stream"}, /* the checksum */
        {"mono.ogg", 28, 'o', "without a stream"},
        {"baseline.h264", 4, 0x68, "parameter set"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct file f = load(broken[i].name);
        struct media_reader r;
        struct media_unit u;
        assert_int_not_equal(f.data[broken[i].at], broken[i].value);
        f.data[broken[i].at] = broken[i].value;
        if (strcmp(broken[i].name, "baseline.h264") == 0) f.n = 40;
        int code = media_reader_init(&r, f.data, f.n);
        if (code == 0) code = media_reader_next(&r, &u);
        if (code != SOTTO_E_SYNTAX) print_message("%s at %zu\n", broken[i].name, broken[i].at);
        assert_int_equal(code, SOTTO_E_SYNTAX);
        assert_non_null(strstr(r.why, broken[i].why));
        media_reader_free(&r);
        free(f.data);
    }
}

static void a_damaged_ogg_page_ends_the_file_with_an_error(void **state)
{
    struct file f = load("mono.ogg");
    struct media_reader r;
    struct media_unit u;
    int code;
    (void)state;
    f.data[f.n - 5] ^= 1;
    assert_int_equal(media_reader_init(&r, f.data, f.n), 0);
    while ((code = media_reader_next(&r, &u)) == 1) continue;
    assert_int_equal(code, SOTTO_E_SYNTAX);
    media_reader_free(&r);
    free(f.data);
}

static void times_that_go_back_in_an_ivf_file_are_refused(void **state)
{
    struct file f = load("vp8.ivf");
    struct media_reader r;
    struct media_unit u;
    (void)state;
    f.data[32 + 4] = 9; /* the first frame is at tick 9, the second at 1 */
    assert_int_equal(media_reader_init(&r, f.data, f.n), 0);
    assert_int_equal(media_reader_next(&r, &u), 1);
    assert_int_equal(media_reader_next(&r, &u), SOTTO_E_SYNTAX);
    media_reader_free(&r);
    free(f.data);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static struct {
    int fd; /* the writer closes its own */
    uint8_t data[1 << 18];
} written;

static void open_writer(struct media_writer *w, const char *mime, int32_t channels)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    written.fd = dup(fileno(file));
    assert_true(written.fd >= 0);
    assert_int_equal(media_writer_init(w, file, mime, channels, 77), 0);
}

/* Ends the file and reads it back; returns its length. */
static size_t close_writer(struct media_writer *w)
{
    ssize_t n;
    assert_int_equal(media_writer_close(w), 0);
    n = pread(written.fd, written.data, sizeof written.data, 0);
    assert_true(n >= 0 && n < (ssize_t)sizeof written.data);
    close(written.fd);
    return (size_t)n;
}

static void what_was_read_and_written_reads_the_same(void **state)
{
    static struct media_writer w;
    (void)state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        struct file f = load(fixtures[i].name);
        struct media_reader a, b;
        struct media_unit u, v;
        int64_t hz = fixtures[i].channels ? 48000 : 90000;
        uint32_t base = 0xfffff000u; /* wraps on the way */
        assert_int_equal(media_reader_init(&a, f.data, f.n), 0);
        open_writer(&w, a.mime, a.channels);
        while (media_reader_next(&a, &u) == 1)
            assert_int_equal(media_writer_put(&w, u.data, u.len,
                                              base + (uint32_t)((u.at_us * hz + 500000) / 1000000),
                                              u.is_key),
                             1);
        assert_int_equal(w.frames, fixtures[i].units);
        size_t n = close_writer(&w);
        media_reader_rewind(&a);
        assert_int_equal(media_reader_init(&b, written.data, n), 0);
        assert_string_equal(b.mime, a.mime);
        if (a.format == MEDIA_IVF) assert_true(b.width == a.width && b.height == a.height);
        for (int k = 0; k < fixtures[i].units; k++) {
            assert_int_equal(media_reader_next(&a, &u), 1);
            assert_int_equal(media_reader_next(&b, &v), 1);
            assert_int_equal(u.len, v.len);
            assert_memory_equal(u.data, v.data, u.len);
            assert_in_range(v.at_us - u.at_us + 12, 0, 24); /* a tick is 11 us */
            assert_int_equal(u.is_key, v.is_key);
        }
        media_reader_free(&a);
        media_reader_free(&b);
        free(f.data);
    }
}

static void an_ivf_file_begins_with_a_key_frame_and_says_how_long_it_is(void **state)
{
    static struct media_writer w;
    static const uint8_t key[] = {0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 9},
                         delta[] = {0x31, 7};
    (void)state;
    open_writer(&w, "video/VP8", 0);
    assert_int_equal(media_writer_put(&w, delta, sizeof delta, 3000, false), 0);
    assert_int_equal(media_writer_put(&w, key, 0, 3000, true), 0);
    assert_int_equal(media_writer_put(&w, key, sizeof key, 6000, true), 1);
    assert_int_equal(media_writer_put(&w, delta, sizeof delta, 9000, false), 1);
    assert_int_equal(close_writer(&w), 32 + 12 + sizeof key + 12 + sizeof delta);
    static const uint8_t want[] = {'D', 'K',  'I',  'F',  0, 0,    32,   0, 'V', 'P', '8',
                                   '0', 0x40, 1,    0xf0, 0, 0x90, 0x5f, 1, 0,   1,   0,
                                   0,   0,    0x70, 0x17, 0, 0,    0,    0, 0,   0,   sizeof key,
                                   0,   0,    0,    0,    0, 0,    0,    0, 0,   0,   0};
    assert_memory_equal(written.data, want, sizeof want);
    assert_int_equal(written.data[32 + 12 + sizeof key + 4], 0xb8); /* 3000 ticks */
    assert_int_equal(written.data[32 + 12 + sizeof key + 5], 0x0b);
}

/* proves: H134 */
static void a_key_frame_without_a_size_does_not_begin_a_file(void **state)
{
    static struct media_writer w;
    static const uint8_t bad[] = {0x10, 0, 0, 0x9d, 1, 0x2b, 0x40, 1, 0xf0, 0};
    (void)state;
    open_writer(&w, "video/VP8", 0);
    assert_int_equal(media_writer_put(&w, bad, sizeof bad, 0, true), SOTTO_E_SYNTAX);
    assert_int_equal(media_writer_put(&w, bad, 9, 0, true), SOTTO_E_SYNTAX);
    close_writer(&w);
}

/* Packets of 20 ms: code 0, configuration 31 is 20 ms of CELT. */
static void gaps_in_the_rtp_time_are_filled_and_old_packets_left_out(void **state)
{
    static struct media_writer w;
    static const uint8_t packet[] = {0xf8, 1, 2, 3};
    static const struct {
        uint32_t rtp;
        int code;
    } put[] = {{1000, 1}, {1960, 1}, {1960, 0}, {1000, 0}, {4840, 1} /* two are missing */,
               {5800, 1}};
    static const size_t want[] = {4, 4, 1, 1, 4, 4};
    struct media_reader r;
    struct media_unit u;
    (void)state;
    open_writer(&w, "audio/OPUS", 1);
    for (size_t i = 0; i < sizeof put / sizeof *put; i++)
        assert_int_equal(media_writer_put(&w, packet, sizeof packet, put[i].rtp, false),
                         put[i].code);
    assert_int_equal(w.frames, 4);
    size_t n = close_writer(&w);
    assert_int_equal(media_reader_init(&r, written.data, n), 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(media_reader_next(&r, &u), 1);
        assert_int_equal(u.len, want[i]);
        assert_int_equal(u.at_us, 20000 * i);
        assert_int_equal(u.data[0], 0xf8);
    }
    assert_int_equal(media_reader_next(&r, &u), 0);
    media_reader_free(&r);
}

static void a_sender_that_begins_anew_leaves_no_hours_of_silence(void **state)
{
    static struct media_writer w;
    static const uint8_t packet[] = {0xf8, 1};
    (void)state;
    open_writer(&w, "audio/opus", 1);
    assert_int_equal(media_writer_put(&w, packet, 2, 0, false), 1);
    assert_int_equal(media_writer_put(&w, packet, 2, 960 + 60 * 48000 + 1, false), 1);
    assert_int_equal(media_writer_put(&w, packet, 2, 0x90000000u, false), 1);
    assert_int_equal(w.granule, 3 * 960);
    assert_int_equal(media_writer_put(&w, packet, 2, 0x90000000u + 960 + 60 * 48000, false), 1);
    assert_int_equal(w.granule, 4 * 960 + 60 * 48000); /* as much as is filled */
    close_writer(&w);
}

/* RFC 3533 §6: sequence of pages, flags, granule position, serial number; the checksum is the reader's to see. */
static void pages_follow_each_other_as_ogg_wants_them(void **state)
{
    static struct media_writer w;
    uint8_t packet[1000] = {0xf8};
    size_t n, pages = 0, at = 0;
    (void)state;
    open_writer(&w, "audio/opus", 2);
    for (uint32_t i = 0; i < 120; i++)
        assert_int_equal(media_writer_put(&w, packet, i % 2 ? 255 : 900, i * 960, false), 1);
    n = close_writer(&w);
    while (at < n) {
        const uint8_t *p = written.data + at;
        size_t size = 27u + p[26];
        for (size_t i = 0; i < p[26]; i++) size += p[27 + i];
        assert_memory_equal(p, "OggS\0", 5);
        assert_int_equal(p[5], at == 0 ? 2 : at + size == n ? 4 : 0);
        assert_int_equal(p[14], 77);
        assert_int_equal(p[18], pages);
        if (pages == 2) assert_int_equal(p[6] | p[7] << 8, 48000);
        if (at + size == n) assert_int_equal(p[6] | p[7] << 8 | p[8] << 16, 120 * 960);
        pages++;
        at += size;
    }
    assert_int_equal(at, n);
    assert_int_equal(pages, 5); /* head, tags, a second, a second, the rest */
}

static void what_has_no_file_format_is_refused(void **state)
{
    static struct media_writer w;
    (void)state;
    assert_int_equal(media_writer_init(&w, NULL, "audio/PCMU", 1, 0), SOTTO_E_UNSUPPORTED);
    assert_null(media_extension("video/H265"));
    assert_string_equal(media_extension("video/av1"), "ivf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_ffmpeg_are_read_unit_by_unit_and_again_after_a_rewind),
        cmocka_unit_test(access_units_together_are_the_whole_h264_file),
        cmocka_unit_test(files_that_are_cut_anywhere_end_or_are_refused),
        cmocka_unit_test(broken_files_are_refused_with_a_reason),
        cmocka_unit_test(a_damaged_ogg_page_ends_the_file_with_an_error),
        cmocka_unit_test(times_that_go_back_in_an_ivf_file_are_refused),
        cmocka_unit_test(what_was_read_and_written_reads_the_same),
        cmocka_unit_test(an_ivf_file_begins_with_a_key_frame_and_says_how_long_it_is),
        cmocka_unit_test(a_key_frame_without_a_size_does_not_begin_a_file),
        cmocka_unit_test(gaps_in_the_rtp_time_are_filled_and_old_packets_left_out),
        cmocka_unit_test(a_sender_that_begins_anew_leaves_no_hours_of_silence),
        cmocka_unit_test(pages_follow_each_other_as_ogg_wants_them),
        cmocka_unit_test(what_has_no_file_format_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: media_reader_init and _next of tools/: Annex B, IVF, Ogg. Property: units lie inside the file (or are no longer than an Opus
 * packet), their times never go back, a second reading after a rewind gives the same, and what a writer makes of them reads as the same
 * units.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media_file.h"

#define MAX_UNITS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t hash;
    size_t len;
    int64_t at_us;
    bool is_key;
};

static struct media_writer writer;

static void require(bool claim)
{
    if (!claim) abort();
}

static struct seen look(const struct media_unit *u)
{
    struct seen s = {.hash = 2166136261u, .len = u->len, .at_us = u->at_us, .is_key = u->is_key};
    for (size_t i = 0; i < u->len; i++) s.hash = (s.hash ^ u->data[i]) * 16777619u;
    return s;
}

static size_t read_all(struct media_reader *r, const uint8_t *data, size_t size, struct seen *seen)
{
    struct media_unit u;
    int64_t last = 0;
    size_t n = 0;
    int code = 1;
    while (n < MAX_UNITS && (code = media_reader_next(r, &u)) == 1) {
        bool is_inside = u.data >= data && u.data + u.len <= data + size;
        require(u.len > 0 && (is_inside || (r->format == MEDIA_OGG && u.len <= MEDIA_MAX_OPUS)));
        require(u.at_us >= last && u.duration_us > 0);
        last = u.at_us;
        seen[n++] = look(&u);
    }
    require(code >= 0 || r->why);
    return n;
}

/* Everything from the first key frame on, at times that a writer can hold, into a file. */
static size_t write_all(struct media_reader *r, FILE *file, struct seen *seen)
{
    struct media_unit u;
    size_t n = 0;
    require(media_writer_init(&writer, file, r->mime, r->channels, 1) == 0);
    for (uint32_t rtp = 0; n < MAX_UNITS && media_reader_next(r, &u) == 1;) {
        int code = media_writer_put(&writer, u.data, u.len, rtp, u.is_key);
        require(code == 0 || code == 1 || code == SOTTO_E_SYNTAX);
        rtp += r->kind == SOTTO_AUDIO ? (uint32_t)(u.duration_us * 48 / 1000) : 3000;
        if (code == 1) seen[n++] = look(&u);
    }
    return n;
}

static void round_trip(struct media_reader *r, FILE *file)
{
    static struct seen written[MAX_UNITS], again[MAX_UNITS];
    size_t n = write_all(r, file, written), size;
    struct media_reader back;
    int fd = dup(fileno(file));
    require(fd >= 0 && media_writer_close(&writer) == 0);
    size = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *copy = malloc(size ? size : 1);
    require(copy && pread(fd, copy, size, 0) == (ssize_t)size);
    close(fd);
    if (media_reader_init(&back, copy, size) == 0) {
        size_t m = read_all(&back, copy, size, again);
        require(r->format == MEDIA_H264 || m == n);
        for (size_t i = 0; r->format != MEDIA_H264 && i < n; i++)
            require(written[i].hash == again[i].hash && written[i].len == again[i].len);
    } else { /* nothing was written; or the parameter sets stood before the first key frame */
        require(n == 0 || r->format == MEDIA_H264);
    }
    media_reader_free(&back);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen first[MAX_UNITS], second[MAX_UNITS];
    struct media_reader r;
    if (media_reader_init(&r, data, size) == 0) {
        size_t n = read_all(&r, data, size, first);
        media_reader_rewind(&r);
        require(read_all(&r, data, size, second) == n);
        for (size_t i = 0; i < n; i++)
            require(first[i].hash == second[i].hash && first[i].len == second[i].len &&
                    first[i].at_us == second[i].at_us && first[i].is_key == second[i].is_key);
        media_reader_rewind(&r);
        FILE *file = tmpfile();
        if (file) round_trip(&r, file);
    }
    media_reader_free(&r);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what a browser sends into files: each track, and each layer of a simulcast, into one of its own; another one when its codec
 * changes. Files that exist are never touched. Knows nothing of connections.
 */
#include "demo_media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct track {
    const sotto_transceiver *t;
    char rid[256];
    const char *mime; /* static */
    char name[64];    /* of its file; "" none */
    bool is_over;     /* it failed, has no format, or is as long as it may be */
    struct media_writer writer;
};

struct recorder {
    const char *directory;
    unsigned call;
    size_t n;
    struct track *tracks[DEMO_MAX_TRACKS];
};

struct recorder *recorder_new(const char *directory, unsigned call)
{
    struct recorder *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->directory = directory;
    r->call = call;
    return r;
}

static void complain(const struct recorder *r, const struct track *t, const char *why)
{
    fprintf(stderr, "sotto: recording %s/%s: %s\n", r->directory, t->name, why);
}

static void end(const struct recorder *r, struct track *t)
{
    if (media_writer_close(&t->writer) < 0) complain(r, t, strerror(errno));
}

void recorder_free(struct recorder *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n; i++) {
        end(r, r->tracks[i]);
        free(r->tracks[i]);
    }
    free(r);
}

/* A new file "call1-video1.ivf", or if that exists "call1-video1-2.ivf", …; NULL with errno. */
static FILE *create(const struct recorder *r, struct track *t, size_t index)
{
    const char *kind = strncmp(t->mime, "audio/", 6) == 0 ? "audio" : "video";
    char path[4096], again[16] = "";
    int fd = -1;
    for (unsigned k = 2; fd < 0 && k < 10000; k++) {
        snprintf(t->name, sizeof t->name, "call%u-%s%zu%s.%s", r->call, kind, index + 1, again,
                 media_extension(t->mime));
        if (snprintf(path, sizeof path, "%s/%s", r->directory, t->name) >= (int)sizeof path) {
            errno = ENAMETOOLONG;
            return NULL;
        }
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 && errno != EEXIST) return NULL;
        snprintf(again, sizeof again, "-%u", k);
    }
    return fd < 0 ? NULL : fdopen(fd, "w+");
}

static int begin(const struct recorder *r, struct track *t, size_t index, const char *mime)
{
    uint32_t serial = r->call << 8 | (uint32_t)index;
    FILE *file;
    t->mime = mime;
    t->is_over = true;
    t->name[0] = '\0';
    if (!media_extension(mime)) {
        complain(r, t, mime);
        return -1;
    }
    file = create(r, t, index);
    if (!file || media_writer_init(&t->writer, file, mime, 2, serial) < 0) {
        complain(r, t, strerror(errno));
        if (file) fclose(file);
        return -1;
    }
    t->is_over = false;
    return 0;
}

/* The track of a frame, with its file open; NULL: there is none. */
static struct track *find(struct recorder *r, const sotto_transceiver *t, const sotto_frame *f)
{
    const char *rid = f->rid ? f->rid : "";
    size_t i = 0;
    while (i < r->n && (r->tracks[i]->t != t || strcmp(r->tracks[i]->rid, rid) != 0)) i++;
    if (i == DEMO_MAX_TRACKS) return NULL;
    if (i == r->n) {
        struct track *fresh = calloc(1, sizeof *fresh);
        if (!fresh) return NULL;
        fresh->t = t;
        snprintf(fresh->rid, sizeof fresh->rid, "%s", rid);
        r->tracks[r->n++] = fresh;
    }
    if (r->tracks[i]->mime && strcmp(r->tracks[i]->mime, f->mime) == 0)
        return r->tracks[i]->is_over ? NULL : r->tracks[i];
    end(r, r->tracks[i]);
    return begin(r, r->tracks[i], i, f->mime) < 0 ? NULL : r->tracks[i];
}

int recorder_put(struct recorder *r, const sotto_transceiver *t, const sotto_frame *f)
{
    struct track *to = find(r, t, f);
    int code;
    if (!to) return 0;
    code = media_writer_put(&to->writer, f->data, f->len, f->rtp_time, f->is_key);
    if (code == SOTTO_E_SYS || to->writer.bytes > DEMO_MAX_RECORD) {
        complain(r, to, code < 0 ? strerror(errno) : "it is as long as it may be");
        end(r, to);
        to->is_over = true;
    }
    return code == 1 || (strncmp(to->mime, "audio/", 6) == 0 && code >= 0);
}

size_t recorder_report(const struct recorder *r, char *out, size_t cap)
{
    size_t n = 0;
    const char *between = "";
    for (size_t i = 0; r && i < r->n && n < cap; i++) {
        if (!r->tracks[i]->name[0]) continue;
        int k = snprintf(out + n, cap - n, "%s\"%s\"", between, r->tracks[i]->name);
        if (k < 0 || (size_t)k >= cap - n) break;
        n += (size_t)k;
        between = ",";
    }
    if (n < cap) out[n] = '\0';
    return n;
}

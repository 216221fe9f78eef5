/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of media: recognises a format by its first bytes and hands on to the file of that format. Knows nothing of files on disk but the
 * FILE that a writer gets, and nothing of what is in the units.
 */
#include "media_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int media_reader_init(struct media_reader *r, const uint8_t *data, size_t n)
{
    int code = SOTTO_E_SYNTAX;
    memset(r, 0, sizeof *r);
    r->data = data;
    r->n = n;
    r->why = "neither H.264 (Annex B) nor IVF nor Ogg";
    if (n >= 4 && memcmp(data, "DKIF", 4) == 0) {
        r->format = MEDIA_IVF;
        code = file_ivf_open(r);
    } else if (n >= 4 && memcmp(data, "OggS", 4) == 0) {
        r->format = MEDIA_OGG;
        code = file_ogg_open(r);
    } else if (n >= 4 && data[0] == 0 && data[1] == 0 && (data[2] == 1 || data[2] == 0)) {
        r->format = MEDIA_H264;
        code = file_h264_open(r);
    }
    media_reader_rewind(r);
    return code;
}

int media_reader_next(struct media_reader *r, struct media_unit *ret)
{
    int code = SOTTO_E_STATE;
    switch (r->format) {
    case MEDIA_H264: code = file_h264_next(r, ret); break;
    case MEDIA_IVF: code = file_ivf_next(r, ret); break;
    case MEDIA_OGG: code = file_ogg_next(r, ret); break;
    }
    if (code == 1) r->index++;
    return code;
}

void media_reader_rewind(struct media_reader *r)
{
    r->at = r->first;
    r->index = 0;
    r->segment = 0;
    r->n_packet = 0;
    r->samples = 0;
}

void media_reader_free(struct media_reader *r)
{
    free(r->packet);
    memset(r, 0, sizeof *r);
}

struct known {
    const char *mime, *extension, *fourcc;
    enum media_format format;
};

static const struct known *find(const char *mime)
{
    static const struct known all[] = {{"video/VP8", "ivf", "VP80", MEDIA_IVF},
                                       {"video/VP9", "ivf", "VP90", MEDIA_IVF},
                                       {"video/AV1", "ivf", "AV01", MEDIA_IVF},
                                       {"video/H264", "h264", "", MEDIA_H264},
                                       {"audio/opus", "ogg", "", MEDIA_OGG}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcasecmp(all[i].mime, mime) == 0) return &all[i];
    return NULL;
}

const char *media_extension(const char *mime)
{
    const struct known *k = find(mime);
    return k ? k->extension : NULL;
}

int media_writer_init(struct media_writer *w, FILE *file, const char *mime, int32_t channels,
                      uint32_t serial)
{
    const struct known *k = find(mime);
    int r = 0;
    if (!k) return SOTTO_E_UNSUPPORTED;
    memset(w, 0, sizeof *w);
    w->format = k->format;
    w->file = file;
    w->serial = serial;
    memcpy(w->fourcc, k->fourcc, strlen(k->fourcc));
    if (k->format == MEDIA_OGG) r = file_ogg_begin(w, channels);
    if (r < 0) w->file = NULL;
    return r;
}

int media_writer_put(struct media_writer *w, const uint8_t *data, size_t len, uint32_t rtp_time,
                     bool is_key)
{
    int r = SOTTO_E_STATE;
    if (len == 0) return 0;
    switch (w->format) {
    case MEDIA_H264: r = file_h264_put(w, data, len, is_key); break;
    case MEDIA_IVF: r = file_ivf_put(w, data, len, rtp_time, is_key); break;
    case MEDIA_OGG: r = file_ogg_put(w, data, len, rtp_time); break;
    }
    if (r != 1) return r;
    w->bytes += len;
    w->frames++;
    return fflush(w->file) == 0 ? 1 : SOTTO_E_SYS; /* who is killed leaves a file that can be played */
}

int media_writer_close(struct media_writer *w)
{
    int r = 0;
    if (!w->file) return 0;
    if (w->format == MEDIA_IVF) r = file_ivf_end(w);
    if (w->format == MEDIA_OGG) r = file_ogg_end(w);
    if (fclose(w->file) != 0) r = SOTTO_E_SYS;
    w->file = NULL;
    return r;
}

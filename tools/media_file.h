/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_MEDIA_FILE_H
#define SOTTO_TOOLS_MEDIA_FILE_H
/*
 * Files of encoded media: H.264 as Annex B, IVF (VP8, VP9, AV1), Opus in Ogg (RFC 7845). Readers look at a whole file in memory, which
 * may be hostile; writers write as frames come. Errors are SOTTO_E_*.
 */
#include <sotto/sotto.h>
#include <stdio.h>

enum media_format { MEDIA_H264 = 1, MEDIA_IVF = 2, MEDIA_OGG = 3 };

#define MEDIA_MAX_OPUS (48u * SOTTO_OPUS_MAX_PACKET) /* bytes of a packet: RFC 6716 §3.2.5, 48 frames */
#define MEDIA_MAX_SPAN_US (48 * 3600 * 1000000LL)     /* of the times in a file */

/* One access unit, frame or packet: a view, valid until the next call on its reader. */
struct media_unit {
    const uint8_t *data;
    size_t len;
    int64_t at_us;       /* since the first one */
    int64_t duration_us; /* until the next one, as far as is known: never 0 */
    bool is_key;         /* it can be decoded without those before */
};

struct media_reader {
    enum media_format format;
    int32_t kind;     /* SOTTO_AUDIO, SOTTO_VIDEO */
    const char *mime; /* static: "video/VP8", … */
    int32_t width, height; /* 0: the file does not say */
    int32_t channels;
    const char *why; /* static: what is wrong, after an error */
    /* the rest is the readers' own */
    const uint8_t *data; /* borrowed */
    size_t n, at, first; /* first: where the units begin */
    int64_t index;       /* units that were read */
    int64_t units, per_us; /* H264: frames in `per_us` microseconds. IVF: seconds of a tick are units / per_us */
    uint64_t first_tick, last_tick, tick_step;
    uint32_t serial;    /* Ogg: of the stream */
    size_t segment;     /* … of the page at `at` that comes next */
    size_t n_packet;    /* bytes in `packet` */
    int64_t samples;    /* … at 48 kHz so far */
    uint8_t *packet;    /* MEDIA_MAX_OPUS bytes; owned */
};

/* Recognises the format by what is in it. Returns 0, or SOTTO_E_SYNTAX with `why`, SOTTO_E_NOMEM. free is legal in any case. */
int media_reader_init(struct media_reader *r, const uint8_t *data, size_t n);
int media_reader_next(struct media_reader *r, struct media_unit *ret); /* 1; 0 the end; <0 as above */
void media_reader_rewind(struct media_reader *r);
void media_reader_free(struct media_reader *r);

struct media_writer {
    enum media_format format;
    FILE *file; /* owned */
    uint64_t bytes; /* of media that were written */
    uint32_t frames;
    /* the rest is the writers' own */
    char fourcc[5];
    bool begun;
    uint32_t rtp;      /* of the last one */
    int64_t ticks;     /* IVF: its time, in 1/90000 s. Ogg: where the page begins, in samples */
    int64_t step;      /* IVF: from the one before it */
    int32_t width, height;
    int64_t granule;   /* Ogg: samples up to the end of what is in the page */
    uint32_t next_rtp; /* … that follows without a gap */
    uint32_t serial, page;
    uint8_t toc;       /* of the last packet */
    size_t n_segments, n_body;
    uint8_t segments[255];
    uint8_t body[255 * 255];
};

/* The ending of a file that holds this codec, "ivf", "h264", "ogg"; NULL: there is none. */
const char *media_extension(const char *mime);
/* file: moved on success, "w+" and empty. serial: any number. channels: of Opus. Returns 0, SOTTO_E_UNSUPPORTED, SOTTO_E_SYS. */
int media_writer_init(struct media_writer *w, FILE *file, const char *mime, int32_t channels,
                      uint32_t serial);
/* Returns 1; 0 not written: before the first key frame, empty, or older than what is written; SOTTO_E_SYNTAX not of this codec,
 * SOTTO_E_SYS. */
int media_writer_put(struct media_writer *w, const uint8_t *data, size_t len, uint32_t rtp_time,
                     bool is_key);
int media_writer_close(struct media_writer *w); /* ends and closes the file; 0 or SOTTO_E_SYS */

/* What the formats consist of: file_h264.c, file_ivf.c, file_ogg.c. */
int file_h264_open(struct media_reader *r);
int file_h264_next(struct media_reader *r, struct media_unit *ret);
int file_h264_put(struct media_writer *w, const uint8_t *data, size_t len, bool is_key);
int file_ivf_open(struct media_reader *r);
int file_ivf_next(struct media_reader *r, struct media_unit *ret);
int file_ivf_put(struct media_writer *w, const uint8_t *data, size_t len, uint32_t rtp_time,
                 bool is_key);
int file_ivf_end(struct media_writer *w);
int file_ogg_open(struct media_reader *r);
int file_ogg_next(struct media_reader *r, struct media_unit *ret);
int file_ogg_begin(struct media_writer *w, int32_t channels);
int file_ogg_put(struct media_writer *w, const uint8_t *data, size_t len, uint32_t rtp_time);
int file_ogg_end(struct media_writer *w);

/* The width and height in a key frame of VP8 or VP9, or in an AV1 temporal unit or H.264 access unit with its sequence's parameters.
 * False: not in there. codec_size.c */
bool codec_is_key(const char *fourcc, const uint8_t *p, size_t n); /* VP80, VP90, AV01 */
bool codec_size(const char *fourcc, const uint8_t *p, size_t n, int32_t *width, int32_t *height);

/* What an H.264 sequence parameter set says. frames in per_us microseconds; 0: it does not say. */
struct h264_sequence {
    int32_t width, height;
    int64_t frames, per_us;
};
bool codec_h264_sequence(const uint8_t *nal, size_t n, struct h264_sequence *ret);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_MEDIA_H
#define SOTTO_TOOLS_MEDIA_H
/* Pictures and what encodes them: a generated pattern, a camera, libvpx, OpenH264. Errors are SOTTO_E_*. */
#include <sotto/sotto.h>

/* A picture in I420: a plane of brightness, then two of colour at half the width and height. Both are even. */
struct picture {
    int32_t width, height;
    uint8_t *y, *u, *v; /* rows without gaps; one block, `y` begins it */
};

#define PICTURE_MIN 160
#define PICTURE_MAX 4096 /* of either side */

int picture_init(struct picture *p, int32_t width, int32_t height); /* 0, SOTTO_E_RANGE, SOTTO_E_NOMEM; all-zero before */
void picture_free(struct picture *p);
size_t picture_bytes(const struct picture *p);

/* --- pattern.c: a moving picture with a clock for people and one for machines, and a sound to go with it ---------------------- */

/*
 * The clock for machines: milliseconds since 1970, modulo 2^32, as 32 squares, most significant bit first, then 8 of a checksum: the
 * sum of the four bytes plus 0x5a. Two rows of PATTERN_COLUMNS at the top edge; a square is width / PATTERN_COLUMNS wide and as high;
 * bright is 1.
 */
#define PATTERN_COLUMNS 20
#define PATTERN_ROWS 2
void pattern_draw(const struct picture *p, int64_t wall_ms);
bool pattern_read(const struct picture *p, uint32_t *wall_ms); /* false: no clock that can be read */

/* A soft tone, and a beep of PATTERN_BEEP_MS at each full second of the wall clock: higher every tenth one. Mono, 48 kHz. */
#define PATTERN_BEEP_MS 120
void pattern_sound(int16_t *pcm, size_t frames, int64_t wall_us);

/* --- encoders -------------------------------------------------------------------------------------------------------- */

struct encoder;
/* video: what it encodes to, valid until its next call. */
struct encoded {
    const uint8_t *data;
    size_t len; /* 0: the encoder left this frame out */
    bool is_key;
};

/* fps: of the pictures that will come. Return 0, SOTTO_E_NOMEM, SOTTO_E_SYS (the codec's library refused). */
int encode_vpx_new(int32_t width, int32_t height, int32_t fps, uint32_t bps, struct encoder **ret);
int encode_vpx(struct encoder *e, const struct picture *p, bool key, struct encoded *ret);
int encode_vpx_set_bitrate(struct encoder *e, uint32_t bps);
void encode_vpx_free(struct encoder *e);

int encode_h264_new(int32_t width, int32_t height, int32_t fps, uint32_t bps, struct encoder **ret);
int encode_h264(struct encoder *e, const struct picture *p, bool key, struct encoded *ret);
int encode_h264_set_bitrate(struct encoder *e, uint32_t bps);
void encode_h264_free(struct encoder *e);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoders of the demo against the decoders of the same libraries: the clock in the picture survives a low bitrate; key frames come
 * when asked for and only then; the bitrate is followed.
 */
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <wels/codec_api.h>

#include "cmocka_all.h"
#include "media.h"

#define WIDTH 640
#define HEIGHT 360
#define FPS 30

enum codec { VPX, H264 };

static int make(enum codec c, uint32_t bps, struct encoder **e)
{
    return c == VPX ? encode_vpx_new(WIDTH, HEIGHT, FPS, bps, e)
                    : encode_h264_new(WIDTH, HEIGHT, FPS, bps, e);
}

static int encode(enum codec c, struct encoder *e, const struct picture *p, bool key,
                  struct encoded *out)
{
    return c == VPX ? encode_vpx(e, p, key, out) : encode_h264(e, p, key, out);
}

static int set_bitrate(enum codec c, struct encoder *e, uint32_t bps)
{
    return c == VPX ? encode_vpx_set_bitrate(e, bps) : encode_h264_set_bitrate(e, bps);
}

static void end(enum codec c, struct encoder *e)
{
    if (c == VPX)
        encode_vpx_free(e);
    else
        encode_h264_free(e);
}

struct decoder {
    vpx_codec_ctx_t vpx;
    ISVCDecoder *h264;
};

static void decoder_init(enum codec c, struct decoder *d)
{
    SDecodingParam x = {.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC};
    int quiet = WELS_LOG_QUIET;
    if (c == VPX) {
        assert_int_equal(vpx_codec_dec_init(&d->vpx, vpx_codec_vp8_dx(), NULL, 0), 0);
        return;
    }
    assert_int_equal(WelsCreateDecoder(&d->h264), 0);
    (*d->h264)->SetOption(d->h264, DECODER_OPTION_TRACE_LEVEL, &quiet);
    assert_int_equal((*d->h264)->Initialize(d->h264, &x), 0);
}

static void decoder_free(enum codec c, struct decoder *d)
{
    if (c == VPX) {
        vpx_codec_destroy(&d->vpx);
        return;
    }
    (*d->h264)->Uninitialize(d->h264);
    WelsDestroyDecoder(d->h264);
}

/* Copies the brightness into p. */
static void decode(enum codec c, struct decoder *d, const struct encoded *in, struct picture *p)
{
    const uint8_t *y;
    int stride;
    if (c == VPX) {
        vpx_codec_iter_t at = NULL;
        assert_int_equal(vpx_codec_decode(&d->vpx, in->data, (unsigned)in->len, NULL, 0), 0);
        vpx_image_t *image = vpx_codec_get_frame(&d->vpx, &at);
        assert_non_null(image);
        assert_true(image->d_w == WIDTH && image->d_h == HEIGHT);
        y = image->planes[0];
        stride = image->stride[0];
    } else {
        uint8_t *planes[3] = {0};
        SBufferInfo info = {0};
        assert_int_equal(
            (*d->h264)->DecodeFrameNoDelay(d->h264, in->data, (int)in->len, planes, &info), 0);
        assert_int_equal(info.iBufferStatus, 1);
        y = planes[0];
        stride = info.UsrData.sSystemBuffer.iStride[0];
    }
    for (int row = 0; row < HEIGHT; row++) memcpy(p->y + row * WIDTH, y + row * stride, WIDTH);
}

static void the_clock_survives(enum codec c, uint32_t bps)
{
    struct picture p = {0}, q = {0};
    struct encoder *e;
    struct encoded out;
    struct decoder d;
    int64_t start = 1795342312345;
    assert_int_equal(picture_init(&p, WIDTH, HEIGHT), 0);
    assert_int_equal(picture_init(&q, WIDTH, HEIGHT), 0);
    assert_int_equal(make(c, bps, &e), 0);
    decoder_init(c, &d);
    for (int i = 0; i < 40; i++) {
        uint32_t ms = 0;
        pattern_draw(&p, start + i * 1000 / FPS);
        assert_int_equal(encode(c, e, &p, i == 20, &out), 0);
        assert_true(out.len > 0);
        assert_int_equal(out.is_key, i == 0 || i == 20);
        decode(c, &d, &out, &q);
        assert_true(pattern_read(&q, &ms));
        assert_int_equal(ms, (uint32_t)(start + i * 1000 / FPS));
    }
    decoder_free(c, &d);
    end(c, e);
    picture_free(&p);
    picture_free(&q);
}

static void the_clock_survives_vp8(void **state)
{
    (void)state;
    the_clock_survives(VPX, 1000000);
    the_clock_survives(VPX, 200000);
}

static void the_clock_survives_h264(void **state)
{
    (void)state;
    the_clock_survives(H264, 1000000);
    the_clock_survives(H264, 200000);
}

/* Bits a second over two seconds, the first half second after a change left out. */
static double rate(enum codec c, struct encoder *e, struct picture *p, int64_t *ms)
{
    struct encoded out;
    size_t bytes = 0;
    for (int i = 0; i < FPS * 5 / 2; i++, *ms += 1000 / FPS) {
        pattern_draw(p, *ms);
        for (size_t k = 0; k < picture_bytes(p) * 2 / 3; k += 3) /* noise: as much to encode as one wants */
            p->y[k] = (uint8_t)(p->y[k] +
                                (uint8_t)((k * 2654435761u + (unsigned)*ms * 40503u) >> 13) % 24);
        assert_int_equal(encode(c, e, p, false, &out), 0);
        if (i >= FPS / 2) bytes += out.len;
    }
    return (double)bytes * 8 / 2;
}

static void the_bitrate_is_followed(void **state)
{
    (void)state;
    for (enum codec c = VPX; c <= H264; c++) {
        struct picture p = {0};
        struct encoder *e;
        int64_t ms = 5000;
        assert_int_equal(picture_init(&p, WIDTH, HEIGHT), 0);
        assert_int_equal(make(c, 2000000, &e), 0);
        double high = rate(c, e, &p, &ms);
        assert_int_equal(set_bitrate(c, e, 500000), 0);
        double low = rate(c, e, &p, &ms);
        print_message("%s: %.0f kbit/s of 2000, %.0f of 500\n", c == VPX ? "VP8" : "H264",
                      high / 1e3, low / 1e3);
        assert_true(high > 1e6 && high < 3e6);
        assert_true(low < high / 2);
        end(c, e);
        picture_free(&p);
    }
}

static void what_was_never_made_can_be_freed(void **state)
{
    (void)state;
    encode_vpx_free(NULL);
    encode_h264_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_survives_vp8),
        cmocka_unit_test(the_clock_survives_h264),
        cmocka_unit_test(the_bitrate_is_followed),
        cmocka_unit_test(what_was_never_made_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

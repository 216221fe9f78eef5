/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PEER_CODECS_KIT_H
#define TEST_PEER_CODECS_KIT_H
/* Codec lists in tests: from the text of a media section, as one line to compare, and the claims that hold of every list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer/codecs.h"
#include "peer/codecs_int.h"
#include "util/limits.h"
#include "util/mem.h"

#define AUDIO_M "m=audio 9 UDP/TLS/RTP/SAVPF "
#define VIDEO_M "m=video 9 UDP/TLS/RTP/SAVPF "

/* A description of this one section. */
static inline struct sdp *kit_sdp(const char *media)
{
    struct sdp *sdp;
    sotto_error err = {.size = sizeof err};
    size_t n = strlen(media) + 64;
    char *text = malloc(n);
    assert_non_null(text);
    int len = snprintf(text, n, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n%s", media);
    if (sotto__sdp_parse(text, (size_t)len, &sdp, &err) < 0) fail_msg("%s: %s", media, err.reason);
    free(text);
    return sdp;
}

static inline struct codec_list kit_read(const char *media)
{
    struct sdp *sdp = kit_sdp(media);
    struct codec_list l;
    bool audio = strncmp(media, "m=audio", 7) == 0;
    assert_int_equal(sotto__codecs_read(&sdp->media[0], audio ? SOTTO_AUDIO : SOTTO_VIDEO, &l), 0);
    sotto__sdp_free(sdp);
    return l;
}

/* "96:VP8 97:rtx/96": number, name, what it repeats. */
static inline const char *kit_text(const struct codec_list *l)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < l->n; i++) {
        const struct codec *c = &l->items[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d:%s", i ? " " : "",
                              c->pt == PT_NONE ? -1 : c->pt, c->name);
        if (c->apt >= 0) n += (size_t)snprintf(text + n, sizeof text - n, "/%d", c->apt);
    }
    return text;
}

static inline const char *kit_fmtp(const struct codec_list *l, int pt)
{
    const struct codec *c = sotto__codecs_by_pt(l, pt);
    return c && c->fmtp ? c->fmtp : "";
}

/* Opus with these parameters, as an application prefers it, and nothing else. */
static inline struct codec_list kit_opus(const char *fmtp)
{
    const sotto_codec c = {.mime = "audio/opus", .clock_hz = 48000, .channels = 2, .fmtp = fmtp};
    struct codec_list l;
    assert_int_equal(sotto__codecs_from_public(SOTTO_AUDIO, &c, 1, &l), 0);
    return l;
}

static inline struct codec_list kit_prefs(sotto_kind kind, const char *const *names, size_t n)
{
    struct codec_list caps, l = {0};
    assert_int_equal(sotto__codecs_capabilities(kind, &caps), 0);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < caps.n; c++)
            if (strcmp(caps.items[c].name, names[i]) == 0)
                assert_int_equal(sotto__codecs_push_ours(&l, &caps.items[c]), 0);
    sotto__codecs_free(&caps);
    return l;
}
#define PREFS(kind, ...)                                                                           \
    kit_prefs(kind, (const char *const[]){__VA_ARGS__},                                            \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static inline void kit_assert_same(const struct codec_list *a, const struct codec_list *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct codec *c = &a->items[i], *d = &b->items[i];
        const struct codec_params *p = &c->params, *q = &d->params;
        assert_true(sotto__codec_same(c, d));
        assert_int_equal(c->pt, d->pt);
        assert_int_equal(c->apt, d->apt);
        assert_int_equal(c->feedback, d->feedback);
        assert_string_equal(c->name, d->name);
        assert_string_equal(c->fmtp ? c->fmtp : "", d->fmtp ? d->fmtp : "");
        assert_int_equal(p->profile << 16 | p->h264_iop << 8 | p->level,
                         q->profile << 16 | q->h264_iop << 8 | q->level);
        assert_int_equal(p->max_bps, q->max_bps);
        assert_int_equal(p->stereo << 3 | p->fec << 2 | p->dtx << 1 | p->asymmetric,
                         q->stereo << 3 | q->fec << 2 | q->dtx << 1 | q->asymmetric);
    }
}

/* What holds of every list that is written: numbers once each and none of RTCP's, RTX and RED with what they repeat. */
static inline void kit_assert_sound(const struct codec_list *l)
{
    bool seen[128] = {0};
    assert_true(l->n <= SOTTO_MAX_CODECS);
    assert_true(l->n == 0 || sotto__codecs_usable(l));
    for (size_t i = 0; i < l->n; i++) {
        const struct codec *c = &l->items[i];
        assert_true(c->pt < 128 && (c->pt < 64 || c->pt > 95));
        assert_false(seen[c->pt]);
        seen[c->pt] = true;
        if (c->id != CODEC_RTX && c->id != CODEC_RED) continue;
        const struct codec *of = sotto__codecs_by_pt(l, c->apt);
        assert_non_null(of);
        assert_true(sotto__codec_is_media(of) && of->clock == c->clock);
    }
}

/* What a section with this list says when it is read again. */
static inline struct codec_list kit_round(sotto_kind kind, const struct codec_list *l)
{
    struct sdp *sdp;
    struct sdp_media *m;
    struct codec_list ret;
    struct buf fmts;
    sotto__buf_init(&fmts, 4096);
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__codecs_fmts(l, &fmts), 0);
    assert_int_equal(sotto__sdp_add_media(sdp, kind == SOTTO_AUDIO ? STR("audio") : STR("video"), 9,
                                          STR("UDP/TLS/RTP/SAVPF"),
                                          (struct str){(const char *)fmts.p, fmts.n}, &m),
                     0);
    assert_int_equal(sotto__codecs_write(l, sdp, m), 0);
    assert_int_equal(sotto__codecs_read(m, kind, &ret), 0);
    sotto__buf_free(&fmts);
    sotto__sdp_free(sdp);
    return ret;
}

/* Runs the path with each allocation failing in turn; it returns 0 when it succeeded, after freeing all that it has. */
static inline void kit_fail_each(int (*path)(void))
{
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = path();
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_true(sotto__mem_live() == live);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        if (!failed) break;
        assert_true(n < 1000);
    }
}

#endif

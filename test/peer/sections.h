/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_PEER_SECTIONS_H
#define SOTTO_TEST_PEER_SECTIONS_H
/* Descriptions for the tests of section*.c and exts.c: their pieces, and reading them whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "peer/section.h"
#include "util/mem.h"

#define TOP "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" /* 4 lines */
#define UFRAG "a=ice-ufrag:abcd\r\n"
#define PWD "a=ice-pwd:0123456789012345678901\r\n"
#define HEX16 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define HEX32 HEX16 ":" HEX16
#define PRINT "a=fingerprint:sha-256 " HEX32 "\r\n"
#define KEYS UFRAG PWD PRINT "a=setup:actpass\r\n" /* 4 lines */
#define MUX "a=rtcp-mux\r\n"
#define OPUS "a=rtpmap:111 opus/48000/2\r\n"
#define VP8 "a=rtpmap:96 VP8/90000\r\n"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" OPUS MUX /* 3 lines */
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" VP8 MUX
#define DATA "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n"
#define MID(text) "a=mid:" text "\r\n"
#define GROUP(mids) "a=group:BUNDLE " mids "\r\n"

struct reading {
    struct sdp *sdp;
    struct sections s;
    sotto_error err;
    int r; /* of sotto__sections_read */
};

static inline void read_bytes(struct reading *ret, const char *text, size_t n)
{
    *ret = (struct reading){.err = {.size = sizeof ret->err}};
    if (sotto__sdp_parse(text, n, &ret->sdp, &ret->err) < 0)
        fail_msg("line %d: %s\n%.*s", ret->err.line, ret->err.reason, (int)n, text);
    ret->r = sotto__sections_read(ret->sdp, &ret->s, &ret->err);
    assert_true(ret->r == 0 || (ret->err.code == ret->r && ret->err.reason[0] && !ret->s.items));
}

static inline void read_text(struct reading *ret, const char *text)
{
    read_bytes(ret, text, strlen(text));
}

static inline void read_good(struct reading *ret, const char *text)
{
    read_text(ret, text);
    if (ret->r < 0) fail_msg("line %d: %s\n%s", ret->err.line, ret->err.reason, text);
}

static inline void reading_free(struct reading *r)
{
    sotto__sections_free(&r->s);
    sotto__sdp_free(r->sdp);
}

static inline void assert_str(struct str s, const char *want)
{
    if (!sotto__str_eq(s, sotto__str(want)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.n, s.p, want);
}

#endif

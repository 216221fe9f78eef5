/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PEER_TEXTS_H
#define TEST_PEER_TEXTS_H
/* Descriptions to be fed to a peer, and short calls. */
#include "duo.h"

#define OFFER_HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define TRANSPORT                                                                                  \
    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"               \
    "a=fingerprint:sha-256 "                                                                       \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"   \
    "1E:1F\r\n"
#define DATA(mid)                                                                                  \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TRANSPORT "a=mid:" mid                  \
    "\r\na=sctp-port:5000\r\n"
#define AUDIO(mid)                                                                                 \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n" TRANSPORT "a=mid:" mid                                 \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"

static inline int remote(struct duo *d, struct duo_side *s, int32_t type, const char *sdp)
{
    sotto_error err = {.size = sizeof err};
    return sotto__peer_set_remote(s->peer, duo_now(d), type, sdp, &err);
}

static inline int local(struct duo *d, struct duo_side *s, int32_t type)
{
    return sotto__peer_set_local(s->peer, duo_now(d), type, NULL, NULL);
}

static inline char *local_text(struct duo_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto__peer_local_description(s->peer, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 1);
    return sdp;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known answers of SRTP, for each profile: keys of the exporter in, one RTP and one RTCP packet out, and back at the other end. What is
 * expected was made with another implementation, which the tests check against the vectors of RFC 3711 and RFC 7714.
 * answers: S13
 */
#include <string.h>

#include "transport/srtp.h"

enum { RTP_SIZE = 28, RTCP_SIZE = 24, ROOM = RTP_SIZE + SOTTO_SRTP_OVERHEAD };

static const uint8_t rtp_header[12] = {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca,
                                       0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe};
static const uint8_t rtcp_header[8] = {0x80, 0xc8, 0x00, 0x05, 0xca, 0xfe, 0xba, 0xbe};

static bool check_rtp(const struct srtp_answer *a, struct srtp *client, struct srtp *server)
{
    uint8_t p[ROOM], plain[RTP_SIZE];
    memset(plain, 0xab, sizeof plain);
    memcpy(plain, rtp_header, sizeof rtp_header);
    memcpy(p, plain, sizeof plain);
    return sotto__srtp_protect(client, p, RTP_SIZE) == a->n_rtp &&
           memcmp(p, rtp_header, sizeof rtp_header) == 0 &&
           memcmp(p + 12, a->rtp, (size_t)a->n_rtp - 12) == 0 &&
           sotto__srtp_unprotect(server, 0, p, (size_t)a->n_rtp) == RTP_SIZE &&
           memcmp(p, plain, sizeof plain) == 0;
}

static bool check_rtcp(const struct srtp_answer *a, struct srtp *client, struct srtp *server)
{
    uint8_t p[ROOM], plain[RTCP_SIZE];
    memset(plain, 0xab, sizeof plain);
    memcpy(plain, rtcp_header, sizeof rtcp_header);
    memcpy(p, plain, sizeof plain);
    return sotto__srtp_protect_rtcp(client, p, RTCP_SIZE) == a->n_rtcp &&
           memcmp(p, rtcp_header, sizeof rtcp_header) == 0 &&
           memcmp(p + 8, a->rtcp, (size_t)a->n_rtcp - 8) == 0 &&
           sotto__srtp_unprotect_rtcp(server, 0, p, (size_t)a->n_rtcp) == RTCP_SIZE &&
           memcmp(p, plain, sizeof plain) == 0;
}

/* What libsrtp has let through elsewhere: RTCP that says it is in the clear, and a packet of which one bit differs. */
static bool refuses(const struct srtp_answer *a, struct srtp *server)
{
    uint8_t p[ROOM];
    size_t n = (size_t)a->n_rtcp;
    for (size_t at = 8; at < n; at += 3) {
        memcpy(p, rtcp_header, sizeof rtcp_header);
        memcpy(p + 8, a->rtcp, n - 8);
        p[at] ^= at == n - 4 ? 0x80 : 1; /* GCM: the E bit is there */
        if (sotto__srtp_unprotect_rtcp(server, 0, p, n) >= 0) return false;
    }
    return true;
}

static int check(const struct srtp_answer *a)
{
    uint8_t keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
    struct srtp *client = NULL, *server = NULL;
    for (uint8_t i = 0; i < sizeof keys; i++) keys[i] = i;
    int r = sotto__srtp_new(&client, a->profile, true, keys, NULL);
    if (r == 0) r = sotto__srtp_new(&server, a->profile, false, keys, NULL);
    if (r == 0 &&
        (!refuses(a, server) || !check_rtp(a, client, server) || !check_rtcp(a, client, server)))
        r = SOTTO_E_SYS;
    sotto__srtp_free(client);
    sotto__srtp_free(server);
    return r;
}

const struct srtp_answer sotto__srtp_answers[SRTP_ANSWERS] = {
    {SRTP_PROFILE_AEAD_AES_128_GCM,
     {0xbf, 0x44, 0x23, 0x0d, 0x57, 0xa9, 0xc6, 0x16, 0x36, 0x41, 0x4b,
      0x2a, 0x29, 0x04, 0x5d, 0x47, 0x6c, 0xa9, 0xbb, 0x7a, 0xd8, 0x4a,
      0x15, 0x36, 0x39, 0xde, 0x2b, 0x7d, 0x59, 0x2a, 0x2d, 0x1f},
     44,
     {0x5e, 0x2c, 0x13, 0xd1, 0xd5, 0x02, 0x34, 0xea, 0x7f, 0xf0, 0x4f, 0x5a,
      0x07, 0xa3, 0x5b, 0x5f, 0x2a, 0xb0, 0x19, 0x2e, 0xa0, 0x8a, 0x6a, 0x54,
      0xf4, 0xa7, 0xcd, 0xdf, 0x08, 0xad, 0xca, 0x1e, 0x80, 0x00, 0x00, 0x01},
     44},
    {SRTP_PROFILE_AEAD_AES_256_GCM,
     {0x4a, 0xef, 0x1c, 0x52, 0x9c, 0x6e, 0xac, 0xe5, 0x22, 0xe8, 0x75,
      0xf7, 0x77, 0x07, 0x76, 0x84, 0x4b, 0x52, 0x88, 0x3c, 0xb7, 0x1b,
      0x41, 0x3e, 0xd3, 0xc9, 0xf9, 0xeb, 0x58, 0x0e, 0xd1, 0x6b},
     44,
     {0xd1, 0xde, 0x52, 0x1d, 0x64, 0x52, 0xbc, 0xdf, 0xc3, 0x8c, 0x93, 0xc1,
      0x3d, 0xdd, 0x0e, 0x1c, 0x07, 0x2f, 0x93, 0xab, 0x18, 0x44, 0xe2, 0x4e,
      0x93, 0x43, 0x71, 0x84, 0x8c, 0x50, 0x21, 0x09, 0x80, 0x00, 0x00, 0x01},
     44},
    {SRTP_PROFILE_AES128_CM_SHA1_80,
     {0xc1, 0xac, 0xb9, 0x76, 0x12, 0xdd, 0xec, 0xf8, 0xef, 0xdb, 0x45, 0xbc, 0x24,
      0x16, 0x3b, 0x6b, 0xa0, 0xd1, 0x17, 0xa5, 0xde, 0xa4, 0x9d, 0xa4, 0xbd, 0x72},
     38,
     {0xf3, 0x86, 0x1b, 0xeb, 0x0c, 0x84, 0x63, 0xc3, 0xc3, 0x73, 0x92, 0x43, 0xbc, 0x34, 0xe6,
      0x9b, 0x80, 0x00, 0x00, 0x01, 0xfe, 0x8b, 0x94, 0x92, 0xa2, 0xd4, 0xed, 0xf2, 0xbb, 0xdb},
     38},
};

int sotto__srtp_selftest_by(const struct srtp_answer answers[SRTP_ANSWERS])
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < SRTP_ANSWERS; i++) r = check(&answers[i]);
    return r;
}

int sotto__srtp_selftest(void)
{
    return sotto__srtp_selftest_by(sotto__srtp_answers);
}

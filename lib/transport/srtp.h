/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SRTP_H
#define SOTTO_TRANSPORT_SRTP_H
/*
 * SRTP and SRTCP (RFC 3711, RFC 7714) of one transport, keyed by the DTLS exporter (RFC 5764 §4.2). libsrtp2 behind plain functions: in
 * place, no time, no sockets. A packet that is not authentic changes nothing but one counter.
 */
#include "sotto/base.h"
#include "util/log.h"
#include "util/time.h"

enum srtp_profile { /* numbers of RFC 5764 §4.1.2, RFC 7714 §14.2 */
    SRTP_PROFILE_NONE = 0,
    SRTP_PROFILE_AES128_CM_SHA1_80 = 0x0001,
    SRTP_PROFILE_AEAD_AES_128_GCM = 0x0007,
    SRTP_PROFILE_AEAD_AES_256_GCM = 0x0008
};
const char *sotto__srtp_profile_name(enum srtp_profile profile); /* as IANA has it; "" for NONE: W3C srtpCipher */
size_t sotto__srtp_key_material(enum srtp_profile profile);      /* bytes that the exporter has to give; 0: not one of ours */
#define SOTTO_SRTP_MAX_KEY_MATERIAL 88u

#define SOTTO_SRTP_OVERHEAD 32u /* bytes that protect may add, to RTP and to RTCP */

struct srtp_stats { /* what was refused */
    uint64_t forged;    /* not authentic, or not even well-formed */
    uint64_t replayed;  /* seen before, or too old */
    uint64_t reflected; /* sealed by us: it came back */
    uint64_t plain_rtcp; /* the E bit was not set */
    uint64_t crowded;   /* more than SOTTO_MAX_SSRCS sources */
};

/* Starts libsrtp, once for the process: some 20 ms of CPU at the first call, nothing after it. new() does it too; who can, calls it
 * before a lock is taken. Any thread. 0 or SOTTO_E_SYS. */
int sotto__srtp_start(void);
const char *sotto__srtp_library_version(void); /* of libsrtp, at run time: "libsrtp2 2.5.0" */
int sotto__srtp_selftest(void); /* known answers of each profile; 0 or SOTTO_E_SYS, SOTTO_E_NOMEM */
#define SRTP_ANSWERS 3
struct srtp_answer { /* of one profile: an RTP and an RTCP packet */
    enum srtp_profile profile;
    uint8_t rtp[32]; /* behind the header */
    int n_rtp;       /* of the packet */
    uint8_t rtcp[36];
    int n_rtcp;
};
extern const struct srtp_answer sotto__srtp_answers[SRTP_ANSWERS];
int sotto__srtp_selftest_by(const struct srtp_answer answers[SRTP_ANSWERS]); /* the same by others */

struct srtp; /* allocated */
/* keys: sotto__srtp_key_material() bytes of the exporter, order client key, server key, client salt, server salt; client: we were the
 * DTLS client. The caller wipes keys. 0, SOTTO_E_NOMEM, SOTTO_E_SYS, SOTTO_E_INVAL. */
int sotto__srtp_new(struct srtp **ret, enum srtp_profile profile, bool client, const uint8_t *keys,
                    struct log *log);
void sotto__srtp_free(struct srtp *s); /* NULL is fine; keys are wiped */

/* In place; p has room for n + SOTTO_SRTP_OVERHEAD bytes. The new length, or SOTTO_E_INVAL not a packet, SOTTO_E_CLOSED the key's life is
 * over (2^48 packets, RTCP 2^31), SOTTO_E_FORKED in a forked child, SOTTO_E_LIMIT too many SSRCs of ours, SOTTO_E_STATE this sequence
 * number was used already or is too old, SOTTO_E_NOMEM, SOTTO_E_SYS. On failure what is in p must not be sent.
 * Sequence numbers of an SSRC should begin below 32768: a receiver that misses the first packets could not tell a wrap. */
__attribute__((warn_unused_result)) int sotto__srtp_protect(struct srtp *s, uint8_t *p, size_t n);
/* The same packet once more (a retransmission without RTX). It has to be the same to the last bit, header extensions included: another
 * one under the same number would give GCM's keys away. It is compared, and SOTTO_E_STATE if it differs from what was sent, or was not
 * sent among the last 1024 of its SSRC. */
__attribute__((warn_unused_result)) int sotto__srtp_protect_again(struct srtp *s, uint8_t *p,
                                                                  size_t n);
__attribute__((warn_unused_result)) int sotto__srtp_protect_rtcp(struct srtp *s, uint8_t *p,
                                                                 size_t n);
/* In place. The length of the plain packet, or SOTTO_E_PROTO: drop it (counted). now: of the packet, for which sources are old. */
__attribute__((warn_unused_result)) int sotto__srtp_unprotect(struct srtp *s, sotto_us now,
                                                              uint8_t *p, size_t n);
__attribute__((warn_unused_result)) int sotto__srtp_unprotect_rtcp(struct srtp *s, sotto_us now,
                                                                   uint8_t *p, size_t n);
/* A remote source said BYE: it is the first to make room for another. Until then it can go on where it was, as browsers do that pause;
 * its old packets cannot come back. */
void sotto__srtp_forget(struct srtp *s, uint32_t ssrc);
size_t sotto__srtp_bytes(const struct srtp *s); /* of memory that is ours */
void sotto__srtp_get_stats(const struct srtp *s, struct srtp_stats *ret);
enum srtp_profile sotto__srtp_profile(const struct srtp *s);

#endif

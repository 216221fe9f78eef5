/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SRTP_PRIV_H
#define SOTTO_TRANSPORT_SRTP_PRIV_H
/* What the files of srtp*.c share, and their tests; nobody else includes it. */
#include <srtp2/srtp.h>

#include "transport/srtp.h"
#include "util/map.h"

#define SRTP_WINDOW 1024u      /* packets behind the newest that are still taken: RFC 3711 §3.3.2 asks for 64 */
#define SRTCP_WINDOW 128u
#define SRTP_SENT_WINDOW 1024u /* packets of ours that can be sent again: browsers take none that is older */
#define SRTP_LIFE (1ULL << 48) /* packets under one key, and indexes of one SSRC: RFC 3711 §9.2 */
#define SRTCP_LIFE (1ULL << 31)

struct srtp_source { /* of the remote: it sent something authentic */
    uint32_t ssrc;
    bool has_rtp, is_forgotten;
    sotto_us last;            /* when */
    uint64_t high;            /* the highest index of RTP, if it sent any */
    uint64_t rtcp_next;       /* above the highest index of RTCP */
    uint64_t floor, rtcp_floor; /* indexes below came in an earlier life of it */
    uint64_t seen[SRTP_WINDOW / 64], rtcp_seen[SRTCP_WINDOW / 64]; /* of the last indexes, by index: which came */
};

struct srtp_gone { /* a source that made room */
    uint32_t ssrc;
    uint64_t floor, rtcp_floor;
};

struct srtp_sender { /* an SSRC of ours */
    uint32_t ssrc;
    uint64_t high;  /* the highest index of RTP */
    uint64_t *tags; /* SRTP_SENT_WINDOW: of the packets sent, by index; 0: not sent. NULL: no RTP yet */
    uint32_t rtcp;  /* the highest index of RTCP; 0: none yet */
};

struct srtp_gcm_key {
    struct evp_cipher_ctx_st *context; /* of OpenSSL; NULL: none */
    uint8_t salt[12];
};

struct srtp_gcm { /* one direction with AES-GCM; all-zero: another profile */
    struct srtp_gcm_key rtp, rtcp;
};

struct srtp {
    enum srtp_profile profile;
    struct srtp_gcm seal, open;
    srtp_t in, out; /* of the other profile, each with a template, which libsrtp clones for every SSRC that is authentic, or ours */
    struct map sources, senders;
    struct srtp_gone *gone; /* SOTTO_MAX_GONE_SSRCS, a ring; NULL as long as it is empty */
    size_t n_gone, gone_at;
    uint64_t n_rtp, n_rtcp; /* packets sealed */
    uint64_t process;       /* sotto__srtp_process() when the keys were made */
    struct srtp_stats stats;
    struct log *log;
};

/* The index that libsrtp takes a sequence number for, `high` being the highest so far (RFC 3711 §3.3.1 and appendix A, but that numbers
 * do not wrap backwards below the first wrap). */
uint64_t sotto__srtp_index(uint64_t high, uint16_t seq);

/* srtp_source.c: the remote's sources. An authentic packet came; which: RTP or RTCP. 0, or SOTTO_E_PROTO: it is to be dropped, counted. */
int sotto__srtp_source_rtp(struct srtp *s, sotto_us now, uint32_t ssrc, uint16_t seq);
int sotto__srtp_source_rtcp(struct srtp *s, sotto_us now, uint32_t ssrc, uint32_t index);
void sotto__srtp_source_free(struct srtp *s);

/* … whether this index came before, or is too old to tell. NULL: of no source. */
bool sotto__srtp_source_has_rtp(const struct srtp_source *src, uint64_t index);
bool sotto__srtp_source_has_rtcp(const struct srtp_source *src, uint32_t index);

/* srtp_gcm.c: n_key 16 or 32, salt of 12 bytes. 0 or SOTTO_E_SYS. */
int sotto__srtp_gcm_init(struct srtp_gcm *g, const uint8_t *master, size_t n_key,
                         const uint8_t *salt, bool seals);
void sotto__srtp_gcm_free(struct srtp_gcm *g); /* all-zero is fine */
/* In place: n bytes with a header of head bytes; the new length, or SOTTO_E_SYS, opening SOTTO_E_PROTO: it is not authentic, and what is
 * in p is of no use. Opening: n ≥ head + tag; of RTCP n ≥ 8 + tag + trailer, index as the trailer has it, without E. */
int sotto__srtp_gcm_seal(struct srtp_gcm *g, uint32_t ssrc, uint64_t index, uint8_t *p, size_t head,
                         size_t n);
int sotto__srtp_gcm_open(struct srtp_gcm *g, uint32_t ssrc, uint64_t index, uint8_t *p, size_t head,
                         size_t n);
int sotto__srtp_gcm_seal_rtcp(struct srtp_gcm *g, uint32_t ssrc, uint32_t index, uint8_t *p,
                              size_t n);
int sotto__srtp_gcm_open_rtcp(struct srtp_gcm *g, uint32_t ssrc, uint32_t index, uint8_t *p,
                              size_t n);

/* srtp_process.c: a number that is another one in every process that was forked; 0: libsrtp did not start. */
uint64_t sotto__srtp_process(void);

#endif

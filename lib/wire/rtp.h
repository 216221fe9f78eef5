/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_RTP_H
#define SOTTO_WIRE_RTP_H
/* The RTP header (RFC 3550 §5.1). */
#include "sotto/base.h"

#define RTP_HEADER 12u /* bytes without CSRC and extension */

struct rtp { /* views of the packet */
    bool marker;
    uint8_t pt;
    uint16_t seq;
    uint32_t time, ssrc;
    uint8_t n_csrc;
    const uint8_t *csrc;    /* 4 bytes each */
    bool has_ext;
    uint16_t ext_profile;   /* 0xBEDE, 0x1000…0x100f, or foreign */
    const uint8_t *ext;     /* the elements */
    size_t n_ext;
    const uint8_t *payload; /* without padding */
    size_t n_payload;       /* 0 or more */
    size_t n_padding;
    size_t n_header;        /* all before the payload */
};

/* 0, or SOTTO_E_SYNTAX: shorter than it says, version not 2, padding of 0 or more bytes than there are. */
int sotto__rtp_parse(const uint8_t *p, size_t n, struct rtp *ret);
/* The fixed header; has_ext sets the X bit, CSRCs and padding are never written. */
void sotto__rtp_write(const struct rtp *rtp, uint8_t out[static RTP_HEADER]);

/* RTX (RFC 4588 §4): the original's payload type and SSRC are given; the sequence number is in the payload's first two bytes, which are
 * taken off. 0, or SOTTO_E_SYNTAX: fewer than 2 bytes. */
int sotto__rtp_unwrap_rtx(struct rtp *rtp, uint8_t pt, uint32_t ssrc);

#endif

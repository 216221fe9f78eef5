/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_TWCC_H
#define SOTTO_WIRE_TWCC_H
/* Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): RTPFB with FMT 15. */
#include "wire/rtcp.h"

#define TWCC_MAX_STATUS 1024u /* packets that one feedback we read or write tells of; one that claims more is refused */

struct twcc_status {
    bool received;
    int32_t delta; /* received: in 250 µs since the one before; of the first: since base_time */
};

struct twcc {
    uint32_t ssrc, media_ssrc;
    uint16_t base_seq;
    uint16_t n;         /* of status */
    int32_t base_time;  /* 24 bits signed, in 64 ms */
    uint8_t count;      /* of the feedback packet */
    struct twcc_status status[TWCC_MAX_STATUS];
};

/* r: of type RTCP_TWCC. 0, or SOTTO_E_SYNTAX: runs beyond its end, too many packets. Bounded by the packet's own length. */
int sotto__twcc_parse(const struct rtcp *r, struct twcc *ret);
/* Appends one packet. n ≥ 1; deltas outside 16 bits, and what does not fit into the writer: w->bad. */
void sotto__twcc_write(struct writer *w, const struct twcc *t);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_VERIFY_H
#define SOTTO_PEER_VERIFY_H
/* Who the remote is, as far as that is known. */
#include "peer/peer.h"

int32_t sotto__peer_verification(const struct peer *p); /* SOTTO_VERIFY_*, now */
bool sotto__peer_closed(const struct peer *p);
int32_t sotto__peer_required_verification(const struct peer *p);
uint64_t sotto__peer_unverified(const struct peer *p); /* packets of media that came before it sufficed, and were dropped */
/* The bytes that codes are written of; this DTLS association may be confirmed from now on. 0, SOTTO_E_STATE, SOTTO_E_NOMEM. */
int sotto__peer_verification_code(struct peer *p, uint8_t out[static DTLS_CODE]);
int sotto__peer_confirm(struct peer *p, sotto_us now); /* 0, SOTTO_E_STATE */
int sotto__peer_set_pins(struct peer *p, sotto_us now, const struct sdp_fingerprint *pins, size_t n,
                         sotto_error *err);
int sotto__peer_remote_fingerprint(const struct peer *p, struct sdp_fingerprint *ret); /* 0, SOTTO_E_STATE, SOTTO_E_NOMEM */

#endif

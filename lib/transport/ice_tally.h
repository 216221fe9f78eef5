/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_ICE_TALLY_H
#define SOTTO_TRANSPORT_ICE_TALLY_H
/* The remote's addresses, and what came from each of them while there was no pair: for people who ask why there is none. */
#include "wire/candidate.h"

struct ice_tried {
    struct address addr;
    bool is_named;    /* the remote's candidates have it; else checks came from there */
    bool is_hidden;   /* … behind a name: it is not for showing */
    uint16_t code;    /* of the last error; 0: none */
    uint32_t asked;   /* its checks */
    uint32_t answers; /* to ours: success … */
    uint32_t errors;  /* … and not */
};

struct ice_tally { /* all-zero is the zero state */
    struct ice_tried *items;
    size_t n, cap, n_named;
};

/* A candidate of the remote, with the address that its name has if it had a name: 1 it is new, 0 it was there, SOTTO_E_LIMIT,
 * SOTTO_E_NOMEM. */
int sotto__ice_tally_add(struct ice_tally *t, const struct candidate *c);
/* A datagram that came from there, or by a relay with such an address in it; as far as it is of a check it is counted. */
void sotto__ice_tally_note(struct ice_tally *t, const struct address *from, const uint8_t *p,
                           size_t n);
void sotto__ice_tally_clear(struct ice_tally *t); /* another remote; the memory stays */
void sotto__ice_tally_free(struct ice_tally *t);

#endif

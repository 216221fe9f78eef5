/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_ICE_URL_H
#define SOTTO_WIRE_ICE_URL_H
/* The URLs of STUN and TURN servers: RFC 7064, RFC 7065. */
#include "wire/candidate.h"

enum ice_scheme { ICE_URL_STUN, ICE_URL_STUNS, ICE_URL_TURN, ICE_URL_TURNS };

struct ice_url {
    enum ice_scheme scheme;
    bool is_tcp;         /* "?transport=tcp"; stuns and turns are always so */
    struct str host;     /* view: a name, or an address without brackets */
    struct address addr; /* family 0: host is a name; the port is always there */
};

/*
 * Text → struct. 0, SOTTO_E_SYNTAX (the grammar; port 0; a name that no resolver takes, or would take for a number),
 * or SOTTO_E_UNSUPPORTED (another transport; turns over UDP, which were DTLS). Never resolves a name.
 */
int sotto__ice_url_parse(struct str text, struct ice_url *ret);

#endif

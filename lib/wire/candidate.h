/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_CANDIDATE_H
#define SOTTO_WIRE_CANDIDATE_H
/* a=candidate (RFC 8839 §5.1), with TCP (RFC 6544 §4.5) and .local names (the mDNS draft). */
#include "sotto/base.h"
#include "util/buf.h"
#include "util/str.h"

struct address {
    uint8_t family; /* 4, 6; 0: none or a name */
    uint8_t ip[16]; /* network order; the first 4 bytes for IPv4 */
    uint16_t port;
};

enum candidate_type { CANDIDATE_HOST, CANDIDATE_SRFLX, CANDIDATE_PRFLX, CANDIDATE_RELAY };
enum candidate_tcp {
    CANDIDATE_TCP_NONE,
    CANDIDATE_TCP_ACTIVE,
    CANDIDATE_TCP_PASSIVE,
    CANDIDATE_TCP_SO
};

struct candidate {
    char foundation[33];
    uint16_t component; /* 1…256 */
    bool is_tcp;
    uint32_t priority;   /* 1…2^31-1 */
    struct address addr; /* family 0: see name */
    char name[256];      /* host name instead of an address, else "" */
    enum candidate_type type;
    enum candidate_tcp tcp;
    struct address related; /* raddr, rport; family 0: none */
    char ufrag[257];        /* extension "ufrag", else "" */
};

/*
 * Text ("candidate:…", also with "a=" before it) → struct. 0, SOTTO_E_SYNTAX (the grammar, a number outside its range, TCP without
 * tcptype, an address with a zone), or SOTTO_E_LIMIT (longer than SOTTO_MAX_CANDIDATE). Never resolves a name.
 */
int sotto__candidate_parse(struct str text, struct candidate *ret, sotto_error *err);
/* "candidate:…" without "a=". relay and srflx carry raddr (0.0.0.0 and port 0 or 9 if related.family is 0), and ufrag if set. */
void sotto__candidate_write(const struct candidate *c, struct buf *out);

/* Text of an address without port; out holds 46 bytes. And back: numeric only, 0 or SOTTO_E_SYNTAX. */
const char *sotto__address_text(const struct address *a, char out[46]);
int sotto__address_parse(struct str text, struct address *ret);           /* leaves port alone */
bool sotto__address_eq(const struct address *a, const struct address *b); /* with port */
/*
 * Whether a remote candidate may be aimed at: false for unspecified, multicast, broadcast, link-local, 169.254.0.0/16, v4-mapped,
 * where clouds have their metadata services, port 0, what NAT64 or 6to4 would make one of these of, and loopback unless allowed.
 */
bool sotto__address_usable(const struct address *a, bool allow_loopback);
/* Letters, digits and '-' in labels; false too for what resolvers would read as a number. */
bool sotto__host_name_ok(struct str s);
/* Whether it means something in one network only: loopback, link-local, private, shared and unique local addresses (RFC 1918, 6598,
 * 4193), and what NAT64 or 6to4 would make one of these of. */
bool sotto__address_is_private(const struct address *a);

#endif

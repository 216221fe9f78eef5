/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_ICE_ADDR_H
#define SOTTO_TRANSPORT_ICE_ADDR_H
#include "wire/candidate.h"

struct ice_local_filter {
    const char *interface; /* nullable: only this one */
    bool allow_loopback;   /* also 127.0.0.1 and ::1 */
    bool default_route;    /* of the others only those that the default route leaves from */
    const struct address *among; /* nullable: only these */
    size_t n_among;
};

/*
 * This host's addresses that may be offered, the preferred ones first (IPv6 and IPv4 in turns, then loopback), at most max; port 0. How
 * many, or SOTTO_E_SYS.
 */
int sotto__ice_local_addresses(const struct ice_local_filter *filter, struct address *out,
                               size_t max);
/* Whether an address of an interface may be offered: not loopback (but for the two when allowed), link-local, multicast, … */
bool sotto__ice_local_usable(const struct address *a, bool allow_loopback);
struct ice_inet6 { /* what /proc/net/if_inet6 says of an address */
    struct address addr;
    char name[17];  /* interface */
    unsigned flags; /* IFA_F_* */
};
/* A line of that file; false: not such a line. */
bool sotto__ice_inet6_line(const char *line, struct ice_inet6 *ret);
/* Whether an address of interface `name` must not be offered: dying or unproven, or stable where a temporary one exists. */
bool sotto__ice_inet6_shunned(const struct address *a, const char *name,
                              const struct ice_inet6 *list, size_t n);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_ICE_ADDR_H
#define SOTTO_TRANSPORT_ICE_ADDR_H
#include "wire/candidate.h"

struct ice_local_filter {
    const char *interface; /* nullable: only this one */
    bool allow_loopback;   /* also 127.0.0.1 and ::1 */
};

/*
 * This host's addresses that may be offered, in ascending preference (loopback, IPv4, IPv6), at most max; port 0. How many, or
 * SOTTO_E_SYS.
 */
int sotto__ice_local_addresses(const struct ice_local_filter *filter, struct address *out,
                               size_t max);
/* Whether an address of an interface may be offered: not loopback (but for the two when allowed), link-local, multicast, … */
bool sotto__ice_local_usable(const struct address *a, bool allow_loopback);
/* A line of /proc/net/if_inet6: its address, interface (17 bytes) and flags (IFA_F_*); false: not such a line. */
bool sotto__ice_inet6_line(const char *line, struct address *ret, char *name, unsigned *flags);

#endif

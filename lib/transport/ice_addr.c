/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which addresses of this host are offered as candidates (RFC 8445 §5.1.1.1, RFC 8835 §3.2): of interfaces that are up, no
 * loopback unless allowed, no link-local, site-local, v4-mapped or deprecated address, and of an interface with a temporary
 * IPv6 address (RFC 8981) not the stable ones, which would name the machine. In: getifaddrs() and /proc/net/if_inet6 (for
 * flags that getifaddrs() does not give). Out: a list, the preferred ones first: of each family what the default route leaves from, and the
 * families in turns (RFC 8421). Knows nothing of libnice.
 */
#include "transport/ice_addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/limits.h"

#define MAX_INET6 128 /* lines of if_inet6 that are looked at */
#define MAX_FAMILY SOTTO_MAX_LOCAL_ADDRESSES

struct found {
    struct address lists[3][MAX_FAMILY]; /* loopback, IPv4, IPv6 */
    size_t n[3];
};

static bool is_loopback(const struct address *a)
{
    struct in6_addr v6;
    if (a->family == 4) return a->ip[0] == 127;
    memcpy(&v6, a->ip, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

bool sotto__ice_local_usable(const struct address *a, bool allow_loopback)
{
    static const uint8_t home4[4] = {127, 0, 0, 1};
    struct in6_addr v6;
    if (is_loopback(a)) return allow_loopback && (a->family == 6 || memcmp(a->ip, home4, 4) == 0);
    if (a->family == 4)
        return a->ip[0] != 0 && a->ip[0] < 224 && !(a->ip[0] == 169 && a->ip[1] == 254);
    if (a->family != 6) return false;
    memcpy(&v6, a->ip, sizeof v6);
    return !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6) &&
           !IN6_IS_ADDR_SITELOCAL(&v6) && !IN6_IS_ADDR_MULTICAST(&v6) &&
           !IN6_IS_ADDR_V4MAPPED(&v6) && !IN6_IS_ADDR_V4COMPAT(&v6);
}

bool sotto__ice_inet6_line(const char *line, struct ice_inet6 *ret)
{
    unsigned byte, index, prefix, scope;
    *ret = (struct ice_inet6){.addr = {.family = 6}};
    if (strlen(line) < 40) return false;
    for (size_t i = 0; i < 16; i++) {
        if (sscanf(line + 2 * i, "%2x", &byte) != 1) return false;
        ret->addr.ip[i] = (uint8_t)byte;
    }
    return sscanf(line + 32, " %x %x %x %x %16s", &index, &prefix, &scope, &ret->flags,
                  ret->name) == 5;
}

/* How many; 0 as well when there is no such file: then nothing is known of flags. */
static size_t read_inet6(struct ice_inet6 *out, size_t max)
{
    char line[128];
    size_t n = 0;
    FILE *f = fopen("/proc/net/if_inet6", "re");
    if (!f) return 0;
    while (n < max && fgets(line, sizeof line, f))
        if (sotto__ice_inet6_line(line, &out[n])) n++;
    fclose(f);
    return n;
}

static bool may_leave(const struct ice_inet6 *i)
{
    return !(i->flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED));
}

/* Unique local addresses (fc00::/7) are reachable in the own network only: a temporary global one does not replace them. */
static bool is_ula(const struct address *a)
{
    return (a->ip[0] & 0xfe) == 0xfc;
}

bool sotto__ice_inet6_shunned(const struct address *a, const char *name,
                              const struct ice_inet6 *list, size_t n)
{
    bool stable = true, has_temporary = false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, name) != 0) continue;
        if (memcmp(list[i].addr.ip, a->ip, 16) == 0) {
            if (!may_leave(&list[i])) return true;
            if (list[i].flags & IFA_F_TEMPORARY) stable = false;
        } else if ((list[i].flags & IFA_F_TEMPORARY) && may_leave(&list[i]) &&
                   is_ula(&list[i].addr) == is_ula(a)) {
            has_temporary = true;
        }
    }
    return stable && has_temporary;
}

static bool read_address(const struct ifaddrs *i, struct address *ret)
{
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || !(i->ifa_flags & IFF_RUNNING)) return false;
    *ret = (struct address){0};
    if (i->ifa_addr->sa_family == AF_INET) {
        ret->family = 4;
        memcpy(ret->ip, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
    } else if (i->ifa_addr->sa_family == AF_INET6) {
        ret->family = 6;
        memcpy(ret->ip, &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, 16);
    }
    return ret->family != 0;
}

/* The address that the default route leaves from (RFC 8828 §5.2): of a socket that is connected to somewhere far, which sends nothing. */
static bool find_default(bool v6, struct address *ret)
{
    const struct sockaddr_in to4 = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc6290004)};
    const struct sockaddr_in6 to6 = {
        .sin6_family = AF_INET6,
        .sin6_port = htons(9),
        .sin6_addr.s6_addr = {0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 2, [15] = 0x30}};
    const struct sockaddr *to = v6 ? (const struct sockaddr *)(const void *)&to6
                                   : (const struct sockaddr *)(const void *)&to4;
    struct sockaddr_in6 own = {0};
    struct ifaddrs as_if = {.ifa_flags = IFF_UP | IFF_RUNNING,
                            .ifa_addr = (struct sockaddr *)(void *)&own};
    socklen_t n = sizeof own;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), temporary = 1;
    if (fd < 0) return false;
    if (v6) /* RFC 5014: rather a temporary one. Where there is none, or the kernel knows no such wish, the usual one will do */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, &temporary, sizeof temporary);
    bool found = connect(fd, to, v6 ? sizeof to6 : sizeof to4) == 0 &&
                 getsockname(fd, as_if.ifa_addr, &n) == 0;
    close(fd);
    return found && read_address(&as_if, ret);
}

static bool contains(const struct address *list, size_t n, const struct address *a)
{
    for (size_t i = 0; i < n; i++)
        if (sotto__address_eq(&list[i], a)) return true;
    return false;
}

/* An address that passes the filter, into the list that it belongs to. The default route's comes first. */
static void take(struct found *f, const struct address *a, bool is_default)
{
    size_t which = is_loopback(a) ? 0 : a->family == 4 ? 1 : 2, *n = &f->n[which];
    struct address *list = f->lists[which];
    if (contains(list, *n, a) || (*n == MAX_FAMILY && !is_default)) return;
    size_t at = is_default ? 0 : *n;
    if (*n == MAX_FAMILY) --*n; /* the last one makes room for the default route's */
    memmove(list + at + 1, list + at, (*n - at) * sizeof *list);
    list[at] = *a;
    ++*n;
}

/* RFC 8421 §4: the families take turns, IPv6 first. */
static size_t interleave(const struct found *f, struct address *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < MAX_FAMILY; i++)
        for (size_t which = 2; which > 0; which--)
            if (i < f->n[which] && n < max) out[n++] = f->lists[which][i];
    for (size_t i = 0; i < f->n[0] && n < max; i++) out[n++] = f->lists[0][i];
    return n;
}

static void find_all(const struct ice_local_filter *filter, const struct ifaddrs *all,
                     struct found *f)
{
    struct ice_inet6 inet6[MAX_INET6];
    struct address a, defaults[2];
    size_t n_defaults = 0, n_inet6 = read_inet6(inet6, MAX_INET6);
    bool only_default = filter->default_route && !filter->interface;
    for (int v6 = 0; v6 < 2; v6++) n_defaults += find_default(v6, &defaults[n_defaults]);
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!read_address(i, &a)) continue;
        if (filter->interface && strcmp(filter->interface, i->ifa_name) != 0) continue;
        if (!sotto__ice_local_usable(&a, filter->allow_loopback)) continue;
        if (filter->among && !contains(filter->among, filter->n_among, &a)) continue;
        bool is_default = contains(defaults, n_defaults, &a);
        if (only_default && !is_default && !is_loopback(&a)) continue;
        if (a.family == 6 && sotto__ice_inet6_shunned(&a, i->ifa_name, inet6, n_inet6)) continue;
        take(f, &a, is_default);
    }
}

int sotto__ice_local_addresses(const struct ice_local_filter *filter, struct address *out,
                               size_t max)
{
    struct ifaddrs *all;
    struct found f = {.n = {0}};
    if (getifaddrs(&all) != 0) return SOTTO_E_SYS;
    find_all(filter, all, &f);
    freeifaddrs(all);
    return (int)interleave(&f, out, max);
}

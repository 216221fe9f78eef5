/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URLs of STUN and TURN servers: stun, stuns (RFC 7064 §3.1), turn, turns (RFC 7065 §3.1). Text comes in, views of it and an address
 * go out. Of RFC 3986's hosts those are taken that can be reached: IPv4 addresses, IPv6 addresses in brackets without a zone, and
 * host names; no user, path or fragment. Nothing is allocated and no name is resolved.
 */
#include "wire/ice_url.h"

#define PORT 3478     /* RFC 7064 §3.2 */
#define PORT_TLS 5349 /* the same */

static const struct str schemes[] = {{"stun", 4}, {"stuns", 5}, {"turn", 4}, {"turns", 5}};

static int read_port(struct str s, uint16_t *ret)
{
    uint64_t port;
    if (!sotto__str_u64(s, 65535, &port) || port == 0) return SOTTO_E_SYNTAX;
    *ret = (uint16_t)port;
    return 0;
}

/* "[address]", then perhaps ":port". */
static int read_literal(struct str s, struct ice_url *ret)
{
    struct str after;
    if (!sotto__str_cut((struct str){s.p + 1, s.n - 1}, ']', &ret->host, &after))
        return SOTTO_E_SYNTAX;
    if (sotto__address_parse(ret->host, &ret->addr) < 0 || ret->addr.family != 6)
        return SOTTO_E_SYNTAX;
    if (after.n == 0) return 0;
    return after.p[0] == ':' ? read_port((struct str){after.p + 1, after.n - 1}, &ret->addr.port)
                             : SOTTO_E_SYNTAX;
}

static int read_host(struct str s, struct ice_url *ret)
{
    struct str port;
    if (s.n > 0 && s.p[0] == '[') return read_literal(s, ret);
    if (sotto__str_cut(s, ':', &ret->host, &port) && read_port(port, &ret->addr.port) < 0)
        return SOTTO_E_SYNTAX;
    bool is_address = sotto__address_parse(ret->host, &ret->addr) == 0; /* never an IPv6 one: it has colons */
    return is_address || sotto__host_name_ok(ret->host) ? 0 : SOTTO_E_SYNTAX;
}

/* transport-ext of RFC 7065 §3.1: what has no meaning here yet may have some day. */
static bool is_unreserved(struct str s)
{
    static const struct str marks = {"-._~", 4};
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') &&
            !memchr(marks.p, c, marks.n))
            return false;
    }
    return s.n > 0;
}

static int read_query(struct str s, struct ice_url *ret)
{
    struct str name, value;
    bool is_turn = ret->scheme == ICE_URL_TURN || ret->scheme == ICE_URL_TURNS;
    if (!is_turn || !sotto__str_cut(s, '=', &name, &value)) return SOTTO_E_SYNTAX;
    if (!sotto__str_ieq(name, STR("transport")) || !is_unreserved(value)) return SOTTO_E_SYNTAX;
    if (sotto__str_ieq(value, STR("tcp")))
        ret->is_tcp = true;
    else if (!sotto__str_ieq(value, STR("udp")) || ret->is_tcp)
        return SOTTO_E_UNSUPPORTED;
    return 0;
}

int sotto__ice_url_parse(struct str text, struct ice_url *ret)
{
    struct str scheme, rest, host, query;
    struct ice_url url = {.scheme = ICE_URL_STUN};
    if (!sotto__str_cut(text, ':', &scheme, &rest)) return SOTTO_E_SYNTAX;
    while (!sotto__str_ieq(scheme, schemes[url.scheme]))
        if (url.scheme++ == ICE_URL_TURNS) return SOTTO_E_SYNTAX;
    url.is_tcp = url.scheme == ICE_URL_STUNS || url.scheme == ICE_URL_TURNS;
    url.addr.port = url.is_tcp ? PORT_TLS : PORT;
    bool has_query = sotto__str_cut(rest, '?', &host, &query);
    int r = read_host(host, &url);
    if (r == 0 && has_query) r = read_query(query, &url);
    if (r == 0) *ret = url;
    return r;
}

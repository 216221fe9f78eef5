/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * a=candidate lines (RFC 8839 §5.1, tcptype of RFC 6544 §4.5) and numeric addresses.
 * Text comes in, a struct of fixed size goes out, and back; nothing is allocated and no name is ever resolved. Strict where
 * a wrong value would reach the ICE agent: numbers outside their range, zones, TCP without a type and names that a resolver
 * could read as a number are refused. Extensions are name–value pairs; unknown ones are skipped. Whether a candidate may
 * be used (loopback, multicast, …) is policy: sotto__address_usable tells, the caller decides.
 * answers: S19 H030 H031 H032 H033 H036 H037
 */
#include "wire/candidate.h"

#include <arpa/inet.h>

#include "sotto/pc.h"
#include "util/error.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"

static const char *const type_names[] = {"host", "srflx", "prflx", "relay"};
static const char *const tcp_names[] = {"", "active", "passive", "so"};

static bool is(struct str s, const char *word)
{
    return sotto__str_ieq(s, sotto__str(word)); /* literals of an ABNF are of either case: RFC 5234 §2.3 */
}

/* ---- addresses ---- */

const char *sotto__address_text(const struct address *a, char out[46])
{
    out[0] = '\0';
    if (a->family == 4) inet_ntop(AF_INET, a->ip, out, 46);
    if (a->family == 6) inet_ntop(AF_INET6, a->ip, out, 46);
    return out;
}

int sotto__address_parse(struct str text, struct address *ret)
{
    char copy[46]; /* INET6_ADDRSTRLEN */
    uint8_t ip[16] = {0};
    uint8_t family;
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n)) return SOTTO_E_SYNTAX;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, ip) == 1)
        family = 4;
    else if (inet_pton(AF_INET6, copy, ip) == 1)
        family = 6;
    else
        return SOTTO_E_SYNTAX;
    ret->family = family;
    memcpy(ret->ip, ip, sizeof ip);
    return 0;
}

bool sotto__address_eq(const struct address *a, const struct address *b)
{
    size_t n = a->family == 6 ? 16 : a->family == 4 ? 4 : 0;
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, n) == 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0) return false;
    return true;
}

/* Services that tell a machine of a cloud its secrets, beside 169.254.169.254: nobody's candidates. */
static bool is_metadata(const uint8_t *ip, bool v6)
{
    static const uint8_t v4s[][4] = {{100, 100, 100, 200}, {168, 63, 129, 16}, {192, 0, 0, 192}};
    static const uint8_t nets[][6] = {{0xfd, 0x00, 0x0e, 0xc2}, {0xfd, 0x20, 0x00, 0xce}}; /* each a /48 */
    for (size_t i = 0; !v6 && i < sizeof v4s / sizeof *v4s; i++)
        if (memcmp(ip, v4s[i], sizeof v4s[i]) == 0) return true;
    for (size_t i = 0; v6 && i < sizeof nets / sizeof *nets; i++)
        if (memcmp(ip, nets[i], sizeof nets[i]) == 0) return true;
    return false;
}

static bool usable_v4(const uint8_t *ip, bool allow_loopback)
{
    if (ip[0] == 127) return allow_loopback;
    if (ip[0] == 0 || ip[0] >= 224) return false; /* "this network"; multicast, reserved, broadcast: RFC 6890 §2.2.2 */
    return !(ip[0] == 169 && ip[1] == 254) && !is_metadata(ip, false); /* link-local: RFC 3927 */
}

/* What a gateway makes IPv4 of is judged as that: RFC 6052 §2.1, RFC 3056 §2. NULL: nothing. */
static const uint8_t *ipv4_within(const uint8_t *ip)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(ip, nat64, sizeof nat64) == 0) return ip + sizeof nat64;
    return ip[0] == 0x20 && ip[1] == 0x02 ? ip + 2 : NULL;
}

static bool usable_v6(const uint8_t *ip, bool allow_loopback)
{
    const uint8_t *inner = ipv4_within(ip);
    if (is_zero(ip, 15) && ip[15] == 1) return allow_loopback;
    if (is_zero(ip, 12)) return false; /* unspecified, v4-compatible */
    if (is_zero(ip, 10) && ip[10] == 0xff && ip[11] == 0xff) return false; /* v4-mapped */
    if (ip[0] == 0xff) return false; /* multicast */
    if (inner) return usable_v4(inner, false);
    return !(ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) && !is_metadata(ip, true); /* link-local */
}

bool sotto__address_usable(const struct address *a, bool allow_loopback)
{
    if (a->port == 0) return false;
    if (a->family == 4) return usable_v4(a->ip, allow_loopback);
    if (a->family == 6) return usable_v6(a->ip, allow_loopback);
    return false;
}

static bool private_v4(const uint8_t *ip)
{
    return ip[0] == 10 || ip[0] == 127 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
           (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && (ip[1] & 0xc0) == 64) ||
           (ip[0] == 169 && ip[1] == 254);
}

bool sotto__address_is_private(const struct address *a)
{
    const uint8_t *ip = a->ip;
    if (a->family == 4) return private_v4(ip);
    const uint8_t *inner = ipv4_within(ip);
    if (inner) return private_v4(inner);
    return (ip[0] & 0xfe) == 0xfc || ip[0] == 0 || (ip[0] == 0xfe && ip[1] >= 0x80); /* link-local, and what was site-local */
}

/* ---- text → struct ---- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * A host name: letters, digits, '-' and '.'. One whose last label begins with a digit is refused, as no top-level domain does:
 * resolvers read such texts ("127.1", "2130706433", "0x7f.1") as addresses that were not checked.
 */
bool sotto__host_name_ok(struct str s)
{
    struct str label, rest = s;
    if (s.n == 0 || s.n > 255) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.') return false;
    do {
        sotto__str_cut(rest, '.', &label, &rest);
        if (label.n == 0 || label.n > 63) return false;
    } while (rest.p);
    return !(label.p[0] >= '0' && label.p[0] <= '9');
}

static bool take_number(struct str *rest, size_t digits, uint64_t min, uint64_t max, uint64_t *ret)
{
    struct str word = sotto__str_word(rest);
    return word.n <= digits && sotto__str_u64(word, max, ret) && *ret >= min;
}

static int lookup(struct str word, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (is(word, names[i])) return i;
    return -1;
}

/* The six fixed fields and the type. Returns NULL, or what is wrong. */
static const char *parse_fixed(struct str *rest, struct candidate *c)
{
    uint64_t component, priority, port;
    struct str word = sotto__str_word(rest);
    if (!sotto__sdp_is_ice_chars(word, 1, sizeof c->foundation - 1))
        return "foundation is not 1 to 32 ice-chars";
    memcpy(c->foundation, word.p, word.n);
    if (!take_number(rest, 3, 1, 256, &component)) return "component is not 1 to 256";
    c->component = (uint16_t)component;
    word = sotto__str_word(rest);
    c->is_tcp = is(word, "tcp");
    if (!c->is_tcp && !is(word, "udp")) return "transport is neither UDP nor TCP";
    if (!take_number(rest, 10, 1, INT32_MAX, &priority)) return "priority is not 1 to 2^31-1";
    c->priority = (uint32_t)priority;
    word = sotto__str_word(rest);
    if (sotto__address_parse(word, &c->addr) < 0) {
        if (!sotto__host_name_ok(word)) return "address is neither numeric nor a host name";
        memcpy(c->name, word.p, word.n);
    }
    if (!take_number(rest, 5, 1, UINT16_MAX, &port)) return "port is not 1 to 65535";
    c->addr.port = (uint16_t)port;
    if (!is(sotto__str_word(rest), "typ")) return "\"typ\" is missing";
    int type = lookup(sotto__str_word(rest), type_names, 4);
    if (type < 0) return "unknown type";
    c->type = (enum candidate_type)type;
    return NULL;
}

enum { SEEN_RADDR = 1, SEEN_RPORT = 2, SEEN_TCPTYPE = 4, SEEN_UFRAG = 8 };

static const char *parse_extension(struct str name, struct str value, struct candidate *c,
                                   unsigned *seen)
{
    uint64_t port;
    unsigned bit = 0;
    if (is(name, "raddr")) {
        bit = SEEN_RADDR;
        if (sotto__address_parse(value, &c->related) < 0 && !sotto__host_name_ok(value))
            return "raddr is neither numeric nor a host name";
    } else if (is(name, "rport")) {
        bit = SEEN_RPORT;
        if (!sotto__str_u64(value, UINT16_MAX, &port)) return "rport is not 0 to 65535";
        c->related.port = (uint16_t)port;
    } else if (is(name, "tcptype") && c->is_tcp) {
        bit = SEEN_TCPTYPE;
        int tcp = lookup(value, tcp_names + 1, 3);
        if (tcp < 0) return "unknown tcptype";
        c->tcp = (enum candidate_tcp)(tcp + 1);
    } else if (is(name, "ufrag")) {
        bit = SEEN_UFRAG;
        if (sotto__sdp_ice_ufrag(value, &value) < 0) return "ufrag is not 4 to 256 ice-chars";
        memcpy(c->ufrag, value.p, value.n);
    }
    if (*seen & bit) return "an extension stands twice";
    *seen |= bit;
    return NULL;
}

static const char *parse(struct str text, struct candidate *c)
{
    struct str rest = text;
    unsigned seen = 0;
    for (size_t i = 0; i < text.n; i++)
        if ((uint8_t)text.p[i] < 0x20 || (uint8_t)text.p[i] >= 0x7f) return "not plain ASCII";
    if (sotto__str_starts(rest, STR("a="))) rest.p += 2, rest.n -= 2;
    if (!sotto__str_starts(rest, STR("candidate:"))) return "\"candidate:\" is missing";
    rest.p += 10, rest.n -= 10;
    const char *why = parse_fixed(&rest, c);
    while (!why) {
        struct str name = sotto__str_word(&rest);
        if (name.n == 0) break;
        struct str value = sotto__str_word(&rest);
        if (value.n == 0) return "an extension has no value";
        why = parse_extension(name, value, c, &seen);
    }
    if (why) return why;
    if (c->is_tcp && c->tcp == CANDIDATE_TCP_NONE) return "TCP without tcptype"; /* RFC 6544 §4.5 */
    /* hidden by its owner (0.0.0.0, ::) or a name: there is no related address to know */
    if (is_zero(c->related.ip, sizeof c->related.ip)) c->related = (struct address){0};
    return NULL;
}

int sotto__candidate_parse(struct str text, struct candidate *ret, sotto_error *err)
{
    struct candidate c = {0};
    char quote[72];
    if (text.n > SOTTO_MAX_CANDIDATE)
        return sotto__error(err, SOTTO_E_LIMIT, 0, "candidate of %zu bytes; at most %d", text.n,
                            SOTTO_MAX_CANDIDATE);
    const char *why = parse(text, &c);
    if (why) {
        sotto__str_escape(text, quote, sizeof quote);
        return sotto__error(err, SOTTO_E_SYNTAX, 0, "candidate: %s in \"%s\"", why, quote);
    }
    *ret = c;
    return 0;
}

/* ---- struct → text ---- */

void sotto__candidate_write(const struct candidate *c, struct buf *out)
{
    char text[46];
    const char *where = c->addr.family ? sotto__address_text(&c->addr, text) : c->name;
    sotto__buf_addf(out, "candidate:%s %u %s %u %s %u typ %s", c->foundation, c->component,
                    c->is_tcp ? "TCP" : "UDP", c->priority, where, c->addr.port,
                    type_names[c->type]);
    if (c->related.family)
        sotto__buf_addf(out, " raddr %s rport %u", sotto__address_text(&c->related, text),
                        c->related.port);
    else if (c->type == CANDIDATE_SRFLX || c->type == CANDIDATE_RELAY)
        sotto__buf_addf(out, " raddr 0.0.0.0 rport 0"); /* required, and hidden: RFC 8839 §5.1, RFC 8828 §5.2 */
    if (c->is_tcp) sotto__buf_addf(out, " tcptype %s", tcp_names[c->tcp]);
    if (c->ufrag[0]) sotto__buf_addf(out, " ufrag %s", c->ufrag);
}

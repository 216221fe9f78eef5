/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URLs, as strictly as WHIP allows (RFC 3986, RFC 9725 §4.2): https, or http to a loopback name or address; no user name; hosts without
 * percent signs, and numbers only as whole addresses, so that nobody reads another host than we do. In: text of the application and
 * of servers; out: views, and resolved texts.
 * answers: S02 S03 S33 A21
 */
#include "extra/whip_url.h"

#include <arpa/inet.h>
#include <string.h>

#define HTTPS_PORT 443
#define HTTP_PORT 80
#define MAX_HOST 255

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What may stand in a URI (RFC 3986 §2); what must not is never sent. */
static bool are_uri_chars(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr("-._~:/?#[]@!$&'()*+,;=%", s.p[i])))
            return false;
    return true;
}

static bool is_v4(struct str host, uint8_t address[4])
{
    char text[16];
    if (host.n == 0 || host.n >= sizeof text) return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, address) == 1;
}

static bool is_v6(struct str host, uint8_t address[16])
{
    char text[48];
    if (host.n < 4 || host.n - 2 >= sizeof text || host.p[0] != '[' || host.p[host.n - 1] != ']')
        return false;
    memcpy(text, host.p + 1, host.n - 2);
    text[host.n - 2] = '\0';
    return inet_pton(AF_INET6, text, address) == 1;
}

/* A name whose last label is no number: "127.1" and "0x7f000001" are addresses to some. */
static bool is_name(struct str host)
{
    size_t last = 0;
    if (host.n == 0 || host.n > MAX_HOST) return false;
    for (size_t i = 0; i < host.n; i++) {
        if (!is_alnum(host.p[i]) && host.p[i] != '-' && host.p[i] != '.' && host.p[i] != '_')
            return false;
        if (host.p[i] == '.' && i + 1 < host.n) last = i + 1;
    }
    return !(host.p[last] >= '0' && host.p[last] <= '9');
}

static int read_host(struct str host, bool *is_loopback)
{
    uint8_t address[16];
    static const uint8_t loopback6[16] = {[15] = 1};
    *is_loopback = false;
    if (is_v4(host, address))
        *is_loopback = address[0] == 127;
    else if (is_v6(host, address))
        *is_loopback = memcmp(address, loopback6, sizeof loopback6) == 0;
    else if (is_name(host))
        *is_loopback = sotto__str_ieq(host, STR("localhost"));
    else
        return SOTTO_E_SYNTAX;
    return 0;
}

/* host and host:port; the colons of "[…]" do not count. */
static int read_authority(struct str text, struct whip_url *ret)
{
    size_t end = text.n;
    uint64_t port;
    if (text.n > 0 && text.p[0] == '[') {
        const char *close = memchr(text.p, ']', text.n);
        if (!close) return SOTTO_E_SYNTAX;
        end = (size_t)(close - text.p) + 1;
    } else {
        const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
        if (colon) end = (size_t)(colon - text.p);
    }
    ret->host = (struct str){text.p, end};
    if (end == text.n) return 0;
    struct str digits = {text.p + end + 1, text.n - end - 1};
    if (text.p[end] != ':' || !sotto__str_u64(digits, UINT16_MAX, &port) || port == 0)
        return SOTTO_E_SYNTAX;
    ret->port = (uint16_t)port;
    return 0;
}

static bool take_prefix(struct str *s, struct str prefix)
{
    if (s->n < prefix.n || !sotto__str_ieq((struct str){s->p, prefix.n}, prefix)) return false;
    s->p += prefix.n;
    s->n -= prefix.n;
    return true;
}

static struct str without_fragment(struct str s)
{
    const char *hash = s.n ? memchr(s.p, '#', s.n) : NULL;
    return hash ? (struct str){s.p, (size_t)(hash - s.p)} : s;
}

int sotto__whip_url_parse(struct str text, struct whip_url *ret)
{
    struct whip_url url = {.port = HTTPS_PORT};
    bool is_loopback;
    if (text.n > SOTTO_MAX_WHIP_URL) return SOTTO_E_LIMIT;
    if (!are_uri_chars(text)) return SOTTO_E_SYNTAX;
    url.is_https = take_prefix(&text, STR("https://"));
    if (!url.is_https) {
        if (!take_prefix(&text, STR("http://")))
            return text.n > 0 && memchr(text.p, ':', text.n) ? SOTTO_E_ACCESS : SOTTO_E_SYNTAX;
        url.port = HTTP_PORT;
    }
    text = without_fragment(text);
    size_t n = 0;
    while (n < text.n && text.p[n] != '/' && text.p[n] != '?') n++;
    int r = read_authority((struct str){text.p, n}, &url);
    if (r == 0) r = read_host(url.host, &is_loopback);
    if (r < 0) return r;
    if (!url.is_https && !is_loopback) return SOTTO_E_ACCESS;
    url.path = (struct str){text.p + n, text.n - n};
    *ret = url;
    return 0;
}

bool sotto__whip_url_same_origin(const char *a, const char *b)
{
    struct whip_url x, y;
    if (sotto__whip_url_parse(sotto__str(a), &x) < 0) return false;
    if (sotto__whip_url_parse(sotto__str(b), &y) < 0) return false;
    return x.is_https == y.is_https && x.port == y.port && sotto__str_ieq(x.host, y.host);
}

/* "/a/./b/../c" → "/a/c" in place (RFC 3986 §5.2.4); the query is not touched. Returns the new length. */
static size_t remove_dots(char *path, size_t n)
{
    size_t end = 0, to = 0, from = 0;
    while (end < n && path[end] != '?') end++;
    while (from < end) {
        size_t next = from + 1; /* path[from] is '/' */
        while (next < end && path[next] != '/') next++;
        struct str segment = {path + from + 1, next - from - 1};
        bool is_dot = sotto__str_eq(segment, STR(".")), is_up = sotto__str_eq(segment, STR(".."));
        if (is_up)
            while (to > 0 && path[--to] != '/') continue;
        if (!is_dot && !is_up) {
            memmove(path + to, path + from, next - from);
            to += next - from;
        } else if (next == end) {
            path[to++] = '/';
        }
        from = next;
    }
    memmove(path + to, path + end, n - end);
    return to + n - end;
}

static int add(char *out, size_t *n, struct str s)
{
    if (s.n > SOTTO_MAX_WHIP_URL - *n) return SOTTO_E_LIMIT;
    if (s.n > 0) memcpy(out + *n, s.p, s.n);
    *n += s.n;
    return 0;
}

/* The path of the base as far as a relative reference replaces it. */
static struct str base_path(struct str path, struct str ref)
{
    size_t query = 0;
    while (query < path.n && path.p[query] != '?') query++;
    if (ref.n == 0) return path;
    if (ref.p[0] == '?') return (struct str){path.p, query};
    while (query > 0 && path.p[query - 1] != '/') query--;
    return (struct str){path.p, query};
}

static bool has_scheme(struct str s)
{
    for (size_t i = 0; i < s.n && s.p[i] != '/' && s.p[i] != '?'; i++)
        if (s.p[i] == ':') return true;
    return false;
}

int sotto__whip_url_resolve(const char *base, struct str ref, char *out)
{
    struct whip_url url;
    struct str whole = sotto__str(base);
    size_t n = 0, origin;
    int r = sotto__whip_url_parse(whole, &url);
    if (r < 0) return r;
    ref = without_fragment(ref);
    if (ref.n > SOTTO_MAX_WHIP_URL) return SOTTO_E_LIMIT;
    if (has_scheme(ref)) {
        r = add(out, &n, ref);
    } else if (sotto__str_starts(ref, STR("//"))) {
        r = add(out, &n, url.is_https ? STR("https:") : STR("http:"));
        if (r == 0) r = add(out, &n, ref);
    } else {
        r = add(out, &n, (struct str){base, (size_t)(url.path.p - base)});
        origin = n;
        if (r == 0 && !sotto__str_starts(ref, STR("/"))) r = add(out, &n, base_path(url.path, ref));
        if (r == 0 && n == origin && !sotto__str_starts(ref, STR("/"))) r = add(out, &n, STR("/"));
        if (r == 0) r = add(out, &n, ref);
        if (r == 0) n = origin + remove_dots(out + origin, n - origin);
    }
    if (r < 0) return r;
    out[n] = '\0';
    return sotto__whip_url_parse((struct str){out, n}, &url);
}

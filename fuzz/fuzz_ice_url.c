/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__ice_url_parse. Property: the parts of a URL that is taken, written again, parse to the same; the host is an address or a
 * name that no resolver reads as a number; a URL that is refused leaves the result alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "wire/ice_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_same(const struct ice_url *a, struct str text)
{
    struct ice_url b;
    require(sotto__ice_url_parse(text, &b) == 0);
    require(a->scheme == b.scheme && a->is_tcp == b.is_tcp && sotto__address_eq(&a->addr, &b.addr));
    require(sotto__str_eq(a->host, b.host) || b.addr.family != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const schemes[] = {"stun", "stuns", "turn", "turns"};
    struct ice_url url, untouched;
    char text[400], address[46];
    memset(&url, 0x5a, sizeof url);
    memcpy(&untouched, &url, sizeof url);
    int r = sotto__ice_url_parse((struct str){(const char *)data, size}, &url);
    if (r < 0) {
        require(r == SOTTO_E_SYNTAX || r == SOTTO_E_UNSUPPORTED);
        require(memcmp(&url, &untouched, sizeof url) == 0);
        return 0;
    }
    bool is_name = url.addr.family == 0, is_v6 = url.addr.family == 6;
    require(url.scheme <= ICE_URL_TURNS && url.addr.port != 0);
    require(url.host.n > 0 && url.host.n <= 255 && url.host.p > (const char *)data);
    require(is_name == sotto__host_name_ok(url.host));
    sotto__address_text(&url.addr, address);
    int n = snprintf(text, sizeof text, "%s:%s%.*s%s:%u%s", schemes[url.scheme], is_v6 ? "[" : "",
                     is_name ? (int)url.host.n : 46, is_name ? url.host.p : address,
                     is_v6 ? "]" : "", url.addr.port,
                     url.scheme < ICE_URL_TURN ? ""
                     : url.is_tcp              ? "?transport=tcp"
                                               : "?transport=udp");
    require_same(&url, (struct str){text, (size_t)n});
    return 0;
}

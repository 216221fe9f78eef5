/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: a whole HTTP answer of a WHIP or WHEP server, and the fragments and URLs in it. Property: what is taken keeps its limits, a
 * location that is followed is https or of this host and resolves to itself, and a fragment changes nothing but ICE. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "extra/whip_answer.h"
#include "extra/whip_frag.h"
#include "extra/whip_url.h"
#include "util/buf.h"
#include "util/mem.h"

static const char base[] = "https://example.com/whip/endpoint?room=1";
static const char answer[] =
    "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF "
    "111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 AA\r\na=candidate:1 x\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF "
    "96\r\na=mid:1\r\na=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n";

static void must(int yes)
{
    if (!yes) abort();
}

static void check_location(struct str location)
{
    char url[SOTTO_MAX_WHIP_URL + 1], again[SOTTO_MAX_WHIP_URL + 1];
    struct whip_url parts;
    if (sotto__whip_url_resolve(base, location, url) < 0) return;
    must(strlen(url) <= SOTTO_MAX_WHIP_URL);
    must(sotto__whip_url_parse(sotto__str(url), &parts) == 0);
    must(parts.is_https || sotto__str_ieq(parts.host, STR("localhost")) || parts.host.p[0] == '[' ||
         sotto__str_starts(parts.host, STR("127.")));
    must(sotto__whip_url_resolve(base, sotto__str(url), again) == 0);
    must(strcmp(url, again) == 0);
    must(sotto__whip_url_same_origin(url, again));
}

/* Lines of the text, less those of ICE. */
static size_t other_lines(struct str text, char *out)
{
    static const char *const ice[] = {
        "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates"};
    size_t n = 0;
    struct str line, rest;
    while (text.n > 0) {
        bool is_ice = false;
        sotto__str_cut(text, '\n', &line, &rest);
        for (size_t i = 0; i < 4; i++) is_ice |= sotto__str_starts(line, sotto__str(ice[i]));
        if (!is_ice) memcpy(out + n, line.p, line.n), n += line.n;
        text = rest;
    }
    return n;
}

static void check_fragment(struct str frag)
{
    struct buf out;
    const char *why;
    bool is_complete;
    char before[sizeof answer], *after;
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    sotto__whip_frag_count(frag, &is_complete);
    sotto__whip_frag_write(frag, 1, &out);
    sotto__buf_free(&out);
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    if (sotto__whip_frag_apply(sotto__str(answer), frag, &out, &why) == 0) {
        struct str text = {(const char *)out.p, out.n};
        after = sotto__malloc(out.n + 1);
        if (after) {
            size_t n = other_lines(sotto__str(answer), before);
            must(other_lines(text, after) == n && memcmp(before, after, n) == 0);
        }
        sotto__free(after);
    }
    sotto__buf_free(&out);
}

/* A user and his word for TURN, neither for STUN. */
static void check_server(const struct whip_server *server)
{
    bool is_turn = strncmp(server->url, "turn", 4) == 0;
    must(is_turn || strncmp(server->url, "stun", 4) == 0);
    must((server->username != NULL) == is_turn && (server->credential != NULL) == is_turn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size}, head = text, body = {NULL, 0};
    struct whip_answer a;
    const char *why;
    if (size > SOTTO_MAX_WHIP_HEAD) return 0;
    for (size_t i = 0; i + 4 <= size; i++)
        if (memcmp(data + i, "\r\n\r\n", 4) == 0) {
            head.n = i + 4;
            body = (struct str){text.p + head.n, size - head.n};
            break;
        }
    check_fragment(body.n ? body : text);
    if (sotto__whip_answer_parse(head, body, &a, &why) < 0) {
        must(why && why[0]);
        return 0;
    }
    must(a.status >= 200 && a.status <= 999 && a.n_servers <= SOTTO_MAX_WHIP_SERVERS);
    must(a.retry_after >= -1 && a.retry_after <= SOTTO_MAX_RETRY_AFTER * INT64_C(1000000));
    must(a.etag.n <= SOTTO_MAX_WHIP_ETAG && (!a.etag.n || sotto__whip_is_etag(a.etag)));
    for (size_t i = 0; i < a.n_servers; i++) check_server(&a.servers[i]);
    check_location(a.location);
    sotto__whip_answer_free(&a);
    return 0;
}

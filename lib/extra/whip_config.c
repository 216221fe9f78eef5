/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading sotto_whip_config: what can be wrong in it is found before anything goes out. In: the caller's struct; out: copies of all that
 * it points to. Tokens as RFC 6750 §2.1 has them, pins as libcurl reads them.
 * answers: S02 S04
 */
#include "extra/config.h"
#include "extra/whip_priv.h"
#include "extra/whip_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"
#include "util/rand.h"
#include "util/time.h"

#define FIRST SOTTO_SECONDS(2)
#define LONGEST SOTTO_SECONDS(60)
#define MAX_WAIT SOTTO_SECONDS(86400)
#define PIN_CHARS 44 /* of 32 bytes in base64 */

static bool is_base64(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool sotto__whip_is_token(const char *token)
{
    size_t n = strlen(token), i = 0;
    if (n == 0) return false;
    while (i < n && (is_base64(token[i]) || strchr("-._~", token[i]))) i++;
    bool is_begun = i > 0;
    while (i < n && token[i] == '=') i++;
    return is_begun && i == n;
}

/* "sha256//…=;sha256//…=" */
static bool are_pins(struct str s)
{
    struct str pin, rest;
    if (s.n > SOTTO_MAX_WHIP_PINS) return false;
    do {
        sotto__str_cut(s, ';', &pin, &rest);
        s = rest;
        if (!sotto__str_starts(pin, STR("sha256//")) || pin.n != 8 + PIN_CHARS) return false;
        for (size_t i = 8; i < pin.n - 1; i++)
            if (!is_base64(pin.p[i])) return false;
        if (pin.p[pin.n - 1] != '=') return false;
    } while (s.p);
    return true;
}

static bool is_proxy(const char *text)
{
    char as_https[SOTTO_MAX_WHIP_URL + 1];
    struct whip_url url;
    if (strncmp(text, "http://", 7) != 0 || strlen(text) >= SOTTO_MAX_WHIP_URL) return false;
    snprintf(as_https, sizeof as_https, "https://%s", text + 7); /* any host: TLS goes through it */
    return sotto__whip_url_parse(sotto__str(as_https), &url) == 0 &&
           (url.path.n == 0 || sotto__str_eq(url.path, STR("/")));
}

static int check(const sotto_whip_config *c)
{
    struct whip_url url;
    if (!c->url) return SOTTO_E_INVAL;
    int r = sotto__whip_url_parse(sotto__str(c->url), &url);
    if (r < 0) return r;
    if (c->token && strlen(c->token) > SOTTO_MAX_WHIP_TOKEN) return SOTTO_E_LIMIT;
    if (c->token && !sotto__whip_is_token(c->token)) return SOTTO_E_SYNTAX;
    if (c->pin && !are_pins(sotto__str(c->pin))) return SOTTO_E_SYNTAX;
    if (c->proxy && (!url.is_https || !is_proxy(c->proxy))) return SOTTO_E_SYNTAX;
    if (c->ca_file && access(c->ca_file, R_OK) != 0) return SOTTO_E_ACCESS;
    if (c->no_audio && c->no_video) return SOTTO_E_RANGE;
    if (c->n_encodings > SOTTO_MAX_RIDS) return SOTTO_E_RANGE;
    if (c->n_encodings > 0 && !c->encodings) return SOTTO_E_INVAL;
    if (c->first < 0 || c->longest < 0 || c->longest > MAX_WAIT || c->first > MAX_WAIT)
        return SOTTO_E_RANGE;
    return c->longest > 0 && c->first > c->longest ? SOTTO_E_RANGE : 0;
}

/* Encodings, and their rids in one block. */
static int copy_encodings(sotto_whip *w, const sotto_whip_config *c)
{
    size_t n = 0, at = 0;
    if (c->n_encodings == 0) return 0;
    w->encodings = sotto__calloc(c->n_encodings, sizeof *w->encodings);
    if (!w->encodings) return SOTTO_E_NOMEM;
    const char *from = (const char *)c->encodings;
    for (size_t i = 0; i < c->n_encodings; i++) { /* the first one's size is the stride */
        int r = sotto__extra_copy(from + i * c->encodings->size, sizeof *w->encodings,
                                  &w->encodings[i]);
        if (r < 0) return r;
        w->encodings[i].size = sizeof *w->encodings;
        if (w->encodings[i].rid) n += strlen(w->encodings[i].rid) + 1;
    }
    w->rid_texts = sotto__malloc(n);
    if (!w->rid_texts) return SOTTO_E_NOMEM;
    for (size_t i = 0; i < c->n_encodings; i++) {
        if (!w->encodings[i].rid) continue;
        size_t length = strlen(w->encodings[i].rid) + 1;
        memcpy(w->rid_texts + at, w->encodings[i].rid, length);
        w->encodings[i].rid = w->rid_texts + at;
        at += length;
    }
    w->n_encodings = c->n_encodings;
    return 0;
}

static int copy_text(const char *from, const char **to)
{
    if (!from) return 0;
    *to = sotto__strdup(from);
    return *to ? 0 : SOTTO_E_NOMEM;
}

/* sotto_pc_get_config() is a copy of all that a configuration points to. */
static int copy_pc_config(sotto_whip *w, const sotto_pc_config *c)
{
    sotto_pc_config cfg = {.size = sizeof cfg};
    sotto_pc *pc;
    int r = sotto__extra_copy(c, sizeof cfg, &cfg);
    if (r < 0) return r;
    cfg.size = sizeof cfg;
    cfg.bundle_policy = SOTTO_BUNDLE_MAX_BUNDLE;
    r = sotto_pc_new(w->ctx, &cfg, &pc);
    if (r < 0) return r;
    r = sotto_pc_get_config(pc, &w->pc_config);
    sotto_pc_free(pc);
    return r;
}

/* Its id is a random one: what is published twice has nothing in common. */
static int make_stream(sotto_whip *w)
{
    uint64_t id[2];
    int r = sotto__rand_u64(&w->random);
    if (r == 0) r = sotto__rand_u64(&id[0]);
    if (r == 0) r = sotto__rand_u64(&id[1]);
    if (r < 0) return r;
    w->random |= 1; /* 0 would stay 0 */
    snprintf(w->stream, sizeof w->stream, "%016" PRIx64 "%016" PRIx64, id[0], id[1]);
    return 0;
}

int sotto__whip_configure(sotto_whip *w, const sotto_whip_config *cfg)
{
    sotto_whip_config c;
    int r = sotto__extra_copy(cfg, sizeof c, &c);
    if (r == 0) r = check(&c);
    if (r < 0) return r;
    w->has_audio = !c.no_audio;
    w->has_video = !c.no_video;
    w->max_attempts = c.attempts;
    w->longest = c.longest > 0 ? c.longest : c.first > LONGEST ? c.first : LONGEST;
    w->first = c.first > 0 ? c.first : w->longest < FIRST ? w->longest : FIRST;
    w->wait = w->first;
    w->has_trickle = true;
    w->times = (struct whip_times){.request = SOTTO_WHIP_REQUEST_US,
                                   .gather = SOTTO_SECONDS(2),
                                   .connect = SOTTO_SECONDS(20),
                                   .patience = SOTTO_SECONDS(2),
                                   .stop = SOTTO_SECONDS(3),
                                   .calm = SOTTO_SECONDS(60)};
    w->url = sotto__strdup(c.url);
    if (!w->url) return SOTTO_E_NOMEM;
    r = copy_text(c.ca_file, &w->trust.ca_file);
    if (r == 0) r = copy_text(c.pin, &w->trust.pin);
    if (r == 0) r = copy_text(c.proxy, &w->trust.proxy);
    if (r == 0) r = copy_encodings(w, &c);
    if (r == 0) r = make_stream(w);
    return r < 0 ? r : copy_pc_config(w, c.pc);
}

void sotto__whip_unconfigure(sotto_whip *w)
{
    if (w->pc_config) { /* credentials of ICE servers are in it */
        sotto__wipe(w->pc_config, sotto__mem_size(w->pc_config));
        sotto_free(w->pc_config);
    }
    sotto__free((void *)w->trust.ca_file);
    sotto__free((void *)w->trust.pin);
    sotto__free((void *)w->trust.proxy);
    sotto__free(w->encodings);
    sotto__free(w->rid_texts);
    sotto__free(w->url);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The security report as JSON (RFC 8259). In: the report; out: one object with the members that docs/reference/security-report.md names.
 * Numbers that stand for words in C are words here.
 */
#include <inttypes.h>

#include "api/security.h"
#include "api/stats_json.h"
#include "sotto/verify.h"
#include "util/buf.h"
#include "util/str.h"

/* name: with what stands before it, as `,"name":`. */
static void add_text(struct buf *b, const char *name, const char *value)
{
    sotto__buf_addf(b, "%s", name);
    sotto__stats_json_text(b, value);
}

static void add_bool(struct buf *b, const char *name, bool value)
{
    sotto__buf_addf(b, "%s%s", name, value ? "true" : "false");
}

static const char *word(const char *const *words, size_t n, int32_t i)
{
    return i >= 0 && (size_t)i < n ? words[i] : "";
}
#define WORD(words, i) word(words, sizeof(words) / sizeof *(words), i)

static void add_dtls(struct buf *b, const sotto_security *s)
{
    static const char *const states[] = {"new", "connecting", "connected", "closed", "failed"};
    add_text(b, "\"dtls\":{\"state\":", WORD(states, s->dtls_state));
    add_text(b, ",\"version\":", s->dtls_version);
    add_text(b, ",\"cipher\":", s->dtls_cipher);
    add_text(b, ",\"group\":", s->dtls_group);
    add_bool(b, ",\"extendedMasterSecret\":", s->dtls_ems);
    add_text(b, "},\"srtp\":{\"profile\":", s->srtp_profile);
    sotto__buf_addf(b, "}");
}

static void add_cert(struct buf *b, const char *name, const sotto_security_cert *c)
{
    sotto__buf_addf(b, "%s", name);
    if (!c->hash[0]) {
        sotto__buf_addf(b, "null");
        return;
    }
    add_text(b, "{\"hash\":", c->hash);
    add_text(b, ",\"fingerprint\":", c->fingerprint);
    add_text(b, ",\"key\":", c->key);
    sotto__buf_addf(b, ",\"notBefore\":%" PRId64 ",\"notAfter\":%" PRId64 ",\"age\":%" PRId64 "}",
                    c->not_before, c->not_after, c->age_s);
}

static void add_trust(struct buf *b, const sotto_security *s)
{
    static const char *const levels[] = {"none", "pinned", "confirmed"};
    static const char *const e2ee[] = {"none", "part", "all"};
    add_text(b, ",\"verification\":{\"level\":", WORD(levels, s->verification));
    add_text(b, ",\"required\":", WORD(levels, s->required_verification));
    add_text(b, "},\"endToEnd\":", WORD(e2ee, s->e2ee));
    if (s->consent_age_us < 0)
        sotto__buf_addf(b, ",\"consentAge\":null");
    else
        sotto__buf_addf(b, ",\"consentAge\":%" PRId64 ".%06d", s->consent_age_us / 1000000,
                        (int)(s->consent_age_us % 1000000));
}

static void add_exposed(struct buf *b, uint32_t bits)
{
    static const char *const names[] = {"private", "public", "relay", "name"};
    const char *before = "[";
    for (size_t i = 0; i < 4; i++)
        if (bits >> i & 1u) {
            sotto__buf_addf(b, "%s\"%s\"", before, names[i]);
            before = ",";
        }
    sotto__buf_addf(b, "%s", before[0] == '[' ? "[]" : "]");
}

static void add_privacy(struct buf *b, const sotto_security *s)
{
    static const char *const modes[] = {"off", "all", "default-route", "public", "proxy"};
    add_text(b, ",\"privacy\":{\"mode\":", WORD(modes, s->privacy_mode));
    add_bool(b, ",\"relayOnly\":", s->relay_only);
    sotto__buf_addf(b, ",\"exposes\":");
    add_exposed(b, s->exposes);
    sotto__buf_addf(b, ",\"addresses\":[");
    for (size_t i = 0; i < s->n_addresses; i++) {
        add_text(b, i ? ",{\"address\":" : "{\"address\":", s->addresses[i].address);
        add_text(b, ",\"type\":", s->addresses[i].type);
        sotto__buf_addf(b, ",\"exposes\":");
        add_exposed(b, s->addresses[i].exposes);
        sotto__buf_addf(b, "}");
    }
    sotto__buf_addf(b, "]}");
}

static void add_counters(struct buf *b, const sotto_security *s)
{
    sotto__buf_addf(b, ",\"counters\":{");
    for (size_t i = 0; i < s->n_counters; i++)
        sotto__buf_addf(b, "%s\"%s\":%" PRIu64, i ? "," : "", s->counters[i].name,
                        s->counters[i].count);
    sotto__buf_addf(b, "},\"risks\":[");
    for (size_t i = 0; i < s->n_risks; i++) {
        add_text(b, i ? ",{\"name\":" : "{\"name\":", s->risks[i].name);
        add_text(b, ",\"note\":", s->risks[i].note);
        sotto__buf_addf(b, "}");
    }
    sotto__buf_addf(b, "]");
}

static void add_holes(struct buf *b, const sotto_security_library *l)
{
    for (size_t i = 0; i < l->n_holes; i++) {
        const sotto_security_hole *h = &l->holes[i];
        add_text(b, i ? ",{\"id\":" : "{\"id\":", h->id);
        add_text(b, ",\"text\":", h->text);
        if (h->fence)
            add_text(b, ",\"fence\":", h->fence);
        else
            sotto__buf_addf(b, ",\"fence\":null");
        sotto__buf_addf(b, "}");
    }
}

static void add_libraries(struct buf *b, const sotto_security *s)
{
    sotto__buf_addf(b, ",\"libraries\":[");
    for (size_t i = 0; i < s->n_libraries; i++) {
        const sotto_security_library *l = &s->libraries[i];
        add_text(b, i ? ",{\"name\":" : "{\"name\":", l->name);
        add_text(b, ",\"version\":", l->version);
        add_bool(b, ",\"atRunTime\":", l->is_runtime);
        add_text(b, ",\"package\":", l->package);
        sotto__buf_addf(b, ",\"holes\":[");
        add_holes(b, l);
        sotto__buf_addf(b, "]}");
    }
    sotto__buf_addf(b, "]");
}

int sotto__security_json(const sotto_security *s, char **ret)
{
    struct buf b;
    sotto__buf_init(&b, SIZE_MAX / 4); /* its parts have their limits */
    sotto__buf_addf(&b, "{");
    add_dtls(&b, s);
    add_cert(&b, ",\"certificates\":{\"local\":", &s->local);
    add_cert(&b, ",\"remote\":", &s->remote);
    sotto__buf_addf(&b, "}");
    add_trust(&b, s);
    add_privacy(&b, s);
    add_counters(&b, s);
    add_libraries(&b, s);
    sotto__buf_addf(&b, "}");
    char *text = sotto__buf_take_string(&b);
    if (!text) {
        sotto__buf_free(&b);
        return SOTTO_E_NOMEM;
    }
    *ret = text;
    return 0;
}

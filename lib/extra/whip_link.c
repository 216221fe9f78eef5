/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link fields (RFC 8288) of an answer: STUN and TURN servers of rel="ice-server", with their credentials (RFC 9725 §4.6). Links of other
 * relations are passed over. In: the value of a field; out: the servers, their texts in memory for secrets. Whether a URL can be used
 * is not decided here.
 * answers: A21
 */
#include "extra/whip_link.h"

#include <string.h>

#include "util/mem.h"
#include "util/secret.h"

#define SLOT (SOTTO_MAX_SECRET / SOTTO_MAX_WHIP_SERVERS) /* bytes of one server: three texts with their NULs */

struct link {
    struct str uri;
    char rel[32], username[SLOT], credential[SLOT], kind[32];
    bool has_username, has_credential;
};

static void skip_blanks(struct str *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t')) s->p++, s->n--;
}

static bool take_char(struct str *s, char c)
{
    skip_blanks(s);
    if (s->n == 0 || s->p[0] != c) return false;
    s->p++;
    s->n--;
    return true;
}

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* A token or a quoted string into out. false: neither, or longer than cap - 1. */
static bool take_value(struct str *s, char *out, size_t cap)
{
    size_t n = 0;
    bool is_quoted = take_char(s, '"');
    for (;;) {
        if (s->n == 0) {
            if (is_quoted) return false;
            break;
        }
        char c = s->p[0];
        if (is_quoted ? c == '"' : !is_token(c)) break;
        if (is_quoted && c == '\\') {
            s->p++, s->n--;
            if (s->n == 0) return false;
            c = s->p[0];
        }
        if (n + 1 >= cap) return false;
        out[n++] = c;
        s->p++, s->n--;
    }
    out[n] = '\0';
    if (is_quoted) return take_char(s, '"');
    return n > 0;
}

/* "; name=value"; what is not known goes into a bin of the same size. */
static bool take_parameter(struct str *s, struct link *l)
{
    char bin[SLOT], *to = bin;
    size_t cap = sizeof bin, n = 0;
    skip_blanks(s);
    while (n < s->n && is_token(s->p[n])) n++;
    struct str name = {s->p, n};
    if (n == 0) return false;
    s->p += n;
    s->n -= n;
    if (!take_char(s, '=')) return true;
    if (sotto__str_ieq(name, STR("rel"))) to = l->rel, cap = sizeof l->rel;
    if (sotto__str_ieq(name, STR("username"))) to = l->username, l->has_username = true;
    if (sotto__str_ieq(name, STR("credential"))) to = l->credential, l->has_credential = true;
    if (sotto__str_ieq(name, STR("credential-type"))) to = l->kind, cap = sizeof l->kind;
    if (to == l->rel || to == l->kind) { /* may be long where it is none of ours */
        if (!take_value(s, bin, sizeof bin)) return false;
        size_t length = strlen(bin);
        memcpy(to, bin, length < cap ? length + 1 : 1);
        if (length >= cap) to[0] = '\0';
        return true;
    }
    return take_value(s, to, cap);
}

static bool take_link(struct str *s, struct link *l)
{
    memset(l, 0, sizeof *l);
    if (!take_char(s, '<')) return false;
    const char *end = s->n ? memchr(s->p, '>', s->n) : NULL;
    if (!end) return false;
    l->uri = (struct str){s->p, (size_t)(end - s->p)};
    s->n -= l->uri.n + 1;
    s->p = end + 1;
    while (take_char(s, ';'))
        if (!take_parameter(s, l)) return false;
    return true;
}

static bool is_for_turn(const struct link *l)
{
    return sotto__str_starts(l->uri, STR("turn:")) || sotto__str_starts(l->uri, STR("turns:"));
}

static bool is_server(const struct link *l)
{
    bool is_turn = is_for_turn(l);
    bool is_stun =
        sotto__str_starts(l->uri, STR("stun:")) || sotto__str_starts(l->uri, STR("stuns:"));
    if (!sotto__str_ieq(sotto__str(l->rel), STR("ice-server"))) return false;
    if (is_turn && (!l->has_username || !l->has_credential)) return false;
    if (l->kind[0] && !sotto__str_ieq(sotto__str(l->kind), STR("password"))) return false;
    return is_turn || is_stun;
}

static char *put(char **at, struct str s)
{
    char *text = *at;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    *at += s.n + 1;
    return text;
}

static int add_server(struct whip_answer *a, const struct link *l, const char **why)
{
    struct str name = sotto__str(l->username), word = sotto__str(l->credential);
    *why = "the server names an ICE server that is too long";
    if (l->uri.n + name.n + word.n + 3 > SLOT) return SOTTO_E_PROTO;
    *why = "the server names too many ICE servers";
    if (a->n_servers == SOTTO_MAX_WHIP_SERVERS) return SOTTO_E_PROTO;
    *why = "no memory";
    if (!a->text) a->text = sotto__secret_new(SOTTO_MAX_SECRET);
    if (!a->text) return SOTTO_E_NOMEM;
    struct whip_server *to = &a->servers[a->n_servers];
    char *at = a->text + a->n_servers++ * SLOT;
    to->url = put(&at, l->uri);
    /* STUN servers are asked without: half of a pair, or a secret for nothing, is not kept */
    to->username = is_for_turn(l) ? put(&at, name) : NULL;
    to->credential = is_for_turn(l) ? put(&at, word) : NULL;
    return 0;
}

int sotto__whip_link_parse(struct str value, struct whip_answer *a, const char **why)
{
    struct link l;
    int r = 0;
    do {
        *why = "a Link of the server's answer is malformed";
        if (!take_link(&value, &l)) r = SOTTO_E_PROTO;
        if (r == 0 && is_server(&l)) r = add_server(a, &l, why);
    } while (r == 0 && take_char(&value, ','));
    skip_blanks(&value);
    if (r == 0 && value.n > 0) {
        *why = "a Link of the server's answer is malformed";
        r = SOTTO_E_PROTO;
    }
    sotto__wipe(&l, sizeof l);
    return r;
}

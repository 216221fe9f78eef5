/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of a session description: its storage, building it line by line, and finding attributes.
 * Strings live in chunks that never move, so that views of them stay valid while the tree grows; the arrays of lines and of
 * m-sections do move. Knows the shape of a line and the limits, not the order of lines: that is sdp_parse.c's.
 */
#include "wire/sdp_tree.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/limits.h"
#include "util/mem.h"
#include "wire/sdp_attr.h"

#define CHUNK 512 /* some candidates; the first chunk is as large as what is stored first: a whole text */

struct sdp_chunk {
    struct sdp_chunk *next;
    size_t n, cap;
    char bytes[];
};

/* ---- storage ---- */

int sotto__sdp_new(struct sdp **ret)
{
    struct sdp *sdp = sotto__calloc(1, sizeof *sdp);
    if (!sdp) return SOTTO_E_NOMEM;
    *ret = sdp;
    return 0;
}

void sotto__sdp_free(struct sdp *sdp)
{
    if (!sdp) return;
    for (size_t i = 0; i < sdp->n_media; i++) {
        sotto__free(sdp->media[i].s.lines);
        sotto__free(sdp->media[i].fmts);
    }
    while (sdp->chunks) {
        struct sdp_chunk *chunk = sdp->chunks;
        sdp->chunks = chunk->next;
        sotto__free(chunk);
    }
    sotto__free(sdp->media);
    sotto__free(sdp->s.lines);
    sotto__free(sdp);
}

size_t sotto__sdp_bytes(const struct sdp *sdp)
{
    if (!sdp) return 0;
    size_t n = sotto__mem_size(sdp) + sotto__mem_size(sdp->media) + sotto__mem_size(sdp->s.lines);
    for (size_t i = 0; i < sdp->n_media; i++)
        n += sotto__mem_size(sdp->media[i].s.lines) + sotto__mem_size(sdp->media[i].fmts);
    for (const struct sdp_chunk *c = sdp->chunks; c; c = c->next) n += sotto__mem_size(c);
    return n;
}

char *sotto__sdp_store(struct sdp *sdp, size_t n)
{
    struct sdp_chunk *chunk = sdp->chunks;
    if (!chunk || chunk->cap - chunk->n < n) {
        size_t cap = !chunk || n > CHUNK ? n : CHUNK;
        chunk = sotto__malloc(sizeof *chunk + cap);
        if (!chunk) return NULL;
        *chunk = (struct sdp_chunk){.next = sdp->chunks, .cap = cap};
        sdp->chunks = chunk;
    }
    char *p = chunk->bytes + chunk->n;
    chunk->n += n;
    return p;
}

/* Room for one more element in an array of cap; NULL: no memory, nothing changed. */
static void *grow(void *array, size_t *cap, size_t n, size_t size)
{
    if (n < *cap) return array;
    size_t more = *cap + *cap / 4 + 4;
    void *p = sotto__realloc(array, more * size);
    if (p) *cap = more;
    return p;
}

int sotto__sdp_push_line(struct sdp_section *s, const struct sdp_line *line)
{
    if (s->n_lines == SOTTO_MAX_SDP_LINES) return SOTTO_E_LIMIT;
    struct sdp_line *lines = grow(s->lines, &s->cap, s->n_lines, sizeof *lines);
    if (!lines) return SOTTO_E_NOMEM;
    s->lines = lines;
    s->lines[s->n_lines++] = *line;
    return 0;
}

void sotto__sdp_fit(struct sdp *sdp)
{
    sdp->media = sotto__trim(sdp->media, sdp->n_media * sizeof *sdp->media);
    sdp->cap_media = sdp->n_media;
    for (size_t i = 0; i <= sdp->n_media; i++) {
        struct sdp_section *s = i < sdp->n_media ? &sdp->media[i].s : &sdp->s;
        s->lines = sotto__trim(s->lines, s->n_lines * sizeof *s->lines);
        s->cap = s->n_lines;
    }
}

/* ---- the text of lines ---- */

const char *sotto__sdp_bad_text(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (c == '\r' || c == '\n') return "a line break inside a line";
        if ((c < 0x20 && c != '\t') || c == 0x7f) return "a control character";
    }
    return sotto__utf8_ok((const uint8_t *)text.p, text.n) ? NULL : "not UTF-8";
}

void sotto__sdp_split(struct str value, struct sdp_line *line)
{
    sotto__str_cut(value, ':', &line->name, &line->value);
}

bool sotto__sdp_origin_parse(struct str value, struct sdp_origin *ret)
{
    struct sdp_origin o = {.username = sotto__str_word(&value)};
    struct str id = sotto__str_word(&value), version = sotto__str_word(&value);
    struct str net = sotto__str_word(&value), type = sotto__str_word(&value);
    o.address = sotto__str_word(&value);
    if (o.address.n == 0 || value.n > 0) return false;
    if (!sotto__sdp_is_token(net) || !sotto__sdp_is_token(type)) return false;
    if (!sotto__str_u64(id, UINT64_MAX, &o.session_id)) return false;
    if (!sotto__str_u64(version, UINT64_MAX, &o.version)) return false;
    *ret = o;
    return true;
}

static bool is_proto(struct str proto) /* RFC 8866 §9: tokens with '/' between */
{
    struct str part;
    do {
        sotto__str_cut(proto, '/', &part, &proto);
        if (!sotto__sdp_is_token(part)) return false;
    } while (proto.p);
    return true;
}

static bool read_port(struct str text, struct sdp_media *m)
{
    uint64_t port, count = 1;
    struct str left, right;
    if (sotto__str_cut(text, '/', &left, &right) && !sotto__str_u64(right, UINT16_MAX, &count))
        return false;
    if (!sotto__str_u64(left, UINT16_MAX, &port) || count == 0) return false;
    m->port = (uint16_t)port;
    m->n_ports = (uint16_t)count;
    return true;
}

static int read_fmts(struct str text, struct sdp_media *m, const char **why)
{
    struct str fmts[SOTTO_MAX_SDP_FMTS];
    size_t n = 0;
    for (struct str fmt; fmt = sotto__str_word(&text), fmt.n > 0; fmts[n++] = fmt) {
        *why = "too many formats";
        if (n == SOTTO_MAX_SDP_FMTS) return SOTTO_E_LIMIT;
        *why = "a format is not a token";
        if (!sotto__sdp_is_token(fmt)) return SOTTO_E_SYNTAX;
    }
    *why = "an m-line without formats";
    if (n == 0) return SOTTO_E_SYNTAX;
    m->fmts = sotto__memdup(fmts, n * sizeof *fmts);
    m->n_fmts = n;
    return m->fmts ? 0 : SOTTO_E_NOMEM;
}

int sotto__sdp_push_media(struct sdp *sdp, struct str value, int32_t number, struct sdp_media **ret,
                          const char **why)
{
    struct sdp_media m = {.number = number};
    *why = "too many m-lines";
    if (sdp->n_media == SOTTO_MAX_SDP_MEDIA) return SOTTO_E_LIMIT;
    struct sdp_media *media = grow(sdp->media, &sdp->cap_media, sdp->n_media, sizeof *media);
    if (!media) return SOTTO_E_NOMEM;
    sdp->media = media;
    m.kind = sotto__str_word(&value);
    *why = "the kind of media is not a token";
    if (!sotto__sdp_is_token(m.kind)) return SOTTO_E_SYNTAX;
    *why = "the port is not 0 to 65535";
    if (!read_port(sotto__str_word(&value), &m)) return SOTTO_E_SYNTAX;
    m.proto = sotto__str_word(&value);
    *why = "the protocol is not tokens with '/' between";
    if (!is_proto(m.proto)) return SOTTO_E_SYNTAX;
    int r = read_fmts(value, &m, why);
    if (r < 0) return r;
    *ret = &sdp->media[sdp->n_media];
    sdp->media[sdp->n_media++] = m;
    return 0;
}

/* ---- building ---- */

__attribute__((format(printf, 3, 0))) static int store_format(struct sdp *sdp, struct str *ret,
                                                              const char *fmt, va_list ap)
{
    char line[SOTTO_MAX_SDP_LINE];
    int n = vsnprintf(line, sizeof line, fmt, ap);
    if (n < 0) return SOTTO_E_SYNTAX;
    if ((size_t)n > SOTTO_MAX_SDP_LINE - 2) return SOTTO_E_LIMIT; /* "a=" stands before it */
    struct str text = {line, (size_t)n};
    if (sotto__sdp_bad_text(text)) return SOTTO_E_SYNTAX;
    char *p = sotto__sdp_store(sdp, text.n);
    if (!p) return SOTTO_E_NOMEM;
    memcpy(p, line, text.n);
    *ret = (struct str){p, text.n};
    return 0;
}

int sotto__sdp_add(struct sdp *sdp, struct sdp_section *s, char type, const char *fmt, ...)
{
    struct sdp_line line = {.type = type};
    struct sdp_origin origin;
    struct str text;
    va_list ap;
    va_start(ap, fmt);
    int r = store_format(sdp, &text, fmt, ap);
    va_end(ap);
    if (r < 0) return r;
    line.value = text;
    if (type == 'a') sotto__sdp_split(text, &line);
    if (type == 'a' && !sotto__sdp_is_token(line.name)) return SOTTO_E_SYNTAX;
    if (type == 'o' && !sotto__sdp_origin_parse(text, &origin)) return SOTTO_E_SYNTAX;
    r = sotto__sdp_push_line(s, &line);
    if (r == 0 && type == 'o') sdp->origin = origin;
    return r;
}

int sotto__sdp_add_media(struct sdp *sdp, struct str kind, uint16_t port, struct str proto,
                         struct str fmts, struct sdp_media **ret)
{
    const char *why;
    size_t cap = kind.n + proto.n + fmts.n + 16;
    if (cap > SOTTO_MAX_SDP_LINE) return SOTTO_E_LIMIT;
    if (kind.n == 0 || proto.n == 0 || fmts.n == 0) return SOTTO_E_SYNTAX;
    char *p = sotto__sdp_store(sdp, cap);
    if (!p) return SOTTO_E_NOMEM;
    int n = snprintf(p, cap, "%.*s %u %.*s %.*s", (int)kind.n, kind.p, port, (int)proto.n, proto.p,
                     (int)fmts.n, fmts.p);
    return sotto__sdp_push_media(sdp, (struct str){p, (size_t)n}, 0, ret, &why);
}

/* ---- finding ---- */

const struct sdp_line *sotto__sdp_next_attr(const struct sdp_section *s, size_t *at,
                                            const char *name)
{
    struct str want = sotto__str(name);
    while (*at < s->n_lines) {
        const struct sdp_line *line = &s->lines[(*at)++];
        if (line->type == 'a' && sotto__str_eq(line->name, want)) return line;
    }
    return NULL;
}

const struct sdp_line *sotto__sdp_attr(const struct sdp_section *s, const char *name)
{
    size_t at = 0;
    return sotto__sdp_next_attr(s, &at, name);
}

const struct sdp_line *sotto__sdp_attr_or_session(const struct sdp *sdp, const struct sdp_media *m,
                                                  const char *name)
{
    const struct sdp_line *line = m ? sotto__sdp_attr(&m->s, name) : NULL;
    return line ? line : sotto__sdp_attr(&sdp->s, name);
}

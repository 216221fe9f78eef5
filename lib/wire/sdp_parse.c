/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text → tree of a session description (RFC 8866), with the line and the reason of what is wrong.
 * In comes text of a peer; out goes a tree, or nothing. One pass over the lines, then one over mids and BUNDLE groups
 * (RFC 5888, RFC 9143 §7). Strict about bytes, lines, the order of session lines, and attributes of session and transport;
 * lines of types or attributes that it does not know are kept. Whether a description fits the connection is peer's question.
 * answers: S37 H001 H002 H003 H004 H006
 */
#include "util/error.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"
#include "wire/sdp_tree.h"

/* Attributes that may stand once in a section: a second one would let two readers of a text disagree. */
static const char *const single[] = {"ice-ufrag", "ice-pwd",          "setup", "sctp-port",
                                     "mid",       "max-message-size", "tls-id"};

struct parser {
    struct sdp *sdp;
    struct sdp_section *section;
    struct str rest; /* text not read yet */
    struct str line; /* the one at hand, without its end */
    int32_t number;  /* of it, 1-based */
    size_t size;     /* bytes of the lines so far as they will be written */
    int rank;        /* of the last session line */
    bool has_time;
    unsigned seen;         /* bit i: single[i] stands in this section */
    size_t n_fingerprints; /* in this section */
    sotto_error *err;
};

static int fail_at(struct parser *p, int code, int32_t number, struct str quoted, const char *why)
{
    char quote[72];
    sotto__str_escape(quoted, quote, sizeof quote);
    return sotto__error(p->err, code, number, "%s: \"%s\"",
                        code == SOTTO_E_NOMEM ? "out of memory" : why, quote);
}

static int fail(struct parser *p, int code, const char *why)
{
    return fail_at(p, code, p->number, p->line, why);
}

/* ---- lines ---- */

static bool only_empty_lines(struct str s)
{
    while (s.n > 0) {
        size_t n = sotto__str_starts(s, STR("\r\n")) ? 2 : 1;
        if (s.p[n - 1] != '\n') return false;
        s.p += n, s.n -= n;
    }
    return true;
}

/* Cuts the next line off the text, checks its bytes and its length. 1: p->line; 0: the end; <0: error. */
static int next_line(struct parser *p)
{
    if (p->rest.n == 0) return 0;
    p->number++;
    sotto__str_cut(p->rest, '\n', &p->line, &p->rest);
    if (p->rest.p && p->line.n > 0 && p->line.p[p->line.n - 1] == '\r') p->line.n--;
    if (p->line.n > SOTTO_MAX_SDP_LINE) return fail(p, SOTTO_E_LIMIT, "line too long");
    const char *why = sotto__sdp_bad_text(p->line);
    if (why) return fail(p, SOTTO_E_SYNTAX, why);
    if (p->line.n == 0)
        return only_empty_lines(p->rest) ? 0 : fail(p, SOTTO_E_SYNTAX, "an empty line");
    p->size += p->line.n + 2;
    if (p->size > SOTTO_MAX_SDP) return fail(p, SOTTO_E_LIMIT, "description too long");
    return 1;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- session lines ---- */

/* Place of a type in the order of RFC 8866 §9, -1: a type that it does not know. Times, repeats and zones alternate. */
static int rank_of(char type)
{
    static const char order[] = "vosiuepcbtka";
    if (type == 'r' || type == 'z') type = 't';
    const char *at = strchr(order, type);
    return at ? (int)(at - order) : -1;
}

static bool is_time(struct str value)
{
    uint64_t unused;
    struct str start = sotto__str_word(&value), stop = sotto__str_word(&value);
    return value.n == 0 && sotto__str_u64(start, UINT64_MAX, &unused) &&
           sotto__str_u64(stop, UINT64_MAX, &unused);
}

static bool is_connection(struct str value)
{
    struct str net = sotto__str_word(&value), type = sotto__str_word(&value),
               address = sotto__str_word(&value);
    return sotto__sdp_is_token(net) && sotto__sdp_is_token(type) && address.n > 0 && value.n == 0;
}

static int session_line(struct parser *p, char type, struct str value)
{
    static const char first[] = "vos";
    int rank = rank_of(type);
    if (p->number <= 3 && type != first[p->number - 1])
        return fail(p, SOTTO_E_SYNTAX, "a description begins with v=0, o= and s=");
    if (p->number > 3 && type == 's') return fail(p, SOTTO_E_SYNTAX, "s= stands here already");
    if (rank >= 0 && rank < p->rank) return fail(p, SOTTO_E_SYNTAX, "line out of order");
    if (rank >= 0) p->rank = rank;
    if (type == 'v' && !sotto__str_eq(value, STR("0")))
        return fail(p, SOTTO_E_SYNTAX, "version is not 0");
    if (type == 'o' && !sotto__sdp_origin_parse(value, &p->sdp->origin))
        return fail(p, SOTTO_E_SYNTAX, "not an origin");
    if (type == 't' && !is_time(value))
        return fail(p, SOTTO_E_SYNTAX, "not a start and a stop time");
    if (type == 't') p->has_time = true;
    if ((type == 'r' || type == 'z' || type == 'k' || type == 'a') && !p->has_time)
        return fail(p, SOTTO_E_SYNTAX, "t= is missing before");
    return 0;
}

static int media_line(struct parser *p, char type)
{
    return strchr("vosueptrz", type) ? fail(p, SOTTO_E_SYNTAX, "a session line below an m-line")
                                     : 0;
}

static int begin_media(struct parser *p, struct str value)
{
    struct sdp_media *media;
    const char *why;
    if (!p->has_time) return fail(p, SOTTO_E_SYNTAX, "t= is missing before");
    int r = sotto__sdp_push_media(p->sdp, value, p->number, &media, &why);
    if (r < 0) return fail(p, r, why);
    p->section = &media->s;
    p->seen = 0;
    p->n_fingerprints = 0;
    return 0;
}

/* ---- attributes ---- */

static int check_attribute(struct parser *p, const struct sdp_line *line)
{
    const char *why = "not a value of this attribute";
    if (!sotto__sdp_is_token(line->name))
        return fail(p, SOTTO_E_SYNTAX, "the attribute's name is not a token");
    if (sotto__sdp_attr_required(line->name)) {
        int r = sotto__sdp_attr_check(line->name, line->value, &why);
        if (r < 0) return fail(p, r, why);
    }
    if (sotto__str_eq(line->name, STR("fingerprint")) &&
        ++p->n_fingerprints > SOTTO_MAX_FINGERPRINTS)
        return fail(p, SOTTO_E_LIMIT, "too many fingerprints");
    for (unsigned i = 0; i < sizeof single / sizeof *single; i++) {
        if (!sotto__str_eq(line->name, sotto__str(single[i]))) continue;
        if (p->seen & 1u << i) return fail(p, SOTTO_E_SYNTAX, "this attribute stands here already");
        p->seen |= 1u << i;
    }
    return 0;
}

static int parse_line(struct parser *p)
{
    char type = p->line.p[0];
    if (p->number == 1 && sotto__str_starts(p->line, STR("\xef\xbb\xbf")))
        return fail(p, SOTTO_E_SYNTAX, "a byte order mark");
    if (p->line.n < 2 || p->line.p[1] != '=' || !is_letter(type))
        return fail(p, SOTTO_E_SYNTAX, "not a letter and \"=\"");
    struct str value = {p->line.p + 2, p->line.n - 2};
    if (type == 'm' && p->number > 3) return begin_media(p, value);
    int r = p->section == &p->sdp->s ? session_line(p, type, value) : media_line(p, type);
    if (r < 0) return r;
    if (type == 'c' && !is_connection(value))
        return fail(p, SOTTO_E_SYNTAX, "not a connection address");
    struct sdp_line line = {.type = type, .value = value, .number = p->number};
    if (type == 'a') {
        sotto__sdp_split(value, &line);
        r = check_attribute(p, &line);
        if (r < 0) return r;
    }
    r = sotto__sdp_push_line(p->section, &line);
    return r < 0 ? fail(p, r, "too many lines in one section") : 0;
}

/* ---- mids and groups ---- */

static int check_mids(struct parser *p, struct str mids[static SOTTO_MAX_SDP_MEDIA])
{
    for (size_t i = 0; i < p->sdp->n_media; i++) {
        const struct sdp_line *line = sotto__sdp_attr(&p->sdp->media[i].s, "mid");
        mids[i] = line ? line->value : (struct str){0};
        for (size_t k = 0; line && k < i; k++)
            if (sotto__str_eq(mids[k], mids[i]))
                return fail_at(p, SOTTO_E_SYNTAX, line->number, mids[i],
                               "two m-lines have this mid");
    }
    return 0;
}

/* Marks the m-line of a mid as bundled; each may be named once in all BUNDLE groups: RFC 9143 §7. */
static int check_bundled(struct parser *p, int32_t number, struct str mid, const struct str *mids,
                         bool *bundled)
{
    for (size_t i = 0; i < p->sdp->n_media; i++) {
        if (!sotto__str_eq(mids[i], mid)) continue;
        if (bundled[i])
            return fail_at(p, SOTTO_E_SYNTAX, number, mid, "BUNDLE names this mid twice");
        bundled[i] = true;
        return 0;
    }
    return fail_at(p, SOTTO_E_SYNTAX, number, mid, "BUNDLE names a mid that no m-line has");
}

static int check_groups(struct parser *p)
{
    struct str mids[SOTTO_MAX_SDP_MEDIA];
    bool bundled[SOTTO_MAX_SDP_MEDIA] = {false};
    const struct sdp_line *line;
    struct sdp_group group;
    size_t at = 0;
    int r = check_mids(p, mids);
    if (r < 0) return r;
    while ((line = sotto__sdp_next_attr(&p->sdp->s, &at, "group"))) {
        r = sotto__sdp_group(line->value, &group);
        if (r < 0) return fail_at(p, r, line->number, line->value, "not a group of mids");
        if (!sotto__str_eq(group.semantics, STR("BUNDLE"))) continue;
        for (size_t i = 0; i < group.n_mids; i++) {
            r = check_bundled(p, line->number, group.mids[i], mids, bundled);
            if (r < 0) return r;
        }
    }
    return 0;
}

/* ---- the whole ---- */

static int parse(struct parser *p)
{
    int r;
    while ((r = next_line(p)) > 0) {
        r = parse_line(p);
        if (r < 0) return r;
    }
    if (r < 0) return r;
    p->line = (struct str){0};
    if (p->sdp->s.n_lines < 3)
        return fail(p, SOTTO_E_SYNTAX, "a description begins with v=0, o= and s=");
    if (!p->has_time) return fail(p, SOTTO_E_SYNTAX, "t= is missing");
    return check_groups(p);
}

int sotto__sdp_parse(const char *text, size_t n, struct sdp **ret, sotto_error *err)
{
    struct sdp *sdp = NULL;
    if (n > SOTTO_MAX_SDP)
        return sotto__error(err, SOTTO_E_LIMIT, 0, "description of %zu bytes; at most %u", n,
                            SOTTO_MAX_SDP);
    char *copy = sotto__sdp_new(&sdp) == 0 ? sotto__sdp_store(sdp, n) : NULL;
    if (!copy) {
        sotto__sdp_free(sdp);
        return sotto__error(err, SOTTO_E_NOMEM, 0, "out of memory");
    }
    if (n > 0) memcpy(copy, text, n);
    struct parser p = {.sdp = sdp, .section = &sdp->s, .rest = {copy, n}, .err = err};
    int r = parse(&p);
    if (r < 0) {
        sotto__sdp_free(sdp);
        return r;
    }
    sotto__sdp_fit(sdp); /* descriptions are kept for long */
    *ret = sdp;
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SDP fragments for trickled candidates and ICE restarts (RFC 8840 §4.4, RFC 9725 §4.3.2, §4.3.3): written from our description, and
 * a server's put into the description that it gave before. In and out: text. With max-bundle only the first section gathers, and all
 * have the same credentials. Whether a candidate is one is for the connection to find out; here a line is a line.
 * answers: A21
 */
#include "extra/whip_frag.h"

#include <string.h>

#include "sotto/pc.h"
#include "util/limits.h"

static bool is(struct str line, struct str prefix)
{
    return sotto__str_starts(line, prefix);
}

size_t sotto__whip_frag_count(struct str sdp, bool *is_complete)
{
    struct str line;
    size_t n = 0, section = 0;
    *is_complete = false;
    while (sotto__str_line(&sdp, &line)) {
        section += is(line, STR("m="));
        if (section != 1) continue;
        n += is(line, STR("a=candidate:"));
        if (sotto__str_eq(line, STR("a=end-of-candidates"))) *is_complete = true;
    }
    return n;
}

static void add_line(struct buf *out, struct str line)
{
    sotto__buf_add(out, line.p, line.n);
    sotto__buf_add(out, "\r\n", 2);
}

struct parts { /* of the first section, or above it */
    struct str options, group, media, mid, ufrag, pwd;
};

static void find_parts(struct str sdp, struct parts *p)
{
    struct str line;
    size_t section = 0;
    while (sotto__str_line(&sdp, &line)) {
        section += is(line, STR("m="));
        if (section > 1) return;
        if (is(line, STR("m="))) p->media = line;
        if (is(line, STR("a=ice-options:"))) p->options = line;
        if (is(line, STR("a=group:BUNDLE")) && section == 0) p->group = line;
        if (is(line, STR("a=mid:"))) p->mid = line;
        if (is(line, STR("a=ice-ufrag:"))) p->ufrag = line;
        if (is(line, STR("a=ice-pwd:"))) p->pwd = line;
    }
}

int sotto__whip_frag_write(struct str sdp, size_t from, struct buf *out)
{
    struct parts p = {.options = {NULL, 0}};
    struct str line;
    size_t section = 0, n = 0;
    find_parts(sdp, &p);
    if (!p.media.n || !p.mid.n || !p.ufrag.n || !p.pwd.n) return SOTTO_E_SDP;
    if (p.options.n) add_line(out, p.options);
    if (p.group.n) add_line(out, p.group);
    add_line(out, p.media);
    add_line(out, p.mid);
    add_line(out, p.ufrag);
    add_line(out, p.pwd);
    while (sotto__str_line(&sdp, &line)) {
        section += is(line, STR("m="));
        if (section != 1) continue;
        bool is_candidate = is(line, STR("a=candidate:"));
        if (is_candidate && n++ < from) continue;
        if (is_candidate || sotto__str_eq(line, STR("a=end-of-candidates"))) add_line(out, line);
    }
    return out->err;
}

/* RFC 8839 §5.4: ice-chars, and how many. */
static bool is_ice_text(struct str s, size_t min)
{
    if (s.n < min || s.n > 256) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && c != '+' && c != '/') return false;
    }
    return true;
}

struct ice { /* of a fragment */
    struct str ufrag, pwd;
    struct str candidates[SOTTO_MAX_REMOTE_CANDIDATES];
    size_t n;
    bool is_complete;
};

static bool is_text(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] < 0x20 || line.p[i] == 0x7f) return false;
    return true;
}

static int read_ice(struct str frag, struct ice *ice, const char **why)
{
    static const char malformed[] = "the server's fragment of a description is malformed";
    struct str line;
    size_t section = 0;
    *why = malformed;
    while (sotto__str_line(&frag, &line)) {
        if (!is_text(line) || line.n > SOTTO_MAX_SDP_LINE) return SOTTO_E_PROTO;
        section += is(line, STR("m="));
        if (section > 1) continue;
        if (is(line, STR("a=ice-ufrag:"))) ice->ufrag = (struct str){line.p + 12, line.n - 12};
        if (is(line, STR("a=ice-pwd:"))) ice->pwd = (struct str){line.p + 10, line.n - 10};
        if (sotto__str_eq(line, STR("a=end-of-candidates"))) ice->is_complete = true;
        if (!is(line, STR("a=candidate:"))) continue;
        *why = "the server gave too many candidates";
        if (ice->n == SOTTO_MAX_REMOTE_CANDIDATES) return SOTTO_E_PROTO;
        *why = malformed;
        ice->candidates[ice->n++] = line;
    }
    return is_ice_text(ice->ufrag, 4) && is_ice_text(ice->pwd, 22) ? 0 : SOTTO_E_PROTO;
}

static void add_candidates(const struct ice *ice, struct buf *out)
{
    for (size_t i = 0; i < ice->n; i++) add_line(out, ice->candidates[i]);
    if (ice->is_complete) add_line(out, STR("a=end-of-candidates"));
}

/* A line of the description that was; the first section's candidates come at its end. */
static void copy_line(struct str line, const struct ice *ice, struct buf *out)
{
    if (is(line, STR("a=candidate:")) || sotto__str_eq(line, STR("a=end-of-candidates"))) return;
    if (is(line, STR("a=ice-ufrag:"))) {
        sotto__buf_add(out, "a=ice-ufrag:", 12);
        add_line(out, ice->ufrag);
    } else if (is(line, STR("a=ice-pwd:"))) {
        sotto__buf_add(out, "a=ice-pwd:", 10);
        add_line(out, ice->pwd);
    } else {
        add_line(out, line);
    }
}

int sotto__whip_frag_apply(struct str sdp, struct str frag, struct buf *out, const char **why)
{
    struct ice ice = {.n = 0};
    struct str line;
    size_t section = 0;
    int r = read_ice(frag, &ice, why);
    if (r < 0) return r;
    while (sotto__str_line(&sdp, &line)) {
        if (is(line, STR("m=")) && ++section == 2) add_candidates(&ice, out);
        copy_line(line, &ice, out);
    }
    if (section == 1) add_candidates(&ice, out);
    *why = "no memory";
    return out->err;
}

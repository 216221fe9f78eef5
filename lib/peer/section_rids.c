/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulcast of a media section: a=simulcast (RFC 8853) with the a=rid lines that it names and their restrictions (RFC 8851).
 * In comes a section whose codecs were read, out go its two lists of rids, as written. A rid that cannot be used is left out;
 * one that no a=rid line knows makes the description an error (RFC 9429 §5.8).
 * answers: H017
 */
#include "peer/section.h"
#include "util/error.h"

struct rid_lines {
    struct sdp_rid items[SOTTO_MAX_RID_LINES];
    size_t n;
    bool more; /* than are looked at */
};

static const struct sdp_rid *find(const struct rid_lines *l, struct str id)
{
    for (size_t i = 0; i < l->n; i++)
        if (sotto__str_eq(l->items[i].id, id)) return &l->items[i];
    return NULL;
}

static void read_lines(const struct sdp_media *m, struct rid_lines *ret)
{
    const struct sdp_line *line;
    struct sdp_rid rid;
    size_t at = 0;
    ret->n = 0, ret->more = false;
    while ((line = sotto__sdp_next_attr(&m->s, &at, "rid"))) {
        if (sotto__sdp_rid(line->value, &rid) < 0 || find(ret, rid.id)) continue;
        if (ret->n == SOTTO_MAX_RID_LINES)
            ret->more = true;
        else
            ret->items[ret->n++] = rid;
    }
}

/* ---- restrictions ---- */

static bool is_number(struct str s, bool may_be_real)
{
    struct str whole = s, fraction = {0};
    bool real = may_be_real && sotto__str_cut(s, '.', &whole, &fraction);
    for (size_t i = 0; i < whole.n; i++)
        if (whole.p[i] < '0' || whole.p[i] > '9') return false;
    for (size_t i = 0; i < fraction.n; i++)
        if (fraction.p[i] < '0' || fraction.p[i] > '9') return false;
    return whole.n > 0 && (!real || fraction.n > 0);
}

/* "96,97": whether one of them is a codec of the section. */
static bool has_codec(struct str pts, const struct codec_list *codecs)
{
    struct str one;
    uint64_t pt;
    do {
        sotto__str_cut(pts, ',', &one, &pts);
        if (!sotto__str_u64(one, 127, &pt)) continue;
        for (size_t i = 0; i < codecs->n; i++)
            if (codecs->items[i].pt == pt) return true;
    } while (pts.p);
    return false;
}

/* Limits of picture and bitrate are the sender's to keep; "depend" (layers over several rids) is none that we could. */
static bool is_restriction(struct str name, struct str value, const struct codec_list *codecs)
{
    static const struct {
        const char *name;
        bool real;
    } known[] = {{"max-width", false}, {"max-height", false}, {"max-fps", true}, {"max-fs", false},
                 {"max-br", false},    {"max-pps", false},    {"max-bpp", true}};
    if (sotto__str_eq(name, STR("pt"))) return has_codec(value, codecs);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (sotto__str_eq(name, sotto__str(known[i].name))) return is_number(value, known[i].real);
    return false;
}

/* RFC 8851 §6: a rid with a restriction that is not understood is not used. */
static bool is_usable(const struct sdp_rid *rid, bool recv, const struct codec_list *codecs)
{
    struct str param, name, value, rest = rid->restrictions;
    if (rid->recv != recv) return false;
    while (rest.n > 0) {
        sotto__str_cut(rest, ';', &param, &rest);
        sotto__str_cut(sotto__str_trim(param), '=', &name, &value);
        if (!is_restriction(name, value, codecs)) return false;
    }
    return true;
}

/* ---- the lists ---- */

static bool have(const struct rid_list *l, struct str id)
{
    for (size_t i = 0; i < l->n; i++)
        if (sotto__str_eq(l->items[i].id, id)) return true;
    return false;
}

/* One stream: of its alternatives the first that can be used. */
static int read_stream(const struct section *s, const struct rid_lines *lines, struct str stream,
                       bool recv, struct rid_list *ret, sotto_error *err)
{
    struct str id;
    bool chosen = false;
    do {
        sotto__str_cut(stream, ',', &id, &stream);
        bool paused = id.n > 0 && id.p[0] == '~';
        if (paused) id.p++, id.n--;
        const struct sdp_rid *rid = find(lines, id);
        if (!rid)
            return sotto__error(err, SOTTO_E_SDP, s->m->number,
                                "a=simulcast of section %d names rid %.*s, which has no a=rid line",
                                s->index, (int)(id.n < 64 ? id.n : 64), id.p);
        if (chosen || !is_usable(rid, recv, &s->codecs) || have(ret, id)) continue;
        chosen = true;
        if (ret->n < SOTTO_MAX_RIDS) ret->items[ret->n++] = (struct rid){id, paused};
    } while (stream.p);
    return 0;
}

static int read_list(const struct section *s, const struct rid_lines *lines, struct str list,
                     bool recv, struct rid_list *ret, sotto_error *err)
{
    struct str stream;
    while (list.n > 0) {
        sotto__str_cut(list, ';', &stream, &list);
        int r = read_stream(s, lines, stream, recv, ret, err);
        if (r < 0) return r;
    }
    return 0;
}

int sotto__section_read_rids(struct section *s, sotto_error *err)
{
    const struct sdp_line *line = sotto__sdp_attr(&s->m->s, "simulcast");
    struct sdp_simulcast simulcast;
    struct rid_list send = {.n = 0}, recv = {.n = 0};
    struct rid_lines lines;
    if (!line || sotto__sdp_simulcast(line->value, &simulcast) < 0) return 0;
    read_lines(s->m, &lines);
    if (lines.more) return 0; /* nobody sends so many; who does has no simulcast */
    int r = read_list(s, &lines, simulcast.send, false, &send, err);
    if (r == 0) r = read_list(s, &lines, simulcast.recv, true, &recv, err);
    if (r == 0 && s->kind == SECTION_VIDEO) s->send = send, s->recv = recv;
    return r;
}

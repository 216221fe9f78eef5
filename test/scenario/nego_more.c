/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More for tests of negotiation: sections with any codecs, lists of codecs as texts, and whether a call is whole.
 */
#include "nego_more.h"

/* Calls f with each piece of a text. */
typedef void (*piece_fn)(const char *piece, void *user);

static void each(const char *text, char at, piece_fn f, void *user)
{
    char *copy = strdup(text), *next = copy;
    while (next && *next) {
        char *end = strchr(next, at);
        if (end) *end = '\0';
        f(next, user);
        next = end ? end + 1 : NULL;
    }
    free(copy);
}

struct text {
    struct nego *n;
    char *text;
};

static void add_line(const char *piece, void *user)
{
    struct text *t = user;
    t->text = nego_text(t->n, "%sa=%s\r\n", t->text, piece);
}

char *more_lines(struct nego *n, const char *attributes)
{
    struct text t = {n, nego_text(n, "%s", "")};
    each(attributes, '|', add_line, &t);
    return t.text;
}

char *more_offer(struct nego *n, const char *kind, const char *formats, const char *attributes)
{
    char *line = nego_text(n, "m=%s 9 UDP/TLS/RTP/SAVPF %s", kind, formats);
    char *extra = nego_text(n, "a=sendrecv\r\na=rtcp-mux\r\n%s", more_lines(n, attributes));
    struct paper p = {.s = {{line, .extra = extra}, {"data"}}};
    return paper_write(n, &p);
}

char *more_formats(struct nego *n, const char *sdp, int section)
{
    const char *at = sdp_value(n, sdp, section, "m=");
    for (int i = 0; i < 3; i++) {
        at = strchr(at, ' ');
        assert_non_null(at);
        at++;
    }
    return nego_text(n, "%s", at);
}

struct reading {
    struct text t;
    const char *sdp, *name;
    int section, pt;
};

static const char *name_of(struct nego *n, const char *sdp, int section, const char *pt)
{
    const char *map = sdp_value(n, sdp, section, nego_text(n, "a=rtpmap:%s ", pt));
    if (map) return nego_text(n, "%.*s", (int)strcspn(map, "/"), map);
    return strcmp(pt, "0") == 0 ? "PCMU" : strcmp(pt, "8") == 0 ? "PCMA" : "?";
}

static void add_name(const char *piece, void *user)
{
    struct reading *r = user;
    const char *name = name_of(r->t.n, r->sdp, r->section, piece);
    r->t.text = nego_text(r->t.n, "%s%s%s", r->t.text, r->t.text[0] ? " " : "", name);
    if (r->name && r->pt < 0 && strcmp(name, r->name) == 0) r->pt = (int)strtol(piece, NULL, 10);
}

static struct reading read_names(struct nego *n, const char *sdp, int section, const char *name)
{
    struct reading r = {{n, nego_text(n, "%s", "")}, sdp, name, section, -1};
    each(more_formats(n, sdp, section), ' ', add_name, &r);
    return r;
}

char *more_names(struct nego *n, const char *sdp, int section)
{
    return read_names(n, sdp, section, NULL).t.text;
}

int more_pt(struct nego *n, const char *sdp, int section, const char *name)
{
    struct reading r = read_names(n, sdp, section, name);
    if (r.pt < 0) fail_msg("no codec %s in section %d of\n%s", name, section, sdp);
    return r.pt;
}

struct expectation {
    struct nego *n;
    const char *sdp, *file;
    int section, line;
    bool want;
};

static void expect_line(const char *piece, void *user)
{
    struct expectation *e = user;
    if (sdp_has(e->n, e->sdp, e->section, piece) == e->want) return;
    print_error("%s line \"%s\" in section %d of\n%s\n", e->want ? "no" : "a", piece, e->section,
                e->sdp);
    _fail(e->file, e->line);
}

void more_expect_lines_at(struct nego *n, const char *sdp, int section, const char *lines,
                          bool want, const char *file, int line)
{
    struct expectation e = {n, sdp, file, section, line, want};
    if (lines) each(lines, '|', expect_line, &e);
}

/* ---- the API ---- */

static char *codecs_text(struct nego_side *s, sotto_transceiver *t, bool whole)
{
    sotto_codecs *c = NULL;
    char *text = nego_text(s->n, "%s", "");
    int r = sotto_transceiver_codec(t, &c);
    if (r < 0) return nego_text(s->n, "%s", sotto_strerror(r));
    for (size_t i = 0; i < c->n; i++) {
        const sotto_codec *x = &c->items[i];
        const char *name = strchr(x->mime, '/') + 1, *gap = i ? " " : "";
        if (!whole)
            text = nego_text(s->n, "%s%s%s", text, gap, name);
        else if (x->fmtp[0])
            text = nego_text(s->n, "%s%s%d=%s(%s)", text, gap, x->payload_type, name, x->fmtp);
        else
            text = nego_text(s->n, "%s%s%d=%s", text, gap, x->payload_type, name);
    }
    sotto_free(c);
    return text;
}

char *more_codecs(struct nego_side *s, sotto_transceiver *t)
{
    return codecs_text(s, t, true);
}

char *more_codec_names(struct nego_side *s, sotto_transceiver *t)
{
    return codecs_text(s, t, false);
}

char *more_exts(struct nego_side *s, sotto_transceiver *t)
{
    sotto_codecs *c = NULL;
    char *text = nego_text(s->n, "%s", "");
    assert_int_equal(sotto_transceiver_codec(t, &c), 0);
    for (size_t i = 0; i < c->n_extensions; i++)
        text = nego_text(s->n, "%s%s%s", text, i ? " " : "", c->extensions[i]);
    sotto_free(c);
    return text;
}

struct choice {
    const sotto_codecs *all;
    sotto_codec items[64];
    size_t n;
};

static void choose(const char *piece, void *user)
{
    struct choice *c = user;
    size_t len = strcspn(piece, "/"), before = c->n;
    const char *param = piece[len] ? piece + len + 1 : "";
    for (size_t i = 0; i < c->all->n; i++) {
        const char *name = strchr(c->all->items[i].mime, '/') + 1;
        if (strlen(name) != len || strncasecmp(name, piece, len) != 0) continue;
        if (!strstr(c->all->items[i].fmtp, param)) continue;
        assert_true(c->n < 64);
        c->items[c->n++] = c->all->items[i];
    }
    if (c->n == before) fail_msg("%s is no capability", piece);
}

int more_try_prefer(struct nego_side *s, sotto_transceiver *t, const char *names)
{
    sotto_codecs *all = NULL;
    struct choice c = {.n = 0};
    (void)s;
    assert_int_equal(sotto_capabilities(sotto_transceiver_kind(t), &all), 0);
    c.all = all;
    each(names, ' ', choose, &c);
    int r = sotto_transceiver_set_codec_preferences(t, c.n ? c.items : NULL, c.n);
    sotto_free(all);
    return r;
}

void more_prefer(struct nego_side *s, sotto_transceiver *t, const char *names)
{
    assert_int_equal(more_try_prefer(s, t, names), 0);
}

/* ---- the call ---- */

void more_expect_data(struct nego *n)
{
    nego_connect(n);
    struct nego_chan *a = nego_find(&n->a, "c"), *b = nego_find(&n->b, "c");
    assert_non_null(a);
    assert_non_null(b);
    assert_true(a->open && b->open);
    uint64_t got = b->received, back = a->received;
    nego_send(a), nego_send(b);
    nego_run(n, SOTTO_MS(500));
    assert_true(b->received == got + 1 && a->received == back + 1);
}

static bool is_accepted(struct nego_side *s, int section)
{
    return !sdp_is_rejected(s->n, nego_local(s), section) &&
           !sdp_is_rejected(s->n, nego_remote(s), section);
}

static const char *answer_of(struct nego_side *s)
{
    int32_t type = 0;
    char *local = nego_description(s, true, SOTTO_DESC_CURRENT, &type);
    return type == SOTTO_SDP_ANSWER ? local : nego_remote(s);
}

/* The group of the answer has what was accepted and nothing else; what has no mid or is alone may do without. */
static int expect_grouped(struct nego_side *s)
{
    const char *answer = answer_of(s);
    char *group = nego_text(s->n, " %s ", sdp_bundle(s->n, answer));
    int accepted = 0, in_group = 0;
    for (int i = 0; i < sdp_sections(answer); i++) {
        char *mid = sdp_value(s->n, answer, i, "a=mid:");
        bool is_in = mid && strstr(group, nego_text(s->n, " %s ", mid));
        if (is_in) assert_true(is_accepted(s, i));
        accepted += is_accepted(s, i), in_group += is_in;
    }
    assert_true(in_group == accepted || (in_group == 0 && accepted == 1));
    return accepted;
}

static void expect_transport(struct nego_side *s)
{
    sotto_transport_info t = nego_transport(s), other = nego_transport(nego_other(s));
    const char *sdp = nego_local(s);
    for (int i = 0; i < sdp_sections(sdp); i++) {
        char *ufrag = sdp_value(s->n, sdp, i, "a=ice-ufrag:");
        if (ufrag && is_accepted(s, i)) assert_string_equal(ufrag, t.local_ufrag);
    }
    assert_string_equal(t.local_ufrag, other.remote_ufrag);
    assert_int_equal(t.dtls, SOTTO_DTLS_CONNECTED);
}

/* No transceiver of a section that was rejected is left, and those of accepted ones have a direction. */
static void expect_transceivers(struct nego_side *s)
{
    const char *sdp = nego_local(s);
    for (size_t i = 0; i < nego_count_transceivers(s); i++) {
        sotto_transceiver *t = nego_at(s, i);
        for (int k = 0; k < sdp_sections(sdp); k++) {
            char *mid = sdp_value(s->n, sdp, k, "a=mid:");
            if (!mid || strcmp(mid, nego_mid(s, t)) != 0) continue;
            assert_true(is_accepted(s, k));
            assert_int_not_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_NONE);
            assert_int_not_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
        }
    }
}

void more_expect_one_transport(struct nego *n)
{
    struct nego_side *sides[] = {&n->a, &n->b};
    nego_connect(n);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nego_signaling(sides[i]), SOTTO_SIGNALING_STABLE);
        assert_true(expect_grouped(sides[i]) > 0);
        expect_transport(sides[i]);
        expect_transceivers(sides[i]);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AV1 in RTP (RTP Payload Format For AV1, AOM, version 1.0). A frame is one temporal unit in the low-overhead format: OBUs with their
 * sizes, as in .obu and .ivf files. On the wire they have none; join puts them back, in the fewest bytes. Temporal delimiters and tile
 * lists are not sent, and dropped when received: a received frame has none, and join(split(x)) = x for such frames. The dependency
 * descriptor is a header extension and not seen here; without it nothing says that a frame is disposable.
 * answers: H135
 */
#include "sotto/base.h"
#include "wire/payload_int.h"

enum { /* aggregation header: §4.4 */
    Z = 0x80, /* the first element continues an OBU */
    Y = 0x40, /* the last one is continued */
    N = 0x08, /* first packet of a coded video sequence */
    W_SHIFT = 4,
    MAX_W = 3 /* elements that it can count; 0: every element has its length */
};
enum { /* OBU header: AV1 bitstream specification §5.3.2, §6.2 */
    FORBIDDEN = 0x80,
    HAS_EXT = 0x04,
    HAS_SIZE = 0x02,
    LAYERS = 0xf8, /* of the extension: temporal and spatial id */
    SEQUENCE_HEADER = 1,
    TEMPORAL_DELIMITER = 2,
    FRAME_HEADER = 3,
    TILE_GROUP = 4,
    METADATA = 5,
    FRAME = 6,
    TILE_LIST = 8
};
enum {
    MAX_LEB = 8,      /* bytes: AV1 §4.10.5 */
    MIN_FRAGMENT = 16 /* fewer bytes of an OBU wait for the next packet */
};

/* ---- leb128 ---- */

static bool read_leb(struct reader *r, size_t *ret)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < MAX_LEB; i++) {
        uint8_t b = sotto__read_u8(r);
        v |= (uint64_t)(b & 0x7f) << 7 * i;
        if (!(b & 0x80)) {
            *ret = (size_t)v;
            return !r->bad && v <= UINT32_MAX;
        }
    }
    return false;
}

static size_t leb_size(size_t v)
{
    size_t n = 1;
    while (v >>= 7) n++;
    return n;
}

static size_t write_leb(size_t v, uint8_t *out)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

/* ---- OBUs ---- */

struct obu {
    uint8_t head[2]; /* without HAS_SIZE */
    size_t n_head;
    const uint8_t *body;
    size_t n_body;
};

static unsigned type_of(uint8_t head)
{
    return head >> 3 & 15;
}

static bool is_sent(unsigned type)
{
    return type != TEMPORAL_DELIMITER && type != TILE_LIST;
}

/* The next OBU of a temporal unit. Only the last may be without its size. */
static bool read_obu(struct reader *r, struct obu *ret)
{
    struct obu o = {.n_head = 1};
    o.head[0] = sotto__read_u8(r);
    bool has_size = o.head[0] & HAS_SIZE;
    if (r->bad || (o.head[0] & FORBIDDEN)) return false;
    if (o.head[0] & HAS_EXT) o.head[o.n_head++] = sotto__read_u8(r);
    o.head[0] &= (uint8_t)~HAS_SIZE;
    o.n_body = r->n;
    if (has_size && !read_leb(r, &o.n_body)) return false;
    o.body = sotto__read_view(r, o.n_body);
    *ret = o;
    return !r->bad;
}

/* What was seen of a temporal unit, OBU by OBU, to know whether it is a key one. */
struct key_look {
    bool has_sequence, is_still; /* reduced_still_picture_header */
    bool is_decided, is_key;
};

/* body may be only the beginning of it. AV1 §5.5.1, §5.9.2 */
static void look(struct key_look *k, unsigned type, const uint8_t *body, size_t n)
{
    if (n == 0 || k->is_decided) return;
    if (type == SEQUENCE_HEADER) {
        k->has_sequence = true;
        k->is_still = body[0] & 0x08;
    } else if (type == FRAME || type == FRAME_HEADER) {
        bool is_shown_key = (body[0] & 0xf0) == 0x10; /* of this frame, KEY_FRAME, shown */
        k->is_decided = true;
        k->is_key = k->has_sequence && (k->is_still || is_shown_key);
    }
}

bool sotto__av1_is_key(const uint8_t *p, size_t n)
{
    struct reader r = sotto__reader(p, n);
    struct key_look k = {0};
    struct obu o;
    while (r.n > 0 && !k.is_decided && read_obu(&r, &o))
        look(&k, type_of(o.head[0]), o.body, o.n_body);
    return k.is_key;
}

/* ---- sending ---- */

/* The cursor: u.av1.obu is where the OBU to send begins, .at how many of its bytes (without size field) were sent, .flags is N before
 * the first packet. */

int sotto__split_av1_init(struct split *s, struct split_state *state)
{
    struct reader r = sotto__reader(s->p, s->n);
    bool is_any = false;
    (void)state;
    while (r.n > 0) {
        struct obu o;
        if (!read_obu(&r, &o)) return SOTTO_E_SYNTAX;
        is_any = is_any || is_sent(type_of(o.head[0]));
    }
    if (!is_any) return SOTTO_E_SYNTAX;
    s->u.av1.flags = sotto__av1_is_key(s->p, s->n) ? N : 0;
    return 0;
}

/* The OBU at the cursor; those that are not sent are skipped. False: the end. */
static bool obu_at(const struct split *s, size_t *at, struct obu *ret, size_t *ret_next)
{
    while (*at < s->n) {
        struct reader r = sotto__reader(s->p + *at, s->n - *at);
        if (!read_obu(&r, ret)) return false;
        *ret_next = s->n - r.n;
        if (is_sent(type_of(ret->head[0]))) return true;
        *at = *ret_next;
    }
    return false;
}

/* A packet being filled: what decides whether one more OBU may join the others (§5: one frame, one layer). */
struct packet {
    size_t used, elements, last; /* bytes with all lengths; of the last element */
    bool has_frame, has_layer;
    uint8_t layer;
    bool is_open; /* the last element is continued in the next packet */
};

static bool belongs(struct packet *k, const struct obu *o)
{
    unsigned type = type_of(o->head[0]);
    bool is_layered = o->n_head > 1;
    uint8_t layer = o->head[1] & LAYERS;
    if (k->has_frame &&
        (type == FRAME || type == FRAME_HEADER || type == SEQUENCE_HEADER || type == METADATA))
        return false;
    if (is_layered && k->has_layer && layer != k->layer) return false;
    k->has_frame = k->has_frame || type == FRAME || type == FRAME_HEADER || type == TILE_GROUP;
    if (is_layered) k->layer = layer, k->has_layer = true;
    return true;
}

/* How many of `left` bytes of an OBU go into the packet as its next element. 0: none, it is full. */
static size_t element_size(const struct packet *k, size_t max, size_t left)
{
    size_t room = max - k->used;
    if (leb_size(left) + left <= room) return left;
    if (k->elements >= MAX_W) { /* all have lengths */
        size_t n_leb = leb_size(room);
        room = room > n_leb ? room - n_leb : 0;
    }
    if (left <= room) return left;
    return room < MIN_FRAGMENT ? 0 : room;
}

/* Fills one packet in thought, moving the cursor. */
static struct packet plan(struct split *s)
{
    struct packet k = {.used = 1};
    struct obu o;
    size_t next;
    while (!k.is_open && k.used < s->max && obu_at(s, &s->u.av1.obu, &o, &next)) {
        size_t left = o.n_head + o.n_body - s->u.av1.at;
        if (!belongs(&k, &o)) break;
        size_t n = element_size(&k, s->max, left);
        if (n == 0) break;
        k.elements++;
        k.last = n;
        k.used += leb_size(n) + n; /* may pass max by the length of the last one, which is not written then */
        k.is_open = n < left;
        s->u.av1.at = k.is_open ? s->u.av1.at + n : 0;
        if (!k.is_open) s->u.av1.obu = next;
    }
    if (k.elements > 0 && k.elements <= MAX_W) k.used -= leb_size(k.last);
    return k;
}

void sotto__split_av1_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    struct split run = *s;
    *ret_packets = *ret_bytes = 0;
    for (struct packet k = plan(&run); k.elements > 0; k = plan(&run)) {
        ++*ret_packets;
        *ret_bytes += k.used;
    }
}

/* Bytes at…at+n of the OBU as it goes on the wire. */
static void write_part(struct writer *w, const struct obu *o, size_t at, size_t n)
{
    if (at < o->n_head) {
        size_t from_head = o->n_head - at < n ? o->n_head - at : n;
        sotto__write_bytes(w, o->head + at, from_head);
        at += from_head, n -= from_head;
    }
    sotto__write_bytes(w, o->body + (at - o->n_head), n);
}

size_t sotto__split_av1_next(struct split *s, uint8_t *out)
{
    struct split from = *s;
    struct packet k = plan(s);
    if (k.elements == 0) return 0;
    size_t w_field = k.elements <= MAX_W ? k.elements : 0;
    size_t at = from.u.av1.obu;
    size_t sent = from.u.av1.at;
    struct writer w = sotto__writer(out, s->max);
    sotto__write_u8(&w, (uint8_t)((sent > 0 ? Z : 0) | (k.is_open ? Y : 0) | w_field << W_SHIFT |
                                  from.u.av1.flags));
    for (size_t i = 1; i <= k.elements; i++) {
        struct obu o;
        size_t next;
        uint8_t leb[MAX_LEB];
        obu_at(s, &at, &o, &next);
        size_t n = i == k.elements ? k.last : o.n_head + o.n_body - sent;
        if (i != w_field) sotto__write_bytes(&w, leb, write_leb(n, leb));
        write_part(&w, &o, sent, n);
        at = next, sent = 0;
    }
    s->u.av1.flags = 0;
    return w.n;
}

/* ---- receiving ---- */

/* Walks over the elements of payloads. */
struct walk {
    const struct payload_piece *pieces;
    size_t n, i;     /* pieces; the next one to open */
    struct reader r; /* the rest of the open one */
    uint8_t head;    /* its aggregation header */
    unsigned w, seen; /* its elements: how many there are, 0: not said; how many were taken */
};

struct element {
    const uint8_t *p;
    size_t n; /* 1 or more */
    bool continues, is_continued;
};

enum { END, ELEMENT, BROKEN };

static int next_element(struct walk *k, struct element *ret)
{
    if (k->r.n == 0) {
        if (k->i == k->n) return END;
        k->r = sotto__reader(k->pieces[k->i].p, k->pieces[k->i].n);
        k->i++;
        k->head = sotto__read_u8(&k->r);
        k->w = k->head >> W_SHIFT & MAX_W;
        k->seen = 0;
    }
    struct element e = {.n = k->r.n};
    bool is_last = ++k->seen == k->w;
    if (!is_last && !read_leb(&k->r, &e.n)) return BROKEN;
    e.p = sotto__read_view(&k->r, e.n);
    if (!e.p || e.n == 0) return BROKEN;
    if (k->w > 0 && is_last != (k->r.n == 0)) return BROKEN; /* more or fewer than W */
    e.continues = k->seen == 1 && (k->head & Z);
    e.is_continued = k->r.n == 0 && (k->head & Y);
    *ret = e;
    return ELEMENT;
}

/* Looks into the beginning of an OBU; it may have a size field. */
static void look_element(struct key_look *k, const struct element *e)
{
    struct reader r = sotto__reader(e->p, e->n);
    uint8_t head = sotto__read_u8(&r);
    size_t n_body;
    if (head & HAS_EXT) sotto__read_u8(&r);
    if ((head & HAS_SIZE) && !read_leb(&r, &n_body)) return;
    if (!r.bad) look(k, type_of(head), r.p, r.n);
}

int sotto__peek_av1(const uint8_t *p, size_t n, struct payload_info *ret)
{
    struct payload_piece piece = {p, n};
    struct walk k = {.pieces = &piece, .n = 1};
    struct key_look key = {0};
    struct element e;
    int r;
    int32_t temporal = 0;
    while ((r = next_element(&k, &e)) == ELEMENT) {
        if (e.continues) continue;
        look_element(&key, &e);
        if ((e.p[0] & HAS_EXT) && e.n > 1) temporal = e.p[1] >> 5;
    }
    if (r == BROKEN) return SOTTO_E_SYNTAX;
    *ret = (struct payload_info){
        .starts = !(p[0] & Z),
        .may_end = !(p[0] & Y),
        .is_key = (p[0] & N) || key.is_key,
        .picture_id = -1,
        .temporal = temporal,
    };
    return 0;
}

/* The head of an OBU that may lie in several fragments: OBU header and size field. */
struct gathered {
    uint8_t p[2 + MAX_LEB];
    size_t n, total; /* bytes gathered; of the whole OBU */
};

static int gather(struct walk *k, struct gathered *ret, size_t *ret_elements)
{
    struct element e = {.is_continued = true};
    *ret = (struct gathered){.n = 0};
    for (*ret_elements = 0; e.is_continued; ++*ret_elements) {
        int r = next_element(k, &e);
        if (r == END && *ret_elements == 0) return END;
        if (r != ELEMENT || e.continues != (*ret_elements > 0)) return BROKEN;
        for (size_t i = 0; i < e.n && ret->n < sizeof ret->p; i++) ret->p[ret->n++] = e.p[i];
        ret->total += e.n;
    }
    return ELEMENT;
}

/* Writes header and size; ret_skip: the bytes of the wire's OBU that they stand for. */
static bool add_head(const struct gathered *g, struct buf *out, size_t *ret_skip)
{
    struct reader r = sotto__reader(g->p, g->n);
    uint8_t head[2 + MAX_LEB];
    size_t n_head = 1;
    head[0] = sotto__read_u8(&r);
    if (head[0] & FORBIDDEN) return false;
    if (head[0] & HAS_EXT) head[n_head++] = sotto__read_u8(&r);
    size_t n_body = 0;
    if ((head[0] & HAS_SIZE) && !read_leb(&r, &n_body)) return false;
    *ret_skip = g->n - r.n;
    if (r.bad || ((head[0] & HAS_SIZE) && n_body != g->total - *ret_skip)) return false;
    head[0] |= HAS_SIZE;
    n_head += write_leb(g->total - *ret_skip, head + n_head);
    if (is_sent(type_of(head[0]))) sotto__buf_add(out, head, n_head);
    return true;
}

int sotto__join_av1(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    struct walk k = {.pieces = pieces, .n = n};
    size_t before = out->n;
    for (;;) {
        struct walk again = k;
        struct gathered g;
        size_t elements;
        size_t skip;
        int r = gather(&k, &g, &elements);
        if (r == BROKEN) return SOTTO_E_SYNTAX;
        if (r == END) break;
        if (!add_head(&g, out, &skip)) return SOTTO_E_SYNTAX;
        for (; elements > 0; elements--) {
            struct element e;
            next_element(&again, &e);
            size_t part = skip < e.n ? skip : e.n;
            skip -= part;
            if (is_sent(type_of(g.p[0]))) sotto__buf_add(out, e.p + part, e.n - part);
        }
    }
    if (out->err) return out->err;
    return out->n > before ? 0 : SOTTO_E_SYNTAX;
}

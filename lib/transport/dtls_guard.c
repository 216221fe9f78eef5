/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record filter in front of OpenSSL. RFC 6347 §4.1.2.7 asks to discard invalid records silently; OpenSSL does so only for
 * protected ones. In: records of one peer; out: whole handshake messages, each once, in the order of RFC 6347 §4.2.4 for a full
 * handshake in which both sides have certificates. Nothing here is proof of anything: a forger who knows enough still gets
 * through, and then dtls.c begins anew. Knows no keys, no certificates and no timers.
 * answers: S38 H063 H064 H065 H066 H067 H068 H069 H070 H074 H078 H079 H084
 */
#include "transport/dtls_guard.h"

#include <string.h>

#include "sotto/base.h"
#include "transport/dtls_hello.h"
#include "util/limits.h"
#include "util/mask.h"
#include "util/mem.h"

enum { RECORD_HEADER = 13, MESSAGE_HEADER = 12 };
enum { HELLO_VERIFY_REQUEST = 3 };

#define HVR_LONGEST (3 + 255)    /* RFC 6347 §4.2.1 */
#define OUT_BYTES (RECORD_HEADER + MESSAGE_HEADER + SOTTO_MAX_HANDSHAKE_MESSAGE)
#define EARLY_PROTECTED 256u     /* largest record of epoch 1 before its keys are there: Finished has 61 bytes, an alert 39 */
#define SHORTEST_PROTECTED 24u   /* explicit nonce or none, a tag of 16, and no less than a nonce with AES-GCM */
#define PATIENCE 2u              /* repetitions of our flight */
#define NEVER_AGAIN 1000u
#define DOUBT SOTTO_SECONDS(2)   /* a hello unanswered for so long is doubted when another one comes */

struct step { /* what the flight holds at this position */
    uint8_t type;
    uint32_t max;
};
static const struct step from_server[] = {{2, SOTTO_MAX_DTLS_HELLO}, /* ServerHello */
                                          {11, SOTTO_MAX_HANDSHAKE_MESSAGE}, /* Certificate */
                                          {12, 2048},  /* ServerKeyExchange */
                                          {13, 8192},  /* CertificateRequest */
                                          {14, 0}};    /* ServerHelloDone */
static const struct step from_client[] = {{1, SOTTO_MAX_DTLS_HELLO},         /* ClientHello */
                                          {11, SOTTO_MAX_HANDSHAKE_MESSAGE}, /* Certificate */
                                          {16, 512},   /* ClientKeyExchange */
                                          {15, 2048}}; /* CertificateVerify */

struct fragment { /* RFC 6347 §4.2.2 */
    uint8_t type;
    uint32_t len, off, n;
    uint16_t seq;
    const uint8_t *body;
};

static const struct step *flight(const struct dtls_guard *g, uint16_t *ret_n)
{
    *ret_n = g->client ? 5 : 4;
    return g->client ? from_server : from_client;
}

static void message_reset(struct guard_message *m)
{
    sotto__free(m->p);
    *m = (struct guard_message){0};
}

static bool message_whole(const struct guard_message *m)
{
    return m->begun && m->have == m->len;
}

static bool has_byte(const struct guard_message *m, uint32_t i)
{
    return m->p[m->len + i / 8] >> (i % 8) & 1;
}

static bool message_begin(struct guard_message *m, uint32_t len)
{
    message_reset(m);
    m->p = sotto__calloc(1, len + (len + 7) / 8);
    if (!m->p) return false;
    m->len = len, m->begun = true;
    return true;
}

/* False: it contradicts what was there. One of the two is forged; without knowing which, both go: the peer repeats its own. */
static bool message_add(struct guard_message *m, const struct fragment *f)
{
    bool agrees = !m->begun || m->len == f->len;
    if (!m->begun || m->len != f->len || f->n == f->len) {
        if (!message_begin(m, f->len)) return true; /* no memory: as if lost */
    }
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t at = f->off + i;
        if (!has_byte(m, at)) {
            m->p[at] = f->body[i];
            m->p[m->len + at / 8] |= (uint8_t)(1 << (at % 8));
            m->have++;
        } else if (m->p[at] != f->body[i]) {
            message_reset(m);
            return false;
        }
    }
    return agrees;
}

int sotto__dtls_guard_init(struct dtls_guard *g, bool client)
{
    *g = (struct dtls_guard){.client = client};
    g->out = sotto__malloc(OUT_BYTES);
    return g->out ? 0 : SOTTO_E_NOMEM;
}

static void drop_messages(struct dtls_guard *g)
{
    for (size_t i = 0; i < DTLS_GUARD_MESSAGES; i++) message_reset(&g->msg[i]);
}

static void drop_hvr(struct dtls_guard *g)
{
    sotto__free(g->hvr);
    g->hvr = NULL;
}

void sotto__dtls_guard_free(struct dtls_guard *g)
{
    drop_messages(g);
    message_reset(&g->other);
    drop_hvr(g);
    sotto__free(g->met);
    sotto__free(g->out);
    g->met = NULL;
    g->out = NULL;
}

void sotto__dtls_guard_finish(struct dtls_guard *g)
{
    sotto__dtls_guard_free(g);
    g->done = true;
}

void sotto__dtls_guard_restart(struct dtls_guard *g)
{
    bool keep = g->rebuild && !g->client && message_whole(&g->other);
    drop_messages(g);
    if (keep) {
        g->msg[0] = g->other, g->other = (struct guard_message){0};
        memcpy(g->random, g->other_random, sizeof g->random);
    }
    message_reset(&g->other);
    g->hvr_seen = g->hvr_fed = g->ccs_seen = g->ccs_fed = g->rebuild = g->other_seen = false;
    g->repeats = 0;
    drop_hvr(g);
    g->is_wary = !g->client;
    g->next = 0;
    g->seq = 0;
}

bool sotto__dtls_guard_split(struct reader *datagram, struct dtls_record *ret)
{
    if (datagram->n < RECORD_HEADER) return false;
    const uint8_t *p = datagram->p;
    size_t n = RECORD_HEADER + (size_t)sotto__get_u16(p + 11);
    if (!sotto__read_view(datagram, n)) return false;
    *ret = (struct dtls_record){p[0], sotto__get_u16(p + 3), p, n};
    return true;
}

static void forged(struct dtls_guard *g, const char *hint)
{
    g->forged++;
    if (hint && !g->done) g->hint = hint, g->alert = 0;
}

/*
 * RFC 6347 §4.2.1: a server may first ask for a cookie. A forged request makes the library begin a handshake that the server
 * does not know. A server that means it asks again when our hello comes again: so only the second one counts.
 */
static void take_hvr(struct dtls_guard *g, const struct fragment *f)
{
    if (g->next > 0 || g->hvr_fed) return;
    if (g->hvr_banned || f->seq != 0 || f->n != f->len || f->len < 3 || f->len > HVR_LONGEST ||
        f->body[2] != f->len - 3) {
        forged(g, NULL);
        return;
    }
    if (g->hvr_seen && g->repeats > 0) {
        drop_hvr(g);
        g->hvr = sotto__memdup(f->body, f->n); /* without memory: the next one */
        g->hvr_n = f->n;
    }
    g->hvr_seen = true;
}

static uint64_t hello_name(const struct guard_message *hello)
{
    static const uint64_t key[2] = {0};
    return sotto__mask_hash(key, hello->p, hello->len); /* of all of it: only its random may be copied */
}

/* False also without memory: it will come again. */
static bool is_met_again(struct dtls_guard *g, uint64_t name)
{
    if (!g->met) g->met = sotto__calloc(1, sizeof *g->met);
    if (!g->met) return false;
    uint64_t *slot = &g->met->name[name % DTLS_GUARD_MET];
    bool again = *slot == name;
    *slot = name;
    return again;
}

/* How often this hello was followed and led nowhere; NULL: it never was, and there is no room to count it. */
static unsigned *followed(struct dtls_guard *g, uint64_t name)
{
    struct guard_met *m = g->met;
    if (!m) return NULL;
    for (size_t i = 0; i < m->n_followed; i++)
        if (m->followed[i].name == name) return &m->followed[i].times;
    if (m->n_followed >= DTLS_GUARD_FOLLOWED) return NULL;
    m->followed[m->n_followed].name = name;
    return &m->followed[m->n_followed++].times;
}

void sotto__dtls_guard_refuse_hello(struct dtls_guard *g)
{
    (void)is_met_again(g, g->name);
    unsigned *times = followed(g, g->name);
    if (times) *times = NEVER_AGAIN;
}

/*
 * Whether a server that waits for a hello may follow this one. A forger has a new one for each of his datagrams, and many of them come
 * while a server waits for the client, who repeats the same one ever less often: so a server that was misled takes no hello for the
 * client's that came only once; and never one that the library has refused.
 */
static bool is_credible(struct dtls_guard *g, const struct guard_message *hello)
{
    uint64_t name = hello_name(hello);
    if (!g->is_wary) return true;
    if (!is_met_again(g, name)) return false;
    for (size_t i = 0; i < g->met->n_followed; i++)
        if (g->met->followed[i].name == name) return g->met->followed[i].times < NEVER_AGAIN;
    return true;
}

/*
 * Whether a server leaves the hello that it follows for this one, which insists: it came before, and what we say to the other one was not
 * answered. Each time that it was followed in vain asks for more patience, so that one hello, however often repeated, costs little.
 */
static bool turns_to(struct dtls_guard *g, sotto_us now, uint64_t name)
{
    bool again = is_met_again(g, name), first = !g->other_seen;
    g->other_seen = true;
    if (g->repeats == 0) return false;
    if (!again) return first && !g->is_wary && now - g->fed_at >= DOUBT;
    unsigned *times = followed(g, name);
    if (!times || g->repeats <= PATIENCE * *times) return false;
    ++*times;
    return true;
}

/* A hello for a handshake in which the library already follows another one. */
static void take_other_hello(struct dtls_guard *g, sotto_us now, const struct fragment *f)
{
    uint8_t random[32];
    const char *why = NULL;
    if (!message_add(&g->other, f)) g->forged++;
    if (!message_whole(&g->other)) return;
    bool fine = sotto__dtls_hello_check(g->client, g->other.p, g->other.len, random, &why);
    bool same = g->client ? !g->hvr_fed && memcmp(random, g->random, sizeof random) == 0
                          : hello_name(&g->other) == g->name;
    if (fine && !same && g->client) {
        /* position 0 after a cookie: the server never asked for one. Else it answers what we no longer are. */
        if (g->hvr_fed && f->seq == 0) g->rebuild = g->hvr_banned = true;
    } else if (fine && !same && turns_to(g, now, hello_name(&g->other))) {
        memcpy(g->other_random, random, sizeof random);
        g->rebuild = true;
        return;
    } else if (!same) {
        g->forged++;
    }
    message_reset(&g->other);
}

static void take_fragment(struct dtls_guard *g, sotto_us now, const struct fragment *f)
{
    uint16_t n_steps, base = g->hvr_fed ? 1 : 0;
    const struct step *steps = flight(g, &n_steps);
    if (f->len > SOTTO_MAX_HANDSHAKE_MESSAGE || f->off > f->len || f->n > f->len - f->off ||
        (f->n == 0 && f->len > 0)) {
        forged(g, "the peer sent a handshake message that is too long, or a fragment outside of "
                  "its message");
        return;
    }
    if (g->client && f->type == HELLO_VERIFY_REQUEST) {
        take_hvr(g, f);
        return;
    }
    uint16_t pos = f->seq < base ? 0 : (uint16_t)(f->seq - base);
    if (pos >= n_steps || f->type != steps[pos].type || f->len > steps[pos].max) {
        bool hello = f->type == 1 && g->client;
        forged(g, hello ? "the peer wants to be the client, too"
                        : "the peer sent a handshake message that is out of place");
        return;
    }
    if (f->seq < base || pos < g->next) {
        if (pos == 0) take_other_hello(g, now, f);
        return;
    }
    if (!g->client && pos > 0 && g->next == 0) { /* no hello was answered: it is of a handshake that ended here */
        g->dropped++;
        return;
    }
    if (!message_add(&g->msg[pos], f)) g->forged++;
    if (message_whole(&g->msg[pos])) g->msg[pos].order = g->order++;
    if (pos == 0 && message_whole(&g->msg[0]) &&
        (!sotto__dtls_hello_check(g->client, g->msg[0].p, g->msg[0].len, g->random, &g->hint) ||
         !is_credible(g, &g->msg[0]))) {
        g->forged++;
        message_reset(&g->msg[0]);
    }
}

static void take_handshake(struct dtls_guard *g, sotto_us now, const struct dtls_record *r)
{
    struct reader in = sotto__reader(r->p + RECORD_HEADER, r->n - RECORD_HEADER);
    while (in.n > 0) {
        struct fragment f;
        f.type = sotto__read_u8(&in);
        f.len = sotto__read_u24(&in);
        f.seq = sotto__read_u16(&in);
        f.off = sotto__read_u24(&in);
        f.n = sotto__read_u24(&in);
        f.body = sotto__read_view(&in, f.n);
        if (in.bad) {
            forged(g, NULL);
            return;
        }
        take_fragment(g, now, &f);
    }
}

static enum guard_verdict check_protected(struct dtls_guard *g, const struct dtls_record *r)
{
    size_t n = r->n - RECORD_HEADER;
    if (r->epoch != 1 || n < SHORTEST_PROTECTED || r->type == DTLS_CCS) {
        g->forged++;
        return GUARD_DROP;
    }
    if (g->done) return GUARD_FEED;
    if (r->type == DTLS_APPDATA) return GUARD_HOLD;
    if (n <= EARLY_PROTECTED) return GUARD_FEED;
    g->forged++;
    return GUARD_DROP;
}

enum guard_verdict sotto__dtls_guard_check(struct dtls_guard *g, sotto_us now,
                                           const struct dtls_record *r)
{
    bool version = r->p[1] == 0xfe && (r->p[2] == 0xfd || r->p[2] == 0xff);
    if (!version || r->type < DTLS_CCS || r->type > DTLS_APPDATA ||
        r->n > RECORD_HEADER + 16384u + 256u) {
        g->forged++;
        return GUARD_DROP;
    }
    if (r->epoch != 0) return check_protected(g, r);
    if (g->done) { /* also the peer's repeated last flight: nothing is wrong with that */
        g->dropped++;
        return GUARD_DROP;
    }
    if (r->type == DTLS_HANDSHAKE) {
        take_handshake(g, now, r);
        return GUARD_OPEN;
    }
    if (r->type == DTLS_CCS && r->n == RECORD_HEADER + 1 && r->p[RECORD_HEADER] == 1) {
        g->ccs_seen = g->client || g->next > 0;
        return GUARD_OPEN;
    }
    forged(g, r->type == DTLS_ALERT ? "the peer, or someone in its name, sent an alert in the clear"
                                    : NULL);
    if (r->type == DTLS_ALERT && r->n == RECORD_HEADER + 2) g->alert = r->p[RECORD_HEADER + 1];
    return GUARD_DROP;
}

void sotto__dtls_guard_refuse(struct dtls_guard *g)
{
    g->next--;
    g->forged++;
}

static void emit(struct dtls_guard *g, uint8_t type, const uint8_t *head, size_t n_head,
                 const uint8_t *p, size_t n)
{
    struct writer w = sotto__writer(g->out, OUT_BYTES);
    sotto__write_u8(&w, type);
    sotto__write_u16(&w, 0xfefd);
    sotto__write_u32(&w, (uint32_t)(g->seq >> 32)); /* epoch 0 and the upper bits */
    sotto__write_u32(&w, (uint32_t)g->seq);
    sotto__write_u16(&w, (uint16_t)(n_head + n));
    sotto__write_bytes(&w, head, n_head);
    sotto__write_bytes(&w, p, n);
    g->seq++;
}

void sotto__dtls_message_head(uint8_t head[static 12], uint8_t type, uint16_t number, uint32_t len)
{
    struct writer w = sotto__writer(head, MESSAGE_HEADER);
    sotto__write_u8(&w, type);
    sotto__write_be(&w, len, 3);
    sotto__write_u16(&w, number);
    sotto__write_be(&w, 0, 3);
    sotto__write_be(&w, len, 3);
}

bool sotto__dtls_guard_has(const struct dtls_guard *g, size_t position)
{
    return message_whole(&g->msg[position]);
}

void sotto__dtls_guard_drop(struct dtls_guard *g, size_t position)
{
    message_reset(&g->msg[position]);
    g->forged++;
}

static size_t emit_message(struct dtls_guard *g, uint8_t type, uint16_t seq, const uint8_t *p,
                           size_t n)
{
    uint8_t head[MESSAGE_HEADER];
    sotto__dtls_message_head(head, type, seq, (uint32_t)n);
    emit(g, DTLS_HANDSHAKE, head, sizeof head, p, n);
    return RECORD_HEADER + MESSAGE_HEADER + n;
}

bool sotto__dtls_guard_next(struct dtls_guard *g, sotto_us now, const uint8_t **p, size_t *n)
{
    static const uint8_t one = 1;
    uint16_t n_steps;
    const struct step *steps = flight(g, &n_steps);
    if (g->done || g->rebuild) return false;
    *p = g->out;
    if (g->hvr) {
        *n = emit_message(g, HELLO_VERIFY_REQUEST, 0, g->hvr, g->hvr_n);
        drop_hvr(g);
        g->hvr_fed = true, g->repeats = 0;
        drop_messages(g);
        return true;
    }
    if (g->next < n_steps && message_whole(&g->msg[g->next])) {
        struct guard_message *m = &g->msg[g->next];
        if (g->next == 0) g->fed_at = now, g->repeats = 0, g->name = hello_name(m);
        *n = emit_message(g, steps[g->next].type, (uint16_t)(g->next + (g->hvr_fed ? 1 : 0)), m->p,
                          m->len);
        message_reset(m);
        g->next++;
        return true;
    }
    if (g->next == n_steps && g->ccs_seen && !g->ccs_fed) {
        emit(g, DTLS_CCS, NULL, 0, &one, 1);
        *n = RECORD_HEADER + 1;
        g->ccs_fed = true;
        return true;
    }
    return false;
}

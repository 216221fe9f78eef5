/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets of a transport arrived, and when.
 * The entries of an RTCP packet that rtcp.c delimited come in, a list of packets goes out; and back. A reader's work is bounded by the
 * bytes of the packet and by TWCC_MAX_STATUS, whatever it claims. Which packets those numbers were is not known here.
 * answers: H107
 */
#include "wire/twcc.h"

enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA, RESERVED };

#define VECTOR 0x8000u    /* §3.1.3, §3.1.4: what kind of chunk */
#define TWO_BITS 0x4000u  /* a vector of 7 symbols of two bits, else of 14 of one */
#define MAX_RUN 0x1fffu
#define FMT_TWCC 15
#define PT_RTPFB 205

/* ---- reading ---- */

/* The symbols that a chunk tells, and how many: up to 14 of a vector, or of a run any number of the one that is first. */
static size_t read_chunk(uint16_t chunk, uint8_t symbols[static 14], bool *run)
{
    *run = !(chunk & VECTOR);
    if (*run) {
        symbols[0] = chunk >> 13 & 3;
        return chunk & MAX_RUN;
    }
    size_t n = chunk & TWO_BITS ? 7 : 14;
    for (size_t i = 0; i < n; i++)
        symbols[i] =
            (uint8_t)(chunk & TWO_BITS ? chunk >> (12 - 2 * i) & 3 : chunk >> (13 - i) & 1);
    return n;
}

/* Symbols of n packets; false: a run beyond them, a reserved one, or bytes that end before. */
static bool read_symbols(struct reader *r, uint8_t *out, size_t n)
{
    uint8_t symbols[14];
    for (size_t at = 0; at < n && !r->bad;) {
        bool run;
        size_t more = read_chunk(sotto__read_u16(r), symbols, &run);
        if (run && more > n - at) return false;
        for (size_t i = 0; i < more && at < n; i++, at++) {
            out[at] = symbols[run ? 0 : i];
            if (out[at] == RESERVED) return false;
        }
    }
    return !r->bad;
}

int sotto__twcc_parse(const struct rtcp *rtcp, struct twcc *ret)
{
    struct reader r = sotto__reader(rtcp->body, rtcp->n_body);
    uint8_t symbols[TWCC_MAX_STATUS];
    uint16_t base_seq = sotto__read_u16(&r), n = sotto__read_u16(&r);
    int32_t base_time = (int32_t)sotto__read_u24(&r);
    uint8_t count = sotto__read_u8(&r);
    if (r.bad || n == 0 || n > TWCC_MAX_STATUS || !read_symbols(&r, symbols, n))
        return SOTTO_E_SYNTAX;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += symbols[i]; /* a symbol is the size of its delta */
    if (bytes > r.n) return SOTTO_E_SYNTAX;
    ret->ssrc = rtcp->ssrc, ret->media_ssrc = rtcp->media_ssrc;
    ret->base_seq = base_seq, ret->n = n, ret->count = count;
    ret->base_time = base_time >= 0x800000 ? base_time - 0x1000000 : base_time;
    for (size_t i = 0; i < n; i++) {
        int32_t delta = symbols[i] == LARGE_DELTA   ? (int16_t)sotto__read_u16(&r)
                        : symbols[i] == SMALL_DELTA ? sotto__read_u8(&r)
                                                    : 0;
        ret->status[i] = (struct twcc_status){symbols[i] != NOT_RECEIVED, delta};
    }
    return 0;
}

/* ---- writing ---- */

static uint8_t symbol_of(const struct twcc_status *s)
{
    if (!s->received) return NOT_RECEIVED;
    return s->delta >= 0 && s->delta <= UINT8_MAX ? SMALL_DELTA : LARGE_DELTA;
}

static size_t run_length(const uint8_t *symbols, size_t n)
{
    size_t run = 1;
    while (run < n && run < MAX_RUN && symbols[run] == symbols[0]) run++;
    return run;
}

static size_t write_run(struct writer *w, uint8_t symbol, size_t n)
{
    sotto__write_u16(w, (uint16_t)((unsigned)symbol << 13 | n));
    return n;
}

static size_t write_vector(struct writer *w, const uint8_t *symbols, size_t n, bool two_bits)
{
    size_t room = two_bits ? 7 : 14, used = n < room ? n : room;
    unsigned chunk = VECTOR | (two_bits ? TWO_BITS : 0);
    for (size_t i = 0; i < used; i++)
        chunk |= (unsigned)symbols[i] << (two_bits ? 12 - 2 * i : 13 - i);
    sotto__write_u16(w, (uint16_t)chunk);
    return used;
}

/* The chunk that tells most of the symbols ahead; how many those are. */
static size_t write_chunk(struct writer *w, const uint8_t *symbols, size_t n)
{
    size_t run = run_length(symbols, n), short_ones = 0;
    while (short_ones < n && short_ones < 14 && symbols[short_ones] != LARGE_DELTA) short_ones++;
    if (run >= 14) return write_run(w, symbols[0], run);
    if (short_ones == 14 || short_ones == n) return write_vector(w, symbols, n, false);
    return run >= 7 ? write_run(w, symbols[0], run) : write_vector(w, symbols, n, true);
}

static void write_deltas(struct writer *w, const struct twcc *t, const uint8_t *symbols)
{
    for (size_t i = 0; i < t->n; i++) {
        int32_t delta = t->status[i].delta;
        if (symbols[i] == SMALL_DELTA) sotto__write_u8(w, (uint8_t)delta);
        if (symbols[i] != LARGE_DELTA) continue;
        if (delta < INT16_MIN || delta > INT16_MAX) w->bad = true;
        sotto__write_u16(w, (uint16_t)delta);
    }
}

void sotto__twcc_write(struct writer *w, const struct twcc *t)
{
    uint8_t symbols[TWCC_MAX_STATUS];
    size_t start = w->n;
    if (t->n == 0 || t->n > TWCC_MAX_STATUS) w->bad = true;
    if (w->bad) return;
    for (size_t i = 0; i < t->n; i++) symbols[i] = symbol_of(&t->status[i]);
    sotto__write_u8(w, 2 << 6 | FMT_TWCC);
    sotto__write_u8(w, PT_RTPFB);
    sotto__write_u16(w, 0); /* the length, below */
    sotto__write_u32(w, t->ssrc);
    sotto__write_u32(w, t->media_ssrc);
    sotto__write_u16(w, t->base_seq);
    sotto__write_u16(w, t->n);
    sotto__write_be(w, (uint32_t)t->base_time, 3);
    sotto__write_u8(w, t->count);
    for (size_t at = 0; at < t->n;) at += write_chunk(w, symbols + at, t->n - at);
    write_deltas(w, t, symbols);
    while (!w->bad && (w->n - start) % 4 != 0) sotto__write_u8(w, 0);
    if (w->bad) return;
    size_t words = (w->n - start) / 4 - 1;
    w->p[start + 2] = (uint8_t)(words >> 8), w->p[start + 3] = (uint8_t)words;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: records after a DTLS handshake. Property: bytes that the peer did not seal never open, and no record opens twice; what opens is
 * the text that was sealed; a record that nobody changed opens unless it came before or is too old; our own records do not open here. */
#include <stdlib.h>
#include <string.h>

#include "transport/dtls_guard.h"
#include "transport/dtls_record.h"
#include "util/bytes.h"
#include "util/limits.h"

enum { RECORDS = 32, ROOM = 512 };

struct sealed {
    uint8_t p[ROOM], text[ROOM], n_text;
    size_t n;
    bool opened;
};

static void must(bool claim)
{
    if (!claim) abort();
}

struct world {
    struct dtls_layer peer, ours;
    struct sealed of[RECORDS];
    size_t n;
    uint64_t newest;
    bool any;
};

static void seal(struct world *w, struct reader *in)
{
    struct sealed *s = &w->of[w->n % RECORDS];
    uint8_t leap = sotto__read_u8(in);
    *s = (struct sealed){.n_text = sotto__read_u8(in)};
    size_t have = in->n < s->n_text ? in->n : s->n_text;
    const uint8_t *p = sotto__read_view(in, have);
    if (have > 0) memcpy(s->text, p, have);
    /* leaps are only for nonces that follow the sequence number: ChaCha20's */
    if (w->peer.head == DTLS_HEADER) w->peer.seq += (uint64_t)leap << leap % 24;
    int r = sotto__dtls_layer_seal(&w->peer, DTLS_APPDATA, s->text, s->n_text, s->p);
    must(r == (int)(w->peer.head + s->n_text + DTLS_TAG) || w->peer.seq > SOTTO_MAX_DTLS_SEQUENCE);
    s->n = r > 0 ? (size_t)r : 0;
    w->n++;
}

static const struct sealed *find(struct world *w, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < RECORDS; i++)
        if (n > 0 && w->of[i].n == n && memcmp(w->of[i].p, p, n) == 0) return &w->of[i];
    return NULL;
}

static void deliver(struct world *w, uint8_t *p, size_t n)
{
    uint8_t copy[ROOM];
    struct sealed *s = (struct sealed *)(uintptr_t)find(w, p, n);
    memcpy(copy, p, n);
    must(sotto__dtls_layer_open(&w->peer, copy, n) < 0); /* from us to us */
    uint64_t seq = n >= DTLS_HEADER ? sotto__dtls_sequence(p) : 0;
    bool is_old = w->any && w->newest >= seq + DTLS_WINDOW;
    int r = sotto__dtls_layer_open(&w->ours, p, n);
    must((r >= 0) == (s && !s->opened && !is_old));
    if (!s || r < 0) return;
    must(r == s->n_text && memcmp(p + w->ours.head, s->text, s->n_text) == 0);
    s->opened = true;
    if (seq > w->newest) w->newest = seq;
    w->any = true;
}

/* One of the sealed records, as it is, cut, or with bytes that are changed. */
static void change(struct world *w, struct reader *in)
{
    const struct sealed *s = &w->of[sotto__read_u8(in) % RECORDS];
    uint8_t copy[ROOM], changes = sotto__read_u8(in);
    size_t n = s->n;
    memcpy(copy, s->p, n);
    if (changes & 0x80) n = n * sotto__read_u8(in) / 255;
    for (int i = 0; i < (changes & 7) && n > 0; i++) {
        uint16_t at = sotto__read_u16(in);
        copy[at % n] ^= sotto__read_u8(in);
    }
    deliver(w, copy, n);
}

static void raw(struct world *w, struct reader *in)
{
    uint8_t copy[ROOM];
    size_t n = sotto__read_u16(in) % ROOM;
    if (n > in->n) n = in->n;
    const uint8_t *p = sotto__read_view(in, n);
    if (n > 0) memcpy(copy, p, n);
    deliver(w, copy, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct world w;
    struct reader in = sotto__reader(p, n);
    uint8_t head = sotto__read_u8(&in);
    struct dtls_secrets s = {.cipher = (enum dtls_cipher)(head % 3), .sha384 = head % 3 == 1};
    memset(&w, 0, sizeof w);
    must(sotto__dtls_layer_init(&w.peer, &s, true, head >> 2, 5) == 0);
    must(sotto__dtls_layer_init(&w.ours, &s, false, 0, 0) == 0);
    while (in.n > 0 && !in.bad) {
        uint8_t op = sotto__read_u8(&in);
        if (op % 4 == 0)
            seal(&w, &in);
        else if (op % 4 == 3)
            raw(&w, &in);
        else
            change(&w, &in);
    }
    sotto__dtls_layer_free(&w.peer);
    sotto__dtls_layer_free(&w.ours);
    return 0;
}

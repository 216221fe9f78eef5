/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way between OpenSSL and datagrams: a BIO whose read gives the one record that dtls.c set, and whose write makes one
 * datagram of each flush. Datagram borders are kept both ways. Holds back alerts in the clear while the handshake may still be begun
 * anew: the peer would take them for the end. Notes what was sent under which number, since our own records go on from there.
 * answers: A12
 */
#include <openssl/bio.h>
#include <string.h>

#include "transport/dtls_int.h"

static int bio_read(BIO *bio, char *p, int cap)
{
    struct dtls *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (d->n_in == 0 || cap < 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = d->n_in < (size_t)cap ? d->n_in : (size_t)cap; /* OpenSSL's buffer holds the largest record */
    memcpy(p, d->in, n);
    d->n_in = 0;
    return (int)n;
}

static bool alert_held_back(const struct dtls *d, const struct dtls_record *r)
{
    return r->type == DTLS_ALERT && r->epoch == 0 && d->dead == 0;
}

void sotto__dtls_queue(struct dtls *d, const uint8_t *p, size_t n)
{
    size_t at = d->out.n, len_at = at;
    struct reader in = sotto__reader(p, n);
    struct dtls_record r;
    if (!sotto__buf_reserve(&d->out, 2 + n)) { /* full or no memory: lost, as on any network; the flight is repeated */
        d->out.err = 0;
        return;
    }
    at += 2;
    while (sotto__dtls_guard_split(&in, &r)) {
        if (alert_held_back(d, &r)) continue;
        memcpy(d->out.p + at, r.p, r.n);
        at += r.n;
    }
    n = at - len_at - 2;
    if (n == 0) return;
    d->out.p[len_at] = (uint8_t)(n >> 8), d->out.p[len_at + 1] = (uint8_t)n;
    d->out.n = at;
}

/* Also of what the queue then has no room for: its numbers and nonces are used up all the same. */
static void note(struct dtls *d, const uint8_t *p, size_t n)
{
    struct dtls_sent *s = &d->sent;
    struct reader in = sotto__reader(p, n);
    struct dtls_record r;
    while (sotto__dtls_guard_split(&in, &r)) {
        uint64_t seq = sotto__dtls_sequence(r.p);
        struct reader body = sotto__reader(r.p + DTLS_HEADER, r.n - DTLS_HEADER);
        if (r.epoch == 0) {
            if (seq >= s->plain_seq) s->plain_seq = seq + 1;
            sotto__read_u32(&body); /* type and length */
            if (r.type != DTLS_HANDSHAKE) continue;
            s->message = (uint16_t)(sotto__read_u16(&body) + 1);
            sotto__dtls_transcribe(d, true, r.p + DTLS_HEADER, r.n - DTLS_HEADER);
            continue;
        }
        uint64_t nonce = (uint64_t)sotto__read_u32(&body) << 32;
        nonce = (nonce | sotto__read_u32(&body)) - seq;
        if (s->seq > 0 && nonce != s->nonce) s->odd_nonce = true;
        s->nonce = nonce;
        if (seq >= s->seq) s->seq = seq + 1;
    }
}

static int bio_write(BIO *bio, const char *p, int n)
{
    struct dtls *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (n <= 0) return 0;
    note(d, (const uint8_t *)p, (size_t)n);
    sotto__dtls_queue(d, (const uint8_t *)p, (size_t)n);
    return n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio, (void)num, (void)ptr;
    switch (cmd) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return SOTTO_MTU;
    default: return 0;
    }
}

BIO_METHOD *sotto__dtls_bio_method(void)
{
    /* no index of its own: a process has 127 of them, and a context makes a method */
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sotto datagram");
    if (!m) return NULL;
    if (BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl))
        return m;
    BIO_meth_free(m);
    return NULL;
}

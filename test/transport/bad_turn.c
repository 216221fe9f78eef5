/* SPDX-License-Identifier: BSD-2-Clause */
/* See bad_turn.h. */
#include "bad_turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "coturn.h"
#include "ice_drive.h"
#include "util/bytes.h"

struct ice_server bad_turn_open(struct bad_turn *b, enum ice_server_kind kind)
{
    static char name[] = "sotto", word[] = "word";
    struct ice_server s = {.kind = kind,
                           .addr = {.family = 4, .ip = {127, 0, 0, 1}},
                           .username = name,
                           .credential = word};
    b->is_udp = kind == ICE_SERVER_TURN_UDP;
    b->listener =
        coturn_socket((b->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, &s.addr.port);
    if (!b->is_udp) assert_int_equal(listen(b->listener, 8), 0);
    b->fd = -1;
    return s;
}

static void hang_up(struct bad_turn *b)
{
    SSL_free(b->ssl);
    if (b->fd >= 0) close(b->fd);
    b->ssl = NULL;
    b->fd = -1;
    b->n_in = 0;
    ERR_clear_error();
}

void bad_turn_close(struct bad_turn *b)
{
    hang_up(b);
    close(b->listener);
    SSL_CTX_free(b->ctx);
}

static void put(struct bad_turn *b, const uint8_t *p, size_t n, const struct sockaddr_in *to)
{
    if (b->is_udp)
        sendto(b->listener, p, n, 0, (const struct sockaddr *)to, sizeof *to);
    else if (b->ssl)
        SSL_write(b->ssl, p, (int)n);
    else
        send(b->fd, p, n, MSG_NOSIGNAL);
    ERR_clear_error();
}

static void attribute(struct writer *w, uint16_t type, const void *p, size_t n)
{
    static const uint8_t padding[4];
    sotto__write_u16(w, type);
    sotto__write_u16(w, (uint16_t)n);
    sotto__write_bytes(w, p, n);
    sotto__write_bytes(w, padding, (4 - n % 4) % 4);
}

/* An error in answer to that request. */
static size_t make_error(struct bad_turn *b, const uint8_t *request, uint8_t *out, size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    int32_t code = b->act == BAD_STALE ? 438 : b->act == BAD_MOVE ? 300 : b->code;
    char value[256] = {0, 0, (char)(code / 100), (char)(code % 100)}, nonce[32];
    size_t n =
        (size_t)snprintf(value + 4, sizeof value - 4, "%s", b->reason ? b->reason : "no") + 4;
    sotto__write_u16(&w, 0x0113);
    sotto__write_u16(&w, 0);
    sotto__write_bytes(&w, request + 4, 16);
    attribute(&w, 0x0009, value, n);
    if (b->act == BAD_STALE) {
        int k = snprintf(nonce, sizeof nonce, "nonce-%zu", b->n_requests);
        attribute(&w, 0x0014, "test", 4);
        attribute(&w, 0x0015, nonce, (size_t)k);
    }
    if (b->act == BAD_MOVE) {
        uint8_t where[8] = {0, 1, (uint8_t)(b->alternate.port >> 8), (uint8_t)b->alternate.port};
        memcpy(where + 4, b->alternate.ip, 4);
        attribute(&w, 0x8023, where, sizeof where);
        if (b->domain) attribute(&w, 0x8003, b->domain, strlen(b->domain));
    }
    if (b->act == BAD_HUGE) {
        static const uint8_t much[60000];
        attribute(&w, 0x8fff, much, sizeof much);
    }
    assert_false(w.bad);
    out[2] = (uint8_t)((w.n - 20) >> 8), out[3] = (uint8_t)(w.n - 20);
    return w.n;
}

/* 401 with these. */
static size_t make_challenge(const uint8_t *request, size_t n_long, uint8_t *out, size_t cap)
{
    static char text[60000];
    struct writer w = sotto__writer(out, cap);
    memset(text, 'x', sizeof text);
    sotto__write_u16(&w, 0x0113);
    sotto__write_u16(&w, 0);
    sotto__write_bytes(&w, request + 4, 16);
    attribute(&w, 0x0009, "\0\0\4\1Unauthorized", 16);
    attribute(&w, 0x0014, n_long ? text : "test", n_long ? n_long : 4);
    attribute(&w, 0x0015, n_long ? text : "nonce", n_long ? n_long : 5);
    assert_false(w.bad);
    out[2] = (uint8_t)((w.n - 20) >> 8), out[3] = (uint8_t)(w.n - 20);
    return w.n;
}

/* An XOR'ed one: RFC 8489 §14.2, IPv4. */
static void put_address(struct writer *w, uint16_t type, const struct address *a)
{
    static const uint8_t cookie[4] = {0x21, 0x12, 0xa4, 0x42};
    uint8_t value[8] = {0, 1, (uint8_t)(a->port >> 8 ^ 0x21), (uint8_t)(a->port ^ 0x12)};
    for (int i = 0; i < 4; i++) value[4 + i] = a->ip[i] ^ cookie[i];
    attribute(w, type, value, sizeof value);
}

static void put_integrity(struct writer *w, bool is_wrong)
{
    static const char secret[] = "sotto:test:word";
    uint8_t key[16], mac[20];
    unsigned n;
    size_t size = w->n - 20 + 24;
    w->p[2] = (uint8_t)(size >> 8), w->p[3] = (uint8_t)size;
    EVP_Digest(secret, sizeof secret - 1, key, &n, EVP_md5(), NULL);
    HMAC(EVP_sha1(), key, sizeof key, w->p, w->n, mac, &n);
    if (is_wrong) mac[3] ^= 1;
    attribute(w, 0x0008, mac, sizeof mac);
}

static size_t make_grant(struct bad_turn *b, const uint8_t *request, uint8_t *out, size_t cap)
{
    static const struct address relayed = {4, {198, 51, 100, 7}, 5000},
                                mapped = {4, {127, 0, 0, 1}, 9};
    const struct bad_turn_grant *g = &b->grant;
    struct writer w = sotto__writer(out, cap);
    uint32_t lifetime = g->lifetime == 0 ? 600 : (uint32_t)g->lifetime - (g->lifetime == 1);
    uint8_t seconds[4] = {0, 0, (uint8_t)(lifetime >> 8), (uint8_t)lifetime};
    sotto__write_u16(&w, 0x0103);
    sotto__write_u16(&w, 0);
    sotto__write_bytes(&w, request + 4, 16);
    if (g->other_id) w.p[19] ^= 1;
    put_address(&w, 0x0016, g->relayed.family ? &g->relayed : &relayed);
    put_address(&w, 0x0020, &mapped);
    if (g->lifetime >= 0) attribute(&w, 0x000d, seconds, sizeof seconds);
    if (g->is_strange) attribute(&w, 0x7fff, seconds, sizeof seconds);
    if (!g->without_integrity && !g->open) put_integrity(&w, g->wrong_integrity);
    assert_false(w.bad);
    out[2] = (uint8_t)((w.n - 20) >> 8), out[3] = (uint8_t)(w.n - 20);
    return w.n;
}

/* The goodbye is answered as it should be. */
static size_t make_goodbye(const uint8_t *request, uint8_t *out, size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    sotto__write_u16(&w, 0x0104);
    sotto__write_u16(&w, 0);
    sotto__write_bytes(&w, request + 4, 16);
    attribute(&w, 0x000d, "\0\0\0\0", 4);
    put_integrity(&w, false);
    return w.n;
}

/* Allocations only: what else there is to a relay is not done. */
static void grant(struct bad_turn *b, const uint8_t *request, size_t n, uint8_t *out, size_t cap,
                  const struct sockaddr_in *to)
{
    bool has_credentials = n > 24 + 20 && memcmp(request + n - 24, "\0\x08\0\x14", 4) == 0;
    if (request[1] == 4) put(b, out, make_goodbye(request, out, cap), to);
    if (request[0] != 0 || request[1] != 3) return;
    size_t size = has_credentials || b->grant.open ? make_grant(b, request, out, cap)
                                                   : make_challenge(request, 0, out, cap);
    if (!has_credentials || !b->grant.other_source) {
        put(b, out, size, to);
        return;
    }
    uint16_t port;
    int fd = coturn_socket(SOCK_DGRAM, &port);
    sendto(fd, out, size, 0, (const struct sockaddr *)to, sizeof *to);
    close(fd);
}

static void answer(struct bad_turn *b, const uint8_t *request, size_t n,
                   const struct sockaddr_in *to)
{
    static uint8_t out[65000];
    static const uint8_t garbage[] = "\xff\xfe\xfd garbage \x80\x81\x82";
    b->n_requests++;
    switch (b->act) {
    case BAD_ERROR:
    case BAD_STALE:
    case BAD_MOVE:
    case BAD_HUGE: put(b, out, make_error(b, request, out, sizeof out), to); break;
    case BAD_GARBAGE: put(b, garbage, sizeof garbage, to); break;
    case BAD_CLOSE: hang_up(b); break;
    case BAD_SLOW:
        b->n_slow = make_error(b, request, out, sizeof out);
        assert_true(b->n_slow <= sizeof b->slow);
        memcpy(b->slow, out, b->n_slow);
        break;
    case BAD_LONG: put(b, out, make_challenge(request, b->n_long, out, sizeof out), to); break;
    case BAD_GRANT: grant(b, request, n, out, sizeof out, to); break;
    case BAD_SILENT:
    case BAD_DEAF: break;
    }
}

static void take_requests(struct bad_turn *b, const struct sockaddr_in *from)
{
    while (b->n_in >= 20) {
        uint8_t request[sizeof b->in];
        size_t n = 20u + sotto__get_u16(b->in + 2);
        if (n > b->n_in) return;
        memcpy(request, b->in, n);
        memmove(b->in, b->in + n, b->n_in - n);
        b->n_in -= n;
        answer(b, request, n, from);
    }
}

static void step_late(struct bad_turn *b)
{
    uint8_t lost[2048];
    socklen_t len = sizeof b->from;
    if (b->answer_at == 0) {
        ssize_t n =
            recvfrom(b->listener, b->in, sizeof b->in, 0, (struct sockaddr *)&b->from, &len);
        b->n_in = n > 0 ? (size_t)n : 0;
        b->answer_at = n > 0 ? drive_now() + SOTTO_MS(b->late_ms) : 0;
    } else if (drive_now() >= b->answer_at) {
        while (recv(b->listener, lost, sizeof lost, 0) > 0) continue;
        b->answer_at = 0;
        take_requests(b, &b->from);
    }
}

static void step_udp(struct bad_turn *b)
{
    socklen_t len = sizeof b->from;
    ssize_t n;
    while ((n = recvfrom(b->listener, b->in, sizeof b->in, 0, (struct sockaddr *)&b->from, &len)) >
           0) {
        b->n_in = (size_t)n;
        take_requests(b, &b->from);
        b->n_in = 0;
    }
}

static void take_connection(struct bad_turn *b)
{
    int fd = accept4(b->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    hang_up(b);
    b->fd = fd;
    b->n_connections++;
    if (b->ctx) {
        b->ssl = SSL_new(b->ctx);
        SSL_set_fd(b->ssl, fd);
        SSL_set_accept_state(b->ssl);
    }
}

static bool is_shaken(struct bad_turn *b)
{
    if (!b->ssl || SSL_is_init_finished(b->ssl)) return true;
    bool done = SSL_do_handshake(b->ssl) == 1;
    const char *name = SSL_get_servername(b->ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(b->sni, sizeof b->sni, "%s", name ? name : "");
    if (done) b->n_shaken++;
    ERR_clear_error();
    return done;
}

void bad_turn_step(struct bad_turn *b)
{
    if (b->is_udp) {
        if (b->late_ms > 0)
            step_late(b);
        else
            step_udp(b);
        return;
    }
    take_connection(b);
    if (b->fd < 0 || b->act == BAD_DEAF || !is_shaken(b)) return;
    size_t room = sizeof b->in - b->n_in;
    int n = b->ssl ? SSL_read(b->ssl, b->in + b->n_in, (int)room)
                   : (int)recv(b->fd, b->in + b->n_in, room, 0);
    ERR_clear_error();
    if (n > 0) b->n_in += (size_t)n;
    take_requests(b, NULL);
    if (b->slow_at + 1 < b->n_slow && b->fd >= 0) put(b, &b->slow[b->slow_at++], 1, NULL);
}

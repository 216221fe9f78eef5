/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: turn_tls*.c, which stand between libnice and a TURN server over TCP or TLS: the input is the server's, as a list of
 * operations: bytes, answers to the last request, its end; with and without TLS; what libnice sends; and time. The sockets are real.
 * Property: libnice gets whole frames only, and none above the limit; where TLS was asked for and the server has not shown its
 * certificate, no byte of libnice's leaves; an error is told with 300…699 or as none; what is over stays over and says why; descriptors
 * and memory are all given back.
 * proves: H053 H054
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "require.h"
#include "tls_kit.h"
#include "transport/turn_tls.h"
#include "util/bytes.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 40, ROOM = 8192 };

static const char request[] = "\x00\x03\x00\x00\x21\x12\xa4\x42request-0001";

struct scene {
    struct reader in;
    struct turn_tls *t;
    int server, nice; /* -1: none */
    SSL *ssl;         /* of the server; NULL: it speaks plainly */
    bool wants_tls, is_over, shaken, is_strange; /* strange: its certificate is none for the name, or of nobody we know */
    sotto_us now;
    uint8_t got[ROOM]; /* what libnice has, from the beginning of a frame on */
    size_t n_got;
};

static int listener = -1;
static struct sockaddr_in where;
static SSL_CTX *contexts[3];

static void open_once(void)
{
    socklen_t len = sizeof where;
    if (listener >= 0) return;
    tls_kit_start();
    contexts[0] = tls_server_ctx(TLS_GOOD, 0);
    contexts[1] = tls_server_ctx(TLS_WRONG_NAME, 0);
    contexts[2] = tls_server_ctx(TLS_OTHER_CA, 0);
    require(sotto__turn_tls_check(tls_ca_file()) == 0);
    where = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    require(bind(listener, (struct sockaddr *)&where, sizeof where) == 0);
    require(listen(listener, 16) == 0);
    require(getsockname(listener, (struct sockaddr *)&where, &len) == 0);
    atexit(tls_kit_stop);
}

static void dial(struct scene *s)
{
    const struct address *to = sotto__turn_tls_port(s->t);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(to->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->nice = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    require(s->nice >= 0);
    (void)connect(s->nice, (struct sockaddr *)&a, sizeof a);
    for (int i = 0; i < 4; i++)
        if (sotto__turn_tls_accept(s->t, &s->nice, 1)) return;
    require(s->is_over);
}

/* Whole frames, which are taken off. */
static void read_frames(struct scene *s)
{
    size_t frame;
    while ((frame = sotto__stun_frame(s->got, s->n_got)) > 0 && frame <= s->n_got) {
        require(frame != SIZE_MAX && frame <= SOTTO_MAX_TURN_FRAME);
        memmove(s->got, s->got + frame, s->n_got -= frame);
    }
    require(frame != SIZE_MAX);
}

static void read_nice(struct scene *s)
{
    ssize_t r;
    while (s->nice >= 0 &&
           (r = recv(s->nice, s->got + s->n_got, ROOM - s->n_got, MSG_DONTWAIT)) > 0) {
        s->n_got += (size_t)r;
        read_frames(s);
    }
}

static void read_server(struct scene *s)
{
    uint8_t p[4096];
    ssize_t r;
    if (s->server < 0) s->server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s->server < 0) return;
    if (s->ssl) {
        if (SSL_get_fd(s->ssl) < 0) SSL_set_fd(s->ssl, s->server), SSL_set_accept_state(s->ssl);
        signal(SIGPIPE, SIG_IGN);
        if (!s->shaken && SSL_do_handshake(s->ssl) == 1) s->shaken = true;
        while (s->shaken && (r = SSL_read(s->ssl, p, sizeof p)) > 0) require(!s->is_strange);
        signal(SIGPIPE, SIG_DFL);
        return;
    }
    while ((r = recv(s->server, p, sizeof p, MSG_DONTWAIT)) > 0)
        require(!s->wants_tls || !memmem(p, (size_t)r, "request-", 8));
}

static void pump(struct scene *s)
{
    struct stun_answer a;
    for (int i = 0; i < 5; i++) {
        int r = sotto__turn_tls_next(s->t, s->now, &a), n;
        struct sotto_fd fds[2];
        require(r == 0 || r == 1 || r == SOTTO_E_CLOSED);
        require(!s->is_over || r == SOTTO_E_CLOSED);
        if (r == 1) require(a.code == 0 || (a.is_error && a.code >= 300 && a.code <= 699));
        if (r < 0) s->is_over = true;
        if (r < 0) require(sotto__turn_tls_why(s->t, &n) && (n == 0 || (n >= 300 && n <= 701)));
        n = sotto__turn_tls_fds(s->t, fds, 2);
        require(n >= 0 && n <= 2);
        for (int k = 0; k < n; k++) require(fds[k].fd >= 0 && fds[k].events != 0);
        read_nice(s);
        read_server(s);
    }
    require(sotto__turn_tls_bytes(s->t) < 256 * 1024);
}

static void say(struct scene *s, const uint8_t *p, size_t n)
{
    if (s->server < 0 || n == 0) return;
    signal(SIGPIPE, SIG_IGN); /* of the server's own; what the library writes must not bring one */
    if (s->ssl && s->shaken)
        (void)!SSL_write(s->ssl, p, (int)n);
    else
        (void)!send(s->server, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    signal(SIGPIPE, SIG_DFL);
}

static void say_bytes(struct scene *s)
{
    size_t n = sotto__read_u8(&s->in);
    if (n > s->in.n) n = s->in.n;
    const uint8_t *p = sotto__read_view(&s->in, n);
    if (p) say(s, p, n);
}

/* A message of the last request's transaction, with attributes as the input says. */
static void say_answer(struct scene *s)
{
    static const uint16_t types[] = {0x0103, 0x0113, 0x0103, 0x0113,
                                     0x0104, 0x0118, 0x0017, 0x0101};
    static const uint16_t attributes[] = {0x000d, 0x0016, 0x0009, 0x8023,
                                          0x0015, 0x0014, 0x0020, 0x8003};
    uint8_t p[1500] = {0}, how = sotto__read_u8(&s->in);
    memcpy(p, request, 20);
    struct writer w = sotto__writer(p, 2);
    sotto__write_u16(&w, types[how & 7]);
    size_t at = 20;
    for (int i = 0; i < (how >> 3 & 7); i++) {
        uint8_t which = sotto__read_u8(&s->in);
        size_t n = which >> 3 & 15u;
        if (n > s->in.n) n = s->in.n;
        const uint8_t *v = sotto__read_view(&s->in, n);
        w = sotto__writer(p + at, 4);
        sotto__write_u16(&w, attributes[which & 7]), sotto__write_u16(&w, (uint16_t)n);
        if (v && n > 0) memcpy(p + at + 4, v, n);
        at += 4 + ((n + 3) & ~3u);
    }
    if (how & 0x40) { /* ERROR-CODE as it should be */
        static const uint8_t codes[] = {0, 1, 38, 0, 3, 0, 4, 0};
        uint8_t error[8] = {0, 9, 0, 4, 0, 0, 3, 0};
        error[6] = how & 1 ? 4 : 3, error[7] = codes[how >> 1 & 7];
        memcpy(p + at, error, 8), at += 8;
    }
    p[2] = (uint8_t)((at - 20) >> 8), p[3] = (uint8_t)(at - 20);
    say(s, p, at);
}

static void hang_up(struct scene *s)
{
    if (s->server >= 0) close(s->server);
    s->server = -1;
    SSL_free(s->ssl);
    s->ssl = NULL, s->shaken = false;
}

static void step(struct scene *s)
{
    uint8_t op = sotto__read_u8(&s->in);
    switch (op & 7) {
    case 0:
    case 1: say_bytes(s); break;
    case 2:
    case 3:
    case 4: say_answer(s); break;
    case 5: (void)!send(s->nice, request, 20, MSG_NOSIGNAL | MSG_DONTWAIT); break;
    case 6: s->now += SOTTO_MS(op & 0xf8) * (op & 8 ? 100 : 1); break;
    default:
        if (op & 0x10) hang_up(s);
        if (op & 0x20 && s->nice >= 0) shutdown(s->nice, SHUT_WR);
    }
    pump(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_once();
    struct scene s = {
        .in = sotto__reader(data, size), .server = -1, .nice = -1, .now = SOTTO_SECONDS(1)};
    uint8_t how = sotto__read_u8(&s.in);
    struct turn_tls_cfg cfg = {
        .is_tls = how & 1, .allow_loopback = how & 2, .ca_file = tls_ca_file()};
    cfg.addr = (struct address){.family = 4, .ip = {127, 0, 0, 1}, .port = ntohs(where.sin_port)};
    if (how & 4) cfg.host = "turn.example.org";
    int64_t live = sotto__mem_live();
    s.wants_tls = cfg.is_tls;
    if (cfg.is_tls && how & 0x18) require((s.ssl = SSL_new(contexts[(how >> 3 & 3) - 1])) != NULL);
    require(sotto__turn_tls_new(&s.t, &cfg) == 0);
    s.is_strange = s.ssl && (how >> 3 & 3) != 1;
    sotto__turn_tls_start(s.t, s.now);
    pump(&s);
    dial(&s);
    (void)!send(s.nice, request, 20, MSG_NOSIGNAL | MSG_DONTWAIT);
    pump(&s);
    for (int i = 0; i < STEPS && s.in.n > 0; i++) step(&s);
    hang_up(&s);
    s.now += SOTTO_SECONDS(60);
    pump(&s);
    sotto__turn_tls_free(s.t);
    if (s.nice >= 0) close(s.nice);
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) close(fd);
    require(sotto__mem_live() == live);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between libnice and a TURN server over TCP or TLS. libnice connects to a port of the loopback interface, where only a socket of this
 * process is let in, and speaks plain TURN over TCP (RFC 8656); the other side is turn_tls_stream.c. Bytes go through two bounded
 * buffers; when one is full its source is not read. Frames of the server are looked at before libnice sees them: what is none ends the
 * connection, larger ones than a datagram of WebRTC are lost, answers go up, ALTERNATE-SERVER is followed here, with TLS as before, and
 * stale nonces without end are ended. In: descriptors that are ready; out: answers, and why it ended.
 * answers: S23 H053 H055
 */
#include "transport/turn_tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/turn_tls_stream.h"
#include "util/mem.h"

#define UNAUTHORIZED 401
#define STALE_NONCE 438
#define TRY_ALTERNATE 300
#define NO_ANSWER 701 /* W3C WebRTC §4.8.2 */

struct pipe {
    size_t from, n; /* bytes from…n wait to be written */
    uint8_t p[SOTTO_TURN_BUFFER];
};

struct turn_tls {
    struct turn_tls_cfg cfg;
    char *host;              /* of cfg; nullable */
    struct address port;     /* for libnice */
    int listener, inner;     /* -1: none */
    struct turn_stream outer;
    sotto_us by; /* connected, and then allocated */
    size_t skip;    /* bytes of a frame that is too large */
    size_t checked; /* bytes of `down` that libnice may see */
    unsigned n_stale, n_alternates;
    bool is_started, is_allocated, is_over, has_more;
    bool outer_ended; /* the server closed: what came before still goes to libnice */
    int32_t code;
    char why[160];
    struct pipe up; /* to the server; till there is an allocation it keeps the last request, for an alternate server */
    struct pipe down;
};

static void close_port(struct turn_tls *t)
{
    if (t->listener >= 0) close(t->listener);
    t->listener = -1;
}

static void close_inner(struct turn_tls *t)
{
    if (t->inner >= 0) close(t->inner);
    t->inner = -1;
}

/* Of the connection to the server. libnice's is closed once there was an allocation; before, see refuse(). */
static int end(struct turn_tls *t, int32_t code, const char *why)
{
    t->is_over = true;
    t->code = code;
    snprintf(t->why, sizeof t->why, "%s", why);
    sotto__turn_stream_close(&t->outer);
    if (t->is_allocated) close_inner(t);
    return SOTTO_E_CLOSED;
}

/* ---- libnice's side ---- */

static int listen_here(struct turn_tls *t)
{
    struct sockaddr_storage where = {0};
    socklen_t size;
    uint16_t port;
    t->port = (struct address){.family = t->cfg.addr.family};
    if (t->port.family == 4)
        memcpy(t->port.ip, "\x7f\0\0\1", 4);
    else
        t->port.ip[15] = 1;
    size = sotto__turn_sockaddr(&t->port, &where);
    t->listener = sotto__turn_socket(&t->port);
    if (t->listener < 0 || bind(t->listener, (struct sockaddr *)&where, size) != 0 ||
        listen(t->listener, SOTTO_MAX_LOCAL_ADDRESSES) != 0 ||
        getsockname(t->listener, (struct sockaddr *)&where, &size) != 0)
        return SOTTO_E_SYS;
    memcpy(&port, (uint8_t *)&where + 2, sizeof port); /* at the same place in both families */
    t->port.port = ntohs(port);
    return 0;
}

/* The two ends of one connection: no other can have this address and port while both are open. */
static bool is_other_end(int accepted, int fd)
{
    struct sockaddr_storage a = {0}, b = {0};
    socklen_t n = sizeof a, m = sizeof b;
    return getpeername(accepted, (struct sockaddr *)&a, &n) == 0 &&
           getsockname(fd, (struct sockaddr *)&b, &m) == 0 && n == m && memcmp(&a, &b, n) == 0;
}

static void take_in(struct turn_tls *t, int inner, int nices)
{
    int one = 1, size = SOTTO_TURN_SOCKET;
    (void)setsockopt(inner, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(nices, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* old media is of no use */
    (void)setsockopt(inner, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    t->inner = inner;
    close_port(t);
}

bool sotto__turn_tls_accept(struct turn_tls *t, const int *fds, size_t n)
{
    while (t->listener >= 0) {
        int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) break; /* none is there, or none can be taken: `by` ends that */
        size_t i = 0;
        while (i < n && !is_other_end(fd, fds[i])) i++;
        if (i < n)
            take_in(t, fd, fds[i]);
        else
            close(fd);
    }
    return t->listener < 0;
}

bool sotto__turn_tls_waits(const struct turn_tls *t)
{
    return t->listener >= 0;
}

const struct address *sotto__turn_tls_port(const struct turn_tls *t)
{
    return &t->port;
}

const struct address *sotto__turn_tls_local(const struct turn_tls *t)
{
    return &t->outer.local;
}

/* ---- life ---- */

int sotto__turn_tls_new(struct turn_tls **ret, const struct turn_tls_cfg *cfg)
{
    struct turn_tls *t = sotto__calloc(1, sizeof *t);
    if (!t) return SOTTO_E_NOMEM;
    t->listener = t->inner = t->outer.fd = -1;
    t->by = SOTTO_NEVER;
    t->cfg = *cfg;
    if (cfg->host) t->cfg.host = t->host = sotto__strdup(cfg->host);
    int r = cfg->host && !t->host ? SOTTO_E_NOMEM : listen_here(t);
    if (r < 0) {
        sotto__turn_tls_free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void sotto__turn_tls_free(struct turn_tls *t)
{
    if (!t) return;
    sotto__turn_stream_close(&t->outer);
    close_port(t);
    close_inner(t);
    sotto__free(t->host);
    sotto__free_secret(t, sizeof *t);
}

size_t sotto__turn_tls_bytes(const struct turn_tls *t)
{
    return t ? sotto__mem_size(t) + sotto__mem_size(t->host) : 0;
}

void sotto__turn_tls_start(struct turn_tls *t, sotto_us now)
{
    t->is_started = true;
    t->by = sotto__after(now, SOTTO_TURN_CONNECT_US);
    if (sotto__turn_stream_connect(&t->outer, &t->cfg) < 0) end(t, NO_ANSWER, t->outer.why);
}

/* ---- what the server says ---- */

/* Another server, with the same request and the same demands on its certificate, but perhaps another name: RFC 8489 §10. */
static int follow(struct turn_tls *t, const struct stun_answer *a, sotto_us now)
{
    if (++t->n_alternates > SOTTO_MAX_TURN_ALTERNATES)
        return end(t, TRY_ALTERNATE, "sent to ever other servers");
    if (!sotto__address_usable(&a->alternate, t->cfg.allow_loopback))
        return end(t, TRY_ALTERNATE, "sent to an address that is none of a server");
    if (a->domain.n > 0) {
        char *host = sotto__strndup(a->domain.p, a->domain.n);
        if (!host) return end(t, TRY_ALTERNATE, "no memory");
        sotto__free(t->host);
        t->cfg.host = t->host = host;
    }
    t->cfg.addr = a->alternate;
    t->checked = t->down.n = t->skip = t->up.from = 0;
    t->outer_ended = false;
    sotto__turn_stream_close(&t->outer);
    sotto__turn_tls_start(t, now);
    return t->is_over ? SOTTO_E_CLOSED : 0;
}

/* 1: to be told, 0: not, or it ended. libnice repeats a request with a stale nonce as often as it is told to. */
static int hear(struct turn_tls *t, const uint8_t *p, size_t n, sotto_us now,
                struct stun_answer *ret)
{
    char reason[96];
    if (!sotto__stun_answer(p, n, ret)) return 0; /* an indication, perhaps */
    if (ret->code == TRY_ALTERNATE && ret->alternate.family != 0 && !t->is_allocated)
        return follow(t, ret, now);
    if (!ret->is_error) {
        t->n_stale = 0;
        if (ret->method == STUN_ALLOCATE && ret->lifetime < SOTTO_MIN_TURN_LIFETIME)
            return end(t, NO_ANSWER, "an allocation that ends at once");
        if (ret->method == STUN_ALLOCATE) t->is_allocated = true, t->by = SOTTO_NEVER;
    }
    bool is_stale = ret->code == STALE_NONCE && ++t->n_stale > SOTTO_MAX_TURN_STALE;
    bool is_refused = ret->is_error && ret->method == STUN_ALLOCATE && !t->is_allocated &&
                      ret->code != UNAUTHORIZED && ret->code != STALE_NONCE;
    if (is_stale || is_refused) {
        sotto__stun_reason(ret->reason, reason, sizeof reason);
        return end(t, ret->code ? ret->code : NO_ANSWER, reason);
    }
    return ret->method == STUN_ALLOCATE;
}

/* Bytes of a frame that is too large go nowhere, as a datagram that no network carries. */
static void skip_some(struct turn_tls *t)
{
    struct pipe *d = &t->down;
    size_t some = d->n - t->checked < t->skip ? d->n - t->checked : t->skip;
    memmove(d->p + t->checked, d->p + t->checked + some, d->n - t->checked - some);
    d->n -= some, t->skip -= some;
}

/* Frame by frame; 1: one is to be told. */
static int check_frames(struct turn_tls *t, sotto_us now, struct stun_answer *ret)
{
    struct pipe *d = &t->down;
    for (;;) {
        skip_some(t);
        const uint8_t *p = d->p + t->checked;
        size_t n = d->n - t->checked, frame = sotto__stun_frame(p, n);
        if (frame == SIZE_MAX) return end(t, NO_ANSWER, "the server does not speak TURN");
        if (frame > SOTTO_MAX_TURN_FRAME) {
            t->skip = frame;
            if (n > 0) continue;
        }
        if (frame == 0 || frame > n) return 0;
        int r = p[0] < 0x40 ? hear(t, p, frame, now, ret) : 0;
        if (r < 0 || t->down.n == 0) return r; /* it ended, or begins anew elsewhere */
        t->checked += frame;
        if (r == 1) return 1;
    }
}

/* ---- the two ways ---- */

/* What libnice takes of what was checked. */
static int pass_down(struct turn_tls *t)
{
    struct pipe *d = &t->down;
    if (t->checked == 0) return 0;
    ssize_t r = send(t->inner, d->p, t->checked, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (r <= 0) return r < 0 && errno != EAGAIN ? end(t, 0, "") : 0;
    memmove(d->p, d->p + r, d->n - (size_t)r);
    d->n -= (size_t)r, t->checked -= (size_t)r;
    return 0;
}

static void read_down(struct turn_tls *t)
{
    struct pipe *d = &t->down;
    int r = 0;
    while (d->n < sizeof d->p && !t->outer_ended) {
        r = sotto__turn_stream_read(&t->outer, d->p + d->n, sizeof d->p - d->n);
        if (r <= 0) break;
        d->n += (size_t)r;
    }
    if (r < 0) t->outer_ended = true;
}

static int move_down(struct turn_tls *t, sotto_us now, struct stun_answer *ret)
{
    int r = pass_down(t);
    if (r < 0) return r;
    read_down(t);
    r = check_frames(t, now, ret);
    t->has_more = r == 1; /* it is a view of what is passed on with the next call */
    if (r != 0) return r;
    if (pass_down(t) < 0) return SOTTO_E_CLOSED;
    if (t->outer_ended && t->checked == 0) return end(t, NO_ANSWER, t->outer.why);
    t->has_more = t->down.n < sizeof t->down.p && sotto__turn_stream_has_more(&t->outer);
    return 0;
}

static void write_up(struct turn_tls *t)
{
    struct pipe *u = &t->up;
    while (u->from < u->n) {
        int r = sotto__turn_stream_write(&t->outer, u->p + u->from, u->n - u->from);
        if (r < 0) u->from = u->n = 0; /* what there is to read says why */
        if (r <= 0) return;
        u->from += (size_t)r;
    }
}

static int move_up(struct turn_tls *t)
{
    struct pipe *u = &t->up;
    write_up(t);
    if (u->from < u->n) return 0;
    ssize_t r = recv(t->inner, u->p, sizeof u->p, MSG_DONTWAIT);
    if (r < 0 && errno == EAGAIN) return 0;
    if (r <= 0) return end(t, 0, "");
    u->from = 0;
    u->n = (size_t)r;
    write_up(t);
    return 0;
}

static int end_late(struct turn_tls *t)
{
    if (t->inner < 0) return end(t, NO_ANSWER, "no local address of its family");
    if (t->outer.is_open) return end(t, NO_ANSWER, "no answer");
    return end(t, NO_ANSWER, t->outer.is_connected ? "TLS: no answer" : "connect: no answer");
}

/*
 * libnice never says that gathering is over if its last connection ends while it waits for an answer. So it gets one, to its request:
 * 400, which needs no integrity (RFC 8489 §9.2.5).
 */
static void refuse(struct turn_tls *t)
{
    struct pipe *u = &t->up;
    uint8_t answer[28] = {0x01, 0x13, 0, 8};
    static const uint8_t code[8] = {0, 9, 0, 4, 0, 0, 4, 0};
    if (t->inner < 0) return;
    if (u->n < 20) {
        ssize_t r = recv(t->inner, u->p, sizeof u->p, MSG_DONTWAIT);
        if (r == 0 || (r < 0 && errno != EAGAIN)) close_inner(t);
        u->n = r > 0 ? (size_t)r : 0;
    }
    bool is_request = u->n >= 20;
    u->from = u->n = t->checked = 0;
    if (!is_request) return;
    memcpy(answer + 4, u->p + 4, 16);
    memcpy(answer + 20, code, sizeof code);
    if (send(t->inner, answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) close_inner(t);
}

int sotto__turn_tls_next(struct turn_tls *t, sotto_us now, struct stun_answer *ret)
{
    t->has_more = false;
    if (now >= t->by) close_port(t);
    if (t->is_over) {
        refuse(t);
        return SOTTO_E_CLOSED;
    }
    if (!t->is_started) return 0;
    if (now >= t->by) return end_late(t);
    if (!t->outer.is_open) {
        int r = sotto__turn_stream_open(&t->outer, &t->cfg);
        if (r < 0) return end(t, NO_ANSWER, t->outer.why);
        if (r == 0) return 0;
        t->by = sotto__after(now, SOTTO_TURN_ALLOCATE_US);
    }
    if (t->inner < 0) return 0;
    int r = move_up(t);
    return r < 0 ? r : move_down(t, now, ret);
}

const char *sotto__turn_tls_why(const struct turn_tls *t, int32_t *code)
{
    *code = t->code;
    return t->why;
}

sotto_us sotto__turn_tls_due(const struct turn_tls *t)
{
    bool has_request = t->is_over && t->inner >= 0 && t->up.n > 0;
    if (t->has_more || has_request) return 0;
    return t->is_over && t->listener < 0 ? SOTTO_NEVER : t->by;
}

int sotto__turn_tls_fds(const struct turn_tls *t, struct sotto_fd *out, int max)
{
    const struct turn_stream *o = &t->outer;
    int inner = t->listener >= 0 ? t->listener : t->inner, n = 0;
    bool has_up = t->up.from < t->up.n;
    short in = 0, events = 0;
    if (t->listener >= 0 || t->is_over || (o->is_open && !has_up)) in |= POLLIN;
    if (t->checked > 0 && !t->is_over) in |= POLLOUT;
    if (!o->is_connected || o->wants_write || (o->is_open && has_up)) events |= POLLOUT;
    if (o->is_connected && !t->outer_ended && t->down.n < sizeof t->down.p) events |= POLLIN;
    if (o->is_open && t->inner < 0) events = 0; /* libnice goes first */
    if (inner >= 0 && in != 0 && n < max) out[n++] = (struct sotto_fd){inner, in};
    if (o->fd >= 0 && events != 0 && n < max) out[n++] = (struct sotto_fd){o->fd, events};
    return n;
}

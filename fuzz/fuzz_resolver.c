/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: resolver.c with c-ares below: who asks for which names and forgets them, what two DNS servers answer by UDP and TCP, or somebody
 * who cannot see the questions, and time, as a list of operations. The sockets and the clock of c-ares are made up here.
 * Property: who asked is told once for each time that he asked, in time, and nobody else; an address is one of its family, no text is
 * missing where there is none; who knows neither the id of a question nor the server's address decides nothing; questions are bounded; what
 * nobody waits for is given up, with its sockets; nothing is left.
 */
#include <ares.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "clock.h"
#include "require.h"
#include "transport/resolver.h"
#include "util/bytes.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SOCKETS = 64,
    FIRST_FD = 100000,
    LETTERS = 8,
    ROOM = 1500,
    OWNERS = 4,
    NAMES = 6,
    STEPS = 200,
    TOLD = 64
};

struct letter {
    uint8_t p[ROOM];
    size_t n;
    struct sockaddr_in from;
};

struct plug { /* a socket of c-ares */
    bool is_open, is_stream;
    struct sockaddr_storage to;
    uint8_t asked[2][512]; /* the last questions, without the length that TCP puts before them */
    size_t n_asked[2], questions;
    struct letter in[LETTERS];
    size_t n_in, n_taken; /* taken of the first, where it is a stream */
};

static struct scene {
    struct reader in;
    struct resolver r;
    struct plug plugs[SOCKETS];
    int n_open;
    size_t questions, asks;
    int pending[OWNERS];
    bool anything;  /* a server has said what the input says */
    int send_error; /* of the next calls; 0: none */
} s;

static uint8_t draw(void)
{
    return sotto__read_u8(&s.in);
}

/* ---- what c-ares believes to be the system ---- */

static struct plug *plug_of(ares_socket_t fd)
{
    require(fd >= FIRST_FD && fd < FIRST_FD + SOCKETS && s.plugs[fd - FIRST_FD].is_open);
    return &s.plugs[fd - FIRST_FD];
}

/* It asks where an address would be reached from, to sort what came. */
__attribute__((visibility("default"))) int getsockname(int fd, struct sockaddr *to, socklen_t *n)
{
    static int (*real)(int, struct sockaddr *, socklen_t *);
    if (fd >= FIRST_FD) {
        struct sockaddr_storage own = {.ss_family = plug_of(fd)->to.ss_family};
        memcpy(to, &own, *n < sizeof own ? *n : sizeof own);
        return 0;
    }
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "getsockname");
    return real(fd, to, n);
}

static ares_socket_t plug_open(int domain, int type, int protocol, void *user)
{
    (void)domain, (void)protocol, (void)user;
    for (int i = 0; i < SOCKETS; i++) {
        if (s.plugs[i].is_open) continue;
        memset(&s.plugs[i], 0, sizeof s.plugs[i]);
        s.plugs[i].is_open = true;
        s.plugs[i].is_stream = type & SOCK_STREAM && !(type & SOCK_DGRAM & ~SOCK_STREAM);
        s.n_open++;
        return FIRST_FD + i;
    }
    errno = EMFILE;
    return ARES_SOCKET_BAD;
}

static int plug_close(ares_socket_t fd, void *user)
{
    (void)user;
    plug_of(fd)->is_open = false;
    s.n_open--;
    return 0;
}

static int plug_connect(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t n, void *user)
{
    (void)user;
    memcpy(&plug_of(fd)->to, to, n);
    if (s.send_error == 0) return 0;
    errno = s.send_error;
    return -1;
}

static ares_ssize_t plug_send(ares_socket_t fd, const struct iovec *parts, int n, void *user)
{
    struct plug *k = plug_of(fd);
    uint8_t all[1024];
    size_t len = 0, skip = k->is_stream ? 2 : 0;
    (void)user;
    if (s.send_error) {
        errno = s.send_error;
        return -1;
    }
    for (int i = 0; i < n; i++) {
        require(len + parts[i].iov_len <= sizeof all);
        memcpy(all + len, parts[i].iov_base, parts[i].iov_len);
        len += parts[i].iov_len;
    }
    size_t at = k->questions++ % 2;
    s.questions++;
    if (len < skip + 17 || len - skip > sizeof k->asked[at]) return (ares_ssize_t)len;
    memcpy(k->asked[at], all + skip, k->n_asked[at] = len - skip);
    return (ares_ssize_t)len;
}

static ares_ssize_t plug_receive(ares_socket_t fd, void *to, size_t n, int flags,
                                 struct sockaddr *from, ares_socklen_t *len, void *user)
{
    struct plug *k = plug_of(fd);
    (void)flags, (void)user;
    if (k->n_in == 0) {
        errno = EAGAIN;
        return -1;
    }
    struct letter *l = &k->in[0];
    size_t left = l->n - k->n_taken;
    if (n > left) n = left;
    memcpy(to, l->p + k->n_taken, n);
    if (from && *len >= sizeof l->from) memcpy(from, &l->from, *len = sizeof l->from);
    k->n_taken = k->is_stream && n < left ? k->n_taken + n : 0;
    if (k->n_taken == 0) memmove(l, l + 1, --k->n_in * sizeof *l);
    return (ares_ssize_t)n;
}

/* Its own, without what this machine is configured for, and with the sockets of above. */
__attribute__((visibility("default"))) int ares_init_options(ares_channel *ret,
                                                             struct ares_options *o, int mask)
{
    static const struct ares_socket_functions functions = {plug_open, plug_close, plug_connect,
                                                           plug_receive, plug_send};
    static int (*real)(ares_channel *, struct ares_options *, int);
    static char dns_only[] = "b", nothing[] = "/dev/null";
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "ares_init_options");
    o->lookups = dns_only;
    o->resolvconf_path = nothing;
    o->domains = NULL, o->ndomains = 0;
    int r = real(ret, o, mask | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_DOMAINS);
    if (r == ARES_SUCCESS) ares_set_socket_functions(*ret, &functions, NULL);
    return r;
}

/* ---- the servers ---- */

enum { FORGED = 66 }; /* 203.0.113.66 and 2001:db8::bad:42 are in forged answers only */

static void write_address(struct writer *w, bool is_v6, uint8_t last, bool is_forged)
{
    static const uint8_t v6[14] = {0x20, 1, 0xd, 0xb8}, bad[14] = {0x20, 1, 0xd, 0xb8, [13] = 0xad};
    sotto__write_u16(w, 0xc00c);
    sotto__write_u16(w, is_v6 ? 28 : 1);
    sotto__write_u16(w, 1);
    sotto__write_u32(w, 60);
    sotto__write_u16(w, is_v6 ? 16 : 4);
    if (is_v6)
        sotto__write_bytes(w, is_forged ? bad : v6, 14), sotto__write_u8(w, 0);
    else
        sotto__write_bytes(w, is_forged ? "\xcb\x00\x71" : "\xc0\x00\x02", 3);
    sotto__write_u8(w, is_forged ? FORGED : last);
}

/* The k-th question that is open somewhere; NULL: there is none. */
static struct plug *find_question(uint8_t k, const uint8_t **question, size_t *n)
{
    for (int i = 0; i < SOCKETS * 2; i++) {
        struct plug *plug = &s.plugs[(k / 2 + i / 2) % SOCKETS];
        int which = (k + i) % 2;
        if (!plug->is_open || plug->n_asked[which] == 0) continue;
        *question = plug->asked[which];
        *n = plug->n_asked[which];
        return plug;
    }
    return NULL;
}

static void deliver(struct plug *plug, const uint8_t *p, size_t n, bool is_elsewhere)
{
    if (plug->n_in == LETTERS) return;
    struct letter *l = &plug->in[plug->n_in++];
    size_t at = 0;
    if (plug->is_stream) l->p[0] = (uint8_t)(n >> 8), l->p[1] = (uint8_t)n, at = 2;
    memcpy(l->p + at, p, n);
    l->n = n + at;
    memcpy(&l->from, &plug->to, sizeof l->from);
    if (is_elsewhere) l->from.sin_addr.s_addr ^= htonl(1 << 4);
    sotto__resolver_ready(&s.r);
}

static uint16_t wrong_id(const struct plug *plug, uint16_t id)
{
    for (uint16_t x = 1;; x++) {
        bool is_used = false;
        for (int i = 0; i < 2; i++)
            is_used |= plug->n_asked[i] && sotto__get_u16(plug->asked[i]) == (id ^ x);
        if (!is_used) return id ^ x;
    }
}

/* Well-formed: to the question, or with one thing wrong that shows that its author has not seen it. */
static void answer(uint8_t k, uint8_t how)
{
    const uint8_t *question;
    uint8_t p[ROOM - 2], n_addresses = how & 3, codes[] = {0, 0, 0, 0, 2, 3, 5, 0};
    size_t n;
    struct plug *plug = find_question(k, &question, &n);
    if (!plug) return;
    bool is_forged = how & 64, by_id = how & 4;
    if (plug->is_stream && is_forged) by_id = true; /* nobody else is in a stream */
    uint16_t id = sotto__get_u16(question), type = sotto__get_u16(question + n - 4);
    struct writer w = sotto__writer(p, sizeof p);
    sotto__write_u16(&w, is_forged && by_id ? wrong_id(plug, id) : id);
    sotto__write_u16(&w, (uint16_t)(0x8180 | (how & 128 ? 0x200 : 0) | codes[how >> 3 & 7]));
    sotto__write_u16(&w, 1);
    sotto__write_u16(&w, n_addresses);
    sotto__write_u32(&w, 0);
    sotto__write_bytes(&w, question + 12, n - 12);
    for (uint8_t i = 0; i < n_addresses; i++) write_address(&w, type == 28, i, is_forged);
    require(!w.bad);
    deliver(plug, p, w.n, is_forged && !by_id);
}

/* The id is right, and if the input says so the question: then whatever the input has. */
static void answer_anything(uint8_t k, uint8_t how)
{
    const uint8_t *question;
    uint8_t p[ROOM - 2];
    size_t n, at = 12, more = how & 127;
    struct plug *plug = find_question(k, &question, &n);
    if (!plug) return;
    memset(p, 0, 12);
    memcpy(p, question, 2);
    p[2] = 0x81, p[3] = 0x80, p[5] = 1, p[7] = draw(), p[9] = draw() & 3, p[11] = draw() & 3;
    if (how & 128) memcpy(p + 12, question + 12, n - 12), at = n;
    if (more > s.in.n) more = s.in.n;
    const uint8_t *view = sotto__read_view(&s.in, more);
    if (view && more > 0) memcpy(p + at, view, more);
    s.anything = true;
    deliver(plug, p, at + more, false);
}

/* The end of a stream, or an error where nobody listens. */
static void hang_up(uint8_t k)
{
    const uint8_t *question;
    size_t n;
    struct plug *plug = find_question(k, &question, &n);
    if (plug && plug->is_stream && plug->n_in < LETTERS)
        plug->in[plug->n_in++] = (struct letter){.n = 0};
    sotto__resolver_ready(&s.r);
}

/* ---- who asks ---- */

static const char *const names[NAMES] = {"turn.example.org",
                                         "a.example.org",
                                         "localhost.example",
                                         "very-long-label-very-long-label.example.org",
                                         "x",
                                         "192.0.2.77"};

static void check_address(const struct address *a, uint8_t family)
{
    if (a->family == 0) return;
    require(a->family == family && a->port == 0);
    if (s.anything) return;
    if (family == 4) require(a->ip[0] == 192 && a->ip[3] != FORGED);
    if (family == 6) require(a->ip[0] == 0x20 && a->ip[15] != FORGED);
}

static void check(const struct resolver_out *out)
{
    size_t who = (size_t)((int *)out->owner - s.pending);
    require(who < OWNERS && s.pending[who] > 0);
    s.pending[who]--, s.asks--;
    check_address(&out->v4, 4);
    check_address(&out->v6, 6);
    if (out->v4.family == 0 && out->v6.family == 0) require(out->text && out->text[0]);
    if (out->v6.family == 0) require(!out->is_v6_best);
    if (out->v4.family == 0 && out->v6.family) require(out->is_v6_best);
    bool is_known = false;
    for (int i = 0; i < NAMES; i++) is_known |= strcmp(out->name, names[i]) == 0;
    require(is_known);
}

static void pump(void)
{
    struct resolver_out out;
    struct sotto_fd fds[SOTTO_MAX_RESOLVER_FDS];
    for (int i = 0; i < TOLD; i++) {
        unsigned told = 0;
        while (sotto__resolver_next(&s.r, now, &out) == 1) {
            check(&out);
            require(++told <= SOTTO_MAX_RESOLVER_ASKS);
        }
        int n = sotto__resolver_fds(&s.r, fds, SOTTO_MAX_RESOLVER_FDS);
        require(n <= s.n_open && n <= SOTTO_MAX_RESOLVER_FDS);
        bool is_waiting = false;
        for (int k = 0; k < n; k++)
            is_waiting |= plug_of(fds[k].fd)->n_in > 0 || fds[k].events & 4; /* POLLOUT */
        if (!is_waiting || s.send_error) return;
        sotto__resolver_ready(&s.r);
    }
}

static void pass_time(sotto_us span)
{
    sotto_us end = now + span;
    for (int i = 0; i < 2000 && now < end; i++) {
        sotto_us due = sotto__resolver_due(&s.r);
        now = due <= now ? now + 1000 : due < end ? due : end;
        pump();
    }
    now = end;
    pump();
}

static void step(void)
{
    static const int errors[] = {0, EAGAIN, ECONNREFUSED, ENETUNREACH};
    uint8_t op = draw(), v = draw();
    switch (op % 8) {
    case 0:
    case 1: {
        int r = sotto__resolver_ask(&s.r, now, names[v % NAMES], &s.pending[v / 8 % OWNERS]);
        require(r == 0 || (r == SOTTO_E_LIMIT && s.asks >= SOTTO_MAX_RESOLVER_ASKS));
        if (r == 0) s.pending[v / 8 % OWNERS]++, s.asks++;
        break;
    }
    case 2:
    case 3: answer(v, draw()); break;
    case 4: answer_anything(v, draw()); break;
    case 5: pass_time(SOTTO_MS(v) * (op & 8 ? 40 : 1)); break;
    case 6:
        sotto__resolver_forget(&s.r, &s.pending[v % OWNERS]);
        s.asks -= (size_t)s.pending[v % OWNERS];
        s.pending[v % OWNERS] = 0;
        break;
    default:
        if (v & 8) hang_up(v);
        s.send_error = errors[v & 3];
    }
    pump();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = sotto__mem_live();
    memset(&s, 0, sizeof s);
    s.in = sotto__reader(data, size);
    sotto__resolver_init(&s.r, &(struct resolver_cfg){.servers = "192.0.2.53:53,192.0.2.54:53"});
    for (int i = 0; i < STEPS && s.in.n > 0; i++) step();
    s.send_error = 0;
    if (draw() == 0) { /* else with all that is under way */
        pass_time(SOTTO_RESOLVE_US + SOTTO_MS(1));
        require(s.asks == 0);
        for (int i = 0; i < OWNERS; i++) require(s.pending[i] == 0);
        pass_time(SOTTO_RESOLVER_KEEP_US + SOTTO_SECONDS(120));
        require(!s.r.is_busy && s.n_open == 0 && sotto__resolver_due(&s.r) == SOTTO_NEVER);
    }
    sotto__resolver_free(&s.r);
    require(s.n_open == 0 && s.questions <= 4000);
    require(sotto__mem_live() == live);
    return 0;
}

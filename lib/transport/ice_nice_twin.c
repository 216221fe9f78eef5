/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving past libnice: a second UDP socket on the address and port of the selected pair's, in one SO_REUSEPORT group with it. A classic
 * BPF program sorts: what comes from the selected remote and begins as DTLS, RTP or RTCP (RFC 7983) to the twin; all else, STUN above all,
 * to libnice. The twin is read by recvmmsg() and UDP_GRO into buffers that the context's twins share, and given out from there, one
 * datagram after the other. It opens when libnice's callback brings many datagrams and closes when few come. Whatever fails, libnice gets
 * everything again; what a twin cannot place is dropped.
 * answers: A09
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/ice_nice.h"
#include "util/cold.h"
#include "util/mem.h"

#define WORTH 200u               /* datagrams within … */
#define WINDOW SOTTO_SECONDS(1)  /* … that are worth a twin */
#define QUIET SOTTO_SECONDS(10)  /* without any datagram: it closes */
#define RETRY SOTTO_SECONDS(5)   /* after one failed or closed, no other is opened */
#define APART SOTTO_SECONDS(10) /* no trains, after one that STUN was joined to: what is repeated then reaches libnice */
#define TRAINS 8u
#define TRAIN_BYTES (SOTTO_MAX_DATAGRAM + 256u) /* not a power of two: the starts of all would fall on the same lines of the cache */
#define RETRIES 3                /* of a call that gives errors of earlier packets */
#define WAITS 32u                /* turns at most in which libnice's socket comes first */
#define DRAIN_READS 256          /* … at most, of a twin that closes */

/* Buffers of the twins of a context. */
struct ice_train {
    size_t users;
    struct nice_twin *twin; /* whose datagrams are left; NULL: none */
    size_t n, at;           /* messages, and the one that is being given out */
    size_t offset, segment; /* within it */
    struct mmsghdr messages[TRAINS];
    struct iovec parts[TRAINS];
    union nice_sockaddr from[TRAINS];
    union {
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control[TRAINS];
    _Alignas(8) uint8_t bytes[TRAINS][TRAIN_BYTES];
};

struct nice_twin {
    const struct ice *owner;
    int fd, slot;    /* slot: as numbered by the last fds(); -1: not yet */
    bool is_ready;   /* poll() said so, or there may be more */
    bool is_settled; /* all that came before the filter was in place has been read */
    bool is_lost;    /* the filter does not work, or the socket: to be closed */
    unsigned waits;  /* what libnice's socket holds came before: so many turns for it */
    GSocket *beside; /* counted: libnice's */
    union nice_sockaddr from, before; /* the selected remote, and the one before it */
    sotto_us heard, look_at;
    bool has_stun;         /* a train had */
    sotto_us apart_until;  /* the kernel joins no datagrams; 0: it does */
    uint64_t strays;
};

/* ---- the program that sorts ---- */

#define NICE 0u /* numbers in the group: in the order of binding */
#define TWIN 1u
#define MAX_STEPS 24u

struct program {
    struct sock_filter steps[MAX_STEPS];
    unsigned short n;
};

static void step(struct program *p, uint32_t code, uint8_t yes, uint8_t no, uint32_t k)
{
    p->steps[p->n++] = (struct sock_filter){(uint16_t)code, yes, no, k};
}

/* Another value there: the datagram is libnice's. */
COLD static void require(struct program *p, uint32_t size, uint32_t at, uint32_t value)
{
    step(p, BPF_LD | size | BPF_ABS, 0, 0, at);
    step(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
    step(p, BPF_RET | BPF_K, 0, 0, NICE);
}

static void require_kind(struct program *p)
{
    step(p, BPF_LD | BPF_B | BPF_ABS, 0, 0, 0);
    step(p, BPF_JMP | BPF_JGE | BPF_K, 3, 0, 128); /* RTP, RTCP */
    step(p, BPF_JMP | BPF_JGE | BPF_K, 1, 0, 64);
    step(p, BPF_JMP | BPF_JGE | BPF_K, 1, 0, 20); /* DTLS */
    step(p, BPF_RET | BPF_K, 0, 0, NICE);
}

static uint32_t word(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return ntohl(v);
}

COLD static int attach(int fd, const union nice_sockaddr *from)
{
    const uint32_t net = (uint32_t)SKF_NET_OFF;
    struct program p = {.n = 0};
    require_kind(&p);
    if (from->sa.sa_family == AF_INET) {
        require(&p, BPF_B, net, 0x45); /* with IP options the port is elsewhere */
        require(&p, BPF_W, net + 12, word(&from->v4.sin_addr));
        require(&p, BPF_H, net + 20, ntohs(from->v4.sin_port));
    } else {
        require(&p, BPF_B, net + 6, IPPROTO_UDP); /* no extension headers */
        for (uint32_t i = 0; i < 4; i++)
            require(&p, BPF_W, net + 8 + 4 * i, word(from->v6.sin6_addr.s6_addr + 4 * (size_t)i));
        require(&p, BPF_H, net + 40, ntohs(from->v6.sin6_port));
    }
    step(&p, BPF_RET | BPF_K, 0, 0, TWIN);
    struct sock_fprog program = {p.n, p.steps};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

static void send_all_to_nice(int fd)
{
    struct sock_filter all = {BPF_RET | BPF_K, 0, 0, NICE};
    struct sock_fprog program = {1, &all};
    /* if it fails, what the twin holds when it closes is lost, as on any network */
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

/* ---- what was read ---- */

bool sotto__nice_same_address(const union nice_sockaddr *a, const union nice_sockaddr *b)
{
    if (a->sa.sa_family != b->sa.sa_family) return false;
    if (a->sa.sa_family == AF_INET)
        return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return a->v6.sin6_port == b->v6.sin6_port &&
           memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

static bool is_stun(uint8_t first)
{
    return first < 20;
}

static bool is_data(uint8_t first)
{
    return (first >= 20 && first < 64) || first >= 128;
}

/* Looks at the message that comes next: false if it is not for us. */
static bool begin_message(struct nice_twin *twin, struct ice_train *t)
{
    const struct mmsghdr *m = &t->messages[t->at];
    const union nice_sockaddr *from = &t->from[t->at];
    const uint8_t *p = t->bytes[t->at];
    bool is_ours = sotto__nice_same_address(from, &twin->from) ||
                   sotto__nice_same_address(from, &twin->before);
    t->segment = m->msg_len;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr); c;
         c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)&m->msg_hdr, c)) {
        int size = 0;
        if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO) continue;
        memcpy(&size, CMSG_DATA(c), sizeof size);
        if (size > 0) t->segment = (size_t)size;
    }
    if (is_ours && m->msg_len > 0 && !is_stun(p[0])) return true;
    twin->strays++;
    if (twin->is_settled && m->msg_len > 0) twin->is_lost = true; /* the filter would not have let it in */
    return false;
}

/* The next datagram of what was read for a twin. */
static bool take(struct ice_train *t, struct packet *out)
{
    struct nice_twin *twin = t->twin;
    for (; t->at < t->n; t->at++, t->offset = 0) {
        size_t all = t->messages[t->at].msg_len;
        if (t->offset == 0 && !begin_message(twin, t)) continue;
        while (t->offset < all) {
            uint8_t *p = t->bytes[t->at] + t->offset;
            size_t n = all - t->offset < t->segment ? all - t->offset : t->segment;
            t->offset += n;
            if (is_data(p[0])) {
                *out = (struct packet){p, n};
                return true;
            }
            twin->strays++; /* joined to a train on its way, by a network interface */
            if (is_stun(p[0])) twin->has_stun = true;
        }
    }
    t->twin = NULL;
    return false;
}

bool sotto__nice_twin_take(struct ice *ice, struct ice_out *out)
{
    struct ice_train *t = ice->box->train;
    if (t->twin != ice->twin || !take(t, &out->packet)) return false;
    out->type = ICE_OUT_PACKET;
    return true;
}

/* The buffers are wanted for another: what is left goes where its owner looks first. */
static void put_in_box(struct ice_box *box)
{
    struct packet p;
    const struct ice *owner = box->train->twin ? box->train->twin->owner : NULL;
    while (owner && take(box->train, &p)) sotto__ice_box_put(box, owner, p.p, p.n);
}

/* ---- reading ---- */

/* The headers, of which the last call has written the first n. */
static void prepare(struct ice_train *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        t->parts[i] = (struct iovec){t->bytes[i], SOTTO_MAX_DATAGRAM};
        t->messages[i].msg_hdr = (struct msghdr){.msg_name = &t->from[i],
                                                 .msg_namelen = sizeof t->from[i],
                                                 .msg_iov = &t->parts[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = t->control[i].bytes,
                                                 .msg_controllen = sizeof t->control[i].bytes};
    }
}

static int receive(struct nice_twin *twin, struct ice_train *t)
{
    for (int tries = 0; tries < RETRIES;) { /* a call that fails writes none */
        prepare(t, t->n);
        t->n = 0;
        int n = recvmmsg(twin->fd, t->messages, TRAINS, MSG_DONTWAIT, NULL);
        if (n >= 0) return n;
        switch (errno) {
        case EINTR: continue;
        case EAGAIN:
        case ENOMEM: /* what waits there waits on */
        case ENOBUFS: return 0;
        case ECONNREFUSED: /* of an earlier packet: saying so has cleared them */
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENETDOWN:
        case EMSGSIZE:
        case EPROTO: tries++; continue;
        default: twin->is_lost = true; return 0;
        }
    }
    return 0;
}

/* Whether a new twin must wait: what it gave out first would overtake, and who sent that would take it for lost. */
static bool must_wait(struct nice_twin *twin)
{
    uint8_t first;
    if (twin->waits == 0) return false;
    bool waits = recv(g_socket_get_fd(twin->beside), &first, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
    twin->waits = waits ? twin->waits - 1 : 0;
    return waits;
}

static bool read_messages(struct nice_twin *twin, struct ice_box *box)
{
    if (!twin->is_ready || must_wait(twin)) return false;
    put_in_box(box);
    int n = receive(twin, box->train);
    twin->is_ready = (size_t)n == TRAINS;
    if (n == 0) return false;
    box->train->n = (size_t)n;
    box->train->at = box->train->offset = 0;
    box->train->twin = twin;
    return true;
}

bool sotto__nice_twin_read(struct ice *ice, sotto_us now, struct ice_out *out)
{
    struct nice_twin *twin = ice->twin;
    while (read_messages(twin, ice->box)) {
        bool is = sotto__nice_twin_take(ice, out);
        if (!twin->is_ready) twin->is_settled = true;
        if (!is) continue;
        twin->heard = now;
        sotto__nice_note_data(ice, now);
        return true;
    }
    return false;
}

/* ---- opening and closing ---- */

/* A kernel that cannot gives each datagram alone. */
static void join_datagrams(int fd, int yes)
{
    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes);
}

/* A group is of those that agree to it; libnice's socket is bound already, and is its first. */
static int join(int fd, int beside)
{
    union nice_sockaddr local;
    socklen_t n = sizeof local;
    int yes = 1, only = 0;
    if (getsockname(beside, &local.sa, &n) != 0) return -1;
    if (local.sa.sa_family == AF_INET6) {
        socklen_t size = sizeof only;
        if (getsockopt(beside, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) != 0 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0)
            return -1;
    }
    if (setsockopt(beside, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0)
        return -1;
    return bind(fd, &local.sa, n);
}

static void leave(int beside)
{
    int no = 0;
    (void)setsockopt(beside, SOL_SOCKET, SO_REUSEPORT, &no, sizeof no); /* nobody else shall join */
}

static int open_socket(int beside, const union nice_sockaddr *from)
{
    int size = SOTTO_SOCKET_BUFFER;
    int fd = socket(from->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    join_datagrams(fd, 1);
    if (join(fd, beside) == 0 && attach(fd, from) == 0) return fd;
    close(fd);
    leave(beside);
    return -1;
}

/* The buffers of the context's twins, for one more. */
static bool use_train(struct ice_box *box)
{
    if (!box->train) {
        box->train = sotto__malloc(sizeof *box->train);
        if (!box->train) return false;
        box->train->users = box->train->n = 0;
        box->train->twin = NULL;
        prepare(box->train, TRAINS);
    }
    box->train->users++;
    return true;
}

static void drop_train(struct ice_box *box)
{
    if (--box->train->users > 0) return;
    sotto__free(box->train);
    box->train = NULL;
}

COLD static void open_twin(struct ice *ice, sotto_us now)
{
    struct nice_twin *twin = sotto__calloc(1, sizeof *twin);
    ice->path.came = 0;
    ice->path.not_before = sotto__after(now, RETRY);
    if (twin && use_train(ice->box)) {
        twin->fd = open_socket(g_socket_get_fd(ice->path.socket), &ice->path.to);
        if (twin->fd >= 0) {
            twin->owner = ice;
            twin->slot = -1;
            twin->is_ready = true; /* what came before the filter is there now */
            twin->waits = WAITS;
            twin->beside = g_object_ref(ice->path.socket);
            twin->from = twin->before = ice->path.to;
            twin->heard = now;
            twin->look_at = sotto__after(now, QUIET);
            ice->twin = twin;
            ice->path.no_twin = false;
            SOTTO_LOG(ice->log, SOTTO_LOG_DEBUG, "ice", "a socket of our own");
            return;
        }
        SOTTO_LOG(ice->log, SOTTO_LOG_DEBUG, "ice", "no socket of our own: errno %d", errno);
        drop_train(ice->box);
    }
    ice->path.no_twin = true;
    sotto__free(twin);
}

COLD static void close_twin(struct ice *ice, struct nice_twin *twin, bool drain)
{
    struct ice_train *t = ice->box->train;
    if (drain) {
        send_all_to_nice(twin->fd);
        twin->is_ready = true;
        twin->is_settled = false;
        twin->waits = 0;
        for (int i = 0; i < DRAIN_READS && read_messages(twin, ice->box); i++) put_in_box(ice->box);
        if (t->twin == twin) put_in_box(ice->box);
    }
    if (t->twin == twin) t->twin = NULL;
    close(twin->fd);
    leave(g_socket_get_fd(twin->beside));
    g_object_unref(twin->beside);
    drop_train(ice->box);
    SOTTO_LOG(ice->log, SOTTO_LOG_DEBUG, "ice", "our own socket closed; %llu strays",
              (unsigned long long)twin->strays);
    sotto__free(twin);
}

COLD void sotto__nice_twin_close(struct ice *ice)
{
    if (ice->twin) close_twin(ice, ice->twin, false);
    ice->twin = NULL;
}

/* ---- what a turn looks after ---- */

static bool may_open(const struct ice *ice)
{
    return ice->path.socket && !ice->no_fast_path && !ice->is_deaf && !ice->is_dead &&
           g_socket_get_fd(ice->path.socket) >= 0;
}

/* The pair is another, or there is none. */
static void follow_pair(struct ice *ice, sotto_us now)
{
    struct nice_twin *old = ice->twin;
    if (ice->path.socket == old->beside) {
        if (sotto__nice_same_address(&ice->path.to, &old->from)) return;
        old->before = old->from;
        old->from = ice->path.to;
        old->is_ready = true;
        old->is_settled = false;
        if (attach(old->fd, &old->from) != 0) old->is_lost = true;
        return;
    }
    ice->twin = NULL;
    if (may_open(ice)) open_twin(ice, now);
    close_twin(ice, old, true);
}

static void look_after_trains(struct nice_twin *twin, sotto_us now)
{
    if (twin->has_stun) {
        twin->has_stun = false;
        twin->apart_until = sotto__after(now, APART);
        join_datagrams(twin->fd, 0);
    } else if (twin->apart_until != 0 && now >= twin->apart_until) {
        twin->apart_until = 0;
        join_datagrams(twin->fd, 1);
    }
}

static bool is_over(const struct ice *ice, sotto_us now)
{
    struct nice_twin *twin = ice->twin;
    if (twin->is_lost || ice->is_dead) return true;
    if (now < twin->look_at) return false;
    twin->look_at = sotto__after(twin->heard, QUIET);
    return now >= twin->look_at;
}

void sotto__nice_twin_turn(struct ice *ice, sotto_us now)
{
    struct nice_path *p = &ice->path;
    if (p->is_stale) (void)sotto__nice_path_fd(ice); /* finds the one of a new pair */
    if (ice->twin) {
        follow_pair(ice, now);
        if (ice->twin) look_after_trains(ice->twin, now);
        if (!ice->twin || !is_over(ice, now)) return;
        p->not_before = sotto__after(now, RETRY);
        p->came = 0;
        close_twin(ice, ice->twin, !ice->is_dead);
        ice->twin = NULL;
    } else if (p->came >= WORTH) {
        if (now >= p->not_before && may_open(ice)) open_twin(ice, now);
    }
    if (now - p->since >= WINDOW) {
        p->since = now;
        p->came = 0;
    }
}

int sotto__nice_twin_fds(const struct ice *ice, struct sotto_fd *out, int n, int max)
{
    struct nice_twin *twin = ice->twin;
    if (!twin) return n;
    if (n == max) { /* cannot be: gather() keeps the number of sockets below it */
        twin->is_lost = true;
        return n;
    }
    twin->slot = n;
    out[n] = (struct sotto_fd){twin->fd, POLLIN};
    return n + 1;
}

bool sotto__nice_twin_ready(struct ice *ice, int slot)
{
    if (!ice->twin || slot != ice->twin->slot) return false;
    ice->twin->is_ready = true;
    return true;
}

bool sotto__nice_twin_waits(const struct ice *ice)
{
    return ice->twin && ice->twin->is_ready;
}

sotto_us sotto__nice_twin_due(const struct ice *ice)
{
    if (!ice->twin) return SOTTO_NEVER;
    return ice->twin->is_lost ? 0 : ice->twin->look_at;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connectivity checks of another generation are kept away from libnice. A Chromium that restarts ICE checks the addresses of the
 * generation before from its new ports too, with the user name "our old ufrag:its new ufrag". libnice looks at the first half only and
 * answers; Chromium selects such a pair, and libnice then drops what comes on it. RFC 8445 §7.3 has the whole name known. In: the remote's
 * ufrag; out: a classic BPF program on each UDP socket of the agent, which passes everything but Binding requests to another name, and
 * those that do not end as all checks do: libnice answers strangers' requests without integrity, and does not look at its length. And
 * allocations of TURN servers that end at once or never, which libnice frees and goes on to use.
 * answers: S10 H040 H041 H042 H043 H045 H047
 */
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <nice/nice.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"

#define PAYLOAD 8u /* a filter of a UDP socket sees its header first */
#define FIRST_ATTRIBUTE (PAYLOAD + 20u)
#define BINDING_REQUEST 0x0001u
#define USERNAME 0x0006u
#define MAX_ATTRIBUTES 4u /* that are looked at: browsers have it first, libnice fourth */
#define MAX_NAME (2u * SOTTO_MAX_UFRAG + 1u)
#define ATTRIBUTE_STEPS 7u
#define INTEGRITY 0x00080014u   /* type and length */
#define FINGERPRINT 0x80280004u
#define END 32u                 /* bytes of both: RFC 8489 §14.7 has nothing behind them */
#define END_STEPS 11u
#define MAX_EARLY 256 /* datagrams that are looked at */
#define PRIORITY 0x0024u
#define MAX_BEFORE_PRIORITY 8u  /* attributes that are looked at for it */
#define PRIORITY_STEPS (ATTRIBUTE_STEPS * MAX_BEFORE_PRIORITY + 5u)
#define ALLOCATED 0x0103u
#define LIFETIME 0x000du
#define MAX_BEFORE_LIFETIME 7u /* attributes */
#define LIFETIME_STEPS (ATTRIBUTE_STEPS * (MAX_BEFORE_LIFETIME + 1u) + 8u)
/* Each costs the kernel time, as it compiles them for each socket. */
#define MAX_STEPS                                                                                  \
    (ATTRIBUTE_STEPS * MAX_ATTRIBUTES + END_STEPS + PRIORITY_STEPS + LIFETIME_STEPS + 12u)

struct program {
    struct sock_filter steps[MAX_STEPS];
    unsigned short n;
};

static void step(struct program *p, uint32_t code, uint8_t yes, uint8_t no, uint32_t k)
{
    p->steps[p->n++] = (struct sock_filter){(uint16_t)code, yes, no, k};
}

/* If another value stands there, the packet is passed (UINT32_MAX bytes of it) or dropped (0). How: BPF_ABS, or BPF_IND behind X. */
static void require(struct program *p, uint32_t how, uint32_t at, uint32_t value,
                    uint32_t otherwise)
{
    step(p, BPF_LD | how, 0, 0, at);
    step(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
    step(p, BPF_RET | BPF_K, 0, 0, otherwise);
}

static void require_end(struct program *p)
{
    step(p, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
    step(p, BPF_JMP | BPF_JGE | BPF_K, 1, 0, FIRST_ATTRIBUTE + END);
    step(p, BPF_RET | BPF_K, 0, 0, 0);
    step(p, BPF_ALU | BPF_SUB | BPF_K, 0, 0, END);
    step(p, BPF_MISC | BPF_TAX, 0, 0, 0);
    require(p, BPF_W | BPF_IND, 0, INTEGRITY, 0);
    require(p, BPF_W | BPF_IND, END - 8, FINGERPRINT, 0);
}

/* Walks the first so many attributes until X is the place of this one; otherwise passes or drops. */
static void find(struct program *p, uint32_t attribute, uint32_t most, uint32_t otherwise)
{
    step(p, BPF_LDX | BPF_IMM, 0, 0, FIRST_ATTRIBUTE);
    for (uint32_t left = most; left > 0; left--) {
        step(p, BPF_LD | BPF_H | BPF_IND, 0, 0, 0);
        step(p, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(ATTRIBUTE_STEPS * left - 1), 0, attribute);
        step(p, BPF_LD | BPF_H | BPF_IND, 0, 0, 2);
        step(p, BPF_ALU | BPF_ADD | BPF_K, 0, 0, 3 + 4); /* padded, with type and length */
        step(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, ~3u);
        step(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
        step(p, BPF_MISC | BPF_TAX, 0, 0, 0);
    }
    step(p, BPF_RET | BPF_K, 0, 0, otherwise);
}

/* Without one libnice ranks the source as an address of this host behind all others, and ends the process if that is the 64th. */
static void require_priority(struct program *p)
{
    find(p, PRIORITY, MAX_BEFORE_PRIORITY, 0);
    step(p, BPF_LD | BPF_W | BPF_IND, 0, 0, 4);
    step(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    step(p, BPF_RET | BPF_K, 0, 0, 0);
}

/* An allocation: only one that lasts. All else goes on behind this. */
static void require_lifetime(struct program *p)
{
    step(p, BPF_LD | BPF_H | BPF_ABS, 0, 0, PAYLOAD);
    step(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(LIFETIME_STEPS - 2u), ALLOCATED);
    find(p, LIFETIME, MAX_BEFORE_LIFETIME + 1u, 0);
    step(p, BPF_LD | BPF_W | BPF_IND, 0, 0, 4);
    step(p, BPF_JMP | BPF_JGE | BPF_K, 1, 0, SOTTO_MIN_TURN_LIFETIME);
    step(p, BPF_RET | BPF_K, 0, 0, 0);
    step(p, BPF_RET | BPF_K, 0, 0, UINT32_MAX);
}

/* By its length and its end, which is the remote's: ufrags have at least four characters. Our part of it is for libnice to know. */
static void require_name(struct program *p, const char *name, size_t n)
{
    const uint8_t *end = (const uint8_t *)name + n - 4;
    uint32_t word =
        (uint32_t)end[0] << 24 | (uint32_t)end[1] << 16 | (uint32_t)end[2] << 8 | end[3];
    require(p, BPF_H | BPF_IND, 2, (uint32_t)n, 0);
    require(p, BPF_W | BPF_IND, (uint32_t)n, word, 0); /* X stands before type and length */
    step(p, BPF_RET | BPF_K, 0, 0, UINT32_MAX);
}

static bool is_udp(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_DGRAM;
}

/* Those over TCP and TLS: turn_tls.c. */
static bool has_relays_by_udp(const struct ice *ice)
{
    bool has = false;
    for (size_t i = 0; i < ice->n_servers; i++)
        has = has || ice->servers[i].kind == ICE_SERVER_TURN_UDP;
    return has;
}

/* What came before there was a filter: a server that answers so at once is asked again. */
static void empty_if_bad(int fd)
{
    uint8_t bytes[1500];
    int off = 0;
    bool is_bad = false;
    ssize_t n = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off) != 0) return;
    for (int i = 0; i < MAX_EARLY && n > 0; i++) {
        struct stun_answer a;
        n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        is_bad = is_bad || (n > 0 && sotto__stun_answer(bytes, (size_t)n, &a) && !a.is_error &&
                            a.method == STUN_ALLOCATE && a.lifetime < SOTTO_MIN_TURN_LIFETIME);
    }
    off = -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off);
    while (is_bad && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0) continue;
}

void sotto__nice_filter(struct ice *ice)
{
    struct program p = {.n = 0};
    char name[MAX_NAME + 1];
    int n = snprintf(name, sizeof name, "%s:%s", ice->ufrag, ice->remote_ufrag);
    if (has_relays_by_udp(ice)) require_lifetime(&p);
    require(&p, BPF_H | BPF_ABS, PAYLOAD, BINDING_REQUEST, UINT32_MAX);
    require_end(&p);
    if (ice->is_crowded) require_priority(&p);
    if (ice->is_shut) {
        step(&p, BPF_RET | BPF_K, 0, 0, 0);
    } else if (ice->remote_set) {
        find(&p, USERNAME, MAX_ATTRIBUTES, UINT32_MAX);
        require_name(&p, name, (size_t)n);
    } else {
        step(&p, BPF_RET | BPF_K, 0, 0, UINT32_MAX);
    }
    struct sock_fprog program = {p.n, p.steps};
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    for (guint i = 0; sockets && i < sockets->len; i++) {
        int fd = g_socket_get_fd(g_ptr_array_index(sockets, i));
        if (is_udp(fd) &&
            setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
            SOTTO_LOG(ice->log, SOTTO_LOG_DEBUG, "ice", "no filter on a socket");
        if (is_udp(fd) && has_relays_by_udp(ice)) empty_if_bad(fd);
    }
    if (sockets) g_ptr_array_unref(sockets);
}

/* The kernel counts what a socket dropped, for whatever reason. */
void sotto__nice_refused(const struct ice *ice, struct ice_refused *ret)
{
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    ret->conflicts = ice->all_conflicts;
    ret->filtered = 0;
    for (guint i = 0; sockets && i < sockets->len; i++) {
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t n = sizeof info;
        int fd = g_socket_get_fd(g_ptr_array_index(sockets, i));
        if (is_udp(fd) && getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n) == 0)
            ret->filtered += info[SK_MEMINFO_DROPS];
    }
    if (sockets) g_ptr_array_unref(sockets);
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *sotto__nice_library_version(void)
{
    return TEXT(NICE_VERSION_MAJOR) "." TEXT(NICE_VERSION_MINOR) "." TEXT(NICE_VERSION_MICRO);
}

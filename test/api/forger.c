/* SPDX-License-Identifier: BSD-2-Clause */
/* Forged datagrams at a given rate: see forger.h. The kinds are those of which one ends a handshake of OpenSSL alone, and more. */
#include "forger.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "util/bytes.h"

#define HEADERS (sizeof(struct iphdr) + sizeof(struct udphdr))
#define TICK_NS 1000000L
enum { BATCH = 64 };

static uint64_t draw(struct forger *f)
{
    f->seed ^= f->seed << 13, f->seed ^= f->seed >> 7, f->seed ^= f->seed << 17;
    return f->seed;
}

static size_t record(uint8_t *out, uint8_t type, uint16_t epoch, uint64_t seq, const uint8_t *p,
                     size_t n)
{
    struct writer w = sotto__writer(out, 1400);
    sotto__write_u8(&w, type);
    sotto__write_u16(&w, 0xfefd);
    sotto__write_u16(&w, epoch);
    sotto__write_u16(&w, (uint16_t)(seq >> 32));
    sotto__write_u32(&w, (uint32_t)seq);
    sotto__write_u16(&w, (uint16_t)n);
    sotto__write_bytes(&w, p, n);
    return w.n;
}

static size_t message(uint8_t *out, uint8_t type, uint32_t len, uint16_t number, const uint8_t *p,
                      size_t n, uint64_t seq)
{
    uint8_t body[600];
    struct writer w = sotto__writer(body, sizeof body);
    sotto__write_u8(&w, type);
    sotto__write_be(&w, len, 3);
    sotto__write_u16(&w, number);
    sotto__write_be(&w, 0, 3);
    sotto__write_be(&w, (uint32_t)n, 3);
    sotto__write_bytes(&w, p, n);
    return record(out, 22, 0, seq, body, w.n);
}

/* A hello with a random of its own and one suite. */
static size_t hello(struct forger *f, uint8_t *body, bool client, uint16_t suite)
{
    static const uint8_t extensions[] = {0, 22, 0, 23, 0, 0, 0, 10, 0, 4, 0, 2,
                                         0, 29, 0, 13, 0, 6, 0, 4,  4, 3, 8, 4};
    struct writer w = sotto__writer(body, 256);
    sotto__write_u16(&w, 0xfefd);
    for (int i = 0; i < 8; i++) sotto__write_u32(&w, (uint32_t)draw(f));
    sotto__write_u8(&w, 0);
    if (client) sotto__write_u8(&w, 0), sotto__write_u16(&w, 2);
    sotto__write_u16(&w, suite);
    if (client) sotto__write_u8(&w, 1);
    sotto__write_u8(&w, 0);
    if (client) sotto__write_bytes(&w, extensions, sizeof extensions);
    return w.n;
}

/* What the other side said itself, with some bytes changed. */
static size_t altered(struct forger *f, int as, uint8_t *out)
{
    size_t n = f->n_seen[as];
    if (n < 60) return 0;
    memcpy(out, f->seen[as], n);
    for (int i = 0; i < 3; i++) out[25 + draw(f) % (n - 25)] ^= (uint8_t)(1 + draw(f) % 255);
    return n;
}

static size_t forge(struct forger *f, int as, uint8_t *out)
{
    static const uint8_t alert[] = {2, 40}, ccs[] = {1},
                         verify[] = {0xfe, 0xff, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t body[256] = {0};
    uint64_t seq = draw(f) % 8;
    size_t n;
    switch (draw(f) % 14) {
    case 0: return record(out, 21, 0, seq, alert, 2);
    case 1: n = hello(f, body, true, 0x0002); return message(out, 1, (uint32_t)n, 0, body, n, seq);
    case 2: return message(out, 1 + draw(f) % 2, 0xffffff, 0, body, 100, seq);
    case 3: n = hello(f, body, false, 0x0001); return message(out, 2, (uint32_t)n, 0, body, n, seq);
    case 4: return record(out, 23, 0, seq, body, 100);
    case 5: return message(out, 3, sizeof verify, 0, verify, sizeof verify, seq);
    case 6: n = hello(f, body, true, 0xc02b); return message(out, 1, (uint32_t)n, 0, body, n, seq);
    case 7: n = hello(f, body, false, 0xc02b); return message(out, 2, (uint32_t)n, 0, body, n, seq);
    case 8: return record(out, 20, 0, seq, ccs, 1);
    case 9: return record(out, 22, 1, seq, body, 48);
    case 10: return message(out, 16, 3, 1, body, 3, seq);
    case 11: return message(out, 14, 0, 1, body, 0, seq);
    default: return altered(f, as, out);
    }
}

/* STUN, DTLS, RTP and nothing of the kind. */
static size_t junk(struct forger *f, uint8_t *out)
{
    static const uint8_t first[] = {0, 1, 20, 22, 23, 64, 128, 144, 200, 255};
    size_t n = 40 + draw(f) % 160;
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)draw(f);
    out[0] = first[draw(f) % sizeof first];
    return n;
}

/* Headers before n bytes; from the port of `as` to the other one's. The checksum of UDP over IPv4 may be left out. */
static size_t envelope(struct forger *f, int as, uint8_t *packet, size_t n)
{
    struct iphdr ip = {.version = 4,
                       .ihl = 5,
                       .ttl = 64,
                       .protocol = IPPROTO_UDP,
                       .tot_len = htons((uint16_t)(HEADERS + n)),
                       .saddr = f->address,
                       .daddr = f->address};
    struct udphdr udp = {.len = htons((uint16_t)(sizeof udp + n)),
                         .source = htons(f->from_elsewhere ? 9 : (uint16_t)f->port[as]),
                         .dest = htons((uint16_t)f->port[1 - as])};
    memcpy(packet, &ip, sizeof ip);
    memcpy(packet + sizeof ip, &udp, sizeof udp);
    return HEADERS + n;
}

static void send_some(struct forger *f, int as, unsigned count)
{
    static uint8_t packets[BATCH][1500];
    struct mmsghdr out[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = f->address};
    unsigned k = 0;
    while (count > 0) {
        for (k = 0; k < BATCH && k < count; k++) {
            uint8_t *at = packets[k] + HEADERS;
            size_t n = f->is_junk ? junk(f, at) : forge(f, as, at);
            parts[k] = (struct iovec){packets[k], envelope(f, as, packets[k], n)};
            out[k].msg_hdr = (struct msghdr){
                .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &parts[k], .msg_iovlen = 1};
        }
        int n = sendmmsg(f->raw, out, k, 0);
        if (n > 0) f->sent += (uint64_t)n;
        count -= k;
    }
}

/* Keeps what either side says in the clear. */
static void sniff(struct forger *f)
{
    uint8_t p[1600];
    ssize_t n;
    while ((n = recv(f->sniffer, p, sizeof p, MSG_DONTWAIT)) > 0) {
        const struct udphdr *udp = (const struct udphdr *)(const void *)(p + sizeof(struct iphdr));
        if ((size_t)n < HEADERS + 25 || p[9] != IPPROTO_UDP || p[HEADERS] != 22) continue;
        for (int i = 0; i < 2; i++)
            if (ntohs(udp->source) == f->port[i] && p[HEADERS + 4] == 0) {
                f->n_seen[i] = (size_t)n - HEADERS;
                memcpy(f->seen[i], p + HEADERS, f->n_seen[i]);
            }
    }
}

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

bool forger_open(struct forger *f)
{
    f->seed |= 1;
    f->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    f->sniffer = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));
    return f->raw >= 0 && f->sniffer >= 0;
}

void *forger_run(void *forger)
{
    struct forger *f = forger;
    int64_t due = clock_ns();
    double owed = 0;
    while (!f->is_over) {
        struct timespec wait = {.tv_nsec = TICK_NS};
        if (!f->is_junk) sniff(f);
        int64_t now = clock_ns();
        owed += f->port[0] && f->port[1] ? (double)(now - due) / 1e9 * f->rate : 0;
        due = now;
        unsigned count = (unsigned)owed;
        owed -= count;
        if (count > f->rate / 20 + 1) count = f->rate / 20 + 1; /* it was asleep for longer: that is not made up for */
        for (int as = 0; as < 2 && count > 0; as++) send_some(f, as, count);
        ppoll(NULL, 0, &wait, NULL);
    }
    return NULL;
}

void forger_close(struct forger *f)
{
    close(f->raw);
    close(f->sniffer);
}

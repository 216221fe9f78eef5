/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: ice_nice*.c with libnice below, played to by a peer that knows the credentials, from eight addresses, as the input says,
 * while the clock goes as it says. Property: the process lives and GLib has nothing critical to say; pairs, candidates and descriptors
 * are bounded; what is closed sends nothing; what is freed leaves nothing.
 */
#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../test/transport/stun_kit.h"
#include "ice_pump.h"
#include "require.h"
#include "sotto/pc.h"
#include "util/bytes.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOURCES = 8, KEPT = 32, OPERATIONS = 400 };

static const char ours[] = "alice-pwd-0123456789ab", theirs[] = "puppet-pwd-0123456789ab";

struct kept { /* a check of ours */
    uint8_t id[12];
    struct sockaddr_in from;
    struct in_addr to;
};

static struct {
    struct reader in;
    struct ice *ice;
    struct ice_box box;
    int fd;
    uint16_t port;
    struct sockaddr_in target;
    struct kept kept[KEPT];
    size_t n_kept, n_selected, n_candidates, came;
    uint8_t ids;
    bool is_closed;
    struct stun_text last;
} w;

static uint8_t draw(void)
{
    return sotto__read_u8(&w.in); /* 0 at the end */
}

/* ---- the network ---- */

union info {
    uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr head;
};

static void send_from(struct in_addr from, const struct sockaddr_in *to, const void *p, size_t n)
{
    struct iovec part = {(void *)(uintptr_t)p, n};
    union info control = {.bytes = {0}};
    struct in_pktinfo info = {.ipi_spec_dst = from};
    struct msghdr m = {.msg_name = (void *)(uintptr_t)to,
                       .msg_namelen = sizeof *to,
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    control.head.cmsg_level = IPPROTO_IP;
    control.head.cmsg_type = IP_PKTINFO;
    control.head.cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(&control.head), &info, sizeof info);
    (void)sendmsg(w.fd, &m, 0); /* a full socket loses it, as any network may */
}

static struct in_addr source(uint8_t i)
{
    return (struct in_addr){htonl(INADDR_LOOPBACK + i % SOURCES)};
}

static void read_mail(void)
{
    for (;;) {
        uint8_t bytes[2048];
        struct kept k;
        struct iovec part = {bytes, sizeof bytes};
        union info control;
        struct msghdr m = {.msg_name = &k.from,
                           .msg_namelen = sizeof k.from,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        struct in_pktinfo info = {.ipi_ifindex = 0};
        ssize_t n = recvmsg(w.fd, &m, MSG_DONTWAIT);
        if (n < 0) return;
        w.came++;
        if (stun_type(bytes, (size_t)n) != STUN_REQUEST_TYPE || !CMSG_FIRSTHDR(&m)) continue;
        require(stun_is_signed(bytes, (size_t)n, theirs));
        memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof info);
        memcpy(k.id, bytes + 8, sizeof k.id);
        k.to = info.ipi_addr;
        w.kept[w.n_kept++ % KEPT] = k;
    }
}

static void open_network(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    int yes = 1;
    w.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(w.fd >= 0 && bind(w.fd, (struct sockaddr *)&at, sizeof at) == 0);
    require(getsockname(w.fd, (struct sockaddr *)&at, &n) == 0);
    require(setsockopt(w.fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes) == 0);
    w.port = ntohs(at.sin_port);
}

/* ---- the one under test ---- */

static void take(const struct ice_out *out)
{
    switch (out->type) {
    case ICE_OUT_CANDIDATE:
        require(++w.n_candidates <= SOTTO_MAX_LOCAL_CANDIDATES);
        if (out->candidate->addr.family != 4) break;
        w.target = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons(out->candidate->addr.port)};
        memcpy(&w.target.sin_addr, out->candidate->addr.ip, 4);
        break;
    case ICE_OUT_SELECTED: require(++w.n_selected <= OPERATIONS); break;
    case ICE_OUT_STATE:
        require(out->state >= SOTTO_ICE_NEW && out->state <= SOTTO_ICE_CLOSED);
        break;
    case ICE_OUT_PACKET: require(out->packet.n > 0 && out->packet.p[0] > 3); break;
    case ICE_OUT_GATHERED:
    case ICE_OUT_SERVER: break;
    }
}

static void add_remote(uint8_t i, uint8_t priority)
{
    struct candidate c = {.component = 1,
                          .priority = 1 + ((uint32_t)priority << 20),
                          .foundation = "1",
                          .type = (enum candidate_type)(priority % 3),
                          .addr = {.family = 4, .port = w.port}};
    struct in_addr a = source(i);
    memcpy(c.addr.ip, &a, 4);
    int r = ops->add_remote(w.ice, &c, now);
    require(r == 0 || r == SOTTO_E_LIMIT);
}

static void restart(uint8_t how)
{
    require(ops->set_remote(w.ice, how % 4 == 3 ? "other" : "puppet", theirs, now) == 0);
    w.n_selected = 0;
}

/* ---- the peer ---- */

static void finish(struct stun_text *s, const char *key, uint8_t how)
{
    switch (how % 16) {
    case 0: break;
    case 1: stun_sign(s, "wrong", 20); break;
    case 2: stun_sign(s, key, how / 16); break;
    default: stun_sign(s, key, 20); break;
    }
    if (how % 16 != 3) stun_finger(s);
}

static void request(uint8_t from, uint8_t how)
{
    static const uint32_t priorities[] = {0, 1, 1845501695, UINT32_MAX};
    uint8_t id[12] = {'f', w.ids++}, more = draw();
    stun_begin(&w.last, how & 0x80 ? STUN_INDICATION_TYPE : STUN_REQUEST_TYPE, id);
    stun_add(&w.last, STUN_USERNAME, more & 0x80 ? "alice" : "alice:puppet", more & 0x80 ? 5 : 12);
    if (how & 1) stun_add(&w.last, STUN_NOMINATION, NULL, 0);
    if (!(how & 2)) stun_add_u32(&w.last, STUN_PRIORITY, priorities[how >> 2 & 3] + from);
    if (!(more & 1))
        stun_add_u64(&w.last, how & 16 ? STUN_CONTROLLED : STUN_CONTROLLING,
                     how & 32   ? UINT64_MAX
                     : how & 64 ? 0
                                : 99);
    if (more & 2) stun_add_u32(&w.last, 0x7abc, 1);
    finish(&w.last, ours, more & 4 ? draw() : 15);
    if (w.target.sin_port) send_from(source(from), &w.target, w.last.bytes, w.last.n);
}

static void answer(uint8_t which, uint8_t how)
{
    static const int codes[] = {300, 400, 401, 403, 420, 438, 487, 487, 500, 699};
    size_t n = w.n_kept < KEPT ? w.n_kept : KEPT;
    if (n == 0) return;
    const struct kept *k = &w.kept[(w.n_kept - 1 - which % n) % KEPT];
    struct sockaddr_in mapped = k->from;
    bool is_error = how & 1;
    uint8_t more = how & 2 ? draw() : 15;
    stun_begin(&w.last, is_error ? STUN_ERROR_TYPE : STUN_SUCCESS_TYPE, k->id);
    if (how & 4) mapped.sin_port = htons(more), mapped.sin_addr.s_addr = htonl(0xc0000200u + more);
    if (is_error)
        stun_add_error(&w.last, codes[how / 16 % 10]);
    else if (!(how & 8))
        stun_add_mapped(&w.last, &mapped);
    finish(&w.last, theirs, how & 4 ? 15 : more);
    send_from(how & 0x80 && !is_error ? source(how) : k->to, &k->from, w.last.bytes, w.last.n);
}

static void send_raw(uint8_t from, size_t n)
{
    const uint8_t *p = sotto__read_view(&w.in, n);
    if (p && w.target.sin_port) send_from(source(from), &w.target, p, n);
}

static void send_data(void)
{
    static const uint8_t data[40] = {0x80};
    struct packet packets[2] = {{data, sizeof data}, {data, 20}};
    int r = ops->send(w.ice, packets, 2, now);
    require(r == SOTTO_E_STATE || (r >= 0 && r <= 2));
}

static void operate(void)
{
    static const int ms[] = {0, 1, 5, 20, 100, 500, 3000, 31000};
    uint8_t op = draw(), a = draw();
    switch (op % 16) {
    case 0: pass_time(w.ice, SOTTO_MS(ms[a % 8])); break;
    case 1:
    case 2:
    case 3: request(a, draw()); break;
    case 4:
    case 5:
    case 6: answer(a, draw()); break;
    case 7: /* for a while a peer that plays by the rules */
        for (int i = 0; i < a % 16; i++) {
            pass_time(w.ice, SOTTO_MS(5));
            answer(0, 0);
        }
        break;
    case 8: add_remote(a, draw()); break;
    case 9: restart(a); break;
    case 10: ops->remote_done(w.ice, now); break;
    case 11: send_raw(a, a % 64); break;
    case 12: send_data(); break;
    case 13: /* again, from anywhere */
        if (w.target.sin_port && w.last.n) send_from(source(a), &w.target, w.last.bytes, w.last.n);
        break;
    case 14: /* the role's answer to itself */
        for (int i = 0; i < a; i++) answer((uint8_t)i, 0x61);
        break;
    case 15: pass_time(w.ice, SOTTO_MS(a)); break;
    }
}

static void check_closed(void)
{
    ops->close(w.ice, now);
    read_mail();
    w.came = 0;
    for (uint8_t i = 0; i < SOURCES; i++) request(i, 0);
    pass_time(w.ice, SOTTO_SECONDS(2));
    require(ops->closed(w.ice) && w.came == 0);
}

static void open_ice(uint8_t how)
{
    struct ice_cfg cfg = {.controlling = how & 1,
                          .is_patient = how & 4,
                          .allow_loopback = true,
                          .no_fast_path = how & 2,
                          .ufrag = "alice",
                          .pwd = ours,
                          .interface = "lo",
                          .box = &w.box};
    require(ops->init(&w.ice, &cfg, now) == 0);
    if (how & 8) restart(0);
    require(ops->gather(w.ice, now) == 0);
    pump(w.ice);
    if (!(how & 8)) restart(0);
    if (how & 16) add_remote(0, 201); /* a host */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = sotto__mem_live();
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    now = SOTTO_SECONDS(100000);
    memset(&w, 0, sizeof w);
    w.in = sotto__reader(data, size);
    open_network();
    open_ice(draw());
    for (int i = 0; i < OPERATIONS && w.in.n > 0; i++) {
        operate();
        pump(w.ice);
    }
    check_closed();
    ops->free(w.ice);
    sotto__ice_box_free(&w.box);
    close(w.fd);
    require(sotto__mem_live() == live);
    return 0;
}

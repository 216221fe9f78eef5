/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: ice_nice*.c with libnice below, which gathers: two STUN servers and one of TURN answer, err, move, forget and lie as the input
 * says, somebody who has not seen the requests answers for them, a peer's checks come by the relay, and time passes as it says.
 * Property: the process lives and GLib has nothing critical to say; no address becomes a candidate that came with a wrong transaction,
 * of STUN from another address, or of TURN without the signature that was asked for; errors are 300…699 or 701, with a printable text;
 * gathering ends once and in time; candidates and descriptors are bounded; what is closed sends nothing more, what is freed leaves nothing.
 * proves: H053
 */
#include <arpa/inet.h>
#include <glib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
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

#define BEGIN SOTTO_SECONDS(100000)

enum { SERVERS = 3, TURN = 2, ELSEWHERE = 3, SOCKETS = 4, KEPT = 16, STEPS = 150 };
enum { FORGED = 66 }; /* the last byte of addresses that nobody may believe */
enum { ALLOCATE = 3, REFRESH = 4, PERMIT = 8, BIND = 9, SUCCESS = 0x100, ERROR = 0x110 };
enum {
    RELAYED = 0x16,
    LIFETIME = 0x0d,
    REALM = 0x14,
    NONCE = 0x15,
    ALTERNATE = 0x8023,
    PEER = 0x12,
    DATA = 0x13
};

static const char ours[] = "alice-pwd-0123456789ab", theirs[] = "puppet-pwd-0123456789ab";

struct kept { /* a request to a server */
    uint8_t id[12];
    struct sockaddr_in from;
    int server;
    unsigned method;
    bool is_signed;
};

static struct {
    struct reader in;
    struct ice *ice;
    struct ice_box box;
    int fds[SOCKETS];
    struct sockaddr_in at[SOCKETS], client; /* client: that the relay knows */
    struct kept kept[KEPT];
    size_t n_kept, n_candidates, came;
    bool is_gathered, anything;
    int relay; /* where TURN is: a server may send its clients to another */
    struct stun_text text;
} w;

static uint8_t draw(void)
{
    return sotto__read_u8(&w.in); /* 0 at the end */
}

static void put_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v;
}

/* ---- the servers ---- */

static void open_servers(void)
{
    for (int i = 0; i < SOCKETS; i++) {
        socklen_t n = sizeof w.at[i];
        w.at[i] =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        w.fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        require(w.fds[i] >= 0 && bind(w.fds[i], (struct sockaddr *)&w.at[i], n) == 0);
        require(getsockname(w.fds[i], (struct sockaddr *)&w.at[i], &n) == 0);
    }
}

static void read_mail(void)
{
    uint8_t p[2048];
    size_t n_mac;
    for (int i = 0; i < SERVERS; i++) {
        struct kept k = {.server = i};
        socklen_t len = sizeof k.from;
        ssize_t n;
        while ((n = recvfrom(w.fds[i], p, sizeof p, 0, (struct sockaddr *)&k.from, &len)) >= 0) {
            w.came++;
            unsigned type = stun_type(p, (size_t)n);
            if (type == 0xffff || type & SUCCESS || type & 0x10) continue; /* or by a channel */
            memcpy(k.id, p + 8, sizeof k.id);
            k.method = type;
            k.is_signed = stun_look(p, (size_t)n, STUN_INTEGRITY, &n_mac) != NULL;
            w.kept[w.n_kept++ % KEPT] = k;
            if (type != STUN_REQUEST_TYPE) w.client = k.from, w.relay = i;
        }
    }
}

/* By the long-term credentials (RFC 8489 §9.2.2). */
static void sign(struct stun_text *s, bool is_wrong)
{
    static const char secret[] = "user:realm:word";
    uint8_t key[16], mac[20] = {0};
    unsigned n;
    size_t at = s->n;
    stun_add(s, STUN_INTEGRITY, mac, sizeof mac);
    EVP_Digest(secret, sizeof secret - 1, key, &n, EVP_md5(), NULL);
    HMAC(EVP_sha1(), key, sizeof key, s->bytes, at, mac, &n);
    if (is_wrong) mac[3] ^= 1;
    memcpy(s->bytes + at + 4, mac, sizeof mac);
}

static void add_address(unsigned type, uint32_t ip, uint16_t port)
{
    uint8_t p[8] = {0, 1};
    put_u16(p + 2, port ^ 0x2112);
    for (int i = 0; i < 4; i++)
        p[4 + i] = (uint8_t)(ip >> (24 - 8 * i)) ^ (uint8_t)(0x2112a442u >> (24 - 8 * i));
    stun_add(&w.text, type, p, sizeof p);
}

static void add_success(const struct kept *k, bool is_forged, uint8_t more)
{
    static const uint32_t lifetimes[] = {600, 600, 0, 1, 10, 3600, UINT32_MAX, 60};
    uint32_t last = is_forged ? FORGED : 1 + more % 4u;
    if (k->method == STUN_REQUEST_TYPE || k->method == ALLOCATE)
        add_address(STUN_MAPPED, 0xcb007100u + last, (uint16_t)(4000 + last)); /* 203.0.113 */
    if (k->method == ALLOCATE)
        add_address(RELAYED, 0xc6336400u + last, (uint16_t)(5000 + last)); /* 198.51.100 */
    if (k->method == ALLOCATE || k->method == REFRESH)
        stun_add_u32(&w.text, LIFETIME, lifetimes[more >> 2 & 7]);
}

static void add_error(uint8_t more)
{
    static const int codes[] = {300, 400, 401, 403, 420, 437, 438, 441,
                                442, 486, 487, 500, 508, 599, 699, 300};
    static const char nonces[4][8] = {"nonce-1", "nonce-2", "nonce-3", ""};
    int code = codes[more & 15];
    stun_add_error(&w.text, code);
    if (code == 401 || code == 438) {
        stun_add(&w.text, REALM, "realm", more & 128 ? 0 : 5);
        stun_add(&w.text, NONCE, nonces[more >> 4 & 3], strlen(nonces[more >> 4 & 3]));
    }
    if (code == 300) {
        uint8_t p[8] = {0, 1, 0, 0, 127, 0, 0, 1};
        put_u16(p + 2, ntohs(w.at[more >> 4 & 3].sin_port));
        stun_add(&w.text, ALTERNATE, p, sizeof p);
    }
}

enum { WRONG_ID = 1, WRONG_PLACE = 2, UNSIGNED = 4, WRONG_SIGN = 8, IS_ERROR = 16 };

static void answer(uint8_t which, uint8_t how, uint8_t more)
{
    size_t n = w.n_kept < KEPT ? w.n_kept : KEPT;
    if (n == 0) return;
    struct kept k = w.kept[(w.n_kept - 1 - which % n) % KEPT];
    bool is_relay = k.method != STUN_REQUEST_TYPE;
    /* who has the password may answer from elsewhere, who was asked without it needs none: RFC 8489 §9.2.5 */
    bool is_forged = how & WRONG_ID ||
                     (is_relay ? k.is_signed && how & (UNSIGNED | WRONG_SIGN) : how & WRONG_PLACE);
    if (how & WRONG_ID) k.id[more % 12] ^= 0x55;
    stun_begin(&w.text, k.method | (how & IS_ERROR ? ERROR : SUCCESS), k.id);
    if (how & IS_ERROR)
        add_error(more);
    else
        add_success(&k, is_forged, more);
    if (is_relay && !(how & UNSIGNED)) sign(&w.text, how & WRONG_SIGN);
    if (how & 32) stun_finger(&w.text);
    (void)sendto(w.fds[how & WRONG_PLACE ? ELSEWHERE : k.server], w.text.bytes, w.text.n, 0,
                 (struct sockaddr *)&k.from, sizeof k.from);
}

/* As a good server does. */
static void answer_well(uint8_t which)
{
    size_t n = w.n_kept < KEPT ? w.n_kept : KEPT;
    if (n == 0) return;
    const struct kept *k = &w.kept[(w.n_kept - 1 - which % n) % KEPT];
    bool is_asked = k->method != STUN_REQUEST_TYPE && !k->is_signed;
    answer(which, is_asked ? IS_ERROR | UNSIGNED : 0, is_asked ? 2 : 0);
}

static void say_anything(uint8_t which, uint8_t how)
{
    size_t n = w.n_kept < KEPT ? w.n_kept : KEPT, len = how & 63;
    if (n == 0) return;
    const struct kept *k = &w.kept[(w.n_kept - 1 - which % n) % KEPT];
    if (len > w.in.n) len = w.in.n;
    const uint8_t *p = sotto__read_view(&w.in, len);
    stun_begin(&w.text, how & 64 ? k->method | SUCCESS : draw() * 257u, k->id);
    if (p && len > 0 && how & 128) memcpy(w.text.bytes + w.text.n, p, len), w.text.n += len;
    if (p && len > 0 && !(how & 128)) stun_add(&w.text, draw(), p, len);
    w.anything = true;
    (void)sendto(w.fds[k->server], w.text.bytes, w.text.n, 0, (struct sockaddr *)&k->from,
                 sizeof k->from);
}

/* What a peer sends to the relay: a check, or any bytes. */
static void relay(uint8_t how)
{
    static const uint8_t id[12] = {'p'};
    struct stun_text inner;
    uint8_t p[2048];
    if (w.client.sin_port == 0) return;
    stun_begin(&inner, STUN_REQUEST_TYPE, id);
    stun_add(&inner, STUN_USERNAME, "alice:puppet", 12);
    stun_add_u32(&inner, STUN_PRIORITY, 1845501695);
    stun_add_u64(&inner, STUN_CONTROLLING, 99);
    if (how & 1) stun_add(&inner, STUN_NOMINATION, NULL, 0);
    stun_sign(&inner, how & 2 ? theirs : ours, 20);
    stun_finger(&inner);
    if (how & 4) inner.n = how >> 3;
    stun_begin(&w.text, 0x0017, id);
    add_address(PEER, 0xcb007100u + 9, 9999);
    stun_add(&w.text, DATA, inner.bytes, inner.n);
    size_t n = w.text.n;
    memcpy(p, w.text.bytes, n);
    if (how & 8) { /* by a channel */
        put_u16(p, 0x4000), put_u16(p + 2, (uint16_t)inner.n);
        memcpy(p + 4, inner.bytes, inner.n);
        n = 4 + inner.n;
    }
    (void)sendto(w.fds[how & 128 ? ELSEWHERE : w.relay], p, n, 0, (struct sockaddr *)&w.client,
                 sizeof w.client);
}

/* ---- the one under test ---- */

static void check_candidate(const struct candidate *c)
{
    require(++w.n_candidates <= SOTTO_MAX_LOCAL_CANDIDATES && !w.is_gathered);
    require(c->addr.family == 4 || c->addr.family == 6);
    if (c->addr.family == 4 && c->addr.ip[0] != 127 && !w.anything) {
        require(c->addr.ip[0] == (c->type == CANDIDATE_RELAY ? 198 : 203));
        require(c->addr.ip[3] != FORGED);
    }
}

static void take(const struct ice_out *out)
{
    switch (out->type) {
    case ICE_OUT_CANDIDATE: check_candidate(out->candidate); break;
    case ICE_OUT_SERVER:
        require(out->server < SERVERS &&
                (out->code == 701 || (out->code >= 300 && out->code <= 699)));
        for (const char *p = out->text; *p; p++) require((uint8_t)*p >= 0x20 && *p != 0x7f);
        break;
    case ICE_OUT_GATHERED:
        require(!w.is_gathered);
        w.is_gathered = true;
        break;
    case ICE_OUT_PACKET: require(out->packet.n > 0); break;
    case ICE_OUT_STATE:
    case ICE_OUT_SELECTED: break;
    }
}

static void add_remote(uint8_t priority)
{
    struct candidate c = {.component = 1,
                          .priority = 1 + ((uint32_t)priority << 20),
                          .foundation = "1",
                          .type = CANDIDATE_HOST,
                          .addr = {.family = 4, .ip = {203, 0, 113, 9}, .port = 9999}};
    int r = ops->add_remote(w.ice, &c, now);
    require(r == 0 || r == SOTTO_E_LIMIT);
}

static void step(void)
{
    static const uint8_t data[40] = {0x80};
    static const int ms[] = {1, 5, 50, 300, 1000, 3000, 10000, 61000};
    uint8_t op = draw(), v = draw();
    switch (op % 10) {
    case 0:
        if (now < BEGIN + SOTTO_SECONDS(120)) pass_time(w.ice, SOTTO_MS(ms[v % 8])); /* keepalives of hours take long */
        break;
    case 1:
    case 2: answer(v, draw(), draw()); break;
    case 3:
        for (uint8_t i = v % 8; i > 0; i--) answer_well(i);
        break;
    case 4: /* for a while a server as it should be */
        for (int i = 0; i < v % 16; i++) {
            answer_well(0), answer_well(1), answer_well(2);
            pass_time(w.ice, SOTTO_MS(20));
        }
        break;
    case 5: say_anything(v, draw()); break;
    case 6: relay(v); break;
    case 7: add_remote(v); break;
    case 8: require(ops->set_remote(w.ice, v & 1 ? "puppet" : "other", theirs, now) == 0); break;
    default: {
        struct packet packet = {data, sizeof data};
        int r = ops->send(w.ice, &packet, 1, now);
        require(r == SOTTO_E_STATE || r == 0 || r == 1);
    }
    }
    pump(w.ice);
}

static struct address address_of(int i)
{
    return (struct address){4, {127, 0, 0, 1}, ntohs(w.at[i].sin_port)};
}

static void open_ice(uint8_t how)
{
    struct ice_server servers[SERVERS] = {{.kind = ICE_SERVER_STUN, .addr = address_of(0)},
                                          {.kind = ICE_SERVER_STUN, .addr = address_of(1)},
                                          {.kind = ICE_SERVER_TURN_UDP,
                                           .addr = address_of(TURN),
                                           .username = "user",
                                           .credential = "word"}};
    struct ice_cfg cfg = {.controlling = how & 1,
                          .relay_only = how & 2,
                          .allow_loopback = true,
                          .no_fast_path = how & 4,
                          .ufrag = "alice",
                          .pwd = ours,
                          .interface = "lo",
                          .servers = servers,
                          .n_servers = SERVERS,
                          .box = &w.box};
    require(ops->init(&w.ice, &cfg, now) == 0);
    require(ops->gather(w.ice, now) == 0);
    pump(w.ice);
    if (how & 8) require(ops->set_remote(w.ice, "puppet", theirs, now) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = sotto__mem_live();
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    now = BEGIN;
    memset(&w, 0, sizeof w);
    w.in = sotto__reader(data, size);
    open_servers();
    uint8_t how = draw();
    open_ice(how);
    for (int i = 0; i < STEPS && w.in.n > 0; i++) step();
    if (how & 16) pass_time(w.ice, SOTTO_MAX_GATHER_US + SOTTO_MS(100));
    if (how & 16) require(w.is_gathered);
    ops->close(w.ice, now);
    pass_time(w.ice, SOTTO_SECONDS(2));
    require(ops->closed(w.ice));
    w.came = 0;
    pass_time(w.ice, SOTTO_SECONDS(2));
    require(w.came == 0);
    ops->free(w.ice);
    sotto__ice_box_free(&w.box);
    for (int i = 0; i < SOCKETS; i++) close(w.fds[i]);
    require(sotto__mem_live() == live);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modes of RFC 8828 on a host with three interfaces, in a network namespace of its own (test/netns): what candidates, descriptions,
 * statistics, explanations and log lines hold of its addresses, and what goes out. The STUN server is a thread of the test.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "util/time.h"

#define SEEN "198.51.100.200" /* where the STUN server sees us come from, and … */
#define NAT "198.51.100.201"  /* … what we are told that a NAT makes of us */

/* All of this host's: of the default route, of another interface, of one as a VPN has it. */
static const char *const own[] = {"10.77.0.1",      "fd77::1",    "192.168.50.1",
                                  "2001:db8:50::1", "10.200.0.1", "203.0.113.77"};
enum { N_OWN = sizeof own / sizeof *own };

static struct {
    char text[1 << 18];
    size_t n;
} lines; /* of A's log, and its candidates */

static void keep(int32_t level, const char *line, void *user)
{
    (void)level, (void)user;
    int n = snprintf(lines.text + lines.n, sizeof lines.text - lines.n, "%s\n", line);
    assert_true(n >= 0 && lines.n + (size_t)n < sizeof lines.text);
    lines.n += (size_t)n;
}

static void run(const char *command)
{
    if (system(command) != 0) fail_msg("%s", command);
}

static int make_interfaces(void **state)
{
    (void)state;
    run("for i in lan vpn; do ip link add ${i}0 type veth peer name ${i}1; ip link set ${i}1 up; "
        "done; "
        "ip address add 192.168.50.1/24 dev lan0; ip address add 2001:db8:50::1/64 dev lan0 nodad; "
        "ip address add 10.200.0.1/24 dev vpn0; ip address add 203.0.113.77/24 dev vpn0; "
        "ip link set lan0 up; ip link set vpn0 up; ip -6 route add default dev sotto0");
    return 0;
}

/* ---- a STUN server that sees us from elsewhere ---- */

static int stun_fd;

static void *serve(void *arg)
{
    uint8_t in[1500], out[32] = {0x01, 0x01, 0, 12};
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    (void)arg;
    while (recvfrom(stun_fd, in, sizeof in, 0, (struct sockaddr *)&from, &len) >= 20) {
        memcpy(out + 4, in + 4, 16);
        memcpy(out + 20, "\0\x01\0\x08\0\x01", 6); /* MAPPED-ADDRESS */
        memcpy(out + 26, &from.sin_port, 2);
        inet_pton(AF_INET, SEEN, out + 28);
        (void)!sendto(stun_fd, out, sizeof out, 0, (struct sockaddr *)&from, len);
        len = sizeof from;
    }
    return NULL;
}

static pthread_t serve_begin(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(3478)};
    pthread_t t;
    stun_fd = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, own[0], &any.sin_addr);
    assert_int_equal(bind(stun_fd, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(pthread_create(&t, NULL, serve, NULL), 0);
    return t;
}

static void serve_end(pthread_t t)
{
    shutdown(stun_fd, SHUT_RD);
    pthread_join(t, NULL);
    close(stun_fd);
}

/* ---- a call ---- */

struct mode {
    const char *what;
    int32_t privacy, policy;
    const char *interface, *external;
    unsigned told;      /* bits of `own` that may be seen */
    bool reflexive, names, nat; /* candidates of these kinds are there */
    bool connects;
};

static const struct mode modes[] = {
    {"off", SOTTO_PRIVACY_OFF, 0, NULL, NULL, 0x3f, true, false, false, true},
    {"mode 1", SOTTO_PRIVACY_ALL, 0, NULL, NULL, 0x3f, true, false, false, true},
    {"mode 1, one interface", SOTTO_PRIVACY_ALL, 0, "sotto0", NULL, 0x03, true, false, false, true},
    {"mode 1 behind a NAT", SOTTO_PRIVACY_ALL, 0, NULL, NAT, 0x3f, true, false, true, true},
    {"mode 2", SOTTO_PRIVACY_DEFAULT_ROUTE, 0, NULL, NULL, 0, true, true, false, true},
    {"mode 2 behind a NAT", SOTTO_PRIVACY_DEFAULT_ROUTE, 0, NULL, NAT, 0, true, true, true, true},
    {"mode 3", SOTTO_PRIVACY_PUBLIC, 0, NULL, NULL, 0, true, false, false, true},
    {"mode 3 behind a NAT", SOTTO_PRIVACY_PUBLIC, 0, NULL, NAT, 0, true, false, true, true},
    {"mode 3, a public interface", SOTTO_PRIVACY_PUBLIC, 0, "vpn0", NULL, 0x20, false, false, false,
     false},
    {"mode 4", SOTTO_PRIVACY_PROXY, 0, NULL, NAT, 0, false, false, false, false},
    {"relays only", SOTTO_PRIVACY_OFF, SOTTO_ICE_POLICY_RELAY, NULL, NAT, 0, false, false, false,
     false},
};

static void call_begin(struct call *c, const struct mode *m)
{
    sotto_ctx_config of_a = {.size = sizeof of_a,
                             .log_level = SOTTO_LOG_DEBUG,
                             .log = keep,
                             .show_addresses = true}; /* then, too */
    sotto_ice_server stun = {.size = sizeof stun, .url = "stun:10.77.0.1:3478"};
    sotto_pc_config cfg = {.size = sizeof cfg,
                           .ice_servers = &stun,
                           .n_ice_servers = 1,
                           .ice_transport_policy = m->policy,
                           .privacy_mode = m->privacy,
                           .interface = m->interface,
                           .external_address = m->external,
                           .user = &c->a},
                    hidden = {.size = sizeof hidden,
                              .privacy_mode = SOTTO_PRIVACY_DEFAULT_ROUTE,
                              .user = &c->b};
    *c = (struct call){0};
    c->a.other = &c->b;
    c->b.other = &c->a;
    lines.n = 0;
    assert_int_equal(sotto_ctx_new(&of_a, &c->a.ctx), 0);
    assert_int_equal(sotto_ctx_new(NULL, &c->b.ctx), 0);
    assert_int_equal(sotto_pc_new(c->a.ctx, &cfg, &c->a.pc), 0);
    assert_int_equal(sotto_pc_new(c->b.ctx, &hidden, &c->b.pc), 0); /* on this host, too: it must not tell either */
    sotto_dc_config dc = {.size = sizeof dc, .user = &c->a};
    assert_int_equal(sotto_pc_create_data_channel(c->a.pc, "call", &dc, &c->a.dc), 0);
}

static void gather(struct call_side *s)
{
    sotto_event *e;
    bool done = false;
    assert_int_equal(sotto_pc_set_local_description(s->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    while (!done) {
        assert_int_equal(sotto_ctx_wait(s->ctx, SOTTO_MS(20000), &e), 1);
        if (e->type == SOTTO_EV_CANDIDATE) {
            done = e->u.candidate.line[0] == '\0';
            if (s->other->other == s && s->dc) keep(0, e->u.candidate.line, NULL); /* A's */
        }
        sotto_event_free(e);
    }
}

static void give(const struct call_side *from, sotto_sdp_type type)
{
    char *sdp;
    assert_int_equal(sotto_pc_local_description(from->pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(from->other->pc, type, sdp, NULL), 0);
    if (type == SOTTO_SDP_OFFER) keep(0, sdp, NULL);
    sotto_free(sdp);
}

static void call_end(struct call *c)
{
    call_free(c);
    sotto_ctx_free(c->a.ctx);
    sotto_ctx_free(c->b.ctx);
}

/* Whether the text holds the address, and not one that begins or ends with it. */
static bool holds(const char *text, const char *address)
{
    size_t n = strlen(address);
    for (const char *at = text; (at = strstr(at, address)); at++) {
        char after = at[n], before = at == text ? ' ' : at[-1];
        if (!strchr("0123456789abcdef.:", after) || after == '\0')
            if (!strchr("0123456789abcdef.:", before) || before == '\0') return true;
    }
    return false;
}

static void must_hide(const struct mode *m, const char *where, const char *text)
{
    for (unsigned i = 0; i < N_OWN; i++)
        if (!(m->told >> i & 1) && holds(text, own[i]))
            fail_msg("%s: %s in %s:\n%s", m->what, own[i], where, text);
    if (strstr(text, "raddr ") && !strstr(text, "raddr 0.0.0.0 rport 0"))
        fail_msg("%s: a related address in %s:\n%s", m->what, where, text);
}

static void look(struct call *c, const struct mode *m)
{
    static int (*const reads[])(sotto_pc *, char **) = {sotto_pc_get_stats_json, sotto_pc_explain,
                                                        sotto_pc_explain_json};
    static const char *const names[] = {"statistics", "the explanation", "its JSON"};
    for (size_t i = 0; i < 3; i++) {
        char *text;
        assert_int_equal(reads[i](c->a.pc, &text), 0);
        must_hide(m, names[i], text);
        sotto_free(text);
    }
    must_hide(m, "candidates, the offer and the log", lines.text);
}

/* proves: ICE-18 S22 */
static void each_mode_hides_what_it_says_ice_18(void **state)
{
    pthread_t server = serve_begin();
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const struct mode *m = &modes[i];
        struct call c;
        call_begin(&c, m);
        gather(&c.a);
        for (unsigned k = 0; k < N_OWN; k++)
            if ((m->told >> k & 1) && !holds(lines.text, own[k]))
                fail_msg("%s: no %s", m->what, own[k]);
        give(&c.a, SOTTO_SDP_OFFER);
        gather(&c.b);
        give(&c.b, SOTTO_SDP_ANSWER);
        if (m->reflexive != holds(lines.text, SEEN)) fail_msg("%s: " SEEN, m->what);
        if (m->nat != holds(lines.text, NAT)) fail_msg("%s: " NAT, m->what);
        if (m->names != (strstr(lines.text, ".local ") != NULL)) fail_msg("%s: names", m->what);
        if (m->connects && !call_run(&c, &c.a.open, 60000))
            fail_msg("%s: does not connect", m->what);
        if (!m->connects) call_run(&c, &c.a.open, 300);
        look(&c, m);
        call_end(&c);
    }
    serve_end(server);
}

/* ---- on the wire ---- */

/* UDP datagrams that left this host or looped, since the last call. */
static size_t count_udp(int wire)
{
    uint8_t p[2048];
    size_t n = 0;
    ssize_t len;
    while ((len = recv(wire, p, sizeof p, MSG_DONTWAIT)) > 0)
        n += len >= 28 &&
             ((p[0] >> 4 == 4 && p[9] == IPPROTO_UDP) || (p[0] >> 4 == 6 && p[6] == IPPROTO_UDP));
    return n;
}

/* proves: ICE-18 S22 */
static void nothing_leaves_where_there_is_no_relay(void **state)
{
    int wire = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    (void)state;
    assert_true(wire >= 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const struct mode *m = &modes[i];
        struct call c;
        if (m->privacy != SOTTO_PRIVACY_PROXY && m->policy == 0) continue;
        call_begin(&c, m);
        count_udp(wire);
        gather(&c.a);
        assert_int_equal(count_udp(wire), 0);
        call_end(&c);
    }
    close(wire);
}

/* The remote's own candidates, numbers and names, are neither checked nor asked for. */
static void a_remote_is_not_looked_for_without_a_relay(void **state)
{
    static const char *const theirs[] = {
        "candidate:1 1 UDP 2130706431 192.168.50.2 5000 typ host",
        "candidate:2 1 UDP 2130706430 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 5000 typ host",
        "candidate:3 1 UDP 2130706429 2001:db8:50::2 5000 typ host"};
    int wire = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const struct mode *m = &modes[i];
        struct mode plain = modes[0];
        struct call c, of_b;
        sotto_event *e;
        if (m->privacy != SOTTO_PRIVACY_PROXY && m->policy == 0) continue;
        plain.policy = SOTTO_ICE_POLICY_RELAY; /* b's, so that it is silent, too */
        call_begin(&of_b, &plain);
        call_begin(&c, m);
        gather(&c.a);
        char *sdp;
        assert_int_equal(sotto_pc_local_description(c.a.pc, 0, NULL, &sdp), 1);
        assert_int_equal(sotto_pc_set_remote_description(of_b.a.pc, SOTTO_SDP_OFFER, sdp, NULL), 0);
        sotto_free(sdp);
        gather(&of_b.a);
        assert_int_equal(sotto_pc_local_description(of_b.a.pc, 0, NULL, &sdp), 1);
        count_udp(wire);
        assert_int_equal(sotto_pc_set_remote_description(c.a.pc, SOTTO_SDP_ANSWER, sdp, NULL), 0);
        sotto_free(sdp);
        for (size_t k = 0; k < 3; k++) {
            sotto_candidate add = {.size = sizeof add, .line = theirs[k], .mid = "0"};
            assert_int_equal(sotto_pc_add_ice_candidate(c.a.pc, &add, NULL), 0);
        }
        for (sotto_us until = sotto_now() + SOTTO_MS(1500); sotto_now() < until;)
            if (sotto_ctx_wait(c.a.ctx, SOTTO_MS(100), &e) == 1) sotto_event_free(e);
        assert_int_equal(count_udp(wire), 0);
        call_end(&c);
        call_end(&of_b);
    }
    close(wire);
}

static void what_cannot_be_gathered_from_is_told_in_words(void **state)
{
    sotto_pc_config cfgs[] = {
        {.size = sizeof *cfgs, .interface = "nosuch0"},
        {.size = sizeof *cfgs, .interface = "lan0", .port_min = 40000, .port_max = 40000}};
    static const char *const words[] = {"nosuch0", "40000"};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(40000)};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    for (size_t i = 0; i < 2; i++) {
        sotto_error err = {.size = sizeof err};
        sotto_ctx *ctx;
        sotto_pc *pc;
        sotto_dc *dc;
        assert_int_equal(sotto_ctx_new(NULL, &ctx), 0);
        assert_int_equal(sotto_pc_new(ctx, &cfgs[i], &pc), 0);
        assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
        assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, &err),
                         SOTTO_E_NETWORK);
        if (!strstr(err.reason, words[i])) fail_msg("%s", err.reason);
        sotto_dc_free(dc);
        sotto_pc_free(pc);
        sotto_ctx_free(ctx);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_hides_what_it_says_ice_18),
        cmocka_unit_test(nothing_leaves_where_there_is_no_relay),
        cmocka_unit_test(a_remote_is_not_looked_for_without_a_relay),
        cmocka_unit_test(what_cannot_be_gathered_from_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, make_interfaces, NULL);
}

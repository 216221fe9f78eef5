/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which servers libnice is told of, and which of them failed (W3C icecandidateerror), which libnice does not tell, and it drops a
 * reflexive candidate that equals the host's. So while candidates are gathered, the next datagram of each socket is looked at before
 * libnice reads it: an answer of a server (RFC 8489 §5, §14.8) is noted. That may miss one, so silence is claimed only of a server that
 * gave no candidate, and only if gathering lasted as long as libnice waits for a silent one. What is noted is for people to read. Only
 * of a server that would have libnice repeat or follow without end, or go where no server can be, nothing more is let through.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/mem.h"

/* Of five sendings: 250, 500, 1000 and 2000 ms after one another, and half as long again; less what a loaded machine is early. */
#define SILENT_AFTER SOTTO_MS(4500)

#define STALE_NONCE 438
#define TRY_ALTERNATE 300
#define MAX_UNHEARD 64 /* datagrams of a bad server that are taken in one turn */
#define NO_ANSWER 701 /* W3C WebRTC §4.8.2 */

static bool is_turn(const struct nice_server *s)
{
    return s->kind > ICE_SERVER_STUN_TLS;
}

int sotto__nice_servers_init(struct ice *ice, const struct ice_cfg *cfg)
{
    if (cfg->n_servers == 0) return 0;
    ice->servers = sotto__calloc(cfg->n_servers, sizeof *ice->servers);
    if (!ice->servers) return SOTTO_E_NOMEM;
    for (size_t i = 0; i < cfg->n_servers && i < SOTTO_MAX_ICE_SERVERS; i++) {
        ice->servers[i].kind = cfg->servers[i].kind;
        ice->servers[i].addr = cfg->servers[i].addr;
        ice->n_servers++;
    }
    return 0;
}

static int add_relay(struct ice *ice, size_t i, const struct ice_server *s)
{
    struct nice_server *to = &ice->servers[i];
    bool is_udp = s->kind == ICE_SERVER_TURN_UDP;
    const struct address *a = &s->addr;
    char text[46];
    to->is_used = true;
    if (!is_udp && !sotto__nice_turn_open(ice, i, s)) return 0; /* a server that failed */
    if (!is_udp) a = sotto__turn_tls_port(to->tls);
    if (!nice_agent_set_relay_info(
            ice->agent, ice->stream, NICE_COMPONENT, sotto__address_text(a, text), a->port,
            s->username ? s->username : "", s->credential ? s->credential : "",
            is_udp ? NICE_RELAY_TYPE_TURN_UDP : NICE_RELAY_TYPE_TURN_TCP))
        return SOTTO_E_SYS;
    ice->n_turn++;
    if (!is_udp) ice->n_turn_tcp++;
    return 0;
}

/* The first STUN server and every TURN server; libnice knows no more of the former. */
int sotto__nice_servers_add(struct ice *ice, const struct ice_server *servers, size_t n)
{
    bool has_stun = false;
    char text[46];
    int r = 0;
    for (size_t i = 0; i < ice->n_servers && i < n && r == 0; i++) {
        const struct ice_server *s = &servers[i];
        if (s->addr.family == 0) continue; /* nobody knows its name */
        ice->servers[i].addr = s->addr;
        if (s->kind > ICE_SERVER_STUN_TLS) r = add_relay(ice, i, s);
        if (s->kind != ICE_SERVER_STUN) continue;
        if (!has_stun)
            g_object_set(ice->agent, "stun-server", sotto__address_text(&s->addr, text),
                         "stun-server-port", (guint)s->addr.port, NULL);
        ice->servers[i].is_used = !has_stun && !ice->relay_only; /* libnice asks none then */
        has_stun = true;
    }
    return r;
}

void sotto__nice_server_answer(struct nice_server *s, const struct stun_answer *a)
{
    if (a->method != (is_turn(s) ? STUN_ALLOCATE : STUN_BINDING)) return;
    if (!a->is_error) s->answered = true;
    if (a->code == 0) return;
    s->code = a->code;
    sotto__stun_reason(a->reason, s->text, sizeof s->text);
    if (a->code == TRY_ALTERNATE && a->alternate.family != 0) s->alternate = a->alternate;
}

/* What libnice would do without end or at a stranger's will: follow and repeat. */
static bool is_bad(const struct ice *ice, struct nice_server *s, const struct stun_answer *a)
{
    if (a->method != STUN_ALLOCATE || !is_turn(s)) return false;
    if (a->code == STALE_NONCE) s->n_stale++;
    if (a->code == TRY_ALTERNATE) s->n_moves++;
    return s->n_stale > SOTTO_MAX_TURN_STALE || s->n_moves > SOTTO_MAX_TURN_ALTERNATES ||
           (a->code == TRY_ALTERNATE && a->alternate.family != 0 &&
            !sotto__address_usable(&a->alternate, ice->allow_loopback));
}

bool sotto__nice_head(int fd, struct address *ret, uint8_t *p, size_t *n)
{
    union {
        struct sockaddr sa;
        struct sockaddr_storage any;
    } from = {.any = {0}};
    NiceAddress address;
    socklen_t len = sizeof from;
    ssize_t got = recvfrom(fd, p, *n, MSG_PEEK | MSG_DONTWAIT, &from.sa, &len);
    if (got <= 0 || len == 0) return false; /* TCP has no sender: see ice_nice_turn.c */
    if (from.sa.sa_family != AF_INET && from.sa.sa_family != AF_INET6) return false;
    nice_address_init(&address);
    nice_address_set_from_sockaddr(&address, &from.sa);
    sotto__nice_to_address(&address, ret);
    *n = (size_t)got;
    return true;
}

/* The next datagram of a socket, if a server sent it; true: libnice was not to see it, and there may be another. */
static bool hear(struct ice *ice, int fd)
{
    uint8_t bytes[1500];
    size_t n = sizeof bytes;
    struct address from;
    struct stun_answer a;
    if (!sotto__nice_head(fd, &from, bytes, &n)) return false;
    for (size_t k = 0; k < ice->n_servers; k++) {
        struct nice_server *s = &ice->servers[k];
        bool is_its = sotto__address_eq(&from, &s->addr) || sotto__address_eq(&from, &s->alternate);
        if (!is_its || s->tls) continue;
        if (!s->is_bad && sotto__stun_answer(bytes, n, &a)) {
            sotto__nice_server_answer(s, &a);
            s->is_bad = is_bad(ice, s, &a);
            ice->has_bad = ice->has_bad || s->is_bad;
        }
        if (s->is_bad) return recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0;
    }
    return false;
}

void sotto__nice_servers_listen(struct ice *ice)
{
    const struct nice_loop *l = ice->loop;
    if (ice->n_servers == 0 || (ice->gathered && !ice->has_bad)) return;
    for (gint i = 0; i < l->n; i++)
        if (l->fds[i].revents & G_IO_IN)
            for (int n = 0; n < MAX_UNHEARD && hear(ice, l->fds[i].fd);) n++;
}

void sotto__nice_servers_gave(struct ice *ice, const struct candidate *c)
{
    if (c->type == CANDIDATE_RELAY) ice->n_relay++;
    for (size_t i = 0; i < ice->n_servers; i++) {
        struct nice_server *s = &ice->servers[i];
        bool is_there = c->addr.family == s->addr.family &&
                        memcmp(c->addr.ip, s->addr.ip, sizeof s->addr.ip) == 0;
        if (c->type == CANDIDATE_SRFLX && !is_turn(s)) s->answered = true;
        if (c->type == CANDIDATE_RELAY && is_turn(s) && is_there) s->answered = true;
    }
}

static bool worked(const struct ice *ice, const struct nice_server *s)
{
    if (s->answered) return true;
    bool is_its = ice->n_turn == 1 || s->code == 300; /* it sent us to another: RFC 8489 §10 */
    return is_turn(s) && ice->n_relay > 0 && is_its;
}

bool sotto__nice_server_error(struct ice *ice, struct ice_out *out)
{
    while (ice->n_servers_yielded < ice->n_servers) {
        size_t i = ice->n_servers_yielded++;
        const struct nice_server *s = &ice->servers[i];
        bool was_long = ice->gathered_at - ice->gather_at >= SILENT_AFTER;
        if (s->kind == ICE_SERVER_STUN_TLS && s->addr.family != 0) {
            *out = (struct ice_out){.type = ICE_OUT_SERVER, .server = i, .code = NO_ANSWER};
            out->text = "not asked: stuns gives no address for UDP";
            return true;
        }
        if (!s->is_used || worked(ice, s)) continue;
        *out = (struct ice_out){.type = ICE_OUT_SERVER, .server = i, .code = NO_ANSWER};
        out->text = "no answer";
        if (s->code != 0) {
            out->code = s->code;
            out->text = s->text;
        } else if (!ice->has_family[s->addr.family == 6]) {
            out->text = "no local address of its family";
        } else if (!was_long && !s->tls) {
            continue; /* it did answer, or libnice would have waited */
        }
        return true;
    }
    return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers of one generation: TURN servers are libnice's, STUN servers ours (ice_nice_stun.c). A name may have an address of each family,
 * so each server has two places. And which of them failed (W3C icecandidateerror), which libnice does not tell. So while candidates are
 * gathered, what waits in the sockets is looked at before libnice reads it: an answer of a server (RFC 8489 §5, §14.8) is noted. What is
 * noted is for people to read. Only of a server that would have libnice repeat or follow without end, or go where no server can be,
 * nothing more is let through. Silence is claimed of a server that gave no candidate for as long as libnice waits for a silent one.
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
#define MAX_ANSWER 1500u /* bytes of a datagram */
#define MAX_UNHEARD 64 /* datagrams that are looked at in one turn */
#define NO_ANSWER 701 /* W3C WebRTC §4.8.2 */
#define NICE_TURN_SERVERS 8u /* libnice takes no more */
#define PREFERENCE_SHIFT 14 /* of a relay's priority: its server's place in libnice's list, above 6 bits for the base and 8 more */

static bool is_turn(const struct nice_server *s)
{
    return s->kind > ICE_SERVER_STUN_TLS;
}

int sotto__nice_servers_init(struct ice *ice, const struct ice_cfg *cfg)
{
    size_t n = cfg->n_servers < SOTTO_MAX_ICE_SERVERS ? cfg->n_servers : SOTTO_MAX_ICE_SERVERS;
    ice->more_servers = cfg->more_servers;
    if (n == 0) return 0;
    ice->servers = sotto__calloc(2 * n, sizeof *ice->servers);
    if (!ice->servers) return SOTTO_E_NOMEM;
    ice->n_servers = n;
    for (size_t i = 0; i < n; i++) {
        const struct ice_server *s = &cfg->servers[i];
        bool is_tcp = s->kind == ICE_SERVER_TURN_TCP || s->kind == ICE_SERVER_TURN_TLS;
        ice->servers[i].kind = ice->servers[n + i].kind = s->kind;
        ice->servers[i].addr = s->addr;
        if (is_tcp) ice->may_turn_tcp += s->host ? 2 : 1;
    }
    if (ice->may_turn_tcp > NICE_TURN_SERVERS) ice->may_turn_tcp = NICE_TURN_SERVERS;
    return 0;
}

static void add_relay(struct ice *ice, struct nice_server *to, const struct ice_server *s)
{
    bool is_udp = s->kind == ICE_SERVER_TURN_UDP;
    const struct address *a = &to->addr;
    char text[46];
    if (ice->no_relays) return; /* see say() */
    if (!is_udp && !sotto__nice_turn_open(ice, to, s)) return; /* a server that failed */
    if (!is_udp) a = sotto__turn_tls_port(to->tls);
    to->turn = (uint8_t)ice->n_turn++;
    if (!is_udp) ice->n_turn_tcp++;
    ice->loop->stale = true;
    if (ice->gather_called) {
        ice->nice_gathered = ice->nice_gathered && !ice->has_family[to->addr.family == 6];
        if (!is_udp) sotto__nice_turn_start(ice, to);
    }
    nice_agent_set_relay_info(ice->agent, ice->stream, NICE_COMPONENT, sotto__address_text(a, text),
                              a->port, s->username ? s->username : "",
                              s->credential ? s->credential : "",
                              is_udp ? NICE_RELAY_TYPE_TURN_UDP : NICE_RELAY_TYPE_TURN_TCP);
}

static void add(struct ice *ice, struct nice_server *to, const struct ice_server *s,
                const struct address *addr)
{
    to->addr = *addr;
    to->is_used = s->kind != ICE_SERVER_STUN || !ice->relay_only;
    to->asked_at = ice->loop->now;
    if (s->kind > ICE_SERVER_STUN_TLS)
        add_relay(ice, to, s);
    else if (s->kind == ICE_SERVER_STUN && to->is_used && ice->gather_called)
        sotto__nice_stun_ask(ice, (size_t)(to - ice->servers), ice->loop->now);
}

/* Not the second addresses before the first ones of all have their places. */
static bool has_room(const struct ice *ice)
{
    size_t wanted = ice->n_turn;
    for (size_t i = 0; i < ice->n_servers; i++)
        wanted += is_turn(&ice->servers[i]) && !ice->servers[i].is_used;
    return wanted < NICE_TURN_SERVERS;
}

void sotto__nice_servers_add(struct ice *ice, const struct ice_server *servers, size_t n,
                             bool is_last, sotto_us now)
{
    ice->loop->now = now;
    ice->more_servers = ice->more_servers && !is_last;
    ice->has_news = true;
    if (ice->close_called || ice->gathered) return;
    for (size_t i = 0; i < ice->n_servers && i < n; i++) {
        const struct ice_server *s = &servers[i];
        struct nice_server *first = &ice->servers[i], *second = &ice->servers[ice->n_servers + i];
        if (s->addr.family != 0 && !first->is_used) add(ice, first, s, &s->addr);
        bool is_wanted = s->kind != ICE_SERVER_STUN_TLS && s->second.family != 0 &&
                         !second->is_used && ice->has_family[s->second.family == 6];
        if (is_wanted && (!is_turn(second) || has_room(ice))) add(ice, second, s, &s->second);
    }
}

void sotto__nice_servers_start(struct ice *ice)
{
    for (size_t i = 0; i < 2 * ice->n_servers; i++) {
        struct nice_server *s = &ice->servers[i];
        s->asked_at = ice->loop->now;
        if (s->tls) sotto__nice_turn_start(ice, s);
    }
}

void sotto__nice_servers_ask(struct ice *ice)
{
    for (size_t i = 0; i < ice->n_servers; i++)
        if (ice->servers[i].is_used && ice->servers[i].kind == ICE_SERVER_STUN)
            sotto__nice_stun_ask(ice, i, ice->loop->now);
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

/* A datagram of a server; true: libnice is not to see it. */
static bool note(struct ice *ice, int fd, const struct address *from, const uint8_t *p, size_t n)
{
    struct stun_answer a;
    if (sotto__nice_stun_hear(ice, fd, from, p, n)) return true;
    for (size_t k = 0; k < 2 * ice->n_servers; k++) {
        struct nice_server *s = &ice->servers[k];
        bool is_its = sotto__address_eq(from, &s->addr) || sotto__address_eq(from, &s->alternate);
        if (!is_its || s->tls || !is_turn(s) || !s->is_used) continue;
        if (n == MAX_ANSWER) { /* cut: libnice takes it whole, and cannot repeat a realm of that size */
            s->code = NO_ANSWER;
            snprintf(s->text, sizeof s->text, "an answer of more than %u bytes", MAX_ANSWER);
        }
        if (!s->is_bad && sotto__stun_answer(p, n, &a)) {
            sotto__nice_server_answer(s, &a);
            s->is_bad = is_bad(ice, s, &a);
            ice->has_bad = ice->has_bad || s->is_bad;
        }
        if (s->is_bad) return true;
    }
    return false;
}

/* Those behind the first one, which libnice reads before anybody can look again: noted, and left. first: the bytes of that one. */
static void look_behind(struct ice *ice, int fd, int first)
{
    uint8_t bytes[MAX_ANSWER];
    struct address from;
    int off = -1;
    if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &first, sizeof first) != 0) return; /* an old kernel: it may miss one */
    for (int i = 0; i < MAX_UNHEARD; i++) {
        size_t n = sizeof bytes;
        if (!sotto__nice_head(fd, &from, bytes, &n)) break;
        (void)note(ice, fd, &from, bytes, n);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off);
}

static void hear(struct ice *ice, int fd)
{
    uint8_t bytes[MAX_ANSWER];
    struct address from;
    for (int i = 0; i < MAX_UNHEARD; i++) {
        size_t n = sizeof bytes;
        if (!sotto__nice_head(fd, &from, bytes, &n)) return;
        if (!note(ice, fd, &from, bytes, n)) {
            look_behind(ice, fd, (int)n);
            return;
        }
        if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) < 0) return;
    }
}

void sotto__nice_servers_listen(struct ice *ice)
{
    const struct nice_loop *l = ice->loop;
    if (ice->n_servers == 0 || (ice->gathered && !ice->has_bad)) return;
    for (gint i = 0; i < l->n; i++)
        if (l->fds[i].revents & G_IO_IN) hear(ice, l->fds[i].fd);
}

void sotto__nice_servers_gave(struct ice *ice, const struct candidate *c)
{
    size_t i = sotto__nice_server_of(ice, c);
    if (c->type == CANDIDATE_RELAY && i < 2 * ice->n_servers)
        ice->servers[i].answered = ice->servers[i].gave = true;
    if (c->type == CANDIDATE_RELAY) ice->n_relay++;
}

void sotto__nice_server_is_odd(struct ice *ice, const struct candidate *c)
{
    size_t i = sotto__nice_server_of(ice, c);
    if (c->type == CANDIDATE_RELAY) ice->n_relay--;
    if (c->type != CANDIDATE_RELAY || i >= 2 * ice->n_servers) return;
    struct nice_server *s = &ice->servers[i];
    s->answered = s->gave = false;
    s->code = NO_ANSWER;
    snprintf(s->text, sizeof s->text, "it relays from no address that could be");
}

size_t sotto__nice_server_of(const struct ice *ice, const struct candidate *c)
{
    size_t found = SIZE_MAX;
    if (c->type == CANDIDATE_SRFLX && sotto__nice_stun_is_ours(ice, &c->addr, &found)) return found;
    for (size_t i = 0; c->type == CANDIDATE_RELAY && i < 2 * ice->n_servers; i++) {
        const struct nice_server *s = &ice->servers[i];
        if (is_turn(s) && s->is_used && s->turn == (c->priority >> PREFERENCE_SHIFT & 7)) found = i;
    }
    return found;
}

/* A second relay at the same address is given back by libnice without a word; but one that gives the only relay must have given it. */
static bool has_worked(const struct ice *ice, const struct nice_server *s)
{
    return s->answered && (!is_turn(s) || s->gave || ice->n_relay > 0);
}

/* Both places of it, if there are two. */
static bool worked(const struct ice *ice, size_t i)
{
    return has_worked(ice, &ice->servers[i]) || has_worked(ice, &ice->servers[ice->n_servers + i]);
}

/* What is said of one place: its code, 0 if nothing. */
static int32_t say(const struct ice *ice, const struct nice_server *s, const char **text)
{
    bool was_long = ice->gathered_at - s->asked_at >= SILENT_AFTER || ice->was_cut_short;
    *text = "no answer";
    if (!s->is_used) return 0;
    if (is_turn(s) && ice->no_relays) {
        *text = "not asked: this host has too many addresses";
        return NO_ANSWER;
    }
    if (is_turn(s) && s->answered) {
        *text = "its allocation was not believed";
        return NO_ANSWER;
    }
    if (s->code != 0) {
        *text = s->text;
        return s->code;
    }
    if (!ice->has_family[s->addr.family == 6]) {
        *text = "no local address of its family";
        return NO_ANSWER;
    }
    return was_long || s->tls ? NO_ANSWER : 0; /* else it did answer, or libnice would have waited */
}

bool sotto__nice_server_error(struct ice *ice, struct ice_out *out)
{
    while (ice->n_servers_yielded < ice->n_servers) {
        size_t i = ice->n_servers_yielded++;
        const struct nice_server *s = &ice->servers[i], *second = &ice->servers[ice->n_servers + i];
        const char *text[2];
        *out = (struct ice_out){.type = ICE_OUT_SERVER, .server = i, .code = NO_ANSWER};
        if (s->kind == ICE_SERVER_STUN_TLS && s->addr.family != 0) {
            out->text = "not asked: stuns gives no address for UDP";
            return true;
        }
        if (worked(ice, i)) continue;
        int32_t code[2] = {say(ice, s, &text[0]), say(ice, second, &text[1])};
        bool has_words = code[1] != 0 && code[1] != NO_ANSWER; /* of the server itself */
        int k = code[0] == 0 || (code[0] == NO_ANSWER && has_words);
        if (code[k] == 0) continue;
        out->code = code[k];
        out->text = text[k];
        sotto__nice_local_of(ice, k ? second : s, &out->local);
        return true;
    }
    return false;
}

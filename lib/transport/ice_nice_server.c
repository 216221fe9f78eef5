/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which STUN and TURN servers failed (W3C icecandidateerror), which libnice does not tell, and it drops a reflexive candidate that
 * equals the host's. So while candidates are gathered, the next datagram of each socket is looked at before libnice reads it: an
 * answer of a server (RFC 8489 §5, §14.8) is noted. That may miss one, so silence is claimed only of a server that gave no
 * candidate, and only if gathering lasted as long as libnice waits for a silent one. What is noted is for people to read; it
 * changes nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/bytes.h"
#include "util/mem.h"

/* Of five sendings: 250, 500, 1000 and 2000 ms after one another, and half as long again; less what a loaded machine is early. */
#define SILENT_AFTER SOTTO_MS(4500)

#define TYPE_MASK 0x3eefu /* without the class: RFC 8489 §5 */
#define BINDING 0x0001u
#define ALLOCATE 0x0003u
#define CLASS_MASK 0x0110u
#define CLASS_SUCCESS 0x0100u
#define CLASS_ERROR 0x0110u
#define ERROR_CODE 0x0009u
#define NO_ANSWER 701 /* W3C WebRTC §4.8.2 */

static bool is_turn(const struct nice_server *s)
{
    return s->kind != ICE_SERVER_STUN;
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

/* The text of a stranger: only what can be printed. */
static void copy_reason(char *to, size_t cap, const uint8_t *p, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n && used + 1 < cap; i++)
        to[used++] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
    to[used] = '\0';
}

/* RFC 8489 §14.8: the hundreds in three bits, the rest in a byte of 0…99, then the reason. */
static void read_error(struct nice_server *s, struct reader value)
{
    uint32_t word = sotto__read_u32(&value);
    int32_t hundreds = word >> 8 & 7, rest = word & 0xff;
    if (value.bad || hundreds < 3 || hundreds > 6 || rest > 99) return;
    s->code = 100 * hundreds + rest;
    copy_reason(s->text, sizeof s->text, value.p, value.n);
}

void sotto__nice_server_answer(struct nice_server *s, const uint8_t *p, size_t n)
{
    struct reader r = sotto__reader(p, n);
    unsigned type = sotto__read_u16(&r), length = sotto__read_u16(&r);
    sotto__read_view(&r, 16); /* cookie and transaction */
    if (r.bad || length != r.n || (type & TYPE_MASK) != (is_turn(s) ? ALLOCATE : BINDING)) return;
    if ((type & CLASS_MASK) == CLASS_SUCCESS) s->answered = true;
    if ((type & CLASS_MASK) != CLASS_ERROR) return;
    while (r.n >= 4) {
        unsigned attribute = sotto__read_u16(&r);
        size_t size = sotto__read_u16(&r);
        const uint8_t *value = sotto__read_view(&r, size);
        if (!value) return;
        if (attribute == ERROR_CODE) read_error(s, sotto__reader(value, size));
        sotto__read_view(&r, (4 - size % 4) % 4);
    }
}

static bool sender_of(int fd, struct address *ret, uint8_t *p, size_t *n)
{
    union {
        struct sockaddr sa;
        struct sockaddr_storage any;
    } from = {.any = {0}};
    NiceAddress address;
    socklen_t len = sizeof from;
    ssize_t got = recvfrom(fd, p, *n, MSG_PEEK | MSG_DONTWAIT, &from.sa, &len);
    if (got <= 0) return false;
    if (len == 0) { /* TCP */
        len = sizeof from;
        if (getpeername(fd, &from.sa, &len) != 0) return false;
    }
    if (from.sa.sa_family != AF_INET && from.sa.sa_family != AF_INET6) return false;
    nice_address_init(&address);
    nice_address_set_from_sockaddr(&address, &from.sa);
    sotto__nice_to_address(&address, ret);
    *n = (size_t)got;
    return true;
}

void sotto__nice_servers_listen(struct ice *ice)
{
    const struct nice_loop *l = ice->loop;
    if (ice->gathered || ice->n_servers == 0) return;
    for (gint i = 0; i < l->n; i++) {
        uint8_t bytes[1500];
        size_t n = sizeof bytes;
        struct address from;
        if (!(l->fds[i].revents & G_IO_IN) || !sender_of(l->fds[i].fd, &from, bytes, &n)) continue;
        for (size_t k = 0; k < ice->n_servers; k++)
            if (sotto__address_eq(&from, &ice->servers[k].addr))
                sotto__nice_server_answer(&ice->servers[k], bytes, n);
    }
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
        if (!s->is_used || worked(ice, s)) continue;
        *out = (struct ice_out){.type = ICE_OUT_SERVER, .server = i, .code = NO_ANSWER};
        out->text = "no answer";
        if (s->code != 0) {
            out->code = s->code;
            out->text = s->text;
        } else if (!ice->has_family[s->addr.family == 6]) {
            out->text = "no local address of its family";
        } else if (!was_long && s->kind != ICE_SERVER_TURN_TCP) {
            continue; /* it did answer, or libnice would have waited */
        }
        return true;
    }
    return false;
}

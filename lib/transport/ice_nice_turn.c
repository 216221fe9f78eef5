/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TURN over TCP and TLS for libnice: what is between it and such servers (turn_tls.c), one for each address. libnice is told of a port of
 * this host instead of the server; it connects once for each local address, the first one is taken. What the servers say is noted as of
 * those over UDP (ice_nice_server.c); that one ended closes libnice's connection, which it notices by itself. In and out: bytes, by turns.
 * answers: H053
 */
#include <stdio.h>

#include "transport/ice_nice.h"

bool sotto__nice_turn_open(struct ice *ice, struct nice_server *to, const struct ice_server *s)
{
    struct turn_tls_cfg its = {.addr = to->addr,
                               .host = s->host,
                               .is_tls = s->kind == ICE_SERVER_TURN_TLS,
                               .allow_loopback = ice->allow_loopback,
                               .ca_file = ice->ca_file,
                               .interface = ice->interface};
    if (sotto__turn_tls_new(&to->tls, &its) == 0) return true;
    to->code = 701;
    snprintf(to->text, sizeof to->text, "no port of this host");
    return false;
}

void sotto__nice_turn_start(struct ice *ice, struct nice_server *s)
{
    sotto__turn_tls_start(s->tls, ice->loop->now);
    ice->loop->turn_ready = ice->has_news = true;
}

/* libnice's sockets are in its context since it began to connect. */
static void let_in(struct ice *ice, struct turn_tls *t)
{
    int fds[SOTTO_MAX_ICE_FDS];
    size_t n = 0;
    sotto__nice_loop_query(ice->loop);
    for (gint k = 0; k < ice->loop->n; k++) fds[n++] = ice->loop->fds[k].fd;
    sotto__turn_tls_accept(t, fds, n);
}

static void turn(struct ice *ice, struct nice_server *s, sotto_us now)
{
    struct stun_answer a;
    int r;
    if (sotto__turn_tls_waits(s->tls)) let_in(ice, s->tls);
    while ((r = sotto__turn_tls_next(s->tls, now, &a)) == 1) sotto__nice_server_answer(s, &a);
    if (r == 0 || s->is_bad) return;
    int32_t code;
    const char *why = sotto__turn_tls_why(s->tls, &code);
    s->is_bad = true; /* once */
    if (code == 0) return;
    SOTTO_LOG(ice->log, SOTTO_LOG_WARNING, "ice", "turn server: %s", why);
    if (s->answered || (code == 701 && s->code != 0 && s->code != 401)) return;
    s->code = code;
    snprintf(s->text, sizeof s->text, "%.127s", why);
}

void sotto__nice_turn_turn(struct ice *ice, sotto_us now)
{
    if (!ice->loop->turn_ready && now < sotto__nice_turn_due(ice)) return;
    ice->loop->turn_ready = false;
    for (size_t i = 0; i < 2 * ice->n_servers; i++)
        if (ice->servers[i].tls) turn(ice, &ice->servers[i], now);
}

int sotto__nice_turn_fds(const struct ice *ice, struct sotto_fd *out, int n, int max)
{
    ice->loop->turn_slot = n;
    for (size_t i = 0; ice->n_turn_tcp > 0 && i < 2 * ice->n_servers; i++)
        if (ice->servers[i].tls) n += sotto__turn_tls_fds(ice->servers[i].tls, out + n, max - n);
    return n;
}

bool sotto__nice_turn_ready(struct ice *ice, int slot)
{
    if (slot < ice->loop->turn_slot) return false;
    ice->loop->turn_ready = true;
    return true;
}

sotto_us sotto__nice_turn_due(const struct ice *ice)
{
    sotto_us due = SOTTO_NEVER;
    for (size_t i = 0; ice->n_turn_tcp > 0 && i < 2 * ice->n_servers; i++)
        if (ice->servers[i].tls)
            due = sotto__earlier(due, sotto__turn_tls_due(ice->servers[i].tls));
    return due;
}

void sotto__nice_turn_free(struct ice *ice)
{
    for (size_t i = 0; i < 2 * ice->n_servers; i++) {
        sotto__turn_tls_free(ice->servers[i].tls);
        ice->servers[i].tls = NULL;
    }
}

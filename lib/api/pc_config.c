/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of pc.h that read and change the configuration (W3C getConfiguration() and setConfiguration(), RFC 9429 §4.1.18) and
 * look at the transport. In: sotto_pc_config; out: one block with everything that it points to. What URLs mean is config.c's.
 */
#include <stdio.h>
#include <string.h>

#include "api/ctx.h"
#include "util/mem.h"
#include "util/str.h"

/* ---- reading ---- */

static size_t text_size(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *copy_text(char **at, const char *s)
{
    size_t n = text_size(s);
    char *to = *at;
    if (n == 0) return NULL;
    memcpy(to, s, n);
    *at += n;
    return to;
}

#define EXTERNAL_SIZE 94u /* two addresses and a comma */
#define PIN_SIZE 224u     /* see sotto__fingerprint_text() */

static const char *copy_external(char **at, const struct address a[2])
{
    char one[46], other[46], both[EXTERNAL_SIZE];
    if (a[0].family == 0 && a[1].family == 0) return NULL;
    snprintf(both, sizeof both, "%s%s%s", sotto__address_text(&a[0], one),
             a[0].family && a[1].family ? "," : "", sotto__address_text(&a[1], other));
    return copy_text(at, both);
}

/* Behind the servers there is room for them. */
static const char *const *copy_pins(const char **to, char **at, const struct transport_cfg *t)
{
    char text[224];
    for (size_t i = 0; i < t->n_pins; i++) {
        sotto__fingerprint_text(&t->pins[i], text);
        to[i] = copy_text(at, text);
    }
    return t->n_pins > 0 ? to : NULL;
}

static sotto_pc_config *make_block(const sotto_pc *pc, const struct peer_cfg *cfg)
{
    const struct transport_cfg *t = &cfg->transport;
    size_t n = text_size(t->interface) + text_size(t->ca_file) + EXTERNAL_SIZE;
    for (size_t i = 0; i < t->n_servers; i++)
        n += text_size(t->servers[i].url) + text_size(t->servers[i].username) +
             text_size(t->servers[i].credential);
    n += t->n_pins * (sizeof(char *) + PIN_SIZE);
    sotto_pc_config *ret = sotto__malloc(sizeof *ret + t->n_servers * sizeof(sotto_ice_server) + n);
    if (!ret) return NULL;
    sotto_ice_server *servers = (sotto_ice_server *)(void *)(ret + 1);
    const char **pins = (const char **)(void *)(servers + t->n_servers);
    char *at = (char *)(pins + t->n_pins);
    *ret = (sotto_pc_config){
        .size = sizeof *ret,
        .ice_servers = t->n_servers > 0 ? servers : NULL,
        .n_ice_servers = t->n_servers,
        .ice_transport_policy = t->relay_only ? SOTTO_ICE_POLICY_RELAY : SOTTO_ICE_POLICY_ALL,
        .privacy_mode = t->privacy,
        .bundle_policy = pc->bundle_policy,
        .port_min = t->port_min,
        .port_max = t->port_max,
        .interface = copy_text(&at, t->interface),
        .cert = pc->cert,
        .max_message_size = t->max_message_size,
        .max_channels = cfg->max_channels,
        .max_buffered_bytes = cfg->max_buffered,
        .user = pc->user,
        .allow_loopback = t->allow_loopback,
        .ca_file = copy_text(&at, t->ca_file),
        .no_auto_restart = cfg->no_auto_restart,
        .external_address = copy_external(&at, t->external),
        .peer_fingerprints = copy_pins(pins, &at, t),
        .n_peer_fingerprints = t->n_pins,
        .required_verification = cfg->required_verification,
    };
    for (size_t i = 0; i < t->n_servers; i++)
        servers[i] = (sotto_ice_server){.size = sizeof *servers,
                                        .url = copy_text(&at, t->servers[i].url),
                                        .username = copy_text(&at, t->servers[i].username),
                                        .credential = copy_text(&at, t->servers[i].credential)};
    return ret;
}

SOTTO_API int sotto_pc_get_config(sotto_pc *pc, sotto_pc_config **ret)
{
    struct peer *peer;
    struct peer_cfg cfg;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto__peer_get_config(peer, &cfg);
    sotto_pc_config *block = make_block(pc, &cfg);
    sotto__pc_leave(pc);
    if (!block) return SOTTO_E_NOMEM;
    *ret = block;
    return 0;
}

/* ---- changing ---- */

/* None given: as they are. */
static bool same_pins(const struct transport_cfg *a, const struct transport_cfg *b)
{
    if (b->n_pins == 0) return true;
    if (a->n_pins != b->n_pins) return false;
    for (size_t i = 0; i < a->n_pins; i++) /* both were written by the same reader */
        if (strcmp(a->pins[i].hash, b->pins[i].hash) != 0 ||
            memcmp(a->pins[i].bytes, b->pins[i].bytes, a->pins[i].n_bytes) != 0)
            return false;
    return true;
}

/* What may not change is as it was. is: as it stands; to: as it would be, servers aside. */
static bool keeps(const sotto_pc *pc, const struct peer_cfg *is, const struct pc_config *to)
{
    const struct transport_cfg *a = &is->transport, *b = &to->peer.transport;
    if (b->cert && b->cert != a->cert) return false; /* the same one by another handle is fine */
    if (to->user && to->user != pc->user) return false;
    return to->bundle_policy == pc->bundle_policy && a->max_message_size == b->max_message_size &&
           is->max_channels == to->peer.max_channels && is->max_buffered == to->peer.max_buffered &&
           is->no_auto_restart == to->peer.no_auto_restart &&
           is->required_verification == to->peer.required_verification && same_pins(a, b) &&
           a->allow_loopback == b->allow_loopback;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* How a URL is written does not matter, where it leads does. */
static bool same_servers(const struct transport_cfg *a, const struct transport_cfg *b)
{
    if (a->n_servers != b->n_servers) return false;
    for (size_t i = 0; i < a->n_servers; i++) {
        const struct ice_server *x = &a->servers[i], *y = &b->servers[i];
        bool same = x->host || y->host ? x->addr.port == y->addr.port && same_text(x->host, y->host)
                                       : sotto__address_eq(&x->addr, &y->addr);
        if (x->kind != y->kind || !same || !same_text(x->username, y->username) ||
            !same_text(x->credential, y->credential))
            return false;
    }
    return true;
}

static bool gathers_alike(const struct transport_cfg *a, const struct transport_cfg *b)
{
    return sotto__address_eq(&a->external[0], &b->external[0]) &&
           sotto__address_eq(&a->external[1], &b->external[1]) && a->relay_only == b->relay_only &&
           a->privacy == b->privacy && a->port_min == b->port_min && a->port_max == b->port_max &&
           same_text(a->interface, b->interface) && same_text(a->ca_file, b->ca_file) &&
           same_servers(a, b);
}

/* W3C looks at what may not change before it reads the servers. */
static int check(const sotto_pc *pc, const struct peer_cfg *is, const sotto_pc_config *cfg)
{
    sotto_pc_config bare = *cfg;
    struct pc_config to;
    bare.cert = NULL;
    bare.n_ice_servers = 0;
    int r = sotto__config_read(&bare, &to);
    if (r < 0) return r;
    if (cfg->cert) {
        to.peer.transport.cert = sotto__cert_of(cfg->cert); /* one that has ended meanwhile still serves */
        if (!to.peer.transport.cert) r = SOTTO_E_INVAL;
    }
    if (r == 0 && !keeps(pc, is, &to)) r = SOTTO_E_MODIFICATION;
    sotto__config_free(&to);
    return r;
}

static int configure(sotto_pc *pc, struct peer *peer, sotto_pc_config *cfg)
{
    struct peer_cfg is;
    struct pc_config to;
    sotto__peer_get_config(peer, &is);
    int r = check(pc, &is, cfg);
    cfg->cert = NULL;
    if (r == 0) r = sotto__config_read(cfg, &to);
    if (r < 0) return r;
    bool restart = !gathers_alike(&is.transport, &to.peer.transport);
    r = sotto__peer_configure(peer, &to.peer.transport, restart);
    sotto__config_free(&to);
    return r;
}

SOTTO_API int sotto_pc_set_config(sotto_pc *pc, const sotto_pc_config *cfg)
{
    struct peer *peer;
    sotto_pc_state s;
    sotto_pc_config all;
    int r = sotto__config_copy(cfg, sizeof all, offsetof(sotto_pc_config, allow_loopback), &all);
    if (r < 0) return r;
    all.size = sizeof all;
    struct pc_config early; /* authorities are read here, without the lock; all else that it may say is said below */
    r = sotto__config_read(&all, &early);
    if (r == SOTTO_E_NOMEM) return r;
    if (r == 0) sotto__config_free(&early);
    r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto__peer_get_state(peer, &s);
    r = s.signaling == SOTTO_SIGNALING_CLOSED ? SOTTO_E_CLOSED : configure(pc, peer, &all);
    sotto__pc_leave(pc);
    return r;
}

/* ---- the transport ---- */

SOTTO_API int sotto_pc_get_transport(sotto_pc *pc, sotto_transport_info *ret)
{
    struct peer *peer;
    sotto_transport_info info = {0};
    if (!ret || ret->size < sizeof ret->size) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto__peer_get_transport(peer, &info);
    sotto__pc_leave(pc);
    info.size = ret->size;
    memcpy(ret, &info, ret->size < sizeof info ? ret->size : sizeof info);
    return 0;
}

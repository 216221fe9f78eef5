/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading sotto_pc_config: ranges, defaults, and the URLs of ICE servers (RFC 7064, RFC 7065). In: what the application gave; out: what
 * peer/ wants. Names are not resolved here.
 * answers: A22
 */
#include <string.h>
#include <time.h>

#include "api/ctx.h"
#include "api/verify.h"
#include "transport/turn_tls.h"
#include "util/mem.h"
#include "util/secret.h"
#include "util/str.h"
#include "wire/ice_url.h"

static int read_url(struct str text, struct ice_server *ret)
{
    static const enum ice_server_kind kinds[][2] = {
        [ICE_URL_STUN] = {ICE_SERVER_STUN, ICE_SERVER_STUN},
        [ICE_URL_STUNS] = {ICE_SERVER_STUN_TLS, ICE_SERVER_STUN_TLS},
        [ICE_URL_TURN] = {ICE_SERVER_TURN_UDP, ICE_SERVER_TURN_TCP},
        [ICE_URL_TURNS] = {ICE_SERVER_TURN_TLS, ICE_SERVER_TURN_TLS},
    };
    struct ice_url url;
    int r = sotto__ice_url_parse(text, &url);
    if (r < 0) return r;
    ret->kind = kinds[url.scheme][url.is_tcp];
    ret->addr = url.addr;
    if (url.addr.family != 0) return 0;
    ret->host = sotto__strndup(url.host.p, url.host.n);
    return ret->host ? 0 : SOTTO_E_NOMEM;
}

static int read_server(const void *p, struct ice_server *ret)
{
    sotto_ice_server s;
    int r = sotto__config_copy(p, sizeof s, sizeof s, &s);
    if (r < 0) return r;
    if (!s.url) return SOTTO_E_INVAL;
    r = read_url(sotto__str(s.url), ret);
    if (r < 0) return r;
    ret->url = sotto__strdup(s.url);
    if (!ret->url) return SOTTO_E_NOMEM;
    if (ret->kind <= ICE_SERVER_STUN_TLS) return 0;
    if (!s.username || !s.credential) return SOTTO_E_ACCESS;
    if (strlen(s.username) > 512 || strlen(s.credential) > 512) return SOTTO_E_LIMIT;
    ret->username = sotto__strdup(s.username);
    ret->credential = sotto__secret_strdup(s.credential);
    return ret->username && ret->credential ? 0 : SOTTO_E_NOMEM;
}

static void free_server(struct ice_server *s)
{
    sotto__free(s->username);
    sotto__free(s->url);
    sotto__free(s->host);
    sotto__secret_free(s->credential);
    *s = (struct ice_server){0};
}

static int read_servers(const sotto_pc_config *cfg, struct pc_config *ret)
{
    const uint8_t *at = (const uint8_t *)cfg->ice_servers;
    uint32_t stride;
    if (cfg->n_ice_servers == 0) return 0;
    if (!at) return SOTTO_E_INVAL;
    if (cfg->n_ice_servers > SOTTO_MAX_ICE_SERVERS) return SOTTO_E_LIMIT;
    memcpy(&stride, at, sizeof stride);
    for (size_t i = 0; i < cfg->n_ice_servers; i++, at += stride) {
        if (memcmp(at, &stride, sizeof stride) != 0) return SOTTO_E_INVAL;
        struct ice_server *s = &ret->servers[ret->peer.transport.n_servers++];
        int r = read_server(at, s);
        if (r < 0) return r;
        if (cfg->privacy_mode == SOTTO_PRIVACY_PROXY && s->kind < ICE_SERVER_TURN_TCP) {
            free_server(s);
            ret->peer.transport.n_servers--;
        }
    }
    ret->peer.transport.servers = ret->servers;
    return 0;
}

/* The authorities of TURN over TLS are read once here, where that may take its time. */
static int read_authorities(const char *ca_file, struct pc_config *ret)
{
    bool is_needed = ca_file != NULL;
    for (size_t i = 0; i < ret->peer.transport.n_servers; i++)
        is_needed = is_needed || ret->servers[i].kind == ICE_SERVER_TURN_TLS;
    ret->peer.transport.ca_file = ca_file;
    return is_needed ? sotto__turn_tls_check(ca_file) : 0;
}

static int check_ranges(const sotto_pc_config *c)
{
    if (c->ice_transport_policy < SOTTO_ICE_POLICY_ALL ||
        c->ice_transport_policy > SOTTO_ICE_POLICY_RELAY ||
        c->bundle_policy < SOTTO_BUNDLE_BALANCED || c->bundle_policy > SOTTO_BUNDLE_MAX_BUNDLE)
        return SOTTO_E_RANGE;
    if (c->privacy_mode < SOTTO_PRIVACY_OFF || c->privacy_mode > SOTTO_PRIVACY_PROXY)
        return SOTTO_E_RANGE;
    if (c->port_min > c->port_max || (c->port_min == 0 && c->port_max != 0)) return SOTTO_E_RANGE;
    if (c->max_message_size > SOTTO_MAX_MESSAGE || c->max_channels >= SOTTO_MAX_STREAMS)
        return SOTTO_E_RANGE;
    return 0;
}

/* One address, or one of each family behind a comma. */
static int read_external(const char *text, struct address ret[static 2])
{
    struct str one, rest = sotto__str(text);
    while (text && rest.p) {
        struct address a = {.port = 1};
        sotto__str_cut(rest, ',', &one, &rest);
        if (sotto__address_parse(one, &a) < 0) return SOTTO_E_SYNTAX;
        struct address *to = &ret[a.family == 6];
        if (to->family != 0 || !sotto__address_usable(&a, false)) return SOTTO_E_RANGE;
        a.port = 0;
        *to = a;
    }
    return 0;
}

static int read_cert(const sotto_pc_config *cfg, struct pc_config *ret)
{
    if (!cfg->cert) return 0;
    ret->peer.transport.cert = sotto__cert_of(cfg->cert);
    if (!ret->peer.transport.cert) return SOTTO_E_INVAL;
    return sotto__cert_expires(ret->peer.transport.cert) <= (int64_t)time(NULL) ? SOTTO_E_ACCESS
                                                                                : 0;
}

static int read_verification(const sotto_pc_config *cfg, struct pc_config *ret)
{
    struct transport_cfg *t = &ret->peer.transport;
    if (cfg->required_verification < SOTTO_VERIFY_NONE ||
        cfg->required_verification > SOTTO_VERIFY_CONFIRMED)
        return SOTTO_E_RANGE;
    ret->peer.required_verification = cfg->required_verification;
    t->n_pins = cfg->n_peer_fingerprints;
    int r = sotto__pins_read(cfg->peer_fingerprints, t->n_pins, &ret->pins, NULL);
    t->pins = ret->pins;
    return r;
}

static uint16_t at_most(uint32_t n, uint32_t max)
{
    return (uint16_t)(n < max ? n : max);
}

int sotto__config_read(const sotto_pc_config *cfg, struct pc_config *ret)
{
    sotto_pc_config c;
    *ret = (struct pc_config){0};
    int r = sotto__config_copy(cfg, sizeof c, offsetof(sotto_pc_config, allow_loopback), &c);
    if (r == 0) r = check_ranges(&c);
    if (r == 0) r = read_cert(&c, ret);
    if (r == 0) r = read_servers(&c, ret);
    if (r == 0) r = read_authorities(c.ca_file, ret);
    if (r == 0) r = read_external(c.external_address, ret->peer.transport.external);
    if (r == 0) r = read_verification(&c, ret);
    if (r < 0) {
        sotto__config_free(ret);
        return r;
    }
    struct transport_cfg *t = &ret->peer.transport;
    t->privacy = (uint8_t)c.privacy_mode;
    t->relay_only =
        c.ice_transport_policy == SOTTO_ICE_POLICY_RELAY || c.privacy_mode == SOTTO_PRIVACY_PROXY;
    t->allow_loopback = c.allow_loopback;
    t->port_min = c.port_min;
    t->port_max = c.port_max;
    t->interface = c.interface;
    t->max_message_size = c.max_message_size ? c.max_message_size : SOTTO_DEFAULT_MESSAGE;
    t->streams_out =
        at_most(c.max_channels ? c.max_channels : SOTTO_STREAMS_OUT, SOTTO_MAX_STREAMS);
    t->streams_in = at_most(2u * t->streams_out, SOTTO_MAX_STREAMS);
    ret->cert = c.cert;
    ret->bundle_policy = c.bundle_policy;
    ret->user = c.user;
    ret->peer.max_channels = t->streams_out;
    ret->peer.no_auto_restart = c.no_auto_restart;
    ret->peer.max_buffered = c.max_buffered_bytes ? c.max_buffered_bytes : SOTTO_DEFAULT_BUFFERED;
    return 0;
}

void sotto__config_free(struct pc_config *c)
{
    for (size_t i = 0; i < SOTTO_MAX_ICE_SERVERS; i++) free_server(&c->servers[i]);
    sotto__free(c->pins);
    c->pins = NULL;
}

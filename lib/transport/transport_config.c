/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport's configuration and credentials. In: struct transport_cfg, of which everything is copied; entropy. Out: what the
 * next generation of ICE starts with. Credentials are renewed both or not at all (RFC 8839 §5.4), and secrets that are not
 * needed any more are wiped. Does not know whether a generation runs.
 */
#include <string.h>

#include "transport/transport_priv.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/secret.h"

int sotto__transport_credentials(struct transport_generation *g)
{
    char ufrag[sizeof g->ufrag], pwd[sizeof g->pwd];
    int r = sotto__rand_ice(ufrag, sizeof ufrag - 1);
    if (r == 0) r = sotto__rand_ice(pwd, sizeof pwd - 1);
    if (r < 0) return r;
    memcpy(g->ufrag, ufrag, sizeof ufrag);
    memcpy(g->pwd, pwd, sizeof pwd);
    sotto__wipe(pwd, sizeof pwd);
    return 0;
}

void sotto__transport_free_servers(struct ice_server *servers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sotto__free(servers[i].username);
        sotto__free(servers[i].url);
        sotto__free(servers[i].host);
        sotto__secret_free(servers[i].credential);
    }
    sotto__free(servers);
}

static bool copy_text(char **to, const char *from)
{
    return !from || (*to = sotto__strdup(from)) != NULL;
}

static bool copy_secret(char **to, const char *from)
{
    return !from || (*to = sotto__secret_strdup(from)) != NULL;
}

int sotto__transport_copy_servers(const struct ice_server *servers, size_t n, bool secrets,
                                  struct ice_server **ret)
{
    struct ice_server *copy = NULL;
    if (n > 0 && !(copy = sotto__calloc(n, sizeof *copy))) return SOTTO_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct ice_server *from = &servers[i];
        copy[i] = (struct ice_server){.kind = from->kind, .addr = from->addr};
        if (!copy_text(&copy[i].url, from->url) || !copy_text(&copy[i].host, from->host) ||
            (secrets && (!copy_text(&copy[i].username, from->username) ||
                         !copy_secret(&copy[i].credential, from->credential)))) {
            sotto__transport_free_servers(copy, n);
            return SOTTO_E_NOMEM;
        }
    }
    *ret = copy;
    return 0;
}

int sotto__transport_keep_remote(const struct transport_remote *r, struct transport_kept **ret)
{
    size_t n_ufrag = strlen(r->ufrag) + 1, n_pwd = strlen(r->pwd) + 1;
    size_t n_prints = r->n_fingerprints * sizeof *r->fingerprints;
    struct transport_kept *k = sotto__malloc(sizeof *k + n_prints + n_ufrag + n_pwd);
    if (!k) return SOTTO_E_NOMEM;
    memcpy(k->fingerprints, r->fingerprints, n_prints);
    char *text = (char *)(k->fingerprints + r->n_fingerprints);
    k->ufrag = memcpy(text, r->ufrag, n_ufrag);
    k->pwd = memcpy(text + n_ufrag, r->pwd, n_pwd);
    k->dtls_client = r->dtls_client;
    k->n_fingerprints = r->n_fingerprints;
    *ret = k;
    return 0;
}

void sotto__transport_free_remote(struct transport_kept *r)
{
    if (r) sotto__wipe((char *)(uintptr_t)r->pwd, strlen(r->pwd));
    sotto__free(r);
}

void sotto__transport_free_config(struct transport *t)
{
    sotto__transport_free_servers(t->servers, t->n_servers);
    sotto__free(t->interface);
    sotto__free(t->ca_file);
    t->servers = NULL;
    t->interface = t->ca_file = NULL;
    t->n_servers = 0;
}

int sotto__transport_configure(struct transport *t, const struct transport_cfg *cfg)
{
    struct ice_server *servers;
    char *interface = NULL, *ca_file = NULL;
    int r = sotto__transport_copy_servers(cfg->servers, cfg->n_servers, true, &servers);
    if (r < 0) return r;
    if (!copy_text(&interface, cfg->interface) || !copy_text(&ca_file, cfg->ca_file)) {
        sotto__free(interface);
        sotto__transport_free_servers(servers, cfg->n_servers);
        return SOTTO_E_NOMEM;
    }
    sotto__transport_free_config(t);
    t->naming = 0; /* who waits for names of the old ones waits no longer */
    t->live.is_replaced = t->next.is_replaced = true;
    t->servers = servers, t->n_servers = cfg->n_servers;
    t->interface = interface;
    t->ca_file = ca_file;
    t->relay_only = cfg->relay_only;
    t->allow_loopback = cfg->allow_loopback;
    memcpy(t->external, cfg->external, sizeof t->external);
    t->privacy = cfg->privacy;
    t->port_min = cfg->port_min, t->port_max = cfg->port_max;
    return 0;
}

int sotto__transport_set_pins(struct transport *t, const struct sdp_fingerprint *pins, size_t n)
{
    struct sdp_fingerprint *copy = sotto__memdup(pins, n * sizeof *pins);
    if (!copy) return SOTTO_E_NOMEM;
    int r = t->dtls ? sotto__dtls_set_pins(t->dtls, copy, n) : 0;
    if (r < 0) {
        sotto__free(copy);
        return r;
    }
    sotto__free(t->pins);
    t->pins = copy, t->n_pins = n;
    return 0;
}

int sotto__transport_init(struct transport *t, const struct transport_cfg *cfg)
{
    *t = (struct transport){
        .shared = cfg->shared,
        .max_message_size = cfg->max_message_size,
        .streams_out = cfg->streams_out,
        .streams_in = cfg->streams_in,
        .owner = cfg->owner,
    };
    sotto__list_init(&t->named);
    int r = sotto__transport_credentials(&t->live);
    if (r == 0) r = sotto__transport_configure(t, cfg);
    if (r == 0 && cfg->n_pins > 0) r = sotto__transport_set_pins(t, cfg->pins, cfg->n_pins);
    if (r < 0) {
        sotto__transport_free(t);
        return r;
    }
    t->cert = sotto__cert_ref(cfg->cert);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the configuration is a risk: each field that has a note "Security:" in its header, with that note, and when it is set to
 * something risky. The suite `style` compares the table with the headers. In: the configuration as it stands; out: part of the security
 * report. A default is never listed: what the defaults give away the report says elsewhere.
 *
 * answers: S12
 */
#include "api/security.h"

struct settings {
    const struct peer_cfg *peer;
    const sotto_pc *pc;
};

#define FEW_PORTS 1024

static bool few_ports(const struct settings *s)
{
    const struct transport_cfg *t = &s->peer->transport;
    return t->port_min != 0 && t->port_max - t->port_min < FEW_PORTS;
}

/* Addresses are to be hidden, but the remote sees where checks come from. */
static bool hides_half(const struct settings *s)
{
    const struct transport_cfg *t = &s->peer->transport;
    return !t->relay_only &&
           (t->privacy == SOTTO_PRIVACY_DEFAULT_ROUTE || t->privacy == SOTTO_PRIVACY_PUBLIC);
}

static bool has_cert(const struct settings *s)
{
    return s->pc->cert != NULL;
}

static bool has_loopback(const struct settings *s)
{
    return s->peer->transport.allow_loopback;
}

static bool has_ca_file(const struct settings *s)
{
    return s->peer->transport.ca_file != NULL;
}

static bool has_external(const struct settings *s)
{
    const struct address *a = s->peer->transport.external;
    return a[0].family != 0 || a[1].family != 0;
}

static bool shows(const struct settings *s)
{
    return sotto__log_shows(s->peer->transport.shared->log);
}

/* No value of the field is riskier than its default. */
static bool never(const struct settings *s)
{
    (void)s;
    return false;
}

static const struct {
    const char *name, *note;
    bool (*is_risky)(const struct settings *s);
} table[] = {
    {"sotto_ctx_config.no_fast_path", "none", never},
    {"sotto_ctx_config.show_addresses",
     "such reports are sent around, and tell who talked to whom from where; true only while "
     "looking for a fault",
     shows},
    {"sotto_pc_config.ice_transport_policy", "RELAY hides this host's addresses from the remote",
     never},
    {"sotto_pc_config.privacy_mode",
     "the remote still learns what its checks come from; RELAY above, or mode 4, hides that too",
     hides_half},
    {"sotto_pc_config.port_min", "few ports are easy to find", few_ports},
    {"sotto_pc_config.cert", "a shared certificate links connections to each other", has_cert},
    {"sotto_pc_config.allow_loopback",
     "a hostile description can then aim checks at this host's own services", has_loopback},
    {"sotto_pc_config.ca_file", "whoever can write the file can pose as a server", has_ca_file},
    {"sotto_pc_config.external_address", "believed as it is", has_external},
    {"sotto_pc_config.peer_fingerprints", "without them the signaling server says who the peer is",
     never},
    {"sotto_pc_config.required_verification", "NONE trusts the signaling server", never},
};

_Static_assert(sizeof table / sizeof *table <= SECURITY_RISKS, "room in the report");

void sotto__security_risks(const sotto_pc *pc, struct security_block *b)
{
    struct peer_cfg cfg;
    sotto__peer_get_config(pc->peer, &cfg);
    const struct settings s = {.peer = &cfg, .pc = pc};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].is_risky(&s))
            b->risks[b->report.n_risks++] =
                (sotto_security_risk){.name = table[i].name, .note = table[i].note};
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICE part of the statistics: local-candidate, remote-candidate and the selected candidate-pair (W3C webrtc-stats, RFC 8445).
 * In: the candidates that were told, those of the remote's descriptions, the pair in use; out: objects whose ids are made of what
 * makes a candidate unique, so that they stay the same. The address of a remote that was never signalled is not shown.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "peer/stats.h"
#include "util/mask.h"

static const char *const types[] = {"host", "srflx", "prflx", "relay"}; /* enum candidate_type */

struct ids { /* of the selected pair's candidates, "" before they were found */
    char local[STATS_CANDIDATE_ID], remote[STATS_CANDIDATE_ID];
};

static void make_id(const struct stats_build *b, char id[static STATS_CANDIDATE_ID], char side,
                    const struct candidate *c)
{
    char ip[46], address[MASK], ufrag[MASK];
    sotto__address_text(&c->addr, ip);
    snprintf(id, STATS_CANDIDATE_ID, "%c%s-%s-%s-%u", side,
             b->shows ? c->ufrag : sotto__mask_string("ufrag", c->ufrag, ufrag), types[c->type],
             b->shows ? ip : sotto__mask_address(ip, address), c->addr.port);
}

/* Without the address; the foundation is one of its own for each learnt remote, and each address of ours. */
static void make_hidden_id(const struct stats_build *b, char id[static STATS_CANDIDATE_ID],
                           char side, const struct candidate *c)
{
    char ufrag[MASK], foundation[MASK];
    snprintf(id, STATS_CANDIDATE_ID, "%c%s-%s-%s-%u-%u", side,
             b->shows ? c->ufrag : sotto__mask_string("ufrag", c->ufrag, ufrag), types[c->type],
             b->shows ? c->foundation : sotto__mask_string("base", c->foundation, foundation),
             c->addr.port, c->priority);
}

static void add_candidate(struct stats_build *b, const char *type, const char *id,
                          const struct candidate *c, bool show)
{
    char ip[46];
    sotto__stats_begin(b, type, id);
    sotto__stats_text(b, "transportId", STATS_TRANSPORT);
    if (show) sotto__stats_words(b, "address", sotto__address_text(&c->addr, ip));
    sotto__stats_int(b, "port", c->addr.port);
    sotto__stats_text(b, "protocol", c->is_tcp ? "tcp" : "udp");
    sotto__stats_text(b, "candidateType", types[c->type]);
    sotto__stats_int(b, "priority", c->priority);
    /* browsers make theirs of the address, which is soon found out */
    if (c->foundation[0]) sotto__stats_named(b, "foundation", "base", c->foundation);
    if (c->related.family != 0 && c->type != CANDIDATE_HOST && show) {
        sotto__stats_words(b, "relatedAddress", sotto__address_text(&c->related, ip));
        sotto__stats_int(b, "relatedPort", c->related.port);
    }
    if (c->ufrag[0]) sotto__stats_named(b, "usernameFragment", "ufrag", c->ufrag);
}

/* ---- ours ---- */

static bool is_ours(const struct peer *p, const char *ufrag)
{
    const struct transport *t = &p->transport;
    return ufrag[0] && (strcmp(ufrag, t->live.ufrag) == 0 || strcmp(ufrag, t->next.ufrag) == 0);
}

/* Which server a candidate comes from: as it was told (a place from 1), else it is known if only one can have given it. */
static void add_server(struct stats_build *b, const struct peer *p, const struct candidate *c,
                       size_t told)
{
    const struct transport_generation *g = &p->transport.live;
    static const char *const protocols[] = {[ICE_SERVER_TURN_UDP] = "udp",
                                            [ICE_SERVER_TURN_TCP] = "tcp",
                                            [ICE_SERVER_TURN_TLS] = "tls"};
    const struct ice_server *one = NULL;
    size_t n = 0;
    bool alike = true;
    if (strcmp(c->ufrag, g->ufrag) != 0) g = &p->transport.next;
    if (c->type != CANDIDATE_SRFLX && c->type != CANDIDATE_RELAY) return;
    for (size_t i = 0; i < g->n_servers; i++) {
        const struct ice_server *s = &g->servers[i];
        if (told > 0 && i + 1 != told) continue;
        if (s->kind == ICE_SERVER_STUN_TLS) continue; /* gives none */
        if (c->type == CANDIDATE_RELAY && s->kind == ICE_SERVER_STUN) continue;
        alike = alike && (!one || one->kind == s->kind);
        one = s;
        n++;
    }
    if (n == 1 && one->url) sotto__stats_words(b, "url", one->url);
    if (n > 0 && alike && c->type == CANDIDATE_RELAY)
        sotto__stats_text(b, "relayProtocol", protocols[one->kind]);
}

/* What a privacy mode hides from the remote is not shown here either: reports are sent around. */
static bool is_hidden(const struct peer *p, const struct candidate *c)
{
    return p->transport.privacy >= SOTTO_PRIVACY_DEFAULT_ROUTE && c->type != CANDIDATE_SRFLX &&
           c->type != CANDIDATE_RELAY;
}

static void make_local_id(const struct stats_build *b, const struct peer *p,
                          char id[static STATS_CANDIDATE_ID], const struct candidate *c)
{
    if (is_hidden(p, c))
        make_hidden_id(b, id, 'L', c);
    else
        make_id(b, id, 'L', c);
}

static void add_local(struct stats_build *b, const struct peer *p, bool only_pair,
                      const struct ice_pair *pair, struct ids *ids)
{
    char id[STATS_CANDIDATE_ID];
    for (size_t i = 0; i < p->n_candidates; i++) {
        struct candidate c;
        sotto__peer_candidate(&p->candidates[i], &c);
        if (!is_ours(p, c.ufrag)) continue; /* a free slot, or of a generation that went */
        make_local_id(b, p, id, &c);
        bool used = pair && strcmp(c.ufrag, pair->local.ufrag) == 0 && c.type == pair->local.type &&
                    sotto__address_eq(&p->candidates[i].addr, &pair->local.addr);
        if (used) memcpy(ids->local, id, sizeof id);
        if (!used && only_pair) continue;
        add_candidate(b, "local-candidate", id, &c, !is_hidden(p, &c));
        add_server(b, p, &c, p->candidates[i].server);
    }
    if (!pair || ids->local[0]) return;
    make_local_id(b, p, ids->local, &pair->local); /* a reflexive address that the remote has shown us, or one that was not told */
    add_candidate(b, "local-candidate", ids->local, &pair->local, !is_hidden(p, &pair->local));
}

/* ---- the remote's ---- */

static bool is_theirs(const struct peer *p, const char *ufrag)
{
    const struct transport *t = &p->transport;
    const char *live = t->live.remote_ufrag, *next = t->next.remote_ufrag;
    return (live && strcmp(ufrag, live) == 0) || (next && strcmp(ufrag, next) == 0);
}

/* One line of a description; false: it is not of a candidate that ICE has. */
static bool read_line(const struct peer *p, struct str line, struct str ufrag,
                      struct candidate *ret)
{
    char text[SOTTO_MAX_CANDIDATE + 16];
    int n = line.p ? snprintf(text, sizeof text, "candidate:%.*s", (int)line.n, line.p) : -1;
    if (n < 0 || (size_t)n >= sizeof text) return false;
    if (sotto__candidate_parse(sotto__str(text), ret, NULL) < 0) return false;
    if (!ret->ufrag[0] && ufrag.n < sizeof ret->ufrag) {
        memcpy(ret->ufrag, ufrag.p, ufrag.n);
        ret->ufrag[ufrag.n] = '\0';
    }
    return !ret->is_tcp && ret->component == 1 && is_theirs(p, ret->ufrag) &&
           sotto__address_usable(&ret->addr, p->transport.allow_loopback);
}

struct remotes { /* of one snapshot */
    struct stats_build *b;
    const struct peer *p;
    const struct ice_pair *pair; /* NULL: none */
    struct ids *ids;
    bool only_pair;
    size_t first, n; /* objects: where they begin, how many */
};

static void add_remote(struct remotes *r, const struct candidate *c)
{
    char id[STATS_CANDIDATE_ID];
    make_id(r->b, id, 'R', c);
    bool used = r->pair && !r->ids->remote[0] && strcmp(c->ufrag, r->pair->remote.ufrag) == 0 &&
                sotto__address_eq(&c->addr, &r->pair->remote.addr);
    if (!used && r->only_pair) return;
    if (sotto__stats_has(r->b, r->first, id)) return; /* several sections may name it */
    if (used) memcpy(r->ids->remote, id, sizeof id);
    add_candidate(r->b, "remote-candidate", id, c, true);
    r->n++;
}

static void add_description(struct remotes *r, const struct sdp *sdp)
{
    struct str usual = sotto__jsep_ufrag(sdp);
    struct candidate c;
    for (size_t i = 0; i < sdp->n_media; i++) {
        const struct sdp_media *m = &sdp->media[i];
        const struct sdp_line *own = sotto__sdp_attr_or_session(sdp, m, "ice-ufrag"), *line;
        size_t at = 0;
        while (r->n < 2 * SOTTO_MAX_REMOTE_CANDIDATES && /* of two generations */
               (line = sotto__sdp_next_attr(&m->s, &at, "candidate")))
            if (read_line(r->p, line->value, own ? own->value : usual, &c)) add_remote(r, &c);
    }
}

static void add_remotes(struct remotes *r)
{
    r->first = sotto__stats_count(r->b);
    if (r->p->current_remote.sdp) add_description(r, r->p->current_remote.sdp);
    if (r->p->pending_remote.sdp) add_description(r, r->p->pending_remote.sdp);
    if (!r->pair || r->ids->remote[0]) return;
    /* not in the descriptions any more, or it never was, or stood there with a name */
    bool show = r->pair->remote.type == CANDIDATE_SRFLX || r->pair->remote.type == CANDIDATE_RELAY;
    if (show)
        make_id(r->b, r->ids->remote, 'R', &r->pair->remote);
    else
        make_hidden_id(r->b, r->ids->remote, 'R', &r->pair->remote);
    add_candidate(r->b, "remote-candidate", r->ids->remote, &r->pair->remote, show);
}

/* ---- the pair ---- */

static bool get_pair(const struct peer *p, struct ice_pair *ret)
{
    const struct transport_generation *live = &p->transport.live;
    if (!live->ice || !sotto__transport_pair(&p->transport, ret)) return false;
    snprintf(ret->local.ufrag, sizeof ret->local.ufrag, "%s", live->ufrag);
    snprintf(ret->remote.ufrag, sizeof ret->remote.ufrag, "%s",
             live->remote_ufrag ? live->remote_ufrag : "");
    return true;
}

void sotto__stats_counters(struct stats_build *b, const struct transport_stats *now,
                           const struct transport_stats *before)
{
    sotto__stats_int(b, "packetsSent", now->packets_sent - before->packets_sent);
    sotto__stats_int(b, "packetsReceived", now->packets_received - before->packets_received);
    sotto__stats_int(b, "bytesSent", now->bytes_sent - before->bytes_sent);
    sotto__stats_int(b, "bytesReceived", now->bytes_received - before->bytes_received);
}

static void add_pair(struct stats_build *b, const struct transport *t, const struct ice_pair *pair,
                     const struct ids *ids, const char *id)
{
    sotto__stats_begin(b, "candidate-pair", id);
    sotto__stats_text(b, "transportId", STATS_TRANSPORT);
    sotto__stats_text(b, "localCandidateId", ids->local);
    sotto__stats_text(b, "remoteCandidateId", ids->remote);
    sotto__stats_text(b, "state", "succeeded");
    sotto__stats_bool(b, "nominated", true);
    sotto__stats_counters(b, &t->stats, &t->at_pair);
    if (pair->rtt > 0) sotto__stats_double(b, "currentRoundTripTime", (double)pair->rtt / 1e6);
    sotto__stats_double(b, "totalRoundTripTime", (double)pair->rtt_total / 1e6);
    sotto__stats_int(b, "responsesReceived", pair->answered);
    sotto__stats_int(b, "consentRequestsSent", pair->asked);
}

void sotto__stats_ice(struct stats_build *b, const struct peer *p, bool only_pair,
                      char pair_id[static STATS_PAIR_ID])
{
    struct ids ids = {"", ""};
    struct ice_pair pair;
    bool has_pair = get_pair(p, &pair);
    pair_id[0] = '\0';
    if (only_pair && !has_pair) return;
    add_local(b, p, only_pair, has_pair ? &pair : NULL, &ids);
    add_remotes(&(struct remotes){
        .b = b, .p = p, .pair = has_pair ? &pair : NULL, .ids = &ids, .only_pair = only_pair});
    if (!has_pair) return;
    snprintf(pair_id, STATS_PAIR_ID, "P%s+%s", ids.local, ids.remote);
    add_pair(b, &p->transport, &pair, &ids, pair_id);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer whose address changes while it is connected, as when a NAT on the way forgets it. libnice answers its checks from there, but keeps
 * the pair unless the new one is better. So: when an authenticated request came from another address (RFC 8445 §7.3.1.3), both are asked.
 * If only the other one answers while three requests to the pair's do not, the pair goes over to it, on the same socket: a valid answer
 * from there is consent (RFC 7675 §4), and nothing changes for DTLS. At most once a second; never to where nothing answers. Over a relay
 * libnice asks the other one itself, and selects it once it has answered and is said to be better: that is said when the pair's is silent.
 * In: addresses and answers, found by ice_nice_consent.c and libnice's signal. Out: another remote of the pair.
 * answers: A14
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"

#define AGAIN SOTTO_MS(1000)
#define IN_VAIN 3u /* requests to the pair's */
#define MAX_TRIES 10u /* to the other one */

static bool is_relayed(const struct ice *ice)
{
    return ice->pair_local->type == NICE_CANDIDATE_TYPE_RELAYED;
}

void sotto__nice_move_seen(struct ice *ice, const union nice_sockaddr *from, sotto_us now)
{
    struct nice_move *m = &ice->move;
    union nice_sockaddr pairs;
    memset(&pairs, 0, sizeof pairs);
    nice_address_copy_to_sockaddr(&ice->pair_remote->addr, &pairs.sa);
    bool is_same = sotto__nice_same_address(from, m->is_on ? &m->to : &pairs);
    if (is_same || now < m->not_before || from->sa.sa_family != pairs.sa.sa_family ||
        (sotto__nice_consent_fd(ice) < 0 && !is_relayed(ice)))
        return;
    *m = (struct nice_move){.is_on = true,
                            .to = *from,
                            .to_size =
                                pairs.sa.sa_family == AF_INET ? sizeof pairs.v4 : sizeof pairs.v6,
                            .since = now,
                            .not_before = sotto__after(now, AGAIN)};
    sotto__nice_consent_hurry(ice, now);
}

void sotto__nice_move_ask(struct ice *ice)
{
    struct nice_move *m = &ice->move;
    uint8_t bytes[NICE_MAX_STUN];
    int fd = sotto__nice_consent_fd(ice);
    if (!m->is_on || m->has_answered) return;
    if (m->tries++ == MAX_TRIES || (fd < 0 && !is_relayed(ice))) m->is_on = false;
    if (!m->is_on || fd < 0) return;
    size_t n = sotto__nice_request(ice, &m->asked, bytes);
    if (n == 0) return;
    m->asked.at = ice->loop->now;
    (void)sendto(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL, &m->to.sa, m->to_size); /* it is repeated */
}

void sotto__nice_move_answer(struct ice *ice, const union nice_sockaddr *from, const uint8_t *p,
                             size_t n)
{
    struct nice_move *m = &ice->move;
    if (m->is_on && sotto__nice_same_address(from, &m->to) &&
        sotto__nice_is_success(ice, &m->asked, p, n))
        m->has_answered = true;
}

void sotto__nice_move_stay(struct ice *ice, sotto_us asked)
{
    if (asked >= ice->move.since) ice->move.is_on = false;
}

/* Of an address that it found by itself libnice takes no word, of one of another kind it does; what it found about it stays. */
static void prefer(struct ice *ice)
{
    NiceCandidate *c = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
    GSList one = {.data = c};
    c->stream_id = ice->stream;
    c->component_id = NICE_COMPONENT;
    c->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    c->priority = ice->pair_remote->priority + 1;
    snprintf(c->foundation, sizeof c->foundation, "moved%u", (unsigned)(ice->n_prflx % 1000));
    nice_address_set_from_sockaddr(&c->addr, &ice->move.to.sa);
    c->base_addr = c->addr;
    if (c->priority != 0) /* there is a better one than any */
        nice_agent_set_remote_candidates(ice->agent, ice->stream, NICE_COMPONENT, &one);
    nice_candidate_free(c);
    ice->loop->stale = ice->has_news = true;
}

void sotto__nice_move_done(struct ice *ice)
{
    union nice_sockaddr is;
    if (ice->pair_remote->type != NICE_CANDIDATE_TYPE_HOST) return; /* a better one that libnice found: see prefer() */
    memset(&is, 0, sizeof is);
    nice_address_copy_to_sockaddr(&ice->pair_remote->addr, &is.sa);
    if (!is_relayed(ice) || ice->move.to_size == 0 || !sotto__nice_same_address(&is, &ice->move.to))
        return;
    ice->pair_remote->type = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
    SOTTO_LOG(ice->log, SOTTO_LOG_INFO, "ice", "the peer's address is another");
}

void sotto__nice_move_turn(struct ice *ice, sotto_us now)
{
    struct nice_move *m = &ice->move;
    if (!m->is_on || ice->consent.tries < IN_VAIN) return;
    if (is_relayed(ice)) {
        m->is_on = false;
        prefer(ice);
        return;
    }
    if (!m->has_answered) return;
    m->is_on = false;
    nice_address_set_from_sockaddr(&ice->pair_remote->addr, &m->to.sa);
    ice->pair_remote->base_addr = ice->pair_remote->addr;
    ice->pair_remote->type = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
    ice->pair_changed = ice->path.is_stale = ice->has_news = true;
    ice->heard = now;
    sotto__nice_consent_begin(ice, now);
    SOTTO_LOG(ice->log, SOTTO_LOG_INFO, "ice", "the peer's address is another");
}

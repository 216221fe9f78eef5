/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_NET_ICE_NET_H
#define TEST_NET_ICE_NET_H
/* What ice_net.c (the seam) and ice_net_check.c (pairs and checks) share. */
#include "net.h"
#include "sotto/pc.h"
#include "util/limits.h"

#define MAX_PAIRS 128
#define MAX_STATES 8

enum pair_state { PAIR_WAITING, PAIR_CHECKING, PAIR_SUCCEEDED, PAIR_FAILED };

struct pair {
    size_t local; /* socket */
    struct address remote;
    uint64_t priority;
    enum pair_state state;
    int tries;
    sotto_us check_at;
    uint64_t txid;
    sotto_us sent_at, rtt;
    bool heard; /* a good request came from there */
    bool use;   /* controlled: the remote nominated it */
    bool nominated;
};

struct ice {
    struct net_host *host;
    struct log *log;
    bool controlling, relay_only, allow_loopback, gathering, gathered, gathered_told, more_servers,
        done, is_closed;
    uint16_t port_min, port_max;
    uint64_t tie;
    char ufrag[257], pwd[257], remote_ufrag[257], remote_pwd[257];
    struct net_socket sockets[NET_MAX_ADDRESSES];
    size_t n_sockets, n_told, n_servers, n_servers_told;
    struct candidate candidates[NET_MAX_ADDRESSES];
    struct address external[2];   /* as configured; family 0: none, or told */
    struct candidate told;        /* what was made of one */
    sotto_us gather_at;
    struct remote {
        struct address addr;
        uint32_t priority;
        bool prflx;
    } remotes[SOTTO_MAX_REMOTE_CANDIDATES + SOTTO_MAX_PRFLX];
    size_t n_remotes, n_prflx;
    struct ice_tally tally;
    struct pair pairs[MAX_PAIRS];
    size_t n_pairs;
    struct pair *selected;
    bool selected_told;
    sotto_us fresh_at; /* credentials, a remote candidate or the end of them came */
    sotto_us next_new; /* pacing */
    sotto_us answered_at, keepalive_at;
    int32_t state, before; /* before: the state that DISCONNECTED interrupted */
    int32_t states[MAX_STATES];
    size_t n_states;
    struct net_datagram *current;
    char text[128];
};

void net_ice_set_state(struct ice *ice, int32_t state);
bool net_ice_knows_remote(const struct ice *ice);
void net_ice_pair_remotes(struct ice *ice);
void net_ice_forget_remote(struct ice *ice); /* all that was learnt of it */
/* One datagram: true if it is data to be given up. */
bool net_ice_handle(struct ice *ice, size_t socket, const struct net_datagram *d, sotto_us now);
bool net_ice_may_check(const struct ice *ice);
void net_ice_run_checks(struct ice *ice, sotto_us now);
sotto_us net_ice_check_due(const struct ice *ice); /* if it may check */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_NET_NET_H
#define TEST_NET_NET_H
/*
 * A network in one process with its own clock: hosts with addresses, links between them with loss, delay, reordering,
 * duplication, rate and partition, and a place for a man in the middle. A run depends on the seed and on what is sent, nothing
 * else. What is allocated here does not go through util/mem, so that the library's own allocations can be counted and failed.
 */
#include "transport/ice.h"
#include "util/list.h"
#include "util/time.h"

#define NET_MAX_HOSTS 16
#define NET_MAX_ADDRESSES 8
#define NET_MAX_PAYLOAD 65507u /* of UDP over IPv4 */

struct net;

/* splitmix64: the state is the seed. */
uint64_t net_random(uint64_t *state);
bool net_chance(uint64_t *state, double p);

/* One direction between two hosts. All-zero but for delay_us is a perfect link. Probabilities are 0…1. */
struct net_link {
    double loss, duplicate, reorder;
    sotto_us delay_us, jitter_us; /* jitter keeps the order */
    sotto_us reorder_us;          /* what a reordered datagram is held back, at most */
    uint64_t rate_bps;            /* 0: none */
    uint32_t queue_bytes;         /* with rate_bps: what waits beyond it is lost; 0: no limit */
    uint32_t mtu;                 /* UDP payload above it is lost, unless its sender allows fragments; 0: none */
    bool down;                    /* everything is lost */
    sotto_us busy_until, last_arrival; /* private */
};

/* What struct world of lib/api and ice_cfg.world name: one host per context. */
struct net_host {
    struct net *net;
    int index;
    struct address addresses[NET_MAX_ADDRESSES]; /* ports unused */
    size_t n_addresses;
    sotto_us gather_us; /* between two local candidates; GATHERED comes after the last */
    uint16_t next_port;
    unsigned moves, seen; /* changes of its addresses; those that its watch has told of */
    sotto_us slept_us;    /* what its monotonic clock did not count */
    int32_t server_code; /* not 0: what every STUN and TURN server answers while gathering */
    const char *server_text;
};

struct net_datagram {
    struct node node;
    sotto_us at;
    uint64_t order; /* of sending: breaks ties */
    struct address from, to;
    bool injected; /* did not come from a host: the tap does not see it */
    size_t n;
    uint8_t p[];
};

/* A bound port: the ice in ice_net.c reads it. */
struct net_socket {
    struct node node, inbox;
    struct net_host *host;
    struct address addr;
    size_t inbox_bytes;
    bool fragments; /* the network may fragment what it sends */
    bool gone;      /* its host has that address no more */
};

enum net_verdict { NET_PASS, NET_DROP };
/* Sees each datagram as it is sent; may change its bytes and addresses in place, shorten it, call net_inject(), or drop it. */
typedef enum net_verdict (*net_tap_fn)(struct net *net, struct net_datagram *d, void *user);

struct net_counters {
    uint64_t sent, delivered, lost, tapped, too_big, fragmented, queue_full, nowhere, injected,
        overflow, bytes;
};

struct net {
    sotto_us now;
    uint64_t rng;
    struct net_host *hosts[NET_MAX_HOSTS];
    int n_hosts;
    struct net_link links[NET_MAX_HOSTS][NET_MAX_HOSTS]; /* from, to */
    struct node sockets;
    struct net_datagram **heap; /* in flight, earliest first */
    size_t n_heap, cap_heap;
    uint64_t orders;
    net_tap_fn tap;
    void *tap_user;
    struct net_counters count;
    size_t live_ices, live_sockets;
};

struct net *net_new(uint64_t seed); /* aborts without memory, as all of this */
void net_free(struct net *net);
/* A host with the given numeric addresses, comma-separated; every link to and from it has 5 ms. */
struct net_host *net_host_new(struct net *net, const char *addresses);
/* Other addresses: what is bound to one that goes neither sends nor receives any more. */
void net_host_move(struct net_host *h, const char *addresses);
struct net_link *net_link(struct net *net, const struct net_host *from, const struct net_host *to);
void net_link_both(struct net *net, const struct net_host *a, const struct net_host *b,
                   const struct net_link *set);
void net_set_down(struct net *net, const struct net_host *a, const struct net_host *b, bool down);

/* When the next datagram arrives; SOTTO_NEVER. */
sotto_us net_due(const struct net *net);
/* Move the clock to t (never back) and put what has arrived into the sockets. */
void net_advance(struct net *net, sotto_us t);
/* For struct world: the time of the host that `user` is. */
sotto_us net_now(void *user);
sotto_us net_boot(void *user); /* … with the sleep of that host */

/* A datagram from nowhere in particular, with the source that it claims; arrives after delay. */
void net_inject(struct net *net, const struct address *from, const struct address *to,
                const void *p, size_t n, sotto_us delay);

/* For implementations of ice_ops. bind: 0 or SOTTO_E_NETWORK (no free port within min…max; 0, 0: any). */
int net_bind(struct net_socket *s, struct net_host *host, const struct address *addr, uint16_t min,
             uint16_t max);
void net_unbind(struct net_socket *s);
void net_send(struct net_socket *s, const struct address *to, const void *p, size_t n);
struct net_datagram *net_receive(struct net_socket *s); /* yours: free(); NULL: none */

/* The clock that gettimeofday() reads in programs that link clock.c: usrsctp and OpenSSL ask it. Never goes back. */
void net_clock_set(sotto_us now);
sotto_us net_clock(void);
/* What lib/ draws by chance follows from it in programs that link chance.c; each net_new() sets it. */
void net_chance_seed(uint64_t seed);

extern const struct net_watch_ops net_watch_host; /* its world is a struct net_host */
/* The other implementation of the seam. `world` of its configuration is a struct net_host. */
extern const struct ice_ops sotto__ice_net;
/* Bytes of the first local socket's address; false: not gathered. */
bool net_ice_address(const struct ice *ice, struct address *ret);

#endif

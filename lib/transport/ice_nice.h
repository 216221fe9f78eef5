/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_ICE_NICE_H
#define SOTTO_TRANSPORT_ICE_NICE_H
/* What the files of ice_nice*.c share; nobody else includes it. */
#include <glib.h>
#include <netinet/in.h>
#include <nice/agent.h>

#include "sotto/pc.h"
#include "transport/ice.h"
#include "transport/turn_tls.h"
#include "util/limits.h"

#define NICE_COMPONENT 1u

/* Of libnice's: that of checks, and that of checks which keep a connection alive. */
enum nice_timer { NICE_TIMER_CHECKS, NICE_TIMER_KEEPALIVE, NICE_TIMERS };

/* A GMainContext driven from outside. */
struct nice_loop {
    GMainContext *ctx;
    bool stale; /* a source may have come or gone since the last query */
    bool ready; /* poll() reported something */
    gint priority, n;
    sotto_us now; /* of the last call from above */
    sotto_us due;
    gint wake_fd, wake; /* GLib's own, and its place in fds */
    int turn_slot;      /* from there on the descriptors are those of ice_nice_turn.c … */
    bool turn_ready;    /* … and one of them is ready */
    GSource *timers[NICE_TIMERS]; /* as last found, perhaps destroyed since; nullable */
    guint seen;                   /* up to this id sources were looked at */
    GPollFD fds[SOTTO_MAX_ICE_FDS];
};

void sotto__nice_loop_init(struct nice_loop *l);
void sotto__nice_loop_free(struct nice_loop *l);
void sotto__nice_loop_query(struct nice_loop *l); /* fds and due are right after it */
int sotto__nice_loop_fds(const struct nice_loop *l, struct sotto_fd *out, int max);
void sotto__nice_loop_ready(struct nice_loop *l, int slot, short revents);
void sotto__nice_loop_read(struct nice_loop *l, int i); /* nothing is there any more, of that of fds */
void sotto__nice_loop_turn(struct nice_loop *l);  /* check and dispatch once */
/* That timer, if libnice began it anew since it was last given; NULL: it did not. A view until the next turn. */
GSource *sotto__nice_loop_new_timer(struct nice_loop *l, enum nice_timer timer);
void sotto__nice_loop_set(struct nice_loop *l, GSource *timer, sotto_us at); /* of GLib's clock, as libnice's times are */

struct nice_server {
    enum ice_server_kind kind;
    struct address addr;
    bool is_used;  /* libnice knows it */
    bool answered; /* as it should, or a candidate came of it */
    bool gave;     /* a relay came of it */
    bool is_bad;   /* libnice may hear no more of it: it would go on for ever */
    unsigned n_stale, n_moves;
    struct address alternate; /* where it sent us last; family 0: nowhere */
    uint8_t turn;             /* TURN, used: its place in libnice's list */
    sotto_us asked_at;        /* used: since then */
    struct turn_tls *tls;     /* over TCP and TLS: what is between; NULL: nothing */
    int32_t code;             /* of its last error; 0: none */
    char text[128];
};

union nice_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

#define NICE_ASKED 8u /* requests that can still be answered */
#define NICE_MAX_STUN 600u

struct nice_asked {
    uint8_t id[16];
    sotto_us at; /* when it left; 0: none, or answered */
};

/* Of the selected pair: RFC 7675. */
struct nice_consent {
    bool is_controlling;     /* as the last request of the peer wants it */
    sotto_us last, at;       /* when the last request left; when the next one does, if that is answered */
    sotto_us given;          /* when the peer last answered */
    unsigned tries;          /* requests since then … */
    sotto_us since, sure_at; /* … the first of which left then; so many are no accident from then on */
    sotto_us rtt, rtt_total; /* the last round trip, 0: not known; all of them */
    uint64_t n_asked, n_answered;
    uint64_t tie;
    struct nice_asked asked[NICE_ASKED];
    char *remote_pwd; /* nullable */
};

/* Another address that the peer sent a check from, while the pair's may be dead. */
struct nice_move {
    bool is_on, has_answered;
    unsigned tries;
    union nice_sockaddr to;
    socklen_t to_size;
    struct nice_asked asked; /* the last request to it */
    sotto_us since, not_before; /* when it began, and when another one may */
};

/* The way past libnice, of the selected pair. */
struct nice_path {
    bool is_stale;   /* the pair is another: to be found anew */
    bool no_twin;    /* none could be opened: libnice receives */
    bool no_runs;    /* the kernel or the device does not cut messages into packets */
    GSocket *socket; /* counted; NULL: libnice sends, as over relays and TCP */
    union nice_sockaddr to;
    socklen_t to_size;
    uint32_t came;       /* datagrams by libnice, since … */
    sotto_us since;      /* … then */
    sotto_us not_before; /* no twin is opened */
};

struct ice {
    struct nice_loop *loop; /* apart, as due() and fds() ask it through a const ice */
    NiceAgent *agent;
    guint stream;
    struct ice_box *box;
    struct log *log;
    bool relay_only, allow_loopback, default_route, no_fast_path;
    char *interface;          /* nullable */
    char *ca_file;            /* nullable */
    char *ufrag, *pwd; /* ours */
    char *remote_ufrag; /* "" before set_remote */
    bool is_patient;     /* as configured */
    sotto_us hold_until; /* remote candidates are held that long; 0: not held */
    size_t n_turn, n_turn_tcp; /* servers; of them those over TCP and TLS */

    /* what was called */
    bool gather_called, remote_set, remote_done, close_called;
    sotto_us close_by; /* close() gives the goodbyes up then */
    GSList *held;                                       /* remote candidates that libnice may not see yet: NiceCandidate */
    struct ice_tally tally;                             /* all that were taken, and what came from there */

    /* what libnice reported: written by its signals */
    NiceComponentState nice_state;
    GSList *locals; /* not yet yielded: NiceCandidate */
    size_t n_locals; /* all there ever were */
    NiceCandidate *pair_local, *pair_remote;           /* the selected pair; NULL: none */
    size_t n_prflx;
    bool nice_gathered; /* libnice waits for no server */
    bool more_servers;  /* names of some are asked for */
    bool gathered, pair_changed, goodbye_done;
    bool was_cut_short; /* gathering: by the clock */
    bool no_relays;     /* of this host's many addresses libnice could not stand them */
    bool has_bad; /* of the servers */
    struct nice_server *servers; /* as in ice_cfg; then again as many, for second addresses */
    size_t n_servers, n_servers_yielded, n_relay; /* n_servers: as in ice_cfg */
    size_t may_turn_tcp; /* servers that n_turn_tcp may come to */
    struct nice_query *queries; /* to STUN servers */
    size_t n_queries;
    bool has_family[2]; /* local addresses: IPv4, IPv6 */
    uint64_t ranks[2];  /* … their places in libnice's list, as bits */
    struct address external[2], external_base[2]; /* … of a 1:1 NAT, and what it is of; family 0: none */
    sotto_us gather_at, gathered_at;

    /* what was yielded */
    bool gathered_yielded;
    bool has_news; /* a call from above may have made some that nobody has looked for */
    sotto_us done_at; /* when a turn last came to its end */
    int32_t state;
    bool is_closed;
    int room; /* bytes asked for, of what the sockets receive; 0: none were */
    bool is_crowded; /* this host has more addresses than libnice bears */
    bool is_shut;  /* no checks are let in but those by a relay */
    unsigned n_conflicts; /* of roles, as the peer's answers said */
    uint64_t all_conflicts; /* … of remotes before this one, too */
    bool is_settled; /* gathering is over: repetitions are those of checks */
    bool is_calm;  /* libnice's timer of checks ends as soon as it can */
    bool is_deaf;  /* nothing is read any more */
    struct candidate *out; /* the one that was yielded last; NULL: none, or gathering is over */
    struct nice_path path;
    struct nice_consent consent;
    struct nice_move move;
    struct nice_twin *twin; /* NULL: none open */

    bool is_dead;      /* FAILED for good */
    sotto_us heard;    /* when the peer gave a sign of life */
    sotto_us data;     /* … that was data; 0: never */
    sotto_us steady;   /* since then it came without a pause */
    sotto_us patience; /* RFC 8863: when a connection that never came has failed at the latest; 0: not running */
    char selected[192];
};

void sotto__nice_connect_signals(struct ice *ice);
/* The recv callback of libnice. */
void sotto__nice_recv(NiceAgent *agent, guint stream, guint component, guint n, gchar *p,
                      gpointer user);
void sotto__nice_note_data(struct ice *ice, sotto_us now); /* it came */
/* The state as it is at `now`; may find the ice dead. */
int32_t sotto__nice_state(struct ice *ice, sotto_us now);
/* When the state can change by itself. */
sotto_us sotto__nice_state_due(const struct ice *ice);
/* Looks at what waits in the sockets for a sign of life: before a turn. */
void sotto__nice_listen(struct ice *ice, sotto_us now);
void sotto__nice_make_selected(struct ice *ice);

/* ice_nice_timer.c: before there is a pair, after whatever may begin checks; and with one, after turns */
void sotto__nice_hurry(struct ice *ice);
void sotto__nice_rest(struct ice *ice);
void sotto__nice_end_checks(struct ice *ice); /* once all is READY */

/* Least from now, and up to spread more as the random number says, and then the next moment that is others', too. */
sotto_us sotto__nice_moment(sotto_us now, sotto_us least, unsigned spread_ms, uint16_t random);

/* ice_nice_consent.c */
int sotto__nice_consent_init(struct ice *ice, bool is_controlling);
void sotto__nice_consent_free(struct ice *ice);
void sotto__nice_consent_remote(struct ice *ice, char *pwd); /* moved: the remote's, as signalled */
void sotto__nice_consent_begin(struct ice *ice, sotto_us now);    /* there is another pair */
void sotto__nice_consent_listen(struct ice *ice, sotto_us now);   /* before a turn: what is at the head of the pair's socket */
void sotto__nice_consent_turn(struct ice *ice, sotto_us now);     /* asks if that is due */
sotto_us sotto__nice_consent_due(const struct ice *ice);
bool sotto__nice_consent_ended(const struct ice *ice, sotto_us now);
void sotto__nice_woke(struct ice *ice, sotto_us slept, sotto_us now); /* see ice.h */
bool sotto__nice_consent_lost(const struct ice *ice, sotto_us now); /* until it is answered again */

/* ice_nice_local.c */
int sotto__nice_add_locals(struct ice *ice); /* before libnice gathers: how many, or as gather() of ice.h */
void sotto__nice_rank(const struct ice *ice, NiceCandidate *c); /* a local one: what the remote is told */
uint32_t sotto__nice_remote_rank(uint32_t told); /* of a remote one, for libnice */
NiceCandidate *sotto__nice_external(const struct ice *ice, const NiceCandidate *c); /* yours: what a 1:1 NAT makes of this one; NULL */
bool sotto__nice_is_external(const struct ice *ice, const struct candidate *c); /* told already */

/* ice_nice_fence.c: what a peer must not make libnice do */
void sotto__nice_fence(struct ice *ice); /* after a turn */
void sotto__nice_resize(struct ice *ice, int force, int plain, int size); /* the sockets' buffers, by these two options */
void sotto__nice_note_conflict(struct ice *ice, const uint8_t *p, size_t n); /* a datagram that libnice will read */

int sotto__nice_consent_fd(const struct ice *ice); /* of a direct pair; -1: only libnice can send */
void sotto__nice_consent_hurry(struct ice *ice, sotto_us now); /* asks in this turn */
/* A request to the peer, its id in `asked`; its length, or 0. */
size_t sotto__nice_request(const struct ice *ice, struct nice_asked *asked,
                           uint8_t bytes[static NICE_MAX_STUN]);
/* Whether this request to us has the peer's name, and our password. */
bool sotto__nice_is_request(struct ice *ice, const uint8_t *p, size_t n);
/* Whether these n ≥ 20 bytes are the peer's success in answer to that. */
bool sotto__nice_is_success(const struct ice *ice, const struct nice_asked *asked, const uint8_t *p,
                            size_t n);

/* ice_nice_move.c */
void sotto__nice_move_seen(struct ice *ice, const union nice_sockaddr *from, sotto_us now);
void sotto__nice_move_ask(struct ice *ice); /* with each request to the pair's */
void sotto__nice_move_answer(struct ice *ice, const union nice_sockaddr *from, const uint8_t *p,
                             size_t n); /* whatever came from elsewhere, n ≥ 20 */
void sotto__nice_move_stay(struct ice *ice, sotto_us asked); /* the pair's answered a request of that time */
void sotto__nice_move_turn(struct ice *ice, sotto_us now);   /* goes over, if that is settled */
void sotto__nice_move_done(struct ice *ice); /* libnice selected a pair: if it is that one, names it */

/* ice_nice_filter.c: once the sockets are there; again with a remote, and with another. */
void sotto__nice_filter(struct ice *ice);
void sotto__nice_refused(const struct ice *ice, struct ice_refused *ret);

/* ice_nice_send.c */
void sotto__nice_never_fragment(struct ice *ice);  /* once there are sockets */
void sotto__nice_path_forget(struct ice *ice);     /* the pair is another, or none */
int sotto__nice_path_fd(struct ice *ice);          /* of the selected pair's socket; -1: only libnice can send */
/* Over that fd; how many went out. */
size_t sotto__nice_send_past(struct ice *ice, int fd, const struct packet *p, size_t n);
bool sotto__nice_whole(struct ice *ice, bool whole);

/* ice_nice_twin.c */
bool sotto__nice_same_address(const union nice_sockaddr *a, const union nice_sockaddr *b);
void sotto__nice_twin_turn(struct ice *ice, sotto_us now); /* opens, moves and closes it as the pair and the traffic say */
void sotto__nice_twin_close(struct ice *ice);              /* what it holds is lost */
/* With a twin: the next datagram of what was read; reads, and takes the first. */
bool sotto__nice_twin_take(struct ice *ice, struct ice_out *out);
bool sotto__nice_twin_read(struct ice *ice, sotto_us now, struct ice_out *out);
int sotto__nice_twin_fds(const struct ice *ice, struct sotto_fd *out, int n, int max); /* behind n others; how many then */
bool sotto__nice_twin_ready(struct ice *ice, int slot); /* true: it was the twin's */
bool sotto__nice_twin_waits(const struct ice *ice);     /* poll() said that there is something */
sotto_us sotto__nice_twin_due(const struct ice *ice);

/* ice_nice_tally.c: before a turn, as long as there is no pair */
void sotto__nice_tally(struct ice *ice);

/* ice_nice_server.c */
bool sotto__nice_head(int fd, struct address *from, uint8_t *p, size_t *n); /* of the next datagram; false: none of UDP */
int sotto__nice_servers_init(struct ice *ice, const struct ice_cfg *cfg); /* 0 or SOTTO_E_NOMEM */
void sotto__nice_servers_add(struct ice *ice, const struct ice_server *servers, size_t n,
                             bool is_last, sotto_us now); /* those with addresses, once each */
void sotto__nice_servers_start(struct ice *ice);  /* right before libnice gathers */
void sotto__nice_servers_ask(struct ice *ice);    /* right after: STUN */
void sotto__nice_servers_listen(struct ice *ice); /* right before a turn, once for each */
void sotto__nice_server_answer(struct nice_server *s, const struct stun_answer *a);
void sotto__nice_servers_gave(struct ice *ice, const struct candidate *c); /* a local candidate of libnice */
void sotto__nice_server_is_odd(struct ice *ice, const struct candidate *c); /* … that is of no use */
size_t sotto__nice_server_of(const struct ice *ice, const struct candidate *c); /* its place; SIZE_MAX: not known */
bool sotto__nice_server_error(struct ice *ice, struct ice_out *out); /* once gathered: the next one that failed */

/* ice_nice_stun.c: STUN servers */
void sotto__nice_stun_ask(struct ice *ice, size_t server, sotto_us now); /* from each socket of its family */
void sotto__nice_stun_turn(struct ice *ice, sotto_us now); /* what is due */
sotto_us sotto__nice_stun_due(const struct ice *ice);      /* SOTTO_NEVER: all have answered, or had their time */
bool sotto__nice_stun_hear(struct ice *ice, int fd, const struct address *from, const uint8_t *p,
                           size_t n); /* true: it was an answer to us */
bool sotto__nice_stun_is_ours(const struct ice *ice, const struct address *mapped,
                              size_t *server); /* which of them told us of it */
void sotto__nice_local_of(const struct ice *ice, const struct nice_server *s,
                          struct address *ret); /* where it was asked from; family 0: not known */
void sotto__nice_stun_free(struct ice *ice);

/* ice_nice_turn.c: TURN over TCP and TLS */
bool sotto__nice_turn_open(struct ice *ice, struct nice_server *to,
                           const struct ice_server *s); /* for libnice, at the address of `to` */
void sotto__nice_turn_start(struct ice *ice, struct nice_server *s); /* before libnice connects */
void sotto__nice_turn_turn(struct ice *ice, sotto_us now); /* what is ready or due */
int sotto__nice_turn_fds(const struct ice *ice, struct sotto_fd *out, int n, int max); /* behind n others; how many then */
bool sotto__nice_turn_ready(struct ice *ice, int slot); /* true: it was one of these */
sotto_us sotto__nice_turn_due(const struct ice *ice);
void sotto__nice_turn_free(struct ice *ice);

bool sotto__nice_to_candidate(const NiceCandidate *c, struct candidate *ret); /* false: not one for the remote */
NiceCandidate *sotto__nice_from_candidate(const struct ice *ice, const struct candidate *c);
void sotto__nice_to_address(const NiceAddress *a, struct address *ret);
void sotto__nice_from_address(const struct address *a, NiceAddress *ret);

#endif

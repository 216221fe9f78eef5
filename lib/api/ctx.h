/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_API_CTX_H
#define SOTTO_API_CTX_H
/* The context and the shells of its objects: what the files of api/ share. */
#include "api/guard.h"
#include "peer/peer.h"
#include "sotto/ctx.h"
#include "sotto/event.h"
#include "transport/net_watch.h"
#include "util/map.h"

/* The world that a context lives in: the real one, or test/net. */
struct world {
    sotto_us (*now)(void *user);
    const struct ice_ops *ice_ops;
    void *user; /* given to now and, as ice_cfg.world, to the ice */
    const struct net_ops *net_ops; /* NULL: no multicast DNS, and no DNS */
    void *net;                     /* given to them */
    const char *dns;               /* servers to be asked instead of the system's: resolver.h */
    const struct net_watch_ops *watch_ops; /* NULL: this host's addresses are not watched; given user */
    sotto_us (*boot)(void *user);  /* a clock that goes on while the host sleeps, else as now; NULL: it never sleeps */
};

#define MAGIC_CTX 0x736f7478u
#define MAGIC_PC 0x736f7070u
#define MAGIC_DC 0x736f6463u
#define MAGIC_TRANSCEIVER 0x736f7472u
#define MAGIC_CERT 0x736f6365u
#define MAGIC_DEAD 0xdeadbeefu

struct sotto_pc { /* a shell: lives until it is freed and no event names it */
    uint32_t magic;
    atomic_int refs; /* the handle, events, channels' shells, the loop's run */
    struct guard *guard;
    struct sotto_ctx *ctx; /* valid while peer is not NULL */
    struct peer *peer;     /* NULL: freed */
    void *user;
    uint64_t id; /* in the context, never used again: epoll's data names it */
    struct node all, run, control, data, media, batch; /* in the context's lists */
    sotto_us due;
    size_t heap; /* position + 1 in the heap of deadlines; 0: not in it */
    struct sotto_fd *fds; /* as registered with epoll */
    int n_fds;
    sotto_cert *cert;      /* as configured: the application's, or NULL */
    int32_t bundle_policy; /* as configured */
};

struct sotto_dc { /* a shell */
    uint32_t magic;
    struct node all; /* in the context's list while the application has the handle */
    atomic_int refs; /* the handle, events */
    struct guard *guard;
    struct sotto_pc *pc;     /* counted */
    struct channel *channel; /* NULL: freed, or its connection was */
    char *label, *protocol;
    bool unordered, negotiated;
    int32_t reliability, priority, id;
    uint32_t limit;
    int64_t buffered, low; /* when the channel went */
    void *user;
};

struct sotto_transceiver { /* a shell: one of each transceiver that was given out */
    uint32_t magic;
    sotto_kind kind;
    struct node all; /* in the context's list while the application has the handle */
    atomic_int refs; /* the handle, events */
    struct guard *guard;
    struct sotto_pc *pc;             /* counted */
    struct transceiver *transceiver; /* NULL: given back, or its connection was freed */
    void *user;
};

struct post {
    uint32_t code;
    void *p;
    sotto_us at;
};

struct closing { /* an ice that says goodbye after its connection was freed */
    struct node node;
    struct ice *ice;
    sotto_us until;
};

#define SPARE_CERTS 2

struct sotto_ctx {
    uint32_t magic;
    struct guard *guard;
    struct world world;
    bool in_world, no_thread;
    sotto_log_fn sink;
    void *sink_user;
    uint32_t max_pcs;

    /* objects */
    struct node pcs, dcs, transceivers; /* shells whose handle the application has */
    size_t n_pcs;
    uint64_t last_id;
    struct map by_id;
    struct transport_shared shared;
    struct sctp_home sctp_home;
    struct ice_box box;
    struct egress egress;
    struct mdns_agent mdns;
    struct resolver resolver;
    struct net_watch watch;
    bool roams;      /* a connection has gathered, so changes of the network matter */
    sotto_us roam_at; /* when to look after them: SOTTO_NEVER before */
    sotto_us asleep; /* how much longer than it was awake the host has been on, when it was looked last */
    sotto_us look_asleep; /* when to look next */
    struct log log;

    /* the loop */
    int inner, outer;                  /* epoll: of the connections; given to the application */
    int ready, wake, sctp_wake, timer; /* eventfds; timerfd, -1 with a thread */
    pthread_t thread;
    atomic_bool stop;
    bool has_thread, running, is_ready, sleeping;
    sotto_us sleeps_until, timer_at;
    struct sotto_pc **heap; /* by due */
    size_t n_heap, cap_heap;
    struct node run; /* those that are ready or due */
    struct node closing;
    sotto_us closing_at; /* when to look after them */
    struct {             /* questions and answers in quick turns: loop.c */
        sotto_us woke;   /* when the network brought the last turn … */
        uint64_t sent;   /* … and the packets that had been sent by its end */
        unsigned rest, pause; /* waits that sleep at once; how many after the next look in vain */
        unsigned found;       /* looks in a row that found something, up to a bound */
    } quick;
    struct { /* certificates that wait for connections: spare.c */
        struct cert *certs[SPARE_CERTS];
        unsigned n, wanted;
        bool is_used; /* one was asked for */
    } spare;
    bool batching;
    sotto_us batch_until;
    struct node batch; /* connections with messages that wait for the end of the batch */
    size_t n_batch;    /* such messages */

    /* events */
    struct node control, data, media; /* connections with events; with messages; with media */
    bool media_is_next;               /* of the two: in turn */
    struct post posts[SOTTO_MAX_POSTS];
    size_t post_head, n_posts;

    /* waiters in sotto_ctx_wait and _run */
    int n_waiters;
    int n_polling; /* of them, those that wait for another thread's turns */
    pthread_cond_t left;
};

/* ctx.c */
int sotto__ctx_new_in(const struct world *w, const sotto_ctx_config *cfg,
                      sotto_ctx **ret); /* w NULL: the real one */
int sotto__ctx_enter(sotto_ctx *c);     /* checks and locks: 0 or an error */
void sotto__ctx_leave(sotto_ctx *c);    /* flushes, arms the loop, unlocks, logs */
/* After a message was put into a batch, and nothing else: as above, but mostly it only unlocks. */
void sotto__ctx_leave_batch(sotto_ctx *c, sotto_us now);
int sotto__pc_enter(sotto_pc *pc, struct peer **ret);
void sotto__pc_leave(sotto_pc *pc);
void sotto__pc_unref(sotto_pc *pc);
void sotto__pc_end(sotto_pc *pc); /* under the lock: closes and gives back the objects; the shell stays */
int sotto__config_size(const void *p, size_t known,
                       size_t least); /* api.md, Structs: 0, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED */
int sotto__config_copy(const void *p, size_t known, size_t least, void *to);

/* loop.c */
sotto_us sotto__now(const sotto_ctx *c);
sotto_us sotto__ntp_offset(const sotto_ctx *c); /* added to now(): µs since 1900 (RFC 3550 §4) */
int sotto__loop_open(sotto_ctx *c); /* descriptors */
void sotto__loop_close(sotto_ctx *c);
int sotto__loop_turn(sotto_ctx *c, sotto_us timeout); /* holding the lock, which is open meanwhile. 0 or an error */
void *sotto__loop_thread(void *ctx);
void sotto__loop_touch(sotto_ctx *c, sotto_pc *pc); /* after every call that went down to its peer */
void sotto__loop_arm(sotto_ctx *c); /* before unlocking: readiness, the timer, a wake-up if one is needed */
int sotto__loop_reserve(sotto_ctx *c); /* room for one more connection: 0 or SOTTO_E_NOMEM */
void sotto__loop_forget(sotto_ctx *c, sotto_pc *pc);
void sotto__loop_wake(sotto_ctx *c);
void sotto__loop_close_ice(sotto_ctx *c, struct ice *ice,
                           sotto_us now); /* NULL is fine; it says goodbye and is freed */
sotto_us sotto__ctx_due(const sotto_ctx *c); /* the next deadline */

sotto_us sotto__loop_boot(void *unused); /* of the real world */
void sotto__loop_watch(sotto_ctx *c); /* the network, which is open */

/* roam.c */
void sotto__roam_begin(sotto_ctx *c, sotto_us now);
void sotto__roam_turn(sotto_ctx *c, sotto_us now);

/* event.c */
int sotto__event_take(sotto_ctx *c, sotto_event **ret); /* under the lock */
bool sotto__event_waits(const sotto_ctx *c);
void sotto__events_listed(sotto_ctx *c, sotto_pc *pc); /* puts it on the lists that it belongs to */

/* data.c */
int sotto__dc_new(sotto_pc *pc, struct channel *ch, void *user, sotto_dc **ret);
void sotto__dc_unref(sotto_dc *dc);
int sotto__dc_enter(sotto_dc *dc, struct peer **ret); /* 0 and locked, with dc->channel; or an error */
void sotto__dc_detach(sotto_dc *dc); /* its channel goes: keeps what can still be asked */

/* media.c */
int sotto__media_shell(sotto_pc *pc, struct transceiver *t, sotto_transceiver **ret); /* the one that it has, or a new one */
void sotto__media_unref(sotto_transceiver *t);
void sotto__media_detach(sotto_transceiver *t); /* its connection goes */
int sotto__media_enter(sotto_transceiver *t, struct peer **ret); /* 0 and locked, with t->transceiver; or an error */

/* event_media.c */
struct full_event {
    struct sotto_event e;
    struct sotto_dc *dc;                   /* counted; NULL: none */
    struct sotto_transceiver *transceiver; /* counted; NULL: none */
    struct strings streams;                /* of a track */
    uint8_t *data;                         /* of a message */
    struct received *received;             /* of a frame or packet */
    size_t room;       /* of text */
    sotto_frame frame; /* of SOTTO_EV_FRAME */
    char text[]; /* of a candidate, its error, a warning; a rid, and a packet */
};
/* Zeroed up to its frame; NULL: no memory. drop: one that nobody got, or that is over; g NULL: none. */
struct full_event *sotto__event_new(struct guard *g, size_t text);
void sotto__event_drop(struct guard *g, struct full_event *f);
int sotto__event_take_media(sotto_ctx *c, sotto_pc *pc, struct full_event **ret); /* 1 filled, 0 none, or an error */
int sotto__event_fill_media(sotto_pc *pc, const struct peer_event *p, struct full_event **ret);

/* config.c */
struct pc_config {
    struct peer_cfg peer;
    struct ice_server servers[SOTTO_MAX_ICE_SERVERS];
    struct sdp_fingerprint *pins; /* owned */
    sotto_cert *cert; /* as given */
    int32_t bundle_policy;
    void *user;
};
int sotto__config_read(const sotto_pc_config *cfg,
                       struct pc_config *ret); /* views of cfg; certificate left NULL if none given */
void sotto__config_free(struct pc_config *c);

/* spare.c */
int sotto__spare_take(sotto_ctx *c, int64_t unix_now, struct cert **ret); /* without the lock: as sotto__cert_generate() */
bool sotto__spare_wanted(const sotto_ctx *c);
/* moved; NULL: none could be made, so none is wanted until the next connection */
void sotto__spare_put(sotto_ctx *c, struct cert *cert);
void sotto__spare_free(sotto_ctx *c);

/* cert.c */
struct cert *sotto__cert_of(const sotto_cert *c); /* NULL: not a certificate */

#endif

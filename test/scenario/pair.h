/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_PAIR_H
#define TEST_SCENARIO_PAIR_H
/*
 * Two applications, each with a context and a connection, over test/net, with a signalling channel between them that can be slow
 * and can hold candidates back. It takes every event, checks the promises of event.h about their order, and keeps the sums
 * by which what was sent and what arrived can be compared. Failures go to pair_failed(), which each program defines.
 */
#include "api/ctx.h"
#include "net.h"
#include "sotto/sotto.h"

struct pair;
struct side;
struct raw;

_Noreturn void pair_failed(const char *file, int line, const char *what);
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) pair_failed(__FILE__, __LINE__, #cond);                                       \
    } while (0)

enum chan_phase { CHAN_NEW, CHAN_OPEN, CHAN_CLOSED };

/* One end of a data channel as the application sees it. */
struct chan {
    struct node node; /* in side.chans */
    struct side *side;
    sotto_dc *dc;    /* NULL: freed */
    bool is_remote;  /* came by CHANNEL */
    bool is_echo;    /* sends back what comes */
    bool owes_ready; /* AGAIN was said, WRITABLE not yet */
    enum chan_phase phase;
    int32_t error; /* of CLOSED */
    size_t n_writable, n_low, n_closing;
    uint64_t n_in, bytes_in, sum_in, n_out, bytes_out, sum_out;
    uint8_t *last; /* the last message */
    size_t last_len;
    bool last_text;
    uint64_t bulk_left;   /* messages that chan_pump still sends */
    size_t bulk_size;     /* bytes of each */
    uint64_t n_disorder;  /* numbered messages that came after a later one */
    uint64_t next_number; /* the least number that may come in order */
    uint8_t *seen;        /* a bit for each of the first 65536 numbers: none comes twice */
};

enum { SIDE_STATES = 64 };

struct side {
    struct pair *pair;
    int index;
    struct net_host *host;
    struct world world;
    sotto_ctx *ctx;
    sotto_pc *pc;
    struct node chans;
    struct chan *newest; /* the last one that CHANNEL brought */
    sotto_pc_state states[SIDE_STATES];
    sotto_us state_at[SIDE_STATES];
    size_t n_states;
    size_t n_events[32];
    bool echo;     /* new remote channels echo */
    bool deaf;     /* takes no events */
    bool told_all; /* the empty candidate came */
    bool rolls_back;
    bool is_closed;    /* the closed STATE came */
    int32_t set_error; /* of the last description that signalling applied */
};

struct pair_opt {
    sotto_pc_config pc[2];    /* size is filled in */
    const char *addresses[2]; /* NULL: one of 192.0.2.0/24 */
    bool no_trickle;          /* descriptions wait for all candidates, none is told singly */
    bool no_candidates[2];    /* what this side gathers is never told: the other must learn it */
    bool no_end;              /* the end of candidates is not told */
    sotto_us signal_us;       /* how long a description takes */
    sotto_us candidate_us;    /* how long a candidate takes, beyond signal_us */
    bool one_context;         /* both in the first side's context and host */
    struct pair *beside; /* another pair in the same network, moved along with this one; free this one first */
    struct raw *raw; /* side 1 is this one: raw_peer.h */
    int32_t log_level;
    void (*take)(struct side *s, const sotto_event *e, void *user); /* nullable: sees each event too */
    void *user;
};

struct signal_message;

struct pair {
    struct net *net;
    struct side side[2];
    struct pair_opt opt;
    struct node signals; /* by time */
    int waiting;         /* bits: this side's description goes when all candidates are there */
    uint64_t rng;
    struct pair *sibling; /* moved along */
    int64_t live;         /* sotto__mem_live() before */
};

struct pair *pair_new(uint64_t seed, const struct pair_opt *opt); /* opt nullable */
/* Like it, but tells an error of making contexts or connections; then *ret is to be freed too. */
int pair_try_new(uint64_t seed, const struct pair_opt *opt, struct pair **ret);
/* Frees both connections and puts new ones into the same contexts. */
void pair_renew(struct pair *p);
void pair_free(struct pair *p); /* checks that nothing of the library is left, handles and contexts included */

/* One side offers, and signalling brings it to the other and the answer back. 0 or what set_local_description said. */
int pair_offer(struct pair *p, int from);
/* Does what is due now and moves the clock to the next due thing, at most to `end`. */
void pair_step(struct pair *p, sotto_us end);
void pair_run(struct pair *p, sotto_us span);
typedef bool (*pair_condition)(struct pair *p, void *arg);
bool pair_until(struct pair *p, sotto_us span, pair_condition done,
                void *arg); /* false: not within the time */
bool pair_is_connected(struct pair *p, void *unused);
bool pair_is_over(struct pair *p, void *unused); /* each side failed or closed */

/* A pair with a channel "c" open at both ends: a[0] at side 0, a[1] at side 1. */
struct pair *pair_connected(uint64_t seed, const struct pair_opt *opt, struct chan *a[2]);
bool pair_open_channel(struct pair *p, int from, const char *label, const sotto_dc_config *cfg,
                       struct chan *a[2]);

struct chan *side_channel(struct side *s, const char *label,
                          const sotto_dc_config *cfg); /* NULL: refused */
int side_try_channel(struct side *s, const char *label, const sotto_dc_config *cfg,
                     struct chan **ret);
void side_take_events(struct side *s);
sotto_pc_state side_state(const struct side *s);
struct chan *side_find(struct side *s, const char *label); /* the first that is not closed; NULL */

int chan_send(struct chan *c, const void *p, size_t n, bool is_text);
int chan_number(struct chan *c,
                size_t n); /* a message of n ≥ 8 bytes that begins with its number */
void chan_bulk(struct chan *c, uint64_t messages, size_t size); /* sends them as the buffer lets */
void chan_free(struct chan *c);                                 /* sotto_dc_free and forget */
bool chan_same(const struct chan *from,
               const struct chan *to); /* all that was sent arrived, in order and unchanged */

/* The seeds of a test: n, or ten times that with SOTTO_LONG=1. */
int pair_seeds(int n);

#endif

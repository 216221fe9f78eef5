/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_NEGO_H
#define TEST_SCENARIO_NEGO_H
/*
 * The harness of negotiation: one or two applications over test/net, through the public API and virtual time. What happens is
 * kept as short texts (a log of events, the transceivers, the sections of a description, a snapshot of everything observable),
 * so that a test says in one line exactly what it wants. Texts and descriptions that functions return live until nego_free().
 */
#include "api/ctx.h"
#include "cmocka_all.h"
#include "net.h"
#include "sotto/sotto.h"

struct nego;

enum { NEGO_MAX_CHANS = 16, NEGO_MAX_KNOWN = 512 };

struct nego_chan { /* messages are numbers: each must come once and in order */
    struct nego_side *side;
    sotto_dc *dc;
    bool open, closed;
    int32_t error;
    uint64_t sent, received;
};

enum { /* what the log takes */
    NEGO_TRACKS = 1,    /* "track MID STREAM,…", "removed MID STREAM,…"; "-": no stream */
    NEGO_NEEDED = 2,    /* "needed" */
    NEGO_SIGNALING = 4, /* "have-local-offer", …, when it differs from the one before */
    NEGO_CHANNELS = 8,  /* "channel LABEL", "open LABEL", "closed LABEL" */
    NEGO_ERRORS = 16    /* "error CODE URL" */
};

struct nego_side {
    struct nego *n;
    int index;
    struct net_host *host;
    struct world world;
    sotto_ctx *ctx;
    sotto_pc *pc; /* NULL: there is no such side */
    unsigned watch; /* NEGO_*; TRACKS and NEEDED at first */
    char *log;
    size_t log_n;
    int32_t signaling; /* as told last */
    sotto_error err;   /* of the last description or candidate */
    sotto_transceiver *known[NEGO_MAX_KNOWN];
    size_t n_known;
    struct nego_chan chans[NEGO_MAX_CHANS];
    size_t n_chans;
    size_t n_needed, n_candidates, n_ends;
    char last_ufrag[260];   /* of the last local candidate */
    bool mute_candidates;   /* they are not told to the other side */
    bool lazy;              /* takes events in nego_turn only, not after each call */
    void (*on_candidate)(struct nego_side *s, const sotto_candidate *c, void *user); /* instead of the harness's signalling */
    void (*on_track)(struct nego_side *s, const sotto_event *e, void *user); /* as well */
    void *user;
};

struct nego_opt {
    sotto_pc_config a, b; /* size is filled in */
    bool alone;           /* there is no side b: its descriptions are written by hand */
    uint64_t seed;
    const char *address_a, *address_b; /* NULL: of 192.0.2.0/24 */
    sotto_us signal_us;   /* of a candidate; 0: 5 ms */
};

struct nego {
    struct nego_side a, b;
    struct net *net;
    struct node candidates; /* on their way */
    bool in_turn;
    sotto_us signal_us;
    char **kept;
    size_t n_kept, cap_kept;
    int64_t live;
};

struct nego *nego_new(const struct nego_opt *opt); /* opt nullable: two sides */
struct nego *nego_alone(void);
struct nego *nego_pair(void);
void nego_free(struct nego *n); /* checks that nothing is left */
struct nego_side *nego_other(struct nego_side *s);
char *nego_keep(struct nego *n, char *malloced);
__attribute__((format(printf, 2, 3))) char *nego_text(struct nego *n, const char *format, ...);

/* ---- descriptions ---- */

int nego_try_local(struct nego_side *s, int32_t type, const char *sdp);
int nego_try_remote(struct nego_side *s, int32_t type, const char *sdp);
void nego_set_local(struct nego_side *s, int32_t type, const char *sdp); /* must succeed */
void nego_set_remote(struct nego_side *s, int32_t type, const char *sdp);
/* Must fail with this error, and change nothing that can be observed, and queue no event. */
void nego_refuse_local(struct nego_side *s, int32_t type, const char *sdp, int want);
void nego_refuse_remote(struct nego_side *s, int32_t type, const char *sdp, int want);
char *nego_make_offer(struct nego_side *s);   /* create_offer only */
char *nego_make_restart(struct nego_side *s); /* … with ice_restart */
char *nego_make_answer(struct nego_side *s);
char *nego_offer(struct nego_side *s);  /* create, set; returns the local description */
char *nego_answer(struct nego_side *s); /* create, set; returns the local description */
char *nego_answer_to(struct nego_side *s, const char *offer); /* set remote, answer */
char *nego_local(struct nego_side *s);  /* the effective one; NULL: none */
char *nego_remote(struct nego_side *s);
char *nego_description(struct nego_side *s, bool local, int32_t which, int32_t *ret_type);
void nego_exchange(struct nego_side *from); /* a whole offer and answer */
void nego_rollback(struct nego_side *s);    /* of the pending offer, local or remote */

/* ---- states, transceivers, events ---- */

int32_t nego_signaling(struct nego_side *s);
int32_t nego_connection(struct nego_side *s);
sotto_transport_info nego_transport(struct nego_side *s);
void nego_take(struct nego_side *s); /* the events of now */
/* The log since the last time is exactly this: entries joined by "; ", "" for none. */
#define nego_expect(s, want) nego_expect_at(s, want, __FILE__, __LINE__)
void nego_expect_at(struct nego_side *s, const char *want, const char *file, int line);
void nego_forget(struct nego_side *s); /* empties the log */
/* "MID KIND DIRECTION/CURRENT" joined by "; "; MID "-": none; CURRENT "none" before negotiation. */
char *nego_transceivers(struct nego_side *s);
#define nego_expect_transceivers(s, want) assert_string_equal(nego_transceivers(s), want)
char *nego_snapshot(struct nego_side *s); /* all that can be observed */
/* Both sides of a stable call describe the same thing: fails if mids, kinds, order or directions differ. */
void nego_expect_agreement(struct nego *n);

sotto_transceiver *nego_add(struct nego_side *s, int32_t kind, int32_t direction,
                            const char *streams); /* streams: "x,y"; NULL none */
sotto_transceiver *nego_add_rids(struct nego_side *s, const char *rids); /* video, sendrecv, "h,m,l" */
sotto_transceiver *nego_track(struct nego_side *s, int32_t kind, const char *streams);
sotto_transceiver *nego_at(struct nego_side *s, size_t i); /* in getTransceivers; fails without */
size_t nego_count_transceivers(struct nego_side *s);
const char *nego_mid(struct nego_side *s, sotto_transceiver *t);
void nego_direct(struct nego_side *s, sotto_transceiver *t, int32_t direction);
void nego_stop(struct nego_side *s, sotto_transceiver *t);
void nego_remove(struct nego_side *s, sotto_transceiver *t);
void nego_streams(struct nego_side *s, sotto_transceiver *t, const char *streams);

struct nego_chan *nego_channel(struct nego_side *s, const char *label);
struct nego_chan *nego_find(struct nego_side *s, const char *label); /* NULL: none */
void nego_send(struct nego_chan *c);
bool nego_is_whole(struct nego *n, const char *label); /* what either side sent has arrived */

/* ---- time ---- */

typedef bool (*nego_condition)(struct nego *n, void *arg);
void nego_run(struct nego *n, sotto_us span);
bool nego_until(struct nego *n, sotto_us span, nego_condition done, void *arg);
sotto_us nego_due(struct nego *n, sotto_us end); /* for those who have signals of their own: nego_turn, then advance to it */
void nego_turn(struct nego *n);
bool nego_is_connected(struct nego *n, void *unused);
void nego_connect(struct nego *n); /* runs until both are connected, and open channels are open; fails after 30 s */
int nego_add_candidate(struct nego_side *s, const char *line, const char *mid, int32_t mline,
                       const char *ufrag);

/* ---- rows as tests ---- */

struct nego_suite {
    struct CMUnitTest tests[400];
    size_t n;
};
void nego_suite_test(struct nego_suite *u, const char *name, CMUnitTestFunction f);
/* Each row begins with its name; f gets it as *state. */
void nego_suite_rows(struct nego_suite *u, const void *rows, size_t stride, size_t n,
                     CMUnitTestFunction f);
#define NEGO_TEST(u, f) nego_suite_test(u, #f, f)
#define NEGO_ROWS(u, rows, f)                                                                      \
    nego_suite_rows(u, rows, sizeof *(rows), sizeof(rows) / sizeof *(rows), f)
int nego_suite_run(struct nego_suite *u, const char *name);

#endif

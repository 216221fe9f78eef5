/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_WHIP_PRIV_H
#define SOTTO_EXTRA_WHIP_PRIV_H
/* What the files of the WHIP and WHEP client share. All but the worker belongs to the application's thread. */
#include <sys/types.h>

#include "extra/http_worker.h"
#include "extra/whip_answer.h"
#include "sotto/whip.h"
#include "util/limits.h"

#define WHIP_POST_CODE 0x57484950u /* of our SOTTO_EV_USER; p is the helper */

enum whip_phase {
    WHIP_FRESH,      /* a connection was made, and the application told: next, the offer */
    WHIP_ASK,        /* OPTIONS: for ICE servers, before anything is gathered */
    WHIP_GATHER,     /* the offer is to have candidates in it */
    WHIP_POST,       /* the offer is with the server */
    WHIP_COUNTER,    /* our answer to its own offer is gathering, then with the server */
    WHIP_UP,         /* there is a session */
    WHIP_REGATHER,   /* ICE restart: new candidates */
    WHIP_RESTART,    /* … with the server */
    WHIP_WAIT,       /* until the next attempt */
    WHIP_OVER,       /* refused */
    WHIP_STOP_POST,  /* stopped while the offer was with the server */
    WHIP_STOP,       /* DELETE */
    WHIP_END
};

enum whip_request {
    WHIP_NONE,
    WHIP_OPTIONS,
    WHIP_OFFER,
    WHIP_ANSWER,
    WHIP_TRICKLE,
    WHIP_ICE,
    WHIP_BYE
};

struct whip_times { /* other ones in tests only */
    sotto_us request;  /* HTTP: one request */
    sotto_us gather;   /* for candidates before an offer goes out with them */
    sotto_us connect;  /* from the answer to connected, and from a restart */
    sotto_us patience; /* disconnected, before ICE is restarted */
    sotto_us stop;     /* for all of the end */
    sotto_us calm;     /* that a connection has to last for the waits to begin anew */
};

struct sotto_whip {
    pid_t owner; /* a forked child has neither the worker's thread nor a right to its connections */
    sotto_ctx *ctx;
    struct http_worker *worker;
    struct http_cfg trust; /* owned texts */
    char *url;
    bool is_play, has_audio, has_video;
    sotto_encoding *encodings; /* owned, with rids in rid_texts; nullable */
    size_t n_encodings;
    char *rid_texts;
    sotto_pc_config *pc_config; /* one block of sotto_pc_get_config() */
    uint32_t max_attempts;
    sotto_us first, longest;
    struct whip_times times;
    char stream[33]; /* id of the one media stream */

    enum whip_phase phase;
    sotto_pc *pc, *old_pc; /* old_pc: told to be gone; freed by the next sotto_whip_next() */
    sotto_transceiver *audio, *video;
    bool has_news;
    sotto_whip_news news;
    enum whip_request asked; /* of the request under way, or whose result is not taken */
    uint64_t token_serial;   /* of the token that was refused */

    /* the session */
    char *session;              /* its URL */
    char *orphan;               /* a session to be told that it is over (DELETE), when HTTP is free */
    char *etag;                 /* nullable */
    char *offer, *answer;       /* texts; the remote's may hold no candidates of later restarts */
    size_t n_trickled;          /* candidates of this generation that the server has */
    size_t n_trickling;         /* … after the request under way */
    bool is_end_told, is_end_trickling;
    uint32_t trickle_failures;
    sotto_us trickle_at;        /* 0, or when it is tried again */
    bool has_local;             /* our description is set */
    bool was_asked;             /* OPTIONS */
    bool is_answer_sent;        /* COUNTER */
    bool is_told_connected;     /* since the answer or the last restart */
    bool was_connected;         /* this connection, ever */
    bool is_countered;          /* the server made the offer */
    sotto_transceiver *spare[2]; /* … ours, which it did not take up */
    bool was_quoted;            /* If-Match: "*" in quotes was tried */
    bool wants_restart;         /* the network changed */
    uint32_t restarts;          /* in vain, one after the other */
    sotto_us deadline;          /* of the phase; of UP: to be connected */
    sotto_us lost_at;           /* disconnected since; SOTTO_NEVER */
    sotto_us connected_at;      /* the first time */

    /* the supervisor */
    uint32_t attempts; /* in vain, one after the other */
    sotto_us wait, again_at;
    uint64_t random;
    bool was_accepted;    /* the server took an offer once: what it says now is not for ever */
    bool has_trickle;     /* until a server refused to be told candidates one by one */
    bool needs_token;     /* OVER: a new token begins anew */
};

/* whip_config.c */
int sotto__whip_configure(sotto_whip *w, const sotto_whip_config *cfg); /* w is zero; on error free it */
bool sotto__whip_is_token(const char *token);
void sotto__whip_unconfigure(sotto_whip *w);

/* whip_status.c */
struct whip_meaning {
    int error;        /* SOTTO_E_* of the news */
    bool is_final;    /* coming again does not help, as far as the status says */
    const char *text; /* static */
};
struct whip_meaning sotto__whip_meaning(int status, bool is_play);

/* whip_session.c: what passes between the connection and the server. Each returns 0 or SOTTO_E_*. */
int sotto__whip_make_pc(sotto_whip *w);
int sotto__whip_make_offer(sotto_whip *w); /* into w->offer */
void sotto__whip_take_servers(sotto_whip *w, const struct whip_answer *a);
int sotto__whip_take_counter(sotto_whip *w, const struct whip_answer *a, sotto_error *err);
int sotto__whip_set_local(sotto_whip *w, sotto_sdp_type type);
int sotto__whip_accept(sotto_whip *w, const struct whip_answer *a, sotto_error *err);
int sotto__whip_local(sotto_whip *w, char **ret);
int sotto__whip_restart(sotto_whip *w);
bool sotto__whip_is_gathered(sotto_whip *w);
int sotto__whip_take_restart(sotto_whip *w, const struct whip_answer *a, sotto_error *err,
                             const char **why);
int sotto__whip_set_text(char **to, struct str s);
void sotto__whip_free_pc(sotto_whip *w); /* the old one */

/* whip_request.c: requests to the worker. They take no body of their own where w->session or w->url say where to. */
int sotto__whip_ask(sotto_whip *w);                     /* OPTIONS */
int sotto__whip_post(sotto_whip *w, const char *offer); /* POST */
int sotto__whip_patch_answer(sotto_whip *w);
int sotto__whip_trickle(sotto_whip *w);
int sotto__whip_patch_restart(sotto_whip *w);
int sotto__whip_delete(sotto_whip *w, char **session, sotto_us limit); /* session moved */

/* whip_run.c */
void sotto__whip_run(sotto_whip *w, sotto_us now); /* until there is news, or nothing to do */
sotto_us sotto__whip_due(const sotto_whip *w);
void sotto__whip_begin_stop(sotto_whip *w, sotto_us now);
void sotto__whip_again(sotto_whip *w, sotto_us now);

/* whip_take.c: what the server said. r is taken apart, not freed. */
void sotto__whip_take(sotto_whip *w, struct http_result *r, sotto_us now);
/* whip_lose.c: the connection is given up. final: coming again does not help. */
struct whip_loss {
    int error, status;
    const char *reason;
    sotto_us retry_after; /* < 0: none */
    bool is_final;
};
void sotto__whip_lose(sotto_whip *w, struct whip_loss loss, sotto_us now);
void sotto__whip_tell(sotto_whip *w, int state);

#endif

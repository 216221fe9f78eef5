/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_ISOLATE_PROCESS_H
#define SOTTO_EXTRA_ISOLATE_PROCESS_H
/* A decoder process and the memory shared with it, as its parent holds them. One thread uses it; tell() is for any. */
#include <sys/types.h>

#include "extra/isolate.h"
#include "extra/isolate_shared.h"

#define ISOLATE_HANG_US 80000    /* without an answer: it hangs */
#define ISOLATE_START_US 1000000 /* the same while it starts anew */
#define ISOLATE_OPEN_US 5000000  /* and for the first time, when nothing is heard yet that could stop */
#define ISOLATE_RETRY_US 250000  /* after it could not be started */
#define ISOLATE_WINDOW_US 60000000
/* Points within the window that turn it off: five deaths that the decoder caused. What may be the machine's doing is one point: a child
 * that had no processor, that somebody else killed, or that could not be started. */
#define ISOLATE_MAX_POINTS 20
#define ISOLATE_DEATH 4

struct isolate_setup {
    uint32_t kind;
    int channels;
    sotto_us min_delay, max_delay;
};

struct isolate_process {
    struct isolate_in *in;
    struct isolate_out *out;
    char *path;
    int memory, pidfd;  /* -1: none */
    pid_t pid, owner;   /* 0: none runs; who may touch it */
    uint32_t bell, seen; /* as rung, and as answered */
    uint32_t first;     /* what a new child takes for `first` */
    bool is_ready, is_off, was_killed, has_wasted;
    sotto_us began, since; /* it was started; it answered last, or had nothing to answer */
    sotto_us cpu_then;     /* what it had used by then */
    sotto_us limited;      /* when the limit of its time was set */
    struct {
        sotto_us at;
        int points;
    } deaths[ISOLATE_MAX_POINTS];
    unsigned n_deaths;
    struct {
        atomic_int state, signal, pid;
        atomic_uint_least64_t deaths;
        atomic_int_least64_t last_death, restart;
    } shown;
};

/* Starts it and waits until it can decode. 0, SYS, NOMEM, INVAL the path is not absolute; on error close() is legal, and needed. */
int sotto__isolate_open(struct isolate_process *p, const struct isolate_setup *s, const char *path);
void sotto__isolate_close(struct isolate_process *p);
/* What is in `in` is to be looked at. */
void sotto__isolate_ring(struct isolate_process *p);
/* Whether it lives and answers; lies: what it told cannot be. 0: all is well; 1: it was replaced, and what it held is lost; CLOSED: it is
 * off; FORKED. */
int sotto__isolate_watch(struct isolate_process *p, sotto_us now, bool lies);
/* Until what was rung last is answered: true; false: it has not been within `span`, or it died. */
bool sotto__isolate_wait(struct isolate_process *p, sotto_us span);
void sotto__isolate_tell(const struct isolate_process *p, sotto_isolation *ret);

#endif

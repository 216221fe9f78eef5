/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_BENCH_H
#define SOTTO_BENCH_H
/* What the measures share: the process's own figures, quantiles, a pair of connections in this process. */
#include <sotto/sotto.h>

double bench_cpu(void);   /* user and system seconds of this process so far */
long bench_rss_kb(void);  /* resident memory now */
long bench_threads(void); /* of this process */
long bench_fds(void);     /* open descriptors */
long bench_dirty_kb(void); /* memory that no other process shares, and that was written */
double bench_quantile(double *values, size_t n, double q); /* sorts */
long bench_number(const char *text, long min, long max); /* ends the process with 2 if it is none */
void bench_check(int r, const char *what); /* below 0: says so and ends the process with 1 */

/* Two processes: signaling on standard input and output. Each returns the exit code. */
int bench_bulk(bool offers, size_t size, double seconds);
int bench_ping(bool offers, size_t size, double seconds);
int bench_rtp(bool offers, long rate, double seconds);
int bench_frame(bool offers, size_t size, double seconds);
int bench_hold(bool offers, double seconds); /* a connection that does nothing */
/* One process. */
int bench_setup(size_t n);
int bench_scale(size_t n, double idle);
int bench_opus(double seconds);
int bench_cores(size_t contexts, double seconds,
                double rate); /* each with a thread of its own and one pair; rate: messages a second, 0: all that goes */

/* A span of measuring, and what a role of a pair says of it at its end. */
struct bench_window {
    double cpu;
    sotto_us start, end;
};
struct bench_window bench_window_open(double seconds);
void bench_report(const char *role, struct bench_window w, unsigned long long bytes,
                  unsigned long long msgs, unsigned long long sent);

/* pipe.c: one connection whose remote is another process. */
struct bench_link {
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_dc *dc; /* NULL until it is there */
    sotto_transceiver *video; /* the same, of a link of media */
    bool open;
};
/* Returns when the channel is open; of media: when they are connected. Else ends the process. */
void bench_link_open(struct bench_link *l, bool offers, bool media);
/* Takes one event, waiting until `end`. NULL: none. A connection that ended ends the process. */
sotto_event *bench_next_event(struct bench_link *l, sotto_us end);
sotto_event *bench_more_event(struct bench_link *l); /* one that is there; NULL: none */

/* pairs.c: two connections of one context. */
struct bench_end {
    sotto_pc *pc;
    sotto_dc *dc; /* open */
    struct bench_end *other;
    bool open;
};
struct bench_pair {
    struct bench_end a, b;
};
sotto_ctx *bench_context(void);
bool bench_pair_connect(sotto_ctx *ctx, struct bench_pair *p); /* whether the channel opened on both sides in time */

#endif

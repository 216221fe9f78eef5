/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_CTX_H
#define SOTTO_CTX_H
/**
 * @file ctx.h
 * The context: one lock, one event queue, and one thread (or none). Everything else lives in a context.
 *
 * Applications with many connections open several contexts, one per core. Three ways to wait:
 *  - sotto_ctx_wait(), the simplest;
 *  - poll() or epoll on sotto_ctx_fd() among other descriptors, then sotto_ctx_next() until it returns 0;
 *  - without a thread: poll() on sotto_ctx_fd(), then sotto_ctx_run(c, 0), then sotto_ctx_next() until it returns 0.
 */
#include <sotto/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A context. */
typedef struct sotto_ctx sotto_ctx;
/** An event: see event.h. */
typedef struct sotto_event sotto_event;

/** How much is logged. */
enum {
    SOTTO_LOG_DEFAULT = 0, /**< SOTTO_LOG_WARNING */
    SOTTO_LOG_NONE = 1,
    SOTTO_LOG_ERROR = 2,
    SOTTO_LOG_WARNING = 3,
    SOTTO_LOG_INFO = 4,
    SOTTO_LOG_DEBUG = 5
};

/**
 * Receives log lines, one per call, after the context's lock is released, in the thread that caused or ran them.
 * @param level  SOTTO_LOG_*.
 * @param line   view, valid for the call: one line without newline; addresses are masked unless sotto_ctx_config.show_addresses, keys
 *               and passwords never appear.
 * @param user   sotto_ctx_config.log_user.
 * A call into the library from here returns SOTTO_E_STATE.
 */
typedef void (*sotto_log_fn)(int32_t level, const char *line, void *user);

/** Options of sotto_ctx_new(); all-zero but for `size` is the default. */
typedef struct sotto_ctx_config {
    uint32_t size;     /**< sizeof (sotto_ctx_config) */
    bool no_thread;    /**< no thread: the application calls sotto_ctx_run() */
    int32_t log_level; /**< SOTTO_LOG_*; lines above it are not made */
    sotto_log_fn log;  /**< nullable: then nothing is logged */
    void *log_user;    /**< given to log */
    uint32_t max_pcs;  /**< most peer connections at a time; 0: 4096 */
    bool no_fast_path; /**< send and receive as libnice does, a datagram at a time: for comparison, or where sockets that share a port
                            are not wanted. Slower, nothing else changes. Security: none */
    bool show_addresses; /**< false: logs, statistics, sotto_pc_explain() and SOTTO_EV_CANDIDATE_ERROR name addresses, hosts of servers,
                              ICE usernames, foundations and fingerprints by masks like "ip4-4f2a91c3": equal within the process,
                              different in another. true: as they are. Security: such reports are sent around, and tell who talked to
                              whom from where; true only while looking for a fault. Keys, passwords and tokens are never shown */
} sotto_ctx_config;

/**
 * Make a context.
 * @param cfg  borrowed, nullable: the defaults.
 * @param ret  yours: sotto_ctx_free().
 * @return 0, or  SOTTO_E_INVAL, SOTTO_E_RANGE  of the configuration
 *                SOTTO_E_UNSUPPORTED           the configuration has fields that this version does not know
 *                SOTTO_E_SYS                   no descriptor or thread to be had
 *                SOTTO_E_NOMEM
 */
SOTTO_API int sotto_ctx_new(const sotto_ctx_config *cfg, sotto_ctx **ret);

/**
 * Free a context and every peer connection in it. Events that were taken stay valid until sotto_event_free().
 * Calls of sotto_ctx_wait() and sotto_ctx_run() in other threads return SOTTO_E_CLOSED and are waited for.
 * @param c  nullable.
 * Blocks for at most about 1 s (goodbyes to TURN servers). Not from the log sink.
 */
SOTTO_API void sotto_ctx_free(sotto_ctx *c);

/**
 * The descriptor to wait on: readable (level-triggered) while sotto_ctx_next() would return 1, and in a context without
 * a thread also while sotto_ctx_run() has work, deadlines included.
 * @return an epoll descriptor, the same for the context's whole life, owned by it: poll it, never read or close it;
 *         or SOTTO_E_INVAL, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_ctx_fd(const sotto_ctx *c);

/**
 * Take the next event.
 * @param ret  yours: sotto_event_free(); written only when 1 is returned.
 * @return 1 an event, 0 none, or SOTTO_E_INVAL, SOTTO_E_FORKED, SOTTO_E_NOMEM (the event stays queued).
 * Never blocks; any thread.
 */
SOTTO_API int sotto_ctx_next(sotto_ctx *c, sotto_event **ret);

/**
 * Take up to n events at once.
 * @param ret  array of n; the first ones are filled and yours.
 * @return how many, or as sotto_ctx_next() when there is not even one.
 */
SOTTO_API int sotto_ctx_next_many(sotto_ctx *c, sotto_event **ret, size_t n);

/**
 * Wait for an event. In a context without a thread this runs the connections meanwhile.
 * @param timeout  microseconds; below 0: for ever; 0: as sotto_ctx_next().
 * @param ret      as sotto_ctx_next().
 * @return 1 an event, 0 none within the time or a signal came, SOTTO_E_CLOSED the context is being freed, or as sotto_ctx_next().
 */
SOTTO_API int sotto_ctx_wait(sotto_ctx *c, sotto_us timeout, sotto_event **ret);

/**
 * One turn of a context without a thread: wait for the network or a deadline, do what is due.
 * @param timeout  microseconds; below 0: for ever; 0: do not wait.
 * @return 1 there are events to take, 0 none, SOTTO_E_STATE the context has a thread or another thread is in here,
 *         SOTTO_E_CLOSED, SOTTO_E_INVAL, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_ctx_run(sotto_ctx *c, sotto_us timeout);

/**
 * Collect what is sent until batching is switched off: fewer system calls for a burst of messages.
 * @param on  true: collect until off, a full batch or 1 ms; false: send now.
 * @return 0 or SOTTO_E_INVAL, SOTTO_E_FORKED. Not counted: one `off` ends any number of `on`.
 */
SOTTO_API int sotto_ctx_batch(sotto_ctx *c, bool on);

/**
 * Queue an event SOTTO_EV_USER and wake those who wait: how another thread talks to the event thread.
 * @param code  the application's.
 * @param p     the application's; the library does not look at it. Not freed if the context is freed before.
 * @return 0, or SOTTO_E_AGAIN the queue of posts is full (take events first), SOTTO_E_INVAL, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_ctx_post(sotto_ctx *c, uint32_t code, void *p);

/**
 * Free an event that was taken, and what it carries. Legal after its connection or its context was freed.
 * @param e  nullable.
 */
SOTTO_API void sotto_event_free(sotto_event *e);

#ifdef __cplusplus
}
#endif
#endif

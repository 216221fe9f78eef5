/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_RECONNECT_H
#define SOTTO_RECONNECT_H
/**
 * @file reconnect.h
 * When to restart ICE, for applications with a signaling of their own: a clock with back-off beside one connection. It sends nothing and
 * waits for nothing: the application gives it the connection's events, and asks it what is to be done.
 *
 *     sotto_us wait = sotto_reconnect_due(r) - sotto_now();
 *     if (sotto_ctx_wait(ctx, wait > 0 ? wait : 0, &e) == 1) {
 *         sotto_reconnect_handle(r, e);
 *         …
 *     }
 *     if (sotto_reconnect_run(r, sotto_now()) == SOTTO_RECONNECT_RESEND) send_again(pc);
 */
#include <sotto/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. */
typedef struct sotto_reconnect sotto_reconnect;

/** What sotto_reconnect_run() has done, or wants to be done. */
enum {
    SOTTO_RECONNECT_WAIT = 0,      /**< nothing */
    SOTTO_RECONNECT_RESTARTED = 1, /**< it has called sotto_pc_restart_ice(): SOTTO_EV_NEGOTIATION_NEEDED follows */
    SOTTO_RECONNECT_RESEND = 2     /**< our last offer has had no answer: send it again, as sotto_pc_local_description() has it now */
};

/** Options; all-zero but for `size` is the default. */
typedef struct sotto_reconnect_config {
    uint32_t size;     /**< sizeof (sotto_reconnect_config) */
    uint32_t attempts; /**< after so many in vain it gives up; 0: never */
    sotto_us patience; /**< how long a connection may be disconnected before the first restart; 0: 2 s; at most an hour */
    sotto_us first;    /**< from the first attempt to the second; 0: 2 s; then twice as long each time */
    sotto_us longest;  /**< … up to this; 0: 30 s; at most a day. Each wait is shorter or longer by chance, up to a fifth, so that many
                            clients of one server do not come at once */
} sotto_reconnect_config;

/**
 * Begin to look after a connection. To be used by one thread at a time, as it has no lock.
 * @param pc   not counted: free the helper before the connection's handle.
 * @param cfg  nullable.
 * @param ret  yours: sotto_reconnect_free().
 * @return 0, or SOTTO_E_RANGE a time out of its range, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_NOMEM, SOTTO_E_SYS no entropy.
 */
SOTTO_API int sotto_reconnect_new(sotto_pc *pc, const sotto_reconnect_config *cfg,
                                  sotto_reconnect **ret);
/** Give it back; the connection is not touched. @param r nullable. */
SOTTO_API void sotto_reconnect_free(sotto_reconnect *r);
/**
 * Tell it what happened: every event of the context, or only those of the connection. The event stays the application's. NETWORK_CHANGED
 * that needs a restart is as sotto_reconnect_now().
 * @return 1 it was of interest, 0 it was not; SOTTO_E_INVAL.
 */
SOTTO_API int sotto_reconnect_handle(sotto_reconnect *r, const sotto_event *e);
/** The application knows that the network has changed: the next attempt is due at once, and waits begin short again. */
SOTTO_API void sotto_reconnect_now(sotto_reconnect *r, sotto_us now);
/** When to call sotto_reconnect_run() at the latest, on the clock of sotto_now(). INT64_MAX: not before another event. */
SOTTO_API sotto_us sotto_reconnect_due(const sotto_reconnect *r);
/**
 * Does what is due.
 * @return SOTTO_RECONNECT_*; SOTTO_E_LIMIT all attempts were in vain (once; it is over then: make a new connection); SOTTO_E_INVAL; or
 *         as sotto_pc_restart_ice().
 */
SOTTO_API int sotto_reconnect_run(sotto_reconnect *r, sotto_us now);

#ifdef __cplusplus
}
#endif
#endif

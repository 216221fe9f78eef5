/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_STATS_H
#define SOTTO_STATS_H
/**
 * @file stats.h
 * Statistics under the names and with the meanings of W3C webrtc-stats: a list of objects, each with an id, a type and members.
 */
#include <sotto/base.h>
#include <sotto/media.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a member holds. */
enum { SOTTO_STAT_INT = 1, SOTTO_STAT_DOUBLE = 2, SOTTO_STAT_BOOL = 3, SOTTO_STAT_TEXT = 4 };

/** One member of an object: only those that exist are listed. */
typedef struct sotto_stat_member {
    const char *name; /**< as W3C writes it: "bytesSent" */
    int32_t kind;     /**< SOTTO_STAT_* */
    union {
        int64_t i;     /**< INT; BOOL: 0 or 1 */
        double d;      /**< DOUBLE: seconds for times, as W3C */
        const char *s; /**< TEXT; ids of other objects, too */
    } v;               /**< the value */
} sotto_stat_member;

/** One object: RTCStats. */
typedef struct sotto_stat {
    const char *id;                   /**< unique in the list; the same object has the same id every time */
    const char *type;                 /**< "transport", "candidate-pair", "local-candidate", "data-channel", … */
    double timestamp;                 /**< milliseconds since 1970, as W3C */
    const sotto_stat_member *members; /**< view of the block */
    size_t n_members;                 /**< how many */
} sotto_stat;

/** The report: RTCStatsReport. One block: yours, sotto_free(). */
typedef struct sotto_stats {
    uint32_t size;           /**< sizeof (sotto_stats) */
    const sotto_stat *items; /**< view of the block */
    size_t n;                /**< how many */
} sotto_stats;

/**
 * What is known of the connection now: peer-connection, transport, candidate-pair, local-candidate, remote-candidate, certificate,
 * data-channel, codec, outbound-rtp and inbound-rtp with what the remote reports of them; and sotto-memory, which W3C does not have: the
 * bytes that the connection takes, by module.
 * @param selector  nullable: only what this transceiver uses.
 * @param ret       yours: sotto_free().
 * @return 0, or SOTTO_E_ACCESS the selector is another connection's or stopped; SOTTO_E_INVAL, SOTTO_E_CLOSED (it was freed; a closed
 * one still reports), SOTTO_E_NOMEM. Objects and members: docs/reference/statistics.md. Source: W3C getStats(), webrtc-stats.
 */
SOTTO_API int sotto_pc_get_stats(sotto_pc *pc, const sotto_transceiver *selector,
                                 sotto_stats **ret);
/**
 * The same as a JSON object: id → object, as a browser's JSON.stringify(Object.fromEntries(report)).
 * @param ret  yours: sotto_free(); UTF-8.
 * @return as sotto_pc_get_stats().
 */
SOTTO_API int sotto_pc_get_stats_json(sotto_pc *pc, char **ret);
/**
 * Why the connection is not up, or was slow, in English: a sentence that says how far it has come and what it waits for, what may be done
 * about it, and a table of the phases (signaling, gathering, checking, dtls, data, message, media: begun and took, in seconds since
 * sotto_pc_new()), of the candidates of both sides, of those of the remote that cannot be used, of what came from each of the remote's
 * addresses before there was a pair, of later changes of path, and of what servers said.
 * @param ret  yours: sotto_free(); UTF-8, lines end with a line feed. For people and logs: the words may change with any version.
 * @return as sotto_pc_get_stats(), or SOTTO_E_UNSUPPORTED the library was built without. A closed connection still tells why it was closed.
 */
SOTTO_API int sotto_pc_explain(sotto_pc *pc, char **ret);
/**
 * The same for programs, in the shape of sotto_pc_get_stats_json(): one object "sotto-explanation" (stage, isUp, sentence, advice, age,
 * losses; slowest: the longest phase of a connection that took two seconds or more), one "sotto-phase" for each phase that began (name,
 * begun, duration), "sotto-server-error" (url, errorCode, errorText, at), "sotto-refused" (reason, candidates), "sotto-change" after the
 * first pair (what: "lost", "found", "pair", "restart"; at), "sotto-check" for each address of the remote (address, port, state: "silent",
 * "asked", "answered", "error" or "selected", pairs, requestsReceived, responsesReceived, errorsReceived, errorCode,
 * currentRoundTripTime; of what came before there was a pair, and at least that much), and local-candidate, remote-candidate and
 * candidate-pair as in the statistics.
 * stage: "signaling", "gathering", "candidates", "checking", "dtls", "connected", "disconnected", "failed" or "closed".
 * @param ret  yours: sotto_free(); UTF-8. @return as sotto_pc_explain().
 * Security: addresses, names and what else would tell who talked to whom are masked in both forms, and in the statistics, unless
 * sotto_ctx_config.show_addresses.
 */
SOTTO_API int sotto_pc_explain_json(sotto_pc *pc, char **ret);
/** The first object of this type, or NULL. A view. */
SOTTO_API const sotto_stat *sotto_stats_find(const sotto_stats *stats, const char *type);
/** The object of this id, or NULL. A view. */
SOTTO_API const sotto_stat *sotto_stats_by_id(const sotto_stats *stats, const char *id);
/** A member of an object by its name, or NULL. A view. */
SOTTO_API const sotto_stat_member *sotto_stat_member_of(const sotto_stat *stat, const char *name);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_POLICY_H
#define SOTTO_POLICY_H
/**
 * @file policy.h
 * Policy before trust: what a remote may have at all, said before anything of it is looked at. The limits of the library hold in any case;
 * a policy only narrows them.
 */
#include <sotto/base.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is allowed of audio and of video. */
enum {
    SOTTO_ALLOW_ALL = 0,
    SOTTO_ALLOW_SEND = 1,    /**< we may send it; the remote may not */
    SOTTO_ALLOW_RECEIVE = 2, /**< the remote may send it; we may not */
    SOTTO_ALLOW_NONE = 3
};

/** Candidates of the remote that are ignored, as bits. */
enum {
    SOTTO_REFUSE_HOST = 1,    /**< type host */
    SOTTO_REFUSE_SRFLX = 2,   /**< type srflx and prflx */
    SOTTO_REFUSE_RELAY = 4,   /**< type relay */
    SOTTO_REFUSE_PRIVATE = 8, /**< with an address of a private network: RFC 1918, RFC 4193, link-local, shared (RFC 6598), and names
                                   that end in ".local". Security: without it a description can aim checks at hosts of our network */
    SOTTO_REFUSE_PUBLIC = 16  /**< with any other address */
};

/** As a number of things: none at all. */
#define SOTTO_POLICY_NONE UINT32_MAX

/** A policy; all-zero but for `size` allows what the library does. Strings and arrays are copied. */
typedef struct sotto_policy {
    uint32_t size;             /**< sizeof (sotto_policy) */
    int32_t audio;             /**< SOTTO_ALLOW_* */
    int32_t video;             /**< SOTTO_ALLOW_* */
    bool no_data;              /**< no data channels */
    const char *const *codecs; /**< nullable: names of the only codecs, "opus", "H264", in any case. Retransmission ("rtx") goes with its
                                    codec; "red" and "telephone-event" are named as others. At most 32 */
    size_t n_codecs;           /**< how many */
    uint32_t max_sections;     /**< media sections of a description, audio, video and data; 0: the library's limit */
    uint32_t max_channels;     /**< data channels that the remote may have open at a time; 0: the library's limit, SOTTO_POLICY_NONE: it may
                                    not open any */
    uint64_t max_send_bps;     /**< of each section: targets of what we send are never above it; 0: no limit */
    uint64_t max_receive_bps;  /**< of each section: the remote is told so by b=TIAS; 0: no limit. Security: a request, not a fence */
    uint32_t refuse_candidates; /**< SOTTO_REFUSE_* */
    uint32_t max_candidates;   /**< of the remote that are used, for each generation; 0: the library's limit, SOTTO_POLICY_NONE: none,
                                    so that the remote has to find us */
} sotto_policy;

/**
 * Set what a remote may have. Holds from now on for descriptions of the remote, its candidates and channels; an offer of the remote that
 * waits for its answer is answered by the policy that it was taken with, and what was negotiated before stays until the next offer.
 *
 * A section of an offer that is beyond the policy is rejected in the answer (port 0): neither a transceiver nor memory for it is made. One
 * that is allowed in one direction only is answered with that direction. An answer beyond the policy is refused by
 * sotto_pc_set_remote_description() with SOTTO_E_SDP. Our own offers leave out codecs and directions that are not allowed. A channel too
 * many is closed, a candidate too many ignored; each is counted (sotto_pc_get_security()).
 * @param policy  borrowed, nullable: none any more.
 * @return 0, or SOTTO_E_RANGE an unknown number; SOTTO_E_LIMIT more than 32 codecs; SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_CLOSED,
 * SOTTO_E_NOMEM: nothing has changed. Any thread.
 */
SOTTO_API int sotto_pc_set_policy(sotto_pc *pc, const sotto_policy *policy);

#ifdef __cplusplus
}
#endif
#endif

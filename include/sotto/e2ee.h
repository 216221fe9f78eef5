/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_E2EE_H
#define SOTTO_E2EE_H
/**
 * @file e2ee.h
 * End-to-end encryption by SFrame (RFC 9605), inside of DTLS and SRTP: a media server that forwards frames or messages cannot read them.
 *
 * Keys are the application's: it agrees on them where the server does not listen (MLS, a verified connection, a code that users compare)
 * and adds them to each direction of a transceiver or data channel. **With its first key, or when it is required, a direction is
 * end-to-end for good:** from then on nothing goes out and nothing comes up in the clear there, also when the last key was removed. What
 * cannot be opened is dropped and counted; SOTTO_EV_WARNING tells, at most once a second per transceiver or channel and direction.
 *
 * The format of frames and messages on the wire: docs/reference/end-to-end.md; how to use it: docs/howto/end-to-end.md.
 */
#include <sotto/base.h>
#include <sotto/data.h>
#include <sotto/media.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Cipher suites, by their IANA numbers (RFC 9605 §8.1). */
enum {
    SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_80 = 1, /**< 10 bytes of tag */
    SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_64 = 2, /**< 8 bytes of tag */
    SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_32 = 3, /**< 4 bytes of tag. Security: one forged frame in 4 billion passes: only for audio */
    SOTTO_SFRAME_AES_128_GCM_SHA256_128 = 4,     /**< 16 bytes of tag: the usual one */
    SOTTO_SFRAME_AES_256_GCM_SHA512_128 = 5      /**< 16 bytes of tag, keys of 256 bits */
};

/** Directions of keys; both may be joined by | where a function says so. */
enum { SOTTO_E2EE_SEND = 1, SOTTO_E2EE_RECEIVE = 2 };

#define SOTTO_E2EE_KEY_MIN 16u /**< bytes of a key, at least … */
#define SOTTO_E2EE_KEY_MAX 64u /**< … and at most */

/** One key: the base_key of RFC 9605 §4.4.2. */
typedef struct sotto_e2ee_key {
    uint32_t size;      /**< sizeof (sotto_e2ee_key) */
    int32_t cipher;     /**< SOTTO_SFRAME_*; 0: AES_128_GCM_SHA256_128 */
    uint64_t kid;       /**< its name, sent in the clear with each frame. With ratchet_bits: its low bits say the step that `key` is of */
    const uint8_t *key; /**< copied: key_len bytes that nobody can guess. Security: a key of its own for each sender; where a server must
                             not exchange two streams of one sender either, for each stream */
    size_t key_len;     /**< SOTTO_E2EE_KEY_MIN … SOTTO_E2EE_KEY_MAX */
    uint32_t ratchet_bits; /**< 0: this key does not change; 2 … 16: R of RFC 9605 §5.1: the sender can ratchet it forward, the receivers
                             follow by themselves. The same on all sides */
    uint64_t counter;   /**< sending: the counter of the first frame is at least this; 0: as the library likes. Security: within a
                             process no counter is used twice with a key, wherever it is added and however often. Who gives a key to
                             a sender again in another process must say here what was not reached before; better: make a new key */
} sotto_e2ee_key;

/** What became of the frames or messages of one direction. */
typedef struct sotto_e2ee_stats {
    uint32_t size;         /**< sizeof (sotto_e2ee_stats) */
    bool is_required;      /**< the direction is end-to-end */
    int32_t cipher;        /**< of the key in use: that sends, or that opened a frame last; 0: none */
    uint64_t kid;          /**< … its name, with the step of the ratchet in its low bits */
    uint32_t n_keys;       /**< how many there are */
    uint64_t passed;       /**< sealed, or opened */
    uint64_t no_key;       /**< sending: refused, there was no key. Received: under a kid that is not known: dropped */
    uint64_t bad;          /**< received: forged, tampered, under another key, or in the clear: dropped */
    uint64_t replayed;     /**< received: a second time, or in another order than it was sent: dropped */
    uint64_t old;          /**< received: so far behind that nobody can say whether it is a replay: dropped */
} sotto_e2ee_stats;

/**
 * Add a key to a direction, which is end-to-end from now on. The first one of the sending direction is used at once; others wait for
 * sotto_transceiver_use_e2ee_key(), so that the receivers can get them before.
 * @param direction  SOTTO_E2EE_SEND or SOTTO_E2EE_RECEIVE.
 * @param key        borrowed.
 * @return 0, or  SOTTO_E_RANGE   direction, cipher, key_len or ratchet_bits; counter is the last one
 *                SOTTO_E_ACCESS  this direction has a key of that kid already (with ratchet_bits: of one of its steps); or the other
 *                                direction has this very key, key bytes, kid and cipher: then both ends would use its counters
 *                SOTTO_E_LIMIT   more than SOTTO_MAX_E2EE_KEYS in a direction
 *                SOTTO_E_STATE   receiving, and the receive mode is SOTTO_RECEIVE_RTP, which shows packets as they are
 *                SOTTO_E_FORKED  sending, and the key was in use for that when this process was forked
 *                SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * Any thread. Source: RFC 9605 §4.4.2, §5.
 */
SOTTO_API int sotto_transceiver_add_e2ee_key(sotto_transceiver *t, int32_t direction,
                                             const sotto_e2ee_key *key);
/**
 * Remove and wipe a key. The direction stays end-to-end: without a key nothing passes. Security: what was received under it is forgotten
 * too: who adds it for receiving once more would open it a second time.
 * @param kid  as it was added, or with any step of the ratchet.
 * @return 0, or SOTTO_E_RANGE direction, or no such key; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_UNSUPPORTED (no media in this build).
 */
SOTTO_API int sotto_transceiver_remove_e2ee_key(sotto_transceiver *t, int32_t direction,
                                                uint64_t kid);
/**
 * Send with this key from the next frame on.
 * @return 0, or SOTTO_E_RANGE no such key for sending; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_UNSUPPORTED.
 */
SOTTO_API int sotto_transceiver_use_e2ee_key(sotto_transceiver *t, uint64_t kid);
/**
 * Ratchet the key that sends one step forward: who takes it from memory later cannot open what was sent before. Receivers follow by
 * themselves, over at most SOTTO_E2EE_RATCHET_AHEAD steps; where somebody forges such steps they look at some of them a second only.
 * @return 0, or  SOTTO_E_STATE  there is no key for sending, or it has no ratchet_bits
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM, SOTTO_E_UNSUPPORTED
 * Source: RFC 9605 §5.1.
 */
SOTTO_API int sotto_transceiver_ratchet_e2ee(sotto_transceiver *t);
/**
 * Make directions end-to-end before there are keys: until then sotto_transceiver_send_frame() returns SOTTO_E_STATE, and what comes is
 * dropped. DTMF (sotto_transceiver_insert_dtmf()) and packets of the application's own (sotto_transceiver_send_rtp()) cannot be sealed:
 * they are refused from then on. What was handed to the pacer before still goes out. Cannot be taken back.
 * @param direction  SOTTO_E2EE_SEND, SOTTO_E2EE_RECEIVE or both.
 * @return 0, or SOTTO_E_RANGE; SOTTO_E_STATE the receive mode is SOTTO_RECEIVE_RTP; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM,
 *         SOTTO_E_UNSUPPORTED.
 */
SOTTO_API int sotto_transceiver_require_e2ee(sotto_transceiver *t, int32_t direction);
/**
 * Look at the counters of a direction.
 * @param ret  filled; its size is set by the caller.
 * @return 0, or SOTTO_E_RANGE direction; SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_CLOSED.
 */
SOTTO_API int sotto_transceiver_get_e2ee_stats(sotto_transceiver *t, int32_t direction,
                                               sotto_e2ee_stats *ret);

/**
 * Add a key to a direction of a data channel: as sotto_transceiver_add_e2ee_key(). Each message is one SFrame, and SOTTO_E2EE_OVERHEAD
 * bytes longer at most; that it is text is seen and authenticated, not hidden. Add keys before the first message: at a channel that the
 * remote opened when SOTTO_EV_CHANNEL is taken, or by sotto_dc_require_e2ee(); what came before that came in the clear.
 * @return as sotto_transceiver_add_e2ee_key(), but for SOTTO_E_STATE.
 */
SOTTO_API int sotto_dc_add_e2ee_key(sotto_dc *dc, int32_t direction, const sotto_e2ee_key *key);
/** As sotto_transceiver_remove_e2ee_key(). */
SOTTO_API int sotto_dc_remove_e2ee_key(sotto_dc *dc, int32_t direction, uint64_t kid);
/** As sotto_transceiver_use_e2ee_key(). */
SOTTO_API int sotto_dc_use_e2ee_key(sotto_dc *dc, uint64_t kid);
/** As sotto_transceiver_ratchet_e2ee(). */
SOTTO_API int sotto_dc_ratchet_e2ee(sotto_dc *dc);
/** As sotto_transceiver_require_e2ee(): sotto_dc_send() returns SOTTO_E_ACCESS until there is a key, messages that come are dropped. */
SOTTO_API int sotto_dc_require_e2ee(sotto_dc *dc, int32_t direction);
/** As sotto_transceiver_get_e2ee_stats(). */
SOTTO_API int sotto_dc_get_e2ee_stats(sotto_dc *dc, int32_t direction, sotto_e2ee_stats *ret);

#define SOTTO_MAX_E2EE_KEYS 64u      /**< keys of one direction */
#define SOTTO_E2EE_RATCHET_AHEAD 16u /**< steps of a sender's ratchet that a receiver follows at once */
#define SOTTO_E2EE_WINDOW 1024u      /**< frames of a key that may come later than a newer one */
#define SOTTO_E2EE_OVERHEAD 64u      /**< bytes that sealing adds at most to a message or to a frame of audio; video: see the format */

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_VERIFY_H
#define SOTTO_VERIFY_H
/**
 * @file verify.h
 * Who the peer is. A connection is encrypted to whoever holds the certificate that the remote description names, and the signaling
 * server hands that description over: it can put its own in place and listen from the middle. What is here does not believe it: two
 * people compare a code, or the application knows the peer's certificate in advance.
 *
 * sotto_pc_config.required_verification says how much is needed before anything passes: until that level is reached no frame, no
 * packet of media and no message of a data channel goes out or is given to the application. SOTTO_EV_VERIFIED tells each change.
 */
#include <sotto/base.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How much is known of the peer, each level more than the one before it. */
enum {
    SOTTO_VERIFY_NONE = 0,     /**< its certificate is the one of the remote description: as far as the signaling can be trusted */
    SOTTO_VERIFY_PINNED = 1,   /**< … and one of those that the application gave: sotto_pc_config.peer_fingerprints */
    SOTTO_VERIFY_CONFIRMED = 2 /**< the user compared the code with the peer's: sotto_pc_confirm_peer() */
};

/** Bytes of a code with its NUL: eight groups of five digits, a space between two groups. */
#define SOTTO_VERIFICATION_CODE 48
/** Bytes that sixteen words, a space between two of them, and a NUL take at most. */
#define SOTTO_VERIFICATION_WORDS 128
/** Most fingerprints in sotto_pc_config.peer_fingerprints. */
#define SOTTO_MAX_PINS 256

/**
 * The verification code of this connection, as digits: "12345 67890 …". Both ends have the same one, as long as nobody stands between
 * them; somebody who does has two connections, with two codes. It is made of both certificates and of the keys that the two agreed on
 * (RFC 9266), so that it is another one in each connection. Forty digits hold 132 bits: see docs/howto/verify-peers.md for why fewer do
 * not suffice. It is no secret.
 * @param code  at least SOTTO_VERIFICATION_CODE bytes: filled, ended by a NUL.
 * @param n     bytes of `code`.
 * @return 0, or  SOTTO_E_STATE   not connected yet: wait for SOTTO_EV_STATE with SOTTO_CONNECTION_CONNECTED
 *                SOTTO_E_TOO_BIG n is too small
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * Any thread. Security: compare all of it, over something that the signaling server cannot change: face to face, or by voices that know
 * each other. Source: RFC 9266, RFC 8826 §4.3.2.
 */
SOTTO_API int sotto_pc_get_verification_code(sotto_pc *pc, char *code, size_t n);

/**
 * The same as sixteen words of a list of 256, for reading aloud: 128 bits.
 * @param words  at least SOTTO_VERIFICATION_WORDS bytes: filled, ended by a NUL.
 * @param n      bytes of `words`.
 * @return as sotto_pc_get_verification_code().
 */
SOTTO_API int sotto_pc_get_verification_words(sotto_pc *pc, char *words, size_t n);

/**
 * How much is known of the peer now.
 * @return SOTTO_VERIFY_*, or SOTTO_E_INVAL, SOTTO_E_CLOSED (it was freed).
 */
SOTTO_API int sotto_pc_get_verification(sotto_pc *pc);

/**
 * What the user found on comparing the codes.
 * @param same  true: they are equal, the level is SOTTO_VERIFY_CONFIRMED from now on; false: somebody stands in the middle, and the
 *              connection ends as by sotto_pc_close().
 * @return 0, or  SOTTO_E_STATE  with true: the code of this DTLS association was not read yet by sotto_pc_get_verification_code() or
 *                               _words(): what was compared is of an earlier one
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED
 * Leads to SOTTO_EV_VERIFIED, then SOTTO_EV_OPEN of the channels that waited. A new DTLS association (the remote came with another
 * identity) puts the level back.
 */
SOTTO_API int sotto_pc_confirm_peer(sotto_pc *pc, bool same);

/**
 * Set or replace the certificates that are accepted, as sotto_pc_config.peer_fingerprints, while the connection lives.
 * @param fingerprints  borrowed: n texts "sha-256 AB:CD:…", as sotto_cert_fingerprint() gives; of sha-256, sha-384 or sha-512.
 * @param n             1 to SOTTO_MAX_PINS. What was pinned cannot be unpinned.
 * @param reterr        nullable, filled on failure.
 * @return 0, or  SOTTO_E_ACCESS  the remote description, or the certificate of the connected remote, is none of them: nothing has
 *                                changed, and the connection goes on unless you close it
 *                SOTTO_E_SYNTAX  not a fingerprint, or of another hash
 *                SOTTO_E_LIMIT   more than SOTTO_MAX_PINS
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * Leads to SOTTO_EV_VERIFIED if the remote is connected.
 */
SOTTO_API int sotto_pc_set_peer_fingerprints(sotto_pc *pc, const char *const *fingerprints,
                                             size_t n, sotto_error *reterr);

/**
 * The fingerprint of the certificate that the remote used, to be kept for the next time: "sha-256 AB:CD:…".
 * @param ret  yours: sotto_free().
 * @return 0, or SOTTO_E_STATE not connected yet; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM.
 * Security: of a peer of level SOTTO_VERIFY_NONE it is what the signaling server wanted it to be.
 */
SOTTO_API int sotto_pc_get_peer_fingerprint(sotto_pc *pc, char **ret);

#ifdef __cplusplus
}
#endif
#endif

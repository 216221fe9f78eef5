/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_BASE_H
#define SOTTO_BASE_H
/**
 * @file base.h
 * Errors, version, time: what every other header needs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Marks what the library exports. */
#if defined(__GNUC__)
#define SOTTO_API __attribute__((visibility("default")))
#else
#define SOTTO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Every error of the library: X(name, number, W3C DOMException, text).
 * They are grouped by what the caller should do: fix the call (INVAL … TOO_BIG), wait (AGAIN), blame the remote
 * (SDP, PROTO, NETWORK), give up the object (CLOSED, FORKED), or look at the machine (NOMEM, SYS).
 */
#define SOTTO_ERRORS(X)                                                                            \
    X(INVAL, -1, "TypeError", "an argument is missing or of the wrong kind")                       \
    X(RANGE, -2, "TypeError", "a number is outside its range")                                     \
    X(SYNTAX, -3, "SyntaxError", "a text does not follow its grammar")                             \
    X(ACCESS, -4, "InvalidAccessError", "the object does not allow this")                          \
    X(MODIFICATION, -5, "InvalidModificationError", "what was given may not be changed so")        \
    X(UNSUPPORTED, -6, "NotSupportedError", "this version of the library does not do that")        \
    X(STATE, -7, "InvalidStateError", "not in this state: do it before or after another step")     \
    X(LIMIT, -8, "OperationError", "a limit of the library or of the configuration is reached")    \
    X(TOO_BIG, -9, "TypeError", "the message is larger than the remote accepts")                   \
    X(AGAIN, -10, "OperationError", "not now: wait for the event that the function names")         \
    X(SDP, -11, "OperationError", "the remote description cannot be accepted")                     \
    X(PROTO, -12, "OperationError", "the remote broke a protocol")                                 \
    X(NETWORK, -13, "NetworkError", "the network or the remote is gone")                           \
    X(CLOSED, -14, "InvalidStateError", "the object is closed or freed")                           \
    X(FORKED, -15, "InvalidStateError", "this process is a fork: make new objects")                \
    X(NOMEM, -16, "OperationError", "out of memory: nothing was changed")                          \
    X(SYS, -17, "UnknownError", "the operating system refused")

/** Error codes; 0 and above are success. */
enum {
#define SOTTO_ERROR_ENUM(name, number, w3c, text) SOTTO_E_##name = number,
    SOTTO_ERRORS(SOTTO_ERROR_ENUM)
#undef SOTTO_ERROR_ENUM
};

/** Microseconds on the monotonic clock, or a span of them. */
typedef int64_t sotto_us;

/** What went wrong in a text: filled by the functions that take a last argument `reterr`. */
typedef struct sotto_error {
    uint32_t size;    /**< sizeof (sotto_error), set by the caller */
    int32_t code;     /**< one of SOTTO_E_*, as returned */
    int32_t line;     /**< line of the SDP, 1-based; 0: none */
    char reason[160]; /**< one English sentence, always ended by NUL; may quote the input, escaped */
} sotto_error;

/**
 * The time now: the clock of sotto_event.at and of capture times.
 * @return microseconds of CLOCK_MONOTONIC. Never blocks; any thread.
 */
SOTTO_API sotto_us sotto_now(void);

/**
 * The text of an error code.
 * @param code  any number.
 * @return      a static English sentence; "unknown error" for a number that is none of SOTTO_E_*.
 */
SOTTO_API const char *sotto_strerror(int code);

/**
 * The name of the DOMException that W3C WebRTC 1.0 gives in this case.
 * @param code  any number.
 * @return      a static name such as "InvalidStateError"; "" for codes that are no error. Many codes share a name.
 */
SOTTO_API const char *sotto_error_w3c(int code);

/**
 * The version of the library in use.
 * @return  a static text such as "0.1.0" (semantic versioning).
 */
SOTTO_API const char *sotto_version(void);

/**
 * Give back a string or a buffer that the library allocated for the caller ("yours").
 * @param p  nullable.
 */
SOTTO_API void sotto_free(void *p);

/**
 * Check this machine's cryptography and the libraries below with known answers: random numbers, SHA-256, AES-128-GCM,
 * records of DTLS in each cipher, the comparison of fingerprints, P-256 keys and certificates, CRC32c, SRTP in each profile, SFrame in
 * each suite; and that forgeries which some versions of these libraries let through are refused. For start-up of a device.
 * @return 0, or  SOTTO_E_SYS  one of them is broken: do not connect
 *                SOTTO_E_NOMEM
 * Takes some 30 ms the first time, then a few; any thread.
 */
SOTTO_API int sotto_selftest(void);

#ifdef __cplusplus
}
#endif
#endif

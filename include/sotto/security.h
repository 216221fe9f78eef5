/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_SECURITY_H
#define SOTTO_SECURITY_H
/**
 * @file security.h
 * The security report: how a connection is protected now, what it gives away, who attacked it, and what of its configuration and of the
 * libraries below is a risk. For the application's own screen, for logs and for audits.
 */
#include <sotto/base.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What is refused, each with a counter: X(NAME, name, text). The name is the one of sotto_security_counter and of the JSON. A counter is
 * about one connection and never goes back, whatever ends and begins anew under it. Not each one that counts is an attack: a network that
 * repeats or damages packets counts, too.
 */
#define SOTTO_ATTACKS(X)                                                                           \
    X(DTLS_FORGED, "dtlsForged",                                                                   \
      "DTLS records that are not authentic, or contradict the handshake")                          \
    X(DTLS_DROPPED, "dtlsDropped",                                                                 \
      "DTLS records out of place: repeated, too early, renegotiation")                             \
    X(DTLS_REBUILT, "dtlsRebuilt", "handshakes begun anew after a forgery")                        \
    X(DTLS_CERTIFICATE, "dtlsCertificate", "certificates that are not the one of the description") \
    X(DATAGRAM_UNKNOWN, "datagramUnknown", "datagrams that are neither STUN, DTLS, RTP nor RTCP")  \
    X(SRTP_FORGED, "srtpForged", "SRTP and SRTCP packets that are not authentic")                  \
    X(SRTP_REPLAYED, "srtpReplayed", "SRTP and SRTCP packets seen before, or too old")             \
    X(SRTP_REFLECTED, "srtpReflected", "packets of our own that came back")                        \
    X(SRTCP_PLAIN, "srtcpPlain", "SRTCP packets that are not encrypted")                           \
    X(SRTP_CROWDED, "srtpCrowded", "packets of more sources than there is room for")               \
    X(RTP_MALFORMED, "rtpMalformed", "authentic packets that are not RTP or RTCP")                 \
    X(RTP_UNROUTED, "rtpUnrouted", "RTP packets that no media section asked for")                  \
    X(SCTP_REFUSED, "sctpRefused", "SCTP packets that a data channel has no need for")             \
    X(MESSAGE_OVERSIZE, "messageOversize", "messages longer than max_message_size")                \
    X(MESSAGE_STRAY, "messageStray", "messages on no open channel, or of an unknown kind")         \
    X(CHANNEL_REFUSED, "channelRefused", "data channels of the remote that were refused")          \
    X(CHANNEL_BROKEN, "channelBroken", "data channels closed as the remote broke their rules")     \
    X(STUN_REFUSED, "stunRefused",                                                                 \
      "datagrams that sockets refused: STUN without integrity, floods")                            \
    X(ICE_CONFLICT, "iceConflict", "answers that would have us change our role again and again")   \
    X(CANDIDATE_BROKEN, "candidateBroken", "candidates that cannot be read")                       \
    X(CANDIDATE_ADDRESS, "candidateAddress",                                                       \
      "candidates with loopback, multicast or void addresses")                                     \
    X(CANDIDATE_NAME, "candidateName", "candidates with names that are not asked for")             \
    X(CANDIDATE_LIMIT, "candidateLimit", "candidates above the limit")                             \
    X(DESCRIPTION_REFUSED, "descriptionRefused", "remote descriptions that were refused")          \
    X(IDENTITY_CHANGED, "identityChanged", "descriptions refused for another fingerprint")         \
    X(FRAME_FORGED, "frameForged",                                                                 \
      "end-to-end encrypted frames and messages that are not authentic")                           \
    X(FRAME_REPLAYED, "frameReplayed", "end-to-end encrypted frames and messages seen before")     \
    X(FRAME_UNKNOWN_KEY, "frameUnknownKey", "frames and messages under a key that we do not have") \
    X(POLICY_SECTION, "policySection", "media sections that the policy does not allow")            \
    X(POLICY_CHANNEL, "policyChannel",                                                             \
      "data channels of the remote that the policy does not allow")                                \
    X(POLICY_CANDIDATE, "policyCandidate", "candidates that the policy does not allow")

/** One counter. */
typedef struct sotto_security_counter {
    const char *name; /**< as in SOTTO_ATTACKS; static */
    const char *text; /**< what is counted, in English; static */
    uint64_t count;   /**< since sotto_pc_new() */
} sotto_security_counter;

/** A certificate of one side. */
typedef struct sotto_security_cert {
    char hash[16];         /**< of the fingerprint: "sha-256"; "" the certificate is not known yet */
    char fingerprint[192]; /**< of the certificate in use: "AB:CD:…" */
    char key[16];          /**< "P-256", "RSA-2048"; "" not known */
    int64_t not_before;    /**< begin of its validity, seconds since 1970; those that the library makes begin a day early */
    int64_t not_after;     /**< end of it. WebRTC does not ask for a date: RFC 8827 §6.5 */
    int64_t age_s;         /**< seconds since not_before */
} sotto_security_cert;

/** How far frames and messages are encrypted from end to end, beyond DTLS and SRTP, which end at each media server. */
enum {
    SOTTO_E2EE_NONE = 0, /**< hop by hop: who terminates DTLS sees all */
    SOTTO_E2EE_PART = 1, /**< some transceivers or directions have keys, others have not */
    SOTTO_E2EE_ALL = 2   /**< all that is negotiated has keys */
};

/** Classes of addresses, as bits. */
enum {
    SOTTO_EXPOSED_PRIVATE = 1, /**< RFC 1918, RFC 4193, link-local, shared (RFC 6598) */
    SOTTO_EXPOSED_PUBLIC = 2,  /**< of this host itself, or of the NAT before it */
    SOTTO_EXPOSED_RELAY = 4,   /**< of a TURN server */
    SOTTO_EXPOSED_NAME = 8     /**< none, but a random name ".local" */
};

/** One of our addresses that the remote was told, by a candidate or as the default of a description. */
typedef struct sotto_security_address {
    const char *address; /**< as text, or its mask: see sotto_ctx_config.show_addresses; a name where it is hidden behind one */
    const char *type;    /**< "host", "srflx", "prflx", "relay", or "raddr": the related address of another candidate; static */
    uint32_t exposes;    /**< one of SOTTO_EXPOSED_* */
} sotto_security_address;

/** A field of the configuration that is set to something risky, or a risk of the state that is not in the configuration. */
typedef struct sotto_security_risk {
    const char *name; /**< "sotto_pc_config.allow_loopback"; static */
    const char *note; /**< what the risk is: the text that stands after "Security:" in the header; static */
} sotto_security_risk;

/** A known hole of a library. */
typedef struct sotto_security_hole {
    const char *id;    /**< "CVE-2026-54874", or the number of a finding; static */
    const char *text;  /**< what it is; static */
    const char *fence; /**< how the connection is kept from it whatever the library does; NULL: it is not: upgrade. Static */
} sotto_security_hole;

/** A library below this one. */
typedef struct sotto_security_library {
    const char *name;       /**< "libnice", "OpenSSL", "libsrtp2", "usrsctp", "libopus"; static */
    const char *version;    /**< as the library says at run time, else what this one was built with; "" the library is not in use */
    const char *package;    /**< its version as a package of this system, "3.0.22-1~deb12u2"; "" not known */
    bool is_runtime;        /**< version was asked at run time */
    const sotto_security_hole *holes; /**< those that this version has */
    size_t n_holes;         /**< how many */
} sotto_security_library;

/** The report. One block: yours, sotto_free(); all it points to is a view of it. */
typedef struct sotto_security {
    uint32_t size;             /**< sizeof (sotto_security) */
    int32_t dtls_state;        /**< SOTTO_DTLS_* */
    const char *dtls_version;  /**< "DTLS 1.2"; "" before it is connected, as the next ones */
    const char *dtls_cipher;   /**< IANA's name of the suite */
    const char *dtls_group;    /**< of the key exchange: "x25519", "secp256r1"; "" not known */
    bool dtls_ems;             /**< extended master secret (RFC 7627): without it no connection comes up */
    const char *srtp_profile;  /**< IANA's name; "" there is no media */
    sotto_security_cert local; /**< ours: known from the beginning */
    sotto_security_cert remote; /**< of the peer: known when DTLS is connected, and then it is the one of its description */
    int32_t verification;      /**< how well the remote is known: see verify.h */
    int32_t required_verification; /**< without which nothing passes */
    int32_t e2ee;              /**< SOTTO_E2EE_* */
    int64_t consent_age_us;    /**< since the remote last showed that it wants our packets (RFC 7675); -1 never */
    int32_t privacy_mode;      /**< SOTTO_PRIVACY_* */
    bool relay_only;           /**< SOTTO_ICE_POLICY_RELAY */
    uint32_t exposes;          /**< SOTTO_EXPOSED_* of all addresses below */
    const sotto_security_address *addresses; /**< of ours that the remote was told */
    size_t n_addresses;        /**< how many */
    const sotto_security_counter *counters;  /**< all of SOTTO_ATTACKS, in their order */
    size_t n_counters;         /**< how many */
    const sotto_security_risk *risks; /**< of the configuration */
    size_t n_risks;            /**< how many */
    const sotto_security_library *libraries; /**< the five */
    size_t n_libraries;        /**< how many */
} sotto_security;

/**
 * How the connection is protected now.
 * @param ret  yours: sotto_free().
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED (it was freed; a closed one still reports), SOTTO_E_NOMEM,
 *         SOTTO_E_UNSUPPORTED the library was built without.
 * Any thread. The first call in a process reads the list of installed packages, if there is one.
 * Security: fingerprints are not masked in it, as they are there to be compared.
 */
SOTTO_API int sotto_pc_get_security(sotto_pc *pc, sotto_security **ret);
/**
 * The same as a JSON object: dtls, srtp, certificates, verification, endToEnd, consent, privacy, counters, risks, libraries.
 * Members: docs/reference/security-report.md.
 * @param ret  yours: sotto_free(); UTF-8.
 * @return as sotto_pc_get_security().
 */
SOTTO_API int sotto_pc_get_security_json(sotto_pc *pc, char **ret);

#ifdef __cplusplus
}
#endif
#endif

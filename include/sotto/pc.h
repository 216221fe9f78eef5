/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PC_H
#define SOTTO_PC_H
/**
 * @file pc.h
 * The peer connection: RTCPeerConnection of W3C WebRTC 1.0 with C manners.
 */
#include <sotto/base.h>
#include <sotto/cert.h>
#include <sotto/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A peer connection. */
typedef struct sotto_pc sotto_pc;

/** RTCPeerConnectionState. */
enum {
    SOTTO_CONNECTION_NEW = 0,
    SOTTO_CONNECTION_CONNECTING = 1,
    SOTTO_CONNECTION_CONNECTED = 2,
    SOTTO_CONNECTION_DISCONNECTED = 3,
    SOTTO_CONNECTION_FAILED = 4,
    SOTTO_CONNECTION_CLOSED = 5
};
/** RTCIceConnectionState. */
enum {
    SOTTO_ICE_NEW = 0,
    SOTTO_ICE_CHECKING = 1,
    SOTTO_ICE_CONNECTED = 2,
    SOTTO_ICE_COMPLETED = 3,
    SOTTO_ICE_DISCONNECTED = 4,
    SOTTO_ICE_FAILED = 5,
    SOTTO_ICE_CLOSED = 6
};
/** RTCIceGatheringState. */
enum { SOTTO_GATHERING_NEW = 0, SOTTO_GATHERING_GATHERING = 1, SOTTO_GATHERING_COMPLETE = 2 };
/** RTCSignalingState. */
enum {
    SOTTO_SIGNALING_STABLE = 0,
    SOTTO_SIGNALING_HAVE_LOCAL_OFFER = 1,
    SOTTO_SIGNALING_HAVE_REMOTE_OFFER = 2,
    SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER = 3,
    SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER = 4,
    SOTTO_SIGNALING_CLOSED = 5
};
/** RTCSdpType, and what W3C calls the implicit form. */
typedef int32_t sotto_sdp_type;
enum {
    SOTTO_SDP_IMPLICIT = 0,
    SOTTO_SDP_OFFER = 1,
    SOTTO_SDP_PRANSWER = 2,
    SOTTO_SDP_ANSWER = 3,
    SOTTO_SDP_ROLLBACK = 4
};
/** Which of a side's descriptions: the pending one if there is one, else the current one; the current; the pending. */
typedef int32_t sotto_sdp_which;
enum { SOTTO_DESC_EFFECTIVE = 0, SOTTO_DESC_CURRENT = 1, SOTTO_DESC_PENDING = 2 };
/** RTCIceTransportPolicy. */
enum { SOTTO_ICE_POLICY_ALL = 0, SOTTO_ICE_POLICY_RELAY = 1 };
/** What candidates tell of this host: the modes of RFC 8828 §5.2. */
enum {
    SOTTO_PRIVACY_OFF = 0,           /**< as ALL */
    SOTTO_PRIVACY_ALL = 1,           /**< mode 1: each of this host's addresses */
    SOTTO_PRIVACY_DEFAULT_ROUTE = 2, /**< mode 2: those of the default route only; this host's own stand behind random names that end
                                          in ".local", which are answered for on the local network by multicast DNS */
    SOTTO_PRIVACY_PUBLIC = 3,        /**< mode 3: the default route's, without private ones: what STUN servers see, and relays */
    SOTTO_PRIVACY_PROXY = 4          /**< mode 4: nothing but relays that are reached over TCP; other servers are not used */
};
/** RTCBundlePolicy; 0 is W3C's default, balanced. There is one transport under each of them. */
enum { SOTTO_BUNDLE_BALANCED = 0, SOTTO_BUNDLE_MAX_COMPAT = 1, SOTTO_BUNDLE_MAX_BUNDLE = 2 };

/** RTCIceServer: one URL each. */
typedef struct sotto_ice_server {
    uint32_t size;          /**< sizeof (sotto_ice_server) */
    const char *url;        /**< "stun:192.0.2.1:3478", "turn:[2001:db8::1]:3478?transport=udp" or "…=tcp", "turns:example.org:443": TURN
                                 over TLS, the server's certificate checked always; "stuns:" is taken and not asked, as it gives no
                                 address for UDP. A host name is asked for by DNS each time that candidates are gathered (RFC 7064,
                                 RFC 7065) */
    const char *username;   /**< TURN: needed; else NULL */
    const char *credential; /**< TURN: needed, the password; else NULL. Security: wiped from the library's memory when freed */
} sotto_ice_server;

/** Options of sotto_pc_new(); all-zero but for `size` is the default. Strings and arrays are copied. */
typedef struct sotto_pc_config {
    uint32_t size;                       /**< sizeof (sotto_pc_config) */
    const sotto_ice_server *ice_servers; /**< nullable; the first element's size is the stride */
    size_t n_ice_servers;                /**< at most 8 */
    int32_t ice_transport_policy;        /**< SOTTO_ICE_POLICY_*. Security: RELAY hides this host's addresses from the remote */
    int32_t privacy_mode;                /**< SOTTO_PRIVACY_*. Security: the remote still learns what its checks come from; RELAY
                                              above, or mode 4, hides that too. A named interface is taken instead of the default route */
    int32_t bundle_policy;               /**< SOTTO_BUNDLE_* */
    uint16_t port_min;                   /**< lowest local UDP port; 0 with port_max 0: any. Security: few ports are easy to find */
    uint16_t port_max;                   /**< highest, itself included */
    const char *interface;               /**< nullable: only addresses of this network interface */
    sotto_cert *cert;                    /**< nullable: a new one. Security: a shared certificate links connections to each other */
    uint32_t max_message_size;           /**< largest message to be received, bytes, up to 16 MiB; 0: 262144 */
    uint32_t max_channels;               /**< streams each way, up to 65534; 0: 256 out, 512 in; memory grows with it: 220 KB at 2048 */
    uint32_t max_buffered_bytes;         /**< send buffer of one data channel; 0: 1 MiB */
    void *user;                          /**< the application's: see sotto_event.user */
    bool allow_loopback;                 /**< use 127.0.0.1 and ::1 as candidates and accept them from the remote. Security: a
                                              hostile description can then aim checks at this host's own services */
    const char *ca_file;                 /**< nullable: PEM certificates of the authorities that "turns:" servers must have theirs from,
                                              instead of the system's. Security: whoever can write the file can pose as a server */
    bool no_auto_restart;                /**< false: where this host's network changes so that the connection needs it, and when it wakes
                                              from a long sleep, the library acts as if sotto_pc_restart_ice() had been called; true: it
                                              only tells of it, by SOTTO_EV_NETWORK_CHANGED */
    const char *external_address;        /**< nullable: the address under which the internet reaches this host, where a 1:1 NAT stands
                                              before it (machines of clouds): IPv4, IPv6, or one of each with a comma between. It is told
                                              as a reflexive candidate beside the default route's own. Security: believed as it is */
    const char *const *peer_fingerprints; /**< nullable: certificates that are accepted, "sha-256 AB:CD:…", whatever the description says:
                                              the remote must use one of them. See verify.h. Security: without them the signaling server
                                              says who the peer is */
    size_t n_peer_fingerprints;          /**< how many, up to SOTTO_MAX_PINS */
    int32_t required_verification;       /**< SOTTO_VERIFY_*: what is to be known of the peer before a frame, a packet of media or a
                                              message passes in either direction. Security: NONE trusts the signaling server */
} sotto_pc_config;

/** A candidate of the remote, as RTCIceCandidateInit. */
typedef struct sotto_candidate {
    uint32_t size;         /**< sizeof (sotto_candidate) */
    const char *line;      /**< "candidate:…"; "": no more candidates of this section */
    const char *mid;       /**< nullable: which media section */
    int32_t has_mline_index; /**< 0: mline_index is not given; 1: it is */
    int32_t mline_index;   /**< which media section, from 0; mid goes before */
    const char *ufrag;     /**< nullable: the remote's generation; NULL: the current one */
} sotto_candidate;

/** The four states of a connection. */
typedef struct sotto_pc_state {
    uint32_t size;      /**< sizeof (sotto_pc_state) */
    int32_t connection; /**< SOTTO_CONNECTION_* */
    int32_t ice;        /**< SOTTO_ICE_* */
    int32_t gathering;  /**< SOTTO_GATHERING_* */
    int32_t signaling;  /**< SOTTO_SIGNALING_* */
} sotto_pc_state;

/** Options of sotto_pc_create_offer(). */
typedef struct sotto_offer_options {
    uint32_t size;    /**< sizeof (sotto_offer_options) */
    bool ice_restart; /**< new ICE credentials, as after sotto_pc_restart_ice() */
} sotto_offer_options;

/** RTCDtlsTransportState. */
enum {
    SOTTO_DTLS_NEW = 0,
    SOTTO_DTLS_CONNECTING = 1,
    SOTTO_DTLS_CONNECTED = 2,
    SOTTO_DTLS_CLOSED = 3,
    SOTTO_DTLS_FAILED = 4
};
/** RTCIceRole. */
enum { SOTTO_ICE_ROLE_UNKNOWN = 0, SOTTO_ICE_ROLE_CONTROLLING = 1, SOTTO_ICE_ROLE_CONTROLLED = 2 };
/** RTCSctpTransportState; NONE: there is no association (W3C: sctp is null). */
enum {
    SOTTO_SCTP_NONE = 0,
    SOTTO_SCTP_CONNECTING = 1,
    SOTTO_SCTP_CONNECTED = 2,
    SOTTO_SCTP_CLOSED = 3
};

/** The one transport of a connection: RTCIceTransport, RTCDtlsTransport and RTCSctpTransport. */
typedef struct sotto_transport_info {
    uint32_t size;              /**< sizeof (sotto_transport_info) */
    int32_t dtls;               /**< SOTTO_DTLS_* */
    int32_t ice_role;           /**< SOTTO_ICE_ROLE_* */
    int32_t sctp;               /**< SOTTO_SCTP_* */
    uint64_t max_message_size;  /**< largest message that the remote takes, bytes; 0: no association, UINT64_MAX: any */
    uint32_t max_channels;      /**< ids of data channels are below it; 0: not known yet */
    bool is_dtls_client;        /**< our role; false before it is known */
    char local_ufrag[257];      /**< of the generation in use, as the description has it (W3C getLocalParameters); "" before the first one.
                                     Security: never masked, for programs, not for logs */
    char remote_ufrag[257];     /**< the same of the remote (getRemoteParameters); "" before */
    char selected_pair[192];    /**< for humans, addresses always masked: "host udp ip4-4f2a91c3 → …"; "" without one */
} sotto_transport_info;

/** Data channels: see data.h. */
typedef struct sotto_dc sotto_dc;
struct sotto_dc_config;

/**
 * Make a peer connection. Nothing goes to the network before a local description is set.
 * @param c    borrowed; must outlive the connection or free it.
 * @param cfg  borrowed, nullable: the defaults; what it points to is copied.
 * @param ret  yours: sotto_pc_free().
 * @return 0, or  SOTTO_E_INVAL, SOTTO_E_RANGE  of the configuration
 *                SOTTO_E_SYNTAX                a server's URL or an address cannot be read
 *                SOTTO_E_UNSUPPORTED           a field or URL scheme that this version does not know
 *                SOTTO_E_ACCESS                a certificate that is no longer valid; a TURN server without credentials; ca_file cannot
 *                                              be read, or holds no certificate
 *                SOTTO_E_LIMIT                 the context has max_pcs already
 *                SOTTO_E_NOMEM, SOTTO_E_SYS (no entropy), SOTTO_E_FORKED
 * Any thread. Source: W3C RTCPeerConnection constructor.
 */
SOTTO_API int sotto_pc_new(sotto_ctx *c, const sotto_pc_config *cfg, sotto_pc **ret);

/**
 * Close: the remote is told, every channel ends, no packet goes out afterwards. Queues CLOSED for each channel and one STATE, then
 * nothing more. Closing twice does nothing.
 * @param pc  nullable. Never blocks; any thread.
 */
SOTTO_API void sotto_pc_close(sotto_pc *pc);

/**
 * Close, drop the queued events and free, with all channels. In any state, from any thread.
 * @param pc  nullable. Events that were taken may still name it: calls on it then return SOTTO_E_CLOSED.
 */
SOTTO_API void sotto_pc_free(sotto_pc *pc);

/**
 * Make an offer. Nothing changes by it.
 * @param opt      borrowed, nullable.
 * @param ret_sdp  yours: sotto_free(); for sotto_pc_set_local_description() and for the remote.
 * @return 0, or SOTTO_E_STATE the remote's offer waits for an answer, or a provisional answer was set; SOTTO_E_INVAL, SOTTO_E_CLOSED,
 *         SOTTO_E_LIMIT, SOTTO_E_NOMEM, SOTTO_E_SYS. Source: RFC 9429 §5.2.
 */
SOTTO_API int sotto_pc_create_offer(sotto_pc *pc, const sotto_offer_options *opt, char **ret_sdp);

/**
 * Make an answer to the remote's offer. Nothing changes by it.
 * @param ret_sdp  as sotto_pc_create_offer().
 * @return 0, or SOTTO_E_STATE there is no remote offer to be answered; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM.
 * Source: RFC 9429 §5.3.
 */
SOTTO_API int sotto_pc_create_answer(sotto_pc *pc, char **ret_sdp);

/**
 * Apply a local description: candidates are gathered from now on.
 * @param type    SOTTO_SDP_IMPLICIT: offer or answer, whichever the state asks for (the parameterless W3C form).
 * @param sdp     borrowed: what create_offer or create_answer gave last, unchanged; or NULL: make one. ROLLBACK: ignored.
 * @param reterr  nullable, filled on failure.
 * @return 0, or  SOTTO_E_STATE         not in this signaling state
 *                SOTTO_E_MODIFICATION  the text is not the one that was made last
 *                SOTTO_E_NETWORK       no local address can be used, or no port from port_min to port_max is free
 *                SOTTO_E_INVAL, SOTTO_E_RANGE, SOTTO_E_CLOSED, SOTTO_E_NOMEM, SOTTO_E_SYS
 * Leads to SOTTO_EV_STATE and SOTTO_EV_CANDIDATE. Source: RFC 9429 §5.5–5.9; W3C setLocalDescription().
 */
SOTTO_API int sotto_pc_set_local_description(sotto_pc *pc, sotto_sdp_type type, const char *sdp,
                                             sotto_error *reterr);

/**
 * Apply a remote description. An offer while a local offer is pending rolls that one back.
 * @param type    SOTTO_SDP_OFFER, PRANSWER, ANSWER, or ROLLBACK, which takes back the pending offer, whoever made it.
 * @param sdp     borrowed, at most 256 KiB; ROLLBACK: ignored.
 * @param reterr  nullable, filled on failure.
 * @return 0, or  SOTTO_E_STATE         not in this signaling state
 *                SOTTO_E_SYNTAX        not an SDP: line and reason say where
 *                SOTTO_E_SDP           an SDP that cannot be accepted, e.g. without fingerprint or with other m-lines than the offer
 *                SOTTO_E_LIMIT         longer or with more parts than the limits
 *                SOTTO_E_MODIFICATION  the fingerprint or tls-id changed without an ICE restart
 *                SOTTO_E_INVAL, SOTTO_E_RANGE, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * On failure nothing has changed. Leads to SOTTO_EV_STATE. Source: RFC 9429 §5.5–5.11; W3C setRemoteDescription().
 */
SOTTO_API int sotto_pc_set_remote_description(sotto_pc *pc, sotto_sdp_type type, const char *sdp,
                                              sotto_error *reterr);

/**
 * Read back a local description, with the candidates gathered so far.
 * @param which     SOTTO_DESC_*.
 * @param ret_type  nullable: SOTTO_SDP_OFFER, PRANSWER or ANSWER.
 * @param ret_sdp   nullable: yours: sotto_free().
 * @return 1 filled, 0 there is none, or SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM.
 */
SOTTO_API int sotto_pc_local_description(sotto_pc *pc, sotto_sdp_which which,
                                         sotto_sdp_type *ret_type, char **ret_sdp);

/**
 * Read back a remote description, with the candidates that were added.
 * As sotto_pc_local_description().
 */
SOTTO_API int sotto_pc_remote_description(sotto_pc *pc, sotto_sdp_which which,
                                          sotto_sdp_type *ret_type, char **ret_sdp);

/**
 * Add one remote ICE candidate, as it trickles in.
 * @param pc      borrowed.
 * @param cand    borrowed, nullable. line: "candidate:…" without "a=", at most SOTTO_MAX_CANDIDATE bytes; mid or mline_index says
 *                which media; ufrag says which generation, NULL the current one. cand NULL: no more will come, of any section.
 * @param reterr  nullable, filled on failure.
 * @return 0, or  SOTTO_E_STATE   no remote description yet: keep it, retry after sotto_pc_set_remote_description()
 *                SOTTO_E_SYNTAX  not a candidate line, or one with an impossible number or address
 *                SOTTO_E_SDP     no such media section
 *                SOTTO_E_LIMIT   more than SOTTO_MAX_REMOTE_CANDIDATES
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * A valid candidate that cannot be used (TCP, loopback or multicast, an old ufrag, a host name other than one label and ".local") is
 * dropped, and 0 is returned. Names that end in ".local", behind which browsers hide their addresses, are asked for by multicast DNS.
 * Never blocks; any thread. Source: RFC 8839 §5.1; W3C addIceCandidate().
 */
SOTTO_API int sotto_pc_add_ice_candidate(sotto_pc *pc, const sotto_candidate *cand,
                                         sotto_error *reterr);

/**
 * Ask for new ICE credentials and candidates: the next offer is an ICE restart. Channels and encryption stay, data flows on the old
 * path until the new one works.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM, SOTTO_E_SYS. Before the first description: does nothing.
 * Leads to SOTTO_EV_NEGOTIATION_NEEDED. Source: W3C restartIce(); RFC 8445 §9.
 */
SOTTO_API int sotto_pc_restart_ice(sotto_pc *pc);

/**
 * Change the configuration. ICE servers, the transport policy, ports and interface may change: they take effect at the next
 * gathering, which the next offer starts by an ICE restart if they differ.
 * @param cfg  borrowed, nullable: the defaults. What else it holds must be as it was given to sotto_pc_new(); cert, user and
 *             peer_fingerprints NULL: as they are. What sotto_pc_get_config() gave, changed, is the easy way.
 * @return 0, or SOTTO_E_MODIFICATION something that may not change; SOTTO_E_CLOSED; else as sotto_pc_new(). On failure nothing has
 * changed. Replaced credentials are wiped. Source: W3C setConfiguration(); RFC 9429 §4.1.18.
 */
SOTTO_API int sotto_pc_set_config(sotto_pc *pc, const sotto_pc_config *cfg);
/**
 * Read the configuration, defaults filled in. Security: it holds the credentials of the servers.
 * @param ret  yours: sotto_free(), one block. cert is NULL unless one was given; that one is borrowed.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED (it was freed), SOTTO_E_NOMEM. Source: W3C getConfiguration().
 */
SOTTO_API int sotto_pc_get_config(sotto_pc *pc, sotto_pc_config **ret);
/**
 * Look at the transport.
 * @param ret  filled as far as its size says.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED (it was freed).
 */
SOTTO_API int sotto_pc_get_transport(sotto_pc *pc, sotto_transport_info *ret);

/** Most bytes of a candidate line. */
#define SOTTO_MAX_CANDIDATE 512
/** Most candidates that are taken from a remote, per generation. */
#define SOTTO_MAX_REMOTE_CANDIDATES 64

/**
 * Whether the remote takes candidates one by one (canTrickleIceCandidates).
 * @return 1 yes, 0 no, SOTTO_E_STATE no remote description yet; SOTTO_E_INVAL, SOTTO_E_CLOSED.
 */
SOTTO_API int sotto_pc_can_trickle(sotto_pc *pc);

/**
 * Read the four states at once.
 * @param ret  filled as far as its size says. A freed connection that an event still names reads as closed.
 * @return 0, or SOTTO_E_INVAL.
 */
SOTTO_API int sotto_pc_get_state(sotto_pc *pc, sotto_pc_state *ret);

/**
 * Stop or resume taking messages of this connection: while off no MESSAGE of it is delivered, its SCTP window closes and the
 * remote's sends wait; nothing is lost, its other events and every other connection go on.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED.
 */
SOTTO_API int sotto_pc_set_reading(sotto_pc *pc, bool on);

/**
 * Open a data channel. The first one makes SOTTO_EV_NEGOTIATION_NEEDED.
 * @param label  borrowed: UTF-8, at most 65535 bytes, NULL as "".
 * @param cfg    borrowed, nullable: reliable and ordered.
 * @param ret    yours: sotto_dc_free().
 * @return 0, or  SOTTO_E_SYNTAX  label or protocol is not UTF-8
 *                SOTTO_E_RANGE   a number or enum of the configuration, negotiated id 65535
 *                SOTTO_E_LIMIT   label or protocol too long; as many channels as max_channels
 *                SOTTO_E_ACCESS  the negotiated id is in use
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * Source: W3C createDataChannel().
 */
SOTTO_API int sotto_pc_create_data_channel(sotto_pc *pc, const char *label,
                                           const struct sotto_dc_config *cfg, sotto_dc **ret);

#ifdef __cplusplus
}
#endif
#endif

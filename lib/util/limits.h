/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_LIMITS_H
#define SOTTO_UTIL_LIMITS_H
/* Every bound on what a peer or an application can make grow: its name, its number, why, and where from. */

/* session descriptions: browsers' largest are below 20 KiB and 2 KiB a line (fixtures); room for SFUs with hundreds of m-lines' lines */
#define SOTTO_MAX_SDP (256u * 1024)      /* bytes of a description */
#define SOTTO_MAX_SDP_LINE (8u * 1024)   /* bytes of a line */
#define SOTTO_MAX_SDP_MEDIA 64u          /* m-lines */
#define SOTTO_MAX_SDP_LINES 2048u        /* lines of one section */
#define SOTTO_MAX_SDP_FMTS 128u          /* formats of an m-line: payload types are 7 bits */
#define SOTTO_MAX_FINGERPRINTS 8u        /* a=fingerprint of one transport */
/* SOTTO_MAX_PINS, certificates that an application accepts, is public: verify.h */
#define SOTTO_MAX_MID 64u                /* bytes of a=mid; RFC 8843 §7.1 wants short ones */

#define SOTTO_MAX_TLS_ID 255u            /* bytes of a=tls-id: RFC 8842 §4 */

/* media negotiation. Public structs say some of these numbers too */
#define SOTTO_MAX_TRANSCEIVERS 63u       /* of a connection: one m-line is kept for data */
#define SOTTO_MAX_GONE_TRANSCEIVERS 256u /* stopped or rolled back, whose handles nobody gave back; beyond it new m-lines are rejected */
#define SOTTO_MAX_RIDS 8u                /* simulcast streams of a section, and encodings of a sender */
#define SOTTO_MAX_RID 255u               /* bytes of a rid: RFC 8852 §3 */
#define SOTTO_MAX_RID_LINES 32u          /* a=rid of a section: with more of them it has no simulcast */
#define SOTTO_MAX_STREAM_IDS 8u          /* streams that a track belongs to */
#define SOTTO_MAX_STREAM_ID 64u          /* bytes of a stream id: RFC 8830 §2 */
#define SOTTO_MAX_SECTION_SSRCS 32u      /* a=ssrc of a section that are looked at */
#define SOTTO_MAX_EXTMAPS 256u           /* a=extmap of a section, and of the session, that are looked at: ids are 8 bits */
#define SOTTO_MAX_CODECS 64u             /* of a section that are used */
#define SOTTO_MAX_FMTP 1024u             /* bytes of a codec's parameters: sprop-parameter-sets are long */

/* media. SOTTO_MAX_FRAME, SOTTO_MAX_RTP, SOTTO_MAX_DEPENDENCY are public: media.h */
#define SOTTO_MAX_SSRCS 256u             /* sources of a remote that are kept; one that was silent for long makes room */
#define SOTTO_MAX_GONE_SSRCS 1024u       /* sources that made room, whose packet numbers are kept against replays */
#define SOTTO_MAX_EARLY_MEDIA 32u        /* RTP and RTCP packets kept until there are keys */
#define SOTTO_MAX_EARLY_MEDIA_BYTES (64u * 1024)
#define SOTTO_MAX_MEDIA_PACKET 1400u     /* bytes of an RTP or RTCP packet to send: with SRTP and IPv6 below Ethernet's 1500 */
#define SOTTO_MAX_RTP_PAYLOAD 1140u      /* bytes of payload of one packet: SOTTO_MTU less SRTP, header and our extensions */
#define SOTTO_MAX_AUDIO_PACKET 1500u     /* bytes of an encoded audio packet that playout takes: what one datagram carries */
#define SOTTO_MAX_PLAYOUT_US 4000000     /* upper end of what playout may hold: as the W3C's jitterBufferTarget */

#define SOTTO_MAX_UNSIGNALLED 32u        /* of them, sources that neither a MID nor a=ssrc announced */
#define SOTTO_SOURCE_IDLE_US (10 * 1000000LL) /* silent for so long: it makes room for another */
#define SOTTO_LOOP_US (50 * 1000000LL) /* a collision of SSRCs so soon after another is a loop: RFC 3550 §8.2, ten report intervals */
#define SOTTO_KEY_REQUEST_US (500 * 1000LL) /* KEYFRAME_NEEDED of one encoding: not more often */
#define SOTTO_DEFAULT_VIDEO_BPS 2500000u /* target while nobody says anything else */
#define SOTTO_DEFAULT_AUDIO_BPS 64000u
#define SOTTO_MIN_TARGET_BPS 30000u      /* however little a remote's REMB or TMMBR allows */
#define SOTTO_MAX_PACER_BYTES (2u * 1024 * 1024) /* that wait to leave, of one class; a frame into an empty queue is always taken */
#define SOTTO_MAX_PACER_PACKETS 16384u   /* … a frame that is begun below it is taken as a whole */
#define SOTTO_HISTORY_PACKETS 4096u      /* of one encoding, for retransmission: a power of 2 */
#define SOTTO_HISTORY_BYTES (4u * 1024 * 1024)
#define SOTTO_HISTORY_US (2 * 1000000LL) /* older ones help nobody */
#define SOTTO_REPAIR_PERCENT 50u         /* retransmissions of what was sent in the last second */
#define SOTTO_REPAIR_FLOOR (16u * 1024)     /* bytes of them in any second, however little was sent in it */
#define SOTTO_MAX_NACKS 512u             /* missing packets of one source that are asked for; beyond: a key frame */
#define SOTTO_RECV_PACKETS 2048u         /* of one source that wait for others: a power of 2 */
#define SOTTO_RECV_BYTES (16u * 1024 * 1024) /* … and their bytes, frames that are not taken included */
#define SOTTO_RECV_FRAMES 120u        /* frames that are not taken by the application: 2 s at 60 a second */
#define SOTTO_MAX_ARRIVALS 8192u         /* transport-wide numbers not told yet: a power of 2 */
#define SOTTO_MAX_DEPARTURES 8192u       /* … of ours that feedback may still come for: a power of 2 */

/* ICE. SOTTO_MAX_CANDIDATE and SOTTO_MAX_REMOTE_CANDIDATES are public: pc.h */
#define SOTTO_MAX_LOCAL_CANDIDATES 64u   /* libnice aborts at 64 local addresses */
#define SOTTO_MAX_LOCAL_ADDRESSES 32u    /* of this host that are offered */
#define SOTTO_MAX_TALLY_STRANGERS 8u     /* addresses that no candidate has, of which sotto_pc_explain() knows what came */
#define SOTTO_MAX_HOST_ADDRESSES 48u     /* of this host that libnice may see: its end is at 64, and addresses come and go */
#define SOTTO_MAX_PRFLX 64u              /* peer-reflexive remotes per generation: libnice's insertion is quadratic */
#define SOTTO_MAX_CONFLICTS 256u         /* of roles, before there is a pair: each check on its way may bring one, of 100 pairs */
#define SOTTO_MAX_ICE_SERVERS 8u         /* libnice: 8 TURN servers per component */
#define SOTTO_MAX_UFRAG 256u             /* RFC 8839 §5.4 */
#define SOTTO_MAX_PWD 256u
#define SOTTO_ICE_BOX (8u * 1024 * 1024) /* bytes of datagrams that one dispatch of libnice may bring: one full socket */
#define SOTTO_SOCKET_BUFFER (4u * 1024 * 1024) /* SO_RCVBUF and SO_SNDBUF asked for */
#define SOTTO_SMALL_SOCKET (128 * 1024)  /* SO_RCVBUF where anybody's checks reach libnice: it reads them in one go, some 300 */
#define SOTTO_MAX_STUN_QUERIES 64u        /* questions to STUN servers of one ICE generation: each from each address of its family */
#define SOTTO_MAX_ICE_FDS 72             /* descriptors of one ICE generation: a socket per address, TURN over TCP, libnice's own */
#define SOTTO_RESTART_EVERY_US (4 * 1000000LL) /* ICE restarts because this host's network changed: not more often, of one connection */
#define SOTTO_SLEPT_US (3 * 1000000LL) /* a machine that slept for less goes on as if it had not */
#define SOTTO_MAX_PC_FDS 216             /* … of a connection: three generations over an ICE restart; below 256, as the loop numbers them */

/* TURN over TCP and TLS */
#define SOTTO_TURN_BUFFER (16u * 1024)   /* bytes each way between libnice and a server: a record of TLS */
#define SOTTO_MAX_TURN_FRAME (8u * 1024) /* bytes of a message or of relayed data: WebRTC's packets have 1500; larger ones are lost */
#define SOTTO_TURN_SOCKET (128 * 1024)   /* bytes that wait between libnice and us: a tenth of a second of video */
#define SOTTO_TURN_CONNECT_US (4500 * 1000LL) /* TCP and TLS to a server together: before libnice gives up at 4.75 s */
#define SOTTO_TURN_ALLOCATE_US (10 * 1000000LL) /* … and then an allocation */
#define SOTTO_MIN_TURN_LIFETIME 10u      /* seconds: an allocation that ends sooner is none; libnice uses one of 0 after it freed it */
#define SOTTO_MAX_TURN_STALE 5u          /* 438 in a row: RFC 8489 §9.2.5 has the request repeated with the new nonce */
#define SOTTO_MAX_TURN_ALTERNATES 4u     /* 300 in a row */
#define SOTTO_MAX_GATHER_US (8 * 1000000LL) /* gathering is over by then, whatever servers still owe */

/* names: multicast DNS (RFC 6762) of candidates, DNS of servers; of a context */
#define SOTTO_MAX_MDNS_ASKS 256u         /* names of remotes that are being asked for, or wait for that… */
#define SOTTO_MAX_MDNS_FLIGHT 16u        /* … of them, asked for at the same time, … */
#define SOTTO_MAX_MDNS_OWN_FLIGHT 4u     /* … and of one connection: its remote cannot keep the others waiting */
#define SOTTO_MAX_NAMED_REMOTES 16u      /* candidates of one remote that wait for their names */
#define SOTTO_MDNS_ASK_US (4 * 1000000LL) /* a name that nobody answers for: asked at 0, 1 and 3 s (RFC 6762 §5.2), then given up */
#define SOTTO_MAX_MDNS_NAMES 1024u       /* of ours that are answered for */
#define SOTTO_MAX_MDNS_INTERFACES 8u     /* of this host on which names are asked and answered */
#define SOTTO_MAX_MDNS_QUESTIONS 32u     /* of one message that are looked at */
#define SOTTO_MAX_MDNS_UNICAST 32u       /* answers to one asker alone, in a second */
#define SOTTO_MAX_RESOLVER_NAMES 32u     /* of servers, that DNS is asked for or has just told */
#define SOTTO_MAX_RESOLVER_ASKS 4096u    /* connections that wait for them: 8 servers each, but few names */
#define SOTTO_RESOLVE_US (5 * 1000000LL) /* a name of a server that DNS does not tell by then */
#define SOTTO_MAX_RESOLVER_FDS 15        /* sockets of c-ares: one fewer than its macros were made for, which shift into the sign */
#define SOTTO_RESOLVER_KEEP_US (10 * 1000000LL) /* an answer serves others for so long */
#define SOTTO_MAX_MDNS_TURN 16u          /* messages that are read at a time, of each family */

/* DTLS */
#define SOTTO_MAX_DATAGRAM 65536u        /* largest datagram read */
#define SOTTO_MTU 1200u                  /* UDP payload that passes everywhere: RFC 8831 §5, RFC 8261 §5 */
#define SOTTO_MAX_EARLY_RECORDS 8u       /* DTLS datagrams kept before the handshake can run */
#define SOTTO_MAX_EARLY_BYTES (16u * 1024)
#define SOTTO_MAX_HANDSHAKE_MESSAGE (16u * 1024) /* a handshake message; a certificate above it is refused */
#define SOTTO_MAX_DTLS_REBUILDS 32u      /* handshakes begun anew because forged packets stalled them */
#define SOTTO_MAX_DTLS_US (30 * 1000000LL) /* a handshake that is not done by then has failed */
#define SOTTO_MAX_DTLS_HELLO (8u * 1024) /* a ClientHello or ServerHello: browsers' with ML-KEM have 1.5 KiB */
#define SOTTO_MAX_DTLS_QUEUE (64u * 1024) /* bytes of datagrams to send, and of plaintext to give up, of one DTLS */
#define SOTTO_MAX_DTLS_SEQUENCE ((1ULL << 48) - 1) /* the last record under one key: RFC 6347 §4.1 */
#define SOTTO_MAX_DTLS_FORGED (1ULL << 36) /* records that did not open under one key: RFC 9147 §4.5.3 */
#define SOTTO_MAX_DTLS_WARNINGS 16u      /* alerts of level warning in a row */
#define SOTTO_MAX_STORE_OBJECTS 64u      /* of a URI of OpenSSL that are looked at for a certificate, for a key */
#define SOTTO_MAX_PEM (64u * 1024)       /* bytes of a certificate and its key as text */

/* SCTP and data channels */
#define SOTTO_MAX_MESSAGE (16u * 1024 * 1024)   /* upper end of max_message_size */
#define SOTTO_DEFAULT_MESSAGE (256u * 1024)     /* as browsers */
#define SOTTO_DEFAULT_REMOTE_MESSAGE 65536u     /* RFC 8841 §6.1: without a=max-message-size */
#define SOTTO_STREAMS_OUT 256u                  /* memory goes with streams */
#define SOTTO_STREAMS_FIRST 16u                 /* that usrsctp has of them until others are used: sctp_streams.c */
#define SOTTO_MAX_STREAMS 65535u                /* id 65535 is reserved: RFC 8832 §8.1 */
#define SOTTO_SCTP_BACKLOG (1024u * 1024)       /* bytes given to usrsctp and not acknowledged, at first and on short paths… */
#define SOTTO_SCTP_BACKLOG_MAX (16u * 1024 * 1024) /* … and at most: 100 ms at 1 Gbit/s */
#define SOTTO_SCTP_BACKLOG_MESSAGES 2048u       /* messages so, for each MiB: usrsctp itself counts payload bytes only */
#define SOTTO_SCTP_WINDOW (1024u * 1024)        /* receive window at first and on short paths, or twice max_message_size… */
#define SOTTO_SCTP_WINDOW_MAX (16u * 1024 * 1024) /* … and at most, while a long path fills it */
#define SOTTO_SCTP_BEYOND_WINDOW 1024u          /* DATA chunks taken from a peer whose window we closed */
#define SOTTO_SCTP_PROBES 1024u                 /* then one at a time, ten a second at most: an hour of a paused reader */
#define SOTTO_SCTP_OUTBOX 1024u                 /* packets that one call into usrsctp may produce; beyond: lost, SCTP repeats */
#define SOTTO_SCTP_MERGE 8u                     /* packets given to usrsctp as one, and acknowledged once: more gains little */
#define SOTTO_SCTP_RUN (16u * 1024)             /* bytes of small messages accepted in a turn and then given to usrsctp together */
#define SOTTO_SCTP_AHEAD (32u * 1024)           /* bytes of small messages read from usrsctp together… */
#define SOTTO_SCTP_AHEAD_MESSAGES 64u           /* … and how many */
#define SOTTO_BATCH_MESSAGES 256u               /* small messages that a batch of sotto_ctx_batch() holds back at a time */
#define SOTTO_BATCHED_MESSAGE 1024u             /* bytes of a small one: larger ones fill a packet by themselves */
#define SOTTO_DEFAULT_BUFFERED (1024u * 1024)   /* send queue of one channel */
#define SOTTO_MAX_QUEUED_MESSAGES 65536u        /* messages in the send queue of one channel: each costs about 64 bytes beside its own */
#define SOTTO_MAX_LABEL 65535u                  /* RFC 8832 §5.1: 16 bits */
#define SOTTO_MAX_CLOSED_CHANNELS 1024u         /* closed channels whose handles nobody freed; beyond it remote OPENs are reset */

/* secrets */
#define SOTTO_MAX_SECRET 4096u           /* bytes of one key or password in memory of its own: a TURN server's password is shorter */
#define SOTTO_SECRET_ARENA 65536u        /* bytes of such memory that are mapped at a time */
#define SOTTO_MAX_SECRET_ARENAS 512u     /* 32 MiB of them in a process: what tens of thousands of connections need */

/* WHIP and WHEP: what a server can send. SOTTO_MAX_WHIP_URL, SOTTO_MAX_WHIP_TOKEN are public: whip.h */
#define SOTTO_MAX_WHIP_BODY SOTTO_MAX_SDP /* bytes of an answer's body: it is a description, or a part of one */
#define SOTTO_MAX_WHIP_HEAD (16u * 1024) /* bytes of its header, each redirection counted anew */
#define SOTTO_MAX_WHIP_FIELDS 64u        /* … and its lines */
#define SOTTO_MAX_WHIP_REDIRECTS 5u      /* of one POST */
#define SOTTO_MAX_WHIP_SERVERS 8u        /* ICE servers that an answer names: as many as a connection takes */
#define SOTTO_MAX_WHIP_ETAG 256u         /* bytes of an entity tag */
#define SOTTO_MAX_WHIP_PINS 512u         /* bytes of public-key pins: nine of SHA-256 */
#define SOTTO_MAX_RETRY_AFTER 3600       /* seconds that a server may ask for: beyond, nobody believes it */
#define SOTTO_WHIP_REQUEST_US (10 * 1000000LL) /* one request, however slowly its answer comes */

/* end-to-end encryption: SOTTO_MAX_E2EE_KEYS, SOTTO_E2EE_WINDOW and SOTTO_E2EE_RATCHET_AHEAD are in sotto/e2ee.h */
#define SOTTO_E2EE_KEPT 64u              /* keys that nobody sends with any more, of which it is known where their counters stood */
#define SOTTO_E2EE_GUESSES 16u           /* steps of a sender's ratchet that a receiver makes for nothing between two warnings */
#define SOTTO_E2EE_WARN_US 1000000LL     /* dropped frames or messages of a transceiver or channel are told at most so often */

/* events and contexts */
#define SOTTO_MAX_PCS 4096u              /* peer connections of a context */
#define SOTTO_MAX_STORY_SERVERS 8u       /* errors of STUN and TURN servers that sotto_pc_explain() remembers: the first ones */
#define SOTTO_MAX_STORY_CHANGES 16u      /* changes of path that it remembers: the last ones */
#define SOTTO_MAX_EXPLANATION 4096u      /* bytes of its sentence, and of its advice */
#define SOTTO_MAX_EXPLANATION_TEXT 65536u /* bytes of the whole text: above what the limits of candidates allow */
#define SOTTO_MAX_PC_EVENTS 320u         /* control events of a connection beside those of channels: candidates, states, warnings */
#define SOTTO_MAX_POSTS 1024u            /* sotto_ctx_post */
#define SOTTO_MAX_STRUCT 4096u           /* bytes of a public struct: a size above it was never set */
#define SOTTO_MAX_LOG_LINES 256u         /* lines waiting for the sink */
#define SOTTO_MAX_LOG_LINE 256u          /* bytes of a line */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_H
#define SOTTO_MEDIA_H
/**
 * @file media.h
 * Transceivers: RTCRtpTransceiver with its sender and its receiver as one object (W3C WebRTC 1.0 §5).
 *
 * There are no MediaStreamTracks: a transceiver "has a track" when sotto_pc_add_track() gave it one or when it was made by
 * sotto_pc_add_transceiver() with a direction that sends; what is sent is what the application hands over. Streams are names only:
 * tracks of the same stream id belong together (RFC 8830).
 *
 * What is sent and received are whole encoded frames (sotto_frame), or RTP packets of the application's own making. sotto encodes and
 * decodes nothing here; <sotto/audio.h> has Opus, G.711 and playout.
 */
#include <sotto/base.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of media. */
typedef int32_t sotto_kind;
enum { SOTTO_AUDIO = 1, SOTTO_VIDEO = 2 };

/** RTCRtpTransceiverDirection; NONE is what sotto_transceiver_current_direction() says before the first negotiation (W3C: null). */
typedef int32_t sotto_direction;
enum {
    SOTTO_DIR_NONE = -1,
    SOTTO_DIR_SENDRECV = 0,
    SOTTO_DIR_SENDONLY = 1,
    SOTTO_DIR_RECVONLY = 2,
    SOTTO_DIR_INACTIVE = 3,
    SOTTO_DIR_STOPPED = 4
};

/** One encoding that is sent: RTCRtpEncodingParameters. Several, with rids, are simulcast (RFC 8853). */
typedef struct sotto_encoding {
    uint32_t size;    /**< sizeof (sotto_encoding) */
    const char *rid;  /**< nullable; letters, digits, '-' and '_', at most 255 (RFC 8851 §10); all encodings have one, or none has */
    bool inactive;    /**< not sent for the time being */
    uint32_t max_bps; /**< bits per second; 0: no limit of its own */
    double scale;     /**< scaleResolutionDownBy, ≥ 1; 0: the default: 2^(n-1-i) for encoding i of n if no encoding of a video has one,
                           else 1; audio has none: ignored, and read back as 0 */
} sotto_encoding;

/** Options of sotto_pc_add_transceiver(): RTCRtpTransceiverInit. All-zero but for `size` is the default. All is copied. */
typedef struct sotto_transceiver_config {
    uint32_t size;               /**< sizeof (sotto_transceiver_config) */
    sotto_direction direction;   /**< SENDRECV, SENDONLY, RECVONLY or INACTIVE */
    const char *const *streams;  /**< nullable: ids of the streams that it belongs to, each 1…64 token characters (RFC 8830 §2), not "-";
                                      one that stands twice counts once */
    size_t n_streams;            /**< at most 8 */
    const sotto_encoding *encodings; /**< nullable; the first element's size is the stride */
    size_t n_encodings;          /**< at most 8; W3C sendEncodings. Of audio the first is taken: there is no simulcast of it. A lone one
                                      has no rid */
    void *user;                  /**< the application's: see sotto_event.user; NULL: the connection's */
} sotto_transceiver_config;

/** The parameters of a sender: RTCRtpSendParameters. Read, change, set before the next description is set. */
typedef struct sotto_send_parameters {
    uint32_t size;            /**< sizeof (sotto_send_parameters) */
    uint64_t transaction;     /**< as read: a set with another one is refused (W3C transactionId) */
    sotto_encoding *encodings; /**< part of the block that get gives */
    size_t n_encodings;       /**< cannot be changed, nor can rids */
} sotto_send_parameters;

/** One codec: RTCRtpCodecCapability, and with payload_type what was negotiated. Strings live as long as what gave them. */
typedef struct sotto_codec {
    uint32_t size;        /**< sizeof (sotto_codec) */
    const char *mime;     /**< "audio/opus", "video/H264", "video/rtx", …: compared without case */
    uint32_t clock_hz;    /**< RTP clock rate */
    uint32_t channels;    /**< audio: 1 or 2; video: 0 */
    const char *fmtp;     /**< "profile-level-id=42e01f;packetization-mode=1", "" without; never NULL from the library */
    int32_t payload_type; /**< 0…127; -1: not negotiated */
} sotto_codec;

/** A list of codecs, most preferred first; allocated in one block: yours, sotto_free(). */
typedef struct sotto_codecs {
    uint32_t size;            /**< sizeof (sotto_codecs) */
    size_t n;                 /**< how many */
    const sotto_codec *items; /**< view of the block */
    const char *const *extensions; /**< URIs of header extensions (RFC 8285): view of the block */
    size_t n_extensions;      /**< how many */
} sotto_codecs;

/** A transceiver. */
typedef struct sotto_transceiver sotto_transceiver;

/**
 * Add a transceiver: the next offer has a media section for it.
 * @param kind  SOTTO_AUDIO or SOTTO_VIDEO.
 * @param cfg   borrowed, nullable: sendrecv, no stream, one encoding.
 * @param ret   the handle; it lives with the connection, see sotto_transceiver_free().
 * @return 0, or  SOTTO_E_SYNTAX  a rid or stream id that breaks its grammar; some encodings have rids and some have not; one rid twice
 *                SOTTO_E_RANGE   kind, direction, a scale below 1, or a number above its limit
 *                SOTTO_E_LIMIT   as many transceivers as an SDP can have media sections; or 256 that are gone, whose handles were not
 *                                given back
 *                SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_CLOSED, SOTTO_E_NOMEM, SOTTO_E_SYS (no entropy)
 * Leads to SOTTO_EV_NEGOTIATION_NEEDED. Any thread. Source: W3C addTransceiver().
 */
SOTTO_API int sotto_pc_add_transceiver(sotto_pc *pc, sotto_kind kind,
                                       const sotto_transceiver_config *cfg,
                                       sotto_transceiver **ret);

/**
 * Want to send: takes the first transceiver of this kind that has no track, never sent and is not stopped, and adds sending to its
 * direction; or adds a new one (sendrecv).
 * @param streams  borrowed, nullable: ids of the streams the track belongs to, at most 8, as in sotto_transceiver_config; copied.
 * @param ret      the transceiver; if it is one that the application knows, the same handle.
 * @return as sotto_pc_add_transceiver(). Leads to SOTTO_EV_NEGOTIATION_NEEDED. Source: W3C addTrack().
 */
SOTTO_API int sotto_pc_add_track(sotto_pc *pc, sotto_kind kind, const char *const *streams,
                                 size_t n_streams, sotto_transceiver **ret);

/**
 * Want to send no more: its direction loses its sending part. The transceiver stays. Without a track, stopped or rolled back: does
 * nothing. Leads to SOTTO_EV_NEGOTIATION_NEEDED.
 * @return 0, or SOTTO_E_ACCESS it is another connection's; SOTTO_E_INVAL, SOTTO_E_CLOSED. Source: W3C removeTrack().
 */
SOTTO_API int sotto_pc_remove_track(sotto_pc *pc, sotto_transceiver *t);

/**
 * The transceivers, in the order in which they were added; stopped ones are gone once that was negotiated. Those of a closed
 * connection are stopped.
 * @param items    filled with at most n_items handles; nullable if n_items is 0.
 * @return how many there are, or SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM. Source: W3C getTransceivers().
 */
SOTTO_API int sotto_pc_get_transceivers(sotto_pc *pc, sotto_transceiver **items, size_t n_items);

/** Its kind: SOTTO_AUDIO, SOTTO_VIDEO; SOTTO_E_INVAL. */
SOTTO_API int sotto_transceiver_kind(const sotto_transceiver *t);
/**
 * The mid of its media section; "" before there is one, after it was rolled back, and of a freed connection.
 * @param n  bytes of mid, at least 65.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_RANGE n is too small.
 */
SOTTO_API int sotto_transceiver_mid(const sotto_transceiver *t, char *mid, size_t n);
/** The direction that the application prefers; SOTTO_DIR_STOPPED once stop was called or the remote rejected it, and of a freed
 * connection; SOTTO_E_INVAL, which is never a direction. Source: W3C direction. */
SOTTO_API sotto_direction sotto_transceiver_get_direction(const sotto_transceiver *t);
/**
 * Prefer another direction; it takes effect by negotiation.
 * @param direction  SENDRECV, SENDONLY, RECVONLY or INACTIVE.
 * @return 0, or SOTTO_E_STATE it is stopped, or to be; SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_CLOSED.
 * Leads to SOTTO_EV_NEGOTIATION_NEEDED if it differs from what is negotiated. Source: W3C direction.
 */
SOTTO_API int sotto_transceiver_set_direction(sotto_transceiver *t, sotto_direction direction);
/** The direction that was negotiated: SOTTO_DIR_NONE before; SOTTO_DIR_STOPPED when it is stopped on both sides, and of a freed
 * connection; SOTTO_E_INVAL. Source: W3C currentDirection. */
SOTTO_API sotto_direction sotto_transceiver_current_direction(const sotto_transceiver *t);
/**
 * Stop for good: nothing is sent or received any more; the next negotiation gives its media section back. Twice does nothing. One
 * that never had a media section is gone at once, and nothing needs to be negotiated for it.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED. Leads to SOTTO_EV_NEGOTIATION_NEEDED. Source: W3C stop().
 */
SOTTO_API int sotto_transceiver_stop(sotto_transceiver *t);
/**
 * Give the handle of a transceiver back that is gone: stopped, which was negotiated, or rolled back; or whose connection was closed
 * or freed. Queued events that name it are dropped; with events that were taken it stays usable until they are freed. Of another
 * one: does nothing, its handle lives with the connection. Handles that were not given back end with their context.
 * @param t  nullable.
 */
SOTTO_API void sotto_transceiver_free(sotto_transceiver *t);

/**
 * Say which streams its track belongs to, instead of those before.
 * @param streams  borrowed, nullable: as in sotto_transceiver_config; copied.
 * @return 0, or SOTTO_E_SYNTAX, SOTTO_E_RANGE too many; SOTTO_E_STATE it is stopped, or to be (where W3C says nothing);
 *         SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM.
 * Leads to SOTTO_EV_NEGOTIATION_NEEDED. Source: W3C RTCRtpSender.setStreams().
 */
SOTTO_API int sotto_transceiver_set_streams(sotto_transceiver *t, const char *const *streams,
                                            size_t n_streams);
/**
 * Read the encodings.
 * @param ret  yours: sotto_free(), one block. After a simulcast was negotiated: the layers that the remote takes. Read again before
 *             anything was set, or changed by a description, it is the same transaction.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM. Source: W3C RTCRtpSender.getParameters().
 */
SOTTO_API int sotto_transceiver_get_parameters(sotto_transceiver *t, sotto_send_parameters **ret);
/**
 * Change inactive, max_bps and scale of the encodings (scale 0: 1). Needs no negotiation.
 * @param params  borrowed: as sotto_transceiver_get_parameters() gave it, but for what is to change.
 * @return 0, or  SOTTO_E_MODIFICATION  another transaction than the last one read; number, order or rids of encodings changed
 *                SOTTO_E_STATE         nothing was read since the last set or description; stopped
 *                SOTTO_E_RANGE         a scale below 1
 *                SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_CLOSED
 * On failure nothing has changed, the transaction neither.
 * Source: W3C RTCRtpSender.setParameters().
 */
SOTTO_API int sotto_transceiver_set_parameters(sotto_transceiver *t,
                                               const sotto_send_parameters *params);
/**
 * Which codecs to negotiate, in which order.
 * @param items  borrowed: of sotto_capabilities(kind); n 0: the default again. mime, clock_hz, channels and fmtp count (NULL as "").
 *               One that stands twice counts once. The first one's size is the stride. To the fmtp of audio/opus there may be added what
 *               we ask of the remote: stereo=1, maxplaybackrate, maxaveragebitrate, usedtx=1, cbr=1, and sprop-stereo=1: what we send is
 *               in stereo, as "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1" (RFC 7587 §7; numbers out of range are moved into
 *               it). It stands in our descriptions as long as these preferences are set; what the remote asks for is in the fmtp that
 *               sotto_transceiver_codec() gives.
 * @return 0, or SOTTO_E_MODIFICATION one that is not in sotto_capabilities(), or only rtx, red and telephone-event;
 *         SOTTO_E_LIMIT more than 64; SOTTO_E_STATE it is stopped, or to be (where W3C says nothing); SOTTO_E_INVAL, SOTTO_E_CLOSED,
 *         SOTTO_E_NOMEM.
 * Takes effect by the next negotiation, which it does not ask for. Source: W3C setCodecPreferences().
 */
SOTTO_API int sotto_transceiver_set_codec_preferences(sotto_transceiver *t,
                                                      const sotto_codec *items, size_t n);
/** The preferences as set; n 0: the default. @param ret yours: sotto_free(). @return 0, or SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM. */
SOTTO_API int sotto_transceiver_get_codec_preferences(sotto_transceiver *t, sotto_codecs **ret);
/**
 * What was negotiated for sending, with the remote's payload types and the header extensions: the first is the codec to send, the
 * others may be sent too.
 * @param ret  yours: sotto_free().
 * @return 0, or SOTTO_E_STATE nothing was negotiated yet; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM.
 */
SOTTO_API int sotto_transceiver_codec(sotto_transceiver *t, sotto_codecs **ret);
/**
 * What this library can negotiate: RTCRtpSender.getCapabilities(), the same for receiving.
 * @param ret  yours: sotto_free(). @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_NOMEM.
 */
SOTTO_API int sotto_capabilities(sotto_kind kind, sotto_codecs **ret);

/** What sotto_frame.time_kind says. */
enum {
    SOTTO_TIME_CAPTURE = 0, /**< capture_us counts (0: now); the RTP time is made from it */
    SOTTO_TIME_RTP = 1      /**< rtp_time counts, as it goes on the wire; capture_us (0: now) goes with it into sender reports */
};

/**
 * One encoded frame, sent or received.
 *
 * data, by codec: H264, H265: one access unit, Annex B (start codes), or as in MP4 with lengths of 4 bytes; received: Annex B with
 * 4-byte start codes, parameter sets as they came. VP8, VP9: one frame (VP9: one superframe with all its layers). AV1: one temporal
 * unit as in an .obu file (each OBU with its size). opus: one packet. PCMU, PCMA: one byte a sample.
 */
typedef struct sotto_frame {
    uint32_t size;          /**< sizeof (sotto_frame) */
    const void *data;       /**< send: borrowed for the call; received: a view, valid until the event is freed */
    size_t len;             /**< bytes, 1 … SOTTO_MAX_FRAME */
    const char *rid;        /**< which encoding; NULL: the first, or the only one. Received: NULL without simulcast */
    int32_t time_kind;      /**< SOTTO_TIME_*; received: RTP */
    sotto_us capture_us;    /**< when it was captured, on the clock of sotto_now(): one clock for audio and video, which keeps them
                                 in sync. Received: the sender's capture time brought to our clock; 0 as long as that is not known (before
                                 the first sender report) */
    uint32_t rtp_time;      /**< RTP timestamp, in ticks of the codec's clock */
    bool is_key;            /**< video: can be decoded without an earlier one. Ignored for audio */
    int32_t payload_kind;   /**< 0: the codec that was negotiated first; 1: payload_type says which */
    int32_t payload_type;   /**< of sotto_transceiver_codec(); received: always filled */
    const char *mime;       /**< received: "video/VP8", …; static. send: ignored */
    uint32_t duration_ticks; /**< audio: length in RTP ticks; send: 0 where the data says it (opus, PCMU, PCMA); received: 0 unknown */
    sotto_us received_us;   /**< received: when its last packet came */
    uint64_t dropped;       /**< received: frames of this transceiver and rid that were lost or dropped just before this one, as far as that
                                 can be known; audio: missing packets */
    const void *dependency; /**< nullable; AV1: the dependency descriptor of its first packet (AOM RTP spec A.8): passed through */
    size_t dependency_len;  /**< at most SOTTO_MAX_DEPENDENCY */
    int32_t rotation;       /**< video: degrees clockwise to be shown upright: 0, 90, 180, 270 (3GPP TS 26.114 §7.4.5) */
    int32_t audio_level_kind; /**< 0: not known; 1: audio_level counts */
    int32_t audio_level;    /**< audio: 0 … 127, minus dBov (RFC 6464) */
    bool has_voice;         /**< audio: the sender heard a voice (RFC 6464) */
} sotto_frame;

#define SOTTO_MAX_FRAME (8u * 1024 * 1024) /**< bytes of a frame */
#define SOTTO_MAX_DEPENDENCY 64u           /**< bytes of a dependency descriptor */

/**
 * Send one frame. It is copied once, into the packets that wait for the pacer and for retransmission.
 * @param f  borrowed.
 * @return 0 queued (an inactive encoding: taken and not sent), or
 *         SOTTO_E_STATE    not connected, or the negotiated direction does not send: drop it and go on
 *         SOTTO_E_AGAIN    the pacer is over its limit: not taken; the next frame of this rid must be a key frame (others get
 *                          SOTTO_E_AGAIN too), SOTTO_EV_KEYFRAME_NEEDED follows
 *         SOTTO_E_TOO_BIG  larger than SOTTO_MAX_FRAME
 *         SOTTO_E_SYNTAX   not a frame of that codec
 *         SOTTO_E_RANGE    no such rid, payload type or time kind; a dependency descriptor that is too long
 *         SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 * Never blocks; any thread. Source: RFC 3550 §5, the payload formats' RFCs; docs/explanation/media.md.
 */
SOTTO_API int sotto_transceiver_send_frame(sotto_transceiver *t, const sotto_frame *f);
/**
 * Send one RTP packet of the application's own packetizer, at once: it is not paced. Sequence number, timestamp, marker, payload type and
 * payload are the application's; the SSRC and the header extensions are ours. With simulcast the RID extension that the packet brings
 * under the negotiated id says which encoding; without: the first. Frames and packets must not be mixed on one transceiver.
 * @param rtp  borrowed: a whole packet (RFC 3550 §5.1), no padding; len at most SOTTO_MAX_RTP.
 * @return 0, or  SOTTO_E_SYNTAX  not an RTP packet
 *                SOTTO_E_RANGE   a payload type that was not negotiated, an unknown rid, or a sequence number that was used already or is
 *                                more than 1,024 below the highest: it would make SRTP unsafe
 *                SOTTO_E_AGAIN   the pacer is over its limit, or the circuit breaker is open: drop it
 *                SOTTO_E_STATE   not connected, or the negotiated direction does not send
 *                SOTTO_E_TOO_BIG larger than SOTTO_MAX_RTP
 *                SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM
 */
SOTTO_API int sotto_transceiver_send_rtp(sotto_transceiver *t, const void *rtp, size_t len);
#define SOTTO_MAX_RTP 1200u /**< bytes of a packet for sotto_transceiver_send_rtp(): as large as browsers send them */

/**
 * Ask the remote for a key frame (PLI, or FIR where that was negotiated alone).
 * @param rid  nullable: which of the received encodings; NULL: all.
 * @return 0 (also when one was asked for a moment ago), or SOTTO_E_STATE nothing is received yet; SOTTO_E_RANGE no such rid;
 *         SOTTO_E_INVAL, SOTTO_E_CLOSED. Source: RFC 4585 §6.3.1, RFC 5104 §4.3.1.
 */
SOTTO_API int sotto_transceiver_request_keyframe(sotto_transceiver *t, const char *rid);

/** How received media is handed over. */
enum {
    SOTTO_RECEIVE_FRAMES = 0,  /**< SOTTO_EV_FRAME: whole frames in order, held until the jitter target */
    SOTTO_RECEIVE_RTP = 1,     /**< SOTTO_EV_RTP: decrypted packets as they come, without duplicates; no repair, no order */
    SOTTO_RECEIVE_ORDERED = 2  /**< SOTTO_EV_FRAME: in order and as early as possible: for sotto_playout, which has the delay itself */
};
/** Choose; takes effect with the next packet. @return 0, or SOTTO_E_STATE SOTTO_RECEIVE_RTP, and what is received is end-to-end
 * (<sotto/e2ee.h>); SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_CLOSED. */
SOTTO_API int sotto_transceiver_set_receive_mode(sotto_transceiver *t, int32_t mode);
/**
 * How long frames are held to even out jitter.
 * @param target_us  0 … 4,000,000 microseconds; < 0: adaptive, as it is at first.
 * @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_CLOSED. Source: W3C RTCRtpReceiver.jitterBufferTarget.
 */
SOTTO_API int sotto_transceiver_set_jitter_target(sotto_transceiver *t, sotto_us target_us);
/** As set; < 0: adaptive. SOTTO_E_INVAL is < 0 too. */
SOTTO_API sotto_us sotto_transceiver_get_jitter_target(const sotto_transceiver *t);

/**
 * Send DTMF tones in place of what was queued before and not played.
 * @param tones        borrowed: 0-9 A-D a-d # * and ',' (a pause of 2 s); "" stops. At most 256.
 * @param duration_ms  of a tone, 40 … 6000; 0: 100
 * @param gap_ms       between tones, 30 … 6000; 0: 70
 * @return 0, or SOTTO_E_SYNTAX another character; SOTTO_E_RANGE; SOTTO_E_STATE not audio, or telephone-event was not negotiated, or it does
 *         not send; SOTTO_E_INVAL, SOTTO_E_CLOSED, SOTTO_E_NOMEM.
 * Leads to SOTTO_EV_DTMF_TONE per tone as it begins, and one with tone 0 at the end. Source: W3C RTCDTMFSender, RFC 4733.
 */
SOTTO_API int sotto_transceiver_insert_dtmf(sotto_transceiver *t, const char *tones,
                                            int32_t duration_ms, int32_t gap_ms);

/** The application's pointer; the connection's before it was set. */
SOTTO_API void *sotto_transceiver_get_user(const sotto_transceiver *t);
/** Set it; events that are queued already show the new one. @return 0 or SOTTO_E_INVAL. */
SOTTO_API int sotto_transceiver_set_user(sotto_transceiver *t, void *user);

#ifdef __cplusplus
}
#endif
#endif

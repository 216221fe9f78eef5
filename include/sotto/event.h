/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EVENT_H
#define SOTTO_EVENT_H
/**
 * @file event.h
 * What happens is told by events that the application takes with sotto_ctx_next(): the library never calls it.
 *
 * Order: per channel CHANNEL → OPEN → MESSAGE* → CLOSED. A closed or failed state that the transport's end causes comes
 * after the messages that had arrived. A STATE merges with the STATE before it only while that is still the connection's last
 * queued event. Types that an application does not know are to be ignored.
 */
#include <sotto/ctx.h>
#include <sotto/data.h>
#include <sotto/media.h>
#include <sotto/pc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Types of events, and the member of sotto_event.u that each fills. */
enum {
    SOTTO_EV_STATE = 1,              /**< u.state: one of the four states changed */
    SOTTO_EV_NEGOTIATION_NEEDED = 2, /**< none: make an offer (W3C negotiationneeded) */
    SOTTO_EV_CANDIDATE = 3,          /**< u.candidate: a local candidate to be sent to the remote */
    SOTTO_EV_CANDIDATE_ERROR = 4,    /**< u.candidate_error: a STUN or TURN server could not be used (W3C icecandidateerror) */
    SOTTO_EV_CHANNEL = 5,            /**< u.channel: the remote opened a channel; u.channel.dc is yours: sotto_dc_free() */
    SOTTO_EV_OPEN = 6,               /**< u.channel: messages can be sent */
    SOTTO_EV_CLOSING = 7,            /**< u.channel: the remote closes the channel */
    SOTTO_EV_CLOSED = 8,             /**< u.channel: nothing more comes of this channel; error and reason say why */
    SOTTO_EV_MESSAGE = 9,            /**< u.message: one whole message */
    SOTTO_EV_WRITABLE = 10,          /**< u.channel: once after sotto_dc_send() said SOTTO_E_AGAIN: send again */
    SOTTO_EV_BUFFERED_LOW = 11,      /**< u.channel: sotto_dc_buffered_amount() fell to the threshold or below it */
    SOTTO_EV_TRACK = 12,             /**< u.track: the remote sends, or sends in another stream as well (W3C track); the handle is
                                          as sotto_pc_get_transceivers() gives it */
    SOTTO_EV_TRACK_REMOVED = 13,     /**< u.track: the remote sends no longer, or no longer in these streams (W3C removetrack) */
    SOTTO_EV_MUTE = 14,              /**< u.track: for the time being nothing comes */
    SOTTO_EV_UNMUTE = 15,            /**< u.track: media comes */
    SOTTO_EV_FRAME = 16,             /**< u.frame: one whole encoded frame came */
    SOTTO_EV_RTP = 17,               /**< u.rtp: one RTP packet came, in receive mode RTP */
    SOTTO_EV_KEYFRAME_NEEDED = 18,   /**< u.media: encode a key frame: the remote asked for it, or frames were not taken; rate-limited */
    SOTTO_EV_TARGET_BITRATE = 19,    /**< u.bitrate: how much may be sent changed */
    SOTTO_EV_DTMF_TONE = 22,         /**< u.dtmf: a tone begins, or with tone 0 all were played */
    SOTTO_EV_WARNING = 20,           /**< u.warning: something that an operator should know */
    SOTTO_EV_NETWORK_CHANGED = 23,   /**< u.network: this host has other addresses, or another default route, or it slept; told to
                                          connections that have begun to gather, at most once until it is taken */
    SOTTO_EV_VERIFIED = 24,          /**< u.verified: more is known of the peer, or less because it is another one: see verify.h */
    SOTTO_EV_USER = 21               /**< u.post: what sotto_ctx_post() was given; pc is NULL */
};

/** Warnings in u.warning.code. */
enum {
    SOTTO_WARN_REMOTE_CANDIDATES = 1, /**< more remote candidates than the limit; the rest is not used */
    SOTTO_WARN_CHANNEL_REFUSED = 2,   /**< a data channel that the remote opened was refused: see the text */
    SOTTO_WARN_FRAMES_DROPPED = 3,    /**< received frames were not taken in time and were dropped: u.warning.count says how many */
    SOTTO_WARN_REFLECTED = 4,         /**< packets of our own came back to us and were dropped: u.warning.count */
    SOTTO_WARN_KEYS_SPENT = 6,        /**< the SRTP keys have served their life (RFC 3711 §9.2): media needs a new connection */
    SOTTO_WARN_NO_SRTP = 7,           /**< media was negotiated, but there are no keys for it: the remote agreed on no SRTP profile when the
                                           connection was made, or no memory was left. Media needs a new connection */
    SOTTO_WARN_CIRCUIT_BREAKER = 5,   /**< the remote gets nothing of what is sent: media is held back for a while (RFC 8083) */
    SOTTO_WARN_E2EE_NO_KEY = 8,       /**< frames or messages under an end-to-end key that is not known were dropped: u.warning.count */
    SOTTO_WARN_E2EE_BAD = 9,          /**< … that do not open, or are not sealed at all: u.warning.count */
    SOTTO_WARN_E2EE_REPLAYED = 10     /**< … that were opened before, or are too old to tell: u.warning.count */
};

/** An event: allocated by the library, freed by sotto_event_free(); may grow at its end in later versions. */
struct sotto_event {
    uint32_t type; /**< SOTTO_EV_* */
    sotto_us at;   /**< when it was queued, on the clock of sotto_now() */
    sotto_pc *pc;  /**< the connection it belongs to; lives at least until the event is freed; NULL for USER */
    void *user;    /**< as set on the object that the event names: the channel (one that the remote opened starts with the
                       connection's), the transceiver, else the connection */
    /** What the type says: see the types. */
    union {
        /** SOTTO_EV_STATE: all four, as they were when it was queued. */
        struct {
            int32_t connection; /**< SOTTO_CONNECTION_* */
            int32_t ice;        /**< SOTTO_ICE_* */
            int32_t gathering;  /**< SOTTO_GATHERING_* */
            int32_t signaling;  /**< SOTTO_SIGNALING_* */
        } state;
        /** SOTTO_EV_CANDIDATE: views, valid until the event is freed. */
        struct {
            const char *line;    /**< "candidate:…"; "": no more candidates of this generation */
            const char *mid;     /**< of the media section */
            int32_t mline_index; /**< of the media section, from 0 */
            const char *ufrag;   /**< the local ICE username fragment it belongs to */
        } candidate;
        /** SOTTO_EV_CANDIDATE_ERROR: views, valid until the event is freed. */
        struct {
            const char *url;     /**< of the server, as configured */
            const char *address; /**< local address it was tried from, masked unless sotto_ctx_config.show_addresses; "" unknown */
            uint16_t port;       /**< local port, 0 unknown */
            int32_t code;        /**< STUN error code 300…699, or 701: no answer */
            const char *text;    /**< the server's words, addresses in them masked as address, or ours for 701 */
        } candidate_error;
        /** SOTTO_EV_TRACK, TRACK_REMOVED, MUTE, UNMUTE. */
        struct {
            sotto_transceiver *transceiver; /**< its handle; lives at least until the event is freed */
            const char *const *streams;     /**< TRACK: all ids of its streams; TRACK_REMOVED: those it left; views of the event */
            size_t n_streams;               /**< how many, 0 or more */
        } track;
        /** SOTTO_EV_CHANNEL, OPEN, CLOSING, CLOSED, WRITABLE, BUFFERED_LOW. */
        struct {
            sotto_dc *dc;       /**< the channel; lives at least until the event is freed */
            int32_t error;      /**< CLOSED: 0 closed properly, else SOTTO_E_* */
            const char *reason; /**< CLOSED: static text, never NULL */
        } channel;
        /** SOTTO_EV_MESSAGE. */
        struct {
            sotto_dc *dc;        /**< the channel; lives at least until the event is freed */
            const uint8_t *data; /**< view, valid until the event is freed; never NULL; a NUL that is not counted follows */
            size_t len;          /**< bytes, 0 or more */
            bool is_text;        /**< true: valid UTF-8 */
        } message;
        /** SOTTO_EV_FRAME. */
        struct {
            sotto_transceiver *transceiver; /**< its handle; lives at least until the event is freed */
            const sotto_frame *frame;       /**< view, valid until the event is freed */
        } frame;
        /** SOTTO_EV_RTP. */
        struct {
            sotto_transceiver *transceiver; /**< its handle; lives at least until the event is freed */
            const uint8_t *packet;          /**< the whole packet, decrypted; RTX is undone; view, valid until the event is freed */
            size_t len;                     /**< bytes */
            const char *rid;                /**< NULL without simulcast; view */
        } rtp;
        /** SOTTO_EV_KEYFRAME_NEEDED. */
        struct {
            sotto_transceiver *transceiver; /**< its handle; lives at least until the event is freed */
            const char *rid;                /**< NULL without simulcast; view */
        } media;
        /** SOTTO_EV_TARGET_BITRATE. */
        struct {
            sotto_transceiver *transceiver; /**< its handle; lives at least until the event is freed */
            const char *rid;                /**< NULL without simulcast; view */
            uint64_t bps;                   /**< bits per second to encode at; 0: nothing */
            sotto_us rtt_us;                /**< round trip; 0 not known */
            double loss;                    /**< of our packets, 0 … 1, as the remote reported last */
        } bitrate;
        /** SOTTO_EV_DTMF_TONE. */
        struct {
            sotto_transceiver *transceiver; /**< its handle; lives at least until the event is freed */
            char tone;                      /**< as inserted, upper case; 0: the end */
        } dtmf;
        /** SOTTO_EV_WARNING. */
        struct {
            int32_t code;     /**< SOTTO_WARN_* */
            const char *text; /**< one English sentence, a view valid until the event is freed */
            uint64_t count;   /**< how many, where the code says so; else 0 */
        } warning;
        /** SOTTO_EV_NETWORK_CHANGED. */
        struct {
            bool needs_restart; /**< true: the connection's path is gone, or it has none and may find one, or the default route moved. ICE
                                     is restarted by itself (SOTTO_EV_NEGOTIATION_NEEDED), unless sotto_pc_config.no_auto_restart */
        } network;
        /** SOTTO_EV_VERIFIED. */
        struct {
            int32_t level;  /**< SOTTO_VERIFY_*, now */
            bool is_enough; /**< true: sotto_pc_config.required_verification is reached, media and messages pass from now on */
        } verified;
        /** SOTTO_EV_USER. */
        struct {
            uint32_t code; /**< as posted */
            void *p;       /**< as posted */
        } post;
    } u;
};

#ifdef __cplusplus
}
#endif
#endif

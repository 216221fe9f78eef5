/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WHIP_H
#define SOTTO_WHIP_H
/**
 * @file whip.h
 * To publish to a media server by WHIP (RFC 9725), and to play from one by WHEP (draft-ietf-wish-whep-04): offer and answer over HTTPS,
 * and a supervisor that comes back after a loss. HTTP has a thread of its own; everything else happens in the calls below, which never
 * block. Between two losses there is one peer connection, which the helper makes and gives up; what is sent and received goes through
 * its transceivers, as always.
 *
 *     sotto_whip_publish(ctx, &cfg, &w);
 *     while (sotto_ctx_wait(ctx, -1, &e) == 1) {
 *         sotto_whip_news news = {.size = sizeof news};
 *         if (!sotto_whip_handle(w, e)) …                       // frames, key frames that are needed, …
 *         while (sotto_whip_next(w, &news) == 1) …              // news.state says what happened
 *         sotto_event_free(e);
 *     }
 *
 * Security: what goes out goes by https: TLS 1.2 or newer with forward secrecy, the chain and the name of the certificate checked always.
 * Plain http is for servers of this host: "http://localhost", "http://127.0.0.1", "http://[::1]", and the address in use must be a
 * loopback one. The token is sent to the origin of the URL (scheme, host and port) and to no other, whatever a server says.
 * Basic, Digest, cookies, .netrc and proxies of the environment are not used. Needs libcurl: see docs/howto/lean-build.md.
 */
#include <sotto/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A publication or a playback. Opaque. To be used by one thread at a time, but for sotto_whip_set_token(). */
typedef struct sotto_whip sotto_whip;

/** What sotto_whip_next() tells of. */
enum {
    SOTTO_WHIP_NEW = 1,        /**< a connection was made: pc, and audio and video for publishing. Set it up now, if anything is to be set
                                    up (codecs, keys, a policy): the offer is made by the next call of sotto_whip_next() */
    SOTTO_WHIP_CONNECTING = 2, /**< the server has taken the offer; ICE and DTLS are under way. Playing, audio and video are others than
                                    at NEW where the server made an offer of its own (406); the former are stopped */
    SOTTO_WHIP_CONNECTED = 3,  /**< media can flow; also after RESTARTING */
    SOTTO_WHIP_RESTARTING = 4, /**< the path is lost or the network changed; ICE is restarted, the connection stays */
    SOTTO_WHIP_RETRYING = 5,   /**< the connection is given up, or the server did not take the offer; NEW follows after `wait`. pc and its
                                    transceivers may be used until the next call of sotto_whip_next(), which frees them */
    SOTTO_WHIP_REFUSED = 6,    /**< as RETRYING, but nothing follows: status, error and reason say why. sotto_whip_retry() begins
                                    anew; where the token was refused (error SOTTO_E_ACCESS), so does sotto_whip_set_token() */
    SOTTO_WHIP_ENDED = 7       /**< after sotto_whip_stop(): the server knows, or cannot be told */
};

/** Options of sotto_whip_publish() and sotto_whep_play(). All-zero but for `size` and `url` is the default. All is copied. */
typedef struct sotto_whip_config {
    uint32_t size;     /**< sizeof (sotto_whip_config) */
    const char *url;   /**< of the endpoint, at most SOTTO_MAX_WHIP_URL bytes: "https://…"; no user name in it, a fragment is not sent */
    const char *token; /**< nullable: sent as "Authorization: Bearer …"; letters, digits and -._~+/ with = at the end (RFC 6750), at most
                            SOTTO_MAX_WHIP_TOKEN. Security: wiped from the library's memory when it is replaced or freed */
    const char *ca_file; /**< nullable: PEM certificates of the authorities to be trusted instead of the system's. Security: whoever can
                              write the file can pose as the server */
    const char *pin;   /**< nullable: "sha256//" and the base64 of the SHA-256 of the server's public key (SubjectPublicKeyInfo); several
                            with ';' between. Checked as well, not instead */
    const char *proxy; /**< nullable: none, whatever the environment says; "http://host:port": TLS goes through it by CONNECT. Not with
                            plain http */
    const sotto_pc_config *pc; /**< nullable: for the connections; bundle_policy is max-bundle whatever it says. With ICE servers in it
                                    those of the media server are not used. cert is borrowed as long as the helper lives */
    bool no_audio;     /**< false: one audio transceiver */
    bool no_video;     /**< false: one video transceiver */
    const sotto_encoding *encodings; /**< nullable, publishing: simulcast of the video, as in sotto_transceiver_config */
    size_t n_encodings; /**< at most 8 */
    uint32_t attempts; /**< REFUSED after so many in vain one after the other; 0: never */
    sotto_us first;    /**< from the first loss to the second attempt; 0: 2 s; then twice as long each time, until a connection
                            has lasted a minute … */
    sotto_us longest;  /**< … up to this; 0: 60 s; at most a day. Each wait is longer or shorter by chance, up to a fifth; Retry-After of
                            the server makes it longer, up to an hour */
} sotto_whip_config;

#define SOTTO_MAX_WHIP_URL 2048u   /**< bytes of a URL, ours or the server's */
#define SOTTO_MAX_WHIP_TOKEN 4000u /**< bytes of a token */

/** One piece of news. */
typedef struct sotto_whip_news {
    uint32_t size;            /**< sizeof (sotto_whip_news), set by the caller */
    int32_t state;            /**< SOTTO_WHIP_* */
    sotto_pc *pc;             /**< the connection; NULL: there is none. The helper's: do not free or negotiate it. It is gone after the
                                   call of sotto_whip_next() that follows RETRYING, REFUSED or ENDED, and after sotto_whip_free() */
    sotto_transceiver *audio; /**< of pc; nullable */
    sotto_transceiver *video; /**< as audio */
    int32_t error;            /**< RETRYING, REFUSED: SOTTO_E_*; else 0. ACCESS: the server's certificate or our token was refused;
                                   PROTO: the server broke a protocol or a limit; SDP: its description is no use; NETWORK: not
                                   reached, or lost; AGAIN: it asks to come later; STATE: it has another reason, see status */
    int32_t status;           /**< of HTTP, where there was one; else 0 */
    sotto_us wait;            /**< RETRYING: from now to the next attempt */
    char reason[160];         /**< RETRYING, REFUSED: one English sentence; else "". Never a token or a part of a description */
} sotto_whip_news;

/**
 * Publish: one audio and one video transceiver that send. NEW is the first news.
 * @param c    borrowed; must outlive the helper.
 * @param cfg  borrowed.
 * @param ret  yours: sotto_whip_free().
 * @return 0, or  SOTTO_E_SYNTAX       url, token, pin or proxy is none
 *                SOTTO_E_ACCESS       plain http to another host than this one: nothing was sent; ca_file cannot be read
 *                SOTTO_E_LIMIT        url or token too long; as sotto_pc_new()
 *                SOTTO_E_RANGE        neither audio nor video; a time out of its range
 *                SOTTO_E_UNSUPPORTED  a field that this version does not know, or built without libcurl
 *                SOTTO_E_INVAL, SOTTO_E_NOMEM, SOTTO_E_SYS no thread or entropy; else as sotto_pc_new() and sotto_pc_add_transceiver()
 * Source: RFC 9725.
 */
SOTTO_API int sotto_whip_publish(sotto_ctx *c, const sotto_whip_config *cfg, sotto_whip **ret);
/**
 * Play: one audio and one video transceiver that receive. SOTTO_EV_FRAME names the transceiver that a frame came by.
 * As sotto_whip_publish(). Source: draft-ietf-wish-whep-04.
 */
SOTTO_API int sotto_whep_play(sotto_ctx *c, const sotto_whip_config *cfg, sotto_whip **ret);

/**
 * Tell it what happened: every event of the context. The event stays the application's.
 * @return 1 it was for the helper (states, candidates and negotiations of its connection, its own SOTTO_EV_USER), 0 it was not;
 *         SOTTO_E_INVAL, SOTTO_E_FORKED. Call sotto_whip_next() then.
 */
SOTTO_API int sotto_whip_handle(sotto_whip *w, const sotto_event *e);
/**
 * Do what is due, and take the next piece of news: until it returns 0, after each event and once after sotto_whip_publish(). A
 * SOTTO_EV_USER comes whenever there may be some: no timer is needed.
 * @param ret  filled as far as its size says, when 1 is returned.
 * @return 1 news, 0 none; SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_whip_next(sotto_whip *w, sotto_whip_news *ret);
/**
 * Replace the token: for every request from now on. A server that refuses a token is asked once more with the one that is current
 * then. Any thread.
 * @param token  borrowed, nullable: none any more.
 * @return 0, or SOTTO_E_SYNTAX, SOTTO_E_LIMIT, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_NOMEM, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_whip_set_token(sotto_whip *w, const char *token);
/**
 * Try now: ends the wait of RETRYING, and begins anew after REFUSED. Else does nothing.
 * @return 0, or SOTTO_E_STATE it was stopped; SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_whip_retry(sotto_whip *w);
/**
 * End: the connection is closed and the server told (DELETE). ENDED is the last news, within 3 s. Twice does nothing.
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_FORKED.
 */
SOTTO_API int sotto_whip_stop(sotto_whip *w);
/**
 * Give it back, with its connection.
 * @param w  nullable. Blocks for at most 3 s if it was not stopped, or has not ENDED: the server is told. In a forked child it does
 *           nothing: connections to the server are the parent's. Not from the log sink.
 */
SOTTO_API void sotto_whip_free(sotto_whip *w);

#ifdef __cplusplus
}
#endif
#endif

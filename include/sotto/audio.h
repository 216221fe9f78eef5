/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_AUDIO_H
#define SOTTO_AUDIO_H
/**
 * @file audio.h
 * An extra: Opus (RFC 6716, RFC 7587) and G.711 for those who have PCM, and playout for those who have a loudspeaker. Nothing here belongs
 * to a context; each object is used by one thread at a time, but for sotto_playout, which has two: see there.
 *
 * pcm is int16_t[frames][channels], interleaved, native byte order; frames are samples per channel.
 */
#include <sotto/base.h>
#include <sotto/ctx.h>
#include <sotto/media.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of sotto_opus_encoder_new(). All-zero but for `size` is the default: speech, mono, 48 kHz, 32 kbit/s, 20 ms, in-band FEC. */
typedef struct sotto_opus_config {
    uint32_t size;        /**< sizeof (sotto_opus_config) */
    int32_t channels;     /**< 0: 1; or 2 */
    int32_t frame_ms;     /**< 10, 20, 40 or 60; 0: 20 */
    int32_t bps;          /**< 6000 … 510000; 0: 32000 a channel */
    int32_t application;  /**< SOTTO_OPUS_* */
    bool dtx;             /**< silence costs next to nothing: most of its frames are not sent */
    bool no_fec;          /**< no in-band FEC whatever the loss */
    int32_t complexity_kind; /**< 0: the default; 1: complexity counts */
    int32_t complexity;   /**< 0 … 10 */
} sotto_opus_config;
/** What an encoder is tuned for. */
enum { SOTTO_OPUS_VOIP = 0, SOTTO_OPUS_MUSIC = 1, SOTTO_OPUS_LOW_DELAY = 2 };
#define SOTTO_OPUS_MAX_PACKET 1275u /**< bytes of a packet of one frame: RFC 6716 §3.2.1 */

/** An encoder. */
typedef struct sotto_opus_encoder sotto_opus_encoder;
/** @param cfg borrowed, nullable. @param ret yours: sotto_opus_encoder_free().
 * @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_NOMEM. */
SOTTO_API int sotto_opus_encoder_new(const sotto_opus_config *cfg, sotto_opus_encoder **ret);
/** NULL is fine. */
SOTTO_API void sotto_opus_encoder_free(sotto_opus_encoder *e);
/**
 * Encode one frame of frame_ms.
 * @param pcm     borrowed: int16_t[frames][channels] at 48 kHz.
 * @param frames  48 × frame_ms.
 * @param out     filled with at most cap bytes, and at most SOTTO_OPUS_MAX_PACKET: quality gives way where the bitrate wants more.
 * @return bytes; 0: DTX, nothing is to be sent (the RTP time goes on); or SOTTO_E_RANGE wrong number of frames, SOTTO_E_TOO_BIG cap is too
 *         small for 6 kbit/s, SOTTO_E_INVAL.
 */
SOTTO_API int sotto_opus_encode(sotto_opus_encoder *e, const int16_t *pcm, size_t frames,
                                uint8_t *out, size_t cap);
/** Another bitrate from the next frame on: u.bitrate.bps of SOTTO_EV_TARGET_BITRATE. @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL. */
SOTTO_API int sotto_opus_encoder_set_bitrate(sotto_opus_encoder *e, int32_t bps);
/** What the remote loses, 0 … 1: in-band FEC follows it. @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL. */
SOTTO_API int sotto_opus_encoder_set_loss(sotto_opus_encoder *e, double loss);

/** Where a decoder is, in sotto_isolation.state. */
enum {
    SOTTO_ISOLATION_NONE = 0,    /**< in this process */
    SOTTO_ISOLATION_RUNNING = 1, /**< in a process of its own, which is well */
    SOTTO_ISOLATION_OFF = 2      /**< it died too often and is not started any more: five times within a minute */
};
/** How a decoder fares that runs in a process of its own. */
typedef struct sotto_isolation {
    uint32_t size;        /**< sizeof (sotto_isolation) */
    int32_t state;        /**< SOTTO_ISOLATION_* */
    uint64_t deaths;      /**< how often the process died, hung, or did what it may not */
    int32_t last_signal;  /**< that ended it last: SIGSYS a forbidden system call, SIGSEGV a crash, SIGKILL we did (it hung, or told
                               nonsense) or somebody else; 0: none, it ended by itself */
    sotto_us last_death;  /**< when that was noticed, on the clock of sotto_now(); 0: never */
    sotto_us restart_us;  /**< how long starting the process took last, until it could decode; 0: not known yet */
    int32_t pid;          /**< of the process; 0: none runs */
} sotto_isolation;

/** A decoder, with concealment and FEC recovery. */
typedef struct sotto_opus_decoder sotto_opus_decoder;
/** Options of sotto_opus_decoder_open(). All-zero but for `size` is the default: mono, in this process. */
typedef struct sotto_opus_decoder_config {
    uint32_t size;            /**< sizeof (sotto_opus_decoder_config) */
    int32_t channels;         /**< 0: 1; or 2 */
    bool isolate_decoder;     /**< libopus runs in a process of its own: see sotto_playout_config.isolate_decoder. Security: a hole in the
                                   decoder costs some sound, not this process and its keys */
    const char *decoder_path; /**< borrowed, nullable: as sotto_playout_config.decoder_path */
} sotto_opus_decoder_config;
/**
 * Make a decoder. One that is isolated is used like any other, and a call of it waits for the other process: some 50 µs, and when that
 * dies or hangs at most 120 ms; the call then returns what it would have, with concealed sound, and the process is started anew.
 * @param cfg  borrowed, nullable. @param ret yours: sotto_opus_decoder_free().
 * @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_NOMEM; isolated also SOTTO_E_UNSUPPORTED the library was built without it,
 *         SOTTO_E_SYS the process could not be started.
 */
SOTTO_API int sotto_opus_decoder_open(const sotto_opus_decoder_config *cfg,
                                      sotto_opus_decoder **ret);
/** The same in this process. @param channels 1 or 2. @param ret yours. @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_NOMEM. */
SOTTO_API int sotto_opus_decoder_new(int32_t channels, sotto_opus_decoder **ret);
/** Where it is, and how it fares there. @param ret filled. @return 0, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED. */
SOTTO_API int sotto_opus_decoder_get_isolation(const sotto_opus_decoder *d, sotto_isolation *ret);
/** NULL is fine. */
SOTTO_API void sotto_opus_decoder_free(sotto_opus_decoder *d);
/**
 * Decode one packet.
 * @param p    borrowed: the packet of RFC 6716; NULL: conceal `cap` frames of a lost one.
 * @param pcm  filled, int16_t[cap][channels] at 48 kHz.
 * @param cap  frames that fit; 5760 (120 ms) is always enough.
 * @return frames per channel, or SOTTO_E_SYNTAX not an Opus packet (nothing changed), SOTTO_E_TOO_BIG more than cap, SOTTO_E_RANGE,
 *         SOTTO_E_INVAL; isolated also SOTTO_E_CLOSED SOTTO_ISOLATION_OFF (free it), SOTTO_E_TOO_BIG a packet of more than 64 kB,
 *         SOTTO_E_FORKED.
 */
SOTTO_API int sotto_opus_decode(sotto_opus_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                                size_t cap);
/** Recover the frame before this packet from the FEC in it: call before sotto_opus_decode() of the packet itself. `frames`: the lost
 * duration per channel. @return frames (concealed if the packet has no FEC), or as sotto_opus_decode(). */
SOTTO_API int sotto_opus_decode_fec(sotto_opus_decoder *d, const uint8_t *p, size_t len,
                                    int16_t *pcm, size_t frames);
/** Duration of a packet in frames at 48 kHz, 120 … 5760, or SOTTO_E_SYNTAX. Source: RFC 6716 §3. */
SOTTO_API int sotto_opus_packet_frames(const uint8_t *p, size_t len);

/** G.711 (ITU-T G.711; PCMU, PCMA at 8 kHz mono): n samples to n bytes and back. @return n, or SOTTO_E_INVAL. */
SOTTO_API int sotto_pcmu_encode(const int16_t *pcm, size_t n, uint8_t *out);
/** See sotto_pcmu_encode(). */
SOTTO_API int sotto_pcmu_decode(const uint8_t *p, size_t n, int16_t *pcm);
/** See sotto_pcmu_encode(). */
SOTTO_API int sotto_pcma_encode(const int16_t *pcm, size_t n, uint8_t *out);
/** See sotto_pcmu_encode(). */
SOTTO_API int sotto_pcma_decode(const uint8_t *p, size_t n, int16_t *pcm);

/** Options of sotto_playout_new(). All-zero but for `size` is the default: mono, 48 kHz, adaptive delay. */
typedef struct sotto_playout_config {
    uint32_t size;       /**< sizeof (sotto_playout_config) */
    int32_t channels;    /**< 0: 1; or 2 */
    sotto_us min_delay;  /**< microseconds of audio to be held at least, up to 4 s; 0: 20 ms */
    sotto_us max_delay;  /**< … at most, up to 4 s; 0: 500 ms; beyond it the oldest is skipped */
    bool isolate_decoder; /**< decoders run in a process of their own, `sotto-decoder`, that has no memory of this one, no descriptor and
                               no system call but waiting. Costs about a megabyte, and a delay of 15 ms and one pull. Where it dies,
                               hangs or does what it may not, sound is concealed for 200 ms at most and the process started anew by
                               sotto_playout_put(); after five deaths within a minute it stays off. Refused with SOTTO_E_UNSUPPORTED
                               by a library that was built without. Security: a hole in the decoder costs some sound, not this process
                               and its keys */
    const char *decoder_path; /**< borrowed, nullable: absolute path of `sotto-decoder`; NULL: where it was installed. Security: this
                                   program is run */
    sotto_ctx *ctx;      /**< nullable, lives longer than the playout: where SOTTO_EV_USER tells that the decoder is off, once */
    uint32_t ctx_code;   /**< u.post.code of that event; u.post.p is the playout */
} sotto_playout_config;

/**
 * Playout: from frames as they come to PCM as the device pulls it: adaptive delay, concealment of what is missing, time stretching, and
 * the difference of the sender's clock and the device's absorbed. One thread puts, one other pulls; between them is a fixed ring:
 * pull never locks, allocates, waits or makes a system call; not with an isolated decoder either, which decodes ahead of it.
 */
typedef struct sotto_playout sotto_playout;
/** What went on: W3C RTCAudioPlayoutStats and RTCInboundRtpStreamStats. */
typedef struct sotto_playout_stats {
    uint32_t size;                  /**< sizeof (sotto_playout_stats) */
    uint64_t frames_played;         /**< W3C totalSamplesCount, per channel */
    uint64_t frames_concealed;      /**< … concealedSamples: made up, silence included */
    uint64_t frames_silent;         /**< … silentConcealedSamples */
    uint64_t concealment_events;    /**< gaps */
    uint64_t frames_recovered;      /**< from in-band FEC */
    uint64_t frames_inserted;       /**< insertedSamplesForDeceleration */
    uint64_t frames_removed;        /**< removedSamplesForAcceleration */
    uint64_t packets_late;          /**< came after their time, or twice */
    uint64_t packets_dropped;       /**< the ring was full, the delay above its maximum, or it was no packet */
    sotto_us delay;                 /**< how long audio that was not late waits before it is played; while nothing comes: of what is held */
    sotto_us target;                /**< what the jitter seen asks for */
    double drift_ppm;               /**< of the sender's clock against the device's, > 0: the sender is
                                         faster; settles within some minutes */
    int32_t isolation;              /**< SOTTO_ISOLATION_* */
    uint64_t decoder_deaths;        /**< sotto_isolation.deaths */
} sotto_playout_stats;
/** @param cfg borrowed, nullable. @param ret yours: sotto_playout_free(), when neither thread uses it any more.
 * @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED, SOTTO_E_NOMEM; with isolate_decoder also SOTTO_E_SYS its process could
 *         not be started. That is waited for: some milliseconds. */
SOTTO_API int sotto_playout_new(const sotto_playout_config *cfg, sotto_playout **ret);
/** NULL is fine. */
SOTTO_API void sotto_playout_free(sotto_playout *p);
/**
 * A frame came: from the thread that takes events. The transceiver should be in receive mode ORDERED. opus, PCMU and PCMA.
 * @param f  borrowed: of SOTTO_EV_FRAME; data, len, mime, rtp_time, received_us and dropped count: a gap in rtp_time with dropped 0 is
 *           silence that was not sent (DTX), and no loss.
 * @return 0, or SOTTO_E_AGAIN the ring is full; SOTTO_E_SYNTAX not an Opus packet; SOTTO_E_TOO_BIG more than 1500 bytes or 120 ms (these
 *         three are counted); SOTTO_E_UNSUPPORTED another codec; SOTTO_E_INVAL; with isolate_decoder also SOTTO_E_CLOSED: its process
 *         died five times within a minute and stays off (SOTTO_ISOLATION_OFF): from now on the playout gives silence; SOTTO_E_FORKED.
 */
SOTTO_API int sotto_playout_put(sotto_playout *p, const sotto_frame *f);
/**
 * The device wants audio: from one audio thread.
 * @param pcm     filled: int16_t[frames][channels] at 48 kHz, always all of it: what is missing is concealed, then silence.
 * @param frames  1 … 5760
 * @return frames, or SOTTO_E_RANGE, SOTTO_E_INVAL.
 */
SOTTO_API int sotto_playout_pull(sotto_playout *p, int16_t *pcm, size_t frames);
/** Read the counters, from any thread. @param ret filled. @return 0, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED. */
SOTTO_API int sotto_playout_get_stats(const sotto_playout *p, sotto_playout_stats *ret);
/** Where the decoder is, and how it fares there; from any thread. @param ret filled. @return 0, SOTTO_E_INVAL, SOTTO_E_UNSUPPORTED. */
SOTTO_API int sotto_playout_get_isolation(const sotto_playout *p, sotto_isolation *ret);
/**
 * The counters as one JSON object under W3C's names: RTCAudioPlayoutStats ("media-playout"), and what of RTCInboundRtpStreamStats only a
 * decoder knows. A playout belongs to no connection: that is why it is not in sotto_pc_get_stats().
 * @param ret  yours: sotto_free(). @return 0, SOTTO_E_INVAL, SOTTO_E_NOMEM.
 */
SOTTO_API int sotto_playout_get_stats_json(const sotto_playout *p, char **ret);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_SESSION_H
#define SOTTO_MEDIA_SESSION_H
/*
 * All RTP of one connection: which media section a packet belongs to (RFC 9143 §9.2, RFC 8852), the streams out and in, RTCP both ways.
 * In: decrypted packets, frames; out: packets to be sealed, what the application is to be told, frames to be pulled. Knows neither
 * descriptions nor transports: peer/ carries between them.
 */
#include "media/arrival.h"
#include "media/dtmf.h"
#include "media/e2ee.h"
#include "media/recv.h"
#include "media/report.h"
#include "media/send.h"
#include "util/map.h"

struct session;

struct outgoing { /* one encoding that a section sends */
    const char *rid; /* borrowed from the transceiver; NULL: none */
    uint64_t rid_hash;
    bool inactive;
    uint32_t max_bps;        /* of the application; 0: none */
    uint32_t ssrc, rtx_ssrc; /* 0: chosen with the first frame */
    struct sender *sender;   /* NULL: nothing was sent */
    uint8_t last_pt;         /* of what was sent last */
    struct remote_report remote;
    struct breaker breaker;
    uint64_t tmmbr_bps;      /* the remote's limit; 0: none */
    uint32_t tmmbr_ssrc;     /* … and who set it */
    uint16_t tmmbr_overhead;
    uint64_t octets_at_report, packets_at_report; /* of the sender, for the rate between reports */
    uint64_t packets_at_ours; /* at our last regular report */
    sotto_us report_at;
    sotto_us key_told;       /* when the application was asked last; 0: never */
    bool key_wanted;         /* … it is to be asked */
    bool bitrate_wanted;     /* … it is to be told the target */
    bool breaker_wanted;     /* … and that the circuit breaker has opened */
    uint64_t told_bps;
    double told_loss;
    sotto_us bitrate_at;
    bool has_fir;
    uint8_t fir_seq;
    uint32_t fir_ssrc;
    sotto_us collided;       /* when the remote last used its SSRC; 0: never */
};

struct line_remote { /* a=ssrc of the remote */
    uint32_t ssrc, rtx_ssrc; /* rtx 0: none */
};

/* One media section. It stands in its transceiver; all-zero is one that neither sends nor receives. */
struct line {
    struct node all; /* in session.lines, while it sends or receives */
    sotto_kind kind;
    char mid[SOTTO_MAX_MID + 1];
    bool sends, receives, rsize;
    const struct codec_list *send, *recv; /* the transceiver's */
    const uint8_t *ids;                   /* of header extensions: EXT_COUNT */
    uint64_t max_bps;                     /* of the remote description; UINT64_MAX: none */
    struct outgoing outgoing[SOTTO_MAX_RIDS];
    size_t n_outgoing;
    struct line_remote remotes[SOTTO_MAX_SECTION_SSRCS];
    size_t n_remotes;
    int32_t mode;    /* SOTTO_RECEIVE_* */
    sotto_us target; /* of jitter; < 0: adaptive */
    struct dtmf *dtmf; /* NULL: never used */
    bool has_tone_time;
    uint32_t tone_time; /* RTP time of the tone that plays */
    bool unmuted, tell_mute;
    bool tell_ssrc; /* that of descriptions is another now */
    bool ssrc_used; /* that of descriptions has had a sender: no second one gets it, as SRTP refuses numbers that were used */
    size_t n_sources;
    uint64_t dropped; /* frames not taken in time, not told yet */
    struct e2ee *e2ee; /* NULL: it was never made end-to-end */
};

struct source { /* one incoming SSRC */
    struct node all;   /* in session.sources: silent for longest first */
    struct node ready; /* in session.ready while something can be pulled */
    uint32_t ssrc;
    struct line *line;
    char *rid;              /* owned, NULL: none */
    struct source *primary; /* a repair stream: whose; NULL: not known yet, or it is none */
    bool is_repair, signalled;
    struct receiver *receiver; /* NULL: is_repair */
    uint8_t last_pt;           /* of what came last */
    struct reception reception;
    sotto_us last, since;
    bool has_offset;           /* its own clock, not the session's */
    sotto_us offset;
    uint8_t fir_seq;
    uint64_t rrtr_ntp; /* of its XR: to be answered by DLRR */
    sotto_us rrtr_at;
    bool has_rrtr;
    uint64_t repair_packets, repair_bytes;
};

enum session_out_type {
    SESSION_OUT_RTP,      /* departure */
    SESSION_OUT_RTCP,     /* p, n */
    SESSION_OUT_KEYFRAME, /* line, outgoing: encode one */
    SESSION_OUT_BITRATE,  /* line, outgoing: told_bps, told_loss, rtt */
    SESSION_OUT_MUTE,     /* line: nothing comes any more */
    SESSION_OUT_UNMUTE,   /* line */
    SESSION_OUT_TONE,     /* line, tone */
    SESSION_OUT_DROPPED,  /* line, count: frames that were not taken */
    SESSION_OUT_BREAKER,  /* line, outgoing: its media is held back */
    SESSION_OUT_E2EE,     /* line, code, count: received frames that were not opened */
    SESSION_OUT_SSRC,     /* line, outgoing: the SSRCs that descriptions are to name from now on */
    SESSION_OUT_FORGET    /* ssrc: of the remote, gone */
};

struct session_out { /* views, valid until the next call on the session */
    enum session_out_type type;
    const struct departure *departure;
    const uint8_t *p;
    size_t n;
    struct line *line;
    struct outgoing *outgoing;
    uint64_t count;
    uint32_t ssrc;
    int32_t code;
    char tone;
};

struct session_stats { /* what was refused */
    uint64_t unroutable, malformed, crowded; /* no section, not RTP or RTCP, too many sources */
    uint64_t looped;                         /* RTP, and reports, under an SSRC of ours, again */
};

struct session_feedback { /* a request that waits for the next RTCP packet */
    uint32_t ssrc;
    uint8_t kind; /* FEEDBACK_PLI, FEEDBACK_FIR, FEEDBACK_TMMBN: of one of ours */
};
#define FEEDBACK_TMMBN 128u /* not of descriptions: a bit that they do not use */

#define SESSION_MAX_FEEDBACK 32u
struct session {
    struct node lines, sources, ready;
    struct map by_ssrc;       /* sources */
    size_t n_sources, n_unsignalled;
    struct pacer pacer;
    struct arrivals arrivals;
    struct departures departures;
    struct rtcp_timer timer;
    uint32_t ssrc;            /* ours where nothing is sent: of receiver reports; 0: not chosen */
    const char *cname;        /* borrowed */
    sotto_us ntp_offset;      /* to now: µs since 1900 */
    bool can_send;            /* there are keys and a path */
    bool is_held;             /* nothing is taken yet of what comes, but the remote hears that it does: RFC 8083 §4.1 */
    bool has_offset;
    sotto_us offset;          /* remote clock → ours */
    sotto_us rtt;             /* smoothed; 0 not known */
    uint64_t remb_bps;        /* 0: none */
    struct session_feedback feedback[SESSION_MAX_FEEDBACK];
    size_t n_feedback;
    uint16_t nacks[RECEIVER_MAX_NACK];
    size_t n_nacks;           /* … of nack_ssrc */
    uint32_t nack_ssrc;
    uint32_t twcc_ssrc;       /* of the last packet that had a number */
    sotto_us check_at;        /* when a receiver or tone is due; 0: now */
    bool news;                /* some line has something to tell */
    bool bye;                 /* goodbyes are to be said */
    uint32_t left[8];         /* SSRCs that we do not use any more: goodbye to them, from the first one */
    size_t n_left;
    sotto_us collided;        /* as of outgoing, of that of reports */
    uint32_t forget[8];
    size_t n_forget;
    sotto_us early_at;        /* feedback beside regular reports waits until then: 5 % of the bandwidth */
    size_t report_at;         /* which outgoing stream the regular report goes on with */
    bool reporting;
    struct departure departure;
    uint8_t packet[SOTTO_MTU];
    struct session_stats stats;
};

/* cname outlives it; ntp_offset: added to `now` gives µs since 1900. 0 or SOTTO_E_SYS. */
int sotto__session_init(struct session *s, const char *cname, sotto_us ntp_offset, sotto_us now);
void sotto__session_free(struct session *s); /* lines are taken out first */

/* What a section negotiated, in the fields of `cfg` from kind to n_remotes (of outgoing: rid to max_bps, ssrc, rtx_ssrc); the streams of
 * encodings whose rid stays go on. Neither sends nor receives: its streams end. Cannot fail. */
void sotto__session_configure(struct session *s, sotto_us now, struct line *line,
                              const struct line *cfg);
void sotto__session_remove(struct session *s, struct line *line); /* nothing of it is left */
size_t sotto__session_bytes(const struct session *s); /* of memory, its own block (allocated) included, without lines */
size_t sotto__line_bytes(const struct line *line);    /* what hangs on it */
void sotto__session_set_mode(struct session *s, sotto_us now, struct line *line, int32_t mode,
                             sotto_us target);

/* line->e2ee was made, or has another key: receivers know. */
void sotto__session_e2ee_changed(struct session *s, sotto_us now, struct line *line);

/* As the functions of media.h. */
int sotto__session_send_frame(struct session *s, sotto_us now, struct line *line,
                              const sotto_frame *f);
int sotto__session_send_rtp(struct session *s, sotto_us now, struct line *line, const uint8_t *p,
                            size_t n);
int sotto__session_request_key(struct session *s, sotto_us now, struct line *line, const char *rid);
int sotto__session_dtmf(struct session *s, sotto_us now, struct line *line, const char *tones,
                        int32_t duration_ms, int32_t gap_ms);

void sotto__session_rtp(struct session *s, sotto_us now, const uint8_t *p, size_t n);  /* authentic */
void sotto__session_rtcp(struct session *s, sotto_us now, const uint8_t *p, size_t n); /* authentic */
int sotto__session_next(struct session *s, sotto_us now, struct session_out *out); /* 1 filled, 0 nothing; runs due timers */
sotto_us sotto__session_due(const struct session *s);
void sotto__session_path(struct session *s, sotto_us now); /* there is one again, or another: what was held back without it goes on */
void sotto__session_bye(struct session *s); /* next() then says BYE for all that was sent */

bool sotto__session_ready(const struct session *s);
/* The next frame or packet: *line, *rid (view until the source goes) and *capture (0: not known) are filled. NULL: none. Yours:
 * sotto__received_free. */
struct received *sotto__session_pull(struct session *s, sotto_us now, struct line **line,
                                     const char **rid, sotto_us *capture);

/* Between the files of session*.c */
struct source *sotto__session_source(const struct session *s, uint32_t ssrc); /* NULL: none */
struct outgoing *sotto__session_outgoing(const struct session *s, uint32_t ssrc,
                                         struct line **line); /* media or RTX; NULL */
void sotto__session_drop_source(struct session *s, struct source *src);
/* The same, and nobody keeps anything of its SSRC; false: too many are being forgotten, it stays. */
bool sotto__session_forget(struct session *s, struct source *src);
void sotto__session_drop_sources(struct session *s, struct line *line);
void sotto__session_source_ready(struct session *s, struct source *src);
void sotto__session_want(struct session *s, uint32_t ssrc, uint8_t kind); /* a key frame */
struct receiver_cfg sotto__line_receiver_cfg(const struct line *line);
void sotto__session_send_tone(struct session *s, sotto_us now, struct line *line,
                              const struct dtmf_out *tone);
const struct codec *sotto__line_codec(const struct codec_list *l, uint8_t pt); /* NULL: not negotiated */
void sotto__session_key_wanted(struct session *s, struct outgoing *o); /* the remote or the pacer asks */
int sotto__session_next_departure(struct session *s, sotto_us now, struct session_out *out);
int sotto__session_next_rtcp(struct session *s, sotto_us now, struct session_out *out);
sotto_us sotto__session_rtcp_due(const struct session *s);
/* After reports and limits: the target of an encoding; told if it changed. */
void sotto__session_limits(struct session *s, sotto_us now, struct line *line, struct outgoing *o);
sotto_us sotto__session_capture(const struct session *s, const struct source *src,
                                const struct received *f);
void sotto__session_end_outgoing(struct session *s, struct outgoing *o);
/* The remote used this SSRC, as a sender. If it is one of ours, that gets another; true: not again so soon, its packet is to be dropped. */
bool sotto__session_collides(struct session *s, sotto_us now, uint32_t ssrc);

#endif

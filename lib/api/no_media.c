/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library without media (meson: -Dmedia=disabled): the public functions say so, and what the rest of the library asks of media
 * gets the answer that it has with no audio and no video. Stands in for lib/media, the RTP and payloads of lib/wire, SRTP, and the
 * files of media in transport, peer and this layer; lib/peer/section.c is where remote media sections become unusable, so that answers
 * reject them and no transceiver is ever made. Remote RTP is dropped, as any other packet that is nobody's.
 */
#include "sotto/media.h"

#include "api/ctx.h"
#include "peer/private.h"
#include "peer/stats.h"
#include "transport/srtp.h"
#include "transport/transport_priv.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the arguments of what does nothing */

#define NO ((int)SOTTO_E_UNSUPPORTED)

/* ---- media.h ---- */

SOTTO_API int sotto_pc_add_transceiver(sotto_pc *pc, sotto_kind kind,
                                       const sotto_transceiver_config *cfg, sotto_transceiver **ret)
{
    return NO;
}

SOTTO_API int sotto_pc_add_track(sotto_pc *pc, sotto_kind kind, const char *const *streams,
                                 size_t n_streams, sotto_transceiver **ret)
{
    return NO;
}

SOTTO_API int sotto_pc_remove_track(sotto_pc *pc, sotto_transceiver *t)
{
    return NO;
}

SOTTO_API int sotto_pc_get_transceivers(sotto_pc *pc, sotto_transceiver **items, size_t n_items)
{
    return NO;
}

SOTTO_API int sotto_transceiver_kind(const sotto_transceiver *t)
{
    return NO;
}
SOTTO_API int sotto_transceiver_mid(const sotto_transceiver *t, char *mid, size_t n)
{
    return NO;
}
SOTTO_API sotto_direction sotto_transceiver_get_direction(const sotto_transceiver *t)
{
    return NO;
}
SOTTO_API int sotto_transceiver_set_direction(sotto_transceiver *t, sotto_direction d)
{
    return NO;
}
SOTTO_API sotto_direction sotto_transceiver_current_direction(const sotto_transceiver *t)
{
    return NO;
}
SOTTO_API int sotto_transceiver_stop(sotto_transceiver *t)
{
    return NO;
}
SOTTO_API void sotto_transceiver_free(sotto_transceiver *t)
{
}

SOTTO_API int sotto_transceiver_set_streams(sotto_transceiver *t, const char *const *streams,
                                            size_t n_streams)
{
    return NO;
}

SOTTO_API int sotto_transceiver_get_parameters(sotto_transceiver *t, sotto_send_parameters **ret)
{
    return NO;
}

SOTTO_API int sotto_transceiver_set_parameters(sotto_transceiver *t,
                                               const sotto_send_parameters *params)
{
    return NO;
}

SOTTO_API int sotto_transceiver_set_codec_preferences(sotto_transceiver *t,
                                                      const sotto_codec *items, size_t n)
{
    return NO;
}

SOTTO_API int sotto_transceiver_get_codec_preferences(sotto_transceiver *t, sotto_codecs **ret)
{
    return NO;
}

SOTTO_API int sotto_transceiver_codec(sotto_transceiver *t, sotto_codecs **ret)
{
    return NO;
}
SOTTO_API int sotto_capabilities(sotto_kind kind, sotto_codecs **ret)
{
    return NO;
}

SOTTO_API int sotto_transceiver_send_frame(sotto_transceiver *t, const sotto_frame *f)
{
    return NO;
}
SOTTO_API int sotto_transceiver_send_rtp(sotto_transceiver *t, const void *p, size_t n)
{
    return NO;
}
SOTTO_API int sotto_transceiver_request_keyframe(sotto_transceiver *t, const char *r)
{
    return NO;
}
SOTTO_API int sotto_transceiver_set_receive_mode(sotto_transceiver *t, int32_t mode)
{
    return NO;
}
SOTTO_API int sotto_transceiver_set_jitter_target(sotto_transceiver *t, sotto_us target)
{
    return NO;
}
SOTTO_API sotto_us sotto_transceiver_get_jitter_target(const sotto_transceiver *t)
{
    return NO;
}

SOTTO_API int sotto_transceiver_insert_dtmf(sotto_transceiver *t, const char *tones,
                                            int32_t duration_ms, int32_t gap_ms)
{
    return NO;
}

SOTTO_API void *sotto_transceiver_get_user(const sotto_transceiver *t)
{
    return NULL;
}
SOTTO_API int sotto_transceiver_set_user(sotto_transceiver *t, void *user)
{
    return NO;
}

/* ---- handles and events: there are no transceivers that could have any ---- */

int sotto__media_shell(sotto_pc *pc, struct transceiver *t, sotto_transceiver **ret)
{
    return NO;
}
void sotto__media_unref(sotto_transceiver *t)
{
}
void sotto__media_detach(sotto_transceiver *t)
{
}
int sotto__media_enter(sotto_transceiver *t, struct peer **ret)
{
    return NO;
}
int sotto__event_take_media(sotto_ctx *c, sotto_pc *pc, struct full_event **ret)
{
    return 0;
}

int sotto__event_fill_media(sotto_pc *pc, const struct peer_event *p, struct full_event **ret)
{
    return NO;
}

/* ---- the peer: it has no session, and nothing is ever due ---- */

int sotto__media_open(struct peer *p)
{
    return 0;
}

void sotto__media_free(struct peer *p)
{
}
void sotto__session_e2ee_changed(struct session *s, sotto_us now, struct line *line)
{
}
void sotto__session_remove(struct session *s, struct line *line)
{
}
sotto_us sotto__session_due(const struct session *s)
{
    return SOTTO_NEVER;
}
void sotto__received_free(struct received *f)
{
}

void sotto__media_sync(struct peer *p, sotto_us now)
{
}
void sotto__media_run(struct peer *p, sotto_us now)
{
}
void sotto__media_close(struct peer *p, sotto_us now)
{
}
void sotto__media_path(struct peer *p, sotto_us now)
{
    (void)p;
    (void)now;
}

void sotto__media_packet(struct peer *p, sotto_us now, const struct transport_out *t)
{
}
bool sotto__peer_has_media(const struct peer *p)
{
    return false;
}

void sotto__stats_media(struct stats_build *b, const struct peer *p, const struct transceiver *t,
                        double timestamp, sotto_us now)
{
}

/* ---- the transport: DTLS offers no SRTP, and there are no keys ---- */

int sotto__transport_start_media(struct transport *t)
{
    return 0;
}
void sotto__transport_end_media(struct transport *t)
{
}

bool sotto__transport_take_media(struct transport *t, sotto_us now, const struct packet *pkt,
                                 struct transport_out *out)
{
    return false;
}

bool sotto__transport_early_media(struct transport *t, sotto_us now, struct transport_out *out)
{
    return false;
}

int sotto__srtp_start(void)
{
    return 0;
}
const char *sotto__srtp_library_version(void)
{
    return "";
}

void sotto__transport_media_attacks(const struct transport *t, struct attacks *to)
{
}

int sotto__srtp_selftest(void)
{
    return 0;
}
enum srtp_profile sotto__srtp_profile(const struct srtp *s)
{
    return SRTP_PROFILE_NONE;
}
const char *sotto__srtp_profile_name(enum srtp_profile profile)
{
    return "";
}

size_t sotto__srtp_bytes(const struct srtp *s)
{
    return 0;
}

size_t sotto__session_bytes(const struct session *s)
{
    return 0;
}

size_t sotto__line_bytes(const struct line *line)
{
    return 0;
}

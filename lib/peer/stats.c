/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The snapshot of a connection as a list of objects with the names and meanings of W3C webrtc-stats: which objects there are, and all
 * but the ICE ones (stats_ice.c). In: the state of the peer and a time; out: one block. A member that is not known is left out.
 */
#include "peer/stats.h"

#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "util/mask.h"

static void add_connection(struct stats_build *b, const struct peer *p)
{
    sotto__stats_begin(b, "peer-connection", "PC");
    sotto__stats_int(b, "dataChannelsOpened", p->channels_opened);
    sotto__stats_int(b, "dataChannelsClosed", p->channels_left);
}

/* ---- certificates ---- */

struct certificates { /* ids; "" unknown */
    char local[232], remote[232];
};

/* The id is made of the fingerprint: one certificate is one object. */
static void make_id(const struct stats_build *b, char id[static 232],
                    const struct sdp_fingerprint *f)
{
    char text[224], mask[MASK];
    sotto__fingerprint_text(f, text);
    const char *print = text + strlen(f->hash) + 1;
    snprintf(id, 232, "F%s", b->shows ? print : sotto__mask_string("cert", print, mask));
}

static void add_certificate(struct stats_build *b, const char *id, const char *hash,
                            struct buf *base64)
{
    sotto__stats_begin(b, "certificate", id);
    sotto__stats_text(b, "fingerprint", id + 1);
    sotto__stats_text(b, "fingerprintAlgorithm", hash);
    sotto__buf_add(base64, "", 1);
    if (base64->err)
        b->text.err = base64->err;
    else if (b->shows)
        sotto__stats_text(b, "base64Certificate", (const char *)base64->p);
}

static void add_certificates(struct stats_build *b, const struct peer *p,
                             const struct dtls_info *dtls, struct buf *remote,
                             struct certificates *ids)
{
    struct sdp_fingerprint own;
    struct buf local;
    sotto__cert_fingerprint(p->transport.cert, &own);
    make_id(b, ids->local, &own);
    sotto__buf_init(&local, SOTTO_MAX_PEM);
    sotto__cert_base64(p->transport.cert, &local);
    add_certificate(b, ids->local, own.hash, &local);
    sotto__buf_free(&local);
    ids->remote[0] = '\0';
    if (!dtls) return;
    make_id(b, ids->remote, &dtls->certificate);
    /* both ends may have been given the same one */
    if (strcmp(ids->local, ids->remote) != 0)
        add_certificate(b, ids->remote, dtls->certificate.hash, remote);
}

/* ---- the transport ---- */

static void add_transport(struct stats_build *b, const struct peer *p, const struct dtls_info *dtls,
                          const char *pair, const struct certificates *certs)
{
    static const char *const dtls_states[] = {"new", "connecting", "connected", "closed", "failed"};
    static const char *const ice_states[] = {"new",          "checking", "connected", "completed",
                                             "disconnected", "failed",   "closed"};
    char version[8];
    sotto__stats_begin(b, "transport", STATS_TRANSPORT);
    sotto__stats_counters(b, &p->transport.stats, &(struct transport_stats){0});
    sotto__stats_text(b, "iceRole",
                      !p->ice_role_known ? "unknown"
                      : p->controlling   ? "controlling"
                                         : "controlled");
    if (p->current_local.sdp || p->pending_local.sdp)
        sotto__stats_named(b, "iceLocalUsernameFragment", "ufrag", p->transport.live.ufrag);
    sotto__stats_text(b, "dtlsState", dtls_states[sotto__peer_dtls(p)]);
    sotto__stats_text(b, "iceState", ice_states[p->ice]);
    if (pair[0]) sotto__stats_text(b, "selectedCandidatePairId", pair);
    sotto__stats_text(b, "localCertificateId", certs->local);
    if (certs->remote[0]) sotto__stats_text(b, "remoteCertificateId", certs->remote);
    if (dtls) {
        snprintf(version, sizeof version, "%04X", dtls->version);
        sotto__stats_text(b, "tlsVersion", version);
        sotto__stats_text(b, "dtlsCipher", dtls->cipher);
    }
    if (p->transport.srtp)
        sotto__stats_text(b, "srtpCipher",
                          sotto__srtp_profile_name(sotto__srtp_profile(p->transport.srtp)));
    sotto__stats_text(b, "dtlsRole",
                      !p->role_known   ? "unknown"
                      : p->dtls_client ? "client"
                                       : "server");
    sotto__stats_int(b, "selectedCandidatePairChanges", p->transport.stats.pair_changes);
}

static void add_sctp(struct stats_build *b, const struct peer *p)
{
    struct sctp_stats s;
    if (!p->transport.sctp || !p->transport.sctp_up) return;
    sotto__sctp_get_stats(p->transport.sctp, &s);
    sotto__stats_begin(b, "sctp-transport", "S");
    sotto__stats_text(b, "transportId", STATS_TRANSPORT);
    if (s.rtt_us > 0) sotto__stats_double(b, "smoothedRoundTripTime", s.rtt_us / 1e6);
    sotto__stats_int(b, "congestionWindow", s.cwnd);
    sotto__stats_int(b, "receiverWindow", s.rwnd_peer);
    sotto__stats_int(b, "mtu", s.packet_size);
}

/* ICE first: the transport names its pair. */
static void add_path(struct stats_build *b, const struct peer *p, bool only_pair)
{
    struct certificates certs;
    struct dtls_info info;
    struct buf remote;
    char pair[STATS_PAIR_ID];
    sotto__buf_init(&remote, 2 * SOTTO_MAX_HANDSHAKE_MESSAGE);
    bool known = p->transport.dtls && sotto__dtls_get_info(p->transport.dtls, &info, &remote);
    sotto__stats_ice(b, p, only_pair, pair);
    add_certificates(b, p, known ? &info : NULL, &remote, &certs);
    add_transport(b, p, known ? &info : NULL, pair, &certs);
    sotto__buf_free(&remote);
}

/* W3C makes it when a description is set; it goes when every section of it was rejected. */
static bool has_transport(const struct peer *p)
{
    bool described = p->current_local.sdp || p->pending_local.sdp || p->current_remote.sdp ||
                     p->pending_remote.sdp;
    return described && p->transport.live.ufrag[0];
}

/* ---- data channels ---- */

static void add_channel(struct stats_build *b, const struct channel *c)
{
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    char id[24];
    snprintf(id, sizeof id, "D%llu", (unsigned long long)c->number);
    sotto__stats_begin(b, "data-channel", id);
    sotto__stats_text(b, "label", c->label);
    sotto__stats_text(b, "protocol", c->protocol);
    if (c->id >= 0) sotto__stats_int(b, "dataChannelIdentifier", (uint64_t)c->id);
    sotto__stats_text(b, "state", states[c->state]);
    sotto__stats_int(b, "messagesSent", c->messages_out);
    sotto__stats_int(b, "bytesSent", c->bytes_out);
    sotto__stats_int(b, "messagesReceived", c->messages_in);
    sotto__stats_int(b, "bytesReceived", c->bytes_in);
    sotto__stats_e2ee(b, c->e2ee, SOTTO_E2EE_SEND);
    sotto__stats_e2ee(b, c->e2ee, SOTTO_E2EE_RECEIVE);
}

/* ---- codecs ---- */

#define MIME 32
static void make_mime(char mime[static MIME], sotto_kind kind, const struct codec *c)
{
    snprintf(mime, MIME, "%s/%s", kind == SOTTO_AUDIO ? "audio" : "video", c->name);
}

void sotto__stats_codec_id(char id[static STATS_CODEC_ID], sotto_kind kind, const struct codec *c)
{
    char mime[MIME];
    make_mime(mime, kind, c);
    snprintf(id, STATS_CODEC_ID, "C%u-%s-%u-%u-%s", c->pt, mime, c->clock, c->channels,
             c->fmtp ? c->fmtp : "");
}

/* One object for each payload type and its parameters, whichever sections and directions use it. */
static void add_codec(struct stats_build *b, size_t first, sotto_kind kind, const struct codec *c)
{
    char id[STATS_CODEC_ID], mime[MIME];
    const char *fmtp = c->fmtp ? c->fmtp : "";
    make_mime(mime, kind, c);
    sotto__stats_codec_id(id, kind, c);
    if (sotto__stats_has(b, first, id)) return;
    sotto__stats_begin(b, "codec", id);
    sotto__stats_int(b, "payloadType", c->pt);
    sotto__stats_text(b, "transportId", STATS_TRANSPORT);
    sotto__stats_text(b, "mimeType", mime);
    sotto__stats_int(b, "clockRate", c->clock);
    if (kind == SOTTO_AUDIO) sotto__stats_int(b, "channels", c->channels);
    if (fmtp[0]) sotto__stats_text(b, "sdpFmtpLine", fmtp);
}

static void add_codecs(struct stats_build *b, size_t first, const struct transceiver *t)
{
    if (t->stopped) return;
    for (size_t i = 0; i < t->send.n; i++) add_codec(b, first, t->kind, &t->send.items[i]);
    for (size_t i = 0; i < t->recv.n; i++) add_codec(b, first, t->kind, &t->recv.items[i]);
}

/* ---- all ---- */

static void add_all(struct stats_build *b, struct peer *p, double timestamp, sotto_us now)
{
    add_connection(b, p);
    if (has_transport(p)) add_path(b, p, false);
    add_sctp(b, p);
    for (struct channel *c = NULL; (c = sotto__peer_next_channel(p, c));) add_channel(b, c);
    sotto__stats_bytes(b, p);
    size_t first = sotto__stats_count(b);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        add_codecs(b, first, t);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        sotto__stats_media(b, p, t, timestamp, now);
}

int sotto__peer_stats(struct peer *p, sotto_us now, const struct transceiver *selector,
                      double timestamp, sotto_stats **ret)
{
    struct stats_build b;
    sotto__stats_init(&b, sotto__log_shows(p->transport.shared->log));
    if (!selector) {
        add_all(&b, p, timestamp, now);
    } else if (selector->mid[0]) { /* without a section it has no transport and no codecs */
        add_path(&b, p, true);
        add_codecs(&b, sotto__stats_count(&b), selector);
        sotto__stats_media(&b, p, selector, timestamp, now);
    }
    return sotto__stats_finish(&b, timestamp, ret);
}

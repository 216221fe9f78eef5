/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP and RTCP of one transport: keys from its DTLS association (RFC 5764 §4.2), packets sealed and opened. In: packets of media from
 * above, datagrams that the first byte calls RTP or RTCP; out: sealed packets into the egress, opened ones as they come. What comes
 * before the keys is kept, a few packets of it, for a remote may send as soon as its own handshake is done. With another association
 * come other keys, and nothing of the old ones is sent or accepted. Knows the header as far as SRTP does.
 * answers: H096
 */
#include <string.h>

#include "transport/transport_priv.h"
#include "util/mem.h"
#include "wire/demux.h"

void sotto__transport_drop_media(struct transport *t)
{
    for (size_t i = 0; i < t->n_early_media; i++) sotto__free(t->early_media[i].p);
    sotto__free(t->early_media);
    t->early_media = NULL;
    t->n_early_media = t->early_media_at = t->early_media_bytes = 0;
}

void sotto__transport_end_media(struct transport *t)
{
    sotto__transport_media_attacks(t, &t->attacks);
    sotto__srtp_free(t->srtp);
    t->srtp = NULL;
    sotto__transport_drop_media(t);
}

void sotto__transport_media_attacks(const struct transport *t, struct attacks *to)
{
    struct srtp_stats s;
    if (!t->srtp) return;
    sotto__srtp_get_stats(t->srtp, &s);
    to->n[ATTACK_SRTP_FORGED] += s.forged;
    to->n[ATTACK_SRTP_REPLAYED] += s.replayed;
    to->n[ATTACK_SRTP_REFLECTED] += s.reflected;
    to->n[ATTACK_SRTCP_PLAIN] += s.plain_rtcp;
    to->n[ATTACK_SRTP_CROWDED] += s.crowded;
}

/* The oldest go first: a key frame begins anew, what its receiver missed is of no use. */
static void keep(struct transport *t, const struct packet *pkt)
{
    if (pkt->n > SOTTO_MAX_EARLY_MEDIA_BYTES) return;
    if (!t->early_media &&
        !(t->early_media = sotto__calloc(SOTTO_MAX_EARLY_MEDIA, sizeof *t->early_media)))
        return; /* as if the network had lost it */
    while (t->n_early_media == SOTTO_MAX_EARLY_MEDIA ||
           t->early_media_bytes + pkt->n > SOTTO_MAX_EARLY_MEDIA_BYTES) {
        t->early_media_bytes -= t->early_media[0].n;
        sotto__free(t->early_media[0].p);
        memmove(t->early_media, t->early_media + 1, --t->n_early_media * sizeof *t->early_media);
    }
    uint8_t *copy = sotto__memdup(pkt->p, pkt->n);
    if (!copy) return;
    t->early_media[t->n_early_media++] = (struct transport_early){copy, pkt->n};
    t->early_media_bytes += pkt->n;
}

/* libsrtp works on words. */
static uint8_t *align(uint8_t *p, size_t n)
{
    size_t over = (uintptr_t)p & 7;
    return over == 0 ? p : memmove(p - over, p, n);
}

static bool open_packet(struct transport *t, sotto_us now, uint8_t *p, size_t n,
                        struct transport_out *out)
{
    if (sotto__srtp_profile(t->srtp) == SRTP_PROFILE_AES128_CM_SHA1_80) p = align(p, n);
    bool is_rtcp = sotto__demux(p, n) == PACKET_RTCP;
    int len = is_rtcp ? sotto__srtp_unprotect_rtcp(t->srtp, now, p, n)
                      : sotto__srtp_unprotect(t->srtp, now, p, n);
    if (len < 0) return false; /* counted */
    out->type = is_rtcp ? TRANSPORT_OUT_RTCP : TRANSPORT_OUT_RTP; /* the rest is of other types */
    out->packet = (struct packet){p, (size_t)len};
    return true;
}

bool sotto__transport_take_media(struct transport *t, sotto_us now, const struct packet *pkt,
                                 struct transport_out *out)
{
    if (t->srtp) return open_packet(t, now, (uint8_t *)(uintptr_t)pkt->p, pkt->n, out); /* ice.h allows it */
    bool is_early =
        t->dtls_state == TRANSPORT_DTLS_NEW || t->dtls_state == TRANSPORT_DTLS_CONNECTING;
    if (t->wants_media && is_early) keep(t, pkt);
    return false;
}

bool sotto__transport_early_media(struct transport *t, sotto_us now, struct transport_out *out)
{
    if (!t->srtp || !t->early_media) return false;
    while (t->early_media_at < t->n_early_media) { /* they are freed together, for out is a view of one */
        const struct transport_early *e = &t->early_media[t->early_media_at++];
        if (open_packet(t, now, e->p, e->n, out)) return true;
    }
    sotto__transport_drop_media(t);
    return false;
}

int sotto__transport_start_media(struct transport *t)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
    enum srtp_profile profile = (enum srtp_profile)sotto__dtls_srtp_profile(t->dtls);
    size_t n = sotto__srtp_key_material(profile);
    if (!t->wants_media || t->srtp) return 0;
    if (n == 0) return SOTTO_E_PROTO;
    int r = sotto__dtls_export(t->dtls, label, keys, n);
    if (r == 0)
        r = sotto__srtp_new(&t->srtp, profile, sotto__dtls_is_client(t->dtls), keys,
                            t->shared->log);
    sotto__wipe(keys, sizeof keys);
    return r;
}

int sotto__transport_begin_media(struct transport *t, sotto_us now)
{
    (void)now;
    if (t->wants_media) return 0;
    t->wants_media = true;
    int r = t->dtls_state == TRANSPORT_DTLS_CONNECTED ? sotto__transport_start_media(t) : 0;
    if (r < 0) t->wants_media = false;
    return r == SOTTO_E_PROTO ? SOTTO_E_STATE : r;
}

typedef int protect_fn(struct srtp *s, uint8_t *p, size_t n);

static int send_sealed(struct transport *t, sotto_us now, protect_fn *protect,
                       const struct packet *head, const struct packet *payload)
{
    size_t n = head->n + payload->n;
    if (head->n > SOTTO_MAX_MEDIA_PACKET || payload->n > SOTTO_MAX_MEDIA_PACKET ||
        n > SOTTO_MAX_MEDIA_PACKET)
        return SOTTO_E_TOO_BIG;
    uint8_t *to = t->srtp ? sotto__transport_reserve(t, now, n + SOTTO_SRTP_OVERHEAD) : NULL;
    if (!to) return SOTTO_E_STATE;
    if (head->n > 0) memcpy(to, head->p, head->n);
    if (payload->n > 0) memcpy(to + head->n, payload->p, payload->n);
    int len = protect(t->srtp, to, n);
    if (len < 0) return len;
    sotto__transport_commit(t, (size_t)len);
    return 0;
}

int sotto__transport_send_rtp(struct transport *t, sotto_us now, const uint8_t *head, size_t n_head,
                              const uint8_t *payload, size_t n_payload)
{
    return send_sealed(t, now, sotto__srtp_protect, &(struct packet){head, n_head},
                       &(struct packet){payload, n_payload});
}

int sotto__transport_send_rtp_again(struct transport *t, sotto_us now, const uint8_t *head,
                                    size_t n_head, const uint8_t *payload, size_t n_payload)
{
    return send_sealed(t, now, sotto__srtp_protect_again, &(struct packet){head, n_head},
                       &(struct packet){payload, n_payload});
}

int sotto__transport_send_rtcp(struct transport *t, sotto_us now, const uint8_t *p, size_t n)
{
    return send_sealed(t, now, sotto__srtp_protect_rtcp, &(struct packet){p, n},
                       &(struct packet){NULL, 0});
}

bool sotto__transport_has_media_keys(const struct transport *t)
{
    return t->srtp != NULL;
}

void sotto__transport_forget_ssrc(struct transport *t, uint32_t ssrc)
{
    if (t->srtp) sotto__srtp_forget(t->srtp, ssrc);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The security report of one connection: what DTLS and SRTP agreed on, both certificates, how well the remote is known, which addresses of
 * ours it was told, and the sums of what was refused. In: the state of the peer, which does not change, and the time; out: one block.
 * What of it is a risk, and what the libraries below are worth, is not known here.
 *
 * answers: S13 S16 S21 S24
 */
#include "peer/security.h"

#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "peer/stats.h"
#include "peer/verify.h"
#include "util/mask.h"
#include "util/mem.h"

/* ---- who ---- */

#define UNIX_EPOCH INT64_C(2208988800) /* in seconds since 1900 */

static void fill_cert(sotto_security_cert *to, const struct sdp_fingerprint *f,
                      const struct cert_about *about, int64_t unix_now)
{
    char text[224];
    sotto__fingerprint_text(f, text);
    snprintf(to->hash, sizeof to->hash, "%s", f->hash);
    snprintf(to->fingerprint, sizeof to->fingerprint, "%s", text + strlen(f->hash) + 1);
    snprintf(to->key, sizeof to->key, "%s", about->key);
    to->not_before = about->not_before;
    to->not_after = about->not_after;
    to->age_s = unix_now - about->not_before;
}

static void fill_local(const struct peer *p, int64_t unix_now, sotto_security *r)
{
    struct sdp_fingerprint own;
    struct cert_about about = {.not_before = unix_now};
    sotto__cert_fingerprint(p->transport.cert, &own);
    (void)sotto__cert_about(p->transport.cert, &about); /* without memory: no dates */
    fill_cert(&r->local, &own, &about, unix_now);
}

/* The certificate is known when it is proven. */
static void fill_dtls(const struct peer *p, int64_t unix_now, sotto_security *r)
{
    const struct dtls *d = p->transport.dtls;
    struct cert_about about = {.not_before = unix_now};
    struct dtls_info info;
    struct buf base64;
    r->dtls_version = r->dtls_cipher = r->dtls_group = r->srtp_profile = "";
    if (p->transport.srtp)
        r->srtp_profile = sotto__srtp_profile_name(sotto__srtp_profile(p->transport.srtp));
    if (!d) return;
    sotto__buf_init(&base64, 2 * SOTTO_MAX_HANDSHAKE_MESSAGE);
    bool known = sotto__dtls_get_info(d, &info, &base64);
    sotto__buf_free(&base64);
    if (!known) return;
    r->dtls_version = info.version == 0xfefd ? "DTLS 1.2" : "";
    r->dtls_cipher = info.cipher;
    r->dtls_group = info.group;
    r->dtls_ems = true; /* dtls_handshake.c refuses a peer without */
    (void)sotto__dtls_about_peer(d, &about);
    fill_cert(&r->remote, &info.certificate, &about, unix_now);
}

/* ---- addresses ---- */

#define ADDRESS_TEXT MDNS_LOCAL

struct shown {
    sotto_security_address *items;
    char *text;
    size_t n;
    uint32_t exposes;
    bool shows; /* as they are, not masked */
};

static uint32_t class_of(const struct address *a)
{
    return sotto__address_is_private(a) ? SOTTO_EXPOSED_PRIVATE : SOTTO_EXPOSED_PUBLIC;
}

/* Each address once, whatever its port; masked, as equal ones have equal masks. */
static void show(struct shown *s, const char *type, const char *address, uint32_t exposes)
{
    char mask[MASK];
    const char *text = s->shows ? address : sotto__mask_address(address, mask);
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].address, text) == 0) return;
    char *to = s->text + s->n * ADDRESS_TEXT;
    snprintf(to, ADDRESS_TEXT, "%s", text);
    s->items[s->n++] = (sotto_security_address){.address = to, .type = type, .exposes = exposes};
    s->exposes |= exposes;
}

static void show_address(struct shown *s, const char *type, const struct address *a,
                         uint32_t exposes)
{
    char ip[46];
    if (a->family == 0) return;
    bool is_void = true; /* 0.0.0.0 of a related address that is not told */
    for (size_t i = 0; i < (a->family == 4 ? 4u : 16u); i++) is_void = is_void && a->ip[i] == 0;
    if (!is_void) show(s, type, sotto__address_text(a, ip), exposes);
}

static void show_candidate(struct shown *s, const struct local_candidate *c)
{
    static const char *const types[] = {[CANDIDATE_HOST] = "host",
                                        [CANDIDATE_SRFLX] = "srflx",
                                        [CANDIDATE_PRFLX] = "prflx",
                                        [CANDIDATE_RELAY] = "relay"};
    if (!c->ufrag[0]) return; /* a free slot */
    if (c->name)
        show(s, types[c->type], c->name, SOTTO_EXPOSED_NAME);
    else
        show_address(s, types[c->type], &c->addr,
                     c->type == CANDIDATE_RELAY ? SOTTO_EXPOSED_RELAY : class_of(&c->addr));
    if (c->type != CANDIDATE_HOST) show_address(s, "raddr", &c->related, class_of(&c->related));
}

/* Nobody has told it of the path's own end, but packets come from there. */
static void show_path(struct shown *s, const struct peer *p)
{
    struct ice_pair pair;
    if (!sotto__transport_pair(&p->transport, &pair) || pair.local.type == CANDIDATE_RELAY) return;
    show_address(s, "prflx", &pair.local.addr, class_of(&pair.local.addr));
}

static void fill_addresses(const struct peer *p, size_t room, struct security_block *b)
{
    struct shown s = {.items = (sotto_security_address *)(void *)b->addresses};
    s.text = (char *)(s.items + room);
    s.shows = sotto__log_shows(p->transport.shared->log);
    for (size_t i = 0; i < p->n_candidates; i++) show_candidate(&s, &p->candidates[i]);
    show_path(&s, p);
    b->report.addresses = s.items;
    b->report.n_addresses = s.n;
    b->report.exposes = s.exposes;
}

/* ---- what was refused ---- */

static void add_media(const struct peer *p, struct attacks *a)
{
    const struct session_stats *s = p->session ? &p->session->stats : NULL;
    if (!s) return;
    a->n[ATTACK_RTP_MALFORMED] += s->malformed;
    a->n[ATTACK_RTP_UNROUTED] += s->unroutable;
    a->n[ATTACK_SRTP_REFLECTED] += s->looped;
    a->n[ATTACK_SRTP_CROWDED] += s->crowded;
}

static void add_frames(struct peer *p, struct attacks *a)
{
    struct e2ee_counts c = {0};
    sotto__peer_e2ee_counts(p, &c);
    a->n[ATTACK_FRAME_FORGED] += c.forged;
    a->n[ATTACK_FRAME_REPLAYED] += c.replayed;
    a->n[ATTACK_FRAME_UNKNOWN_KEY] += c.unknown_key;
}

static void fill_counters(struct peer *p, struct security_block *b)
{
    struct attacks a;
    sotto__transport_attacks(&p->transport, &a);
    add_media(p, &a);
    add_frames(p, &a);
#define COUNTER(NAME, what, about)                                                                 \
    b->counters[ATTACK_##NAME] =                                                                   \
        (sotto_security_counter){.name = what, .text = about, .count = a.n[ATTACK_##NAME]};
    SOTTO_ATTACKS(COUNTER)
#undef COUNTER
    b->report.counters = b->counters;
    b->report.n_counters = ATTACK_COUNT;
}

/* ---- all ---- */

static int64_t consent_age(const struct peer *p, sotto_us now)
{
    const struct transport *t = &p->transport;
    struct ice_pair pair;
    if (!t->live.ice || !t->shared->ice_ops->heard || !sotto__transport_pair(t, &pair)) return -1;
    sotto_us heard = t->shared->ice_ops->heard(t->live.ice);
    return heard > 0 && now >= heard ? now - heard : -1;
}

int sotto__peer_security(struct peer *p, sotto_us now, struct security_block **ret)
{
    static const int32_t dtls[] = {SOTTO_DTLS_NEW, SOTTO_DTLS_CONNECTING, SOTTO_DTLS_CONNECTED,
                                   SOTTO_DTLS_CLOSED, SOTTO_DTLS_FAILED};
    int64_t unix_now = (now + p->ntp_offset) / 1000000 - UNIX_EPOCH;
    size_t room = 2 * p->n_candidates + 1; /* of each candidate two addresses, and the path's */
    struct security_block *b =
        sotto__calloc(1, sizeof *b + room * (sizeof(sotto_security_address) + ADDRESS_TEXT));
    if (!b) return SOTTO_E_NOMEM;
    sotto_security *r = &b->report;
    r->size = sizeof *r;
    r->dtls_state = dtls[sotto__peer_dtls(p)];
    fill_local(p, unix_now, r);
    fill_dtls(p, unix_now, r);
    r->verification = sotto__peer_verification(p);
    r->required_verification = sotto__peer_required_verification(p);
    r->e2ee = sotto__peer_e2ee_state(p);
    r->consent_age_us = consent_age(p, now);
    r->privacy_mode = p->transport.privacy;
    r->relay_only = p->transport.relay_only;
    fill_addresses(p, room, b);
    fill_counters(p, b);
    r->risks = b->risks;
    r->libraries = b->libraries;
    *ret = b;
    return 0;
}

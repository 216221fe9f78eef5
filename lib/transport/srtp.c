/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP and SRTCP (RFC 3711): with AES-GCM (RFC 7714) by srtp_gcm.c, else by libsrtp2. In: keys of the DTLS exporter (RFC 5764 §4.2),
 * packets to seal and to open; out: the same packets, in place, or a reason. Two profiles with AES-GCM and the one that is mandatory to
 * have (RFC 8827 §6.5), no other, never without encryption or authentication, never an MKI. Lengths and headers are checked before
 * anything else. No sequence number seals two packets that differ. srtp_source.c decides which sources of a remote are kept and knows
 * what came from them; srtp_process.c knows forks.
 * answers: S07 S34 S35 H081 H090 H091 H092 H093 H094
 */
#include "transport/srtp.h"

#include <arpa/inet.h>
#include <string.h>

#include "transport/srtp_priv.h"
#include "util/bytes.h"
#include "util/cold.h"
#include "util/limits.h"
#include "util/mem.h"

enum { RTP_FIXED = 12, RTCP_FIXED = 8, RTCP_TRAILER = 4 };

struct shape { /* of a profile */
    enum srtp_profile profile;
    const char *name;
    size_t key, salt;
};

static const struct shape *shape_of(enum srtp_profile profile)
{
    static const struct shape shapes[] = {
        {SRTP_PROFILE_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM", 16, 12},
        {SRTP_PROFILE_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM", 32, 12},
        {SRTP_PROFILE_AES128_CM_SHA1_80, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (shapes[i].profile == profile) return &shapes[i];
    return NULL;
}

static bool is_gcm(const struct srtp *s)
{
    return s->profile != SRTP_PROFILE_AES128_CM_SHA1_80;
}

static size_t tag_of(const struct srtp *s)
{
    return is_gcm(s) ? 16 : 10;
}

const char *sotto__srtp_profile_name(enum srtp_profile profile)
{
    const struct shape *shape = shape_of(profile);
    return shape ? shape->name : "";
}

size_t sotto__srtp_key_material(enum srtp_profile profile)
{
    const struct shape *shape = shape_of(profile);
    return shape ? 2 * (shape->key + shape->salt) : 0;
}

/* whose: 0 the client's key and salt, 1 the server's. */
COLD static int make_session(srtp_t *ret, const struct shape *shape, const uint8_t *keys,
                             size_t whose, srtp_ssrc_type_t type)
{
    uint8_t key[SOTTO_SRTP_MAX_KEY_MATERIAL / 2];
    srtp_policy_t policy = {.ssrc.type = type,
                            .key = key,
                            .window_size = SRTP_WINDOW,
                            .allow_repeat_tx = type == ssrc_any_outbound};
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
    srtp_crypto_policy_set_rtp_default(&policy.rtcp);
    memcpy(key, keys + whose * shape->key, shape->key);
    memcpy(key + shape->key, keys + 2 * shape->key + whose * shape->salt, shape->salt);
    srtp_err_status_t r = srtp_create(ret, &policy);
    sotto__wipe(key, sizeof key);
    if (r == srtp_err_status_ok) return 0;
    *ret = NULL;
    return r == srtp_err_status_alloc_fail ? SOTTO_E_NOMEM : SOTTO_E_SYS;
}

static int make_gcm(struct srtp_gcm *ret, const struct shape *shape, const uint8_t *keys,
                    size_t whose, bool seals)
{
    const uint8_t *salts = keys + 2 * shape->key;
    return sotto__srtp_gcm_init(ret, keys + whose * shape->key, shape->key,
                                salts + whose * shape->salt, seals);
}

/* The keys of both directions. */
static int make_keys(struct srtp *s, const struct shape *shape, bool client, const uint8_t *keys)
{
    size_t ours = client ? 0 : 1, theirs = 1 - ours;
    int r;
    if (is_gcm(s)) {
        r = make_gcm(&s->seal, shape, keys, ours, true);
        return r < 0 ? r : make_gcm(&s->open, shape, keys, theirs, false);
    }
    r = make_session(&s->out, shape, keys, ours, ssrc_any_outbound);
    return r < 0 ? r : make_session(&s->in, shape, keys, theirs, ssrc_any_inbound);
}

COLD int sotto__srtp_new(struct srtp **ret, enum srtp_profile profile, bool client,
                         const uint8_t *keys, struct log *log)
{
    const struct shape *shape = shape_of(profile);
    if (!shape) return SOTTO_E_INVAL;
    int r = sotto__srtp_start();
    if (r < 0) return r;
    struct srtp *s = sotto__calloc(1, sizeof *s);
    if (!s) return SOTTO_E_NOMEM;
    s->profile = profile;
    s->log = log;
    s->process = sotto__srtp_process();
    r = make_keys(s, shape, client, keys);
    if (r < 0) {
        sotto__srtp_free(s);
        return r;
    }
    SOTTO_LOG(log, 3, "srtp", "keys are in use: %s", shape->name);
    *ret = s;
    return 0;
}

COLD void sotto__srtp_free(struct srtp *s)
{
    struct srtp_sender *sender;
    if (!s) return;
    sotto__srtp_gcm_free(&s->seal);
    sotto__srtp_gcm_free(&s->open);
    if (s->in) srtp_dealloc(s->in);
    if (s->out) srtp_dealloc(s->out);
    sotto__srtp_source_free(s);
    for (size_t at = 0; (sender = sotto__map_next(&s->senders, &at, NULL));) {
        sotto__free(sender->tags);
        sotto__free(sender);
    }
    sotto__map_free(&s->senders);
    sotto__free_secret(s, sizeof *s);
}

uint64_t sotto__srtp_index(uint64_t high, uint16_t seq)
{
    uint64_t roc = high >> 16;
    unsigned last = high & 0xffff;
    if (high <= 0x8000) return seq;
    if (last < 0x8000 && seq > last + 0x8000) roc--;
    if (last >= 0x8000 && seq < last - 0x8000) roc++;
    return roc << 16 | seq;
}

/* Version, CSRCs and the header extension lie within the packet, of which `tail` bytes at the end are none of RTP's: the size of the
 * header; 0: they do not. */
static size_t rtp_head(const uint8_t *p, size_t n, size_t tail)
{
    if (n > SOTTO_MAX_DATAGRAM || n < RTP_FIXED + tail || p[0] >> 6 != 2) return 0;
    size_t header = RTP_FIXED + 4u * (p[0] & 15), end = n - tail;
    if (p[0] & 0x10) {
        if (end < header + 4) return 0;
        header += 4 + 4u * sotto__get_u16(p + header + 2);
    }
    return header <= end ? header : 0;
}

static bool rtcp_fits(const uint8_t *p, size_t n, size_t tail)
{
    return n <= SOTTO_MAX_DATAGRAM && n >= RTCP_FIXED + tail && p[0] >> 6 == 2;
}

static int sealing_error(srtp_err_status_t r)
{
    switch (r) {
    case srtp_err_status_key_expired: return SOTTO_E_CLOSED;
    case srtp_err_status_alloc_fail: return SOTTO_E_NOMEM;
    case srtp_err_status_replay_old:
    case srtp_err_status_replay_fail: return SOTTO_E_STATE;
    default: return SOTTO_E_SYS;
    }
}

static int find_sender(struct srtp *s, uint32_t ssrc, struct srtp_sender **ret)
{
    struct srtp_sender *sender = sotto__map_get(&s->senders, ssrc);
    *ret = sender;
    if (sender) return 0;
    if (s->senders.n >= SOTTO_MAX_SSRCS) return SOTTO_E_LIMIT;
    if (!(sender = sotto__calloc(1, sizeof *sender))) return SOTTO_E_NOMEM;
    sender->ssrc = ssrc;
    if (sotto__map_put(&s->senders, ssrc, sender) < 0) {
        sotto__free(sender);
        return SOTTO_E_NOMEM;
    }
    *ret = sender;
    return 0;
}

/* Whether this packet may be sealed: its index in *ret. */
static int may_seal(struct srtp *s, struct srtp_sender *sender, uint16_t seq, bool again,
                    uint64_t *ret)
{
    bool begun = sender->tags != NULL;
    uint64_t index = sotto__srtp_index(begun ? sender->high : 0, seq);
    if (index >= SRTP_LIFE || s->n_rtp >= SRTP_LIFE) return SOTTO_E_CLOSED;
    if (again && !begun) return SOTTO_E_STATE;
    if (!begun && !(sender->tags = sotto__calloc(SRTP_SENT_WINDOW, sizeof *sender->tags)))
        return SOTTO_E_NOMEM;
    bool is_new = !begun || index > sender->high;
    bool is_old = !is_new && sender->high - index >= SRTP_SENT_WINDOW;
    bool was_sent = !is_new && !is_old && sender->tags[index % SRTP_SENT_WINDOW] != 0;
    if (is_old || was_sent != again) return SOTTO_E_STATE;
    if (!begun) sender->high = index;
    *ret = index;
    return 0;
}

/* The tag stands for all of the packet: under one key and number, equal tags are equal packets. False: another one was sent. */
static bool remember(struct srtp_sender *sender, uint64_t index, const uint8_t *tag, bool again)
{
    uint64_t short_tag;
    memcpy(&short_tag, tag, sizeof short_tag);
    if (short_tag == 0) short_tag = 1;
    if (again) return sender->tags[index % SRTP_SENT_WINDOW] == short_tag;
    for (unsigned i = 0; i < SRTP_SENT_WINDOW && sender->high < index; i++)
        sender->tags[++sender->high % SRTP_SENT_WINDOW] = 0; /* gaps */
    if (sender->high < index) sender->high = index;
    sender->tags[index % SRTP_SENT_WINDOW] = short_tag;
    return true;
}

static int seal(struct srtp *s, uint32_t ssrc, uint64_t index, uint8_t *p, size_t head, size_t n)
{
    int len = (int)n;
    if (is_gcm(s)) return sotto__srtp_gcm_seal(&s->seal, ssrc, index, p, head, n);
    srtp_err_status_t status = srtp_protect(s->out, p, &len);
    return status == srtp_err_status_ok ? len : sealing_error(status);
}

static int protect(struct srtp *s, uint8_t *p, size_t n, bool again)
{
    struct srtp_sender *sender;
    uint64_t index = 0;
    size_t head = rtp_head(p, n, 0);
    if (s->process != sotto__srtp_process()) return SOTTO_E_FORKED;
    if (head == 0) return SOTTO_E_INVAL;
    int r = find_sender(s, sotto__get_u32(p + 8), &sender);
    if (r == 0) r = may_seal(s, sender, sotto__get_u16(p + 2), again, &index);
    if (r < 0) return r;
    int len = seal(s, sender->ssrc, index, p, head, n);
    if (len < 0) return len;
    s->n_rtp++;
    if (remember(sender, index, p + (size_t)len - tag_of(s), again)) return len;
    sotto__wipe(p, (size_t)len); /* it must not leave this function */
    return SOTTO_E_STATE;
}

int sotto__srtp_protect(struct srtp *s, uint8_t *p, size_t n)
{
    return protect(s, p, n, false);
}

int sotto__srtp_protect_again(struct srtp *s, uint8_t *p, size_t n)
{
    return protect(s, p, n, true);
}

static int seal_rtcp(struct srtp *s, struct srtp_sender *sender, uint8_t *p, size_t n)
{
    int len = (int)n;
    if (is_gcm(s)) return sotto__srtp_gcm_seal_rtcp(&s->seal, sender->ssrc, ++sender->rtcp, p, n);
    srtp_err_status_t status = srtp_protect_rtcp(s->out, p, &len);
    return status == srtp_err_status_ok ? len : sealing_error(status);
}

int sotto__srtp_protect_rtcp(struct srtp *s, uint8_t *p, size_t n)
{
    struct srtp_sender *sender;
    if (s->process != sotto__srtp_process()) return SOTTO_E_FORKED;
    if (!rtcp_fits(p, n, 0)) return SOTTO_E_INVAL;
    if (s->n_rtcp >= SRTCP_LIFE - 1) return SOTTO_E_CLOSED; /* indexes begin at 1 */
    int r = find_sender(s, sotto__get_u32(p + 4), &sender);
    if (r < 0) return r;
    r = seal_rtcp(s, sender, p, n);
    if (r > 0) s->n_rtcp++;
    return r;
}

static int drop(uint64_t *counter)
{
    ++*counter;
    return SOTTO_E_PROTO;
}

/* RFC 3711 §9.1: what we sealed is no packet of the remote's, whose key is another, so it is not authentic. One that is authentic under
 * an SSRC of ours is the remote's, by a collision of SSRCs, and goes up. */
COLD static int drop_forgery(struct srtp *s, uint32_t ssrc)
{
    if (!sotto__map_get(&s->senders, ssrc)) return drop(&s->stats.forged);
    if (s->stats.reflected == 0) SOTTO_LOG(s->log, 2, "srtp", "a packet of our own came in");
    return drop(&s->stats.reflected);
}

static int drop_for(struct srtp *s, srtp_err_status_t why, uint32_t ssrc)
{
    bool seen = why == srtp_err_status_replay_fail || why == srtp_err_status_replay_old ||
                why == srtp_err_status_pkt_idx_old;
    return seen ? drop(&s->stats.replayed) : drop_forgery(s, ssrc);
}

/* Whether it was seen before is looked at first, as in libsrtp: what is repeated costs nobody a decryption. */
static int open_gcm(struct srtp *s, uint32_t ssrc, uint16_t seq, uint8_t *p, size_t head, size_t n)
{
    const struct srtp_source *src = sotto__map_get(&s->sources, ssrc);
    uint64_t index = sotto__srtp_index(src && src->has_rtp ? src->high : 0, seq);
    if (sotto__srtp_source_has_rtp(src, index)) return drop(&s->stats.replayed);
    int len = sotto__srtp_gcm_open(&s->open, ssrc, index, p, head, n);
    return len < 0 ? drop_forgery(s, ssrc) : len;
}

static int open_gcm_rtcp(struct srtp *s, uint32_t ssrc, uint32_t index, uint8_t *p, size_t n)
{
    if (sotto__srtp_source_has_rtcp(sotto__map_get(&s->sources, ssrc), index))
        return drop(&s->stats.replayed);
    int len = sotto__srtp_gcm_open_rtcp(&s->open, ssrc, index, p, n);
    return len < 0 ? drop_forgery(s, ssrc) : len;
}

int sotto__srtp_unprotect(struct srtp *s, sotto_us now, uint8_t *p, size_t n)
{
    int len = (int)n;
    size_t head = rtp_head(p, n, tag_of(s));
    if (head == 0) return drop(&s->stats.forged);
    uint32_t ssrc = sotto__get_u32(p + 8);
    uint16_t seq = sotto__get_u16(p + 2);
    if (is_gcm(s)) {
        len = open_gcm(s, ssrc, seq, p, head, n);
        if (len < 0) return len;
    } else {
        srtp_err_status_t status = srtp_unprotect(s->in, p, &len);
        if (status != srtp_err_status_ok) return drop_for(s, status, ssrc);
    }
    int r = sotto__srtp_source_rtp(s, now, ssrc, seq);
    return r < 0 ? r : len;
}

int sotto__srtp_unprotect_rtcp(struct srtp *s, sotto_us now, uint8_t *p, size_t n)
{
    int len = (int)n;
    size_t tag = tag_of(s), after = tag == 16 ? 0 : tag; /* AES-GCM has its tag before the trailer: RFC 7714 §9.2 */
    if (!rtcp_fits(p, n, RTCP_TRAILER + tag)) return drop(&s->stats.forged);
    uint32_t ssrc = sotto__get_u32(p + 4);
    uint32_t trailer = sotto__get_u32(p + n - after - RTCP_TRAILER);
    if (!(trailer >> 31)) return drop(&s->stats.plain_rtcp);
    uint32_t index = trailer & 0x7fffffff;
    if (is_gcm(s)) {
        len = open_gcm_rtcp(s, ssrc, index, p, n);
        if (len < 0) return len;
    } else {
        srtp_err_status_t status = srtp_unprotect_rtcp(s->in, p, &len);
        if (status != srtp_err_status_ok) return drop_for(s, status, ssrc);
    }
    int r = sotto__srtp_source_rtcp(s, now, ssrc, index);
    return r < 0 ? r : len;
}

void sotto__srtp_get_stats(const struct srtp *s, struct srtp_stats *ret)
{
    *ret = s->stats;
}

enum srtp_profile sotto__srtp_profile(const struct srtp *s)
{
    return s->profile;
}

COLD size_t sotto__srtp_bytes(const struct srtp *s)
{
    const struct srtp_source *source;
    const struct srtp_sender *sender;
    size_t n = sotto__mem_size(s) + sotto__mem_size(s->sources.slots) +
               sotto__mem_size(s->senders.slots) + sotto__mem_size(s->gone);
    for (size_t at = 0; (source = sotto__map_next(&s->sources, &at, NULL));)
        n += sotto__mem_size(source);
    for (size_t at = 0; (sender = sotto__map_next(&s->senders, &at, NULL));)
        n += sotto__mem_size(sender) + sotto__mem_size(sender->tags);
    return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call of the scenarios of media: makes frames, sends them when they are due, checks what comes, and listens at the loudspeaker. Talks
 * to the library through its public headers only.
 */
#include "media.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sotto/audio.h"
#include "util/bytes.h"

enum { SPEAKER_MS = 10, TONE_HZ = 400, TONE_LEVEL = 8000, MAX_VIDEO = 1 << 20 };

static const uint32_t ticks[MEDIA_KINDS] = {960, 3000}; /* of a frame: 20 ms at 48 kHz, 1/30 s at 90 kHz */
static const sotto_kind kinds[MEDIA_KINDS] = {SOTTO_AUDIO, SOTTO_VIDEO};
static const char *const mimes[MEDIA_KINDS] = {"audio/opus", "video/VP8"};

static sotto_us capture_of(const struct media *m, enum media_kind kind, int64_t number)
{
    return m->begin + (kind == MEDIA_AUDIO ? number * 20000 : number * 100000 / 3);
}

/* ---- what frames hold ---- */

static size_t make_audio(const struct media *m, int side, int64_t number, uint8_t *out)
{
    uint64_t rng = (uint64_t)number * 2 + (uint64_t)side;
    if (m->tone) {
        const struct media_packet *k = &m->tone[number % MEDIA_TONE_FRAMES];
        memcpy(out, k->p, k->n);
        return k->n;
    }
    out[0] = 0xf8; /* one frame of 20 ms: RFC 6716 §3.1 */
    size_t n = 60 + net_random(&rng) % 60;
    for (size_t i = 1; i < n; i++) out[i] = (uint8_t)net_random(&rng);
    return n;
}

static size_t make_video(const struct media *m, int side, int64_t number, bool is_key, uint8_t *out)
{
    static const uint8_t key_head[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
    uint64_t rng = ~((uint64_t)number * 4 + (uint64_t)side * 2 + is_key);
    size_t about = is_key ? m->opt.key_bytes : m->opt.video_bytes;
    size_t n = about / 2 + net_random(&rng) % about + 16;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t v = net_random(&rng);
        memcpy(out + i, &v, 8); /* there is room for a few bytes more */
    }
    out[0] |= 1; /* an inter frame: RFC 6386 §9.1 */
    if (is_key) memcpy(out, key_head, sizeof key_head);
    return n;
}

static void make_tone(struct media *m)
{
    sotto_opus_config cfg = {.size = sizeof cfg, .bps = 32000, .application = SOTTO_OPUS_VOIP};
    sotto_opus_encoder *e;
    CHECK(sotto_opus_encoder_new(&cfg, &e) == 0);
    CHECK(sotto_opus_encoder_set_loss(e, 0.1) == 0);
    m->tone = calloc(MEDIA_TONE_FRAMES, sizeof *m->tone);
    CHECK(m->tone);
    for (int k = 0; k < 3 * MEDIA_TONE_FRAMES; k++) { /* kept: the last round, when it has settled */
        int16_t pcm[960];
        for (int i = 0; i < 960; i++)
            pcm[i] = (int16_t)(TONE_LEVEL * sin(6.283185307 * TONE_HZ * (k * 960 + i) / 48000));
        struct media_packet *t = &m->tone[k % MEDIA_TONE_FRAMES];
        int n = sotto_opus_encode(e, pcm, 960, t->p, sizeof t->p);
        CHECK(n > 0);
        t->n = (size_t)n;
    }
    sotto_opus_encoder_free(e);
}

/* ---- receiving ---- */

static void take_frame(struct media *m, struct side *s, const sotto_event *e)
{
    const sotto_frame *f = e->u.frame.frame;
    enum media_kind kind =
        sotto_transceiver_kind(e->u.frame.transceiver) == SOTTO_AUDIO ? MEDIA_AUDIO : MEDIA_VIDEO;
    struct media_in *in = &m->side[s->index].in[kind];
    const uint8_t *data = f->data;
    sotto_us now = m->pair->net->now;
    /* the number, unwrapped near the last one: RTP times wrap every 13 or 24 hours */
    int32_t step = (int32_t)(f->rtp_time - m->opt.rtp_time[kind] -
                             (uint32_t)(in->last < 0 ? 0 : in->last) * ticks[kind]);
    CHECK(step % (int32_t)ticks[kind] == 0);
    int64_t number = (in->last < 0 ? 0 : in->last) + step / (int32_t)ticks[kind];
    CHECK(number > in->last);
    CHECK(f->time_kind == SOTTO_TIME_RTP && strcmp(f->mime, mimes[kind]) == 0);
    if (kind == MEDIA_VIDEO) CHECK(f->is_key == !(data[0] & 1));
    size_t n = kind == MEDIA_AUDIO ? make_audio(m, 1 - s->index, number, m->expected)
                                   : make_video(m, 1 - s->index, number, f->is_key, m->expected);
    CHECK(f->len == n && memcmp(data, m->expected, n) == 0);
    if (kind == MEDIA_VIDEO) CHECK(number == in->last + 1 || f->is_key);
    uint64_t missing = (uint64_t)(number - in->last - 1);
    in->missing += missing;
    if (missing > in->most) in->most = missing;
    in->dropped += f->dropped;
    in->frames++;
    in->keys += f->is_key;
    in->bytes += n;
    in->last = number;
    if (in->last_at > 0 && now - in->last_at > in->longest) in->longest = now - in->last_at;
    in->last_at = now;
    sotto_us true_capture = capture_of(m, kind, number);
    if (now - true_capture > in->latest) in->latest = now - true_capture;
    if (f->capture_us != 0) {
        in->captures++;
        in->capture_error = f->capture_us - true_capture;
    }
    struct media_speaker *k = &m->side[s->index].speaker;
    if (kind == MEDIA_AUDIO && k->playout) CHECK(sotto_playout_put(k->playout, f) == 0);
}

static void take(struct side *s, const sotto_event *e, void *user)
{
    struct media *m = user;
    if (e->type == SOTTO_EV_FRAME) take_frame(m, s, e);
    if (e->type == SOTTO_EV_KEYFRAME_NEEDED) {
        struct media_out *out = &m->side[s->index].out[MEDIA_VIDEO];
        out->asked++;
        out->wants_key = true;
    }
}

/* The device takes 10 ms. What is far below the tone is silence: concealment did not cover it. */
static void listen(struct media_speaker *k)
{
    int16_t pcm[SPEAKER_MS * 48];
    double sum = 0;
    CHECK(sotto_playout_pull(k->playout, pcm, SPEAKER_MS * 48) == SPEAKER_MS * 48);
    for (size_t i = 0; i < SPEAKER_MS * 48; i++) sum += (double)pcm[i] * pcm[i];
    bool is_quiet = sqrt(sum / (SPEAKER_MS * 48)) < TONE_LEVEL / 100.0; /* concealment fades to 1/10 */
    k->quiet = is_quiet ? k->quiet + SOTTO_MS(SPEAKER_MS) : 0;
    if (k->quiet > k->longest_quiet) k->longest_quiet = k->quiet;
    k->pulls++;
    k->next_at += SOTTO_MS(SPEAKER_MS);
}

/* ---- sending ---- */

static void send_one(struct media *m, int side, enum media_kind kind)
{
    struct media_out *out = &m->side[side].out[kind];
    int64_t number = out->next++;
    sotto_us every = m->opt.key_every;
    if (kind == MEDIA_VIDEO && (number == 0 || (every > 0 && number % (every * 30 / 1000000) == 0)))
        out->wants_key = true;
    bool is_key = kind == MEDIA_VIDEO && out->wants_key;
    size_t n = kind == MEDIA_AUDIO ? make_audio(m, side, number, m->sent)
                                   : make_video(m, side, number, is_key, m->sent);
    sotto_frame f = {.size = sizeof f,
                     .data = m->sent,
                     .len = n,
                     .time_kind = SOTTO_TIME_RTP,
                     .capture_us = capture_of(m, kind, number),
                     .rtp_time = m->opt.rtp_time[kind] + (uint32_t)number * ticks[kind],
                     .is_key = is_key,
                     .payload_kind = 1,
                     .payload_type = m->side[side].pt[kind]};
    int r = sotto_transceiver_send_frame(m->side[side].t[kind], &f);
    CHECK(r == 0 || r == SOTTO_E_AGAIN || (r == SOTTO_E_STATE && m->opt.required));
    if (r == 0) {
        out->frames++;
        out->keys += is_key;
        out->wants_key = false;
    } else {
        out->refused++;
        out->wants_key = true;
    }
}

/* Sends and plays what is due; when the next is. */
static sotto_us run_due(struct media *m)
{
    sotto_us due = SOTTO_NEVER;
    for (int side = 0; side < 2; side++) {
        for (enum media_kind kind = 0; kind < MEDIA_KINDS; kind++) {
            if (m->stopped || m->opt.off[side][kind]) continue;
            struct media_out *out = &m->side[side].out[kind];
            while (capture_of(m, kind, out->next) <= m->pair->net->now) send_one(m, side, kind);
            due = sotto__earlier(due, capture_of(m, kind, out->next));
        }
        struct media_speaker *k = &m->side[side].speaker;
        if (!k->playout || m->side[side].in[MEDIA_AUDIO].last < 0) continue;
        if (k->next_at == 0) k->next_at = m->pair->net->now;
        while (k->next_at <= m->pair->net->now) listen(k);
        due = sotto__earlier(due, k->next_at);
    }
    return due;
}

void media_run(struct media *m, sotto_us span)
{
    sotto_us end = m->pair->net->now + span;
    while (m->pair->net->now < end) {
        sotto_us due = sotto__earlier(run_due(m), end);
        if (due > m->pair->net->now) pair_run(m->pair, due - m->pair->net->now);
    }
    run_due(m);
}

void media_drain(struct media *m, sotto_us span)
{
    m->stopped = true;
    media_run(m, span);
}

void media_resume(struct media *m)
{
    sotto_us past = m->pair->net->now - m->begin;
    for (int side = 0; side < 2; side++) {
        m->side[side].out[MEDIA_AUDIO].next = past / 20000 + 1;
        m->side[side].out[MEDIA_VIDEO].next = past * 3 / 100000 + 1;
        m->side[side].out[MEDIA_VIDEO].wants_key = true;
    }
    m->stopped = false;
}

void media_measure(struct media *m)
{
    for (int side = 0; side < 2; side++) {
        struct media_side *s = &m->side[side];
        for (enum media_kind kind = 0; kind < MEDIA_KINDS; kind++) {
            s->in[kind] = (struct media_in){.last = s->in[kind].last};
            s->out[kind] =
                (struct media_out){.next = s->out[kind].next, .wants_key = s->out[kind].wants_key};
        }
        s->speaker.quiet = s->speaker.longest_quiet = 0;
        s->speaker.pulls = 0;
    }
}

/* ---- making and ending ---- */

static int32_t payload_type(sotto_transceiver *t, const char *mime)
{
    sotto_codecs *all;
    int32_t pt = -1;
    CHECK(sotto_transceiver_codec(t, &all) == 0);
    for (size_t i = all->n; i-- > 0;)
        if (strcmp(all->items[i].mime, mime) == 0) pt = all->items[i].payload_type;
    sotto_free(all);
    return pt;
}

/* VP8 without RTX: a retransmission is then the original packet again. */
static void prefer_no_rtx(sotto_transceiver *t)
{
    sotto_codecs *all;
    CHECK(sotto_capabilities(SOTTO_VIDEO, &all) == 0);
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->items[i].mime, "video/VP8") != 0) continue;
        CHECK(sotto_transceiver_set_codec_preferences(t, &all->items[i], 1) == 0);
        break;
    }
    sotto_free(all);
}

static void add_tracks(struct media *m, int side)
{
    static const char *const stream[] = {"call"};
    struct media_side *s = &m->side[side];
    for (enum media_kind kind = 0; kind < MEDIA_KINDS; kind++) {
        CHECK(sotto_pc_add_track(m->pair->side[side].pc, kinds[kind], stream, 1, &s->t[kind]) == 0);
        s->in[kind].last = -1;
    }
    if (m->opt.no_rtx) prefer_no_rtx(s->t[MEDIA_VIDEO]);
    if (!m->opt.plays) return;
    CHECK(sotto_transceiver_set_receive_mode(s->t[MEDIA_AUDIO], SOTTO_RECEIVE_ORDERED) == 0);
    sotto_playout_config cfg = {.size = sizeof cfg};
    CHECK(sotto_playout_new(&cfg, &s->speaker.playout) == 0);
}

struct media *media_new(uint64_t seed, const struct media_opt *opt)
{
    struct media *m = calloc(1, sizeof *m);
    CHECK(m);
    if (opt) m->opt = *opt;
    if (m->opt.video_bytes == 0) m->opt.video_bytes = 5000;
    if (m->opt.key_bytes == 0) m->opt.key_bytes = 25000;
    m->sent = malloc(MAX_VIDEO), m->expected = malloc(MAX_VIDEO);
    CHECK(m->sent && m->expected);
    CHECK(2 * m->opt.video_bytes < MAX_VIDEO && 2 * m->opt.key_bytes < MAX_VIDEO);
    struct pair_opt pair = {.take = take, .user = m, .signal_us = m->opt.signal_us};
    pair.pc[0].required_verification = m->opt.required;
    m->pair = pair_new(seed, &pair);
    if (m->opt.plays) make_tone(m);
    add_tracks(m, 0);
    add_tracks(m, 1);
    CHECK(pair_offer(m->pair, 0) == 0);
    CHECK(pair_until(m->pair, SOTTO_SECONDS(60), pair_is_connected, NULL));
    for (int side = 0; side < 2; side++)
        for (enum media_kind kind = 0; kind < MEDIA_KINDS; kind++) {
            m->side[side].pt[kind] = payload_type(m->side[side].t[kind], mimes[kind]);
            CHECK(m->side[side].pt[kind] >= 0);
            if (m->opt.no_rtx && kind == MEDIA_VIDEO)
                CHECK(payload_type(m->side[side].t[kind], "video/rtx") < 0);
        }
    m->begin = m->pair->net->now;
    return m;
}

void media_free(struct media *m)
{
    if (!m) return;
    for (int side = 0; side < 2; side++) sotto_playout_free(m->side[side].speaker.playout);
    pair_free(m->pair);
    free(m->tone);
    free(m->sent), free(m->expected);
    free(m);
}

/* ---- bursts of loss ---- */

static enum net_verdict lose_bursts(struct net *net, struct net_datagram *d, void *user)
{
    struct media_bursts *b = user;
    (void)net;
    if (d->n < 12 || d->p[0] < 128 || d->p[0] > 191) return NET_PASS; /* RFC 7983 §7 */
    size_t *left = &b->left[d->from.ip[3] < d->to.ip[3]];
    if (*left == 0 && net_chance(&b->rng, b->chance)) *left = b->n, b->begun++;
    if (*left == 0) return NET_PASS;
    --*left;
    b->lost++;
    return NET_DROP;
}

void media_set_bursts(struct media *m, struct media_bursts *b, uint64_t seed, size_t n,
                      double chance)
{
    *b = (struct media_bursts){.n = n, .chance = chance, .rng = seed};
    m->pair->net->tap = chance > 0 ? lose_bursts : NULL;
    m->pair->net->tap_user = b;
}

/* ---- sequence numbers ---- */

#define NEAR_LOSS 0.15 /* so that some are lost there, whatever the first sequence number */

static enum net_verdict watch(struct net *net, struct net_datagram *d, void *user)
{
    struct media_wraps *w = user;
    (void)net;
    enum net_verdict verdict = net_chance(&w->rng, w->loss) ? NET_DROP : NET_PASS;
    if (d->n < 500 || d->p[0] < 128 || d->p[0] > 191 || d->from.ip[3] != 1) return verdict;
    uint32_t ssrc = sotto__get_u32(d->p + 8);
    uint16_t seq = sotto__get_u16(d->p + 2);
    if (w->ssrc == 0) w->ssrc = ssrc, w->highest = seq;
    if (ssrc != w->ssrc) return verdict;
    bool is_near = (uint16_t)(seq + 50) < 100;
    if (is_near && net_chance(&w->rng, w->loss > 0 ? NEAR_LOSS : 0)) verdict = NET_DROP;
    if ((uint16_t)(seq - w->highest) < 0x8000) {
        w->wraps += seq < w->highest;
        w->highest = seq;
    } else if (is_near) {
        w->old_near++;
    }
    w->lost_near += verdict == NET_DROP && is_near;
    return verdict;
}

void media_watch_wraps(struct media *m, struct media_wraps *w, uint64_t seed, double loss)
{
    *w = (struct media_wraps){.rng = seed, .loss = loss};
    m->pair->net->tap = watch;
    m->pair->net->tap_user = w;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RTP session of one connection: media sections and the streams in both directions that belong to them. In: what was negotiated,
 * time; out: what is due, in an order that keeps feedback prompt: RTCP first, then packets of media, then news for the application.
 * Which section a packet belongs to is session_route.c's, RTCP session_rtcp.c's, sending session_send.c's matter.
 */
#include "media/session.h"

#include <string.h>

#include "util/mem.h"
#include "util/rand.h"

int sotto__session_init(struct session *s, const char *cname, sotto_us ntp_offset, sotto_us now)
{
    uint64_t seed;
    memset(s, 0, sizeof *s);
    sotto__list_init(&s->lines);
    sotto__list_init(&s->sources);
    sotto__list_init(&s->ready);
    sotto__pacer_init(&s->pacer);
    s->cname = cname;
    s->ntp_offset = ntp_offset;
    s->check_at = s->arrivals.next = SOTTO_NEVER;
    if (sotto__rand_u64(&seed) < 0) return SOTTO_E_SYS;
    s->ssrc = (uint32_t)(seed >> 32) | 1;
    sotto__rtcp_timer_init(&s->timer, now, (uint32_t)seed);
    return 0;
}

void sotto__session_free(struct session *s)
{
    if (!s->lines.next) return;
    while (!sotto__list_empty(&s->sources))
        sotto__session_drop_source(s, CONTAINER_OF(s->sources.next, struct source, all));
    sotto__map_free(&s->by_ssrc);
    sotto__arrivals_free(&s->arrivals);
    sotto__departures_free(&s->departures);
    memset(s, 0, sizeof *s);
}

/* ---- sections ---- */

static uint64_t hash_rid(const char *rid)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: told apart among at most 8, each matched once */
    for (; rid && *rid; rid++) h = (h ^ (uint8_t)*rid) * 0x100000001b3u;
    return h;
}

void sotto__session_end_outgoing(struct session *s, struct outgoing *o)
{
    sotto__sender_free(o->sender, &s->pacer);
    o->sender = NULL;
}

/* The streams of encodings that stay move over; those of others end. */
static void move_outgoing(struct session *s, struct line *line, const struct line *cfg)
{
    struct outgoing old[SOTTO_MAX_RIDS];
    size_t n_old = line->n_outgoing;
    bool resumes = cfg->sends && !line->sends;
    memcpy(old, line->outgoing, sizeof old);
    memset(line->outgoing, 0, sizeof line->outgoing);
    line->n_outgoing = cfg->n_outgoing;
    for (size_t i = 0; i < cfg->n_outgoing; i++) {
        const struct outgoing *from = &cfg->outgoing[i];
        struct outgoing *o = &line->outgoing[i];
        uint64_t hash = hash_rid(from->rid);
        size_t k = 0;
        while (k < n_old && old[k].rid_hash != hash) k++;
        if (k < n_old) {
            *o = old[k];
            old[k] = old[--n_old];
        }
        if (o->sender && (resumes || (o->inactive && !from->inactive))) {
            o->sender->needs_key = o->sender->is_video; /* frames are missing in between */
            sotto__session_key_wanted(s, o);
        }
        o->rid = from->rid;
        o->rid_hash = hash;
        o->inactive = from->inactive;
        o->max_bps = from->max_bps;
        if (o->sender) continue;
        o->ssrc = line->ssrc_used ? 0 : from->ssrc; /* a second sender would use numbers again */
        o->rtx_ssrc = line->ssrc_used ? 0 : from->rtx_ssrc;
    }
    for (size_t i = 0; i < n_old; i++) sotto__session_end_outgoing(s, &old[i]);
}

static void set_linked(struct session *s, struct line *line, bool wanted)
{
    if (!wanted)
        sotto__list_remove(&line->all);
    else if (!sotto__list_linked(&line->all))
        sotto__list_push(&s->lines, &line->all);
}

static void configure_receivers(struct session *s, sotto_us now, struct line *line)
{
    for (struct node *n = s->sources.next; n != &s->sources; n = n->next) {
        struct source *src = CONTAINER_OF(n, struct source, all);
        if (src->line != line || !src->receiver) continue;
        struct receiver_cfg cfg = sotto__line_receiver_cfg(line);
        sotto__receiver_configure(src->receiver, now, &cfg);
        sotto__session_source_ready(s, src);
    }
    s->check_at = now;
}

void sotto__session_configure(struct session *s, sotto_us now, struct line *line,
                              const struct line *cfg)
{
    bool received = line->receives;
    move_outgoing(s, line, cfg);
    line->kind = cfg->kind;
    memcpy(line->mid, cfg->mid, sizeof line->mid);
    line->sends = cfg->sends;
    line->receives = cfg->receives;
    line->rsize = cfg->rsize;
    line->send = cfg->send;
    line->recv = cfg->recv;
    line->ids = cfg->ids;
    line->max_bps = cfg->max_bps;
    memcpy(line->remotes, cfg->remotes, sizeof line->remotes);
    line->n_remotes = cfg->n_remotes;
    if (!line->receives) sotto__session_drop_sources(s, line);
    if (!line->sends) { /* W3C: what was to be played is not played later */
        sotto__dtmf_free(line->dtmf);
        line->dtmf = NULL;
    }
    if (received && !line->receives && line->unmuted) {
        line->unmuted = false;
        line->tell_mute = s->news = true;
    }
    set_linked(s, line, line->sends || line->receives || line->tell_mute);
    for (size_t i = 0; i < line->n_outgoing; i++)
        sotto__session_limits(s, now, line, &line->outgoing[i]);
    configure_receivers(s, now, line);
}

void sotto__session_remove(struct session *s, struct line *line)
{
    for (size_t i = 0; i < line->n_outgoing; i++)
        sotto__session_end_outgoing(s, &line->outgoing[i]);
    sotto__session_drop_sources(s, line);
    sotto__dtmf_free(line->dtmf);
    sotto__e2ee_free(line->e2ee);
    sotto__list_remove(&line->all);
    memset(line, 0, sizeof *line);
}

void sotto__session_set_mode(struct session *s, sotto_us now, struct line *line, int32_t mode,
                             sotto_us target)
{
    line->mode = mode;
    line->target = target;
    configure_receivers(s, now, line);
}

void sotto__session_e2ee_changed(struct session *s, sotto_us now, struct line *line)
{
    configure_receivers(s, now, line);
}

const struct codec *sotto__line_codec(const struct codec_list *l, uint8_t pt)
{
    for (size_t i = 0; l && i < l->n; i++)
        if (l->items[i].pt == pt) return &l->items[i];
    return NULL;
}

/* ---- sources ---- */

struct source *sotto__session_source(const struct session *s, uint32_t ssrc)
{
    return sotto__map_get(&s->by_ssrc, ssrc);
}

void sotto__session_drop_source(struct session *s, struct source *src)
{
    for (struct node *n = s->sources.next; n != &s->sources; n = n->next) {
        struct source *other = CONTAINER_OF(n, struct source, all);
        if (other->primary == src) other->primary = NULL;
    }
    sotto__map_del(&s->by_ssrc, src->ssrc);
    sotto__list_remove(&src->all);
    sotto__list_remove(&src->ready);
    sotto__receiver_free(src->receiver);
    src->line->n_sources--;
    if (!src->signalled) s->n_unsignalled--;
    s->n_sources--;
    sotto__free(src->rid);
    sotto__free(src);
}

bool sotto__session_forget(struct session *s, struct source *src)
{
    if (s->n_forget == sizeof s->forget / sizeof *s->forget) return false;
    s->forget[s->n_forget++] = src->ssrc;
    sotto__session_drop_source(s, src);
    return true;
}

void sotto__session_drop_sources(struct session *s, struct line *line)
{
    for (struct node *n = s->sources.next, *next; n != &s->sources; n = next) {
        struct source *src = CONTAINER_OF(n, struct source, all);
        next = n->next;
        if (src->line == line) sotto__session_drop_source(s, src);
    }
}

void sotto__session_source_ready(struct session *s, struct source *src)
{
    bool ready = src->receiver && sotto__receiver_ready(src->receiver);
    if (!ready)
        sotto__list_remove(&src->ready);
    else if (!sotto__list_linked(&src->ready))
        sotto__list_push(&s->ready, &src->ready);
}

/* ---- what is due ---- */

static void receiver_says(struct session *s, struct source *src, const struct receiver_out *out)
{
    switch (out->type) {
    case RECEIVER_OUT_NACK:
        memcpy(s->nacks, out->seqs, out->n * sizeof *out->seqs);
        s->n_nacks = out->n;
        s->nack_ssrc = src->ssrc;
        break;
    case RECEIVER_OUT_KEYFRAME: {
        const struct codec_list *l = src->line->recv;
        bool fir = l->n > 0 && !(l->items[0].feedback & FEEDBACK_PLI);
        sotto__session_want(s, src->ssrc, fir ? FEEDBACK_FIR : FEEDBACK_PLI);
        break;
    }
    case RECEIVER_OUT_DROPPED:
        src->line->dropped += out->count;
        s->news = true;
        break;
    }
}

/* Runs the receivers whose time has come, until one has a NACK to send. */
static void check_receivers(struct session *s, sotto_us now)
{
    struct receiver_out out;
    sotto_us due = SOTTO_NEVER;
    for (struct node *n = s->sources.next; n != &s->sources; n = n->next) {
        struct source *src = CONTAINER_OF(n, struct source, all);
        if (!src->receiver) continue;
        sotto__receiver_run(src->receiver, now);
        while (s->n_nacks == 0 && sotto__receiver_next(src->receiver, now, &out) == 1)
            receiver_says(s, src, &out);
        due = sotto__earlier(due, s->n_nacks == 0 ? sotto__receiver_due(src->receiver)
                                                  : sotto__receiver_run_due(src->receiver));
        sotto__session_source_ready(s, src);
    }
    if (s->n_nacks > 0) due = sotto__earlier(due, s->early_at > now ? s->early_at : now);
    s->check_at = due;
}

static int say(struct session_out *out, enum session_out_type type, struct line *line,
               struct outgoing *o)
{
    *out = (struct session_out){.type = type, .line = line, .outgoing = o};
    return 1;
}

/* What the application is to be told of one encoding. Key frames: at most one request in SOTTO_KEY_REQUEST_US. */
static int outgoing_news(struct session *s, sotto_us now, struct line *line, struct outgoing *o,
                         struct session_out *out)
{
    if (o->breaker.open && now >= o->breaker.until) {
        o->breaker.open = false;
        o->key_wanted = true;
        sotto__session_limits(s, now, line, o);
    }
    if (o->breaker.open) s->check_at = sotto__earlier(s->check_at, o->breaker.until);
    if (line->kind != SOTTO_VIDEO) o->key_wanted = false;
    if (o->key_wanted && (o->key_told == 0 || now - o->key_told >= SOTTO_KEY_REQUEST_US)) {
        o->key_wanted = false;
        o->key_told = now;
        return say(out, SESSION_OUT_KEYFRAME, line, o);
    }
    if (o->bitrate_wanted) {
        o->bitrate_wanted = false;
        return say(out, SESSION_OUT_BITRATE, line, o);
    }
    if (o->breaker_wanted) {
        o->breaker_wanted = false;
        sotto__session_limits(s, now, line, o);
        return say(out, SESSION_OUT_BREAKER, line, o);
    }
    if (o->key_wanted)
        s->check_at = sotto__earlier(s->check_at, o->key_told + SOTTO_KEY_REQUEST_US);
    return 0;
}

static int line_news(struct session *s, sotto_us now, struct line *line, struct session_out *out)
{
    int32_t code;
    uint64_t count;
    for (size_t i = 0; i < line->n_outgoing; i++)
        if (outgoing_news(s, now, line, &line->outgoing[i], out)) return 1;
    if (line->tell_ssrc) {
        line->tell_ssrc = false;
        return say(out, SESSION_OUT_SSRC, line, line->outgoing);
    }
    if (line->tell_mute) {
        line->tell_mute = false;
        return say(out, line->unmuted ? SESSION_OUT_UNMUTE : SESSION_OUT_MUTE, line, NULL);
    }
    if (line->dropped > 0) {
        say(out, SESSION_OUT_DROPPED, line, NULL);
        out->count = line->dropped;
        line->dropped = 0;
        return 1;
    }
    if (line->e2ee && sotto__e2ee_tell(line->e2ee, now, &code, &count)) {
        say(out, SESSION_OUT_E2EE, line, NULL);
        out->code = code, out->count = count;
        return 1;
    }
    s->check_at = sotto__earlier(s->check_at, sotto__e2ee_due(line->e2ee));
    return 0;
}

/* Tones of one section; 1: out tells of one. */
static int run_dtmf(struct session *s, sotto_us now, struct line *line, struct session_out *out)
{
    struct dtmf_out d;
    while (line->dtmf && sotto__dtmf_next(line->dtmf, now, &d) == 1) {
        if (d.type == DTMF_OUT_TONE) {
            say(out, SESSION_OUT_TONE, line, NULL);
            out->tone = d.tone;
            s->check_at = now;
            return 1;
        }
        sotto__session_send_tone(s, now, line, &d);
    }
    if (line->dtmf) s->check_at = sotto__earlier(s->check_at, sotto__dtmf_due(line->dtmf));
    return 0;
}

static int next_news(struct session *s, sotto_us now, struct session_out *out)
{
    if (s->n_forget > 0) {
        say(out, SESSION_OUT_FORGET, NULL, NULL);
        out->ssrc = s->forget[--s->n_forget];
        return 1;
    }
    for (struct node *n = s->lines.next, *next; n != &s->lines; n = next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        next = n->next;
        if (run_dtmf(s, now, line, out) || line_news(s, now, line, out)) return 1;
        if (!line->sends && !line->receives) sotto__list_remove(&line->all); /* MUTE was told */
    }
    s->news = false;
    return 0;
}

int sotto__session_next(struct session *s, sotto_us now, struct session_out *out)
{
    if (now >= s->check_at) {
        check_receivers(s, now);
        s->news = true; /* tones and requests have their times too */
    }
    if (sotto__session_next_rtcp(s, now, out)) return 1;
    if ((s->news || s->n_forget > 0) && next_news(s, now, out)) return 1; /* it may give tones to the pacer */
    return sotto__session_next_departure(s, now, out);
}

sotto_us sotto__session_due(const struct session *s)
{
    if (s->news || s->n_forget > 0) return 0;
    sotto_us due = sotto__earlier(s->check_at, sotto__pacer_due(&s->pacer));
    return sotto__earlier(due, sotto__session_rtcp_due(s));
}

/* ---- what was received ---- */

bool sotto__session_ready(const struct session *s)
{
    return !sotto__list_empty(&s->ready);
}

/* The sender's capture time on our clock: from the packet, else from its reports (RFC 3550 §6.4.1). 0: not known yet. */
sotto_us sotto__session_capture(const struct session *s, const struct source *src,
                                const struct received *f)
{
    const struct reception *r = &src->reception;
    sotto_us offset = src->has_offset ? src->offset : s->offset;
    if (!src->has_offset && !s->has_offset) return 0;
    if (f->capture_sent) return f->capture_sent + offset;
    if (!r->has_sr || f->clock == 0) return 0;
    int64_t ticks = (int32_t)(f->time - r->sr_time);
    return sotto__ntp_us(r->sr_ntp) + ticks * 1000000 / (int64_t)f->clock + offset;
}

struct received *sotto__session_pull(struct session *s, sotto_us now, struct line **line,
                                     const char **rid, sotto_us *capture)
{
    while (!sotto__list_empty(&s->ready)) {
        struct source *src = CONTAINER_OF(s->ready.next, struct source, ready);
        struct received *f = sotto__receiver_pull(src->receiver, now);
        sotto__list_remove(&src->ready); /* to the tail, if there is more */
        sotto__session_source_ready(s, src);
        if (!f) continue;
        if (!f->was_opened && sotto__e2ee_is_required(src->line->e2ee, SOTTO_E2EE_RECEIVE)) {
            sotto__received_free(f); /* it came before its section was made end-to-end */
            continue;
        }
        *line = src->line;
        *rid = src->rid;
        *capture = sotto__session_capture(s, src, f);
        return f;
    }
    return NULL;
}

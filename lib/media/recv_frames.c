/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames out of packets that come in order (RFC 7741 §4, RFC 6184 §5, …): a frame is the packets of one RTP timestamp, from one that may
 * start it to the marker or to the next timestamp. It is handed over if it is whole and everything that it needs was handed over. What may
 * be missing in between is judged here, by picture ids and layers, as far as they are certain. Audio: each packet is a frame.
 */
#include "media/e2ee_frame.h"
#include "media/recv.h"
#include "media/recv_state.h"
#include "media/report.h"
#include "util/mem.h"

#include <string.h>

static void lose(struct receiver *r, uint64_t n)
{
    r->lost += n;
    r->stats.frames_dropped += n;
}

void sotto__recv_break(struct receiver *r, int32_t layer)
{
    r->key_needed = true;
    if (layer == 0 && r->broken > 0) r->stats.freezes++;
    if (layer < r->broken) r->broken = layer;
}

/* ---- the frame that is being built ---- */

static void free_packets(struct receiver *r, struct packet *p)
{
    while (p) {
        struct packet *after = p->after;
        sotto__recv_free_packet(r, p);
        p = after;
    }
}

/* It will never be whole: its packets need not be kept. */
static void damage(struct receiver *r)
{
    free_packets(r, r->cur.first);
    r->cur.first = r->cur.last = NULL;
    r->cur.is_damaged = true;
}

void sotto__recv_drop_building(struct receiver *r)
{
    if (r->cur.n == 0) return;
    damage(r);
    r->cur = (struct building){.n = 0};
    lose(r, 1);
}

/* ---- what was in a hole ---- */

bool sotto__recv_follows(const struct frame_mark *a, const struct packet *b, uint64_t hole,
                         int32_t *ret_distance)
{
    if (!a->known || a->picture_id < 0 || b->is_broken || b->info.picture_id < 0) return false;
    if (a->is_long != b->info.picture_id_long) return false;
    if (!a->is_long && hole >= 100) return false; /* 7 bits may have gone around */
    int32_t distance = (b->info.picture_id - a->picture_id) & (a->is_long ? 0x7fff : 0x7f);
    if (distance == 0 || (uint64_t)distance > hole + 1) return false; /* a frame is a packet at least */
    *ret_distance = distance;
    return true;
}

/* How many frames a hole held, without picture ids: as many as fit into its time. */
static uint64_t guess_lost(const struct receiver *r, const struct packet *p, uint64_t hole)
{
    int32_t past = (int32_t)(p->time - r->mark.time);
    uint64_t n = sotto__recv_certain_start(p); /* else it may all be its own beginning */
    if (r->mark.known && r->spacing > 0 && past > 0) {
        uint64_t frames = ((uint64_t)past + r->spacing / 2) / r->spacing;
        if (frames > n + 1) n = frames - 1;
    }
    return n < hole ? n : hole;
}

static void judge_hole(struct receiver *r, const struct packet *p)
{
    uint64_t hole = r->hole;
    int32_t distance;
    r->hole = 0;
    if (sotto__recv_follows(&r->mark, p, hole, &distance)) {
        if (distance == 1) return; /* at most its own beginning, or padding */
        lose(r, (uint64_t)distance - 1);
    } else {
        lose(r, guess_lost(r, p, hole));
    }
    sotto__recv_break(r, 0);
}

bool sotto__recv_certain_start(const struct packet *p)
{
    if (p->is_broken || p->is_padding || !p->info.starts) return false;
    return p->codec == CODEC_VP8 || p->info.is_first ||
           ((p->codec == CODEC_VP9 || p->codec == CODEC_AV1) && p->info.is_key);
}

/* ---- building ---- */

static void begin(struct receiver *r, const struct packet *p)
{
    bool whole = r->hole == 0;
    if (!whole)
        judge_hole(r, p);
    else if (r->mark.known && p->time - r->mark.time < p->clock)
        r->spacing = p->time - r->mark.time;
    bool proven = sotto__recv_certain_start(p) || (r->is_fresh ? p->info.is_key : whole);
    r->is_fresh = false;
    r->mark = (struct frame_mark){.known = true,
                                  .picture_id = p->is_broken ? -1 : p->info.picture_id,
                                  .is_long = p->info.picture_id_long,
                                  .time = p->time};
    r->cur = (struct building){.time = p->time,
                               .is_damaged = p->is_broken || !p->info.starts || !proven,
                               .is_disposable = true,
                               .temporal_min = RECV_NO_LAYER,
                               .first_at = p->at};
}

static void add(struct receiver *r, struct packet *p)
{
    struct building *f = &r->cur;
    f->n++;
    f->n_bytes += p->n;
    f->is_key = f->is_key || p->info.is_key;
    f->is_disposable = f->is_disposable && p->info.disposable;
    if (p->info.temporal > f->temporal_max) f->temporal_max = p->info.temporal;
    if (p->info.temporal < f->temporal_min) f->temporal_min = p->info.temporal;
    if (p->at < f->first_at) f->first_at = p->at;
    if (p->at > f->last_at) f->last_at = p->at;
    if (p->waited == 0 && p->at > f->original_at) f->original_at = p->at;
    if (p->waited > f->waited) f->waited = p->waited;
    if (f->last)
        f->last->after = p;
    else
        f->first = p;
    f->last = p;
    if (p->is_broken || f->is_damaged || f->n_bytes > SOTTO_MAX_FRAME) damage(r);
}

/* ---- a frame that is whole ---- */

/* The room that the target gives to repairs: what this one took, at most what one answer takes. */
static sotto_us repair_time(const struct receiver *r, sotto_us took)
{
    sotto_us once = r->nack.rtt + r->nack.rtt / 4 + r->nack.reordering;
    return took < once ? took : once;
}

static struct received *new_received(const struct packet *p)
{
    struct received *f = sotto__calloc(1, sizeof *f);
    if (!f) return NULL;
    f->codec = p->codec;
    f->pt = p->pt;
    f->time = p->time;
    f->clock = p->clock;
    f->duration = p->duration;
    f->at = f->first_at = p->at;
    f->has_level = p->has_level;
    f->voice = p->voice;
    f->audio_level = p->audio_level;
    f->n_dependency = p->n_dependency;
    memcpy(f->dependency, p->data + p->n, p->n_dependency);
    if (p->capture) f->capture_sent = sotto__ntp_us(p->capture);
    return f;
}

/* The orientation is told by key frames, and when it changes: 3GPP TS 26.114 §7.4.5. */
static void read_told(struct receiver *r, const struct building *b, struct received *f)
{
    int rotation = -1;
    for (const struct packet *p = b->first; p; p = p->after) {
        if (p->rotation >= 0) rotation = p->rotation;
        if (p->capture && !f->capture_sent) f->capture_sent = sotto__ntp_us(p->capture);
    }
    if (rotation < 0 && f->is_key) rotation = 0;
    if (rotation >= 0) r->rotation = (uint8_t)rotation;
    f->rotation = r->rotation;
}

/* End-to-end: what is in *sealed, layer by layer, becomes what it was sealed from. */
static int open_sealed(struct receiver *r, enum codec_id codec, struct buf *sealed,
                       struct payload_layers *layers)
{
    struct buf out;
    size_t at = 0;
    int err = 0;
    sotto__buf_init(&out, SOTTO_MAX_FRAME);
    for (size_t i = 0; i < layers->n && !err; i++) {
        size_t n = layers->sizes[i], before = out.n;
        err = sotto__e2ee_open_frame(r->cfg.e2ee, &r->order, codec,
                                     (struct sframe_bytes){sealed->p + at, n}, &out);
        layers->sizes[i] = out.n - before;
        at += n;
    }
    if (!err) err = sotto__payload_end_layers(&out, layers);
    if (err) {
        sotto__buf_free(&out);
        return err;
    }
    sotto__buf_free(sealed);
    *sealed = out;
    return 0;
}

static int join_pieces(struct receiver *r, enum codec_id codec, const struct payload_piece *pieces,
                       size_t n, struct buf *out)
{
    struct payload_layers layers;
    if (!r->cfg.e2ee) return sotto__payload_join(codec, pieces, n, out);
    int err = sotto__payload_join_sealed(codec, pieces, n, out, &layers);
    return err ? err : open_sealed(r, codec, out, &layers);
}

/* NULL: its packets do not fit together, it cannot be opened, or no memory. */
static struct received *join(struct receiver *r, const struct building *b)
{
    struct buf out;
    struct received *f = new_received(b->first);
    struct payload_piece *pieces = sotto__malloc(b->n * sizeof *pieces);
    size_t n = 0;
    sotto__buf_init(&out, SOTTO_MAX_FRAME);
    int err = f && pieces ? 0 : SOTTO_E_NOMEM;
    if (!err && !sotto__buf_reserve(&out, b->n_bytes)) err = out.err;
    for (const struct packet *p = b->first; p && !err; p = p->after)
        pieces[n++] = (struct payload_piece){p->data, p->n};
    if (!err) err = join_pieces(r, b->first->codec, pieces, n, &out);
    sotto__free(pieces);
    if (err || out.n == 0) {
        sotto__buf_free(&out);
        sotto__received_free(f);
        return NULL;
    }
    f->data = out.p; /* moved */
    f->n = out.n;
    f->was_opened = r->cfg.e2ee != NULL;
    f->is_key = b->is_key && sotto__frame_is_key(f->codec, f->data, f->n);
    f->first_at = b->first_at;
    f->at = b->last_at;
    return f;
}

static void hand_over(struct receiver *r, sotto_us now, const struct building *b,
                      struct received *f)
{
    r->stats.frames++;
    r->stats.key_frames += f->is_key;
    if (b->n > 1) {
        r->stats.frames_assembled_late++;
        r->stats.assembly_time += b->last_at - b->first_at;
    }
    sotto_us waited = repair_time(r, b->waited);
    if (b->last_at - b->original_at < waited) waited = b->last_at - b->original_at;
    sotto__jitter_frame(&r->jitter, f->at, f->time, f->clock, waited);
    sotto__recv_push(r, now, f);
}

/* Some senders mark every unit: parameter sets alone are no frame, the picture follows under the same time. */
static bool goes_on(const struct building *b, const struct received *f)
{
    return b->is_key && !f->is_key && b->n <= 8 && !f->was_opened &&
           (f->codec == CODEC_H264 || f->codec == CODEC_H265);
}

/* Its last packet was taken, as a marker or the next time tells. */
static void finish(struct receiver *r, sotto_us now, bool is_marked)
{
    struct building b = r->cur;
    struct received *f = NULL;
    r->cur = (struct building){.n = 0};
    bool decodable = b.is_key || b.temporal_max < r->broken;
    if (!b.is_damaged && decodable) f = join(r, &b);
    if (f && is_marked && r->broken == 0 && goes_on(&b, f)) {
        sotto__received_free(f);
        r->cur = b;
        return;
    }
    if (f) read_told(r, &b, f);
    free_packets(r, b.first);
    if (f && (f->is_key || b.temporal_max < r->broken)) {
        hand_over(r, now, &b, f);
        return;
    }
    lose(r, 1);
    if (f || !decodable) /* whole, but what it needs is not there */
        r->key_needed = true;
    else if (!b.is_disposable || b.is_key)
        sotto__recv_break(r, b.is_key ? 0 : b.temporal_min);
    sotto__received_free(f);
}

/* ---- audio ---- */

/* Its bytes, opened if they are sealed. false: it is lost. */
static bool fill_audio(struct receiver *r, const struct packet *p, struct received *f)
{
    const struct codec codec = {.id = p->codec, .channels = 1}; /* G.711 has one in RTP's usual types */
    struct buf data;
    sotto__buf_init(&data, SOTTO_MAX_FRAME);
    sotto__buf_add(&data, p->data, p->n);
    int err = data.err;
    if (!err && r->cfg.e2ee)
        err = open_sealed(r, p->codec, &data, &(struct payload_layers){1, {p->n}});
    if (err || data.n == 0) {
        sotto__buf_free(&data);
        return false;
    }
    f->data = data.p; /* moved */
    f->n = data.n;
    f->was_opened = r->cfg.e2ee != NULL;
    if (f->was_opened) f->duration = sotto__payload_duration(&codec, f->data, f->n);
    return true;
}

static void take_audio(struct receiver *r, sotto_us now, struct packet *p)
{
    struct received *f = new_received(p);
    bool ok = f && fill_audio(r, p, f);
    if (r->hole > 0) lose(r, r->hole);
    r->hole = 0;
    if (ok) {
        r->stats.frames++;
        sotto__jitter_frame(&r->jitter, p->at, p->time, p->clock, repair_time(r, p->waited));
        sotto__recv_push(r, now, f);
    } else {
        sotto__received_free(f);
        lose(r, 1);
    }
    sotto__recv_free_packet(r, p);
}

/* ---- in order ---- */

void sotto__recv_take(struct receiver *r, sotto_us now)
{
    struct packet **slot = &r->ring[(size_t)r->next & (r->window - 1)];
    struct packet *p = *slot;
    *slot = NULL;
    r->next++;
    if (p->is_padding) {
        sotto__recv_free_packet(r, p);
        return;
    }
    if (!r->cfg.is_video) {
        take_audio(r, now, p);
        return;
    }
    bool is_last = p->marker;
    if (r->cur.n > 0 && p->time != r->cur.time) {
        if (r->hole > 0) damage(r); /* its end may have been in there */
        finish(r, now, false);
    }
    if (r->cur.n == 0) begin(r, p);
    if (r->hole > 0) damage(r);
    r->hole = 0;
    add(r, p);
    if (is_last) finish(r, now, true);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One incoming source: packets in (RFC 3550 §A.1). Each is placed by its unwrapped sequence number: next in order, early, late, a
 * duplicate, or of another sequence, which is believed after a few packets in a row. In: parsed packets, RTX undone; out: the ring of
 * packets for recv_frames.c, requests for the session. Every packet costs a constant amount of work, and what is held is bounded by
 * number and bytes.
 * answers: H100
 */
#include "media/recv.h"

#include <string.h>

#include "media/recv_state.h"
#include "media/report.h"
#include "util/cold.h"
#include "util/mem.h"
#include "util/seq.h"

#define FIRST_PATIENCE SOTTO_MS(20) /* for packets before the first one */
#define MIN_KEY_INTERVAL SOTTO_MS(300)
#define KEY_PATIENCE SOTTO_MS(400) /* for one that is arriving */

/* ---- life ---- */

COLD int sotto__receiver_new(struct receiver **ret, const struct receiver_cfg *cfg)
{
    struct receiver *r = sotto__calloc(1, sizeof *r);
    if (!r) return SOTTO_E_NOMEM;
    r->cfg = *cfg;
    r->window = cfg->is_video ? SOTTO_RECV_PACKETS : RECV_AUDIO_RING;
    r->ring = sotto__calloc(r->window, sizeof *r->ring);
    if (!r->ring) {
        sotto__free(r);
        return SOTTO_E_NOMEM;
    }
    sotto__nack_init(&r->nack);
    sotto__jitter_init(&r->jitter, cfg->target);
    sotto__list_init(&r->queue);
    r->held = &r->queue;
    r->wake = SOTTO_NEVER;
    *ret = r;
    return 0;
}

static void forget_strangers(struct receiver *r)
{
    for (size_t i = 0; i < r->n_strangers; i++) sotto__recv_free_packet(r, r->strangers[i]);
    r->n_strangers = 0;
}

/* What is in the ring goes, unread. */
static void empty_ring(struct receiver *r)
{
    for (; r->next <= r->highest; r->next++) {
        struct packet **slot = &r->ring[(size_t)r->next & (r->window - 1)];
        r->stats.discarded += *slot != NULL;
        sotto__recv_free_packet(r, *slot);
        *slot = NULL;
    }
    r->key.found = false;
}

/* The next packet begins a sequence of its own. */
static void stop(struct receiver *r)
{
    empty_ring(r);
    sotto__recv_drop_building(r);
    memset(r->seen, 0, sizeof r->seen);
    r->started = r->begun = false;
    r->wake = SOTTO_NEVER;
    r->key_hedged = false;
    r->hole = 0;
    r->mark.known = false;
    sotto__recv_break(r, 0);
    r->key_needed = false; /* the new sequence may well begin with one */
}

COLD void sotto__receiver_free(struct receiver *r)
{
    if (!r) return;
    forget_strangers(r);
    stop(r);
    while (!sotto__list_empty(&r->queue)) {
        struct node *n = sotto__list_pop(&r->queue);
        sotto__received_free(CONTAINER_OF(n, struct received, queue));
    }
    sotto__nack_free(&r->nack);
    while (r->n_spares > 0) sotto__free(r->spares[--r->n_spares]);
    sotto__free(r->ring);
    sotto__free(r);
}

COLD void sotto__receiver_configure(struct receiver *r, sotto_us now,
                                    const struct receiver_cfg *cfg)
{
    struct receiver_cfg old = r->cfg;
    r->cfg = *cfg;
    r->cfg.is_video = old.is_video;
    if ((old.mode == SOTTO_RECEIVE_RTP) != (cfg->mode == SOTTO_RECEIVE_RTP)) {
        forget_strangers(r);
        stop(r);
    }
    if (old.mode == cfg->mode && old.target == cfg->target) return;
    sotto__jitter_fix(&r->jitter, cfg->target);
    sotto__recv_retime(r, now);
    sotto__recv_progress(r, now);
}

void sotto__receiver_set_rtt(struct receiver *r, sotto_us rtt)
{
    sotto__nack_set_rtt(&r->nack, rtt);
}

/* ---- packets ---- */

void sotto__recv_free_packet(struct receiver *r, struct packet *p)
{
    if (!p) return;
    size_t size = sizeof *p + p->n + p->n_dependency;
    r->n_bytes -= sotto__recv_cost(size);
    sotto__recv_block_free(r, p, size);
}

static void read_extensions(struct packet *p, const struct ext_values *ext)
{
    if (ext->has & 1u << EXT_ABS_CAPTURE) p->capture = ext->abs_capture;
    if (ext->has & 1u << EXT_ORIENTATION) p->rotation = (int8_t)(ext->rotation & 3);
    if (ext->has & 1u << EXT_AUDIO_LEVEL) {
        p->has_level = true;
        p->audio_level = ext->audio_level;
        p->voice = ext->voice;
    }
    if (p->n_dependency > 0) memcpy(p->data + p->n, ext->dependency, p->n_dependency);
}

/* NULL: no memory. Without a place in the sequence yet. */
static struct packet *make_packet(struct receiver *r, sotto_us now, const struct rtp *rtp,
                                  const struct ext_values *ext, const struct codec *codec)
{
    bool has_dependency = ext->has & 1u << EXT_DEPENDENCY;
    size_t n_dependency =
        has_dependency && ext->n_dependency <= SOTTO_MAX_DEPENDENCY ? ext->n_dependency : 0;
    size_t need = sizeof(struct packet) + rtp->n_payload + n_dependency;
    size_t size = sotto__recv_cost(need);
    if (size > SOTTO_RECV_BYTES - r->n_bytes) {
        sotto__recv_make_room(r, size);
        if (size > SOTTO_RECV_BYTES - r->n_bytes) {
            forget_strangers(r);
            stop(r);
        }
    }
    struct packet *p = sotto__recv_block(r, need);
    if (!p) return NULL;
    *p = (struct packet){.at = now,
                         .codec = codec->id,
                         .clock = codec->clock,
                         .pt = rtp->pt,
                         .time = rtp->time,
                         .marker = rtp->marker,
                         .rotation = -1,
                         .n = rtp->n_payload,
                         .n_dependency = (uint8_t)n_dependency,
                         .is_padding = rtp->n_payload == 0};
    if (p->n > 0) memcpy(p->data, rtp->payload, p->n);
    read_extensions(p, ext);
    if (p->is_padding)
        ;
    else if (r->cfg.is_video)
        p->is_broken = sotto__payload_peek(codec->id, p->data, p->n, &p->info) < 0;
    else if (!r->cfg.e2ee)
        p->duration = sotto__payload_duration(codec, p->data, p->n);
    if (r->cfg.e2ee && p->info.may_be_key) p->info.is_key = true; /* its frame tells, when it is opened */
    r->n_bytes += size;
    return p;
}

/* ---- which packets came ---- */

#define SEEN_BITS ((int64_t)SOTTO_RECV_PACKETS)

static bool was_seen(const struct receiver *r, int64_t seq)
{
    return r->seen[seq % SEEN_BITS / 64] >> seq % 64 & 1;
}

static void see(struct receiver *r, int64_t seq)
{
    r->seen[seq % SEEN_BITS / 64] |= (uint64_t)1 << seq % 64;
}

static void unsee(struct receiver *r, int64_t from, int64_t to) /* to: not included */
{
    while (from < to) {
        int64_t n = 64 - from % 64;
        if (n > to - from) n = to - from;
        uint64_t bits = n == 64 ? UINT64_MAX : (((uint64_t)1 << n) - 1) << from % 64;
        r->seen[from % SEEN_BITS / 64] &= ~bits;
        from += n;
    }
}

int64_t sotto__recv_following(const struct receiver *r)
{
    int64_t seq = r->next;
    while (seq <= r->highest) {
        uint64_t bits = r->seen[seq % SEEN_BITS / 64] >> seq % 64;
        if (bits) {
            seq += __builtin_ctzll(bits);
            break;
        }
        seq += 64 - seq % 64;
    }
    return seq <= r->highest ? seq : r->highest + 1;
}

/* ---- where a packet belongs ---- */

enum place { PLACE_NEW, PLACE_DUPLICATE, PLACE_LATE, PLACE_STRANGE };

static void start(struct receiver *r, sotto_us begin_at, uint16_t seq)
{
    r->started = r->is_fresh = true;
    r->begin_at = begin_at;
    r->next = 0x10000 + (int64_t)seq; /* numbers below it are positive too */
    r->highest = r->next - 1;
    sotto__nack_restart(&r->nack, r->highest);
}

/* Whether a packet of a number that is over belongs to another time line: its sender began again. Frames may be reordered by half a second
 * (B-frames), and be ten seconds old. */
static bool is_foreign(const struct receiver *r, uint32_t time, uint32_t clock)
{
    if (clock == 0 || clock != r->highest_clock) return true;
    int64_t ahead = (int32_t)(time - r->highest_time);
    return ahead > clock / 2 || ahead < -10 * (int64_t)clock;
}

static enum place find_place(const struct receiver *r, const struct rtp *rtp, uint32_t clock,
                             int64_t *ret)
{
    int64_t seq = sotto__unwrap16(r->highest, rtp->seq), window = (int64_t)r->window;
    *ret = seq;
    if (seq > r->highest) return seq - r->highest < window ? PLACE_NEW : PLACE_STRANGE;
    if (seq <= r->highest - window) return PLACE_STRANGE;
    if (was_seen(r, seq)) return is_foreign(r, rtp->time, clock) ? PLACE_STRANGE : PLACE_DUPLICATE;
    if (seq >= r->next || !r->begun || r->cfg.mode == SOTTO_RECEIVE_RTP) return PLACE_NEW;
    return is_foreign(r, rtp->time, clock) ? PLACE_STRANGE : PLACE_LATE;
}

/* Its number is the highest now: what is too far behind is over, come or not. */
static void advance(struct receiver *r, sotto_us now, int64_t seq)
{
    while (seq - r->next >= (int64_t)r->window) {
        int64_t there = sotto__recv_following(r);
        r->begun = true;
        if (there == r->next) {
            sotto__recv_take(r, now);
        } else if (there <= r->highest) {
            sotto__recv_give_up(r);
        } else {
            int64_t next = seq - (int64_t)r->window + 1;
            r->hole += (uint64_t)(next - r->next);
            r->next = next;
            sotto__nack_forget(&r->nack, next);
        }
    }
    unsee(r, r->highest + 1, seq + 1);
    r->highest = seq;
}

static void place_packet(struct receiver *r, sotto_us now, struct packet *p)
{
    if (p->seq > r->highest) {
        advance(r, now, p->seq);
        r->highest_time = p->time;
        r->highest_clock = p->clock;
    }
    sotto_us since = sotto__nack_since(&r->nack, p->seq);
    if (sotto__nack_packet(&r->nack, now, p->seq) == NACK_REPAIRED) p->waited = now - since;
    see(r, p->seq);
    r->ring[(size_t)p->seq & (r->window - 1)] = p;
    if (p->seq < r->next) {
        sotto__nack_before(&r->nack, now, p->seq + 1, r->next);
        r->next = p->seq;
    }
    sotto__recv_note_key(r, now, p);
}

/* A packet far from the sequence: dropped, unless some in a row are like that. Then it goes on with them. */
static void meet_stranger(struct receiver *r, sotto_us now, struct packet *p, uint16_t seq)
{
    if (r->n_strangers > 0 && r->stranger_next != seq) {
        r->stats.discarded += r->n_strangers;
        forget_strangers(r);
    }
    p->seq = seq;
    r->stranger_next = (uint16_t)(seq + 1);
    if (r->n_strangers < RECV_STRANGERS - 1) {
        r->strangers[r->n_strangers++] = p;
        return;
    }
    stop(r);
    start(r, now, (uint16_t)(seq - (RECV_STRANGERS - 1)));
    for (size_t i = 0; i < RECV_STRANGERS - 1; i++) {
        r->strangers[i]->seq = r->next + (int64_t)i;
        place_packet(r, now, r->strangers[i]);
    }
    r->n_strangers = 0;
    p->seq = r->next + (int64_t)RECV_STRANGERS - 1;
    place_packet(r, now, p);
    sotto__recv_progress(r, now);
}

/* ---- in ---- */

/* Mode RTP: the packet as it is. */
static void input_raw(struct receiver *r, sotto_us now, const struct rtp *rtp,
                      const struct codec *codec, int64_t seq, const uint8_t *packet, size_t n)
{
    struct received *f = sotto__recv_block(r, sizeof *f + n);
    if (!f) return;
    memset(f, 0, offsetof(struct received, dependency));
    f->home = r, f->data = memcpy(f + 1, packet, n), f->n = n;
    f->is_packet = true;
    f->codec = codec->id, f->pt = rtp->pt, f->time = rtp->time, f->clock = codec->clock;
    f->at = f->first_at = now;
    if (seq > r->highest) {
        unsee(r, r->highest + 1, seq + 1);
        r->highest = seq;
        r->next = seq + 1;
        r->highest_time = rtp->time;
        r->highest_clock = codec->clock;
    }
    see(r, seq);
    sotto__recv_push(r, now, f);
}

static void count(struct receiver *r, sotto_us now, const struct rtp *rtp, bool is_repair)
{
    r->stats.packets++;
    r->stats.bytes += rtp->n_payload;
    r->stats.header_bytes += rtp->n_header + rtp->n_padding;
    r->stats.last_packet = now;
    if (!is_repair) return;
    r->stats.repair_packets++;
    r->stats.repair_bytes += rtp->n_payload;
}

/* It is of no use, whatever is in it. */
static void refuse(struct receiver *r, sotto_us now, const struct rtp *rtp,
                   const struct codec *codec, bool is_repair, enum place place)
{
    if (place == PLACE_DUPLICATE) {
        r->stats.duplicates += !is_repair; /* redundancy and probes repeat what came */
        return;
    }
    r->stats.discarded++;
    if (place != PLACE_LATE) return;
    r->stats.late++;
    see(r, sotto__unwrap16(r->highest, rtp->seq));
    if (!r->cfg.is_video && !is_repair) /* it would have come in time with a larger target */
        sotto__jitter_frame(&r->jitter, now, rtp->time, codec->clock, 0);
}

void sotto__receiver_input(struct receiver *r, sotto_us now, const struct rtp *rtp,
                           const struct ext_values *ext, const struct codec *codec, bool is_repair,
                           const uint8_t *packet, size_t n_packet)
{
    bool is_raw = r->cfg.mode == SOTTO_RECEIVE_RTP;
    int64_t seq;
    if (!r->started) start(r, now + FIRST_PATIENCE, rtp->seq);
    enum place place = find_place(r, rtp, codec->clock, &seq);
    if (!is_repair || place == PLACE_NEW) count(r, now, rtp, is_repair);
    if (place == PLACE_STRANGE && is_raw) {
        stop(r);
        start(r, now, rtp->seq);
        seq = r->next;
    } else if (place == PLACE_DUPLICATE || place == PLACE_LATE ||
               (place != PLACE_NEW && is_repair)) {
        refuse(r, now, rtp, codec, is_repair, place);
        return;
    }
    if (is_raw) {
        input_raw(r, now, rtp, codec, seq, packet, n_packet);
        return;
    }
    struct packet *p = make_packet(r, now, rtp, ext, codec);
    if (!p) return;
    if (!r->started) { /* all was dropped to make room */
        start(r, now, rtp->seq);
        seq = r->next;
    } else if (place == PLACE_STRANGE) {
        meet_stranger(r, now, p, rtp->seq);
        return;
    }
    p->seq = seq;
    place_packet(r, now, p);
    sotto__recv_progress(r, now);
}

/* ---- requests ---- */

void sotto__receiver_want_key(struct receiver *r)
{
    r->key_wanted = true;
}

/* When to ask for a key frame; one that is on its way is given the time to arrive. */
static sotto_us key_due(const struct receiver *r)
{
    if (!r->cfg.pli || !r->cfg.is_video) return SOTTO_NEVER;
    if (r->key_wanted) return r->key_after;
    if (!r->key_needed && !r->key_hedged) return SOTTO_NEVER;
    sotto_us at = r->key_after, patience = KEY_PATIENCE;
    if (patience < 4 * r->nack.rtt) patience = 4 * r->nack.rtt;
    if (r->key.found && at < r->key.at + patience) at = r->key.at + patience;
    if (r->cur.n > 0 && r->cur.is_key && !r->cur.is_damaged && at < r->cur.first_at + patience)
        at = r->cur.first_at + patience;
    return at;
}

static bool say_nacks(struct receiver *r, sotto_us now, struct receiver_out *out)
{
    if (!r->cfg.nack || r->cfg.mode == SOTTO_RECEIVE_RTP) return false;
    out->n = sotto__nack_next(&r->nack, now, out->seqs, RECEIVER_MAX_NACK);
    if (out->n == 0) return false;
    out->type = RECEIVER_OUT_NACK;
    r->stats.nacks++;
    r->stats.nacked += out->n;
    return true;
}

static bool say_key(struct receiver *r, sotto_us now, struct receiver_out *out)
{
    if (now < key_due(r)) return false;
    sotto_us interval = r->nack.rtt * 3 / 2;
    r->key_after = now + (interval > MIN_KEY_INTERVAL ? interval : MIN_KEY_INTERVAL);
    r->key_wanted = false;
    r->stats.plis++;
    out->type = RECEIVER_OUT_KEYFRAME;
    return true;
}

void sotto__receiver_run(struct receiver *r, sotto_us now)
{
    sotto__recv_progress(r, now);
    sotto__recv_ripen(r, now);
    sotto__recv_trim(r);
}

sotto_us sotto__receiver_run_due(const struct receiver *r)
{
    return sotto__earlier(r->wake, sotto__recv_queue_due(r));
}

int sotto__receiver_next(struct receiver *r, sotto_us now, struct receiver_out *out)
{
    sotto__receiver_run(r, now);
    if (r->dropped > 0) {
        out->type = RECEIVER_OUT_DROPPED;
        out->count = r->dropped;
        r->dropped = 0;
        return 1;
    }
    return say_nacks(r, now, out) || say_key(r, now, out);
}

sotto_us sotto__receiver_due(const struct receiver *r)
{
    if (r->dropped > 0) return 0;
    sotto_us due = sotto__earlier(sotto__receiver_run_due(r), key_due(r));
    if (r->cfg.nack && r->cfg.mode != SOTTO_RECEIVE_RTP)
        due = sotto__earlier(due, sotto__nack_due(&r->nack));
    return due;
}

sotto_us sotto__receiver_delay(const struct receiver *r)
{
    return r->cfg.mode == SOTTO_RECEIVE_FRAMES ? sotto__jitter_target(&r->jitter) : 0;
}

COLD void sotto__receiver_get_stats(const struct receiver *r, struct receiver_stats *ret)
{
    *ret = r->stats;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One outgoing encoding. A frame becomes packets with sequence numbers and RTP times (RFC 3550 §5.1), which wait in the pacer; a packet
 * that leaves gets its header, its extensions (RFC 8285) and, when it is sent again, its RTX form (RFC 4588 §4). In: frames, payloads and
 * packets of the application, entries of NACKs; out: header and payload of what leaves. It knows no other stream, no path and no RTCP.
 * answers: H104
 */
#include "media/send.h"

#include <string.h>

#include "media/history.h"
#include "util/cold.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/seq.h"

enum {
    KEEP_HEAD = 48,    /* room for the header of a packet that is repeated as it was; grows with what is seen */
    OSN = 2,           /* RTX's original sequence number */
    SRTP_TAG = 16,     /* AES-GCM's; HMAC-SHA1-80 has 10 */
    USUAL = 1280,      /* bytes of a packet that went serve the next one, so blocks are of one size … */
    USUAL_LEAST = 600, /* … if there is more in them than that */
    SMALL_FRAME = 4,   /* packets that leave at once */
    AUDIO_SLOTS = 512, /* 2 s of packets of 4 ms */
    PART_US = 1000000 / SENDER_PARTS
};
#define MAX_SPREAD_US 40000     /* a frame leaves within that time */
#define DEFAULT_INTERVAL 33333  /* µs, of frames, before there were two */
#define MIN_REPAIR_US 10000     /* a packet is not repeated sooner, however short the round trip */
#define AUDIO_TOLERANCE_MS 10   /* capture times of audio may jitter by that, or half a packet */
#define AUDIO_BACK_MS 200       /* packets may come as much before their time, in bursts */
#define SKEW_SHARE 64           /* how slowly the clock of samples is followed: 1.3 s of packets of 20 ms */

COLD int sotto__sender_new(struct sender **ret, bool is_video, uint32_t ssrc, uint32_t rtx_ssrc)
{
    struct {
        uint16_t seq, rtx_seq, picture_id;
        uint32_t time;
    } start;
    if (sotto__rand(&start, sizeof start) < 0) return SOTTO_E_SYS;
    struct sender *s = sotto__calloc(1, sizeof *s);
    if (!s) return SOTTO_E_NOMEM;
    if (sotto__history_new(&s->history, is_video ? SOTTO_HISTORY_PACKETS : AUDIO_SLOTS) < 0) {
        sotto__free(s);
        return SOTTO_E_NOMEM;
    }
    s->ssrc = ssrc, s->rtx_ssrc = rtx_ssrc, s->is_video = is_video;
    s->repeats = true;
    s->max = SOTTO_MTU - SRTP_TAG, s->head = RTP_HEADER;
    s->seq = start.seq & 0x7fff, s->rtx_seq = start.rtx_seq & 0x7fff;
    s->time_base = start.time;
    s->split.picture_id = start.picture_id & 0x7fff;
    s->interval = DEFAULT_INTERVAL;
    *ret = s;
    return 0;
}

void sotto__sender_free(struct sender *s, struct pacer *p)
{
    if (!s) return;
    sotto__history_free(s->history, p);
    sotto__free(s);
}

/* ---- time ---- */

/* t in ticks, rounded, modulo 2^32: exact however long it goes. */
static uint32_t ticks_of(sotto_us t, uint32_t clock)
{
    int64_t seconds = t / 1000000, rest = t % 1000000;
    if (rest < 0) seconds--, rest += 1000000;
    return (uint32_t)((uint64_t)seconds * clock + ((uint64_t)rest * clock + 500000) / 1000000);
}

uint32_t sotto__sender_time(const struct sender *s, sotto_us capture, uint32_t clock)
{
    uint32_t ticks = ticks_of(capture, clock);
    if (!s->has_time || s->clock != clock) return s->time_base + ticks;
    return s->last_time + (ticks - ticks_of(s->last_capture, clock));
}

/* What a frame's time is and what follows from it; becomes part of the sender when the frame is taken. */
struct timing {
    uint32_t time, duration;
    sotto_us capture; /* that time stands for */
    int64_t skew;
    bool after_gap; /* audio: silence was before it */
};

/* Audio goes on without a gap as long as its capture times say so, give or take: they jitter, samples do not. The sound card's clock may
 * run differently from the one of capture; that difference is followed and goes into sender reports. */
static void time_audio(const struct sender *s, uint32_t clock, struct timing *t)
{
    uint32_t expected = s->last_time + s->duration;
    uint32_t exact = s->time_base + ticks_of(t->capture, clock);
    int64_t early = (int32_t)(exact - (uint32_t)(s->skew / SKEW_SHARE) - expected);
    int64_t tolerance = (int64_t)clock * AUDIO_TOLERANCE_MS / 1000;
    if (tolerance < s->duration / 2) tolerance = s->duration / 2;
    t->skew = s->skew;
    if (early > tolerance || early < -(int64_t)clock * AUDIO_BACK_MS / 1000) {
        t->after_gap = true;
        t->time = (uint32_t)(expected + (uint32_t)early);
        return;
    }
    t->time = expected;
    t->skew += early < -tolerance ? early / SKEW_SHARE : early; /* a burst says little */
    t->capture -= early * 1000000 / clock;
}

static struct timing time_frame(const struct sender *s, sotto_us now, const struct codec *codec,
                                const sotto_frame *f)
{
    struct timing t = {.capture = f->capture_us ? f->capture_us : now};
    bool goes_on = s->has_time && s->clock == codec->clock;
    if (!s->is_video)
        t.duration =
            f->duration_ticks ? f->duration_ticks : sotto__payload_duration(codec, f->data, f->len);
    if (f->time_kind == SOTTO_TIME_RTP) {
        t.time = f->rtp_time;
        t.after_gap = !goes_on || (s->duration && f->rtp_time != s->last_time + s->duration);
    } else if (goes_on && s->duration) {
        time_audio(s, codec->clock, &t);
    } else {
        t.time = s->time_base + ticks_of(t.capture, codec->clock);
        t.after_gap = !goes_on;
        /* two frames are two, also of one moment; what is reordered is further away */
        if (goes_on && s->last_time - t.time < codec->clock / 100) t.time = s->last_time + 1;
    }
    return t;
}

static void keep_time(struct sender *s, const struct timing *t, uint32_t clock)
{
    s->has_time = true;
    s->last_time = t->time, s->last_capture = t->capture, s->clock = clock;
    s->duration = t->duration, s->skew = t->skew;
}

/* ---- frames → packets ---- */

static enum pacer_class class_of(const struct sender *s)
{
    return s->is_video ? PACER_VIDEO : PACER_AUDIO;
}

/* A block for n packets whose payloads have so many bytes together; payload of the first one is set. */
static struct sent_frame *new_block(struct sender *s, sotto_us now, size_t n, size_t bytes)
{
    size_t room = s->repeats ? (s->head > KEEP_HEAD ? s->head : KEEP_HEAD) : 0;
    size_t packets = n * sizeof(struct sent_packet);
    size_t need = sizeof(struct sent_frame) + packets + n * room + bytes;
    size_t least = bytes > USUAL_LEAST && n == 1 ? sizeof(struct sent_frame) + packets + USUAL : 0;
    struct sent_frame *b = sotto__history_block(s->history, need > least ? need : least);
    if (!b) return NULL;
    size_t size = b->size;
    memset(b, 0, offsetof(struct sent_frame, dependency));
    b->at = now, b->size = size;
    memset(b->packets, 0, packets);
    b->packets[0].payload = (uint8_t *)&b->packets[n] + room;
    b->packets[0].room = (uint16_t)room;
    return b;
}

/* false: nothing of this frame goes on the wire. */
static bool cut(struct sender *s, struct sent_frame *b, struct split *split,
                const struct codec *codec, const struct timing *t)
{
    uint16_t room = b->packets[0].room;
    uint8_t *at = b->packets[0].payload;
    for (size_t n; (n = sotto__split_next(split, at)) > 0; at += n + room) {
        struct sent_packet *pkt = &b->packets[b->n_packets++];
        pkt->sender = s, pkt->frame = b;
        pkt->seq = s->seq++;
        pkt->time = t->time, pkt->pt = codec->pt;
        pkt->payload = at, pkt->n = (uint16_t)n, pkt->room = room;
        b->n_bytes += n;
    }
    if (b->n_packets == 0) return false;
    struct sent_packet *last = &b->packets[b->n_packets - 1];
    b->packets[0].first = last->last = true;
    last->marker = s->is_video || t->after_gap;
    s->has_seq = true;
    return true;
}

/* What the frame says beside its bytes. */
static void describe(struct sender *s, struct sent_frame *b, const sotto_frame *f, bool is_key,
                     const struct timing *t)
{
    uint8_t rotation = (uint8_t)(f->rotation / 90 & 3);
    b->capture = t->capture;
    if (s->is_video) {
        b->rotation = rotation;
        b->tells_rotation = is_key || rotation != 0 || rotation != s->rotation;
        s->rotation = rotation;
        b->n_dependency = f->dependency ? f->dependency_len : 0;
        if (b->n_dependency) memcpy(b->dependency, f->dependency, b->n_dependency);
    } else if (f->audio_level_kind) {
        b->has_level = true;
        b->audio_level = (uint8_t)(f->audio_level & 0x7f);
        b->voice = f->has_voice;
    }
}

/* Spreads the packets of a large frame over the distance of frames; packets never overtake those of earlier frames. */
static void enqueue(struct sender *s, sotto_us now, struct sent_frame *b, struct pacer *p)
{
    sotto_us start = s->paced_at > now ? s->paced_at : now;
    sotto_us end = now + (s->interval < MAX_SPREAD_US ? s->interval : MAX_SPREAD_US);
    uint64_t span = b->n_packets > SMALL_FRAME && end > start ? (uint64_t)(end - start) : 0;
    uint64_t before = 0;
    for (size_t i = 0; i < b->n_packets; i++) {
        struct sent_packet *pkt = &b->packets[i];
        s->paced_at = start + (sotto_us)(span * before / b->n_bytes);
        sotto__pacer_push(p, now, class_of(s), pkt, s->paced_at);
        before += pkt->n;
    }
}

static void measure_interval(struct sender *s, sotto_us now)
{
    sotto_us distance = now - s->frame_at;
    if (s->frame_at && distance > 0) {
        if (distance > MAX_SPREAD_US) distance = MAX_SPREAD_US;
        s->interval += (distance - s->interval) / 8;
    }
    s->frame_at = now;
}

static size_t payload_max(const struct sender *s, size_t n_dependency)
{
    size_t head = s->head + OSN + (n_dependency ? n_dependency + 2 : 0);
    size_t max = s->max > head + 100 ? s->max - head : 100; /* splitting needs 100 */
    return max < SOTTO_MAX_RTP_PAYLOAD ? max : SOTTO_MAX_RTP_PAYLOAD;
}

void sotto__sender_expect(struct sender *s, const uint8_t ids[EXT_COUNT],
                          const struct ext_values *values)
{
    size_t head = RTP_HEADER + sotto__ext_size(ids, values);
    if (head > s->head) s->head = head;
}

static int start_split(struct split *split, const struct codec *codec, struct split_state *state,
                       const sotto_frame *f, const struct sealed_frame *sealed, size_t max,
                       bool is_key)
{
    if (sealed)
        return sotto__split_init_sealed(split, codec, state, f->data, f->len, sealed->p, sealed->n,
                                        max, is_key);
    return sotto__split_init(split, codec, state, f->data, f->len, max, is_key);
}

/* sealed NULL: as it is. */
static int take_frame(struct sender *s, sotto_us now, const struct codec *codec,
                      const sotto_frame *f, const struct sealed_frame *sealed, struct pacer *p)
{
    size_t n_dependency = f->dependency ? f->dependency_len : 0, n, bytes;
    bool is_key = s->is_video && (f->is_key || sotto__frame_is_key(codec->id, f->data, f->len));
    struct split_state state = s->split;
    struct split split;
    if (n_dependency > SOTTO_MAX_DEPENDENCY) return SOTTO_E_RANGE;
    if ((s->needs_key && !is_key) || !sotto__pacer_takes(p, class_of(s), f->len)) {
        s->needs_key = s->is_video;
        s->stats.frames_refused++;
        return SOTTO_E_AGAIN;
    }
    int r = start_split(&split, codec, &state, f, sealed, payload_max(s, n_dependency), is_key);
    if (r < 0) return r;
    sotto__split_bound(&split, &n, &bytes);
    struct sent_frame *b = new_block(s, now, n, bytes);
    if (!b) return SOTTO_E_NOMEM;
    struct timing t = time_frame(s, now, codec, f);
    if (!cut(s, b, &split, codec, &t)) {
        sotto__free(b);
        return SOTTO_E_SYNTAX;
    }
    s->split = state, s->needs_key = false;
    describe(s, b, f, is_key, &t);
    keep_time(s, &t, codec->clock);
    s->raw_floor = s->seq;
    measure_interval(s, now);
    enqueue(s, now, b, p);
    sotto__history_add(s->history, now, b, p);
    s->stats.frames++, s->stats.key_frames += is_key, s->stats.frame_bytes += f->len;
    return 0;
}

int sotto__sender_frame(struct sender *s, sotto_us now, const struct codec *codec,
                        const sotto_frame *f, struct pacer *p)
{
    return take_frame(s, now, codec, f, NULL, p);
}

int sotto__sender_sealed(struct sender *s, sotto_us now, const struct codec *codec,
                         const sotto_frame *f, const struct sealed_frame *sealed, struct pacer *p)
{
    return take_frame(s, now, codec, f, sealed, p);
}

/* ---- single payloads ---- */

struct single {
    int64_t seq;
    uint32_t time;
    uint8_t pt;
    bool marker, keep_out;
};

static int send_single(struct sender *s, sotto_us now, const struct single *how,
                       const uint8_t *payload, size_t n, struct pacer *p)
{
    if (!sotto__pacer_takes(p, PACER_AUDIO, n)) return SOTTO_E_AGAIN;
    struct sent_frame *b = new_block(s, now, 1, n);
    if (!b) return SOTTO_E_NOMEM;
    struct sent_packet *pkt = &b->packets[0];
    b->n_packets = 1, b->n_bytes = n, b->capture = now, b->keep_out = how->keep_out;
    memcpy(pkt->payload, payload, n);
    pkt->sender = s, pkt->frame = b;
    pkt->seq = how->seq, pkt->time = how->time, pkt->pt = how->pt, pkt->marker = how->marker;
    pkt->n = (uint16_t)n, pkt->first = pkt->last = true;
    sotto__pacer_push(p, now, PACER_AUDIO, pkt, now);
    sotto__history_add(s->history, now, b, p);
    return 0;
}

COLD int sotto__sender_event(struct sender *s, sotto_us now, const struct codec *codec,
                             const uint8_t *payload, size_t n, uint32_t time, bool marker,
                             struct pacer *p)
{
    struct single how = {s->seq, time, codec->pt, marker, true};
    int r = send_single(s, now, &how, payload, n, p);
    if (r < 0) return r;
    s->raw_floor = ++s->seq;
    s->has_seq = true;
    if (!s->has_time) {
        struct timing t = {.time = s->time_base + ticks_of(now, codec->clock), .capture = now};
        keep_time(s, &t, codec->clock);
    }
    return 0;
}

static uint64_t *used_word(struct sender *s, int64_t seq)
{
    return &s->raw_used[(uint64_t)seq % SENDER_USED / 64];
}

static uint64_t used_bit(int64_t seq)
{
    return 1ull << (seq & 63);
}

/* Whether no packet had this number, as far as that is known; if not, it may not be used. */
static bool is_unused(struct sender *s, int64_t seq)
{
    if (!s->has_seq || seq >= s->seq) return true;
    if (seq < s->raw_floor || seq < s->seq - (int64_t)SENDER_USED) return false; /* as SRTP */
    return !(*used_word(s, seq) & used_bit(seq));
}

static void mark_used(struct sender *s, int64_t seq)
{
    if (!s->has_seq) s->seq = s->raw_floor = seq;
    s->has_seq = true;
    if (seq - s->seq > (int64_t)SENDER_USED) s->seq = seq - (int64_t)SENDER_USED;
    for (; s->seq <= seq; s->seq++) *used_word(s, s->seq) &= ~used_bit(s->seq);
    *used_word(s, seq) |= used_bit(seq);
}

int sotto__sender_rtp(struct sender *s, sotto_us now, const struct codec *codec,
                      const struct rtp *rtp, struct pacer *p)
{
    int64_t seq = s->has_seq ? sotto__unwrap16(s->seq - 1, rtp->seq) : rtp->seq;
    if (!is_unused(s, seq)) return SOTTO_E_RANGE;
    struct single how = {seq, rtp->time, rtp->pt, rtp->marker, false};
    int r = send_single(s, now, &how, rtp->payload, rtp->n_payload, p);
    if (r < 0) return r;
    mark_used(s, seq);
    if (!s->has_time || s->last_time != rtp->time) { /* the first packet of a frame: about when it was captured */
        struct timing t = {.time = rtp->time, .capture = now};
        keep_time(s, &t, codec->clock);
    }
    return 0;
}

/* ---- retransmissions ---- */

static void roll(struct sender_second *k, sotto_us now)
{
    int64_t part = now / PART_US;
    if (part - k->part >= SENDER_PARTS) *k = (struct sender_second){.part = part};
    while (k->part < part) {
        size_t i = (size_t)(++k->part % SENDER_PARTS);
        k->media_sum -= k->media[i], k->repairs_sum -= k->repairs[i];
        k->media[i] = k->repairs[i] = 0;
    }
}

static void repair(struct sender *s, sotto_us now, uint16_t seq, sotto_us rest, struct pacer *p)
{
    struct sent_packet *pkt = sotto__history_get(s->history, now, seq);
    struct sender_second *k = &s->second;
    if (!pkt || sotto__list_linked(&pkt->queue) || now - pkt->sent < rest) return;
    uint64_t most = k->media_sum * SOTTO_REPAIR_PERCENT / 100 + SOTTO_REPAIR_FLOOR;
    if (k->repairs_sum + pkt->n > most || !sotto__pacer_takes(p, PACER_REPAIR, pkt->n)) {
        s->stats.repairs_refused++;
        return;
    }
    k->repairs[k->part % SENDER_PARTS] += pkt->n, k->repairs_sum += pkt->n;
    pkt->is_repair = true;
    sotto__pacer_push(p, now, PACER_REPAIR, pkt, now);
}

void sotto__sender_nack(struct sender *s, sotto_us now, uint16_t pid, uint16_t blp, sotto_us rtt,
                        struct pacer *p)
{
    sotto_us rest = rtt > MIN_REPAIR_US ? rtt : MIN_REPAIR_US;
    roll(&s->second, now);
    repair(s, now, pid, rest, p);
    for (uint16_t i = 1; blp; i++, blp >>= 1)
        if (blp & 1) repair(s, now, (uint16_t)(pid + i), rest, p);
}

/* ---- departures ---- */

/* Adds what the frame says to what the session wants. */
static void add_values(const struct sent_packet *pkt, bool is_rtx, struct ext_values *v)
{
    const struct sent_frame *f = pkt->frame;
    if (f->has_level) {
        v->has |= 1u << EXT_AUDIO_LEVEL;
        v->audio_level = f->audio_level, v->voice = f->voice;
    }
    if (f->tells_rotation && pkt->last) {
        v->has |= 1u << EXT_ORIENTATION;
        v->rotation = f->rotation;
    }
    if (f->n_dependency && pkt->first) {
        v->has |= 1u << EXT_DEPENDENCY;
        v->dependency = f->dependency, v->n_dependency = f->n_dependency;
    }
    if (is_rtx && (v->has & 1u << EXT_RID)) { /* RFC 8852 §3: of a repair stream it is another element */
        v->has = (v->has & ~(1u << EXT_RID)) | 1u << EXT_RRID;
        v->rrid = v->rid;
    }
}

static size_t write_head(struct sender *s, const struct sent_packet *pkt,
                         const uint8_t ids[EXT_COUNT], const struct ext_values *v, int rtx_pt,
                         uint8_t out[static SENDER_MAX_HEADER])
{
    bool is_rtx = rtx_pt >= 0;
    int n_ext = sotto__ext_write(ids, v, out + RTP_HEADER, SENDER_MAX_HEADER - RTP_HEADER - OSN);
    struct rtp rtp = {.marker = pkt->marker,
                      .pt = is_rtx ? (uint8_t)rtx_pt : pkt->pt,
                      .seq = (uint16_t)(is_rtx ? s->rtx_seq++ : pkt->seq),
                      .time = pkt->time,
                      .ssrc = is_rtx ? s->rtx_ssrc : s->ssrc,
                      .has_ext = n_ext > 0};
    size_t n = RTP_HEADER + (n_ext > 0 ? (size_t)n_ext : 0);
    sotto__rtp_write(&rtp, out);
    /* later frames leave room for it; the descriptor of a frame is counted when that frame comes */
    if (n > s->head && !(v->has & 1u << EXT_DEPENDENCY)) s->head = n;
    if (!is_rtx) return n;
    out[n] = (uint8_t)(pkt->seq >> 8), out[n + 1] = (uint8_t)pkt->seq;
    return n + OSN;
}

static void count(struct sender *s, sotto_us now, const struct sent_packet *pkt, size_t n_head)
{
    s->stats.packets++, s->stats.bytes += pkt->n, s->stats.header_bytes += n_head;
    s->stats.send_delay += now - pkt->queued;
    if (pkt->is_repair) {
        s->stats.repair_packets++, s->stats.repair_bytes += pkt->n;
        return;
    }
    s->sr_packets++, s->sr_octets += pkt->n;
    roll(&s->second, now);
    s->second.media[s->second.part % SENDER_PARTS] += pkt->n, s->second.media_sum += pkt->n;
}

bool sotto__sender_depart(struct sender *s, sotto_us now, struct sent_packet *pkt,
                          const uint8_t ids[EXT_COUNT], struct ext_values *values, uint8_t rtx_pt,
                          struct departure *out)
{
    bool can_rtx = s->rtx_ssrc && rtx_pt != PT_NONE, is_rtx = pkt->is_repair && can_rtx;
    bool again = pkt->is_repair && !can_rtx;
    bool is_old = pkt->is_repair && s->seq - 1 - pkt->seq >= 1 << 15; /* its number would be taken for one to come */
    s->repeats = !can_rtx;
    if (is_old || (again && pkt->n_head == 0)) { /* … it left when there was RTX, or had a longer header than ever before */
        pkt->is_repair = false;
        return false;
    }
    out->ssrc = is_rtx ? s->rtx_ssrc : s->ssrc;
    out->payload = pkt->payload, out->n_payload = pkt->n;
    out->is_repair = pkt->is_repair, out->again = again;
    if (again) {
        memcpy(out->head, pkt->payload - pkt->n_head, pkt->n_head);
        out->n_head = pkt->n_head;
    } else {
        add_values(pkt, is_rtx, values);
        out->n_head = write_head(s, pkt, ids, values, is_rtx ? rtx_pt : -1, out->head);
    }
    if (!pkt->has_left && out->n_head <= pkt->room) {
        memcpy(pkt->payload - out->n_head, out->head, out->n_head);
        pkt->n_head = (uint16_t)out->n_head;
    }
    count(s, now, pkt, out->n_head);
    if (!pkt->has_left) pkt->frame->at = now;
    pkt->has_left = true, pkt->sent = now;
    if (pkt->is_repair) pkt->repairs++;
    pkt->is_repair = false;
    return true;
}

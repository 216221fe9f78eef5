/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_RECV_STATE_H
#define SOTTO_MEDIA_RECV_STATE_H
/*
 * What the files of the receiver share. A packet goes recv.c: checked, into the ring → recv_frames.c: taken in order, part of a frame →
 * recv_queue.c: a frame that waits to be due and pulled. recv_gaps.c decides what happens when the next packet is missing.
 *
 * `next` is the packet that comes next in order: below it everything was taken or given up; at it and above, what came stands in the ring.
 * If packets just below `next` were given up, `hole` says how many: what they were is judged by the first packet after them.
 */
#include "media/recv.h"

#define RECV_AUDIO_RING 256u /* packets of audio that wait for others: 5 s */
#define RECV_BLOCK 1536u     /* bytes of the blocks that packets of full size are in: a receiver keeps those that it used */
#define RECV_SPARES 64u      /* … at most so many */
#define RECV_WAIT SOTTO_SECONDS(1) /* for a repair, at most */
#define RECV_STRANGERS 3u    /* packets in a row that make a new sequence believed: RFC 3550 §A.1 has 2 */
#define RECV_NO_LAYER INT32_MAX

struct packet {
    int64_t seq;
    sotto_us at;
    struct packet *after; /* of the same frame */
    uint64_t capture;     /* NTP; 0: none */
    enum codec_id codec;
    uint32_t time, clock, duration;
    uint8_t pt;
    bool marker, is_padding, is_broken;
    sotto_us waited; /* for it to be repaired, since it was found missing */
    struct payload_info info; /* video, neither padding nor broken */
    int8_t rotation;          /* -1: not told */
    bool has_level, voice;
    uint8_t audio_level, n_dependency;
    size_t n;
    uint8_t data[]; /* payload, dependency descriptor */
};

struct building { /* the frame whose packets are being taken; n 0: none */
    struct packet *first, *last;  /* none if it is damaged */
    size_t n, n_bytes, n_held;    /* packets; of payload; of memory */
    uint32_t time;
    bool is_damaged, is_key, is_disposable;
    int32_t temporal_max, temporal_min;
    sotto_us first_at, last_at, original_at; /* original_at: of the last one that was no repair; 0: none */
    sotto_us waited;                         /* for the repair that took longest */
};

struct key_frame { /* one that is beyond a gap: packets lo … hi - 1 are there */
    bool found;
    uint32_t time;
    int64_t lo, hi;
    sotto_us at;
};

struct frame_mark { /* what tells whether a frame is the one after another */
    bool known;
    int32_t picture_id;
    bool is_long;
    uint32_t time;
};

struct receiver {
    struct receiver_cfg cfg;
    struct receiver_stats stats;
    struct nack nack;
    struct jitter jitter;
    sotto_us rtt;

    /* packets */
    bool started, begun;   /* begun: packets are taken; before, earlier ones are waited for */
    bool is_fresh;         /* nothing but padding was taken */
    sotto_us begin_at;
    int64_t highest, next; /* unwrapped sequence numbers */
    uint32_t highest_time, highest_clock;
    struct packet **ring;
    size_t window;         /* slots, a power of 2: highest - next is less */
    uint64_t seen[SOTTO_RECV_PACKETS / 64]; /* those of the window up to highest that came */
    size_t n_bytes;        /* held: ring, frame being built, queue */
    void *spares[RECV_SPARES]; /* blocks for packets to come */
    size_t n_spares;
    struct packet *strangers[RECV_STRANGERS - 1]; /* packets of another sequence: seq is not unwrapped */
    size_t n_strangers;
    uint16_t stranger_next;

    /* frames */
    struct building cur;
    uint64_t hole;         /* packets given up just before next */
    int32_t broken;        /* frames of this temporal layer and above cannot be decoded; 0: none can be; RECV_NO_LAYER */
    struct frame_mark mark; /* of the last frame that was taken, whole or not */
    uint32_t spacing;      /* ticks between frames, of late */
    struct key_frame key;
    uint64_t lost;         /* frames, packets of audio, since the last one that was queued */
    uint8_t rotation;
    struct e2ee_order order; /* of what was opened */
    sotto_us wake;         /* when a gap is to be looked at again */

    /* requests */
    bool key_needed, key_wanted; /* by us, by the application */
    bool key_hedged;             /* by us, as long as a gap is open that takes long to repair */
    sotto_us key_after;          /* not asked for again before */

    /* queue */
    struct node queue, *held; /* held: the first one that is not due; &queue: none */
    size_t n_queued, n_due;  /* all, those that are due: the first ones */
    struct received *newest_key;
    sotto_us due;            /* of the last one queued */
    uint64_t dropped;        /* not told yet */
};

/* recv.c */
void sotto__recv_free_packet(struct receiver *r, struct packet *p); /* NULL is fine */
int64_t sotto__recv_following(const struct receiver *r); /* the first packet at or after next that came; highest + 1: none */

/* recv_frames.c */
void sotto__recv_take(struct receiver *r, sotto_us now); /* the packet at next, which is there */
bool sotto__recv_certain_start(const struct packet *p); /* of a frame, whatever came before it */
void sotto__recv_drop_building(struct receiver *r);
void sotto__recv_break(struct receiver *r, int32_t layer); /* frames of it and above need what was lost */
bool sotto__recv_follows(const struct frame_mark *a, const struct packet *b, uint64_t hole,
                         int32_t *ret_distance); /* picture ids tell the distance of frames */

/* recv_gaps.c */
void sotto__recv_progress(struct receiver *r, sotto_us now); /* takes what can be taken, gives up what is not worth waiting for */
void sotto__recv_note_key(struct receiver *r, sotto_us now, const struct packet *p); /* it has just come into the ring */
void sotto__recv_give_up(struct receiver *r); /* the gap at next; something beyond it is there */

/* recv_queue.c */
size_t sotto__recv_cost(size_t size); /* bytes that a block of that size takes */
void *sotto__recv_block(struct receiver *r, size_t size); /* for a packet; NULL: no memory */
void sotto__recv_block_free(struct receiver *r, void *block, size_t size);
void sotto__recv_push(struct receiver *r, sotto_us now, struct received *f); /* moved */
void sotto__recv_ripen(struct receiver *r, sotto_us now);
void sotto__recv_make_room(struct receiver *r, size_t n); /* for n more bytes: drops frames that wait */
void sotto__recv_trim(struct receiver *r); /* drops frames that were not taken, if they are too many */
sotto_us sotto__recv_queue_due(const struct receiver *r); /* when the next frame becomes due */
void sotto__recv_retime(struct receiver *r, sotto_us now); /* the target changed */

#endif

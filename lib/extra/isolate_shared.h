/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_ISOLATE_SHARED_H
#define SOTTO_EXTRA_ISOLATE_SHARED_H
/*
 * The memory that a parent and its decoder process share: one memfd, sealed against growing and shrinking. The first part the parent
 * writes and the child can only read; the second the child writes, and the parent believes nothing of it: each number is read once
 * and checked, PCM is copied once. What the parent wrote it never reads back.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "extra/playout.h"

#define ISOLATE_VERSION 2u      /* of this file: parent and child are of one build */
#define ISOLATE_ALIGN 65536u    /* no page is larger */
#define ISOLATE_SLOTS 128u      /* packets; 2.5 s of 20 ms */
#define ISOLATE_RING 16384u     /* frames of PCM, a power of two */
#define ISOLATE_MAX_DATA 65536u /* bytes of a packet for the decoder alone */
/* The child looks every 5 ms, and makes so much more than one pull: what a pull finds is then at least 10 ms old. */
#define ISOLATE_LOOK_NS 5000000
#define ISOLATE_AHEAD 720

enum { ISOLATE_PLAYOUT = 1, ISOLATE_DECODER = 2 };                 /* what the child is */
enum { ISOLATE_DECODE = 0, ISOLATE_FEC = 1, ISOLATE_CONCEAL = 2 }; /* what a decoder is asked for */
enum { /* what a playout counts */
    ISOLATE_CONCEALED,
    ISOLATE_SILENT,
    ISOLATE_EVENTS,
    ISOLATE_RECOVERED,
    ISOLATE_INSERTED,
    ISOLATE_REMOVED,
    ISOLATE_LATE,
    ISOLATE_DROPPED,
    ISOLATE_COUNTS
};

struct isolate_slot { /* a packet for playout */
    int32_t codec, frames;
    uint32_t rtp_time, after_loss, len;
    int64_t received;
    uint8_t data[SOTTO_MAX_AUDIO_PACKET];
};

struct isolate_request { /* for a decoder */
    uint32_t what;       /* ISOLATE_DECODE … */
    uint32_t frames;     /* that are wanted */
    uint32_t len;
    uint8_t data[ISOLATE_MAX_DATA];
};

struct isolate_in { /* the parent's */
    uint32_t version, kind;
    int32_t parent; /* its process id */
    int32_t channels;
    int64_t min_delay, max_delay;
    uint32_t first;             /* playout: packets put before this child was started */
    uint32_t rung;              /* the bell as it was then: what is rung later is for this child */
    atomic_uint bell;           /* rung when there is something to do; a futex */
    atomic_uint put;            /* packets so far */
    atomic_uint pull;           /* frames: the largest pull so far */
    atomic_uint_least64_t given; /* frames that the device has taken so far */
    union {
        struct isolate_slot slots[ISOLATE_SLOTS];
        struct isolate_request request;
    } u;
};

struct isolate_out { /* the child's */
    atomic_uint answered; /* the bell as it was when all that was to be done was seen; a futex */
    atomic_uint taken;    /* packets so far */
    atomic_int result;    /* decoder: frames or SOTTO_E_* */
    atomic_uint_least64_t made; /* frames so far, on the device's line of time */
    atomic_uint_least64_t counts[ISOLATE_COUNTS];
    atomic_int_least64_t delay, target, drift_ppb;
    int16_t pcm[ISOLATE_RING * 2];
};

#define ISOLATE_ROUND(n) (((n) + ISOLATE_ALIGN - 1) / ISOLATE_ALIGN * ISOLATE_ALIGN)
#define ISOLATE_IN_SIZE ISOLATE_ROUND(sizeof(struct isolate_in))
#define ISOLATE_SIZE (ISOLATE_IN_SIZE + ISOLATE_ROUND(sizeof(struct isolate_out)))

/* Between two processes nothing but the processor can make it atomic. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "lock-free atomics");

/* Waits for a word to change, or wakes who does. The system call of this name takes two longs on any processor; struct timespec is wider
 * where 32 bits have a time_t of 64. timeout_ns: less than a second; 0: none. */
static inline long isolate_futex(const atomic_uint *word, int what, uint32_t value, long timeout_ns)
{
    const struct {
        long s, ns;
    } span = {0, timeout_ns};
    return syscall(SYS_futex, word, what, value, timeout_ns > 0 ? &span : NULL, NULL, 0);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SCTP_PRIV_H
#define SOTTO_TRANSPORT_SCTP_PRIV_H
/* Shared by sctp.c (the object), sctp_input.c (packets in), sctp_data.c (messages and resets) and sctp_stack.c (usrsctp as one for
 * the process) only. */
#include <stdatomic.h>
#include <usrsctp.h>

#include "transport/sctp.h"
#include "transport/sctp_guard.h"
#include "transport/sctp_path.h"

#define SCTP_PACKET_LIMIT 16384u /* of a peer: what a DTLS record holds */

struct outbox { /* packets, each behind two bytes: OUTBOX_PROBE, length */
    uint8_t *bytes;
    size_t at, n, cap; /* read, written, allocated */
    size_t packets;
};

#define OUTBOX_PROBE 0x8000u

struct sctp_partial { /* a message or event on its way out of usrsctp */
    uint8_t *p;
    size_t n, cap;
    uint16_t sid;
    uint32_t ppid;
    bool is_whole; /* a message or an event: */
    bool is_event;
};

struct sctp_stage { /* packets of this turn that go into usrsctp as one */
    uint8_t *p;
    size_t n, cap;
    size_t last; /* where the last chunk begins */
    unsigned packets;
};

struct sctp_run { /* small messages that were accepted and are given to usrsctp together, each behind a struct run_head */
    uint8_t *p;
    size_t n, cap;
    unsigned messages;
    bool stuck; /* usrsctp had no memory: the next tick tries again */
};

struct sctp_ahead { /* small messages read together, each behind a struct ahead_head */
    uint8_t *p;
    size_t at, n, cap; /* given out, read, allocated */
    unsigned messages;
    int error;         /* what came behind them */
};

struct sctp_resets { /* an event of usrsctp that is given out stream by stream */
    enum sctp_msg_type type;
    bool denied;
    uint16_t *list; /* NULL: every stream below n */
    size_t at, n;
};

struct sctp_outage { /* no path for packets: sctp_outage.c */
    bool is_held;    /* there is none */
    bool is_lenient; /* usrsctp does not count repetitions */
    bool is_first;   /* … because the handshake is not done */
    bool beat;       /* the peer answered a heartbeat */
    bool answered;   /* … or sent SACK in this span, of whatever */
    bool waits;      /* … though something had no answer when the span began… */
    uint32_t acked;  /* … and this was all that it had of ours… */
    sotto_us until;  /* … that ends then */
    uint8_t *p;      /* what was repeated last while there was none; NULL: nothing */
    size_t n;
};

enum stream_state { STREAM_OPEN, STREAM_RESETTING, STREAM_DENIED, STREAM_LATER };

struct sctp {
    /* the owner's */
    uint64_t id;
    struct socket *so; /* NULL once closed */
    struct log *log;
    uint32_t max_message_size;
    uint16_t streams_out; /* asked for; what was negotiated once up */
    struct sctp_home *home; /* nullable */
    void *owner;
    struct outbox front; /* what next() gives out */
    bool up, up_told, down, down_told;
    int error;
    struct sctp_partial partial;
    size_t last_len; /* of the message before: a guess at the next */
    struct sctp_stage stage;
    struct sctp_run run;
    struct sctp_ahead ahead;
    uint32_t rtt_ms;   /* as of the last look */
    uint32_t window;   /* that a long path filled: 0 the first one does */
    struct {           /* what came during one round trip */
        sotto_us since;
        uint64_t bytes;
    } rate;
    uint64_t smooth;   /* bytes that came in sequence since the last gap */
    bool nagle;        /* usrsctp waits for full packets */
    sotto_us restarted; /* its retransmission timer, last */
    struct sctp_resets resets;
    uint8_t *out_state;   /* enum stream_state of each outgoing stream */
    size_t denied;        /* how many are STREAM_DENIED */
    uint16_t out_now;     /* streams that usrsctp has */
    bool want_out;        /* more of them, as soon as they can be had */
    struct {              /* the peer's reset request that came before the data before it */
        uint8_t *p;       /* a packet of its own; NULL: none */
        size_t n;
        uint32_t tsn;
    } held;
    struct {              /* chunks let in though the window is closed */
        sotto_us next;    /* not before */
        unsigned n;
        uint32_t room;    /* added to the receive buffer for them */
    } probe;
    struct sctp_path path; /* partly under the lock */
    struct sctp_outage outage; /* under the lock */
    sotto_us busy_until, look_at;
    bool is_trim; /* idle, its boxes given back */
    bool is_awake; /* counted so in its home */
    struct sctp_stats stats;
    /* What usrsctp may still hold of ours: upper bounds, measured anew when they bind and something happened since. */
    struct {
        size_t bytes, messages;
        size_t most; /* bytes */
        uint64_t accepted; /* messages */
        bool stale;
    } backlog;

    /* under the stack's lock: another thread's tick comes here too */
    struct outbox back;
    struct sctp_guard guard;
    bool has_tsn;
    uint32_t last_tsn;   /* the highest sent */
    uint64_t started;    /* messages whose first fragment went out */
    bool is_halfway;     /* the last one's last fragment has not */
    bool check;          /* ask whether the association still lives */
    bool in_tick;        /* … because of a timer */
    bool feeding, fed;   /* usrsctp is given a packet; and called up because of it */
    uint64_t outbox_dropped;

    atomic_bool attention; /* something of the above waits */
    atomic_bool readable;
    struct sctp *next_woken; /* in the home's list, under the stack's lock */
    bool is_woken;
};

/* usrsctp for the process */
int sotto__sctp_stack_add(struct sctp *s, sotto_us now);  /* gives it its id; 0, SOTTO_E_NOMEM, SOTTO_E_SYS */
void sotto__sctp_stack_remove(struct sctp *s);            /* with the lock held: no callback finds it any more */
void sotto__sctp_stack_room(uint32_t rcvbuf);             /* with the lock held */
void sotto__sctp_lock(struct sctp *s, sotto_us now);      /* … and ticks usrsctp if that is due */
void sotto__sctp_lock_quiet(struct sctp *s);              /* without a tick */
void sotto__sctp_unlock(struct sctp *s);
sotto_us sotto__sctp_stack_stamp(void);                   /* of the last tick */
sotto_us sotto__sctp_stack_due(bool is_busy);             /* of the next */
void sotto__sctp_busy(struct sctp *s, sotto_us now);       /* there is traffic: timers are looked after often */
void sotto__sctp_rest(struct sctp *s);                     /* … and seldom: it can wait for heartbeats only, or has ended */
/* Its own in usrsctp, which for each new one looks at all endpoints of the port, and locks them; never on the wire. */
uint16_t sotto__sctp_port(const struct sctp *s);
void sotto__sctp_upcall(struct socket *so, void *arg, int flags);

void sotto__outbox_free(struct outbox *o);
uint8_t *sotto__outbox_room(struct outbox *o, size_t n, bool probe); /* for one packet of n bytes; NULL: full */

/* sctp_streams.c */
bool sotto__sctp_has_stream(struct sctp *s, sotto_us now, uint16_t sid); /* an outbound one; false: not yet */

/* sctp_outage.c */
sotto_us sotto__sctp_outage_due(const struct sctp *s);
void sotto__sctp_outage_free(struct sctp *s);

/* All under the lock */
void sotto__sctp_outage_init(struct sctp *s, sotto_us now);
void sotto__sctp_outage_output(struct sctp *s, const uint8_t *p, size_t n); /* a packet leaves */
void sotto__sctp_outage_heard(struct sctp *s);                              /* usrsctp has been given a packet */
void sotto__sctp_outage_turn(struct sctp *s, sotto_us now);                 /* may fail */
bool sotto__sctp_settled(const struct sctp *s); /* it is up, and nothing waits for an answer but heartbeats */
bool sotto__sctp_add_in(struct sctp *s);             /* inbound streams, all that there are; false: the association has failed */
void sotto__sctp_add_out(struct sctp *s);            /* outbound ones, if they are wanted and can be added now */
void sotto__sctp_streams_up(struct sctp *s, uint16_t negotiated); /* the association is up */
bool sotto__sctp_all_left(struct sctp *s);           /* each message that was accepted has been sent whole */
void sotto__sctp_reset_later(struct sctp *s);        /* the streams that wait for it */
void sotto__sctp_fail(struct sctp *s, int error);    /* end the association on our side */
uint32_t sotto__sctp_receive_buffer(const struct sctp *s);
void sotto__sctp_look(struct sctp *s);               /* has the association come up, or ended? */
void sotto__sctp_release(struct sctp *s);            /* a reset request that can be told now */
void sotto__sctp_shrink(struct sctp *s);             /* the window is as at first again */
void sotto__sctp_flush_input(struct sctp *s);        /* the packets that came are usrsctp's */
void sotto__sctp_flush_run(struct sctp *s);          /* the messages that were accepted are */

#define SCTP_REPETITIONS 17 /* in vain: silence ends an association after a minute */
#define SCTP_NEAR_MS 5u /* round trips up to here need no more than the first window */
#define SCTP_RESTART_TIMER SOTTO_MS(50) /* a quarter of the shortest RTO */
#define SCTP_TICK_BUSY SOTTO_MS(10)
#define SCTP_TICK_IDLE SOTTO_MS(100)
#define SCTP_TICK_REST SOTTO_SECONDS(1)
#define SCTP_MOMENT 0x1ffff /* us: what associations do when they become idle they do together, as each wake-up costs more than that */
#define SCTP_LOOK SOTTO_SECONDS(1) /* how often an association is asked whether it lives */
#define SCTP_LOOK_HOME SOTTO_SECONDS(10)
#define SCTP_LOOK_WAIT SOTTO_SECONDS(50) /* for a turn that something else makes */

#endif

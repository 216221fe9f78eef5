/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_INTEROP_PEER_H
#define SOTTO_TEST_INTEROP_PEER_H
/* What the files of the commanded peer share: peer.c has the table of commands and says what they mean. */
#include <sotto/e2ee.h>
#include <sotto/sotto.h>

#include <stdbool.h>
#include <stdint.h>

#define MAX_PCS 16
#define MAX_DCS 4096
#define MAX_SERVERS 8
#define MAX_FIELDS 16
#define MAX_SHOWN 256 /* transceivers of a connection */

struct conn {
    sotto_pc *pc;
    sotto_event *held; /* echo: a message that could not be sent back yet */
    bool trickle, described;
    char mode; /* 'e'cho, 's'ink, 'r'eport, 'n'umbered */
    char *created;                  /* what the last create gave; sotto_free() */
    bool perfect, polite, ignoring; /* perfect negotiation */
    sotto_transceiver *known[MAX_SHOWN]; /* handles that were seen: given back once they are gone */
    int n_known;
};

struct chan {
    sotto_dc *dc;
    int conn;
    uint64_t messages, bytes; /* received */
    uint32_t hash;
    uint8_t *out; /* a send job: one message; owned */
    size_t out_size;
    uint64_t out_left, out_done;
    bool out_text;
    uint32_t out_hash;
    sotto_us flow_every, flow_due; /* numbered messages, one each so many µs; 0: none */
    uint32_t flow_sent;
};

extern struct conn conns[MAX_PCS];
extern struct chan chans[MAX_DCS];
extern size_t n_chans;

/* peer.c */
void write_field(const char *s);            /* a tab and the text, newlines as "\n" */
void report(const char *what, int code);    /* "error" */

/* peer_sdp.c: descriptions and candidates. f: the command's fields from its name on */
void do_new(int n, char **f, int n_f);
void do_describe(int n, char **f, int n_f);
void do_remote(int n, char **f, int n_f);
void do_candidate(int n, char **f, int n_f);
void do_create(int n, char **f, int n_f);
void do_write(int n, char **f, int n_f);
void do_set(int n, char **f, int n_f);
void do_perfect(int n, char **f, int n_f);
void do_restart(int n, char **f, int n_f);
void write_description(int n);
void forget_created(int n);
void on_negotiation_needed(int n);
extern sotto_ctx *ctx;

/* peer_media.c: transceivers, and what is known of them */
void do_transceiver(int n, char **f, int n_f);
void do_track(int n, char **f, int n_f);
void do_untrack(int n, char **f, int n_f);
void do_direction(int n, char **f, int n_f);
void do_stop(int n, char **f, int n_f);
void do_prefs(int n, char **f, int n_f);
void do_codecs(int n, char **f, int n_f);
void do_params(int n, char **f, int n_f);
void do_look(int n, char **f, int n_f);
void do_stats(int n, char **f, int n_f);
void on_track(int n, const char *what, const sotto_event *e);

sotto_transceiver *pick(int n, char **f); /* that a command names; NULL: none, which was reported unless it was to be any */

/* peer_frames.c: pictures and sound */
void do_play(int n, char **f, int n_f);
void do_record(int n, char **f, int n_f);
void do_recorded(int n, char **f, int n_f);
void do_reflect(int n, char **f, int n_f);
void do_key(int n, char **f, int n_f);
void do_dtmf(int n, char **f, int n_f);
void do_frames(int n, char **f, int n_f);
void on_media_event(int n, const sotto_event *e);
void end_media(int n);

/* peer_forward.c: the forwarding server */
void do_forward(int n, char **f, int n_f);
void do_attack(int n, char **f, int n_f);
void do_forwarded(int n, char **f, int n_f);
bool forward_packet(const sotto_event *e);     /* whether it is for a route */
bool forward_key_wanted(const sotto_event *e); /* … */
void end_forwarding(int n);

/* peer_e2ee.c: keys from end to end */
void do_e2ee(int n, char **f, int n_f);
void do_e2ee_remove(int n, char **f, int n_f);
void do_ratchet(int n, char **f, int n_f);
void do_sealed(int n, char **f, int n_f);
void do_e2ee_channel(int i, char **f, int n_f);

/* peer_data.c: channels */
void do_open(int n, char **f, int n_f);
void do_send(int i, char **f, int n_f);
void do_say(int i, char **f, int n_f);
void do_count(int i, char **f, int n_f);
void do_close(int i, char **f, int n_f);
void do_flow(int i, char **f, int n_f);
bool on_data_event(int n, sotto_event *e); /* whether it was kept */
sotto_us flow_next(sotto_us now);          /* sends what is due; when the next one is, -1 never */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_COUPLE_H
#define SOTTO_TEST_COUPLE_H
/*
 * Two transports joined by hand, without lib/peer: over the virtual network, or by libnice over loopback (still_clock.h). What they tell
 * is recorded; candidates go to the other side as soon as it knows the generation that they belong to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net.h"
#include "sotto/pc.h"
#include "transport/transport.h"

#define PARTY_LOG 1024

struct party_message { /* what each message begins with */
    uint32_t number;
    sotto_us sent_at;
};

struct party {
    struct transport t;
    struct net_host *host; /* NULL: real */
    struct ice_box box;
    struct egress egress;
    struct transport_shared shared;
    struct cert *cert;
    struct party *other;
    bool is_client; /* of DTLS */

    struct candidate candidates[PARTY_LOG]; /* all that it told, with the ufrag */
    size_t n_candidates, n_gathered, n_servers;
    char gathered_ufrag[9];
    struct transport_out server; /* the last one; url is copied */
    char server_url[64], server_text[64];
    int32_t ice[PARTY_LOG];      /* the states shown */
    enum transport_dtls_state dtls[PARTY_LOG];
    size_t n_ice, n_dtls, n_up, n_down;
    int dtls_error;
    char dtls_reason[128];

    sotto_us every, next_at;      /* a message so often; 0: none */
    uint32_t n_sent, n_received;  /* messages; they are numbered from 0 and must come in order */
    size_t size;                  /* of a message */
    sotto_us slowest;             /* from send to pull */
    bool is_paused;              /* pulls no messages */
    bool is_lax;                 /* messages may be lost */
    void (*on_media)(struct party *p, bool is_rtcp, const uint8_t *packet, size_t n); /* nullable */
};

struct couple {
    struct net *net; /* NULL: real */
    struct dtls_ctx *dtls;
    struct party a, b;
    struct party third; /* if it was asked for */
};

struct couple *couple_new(uint64_t seed, bool real);
void couple_free(struct couple *c);
sotto_us couple_now(const struct couple *c);
void couple_run(struct couple *c, sotto_us span);
/* Until done(c) is true, for at most span; whether it was. */
bool couple_until(struct couple *c, bool (*done)(struct couple *), sotto_us span);

void party_config(const struct party *p, struct transport_cfg *ret); /* as it was made */
/* What the other's description would say of its generation: next or live. */
struct transport_remote party_remote(const struct party *of, bool next);
/* Sets it at p, and gives it the candidates that were told for it before. */
int party_set_remote(struct couple *c, struct party *p, const struct transport_remote *r);
bool party_send(struct couple *c, struct party *p); /* the next message */

struct party *couple_third(struct couple *c); /* at an address of its own; a client of DTLS */
void couple_signal(struct couple *c);  /* both start; with data on ports 5000 */
void couple_connect(struct couple *c); /* … and are connected */
/* a offers new credentials, b answers with new ones; new_dtls: and a new association of DTLS. */
void couple_restart(struct couple *c, bool new_dtls);
bool couple_is_up(struct couple *c);       /* both have an association */
bool couple_has_moved(struct couple *c);   /* nobody has a next generation */
bool couple_is_even(struct couple *c);     /* all that was sent has come */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PEER_DUO_H
#define TEST_PEER_DUO_H
/* Two peers joined by the virtual network, driven by hand: for the unit tests of lib/peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net.h"
#include "peer/private.h"
#include "util/mem.h"

struct duo_side {
    struct net_host *host;
    struct peer *peer;
    struct ice_box box;
    struct egress egress;
    struct transport_shared shared;
    struct log log;
    struct cert *cert;
    struct channel *remote; /* the last one that the other side opened */
    size_t n_events[32];    /* by type */
    size_t n_messages, bytes;
    char last[64];
    size_t last_len;
    bool last_is_text;
    int32_t closed_error;
    bool paused;
    bool mute; /* its candidates are not told to the other side */
};

struct duo {
    struct net *net;
    struct dtls_ctx *dtls;
    struct duo_side a, b;
};

struct duo *duo_new(uint64_t seed);
void duo_free(struct duo *d);
void duo_run(struct duo *d, sotto_us span); /* takes events and messages; gives candidates to the other side */
void duo_signal(struct duo *d);             /* a offers, b answers */
struct channel *duo_open(struct duo_side *s, const char *label);
void duo_connect(struct duo *d); /* a opens "x", they connect; d->b.remote is the other end */
sotto_us duo_now(const struct duo *d);

#endif

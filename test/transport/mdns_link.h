/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_MDNS_LINK_H
#define SOTTO_TEST_MDNS_LINK_H
/* An mDNS agent on a link that is made up, driven by hand: what it sends is kept, what it is to receive is put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "transport/mdns_agent.h"
#include "util/mem.h"
#include "util/rand.h"
#include "wire/mdns.h"

#define MAX_SENT 512
#define MAX_WAITING 128

/* A host with interfaces 1…n; "descriptors" are 10 + family index. What is sent is kept; what it is to receive is put in by hand. */
struct host {
    size_t n_interfaces;
    bool no_sockets, has_only_v4, deaf;
    bool open[2];
    unsigned joined[2]; /* bits of interfaces */
    size_t opened, closed, looked;
    struct sent {
        struct address to;
        unsigned interface;
        size_t n;
        uint8_t p[MDNS_MESSAGE];
    } sent[MAX_SENT];
    size_t n_sent;
    struct waiting {
        struct net_origin from;
        size_t n;
        uint8_t p[1500];
    } waiting[MAX_WAITING];
    size_t n_waiting, at_waiting;
};

struct rig {
    struct host host;
    struct mdns_agent a;
    sotto_us now;
};

#define START SOTTO_SECONDS(1000)
#define NAME "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
extern const struct address v4, v6;
extern const struct net_origin neighbour;

struct rig *rig_new(size_t interfaces);
void rig_free(struct rig *r);
/* What comes out until `until`, at the times that it asks for; the last of it in out (nullable). */
size_t rig_run(struct rig *r, sotto_us until, struct mdns_out *out);
void rig_put(struct rig *r, const struct net_origin *from, const struct writer *w);
void rig_answer(struct rig *r, const struct net_origin *from, const char *name,
                const struct address *addr, uint32_t ttl);
void rig_question(struct rig *r, const struct net_origin *from, const char *name, uint16_t type,
                  bool unicast);
void rig_ask(struct rig *r, const char *name, void *owner);

#endif

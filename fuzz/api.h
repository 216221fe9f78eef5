/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_API_H
#define SOTTO_FUZZ_API_H
/* What the files of fuzz_api share: the handles that an application has, and the calls on them. */
#include "api/ctx.h"
#include "net.h"
#include "sotto/sotto.h"
#include "util/bytes.h"
#include "util/mem.h"

enum { API_PCS = 4, API_DCS = 12, API_TRACKS = 12, API_HELD = 12, API_RETRIES = 2 };

struct handle {
    void *p;    /* NULL: none */
    bool freed; /* and named by an event that is held */
    bool is_closed; /* by a call of ours */
};

struct api {
    struct reader in;
    struct net *net;
    struct net_host *host[2];
    struct world world[2];
    sotto_ctx *ctx[2];
    struct handle pcs[API_PCS]; /* of i and i ^ 1 each is the other's remote; context i & 1 */
    struct handle dcs[API_DCS], tracks[API_TRACKS];
    bool is_over[API_PCS]; /* its last STATE came */
    sotto_event *held[API_HELD];
    int n_held;
    sotto_reconnect *retry[API_RETRIES];
    int retry_of[API_RETRIES];
    sotto_cert *cert;
    enum { TAKE_NEXT, TAKE_WAIT, TAKE_MANY } by; /* which function events are taken by */
};

/* One of the errors that functions return, or a count. */
void api_known(int64_t r);
sotto_dc *api_dc_of(const sotto_event *e);              /* nullable */
sotto_transceiver *api_track_of(const sotto_event *e);  /* nullable */
void api_keep_dc(struct api *w, sotto_dc *dc);          /* or frees it, where there is no room */
void api_free_pc(struct api *w, int i);
void api_free_dc(struct api *w, struct handle *h);

void api_call_pc(struct api *w, uint8_t v);
void api_call_dc(struct api *w, uint8_t v);
void api_call_track(struct api *w, uint8_t v);
void api_call_media(struct api *w, uint8_t v);
void api_call_retry(struct api *w, uint8_t v);
void api_call_trust(struct api *w, uint8_t v);

#endif

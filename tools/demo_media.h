/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_DEMO_MEDIA_H
#define SOTTO_TOOLS_DEMO_MEDIA_H
/* The media of the calls of `sotto demo`: what it sends to a browser, and what becomes of what the browser sends. */
#include "sender.h"

#define DEMO_MAX_SENDING 8u /* calls that get media at a time: each has its own encoder */
#define DEMO_MAX_TRACKS 8u  /* received ones of a call; others are not looked at */
#define DEMO_MAX_RECORD (1024u * 1024 * 1024) /* bytes of a file */

/* Of all calls. */
struct demo_media {
    const struct sources *sources;
    const char *record; /* a directory; NULL: nothing is recorded */
    unsigned calls;     /* so far: they are numbered */
    unsigned sending;   /* calls that get media now */
};

struct call_media;
/* Between the offer and the answer: what the browser wants to get, it gets. NULL: no memory. */
struct call_media *call_media_new(struct demo_media *d, sotto_pc *pc);
void call_media_free(struct call_media *m); /* nullable; before its connection is freed */
void call_media_connected(struct call_media *m);
void call_media_event(struct call_media *m, const sotto_event *e);
/* What came so far, as JSON. Returns its length, below cap. */
size_t call_media_report(const struct call_media *m, char *out, size_t cap);

/* recorder.c: what comes of one call, each track and layer in a file of its own. */
struct recorder;
struct recorder *recorder_new(const char *directory, unsigned call); /* NULL: no memory */
void recorder_free(struct recorder *r);                              /* nullable; ends the files */
/* A frame came. Returns 1; 0: a key frame is needed first, or this is not recorded. */
int recorder_put(struct recorder *r, const sotto_transceiver *t, const sotto_frame *f);
/* The files so far, as a JSON list of names. Returns its length, below cap. */
size_t recorder_report(const struct recorder *r, char *out, size_t cap);

#endif

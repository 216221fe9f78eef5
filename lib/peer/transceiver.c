/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transceivers: their life and what the application does with them (W3C WebRTC 1.0 §5.1, §5.4; RFC 9429 §4.2). In: calls of api/, and of
 * apply.c for what descriptions bring; out: the set, in order of creation, and the question whether negotiation is needed. Knows
 * nothing of the text of descriptions.
 */
#include "peer/transceiver.h"

#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "util/mem.h"
#include "util/rand.h"

/* ---- making and freeing ---- */

/* A UUID of random bits: RFC 9562 §5.4. */
static int make_track_id(char ret[static 37])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t b[16];
    size_t at = 0;
    int r = sotto__rand(b, sizeof b);
    if (r < 0) return r;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) ret[at++] = '-';
        ret[at++] = hex[b[i] >> 4];
        ret[at++] = hex[b[i] & 15];
    }
    ret[at] = '\0';
    return 0;
}

static bool ssrc_is_used(struct peer *p, uint32_t ssrc)
{
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        if (t->ssrc == ssrc || t->rtx_ssrc == ssrc) return true;
    return false;
}

/* Not zero, not `other`, and no other transceiver's. */
static int make_ssrc(struct peer *p, uint32_t other, uint32_t *ret)
{
    do {
        int r = sotto__rand(ret, sizeof *ret);
        if (r < 0) return r;
    } while (*ret == 0 || *ret == other || ssrc_is_used(p, *ret));
    return 0;
}

static int make_ids(struct peer *p, struct transceiver *t)
{
    int r = make_track_id(t->track_id);
    if (r == 0) r = make_ssrc(p, 0, &t->ssrc);
    if (r == 0) r = make_ssrc(p, t->ssrc, &t->rtx_ssrc);
    return r;
}

/* All but streams and encodings. */
static int make(struct peer *p, sotto_kind kind, int32_t direction, struct transceiver **ret)
{
    int r = sotto__media_open(p);
    if (r < 0) return r;
    struct transceiver *t = sotto__calloc(1, sizeof *t);
    if (!t) return SOTTO_E_NOMEM;
    r = make_ids(p, t);
    if (r < 0) {
        sotto__free(t);
        return r;
    }
    t->kind = kind;
    t->direction = direction;
    t->current = t->fired = SOTTO_DIR_NONE;
    t->mline_index = -1;
    t->max_bps = UINT64_MAX;
    t->line.target = -1; /* adaptive */
    *ret = t;
    return 0;
}

int sotto__transceiver_new(struct peer *p, sotto_kind kind, int32_t direction,
                           struct transceiver **ret)
{
    struct encodings one;
    struct transceiver *t;
    int r = sotto__encodings_read(kind, NULL, 0, &one);
    if (r < 0) return r;
    r = make(p, kind, direction, &t);
    if (r < 0) {
        sotto__encodings_free(&one);
        return r;
    }
    t->encodings = one;
    *ret = t;
    return 0;
}

void sotto__transceiver_free(struct transceiver *t)
{
    if (!t) return;
    sotto__strings_free(&t->streams);
    sotto__strings_free(&t->remote_streams);
    sotto__strings_free(&t->stable_streams);
    sotto__encodings_free(&t->encodings);
    sotto__encodings_free(&t->stable_encodings);
    sotto__codecs_free(&t->prefs);
    sotto__codecs_free(&t->send);
    sotto__codecs_free(&t->recv);
    sotto__free(t);
}

static void free_list(struct peer *p, struct node *head)
{
    for (struct node *n; (n = sotto__list_pop(head));) {
        struct transceiver *t = CONTAINER_OF(n, struct transceiver, all);
        sotto__session_remove(p->session, &t->line);
        sotto__transceiver_free(t);
    }
}

void sotto__transceivers_free(struct peer *p)
{
    free_list(p, &p->transceivers);
    free_list(p, &p->gone);
    p->n_transceivers = p->n_gone = 0;
}

/* ---- the set ---- */

void sotto__transceiver_link(struct peer *p, struct transceiver *t)
{
    t->id = ++p->last_transceiver;
    sotto__list_push(&p->transceivers, &t->all);
    p->n_transceivers++;
}

void sotto__transceiver_remove(struct peer *p, struct transceiver *t)
{
    sotto__e2ee_gone(p, t->line.e2ee);
    sotto__session_remove(p->session, &t->line);
    sotto__events_drop_media(t, UINT32_MAX);
    sotto__list_remove(&t->all);
    p->n_transceivers--;
    t->removed = true; /* its mid stays: W3C */
    t->draft_mid[0] = '\0';
    t->mline_index = -1;
    sotto__list_push(&p->gone, &t->all);
    p->n_gone++;
    sotto__transceiver_release(p, t);
}

void sotto__transceiver_release(struct peer *p, struct transceiver *t)
{
    if (!t->removed || t->shell || t->noted > 0) return;
    sotto__list_remove(&t->all);
    p->n_gone--;
    sotto__transceiver_free(t);
}

void sotto__transceiver_give_back(struct peer *p, struct transceiver *t)
{
    t->shell = NULL;
    t->noted++; /* holds it until the end */
    if (!t->removed) sotto__transceiver_remove(p, t);
    sotto__events_drop_transceiver(p, t);
    t->noted--;
    sotto__transceiver_release(p, t);
}

static struct transceiver *next_of(struct node *head, struct transceiver *after)
{
    struct node *n = after ? after->all.next : head->next;
    return !n || n == head ? NULL : CONTAINER_OF(n, struct transceiver, all);
}

struct transceiver *sotto__transceiver_next(struct peer *p, struct transceiver *after)
{
    return next_of(&p->transceivers, after);
}

struct transceiver *sotto__transceiver_next_gone(struct peer *p, struct transceiver *after)
{
    return next_of(&p->gone, after);
}

struct transceiver *sotto__transceiver_at(struct peer *p, int32_t mline_index)
{
    for (struct transceiver *t = NULL; mline_index >= 0 && (t = sotto__transceiver_next(p, t));)
        if (t->mline_index == mline_index) return t;
    return NULL;
}

struct transceiver *sotto__transceiver_by_draft(struct peer *p, struct str mid)
{
    for (struct transceiver *t = NULL; mid.n > 0 && (t = sotto__transceiver_next(p, t));)
        if (sotto__str_eq(sotto__str(t->draft_mid), mid)) return t;
    return NULL;
}

/* ---- addTransceiver, addTrack, removeTrack ---- */

static int check_add(const struct peer *p, sotto_kind kind)
{
    if (kind != SOTTO_AUDIO && kind != SOTTO_VIDEO) return SOTTO_E_RANGE;
    if (p->closed) return SOTTO_E_CLOSED;
    return 0;
}

/* Those that are gone count too: who adds and stops and gives no handle back must not grow without end. */
static bool has_room(const struct peer *p)
{
    return p->n_transceivers < SOTTO_MAX_TRANSCEIVERS && p->n_gone < SOTTO_MAX_GONE_TRANSCEIVERS;
}

/* Create an RTCRtpSender, an RTCRtpReceiver, an RTCRtpTransceiver; add it to the set. streams are moved if it succeeds. */
static int create(struct peer *p, sotto_kind kind, const sotto_transceiver_config *cfg,
                  struct strings *streams, struct transceiver **ret)
{
    struct encodings encodings;
    if (!has_room(p)) return SOTTO_E_LIMIT;
    int r = sotto__encodings_read(kind, cfg->encodings, cfg->n_encodings, &encodings);
    if (r < 0) return r;
    r = make(p, kind, cfg->direction, ret);
    if (r < 0) {
        sotto__encodings_free(&encodings);
        return r;
    }
    (*ret)->encodings = encodings;
    (*ret)->streams = *streams;
    (*ret)->has_track = sotto__direction_sends(cfg->direction);
    sotto__transceiver_link(p, *ret);
    return 0;
}

int sotto__transceiver_add(struct peer *p, sotto_us now, sotto_kind kind,
                           const sotto_transceiver_config *cfg, struct transceiver **ret)
{
    static const sotto_transceiver_config none = {.direction = SOTTO_DIR_SENDRECV};
    struct strings streams;
    if (!cfg) cfg = &none;
    int r = check_add(p, kind);
    if (r < 0) return r;
    if (cfg->direction < SOTTO_DIR_SENDRECV || cfg->direction > SOTTO_DIR_INACTIVE)
        return SOTTO_E_RANGE;
    r = sotto__streams_read(cfg->streams, cfg->n_streams, &streams);
    if (r < 0) return r;
    r = create(p, kind, cfg, &streams, ret);
    if (r < 0) {
        sotto__strings_free(&streams);
        return r;
    }
    sotto__needed_update(p, now);
    return 0;
}

/* One that has no track, is of this kind, is not stopping and was never used to send. */
static struct transceiver *reusable(struct peer *p, sotto_kind kind)
{
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        if (!t->has_track && t->kind == kind && !t->stopping && !t->has_sent) return t;
    return NULL;
}

static void use(struct transceiver *t, struct strings streams)
{
    sotto__strings_free(&t->streams);
    t->streams = streams;
    t->has_track = true;
    if (t->direction == SOTTO_DIR_RECVONLY)
        t->direction = SOTTO_DIR_SENDRECV;
    else if (t->direction == SOTTO_DIR_INACTIVE)
        t->direction = SOTTO_DIR_SENDONLY;
}

int sotto__transceiver_add_track(struct peer *p, sotto_us now, sotto_kind kind,
                                 const char *const *streams, size_t n_streams,
                                 struct transceiver **ret)
{
    static const sotto_transceiver_config none = {.direction = SOTTO_DIR_SENDRECV};
    struct strings ids;
    int r = check_add(p, kind);
    if (r == 0) r = sotto__streams_read(streams, n_streams, &ids);
    if (r < 0) return r;
    struct transceiver *t = reusable(p, kind);
    if (t) {
        use(t, ids);
    } else {
        r = create(p, kind, &none, &ids, &t);
        if (r < 0) {
            sotto__strings_free(&ids);
            return r;
        }
    }
    t->by_add_track = true;
    *ret = t;
    sotto__needed_update(p, now);
    return 0;
}

int sotto__transceiver_remove_track(struct peer *p, sotto_us now, struct transceiver *t)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->stopping || t->removed || !t->has_track) return 0;
    t->has_track = false;
    if (t->direction == SOTTO_DIR_SENDRECV)
        t->direction = SOTTO_DIR_RECVONLY;
    else if (t->direction == SOTTO_DIR_SENDONLY)
        t->direction = SOTTO_DIR_INACTIVE;
    sotto__needed_update(p, now);
    return 0;
}

/* ---- direction, streams ---- */

int32_t sotto__transceiver_direction(const struct transceiver *t)
{
    return t->stopping ? SOTTO_DIR_STOPPED : t->direction;
}

int32_t sotto__transceiver_current(const struct transceiver *t)
{
    return t->stopped ? SOTTO_DIR_STOPPED : t->current;
}

int sotto__transceiver_set_direction(struct peer *p, sotto_us now, struct transceiver *t,
                                     int32_t direction)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->stopping) return SOTTO_E_STATE;
    if (direction == t->direction) return 0;
    if (direction < SOTTO_DIR_SENDRECV || direction > SOTTO_DIR_INACTIVE) return SOTTO_E_RANGE;
    t->direction = direction;
    sotto__needed_update(p, now);
    return 0;
}

int sotto__transceiver_set_streams(struct peer *p, sotto_us now, struct transceiver *t,
                                   const char *const *streams, size_t n_streams)
{
    struct strings ids;
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->stopping) return SOTTO_E_STATE; /* W3C takes them, and does nothing with them */
    int r = sotto__streams_read(streams, n_streams, &ids);
    if (r < 0) return r;
    sotto__strings_free(&t->streams);
    t->streams = ids;
    sotto__needed_update(p, now);
    return 0;
}

/* ---- stopping ---- */

/* W3C "stop sending and receiving". */
static void stop_sending_and_receiving(struct transceiver *t)
{
    t->direction = SOTTO_DIR_INACTIVE;
    t->stopping = true;
}

void sotto__transceiver_stopped(struct peer *p, struct transceiver *t)
{
    (void)p;
    if (!t->stopping) stop_sending_and_receiving(t);
    t->stopped = true;
    t->current = SOTTO_DIR_NONE;
    sotto__strings_free(&t->remote_streams);
    sotto__strings_free(&t->stable_streams);
}

/*
 * By the letter of W3C such a one needs negotiation for ever: the next offer has no section for it (RFC 9429 §5.2.1, §5.2.2), so no
 * answer can reject one. An offer that was made and can still be set has a draft mid for it, and gives it a section.
 */
static bool has_nothing_to_negotiate(const struct peer *p, const struct transceiver *t)
{
    bool drafted = t->draft_mid[0] != '\0' && p->last_offer;
    return t->stopping && !t->stopped && t->mid[0] == '\0' && !drafted;
}

void sotto__transceivers_sweep(struct peer *p)
{
    struct transceiver *next;
    for (struct transceiver *t = sotto__transceiver_next(p, NULL); t; t = next) {
        next = sotto__transceiver_next(p, t);
        if (!has_nothing_to_negotiate(p, t)) continue;
        sotto__transceiver_stopped(p, t);
        sotto__transceiver_remove(p, t);
    }
}

int sotto__transceiver_stop(struct peer *p, sotto_us now, struct transceiver *t)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->stopping) return 0;
    stop_sending_and_receiving(t);
    sotto__transceivers_sweep(p);
    sotto__media_sync(p, now);
    sotto__needed_update(p, now);
    return 0;
}

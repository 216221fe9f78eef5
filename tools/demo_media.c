/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media of one call: a sender for the first track of each kind that the browser wants to get; what the browser sends is counted, and
 * recorded if that was asked for. Events come from the loop's thread; the senders have their own.
 */
#include "demo_media.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What came of one kind. */
struct received {
    const char *mime; /* static; NULL: nothing came */
    uint64_t frames, bytes, keys, dropped;
};

struct call_media {
    struct demo_media *all;
    sotto_transceiver *wanted[2]; /* to be sent: video, audio; NULL: not */
    struct sender *senders[2];
    const char *why; /* static: why something is not sent; "" */
    bool is_counted; /* in all->sending */
    struct received video, audio;
    struct recorder *recorder; /* NULL: nothing is recorded */
};

static const int32_t kinds[2] = {SOTTO_VIDEO, SOTTO_AUDIO};

/* The browser's tracks make transceivers; to the first of each kind ours is added. */
static int want(struct call_media *m, sotto_pc *pc)
{
    static const char *const stream[] = {"sotto"};
    sotto_transceiver *there[DEMO_MAX_TRACKS];
    int n = sotto_pc_get_transceivers(pc, there, DEMO_MAX_TRACKS), r = n;
    for (int k = 0; k < 2; k++) {
        bool is_there = false;
        for (int i = 0; i < n && i < (int)DEMO_MAX_TRACKS; i++)
            if (sotto_transceiver_kind(there[i]) == kinds[k]) is_there = true;
        if (is_there && r >= 0) r = sotto_pc_add_track(pc, kinds[k], stream, 1, &m->wanted[k]);
    }
    return r;
}

struct call_media *call_media_new(struct demo_media *d, sotto_pc *pc)
{
    struct call_media *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->all = d;
    m->why = "";
    d->calls++;
    if (d->record) m->recorder = recorder_new(d->record, d->calls);
    if (d->record && !m->recorder) {
        free(m);
        return NULL;
    }
    if (d->sending >= DEMO_MAX_SENDING)
        m->why = "too many others get media now";
    else if (want(m, pc) < 0)
        m->why = "no transceiver could be had";
    m->is_counted = m->wanted[0] || m->wanted[1];
    if (m->is_counted) d->sending++;
    return m;
}

void call_media_free(struct call_media *m)
{
    if (!m) return;
    for (int k = 0; k < 2; k++) sender_stop(m->senders[k]);
    recorder_free(m->recorder);
    if (m->is_counted) m->all->sending--;
    free(m);
}

void call_media_connected(struct call_media *m)
{
    for (int k = 0; k < 2; k++) {
        sotto_direction d;
        if (!m->wanted[k] || m->senders[k]) continue;
        d = sotto_transceiver_current_direction(m->wanted[k]);
        if (d != SOTTO_DIR_SENDRECV && d != SOTTO_DIR_SENDONLY) continue;
        int r = sender_start(m->all->sources, m->wanted[k], &m->senders[k]);
        if (r == SOTTO_E_UNSUPPORTED)
            m->why = k == 0 ? "the browser takes no codec of the picture"
                            : "the browser takes no codec of the sound";
        else if (r < 0)
            m->why = sotto_strerror(r);
    }
}

static struct sender *sender_of(const struct call_media *m, const sotto_transceiver *t)
{
    for (int k = 0; k < 2; k++)
        if (m->senders[k] && m->wanted[k] == t) return m->senders[k];
    return NULL;
}

static void on_frame(struct call_media *m, sotto_transceiver *t, const sotto_frame *f)
{
    struct received *r = sotto_transceiver_kind(t) == SOTTO_AUDIO ? &m->audio : &m->video;
    r->mime = f->mime;
    r->frames++;
    r->bytes += f->len;
    r->keys += f->is_key ? 1 : 0;
    r->dropped += f->dropped;
    if (m->recorder && recorder_put(m->recorder, t, f) == 0 && r == &m->video)
        sotto_transceiver_request_keyframe(t, f->rid); /* rate-limited; it fails only where nothing comes any more */
}

void call_media_event(struct call_media *m, const sotto_event *e)
{
    struct sender *s;
    switch (e->type) {
    case SOTTO_EV_FRAME: on_frame(m, e->u.frame.transceiver, e->u.frame.frame); break;
    case SOTTO_EV_KEYFRAME_NEEDED:
        s = sender_of(m, e->u.media.transceiver);
        if (s) sender_need_key(s);
        break;
    case SOTTO_EV_TARGET_BITRATE:
        s = sender_of(m, e->u.bitrate.transceiver);
        if (s) sender_set_bitrate(s, e->u.bitrate.bps, e->u.bitrate.loss);
        break;
    default: break;
    }
}

static int write_received(const struct received *r, char *out, size_t cap)
{
    return snprintf(out, cap,
                    "{\"mime\":\"%s\",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64
                    ",\"keys\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
                    r->mime ? r->mime : "", r->frames, r->bytes, r->keys, r->dropped);
}

size_t call_media_report(const struct call_media *m, char *out, size_t cap)
{
    char video[256], audio[256], files[1024] = "";
    int n;
    write_received(&m->video, video, sizeof video);
    write_received(&m->audio, audio, sizeof audio);
    recorder_report(m->recorder, files, sizeof files);
    n = snprintf(out, cap,
                 "{\"video\":%s,\"audio\":%s,\"why\":\"%s\",\"recording\":%s,\"files\":[%s]}",
                 video, audio, m->why, m->recorder ? "true" : "false", files);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

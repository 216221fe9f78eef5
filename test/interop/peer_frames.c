/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commanded peer's media: plays the pattern with the clock, or a file, on a transceiver; records what comes, each track in a file of
 * its own; sends packets back as they came; counts.
 */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/demo_media.h"

#define MAX_PLAYING 8
#define MAX_COUNTED 16

struct playing {
    struct sources sources;
    struct sender *sender; /* NULL: free */
    int conn;
};

struct counted { /* what came on one transceiver and layer */
    const sotto_transceiver *t; /* NULL: free */
    int conn;
    char rid[16];
    const char *mime;
    uint64_t frames, keys, bytes, dropped, packets;
    uint64_t asked, muted, unmuted; /* key frames, MUTE, UNMUTE */
    sotto_us capture_first, capture_last, late; /* late: received less capture, of the last one */
};

static struct playing playing[MAX_PLAYING];
static struct counted counted[MAX_COUNTED];
static struct recorder *recorders[MAX_PCS];
static char directories[MAX_PCS][256]; /* theirs */
static bool reflects[MAX_PCS];

static void stop_playing(struct playing *p)
{
    sender_stop(p->sender);
    sources_free(&p->sources);
    *p = (struct playing){0};
}

/* play n t [FILE | WIDTHxHEIGHT]: the pattern, or the file in a loop, instead of what was played there before */
void do_play(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    int32_t width = 640, height = 360;
    char over;
    bool sized = n_f > 3 && sscanf(f[3], "%" SCNd32 "x%" SCNd32 "%c", &width, &height, &over) == 2;
    for (int i = 0; t && i < MAX_PLAYING; i++)
        if (playing[i].sender && sender_transceiver(playing[i].sender) == t)
            stop_playing(&playing[i]);
    for (int i = 0; t && i < MAX_PLAYING; i++) {
        struct playing *p = &playing[i];
        if (p->sender) continue;
        p->sources = (struct sources){.width = width, .height = height, .fps = 30};
        p->conn = n;
        int r = n_f > 3 && !sized ? sources_add_file(&p->sources, f[3]) : 0;
        if (r == 0) r = sender_start(&p->sources, t, &p->sender);
        printf("play\t%d\t%d\n", n, r);
        return;
    }
    report("play", SOTTO_E_LIMIT);
}

/* record n DIRECTORY */
void do_record(int n, char **f, int n_f)
{
    (void)n_f;
    recorder_free(recorders[n]);
    snprintf(directories[n], sizeof directories[n], "%s", f[2]);
    recorders[n] = recorder_new(directories[n], (unsigned)n);
    printf("record\t%d\t%d\n", n, recorders[n] ? 0 : SOTTO_E_NOMEM);
}

/* recorded n: ends the files */
void do_recorded(int n, char **f, int n_f)
{
    (void)f;
    (void)n_f;
    recorder_free(recorders[n]);
    recorders[n] = NULL;
    printf("recorded\t%d\n", n);
}

/* reflect n t: its packets go back as they are */
void do_reflect(int n, char **f, int n_f)
{
    (void)n_f;
    sotto_transceiver *t = pick(n, f);
    int r = t ? sotto_transceiver_set_receive_mode(t, SOTTO_RECEIVE_RTP) : SOTTO_E_RANGE;
    reflects[n] = r == 0;
    printf("reflect\t%d\t%d\n", n, r);
}

/* key n t: asks the remote for a key frame */
void do_key(int n, char **f, int n_f)
{
    (void)n_f;
    sotto_transceiver *t = pick(n, f);
    if (t) printf("key\t%d\t%d\n", n, sotto_transceiver_request_keyframe(t, NULL));
}

/* dtmf n t TONES */
void do_dtmf(int n, char **f, int n_f)
{
    (void)n_f;
    sotto_transceiver *t = pick(n, f);
    if (t) printf("dtmf\t%d\t%d\n", n, sotto_transceiver_insert_dtmf(t, f[3], 0, 0));
}

/* frames n: a field for each that came: MID,RID,MIME,FRAMES,KEYS,BYTES,DROPPED,PACKETS,ASKED,MUTED,UNMUTED,LATE */
void do_frames(int n, char **f, int n_f)
{
    char mid[65];
    (void)f;
    (void)n_f;
    printf("frames\t%d", n);
    for (int i = 0; i < MAX_COUNTED; i++) {
        const struct counted *c = &counted[i];
        if (!c->t || c->conn != n || sotto_transceiver_mid(c->t, mid, sizeof mid) < 0) continue;
        printf("\t%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
               ",%" PRIu64 ",%" PRIu64 ",%" PRId64,
               mid, c->rid, c->mime ? c->mime : "", c->frames, c->keys, c->bytes, c->dropped,
               c->packets, c->asked, c->muted, c->unmuted, c->late);
    }
    putchar('\n');
}

static struct counted *count_of(int n, const sotto_transceiver *t, const char *rid)
{
    if (!rid) rid = "";
    for (int i = 0; i < MAX_COUNTED; i++) {
        struct counted *c = &counted[i];
        if (!c->t) {
            c->t = t;
            c->conn = n;
            snprintf(c->rid, sizeof c->rid, "%s", rid);
        }
        if (c->t == t && strcmp(c->rid, rid) == 0) return c;
    }
    return NULL;
}

static struct sender *sender_of(const sotto_transceiver *t)
{
    for (int i = 0; i < MAX_PLAYING; i++)
        if (playing[i].sender && sender_transceiver(playing[i].sender) == t)
            return playing[i].sender;
    return NULL;
}

static void on_frame(int n, const sotto_event *e)
{
    const sotto_frame *f = e->u.frame.frame;
    struct counted *c = count_of(n, e->u.frame.transceiver, f->rid);
    if (!c) return;
    c->mime = f->mime;
    c->frames++;
    c->keys += f->is_key;
    c->bytes += f->len;
    c->dropped += f->dropped;
    c->late = f->capture_us ? f->received_us - f->capture_us : 0;
    if (recorders[n]) recorder_put(recorders[n], e->u.frame.transceiver, f);
}

static void on_packet(int n, const sotto_event *e)
{
    struct counted *c = count_of(n, e->u.rtp.transceiver, e->u.rtp.rid);
    if (c) c->packets++;
    if (forward_packet(e)) return;
    if (!reflects[n]) return;
    int r = sotto_transceiver_send_rtp(e->u.rtp.transceiver, e->u.rtp.packet, e->u.rtp.len);
    if (r < 0 && c) c->dropped++;
}

static void on_key_wanted(int n, const sotto_event *e)
{
    struct sender *s = sender_of(e->u.media.transceiver);
    struct counted *c = count_of(n, e->u.media.transceiver, NULL);
    if (s) sender_need_key(s);
    if (c) c->asked++;
    if (forward_key_wanted(e)) return;
    if (reflects[n]) sotto_transceiver_request_keyframe(e->u.media.transceiver, NULL);
}

void on_media_event(int n, const sotto_event *e)
{
    struct sender *s;
    struct counted *c;
    switch (e->type) {
    case SOTTO_EV_FRAME: on_frame(n, e); break;
    case SOTTO_EV_RTP: on_packet(n, e); break;
    case SOTTO_EV_KEYFRAME_NEEDED: on_key_wanted(n, e); break;
    case SOTTO_EV_TARGET_BITRATE:
        s = sender_of(e->u.bitrate.transceiver);
        if (s) sender_set_bitrate(s, e->u.bitrate.bps, e->u.bitrate.loss);
        break;
    case SOTTO_EV_DTMF_TONE:
        printf("tone\t%d\t%c\n", n, e->u.dtmf.tone ? e->u.dtmf.tone : '-');
        break;
    case SOTTO_EV_MUTE:
    case SOTTO_EV_UNMUTE:
        c = count_of(n, e->u.track.transceiver, NULL);
        if (c) ++*(e->type == SOTTO_EV_MUTE ? &c->muted : &c->unmuted);
        break;
    default: break;
    }
}

/* Before its connection is freed. */
void end_media(int n)
{
    for (int i = 0; i < MAX_PLAYING; i++)
        if (playing[i].sender && playing[i].conn == n) stop_playing(&playing[i]);
    recorder_free(recorders[n]);
    recorders[n] = NULL;
    reflects[n] = false;
    for (int i = 0; i < MAX_COUNTED; i++)
        if (counted[i].conn == n) counted[i] = (struct counted){0};
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commanded peer's transceivers: made, changed and stopped as told, and shown: what each prefers, what was negotiated, both
 * descriptions, codecs, parameters and statistics.
 */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_ITEMS 64

static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive", "stopped"};

static sotto_direction direction_of(const char *name)
{
    for (int i = 0; i < 5; i++)
        if (strcmp(name, directions[i]) == 0) return i;
    return SOTTO_DIR_NONE;
}

static const char *direction_name(sotto_direction d)
{
    return d >= 0 && d < 5 ? directions[d] : "";
}

static sotto_kind kind_of(const char *name)
{
    return strcmp(name, "audio") == 0 ? SOTTO_AUDIO : SOTTO_VIDEO;
}

sotto_transceiver *pick(int n, char **f)
{
    sotto_transceiver *all[MAX_SHOWN], *found[MAX_SHOWN];
    int count = sotto_pc_get_transceivers(conns[n].pc, all, MAX_SHOWN), n_found = 0;
    unsigned long place = strtoul(f[2] + (f[2][0] == '?'), NULL, 10);
    char mid[65];
    for (int i = 0; i < count && i < MAX_SHOWN; i++) {
        bool by_mid = strncmp(f[2], "mid:", 4) == 0, live = f[2][0] == '?';
        if (by_mid &&
            (sotto_transceiver_mid(all[i], mid, sizeof mid) < 0 || strcmp(mid, f[2] + 4) != 0))
            continue;
        if (live && sotto_transceiver_get_direction(all[i]) == SOTTO_DIR_STOPPED) continue;
        if (by_mid) place = 0;
        found[n_found++] = all[i];
    }
    if (n_found > 0 && f[2][0] == '?') place %= (unsigned long)n_found;
    if (place < (unsigned long)n_found) return found[place];
    if (f[2][0] != '?') report(f[0], SOTTO_E_RANGE);
    return NULL;
}

/* Gives back the handles of transceivers that are in the list no longer: stopped, or rolled back. */
static void sweep(struct conn *c)
{
    sotto_transceiver *all[MAX_SHOWN];
    int count = sotto_pc_get_transceivers(c->pc, all, MAX_SHOWN);
    for (int i = 0; i < c->n_known; i++) {
        bool there = false;
        for (int k = 0; k < count && k < MAX_SHOWN; k++) there |= all[k] == c->known[i];
        if (!there) sotto_transceiver_free(c->known[i]);
    }
    c->n_known = 0;
    while (c->n_known < count && c->n_known < MAX_SHOWN) {
        c->known[c->n_known] = all[c->n_known];
        c->n_known++;
    }
}

/* --- changes ---------------------------------------------------------------------------------------------------------- */

void do_transceiver(int n, char **f, int n_f)
{
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = direction_of(f[3])};
    sotto_encoding encodings[MAX_FIELDS];
    const char *streams[MAX_FIELDS];
    sotto_transceiver *t;
    for (int i = 4; i < n_f; i++) {
        if (strncmp(f[i], "stream=", 7) == 0) streams[cfg.n_streams++] = f[i] + 7;
        if (strncmp(f[i], "rid=", 4) == 0)
            encodings[cfg.n_encodings++] =
                (sotto_encoding){.size = sizeof *encodings, .rid = f[i] + 4};
    }
    if (cfg.n_streams > 0) cfg.streams = streams;
    if (cfg.n_encodings > 0) cfg.encodings = encodings;
    int r = sotto_pc_add_transceiver(conns[n].pc, kind_of(f[2]), &cfg, &t);
    if (r < 0) report(f[0], r);
    sweep(&conns[n]);
}

void do_track(int n, char **f, int n_f)
{
    const char *streams[MAX_FIELDS];
    size_t n_streams = 0;
    sotto_transceiver *t;
    for (int i = 3; i < n_f; i++)
        if (strncmp(f[i], "stream=", 7) == 0) streams[n_streams++] = f[i] + 7;
    int r = sotto_pc_add_track(conns[n].pc, kind_of(f[2]), n_streams > 0 ? streams : NULL,
                               n_streams, &t);
    if (r < 0) report(f[0], r);
    sweep(&conns[n]);
}

void do_untrack(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    int r = t ? sotto_pc_remove_track(conns[n].pc, t) : 0;
    (void)n_f;
    if (r < 0) report(f[0], r);
}

void do_direction(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    int r = t ? sotto_transceiver_set_direction(t, direction_of(f[3])) : 0;
    (void)n_f;
    if (r < 0) report(f[0], r);
}

void do_stop(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    int r = t ? sotto_transceiver_stop(t) : 0;
    (void)n_f;
    if (r < 0) report(f[0], r);
}

/* In the order of the MIME types given; each with all its formats; "audio/opus;stereo=1": with that parameter, too. */
void do_prefs(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    sotto_codecs *all = NULL;
    sotto_codec items[MAX_ITEMS];
    char fmtp[MAX_ITEMS][256];
    size_t n_items = 0;
    if (!t) return;
    int r = sotto_capabilities(sotto_transceiver_kind(t), &all);
    for (int i = 3; r >= 0 && i < n_f; i++)
        for (size_t k = 0; k < all->n && n_items < MAX_ITEMS; k++) {
            size_t n_mime = strcspn(f[i], ";");
            const sotto_codec *c = &all->items[k];
            if (strlen(c->mime) != n_mime || strncasecmp(c->mime, f[i], n_mime) != 0) continue;
            items[n_items] = *c;
            snprintf(fmtp[n_items], sizeof fmtp[0], "%s%s", c->fmtp, f[i] + n_mime);
            items[n_items].fmtp = fmtp[n_items];
            n_items++;
        }
    if (r >= 0) r = sotto_transceiver_set_codec_preferences(t, items, n_items);
    sotto_free(all);
    if (r < 0) report(f[0], r);
}

/* --- what there is ------------------------------------------------------------------------------------------------------ */

void do_codecs(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    sotto_codecs *all = NULL;
    char text[512];
    (void)n_f;
    if (!t) return;
    int r = sotto_transceiver_codec(t, &all);
    if (r < 0) {
        report(f[0], r);
        return;
    }
    printf("codecs\t%d", n);
    for (size_t i = 0; i < all->n; i++) {
        const sotto_codec *c = &all->items[i];
        snprintf(text, sizeof text, "%s %d %s", c->mime, c->payload_type, c->fmtp);
        write_field(text);
    }
    putchar('\n');
    sotto_free(all);
}

void do_params(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    sotto_send_parameters *p = NULL;
    (void)n_f;
    if (!t) return;
    int r = sotto_transceiver_get_parameters(t, &p);
    if (r < 0) {
        report(f[0], r);
        return;
    }
    printf("params\t%d", n);
    for (size_t i = 0; i < p->n_encodings; i++)
        printf("\t%s %d %g", p->encodings[i].rid ? p->encodings[i].rid : "-",
               p->encodings[i].inactive, p->encodings[i].scale);
    putchar('\n');
    sotto_free(p);
}

static void write_current(sotto_pc *pc,
                          int (*read)(sotto_pc *, sotto_sdp_which, sotto_sdp_type *, char **))
{
    char *sdp = NULL;
    int r = read(pc, SOTTO_DESC_CURRENT, NULL, &sdp);
    write_field(r == 1 ? sdp : "");
    sotto_free(sdp);
}

void do_look(int n, char **f, int n_f)
{
    sotto_pc *pc = conns[n].pc;
    sotto_transceiver *all[MAX_SHOWN];
    sotto_transport_info info = {.size = sizeof info};
    sotto_pc_state s = {.size = sizeof s};
    int count = sotto_pc_get_transceivers(pc, all, MAX_SHOWN);
    (void)f;
    (void)n_f;
    sweep(&conns[n]);
    sotto_pc_get_state(pc, &s);
    sotto_pc_get_transport(pc, &info);
    printf("look\t%d\t%d\t%d\t%d\t%s\t%s\t", n, s.signaling, s.connection, info.dtls,
           info.local_ufrag, info.remote_ufrag);
    for (int i = 0; i < count && i < MAX_SHOWN; i++) {
        char mid[65] = "";
        sotto_transceiver_mid(all[i], mid, sizeof mid);
        printf("%s%s,%s,%s,%s", i > 0 ? ";" : "", mid,
               sotto_transceiver_kind(all[i]) == SOTTO_AUDIO ? "audio" : "video",
               direction_name(sotto_transceiver_get_direction(all[i])),
               direction_name(sotto_transceiver_current_direction(all[i])));
    }
    write_current(pc, sotto_pc_local_description);
    write_current(pc, sotto_pc_remote_description);
    putchar('\n');
}

void do_stats(int n, char **f, int n_f)
{
    char *json = NULL;
    int r = sotto_pc_get_stats_json(conns[n].pc, &json);
    (void)n_f;
    if (r < 0) {
        report(f[0], r);
        return;
    }
    printf("stats\t%d", n);
    write_field(json);
    putchar('\n');
    sotto_free(json);
}

void on_track(int n, const char *what, const sotto_event *e)
{
    char mid[65] = "";
    sweep(&conns[n]);
    sotto_transceiver_mid(e->u.track.transceiver, mid, sizeof mid);
    printf("%s\t%d\t%s\t", what, n, mid);
    for (size_t i = 0; i < e->u.track.n_streams; i++)
        printf("%s%s", i > 0 ? " " : "", e->u.track.streams[i]);
    putchar('\n');
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of fuzz_api on transceivers: made, looked at, changed; frames and packets sent through them.
 */
#include <string.h>

#include "api.h"
#include "api_calls.h"
#include "require.h"

static void keep(struct api *w, sotto_transceiver *t)
{
    for (int i = 0; i < API_TRACKS; i++) {
        if (w->tracks[i].p == t) return;
        if (w->tracks[i].p) continue;
        w->tracks[i] = (struct handle){.p = t};
        return;
    }
}

void api_add_track(struct api *w, struct picked h, uint8_t v)
{
    static const char *const streams[] = {"s1", "s2", "bad id", ""};
    sotto_encoding layers[3] = {{.size = sizeof layers[0], .rid = "q"},
                                {.size = sizeof layers[0], .rid = "h", .max_bps = 300000},
                                {.size = sizeof layers[0], .rid = "f", .inactive = v & 1}};
    sotto_transceiver_config cfg = {.size = sizeof cfg,
                                    .direction = v >> 1 & 3,
                                    .streams = streams,
                                    .n_streams = v & 128 ? sotto__read_u8(&w->in) % 4 : 0,
                                    .encodings = layers,
                                    .n_encodings = v & 64 ? 3 : 0,
                                    .user = w};
    sotto_transceiver *t = NULL, *items[API_TRACKS] = {NULL};
    sotto_kind kind = v & 8 ? SOTTO_VIDEO : SOTTO_AUDIO;
    int r = v & 16 ? sotto_pc_add_transceiver(h.p, v & 32 ? 3 : kind, v & 4 ? NULL : &cfg, &t)
                   : sotto_pc_add_track(h.p, kind, streams, cfg.n_streams, &t);
    api_judge_change(h, r);
    require((r == 0) == (t != NULL));
    if (t) keep(w, t);
    r = sotto_pc_get_transceivers(h.p, items, API_TRACKS);
    api_judge(h, r);
    for (int i = 0; i < r && i < API_TRACKS; i++) {
        require(items[i] != NULL);
        keep(w, items[i]);
    }
}

/* ---- looking ---- */

static void look(struct picked h)
{
    char mid[256] = "?";
    bool wrong = h.is == PICK_WRONG;
    int kind = sotto_transceiver_kind(h.p), r = sotto_transceiver_mid(h.p, mid, sizeof mid);
    require(wrong ? kind == SOTTO_E_INVAL && r == SOTTO_E_INVAL
                  : kind == SOTTO_AUDIO || kind == SOTTO_VIDEO);
    if (h.is == PICK_FREED) require(mid[0] == '\0');
    sotto_direction d = sotto_transceiver_get_direction(h.p),
                    c = sotto_transceiver_current_direction(h.p);
    require(wrong ? d == SOTTO_E_INVAL : d >= SOTTO_DIR_SENDRECV && d <= SOTTO_DIR_STOPPED);
    require(wrong ? c < 0 : c >= SOTTO_DIR_NONE && c <= SOTTO_DIR_STOPPED);
    sotto_transceiver_get_jitter_target(h.p);
    sotto_transceiver_get_user(h.p);
}

static void codecs(struct picked h, uint8_t v)
{
    sotto_codecs *list = NULL, *all = NULL;
    int r = v & 1 ? sotto_transceiver_codec(h.p, &list)
                  : sotto_transceiver_get_codec_preferences(h.p, &list);
    api_judge(h, r);
    require((r == 0) == (list != NULL) && (!list || h.is == PICK_LIVE || list->n == 0));
    sotto_free(list);
    require(sotto_capabilities(v & 2 ? SOTTO_AUDIO : SOTTO_VIDEO, &all) == 0 && all->n > 0);
    require(sotto_capabilities(7, &list) == SOTTO_E_RANGE);
    size_t n = v >> 2 & 15, from = v & 2 ? 0 : v >> 6;
    if (n > all->n - from) n = all->n - from;
    api_judge(h, sotto_transceiver_set_codec_preferences(h.p, all->items + from, n));
    sotto_free(all);
}

static void parameters(struct api *w, struct picked h, uint8_t v)
{
    sotto_send_parameters *p = NULL;
    int r = sotto_transceiver_get_parameters(h.p, &p);
    api_judge(h, r);
    require((r == 0) == (p != NULL));
    if (!p) return;
    for (size_t i = 0; i < p->n_encodings; i++) {
        p->encodings[i].inactive = v >> i & 1;
        p->encodings[i].max_bps = sotto__read_u16(&w->in) * 100u;
        p->encodings[i].scale = sotto__read_u8(&w->in) / 16.0;
    }
    if (v & 64) p->transaction++;
    api_judge(h, sotto_transceiver_set_parameters(h.p, p));
    sotto_free(p);
}

void api_call_track(struct api *w, uint8_t v)
{
    static const char *const streams[] = {"a", "b", "a"};
    void *const wrong[] = {NULL, w->ctx[0], w->pcs[1].p};
    struct picked h = api_pick(w, w->tracks, API_TRACKS, wrong);
    uint8_t how = sotto__read_u8(&w->in);
    void *pc = w->pcs[how % API_PCS].p;
    switch (v % 11) {
    case 0: look(h); break;
    case 1: codecs(h, how); break;
    case 2: parameters(w, h, how); break;
    case 3: api_judge(h, sotto_transceiver_set_direction(h.p, how % 7 - 1)); break;
    case 4: api_judge(h, sotto_transceiver_set_streams(h.p, streams, how & 3)); break;
    case 5: api_judge(h, sotto_transceiver_set_receive_mode(h.p, how % 5 - 1)); break;
    case 6:
        api_judge(h, sotto_transceiver_set_jitter_target(h.p, (how - 20) * SOTTO_MS(20)));
        break;
    case 7: api_judge(h, sotto_transceiver_set_user(h.p, w)); break;
    case 8: api_known(sotto_pc_remove_track(pc, h.p)); break;
    case 9:
        if (how & 1) api_judge(h, sotto_transceiver_stop(h.p));
        break;
    default:
        if (h.is == PICK_FREED || how & 3) break;
        if (h.is == PICK_LIVE && sotto_transceiver_get_direction(h.p) != SOTTO_DIR_STOPPED) break;
        sotto_transceiver_free(h.p); /* gone, or, as its section is still there, nothing has happened */
        if (h.of) *h.of = (struct handle){0};
    }
}

/* ---- media ---- */

static size_t opus(uint8_t *p, struct api *w)
{
    p[0] = 0x78; /* 20 ms, one frame */
    for (size_t i = 1; i < 40; i++) p[i] = sotto__read_u8(&w->in);
    return 40;
}

static size_t vp8(uint8_t *p, bool is_key, size_t n)
{
    memset(p, 0x11, n);
    p[0] = is_key ? 0x10 : 0x11;
    if (is_key) memcpy(p + 3, "\x9d\x01\x2a\x40\x01\xf0\x00", 7);
    return n;
}

static void send_frames(struct api *w, struct picked h, uint8_t v)
{
    static const char *const rids[] = {NULL, "q", "h", "f"};
    uint8_t p[4000];
    bool is_audio = sotto_transceiver_kind(h.p) == SOTTO_AUDIO;
    for (int i = 0; i <= (v >> 5); i++) {
        sotto_frame f = {.size = sizeof f, .data = p, .is_key = i == 0 || v & 1};
        f.len = is_audio ? opus(p, w) : vp8(p, f.is_key, 40 + (size_t)v * 15);
        f.rid = rids[v >> 1 & 3];
        f.time_kind = v >> 3 & 1, f.rtp_time = (uint32_t)i * 960;
        f.audio_level_kind = v & 1, f.audio_level = 30, f.rotation = v & 8 ? 90 : 0;
        api_judge(h, sotto_transceiver_send_frame(h.p, &f));
    }
}

static void send_packet(struct api *w, struct picked h, uint8_t v)
{
    uint8_t p[200] = {0x80, 111};
    for (size_t i = 2; i < 20; i++) p[i] = sotto__read_u8(&w->in);
    if (v & 1) p[1] = sotto__read_u8(&w->in);
    if (v & 2) p[0] = sotto__read_u8(&w->in);
    api_judge(h, sotto_transceiver_send_rtp(h.p, p, v & 4 ? v : 100));
}

void api_call_media(struct api *w, uint8_t v)
{
    static const char *const tones[] = {"123", "A,#*", "", "xyz", NULL, "0,,,9"};
    void *const wrong[] = {NULL, w->dcs[0].p, w->pcs[1].p};
    struct picked h = api_pick(w, w->tracks, API_TRACKS, wrong);
    uint8_t how = sotto__read_u8(&w->in);
    switch (v & 7) {
    case 0: send_packet(w, h, how); break;
    case 1: api_judge(h, sotto_transceiver_request_keyframe(h.p, how & 1 ? "q" : NULL)); break;
    case 2:
        api_judge(h, sotto_transceiver_insert_dtmf(h.p, tones[how % 6], how >> 3 ? how * 10 : 0,
                                                   how & 4 ? 50 : 0));
        break;
    case 3: api_judge(h, sotto_transceiver_send_frame(h.p, NULL)); break;
    default: send_frames(w, h, how);
    }
}

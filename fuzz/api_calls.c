/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of fuzz_api: on connections, channels and retries. Each takes its handle, its function and its arguments from the input, and
 * checks the result by what is known of the handle. Those on transceivers are in api_media.c.
 */
#include <string.h>

#include "api.h"
#include "api_calls.h"
#include "require.h"

void api_known(int64_t r)
{
    require(r >= SOTTO_E_SYS && r != SOTTO_E_FORKED && r != SOTTO_E_SYS && r != SOTTO_E_NOMEM);
    if (r >= 0) return;
    require(strcmp(sotto_strerror((int)r), "unknown error") != 0);
    require(sotto_error_w3c((int)r)[0] != '\0');
}

sotto_dc *api_dc_of(const sotto_event *e)
{
    if (e->type == SOTTO_EV_MESSAGE) return e->u.message.dc;
    bool is = (e->type >= SOTTO_EV_CHANNEL && e->type <= SOTTO_EV_CLOSED) ||
              e->type == SOTTO_EV_WRITABLE || e->type == SOTTO_EV_BUFFERED_LOW;
    return is ? e->u.channel.dc : NULL;
}

sotto_transceiver *api_track_of(const sotto_event *e)
{
    switch (e->type) {
    case SOTTO_EV_TRACK:
    case SOTTO_EV_TRACK_REMOVED:
    case SOTTO_EV_MUTE:
    case SOTTO_EV_UNMUTE: return e->u.track.transceiver;
    case SOTTO_EV_FRAME: return e->u.frame.transceiver;
    case SOTTO_EV_RTP: return e->u.rtp.transceiver;
    case SOTTO_EV_KEYFRAME_NEEDED: return e->u.media.transceiver;
    case SOTTO_EV_TARGET_BITRATE: return e->u.bitrate.transceiver;
    case SOTTO_EV_DTMF_TONE: return e->u.dtmf.transceiver;
    default: return NULL;
    }
}

void api_keep_dc(struct api *w, sotto_dc *dc)
{
    for (int i = 0; i < API_DCS; i++) {
        if (w->dcs[i].p == dc && !w->dcs[i].freed) return;
        if (w->dcs[i].p) continue;
        w->dcs[i] = (struct handle){.p = dc};
        return;
    }
    sotto_dc_free(dc);
}

struct picked api_pick(struct api *w, struct handle *table, int n, void *const wrong[3])
{
    uint8_t which = sotto__read_u8(&w->in);
    if (which >= 250) return (struct picked){.p = wrong[which % 3], .is = PICK_WRONG};
    struct handle *h = &table[which % n];
    if (!h->p) return (struct picked){.is = PICK_WRONG};
    return (struct picked){h->p, h, h->freed ? PICK_FREED : PICK_LIVE, h->is_closed};
}

void api_judge(struct picked h, int64_t r)
{
    api_known(r);
    if (h.is == PICK_WRONG) require(r < 0 && r != SOTTO_E_CLOSED);
    if (h.is == PICK_FREED) require(r <= 0);
}

void api_judge_change(struct picked h, int64_t r)
{
    api_judge(h, r);
    if (h.is_closed) require(r < 0);
}

void api_judge_text(struct picked h, int64_t r, char *text)
{
    api_judge(h, r);
    require(r >= 0 || text == NULL);
    if (h.is != PICK_LIVE) require(text == NULL);
    if (text) require(strlen(text) > 0);
    sotto_free(text);
}

static char *words(struct api *w, char to[static 64])
{
    size_t n = sotto__read_u8(&w->in) % 64;
    if (n > w->in.n) n = w->in.n;
    const uint8_t *p = sotto__read_view(&w->in, n);
    if (p && n > 0) memcpy(to, p, n);
    to[n] = '\0';
    return to;
}

/* ---- connections ---- */

static void texts_of_pc(struct api *w, struct picked h, uint8_t v)
{
    sotto_offer_options opt = {.size = sizeof opt, .ice_restart = v & 64};
    sotto_sdp_type type = 0;
    char *s = NULL;
    int r;
    switch (v % 7) {
    case 0: r = sotto_pc_create_offer(h.p, v & 128 ? &opt : NULL, &s); break;
    case 1: r = sotto_pc_create_answer(h.p, &s); break;
    case 2: r = sotto_pc_local_description(h.p, v >> 4 & 3, &type, &s); break;
    case 3: r = sotto_pc_remote_description(h.p, v >> 4 & 3, &type, &s); break;
    case 4: r = sotto_pc_get_stats_json(h.p, &s); break;
    case 5: r = sotto_pc_explain(h.p, &s); break;
    default: r = sotto_pc_explain_json(h.p, &s);
    }
    if (v % 7 < 2) api_judge_change(h, r);
    api_judge_text(h, r, s);
    (void)w;
}

static void describe_pc(struct api *w, struct picked h, uint8_t v)
{
    char text[64], line[64], mid[64];
    sotto_error err = {.size = sizeof err};
    int r;
    sotto_candidate c = {
        .size = sizeof c, .mid = v & 16 ? "0" : NULL, .has_mline_index = v >> 5 & 1};
    switch (v % 4) {
    case 0: r = sotto_pc_set_local_description(h.p, v >> 4 & 7, NULL, &err); break;
    case 1: r = sotto_pc_set_remote_description(h.p, v >> 4 & 7, words(w, text), &err); break;
    case 2: r = sotto_pc_set_remote_description(h.p, SOTTO_SDP_ROLLBACK, NULL, &err); break;
    default:
        c.line = words(w, line);
        if (v & 64) c.mid = words(w, mid);
        r = sotto_pc_add_ice_candidate(h.p, v & 128 ? NULL : &c, &err);
    }
    api_judge_change(h, r);
    require((r < 0) == (err.code != 0) || h.is != PICK_LIVE);
}

static void look_at_pc(struct api *w, struct picked h, uint8_t v)
{
    sotto_pc_state st = {.size = sizeof st};
    sotto_transport_info info = {.size = sizeof info};
    sotto_pc_config *cfg = NULL;
    sotto_stats *stats = NULL;
    void *selector = w->tracks[sotto__read_u8(&w->in) % API_TRACKS].p;
    switch (v % 6) {
    case 0:
        api_judge(h, sotto_pc_get_state(h.p, &st));
        if (h.is == PICK_FREED) require(st.connection == SOTTO_CONNECTION_CLOSED);
        break;
    case 1: api_judge(h, sotto_pc_get_transport(h.p, &info)); break;
    case 2: api_judge(h, sotto_pc_can_trickle(h.p)); break;
    case 3:
        api_judge(h, sotto_pc_get_config(h.p, &cfg));
        if (cfg && v & 64) api_judge(h, sotto_pc_set_config(h.p, cfg));
        sotto_free(cfg);
        break;
    case 4:
        api_judge(h, sotto_pc_get_stats(h.p, v & 64 ? selector : NULL, &stats));
        if (h.is != PICK_LIVE) require(!stats);
        if (stats) sotto_stats_find(stats, "transport"), sotto_stats_by_id(stats, "T");
        sotto_free(stats);
        break;
    default: api_judge(h, sotto_pc_set_reading(h.p, v & 64));
    }
}

static void open_channel(struct api *w, struct picked h, uint8_t v)
{
    char label[64], protocol[64];
    sotto_dc *dc = NULL;
    sotto_dc_config cfg = {.size = sizeof cfg,
                           .unordered = v & 4,
                           .negotiated = v & 8,
                           .reliability = v >> 4 & 3,
                           .limit = v,
                           .id = sotto__read_u8(&w->in),
                           .priority = sotto__read_u8(&w->in) % 6,
                           .user = w};
    cfg.protocol = words(w, protocol);
    int r = sotto_pc_create_data_channel(h.p, words(w, label), v & 64 ? NULL : &cfg, &dc);
    api_judge_change(h, r);
    require((r == 0) == (dc != NULL));
    if (!dc) return;
    require(strcmp(sotto_dc_label(dc), label) == 0 && sotto_dc_state(dc) <= SOTTO_DC_OPEN);
    api_keep_dc(w, dc);
}

static void close_pc(struct picked h)
{
    sotto_pc_state st = {.size = sizeof st};
    sotto_pc_close(h.p);
    if (h.is != PICK_LIVE) return;
    h.of->is_closed = true;
    require(sotto_pc_get_state(h.p, &st) == 0 && st.connection == SOTTO_CONNECTION_CLOSED);
}

void api_call_pc(struct api *w, uint8_t v)
{
    void *const wrong[] = {NULL, w->ctx[0], w->dcs[0].p};
    struct picked h = api_pick(w, w->pcs, API_PCS, wrong);
    uint8_t how = sotto__read_u8(&w->in);
    switch (v & 7) {
    case 0: texts_of_pc(w, h, how); break;
    case 1: describe_pc(w, h, how); break;
    case 2: look_at_pc(w, h, how); break;
    case 3:
    case 4: open_channel(w, h, how); break;
    case 5: api_judge_change(h, sotto_pc_restart_ice(h.p)); break;
    case 6: api_add_track(w, h, how); break;
    default:
        if (how & 0x30) break; /* now and then only, or nothing else is ever seen */
        if (h.is == PICK_LIVE && how & 1)
            api_free_pc(w, (int)(h.of - w->pcs));
        else if (how & 2)
            sotto_pc_free(h.is == PICK_LIVE ? NULL : h.p);
        else
            close_pc(h);
    }
}

/* ---- channels ---- */

static void look_at_dc(struct picked h)
{
    uint32_t limit = 7;
    bool wrong = h.is == PICK_WRONG;
    require((sotto_dc_label(h.p) == NULL) == wrong && (sotto_dc_protocol(h.p) == NULL) == wrong);
    int state = sotto_dc_state(h.p), id = sotto_dc_id(h.p);
    require(wrong ? state == SOTTO_E_INVAL
                  : state >= SOTTO_DC_CONNECTING && state <= SOTTO_DC_CLOSED);
    if (h.is == PICK_FREED) require(state == SOTTO_DC_CLOSED);
    require(wrong ? id == SOTTO_E_INVAL : id == SOTTO_E_STATE || (id >= 0 && id <= 65534));
    require((sotto_dc_unordered(h.p) < 0) == wrong && (sotto_dc_negotiated(h.p) < 0) == wrong);
    require((sotto_dc_reliability(h.p, &limit) < 0) == wrong && (limit == 7 || !wrong));
    require((sotto_dc_priority(h.p) < 0) == wrong && (sotto_dc_buffered_amount(h.p) < 0) == wrong);
    require((sotto_dc_get_buffered_low(h.p) < 0) == wrong);
    sotto_dc_get_user(h.p);
}

void api_call_dc(struct api *w, uint8_t v)
{
    static const uint8_t bytes[20000];
    void *const wrong[] = {NULL, w->ctx[1], w->pcs[0].p};
    struct picked h = api_pick(w, w->dcs, API_DCS, wrong);
    uint8_t how = sotto__read_u8(&w->in);
    char text[64];
    int r;
    switch (v & 7) {
    case 0:
    case 1:
    case 2:
        words(w, text);
        r = how & 1 ? sotto_dc_send(h.p, text, strlen(text), how & 2)
                    : sotto_dc_send(h.p, how & 4 ? NULL : bytes, how * 78u, false);
        api_judge_change(h, r);
        if (h.is == PICK_FREED) require(r == SOTTO_E_CLOSED || r == SOTTO_E_INVAL);
        break;
    case 3: look_at_dc(h); break;
    case 4: api_judge(h, sotto_dc_set_buffered_low(h.p, how * 16u)); break;
    case 5: api_judge(h, sotto_dc_set_user(h.p, w)); break;
    case 6:
        if (!(how & 1)) break;
        r = sotto_dc_close(h.p);
        api_judge(h, r);
        if (h.is == PICK_LIVE && r == 0) h.of->is_closed = true;
        break;
    default:
        if (how & 3) break;
        if (h.is == PICK_LIVE)
            api_free_dc(w, h.of);
        else
            sotto_dc_free(h.p); /* freed already, another type, or NULL: nothing */
    }
}

/* ---- the helper for retries ---- */

void api_call_retry(struct api *w, uint8_t v)
{
    int i = v % API_RETRIES, of = v >> 1 & (API_PCS - 1);
    sotto_reconnect_config cfg = {.size = sizeof cfg,
                                  .attempts = sotto__read_u8(&w->in),
                                  .patience = SOTTO_MS(sotto__read_u8(&w->in)) * 10,
                                  .first = SOTTO_MS(sotto__read_u8(&w->in)) * 10,
                                  .longest = SOTTO_MS(sotto__read_u8(&w->in)) * 100};
    if (!w->retry[i]) {
        if (!w->pcs[of].p || w->pcs[of].freed) return;
        int r = sotto_reconnect_new(w->pcs[of].p, v & 128 ? NULL : &cfg, &w->retry[i]);
        require(r == 0 ? w->retry[i] != NULL : r == SOTTO_E_RANGE && !w->retry[i]);
        w->retry_of[i] = of;
    } else if (v & 64) {
        sotto_reconnect_free(w->retry[i]);
        w->retry[i] = NULL;
    } else {
        sotto_reconnect_now(w->retry[i], w->net->now);
        require(sotto_reconnect_due(w->retry[i]) > 0);
        require(sotto_reconnect_run(w->retry[i], w->net->now) <= SOTTO_RECONNECT_RESEND);
        require(sotto_reconnect_handle(w->retry[i], NULL) == SOTTO_E_INVAL);
    }
}

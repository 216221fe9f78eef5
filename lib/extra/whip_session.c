/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What passes between the connection and the server: offers, answers, ICE servers and restarts, as calls of the public API (RFC 9725
 * §4.4: max-bundle, one stream, one direction). In: descriptions and fragments; out: the same. It does not know of HTTP, nor of time.
 * answers: S27
 */
#include "extra/whip_frag.h"
#include "extra/whip_priv.h"

#include <string.h>

#include "sotto/media.h"
#include "util/mem.h"

int sotto__whip_set_text(char **to, struct str s)
{
    char *copy = s.n ? sotto__strndup(s.p, s.n) : NULL;
    if (s.n && !copy) return SOTTO_E_NOMEM;
    if (*to) sotto__free_secret(*to, strlen(*to));
    *to = copy;
    return 0;
}

static int add_transceiver(sotto_whip *w, sotto_kind kind, sotto_transceiver **ret)
{
    const char *stream = w->stream;
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_RECVONLY};
    if (!w->is_play) {
        cfg.direction = SOTTO_DIR_SENDONLY;
        cfg.streams = &stream;
        cfg.n_streams = 1;
        if (kind == SOTTO_VIDEO) {
            cfg.encodings = w->encodings;
            cfg.n_encodings = w->n_encodings;
        }
    }
    return sotto_pc_add_transceiver(w->pc, kind, &cfg, ret);
}

/* All that belongs to one connection begins anew. */
static void reset(sotto_whip *w)
{
    sotto__whip_set_text(&w->offer, (struct str){NULL, 0});
    sotto__whip_set_text(&w->answer, (struct str){NULL, 0});
    sotto__whip_set_text(&w->etag, (struct str){NULL, 0});
    sotto__whip_set_text(&w->session, (struct str){NULL, 0});
    w->audio = w->video = NULL;
    w->n_trickled = w->n_trickling = 0;
    w->is_end_told = w->is_end_trickling = false;
    w->trickle_failures = w->restarts = 0;
    w->trickle_at = 0;
    w->has_local = w->was_asked = w->is_answer_sent = false;
    w->is_told_connected = w->was_connected = w->is_countered = false;
    w->was_quoted = w->wants_restart = false;
    w->lost_at = INT64_MAX;
}

int sotto__whip_make_pc(sotto_whip *w)
{
    reset(w);
    int r = sotto_pc_new(w->ctx, w->pc_config, &w->pc);
    if (r < 0) return r;
    if (w->has_audio) r = add_transceiver(w, SOTTO_AUDIO, &w->audio);
    if (r == 0 && w->has_video) r = add_transceiver(w, SOTTO_VIDEO, &w->video);
    if (r < 0) {
        sotto_pc_free(w->pc);
        w->pc = NULL;
        w->audio = w->video = NULL;
    }
    return r;
}

void sotto__whip_free_pc(sotto_whip *w)
{
    sotto_pc_free(w->old_pc);
    w->old_pc = NULL;
    for (size_t i = 0; i < 2; i++) {
        sotto_transceiver_free(w->spare[i]);
        w->spare[i] = NULL;
    }
}

int sotto__whip_make_offer(sotto_whip *w)
{
    char *sdp;
    int r = sotto_pc_create_offer(w->pc, NULL, &sdp);
    if (r < 0) return r;
    r = sotto__whip_set_text(&w->offer, sotto__str(sdp));
    sotto_free(sdp);
    return r;
}

int sotto__whip_set_local(sotto_whip *w, sotto_sdp_type type)
{
    int r = sotto_pc_set_local_description(w->pc, type, type == SOTTO_SDP_OFFER ? w->offer : NULL,
                                           NULL);
    if (r == 0) w->has_local = true;
    return r;
}

/* Those that can be used; the application's own go before all of them. */
void sotto__whip_take_servers(sotto_whip *w, const struct whip_answer *a)
{
    sotto_ice_server servers[SOTTO_MAX_WHIP_SERVERS];
    sotto_pc_config cfg = *w->pc_config;
    if (cfg.n_ice_servers > 0) return;
    cfg.ice_servers = servers;
    for (size_t i = 0; i < a->n_servers; i++) {
        servers[cfg.n_ice_servers] = (sotto_ice_server){.size = sizeof *servers,
                                                        .url = a->servers[i].url,
                                                        .username = a->servers[i].username,
                                                        .credential = a->servers[i].credential};
        cfg.n_ice_servers++;
        if (sotto_pc_set_config(w->pc, &cfg) < 0) cfg.n_ice_servers--;
    }
}

int sotto__whip_accept(sotto_whip *w, const struct whip_answer *a, sotto_error *err)
{
    int r = sotto__whip_set_text(&w->answer, a->body);
    if (r == 0 && !w->has_local) {
        sotto__whip_take_servers(w, a);
        r = sotto__whip_set_local(w, SOTTO_SDP_OFFER);
    }
    if (r == 0) r = sotto_pc_set_remote_description(w->pc, SOTTO_SDP_ANSWER, w->answer, err);
    return r;
}

/* Ours are not in its offer, and would only wait for a negotiation. */
static void give_up_transceivers(sotto_whip *w)
{
    w->spare[0] = w->audio;
    w->spare[1] = w->video;
    for (size_t i = 0; i < 2; i++)
        if (w->spare[i]) sotto_transceiver_stop(w->spare[i]);
    w->audio = w->video = NULL;
}

/* The first ones of either kind. */
static void find_transceivers(sotto_whip *w)
{
    sotto_transceiver *all[SOTTO_MAX_TRANSCEIVERS];
    int n = sotto_pc_get_transceivers(w->pc, all, SOTTO_MAX_TRANSCEIVERS);
    for (int i = 0; i < n && i < (int)SOTTO_MAX_TRANSCEIVERS; i++) {
        if (sotto_transceiver_get_direction(all[i]) == SOTTO_DIR_STOPPED) continue;
        int kind = sotto_transceiver_kind(all[i]);
        if (kind == SOTTO_AUDIO && !w->audio) w->audio = all[i];
        if (kind == SOTTO_VIDEO && !w->video) w->video = all[i];
    }
}

/* What was not asked for is not taken. */
static void refuse_rest(sotto_whip *w)
{
    if (w->audio && !w->has_audio) sotto_transceiver_stop(w->audio);
    if (w->video && !w->has_video) sotto_transceiver_stop(w->video);
    if (!w->has_audio) w->audio = NULL;
    if (!w->has_video) w->video = NULL;
}

int sotto__whip_take_counter(sotto_whip *w, const struct whip_answer *a, sotto_error *err)
{
    int r = sotto__whip_set_text(&w->answer, a->body);
    if (r < 0) return r;
    if (!w->has_local) sotto__whip_take_servers(w, a);
    r = sotto_pc_set_remote_description(w->pc, SOTTO_SDP_OFFER, w->answer, err);
    if (r < 0) return r;
    w->is_countered = true;
    give_up_transceivers(w);
    find_transceivers(w);
    refuse_rest(w);
    return sotto__whip_set_local(w, SOTTO_SDP_ANSWER);
}

int sotto__whip_local(sotto_whip *w, char **ret)
{
    char *sdp;
    int r = sotto_pc_local_description(w->pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp);
    if (r <= 0) return r < 0 ? r : SOTTO_E_STATE;
    *ret = sotto__strdup(sdp);
    sotto_free(sdp);
    return *ret ? 0 : SOTTO_E_NOMEM;
}

/* New ICE credentials and candidates; where an earlier restart waits for its answer, those of it. */
int sotto__whip_restart(sotto_whip *w)
{
    sotto_offer_options opt = {.size = sizeof opt, .ice_restart = true};
    sotto_pc_state state = {.size = sizeof state};
    char *sdp;
    sotto_pc_get_state(w->pc, &state);
    if (state.signaling == SOTTO_SIGNALING_HAVE_LOCAL_OFFER) return 0;
    int r = sotto_pc_create_offer(w->pc, &opt, &sdp);
    if (r < 0) return r;
    r = sotto_pc_set_local_description(w->pc, SOTTO_SDP_OFFER, sdp, NULL);
    sotto_free(sdp);
    return r;
}

int sotto__whip_take_restart(sotto_whip *w, const struct whip_answer *a, sotto_error *err,
                             const char **why)
{
    struct buf out;
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    int r = sotto__whip_frag_apply(sotto__str(w->answer), a->body, &out, why);
    if (r < 0) {
        sotto__buf_free(&out);
        return r;
    }
    char *sdp = sotto__buf_take_string(&out);
    *why = "no memory";
    if (!sdp) return SOTTO_E_NOMEM;
    *why = "the server's answer to the restart of ICE is no use";
    r = sotto_pc_set_remote_description(w->pc, SOTTO_SDP_ANSWER, sdp, err);
    sotto__free_secret(sdp, strlen(sdp));
    return r;
}

bool sotto__whip_is_gathered(sotto_whip *w)
{
    sotto_pc_state state = {.size = sizeof state};
    sotto_pc_get_state(w->pc, &state);
    return state.gathering == SOTTO_GATHERING_COMPLETE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of fuzz_api that are about whom to trust: verified peers, the security report, policies, end-to-end keys of transceivers and
 * channels. See api_calls.c.
 */
#include <string.h>

#include "api.h"
#include "api_calls.h"
#include "require.h"

static void verify(struct api *w, struct picked h, uint8_t how)
{
    static const char *const pins[] = {
        "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:"
        "BB:CC:DD:EE:FF",
        "sha-256 0", "md5 00", NULL};
    char text[SOTTO_VERIFICATION_WORDS];
    char *own = NULL;
    sotto_error err = {.size = sizeof err};
    const char *pin;
    int r;
    switch (how & 7) {
    case 0: r = sotto_pc_get_verification_code(h.p, text, how & 8 ? 10 : sizeof text); break;
    case 1: r = sotto_pc_get_verification_words(h.p, text, how & 8 ? 10 : sizeof text); break;
    case 2: r = sotto_pc_get_verification(h.p); break;
    case 3: r = sotto_pc_confirm_peer(h.p, how & 0x38); break;
    case 4:
        r = sotto_pc_get_peer_fingerprint(h.p, &own);
        api_judge_text(h, r, own);
        return;
    case 5: /* one that they all have */
        require(sotto_cert_fingerprint(w->cert, &own) == 0);
        pin = own;
        r = sotto_pc_set_peer_fingerprints(h.p, &pin, 1, &err);
        sotto_free(own);
        break;
    default:
        pin = pins[how >> 3 & 3];
        r = sotto_pc_set_peer_fingerprints(h.p, how & 64 ? NULL : &pin, how >> 7, &err);
    }
    api_judge(h, r);
    if (r == 0 && (how & 7) < 2) require(strlen(text) > 40);
}

static void report(struct picked h, uint8_t how)
{
    sotto_security *s = NULL;
    char *text = NULL;
    if (how & 1) {
        int r = sotto_pc_get_security_json(h.p, &text);
        api_judge_text(h, r, text);
        return;
    }
    api_judge(h, sotto_pc_get_security(h.p, &s));
    if (h.is != PICK_LIVE) require(!s);
    if (!s) return;
    require(s->n_libraries == 5 && s->n_counters > 0 && s->verification >= 0);
    require(s->dtls_state != SOTTO_DTLS_CONNECTED || (s->dtls_ems && s->remote.fingerprint[0]));
    sotto_free(s);
}

static void policy(struct api *w, struct picked h, uint8_t how)
{
    static const char *const codecs[] = {"opus", "VP8", "no such"};
    sotto_policy p = {.size = sizeof p,
                      .audio = how & 7,
                      .video = how >> 3 & 3,
                      .no_data = how & 32,
                      .codecs = codecs,
                      .n_codecs = how >> 6,
                      .max_sections = sotto__read_u8(&w->in) & 3,
                      .max_channels = sotto__read_u8(&w->in) & 3,
                      .max_candidates = sotto__read_u8(&w->in) & 3,
                      .refuse_candidates = sotto__read_u8(&w->in)};
    api_judge(h, sotto_pc_set_policy(h.p, how == 255 ? NULL : &p));
}

/* A transceiver's key, or a channel's. */
static int with_keys(struct api *w, void *p, bool is_dc, uint8_t how)
{
    static const uint8_t bytes[SOTTO_E2EE_KEY_MAX] = {1, 2, 3};
    sotto_e2ee_key key = {.size = sizeof key,
                          .cipher = how & 7,
                          .kid = sotto__read_u8(&w->in),
                          .key = how & 128 ? bytes : bytes + 1,
                          .key_len = 12 + (how >> 3 & 15),
                          .ratchet_bits = sotto__read_u8(&w->in) % 18};
    sotto_e2ee_stats stats = {.size = sizeof stats};
    int32_t to = sotto__read_u8(&w->in) & 3;
    switch (sotto__read_u8(&w->in) % 7) {
    case 0:
    case 1:
        return is_dc ? sotto_dc_add_e2ee_key(p, to, &key)
                     : sotto_transceiver_add_e2ee_key(p, to, &key);
    case 2:
        return is_dc ? sotto_dc_remove_e2ee_key(p, to, key.kid)
                     : sotto_transceiver_remove_e2ee_key(p, to, key.kid);
    case 3:
        return is_dc ? sotto_dc_use_e2ee_key(p, key.kid)
                     : sotto_transceiver_use_e2ee_key(p, key.kid);
    case 4: return is_dc ? sotto_dc_ratchet_e2ee(p) : sotto_transceiver_ratchet_e2ee(p);
    case 5: return is_dc ? sotto_dc_require_e2ee(p, to) : sotto_transceiver_require_e2ee(p, to);
    default:
        return is_dc ? sotto_dc_get_e2ee_stats(p, to, &stats)
                     : sotto_transceiver_get_e2ee_stats(p, to, &stats);
    }
}

void api_call_trust(struct api *w, uint8_t v)
{
    void *const not_pc[] = {NULL, w->ctx[0], w->dcs[0].p};
    void *const not_dc[] = {NULL, w->ctx[1], w->pcs[0].p};
    struct picked h;
    if ((v & 7) < 4) {
        h = api_pick(w, w->pcs, API_PCS, not_pc);
        uint8_t how = sotto__read_u8(&w->in);
        if ((v & 7) < 2)
            verify(w, h, how);
        else if ((v & 7) == 2)
            report(h, how);
        else
            policy(w, h, how);
        return;
    }
    bool is_dc = v & 1;
    h = is_dc ? api_pick(w, w->dcs, API_DCS, not_dc) : api_pick(w, w->tracks, API_TRACKS, not_dc);
    api_judge(h, with_keys(w, h.p, is_dc, sotto__read_u8(&w->in)));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__sections_read, the choice of a bundle, the checks of answers and later offers, header extensions. Input: a description,
 * or two with a NUL between (no description has one). Property: what was read is within its limits and agrees with itself, what is chosen
 * can be used and shares a group, a description is its own later offer, extensions come back as they were written, nothing is left.
 */
#include <stdlib.h>

#include "peer/section.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

struct reading {
    struct sdp *sdp;
    struct sections s;
};

static bool read_one(const char *text, size_t n, struct reading *ret)
{
    sotto_error err = {.size = sizeof err};
    if (sotto__sdp_parse(text, n, &ret->sdp, &err) < 0) return false;
    int r = sotto__sections_read(ret->sdp, &ret->s, &err);
    if (r == 0) return true;
    require(r == SOTTO_E_SDP && err.code == r && err.reason[0] && !ret->s.items);
    sotto__sdp_free(ret->sdp);
    return false;
}

static void free_one(struct reading *r)
{
    sotto__sections_free(&r->s);
    sotto__sdp_free(r->sdp);
}

/* ---- one section ---- */

static void check_rids(const struct rid_list *l)
{
    require(l->n <= SOTTO_MAX_RIDS);
    for (size_t i = 0; i < l->n; i++) {
        require(l->items[i].id.n >= 1 && l->items[i].id.n <= SOTTO_MAX_RID);
        for (size_t k = 0; k < i; k++) require(!sotto__str_eq(l->items[i].id, l->items[k].id));
    }
}

static void check_exts(const struct ext_set *set)
{
    for (size_t e = 0; e < EXT_COUNT; e++) {
        require(set->id[e] != 15 && set->direction[e] <= SOTTO_DIR_INACTIVE);
        for (size_t k = 0; k < e; k++) require(set->id[e] == 0 || set->id[e] != set->id[k]);
    }
}

/* Claimed, offered or answered, written, read again: the same. */
static void check_exts_travel(const struct section *s)
{
    sotto_kind kind = s->kind == SECTION_AUDIO ? SOTTO_AUDIO : SOTTO_VIDEO;
    struct ext_map map = {{0}, {0}};
    struct ext_set set = s->exts, answer, again, offer;
    struct sdp *sdp = NULL;
    struct sdp_media *m = NULL;
    sotto__exts_claim(&map, s->m, &set);
    sotto__exts_answer(&set, kind, &answer);
    sotto__exts_offer(kind, true, &map, &offer);
    check_exts(&offer);
    for (size_t e = 0; e < EXT_COUNT; e++) {
        require(answer.id[e] == 0 || answer.id[e] == s->exts.id[e]);
        require(set.id[e] == 0 || offer.id[e] == set.id[e]); /* the bundle has one id for it */
    }
    require(sotto__sdp_new(&sdp) == 0);
    require(sotto__sdp_add_media(sdp, STR("video"), 9, STR("x"), STR("0"), &m) == 0);
    require(sotto__exts_write(&answer, sdp, m) == 0);
    sotto__exts_read(sdp, m, kind, &again);
    require(memcmp(again.id, answer.id, sizeof answer.id) == 0);
    require(memcmp(again.direction, answer.direction, sizeof answer.direction) == 0);
    sotto__sdp_free(sdp);
}

static void check_section(const struct section *s, size_t index)
{
    bool media = s->kind == SECTION_AUDIO || s->kind == SECTION_VIDEO;
    require(s->index == (int32_t)index && s->mid.n <= SOTTO_MAX_MID);
    require(!s->rejected || (s->m->port == 0 && !s->bundle_only && !s->unusable));
    require(!s->bundle_only || (s->m->port == 0 && s->group >= 0 && s->group_place > 0));
    require(s->n_streams <= SOTTO_MAX_STREAM_IDS && s->n_ssrcs <= SOTTO_MAX_SECTION_SSRCS);
    require(s->codecs.n <= SOTTO_MAX_CODECS && s->direction >= 0 && s->direction < 4);
    require(s->n_streams == 0 || s->has_msid);
    if (!s->rejected && !s->unusable) {
        require(s->kind != SECTION_OTHER);
        require(!media || (s->rtcp_mux && sotto__codecs_usable(&s->codecs)));
        require(media || s->sctp_port > 0);
    }
    check_rids(&s->send);
    check_rids(&s->recv);
    check_exts(&s->exts);
    if (media) check_exts_travel(s);
}

/* ---- the whole ---- */

static void check_desc(const struct reading *r, int32_t tagged)
{
    struct transport_desc d;
    sotto_error err = {.size = sizeof err};
    int result = sotto__transport_desc_read(r->sdp, &r->s.items[tagged], true, &d, &err);
    require(result == 0 || (result == SOTTO_E_SDP && err.reason[0]));
    if (result < 0) return;
    require(strlen(d.t.ufrag) >= 4 && strlen(d.t.pwd) >= 22);
    require(d.t.n_fingerprints >= 1 && d.t.n_fingerprints <= SOTTO_MAX_FINGERPRINTS);
    require(d.setup != SDP_SETUP_HOLDCONN && (d.tls_id[0] == '\0' || strlen(d.tls_id) >= 20));
}

static void check_choice(const struct reading *r, const struct str *live, size_t n_live)
{
    bool chosen[SOTTO_MAX_SDP_MEDIA], any = false;
    int32_t tagged = sotto__bundle_choose(&r->s, live, n_live, chosen);
    require(tagged >= -1 && tagged < (int32_t)r->s.n);
    for (size_t i = 0; i < r->s.n; i++) {
        const struct section *s = &r->s.items[i];
        if (!chosen[i]) continue;
        any = true;
        require(!s->rejected && !s->unusable && tagged >= 0);
        require((int32_t)i == tagged || (s->group >= 0 && s->group == r->s.items[tagged].group));
    }
    require(any == (tagged >= 0) && (tagged < 0 || chosen[tagged]));
    if (tagged >= 0) check_desc(r, tagged);
}

static void check_one(const struct reading *r)
{
    sotto_error err = {.size = sizeof err};
    bool usable = true;
    for (size_t i = 0; i < r->s.n; i++) {
        check_section(&r->s.items[i], i);
        check_choice(r, &r->s.items[i].mid, 1);
        usable = usable && !r->s.items[i].unusable;
    }
    check_choice(r, NULL, 0);
    require(sotto__sections_check_reoffer(&r->s, &r->s, &err) == 0);
    int result = sotto__sections_check_answer(&r->s, &r->s, &err);
    require(result == (usable ? 0 : SOTTO_E_SDP));
}

static void check_two(const struct reading *first, const struct reading *second)
{
    sotto_error err = {.size = sizeof err};
    int32_t tagged = -2;
    int r = sotto__sections_check_reoffer(&first->s, &second->s, &err);
    require(r == 0 ? first->s.n <= second->s.n : r == SOTTO_E_SDP && err.reason[0]);
    r = sotto__sections_check_answer(&first->s, &second->s, &err);
    require(r == 0 ? first->s.n == second->s.n : r == SOTTO_E_SDP && err.reason[0]);
    if (r == 0) r = sotto__bundle_check_answer(&first->s, &second->s, &tagged, &err);
    require((r == 0) == (tagged != -2));
    if (tagged >= 0)
        require(!second->s.items[tagged].rejected && !second->s.items[tagged].unusable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading first, second;
    int64_t before = sotto__mem_live();
    const char *text = (const char *)data, *end = size ? memchr(data, '\0', size) : NULL;
    size_t n = end ? (size_t)(end - text) : size;
    bool one = read_one(text, n, &first);
    bool two = end && read_one(end + 1, size - n - 1, &second);
    if (one) check_one(&first);
    if (two) check_one(&second);
    if (one && two) check_two(&first, &second);
    if (one) free_one(&first);
    if (two) free_one(&second);
    require(sotto__mem_live() == before);
    return 0;
}

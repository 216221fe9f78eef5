/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP header extensions in descriptions (RFC 8285 §5–7): which we know, reading a=extmap, one id for one URI in the whole bundle
 * (RFC 9143 §10.1.2), offering, answering, writing.
 * In come media sections, out go sets of ids. Plain functions: nothing here knows transceivers or states.
 * answers: H016
 */
#include "peer/exts.h"

#include "peer/section.h"
#include "wire/sdp_attr.h"

#define MAX_ONE_BYTE 14 /* RFC 8285 §4.2: 15 is reserved */
#define MAX_TWO_BYTE 255

enum { FOR_AUDIO = 1, FOR_VIDEO = 2 };

static const struct {
    const char *uri;
    int kinds;
} known[EXT_COUNT] = {
    [EXT_MID] = {"urn:ietf:params:rtp-hdrext:sdes:mid", FOR_AUDIO | FOR_VIDEO},
    [EXT_RID] = {"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", FOR_VIDEO},
    [EXT_RRID] = {"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", FOR_VIDEO},
    [EXT_ABS_SEND] = {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
                      FOR_AUDIO | FOR_VIDEO},
    [EXT_ABS_CAPTURE] = {"http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
                         FOR_AUDIO | FOR_VIDEO},
    [EXT_TWCC] = {"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                  FOR_AUDIO | FOR_VIDEO},
    [EXT_AUDIO_LEVEL] = {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", FOR_AUDIO},
    [EXT_ORIENTATION] = {"urn:3gpp:video-orientation", FOR_VIDEO},
    [EXT_PLAYOUT_DELAY] = {"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", FOR_VIDEO},
    [EXT_DEPENDENCY] = {"https://aomediacodec.github.io/av1-rtp-spec/"
                        "#dependency-descriptor-rtp-header-extension",
                        FOR_VIDEO},
};

const char *sotto__ext_uri(enum ext_id id)
{
    return known[id].uri;
}

static bool fits(size_t e, sotto_kind kind)
{
    return known[e].kinds & (kind == SOTTO_AUDIO ? FOR_AUDIO : FOR_VIDEO);
}

static bool is_for_simulcast(size_t e)
{
    return e == EXT_RID || e == EXT_RRID;
}

/* EXT_COUNT: not one of ours. */
static size_t find(struct str uri)
{
    size_t e = 0;
    while (e < EXT_COUNT && !sotto__str_eq(uri, sotto__str(known[e].uri))) e++;
    return e;
}

static bool get_bit(const uint32_t bits[static 8], unsigned id)
{
    return bits[id / 32] >> id % 32 & 1;
}

static void set_bit(uint32_t bits[static 8], unsigned id)
{
    bits[id / 32] |= 1u << id % 32;
}

/* ---- reading ---- */

struct cursor {
    const struct sdp_section *s;
    size_t at, n_lines; /* where it is; a=extmap lines so far */
};

/* Next a=extmap with an id that packets can carry; 4096…4351 are numbers of an offer only, which we do not take up (RFC 8285 §7). */
static bool next_extmap(struct cursor *c, struct sdp_extmap *ret)
{
    while (c->n_lines++ < SOTTO_MAX_EXTMAPS) {
        const struct sdp_line *line = sotto__sdp_next_attr(c->s, &c->at, "extmap");
        if (!line) return false;
        if (sotto__sdp_extmap(line->value, ret) == 0 && ret->id <= MAX_TWO_BYTE &&
            ret->id != MAX_ONE_BYTE + 1)
            return true;
    }
    return false;
}

static uint8_t read_direction(struct str text)
{
    for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++)
        if (sotto__str_eq(text, sotto__str(sotto__direction_name(d)))) return (uint8_t)d;
    return SOTTO_DIR_SENDRECV; /* it may be missing */
}

/* seen: ids that stand in a line read before, whatever they were for. */
static void read_lines(const struct sdp_section *s, bool is_session, sotto_kind kind,
                       uint32_t seen[static 8], struct ext_set *ret)
{
    struct cursor cursor = {.s = s};
    struct sdp_extmap map;
    while (next_extmap(&cursor, &map)) {
        size_t e = find(map.uri);
        bool taken = get_bit(seen, map.id);
        set_bit(seen, map.id);
        if (!taken && e == EXT_COUNT && is_session) set_bit(ret->foreign, map.id);
        if (taken || e == EXT_COUNT || !fits(e, kind) || ret->id[e] != 0) continue;
        ret->id[e] = (uint8_t)map.id;
        ret->direction[e] = read_direction(map.direction);
    }
}

void sotto__exts_read(const struct sdp *sdp, const struct sdp_media *m, sotto_kind kind,
                      struct ext_set *ret)
{
    uint32_t seen[8] = {0};
    *ret = (struct ext_set){0};
    read_lines(&m->s, false, kind, seen, ret);
    read_lines(&sdp->s, true, kind, seen, ret); /* for all sections; what a section says itself comes first */
    ret->allow_mixed = sotto__sdp_attr_or_session(sdp, m, "extmap-allow-mixed") != NULL;
    ret->simulcast = sotto__sdp_attr(&m->s, "simulcast") != NULL;
}

/* ---- the bundle ---- */

/* Whether the id means no other extension in the bundle. */
static bool is_free(const struct ext_map *map, unsigned id)
{
    for (size_t e = 0; e < EXT_COUNT; e++)
        if (map->id[e] == id) return false;
    return !get_bit(map->foreign, id);
}

static void claim(struct ext_map *map, size_t e, unsigned id)
{
    if (map->id[e] == 0 && is_free(map, id)) map->id[e] = (uint8_t)id;
}

void sotto__exts_claim(struct ext_map *map, const struct sdp_media *m, struct ext_set *set)
{
    struct cursor cursor = {.s = &m->s};
    struct sdp_extmap line;
    while (next_extmap(&cursor, &line)) {
        size_t e = find(line.uri);
        if (e < EXT_COUNT)
            claim(map, e, line.id);
        else if (is_free(map, line.id))
            set_bit(map->foreign, line.id);
    }
    for (unsigned id = 1; id <= MAX_TWO_BYTE; id++)
        if (get_bit(set->foreign, id) && is_free(map, id)) set_bit(map->foreign, id);
    for (size_t e = 0; e < EXT_COUNT; e++) {
        if (set->id[e] == 0) continue;
        claim(map, e, set->id[e]); /* from the session level */
        if (map->id[e] != set->id[e]) set->id[e] = 0;
    }
}

/*
 * What Chromium numbers them in its own offers. When offers cross, a Chromium that rolls its own back refuses ours if an id means another
 * URI than in the offer that nobody has answered; so these are taken first.
 */
static const uint8_t usual[EXT_COUNT] = {
    [EXT_MID] = 4,           [EXT_RID] = 10,       [EXT_RRID] = 11,       [EXT_ABS_SEND] = 2,
    [EXT_ABS_CAPTURE] = 12,  [EXT_TWCC] = 3,       [EXT_AUDIO_LEVEL] = 1, [EXT_ORIENTATION] = 13,
    [EXT_PLAYOUT_DELAY] = 5, [EXT_DEPENDENCY] = 9,
};

static bool is_usual(unsigned id)
{
    for (size_t e = 0; e < EXT_COUNT; e++)
        if (usual[e] == id) return true;
    return false;
}

/* Its usual id, else the lowest free one that is no other's usual one: those of one-byte headers first. 0: none is left. */
static uint8_t free_id(const struct ext_map *map, size_t e)
{
    if (is_free(map, usual[e])) return usual[e];
    for (unsigned id = 1; id <= MAX_TWO_BYTE; id++)
        if (id != MAX_ONE_BYTE + 1 && !is_usual(id) && is_free(map, id)) return (uint8_t)id;
    return 0;
}

/* ---- offer and answer ---- */

void sotto__exts_offer(sotto_kind kind, bool simulcast, struct ext_map *map, struct ext_set *ret)
{
    *ret = (struct ext_set){.allow_mixed = true, .simulcast = simulcast};
    for (size_t e = 0; e < EXT_COUNT; e++) {
        if (!fits(e, kind) || (is_for_simulcast(e) && !simulcast)) continue;
        if (map->id[e] == 0) map->id[e] = free_id(map, e);
        ret->id[e] = map->id[e];
    }
}

void sotto__exts_answer(const struct ext_set *offered, sotto_kind kind, struct ext_set *ret)
{
    *ret = (struct ext_set){.allow_mixed = offered->allow_mixed, .simulcast = offered->simulcast};
    for (size_t e = 0; e < EXT_COUNT; e++) {
        if (!fits(e, kind) || (is_for_simulcast(e) && !offered->simulcast)) continue;
        ret->id[e] = offered->id[e];
        ret->direction[e] = (uint8_t)sotto__direction_reverse(offered->direction[e]);
    }
}

void sotto__exts_common(const struct ext_set *local, const struct ext_set *remote,
                        struct ext_set *ret)
{
    struct ext_set both = {.allow_mixed = local->allow_mixed && remote->allow_mixed,
                           .simulcast = local->simulcast && remote->simulcast};
    for (size_t e = 0; e < EXT_COUNT; e++) {
        int32_t direction = sotto__direction_and(local->direction[e],
                                                 sotto__direction_reverse(remote->direction[e]));
        if (local->id[e] != remote->id[e] || direction == SOTTO_DIR_INACTIVE) continue;
        both.id[e] = local->id[e];
        both.direction[e] = (uint8_t)direction;
    }
    *ret = both;
}

/* ---- writing ---- */

int sotto__exts_write(const struct ext_set *set, struct sdp *sdp, struct sdp_media *m)
{
    for (size_t e = 0; e < EXT_COUNT; e++) {
        bool both = set->direction[e] == SOTTO_DIR_SENDRECV;
        if (set->id[e] == 0) continue;
        int r = sotto__sdp_add(sdp, &m->s, 'a', "extmap:%u%s%s %s", set->id[e], both ? "" : "/",
                               both ? "" : sotto__direction_name(set->direction[e]), known[e].uri);
        if (r < 0) return r;
    }
    return set->allow_mixed ? sotto__sdp_add(sdp, &m->s, 'a', "extmap-allow-mixed") : 0;
}

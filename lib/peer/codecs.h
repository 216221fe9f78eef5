/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_CODECS_H
#define SOTTO_PEER_CODECS_H
/*
 * Codecs in descriptions: what we support, in which order; reading them from a media section, making the list of an offer and of an
 * answer, writing it. Plain functions: nothing here knows transceivers or states.
 */
#include "sotto/media.h"
#include "util/str.h"
#include "wire/codec.h"
#include "wire/sdp.h"

void sotto__codecs_free(struct codec_list *l); /* becomes empty */
int sotto__codecs_copy(const struct codec_list *from, struct codec_list *to); /* to is overwritten; 0 or SOTTO_E_NOMEM */

/* Payload types of a bundle: which configuration a number means. One in all sections (RFC 9143 §10.1.2). */
struct pt_map {
    struct codec used[128]; /* name NULL: free; fmtp is not owned and NULL */
    bool given[128];        /* a section of the offer that is being made has it */
};

/* What is supported, most preferred first, with pt PT_NONE and apt -1, without RTX: offer adds it for each video codec. *ret is yours:
 * codecs_free. 0 or SOTTO_E_NOMEM. */
int sotto__codecs_supported(sotto_kind kind, struct codec_list *ret);
/* Whether b is the same codec as a for answering: name, clock, channels and the parameters that count (RFC 6184 §8.2.2: profile and
 * packetization-mode; RFC 7798 §7.2.2; VP9 profile-id; AV1 profile). Payload types and levels do not count. */
bool sotto__codec_matches(const struct codec *a, const struct codec *b);

/* Those of a media section that we support, in its order, with its payload types; the rest is left out: unknown ones, pt 64–95 (RFC 5761
 * §4), a pt given twice, RTX without what it repeats, bad parameters. An empty list is no error. 0 or SOTTO_E_NOMEM. */
int sotto__codecs_read(const struct sdp_media *m, sotto_kind kind, struct codec_list *ret);
/* Takes the payload types of a section into the map; what contradicts the map is taken out of the list instead (RFC 9143). */
void sotto__codecs_claim(struct pt_map *map, struct codec_list *list);

/* The numbers that a section uses for what we do not support: they are not given to ours (RFC 3264 §8.3.2). After claim. */
void sotto__codecs_reserve(struct pt_map *map, const struct sdp_media *m);

/* The list of an offered section. prefs: of setCodecPreferences, NULL or empty: the default. before: what the section had in the last
 * description, nullable: those keep their payload types. New ones get numbers that the map has free, 96–127, then 35–63, and enter the map.
 * For each video codec RTX follows, if prefs are empty or name it. The order is that of prefs, else of before with the rest behind it
 * (RFC 9429 §5.2.2). What finds no number is left out. 0, SOTTO_E_NOMEM, SOTTO_E_LIMIT no number is left for any. */
int sotto__codecs_offer(sotto_kind kind, const struct codec_list *prefs,
                        const struct codec_list *before, struct pt_map *map,
                        struct codec_list *ret);
/* The list of an answered section: what is in the offer and in prefs (or supported), with the offer's payload types, in the order of prefs
 * if there are any, else of the offer; parameters are ours for receiving, within what the offer allows; feedback is the intersection.
 * RTX, RED, telephone-event only with their codec. Empty: nothing in common, the section is to be rejected. 0 or SOTTO_E_NOMEM. */
int sotto__codecs_answer(sotto_kind kind, const struct codec_list *prefs,
                         const struct codec_list *offered, struct codec_list *ret);
/* What may be sent after offer and answer: the remote's list without what the local description has not; the remote's payload types,
 * order and parameters; feedback is the intersection. 0 or SOTTO_E_NOMEM. */
int sotto__codecs_common(const struct codec_list *local, const struct codec_list *remote,
                         struct codec_list *ret);
/* A codec that carries media by itself is in the list: not only RTX, RED, telephone-event. */
bool sotto__codecs_usable(const struct codec_list *l);

/* "96 97 …" for the m= line, and rtpmap, rtcp-fb and fmtp lines. 0 or the error of sotto__sdp_add. */
int sotto__codecs_fmts(const struct codec_list *l, struct buf *out); /* appends */
int sotto__codecs_write(const struct codec_list *l, struct sdp *sdp, struct sdp_media *m);

/* Public forms. block: one allocation, sotto_free(). uris of extensions nullable. */
int sotto__codecs_public(sotto_kind kind, const struct codec_list *l, const char *const *uris,
                         size_t n_uris, sotto_codecs **ret);
/* What setCodecPreferences may name: those supported, and RTX once for all video codecs. 0 or SOTTO_E_NOMEM. */
int sotto__codecs_capabilities(sotto_kind kind, struct codec_list *ret);
/* Preferences of the application → list without duplicates. items: an array of our own struct, whatever its size fields say.
 * 0, SOTTO_E_MODIFICATION, SOTTO_E_LIMIT more than SOTTO_MAX_CODECS, SOTTO_E_NOMEM. */
int sotto__codecs_from_public(sotto_kind kind, const sotto_codec *items, size_t n,
                              struct codec_list *ret);

#endif

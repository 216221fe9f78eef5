/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_CODECS_INT_H
#define SOTTO_PEER_CODECS_INT_H
/* What the files codecs_*.c share. */
#include "peer/codecs.h"

#define CODEC_FMTP_TEXT 128 /* the longest text that we write ourselves, with its NUL */

/* What is supported, most preferred first; without RTX. pt is PT_NONE, fmtp NULL. */
const struct codec *sotto__codecs_table(sotto_kind kind, size_t *ret_n);
/* The entry of the table that is the same codec; NULL: not supported. RTX is never there. */
const struct codec *sotto__codecs_ours(sotto_kind kind, const struct codec *c);
extern const struct codec sotto__codec_rtx; /* for video */

/* A copy of c at the end, its fmtp replaced by a copy of this text; p NULL: none. 0 or SOTTO_E_NOMEM. */
int sotto__codecs_push(struct codec_list *l, const struct codec *c, const char *fmtp, size_t n);
int sotto__codecs_push_ours(struct codec_list *l, const struct codec *c); /* the text is made of its parameters */
void sotto__codecs_remove(struct codec_list *l, size_t i);
/* Takes out what cannot be used: RTX and RED without what they repeat, a second RTX for the same, telephone-event without a codec
 * of its clock (RFC 4733 §2.1: they share one stream). What is left is usable or empty. */
void sotto__codecs_prune(struct codec_list *l);
const struct codec *sotto__codecs_by_pt(const struct codec_list *l, int pt); /* NULL: none */
bool sotto__codec_is_media(const struct codec *c); /* not RTX, RED, telephone-event */
bool sotto__codecs_have(const struct codec_list *l, enum codec_id id);

/* codecs_match.c: whether two payload types mean the same: matches, and RTX and RED stand for the same payload type. */
bool sotto__codec_same(const struct codec *a, const struct codec *b);
/* Our parameters in an answer. ours and offered match. */
struct codec_params sotto__codec_answer(const struct codec *ours, const struct codec *offered);

/* Ours as an application prefers it: of Opus with what its preferences ask of the remote, and say of what will be sent (RFC 7587 §7). */
struct codec sotto__codec_preferred(const struct codec *ours, const struct codec *pref);
bool sotto__codec_asks_same(const struct codec *a, const struct codec *b); /* of that; they match */

/* codecs_text.c: parameters from a text, absent ones as their RFC wants; c: id is set. false: a codec with them cannot be used. */
bool sotto__codec_parse(struct codec *c, struct str fmtp);
/* Our text of its parameters; "" none. */
void sotto__codec_format(const struct codec *c, char out[CODEC_FMTP_TEXT]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_STATS_H
#define SOTTO_PEER_STATS_H
/* The snapshot of a connection under the names of W3C webrtc-stats, and what its files share. */
#include "peer/peer.h"
#include "sotto/stats.h"
#include "util/buf.h"

/*
 * All that is known, or with a selector what that transceiver uses. timestamp: milliseconds since 1970. *ret is one block, yours:
 * sotto__free. 0 or SOTTO_E_NOMEM.
 */
int sotto__peer_stats(struct peer *p, sotto_us now, const struct transceiver *selector,
                      double timestamp, sotto_stats **ret);

/* info.c: the state as W3C has it, closed with the connection. */
enum transport_dtls_state sotto__peer_dtls(const struct peer *p);

/* stats_build.c: begin an object, then add its members. Types and names are static, texts and ids are copied. Errors stick. */
struct stats_build {
    struct buf items, members, text;
    bool shows; /* addresses and the like as they are, not masked */
};
void sotto__stats_init(struct stats_build *b, bool shows);
void sotto__stats_begin(struct stats_build *b, const char *type, const char *id);
void sotto__stats_int(struct stats_build *b, const char *name, uint64_t value);
void sotto__stats_signed(struct stats_build *b, const char *name, int64_t value);
void sotto__stats_double(struct stats_build *b, const char *name, double value); /* finite */
void sotto__stats_bool(struct stats_build *b, const char *name, bool value);
void sotto__stats_text(struct stats_build *b, const char *name, const char *value);
/* What would name a host or a person: as its mask (util/mask.h), unless the application wants to see it. */
void sotto__stats_named(struct stats_build *b, const char *name, const char *kind,
                        const char *value);
/* The same in words. */
void sotto__stats_words(struct stats_build *b, const char *name, const char *value);
size_t sotto__stats_count(const struct stats_build *b); /* objects so far */
bool sotto__stats_has(const struct stats_build *b, size_t first, const char *id); /* among those from first on */
/* Makes one block of it, or frees it: the builder is empty then. 0 or SOTTO_E_NOMEM. */
int sotto__stats_finish(struct stats_build *b, double timestamp, sotto_stats **ret);

#define STATS_TRANSPORT "T"

/* stats.c: the id of a codec's object */
#define STATS_CODEC_ID (SOTTO_MAX_FMTP + 64)
void sotto__stats_codec_id(char id[static STATS_CODEC_ID], sotto_kind kind, const struct codec *c);

/* stats_bytes.c: the memory of the connection, by module */
void sotto__stats_bytes(struct stats_build *b, struct peer *p);

/* e2ee.c: of one direction; e NULL: nothing */
void sotto__stats_e2ee(struct stats_build *b, const struct e2ee *e, int32_t direction);

/* stats_media.c: the streams of one transceiver */
void sotto__stats_media(struct stats_build *b, const struct peer *p, const struct transceiver *t,
                        double timestamp, sotto_us now);

/* stats_ice.c: candidates and the selected pair; its id in pair_id, "" without one. only_pair: no candidates but its two. */
#define STATS_CANDIDATE_ID 384
#define STATS_PAIR_ID (2 * STATS_CANDIDATE_ID + 4)
void sotto__stats_ice(struct stats_build *b, const struct peer *p, bool only_pair,
                      char pair_id[static STATS_PAIR_ID]);
/* packetsSent … bytesReceived: the difference */
void sotto__stats_counters(struct stats_build *b, const struct transport_stats *now,
                           const struct transport_stats *before);

#endif

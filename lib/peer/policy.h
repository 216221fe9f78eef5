/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_POLICY_H
#define SOTTO_PEER_POLICY_H
/* What a remote may have at all, as the application said before: sotto/policy.h. */
#include "peer/peer.h"
#include "peer/section.h"
#include "sotto/policy.h"
#include "wire/candidate.h"

#define POLICY_CODEC 32u /* bytes of a name with its NUL */
#define POLICY_CODECS 32u

struct policy { /* one block; as sotto_policy, but that no limit is the largest number, and none is 0; of max_receive_bps 0 is no limit */
    int32_t audio, video;
    bool no_data;
    uint32_t max_sections, max_channels, refuse_candidates, max_candidates;
    uint64_t max_send_bps, max_receive_bps;
    bool any_codec;
    size_t n_codecs;
    char codecs[][POLICY_CODEC];
};

/* The policy is moved; NULL: none. An offer of the remote that waits for its answer keeps the one that it was taken with. */
void sotto__peer_set_policy(struct peer *p, struct policy *policy);

/* A description of the remote comes: the policy that was set last holds for it. */
void sotto__policy_begin(struct peer *p);
/* Of a remote description, read: what is not allowed becomes unusable, the rest is narrowed. How many sections that was. */
size_t sotto__policy_sections(const struct peer *p, struct sections *s, bool is_answer);
/* What we offer of a transceiver. */
int32_t sotto__policy_direction(const struct peer *p, sotto_kind kind, int32_t direction);
void sotto__policy_codecs(const struct peer *p, struct codec_list *list); /* as it is if nothing usable would be left */
uint64_t sotto__policy_receive_bps(const struct peer *p);                 /* 0: no limit */
/* One more channel of the remote, which has opened n that are not closed; one more candidate, with n in use. */
bool sotto__policy_takes_channel(const struct peer *p, size_t n);
bool sotto__policy_takes_candidate(const struct peer *p, const struct candidate *c);
void sotto__policy_free(struct peer *p);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_NEGO_ICE_H
#define TEST_SCENARIO_NEGO_ICE_H
/* A call with audio and a channel "c", and which ICE credentials it uses. */
#include "nego.h"
#include "nego_sdp.h"

static inline struct nego *call_with(const struct nego_opt *o)
{
    struct nego *n = nego_new(o);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

static inline struct nego *call(void)
{
    return call_with(NULL);
}

static inline char *ufrag_of(struct nego_side *s)
{
    return sdp_value(s->n, nego_local(s), 0, "a=ice-ufrag:");
}

static inline char *pwd_of(struct nego_side *s)
{
    return sdp_value(s->n, nego_local(s), 0, "a=ice-pwd:");
}

/* Both use the credentials of their newest descriptions. */
static inline bool is_moved(struct nego *n, void *unused)
{
    (void)unused;
    sotto_transport_info a = nego_transport(&n->a), b = nego_transport(&n->b);
    return strcmp(a.local_ufrag, ufrag_of(&n->a)) == 0 &&
           strcmp(b.local_ufrag, ufrag_of(&n->b)) == 0 &&
           strcmp(a.remote_ufrag, b.local_ufrag) == 0 &&
           strcmp(b.remote_ufrag, a.local_ufrag) == 0 && nego_is_connected(n, NULL);
}

static inline bool is_whole(struct nego *n, void *unused)
{
    (void)unused;
    return nego_is_whole(n, "c");
}

static inline void goes_on(struct nego *n)
{
    nego_send(nego_find(&n->a, "c"));
    nego_send(nego_find(&n->b, "c"));
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_whole, NULL));
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Two connections that negotiate by hand: see sides.h. */
#include "sides.h"

#include "both_ways.h"

static void make(struct sides *s, bool no_thread)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = no_thread};
    sotto_pc_config a = {.size = sizeof a, .user = &s->a, .allow_loopback = true};
    sotto_pc_config b = {.size = sizeof b, .user = &s->b, .allow_loopback = true};
    assert_int_equal(both_ways_ctx(&cfg, &s->ctx), 0);
    assert_int_equal(sotto_pc_new(s->ctx, &a, &s->a), 0);
    assert_int_equal(sotto_pc_new(s->ctx, &b, &s->b), 0);
}

void sides_new(struct sides *s)
{
    make(s, true);
}

void sides_new_with_thread(struct sides *s)
{
    make(s, false);
}

void sides_free(struct sides *s)
{
    sotto_ctx_free(s->ctx);
}

static void carry(sotto_pc *from, sotto_pc *to, sotto_sdp_type type)
{
    sotto_error err = {.size = sizeof err};
    sotto_sdp_type is;
    char *sdp;
    if (sotto_pc_set_local_description(from, type, NULL, &err) < 0) fail_msg("%s", err.reason);
    assert_int_equal(sotto_pc_local_description(from, SOTTO_DESC_EFFECTIVE, &is, &sdp), 1);
    assert_int_equal(is, type);
    if (sotto_pc_set_remote_description(to, type, sdp, &err) < 0) fail_msg("%s", err.reason);
    sotto_free(sdp);
}

void sides_offer(sotto_pc *from, sotto_pc *to)
{
    carry(from, to, SOTTO_SDP_OFFER);
}

void sides_answer(sotto_pc *from, sotto_pc *to)
{
    carry(from, to, SOTTO_SDP_ANSWER);
}

void sides_negotiate(sotto_pc *from, sotto_pc *to)
{
    sides_offer(from, to);
    sides_answer(to, from);
}

sotto_event *sides_take(struct sides *s, sotto_pc *pc, uint32_t type)
{
    sotto_event *e;
    while (sotto_ctx_next(s->ctx, &e) == 1) {
        if (e->pc == pc && e->type == type) return e;
        sotto_event_free(e);
    }
    return NULL;
}

size_t sides_drain(struct sides *s, sotto_pc *pc, uint32_t type)
{
    sotto_event *e;
    size_t n = 0;
    for (; (e = sides_take(s, pc, type)); n++) sotto_event_free(e);
    return n;
}

sotto_transceiver *sides_only(sotto_pc *pc)
{
    sotto_transceiver *t;
    assert_int_equal(sotto_pc_get_transceivers(pc, &t, 1), 1);
    return t;
}

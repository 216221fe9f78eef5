/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call between two connections over loopback. Waits are bounded by the caller; nothing sleeps.
 */
#include "call.h"

#define CONNECTS_MS 60000 /* this only ends what hangs */

static void make(struct call_side *s, sotto_ctx *ctx)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true, .user = s};
    s->ctx = ctx;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &s->pc), 0);
}

void call_new(struct call *c, sotto_ctx *ctx_a, sotto_ctx *ctx_b)
{
    *c = (struct call){0};
    c->a.other = &c->b;
    c->b.other = &c->a;
    make(&c->a, ctx_a);
    make(&c->b, ctx_b);
    sotto_dc_config dc = {.size = sizeof dc, .user = &c->a};
    assert_int_equal(sotto_pc_create_data_channel(c->a.pc, "call", &dc, &c->a.dc), 0);
}

void call_free(struct call *c)
{
    sotto_dc_free(c->a.dc);
    sotto_dc_free(c->b.dc);
    sotto_pc_free(c->a.pc);
    sotto_pc_free(c->b.pc);
}

static void take_message(struct call_side *s, const sotto_event *e)
{
    size_t n = e->u.message.len < sizeof s->last - 1 ? e->u.message.len : sizeof s->last - 1;
    memcpy(s->last, e->u.message.data, n);
    s->last[n] = '\0';
    s->n_messages++;
    s->bytes += e->u.message.len;
}

void call_event(sotto_event *e)
{
    struct call_side *s = e->user;
    sotto_candidate c = {.size = sizeof c, .line = e->u.candidate.line, .mid = e->u.candidate.mid};
    s->n_events[e->type]++;
    switch (e->type) {
    case SOTTO_EV_STATE:
        s->connected = e->u.state.connection == SOTTO_CONNECTION_CONNECTED;
        s->completed = e->u.state.ice == SOTTO_ICE_COMPLETED;
        break;
    case SOTTO_EV_CANDIDATE: sotto_pc_add_ice_candidate(s->other->pc, &c, NULL); break;
    case SOTTO_EV_CHANNEL: s->dc = e->u.channel.dc; break;
    case SOTTO_EV_OPEN: s->open = true; break;
    case SOTTO_EV_CLOSED: s->closed = true; break;
    case SOTTO_EV_MESSAGE: take_message(s, e); break;
    default: break;
    }
    sotto_event_free(e);
}

bool call_run(struct call *c, const bool *until, int ms)
{
    sotto_us end = sotto_now() + ms * 1000LL;
    sotto_event *e;
    bool alone = c->a.ctx == c->b.ctx;
    while (!*until && sotto_now() < end) {
        if (sotto_ctx_wait(c->a.ctx, alone ? 10000 : 1000, &e) == 1) call_event(e);
        while (!alone && sotto_ctx_wait(c->b.ctx, 0, &e) == 1) call_event(e);
    }
    return *until;
}

void call_offer_and_answer(struct call *c)
{
    char *sdp;
    sotto_error err = {.size = sizeof err};
    assert_int_equal(sotto_pc_set_local_description(c->a.pc, SOTTO_SDP_IMPLICIT, NULL, &err), 0);
    assert_int_equal(sotto_pc_local_description(c->a.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(c->b.pc, SOTTO_SDP_OFFER, sdp, &err), 0);
    sotto_free(sdp);
    assert_int_equal(sotto_pc_set_local_description(c->b.pc, SOTTO_SDP_IMPLICIT, NULL, &err), 0);
    assert_int_equal(sotto_pc_local_description(c->b.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(c->a.pc, SOTTO_SDP_ANSWER, sdp, &err), 0);
    sotto_free(sdp);
}

void call_connect(struct call *c)
{
    call_offer_and_answer(c);
    assert_true(call_run(c, &c->a.open, CONNECTS_MS));
    assert_true(call_run(c, &c->b.open, CONNECTS_MS));
}

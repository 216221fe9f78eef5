/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An echo answerer: reads an SDP offer from standard input up to end of file, prints the answer with
 * all candidates, and sends every message of every data channel back, no faster than they are taken.
 *     build/release/docs/examples/echo < offer.sdp
 * Give what it prints to the page or program that made the offer.
 */
#include <sotto/sotto.h>
#include <stdio.h>

static char offer[256 * 1024 + 1];

static int failed(const char *what, int code)
{
    fprintf(stderr, "echo: %s: %s\n", what, sotto_strerror(code));
    return 1;
}

int main(void)
{
    sotto_ctx *ctx = NULL;
    sotto_pc *pc = NULL;
    sotto_event *e = NULL, *held = NULL; /* held: a message that could not be sent back yet */
    sotto_error err = {.size = sizeof err};
    char *answer = NULL;
    int r, state = SOTTO_CONNECTION_NEW;
    offer[fread(offer, 1, sizeof offer - 1, stdin)] = '\0';
    if ((r = sotto_ctx_new(NULL, &ctx)) < 0) return failed("no context", r);
    if ((r = sotto_pc_new(ctx, NULL, &pc)) < 0) return failed("no connection", r);
    r = sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, offer, &err);
    if (r >= 0) r = sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) return failed(err.reason, r);
    while (state < SOTTO_CONNECTION_FAILED && (r = sotto_ctx_wait(ctx, -1, &e)) >= 0) {
        if (r == 0) continue; /* a signal came */
        if (e->type == SOTTO_EV_STATE) {
            state = e->u.state.connection;
            if (!answer && e->u.state.gathering == SOTTO_GATHERING_COMPLETE &&
                sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, &answer) == 1) {
                printf("%s\n", answer);
                fflush(stdout);
            }
        } else if (e->type == SOTTO_EV_MESSAGE || held) { /* held: perhaps it can be sent now */
            sotto_event *m = held ? held : e;
            r = sotto_dc_send(m->u.message.dc, m->u.message.data, m->u.message.len,
                              m->u.message.is_text);
            if (r != SOTTO_E_AGAIN && m == held) sotto_event_free(held);
            held = r == SOTTO_E_AGAIN ? m : NULL; /* an event follows: WRITABLE or CLOSED */
            sotto_pc_set_reading(pc, !held);      /* the remote's sends wait meanwhile */
        }
        if (e->type == SOTTO_EV_CLOSED) sotto_dc_free(e->u.channel.dc);
        if (e != held) sotto_event_free(e);
    }
    sotto_free(answer);
    sotto_event_free(held);
    sotto_ctx_free(ctx);
    return state == SOTTO_CONNECTION_CLOSED ? 0 : failed("connection", SOTTO_E_NETWORK);
}

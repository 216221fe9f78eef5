/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call between two peers in one process, over this machine's loopback.
 * You will see the states, the greeting and its answer, and then how fast 64 KiB messages go from "alice" to "bob".
 *     build/release/docs/examples/two_peers [SECONDS]
 * Where this program calls the other peer's function directly, two machines would send the text to each other.
 */
#include <sotto/sotto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct side {
    const char *name;
    sotto_pc *pc;
    sotto_dc *dc;
    struct side *other;
    int32_t connection;
    uint64_t bytes, messages; /* received */
};

static uint8_t block[65536];

static int failed(const char *what, int code)
{
    return fprintf(stderr, "two_peers: %s: %s\n", what, sotto_strerror(code)), code;
}

/* alice offers, bob answers. Their candidates follow one by one, as events. */
static int signal_both(struct side *alice, struct side *bob)
{
    sotto_error err = {.size = sizeof err};
    char *offer = NULL, *answer = NULL;
    int r = sotto_pc_create_offer(alice->pc, NULL, &offer);
    if (r >= 0) r = sotto_pc_set_local_description(alice->pc, SOTTO_SDP_OFFER, offer, &err);
    if (r >= 0) r = sotto_pc_set_remote_description(bob->pc, SOTTO_SDP_OFFER, offer, &err);
    if (r >= 0) r = sotto_pc_create_answer(bob->pc, &answer);
    if (r >= 0) r = sotto_pc_set_local_description(bob->pc, SOTTO_SDP_ANSWER, answer, &err);
    if (r >= 0) r = sotto_pc_set_remote_description(alice->pc, SOTTO_SDP_ANSWER, answer, &err);
    sotto_free(offer);
    sotto_free(answer);
    return r < 0 ? failed(err.reason[0] ? err.reason : "signaling", r) : 0;
}

static void on_message(struct side *me, const sotto_event *e)
{
    me->bytes += e->u.message.len;
    me->messages++;
    if (!e->u.message.is_text) return;
    printf("%s got: %s\n", me->name, (const char *)e->u.message.data);
    if (strncmp((const char *)e->u.message.data, "hello", 5) == 0) {
        const char *reply = "and a good day to you, alice";
        int r = sotto_dc_send(e->u.message.dc, reply, strlen(reply), true);
        if (r < 0) failed("reply", r);
    }
}

/* Send until the buffer is full: SOTTO_EV_WRITABLE says when to go on. */
static int fill(struct side *me)
{
    int r;
    while ((r = sotto_dc_send(me->dc, block, sizeof block, false)) == 0) continue;
    return r == SOTTO_E_AGAIN ? 0 : failed("send", r);
}

static int on_event(const sotto_event *e)
{
    static const char *const names[] = {"new",          "connecting", "connected",
                                        "disconnected", "failed",     "closed"};
    struct side *me = e->user;
    sotto_candidate c = {.size = sizeof c, .line = e->u.candidate.line, .mid = e->u.candidate.mid};
    const char *hello = "hello bob, this is alice";
    switch (e->type) {
    case SOTTO_EV_STATE:
        if (me->connection != e->u.state.connection)
            printf("%s is %s\n", me->name, names[e->u.state.connection]);
        me->connection = e->u.state.connection;
        return me->connection == SOTTO_CONNECTION_FAILED ? failed("connection", SOTTO_E_NETWORK)
                                                         : 0;
    case SOTTO_EV_CANDIDATE: return sotto_pc_add_ice_candidate(me->other->pc, &c, NULL);
    case SOTTO_EV_CHANNEL: return sotto_dc_set_user(e->u.channel.dc, me);
    case SOTTO_EV_OPEN: return me->dc ? sotto_dc_send(me->dc, hello, strlen(hello), true) : 0;
    case SOTTO_EV_MESSAGE: on_message(me, e); return me->dc && e->u.message.is_text ? fill(me) : 0;
    case SOTTO_EV_WRITABLE: return fill(me);
    default: return 0;
    }
}

int main(int argc, char **argv)
{
    struct side alice = {.name = "alice"}, bob = {.name = "bob", .other = &alice};
    sotto_us start = sotto_now(), first = 0, length = (argc > 1 ? atol(argv[1]) : 3) * 1000000L;
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true, .user = &alice};
    sotto_dc_config dc = {.size = sizeof dc, .user = &alice};
    sotto_ctx *ctx = NULL;
    sotto_event *e;
    int r = sotto_ctx_new(NULL, &ctx);
    alice.other = &bob;
    if (r >= 0) r = sotto_pc_new(ctx, &cfg, &alice.pc);
    cfg.user = &bob;
    if (r >= 0) r = sotto_pc_new(ctx, &cfg, &bob.pc);
    if (r >= 0) r = sotto_pc_create_data_channel(alice.pc, "chat", &dc, &alice.dc);
    if (r >= 0) r = signal_both(&alice, &bob);
    while (r >= 0 && sotto_now() < (first ? first : start + 10000000) + length) {
        if ((r = sotto_ctx_wait(ctx, 100000, &e)) != 1) continue;
        r = on_event(e);
        if (!first && alice.messages > 0) {
            first = sotto_now();
            printf("connected and answered after %.1f ms\n", (double)(first - start) / 1e3);
        }
        sotto_event_free(e);
    }
    if (r >= 0 && first)
        printf("bob got %.1f MB in %.0f messages: %.1f MB/s\n", (double)bob.bytes / 1e6,
               (double)bob.messages, (double)bob.bytes / (double)length);
    sotto_ctx_free(ctx); /* frees the connections and channels too */
    return r >= 0 && first && bob.bytes > sizeof block
               ? 0
               : (failed("call", r < 0 ? r : SOTTO_E_NETWORK), 1);
}

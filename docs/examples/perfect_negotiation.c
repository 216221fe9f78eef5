/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Perfect negotiation: two peers in one process change one connection both at once, and always come to the same state. bob is
 * polite: he takes his own offer back when alice's crosses it. You will see where offers cross and what each round ends with.
 *     build/release/docs/examples/perfect_negotiation [ROUNDS]
 * sotto_ctx_post() carries letters between the two; between two machines they travel as text, in order.
 */
#include <sotto/sotto.h>
#include <stdio.h>
#include <stdlib.h>

struct side {
    const char *name;
    bool polite, ignoring;
    struct side *other;
    sotto_pc *pc;
};
static sotto_ctx *ctx;
static struct side bob, alice = {.name = "alice", .other = &bob};
static struct side bob = {.name = "bob", .polite = true, .other = &alice};
enum { CANDIDATE = 0, FROM_BOB = 8 }; /* codes of letters; of a description: its type, and who wrote it */
static const char names[][9] = {"none", "sendrecv", "sendonly", "recvonly", "inactive", "stopped"};

static int failed(const char *what, int code)
{
    return fprintf(stderr, "perfect_negotiation: %s: %s\n", what, sotto_strerror(code)), code;
}

/* An offer, or the answer to the one that came: the library knows which. */
static int describe(struct side *me)
{
    sotto_error err = {.size = sizeof err};
    sotto_sdp_type type;
    char *sdp = NULL;
    int r = sotto_pc_set_local_description(me->pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) return failed(err.reason, r);
    r = sotto_pc_local_description(me->pc, SOTTO_DESC_EFFECTIVE, &type, &sdp);
    return r < 0 ? r : sotto_ctx_post(ctx, (uint32_t)type | (me == &bob ? FROM_BOB : 0), sdp);
}

static int on_description(struct side *me, sotto_sdp_type type, const char *sdp)
{
    sotto_pc_state state = {.size = sizeof state};
    sotto_error err = {.size = sizeof err};
    int r = sotto_pc_get_state(me->pc, &state);
    bool crossed = type == SOTTO_SDP_OFFER && state.signaling != SOTTO_SIGNALING_STABLE;
    if (crossed) printf("  offers cross: %s %s\n", me->name, me->polite ? "yields" : "insists");
    me->ignoring = crossed && !me->polite;
    if (me->ignoring || r < 0) return r;
    r = sotto_pc_set_remote_description(me->pc, type, sdp, &err); /* takes an own offer back */
    return r < 0 ? failed(err.reason, r) : type == SOTTO_SDP_OFFER ? describe(me) : 0;
}

static int on_candidate(struct side *me, const sotto_event *e)
{
    sotto_candidate c = {.size = sizeof c, .line = e->u.candidate.line, .mid = e->u.candidate.mid};
    c.ufrag = e->u.candidate.ufrag;
    int r = sotto_pc_add_ice_candidate(me->pc, &c, NULL);
    return me->ignoring ? 0 : r; /* it may belong to the offer that was ignored */
}

static int on_event(sotto_event *e)
{
    void *p = e->type == SOTTO_EV_USER ? e->u.post.p : NULL;
    sotto_event *cand = p && e->u.post.code == CANDIDATE ? p : NULL;
    int r = e->type == SOTTO_EV_NEGOTIATION_NEEDED ? describe(e->user) : 0;
    if (e->type == SOTTO_EV_CANDIDATE) return sotto_ctx_post(ctx, CANDIDATE, e);
    if (cand) r = on_candidate(((struct side *)cand->user)->other, cand);
    if (p && !cand)
        r = on_description(e->u.post.code & FROM_BOB ? &alice : &bob, e->u.post.code & 7, p);
    if (!cand) sotto_free(p);
    sotto_event_free(cand);
    sotto_event_free(e);
    return r;
}

static int change(struct side *me)
{
    sotto_transceiver *t[8];
    int n = sotto_pc_get_transceivers(me->pc, t, 8), what = rand() % 4;
    if (n < 2 || (what == 0 && n < 6))
        return sotto_pc_add_transceiver(me->pc, SOTTO_AUDIO + rand() % 2, NULL, t);
    if (what == 1) return sotto_transceiver_stop(t[rand() % n]);
    if (what == 2) return sotto_pc_restart_ice(me->pc);
    return sotto_transceiver_set_direction(t[rand() % n], rand() % 4);
}

static int show(const struct side *me)
{
    sotto_transceiver *t[8];
    char mid[65];
    int n = sotto_pc_get_transceivers(me->pc, t, 8);
    printf("  %s:", me->name);
    for (int i = 0; i < n; i++) {
        sotto_transceiver_mid(t[i], mid, sizeof mid);
        printf(" %s %s,", mid, names[sotto_transceiver_current_direction(t[i]) + 1]);
    }
    return printf(" %d transceivers\n", n), n;
}

int main(int argc, char **argv)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true, .user = &alice};
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 10, r = sotto_ctx_new(NULL, &ctx);
    sotto_event *e[64];
    if (r >= 0) r = sotto_pc_new(ctx, &cfg, &alice.pc);
    cfg.user = &bob;
    if (r >= 0) r = sotto_pc_new(ctx, &cfg, &bob.pc);
    for (int k = 1; r >= 0 && k <= rounds; k++) {
        printf("round %d\n", k);
        if ((r = change(&alice)) >= 0) r = change(&bob);
        while (r >= 0 && (r = sotto_ctx_wait(ctx, 20000, e)) == 1) {
            int more = sotto_ctx_next_many(ctx, e + 1, 63); /* both offer before either reads */
            for (int i = 0; r >= 0 && i <= (more > 0 ? more : 0); i++) r = on_event(e[i]);
        }
        if (r >= 0 && show(&alice) != show(&bob)) r = failed("the two differ", SOTTO_E_STATE);
    }
    sotto_ctx_free(ctx);
    return r < 0 ? failed("negotiation", r), 1 : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commanded peer's signaling: descriptions made at once, step by step, or by the perfect-negotiation pattern of W3C WebRTC 1.0
 * §10.7, here with nothing but public calls. sotto's calls are finished when they return, so the pattern needs no "making an offer"
 * flag: an offer collides with ours exactly when the signaling state is not stable.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {"", "offer", "pranswer", "answer", "rollback"};

static sotto_sdp_type type_of(const char *name)
{
    for (int i = 1; i < 5; i++)
        if (strcmp(name, types[i]) == 0) return i;
    return SOTTO_SDP_IMPLICIT;
}

static void complain(const char *what, int code, const sotto_error *err)
{
    report(what, code);
    fprintf(stderr, "peer: %s: %s (line %d)\n", what,
            err->reason[0] ? err->reason : sotto_strerror(code), err->line);
}

void write_description(int n)
{
    sotto_sdp_type type;
    char *sdp = NULL;
    if (sotto_pc_local_description(conns[n].pc, SOTTO_DESC_EFFECTIVE, &type, &sdp) != 1) return;
    printf("D\t%d\t%s", n, types[type]);
    write_field(sdp);
    putchar('\n');
    sotto_free(sdp);
    conns[n].described = true;
}

/* An offer or an answer, whichever the state asks for. */
static void describe(int n)
{
    sotto_error err = {.size = sizeof err};
    sotto_pc_state state = {.size = sizeof state};
    int r = sotto_pc_set_local_description(conns[n].pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) {
        complain("description", r, &err);
        return;
    }
    sotto_pc_get_state(conns[n].pc, &state);
    conns[n].described = conns[n].trickle || state.gathering == SOTTO_GATHERING_COMPLETE;
    if (conns[n].described) write_description(n);
}

void do_describe(int n, char **f, int n_f)
{
    (void)f;
    (void)n_f;
    describe(n);
}

void do_remote(int n, char **f, int n_f)
{
    struct conn *c = &conns[n];
    sotto_error err = {.size = sizeof err};
    sotto_pc_state state = {.size = sizeof state};
    sotto_sdp_type type = type_of(f[2]);
    (void)n_f;
    if (c->perfect) {
        sotto_pc_get_state(c->pc, &state);
        bool collision = type == SOTTO_SDP_OFFER && state.signaling != SOTTO_SIGNALING_STABLE;
        c->ignoring = collision && !c->polite;
        if (collision) printf("%s\t%d\n", c->ignoring ? "ignored" : "yielded", n);
        if (c->ignoring) return;
    }
    int r = sotto_pc_set_remote_description(c->pc, type, f[3], &err);
    if (r < 0)
        complain("D", r, &err);
    else if (type == SOTTO_SDP_OFFER)
        describe(n);
}

void do_candidate(int n, char **f, int n_f)
{
    sotto_error err = {.size = sizeof err};
    sotto_candidate c = {.size = sizeof c, .line = f[3], .mid = f[2]};
    if (n_f > 4 && f[4][0]) c.ufrag = f[4];
    int r = sotto_pc_add_ice_candidate(conns[n].pc, &c, &err);
    if (r < 0 && !conns[n].ignoring) complain("C", r, &err);
}

void do_create(int n, char **f, int n_f)
{
    sotto_offer_options opt = {.size = sizeof opt,
                               .ice_restart = n_f > 3 && strcmp(f[3], "restart") == 0};
    char *sdp = NULL;
    bool offer = type_of(f[2]) == SOTTO_SDP_OFFER;
    int r = offer ? sotto_pc_create_offer(conns[n].pc, &opt, &sdp)
                  : sotto_pc_create_answer(conns[n].pc, &sdp);
    if (r < 0) {
        report("create", r);
        return;
    }
    printf("created\t%d\t%s", n, f[2]);
    write_field(sdp);
    putchar('\n');
    forget_created(n);
    conns[n].created = sdp;
}

void forget_created(int n)
{
    sotto_free(conns[n].created);
    conns[n].created = NULL;
}

void do_write(int n, char **f, int n_f)
{
    (void)f;
    (void)n_f;
    write_description(n);
}

/* SDP "created": what the last create gave, to the byte. */
void do_set(int n, char **f, int n_f)
{
    sotto_error err = {.size = sizeof err};
    const char *sdp = n_f > 4 ? f[4] : NULL;
    if (sdp && strcmp(sdp, "created") == 0) sdp = conns[n].created;
    bool local = strcmp(f[2], "local") == 0;
    int r = local ? sotto_pc_set_local_description(conns[n].pc, type_of(f[3]), sdp, &err)
                  : sotto_pc_set_remote_description(conns[n].pc, type_of(f[3]), sdp, &err);
    printf("set\t%d\t%d", n, r);
    write_field(r < 0 ? err.reason : "");
    putchar('\n');
}

void do_restart(int n, char **f, int n_f)
{
    int r = sotto_pc_restart_ice(conns[n].pc);
    (void)n_f;
    if (r < 0) report(f[0], r);
}

void do_perfect(int n, char **f, int n_f)
{
    (void)n_f;
    conns[n].perfect = conns[n].trickle = true;
    conns[n].polite = strcmp(f[2], "polite") == 0;
}

void on_negotiation_needed(int n)
{
    if (conns[n].perfect)
        describe(n);
    else
        printf("needed\t%d\n", n);
}

/* "URL", or "URL|NAME|PASSWORD". */
static void add_server(sotto_pc_config *cfg, sotto_ice_server *servers, char *text)
{
    sotto_ice_server *s = &servers[cfg->n_ice_servers];
    if (cfg->n_ice_servers == MAX_SERVERS) return;
    *s = (sotto_ice_server){.size = sizeof *s, .url = text};
    char *name = strchr(text, '|'), *word = name ? strchr(name + 1, '|') : NULL;
    if (word) {
        *name = *word = '\0';
        s->username = name + 1;
        s->credential = word + 1;
    }
    cfg->ice_servers = servers;
    cfg->n_ice_servers++;
}

void do_new(int n, char **f, int n_f)
{
    sotto_pc_config cfg = {.size = sizeof cfg};
    sotto_ice_server servers[MAX_SERVERS];
    const char *pin;
    int r;
    forget_created(n);
    sotto_event_free(conns[n].held);
    sotto_pc_free(conns[n].pc);
    conns[n] = (struct conn){.mode = 'e'};
    for (int i = 2; i < n_f; i++) {
        if (strcmp(f[i], "trickle") == 0) conns[n].trickle = true;
        if (strcmp(f[i], "loopback") == 0) cfg.allow_loopback = true;
        if (strcmp(f[i], "relay") == 0) cfg.ice_transport_policy = SOTTO_ICE_POLICY_RELAY;
        if (strncmp(f[i], "server=", 7) == 0) add_server(&cfg, servers, f[i] + 7);
        if (strncmp(f[i], "max=", 4) == 0)
            cfg.max_message_size = (uint32_t)strtoul(f[i] + 4, NULL, 10);
        if (strncmp(f[i], "bundle=", 7) == 0)
            cfg.bundle_policy = (int32_t)strtol(f[i] + 7, NULL, 10);
        if (strncmp(f[i], "privacy=", 8) == 0)
            cfg.privacy_mode = (int32_t)strtol(f[i] + 8, NULL, 10);
        if (strncmp(f[i], "pin=", 4) == 0) {
            pin = f[i] + 4;
            cfg.peer_fingerprints = &pin;
            cfg.n_peer_fingerprints = 1;
            cfg.required_verification = SOTTO_VERIFY_PINNED;
        }
    }
    if ((r = sotto_pc_new(ctx, &cfg, &conns[n].pc)) < 0) report("new", r);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: sequences of calls of the public API on two peers in a network, with descriptions and candidates that the input alters or
 * brings along. Property: every call returns a documented kind of number, a refused description changes no state, no event breaks its
 * order, nothing is left behind, and afterwards a fresh pair in the same contexts connects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void pair_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t next(struct input *in)
{
    if (in->n == 0) return 0;
    in->n--;
    return *in->p++;
}

/* A text out of the input: up to 255 bytes, ended by NUL. yours: free(). */
static char *text(struct input *in)
{
    size_t n = next(in);
    if (n > in->n) n = in->n;
    char *s = strndup((const char *)in->p, n);
    if (!s) abort();
    in->p += n, in->n -= n;
    return s;
}

static void checked(int r)
{
    CHECK(r >= SOTTO_E_SYS && r <= 65535 && r != SOTTO_E_FORKED && r != SOTTO_E_SYS);
}

/* The other's description, some bytes of it changed, or a text of the input. yours: free(). */
static char *description(struct input *in, struct side *other)
{
    char *sdp = NULL, *s;
    uint8_t kind = next(in);
    if (kind % 4 == 3) return text(in);
    int r = kind & 64 ? sotto_pc_create_offer(other->pc, NULL, &sdp)
                      : sotto_pc_local_description(other->pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp);
    if (r < 0 || !sdp) return text(in);
    s = strdup(sdp);
    if (!s) abort();
    sotto_free(sdp);
    for (int i = 0; i < kind % 4 * 2; i++)
        s[(size_t)(next(in) << 8 | next(in)) % strlen(s)] = (char)(next(in) | 1);
    return s;
}

static void set_remote(struct input *in, struct side *s, struct side *other)
{
    char *sdp = description(in, other);
    sotto_error err = {.size = sizeof err};
    int32_t before = side_state(s).signaling;
    int r = sotto_pc_set_remote_description(s->pc, 1 + next(in) % 4, sdp, &err);
    checked(r);
    if (r < 0) CHECK(side_state(s).signaling == before);
    free(sdp);
}

static void add_candidate(struct input *in, struct side *s)
{
    char *line = text(in);
    sotto_candidate c = {.size = sizeof c,
                         .line = line,
                         .mid = "0",
                         .has_mline_index = next(in) & 1,
                         .mline_index = next(in) % 3};
    if (next(in) & 1) c.mid = NULL;
    checked(sotto_pc_add_ice_candidate(s->pc, &c, NULL));
    free(line);
}

static void open_channel(struct input *in, struct side *s)
{
    char *label = text(in);
    uint8_t flags = next(in);
    sotto_dc_config cfg = {.unordered = flags & 1,
                           .negotiated = flags & 2,
                           .reliability = flags >> 2 & 3,
                           .limit = next(in),
                           .id = next(in),
                           .priority = flags >> 4 & 7};
    struct chan *c;
    int r = side_try_channel(s, label, &cfg, &c);
    checked(r);
    free(label);
}

static struct chan *pick(struct input *in, struct side *s)
{
    struct node *n = s->chans.next;
    for (int i = next(in) % 8; i > 0 && n != &s->chans; i--) n = n->next;
    return n == &s->chans ? NULL : CONTAINER_OF(n, struct chan, node);
}

static void use_channel(struct input *in, struct side *s, uint8_t op)
{
    static const uint8_t bytes[70000];
    struct chan *c = pick(in, s);
    if (!c) return;
    switch (op) {
    case 0: checked(chan_send(c, bytes, (size_t)(next(in) << 8 | next(in)), false)); break;
    case 1: checked(chan_send(c, in->p, in->n < 20 ? in->n : 20, next(in) & 1)); break;
    case 2: checked(sotto_dc_close(c->dc)); break;
    case 3: checked(sotto_dc_set_buffered_low(c->dc, next(in) * 100u)); break;
    default: chan_free(c); break;
    }
}

static void step(struct input *in, struct pair *p)
{
    uint8_t op = next(in);
    struct side *s = &p->side[op & 1], *other = &p->side[1 - (op & 1)];
    char *sdp = NULL;
    switch (op >> 1 & 15) {
    case 0: pair_offer(p, op & 1); break;
    case 1: checked(sotto_pc_set_local_description(s->pc, next(in) % 6, NULL, NULL)); break;
    case 2: set_remote(in, s, other); break;
    case 3: add_candidate(in, s); break;
    case 4: open_channel(in, s); break;
    case 5: pair_run(p, SOTTO_MS(next(in))); break;
    case 6: pair_run(p, SOTTO_MS(1)); break;
    case 7: checked(sotto_pc_create_answer(s->pc, &sdp)), sotto_free(sdp); break;
    case 8: checked(sotto_pc_set_reading(s->pc, next(in) & 1)); break;
    case 9: sotto_pc_close(s->pc); break;
    case 10: pair_renew(p); break;
    default: use_channel(in, s, (op >> 1 & 15) - 11); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct pair *p = pair_new(1, NULL);
    p->side[0].rolls_back = p->side[1].rolls_back = true;
    for (int i = 0; in.n > 0 && i < 200; i++) {
        step(&in, p);
        if (p->side[0].n_states > SIDE_STATES / 2) p->side[0].n_states = 0;
        if (p->side[1].n_states > SIDE_STATES / 2) p->side[1].n_states = 0;
    }
    pair_run(p, SOTTO_SECONDS(1));
    pair_renew(p);
    CHECK(side_channel(&p->side[0], "fresh", NULL) && pair_offer(p, 0) == 0);
    CHECK(pair_until(p, SOTTO_SECONDS(20), pair_is_connected, NULL));
    pair_free(p);
    return 0;
}

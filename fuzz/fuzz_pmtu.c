/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: the search for a path's packet size, with answers, losses and times in any order; and the reader of answers.
 * Property: `size` is the base or a size that was probed and answered on this path; no probe before it is due, one in flight at a
 * time, at most three of a size in a row; whatever came before, without further events it comes to rest. An answer that is taken
 * has the nonce and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/pmtu.h"
#include "transport/sctp_probe.h"
#include "util/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

struct world {
    struct pmtu m;
    sotto_us now;
    size_t probed[32], answered[32]; /* sizes */
    unsigned n_probed, n_answered;
    size_t last;                     /* probe */
    unsigned in_a_row;
};

static bool among(const size_t *list, unsigned n, size_t size)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i] == size) return true;
    return false;
}

static void check(const struct world *w)
{
    require(w->m.size == PMTU_BASE || among(w->answered, w->n_answered, w->m.size));
    require(w->m.size >= PMTU_BASE && w->m.size <= PMTU_LIMIT);
}

/* True: something was due. */
static bool step(struct world *w)
{
    sotto_us due = sotto__pmtu_due(&w->m);
    size_t before = w->m.size, probe = sotto__pmtu_next(&w->m, w->now);
    require(w->now >= due || (probe == 0 && w->m.size == before));
    check(w);
    if (probe == 0) return false;
    require(sotto__pmtu_next(&w->m, w->now) == 0);
    require(sotto__pmtu_due(&w->m) >= sotto__after(w->now, SOTTO_MS(100)));
    require(probe >= PMTU_BASE && probe <= PMTU_LIMIT && probe % 4 == 0);
    w->in_a_row = probe == w->last ? w->in_a_row + 1 : 1;
    w->last = probe;
    if (!among(w->probed, w->n_probed, probe)) w->probed[w->n_probed++] = probe;
    return true;
}

static void answer(struct world *w, size_t size)
{
    w->in_a_row = 0;
    sotto__pmtu_acked(&w->m, w->now, size);
    if (among(w->probed, w->n_probed, size) && !among(w->answered, w->n_answered, size))
        w->answered[w->n_answered++] = size;
    check(w);
}

static void rest(struct world *w)
{
    for (int i = 0; sotto__pmtu_due(&w->m) != SOTTO_NEVER; i++) {
        require(i < 100);
        if (sotto__pmtu_due(&w->m) > w->now) w->now = sotto__pmtu_due(&w->m);
        step(w);
        require(w->in_a_row <= 6); /* three more, if an answer to them began another round */
    }
}

static void begin(struct world *w, bool searched)
{
    *w = (struct world){.now = w->now};
    sotto__pmtu_init(&w->m, searched);
}

static void read_answer(struct reader *r)
{
    uint8_t copy[32];
    size_t n = sotto__read_u8(r) % sizeof copy, size = 0;
    const uint8_t *p = sotto__read_view(r, n);
    if (!p) return;
    memcpy(copy, p, n);
    uint64_t nonce = n >= 12 ? (uint64_t)sotto__get_u32(p + 4) << 32 | sotto__get_u32(p + 8) : 0;
    if (!sotto__sctp_probe_answered(copy, n, nonce, &size)) return;
    require(n == 16 && size == sotto__get_u32(p + 12));
    require(!sotto__sctp_probe_answered(copy, n, nonce + 1, &size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = sotto__reader(data, size);
    struct world w = {.now = SOTTO_SECONDS(1)};
    begin(&w, true);
    while (!r.bad && r.n > 0) {
        uint8_t op = sotto__read_u8(&r);
        switch (op % 8) {
        case 0: w.now += sotto__read_u16(&r) * SOTTO_MS(1); break;
        case 1: w.now += sotto__read_u16(&r) * SOTTO_SECONDS(1); break;
        case 2: sotto__pmtu_want(&w.m, w.now); break;
        case 3: sotto__pmtu_stalled(&w.m, w.now); break;
        case 4: answer(&w, w.last); break;
        case 5: answer(&w, op & 8 ? sotto__read_u16(&r) : w.probed[(op >> 4) % 11]); break;
        case 6: read_answer(&r); break;
        default:
            if (op == 255) begin(&w, sotto__read_u8(&r) & 1);
            step(&w);
            break;
        }
        check(&w);
    }
    rest(&w);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__candidate_parse and _write. Property: write(parse(x)) parses to the same struct and is a fixpoint; every
 * field is within its range.
 */
#include <stdlib.h>

#include "sotto/pc.h"
#include "wire/candidate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_same(const struct candidate *a, const struct candidate *b)
{
    require(strcmp(a->foundation, b->foundation) == 0 && a->component == b->component);
    require(a->is_tcp == b->is_tcp && a->tcp == b->tcp && a->priority == b->priority);
    require(a->type == b->type && sotto__address_eq(&a->addr, &b->addr));
    require(strcmp(a->name, b->name) == 0 && strcmp(a->ufrag, b->ufrag) == 0);
    require(sotto__address_eq(&a->related, &b->related));
}

static void require_sane(const struct candidate *c)
{
    require(c->component >= 1 && c->component <= 256 && c->priority >= 1 &&
            c->priority <= INT32_MAX);
    require(c->foundation[0] && strlen(c->foundation) <= 32 && c->addr.port > 0);
    require((c->addr.family == 0) == (c->name[0] != '\0'));
    require(c->is_tcp == (c->tcp != CANDIDATE_TCP_NONE));
    require(c->type <= CANDIDATE_RELAY);
}

/* A private address of IPv4 is one of the table of RFC 1918, RFC 6598 and RFC 3927 (link-local), or this host's own. */
static void require_private(const struct address *a)
{
    static const struct {
        uint32_t net;
        int bits;
    } table[] = {{10u << 24, 8},   {127u << 24, 8},  {0xac100000, 12},
                 {0xc0a80000, 16}, {0x64400000, 10}, {0xa9fe0000, 16}};
    if (a->family != 4) return;
    uint32_t ip = (uint32_t)a->ip[0] << 24 | (uint32_t)(a->ip[1] << 16 | a->ip[2] << 8 | a->ip[3]);
    bool found = false;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        found = found || ip >> (32 - table[i].bits) == table[i].net >> (32 - table[i].bits);
    require(sotto__address_is_private(a) == found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct candidate first, second;
    struct buf one, two;
    sotto_error err = {.size = sizeof err};
    struct str text = {(const char *)data, size};
    if (sotto__candidate_parse(text, &first, &err) < 0) {
        require(err.code < 0 && err.reason[0] && memchr(err.reason, '\0', sizeof err.reason));
        return 0;
    }
    require_sane(&first);
    require_private(&first.addr);
    sotto__buf_init(&one, 2048);
    sotto__buf_init(&two, 2048);
    sotto__candidate_write(&first, &one);
    require(one.err == 0);
    /* a hidden related address is written out: only that can make a line of full length too long */
    if (one.n <= SOTTO_MAX_CANDIDATE) {
        require(sotto__candidate_parse((struct str){(char *)one.p, one.n}, &second, &err) == 0);
        require_same(&first, &second);
        sotto__candidate_write(&second, &two);
        require(one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
    }
    sotto__buf_free(&one);
    sotto__buf_free(&two);
    return 0;
}

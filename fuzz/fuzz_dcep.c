/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__dcep_parse and _write. Property: write(parse(x)) parses to the same struct, and is x but for what RFC 8832
 * tells a reader to ignore; a buffer one byte too small is refused.
 */
#include <stdlib.h>

#include "wire/dcep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_same(const struct dcep *a, const struct dcep *b)
{
    require(a->type == b->type && a->unordered == b->unordered && a->reliability == b->reliability);
    require(a->limit == b->limit && a->priority == b->priority);
    require(sotto__str_eq(a->label, b->label) && sotto__str_eq(a->protocol, b->protocol));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dcep first, second;
    if (sotto__dcep_parse(data, size, &first) < 0) return 0;
    require(sotto__utf8_ok((const uint8_t *)first.label.p, first.label.n));
    require(sotto__utf8_ok((const uint8_t *)first.protocol.p, first.protocol.n));
    uint8_t *out = malloc(size);
    if (!out) abort();
    int n = sotto__dcep_write(&first, out, size);
    require(n > 0 && (first.type == DCEP_ACK ? n == 1 : (size_t)n == size));
    require(sotto__dcep_parse(out, (size_t)n, &second) == 0);
    require_same(&first, &second);
    for (int i = 0; i < n; i++)
        require(out[i] == data[i] || (i >= 4 && i < 8 && first.reliability == 0));
    require(sotto__dcep_write(&first, out, (size_t)n - 1) < 0);
    free(out);
    return 0;
}

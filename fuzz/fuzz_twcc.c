/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__twcc_parse and _write. The input is what follows the SSRCs of a feedback packet. Property: write(parse(x)) parses to the
 * same struct and takes no more bytes than x plus padding; a writer of one byte less is refused.
 */
#include <stdlib.h>

#include "wire/twcc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_same(const struct twcc *a, const struct twcc *b)
{
    require(a->ssrc == b->ssrc && a->media_ssrc == b->media_ssrc && a->base_seq == b->base_seq);
    require(a->n == b->n && a->base_time == b->base_time && a->count == b->count);
    for (size_t i = 0; i < a->n; i++)
        require(a->status[i].received == b->status[i].received &&
                a->status[i].delta == b->status[i].delta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct twcc first, second;
    static uint8_t out[8192];
    struct rtcp r = {.type = RTCP_TWCC, .ssrc = 1, .media_ssrc = 2, .body = data, .n_body = size};
    struct rtcp again;
    size_t at = 0;
    if (sotto__twcc_parse(&r, &first) < 0) return 0;
    require(first.n > 0 && first.n <= TWCC_MAX_STATUS);
    struct writer w = sotto__writer(out, sizeof out);
    sotto__twcc_write(&w, &first);
    require(!w.bad && w.n % 4 == 0);
    struct writer less = sotto__writer(out, w.n - 1);
    sotto__twcc_write(&less, &first);
    require(less.bad);
    sotto__twcc_write(&(struct writer){out, 0, w.n, false}, &first);
    require(sotto__rtcp_check(out, w.n, true) == 0);
    require(sotto__rtcp_next(out, w.n, &at, &again) == 1 && again.type == RTCP_TWCC);
    require(sotto__twcc_parse(&again, &second) == 0);
    require_same(&first, &second);
    return 0;
}

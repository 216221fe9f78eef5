/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__stun_answer and sotto__stun_frame, what TURN servers send. Property: an answer is one whole frame; its code is 300…699
 * or none, its views lie inside the message, its name is a host name; a frame is never shorter than its head and ends on 4 bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_inside(struct str s, const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    require(s.n == 0 || (s.p >= p && s.p + s.n <= p + size));
}

/* Our own request is one frame, of its transaction and of no other, and no answer. */
static void request(const uint8_t *id)
{
    struct stun_answer a;
    uint8_t p[STUN_HEAD], other[STUN_ID];
    sotto__stun_request(id, p);
    require(sotto__stun_frame(p, sizeof p) == sizeof p && sotto__stun_is_of(p, sizeof p, id));
    require(!sotto__stun_answer(p, sizeof p, &a) && !sotto__stun_is_of(p, sizeof p - 1, id));
    memcpy(other, id, sizeof other);
    other[id[0] % STUN_ID] ^= 1;
    require(!sotto__stun_is_of(p, sizeof p, other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stun_answer a;
    char reason[32];
    if (size >= STUN_ID) request(data);
    size_t frame = sotto__stun_frame(data, size);
    require(frame == 0 || frame == SIZE_MAX ||
            (frame >= 4 && frame % 4 == 0 && frame <= 4 + 65536 + 16));
    require(frame != 0 || size < 4);
    if (!sotto__stun_answer(data, size, &a)) return 0;
    require(frame == size || (frame == SIZE_MAX && size % 4 != 0));
    require(a.code == 0 || (a.is_error && a.code >= 300 && a.code <= 699));
    require(a.is_error || (a.alternate.family == 0 && a.domain.n == 0));
    require_inside(a.reason, data, size);
    require_inside(a.domain, data, size);
    require(a.domain.n == 0 || sotto__host_name_ok(a.domain));
    sotto__stun_reason(a.reason, reason, sizeof reason);
    for (const char *p = reason; *p; p++) require(*p >= 0x20 && *p < 0x7f);
    return 0;
}

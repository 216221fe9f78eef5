/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__stun_answer and sotto__stun_frame, what TURN servers send. Property: an answer is one whole frame; its code is 300…699
 * or none, its views lie inside the message, its name is a host name; a frame is never shorter than its head and ends on 4 bytes.
 */
#include <stdlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stun_answer a;
    char reason[32];
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

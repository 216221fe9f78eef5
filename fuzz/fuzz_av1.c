/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__split_…, _peek and _join of payload_av1.c. Property: see payload_fuzz.h.
 */
#include "payload_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    payload_fuzz(CODEC_AV1, data, size);
    return 0;
}

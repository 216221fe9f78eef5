/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: splitting, looking at and joining payloads of H265 (RFC 7798). Property: join(split(x)) is x with start codes of 4 bytes, within
 * the bounds that were told; joining arbitrary payloads reads nothing beyond them, gives whole units or leaves no trace.
 */
#include "nal_units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct codec codec = {.id = CODEC_H265};
    return check_units(&codec, data, size);
}

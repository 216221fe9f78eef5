/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: splitting, looking at and joining payloads of H264 (RFC 6184). Property: join(split(x)) is x with start codes of 4 bytes, within
 * the bounds that were told; joining arbitrary payloads reads nothing beyond them, gives whole units or leaves no trace.
 */
#include "nal_units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec codec = {.id = CODEC_H264};
    if (size > 0) codec.params.packetization = (data[0] & 2) == 0; /* bit 1: one unit a packet */
    return check_units(&codec, data, size);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_SEQ_H
#define SOTTO_UTIL_SEQ_H
/* Numbers that wrap around, made into numbers that do not (RFC 3550 §A.1, RFC 1982). */
#include <stdint.h>

/* The number nearest to `last` whose low 16 bits are seq. */
static inline int64_t sotto__unwrap16(int64_t last, uint16_t seq)
{
    return last + (int16_t)(uint16_t)(seq - (uint16_t)last);
}

/* The same for RTP timestamps. */
static inline int64_t sotto__unwrap32(int64_t last, uint32_t ticks)
{
    return last + (int32_t)(uint32_t)(ticks - (uint32_t)last);
}

#endif

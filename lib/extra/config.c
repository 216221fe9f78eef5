/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structs that callers allocate: they begin with uint32_t size. A smaller size is an older caller's, whose fields are read and the
 * others zero; a larger one is a newer caller's, which is refused if a byte that we do not know is set. In and out: any public
 * struct. It does not know what the fields mean.
 * answers: S17
 */
#include "extra/config.h"

#include <stdint.h>
#include <string.h>

#include "sotto/base.h"
#include "util/limits.h"

int sotto__extra_check(const void *p, size_t known)
{
    uint32_t size;
    memcpy(&size, p, sizeof size);
    if (size < sizeof size || size > SOTTO_MAX_STRUCT) return SOTTO_E_INVAL;
    for (size_t i = known; i < size; i++)
        if (((const uint8_t *)p)[i] != 0) return SOTTO_E_UNSUPPORTED;
    return 0;
}

int sotto__extra_copy(const void *p, size_t known, void *to)
{
    uint32_t size;
    memset(to, 0, known);
    if (!p) return 0;
    int r = sotto__extra_check(p, known);
    if (r < 0) return r;
    memcpy(&size, p, sizeof size);
    memcpy(to, p, size < known ? size : known);
    return 0;
}

void sotto__extra_fill(void *p, const void *from, size_t known)
{
    uint32_t size;
    memcpy(&size, p, sizeof size);
    memcpy((uint8_t *)p + sizeof size, (const uint8_t *)from + sizeof size,
           (size < known ? size : known) - sizeof size);
}

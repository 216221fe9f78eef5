/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_ATTACK_H
#define SOTTO_UTIL_ATTACK_H
/* What is counted of attacks, as numbers: places in an array of counters. The table is public: sotto/security.h. */
#include <stdint.h>

#include "sotto/security.h"

enum attack {
#define SOTTO_ATTACK_ENUM(NAME, name, text) ATTACK_##NAME,
    SOTTO_ATTACKS(SOTTO_ATTACK_ENUM)
#undef SOTTO_ATTACK_ENUM
        ATTACK_COUNT
};

struct attacks { /* how often each */
    uint64_t n[ATTACK_COUNT];
};

#endif

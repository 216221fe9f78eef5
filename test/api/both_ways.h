/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_API_BOTH_WAYS_H
#define TEST_API_BOTH_WAYS_H
/* What uses real sockets is run twice: past libnice, and with SOTTO_NO_FAST_PATH in the environment through it. */
#include <stdlib.h>

#include "sotto/ctx.h"

/* sotto_ctx_new() of the way that is asked for. */
static inline int both_ways_ctx(const sotto_ctx_config *cfg, sotto_ctx **ret)
{
    sotto_ctx_config own = cfg ? *cfg : (sotto_ctx_config){.size = sizeof own};
    if (getenv("SOTTO_NO_FAST_PATH")) own.no_fast_path = true;
    return sotto_ctx_new(&own, ret);
}

#endif

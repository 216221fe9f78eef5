/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library without the security report (meson: -Dreport=disabled): the functions of security.h check and say so. Stands in for
 * security.c, security_*.c and peer/security.c. It leaves out words only: no check depends on the report, and attacks are still
 * counted where they are refused.
 */
#include "api/ctx.h"
#include "sotto/security.h"

static int refuse(sotto_pc *pc, const void *ret)
{
    struct peer *peer;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto__pc_leave(pc);
    return SOTTO_E_UNSUPPORTED;
}

SOTTO_API int sotto_pc_get_security(sotto_pc *pc, sotto_security **ret)
{
    return refuse(pc, ret);
}

SOTTO_API int sotto_pc_get_security_json(sotto_pc *pc, char **ret)
{
    return refuse(pc, ret);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of security.h: check, lock, let peer/ make the report, add what the configuration says, unlock, add the libraries. A closed
 * connection still tells what it knows.
 */
#include "api/security.h"

#include "util/mem.h"

SOTTO_API int sotto_pc_get_security(sotto_pc *pc, sotto_security **ret)
{
    struct peer *peer;
    struct security_block *b;
    if (!ret) return SOTTO_E_INVAL;
    const struct library *here = sotto__security_here(); /* may read a file: not under the lock */
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_security(peer, sotto__now(pc->ctx), &b);
    if (r == 0) sotto__security_risks(pc, b);
    sotto__pc_leave(pc);
    if (r < 0) return r;
    sotto__security_libraries(here, b);
    *ret = &b->report; /* the first member: sotto_free() frees all */
    return 0;
}

SOTTO_API int sotto_pc_get_security_json(sotto_pc *pc, char **ret)
{
    sotto_security *s;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto_pc_get_security(pc, &s);
    if (r < 0) return r;
    r = sotto__security_json(s, ret);
    sotto__free(s);
    return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_WHIP_LINK_H
#define SOTTO_EXTRA_WHIP_LINK_H
#include "extra/whip_answer.h"

/* One Link field (RFC 8288): its ice-servers are added to a. Returns 0, or SOTTO_E_PROTO with why; SOTTO_E_NOMEM. */
int sotto__whip_link_parse(struct str value, struct whip_answer *a, const char **why);

#endif

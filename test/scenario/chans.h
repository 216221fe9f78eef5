/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_CHANS_H
#define TEST_SCENARIO_CHANS_H
/* Between pair.c and chans.c. */
#include "pair.h"

void pair_tell_candidate(struct side *s, const sotto_event *e);

#endif

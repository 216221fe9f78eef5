/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_NEGO_LOG_H
#define TEST_SCENARIO_NEGO_LOG_H
/* What the files of the harness of negotiation share. */
#include "nego.h"

__attribute__((format(printf, 3, 4))) void nego_log(struct nego_side *s, unsigned kind,
                                                    const char *format, ...);
void nego_log_track(struct nego_side *s, const char *what, const sotto_event *e);
const char *nego_signaling_name(int32_t state);
const char *nego_direction_name(int32_t direction);
size_t nego_handle(struct nego_side *s, sotto_transceiver *t); /* a number for each handle */

#endif

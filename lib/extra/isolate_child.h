/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_ISOLATE_CHILD_H
#define SOTTO_EXTRA_ISOLATE_CHILD_H
#include <stdbool.h>
#include <sys/types.h>

/* Shuts this process in for good. False: it could not be, and nothing of anybody's may be looked at. */
bool sotto__isolate_cage(pid_t parent);
/* From now on fopen() finds nothing: isolate_open.c. */
void sotto__isolate_no_files(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_STILL_CLOCK_H
#define SOTTO_TEST_STILL_CLOCK_H
/*
 * The monotonic clock of a program with real sockets, which libnice reads, too: it stands still while there is anything to do, and then
 * goes on at once to what is due next. However slow the machine is, as much happens within a second as on any other.
 */
#include <poll.h>
#include <stdbool.h>

#include "sotto/base.h"

sotto_us still_clock_now(void);
/* How long the kernel has to let come what is on its way, of the real clock, whenever time goes on; 2000 unless this is called. */
void still_clock_rest(long us);
/* The real clock from now on: somebody outside of this process has a part, who would not wait. */
void still_clock_run(void);
/* poll(): until one of these is ready or the clock has reached that time. */
int still_clock_poll(struct pollfd *fds, nfds_t n, sotto_us until);

#endif

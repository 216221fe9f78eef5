/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_COLD_H
#define SOTTO_UTIL_COLD_H
/* For what runs when something begins or ends, in a file that is otherwise built fast: this function is built small. */
#define COLD __attribute__((cold))
#endif

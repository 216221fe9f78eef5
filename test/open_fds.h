/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_OPEN_FDS_H
#define SOTTO_TEST_OPEN_FDS_H
/* How many descriptors this process has open, and a few more: to be compared with itself. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

#endif

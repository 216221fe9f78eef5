/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fopen() of the program sotto-decoder, for the libraries in it: libopus on ARM looks into /proc/cpuinfo whenever a channel begins anew,
 * such as with the first packet of SILK (silk_init_decoder()), and in the cage that is the end. Before the process shuts itself
 * in files are opened as ever; then there are none, and libopus takes what runs on any processor. Under both names, whichever the library
 * was built with.
 */
#undef _FILE_OFFSET_BITS /* else the compiler gives the one the name of the other */
#undef _TIME_BITS
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "extra/isolate_child.h"

static bool is_shut;

void sotto__isolate_no_files(void)
{
    is_shut = true;
}

static FILE *for_reading(const char *path, const char *mode)
{
    if (is_shut || strcmp(mode, "r") != 0) {
        errno = EACCES;
        return NULL;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FILE *f = fd < 0 ? NULL : fdopen(fd, mode);
    if (fd >= 0 && !f) close(fd);
    return f;
}

__attribute__((visibility("default"))) FILE *fopen(const char *restrict path,
                                                   const char *restrict mode)
{
    return for_reading(path, mode);
}

__attribute__((visibility("default"))) FILE *fopen64(const char *restrict path,
                                                     const char *restrict mode)
{
    return for_reading(path, mode);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_FD_H
#define SOTTO_UTIL_FD_H
/* A descriptor that a module wants the one poller to watch. */
struct sotto_fd {
    int fd;
    short events; /* POLLIN, POLLOUT */
};
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands that send have in common: where pictures and sound come from, and the signals that end a command.
 */
#include "options.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "camera.h"

const char *options_number(const char *text, long low, long high, char end, int32_t *ret)
{
    char *after;
    long n = strtol(text, &after, 10);
    if (after == text || *after != end || n < low || n > high) return NULL;
    *ret = (int32_t)n;
    return after + (end ? 1 : 0);
}

int options_wrong(const char *what, const char *value)
{
    fprintf(stderr, "sotto: '%s' is no %s\n", value, what);
    return 2;
}

int options_source(struct source_options *o, int c, const char *value)
{
    struct sources *s = &o->sources;
    const char *rest;
    switch (c) {
    case 'c': o->camera = value; return -1;
    case 's':
        rest = options_number(value, PICTURE_MIN, PICTURE_MAX, 'x', &s->width);
        if (!rest || !options_number(rest, PICTURE_MIN / 2, PICTURE_MAX, '\0', &s->height) ||
            s->width % 2 || s->height % 2)
            return options_wrong("size, such as 640x360: even numbers", value);
        return -1;
    case 'f':
        if (!options_number(value, 1, 60, '\0', &s->fps))
            return options_wrong("number of pictures a second", value);
        return -1;
    case 'F':
        if (o->files[1]) return options_wrong("file of a kind that is not there yet", value);
        o->files[o->files[0] ? 1 : 0] = value;
        return -1;
    default: return 3;
    }
}

int options_open(struct source_options *o)
{
    struct sources *s = &o->sources;
    for (int i = 0; i < 2; i++)
        if (o->files[i] && sources_add_file(s, o->files[i]) < 0) return -1;
    if (o->camera && s->video.path) {
        fputs("sotto: either a camera or a file with pictures\n", stderr);
        return -1;
    }
    if (!o->camera) return 0;
    return camera_open(o->camera, s->width, s->height, s->fps, &s->camera) < 0 ? -1 : 0;
}

void options_close(struct source_options *o)
{
    sources_free(&o->sources);
}

int options_signals(bool hangup)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (hangup) sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)
                                                   : -1;
}

int options_signal(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_OPTIONS_H
#define SOTTO_TOOLS_OPTIONS_H
/* Options that several commands have, and the signals that end them. */
#include "sender.h"

/* What is to be sent, as the command line says it: the letters are those of options_source(). */
struct source_options {
    const char *camera;
    const char *files[2]; /* NULL: none */
    struct sources sources;
};
/* clang-format off */
#define SOURCE_OPTIONS                                                                              \
    {"camera", required_argument, NULL, 'c'}, {"file", required_argument, NULL, 'F'},               \
    {"size", required_argument, NULL, 's'}, {"fps", required_argument, NULL, 'f'}
/* clang-format on */
#define SOURCE_DEFAULTS                                                                            \
    {                                                                                              \
        .sources = {.width = 640, .height = 360, .fps = 30 }                                       \
    }

/* A number between two bounds, with nothing behind it but `end`. Returns what follows, or NULL. */
const char *options_number(const char *text, long low, long high, char end, int32_t *ret);
int options_wrong(const char *what, const char *value); /* says so; 2 */
/* One of SOURCE_OPTIONS. Returns -1 taken, 2 wrong, 3 none of them. */
int options_source(struct source_options *o, int c, const char *value);
/* Opens them. Returns 0, or -1 with a sentence on standard error. */
int options_open(struct source_options *o);
void options_close(struct source_options *o);

/* A descriptor to read SIGINT, SIGTERM and, if wanted, SIGHUP from; they do nothing else any more. SIGPIPE is ignored. -1: failed. */
int options_signals(bool hangup);
int options_signal(int fd); /* the next one; 0: none */

#endif

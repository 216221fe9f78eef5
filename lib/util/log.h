/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_LOG_H
#define SOTTO_UTIL_LOG_H
/*
 * Log lines are formatted into a bounded ring under the context's lock and given to the sink after it (api/ctx.c).
 * A module gets a `struct log *`, nullable. Never log keys, passwords, ufrags, message contents or SDP; addresses are masked when a
 * line is made (util/mask.h), unless the application asked to see them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/limits.h"

struct log {
    int level;        /* SOTTO_LOG_*: higher ones are not formatted; 0: none */
    bool shows;       /* addresses and the like as they are: here, in statistics, explanations and events */
    uint32_t head, n; /* ring */
    uint32_t lost;    /* lines for which there was no room */
    struct log_line {
        int level;
        char text[SOTTO_MAX_LOG_LINE];
    } * lines; /* SOTTO_MAX_LOG_LINES, owned by the context */
};

/* `SOTTO_LOG(log, SOTTO_LOG_INFO, "dtls", "handshake done as %s", role)` */
#define SOTTO_LOG(log, lvl, module, ...)                                                           \
    do {                                                                                           \
        if ((log) && (lvl) <= (log)->level) sotto__log((log), (lvl), (module), __VA_ARGS__);       \
    } while (0)

void sotto__log(struct log *l, int level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool sotto__log_take(struct log *l, struct log_line *out); /* oldest line; false: none */
/* Whether the application asked to see addresses. NULL: no. */
static inline bool sotto__log_shows(const struct log *l)
{
    return l && l->shows;
}

#endif

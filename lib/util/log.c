/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of log lines of one context. Formatting happens under the context's lock, writing after it.
 */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sotto__log(struct log *l, int level, const char *module, const char *fmt, ...)
{
    va_list ap;
    if (!l->lines || l->n == SOTTO_MAX_LOG_LINES) {
        l->lost++;
        return;
    }
    struct log_line *line = &l->lines[(l->head + l->n++) % SOTTO_MAX_LOG_LINES];
    line->level = level;
    int used = snprintf(line->text, sizeof line->text, "%s: ", module);
    va_start(ap, fmt);
    vsnprintf(line->text + used, sizeof line->text - (size_t)used, fmt, ap);
    va_end(ap);
}

bool sotto__log_take(struct log *l, struct log_line *out)
{
    if (l->n == 0) return false;
    *out = l->lines[l->head];
    l->head = (l->head + 1) % SOTTO_MAX_LOG_LINES;
    l->n--;
    return true;
}

/* Keeps the network part: the first two groups of an IPv4 or IPv6 address. */
const char *sotto__log_address(const char *address, char *out, size_t cap)
{
    const char *end = address;
    bool v6 = strchr(address, ':') != NULL;
    char separator = v6 ? ':' : '.';
    for (int groups = 0; *end; end++)
        if (*end == separator && ++groups == 2) break;
    if (!*end)
        snprintf(out, cap, "x");
    else
        snprintf(out, cap, "%.*s%s", (int)(end - address), address, v6 ? ":x" : ".x.x");
    return out;
}

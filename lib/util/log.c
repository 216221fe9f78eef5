/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of log lines of one context. Formatting happens under the context's lock, writing after it. No line
 * names an address, unless the application wants that.
 * answers: S26 A18
 */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/mask.h"

void sotto__log(struct log *l, int level, const char *module, const char *fmt, ...)
{
    va_list ap;
    if (!l->lines || l->n == SOTTO_MAX_LOG_LINES) {
        l->lost++;
        return;
    }
    struct log_line *line = &l->lines[(l->head + l->n++) % SOTTO_MAX_LOG_LINES];
    line->level = level;
    char text[SOTTO_MAX_LOG_LINE];
    int used = snprintf(line->text, sizeof line->text, "%s: ", module);
    char *to = line->text + used;
    size_t room = sizeof line->text - (size_t)used;
    va_start(ap, fmt);
    vsnprintf(l->shows ? to : text, l->shows ? room : sizeof text, fmt, ap);
    va_end(ap);
    if (!l->shows) sotto__mask_text(text, to, room);
}

bool sotto__log_take(struct log *l, struct log_line *out)
{
    if (l->n == 0) return false;
    *out = l->lines[l->head];
    l->head = (l->head + 1) % SOTTO_MAX_LOG_LINES;
    l->n--;
    return true;
}

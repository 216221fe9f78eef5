/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending messages back in the order in which they came, no faster than the remote takes them.
 * In: MESSAGE, WRITABLE and CLOSED events. While a channel is full its message is kept and reading of the whole connection is
 * off, so that memory stays bounded by one message and the remote's own sends wait.
 */
#include "tools.h"

/* Whether it must wait. A channel that is closed meanwhile, or a remote that takes only shorter messages, drops it. */
static bool must_wait(struct echo *x, const sotto_event *e)
{
    int r =
        sotto_dc_send(e->u.message.dc, e->u.message.data, e->u.message.len, e->u.message.is_text);
    if (r == SOTTO_E_AGAIN) return true;
    if (r == 0) {
        x->messages++;
        x->bytes += e->u.message.len;
    } else if (r == SOTTO_E_TOO_BIG) {
        x->refused++;
    }
    return false;
}

bool echo_message(struct echo *x, sotto_event *e)
{
    if (!must_wait(x, e)) return false;
    x->held = e;
    sotto_pc_set_reading(x->pc, false);
    return true;
}

void echo_retry(struct echo *x)
{
    if (!x->held || must_wait(x, x->held)) return;
    sotto_event_free(x->held);
    x->held = NULL;
    sotto_pc_set_reading(x->pc, true);
}

void echo_free(struct echo *x)
{
    sotto_event_free(x->held);
    x->held = NULL;
}

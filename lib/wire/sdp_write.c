/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tree → text of a session description (RFC 8866 §5): the lines as they stand, each ended by CRLF. Only m-lines are put
 * together anew, from their fields. Knows no attribute; a failure sticks in the buffer.
 * answers: H025
 */
#include "wire/sdp.h"

static void write_section(const struct sdp_section *s, struct buf *out)
{
    for (size_t i = 0; i < s->n_lines; i++) {
        const struct sdp_line *line = &s->lines[i];
        const char start[2] = {line->type, '='};
        sotto__buf_add(out, start, 2);
        sotto__buf_add(out, line->name.p, line->name.n);
        if (line->type == 'a' && line->value.p) sotto__buf_add(out, ":", 1);
        sotto__buf_add(out, line->value.p, line->value.n);
        sotto__buf_add(out, "\r\n", 2);
    }
}

static void write_media(const struct sdp_media *m, struct buf *out)
{
    sotto__buf_addf(out, "m=%.*s %u", (int)m->kind.n, m->kind.p, m->port);
    if (m->n_ports > 1) sotto__buf_addf(out, "/%u", m->n_ports);
    sotto__buf_addf(out, " %.*s", (int)m->proto.n, m->proto.p);
    for (size_t i = 0; i < m->n_fmts; i++) {
        sotto__buf_add(out, " ", 1);
        sotto__buf_add(out, m->fmts[i].p, m->fmts[i].n);
    }
    sotto__buf_add(out, "\r\n", 2);
    write_section(&m->s, out);
}

void sotto__sdp_write(const struct sdp *sdp, struct buf *out)
{
    write_section(&sdp->s, out);
    for (size_t i = 0; i < sdp->n_media; i++) write_media(&sdp->media[i], out);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of media, played again and again at its own speed. Where a key frame is needed it goes on with the next one of the file: it
 * cannot make one.
 */
#include "sender_int.h"

struct play {
    struct media_reader reader;
    struct media_unit unit;
    sotto_us zero;   /* when the unit at time 0 of this round is sent */
    int64_t end;     /* of the last unit that was read, in the file's time */
    bool was_empty;  /* nothing was read since the file's beginning */
};

/* The next unit, at the end of the file the first one again. */
static int next(struct play *p)
{
    int r = media_reader_next(&p->reader, &p->unit);
    if (r == 0 && !p->was_empty) {
        media_reader_rewind(&p->reader);
        p->zero += p->end;
        p->was_empty = true;
        r = media_reader_next(&p->reader, &p->unit);
    }
    if (r != 1) return r < 0 ? r : SOTTO_E_SYNTAX;
    p->was_empty = false;
    p->end = p->unit.at_us + p->unit.duration_us;
    return 0;
}

/* On to a key frame, which is then due at once; at most once through the whole file. */
static int go_to_key(struct play *p)
{
    int64_t rounds = 0;
    sotto_us due = p->zero + p->unit.at_us;
    int r = 0;
    while (r >= 0 && !p->unit.is_key && rounds < 2) {
        r = next(p);
        if (p->reader.index == 1) rounds++;
    }
    p->zero = due - p->unit.at_us;
    return r;
}

void send_file(struct sender *s)
{
    const struct source_file *f = s->kind == SOTTO_AUDIO ? &s->from->audio : &s->from->video;
    struct play p = {.zero = sotto_now(), .was_empty = true};
    int r = media_reader_init(&p.reader, f->data, f->n);
    if (r >= 0) r = next(&p);
    while (r >= 0 && sender_wait(s, p.zero + p.unit.at_us)) {
        sotto_us at = p.zero + p.unit.at_us, now = sotto_now();
        if (now - at > SENDER_LATE_US) p.zero += now - at;
        if (atomic_exchange(&s->need_key, false)) r = go_to_key(&p);
        if (r >= 0) sender_send(s, p.unit.data, p.unit.len, p.zero + p.unit.at_us, p.unit.is_key);
        if (r >= 0) r = next(&p);
    }
    if (r < 0) fprintf(stderr, "sotto: %s: %s\n", f->path, p.reader.why);
    media_reader_free(&p.reader);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_API_CALLS_H
#define SOTTO_FUZZ_API_CALLS_H
/* What the files with the calls of fuzz_api share. */
#include "api.h"

struct picked { /* the handle of a call, and what is known of it */
    void *p;
    struct handle *of; /* NULL: it is none of the table */
    enum { PICK_LIVE, PICK_FREED, PICK_WRONG } is;
    bool is_closed;
};

/* wrong: NULL, and handles of other types, or NULL. */
struct picked api_pick(struct api *w, struct handle *table, int n, void *const wrong[3]);
void api_judge(struct picked h, int64_t r);
void api_judge_change(struct picked h, int64_t r); /* of a call that what is closed refuses */
void api_judge_text(struct picked h, int64_t r, char *text); /* frees text */
void api_add_track(struct api *w, struct picked h, uint8_t v);

#endif

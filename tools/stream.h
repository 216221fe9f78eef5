/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_STREAM_H
#define SOTTO_TOOLS_STREAM_H
/* `sotto publish` and `sotto play`: a stream to or from a media server, by WHIP and WHEP. */
#include "options.h"

struct stream_options {
    bool plays;             /* else it publishes */
    bool verbose, quiet, no_audio, no_video;
    const char *url, *token_file, *ca_file, *pin, *directory, *interface;
    int32_t seconds;        /* 0: until a signal */
    struct source_options from;
};

/* Returns -1 to go on, else the exit code. stream_options.c */
int stream_options(int argc, char **argv, struct stream_options *o);
/* The token: out of the file, or of SOTTO_TOKEN; yours, free(); *ret NULL: there is none. 0, or -1 with a sentence on standard error. */
int stream_token(const struct stream_options *o, char **ret);

/* What the progress line is made of: sums since the connection began. stream_stats.c */
struct stream_totals {
    uint64_t bytes, frames, packets;
    int64_t lost;
    double rtt; /* seconds; < 0: not known */
    double fraction_lost; /* of what we send, as the remote says; < 0: not known */
};
int stream_totals(sotto_pc *pc, bool plays, struct stream_totals *ret);
/* One line without its end, "12 s  842 kbit/s  30.0 frames/s  round trip 3 ms  loss 0.0 %". */
void stream_line(const struct stream_totals *was, const struct stream_totals *is, sotto_us span,
                 char *out, size_t cap);

#endif

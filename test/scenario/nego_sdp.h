/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_NEGO_SDP_H
#define TEST_SCENARIO_NEGO_SDP_H
/*
 * Descriptions as texts: reading and changing lines of a section, and descriptions of remotes that exist on paper only, in the
 * manner of Chromium and of Firefox. Sections count from 0; SDP_SESSION is what stands above the first m-line. All that is
 * returned lives until nego_free().
 */
#include "nego.h"

enum { SDP_SESSION = -1 };

int sdp_sections(const char *sdp);
char *sdp_section(struct nego *n, const char *sdp, int section); /* its lines */
/* What follows `begin` in the first line of the section that begins so; NULL: no such line. */
char *sdp_value(struct nego *n, const char *sdp, int section, const char *begin);
bool sdp_has(struct nego *n, const char *sdp, int section, const char *begin); /* a line begins so */
int sdp_count(const char *text, const char *what);                            /* occurrences */
/* Each of these fails if there is nothing to be changed. Lines are given without CRLF. */
char *sdp_drop(struct nego *n, const char *sdp, int section, const char *begin); /* all that begin so */
char *sdp_drop_all(struct nego *n, const char *sdp, const char *begin); /* in every section, if any */
char *sdp_set(struct nego *n, const char *sdp, int section, const char *begin, const char *line);
char *sdp_put(struct nego *n, const char *sdp, int section, const char *line); /* at its end */
char *sdp_drop_section(struct nego *n, const char *sdp, int section);
char *sdp_swap_sections(struct nego *n, const char *sdp, int i, int j);
char *sdp_replace(struct nego *n, const char *sdp, const char *from, const char *to); /* all */
char *sdp_reject(struct nego *n, const char *sdp, int section); /* port 0, and out of the groups */
bool sdp_is_rejected(struct nego *n, const char *sdp, int section); /* port 0 without bundle-only */
/* "MID KIND DIRECTION" of each section, "MID KIND rejected", or "MID application", joined by "; ". */
char *sdp_summary(struct nego *n, const char *sdp);
#define sdp_expect(n, sdp, want) assert_string_equal(sdp_summary(n, sdp), want)
char *sdp_bundle(struct nego *n, const char *sdp); /* the mids of the first BUNDLE group, "" none */

/* ---- remotes on paper ---- */

#define PAPER_UFRAG "Uf01"
#define PAPER_PWD "pwd0123456789012345678901"
#define PAPER_PRINT                                                                                \
    "sha-256 "                                                                                     \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"   \
    "1E:1F"

struct paper_section {
    const char *kind;      /* "audio", "video", "data", or the whole m= line; NULL ends the list */
    const char *mid;       /* NULL: the number of the section; "": none */
    const char *direction; /* NULL: sendrecv */
    const char *msid;      /* "stream track"; NULL none */
    const char *extra;     /* lines with CRLF */
    bool no_mux, rejected, bundle_only, alone; /* alone: in no group */
};

struct paper {
    bool firefox, lite, no_bundle, no_trickle;
    const char *ufrag, *pwd, *print, *setup, *tls_id; /* NULL: PAPER_*, actpass, none */
    int version;
    struct paper_section s[8];
};

char *paper_write(struct nego *n, const struct paper *p);
/* An answer on paper to an offer: takes every section, directions reversed, in the offer's group. */
char *paper_answer(struct nego *n, const char *offer);

#endif

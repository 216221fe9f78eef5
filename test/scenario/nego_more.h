/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_NEGO_MORE_H
#define TEST_SCENARIO_NEGO_MORE_H
/*
 * More reading and writing for tests of codecs, BUNDLE and hostile descriptions: sections on paper with any codecs, lists of codecs as
 * short texts, and whether data really flows. All that is returned lives until nego_free().
 */
#include "nego_sdp.h"

/* "rtpmap:96 VP8/90000|rtcp-fb:96 nack" as lines of attributes. */
char *more_lines(struct nego *n, const char *attributes);
/* One section of audio or video with these formats and attributes, sendrecv, rtcp-mux; and a data section after it. */
char *more_offer(struct nego *n, const char *kind, const char *formats, const char *attributes);
char *more_formats(struct nego *n, const char *sdp, int section); /* of the m-line, "96 97" */
char *more_names(struct nego *n, const char *sdp, int section);   /* theirs, "VP8 rtx" */
int more_pt(struct nego *n, const char *sdp, int section, const char *name); /* the first of that name */
/* Each of "a=x|a=y" begins a line of the section (want) or none (not want). */
#define more_expect_lines(n, sdp, section, lines, want)                                            \
    more_expect_lines_at(n, sdp, section, lines, want, __FILE__, __LINE__)
void more_expect_lines_at(struct nego *n, const char *sdp, int section, const char *lines,
                          bool want, const char *file, int line);

/* ---- the API ---- */

/* What may be sent: "96=VP8 97=rtx(apt=96)"; without numbers and parameters: "VP8 rtx". */
char *more_codecs(struct nego_side *s, sotto_transceiver *t);
char *more_codec_names(struct nego_side *s, sotto_transceiver *t);
char *more_exts(struct nego_side *s, sotto_transceiver *t); /* URIs joined by blanks */
/* "VP9 VP8 rtx": by name, all of that name; "H264/42e01f": whose parameters have that. "": the default again. */
int more_try_prefer(struct nego_side *s, sotto_transceiver *t, const char *names);
void more_prefer(struct nego_side *s, sotto_transceiver *t, const char *names);

/* ---- the call ---- */

/* Channel "c" opens and takes a message each way. */
void more_expect_data(struct nego *n);
/* Every section of the stable call is on the one transport or rejected, on both sides; both are connected, none is half alive. */
void more_expect_one_transport(struct nego *n);

#endif

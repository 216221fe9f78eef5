/* SPDX-License-Identifier: BSD-2-Clause */
/* wire: the description of a browser with audio, video and data, and one of its candidates. */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/candidate.h"
#include "wire/sdp.h"

struct sdp_state {
    char text[65536];
    size_t n;
    struct sdp *sdp;
};

static void *sdp_open(size_t n)
{
    struct sdp_state *s = micro_alloc(1, sizeof *s);
    FILE *f = fopen(MICRO_SDP, "r");
    (void)n;
    micro_expect(f != NULL, "no " MICRO_SDP);
    s->n = fread(s->text, 1, sizeof s->text, f);
    fclose(f);
    micro_expect(sotto__sdp_parse(s->text, s->n, &s->sdp, NULL) == 0, "description");
    return s;
}

static void sdp_parse(void *state, size_t i)
{
    struct sdp_state *s = state;
    struct sdp *sdp;
    (void)i;
    micro_expect(sotto__sdp_parse(s->text, s->n, &sdp, NULL) == 0, "description");
    sotto__sdp_free(sdp);
}

static void sdp_write(void *state, size_t i)
{
    struct sdp_state *s = state;
    struct buf out;
    (void)i;
    sotto__buf_init(&out, 1 << 20);
    sotto__sdp_write(s->sdp, &out);
    micro_expect(out.err == 0, "description");
    sotto__buf_free(&out);
}

static void sdp_close(void *state)
{
    sotto__sdp_free(((struct sdp_state *)state)->sdp);
    free(state);
}

static void candidate_parse(void *state, size_t i)
{
    static const char line[] =
        "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr "
        "192.0.2.9 rport 46154 generation 0 ufrag EEtu network-id 1";
    struct candidate c;
    struct str text = {line, sizeof line - 1};
    (void)state, (void)i;
    micro_expect(sotto__candidate_parse(text, &c, NULL) == 0, "candidate");
}

const struct micro micro_sdp[] = {
    {"sdp parse, a browser's offer", 50, sdp_open, sdp_parse, sdp_close},
    {"sdp write, a browser's offer", 50, sdp_open, sdp_write, sdp_close},
    {"candidate parse", 2000, NULL, candidate_parse, NULL},
    {0},
};

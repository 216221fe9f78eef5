/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__sdp_parse, sotto__sdp_write and the readers of attributes. Property: write(parse(x)) parses to the same tree
 * and is a fixpoint; what a reader accepts is within its range; a refusal names a reason.
 */
#include <stdlib.h>

#include "wire/sdp.h"
#include "wire/sdp_attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_same_lines(const struct sdp_section *a, const struct sdp_section *b)
{
    require(a->n_lines == b->n_lines && a->n_lines <= SOTTO_MAX_SDP_LINES);
    for (size_t i = 0; i < a->n_lines; i++) {
        const struct sdp_line *x = &a->lines[i], *y = &b->lines[i];
        require(x->type == y->type && x->number == y->number);
        require(sotto__str_eq(x->name, y->name) && sotto__str_eq(x->value, y->value));
        require((x->value.p == NULL) == (y->value.p == NULL));
    }
}

static void require_same_tree(const struct sdp *a, const struct sdp *b)
{
    require(a->n_media == b->n_media && a->n_media <= SOTTO_MAX_SDP_MEDIA);
    require(a->origin.session_id == b->origin.session_id && a->origin.version == b->origin.version);
    require(sotto__str_eq(a->origin.username, b->origin.username));
    require(sotto__str_eq(a->origin.address, b->origin.address));
    require_same_lines(&a->s, &b->s);
    for (size_t i = 0; i < a->n_media; i++) {
        const struct sdp_media *x = &a->media[i], *y = &b->media[i];
        require(sotto__str_eq(x->kind, y->kind) && sotto__str_eq(x->proto, y->proto));
        require(x->port == y->port && x->n_ports == y->n_ports && x->number == y->number);
        require(x->n_fmts == y->n_fmts && x->n_fmts >= 1 && x->n_fmts <= SOTTO_MAX_SDP_FMTS);
        for (size_t k = 0; k < x->n_fmts; k++) require(sotto__str_eq(x->fmts[k], y->fmts[k]));
        require_same_lines(&x->s, &y->s);
    }
}

/* What the readers of one value give; all of them get it, as a name proves nothing about a value. */
static void read_value(struct str value)
{
    struct sdp_fingerprint fingerprint;
    struct sdp_group group;
    struct sdp_rtpmap rtpmap;
    struct sdp_fmtp fmtp;
    struct sdp_rtcp_fb fb;
    struct sdp_extmap extmap;
    struct sdp_rid rid;
    struct sdp_simulcast simulcast;
    struct sdp_ssrc ssrc;
    struct sdp_ssrc_group ssrcs;
    struct sdp_msid msid;
    struct sdp_bandwidth bandwidth;
    uint32_t ms;
    struct str text;
    uint16_t port;
    uint64_t size;
    enum sdp_setup setup;
    if (sotto__sdp_fingerprint(value, &fingerprint) == 0)
        require(fingerprint.n_bytes >= 1 && fingerprint.n_bytes <= 64 && fingerprint.hash[0]);
    if (sotto__sdp_group(value, &group) == 0) require(group.n_mids <= SOTTO_MAX_SDP_MEDIA);
    if (sotto__sdp_rtpmap(value, &rtpmap) == 0)
        require(rtpmap.pt <= 127 && rtpmap.clock && rtpmap.channels);
    if (sotto__sdp_fmtp(value, &fmtp) == 0 && sotto__sdp_fmtp_param(&fmtp, "apt", &text))
        require(text.n <= value.n);
    if (sotto__sdp_rtcp_fb(value, &fb) == 0) require(fb.pt >= -1 && fb.pt <= 127 && fb.type.n > 0);
    if (sotto__sdp_extmap(value, &extmap) == 0) require(extmap.id >= 1 && extmap.id <= 4351);
    if (sotto__sdp_rid(value, &rid) == 0) require(rid.id.n >= 1 && rid.id.n <= 255);
    if (sotto__sdp_simulcast(value, &simulcast) == 0)
        require(simulcast.send.n + simulcast.recv.n > 0);
    if (sotto__sdp_ssrc(value, &ssrc) == 0) require(ssrc.attribute.n > 0);
    if (sotto__sdp_ssrc_group(value, &ssrcs) == 0)
        require(ssrcs.n_ssrcs >= 1 && ssrcs.n_ssrcs <= 16);
    if (sotto__sdp_msid(value, &msid) == 0) require(msid.id.n >= 1 && msid.id.n <= 64);
    if (sotto__sdp_sctp_port(value, &port) == 0) require(port > 0);
    if (sotto__sdp_ice_ufrag(value, &text) == 0) require(text.n >= 4 && text.n <= 256);
    if (sotto__sdp_ice_pwd(value, &text) == 0) require(text.n >= 22 && text.n <= 256);
    if (sotto__sdp_tls_id(value, &text) == 0) require(text.n >= 20 && text.n <= SOTTO_MAX_TLS_ID);
    if (sotto__sdp_bandwidth(value, &bandwidth) == 0) require(bandwidth.type.n > 0);
    if (sotto__sdp_ptime(value, &ms) == 0) require(ms > 0);
    if (sotto__sdp_setup(value, &setup) == 0) require(setup <= SDP_SETUP_HOLDCONN);
    int r = sotto__sdp_max_message_size(value, &size);
    require(r == 0 || r == SOTTO_E_SYNTAX);
    sotto__sdp_ice_option(value, "trickle");
}

static void read_section(const struct sdp_section *s)
{
    for (size_t i = 0; i < s->n_lines; i++) {
        const struct sdp_line *line = &s->lines[i];
        const char *why = NULL;
        if (line->type != 'a') {
            read_value(line->value);
            continue;
        }
        int r = sotto__sdp_attr_check(line->name, line->value, &why);
        require(r == 0 || (why && !sotto__sdp_attr_required(line->name)));
        read_value(line->value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdp *first, *second;
    struct buf one, two;
    sotto_error err = {.size = sizeof err};
    int r = sotto__sdp_parse((const char *)data, size, &first, &err);
    if (r < 0) {
        require(err.code == r && err.line >= 0 && err.reason[0]);
        return 0;
    }
    read_section(&first->s);
    for (size_t i = 0; i < first->n_media; i++) read_section(&first->media[i].s);
    sotto__buf_init(&one, SOTTO_MAX_SDP);
    sotto__buf_init(&two, SOTTO_MAX_SDP);
    sotto__sdp_write(first, &one);
    require(one.err == 0);
    require(sotto__sdp_parse((char *)one.p, one.n, &second, &err) == 0);
    require_same_tree(first, second);
    sotto__sdp_write(second, &two);
    require(two.err == 0 && one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
    sotto__buf_free(&one);
    sotto__buf_free(&two);
    sotto__sdp_free(first);
    sotto__sdp_free(second);
    return 0;
}

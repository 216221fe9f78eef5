/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peer driven by hand. In: the other side's description and what the virtual network brings. Out: whatever a test makes it
 * say. It keeps the last messages and counts the rest. Time is the network's.
 */
#include "raw_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "wire/candidate.h"
#include "wire/dcep.h"
#include "wire/sdp.h"

#define PORT 5000

static sotto_us now_of(const struct raw *r)
{
    return r->host->net->now;
}

struct pair *raw_pair_new(uint64_t seed, const struct pair_opt *opt, struct raw **ret)
{
    struct raw *r = calloc(1, sizeof *r);
    if (!r) abort();
    struct pair_opt o = opt ? *opt : (struct pair_opt){0};
    o.raw = r;
    struct pair *p = pair_new(seed, &o);
    r->pair = p;
    r->host = net_host_new(p->net, "192.0.2.66");
    r->host->gather_us = 0;
    snprintf(r->ufrag, sizeof r->ufrag, "rawrawra");
    snprintf(r->pwd, sizeof r->pwd, "rawpwd0123456789rawpwd01");
    CHECK(sotto__dtls_ctx_new(&r->dtls_ctx) == 0);
    CHECK(sotto__cert_generate(&r->cert, 1700000000) == 0);
    r->claimed = sotto__cert_ref(r->cert);
    *ret = r;
    return p;
}

void raw_free(struct raw *r)
{
    sotto__sctp_free(r->sctp);
    sotto__dtls_free(r->dtls);
    sotto__ice_net.free(r->ice);
    sotto__cert_unref(r->cert);
    sotto__cert_unref(r->claimed);
    sotto__dtls_ctx_free(r->dtls_ctx);
    for (size_t i = 0; i < RAW_LOG; i++) free(r->log[i].data);
    free(r);
}

/* ---- descriptions ---- */

static void start_ice(struct raw *r, bool controlling)
{
    struct ice_cfg cfg = {.controlling = controlling,
                          .ufrag = r->ufrag,
                          .pwd = r->pwd,
                          .box = &r->box,
                          .world = r->host};
    CHECK(sotto__ice_net.init(&r->ice, &cfg, now_of(r)) == 0);
    CHECK(sotto__ice_net.gather(r->ice, now_of(r)) == 0);
    raw_run(r);
}

static char *write_sdp(struct raw *r, const char *setup)
{
    struct sdp_fingerprint f;
    char print[224], *text = NULL;
    struct address a;
    char ip[46];
    sotto__cert_fingerprint(r->claimed, &f);
    sotto__fingerprint_text(&f, print);
    CHECK(net_ice_address(r->ice, &a));
    sotto__address_text(&a, ip);
    int n = asprintf(
        &text,
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
        "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\na=fingerprint:%s\r\n"
        "a=setup:%s\r\na=sctp-port:%d\r\na=max-message-size:262144\r\n"
        "a=candidate:1 1 udp 2122260223 %s %u typ host\r\na=end-of-candidates\r\n",
        r->ufrag, r->pwd, print, setup, PORT, ip, a.port);
    if (n < 0) abort();
    return text;
}

static const struct sdp_media *data_section(const struct sdp *sdp)
{
    for (size_t i = 0; i < sdp->n_media; i++)
        if (sotto__str_eq(sdp->media[i].kind, STR("application")) && sdp->media[i].port != 0)
            return &sdp->media[i];
    return NULL;
}

/* Of the data section, or of the one that it is bundled into. */
static void line_value(const struct sdp *sdp, const char *name, char *out, size_t cap)
{
    const struct sdp_line *l = sotto__sdp_attr_or_session(sdp, data_section(sdp), name);
    for (size_t i = 0; !l && i < sdp->n_media; i++) l = sotto__sdp_attr(&sdp->media[i].s, name);
    CHECK(l != NULL);
    snprintf(out, cap, "%.*s", (int)l->value.n, l->value.p);
}

static bool read_sdp(struct raw *r, const char *text)
{
    struct sdp *sdp;
    char ufrag[257], pwd[257], print[512], setup[32];
    CHECK(sotto__sdp_parse(text, strlen(text), &sdp, NULL) == 0);
    bool has_data = data_section(sdp) != NULL;
    if (has_data) {
        line_value(sdp, "ice-ufrag", ufrag, sizeof ufrag);
        line_value(sdp, "ice-pwd", pwd, sizeof pwd);
        line_value(sdp, "fingerprint", print, sizeof print);
        line_value(sdp, "setup", setup, sizeof setup);
        CHECK(sotto__sdp_fingerprint(sotto__str(print), &r->theirs) == 0);
        if (strcmp(setup, "active") == 0) r->is_client = false;
        if (strcmp(setup, "passive") == 0) r->is_client = true;
        CHECK(sotto__ice_net.set_remote(r->ice, ufrag, pwd, now_of(r)) == 0);
    }
    sotto__sdp_free(sdp);
    return has_data;
}

/* The line with what is ours in place of what was theirs. */
static void copy_line(FILE *out, const struct raw *r, struct str line, const char *print)
{
    if (sotto__str_starts(line, STR("a=candidate:")) ||
        sotto__str_starts(line, STR("a=end-of-cand")))
        return;
    if (sotto__str_starts(line, STR("a=ice-ufrag:")))
        fprintf(out, "a=ice-ufrag:%s\r\n", r->ufrag);
    else if (sotto__str_starts(line, STR("a=ice-pwd:")))
        fprintf(out, "a=ice-pwd:%s\r\n", r->pwd);
    else if (sotto__str_starts(line, STR("a=fingerprint:")))
        fprintf(out, "a=fingerprint:%s\r\n", print);
    else
        fprintf(out, "%.*s\n", (int)line.n, line.p);
}

int raw_offer_like(struct raw *r, const char *text, char **ret_answer)
{
    struct sdp_fingerprint f;
    struct address a;
    char print[224], ip[46], line[100], *ours = NULL;
    size_t n = 0;
    sotto_pc *pc = r->pair->side[0].pc;
    start_ice(r, true);
    sotto__cert_fingerprint(r->claimed, &f);
    sotto__fingerprint_text(&f, print);
    FILE *out = open_memstream(&ours, &n);
    struct str rest = sotto__str(text), one, after;
    for (; out && sotto__str_cut(rest, '\n', &one, &after); rest = after)
        copy_line(out, r, one, print);
    if (!out || fclose(out) != 0) abort();
    int e = sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, ours, NULL);
    free(ours);
    if (e == 0) e = sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    if (e < 0) return e;
    CHECK(sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, ret_answer) == 1);
    if (!read_sdp(r, *ret_answer)) return 0;
    CHECK(net_ice_address(r->ice, &a));
    snprintf(line, sizeof line, "candidate:1 1 udp 2122260223 %s %u typ host",
             sotto__address_text(&a, ip), a.port);
    sotto_candidate c = {.size = sizeof c, .line = line, .has_mline_index = 1};
    CHECK(sotto_pc_add_ice_candidate(pc, &c, NULL) == 0);
    return 1;
}

static char *their_sdp(struct raw *r)
{
    char *sdp = NULL;
    CHECK(sotto_pc_local_description(r->pair->side[0].pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp) == 1);
    return sdp;
}

int raw_answer(struct raw *r, const char *setup)
{
    start_ice(r, false);
    r->is_client = strcmp(setup, "active") == 0;
    int e = sotto_pc_set_local_description(r->pair->side[0].pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    if (e < 0) return e;
    char *theirs = their_sdp(r), *ours = write_sdp(r, setup);
    read_sdp(r, theirs);
    e = sotto_pc_set_remote_description(r->pair->side[0].pc, SOTTO_SDP_ANSWER, ours, NULL);
    sotto_free(theirs);
    free(ours);
    return e;
}

int raw_offer(struct raw *r, const char *setup)
{
    start_ice(r, true);
    char *ours = write_sdp(r, setup);
    int e = sotto_pc_set_remote_description(r->pair->side[0].pc, SOTTO_SDP_OFFER, ours, NULL);
    free(ours);
    if (e == 0)
        e = sotto_pc_set_local_description(r->pair->side[0].pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    if (e < 0) return e;
    char *theirs = their_sdp(r);
    read_sdp(r, theirs);
    sotto_free(theirs);
    return 0;
}

static bool both_up(struct pair *p, void *arg)
{
    struct raw *r = arg;
    return r->sctp_up && side_state(&p->side[0]).connection == SOTTO_CONNECTION_CONNECTED;
}

struct pair *raw_connected(uint64_t seed, bool is_client, struct raw **ret)
{
    struct pair *p = raw_pair_new(seed, NULL, ret);
    CHECK(raw_offer(*ret, is_client ? "active" : "passive") == 0);
    CHECK(pair_until(p, SOTTO_SECONDS(10), both_up, *ret));
    return p;
}

/* ---- sending ---- */

static void put_datagram(struct raw *r, const uint8_t *p, size_t n)
{
    struct packet pkt = {p, n};
    sotto__ice_net.send(r->ice, &pkt, 1, now_of(r));
}

void raw_record(struct raw *r, const uint8_t *p, size_t n)
{
    put_datagram(r, p, n);
}

static void seal(struct raw *r, const uint8_t *p, size_t n)
{
    uint8_t out[4096];
    int len = sotto__dtls_seal(r->dtls, p, n, out, sizeof out);
    if (len > 0) put_datagram(r, out, (size_t)len);
}

void raw_packet(struct raw *r, const uint8_t *chunks, size_t n)
{
    uint8_t p[2048] = {PORT >> 8, PORT & 255, PORT >> 8, PORT & 255};
    CHECK(n <= sizeof p - 12);
    memcpy(p + 4, r->vtag, 4);
    memcpy(p + 12, chunks, n);
    uint32_t crc = sotto__crc32c(0, p, 12 + n);
    for (int i = 0; i < 4; i++) p[8 + i] = (uint8_t)(crc >> (8 * i)); /* RFC 9260 appendix A: least byte first */
    seal(r, p, 12 + n);
}

int raw_send(struct raw *r, uint16_t sid, uint32_t ppid, const void *p, size_t n)
{
    struct sctp_send_opt o = {.sid = sid, .ppid = ppid};
    int e = sotto__sctp_send(r->sctp, now_of(r), &o, p, n);
    raw_run(r);
    return e;
}

int raw_open(struct raw *r, uint16_t sid, const char *label)
{
    uint8_t m[512];
    struct dcep d = {
        .type = DCEP_OPEN, .priority = 256, .label = sotto__str(label), .protocol = STR("")};
    int n = sotto__dcep_write(&d, m, sizeof m);
    CHECK(n > 0);
    return raw_send(r, sid, PPID_DCEP, m, (size_t)n);
}

void raw_reset(struct raw *r, uint16_t sid)
{
    sotto__sctp_reset(r->sctp, now_of(r), sid);
    raw_run(r);
}

/* ---- what comes ---- */

static void look_out(struct raw *r, const uint8_t *p, size_t n)
{
    if (n < 16) return;
    if (p[4] | p[5] | p[6] | p[7]) memcpy(r->vtag, p + 4, 4);
    for (size_t at = 12; at + 16 <= n;) {
        size_t len = (size_t)p[at + 2] << 8 | p[at + 3];
        if (len < 4) return;
        if (p[at] == 0)
            r->next_tsn = ((uint32_t)p[at + 4] << 24 | (uint32_t)p[at + 5] << 16 |
                           (uint32_t)p[at + 6] << 8 | p[at + 7]) +
                          1;
        at += (len + 3) & ~(size_t)3;
    }
}

static void look_in(struct raw *r, const uint8_t *p, size_t n)
{
    r->n_plain++;
    if (n < 16) return;
    memcpy(r->their_vtag, p + 4, 4);
    if (p[12] == 6) r->n_aborts++;
}

static void drain_sctp(struct raw *r)
{
    struct sctp_out o;
    while (r->sctp && sotto__sctp_next(r->sctp, now_of(r), &o) == 1) {
        if (o.type == SCTP_OUT_PACKET) {
            look_out(r, o.p, o.n);
            if (!r->swallow) seal(r, o.p, o.n);
        } else if (o.type == SCTP_OUT_UP) {
            r->sctp_up = true;
        } else {
            r->sctp_down = true;
            r->sctp_error = o.error;
        }
    }
}

static void pull(struct raw *r)
{
    struct sctp_msg m;
    while (r->sctp && !r->no_pull && sotto__sctp_pull(r->sctp, now_of(r), &m) == 1) {
        struct raw_message *l = &r->log[r->n_messages++ % RAW_LOG];
        free(l->data);
        *l = (struct raw_message){.type = m.type, .sid = m.sid, .ppid = m.ppid, .len = m.len};
        if (m.type == SCTP_MSG_RESET_IN) r->n_resets_in++;
        if (m.type == SCTP_MSG_RESET_OUT) r->n_resets_out++;
        if (m.type != SCTP_MSG_DATA) continue;
        if (!(l->data = malloc(m.len + 1))) abort();
        memcpy(l->data, m.data, m.len);
        if (m.ppid == PPID_DCEP && m.len == 1 && m.data[0] == DCEP_ACK) r->n_acks++;
        if (m.ppid != PPID_DCEP) r->n_data++;
        sotto__free(m.data);
    }
}

const struct raw_message *raw_last(const struct raw *r)
{
    return r->n_messages ? &r->log[(r->n_messages - 1) % RAW_LOG] : NULL;
}

static void dtls_connected(struct raw *r)
{
    r->dtls_up = true;
    struct sctp_cfg cfg = {.local_port = PORT,
                           .remote_port = PORT,
                           .streams_out = 1024,
                           .streams_in = 1024,
                           .max_message_size = 262144};
    if (!r->no_sctp) CHECK(sotto__sctp_new(&r->sctp, &cfg, now_of(r)) == 0);
}

static void drain_dtls(struct raw *r)
{
    struct dtls_out o;
    while (r->dtls && r->dtls_error == 0) {
        int e = sotto__dtls_next(r->dtls, now_of(r), &o);
        if (e < 0) r->dtls_error = e;
        if (e <= 0) return;
        if (o.type == DTLS_OUT_PACKET)
            put_datagram(r, o.p, o.n);
        else if (o.type == DTLS_OUT_CONNECTED)
            dtls_connected(r);
        else if (o.type == DTLS_OUT_CLOSED)
            r->dtls_closed = true;
        else {
            look_in(r, o.p, o.n);
            if (r->sctp) sotto__sctp_input(r->sctp, now_of(r), o.p, o.n);
        }
    }
}

static void start_dtls(struct raw *r)
{
    struct dtls_cfg cfg = {.ctx = r->dtls_ctx, .cert = r->cert, .client = r->is_client};
    r->selected = true;
    if (r->no_dtls) return;
    CHECK(sotto__dtls_new(&r->dtls, &cfg, now_of(r)) == 0);
    CHECK(sotto__dtls_set_fingerprints(r->dtls, &r->theirs, 1) == 0);
}

void raw_run(struct raw *r)
{
    struct ice_out o;
    while (r->ice && sotto__ice_net.next(r->ice, now_of(r), &o) == 1) {
        if (o.type == ICE_OUT_SELECTED && !r->selected) start_dtls(r);
        if (o.type == ICE_OUT_PACKET && r->dtls)
            sotto__dtls_input(r->dtls, now_of(r), o.packet.p, o.packet.n);
        drain_dtls(r);
    }
    drain_dtls(r);
    drain_sctp(r);
    pull(r);
    drain_sctp(r);
}

sotto_us raw_due(const struct raw *r)
{
    sotto_us due = r->ice ? sotto__ice_net.due(r->ice) : SOTTO_NEVER;
    if (r->dtls && r->dtls_error == 0) due = sotto__earlier(due, sotto__dtls_due(r->dtls));
    if (r->sctp) due = sotto__earlier(due, sotto__sctp_due(r->sctp));
    return due;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: the configurations that applications give: of connections, contexts, channels, transceivers, retries. The input chooses each
 * field, sensible or not, and what a signaling server does to the fingerprints of the call that follows.
 * Property: a configuration is taken, or refused with a number that its header names, and then nothing is made. With any that is taken,
 * what leaves is STUN, DTLS or SRTP and never the plain text of a message; SRTP only after the handshake, which is DTLS 1.2; and a peer
 * whose fingerprint is not the one of the description is never connected to, whatever else was configured.
 * proves: A22 S07 S08 S14
 */
#include <string.h>

#include "config_bytes.h"
#include "pair.h"
#include "require.h"
#include "wire/demux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plain[] = "what nobody else may read";

_Noreturn void pair_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static enum net_verdict look(struct net *net, struct net_datagram *d, void *user)
{
    (void)net;
    struct pair *p = user;
    enum packet_kind kind = sotto__demux(d->p, d->n);
    require(kind == PACKET_STUN || kind == PACKET_DTLS || kind == PACKET_RTP ||
            kind == PACKET_RTCP);
    require(!memmem(d->p, d->n, plain, sizeof plain - 1));
    if (kind == PACKET_STUN || kind == PACKET_DTLS) return NET_PASS;
    bool stands = false;
    for (int i = 0; i < 2; i++) {
        sotto_transport_info info = {.size = sizeof info};
        require(!p->side[i].pc || sotto_pc_get_transport(p->side[i].pc, &info) == 0);
        stands = stands || info.dtls == SOTTO_DTLS_CONNECTED || info.dtls == SOTTO_DTLS_CLOSED;
    }
    require(stands);
    return NET_PASS;
}

/* What else can be configured: each is taken or refused. */
static void small_ones(struct reader *in, struct pair *p)
{
    sotto_ctx *ctx = NULL;
    sotto_dc *dc = NULL;
    sotto_transceiver *t = NULL;
    char label[CONFIG_TEXT], word[CONFIG_TEXT];
    uint8_t how = sotto__read_u8(in);
    sotto_ctx_config cc = {.size = how & 1 ? (uint32_t)(sotto__read_u8(in) % sizeof cc)
                                           : (uint32_t)sizeof cc,
                           .no_thread = true,
                           .log_level = sotto__read_u8(in) % 8 - 1,
                           .max_pcs = sotto__read_u16(in)};
    int r = sotto_ctx_new(&cc, &ctx);
    require(r == 0 ? ctx != NULL : !ctx && r >= SOTTO_E_SYS);
    sotto_ctx_free(ctx);
    sotto_dc_config dcc = {.size = how & 2 ? (uint32_t)(sotto__read_u8(in) % sizeof dcc)
                                           : (uint32_t)sizeof dcc,
                           .unordered = how & 4,
                           .negotiated = how & 8,
                           .reliability = sotto__read_u8(in) % 5 - 1,
                           .limit = sotto__read_u32(in) >> (how & 16),
                           .id = sotto__read_u16(in),
                           .priority = sotto__read_u8(in) % 7 - 1,
                           .protocol = config_text(in, word)};
    r = sotto_pc_create_data_channel(p->side[0].pc, config_text(in, label), &dcc, &dc);
    require(r == 0 ? dc != NULL : !dc && r >= SOTTO_E_SYS);
    sotto_dc_free(dc);
    sotto_encoding enc[2] = {{.size = sizeof enc[0], .rid = config_text(in, label)},
                             {.size = sizeof enc[0], .rid = config_text(in, word)}};
    enc[0].scale = (double)sotto__read_u8(in) / 16 - 1, enc[0].max_bps = sotto__read_u32(in);
    sotto_transceiver_config tc = {.size = how & 32 ? (uint32_t)(sotto__read_u8(in) % sizeof tc)
                                                    : (uint32_t)sizeof tc,
                                   .direction = sotto__read_u8(in) % 7 - 1,
                                   .streams = (const char *const[]){label, word},
                                   .n_streams = sotto__read_u8(in) % 3,
                                   .encodings = enc,
                                   .n_encodings = sotto__read_u8(in) % 3};
    r = sotto_pc_add_transceiver(p->side[0].pc, sotto__read_u8(in) % 4, &tc, &t);
    require(r == 0 ? t != NULL : !t && r >= SOTTO_E_SYS);
    if (r == 0 && how & 64) require(sotto_transceiver_stop(t) == 0);
}

/* The description of one side as it reaches the other: with swap, a server put another fingerprint into it. false: there is none. */
static bool carry(struct pair *p, int from, bool swap)
{
    sotto_sdp_type type = 0;
    char *sdp = NULL;
    if (sotto_pc_local_description(p->side[from].pc, SOTTO_DESC_EFFECTIVE, &type, &sdp) != 1)
        return false;
    char *print = strstr(sdp, "a=fingerprint:sha-256 ");
    require(print != NULL);
    while (swap && print) {
        print[22] = print[22] == '0' ? '1' : '0';
        print = strstr(print + 22, "a=fingerprint:sha-256 ");
    }
    int r = sotto_pc_set_remote_description(p->side[1 - from].pc, type, sdp, NULL);
    sotto_free(sdp);
    return r == 0;
}

static bool is_gathered(struct pair *p, void *arg)
{
    return side_state(&p->side[*(int *)arg]).gathering == SOTTO_GATHERING_COMPLETE;
}

static bool describe(struct pair *p, int from, bool swap)
{
    if (sotto_pc_set_local_description(p->side[from].pc, SOTTO_SDP_IMPLICIT, NULL, NULL) < 0)
        return false;
    pair_until(p, SOTTO_SECONDS(45), is_gathered, &from);
    return carry(p, from, swap);
}

static void check_version(struct side *s)
{
    sotto_stats *stats = NULL;
    require(sotto_pc_get_stats(s->pc, NULL, &stats) == 0);
    const sotto_stat *t = sotto_stats_find(stats, "transport");
    const sotto_stat_member *m = t ? sotto_stat_member_of(t, "tlsVersion") : NULL;
    require(m && strcmp(m->v.s, "FEFD") == 0);
    sotto_free(stats);
}

static void call(struct pair *p, uint8_t how)
{
    bool swap[2] = {how & 1, how & 2};
    struct chan *c = side_channel(&p->side[0], "c", NULL);
    if (how & 4)
        sotto_pc_add_transceiver(p->side[0].pc, SOTTO_AUDIO, NULL, &(sotto_transceiver *){0});
    if (!c || !describe(p, 0, swap[0]) || !describe(p, 1, swap[1])) return;
    for (int i = 0; i < 8; i++) {
        pair_run(p, SOTTO_MS(400));
        chan_send(c, plain, sizeof plain - 1, true);
        for (int k = 0; k < 2; k++) {
            if (side_state(&p->side[k]).connection != SOTTO_CONNECTION_CONNECTED) continue;
            require(!swap[1 - k]); /* what it was told of the other is what it has seen */
            check_version(&p->side[k]);
        }
    }
    struct chan *d = side_find(&p->side[1], "c");
    if (swap[0] || swap[1]) require(!d || d->n_in == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sotto_cert *certs[2];
    static struct config_bytes store[2];
    if (!certs[0]) {
        require(sotto_cert_generate(&certs[0]) == 0);
        static const uint64_t dead[64]; /* of another type */
        certs[1] = (sotto_cert *)(uintptr_t)dead;
    }
    struct reader in = sotto__reader(data, size);
    struct pair *p = NULL;
    struct pair_opt o = {.no_trickle = true};
    uint8_t how = sotto__read_u8(&in);
    for (int i = 0; i < 2; i++) {
        config_from(&in, certs, &store[i]);
        o.pc[i] = store[i].cfg;
        if (i == 1 && how & 8) o.pc[i] = (sotto_pc_config){0};
    }
    int r = pair_try_new(1, &o, &p);
    require(r == 0 || r == SOTTO_E_INVAL || r == SOTTO_E_RANGE || r == SOTTO_E_SYNTAX ||
            r == SOTTO_E_UNSUPPORTED || r == SOTTO_E_ACCESS || r == SOTTO_E_LIMIT);
    p->net->tap = look, p->net->tap_user = p;
    if (r == 0) {
        sotto_pc *pc = NULL; /* with the size that it says itself */
        r = sotto_pc_new(p->side[0].ctx, &store[0].cfg, &pc);
        require(r == 0 ? pc != NULL : !pc && r >= SOTTO_E_SYS);
        sotto_pc_free(pc);
        small_ones(&in, p);
        r = sotto_pc_set_config(p->side[1].pc, &store[0].cfg);
        require(r <= 0 && r >= SOTTO_E_SYS);
        call(p, how);
    }
    p->net->tap = NULL;
    pair_free(p);
    return 0;
}

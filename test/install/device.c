/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device CERT_URI KEY_URI PROVIDER: a device whose private key stays in its hardware, and somebody who accepts no other: they connect over
 * loopback, once with the device as the DTLS server and once as the client, and a channel opens. Says what does not go.
 */
#include <openssl/provider.h>
#include <sotto/sotto.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "device: %s\n", what);
    exit(1);
}

static void hand_over(sotto_pc *from, sotto_pc *to, sotto_sdp_type type)
{
    char *sdp;
    sotto_error e = {.size = sizeof e};
    expect(sotto_pc_set_local_description(from, SOTTO_SDP_IMPLICIT, NULL, &e) == 0, e.reason);
    expect(sotto_pc_local_description(from, SOTTO_DESC_EFFECTIVE, NULL, &sdp) == 1, "description");
    expect(sotto_pc_set_remote_description(to, type, sdp, &e) == 0, e.reason);
    sotto_free(sdp);
}

/* Until `other` sees the channel. */
static int channel_opens(sotto_ctx *ctx, sotto_pc *caller, sotto_pc *other)
{
    int is_open = 0;
    sotto_event *e;
    while (!is_open && sotto_ctx_wait(ctx, 30000000, &e) == 1) {
        sotto_candidate c = {.size = sizeof c};
        if (e->type == SOTTO_EV_CANDIDATE) {
            c.line = e->u.candidate.line, c.mid = e->u.candidate.mid;
            (void)sotto_pc_add_ice_candidate(e->pc == caller ? other : caller, &c, NULL);
        }
        is_open = e->type == SOTTO_EV_CHANNEL && e->pc == other;
        sotto_event_free(e);
    }
    return is_open;
}

static void connect_as(sotto_cert *cert, const char *print, int device_calls)
{
    sotto_ctx *ctx;
    sotto_pc *device, *other, *caller, *called;
    sotto_dc *dc;
    sotto_pc_config of_device = {.size = sizeof of_device, .cert = cert, .allow_loopback = true};
    sotto_pc_config of_other = {.size = sizeof of_other,
                                .allow_loopback = true,
                                .peer_fingerprints = &print,
                                .n_peer_fingerprints = 1,
                                .required_verification = SOTTO_VERIFY_PINNED};
    expect(sotto_ctx_new(NULL, &ctx) == 0, "context");
    expect(sotto_pc_new(ctx, &of_device, &device) == 0, "the device's connection");
    expect(sotto_pc_new(ctx, &of_other, &other) == 0, "the other's connection");
    caller = device_calls ? device : other, called = device_calls ? other : device;
    expect(sotto_pc_create_data_channel(caller, "c", NULL, &dc) == 0, "channel");
    hand_over(caller, called, SOTTO_SDP_OFFER);
    hand_over(called, caller, SOTTO_SDP_ANSWER); /* who answers is the DTLS client */
    expect(channel_opens(ctx, caller, called), "it does not connect");
    expect(sotto_pc_get_verification(other) == SOTTO_VERIFY_PINNED, "not pinned");
    sotto_dc_free(dc);
    sotto_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    sotto_error e = {.size = sizeof e};
    sotto_cert *cert;
    char *print, *pem;
    expect(argc == 4, "wrong arguments");
    OSSL_PROVIDER *key = OSSL_PROVIDER_load(NULL, argv[3]),
                  *usual = OSSL_PROVIDER_load(NULL, "default");
    expect(key && usual, "the provider cannot be loaded");
    expect(sotto_cert_from_uri(argv[1], argv[2], NULL, &cert, &e) == 0, e.reason);
    expect(sotto_cert_fingerprint(cert, &print) == 0, "fingerprint");
    expect(sotto_cert_to_pem(cert, &pem) == SOTTO_E_ACCESS, "the key was given away");
    connect_as(cert, print, 1);
    connect_as(cert, print, 0);
    sotto_free(print);
    sotto_cert_free(cert);
    OSSL_PROVIDER_unload(usual);
    OSSL_PROVIDER_unload(key);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commanded peer's keys from end to end: added to directions of transceivers and channels, ratcheted; what became of frames.
 */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t way_of(const char *name)
{
    return strcmp(name, "send") == 0 ? SOTTO_E2EE_SEND : SOTTO_E2EE_RECEIVE;
}

/* KID SUITE HEX [RATCHET-BITS] from f[at] on. The key's bytes go into `bytes`. */
static void key_of(char **f, int n_f, int at, uint8_t bytes[SOTTO_E2EE_KEY_MAX],
                   sotto_e2ee_key *key)
{
    const char *hex = f[at + 2];
    size_t n = 0;
    for (; n < SOTTO_E2EE_KEY_MAX && hex[2 * n] && hex[2 * n + 1]; n++) {
        char pair[3] = {hex[2 * n], hex[2 * n + 1], '\0'};
        bytes[n] = (uint8_t)strtoul(pair, NULL, 16);
    }
    *key = (sotto_e2ee_key){.size = sizeof *key,
                            .kid = strtoull(f[at], NULL, 10),
                            .cipher = (int32_t)strtol(f[at + 1], NULL, 10),
                            .key = bytes,
                            .key_len = n};
    if (n_f > at + 3) key->ratchet_bits = (uint32_t)strtoul(f[at + 3], NULL, 10);
}

/* e2ee n t send|receive KID SUITE HEX [RATCHET-BITS] */
void do_e2ee(int n, char **f, int n_f)
{
    uint8_t bytes[SOTTO_E2EE_KEY_MAX];
    sotto_e2ee_key key;
    sotto_transceiver *t = pick(n, f);
    key_of(f, n_f, 4, bytes, &key);
    printf("e2ee\t%d\t%d\n", n,
           t ? sotto_transceiver_add_e2ee_key(t, way_of(f[3]), &key) : SOTTO_E_RANGE);
}

/* e2eeremove n t send|receive KID */
void do_e2ee_remove(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    int r = t ? sotto_transceiver_remove_e2ee_key(t, way_of(f[3]), strtoull(f[4], NULL, 10)) : 0;
    (void)n_f;
    if (r < 0) report(f[0], r);
}

/* ratchet n t */
void do_ratchet(int n, char **f, int n_f)
{
    sotto_transceiver *t = pick(n, f);
    (void)n_f;
    printf("ratchet\t%d\t%d\n", n, t ? sotto_transceiver_ratchet_e2ee(t) : SOTTO_E_RANGE);
}

/* sealed n t send|receive: CIPHER KID PASSED NO-KEY BAD REPLAYED OLD */
void do_sealed(int n, char **f, int n_f)
{
    sotto_e2ee_stats s = {.size = sizeof s};
    sotto_transceiver *t = pick(n, f);
    (void)n_f;
    if (!t || sotto_transceiver_get_e2ee_stats(t, way_of(f[3]), &s) < 0) return;
    printf("sealed\t%d\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
           "\t%" PRIu64 "\n",
           n, s.cipher, s.kid, s.passed, s.no_key, s.bad, s.replayed, s.old);
}

/* e2eedc i send|receive KID SUITE HEX */
void do_e2ee_channel(int i, char **f, int n_f)
{
    uint8_t bytes[SOTTO_E2EE_KEY_MAX];
    sotto_e2ee_key key;
    key_of(f, n_f, 3, bytes, &key);
    printf("e2eedc\t%d\t%d\n", i, sotto_dc_add_e2ee_key(chans[i].dc, way_of(f[2]), &key));
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_COTURN_TLS_H
#define SOTTO_TEST_COTURN_TLS_H
/* The TURN server of coturn.h with a certificate of tls_kit.h, for a group of tests: by UDP, by TCP and by TLS. */
#include "coturn.h"
#include "tls_kit.h"

static inline int coturn_tls_start(void **state)
{
    (void)state;
    tls_kit_start();
    const struct coturn_with with = {.cert = tls_file(TLS_GOOD), .key = tls_key_file(TLS_GOOD)};
    return coturn_start_with(&with) ? 0 : -1;
}

static inline int coturn_tls_stop(void **state)
{
    (void)state;
    coturn_stop();
    tls_kit_stop();
    return 0;
}

#endif

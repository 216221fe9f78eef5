/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_HELLO_H
#define SOTTO_TRANSPORT_DTLS_HELLO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a hello is one that we can answer (from_server: that answers ours): well formed, DTLS 1.2, one of our cipher suites,
 * extended master secret. Fills random; on false *why is a static text, which is untouched else. */
bool sotto__dtls_hello_check(bool from_server, const uint8_t *p, size_t n,
                             uint8_t random[static 32], const char **why);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_SELFTEST_H
#define SOTTO_TRANSPORT_DTLS_SELFTEST_H
#include <stdint.h>

#define KNOWN_RECORDS 3u
#define KNOWN_RECORD 42u /* bytes of the longest */

struct known_answers { /* what this machine has to come to */
    uint8_t sha256[32], gcm[32];
    uint8_t records[KNOWN_RECORDS][KNOWN_RECORD];
    uint8_t fingerprint[32]; /* of the three bytes "abc", as if they were a certificate */
    uint32_t crc32c;
};
extern const struct known_answers sotto__known_answers;

int sotto__selftest(void); /* known answers of the cryptography in use: 0, SOTTO_E_SYS, SOTTO_E_NOMEM */
/* The same by others: each bit that differs must be seen. */
int sotto__selftest_by(const struct known_answers *want);
#endif

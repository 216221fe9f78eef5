/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_SELFTEST_H
#define SOTTO_TRANSPORT_DTLS_SELFTEST_H
int sotto__selftest(void); /* known answers of the cryptography in use: 0, SOTTO_E_SYS, SOTTO_E_NOMEM */
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_API_VERIFY_H
#define SOTTO_API_VERIFY_H
/* What verify.c shares with the reader of configurations, and its list of words. */
#include "sotto/verify.h"
#include "wire/sdp_attr.h"

const char *sotto__verify_word(uint8_t number);
/* Fingerprints that an application gives: *ret is yours, sotto__free(). 0, SOTTO_E_INVAL, SOTTO_E_SYNTAX, SOTTO_E_LIMIT, SOTTO_E_NOMEM;
 * n 0: NULL. */
int sotto__pins_read(const char *const *texts, size_t n, struct sdp_fingerprint **ret,
                     sotto_error *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_ENC_H
#define SOTTO_UTIL_ENC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool sotto__equal_ct(const void *a, const void *b, size_t n); /* in constant time */
int sotto__hex_digit(char c);                                 /* 0…15, -1: none */

#endif

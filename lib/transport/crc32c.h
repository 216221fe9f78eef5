/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_CRC32C_H
#define SOTTO_TRANSPORT_CRC32C_H
/* The implementations behind sotto__crc32c (sctp.h), apart so that tests can compare them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t sotto__crc32c_software(uint32_t crc, const uint8_t *p, size_t n); /* slicing by 8, any machine */
bool sotto__crc32c_has_hardware(void);
uint32_t sotto__crc32c_hardware(uint32_t crc, const uint8_t *p, size_t n); /* only if there is one */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_CMOCKA_ALL_H
#define TEST_SCENARIO_CMOCKA_ALL_H
/* cmocka wants these before it, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */
#endif

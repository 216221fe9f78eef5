/* SPDX-License-Identifier: BSD-2-Clause */
/* Placeholder of this session: its owner replaces it. */
#include "sotto/base.h"
extern int sotto__placeholder_nack;

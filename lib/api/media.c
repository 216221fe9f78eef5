/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/ctx.h"

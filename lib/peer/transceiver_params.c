/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer/peer.h"

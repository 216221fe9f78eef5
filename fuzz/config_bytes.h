/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_CONFIG_BYTES_H
#define SOTTO_FUZZ_CONFIG_BYTES_H
/* A configuration of a connection as bytes say, good or bad, with what it points to. */
#include "sotto/pc.h"
#include "util/bytes.h"

enum { CONFIG_SERVERS = 10, CONFIG_TEXT = 80 };

struct config_bytes {
    sotto_pc_config cfg;
    sotto_ice_server servers[CONFIG_SERVERS];
    char text[3 * CONFIG_SERVERS + 3][CONFIG_TEXT];
    size_t n_text;
};

/* certs: what cfg.cert may be; the first is a good one. */
void config_from(struct reader *in, sotto_cert *const certs[2], struct config_bytes *ret);
/* A text of the input, ended by NUL, in to: up to its room. */
char *config_text(struct reader *in, char to[static CONFIG_TEXT]);

#endif

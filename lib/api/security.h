/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_API_SECURITY_H
#define SOTTO_API_SECURITY_H
/* What the configuration and the libraries below add to the security report. */
#include "api/ctx.h"
#include "peer/security.h"

/* security_risks.c: of fields that are set to something risky, under the lock. */
void sotto__security_risks(const sotto_pc *pc, struct security_block *b);

/* security_library.c */
struct library { /* as it is here, or as a test says */
    const char *version; /* without a name before it; "" not in use */
    bool is_runtime;
    char package[SECURITY_VERSION];
};
/* The five; asked once a process, not under a lock. */
const struct library *sotto__security_here(void);
void sotto__security_libraries(const struct library libraries[SECURITY_LIBRARIES],
                               struct security_block *b);
/* The version of an installed package in dpkg's list; false: it is not there. */
bool sotto__security_package(const char *status, const char *name,
                             char version[static SECURITY_VERSION]);
/* As dpkg --compare-versions, but for epochs: below, equal to or above 0. */
int sotto__security_compare(const char *a, const char *b);

/* security_json.c: 0 or SOTTO_E_NOMEM. *ret is yours. */
int sotto__security_json(const sotto_security *s, char **ret);

#endif

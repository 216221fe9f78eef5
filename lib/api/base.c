/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What needs no object: texts of errors, the version, the clock, giving memory back.
 */
#include "sotto/base.h"

#include <time.h>

#include "transport/dtls_selftest.h"
#include "transport/srtp.h"
#include "util/mem.h"
#include "wire/sframe.h"

SOTTO_API sotto_us sotto_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (sotto_us)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

SOTTO_API const char *sotto_strerror(int code)
{
    switch (code) {
#define TEXT(name, number, w3c, text)                                                              \
    case number: return text;
        SOTTO_ERRORS(TEXT)
#undef TEXT
    default: return code >= 0 ? "success" : "unknown error";
    }
}

SOTTO_API const char *sotto_error_w3c(int code)
{
    switch (code) {
#define NAME(name, number, w3c, text)                                                              \
    case number: return w3c;
        SOTTO_ERRORS(NAME)
#undef NAME
    default: return "";
    }
}

SOTTO_API const char *sotto_version(void)
{
    return SOTTO_VERSION;
}

SOTTO_API void sotto_free(void *p)
{
    sotto__free(p);
}

SOTTO_API int sotto_selftest(void)
{
    int r = sotto__selftest();
    if (r == 0) r = sotto__sframe_selftest();
    return r < 0 ? r : sotto__srtp_selftest();
}

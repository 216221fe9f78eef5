/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_STR_H
#define SOTTO_UTIL_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes, not ended by NUL. The zero value is the empty string. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str sotto__str(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}

static inline bool sotto__str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool sotto__str_ieq(struct str a, struct str b);               /* ASCII letters of either case */
bool sotto__str_starts(struct str s, struct str prefix);
struct str sotto__str_trim(struct str s);                      /* without spaces and tabs at both ends */
bool sotto__str_cut(struct str s, char at, struct str *left, struct str *right); /* at the first `at`; false: none, left = s */
/* The next line of a text, without its end of LF or CRLF; false: there is none. */
bool sotto__str_line(struct str *rest, struct str *line);
struct str sotto__str_word(struct str *rest);                  /* next space-separated word, taken off rest; empty at the end */
bool sotto__str_u64(struct str s, uint64_t max, uint64_t *ret); /* decimal digits only, at most 20; false: not so or > max */
bool sotto__utf8_ok(const uint8_t *p, size_t n);               /* RFC 3629: no surrogates, no overlong forms */
/* Copy s for a message: control and non-ASCII bytes as \xNN, cut to fit with "…"; always ended by NUL. */
void sotto__str_escape(struct str s, char *out, size_t cap);

#endif

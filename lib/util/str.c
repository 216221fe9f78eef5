/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views of text: comparing, cutting, numbers, UTF-8 (RFC 3629), escaping for messages. Locale-free: bytes in, bytes out.
 * answers: H025
 */
#include "util/str.h"
#include "util/cold.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool sotto__str_ieq(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool sotto__str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str sotto__str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0])) s.p++, s.n--;
    while (s.n > 0 && is_blank(s.p[s.n - 1])) s.n--;
    return s;
}

bool sotto__str_cut(struct str s, char at, struct str *left, struct str *right)
{
    const char *hit = s.n ? memchr(s.p, at, s.n) : NULL;
    if (!hit) {
        *left = s;
        *right = (struct str){NULL, 0};
        return false;
    }
    size_t n = (size_t)(hit - s.p);
    *left = (struct str){s.p, n};
    *right = (struct str){hit + 1, s.n - n - 1};
    return true;
}

struct str sotto__str_word(struct str *rest)
{
    struct str word;
    while (rest->n > 0 && rest->p[0] == ' ') rest->p++, rest->n--;
    sotto__str_cut(*rest, ' ', &word, rest);
    return word;
}

bool sotto__str_u64(struct str s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 20) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10) return false;
        v = v * 10 + digit;
    }
    if (v > max) return false;
    *ret = v;
    return true;
}

/* Length of the UTF-8 sequence at p, 0 if there is none. Table 3-7 of the Unicode standard, as RFC 3629 §4. */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
    uint8_t lead = p[0], low = 0x80, high = 0xbf;
    size_t len;
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        len = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
        len = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
        len = 4;
    else
        return 0;
    if (n < len) return 0;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf) return 0;
    return len;
}

bool sotto__utf8_ok(const uint8_t *p, size_t n)
{
    while (n > 0) {
        while (n >= 8) { /* eight ASCII bytes at a time: chat and JSON are mostly that */
            uint64_t eight;
            memcpy(&eight, p, 8);
            if (eight & 0x8080808080808080u) break;
            p += 8, n -= 8;
        }
        if (n == 0) break;
        size_t len = utf8_sequence(p, n);
        if (len == 0) return false;
        p += len, n -= len;
    }
    return true;
}

COLD void sotto__str_escape(struct str s, char *out, size_t cap)
{
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;
    if (cap == 0) return;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        bool plain = c >= 0x20 && c < 0x7f && c != '\\';
        if (used + (plain ? 1 : 4) + 4 > cap) {
            if (used + 4 <= cap) memcpy(out + used, "...", 3), used += 3;
            break;
        }
        if (plain) {
            out[used++] = (char)c;
        } else {
            out[used++] = '\\', out[used++] = 'x';
            out[used++] = hex[c >> 4], out[used++] = hex[c & 15];
        }
    }
    out[used] = '\0';
}

bool sotto__str_line(struct str *rest, struct str *line)
{
    struct str after;
    if (rest->n == 0) return false;
    sotto__str_cut(*rest, '\n', line, &after);
    *rest = after;
    if (line->n > 0 && line->p[line->n - 1] == '\r') line->n--;
    return true;
}

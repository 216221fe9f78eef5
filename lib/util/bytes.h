/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_BYTES_H
#define SOTTO_UTIL_BYTES_H
/* Reading and writing big-endian fields. A reader or writer that ran out is `bad` from then on: check once at the end. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
    const uint8_t *p;
    size_t n; /* bytes left */
    bool bad;
};

static inline struct reader sotto__reader(const uint8_t *p, size_t n)
{
    return (struct reader){p, n, false};
}

static inline const uint8_t *sotto__read_view(struct reader *r, size_t n) /* NULL: not that many */
{
    if (r->bad || r->n < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n, r->n -= n;
    return p;
}

static inline uint32_t sotto__read_be(struct reader *r, size_t n) /* n: 1…4; 0 when bad */
{
    const uint8_t *p = sotto__read_view(r, n);
    uint32_t v = 0;
    for (size_t i = 0; p && i < n; i++) v = v << 8 | p[i];
    return v;
}

static inline uint8_t sotto__read_u8(struct reader *r)
{
    return (uint8_t)sotto__read_be(r, 1);
}
static inline uint16_t sotto__read_u16(struct reader *r)
{
    return (uint16_t)sotto__read_be(r, 2);
}
static inline uint32_t sotto__read_u24(struct reader *r)
{
    return sotto__read_be(r, 3);
}
static inline uint32_t sotto__read_u32(struct reader *r)
{
    return sotto__read_be(r, 4);
}

struct writer {
    uint8_t *p; /* start */
    size_t n;   /* written */
    size_t cap;
    bool bad;
};

static inline struct writer sotto__writer(uint8_t *p, size_t cap)
{
    return (struct writer){p, 0, cap, false};
}

static inline void sotto__write_bytes(struct writer *w, const void *src, size_t n)
{
    if (w->bad || w->cap - w->n < n) {
        w->bad = true;
        return;
    }
    if (n > 0) memcpy(w->p + w->n, src, n);
    w->n += n;
}

static inline void sotto__write_be(struct writer *w, uint32_t v, size_t n) /* n: 1…4 */
{
    uint8_t tmp[4];
    for (size_t i = 0; i < n; i++) tmp[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    sotto__write_bytes(w, tmp, n);
}

static inline void sotto__write_u8(struct writer *w, uint8_t v)
{
    sotto__write_be(w, v, 1);
}
static inline void sotto__write_u16(struct writer *w, uint16_t v)
{
    sotto__write_be(w, v, 2);
}
static inline void sotto__write_u32(struct writer *w, uint32_t v)
{
    sotto__write_be(w, v, 4);
}

static inline uint16_t sotto__get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t sotto__get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sealing and opening of SRTP and SRTCP, with valid keys and without. The input is a list of operations: packets as they come,
 * plain packets that the remote seals (and the fuzzer may spoil, cut, or repeat), packets of ours.
 * Property: nothing but what the remote sealed is opened, unchanged and once; no number of ours seals two packets; what is refused is
 * counted, exactly once; at most SOTTO_MAX_SSRCS sources are kept; no byte outside the packet is touched (ASan); all memory is given back.
 * And each sealed packet is, byte for byte, what a second SRTP makes of it, which is written from RFC 3711 and RFC 7714 with OpenSSL's
 * primitives (test/transport/srtp_oracle.c), with an index that served no other packet of its source; what that one seals opens here.
 * proves: H090 H091 H093 H094 H095 H097
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "srtp_oracle.h"
#include "transport/srtp_priv.h"
#include "util/bytes.h"
#include "util/limits.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 600, ROOM = MOST + SOTTO_SRTP_OVERHEAD, ROCS = 6, SPENT = 1024 };

struct world {
    struct srtp *remote, *ours;
    sotto_us now;
    uint64_t refused; /* packets that our end did not open */
    struct oracle second[2]; /* another SRTP with the keys of the remote, and with ours */
    struct {
        uint32_t ssrc;
        uint64_t index;
        bool rtcp, is_ours;
    } spent[SPENT]; /* what has sealed a packet */
    size_t n_spent;
};

static void spend(struct world *w, bool is_ours, bool rtcp, uint32_t ssrc, uint64_t index)
{
    for (size_t i = 0; i < w->n_spent; i++)
        require(w->spent[i].ssrc != ssrc || w->spent[i].index != index ||
                w->spent[i].rtcp != rtcp || w->spent[i].is_ours != is_ours);
    require(w->n_spent < SPENT);
    w->spent[w->n_spent].ssrc = ssrc, w->spent[w->n_spent].index = index;
    w->spent[w->n_spent].rtcp = rtcp, w->spent[w->n_spent++].is_ours = is_ours;
}

/* p is what the second SRTP makes of plain, with an index that was not used before. */
static void compare(struct world *w, bool is_ours, bool rtcp, const uint8_t *plain, size_t n,
                    const uint8_t *p, size_t len)
{
    const struct oracle *o = &w->second[is_ours];
    uint8_t want[ROOM];
    if (rtcp) {
        bool cm = o->profile == SRTP_PROFILE_AES128_CM_SHA1_80;
        uint32_t index = sotto__get_u32(p + len - (cm ? 14 : 4));
        memcpy(want, plain, n);
        require((index >> 31) == 1 && oracle_rtcp(o, index & 0x7fffffff, want, n) == len);
        require(memcmp(want, p, len) == 0);
        spend(w, is_ours, true, sotto__get_u32(p + 4), index);
        return;
    }
    for (uint64_t roc = 0; roc < ROCS; roc++) {
        uint64_t index = roc << 16 | sotto__get_u16(p + 2);
        memcpy(want, plain, n);
        require(oracle_rtp(o, index, want, n) == len);
        if (memcmp(want, p, len) != 0) continue;
        spend(w, is_ours, false, sotto__get_u32(p + 8), index);
        return;
    }
    abort();
}

static uint64_t counted(const struct srtp *s)
{
    struct srtp_stats st;
    sotto__srtp_get_stats(s, &st);
    return st.forged + st.replayed + st.reflected + st.plain_rtcp + st.crowded;
}

/* Our end gets a copy of exactly that size; what it opened is in *ret, at most MOST bytes. */
static int give(struct world *w, bool rtcp, const uint8_t *p, size_t n, uint8_t *ret)
{
    uint8_t *copy = malloc(n ? n : 1);
    require(copy != NULL);
    if (n > 0) memcpy(copy, p, n);
    int r = rtcp ? sotto__srtp_unprotect_rtcp(w->ours, w->now, copy, n)
                 : sotto__srtp_unprotect(w->ours, w->now, copy, n);
    require(r == SOTTO_E_PROTO || (r >= 8 && (size_t)r < n && r <= MOST));
    if (r < 0) w->refused++;
    if (r > 0) memcpy(ret, copy, (size_t)r);
    free(copy);
    require(w->refused == counted(w->ours));
    require(w->ours->sources.n <= SOTTO_MAX_SSRCS);
    return r;
}

static size_t take(struct reader *r, uint8_t *out, size_t most)
{
    size_t n = sotto__read_u16(r) % (most + 1);
    if (n > r->n) n = r->n;
    const uint8_t *p = sotto__read_view(r, n);
    if (p && n > 0) memcpy(out, p, n);
    return p ? n : 0;
}

static void raw(struct world *w, struct reader *r)
{
    uint8_t p[ROOM], out[ROOM];
    bool rtcp = sotto__read_u8(r) & 1;
    size_t n = take(r, p, ROOM);
    require(give(w, rtcp, p, n, out) < 0); /* nobody guesses a tag */
}

static void head(struct reader *r, uint8_t *p, bool rtcp)
{
    struct writer out = sotto__writer(p, 12);
    sotto__write_u8(&out, (uint8_t)(0x80 | sotto__read_u8(r) % 64)),
        sotto__write_u8(&out, rtcp ? 200 : 96);
    sotto__write_u16(&out, sotto__read_u16(r));
    if (!rtcp) sotto__write_u32(&out, 0);
    sotto__write_u32(&out, 0x1000u + sotto__read_u8(r) * 2u + 1); /* odd: the remote's */
}

/* The remote seals what there is; each way to spoil it is tried before it is given whole, and then again. */
static void sealed(struct world *w, struct reader *r)
{
    uint8_t p[ROOM], plain[ROOM], out[ROOM];
    uint8_t how = sotto__read_u8(r), spoil = sotto__read_u8(r);
    bool rtcp = how & 1;
    head(r, p, rtcp);
    size_t n = (rtcp ? 8 : 12) + take(r, p + (rtcp ? 8 : 12), MOST - 12);
    memcpy(plain, p, n);
    int len =
        rtcp ? sotto__srtp_protect_rtcp(w->remote, p, n) : sotto__srtp_protect(w->remote, p, n);
    require(len > (int)n || len == SOTTO_E_INVAL || len == SOTTO_E_STATE || len == SOTTO_E_LIMIT);
    if (len < 0) return;
    compare(w, false, rtcp, plain, n, p, (size_t)len);
    if (how & 2) {
        size_t at = spoil % (size_t)len;
        p[at] ^= (uint8_t)(1 + how / 32);
        require(give(w, rtcp, p, (size_t)len, out) < 0);
        p[at] ^= (uint8_t)(1 + how / 32);
    }
    if (how & 4) require(give(w, rtcp, p, (size_t)len - 1 - spoil % (size_t)len, out) < 0);
    if (how & 8) return; /* lost */
    int got = give(w, rtcp, p, (size_t)len, out);
    require(got < 0 || ((size_t)got == n && memcmp(out, plain, n) == 0));
    require(give(w, rtcp, p, (size_t)len, out) < 0);
    require(give(w, !rtcp, p, (size_t)len, out) < 0);
}

/* The second SRTP seals: with the index that our end expects next, or with one that it cannot guess. */
static void sealed_elsewhere(struct world *w, struct reader *r)
{
    uint8_t p[ROOM], plain[ROOM], out[ROOM];
    uint8_t roc = sotto__read_u8(r) % ROCS;
    bool rtcp = roc == 5;
    uint32_t number = sotto__read_u16(r);
    size_t n =
        rtcp ? oracle_make_rtcp(p, 0x2001, 28) : oracle_make_rtp(p, 0x2001, (uint16_t)number, 40);
    memcpy(plain, p, n);
    size_t len = rtcp ? oracle_rtcp(&w->second[0], number, p, n)
                      : oracle_rtp(&w->second[0], (uint64_t)roc << 16 | number, p, n);
    int got = give(w, rtcp, p, len, out);
    require(got < 0 || ((size_t)got == n && memcmp(out, plain, n) == 0));
    if (got >= 0) require(give(w, rtcp, p, len, out) < 0);
    if (!rtcp) return;
    memcpy(p, plain, n); /* authentic, and not encrypted */
    len = oracle_plain_rtcp(&w->second[0], number + 70000, p, n);
    require(give(w, true, p, len, out) < 0);
}

static void ours(struct world *w, struct reader *r)
{
    uint8_t p[ROOM], plain[ROOM], first[ROOM], out[ROOM];
    uint8_t how = sotto__read_u8(r), spoil = sotto__read_u8(r);
    size_t n = take(r, p, MOST);
    if (n >= 12) p[11] &= 0xfe, p[8] = p[9] = p[10] = 0; /* even: ours; 128 of them */
    memcpy(plain, p, n);
    int len = how & 1 ? sotto__srtp_protect_rtcp(w->ours, p, n < 8 ? n : 8)
                      : sotto__srtp_protect(w->ours, p, n);
    require(len > 0 || len == SOTTO_E_INVAL || len == SOTTO_E_STATE || len == SOTTO_E_LIMIT);
    if (len < 0) return;
    compare(w, true, how & 1, plain, how & 1 && n > 8 ? 8 : n, p, (size_t)len);
    if (how & 1) return;
    require(give(w, false, p, (size_t)len, out) < 0);
    memcpy(first, p, (size_t)len);
    memcpy(p, plain, n);
    require(sotto__srtp_protect(w->ours, p, n) == SOTTO_E_STATE);
    memcpy(p, plain, n);
    size_t at = spoil % n;
    if (at == 2 || at == 3 || (at >= 8 && at < 12)) at = 1; /* number and SSRC */
    p[at] ^= (uint8_t)(1 + how / 2);
    int again = sotto__srtp_protect_again(w->ours, p, n);
    require(again == SOTTO_E_STATE || again == SOTTO_E_INVAL);
    memcpy(p, plain, n);
    require(sotto__srtp_protect_again(w->ours, p, n) == len && memcmp(p, first, (size_t)len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum srtp_profile profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM,
                                                 SRTP_PROFILE_AES128_CM_SHA1_80,
                                                 SRTP_PROFILE_AEAD_AES_256_GCM};
    uint8_t keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
    struct reader r = sotto__reader(data, size);
    struct world w = {.now = 0};
    int64_t live = sotto__mem_live();
    for (uint8_t i = 0; i < sizeof keys; i++) keys[i] = (uint8_t)(i * 3);
    enum srtp_profile profile = profiles[sotto__read_u8(&r) % 3];
    require(sotto__srtp_new(&w.remote, profile, true, keys, NULL) == 0);
    require(sotto__srtp_new(&w.ours, profile, false, keys, NULL) == 0);
    for (size_t i = 0; i < 2; i++) oracle_init(&w.second[i], profile, keys, i);
    for (int i = 0; i < 400 && r.n > 0; i++) {
        switch (sotto__read_u8(&r) % 7) {
        case 0: raw(&w, &r); break;
        case 1:
        case 2: sealed(&w, &r); break;
        case 3: ours(&w, &r); break;
        case 6: sealed_elsewhere(&w, &r); break;
        case 4: w.now += SOTTO_MS(sotto__read_u16(&r)); break;
        default: sotto__srtp_forget(w.ours, 0x1000u + sotto__read_u8(&r) * 2u + 1);
        }
    }
    sotto__srtp_free(w.remote);
    sotto__srtp_free(w.ours);
    require(sotto__mem_live() == live);
    return 0;
}

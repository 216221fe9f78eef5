/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of verify.h: who the peer is. In: fingerprints as text, the user's word; out: codes as digits and words. A code is 40
 * decimal digits, eight groups of five of which each comes of five bytes of a hash that both ends have (RFC 9266 and both certificates),
 * or sixteen words of one byte each; groups and words are of different bytes. Why that many: docs/howto/verify-peers.md.
 * answers: S05 S18 S28 DTLS-21
 */
#include "api/verify.h"

#include <stdio.h>
#include <string.h>

#include "api/ctx.h"
#include "peer/verify.h"
#include "transport/cert.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/mem.h"

#define GROUPS 8u
#define GROUP_BYTES 5u /* 40 bits for 16.6: no digit is likelier than another by more than one in ten million */
#define WORDS 16u

_Static_assert(GROUPS *GROUP_BYTES + WORDS <= DTLS_CODE, "the hash is long enough");
_Static_assert(GROUPS * 6 == SOTTO_VERIFICATION_CODE, "with a space or NUL behind each group");
_Static_assert(WORDS * 8 <= SOTTO_VERIFICATION_WORDS, "with a space or NUL behind each word");

static void write_digits(const uint8_t *p, char *to)
{
    for (size_t i = 0; i < GROUPS; i++, p += GROUP_BYTES) {
        uint64_t v = (uint64_t)p[0] << 32 | sotto__get_u32(p + 1);
        to += snprintf(to, 7, "%s%05u", i > 0 ? " " : "", (unsigned)(v % 100000));
    }
}

static void write_words(const uint8_t *p, char *to)
{
    p += GROUPS * GROUP_BYTES;
    for (size_t i = 0; i < WORDS; i++)
        to += snprintf(to, 9, "%s%s", i > 0 ? " " : "", sotto__verify_word(p[i]));
}

static int get_code(sotto_pc *pc, uint8_t ret[static DTLS_CODE])
{
    struct peer *peer;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_verification_code(peer, ret);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_get_verification_code(sotto_pc *pc, char *code, size_t n)
{
    uint8_t bytes[DTLS_CODE];
    if (!code) return SOTTO_E_INVAL;
    if (n < SOTTO_VERIFICATION_CODE) return SOTTO_E_TOO_BIG;
    int r = get_code(pc, bytes);
    if (r == 0) write_digits(bytes, code);
    return r;
}

SOTTO_API int sotto_pc_get_verification_words(sotto_pc *pc, char *words, size_t n)
{
    uint8_t bytes[DTLS_CODE];
    if (!words) return SOTTO_E_INVAL;
    if (n < SOTTO_VERIFICATION_WORDS) return SOTTO_E_TOO_BIG;
    int r = get_code(pc, bytes);
    if (r == 0) write_words(bytes, words);
    return r;
}

SOTTO_API int sotto_pc_get_verification(sotto_pc *pc)
{
    struct peer *peer;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_verification(peer);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_confirm_peer(sotto_pc *pc, bool same)
{
    struct peer *peer;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_closed(peer) ? SOTTO_E_CLOSED : 0;
    if (r == 0 && same) r = sotto__peer_confirm(peer, sotto__now(pc->ctx));
    sotto__pc_leave(pc);
    if (r == 0 && !same) sotto_pc_close(pc);
    return r;
}

int sotto__pins_read(const char *const *texts, size_t n, struct sdp_fingerprint **ret,
                     sotto_error *err)
{
    *ret = NULL;
    if (n > SOTTO_MAX_PINS)
        return sotto__error(err, SOTTO_E_LIMIT, 0, "more than %d fingerprints", SOTTO_MAX_PINS);
    if (n == 0) return 0;
    if (!texts) return sotto__error(err, SOTTO_E_INVAL, 0, "the fingerprints are missing");
    struct sdp_fingerprint *f = sotto__calloc(n, sizeof *f);
    int r = f ? 0 : sotto__error(err, SOTTO_E_NOMEM, 0, "no memory");
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!texts[i])
            r = sotto__error(err, SOTTO_E_INVAL, 0, "fingerprint %zu is missing", i);
        else if (sotto__sdp_fingerprint(sotto__str(texts[i]), &f[i]) < 0 ||
                 !sotto__fingerprints_usable(&f[i], 1))
            r = sotto__error(err, SOTTO_E_SYNTAX, 0,
                             "fingerprint %zu is not one of sha-256, sha-384 or sha-512", i);
    }
    if (r < 0)
        sotto__free(f);
    else
        *ret = f;
    return r;
}

SOTTO_API int sotto_pc_set_peer_fingerprints(sotto_pc *pc, const char *const *fingerprints,
                                             size_t n, sotto_error *reterr)
{
    struct peer *peer = NULL;
    struct sdp_fingerprint *pins;
    if (n == 0) return sotto__error(reterr, SOTTO_E_INVAL, 0, "what was pinned stays pinned");
    int r = sotto__pins_read(fingerprints, n, &pins, reterr);
    if (r < 0) return r;
    r = sotto__pc_enter(pc, &peer);
    if (r == 0) {
        r = sotto__peer_set_pins(peer, sotto__now(pc->ctx), pins, n, reterr);
        sotto__pc_leave(pc);
    } else {
        (void)sotto__error(reterr, r, 0, "%s", sotto_strerror(r));
    }
    sotto__free(pins);
    return r;
}

SOTTO_API int sotto_pc_get_peer_fingerprint(sotto_pc *pc, char **ret)
{
    struct peer *peer;
    struct sdp_fingerprint f;
    char text[224];
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_remote_fingerprint(peer, &f);
    sotto__pc_leave(pc);
    if (r < 0) return r;
    sotto__fingerprint_text(&f, text);
    char *copy = sotto__strdup(text);
    if (!copy) return SOTTO_E_NOMEM;
    *ret = copy;
    return 0;
}

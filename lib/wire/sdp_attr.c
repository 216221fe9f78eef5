/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of the attributes of session and transport: fingerprint (RFC 8122), setup (RFC 4145), tls-id (RFC 8842), group (RFC 5888), SCTP
 * (RFC 8841), ICE (RFC 8839), and the table of all known attributes by which the parser checks a description.
 * The text behind "a=name:" comes in; typed values and views of that text go out. Knows no other line: what contradicts
 * what is sdp_parse.c's, what it means is peer's. Attributes of media are in sdp_attr_media.c.
 */
#include "wire/sdp_attr.h"

#include "sotto/pc.h"
#include "util/enc.h"
#include "wire/candidate.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool sotto__sdp_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr("!#$%&'*+-.^_`{|}~", s.p[i])))
            return false;
    return s.n > 0;
}

bool sotto__sdp_is_ice_chars(struct str s, size_t min, size_t max)
{
    if (s.n < min || s.n > max) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '/') return false;
    return true;
}

/* ---- DTLS ---- */

/* Bytes of a digest by its registered name (RFC 8122 §5); 0: not one we know, any number of bytes is fine. */
static size_t digest_bytes(const char *hash)
{
    static const struct {
        const char *name;
        size_t n;
    } known[] = {{"md2", 16},     {"md5", 16},     {"sha-1", 20},  {"sha-224", 28},
                 {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(hash, known[i].name) == 0) return known[i].n;
    return 0;
}

static bool parse_hex(struct str hex, struct sdp_fingerprint *f)
{
    if (hex.n == 0 || (hex.n + 1) % 3 != 0 || (hex.n + 1) / 3 > sizeof f->bytes) return false;
    for (size_t i = 0; i < hex.n; i += 3) {
        int high = sotto__hex_digit(hex.p[i]), low = sotto__hex_digit(hex.p[i + 1]);
        if (high < 0 || low < 0 || (i + 2 < hex.n && hex.p[i + 2] != ':')) return false;
        f->bytes[f->n_bytes++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int sotto__sdp_fingerprint(struct str value, struct sdp_fingerprint *ret)
{
    struct sdp_fingerprint f = {0};
    struct str hash = sotto__str_word(&value), hex = sotto__str_word(&value);
    if (!sotto__sdp_is_token(hash) || hash.n >= sizeof f.hash || value.n > 0) return SOTTO_E_SYNTAX;
    for (size_t i = 0; i < hash.n; i++)
        f.hash[i] = (char)(hash.p[i] >= 'A' && hash.p[i] <= 'Z' ? hash.p[i] + 32 : hash.p[i]);
    if (!parse_hex(hex, &f)) return SOTTO_E_SYNTAX;
    size_t want = digest_bytes(f.hash);
    if (want > 0 && want != f.n_bytes) return SOTTO_E_SYNTAX;
    *ret = f;
    return 0;
}

int sotto__sdp_setup(struct str value, enum sdp_setup *ret)
{
    static const char *const names[] = {"actpass", "active", "passive", "holdconn"};
    for (int i = 0; i < 4; i++) {
        if (!sotto__str_ieq(value, sotto__str(names[i]))) continue;
        *ret = (enum sdp_setup)i;
        return 0;
    }
    return SOTTO_E_SYNTAX;
}

int sotto__sdp_tls_id(struct str value, struct str *ret)
{
    if (value.n < 20 || value.n > SOTTO_MAX_TLS_ID) return SOTTO_E_SYNTAX;
    for (size_t i = 0; i < value.n; i++)
        if (!is_alnum(value.p[i]) && (value.p[i] == '\0' || !strchr("+/-_", value.p[i])))
            return SOTTO_E_SYNTAX;
    *ret = value;
    return 0;
}

/* ---- BUNDLE ---- */

static int read_mid(struct str value)
{
    if (value.n > SOTTO_MAX_MID) return SOTTO_E_LIMIT;
    return sotto__sdp_is_token(value) ? 0 : SOTTO_E_SYNTAX;
}

int sotto__sdp_group(struct str value, struct sdp_group *ret)
{
    struct sdp_group g = {.semantics = sotto__str_word(&value)};
    if (!sotto__sdp_is_token(g.semantics)) return SOTTO_E_SYNTAX;
    for (struct str mid; mid = sotto__str_word(&value), mid.n > 0;) {
        int r = read_mid(mid);
        if (r < 0) return r;
        if (g.n_mids == SOTTO_MAX_SDP_MEDIA) return SOTTO_E_LIMIT;
        g.mids[g.n_mids++] = mid;
    }
    *ret = g;
    return 0;
}

/* ---- SCTP ---- */

int sotto__sdp_sctp_port(struct str value, uint16_t *ret)
{
    uint64_t port;
    if (!sotto__str_u64(value, UINT16_MAX, &port) || port == 0) return SOTTO_E_SYNTAX;
    *ret = (uint16_t)port;
    return 0;
}

int sotto__sdp_max_message_size(struct str value, uint64_t *ret)
{
    bool negative = value.n > 0 && value.p[0] == '-';
    struct str digits = negative ? (struct str){value.p + 1, value.n - 1} : value;
    uint64_t size = UINT64_MAX; /* so too when it has more digits than str_u64 reads */
    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9') return SOTTO_E_SYNTAX;
    if (digits.n == 0) return SOTTO_E_SYNTAX;
    while (digits.n > 1 && digits.p[0] == '0') digits.p++, digits.n--;
    sotto__str_u64(digits, UINT64_MAX, &size);
    *ret = negative ? SOTTO_DEFAULT_REMOTE_MESSAGE : size;
    return 0;
}

/* ---- ICE ---- */

int sotto__sdp_ice_ufrag(struct str value, struct str *ret)
{
    if (!sotto__sdp_is_ice_chars(value, 4, SOTTO_MAX_UFRAG)) return SOTTO_E_SYNTAX;
    *ret = value;
    return 0;
}

int sotto__sdp_ice_pwd(struct str value, struct str *ret)
{
    if (!sotto__sdp_is_ice_chars(value, 22, SOTTO_MAX_PWD)) return SOTTO_E_SYNTAX;
    *ret = value;
    return 0;
}

bool sotto__sdp_ice_option(struct str value, const char *option)
{
    for (struct str word; word = sotto__str_word(&value), word.n > 0;)
        if (sotto__str_eq(word, sotto__str(option))) return true;
    return false;
}

/* ---- the table ---- */

static int check_candidate(struct str value)
{
    struct candidate unused;
    char line[SOTTO_MAX_CANDIDATE + 1];
    if (value.n > SOTTO_MAX_CANDIDATE - 10) return SOTTO_E_LIMIT;
    memcpy(line, "candidate:", 10);
    if (value.n > 0) memcpy(line + 10, value.p, value.n);
    return sotto__candidate_parse((struct str){line, 10 + value.n}, &unused, NULL);
}

#define CHECK(reader, type)                                                                        \
    static int check_##reader(struct str value)                                                    \
    {                                                                                              \
        type unused;                                                                               \
        return sotto__sdp_##reader(value, &unused);                                                \
    }
CHECK(fingerprint, struct sdp_fingerprint)
CHECK(setup, enum sdp_setup)
CHECK(group, struct sdp_group)
CHECK(sctp_port, uint16_t)
CHECK(max_message_size, uint64_t)
CHECK(ice_ufrag, struct str)
CHECK(ice_pwd, struct str)
CHECK(tls_id, struct str)
CHECK(ptime, uint32_t)
CHECK(rtpmap, struct sdp_rtpmap)
CHECK(fmtp, struct sdp_fmtp)
CHECK(rtcp_fb, struct sdp_rtcp_fb)
CHECK(extmap, struct sdp_extmap)
CHECK(rid, struct sdp_rid)
CHECK(simulcast, struct sdp_simulcast)
CHECK(ssrc, struct sdp_ssrc)
CHECK(ssrc_group, struct sdp_ssrc_group)
CHECK(msid, struct sdp_msid)

static const struct known {
    const char *name;
    int (*check)(struct str value);
    bool required;
    const char *why;
} known[] = {
    {"candidate", check_candidate, false, "not a candidate"},
    {"extmap", check_extmap, false, "not an extension map"},
    {"fingerprint", check_fingerprint, true, "not a hash and its bytes in hex"},
    {"fmtp", check_fmtp, false, "not format parameters"},
    {"group", check_group, true, "not a group of mids"},
    {"ice-pwd", check_ice_pwd, true, "not 22 to 256 ice-chars"},
    {"ice-ufrag", check_ice_ufrag, true, "not 4 to 256 ice-chars"},
    {"max-message-size", check_max_message_size, true, "not a number"},
    {"maxptime", check_ptime, false, "not milliseconds"},
    {"mid", read_mid, true, "not a token of at most 64 bytes"},
    {"msid", check_msid, false, "not stream and track"},
    {"ptime", check_ptime, false, "not milliseconds"},
    {"rid", check_rid, false, "not an id and a direction"},
    {"rtcp-fb", check_rtcp_fb, false, "not a feedback type"},
    {"rtpmap", check_rtpmap, false, "not a codec"},
    {"sctp-port", check_sctp_port, true, "not 1 to 65535"},
    {"setup", check_setup, true, "not actpass, active, passive or holdconn"},
    {"simulcast", check_simulcast, false, "not lists of rids"},
    {"ssrc", check_ssrc, false, "not an SSRC and its attribute"},
    {"ssrc-group", check_ssrc_group, false, "not a group of SSRCs"},
    {"tls-id", check_tls_id, true, "not 20 to 255 characters of an id"},
};

static const struct known *find(struct str name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (sotto__str_eq(name, sotto__str(known[i].name))) return &known[i];
    return NULL;
}

int sotto__sdp_attr_check(struct str name, struct str value, const char **why)
{
    const struct known *k = find(name);
    if (!k) return 0;
    *why = k->why;
    return k->check(value);
}

bool sotto__sdp_attr_required(struct str name)
{
    const struct known *k = find(name);
    return k && k->required;
}

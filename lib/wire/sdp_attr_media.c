/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of the attributes of media: codecs (RFC 8866 §6.6, §6.15; RFC 4585), header extensions (RFC 8285), rids and
 * simulcast (RFC 8851, 8853), SSRCs (RFC 5576), msid (RFC 8830), and the b= line (RFC 8866 §5.8).
 * The text behind "a=name:" comes in; numbers and views of that text go out. Numbers are checked against the range of their
 * field only; which payload types, extension ids or codecs are wanted is negotiation and happens above.
 */
#include "wire/sdp_attr.h"

static bool take_number(struct str *rest, uint64_t max, uint64_t *ret)
{
    return sotto__str_u64(sotto__str_word(rest), max, ret);
}

static struct str skip_spaces(struct str s)
{
    while (s.n > 0 && s.p[0] == ' ') s.p++, s.n--;
    return s;
}

/* ---- codecs ---- */

int sotto__sdp_rtpmap(struct str value, struct sdp_rtpmap *ret)
{
    uint64_t pt, clock, channels = 1;
    struct str name, rate, more;
    if (!take_number(&value, 127, &pt)) return SOTTO_E_SYNTAX;
    struct str encoding = sotto__str_word(&value);
    if (value.n > 0 || !sotto__str_cut(encoding, '/', &name, &rate)) return SOTTO_E_SYNTAX;
    bool has_channels = sotto__str_cut(rate, '/', &rate, &more);
    if (!sotto__sdp_is_token(name)) return SOTTO_E_SYNTAX;
    if (!sotto__str_u64(rate, UINT32_MAX, &clock) || clock == 0) return SOTTO_E_SYNTAX;
    if (has_channels && (!sotto__str_u64(more, UINT8_MAX, &channels) || channels == 0))
        return SOTTO_E_SYNTAX;
    *ret = (struct sdp_rtpmap){(uint8_t)pt, name, (uint32_t)clock, (uint8_t)channels};
    return 0;
}

int sotto__sdp_fmtp(struct str value, struct sdp_fmtp *ret)
{
    struct str fmt = sotto__str_word(&value);
    if (!sotto__sdp_is_token(fmt)) return SOTTO_E_SYNTAX;
    *ret = (struct sdp_fmtp){fmt, sotto__str_trim(value)};
    return 0;
}

bool sotto__sdp_fmtp_param(const struct sdp_fmtp *f, const char *key, struct str *ret)
{
    struct str param, name, value, rest = f->params;
    do {
        sotto__str_cut(rest, ';', &param, &rest);
        sotto__str_cut(param, '=', &name, &value);
        if (!sotto__str_ieq(sotto__str_trim(name), sotto__str(key))) continue;
        *ret = sotto__str_trim(value);
        return true;
    } while (rest.n > 0);
    return false;
}

int sotto__sdp_rtcp_fb(struct str value, struct sdp_rtcp_fb *ret)
{
    uint64_t number = 0;
    struct str pt = sotto__str_word(&value), type = sotto__str_word(&value);
    bool all = sotto__str_eq(pt, STR("*"));
    if (!all && !sotto__str_u64(pt, 127, &number)) return SOTTO_E_SYNTAX;
    if (!sotto__sdp_is_token(type)) return SOTTO_E_SYNTAX;
    *ret = (struct sdp_rtcp_fb){all ? -1 : (int)number, type, sotto__str_trim(value)};
    return 0;
}

/* ---- header extensions ---- */

static bool is_direction(struct str s)
{
    return sotto__str_eq(s, STR("sendrecv")) || sotto__str_eq(s, STR("sendonly")) ||
           sotto__str_eq(s, STR("recvonly")) || sotto__str_eq(s, STR("inactive"));
}

int sotto__sdp_extmap(struct str value, struct sdp_extmap *ret)
{
    uint64_t id;
    struct str number, direction;
    bool has_direction = sotto__str_cut(sotto__str_word(&value), '/', &number, &direction);
    struct str uri = sotto__str_word(&value);
    if (has_direction && !is_direction(direction)) return SOTTO_E_SYNTAX;
    if (!sotto__str_u64(number, 4351, &id) || uri.n == 0) return SOTTO_E_SYNTAX;
    if (id == 0 || (id > 255 && id < 4096)) return SOTTO_E_SYNTAX; /* RFC 8285 §5: 1…255 local, 4096…4351 offered */
    *ret = (struct sdp_extmap){(uint16_t)id, direction, uri, sotto__str_trim(value)};
    return 0;
}

/* ---- rids and simulcast ---- */

static bool is_rid(struct str s) /* RFC 8851 §10: letters, digits, '-', '_'; RFC 8852 §3: one byte of length */
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_';
        if (!fine) return false;
    }
    return s.n > 0 && s.n <= SOTTO_MAX_RID;
}

int sotto__sdp_rid(struct str value, struct sdp_rid *ret)
{
    struct str id = sotto__str_word(&value), direction = sotto__str_word(&value);
    bool recv = sotto__str_eq(direction, STR("recv"));
    if (!is_rid(id) || (!recv && !sotto__str_eq(direction, STR("send")))) return SOTTO_E_SYNTAX;
    *ret = (struct sdp_rid){id, recv, sotto__str_trim(value)};
    return 0;
}

static bool is_rid_list(struct str list) /* RFC 8853 §5.1: streams by ';', their alternatives by ',', '~' for paused */
{
    struct str stream, rid;
    do {
        sotto__str_cut(list, ';', &stream, &list);
        do {
            sotto__str_cut(stream, ',', &rid, &stream);
            if (rid.n > 0 && rid.p[0] == '~') rid.p++, rid.n--;
            if (!is_rid(rid)) return false;
        } while (stream.p);
    } while (list.p);
    return true;
}

int sotto__sdp_simulcast(struct str value, struct sdp_simulcast *ret)
{
    struct sdp_simulcast s = {0};
    for (struct str direction; direction = sotto__str_word(&value), direction.n > 0;) {
        struct str list = sotto__str_word(&value), *to = NULL;
        if (sotto__str_eq(direction, STR("send"))) to = &s.send;
        if (sotto__str_eq(direction, STR("recv"))) to = &s.recv;
        if (!to || to->n > 0 || !is_rid_list(list)) return SOTTO_E_SYNTAX;
        *to = list;
    }
    if (s.send.n == 0 && s.recv.n == 0) return SOTTO_E_SYNTAX;
    *ret = s;
    return 0;
}

/* ---- SSRCs and msid ---- */

int sotto__sdp_ssrc(struct str value, struct sdp_ssrc *ret)
{
    uint64_t ssrc;
    struct sdp_ssrc s = {0};
    if (!take_number(&value, UINT32_MAX, &ssrc)) return SOTTO_E_SYNTAX;
    s.ssrc = (uint32_t)ssrc;
    sotto__str_cut(skip_spaces(value), ':', &s.attribute, &s.value);
    if (!sotto__sdp_is_token(s.attribute)) return SOTTO_E_SYNTAX;
    *ret = s;
    return 0;
}

int sotto__sdp_ssrc_group(struct str value, struct sdp_ssrc_group *ret)
{
    struct sdp_ssrc_group g = {.semantics = sotto__str_word(&value)};
    const size_t max = sizeof g.ssrcs / sizeof *g.ssrcs;
    uint64_t ssrc;
    if (!sotto__sdp_is_token(g.semantics)) return SOTTO_E_SYNTAX;
    for (struct str word; word = sotto__str_word(&value), word.n > 0;) {
        if (!sotto__str_u64(word, UINT32_MAX, &ssrc)) return SOTTO_E_SYNTAX;
        if (g.n_ssrcs == max) return SOTTO_E_LIMIT;
        g.ssrcs[g.n_ssrcs++] = (uint32_t)ssrc;
    }
    if (g.n_ssrcs == 0) return SOTTO_E_SYNTAX;
    *ret = g;
    return 0;
}

static bool is_msid_part(struct str s)
{
    return s.n <= SOTTO_MAX_STREAM_ID && sotto__sdp_is_token(s); /* RFC 8830 §2: 1*64token-char */
}

int sotto__sdp_msid(struct str value, struct sdp_msid *ret)
{
    struct str id = sotto__str_word(&value), appdata = sotto__str_word(&value);
    if (!is_msid_part(id) || (appdata.n > 0 && !is_msid_part(appdata)) || value.n > 0)
        return SOTTO_E_SYNTAX;
    *ret = (struct sdp_msid){id, appdata};
    return 0;
}

/* ---- bandwidth and packet time ---- */

int sotto__sdp_bandwidth(struct str value, struct sdp_bandwidth *ret)
{
    struct str type, digits;
    uint64_t number = UINT64_MAX; /* so too when it has more digits than str_u64 reads */
    if (!sotto__str_cut(value, ':', &type, &digits) || !sotto__sdp_is_token(type))
        return SOTTO_E_SYNTAX;
    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9') return SOTTO_E_SYNTAX;
    if (digits.n == 0) return SOTTO_E_SYNTAX;
    while (digits.n > 1 && digits.p[0] == '0') digits.p++, digits.n--;
    sotto__str_u64(digits, UINT64_MAX, &number);
    *ret = (struct sdp_bandwidth){type, number};
    return 0;
}

int sotto__sdp_ptime(struct str value, uint32_t *ret_ms)
{
    uint64_t ms;
    struct str whole, fraction;
    bool above = false, real = sotto__str_cut(value, '.', &whole, &fraction);
    if (!sotto__str_u64(whole, UINT32_MAX, &ms) || (real && fraction.n == 0)) return SOTTO_E_SYNTAX;
    for (size_t i = 0; i < fraction.n; i++) {
        if (fraction.p[i] < '0' || fraction.p[i] > '9') return SOTTO_E_SYNTAX;
        above = above || fraction.p[i] != '0';
    }
    if (ms == 0 && !above) return SOTTO_E_SYNTAX;
    *ret_ms = ms == 0 ? 1 : (uint32_t)ms;
    return 0;
}

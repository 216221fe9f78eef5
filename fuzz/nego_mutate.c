/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions changed on their way, by lines and by sections, so that most of them still read as descriptions: what is dropped, doubled,
 * moved, renumbered, replaced by words of a dictionary or taken over from another description.
 */
#include "nego.h"

enum { MAX_LINES = 3000, ARENA = 1 << 16, TEXT = 1 << 19 };

static struct {
    struct str lines[MAX_LINES];
    size_t n;
    char arena[ARENA]; /* of changed lines */
    size_t used;
    char text[TEXT + 1];
} m;

static const char *const prefixes[] = {"m=",
                                       "a=mid:",
                                       "a=group:",
                                       "a=ice-ufrag:",
                                       "a=ice-pwd:",
                                       "a=fingerprint:",
                                       "a=setup:",
                                       "a=tls-id:",
                                       "a=rtpmap:",
                                       "a=fmtp:",
                                       "a=rtcp-fb:",
                                       "a=extmap:",
                                       "a=msid:",
                                       "a=ssrc:",
                                       "a=rid:",
                                       "a=simulcast:",
                                       "a=rtcp-mux",
                                       "a=rtcp-rsize",
                                       "a=sendrecv",
                                       "a=sendonly",
                                       "a=recvonly",
                                       "a=inactive",
                                       "a=candidate:",
                                       "a=end-of-candidates",
                                       "a=sctp-port",
                                       "a=max-message",
                                       "a=bundle-only",
                                       "a=ice-options",
                                       "c=",
                                       "o=",
                                       "b=",
                                       "a=ssrc-group:"};
enum { N_PREFIXES = sizeof prefixes / sizeof *prefixes };

static const char *const words[] = {"0",
                                    "1",
                                    "-",
                                    "*",
                                    "",
                                    "audio",
                                    "video",
                                    "application",
                                    "sendrecv",
                                    "sendonly",
                                    "recvonly",
                                    "inactive",
                                    "active",
                                    "passive",
                                    "actpass",
                                    "holdconn",
                                    "BUNDLE",
                                    "BUNDLE 0",
                                    "BUNDLE 0 1",
                                    "BUNDLE 1 0",
                                    "BUNDLE 0 1 2",
                                    "LS 0 1",
                                    "abcd",
                                    "efghijkl",
                                    "abcdefghijklmnopqrstuv",
                                    "zyxwvutsrqponmlkjihgfedcba",
                                    "sha-256 AA:BB",
                                    "x0",
                                    "x1",
                                    "2",
                                    "3",
                                    "64000",
                                    "96 VP8/90000",
                                    "96 H264/90000",
                                    "97 rtx/90000",
                                    "111 opus/48000/2",
                                    "0 PCMU/8000",
                                    "96 apt=97",
                                    "97 apt=96",
                                    "96 profile-id=2",
                                    "1 urn:ietf:params:rtp-hdrext:sdes:mid",
                                    "2 urn:example:x",
                                    "14 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                                    "send a;b;c",
                                    "recv a;b;c",
                                    "send a;b recv c",
                                    "a send",
                                    "b send",
                                    "a recv",
                                    "b recv pt=96",
                                    "c recv",
                                    "- track",
                                    "stream track",
                                    "1234 cname:x",
                                    "trickle",
                                    "ice2",
                                    "renomination",
                                    "AS:1",
                                    "TIAS:100",
                                    "IN IP4 0.0.0.0",
                                    "9 UDP/TLS/RTP/SAVPF 96",
                                    "audio 9 UDP/TLS/RTP/SAVPF 111",
                                    "video 0 UDP/TLS/RTP/SAVPF 0",
                                    "application 9 UDP/DTLS/SCTP webrtc-datachannel",
                                    "- 1 2 IN IP4 127.0.0.1",
                                    "65535",
                                    "65536",
                                    "4294967296",
                                    "18446744073709551616"};
enum { N_WORDS = sizeof words / sizeof *words };

static const char *const whole[] = {"a=x-injected:1",
                                    "a=bundle-only",
                                    "a=rtcp-mux",
                                    "a=rtcp-rsize",
                                    "a=ice-lite",
                                    "a=end-of-candidates",
                                    "a=sendrecv",
                                    "a=inactive",
                                    "a=rtcp-mux-only",
                                    "a=extmap-allow-mixed",
                                    "a=ice-options:trickle",
                                    "a=mid:0",
                                    "a=mid:1",
                                    "a=mid:x-9",
                                    "a=msid:- x",
                                    "a=msid:s1 t1",
                                    "a=msid:s2",
                                    "a=rid:a recv",
                                    "a=rid:b recv",
                                    "a=rid:a send",
                                    "a=simulcast:recv a;b",
                                    "a=simulcast:send a",
                                    "a=simulcast:recv ~a",
                                    "a=ssrc:1 cname:x",
                                    "a=ssrc:1 msid:s3 t3",
                                    "a=ssrc-group:FID 1 2",
                                    "a=fmtp:96 apt=96",
                                    "a=rtpmap:96 VP9/90000",
                                    "a=rtpmap:0 PCMU/8000",
                                    "a=extmap:15 urn:x",
                                    "a=group:BUNDLE 0",
                                    "a=group:LS 0 1",
                                    "a=sctp-port:5000",
                                    "a=max-message-size:0",
                                    "a=tls-id:abcdefghijklmnopqrstuvwx",
                                    "a=setup:active",
                                    "a=setup:passive",
                                    "a=candidate:1 1 udp 1 192.0.2.9 9 typ host",
                                    "a=ice-ufrag:abcd",
                                    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
                                    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
                                    "m=video 9 UDP/TLS/RTP/SAVPF 96",
                                    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                                    "m=text 9 RTP/AVP 98",
                                    "c=IN IP6 ::",
                                    "b=AS:64",
                                    "t=0 0"};
enum { N_WHOLE = sizeof whole / sizeof *whole };

/* ---- lines ---- */

static void cut(const char *sdp)
{
    m.n = m.used = 0;
    while (*sdp && m.n < MAX_LINES) {
        size_t n = strcspn(sdp, "\r\n");
        m.lines[m.n++] = (struct str){sdp, n};
        sdp += n;
        sdp += strspn(sdp, "\r\n");
    }
}

static const char *join(void)
{
    size_t at = 0;
    for (size_t i = 0; i < m.n && at + m.lines[i].n + 2 < TEXT; i++) {
        if (m.lines[i].n > 0) memcpy(m.text + at, m.lines[i].p, m.lines[i].n);
        at += m.lines[i].n;
        m.text[at++] = '\r';
        m.text[at++] = '\n';
    }
    m.text[at] = '\0';
    return m.text;
}

static void remove_lines(size_t at, size_t n)
{
    if (at >= m.n) return;
    if (n > m.n - at) n = m.n - at;
    memmove(&m.lines[at], &m.lines[at + n], (m.n - at - n) * sizeof m.lines[0]);
    m.n -= n;
}

static void insert_line(size_t at, struct str line)
{
    if (m.n == MAX_LINES) return;
    if (at > m.n) at = m.n;
    memmove(&m.lines[at + 1], &m.lines[at], (m.n - at) * sizeof m.lines[0]);
    m.lines[at] = line;
    m.n++;
}

/* A line of three parts, in the arena. */
static struct str made(struct str a, struct str b, struct str c)
{
    size_t n = a.n + b.n + c.n;
    if (n > ARENA - m.used) return STR("a=full");
    char *p = m.arena + m.used;
    if (a.n) memcpy(p, a.p, a.n);
    if (b.n) memcpy(p + a.n, b.p, b.n);
    if (c.n) memcpy(p + a.n + b.n, c.p, c.n);
    m.used += n;
    return (struct str){p, n};
}

static bool begins(size_t i, const char *prefix)
{
    return i < m.n && sotto__str_starts(m.lines[i], sotto__str(prefix));
}

/* The first line of a section that counts from 0; m.n: the end. */
static size_t section(size_t s)
{
    for (size_t i = 0; i < m.n; i++)
        if (begins(i, "m=") && s-- == 0) return i;
    return m.n;
}

static size_t sections(void)
{
    size_t n = 0;
    for (size_t i = 0; i < m.n; i++) n += begins(i, "m=");
    return n;
}

/* Mostly by its beginning, so that the input keeps its meaning when the text differs a little. */
static size_t pick_line(struct input *in)
{
    uint8_t by = nego_next(in), which = nego_next(in);
    size_t count = 0;
    if (m.n == 0) return 0;
    if (by >= N_PREFIXES * 2) return ((size_t)by << 8 | which) % m.n;
    const char *prefix = prefixes[by % N_PREFIXES];
    for (size_t i = 0; i < m.n; i++) count += begins(i, prefix);
    if (count == 0) return which % m.n;
    count = which % count;
    for (size_t i = 0; i < m.n; i++)
        if (begins(i, prefix) && count-- == 0) return i;
    return 0;
}

/* ---- what is done to them ---- */

static void renumber(struct input *in, size_t i)
{
    static const char *const numbers[] = {
        "0",   "1",    "2",     "9",     "14",         "15",         "16",
        "63",  "64",   "96",    "97",    "127",        "128",        "255",
        "256", "5000", "65535", "65536", "4294967295", "4294967296", "18446744073709551615",
        "-1"};
    size_t skip = nego_next(in) % 8, n = sizeof numbers / sizeof *numbers, at = 0, end;
    const char *to = numbers[nego_next(in) % n];
    if (i >= m.n) return;
    struct str line = m.lines[i];
    for (; at < line.n; at = end) {
        while (at < line.n && (line.p[at] < '0' || line.p[at] > '9')) at++;
        for (end = at; end < line.n && line.p[end] >= '0' && line.p[end] <= '9';) end++;
        if (end > at && skip-- == 0) break;
    }
    if (at < line.n)
        m.lines[i] = made((struct str){line.p, at}, sotto__str(to),
                          (struct str){line.p + end, line.n - end});
}

/* What follows the ':' or '='. */
static void revalue(struct input *in, size_t i)
{
    const char *to = words[nego_next(in) % N_WORDS];
    if (i >= m.n) return;
    struct str line = m.lines[i];
    size_t at = 2;
    while (at < line.n && line.p[at] != ':') at++;
    if (at >= line.n) at = 1;
    if (at < line.n) m.lines[i] = made((struct str){line.p, at + 1}, sotto__str(to), STR(""));
}

static void flip(struct input *in, size_t i)
{
    uint8_t at = nego_next(in), with = nego_next(in);
    if (i >= m.n || m.lines[i].n == 0) return;
    struct str line = made(m.lines[i], STR(""), STR(""));
    char *byte = m.arena + m.used - line.n + at % line.n;
    if (line.p == byte - at % line.n) *byte = (char)with;
    m.lines[i] = line;
}

static void drop_section(struct input *in)
{
    size_t from = section(nego_next(in) % (sections() + 1)), to = from + 1;
    while (to < m.n && !begins(to, "m=")) to++;
    remove_lines(from, to - from);
}

static void copy_section(size_t s)
{
    size_t from = section(s), n = 1;
    while (from + n < m.n && !begins(from + n, "m=")) n++;
    for (size_t i = 0; from < m.n && i < n; i++) insert_line(m.n, m.lines[from + i]);
}

/* To the end. Of two neighbours: swapped. */
static void move_section(struct input *in)
{
    size_t s = nego_next(in) % (sections() + 1), from = section(s), to = from + 1;
    copy_section(s);
    while (to < m.n && !begins(to, "m=")) to++;
    remove_lines(from, to - from);
}

/* A section of another description that is on record, at the end or instead of one of ours. */
static void foreign_section(struct world *w)
{
    const struct text *t = nego_text(w, nego_next(&w->in) % MAX_TEXTS);
    size_t skip = nego_next(&w->in) % 8, into = m.n;
    uint8_t mode = nego_next(&w->in);
    const char *at = t ? t->sdp : NULL;
    for (size_t i = 0; at && i <= skip; i++)
        if ((at = strstr(at, "\r\nm="))) at += 2;
    if (!at) return;
    if (mode & 1) {
        into = section(mode / 2 % (sections() + 1));
        size_t n = 1;
        while (into + n < m.n && !begins(into + n, "m=")) n++;
        remove_lines(into, n);
    }
    do {
        size_t n = strcspn(at, "\r\n");
        insert_line(into++, made((struct str){at, n}, STR(""), STR("")));
        at += n + strspn(at + n, "\r\n");
    } while (*at && strncmp(at, "m=", 2) != 0);
}

static void set_port(struct input *in)
{
    static const char *const ports[] = {"0", "9", "65535", "1"};
    size_t i = section(nego_next(in) % (sections() + 1)), at = 0, end;
    const char *to = ports[nego_next(in) % 4];
    if (i >= m.n) return;
    struct str line = m.lines[i];
    while (at < line.n && line.p[at] != ' ') at++;
    for (end = at + 1; end < line.n && line.p[end] != ' ';) end++;
    if (end < line.n)
        m.lines[i] = made((struct str){line.p, at + 1}, sotto__str(to),
                          (struct str){line.p + end, line.n - end});
}

static void set_direction(struct input *in)
{
    static const char *const to[] = {"a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"};
    size_t i = section(nego_next(in) % (sections() + 1)) + 1;
    const char *line = to[nego_next(in) % 4];
    for (; i < m.n && !begins(i, "m="); i++)
        for (size_t k = 0; k < 4; k++)
            if (sotto__str_eq(m.lines[i], sotto__str(to[k]))) m.lines[i] = sotto__str(line);
}

/* All lines that begin so. */
static void replace_all(const char *prefix, const char *value)
{
    for (size_t i = 0; i < m.n; i++)
        if (begins(i, prefix)) m.lines[i] = made(sotto__str(prefix), sotto__str(value), STR(""));
}

static void drop_all(const char *prefix)
{
    for (size_t i = 0; i < m.n;)
        if (begins(i, prefix))
            remove_lines(i, 1);
        else
            i++;
}

static void rename_mid(struct input *in)
{
    static const char *const to[] = {"0", "1", "2", "7", "zz", "x0", "x1", "4294967295"};
    size_t i = section(nego_next(in) % (sections() + 1));
    const char *mid = to[nego_next(in) % 8];
    while (i < m.n && !begins(i, "a=mid:")) i++;
    if (i == m.n) return;
    struct str old = {m.lines[i].p + 6, m.lines[i].n - 6};
    m.lines[i] = made(STR("a=mid:"), sotto__str(mid), STR(""));
    for (i = 0; i < m.n; i++) {
        struct str line = m.lines[i], tail;
        if (!begins(i, "a=group:") || line.n < old.n) continue;
        for (size_t at = 8; at + old.n <= line.n; at++) {
            tail = (struct str){line.p + at + old.n, line.n - at - old.n};
            bool word = line.p[at - 1] == ' ' && (tail.n == 0 || tail.p[0] == ' ');
            if (!word || memcmp(line.p + at, old.p, old.n) != 0) continue;
            m.lines[i] = made((struct str){line.p, at}, sotto__str(mid), tail);
            break;
        }
    }
}

/* What one sends in layers, the other is asked for, as a conference server does. */
static void turn_layers(void)
{
    for (size_t i = 0; i < m.n; i++) {
        if (!begins(i, "a=rid:") && !begins(i, "a=simulcast:")) continue;
        struct str line = m.lines[i];
        for (size_t at = 6; at + 4 <= line.n; at++) {
            bool send = memcmp(line.p + at, "send", 4) == 0;
            if (!send && memcmp(line.p + at, "recv", 4) != 0) continue;
            struct str tail = {line.p + at + 4, line.n - at - 4};
            m.lines[i] = made((struct str){line.p, at}, send ? STR("recv") : STR("send"), tail);
            break;
        }
    }
}

/* Another remote, or the same one anew. */
static void change_transport(struct input *in)
{
    static const char *const ufrags[] = {"abcd", "efgh", "a/+9", "ijklmnop"};
    static const char *const pwds[] = {"abcdefghijklmnopqrstuvwx", "ABCDEFGHIJKLMNOPQRSTUVWX"};
    static const char *const ids[] = {"abcdefghijklmnopqrstuvwx", "12345678901234567890"};
    static const char *const setups[] = {"active", "passive", "actpass", "holdconn"};
    static const char fingerprint[] =
        "sha-256 "
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:"
        "CC:DD:EE:FF";
    uint8_t what = nego_next(in), which = nego_next(in);
    if (what & 1) replace_all("a=ice-ufrag:", ufrags[which & 3]);
    if (what & 2) replace_all("a=ice-pwd:", pwds[which >> 2 & 1]);
    if (what & 4) replace_all("a=tls-id:", ids[which >> 3 & 1]);
    if (what & 8) replace_all("a=setup:", setups[which >> 4 & 3]);
    if (what & 16) replace_all("a=fingerprint:", fingerprint);
    if (what & 32) drop_all("a=tls-id:");
    if (what & 64) drop_all("a=candidate:");
}

static void change_lines(struct input *in, uint8_t how)
{
    size_t i = pick_line(in);
    switch (how % 8) {
    case 0: remove_lines(i, 1); break;
    case 1: insert_line(pick_line(in) + 1, i < m.n ? m.lines[i] : STR("a=x")); break;
    case 2: {
        size_t k = pick_line(in);
        if (i >= m.n || k >= m.n) break;
        struct str line = m.lines[i];
        m.lines[i] = m.lines[k];
        m.lines[k] = line;
        break;
    }
    case 3: renumber(in, i); break;
    case 4: revalue(in, i); break;
    case 5: insert_line(i + 1, sotto__str(whole[nego_next(in) % N_WHOLE])); break;
    case 6:
        if (i < m.n) m.lines[i] = sotto__str(whole[nego_next(in) % N_WHOLE]);
        break;
    default: flip(in, i); break;
    }
}

static void change(struct world *w)
{
    struct input *in = &w->in;
    uint8_t how = nego_next(in);
    switch (how % 20) {
    case 0: drop_section(in); break;
    case 1: copy_section(nego_next(in) % (sections() + 1)); break;
    case 2: move_section(in); break;
    case 3: foreign_section(w); break;
    case 4: set_port(in); break;
    case 5: set_direction(in); break;
    case 6: rename_mid(in); break;
    case 7: change_transport(in); break;
    case 8: drop_all(prefixes[nego_next(in) % N_PREFIXES]); break;
    case 9: m.n = pick_line(in); break;
    case 10: turn_layers(); break;
    case 11: change_transport(in); break;
    default: change_lines(in, how % 20); break;
    }
}

const char *nego_mutate(struct world *w, const char *sdp, size_t count)
{
    cut(sdp);
    while (count-- > 0) change(w);
    return join();
}

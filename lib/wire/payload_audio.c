/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audio payloads: Opus (RFC 7587, durations by RFC 6716 §3), PCMU and PCMA (RFC 3551 §4.5.14), which are one packet a frame; RED
 * (RFC 2198), which carries earlier packets again; telephone-event (RFC 4733 §2.3).
 * Bytes of one payload come in, views or numbers go out, and back. Knows nothing of sequence numbers, of what was lost, or of the
 * time in which tones are sent.
 */
#include "util/bytes.h"
#include "wire/payload_int.h"

/* ---- one packet a frame ---- */

int sotto__split_audio_init(struct split *s)
{
    s->left = 1;
    return s->n > s->max ? SOTTO_E_TOO_BIG : 0;
}

void sotto__split_audio_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    *ret_packets = 1, *ret_bytes = s->n;
}

size_t sotto__split_audio_next(struct split *s, uint8_t *out)
{
    if (s->left == 0) return 0;
    memcpy(out, s->p, s->n);
    s->left = 0;
    return s->n;
}

int sotto__peek_audio(enum codec_id id, const uint8_t *p, size_t n, struct payload_info *ret)
{
    static const struct codec opus = {.id = CODEC_OPUS};
    ret->starts = ret->may_end = true;
    if (id == CODEC_OPUS) return sotto__payload_duration(&opus, p, n) == 0 ? SOTTO_E_SYNTAX : 0;
    return id == CODEC_DTMF && n < 4 ? SOTTO_E_SYNTAX : 0;
}

int sotto__join_audio(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    if (n != 1 || pieces[0].n == 0) return SOTTO_E_SYNTAX;
    sotto__buf_add(out, pieces[0].p, pieces[0].n);
    return out->err;
}

/* ---- durations ---- */

/* RFC 6716 §3.1 and §3.2: the first byte says how long a frame is and how many there are, or that the second one says it; at most
 * 120 ms together. In ticks of 48 kHz: RFC 7587 §4.1. */
static uint32_t opus_ticks(const uint8_t *p, size_t n)
{
    static const uint16_t silk[4] = {480, 960, 1920, 2880}, celt[4] = {120, 240, 480, 960};
    if (n == 0) return 0;
    unsigned config = p[0] >> 3, code = p[0] & 3;
    uint32_t frame = config < 12   ? silk[config % 4]
                     : config < 16 ? silk[config % 2]
                                   : celt[config % 4];
    uint32_t frames = code == 0 ? 1 : code < 3 ? 2 : n < 2 ? 0 : p[1] & 0x3f;
    return frame * frames <= 5760 ? frame * frames : 0;
}

uint32_t sotto__payload_duration(const struct codec *codec, const uint8_t *p, size_t n)
{
    if (codec->id == CODEC_OPUS) return opus_ticks(p, n);
    if (codec->id != CODEC_PCMU && codec->id != CODEC_PCMA) return 0;
    return n > UINT32_MAX || codec->channels == 0 ? 0 : (uint32_t)(n / codec->channels);
}

/* ---- RED: RFC 2198 §3 ---- */

enum { RED_MORE = 0x80, RED_MAX_OFFSET = (1 << 14) - 1, RED_MAX_LEN = (1 << 10) - 1 };

int sotto__red_parse(const uint8_t *p, size_t n, struct red_block blocks[RED_MAX_BLOCKS],
                     size_t *ret_n)
{
    struct reader r = sotto__reader(p, n);
    struct red_block found[RED_MAX_BLOCKS];
    size_t n_blocks = 0;
    for (bool more = true; more; n_blocks++) {
        uint8_t first = sotto__read_u8(&r);
        if (r.bad || n_blocks == RED_MAX_BLOCKS) return SOTTO_E_SYNTAX;
        struct red_block *b = &found[n_blocks];
        *b = (struct red_block){.pt = first & 0x7f};
        more = (first & RED_MORE) != 0;
        if (!more) continue;
        uint32_t rest = sotto__read_u24(&r);
        b->offset = (uint16_t)(rest >> 10);
        b->n = rest & RED_MAX_LEN;
    }
    for (size_t i = 0; i + 1 < n_blocks; i++) found[i].p = sotto__read_view(&r, found[i].n);
    if (r.bad || r.n == 0) return SOTTO_E_SYNTAX; /* a packet whose primary block is empty stands for no time */
    found[n_blocks - 1].p = r.p;
    found[n_blocks - 1].n = r.n;
    memcpy(blocks, found, n_blocks * sizeof *blocks);
    *ret_n = n_blocks;
    return 0;
}

int sotto__red_write(const struct red_block *blocks, size_t n, uint8_t *out, size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    if (n == 0 || n > RED_MAX_BLOCKS) return SOTTO_E_RANGE;
    for (size_t i = 0; i < n; i++) {
        const struct red_block *b = &blocks[i];
        bool primary = i + 1 == n;
        if (b->pt > 127 || (primary ? b->n == 0 || b->offset != 0
                                    : b->n > RED_MAX_LEN || b->offset > RED_MAX_OFFSET))
            return SOTTO_E_RANGE;
        sotto__write_u8(&w, (uint8_t)(b->pt | (primary ? 0 : RED_MORE)));
        if (!primary) sotto__write_be(&w, (uint32_t)b->offset << 10 | (uint32_t)b->n, 3);
    }
    for (size_t i = 0; i < n; i++) sotto__write_bytes(&w, blocks[i].p, blocks[i].n);
    return w.bad ? SOTTO_E_TOO_BIG : (int)w.n;
}

/* ---- telephone-event: RFC 4733 §2.3 ---- */

enum { DTMF_END = 0x80, DTMF_VOLUME = 0x3f };

int sotto__dtmf_parse(const uint8_t *p, size_t n, struct dtmf_event *ret)
{
    if (n < 4) return SOTTO_E_SYNTAX;
    *ret = (struct dtmf_event){
        .event = p[0],
        .end = (p[1] & DTMF_END) != 0,
        .volume = p[1] & DTMF_VOLUME,
        .duration = sotto__get_u16(p + 2),
    };
    return 0;
}

void sotto__dtmf_write(const struct dtmf_event *e, uint8_t out[4])
{
    struct writer w = sotto__writer(out, 4);
    sotto__write_u8(&w, e->event);
    sotto__write_u8(&w, (uint8_t)((e->end ? DTMF_END : 0) | (e->volume & DTMF_VOLUME)));
    sotto__write_u16(&w, e->duration);
}

int sotto__dtmf_event_of(char tone) /* RFC 4733 table 7 */
{
    if (tone >= '0' && tone <= '9') return tone - '0';
    if (tone == '*') return 10;
    if (tone == '#') return 11;
    if (tone >= 'A' && tone <= 'D') return tone - 'A' + 12;
    if (tone >= 'a' && tone <= 'd') return tone - 'a' + 12;
    return -1;
}

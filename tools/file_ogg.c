/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opus in Ogg (RFC 3533, RFC 7845). The reader gives the packets of the first Opus stream of the file; pages with a wrong checksum end
 * it. The writer makes a page a second; where RTP times jump, packets went missing or were not sent (DTX), and packets without audio
 * stand in for them, so that what follows keeps its time (RFC 7845 §4.1).
 */
#include "media_file.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_HEADER 27u
#define PRE_SKIP 312u          /* what the encoder of libopus looks ahead, in samples */
#define PAGE_SAMPLES 48000     /* a page is written when it holds so many */
#define MAX_GAP (60 * 48000)   /* a longer gap is left out: the sender began anew */

enum { FLAG_CONTINUED = 1, FLAG_FIRST = 2, FLAG_LAST = 4 };

/* RFC 3533 §6: polynomial 0x04c11db7, nothing reflected, start 0; with the checksum's own bytes taken as 0. */
static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)p[i] << 24;
        for (int bit = 0; bit < 8; bit++) crc = crc << 1 ^ (crc & 0x80000000u ? 0x04c11db7u : 0);
    }
    return crc;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put32(uint8_t *p, uint32_t v)
{
    for (size_t i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* Bytes of the page at `at`; 0: no page with a right checksum. */
static size_t page_size(const struct media_reader *r, size_t at)
{
    static const uint8_t none[4] = {0};
    const uint8_t *p = r->data + at;
    size_t left = r->n - at, header, size;
    uint32_t crc;
    if (left < PAGE_HEADER || memcmp(p, "OggS", 5) != 0) return 0; /* the version, 0, too */
    header = PAGE_HEADER + p[26];
    if (left < header) return 0;
    size = header;
    for (size_t i = PAGE_HEADER; i < header; i++) size += p[i];
    if (left < size) return 0;
    crc = crc_add(0, p, 22);
    crc = crc_add(crc, none, 4);
    crc = crc_add(crc, p + 26, size - 26);
    return crc == get32(p + 22) ? size : 0;
}

/* Takes the rest of a packet, or as much of it as is in this page, to `packet`. Returns 1 complete, 0 not, <0 too long. */
static int take_segments(struct media_reader *r)
{
    const uint8_t *p = r->data + r->at;
    size_t n_segments = p[26], from = PAGE_HEADER + n_segments;
    for (size_t i = 0; i < r->segment; i++) from += p[PAGE_HEADER + i];
    while (r->segment < n_segments) {
        size_t n = p[PAGE_HEADER + r->segment++];
        if (n > MEDIA_MAX_OPUS - r->n_packet) return SOTTO_E_SYNTAX;
        memcpy(r->packet + r->n_packet, p + from, n);
        r->n_packet += n;
        from += n;
        if (n < 255) return 1;
    }
    return 0;
}

/* The next packet of the stream: 1, 0 the end, <0. */
static int next_packet(struct media_reader *r)
{
    r->n_packet = 0;
    while (r->at < r->n) {
        size_t size = page_size(r, r->at);
        const uint8_t *p = r->data + r->at;
        r->why = "an Ogg page is damaged or cut off";
        if (size == 0) return SOTTO_E_SYNTAX;
        if (get32(p + 14) == r->serial) {
            r->why = "an Ogg packet is longer than one of Opus can be";
            if (r->segment == 0 && !(p[5] & FLAG_CONTINUED)) r->n_packet = 0;
            int done = take_segments(r);
            if (done != 0) return done;
        }
        r->at += size;
        r->segment = 0;
    }
    return 0;
}

/* The first page of each stream stands at the beginning: of the first one that is Opus, the serial number (RFC 3533 §4). */
static bool find_stream(struct media_reader *r)
{
    size_t size;
    for (size_t at = 0; (size = page_size(r, at)) > 0 && r->data[at + 5] & FLAG_FIRST; at += size) {
        const uint8_t *body = r->data + at + PAGE_HEADER + r->data[at + 26];
        if (size >= PAGE_HEADER + 1 + 19 && memcmp(body, "OpusHead", 8) == 0 && body[8] < 16) {
            r->serial = get32(r->data + at + 14);
            r->channels = body[9];
            r->at = at;
            return body[9] == 1 || body[9] == 2;
        }
    }
    return false;
}

/* Over the packet that begins with the page at `at`: to the next page of the stream that begins with another one. */
static int pass_packet(struct media_reader *r)
{
    size_t size = r->at < r->n ? page_size(r, r->at) : 0;
    if (size == 0) return SOTTO_E_SYNTAX;
    do {
        r->at += size;
        size = r->at < r->n ? page_size(r, r->at) : 0;
    } while (size > 0 &&
             (get32(r->data + r->at + 14) != r->serial || r->data[r->at + 5] & FLAG_CONTINUED));
    return 0;
}

int file_ogg_open(struct media_reader *r)
{
    int code;
    r->kind = SOTTO_AUDIO;
    r->mime = "audio/opus";
    r->why = "an Ogg file without a stream of Opus, mono or stereo";
    if (!find_stream(r)) return SOTTO_E_SYNTAX;
    r->packet = malloc(MEDIA_MAX_OPUS);
    if (!r->packet) return SOTTO_E_NOMEM;
    code = pass_packet(r);                 /* OpusHead */
    if (code == 0) code = pass_packet(r);  /* OpusTags: audio begins on a page of its own (RFC 7845 §3) */
    r->first = r->at;
    return code;
}

int file_ogg_next(struct media_reader *r, struct media_unit *ret)
{
    int code, samples;
    do code = next_packet(r);
    while (code == 1 && r->n_packet == 0); /* an empty packet is none of Opus: passed over */
    if (code != 1) return code;
    r->why = "a packet in the Ogg file is none of Opus";
    samples = sotto_opus_packet_frames(r->packet, r->n_packet);
    if (samples <= 0) return SOTTO_E_SYNTAX;
    ret->data = r->packet;
    ret->len = r->n_packet;
    ret->at_us = r->samples * 1000 / 48;
    ret->duration_us = (int64_t)samples * 1000 / 48;
    ret->is_key = true;
    r->samples += samples;
    return 1;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static int write_page(struct media_writer *w, int flags)
{
    uint8_t h[PAGE_HEADER] = "OggS";
    uint32_t crc;
    h[5] = (uint8_t)flags;
    put32(h + 6, (uint32_t)w->granule);
    put32(h + 10, (uint32_t)(w->granule >> 32));
    put32(h + 14, w->serial);
    put32(h + 18, w->page++);
    h[26] = (uint8_t)w->n_segments;
    crc = crc_add(0, h, sizeof h);
    crc = crc_add(crc, w->segments, w->n_segments);
    put32(h + 22, crc_add(crc, w->body, w->n_body));
    if (fwrite(h, 1, sizeof h, w->file) != sizeof h ||
        fwrite(w->segments, 1, w->n_segments, w->file) != w->n_segments ||
        fwrite(w->body, 1, w->n_body, w->file) != w->n_body)
        return SOTTO_E_SYS;
    w->n_segments = w->n_body = 0;
    w->ticks = w->granule; /* where the next page begins */
    return 0;
}

/* A packet never goes over the end of a page: one has at most 61 segments of Opus. */
static int add_packet(struct media_writer *w, const uint8_t *data, size_t len, int samples)
{
    size_t need = len / 255 + 1;
    int r = 0;
    if (need > sizeof w->segments) return SOTTO_E_SYNTAX;
    if (w->n_segments + need > sizeof w->segments || w->granule - w->ticks >= PAGE_SAMPLES)
        r = write_page(w, 0);
    if (r < 0) return r;
    for (size_t i = 0; i + 1 < need; i++) w->segments[w->n_segments++] = 255;
    w->segments[w->n_segments++] = (uint8_t)(len % 255);
    memcpy(w->body + w->n_body, data, len);
    w->n_body += len;
    w->granule += samples;
    return 0;
}

int file_ogg_begin(struct media_writer *w, int32_t channels)
{
    static const char vendor[] = "sotto";
    uint8_t head[19] = "OpusHead", tags[8 + 4 + sizeof vendor - 1 + 4] = "OpusTags";
    int r;
    head[8] = 1; /* version */
    head[9] = channels == 2 ? 2 : 1;
    head[10] = PRE_SKIP & 0xff;
    head[11] = PRE_SKIP >> 8;
    put32(head + 12, 48000); /* what it was before it was encoded: the clock of RTP */
    put32(tags + 8, sizeof vendor - 1);
    memcpy(tags + 12, vendor, sizeof vendor - 1);
    r = add_packet(w, head, sizeof head, 0);
    if (r == 0) r = write_page(w, FLAG_FIRST);
    if (r == 0) r = add_packet(w, tags, sizeof tags, 0);
    return r == 0 ? write_page(w, 0) : r;
}

/* Packets of no audio, each as long as one frame of the last packet, up to `gap` samples. */
static int fill(struct media_writer *w, int32_t gap)
{
    uint8_t empty = w->toc & 0xfc; /* one frame, of no bytes */
    int samples = sotto_opus_packet_frames(&empty, 1), r = 0;
    if (gap > MAX_GAP || samples <= 0) return 0;
    for (; gap >= samples && r == 0; gap -= samples) r = add_packet(w, &empty, 1, samples);
    return r;
}

int file_ogg_put(struct media_writer *w, const uint8_t *data, size_t len, uint32_t rtp_time)
{
    int samples = sotto_opus_packet_frames(data, len), r = 0;
    int32_t gap = (int32_t)(rtp_time - w->next_rtp);
    if (samples <= 0) return SOTTO_E_SYNTAX;
    if (w->begun && gap < 0 && gap > -MAX_GAP) return 0;
    if (w->begun && gap > 0) r = fill(w, gap);
    if (r == 0) r = add_packet(w, data, len, samples);
    if (r < 0) return r;
    w->begun = true;
    w->toc = data[0];
    w->next_rtp = rtp_time + (uint32_t)samples;
    return 1;
}

int file_ogg_end(struct media_writer *w)
{
    return write_page(w, FLAG_LAST);
}

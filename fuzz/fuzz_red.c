/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: RED (RFC 2198), telephone-event (RFC 4733) and the durations of Opus. Property: write(parse(x)) is x; blocks lie one after
 * the other within the packet; an event written is the event read; what a duration is told of can be joined and lasts at most 120 ms.
 */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "wire/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void check_red(const uint8_t *data, size_t size)
{
    struct red_block blocks[RED_MAX_BLOCKS];
    size_t n;
    if (sotto__red_parse(data, size, blocks, &n) < 0) return;
    require(n >= 1 && n <= RED_MAX_BLOCKS);
    const uint8_t *at = data + 4 * (n - 1) + 1;
    for (size_t i = 0; i < n; i++) {
        require(blocks[i].p == at && blocks[i].pt < 128 && blocks[i].offset < 1 << 14);
        at += blocks[i].n;
    }
    require(at == data + size && blocks[n - 1].n > 0 && blocks[n - 1].offset == 0);
    uint8_t *out = malloc(size);
    require(out != NULL);
    require(sotto__red_write(blocks, n, out, size) == (int)size);
    require(memcmp(out, data, size) == 0);
    require(sotto__red_write(blocks, n, out, size - 1) == SOTTO_E_TOO_BIG);
    free(out);
}

static void check_event(const uint8_t *data, size_t size)
{
    struct dtmf_event e;
    struct payload_info info;
    int r = sotto__dtmf_parse(data, size, &e);
    require(r == (size < 4 ? SOTTO_E_SYNTAX : 0));
    require(sotto__payload_peek(CODEC_DTMF, data, size, &info) == r);
    if (r < 0) return;
    uint8_t out[4];
    sotto__dtmf_write(&e, out);
    require(out[0] == data[0] && out[1] == (data[1] & 0xbf) && memcmp(out + 2, data + 2, 2) == 0);
}

static void check_opus(const uint8_t *data, size_t size)
{
    const struct codec opus = {.id = CODEC_OPUS, .channels = 2};
    const struct payload_piece piece = {data, size};
    struct payload_info info;
    struct buf out;
    uint32_t ticks = sotto__payload_duration(&opus, data, size);
    require(ticks <= 5760 && ticks % 120 == 0);
    require((ticks > 0) == (sotto__payload_peek(CODEC_OPUS, data, size, &info) == 0));
    if (ticks == 0) return;
    sotto__buf_init(&out, size);
    require(sotto__payload_join(CODEC_OPUS, &piece, 1, &out) == 0);
    require(out.n == size && memcmp(out.p, data, size) == 0);
    sotto__buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_red(data, size);
    check_event(data, size);
    check_opus(data, size);
    return 0;
}

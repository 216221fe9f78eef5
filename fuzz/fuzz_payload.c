/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: payload.c, which dispatches: the first byte is the codec, any there is and some that there are not, the second the size of
 * packets, the rest payloads, each after its 16-bit length. Property: what is looked at is in range, what is refused leaves no trace, and
 * what was joined, if it can be split, is the same after one round as after two.
 */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/bytes.h"
#include "wire/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PIECES 4096u

struct pieces {
    struct payload_piece items[MAX_PIECES];
    size_t n;
};

static void require(bool claim)
{
    if (!claim) abort();
}

static void add(struct pieces *k, const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    require(copy != NULL && k->n < MAX_PIECES);
    if (n > 0) memcpy(copy, p, n);
    k->items[k->n++] = (struct payload_piece){copy, n};
}

static void drop(struct pieces *k)
{
    for (size_t i = 0; i < k->n; i++) free((void *)(uintptr_t)k->items[i].p);
    k->n = 0;
}

static void check_peek(enum codec_id id, const uint8_t *p, size_t n)
{
    struct payload_info info;
    memset(&info, 0x5a, sizeof info);
    const struct payload_info before = info;
    int r = sotto__payload_peek(id, p, n, &info);
    require(r == 0 || r == SOTTO_E_SYNTAX);
    if (r < 0) {
        require(memcmp(&info, &before, sizeof info) == 0);
        return;
    }
    require(n > 0 && info.picture_id >= -1 && info.picture_id < 1 << 15);
    require(info.picture_id_long || info.picture_id < 1 << 7);
    require(info.temporal >= 0 && info.temporal <= 7);
}

/* The frame in out, split and joined anew. False: it cannot be split, or into too many packets for this test. */
static bool round_trip(const struct codec *codec, struct buf *out, size_t max, bool is_key)
{
    static struct pieces packets;
    struct split_state state = {.picture_id = (uint16_t)out->n};
    struct split s;
    size_t n_packets, n_bytes, len;
    uint8_t *packet = malloc(max);
    require(packet != NULL);
    int r = sotto__split_init(&s, codec, &state, out->p, out->n, max, is_key);
    require(r == 0 || r == SOTTO_E_SYNTAX || r == SOTTO_E_TOO_BIG);
    if (r == 0) sotto__split_bound(&s, &n_packets, &n_bytes);
    if (r < 0 || n_packets > MAX_PIECES) {
        free(packet);
        return false;
    }
    while ((len = sotto__split_next(&s, packet)) > 0) {
        require(len <= max && packets.n < n_packets && len <= n_bytes);
        n_bytes -= len;
        add(&packets, packet, len);
    }
    require(sotto__split_next(&s, packet) == 0);
    out->n = 0;
    require(sotto__payload_join(codec->id, packets.items, packets.n, out) == 0);
    drop(&packets);
    free(packet);
    return true;
}

static void check_rounds(const struct codec *codec, struct buf *out, size_t max)
{
    bool is_key = sotto__frame_is_key(codec->id, out->p, out->n);
    if (!round_trip(codec, out, max, is_key)) return;
    size_t n = out->n;
    uint8_t *once = malloc(n);
    require(once != NULL);
    memcpy(once, out->p, n);
    if (round_trip(codec, out, max, is_key)) require(out->n == n && memcmp(out->p, once, n) == 0);
    free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pieces pieces;
    struct buf out;
    if (size < 2 || size > 1 << 16) return 0;
    const struct codec codec = {
        .id = (enum codec_id)(data[0] % 16), .channels = 1, .params = {.packetization = 1}};
    const size_t max = 100 + (size_t)data[1];
    struct reader r = sotto__reader(data + 2, size - 2);
    while (r.n >= 2 && pieces.n < MAX_PIECES) {
        size_t len = sotto__read_u16(&r);
        if (len > r.n) len = r.n;
        add(&pieces, sotto__read_view(&r, len), len);
        check_peek(codec.id, pieces.items[pieces.n - 1].p, len);
    }
    sotto__buf_init(&out, 8 * size + 64);
    sotto__buf_add(&out, "x", 1);
    int result = sotto__payload_join(codec.id, pieces.items, pieces.n, &out);
    require(result == 0 || result == SOTTO_E_SYNTAX || result == SOTTO_E_LIMIT);
    require(out.err == 0 && (result == 0 ? out.n >= 1 : out.n == 1) && out.p[0] == 'x');
    if (out.n > 1) {
        out.n--;
        memmove(out.p, out.p + 1, out.n);
        check_rounds(&codec, &out, max);
    }
    sotto__buf_free(&out);
    drop(&pieces);
    return 0;
}

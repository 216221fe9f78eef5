/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commanded peer as a forwarding server: what comes as packets on one transceiver goes out on another one, of another connection,
 * with sequence numbers and payload types of its own; key frames are asked for where they are made. It keeps all that it sees in a
 * file: after two bytes of length each payload with its RTP header. On demand it does what a hostile server can: changes, repeats and
 * swaps frames. It knows nothing of codecs and has no keys.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_ROUTES 8
#define MAX_FRAME_PACKETS 256

struct packet {
    uint8_t bytes[SOTTO_MAX_RTP];
    size_t len;
};

struct held { /* the packets of one frame */
    struct packet packets[MAX_FRAME_PACKETS];
    int n;
};

struct route {
    sotto_transceiver *in, *out; /* NULL: free */
    int from, to;                /* connections */
    bool is_audio;
    char attack; /* 't'amper, 'r'eplay, 's'wap, 'd'rop; 0: none */
    int left;    /* frames to be attacked */
    FILE *record;
    uint16_t seq;
    uint64_t frames, attacked, refused;
    struct held now, kept; /* comes in; waits to be swapped */
};

static struct route routes[MAX_ROUTES];

static sotto_transceiver *at(int n, const char *place)
{
    char *f[3] = {(char *)"forward", NULL, (char *)(uintptr_t)place};
    return pick(n, f);
}

/* forward n t m u [FILE] */
void do_forward(int n, char **f, int n_f)
{
    unsigned long m = strtoul(f[3], NULL, 10);
    int r = SOTTO_E_LIMIT;
    for (int i = 0; i < MAX_ROUTES && r == SOTTO_E_LIMIT; i++) {
        struct route *x = &routes[i];
        if (x->in) continue;
        *x = (struct route){.from = n, .to = (int)m, .seq = (uint16_t)sotto_now()};
        x->in = at(n, f[2]);
        x->out = m < MAX_PCS && conns[m].pc ? at((int)m, f[4]) : NULL;
        r = x->in && x->out ? sotto_transceiver_set_receive_mode(x->in, SOTTO_RECEIVE_RTP)
                            : SOTTO_E_RANGE;
        if (r < 0) x->in = NULL;
        if (r == 0) x->is_audio = sotto_transceiver_kind(x->in) == SOTTO_AUDIO;
        if (r == 0 && n_f > 5 && !(x->record = fopen(f[5], "wb"))) r = SOTTO_E_SYS;
    }
    printf("forward\t%d\t%d\n", n, r);
}

static struct route *route_of(const sotto_transceiver *in, const sotto_transceiver *out)
{
    for (int i = 0; i < MAX_ROUTES; i++)
        if (routes[i].in && (routes[i].in == in || routes[i].out == out)) return &routes[i];
    return NULL;
}

/* attack n t tamper|replay|swap|drop FRAMES: what comes there next */
void do_attack(int n, char **f, int n_f)
{
    const sotto_transceiver *t = at(n, f[2]);
    struct route *x = t ? route_of(t, NULL) : NULL;
    (void)n_f;
    if (x) {
        x->attack = f[3][0];
        x->left = (int)strtol(f[4], NULL, 10);
    }
    printf("attack\t%d\t%d\n", n, x ? 0 : SOTTO_E_RANGE);
}

/* forwarded n t: FRAMES ATTACKED REFUSED; what was kept is in the file */
void do_forwarded(int n, char **f, int n_f)
{
    const sotto_transceiver *t = at(n, f[2]);
    const struct route *x = t ? route_of(t, NULL) : NULL;
    (void)n_f;
    if (x && x->record) fflush(x->record);
    if (x)
        printf("forwarded\t%d\t%llu\t%llu\t%llu\n", n, (unsigned long long)x->frames,
               (unsigned long long)x->attacked, (unsigned long long)x->refused);
}

/* The other side's payload type of the same codec. */
static int other_type(const struct route *x, int type)
{
    sotto_codecs *from = NULL, *to = NULL;
    const char *mime = "";
    int found = -1;
    if (sotto_transceiver_codec(x->in, &from) == 0 && sotto_transceiver_codec(x->out, &to) == 0) {
        for (size_t i = 0; i < from->n; i++)
            if (from->items[i].payload_type == type) mime = from->items[i].mime;
        for (size_t i = 0; i < to->n && found < 0; i++)
            if (strcasecmp(to->items[i].mime, mime) == 0) found = to->items[i].payload_type;
    }
    sotto_free(from);
    sotto_free(to);
    return found;
}

/* Its packets under the next numbers, at the time of `when`. */
static void send_held(struct route *x, const struct held *h, const struct held *when)
{
    for (int i = 0; i < h->n; i++) {
        struct packet p = h->packets[i];
        int type = other_type(x, p.bytes[1] & 127);
        if (type < 0) {
            x->refused++;
            continue;
        }
        memcpy(p.bytes + 4, when->packets[0].bytes + 4, 4);
        p.bytes[1] = (uint8_t)((p.bytes[1] & 128) | type);
        p.bytes[2] = (uint8_t)(x->seq >> 8);
        p.bytes[3] = (uint8_t)x->seq;
        if (sotto_transceiver_send_rtp(x->out, p.bytes, p.len) < 0)
            x->refused++;
        else
            x->seq++;
    }
}

/* One tick later: what comes again must look new. */
static void later(struct held *h, uint32_t ticks)
{
    uint8_t *p = h->packets[0].bytes + 4;
    uint32_t t = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    t += ticks;
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(t >> (24 - 8 * i));
}

static void forward_attacked(struct route *x)
{
    static struct held again;
    struct packet *last = &x->now.packets[x->now.n - 1];
    switch (x->attack) {
    case 't':
        last->bytes[last->len - 1] ^= 0x10;
        send_held(x, &x->now, &x->now);
        break;
    case 'r':
        send_held(x, &x->now, &x->now);
        again = x->now;
        later(&again, x->is_audio ? 480 : 900);
        send_held(x, &again, &again);
        break;
    case 's':
        if (x->kept.n == 0) {
            x->kept = x->now;
            return;
        }
        send_held(x, &x->now, &x->kept);
        send_held(x, &x->kept, &x->now);
        x->kept.n = 0;
        break;
    default: break; /* dropped */
    }
    x->attacked++;
    x->left--;
}

static void forward_frame(struct route *x)
{
    if (x->now.n == 0) return;
    x->frames++;
    if (x->left > 0)
        forward_attacked(x);
    else
        send_held(x, &x->now, &x->now);
    x->now.n = 0;
}

bool forward_packet(const sotto_event *e)
{
    struct route *x = route_of(e->u.rtp.transceiver, NULL);
    const uint8_t *p = (const uint8_t *)e->u.rtp.packet;
    size_t len = e->u.rtp.len;
    if (!x) return false;
    if (len < 13 || len > SOTTO_MAX_RTP) {
        x->refused++;
        return true;
    }
    if (x->record) {
        uint8_t size[2] = {(uint8_t)(len >> 8), (uint8_t)len};
        fwrite(size, 1, 2, x->record);
        fwrite(p, 1, len, x->record);
    }
    if (x->now.n > 0 && memcmp(p + 4, x->now.packets[0].bytes + 4, 4) != 0) forward_frame(x);
    if (x->now.n == MAX_FRAME_PACKETS) forward_frame(x);
    memcpy(x->now.packets[x->now.n].bytes, p, len);
    x->now.packets[x->now.n++].len = len;
    if (x->is_audio || p[1] & 128) forward_frame(x);
    return true;
}

bool forward_key_wanted(const sotto_event *e)
{
    const struct route *x = route_of(NULL, e->u.media.transceiver);
    if (x) sotto_transceiver_request_keyframe(x->in, NULL);
    return x != NULL;
}

/* Before one of the connections is freed. */
void end_forwarding(int n)
{
    for (int i = 0; i < MAX_ROUTES; i++) {
        struct route *x = &routes[i];
        if (!x->in || (x->from != n && x->to != n)) continue;
        if (x->record) fclose(x->record);
        x->in = x->out = NULL;
        x->record = NULL;
    }
}

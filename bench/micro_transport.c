/* SPDX-License-Identifier: BSD-2-Clause */
/* transport without cryptography: checksum, the filter of SCTP packets, the box of datagrams that came and the batch of those that go. */
#include "micro.h"

#include <stdlib.h>
#include <string.h>

#include "transport/egress.h"
#include "transport/sctp.h"
#include "transport/sctp_guard.h"
#include "util/bytes.h"

enum { PACKET = 1200 };

/* ---- SCTP ---- */

struct sctp_state {
    struct sctp_guard guard;
    uint8_t data[PACKET], sack[28];
};

static void *sctp_open(size_t n)
{
    struct sctp_state *s = micro_alloc(1, sizeof *s);
    struct writer w = sotto__writer(s->data, sizeof s->data);
    (void)n;
    micro_fill(s->data, sizeof s->data);
    s->guard = (struct sctp_guard){.local_port = 5000,
                                   .remote_port = 5000,
                                   .user_streams = 256,
                                   .window = UINT32_MAX,
                                   .has_tag = true,
                                   .has_cookie = true,
                                   .settled = true};
    sotto__write_u16(&w, 5000), sotto__write_u16(&w, 5000);
    sotto__write_u32(&w, 1), sotto__write_u32(&w, 0);
    sotto__write_u16(&w, 0x0003), sotto__write_u16(&w, PACKET - 12); /* DATA: the whole of a message */
    sotto__write_u32(&w, 1), sotto__write_u16(&w, 1), sotto__write_u16(&w, 1);
    sotto__write_u32(&w, 53);
    w = sotto__writer(s->sack, sizeof s->sack);
    sotto__write_u16(&w, 5000), sotto__write_u16(&w, 5000);
    sotto__write_u32(&w, 1), sotto__write_u32(&w, 0);
    sotto__write_u16(&w, 0x0300), sotto__write_u16(&w, 16);
    sotto__write_u32(&w, 1), sotto__write_u32(&w, 1 << 20), sotto__write_u32(&w, 0);
    return s;
}

static void crc32c(void *state, size_t i)
{
    micro_keep(sotto__crc32c((uint32_t)i, ((struct sctp_state *)state)->data, PACKET));
}

static void check(struct sctp_guard *g, const uint8_t *p, size_t n)
{
    struct sctp_seen seen;
    const char *why = "";
    bool is_good = sotto__sctp_guard_check(g, p, n, &seen, &why);
    micro_expect(is_good, why);
}

static void guard_data(void *state, size_t i)
{
    struct sctp_state *s = state;
    (void)i;
    check(&s->guard, s->data, PACKET);
}

static void guard_sack(void *state, size_t i)
{
    struct sctp_state *s = state;
    (void)i;
    check(&s->guard, s->sack, sizeof s->sack);
}

static void guard_output(void *state, size_t i)
{
    struct sctp_state *s = state;
    (void)i;
    sotto__sctp_guard_output(&s->guard, s->data, PACKET);
}

/* ---- datagrams: 32 come, then 32 are taken ---- */

enum { BOXFUL = 32 };

struct box_state {
    struct ice_box box;
    uint8_t packet[PACKET];
};

static void *box_open(size_t n)
{
    (void)n;
    return micro_alloc(1, sizeof(struct box_state));
}

static void box_turn(void *state, size_t i)
{
    struct box_state *s = state;
    const struct ice *owner = state; /* never looked into */
    struct packet got;
    (void)i;
    for (int k = 0; k < BOXFUL; k++) sotto__ice_box_put(&s->box, owner, s->packet, PACKET);
    for (int k = 0; k < BOXFUL; k++)
        micro_expect(sotto__ice_box_take(&s->box, owner, &got) && got.n == PACKET, "box");
    micro_expect(!sotto__ice_box_take(&s->box, owner, &got), "box");
}

static void box_close(void *state)
{
    sotto__ice_box_free(&((struct box_state *)state)->box);
    free(state);
}

static int send_all(struct ice *ice, const struct packet *pkts, size_t n, sotto_us now)
{
    (void)ice, (void)pkts, (void)now;
    return (int)n;
}

static const struct ice_ops nowhere = {.send = send_all};

static void *egress_open(size_t n)
{
    (void)n;
    return micro_alloc(1, sizeof(struct egress));
}

static void egress_packet(void *state, size_t i)
{
    (void)i;
    uint8_t *p = sotto__egress_reserve(state, &nowhere, state, PACKET + 64, MICRO_T0);
    micro_expect(p != NULL, "egress");
    p[0] = 1;
    sotto__egress_commit(state, PACKET);
}

const struct micro micro_transport[] = {
    {"crc32c, 1,200 B", 5000, sctp_open, crc32c, free},
    {"sctp_guard check, DATA", 5000, sctp_open, guard_data, free},
    {"sctp_guard check, SACK", 5000, sctp_open, guard_sack, free},
    {"sctp_guard output, DATA", 5000, sctp_open, guard_output, free},
    {"ice_box, 32 datagrams", 200, box_open, box_turn, box_close},
    {"egress reserve and commit", 6400, egress_open, egress_packet, free},
    {0},
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What 1,000 connections tell of themselves in their offers: no value that one has is another's, so that nobody can say that two belong to
 * one host. What W3C and RFC 9429 fix is the same in all: the shape of the lines, mids ("0", "1", …), payload types, extension ids and the
 * order of codecs. Nothing here sends a packet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/sotto.h"

enum { CONNECTIONS = 1000, MAX_VALUES = 32 };

struct value {
    char text[160];
    int from; /* which connection */
};

static struct value values[CONNECTIONS * MAX_VALUES];
static size_t n_values;
static uint32_t ports[CONNECTIONS];

static void keep(int from, const char *kind, const char *p, size_t n)
{
    assert_true(n_values < sizeof values / sizeof *values);
    assert_true(n + strlen(kind) < sizeof values->text);
    struct value *v = &values[n_values++];
    snprintf(v->text, sizeof v->text, "%s%.*s", kind, (int)n, p);
    v->from = from;
}

/* The whole value of each line that begins so, as far as this character. */
static size_t keep_lines(int from, const char *sdp, const char *head, const char *stop)
{
    size_t n = 0;
    for (const char *at = sdp; (at = strstr(at, head)); n++) {
        at += strlen(head);
        keep(from, head, at, strcspn(at, stop));
    }
    return n;
}

static void keep_words(int from, const char *sdp, const char *head)
{
    for (const char *at = sdp; (at = strstr(at, head));) {
        at += strlen(head);
        const char *end = at + strcspn(at, "\r\n");
        while (at < end) { /* "stream track" */
            size_t n = strcspn(at, " \r\n");
            if (n > 1) keep(from, head, at, n); /* "-" is: of no stream */
            at += n + (at[n] == ' ');
        }
    }
}

static void keep_offer(int from, const char *sdp)
{
    assert_int_equal(keep_lines(from, sdp, "\r\no=- ", " "), 1); /* session id */
    assert_true(keep_lines(from, sdp, "a=ice-ufrag:", "\r\n") >= 1);
    assert_true(keep_lines(from, sdp, "a=ice-pwd:", "\r\n") >= 1);
    assert_true(keep_lines(from, sdp, "a=fingerprint:", "\r\n") >= 1);
    assert_true(keep_lines(from, sdp, "a=tls-id:", "\r\n") >= 1);
    keep_lines(from, sdp, "a=ssrc:", " \r\n");
    keep_lines(from, sdp, " cname:", "\r\n");
    keep_words(from, sdp, "a=msid:");
}

static int by_text(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    int r = strcmp(x->text, y->text);
    return r ? r : x->from - y->from;
}

static void make_one(sotto_ctx *ctx, int i)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .privacy_mode = SOTTO_PRIVACY_PUBLIC};
    sotto_transceiver *t;
    sotto_pc *pc;
    sotto_dc *dc;
    char *sdp;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    assert_int_equal(sotto_pc_add_transceiver(pc, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto_pc_add_transceiver(pc, SOTTO_VIDEO, NULL, &t), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_pc_create_offer(pc, NULL, &sdp), 0);
    keep_offer(i, sdp);
    sotto_free(sdp);
    sotto_dc_free(dc);
    sotto_pc_free(pc);
}

/* proves: S30 */
static void a_thousand_offers_share_no_value(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    n_values = 0;
    for (int i = 0; i < CONNECTIONS; i++) make_one(ctx, i);
    sotto_ctx_free(ctx);
    assert_true(n_values >= 9u * CONNECTIONS);
    qsort(values, n_values, sizeof *values, by_text);
    for (size_t i = 1; i < n_values; i++)
        if (strcmp(values[i].text, values[i - 1].text) == 0 && values[i].from != values[i - 1].from)
            fail_msg("connections %d and %d share %s", values[i - 1].from, values[i].from,
                     values[i].text);
}

/* ---- ports ---- */

static uint32_t port_of(sotto_ctx *ctx)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true};
    sotto_pc *pc;
    sotto_dc *dc;
    sotto_event *e;
    uint32_t port = 0;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    while (port == 0) {
        assert_int_equal(sotto_ctx_wait(ctx, 10000000, &e), 1);
        const char *at =
            e->type == SOTTO_EV_CANDIDATE ? strstr(e->u.candidate.line, "127.0.0.1 ") : NULL;
        if (at) port = (uint32_t)strtoul(at + 10, NULL, 10);
        sotto_event_free(e);
    }
    sotto_dc_free(dc);
    sotto_pc_free(pc);
    return port;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* 13 bits are 8,192 ports that are equally likely: of 300 drawn from so many, five or so come twice. Drawn from 12 bits it would be
 * eleven; a row of neighbours, as of a counter, has gaps of one. */
/* proves: S10 */
static void ports_cannot_be_guessed(void **state)
{
    (void)state;
    enum { N = 300 };
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    size_t again = 0, next = 0;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    for (size_t i = 0; i < N; i++) {
        ports[i] = port_of(ctx);
        next += i > 0 && ports[i] - ports[i - 1] + 2 <= 4; /* a neighbour of the one before */
    }
    sotto_ctx_free(ctx);
    qsort(ports, N, sizeof *ports, by_number);
    for (size_t i = 1; i < N; i++) again += ports[i] == ports[i - 1];
    assert_true(again <= 15);
    assert_true(next <= 5);
    assert_true(ports[N - 1] - ports[0] >= 1u << 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_offers_share_no_value),
        cmocka_unit_test(ports_cannot_be_guessed),
    };
    return cmocka_run_group_tests_name("unlinkable", tests, NULL, NULL);
}

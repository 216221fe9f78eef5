/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter alone: packets of Chromium, Firefox, Pion and a usrsctp peer, as they were sent, all pass; shapes that those
 * captures lack but peers send pass; everything else is refused, with the reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/sctp_guard.h"
#include "util/bytes.h"
#include "util/limits.h"

static size_t unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (const char *p = text; p[0] && p[0] != '\n' && n < cap;) {
        if (*p == ' ') {
            p++;
            continue;
        }
        char two[3] = {p[0], p[1], 0};
        out[n++] = (uint8_t)strtoul(two, NULL, 16);
        p += 2;
    }
    return n;
}

static struct sctp_guard fresh(void)
{
    return (struct sctp_guard){
        .local_port = 5000, .remote_port = 5000, .user_streams = 256, .window = UINT32_MAX};
}

static void packets_of_real_peers_all_pass(void **state)
{
    (void)state;
    static const char *const files[] = {"chromium-pion", "chromium-usrsctp", "firefox"};
    static char line[8192];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        snprintf(path, sizeof path, FIXTURES "/sctp/%s.txt", files[i]);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        struct sctp_guard sides[2] = {fresh(), fresh()};
        unsigned packets = 0;
        while (fgets(line, sizeof line, f)) {
            uint8_t p[4096];
            size_t n = unhex(line + 2, p, sizeof p);
            struct sctp_seen seen;
            const char *why;
            struct sctp_guard *to = &sides[line[0] == 'A'], *from = &sides[line[0] != 'A'];
            if (!sotto__sctp_guard_check(to, p, n, &seen, &why))
                fail_msg("%s, packet %u: %s", files[i], packets, why);
            sotto__sctp_guard_output(from, p, n);
            packets++;
        }
        fclose(f);
        assert_true(packets > 20);
    }
}

#define TAG "13881388 00000001 00000000 "
#define NOTAG "13881388 00000000 00000000 "
#define INIT_HEAD "000000aa 00001000 0010 ffff 00000005 "

struct row {
    const char *name, *hex, *why; /* why NULL: passes */
};

static const struct row rows[] = {
    /* what peers send that the captures lack */
    {"INIT", NOTAG "01000014 " INIT_HEAD, NULL},
    {"INIT with zero checksum and unknown parameters",
     NOTAG "01000024 " INIT_HEAD "80010008 00000001 bfff0008 01020304", NULL},
    {"INIT with AUTH as old usrsctp has it",
     NOTAG "0100002a " INIT_HEAD "80020008 01020304 80040008 00030001 80030006 c180", NULL},
    {"COOKIE ECHO with DATA behind it",
     TAG "0a000008 01020304 00030014 00000005 00000000 00000033 78000000", NULL},
    {"DATA without its padding", TAG "00030011 00000005 00000000 00000033 78", NULL},
    {"SACK with gaps and duplicates",
     TAG "0300001c 00000005 00001000 00020001 00020003 00050005 00000004", NULL},
    {"FORWARD-TSN with streams", TAG "c0000010 00000009 00010002 00ff0003", NULL},
    {"FORWARD-TSN bare", TAG "c0000008 00000009", NULL},
    {"reset of two streams", TAG "82000018 000d0014 00000001 00000002 00000003 00010002", NULL},
    {"reset of one stream, without padding",
     TAG "82000016 000d0012 00000001 00000002 00000003 0001", NULL},
    {"reset of all streams", TAG "82000014 000d0010 00000001 00000002 00000003", NULL},
    {"answer and request",
     TAG "82000024 0010000c 00000007 00000001 000d0012 00000001 00000007 00000003 00010000", NULL},
    {"request to add streams, which usrsctp denies", TAG "82000010 0011000c 00000001 00100000",
     NULL},
    {"HEARTBEAT", TAG "0400000c 00010008 01020304", NULL},
    {"ABORT by the user, with text", TAG "06000010 000c000c 42796521 00000000", NULL},
    {"ABORT bare", TAG "06000004", NULL},
    {"ERROR", TAG "0900000c 00060008 40000004", NULL},
    {"SHUTDOWN", TAG "07000008 00000005", NULL},
    {"SHUTDOWN COMPLETE", TAG "0e000004", NULL},
    {"PAD", TAG "84000008 00000000", NULL},
    /* H112: packets */
    {"empty", "", "bad common header"},
    {"header only", TAG, "bad common header"},
    {"header cut", "13881388 000000", "bad common header"},
    {"wrong source port", "13891388 00000001 00000000 0b000004", "bad common header"},
    {"wrong destination port", "13881389 00000001 00000000 0b000004", "bad common header"},
    {"chunk of length 0", TAG "0b000000", "chunk of impossible length"},
    {"chunk of length 3", TAG "0b000003", "chunk of impossible length"},
    {"chunk longer than the packet", TAG "00030020 00000005 00000000 00000033 78000000",
     "chunk of impossible length"},
    {"three bytes behind a chunk", TAG "0b000004 0b0000", "chunk of impossible length"},
    {"DATA with tag 0", NOTAG "00030011 00000005 00000000 00000033 78000000",
     "wrong verification tag"},
    {"INIT with a tag", TAG "01000014 " INIT_HEAD, "wrong verification tag"},
    /* H111: INIT */
    {"INIT with initiate tag 0", NOTAG "01000014 00000000 00001000 00100010 00000005", "bad INIT"},
    {"INIT with 0 streams out", NOTAG "01000014 000000aa 00001000 00000010 00000005", "bad INIT"},
    {"INIT with 0 streams in", NOTAG "01000014 000000aa 00001000 00100000 00000005", "bad INIT"},
    {"INIT with a tiny window", NOTAG "01000014 000000aa 000005db 00100010 00000005", "bad INIT"},
    {"INIT cut", NOTAG "01000010 000000aa 00001000 00100010", "bad INIT"},
    {"INIT with an IPv4 address", NOTAG "0100001c " INIT_HEAD "00050008 7f000001",
     "INIT with an address"},
    {"INIT with an IPv6 address",
     NOTAG "01000028 " INIT_HEAD "00060014 00000000000000000000000000000001",
     "INIT with an address"},
    {"INIT with a host name", NOTAG "0100001c " INIT_HEAD "000b0008 61620000",
     "INIT with an address"},
    {"INIT that adds an address", NOTAG "01000024 " INIT_HEAD "c0010010 00000001 00050008 7f000001",
     "INIT with an address"},
    {"INIT with a parameter of length 0", NOTAG "0100001c " INIT_HEAD "c0000000 00000000",
     "bad INIT parameter"},
    {"INIT with a parameter beyond its end", NOTAG "0100001c " INIT_HEAD "800800ff 00000000",
     "bad INIT parameter"},
    {"INIT with odd HMACs", NOTAG "0100001c " INIT_HEAD "80040007 00030100", "INIT with bad HMACs"},
    {"INIT with a cookie", NOTAG "0100001c " INIT_HEAD "00070008 01020304", "INIT with a cookie"},
    {"INIT with two bytes behind it", NOTAG "01000016 " INIT_HEAD "0000", "rest behind INIT"},
    {"INIT beside DATA", NOTAG "01000014 " INIT_HEAD "00030011 00000005 00000000 00000033 78000000",
     "INIT beside other chunks"},
    {"INIT ACK without a cookie", TAG "02000014 " INIT_HEAD, "INIT ACK without a cookie"},
    {"INIT ACK with an empty cookie", TAG "02000018 " INIT_HEAD "00070004",
     "bad cookie in INIT ACK"},
    {"INIT ACK with two cookies", TAG "02000024 " INIT_HEAD "00070008 01020304 00070008 01020304",
     "bad cookie in INIT ACK"},
    {"INIT ACK behind another chunk", TAG "0b000004 0200001c " INIT_HEAD "00070008 01020304",
     "INIT beside other chunks"},
    {"COOKIE ECHO behind another chunk", TAG "0b000004 0a000008 01020304",
     "COOKIE ECHO is not first"},
    /* H114, H117: what was not offered */
    {"ASCONF", TAG "c1000010 00000001 00050008 7f000001", "chunk type that is not offered"},
    {"ASCONF ACK", TAG "80000008 00000001", "chunk type that is not offered"},
    {"AUTH", TAG "0f00000c 00000001 01020304", "chunk type that is not offered"},
    {"I-DATA", TAG "40030018 00000005 00000000 00000000 00000033 78000000",
     "chunk type that is not offered"},
    {"I-FORWARD-TSN", TAG "c2000008 00000009", "chunk type that is not offered"},
    {"NR-SACK", TAG "10000010 00000005 00001000 00000000", "chunk type that is not offered"},
    {"PKTDROP", TAG "81000010 00000005 00001000 00000000", "chunk type that is not offered"},
    {"ECN echo", TAG "0c000008 00000005", "chunk type that is not offered"},
    {"unknown chunk", TAG "3f000008 00000005", "chunk type that is not offered"},
    /* H115, H116: acknowledgements */
    {"SACK cut", TAG "0300000c 00000005 00001000", "short SACK"},
    {"SACK with fewer gaps than it says", TAG "03000014 00000005 00001000 00020000 00020003",
     "SACK of wrong length"},
    {"SACK with more than it says", TAG "03000014 00000005 00001000 00000000 00020003",
     "SACK of wrong length"},
    {"SACK with 65535 gaps", TAG "03000010 00000005 00001000 ffff0000", "SACK of wrong length"},
    {"SACK with a gap that ends before it starts",
     TAG "03000014 00000005 00001000 00010000 00050003", "SACK with bad gaps"},
    {"SACK with gaps out of order", TAG "03000018 00000005 00001000 00020000 00050006 00020003",
     "SACK with bad gaps"},
    {"FORWARD-TSN with half a stream", TAG "c000000a 00000009 00010000",
     "FORWARD-TSN of wrong length"},
    {"FORWARD-TSN on stream 256", TAG "c000000c 00000009 01000000",
     "FORWARD-TSN on a stream that does not exist"},
    /* H120, H121: DATA */
    {"DATA of no bytes", TAG "00030010 00000005 00000000 00000033", "DATA without data"},
    {"DATA cut", TAG "0003000c 00000005 00000000", "DATA without data"},
    {"DATA on stream 256", TAG "00030011 00000005 01000000 00000033 78000000",
     "DATA on a stream that does not exist"},
    {"DATA on stream 65535", TAG "00070011 00000005 ffff0000 00000033 78000000",
     "DATA on a stream that does not exist"},
    /* H126: resets */
    {"RE-CONFIG empty", TAG "82000004", "empty RE-CONFIG"},
    {"reset cut", TAG "8200000c 000d0008 00000001", "bad reset request"},
    {"reset with half a stream", TAG "82000018 000d0013 00000001 00000002 00000003 00010200",
     "bad reset request"},
    {"reset of stream 256", TAG "82000016 000d0012 00000001 00000002 00000003 01000000",
     "reset of a stream that does not exist"},
    {"two requests",
     TAG "82000024 000d0010 00000001 00000002 00000003 000d0010 00000001 00000002 00000003",
     "two reset requests"},
    {"request to reset our streams", TAG "82000010 000e000a 00000001 00010000",
     "RE-CONFIG that is not offered"},
    {"answer cut", TAG "8200000c 00100008 00000001", "RE-CONFIG that is not offered"},
    {"three parameters",
     TAG
     "82000028 0010000c 00000001 00000001 0010000c 00000001 00000001 0010000c 00000001 00000001",
     "bad RE-CONFIG"},
    {"parameter beyond its end", TAG "8200000c 000d00ff 00000001", "bad RE-CONFIG"},
    /* others */
    {"ERROR of a NAT", TAG "09000008 00b00004", "error cause of a NAT"},
    {"ABORT of a NAT", TAG "06000008 00b10004", "error cause of a NAT"},
    {"ABORT with a cause beyond its end", TAG "06000008 000c0009", "bad error cause"},
    {"ERROR with a cause of length 0", TAG "09000008 000c0000", "bad error cause"},
    {"SHUTDOWN cut", TAG "07000006 00000000", "SHUTDOWN of wrong length"},
    {"COOKIE ACK with a body", TAG "0b000008 00000000", "control chunk of wrong length"},
    {"HEARTBEAT without its parameter", TAG "04000004", "bad HEARTBEAT"},
    {"HEARTBEAT with another parameter", TAG "0400000c 00020008 01020304", "bad HEARTBEAT"},
    {"HEARTBEAT longer than its parameter", TAG "04000010 00010008 01020304 00000000",
     "bad HEARTBEAT"},
};

/* proves: H111 H112 H114 H117 */
static void each_shape_passes_or_is_refused_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t p[512];
        size_t n = unhex(rows[i].hex, p, sizeof p);
        struct sctp_guard g = fresh(), was = g;
        struct sctp_seen seen;
        const char *why = "";
        uint8_t *exact = malloc(n ? n : 1); /* for ASan */
        memcpy(exact, p, n);
        bool pass = sotto__sctp_guard_check(&g, exact, n, &seen, &why);
        if (pass != !rows[i].why || (!pass && strcmp(why, rows[i].why) != 0))
            fail_msg("%s: %s, \"%s\"", rows[i].name, pass ? "passed" : "refused", why);
        if (!pass) assert_memory_equal(&g, &was, sizeof g); /* a refused packet leaves no trace */
        free(exact);
    }
}

/* An INIT, or what follows it, of so many bytes; a parameter of that type fills it. */
static bool init_passes(size_t n_param, uint8_t type_low)
{
    uint8_t p[12 + 1400] = {0x13, 0x88, 0x13, 0x88};
    static const uint8_t head[] = {0, 0, 0, 0xaa, 0, 0, 0x10, 0, 0, 0x10, 0xff, 0xff, 0, 0, 0, 5};
    size_t n = 4 + sizeof head + 4 + n_param;
    struct sctp_guard g = fresh();
    struct sctp_seen seen;
    const char *why;
    p[12] = 1, p[14] = (uint8_t)(n >> 8), p[15] = (uint8_t)n;
    memcpy(p + 16, head, sizeof head);
    p[32] = 0x80, p[33] = type_low, p[34] = (uint8_t)((4 + n_param) >> 8);
    p[35] = (uint8_t)(4 + n_param);
    return sotto__sctp_guard_check(&g, p, 12 + n, &seen, &why);
}

/* proves: H111 */
static void an_init_is_as_long_as_usrsctp_can_answer(void **state)
{
    (void)state;
    assert_true(init_passes(256, 3));
    assert_false(init_passes(260, 3)); /* chunks of AUTH */
    assert_true(init_passes(SOTTO_MTU - 52 - 20, 1)); /* unknown */
    assert_false(init_passes(SOTTO_MTU - 52 - 16, 1));
}

/* proves: H117 H118 */
static void small_messages_beyond_a_closed_window_have_an_end(void **state)
{
    (void)state;
    struct sctp_guard g = fresh();
    struct sctp_seen seen;
    const char *why;
    g.window = 0;
    for (uint32_t i = 0; i <= SOTTO_SCTP_BEYOND_WINDOW; i++) {
        uint8_t p[12 + 20] = {0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, [12] = 0, 3, 0, 17};
        p[18] = (uint8_t)(i >> 8), p[19] = (uint8_t)i; /* the TSN */
        assert_true(sotto__sctp_guard_check(&g, p, sizeof p, &seen, &why));
        assert_int_equal(seen.too_much, i == SOTTO_SCTP_BEYOND_WINDOW);
    }
}

/* proves: H112 */
static void too_many_chunks_are_refused(void **state)
{
    (void)state;
    for (size_t chunks = 819; chunks < 821; chunks++) {
        uint8_t p[12 + 821 * 4] = {0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1};
        for (size_t i = 0; i < chunks; i++) p[12 + 4 * i] = 0x84, p[15 + 4 * i] = 4;
        struct sctp_guard g = fresh();
        struct sctp_seen seen;
        const char *why;
        assert_int_equal(sotto__sctp_guard_check(&g, p, 12 + 4 * chunks, &seen, &why),
                         chunks == 819);
    }
}

static bool pass(struct sctp_guard *g, const char *hex)
{
    uint8_t p[512];
    struct sctp_seen seen;
    const char *why;
    return sotto__sctp_guard_check(g, p, unhex(hex, p, sizeof p), &seen, &why);
}

#define DATA1 TAG "00030011 00000005 00000000 00000033 78000000"

/* proves: H113 */
static void one_tag_and_one_cookie_and_neither_after_data(void **state)
{
    (void)state;
    struct sctp_guard g = fresh();
    assert_true(pass(&g, NOTAG "01000014 " INIT_HEAD));
    assert_true(pass(&g, NOTAG "01000014 " INIT_HEAD)); /* repeated */
    assert_false(pass(&g, NOTAG "01000014 000000ab 00001000 00100010 00000005"));
    assert_false(pass(&g, TAG "0200001c 000000ab 00001000 00100010 00000005 00070008 01020304"));
    assert_true(pass(&g, TAG "0200001c " INIT_HEAD "00070008 01020304"));
    assert_true(pass(&g, TAG "0a000008 01020304"));
    assert_false(pass(&g, TAG "0a000008 01020305"));
    assert_false(pass(&g, TAG "0a00000c 01020304 00000000"));
    /* our COOKIE ACK may be lost: data beside the cookie settles nothing */
    assert_true(pass(&g, TAG "0a000008 01020304 00030011 00000005 00000000 00000033 78000000"));
    assert_true(pass(&g, TAG "0a000008 01020304"));
    assert_true(pass(&g, DATA1));
    assert_false(pass(&g, TAG "0a000008 01020304"));
    assert_false(pass(&g, NOTAG "01000014 " INIT_HEAD));
    assert_false(pass(&g, TAG "0200001c " INIT_HEAD "00070008 01020304"));
    assert_true(pass(&g, DATA1));
}

/* proves: H126 */
static void one_reset_request_at_a_time(void **state)
{
    (void)state;
    struct sctp_guard g = fresh();
    uint8_t answer[64];
    size_t n = unhex(TAG "82000010 0010000c 00000001 00000001", answer, sizeof answer);
    assert_true(pass(&g, TAG "82000016 000d0012 00000001 00000002 00000003 00010000"));
    assert_true(pass(&g, TAG "82000016 000d0012 00000001 00000002 00000003 00010000")); /* repeated */
    assert_false(pass(&g, TAG "82000016 000d0012 00000002 00000002 00000003 00010000"));
    sotto__sctp_guard_output(&g, answer, n);
    assert_true(pass(&g, TAG "82000016 000d0012 00000002 00000002 00000003 00010000"));
}

/* RFC 9260 §3.3.4: TSNs begin anywhere, and the peer may send data before it acknowledges any of ours. */
/* proves: H115 */
static void the_first_sack_counts_whatever_number_it_has(void **state)
{
    (void)state;
    static const struct {
        const char *first, *next;
        uint32_t acked[2];
    } sacks[] = {
        {TAG "03000010 00000005 00001000 00000000",
         TAG "03000010 00000006 00001000 00000000",
         {5, 6}},
        {TAG "03000010 f0000005 00001000 00000000",
         TAG "03000010 00000001 00001000 00000000",
         {0xf0000005, 1}},
        {TAG "03000010 80000001 00001000 00000000",
         TAG "03000010 80000000 00001000 00000000",
         {0x80000001, 0x80000001}},
    };
    for (size_t i = 0; i < sizeof sacks / sizeof *sacks; i++) {
        struct sctp_guard g = fresh();
        assert_true(pass(&g, DATA1));
        assert_false(g.has_acked);
        assert_true(pass(&g, sacks[i].first));
        assert_true(g.has_acked);
        assert_int_equal(g.acked, sacks[i].acked[0]);
        assert_true(pass(&g, sacks[i].next));
        assert_int_equal(g.acked, sacks[i].acked[1]);
    }
}

static void whole_unordered_messages_move_to_shadow_ids_and_back(void **state)
{
    (void)state;
    struct sctp_guard g = fresh();
    struct sctp_seen seen;
    const char *why;
    uint8_t p[256];
    size_t n = unhex(
        TAG
        "00070011 00000005 00010000 00000033 78000000 00060011 00000006 00020000 00000033 78000000 "
        "00030011 00000007 00030000 00000033 78000000 00070011 00000008 00ff0000 00010033 78000000",
        p, sizeof p);
    assert_true(sotto__sctp_guard_check(&g, p, n, &seen, &why));
    assert_true(seen.rewrite);
    sotto__sctp_guard_rewrite(&g, &seen, p, n);
    static const uint16_t want[] = {256, 2, 3, 256}, back[] = {1, 2, 3, 255};
    for (size_t i = 0; i < 4; i++) {
        uint16_t sid = (uint16_t)(p[12 + 20 * i + 8] << 8 | p[12 + 20 * i + 9]);
        uint32_t ppid = sotto__get_u32(p + 12 + 20 * i + 12);
        assert_int_equal(sid, want[i]);
        sotto__sctp_guard_unshadow(&sid, &ppid);
        assert_int_equal(sid, back[i]);
        assert_int_equal(ppid, i < 3 ? 0x33 : 0); /* a PPID that leaves no room is none that we know */
    }
}

static void our_init_advertises_only_the_streams_that_exist_on_the_wire(void **state)
{
    (void)state;
    struct sctp_guard g = fresh();
    uint8_t p[64];
    size_t n = unhex(NOTAG "01000014 000000aa 00001000 0100 0200 00000005", p, sizeof p);
    sotto__sctp_guard_output(&g, p, n);
    assert_int_equal(p[12 + 14] << 8 | p[12 + 15], 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_real_peers_all_pass),
        cmocka_unit_test(each_shape_passes_or_is_refused_with_its_reason),
        cmocka_unit_test(an_init_is_as_long_as_usrsctp_can_answer),
        cmocka_unit_test(small_messages_beyond_a_closed_window_have_an_end),
        cmocka_unit_test(too_many_chunks_are_refused),
        cmocka_unit_test(one_tag_and_one_cookie_and_neither_after_data),
        cmocka_unit_test(one_reset_request_at_a_time),
        cmocka_unit_test(the_first_sack_counts_whatever_number_it_has),
        cmocka_unit_test(whole_unordered_messages_move_to_shadow_ids_and_back),
        cmocka_unit_test(our_init_advertises_only_the_streams_that_exist_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

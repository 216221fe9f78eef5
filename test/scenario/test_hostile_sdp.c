/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions that lie: rows H001–H028 of the security catalogue as far as data goes, and candidates H029–H038. Each is given to
 * a call that is up: it is refused with the right error, nothing of the state changes, and the call goes on.
 */
#include "cmocka_all.h"
#include "pair.h"
#include "util/mem.h"

#define HEAD "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
#define MLINE "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
#define ICE "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
#define PRINT                                                                                      \
    "a=fingerprint:sha-256 "                                                                       \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"   \
    "1E:1F\r\n"
#define SETUP "a=setup:actpass\r\n"
#define PORT "a=sctp-port:5000\r\n"
#define GOOD HEAD MLINE ICE PRINT SETUP PORT

static int offer_to_new(const char *sdp, sotto_error *err)
{
    struct pair *p = pair_new(1, NULL);
    int r = sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_OFFER, sdp, err);
    int32_t want = r == 0 ? SOTTO_SIGNALING_HAVE_REMOTE_OFFER : SOTTO_SIGNALING_STABLE;
    assert_int_equal(side_state(&p->side[0]).signaling, want);
    if (r < 0)
        assert_int_equal(
            sotto_pc_remote_description(p->side[0].pc, SOTTO_DESC_EFFECTIVE, NULL, NULL), 0);
    pair_run(p, SOTTO_MS(5));
    pair_free(p);
    return r;
}

static const struct {
    const char *name, *sdp;
    int want;
} refused[] = {
    {"H004 0xFF instead of SDP", "\xff\xfe", SOTTO_E_SYNTAX},
    {"H004 byte order mark", "\xef\xbb\xbf" GOOD, SOTTO_E_SYNTAX},
    {"empty", "", SOTTO_E_SYNTAX},
    {"no lines", "hello", SOTTO_E_SYNTAX},
    {"version 1", "v=1\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" MLINE ICE PRINT SETUP PORT,
     SOTTO_E_SYNTAX},
    {"H005 a mid twice", GOOD MLINE ICE PRINT SETUP PORT, SOTTO_E_SYNTAX},
    {"H005 BUNDLE names an unknown mid",
     "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" MLINE ICE PRINT
         SETUP PORT,
     SOTTO_E_SYNTAX},
    {"H005 a mid in two groups",
     "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=group:BUNDLE "
     "0\r\n" MLINE ICE PRINT SETUP PORT,
     SOTTO_E_SYNTAX},
    {"H007 no fingerprint", HEAD MLINE ICE SETUP PORT, SOTTO_E_SDP},
    {"H008 md5 only",
     HEAD MLINE ICE SETUP PORT
     "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n",
     SOTTO_E_SDP},
    {"H008 sha-1 only",
     HEAD MLINE ICE SETUP PORT
     "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n",
     SOTTO_E_SDP},
    {"H008 bad hex", HEAD MLINE ICE SETUP PORT "a=fingerprint:sha-256 0G:01\r\n", SOTTO_E_SYNTAX},
    {"H008 wrong count", HEAD MLINE ICE SETUP PORT "a=fingerprint:sha-256 00:01:02\r\n",
     SOTTO_E_SYNTAX},
    {"H010 holdconn", HEAD MLINE ICE PRINT "a=setup:holdconn\r\n" PORT, SOTTO_E_SDP},
    {"H010 unknown setup", HEAD MLINE ICE PRINT "a=setup:lazy\r\n" PORT, SOTTO_E_SYNTAX},
    {"no ice-ufrag", HEAD MLINE "a=ice-pwd:0123456789012345678901\r\n" PRINT SETUP PORT,
     SOTTO_E_SDP},
    {"no ice-pwd", HEAD MLINE "a=ice-ufrag:abcd\r\n" PRINT SETUP PORT, SOTTO_E_SDP},
    {"short ice-ufrag",
     HEAD MLINE "a=ice-ufrag:abc\r\na=ice-pwd:0123456789012345678901\r\n" PRINT SETUP PORT,
     SOTTO_E_SYNTAX},
    {"short ice-pwd",
     HEAD MLINE "a=ice-ufrag:abcd\r\na=ice-pwd:012345678901234567890\r\n" PRINT SETUP PORT,
     SOTTO_E_SYNTAX},
    {"ice-ufrag with a blank",
     HEAD MLINE "a=ice-ufrag:ab cd\r\na=ice-pwd:0123456789012345678901\r\n" PRINT SETUP PORT,
     SOTTO_E_SYNTAX},
    {"sctp-port 0", HEAD MLINE ICE PRINT SETUP "a=sctp-port:0\r\n", SOTTO_E_SYNTAX},
    {"sctp-port 65536", HEAD MLINE ICE PRINT SETUP "a=sctp-port:65536\r\n", SOTTO_E_SYNTAX},
    {"no o= line", "v=0\r\ns=-\r\nt=0 0\r\n" MLINE ICE PRINT SETUP PORT, SOTTO_E_SYNTAX},
    {"port of an m-line 65536",
     HEAD "m=application 65536 UDP/DTLS/SCTP webrtc-datachannel\r\n" ICE PRINT SETUP PORT,
     SOTTO_E_SYNTAX},
};

/* proves: S20 */
static void refused_descriptions_say_why_and_change_nothing(void **state)
{
    (void)state;
    int bad = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        sotto_error err = {.size = sizeof err};
        int r = offer_to_new(refused[i].sdp, &err);
        if (r != refused[i].want)
            print_error("%s: %d, wanted %d (line %d: %s)\n", refused[i].name, r, refused[i].want,
                        err.line, err.reason);
        bad += r != refused[i].want;
        assert_int_equal(err.code, r);
        assert_true(err.reason[0] != '\0');
        for (const char *c = err.reason; *c; c++) assert_true((uint8_t)*c >= ' ');
    }
    assert_int_equal(bad, 0);
}

static void odd_but_legal_descriptions_are_taken(void **state)
{
    (void)state;
    static const char *const rows[] = {
        GOOD,
        HEAD MLINE ICE PRINT "a=setup:active\r\n" PORT,
        HEAD MLINE ICE PRINT "a=setup:passive\r\n" PORT,
        GOOD "a=max-message-size:18446744073709551616\r\n", /* H020 */
        GOOD "a=max-message-size:0\r\n",
        GOOD "a=max-message-size:-1\r\n", /* as if it were not there */
        HEAD ICE PRINT SETUP MLINE PORT,  /* session level */
        HEAD MLINE ICE PRINT
        "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n" SETUP PORT,
        GOOD "a=candidate:1 1 udp 0 1.2.3.4 99999 typ host\r\n", /* skipped: RFC 8839 §5.1 */
        GOOD "a=unknown\r\na=x:%s%n%s%n\r\nb=AS:4294967295\r\n", /* H019, H025 */
        GOOD "a=candidate:1 1 tcp 1 1.2.3.4 9 typ host tcptype active\r\n",
        GOOD "a=candidate:1 1 udp 1 example.com 9 typ host\r\na=end-of-candidates\r\n",
        GOOD "m=audio 9 RTP/AVP 0\r\na=mid:1\r\n", /* H013 */
        GOOD "m=text 9 FOO/BAR 1\r\na=mid:1\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_error err = {.size = sizeof err};
        int r = offer_to_new(rows[i], &err);
        if (r != 0) print_error("row %zu: %d line %d: %s\n", i, r, err.line, err.reason);
        assert_int_equal(r, 0);
    }
}

/* GOOD followed by n times the line. */
static char *many(const char *line, size_t n)
{
    size_t g = strlen(GOOD), l = strlen(line);
    char *s = malloc(g + n * l + 1);
    assert_non_null(s);
    memcpy(s, GOOD, g);
    for (size_t i = 0; i < n; i++) memcpy(s + g + i * l, line, l);
    s[g + n * l] = '\0';
    return s;
}

static void descriptions_beyond_the_limits_are_refused_at_once(void **state)
{
    (void)state;
    char *s = many("0123456789", 1000000); /* H001: 10 MB */
    assert_int_equal(offer_to_new(s, NULL), SOTTO_E_LIMIT);
    free(s);
    s = many("m=audio 0 X 0\r\n", 10000); /* H002 */
    assert_int_equal(offer_to_new(s, NULL), SOTTO_E_LIMIT);
    free(s);
    s = many("a=x\r\n", 20000); /* H002 */
    assert_int_equal(offer_to_new(s, NULL), SOTTO_E_LIMIT);
    free(s);
    s = malloc(200000); /* H003: a long line */
    assert_non_null(s);
    memset(s, 'a', 200000);
    memcpy(s, GOOD "a=x:", strlen(GOOD "a=x:"));
    memcpy(s + 199997, "\r\n", 3);
    assert_int_equal(offer_to_new(s, NULL), SOTTO_E_LIMIT);
    free(s);
    s = many("a=fingerprint:sha-256 "
             "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:"
             "1C:1D:1E:1F\r\n",
             1000);
    assert_int_equal(offer_to_new(s, NULL), SOTTO_E_LIMIT); /* H008 */
    free(s);
}

/* proves: H026 H029 */
static void the_sixty_fifth_candidate_of_a_description_is_counted(void **state)
{
    (void)state;
    struct pair *p = pair_new(1, NULL);
    char *s = many("a=candidate:1 1 udp 1 1.2.3.4 9 typ host\r\n", 70);
    sotto_security *report;
    uint64_t over = 0;
    assert_int_equal(sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_OFFER, s, NULL), 0);
    assert_int_equal(sotto_pc_set_local_description(p->side[0].pc, SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    assert_int_equal(sotto_pc_get_security(p->side[0].pc, &report), 0);
    for (size_t i = 0; i < report->n_counters; i++)
        if (strcmp(report->counters[i].name, "candidateLimit") == 0)
            over = report->counters[i].count;
    assert_int_equal(over, 70 - SOTTO_MAX_REMOTE_CANDIDATES);
    sotto_free(report);
    free(s);
    pair_free(p);
}

/* proves: H026 */
static void a_flood_of_candidates_in_a_description_leaves_sixty_four(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    char *s = many("a=candidate:1 1 udp 1 1.2.3.4 9 typ host\r\n", 1500); /* H026 */
    int r = offer_to_new(s, NULL);
    assert_true(r == 0 || r == SOTTO_E_LIMIT);
    free(s);
    assert_int_equal(sotto__mem_live(), live);
}

static char *replace(const char *s, const char *from, const char *to)
{
    const char *at = strstr(s, from);
    char *out = NULL;
    assert_non_null(at);
    assert_true(asprintf(&out, "%.*s%s%s", (int)(at - s), s, to, at + strlen(from)) > 0);
    return out;
}

/* Drops the line that begins so. */
static char *without(const char *s, const char *begin)
{
    const char *at = strstr(s, begin);
    assert_non_null(at);
    const char *end = strstr(at, "\r\n");
    char *out = NULL;
    assert_true(asprintf(&out, "%.*s%s", (int)(at - s), s, end + 2) >= 0);
    return out;
}

static void a_live_call_is_not_hurt_by_bad_offers(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(2, NULL, a);
    char *offer = NULL, *before = NULL, *after = NULL;
    assert_int_equal(sotto_pc_create_offer(p->side[1].pc, NULL, &offer), 0);
    assert_int_equal(sotto_pc_remote_description(p->side[0].pc, SOTTO_DESC_CURRENT, NULL, &before),
                     1);
    char *hostile[] = {
        replace(offer, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:"),
        replace(offer, "a=mid:", "a=mid:X"),
        without(offer, "m=application"), /* H022 */
        without(offer, "a=fingerprint"),
        strdup("v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"), /* H022: no m-line any more */
        replace(GOOD, "a=ice-ufrag:", "a=x:"), /* of another session: H028 */
        strdup("\r\n"),
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        int r = sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_OFFER, hostile[i], NULL);
        if (r >= 0) print_error("hostile offer %zu is taken\n", i);
        assert_true(r < 0);
        assert_int_equal(side_state(&p->side[0]).signaling, SOTTO_SIGNALING_STABLE);
        assert_int_equal(
            sotto_pc_remote_description(p->side[0].pc, SOTTO_DESC_EFFECTIVE, NULL, &after), 1);
        assert_string_equal(after, before);
        sotto_free(after);
        assert_int_equal(chan_send(a[0], "still", 5, true), 0);
        pair_run(p, SOTTO_MS(100));
        assert_true(chan_same(a[0], a[1]));
        free(hostile[i]);
    }
    assert_int_equal(sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_ANSWER, before, NULL),
                     SOTTO_E_STATE);
    sotto_free(offer), sotto_free(before);
    pair_free(p);
}

/* proves: H011 */
static void an_answer_must_fit_its_offer(void **state)
{
    (void)state;
    struct pair *p = pair_new(3, NULL);
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    assert_int_equal(sotto_pc_set_local_description(p->side[0].pc, SOTTO_SDP_OFFER, NULL, NULL), 0);
    static const struct {
        const char *sdp;
        int want;
    } rows[] = {
        {GOOD, SOTTO_E_SDP},                                                  /* H011: actpass */
        {"v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SDP}, /* no m-line */
        {HEAD MLINE ICE PRINT "a=setup:active\r\n" PORT "m=audio 9 X 0\r\n", SOTTO_E_SDP}, /* one too many */
        {HEAD MLINE ICE "a=setup:active\r\n" PORT, SOTTO_E_SDP}, /* H007 */
        {HEAD MLINE ICE PRINT "a=setup:holdconn\r\n" PORT, SOTTO_E_SDP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int r = sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_ANSWER, rows[i].sdp, NULL);
        if (r != rows[i].want) print_error("answer %zu: %d\n", i, r);
        assert_int_equal(r, rows[i].want);
        assert_int_equal(side_state(&p->side[0]).signaling, SOTTO_SIGNALING_HAVE_LOCAL_OFFER);
    }
    pair_free(p);
}

/* ---- candidates ---- */

static int add(struct side *s, const char *line)
{
    sotto_candidate c = {.size = sizeof c, .line = line, .has_mline_index = 1};
    return sotto_pc_add_ice_candidate(s->pc, &c, NULL);
}

struct watch {
    const struct pair *p;
    uint64_t elsewhere;
};

static enum net_verdict watch(struct net *net, struct net_datagram *d, void *user)
{
    struct watch *w = user;
    bool known = false;
    for (int i = 0; i < net->n_hosts; i++)
        for (size_t k = 0; k < net->hosts[i]->n_addresses; k++)
            known = known || memcmp(d->to.ip, net->hosts[i]->addresses[k].ip, 16) == 0;
    if (!known) w->elsewhere++;
    return NET_PASS;
}

static const struct {
    const char *line;
    int want;
} candidates[] = {
    {"candidate:1 1 udp 1 1.2.3.4 0 typ host", SOTTO_E_SYNTAX}, /* H030 */
    {"candidate:1 1 udp 1 1.2.3.4 -1 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 1 udp 1 1.2.3.4 65536 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 1 udp 1 1.2.3.4 99999 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 1 udp 0 1.2.3.4 9 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 1 udp 4294967296 1.2.3.4 9 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 0 udp 1 1.2.3.4 9 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 257 udp 1 1.2.3.4 9 typ host", SOTTO_E_SYNTAX},
    {"candidate:123456789012345678901234567890123 1 udp 1 1.2.3.4 9 typ host", SOTTO_E_SYNTAX},
    {"candidate:1 1 tcp 1 1.2.3.4 9 typ host", SOTTO_E_SYNTAX},      /* H036 */
    {"candidate:1 1 udp 1 fe80::1%eth0 9 typ host", SOTTO_E_SYNTAX}, /* H032 */
    {"candidate:1 1 udp 1 1.2.3.4 9", SOTTO_E_SYNTAX},
    {"candidate:1 1 udp 1 1.2.3.4 9 typ bogus", SOTTO_E_SYNTAX},
    {"hello", SOTTO_E_SYNTAX},
    {"candidate:1 1 udp 1 127.0.0.1 22 typ host", 0}, /* H031 */
    {"candidate:1 1 udp 1 ::1 22 typ host", 0},
    {"candidate:1 1 udp 1 169.254.169.254 80 typ host", 0},
    {"candidate:1 1 udp 1 224.0.0.1 9 typ host", 0},
    {"candidate:1 1 udp 1 255.255.255.255 9 typ host", 0},
    {"candidate:1 1 udp 1 0.0.0.0 9 typ host", 0},
    {"candidate:1 1 udp 1 fe80::1 9 typ host", 0},
    {"candidate:1 1 udp 1 ::ffff:10.0.0.1 9 typ host", 0},
    {"candidate:1 1 udp 1 :: 9 typ host", 0},
    {"candidate:1 1 udp 1 ff02::1 9 typ host", 0},
    {"candidate:1 1 udp 1 64:ff9b::169.254.169.254 80 typ host", 0},
    {"candidate:1 1 udp 1 2002:7f00:1::1 22 typ host", 0},
    {"candidate:1 1 udp 1 example.com 9 typ host", 0}, /* H033 */
    {"candidate:1 1 udp 1 00000000-0000-0000-0000-000000000000.local 9 typ host", 0},
    {"candidate:1 1 tcp 1 1.2.3.4 9 typ host tcptype active", 0},
    {"candidate:1 2 udp 1 1.2.3.4 9 typ host", 0},
    {"candidate:1 1 udp 1 1.2.3.4 9 typ host ufrag stale", 0}, /* H038 */
};

/* proves: SDP-23 H031 */
static void bad_candidates_are_refused_and_useless_ones_get_no_packet(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(4, NULL, a);
    struct watch w = {p, 0};
    p->net->tap = watch, p->net->tap_user = &w;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        int r = add(&p->side[0], candidates[i].line);
        if (r != candidates[i].want) print_error("%s: %d\n", candidates[i].line, r);
        assert_int_equal(r, candidates[i].want);
    }
    char *long_line = calloc(1, 2000);
    assert_non_null(long_line);
    int n = snprintf(long_line, 2000, "candidate:1 1 udp 1 1.2.3.4 9 typ host x ");
    memset(long_line + n, 'y', 600);
    assert_true(add(&p->side[0], long_line) < 0);
    free(long_line);
    sotto_candidate stale = {.size = sizeof stale,
                             .line = "candidate:1 1 udp 1 1.2.3.4 9 typ host",
                             .has_mline_index = 1,
                             .ufrag = "old"};
    assert_int_equal(sotto_pc_add_ice_candidate(p->side[0].pc, &stale, NULL), 0);
    sotto_candidate wrong = stale;
    wrong.ufrag = NULL, wrong.mline_index = 5;
    assert_int_equal(sotto_pc_add_ice_candidate(p->side[0].pc, &wrong, NULL), SOTTO_E_SDP);
    wrong.mid = "nobody", wrong.mline_index = 0;
    assert_int_equal(sotto_pc_add_ice_candidate(p->side[0].pc, &wrong, NULL), SOTTO_E_SDP);
    pair_run(p, SOTTO_SECONDS(10));
    assert_int_equal(w.elsewhere, 0);
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

/* proves: H029 */
static void of_a_flood_of_candidates_sixty_four_are_taken(void **state)
{
    (void)state;
    struct pair *p = pair_new(5, NULL);
    assert_int_equal(add(&p->side[0], "candidate:1 1 udp 1 1.2.3.4 9 typ host"), SOTTO_E_STATE);
    struct chan *a[2];
    pair_free(p);
    struct pair_opt o = {.no_end = true};
    p = pair_connected(6, &o, a);
    int64_t live = sotto__mem_live();
    int taken = 0;
    char line[100];
    for (int i = 0; i < 100000; i++) { /* H029 */
        snprintf(line, sizeof line, "candidate:1 1 udp 1 10.%d.%d.%d 9 typ host", i >> 16 & 255,
                 i >> 8 & 255, i & 255);
        int r = add(&p->side[0], line);
        assert_true(r == 0 || r == SOTTO_E_LIMIT);
        taken += r == 0;
    }
    assert_true(taken <= SOTTO_MAX_REMOTE_CANDIDATES);
    assert_true(taken >= SOTTO_MAX_REMOTE_CANDIDATES - 4);
    assert_true(sotto__mem_live() < live + 300);
    pair_run(p, SOTTO_SECONDS(2));
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_descriptions_say_why_and_change_nothing),
        cmocka_unit_test(odd_but_legal_descriptions_are_taken),
        cmocka_unit_test(descriptions_beyond_the_limits_are_refused_at_once),
        cmocka_unit_test(the_sixty_fifth_candidate_of_a_description_is_counted),
        cmocka_unit_test(a_flood_of_candidates_in_a_description_leaves_sixty_four),
        cmocka_unit_test(a_live_call_is_not_hurt_by_bad_offers),
        cmocka_unit_test(an_answer_must_fit_its_offer),
        cmocka_unit_test(bad_candidates_are_refused_and_useless_ones_get_no_packet),
        cmocka_unit_test(of_a_flood_of_candidates_sixty_four_are_taken),
    };
    return cmocka_run_group_tests_name("hostile sdp", tests, NULL, NULL);
}

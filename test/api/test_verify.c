/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of verify.h: what they are given, over real sockets, in real threads. */
#include "sotto/verify.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api/ctx.h"
#include "api/verify.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

#define BYTES16 "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F"
#define PRINT "sha-256 " BYTES16 ":" BYTES16

static const struct {
    const char *text;
    int want;
} prints[] = {
    {PRINT, 0},
    {"SHA-256 " BYTES16 ":" BYTES16, 0},
    {"sha-384 " BYTES16 ":" BYTES16 ":" BYTES16, 0},
    {"sha-512 " BYTES16 ":" BYTES16 ":" BYTES16 ":" BYTES16, 0},
    {"sha-1 " BYTES16 ":10:11:12:13", SOTTO_E_SYNTAX},
    {"md5 " BYTES16, SOTTO_E_SYNTAX},
    {"sha-256 " BYTES16, SOTTO_E_SYNTAX},
    {BYTES16 ":" BYTES16, SOTTO_E_SYNTAX},
    {"sha-256", SOTTO_E_SYNTAX},
    {"", SOTTO_E_SYNTAX},
    {PRINT "\r\na=setup:active", SOTTO_E_SYNTAX},
    {NULL, SOTTO_E_INVAL},
};

/* proves: S28 */
static void fingerprints_are_of_hashes_that_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
        const char *both[2] = {PRINT, prints[i].text};
        struct sdp_fingerprint *out;
        sotto_error e = {.size = sizeof e};
        int r = sotto__pins_read(both, 2, &out, &e);
        if (r != prints[i].want) fail_msg("%s: %d", prints[i].text, r);
        assert_int_equal(e.code, r);
        assert_true((out != NULL) == (r == 0));
        sotto__free(out);
    }
}

/* proves: S05 */
static void the_configuration_has_limits_and_is_read_back(void **state)
{
    static const char *many[SOTTO_MAX_PINS + 1];
    sotto_ctx *ctx;
    sotto_pc *pc = NULL;
    sotto_pc_config cfg = {.size = sizeof cfg, .peer_fingerprints = many}, *back;
    (void)state;
    for (size_t i = 0; i <= SOTTO_MAX_PINS; i++) many[i] = PRINT;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    cfg.n_peer_fingerprints = SOTTO_MAX_PINS + 1;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), SOTTO_E_LIMIT);
    cfg.n_peer_fingerprints = SOTTO_MAX_PINS;
    cfg.required_verification = SOTTO_VERIFY_CONFIRMED + 1;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), SOTTO_E_RANGE);
    cfg.required_verification = -1;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), SOTTO_E_RANGE);
    cfg.required_verification = SOTTO_VERIFY_CONFIRMED;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    assert_int_equal(sotto_pc_get_config(pc, &back), 0);
    assert_int_equal(back->n_peer_fingerprints, SOTTO_MAX_PINS);
    assert_string_equal(back->peer_fingerprints[SOTTO_MAX_PINS - 1], PRINT);
    assert_int_equal(back->required_verification, SOTTO_VERIFY_CONFIRMED);
    assert_int_equal(sotto_pc_set_config(pc, back), 0);
    back->required_verification = SOTTO_VERIFY_NONE;
    assert_int_equal(sotto_pc_set_config(pc, back), SOTTO_E_MODIFICATION); /* never less */
    back->required_verification = SOTTO_VERIFY_CONFIRMED;
    back->n_peer_fingerprints--;
    assert_int_equal(sotto_pc_set_config(pc, back), SOTTO_E_MODIFICATION);
    back->n_peer_fingerprints = 0;
    assert_int_equal(sotto_pc_set_config(pc, back), 0); /* as they are */
    sotto_free(back);
    assert_int_equal(sotto_pc_set_peer_fingerprints(pc, many, SOTTO_MAX_PINS + 1, NULL),
                     SOTTO_E_LIMIT);
    assert_int_equal(sotto_pc_set_peer_fingerprints(pc, many, 0, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_set_peer_fingerprints(pc, NULL, 1, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_set_peer_fingerprints(pc, many, 1, NULL), 0);
    cfg.peer_fingerprints = NULL;
    sotto_pc *other;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &other), SOTTO_E_INVAL);
    sotto_ctx_free(ctx);
}

/* proves: A04 A05 */
static void wrong_arguments_and_handles_are_told(void **state)
{
    sotto_ctx *ctx;
    sotto_pc *pc = NULL;
    const char *print = PRINT;
    char code[SOTTO_VERIFICATION_CODE], words[SOTTO_VERIFICATION_WORDS], *text;
    uint64_t junk[32] = {1, 2, 3};
    (void)state;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    sotto_pc *wrong[] = {NULL, (sotto_pc *)(void *)junk};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sotto_pc_get_verification_code(wrong[i], code, sizeof code),
                         SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_get_verification_words(wrong[i], words, sizeof words),
                         SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_get_verification(wrong[i]), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_confirm_peer(wrong[i], true), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_confirm_peer(wrong[i], false), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_set_peer_fingerprints(wrong[i], &print, 1, NULL), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_get_peer_fingerprint(wrong[i], &text), SOTTO_E_INVAL);
    }
    assert_int_equal(sotto_pc_get_verification_code(pc, NULL, 100), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_verification_words(pc, NULL, 200), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_peer_fingerprint(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_verification_code(pc, code, sizeof code - 1), SOTTO_E_TOO_BIG);
    assert_int_equal(sotto_pc_get_verification_words(pc, words, sizeof words - 1), SOTTO_E_TOO_BIG);
    assert_int_equal(sotto_pc_get_verification_code(pc, code, sizeof code), SOTTO_E_STATE);
    assert_int_equal(sotto_pc_get_verification(pc), SOTTO_VERIFY_NONE);
    assert_int_equal(sotto_pc_confirm_peer(pc, true), SOTTO_E_STATE);
    assert_int_equal(sotto_pc_get_peer_fingerprint(pc, &text), SOTTO_E_STATE);
    sotto_pc_close(pc);
    assert_int_equal(sotto_pc_get_verification_code(pc, code, sizeof code), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_confirm_peer(pc, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_confirm_peer(pc, false), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_set_peer_fingerprints(pc, &print, 1, NULL), SOTTO_E_CLOSED);
    sotto_ctx_free(ctx);
}

struct watcher {
    sotto_pc *pc;
    atomic_bool stop;
    char last[SOTTO_VERIFICATION_CODE];
};

static void *read_all_the_time(void *arg)
{
    struct watcher *r = arg;
    while (!atomic_load(&r->stop)) {
        char code[SOTTO_VERIFICATION_CODE];
        if (sotto_pc_get_verification_code(r->pc, code, sizeof code) == 0)
            memcpy(r->last, code, sizeof code);
        (void)sotto_pc_get_verification(r->pc);
    }
    return NULL;
}

/* proves: S05 S18 */
static void over_real_sockets_and_threads_it_is_the_same(void **state)
{
    sotto_ctx *one, *two;
    struct call c;
    char *print = NULL;
    char code[2][SOTTO_VERIFICATION_CODE];
    pthread_t thread;
    (void)state;
    assert_int_equal(both_ways_ctx(NULL, &one), 0);
    assert_int_equal(both_ways_ctx(NULL, &two), 0);
    call_new(&c, one, two);
    sotto_pc_free(c.a.pc), sotto_dc_free(c.a.dc); /* a wants to know first */
    sotto_pc_config cfg = {.size = sizeof cfg,
                           .allow_loopback = true,
                           .user = &c.a,
                           .required_verification = SOTTO_VERIFY_CONFIRMED};
    assert_int_equal(sotto_pc_new(one, &cfg, &c.a.pc), 0);
    sotto_dc_config dc = {.size = sizeof dc, .user = &c.a};
    assert_int_equal(sotto_pc_create_data_channel(c.a.pc, "call", &dc, &c.a.dc), 0);
    struct watcher r = {.pc = c.a.pc};
    assert_int_equal(pthread_create(&thread, NULL, read_all_the_time, &r), 0);
    call_offer_and_answer(&c);
    assert_true(call_run(&c, &c.a.connected, 60000) && call_run(&c, &c.b.connected, 60000));
    bool never = false;
    call_run(&c, &never, 300);
    assert_true(!c.a.open && !c.b.open && c.b.n_events[SOTTO_EV_CHANNEL] == 0);
    assert_int_equal(sotto_dc_send(c.a.dc, "x", 1, true), SOTTO_E_STATE);
    assert_int_equal(sotto_pc_get_verification_code(c.a.pc, code[0], sizeof code[0]), 0);
    assert_int_equal(sotto_pc_get_verification_code(c.b.pc, code[1], sizeof code[1]), 0);
    assert_string_equal(code[0], code[1]);
    assert_int_equal(sotto_pc_confirm_peer(c.a.pc, true), 0);
    assert_true(call_run(&c, &c.a.open, 60000) && call_run(&c, &c.b.open, 60000));
    assert_int_equal(c.a.n_events[SOTTO_EV_VERIFIED], 1);
    assert_int_equal(sotto_dc_send(c.a.dc, "x", 1, true), 0);
    assert_int_equal(sotto_pc_get_peer_fingerprint(c.a.pc, &print), 0);
    assert_int_equal(sotto_pc_set_peer_fingerprints(c.a.pc, (const char *const[]){print}, 1, NULL),
                     0);
    assert_int_equal(sotto_pc_set_peer_fingerprints(c.a.pc, (const char *const[]){PRINT}, 1, NULL),
                     SOTTO_E_ACCESS);
    sotto_free(print);
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    assert_string_equal(r.last, code[0]);
    call_free(&c);
    sotto_ctx_free(one);
    sotto_ctx_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_are_of_hashes_that_count),
        cmocka_unit_test(the_configuration_has_limits_and_is_read_back),
        cmocka_unit_test(wrong_arguments_and_handles_are_told),
        cmocka_unit_test(over_real_sockets_and_threads_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

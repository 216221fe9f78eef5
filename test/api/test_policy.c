/* SPDX-License-Identifier: BSD-2-Clause */
/* The public function of policies: what it refuses, and that what it takes holds. What each limit does is in test/peer/test_policy.c. */
#include "sides.h"
#include "util/mem.h"

static const char *const codecs[] = {"opus", NULL};
static const char *const empty[] = {""};
static const char *const longest[] = {"a-name-of-thirty-two-characters!"};

/* proves: S31 */
static void a_policy_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        sotto_policy policy;
        int want;
    } rows[] = {
        {{.size = sizeof(sotto_policy)}, 0},
        {{.size = 2}, SOTTO_E_INVAL},
        {{.size = sizeof(sotto_policy), .audio = 4}, SOTTO_E_RANGE},
        {{.size = sizeof(sotto_policy), .video = -1}, SOTTO_E_RANGE},
        {{.size = sizeof(sotto_policy), .refuse_candidates = 32}, SOTTO_E_RANGE},
        {{.size = sizeof(sotto_policy), .refuse_candidates = 31}, 0},
        {{.size = sizeof(sotto_policy), .n_codecs = 1}, SOTTO_E_INVAL},
        {{.size = sizeof(sotto_policy), .codecs = codecs, .n_codecs = 1}, 0},
        {{.size = sizeof(sotto_policy), .codecs = codecs, .n_codecs = 2}, SOTTO_E_INVAL},
        {{.size = sizeof(sotto_policy), .codecs = codecs, .n_codecs = 33}, SOTTO_E_LIMIT},
        {{.size = sizeof(sotto_policy), .codecs = empty, .n_codecs = 1}, SOTTO_E_RANGE},
        {{.size = sizeof(sotto_policy), .codecs = longest, .n_codecs = 1}, SOTTO_E_RANGE},
    };
    struct sides s;
    (void)state;
    sides_new(&s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(sotto_pc_set_policy(s.a, &rows[i].policy), rows[i].want);
    assert_int_equal(sotto_pc_set_policy(s.a, NULL), 0);
    assert_int_equal(sotto_pc_set_policy(NULL, NULL), SOTTO_E_INVAL);
    sotto_pc_close(s.a);
    assert_int_equal(sotto_pc_set_policy(s.a, &rows[0].policy), SOTTO_E_CLOSED);
    sides_free(&s);
}

/* proves: S31 */
static void a_policy_is_copied_and_holds(void **state)
{
    char name[] = "opus", *names[] = {name};
    sotto_policy w = {.size = sizeof w, .video = SOTTO_ALLOW_NONE};
    struct sides s;
    sotto_transceiver *t;
    char *sdp;
    (void)state;
    sides_new(&s);
    w.codecs = (const char *const *)names;
    w.n_codecs = 1;
    assert_int_equal(sotto_pc_set_policy(s.b, &w), 0);
    name[0] = 'x';
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_VIDEO, NULL, &t), 0);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sotto_pc_local_description(s.b, 0, NULL, &sdp), 1);
    assert_non_null(strstr(sdp, "m=video 0 "));
    assert_non_null(strstr(sdp, "opus/48000"));
    assert_null(strstr(sdp, "PCMU"));
    assert_int_equal(sotto_pc_get_transceivers(s.b, NULL, 0), 1);
    sotto_free(sdp);
    sides_free(&s);
}

/* proves: S31 */
static void without_memory_the_policy_stays_as_it_was(void **state)
{
    struct sides s;
    sotto_policy w = {.size = sizeof w, .codecs = codecs, .n_codecs = 1};
    (void)state;
    sides_new(&s);
    assert_int_equal(sotto_pc_set_policy(s.a, &w), 0);
    int64_t live = sotto__mem_live();
    sotto__mem_fail_at(1);
    int r = sotto_pc_set_policy(s.a, &w);
    sotto__mem_fail_at(0);
    assert_int_equal(r, SOTTO_E_NOMEM);
    assert_int_equal(sotto__mem_live(), live);
    assert_int_equal(sotto_pc_set_policy(s.a, &w), 0); /* in its place */
    assert_int_equal(sotto__mem_live(), live);
    sides_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_policy_is_copied_and_holds),
        cmocka_unit_test(without_memory_the_policy_stays_as_it_was),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}

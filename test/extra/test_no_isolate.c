/* SPDX-License-Identifier: BSD-2-Clause */
/* A library without decoders in a process of their own: asking for one is refused, never ignored; all else is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sotto/audio.h"
#include "util/mem.h"

/* proves: S11 */
static void an_isolated_decoder_is_refused_where_there_is_none(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    sotto_playout *p = NULL;
    sotto_opus_decoder *d = NULL;
    sotto_playout_config c = {.size = sizeof c, .isolate_decoder = true};
    sotto_opus_decoder_config o = {.size = sizeof o, .isolate_decoder = true};
    assert_int_equal(sotto_playout_new(&c, &p), SOTTO_E_UNSUPPORTED);
    assert_int_equal(sotto_opus_decoder_open(&o, &d), SOTTO_E_UNSUPPORTED);
    assert_null(p);
    assert_null(d);
    assert_int_equal(sotto__mem_live(), live);
}

static void decoders_in_this_process_are_as_ever(void **state)
{
    (void)state;
    int16_t pcm[960];
    sotto_playout *p = NULL;
    sotto_opus_decoder *d = NULL;
    sotto_isolation i = {.size = sizeof i, .state = 9};
    assert_int_equal(sotto_playout_new(NULL, &p), 0);
    assert_int_equal(sotto_playout_pull(p, pcm, 960), 960);
    assert_int_equal(sotto_playout_get_isolation(p, &i), 0);
    assert_int_equal(i.state, SOTTO_ISOLATION_NONE);
    assert_int_equal(sotto_opus_decoder_open(NULL, &d), 0);
    assert_int_equal(sotto_opus_decode(d, NULL, 0, pcm, 960), 960);
    sotto_opus_decoder_free(d);
    sotto_playout_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isolated_decoder_is_refused_where_there_is_none),
        cmocka_unit_test(decoders_in_this_process_are_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

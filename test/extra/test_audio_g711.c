/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sotto/audio.h"

static int16_t mu(unsigned code)
{
    int16_t pcm;
    assert_int_equal(sotto_pcmu_decode(&(uint8_t){(uint8_t)code}, 1, &pcm), 1);
    return pcm;
}

static int16_t a(unsigned code)
{
    int16_t pcm;
    assert_int_equal(sotto_pcma_decode(&(uint8_t){(uint8_t)code}, 1, &pcm), 1);
    return pcm;
}

static unsigned mu_of(int sample)
{
    uint8_t code;
    assert_int_equal(sotto_pcmu_encode(&(int16_t){(int16_t)sample}, 1, &code), 1);
    return code;
}

static unsigned a_of(int sample)
{
    uint8_t code;
    assert_int_equal(sotto_pcma_encode(&(int16_t){(int16_t)sample}, 1, &code), 1);
    return code;
}

/* Table 2a of G.711 (and 2b mirrored): decoder output values y at segment ends, in 14 bits. */
static void mulaw_decodes_to_the_values_of_table_2(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        int value;
    } rows[] = {{0xff, 0},    {0xfe, 2},    {0xf0, 30},   {0xef, 33},   {0xe0, 93},  {0xdf, 99},
                {0xd0, 219},  {0xcf, 231},  {0xc0, 471},  {0xbf, 495},  {0xb0, 975}, {0xaf, 1023},
                {0xa0, 1983}, {0x9f, 2079}, {0x90, 3999}, {0x8f, 4191}, {0x80, 8031}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mu(rows[i].code), 4 * rows[i].value);
        assert_int_equal(mu(rows[i].code & 0x7f), -4 * rows[i].value);
    }
}

/* Table 1a of G.711: quantised values y at segment ends, in units of 1/4096 of full scale; even bits inverted. */
static void alaw_decodes_to_the_values_of_table_1(void **state)
{
    (void)state;
    static const struct {
        unsigned code; /* before the inversion */
        int value;
    } rows[] = {{0x80, 1},    {0x81, 3},    {0x8f, 31},   {0x90, 33},   {0x9f, 63},  {0xa0, 66},
                {0xaf, 126},  {0xb0, 132},  {0xbf, 252},  {0xc0, 264},  {0xcf, 504}, {0xd0, 528},
                {0xdf, 1008}, {0xe0, 1056}, {0xef, 2016}, {0xf0, 2112}, {0xff, 4032}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(a(rows[i].code ^ 0x55), 8 * rows[i].value);
        assert_int_equal(a((rows[i].code & 0x7f) ^ 0x55), -8 * rows[i].value);
    }
}

/* Decision values x of the two tables: at them the code changes. */
static void encoders_change_code_at_the_decision_values(void **state)
{
    (void)state;
    static const struct {
        int at;
        unsigned below, from;
    } mu_rows[] = {{4, 0xff, 0xfe},        {4 * 31, 0xf0, 0xef},   {4 * 95, 0xe0, 0xdf},
                   {4 * 223, 0xd0, 0xcf},  {4 * 479, 0xc0, 0xbf},  {4 * 991, 0xb0, 0xaf},
                   {4 * 2015, 0xa0, 0x9f}, {4 * 4063, 0x90, 0x8f}, {4 * 7903, 0x81, 0x80}},
      a_rows[] = {{16, 0x80, 0x81},       {8 * 32, 0x8f, 0x90},   {8 * 64, 0x9f, 0xa0},
                  {8 * 128, 0xaf, 0xb0},  {8 * 256, 0xbf, 0xc0},  {8 * 512, 0xcf, 0xd0},
                  {8 * 1024, 0xdf, 0xe0}, {8 * 2048, 0xef, 0xf0}, {8 * 3968, 0xfe, 0xff}};
    for (size_t i = 0; i < sizeof mu_rows / sizeof mu_rows[0]; i++) {
        assert_int_equal(mu_of(mu_rows[i].at - 1), mu_rows[i].below);
        assert_int_equal(mu_of(mu_rows[i].at), mu_rows[i].from);
        assert_int_equal(mu_of(-mu_rows[i].at), mu_rows[i].below & 0x7f);
        assert_int_equal(mu_of(-mu_rows[i].at - 1), mu_rows[i].from & 0x7f);
    }
    for (size_t i = 0; i < sizeof a_rows / sizeof a_rows[0]; i++) {
        assert_int_equal(a_of(a_rows[i].at - 1), a_rows[i].below ^ 0x55);
        assert_int_equal(a_of(a_rows[i].at), a_rows[i].from ^ 0x55);
        assert_int_equal(a_of(-a_rows[i].at - 1), (a_rows[i].from & 0x7f) ^ 0x55);
    }
}

static void every_code_survives_decoding_and_encoding_but_negative_zero(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        assert_int_equal(mu_of(mu(code)), code == 0x7f ? 0xff : code); /* both of them are zero */
        assert_int_equal(a_of(a(code)), code);
    }
}

static void every_sample_goes_to_the_nearest_value_within_its_segment(void **state)
{
    (void)state;
    int last_mu = -40000, last_a = -40000;
    for (int x = INT16_MIN; x <= INT16_MAX; x++) {
        int m = mu(mu_of(x)), l = a(a_of(x)), size = abs(x);
        assert_true(m >= last_mu && l >= last_a); /* monotonic */
        last_mu = m, last_a = l;
        assert_true(abs(x - m) <= 4 + (size + 132) / 32 || size > 32124);
        assert_true(abs(x - l) <= (size < 256 ? 8 : size / 32 + 1));
    }
    assert_int_equal(mu(mu_of(INT16_MAX)), 32124);
    assert_int_equal(mu(mu_of(INT16_MIN)), -32124);
    assert_int_equal(a(a_of(INT16_MAX)), 32256);
    assert_int_equal(a(a_of(INT16_MIN)), -32256);
}

static void nothing_where_something_must_be_is_refused(void **state)
{
    (void)state;
    int16_t pcm = 0;
    uint8_t byte = 0;
    assert_int_equal(sotto_pcmu_encode(NULL, 1, &byte), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcmu_encode(&pcm, 1, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcmu_decode(NULL, 1, &pcm), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcmu_decode(&byte, 1, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcma_encode(NULL, 1, &byte), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcma_encode(&pcm, 1, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcma_decode(NULL, 1, &pcm), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcma_decode(&byte, 1, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcma_decode(&byte, SIZE_MAX, &pcm), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcmu_decode(&byte, (size_t)INT32_MAX + 1, &pcm), SOTTO_E_INVAL);
    assert_int_equal(sotto_pcmu_decode(&byte, 0, &pcm), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mulaw_decodes_to_the_values_of_table_2),
        cmocka_unit_test(alaw_decodes_to_the_values_of_table_1),
        cmocka_unit_test(encoders_change_code_at_the_decision_values),
        cmocka_unit_test(every_code_survives_decoding_and_encoding_but_negative_zero),
        cmocka_unit_test(every_sample_goes_to_the_nearest_value_within_its_segment),
        cmocka_unit_test(nothing_where_something_must_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

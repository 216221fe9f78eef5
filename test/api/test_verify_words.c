/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of words: what makes two of them hard to confuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/verify.h"

static void words_are_short_and_in_order_and_their_first_four_letters_say_which(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        const char *w = sotto__verify_word((uint8_t)i);
        size_t n = strlen(w);
        assert_true(n >= 3 && n <= 7 && strspn(w, "abcdefghijklmnopqrstuvwxyz") == n);
        if (i == 0) continue;
        const char *before = sotto__verify_word((uint8_t)(i - 1));
        assert_true(strcmp(before, w) < 0 && strncmp(before, w, 4) != 0);
    }
}

static bool differ_by_one_letter(const char *a, const char *b)
{
    size_t n = 0;
    if (strlen(a) != strlen(b)) return false;
    for (size_t i = 0; a[i]; i++) n += a[i] != b[i];
    return n < 2;
}

static void no_word_becomes_another_by_one_letter(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++)
        for (int k = 0; k < i; k++)
            assert_false(differ_by_one_letter(sotto__verify_word((uint8_t)i),
                                              sotto__verify_word((uint8_t)k)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_short_and_in_order_and_their_first_four_letters_say_which),
        cmocka_unit_test(no_word_becomes_another_by_one_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

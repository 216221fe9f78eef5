/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/rand.h"

/* The vectors of the paper's appendix A and of its reference code: key 00…0f, input 00, 01, … */
static void the_hash_is_siphash(void **state)
{
    (void)state;
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t in[16];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)i;
    assert_true(sotto__mask_hash(key, in, 15) == 0xa129ca6149be45e5);
    assert_true(sotto__mask_hash(key, in, 0) == 0x726fdb47dd0e0e31);
    assert_true(sotto__mask_hash(key, in, 8) == 0x93f5f5799a932462);
}

/* proves: S26 */
static void the_same_thing_has_one_mask_and_another_has_another(void **state)
{
    (void)state;
    char a[MASK], b[MASK], c[MASK];
    assert_string_equal(sotto__mask_address("192.0.2.7", a), sotto__mask_address("192.0.2.7", b));
    assert_string_not_equal(a, sotto__mask_address("192.0.2.8", c));
    assert_int_equal(strlen(a), strlen("ip4-") + 8);
    assert_memory_equal(a, "ip4-", 4);
    assert_memory_equal(sotto__mask_address("2001:db8::1", b), "ip6-", 4);
    assert_memory_equal(sotto__mask_address("a.local", b), "host-", 5);
    assert_string_equal(sotto__mask_string("ufrag", "", b), "");
}

/* proves: S26 A15 */
static void another_process_has_another_mask(void **state)
{
    (void)state;
    char own[MASK], theirs[MASK] = "";
    int ends[2];
    sotto__mask_address("192.0.2.7", own);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        sotto__mask_address("192.0.2.7", theirs);
        _exit(write(ends[1], theirs, MASK) == MASK ? 0 : 1);
    }
    assert_int_equal(read(ends[0], theirs, MASK), MASK);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]), close(ends[1]);
    assert_memory_equal(theirs, "ip4-", 4);
    assert_string_not_equal(own, theirs);
}

/* In a child, which has no key yet. */
/* proves: A17 */
static void without_entropy_nothing_is_shown(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        char out[MASK];
        sotto__rand_fail(1);
        bool hidden = strcmp(sotto__mask_address("192.0.2.7", out), "ip4-hidden") == 0;
        sotto__rand_fail(0);
        _exit(hidden && strcmp(sotto__mask_address("192.0.2.7", out), "ip4-hidden") != 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void mask_one(const char *text, char *out, size_t cap)
{
    char token[MASK];
    size_t used = 0;
    for (const char *at = text; *at; at++) { /* "{x}" stands for the mask of x */
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (!end) {
            out[used++] = *at;
            continue;
        }
        char thing[64];
        snprintf(thing, sizeof thing, "%.*s", (int)(end - at - 1), at + 1);
        used += (size_t)snprintf(out + used, cap - used, "%s", sotto__mask_address(thing, token));
        at = end;
    }
    out[used] = '\0';
}

/* proves: S26 */
static void addresses_in_text_are_masked_and_the_rest_stays(void **state)
{
    (void)state;
    static const struct {
        const char *text, *masked;
    } rows[] = {
        {"", ""},
        {"state 1 → 2", "state 1 → 2"},
        {"pair host udp 192.0.2.7 → 10.1.2.3", "pair host udp {192.0.2.7} → {10.1.2.3}"},
        {"from 192.0.2.7:3478, gone.", "from {192.0.2.7}:3478, gone."},
        {"it was 192.0.2.7.", "it was {192.0.2.7}."},
        {"(2001:db8::1)", "({2001:db8::1})"},
        {"[2001:db8::1]:99", "[{2001:db8::1}]:99"},
        {"fe80::1%eth0 is", "{fe80::1}%eth0 is"},
        {"at ::1: refused", "at {::1}: refused"},
        {"::ffff:192.0.2.7", "{::ffff:192.0.2.7}"},
        {"from:192.0.2.7", "from:{192.0.2.7}"},
        {"0b1c-22.local said", "{0b1c-22.local} said"},
        {"turn:turn.example.org:3478?transport=tcp said 401",
         "turn:{turn.example.org}:3478?transport=tcp said 401"},
        {"stun:192.0.2.7", "stun:{192.0.2.7}"},
        {"turns:[2001:db8::2]:443", "turns:[{2001:db8::2}]:443"},
        {"https://example.org/whip/a", "https://{example.org}/whip/a"},
        {"TURN:Turn.Example.org said 401", "TURN:{Turn.Example.org} said 401"},
        {"turn:192.0.2.7.example.org:99", "turn:{192.0.2.7.example.org}:99"},
        {"0B1C-22.LOCAL said", "{0B1C-22.LOCAL} said"},
        {"0.1.0 of 12.5 s at 10:30:00", "0.1.0 of 12.5 s at 10:30:00"},
        {"256.1.1.1 and 1.2.3 and 1.2.3.4.5", "256.1.1.1 and 1.2.3 and 1.2.3.4.5"},
        {"errno 98: DTLS 1.2, TLS_AES_128", "errno 98: DTLS 1.2, TLS_AES_128"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[256], got[256];
        mask_one(rows[i].masked, want, sizeof want);
        sotto__mask_text(rows[i].text, got, sizeof got);
        assert_string_equal(got, want);
    }
}

static void a_text_is_cut_to_its_room(void **state)
{
    (void)state;
    char out[8];
    memset(out, 'x', sizeof out);
    sotto__mask_text("from 192.0.2.7", out, 8);
    assert_int_equal(out[7], '\0');
    assert_memory_equal(out, "from ip", 7);
    sotto__mask_text("abc", out, 1);
    assert_string_equal(out, "");
    sotto__mask_text("abc", out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_siphash),
        cmocka_unit_test(the_same_thing_has_one_mask_and_another_has_another),
        cmocka_unit_test(another_process_has_another_mask),
        cmocka_unit_test(without_entropy_nothing_is_shown),
        cmocka_unit_test(addresses_in_text_are_masked_and_the_rest_stays),
        cmocka_unit_test(a_text_is_cut_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

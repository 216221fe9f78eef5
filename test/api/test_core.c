/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a core dump of a process with a live call would hold: its memory is read as the kernel would write it, without the mappings that
 * are marked (VmFlags "dd" of /proc/self/smaps), and searched for keys; and once all is closed, every mapping is. Then a child makes a
 * real one. What is looked for is kept inverted, so that the search does not find itself. Known gaps, which docs/howto/privacy.md tells
 * of: the key schedules inside OpenSSL while a call lasts, and what libnice and descriptions hold.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/ctx.h"
#include "call.h"
#include "peer/private.h"
#include "transport/dtls_int.h"
#include "util/mask.h"
#include "util/mem.h"
#include "util/secret.h"

#define HUGE_BYTES (4ULL << 30) /* a sanitizer's shadow: it holds no bytes of ours */
#define CHUNK ((size_t)1 << 20)
#define LONGEST 64u

static struct wanted {
    const char *what;
    uint8_t inverted[LONGEST];
    size_t n;
    bool while_it_lasts; /* not in a core dump, either */
    size_t found;
} all[32];
static size_t n_all;
static uint8_t chunk[CHUNK + LONGEST];

static void want(const char *what, const uint8_t *p, size_t n, bool while_it_lasts)
{
    struct wanted *w = &all[n_all++];
    *w = (struct wanted){.what = what, .n = n, .while_it_lasts = while_it_lasts};
    assert_true(n <= LONGEST && n_all < sizeof all / sizeof *all);
    for (size_t i = 0; i < n; i++) w->inverted[i] = (uint8_t)~p[i];
}

static void want_reversed(const char *what, const uint8_t *p, size_t n)
{
    uint8_t copy[LONGEST];
    for (size_t i = 0; i < n; i++) copy[i] = p[n - 1 - i];
    want(what, copy, n, true); /* as OpenSSL has large numbers */
    sotto__wipe(copy, sizeof copy);
}

static bool is_at(const struct wanted *w, const uint8_t *p)
{
    for (size_t i = 0; i < w->n; i++)
        if ((p[i] ^ w->inverted[i]) != 0xff) return false;
    return true;
}

static void search(size_t n)
{
    for (size_t k = 0; k < n_all; k++) {
        struct wanted *w = &all[k];
        const uint8_t *at = chunk, *end = chunk + n;
        while ((size_t)(end - at) >= w->n &&
               (at = memchr(at, (uint8_t)~w->inverted[0], (size_t)(end - at) - w->n + 1))) {
            w->found += is_at(w, at);
            at++;
        }
    }
}

static void search_range(int mem, uint64_t from, uint64_t to, void (*with)(size_t n))
{
    for (uint64_t at = from; at < to; at += CHUNK) {
        ssize_t n = pread(mem, chunk, to - at < sizeof chunk ? to - at : sizeof chunk, (off_t)at);
        if (n > 0) with((size_t)n);
    }
    sotto__wipe(chunk, sizeof chunk);
}

enum which { ALL = 3, DUMPED = 1, LEFT_OUT = 2 };

/* Of all that is mapped and can be read, what a core dump would have, or would not, or both. Returns the bytes that it would not. */
static size_t walk(enum which which, void (*with)(size_t n))
{
    char line[512], perms[8] = "";
    unsigned long long from = 0, to = 0, at, end;
    size_t rss = 0, kept_out = 0;
    FILE *f = fopen("/proc/self/smaps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(f && mem >= 0);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%llx-%llx %7s", &at, &end, perms) == 3 && strchr(line, '-')) {
            from = at, to = end;
        } else if (sscanf(line, "Rss: %zu", &rss) == 1) {
            continue;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            bool is_out = strstr(line, " dd") != NULL;
            if (is_out) kept_out += rss;
            if (perms[0] == 'r' && rss > 0 && to - from < HUGE_BYTES &&
                which & (is_out ? LEFT_OUT : DUMPED))
                search_range(mem, from, to, with);
        }
    }
    fclose(f);
    close(mem);
    return kept_out;
}

static size_t search_memory(bool dumped)
{
    for (size_t k = 0; k < n_all; k++) all[k].found = 0;
    return walk(dumped ? DUMPED : ALL, search);
}

static void check(bool live)
{
    for (size_t k = 0; k < n_all; k++)
        if (all[k].found > 0 && (all[k].while_it_lasts || !live))
            fail_msg("%s: found %zu times %s", all[k].what, all[k].found,
                     live ? "in what a core dump would hold" : "after all was closed");
}

/* The key of masks: what makes of this text the mask that it has. It is in the memory that is left out. */
static const char masked[] = "192.0.2.77", masked_too[] = "198.51.100.99";
static uint32_t mask_of[2];

static void find_mask_key(size_t n)
{
    for (size_t at = 0; at + 16 <= n; at += 8) {
        uint64_t k[2];
        memcpy(k, chunk + at, sizeof k);
        if ((uint32_t)sotto__mask_hash(k, masked, sizeof masked - 1) == mask_of[0] &&
            (uint32_t)sotto__mask_hash(k, masked_too, sizeof masked_too - 1) == mask_of[1])
            want("the key of masks", chunk + at, sizeof k, true);
        sotto__wipe(k, sizeof k);
    }
}

static uint32_t number_in(const char *mask)
{
    return (uint32_t)strtoul(strchr(mask, '-') + 1, NULL, 16);
}

/* Far down in the stack, where nothing that follows writes. */
static __attribute__((noinline)) int mask_deeply(int depth)
{
    volatile char pad[4096];
    char token[MASK];
    pad[0] = (char)depth;
    if (depth > 0) return mask_deeply(depth - 1) + pad[0];
    mask_of[0] = number_in(sotto__mask_address(masked, token));
    mask_of[1] = number_in(sotto__mask_address(masked_too, token));
    return pad[0];
}

static void want_record_keys(const struct dtls_secrets *s)
{
    size_t n = s->cipher == DTLS_AES_128_GCM ? 16 : 32;
    uint8_t block[64];
    assert_true(sotto__dtls_prf(s, "key expansion", true, block, 2 * n));
    want("the client's record key", block, n, false);
    want("the server's record key", block + n, n, false);
    sotto__wipe(block, sizeof block);
}

static void want_secrets(sotto_pc *pc)
{
    const struct dtls *d = pc->peer->transport.dtls;
    uint8_t srtp[2 * 32];
    assert_non_null(d->agreed.secrets);
    want("the master secret of DTLS", d->agreed.secrets->master, 48, true);
    assert_int_equal(
        sotto__dtls_export((struct dtls *)(uintptr_t)d, "EXTRACTOR-dtls_srtp", srtp, sizeof srtp),
        0);
    want("the client's SRTP master key", srtp, 16, true);
    want("the server's SRTP master key", srtp + 16, 16, true);
    sotto__wipe(srtp, sizeof srtp);
    want_record_keys(d->agreed.secrets);
    const struct cert *c = pc->peer->transport.cert;
    assert_non_null(c->secret);
    want("a private key", c->secret, P256_BYTES, true);
    want_reversed("a private key, reversed", c->secret, P256_BYTES);
}

static sotto_ctx *make_ctx(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    return ctx;
}

/* The search finds what is there: else nothing below would prove anything. */
static void the_search_finds_what_lies_in_ordinary_memory(void **state)
{
    (void)state;
    static const char text[] = "what is looked for is 48 bytes long, as it goes.";
    uint8_t *secret = sotto__secret_dup(text, 48);
    n_all = 0;
    want("the text", (const uint8_t *)text, 48, true);
    assert_true(search_memory(true) > 0);
    assert_int_equal(all[0].found, 1); /* the constant; not its copy in secret memory */
    search_memory(false);
    assert_int_equal(all[0].found, 2);
    sotto__secret_free(secret);
    search_memory(false);
    assert_int_equal(all[0].found, 1);
}

/* proves: A23 S35 S30 */
static void keys_of_a_live_call_are_not_dumped_and_are_gone_after_it(void **state)
{
    (void)state;
    sotto_ctx *ctx = make_ctx();
    struct call c;
    sotto_transceiver *t;
    call_new(&c, ctx, ctx);
    assert_int_equal(sotto_pc_add_transceiver(c.a.pc, SOTTO_AUDIO, NULL, &t), 0);
    call_connect(&c);
    assert_non_null(c.a.pc->peer->transport.srtp);
    n_all = 0;
    want_secrets(c.a.pc);
    want_secrets(c.b.pc);
    assert_true(search_memory(true) > 0);
    check(true);
    call_free(&c);
    sotto_ctx_free(ctx);
    search_memory(false);
    check(false);
}

/* proves: A23 S19 */
static void a_servers_password_is_kept_apart_and_wiped(void **state)
{
    (void)state;
    char password[32];
    sotto_ctx *ctx = make_ctx();
    sotto_pc *pc;
    for (size_t i = 0; i < sizeof password - 1; i++) password[i] = (char)('a' + (i * 7 + 3) % 26);
    password[31] = '\0';
    n_all = 0;
    want("the password of a TURN server", (const uint8_t *)password, 31, true);
    sotto_ice_server turn = {.size = sizeof turn,
                             .url = "turn:192.0.2.1",
                             .username = "somebody",
                             .credential = password};
    sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &turn, .n_ice_servers = 1};
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    sotto__wipe(password, sizeof password);
    search_memory(true);
    check(true);
    search_memory(false);
    assert_true(all[0].found > 0);
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
    search_memory(false);
    check(false);
}

/* Who has a log and a core dump cannot look up whom the masks of the log stand for.
 * proves: A23 S26 */
static void the_key_of_masks_is_not_dumped(void **state)
{
    (void)state;
    n_all = 0;
    mask_deeply(16);
    walk(LEFT_OUT, find_mask_key);
    assert_int_equal(n_all, 1);
    search_memory(true);
    check(true);
    search_memory(false);
    assert_int_equal(all[0].found, 1);
}

/* ---- a real one ---- */

static const char in_the_open[] = "this lies in ordinary memory, and is in a core dump";

/* A child, which has a call of its own: it tells what is wanted, and aborts. */
static void abort_in(const char *directory, int to)
{
    const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
    sotto_ctx *ctx;
    struct call c;
    sotto_transceiver *t;
    if (setrlimit(RLIMIT_CORE, &any) != 0 || chdir(directory) != 0) _exit(1);
    ctx = make_ctx();
    call_new(&c, ctx, ctx);
    assert_int_equal(sotto_pc_add_transceiver(c.a.pc, SOTTO_AUDIO, NULL, &t), 0);
    call_connect(&c);
    n_all = 0;
    want("what lies in the open", (const uint8_t *)in_the_open, 48, false);
    want_secrets(c.a.pc);
    want_secrets(c.b.pc);
    if (write(to, all, sizeof all) != sizeof all || write(to, &n_all, sizeof n_all) < 0) _exit(1);
    char *copy = sotto__strdup(in_the_open);
    raise(copy ? SIGABRT : SIGKILL);
}

/* The one file in it: searched, and removed. False: there is none. */
static bool search_core(const char *directory)
{
    char path[300] = "";
    DIR *d = opendir(directory);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
    if (d) closedir(d);
    int file = path[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return false;
    for (size_t k = 0; k < n_all; k++) all[k].found = 0;
    ssize_t n;
    for (off_t at = 0; (n = pread(file, chunk, sizeof chunk, at)) > 0; at += (off_t)CHUNK)
        search((size_t)n);
    close(file);
    remove(path);
    return true;
}

/* What the kernel writes for a process that ends with a live call.
 * proves: A23 S35 */
static void a_real_core_dump_has_no_keys(void **state)
{
    (void)state;
    char directory[] = "/tmp/sotto-core-XXXXXX";
    int ends[2], status = 0;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) abort_in(directory, ends[1]);
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    bool told = fread(all, sizeof all, 1, from) == 1 && fread(&n_all, sizeof n_all, 1, from) == 1;
    fclose(from);
    assert_int_equal(waitpid(child, &status, 0), child);
    bool is_dumped = search_core(directory);
    remove(directory);
    assert_true(told && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (!is_dumped) skip(); /* core_pattern sends it elsewhere, or nothing may be dumped */
    assert_true(all[0].found > 0);
    all[0].found = 0;
    check(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_what_lies_in_ordinary_memory),
        cmocka_unit_test(keys_of_a_live_call_are_not_dumped_and_are_gone_after_it),
        cmocka_unit_test(a_servers_password_is_kept_apart_and_wiped),
        cmocka_unit_test(the_key_of_masks_is_not_dumped),
        cmocka_unit_test(a_real_core_dump_has_no_keys),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}

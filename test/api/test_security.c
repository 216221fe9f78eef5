/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The security report of a real call over loopback, field by field; which calls are refused; what a configuration adds; which versions of
 * libraries are flagged; and the JSON. Counters that attacks move are in test/peer/test_attacks.c.
 */
#include <ctype.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/security.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

static sotto_ctx *new_ctx(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *c;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    return c;
}

static sotto_security *report_of(sotto_pc *pc)
{
    sotto_security *s = NULL;
    assert_int_equal(sotto_pc_get_security(pc, &s), 0);
    assert_non_null(s);
    assert_int_equal(s->size, sizeof *s);
    return s;
}

/* proves: S13 S21 S24 */
static void a_call_reports_what_protects_it(void **state)
{
    struct call c;
    sotto_ctx *ctx = new_ctx();
    (void)state;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    sotto_security *a = report_of(c.a.pc), *b = report_of(c.b.pc);
    assert_int_equal(a->dtls_state, SOTTO_DTLS_CONNECTED);
    assert_string_equal(a->dtls_version, "DTLS 1.2");
    assert_non_null(strstr(a->dtls_cipher, "TLS_ECDHE_ECDSA_WITH_"));
    assert_string_equal(a->dtls_cipher, b->dtls_cipher);
    assert_string_equal(a->dtls_group, "x25519"); /* known to the client and to the server */
    assert_string_equal(b->dtls_group, "x25519");
    assert_true(a->dtls_ems && b->dtls_ems);
    assert_string_equal(a->srtp_profile, "");
    assert_string_equal(a->local.hash, "sha-256");
    assert_string_equal(a->local.key, "P-256");
    assert_string_equal(a->local.fingerprint, b->remote.fingerprint);
    assert_string_equal(b->local.fingerprint, a->remote.fingerprint);
    assert_string_equal(b->remote.hash, "sha-256");
    assert_string_equal(b->remote.key, "P-256");
    assert_string_not_equal(a->local.fingerprint, b->local.fingerprint);
    assert_int_equal(a->local.not_before, b->remote.not_before);
    assert_int_equal(a->local.not_after - a->local.not_before, 30 * 86400);
    assert_true(b->remote.age_s >= 86400 - 5 && b->remote.age_s < 86400 + 120); /* a day early */
    assert_int_equal(a->verification, 0);
    assert_int_equal(a->e2ee, SOTTO_E2EE_NONE);
    assert_true(a->consent_age_us >= 0 && a->consent_age_us < 30000000);
    sotto_free(a);
    sotto_free(b);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static uint64_t counter_of(sotto_pc *pc, const char *name)
{
    sotto_security *s = report_of(pc);
    uint64_t count = UINT64_MAX;
    for (size_t i = 0; i < s->n_counters; i++)
        if (strcmp(s->counters[i].name, name) == 0) count = s->counters[i].count;
    sotto_free(s);
    assert_true(count != UINT64_MAX);
    return count;
}

/* The port of its candidate at 127.0.0.1. */
static uint16_t port_of(sotto_pc *pc)
{
    char *sdp;
    assert_int_equal(sotto_pc_local_description(pc, 0, NULL, &sdp), 1);
    const char *at = strstr(sdp, " 127.0.0.1 ");
    assert_non_null(at);
    unsigned long port = strtoul(at + strlen(" 127.0.0.1 "), NULL, 10);
    sotto_free(sdp);
    return (uint16_t)port;
}

/* By real sockets: the filters on them are the kernel's.
 * proves: S21 */
static void stun_of_strangers_is_counted(void **state)
{
    static const uint8_t request[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    uint32_t info[64];
    socklen_t n = sizeof info;
    struct call c;
    bool never = false;
    (void)state;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int r = getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n);
    if (r != 0 || n < 9 * sizeof *info) { /* SK_MEMINFO_DROPS is the ninth */
        print_message("an emulator of processors: nothing is counted\n");
        close(fd);
        return;
    }
    sotto_ctx *ctx = new_ctx();
    call_new(&c, ctx, ctx);
    call_connect(&c);
    uint64_t before = counter_of(c.a.pc, "stunRefused");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(port_of(c.a.pc))};
    for (int i = 0; i < 3; i++)
        assert_int_equal(sendto(fd, request, sizeof request, 0, (struct sockaddr *)&to, sizeof to),
                         sizeof request);
    for (int i = 0; i < 1000 && counter_of(c.a.pc, "stunRefused") < before + 3; i++)
        call_run(&c, &never, 10);
    assert_true(counter_of(c.a.pc, "stunRefused") >= before + 3);
    close(fd);
    call_free(&c);
    sotto_ctx_free(ctx);
}

/* An authority of the test's own: not every machine has some. */
static void write_pem(const sotto_cert *cert, char *path)
{
    char *pem;
    int fd = mkstemp(path);
    assert_int_equal(sotto_cert_to_pem(cert, &pem), 0);
    assert_int_equal(write(fd, pem, strlen(pem)), (ssize_t)strlen(pem));
    close(fd);
    sotto_free(pem);
}

/* proves: S12 */
static void a_risky_setting_is_named_with_its_note_and_a_default_is_not(void **state)
{
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_cert *cert;
    char path[] = "/tmp/sotto-ca-XXXXXX";
    (void)state;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    sotto_security *s = report_of(pc);
    assert_int_equal(s->n_risks, 0);
    sotto_free(s);
    sotto_pc_free(pc);
    assert_int_equal(sotto_cert_generate(&cert), 0);
    write_pem(cert, path);
    const struct {
        const char *name;
        sotto_pc_config cfg;
    } rows[] = {
        {"sotto_pc_config.allow_loopback", {.allow_loopback = true}},
        {"sotto_pc_config.port_min", {.port_min = 40000, .port_max = 40010}},
        {"sotto_pc_config.cert", {.cert = cert}},
        {"sotto_pc_config.privacy_mode", {.privacy_mode = SOTTO_PRIVACY_PUBLIC}},
        {"sotto_pc_config.external_address", {.external_address = "203.0.113.5"}},
        {"sotto_pc_config.ca_file", {.ca_file = path}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_pc_config cfg = rows[i].cfg;
        cfg.size = sizeof cfg;
        assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
        s = report_of(pc);
        assert_int_equal(s->n_risks, 1);
        assert_string_equal(s->risks[0].name, rows[i].name);
        assert_true(strlen(s->risks[0].note) > 10);
        sotto_free(s);
        sotto_pc_free(pc);
    }
    unlink(path);
    sotto_cert_free(cert);
    sotto_ctx_free(ctx);
}

/* proves: S13 S16 */
static void a_version_with_a_known_hole_is_flagged(void **state)
{
    static const struct {
        size_t library;
        const char *version, *package, *id;
        bool has, is_open; /* has it; and nothing keeps us from it */
    } rows[] = {
        {1, "3.0.20", "", "CVE-2026-54874", true, false},
        {1, "3.0.22", "3.0.22-1~deb12u1", "CVE-2026-54874", false, false},
        {1, "3.0.22", "3.0.22-1~deb12u1", "CVE-2026-84782", true, true},
        {1, "3.0.22", "3.0.22-1~deb12u2", "CVE-2026-84782", false, false},
        {1, "3.0.1", "", "CVE-2022-0778", true, false},
        {1, "3.0.2", "", "CVE-2022-0778", false, false},
        {3, "0.9.3.0", "", "CVE-2019-20503", true, false},
        {3, "0.9.5.0", "0.9.5.0-2", "CVE-2019-20503", false, false},
        {3, "0.9.5.0", "0.9.5.0-2", "CVE-2022-46871", true, false},
        {2, "2.5.0", "2.5.0-3", "plain-SRTCP", true, false},
        {2, "1.5.2", "", "CVE-2015-6360", true, false},
        {2, "1.5.3", "", "CVE-2015-6360", false, false},
        {1, "3.0.22", "1:3.0.22-1~deb12u1", "CVE-2026-84782", true, true},
        {1, "3.0.22", "1:3.0.22-1~deb12u2", "CVE-2026-84782", false, false},
        {0, "0.1.21", "0.1.21-1", "consent-10s", true, false},
        {0, "0.1.22", "", "consent-10s", false, false},
        {2, "", "", "plain-SRTCP", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct library all[SECURITY_LIBRARIES];
        struct security_block *b = sotto__calloc(1, sizeof *b);
        bool has = false, is_open = false;
        assert_non_null(b);
        memset(all, 0, sizeof all);
        for (size_t k = 0; k < SECURITY_LIBRARIES; k++) all[k].version = "";
        all[rows[i].library].version = rows[i].version;
        snprintf(all[rows[i].library].package, SECURITY_VERSION, "%s", rows[i].package);
        sotto__security_libraries(all, b);
        const sotto_security_library *l = &b->libraries[rows[i].library];
        assert_string_equal(l->version, rows[i].version);
        for (size_t k = 0; k < l->n_holes; k++) {
            if (strcmp(l->holes[k].id, rows[i].id) != 0) continue;
            has = true;
            is_open = l->holes[k].fence == NULL;
        }
        if (has != rows[i].has || is_open != rows[i].is_open) fail_msg("row %zu", i);
        sotto__free(b);
    }
}

/* proves: S16 */
static void versions_are_ordered_as_dpkg_orders_them(void **state)
{
    static const char *const rising[] = {
        "0.9~rc1",       "0.9",           "0.9-1", "0.9.1",    "0.10",  "1.0~~",  "1.0~", "1.0",
        "1.0-1~deb12u1", "1.0-1~deb12u2", "1.0-1", "1.0-1+b1", "1.0-2", "1.0-10", "1.0a", "1.0+x"};
    (void)state;
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++)
        for (size_t k = 0; k < sizeof rising / sizeof *rising; k++) {
            int c = sotto__security_compare(rising[i], rising[k]);
            if (i < k ? c >= 0 : i > k ? c <= 0 : c != 0)
                fail_msg("%s and %s: %d", rising[i], rising[k], c);
        }
}

/* proves: S16 */
static void packages_are_found_in_the_list(void **state)
{
    char path[] = "/tmp/sotto-status-XXXXXX", version[SECURITY_VERSION];
    FILE *file = fdopen(mkstemp(path), "w");
    (void)state;
    assert_non_null(file);
    fprintf(file, "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
                  "Package: here\nStatus: install ok installed\nDescription: ");
    for (int i = 0; i < 100; i++) fprintf(file, "Version: 9 and more ");
    fprintf(file, "\nVersion: 2.5-1\n\nPackage: here2\nStatus: install ok installed\nVersion: 3\n");
    fclose(file);
    assert_true(sotto__security_package(path, "here", version));
    assert_string_equal(version, "2.5-1");
    assert_true(sotto__security_package(path, "here2", version));
    assert_string_equal(version, "3");
    assert_false(sotto__security_package(path, "gone", version));
    assert_false(sotto__security_package(path, "other", version));
    remove(path);
    assert_false(sotto__security_package(path, "here", version));
}

/* proves: S16 S21 */
static void the_five_libraries_are_told(void **state)
{
    static const char *const names[] = {"libnice", "OpenSSL", "libsrtp2", "usrsctp", "libopus"};
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    (void)state;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    sotto_security *s = report_of(pc);
    assert_int_equal(s->n_libraries, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(s->libraries[i].name, names[i]);
        assert_true(isdigit((unsigned char)s->libraries[i].version[0]));
    }
    assert_true(s->libraries[1].is_runtime && !s->libraries[0].is_runtime);
    sotto_free(s);
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
}

static void balanced(const char *json)
{
    char open[64];
    size_t n = 0;
    bool in_text = false;
    for (const char *p = json; *p; p++) {
        if (*p == '"' && (p == json || p[-1] != '\\')) in_text = !in_text;
        if (in_text) continue;
        if (*p == '{' || *p == '[') open[n++] = *p == '{' ? '}' : ']';
        if (*p == '}' || *p == ']') {
            assert_true(n > 0);
            assert_int_equal(open[--n], *p);
        }
    }
    assert_int_equal(n, 0);
    assert_false(in_text);
}

/* proves: S21 */
static void the_json_says_the_same(void **state)
{
    static const char *const members[] = {
        "{\"dtls\":{\"state\":\"connected\",\"version\":\"DTLS 1.2\"",
        "\"group\":\"x25519\"",
        "\"extendedMasterSecret\":true",
        "\"srtp\":{\"profile\":\"\"}",
        "\"certificates\":{\"local\":{",
        "\"remote\":{\"hash\":\"sha-256\"",
        "\"verification\":{\"level\":\"none\",\"required\":\"none\"}",
        "\"endToEnd\":\"none\"",
        "\"consentAge\":",
        "\"privacy\":{\"mode\":\"off\"",
        "\"counters\":{\"dtlsForged\":",
        "\"risks\":[{\"name\":\"sotto_pc_config.allow_loopback\"",
        "\"libraries\":[{\"name\":\"libnice\""};
    sotto_ctx *ctx = new_ctx();
    struct call c;
    char *json;
    (void)state;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    assert_int_equal(sotto_pc_get_security_json(c.a.pc, &json), 0);
    balanced(json);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!strstr(json, members[i])) fail_msg("%s is not in %s", members[i], json);
    assert_null(strstr(json, "127.0.0.1")); /* addresses are masked */
    sotto_free(json);
    call_free(&c);
    sotto_ctx_free(ctx);
}

/* proves: A04 */
static void calls_without_sense_are_refused(void **state)
{
    sotto_ctx *ctx = new_ctx();
    sotto_security *s;
    char *json;
    sotto_pc *pc;
    (void)state;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_get_security(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_security(NULL, &s), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_security_json(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_security_json(NULL, &json), SOTTO_E_INVAL);
    sotto_pc_close(pc);
    s = report_of(pc);
    assert_int_equal(s->dtls_state, SOTTO_DTLS_CLOSED);
    sotto_free(s);
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_reports_what_protects_it),
        cmocka_unit_test(stun_of_strangers_is_counted),
        cmocka_unit_test(a_risky_setting_is_named_with_its_note_and_a_default_is_not),
        cmocka_unit_test(a_version_with_a_known_hole_is_flagged),
        cmocka_unit_test(versions_are_ordered_as_dpkg_orders_them),
        cmocka_unit_test(packages_are_found_in_the_list),
        cmocka_unit_test(the_five_libraries_are_told),
        cmocka_unit_test(the_json_says_the_same),
        cmocka_unit_test(calls_without_sense_are_refused),
    };
    return cmocka_run_group_tests_name("security", tests, NULL, NULL);
}

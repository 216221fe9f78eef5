/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole calls, and such as fail, in a network namespace of their own: the log at its most talkative, the statistics, both explanations,
 * the texts of all events, the security report but for its fingerprints, and what libraries below write to the terminal when the
 * environment asks them to, are searched for every address, name, ufrag, password, user name and fingerprint that there is. By default
 * nothing is found; with show_addresses addresses are, and still no password.
 */
#include <unistd.h>

#include "../transport/coturn.h"
#include "call.h"

static char said[4u << 20]; /* all that may be sent around */
static size_t n_said;
static char secrets[128][128]; /* never to be found */
static size_t n_secrets;
static char names[256][128]; /* not to be found unless they are shown */
static size_t n_names;

static void say(const char *text)
{
    size_t n = strlen(text);
    assert_true(n_said + n + 2 < sizeof said);
    memcpy(said + n_said, text, n);
    n_said += n;
    said[n_said++] = '\n';
    said[n_said] = '\0';
}

static void keep(int32_t level, const char *line, void *user)
{
    (void)level, (void)user;
    say(line);
}

/* ---- what is written to the terminal: into a file, from one call to the next ---- */

static FILE *terminal;
static int saved[2] = {-1, -1};

static void terminal_take(void)
{
    fflush(stdout);
    terminal = tmpfile();
    assert_non_null(terminal);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(1 + i);
        assert_true(saved[i] >= 0 && dup2(fileno(terminal), 1 + i) >= 0);
    }
}

/* As it was. What was written is said. */
static void terminal_give(void)
{
    char line[4096];
    if (!terminal) return;
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], 1 + i);
        close(saved[i]);
    }
    rewind(terminal);
    while (fgets(line, sizeof line, terminal)) say(line);
    fclose(terminal);
    terminal = NULL;
}

/* Also of a test that failed: what it wrote is to be seen. */
static int give_back(void **state)
{
    (void)state;
    if (!terminal) return 0;
    n_said = 0;
    terminal_give();
    fprintf(stderr, "%s", said);
    return 0;
}

static void add(char list[][128], size_t *n, size_t max, const char *p, size_t len)
{
    assert_true(*n < max && len < 128);
    memcpy(list[*n], p, len);
    list[(*n)++][len] = '\0';
}

static void name(const char *p, size_t len)
{
    bool is_nobodys = len < 4 || strncmp(p, "0.0.0.0", len) == 0;
    if (!is_nobodys) add(names, &n_names, 256, p, len);
}

/* The values of all attributes of this name, up to the end of the line. */
static void take(const char *sdp, const char *attribute, bool is_secret)
{
    for (const char *at = sdp; (at = strstr(at, attribute));) {
        at += strlen(attribute);
        size_t n = strcspn(at, "\r\n");
        if (is_secret)
            add(secrets, &n_secrets, 128, at, n);
        else
            name(at, n);
    }
}

/* Of "foundation 1 udp priority ADDRESS port typ …": the address. */
static void take_candidates(const char *sdp)
{
    for (const char *at = sdp; (at = strstr(at, "candidate:")); at++) {
        const char *p = at;
        for (int i = 0; i < 4; i++) p += strcspn(p, " ") + 1;
        name(p, strcspn(p, " "));
    }
}

static void take_description(const sotto_pc *pc)
{
    char *sdp;
    if (sotto_pc_local_description((sotto_pc *)(uintptr_t)pc, 0, NULL, &sdp) != 1) return;
    take(sdp, "a=ice-pwd:", true);
    take(sdp, "a=ice-ufrag:", false);
    take(sdp, "a=fingerprint:sha-256 ", false);
    take(sdp, "a=tls-id:", false);
    take_candidates(sdp);
    sotto_free(sdp);
}

/* Its fingerprints are there to be compared: they are taken out. */
static void take_security(sotto_pc *pc)
{
    static const char member[] = "\"fingerprint\":\"";
    char *text;
    assert_int_equal(sotto_pc_get_security_json(pc, &text), 0);
    for (char *at = text; (at = strstr(at, member));) {
        at += sizeof member - 1;
        memset(at, '-', strcspn(at, "\""));
    }
    say(text);
    sotto_free(text);
}

static void take_report(sotto_pc *pc)
{
    static int (*const reads[])(sotto_pc *, char **) = {sotto_pc_get_stats_json, sotto_pc_explain,
                                                        sotto_pc_explain_json};
    sotto_transport_info info = {.size = sizeof info};
    for (size_t i = 0; i < 3; i++) {
        char *text;
        assert_int_equal(reads[i](pc, &text), 0);
        say(text);
        sotto_free(text);
    }
    assert_int_equal(sotto_pc_get_transport(pc, &info), 0);
    say(info.selected_pair);
    take_security(pc);
}

static void take_event(const sotto_event *e)
{
    switch (e->type) {
    case SOTTO_EV_CANDIDATE: name(e->u.candidate.ufrag, strlen(e->u.candidate.ufrag)); break;
    case SOTTO_EV_CANDIDATE_ERROR:
        say(e->u.candidate_error.address);
        say(e->u.candidate_error.text);
        break;
    case SOTTO_EV_WARNING: say(e->u.warning.text); break;
    case SOTTO_EV_CLOSED: say(e->u.channel.reason); break;
    default: break;
    }
}

static const char *found_of(char list[][128], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(said, list[i])) return list[i];
    return NULL;
}

/* ---- calls ---- */

struct world {
    sotto_ctx *ctx;
    struct call c;
};

static void world_new(struct world *w, const sotto_pc_config *cfg, bool shows)
{
    sotto_ctx_config ctx = {.size = sizeof ctx,
                            .no_thread = true,
                            .log_level = SOTTO_LOG_DEBUG,
                            .log = keep,
                            .show_addresses = shows};
    n_said = n_secrets = n_names = 0;
    said[0] = '\0';
    *w = (struct world){.c = {.a = {.other = &w->c.b}, .b = {.other = &w->c.a}}};
    assert_int_equal(sotto_ctx_new(&ctx, &w->ctx), 0);
    w->c.a.ctx = w->c.b.ctx = w->ctx;
    sotto_pc_config a = *cfg, b = *cfg;
    a.user = &w->c.a, b.user = &w->c.b;
    assert_int_equal(sotto_pc_new(w->ctx, &a, &w->c.a.pc), 0);
    assert_int_equal(sotto_pc_new(w->ctx, &b, &w->c.b.pc), 0);
    sotto_dc_config dc = {.size = sizeof dc, .user = &w->c.a};
    assert_int_equal(sotto_pc_create_data_channel(w->c.a.pc, "call", &dc, &w->c.a.dc), 0);
    sotto_transceiver *t;
    assert_int_equal(sotto_pc_add_transceiver(w->c.a.pc, SOTTO_AUDIO, NULL, &t), 0);
    for (size_t i = 0; i < cfg->n_ice_servers; i++) {
        const sotto_ice_server *s = &cfg->ice_servers[i];
        const char *host = strchr(s->url, ':') + 1;
        name(host, strcspn(host, ":?"));
        if (!s->username) continue;
        if (strcmp(s->username, "sotto") != 0) /* coturn's: types of statistics begin so, too */
            add(secrets, &n_secrets, 128, s->username, strlen(s->username));
        add(secrets, &n_secrets, 128, s->credential, strlen(s->credential));
    }
    name("10.77.0.1", 9);
    name("fd77::1", 7);
}

static void run(struct world *w, const bool *until, int ms)
{
    sotto_us end = sotto_now() + ms * 1000LL;
    sotto_event *e;
    while (!*until && sotto_now() < end) {
        if (sotto_ctx_wait(w->ctx, 10000, &e) != 1) continue;
        take_event(e);
        call_event(e);
    }
}

static void negotiate(struct world *w)
{
    char *sdp;
    assert_int_equal(sotto_pc_set_local_description(w->c.a.pc, 0, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(w->c.a.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(w->c.b.pc, SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto_free(sdp);
    assert_int_equal(sotto_pc_set_local_description(w->c.b.pc, 0, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(w->c.b.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(w->c.a.pc, SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto_free(sdp);
}

static void world_end(struct world *w)
{
    take_description(w->c.a.pc);
    take_description(w->c.b.pc);
    take_report(w->c.a.pc);
    take_report(w->c.b.pc);
    sotto_pc_close(w->c.a.pc);
    bool never = false;
    run(w, &never, 50);
    take_report(w->c.a.pc);
    call_free(&w->c);
    sotto_ctx_free(w->ctx);
}

static void one_call(const char *what, const sotto_pc_config *cfg, bool connects, int ms)
{
    struct world w;
    world_new(&w, cfg, false);
    terminal_take();
    negotiate(&w);
    run(&w, &w.c.a.open, ms);
    bool is_open = w.c.a.open;
    world_end(&w);
    terminal_give();
    if (is_open != connects) fail_msg("%s: %s", what, connects ? "not open" : "open");
    assert_true(n_secrets >= 2 && n_names >= 6);
    const char *s = found_of(secrets, n_secrets), *n = found_of(names, n_names);
    if (s || n) fail_msg("%s: '%s' is in:\n%s", what, s ? s : n, said);
}

/* proves: S26 S30 */
static void calls_name_nobody(void **state)
{
    (void)state;
    sotto_pc_config plain = {.size = sizeof plain}, hidden = plain;
    hidden.privacy_mode = SOTTO_PRIVACY_DEFAULT_ROUTE;
    one_call("direct", &plain, true, 60000);
    one_call("behind names", &hidden, true, 60000);
}

/* proves: S26 S19 */
static void calls_over_a_relay_name_nobody(void **state)
{
    (void)state;
    struct ice_server s = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD);
    char url[64];
    snprintf(url, sizeof url, "turn:127.0.0.1:%u", s.addr.port);
    sotto_ice_server turn = {
        .size = sizeof turn, .url = url, .username = s.username, .credential = s.credential};
    sotto_pc_config cfg = {.size = sizeof cfg,
                           .allow_loopback = true,
                           .ice_servers = &turn,
                           .n_ice_servers = 1,
                           .ice_transport_policy = SOTTO_ICE_POLICY_RELAY};
    one_call("over a relay", &cfg, true, 60000);
    turn.username = "somebody-else", turn.credential = "not-the-password";
    one_call("with a wrong password", &cfg, false, 3000);
    turn.url = "turn:nobody-there.example.invalid:3478";
    one_call("with a server that has no address", &cfg, false, 3000);
    turn.url = "turn:10.77.0.2:3478?transport=tcp";
    one_call("with a server that does not answer", &cfg, false, 3000);
}

/* What is searched for is there when it is asked for: else nothing above would prove anything. */
static void asked_for_they_are_shown_and_passwords_are_not(void **state)
{
    (void)state;
    struct world w;
    sotto_pc_config plain = {.size = sizeof plain};
    world_new(&w, &plain, true);
    negotiate(&w);
    run(&w, &w.c.a.open, 60000);
    assert_true(w.c.a.open);
    world_end(&w);
    size_t n = 0;
    for (size_t i = 0; i < n_names; i++) n += strstr(said, names[i]) != NULL;
    assert_true(n >= 6);
    assert_null(found_of(secrets, n_secrets));
}

static int begin(void **state)
{
    (void)state;
    return coturn_start() ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    coturn_stop();
    return 0;
}

int main(void)
{
    /* the variables that make libnice and GLib talk */
    assert_int_equal(setenv("NICE_DEBUG", "all", 1), 0);
    assert_int_equal(setenv("G_MESSAGES_DEBUG", "all", 1), 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(calls_name_nobody, give_back),
        cmocka_unit_test_teardown(calls_over_a_relay_name_nobody, give_back),
        cmocka_unit_test(asked_for_they_are_shown_and_passwords_are_not),
    };
    return cmocka_run_group_tests_name("masks", tests, begin, end);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and changing the configuration of a connection: what may change, what may not, and what comes of it; and the transport. */
#include "api/ctx.h"
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

static const sotto_ice_server stun = {.size = sizeof stun, .url = "stun:192.0.2.1"};
static const sotto_ice_server turn = {.size = sizeof turn,
                                      .url = "turn:[2001:db8::1]:443?transport=tcp",
                                      .username = "user",
                                      .credential = "secret"};

static sotto_pc_config *get(sotto_pc *pc)
{
    sotto_pc_config *c = NULL;
    assert_int_equal(sotto_pc_get_config(pc, &c), 0);
    assert_int_equal(c->size, sizeof *c);
    return c;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void must_equal(const sotto_pc_config *a, const sotto_pc_config *b)
{
    assert_int_equal(a->n_ice_servers, b->n_ice_servers);
    for (size_t i = 0; i < a->n_ice_servers; i++) {
        assert_int_equal(a->ice_servers[i].size, sizeof(sotto_ice_server));
        assert_true(same_text(a->ice_servers[i].url, b->ice_servers[i].url));
        assert_true(same_text(a->ice_servers[i].username, b->ice_servers[i].username));
        assert_true(same_text(a->ice_servers[i].credential, b->ice_servers[i].credential));
    }
    assert_int_equal(a->ice_transport_policy, b->ice_transport_policy);
    assert_int_equal(a->privacy_mode, b->privacy_mode);
    assert_int_equal(a->bundle_policy, b->bundle_policy);
    assert_int_equal(a->port_min, b->port_min);
    assert_int_equal(a->port_max, b->port_max);
    assert_true(same_text(a->interface, b->interface));
    assert_ptr_equal(a->cert, b->cert);
    assert_int_equal(a->max_message_size, b->max_message_size);
    assert_int_equal(a->max_channels, b->max_channels);
    assert_int_equal(a->max_buffered_bytes, b->max_buffered_bytes);
    assert_ptr_equal(a->user, b->user);
    assert_int_equal(a->allow_loopback, b->allow_loopback);
    assert_true(same_text(a->ca_file, b->ca_file));
    assert_true(same_text(a->external_address, b->external_address));
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    sotto_pc_config *c = get(pc);
    assert_int_equal(c->size, sizeof *c);
    assert_int_equal(c->max_message_size, 262144);
    assert_int_equal(c->max_channels, 256);
    assert_int_equal(c->max_buffered_bytes, 1024 * 1024);
    assert_true(!c->ice_servers && !c->interface && !c->cert && !c->user);
    assert_int_equal(c->n_ice_servers, 0);
    assert_int_equal(c->ice_transport_policy, SOTTO_ICE_POLICY_ALL);
    assert_int_equal(c->privacy_mode, 0);
    assert_int_equal(c->bundle_policy, SOTTO_BUNDLE_BALANCED);
    assert_true(c->port_min == 0 && c->port_max == 0 && !c->allow_loopback);
    assert_int_equal(sotto_pc_set_config(pc, c), 0); /* what was read can be set */
    sotto_free(c);
    assert_int_equal(sotto_pc_set_config(pc, NULL), 0); /* the defaults */
    sotto_ctx_free(ctx);
}

/* What the tests below begin with: nothing has its default. */
static sotto_pc_config full(sotto_ice_server servers[2], sotto_cert *cert)
{
    servers[0] = stun;
    servers[1] = turn;
    return (sotto_pc_config){.size = sizeof(sotto_pc_config),
                             .ice_servers = servers,
                             .n_ice_servers = 2,
                             .ice_transport_policy = SOTTO_ICE_POLICY_RELAY,
                             .bundle_policy = SOTTO_BUNDLE_MAX_COMPAT,
                             .port_min = 5000,
                             .port_max = 6000,
                             .interface = "lo",
                             .cert = cert,
                             .max_message_size = 100000,
                             .max_channels = 300,
                             .max_buffered_bytes = 70000,
                             .user = servers,
                             .allow_loopback = true,
                             .external_address = "203.0.113.9,2001:db8::9"};
}

static void everything_given_is_read_back_from_one_block(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_ice_server servers[2];
    sotto_cert *cert;
    sotto_pc *pc;
    char name[8] = "lo";
    assert_int_equal(sotto_cert_generate(&cert), 0);
    sotto_pc_config cfg = full(servers, cert);
    cfg.interface = name;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    memset(name, 'x', sizeof name); /* it was copied */
    cfg.interface = "lo";
    int64_t live = sotto__mem_live();
    sotto_pc_config *c = get(pc);
    assert_int_equal(sotto__mem_live(), live + 1);
    must_equal(c, &cfg);
    sotto_pc_free(pc);
    assert_string_equal(c->ice_servers[1].credential, "secret"); /* it is a copy */
    sotto_free(c);
    sotto_cert_free(cert);
    sotto_ctx_free(ctx);
}

/* ---- what may change ---- */

struct change {
    const char *what;
    int want;
    void (*make)(sotto_pc_config *c);
};

static sotto_cert *other_cert;
static sotto_ice_server one_server[SOTTO_MAX_ICE_SERVERS + 1];

static void set_servers(sotto_pc_config *c, sotto_ice_server s, size_t n)
{
    for (size_t i = 0; i <= SOTTO_MAX_ICE_SERVERS; i++) one_server[i] = s;
    c->ice_servers = one_server, c->n_ice_servers = n;
}

static void nothing(sotto_pc_config *c)
{
    (void)c;
}
static void no_servers(sotto_pc_config *c)
{
    c->ice_servers = NULL, c->n_ice_servers = 0;
}
static void another_server(sotto_pc_config *c)
{
    set_servers(c, (sotto_ice_server){.size = sizeof stun, .url = "stun:192.0.2.77:99"}, 1);
}
static void another_password(sotto_pc_config *c)
{
    set_servers(c, turn, 1);
    one_server[0].credential = "other";
}
static void copy_servers(sotto_pc_config *c)
{
    memcpy(one_server, c->ice_servers, c->n_ice_servers * sizeof *one_server);
    c->ice_servers = one_server;
}
static void only_another_password(sotto_pc_config *c)
{
    copy_servers(c);
    one_server[1].credential = "other";
}
static void only_another_user_name(sotto_pc_config *c)
{
    copy_servers(c);
    one_server[1].username = "other";
}
static void only_another_transport(sotto_pc_config *c)
{
    copy_servers(c);
    one_server[1].url = "turn:[2001:db8::1]:443?transport=udp";
}
static void only_another_port(sotto_pc_config *c)
{
    copy_servers(c);
    one_server[0].url = "stun:192.0.2.1:3479";
}
static void policy(sotto_pc_config *c)
{
    c->ice_transport_policy = SOTTO_ICE_POLICY_ALL;
}
static void ports(sotto_pc_config *c)
{
    c->port_min = c->port_max = 0;
}
static void interface(sotto_pc_config *c)
{
    c->interface = NULL;
}
static void external(sotto_pc_config *c)
{
    c->external_address = "203.0.113.10,2001:db8::9";
}
static void no_external(sotto_pc_config *c)
{
    c->external_address = NULL;
}
static void no_cert(sotto_pc_config *c)
{
    c->cert = NULL;
}
static void no_user(sotto_pc_config *c)
{
    c->user = NULL;
}
static void bundle(sotto_pc_config *c)
{
    c->bundle_policy = SOTTO_BUNDLE_MAX_BUNDLE;
}
static void cert(sotto_pc_config *c)
{
    c->cert = other_cert;
}
static void message_size(sotto_pc_config *c)
{
    c->max_message_size++;
}
static void default_message_size(sotto_pc_config *c)
{
    c->max_message_size = 0;
}
static void channels(sotto_pc_config *c)
{
    c->max_channels++;
}
static void buffered(sotto_pc_config *c)
{
    c->max_buffered_bytes--;
}
static void user(sotto_pc_config *c)
{
    c->user = c;
}
static void loopback(sotto_pc_config *c)
{
    c->allow_loopback = false;
}
static void bundle_and_a_bad_server(sotto_pc_config *c)
{
    bundle(c); /* W3C looks at it first */
    set_servers(c, (sotto_ice_server){.size = sizeof stun, .url = "junk"}, 1);
}
static void a_bad_url(sotto_pc_config *c)
{
    set_servers(c, (sotto_ice_server){.size = sizeof stun, .url = "http://x"}, 1);
}
static void a_path_in_the_url(sotto_pc_config *c)
{
    set_servers(c, (sotto_ice_server){.size = sizeof stun, .url = "stun:host/path"}, 1);
}
static void a_name(sotto_pc_config *c)
{
    set_servers(c, (sotto_ice_server){.size = sizeof stun, .url = "stun:example.org"}, 1);
}
static void no_password(sotto_pc_config *c)
{
    set_servers(c, turn, 1);
    one_server[0].credential = NULL;
}
static void too_many(sotto_pc_config *c)
{
    set_servers(c, stun, SOTTO_MAX_ICE_SERVERS + 1);
}
static void bad_ports(sotto_pc_config *c)
{
    c->port_min = 7000;
}
static void bad_policy(sotto_pc_config *c)
{
    c->ice_transport_policy = 2;
}
static void privacy(sotto_pc_config *c)
{
    c->privacy_mode = SOTTO_PRIVACY_PROXY + 1;
}
static void more_privacy(sotto_pc_config *c)
{
    c->privacy_mode = SOTTO_PRIVACY_PUBLIC;
}
static void not_a_cert(sotto_pc_config *c)
{
    c->cert = (sotto_cert *)(void *)one_server;
}
static void no_size(sotto_pc_config *c)
{
    c->size = 0;
}

static const struct change changes[] = {
    {"nothing", 0, nothing},
    {"no servers", 0, no_servers},
    {"another server", 0, another_server},
    {"another password", 0, another_password},
    {"policy", 0, policy},
    {"ports", 0, ports},
    {"interface", 0, interface},
    {"external address", 0, external},
    {"no external address", 0, no_external},
    {"cert left out", 0, no_cert},
    {"user left out", 0, no_user},
    {"bundle policy", SOTTO_E_MODIFICATION, bundle},
    {"cert", SOTTO_E_MODIFICATION, cert},
    {"max_message_size", SOTTO_E_MODIFICATION, message_size},
    {"max_message_size to its default", SOTTO_E_MODIFICATION, default_message_size},
    {"max_channels", SOTTO_E_MODIFICATION, channels},
    {"max_buffered_bytes", SOTTO_E_MODIFICATION, buffered},
    {"user", SOTTO_E_MODIFICATION, user},
    {"allow_loopback", SOTTO_E_MODIFICATION, loopback},
    {"bundle policy with a bad server", SOTTO_E_MODIFICATION, bundle_and_a_bad_server},
    {"a bad URL", SOTTO_E_SYNTAX, a_bad_url},
    {"a path", SOTTO_E_SYNTAX, a_path_in_the_url},
    {"a name", 0, a_name},
    {"no password", SOTTO_E_ACCESS, no_password},
    {"too many servers", SOTTO_E_LIMIT, too_many},
    {"bad ports", SOTTO_E_RANGE, bad_ports},
    {"bad policy", SOTTO_E_RANGE, bad_policy},
    {"privacy", SOTTO_E_RANGE, privacy},
    {"another privacy", 0, more_privacy},
    {"not a certificate", SOTTO_E_INVAL, not_a_cert},
    {"no size", SOTTO_E_INVAL, no_size},
};

static void what_may_change_changes_and_what_may_not_does_not(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_cert *own;
    assert_int_equal(sotto_cert_generate(&own), 0);
    assert_int_equal(sotto_cert_generate(&other_cert), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        sotto_ice_server servers[2];
        sotto_pc *pc;
        sotto_pc_config cfg = full(servers, own), before = cfg;
        assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
        changes[i].make(&cfg);
        int r = sotto_pc_set_config(pc, &cfg);
        if (r != changes[i].want) fail_msg("%s: %d", changes[i].what, r);
        cfg.cert = own;
        cfg.user = before.user;
        sotto_pc_config *now = get(pc);
        must_equal(now, r == 0 ? &cfg : &before);
        sotto_free(now);
        sotto_pc_free(pc);
    }
    sotto_cert_free(own);
    sotto_cert_free(other_cert);
    sotto_ctx_free(ctx);
}

static void a_certificate_of_its_own_cannot_be_replaced(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_cert *own;
    assert_int_equal(sotto_cert_generate(&own), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    sotto_pc_config cfg = {.size = sizeof cfg, .cert = own};
    assert_int_equal(sotto_pc_set_config(pc, &cfg), SOTTO_E_MODIFICATION);
    sotto_cert_free(own);
    sotto_ctx_free(ctx);
}

/* ---- what comes of it ---- */

static char *offer_ufrag(sotto_pc *pc, char ufrag[static 64])
{
    char *sdp;
    assert_int_equal(sotto_pc_create_offer(pc, NULL, &sdp), 0);
    const char *at = strstr(sdp, "a=ice-ufrag:");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "a=ice-ufrag:%63s", ufrag), 1);
    sotto_free(sdp);
    return ufrag;
}

static void pass(sotto_pc *from, sotto_pc *to, int32_t type)
{
    char *sdp;
    assert_int_equal(sotto_pc_set_local_description(from, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(from, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(to, type, sdp, NULL), 0);
    sotto_free(sdp);
}

/* Offer and answer; packets are of no interest. */
static void negotiate(sotto_ctx *ctx, const sotto_pc_config *cfg, sotto_pc *ret[2])
{
    sotto_dc *dc;
    assert_int_equal(sotto_pc_new(ctx, cfg, &ret[0]), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &ret[1]), 0);
    assert_int_equal(sotto_pc_create_data_channel(ret[0], "x", NULL, &dc), 0);
    pass(ret[0], ret[1], SOTTO_SDP_OFFER);
    pass(ret[1], ret[0], SOTTO_SDP_ANSWER);
}

static void the_next_offer_is_an_ice_restart_if_what_gathering_uses_differs(void **state)
{
    static void (*const makes[])(sotto_pc_config *) = {no_servers,
                                                       another_server,
                                                       only_another_password,
                                                       only_another_user_name,
                                                       only_another_transport,
                                                       only_another_port,
                                                       policy,
                                                       ports,
                                                       interface,
                                                       external,
                                                       no_external};
    (void)state;
    sotto_ctx *ctx = new_ctx();
    for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
        char a[64], b[64];
        sotto_ice_server servers[2];
        sotto_pc *pc[2];
        sotto_pc_config cfg = full(servers, NULL);
        negotiate(ctx, &cfg, pc);
        offer_ufrag(pc[0], a);
        assert_int_equal(sotto_pc_set_config(pc[0], &cfg), 0);
        assert_string_equal(offer_ufrag(pc[0], b), a); /* nothing differs */
        makes[i](&cfg);
        assert_int_equal(sotto_pc_set_config(pc[0], &cfg), 0);
        if (strcmp(offer_ufrag(pc[0], b), a) == 0) fail_msg("change %zu", i);
        pass(pc[0], pc[1], SOTTO_SDP_OFFER);
        pass(pc[1], pc[0], SOTTO_SDP_ANSWER);
        assert_string_equal(offer_ufrag(pc[0], a), b); /* once */
        sotto_pc_free(pc[0]);
        sotto_pc_free(pc[1]);
    }
    sotto_ctx_free(ctx);
}

static void writing_a_url_in_another_way_is_no_difference(void **state)
{
    (void)state;
    char a[64], b[64];
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc[2];
    sotto_ice_server s = {.size = sizeof s, .url = "stun:127.0.0.1:9"};
    sotto_pc_config cfg = {
        .size = sizeof cfg, .ice_servers = &s, .n_ice_servers = 1, .allow_loopback = true};
    negotiate(ctx, &cfg, pc);
    offer_ufrag(pc[0], a);
    s.url = "STUN:127.0.0.1:0009";
    assert_int_equal(sotto_pc_set_config(pc[0], &cfg), 0);
    assert_string_equal(offer_ufrag(pc[0], b), a);
    sotto_pc_config *now = get(pc[0]);
    assert_string_equal(now->ice_servers[0].url, s.url);
    sotto_free(now);
    sotto_ctx_free(ctx);
}

/* ---- handles and memory ---- */

static void dead_handles_are_refused(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_pc_config *c = NULL;
    sotto_transport_info info = {.size = sizeof info};
    sotto_event *e;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_get_config(NULL, &c), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_config(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_set_config(NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_transport(NULL, &info), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_transport(pc, NULL), SOTTO_E_INVAL);
    info.size = 0;
    assert_int_equal(sotto_pc_get_transport(pc, &info), SOTTO_E_INVAL);
    info.size = sizeof info;
    sotto_pc_close(pc);
    assert_int_equal(sotto_pc_get_config(pc, &c), 0); /* W3C lets it be read */
    sotto_free(c);
    c = NULL;
    sotto_pc_config bad = {.size = sizeof bad, .max_channels = 7};
    assert_int_equal(sotto_pc_set_config(pc, NULL), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_set_config(pc, &bad), SOTTO_E_CLOSED); /* that goes before what may not change */
    assert_int_equal(sotto_pc_get_transport(pc, &info), 0);
    assert_int_equal(info.dtls, SOTTO_DTLS_CLOSED);
    assert_int_equal(sotto_ctx_next(ctx, &e), 1);
    sotto_pc_free(pc);
    assert_int_equal(sotto_pc_get_config(e->pc, &c), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_set_config(e->pc, NULL), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_get_transport(e->pc, &info), SOTTO_E_CLOSED);
    assert_null(c);
    sotto_event_free(e);
    sotto_ctx_free(ctx);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_ice_server servers[2];
    sotto_pc *pc;
    sotto_pc_config cfg = full(servers, NULL), before = cfg, *c = NULL;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    another_password(&cfg);
    int64_t live = sotto__mem_live();
    sotto__mem_fail_at(1);
    assert_int_equal(sotto_pc_get_config(pc, &c), SOTTO_E_NOMEM);
    assert_null(c);
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto_pc_set_config(pc, &cfg);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_true(n > 6);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
        c = get(pc);
        must_equal(c, &before);
        sotto_free(c);
    }
    sotto_ctx_free(ctx);
}

static void an_older_and_smaller_info_is_filled_as_far_as_it_goes(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_transport_info info;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    memset(&info, 0x55, sizeof info);
    info.size = offsetof(sotto_transport_info, sctp);
    assert_int_equal(sotto_pc_get_transport(pc, &info), 0);
    assert_int_equal(info.size, offsetof(sotto_transport_info, sctp));
    assert_int_equal(info.dtls, SOTTO_DTLS_NEW);
    assert_int_equal(info.sctp, 0x55555555);
    sotto_ctx_free(ctx);
}

static void a_call_tells_its_transport(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg};
    sotto_ctx *ctx;
    struct call c;
    assert_int_equal(both_ways_ctx(&cfg, &ctx), 0);
    call_new(&c, ctx, ctx);
    call_connect(&c);
    sotto_transport_info a = {.size = sizeof a}, b = {.size = sizeof b};
    assert_int_equal(sotto_pc_get_transport(c.a.pc, &a), 0);
    assert_int_equal(sotto_pc_get_transport(c.b.pc, &b), 0);
    assert_int_equal(a.dtls, SOTTO_DTLS_CONNECTED);
    assert_int_equal(a.sctp, SOTTO_SCTP_CONNECTED);
    assert_int_equal(a.max_message_size, 262144);
    assert_int_equal(a.max_channels, 256);
    assert_int_equal(a.ice_role, SOTTO_ICE_ROLE_CONTROLLING);
    assert_int_equal(b.ice_role, SOTTO_ICE_ROLE_CONTROLLED);
    assert_true(a.is_dtls_client != b.is_dtls_client);
    assert_string_equal(a.local_ufrag, b.remote_ufrag);
    assert_non_null(strstr(a.selected_pair, "host"));
    call_free(&c);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(everything_given_is_read_back_from_one_block),
        cmocka_unit_test(what_may_change_changes_and_what_may_not_does_not),
        cmocka_unit_test(a_certificate_of_its_own_cannot_be_replaced),
        cmocka_unit_test(the_next_offer_is_an_ice_restart_if_what_gathering_uses_differs),
        cmocka_unit_test(writing_a_url_in_another_way_is_no_difference),
        cmocka_unit_test(dead_handles_are_refused),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(an_older_and_smaller_info_is_filled_as_far_as_it_goes),
        cmocka_unit_test(a_call_tells_its_transport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

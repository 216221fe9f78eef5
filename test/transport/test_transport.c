/* SPDX-License-Identifier: BSD-2-Clause */
/* The wired path: nothing is given up before the certificate was verified; early, strange and late datagrams harm nobody. */
#include "couple.h"
#include "util/mem.h"

static void two_connect_and_exchange_messages(void **state)
{
    (void)state;
    static const int32_t ice[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED};
    struct couple *c = couple_new(1, false);
    struct ice_pair pair;
    assert_false(sotto__transport_pair(&c->a.t, &pair));
    couple_connect(c);
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    couple_run(c, SOTTO_SECONDS(1));
    assert_true(couple_is_even(c));
    assert_int_equal(c->a.n_ice, 3);
    assert_memory_equal(c->a.ice, ice, sizeof ice);
    assert_int_equal(c->a.n_dtls, 2);
    assert_int_equal(c->a.dtls[0], TRANSPORT_DTLS_CONNECTING);
    assert_int_equal(c->a.dtls[1], TRANSPORT_DTLS_CONNECTED);
    assert_int_equal(c->a.n_up, 1);
    assert_true(sotto__transport_pair(&c->a.t, &pair));
    assert_int_equal(pair.local.addr.ip[3], 1);
    assert_int_equal(pair.remote.addr.ip[3], 2);
    couple_free(c);
}

static void what_goes_over_the_path_is_counted(void **state)
{
    (void)state;
    struct couple *c = couple_new(2, false);
    couple_connect(c);
    couple_run(c, SOTTO_SECONDS(1));
    const struct transport_stats *a = &c->a.t.stats, *b = &c->b.t.stats;
    uint64_t packets = a->packets_sent, bytes = a->bytes_sent;
    c->a.size = 1000;
    assert_true(party_send(c, &c->a));
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(a->packets_sent, packets + 1);
    assert_in_range(a->bytes_sent - bytes, 1000, 1200);
    assert_int_equal(a->packets_sent, b->packets_received);
    assert_int_equal(a->bytes_sent, b->bytes_received);
    assert_int_equal(b->packets_sent, a->packets_received);
    assert_int_equal(a->pair_changes, 1);
    couple_free(c);
}

/* proves: H059 */
static void another_certificate_than_the_promised_one_fails_the_connection(void **state)
{
    (void)state; /* H059, H060: in either role */
    for (int side = 0; side < 2; side++) {
        struct couple *c = couple_new(3, false);
        struct party *victim = side == 0 ? &c->b : &c->a;
        struct transport_remote forged = party_remote(victim->other, false);
        struct transport_remote good = party_remote(victim, false);
        forged.fingerprints[0].bytes[5] ^= 1;
        assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
        assert_int_equal(sotto__transport_start(&c->b.t, false, couple_now(c)), 0);
        assert_int_equal(party_set_remote(c, victim, &forged), 0);
        assert_int_equal(party_set_remote(c, victim->other, &good), 0);
        assert_int_equal(sotto__transport_begin_data(&c->a.t, 5000, 5000, couple_now(c)), 0);
        assert_int_equal(sotto__transport_begin_data(&c->b.t, 5000, 5000, couple_now(c)), 0);
        couple_run(c, SOTTO_SECONDS(40));
        assert_int_equal(victim->t.dtls_state, TRANSPORT_DTLS_FAILED);
        assert_int_equal(victim->dtls_error, SOTTO_E_PROTO);
        assert_true(victim->dtls_reason[0] != '\0');
        assert_null(victim->t.sctp);
        assert_int_equal(c->a.n_up + c->b.n_up, 0);
        couple_free(c);
    }
}

static enum net_verdict junk(struct net *net, struct net_datagram *c, void *user)
{
    static const uint8_t firsts[] = {0, 3, 15, 16, 19, 64, 79, 80, 127, 128, 191, 192, 255};
    uint8_t bytes[48];
    uint64_t *rng = user;
    memset(bytes, (int)net_random(rng), sizeof bytes);
    bytes[0] = firsts[net_random(rng) % sizeof firsts];
    net_inject(net, &c->from, &c->to, bytes, (size_t)(net_random(rng) % sizeof bytes), 100);
    return NET_PASS;
}

/* proves: H056 */
static void strange_datagrams_change_nothing(void **state)
{
    (void)state; /* H056 */
    struct couple *c = couple_new(4, false);
    uint64_t rng = 7;
    c->net->tap = junk;
    c->net->tap_user = &rng;
    couple_connect(c);
    assert_true(party_send(c, &c->a));
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->b.n_received, 1);
    couple_free(c);
}

static void early_dtls_is_kept_within_bounds(void **state)
{
    (void)state; /* the offerer hears a ClientHello before it has the answer */
    struct couple *c = couple_new(5, false);
    struct address from = {.family = 4, .ip = {192, 0, 2, 2}, .port = 9}, to;
    struct transport_remote of_a = party_remote(&c->a, false);
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_int_equal(sotto__transport_start(&c->b.t, false, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    couple_run(c, SOTTO_MS(100)); /* b's checks make its address a valid source */
    assert_true(net_ice_address(c->b.t.live.ice, &from));
    assert_true(net_ice_address(c->a.t.live.ice, &to));
    uint8_t hello[4000] = {22};
    static uint8_t huge[SOTTO_MAX_EARLY_BYTES + 1] = {22};
    net_inject(c->net, &from, &to, huge, sizeof huge, 10);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(c->a.t.n_early, 0);
    for (int i = 0; i < 100; i++) net_inject(c->net, &from, &to, hello, sizeof hello, 10);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(c->a.t.n_early, SOTTO_MAX_EARLY_BYTES / sizeof hello);
    assert_true(c->a.t.early_bytes <= SOTTO_MAX_EARLY_BYTES);
    for (int i = 0; i < 100; i++) net_inject(c->net, &from, &to, hello, 100, 10);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(c->a.t.n_early, SOTTO_MAX_EARLY_RECORDS);
    couple_free(c);
}

static void a_late_answer_still_connects(void **state)
{
    (void)state;
    struct couple *c = couple_new(6, false);
    struct transport_remote of_a = party_remote(&c->a, false);
    struct transport_remote of_b = party_remote(&c->b, false);
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_int_equal(sotto__transport_start(&c->b.t, false, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    assert_int_equal(sotto__transport_begin_data(&c->b.t, 5000, 5000, couple_now(c)), 0);
    couple_run(c, SOTTO_SECONDS(2));
    assert_int_equal(c->a.n_ice, 0);
    assert_int_equal(sotto__transport_begin_data(&c->a.t, 5000, 5000, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    assert_true(couple_until(c, couple_is_up, SOTTO_SECONDS(5)));
    couple_free(c);
}

/* proves: H038 */
static void candidates_and_their_end_name_their_generation(void **state)
{
    (void)state;
    struct couple *c = couple_new(7, false);
    couple_connect(c);
    couple_run(c, SOTTO_SECONDS(1));
    char first[9];
    memcpy(first, c->a.t.live.ufrag, sizeof first);
    assert_string_equal(c->a.candidates[0].ufrag, first);
    assert_string_equal(c->a.gathered_ufrag, first);
    couple_restart(c, false);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.n_candidates, 2);
    assert_int_equal(c->a.n_gathered, 2);
    assert_string_not_equal(c->a.t.live.ufrag, first);
    assert_string_equal(c->a.candidates[1].ufrag, c->a.t.live.ufrag);
    assert_string_equal(c->a.gathered_ufrag, c->a.t.live.ufrag);
    couple_free(c);
}

/* proves: H038 */
static void a_candidate_goes_to_the_generation_of_its_ufrag(void **state)
{
    (void)state;
    struct couple *c = couple_new(8, false);
    struct candidate k = {.foundation = "9",
                          .component = 1,
                          .priority = 9,
                          .addr = {.family = 4, .ip = {192, 0, 2, 9}, .port = 1}};
    sotto_us now = couple_now(c);
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, NULL, &k, now), 0); /* nothing there */
    couple_connect(c);
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, "strange", &k, now), 0);
    for (uint16_t i = 0; i < 2 * SOTTO_MAX_REMOTE_CANDIDATES; i++) { /* or the limit would tell */
        k.addr.port = i;
        assert_int_equal(sotto__transport_add_candidate(&c->a.t, "strange", &k, now), 0);
    }
    const char *const known[] = {c->b.t.live.ufrag, "", NULL};
    for (size_t n = 0; n < 3; n++) {
        int r = 0;
        for (uint16_t i = 0; i < 2 * SOTTO_MAX_REMOTE_CANDIDATES && r == 0; i++) {
            k.addr.port = (uint16_t)(i + 1000 * n);
            r = sotto__transport_add_candidate(&c->a.t, known[n], &k, now);
        }
        assert_int_equal(r, SOTTO_E_LIMIT);
    }
    couple_free(c);
}

static void servers_that_fail_are_told_as_they_were_configured(void **state)
{
    (void)state;
    struct couple *c = couple_new(9, false);
    char url[] = "turn:192.0.2.9", name[] = "user", word[] = "word", later[] = "stun:192.0.2.8";
    struct ice_server turn = {
        .kind = ICE_SERVER_TURN_UDP, .username = name, .credential = word, .url = url};
    struct ice_server stun = {.kind = ICE_SERVER_STUN, .url = later};
    struct transport_cfg cfg;
    party_config(&c->a, &cfg);
    cfg.servers = &turn, cfg.n_servers = 1;
    assert_int_equal(sotto__transport_configure(&c->a.t, &cfg), 0);
    assert_string_equal(c->a.t.servers[0].credential, word);
    c->a.host->server_code = 401, c->a.host->server_text = "Unauthorized";
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_null(c->a.t.live.servers[0].credential); /* nobody reads it there */
    cfg.servers = &stun;
    assert_int_equal(sotto__transport_configure(&c->a.t, &cfg), 0);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.n_servers, 1);
    assert_string_equal(c->a.server_url, url);
    assert_string_equal(c->a.server_text, "Unauthorized");
    assert_int_equal(c->a.server.code, 401);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    couple_run(c, SOTTO_SECONDS(1));
    assert_string_equal(c->a.server_url, later);
    couple_free(c);
}

static void unstart_and_renew_begin_anew(void **state)
{
    (void)state; /* an offer that was rolled back */
    struct couple *c = couple_new(10, false);
    char first[9];
    memcpy(first, c->a.t.live.ufrag, sizeof first);
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), SOTTO_E_STATE);
    assert_int_equal(sotto__transport_renew(&c->a.t), SOTTO_E_STATE);
    couple_run(c, SOTTO_MS(1));
    sotto__transport_unstart(&c->a.t, couple_now(c));
    assert_null(c->a.t.live.ice);
    assert_int_equal(sotto__transport_due(&c->a.t), 0); /* its ICE is closed and shall be freed */
    couple_run(c, 0);
    assert_int_equal(c->net->live_ices, 0);
    assert_string_equal(c->a.t.live.ufrag, first);
    assert_int_equal(sotto__transport_renew(&c->a.t), 0);
    assert_string_not_equal(c->a.t.live.ufrag, first);
    couple_connect(c);
    sotto__transport_unstart(&c->a.t, couple_now(c)); /* too late */
    assert_non_null(c->a.t.live.ice);
    couple_free(c);
}

static void a_gather_that_fails_can_be_tried_again(void **state)
{
    (void)state;
    struct couple *c = couple_new(11, false);
    size_t had = c->a.host->n_addresses;
    c->a.host->n_addresses = 0;
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), SOTTO_E_NETWORK);
    assert_int_equal(c->net->live_ices, 0);
    c->a.host->n_addresses = had;
    couple_connect(c);
    couple_free(c);
}

static void detach_gives_all_one_by_one(void **state)
{
    (void)state;
    struct couple *c = couple_new(12, false);
    sotto_us now;
    couple_connect(c);
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(1))); /* live and a retired one */
    now = couple_now(c);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, now), 0);
    sotto__transport_replace(&c->a.t, now);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, now), 0);
    struct ice *want[] = {c->a.t.live.ice, c->a.t.next.ice, c->a.t.carrier.ice, c->a.t.retired[0],
                          NULL};
    assert_non_null(want[2]);
    assert_non_null(want[3]);
    for (size_t i = 0; i < 5; i++) {
        struct ice *ice = sotto__transport_detach(&c->a.t, now);
        assert_ptr_equal(ice, want[i]);
        if (!ice) continue;
        assert_true(sotto__ice_net.closed(ice));
        sotto__ice_net.free(ice);
    }
    assert_int_equal(sotto__transport_due(&c->a.t) == SOTTO_NEVER, false); /* SCTP ticks on */
    couple_free(c);
}

static void one_end(struct couple *c)
{
    struct transport_cfg cfg;
    struct ice_server server = {.kind = ICE_SERVER_TURN_UDP};
    char text[] = "text";
    server.username = server.credential = server.url = text;
    party_config(&c->a, &cfg);
    cfg.servers = &server, cfg.n_servers = 1, cfg.interface = "eth9";
    (void)sotto__transport_configure(&c->a.t, &cfg);
    struct transport_remote of_a = party_remote(&c->a, false), of_b = party_remote(&c->b, false);
    if (sotto__transport_start(&c->a.t, true, couple_now(c)) < 0) return;
    if (sotto__transport_start(&c->b.t, false, couple_now(c)) < 0) return;
    if (party_set_remote(c, &c->b, &of_a) < 0 || party_set_remote(c, &c->a, &of_b) < 0) return;
    (void)sotto__transport_begin_data(&c->a.t, 5000, 5000, couple_now(c));
    (void)sotto__transport_begin_data(&c->b.t, 5000, 5000, couple_now(c));
    couple_until(c, couple_is_up, SOTTO_SECONDS(1));
    if (sotto__transport_prepare(&c->a.t) < 0 || sotto__transport_prepare(&c->b.t) < 0) return;
    if (sotto__transport_restart(&c->a.t, couple_now(c)) < 0) return;
    if (sotto__transport_restart(&c->b.t, couple_now(c)) < 0) return;
    of_a = party_remote(&c->a, true), of_b = party_remote(&c->b, true);
    of_a.new_dtls = of_b.new_dtls = true;
    if (party_set_remote(c, &c->b, &of_a) < 0 || party_set_remote(c, &c->a, &of_b) < 0) return;
    couple_run(c, SOTTO_SECONDS(1));
    sotto__transport_end_data(&c->a.t, couple_now(c));
    (void)sotto__transport_begin_data(&c->a.t, 5000, 5000, couple_now(c));
}

/* proves: A10 */
static void every_failing_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct couple *c = couple_new(n, false);
        int64_t before = sotto__mem_live();
        sotto__mem_fail_at(n);
        one_end(c);
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        couple_free(c);
        assert_true(sotto__mem_live() <= before);
    }
    assert_int_equal(sotto__mem_live(), 0);
}

static void what_cannot_be_configured_changes_nothing(void **state)
{
    (void)state;
    struct couple *c = couple_new(13, false);
    struct transport_cfg cfg;
    char text[] = "text";
    struct ice_server servers[2] = {{.url = text}, {.url = text, .username = text}};
    party_config(&c->a, &cfg);
    cfg.servers = servers, cfg.n_servers = 1, cfg.interface = "eth0", cfg.relay_only = true;
    assert_int_equal(sotto__transport_configure(&c->a.t, &cfg), 0);
    cfg.n_servers = 2, cfg.interface = "eth1", cfg.relay_only = false;
    int r = SOTTO_E_NOMEM;
    for (uint64_t n = 1; r == SOTTO_E_NOMEM; n++) {
        assert_int_equal(c->a.t.n_servers, 1);
        assert_string_equal(c->a.t.interface, "eth0");
        assert_true(c->a.t.relay_only);
        sotto__mem_fail_at(n);
        r = sotto__transport_configure(&c->a.t, &cfg);
        sotto__mem_fail_at(0);
    }
    assert_int_equal(r, 0);
    assert_int_equal(c->a.t.n_servers, 2);
    assert_string_equal(c->a.t.interface, "eth1");
    couple_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_connect_and_exchange_messages),
        cmocka_unit_test(what_goes_over_the_path_is_counted),
        cmocka_unit_test(another_certificate_than_the_promised_one_fails_the_connection),
        cmocka_unit_test(strange_datagrams_change_nothing),
        cmocka_unit_test(early_dtls_is_kept_within_bounds),
        cmocka_unit_test(a_late_answer_still_connects),
        cmocka_unit_test(candidates_and_their_end_name_their_generation),
        cmocka_unit_test(a_candidate_goes_to_the_generation_of_its_ufrag),
        cmocka_unit_test(servers_that_fail_are_told_as_they_were_configured),
        cmocka_unit_test(unstart_and_renew_begin_anew),
        cmocka_unit_test(a_gather_that_fails_can_be_tried_again),
        cmocka_unit_test(detach_gives_all_one_by_one),
        cmocka_unit_test(what_cannot_be_configured_changes_nothing),
        cmocka_unit_test(every_failing_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* ICE restarts, make before break: nothing is lost, the state is shown as W3C wants it, and what is given up leaves no trace. */
#include "couple.h"
#include "ice_net.h"
#include "util/rand.h"

static struct couple *connected(uint64_t seed)
{
    struct couple *c = couple_new(seed, false);
    couple_connect(c);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.t.ice_told, SOTTO_ICE_COMPLETED);
    return c;
}

static void traffic(struct couple *c, sotto_us every)
{
    c->a.every = c->b.every = every;
    c->a.next_at = c->b.next_at = couple_now(c);
}

/* The states shown since the one of index `from`. */
static void expect_ice(const struct party *p, size_t from, const int32_t *want, size_t n)
{
    assert_int_equal(p->n_ice, from + n);
    for (size_t i = 0; i < n; i++) assert_int_equal(p->ice[from + i], want[i]);
}

/* proves: ICE-13 */
static void a_hundred_restarts_under_traffic_lose_no_message(void **state)
{
    (void)state;
    struct couple *c = couple_new(1, false);
    struct net_link lossy = {.loss = 0.05, .delay_us = SOTTO_MS(10), .jitter_us = SOTTO_MS(5)};
    net_link_both(c->net, c->a.host, c->b.host, &lossy);
    couple_connect(c);
    const struct dtls *dtls[] = {c->a.t.dtls, c->b.t.dtls};
    couple_until(c, couple_is_even, SOTTO_SECONDS(1));
    size_t first[] = {c->a.n_ice, c->b.n_ice};
    traffic(c, SOTTO_MS(5));
    for (int i = 0; i < 100; i++) {
        struct ice *old = c->a.t.live.ice;
        couple_restart(c, false);
        assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(5)));
        assert_ptr_not_equal(c->a.t.live.ice, old);
        couple_run(c, SOTTO_MS(20 * (i % 10)));
    }
    traffic(c, 0);
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
    assert_true(c->a.n_received > 2000 && c->b.n_received > 2000);
    assert_ptr_equal(c->a.t.dtls, dtls[0]);
    assert_ptr_equal(c->b.t.dtls, dtls[1]);
    assert_int_equal(c->a.n_down + c->b.n_down, 0);
    assert_int_equal(c->a.n_dtls, 2);
    for (size_t i = first[0]; i < c->a.n_ice; i++)
        assert_in_range(c->a.ice[i], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    for (size_t i = first[1]; i < c->b.n_ice; i++)
        assert_in_range(c->b.ice[i], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    couple_run(c, SOTTO_SECONDS(4));
    assert_int_equal(c->net->live_ices, 2);
    assert_int_equal(c->net->live_sockets, 2);
    couple_free(c);
}

static void without_loss_a_restart_loses_no_datagram(void **state)
{
    (void)state; /* the remote may switch later: the old path is listened to for a while */
    struct couple *c = connected(2);
    traffic(c, SOTTO_MS(1));
    for (int i = 0; i < 5; i++) {
        couple_restart(c, false);
        couple_run(c, SOTTO_SECONDS(1));
    }
    traffic(c, 0);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.t.stats.packets_sent, c->b.t.stats.packets_received);
    assert_int_equal(c->b.t.stats.packets_sent, c->a.t.stats.packets_received);
    assert_int_equal(c->a.t.stats.pair_changes, 6);
    assert_true(c->a.slowest < SOTTO_MS(20));
    couple_free(c);
}

/* proves: ICE-13 */
static void data_flows_while_the_next_generation_has_no_answer(void **state)
{
    (void)state;
    struct couple *c = connected(3);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0); /* the same */
    traffic(c, SOTTO_MS(5));
    couple_run(c, SOTTO_SECONDS(60));
    traffic(c, 0);
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    assert_non_null(c->a.t.next.ice);
    assert_int_equal(c->a.t.ice_told, SOTTO_ICE_CONNECTED); /* W3C: completed → connected */
    couple_free(c);
}

static void a_restart_that_is_rolled_back_leaves_the_live_one_untouched(void **state)
{
    (void)state;
    struct couple *c = connected(4);
    struct ice *live = c->a.t.live.ice;
    char ufrag[9], next[9];
    memcpy(ufrag, c->a.t.live.ufrag, sizeof ufrag);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), SOTTO_E_STATE);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    memcpy(next, c->a.t.next.ufrag, sizeof next);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_string_equal(c->a.t.next.ufrag, next); /* they are there */
    assert_string_not_equal(next, ufrag);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    couple_run(c, SOTTO_MS(100));
    size_t n = c->a.n_ice;
    sotto__transport_forget(&c->a.t, couple_now(c));
    assert_string_equal(c->a.t.next.ufrag, "");
    assert_ptr_equal(c->a.t.live.ice, live);
    assert_string_equal(c->a.t.live.ufrag, ufrag);
    couple_run(c, 0);
    assert_int_equal(c->net->live_ices, 2);
    traffic(c, SOTTO_MS(5));
    couple_run(c, SOTTO_SECONDS(1));
    traffic(c, 0);
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    static const int32_t want[] = {SOTTO_ICE_COMPLETED};
    expect_ice(&c->a, n, want, 1);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_string_not_equal(c->a.t.next.ufrag, next);
    sotto__transport_forget(&c->a.t, couple_now(c)); /* never started */
    couple_free(c);
}

static void a_newer_restart_takes_the_place_of_one_that_waits(void **state)
{
    (void)state;
    struct couple *c = connected(5);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    struct transport_remote of_b = party_remote(&c->b, false);
    snprintf(of_b.ufrag, sizeof of_b.ufrag, "elsewhere");
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    couple_run(c, SOTTO_SECONDS(1));
    sotto__transport_forget(&c->a.t, couple_now(c));
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(1)));
    couple_free(c);
}

static bool a_failed(struct couple *c)
{
    return c->a.t.ice_told == SOTTO_ICE_FAILED;
}

/* proves: H051 A13 */
static void a_dead_connection_comes_back_with_all_its_messages(void **state)
{
    (void)state;
    static const int32_t want[] = {SOTTO_ICE_DISCONNECTED, SOTTO_ICE_FAILED, SOTTO_ICE_CHECKING,
                                   SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED};
    struct couple *c = connected(6);
    size_t n = c->a.n_ice;
    net_set_down(c->net, c->a.host, c->b.host, true);
    for (int i = 0; i < 10; i++) assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, a_failed, SOTTO_SECONDS(60)));
    couple_restart(c, false);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.t.ice_told, SOTTO_ICE_CHECKING);
    net_set_down(c->net, c->a.host, c->b.host, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(5)));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
    assert_int_equal(c->a.n_received, 10);
    couple_run(c, SOTTO_SECONDS(5));
    expect_ice(&c->a, n, want, 5);
    assert_int_equal(c->a.n_down + c->b.n_down, 0);
    couple_free(c);
}

static bool a_disconnected(struct couple *c)
{
    return c->a.t.ice_told == SOTTO_ICE_DISCONNECTED;
}

static void a_restart_forgets_that_connectivity_was_lost(void **state)
{
    (void)state;
    struct couple *c = connected(7);
    net_set_down(c->net, c->a.host, c->b.host, true);
    assert_true(couple_until(c, a_disconnected, SOTTO_SECONDS(20)));
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    assert_int_equal(sotto__transport_due(&c->a.t), 0);
    couple_run(c, 0);
    assert_int_equal(c->a.t.ice_told, SOTTO_ICE_CHECKING);
    net_set_down(c->net, c->a.host, c->b.host, false);
    couple_run(c, SOTTO_SECONDS(10)); /* the old path heals: its pair is as good as ever */
    assert_int_equal(c->a.t.ice_told, SOTTO_ICE_CONNECTED);
    couple_free(c);
}

static void what_is_lost_while_the_remote_has_not_answered_is_shown(void **state)
{
    (void)state;
    struct couple *c = connected(8);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    couple_run(c, SOTTO_SECONDS(1));
    size_t n = c->a.n_ice;
    net_set_down(c->net, c->a.host, c->b.host, true);
    assert_true(couple_until(c, a_failed, SOTTO_SECONDS(60)));
    static const int32_t want[] = {SOTTO_ICE_DISCONNECTED, SOTTO_ICE_FAILED, SOTTO_ICE_CHECKING};
    struct transport_remote nobody = party_remote(&c->b, false);
    snprintf(nobody.ufrag, sizeof nobody.ufrag, "elsewhere");
    assert_int_equal(party_set_remote(c, &c->a, &nobody), 0);
    struct candidate k = c->b.candidates[0];
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, "elsewhere", &k, couple_now(c)), 0);
    couple_run(c, SOTTO_SECONDS(1));
    expect_ice(&c->a, n, want, 3);
    couple_free(c);
}

static void a_restart_that_fails_leaves_what_works_and_fails_with_it(void **state)
{
    (void)state;
    struct couple *c = connected(9);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    struct transport_remote nobody = party_remote(&c->b, false);
    snprintf(nobody.ufrag, sizeof nobody.ufrag, "elsewhere");
    assert_int_equal(party_set_remote(c, &c->a, &nobody), 0);
    struct candidate k = c->b.candidates[0];
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, "elsewhere", &k, couple_now(c)), 0);
    sotto__transport_remote_done(&c->a.t, "elsewhere", couple_now(c));
    couple_run(c, SOTTO_SECONDS(20));
    assert_int_equal(c->a.t.next.state, SOTTO_ICE_FAILED);
    assert_int_equal(c->a.t.ice_told, SOTTO_ICE_COMPLETED);
    assert_true(party_send(c, &c->a));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    net_set_down(c->net, c->a.host, c->b.host, true);
    assert_true(couple_until(c, a_failed, SOTTO_SECONDS(60)));
    net_set_down(c->net, c->a.host, c->b.host, false);
    sotto__transport_forget(&c->a.t, couple_now(c));
    couple_restart(c, false); /* from there the next one goes on */
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(5)));
    assert_true(party_send(c, &c->a));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
    couple_free(c);
}

static void a_role_once_chosen_is_kept(void **state)
{
    (void)state; /* RFC 8445 §9, and b's transport made no offer at all */
    struct couple *c = connected(10);
    couple_restart(c, false);
    assert_true(c->a.t.next.ice->controlling);
    assert_false(c->b.t.next.ice->controlling);
    couple_free(c);
}

static void each_generation_starts_as_it_is_configured_then(void **state)
{
    (void)state;
    struct couple *c = connected(11);
    struct transport_cfg cfg;
    party_config(&c->a, &cfg);
    cfg.relay_only = true;
    assert_int_equal(sotto__transport_configure(&c->a.t, &cfg), 0);
    size_t n = c->a.n_candidates;
    couple_restart(c, false);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.n_candidates, n);
    assert_int_equal(c->a.n_gathered, 2);
    assert_non_null(c->a.t.next.ice); /* there is no relay here */
    cfg.relay_only = false, cfg.port_min = cfg.port_max = 4444;
    assert_int_equal(sotto__transport_configure(&c->a.t, &cfg), 0);
    sotto__transport_forget(&c->a.t, couple_now(c));
    couple_restart(c, false);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.candidates[n].addr.port, 4444);
    couple_free(c);
}

static void a_restart_that_cannot_gather_changes_nothing(void **state)
{
    (void)state;
    struct couple *c = connected(12);
    size_t had = c->a.host->n_addresses;
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    c->a.host->n_addresses = 0;
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), SOTTO_E_NETWORK);
    assert_null(c->a.t.next.ice);
    c->a.host->n_addresses = had;
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(1)));
    couple_free(c);
}

/* proves: H058 */
static void old_ones_that_still_listen_are_cut_short_by_newer_ones(void **state)
{
    (void)state;
    struct couple *c = connected(13);
    for (int i = 0; i < 10; i++) {
        couple_restart(c, false);
        assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(1)));
        assert_in_range(c->net->live_ices, 2, 6);
    }
    assert_non_null(c->a.t.retired[0]);
    couple_run(c, SOTTO_SECONDS(3) + SOTTO_MS(1));
    assert_int_equal(c->net->live_ices, 2);
    couple_free(c);
}

/* a's next generation has the remote's answer, but b does not know of it: no check of a's is answered. */
static void restart_halfway(struct couple *c, const char *remote)
{
    struct transport_remote nobody = party_remote(&c->b, false);
    snprintf(nobody.ufrag, sizeof nobody.ufrag, "%s", remote);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, &c->a, &nobody), 0);
    struct candidate k = c->b.candidates[0];
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, remote, &k, couple_now(c)), 0);
    couple_run(c, SOTTO_MS(100));
}

/* proves: H058 */
static void a_restart_that_is_overtaken_by_another_stops_no_data(void **state)
{
    (void)state;
    struct couple *c = connected(15);
    sotto__transport_replace(&c->a.t, couple_now(c)); /* there is none: nothing happens */
    assert_null(c->a.t.carrier.ice);
    struct ice *first = c->a.t.live.ice;
    size_t n = c->a.n_ice;
    traffic(c, SOTTO_MS(1));
    for (int i = 0; i < 3; i++) {
        struct ice_pair pair;
        restart_halfway(c, i % 2 ? "elsewhere" : "nowhere");
        struct ice *next = c->a.t.next.ice;
        sotto__transport_replace(&c->a.t, couple_now(c));
        assert_ptr_equal(c->a.t.live.ice, next);
        assert_false(c->a.t.live.selected);
        assert_ptr_equal(c->a.t.carrier.ice, first);
        assert_null(c->a.t.next.ice);
        assert_string_equal(c->a.t.next.ufrag, "");
        assert_true(sotto__transport_pair(&c->a.t, &pair));
        couple_run(c, SOTTO_SECONDS(5));
    }
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(1)));
    assert_null(c->a.t.carrier.ice);
    assert_ptr_equal(c->a.t.retired[0], first); /* that is where data may still come */
    couple_run(c, SOTTO_SECONDS(5));
    traffic(c, 0);
    couple_run(c, SOTTO_SECONDS(1));
    static const int32_t want[] = {SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED};
    expect_ice(&c->a, n, want, 2);
    assert_int_equal(c->a.t.stats.packets_sent, c->b.t.stats.packets_received);
    assert_int_equal(c->b.t.stats.packets_sent, c->a.t.stats.packets_received);
    assert_int_equal(c->net->live_ices, 2);
    couple_free(c);
}

static bool a_path_is_live(struct couple *c)
{
    return !c->a.t.carrier.ice;
}

static void the_overtaken_one_takes_over_if_it_gets_its_pair_after_all(void **state)
{
    (void)state;
    struct couple *c = connected(16);
    couple_restart(c, false);
    sotto__transport_replace(&c->a.t, couple_now(c));
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0); /* never answered */
    struct ice *live = c->a.t.live.ice;
    traffic(c, SOTTO_MS(1));
    assert_true(couple_until(c, a_path_is_live, SOTTO_SECONDS(1)));
    assert_ptr_equal(c->a.t.live.ice, live);
    couple_run(c, SOTTO_SECONDS(5));
    traffic(c, 0);
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(c->a.t.stats.packets_sent, c->b.t.stats.packets_received);
    assert_int_equal(c->b.t.stats.packets_sent, c->a.t.stats.packets_received);
    couple_free(c);
}

static void overtaken_restarts_that_fail_are_shown_when_nothing_else_is_left(void **state)
{
    (void)state;
    struct couple *c = connected(17);
    static const int32_t want[] = {SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED, /* the carrier's own */
                                   SOTTO_ICE_DISCONNECTED, SOTTO_ICE_FAILED};
    size_t n = c->a.n_ice;
    restart_halfway(c, "elsewhere");
    sotto__transport_remote_done(&c->a.t, "elsewhere", couple_now(c));
    sotto__transport_replace(&c->a.t, couple_now(c));
    couple_run(c, SOTTO_SECONDS(20));
    assert_int_equal(c->a.t.live.state, SOTTO_ICE_FAILED);
    assert_true(party_send(c, &c->a));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    net_set_down(c->net, c->a.host, c->b.host, true);
    assert_true(couple_until(c, a_failed, SOTTO_SECONDS(60)));
    expect_ice(&c->a, n, want, 4);
    couple_free(c);
}

static void a_new_association_of_dtls_needs_no_carrier(void **state)
{
    (void)state;
    struct couple *c = connected(18);
    couple_restart(c, true);
    sotto__transport_replace(&c->a.t, couple_now(c));
    assert_null(c->a.t.carrier.ice);
    assert_true(couple_until(c, couple_is_up, SOTTO_SECONDS(5)));
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    couple_restart(c, false);
    sotto__transport_replace(&c->a.t, couple_now(c));
    assert_non_null(c->a.t.carrier.ice);
    struct transport_remote of_b = party_remote(&c->b, true);
    of_b.new_dtls = true;
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    assert_null(c->a.t.carrier.ice);
    couple_free(c);
}

static void credentials_of_a_further_restart_leave_the_one_under_way_alone(void **state)
{
    (void)state; /* a text that was made need not become a description */
    struct couple *c = connected(19);
    char first[9], second[9];
    restart_halfway(c, "elsewhere");
    struct ice *live = c->a.t.live.ice, *next = c->a.t.next.ice;
    memcpy(first, c->a.t.next.ufrag, sizeof first);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), SOTTO_E_STATE);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    memcpy(second, sotto__transport_prepared(&c->a.t)->ufrag, sizeof second);
    assert_string_not_equal(first, second);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_string_equal(sotto__transport_prepared(&c->a.t)->ufrag, second); /* they are there */
    assert_string_equal(c->a.t.next.ufrag, first);
    assert_ptr_equal(c->a.t.live.ice, live);
    assert_ptr_equal(c->a.t.next.ice, next);
    c->a.host->n_addresses = 0;
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), SOTTO_E_NETWORK);
    assert_ptr_equal(c->a.t.next.ice, next); /* nothing changed */
    c->a.host->n_addresses = 1;
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    assert_string_equal(c->a.t.next.ufrag, second);
    assert_ptr_equal(c->a.t.live.ice, next);
    assert_ptr_equal(c->a.t.carrier.ice, live);
    sotto__transport_forget(&c->a.t, couple_now(c)); /* rolled back: the first restart goes on */
    assert_ptr_equal(c->a.t.live.ice, next);
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    couple_free(c);
}

static bool a_has_moved(struct couple *c)
{
    return !c->a.t.next.ice;
}

static void credentials_that_were_prepared_outlive_the_pair_of_the_one_before(void **state)
{
    (void)state;
    struct couple *c = connected(20);
    couple_restart(c, false);
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    char ufrag[9];
    memcpy(ufrag, sotto__transport_prepared(&c->a.t)->ufrag, sizeof ufrag);
    assert_true(couple_until(c, a_has_moved, SOTTO_SECONDS(1)));
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_string_equal(sotto__transport_prepared(&c->a.t)->ufrag, ufrag);
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(1)));
    assert_string_equal(c->a.t.live.ufrag, ufrag);
    assert_null(c->a.t.carrier.ice);
    couple_free(c);
}

/* proves: ICE-02 */
static void no_entropy_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    struct couple *c = connected(14);
    sotto__rand_fail(1);
    assert_int_equal(sotto__transport_prepare(&c->a.t), SOTTO_E_SYS);
    sotto__rand_fail(0);
    assert_string_equal(c->a.t.next.ufrag, "");
    assert_string_equal(c->a.t.next.pwd, "");
    couple_free(c);
}

/* What the live ICE of b would say, and what the others are told. */
static struct {
    const struct ice *asked, *hurried;
    sotto_us asked_at, hurried_at, heard;
} watched;

static void note_woke(struct ice *ice, sotto_us slept, sotto_us now)
{
    assert_int_equal(slept, 0);
    watched.asked = ice;
    watched.asked_at = now;
}

static void note_hurry(struct ice *ice, sotto_us now)
{
    watched.hurried = ice;
    watched.hurried_at = now;
}

static sotto_us give_heard(const struct ice *ice)
{
    return ice == watched.asked ? watched.heard : SOTTO_NEVER;
}

static void an_answerer_is_patient_only_if_the_old_path_answers(void **state)
{
    (void)state;
    for (int is_alive = 0; is_alive < 2; is_alive++) {
        struct couple *c = connected(60 + (uint64_t)is_alive);
        struct ice_ops ops = *c->b.shared.ice_ops;
        ops.woke = note_woke, ops.hurry = note_hurry, ops.heard = give_heard;
        c->b.shared.ice_ops = &ops;
        memset(&watched, 0, sizeof watched);
        const struct ice *live = c->b.t.live.ice;
        sotto_us start = couple_now(c);
        assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
        assert_int_equal(sotto__transport_restart(&c->a.t, start), 0);
        struct transport_remote of_a = party_remote(&c->a, true); /* b's answer does not get there */
        assert_int_equal(sotto__transport_prepare(&c->b.t), 0);
        assert_int_equal(sotto__transport_restart(&c->b.t, start), 0);
        assert_ptr_equal(watched.asked, live);
        assert_int_equal(watched.asked_at, start);
        watched.heard = is_alive ? start + SOTTO_MS(20) : start - 1;
        assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
        couple_run(c, SOTTO_SECONDS(2));
        assert_ptr_equal(watched.hurried, is_alive ? NULL : c->b.t.next.ice);
        if (!is_alive) assert_in_range(watched.hurried_at - start, SOTTO_MS(300), SOTTO_MS(310));
        couple_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_restarts_under_traffic_lose_no_message),
        cmocka_unit_test(without_loss_a_restart_loses_no_datagram),
        cmocka_unit_test(data_flows_while_the_next_generation_has_no_answer),
        cmocka_unit_test(a_restart_that_is_rolled_back_leaves_the_live_one_untouched),
        cmocka_unit_test(a_newer_restart_takes_the_place_of_one_that_waits),
        cmocka_unit_test(a_dead_connection_comes_back_with_all_its_messages),
        cmocka_unit_test(a_restart_forgets_that_connectivity_was_lost),
        cmocka_unit_test(what_is_lost_while_the_remote_has_not_answered_is_shown),
        cmocka_unit_test(a_restart_that_fails_leaves_what_works_and_fails_with_it),
        cmocka_unit_test(a_role_once_chosen_is_kept),
        cmocka_unit_test(each_generation_starts_as_it_is_configured_then),
        cmocka_unit_test(a_restart_that_cannot_gather_changes_nothing),
        cmocka_unit_test(old_ones_that_still_listen_are_cut_short_by_newer_ones),
        cmocka_unit_test(a_restart_that_is_overtaken_by_another_stops_no_data),
        cmocka_unit_test(the_overtaken_one_takes_over_if_it_gets_its_pair_after_all),
        cmocka_unit_test(overtaken_restarts_that_fail_are_shown_when_nothing_else_is_left),
        cmocka_unit_test(a_new_association_of_dtls_needs_no_carrier),
        cmocka_unit_test(credentials_of_a_further_restart_leave_the_one_under_way_alone),
        cmocka_unit_test(credentials_that_were_prepared_outlive_the_pair_of_the_one_before),
        cmocka_unit_test(an_answerer_is_patient_only_if_the_old_path_answers),
        cmocka_unit_test(no_entropy_is_an_error_and_changes_nothing),
    };
    return cmocka_run_group_tests_name("transport_restart", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What an application is told about the transport and the configuration, at each step; and what changing the configuration does. */
#include "duo.h"

static sotto_transport_info info_of(const struct duo_side *s)
{
    sotto_transport_info info = {.size = sizeof info, .sctp = 99, .local_ufrag = "junk"};
    sotto__peer_get_transport(s->peer, &info);
    assert_int_equal(info.size, sizeof info);
    return info;
}

static void a_fresh_transport_is_new_and_empty(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    sotto_transport_info i = info_of(&d->a), zero = {.size = sizeof zero};
    assert_memory_equal(&i, &zero, sizeof i);
    duo_free(d);
}

static void an_offer_makes_the_role_and_the_ufrag_known(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    sotto_transport_info i = info_of(&d->a);
    assert_int_equal(i.dtls, SOTTO_DTLS_NEW);
    assert_int_equal(i.ice_role, SOTTO_ICE_ROLE_CONTROLLING);
    assert_int_equal(i.sctp, SOTTO_SCTP_CONNECTING); /* W3C: from the offer on */
    assert_int_equal(i.max_message_size, 0);
    assert_int_equal(i.max_channels, 0);
    assert_string_equal(i.local_ufrag, d->a.peer->transport.live.ufrag);
    assert_string_equal(i.remote_ufrag, "");
    assert_string_equal(i.selected_pair, "");
    duo_free(d);
}

static void a_connected_transport_tells_both_ends(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_open(&d->a, "x");
    duo_signal(d);
    assert_int_equal(info_of(&d->a).sctp, SOTTO_SCTP_CONNECTING);
    assert_int_equal(info_of(&d->a).max_message_size, SOTTO_DEFAULT_MESSAGE);
    duo_run(d, SOTTO_SECONDS(1));
    sotto_transport_info a = info_of(&d->a), b = info_of(&d->b);
    assert_int_equal(a.dtls, SOTTO_DTLS_CONNECTED);
    assert_int_equal(a.ice_role, SOTTO_ICE_ROLE_CONTROLLING);
    assert_int_equal(b.ice_role, SOTTO_ICE_ROLE_CONTROLLED);
    assert_int_equal(a.sctp, SOTTO_SCTP_CONNECTED);
    assert_int_equal(b.sctp, SOTTO_SCTP_CONNECTED);
    assert_int_equal(a.max_channels, 256);
    assert_true(a.is_dtls_client != b.is_dtls_client);
    assert_string_equal(a.local_ufrag, b.remote_ufrag);
    assert_string_equal(b.local_ufrag, a.remote_ufrag);
    assert_string_not_equal(a.local_ufrag, "");
    assert_string_not_equal(a.selected_pair, "");
    duo_free(d);
}

static void a_closed_transport_is_closed_and_has_no_pair(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_connect(d);
    sotto__peer_close(d->a.peer, duo_now(d));
    sotto__egress_flush(&d->a.egress, duo_now(d));
    sotto_transport_info i = info_of(&d->a);
    assert_int_equal(i.dtls, SOTTO_DTLS_CLOSED);
    assert_int_equal(i.sctp, SOTTO_SCTP_CLOSED);
    assert_int_equal(i.max_channels, 0);
    duo_run(d, SOTTO_SECONDS(1)); /* the other side is told */
    i = info_of(&d->b);
    assert_int_equal(i.dtls, SOTTO_DTLS_CLOSED);
    assert_int_equal(i.sctp, SOTTO_SCTP_CLOSED);
    duo_free(d);
}

static void a_connection_of_media_only_has_no_sctp(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(d->a.peer, duo_now(d), SOTTO_AUDIO, NULL, &t), 0);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(1));
    sotto_transport_info i = info_of(&d->a);
    assert_int_equal(i.dtls, SOTTO_DTLS_CONNECTED);
    assert_int_equal(i.sctp, SOTTO_SCTP_NONE);
    assert_int_equal(i.max_message_size, 0);
    sotto__peer_close(d->a.peer, duo_now(d));
    assert_int_equal(info_of(&d->a).sctp, SOTTO_SCTP_NONE);
    duo_free(d);
}

/* ---- the configuration ---- */

static const struct ice_server turn = {.kind = ICE_SERVER_TURN_UDP,
                                       .addr = {4, {192, 0, 2, 9}, 3478},
                                       .username = (char *)"user",
                                       .credential = (char *)"secret",
                                       .url = (char *)"turn:192.0.2.9"};

static struct transport_cfg changed(const struct duo_side *s)
{
    struct peer_cfg cfg;
    sotto__peer_get_config(s->peer, &cfg);
    cfg.transport.servers = &turn;
    cfg.transport.n_servers = 1;
    cfg.transport.relay_only = true;
    cfg.transport.port_min = 5000;
    cfg.transport.port_max = 5001;
    cfg.transport.interface = "eth9";
    return cfg.transport;
}

static void the_configuration_is_read_as_it_was_given_and_as_it_was_changed(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    assert_ptr_equal(cfg.transport.cert, d->a.cert);
    assert_int_equal(cfg.transport.n_servers, 0);
    assert_int_equal(cfg.transport.max_message_size, SOTTO_DEFAULT_MESSAGE);
    assert_int_equal(cfg.transport.streams_out, 256);
    assert_int_equal(cfg.transport.streams_in, 512);
    assert_int_equal(cfg.max_buffered, SOTTO_DEFAULT_BUFFERED);
    assert_int_equal(cfg.max_channels, 256);
    struct transport_cfg to = changed(&d->a);
    assert_int_equal(sotto__peer_configure(d->a.peer, &to, true), 0);
    sotto__peer_get_config(d->a.peer, &cfg);
    assert_int_equal(cfg.transport.n_servers, 1);
    assert_ptr_not_equal(cfg.transport.servers, &turn); /* copied */
    assert_string_equal(cfg.transport.servers[0].credential, "secret");
    assert_string_equal(cfg.transport.servers[0].url, "turn:192.0.2.9");
    assert_true(cfg.transport.relay_only);
    assert_int_equal(cfg.transport.port_min, 5000);
    assert_int_equal(cfg.transport.port_max, 5001);
    assert_string_equal(cfg.transport.interface, "eth9");
    assert_int_equal(cfg.transport.max_message_size, SOTTO_DEFAULT_MESSAGE);
    duo_free(d);
}

static void before_the_first_gathering_a_change_needs_no_restart(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    struct transport_cfg to = changed(&d->a);
    assert_int_equal(sotto__peer_configure(d->a.peer, &to, true), 0);
    assert_false(d->a.peer->reconfigured);
    duo_free(d);
}

static bool offers_new_ufrag(struct duo *d)
{
    char *sdp, want[64];
    assert_int_equal(sotto__peer_create_offer(d->a.peer, duo_now(d), false, &sdp), 0);
    snprintf(want, sizeof want, "a=ice-ufrag:%s\r\n", d->a.peer->transport.live.ufrag);
    bool is_new = strstr(sdp, want) == NULL;
    sotto__free(sdp);
    return is_new;
}

static void after_it_the_next_offer_is_an_ice_restart(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    duo_connect(d);
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    struct transport_cfg to = cfg.transport;
    to.port_min = 20000, to.port_max = 30000;
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, false), 0);
    assert_false(offers_new_ufrag(d)); /* nothing differs */
    assert_int_equal(sotto__peer_configure(d->a.peer, &to, true), 0);
    assert_true(offers_new_ufrag(d));
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(2));
    assert_int_equal(info_of(&d->a).dtls, SOTTO_DTLS_CONNECTED);
    uint16_t port = 0;
    for (size_t i = 0; i < d->a.peer->n_candidates; i++)
        if (d->a.peer->candidates[i].ufrag[0]) port = d->a.peer->candidates[i].addr.port;
    assert_true(port >= 20000 && port <= 30000);
    assert_false(offers_new_ufrag(d)); /* once */
    duo_free(d);
}

static void reconfigure(struct duo *d)
{
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    cfg.transport.port_min = 20000, cfg.transport.port_max = 30000;
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, true), 0);
}

static void set(struct duo *d, struct duo_side *from, struct duo_side *to, int32_t type)
{
    char *sdp;
    assert_int_equal(sotto__peer_set_local(from->peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    assert_int_equal(sotto__peer_local_description(from->peer, 0, NULL, &sdp), 1);
    assert_int_equal(sotto__peer_set_remote(to->peer, duo_now(d), type, sdp, NULL), 0);
    sotto__free(sdp);
}

static void the_restart_is_not_forgotten_by_what_was_gathered_before(void **state)
{
    (void)state;
    struct duo *d = duo_new(11);
    duo_open(&d->a, "x");
    set(d, &d->a, &d->b, SOTTO_SDP_OFFER);
    reconfigure(d); /* between our offer and its answer */
    set(d, &d->b, &d->a, SOTTO_SDP_ANSWER);
    assert_true(offers_new_ufrag(d));
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(2));
    assert_false(offers_new_ufrag(d));
    reconfigure(d); /* and then the remote offers, without a restart */
    set(d, &d->b, &d->a, SOTTO_SDP_OFFER);
    set(d, &d->a, &d->b, SOTTO_SDP_ANSWER);
    assert_true(offers_new_ufrag(d));
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(2));
    assert_false(offers_new_ufrag(d));
    assert_int_equal(info_of(&d->a).sctp, SOTTO_SCTP_CONNECTED);
    duo_free(d);
}

static void a_restart_that_gathers_already_is_followed_by_another(void **state)
{
    (void)state;
    struct duo *d = duo_new(12);
    duo_connect(d);
    assert_int_equal(sotto__peer_restart_ice(d->a.peer, duo_now(d)), 0);
    set(d, &d->a, &d->b, SOTTO_SDP_OFFER);
    reconfigure(d);
    set(d, &d->b, &d->a, SOTTO_SDP_ANSWER);
    duo_run(d, SOTTO_SECONDS(2));
    assert_true(offers_new_ufrag(d));
    duo_free(d);
}

static void a_closed_connection_takes_no_configuration(void **state)
{
    (void)state;
    struct duo *d = duo_new(9);
    struct transport_cfg to = changed(&d->a);
    sotto__peer_close(d->a.peer, duo_now(d));
    assert_int_equal(sotto__peer_configure(d->a.peer, &to, true), SOTTO_E_CLOSED);
    duo_free(d);
}

static void without_memory_the_configuration_stays(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    duo_connect(d);
    struct transport_cfg to = changed(&d->a);
    struct peer_cfg cfg;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto__peer_configure(d->a.peer, &to, true);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_true(n > 3);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
        assert_false(d->a.peer->reconfigured);
        sotto__peer_get_config(d->a.peer, &cfg);
        assert_int_equal(cfg.transport.n_servers, 0);
        assert_int_equal(cfg.transport.port_min, 0);
        assert_null(cfg.transport.interface);
    }
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_transport_is_new_and_empty),
        cmocka_unit_test(an_offer_makes_the_role_and_the_ufrag_known),
        cmocka_unit_test(a_connected_transport_tells_both_ends),
        cmocka_unit_test(a_closed_transport_is_closed_and_has_no_pair),
        cmocka_unit_test(a_connection_of_media_only_has_no_sctp),
        cmocka_unit_test(the_configuration_is_read_as_it_was_given_and_as_it_was_changed),
        cmocka_unit_test(before_the_first_gathering_a_change_needs_no_restart),
        cmocka_unit_test(after_it_the_next_offer_is_an_ice_restart),
        cmocka_unit_test(the_restart_is_not_forgotten_by_what_was_gathered_before),
        cmocka_unit_test(a_restart_that_gathers_already_is_followed_by_another),
        cmocka_unit_test(a_closed_connection_takes_no_configuration),
        cmocka_unit_test(without_memory_the_configuration_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each reason for which a connection does not come up, or comes up slowly: it is brought about over the virtual network, and the sentence
 * of sotto_pc_explain() names it. One row a reason; what a row does is a function of its own.
 */
#include "duo.h"
#include "ice_net.h"
#include "peer/explain.h"
#include "sotto/verify.h"

struct scene {
    const char *name;
    void (*play)(struct duo *d);
    const char *stage, *words, *advice; /* advice "": none is given */
    const char *slowest;                /* NULL: not a slow one */
};

static const char *member(const sotto_stat *o, const char *name)
{
    for (size_t i = 0; i < o->n_members; i++)
        if (strcmp(o->members[i].name, name) == 0) return o->members[i].v.s;
    return "";
}

static void check(struct duo *d, const struct scene *s)
{
    sotto_stats *r;
    char *text;
    assert_int_equal(sotto__peer_explain(d->a.peer, duo_now(d), 1.7e12, &r), 0);
    const sotto_stat *e = &r->items[0];
    if (!strstr(member(e, "sentence"), s->words))
        fail_msg("%s: '%s' is not in: %s", s->name, s->words, member(e, "sentence"));
    if (strcmp(member(e, "stage"), s->stage) != 0)
        fail_msg("%s: stage %s", s->name, member(e, "stage"));
    if (!strstr(member(e, "advice"), s->advice) || (!s->advice[0] && member(e, "advice")[0]))
        fail_msg("%s: '%s' is not: %s", s->name, s->advice, member(e, "advice"));
    if (strcmp(member(e, "slowest"), s->slowest ? s->slowest : "") != 0)
        fail_msg("%s: slowest %s", s->name, member(e, "slowest"));
    assert_int_equal(sotto__explain_text(r, &text), 0);
    assert_non_null(strstr(text, s->words));
    sotto__free(text);
    sotto__free(r);
}

/* ---- what a scene is made of ---- */

static void down(struct duo *d, struct duo_side *from, struct duo_side *to, bool is_down)
{
    net_link(d->net, from->host, to->host)->down = is_down;
}

static void signal_for(struct duo *d, sotto_us span)
{
    duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, span);
}

static void give(struct duo *d, const char *line)
{
    const sotto_candidate c = {.size = sizeof c, .line = line, .mid = "0"};
    assert_int_equal(sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL), 0);
}

static void configure(struct duo *d, const struct ice_server *server, bool relay_only,
                      uint8_t privacy)
{
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    cfg.transport.servers = server, cfg.transport.n_servers = server ? 1 : 0;
    cfg.transport.relay_only = relay_only;
    cfg.transport.privacy = privacy;
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, false), 0);
}

static const struct ice_server turn = {.kind = ICE_SERVER_TURN_TLS,
                                       .url = (char *)"turns:t.example",
                                       .username = (char *)"u",
                                       .credential = (char *)"c"};

/* ---- signaling ---- */

static void nothing_negotiated(struct duo *d)
{
    duo_run(d, SOTTO_SECONDS(1));
}

static void no_answer_comes(struct duo *d)
{
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    duo_run(d, SOTTO_SECONDS(9));
}

/* ---- addresses of ours ---- */

static void relay_only_without_server(struct duo *d)
{
    configure(d, NULL, true, SOTTO_PRIVACY_OFF);
    signal_for(d, SOTTO_SECONDS(2));
}

static void proxy_mode_without_server(struct duo *d)
{
    configure(d, NULL, true, SOTTO_PRIVACY_PROXY);
    signal_for(d, SOTTO_SECONDS(2));
}

static void relay_is_refused(struct duo *d)
{
    configure(d, &turn, true, SOTTO_PRIVACY_OFF);
    d->a.host->server_code = 486, d->a.host->server_text = "Allocation Quota Reached";
    signal_for(d, SOTTO_SECONDS(2));
}

static void server_refuses_tls(struct duo *d)
{
    configure(d, &turn, true, SOTTO_PRIVACY_OFF);
    d->a.host->server_code = 701, d->a.host->server_text = "TLS: certificate has expired";
    signal_for(d, SOTTO_SECONDS(2));
}

static void private_addresses_kept_back(struct duo *d)
{
    memcpy(d->a.host->addresses[0].ip, (uint8_t[4]){10, 0, 0, 1}, 4);
    configure(d, NULL, false, SOTTO_PRIVACY_PUBLIC);
    down(d, &d->a, &d->b, true);
    signal_for(d, SOTTO_SECONDS(2));
}

static void cannot_gather(struct duo *d)
{
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     SOTTO_E_NETWORK);
}

static void no_address(struct duo *d)
{
    d->a.host->n_addresses = 0;
    cannot_gather(d);
}

static void no_address_on_interface(struct duo *d)
{
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    cfg.transport.interface = "wlan7";
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, false), 0);
    no_address(d);
}

static struct net_socket taken;

static void no_port(struct duo *d)
{
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    cfg.transport.port_min = cfg.transport.port_max = 4000;
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, false), 0);
    assert_int_equal(net_bind(&taken, d->a.host, &d->a.host->addresses[0], 4000, 4000), 0);
    cannot_gather(d);
    net_unbind(&taken);
}

/* ---- addresses of the remote ---- */

static void no_candidates(struct duo *d)
{
    d->b.mute = true;
    down(d, &d->b, &d->a, true);
    signal_for(d, SOTTO_MS(300));
}

static void useless_candidates(struct duo *d)
{
    no_candidates(d);
    give(d, "candidate:1 1 tcp 99 203.0.113.7 9 typ host tcptype active");
    give(d, "candidate:1 1 udp 99 224.0.0.1 4000 typ host");
}

/* A host without interfaces: nothing is sent, answers are given by hand. */
static int no_interfaces(void *world, struct net_interface *out, size_t max)
{
    (void)world, (void)out, (void)max;
    return 0;
}

static int no_socket(void *world, uint8_t family, uint16_t port)
{
    (void)world, (void)family, (void)port;
    return SOTTO_E_SYS;
}

static const struct net_ops nowhere = {.interfaces = no_interfaces, .open = no_socket};
static struct mdns_agent agent;

static void name_is_asked_for(struct duo *d)
{
    sotto__mdns_agent_init(&agent, &(struct mdns_cfg){.ops = &nowhere});
    d->a.shared.mdns = &agent;
    no_candidates(d);
    give(d, "candidate:1 1 udp 99 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 4000 typ host");
}

static void name_is_not_answered(struct duo *d)
{
    const struct address nobody = {.family = 0};
    name_is_asked_for(d);
    sotto__peer_named(d->a.peer, duo_now(d), "1f4712db-ea17-4bcf-a596-105139dfd8bf.local", &nobody);
}

static void other_family(struct duo *d)
{
    no_candidates(d);
    give(d, "candidate:1 1 udp 99 2001:db8::7 4000 typ host");
}

/* ---- checks ---- */

static void silence(struct duo *d)
{
    down(d, &d->a, &d->b, true);
    down(d, &d->b, &d->a, true);
    signal_for(d, SOTTO_SECONDS(3));
}

static void silence_to_the_end(struct duo *d)
{
    silence(d);
    duo_run(d, SOTTO_SECONDS(60));
}

static void silence_with_a_relay(struct duo *d)
{
    configure(d, &turn, false, SOTTO_PRIVACY_OFF);
    silence(d);
}

static void one_way(struct duo *d)
{
    down(d, &d->a, &d->b, true);
    signal_for(d, SOTTO_SECONDS(3));
}

/* Nothing passes but such a message of STUN, from the remote. */
static void stun_comes(struct duo *d, uint8_t kind, uint8_t hundreds, uint8_t rest)
{
    const uint8_t stun[] = {1, kind, 0, 8, [20] = 0, 9, 0, 4, 0, 0, hundreds, rest};
    uint8_t success[20] = {1, 1};
    struct address from;
    silence(d);
    assert_true(net_ice_address(d->b.peer->transport.live.ice, &from));
    sotto__ice_tally_note(&d->a.peer->transport.live.ice->tally, &from, hundreds ? stun : success,
                          hundreds ? sizeof stun : sizeof success);
}

static void refused_by_name(struct duo *d)
{
    stun_comes(d, 0x11, 4, 1);
}

static void refused_for_good(struct duo *d)
{
    stun_comes(d, 0x11, 4, 3);
}

static void role_conflict(struct duo *d)
{
    stun_comes(d, 0x11, 4, 87);
}

static void answers_that_do_not_count(struct duo *d)
{
    stun_comes(d, 1, 0, 0);
}

/* ---- DTLS and SCTP ---- */

/* Loses what begins with a byte from first to last. */
struct loss {
    uint8_t first, last;
};

static enum net_verdict lose(struct net *net, struct net_datagram *p, void *user)
{
    const struct loss *l = user;
    (void)net;
    return p->n > 0 && p->p[0] >= l->first && p->p[0] <= l->last ? NET_DROP : NET_PASS;
}

static struct loss all_dtls = {20, 63}, all_data = {23, 23};

static void without_dtls(struct duo *d)
{
    d->net->tap = lose, d->net->tap_user = &all_dtls;
    signal_for(d, SOTTO_SECONDS(5));
}

static void without_dtls_to_the_end(struct duo *d)
{
    without_dtls(d);
    duo_run(d, SOTTO_SECONDS(40));
}

static void alert_in_the_clear(struct duo *d)
{
    const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 42};
    struct address a, b;
    without_dtls(d);
    assert_true(net_ice_address(d->a.peer->transport.live.ice, &a));
    assert_true(net_ice_address(d->b.peer->transport.live.ice, &b));
    net_inject(d->net, &b, &a, alert, sizeof alert, 0);
    duo_run(d, SOTTO_SECONDS(1));
}

static void alert_to_the_end(struct duo *d)
{
    alert_in_the_clear(d);
    duo_run(d, SOTTO_SECONDS(40));
}

static void without_sctp(struct duo *d)
{
    d->net->tap = lose, d->net->tap_user = &all_data;
    signal_for(d, SOTTO_SECONDS(5));
}

static void unverified(struct duo *d)
{
    d->a.peer->verify.required = SOTTO_VERIFY_CONFIRMED;
    signal_for(d, SOTTO_SECONDS(5));
}

static void unpinned(struct duo *d)
{
    d->a.peer->verify.required = SOTTO_VERIFY_PINNED;
    signal_for(d, SOTTO_SECONDS(5));
}

/* ---- slow ones ---- */

static void slow_signaling(struct duo *d)
{
    char *sdp;
    sotto_us now = duo_now(d);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, now, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    assert_int_equal(sotto__peer_local_description(d->a.peer, 0, NULL, &sdp), 1);
    duo_run(d, SOTTO_SECONDS(6));
    now = duo_now(d);
    assert_int_equal(sotto__peer_set_remote(d->b.peer, now, SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto__free(sdp);
    assert_int_equal(sotto__peer_set_local(d->b.peer, now, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    assert_int_equal(sotto__peer_local_description(d->b.peer, 0, NULL, &sdp), 1);
    assert_int_equal(sotto__peer_set_remote(d->a.peer, now, SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto__free(sdp);
    duo_run(d, SOTTO_SECONDS(3));
}

static void slow_gathering(struct duo *d)
{
    configure(d, &turn, false, SOTTO_PRIVACY_OFF);
    d->a.host->gather_us = d->b.host->gather_us = SOTTO_SECONDS(3);
    d->a.host->server_code = 701, d->a.host->server_text = "no answer";
    signal_for(d, SOTTO_SECONDS(9));
}

static void slow_checking(struct duo *d)
{
    silence(d);
    down(d, &d->a, &d->b, false);
    down(d, &d->b, &d->a, false);
    duo_run(d, SOTTO_SECONDS(4));
}

static void slow_handshake(struct duo *d)
{
    without_dtls(d);
    d->net->tap = NULL;
    duo_run(d, SOTTO_SECONDS(20));
}

/* ---- ends ---- */

static void closed_early(struct duo *d)
{
    silence(d);
    sotto__peer_close(d->a.peer, duo_now(d));
}

static const struct scene scenes[] = {
    {"nothing negotiated", nothing_negotiated, "signaling", "Nothing was negotiated",
     "Make an offer", NULL},
    {"no answer", no_answer_comes, "signaling", "set for 9.0 s, and none of the remote",
     "was the answer given", NULL},
    {"relay only", relay_only_without_server, "gathering",
     "Only relays may be used, and there is no TURN server in the configuration", "", NULL},
    {"privacy mode 4", proxy_mode_without_server, "gathering",
     "Privacy mode 4 uses nothing but relays over TCP or TLS", "turns:", NULL},
    {"no relay given", relay_is_refused, "gathering", "no TURN server has given one",
     "turns:t.example said 486: Allocation Quota Reached.", NULL},
    {"TLS refused", server_refuses_tls, "gathering", "no TURN server has given one",
     "said 701: TLS: certificate has expired.", NULL},
    {"private addresses", private_addresses_kept_back, "gathering",
     "keeps this machine's own addresses back", "STUN or TURN", NULL},
    {"no address", no_address, "gathering", "This machine has no address that can be used.",
     "Is an interface up?", NULL},
    {"no address there", no_address_on_interface, "gathering", "used on interface wlan7.",
     "Is an interface up?", NULL},
    {"no port", no_port, "gathering", "ports from 4000 to 4000 is free", "on each address", NULL},
    {"no candidates", no_candidates, "candidates", "The remote has named no address",
     "Does the signaling carry", NULL},
    {"useless candidates", useless_candidates, "candidates", "1 by TCP, 0 behind a name, 1 that",
     "allow_loopback", NULL},
    {"name asked for", name_is_asked_for, "candidates", "names, asked for since", "multicast",
     NULL},
    {"name unknown", name_is_not_answered, "candidates",
     "behind 1 .local names, and nobody on this network", "multicast", NULL},
    {"other family", other_family, "candidates",
     "The remote has IPv6 addresses only, and this machine IPv4.", "TURN", NULL},
    {"silence", silence, "checking", "without success. Nothing has come from there.",
     "There is no TURN server", NULL},
    {"silence at the end", silence_to_the_end, "failed", "Nothing has come from there.",
     "There is no TURN server", NULL},
    {"silence, relay", silence_with_a_relay, "checking", "Nothing has come from there.",
     "has given no relay", NULL},
    {"one way", one_way, "checking", "Its checks arrive here, but no answer to ours.", "firewall",
     NULL},
    {"401", refused_by_name, "checking", "refuses our checks: 401, it does not know their name",
     "newest description", NULL},
    {"403", refused_for_good, "checking", "refuses our checks: 403, it forbids them", "", NULL},
    {"487", role_conflict, "checking", "487, both sides want the same role", "", NULL},
    {"false answers", answers_that_do_not_count, "checking", "Answers come, but none that counts.",
     "newest description", NULL},
    {"no DTLS", without_dtls, "dtls", "and the DTLS handshake has gone on for ",
     "newest description", NULL},
    {"no DTLS at the end", without_dtls_to_the_end, "failed",
     "could not be secured: no answer to the handshake in time.", "A firewall may", NULL},
    {"alert", alert_in_the_clear, "dtls", "sent an alert in the clear: bad certificate.",
     "newest description", NULL},
    {"alert at the end", alert_to_the_end, "failed", "alert in the clear: bad certificate.", "",
     NULL},
    {"no SCTP", without_sctp, "connected", "association has been waited for since 4", "", NULL},
    {"not verified", unverified, "connected", "Nothing passes: the remote is not verified yet.",
     "sotto_pc_confirm_peer()", NULL},
    {"not pinned", unpinned, "connected", "Nothing passes: the remote is not verified yet.",
     "sotto_pc_set_peer_fingerprints()", NULL},
    {"slow signaling", slow_signaling, "connected", "The longest part of it was signaling: 6.0 s",
     "signaling took", "signaling"},
    {"slow gathering", slow_gathering, "connected", "The longest part of it was gathering: 6.0 s",
     "turns:t.example said 701: no answer.", "gathering"},
    {"slow checking", slow_checking, "connected", "The longest part of it was checking: ", "",
     "checking"},
    {"slow handshake", slow_handshake, "connected", "The longest part of it was dtls: ", "",
     "dtls"},
    {"closed early", closed_early, "closed", "closed here. It had never been up.", "", NULL},
};

static void each_reason_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct duo *d = duo_new(20 + i);
        scenes[i].play(d);
        check(d, &scenes[i]);
        duo_free(d);
        sotto__mdns_agent_free(&agent);
        memset(&agent, 0, sizeof agent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_named),
    };
    return cmocka_run_group_tests_name("explain_verdict", tests, NULL, NULL);
}

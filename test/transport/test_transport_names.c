/* SPDX-License-Identifier: BSD-2-Clause */
/* Candidates with names instead of addresses: they wait, then connect; or are as if they had not come. And what privacy modes tell. */
#include "couple.h"
#include "util/mem.h"

#define NAME "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"

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

static const struct net_ops ops = {.interfaces = no_interfaces, .open = no_socket};

static struct candidate named(const struct party *p, const char *name)
{
    struct candidate c = p->other->candidates[0];
    snprintf(c.name, sizeof c.name, "%s", name);
    c.addr.family = 0;
    return c;
}

/* Both have started and know each other, but for candidates: the other's address is behind a name. */
static struct couple *begin(struct mdns_agent *agent, struct candidate *ret)
{
    struct couple *c = couple_new(1, false);
    sotto__mdns_agent_init(agent, &(struct mdns_cfg){.ops = &ops});
    c->a.shared.mdns = agent;
    c->a.t.owner = &c->a;
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_int_equal(sotto__transport_start(&c->b.t, false, couple_now(c)), 0);
    couple_run(c, SOTTO_SECONDS(1));
    struct transport_remote of_b = party_remote(&c->b, false), of_a = party_remote(&c->a, false);
    assert_int_equal(sotto__transport_set_remote(&c->a.t, &of_b, couple_now(c)), 0);
    assert_int_equal(sotto__transport_set_remote(&c->b.t, &of_a, couple_now(c)), 0);
    *ret = named(&c->a, NAME);
    return c;
}

static void end(struct couple *c, struct mdns_agent *agent)
{
    int64_t n = (int64_t)agent->n_asks;
    couple_free(c);
    assert_true(n >= 0 && agent->n_asks == 0); /* forgotten with its transport */
    sotto__mdns_agent_free(agent);
}

static void a_candidate_with_a_name_connects_when_it_is_found(void **state)
{
    struct mdns_agent agent;
    struct candidate k;
    struct mdns_out out;
    (void)state;
    struct couple *c = begin(&agent, &k);
    struct address addr = c->b.candidates[0].addr;
    addr.port = 0;
    assert_true(sotto__transport_takes_name(&c->a.t, &k));
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, k.ufrag, &k, couple_now(c)), 0);
    assert_int_equal(agent.n_asks, 1);
    sotto__transport_remote_done(&c->a.t, k.ufrag, couple_now(c));
    couple_run(c, SOTTO_SECONDS(1));
    assert_false(c->a.t.live.selected);
    assert_int_equal(sotto__mdns_agent_next(&agent, couple_now(c), &out), 0);
    sotto__transport_named(&c->a.t, couple_now(c), "other.local", &addr);
    couple_run(c, SOTTO_SECONDS(1));
    assert_false(c->a.t.live.selected);
    sotto__transport_named(&c->a.t, couple_now(c), NAME, &addr);
    couple_run(c, SOTTO_SECONDS(2));
    assert_true(c->a.t.live.selected && c->b.t.live.selected);
    assert_int_equal(c->a.t.n_named, 0);
    end(c, &agent);
}

static void the_end_of_candidates_waits_for_names(void **state)
{
    static const struct address none = {.family = 0};
    struct mdns_agent agent;
    struct candidate k, other;
    (void)state;
    struct couple *c = begin(&agent, &k);
    other = named(&c->a, "other.local");
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, k.ufrag, &k, couple_now(c)), 0);
    assert_int_equal(sotto__transport_add_candidate(&c->a.t, k.ufrag, &other, couple_now(c)), 0);
    sotto__transport_remote_done(&c->a.t, k.ufrag, couple_now(c));
    couple_run(c, SOTTO_SECONDS(3));
    assert_int_not_equal(c->a.t.live.state, SOTTO_ICE_FAILED);
    sotto__transport_named(&c->a.t, couple_now(c), "other.local", &none);
    couple_run(c, SOTTO_SECONDS(60));
    assert_int_not_equal(c->a.t.live.state, SOTTO_ICE_FAILED);
    sotto__transport_named(&c->a.t, couple_now(c), NAME, &none);
    couple_run(c, SOTTO_SECONDS(60));
    assert_int_equal(c->a.t.live.state, SOTTO_ICE_FAILED);
    end(c, &agent);
}

/* proves: H034 */
static void names_beyond_the_limit_are_left_out(void **state)
{
    struct mdns_agent agent;
    struct candidate k;
    (void)state;
    struct couple *c = begin(&agent, &k);
    for (unsigned i = 0; i <= SOTTO_MAX_NAMED_REMOTES; i++) {
        snprintf(k.name, sizeof k.name, "n%u.local", i);
        assert_int_equal(sotto__transport_add_candidate(&c->a.t, k.ufrag, &k, couple_now(c)), 0);
    }
    assert_int_equal(c->a.t.n_named, SOTTO_MAX_NAMED_REMOTES);
    assert_int_equal(agent.n_asks, SOTTO_MAX_NAMED_REMOTES);
    sotto__transport_reset(&c->a.t, couple_now(c));
    assert_true(c->a.t.n_named == 0 && agent.n_asks == 0);
    end(c, &agent);
}

/* proves: H033 */
static void only_host_candidates_with_local_names_are_taken(void **state)
{
    struct mdns_agent agent;
    struct candidate k;
    (void)state;
    struct couple *c = begin(&agent, &k);
    assert_true(sotto__transport_takes_name(&c->a.t, &k));
    assert_false(sotto__transport_takes_name(&c->b.t, &k)); /* nobody to ask */
    k.type = CANDIDATE_SRFLX;
    assert_false(sotto__transport_takes_name(&c->a.t, &k));
    k = named(&c->a, "www.example.org");
    assert_false(sotto__transport_takes_name(&c->a.t, &k));
    end(c, &agent);
}

/* proves: ICE-18 */
static void privacy_modes_tell_what_they_may(void **state)
{
    static const struct {
        uint8_t mode;
        const char *address;
        enum candidate_type type;
        bool told, hidden;
    } rows[] = {
        {SOTTO_PRIVACY_OFF, "192.168.1.2", CANDIDATE_HOST, true, false},
        {SOTTO_PRIVACY_ALL, "192.168.1.2", CANDIDATE_HOST, true, false},
        {SOTTO_PRIVACY_DEFAULT_ROUTE, "192.168.1.2", CANDIDATE_HOST, true, true},
        {SOTTO_PRIVACY_DEFAULT_ROUTE, "2001:db8::7", CANDIDATE_HOST, true, true},
        {SOTTO_PRIVACY_DEFAULT_ROUTE, "203.0.113.1", CANDIDATE_SRFLX, true, false},
        {SOTTO_PRIVACY_PUBLIC, "192.168.1.2", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PUBLIC, "10.1.2.3", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PUBLIC, "172.31.2.3", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PUBLIC, "172.32.2.3", CANDIDATE_HOST, true, false},
        {SOTTO_PRIVACY_PUBLIC, "100.127.2.3", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PUBLIC, "fd00::1", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PUBLIC, "::1", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PUBLIC, "2001:db8::7", CANDIDATE_HOST, true, false},
        {SOTTO_PRIVACY_PUBLIC, "203.0.113.1", CANDIDATE_SRFLX, true, false},
        {SOTTO_PRIVACY_PROXY, "203.0.113.1", CANDIDATE_HOST, false, false},
        {SOTTO_PRIVACY_PROXY, "203.0.113.1", CANDIDATE_RELAY, true, false},
    };
    struct mdns_agent agent;
    struct candidate k;
    (void)state;
    struct couple *c = begin(&agent, &k);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct candidate own = {.type = rows[i].type};
        char name[MDNS_LOCAL];
        assert_int_equal(sotto__address_parse(sotto__str(rows[i].address), &own.addr), 0);
        c->a.t.privacy = rows[i].mode;
        bool told = sotto__transport_tells(&c->a.t, couple_now(c), &own, name);
        if (told != rows[i].told || (told && (name[0] != '\0') != rows[i].hidden))
            fail_msg("row %zu", i);
    }
    assert_int_equal(agent.n_names, 2);
    c->b.t.privacy = SOTTO_PRIVACY_DEFAULT_ROUTE;
    struct candidate own = {.type = CANDIDATE_HOST, .addr = {4, {192, 168, 1, 2}, 1}};
    char name[MDNS_LOCAL];
    assert_false(sotto__transport_tells(&c->b.t, couple_now(c), &own, name)); /* nobody to answer for it */
    sotto__transport_reset(&c->a.t, couple_now(c));
    assert_int_equal(agent.n_names, 0);
    end(c, &agent);
}

static const struct address inside = {4, {192, 0, 2, 1}, 0}, outside = {4, {203, 0, 113, 1}, 0};

static bool is_host(const struct address *a, const struct address *host)
{
    return a->family == host->family && memcmp(a->ip, host->ip, sizeof a->ip) == 0;
}

/* A 1:1 NAT before `inside`. */
static enum net_verdict nat(struct net *net, struct net_datagram *d, void *user)
{
    (void)net, (void)user;
    if (is_host(&d->to, &inside)) return NET_DROP; /* a private address, to others */
    if (is_host(&d->from, &inside)) memcpy(d->from.ip, outside.ip, sizeof d->from.ip);
    if (is_host(&d->to, &outside)) memcpy(d->to.ip, inside.ip, sizeof d->to.ip);
    return NET_PASS;
}

static void an_address_of_a_nat_is_told_and_found(void **state)
{
    struct transport_cfg cfg;
    struct ice_pair pair;
    size_t told = 0;
    (void)state;
    struct couple *c = couple_new(1, false);
    party_config(&c->a, &cfg);
    cfg.external[0] = outside;
    assert_int_equal(sotto__transport_configure(&c->a.t, &cfg), 0);
    c->net->tap = nat;
    couple_connect(c);
    for (size_t i = 0; i < c->a.n_candidates; i++) {
        const struct candidate *k = &c->a.candidates[i];
        if (k->type != CANDIDATE_SRFLX) continue;
        assert_true(is_host(&k->addr, &outside) && k->related.family == 0);
        assert_int_equal(k->addr.port, c->a.candidates[0].addr.port);
        told++;
    }
    assert_int_equal(told, 1);
    assert_true(c->b.shared.ice_ops->pair(c->b.t.live.ice, &pair));
    assert_true(is_host(&pair.remote.addr, &outside));
    couple_free(c);
}

static void without_memory_a_candidate_is_refused(void **state)
{
    struct mdns_agent agent;
    struct candidate k;
    (void)state;
    struct couple *c = begin(&agent, &k);
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto__transport_add_candidate(&c->a.t, k.ufrag, &k, couple_now(c));
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(c->a.t.n_named, failed ? 0 : 1);
        if (!failed) break;
    }
    end(c, &agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_candidate_with_a_name_connects_when_it_is_found),
        cmocka_unit_test(the_end_of_candidates_waits_for_names),
        cmocka_unit_test(names_beyond_the_limit_are_left_out),
        cmocka_unit_test(only_host_candidates_with_local_names_are_taken),
        cmocka_unit_test(privacy_modes_tell_what_they_may),
        cmocka_unit_test(an_address_of_a_nat_is_told_and_found),
        cmocka_unit_test(without_memory_a_candidate_is_refused),
    };
    return cmocka_run_group_tests_name("transport_names", tests, NULL, NULL);
}

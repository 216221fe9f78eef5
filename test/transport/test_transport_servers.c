/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers with names: candidates do not wait for these, the end of gathering does; what came of them is told. Answers are given by hand. */
#include "couple.h"
#include "util/mem.h"

struct rig {
    struct couple *c;
    struct resolver resolver;
    struct ice_server servers[2];
    char host[2][32], url[2][40];
};

/* The resolver is never driven: it only keeps who asked. */
static struct rig *rig_new(size_t n, bool resolves)
{
    struct rig *r = calloc(1, sizeof *r);
    struct transport_cfg cfg;
    r->c = couple_new(1, false);
    sotto__resolver_init(&r->resolver, &(struct resolver_cfg){.servers = "127.0.0.1:9"});
    if (resolves) r->c->a.shared.resolver = &r->resolver;
    r->c->a.t.owner = &r->c->a;
    party_config(&r->c->a, &cfg);
    for (size_t i = 0; i < n; i++) {
        snprintf(r->host[i], sizeof r->host[i], "stun%zu.example.org", i);
        snprintf(r->url[i], sizeof r->url[i], "stun:%s", r->host[i]);
        r->servers[i] =
            (struct ice_server){.addr = {.port = 3478}, .host = r->host[i], .url = r->url[i]};
    }
    cfg.servers = r->servers;
    cfg.n_servers = n;
    assert_int_equal(sotto__transport_configure(&r->c->a.t, &cfg), 0);
    return r;
}

static void rig_free(struct rig *r)
{
    couple_free(r->c);
    assert_int_equal(r->resolver.n_asks, 0);
    sotto__resolver_free(&r->resolver);
    free(r);
}

static void found(struct rig *r, size_t i, bool is)
{
    struct resolver_out out = {.name = r->host[i], .text = is ? NULL : "Domain name not found"};
    if (is) out.v4 = (struct address){4, {192, 0, 2, 53}, 0};
    sotto__transport_resolved(&r->c->a.t, &out);
}

static void only_the_end_of_gathering_waits_for_names(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, true);
    struct party *a = &r->c->a;
    assert_int_equal(sotto__transport_start(&a->t, true, couple_now(r->c)), 0);
    assert_int_equal(r->resolver.n_asks, 2);
    couple_run(r->c, SOTTO_MS(5));
    assert_true(a->n_candidates > 0 && a->n_gathered == 0);
    found(r, 1, true);
    couple_run(r->c, SOTTO_MS(100));
    assert_int_equal(a->n_gathered, 0);
    assert_int_equal(a->t.live.servers[1].addr.port, 3478);
    assert_int_equal(a->t.live.servers[1].addr.ip[3], 53);
    found(r, 0, true);
    couple_run(r->c, SOTTO_MS(100));
    assert_true(a->n_gathered == 1 && a->n_servers == 0);
    rig_free(r);
}

/* RFC 8421: of a name with both, none is left out; which is first the resolver says. */
static void both_families_of_a_name_are_servers(void **state)
{
    (void)state;
    for (int is_v6_best = 0; is_v6_best < 2; is_v6_best++) {
        struct rig *r = rig_new(1, true);
        struct party *a = &r->c->a;
        struct resolver_out out = {.name = r->host[0],
                                   .v4 = {4, {192, 0, 2, 53}, 0},
                                   .v6 = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 53}, 0},
                                   .is_v6_best = is_v6_best};
        assert_int_equal(sotto__transport_start(&a->t, true, couple_now(r->c)), 0);
        sotto__transport_resolved(&a->t, &out);
        couple_run(r->c, SOTTO_MS(100));
        const struct ice_server *s = &a->t.live.servers[0];
        assert_int_equal(s->addr.family, is_v6_best ? 6 : 4);
        assert_int_equal(s->second.family, is_v6_best ? 4 : 6);
        assert_true(s->addr.port == 3478 && s->second.port == 3478);
        assert_int_equal(a->n_gathered, 1);
        rig_free(r);
    }
}

static void a_name_that_is_not_found_is_told_and_holds_nothing_up(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, true);
    struct party *a = &r->c->a;
    assert_int_equal(sotto__transport_start(&a->t, true, couple_now(r->c)), 0);
    found(r, 0, false);
    couple_run(r->c, SOTTO_MS(100));
    assert_true(a->n_candidates > 0 && a->n_gathered == 1 && a->n_servers == 1);
    assert_int_equal(a->server.code, 701);
    assert_string_equal(a->server_text, "Domain name not found");
    assert_string_equal(a->server_url, "stun:stun0.example.org");
    rig_free(r);
}

static void a_name_of_two_may_be_told_as_not_found_before_the_other(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, true);
    struct party *a = &r->c->a;
    assert_int_equal(sotto__transport_start(&a->t, true, couple_now(r->c)), 0);
    found(r, 1, false);
    couple_run(r->c, SOTTO_SECONDS(5));
    assert_true(a->n_candidates > 0 && a->n_gathered == 0 && a->n_servers == 1);
    assert_string_equal(a->server_url, "stun:stun1.example.org");
    found(r, 0, true);
    couple_run(r->c, SOTTO_MS(100));
    assert_true(a->n_gathered == 1 && a->n_servers == 1);
    found(r, 0, true); /* nobody asked again */
    couple_run(r->c, SOTTO_MS(100));
    assert_int_equal(a->n_gathered, 1);
    rig_free(r);
}

static void without_a_resolver_names_are_told_as_not_found(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, false);
    struct party *a = &r->c->a;
    assert_int_equal(sotto__transport_start(&a->t, true, couple_now(r->c)), 0);
    couple_run(r->c, SOTTO_MS(100));
    assert_true(a->n_candidates > 0 && a->n_gathered == 1 && a->n_servers == 2);
    rig_free(r);
}

static void servers_that_are_replaced_meanwhile_are_waited_for_no_longer(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, true);
    struct party *a = &r->c->a;
    struct transport_cfg cfg;
    assert_int_equal(sotto__transport_start(&a->t, true, couple_now(r->c)), 0);
    party_config(a, &cfg);
    assert_int_equal(sotto__transport_configure(&a->t, &cfg), 0);
    couple_run(r->c, SOTTO_MS(10));
    assert_true(a->n_candidates > 0 && a->n_gathered == 1);
    found(r, 0, true);
    couple_run(r->c, SOTTO_MS(10));
    rig_free(r);
}

static void who_waits_for_names_connects_meanwhile(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, true);
    struct couple *c = r->c;
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_int_equal(sotto__transport_start(&c->b.t, false, couple_now(c)), 0);
    couple_run(c, SOTTO_MS(100));
    struct transport_remote of_b = party_remote(&c->b, false), of_a = party_remote(&c->a, false);
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    couple_run(c, SOTTO_SECONDS(2));
    assert_true(c->a.t.live.selected && c->b.t.live.selected);
    assert_int_equal(c->a.n_gathered, 0);
    found(r, 0, true);
    couple_run(c, SOTTO_MS(100));
    assert_int_equal(c->a.n_gathered, 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_end_of_gathering_waits_for_names),
        cmocka_unit_test(both_families_of_a_name_are_servers),
        cmocka_unit_test(a_name_that_is_not_found_is_told_and_holds_nothing_up),
        cmocka_unit_test(a_name_of_two_may_be_told_as_not_found_before_the_other),
        cmocka_unit_test(without_a_resolver_names_are_told_as_not_found),
        cmocka_unit_test(servers_that_are_replaced_meanwhile_are_waited_for_no_longer),
        cmocka_unit_test(who_waits_for_names_connects_meanwhile),
    };
    return cmocka_run_group_tests_name("transport_servers", tests, NULL, NULL);
}

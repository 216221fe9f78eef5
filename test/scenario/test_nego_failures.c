/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call that fails changes nothing: each kind of bad description in each position of the exchange (a first offer, another in a
 * call, over a pending one, over ours; answers and provisional ones), local descriptions that were tampered with, and memory that
 * ends at each allocation. Everything that can be observed is compared, and the call goes on afterwards.
 */
#include "nego.h"
#include "nego_sdp.h"
#include "util/mem.h"

/* ---- positions: each gives a side, the type, and a good description for it ---- */

enum position {
    FIRST_OFFER,     /* a remote offer to a new connection */
    NEXT_OFFER,      /* in a call */
    OVER_THEIRS,     /* while their offer is pending */
    OVER_OURS,       /* while our offer is pending: would roll it back */
    FIRST_ANSWER,    /* to our first offer */
    NEXT_ANSWER,     /* in a call */
    PRANSWER,        /* to our first offer */
    AFTER_PRANSWER,  /* the answer after a provisional one */
    POSITIONS
};

struct place {
    struct nego *n;
    struct nego_side *s;
    int32_t type;
    char *good;
};

static void fill(struct nego *n)
{
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_channel(&n->a, "c");
    nego_track(&n->b, SOTTO_AUDIO, "r");
}

static struct place enter(enum position at)
{
    struct place p = {.n = nego_pair(), .type = SOTTO_SDP_OFFER};
    struct nego_side *a = &p.n->a, *b = &p.n->b;
    bool call = at == NEXT_OFFER || at == OVER_THEIRS || at == OVER_OURS || at == NEXT_ANSWER;
    fill(p.n);
    if (call) {
        nego_exchange(a);
        nego_connect(p.n);
    }
    if (at <= OVER_OURS) {
        if (call) nego_track(b, SOTTO_VIDEO, "news");
        p.s = call ? a : b;
        p.good = call ? nego_make_offer(b) : nego_make_offer(a);
        if (at == OVER_THEIRS) nego_set_remote(a, SOTTO_SDP_OFFER, p.good);
        if (at == OVER_OURS) nego_offer(a);
        return p;
    }
    p.s = a;
    p.type = at == PRANSWER ? SOTTO_SDP_PRANSWER : SOTTO_SDP_ANSWER;
    nego_set_remote(b, SOTTO_SDP_OFFER, nego_offer(a));
    p.good = nego_make_answer(b);
    if (at == AFTER_PRANSWER) nego_set_remote(a, SOTTO_SDP_PRANSWER, p.good);
    return p;
}

/* ---- what is wrong with a description ---- */

typedef char *(*spoil_fn)(struct nego *n, const char *good);

static char *garbage(struct nego *n, const char *good)
{
    return nego_text(n, "%.40s", good);
}

static char *version_1(struct nego *n, const char *good)
{
    return sdp_replace(n, good, "v=0", "v=1");
}

static char *no_origin(struct nego *n, const char *good)
{
    return sdp_drop(n, good, SDP_SESSION, "o=");
}

static char *nul_line(struct nego *n, const char *good)
{
    return nego_text(n, "%s=\x01\r\n", good);
}

static char *same_mid(struct nego *n, const char *good)
{
    return sdp_set(n, good, 1, "a=mid:", "a=mid:0");
}

static char *unknown_in_bundle(struct nego *n, const char *good)
{
    return sdp_replace(n, good, "a=group:BUNDLE 0", "a=group:BUNDLE 0 nobody");
}

static char *no_print(struct nego *n, const char *good)
{
    return sdp_drop_all(n, good, "a=fingerprint:");
}

static char *weak_print(struct nego *n, const char *good)
{
    char *text = sdp_drop_all(n, good, "a=fingerprint:");
    return sdp_put(
        n, text, 0,
        "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13");
}

static char *bad_hex(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=fingerprint:", "a=fingerprint:sha-256 0G:00");
}

static char *no_ufrag(struct nego *n, const char *good)
{
    return sdp_drop_all(n, good, "a=ice-ufrag:");
}

static char *no_pwd(struct nego *n, const char *good)
{
    return sdp_drop_all(n, good, "a=ice-pwd:");
}

static char *short_ufrag(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=ice-ufrag:", "a=ice-ufrag:abc");
}

static char *short_pwd(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=ice-pwd:", "a=ice-pwd:abcdefghijklmnopqrstu");
}

static char *holdconn(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=setup:", "a=setup:holdconn");
}

static char *wrong_rid(struct nego *n, const char *good)
{
    return sdp_put(n, good, 1, "a=simulcast:recv nobody");
}

static char *too_long(struct nego *n, const char *good)
{
    char *line = nego_text(n, "a=x:%01000d\r\n", 0), *text = nego_text(n, "%s", good);
    for (int i = 0; i < 9; i++) line = nego_text(n, "%s%s", line, i < 8 ? line : "");
    return nego_text(n, "%s%s%s", text, line, line);
}

static char *too_many(struct nego *n, const char *good)
{
    char *more = nego_text(n, "%s", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n");
    for (int i = 0; i < 6; i++) more = nego_text(n, "%s%s", more, more);
    return nego_text(n, "%s%s", good, more);
}

static char *no_section(struct nego *n, const char *good)
{
    char *text = sdp_drop_section(n, good, 1);
    char *mid = sdp_value(n, good, 1, "a=mid:");
    char *group = nego_text(n, " %s ", sdp_bundle(n, good)), *of = nego_text(n, " %s ", mid);
    return strstr(group, of)
               ? sdp_set(n, text, SDP_SESSION, "a=group:BUNDLE",
                         nego_text(n, "a=group:BUNDLE%.*s %s", (int)(strstr(group, of) - group),
                                   group, strstr(group, of) + strlen(of)))
               : text;
}

static char *swapped(struct nego *n, const char *good)
{
    return sdp_swap_sections(n, good, 0, 1);
}

static char *other_kind(struct nego *n, const char *good)
{
    return sdp_replace(n, good, "m=video", "m=audio");
}

static char *other_mid(struct nego *n, const char *good)
{
    char *text = sdp_set(n, good, 1, "a=mid:", "a=mid:other");
    return sdp_replace(n, text, "a=group:BUNDLE 0 1", "a=group:BUNDLE 0 other");
}

static char *one_more(struct nego *n, const char *good)
{
    return nego_text(n, "%sm=audio 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:more\r\n",
                     good);
}

static char *actpass(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=setup:", "a=setup:actpass");
}

static char *no_mux(struct nego *n, const char *good)
{
    return sdp_drop_all(n, good, "a=rtcp-mux");
}

static char *unbundled(struct nego *n, const char *good)
{
    return sdp_drop(n, good, SDP_SESSION, "a=group:BUNDLE");
}

static char *other_print(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=fingerprint:", "a=fingerprint:" PAPER_PRINT);
}

static char *other_tls_id(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=tls-id:", "a=tls-id:01234567890123456789012345678901");
}

static char *other_ufrag(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=ice-ufrag:", "a=ice-ufrag:Other123");
}

static char *other_pwd(struct nego *n, const char *good)
{
    return sdp_set(n, good, 0, "a=ice-pwd:", "a=ice-pwd:abcdefghijklmnopqrstuvwxyz");
}

enum {
    ALL = (1 << POSITIONS) - 1,
    CALLS = 1 << NEXT_OFFER | 1 << OVER_THEIRS | 1 << OVER_OURS | 1 << NEXT_ANSWER,
    ANSWERS = 1 << FIRST_ANSWER | 1 << NEXT_ANSWER | 1 << PRANSWER | 1 << AFTER_PRANSWER,
    CHANGED = CALLS | ANSWERS, /* where the sections are fixed */
};

static const struct spoilt {
    const char *name;
    spoil_fn spoil;
    int want;
    int where; /* bits of positions */
} spoilt[] = {
    {"half_a_text", garbage, SOTTO_E_SYNTAX, ALL},
    {"version_1", version_1, SOTTO_E_SYNTAX, ALL},
    {"no_origin", no_origin, SOTTO_E_SYNTAX, ALL},
    {"a_line_that_is_none", nul_line, SOTTO_E_SYNTAX, ALL},
    {"a_mid_twice", same_mid, SOTTO_E_SYNTAX, ALL},
    {"an_unknown_mid_in_bundle", unknown_in_bundle, SOTTO_E_SYNTAX, ALL},
    /* proves: H007 */
    {"no_fingerprint", no_print, SOTTO_E_SDP, ALL},
    {"a_sha_1_fingerprint", weak_print, SOTTO_E_SDP, ALL},
    {"a_fingerprint_that_is_no_hex", bad_hex, SOTTO_E_SYNTAX, ALL},
    {"no_ice_ufrag", no_ufrag, SOTTO_E_SDP, ALL},
    {"no_ice_pwd", no_pwd, SOTTO_E_SDP, ALL},
    {"a_short_ice_ufrag", short_ufrag, SOTTO_E_SYNTAX, ALL},
    {"a_short_ice_pwd", short_pwd, SOTTO_E_SYNTAX, ALL},
    {"setup_holdconn", holdconn, SOTTO_E_SDP, ALL},
    {"simulcast_of_an_unknown_rid", wrong_rid, SOTTO_E_SDP, ALL},
    {"a_text_beyond_256_kib", too_long, SOTTO_E_LIMIT, ALL},
    {"too_many_sections", too_many, SOTTO_E_LIMIT, ALL},
    /* proves: SDP-13 */
    {"a_section_less", no_section, SOTTO_E_SDP, CHANGED},
    {"sections_in_another_order", swapped, SOTTO_E_SDP, CHANGED},
    {"another_kind_of_section", other_kind, SOTTO_E_SDP, CHANGED},
    /* proves: SDP-13 */
    {"another_mid", other_mid, SOTTO_E_SDP, CHANGED},
    {"a_section_more", one_more, SOTTO_E_SDP, ANSWERS},
    {"setup_actpass", actpass, SOTTO_E_SDP, ANSWERS},
    /* proves: SDP-17 */
    {"no_rtcp_mux", no_mux, SOTTO_E_SDP, ANSWERS},
    {"no_bundle_group", unbundled, SOTTO_E_SDP, ANSWERS},
    {"another_fingerprint", other_print, SOTTO_E_MODIFICATION, CALLS | 1 << AFTER_PRANSWER},
    {"another_tls_id", other_tls_id, SOTTO_E_MODIFICATION, CALLS | 1 << AFTER_PRANSWER},
    {"another_ufrag_only", other_ufrag, SOTTO_E_SDP, CALLS | 1 << AFTER_PRANSWER},
    {"another_pwd_only", other_pwd, SOTTO_E_SDP, CALLS | 1 << AFTER_PRANSWER},
};

struct case_ {
    char name[96];
    const struct spoilt *how;
    enum position at;
};

static void changes_nothing(void **state)
{
    const struct case_ *c = *state;
    struct place p = enter(c->at);
    char *bad = c->how->spoil(p.n, p.good);
    nego_refuse_remote(p.s, p.type, bad, c->how->want);
    nego_run(p.n, SOTTO_MS(300));
    nego_refuse_remote(p.s, p.type, bad, c->how->want); /* and again */
    nego_set_remote(p.s, p.type, p.good);               /* the good one is taken afterwards */
    nego_run(p.n, SOTTO_MS(300));
    nego_free(p.n);
}

static void add_spoilt(struct nego_suite *u, struct case_ *cases)
{
    static const char *const names[POSITIONS] = {
        "a_first_offer_with_",        "a_next_offer_with_",
        "an_offer_over_theirs_with_", "an_offer_over_ours_with_",
        "a_first_answer_with_",       "a_next_answer_with_",
        "a_pranswer_with_",           "an_answer_after_a_pranswer_with_"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++)
        for (int at = 0; at < POSITIONS; at++) {
            if (!(spoilt[i].where & 1 << at)) continue;
            struct case_ *c = &cases[n++];
            c->how = &spoilt[i], c->at = (enum position)at;
            snprintf(c->name, sizeof c->name, "%s%s", names[at], spoilt[i].name);
            nego_suite_test(u, c->name, changes_nothing);
            u->tests[u->n - 1].initial_state = c;
        }
}

/* ---- other failures ---- */

static void no_text_is_invalid_in_each_position(void **state)
{
    (void)state;
    for (int at = 0; at < POSITIONS; at++) {
        struct place p = enter((enum position)at);
        char *before = nego_snapshot(p.s);
        assert_int_equal(nego_try_remote(p.s, p.type, NULL), SOTTO_E_INVAL);
        assert_string_equal(nego_snapshot(p.s), before);
        nego_free(p.n);
    }
}

static void a_local_offer_that_was_changed_is_refused(void **state)
{
    (void)state;
    struct place p = enter(NEXT_OFFER);
    char *offer = nego_make_offer(p.s);
    nego_refuse_local(p.s, SOTTO_SDP_OFFER, p.good, SOTTO_E_MODIFICATION);
    nego_refuse_local(p.s, SOTTO_SDP_OFFER, sdp_put(p.n, offer, 0, "a=x:y"), SOTTO_E_MODIFICATION);
    nego_refuse_local(p.s, SOTTO_SDP_OFFER, sdp_replace(p.n, offer, "sendrecv", "sendonly"),
                      SOTTO_E_MODIFICATION);
    nego_refuse_local(p.s, SOTTO_SDP_OFFER, "v=0\r\n", SOTTO_E_MODIFICATION);
    nego_set_local(p.s, SOTTO_SDP_OFFER, offer);
    nego_free(p.n);
}

static void a_local_offer_that_was_made_before_another_is_refused(void **state)
{
    (void)state;
    struct place p = enter(NEXT_OFFER);
    char *old = nego_make_offer(p.s);
    nego_track(p.s, SOTTO_AUDIO, NULL);
    char *fresh = nego_make_offer(p.s);
    nego_refuse_local(p.s, SOTTO_SDP_OFFER, old, SOTTO_E_MODIFICATION);
    nego_set_local(p.s, SOTTO_SDP_OFFER, fresh);
    nego_free(p.n);
}

static void a_local_answer_that_was_changed_is_refused(void **state)
{
    (void)state;
    struct place p = enter(OVER_THEIRS);
    char *answer = nego_make_answer(p.s);
    nego_refuse_local(p.s, SOTTO_SDP_ANSWER, sdp_put(p.n, answer, 0, "a=x:y"),
                      SOTTO_E_MODIFICATION);
    nego_refuse_local(p.s, SOTTO_SDP_PRANSWER, p.good, SOTTO_E_MODIFICATION);
    nego_set_local(p.s, SOTTO_SDP_PRANSWER, answer);
    nego_set_local(p.s, SOTTO_SDP_ANSWER, answer); /* still the last that was made */
    nego_free(p.n);
}

static void an_answer_of_an_earlier_exchange_cannot_be_set_again(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    fill(n);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    char *old = nego_make_answer(&n->b);
    nego_set_local(&n->b, SOTTO_SDP_ANSWER, old);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, old);
    nego_track(&n->a, SOTTO_AUDIO, "new");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_refuse_local(&n->b, SOTTO_SDP_ANSWER, old, SOTTO_E_MODIFICATION);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, old, SOTTO_E_SDP);
    nego_free(n);
}

static void a_local_offer_without_a_network_is_refused(void **state)
{
    (void)state;
    struct nego_opt o = {.alone = true, .address_a = "127.0.0.1"}; /* loopback is not allowed */
    struct nego *n = nego_new(&o);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_refuse_local(&n->a, SOTTO_SDP_OFFER, NULL, SOTTO_E_NETWORK);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    nego_free(n);
}

/* proves: A01 */
static void an_application_that_takes_no_events_is_refused_at_last_and_can_go_on(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}, {"video", .msid = "s v"}}};
    int r = 0;
    nego_answer_to(&n->a, paper_write(n, &p));
    n->a.lazy = true;
    for (int i = 0; i < 5000 && r == 0; i++) {
        p.version++;
        p.s[0].msid = i % 2 ? "s t" : "u t";
        p.s[1].msid = i % 2 ? "s t" : "u t";
        r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    }
    assert_int_equal(r, SOTTO_E_LIMIT);
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p), SOTTO_E_LIMIT);
    n->a.lazy = false;
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_answer(&n->a);
    nego_free(n);
}

/* ---- memory ---- */

enum call { SET_REMOTE, SET_LOCAL, ROLL_BACK, ADD, ADD_TRACK, STREAMS, RESTART };

static int make(struct place *p, enum call call)
{
    sotto_transceiver *t = NULL;
    const char *const streams[] = {"u", "v"};
    switch (call) {
    case SET_REMOTE: return sotto_pc_set_remote_description(p->s->pc, p->type, p->good, NULL);
    case SET_LOCAL: return sotto_pc_set_local_description(p->s->pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    case ROLL_BACK:
        return sotto_pc_set_remote_description(p->s->pc, SOTTO_SDP_ROLLBACK, NULL, NULL);
    case ADD: return sotto_pc_add_transceiver(p->s->pc, SOTTO_VIDEO, NULL, &t);
    case ADD_TRACK: return sotto_pc_add_track(p->s->pc, SOTTO_VIDEO, streams, 2, &t);
    case STREAMS: return sotto_transceiver_set_streams(nego_at(p->s, 0), streams, 2);
    default: return sotto_pc_restart_ice(p->s->pc);
    }
}

static const struct {
    const char *name;
    enum position at;
    enum call call;
} starved[] = {
    {"without_memory_a_first_remote_offer_changes_nothing", FIRST_OFFER, SET_REMOTE},
    {"without_memory_a_next_remote_offer_changes_nothing", NEXT_OFFER, SET_REMOTE},
    {"without_memory_an_offer_over_theirs_changes_nothing", OVER_THEIRS, SET_REMOTE},
    {"without_memory_an_offer_over_ours_changes_nothing", OVER_OURS, SET_REMOTE},
    {"without_memory_a_first_answer_changes_nothing", FIRST_ANSWER, SET_REMOTE},
    {"without_memory_a_next_answer_changes_nothing", NEXT_ANSWER, SET_REMOTE},
    {"without_memory_a_pranswer_changes_nothing", PRANSWER, SET_REMOTE},
    {"without_memory_our_first_offer_changes_nothing", FIRST_OFFER, SET_LOCAL},
    {"without_memory_our_next_offer_changes_nothing", NEXT_OFFER, SET_LOCAL},
    {"without_memory_our_answer_changes_nothing", OVER_THEIRS, SET_LOCAL},
    {"without_memory_the_rollback_of_theirs_changes_nothing", OVER_THEIRS, ROLL_BACK},
    {"without_memory_the_rollback_of_ours_changes_nothing", OVER_OURS, ROLL_BACK},
    {"without_memory_adding_a_transceiver_changes_nothing", NEXT_OFFER, ADD},
    {"without_memory_adding_a_track_changes_nothing", NEXT_OFFER, ADD_TRACK},
    {"without_memory_setting_streams_changes_nothing", NEXT_OFFER, STREAMS},
    {"without_memory_an_ice_restart_changes_nothing", NEXT_OFFER, RESTART},
};

static void is_starved(void **state)
{
    const struct {
        const char *name;
        enum position at;
        enum call call;
    } *row = *state;
    struct place p = enter(row->at);
    char *before = nego_snapshot(p.s);
    nego_forget(p.s);
    for (uint64_t i = 1;; i++) {
        assert_true(i < 20000);
        sotto__mem_fail_at(i);
        int r = make(&p, row->call);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (r == 0 && !failed) break;
        if (r == 0) { /* it did without; the next allocation is for another try */
            nego_free(p.n);
            p = enter(row->at);
            before = nego_snapshot(p.s);
            nego_forget(p.s);
            continue;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_true(failed);
        char *after = nego_snapshot(p.s);
        if (strcmp(before, after) != 0) print_error("allocation %llu:\n", (unsigned long long)i);
        assert_string_equal(after, before);
        nego_expect(p.s, "");
    }
    nego_run(p.n, SOTTO_MS(300));
    nego_free(p.n);
}

int main(void)
{
    static struct nego_suite u;
    static struct case_ cases[sizeof spoilt / sizeof *spoilt * POSITIONS];
    add_spoilt(&u, cases);
    NEGO_TEST(&u, no_text_is_invalid_in_each_position);
    NEGO_TEST(&u, a_local_offer_that_was_changed_is_refused);
    NEGO_TEST(&u, a_local_offer_that_was_made_before_another_is_refused);
    NEGO_TEST(&u, a_local_answer_that_was_changed_is_refused);
    NEGO_TEST(&u, an_answer_of_an_earlier_exchange_cannot_be_set_again);
    NEGO_TEST(&u, a_local_offer_without_a_network_is_refused);
    NEGO_TEST(&u, an_application_that_takes_no_events_is_refused_at_last_and_can_go_on);
    NEGO_ROWS(&u, starved, is_starved);
    return nego_suite_run(&u, "negotiation: failures");
}

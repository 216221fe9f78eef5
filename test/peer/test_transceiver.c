/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transceivers: the W3C algorithms addTransceiver, direction and setStreams, step by step; and without memory or entropy.
 */
#include <dlfcn.h>
#include <openssl/rand.h>

#include "bare.h"

/* Entropy that a test chooses: these four bytes each first, then the real one. */
static const uint32_t *chosen;
static size_t n_chosen;

int RAND_bytes(unsigned char *p, int n)
{
    static int (*real)(unsigned char *, int);
    if (n == (int)sizeof *chosen && n_chosen > 0) {
        memcpy(p, chosen++, sizeof *chosen);
        n_chosen--;
        return 1;
    }
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "RAND_bytes");
    return real(p, n);
}

static const char *const one_stream[] = {"s1"};

/* ---- addTransceiver ---- */

static void add_transceiver_refuses_a_kind_that_is_neither_audio_nor_video(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = NULL;
    const sotto_kind kinds[] = {0, -1, 3, INT32_MAX};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sotto__transceiver_add(p, NOW, kinds[i], NULL, &t), SOTTO_E_RANGE);
    assert_null(t);
    assert_int_equal(p->n_transceivers, 0);
    bare_free(p);
}

static void add_transceiver_refuses_a_closed_connection(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t;
    p->closed = true;
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_AUDIO, NULL, &t), SOTTO_E_CLOSED);
    assert_int_equal(p->n_transceivers, 0);
    bare_free(p);
}

static void add_transceiver_refuses_what_is_no_direction(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t;
    const int32_t wrong[] = {SOTTO_DIR_STOPPED, SOTTO_DIR_NONE, 5, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = wrong[i]};
        assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_AUDIO, &cfg, &t), SOTTO_E_RANGE);
    }
    assert_int_equal(p->n_transceivers, 0);
    bare_free(p);
}

static void a_new_transceiver_has_the_slots_that_w3c_gives_it(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_VIDEO, NULL, &t), 0);
    assert_int_equal(t->kind, SOTTO_VIDEO);
    assert_int_equal(t->direction, SOTTO_DIR_SENDRECV);
    assert_int_equal(t->current, SOTTO_DIR_NONE);
    assert_int_equal(t->fired, SOTTO_DIR_NONE);
    assert_false(t->stopping || t->stopped || t->removed);
    assert_string_equal(t->mid, "");
    assert_int_equal(t->mline_index, -1);
    assert_int_equal(t->streams.n, 0);
    assert_int_equal(t->remote_streams.n, 0);
    assert_int_equal(t->prefs.n + t->send.n + t->recv.n, 0);
    assert_int_equal(t->encodings.n, 1);
    assert_null(t->encodings.items[0].rid);
    assert_false(t->encodings.items[0].inactive);
    assert_true(t->encodings.items[0].scale == 1.0);
    assert_null(t->stable_encodings.items);
    assert_int_equal(t->transaction, 0);
    assert_true(t->has_track);
    assert_false(t->by_add_track || t->by_remote || t->has_sent);
    assert_int_equal(sotto__transceiver_direction(t), SOTTO_DIR_SENDRECV);
    assert_int_equal(sotto__transceiver_current(t), SOTTO_DIR_NONE);
    bare_free(p);
}

static void add_transceiver_takes_direction_and_streams_of_its_init(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    const char *const streams[] = {"a", "b", "a"};
    for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++) {
        sotto_transceiver_config cfg = {
            .size = sizeof cfg, .direction = d, .streams = streams, .n_streams = 3};
        struct transceiver *t;
        assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_AUDIO, &cfg, &t), 0);
        assert_int_equal(t->direction, d);
        assert_int_equal(t->has_track, d == SOTTO_DIR_SENDRECV || d == SOTTO_DIR_SENDONLY);
        assert_int_equal(t->streams.n, 2); /* one that is there twice is added once */
        assert_string_equal(t->streams.items[0], "a");
        assert_string_equal(t->streams.items[1], "b");
    }
    bare_free(p);
}

static void add_transceiver_takes_the_encodings_of_its_init(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t;
    const sotto_encoding two[] = {{.rid = "lo", .inactive = true, .max_bps = 100000},
                                  {.rid = "hi", .max_bps = 900000}};
    sotto_transceiver_config cfg = {.size = sizeof cfg, .encodings = two, .n_encodings = 2};
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_VIDEO, &cfg, &t), 0);
    assert_int_equal(t->encodings.n, 2);
    assert_string_equal(t->encodings.items[0].rid, "lo");
    assert_true(t->encodings.items[0].inactive);
    assert_int_equal(t->encodings.items[0].max_bps, 100000);
    assert_true(t->encodings.items[0].scale == 2.0);
    assert_string_equal(t->encodings.items[1].rid, "hi");
    assert_false(t->encodings.items[1].inactive);
    assert_true(t->encodings.items[1].scale == 1.0);
    bare_free(p);
}

static void transceivers_stand_in_the_order_in_which_they_were_added(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *all[4], *t;
    all[0] = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_RECVONLY);
    assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_VIDEO, NULL, 0, &all[1]), 0);
    all[2] = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_INACTIVE);
    assert_int_equal(sotto__transceiver_new(p, SOTTO_AUDIO, SOTTO_DIR_RECVONLY, &all[3]), 0);
    assert_int_equal(p->n_transceivers, 3);
    sotto__transceiver_link(p, all[3]);
    t = NULL;
    for (size_t i = 0; i < 4; i++) {
        t = sotto__transceiver_next(p, t);
        assert_ptr_equal(t, all[i]);
        assert_int_equal(t->id, i + 1);
    }
    assert_null(sotto__transceiver_next(p, t));
    bare_free(p);
}

static void add_transceiver_updates_the_negotiation_needed_flag_once(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    assert_true(p->negotiation_needed);
    bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    assert_int_equal(bare_needed(p), 1);
    bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    assert_int_equal(bare_needed(p), 0); /* the flag is set already */
    bare_free(p);
}

static void one_transceiver_more_than_the_limit_is_refused(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = NULL;
    for (size_t i = 0; i < SOTTO_MAX_TRANSCEIVERS; i++)
        bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    int64_t live = sotto__mem_live();
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_AUDIO, NULL, &t), SOTTO_E_LIMIT);
    assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, one_stream, 1, &t),
                     SOTTO_E_LIMIT);
    assert_null(t);
    assert_int_equal(p->n_transceivers, SOTTO_MAX_TRANSCEIVERS);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

static void one_more_than_the_limit_of_gone_transceivers_is_refused(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = NULL;
    static int handle;
    for (size_t i = 0; i < SOTTO_MAX_GONE_TRANSCEIVERS; i++) {
        t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
        t->shell = &handle;
        assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    }
    assert_int_equal(p->n_transceivers, 0);
    assert_int_equal(p->n_gone, SOTTO_MAX_GONE_TRANSCEIVERS);
    struct transceiver *more;
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_AUDIO, NULL, &more), SOTTO_E_LIMIT);
    sotto__transceiver_give_back(p, t);
    assert_int_equal(p->n_gone, SOTTO_MAX_GONE_TRANSCEIVERS - 1);
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_AUDIO, NULL, &more), 0);
    bare_free(p);
}

static void track_ids_and_ssrcs_are_distinct(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    uint32_t ssrcs[2 * SOTTO_MAX_TRANSCEIVERS];
    char ids[SOTTO_MAX_TRANSCEIVERS][37];
    for (size_t i = 0; i < SOTTO_MAX_TRANSCEIVERS; i++) {
        struct transceiver *t = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
        assert_int_equal(strlen(t->track_id), 36);
        assert_int_equal(strspn(t->track_id, "0123456789abcdef-"), 36);
        assert_int_equal(t->track_id[14], '4'); /* version */
        assert_non_null(strchr("89ab", t->track_id[19]));
        assert_true(t->track_id[8] == '-' && t->track_id[13] == '-' && t->track_id[18] == '-' &&
                    t->track_id[23] == '-');
        ssrcs[2 * i] = t->ssrc;
        ssrcs[2 * i + 1] = t->rtx_ssrc;
        memcpy(ids[i], t->track_id, sizeof ids[i]);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(ids[i], ids[k]);
    }
    for (size_t i = 0; i < 2 * SOTTO_MAX_TRANSCEIVERS; i++) {
        assert_int_not_equal(ssrcs[i], 0);
        for (size_t k = 0; k < i; k++) assert_int_not_equal(ssrcs[i], ssrcs[k]);
    }
    bare_free(p);
}

static void an_ssrc_that_is_zero_or_in_use_is_drawn_again(void **state)
{
    (void)state;
    static const uint32_t first[] = {0, 11, 11, 0, 12}, second[] = {11, 12, 13, 13, 11, 12, 14};
    struct peer *p = bare_new();
    chosen = first, n_chosen = 5;
    struct transceiver *t = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    assert_int_equal(t->ssrc, 11);
    assert_int_equal(t->rtx_ssrc, 12);
    chosen = second, n_chosen = 7;
    t = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    assert_int_equal(t->ssrc, 13);
    assert_int_equal(t->rtx_ssrc, 14);
    assert_int_equal(n_chosen, 0);
    bare_free(p);
}

static void without_entropy_nothing_is_added(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = NULL;
    int64_t live = sotto__mem_live();
    sotto__rand_fail(1);
    int r = sotto__transceiver_add(p, NOW, SOTTO_AUDIO, NULL, &t);
    int r2 = sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, one_stream, 1, &t);
    int r3 = sotto__transceiver_new(p, SOTTO_AUDIO, SOTTO_DIR_RECVONLY, &t);
    sotto__rand_fail(0);
    assert_int_equal(r, SOTTO_E_SYS);
    assert_int_equal(r2, SOTTO_E_SYS);
    assert_int_equal(r3, SOTTO_E_SYS);
    assert_null(t);
    assert_int_equal(p->n_transceivers, 0);
    assert_false(p->negotiation_needed);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

/* ---- direction ---- */

static void set_direction_refuses_closed_stopping_and_stopped_ones(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    t->stopping = true;
    /* before anything else is looked at */
    assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, SOTTO_DIR_STOPPED), SOTTO_E_STATE);
    assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, SOTTO_DIR_SENDRECV),
                     SOTTO_E_STATE);
    p->closed = true;
    assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, SOTTO_DIR_SENDRECV),
                     SOTTO_E_CLOSED);
    assert_int_equal(t->direction, SOTTO_DIR_SENDRECV);
    bare_free(p);
}

static void set_direction_refuses_stopped_and_what_is_no_direction(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const int32_t wrong[] = {SOTTO_DIR_STOPPED, SOTTO_DIR_NONE, 99, INT32_MIN};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, wrong[i]), SOTTO_E_RANGE);
    assert_int_equal(t->direction, SOTTO_DIR_SENDRECV);
    bare_free(p);
}

static void set_direction_changes_it_and_updates_the_flag_unless_it_is_the_same(void **state)
{
    (void)state;
    static const char *const sections[] = {"audio sendrecv 0 -"};
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    bare_describe(&p->current_local, SOTTO_SDP_OFFER, sections, 1);
    bare_describe(&p->current_remote, SOTTO_SDP_ANSWER, sections, 1);
    sotto__needed_update(p, NOW);
    bare_needed(p);
    assert_false(p->negotiation_needed);
    assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, SOTTO_DIR_SENDRECV), 0);
    assert_int_equal(bare_needed(p), 0);
    assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, SOTTO_DIR_RECVONLY), 0);
    assert_int_equal(t->direction, SOTTO_DIR_RECVONLY);
    assert_int_equal(sotto__transceiver_direction(t), SOTTO_DIR_RECVONLY);
    assert_int_equal(bare_needed(p), 1);
    assert_int_equal(sotto__transceiver_set_direction(p, NOW, t, SOTTO_DIR_SENDRECV), 0);
    assert_false(p->negotiation_needed); /* as negotiated again: nothing is needed any more */
    bare_free(p);
}

static void directions_read_as_stopped_when_stopping_and_when_stopped(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    t->current = SOTTO_DIR_SENDONLY;
    assert_int_equal(sotto__transceiver_current(t), SOTTO_DIR_SENDONLY);
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_int_equal(sotto__transceiver_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto__transceiver_current(t), SOTTO_DIR_SENDONLY);
    sotto__transceiver_stopped(p, t);
    assert_int_equal(sotto__transceiver_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto__transceiver_current(t), SOTTO_DIR_STOPPED);
    bare_free(p);
}

/* ---- setStreams ---- */

static void set_streams_refuses_a_closed_connection_and_bad_ids(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const char *const bad[] = {"fine", "with space"};
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, one_stream, 1), 0);
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, bad, 2), SOTTO_E_SYNTAX);
    p->closed = true;
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, NULL, 0), SOTTO_E_CLOSED);
    assert_int_equal(t->streams.n, 1);
    bare_free(p);
}

static void set_streams_replaces_them_and_updates_the_flag(void **state)
{
    (void)state;
    static const char *const sections[] = {"audio sendrecv 0 s1"};
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const char *const other[] = {"s2", "s3", "s2"};
    bare_associate(t, "0", 0);
    bare_describe(&p->current_local, SOTTO_SDP_OFFER, sections, 1);
    bare_describe(&p->current_remote, SOTTO_SDP_ANSWER, sections, 1);
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, one_stream, 1), 0);
    assert_false(p->negotiation_needed);
    assert_int_equal(bare_needed(p), 0);
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, other, 3), 0);
    assert_int_equal(t->streams.n, 2);
    assert_string_equal(t->streams.items[0], "s2");
    assert_string_equal(t->streams.items[1], "s3");
    assert_int_equal(bare_needed(p), 1);
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, NULL, 0), 0);
    assert_int_equal(t->streams.n, 0);
    bare_free(p);
}

static void set_streams_of_a_stopped_one_is_refused(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    sotto__transceiver_stopped(p, t);
    assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, one_stream, 1), SOTTO_E_STATE);
    assert_int_equal(t->streams.n, 0);
    bare_free(p);
}

/* ---- without memory ---- */

struct before {
    uint64_t n, n_gone, n_events, ids, needed, live;
};

static struct before look(const struct peer *p)
{
    return (struct before){p->n_transceivers,     p->n_gone,
                           p->n_controls,         p->last_transceiver,
                           p->negotiation_needed, (uint64_t)sotto__mem_live()};
}

static void unchanged(const struct peer *p, struct before b)
{
    struct before now = look(p);
    assert_memory_equal(&b, &now, sizeof b);
}

static const char *const streams_of_all[] = {"s1", "s2"};

static int add(struct peer *p, struct transceiver *t, struct transceiver **ret)
{
    (void)t;
    const sotto_encoding two[] = {{.rid = "a"}, {.rid = "b"}};
    sotto_transceiver_config cfg = {
        .streams = streams_of_all, .n_streams = 2, .encodings = two, .n_encodings = 2};
    return sotto__transceiver_add(p, NOW, SOTTO_VIDEO, &cfg, ret);
}

static int add_track_new(struct peer *p, struct transceiver *t, struct transceiver **ret)
{
    (void)t;
    return sotto__transceiver_add_track(p, NOW, SOTTO_VIDEO, streams_of_all, 2, ret);
}

static int add_track_reused(struct peer *p, struct transceiver *t, struct transceiver **ret)
{
    (void)t;
    return sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, streams_of_all, 2, ret);
}

static int set_streams(struct peer *p, struct transceiver *t, struct transceiver **ret)
{
    *ret = t;
    return sotto__transceiver_set_streams(p, NOW, t, streams_of_all, 2);
}

static void without_memory_nothing_is_added_or_changed(void **state)
{
    (void)state;
    int (*const calls[])(struct peer *, struct transceiver *, struct transceiver **) = {
        add, add_track_new, add_track_reused, set_streams};
    const uint64_t least[] = {3, 3, 1, 1}; /* allocations */
    for (size_t i = 0; i < 4; i++) {
        struct peer *p = bare_new();
        struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_RECVONLY), *ret = NULL;
        bare_needed(p);
        p->negotiation_needed = false;
        for (uint64_t n = 1;; n++) {
            struct before before = look(p);
            sotto__mem_fail_at(n);
            int r = calls[i](p, t, &ret);
            bool failed = sotto__mem_failed();
            sotto__mem_fail_at(0);
            if (!failed) {
                assert_int_equal(r, 0);
                assert_true(n > least[i]);
                break;
            }
            assert_int_equal(r, SOTTO_E_NOMEM);
            unchanged(p, before);
            assert_int_equal(t->direction, SOTTO_DIR_RECVONLY);
            assert_int_equal(t->streams.n, 0);
            assert_false(t->has_track || t->by_add_track);
        }
        assert_int_equal(ret->streams.n, 2);
        assert_true(p->negotiation_needed);
        bare_free(p);
    }
}

static void a_transceiver_for_a_remote_section_is_made_or_not(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = NULL;
    int r = SOTTO_E_NOMEM;
    for (uint64_t n = 1; r == SOTTO_E_NOMEM; n++) {
        struct before before = look(p);
        sotto__mem_fail_at(n);
        r = sotto__transceiver_new(p, SOTTO_VIDEO, SOTTO_DIR_RECVONLY, &t);
        sotto__mem_fail_at(0);
        if (r == SOTTO_E_NOMEM) unchanged(p, before);
    }
    assert_int_equal(r, 0);
    assert_int_equal(p->n_transceivers, 0);
    assert_false(t->has_track);
    assert_int_equal(t->encodings.n, 1);
    sotto__transceiver_free(t);
    bare_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_transceiver_refuses_a_kind_that_is_neither_audio_nor_video),
        cmocka_unit_test(add_transceiver_refuses_a_closed_connection),
        cmocka_unit_test(add_transceiver_refuses_what_is_no_direction),
        cmocka_unit_test(a_new_transceiver_has_the_slots_that_w3c_gives_it),
        cmocka_unit_test(add_transceiver_takes_direction_and_streams_of_its_init),
        cmocka_unit_test(add_transceiver_takes_the_encodings_of_its_init),
        cmocka_unit_test(transceivers_stand_in_the_order_in_which_they_were_added),
        cmocka_unit_test(add_transceiver_updates_the_negotiation_needed_flag_once),
        cmocka_unit_test(one_transceiver_more_than_the_limit_is_refused),
        cmocka_unit_test(one_more_than_the_limit_of_gone_transceivers_is_refused),
        cmocka_unit_test(track_ids_and_ssrcs_are_distinct),
        cmocka_unit_test(an_ssrc_that_is_zero_or_in_use_is_drawn_again),
        cmocka_unit_test(without_entropy_nothing_is_added),
        cmocka_unit_test(set_direction_refuses_closed_stopping_and_stopped_ones),
        cmocka_unit_test(set_direction_refuses_stopped_and_what_is_no_direction),
        cmocka_unit_test(set_direction_changes_it_and_updates_the_flag_unless_it_is_the_same),
        cmocka_unit_test(directions_read_as_stopped_when_stopping_and_when_stopped),
        cmocka_unit_test(set_streams_refuses_a_closed_connection_and_bad_ids),
        cmocka_unit_test(set_streams_replaces_them_and_updates_the_flag),
        cmocka_unit_test(set_streams_of_a_stopped_one_is_refused),
        cmocka_unit_test(without_memory_nothing_is_added_or_changed),
        cmocka_unit_test(a_transceiver_for_a_remote_section_is_made_or_not),
    };
    return cmocka_run_group_tests_name("transceiver", tests, NULL, NULL);
}

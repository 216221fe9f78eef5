/* SPDX-License-Identifier: BSD-2-Clause */
/* The handles of transceivers: arguments, what they tell, parameters and codecs; before and after the connection is gone. */
#include <sys/wait.h>
#include <unistd.h>

#include "api/ctx.h"
#include "sides.h"
#include "util/mem.h"

/* ---- wrong handles and arguments ---- */

/* proves: S20 A04 */
static void every_function_refuses_what_is_no_transceiver(void **state)
{
    (void)state; /* A04 */
    struct sides s;
    sotto_dc *dc;
    sides_new(&s);
    assert_int_equal(sotto_pc_create_data_channel(s.a, "x", NULL, &dc), 0);
    void *const wrong[] = {NULL, s.a, s.ctx, dc};
    for (size_t i = 0; i < 4; i++) {
        sotto_transceiver *t = wrong[i];
        sotto_send_parameters *sp = NULL;
        sotto_send_parameters params = {.size = sizeof params};
        sotto_codecs *codecs = NULL;
        char mid[65] = "untouched";
        assert_int_equal(sotto_pc_remove_track(s.a, t), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_kind(t), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_mid(t, mid, sizeof mid), SOTTO_E_INVAL);
        assert_string_equal(mid, "untouched");
        assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_RECVONLY), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_stop(t), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_set_streams(t, NULL, 0), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_get_parameters(t, &sp), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_set_parameters(t, &params), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_set_codec_preferences(t, NULL, 0), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_get_codec_preferences(t, &codecs), SOTTO_E_INVAL);
        assert_int_equal(sotto_transceiver_codec(t, &codecs), SOTTO_E_INVAL);
        assert_null(sotto_transceiver_get_user(t));
        assert_int_equal(sotto_transceiver_set_user(t, NULL), SOTTO_E_INVAL);
        sotto_transceiver_free(t);
        assert_null(sp);
        assert_null(codecs);
    }
    sides_free(&s);
}

static void functions_of_the_connection_refuse_what_is_none(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t = NULL;
    sides_new(&s);
    sotto_pc *const wrong[] = {NULL, (sotto_pc *)s.ctx};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sotto_pc_add_transceiver(wrong[i], SOTTO_AUDIO, NULL, &t), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_add_track(wrong[i], SOTTO_AUDIO, NULL, 0, &t), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_get_transceivers(wrong[i], &t, 1), SOTTO_E_INVAL);
        assert_int_equal(sotto_pc_restart_ice(wrong[i]), SOTTO_E_INVAL);
    }
    assert_null(t);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 1), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 0);
    assert_int_equal(sotto_pc_add_transceiver(s.a, 3, NULL, &t), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_add_track(s.a, 0, NULL, 0, &t), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 0);
    sides_free(&s);
}

static void sizes_of_configurations_are_honoured(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    struct {
        sotto_transceiver_config cfg;
        uint8_t tail[8];
    } big = {.cfg = {.size = sizeof big}};
    struct {
        sotto_encoding e;
        uint8_t tail[8];
    } two[2] = {{.e = {.size = sizeof two[0], .rid = "a"}},
                {.e = {.size = sizeof two[0], .rid = "b"}}};
    sides_new(&s);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, &big.cfg, &t), 0);
    big.tail[7] = 1;
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, &big.cfg, &t), SOTTO_E_UNSUPPORTED);
    big.tail[7] = 0;
    const uint32_t sizes[] = {0, sizeof big.cfg - 1, 0xcccccccc};
    for (size_t i = 0; i < 3; i++) {
        big.cfg.size = sizes[i];
        assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, &big.cfg, &t), SOTTO_E_INVAL);
    }
    sotto_transceiver_config cfg = {.size = sizeof cfg, .encodings = &two[0].e, .n_encodings = 2};
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_VIDEO, &cfg, &t), 0);
    sotto_send_parameters *sp;
    assert_int_equal(sotto_transceiver_get_parameters(t, &sp), 0);
    assert_string_equal(sp->encodings[1].rid, "b"); /* found by the stride */
    sotto_free(sp);
    two[1].tail[0] = 1;
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_VIDEO, &cfg, &t), SOTTO_E_UNSUPPORTED);
    two[1].tail[0] = 0;
    two[1].e.size = sizeof two[1].e; /* not the first one's */
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_VIDEO, &cfg, &t), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 2);
    sides_free(&s);
}

static void lists_are_checked_before_they_are_read(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    const char *const holes[] = {"a", NULL};
    const char *const ids[9] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    sotto_encoding nine[9] = {{.size = sizeof nine[0]}};
    sides_new(&s);
    for (size_t i = 1; i < 9; i++) nine[i] = nine[0];
    const struct {
        sotto_transceiver_config cfg;
        int r;
    } cases[] = {
        {{.n_streams = 1}, SOTTO_E_INVAL},
        {{.streams = holes, .n_streams = 2}, SOTTO_E_INVAL},
        {{.streams = ids, .n_streams = 8}, 0},
        {{.streams = ids, .n_streams = 9}, SOTTO_E_RANGE},
        {{.n_encodings = 1}, SOTTO_E_INVAL},
        {{.encodings = nine, .n_encodings = 8}, 0},
        {{.encodings = nine, .n_encodings = 9}, SOTTO_E_RANGE},
        {{.encodings = nine, .n_encodings = SIZE_MAX}, SOTTO_E_RANGE},
        {{.direction = SOTTO_DIR_STOPPED}, SOTTO_E_RANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sotto_transceiver_config cfg = cases[i].cfg;
        cfg.size = sizeof cfg;
        if (sotto_pc_add_transceiver(s.a, SOTTO_VIDEO, &cfg, &t) != cases[i].r)
            fail_msg("case %zu", i);
    }
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 1, &t), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, ids, 9, &t), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, holes, 2, &t), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, holes, 1, &t), 0);
    assert_int_equal(sotto_transceiver_set_streams(t, NULL, 1), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_set_streams(t, holes, 2), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_set_streams(t, ids, SIZE_MAX), SOTTO_E_RANGE);
    assert_int_equal(sotto_transceiver_set_streams(t, ids, 8), 0);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 3);
    sides_free(&s);
}

static void one_transceiver_more_than_the_limit_is_refused(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t, *all[SOTTO_MAX_TRANSCEIVERS + 1];
    sides_new(&s);
    for (size_t i = 0; i < SOTTO_MAX_TRANSCEIVERS; i++)
        assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &t), SOTTO_E_LIMIT);
    assert_int_equal(sotto_pc_get_transceivers(s.a, all, SOTTO_MAX_TRANSCEIVERS + 1),
                     SOTTO_MAX_TRANSCEIVERS);
    assert_ptr_equal(all[SOTTO_MAX_TRANSCEIVERS - 1], t);
    char *sdp;
    assert_int_equal(sotto_pc_create_offer(s.a, NULL, &sdp), 0); /* all of them have a place */
    sotto_free(sdp);
    sides_free(&s);
}

/* ---- what a handle tells ---- */

static void a_transceiver_tells_what_it_was_made_with(void **state)
{
    (void)state;
    static int mark, other;
    struct sides s;
    sotto_transceiver *t;
    char mid[66];
    sides_new(&s);
    sotto_transceiver_config cfg = {
        .size = sizeof cfg, .direction = SOTTO_DIR_RECVONLY, .user = &mark};
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_VIDEO, &cfg, &t), 0);
    assert_int_equal(sotto_transceiver_kind(t), SOTTO_VIDEO);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_RECVONLY);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_NONE);
    assert_int_equal(sotto_transceiver_mid(t, mid, 64), SOTTO_E_RANGE);
    assert_int_equal(sotto_transceiver_mid(t, NULL, 65), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_mid(t, mid, 65), 0);
    assert_string_equal(mid, "");
    assert_ptr_equal(sotto_transceiver_get_user(t), &mark);
    assert_int_equal(sotto_transceiver_set_user(t, &other), 0);
    assert_ptr_equal(sotto_transceiver_get_user(t), &other);
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_SENDONLY), 0);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_SENDONLY);
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_STOPPED), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_SENDRECV);
    assert_ptr_equal(sotto_transceiver_get_user(t), &s.a); /* the connection's */
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    assert_ptr_equal(sotto_transceiver_get_user(t), &s.a);
    sides_free(&s);
}

static void each_transceiver_has_one_handle(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *a, *b, *again, *all[3] = {NULL, NULL, NULL};
    sides_new(&s);
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_INACTIVE};
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, &cfg, &a), 0);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, NULL, 0, &b), 0);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &again), 0); /* reused */
    assert_ptr_equal(again, a);
    assert_int_equal(sotto_transceiver_get_direction(a), SOTTO_DIR_SENDONLY);
    assert_int_equal(sotto_pc_get_transceivers(s.a, all, 1), 2);
    assert_ptr_equal(all[0], a);
    assert_null(all[1]);
    assert_int_equal(sotto_pc_get_transceivers(s.a, all, 3), 2);
    assert_ptr_equal(all[0], a);
    assert_ptr_equal(all[1], b);
    assert_null(all[2]);
    assert_int_equal(sotto_pc_remove_track(s.a, a), 0);
    assert_int_equal(sotto_transceiver_get_direction(a), SOTTO_DIR_INACTIVE);
    assert_int_equal(sotto_pc_remove_track(s.b, a), SOTTO_E_ACCESS); /* another connection's */
    sides_free(&s);
}

/* ---- parameters ---- */

static sotto_transceiver *simulcast(sotto_pc *pc)
{
    const sotto_encoding three[] = {{.size = sizeof *three, .rid = "q"},
                                    {.size = sizeof *three, .rid = "h", .max_bps = 500000},
                                    {.size = sizeof *three, .rid = "f", .inactive = true}};
    sotto_transceiver_config cfg = {.size = sizeof cfg, .encodings = three, .n_encodings = 3};
    sotto_transceiver *t;
    assert_int_equal(sotto_pc_add_transceiver(pc, SOTTO_VIDEO, &cfg, &t), 0);
    return t;
}

static void parameters_are_read_changed_and_set(void **state)
{
    (void)state;
    struct sides s;
    sotto_send_parameters *sp, *now;
    sides_new(&s);
    sotto_transceiver *t = simulcast(s.a);
    assert_int_equal(sotto_transceiver_get_parameters(t, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_get_parameters(t, &sp), 0);
    assert_int_equal(sp->n_encodings, 3);
    assert_true(sp->encodings[0].scale == 4 && sp->encodings[2].scale == 1);
    assert_int_equal(sp->encodings[1].max_bps, 500000);
    assert_true(sp->encodings[2].inactive);
    sp->encodings[2].inactive = false;
    sp->encodings[0].scale = 0.5;
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), SOTTO_E_RANGE);
    sp->encodings[0].scale = 6;
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), 0);
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), SOTTO_E_STATE);
    assert_int_equal(sotto_transceiver_get_parameters(t, &now), 0);
    assert_true(now->encodings[0].scale == 6);
    assert_false(now->encodings[2].inactive);
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), SOTTO_E_MODIFICATION);
    sotto_free(sp);
    sotto_free(now);
    sides_free(&s);
}

static void parameters_are_checked_before_they_are_read(void **state)
{
    (void)state;
    struct sides s;
    sotto_send_parameters *sp;
    sides_new(&s);
    sotto_transceiver *t = simulcast(s.a);
    assert_int_equal(sotto_transceiver_set_parameters(t, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_get_parameters(t, &sp), 0);
    sotto_send_parameters p = *sp;
    p.n_encodings = SIZE_MAX;
    assert_int_equal(sotto_transceiver_set_parameters(t, &p), SOTTO_E_MODIFICATION);
    p = *sp;
    p.encodings = NULL;
    assert_int_equal(sotto_transceiver_set_parameters(t, &p), SOTTO_E_INVAL);
    p = *sp;
    p.size = 3;
    assert_int_equal(sotto_transceiver_set_parameters(t, &p), SOTTO_E_INVAL);
    sp->encodings[1].size = 8;
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), SOTTO_E_INVAL);
    sp->encodings[1].size = sizeof *sp->encodings;
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), 0);
    sotto_free(sp);
    sides_free(&s);
}

/* ---- codecs ---- */

static const sotto_codec *find(const sotto_codecs *c, const char *mime)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->items[i].mime, mime) == 0) return &c->items[i];
    return NULL;
}

static void preferences_decide_what_is_negotiated(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    sotto_codecs *all, *own, *used;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    assert_int_equal(sotto_capabilities(SOTTO_AUDIO, &all), 0);
    assert_int_equal(sotto_transceiver_codec(t, &used), SOTTO_E_STATE); /* nothing is negotiated */
    assert_int_equal(sotto_transceiver_get_codec_preferences(t, &own), 0);
    assert_int_equal(own->n, 0);
    sotto_free(own);
    sotto_codec two[] = {*find(all, "audio/PCMA"), *find(all, "audio/opus")};
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, two, 2), 0);
    two[0].mime = "audio/none";
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, two, 2), SOTTO_E_MODIFICATION);
    assert_int_equal(sotto_transceiver_get_codec_preferences(t, &own), 0);
    assert_int_equal(own->n, 2);
    assert_string_equal(own->items[0].mime, "audio/PCMA");
    assert_int_equal(own->items[0].payload_type, -1);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sotto_transceiver_codec(t, &used), 0);
    assert_int_equal(used->n, 2);
    assert_string_equal(used->items[0].mime, "audio/PCMA");
    assert_int_equal(used->items[0].payload_type, 8);
    assert_string_equal(used->items[1].mime, "audio/opus");
    bool has_mid = false;
    for (size_t i = 0; i < used->n_extensions; i++)
        has_mid = has_mid || strstr(used->extensions[i], "sdes:mid") != NULL;
    assert_true(has_mid);
    sotto_free(used);
    sotto_free(own);
    sotto_free(all);
    sides_free(&s);
}

static void preferences_are_checked_before_they_are_read(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    sotto_codec many[SOTTO_MAX_CODECS + 1];
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    for (size_t i = 0; i <= SOTTO_MAX_CODECS; i++)
        many[i] = (sotto_codec){
            .size = sizeof *many, .mime = "audio/PCMU", .clock_hz = 8000, .channels = 1}; /* fmtp NULL is "" */
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, many, SOTTO_MAX_CODECS), 0);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, many, SOTTO_MAX_CODECS + 1),
                     SOTTO_E_LIMIT);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, NULL, 1), SOTTO_E_INVAL);
    many[1].mime = NULL;
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, many, 2), SOTTO_E_INVAL);
    many[1].size = 2;
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, many, 2), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_get_codec_preferences(t, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_codec(t, NULL), SOTTO_E_INVAL);
    sides_free(&s);
}

/* ---- gone ---- */

static void refuse_all(sotto_transceiver *t, int change, int look)
{
    sotto_send_parameters *sp;
    sotto_send_parameters params = {.size = sizeof params};
    sotto_codecs *codecs;
    char mid[65] = "x";
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_RECVONLY), change);
    assert_int_equal(sotto_transceiver_stop(t), change);
    assert_int_equal(sotto_transceiver_set_streams(t, NULL, 0), change);
    assert_int_equal(sotto_transceiver_set_parameters(t, &params), change);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, NULL, 0), change);
    int r = sotto_transceiver_get_parameters(t, &sp);
    assert_int_equal(r, look);
    if (r == 0) sotto_free(sp);
    r = sotto_transceiver_get_codec_preferences(t, &codecs);
    assert_int_equal(r, look);
    if (r == 0) sotto_free(codecs);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_mid(t, mid, sizeof mid), 0);
    assert_int_equal(sotto_transceiver_kind(t), SOTTO_VIDEO);
}

static void on_a_closed_connection_nothing_changes_but_handles_tell(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *same, *none;
    sides_new(&s);
    sotto_transceiver *t = simulcast(s.a);
    sotto_pc_close(s.a);
    refuse_all(t, SOTTO_E_CLOSED, 0);
    assert_int_equal(sotto_pc_remove_track(s.a, t), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &none), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &none), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_restart_ice(s.a), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_get_transceivers(s.a, &same, 1), 1);
    assert_ptr_equal(same, t);
    sotto_transceiver_free(t); /* nothing comes of it any more */
    assert_int_equal(sotto_pc_get_transceivers(s.a, &same, 1), 0);
    sides_free(&s);
}

static void a_handle_outlives_its_connection(void **state)
{
    (void)state; /* A05 */
    static int mark;
    struct sides s;
    sotto_transceiver *none;
    char mid[65];
    sides_new(&s);
    sotto_transceiver *t = simulcast(s.a);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sotto_transceiver_mid(t, mid, sizeof mid), 0);
    assert_string_not_equal(mid, "");
    assert_int_equal(sotto_transceiver_set_user(t, &mark), 0);
    sotto_pc_free(s.a);
    refuse_all(t, SOTTO_E_CLOSED, SOTTO_E_CLOSED);
    assert_int_equal(sotto_transceiver_codec(t, &(sotto_codecs *){NULL}), SOTTO_E_CLOSED);
    assert_int_equal(sotto_transceiver_mid(t, mid, sizeof mid), 0);
    assert_string_equal(mid, "");
    assert_ptr_equal(sotto_transceiver_get_user(t), &mark);
    assert_int_equal(sotto_transceiver_set_user(t, NULL), 0);
    assert_int_equal(sotto_pc_remove_track(s.b, t), SOTTO_E_ACCESS);
    assert_int_equal(sotto_pc_add_track(s.b, SOTTO_AUDIO, NULL, 0, &none), 0);
    sotto_transceiver_free(t);
    sides_free(&s);
}

static void handles_that_nobody_gave_back_end_with_their_context(void **state)
{
    (void)state;
    struct sides s;
    sides_new(&s); /* what is made once stays */
    sides_free(&s);
    int64_t live = sotto__mem_live();
    sides_new(&s);
    simulcast(s.a);
    sotto_transceiver *t = simulcast(s.b);
    assert_int_equal(sotto_transceiver_stop(t), 0); /* gone, and not given back */
    sotto_pc_free(s.a);
    sides_free(&s);
    assert_int_equal(sotto__mem_live(), live);
}

/* The first one brings what media need, and that stays. */
static void use_media(sotto_pc *pc)
{
    sotto_transceiver *t = simulcast(pc);
    assert_int_equal(sotto_transceiver_stop(t), 0);
    sotto_transceiver_free(t);
}

static void a_live_handle_is_not_freed_and_a_gone_one_is(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *same;
    sides_new(&s);
    use_media(s.a);
    int64_t live = sotto__mem_live();
    sotto_transceiver *t = simulcast(s.a);
    sotto_transceiver_free(t);
    assert_int_equal(sotto_pc_get_transceivers(s.a, &same, 1), 1);
    assert_ptr_equal(same, t);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_SENDRECV);
    assert_int_equal(sotto_transceiver_stop(t), 0); /* never had a section: gone */
    assert_int_equal(sotto_pc_get_transceivers(s.a, &same, 1), 0);
    assert_int_equal(sotto_transceiver_stop(t), 0);
    assert_int_equal(sotto_pc_remove_track(s.a, t), 0);
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_RECVONLY), SOTTO_E_STATE);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sotto_transceiver_free(t);
    assert_int_equal(sotto__mem_live(), live);
    sides_free(&s);
}

static bool is_forked(struct sides *s, sotto_transceiver *t)
{
    sotto_transceiver *none;
    char mid[65];
    sotto_transceiver_free(t); /* does nothing */
    return sotto_transceiver_get_direction(t) == SOTTO_E_FORKED &&
           sotto_transceiver_current_direction(t) == SOTTO_E_FORKED &&
           sotto_transceiver_mid(t, mid, sizeof mid) == SOTTO_E_FORKED &&
           sotto_transceiver_set_user(t, s) == SOTTO_E_FORKED &&
           sotto_transceiver_get_user(t) == NULL && sotto_transceiver_stop(t) == SOTTO_E_FORKED &&
           sotto_pc_add_track(s->a, SOTTO_AUDIO, NULL, 0, &none) == SOTTO_E_FORKED &&
           sotto_pc_get_transceivers(s->a, &none, 1) == SOTTO_E_FORKED &&
           sotto_transceiver_kind(t) == SOTTO_VIDEO;
}

/* proves: A15 */
static void a_fork_cannot_use_handles(void **state)
{
    (void)state;
    struct sides s;
    int status;
    sides_new(&s);
    sotto_transceiver *t = simulcast(s.a);
    pid_t child = fork();
    if (child == 0) _exit(is_forked(&s, t) ? 0 : 1);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    sides_free(&s);
}

/* ---- without memory ---- */

static int add(sotto_pc *pc, sotto_transceiver **ret)
{
    const char *const ids[] = {"s"};
    sotto_transceiver_config cfg = {.size = sizeof cfg, .streams = ids, .n_streams = 1};
    return sotto_pc_add_transceiver(pc, SOTTO_VIDEO, &cfg, ret);
}

static int add_track(sotto_pc *pc, sotto_transceiver **ret)
{
    const char *const ids[] = {"s"};
    return sotto_pc_add_track(pc, SOTTO_AUDIO, ids, 1, ret);
}

static void without_memory_no_transceiver_is_added(void **state)
{
    (void)state;
    int (*const calls[])(sotto_pc *, sotto_transceiver **) = {add, add_track};
    struct sides s;
    sides_new(&s);
    use_media(s.a);
    for (int i = 0; i < 2; i++) {
        sotto_transceiver *t = NULL;
        int r = SOTTO_E_NOMEM;
        for (uint64_t n = 1; r == SOTTO_E_NOMEM; n++) {
            int64_t live = sotto__mem_live();
            sotto__mem_fail_at(n);
            r = calls[i](s.a, &t);
            sotto__mem_fail_at(0);
            if (r == 0) break;
            assert_int_equal(r, SOTTO_E_NOMEM);
            assert_null(t);
            assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), i);
            assert_int_equal(sotto__mem_live(), live);
        }
        assert_int_equal(r, 0);
        assert_non_null(t);
    }
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sides_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_refuses_what_is_no_transceiver),
        cmocka_unit_test(functions_of_the_connection_refuse_what_is_none),
        cmocka_unit_test(sizes_of_configurations_are_honoured),
        cmocka_unit_test(lists_are_checked_before_they_are_read),
        cmocka_unit_test(one_transceiver_more_than_the_limit_is_refused),
        cmocka_unit_test(a_transceiver_tells_what_it_was_made_with),
        cmocka_unit_test(each_transceiver_has_one_handle),
        cmocka_unit_test(parameters_are_read_changed_and_set),
        cmocka_unit_test(parameters_are_checked_before_they_are_read),
        cmocka_unit_test(preferences_decide_what_is_negotiated),
        cmocka_unit_test(preferences_are_checked_before_they_are_read),
        cmocka_unit_test(on_a_closed_connection_nothing_changes_but_handles_tell),
        cmocka_unit_test(a_handle_outlives_its_connection),
        cmocka_unit_test(handles_that_nobody_gave_back_end_with_their_context),
        cmocka_unit_test(a_live_handle_is_not_freed_and_a_gone_one_is),
        cmocka_unit_test(a_fork_cannot_use_handles),
        cmocka_unit_test(without_memory_no_transceiver_is_added),
    };
    return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of negotiation say to a side: descriptions, transceivers, channels. Each call that must succeed is checked here; each
 * takes the events that it caused at once, so that the log has them in order.
 */
#include "nego_log.h"

/* ---- descriptions ---- */

int nego_try_local(struct nego_side *s, int32_t type, const char *sdp)
{
    s->err = (sotto_error){.size = sizeof s->err};
    int r = sotto_pc_set_local_description(s->pc, type, sdp, &s->err);
    nego_take(s);
    return r;
}

int nego_try_remote(struct nego_side *s, int32_t type, const char *sdp)
{
    s->err = (sotto_error){.size = sizeof s->err};
    int r = sotto_pc_set_remote_description(s->pc, type, sdp, &s->err);
    nego_take(s);
    return r;
}

static void must(struct nego_side *s, int r, const char *sdp)
{
    if (r == 0) return;
    print_error("%d: line %d: %s\n%s\n", r, s->err.line, s->err.reason, sdp ? sdp : "");
    fail();
}

void nego_set_local(struct nego_side *s, int32_t type, const char *sdp)
{
    must(s, nego_try_local(s, type, sdp), sdp);
}

void nego_set_remote(struct nego_side *s, int32_t type, const char *sdp)
{
    must(s, nego_try_remote(s, type, sdp), sdp);
}

static void refuse(struct nego_side *s, bool local, int32_t type, const char *sdp, int want)
{
    char *before = nego_snapshot(s), *log = s->log ? strdup(s->log) : NULL;
    int r = local ? nego_try_local(s, type, sdp) : nego_try_remote(s, type, sdp);
    if (r != want) print_error("returned %d: line %d: %s\n", r, s->err.line, s->err.reason);
    assert_int_equal(r, want);
    assert_int_equal(s->err.code, want);
    assert_true(s->err.reason[0] != '\0');
    for (const char *c = s->err.reason; *c; c++) assert_true((uint8_t)*c >= ' ');
    assert_string_equal(nego_snapshot(s), before);
    assert_string_equal(s->log ? s->log : "", log ? log : ""); /* no event */
    free(log);
}

void nego_refuse_local(struct nego_side *s, int32_t type, const char *sdp, int want)
{
    refuse(s, true, type, sdp, want);
}

void nego_refuse_remote(struct nego_side *s, int32_t type, const char *sdp, int want)
{
    refuse(s, false, type, sdp, want);
}

static char *keep_sdp(struct nego_side *s, char *sdp)
{
    char *kept = nego_text(s->n, "%s", sdp);
    sotto_free(sdp);
    return kept;
}

char *nego_make_offer(struct nego_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto_pc_create_offer(s->pc, NULL, &sdp), 0);
    return keep_sdp(s, sdp);
}

char *nego_make_restart(struct nego_side *s)
{
    char *sdp = NULL;
    sotto_offer_options o = {.size = sizeof o, .ice_restart = true};
    assert_int_equal(sotto_pc_create_offer(s->pc, &o, &sdp), 0);
    return keep_sdp(s, sdp);
}

char *nego_make_answer(struct nego_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto_pc_create_answer(s->pc, &sdp), 0);
    return keep_sdp(s, sdp);
}

char *nego_description(struct nego_side *s, bool local, int32_t which, int32_t *ret_type)
{
    char *sdp = NULL;
    int r = local ? sotto_pc_local_description(s->pc, which, ret_type, &sdp)
                  : sotto_pc_remote_description(s->pc, which, ret_type, &sdp);
    assert_true(r == 0 || r == 1);
    return r ? keep_sdp(s, sdp) : NULL;
}

char *nego_local(struct nego_side *s)
{
    return nego_description(s, true, SOTTO_DESC_EFFECTIVE, NULL);
}

char *nego_remote(struct nego_side *s)
{
    return nego_description(s, false, SOTTO_DESC_EFFECTIVE, NULL);
}

char *nego_offer(struct nego_side *s)
{
    nego_set_local(s, SOTTO_SDP_OFFER, nego_make_offer(s));
    return nego_local(s);
}

char *nego_answer(struct nego_side *s)
{
    nego_set_local(s, SOTTO_SDP_ANSWER, nego_make_answer(s));
    return nego_local(s);
}

char *nego_answer_to(struct nego_side *s, const char *offer)
{
    nego_set_remote(s, SOTTO_SDP_OFFER, offer);
    return nego_answer(s);
}

void nego_exchange(struct nego_side *from)
{
    char *answer = nego_answer_to(nego_other(from), nego_offer(from));
    nego_set_remote(from, SOTTO_SDP_ANSWER, answer);
}

void nego_rollback(struct nego_side *s)
{
    if (nego_signaling(s) == SOTTO_SIGNALING_HAVE_LOCAL_OFFER)
        nego_set_local(s, SOTTO_SDP_ROLLBACK, NULL);
    else
        nego_set_remote(s, SOTTO_SDP_ROLLBACK, NULL);
}

/* ---- transceivers ---- */

struct id_list { /* "x,y" taken apart */
    char text[1024];
    const char *ids[16];
    size_t n;
};

static void take_apart(const char *joined, struct id_list *ret)
{
    *ret = (struct id_list){.n = 0};
    if (!joined || !joined[0]) return;
    assert_true((size_t)snprintf(ret->text, sizeof ret->text, "%s", joined) < sizeof ret->text);
    for (char *at = ret->text; at && ret->n < 16;) {
        char *comma = strchr(at, ',');
        if (comma) *comma = '\0';
        ret->ids[ret->n++] = at;
        at = comma ? comma + 1 : NULL;
    }
}

sotto_transceiver *nego_add(struct nego_side *s, int32_t kind, int32_t direction,
                            const char *streams)
{
    struct id_list l;
    take_apart(streams, &l);
    sotto_transceiver_config c = {
        .size = sizeof c, .direction = direction, .streams = l.ids, .n_streams = l.n};
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_transceiver(s->pc, kind, &c, &t), 0);
    assert_non_null(t);
    nego_take(s);
    return t;
}

sotto_transceiver *nego_add_rids(struct nego_side *s, const char *rids)
{
    struct id_list l;
    take_apart(rids, &l);
    sotto_encoding e[16];
    memset(e, 0, sizeof e);
    for (size_t i = 0; i < l.n; i++) e[i].size = sizeof *e, e[i].rid = l.ids[i];
    sotto_transceiver_config c = {.size = sizeof c, .encodings = e, .n_encodings = l.n};
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_transceiver(s->pc, SOTTO_VIDEO, &c, &t), 0);
    nego_take(s);
    return t;
}

sotto_transceiver *nego_track(struct nego_side *s, int32_t kind, const char *streams)
{
    struct id_list l;
    take_apart(streams, &l);
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_track(s->pc, kind, l.ids, l.n, &t), 0);
    assert_non_null(t);
    nego_take(s);
    return t;
}

void nego_direct(struct nego_side *s, sotto_transceiver *t, int32_t direction)
{
    assert_int_equal(sotto_transceiver_set_direction(t, direction), 0);
    nego_take(s);
}

void nego_stop(struct nego_side *s, sotto_transceiver *t)
{
    assert_int_equal(sotto_transceiver_stop(t), 0);
    nego_take(s);
}

void nego_remove(struct nego_side *s, sotto_transceiver *t)
{
    assert_int_equal(sotto_pc_remove_track(s->pc, t), 0);
    nego_take(s);
}

void nego_streams(struct nego_side *s, sotto_transceiver *t, const char *streams)
{
    struct id_list l;
    take_apart(streams, &l);
    assert_int_equal(sotto_transceiver_set_streams(t, l.ids, l.n), 0);
    nego_take(s);
}

/* ---- channels ---- */

struct nego_chan *nego_channel(struct nego_side *s, const char *label)
{
    assert_true(s->n_chans < NEGO_MAX_CHANS);
    struct nego_chan *c = &s->chans[s->n_chans];
    *c = (struct nego_chan){.side = s};
    assert_int_equal(sotto_pc_create_data_channel(s->pc, label, NULL, &c->dc), 0);
    s->n_chans++;
    nego_take(s);
    return c;
}

struct nego_chan *nego_find(struct nego_side *s, const char *label)
{
    for (size_t i = 0; i < s->n_chans; i++)
        if (strcmp(sotto_dc_label(s->chans[i].dc), label) == 0) return &s->chans[i];
    return NULL;
}

void nego_send(struct nego_chan *c)
{
    assert_int_equal(sotto_dc_send(c->dc, &c->sent, sizeof c->sent, false), 0);
    c->sent++;
}

bool nego_is_whole(struct nego *n, const char *label)
{
    struct nego_chan *a = nego_find(&n->a, label), *b = nego_find(&n->b, label);
    return a && b && a->sent == b->received && b->sent == a->received;
}

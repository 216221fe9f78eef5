/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls and channels that are end-to-end: keys that change, ratchets, loss, the wrong key, no key at all, every codec. */
#include "api/ctx.h"
#include "cmocka_all.h"
#include "media.h"
#include "peer/private.h"
#include "sotto/e2ee.h"
#include "sotto/security.h"

static uint8_t secrets[64][16];

/* The number-th key of a side and kind; none is used in two tests, as counters are the process's. */
static sotto_e2ee_key key(unsigned number, uint64_t kid, unsigned bits)
{
    uint8_t *s = secrets[number % 64];
    memset(s, 0x5a, 16);
    s[0] = (uint8_t)number;
    return (sotto_e2ee_key){
        .size = sizeof(sotto_e2ee_key), .kid = kid, .key = s, .key_len = 16, .ratchet_bits = bits};
}

static void give(sotto_transceiver *from, sotto_transceiver *to, unsigned number, uint64_t kid)
{
    sotto_e2ee_key k = key(number, kid, 4);
    if (to) assert_int_equal(sotto_transceiver_add_e2ee_key(to, SOTTO_E2EE_RECEIVE, &k), 0);
    if (from) assert_int_equal(sotto_transceiver_add_e2ee_key(from, SOTTO_E2EE_SEND, &k), 0);
}

/* All four streams, under keys of their own. */
static void give_all(struct media *m, unsigned number, uint64_t kid)
{
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < MEDIA_KINDS; k++)
            give(m->side[side].t[k], m->side[1 - side].t[k], number++, kid);
}

static sotto_e2ee_stats stats_of(sotto_transceiver *t, int32_t direction)
{
    sotto_e2ee_stats s = {.size = sizeof s};
    assert_int_equal(sotto_transceiver_get_e2ee_stats(t, direction, &s), 0);
    return s;
}

static struct peer *peer_of(struct media *m, int side)
{
    return m->pair->side[side].pc->peer;
}

/* proves: S24 S25 */
static void a_call_goes_on_over_loss_new_keys_and_ratchets(void **state)
{
    (void)state;
    struct media_opt opt = {.key_every = 0};
    struct media *m = media_new(1, &opt);
    struct media_bursts bursts;
    assert_int_equal(sotto__peer_e2ee_state(peer_of(m, 0)), SOTTO_E2EE_NONE);
    give_all(m, 0, 1 << 4);
    assert_int_equal(sotto__peer_e2ee_state(peer_of(m, 0)), SOTTO_E2EE_ALL);
    media_run(m, SOTTO_SECONDS(3));
    media_set_bursts(m, &bursts, 7, 1, 0.02);
    media_run(m, SOTTO_SECONDS(5));
    give_all(m, 4, 2 << 4); /* the receivers have them before anybody sends with them */
    media_run(m, SOTTO_SECONDS(1));
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < MEDIA_KINDS; k++)
            assert_int_equal(sotto_transceiver_use_e2ee_key(m->side[side].t[k], 2 << 4), 0);
    media_run(m, SOTTO_SECONDS(1));
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < MEDIA_KINDS; k++) {
            sotto_transceiver *t = m->side[side].t[k];
            assert_int_equal(sotto_transceiver_remove_e2ee_key(t, SOTTO_E2EE_SEND, 1 << 4), 0);
            assert_int_equal(sotto_transceiver_remove_e2ee_key(t, SOTTO_E2EE_RECEIVE, 1 << 4), 0);
        }
    for (int i = 0; i < 20; i++) {
        for (int side = 0; side < 2; side++)
            for (int k = 0; k < MEDIA_KINDS; k++)
                assert_int_equal(sotto_transceiver_ratchet_e2ee(m->side[side].t[k]), 0);
        media_run(m, SOTTO_SECONDS(1) / 2);
    }
    media_set_bursts(m, &bursts, 7, 1, 0);
    media_drain(m, SOTTO_SECONDS(2));
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < MEDIA_KINDS; k++) { /* each frame was compared by the rig */
            sotto_e2ee_stats s = stats_of(m->side[side].t[k], SOTTO_E2EE_RECEIVE);
            assert_true(m->side[side].in[k].frames > (k == MEDIA_VIDEO ? 590 : 950));
            assert_true(s.passed >= m->side[side].in[k].frames);
            assert_true(s.bad == 0 && s.no_key == 0 && s.replayed == 0 && s.old == 0);
            assert_true(s.kid == (2 << 4) + 20 % 16);
        }
    assert_int_equal(m->pair->side[0].n_events[SOTTO_EV_WARNING], 0);
    media_free(m);
}

/* proves: S25 H137 */
static void the_wrong_key_shows_nothing_and_the_right_one_all(void **state)
{
    (void)state;
    struct media_opt opt = {.key_every = 0};
    struct media *m = media_new(2, &opt);
    for (int k = 0; k < MEDIA_KINDS; k++) {
        give(m->side[0].t[k], NULL, 10, 1 << 4);
        give(NULL, m->side[1].t[k], 11, 1 << 4); /* another key of the same name */
    }
    media_run(m, SOTTO_SECONDS(5));
    for (int k = 0; k < MEDIA_KINDS; k++) {
        assert_int_equal(m->side[1].in[k].frames, 0);
        assert_true(stats_of(m->side[1].t[k], SOTTO_E2EE_RECEIVE).bad > 0);
        assert_int_equal(stats_of(m->side[1].t[k], SOTTO_E2EE_RECEIVE).passed, 0);
        assert_true(m->side[0].in[k].frames > 100); /* the other direction is in the clear */
    }
    assert_int_equal(sotto__peer_e2ee_state(peer_of(m, 0)), SOTTO_E2EE_PART);
    size_t told = m->pair->side[1].n_events[SOTTO_EV_WARNING];
    assert_true(told >= 2 && told <= 12); /* once a second, of two transceivers */
    struct e2ee_counts counts;
    sotto__peer_e2ee_counts(peer_of(m, 1), &counts);
    assert_true(counts.forged > 200 && counts.unknown_key == 0);
    for (int k = 0; k < MEDIA_KINDS; k++) {
        assert_int_equal(
            sotto_transceiver_remove_e2ee_key(m->side[1].t[k], SOTTO_E2EE_RECEIVE, 1 << 4), 0);
        give(NULL, m->side[1].t[k], 10, 1 << 4);
    }
    media_run(m, SOTTO_SECONDS(4));
    for (int k = 0; k < MEDIA_KINDS; k++) assert_true(m->side[1].in[k].frames > 80);
    media_free(m);
}

/* proves: S25 */
static void nothing_passes_in_the_clear_where_end_to_end_is_required(void **state)
{
    (void)state;
    struct media_opt opt = {.off = {{false, false}, {true, true}}};
    struct media *m = media_new(3, &opt);
    uint8_t rtp[20] = {0x80, 0, 0, 1};
    const uint8_t data[] = {0xf8, 1, 2};
    sotto_transceiver *ours = m->side[1].t[MEDIA_AUDIO], *theirs = m->side[0].t[MEDIA_AUDIO];
    sotto_frame f = {.size = sizeof f, .data = data, .len = sizeof data};
    for (int k = 0; k < MEDIA_KINDS; k++)
        assert_int_equal(
            sotto_transceiver_require_e2ee(m->side[1].t[k], SOTTO_E2EE_SEND | SOTTO_E2EE_RECEIVE),
            0);
    media_run(m, SOTTO_SECONDS(3)); /* the other side sends in the clear */
    for (int k = 0; k < MEDIA_KINDS; k++) assert_int_equal(m->side[1].in[k].frames, 0);
    assert_int_equal(sotto_transceiver_send_frame(ours, &f), SOTTO_E_STATE);
    assert_int_equal(stats_of(ours, SOTTO_E2EE_SEND).no_key, 1);
    assert_int_equal(sotto_transceiver_insert_dtmf(ours, "1", 0, 0), SOTTO_E_STATE);
    rtp[1] = (uint8_t)m->side[1].pt[MEDIA_AUDIO];
    assert_int_equal(sotto_transceiver_send_rtp(ours, rtp, sizeof rtp), SOTTO_E_STATE);
    assert_int_equal(sotto_transceiver_set_receive_mode(ours, SOTTO_RECEIVE_RTP), SOTTO_E_STATE);
    assert_int_equal(sotto_transceiver_set_receive_mode(ours, SOTTO_RECEIVE_ORDERED), 0);
    assert_int_equal(sotto_transceiver_set_receive_mode(theirs, SOTTO_RECEIVE_RTP), 0);
    assert_int_equal(sotto_transceiver_require_e2ee(theirs, SOTTO_E2EE_RECEIVE), SOTTO_E_STATE);
    assert_int_equal(sotto_transceiver_require_e2ee(theirs, SOTTO_E2EE_SEND), 0);
    assert_int_equal(sotto_transceiver_require_e2ee(theirs, 4), SOTTO_E_RANGE);
    assert_int_equal(sotto_transceiver_ratchet_e2ee(ours), SOTTO_E_STATE);
    m->stopped = true;
    media_free(m);
}

/* ---- every codec ---- */

struct codecs_run {
    const char *mime;
    size_t n;
    uint8_t frame[24];
    unsigned got;
};
static struct codecs_run codecs[] = {
    {"video/VP8", 16, {0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, 9, 9, 9, 9, 9, 9}, 0},
    {"video/VP9", 12, {0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xf0, 0x1d, 0xf0, 7, 7, 7}, 0},
    {"video/H264",
     24,
     {0,    0,    0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1,
      0x68, 0xce, 0, 0, 0,    1,    0x65, 0x88, 1, 2, 3, 4},
     0},
    {"video/AV1", 9, {0x0a, 3, 0, 0, 0x11, 0x32, 0x02, 0x10, 0x33}, 0},
    {"audio/opus", 4, {0xf8, 1, 2, 3}, 0},
    {"audio/PCMU", 5, {1, 2, 3, 4, 5}, 0},
};
#define N_CODECS (sizeof codecs / sizeof *codecs)

static void take(struct side *s, const sotto_event *e, void *user)
{
    (void)user;
    if (e->type != SOTTO_EV_FRAME || s->index != 1) return;
    for (size_t i = 0; i < N_CODECS; i++) {
        struct codecs_run *c = &codecs[i];
        const sotto_frame *f = e->u.frame.frame;
        if (strcmp(f->mime, c->mime) != 0) continue;
        assert_int_equal(f->len, c->n);
        assert_memory_equal(f->data, c->frame, c->n);
        assert_int_equal(f->is_key, c->mime[0] == 'v');
        c->got++;
    }
}

static sotto_transceiver *add_codec(struct pair *p, const struct codecs_run *c)
{
    sotto_kind kind = c->mime[0] == 'v' ? SOTTO_VIDEO : SOTTO_AUDIO;
    sotto_codecs *all;
    sotto_transceiver *t;
    bool found = false;
    const sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_SENDONLY};
    assert_int_equal(sotto_pc_add_transceiver(p->side[0].pc, kind, &cfg, &t), 0);
    assert_int_equal(sotto_capabilities(kind, &all), 0);
    for (size_t i = 0; i < all->n && !found; i++) {
        if (strcmp(all->items[i].mime, c->mime) != 0) continue;
        found = sotto_transceiver_set_codec_preferences(t, &all->items[i], 1) == 0;
    }
    sotto_free(all);
    assert_true(found);
    return t;
}

/* proves: S25 */
static void every_codec_passes_end_to_end(void **state)
{
    (void)state;
    struct pair_opt opt = {.take = take};
    struct pair *p = pair_new(4, &opt);
    sotto_transceiver *t[N_CODECS], *there[N_CODECS];
    for (size_t i = 0; i < N_CODECS; i++) t[i] = add_codec(p, &codecs[i]), codecs[i].got = 0;
    assert_int_equal(pair_offer(p, 0), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(60), pair_is_connected, NULL));
    assert_int_equal(sotto_pc_get_transceivers(p->side[1].pc, there, N_CODECS), N_CODECS);
    for (size_t i = 0; i < N_CODECS; i++) give(t[i], there[i], 20, 3 << 4); /* one key for all: RFC 9605 §5.1 */
    for (unsigned n = 0; n < 30; n++) {
        for (size_t i = 0; i < N_CODECS; i++) {
            sotto_frame f = {.size = sizeof f,
                             .data = codecs[i].frame,
                             .len = codecs[i].n,
                             .is_key = codecs[i].mime[0] == 'v'};
            assert_int_equal(sotto_transceiver_send_frame(t[i], &f), 0);
        }
        pair_run(p, SOTTO_MS(33));
    }
    pair_run(p, SOTTO_SECONDS(1));
    for (size_t i = 0; i < N_CODECS; i++) {
        if (codecs[i].got != 30) print_error("%s: %u\n", codecs[i].mime, codecs[i].got);
        assert_int_equal(codecs[i].got, 30);
    }
    pair_free(p);
}

/* ---- data channels ---- */

static void give_dc(struct chan *from, struct chan *to, unsigned number, uint64_t kid)
{
    sotto_e2ee_key k = key(number, kid, 4);
    if (to) assert_int_equal(sotto_dc_add_e2ee_key(to->dc, SOTTO_E2EE_RECEIVE, &k), 0);
    if (from) assert_int_equal(sotto_dc_add_e2ee_key(from->dc, SOTTO_E2EE_SEND, &k), 0);
}

/* proves: S24 S25 H137 */
static void messages_are_sealed_and_only_sealed_ones_come_up(void **state)
{
    (void)state;
    struct chan *a[2];
    sotto_e2ee_stats s = {.size = sizeof s};
    struct pair *p = pair_connected(5, NULL, a);
    give_dc(a[0], a[1], 30, 1 << 4);
    assert_int_equal(sotto__peer_e2ee_state(p->side[0].pc->peer), SOTTO_E2EE_PART);
    give_dc(a[1], a[0], 31, 1 << 4);
    assert_int_equal(sotto__peer_e2ee_state(p->side[0].pc->peer), SOTTO_E2EE_ALL);
    static const struct {
        const char *p;
        size_t n;
        bool is_text;
    } messages[] = {{"hello", 5, true}, {"\xff\0\x01", 3, false}, {"", 0, true}, {"", 0, false}};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        assert_int_equal(chan_send(a[0], messages[i].p, messages[i].n, messages[i].is_text), 0);
        if (i == 1) assert_int_equal(sotto_dc_ratchet_e2ee(a[0]->dc), 0);
        pair_run(p, SOTTO_SECONDS(1));
        assert_int_equal(a[1]->n_in, i + 1);
        assert_int_equal(a[1]->last_len, messages[i].n);
        assert_int_equal(a[1]->last_text, messages[i].is_text);
        if (messages[i].n) assert_memory_equal(a[1]->last, messages[i].p, messages[i].n);
    }
    assert_int_equal(chan_send(a[0], "\xff", 1, true), SOTTO_E_SYNTAX);
    uint8_t *big = calloc(1, 256u * 1024);
    assert_int_equal(chan_send(a[0], big, 256u * 1024, false), SOTTO_E_TOO_BIG);
    assert_int_equal(chan_send(a[0], big, 256u * 1024 - SOTTO_E2EE_OVERHEAD, false), 0);
    free(big);
    pair_run(p, SOTTO_SECONDS(2));
    assert_int_equal(a[1]->n_in, 5);
    give_dc(a[0], NULL, 32, 2 << 4); /* the other side does not know it */
    assert_int_equal(sotto_dc_use_e2ee_key(a[0]->dc, 2 << 4), 0);
    for (int i = 0; i < 10; i++) assert_int_equal(chan_send(a[0], "secret", 6, true), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(a[1]->n_in, 5);
    assert_int_equal(p->side[1].n_events[SOTTO_EV_WARNING], 1);
    assert_int_equal(sotto_dc_get_e2ee_stats(a[1]->dc, SOTTO_E2EE_RECEIVE, &s), 0);
    assert_true(s.no_key == 10 && s.passed == 5 && s.is_required);
    assert_int_equal(sotto_dc_remove_e2ee_key(a[0]->dc, SOTTO_E2EE_SEND, 2 << 4), 0);
    assert_int_equal(chan_send(a[0], "x", 1, true), SOTTO_E_ACCESS); /* it was made end-to-end for good */
    pair_free(p);
}

/* proves: S25 */
static void a_channel_that_requires_keys_takes_nothing_in_the_clear(void **state)
{
    (void)state;
    struct chan *a[2];
    sotto_e2ee_stats s = {.size = sizeof s};
    struct pair *p = pair_connected(6, NULL, a);
    assert_int_equal(sotto_dc_require_e2ee(a[1]->dc, SOTTO_E2EE_SEND | SOTTO_E2EE_RECEIVE), 0);
    assert_int_equal(chan_send(a[1], "x", 1, true), SOTTO_E_ACCESS);
    assert_int_equal(chan_send(a[0], "in the clear", 12, true), 0);
    assert_int_equal(chan_send(a[0], "\1in the clear", 13, false), 0);
    assert_int_equal(chan_send(a[0], "", 0, false), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(a[1]->n_in, 0);
    assert_int_equal(sotto_dc_get_e2ee_stats(a[1]->dc, SOTTO_E2EE_RECEIVE, &s), 0);
    assert_true(s.bad + s.no_key == 3 && s.passed == 0);
    pair_free(p);
}

/* proves: S20 */
static void the_functions_check_what_they_are_given(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(7, NULL, a);
    sotto_e2ee_key good = key(40, 5, 0), bad;
    sotto_e2ee_stats s = {.size = sizeof s};
    assert_int_equal(sotto_dc_add_e2ee_key(a[0]->dc, SOTTO_E2EE_SEND, NULL), SOTTO_E_INVAL);
    bad = good, bad.key = NULL;
    assert_int_equal(sotto_dc_add_e2ee_key(a[0]->dc, SOTTO_E2EE_SEND, &bad), SOTTO_E_INVAL);
    bad = good, bad.size = 3;
    assert_int_equal(sotto_dc_add_e2ee_key(a[0]->dc, SOTTO_E2EE_SEND, &bad), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_add_e2ee_key(a[0]->dc, 3, &good), SOTTO_E_RANGE);
    assert_int_equal(sotto_dc_add_e2ee_key(a[0]->dc, 0, &good), SOTTO_E_RANGE);
    assert_int_equal(sotto_dc_add_e2ee_key(NULL, SOTTO_E2EE_SEND, &good), SOTTO_E_INVAL);
    assert_int_equal(sotto_transceiver_add_e2ee_key(NULL, SOTTO_E2EE_SEND, &good), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_get_e2ee_stats(a[0]->dc, SOTTO_E2EE_SEND, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_get_e2ee_stats(a[0]->dc, SOTTO_E2EE_SEND, &s), 0);
    assert_false(s.is_required);
    assert_int_equal(sotto_dc_use_e2ee_key(a[0]->dc, 5), SOTTO_E_RANGE);
    assert_int_equal(sotto_dc_ratchet_e2ee(a[0]->dc), SOTTO_E_STATE);
    assert_int_equal(sotto_dc_remove_e2ee_key(a[0]->dc, SOTTO_E2EE_SEND, 5), SOTTO_E_RANGE);
    assert_int_equal(sotto_dc_close(a[0]->dc), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(sotto_dc_add_e2ee_key(a[0]->dc, SOTTO_E2EE_SEND, &good), SOTTO_E_CLOSED);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_goes_on_over_loss_new_keys_and_ratchets),
        cmocka_unit_test(the_wrong_key_shows_nothing_and_the_right_one_all),
        cmocka_unit_test(nothing_passes_in_the_clear_where_end_to_end_is_required),
        cmocka_unit_test(every_codec_passes_end_to_end),
        cmocka_unit_test(messages_are_sealed_and_only_sealed_ones_come_up),
        cmocka_unit_test(a_channel_that_requires_keys_takes_nothing_in_the_clear),
        cmocka_unit_test(the_functions_check_what_they_are_given),
    };
    return cmocka_run_group_tests_name("end-to-end", tests, NULL, NULL);
}

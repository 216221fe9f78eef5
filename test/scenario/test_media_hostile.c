/* SPDX-License-Identifier: BSD-2-Clause */
/* What somebody off the path and a curious remote could get out of media: its address, its name (H094, H110, RTP-02, RTP-13). */
#include <stdlib.h>
#include <string.h>

#include "api/ctx.h"
#include "cmocka_all.h"
#include "media.h"
#include "peer/transceiver.h"
#include "wire/demux.h"

#define N_CONNECTIONS 300

struct elsewhere {
    struct address from; /* of somebody else */
    struct address seen[2]; /* where the media of each side comes from */
    bool known[2];
    struct net_host *hosts[2];
    uint64_t copies, strays, asymmetric, media;
};

static bool same(const struct address *a, const struct address *b)
{
    return a->port == b->port && a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Each datagram of media goes to its receiver from another address too, first as it is and then with another number. */
static enum net_verdict copy_media(struct net *net, struct net_datagram *d, void *user)
{
    struct elsewhere *e = user;
    enum packet_kind kind = sotto__demux(d->p, d->n);
    if (same(&d->to, &e->from)) e->strays++;
    if (kind != PACKET_RTP && kind != PACKET_RTCP) return NET_PASS;
    int side = -1;
    for (int i = 0; i < 2; i++)
        if (e->known[i] && same(&e->seen[i], &d->from)) side = i;
    for (int i = 0; i < 2 && side < 0; i++)
        if (!e->known[i]) side = i, e->seen[i] = d->from, e->known[i] = true;
    e->media++;
    if (side < 0 || (e->known[1 - side] && !same(&d->to, &e->seen[1 - side]))) e->asymmetric++;
    uint8_t other[1500];
    if (d->n > sizeof other) return NET_PASS;
    memcpy(other, d->p, d->n);
    net_inject(net, &e->from, &d->to, other, d->n, 1);
    other[3] ^= 0x40;
    net_inject(net, &e->from, &d->to, other, d->n, 1);
    e->copies += 2;
    return NET_PASS;
}

/* H110, RTP-13 */
/* proves: ICE-07 H110 RTP-13 */
static void packets_from_elsewhere_do_not_draw_media_to_them(void **state)
{
    struct media_opt opt = {0};
    struct elsewhere e = {.from = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4000}};
    (void)state;
    struct media *m = media_new(1, &opt);
    media_run(m, SOTTO_SECONDS(2));
    m->pair->net->tap = copy_media, m->pair->net->tap_user = &e;
    media_measure(m);
    media_run(m, SOTTO_SECONDS(5));
    m->pair->net->tap = NULL;
    assert_true(e.copies > 2000);
    assert_int_equal(e.strays, 0);
    assert_int_equal(e.asymmetric, 0);
    media_drain(m, SOTTO_SECONDS(1));
    for (int i = 0; i < 2; i++)
        for (enum media_kind k = 0; k < MEDIA_KINDS; k++) {
            assert_int_equal(m->side[i].in[k].last + 1, m->side[1 - i].out[k].next);
            assert_int_equal(m->side[i].in[k].missing, 0);
        }
    media_free(m);
}

/* What side 0 sends comes back to it, from where it went. */
static enum net_verdict reflect_media(struct net *net, struct net_datagram *d, void *user)
{
    const struct elsewhere *e = user;
    enum packet_kind kind = sotto__demux(d->p, d->n);
    if ((kind == PACKET_RTP || kind == PACKET_RTCP) && same(&d->from, &e->seen[0]))
        net_inject(net, &d->to, &d->from, d->p, d->n, SOTTO_MS(1));
    return NET_PASS;
}

/* H094, SRTP-07 */
/* proves: H094 */
static void packets_sent_back_are_told_and_change_nothing(void **state)
{
    struct media_opt opt = {0};
    struct elsewhere e = {0};
    (void)state;
    struct media *m = media_new(2, &opt);
    m->pair->net->tap = copy_media, m->pair->net->tap_user = &e; /* to know the addresses */
    e.from = (struct address){.family = 4, .ip = {192, 0, 2, 77}, .port = 4000};
    media_run(m, SOTTO_SECONDS(1));
    for (int i = 0; i < 2; i++) assert_int_equal(m->pair->side[i].n_events[SOTTO_EV_WARNING], 0);
    m->pair->net->tap = reflect_media;
    media_run(m, SOTTO_SECONDS(3));
    m->pair->net->tap = NULL;
    media_drain(m, SOTTO_SECONDS(1));
    assert_true(m->pair->side[0].n_events[SOTTO_EV_WARNING] > 0);
    assert_int_equal(m->pair->side[1].n_events[SOTTO_EV_WARNING], 0);
    for (int i = 0; i < 2; i++)
        for (enum media_kind k = 0; k < MEDIA_KINDS; k++)
            assert_int_equal(m->side[i].in[k].missing, 0);
    media_free(m);
}

/* Puts the one name of an offer into name; how often it stands there. */
static size_t name_of(const char *offer, char name[32])
{
    size_t n = 0;
    for (const char *p = offer; (p = strstr(p, " cname:")); n++) {
        size_t len = strcspn(p += 7, "\r");
        assert_in_range(len, 16, 31); /* RFC 7022 §4.2: 96 bits */
        if (n > 0) assert_true(strlen(name) == len && memcmp(name, p, len) == 0);
        memcpy(name, p, len);
        name[len] = '\0';
    }
    return n;
}

/* RTP-02: a name that stayed would tell that two calls are of the same program. */
/* proves: RTP-02 S30 */
static void every_connection_has_a_cname_of_its_own(void **state)
{
    static char names[N_CONNECTIONS][32];
    struct pair *p = pair_new(1, NULL);
    (void)state;
    for (int i = 0; i < N_CONNECTIONS; i++) {
        sotto_pc *pc = NULL;
        sotto_transceiver *t;
        char *offer = NULL;
        assert_int_equal(sotto_pc_new(p->side[0].ctx, NULL, &pc), 0);
        assert_int_equal(sotto_pc_add_transceiver(pc, SOTTO_AUDIO, NULL, &t), 0);
        assert_int_equal(sotto_pc_add_transceiver(pc, SOTTO_VIDEO, NULL, &t), 0);
        assert_int_equal(sotto_pc_create_offer(pc, NULL, &offer), 0);
        assert_true(name_of(offer, names[i]) >= 2);
        for (int k = 0; k < i; k++) assert_string_not_equal(names[k], names[i]);
        sotto_free(offer);
        sotto_pc_free(pc);
    }
    pair_free(p);
}

/* RTP-01: both see it, and both go on under other ones, which their descriptions name. */
static void sides_that_chose_the_same_ssrcs_change_them_and_go_on(void **state)
{
    (void)state;
    struct media *m = media_new(1, NULL);
    for (enum media_kind k = 0; k < MEDIA_KINDS; k++) {
        const struct transceiver *a = m->side[0].t[k]->transceiver;
        struct transceiver *b = m->side[1].t[k]->transceiver;
        b->line.outgoing[0].ssrc = b->ssrc = a->ssrc;
        b->line.outgoing[0].rtx_ssrc = b->rtx_ssrc = a->rtx_ssrc;
    }
    uint32_t same_ssrc = m->side[0].t[MEDIA_VIDEO]->transceiver->ssrc;
    media_run(m, SOTTO_SECONDS(3));
    media_measure(m);
    media_run(m, SOTTO_SECONDS(5));
    for (enum media_kind k = 0; k < MEDIA_KINDS; k++) {
        const struct transceiver *t[] = {m->side[0].t[k]->transceiver,
                                         m->side[1].t[k]->transceiver};
        assert_int_not_equal(t[0]->ssrc, t[1]->ssrc);
        if (k == MEDIA_VIDEO) assert_int_not_equal(t[0]->rtx_ssrc, t[1]->rtx_ssrc);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(t[i]->line.outgoing[0].ssrc, t[i]->ssrc);
            assert_int_equal(m->side[i].in[k].missing, 0);
            assert_true(m->side[i].in[k].frames >= (k == MEDIA_VIDEO ? 145 : 245));
        }
    }
    const struct transceiver *ours = m->side[0].t[MEDIA_VIDEO]->transceiver;
    struct outgoing *theirs = &m->side[1].t[MEDIA_VIDEO]->transceiver->line.outgoing[0];
    assert_true(ours->ssrc != same_ssrc || theirs->ssrc != same_ssrc);
    assert_int_equal(m->pair->side[0].n_events[SOTTO_EV_WARNING], 0);
    theirs->ssrc = theirs->sender->ssrc = same_ssrc = ours->ssrc; /* as in a loop: told, not followed */
    media_run(m, SOTTO_SECONDS(1));
    assert_int_equal(ours->ssrc, same_ssrc);
    assert_true(m->pair->side[0].n_events[SOTTO_EV_WARNING] > 0);
    media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_from_elsewhere_do_not_draw_media_to_them),
        cmocka_unit_test(packets_sent_back_are_told_and_change_nothing),
        cmocka_unit_test(every_connection_has_a_cname_of_its_own),
        cmocka_unit_test(sides_that_chose_the_same_ssrcs_change_them_and_go_on),
    };
    return cmocka_run_group_tests_name("media hostile", tests, NULL, NULL);
}

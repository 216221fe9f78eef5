/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load over real sockets while everything below goes wrong: system calls fail with every errno that they have, the selected pair changes
 * among those of two addresses and families a side, the filter is taken off the socket past libnice, libnice loses its own sockets, ICE
 * restarts. Nothing is lost on reliable channels, nothing comes twice or changed, and nothing is left over. 15 s; SOTTO_LONG=1: an hour;
 * or as many seconds as the first argument says. SOTTO_SEED=N is another storm. Needs a network namespace of its own: test/netns.
 */
#include <net/if.h>

#include "../open_fds.h"
#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"
#include "faults.h"
#include "peer/private.h"
#include "transport/ice_nice.h"
#include "util/mem.h"

enum { ORDERED, UNORDERED, ONCE, BRIEF, CHANNELS, MOST = 60000, SEEN = 65536 };
enum { SPARE_BLOCKS = 64, SPARE_FDS = 4 }; /* what may differ while nothing happens: a twin is open or is not */

static const sotto_dc_config configs[CHANNELS] = {
    {.size = sizeof *configs, .negotiated = true, .id = 0},
    {.size = sizeof *configs, .negotiated = true, .id = 1, .unordered = true},
    {.size = sizeof *configs, .negotiated = true, .id = 2, .reliability = SOTTO_DC_MAX_RETRANSMITS},
    {.size = sizeof *configs,
     .negotiated = true,
     .id = 3,
     .unordered = true,
     .reliability = SOTTO_DC_MAX_LIFETIME,
     .limit = 200},
};

struct side;
struct stream { /* one end of a channel */
    struct side *side;
    int kind;
    sotto_dc *dc;
    bool open;
    uint32_t out, in, next; /* messages; the least number that may come in order */
    uint64_t seen[SEEN / 64]; /* UNORDERED: bits of numbers from next on */
};

struct pair {
    char local[NICE_CANDIDATE_MAX_FOUNDATION], remote[NICE_CANDIDATE_MAX_FOUNDATION];
};
struct pairs {
    char ufrag[SOTTO_MAX_UFRAG + 1];
    unsigned n;
    struct pair pair[8];
};

struct side {
    struct side *other;
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_transceiver *audio;
    struct stream streams[CHANNELS];
    struct pairs pairs;
    int32_t connection;
    uint32_t frames_out, frames_in;
};

static struct storm {
    struct side a, b;
    sotto_us restarted, spoke; /* when last */
    uint64_t bytes;
    uint32_t restarts, needed, found, switches, detached, lost;
    int seconds;
    bool is_quiet; /* nobody speaks */
} storm;

/* ---- messages ---- */

struct head {
    uint32_t number, length;
};

static uint64_t scramble(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

/* What message `number` is, from its number on; its length. */
static size_t make(int kind, uint32_t number, uint64_t *words)
{
    uint64_t key = (uint64_t)kind << 40 | number;
    uint32_t r = (uint32_t)(scramble(key) >> 20);
    size_t n = 64 + (r % 8 == 0 ? r % (MOST - 64) : r % 1400);
    struct head h = {number, (uint32_t)n};
    for (size_t i = 1; i <= n / 8; i++) words[i] = scramble(key << 16 | i);
    memcpy(words, &h, sizeof h);
    return n;
}

static void send_burst(struct stream *s, unsigned n)
{
    static uint64_t words[MOST / 8 + 2];
    assert_int_equal(sotto_ctx_batch(s->side->ctx, true), 0);
    for (unsigned i = 0; i < n; i++) {
        size_t size = make(s->kind, s->out, words);
        int r = sotto_dc_send(s->dc, words, size, false);
        assert_true(r == 0 || r == SOTTO_E_AGAIN);
        if (r != 0) break;
        s->out++;
        storm.bytes += size;
    }
    assert_int_equal(sotto_ctx_batch(s->side->ctx, false), 0);
}

/* Reliable and unordered: each number once, none left out for ever. */
static void note(struct stream *s, uint32_t number)
{
    uint32_t at = number % SEEN;
    assert_true(number >= s->next && number - s->next < SEEN);
    assert_false(s->seen[at / 64] >> at % 64 & 1);
    s->seen[at / 64] |= 1ull << at % 64;
    for (at = s->next % SEEN; s->seen[at / 64] >> at % 64 & 1; at = ++s->next % SEEN)
        s->seen[at / 64] &= ~(1ull << at % 64);
}

static void take_message(struct stream *s, const sotto_event *e)
{
    static uint64_t words[MOST / 8 + 2];
    struct head h;
    assert_true(e->u.message.len >= sizeof h);
    memcpy(&h, e->u.message.data, sizeof h);
    size_t n = make(s->kind, h.number, words);
    assert_int_equal(e->u.message.len, n);
    assert_memory_equal(e->u.message.data, words, n);
    if (s->kind == ORDERED) assert_int_equal(h.number, s->next);
    if (s->kind == UNORDERED) note(s, h.number);
    if (s->kind == ONCE) assert_true(h.number >= s->next);
    if (s->kind != UNORDERED) s->next = h.number + 1;
    s->in++;
    assert_true(s->in <= s->side->other->streams[s->kind].out);
}

/* ---- frames: Opus as far as the first byte goes ---- */

static size_t make_frame(uint32_t number, uint8_t *p)
{
    uint32_t n = 40 + number % 60;
    for (uint32_t i = 0; i < n; i++) p[i] = (uint8_t)(number * 31 + i);
    p[0] = 0xf8; /* one of 20 ms: RFC 6716 §3.1 */
    return n;
}

static void send_frame(struct side *s)
{
    uint8_t p[128];
    sotto_frame f = {.size = sizeof f,
                     .data = p,
                     .len = make_frame(s->frames_out, p),
                     .time_kind = SOTTO_TIME_RTP,
                     .rtp_time = s->frames_out * 960};
    int r = sotto_transceiver_send_frame(s->audio, &f);
    assert_true(r == 0 || r == SOTTO_E_AGAIN || r == SOTTO_E_STATE);
    s->frames_out++;
}

static void take_frame(struct side *s, const sotto_frame *f)
{
    uint8_t p[128];
    assert_int_equal(f->len, make_frame(f->rtp_time / 960, p));
    assert_memory_equal(f->data, p, f->len);
    s->frames_in++;
}

/* ---- signalling, and events ---- */

static void carry(sotto_pc *from, sotto_pc *to, sotto_sdp_type type)
{
    char *sdp;
    sotto_error err = {.size = sizeof err};
    if (sotto_pc_set_local_description(from, type, NULL, &err) < 0) fail_msg("%s", err.reason);
    assert_int_equal(sotto_pc_local_description(from, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 1);
    if (sotto_pc_set_remote_description(to, type, sdp, &err) < 0) fail_msg("%s", err.reason);
    sotto_free(sdp);
}

static void negotiate(struct side *from)
{
    carry(from->pc, from->other->pc, SOTTO_SDP_OFFER);
    carry(from->other->pc, from->pc, SOTTO_SDP_ANSWER);
}

static void restart(struct side *s)
{
    faults.blocked = faults_below(1u << FAULTS_LANES);
    assert_int_equal(sotto_pc_restart_ice(s->pc), 0);
    negotiate(s);
    storm.restarts++;
    storm.restarted = sotto_now();
}

static void tell_candidate(struct side *s, const sotto_event *e)
{
    sotto_candidate c = {.size = sizeof c,
                         .line = e->u.candidate.line,
                         .mid = e->u.candidate.mid,
                         .ufrag = e->u.candidate.ufrag};
    assert_int_equal(sotto_pc_add_ice_candidate(s->other->pc, &c, NULL), 0);
}

static void take(struct side *s, sotto_event *e)
{
    switch (e->type) {
    case SOTTO_EV_STATE:
        s->connection = e->u.state.connection;
        storm.lost += s->connection == SOTTO_CONNECTION_DISCONNECTED ||
                      s->connection == SOTTO_CONNECTION_FAILED;
        break;
    case SOTTO_EV_CANDIDATE: tell_candidate(s, e); break;
    case SOTTO_EV_OPEN: ((struct stream *)e->user)->open = true; break;
    case SOTTO_EV_MESSAGE: take_message(e->user, e); break;
    case SOTTO_EV_FRAME: take_frame(s, e->u.frame.frame); break;
    case SOTTO_EV_CLOSED: fail_msg("a channel closed: %s", e->u.channel.reason);
    default: break;
    }
    sotto_event_free(e);
}

static void take_all(struct side *s, sotto_us wait)
{
    sotto_event *e;
    for (int i = 0; i < 64 && sotto_ctx_wait(s->ctx, i == 0 ? wait : 0, &e) == 1; i++) take(s, e);
}

/* An application that sees its connection gone restarts ICE. */
static void repair(void)
{
    bool is_gone = storm.a.connection == SOTTO_CONNECTION_DISCONNECTED ||
                   storm.b.connection == SOTTO_CONNECTION_DISCONNECTED ||
                   storm.a.connection == SOTTO_CONNECTION_FAILED ||
                   storm.b.connection == SOTTO_CONNECTION_FAILED;
    if (!is_gone || sotto_now() - storm.restarted < 3000000) return;
    restart(&storm.a);
    storm.needed++;
}

/* Or not: time goes on all the same. */
static void speak(struct side *s)
{
    if (storm.is_quiet)
        s->frames_out++;
    else
        send_frame(s);
}

static void run(sotto_us span)
{
    sotto_us end = sotto_now() + span;
    do {
        take_all(&storm.a, 500);
        take_all(&storm.b, 500);
        if (sotto_now() - storm.spoke >= 20000) {
            storm.spoke = sotto_now();
            speak(&storm.a);
            speak(&storm.b);
        }
        repair();
    } while (sotto_now() < end);
}

static bool is_open(void)
{
    for (int k = 0; k < CHANNELS; k++)
        if (!storm.a.streams[k].open || !storm.b.streams[k].open) return false;
    return true;
}

static bool all_came(void)
{
    for (int k = ORDERED; k <= UNORDERED; k++)
        if (storm.a.streams[k].in != storm.b.streams[k].out ||
            storm.b.streams[k].in != storm.a.streams[k].out)
            return false;
    return true;
}

static bool is_even(void)
{
    for (int k = 0; k < CHANNELS; k++)
        if (sotto_dc_buffered_amount(storm.a.streams[k].dc) > 0 ||
            sotto_dc_buffered_amount(storm.b.streams[k].dc) > 0)
            return false;
    return all_came();
}

static void run_until(bool (*done)(void), int seconds)
{
    sotto_us end = sotto_now() + seconds * 1000000LL;
    while (!done() && sotto_now() < end) run(1000);
    assert_true(done());
}

/* ---- what goes wrong ---- */

static struct ice *ice_of(const struct side *s)
{
    return s->pc->peer->transport.live.ice;
}

/* The pairs of this generation that were selected at a time: both sides have checked them. */
static void note_pair(struct side *s)
{
    const struct ice *ice = ice_of(s);
    struct pairs *k = &s->pairs;
    if (!ice || !ice->pair_local) return;
    if (strcmp(k->ufrag, ice->ufrag) != 0) k->n = 0;
    snprintf(k->ufrag, sizeof k->ufrag, "%s", ice->ufrag);
    for (unsigned i = 0; i < k->n; i++)
        if (strcmp(k->pair[i].local, ice->pair_local->foundation) == 0 &&
            strcmp(k->pair[i].remote, ice->pair_remote->foundation) == 0)
            return;
    if (k->n == sizeof k->pair / sizeof *k->pair) return;
    struct pair *new = &k->pair[k->n++];
    snprintf(new->local, sizeof new->local, "%s", ice->pair_local->foundation);
    snprintf(new->remote, sizeof new->remote, "%s", ice->pair_remote->foundation);
    if (k->n > 1) storm.found++;
}

static void switch_pair(struct side *s)
{
    struct ice *ice = ice_of(s);
    if (!ice || s->pairs.n < 2 || strcmp(s->pairs.ufrag, ice->ufrag) != 0) return;
    const struct pair *to = &s->pairs.pair[faults_below(s->pairs.n)];
    if (nice_agent_set_selected_pair(ice->agent, ice->stream, NICE_COMPONENT, to->local,
                                     to->remote))
        storm.switches++;
}

/* After a restart the lanes open one by one, so that libnice finds several pairs, perhaps a better one after a worse. */
static void open_lanes(void)
{
    if (faults.blocked != 0 && faults_below(4) == 0)
        faults.blocked &= ~(1u << faults_below(FAULTS_LANES));
}

static void detach_filter(const struct side *s)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    struct ice *ice = ice_of(s);
    int none = 0;
    if (!ice || !ice->twin) return;
    int n = sotto__ice_nice.fds(ice, fds, SOTTO_MAX_ICE_FDS);
    if (setsockopt(fds[n - 1].fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none) == 0)
        storm.detached++;
}

/* Traffic is worth a twin again at once: it need not be waited for. */
static void hurry(const struct side *s)
{
    if (ice_of(s)) ice_of(s)->path.not_before = 0;
}

static void blow(uint32_t round)
{
    struct side *s = faults_below(2) ? &storm.a : &storm.b;
    hurry(&storm.a);
    hurry(&storm.b);
    note_pair(&storm.a);
    note_pair(&storm.b);
    open_lanes();
    for (int k = 0; k < CHANNELS; k++) {
        send_burst(&storm.a.streams[k], faults_below(k < ONCE ? 60 : 10));
        send_burst(&storm.b.streams[k], faults_below(k < ONCE ? 60 : 10));
    }
    if (faults_below(4) == 0) switch_pair(s);
    if (faults_below(8) == 0) detach_filter(s);
    if (faults_below(60) == 0 && sotto_now() - storm.restarted > 2000000) restart(s);
    if (round % 1000 == 100) faults.breaks = true;
    run(1000 * (5 + (int)faults_below(25)));
}

/* ---- beginning and end ---- */

static void make_network(void)
{
    static const char script[] =
        "PATH=$PATH:/usr/sbin:/sbin; set -e; ip link add storm0 type veth peer name storm1; "
        "for i in 0 1; do for net in 0 1; do "
        "ip address add 10.79.$net.$((i + 1))/24 dev storm$i; "
        "[ ! -e /proc/sys/net/ipv6 ] || ip -6 address add fd79:$net::$((i + 1))/64 dev storm$i "
        "nodad; "
        "done; ip link set storm$i up; done; "
        "until ip link show storm0 | grep -q 'state UP'; do sleep 0.1; done; " /* else it is not looked at */
        "until ip link show storm1 | grep -q 'state UP'; do sleep 0.1; done";
    if (if_nametoindex("storm0") != 0) return;
    assert_int_equal(system(script), 0);
}

static void open_side(struct side *s, struct side *other, const char *interface)
{
    sotto_ctx_config ctx = {.size = sizeof ctx, .no_thread = true};
    sotto_pc_config cfg = {.size = sizeof cfg, .interface = interface, .user = s};
    s->other = other;
    assert_int_equal(both_ways_ctx(&ctx, &s->ctx), 0);
    assert_int_equal(sotto_pc_new(s->ctx, &cfg, &s->pc), 0);
    assert_int_equal(sotto_pc_add_track(s->pc, SOTTO_AUDIO, NULL, 0, &s->audio), 0);
    for (int k = 0; k < CHANNELS; k++) {
        sotto_dc_config dc = configs[k];
        dc.user = &s->streams[k];
        s->streams[k] = (struct stream){.side = s, .kind = k};
        assert_int_equal(sotto_pc_create_data_channel(s->pc, "storm", &dc, &s->streams[k].dc), 0);
    }
}

struct left {
    int64_t blocks;
    int fds;
};

static void calm(void)
{
    faults.on = faults.breaks = false;
    faults.blocked = 0;
    run_until(is_even, 120);
}

static void report(void)
{
    print_message("%d s: %llu MB, %u and %u messages, %u and %u of %u frames; %llu sends of which "
                  "%llu refused (%u of %u errnos), %llu cut; "
                  "%llu reads, %llu refused (%u of %u); %u pairs found beside the first, %u "
                  "switches, %u filters detached, %llu "
                  "sockets broken, %u times gone, %u restarts, %u "
                  "of them needed\n",
                  storm.seconds, (unsigned long long)storm.bytes / 1000000,
                  storm.a.streams[ORDERED].in + storm.b.streams[ORDERED].in,
                  storm.a.streams[UNORDERED].in + storm.b.streams[UNORDERED].in, storm.a.frames_in,
                  storm.b.frames_in, storm.a.frames_out, (unsigned long long)faults.sends,
                  (unsigned long long)faults.refused, faults_used(true), faults_kinds(true),
                  (unsigned long long)faults.cut, (unsigned long long)faults.reads,
                  (unsigned long long)faults.unread, faults_used(false), faults_kinds(false),
                  storm.found, storm.switches, storm.detached, (unsigned long long)faults.broken,
                  storm.lost, storm.restarts, storm.needed);
}

/* All has come, and what a restart replaced is soon no more: nothing may be left over. Nor is sound: how much of it is held depends on how
 * unsteadily it came. */
static void look(struct left *first)
{
    struct left now = {0};
    calm();
    storm.is_quiet = true;
    for (int tries = 0; tries < 30; tries++) {
        run(tries == 0 ? 4000000 : 1000000);
        now = (struct left){sotto__mem_live(), open_fds()};
        if (first->blocks == 0) *first = now;
        if (now.blocks > first->blocks + SPARE_BLOCKS || now.fds > first->fds + SPARE_FDS) continue;
        storm.is_quiet = false;
        return;
    }
    fail_msg("%d blocks, %d descriptors; %d and %d at first", (int)now.blocks, now.fds,
             (int)first->blocks, first->fds);
}

static void begin(void)
{
    const char *seed = getenv("SOTTO_SEED");
    make_network();
    open_side(&storm.a, &storm.b, "storm0");
    open_side(&storm.b, &storm.a, "storm1");
    negotiate(&storm.a);
    run_until(is_open, 30);
    faults.state = seed ? strtoull(seed, NULL, 10) : 1;
    faults.every = 40;
}

/* On a busy machine it takes longer. */
static bool had_it_all(void)
{
    for (int k = 0; k < CHANNELS; k++)
        if (storm.a.streams[k].in < 100 || storm.b.streams[k].in < 100) return false;
    if (storm.a.frames_in < 100 || storm.b.frames_in < 100 || storm.restarts < 2 ||
        faults.broken == 0 || faults_used(true) < faults_kinds(true))
        return false;
    return getenv("SOTTO_NO_FAST_PATH") ||
           (storm.detached > 0 && faults_used(false) == faults_kinds(false));
}

/* proves: A09 */
static void nothing_is_lost_in_a_storm(void **state)
{
    struct left first = {0};
    int fds = open_fds();
    (void)state;
    begin();
    sotto_us end = sotto_now() + storm.seconds * 1000000LL, look_at = sotto_now() + 7000000;
    for (uint32_t round = 1; sotto_now() < end || !had_it_all(); round++) {
        if (sotto_now() > end + 120000000LL) break;
        faults.on = true;
        blow(round);
        if (sotto_now() < look_at) continue;
        look(&first);
        look_at = sotto_now() + 60000000;
    }
    look(&first);
    report();
    sotto_ctx_free(storm.a.ctx);
    sotto_ctx_free(storm.b.ctx);
    assert_int_equal(open_fds(), fds);
    assert_int_equal(sotto__mem_live(), 0);
    assert_true(had_it_all());
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_in_a_storm)};
    storm.seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : getenv("SOTTO_LONG") ? 3600 : 15;
    return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A camera over a link that loses, doubles and reorders packets, with repairs and key-frame requests as a real sender answers them: every
 * frame that is handed over is what was sent, in order, and everything that it needs came before (feed.c checks that). What is dropped is
 * counted exactly, and how long the picture stands still is bounded.
 */
#include "feed.h"

#define HISTORY 4096u
#define MAX_FLYING 16384u

struct flying { /* a packet, or a request on its way to the sender */
    sotto_us at;
    uint64_t order;
    bool is_nack, is_pli, is_repair;
    uint16_t seq;
};

struct world {
    struct feed feed;
    uint32_t seed;
    /* the link */
    double loss, back_loss, reorder, twice;
    unsigned burst_every; /* frames; 0: never: ten packets in a row are lost */
    unsigned burst_left;
    sotto_us one_way;
    struct flying flying[MAX_FLYING];
    size_t n_flying;
    uint64_t order;
    /* the sender */
    struct feed_packet history[HISTORY];
    sotto_us repaired[HISTORY]; /* last: at most once a round trip, as ours */
    uint16_t seq;
    uint32_t number;
    int64_t last_by_layer[3];
    bool key_asked, layers, no_ids;
    sotto_us next_capture;
    size_t frame_bytes;
    uint64_t sent_packets, sent_frames, sent_keys;
};

static double chance(struct world *w)
{
    w->seed = w->seed * 1664525 + 1013904223;
    return (w->seed >> 8) / 16777216.0;
}

static void fly(struct world *w, struct flying f, double loss)
{
    if (chance(w) < loss) return;
    int copies = chance(w) < w->twice ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        f.at = w->feed.now + w->one_way + (sotto_us)(chance(w) * 1000);
        if (chance(w) < w->reorder) f.at += (sotto_us)(chance(w) * 20000);
        f.order = w->order++;
        assert_true(w->n_flying < MAX_FLYING);
        w->flying[w->n_flying++] = f;
    }
}

static void leave(struct world *w, uint16_t seq, bool is_repair)
{
    double loss = w->loss;
    w->sent_packets++;
    if (!is_repair && w->burst_left > 0) {
        w->burst_left--;
        loss = 1;
    }
    fly(w, (struct flying){.seq = seq, .is_repair = is_repair}, loss);
}

/* Three temporal layers, as browsers have them: 0 2 1 2; the highest is never needed. */
static void choose_layer(struct world *w, struct feed_frame *v)
{
    static const uint8_t layer[4] = {0, 2, 1, 2};
    if (!w->layers) return;
    v->temporal = layer[w->sent_frames % 4];
    v->disposable = v->temporal == 2;
    v->needs = w->last_by_layer[v->temporal ? v->temporal - 1 : 0];
    if (v->temporal == 2 && w->last_by_layer[1] > v->needs) v->needs = w->last_by_layer[1];
}

static void capture(struct world *w)
{
    struct feed_frame v = {.number = w->number,
                           .needs = (int64_t)w->number - 1,
                           .time = 5000 + w->number * 3000,
                           .no_ids = w->no_ids,
                           .n = w->frame_bytes + (size_t)(chance(w) * (double)w->frame_bytes)};
    choose_layer(w, &v);
    if (w->sent_frames == 0 || w->key_asked) {
        v = (struct feed_frame){
            .number = v.number, .needs = -1, .time = v.time, .no_ids = w->no_ids, .n = v.n * 4};
        w->key_asked = false;
        w->sent_keys++;
    }
    for (int i = v.temporal; i < 3; i++) w->last_by_layer[i] = w->number;
    if (v.needs < 0) w->sent_frames = 0;
    if (w->burst_every && w->number % w->burst_every == w->burst_every - 1) w->burst_left = 10;
    size_t n = v.n / 1000 + 1;
    for (size_t i = 0; i < n; i++, w->seq++) {
        w->history[w->seq % HISTORY] = feed_vp8_packet(&v, (uint16_t)(w->seq - i), i, n);
        w->repaired[w->seq % HISTORY] = 0;
        leave(w, w->seq, false);
    }
    w->number++;
    w->sent_frames++;
}

static void arrive(struct world *w, const struct flying *f)
{
    struct feed *feed = &w->feed;
    if (f->is_pli) {
        w->key_asked = true;
    } else if (f->is_nack) {
        sotto_us *last = &w->repaired[f->seq % HISTORY];
        if (w->history[f->seq % HISTORY].seq != f->seq) return;
        if (*last && feed->now - *last < 2 * w->one_way) return;
        *last = feed->now;
        leave(w, f->seq, true);
    } else {
        struct feed_packet p = w->history[f->seq % HISTORY];
        p.repair = f->is_repair;
        if (p.seq == f->seq) feed_in(feed, &feed_vp8, &p);
    }
}

/* The earliest of what flies. */
static size_t first(const struct world *w)
{
    size_t best = 0;
    for (size_t i = 1; i < w->n_flying; i++) {
        const struct flying *a = &w->flying[i], *b = &w->flying[best];
        if (a->at < b->at || (a->at == b->at && a->order < b->order)) best = i;
    }
    return best;
}

static void receiver_turn(struct world *w)
{
    struct receiver_out out;
    while (sotto__receiver_next(w->feed.r, w->feed.now, &out) == 1) {
        if (out.type == RECEIVER_OUT_KEYFRAME) {
            w->feed.plis++;
            fly(w, (struct flying){.is_pli = true}, w->back_loss);
        }
        if (out.type == RECEIVER_OUT_DROPPED) w->feed.dropped_told += out.count;
        if (out.type != RECEIVER_OUT_NACK) continue;
        w->feed.nacks += out.n;
        bool lost = chance(w) < w->back_loss; /* one packet */
        for (size_t i = 0; i < out.n && !lost; i++)
            fly(w, (struct flying){.is_nack = true, .seq = out.seqs[i]}, 0);
    }
    feed_pull_all(&w->feed);
}

static void run(struct world *w, unsigned frames)
{
    while (frames > 0) {
        sotto_us at = sotto__earlier(w->next_capture, sotto__receiver_due(w->feed.r));
        size_t i = first(w);
        if (w->n_flying > 0) at = sotto__earlier(at, w->flying[i].at);
        if (at > w->feed.now) w->feed.now = at;
        if (w->n_flying > 0 && w->flying[i].at <= w->feed.now) {
            struct flying f = w->flying[i];
            w->flying[i] = w->flying[--w->n_flying];
            arrive(w, &f);
        } else if (w->next_capture <= w->feed.now) {
            capture(w);
            w->next_capture += 33333;
            frames--;
        }
        receiver_turn(w);
        assert_true(sotto__receiver_due(w->feed.r) > w->feed.now);
    }
}

/* Without loss, for long enough that all is over. */
static void settle(struct world *w)
{
    w->loss = w->back_loss = w->reorder = w->twice = 0;
    w->burst_every = w->burst_left = 0;
    run(w, 60);
}

static struct world *new_world(sotto_us rtt)
{
    struct world *w = sotto__calloc(1, sizeof *w);
    assert_non_null(w);
    feed_init(&w->feed,
              &(struct receiver_cfg){.is_video = true, .nack = true, .pli = true, .target = -1});
    w->seed = 1;
    w->next_capture = w->feed.now;
    w->one_way = rtt / 2;
    w->frame_bytes = 5000;
    w->seq = 65000; /* it wraps soon */
    sotto__receiver_set_rtt(w->feed.r, rtt);
    return w;
}

static void free_world(struct world *w)
{
    feed_free(&w->feed);
    sotto__free(w);
}

static void report(const struct world *w, const char *what)
{
    struct receiver_stats s = feed_stats(&w->feed);
    print_message("%s: %u frames sent, %llu handed over, %llu dropped, %llu keys, gap %lld ms, "
                  "target %lld ms, %llu nacked, %llu plis, %llu repairs, %llu freezes\n",
                  what, w->number, (unsigned long long)w->feed.frames,
                  (unsigned long long)s.frames_dropped, (unsigned long long)w->sent_keys,
                  (long long)(w->feed.longest_gap / 1000),
                  (long long)(sotto__receiver_delay(w->feed.r) / 1000),
                  (unsigned long long)s.nacked, (unsigned long long)s.plis,
                  (unsigned long long)s.repair_packets, (unsigned long long)s.freezes);
}

/* Of all frames up to the last one that was handed over, each was handed over or counted. */
static void require_exact(const struct world *w)
{
    struct receiver_stats s = feed_stats(&w->feed);
    assert_int_equal(w->feed.frames + w->feed.dropped_sum, (uint64_t)w->feed.last + 1);
    assert_true(s.frames_dropped >= w->feed.dropped_sum);
    assert_true((int64_t)w->number - w->feed.last < 30);
}

static void random_loss_freezes_at_most_half_a_second(void **state)
{
    static const struct {
        const char *name;
        double loss;
        sotto_us rtt;
    } rows[] = {
        {"5 %, 50 ms", 0.05, SOTTO_MS(50)},
        {"5 %, 100 ms", 0.05, SOTTO_MS(100)},
        {"15 %, 50 ms", 0.15, SOTTO_MS(50)},
        {"15 %, 100 ms", 0.15, SOTTO_MS(100)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = new_world(rows[i].rtt);
        w->loss = w->back_loss = rows[i].loss;
        run(w, 1800);
        settle(w);
        report(w, rows[i].name);
        assert_true(w->feed.longest_gap <= SOTTO_MS(500));
        require_exact(w);
        free_world(w);
    }
}

static void bursts_of_ten_packets_freeze_at_most_half_a_second(void **state)
{
    (void)state;
    for (sotto_us rtt = SOTTO_MS(50); rtt <= SOTTO_MS(100); rtt += SOTTO_MS(50)) {
        struct world *w = new_world(rtt);
        w->burst_every = 50;
        run(w, 1800);
        settle(w);
        report(w, "bursts");
        assert_true(w->feed.longest_gap <= SOTTO_MS(500));
        require_exact(w);
        free_world(w);
    }
}

static void reordering_loses_nothing(void **state)
{
    (void)state;
    struct world *w = new_world(SOTTO_MS(50));
    w->reorder = 0.3;
    w->twice = 0.1;
    run(w, 1800);
    settle(w);
    report(w, "30 % reordered");
    assert_int_equal(feed_stats(&w->feed).frames_dropped, 0);
    assert_true(feed_stats(&w->feed).duplicates > 500);
    require_exact(w);
    free_world(w);
}

static void all_of_it_together_keeps_the_chain(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 7; seed++) {
        struct world *w = new_world(SOTTO_MS(80));
        w->seed = seed;
        w->loss = w->back_loss = 0.05 * seed;
        w->reorder = 0.3;
        w->twice = 0.05;
        w->layers = seed % 2;
        run(w, 2000); /* 100,000 packets in all */
        settle(w);
        report(w, "all");
        assert_true(w->sent_packets > 12000);
        require_exact(w);
        free_world(w);
    }
}

static void without_repairs_key_frames_bring_the_picture_back(void **state)
{
    (void)state;
    struct world *w = new_world(SOTTO_MS(50));
    sotto__receiver_configure(w->feed.r, w->feed.now,
                              &(struct receiver_cfg){.is_video = true, .pli = true, .target = -1});
    w->loss = 0.01;
    run(w, 1800);
    settle(w);
    report(w, "no repairs");
    assert_int_equal(feed_stats(&w->feed).nacks, 0);
    assert_true(w->feed.keys > 10 && w->feed.frames > 300);
    require_exact(w);
    free_world(w);
}

static void lost_frames_that_nobody_needs_cost_no_key_frame(void **state)
{
    (void)state;
    struct world *w = new_world(SOTTO_MS(50));
    sotto__receiver_configure(w->feed.r, w->feed.now,
                              &(struct receiver_cfg){.is_video = true, .pli = true, .target = -1});
    w->layers = true;
    run(w, 1);
    for (int i = 0; i < 1000; i++) {
        run(w, 1);
        uint32_t coming = (uint32_t)(w->sent_frames % 4); /* of the next one */
        w->burst_left = coming == 1 ? 1 : 0;               /* its first packet */
    }
    settle(w);
    report(w, "disposable");
    assert_int_equal(w->feed.keys, 1);
    assert_int_equal(w->feed.plis, 0);
    assert_in_range(w->feed.dropped_sum, 240, 260);
    require_exact(w);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_loss_freezes_at_most_half_a_second),
        cmocka_unit_test(bursts_of_ten_packets_freeze_at_most_half_a_second),
        cmocka_unit_test(reordering_loses_nothing),
        cmocka_unit_test(all_of_it_together_keeps_the_chain),
        cmocka_unit_test(without_repairs_key_frames_bring_the_picture_back),
        cmocka_unit_test(lost_frames_that_nobody_needs_cost_no_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

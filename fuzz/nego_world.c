/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of the sequence fuzzer: two peers on the virtual network, which cost little: one certificate and one DTLS context serve all
 * runs, randomness comes from the input, and packets pass only if the input wants connections. Also the descriptions that were made,
 * which the man in the middle gives to either side, early, late or never.
 */
#include "api/stats_json.h"
#include "nego.h"
#include "peer/explain.h"
#include "util/str.h"

_Noreturn void nego_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    abort();
}

uint8_t nego_next(struct input *in)
{
    if (in->n == 0) return 0;
    in->n--;
    return *in->p++;
}

static struct cert *shared_cert(void)
{
    static struct cert *cert;
    if (!cert) REQUIRE(sotto__cert_generate(&cert, 1700000000) == 0);
    return cert;
}

static struct dtls_ctx *shared_ctx(void)
{
    static struct dtls_ctx *ctx;
    if (!ctx) REQUIRE(sotto__dtls_ctx_new(&ctx) == 0);
    return ctx;
}

static void open_side(struct world *w, struct side *s, const char *address)
{
    s->host = net_host_new(w->net, address);
    s->shared = (struct transport_shared){.ice_ops = &sotto__ice_net,
                                          .world = s->host,
                                          .box = &s->box,
                                          .egress = &s->egress,
                                          .dtls_ctx = shared_ctx()};
    struct peer_cfg cfg = {.transport = {.shared = &s->shared,
                                         .cert = shared_cert(),
                                         .max_message_size = SOTTO_DEFAULT_MESSAGE,
                                         .streams_out = 16,
                                         .streams_in = 32},
                           .max_buffered = SOTTO_DEFAULT_BUFFERED,
                           .max_channels = 16};
    REQUIRE(sotto__peer_new(&s->peer, &cfg) == 0);
    nego_see(s);
}

void nego_open(struct world *w, const uint8_t *data, size_t size)
{
    *w = (struct world){.in = {data, size}};
    uint8_t options = nego_next(&w->in);
    shared_cert();
    shared_ctx();
    w->base = sotto__mem_live();
    w->net = net_new(options);
    net_chance_seed(options);
    net_advance(w->net, net_clock());
    w->talks = (options & 7) == 7;
    w->lean = (options & 24) != 24;
    w->side[1].index = 1;
    open_side(w, &w->side[0], options & 64 ? "192.0.2.1,2001:db8::1" : "192.0.2.1");
    open_side(w, &w->side[1], "192.0.2.2");
    if (!w->talks) net_set_down(w->net, w->side[0].host, w->side[1].host, true);
}

/* Whatever a remote and a server said: what explains the connection is lines of printable text, and complete. */
static void check_explanation(struct world *w, struct side *s)
{
    sotto_stats *report;
    char *text, *json;
    sotto__mem_fail_at(0);
    REQUIRE(sotto__peer_explain(s->peer, nego_now(w), 0, &report) == 0);
    REQUIRE(sotto__explain_text(report, &text) == 0 && sotto__stats_json(report, &json) == 0);
    size_t n = strlen(text), n_json = strlen(json);
    REQUIRE(n > 0 && text[n - 1] == '\n' && json[0] == '{' && json[n_json - 1] == '}');
    for (size_t i = 0; i < n; i++) REQUIRE((uint8_t)text[i] >= 0x20 || text[i] == '\n');
    for (size_t i = 0; i < n_json; i++) REQUIRE((uint8_t)json[i] >= 0x20);
    REQUIRE(sotto__utf8_ok((const uint8_t *)text, n) &&
            sotto__utf8_ok((const uint8_t *)json, n_json));
    sotto__free(json);
    sotto__free(text);
    sotto__free(report);
}

static void close_side(struct world *w, struct side *s)
{
    struct ice *ice;
    sotto__peer_close(s->peer, nego_now(w));
    while ((ice = sotto__peer_detach_ice(s->peer, nego_now(w)))) sotto__ice_net.free(ice);
    sotto__peer_free(s->peer);
    sotto__ice_box_free(&s->box);
}

void nego_close(struct world *w)
{
    check_explanation(w, &w->side[0]);
    check_explanation(w, &w->side[1]);
    close_side(w, &w->side[0]);
    close_side(w, &w->side[1]);
    net_free(w->net);
    for (size_t i = 0; i < MAX_TEXTS; i++) free(w->texts[i].sdp);
    REQUIRE(sotto__mem_live() == w->base);
}

/* ---- descriptions ---- */

int nego_record(struct world *w, int author, int32_t type, const char *sdp)
{
    free(w->texts[MAX_TEXTS - 1].sdp);
    memmove(&w->texts[1], &w->texts[0], (MAX_TEXTS - 1) * sizeof w->texts[0]);
    char *copy = strdup(sdp);
    REQUIRE(copy);
    w->texts[0] = (struct text){copy, type, author, ++w->last_id};
    return w->last_id;
}

const struct text *nego_text(const struct world *w, size_t back)
{
    return back < MAX_TEXTS && w->texts[back].sdp ? &w->texts[back] : NULL;
}

const struct text *nego_text_of(const struct world *w, int author, size_t back)
{
    for (size_t i = 0; i < MAX_TEXTS && w->texts[i].sdp; i++)
        if (w->texts[i].author == author && back-- == 0) return &w->texts[i];
    return NULL;
}

struct transceiver *nego_pick(struct side *s, size_t i)
{
    struct transceiver *t = NULL;
    size_t n = s->peer->n_transceivers + s->peer->n_gone;
    if (n == 0) return NULL;
    i %= n;
    while ((t = sotto__transceiver_next(s->peer, t)))
        if (i-- == 0) return t;
    while ((t = sotto__transceiver_next_gone(s->peer, t)))
        if (i-- == 0) return t;
    return NULL;
}

/* ---- events and time ---- */

static void hold_channel(struct side *s, struct channel *c)
{
    for (size_t i = 0; i < MAX_CHANS; i++)
        if (!s->chans[i]) {
            s->chans[i] = c;
            return;
        }
}

static void give_candidate(struct world *w, struct side *to, const struct peer_event *e)
{
    sotto_candidate c = {.size = sizeof c, .line = e->line, .mid = e->mid, .ufrag = e->ufrag};
    if (!e->line || sotto__peer_add_candidate(to->peer, nego_now(w), &c, NULL) < 0) w->lost = true;
}

static void see_event(struct world *w, struct side *s, const struct peer_event *e, bool forward)
{
    static char shell; /* what api/ would have: a handle of the application */
    switch (e->type) {
    case SOTTO_EV_CANDIDATE:
        REQUIRE(e->mid[0] && e->ufrag[0]);
        if (forward)
            give_candidate(w, &w->side[!s->index], e);
        else
            w->lost = true;
        break;
    case SOTTO_EV_CHANNEL: hold_channel(s, e->channel); break;
    case SOTTO_EV_TRACK:
    case SOTTO_EV_TRACK_REMOVED:
        REQUIRE(e->transceiver && e->streams && e->streams->n <= SOTTO_MAX_STREAM_IDS);
        e->transceiver->shell = &shell;
        break;
    default: break;
    }
}

void nego_take(struct world *w, struct side *s, size_t n, bool forward)
{
    struct peer_event e;
    struct peer_message m;
    while (n-- > 0 && sotto__peer_has_event(s->peer)) {
        sotto__peer_peek(s->peer, &e);
        see_event(w, s, &e, forward);
        sotto__peer_pop(s->peer);
        if (sotto__peer_has_message(s->peer) && sotto__peer_pull(s->peer, nego_now(w), &m) == 1)
            sotto__free(m.data);
    }
}

static void turn(struct world *w, struct side *s)
{
    for (int i = 0; i < 100 && sotto__peer_next(s->peer, nego_now(w)) == 1; i++) continue;
    sotto__egress_flush(&s->egress, nego_now(w));
}

void nego_run(struct world *w, sotto_us span)
{
    sotto_us end = nego_now(w) + span;
    for (int i = 0; i < 3000; i++) {
        turn(w, &w->side[0]);
        turn(w, &w->side[1]);
        sotto_us due = sotto__earlier(net_due(w->net), sotto__peer_due(w->side[0].peer));
        due = sotto__earlier(due, sotto__peer_due(w->side[1].peer));
        if (due > end) break;
        net_advance(w->net, due > nego_now(w) ? due : nego_now(w));
        net_clock_set(nego_now(w));
    }
    net_advance(w->net, end);
    net_clock_set(end);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of sotto_pc_explain(): what the connection went through (story.c), phase by phase, what stood in its way, what came of the
 * remote's addresses (ice_tally.c), and the candidates and the pair as the statistics have them (W3C webrtc-stats). In: the peer; out:
 * objects like those of the statistics. The judgement itself is in explain_verdict.c.
 * answers: S23
 */
#include "peer/explain.h"

#include <stdio.h>

#include "peer/private.h"

/* Signaling ends when the second of the two descriptions is set, whichever that is: see begun_and_done(). */
const struct explain_phase sotto__explain_phases[EXPLAIN_PHASES] = {
    {"signaling", MOMENT_LOCAL, MOMENT_REMOTE}, {"gathering", MOMENT_GATHERING, MOMENT_GATHERED},
    {"checking", MOMENT_CHECKING, MOMENT_PAIR}, {"dtls", MOMENT_HANDSHAKE, MOMENT_SECURE},
    {"data", MOMENT_SECURE, MOMENT_DATA},       {"message", MOMENT_DATA, MOMENT_MESSAGE},
    {"media", MOMENT_SECURE, MOMENT_FRAME},
};

static double seconds(sotto_us t)
{
    return (double)t / 1e6;
}

/* Moments of a story are one more than they are. */
static void add_phase(struct stats_build *b, const struct story *s, const struct explain_phase *ph)
{
    char id[32];
    sotto_us from = s->reached[ph->from], to = s->reached[ph->to];
    if (ph->from == MOMENT_LOCAL && to > 0 && (from == 0 || to < from)) {
        from = to;
        to = s->reached[MOMENT_LOCAL];
    }
    bool is_use = ph->from == MOMENT_SECURE || ph->from == MOMENT_DATA; /* and may never be wanted */
    if (from == 0 || (is_use && to == 0)) return;
    snprintf(id, sizeof id, "E-%s", ph->name);
    sotto__stats_begin(b, "sotto-phase", id);
    sotto__stats_text(b, "name", ph->name);
    sotto__stats_double(b, "begun", seconds(from - 1));
    if (to > 0) sotto__stats_double(b, "duration", seconds(to > from ? to - from : 0));
}

static void add_servers(struct stats_build *b, const struct story *s)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        char id[32];
        snprintf(id, sizeof id, "E-server-%zu", i);
        sotto__stats_begin(b, "sotto-server-error", id);
        sotto__stats_words(b, "url", s->servers[i].url);
        sotto__stats_signed(b, "errorCode", s->servers[i].code);
        sotto__stats_words(b, "errorText", s->servers[i].text);
        sotto__stats_double(b, "at", seconds(s->servers[i].at - 1));
    }
}

static void add_refused(struct stats_build *b, const struct story *s)
{
    static const char *const why[REFUSALS] = {
        [REFUSED_TCP] = "tcp", [REFUSED_NAME] = "name", [REFUSED_ADDRESS] = "address"};
    for (unsigned i = 0; i < REFUSALS; i++) {
        char id[32];
        if (s->refused[i] == 0) continue;
        snprintf(id, sizeof id, "E-refused-%s", why[i]);
        sotto__stats_begin(b, "sotto-refused", id);
        sotto__stats_text(b, "reason", why[i]);
        sotto__stats_int(b, "candidates", s->refused[i]);
    }
}

static void add_changes(struct stats_build *b, const struct story *s)
{
    static const char *const what[CHANGES] = {[CHANGE_LOST] = "lost",
                                              [CHANGE_FOUND] = "found",
                                              [CHANGE_PAIR] = "pair",
                                              [CHANGE_RESTART] = "restart"};
    for (size_t i = 0; i < s->n_changes; i++) {
        char id[32];
        snprintf(id, sizeof id, "E-change-%zu", i);
        sotto__stats_begin(b, "sotto-change", id);
        sotto__stats_text(b, "what", what[s->changes[i].what]);
        sotto__stats_double(b, "at", seconds(s->changes[i].at - 1));
    }
}

/* An address that the remote has never named, or hides behind a name, is not shown, as in the statistics. */
static void add_check(struct stats_build *b, const struct peer *p, const struct ice_tried *e,
                      const struct ice_pair *pair, size_t number)
{
    char id[32], ip[46];
    bool is_selected = pair && sotto__address_eq(&pair->remote.addr, &e->addr);
    const char *state = is_selected     ? "selected"
                        : e->errors > 0 ? "error"
                        : e->answers    ? "answered"
                        : e->asked      ? "asked"
                                        : "silent";
    snprintf(id, sizeof id, "E-check-%zu", number);
    sotto__stats_begin(b, "sotto-check", id);
    if (e->is_named && !e->is_hidden) {
        sotto__stats_words(b, "address", sotto__address_text(&e->addr, ip));
        sotto__stats_int(b, "port", e->addr.port);
    }
    sotto__stats_text(b, "state", state);
    sotto__stats_int(b, "pairs", sotto__explain_locals(p, -1, e->addr.family));
    sotto__stats_int(b, "requestsReceived", e->asked);
    sotto__stats_int(b, "responsesReceived", e->answers);
    sotto__stats_int(b, "errorsReceived", e->errors);
    if (e->code > 0) sotto__stats_int(b, "errorCode", e->code);
    if (is_selected && pair->rtt > 0)
        sotto__stats_double(b, "currentRoundTripTime", seconds(pair->rtt));
}

static void add_checks(struct stats_build *b, const struct peer *p)
{
    const struct ice_tally *t = sotto__explain_tally(p);
    struct ice_pair pair;
    bool has_pair = p->transport.live.ice && sotto__transport_pair(&p->transport, &pair);
    for (size_t i = 0; t && i < t->n; i++)
        add_check(b, p, &t->items[i], has_pair ? &pair : NULL, i);
}

static void add_explanation(struct stats_build *b, const struct peer *p, sotto_us now)
{
    struct buf sentence, advice;
    sotto__buf_init(&sentence, SOTTO_MAX_EXPLANATION);
    sotto__buf_init(&advice, SOTTO_MAX_EXPLANATION);
    const char *slowest = NULL;
    const char *stage = sotto__explain_verdict(p, now, &sentence, &advice, &slowest);
    sotto__buf_add(&sentence, "", 1);
    sotto__buf_add(&advice, "", 1);
    if (sentence.err || advice.err) b->text.err = SOTTO_E_NOMEM;
    sotto__stats_begin(b, "sotto-explanation", "E");
    sotto__stats_text(b, "stage", stage);
    sotto__stats_bool(b, "isUp", p->connection == SOTTO_CONNECTION_CONNECTED);
    if (!sentence.err) sotto__stats_words(b, "sentence", (const char *)sentence.p);
    if (!advice.err && advice.n > 1) sotto__stats_words(b, "advice", (const char *)advice.p);
    if (slowest) sotto__stats_text(b, "slowest", slowest);
    sotto__stats_double(b, "age", seconds(now - p->born));
    sotto__stats_int(b, "losses", p->story.losses);
    sotto__buf_free(&sentence);
    sotto__buf_free(&advice);
}

int sotto__peer_explain(struct peer *p, sotto_us now, double timestamp, sotto_stats **ret)
{
    struct stats_build b;
    char pair[STATS_PAIR_ID];
    sotto__stats_init(&b, sotto__log_shows(p->transport.shared->log));
    add_explanation(&b, p, now);
    for (int i = 0; i < EXPLAIN_PHASES; i++) add_phase(&b, &p->story, &sotto__explain_phases[i]);
    add_servers(&b, &p->story);
    add_refused(&b, &p->story);
    add_changes(&b, &p->story);
    add_checks(&b, p);
    sotto__stats_ice(&b, p, false, pair);
    return sotto__stats_finish(&b, timestamp, ret);
}

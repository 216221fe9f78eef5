/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judgement of sotto_pc_explain(): how far a connection has come, what it waits for, or what ended it, in one sentence; and, where
 * somebody can do something about it, what. In: the peer with its story; out: English text. No address, name or credential of anybody
 * stands in it but the masked pair and the URLs of servers as the application gave them.
 */
#include "peer/explain.h"
#include "peer/private.h"

#define SLOW SOTTO_SECONDS(2) /* until connected: from here on it is said what took so long */

struct verdict {
    const struct peer *p;
    const struct story *s;
    sotto_us age; /* as in the story */
    struct buf *sentence, *advice;
};

/* "12.3 s", whatever the locale's point is */
static void add_time(struct buf *b, sotto_us t)
{
    long long tenths = (t > 0 ? t : 0) / 100000;
    if (t < SOTTO_SECONDS(1))
        sotto__buf_addf(b, "%lld ms", (long long)(t > 0 ? t / 1000 : 0));
    else
        sotto__buf_addf(b, "%lld.%lld s", tenths / 10, tenths % 10);
}

static void say(struct buf *b, const char *text)
{
    sotto__buf_add(b, text, strlen(text));
}

static void say_since(const struct verdict *v, const char *before, enum moment m, const char *after)
{
    say(v->sentence, before);
    add_time(v->sentence, v->age - v->s->reached[m]);
    say(v->sentence, after);
}

static bool reached(const struct verdict *v, enum moment m)
{
    return v->s->reached[m] > 0;
}

/* ---- before there are candidates ---- */

static const char *negotiation(const struct verdict *v)
{
    if (!reached(v, MOMENT_LOCAL) && !reached(v, MOMENT_REMOTE)) {
        say(v->sentence, "Nothing was negotiated yet: there is no description of either side.");
        say(v->advice, "Make an offer (sotto_pc_create_offer(), sotto_pc_set_local_description()), "
                       "or set the remote's.");
    } else if (!reached(v, MOMENT_REMOTE)) {
        say_since(v, "Our description has been set for ", MOMENT_LOCAL,
                  ", and none of the remote has come.");
        say(v->advice,
            "Look at the signaling: did the offer arrive there, and was the answer given to "
            "sotto_pc_set_remote_description()?");
    } else {
        say_since(v, "The remote's description has been set for ", MOMENT_REMOTE,
                  ", and it has no answer of ours.");
        say(v->advice, "Make one: sotto_pc_create_answer(), sotto_pc_set_local_description().");
    }
    return "signaling";
}

static size_t count_local(const struct peer *p, int type) /* -1: of all types */
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_candidates; i++)
        if (p->candidates[i].ufrag[0] && (type < 0 || (int)p->candidates[i].type == type)) n++;
    return n;
}

/* In the servers' own words. */
static void advise_servers(const struct verdict *v)
{
    for (size_t i = 0; i < v->s->n_servers; i++) {
        const struct story_server *e = &v->s->servers[i];
        char said[256];
        sotto__str_escape(sotto__str(e->text), said, sizeof said);
        sotto__buf_addf(v->advice, "%s%s said %d: %s.", v->advice->n > 0 ? " " : "", e->url,
                        (int)e->code, said);
    }
}

static bool has_turn(const struct peer *p)
{
    for (size_t i = 0; i < p->transport.n_servers; i++)
        if (p->transport.servers[i].kind != ICE_SERVER_STUN) return true;
    return false;
}

static const char *no_local(const struct verdict *v)
{
    if (v->p->transport.relay_only) {
        say(v->sentence, "Only relays may be used, and no TURN server has given one.");
        if (!has_turn(v->p)) say(v->advice, "There is no TURN server in the configuration.");
    } else {
        say(v->sentence, "This machine has no address that can be used.");
        say(v->advice,
            "Is an interface up? Loopback counts only with allow_loopback; the configuration may "
            "name another interface.");
    }
    advise_servers(v);
    return "gathering";
}

static const char *no_remote(const struct verdict *v)
{
    const unsigned *r = v->s->refused;
    if (r[REFUSED_TCP] + r[REFUSED_NAME] + r[REFUSED_ADDRESS] == 0) {
        say_since(v, "The remote has named no address since its description was set ",
                  MOMENT_REMOTE, " ago.");
        say(v->advice, "Candidates come in its description or by sotto_pc_add_ice_candidate(): "
                       "does the signaling carry them?");
    } else {
        sotto__buf_addf(v->sentence,
                        "None of the remote's addresses can be used: %u by TCP, %u behind a name, "
                        "%u that nothing is sent to.",
                        r[REFUSED_TCP], r[REFUSED_NAME], r[REFUSED_ADDRESS]);
        if (r[REFUSED_ADDRESS])
            say(v->advice, "Loopback addresses are for allow_loopback; unspecified, multicast and "
                           "link-local ones for nobody.");
    }
    return "candidates";
}

/* ---- checks ---- */

static void advise_relay(const struct verdict *v)
{
    advise_servers(v);
    if (v->advice->n > 0) return;
    if (!has_turn(v->p))
        say(v->advice, "There is no TURN server: where UDP is blocked or NATs are strict, there is "
                       "no other way.");
    else if (count_local(v->p, CANDIDATE_RELAY) == 0)
        say(v->advice, "A TURN server is configured, but has given no relay.");
}

static const char *checks(const struct verdict *v)
{
    bool is_over = v->p->ice == SOTTO_ICE_FAILED;
    sotto__buf_addf(v->sentence, "%s%zu addresses of ours and %zu of the remote",
                    is_over ? "No pair of " : "Pairs of ", count_local(v->p, -1),
                    v->p->n_remote_candidates);
    say_since(v, is_over ? " works: checks have failed after " : " have been checked for ",
              MOMENT_CHECKING, is_over ? "." : " without success.");
    advise_relay(v);
    return is_over ? "failed" : "checking";
}

/* ---- with a pair ---- */

static void say_pair(const struct verdict *v)
{
    const struct transport *t = &v->p->transport;
    const char *text = t->live.ice ? t->shared->ice_ops->selected(t->live.ice) : "";
    if (text[0]) sotto__buf_addf(v->sentence, " (%s)", text);
}

static const char *securing(const struct verdict *v)
{
    say(v->sentence, "Packets pass");
    say_pair(v);
    if (reached(v, MOMENT_HANDSHAKE))
        say_since(v, ", and the DTLS handshake has gone on for ", MOMENT_HANDSHAKE, ".");
    else
        say_since(v, " since ", MOMENT_PAIR, ", and the DTLS handshake has not begun.");
    say(v->advice, "Each side must have the other's a=setup and a=fingerprint; larger packets may "
                   "be lost on the way.");
    return "dtls";
}

static const char *lost(const struct verdict *v)
{
    bool is_over = v->p->ice == SOTTO_ICE_FAILED;
    say(v->sentence, is_over ? "The path was lost: the remote has consented to nothing for "
                             : "The remote has not answered for ");
    add_time(v->sentence, v->age - v->s->lost);
    say(v->sentence, is_over ? " and more." : "; the connection comes back by itself if it does.");
    say(v->advice,
        is_over ? "An ICE restart (sotto_pc_restart_ice()) finds another path under the same keys."
                : "If this side's network has changed, an ICE restart (sotto_pc_restart_ice()) is "
                  "faster.");
    return is_over ? "failed" : "disconnected";
}

/* Which phase before the connection was up took longest. */
static void say_slowest(const struct verdict *v)
{
    const struct explain_phase *slowest = NULL;
    sotto_us most = 0;
    for (int i = 0; i < EXPLAIN_PHASES; i++) {
        const struct explain_phase *ph = &sotto__explain_phases[i];
        sotto_us from = v->s->reached[ph->from], to = v->s->reached[ph->to];
        sotto_us took = from > to ? from - to : to - from;
        if (from == 0 || to == 0 || ph->from == MOMENT_SECURE || took <= most) continue;
        most = took;
        slowest = ph;
    }
    if (!slowest) return;
    sotto__buf_addf(v->sentence, " The longest part of it was %s: ", slowest->name);
    add_time(v->sentence, most);
    say(v->sentence, ".");
}

static const char *up(const struct verdict *v)
{
    sotto_us began = v->s->reached[MOMENT_LOCAL], remote = v->s->reached[MOMENT_REMOTE];
    if (remote > 0 && (began == 0 || remote < began)) began = remote;
    sotto_us took = v->s->reached[MOMENT_SECURE] - began;
    say(v->sentence, "Connected");
    say_pair(v);
    say(v->sentence, ", ");
    add_time(v->sentence, took);
    say(v->sentence, " after the first description.");
    if (took >= SLOW) say_slowest(v);
    if (v->s->losses > 0)
        sotto__buf_addf(v->sentence, " The path was lost and found again %u times.", v->s->losses);
    if (v->p->transport.has_data && !v->p->sctp_up && !v->p->sctp_down)
        say_since(v, " The data channels' association has been waited for since ", MOMENT_SECURE,
                  ".");
    if (took >= SLOW) advise_servers(v);
    return "connected";
}

const char *sotto__explain_verdict(const struct peer *p, sotto_us now, struct buf *sentence,
                                   struct buf *advice)
{
    struct verdict v = {p, &p->story, now - p->born + 1, sentence, advice};
    if (p->dtls == TRANSPORT_DTLS_FAILED) {
        sotto__buf_addf(sentence, "The connection could not be secured: %s.",
                        p->story.failure ? p->story.failure : "no reason is known");
        say(advice,
            "A fingerprint that differs is an attack, or a description that was not the last one.");
        return "failed";
    }
    if (p->closed || p->ended) {
        say(sentence,
            p->ended ? "The remote has closed the connection." : "The connection was closed here.");
        return "closed";
    }
    if (!reached(&v, MOMENT_LOCAL) || !reached(&v, MOMENT_REMOTE)) return negotiation(&v);
    if (!reached(&v, MOMENT_PAIR)) {
        if (reached(&v, MOMENT_GATHERED) && count_local(p, -1) == 0) return no_local(&v);
        if (p->n_remote_candidates == 0) return no_remote(&v);
        return checks(&v);
    }
    if (p->story.lost > 0) return lost(&v);
    return p->dtls == TRANSPORT_DTLS_CONNECTED ? up(&v) : securing(&v);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judgement of sotto_pc_explain(): how far a connection has come, what it waits for, or what ended it, in one sentence; and, where
 * somebody can do something about it, what. In: the peer with its story; out: English text. No address, name or credential of anybody
 * stands in it but the masked pair and the URLs of servers as the application gave them.
 */
#include "peer/explain.h"

#include <string.h>

#include "peer/private.h"
#include "sotto/verify.h"

#define SLOW SOTTO_SECONDS(2) /* until connected: from here on it is said what took so long */

struct verdict {
    const struct peer *p;
    const struct story *s;
    sotto_us age; /* as in the story */
    struct buf *sentence, *advice;
    const char **slowest;
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
        say(v->sentence, "Nothing was negotiated yet.");
        say(v->advice, "Make an offer, or set the remote's.");
    } else if (!reached(v, MOMENT_REMOTE)) {
        say_since(v, "Our description has been set for ", MOMENT_LOCAL,
                  ", and none of the remote has come.");
        say(v->advice,
            "Look at the signaling: did the offer arrive there, and was the answer given to this "
            "side?");
    } else {
        say_since(v, "The remote's description has been set for ", MOMENT_REMOTE,
                  ", and it has no answer of ours.");
        say(v->advice, "Make one.");
    }
    return "signaling";
}

size_t sotto__explain_locals(const struct peer *p, int type, uint8_t family)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_candidates; i++) {
        const struct local_candidate *c = &p->candidates[i];
        if (c->ufrag[0] && (type < 0 || (int)c->type == type) &&
            (family == 0 || c->addr.family == family))
            n++;
    }
    return n;
}

const struct ice_tally *sotto__explain_tally(const struct peer *p)
{
    const struct transport *t = &p->transport;
    const struct ice_ops *ops = t->shared->ice_ops;
    return t->live.ice && ops->tally ? ops->tally(t->live.ice) : NULL;
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

static void say_no_relay(const struct verdict *v)
{
    bool is_proxy = v->p->transport.privacy == SOTTO_PRIVACY_PROXY;
    if (has_turn(v->p)) {
        say(v->sentence, "Only relays may be used, and no TURN server has given one.");
    } else if (is_proxy) {
        say(v->sentence, "Privacy mode 4 uses nothing but relays over TCP or TLS, and there "
                         "is none in the configuration.");
        say(v->advice, "Add a TURN server with ?transport=tcp, or a turns: one.");
    } else {
        say(v->sentence,
            "Only relays may be used, and there is no TURN server in the configuration.");
    }
}

static const char *no_local(const struct verdict *v)
{
    const struct transport *t = &v->p->transport;
    if (t->relay_only) {
        say_no_relay(v);
    } else if (t->no_port) {
        sotto__buf_addf(v->sentence, "None of this machine's ports from %u to %u is free.",
                        t->port_min, t->port_max);
        say(v->advice, "Each connection takes one on each address.");
    } else if (v->s->families[0] != 0) {
        say(v->sentence, "The privacy mode keeps this machine's own addresses back, and no server "
                         "has given another.");
        say(v->advice, "Add a STUN or TURN server.");
    } else {
        sotto__buf_addf(v->sentence, "This machine has no address that can be used%s%s.",
                        t->interface ? " on interface " : "", t->interface ? t->interface : "");
        say(v->advice, "Is an interface up? Loopback counts only with allow_loopback.");
    }
    advise_servers(v);
    return "gathering";
}

/* Of the remote's candidates, those that stand behind names which have told no address. */
static const char *no_names(const struct verdict *v)
{
    size_t waits = v->p->transport.n_named;
    if (waits > 0)
        say_since(v, "The remote's addresses stand behind .local names, asked for since ",
                  MOMENT_REMOTE, " ago.");
    else
        sotto__buf_addf(v->sentence,
                        "The remote's addresses stand behind %u .local names, and nobody on this "
                        "network answered for them.",
                        v->s->silent);
    say(v->advice, "They work where multicast (UDP port 5353) passes. Elsewhere both sides need a "
                   "STUN or TURN server.");
    return "candidates";
}

static const char *no_remote(const struct verdict *v)
{
    const unsigned *r = v->s->refused;
    if (v->p->n_remote_candidates > 0) return no_names(v);
    if (r[REFUSED_TCP] + r[REFUSED_NAME] + r[REFUSED_ADDRESS] == 0) {
        say_since(v, "The remote has named no address since its description was set ",
                  MOMENT_REMOTE, " ago.");
        say(v->advice, "Does the signaling carry candidates?");
    } else {
        sotto__buf_addf(v->sentence,
                        "None of the remote's addresses can be used: %u by TCP, %u behind a name, "
                        "%u that nothing is sent to.",
                        r[REFUSED_TCP], r[REFUSED_NAME], r[REFUSED_ADDRESS]);
        if (r[REFUSED_ADDRESS]) say(v->advice, "Loopback counts only with allow_loopback.");
    }
    return "candidates";
}

static bool shares_no_family(const struct verdict *v)
{
    const uint8_t *f = v->s->families;
    return f[0] != 0 && f[1] != 0 && (f[0] & f[1]) == 0;
}

static const char *no_family(const struct verdict *v)
{
    bool has_v6 = v->s->families[0] == FAMILY_BIT(6);
    sotto__buf_addf(v->sentence, "The remote has IPv%d addresses only, and this machine IPv%d.",
                    has_v6 ? 4 : 6, has_v6 ? 6 : 4);
    say(v->advice, "A TURN server that both can reach joins them.");
    return "candidates";
}

/* ---- checks ---- */

static void advise_relay(const struct verdict *v)
{
    advise_servers(v);
    if (v->advice->n > 0) return;
    if (!has_turn(v->p))
        say(v->advice, "There is no TURN server: the way where UDP is blocked or NATs are strict.");
    else if (sotto__explain_locals(v->p, CANDIDATE_RELAY, 0) == 0)
        say(v->advice, "A TURN server is configured, but has given no relay.");
}

static struct ice_tried heard(const struct verdict *v)
{
    const struct ice_tally *t = sotto__explain_tally(v->p);
    struct ice_tried sum = {.is_named = t != NULL};
    for (size_t i = 0; t && i < t->n; i++) {
        sum.asked += t->items[i].asked;
        sum.answers += t->items[i].answers;
        sum.errors += t->items[i].errors;
        if (t->items[i].code > 0) sum.code = t->items[i].code;
    }
    return sum;
}

/* What the remote's addresses gave away. */
static void say_heard(const struct verdict *v)
{
    struct ice_tried h = heard(v);
    if (h.errors > 0) {
        sotto__buf_addf(v->sentence, " It refuses our checks: %u%s.", h.code,
                        h.code == 487   ? ", both sides want the same role"
                        : h.code == 403 ? ", it forbids them"
                                        : ", it does not know their name or password");
        if (h.code != 487 && h.code != 403)
            say(v->advice, "Each side needs the other's newest description.");
    } else if (h.answers > 0) {
        say(v->sentence, " Answers come, but none that counts.");
        say(v->advice, "Each side needs the other's newest description.");
    } else if (h.asked > 0) {
        say(v->sentence, " Its checks arrive here, but no answer to ours.");
        say(v->advice, "What this machine sends is lost on the way, as by a firewall.");
    } else if (h.is_named) {
        say(v->sentence, " Nothing has come from there.");
    }
    if (h.errors == 0 && v->advice->n == 0) advise_relay(v);
}

static const char *checks(const struct verdict *v)
{
    bool is_over = v->p->ice == SOTTO_ICE_FAILED;
    sotto__buf_addf(v->sentence, "%s%zu addresses of ours and %zu of the remote",
                    is_over ? "No pair of " : "Pairs of ", sotto__explain_locals(v->p, -1, 0),
                    v->p->n_remote_candidates);
    say_since(v, is_over ? " works: checks have failed after " : " have been checked for ",
              MOMENT_CHECKING, is_over ? "." : " without success.");
    say_heard(v);
    return is_over ? "failed" : "checking";
}

/* ---- with a pair ---- */

static void say_pair(const struct verdict *v)
{
    const struct transport *t = &v->p->transport;
    const char *text = t->live.ice ? t->shared->ice_ops->selected(t->live.ice) : "";
    if (text[0]) sotto__buf_addf(v->sentence, " (%s)", text);
}

/* What stands in the handshake's way, or did. */
static void say_hint(const struct verdict *v)
{
    char hint[DTLS_HINT] = "";
    if (v->p->transport.dtls) sotto__dtls_hint(v->p->transport.dtls, hint);
    if (hint[0]) sotto__buf_addf(v->sentence, " Seen: %s.", hint);
}

static const char *securing(const struct verdict *v)
{
    say(v->sentence, "Packets pass");
    say_pair(v);
    if (reached(v, MOMENT_HANDSHAKE))
        say_since(v, ", and the DTLS handshake has gone on for ", MOMENT_HANDSHAKE, ".");
    else
        say_since(v, " since ", MOMENT_PAIR, ", and the DTLS handshake has not begun.");
    say_hint(v);
    say(v->advice, "Each side needs the other's newest description; larger packets may be lost.");
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
        "An ICE restart (sotto_pc_restart_ice()) finds another path under the same keys.");
    return is_over ? "failed" : "disconnected";
}

/* Which phase before the connection was up took longest, and what is known of why. */
static void say_slowest(const struct verdict *v)
{
    const struct explain_phase *slowest = NULL;
    sotto_us most = 0;
    for (int i = 0; i < EXPLAIN_PHASES; i++) {
        const struct explain_phase *ph = &sotto__explain_phases[i];
        sotto_us from = v->s->reached[ph->from], to = v->s->reached[ph->to];
        sotto_us took = from > to ? from - to : to - from;
        if (from == 0 || to == 0 || ph->from >= MOMENT_SECURE || took <= most) continue;
        most = took;
        slowest = ph;
    }
    if (!slowest) return;
    *v->slowest = slowest->name;
    sotto__buf_addf(v->sentence, " The longest part of it was %s: ", slowest->name);
    add_time(v->sentence, most);
    say(v->sentence, ".");
    struct ice_tried h = heard(v);
    if (slowest->to == MOMENT_PAIR && h.errors > 0)
        sotto__buf_addf(v->sentence, " %u checks were refused, the last one with %u.", h.errors,
                        h.code);
    if (slowest->to == MOMENT_SECURE) say_hint(v);
    if (slowest->to == MOMENT_REMOTE) say(v->advice, "The signaling took that long.");
    advise_servers(v);
}

static void say_data(const struct verdict *v)
{
    const struct peer *p = v->p;
    if (!p->transport.has_data || p->sctp_up) return;
    if (!p->sctp_down)
        say_since(v, " The data channels' association has been waited for since ", MOMENT_SECURE,
                  ".");
    else if (p->down_error < 0)
        say(v->sentence, " The data channels' association failed.");
}

/* What was required of verify.h, and is not there yet. */
static void say_gate(const struct verdict *v)
{
    const struct peer *p = v->p;
    say(v->sentence, " Nothing passes: the remote is not verified yet.");
    say(v->advice, p->verify.required == SOTTO_VERIFY_CONFIRMED
                       ? "Let the user compare the code, then call sotto_pc_confirm_peer()."
                       : "Pin its certificate: sotto_pc_set_peer_fingerprints().");
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
    if (sotto__verify_is_open(v->p))
        say_data(v);
    else
        say_gate(v);
    return "connected";
}

static const char *insecure(const struct verdict *v)
{
    const char *why = v->s->failure ? v->s->failure : "no reason is known";
    sotto__buf_addf(v->sentence, "The connection could not be secured: %s.", why);
    if (strstr(why, "its description says"))
        say(v->advice, "An attack, or a description that was not the last one.");
    else if (strstr(why, "no answer"))
        say(v->advice, "A firewall may let nothing but STUN through.");
    return "failed";
}

static const char *closed(const struct verdict *v)
{
    say(v->sentence,
        v->p->ended ? "The remote has closed the connection." : "The connection was closed here.");
    if (!reached(v, MOMENT_SECURE)) say(v->sentence, " It had never been up.");
    return "closed";
}

/* There is no pair yet. */
static const char *before_pair(const struct verdict *v)
{
    const struct peer *p = v->p;
    size_t unnamed = p->transport.n_named + v->s->silent;
    if (!reached(v, MOMENT_LOCAL) && v->s->no_address) return no_local(v);
    if (!reached(v, MOMENT_LOCAL) || !reached(v, MOMENT_REMOTE)) return negotiation(v);
    if (v->s->no_address || (reached(v, MOMENT_GATHERED) && sotto__explain_locals(p, -1, 0) == 0))
        return no_local(v);
    if (p->n_remote_candidates <= unnamed && heard(v).asked == 0) return no_remote(v);
    if (shares_no_family(v)) return no_family(v);
    return checks(v);
}

const char *sotto__explain_verdict(const struct peer *p, sotto_us now, struct buf *sentence,
                                   struct buf *advice, const char **slowest)
{
    struct verdict v = {p, &p->story, now - p->born + 1, sentence, advice, slowest};
    if (p->dtls == TRANSPORT_DTLS_FAILED) return insecure(&v);
    if (p->closed || p->ended) return closed(&v);
    if (!reached(&v, MOMENT_PAIR)) return before_pair(&v);
    if (p->story.lost > 0) return lost(&v);
    return p->dtls == TRANSPORT_DTLS_CONNECTED ? up(&v) : securing(&v);
}

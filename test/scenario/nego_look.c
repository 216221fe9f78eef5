/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the harness of negotiation reads from a side, as texts that tests compare: the log of events, the transceivers, and the
 * snapshot of everything that the public API shows, by which "a failure changes nothing" is checked.
 */
#include "nego_log.h"
#include "nego_sdp.h"

const char *nego_signaling_name(int32_t state)
{
    static const char *const names[] = {"stable",
                                        "have-local-offer",
                                        "have-remote-offer",
                                        "have-local-pranswer",
                                        "have-remote-pranswer",
                                        "closed"};
    return state >= 0 && state < 6 ? names[state] : "?";
}

const char *nego_direction_name(int32_t direction)
{
    static const char *const names[] = {"none",     "sendrecv", "sendonly",
                                        "recvonly", "inactive", "stopped"};
    return direction >= -1 && direction < 5 ? names[direction + 1] : "?";
}

int32_t nego_signaling(struct nego_side *s)
{
    sotto_pc_state st = {.size = sizeof st};
    assert_int_equal(sotto_pc_get_state(s->pc, &st), 0);
    return st.signaling;
}

int32_t nego_connection(struct nego_side *s)
{
    sotto_pc_state st = {.size = sizeof st};
    if (!s->pc) return SOTTO_CONNECTION_CLOSED;
    assert_int_equal(sotto_pc_get_state(s->pc, &st), 0);
    return st.connection;
}

sotto_transport_info nego_transport(struct nego_side *s)
{
    sotto_transport_info info = {.size = sizeof info};
    assert_int_equal(sotto_pc_get_transport(s->pc, &info), 0);
    return info;
}

const char *nego_mid(struct nego_side *s, sotto_transceiver *t)
{
    char mid[80] = "";
    assert_int_equal(sotto_transceiver_mid(t, mid, sizeof mid), 0);
    return nego_text(s->n, "%s", mid[0] ? mid : "-");
}

size_t nego_handle(struct nego_side *s, sotto_transceiver *t)
{
    for (size_t i = 0; i < s->n_known; i++)
        if (s->known[i] == t) return i;
    assert_true(s->n_known < NEGO_MAX_KNOWN);
    s->known[s->n_known] = t;
    return s->n_known++;
}

/* ---- the log ---- */

void nego_log(struct nego_side *s, unsigned kind, const char *format, ...)
{
    if (!(s->watch & kind)) return;
    char *entry = NULL, *all = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&entry, format, args) < 0) abort();
    va_end(args);
    if (asprintf(&all, "%s%s%s", s->log ? s->log : "", s->log ? "; " : "", entry) < 0) abort();
    free(entry);
    free(s->log);
    s->log = all;
}

void nego_log_track(struct nego_side *s, const char *what, const sotto_event *e)
{
    char streams[1024] = "";
    assert_non_null(e->u.track.transceiver);
    for (size_t i = 0, n = 0; i < e->u.track.n_streams; i++)
        n += (size_t)snprintf(streams + n, sizeof streams - n, "%s%s", i ? "," : "",
                              e->u.track.streams[i]);
    nego_log(s, NEGO_TRACKS, "%s %s %s", what, nego_mid(s, e->u.track.transceiver),
             e->u.track.n_streams ? streams : "-");
}

void nego_expect_at(struct nego_side *s, const char *want, const char *file, int line)
{
    nego_take(s);
    const char *got = s->log ? s->log : "";
    if (strcmp(got, want) != 0) {
        print_error("events \"%s\", wanted \"%s\"\n", got, want);
        _fail(file, line);
    }
    nego_forget(s);
}

void nego_forget(struct nego_side *s)
{
    nego_take(s);
    free(s->log);
    s->log = NULL;
}

/* ---- transceivers ---- */

size_t nego_count_transceivers(struct nego_side *s)
{
    int n = sotto_pc_get_transceivers(s->pc, NULL, 0);
    assert_true(n >= 0);
    return (size_t)n;
}

sotto_transceiver *nego_at(struct nego_side *s, size_t i)
{
    sotto_transceiver *all[64];
    int n = sotto_pc_get_transceivers(s->pc, all, 64);
    assert_true(n >= 0 && i < (size_t)n);
    return all[i];
}

char *nego_transceivers(struct nego_side *s)
{
    char *text = nego_text(s->n, "%s", "");
    for (size_t i = 0; i < nego_count_transceivers(s); i++) {
        sotto_transceiver *t = nego_at(s, i);
        text = nego_text(s->n, "%s%s%s %s %s/%s", text, i ? "; " : "", nego_mid(s, t),
                         sotto_transceiver_kind(t) == SOTTO_AUDIO ? "audio" : "video",
                         nego_direction_name(sotto_transceiver_get_direction(t)),
                         nego_direction_name(sotto_transceiver_current_direction(t)));
    }
    return text;
}

/* ---- the snapshot ---- */

static char *codecs_text(struct nego *n, char *text, int r, sotto_codecs *c)
{
    if (r < 0) return nego_text(n, "%s %s\n", text, sotto_strerror(r));
    for (size_t i = 0; i < c->n; i++)
        text = nego_text(n, "%s %d=%s/%u/%u(%s)", text, c->items[i].payload_type, c->items[i].mime,
                         c->items[i].clock_hz, c->items[i].channels, c->items[i].fmtp);
    for (size_t i = 0; i < c->n_extensions; i++)
        text = nego_text(n, "%s %s", text, c->extensions[i]);
    sotto_free(c);
    return nego_text(n, "%s\n", text);
}

static char *encodings_text(struct nego *n, char *text, sotto_transceiver *t)
{
    sotto_send_parameters *p = NULL;
    int r = sotto_transceiver_get_parameters(t, &p);
    if (r < 0) return nego_text(n, "%s  parameters: %s\n", text, sotto_strerror(r));
    for (size_t i = 0; i < p->n_encodings; i++) {
        const sotto_encoding *e = &p->encodings[i];
        text = nego_text(n, "%s  encoding %s %d %u %g\n", text, e->rid ? e->rid : "-", e->inactive,
                         e->max_bps, e->scale);
    }
    sotto_free(p);
    return text;
}

static char *transceiver_text(struct nego_side *s, char *text, sotto_transceiver *t)
{
    sotto_codecs *c = NULL;
    int r;
    text = nego_text(s->n, "%stransceiver #%zu %s kind %d %s/%s\n", text, nego_handle(s, t),
                     nego_mid(s, t), sotto_transceiver_kind(t),
                     nego_direction_name(sotto_transceiver_get_direction(t)),
                     nego_direction_name(sotto_transceiver_current_direction(t)));
    text = encodings_text(s->n, text, t);
    r = sotto_transceiver_codec(t, &c);
    text = codecs_text(s->n, nego_text(s->n, "%s  codecs", text), r, c);
    c = NULL;
    r = sotto_transceiver_get_codec_preferences(t, &c);
    return codecs_text(s->n, nego_text(s->n, "%s  preferences", text), r, c);
}

static char *descriptions_text(struct nego_side *s, char *text)
{
    for (int local = 0; local < 2; local++)
        for (int32_t which = SOTTO_DESC_CURRENT; which <= SOTTO_DESC_PENDING; which++) {
            int32_t type = 0;
            char *sdp = nego_description(s, local, which, &type);
            text = nego_text(s->n, "%s%s %s: %d\n%s\n", text, local ? "local" : "remote",
                             which == SOTTO_DESC_CURRENT ? "current" : "pending", type,
                             sdp ? sdp : "none");
        }
    return text;
}

char *nego_snapshot(struct nego_side *s)
{
    sotto_pc_state st = {.size = sizeof st};
    sotto_transport_info t = nego_transport(s);
    nego_take(s);
    assert_int_equal(sotto_pc_get_state(s->pc, &st), 0);
    char *text =
        nego_text(s->n, "states %d %d %d %s trickle %d\n", st.connection, st.ice, st.gathering,
                  nego_signaling_name(st.signaling), sotto_pc_can_trickle(s->pc));
    text =
        nego_text(s->n, "%sdtls %d role %d sctp %d max %llu channels %u client %d %s %s %s\n", text,
                  t.dtls, t.ice_role, t.sctp, (unsigned long long)t.max_message_size,
                  t.max_channels, t.is_dtls_client, t.local_ufrag, t.remote_ufrag, t.selected_pair);
    for (size_t i = 0; i < nego_count_transceivers(s); i++)
        text = transceiver_text(s, text, nego_at(s, i));
    for (size_t i = 0; i < s->n_chans; i++)
        text =
            nego_text(s->n, "%schannel %s id %d state %d\n", text, sotto_dc_label(s->chans[i].dc),
                      sotto_dc_id(s->chans[i].dc), sotto_dc_state(s->chans[i].dc));
    return descriptions_text(s, text);
}

/* ---- agreement ---- */

static sotto_transceiver *by_mid(struct nego_side *s, const char *mid)
{
    for (size_t i = 0; i < nego_count_transceivers(s); i++)
        if (strcmp(nego_mid(s, nego_at(s, i)), mid) == 0) return nego_at(s, i);
    return NULL;
}

static int32_t reversed(int32_t direction)
{
    if (direction == SOTTO_DIR_SENDONLY) return SOTTO_DIR_RECVONLY;
    return direction == SOTTO_DIR_RECVONLY ? SOTTO_DIR_SENDONLY : direction;
}

void nego_expect_agreement(struct nego *n)
{
    assert_int_equal(nego_signaling(&n->a), SOTTO_SIGNALING_STABLE);
    assert_int_equal(nego_signaling(&n->b), SOTTO_SIGNALING_STABLE);
    char *la = nego_local(&n->a), *lb = nego_local(&n->b);
    assert_true(la && lb);
    assert_int_equal(sdp_sections(la), sdp_sections(lb));
    for (int i = 0; i < sdp_sections(la); i++) {
        const char *mid = sdp_value(n, la, i, "a=mid:"), *other = sdp_value(n, lb, i, "a=mid:");
        assert_true(mid && other);
        assert_string_equal(mid, other);
        assert_int_equal(sdp_is_rejected(n, la, i), sdp_is_rejected(n, lb, i));
        sotto_transceiver *ta = by_mid(&n->a, mid), *tb = by_mid(&n->b, mid);
        assert_int_equal(ta != NULL, tb != NULL);
        if (!ta) continue;
        assert_int_equal(sotto_transceiver_kind(ta), sotto_transceiver_kind(tb));
        assert_int_equal(sotto_transceiver_current_direction(ta),
                         reversed(sotto_transceiver_current_direction(tb)));
    }
}

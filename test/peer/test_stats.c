/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The statistics of two peers over the virtual network: every object and member by name, with exact counts. Each report is checked
 * as a whole, too: ids are unique, what is referred to is there, and docs/reference/statistics.md names everything with its kind.
 */
#include "duo.h"
#include "peer/stats.h"

/* ---- the page ---- */

#define MAX_ROWS 128

static struct row {
    char type[32], name[48], kind[16];
    bool seen;
} rows[MAX_ROWS];
static size_t n_rows;

static int read_page(void **state)
{
    (void)state;
    char line[512], type[32] = "";
    FILE *f = fopen(PAGE, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        struct row r = {0};
        if (sscanf(line, "## %31[a-z-]", type) == 1) continue;
        if (sscanf(line, "| `%47[A-Za-z0-9]` | %15[a-z] |", r.name, r.kind) != 2) continue;
        assert_true(n_rows < MAX_ROWS);
        memcpy(r.type, type, sizeof r.type);
        rows[n_rows++] = r;
    }
    fclose(f);
    assert_true(n_rows > 40);
    return 0;
}

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {"", "integer", "number", "boolean", "text"};
    return names[kind];
}

static void look_up(const char *type, const sotto_stat_member *m)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].type, type) != 0 || strcmp(rows[i].name, m->name) != 0) continue;
        assert_string_equal(rows[i].kind, kind_name(m->kind));
        rows[i].seen = true;
        return;
    }
    fail_msg("the page does not name %s of %s", m->name, type);
}

/* ---- reports ---- */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static void check_object(const sotto_stats *s, const sotto_stat *o)
{
    assert_true(o->timestamp == 1234.5);
    assert_ptr_equal(sotto_stats_by_id(s, o->id), o); /* no other has its id */
    for (size_t i = 0; i < o->n_members; i++) {
        const sotto_stat_member *m = &o->members[i];
        look_up(o->type, m);
        assert_ptr_equal(sotto_stat_member_of(o, m->name), m);
        if (!ends_with(m->name, "Id")) continue;
        assert_non_null(sotto_stats_by_id(s, m->v.s));
    }
}

static sotto_stats *report_of(struct peer *p, const struct transceiver *selector)
{
    sotto_stats *s = NULL;
    assert_int_equal(sotto__peer_stats(p, selector, 1234.5, &s), 0);
    assert_int_equal(s->size, sizeof *s);
    for (size_t i = 0; i < s->n; i++) check_object(s, &s->items[i]);
    return s;
}

static sotto_stats *report(const struct duo_side *s)
{
    return report_of(s->peer, NULL);
}

static size_t count(const sotto_stats *s, const char *type)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) n += strcmp(s->items[i].type, type) == 0;
    return n;
}

static const sotto_stat *one(const sotto_stats *s, const char *type)
{
    if (count(s, type) != 1) fail_msg("%zu of %s", count(s, type), type);
    return sotto_stats_find(s, type);
}

static int64_t number(const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = sotto_stat_member_of(o, name);
    if (!m) fail_msg("%s has no %s", o->type, name);
    assert_int_equal(m->kind, SOTTO_STAT_INT);
    return m->v.i;
}

static const char *text(const sotto_stat *o, const char *name)
{
    const sotto_stat_member *m = sotto_stat_member_of(o, name);
    if (!m) fail_msg("%s has no %s", o->type, name);
    assert_int_equal(m->kind, SOTTO_STAT_TEXT);
    return m->v.s;
}

static bool has(const sotto_stat *o, const char *name)
{
    return sotto_stat_member_of(o, name) != NULL;
}

static const sotto_stat *refer(const sotto_stats *s, const sotto_stat *o, const char *name)
{
    return sotto_stats_by_id(s, text(o, name));
}

static const sotto_stat *labelled(const sotto_stats *s, const char *label)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, "data-channel") == 0 &&
            strcmp(text(&s->items[i], "label"), label) == 0)
            return &s->items[i];
    return NULL;
}

/* ---- the objects ---- */

static void a_fresh_connection_knows_itself_only(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    sotto_stats *s = report(&d->a);
    assert_int_equal(s->n, 1);
    const sotto_stat *pc = one(s, "peer-connection");
    assert_int_equal(number(pc, "dataChannelsOpened"), 0);
    assert_int_equal(number(pc, "dataChannelsClosed"), 0);
    sotto__free(s);
    duo_free(d);
}

static void the_transport_begins_with_the_first_description(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = one(s, "transport"), *c = one(s, "certificate");
    assert_string_equal(text(t, "dtlsState"), "new");
    assert_string_equal(text(t, "iceState"), "new");
    assert_string_equal(text(t, "dtlsRole"), "unknown");
    assert_string_equal(text(t, "iceRole"), "controlling");
    assert_string_equal(text(t, "iceLocalUsernameFragment"), d->a.peer->transport.live.ufrag);
    assert_int_equal(number(t, "selectedCandidatePairChanges"), 0);
    assert_int_equal(number(t, "packetsSent"), 0);
    assert_ptr_equal(refer(s, t, "localCertificateId"), c);
    assert_false(has(t, "remoteCertificateId") || has(t, "tlsVersion") || has(t, "dtlsCipher") ||
                 has(t, "selectedCandidatePairId") || has(t, "srtpCipher"));
    assert_int_equal(count(s, "candidate-pair") + count(s, "remote-candidate"), 0);
    const sotto_stat *x = one(s, "data-channel");
    assert_string_equal(text(x, "state"), "connecting");
    assert_false(has(x, "dataChannelIdentifier")); /* not known yet */
    sotto__free(s);
    duo_free(d);
}

static void check_candidate(const sotto_stat *c, const char *address, const char *ufrag,
                            uint16_t port)
{
    assert_string_equal(text(c, "address"), address);
    assert_int_equal(number(c, "port"), port);
    assert_string_equal(text(c, "protocol"), "udp");
    assert_string_equal(text(c, "candidateType"), "host");
    assert_true(number(c, "priority") > 0);
    assert_string_equal(text(c, "usernameFragment"), ufrag);
    assert_string_not_equal(text(c, "foundation"), "");
    assert_false(has(c, "relatedAddress") || has(c, "relatedPort") || has(c, "tcpType") ||
                 has(c, "url"));
}

static void a_connected_transport_names_its_parts(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_connect(d);
    const struct transport *a = &d->a.peer->transport, *b = &d->b.peer->transport;
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = one(s, "transport"), *pair = one(s, "candidate-pair");
    assert_string_equal(text(t, "dtlsState"), "connected");
    assert_string_equal(text(t, "iceRole"), "controlling");
    assert_string_equal(text(t, "dtlsRole"), d->a.peer->dtls_client ? "client" : "server");
    assert_string_equal(text(t, "tlsVersion"), "FEFD");
    assert_string_equal(text(t, "dtlsCipher"), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_true(number(t, "selectedCandidatePairChanges") >= 1);
    assert_ptr_equal(refer(s, t, "selectedCandidatePairId"), pair);
    assert_string_equal(text(pair, "state"), "succeeded");
    assert_int_equal(sotto_stat_member_of(pair, "nominated")->v.i, 1);
    const sotto_stat_member *rtt = sotto_stat_member_of(pair, "currentRoundTripTime");
    assert_non_null(rtt);
    assert_true(rtt->v.d >= 0.010 && rtt->v.d < 0.1); /* 5 ms each way */
    check_candidate(refer(s, pair, "localCandidateId"), "192.0.2.1", a->live.ufrag,
                    d->a.peer->candidates[0].addr.port);
    check_candidate(refer(s, pair, "remoteCandidateId"), "192.0.2.2", b->live.ufrag,
                    d->b.peer->candidates[0].addr.port);
    assert_int_equal(count(s, "local-candidate"), 1);
    assert_int_equal(count(s, "remote-candidate"), 1);
    sotto__free(s);
    duo_free(d);
}

static void certificates_are_the_ones_in_use(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_connect(d);
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    const sotto_stat *ta = one(a, "transport"), *tb = one(b, "transport");
    const sotto_stat *own = refer(a, ta, "localCertificateId");
    const sotto_stat *seen = refer(b, tb, "remoteCertificateId");
    struct sdp_fingerprint f;
    char want[224], *pem;
    assert_int_equal(count(a, "certificate"), 2);
    sotto__cert_fingerprint(d->a.cert, &f);
    sotto__fingerprint_text(&f, want);
    assert_string_equal(text(own, "fingerprintAlgorithm"), "sha-256");
    assert_string_equal(text(own, "fingerprint"), want + strlen("sha-256 "));
    assert_string_equal(text(seen, "fingerprint"), text(own, "fingerprint"));
    assert_string_equal(text(seen, "base64Certificate"), text(own, "base64Certificate"));
    /* the same bytes as in the PEM text, which has lines */
    assert_int_equal(sotto__cert_to_pem(d->a.cert, &pem), 0);
    const char *base64 = text(own, "base64Certificate"), *p = strchr(pem, '\n');
    size_t at = 0;
    for (; base64[at]; p++)
        if (*p != '\n') assert_int_equal(*p, base64[at++]);
    assert_memory_equal(p, "\n-----END CERTIFICATE", 21);
    sotto__free(pem);
    sotto__free(a);
    sotto__free(b);
    duo_free(d);
}

static void one_certificate_for_both_is_one_object(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct transport *b = &d->b.peer->transport;
    sotto__cert_unref(b->cert);
    b->cert = sotto__cert_ref(d->a.cert);
    duo_connect(d);
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = one(s, "transport"), *c = one(s, "certificate");
    assert_ptr_equal(refer(s, t, "localCertificateId"), c);
    assert_ptr_equal(refer(s, t, "remoteCertificateId"), c);
    sotto__free(s);
    duo_free(d);
}

/* ---- counts ---- */

static void send(struct duo *d, struct duo_side *s, struct channel *c, size_t n, int times)
{
    static const uint8_t zeros[100000];
    for (int i = 0; i < times; i++)
        assert_int_equal(sotto__channel_send(s->peer, duo_now(d), c, zeros, n, false), 0);
    sotto__egress_flush(&s->egress, duo_now(d));
    duo_run(d, SOTTO_SECONDS(2));
}

static void check_channel(const sotto_stats *s, const char *label, int64_t out, int64_t bytes_out,
                          int64_t in, int64_t bytes_in)
{
    const sotto_stat *c = labelled(s, label);
    assert_non_null(c);
    assert_int_equal(number(c, "messagesSent"), out);
    assert_int_equal(number(c, "bytesSent"), bytes_out);
    assert_int_equal(number(c, "messagesReceived"), in);
    assert_int_equal(number(c, "bytesReceived"), bytes_in);
}

static void messages_of_channels_are_counted_exactly(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL), *bx = d->b.remote;
    struct channel *y = duo_open(&d->a, "y");
    duo_run(d, SOTTO_SECONDS(1));
    send(d, &d->a, x, 100, 7);
    send(d, &d->a, x, 0, 2);         /* empty ones are messages too */
    send(d, &d->a, x, 100000, 12);   /* more than SCTP takes at once: some wait in our queue */
    send(d, &d->b, bx, 33, 3);
    send(d, &d->a, y, 1, 1);
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    check_channel(a, "x", 21, 1200700, 3, 99);
    check_channel(b, "x", 3, 99, 21, 1200700);
    check_channel(a, "y", 1, 1, 0, 0);
    check_channel(b, "y", 0, 0, 1, 1);
    const sotto_stat *c = labelled(b, "x");
    assert_string_equal(text(c, "protocol"), "");
    assert_string_equal(text(c, "state"), "open");
    assert_int_equal(number(c, "dataChannelIdentifier"), x->id);
    assert_int_equal(number(one(a, "peer-connection"), "dataChannelsOpened"), 2);
    assert_int_equal(number(one(b, "peer-connection"), "dataChannelsOpened"), 2);
    sotto__free(a);
    sotto__free(b);
    duo_free(d);
}

static void a_message_counts_as_received_when_it_is_taken(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    duo_connect(d);
    d->b.paused = true;
    send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 10, 2);
    sotto_stats *s = report(&d->b);
    check_channel(s, "x", 0, 0, 0, 0);
    sotto__free(s);
    d->b.paused = false;
    duo_run(d, SOTTO_MS(1));
    s = report(&d->b);
    check_channel(s, "x", 0, 0, 2, 20);
    sotto__free(s);
    duo_free(d);
}

static void what_is_queued_is_not_sent_yet(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    static const uint8_t zeros[200000];
    int n = 0;
    while (x->buffered == 0 && n < 100) {
        assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), x, zeros, sizeof zeros, false),
                         0);
        n++;
    }
    sotto_stats *s = report(&d->a);
    check_channel(s, "x", n - 1, (n - 1) * (int64_t)sizeof zeros, 0, 0);
    sotto__free(s);
    duo_run(d, SOTTO_SECONDS(5));
    s = report(&d->a);
    check_channel(s, "x", n, n * (int64_t)sizeof zeros, 0, 0);
    sotto__free(s);
    duo_free(d);
}

static void channels_are_counted_when_they_open_and_leave_open(void **state)
{
    (void)state;
    struct duo *d = duo_new(9);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL), *y = duo_open(&d->a, "y");
    duo_run(d, SOTTO_SECONDS(1));
    struct channel *never;
    sotto_dc_config cfg = {.size = sizeof cfg, .protocol = "p"};
    sotto__channel_close(d->a.peer, duo_now(d), x);
    sotto_stats *s = report(&d->a);
    assert_int_equal(number(one(s, "peer-connection"), "dataChannelsClosed"), 1);
    assert_string_equal(text(labelled(s, "x"), "state"), "closing");
    sotto__free(s);
    sotto__egress_flush(&d->a.egress, duo_now(d));
    duo_run(d, SOTTO_SECONDS(2));
    s = report(&d->b);
    assert_int_equal(number(one(s, "peer-connection"), "dataChannelsClosed"), 1);
    assert_string_equal(text(labelled(s, "x"), "state"), "closed");
    sotto__free(s);
    sotto__peer_close(d->a.peer, duo_now(d));
    s = report(&d->a);
    assert_int_equal(number(one(s, "peer-connection"), "dataChannelsOpened"), 2);
    assert_int_equal(number(one(s, "peer-connection"), "dataChannelsClosed"), 2);
    sotto__free(s);
    sotto__channel_release(d->a.peer, duo_now(d), y);
    s = report(&d->a);
    assert_null(labelled(s, "y")); /* its handle is gone, and it with it */
    sotto__free(s);
    duo_free(d);
    d = duo_new(10); /* one that never opens counts in neither */
    assert_int_equal(sotto__peer_open_channel(d->a.peer, duo_now(d), "n", &cfg, &never), 0);
    sotto__channel_close(d->a.peer, duo_now(d), never);
    s = report(&d->a);
    assert_int_equal(number(one(s, "peer-connection"), "dataChannelsOpened"), 0);
    assert_int_equal(number(one(s, "peer-connection"), "dataChannelsClosed"), 0);
    assert_string_equal(text(one(s, "data-channel"), "protocol"), "p");
    sotto__free(s);
    duo_free(d);
}

static void check_flow(const sotto_stat *from, const sotto_stat *to)
{
    assert_true(number(from, "packetsSent") > 0);
    assert_int_equal(number(from, "packetsSent"), number(to, "packetsReceived"));
    assert_int_equal(number(from, "bytesSent"), number(to, "bytesReceived"));
}

static void what_one_side_sends_the_other_receives(void **state)
{
    (void)state;
    struct duo *d = duo_new(11);
    duo_connect(d);
    send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 5000, 100);
    duo_run(d, SOTTO_MS(500));
    sotto_stats *a = report(&d->a), *b = report(&d->b);
    const sotto_stat *ta = one(a, "transport"), *tb = one(b, "transport");
    check_flow(ta, tb);
    check_flow(tb, ta);
    assert_true(number(ta, "bytesSent") > 500000);
    check_flow(one(a, "candidate-pair"), one(b, "candidate-pair"));
    assert_int_equal(number(one(a, "candidate-pair"), "bytesSent"), number(ta, "bytesSent"));
    sotto__free(a);
    sotto__free(b);
    duo_free(d);
}

/* ---- ids over time ---- */

static void ids_stay_and_are_never_used_again(void **state)
{
    (void)state;
    struct duo *d = duo_new(12);
    duo_connect(d);
    sotto_stats *before = report(&d->a);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    int32_t id = x->id;
    send(d, &d->a, x, 10, 1);
    sotto_stats *s = report(&d->a);
    assert_int_equal(s->n, before->n);
    for (size_t i = 0; i < s->n; i++) assert_string_equal(s->items[i].id, before->items[i].id);
    sotto__free(s);
    sotto__channel_release(d->a.peer, duo_now(d), x);
    sotto__egress_flush(&d->a.egress, duo_now(d));
    duo_run(d, SOTTO_SECONDS(2));
    x = duo_open(&d->a, "again");
    assert_int_equal(x->id, id); /* the stream is used again, the object is another */
    s = report(&d->a);
    assert_string_not_equal(one(s, "data-channel")->id, one(before, "data-channel")->id);
    sotto__free(s);
    sotto__free(before);
    duo_free(d);
}

static void an_ice_restart_brings_new_candidates_and_another_pair(void **state)
{
    (void)state;
    struct duo *d = duo_new(13);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    send(d, &d->a, x, 5000, 10);
    sotto_stats *before = report(&d->a);
    assert_int_equal(sotto__peer_restart_ice(d->a.peer, duo_now(d)), 0);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(3));
    send(d, &d->a, x, 100, 1);
    sotto_stats *s = report(&d->a);
    const sotto_stat *old = one(before, "candidate-pair"), *pair = one(s, "candidate-pair");
    const sotto_stat *told = one(before, "transport"), *t = one(s, "transport");
    assert_string_not_equal(pair->id, old->id);
    assert_null(sotto_stats_by_id(s, text(old, "localCandidateId")));
    assert_null(sotto_stats_by_id(s, text(old, "remoteCandidateId")));
    assert_int_equal(count(s, "local-candidate") + count(s, "remote-candidate"), 2);
    assert_string_equal(t->id, told->id);
    assert_string_not_equal(text(t, "iceLocalUsernameFragment"),
                            text(told, "iceLocalUsernameFragment"));
    assert_true(number(t, "selectedCandidatePairChanges") >
                number(told, "selectedCandidatePairChanges"));
    assert_true(number(t, "bytesSent") > number(told, "bytesSent")); /* goes on */
    assert_true(number(pair, "bytesSent") > 0 && number(pair, "bytesSent") < 10000);
    sotto__free(s);
    sotto__free(before);
    duo_free(d);
}

/* ---- candidates ---- */

static void a_remote_that_was_never_signalled_has_no_address(void **state)
{
    (void)state;
    struct duo *d = duo_new(14);
    d->a.mute = true;
    duo_connect(d);
    sotto_stats *s = report(&d->b);
    const sotto_stat *remote = refer(s, one(s, "candidate-pair"), "remoteCandidateId");
    assert_string_equal(text(remote, "candidateType"), "prflx");
    assert_false(has(remote, "address"));
    assert_null(strstr(remote->id, "192.0.2.1"));
    assert_int_equal(number(remote, "port"), d->a.peer->candidates[0].addr.port);
    assert_string_equal(text(remote, "usernameFragment"), d->a.peer->transport.live.ufrag);
    sotto__free(s);
    /* once the application gives it, it is shown */
    char line[128];
    snprintf(line, sizeof line, "candidate:1 1 udp 2130706431 192.0.2.1 %u typ host",
             d->a.peer->candidates[0].addr.port);
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = d->b.peer->data_mid};
    assert_int_equal(sotto__peer_add_candidate(d->b.peer, duo_now(d), &c, NULL), 0);
    s = report(&d->b);
    remote = refer(s, one(s, "candidate-pair"), "remoteCandidateId");
    assert_string_equal(text(remote, "address"), "192.0.2.1");
    assert_string_equal(text(remote, "foundation"), "1");
    assert_int_equal(count(s, "remote-candidate"), 1);
    sotto__free(s);
    duo_free(d);
}

static void add_candidate(struct duo *d, const char *line)
{
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = d->a.peer->data_mid};
    assert_int_equal(sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL), 0);
}

static void reflexive_and_relayed_candidates_tell_what_they_are_related_to(void **state)
{
    (void)state;
    struct duo *d = duo_new(15);
    duo_connect(d);
    struct peer *p = d->a.peer;
    p->candidates[p->n_candidates++] = (struct candidate){.foundation = "9",
                                                          .component = 1,
                                                          .priority = 77,
                                                          .addr = {4, {198, 51, 100, 7}, 4000},
                                                          .type = CANDIDATE_SRFLX,
                                                          .related = {4, {192, 0, 2, 1}, 5000}};
    snprintf(p->candidates[p->n_candidates - 1].ufrag, 257, "%s", p->transport.live.ufrag);
    add_candidate(d,
                  "candidate:2 1 udp 99 2001:db8::7 6000 typ relay raddr 203.0.113.9 rport 7000");
    add_candidate(d,
                  "candidate:2 1 udp 99 2001:db8::7 6000 typ relay raddr 203.0.113.9 rport 7000");
    add_candidate(d, "candidate:3 1 tcp 99 192.0.2.7 9 typ host tcptype active");
    add_candidate(d, "candidate:4 1 udp 99 deadbeef.local 6000 typ host");
    sotto_stats *s = report(&d->a);
    const sotto_stat *local = NULL, *remote = NULL;
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->items[i].type, "local-candidate") == 0) local = &s->items[i];
        if (strcmp(s->items[i].type, "remote-candidate") == 0) remote = &s->items[i];
    }
    assert_int_equal(count(s, "local-candidate"), 2);
    assert_string_equal(text(local, "candidateType"), "srflx");
    assert_string_equal(text(local, "address"), "198.51.100.7");
    assert_string_equal(text(local, "relatedAddress"), "192.0.2.1");
    assert_int_equal(number(local, "relatedPort"), 5000);
    assert_int_equal(number(local, "priority"), 77);
    assert_int_equal(count(s, "remote-candidate"), 2); /* once; TCP and names are never used */
    assert_string_equal(text(remote, "candidateType"), "relay");
    assert_string_equal(text(remote, "address"), "2001:db8::7");
    assert_string_equal(text(remote, "relatedAddress"), "203.0.113.9");
    assert_int_equal(number(remote, "relatedPort"), 7000);
    assert_int_equal(number(remote, "port"), 6000);
    sotto__free(s);
    duo_free(d);
}

static void no_more_remote_candidates_are_listed_than_are_taken(void **state)
{
    (void)state;
    struct duo *d = duo_new(16);
    char line[128];
    duo_connect(d);
    for (int i = 0; i < SOTTO_MAX_REMOTE_CANDIDATES + 1; i++) {
        snprintf(line, sizeof line, "candidate:%d 1 udp 99 192.0.2.2 %d typ host", i, 20000 + i);
        sotto_candidate c = {.size = sizeof c, .line = line, .mid = d->a.peer->data_mid};
        sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL);
    }
    sotto_stats *s = report(&d->a);
    assert_int_equal(count(s, "remote-candidate"), SOTTO_MAX_REMOTE_CANDIDATES);
    sotto__free(s);
    duo_free(d);
}

/* ---- media ---- */

static struct transceiver *add(struct duo *d, sotto_kind kind)
{
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(d->a.peer, duo_now(d), kind, NULL, &t), 0);
    return t;
}

static const sotto_stat *codec_of(const sotto_stats *s, const char *mime, int64_t pt)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, "codec") == 0 &&
            strcmp(text(&s->items[i], "mimeType"), mime) == 0 &&
            (pt < 0 || number(&s->items[i], "payloadType") == pt))
            return &s->items[i];
    return NULL;
}

static void negotiated_codecs_are_listed_once(void **state)
{
    (void)state;
    struct duo *d = duo_new(17);
    struct transceiver *audio = add(d, SOTTO_AUDIO);
    add(d, SOTTO_AUDIO);
    add(d, SOTTO_VIDEO);
    sotto_stats *s = report(&d->a);
    assert_int_equal(count(s, "codec"), 0); /* nothing is negotiated yet */
    sotto__free(s);
    duo_connect(d);
    s = report(&d->a);
    const sotto_stat *opus = codec_of(s, "audio/opus", -1), *vp8 = codec_of(s, "video/VP8", -1);
    assert_non_null(opus);
    assert_non_null(vp8);
    assert_non_null(codec_of(s, "video/rtx", -1));
    assert_int_equal(number(opus, "clockRate"), 48000);
    assert_int_equal(number(opus, "channels"), 2);
    assert_string_equal(text(opus, "transportId"), one(s, "transport")->id);
    assert_true(has(opus, "sdpFmtpLine"));
    assert_int_equal(number(vp8, "clockRate"), 90000);
    assert_false(has(vp8, "channels") || has(vp8, "sdpFmtpLine"));
    size_t n = count(s, "codec");
    /* two audio sections with the same codecs: as many objects as payload types */
    bool used[128] = {false};
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].type, "codec") == 0)
            used[number(&s->items[i], "payloadType")] = true;
    size_t types = 0;
    for (size_t i = 0; i < 128; i++) types += used[i];
    assert_true(n >= types && n < 2 * types);
    sotto__free(s);
    audio->stopped = true; /* those of a stopped one alone are not in use any more */
    s = report(&d->a);
    assert_int_equal(count(s, "codec"), n);
    sotto__free(s);
    duo_free(d);
}

static void directions_with_other_parameters_are_two_codecs(void **state)
{
    (void)state;
    struct duo *d = duo_new(18);
    struct transceiver *t = add(d, SOTTO_AUDIO);
    duo_connect(d);
    sotto_stats *s = report(&d->a);
    size_t n = count(s, "codec");
    sotto__free(s);
    assert_true(t->send.n > 0 && t->recv.n > 0);
    sotto__free(t->send.items[0].fmtp);
    t->send.items[0].fmtp = sotto__strdup("hostile=\"\\\x01");
    s = report(&d->a);
    assert_int_equal(count(s, "codec"), n + 1);
    assert_string_equal(text(sotto_stats_find(s, "codec"), "sdpFmtpLine"), "hostile=\"\\\x01");
    sotto__free(s);
    t->recv.items[0].pt = 127; /* the directions may have other numbers */
    s = report(&d->a);
    assert_non_null(codec_of(s, "audio/opus", 127));
    sotto__free(s);
    duo_free(d);
}

static void a_selector_shows_what_its_transceiver_uses(void **state)
{
    (void)state;
    struct duo *d = duo_new(19);
    struct transceiver *audio = add(d, SOTTO_AUDIO), *video = add(d, SOTTO_VIDEO);
    sotto_stats *s = report_of(d->a.peer, audio);
    assert_int_equal(s->n, 0); /* it has no section yet */
    sotto__free(s);
    duo_connect(d);
    add_candidate(d, "candidate:2 1 udp 99 2001:db8::7 6000 typ host");
    s = report_of(d->a.peer, video);
    assert_int_equal(count(s, "peer-connection") + count(s, "data-channel"), 0);
    assert_int_equal(count(s, "transport"), 1);
    assert_int_equal(count(s, "candidate-pair"), 1);
    assert_int_equal(count(s, "local-candidate"), 1);
    assert_int_equal(count(s, "remote-candidate"), 1); /* the pair's only */
    assert_int_equal(count(s, "certificate"), 2);
    assert_non_null(codec_of(s, "video/VP8", -1));
    assert_null(codec_of(s, "audio/opus", -1));
    sotto__free(s);
    duo_free(d);
}

/* ---- ends ---- */

static void a_closed_connection_tells_what_it_knows(void **state)
{
    (void)state;
    struct duo *d = duo_new(20);
    duo_connect(d);
    send(d, &d->a, sotto__peer_next_channel(d->a.peer, NULL), 10, 3);
    sotto__peer_close(d->a.peer, duo_now(d));
    sotto_stats *s = report(&d->a);
    const sotto_stat *t = one(s, "transport");
    assert_string_equal(text(t, "dtlsState"), "closed");
    assert_string_equal(text(t, "iceState"), "closed");
    check_channel(s, "x", 3, 30, 0, 0);
    assert_string_equal(text(labelled(s, "x"), "state"), "closed");
    sotto__free(s);
    duo_free(d);
}

static void without_memory_there_is_no_report_and_no_leak(void **state)
{
    (void)state;
    struct duo *d = duo_new(21);
    add(d, SOTTO_VIDEO);
    duo_connect(d);
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto_stats *s = NULL;
        sotto__mem_fail_at(n);
        int r = sotto__peer_stats(d->a.peer, NULL, 0, &s);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_true(n > 5);
            sotto__free(s);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_null(s);
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_int_equal(sotto__mem_live(), live);
    duo_free(d);
}

static void every_row_of_the_page_was_seen(void **state)
{
    (void)state; /* the last test: the others have reported everything there is */
    for (size_t i = 0; i < n_rows; i++)
        if (!rows[i].seen) fail_msg("nothing reported %s of %s", rows[i].name, rows[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_connection_knows_itself_only),
        cmocka_unit_test(the_transport_begins_with_the_first_description),
        cmocka_unit_test(a_connected_transport_names_its_parts),
        cmocka_unit_test(certificates_are_the_ones_in_use),
        cmocka_unit_test(one_certificate_for_both_is_one_object),
        cmocka_unit_test(messages_of_channels_are_counted_exactly),
        cmocka_unit_test(a_message_counts_as_received_when_it_is_taken),
        cmocka_unit_test(what_is_queued_is_not_sent_yet),
        cmocka_unit_test(channels_are_counted_when_they_open_and_leave_open),
        cmocka_unit_test(what_one_side_sends_the_other_receives),
        cmocka_unit_test(ids_stay_and_are_never_used_again),
        cmocka_unit_test(an_ice_restart_brings_new_candidates_and_another_pair),
        cmocka_unit_test(a_remote_that_was_never_signalled_has_no_address),
        cmocka_unit_test(reflexive_and_relayed_candidates_tell_what_they_are_related_to),
        cmocka_unit_test(no_more_remote_candidates_are_listed_than_are_taken),
        cmocka_unit_test(negotiated_codecs_are_listed_once),
        cmocka_unit_test(directions_with_other_parameters_are_two_codecs),
        cmocka_unit_test(a_selector_shows_what_its_transceiver_uses),
        cmocka_unit_test(a_closed_connection_tells_what_it_knows),
        cmocka_unit_test(without_memory_there_is_no_report_and_no_leak),
        cmocka_unit_test(every_row_of_the_page_was_seen),
    };
    return cmocka_run_group_tests(tests, read_page, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer without a transport: see bare.h. */
#include "bare.h"

struct peer *bare_new(void)
{
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    sotto__list_init(&p->transceivers);
    sotto__list_init(&p->gone);
    sotto__list_init(&p->channels);
    p->data_index = p->tagged_index = -1;
    assert_int_equal(sotto__events_init(p), 0);
    assert_int_equal(sotto__media_open(p), 0);
    return p;
}

static void forget(struct description *d)
{
    sotto__sdp_free(d->sdp);
    d->sdp = NULL;
}

void bare_free(struct peer *p)
{
    forget(&p->current_local);
    forget(&p->current_remote);
    sotto__events_free(p);
    sotto__transceivers_free(p);
    sotto__media_free(p);
    free(p);
}

static size_t section(char *out, size_t cap, const char *text)
{
    char kind[16], direction[16], mid[16];
    int at = 0;
    assert_int_equal(sscanf(text, "%15s %15s %15s %n", kind, direction, mid, &at), 3);
    bool rejected = direction[0] == '!';
    bool data = strcmp(kind, "application") == 0;
    int n = snprintf(out, cap, "m=%s %d %s\r\nc=IN IP4 0.0.0.0\r\na=%s\r\n", kind, rejected ? 0 : 9,
                     data ? "UDP/DTLS/SCTP webrtc-datachannel" : "UDP/TLS/RTP/SAVPF 111",
                     direction + (rejected ? 1 : 0));
    if (strcmp(mid, "-") != 0) n += snprintf(out + n, cap - (size_t)n, "a=mid:%s\r\n", mid);
    char id[64];
    for (int used = 0; sscanf(text + at, "%63s%n", id, &used) == 1; at += used)
        n += snprintf(out + n, cap - (size_t)n, "a=msid:%s track\r\n", id);
    return (size_t)n;
}

void bare_describe(struct description *d, int32_t type, const char *const *sections, size_t n)
{
    char text[8192] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    size_t used = strlen(text);
    for (size_t i = 0; i < n; i++) used += section(text + used, sizeof text - used, sections[i]);
    forget(d);
    d->type = type;
    assert_int_equal(sotto__sdp_parse(text, used, &d->sdp, NULL), 0);
}

struct transceiver *bare_add(struct peer *p, sotto_kind kind, int32_t direction)
{
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = direction};
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(p, NOW, kind, &cfg, &t), 0);
    return t;
}

void bare_associate(struct transceiver *t, const char *mid, int32_t index)
{
    snprintf(t->mid, sizeof t->mid, "%s", mid);
    t->mline_index = index;
    t->was_associated = true;
}

size_t bare_needed(struct peer *p)
{
    struct peer_event e;
    size_t n = 0;
    while (sotto__peer_has_event(p)) {
        sotto__peer_peek(p, &e);
        if (e.type == SOTTO_EV_NEGOTIATION_NEEDED) n++;
        sotto__peer_pop(p);
    }
    return n;
}

void bare_note(struct peer *p, struct transceiver *t)
{
    struct note *note = sotto__calloc(1, sizeof *note);
    assert_non_null(note);
    note->transceiver = t;
    t->noted++;
    assert_true(sotto__events_note(p, NOW, SOTTO_EV_TRACK, note));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much memory one connection takes, by module: an object of the statistics that W3C does not have. In: a peer; out: bytes of the
 * blocks that it holds, as the allocator counts them. Left out: what connections share, handles and events of the application, and what
 * the libraries below allocate for themselves.
 */
#include "peer/private.h"
#include "peer/stats.h"
#include "util/mem.h"

static size_t of_peer(const struct peer *p)
{
    size_t n = sotto__mem_size(p) + sotto__mem_size(p->controls) + sotto__mem_size(p->line) +
               sotto__mem_size(p->candidates) + sotto__mem_size(p->remote_tls_id);
    for (size_t i = 0; i < p->n_candidates; i++) n += sotto__mem_size(p->candidates[i].name);
    for (size_t i = 0; i < p->n_controls; i++) {
        const struct note *note = p->controls[p->control_head + i].note;
        if (note)
            n += sotto__mem_size(note) + sotto__mem_size(note->streams.items) +
                 sotto__mem_size(note->url) + sotto__mem_size(note->text);
    }
    return n;
}

static size_t of_sdp(const struct peer *p)
{
    return sotto__sdp_bytes(p->current_local.sdp) + sotto__sdp_bytes(p->pending_local.sdp) +
           sotto__sdp_bytes(p->current_remote.sdp) + sotto__sdp_bytes(p->pending_remote.sdp) +
           sotto__mem_size(p->last_offer) + sotto__mem_size(p->last_answer);
}

static size_t of_codecs(const struct codec_list *l)
{
    size_t n = sotto__mem_size(l->items);
    for (size_t i = 0; i < l->n; i++) n += sotto__mem_size(l->items[i].fmtp);
    return n;
}

static size_t of_transceivers(const struct node *head)
{
    size_t n = 0;
    for (const struct node *at = head->next; at != head; at = at->next) {
        const struct transceiver *t = CONTAINER_OF(at, struct transceiver, all);
        n += sotto__mem_size(t) + sotto__line_bytes(&t->line) + of_codecs(&t->prefs) +
             of_codecs(&t->send) + of_codecs(&t->recv) + sotto__mem_size(t->streams.items) +
             sotto__mem_size(t->remote_streams.items) + sotto__mem_size(t->stable_streams.items) +
             sotto__mem_size(t->encodings.items) + sotto__mem_size(t->stable_encodings.items);
    }
    return n;
}

static size_t of_media(const struct peer *p)
{
    if (!p->session) return 0;
    return sotto__session_bytes(p->session) + of_transceivers(&p->transceivers) +
           of_transceivers(&p->gone);
}

static size_t of_channels(struct peer *p)
{
    size_t n = sotto__mem_size(p->by_id.slots) + sotto__mem_size(p->held.data);
    for (struct channel *c = NULL; (c = sotto__peer_next_channel(p, c));)
        n += sotto__mem_size(c) + sotto__mem_size(c->label) + sotto__mem_size(c->protocol) +
             sotto__sendq_bytes(c) + sotto__e2ee_bytes(c->e2ee);
    return n;
}

void sotto__stats_bytes(struct stats_build *b, struct peer *p)
{
    struct transport_bytes t;
    sotto__transport_bytes(&p->transport, &t);
    const struct {
        const char *name;
        size_t n;
    } all[] = {{"peerBytes", of_peer(p)},   {"sdpBytes", of_sdp(p)},
               {"iceBytes", t.ice},         {"dtlsBytes", t.dtls},
               {"srtpBytes", t.srtp},       {"sctpBytes", t.sctp},
               {"mediaBytes", of_media(p)}, {"channelsBytes", of_channels(p)}};
    size_t sum = 0;
    sotto__stats_begin(b, "sotto-memory", "M");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        sotto__stats_int(b, all[i].name, all[i].n);
        sum += all[i].n;
    }
    sotto__stats_int(b, "totalBytes", sum);
    sotto__stats_int(b, "sctpQueuedBytes", t.sctp_queued);
}

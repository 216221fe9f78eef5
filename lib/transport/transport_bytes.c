/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the path of one connection takes of memory, by module: for the statistics. In: a transport; out: bytes of the blocks that are ours.
 * What libnice, OpenSSL, libsrtp and usrsctp allocate for themselves is not known, but for messages of ours that are not acknowledged yet.
 * Certificates are shared, and not counted.
 */
#include "transport/transport.h"
#include "util/mem.h"
#include "util/secret.h"

static size_t of_servers(const struct ice_server *s, size_t n)
{
    size_t sum = sotto__mem_size(s);
    for (size_t i = 0; i < n; i++)
        sum += sotto__mem_size(s[i].url) + sotto__mem_size(s[i].host) +
               sotto__mem_size(s[i].username) + sotto__secret_size(s[i].credential);
    return sum;
}

static size_t of_ice(const struct transport *t)
{
    const struct transport_generation *all[] = {&t->live, &t->next, &t->carrier};
    const struct ice *ices[] = {all[0]->ice, all[1]->ice, all[2]->ice, t->retired[0],
                                t->retired[1]};
    size_t n = of_servers(t->servers, t->n_servers) + sotto__mem_size(t->interface) +
               sotto__mem_size(t->ca_file);
    for (size_t i = 0; i < 3; i++)
        n += of_servers(all[i]->servers, all[i]->n_servers) + sotto__mem_size(all[i]->remote_ufrag);
    for (const struct node *x = t->named.next; x && x != &t->named; x = x->next)
        n += sotto__mem_size(x); /* its first part: transport_names.c */
    for (size_t i = 0; i < 5; i++)
        if (ices[i]) n += t->shared->ice_ops->bytes(ices[i]);
    return n;
}

static size_t of_early(const struct transport_early *e, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += sotto__mem_size(e[i].p);
    return sum;
}

void sotto__transport_bytes(const struct transport *t, struct transport_bytes *ret)
{
    *ret = (struct transport_bytes){
        .ice = of_ice(t),
        .dtls =
            of_early(t->early, t->n_early) + sotto__mem_size(t->remote) + sotto__mem_size(t->pins),
        .srtp = sotto__mem_size(t->early_media) + of_early(t->early_media, t->n_early_media)};
    if (t->dtls) ret->dtls += sotto__dtls_bytes(t->dtls);
    if (t->srtp) ret->srtp += sotto__srtp_bytes(t->srtp);
    if (t->sctp) ret->sctp = sotto__sctp_bytes(t->sctp, &ret->sctp_queued);
}

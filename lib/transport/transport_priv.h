/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_TRANSPORT_PRIV_H
#define SOTTO_TRANSPORT_TRANSPORT_PRIV_H
/* What the files of transport*.c share; nobody else includes it. */
#include "transport/transport.h"

/* transport_config.c */
int sotto__transport_credentials(struct transport_generation *g); /* new ones; both or none */
/* secrets: with user names and passwords. *ret is yours, NULL if n is 0. 0 or SOTTO_E_NOMEM. */
int sotto__transport_copy_servers(const struct ice_server *servers, size_t n, bool secrets,
                                  struct ice_server **ret);
void sotto__transport_free_servers(struct ice_server *servers, size_t n);
void sotto__transport_free_config(struct transport *t);
int sotto__transport_keep_remote(const struct transport_remote *r,
                                 struct transport_kept **ret); /* 0 or SOTTO_E_NOMEM */
void sotto__transport_free_remote(struct transport_kept *r);

/* transport_attacks.c: frees, and keeps what was counted */
void sotto__transport_free_dtls(struct transport *t);
void sotto__transport_free_sctp(struct transport *t);
void sotto__transport_keep_refused(struct transport *t, const struct ice *ice); /* which goes; NULL is fine */

/* transport_restart.c */
void sotto__transport_empty(struct transport_generation *g); /* all of it but the credentials */
int sotto__transport_start_generation(struct transport *t, struct transport_generation *g,
                                      sotto_us now);
/* Its ICE goes to the retired ones, to receive for a while if it drains; the generation is empty then. */
void sotto__transport_retire(struct transport *t, struct transport_generation *g, bool drain,
                             sotto_us now);
void sotto__transport_look_after_path(struct transport *t, sotto_us now);
void sotto__transport_switch(struct transport *t, sotto_us now); /* next has a pair and becomes live */
void sotto__transport_drop_carrier(struct transport *t, bool drain, sotto_us now);
void sotto__transport_stop_draining(struct transport *t, sotto_us now); /* what is on its way is of no use */
/* The one that data goes over; NULL: none. */
const struct transport_generation *sotto__transport_path(const struct transport *t);
/* What the retired one of index i received, if it still listens; frees it when it is closed. */
bool sotto__transport_next_retired(struct transport *t, size_t i, sotto_us now,
                                   struct packet *packet);
int32_t sotto__transport_ice_state(const struct transport *t); /* to be shown */
sotto_us sotto__transport_ice_due(const struct transport *t);

/* transport_servers.c */
uint8_t sotto__transport_ask_servers(struct transport *t, sotto_us now); /* by bit those that have names */
void sotto__transport_take_names(struct transport *t, sotto_us now); /* what was found goes to the generations */
bool sotto__transport_servers_news(struct transport *t, struct transport_out *out);
sotto_us sotto__transport_servers_due(const struct transport *t);

/* transport_names.c */
int sotto__transport_ask_name(struct transport *t, const char *ufrag, const struct candidate *c,
                              sotto_us now); /* 0 or as sotto__mdns_agent_ask() */
/* Candidates of this generation still wait: the end of them is told to ICE afterwards. */
bool sotto__transport_done_waits(struct transport *t, const char *ufrag);
void sotto__transport_drop_names(struct transport *t);

/* transport_data.c: DTLS and SCTP */
/* g NULL: a retired one. True: out is filled. */
bool sotto__transport_take(struct transport *t, sotto_us now, const struct transport_generation *g,
                           const struct packet *pkt, struct transport_out *out);
bool sotto__transport_data_pending(const struct transport *t); /* without network or time, news() has some */
/* 1: out is filled. news: what calls from above brought about, and DTLS. */
int sotto__transport_news(struct transport *t, sotto_us now, struct transport_out *out);
int sotto__transport_drain_sctp(struct transport *t, sotto_us now, struct transport_out *out);
void sotto__transport_new_dtls(struct transport *t, bool on_next, sotto_us now); /* the old association ends */
void sotto__transport_drop_early(struct transport *t);
/* Room for a packet of at most n bytes to fill and commit; NULL: there is no path. */
uint8_t *sotto__transport_reserve(struct transport *t, sotto_us now, size_t n);
void sotto__transport_commit(struct transport *t, size_t n);

/* transport_media.c */
/* DTLS is up: keys are made, if media is wanted. 0, SOTTO_E_PROTO no profile was agreed on, or as sotto__srtp_new(). */
int sotto__transport_start_media(struct transport *t);
void sotto__transport_end_media(struct transport *t); /* the keys go, and what waits for them */
void sotto__transport_drop_media(struct transport *t); /* what waits for them */
void sotto__transport_media_attacks(const struct transport *t, struct attacks *to); /* adds */
/* RTP or RTCP came; what was kept until there were keys. True: out is filled. */
bool sotto__transport_take_media(struct transport *t, sotto_us now, const struct packet *pkt,
                                 struct transport_out *out);
bool sotto__transport_early_media(struct transport *t, sotto_us now, struct transport_out *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_TURN_TLS_H
#define SOTTO_TRANSPORT_TURN_TLS_H
/*
 * The way to one TURN server over TCP, or over TLS over TCP (RFC 8656 §3.1): what stands between libnice, which connects to a port of
 * this host, and the server. libnice's own "TURN over TLS" has no TLS.
 */
#include "sotto/base.h"
#include "util/fd.h"
#include "util/limits.h"
#include "util/time.h"
#include "wire/stun.h"

struct turn_tls_cfg {
    struct address addr;
    const char *host; /* nullable: the name that its certificate must have; NULL: the address. Copied */
    bool is_tls;
    bool allow_loopback;   /* as a target of ALTERNATE-SERVER */
    const char *ca_file;   /* nullable: who is believed instead of the system's authorities. It outlives this */
    const char *interface; /* nullable: leave by this one only. It outlives this */
};

struct turn_tls;

/* Reads these authorities, which may take time, for all connections from now on; NULL: the system's. 0, or SOTTO_E_ACCESS. */
int sotto__turn_tls_check(const char *ca_file);
/* Opens the port for libnice. 0, SOTTO_E_NOMEM, SOTTO_E_SYS. */
int sotto__turn_tls_new(struct turn_tls **ret, const struct turn_tls_cfg *cfg);
const struct address *sotto__turn_tls_port(const struct turn_tls *t); /* where libnice is to connect to */
/* Connects to the server. */
void sotto__turn_tls_start(struct turn_tls *t, sotto_us now);
/*
 * Until it is true: looks whether one of these sockets, which are this process', has connected. That one is taken, once, and nobody
 * else ever: another user of this host may know the port, but cannot have a socket of ours.
 */
bool sotto__turn_tls_accept(struct turn_tls *t, const int *fds, size_t n);
/* 1: the server answered: an Allocate was refused or granted, view in ret; 0: nothing; SOTTO_E_CLOSED: it is over, see _why. */
int sotto__turn_tls_next(struct turn_tls *t, sotto_us now, struct stun_answer *ret);
const char *sotto__turn_tls_why(const struct turn_tls *t, int32_t *code); /* of the end: 701, or the server's code */
sotto_us sotto__turn_tls_due(const struct turn_tls *t);
int sotto__turn_tls_fds(const struct turn_tls *t, struct sotto_fd *out, int max); /* at most 2 */
bool sotto__turn_tls_waits(const struct turn_tls *t); /* for libnice to connect */
/* Where it leaves from, or left; family 0: not known. */
const struct address *sotto__turn_tls_local(const struct turn_tls *t);
uint32_t sotto__turn_sockaddr(const struct address *a, void *to); /* into a sockaddr_storage; its size */
void sotto__turn_tls_free(struct turn_tls *t); /* NULL is fine */
size_t sotto__turn_tls_bytes(const struct turn_tls *t); /* NULL is fine; without OpenSSL's */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_RAW_PEER_H
#define TEST_SCENARIO_RAW_PEER_H
/*
 * A peer driven by hand: ICE, DTLS and SCTP of the library without its object model, so that it can say what no honest peer
 * says: any DCEP, any stream, any SCTP chunk, any DTLS record, the wrong certificate.
 */
#include "pair.h"
#include "transport/dtls.h"
#include "transport/sctp.h"

enum { RAW_LOG = 64 };

struct raw_message { /* what came, the last RAW_LOG of them */
    enum sctp_msg_type type;
    uint16_t sid;
    uint32_t ppid;
    uint8_t *data;
    size_t len;
};

struct raw {
    struct pair *pair;
    struct net_host *host;
    struct ice *ice;
    struct ice_box box;
    struct dtls_ctx *dtls_ctx;
    struct cert *cert, *claimed; /* claimed: whose fingerprint the SDP gives */
    struct dtls *dtls;
    struct sctp *sctp;
    struct sdp_fingerprint theirs;
    char ufrag[9], pwd[25];
    bool is_client;
    bool no_sctp; /* stop at DTLS: packets are made with raw_packet() */
    bool no_pull; /* messages stay in SCTP */
    bool no_dtls; /* answer checks only */
    bool selected, dtls_up, sctp_up, dtls_closed;
    int dtls_error; /* next() of dtls said so */
    int sctp_error;
    bool sctp_down;
    bool swallow;    /* packets of our SCTP are not sent */
    uint8_t vtag[4]; /* of outgoing packets: the other's tag */
    uint8_t their_vtag[4];
    uint32_t next_tsn; /* seen in our outgoing DATA, + 1 */
    size_t n_messages, n_data, n_acks, n_resets_in, n_resets_out,
        n_plain;     /* n_plain: DTLS records' plaintexts */
    size_t n_aborts; /* ABORT chunks that came */
    struct raw_message log[RAW_LOG];
};

/* A pair whose side 1 is a raw peer. */
struct pair *raw_pair_new(uint64_t seed, const struct pair_opt *opt, struct raw **ret);
/* side 0 offers and the raw peer answers, or the other way; without waiting. setup: of the raw peer's description. */
int raw_answer(struct raw *r, const char *setup);
int raw_offer(struct raw *r, const char *setup);
/* Offers with this text of a browser: credentials, fingerprint and candidates become the raw peer's. 1 offered with a
 * data section that the answer takes, 0 there is none, or the error of the description. *ret_answer: yours, sotto_free. */
int raw_offer_like(struct raw *r, const char *text, char **ret_answer);
/* Offers, answers and waits until SCTP is up. is_client: the raw peer takes the DTLS client's part (even ids are its own). */
struct pair *raw_connected(uint64_t seed, bool is_client, struct raw **ret);

int raw_send(struct raw *r, uint16_t sid, uint32_t ppid, const void *p, size_t n);
int raw_open(struct raw *r, uint16_t sid, const char *label); /* a proper DATA_CHANNEL_OPEN */
void raw_reset(struct raw *r, uint16_t sid);
/* One SCTP packet with the right ports and tag and this chunk area, sealed and sent. */
void raw_packet(struct raw *r, const uint8_t *chunks, size_t n);
void raw_record(struct raw *r, const uint8_t *p, size_t n); /* any datagram on the pair */
const struct raw_message *raw_last(const struct raw *r);    /* NULL: none */

void raw_run(struct raw *r);
sotto_us raw_due(const struct raw *r);
void raw_free(struct raw *r);

#endif

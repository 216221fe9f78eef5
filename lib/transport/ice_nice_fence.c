/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a peer that knows the credentials must not make libnice do. It reads a socket empty in one go, and each check from a new source
 * costs it the more the more it has seen, so a full large socket of them would keep it busy for a minute: its sockets stay small where
 * checks get in, as data comes by the twin (ice_nice_twin.c). And it takes the other role at each error 487, for as long as they come
 * (RFC 8445 §7.2.5.1). In: turns, and datagrams before libnice reads them; out: sizes of buffers, and the count of conflicts.
 * answers: H044 H046 H048 H049
 */
#include <string.h>
#include <stun/stunagent.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/bytes.h"

#define HEAD 20u
#define ERROR 0x0111u
#define MAX_ANSWER 1500u

/* More than the limits of the system only with CAP_NET_ADMIN; what the system allows is taken. */
void sotto__nice_resize(struct ice *ice, int force, int plain, int size)
{
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    if (!sockets) return;
    for (guint i = 0; i < sockets->len; i++) {
        int fd = g_socket_get_fd(g_ptr_array_index(sockets, i));
        if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) != 0)
            (void)setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size);
    }
    g_ptr_array_unref(sockets);
}

/* Over a relay all comes by libnice's socket, checks of the peer too: then none that come past the relay are let in. */
static bool is_relayed(const struct ice *ice)
{
    return ice->pair_local && ice->pair_local->type == NICE_CANDIDATE_TYPE_RELAYED &&
           ice->nice_state == NICE_COMPONENT_STATE_READY;
}

void sotto__nice_fence(struct ice *ice)
{
    bool shut = is_relayed(ice);
    bool alone = ice->no_fast_path || ice->path.no_twin; /* libnice's is the only way */
    bool is_used = ice->pair_local || ice->room != 0; /* else the system's own size will do */
    int size = shut || (alone && ice->pair_local) ? SOTTO_SOCKET_BUFFER : SOTTO_SMALL_SOCKET;
    if (shut != ice->is_shut) {
        ice->is_shut = shut;
        sotto__nice_filter(ice);
    }
    if (!is_used || size == ice->room) return;
    ice->room = size;
    sotto__nice_resize(ice, SO_RCVBUFFORCE, SO_RCVBUF, size);
}

/* The transaction is not looked for: whoever can repeat errors of the peer can also keep its answers from us. */
void sotto__nice_note_conflict(struct ice *ice, const uint8_t *p, size_t n)
{
    StunAgent agent;
    StunMessage message;
    uint8_t copy[MAX_ANSWER];
    int code = 0;
    const char *pwd = ice->consent.remote_pwd;
    if (!pwd || n < HEAD || n > sizeof copy || sotto__get_u16(p) != ERROR) return;
    memcpy(copy, p, n);
    stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    StunAgentSavedIds *sent = &agent.sent_ids[0];
    memset(sent, 0, sizeof *sent);
    memcpy(sent->id, copy + 4, sizeof sent->id);
    sent->method = STUN_BINDING;
    sent->key = (uint8_t *)(uintptr_t)pwd;
    sent->key_len = strlen(pwd);
    sent->valid = true;
    if (stun_agent_validate(&agent, &message, copy, n, NULL, NULL) == STUN_VALIDATION_SUCCESS &&
        stun_message_find_error(&message, &code) == STUN_MESSAGE_RETURN_SUCCESS &&
        code == STUN_ERROR_ROLE_CONFLICT)
        ice->n_conflicts++, ice->all_conflicts++;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a status of HTTP means to a WHIP or WHEP client (RFC 9725 §4, RFC 9110 §15; unknown ones as x00 of their class). In: a status
 * that was none of those that go on; out: the error of the news, and whether coming again can help.
 * answers: A21
 */
#include "extra/whip_priv.h"

static const struct {
    int status;
    struct whip_meaning meaning;
} meanings[] = {
    {400, {SOTTO_E_STATE, true, "the server could not read the request"}},
    {401, {SOTTO_E_ACCESS, true, "the server wants a token, or another one"}},
    {403, {SOTTO_E_ACCESS, true, "the server does not allow it with this token"}},
    {404, {SOTTO_E_STATE, true, "the server knows nothing at this address"}},
    {405, {SOTTO_E_STATE, true, "the server takes no such request at this address"}},
    {406, {SOTTO_E_STATE, true, "the server does not accept what was offered"}},
    {408, {SOTTO_E_AGAIN, false, "the server waited too long for the request"}},
    {409, {SOTTO_E_AGAIN, false, "the server is not ready for it, or has the stream already"}},
    {410, {SOTTO_E_STATE, true, "what was at this address is gone"}},
    {412, {SOTTO_E_STATE, true, "the server has another state than we thought"}},
    {413, {SOTTO_E_STATE, true, "the request is too long for the server"}},
    {415, {SOTTO_E_STATE, true, "the server does not take application/sdp"}},
    {422, {SOTTO_E_STATE, true, "the server understands the request and does not do it"}},
    {425, {SOTTO_E_AGAIN, false, "the server wants the request later"}},
    {428, {SOTTO_E_STATE, true, "the server wants an ETag that it did not give"}},
    {429, {SOTTO_E_AGAIN, false, "too many requests for the server"}},
    {501, {SOTTO_E_STATE, true, "the server does not know such requests"}},
    {503, {SOTTO_E_AGAIN, false, "the server has no time"}},
    {505, {SOTTO_E_PROTO, true, "the server speaks another HTTP"}},
};

struct whip_meaning sotto__whip_meaning(int status, bool is_play)
{
    static const struct whip_meaning silent = {SOTTO_E_AGAIN, false, "nobody publishes there yet"};
    if (status == 404 && is_play) return silent;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].status == status) return meanings[i].meaning;
    if (status >= 500) return (struct whip_meaning){SOTTO_E_STATE, false, "the server failed"};
    if (status >= 400)
        return (struct whip_meaning){SOTTO_E_STATE, true, "the server refused the request"};
    if (status >= 300)
        return (struct whip_meaning){SOTTO_E_PROTO, true, "the server redirects as WHIP forbids"};
    return (struct whip_meaning){SOTTO_E_PROTO, true, "the server did not answer as WHIP says"};
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__nice_server_answer, what STUN and TURN servers say while candidates are gathered. Property: an error is 300…699 with
 * a printable text, or none; of one server's message the other kind's reader keeps nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/ice_nice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum ice_server_kind kinds[] = {ICE_SERVER_STUN, ICE_SERVER_TURN_UDP};
    size_t heard = 0;
    for (int i = 0; i < 2; i++) {
        struct nice_server s = {.kind = kinds[i]};
        struct stun_answer a;
        if (sotto__stun_answer(data, size, &a)) sotto__nice_server_answer(&s, &a);
        require(s.code == 0 || (s.code >= 300 && s.code <= 699));
        require(memchr(s.text, '\0', sizeof s.text) != NULL);
        require(s.code != 0 || s.text[0] == '\0');
        require(!(s.answered && s.code != 0)); /* of one message */
        for (const char *p = s.text; *p; p++) require(*p >= 0x20 && *p < 0x7f);
        heard += s.answered || s.code != 0;
    }
    require(heard <= 1);
    return 0;
}

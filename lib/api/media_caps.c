/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library can negotiate: W3C RTCRtpSender.getCapabilities() and RTCRtpReceiver.getCapabilities(), which are the same here.
 * A kind comes in, one block for the application goes out. It is the same in every context and at any time: no lock is held, and
 * nothing is known of connections.
 */
#include "peer/codecs.h"
#include "peer/exts.h"
#include "sotto/media.h"

SOTTO_API int sotto_capabilities(sotto_kind kind, sotto_codecs **ret)
{
    struct codec_list l;
    struct ext_map map = {0};
    struct ext_set set = {0};
    const char *uris[EXT_COUNT];
    size_t n = 0;
    if (!ret) return SOTTO_E_INVAL;
    if (kind != SOTTO_AUDIO && kind != SOTTO_VIDEO) return SOTTO_E_RANGE;
    sotto__exts_offer(kind, true, &map, &set);
    for (int i = 0; i < EXT_COUNT; i++)
        if (set.id[i]) uris[n++] = sotto__ext_uri((enum ext_id)i);
    int r = sotto__codecs_capabilities(kind, &l);
    if (r < 0) return r;
    r = sotto__codecs_public(kind, &l, uris, n, ret);
    sotto__codecs_free(&l);
    return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library without WHIP and WHEP (meson: -Dwhip=disabled): the functions of whip.h are there and say so. Stands in for whip*.c and
 * http*.c, and for libcurl.
 */
#include "sotto/whip.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the arguments of what does nothing */

#define NO ((int)SOTTO_E_UNSUPPORTED)

SOTTO_API int sotto_whip_publish(sotto_ctx *c, const sotto_whip_config *cfg, sotto_whip **ret)
{
    return NO;
}

SOTTO_API int sotto_whep_play(sotto_ctx *c, const sotto_whip_config *cfg, sotto_whip **ret)
{
    return NO;
}

SOTTO_API int sotto_whip_handle(sotto_whip *w, const sotto_event *e)
{
    return NO;
}

SOTTO_API int sotto_whip_next(sotto_whip *w, sotto_whip_news *ret)
{
    return NO;
}

SOTTO_API int sotto_whip_set_token(sotto_whip *w, const char *token)
{
    return NO;
}

SOTTO_API int sotto_whip_retry(sotto_whip *w)
{
    return NO;
}

SOTTO_API int sotto_whip_stop(sotto_whip *w)
{
    return NO;
}

SOTTO_API void sotto_whip_free(sotto_whip *w)
{
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library without explanations (meson: -Dexplain=disabled): sotto_pc_explain() and sotto_pc_explain_json() say so. Stands in for
 * explain.c, explain_verdict.c and explain_text.c; what happened is still written down (story.c), as it costs nothing.
 */
#include "peer/explain.h"

int sotto__peer_explain(struct peer *p, sotto_us now, double timestamp, sotto_stats **ret)
{
    (void)p, (void)now, (void)timestamp, (void)ret;
    return SOTTO_E_UNSUPPORTED;
}

int sotto__explain_text(const sotto_stats *report, char **ret)
{
    (void)report, (void)ret;
    return SOTTO_E_UNSUPPORTED;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_E2EE_FRAME_H
#define SOTTO_MEDIA_E2EE_FRAME_H
/*
 * Frames sealed and opened: what of them stays readable on the way, by codec. The format is described in docs/reference/end-to-end.md,
 * and others write it too.
 */
#include "media/e2ee.h"
#include "util/buf.h"
#include "wire/codec.h"

/* A frame as sotto_frame has it → what its packets carry, appended to out, which has its maximum. 0; SOTTO_E_SYNTAX not a frame of this
 * codec; SOTTO_E_TOO_BIG; SOTTO_E_UNSUPPORTED a codec that cannot be sealed; SOTTO_E_NOMEM; or as sotto__e2ee_seal(). */
int sotto__e2ee_seal_frame(struct e2ee *e, enum codec_id id, struct sframe_bytes frame,
                           struct buf *out);
/* And back: 0; SOTTO_E_PROTO: it is to be dropped, and was counted; SOTTO_E_NOMEM. */
int sotto__e2ee_open_frame(struct e2ee *e, struct e2ee_order *order, enum codec_id id,
                           struct sframe_bytes sealed, struct buf *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_PAYLOAD_INT_H
#define SOTTO_WIRE_PAYLOAD_INT_H
/*
 * What payload.c calls, by format; each as its counterpart in payload.h. split_…_init finds codec, p, n (≥ 1), max (≥ 100), is_key and
 * left = n set, and the cursor zero. peek_… finds *ret zero but for picture_id -1. join_… finds out->err == 0 and n ≥ 1; on failure
 * payload.c puts out->n and out->err back.
 */
#include "wire/payload.h"

int sotto__split_vp8_init(struct split *s, struct split_state *state);
void sotto__split_vp8_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes);
size_t sotto__split_vp8_next(struct split *s, uint8_t *out);
int sotto__peek_vp8(const uint8_t *p, size_t n, struct payload_info *ret);
int sotto__join_vp8(const struct payload_piece *pieces, size_t n, struct buf *out);
bool sotto__vp8_is_key(const uint8_t *p, size_t n);

int sotto__split_vp9_init(struct split *s, struct split_state *state);
void sotto__split_vp9_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes);
size_t sotto__split_vp9_next(struct split *s, uint8_t *out);
int sotto__peek_vp9(const uint8_t *p, size_t n, struct payload_info *ret);
int sotto__join_vp9(const struct payload_piece *pieces, size_t n, struct buf *out);
bool sotto__vp9_is_key(const uint8_t *p, size_t n);

int sotto__split_av1_init(struct split *s, struct split_state *state);
void sotto__split_av1_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes);
size_t sotto__split_av1_next(struct split *s, uint8_t *out);
int sotto__peek_av1(const uint8_t *p, size_t n, struct payload_info *ret);
int sotto__join_av1(const struct payload_piece *pieces, size_t n, struct buf *out);
bool sotto__av1_is_key(const uint8_t *p, size_t n);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_SOTTO_H
#define SOTTO_SOTTO_H
/**
 * @file sotto.h
 * The whole public API of sotto, a WebRTC peer connection library.
 */
#include <sotto/audio.h>
#include <sotto/base.h>
#include <sotto/cert.h>
#include <sotto/ctx.h>
#include <sotto/data.h>
#include <sotto/e2ee.h>
#include <sotto/event.h>
#include <sotto/media.h>
#include <sotto/pc.h>
#include <sotto/policy.h>
#include <sotto/reconnect.h>
#include <sotto/security.h>
#include <sotto/stats.h>
#include <sotto/verify.h>
#include <sotto/whip.h>
#endif

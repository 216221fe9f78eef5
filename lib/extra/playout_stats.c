/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a playout counted, under the names of W3C webrtc-stats: RTCAudioPlayoutStats, and the members of RTCInboundRtpStreamStats that
 * only a decoder knows. In: the counters; out: one JSON object. The connection's report does not have them: a playout belongs to none.
 */
#include "sotto/audio.h"
#include "util/buf.h"

#include <inttypes.h>

#define RATE 48000.0
#define MAX_TEXT 2048u

SOTTO_API int sotto_playout_get_stats_json(const sotto_playout *p, char **ret)
{
    sotto_playout_stats s = {.size = sizeof s};
    struct buf text;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto_playout_get_stats(p, &s);
    if (r < 0) return r;
    sotto__buf_init(&text, MAX_TEXT);
    sotto__buf_addf(&text,
                    "{\"type\":\"media-playout\",\"kind\":\"audio\",\"totalSamplesCount\":%" PRIu64
                    ",\"totalSamplesDuration\":%.6f,\"synthesizedSamplesDuration\":%.6f"
                    ",\"synthesizedSamplesEvents\":%" PRIu64,
                    s.frames_played, (double)s.frames_played / RATE,
                    (double)s.frames_concealed / RATE, s.concealment_events);
    sotto__buf_addf(&text,
                    ",\"concealedSamples\":%" PRIu64 ",\"silentConcealedSamples\":%" PRIu64
                    ",\"concealmentEvents\":%" PRIu64 ",\"insertedSamplesForDeceleration\":%" PRIu64
                    ",\"removedSamplesForAcceleration\":%" PRIu64 "}",
                    s.frames_concealed, s.frames_silent, s.concealment_events, s.frames_inserted,
                    s.frames_removed);
    *ret = sotto__buf_take_string(&text);
    return *ret ? 0 : SOTTO_E_NOMEM;
}

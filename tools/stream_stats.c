/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The progress line of `sotto publish` and `sotto play`, out of the statistics of the connection.
 */
#include "stream.h"

#include <inttypes.h>
#include <string.h>

static double number_of(const sotto_stat *s, const char *name, double otherwise)
{
    const sotto_stat_member *m = sotto_stat_member_of(s, name);
    if (!m) return otherwise;
    return m->kind == SOTTO_STAT_DOUBLE ? m->v.d : (double)m->v.i;
}

static uint64_t count_of(const sotto_stat *s, const char *name)
{
    double n = number_of(s, name, 0);
    return n > 0 ? (uint64_t)n : 0;
}

static void add(const sotto_stat *s, bool plays, struct stream_totals *t)
{
    if (strcmp(s->type, plays ? "inbound-rtp" : "outbound-rtp") == 0) {
        t->bytes += count_of(s, plays ? "bytesReceived" : "bytesSent");
        t->packets += count_of(s, plays ? "packetsReceived" : "packetsSent");
        t->frames += count_of(s, plays ? "framesReceived" : "framesSent");
        if (plays) t->lost += (int64_t)number_of(s, "packetsLost", 0);
    } else if (!plays && strcmp(s->type, "remote-inbound-rtp") == 0) {
        double lost = number_of(s, "fractionLost", -1);
        if (lost > t->fraction_lost) t->fraction_lost = lost;
    } else if (strcmp(s->type, "candidate-pair") == 0) {
        double rtt = number_of(s, "currentRoundTripTime", -1);
        const sotto_stat_member *selected = sotto_stat_member_of(s, "nominated");
        if (rtt >= 0 && (t->rtt < 0 || (selected && selected->v.i))) t->rtt = rtt;
    }
}

int stream_totals(sotto_pc *pc, bool plays, struct stream_totals *ret)
{
    sotto_stats *stats = NULL;
    int r = sotto_pc_get_stats(pc, NULL, &stats);
    *ret = (struct stream_totals){.rtt = -1, .fraction_lost = -1};
    for (size_t i = 0; r >= 0 && i < stats->n; i++) add(&stats->items[i], plays, ret);
    sotto_free(stats);
    return r;
}

/* Of what was received: of this span. Of what is sent: what the remote said last. */
static double loss(const struct stream_totals *was, const struct stream_totals *is)
{
    int64_t lost = is->lost - was->lost, came = (int64_t)(is->packets - was->packets);
    if (is->fraction_lost >= 0) return is->fraction_lost;
    return lost > 0 ? (double)lost / (double)(lost + came) : 0;
}

void stream_line(const struct stream_totals *was, const struct stream_totals *is, sotto_us span,
                 char *out, size_t cap)
{
    double seconds = (double)span / 1e6;
    char rtt[48] = "";
    if (seconds <= 0) seconds = 1;
    if (is->rtt >= 0) snprintf(rtt, sizeof rtt, "  round trip %.1f ms", is->rtt * 1e3);
    snprintf(out, cap, "%.0f kbit/s  %.1f frames/s%s  loss %.1f %%",
             (double)(is->bytes - was->bytes) * 8 / 1e3 / seconds,
             (double)(is->frames - was->frames) / seconds, rtt, loss(was, is) * 100);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Incoming RTP: which media section and which stream a packet belongs to (RFC 9143 §9.2: MID, a=ssrc, payload type; RFC 8852: RID and
 * repaired RID), repair streams (RFC 4588), redundancy (RFC 2198). In: authentic packets; out: packets for receivers. What is latched is
 * bounded, and only what a section negotiated is taken.
 * answers: H098 H099 H105
 */
#include <string.h>

#include "media/session.h"
#include "util/mem.h"

struct arrived { /* one packet on its way */
    struct rtp rtp;
    struct ext_values ext;
    const uint8_t *p;
    size_t n;
    sotto_us now;
};

struct receiver_cfg sotto__line_receiver_cfg(const struct line *line)
{
    struct receiver_cfg cfg = {
        .is_video = line->kind == SOTTO_VIDEO, .mode = line->mode, .target = line->target};
    if (sotto__e2ee_is_required(line->e2ee, SOTTO_E2EE_RECEIVE)) cfg.e2ee = line->e2ee;
    for (size_t i = 0; line->recv && i < line->recv->n; i++) {
        uint32_t feedback = line->recv->items[i].feedback;
        cfg.nack = cfg.nack || (feedback & FEEDBACK_NACK);
        cfg.pli = cfg.pli || (feedback & (FEEDBACK_PLI | FEEDBACK_FIR));
    }
    return cfg;
}

/* ---- which section ---- */

static struct line *line_by_mid(const struct session *s, struct str mid)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        if (line->receives && line->mid[0] && sotto__str_eq(mid, sotto__str(line->mid)))
            return line;
    }
    return NULL;
}

static const struct line_remote *remote_of(const struct line *line, uint32_t ssrc)
{
    for (size_t i = 0; i < line->n_remotes; i++)
        if (line->remotes[i].ssrc == ssrc || (ssrc && line->remotes[i].rtx_ssrc == ssrc))
            return &line->remotes[i];
    return NULL;
}

static struct line *line_by_ssrc(const struct session *s, uint32_t ssrc)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        if (line->receives && remote_of(line, ssrc)) return line;
    }
    return NULL;
}

/* The only section that receives this payload type; NULL: none, or several. */
static struct line *line_by_pt(const struct session *s, uint8_t pt)
{
    struct line *found = NULL;
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        if (!line->receives || !sotto__line_codec(line->recv, pt)) continue;
        if (found) return NULL;
        found = line;
    }
    return found;
}

/* Ids of header extensions mean the same in all sections of the bundle: any section that receives can read a MID. */
static void read_extensions(const struct session *s, struct arrived *a, const struct line *line)
{
    a->ext.has = 0;
    if (line) {
        sotto__ext_read(&a->rtp, line->ids, &a->ext);
        return;
    }
    for (struct node *n = s->lines.next; n != &s->lines && !(a->ext.has & 1u << EXT_MID);
         n = n->next) {
        const struct line *any = CONTAINER_OF(n, struct line, all);
        if (any->receives) sotto__ext_read(&a->rtp, any->ids, &a->ext);
    }
}

static struct line *find_line(struct session *s, struct arrived *a, bool *signalled)
{
    struct line *line;
    read_extensions(s, a, NULL);
    *signalled = true;
    if (a->ext.has & 1u << EXT_MID) {
        line = line_by_mid(s, a->ext.mid);
    } else {
        line = line_by_ssrc(s, a->rtp.ssrc);
        if (!line) {
            *signalled = false;
            line = line_by_pt(s, a->rtp.pt);
        }
    }
    if (line) read_extensions(s, a, line);
    return line;
}

/* ---- which stream ---- */

static struct source *source_of_rid(const struct session *s, const struct line *line,
                                    struct str rid)
{
    for (struct node *n = s->sources.prev; n != &s->sources; n = n->prev) { /* the youngest */
        struct source *src = CONTAINER_OF(n, struct source, all);
        if (src->line == line && !src->is_repair && src->rid &&
            sotto__str_eq(rid, sotto__str(src->rid)))
            return src;
    }
    return NULL;
}

static struct source *only_source(const struct session *s, const struct line *line)
{
    struct source *found = NULL;
    for (struct node *n = s->sources.next; n != &s->sources; n = n->next) {
        struct source *src = CONTAINER_OF(n, struct source, all);
        if (src->line != line || src->is_repair || src->rid) continue;
        if (found) return NULL;
        found = src;
    }
    return found;
}

/* Whose packets a repair stream repeats: as signalled (ssrc-group FID), by its repaired RID, or because there is only one. */
static struct source *find_primary(const struct session *s, const struct source *src,
                                   const struct arrived *a)
{
    const struct line_remote *remote = remote_of(src->line, src->ssrc);
    if (remote && remote->rtx_ssrc == src->ssrc) return sotto__session_source(s, remote->ssrc);
    if (a->ext.has & 1u << EXT_RRID) return source_of_rid(s, src->line, a->ext.rrid);
    if (src->rid) return source_of_rid(s, src->line, sotto__str(src->rid));
    return only_source(s, src->line);
}

/* A place for one more source: there are few, or one was silent for long. */
static bool make_room(struct session *s, sotto_us now, bool signalled)
{
    if (!signalled && s->n_unsignalled >= SOTTO_MAX_UNSIGNALLED) {
        struct source *old = NULL;
        for (struct node *n = s->sources.next; n != &s->sources && !old; n = n->next) {
            struct source *src = CONTAINER_OF(n, struct source, all);
            if (!src->signalled && now - src->last >= SOTTO_SOURCE_IDLE_US) old = src;
        }
        if (!old || !sotto__session_forget(s, old)) return false;
    }
    if (s->n_sources < SOTTO_MAX_SSRCS) return true;
    struct source *oldest = CONTAINER_OF(s->sources.next, struct source, all);
    return now - oldest->last >= SOTTO_SOURCE_IDLE_US && sotto__session_forget(s, oldest);
}

static bool add_receiver(struct source *src)
{
    struct receiver_cfg cfg = sotto__line_receiver_cfg(src->line);
    return sotto__receiver_new(&src->receiver, &cfg) == 0;
}

/* The first RID that a stream shows is its own for good; of a repair stream it is that of what it repairs (RFC 8852 §3). false: no
 * memory. */
static bool latch_rid(struct source *src, const struct arrived *a)
{
    bool repaired = src->is_repair && (a->ext.has & 1u << EXT_RRID);
    if (src->rid || !(repaired || (a->ext.has & 1u << EXT_RID))) return true;
    struct str rid = repaired ? a->ext.rrid : a->ext.rid;
    src->rid = sotto__strndup(rid.p, rid.n);
    return src->rid != NULL;
}

/* Latches a new SSRC. NULL: it is not to be had. */
static struct source *add_source(struct session *s, const struct arrived *a, struct line *line,
                                 const struct codec *codec, bool signalled)
{
    if (!make_room(s, a->now, signalled)) {
        s->stats.crowded++;
        return NULL;
    }
    struct source *src = sotto__calloc(1, sizeof *src);
    if (!src) return NULL;
    src->ssrc = a->rtp.ssrc;
    src->line = line;
    src->signalled = signalled;
    src->is_repair = codec->id == CODEC_RTX;
    src->since = src->last = a->now;
    bool ok = src->is_repair || add_receiver(src);
    if (!ok || !latch_rid(src, a) || sotto__map_put(&s->by_ssrc, src->ssrc, src) < 0) {
        sotto__receiver_free(src->receiver);
        sotto__free(src->rid);
        sotto__free(src);
        return NULL;
    }
    sotto__list_push(&s->sources, &src->all);
    line->n_sources++;
    s->n_sources++;
    if (!signalled) s->n_unsignalled++;
    return src;
}

/* The stream of a packet, known or new. NULL: to be dropped. */
static struct source *find_source(struct session *s, struct arrived *a, const struct codec **codec)
{
    bool signalled = true;
    struct source *src = sotto__session_source(s, a->rtp.ssrc);
    struct line *line = src ? src->line : find_line(s, a, &signalled);
    if (src) read_extensions(s, a, line);
    if (src && (a->ext.has & 1u << EXT_MID) && !sotto__str_eq(a->ext.mid, sotto__str(line->mid))) {
        struct line *other = line_by_mid(s, a->ext.mid); /* it moved: RFC 9143 §9.2 */
        if (!other || !sotto__line_codec(other->recv, a->rtp.pt)) return NULL;
        sotto__session_drop_source(s, src);
        src = NULL;
        line = other;
    }
    *codec = line ? sotto__line_codec(line->recv, a->rtp.pt) : NULL;
    if (!*codec) return NULL;
    if (!src && sotto__session_collides(s, a->now, a->rtp.ssrc)) return NULL;
    if (!src) return add_source(s, a, line, *codec, signalled);
    if (src->is_repair != ((*codec)->id == CODEC_RTX) || !latch_rid(src, a)) return NULL;
    sotto__list_remove(&src->all); /* the list is in the order of silence */
    sotto__list_push(&s->sources, &src->all);
    return src;
}

/* ---- what is in it ---- */

static void unmute(struct session *s, struct line *line)
{
    if (line->unmuted) return;
    line->unmuted = line->tell_mute = s->news = true;
}

#define MAX_REBUILT 2048u
struct rebuilt {
    uint8_t bytes[MAX_REBUILT];
};

/* A repeated packet as it was: for applications that want packets. Its extensions were not repeated. false: too large. */
static bool rebuild(struct arrived *a, struct rebuilt *to)
{
    size_t n = RTP_HEADER + a->rtp.n_payload;
    if (n > sizeof to->bytes) return false;
    a->rtp.has_ext = false;
    sotto__rtp_write(&a->rtp, to->bytes);
    memcpy(to->bytes + RTP_HEADER, a->rtp.payload, a->rtp.n_payload);
    a->p = to->bytes;
    a->n = n;
    return true;
}

static void give(struct session *s, struct source *src, struct arrived *a,
                 const struct codec *codec, bool is_repair)
{
    struct rebuilt copy;
    if (is_repair && src->line->mode == SOTTO_RECEIVE_RTP && !rebuild(a, &copy)) return;
    sotto__reception_packet(&src->reception, a->now, a->rtp.seq, a->rtp.time, codec->clock,
                            is_repair);
    if (s->is_held) return;
    src->last_pt = codec->pt;
    sotto__receiver_set_rtt(src->receiver, s->rtt);
    sotto__receiver_input(src->receiver, a->now, &a->rtp, &a->ext, codec, is_repair, a->p, a->n);
    sotto__session_source_ready(s, src);
    s->check_at = sotto__earlier(s->check_at, sotto__receiver_due(src->receiver));
    s->check_at = sotto__earlier(s->check_at, sotto__e2ee_due(src->line->e2ee));
    unmute(s, src->line);
}

/* Redundant blocks are packets before this one; receivers drop those that they have. Each is of the packet before the next. */
static void give_red(struct session *s, struct source *src, const struct arrived *a)
{
    struct red_block blocks[RED_MAX_BLOCKS];
    size_t n;
    if (sotto__red_parse(a->rtp.payload, a->rtp.n_payload, blocks, &n) < 0) {
        s->stats.malformed++;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct codec *codec = sotto__line_codec(src->line->recv, blocks[i].pt);
        struct arrived one = *a;
        if (!codec || codec->id == CODEC_RED || codec->id == CODEC_RTX || blocks[i].n == 0)
            continue;
        one.rtp.seq = (uint16_t)(a->rtp.seq - (n - 1 - i));
        one.rtp.time = a->rtp.time - blocks[i].offset;
        one.rtp.pt = blocks[i].pt;
        one.rtp.payload = blocks[i].p;
        one.rtp.n_payload = blocks[i].n;
        one.rtp.marker = i + 1 == n && a->rtp.marker;
        give(s, src, &one, codec, i + 1 < n);
    }
}

/* Packets without payload are probes: their sequence numbers are not missing. So it is with tones, which nobody decodes. */
static void give_any(struct session *s, struct source *src, struct arrived *a,
                     const struct codec *codec, bool is_repair)
{
    bool raw = src->line->mode == SOTTO_RECEIVE_RTP;
    if (codec->id == CODEC_RED && !raw && a->rtp.n_payload > 0) {
        give_red(s, src, a);
        return;
    }
    if (codec->id == CODEC_DTMF && !raw) a->rtp.n_payload = 0;
    give(s, src, a, codec, is_repair);
}

static void give_repair(struct session *s, struct source *src, struct arrived *a,
                        const struct codec *rtx)
{
    src->repair_packets++;
    src->repair_bytes += a->rtp.n_payload;
    if (!src->primary) src->primary = find_primary(s, src, a);
    if (a->rtp.n_payload == 0) return; /* a probe */
    const struct codec *codec = sotto__line_codec(src->line->recv, (uint8_t)rtx->apt);
    if (!src->primary || !codec || codec->id == CODEC_RTX || rtx->apt < 0) return;
    if (sotto__rtp_unwrap_rtx(&a->rtp, codec->pt, src->primary->ssrc) < 0) {
        s->stats.malformed++;
        return;
    }
    give_any(s, src->primary, a, codec, true);
}

void sotto__session_rtp(struct session *s, sotto_us now, const uint8_t *p, size_t n)
{
    struct arrived a;
    const struct codec *codec;
    a.p = p, a.n = n, a.now = now;
    if (sotto__rtp_parse(p, n, &a.rtp) < 0) {
        s->stats.malformed++;
        return;
    }
    uint64_t counted = s->stats.looped + s->stats.crowded;
    struct source *src = find_source(s, &a, &codec);
    if (!src) { /* for one reason only */
        s->stats.unroutable += counted == s->stats.looped + s->stats.crowded;
        return;
    }
    src->last = now;
    if (a.ext.has & 1u << EXT_TWCC && !s->is_held) {
        sotto__arrivals_packet(&s->arrivals, now, a.ext.twcc);
        s->twcc_ssrc = a.rtp.ssrc;
    }
    if (codec->id == CODEC_RTX)
        give_repair(s, src, &a, codec);
    else
        give_any(s, src, &a, codec, false);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sotto publish URL` and `sotto play URL`: one stream to or from a media server. The library's helper does what signaling needs and comes
 * back after a loss; here frames are made, or written, and a line says how it goes. In: signals, and the token again at SIGHUP.
 */
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo_media.h"
#include "tools.h"

#define PROGRESS_US 1000000

struct stream {
    struct stream_options o;
    sotto_ctx *ctx;
    sotto_whip *whip;
    const char *name;             /* "sotto publish" */
    sotto_pc *pc;                 /* the helper's; NULL: none */
    sotto_transceiver *tracks[2]; /* of pc: video, audio */
    struct sender *senders[2];
    struct recorder *recorder; /* of this connection */
    unsigned connections;
    bool is_connected, is_over;
    int code;
    sotto_us begun, end_at; /* end_at: 0 never */
    sotto_us line_at;       /* the next progress line */
    struct stream_totals was;
    sotto_us was_at;
};

static void say(const struct stream *s, const char *text)
{
    fprintf(stderr, "%s: %s\n", s->name, text);
}

static void fail(struct stream *s, const char *what, int code)
{
    fprintf(stderr, "%s: %s: %s\n", s->name, what, sotto_strerror(code));
    s->code = 1;
    s->is_over = true;
}

/* --- media ----------------------------------------------------------------------------------------------------------- */

static void stop_media(struct stream *s)
{
    for (int k = 0; k < 2; k++) {
        sender_stop(s->senders[k]);
        s->senders[k] = NULL;
        s->tracks[k] = NULL;
    }
    recorder_free(s->recorder);
    s->recorder = NULL;
    s->pc = NULL;
    s->is_connected = false;
}

static void start_senders(struct stream *s)
{
    for (int k = 0; k < 2; k++) {
        if (!s->tracks[k] || s->senders[k]) continue;
        int r = sender_start(&s->o.from.sources, s->tracks[k], &s->senders[k]);
        if (r == SOTTO_E_UNSUPPORTED)
            fail(s,
                 k == 0 ? "the server takes no codec of the picture"
                        : "the server takes no codec of the sound",
                 r);
        else if (r < 0)
            fail(s, "nothing can be sent", r);
    }
}

static struct sender *sender_of(const struct stream *s, const sotto_transceiver *t)
{
    for (int k = 0; k < 2; k++)
        if (s->senders[k] && s->tracks[k] == t) return s->senders[k];
    return NULL;
}

static void on_frame(struct stream *s, sotto_transceiver *t, const sotto_frame *f)
{
    bool is_video = sotto_transceiver_kind(t) == SOTTO_VIDEO;
    if (!s->recorder) return;
    if (recorder_put(s->recorder, t, f) == 0 && is_video)
        sotto_transceiver_request_keyframe(t, f->rid); /* rate-limited; it fails only where nothing comes any more */
}

static void on_event(struct stream *s, const sotto_event *e)
{
    struct sender *to;
    switch (e->type) {
    case SOTTO_EV_FRAME: on_frame(s, e->u.frame.transceiver, e->u.frame.frame); break;
    case SOTTO_EV_KEYFRAME_NEEDED:
        to = sender_of(s, e->u.media.transceiver);
        if (to) sender_need_key(to);
        break;
    case SOTTO_EV_TARGET_BITRATE:
        to = sender_of(s, e->u.bitrate.transceiver);
        if (to) sender_set_bitrate(to, e->u.bitrate.bps, e->u.bitrate.loss);
        break;
    case SOTTO_EV_WARNING: say(s, e->u.warning.text); break;
    default: break;
    }
}

/* --- the helper's news ------------------------------------------------------------------------------------------------- */

static void on_new(struct stream *s, const sotto_whip_news *n)
{
    stop_media(s);
    s->pc = n->pc;
    if (!s->o.plays) return;
    s->recorder = recorder_new(s->o.directory, ++s->connections);
    if (!s->recorder) fail(s, "recording", SOTTO_E_NOMEM);
}

static void on_connected(struct stream *s, const sotto_whip_news *n)
{
    s->tracks[0] = n->video, s->tracks[1] = n->audio;
    if (!s->o.plays) start_senders(s);
    if (s->is_connected) return; /* ICE was restarted: the sums go on */
    say(s, "connected");
    s->is_connected = true;
    s->was = (struct stream_totals){.rtt = -1, .fraction_lost = -1};
    s->was_at = sotto_now();
    s->line_at = s->was_at + PROGRESS_US;
}

static void on_loss(struct stream *s, const sotto_whip_news *n)
{
    char status[32] = "";
    if (n->status) snprintf(status, sizeof status, " (HTTP %d)", n->status);
    stop_media(s); /* the connection goes with the next call of the helper */
    if (n->state == SOTTO_WHIP_RETRYING) {
        fprintf(stderr, "%s: %s%s; again in %.1f s\n", s->name, n->reason, status,
                (double)n->wait / 1e6);
        return;
    }
    fprintf(stderr, "%s: %s%s\n", s->name, n->reason, status);
    s->code = 1;
    s->is_over = true;
}

static void on_news(struct stream *s, const sotto_whip_news *n)
{
    switch (n->state) {
    case SOTTO_WHIP_NEW: on_new(s, n); break;
    case SOTTO_WHIP_CONNECTED: on_connected(s, n); break;
    case SOTTO_WHIP_RESTARTING: say(s, "the path is lost: ICE is restarted"); break;
    case SOTTO_WHIP_RETRYING:
    case SOTTO_WHIP_REFUSED: on_loss(s, n); break;
    case SOTTO_WHIP_ENDED:
        stop_media(s);
        s->is_over = true;
        break;
    default: break;
    }
}

static void take_news(struct stream *s)
{
    sotto_whip_news news = {.size = sizeof news};
    int r;
    while (!s->is_over && (r = sotto_whip_next(s->whip, &news)) != 0) {
        if (r < 0)
            fail(s, "the helper", r);
        else
            on_news(s, &news);
    }
}

/* --- the loop ---------------------------------------------------------------------------------------------------------- */

/* A terminal gets one line that changes, a file one line a second. */
static void progress(struct stream *s, sotto_us now)
{
    struct stream_totals is;
    char line[160];
    bool is_terminal = isatty(STDOUT_FILENO);
    if (!s->is_connected || now < s->line_at) return;
    s->line_at = now + PROGRESS_US;
    if (s->o.quiet || stream_totals(s->pc, s->o.plays, &is) < 0) return;
    stream_line(&s->was, &is, now - s->was_at, line, sizeof line);
    printf("%s%4.0f s  %s%s", is_terminal ? "\r" : "", (double)(now - s->begun) / 1e6, line,
           is_terminal ? "   " : "\n");
    fflush(stdout);
    s->was = is;
    s->was_at = now;
}

static void end(struct stream *s)
{
    if (s->end_at == INT64_MAX || sotto_whip_stop(s->whip) < 0) s->is_over = true; /* the second time it does not wait */
    s->end_at = INT64_MAX;
}

static void on_signal(struct stream *s, int signals)
{
    int number;
    char *token;
    while ((number = options_signal(signals)) != 0) {
        if (number != SIGHUP) {
            end(s);
        } else if (stream_token(&s->o, &token) == 0) {
            int r = sotto_whip_set_token(s->whip, token);
            if (r < 0) fprintf(stderr, "%s: the token: %s\n", s->name, sotto_strerror(r));
            if (token) explicit_bzero(token, strlen(token));
            free(token);
        }
    }
}

static int sleep_ms(const struct stream *s, sotto_us now)
{
    sotto_us at = s->is_connected ? s->line_at : INT64_MAX;
    if (s->end_at != 0 && s->end_at < at) at = s->end_at;
    if (at == INT64_MAX) return -1;
    return at <= now ? 0 : (int)((at - now + 999) / 1000);
}

static void run(struct stream *s, int signals)
{
    struct pollfd fds[2] = {{.fd = sotto_ctx_fd(s->ctx), .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};
    sotto_event *e;
    int r;
    take_news(s);
    while (!s->is_over) {
        if (poll(fds, 2, sleep_ms(s, sotto_now())) < 0 && errno != EINTR) break;
        if (fds[1].revents) on_signal(s, signals);
        for (int i = 0; i < 256 && (r = sotto_ctx_next(s->ctx, &e)) != 0; i++) {
            if (r < 0) {
                fail(s, "no more events", r);
                break;
            }
            (void)sotto_whip_handle(s->whip, e); /* what is the helper's may be ours, too */
            on_event(s, e);
            sotto_event_free(e);
        }
        take_news(s);
        if (s->end_at != 0 && s->end_at != INT64_MAX && sotto_now() >= s->end_at) end(s);
        progress(s, sotto_now());
    }
    if (isatty(STDOUT_FILENO)) putchar('\n');
}

static int open_whip(const struct stream *s, const sotto_whip_config *cfg, sotto_whip **ret)
{
    return (s->o.plays ? sotto_whep_play : sotto_whip_publish)(s->ctx, cfg, ret);
}

static bool is_right(const struct stream *s, const sotto_whip_config *cfg)
{
    sotto_whip *w = NULL;
    int r = open_whip(s, cfg, &w);
    sotto_whip_free(w); /* nothing has gone out yet */
    return r >= 0;
}

/* Which of the texts it was. */
static const char *find_wrong(const struct stream *s, sotto_whip_config cfg)
{
    cfg.token = NULL;
    if (is_right(s, &cfg)) return "the token";
    cfg.pin = NULL;
    return is_right(s, &cfg) ? "the pin" : "the URL";
}

static void blame(struct stream *s, const sotto_whip_config *cfg, int r)
{
    const char *what = "cannot begin";
    if (r == SOTTO_E_ACCESS) what = "the URL: plain http goes to this machine only";
    if (r == SOTTO_E_SYNTAX || r == SOTTO_E_LIMIT) what = find_wrong(s, *cfg);
    fail(s, what, r);
    if (r == SOTTO_E_ACCESS || r == SOTTO_E_SYNTAX || r == SOTTO_E_LIMIT) s->code = 2;
}

static void begin(struct stream *s)
{
    const struct stream_options *o = &s->o;
    sotto_pc_config pc = {.size = sizeof pc,
                          .interface = o->interface,
                          .allow_loopback = strncmp(o->url, "http:", 5) == 0};
    sotto_whip_config cfg = {.size = sizeof cfg,
                             .url = o->url,
                             .ca_file = o->ca_file,
                             .pin = o->pin,
                             .pc = &pc,
                             .no_audio = o->no_audio,
                             .no_video = o->no_video};
    char *token;
    if (stream_token(o, &token) < 0) {
        s->code = 2;
        return;
    }
    cfg.token = token;
    int r = open_whip(s, &cfg, &s->whip);
    if (r < 0) blame(s, &cfg, r);
    if (token) explicit_bzero(token, strlen(token));
    free(token);
}

/* Where files go, or what is sent. */
static int open_ends(struct stream *s)
{
    if (!s->o.plays) return options_open(&s->o.from);
    if (mkdir(s->o.directory, 0777) == 0 || errno == EEXIST) return 0;
    fprintf(stderr, "%s: %s: %s\n", s->name, s->o.directory, strerror(errno));
    return -1;
}

int tools_stream(int argc, char **argv)
{
    struct stream s = {.code = 0};
    int r = stream_options(argc, argv, &s.o), signals;
    if (r >= 0) return r;
    s.name = s.o.plays ? "sotto play" : "sotto publish";
    s.begun = sotto_now();
    s.end_at = s.o.seconds ? s.begun + s.o.seconds * (sotto_us)1000000 : 0;
    signals = options_signals(true); /* before there are threads: they block these signals too */
    r = signals >= 0 ? tools_context(s.o.verbose, &s.ctx) : SOTTO_E_SYS;
    if (r >= 0 && open_ends(&s) < 0) {
        s.code = 1;
    } else if (r < 0) {
        fail(&s, "cannot begin", r);
    } else {
        begin(&s);
        if (s.whip) run(&s, signals);
    }
    stop_media(&s);
    sotto_whip_free(s.whip);
    sotto_ctx_free(s.ctx);
    options_close(&s.o.from);
    if (signals >= 0) close(signals);
    return s.code;
}

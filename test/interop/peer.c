/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that is told what to do: the library's side of the browser tests. One command a line on standard input, one report a
 * line on standard output; fields are divided by tabs, "\n" inside a field stands for a newline. n: number of a connection,
 * i: number of a channel (given by "dc" and "channel"), t: a transceiver: its place in the list, "mid:M", or "?R": one that is not
 * stopped, R modulo their number.
 * In:  new n [trickle] [loopback] [max=BYTES] [bundle=N] [relay] [privacy=N] [server=URL[|NAME|PASSWORD]]… · describe n (or offer n)
 *      · D n TYPE SDP
 *      · C n MID LINE [UFRAG] · create n offer|answer [restart] · set n local|remote TYPE [SDP|created] · write n (gives D)
 *      · perfect n polite|impolite · restart n · transceiver n KIND DIRECTION [stream=S]… [rid=R]… · track n KIND [stream=S]…
 *      · untrack n t · direction n t DIRECTION · stop n t · prefs n t MIME… · codecs n t · params n t · look n · stats n
 *      · open n LABEL [unordered] [rtx=N] [life=N] [id=N] [protocol=P] · send i text|bin SIZE COUNT · say i TEXT · flow i MS
 *      · play n t [FILE] · record n DIRECTORY · recorded n · reflect n t · key n t · dtmf n t TONES · frames n
 *      · forward n t m u [FILE] · attack n t tamper|replay|swap|drop FRAMES · forwarded n t
 *      · e2ee n t send|receive KID SUITE HEX [RATCHET-BITS] · e2eeremove n t send|receive KID · ratchet n t
 *      · sealed n t send|receive · e2eedc i send|receive KID SUITE HEX
 *      · mode n echo|sink|report|numbered · reading n 0|1 · count i · close i · pcclose n · free n · rss
 * Out: D n TYPE SDP · C n MID LINE UFRAG · server n CODE URL TEXT · created n TYPE SDP · set n CODE REASON · ignored|yielded n · needed n
 *      · track|untrack n MID STREAMS · state n CONNECTION ICE GATHERING SIGNALING · codecs n CODEC… · params n ENCODING…
 *      · look n SIGNALING CONNECTION DTLS UFRAG REMOTE-UFRAG TRANSCEIVERS LOCAL REMOTE · stats n JSON
 *      · play|record|reflect|key|dtmf n CODE · recorded n · frames n COUNTS… · tone n TONE
 *      · forward|attack n CODE · forwarded n FRAMES ATTACKED REFUSED
 *      · e2ee|ratchet n CODE · e2eedc i CODE · sealed n CIPHER KID PASSED NO-KEY BAD REPLAYED OLD
 *      · dc i · channel n i LABEL PROTOCOL UNORDERED RELIABILITY LIMIT ID · open i · msg i text|bin LENGTH HASH · sent i COUNT HASH
 *      · flow i COUNT · gap i GOT WANTED · count i MESSAGES BYTES HASH · closing i · closed i CODE · rss KB · error COMMAND CODE
 */
#include "peer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE (1u << 20)

struct conn conns[MAX_PCS];
struct chan chans[MAX_DCS];
size_t n_chans;
sotto_ctx *ctx;
static char input[MAX_LINE];
static size_t n_input;

void write_field(const char *s)
{
    putchar('\t');
    for (; *s; s++) {
        if (*s == '\n')
            fputs("\\n", stdout);
        else if (*s != '\r' && *s != '\t')
            putchar(*s);
    }
}

void report(const char *what, int code)
{
    printf("error\t%s\t%d\n", what, code);
}

static int find_conn(const sotto_pc *pc)
{
    for (int i = 0; i < MAX_PCS; i++)
        if (conns[i].pc == pc && pc) return i;
    return -1;
}

/* --- commands ------------------------------------------------------------------------------------------------------- */

static void do_rss(int n, char **fields, int n_f)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;
    (void)n;
    (void)fields;
    (void)n_f;
    while (f && kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0) kb = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    printf("rss\t%ld\n", kb);
}

static void do_mode(int n, char **f, int n_f)
{
    (void)n_f;
    conns[n].mode = f[2][0];
}

static void do_reading(int n, char **f, int n_f)
{
    (void)n_f;
    sotto_pc_set_reading(conns[n].pc, f[2][0] == '1');
}

static void do_pcclose(int n, char **f, int n_f)
{
    (void)f;
    (void)n_f;
    sotto_pc_close(conns[n].pc);
}

static void do_free(int n, char **f, int n_f)
{
    (void)f;
    (void)n_f;
    end_forwarding(n);
    end_media(n);
    forget_created(n);
    sotto_event_free(conns[n].held);
    sotto_pc_free(conns[n].pc);
    conns[n] = (struct conn){0};
}

enum scope { ALONE, NEW, CONN, CHAN, DEAD }; /* DEAD: a channel that may be closed */

static const struct command {
    const char *name;
    enum scope scope;
    int fields; /* at least, its name too */
    void (*run)(int n, char **f, int n_f);
} commands[] = {
    {"new", NEW, 2, do_new},
    {"rss", ALONE, 1, do_rss},
    {"offer", CONN, 2, do_describe},
    {"describe", CONN, 2, do_describe},
    {"D", CONN, 4, do_remote},
    {"C", CONN, 4, do_candidate},
    {"create", CONN, 3, do_create},
    {"set", CONN, 4, do_set},
    {"write", CONN, 2, do_write},
    {"perfect", CONN, 3, do_perfect},
    {"restart", CONN, 2, do_restart},
    {"transceiver", CONN, 4, do_transceiver},
    {"track", CONN, 3, do_track},
    {"untrack", CONN, 3, do_untrack},
    {"direction", CONN, 4, do_direction},
    {"stop", CONN, 3, do_stop},
    {"prefs", CONN, 3, do_prefs},
    {"codecs", CONN, 3, do_codecs},
    {"params", CONN, 3, do_params},
    {"look", CONN, 2, do_look},
    {"stats", CONN, 2, do_stats},
    {"open", CONN, 3, do_open},
    {"play", CONN, 3, do_play},
    {"record", CONN, 3, do_record},
    {"recorded", CONN, 2, do_recorded},
    {"reflect", CONN, 3, do_reflect},
    {"key", CONN, 3, do_key},
    {"dtmf", CONN, 4, do_dtmf},
    {"frames", CONN, 2, do_frames},
    {"forward", CONN, 5, do_forward},
    {"attack", CONN, 5, do_attack},
    {"forwarded", CONN, 3, do_forwarded},
    {"e2ee", CONN, 7, do_e2ee},
    {"e2eeremove", CONN, 5, do_e2ee_remove},
    {"ratchet", CONN, 3, do_ratchet},
    {"sealed", CONN, 4, do_sealed},
    {"mode", CONN, 3, do_mode},
    {"reading", CONN, 3, do_reading},
    {"pcclose", CONN, 2, do_pcclose},
    {"free", CONN, 2, do_free},
    {"send", CHAN, 5, do_send},
    {"say", CHAN, 3, do_say},
    {"flow", CHAN, 3, do_flow},
    {"close", CHAN, 2, do_close},
    {"e2eedc", CHAN, 6, do_e2ee_channel},
    {"count", DEAD, 2, do_count},
};

static void run_command(const struct command *c, char **f, int n_f)
{
    unsigned long n = n_f > 1 ? strtoul(f[1], NULL, 10) : 0;
    int error = 0;
    if (n_f < c->fields)
        error = SOTTO_E_INVAL;
    else if (c->scope == CHAN || c->scope == DEAD)
        error = n >= n_chans                       ? SOTTO_E_RANGE
                : c->scope == CHAN && !chans[n].dc ? SOTTO_E_CLOSED
                                                   : 0;
    else if (c->scope == NEW || c->scope == CONN)
        error = n >= MAX_PCS ? SOTTO_E_RANGE : c->scope == CONN && !conns[n].pc ? SOTTO_E_STATE : 0;
    if (error)
        report(f[0], error);
    else
        c->run((int)n, f, n_f);
}

static void on_line(char *line)
{
    char *f[MAX_FIELDS] = {line};
    int n_f = 1;
    for (char *p = line, *to = line;; p++) {
        if (p[0] == '\\' && p[1] == 'n') {
            *to++ = '\n';
            p++;
        } else if (*p == '\t' && n_f < MAX_FIELDS) {
            *to++ = '\0';
            f[n_f++] = to;
        } else {
            *to++ = *p;
            if (!*p) break;
        }
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(f[0], commands[i].name) == 0) {
            run_command(&commands[i], f, n_f);
            return;
        }
    }
    report(f[0], SOTTO_E_INVAL);
}

static void read_commands(void)
{
    ssize_t n = read(STDIN_FILENO, input + n_input, sizeof input - 1 - n_input);
    char *start = input, *end;
    if (n <= 0) { /* the end: first of the threads that send */
        for (int i = 0; i < MAX_PCS; i++)
            if (conns[i].pc) do_free(i, NULL, 0);
        sotto_ctx_free(ctx);
        exit(0);
    }
    n_input += (size_t)n;
    input[n_input] = '\0';
    while ((end = strchr(start, '\n'))) {
        *end = '\0';
        on_line(start);
        start = end + 1;
    }
    n_input -= (size_t)(start - input);
    memmove(input, start, n_input);
}

/* --- events --------------------------------------------------------------------------------------------------------- */

static void on_state(int n, const sotto_event *e)
{
    struct conn *c = &conns[n];
    printf("state\t%d\t%d\t%d\t%d\t%d\n", n, e->u.state.connection, e->u.state.ice,
           e->u.state.gathering, e->u.state.signaling);
    if (!c->trickle && !c->described && e->u.state.gathering == SOTTO_GATHERING_COMPLETE)
        write_description(n);
}

static void on_candidate(int n, const sotto_event *e)
{
    if (!conns[n].trickle) return;
    printf("C\t%d", n);
    write_field(e->u.candidate.mid);
    write_field(e->u.candidate.line);
    write_field(e->u.candidate.ufrag);
    putchar('\n');
}

static void on_server(int n, const sotto_event *e)
{
    printf("server\t%d\t%d", n, e->u.candidate_error.code);
    write_field(e->u.candidate_error.url);
    write_field(e->u.candidate_error.text);
    putchar('\n');
}

static void on_event(sotto_event *e)
{
    int n = find_conn(e->pc);
    bool kept = false;
    if (n < 0) {
        sotto_event_free(e);
        return;
    }
    switch (e->type) {
    case SOTTO_EV_STATE: on_state(n, e); break;
    case SOTTO_EV_NEGOTIATION_NEEDED: on_negotiation_needed(n); break;
    case SOTTO_EV_CANDIDATE: on_candidate(n, e); break;
    case SOTTO_EV_CANDIDATE_ERROR: on_server(n, e); break;
    case SOTTO_EV_TRACK: on_track(n, "track", e); break;
    case SOTTO_EV_TRACK_REMOVED: on_track(n, "untrack", e); break;
    case SOTTO_EV_FRAME:
    case SOTTO_EV_RTP:
    case SOTTO_EV_KEYFRAME_NEEDED:
    case SOTTO_EV_TARGET_BITRATE:
    case SOTTO_EV_DTMF_TONE:
    case SOTTO_EV_MUTE:
    case SOTTO_EV_UNMUTE: on_media_event(n, e); break;
    case SOTTO_EV_WARNING: fprintf(stderr, "peer: %s\n", e->u.warning.text); break;
    default: kept = on_data_event(n, e); break;
    }
    if (!kept) sotto_event_free(e);
}

static void log_line(int32_t level, const char *line, void *user)
{
    (void)level;
    (void)user;
    fprintf(stderr, "%s\n", line);
}

int main(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .show_addresses = true}; /* the suites compare them */
    sotto_event *e;
    int r;
    cfg.no_fast_path = getenv("SOTTO_NO_FAST_PATH") != NULL; /* the suites can be run both ways */
    if (getenv("SOTTO_PEER_LOG")) {
        cfg.log_level = SOTTO_LOG_DEBUG;
        cfg.log = log_line;
    }
    if ((r = sotto_ctx_new(&cfg, &ctx)) < 0) {
        fprintf(stderr, "peer: %s\n", sotto_strerror(r));
        return 1;
    }
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = sotto_ctx_fd(ctx), .events = POLLIN}};
    for (;;) {
        sotto_us now = sotto_now(), next = flow_next(now);
        fflush(stdout);
        poll(fds, 2, next < 0 ? -1 : (int)((next - now + 999) / 1000));
        if (fds[0].revents) read_commands();
        for (int i = 0; i < 256 && sotto_ctx_next(ctx, &e) == 1; i++) on_event(e);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that is told what to do: the library's side of the browser tests. One command a line on standard input, one report a
 * line on standard output; fields are divided by tabs, "\n" inside a field stands for a newline. n: number of a connection,
 * i: number of a channel (given by "dc" and "channel").
 * In:  new n [trickle] [loopback] [max=BYTES] · offer n · D n TYPE SDP · C n MID LINE · open n LABEL [unordered] [rtx=N] [life=N]
 *      [id=N] [protocol=P] · send i text|bin SIZE COUNT · say i TEXT · mode n echo|sink|report · reading n 0|1 · count i · close i
 *      · pcclose n · free n · rss
 * Out: D n TYPE SDP · C n MID LINE · state n CONNECTION · dc i · channel n i LABEL PROTOCOL UNORDERED RELIABILITY LIMIT ID · open i
 *      · msg i text|bin LENGTH HASH · sent i COUNT HASH · count i MESSAGES BYTES HASH · closing i · closed i CODE · rss KB
 *      · error COMMAND CODE
 */
#include <sotto/sotto.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PCS 16
#define MAX_DCS 4096
#define MAX_FIELDS 12
#define MAX_LINE (1u << 20)

struct conn {
    sotto_pc *pc;
    sotto_event *held; /* echo: a message that could not be sent back yet */
    bool trickle, described;
    char mode; /* 'e'cho, 's'ink, 'r'eport */
};

struct chan {
    sotto_dc *dc;
    int conn;
    uint64_t messages, bytes; /* received */
    uint32_t hash;
    uint8_t *out; /* a send job: one message; owned */
    size_t out_size;
    uint64_t out_left, out_done;
    bool out_text;
    uint32_t out_hash;
};

static sotto_ctx *ctx;
static struct conn conns[MAX_PCS];
static struct chan chans[MAX_DCS];
static size_t n_chans;
static char input[MAX_LINE];
static size_t n_input;

/* Order and length of messages count too. The page computes the same. */
static uint32_t hash_message(uint32_t h, const uint8_t *p, size_t n)
{
    size_t i = 0;
    h = (h ^ (uint32_t)n) * 16777619u;
    for (; i + 4 <= n; i += 4) {
        uint32_t w = (uint32_t)p[i] | (uint32_t)p[i + 1] << 8 | (uint32_t)p[i + 2] << 16 |
                     (uint32_t)p[i + 3] << 24;
        h = (h ^ w) * 16777619u;
    }
    for (; i < n; i++) h = (h ^ p[i]) * 16777619u;
    return h;
}

/* Message k of a send job: the number, then a pattern. Text is ASCII. */
static void fill_message(uint8_t *p, size_t n, uint64_t k, bool text)
{
    for (size_t i = 0; i < n && i < 4; i++)
        p[i] = text ? (uint8_t)('a' + (k >> 4 * i & 15)) : (uint8_t)(k >> 8 * i);
}

static void write_field(const char *s)
{
    putchar('\t');
    for (; *s; s++) {
        if (*s == '\n')
            fputs("\\n", stdout);
        else if (*s != '\r' && *s != '\t')
            putchar(*s);
    }
}

static void report(const char *what, int code)
{
    printf("error\t%s\t%d\n", what, code);
}

static int chan_of(sotto_dc *dc)
{
    return (int)((intptr_t)sotto_dc_get_user(dc) - 1);
}

static int add_chan(sotto_dc *dc, int conn)
{
    if (n_chans == MAX_DCS) {
        fputs("peer: too many channels\n", stderr);
        exit(1);
    }
    chans[n_chans] = (struct chan){.dc = dc, .conn = conn};
    n_chans++;
    sotto_dc_set_user(dc, (void *)(intptr_t)n_chans);
    return (int)n_chans - 1;
}

static int find_conn(const sotto_pc *pc)
{
    for (int i = 0; i < MAX_PCS; i++)
        if (conns[i].pc == pc && pc) return i;
    return -1;
}

/* --- signaling ------------------------------------------------------------------------------------------------------ */

static void write_description(int n)
{
    sotto_sdp_type type;
    char *sdp = NULL;
    if (sotto_pc_local_description(conns[n].pc, SOTTO_DESC_EFFECTIVE, &type, &sdp) != 1) return;
    printf("D\t%d\t%s", n, type == SOTTO_SDP_OFFER ? "offer" : "answer");
    write_field(sdp);
    putchar('\n');
    sotto_free(sdp);
    conns[n].described = true;
}

static void describe(int n)
{
    sotto_error err = {.size = sizeof err};
    int r = sotto_pc_set_local_description(conns[n].pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) {
        report("description", r);
        fprintf(stderr, "peer: %s\n", err.reason);
    } else if (conns[n].trickle) {
        write_description(n);
    }
}

static void do_remote(int n, const char *type, const char *sdp)
{
    sotto_error err = {.size = sizeof err};
    bool offer = strcmp(type, "offer") == 0;
    int r = sotto_pc_set_remote_description(conns[n].pc, offer ? SOTTO_SDP_OFFER : SOTTO_SDP_ANSWER,
                                            sdp, &err);
    if (r < 0) {
        report("D", r);
        fprintf(stderr, "peer: %s (line %d)\n", err.reason, err.line);
    } else if (offer) {
        describe(n);
    }
}

static void do_candidate(int n, const char *mid, const char *line)
{
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = mid};
    int r = sotto_pc_add_ice_candidate(conns[n].pc, &c, NULL);
    if (r < 0) report("C", r);
}

static void do_new(int n, char **f, int n_f)
{
    sotto_pc_config cfg = {.size = sizeof cfg};
    int r;
    sotto_event_free(conns[n].held);
    sotto_pc_free(conns[n].pc);
    conns[n] = (struct conn){.mode = 'e'};
    for (int i = 0; i < n_f; i++) {
        if (strcmp(f[i], "trickle") == 0) conns[n].trickle = true;
        if (strcmp(f[i], "loopback") == 0) cfg.allow_loopback = true;
        if (strncmp(f[i], "max=", 4) == 0)
            cfg.max_message_size = (uint32_t)strtoul(f[i] + 4, NULL, 10);
    }
    if ((r = sotto_pc_new(ctx, &cfg, &conns[n].pc)) < 0) report("new", r);
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

/* Goes on with a send job until it is done or the channel is full; WRITABLE comes then. */
static void pump(int i)
{
    struct chan *c = &chans[i];
    while (c->out_left > 0) {
        fill_message(c->out, c->out_size, c->out_done, c->out_text);
        int r = sotto_dc_send(c->dc, c->out, c->out_size, c->out_text);
        if (r == SOTTO_E_AGAIN) return;
        if (r < 0) {
            report("send", r);
            c->out_left = 0;
            return;
        }
        c->out_hash = hash_message(c->out_hash, c->out, c->out_size);
        c->out_done++;
        c->out_left--;
    }
    if (!c->out) return;
    printf("sent\t%d\t%" PRIu64 "\t%" PRIu32 "\n", i, c->out_done, c->out_hash);
    free(c->out);
    c->out = NULL;
}

static void do_send(int i, const char *kind, size_t size, uint64_t count)
{
    struct chan *c = &chans[i];
    free(c->out);
    c->out = malloc(size + 1);
    if (!c->out) exit(1);
    c->out_size = size;
    c->out_left = count;
    c->out_done = 0;
    c->out_hash = 0;
    c->out_text = strcmp(kind, "text") == 0;
    for (size_t k = 0; k < size; k++) c->out[k] = (uint8_t)(c->out_text ? 'a' + k % 26 : k * 7);
    pump(i);
}

static void do_open(int n, const char *label, char **f, int n_f)
{
    sotto_dc_config cfg = {.size = sizeof cfg};
    sotto_dc *dc;
    int r;
    for (int i = 0; i < n_f; i++) {
        unsigned long v = strchr(f[i], '=') ? strtoul(strchr(f[i], '=') + 1, NULL, 10) : 0;
        if (strcmp(f[i], "unordered") == 0) cfg.unordered = true;
        if (strncmp(f[i], "protocol=", 9) == 0) cfg.protocol = f[i] + 9;
        if (strncmp(f[i], "rtx=", 4) == 0) cfg.reliability = SOTTO_DC_MAX_RETRANSMITS;
        if (strncmp(f[i], "life=", 5) == 0) cfg.reliability = SOTTO_DC_MAX_LIFETIME;
        if (strncmp(f[i], "id=", 3) == 0) {
            cfg.negotiated = true;
            cfg.id = (uint16_t)v;
        } else if (cfg.reliability && cfg.limit == 0) {
            cfg.limit = (uint32_t)v;
        }
    }
    r = sotto_pc_create_data_channel(conns[n].pc, label, &cfg, &dc);
    if (r < 0)
        report("open", r);
    else
        printf("dc\t%d\n", add_chan(dc, n));
}

/* --- commands ------------------------------------------------------------------------------------------------------- */

static void do_rss(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;
    while (f && kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0) kb = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    printf("rss\t%ld\n", kb);
}

static void on_conn_command(int n, char **f, int n_f)
{
    struct conn *c = &conns[n];
    if (strcmp(f[0], "new") == 0) {
        do_new(n, f + 2, n_f - 2);
    } else if (!c->pc) {
        report(f[0], SOTTO_E_STATE);
    } else if (strcmp(f[0], "offer") == 0) {
        describe(n);
    } else if (strcmp(f[0], "D") == 0 && n_f > 3) {
        do_remote(n, f[2], f[3]);
    } else if (strcmp(f[0], "C") == 0 && n_f > 3) {
        do_candidate(n, f[2], f[3]);
    } else if (strcmp(f[0], "open") == 0 && n_f > 2) {
        do_open(n, f[2], f + 3, n_f - 3);
    } else if (strcmp(f[0], "mode") == 0 && n_f > 2) {
        c->mode = f[2][0];
    } else if (strcmp(f[0], "reading") == 0 && n_f > 2) {
        sotto_pc_set_reading(c->pc, f[2][0] == '1');
    } else if (strcmp(f[0], "pcclose") == 0) {
        sotto_pc_close(c->pc);
    } else if (strcmp(f[0], "free") == 0) {
        sotto_event_free(c->held);
        sotto_pc_free(c->pc);
        *c = (struct conn){0};
    } else {
        report(f[0], SOTTO_E_INVAL);
    }
}

static void on_chan_command(int i, char **f, int n_f)
{
    struct chan *c = &chans[i];
    int r = 0;
    if (strcmp(f[0], "count") == 0)
        printf("count\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\n", i, c->messages, c->bytes,
               c->hash);
    else if (!c->dc)
        r = SOTTO_E_CLOSED;
    else if (strcmp(f[0], "send") == 0 && n_f > 4)
        do_send(i, f[2], strtoul(f[3], NULL, 10), strtoull(f[4], NULL, 10));
    else if (strcmp(f[0], "say") == 0 && n_f > 2)
        r = sotto_dc_send(c->dc, f[2], strlen(f[2]), true);
    else if (strcmp(f[0], "close") == 0)
        r = sotto_dc_close(c->dc);
    else
        r = SOTTO_E_INVAL;
    if (r < 0) report(f[0], r);
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
    if (strcmp(f[0], "rss") == 0) {
        do_rss();
        return;
    }
    unsigned long n = n_f > 1 ? strtoul(f[1], NULL, 10) : MAX_DCS;
    bool of_chan = strchr("sc", f[0][0]) != NULL; /* send, say, count, close */
    if (of_chan && n < n_chans)
        on_chan_command((int)n, f, n_f);
    else if (!of_chan && n < MAX_PCS)
        on_conn_command((int)n, f, n_f);
    else
        report(f[0], SOTTO_E_RANGE);
}

static void read_commands(void)
{
    ssize_t n = read(STDIN_FILENO, input + n_input, sizeof input - 1 - n_input);
    char *start = input, *end;
    if (n <= 0) {
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

/* Sends the held message, or this one, back. Returns whether `e` was kept. */
static bool echo(struct conn *c, sotto_event *e)
{
    sotto_event *m = c->held ? c->held : e;
    int r =
        sotto_dc_send(m->u.message.dc, m->u.message.data, m->u.message.len, m->u.message.is_text);
    if (r != SOTTO_E_AGAIN && m == c->held) sotto_event_free(m);
    c->held = r == SOTTO_E_AGAIN ? m : NULL;
    sotto_pc_set_reading(c->pc, !c->held);
    return c->held == e;
}

static bool on_message(struct conn *c, int i, sotto_event *e)
{
    const uint8_t *p = e->u.message.data;
    size_t n = e->u.message.len;
    chans[i].messages++;
    chans[i].bytes += n;
    chans[i].hash = hash_message(chans[i].hash, p, n);
    if (c->mode == 'r')
        printf("msg\t%d\t%s\t%zu\t%" PRIu32 "\n", i, e->u.message.is_text ? "text" : "bin", n,
               hash_message(0, p, n));
    return c->mode == 'e' && echo(c, e);
}

static void on_channel(int n, sotto_dc *dc)
{
    uint32_t limit = 0;
    int i = add_chan(dc, n), reliability = sotto_dc_reliability(dc, &limit);
    printf("channel\t%d\t%d", n, i);
    write_field(sotto_dc_label(dc));
    write_field(sotto_dc_protocol(dc));
    printf("\t%d\t%d\t%" PRIu32 "\t%d\n", sotto_dc_unordered(dc), reliability, limit,
           sotto_dc_id(dc));
}

static void on_closed(struct conn *c, int i, const sotto_event *e)
{
    printf("closed\t%d\t%d\n", i, e->u.channel.error);
    free(chans[i].out);
    chans[i].out = NULL;
    chans[i].out_left = 0;
    chans[i].dc = NULL;
    if (c->held) echo(c, c->held);
    sotto_dc_free(e->u.channel.dc);
}

static void on_event(sotto_event *e)
{
    int n = find_conn(e->pc);
    struct conn *c = n >= 0 ? &conns[n] : NULL;
    bool kept = false;
    if (!c) {
        sotto_event_free(e);
        return;
    }
    switch (e->type) {
    case SOTTO_EV_STATE:
        printf("state\t%d\t%d\n", n, e->u.state.connection);
        if (!c->trickle && !c->described && e->u.state.gathering == SOTTO_GATHERING_COMPLETE)
            write_description(n);
        break;
    case SOTTO_EV_CANDIDATE:
        if (!c->trickle) break;
        printf("C\t%d\t%s", n, e->u.candidate.mid);
        write_field(e->u.candidate.line);
        putchar('\n');
        break;
    case SOTTO_EV_CHANNEL: on_channel(n, e->u.channel.dc); break;
    case SOTTO_EV_OPEN: printf("open\t%d\n", chan_of(e->u.channel.dc)); break;
    case SOTTO_EV_MESSAGE: kept = on_message(c, chan_of(e->u.message.dc), e); break;
    case SOTTO_EV_WRITABLE:
        if (c->held) echo(c, c->held);
        pump(chan_of(e->u.channel.dc));
        break;
    case SOTTO_EV_CLOSING: printf("closing\t%d\n", chan_of(e->u.channel.dc)); break;
    case SOTTO_EV_CLOSED: on_closed(c, chan_of(e->u.channel.dc), e); break;
    default: break;
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
    sotto_ctx_config cfg = {.size = sizeof cfg};
    sotto_event *e;
    int r;
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
        fflush(stdout);
        poll(fds, 2, -1);
        if (fds[0].revents) read_commands();
        for (int i = 0; i < 256 && sotto_ctx_next(ctx, &e) == 1; i++) on_event(e);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: the whole client of WHIP and WHEP, whip_*.c, between an application and a server, both of which the input drives: honest
 * answers, others, none, redirections and errors, in any phase, while the network fails and the application stops, retries and changes
 * its token. HTTP itself is whip_worker.c; the server's connection is one of our own.
 * Property: one request at a time, the token to no other origin, nothing asked of a session that was given up, none given up twice; news
 * come in the order of whip.h; a stop has ended after 3 s; nothing is left.
 * proves: A21
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/ctx.h"
#include "extra/whip_frag.h"
#include "net.h"
#include "require.h"
#include "sotto/sotto.h"
#include "util/buf.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "whip_worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORIGIN "https://example.com"
#define OTHER "https://example.net"
enum { STEPS = 60, SESSIONS = 256, TURNS = 4000 };

static struct scene {
    struct reader in;
    struct net *net;
    struct net_host *host[2]; /* ours, the media server's */
    struct world world[2];
    sotto_ctx *ctx[2];
    sotto_whip *w;
    sotto_pc *server; /* of the newest session; nullable */
    char *offer;      /* that it knows */
    unsigned sessions; /* given so far: their addresses end with their number */
    bool is_gone[SESSIONS];
    int news;         /* the last; 0: none yet */
    bool is_play;
} s;

/* sotto_now() of the helper; libFuzzer and the sanitizers have other clocks. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *ret)
{
    static int (*real)(clockid_t, struct timespec *);
    if (id == CLOCK_MONOTONIC && s.net) {
        *ret = sotto__timespec(s.net->now);
        return 0;
    }
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(id, ret);
}

static uint8_t draw(void)
{
    return sotto__read_u8(&s.in); /* 0 at the end */
}

/* ---- what the helper asks ---- */

void whip_asked(const struct http_request *r)
{
    bool is_ours = strncmp(r->url, ORIGIN "/", sizeof ORIGIN) == 0;
    bool is_other = strncmp(r->url, OTHER "/", sizeof OTHER) == 0;
    const char *number = strstr(r->url, "/session/");
    require(is_ours || is_other);
    require(!r->with_token || is_ours);
    require((r->method == HTTP_POST || r->method == HTTP_OPTIONS) == !number);
    require((r->body != NULL) == (r->method == HTTP_POST || r->method == HTTP_PATCH));
    require(!r->body || !strstr(r->body, "token"));
    if (!number) return;
    unsigned id = (unsigned)strtoul(number + 9, NULL, 10);
    require(id < s.sessions && !s.is_gone[id]);
    s.is_gone[id] = r->method == HTTP_DELETE;
}

/* ---- what it tells ---- */

static void check_news(const sotto_whip_news *n)
{
    static const uint8_t next[8] = {
        /* which may follow, a bit each */
        [0] = 1 << SOTTO_WHIP_NEW | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_NEW] = 1 << SOTTO_WHIP_CONNECTING | 1 << SOTTO_WHIP_RETRYING |
                           1 << SOTTO_WHIP_REFUSED | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_CONNECTING] = 1 << SOTTO_WHIP_CONNECTED | 1 << SOTTO_WHIP_RETRYING |
                                  1 << SOTTO_WHIP_REFUSED | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_CONNECTED] = 1 << SOTTO_WHIP_RESTARTING | 1 << SOTTO_WHIP_RETRYING |
                                 1 << SOTTO_WHIP_REFUSED | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_RESTARTING] = 1 << SOTTO_WHIP_CONNECTED | 1 << SOTTO_WHIP_RETRYING |
                                  1 << SOTTO_WHIP_REFUSED | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_RETRYING] = 1 << SOTTO_WHIP_NEW | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_REFUSED] = 1 << SOTTO_WHIP_NEW | 1 << SOTTO_WHIP_ENDED,
        [SOTTO_WHIP_ENDED] = 0};
    bool is_loss = n->state == SOTTO_WHIP_RETRYING || n->state == SOTTO_WHIP_REFUSED;
    require(n->state >= SOTTO_WHIP_NEW && n->state <= SOTTO_WHIP_ENDED);
    require(next[s.news] >> n->state & 1);
    require((n->error < 0) == is_loss && (n->reason[0] != '\0') == is_loss);
    require(n->pc || is_loss || n->state == SOTTO_WHIP_ENDED);
    require(n->wait >= 0 && n->wait <= SOTTO_SECONDS(3600));
    require(n->wait == 0 || n->state == SOTTO_WHIP_RETRYING);
    require(!n->status || (is_loss && n->status >= 200 && n->status <= 999));
    require(!strstr(n->reason, "token-") && !strstr(n->reason, "a="));
    if (n->audio) require(sotto_transceiver_kind(n->audio) == SOTTO_AUDIO);
    if (n->video) require(sotto_transceiver_kind(n->video) == SOTTO_VIDEO);
    s.news = n->state;
}

static void take_news(void)
{
    sotto_whip_news n = {.size = sizeof n};
    int r, i = 0;
    while ((r = sotto_whip_next(s.w, &n)) == 1) {
        check_news(&n);
        require(++i < 20);
    }
    require(r == 0);
}

/* ---- time ---- */

static void take_events(int k)
{
    sotto_event *e = NULL;
    while (sotto_ctx_next(s.ctx[k], &e) == 1) {
        if (k == 0 && s.w) {
            int r = sotto_whip_handle(s.w, e);
            require(r == 0 || r == 1);
            require(r == 1 || e->type != SOTTO_EV_USER);
        }
        sotto_event_free(e);
    }
}

static void run(sotto_us span)
{
    sotto_us end = s.net->now + span;
    for (int i = 0; i < TURNS; i++) {
        sotto_us due = end;
        whip_worker_tick();
        for (int k = 0; k < 2; k++) {
            require(sotto_ctx_run(s.ctx[k], 0) >= 0);
            take_events(k);
            due = sotto__earlier(due, sotto__ctx_due(s.ctx[k]));
        }
        if (s.w) take_news();
        due = sotto__earlier(due, whip_worker_due());
        if (s.net->now >= end) return;
        net_advance(s.net, sotto__earlier(due, net_due(s.net)));
    }
}

void whip_pass(sotto_us until)
{
    if (s.net->now < until) net_advance(s.net, until);
}

/* ---- the server ---- */

static void drop_server(void)
{
    sotto_pc_free(s.server);
    s.server = NULL;
}

/* Its description once all candidates are in it; NULL: none. */
static char *describe(void)
{
    char *sdp = NULL;
    if (sotto_pc_set_local_description(s.server, SOTTO_SDP_IMPLICIT, NULL, NULL) < 0) return NULL;
    run(SOTTO_MS(60));
    if (sotto_pc_local_description(s.server, SOTTO_DESC_EFFECTIVE, NULL, &sdp) != 1) return NULL;
    return sdp;
}

static char *answer_offer(const char *offer)
{
    drop_server();
    sotto__free(s.offer);
    s.offer = sotto__strdup(offer);
    require(sotto_pc_new(s.ctx[1], NULL, &s.server) == 0);
    require(sotto_pc_set_remote_description(s.server, SOTTO_SDP_OFFER, offer, NULL) == 0);
    return describe();
}

/* Of a server that wants to make the offer. */
static char *make_offer(uint8_t how)
{
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_SENDONLY};
    sotto_transceiver *t;
    drop_server();
    require(sotto_pc_new(s.ctx[1], NULL, &s.server) == 0);
    for (int i = 0; i <= (how & 3); i++)
        require(sotto_pc_add_transceiver(s.server, how >> (2 + i) & 1 ? SOTTO_VIDEO : SOTTO_AUDIO,
                                         &cfg, &t) == 0);
    return describe();
}

/* The answer to new ICE credentials, as a fragment; NULL: none. */
static char *answer_restart(const char *fragment)
{
    struct buf out;
    const char *why;
    char *offer = NULL, *sdp = NULL;
    if (!s.server || !s.offer) return NULL;
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    if (sotto__whip_frag_apply(sotto__str(s.offer), sotto__str(fragment), &out, &why) == 0)
        offer = sotto__buf_take_string(&out);
    else
        sotto__buf_free(&out);
    if (offer && sotto_pc_set_remote_description(s.server, SOTTO_SDP_OFFER, offer, NULL) == 0)
        sdp = describe();
    sotto__free(offer);
    if (!sdp) return NULL;
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    int r = sotto__whip_frag_write(sotto__str(sdp), 0, &out);
    sotto_free(sdp);
    if (r == 0) return sotto__buf_take_string(&out);
    sotto__buf_free(&out);
    return NULL;
}

static void take_trickled(const char *fragment)
{
    for (const char *p = fragment; s.server && (p = strstr(p, "a=candidate:")); p++) {
        char line[200];
        size_t n = strcspn(p + 2, "\r\n");
        if (n >= sizeof line) continue;
        memcpy(line, p + 2, n), line[n] = '\0';
        sotto_candidate c = {.size = sizeof c, .line = line, .has_mline_index = 1};
        sotto_pc_add_ice_candidate(s.server, &c, NULL);
    }
}

struct say { /* of an answer */
    int status;
    const char *type, *body; /* nullable */
    bool has_session;
};

/* How an honest server would answer; the body is to be freed. */
static struct say honest(const struct http_request *r, char **body)
{
    *body = NULL;
    switch (r->method) {
    case HTTP_POST:
        *body = answer_offer(r->body);
        return (struct say){*body ? 201 : 500, "application/sdp", *body, true};
    case HTTP_PATCH:
        if (!r->if_match || !strchr(r->if_match, '*')) {
            if (strcmp(r->type, "application/sdp") == 0 && s.server)
                sotto_pc_set_remote_description(s.server, SOTTO_SDP_ANSWER, r->body, NULL);
            else
                take_trickled(r->body);
            return (struct say){204, NULL, NULL, false};
        }
        *body = answer_restart(r->body);
        return (struct say){*body ? 200 : 422, "application/trickle-ice-sdpfrag", *body, false};
    case HTTP_DELETE: drop_server(); return (struct say){200, NULL, NULL, false};
    default: return (struct say){204, NULL, NULL, false};
    }
}

/* Where another session would be, all of which must be refused. */
static const char *const wrong_places[] = {OTHER "/session/0", "http://example.com/session/0",
                                           "file:///session/0", "//example.net/session/0"};

static void say(const struct say *a, uint8_t how)
{
    static const char *const fields[] = {"", "Retry-After: 7\r\n", "Retry-After: 99999\r\n",
                                         "Link: <stun:192.0.2.9>; rel=\"ice-server\"\r\n"};
    static char head[1000];
    char place[80] = "";
    if (a->has_session && how & 4)
        snprintf(place, sizeof place, "Location: %s\r\n", wrong_places[how >> 3 & 3]);
    else if (a->has_session && s.sessions < SESSIONS)
        snprintf(place, sizeof place, "Location: /session/%u\r\n", s.sessions++);
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%s%s%s%s%s%s\r\n", a->status, place,
                     a->type ? "Content-Type: " : "", a->type ? a->type : "", a->type ? "\r\n" : "",
                     how & 32 ? "ETag: \"e\"\r\n" : "", fields[how & 3]);
    whip_worker_reply(0, how & 64 ? OTHER "/whip" : NULL, (struct str){head, (size_t)n},
                      a->body ? sotto__str(a->body) : (struct str){NULL, 0});
}

static void serve_honestly(uint8_t how)
{
    char *body;
    struct say a = honest(&whip_worker->request, &body);
    /* While it was thought about, time went on, and the request may be gone. */
    if (whip_worker && whip_worker->has_request) say(&a, how & (32 | 64));
    sotto_free(body);
}

/* A status of any kind, a body of any kind. */
static void serve_otherwise(uint8_t how)
{
    static const int statuses[] = {200, 201, 204, 307, 400, 401, 403, 404, 406, 409, 410,
                                   412, 422, 429, 500, 501, 503, 299, 201, 201, 201, 406};
    static const char *const types[] = {"application/sdp", "application/trickle-ice-sdpfrag",
                                        "text/html", NULL};
    uint8_t more = draw();
    char *body = NULL;
    struct say a = honest(&whip_worker->request, &body);
    if (more & 16 && s.is_play) sotto_free(body), body = make_offer(draw());
    a.status = statuses[draw() % 22];
    a.type = types[more & 3];
    a.has_session = more & 4;
    a.body = more & 8 ? NULL : body;
    size_t n = body ? strlen(body) : 0;
    for (int i = more >> 5; i > 0 && n > 0; i--) {
        size_t at = (size_t)(draw() << 8 | draw()) % n;
        body[at] = (char)draw();
        if (!body[at]) body[at] = '\n';
    }
    if (whip_worker && whip_worker->has_request) say(&a, how);
    sotto_free(body);
}

static void serve(uint8_t how)
{
    static const int errors[] = {SOTTO_E_NETWORK, SOTTO_E_ACCESS, SOTTO_E_PROTO, SOTTO_E_NOMEM};
    if (!whip_worker || !whip_worker->has_request || whip_worker->is_cancelled) return;
    if (how < 100)
        serve_honestly(how);
    else if (how < 110)
        whip_worker_reply(errors[how % 4], NULL, (struct str){NULL, 0}, (struct str){NULL, 0});
    else
        serve_otherwise(draw());
}

/* ---- the application ---- */

static void call(uint8_t how)
{
    sotto_whip_news small = {.size = 4};
    switch (how % 8) {
    case 0:
        require(sotto_whip_set_token(s.w, how & 8 ? "token-2" : NULL) == 0);
        require(sotto_whip_set_token(s.w, "no token") == SOTTO_E_SYNTAX);
        break;
    case 1: {
        int r = sotto_whip_retry(s.w);
        require(r == 0 || r == SOTTO_E_STATE);
        break;
    }
    case 2:
        if (how & 8) require(sotto_whip_stop(s.w) == 0);
        break;
    case 3: require(sotto_whip_handle(s.w, NULL) == SOTTO_E_INVAL); break;
    case 4: require(sotto_whip_next(s.w, NULL) == SOTTO_E_INVAL); break;
    case 5: require(sotto_whip_handle(NULL, &(sotto_event){0}) == SOTTO_E_INVAL); break;
    case 6: require(sotto_whip_next(NULL, &small) == SOTTO_E_INVAL); break;
    default:
        require(sotto_whip_retry(NULL) == SOTTO_E_INVAL && sotto_whip_stop(NULL) == SOTTO_E_INVAL);
        require(sotto_whip_set_token(NULL, "x") == SOTTO_E_INVAL);
        sotto_whip_free(NULL);
    }
}

static void step(void)
{
    uint8_t op = draw(), v = draw();
    switch (op % 8) {
    case 0: run(SOTTO_MS(v) * (op & 8 ? 200 : 4)); break;
    case 1:
    case 2:
    case 3: serve(v); break;
    case 4: call(v); break;
    case 5: net_set_down(s.net, s.host[0], s.host[1], v & 1); break;
    case 6: net_host_move(s.host[0], v & 1 ? "192.0.2.7" : "192.0.2.1"); break;
    default: /* until the helper has something to ask, or has the path */
        for (int i = 0; i < (v & 15) && whip_worker; i++) {
            serve(0);
            run(SOTTO_MS(100));
        }
        if (v & 128 && s.server) sotto_pc_close(s.server);
    }
    run(0);
}

/* ---- from beginning to end ---- */

static void open_all(uint8_t how, uint8_t more)
{
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.2"};
    s.net = net_new(1);
    for (int i = 0; i < 2; i++) {
        sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
        s.host[i] = net_host_new(s.net, addresses[i]);
        s.world[i] = (struct world){.now = net_now,
                                    .ice_ops = &sotto__ice_net,
                                    .user = s.host[i],
                                    .watch_ops = &net_watch_host,
                                    .boot = net_boot};
        require(sotto__ctx_new_in(&s.world[i], &cfg, &s.ctx[i]) == 0);
    }
    sotto_ice_server stun = {.size = sizeof stun, .url = "stun:192.0.2.9"};
    sotto_pc_config pc = {.size = sizeof pc, .ice_servers = &stun, .n_ice_servers = 1};
    sotto_whip_config cfg = {.size = sizeof cfg,
                             .url = ORIGIN "/whip",
                             .token = how & 2 ? "token-1" : NULL,
                             .pc = how & 4 ? &pc : NULL,
                             .no_audio = how & 8,
                             .no_video = how & 16,
                             .attempts = how >> 5,
                             .first = SOTTO_MS(more & 15) * 100};
    s.is_play = how & 1;
    int r = s.is_play ? sotto_whep_play(s.ctx[0], &cfg, &s.w)
                      : sotto_whip_publish(s.ctx[0], &cfg, &s.w);
    require(r == 0 ? s.w != NULL : r == SOTTO_E_RANGE && cfg.no_audio && cfg.no_video);
}

static void close_all(bool stop)
{
    if (s.w && stop) {
        require(sotto_whip_stop(s.w) == 0);
        run(SOTTO_SECONDS(3) + SOTTO_MS(20));
        require(s.news == SOTTO_WHIP_ENDED);
        require(sotto_whip_retry(s.w) == SOTTO_E_STATE);
    }
    sotto_whip_free(s.w);
    require(!whip_worker);
    drop_server();
    for (int i = 0; i < 2; i++) sotto_ctx_free(s.ctx[i]);
    sotto__free(s.offer);
    require(s.net->live_ices == 0 && s.net->live_sockets == 0);
    struct net *net = s.net;
    s.net = NULL;
    net_free(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = sotto__mem_live();
    memset(&s, 0, sizeof s);
    s.in = sotto__reader(data, size);
    uint8_t how = draw(), more = draw();
    open_all(how, more);
    if (s.w) {
        run(0);
        for (int i = 0; i < STEPS && s.in.n > 0; i++) step();
    }
    close_all(more & 16);
    require(sotto__mem_live() == live);
    return 0;
}

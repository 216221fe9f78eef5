/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every public function in a forked child, with the objects of its parent: it says SOTTO_E_FORKED, or does nothing, or needs no object of
 * the parent's, with the reason beside it. The suite `style` compares the names here with those of include/sotto: a new function has its
 * row, or the suite fails. The parent goes on as if nothing had been. And those of a context called by its log sink: SOTTO_E_STATE.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/ctx.h"
#include "call.h"

#define POSTED 7
#define HANGS_S 60 /* a child that waits for a thread of its parent is ended */

/* What a child may call: what it may use is its own, or never changes. */
static const struct {
    const char *name, *why;
} allowed[] = {
    {"sotto_now", "the clock"},
    {"sotto_strerror", "a constant"},
    {"sotto_error_w3c", "a constant"},
    {"sotto_version", "a constant"},
    {"sotto_free", "memory of the child"},
    {"sotto_selftest", "known answers, with no object"},
    {"sotto_capabilities", "what is supported, with no object"},
    {"sotto_stats_find", "looks into a report, which is plain memory"},
    {"sotto_stats_by_id", "looks into a report, which is plain memory"},
    {"sotto_stat_member_of", "looks into a report, which is plain memory"},
    {"sotto_cert_generate", "a new object"},
    {"sotto_cert_generate_days", "a new object"},
    {"sotto_cert_from_pem", "a new object"},
    {"sotto_cert_from_uri", "a new object"},
    {"sotto_cert_to_pem", "a certificate belongs to no context and never changes"},
    {"sotto_cert_fingerprint", "a certificate belongs to no context and never changes"},
    {"sotto_cert_expires", "a certificate belongs to no context and never changes"},
    {"sotto_cert_free", "memory of the child"},
    {"sotto_ctx_new", "a new object"},
    {"sotto_dc_label", "a copy in the handle, which never changes"},
    {"sotto_dc_protocol", "a copy in the handle, which never changes"},
    {"sotto_dc_unordered", "a copy in the handle, which never changes"},
    {"sotto_dc_reliability", "a copy in the handle, which never changes"},
    {"sotto_dc_negotiated", "a copy in the handle, which never changes"},
    {"sotto_dc_priority", "a copy in the handle, which never changes"},
    {"sotto_transceiver_kind", "a copy in the handle, which never changes"},
    {"sotto_opus_encoder_new", "a new object"},
    {"sotto_opus_encoder_free", "memory of the child"},
    {"sotto_opus_encode", "a state of libopus, copied with the process"},
    {"sotto_opus_encoder_set_bitrate", "a state of libopus, copied with the process"},
    {"sotto_opus_encoder_set_loss", "a state of libopus, copied with the process"},
    {"sotto_opus_decoder_open", "a new object"},
    {"sotto_opus_decoder_new", "a new object"},
    {"sotto_opus_decoder_get_isolation", "numbers of the last call, copied with the process"},
    {"sotto_opus_decoder_free", "memory of the child; a decoder process stays the parent's"},
    {"sotto_opus_decode", "as encoding; isolated: test_isolate_decoder.c"},
    {"sotto_opus_decode_fec", "as encoding; isolated: test_isolate_decoder.c"},
    {"sotto_opus_packet_frames", "no object"},
    {"sotto_pcmu_encode", "no object"},
    {"sotto_pcmu_decode", "no object"},
    {"sotto_pcma_encode", "no object"},
    {"sotto_pcma_decode", "no object"},
    {"sotto_playout_new", "a new object"},
    {"sotto_playout_free", "memory of the child; a decoder process stays the parent's"},
    {"sotto_playout_put", "belongs to no context; isolated: test_isolate.c"},
    {"sotto_playout_pull", "belongs to no context, and never makes a system call"},
    {"sotto_playout_get_stats", "numbers, copied with the process"},
    {"sotto_playout_get_isolation", "numbers, copied with the process"},
    {"sotto_playout_get_stats_json", "numbers, copied with the process"},
    {"sotto_reconnect_new", "times and numbers; sotto_reconnect_run asks the connection"},
    {"sotto_reconnect_free", "memory of the child"},
    {"sotto_reconnect_handle", "times and numbers"},
    {"sotto_reconnect_now", "times and numbers"},
    {"sotto_reconnect_due", "times and numbers"},
};

/* ---- in the child, and in the sink ---- */

static int bad;
static int want = SOTTO_E_FORKED;

static void say(const char *call, long long got)
{
    fprintf(stderr, "not %d: %s: %lld\n", want, call, got);
    bad++;
}

#define EXPECT(call)                                                                               \
    do {                                                                                           \
        long long got = (long long)(call);                                                         \
        if (got != want) say(#call, got);                                                          \
    } while (0)
#define EMPTY(call)                                                                                \
    do {                                                                                           \
        if ((call) != NULL) say(#call, 1);                                                         \
    } while (0)
#define NOTHING(call) (call) /* says nothing, and does nothing to the parent */

struct family { /* of the parent */
    struct call c;
    sotto_transceiver *t;
    sotto_reconnect *reconnect;
    sotto_whip *whip;
    sotto_event *event;
    pthread_t thread; /* of the test */
    bool tries_in_sink;
};

static void try_context(const struct family *f)
{
    sotto_ctx *c = f->c.a.ctx;
    sotto_event *e;
    sotto_pc *pc;
    sotto_whip *w;
    const sotto_whip_config whip = {.size = sizeof whip, .url = "https://localhost:1/x"};
    EXPECT(sotto_ctx_next(c, &e));
    EXPECT(sotto_ctx_next_many(c, &e, 1));
    EXPECT(sotto_ctx_wait(c, 0, &e));
    EXPECT(sotto_ctx_run(c, 0));
    EXPECT(sotto_ctx_batch(c, true));
    EXPECT(sotto_ctx_post(c, 1, NULL));
    EXPECT(sotto_pc_new(c, NULL, &pc));
    EXPECT(sotto_whip_publish(c, &whip, &w));
    EXPECT(sotto_whep_play(c, &whip, &w));
}

static void try_descriptions(sotto_pc *pc)
{
    char *text;
    sotto_sdp_type type;
    const sotto_candidate cand = {.size = sizeof cand, .line = ""};
    EXPECT(sotto_pc_create_offer(pc, NULL, &text));
    EXPECT(sotto_pc_create_answer(pc, &text));
    EXPECT(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL));
    EXPECT(sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, "v=0\r\n", NULL));
    EXPECT(sotto_pc_local_description(pc, 0, &type, &text));
    EXPECT(sotto_pc_remote_description(pc, 0, &type, &text));
    EXPECT(sotto_pc_add_ice_candidate(pc, &cand, NULL));
    EXPECT(sotto_pc_restart_ice(pc));
    EXPECT(sotto_pc_can_trickle(pc));
}

static void try_connection(sotto_pc *pc)
{
    sotto_pc_config *cfg;
    sotto_dc *dc;
    sotto_transceiver *t;
    const sotto_policy policy = {.size = sizeof policy};
    sotto_transport_info info = {.size = sizeof info};
    sotto_pc_state state = {.size = sizeof state};
    EXPECT(sotto_pc_set_config(pc, NULL));
    EXPECT(sotto_pc_get_config(pc, &cfg));
    EXPECT(sotto_pc_get_transport(pc, &info));
    EXPECT(sotto_pc_get_state(pc, &state));
    EXPECT(sotto_pc_set_reading(pc, false));
    EXPECT(sotto_pc_set_policy(pc, &policy));
    EXPECT(sotto_pc_create_data_channel(pc, "x", NULL, &dc));
    EXPECT(sotto_pc_add_transceiver(pc, SOTTO_AUDIO, NULL, &t));
    EXPECT(sotto_pc_add_track(pc, SOTTO_AUDIO, NULL, 0, &t));
    EXPECT(sotto_pc_get_transceivers(pc, &t, 1));
}

static void try_reports(sotto_pc *pc)
{
    static const char *const pins[] = {
        "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:"
        "BB:CC:DD:EE:FF"};
    char *text, code[256];
    sotto_stats *stats;
    sotto_security *security;
    EXPECT(sotto_pc_get_stats(pc, NULL, &stats));
    EXPECT(sotto_pc_get_stats_json(pc, &text));
    EXPECT(sotto_pc_explain(pc, &text));
    EXPECT(sotto_pc_explain_json(pc, &text));
    EXPECT(sotto_pc_get_security(pc, &security));
    EXPECT(sotto_pc_get_security_json(pc, &text));
    EXPECT(sotto_pc_get_verification_code(pc, code, sizeof code));
    EXPECT(sotto_pc_get_verification_words(pc, code, sizeof code));
    EXPECT(sotto_pc_get_verification(pc));
    EXPECT(sotto_pc_confirm_peer(pc, true));
    EXPECT(sotto_pc_set_peer_fingerprints(pc, pins, 1, NULL));
    EXPECT(sotto_pc_get_peer_fingerprint(pc, &text));
}

static const uint8_t secret[16] = "sixteen bytes...";

static void try_channel(sotto_dc *dc)
{
    const sotto_e2ee_key key = {.size = sizeof key, .key = secret, .key_len = sizeof secret};
    sotto_e2ee_stats stats = {.size = sizeof stats};
    EXPECT(sotto_dc_send(dc, "x", 1, true));
    EXPECT(sotto_dc_close(dc));
    EXPECT(sotto_dc_id(dc));
    EXPECT(sotto_dc_state(dc));
    EXPECT(sotto_dc_buffered_amount(dc));
    EXPECT(sotto_dc_get_buffered_low(dc));
    EXPECT(sotto_dc_set_buffered_low(dc, 1));
    EXPECT(sotto_dc_set_user(dc, NULL));
    EMPTY(sotto_dc_get_user(dc));
    EXPECT(sotto_dc_add_e2ee_key(dc, SOTTO_E2EE_SEND, &key));
    EXPECT(sotto_dc_remove_e2ee_key(dc, SOTTO_E2EE_SEND, 0));
    EXPECT(sotto_dc_use_e2ee_key(dc, 0));
    EXPECT(sotto_dc_ratchet_e2ee(dc));
    EXPECT(sotto_dc_require_e2ee(dc, SOTTO_E2EE_SEND));
    EXPECT(sotto_dc_get_e2ee_stats(dc, SOTTO_E2EE_SEND, &stats));
}

static void try_keys(sotto_transceiver *t)
{
    const sotto_e2ee_key key = {.size = sizeof key, .key = secret, .key_len = sizeof secret};
    sotto_e2ee_stats stats = {.size = sizeof stats};
    EXPECT(sotto_transceiver_add_e2ee_key(t, SOTTO_E2EE_SEND, &key));
    EXPECT(sotto_transceiver_remove_e2ee_key(t, SOTTO_E2EE_SEND, 0));
    EXPECT(sotto_transceiver_use_e2ee_key(t, 0));
    EXPECT(sotto_transceiver_ratchet_e2ee(t));
    EXPECT(sotto_transceiver_require_e2ee(t, SOTTO_E2EE_SEND));
    EXPECT(sotto_transceiver_get_e2ee_stats(t, SOTTO_E2EE_SEND, &stats));
}

static void try_transceiver(sotto_pc *pc, sotto_transceiver *t)
{
    static const uint8_t rtp[12] = {0x80};
    const sotto_frame frame = {.size = sizeof frame, .data = (const uint8_t *)"x", .len = 1};
    sotto_encoding encoding = {.size = sizeof encoding};
    const sotto_send_parameters set = {
        .size = sizeof set, .encodings = &encoding, .n_encodings = 1};
    sotto_send_parameters *get;
    sotto_codecs *codecs;
    char mid[65];
    EXPECT(sotto_pc_remove_track(pc, t));
    EXPECT(sotto_transceiver_mid(t, mid, sizeof mid));
    EXPECT(sotto_transceiver_get_direction(t));
    EXPECT(sotto_transceiver_set_direction(t, SOTTO_DIR_INACTIVE));
    EXPECT(sotto_transceiver_current_direction(t));
    EXPECT(sotto_transceiver_stop(t));
    EXPECT(sotto_transceiver_set_streams(t, NULL, 0));
    EXPECT(sotto_transceiver_get_parameters(t, &get));
    EXPECT(sotto_transceiver_set_parameters(t, &set));
    EXPECT(sotto_transceiver_set_codec_preferences(t, NULL, 0));
    EXPECT(sotto_transceiver_get_codec_preferences(t, &codecs));
    EXPECT(sotto_transceiver_codec(t, &codecs));
    EXPECT(sotto_transceiver_send_frame(t, &frame));
    EXPECT(sotto_transceiver_send_rtp(t, rtp, sizeof rtp));
    EXPECT(sotto_transceiver_request_keyframe(t, NULL));
    EXPECT(sotto_transceiver_set_receive_mode(t, SOTTO_RECEIVE_RTP));
    EXPECT(sotto_transceiver_set_jitter_target(t, 0));
    EXPECT(sotto_transceiver_get_jitter_target(t));
    EXPECT(sotto_transceiver_insert_dtmf(t, "1", 100, 100));
    EXPECT(sotto_transceiver_set_user(t, NULL));
    EMPTY(sotto_transceiver_get_user(t));
}

static void try_helpers(const struct family *f)
{
    sotto_whip_news news = {.size = sizeof news};
    sotto_reconnect_now(f->reconnect, sotto_now());
    EXPECT(sotto_reconnect_run(f->reconnect, sotto_now()));
    EXPECT(sotto_whip_handle(f->whip, f->event));
    EXPECT(sotto_whip_next(f->whip, &news));
    EXPECT(sotto_whip_set_token(f->whip, "another"));
    EXPECT(sotto_whip_retry(f->whip));
    EXPECT(sotto_whip_stop(f->whip));
}

/* A child is not shut out. */
static void call_of_its_own(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg};
    struct call c;
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    call_new(&c, ctx, ctx);
    call_connect(&c);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static void try_all(const struct family *f)
{
    try_context(f);
    try_descriptions(f->c.a.pc);
    try_connection(f->c.a.pc);
    try_reports(f->c.a.pc);
    try_channel(f->c.a.dc);
    try_keys(f->t);
    try_transceiver(f->c.a.pc, f->t);
    try_helpers(f);
    NOTHING(sotto_whip_free(f->whip));
    NOTHING(sotto_transceiver_free(f->t));
    NOTHING(sotto_dc_free(f->c.a.dc));
    NOTHING(sotto_pc_close(f->c.a.pc));
    NOTHING(sotto_pc_free(f->c.a.pc));
    NOTHING(sotto_ctx_free(f->c.a.ctx));
}

static int child(const struct family *f)
{
    alarm(HANGS_S);
    EXPECT(sotto_ctx_fd(f->c.a.ctx)); /* which a sink may know */
    try_all(f);
    NOTHING(sotto_event_free(f->event));
    call_of_its_own();
    return bad == 0 ? 0 : 1;
}

/* ---- the parent ---- */

/* Of the call; of what is posted ours is kept, and nothing else is of interest. */
static void take_one(struct family *f)
{
    sotto_event *e;
    assert_int_equal(sotto_ctx_wait(f->c.a.ctx, HANGS_S * 1000000LL, &e), 1);
    if (e->type == SOTTO_EV_USER && e->u.post.code == POSTED)
        f->event = e;
    else if (e->user)
        call_event(e);
    else
        sotto_event_free(e);
}

/* Until the helper's thread itself has told something: a fork while a thread comes up copies the lock of ASan's allocator that it may
 * hold. What is told first may come from sotto_whip_publish(). */
static void await_helper(struct family *f)
{
    for (int n = 0; n < 2;) {
        sotto_event *e;
        assert_int_equal(sotto_ctx_wait(f->c.a.ctx, HANGS_S * 1000000LL, &e), 1);
        if (sotto_whip_handle(f->whip, e) == 1 && e->type == SOTTO_EV_USER) {
            n++;
            assert_int_equal(sotto_whip_retry(f->whip), 0); /* something to tell of */
        }
        if (e->user)
            call_event(e);
        else
            sotto_event_free(e);
    }
}

/* Once, in the thread of the test, when it says so. */
static void sink(int32_t level, const char *line, void *user)
{
    struct family *f = user;
    (void)level, (void)line;
    if (!f->tries_in_sink || !pthread_equal(pthread_self(), f->thread)) return;
    f->tries_in_sink = false;
    want = SOTTO_E_STATE;
    try_all(f);
    want = SOTTO_E_FORKED;
}

static void family_new(struct family *f, bool no_thread)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = no_thread, .log = sink, .log_user = f};
    sotto_whip_config whip = {
        .size = sizeof whip, .url = "https://localhost:1/x", .token = "a-token"};
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    call_new(&f->c, ctx, ctx);
    assert_int_equal(sotto_pc_add_transceiver(f->c.a.pc, SOTTO_AUDIO, NULL, &f->t), 0);
    call_connect(&f->c);
    assert_int_equal(sotto_reconnect_new(f->c.a.pc, NULL, &f->reconnect), 0);
    assert_int_equal(sotto_whip_publish(ctx, &whip, &f->whip), 0);
    await_helper(f);
    assert_int_equal(sotto_ctx_post(ctx, POSTED, NULL), 0);
    while (!f->event) take_one(f);
}

static void family_free(struct family *f)
{
    sotto_ctx *ctx = f->c.a.ctx;
    sotto_event_free(f->event);
    sotto_whip_free(f->whip);
    sotto_reconnect_free(f->reconnect);
    call_free(&f->c);
    sotto_ctx_free(ctx);
}

static void still_works(struct family *f)
{
    sotto_whip_news news = {.size = sizeof news};
    assert_int_equal(sotto_dc_send(f->c.a.dc, "still here", 10, true), 0);
    while (f->c.b.n_messages == 0) take_one(f);
    assert_int_equal(f->c.b.n_messages, 1);
    assert_int_equal(sotto_whip_next(f->whip, &news), 1);
    assert_int_equal(news.state, SOTTO_WHIP_NEW);
}

static void fork_it(bool no_thread)
{
    struct family f = {0};
    int status = 0;
    family_new(&f, no_thread);
    pid_t pid = fork();
    if (pid == 0) _exit(child(&f));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    still_works(&f);
    family_free(&f);
}

/* proves: A02 A07 A18 */
static void every_function_says_that_it_is_in_a_sink(void **state)
{
    (void)state;
    for (int no_thread = 0; no_thread < 2; no_thread++) {
        struct family f = {.thread = pthread_self()};
        family_new(&f, no_thread == 1);
        bad = 0;
        f.tries_in_sink = true;
        sotto__guard_lock(f.c.a.ctx->guard);
        SOTTO_LOG(&f.c.a.ctx->log, SOTTO_LOG_ERROR, "test", "one line");
        sotto__ctx_leave(f.c.a.ctx);
        assert_false(f.tries_in_sink);
        still_works(&f);
        family_free(&f);
        assert_int_equal(bad, 0);
    }
}

/* proves: A15 */
static void every_function_says_that_it_is_in_a_child(void **state)
{
    (void)state;
    fork_it(false);
    fork_it(true);
}

/* proves: A15 */
static void those_that_do_not_have_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        assert_true(strncmp(allowed[i].name, "sotto_", 6) == 0 && strlen(allowed[i].why) > 5);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(allowed[i].name, allowed[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_says_that_it_is_in_a_sink),
        cmocka_unit_test(every_function_says_that_it_is_in_a_child),
        cmocka_unit_test(those_that_do_not_have_a_reason),
    };
    return cmocka_run_group_tests_name("forked", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data section in negotiation: added to a running call, ended by port 0 and begun again, recycled, refused, rolled back; with
 * what becomes of the channels each time (RFC 8841 §10; W3C §6.1; RFC 9429 §5.2.1, §5.3.1).
 */
#include "api/ctx.h"
#include "nego.h"
#include "nego_sdp.h"
#include "peer/private.h"

static struct nego *media_call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_exchange(&n->a);
    nego_connect(n);
    n->a.watch = n->b.watch = NEGO_CHANNELS | NEGO_NEEDED;
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

static bool is_whole(struct nego *n, void *label)
{
    return nego_is_whole(n, label);
}

static void talks(struct nego *n, char *label)
{
    nego_send(nego_find(&n->a, label));
    nego_send(nego_find(&n->b, label));
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_whole, label));
}

static void media_alone_connects_without_sctp(void **state)
{
    (void)state;
    struct nego *n = media_call();
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    assert_int_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    nego_free(n);
}

static void data_is_added_to_a_running_call(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_channel(&n->a, "c");
    nego_expect(&n->a, "needed");
    nego_exchange(&n->a);
    sdp_expect(n, nego_local(&n->a), "0 audio sendrecv; 1 application");
    nego_connect(n);
    nego_expect(&n->a, "open c");
    nego_expect(&n->b, "channel c; open c");
    talks(n, "c");
    nego_free(n);
}

static void the_answerer_of_the_media_adds_data(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_channel(&n->b, "c");
    nego_exchange(&n->b);
    nego_connect(n);
    talks(n, "c");
    nego_free(n);
}

static void the_association_begins_with_the_answer(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_channel(&n->a, "c");
    char *offer = nego_offer(&n->a);
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_CONNECTING);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, offer);
    assert_int_equal(nego_transport(&n->b).sctp, SOTTO_SCTP_CONNECTING);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    nego_connect(n);
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_CONNECTED);
    assert_int_equal(nego_transport(&n->b).sctp, SOTTO_SCTP_CONNECTED);
    nego_free(n);
}

static void a_rolled_back_data_section_leaves_no_association(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_channel(&n->a, "c");
    char *offer = nego_offer(&n->a);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, offer);
    nego_rollback(&n->a);
    nego_rollback(&n->b);
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    assert_int_equal(nego_transport(&n->b).sctp, SOTTO_SCTP_NONE);
    nego_exchange(&n->a);
    nego_connect(n);
    talks(n, "c");
    nego_free(n);
}

/* Our text with the data section refused: what a remote that stops data says. */
static char *without_data(struct nego *n, const char *sdp, int section)
{
    return sdp_reject(n, sdp, section);
}

static void a_remote_that_ends_data_closes_the_channels(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    talks(n, "c");
    nego_forget(&n->a);
    char *answer = nego_answer_to(&n->a, without_data(n, nego_make_offer(&n->b), 1));
    sdp_expect(n, answer, "0 audio sendonly; 1 application rejected");
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, "closed c");
    assert_int_equal(nego_find(&n->a, "c")->error, 0);
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    assert_int_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    nego_free(n);
}

static void an_answer_that_refuses_data_closes_the_channels(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    n->a.watch = NEGO_CHANNELS;
    char *answer = paper_answer(n, nego_offer(&n->a));
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, without_data(n, answer, 1));
    nego_run(n, SOTTO_MS(10));
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    nego_free(n);
}

/* Both sides take data away and bring it back, with new channels; the call stays. */
static void data_ends_and_begins_again_in_a_call(void **state)
{
    (void)state;
    struct nego *n = media_call();
    static char labels[3][8] = {"one", "two", "three"};
    for (int i = 0; i < 3; i++) {
        nego_channel(i % 2 ? &n->b : &n->a, labels[i]);
        nego_exchange(i % 2 ? &n->b : &n->a);
        nego_expect_agreement(n);
        nego_connect(n);
        talks(n, labels[i]);
        /* each is told that the other refuses data */
        char *offer = nego_offer(&n->b);
        int at = sdp_sections(offer) - 1;
        char *answer = nego_answer_to(&n->a, without_data(n, offer, at));
        nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
        nego_run(n, SOTTO_SECONDS(1));
        assert_true(nego_find(&n->a, labels[i])->closed);
        assert_true(nego_find(&n->b, labels[i])->closed);
        assert_int_equal(nego_transport(&n->b).sctp, SOTTO_SCTP_NONE);
        assert_true(nego_is_connected(n, NULL));
    }
    assert_int_equal(sdp_sections(nego_local(&n->a)), 2); /* the section was used again */
    nego_free(n);
}

/* An association that failed does not stand in the way of one that is negotiated later. */
static void data_begins_again_after_its_association_failed(void **state)
{
    (void)state;
    struct nego *n = media_call();
    struct peer *b;
    nego_channel(&n->a, "one");
    nego_exchange(&n->a);
    nego_connect(n);
    talks(n, "one");
    assert_int_equal(sotto__pc_enter(n->b.pc, &b), 0);
    sotto__transport_end_data(&b->transport, sotto__now(n->b.ctx)); /* an ABORT */
    sotto__pc_leave(n->b.pc);
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(nego_find(&n->a, "one")->closed);
    char *offer = nego_offer(&n->b);
    int at = sdp_sections(offer) - 1;
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, nego_answer_to(&n->a, without_data(n, offer, at)));
    nego_run(n, SOTTO_SECONDS(1));
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    nego_channel(&n->a, "two");
    nego_exchange(&n->a);
    nego_connect(n);
    talks(n, "two");
    nego_free(n);
}

static void a_rejected_data_section_is_recycled_for_media(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    char *answer = paper_answer(n, nego_offer(&n->a));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, without_data(n, answer, 1));
    sotto_dc_close(nego_find(&n->a, "c")->dc);
    nego_run(n, SOTTO_MS(100));
    nego_track(&n->a, SOTTO_VIDEO, "v");
    sdp_expect(n, nego_make_offer(&n->a), "0 audio sendrecv; 2 video sendrecv");
    nego_free(n);
}

static void a_stopped_media_section_is_recycled_for_data(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_track(&n->a, SOTTO_VIDEO, "v");
    nego_exchange(&n->a);
    nego_stop(&n->a, nego_at(&n->a, 1));
    nego_exchange(&n->a);
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    char *summary = sdp_summary(n, nego_local(&n->a));
    assert_non_null(strstr(summary, "application"));
    assert_int_equal(sdp_sections(nego_local(&n->a)), 2);
    nego_expect_agreement(n);
    nego_connect(n);
    talks(n, "c");
    nego_free(n);
}

static void a_remote_may_recycle_the_data_section_for_media(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"data"}}};
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++, p.s[1].rejected = true;
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++, p.s[1] = (struct paper_section){"video", .mid = "v", .msid = "s t"};
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)), "0 audio recvonly; v video recvonly");
    nego_free(n);
}

static void a_second_data_section_is_refused(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"data"}, {"data"}}};
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)),
               "0 audio recvonly; 1 application; 2 application rejected");
    nego_free(n);
}

static const struct {
    const char *name, *m;
    bool taken;
} protos[] = {
    /* proves: SDP-22 */
    {"data_over_udp_dtls_sctp_is_taken", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", true},
    /* proves: SDP-22 */
    {"data_over_tcp_dtls_sctp_is_taken", "m=application 9 TCP/DTLS/SCTP webrtc-datachannel", true},
    /* proves: SDP-22 */
    {"data_over_sctp_without_dtls_is_refused", "m=application 9 SCTP webrtc-datachannel", false},
    /* proves: SDP-22 */
    {"data_over_udp_without_dtls_is_refused", "m=application 9 UDP/SCTP webrtc-datachannel", false},
    /* proves: SDP-22 */
    {"data_of_another_format_is_refused", "m=application 9 UDP/DTLS/SCTP bfcp", false},
};

static void proto(void **state)
{
    const struct {
        const char *name, *m;
        bool taken;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {row->m, .extra = "a=sctp-port:5000\r\n"}}};
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)),
               row->taken ? "0 audio recvonly; 1 application"
                          : "0 audio recvonly; 1 application rejected");
    nego_free(n);
}

static const struct {
    const char *name, *line;
    uint64_t want;
} sizes[] = {
    /* proves: SDP-21 */
    {"no_max_message_size_means_64_kib", NULL, 65536},
    {"a_max_message_size_is_taken", "a=max-message-size:1000", 1000},
    /* proves: SDP-21 */
    {"a_max_message_size_of_0_means_any", "a=max-message-size:0", UINT64_MAX},
    {"a_max_message_size_beyond_64_bits_is_clamped", "a=max-message-size:18446744073709551616",
     UINT64_MAX},
    {"a_negative_max_message_size_is_ignored", "a=max-message-size:-1", 65536},
};

static void size(void **state)
{
    const struct {
        const char *name, *line;
        uint64_t want;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"data"}}};
    char *offer = sdp_drop(n, paper_write(n, &p), 0, "a=max-message-size");
    nego_answer_to(&n->a, row->line ? sdp_put(n, offer, 0, row->line) : offer);
    assert_true(nego_transport(&n->a).max_message_size == row->want);
    nego_free(n);
}

static void a_re_offer_changes_the_max_message_size(void **state)
{
    (void)state;
    struct nego *n = media_call();
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    char *offer =
        sdp_set(n, nego_make_offer(&n->b), 1, "a=max-message-size", "a=max-message-size:5");
    nego_answer_to(&n->a, offer);
    assert_true(nego_transport(&n->a).max_message_size == 5);
    struct nego_chan *c = nego_find(&n->a, "c");
    assert_int_equal(sotto_dc_send(c->dc, "123456", 6, false), SOTTO_E_TOO_BIG);
    nego_free(n);
}

static void ids_are_given_when_the_dtls_role_is_negotiated(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct nego_chan *c = nego_channel(&n->a, "c");
    char *answer = paper_answer(n, nego_offer(&n->a)); /* the remote is the client: we are odd */
    assert_int_equal(sotto_dc_id(c->dc), SOTTO_E_STATE);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_int_equal(sotto_dc_id(c->dc), 1);
    nego_free(n);
}

static void channels_without_an_id_left_are_closed_with_the_answer(void **state)
{
    (void)state;
    struct nego_opt o = {.alone = true, .a = {.max_channels = 4}};
    struct nego *n = nego_new(&o);
    struct nego_chan *c[4];
    for (int i = 0; i < 4; i++) c[i] = nego_channel(&n->a, nego_text(n, "%d", i));
    n->a.watch = NEGO_CHANNELS;
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, paper_answer(n, nego_offer(&n->a)));
    nego_run(n, SOTTO_MS(10));
    nego_expect(&n->a, "closed 2; closed 3"); /* ids 1 and 3 are ours of 0…3 */
    assert_int_not_equal(c[2]->error, 0);
    assert_int_equal(sotto_dc_state(c[1]->dc), SOTTO_DC_CONNECTING);
    nego_free(n);
}

static void a_data_section_alone_is_bundled_with_itself(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    assert_string_equal(sdp_bundle(n, nego_local(&n->b)), "0");
    nego_connect(n);
    talks(n, "c");
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, media_alone_connects_without_sctp);
    NEGO_TEST(&u, data_is_added_to_a_running_call);
    NEGO_TEST(&u, the_answerer_of_the_media_adds_data);
    NEGO_TEST(&u, the_association_begins_with_the_answer);
    NEGO_TEST(&u, a_rolled_back_data_section_leaves_no_association);
    NEGO_TEST(&u, a_remote_that_ends_data_closes_the_channels);
    NEGO_TEST(&u, an_answer_that_refuses_data_closes_the_channels);
    NEGO_TEST(&u, data_ends_and_begins_again_in_a_call);
    NEGO_TEST(&u, data_begins_again_after_its_association_failed);
    NEGO_TEST(&u, a_rejected_data_section_is_recycled_for_media);
    NEGO_TEST(&u, a_stopped_media_section_is_recycled_for_data);
    NEGO_TEST(&u, a_remote_may_recycle_the_data_section_for_media);
    NEGO_TEST(&u, a_second_data_section_is_refused);
    NEGO_ROWS(&u, protos, proto);
    NEGO_ROWS(&u, sizes, size);
    NEGO_TEST(&u, a_re_offer_changes_the_max_message_size);
    NEGO_TEST(&u, ids_are_given_when_the_dtls_role_is_negotiated);
    NEGO_TEST(&u, channels_without_an_id_left_are_closed_with_the_answer);
    NEGO_TEST(&u, a_data_section_alone_is_bundled_with_itself);
    return nego_suite_run(&u, "negotiation: data");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Every offer that a browser wrote (test/fixtures/sdp) is answered with a text that fits it (RFC 3264 §6, RFC 9143 §7.3). */
#include <dirent.h>

#include "lines.h"
#include "wire/sdp_attr.h"

static const char *current; /* file, for messages */

#define CHECK(claim)                                                                               \
    do                                                                                             \
        if (!(claim)) fail_msg("%s: not so: %s", current, #claim);                                 \
    while (0)

static char *read_fixture(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, FIXTURES "/sdp/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s cannot be read", path);
    char *text = calloc(1, SOTTO_MAX_SDP);
    assert_true(fread(text, 1, SOTTO_MAX_SDP - 1, f) > 0);
    fclose(f);
    return text;
}

/* ---- what holds of offer and answer ---- */

static bool in_group(const struct sdp *sdp, struct str mid)
{
    const struct sdp_line *line;
    struct sdp_group g;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&sdp->s, &at, "group"))) {
        CHECK(sotto__sdp_group(line->value, &g) == 0);
        for (size_t i = 0; sotto__str_eq(g.semantics, STR("BUNDLE")) && i < g.n_mids; i++)
            if (sotto__str_eq(g.mids[i], mid)) return true;
    }
    return false;
}

static bool has_line(const struct sdp_media *m, const char *name, struct str value)
{
    const struct sdp_line *line;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&m->s, &at, name)))
        if (sotto__str_ieq(line->value, value)) return true;
    return false;
}

/* RFC 3264 §6.1: formats of the answer are the offer's, under their numbers. */
static void check_formats(const struct sdp_media *o, const struct sdp_media *a)
{
    const struct sdp_line *line;
    size_t at = 0;
    for (size_t i = 0; i < a->n_fmts; i++) {
        bool found = false;
        for (size_t j = 0; j < o->n_fmts; j++)
            found = found || sotto__str_eq(a->fmts[i], o->fmts[j]);
        CHECK(found);
    }
    while ((line = sotto__sdp_next_attr(&a->s, &at, "rtpmap"))) {
        struct str pt, codec;
        sotto__str_cut(line->value, ' ', &pt, &codec);
        bool is_static = sotto__str_eq(pt, STR("0")) || sotto__str_eq(pt, STR("8"));
        CHECK(is_static || has_line(o, "rtpmap", line->value));
    }
}

static void check_extensions(const struct sdp_media *o, const struct sdp_media *a)
{
    const struct sdp_line *line, *offered;
    struct sdp_extmap ours, theirs;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&a->s, &at, "extmap"))) {
        bool found = false;
        size_t from = 0;
        CHECK(sotto__sdp_extmap(line->value, &ours) == 0);
        while ((offered = sotto__sdp_next_attr(&o->s, &from, "extmap"))) {
            CHECK(sotto__sdp_extmap(offered->value, &theirs) == 0);
            found = found || (ours.id == theirs.id && sotto__str_eq(ours.uri, theirs.uri));
        }
        CHECK(found);
    }
}

static int32_t direction_of(const struct sdp *sdp, const struct sdp_media *m)
{
    for (int32_t i = SOTTO_DIR_SENDRECV; i <= SOTTO_DIR_INACTIVE; i++)
        if (sotto__sdp_attr(&m->s, sotto__direction_name(i))) return i;
    for (int32_t i = SOTTO_DIR_SENDRECV; i <= SOTTO_DIR_INACTIVE; i++)
        if (sotto__sdp_attr(&sdp->s, sotto__direction_name(i))) return i;
    return SOTTO_DIR_SENDRECV;
}

static void check_media(const struct sdp *offer, const struct sdp_media *o,
                        const struct sdp *answer, const struct sdp_media *a)
{
    int32_t theirs = direction_of(offer, o), ours = direction_of(answer, a);
    CHECK(!sotto__direction_sends(ours) || sotto__direction_receives(theirs));
    CHECK(!sotto__direction_receives(ours) || sotto__direction_sends(theirs));
    check_formats(o, a);
    check_extensions(o, a);
    CHECK(sotto__sdp_attr(&a->s, "rtcp-mux"));
    CHECK(!sotto__sdp_attr(&a->s, "rtcp-rsize") || sotto__sdp_attr(&o->s, "rtcp-rsize"));
    CHECK(!sotto__sdp_attr(&a->s, "simulcast") || sotto__sdp_attr(&o->s, "simulcast"));
    CHECK(sotto__direction_sends(ours) == (sotto__sdp_attr(&a->s, "msid") != NULL));
}

static void check_section(const struct sdp *offer, const struct sdp *answer, size_t i)
{
    const struct sdp_media *o = &offer->media[i], *a = &answer->media[i];
    const struct sdp_line *their_mid = sotto__sdp_attr(&o->s, "mid"),
                          *our_mid = sotto__sdp_attr(&a->s, "mid"),
                          *setup = sotto__sdp_attr(&a->s, "setup");
    CHECK(sotto__str_eq(o->kind, a->kind));
    CHECK(sotto__str_eq(o->proto, a->proto));
    CHECK(our_mid && their_mid && sotto__str_eq(our_mid->value, their_mid->value));
    CHECK(!sotto__sdp_attr(&a->s, "bundle-only"));
    CHECK(in_group(answer, our_mid->value) == (a->port != 0));
    CHECK(a->port == 0 || in_group(offer, their_mid->value));
    CHECK((setup != NULL) == (a->port != 0));
    if (setup) {
        CHECK(sotto__str_eq(setup->value, STR("active")) ||
              sotto__str_eq(setup->value, STR("passive")));
        CHECK(sotto__sdp_attr(&a->s, "ice-ufrag") && sotto__sdp_attr(&a->s, "ice-pwd"));
        CHECK(sotto__sdp_attr(&a->s, "fingerprint"));
    }
    if (a->port == 0) return;
    if (sotto__str_eq(o->kind, STR("application")))
        CHECK(sotto__sdp_attr(&a->s, "sctp-port"));
    else
        check_media(offer, o, answer, a);
}

static size_t check_answer(const char *offer_text, const char *answer_text)
{
    struct sdp *offer, *answer;
    size_t accepted = 0;
    CHECK(sotto__sdp_parse(offer_text, strlen(offer_text), &offer, NULL) == 0);
    CHECK(sotto__sdp_parse(answer_text, strlen(answer_text), &answer, NULL) == 0);
    CHECK(offer->n_media == answer->n_media);
    for (size_t i = 0; i < offer->n_media; i++) {
        check_section(offer, answer, i);
        accepted += answer->media[i].port != 0;
    }
    sotto__sdp_free(offer);
    sotto__sdp_free(answer);
    return accepted;
}

/* ---- the tests ---- */

/* Answers; how many sections were accepted. */
static size_t answer_text(struct duo *d, struct duo_side *s, const char *offer)
{
    sotto_error err = {.size = sizeof err};
    int r = sotto__peer_set_remote(s->peer, duo_now(d), SOTTO_SDP_OFFER, offer, &err);
    if (r < 0) fail_msg("%s: %d %s", current, r, err.reason);
    assert_int_equal(local(d, s, SOTTO_SDP_ANSWER), 0);
    char *sdp = local_text(s);
    size_t accepted = check_answer(offer, sdp);
    sotto__free(sdp);
    return accepted;
}

static size_t usable(const char *offer)
{
    size_t n = 0;
    for (int i = 0; i < count_sections(offer); i++) {
        bool rejected =
            count_lines(offer, i, "a=bundle-only") == 0 &&
            (count_lines(offer, i, "m=audio 0 ") || count_lines(offer, i, "m=video 0 "));
        n += !rejected;
    }
    return n;
}

static void answer_file(const char *name, bool with_tracks)
{
    struct transceiver *t;
    struct duo *d = duo_new(7);
    char *offer = read_fixture(name);
    current = name;
    for (int i = 0; with_tracks && i < 3; i++) {
        assert_int_equal(
            sotto__transceiver_add_track(d->a.peer, duo_now(d), SOTTO_AUDIO, NULL, 0, &t), 0);
        assert_int_equal(
            sotto__transceiver_add_track(d->a.peer, duo_now(d), SOTTO_VIDEO, NULL, 0, &t), 0);
    }
    size_t accepted = answer_text(d, &d->a, offer);
    if (accepted != usable(offer)) fail_msg("%s: accepted %zu", name, accepted);
    free(offer);
    duo_free(d);
}

static void every_offer_of_browsers_is_answered_and_nothing_usable_is_rejected(void **state)
{
    (void)state;
    DIR *dir = opendir(FIXTURES "/sdp");
    const struct dirent *e;
    int n = 0;
    assert_non_null(dir);
    while ((e = readdir(dir))) {
        if (!strstr(e->d_name, "offer") || !strstr(e->d_name, ".sdp")) continue;
        answer_file(e->d_name, false);
        answer_file(e->d_name, true);
        n++;
    }
    closedir(dir);
    assert_true(n > 60);
}

/* The re-offers of one session, in their order: places are kept, credentials change with the restart only. */
static void the_life_of_a_session_is_answered_step_by_step(void **state)
{
    static const char *const steps[] = {"first", "addvideo", "stopvideo", "reuse-mline",
                                        "icerestart"};
    static const char *const browsers[] = {"chromium", "firefox"};
    (void)state;
    for (size_t b = 0; b < 2; b++) {
        struct duo *d = duo_new(7);
        char ufrag[300] = "";
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            char name[128];
            snprintf(name, sizeof name, "%s-life-%s-offer.sdp", browsers[b], steps[i]);
            char *offer = read_fixture(name);
            current = name;
            assert_true(answer_text(d, &d->a, offer) == usable(offer));
            char *sdp = local_text(&d->a);
            bool same = strcmp(ufrag, line_value(sdp, 0, "a=ice-ufrag:")) == 0;
            assert_true(same == (i > 0 && i < 4));
            snprintf(ufrag, sizeof ufrag, "%s", line_value(sdp, 0, "a=ice-ufrag:"));
            sotto__free(sdp);
            free(offer);
        }
        duo_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_offer_of_browsers_is_answered_and_nothing_usable_is_rejected),
        cmocka_unit_test(the_life_of_a_session_is_answered_step_by_step),
    };
    return cmocka_run_group_tests_name("answer_browsers", tests, NULL, NULL);
}

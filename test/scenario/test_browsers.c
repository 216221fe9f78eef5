/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offers that Chromium and Firefox wrote, given to a peer that knows data only: audio and video are answered with port 0, and
 * everything else connects. The directory of the fixtures is the program's argument.
 */
#include <dirent.h>

#include "cmocka_all.h"
#include "raw_peer.h"
#include "wire/sdp.h"

static const char *directory;

static char *load(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 65536);
    if (!f || !text || fread(text, 1, 65535, f) == 0) fail_msg("%s cannot be read", path);
    fclose(f);
    return text;
}

/* Each section has its answer, and is accepted; without BUNDLE only the first. */
static void expect_answer(const char *offer, const char *answer)
{
    struct sdp *o, *a;
    assert_int_equal(sotto__sdp_parse(offer, strlen(offer), &o, NULL), 0);
    assert_int_equal(sotto__sdp_parse(answer, strlen(answer), &a, NULL), 0);
    assert_int_equal(a->n_media, o->n_media);
    bool bundled = sotto__sdp_attr(&o->s, "group") != NULL;
    for (size_t i = 0; i < o->n_media; i++) {
        assert_true(sotto__str_eq(a->media[i].kind, o->media[i].kind));
        assert_true(sotto__str_eq(a->media[i].proto, o->media[i].proto));
        /* RFC 9143 §6: port 0 with bundle-only is no rejection */
        bool offered = o->media[i].port != 0 || sotto__sdp_attr(&o->media[i].s, "bundle-only");
        assert_int_equal(a->media[i].port != 0, offered && (bundled || i == 0));
    }
    sotto__sdp_free(o);
    sotto__sdp_free(a);
}

static bool answer_one(const char *name)
{
    char *text = load(name), *answer = NULL;
    struct raw *r;
    struct pair *p = raw_pair_new(1, NULL, &r);
    int has_data = raw_offer_like(r, text, &answer);
    if (has_data < 0) print_error("%s: %s\n", name, sotto_strerror(has_data));
    assert_true(has_data >= 0);
    expect_answer(text, answer);
    if (has_data) {
        pair_run(p, SOTTO_SECONDS(3));
        if (!r->sctp_up) print_error("%s does not connect\n", name);
        assert_true(r->sctp_up);
        assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_CONNECTED);
        p->side[0].echo = true;
        assert_int_equal(raw_open(r, r->is_client ? 2 : 3, "browser"), 0);
        assert_int_equal(raw_send(r, r->is_client ? 2 : 3, 51, "hello", 5), 0);
        pair_run(p, SOTTO_SECONDS(1));
        assert_int_equal(r->n_acks, 1);
        assert_int_equal(r->n_data, 1);
    }
    sotto_free(answer);
    free(text);
    pair_free(p);
    return has_data;
}

static void offers_of_browsers_are_answered_and_their_data_connects(void **state)
{
    (void)state;
    int n = 0, connected = 0;
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, "offer") || !strstr(e->d_name, ".sdp")) continue;
        connected += answer_one(e->d_name);
        n++;
    }
    closedir(d);
    print_message("%d offers answered, %d of them connected\n", n, connected);
    assert_true(n >= 20 && connected >= 10);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_of_browsers_are_answered_and_their_data_connects),
    };
    if (argc != 2) return 2;
    directory = argv[1];
    return cmocka_run_group_tests_name("browsers", tests, NULL, NULL);
}

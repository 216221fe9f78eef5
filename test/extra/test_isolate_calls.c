/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * That the decoder makes no system call at all once files are shut, whichever kinds of packets follow one another: in the kernel's strict
 * mode, where any ends the process. An emulator of processors has no such mode, but can list system calls: run with an argument this only
 * decodes, between two words on standard error (test/cross/run).
 */
#include <math.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include <cmocka.h>

#include "extra/audio_opus.h"
#include "extra/isolate_child.h"

#define FRAMES 960
#define KINDS 5

static struct {
    int len;
    uint8_t data[1500];
} packets[KINDS];

/* Some 200 ms in, so that libopus has settled for what it was asked for. */
static void make(int kind, int channels, int bandwidth, int application)
{
    int e = 0;
    int16_t pcm[FRAMES * 2];
    OpusEncoder *o = opus_encoder_create(48000, channels, application, &e);
    assert_non_null(o);
    opus_encoder_ctl(o, OPUS_SET_BITRATE(24000 * channels));
    opus_encoder_ctl(o, OPUS_SET_FORCE_CHANNELS(channels));
    opus_encoder_ctl(o, OPUS_SET_BANDWIDTH(bandwidth));
    opus_encoder_ctl(o, OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(o, OPUS_SET_PACKET_LOSS_PERC(20));
    for (int k = 0; k < 10; k++) {
        for (int i = 0; i < FRAMES * channels; i++)
            pcm[i] = (int16_t)(8000 * sin((k * FRAMES + i / channels) * 0.02 * (1 + i % channels)));
        packets[kind].len = opus_encode(o, pcm, FRAMES, packets[kind].data, 1500);
        assert_true(packets[kind].len > 0);
    }
    opus_encoder_destroy(o);
}

static void make_all(void)
{
    make(0, 1, OPUS_BANDWIDTH_WIDEBAND, OPUS_APPLICATION_VOIP); /* SILK */
    make(1, 2, OPUS_BANDWIDTH_WIDEBAND, OPUS_APPLICATION_VOIP);
    make(2, 1, OPUS_BANDWIDTH_FULLBAND, OPUS_APPLICATION_VOIP); /* hybrid */
    make(3, 2, OPUS_BANDWIDTH_FULLBAND, OPUS_APPLICATION_RESTRICTED_LOWDELAY); /* CELT */
    make(4, 1, OPUS_BANDWIDTH_NARROWBAND, OPUS_APPLICATION_VOIP);
}

/* Each kind after each. How many were not decoded. */
static int decode_all(struct opus_state *o)
{
    static int16_t pcm[OPUS_MAX_FRAMES * 2];
    int bad = 0;
    for (int i = 0; i < KINDS * KINDS; i++) {
        const int kinds[] = {i % KINDS, i / KINDS};
        for (int k = 0; k < 2; k++) {
            const uint8_t *p = packets[kinds[k]].data;
            const size_t len = (size_t)packets[kinds[k]].len;
            bad += sotto__opus_decode_fec(o, p, len, pcm, FRAMES) != FRAMES;
            bad += sotto__opus_decode(o, p, len, pcm, FRAMES) != FRAMES;
            bad += sotto__opus_decode(o, NULL, 0, pcm, FRAMES) != FRAMES;
        }
    }
    return bad;
}

/* proves: S11 H136 */
static void decoding_makes_no_system_call(void **state)
{
    (void)state;
    struct opus_state *o = NULL;
    int status = -1;
    assert_true(((packets[0].data[0] ^ packets[1].data[0]) & 4) != 0); /* mono and stereo … */
    assert_true(packets[0].data[0] >> 3 < 12 && packets[1].data[0] >> 3 < 12); /* of SILK */
    assert_true(packets[3].data[0] >> 3 >= 16);                                /* and CELT */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (sotto__opus_new(2, &o) != 0) _exit(2);
        sotto__isolate_no_files();
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        syscall(SYS_exit, decode_all(o) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Between the two words there is to be nothing. */
static int only_decode(void)
{
    struct opus_state *o = NULL;
    if (sotto__opus_new(2, &o) != 0) return 2;
    sotto__isolate_no_files();
    if (write(2, "SHUT\n", 5) != 5) return 3;
    int bad = decode_all(o);
    if (write(2, "OPEN\n", 5) != 5) return 3;
    sotto__opus_free(o);
    return bad == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_makes_no_system_call),
    };
    make_all();
    return argc > 1 ? only_decode() : cmocka_run_group_tests(tests, NULL, NULL);
}

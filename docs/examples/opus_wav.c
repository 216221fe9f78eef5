/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records a call: reads an SDP offer from standard input up to end of file, prints the answer with
 * all candidates, and writes the Opus that comes to a WAV file, 48 kHz stereo, until the call ends.
 *     build/release/docs/examples/opus_wav call.wav < offer.sdp
 * Packets that are missing are recovered from the next one or concealed, so that time stays right.
 */
#include <sotto/sotto.h>
#include <stdio.h>
#include <string.h>

#define MAX_GAP 48000 /* samples; a longer one is none: the sender began anew */
static char offer[256 * 1024 + 1];
static int16_t pcm[5760 * 2];
static uint32_t bytes, next_time; /* of PCM that was written; RTP time that should come next */

static int write_header(FILE *wav)
{
    const uint32_t head[11] = {0x46464952, 36 + bytes, 0x45564157,   0x20746d66, 16,   2 << 16 | 1,
                               48000,      192000,     16 << 16 | 4, 0x61746164, bytes}; /* "RIFF" … "data" */
    rewind(wav);
    for (int i = 0; i < 44; i++)
        if (putc((int)(head[i / 4] >> (8 * (i % 4)) & 0xff), wav) == EOF) return SOTTO_E_SYS;
    return 0;
}

static int add(FILE *wav, int frames)
{
    if (frames > 0) bytes += (uint32_t)fwrite(pcm, 1, (size_t)frames * 4, wav);
    return frames < 0 ? frames : ferror(wav) ? SOTTO_E_SYS : 0;
}

/* One packet, and what is missing before it. */
static int on_frame(const sotto_frame *f, sotto_opus_decoder *d, FILE *wav)
{
    int32_t gap = bytes ? (int32_t)(f->rtp_time - next_time) : 0;
    int frames = sotto_opus_packet_frames(f->data, f->len), r = 0;
    if (strcmp(f->mime, "audio/opus") != 0 || frames < 0) return 0; /* not for us */
    for (; r == 0 && gap > 0 && gap <= MAX_GAP; gap -= frames) {
        bool is_last = gap <= frames;
        size_t n = (size_t)(is_last ? gap : frames);
        r = add(wav, is_last ? sotto_opus_decode_fec(d, f->data, f->len, pcm, n)
                             : sotto_opus_decode(d, NULL, 0, pcm, n));
    }
    next_time = f->rtp_time + (uint32_t)frames;
    return r == 0 ? add(wav, sotto_opus_decode(d, f->data, f->len, pcm, 5760)) : r;
}

int main(int argc, char **argv)
{
    FILE *wav = fopen(argc > 1 ? argv[1] : "", "wb");
    sotto_error err = {.size = sizeof err};
    sotto_opus_decoder *d = NULL;
    sotto_ctx *ctx = NULL;
    sotto_pc *pc = NULL;
    sotto_event *e;
    char *answer = NULL;
    int state = SOTTO_CONNECTION_NEW, r = wav ? write_header(wav) : SOTTO_E_SYS;
    offer[fread(offer, 1, sizeof offer - 1, stdin)] = '\0';
    if (r >= 0) r = sotto_opus_decoder_new(2, &d);
    if (r >= 0 && (r = sotto_ctx_new(NULL, &ctx)) >= 0) r = sotto_pc_new(ctx, NULL, &pc);
    if (r >= 0) r = sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, offer, &err);
    if (r >= 0) r = sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    while (r >= 0 && state < SOTTO_CONNECTION_FAILED && (r = sotto_ctx_wait(ctx, -1, &e)) >= 0) {
        if (r == 0) continue; /* a signal came */
        if (e->type == SOTTO_EV_FRAME) r = on_frame(e->u.frame.frame, d, wav);
        if (e->type == SOTTO_EV_STATE) state = e->u.state.connection;
        if (!answer && e->type == SOTTO_EV_STATE && e->u.state.gathering == 2 &&
            sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, &answer) == 1)
            printf("%s\n", answer), fflush(stdout);
        sotto_event_free(e);
    }
    sotto_free(answer), sotto_ctx_free(ctx), sotto_opus_decoder_free(d);
    if (r >= 0) r = write_header(wav);
    if (wav && fclose(wav) != 0 && r >= 0) r = SOTTO_E_SYS;
    if (r < 0) fprintf(stderr, "opus_wav: %s\n", err.reason[0] ? err.reason : sotto_strerror(r));
    return r >= 0 && state == SOTTO_CONNECTION_CLOSED ? 0 : 1;
}

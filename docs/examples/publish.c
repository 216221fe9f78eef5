/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Publishes a tone by WHIP, and comes back after each loss: what a microphone would do.
 *     build/release/docs/examples/publish https://example.com/whip [TOKEN]
 * Prints a line for each change. Ends when the server refuses for good.
 */
#include <math.h>
#include <sotto/sotto.h>
#include <stdio.h>

enum { FRAMES = 960, RATE = 48000 }; /* 20 ms */

/* What is due by now, a frame for each 20 ms. */
static void send_tone(sotto_transceiver *t, sotto_opus_encoder *opus, sotto_us *next)
{
    static double phase;
    int16_t pcm[FRAMES];
    uint8_t packet[1500];
    for (; *next <= sotto_now(); *next += 20000) {
        for (int i = 0; i < FRAMES; i++, phase += 2 * 3.14159265358979 * 440 / RATE)
            pcm[i] = (int16_t)(8000 * sin(phase));
        int n = sotto_opus_encode(opus, pcm, FRAMES, packet, sizeof packet);
        sotto_frame f = {
            .size = sizeof f, .data = packet, .len = n > 0 ? (size_t)n : 0, .capture_us = *next};
        if (n > 0) sotto_transceiver_send_frame(t, &f); /* not taken: dropped */
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"",           "new",      "connecting", "connected",
                                        "restarting", "retrying", "refused",    "ended"};
    sotto_whip_config cfg = {.size = sizeof cfg, .no_video = true};
    sotto_opus_config opus_cfg = {.size = sizeof opus_cfg, .channels = 1};
    sotto_opus_encoder *opus = NULL;
    sotto_transceiver *audio = NULL; /* while connected */
    sotto_ctx *ctx = NULL;
    sotto_whip *w = NULL;
    sotto_event *e;
    sotto_us next = sotto_now();
    cfg.url = argc > 1 ? argv[1] : "";
    cfg.token = argc > 2 ? argv[2] : NULL;
    int state = 0, r = sotto_ctx_new(NULL, &ctx);
    if (r == 0) r = sotto_opus_encoder_new(&opus_cfg, &opus);
    if (r == 0) r = sotto_whip_publish(ctx, &cfg, &w);
    while (r >= 0 && state != SOTTO_WHIP_REFUSED) {
        r = sotto_ctx_wait(ctx, audio ? 10000 : -1, &e);
        if (r == 1) {
            sotto_whip_handle(w, e);
            sotto_event_free(e);
        }
        sotto_whip_news news = {.size = sizeof news};
        while (sotto_whip_next(w, &news) == 1) {
            state = news.state;
            audio = state == SOTTO_WHIP_CONNECTED ? news.audio : NULL;
            next = sotto_now();
            printf("%s %s\n", names[state], news.reason);
            fflush(stdout);
        }
        if (audio) send_tone(audio, opus, &next);
    }
    if (r < 0) fprintf(stderr, "publish: %s\n", sotto_strerror(r));
    sotto_whip_free(w);
    sotto_opus_encoder_free(opus);
    sotto_ctx_free(ctx);
    return 1;
}

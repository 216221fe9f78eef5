/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A camera sender: reads an SDP offer, prints the answer with all candidates, and sends H.264: of a
 * camera whose driver gives it to read(), a file again and again, or a pipe such as
 * <(v4l2-ctl --set-fmt-video=pixelformat=H264 --stream-mmap --stream-to=-).
 *     build/release/docs/examples/camera /dev/video0 < offer.sdp
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sotto/sotto.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char offer[256 * 1024 + 1], *answer;
static uint8_t video[4 << 20]; /* what was read and not sent yet */
static size_t n_video;

/* Where the first access unit ends, that is where another begins (H.264 §7.4.1.2.3). */
static size_t unit_end(const uint8_t *p, size_t n, bool *is_key)
{
    bool had_slice = *is_key = false;
    for (size_t i = 0; i + 4 < n; i++) {
        int type = p[i + 3] & 0x1f;
        if (memcmp(p + i, "\0\0\1", 3) != 0) continue;
        if (had_slice && (type <= 5 ? p[i + 4] & 0x80 : type <= 9)) return i;
        had_slice |= type <= 5, *is_key |= type == 5;
    }
    return n;
}

/* Sends one access unit if there is one; the next one of a camera says where it ends. */
static int send_unit(int fd, sotto_transceiver *t)
{
    sotto_frame f = {.size = sizeof f, .data = video};
    while ((f.len = unit_end(video, n_video, &f.is_key)) == n_video) {
        size_t room = sizeof video - n_video;
        ssize_t n = read(fd, video + n_video, room < 65536 ? room : 65536);
        if (n < 0 || (n == 0 && lseek(fd, 0, SEEK_SET) < 0))
            return errno == EAGAIN ? 0 : SOTTO_E_SYS;
        if (n == 0) break; /* the file begins again */
        n_video += (size_t)n;
    }
    int r = sotto_transceiver_send_frame(t, &f);
    memmove(video, video + f.len, n_video -= f.len);
    return r == SOTTO_E_AGAIN || r == SOTTO_E_STATE ? 0 : r;
}

int main(int argc, char **argv)
{
    struct v4l2_format f = {V4L2_BUF_TYPE_VIDEO_CAPTURE, {.pix.pixelformat = V4L2_PIX_FMT_H264}};
    struct v4l2_control key = {.id = V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME};
    int fd = open(argc > 1 ? argv[1] : "", O_RDONLY | O_NONBLOCK), state = 0;
    int r = fd < 0 || (ioctl(fd, VIDIOC_S_FMT, &f) < 0 && errno != ENOTTY) ? SOTTO_E_SYS : 0;
    sotto_us pause = lseek(fd, 0, SEEK_CUR) < 0 ? 2000 : 33333; /* a file: 30 a second */
    sotto_error err = {.size = sizeof err};
    sotto_transceiver *t = NULL;
    sotto_codecs *codecs = NULL;
    sotto_ctx *ctx = NULL;
    sotto_pc *pc = NULL;
    sotto_event *e;
    size_t from = 0, n = 0;
    offer[fread(offer, 1, sizeof offer - 1, stdin)] = '\0';
    if (r >= 0 && (r = sotto_ctx_new(NULL, &ctx)) >= 0) r = sotto_pc_new(ctx, NULL, &pc);
    if (r >= 0) r = sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, offer, &err);
    if (r >= 0) r = sotto_pc_add_track(pc, SOTTO_VIDEO, NULL, 0, &t);
    if (r >= 0) r = sotto_capabilities(SOTTO_VIDEO, &codecs);
    for (size_t i = 0; r >= 0 && i < codecs->n; i++)
        if (strcmp(codecs->items[i].mime, "video/H264") == 0 && n++ == 0) from = i;
    if (r >= 0) r = sotto_transceiver_set_codec_preferences(t, codecs->items + from, n);
    if (r >= 0) r = sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    while (r >= 0 && state < SOTTO_CONNECTION_FAILED) {
        if ((r = sotto_ctx_wait(ctx, pause, &e)) == 1) {
            if (e->type == SOTTO_EV_STATE) state = e->u.state.connection;
            if (e->type == SOTTO_EV_KEYFRAME_NEEDED && ioctl(fd, VIDIOC_S_CTRL, &key) < 0)
                if (lseek(fd, 0, SEEK_SET) == 0) n_video = 0; /* a file begins with one */
            if (!answer && e->type == SOTTO_EV_STATE && e->u.state.gathering == 2 &&
                sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, &answer) == 1)
                printf("%s\n", answer), fflush(stdout);
            sotto_event_free(e);
        } else if (r == 0 && state == SOTTO_CONNECTION_CONNECTED) {
            r = send_unit(fd, t);
        }
    }
    if (r < 0) fprintf(stderr, "camera: %s\n", err.reason[0] ? err.reason : sotto_strerror(r));
    sotto_free(answer), sotto_free(codecs), sotto_ctx_free(ctx);
    return state == SOTTO_CONNECTION_CLOSED ? 0 : 1;
}

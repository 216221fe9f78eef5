/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command lines of `sotto publish` and `sotto play`. A token never stands there, where each user of the machine could read it.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOTH                                                                                       \
    "  --token-file FILE  the bearer token; read again at SIGHUP. Without it the token is taken\n" \
    "                     from the environment variable SOTTO_TOKEN, if that is set\n"             \
    "  --ca-file FILE     trust these authorities (PEM) instead of the system's\n"                 \
    "  --pin PIN          the server's public key must be this one, too: sha256//BASE64\n"         \
    "  --interface NAME   media by this network interface only\n"                                  \
    "  --no-audio, --no-video\n"                                                                   \
    "  --seconds N        end after so long; else at Ctrl-C\n"                                     \
    "  --quiet            no progress line\n"                                                      \
    "  --verbose          what the library logs, on standard error\n"                              \
    "  --help             this text\n"

static int usage(FILE *to, bool plays)
{
    if (plays)
        fputs("usage: sotto play [OPTION…] URL\n"
              "\n"
              "Plays from a media server by WHEP into files: IVF, H.264 (Annex B), Ogg.\n"
              "\n"
              "  --directory DIR    where the files are written (.); files that exist are left "
              "alone\n" BOTH,
              to);
    else
        fputs(
            "usage: sotto publish [OPTION…] URL\n"
            "\n"
            "Publishes to a media server by WHIP: a picture with a clock and a beep each second,\n"
            "unless a camera or files are given. Comes back after a loss until it is ended.\n"
            "\n"
            "  --camera DEVICE    a V4L2 camera, such as /dev/video0\n"
            "  --file FILE        H.264 (Annex B), or VP8, VP9 or AV1 in IVF; Opus in Ogg. Again\n"
            "                     and again. Once for each kind\n"
            "  --size WxH         of the picture (640x360), and asked of a camera\n"
            "  --fps N            pictures a second (30)\n" BOTH,
            to);
    fputs("\nThe URL is https://…; http:// only to this machine itself.\n"
          "Exit code: 0 it was ended; 1 the server refused, or nothing can be sent; 2 wrong "
          "arguments.\n",
          to);
    return to == stdout ? 0 : 2;
}

static int take(struct stream_options *o, int c)
{
    int r = o->plays ? 3 : options_source(&o->from, c, optarg);
    if (r != 3) return r;
    switch (c) {
    case 'h': return usage(stdout, o->plays);
    case 't': o->token_file = optarg; return -1;
    case 'C': o->ca_file = optarg; return -1;
    case 'P': o->pin = optarg; return -1;
    case 'i': o->interface = optarg; return -1;
    case 'A': o->no_audio = true; return -1;
    case 'V': o->no_video = true; return -1;
    case 'q': o->quiet = true; return -1;
    case 'v': o->verbose = true; return -1;
    case 'd':
        if (!o->plays) return usage(stderr, false);
        o->directory = optarg;
        return -1;
    case 'n':
        if (!options_number(optarg, 1, 1000000, '\0', &o->seconds))
            return options_wrong("number of seconds", optarg);
        return -1;
    default: return usage(stderr, o->plays);
    }
}

/* What is wrong together, or on this machine. */
static int check(const struct stream_options *o)
{
    if (o->no_audio && o->no_video) {
        fputs("sotto: neither sound nor picture is left\n", stderr);
        return 2;
    }
    if (!o->ca_file || access(o->ca_file, R_OK) == 0) return -1;
    fprintf(stderr, "sotto: %s: %s\n", o->ca_file, strerror(errno));
    return 2;
}

int stream_options(int argc, char **argv, struct stream_options *o)
{
    static const struct option known[] = {SOURCE_OPTIONS,
                                          {"token-file", required_argument, NULL, 't'},
                                          {"ca-file", required_argument, NULL, 'C'},
                                          {"pin", required_argument, NULL, 'P'},
                                          {"interface", required_argument, NULL, 'i'},
                                          {"directory", required_argument, NULL, 'd'},
                                          {"no-audio", no_argument, NULL, 'A'},
                                          {"no-video", no_argument, NULL, 'V'},
                                          {"seconds", required_argument, NULL, 'n'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c, code = -1;
    *o = (struct stream_options){
        .plays = strcmp(argv[0], "play") == 0, .directory = ".", .from = SOURCE_DEFAULTS};
    while (code < 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) code = take(o, c);
    if (code < 0 && optind + 1 != argc) code = usage(stderr, o->plays);
    if (code < 0) o->url = argv[optind];
    return code < 0 ? check(o) : code;
}

/* The first line of a file, without blanks at its ends. */
static int read_token(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, cap - 1) : -1;
    if (fd >= 0) close(fd);
    if (n < 0) {
        fprintf(stderr, "sotto: %s: %s\n", path, strerror(errno));
        return -1;
    }
    out[n] = '\0';
    out[strcspn(out, " \t\r\n")] = '\0';
    if (out[0]) return 0;
    fprintf(stderr, "sotto: %s: there is no token in its first line\n", path);
    return -1;
}

int stream_token(const struct stream_options *o, char **ret)
{
    const char *given = getenv("SOTTO_TOKEN");
    char *token = calloc(1, SOTTO_MAX_WHIP_TOKEN + 2);
    int r = token ? 0 : -1;
    *ret = NULL;
    if (r == 0 && o->token_file)
        r = read_token(o->token_file, token, SOTTO_MAX_WHIP_TOKEN + 2);
    else if (r == 0 && given)
        snprintf(token, SOTTO_MAX_WHIP_TOKEN + 2, "%s", given);
    if (r == 0 && token[0]) *ret = token;
    if (!*ret) free(token);
    return r;
}

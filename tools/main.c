/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program `sotto`: picks the command. Uses the public API only.
 */
#include "tools.h"

#include <stdio.h>
#include <string.h>

static void log_line(int32_t level, const char *line, void *user)
{
    (void)user;
    fprintf(stderr, "%d %s\n", level, line);
}

int tools_context(bool verbose, sotto_ctx **ret)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .log_level = SOTTO_LOG_DEBUG, .log = log_line};
    return sotto_ctx_new(verbose ? &cfg : NULL, ret);
}

void tools_explain(sotto_pc *pc)
{
    char *why;
    if (sotto_pc_explain(pc, &why) < 0) return;
    fputs(why, stderr);
    sotto_free(why);
}

static int usage(FILE *to)
{
    fprintf(to,
            "usage: sotto demo [OPTION…]                     serve a page that calls this machine\n"
            "       sotto publish [OPTION…] URL             send to a media server by WHIP\n"
            "       sotto play [OPTION…] URL                write files from one by WHEP\n"
            "       sotto echo [--offer] [--loopback]       a peer on standard input and output\n"
            "       sotto identity FILE                     a key and certificate for a device\n"
            "       sotto --version\n"
            "       sotto COMMAND --help\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "demo") == 0) return tools_demo(argc - 1, argv + 1);
    if (strcmp(command, "publish") == 0) return tools_stream(argc - 1, argv + 1);
    if (strcmp(command, "play") == 0) return tools_stream(argc - 1, argv + 1);
    if (strcmp(command, "echo") == 0) return tools_echo(argc - 1, argv + 1);
    if (strcmp(command, "identity") == 0) return tools_identity(argc - 1, argv + 1);
    if (strcmp(command, "--version") == 0) return printf("sotto %s\n", sotto_version()) > 0 ? 0 : 1;
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) return usage(stdout);
    if (*command) fprintf(stderr, "sotto: unknown command '%s'\n", command);
    return usage(stderr);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sotto identity`: the long-lived identity of a device. In: the name of a file that does not exist yet, or with --show of one that does.
 * Out: key and certificate as PEM, which only the owner can read, and on standard output the fingerprint that others allow-list.
 * Exit code: 0, 1 a failure, 2 wrong arguments.
 */
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAYS 3653 /* ten years */

static int usage(FILE *to)
{
    fprintf(
        to,
        "usage: sotto identity [--days N] FILE\n"
        "       sotto identity --show FILE\n"
        "\n"
        "Makes a key and a certificate for a device, writes them to FILE, which must not exist\n"
        "yet and is readable by its owner only, and prints the fingerprint that others put on\n"
        "their lists (sotto_pc_config.peer_fingerprints).\n"
        "\n"
        "  --days N  how long the certificate is valid: 1 to %d, else ten years\n"
        "  --show    print the fingerprint of the identity in FILE, a file or a URI of OpenSSL\n",
        SOTTO_MAX_CERT_DAYS);
    return to == stdout ? 0 : 2;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "sotto identity: %s: %s\n", what, why);
    return 1;
}

static int print(const sotto_cert *cert)
{
    char *text;
    int r = sotto_cert_fingerprint(cert, &text);
    if (r < 0) return fail("fingerprint", sotto_strerror(r));
    bool is_written = puts(text) >= 0 && fflush(stdout) == 0;
    sotto_free(text);
    return is_written ? 0 : fail("standard output", strerror(errno));
}

static int show(const char *uri)
{
    sotto_error e = {.size = sizeof e};
    sotto_cert *cert;
    if (sotto_cert_from_uri(uri, NULL, NULL, &cert, &e) < 0) return fail(uri, e.reason);
    int code = print(cert);
    sotto_cert_free(cert);
    return code;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = write(fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        p += got, n -= (size_t)got;
    }
    return fsync(fd) == 0;
}

/* A file that could not be written whole does not stay. */
static int save(const char *name, const char *pem)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fail(name, strerror(errno));
    bool ok = write_all(fd, pem, strlen(pem));
    int why = errno;
    ok = close(fd) == 0 && ok;
    if (ok) return 0;
    unlink(name);
    return fail(name, strerror(why));
}

static int make(const char *name, int32_t days)
{
    sotto_cert *cert;
    char *pem = NULL;
    int r = sotto_cert_generate_days(days, &cert);
    if (r < 0) return fail("key", sotto_strerror(r));
    r = sotto_cert_to_pem(cert, &pem);
    int code = r < 0 ? fail("PEM", sotto_strerror(r)) : save(name, pem);
    if (code == 0) code = print(cert);
    if (pem) explicit_bzero(pem, strlen(pem));
    sotto_free(pem);
    sotto_cert_free(cert);
    return code;
}

int tools_identity(int argc, char **argv)
{
    long days = DAYS;
    bool shows = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--help") == 0) return usage(stdout);
        if (strcmp(argv[i], "--show") == 0) {
            shows = true;
        } else if (strcmp(argv[i], "--days") == 0 && i + 1 < argc) {
            days = strtol(argv[++i], &end, 10);
            if (*end || end == argv[i] || days < 1 || days > SOTTO_MAX_CERT_DAYS)
                return usage(stderr);
        } else {
            return usage(stderr);
        }
    }
    if (i + 1 != argc) return usage(stderr);
    return shows ? show(argv[i]) : make(argv[i], (int32_t)days);
}

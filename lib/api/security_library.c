/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The libraries below and their known holes: which version is here, which of the holes it has, and what keeps a connection from each
 * whatever the library does. Versions are those that libraries tell at run time; where one does not, that of its headers. A distribution
 * repairs without a new version, so the version of its package counts where it is known and belongs to what is loaded. In: the libraries,
 * dpkg's list of packages (deb-version(7)); out: part of the security report. The table wants a line for each hole that becomes known.
 *
 * answers: S13 S16
 */
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api/security.h"
#include "extra/library.h"

static const struct { /* in the order of enum which */
    const char *name, *package, *prefix; /* prefix: before the version, as the library says it */
} known[SECURITY_LIBRARIES] = {
    {"libnice", "libnice10", ""},
    {"OpenSSL", "libssl3", ""},
    {"libsrtp2", "libsrtp2-1", "libsrtp2 "},
    {"usrsctp", "libusrsctp2", ""},
    {"libopus", "libopus0", "libopus "},
};

enum which { NICE, OPENSSL, SRTP, USRSCTP, OPUS };

/* from and until: versions of this branch; the hole is in all from `from` on and before `until`. Others are not known to have it. */
static const struct {
    enum which library;
    const char *from, *until, *id, *text, *fence;
} table[] = {
    {OPENSSL, "3.0", "3.0.2", "CVE-2022-0778", "a certificate can make it loop for ever",
     "explicit curve parameters: OpenSSL reads a certificate only after its fingerprint was "
     "compared"},
    {OPENSSL, "3.0", "3.0.22-1~deb12u1", "CVE-2026-54874",
     "records of a future epoch are kept without bound", "dtls_guard gives it none"},
    {OPENSSL, "3.0", "3.0.22-1~deb12u1", "CVE-2026-75803",
     "EVP_Cipher() takes forgeries of an empty text",
     "that function is not used; sotto_selftest()"},
    {OPENSSL, "3.0", "3.0.22-1~deb12u2", "CVE-2026-75806",
     "a record shorter than its tag ends the process",
     "after the handshake no record reaches it, during it only whole ones of the guard"},
    {OPENSSL, "3.0", "3.0.22-1~deb12u2", "CVE-2026-84782",
     "flights that are sent again leave from a wrong place", NULL},
    {OPENSSL, "3.0", "9", "handshake-kill", "one forged datagram ends a handshake",
     "dtls_guard filters, and begins anew"},
    {SRTP, "0", "1.5.3", "CVE-2015-6360", "lengths of extensions and CSRCs are believed",
     "headers are checked before it"},
    {SRTP, "2", "3", "plain-SRTCP", "with AES-GCM it takes SRTCP that is not encrypted",
     "the E bit is checked before it"},
    {SRTP, "2", "3", "fork", "a forked child goes on with the keys and numbers of its parent",
     "a child gets SOTTO_E_FORKED"},
    {USRSCTP, "0", "0.9.4", "CVE-2019-20503", "lengths of address parameters are believed",
     "sctp_guard refuses them"},
    {USRSCTP, "0", "9", "CVE-2020-6514", "HEARTBEAT shows the peer a pointer",
     "it is given a random number instead of an address"},
    {USRSCTP, "0", "0.9.5.1", "CVE-2022-46871", "undisclosed: fixed after 0.9.5.0",
     "sctp_guard lets in only what data channels need"},
    {USRSCTP, "0", "0.9.5.1", "usrsctp#597", "legal fragments end the association",
     "sctp_guard moves complete messages to a stream of their own; an association that ends is "
     "told"},
    {USRSCTP, "0", "9", "usrsctp#380", "ASCONF and AUTH chunks overflow",
     "both are off, and sctp_guard refuses them"},
    {NICE, "0", "9", "short-integrity",
     "STUN with a short MESSAGE-INTEGRITY is read beyond its end",
     "a filter on each socket passes only checks of the right shape"},
    {NICE, "0", "9", "weak-credentials", "its user names and passwords are guessable",
     "it is given random ones"},
    {NICE, "0", "9", "port-wrap", "candidates are read wrongly: ports above 65535, missing types",
     "candidates are read by wire/candidate"},
    {NICE, "0", "9", "no-limit", "candidates of the remote are not limited",
     "SOTTO_MAX_REMOTE_CANDIDATES"},
    {NICE, "0", "0.1.22", "consent-10s", "consent ends after 10 s instead of 30",
     "consent is asked for by this library"},
};

_Static_assert(sizeof table / sizeof *table <= SECURITY_HOLES, "room in the report");

/* ---- versions ---- */

/* deb-version(7): "~" before the end, the end before letters, letters before all else. */
static int weight(char c)
{
    if (c == '~') return -1;
    if (c == '\0' || isdigit((unsigned char)c)) return 0;
    return isalpha((unsigned char)c) ? c : (unsigned char)c + 256;
}

static int compare_part(const char *a, size_t n_a, const char *b, size_t n_b)
{
    const char *end_a = a + n_a, *end_b = b + n_b;
    while (a < end_a || b < end_b) {
        unsigned long long x = 0, y = 0;
        while ((a < end_a && !isdigit((unsigned char)*a)) ||
               (b < end_b && !isdigit((unsigned char)*b))) {
            int d = weight(a < end_a ? *a : '\0') - weight(b < end_b ? *b : '\0');
            if (d != 0) return d;
            a += a < end_a, b += b < end_b;
        }
        for (; a < end_a && isdigit((unsigned char)*a); a++) x = x * 10 + (unsigned)(*a - '0');
        for (; b < end_b && isdigit((unsigned char)*b); b++) y = y * 10 + (unsigned)(*b - '0');
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

static size_t upstream_size(const char *v)
{
    const char *dash = strrchr(v, '-');
    return dash ? (size_t)(dash - v) : strlen(v);
}

/* The epoch, "1:", is a matter of packages, and no part of the version that the table speaks of. */
static const char *after_epoch(const char *v)
{
    size_t n = strspn(v, "0123456789");
    return n > 0 && v[n] == ':' ? v + n + 1 : v;
}

int sotto__security_compare(const char *a, const char *b)
{
    a = after_epoch(a);
    b = after_epoch(b);
    size_t n_a = upstream_size(a), n_b = upstream_size(b);
    int d = compare_part(a, n_a, b, n_b);
    if (d != 0) return d;
    const char *r_a = a[n_a] ? a + n_a + 1 : "", *r_b = b[n_b] ? b + n_b + 1 : "";
    return compare_part(r_a, strlen(r_a), r_b, strlen(r_b));
}

/* ---- packages ---- */

/* The value of a line of dpkg's list; NULL: it is another field. */
static const char *value_of(const char *line, const char *field)
{
    size_t n = strlen(field);
    return strncmp(line, field, n) == 0 ? line + n : NULL;
}

bool sotto__security_package(const char *status, const char *name,
                             char version[static SECURITY_VERSION])
{
    char line[256];
    bool here = false, is_installed = false, found = false, begins = true;
    FILE *file = fopen(status, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        size_t n = strcspn(line, "\n");
        bool is_line = begins, ends = line[n] == '\n';
        begins = ends;
        line[n] = '\0';
        if (!is_line) continue; /* the rest of a long one */
        const char *v;
        if ((v = value_of(line, "Package: "))) here = strcmp(v, name) == 0, is_installed = false;
        if ((v = value_of(line, "Status: "))) is_installed = strstr(v, " installed") != NULL;
        if (here && is_installed && (v = value_of(line, "Version: ")) &&
            strlen(v) < SECURITY_VERSION) {
            snprintf(version, SECURITY_VERSION, "%s", v);
            found = true;
        }
    }
    if (file) fclose(file);
    return found;
}

/* What is installed need not be what is loaded: the version that the library tells must be the package's. */
static void find_package(size_t i, struct library *l)
{
    char version[SECURITY_VERSION];
    size_t n = strlen(l->version);
    if (n == 0 || !sotto__security_package("/var/lib/dpkg/status", known[i].package, version))
        return;
    const char *upstream = after_epoch(version);
    bool same = strncmp(upstream, l->version, n) == 0 && !isdigit((unsigned char)upstream[n]);
    if (same) snprintf(l->package, sizeof l->package, "%s", version);
}

static struct library here[SECURITY_LIBRARIES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void ask(void)
{
    here[NICE].version = sotto__nice_library_version();
    here[OPENSSL].version = sotto__dtls_library_version();
    here[SRTP].version = sotto__srtp_library_version();
    here[USRSCTP].version = sotto__sctp_library_version();
    here[OPUS].version = sotto__opus_library_version();
    here[OPENSSL].is_runtime = here[SRTP].is_runtime = here[OPUS].is_runtime = true;
    for (size_t i = 0; i < SECURITY_LIBRARIES; i++) {
        size_t n = strlen(known[i].prefix);
        if (strncmp(here[i].version, known[i].prefix, n) == 0) here[i].version += n;
        find_package(i, &here[i]);
    }
}

const struct library *sotto__security_here(void)
{
    pthread_once(&once, ask);
    return here;
}

/* ---- the report ---- */

static bool has_hole(const struct library *l, size_t k)
{
    const char *v = l->package[0] ? l->package : l->version;
    return v[0] && sotto__security_compare(v, table[k].from) >= 0 &&
           sotto__security_compare(v, table[k].until) < 0;
}

void sotto__security_libraries(const struct library libraries[SECURITY_LIBRARIES],
                               struct security_block *b)
{
    size_t n = 0;
    for (size_t i = 0; i < SECURITY_LIBRARIES; i++) {
        const struct library *l = &libraries[i];
        sotto_security_library *to = &b->libraries[i];
        memcpy(b->packages[i], l->package, sizeof l->package);
        *to = (sotto_security_library){.name = known[i].name,
                                       .version = l->version,
                                       .package = b->packages[i],
                                       .is_runtime = l->is_runtime,
                                       .holes = &b->holes[n]};
        for (size_t k = 0; k < sizeof table / sizeof *table; k++)
            if ((size_t)table[k].library == i && has_hole(l, k)) {
                b->holes[n++] = (sotto_security_hole){
                    .id = table[k].id, .text = table[k].text, .fence = table[k].fence};
                to->n_holes++;
            }
    }
    b->report.n_libraries = SECURITY_LIBRARIES;
}

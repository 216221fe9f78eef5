/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idle: a process that only initialises the libraries below sotto: what it has written to memory is theirs, whatever uses them. A
 * process with one connection (peer a|b hold) is compared with it. Ends with a line "R {json}".
 */
#include <gio/gio.h>
#include <nice/agent.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>
#include <usrsctp.h>

static int output(void *address, void *p, size_t n, uint8_t tos, uint8_t df)
{
    (void)address, (void)p, (void)n, (void)tos, (void)df;
    return 0;
}

static long dirty_kb(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    long kb = -1;
    if (!f) return -1;
    while (kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, "Private_Dirty:", 14) == 0) kb = strtol(line + 14, NULL, 10);
    fclose(f);
    return kb;
}

int main(void)
{
    unsigned char byte;
    OPENSSL_init_ssl(0, NULL);
    SSL_CTX *ssl = SSL_CTX_new(DTLS_method());
    if (!ssl || RAND_bytes(&byte, 1) != 1 || srtp_init() != srtp_err_status_ok) return 1;
    usrsctp_init_nothreads(0, output, NULL);
    GMainContext *context = g_main_context_new();
    NiceAgent *agent = nice_agent_new(context, NICE_COMPATIBILITY_RFC5245);
    printf("R {\"role\":\"s\",\"dirty_kb\":%ld,\"fail\":0}\n", dirty_kb());
    g_object_unref(agent);
    g_main_context_unref(context);
    SSL_CTX_free(ssl);
    return 0;
}

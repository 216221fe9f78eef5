/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto_cert_from_pem, _from_uri, _to_pem, _fingerprint, _expires. The first byte says what follows: PEM text, or the DER of a
 * certificate and of a key, which is put into PEM here, so that what changes in it reaches the readers below.
 * Property: a refusal names a reason and gives nothing; what is taken is taken from a file as well, is written and read again with the
 * same fingerprint and end, its fingerprint is the SHA-256 of its DER as another implementation computes it, and no private key stands
 * in what names it.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "require.h"
#include "sotto/cert.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 6000, TEXT = 2 * MOST * 3 / 2 };

static size_t block(char *to, const char *name, const uint8_t *der, size_t n)
{
    char base64[MOST * 3 / 2];
    int len = EVP_EncodeBlock((uint8_t *)base64, der, (int)n);
    size_t at = (size_t)snprintf(to, 64, "-----BEGIN %s-----\n", name);
    for (int i = 0; i < len; i += 64)
        at += (size_t)snprintf(to + at, 80, "%.*s\n", len - i < 64 ? len - i : 64, base64 + i);
    return at + (size_t)snprintf(to + at, 64, "-----END %s-----\n", name);
}

static void fingerprint_is(const char *text, const uint8_t *der, size_t n)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256(der, n, hash);
    require(strncmp(text, "sha-256 ", 8) == 0);
    for (size_t i = 0; i < sizeof hash; i++) {
        char two[3];
        snprintf(two, sizeof two, "%02X", hash[i]);
        require(memcmp(text + 8 + 3 * i, two, 2) == 0);
    }
}

/* What was taken: its text is read again as the same. */
static void comes_back(const sotto_cert *c, const char *print)
{
    sotto_cert *again = NULL;
    char *pem = NULL, *print_again = NULL;
    require(sotto_cert_to_pem(c, &pem) == 0);
    require(strstr(pem, "-----BEGIN CERTIFICATE-----") && strstr(pem, "PRIVATE KEY-----"));
    require(sotto_cert_from_pem(pem, strlen(pem), &again, NULL) == 0);
    require(sotto_cert_fingerprint(again, &print_again) == 0);
    require(strcmp(print, print_again) == 0);
    require(sotto_cert_expires(again) == sotto_cert_expires(c));
    sotto_cert_free(again);
    sotto_free(print_again);
    sotto_free(pem);
}

/* What was taken is taken from a file, too. */
static void comes_by_file(const char *pem, size_t n, const char *print)
{
    sotto_cert *c = NULL;
    char uri[64], *print_again = NULL;
    int fd = memfd_create("pem", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, pem, n) == (ssize_t)n);
    snprintf(uri, sizeof uri, "file:/proc/self/fd/%d", fd);
    require(sotto_cert_from_uri(uri, NULL, NULL, &c, NULL) == 0);
    require(sotto_cert_fingerprint(c, &print_again) == 0 && strcmp(print, print_again) == 0);
    sotto_cert_free(c);
    sotto_free(print_again);
    close(fd);
}

static void read_it(const char *pem, size_t n, const uint8_t *der, size_t n_der)
{
    sotto_error err = {.size = sizeof err};
    sotto_cert *c = NULL;
    char *print = NULL;
    int64_t live = sotto__mem_live();
    int r = sotto_cert_from_pem(pem, n, &c, &err);
    if (r < 0) {
        require(r == SOTTO_E_SYNTAX || r == SOTTO_E_UNSUPPORTED || r == SOTTO_E_SYS ||
                r == SOTTO_E_ACCESS);
        require(!c && err.code == r && err.reason[0] != '\0');
    } else {
        require(c && sotto_cert_fingerprint(c, &print) == 0 && strlen(print) == 8 + 3 * 32 - 1);
        if (der) fingerprint_is(print, der, n_der);
        comes_back(c, print);
        comes_by_file(pem, n, print);
        sotto_free(print);
        sotto_cert_free(c);
    }
    require(sotto__mem_live() == live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"};
    static char text[TEXT];
    if (size == 0) return 0;
    uint8_t how = data[0];
    data++, size--;
    if (how % 2 == 0 || size < 2) {
        char *copy = malloc(size + 1);
        require(copy != NULL);
        memcpy(copy, data, size);
        read_it(copy, size, NULL, 0);
        free(copy);
        return 0;
    }
    size_t n = (size_t)(data[0] << 8 | data[1]);
    data += 2, size -= 2;
    if (size > MOST) size = MOST;
    if (n > size) n = size;
    size_t at = block(text, "CERTIFICATE", data, n);
    at += block(text + at, keys[how / 2 % 3], data + n, size - n);
    read_it(text, at, data, n);
    return 0;
}

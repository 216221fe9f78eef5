/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp SECS: what the kernel alone takes for a round trip: two processes, blocking sockets on the loopback, datagrams as large as those of
 * a message of 64 bytes under DTLS and SCTP. Ends with a line "R {json}".
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 117, MAX = 2000000 };

static void check(int r, const char *what)
{
    if (r >= 0) return;
    perror(what);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void open_pair(int fds[2])
{
    struct sockaddr_in address[2];
    for (int i = 0; i < 2; i++) {
        socklen_t n = sizeof *address;
        address[i] = (struct sockaddr_in){.sin_family = AF_INET};
        address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(fds[i] = socket(AF_INET, SOCK_DGRAM, 0), "socket");
        check(bind(fds[i], (struct sockaddr *)&address[i], n), "bind");
        check(getsockname(fds[i], (struct sockaddr *)&address[i], &n), "getsockname");
    }
    for (int i = 0; i < 2; i++)
        check(connect(fds[i], (struct sockaddr *)&address[1 - i], sizeof *address), "connect");
}

/* Sends back what comes, until a datagram of one byte. */
static void echo(int fd)
{
    uint8_t bytes[SIZE];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 1)
        check((int)send(fd, bytes, (size_t)n, 0), "send");
    _exit(n == 1 ? 0 : 1);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1, *us = malloc(MAX * sizeof *us);
    uint8_t bytes[SIZE] = {0};
    size_t n = 0;
    int fds[2];
    if (!us) return 1;
    open_pair(fds);
    pid_t child = fork();
    check((int)child, "fork");
    if (child == 0) echo(fds[1]);
    for (double start = now_us(), sent = start; sent < start + seconds * 1e6 && n < MAX; n++) {
        check((int)send(fds[0], bytes, sizeof bytes, 0), "send");
        check((int)recv(fds[0], bytes, sizeof bytes, 0), "recv");
        double now = now_us();
        us[n] = now - sent;
        sent = now;
    }
    check((int)send(fds[0], bytes, 1, 0), "send");
    check((int)waitpid(child, NULL, 0), "waitpid");
    qsort(us, n, sizeof *us, compare);
    printf(
        "R {\"role\":\"s\",\"n\":%zu,\"p50_us\":%.2f,\"p99_us\":%.2f,\"cpu_us\":%.2f,\"fail\":0}\n",
        n, us[n / 2], us[n * 99 / 100],
        (cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN)) / (double)n);
    free(us);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An emulated link between two network namespaces, as these kernels have no netem: link [NAME=VALUE…]
 * Makes the namespaces, a TUN device in each (10.88.0.1 and 10.88.0.2), and carries packets between them as path.c says. With
 * a.netns=PATH and a.device=NAME, and the same of b, it puts the devices into namespaces that there are, and leaves their addresses to
 * whom they belong to. Prints
 *     ready PID NAMESPACE-A NAMESPACE-B
 * (for nsenter --net=…) and goes on until its standard input ends. Lines of NAME=VALUE there change the link, "counts" prints a
 * line of JSON for each direction, "down" and "up" cut it and mend it. Needs CAP_NET_ADMIN and /dev/net/tun. Names, each also as
 * a.NAME and b.NAME for what leaves one side only:
 *     delay-ms loss reorder behind-ms rate-mbit queue mtu (see path.h); seed and device-mtu only at the start
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "path.h"

#define BATCH 64       /* packets read from a device before the other one has its turn */
#define QUANTUM 50000  /* ns: who sleeps for less wakes too often */
#define BACKLOG 20000  /* packets that a device holds while we do not run: what is lost shall be lost here */

struct side {
    const char *netns, *device; /* NULL: it makes them */
    int ns, tun;
    struct path out; /* what leaves it */
    bool is_down;
};

static struct side sides[2];
static long device_mtu = 1500;

static void die(const char *what)
{
    fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ---- the network around it ---- */

static void set_address(int s, struct ifreq *r, unsigned long request, const char *address)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    inet_pton(AF_INET, address, &a.sin_addr);
    memcpy(&r->ifr_addr, &a, sizeof a);
    if (ioctl(s, request, r) < 0) die(address);
}

static void set_up(const char *device, const char *address)
{
    struct ifreq r = {0};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s < 0) die("socket");
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", device);
    if (address) {
        set_address(s, &r, SIOCSIFADDR, address);
        set_address(s, &r, SIOCSIFNETMASK, "255.255.255.0");
    }
    if (strcmp(device, "lo") != 0) {
        r.ifr_mtu = (int)device_mtu;
        if (ioctl(s, SIOCSIFMTU, &r) < 0) die("device-mtu");
        r.ifr_qlen = BACKLOG;
        if (ioctl(s, SIOCSIFTXQLEN, &r) < 0) die("backlog");
    }
    if (ioctl(s, SIOCGIFFLAGS, &r) < 0) die(device);
    r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
    if (ioctl(s, SIOCSIFFLAGS, &r) < 0) die(device);
    close(s);
}

/* IPv6 would add candidates of some stacks, but not of all. */
static void disable_ipv6(void)
{
    int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return; /* there is none */
    if (write(fd, "1", 1) < 0) perror("link: IPv6 stays");
    close(fd);
}

static void enter(struct side *s)
{
    if (s->netns) {
        s->ns = open(s->netns, O_RDONLY | O_CLOEXEC);
        if (s->ns < 0 || setns(s->ns, CLONE_NEWNET) < 0) die(s->netns);
        return;
    }
    if (unshare(CLONE_NEWNET) < 0) die("a network namespace");
    s->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (s->ns < 0) die("the namespace");
    disable_ipv6();
    set_up("lo", NULL);
}

static void side_open(struct side *s, const char *address)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    enter(s);
    s->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (s->tun < 0) die("/dev/net/tun");
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", s->device ? s->device : "link");
    if (ioctl(s->tun, TUNSETIFF, &r) < 0) die("a TUN device");
    set_up(r.ifr_name, s->netns ? NULL : address);
}

/* ---- what it is told ---- */

static bool set_one(struct path_cfg *c, const char *name, double v)
{
    if (strcmp(name, "delay-ms") == 0)
        c->delay_ns = (int64_t)(v * 1e6);
    else if (strcmp(name, "loss") == 0)
        c->loss = v;
    else if (strcmp(name, "reorder") == 0)
        c->reorder = v;
    else if (strcmp(name, "behind-ms") == 0)
        c->behind_ns = (int64_t)(v * 1e6);
    else if (strcmp(name, "rate-mbit") == 0)
        c->rate_bps = (uint64_t)(v * 1e6);
    else if (strcmp(name, "queue") == 0)
        c->queue = (size_t)v;
    else if (strcmp(name, "mtu") == 0)
        c->mtu = (size_t)v;
    else
        return false;
    return true;
}

/* Where a side is; only of what stays: the arguments. */
static bool place(const char *text)
{
    if ((text[0] != 'a' && text[0] != 'b') || text[1] != '.') return false;
    struct side *s = &sides[text[0] - 'a'];
    if (strncmp(text + 2, "netns=", 6) == 0)
        s->netns = text + 8;
    else if (strncmp(text + 2, "device=", 7) == 0)
        s->device = text + 9;
    else
        return false;
    return true;
}

/* NAME=VALUE, which it changes; false: it is none. */
static bool set(char *text)
{
    char *value = strchr(text, '='), *end;
    if (!value) return false;
    *value++ = '\0';
    double v = strtod(value, &end);
    if (end == value || *end || !(v >= 0) || v > 1e12) return false;
    if (strcmp(text, "device-mtu") == 0 && v >= 576 && v <= PATH_SLOT) {
        device_mtu = (long)v;
        return true;
    }
    if (strcmp(text, "seed") == 0) {
        for (int i = 0; i < 2; i++) sides[i].out.seed = (uint64_t)v + (uint64_t)i;
        return true;
    }
    for (int i = 0; i < 2; i++) {
        const char *name = text;
        if (name[0] != '\0' && name[1] == '.') {
            if (name[0] != 'a' + i) continue;
            name += 2;
        }
        if (!set_one(&sides[i].out.cfg, name, v)) return false;
    }
    return true;
}

static void print_counts(void)
{
    for (int i = 0; i < 2; i++) {
        const struct path_counts *c = &sides[i].out.counts;
        printf("{\"from\":\"%c\",\"packets\":%llu,\"bytes\":%llu,\"lost\":%llu,\"dropped\":%llu,"
               "\"too_large\":%llu,\"behind\":%llu}\n",
               'a' + i, (unsigned long long)c->packets, (unsigned long long)c->bytes,
               (unsigned long long)c->lost, (unsigned long long)c->dropped,
               (unsigned long long)c->too_large, (unsigned long long)c->behind);
    }
    fflush(stdout);
}

static void on_line(char *line)
{
    if (strcmp(line, "counts") == 0)
        print_counts();
    else if (strcmp(line, "down") == 0 || strcmp(line, "up") == 0)
        sides[0].is_down = sides[1].is_down = line[0] == 'd';
    else if (!set(line))
        fprintf(stderr, "link: what is \"%s\"?\n", line);
}

/* false: the end */
static bool read_lines(void)
{
    static char text[4096];
    static size_t n;
    ssize_t got = read(STDIN_FILENO, text + n, sizeof text - 1 - n);
    if (got <= 0) return false;
    n += (size_t)got;
    text[n] = '\0';
    char *start = text, *end;
    for (; (end = strchr(start, '\n')); start = end + 1) {
        *end = '\0';
        on_line(start);
    }
    n = strlen(start);
    memmove(text, start, n);
    return n < sizeof text - 1;
}

/* ---- the traffic ---- */

/* Whether there may be more. */
static bool take_in(struct side *s)
{
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = read(s->tun, path_room(&s->out), PATH_SLOT);
        if (n < 0) return false;
        if (!s->is_down) path_put(&s->out, clock_ns(), (size_t)n);
    }
    return true;
}

static void give_out(struct side *from, struct side *to)
{
    size_t n;
    const uint8_t *p;
    int64_t now = clock_ns();
    while ((p = path_take(&from->out, now, &n)))
        if (write(to->tun, p, n) < 0 && errno != EAGAIN && errno != EINVAL) die("a packet");
}

static void wait_for_more(struct pollfd *fds, bool busy)
{
    int64_t a = path_due(&sides[0].out), b = path_due(&sides[1].out), due = a < b ? a : b;
    struct timespec t = {.tv_sec = busy ? 0 : 1};
    if (!busy && due != INT64_MAX) {
        int64_t left = due - clock_ns();
        if (left < QUANTUM) left = QUANTUM;
        t = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    }
    if (ppoll(fds, 3, &t, NULL) < 0 && errno != EINTR) die("poll");
}

static void run(void)
{
    struct pollfd fds[3] = {{.fd = sides[0].tun, .events = POLLIN},
                            {.fd = sides[1].tun, .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    for (unsigned turn = 1;; turn++) {
        bool more = false;
        for (int i = 0; i < 2; i++) {
            if (take_in(&sides[i])) more = true;
            give_out(&sides[i], &sides[1 - i]);
        }
        if (more && turn % 256 != 0) continue;
        wait_for_more(fds, more);
        if (fds[2].revents && !read_lines()) return;
    }
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 2; i++)
        if (!path_init(&sides[i].out, 1 + (uint64_t)i)) die("memory");
    for (int i = 1; i < argc; i++)
        if (!place(argv[i]) && !set(argv[i])) {
            fprintf(stderr, "link: what is \"%s\"? See the head of link.c.\n", argv[i]);
            return 2;
        }
    prctl(PR_SET_TIMERSLACK, 1UL);
    setpriority(PRIO_PROCESS, 0, -10); /* it stands for a wire: the stacks shall wait for it as little as may be */
    side_open(&sides[0], "10.88.0.1");
    side_open(&sides[1], "10.88.0.2");
    printf("ready %d /proc/%d/fd/%d /proc/%d/fd/%d\n", (int)getpid(), (int)getpid(), sides[0].ns,
           (int)getpid(), sides[1].ns);
    fflush(stdout);
    run();
    for (int i = 0; i < 2; i++) path_free(&sides[i].out);
    return 0;
}

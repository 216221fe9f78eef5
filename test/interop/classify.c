/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * classify [FILE@OFFSET]…: looks at every packet of this network namespace until SIGTERM, and then says what they were: a line
 * "saw KIND N" each, "bad KIND N EXAMPLE" for what must not be there. Every datagram has to be STUN, TURN's ChannelData with one of
 * these in it, DTLS, SRTP or SRTCP, by RFC 7983 and by its structure; TCP has to be TLS or frames of RFC 4571 with one of these in them.
 * Not WebRTC's, and named: ARP, ICMP, IGMP; mDNS by its port; TCP between loopback addresses, which is the rig's own signaling and remote
 * control. That RTP is encrypted shows by the first byte of its payloads, which is any of 256 then and one of a few if not. Nowhere may
 * be text or bytes that are known to have been sent: those below, and 24 bytes at each place of a file that is named.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "classify.h"

#define BATCH 32
#define ROOM 70000u
#define GSO_UDP_L4 5 /* Debian 12's header does not know VIRTIO_NET_HDR_GSO_UDP_L4 yet */
#define ETHERNET 14u

#define BYTES(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
static const struct {
    const uint8_t *p;
    size_t n;
} known[] = {
    BYTES("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), /* page.js: texts */
    BYTES("\x0b\x16\x21\x2c\x37\x42\x4d\x58\x63\x6e\x79\x84"), /* page.js: 11 k */
    BYTES("\x31\x38\x3f\x46\x4d\x54\x5b\x62\x69\x70\x77\x7e"), /* page.js: 7 k */
    BYTES("closed by the page"),
    BYTES("closed by the library"), /* labels of channels */
    BYTES("a=fingerprint:"),
    BYTES("a=ice-pwd:"),
    BYTES("v=0\r\no=- "),
    BYTES(" IN IP4 "), /* descriptions */
    BYTES("Hello. I am a C program"),
    BYTES("received 6"), /* demo_call.c */
    BYTES("\x9d\x01\x2a\x80\x02\x68\x01"),
    BYTES("\x9d\x01\x2a\xa0\x00\x78\x00"), /* VP8: key frames of 640 x 360 and 160 x 120 */
    BYTES(CANARY),
};

static struct tally tally;

static void load(const char *argument)
{
    char name[512];
    uint8_t bytes[24];
    const char *at = strrchr(argument, '@');
    FILE *f;
    snprintf(name, sizeof name, "%.*s", (int)(at ? at - argument : (long)strlen(argument)),
             argument);
    f = fopen(name, "rb");
    if (!f || fseek(f, at ? strtol(at + 1, NULL, 10) : 0, SEEK_SET) != 0 ||
        fread(bytes, 1, sizeof bytes, f) != sizeof bytes) {
        fprintf(stderr, "classify: %s: %s\n", name, strerror(errno));
        exit(2);
    }
    fclose(f);
    classify_add_known(bytes, sizeof bytes);
}

static int open_socket(void)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)), on = 1, room = 256 << 20;
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0) {
        fprintf(stderr, "classify: %s\n", strerror(errno));
        exit(2);
    }
    return fd;
}

/* Each packet once: what goes out on loopback comes in there, too. */
static void take(const struct sockaddr_ll *from, const uint8_t *bytes, size_t n)
{
    struct virtio_net_hdr v;
    size_t segment = 0;
    if (from->sll_hatype == 772 && from->sll_pkttype == PACKET_OUTGOING) return;
    if (n < sizeof v + ETHERNET) return;
    memcpy(&v, bytes, sizeof v);
    if ((v.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == GSO_UDP_L4) segment = v.gso_size;
    bytes += sizeof v + ETHERNET;
    classify_packet(&tally, ntohs(from->sll_protocol), bytes, n - sizeof v - ETHERNET, segment);
}

static void read_packets(int fd)
{
    static uint8_t bytes[BATCH][ROOM];
    struct sockaddr_ll from[BATCH];
    struct iovec iov[BATCH];
    struct mmsghdr m[BATCH];
    int n;
    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){bytes[i], ROOM};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                            .msg_namelen = sizeof from[i],
                                            .msg_iov = &iov[i],
                                            .msg_iovlen = 1}};
    }
    n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) take(&from[i], bytes[i], m[i].msg_len);
}

int main(int argc, char **argv)
{
    struct tpacket_stats stats = {0};
    socklen_t n_stats = sizeof stats;
    sigset_t set;
    struct pollfd fds[2];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        classify_add_known(known[i].p, known[i].n);
    for (int i = 1; i < argc; i++) load(argv[i]);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fds[0] = (struct pollfd){.fd = open_socket(), .events = POLLIN};
    fds[1] = (struct pollfd){.fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN};
    puts("ready");
    fflush(stdout);
    while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
        if (fds[0].revents) read_packets(fds[0].fd);
        if (fds[1].revents && !fds[0].revents) break;
    }
    if (getsockopt(fds[0].fd, SOL_PACKET, PACKET_STATISTICS, &stats, &n_stats) == 0)
        printf("missed\t%u\n", stats.tp_drops);
    classify_report(&tally, stdout);
    return 0;
}

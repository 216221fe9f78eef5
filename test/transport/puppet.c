/* SPDX-License-Identifier: BSD-2-Clause */
/* See puppet.h. */
#include "puppet.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "still_clock.h"

static const struct ice_ops *const ops = &sotto__ice_nice;

/* On any address of loopback: what is sent says from which. */
static int open_socket(struct sockaddr_in *at)
{
    socklen_t n = sizeof *at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 1 << 22;
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    int yes = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes), 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET};
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &n), 0);
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd;
}

void puppet_open(struct puppet *p, bool alice_controls)
{
    struct end *only[1] = {&p->alice};
    *p = (struct puppet){.controls = !alice_controls, .tie = 99, .priority = 1845501695};
    snprintf(p->ufrag, sizeof p->ufrag, "puppet");
    snprintf(p->pwd, sizeof p->pwd, "puppet-pwd-0123456789ab");
    still_clock_rest(200); /* many steps, of one process */
    end_init(&p->alice, "alice", alice_controls);
    assert_int_equal(end_open(&p->alice), 0);
    p->fd = open_socket(&p->at);
    assert_int_equal(ops->set_remote(p->alice.ice, p->ufrag, p->pwd, drive_now()), 0);
    assert_int_equal(ops->gather(p->alice.ice, drive_now()), 0);
    drive(only, 1, NULL, NULL, 5);
}

void puppet_introduce(struct puppet *p)
{
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    c.addr.port = ntohs(p->at.sin_port);
    assert_int_equal(ops->add_remote(p->alice.ice, &c, drive_now()), 0);
}

void puppet_close(struct puppet *p)
{
    close(p->fd);
    end_free(&p->alice);
}

struct sockaddr_in puppet_target(const struct puppet *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    for (size_t i = 0; i < p->alice.n_candidates; i++)
        if (p->alice.candidates[i].addr.family == 4) {
            to.sin_port = htons(p->alice.candidates[i].addr.port);
            memcpy(&to.sin_addr, p->alice.candidates[i].addr.ip, 4);
        }
    assert_int_not_equal(to.sin_port, 0);
    return to;
}

void puppet_send(const struct puppet *p, int fd, const struct stun_text *s)
{
    send_raw(fd ? fd : p->fd, &p->alice, s->bytes, s->n);
}

union info { /* with a datagram: the address of ours that it comes from, or came to */
    uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr head;
};

static void send_between(int fd, struct in_addr from, const struct sockaddr_in *to,
                         const struct stun_text *s)
{
    struct iovec part = {(void *)(uintptr_t)s->bytes, s->n};
    union info control = {.bytes = {0}};
    struct in_pktinfo info = {.ipi_spec_dst = from};
    control.head.cmsg_level = IPPROTO_IP;
    control.head.cmsg_type = IP_PKTINFO;
    control.head.cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(&control.head), &info, sizeof info);
    struct msghdr m = {.msg_name = (void *)(uintptr_t)to,
                       .msg_namelen = sizeof *to,
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    assert_int_equal(sendmsg(fd, &m, 0), s->n);
}

void puppet_send_from(const struct puppet *p, uint32_t address, const struct stun_text *s)
{
    struct sockaddr_in to = puppet_target(p);
    send_between(p->fd, (struct in_addr){htonl(address)}, &to, s);
}

void puppet_request(struct puppet *p, struct stun_text *s, bool nominates, bool is_whole)
{
    char name[64];
    uint8_t id[12] = {'p', 'u', 'p', p->ids++};
    int n = snprintf(name, sizeof name, "%s:%s", p->alice.ufrag, p->ufrag);
    stun_begin(s, STUN_REQUEST_TYPE, id);
    stun_add(s, STUN_USERNAME, name, (size_t)n);
    stun_add_u32(s, STUN_PRIORITY, p->priority);
    stun_add_u64(s, p->controls ? STUN_CONTROLLING : STUN_CONTROLLED, p->tie);
    if (nominates) stun_add(s, STUN_NOMINATION, NULL, 0);
    if (!is_whole) return;
    stun_sign(s, p->alice.pwd, 20);
    stun_finger(s);
}

void puppet_nominate(struct puppet *p)
{
    struct stun_text s;
    puppet_request(p, &s, p->controls, true);
    puppet_send(p, p->fd, &s);
}

static void reply_to(struct puppet *p, const struct mail *m, const struct reply *how)
{
    struct stun_text s;
    uint8_t id[12];
    memcpy(id, m->bytes + 8, sizeof id);
    if (how->has_other_id) id[11] ^= 1;
    stun_begin(&s, how->code > 0 ? STUN_ERROR_TYPE : STUN_SUCCESS_TYPE, id);
    if (how->code > 0)
        stun_add_error(&s, how->code);
    else
        stun_add_mapped(&s, how->mapped.sin_family ? &how->mapped : &m->from);
    if (!how->is_unsigned) stun_sign(&s, how->has_other_key ? "another" : p->pwd, 20);
    stun_finger(&s);
    send_between(how->fd ? how->fd : p->fd, m->to, &m->from, &s);
}

void puppet_answer_kept(struct puppet *p, const struct reply *how)
{
    assert_true(p->kept.n > 0);
    reply_to(p, &p->kept, how);
}

static void note_request(struct puppet *p, const uint8_t *in, size_t n)
{
    sotto_us now = drive_now();
    bool controls = stun_look(in, n, STUN_CONTROLLING, NULL) != NULL;
    if (p->requests > 0 && controls != p->is_controlling) p->turned++;
    if (p->requests == 0)
        p->first = now;
    else if (p->requests == 1 || now - p->last < p->closest)
        p->closest = now - p->last;
    p->last = now;
    p->requests++;
    p->is_controlling = controls;
    p->signed_well += stun_is_signed(in, n, p->pwd);
}

static bool read_mail(struct puppet *p, struct mail *m)
{
    struct iovec part = {m->bytes, sizeof m->bytes};
    union info control;
    struct msghdr head = {.msg_name = &m->from,
                          .msg_namelen = sizeof m->from,
                          .msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control};
    struct in_pktinfo info = {.ipi_ifindex = 0};
    ssize_t n = recvmsg(p->fd, &head, 0);
    if (n < 0) return false;
    if (CMSG_FIRSTHDR(&head)) memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&head)), sizeof info);
    m->n = (size_t)n;
    m->to = info.ipi_addr;
    return true;
}

int puppet_answer(struct puppet *p, const struct reply *how)
{
    struct mail m;
    int came = 0;
    while (read_mail(p, &m)) {
        p->bytes += m.n;
        if (m.n > p->largest) p->largest = m.n;
        switch (stun_type(m.bytes, m.n)) {
        case STUN_REQUEST_TYPE:
            note_request(p, m.bytes, m.n);
            if (how->code >= 0)
                reply_to(p, &m, how);
            else if (m.to.s_addr != htonl(INADDR_LOOPBACK))
                p->kept = m;
            came++;
            break;
        case STUN_SUCCESS_TYPE: p->successes++; break;
        case STUN_ERROR_TYPE:
            p->errors++;
            p->code = stun_code(m.bytes, m.n);
            break;
        default: p->others++; break;
        }
    }
    return came;
}

static bool has_mail(void *puppet)
{
    struct pollfd mail = {((struct puppet *)puppet)->fd, POLLIN, 0};
    return poll(&mail, 1, 0) > 0;
}

int puppet_play(struct puppet *p, const struct reply *how, int ms)
{
    struct end *only[1] = {&p->alice};
    int came = 0;
    for (sotto_us end = drive_now() + SOTTO_MS(ms); drive_now() < end;) {
        drive(only, 1, has_mail, p, (int)((end - drive_now() + 999) / 1000));
        came += puppet_answer(p, how);
    }
    return came + puppet_answer(p, how);
}

void puppet_connect(struct puppet *p)
{
    static const struct reply good = {0};
    for (int i = 0; i < 200 && end_state(&p->alice) != SOTTO_ICE_COMPLETED; i++) {
        if (i % 10 == 0) puppet_nominate(p);
        puppet_play(p, &good, 5);
    }
    assert_int_equal(end_state(&p->alice), SOTTO_ICE_COMPLETED);
    puppet_play(p, &good, 20);
    puppet_forget(p);
}

void puppet_forget(struct puppet *p)
{
    p->requests = p->successes = p->errors = p->others = p->signed_well = p->turned = 0;
    p->largest = p->bytes = 0;
    p->code = 0;
}

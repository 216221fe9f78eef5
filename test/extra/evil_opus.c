/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A libopus that was taken over: linked into a sotto-decoder of the tests (--wrap). A packet that ends with EVIL and one letter makes it do
 * what the letter says, all others it decodes. It is the decoder process that is attacked; its cage and its parent are the real ones.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <opus/opus.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "extra/isolate_shared.h"

int __real_opus_decode(OpusDecoder *st, const unsigned char *data, opus_int32 len, opus_int16 *pcm,
                       int frames, int fec);
int __wrap_opus_decode(OpusDecoder *st, const unsigned char *data, opus_int32 len, opus_int16 *pcm,
                       int frames, int fec);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset);

static volatile uint8_t *ours, *theirs; /* the two parts of the memory that is shared */
static size_t size;
static bool had_files; /* before the cage was shut */

static bool can_open(void)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (f) fclose(f);
    return f != NULL;
}

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    void *p = __real_mmap(at, n, prot, flags, fd, offset);
    had_files = can_open();
    if (n == ISOLATE_IN_SIZE) {
        theirs = p;
    } else {
        ours = p;
        size = n;
    }
    return p;
}

/* What mmap() is called where off_t has more bits than long. */
void *__wrap_mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
{
    return __wrap_mmap(at, n, prot, flags, fd, (off_t)offset);
}

/* Everything that the parent reads, all the time, while it reads it. */
static void scribble(void)
{
    for (uint32_t x = 12345;;)
        for (size_t i = 0; i < size; i++) ours[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
}

/* It goes on answering, and says what cannot be. */
static void lie(unsigned char what)
{
    struct isolate_out *out = (struct isolate_out *)(uintptr_t)ours;
    const struct isolate_in *in = (const struct isolate_in *)(uintptr_t)theirs;
    for (;;) {
        uint32_t bell = atomic_load(&in->bell);
        switch (what) {
        case '0':
            atomic_store(&out->counts[ISOLATE_SILENT], atomic_load(&in->given) + 65536);
            break;
        case '1': atomic_store(&out->counts[ISOLATE_LATE], atomic_load(&in->put) + 65536); break;
        case '2': atomic_store(&out->made, atomic_load(&in->given) + 8000); break;
        case '3': atomic_store(&out->taken, atomic_load(&in->put) + 1); break;
        case '4': atomic_store(&out->delay, -1); break;
        case '5': atomic_store(&out->target, in->max_delay + 1); break;
        default: break;
        }
        atomic_store(&out->answered, bell);
        isolate_futex(&in->bell, FUTEX_WAIT, bell, 0);
    }
}

static void allocate(void) /* twice what 32 bits can ask for at once */
{
    for (int i = 0; i < 2; i++) {
        uint8_t *volatile p = malloc((size_t)1 << 30);
        memset(p, 1, (size_t)1 << 30);
    }
}

/* What the kernel takes for a program of 32 bits, whose calls have other numbers. */
static void call_as_another(void)
{
#ifdef __x86_64__
    long r = 20; /* getpid() there */
    __asm__ volatile("int $0x80" : "+a"(r) : : "memory");
#else
    abort();
#endif
}

static void sleep_on(void)
{
    static uint32_t word;
    for (;;) syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void do_evil(unsigned char what)
{
    static uint8_t secret[64];
    struct iovec here = {secret, sizeof secret}, there = {(void *)secret, sizeof secret};
    switch (what) {
    case 'w': memset((void *)ours, 1, (size_t)1 << 30); break;
    case 'i': theirs[0] = 1; break;
    case 'l':
        for (volatile int i = 0;; i++) continue;
    case 'z': sleep_on(); break;
    case 'f': fork(); break;
    case 'o': open("/etc/passwd", O_RDONLY | O_CLOEXEC); break;
    case 's': socket(AF_INET, SOCK_DGRAM, 0); break;
    case 'm': allocate(); break;
    case 'x': _exit(0); break;
    case 'a': abort();
    case 'k': kill(getppid(), SIGKILL); break;
    case 'K': syscall(SYS_tkill, getppid(), SIGTERM); break; /* never -1: a cage may be broken */
    case 't': ptrace(PTRACE_ATTACH, 1, NULL, NULL); break;
    case 'v': process_vm_readv(1, &here, 1, &there, 1, 0); break;
    case 'e': execl("/bin/true", "true", (char *)NULL); break;
    case 'p': mprotect((void *)(uintptr_t)theirs, 4096, PROT_READ | PROT_WRITE); break;
    case 'W': syscall(SYS_write, 2, "evil", 4); break;
    case 'g': scribble(); break;
    case 'q': syscall(SYS_futex, secret, FUTEX_LOCK_PI, 0, NULL, NULL, 0); break;
    case 'b': call_as_another(); break;
    case 'C':
        if (!had_files || can_open()) abort();
        break;
    case '0' ... '5': lie(what); break;
    default: break;
    }
}

int __wrap_opus_decode(OpusDecoder *st, const unsigned char *data, opus_int32 len, opus_int16 *pcm,
                       int frames, int fec)
{
    const bool is_evil = data && len > 5 && memcmp(data + len - 5, "EVIL", 4) == 0;
    if (is_evil) do_evil(data[len - 1]);
    if (is_evil && data[len - 1] == 'n') return INT32_MAX; /* frames */
    return __real_opus_decode(st, data, len, pcm, frames, fec);
}

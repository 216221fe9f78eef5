/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC32c (Castagnoli), the checksum of SCTP: RFC 9260 appendix A. On x86-64 with SSE4.2 three streams run interleaved,
 * because the instruction takes three cycles and one can start in each; their results are joined by tables that
 * multiply by x^(8 × LANE). On ARMv8 the crc instructions, elsewhere eight tables. Chosen once, at run time.
 * In: bytes and the CRC of what came before (0 at the start); out: the CRC. Knows nothing of packets.
 */
#include "transport/crc32c.h"

#include <pthread.h>
#include <string.h>

#include "transport/sctp.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__x86_64__)
#include <cpuid.h> /* __builtin_cpu_supports() would bring 5 KB of libgcc with it */
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */
#define LANE 128u              /* bytes of one of the three streams */

static uint32_t slices[8][256];
static uint32_t shifts[4][256]; /* byte i of a CRC → its part of the CRC after LANE zero bytes */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool hardware;

static uint32_t load32(const uint8_t *p) /* little-endian, as the reflected CRC wants it */
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void make_slices(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = (c >> 1) ^ ((c & 1) ? POLYNOMIAL : 0);
        slices[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            slices[k][i] = (slices[k - 1][i] >> 8) ^ slices[0][slices[k - 1][i] & 0xff];
}

static uint32_t zeroes(uint32_t crc, size_t n) /* the raw register after n zero bytes */
{
    while (n-- > 0) crc = (crc >> 8) ^ slices[0][crc & 0xff];
    return crc;
}

static bool probe(void)
{
#if defined(__x86_64__)
    unsigned int a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
#elif defined(__aarch64__)
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
    return false;
#endif
}

static void prepare(void)
{
    make_slices();
    for (uint32_t byte = 0; byte < 4; byte++)
        for (uint32_t i = 0; i < 256; i++) shifts[byte][i] = zeroes(i << (8 * byte), LANE);
    hardware = probe();
}

uint32_t sotto__crc32c_software(uint32_t crc, const uint8_t *p, size_t n)
{
    pthread_once(&once, prepare);
    crc = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint32_t a = crc ^ load32(p), b = load32(p + 4);
        crc = slices[7][a & 0xff] ^ slices[6][(a >> 8) & 0xff] ^ slices[5][(a >> 16) & 0xff] ^
              slices[4][a >> 24] ^ slices[3][b & 0xff] ^ slices[2][(b >> 8) & 0xff] ^
              slices[1][(b >> 16) & 0xff] ^ slices[0][b >> 24];
    }
    while (n-- > 0) crc = (crc >> 8) ^ slices[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

bool sotto__crc32c_has_hardware(void)
{
    pthread_once(&once, prepare);
    return hardware;
}

#if defined(__x86_64__)

static uint32_t shift_lane(uint32_t crc)
{
    return shifts[0][crc & 0xff] ^ shifts[1][(crc >> 8) & 0xff] ^ shifts[2][(crc >> 16) & 0xff] ^
           shifts[3][crc >> 24];
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

__attribute__((target("sse4.2"))) uint32_t sotto__crc32c_hardware(uint32_t crc, const uint8_t *p,
                                                                  size_t n)
{
    uint64_t a = (uint32_t)~crc;
    for (; n >= 3 * LANE; p += 3 * LANE, n -= 3 * LANE) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < LANE; i += 8) {
            a = __builtin_ia32_crc32di(a, load64(p + i));
            b = __builtin_ia32_crc32di(b, load64(p + LANE + i));
            c = __builtin_ia32_crc32di(c, load64(p + 2 * LANE + i));
        }
        a = shift_lane(shift_lane((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
    }
    for (; n >= 8; p += 8, n -= 8) a = __builtin_ia32_crc32di(a, load64(p));
    uint32_t r = (uint32_t)a;
    while (n-- > 0) r = __builtin_ia32_crc32qi(r, *p++);
    return ~r;
}

#elif defined(__aarch64__)

__attribute__((target("+crc"))) uint32_t sotto__crc32c_hardware(uint32_t crc, const uint8_t *p,
                                                                size_t n)
{
    uint32_t r = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(r) : "r"(v));
    }
    for (; n > 0; p++, n--)
        __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(r) : "r"(*p));
    return ~r;
}

#else

uint32_t sotto__crc32c_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
    return sotto__crc32c_software(crc, p, n);
}

#endif

uint32_t sotto__crc32c(uint32_t crc, const void *p, size_t n)
{
    return sotto__crc32c_has_hardware() ? sotto__crc32c_hardware(crc, p, n)
                                        : sotto__crc32c_software(crc, p, n);
}

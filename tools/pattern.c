/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generated picture and sound of `sotto demo`. Everything in them is a function of the wall clock, so that who looks at the
 * picture, or listens, can tell when it was made: squares for machines, digits for people, a lamp that is lit while the beep sounds.
 */
#include "media.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int picture_init(struct picture *p, int32_t width, int32_t height)
{
    size_t n = (size_t)width * (size_t)height;
    if (width < PICTURE_MIN || height < PICTURE_MIN / 2 || width > PICTURE_MAX ||
        height > PICTURE_MAX || width % 2 || height % 2)
        return SOTTO_E_RANGE;
    p->y = malloc(n * 3 / 2);
    if (!p->y) return SOTTO_E_NOMEM;
    p->u = p->y + n;
    p->v = p->u + n / 4;
    p->width = width;
    p->height = height;
    return 0;
}

void picture_free(struct picture *p)
{
    free(p->y);
    memset(p, 0, sizeof *p);
}

size_t picture_bytes(const struct picture *p)
{
    return (size_t)p->width * (size_t)p->height * 3 / 2;
}

struct colour {
    uint8_t y, u, v;
};

static const struct colour white = {230, 128, 128}, black = {22, 128, 128}, grey = {60, 132, 126},
                           amber = {170, 60, 165}, indigo = {95, 180, 118};

/* Fills a rectangle, cut at the edges; odd places count as the even ones below. */
static void fill(const struct picture *p, int32_t x, int32_t y, int32_t w, int32_t h,
                 struct colour c)
{
    int32_t right = x + w < p->width ? x + w : p->width,
            low = y + h < p->height ? y + h : p->height;
    x = x < 0 ? 0 : x & ~1;
    y = y < 0 ? 0 : y & ~1;
    if (right <= x || low <= y) return;
    for (int32_t row = y; row < low; row++)
        memset(p->y + (size_t)row * (size_t)p->width + x, c.y, (size_t)(right - x));
    for (int32_t row = y / 2; row < (low + 1) / 2; row++) {
        size_t at = (size_t)row * (size_t)(p->width / 2) + (size_t)(x / 2),
               n = (size_t)(right - x + 1) / 2;
        memset(p->u + at, c.u, n);
        memset(p->v + at, c.v, n);
    }
}

/* Digits and a colon of 3 × 5 points, three bits a row, from the top. */
static const uint16_t glyphs[] = {075557, 022222, 071747, 071717, 055711, 074717,
                                  074757, 071111, 075757, 075717, 002020};
static void draw_digits(const struct picture *p, const char *text, int32_t x, int32_t y,
                        int32_t point)
{
    for (; *text; text++, x += 4 * point) {
        uint16_t g = *text == ':' ? glyphs[10] : glyphs[*text - '0'];
        for (int i = 0; i < 15; i++)
            if (g >> (14 - i) & 1)
                fill(p, x + i % 3 * point, y + i / 3 * point, point, point, white);
    }
}

static uint8_t checksum(uint32_t ms)
{
    return (uint8_t)((ms >> 24) + (ms >> 16) + (ms >> 8) + ms + 0x5a);
}

static void draw_squares(const struct picture *p, uint32_t ms)
{
    int32_t side = p->width / PATTERN_COLUMNS;
    uint64_t bits = (uint64_t)ms << 8 | checksum(ms);
    for (int i = 0; i < PATTERN_COLUMNS * PATTERN_ROWS; i++) {
        bool is_set = bits >> (PATTERN_COLUMNS * PATTERN_ROWS - 1 - i) & 1;
        fill(p, i % PATTERN_COLUMNS * side, i / PATTERN_COLUMNS * side, side, side,
             is_set ? white : black);
    }
}

/* A still background of soft diagonal shades, which costs an encoder little. */
static void draw_ground(const struct picture *p)
{
    for (int32_t y = 0; y < p->height; y++)
        for (int32_t x = 0; x < p->width; x++)
            p->y[(size_t)y * (size_t)p->width + (size_t)x] =
                (uint8_t)(36 + 48 * (x + y) / (p->width + p->height));
    for (int32_t y = 0; y < p->height / 2; y++)
        for (int32_t x = 0; x < p->width / 2; x++) {
            size_t at = (size_t)y * (size_t)(p->width / 2) + (size_t)x;
            p->u[at] = (uint8_t)(142 + 24 * x / (p->width / 2));
            p->v[at] = (uint8_t)(120 + 20 * y / (p->height / 2));
        }
}

void pattern_draw(const struct picture *p, int64_t wall_ms)
{
    int32_t side = p->width / PATTERN_COLUMNS, point = p->width / 56, top = PATTERN_ROWS * side;
    int32_t in_second = (int32_t)(wall_ms % 1000), in_cycle = (int32_t)(wall_ms % 4000);
    int32_t seconds = (int32_t)(wall_ms / 1000 % 86400), bar = p->width / 20;
    char text[16] = "00:00:00:000";
    const int32_t numbers[] = {seconds / 3600, seconds / 60 % 60, seconds % 60};
    draw_ground(p);
    draw_squares(p, (uint32_t)wall_ms);
    fill(p, (p->width + bar) * in_cycle / 4000 - bar, top, bar, p->height - top, indigo);
    for (int i = 0; i < 3; i++) {
        text[3 * i] = (char)('0' + numbers[i] / 10);
        text[3 * i + 1] = (char)('0' + numbers[i] % 10);
    }
    for (int i = 0, n = in_second; i < 3; i++, n /= 10) text[11 - i] = (char)('0' + n % 10);
    draw_digits(p, text, (p->width - 47 * point) / 2 + point / 2,
                top + (p->height - top) / 2 - 3 * point, point);
    fill(p, side, p->height - 2 * side, side, side, in_second < PATTERN_BEEP_MS ? amber : grey);
    fill(p, side * 5 / 2, p->height - side * 7 / 4, (p->width - side * 7 / 2), side / 2, grey);
    fill(p, side * 5 / 2, p->height - side * 7 / 4, (p->width - side * 7 / 2) * in_second / 1000,
         side / 2, amber);
}

/* The mean brightness around the middle of a square. */
static int brightness(const struct picture *p, int32_t x, int32_t y, int32_t side)
{
    int sum = 0, n = 0;
    for (int32_t row = y + side / 4; row < y + side * 3 / 4; row++)
        for (int32_t column = x + side / 4; column < x + side * 3 / 4; column++, n++)
            sum += p->y[(size_t)row * (size_t)p->width + (size_t)column];
    return n > 0 ? sum / n : 0;
}

bool pattern_read(const struct picture *p, uint32_t *wall_ms)
{
    int32_t side = p->width / PATTERN_COLUMNS;
    uint64_t bits = 0;
    for (int i = 0; i < PATTERN_COLUMNS * PATTERN_ROWS; i++)
        bits = bits << 1 |
               (brightness(p, i % PATTERN_COLUMNS * side, i / PATTERN_COLUMNS * side, side) > 126);
    if (checksum((uint32_t)(bits >> 8)) != (uint8_t)bits) return false;
    *wall_ms = (uint32_t)(bits >> 8);
    return true;
}

/* Rises and falls within 5 ms: a beep that begins or ends at once clicks. */
static double envelope(double at, double length)
{
    double edge = 0.005;
    if (at >= length) return 0;
    if (at < edge) return at / edge;
    return length - at < edge ? (length - at) / edge : 1;
}

void pattern_sound(int16_t *pcm, size_t frames, int64_t wall_us)
{
    const double turn = 6.283185307179586;
    for (size_t i = 0; i < frames; i++) {
        int64_t us = wall_us + (int64_t)(i * 1000 / 48);
        double at = (double)(us % 1000000) / 1e6 + (double)(i * 1000 % 48) / 48e6;
        double pitch = us / 1000000 % 10 == 0 ? 1320 : 880;
        double v = 0.01 * sin(turn * 220 * at) +
                   0.4 * envelope(at, PATTERN_BEEP_MS / 1e3) * sin(turn * pitch * at);
        pcm[i] = (int16_t)lrint(v * 32767);
    }
}

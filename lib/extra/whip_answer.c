/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of an HTTP answer (RFC 9110, RFC 9112), as far as WHIP and WHEP use it: Content-Type, Location, ETag, Retry-After and Link
 * (in whip_link.c). In: the text as it came, bounded by http.c; out: views and numbers. Fields that may stand once and stand twice
 * make the whole answer worthless, as two readers could take different ones.
 * answers: A21
 */
#include "extra/whip_answer.h"

#include <string.h>

#include "extra/whip_link.h"
#include "util/secret.h"
#include "util/time.h"

/* "HTTP/1.1 201 Created" */
static int read_status(struct str line)
{
    uint64_t status;
    if (!sotto__str_starts(line, STR("HTTP/1.")) || line.n < 12) return 0;
    if (!sotto__str_u64((struct str){line.p + 9, 3}, 999, &status)) return 0;
    if (line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ')) return 0;
    return status >= 200 ? (int)status : 0;
}

bool sotto__whip_is_etag(struct str s)
{
    if (s.n == 0 || s.n > SOTTO_MAX_WHIP_ETAG) return false;
    if (sotto__str_starts(s, STR("W/\""))) s = (struct str){s.p + 2, s.n - 2};
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') s = (struct str){s.p + 1, s.n - 2};
    for (size_t i = 0; i < s.n; i++) /* etagc, less what would make a list of it */
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == ',') return false;
    return true;
}

static bool read_two(const char *p, int64_t max, int64_t *ret)
{
    uint64_t n;
    if (!sotto__str_u64((struct str){p, 2}, (uint64_t)max, &n)) return false;
    *ret = (int64_t)n;
    return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" → seconds since some day; the other two forms of dates are not sent any more. */
static bool read_date(struct str s, int64_t *ret)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t day, hour, minute, second;
    uint64_t year;
    int month = 0;
    if (s.n != 29 || s.p[3] != ',' || s.p[19] != ':' || s.p[22] != ':') return false;
    if (!read_two(s.p + 5, 31, &day) || !read_two(s.p + 17, 23, &hour)) return false;
    if (!read_two(s.p + 20, 59, &minute) || !read_two(s.p + 23, 60, &second)) return false;
    if (!sotto__str_u64((struct str){s.p + 12, 4}, 9999, &year)) return false;
    while (month < 12 && memcmp(months + (size_t)month * 3, s.p + 8, 3) != 0) month++;
    if (month == 12) return false;
    int64_t y = (int64_t)year - (month < 2); /* leap days so far */
    int64_t days = (int64_t)year * 365 + y / 4 - y / 100 + y / 400 + before[month] + day;
    *ret = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

sotto_us sotto__whip_retry_after(struct str value, struct str date)
{
    int64_t then, now;
    uint64_t seconds;
    if (value.n > 0 && value.p[0] >= '0' && value.p[0] <= '9') {
        for (size_t i = 0; i < value.n; i++)
            if (value.p[i] < '0' || value.p[i] > '9') return -1;
        if (!sotto__str_u64(value, SOTTO_MAX_RETRY_AFTER, &seconds))
            seconds = SOTTO_MAX_RETRY_AFTER;
        return SOTTO_SECONDS((int64_t)seconds);
    }
    if (!read_date(value, &then) || !read_date(date, &now)) return -1;
    if (then <= now) return 0;
    return SOTTO_SECONDS(then - now < SOTTO_MAX_RETRY_AFTER ? then - now : SOTTO_MAX_RETRY_AFTER);
}

static int once(struct str *field, struct str value, const char **why, const char *twice)
{
    if (field->p) {
        *why = twice;
        return SOTTO_E_PROTO;
    }
    *field = value;
    return 0;
}

struct fields {
    struct str type, retry, date, encoding;
};

static int read_field(struct whip_answer *a, struct fields *f, struct str name, struct str value,
                      const char **why)
{
    if (sotto__str_ieq(name, STR("Location")))
        return once(&a->location, value, why, "the server gave two locations");
    if (sotto__str_ieq(name, STR("ETag"))) {
        *why = "the server's ETag is malformed";
        if (!sotto__whip_is_etag(value)) return SOTTO_E_PROTO;
        return once(&a->etag, value, why, "the server gave two ETags");
    }
    if (sotto__str_ieq(name, STR("Content-Type")))
        return once(&f->type, value, why, "the server gave two content types");
    if (sotto__str_ieq(name, STR("Content-Encoding")))
        return once(&f->encoding, value, why, "the server gave two content encodings");
    if (sotto__str_ieq(name, STR("Retry-After"))) f->retry = value;
    if (sotto__str_ieq(name, STR("Date"))) f->date = value;
    if (sotto__str_ieq(name, STR("Link"))) return sotto__whip_link_parse(value, a, why);
    return 0;
}

static int read_fields(struct whip_answer *a, struct str head, struct fields *f, const char **why)
{
    struct str line, name, value;
    while (sotto__str_line(&head, &line) && line.n > 0) {
        *why = "the header of the server's answer is malformed";
        if (!sotto__str_cut(line, ':', &name, &value) || name.n == 0) return SOTTO_E_PROTO;
        for (size_t i = 0; i < name.n; i++)
            if (name.p[i] <= 0x20 || name.p[i] >= 0x7f) return SOTTO_E_PROTO;
        for (size_t i = 0; i < value.n; i++)
            if (((uint8_t)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
                return SOTTO_E_PROTO;
        int r = read_field(a, f, name, sotto__str_trim(value), why);
        if (r < 0) return r;
    }
    return 0;
}

int sotto__whip_answer_parse(struct str head, struct str body, struct whip_answer *ret,
                             const char **why)
{
    struct whip_answer a = {.body = body, .retry_after = -1};
    struct fields f = {.type = {NULL, 0}};
    struct str line, parameters;
    int r = SOTTO_E_PROTO;
    *why = "the server's answer is no HTTP";
    if (sotto__str_line(&head, &line)) a.status = read_status(line);
    if (a.status > 0) r = read_fields(&a, head, &f, why);
    if (r == 0 && f.encoding.n > 0 && !sotto__str_ieq(f.encoding, STR("identity"))) {
        *why = "the server's answer is compressed, which was not asked for";
        r = SOTTO_E_PROTO;
    }
    if (r < 0) {
        sotto__whip_answer_free(&a);
        return r;
    }
    sotto__str_cut(f.type, ';', &a.type, &parameters);
    a.type = sotto__str_trim(a.type);
    a.retry_after = sotto__whip_retry_after(f.retry, f.date);
    *ret = a;
    return 0;
}

void sotto__whip_answer_free(struct whip_answer *a)
{
    sotto__secret_free(a->text);
    memset(a, 0, sizeof *a);
}

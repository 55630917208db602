/* SPDX-License-Identifier: MIT
 * Timestamps: proleptic Gregorian calendar from a day count, cached per millisecond. */
#include "libproto/time.h"

static void put_digits(char *p, unsigned v, unsigned width)
{
    while (width--) {
        p[width] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* Days are counted from 0000-03-01, so that the leap day is the last of its year. */
static void format_date(char *out, int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned day = doy - (153 * mp + 2) / 5 + 1;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    unsigned year = (unsigned)(yoe + (unsigned)era * 400 + (month <= 2));
    put_digits(out, year, 4);
    out[4] = '-';
    put_digits(out + 5, month, 2);
    out[7] = '-';
    put_digits(out + 8, day, 2);
}

static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    unsigned y = year - (month <= 2);
    unsigned era = y / 400, yoe = y % 400;
    unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (int64_t)era * 146097 + doe - 719468;
}

struct sp_str sp_stamp_at(struct sp_stamp *s, int64_t ms)
{
    if (s->set && s->ms == ms) {
        return (struct sp_str){s->text, SP_TIMESTAMP_LEN};
    }
    if (!s->set || s->ms / 1000 != ms / 1000) {
        unsigned sec = (unsigned)(ms / 1000 % 86400);
        format_date(s->text, ms / 86400000);
        s->text[10] = 'T';
        put_digits(s->text + 11, sec / 3600, 2);
        s->text[13] = ':';
        put_digits(s->text + 14, sec / 60 % 60, 2);
        s->text[16] = ':';
        put_digits(s->text + 17, sec % 60, 2);
        s->text[19] = '.';
        s->text[23] = 'Z';
    }
    put_digits(s->text + 20, (unsigned)(ms % 1000), 3);
    s->ms = ms;
    s->set = true;
    return (struct sp_str){s->text, SP_TIMESTAMP_LEN};
}

static bool number(struct sp_str t, size_t off, size_t width, unsigned *v)
{
    *v = 0;
    for (size_t i = off; i < off + width; i++) {
        if (i >= t.n || t.p[i] < '0' || t.p[i] > '9') {
            return false;
        }
        *v = *v * 10 + (unsigned)(t.p[i] - '0');
    }
    return true;
}

bool sp_stamp_parse(struct sp_str t, int64_t *ms)
{
    unsigned y, mo, d, h, mi, s;
    if (t.n < 20 || !number(t, 0, 4, &y) || t.p[4] != '-' || !number(t, 5, 2, &mo) ||
        t.p[7] != '-' || !number(t, 8, 2, &d) || t.p[10] != 'T' || !number(t, 11, 2, &h) ||
        t.p[13] != ':' || !number(t, 14, 2, &mi) || t.p[16] != ':' || !number(t, 17, 2, &s)) {
        return false;
    }
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 60) {
        return false;
    }
    unsigned frac = 0, scale = 100;
    size_t i = 19;
    if (t.p[i] == '.') {
        if (i + 1 == t.n || t.p[i + 1] < '0' || t.p[i + 1] > '9') {
            return false;
        }
        for (i++; i < t.n && t.p[i] >= '0' && t.p[i] <= '9'; i++) {
            frac += (unsigned)(t.p[i] - '0') * scale;
            scale /= 10;
        }
    }
    if (i + 1 != t.n || t.p[i] != 'Z') {
        return false;
    }
    int64_t days = days_of(y, mo, d);
    char date[10];
    format_date(date, days);
    if (memcmp(date, t.p, sizeof(date)) != 0) {
        return false; /* such as February 30th */
    }
    *ms = (days * 86400 + h * 3600 + mi * 60 + s) * 1000 + frac;
    return true;
}

/* SPDX-License-Identifier: MIT
 * Quantities as people write them, in exact integer arithmetic, and the edit distance behind
 * "did you mean". */
#include "libproto/units.h"

#define FRACTION_MAX 6 /* digits: 10^6 times the largest unit stays far below 2^63 */
#define WORD_BYTES   64

/* A number as written: digits.fraction, the fraction in units of 1/scale. */
struct decimal {
    int64_t whole, fraction, scale;
};

struct unit {
    const char *name;
    int64_t factor;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the number at the head of s; *rest is what follows it. */
static bool parse_decimal(struct sp_str s, struct decimal *d, struct sp_str *rest)
{
    struct decimal v = {0, 0, 1};
    size_t i = 0;

    for (; i < s.n && is_digit(s.p[i]); i++) {
        if (__builtin_mul_overflow(v.whole, 10, &v.whole) ||
            __builtin_add_overflow(v.whole, s.p[i] - '0', &v.whole)) {
            return false;
        }
    }
    if (i == 0) {
        return false;
    }
    if (i < s.n && s.p[i] == '.') {
        size_t point = i++;
        for (; i < s.n && is_digit(s.p[i]); i++) {
            if (i - point > FRACTION_MAX) {
                return false;
            }
            v.fraction = v.fraction * 10 + (s.p[i] - '0');
            v.scale *= 10;
        }
        if (i == point + 1) {
            return false;
        }
    }
    *d = v;
    *rest = (struct sp_str){s.p + i, s.n - i};
    return true;
}

static bool apply(const struct decimal *d, int64_t factor, int64_t *out)
{
    int64_t v;

    if (factor == 1 && d->scale > 1) {
        return false;
    }
    if (__builtin_mul_overflow(d->whole, factor, &v) ||
        __builtin_add_overflow(v, d->fraction * factor / d->scale, &v)) {
        return false;
    }
    *out = v;
    return true;
}

bool sp_parse_duration(struct sp_str s, int64_t bare_us, int64_t *us)
{
    static const struct unit units[] = {
        {"us", 1},       {"ms", 1000},       {"s", 1000000},
        {"m", 60000000}, {"h", 3600000000L}, {"d", 86400000000L},
    };
    struct decimal d;
    struct sp_str rest;

    if (!parse_decimal(s, &d, &rest)) {
        return false;
    }
    if (rest.n == 0) {
        return bare_us > 0 && apply(&d, bare_us, us);
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (sp_str_eq(rest, sp_str(units[i].name))) {
            return apply(&d, units[i].factor, us);
        }
    }
    return false;
}

static int64_t magnitude(char c, int64_t base)
{
    switch (c) {
    case 'k':
    case 'K':
        return base;
    case 'm':
    case 'M':
        return base * base;
    case 'g':
    case 'G':
        return base * base * base;
    default:
        return 0;
    }
}

static bool parse_magnitude(struct sp_str s, int64_t base, bool allow_b, int64_t *out)
{
    struct decimal d;
    struct sp_str rest;

    if (!parse_decimal(s, &d, &rest)) {
        return false;
    }
    if (allow_b && rest.n > 0 && rest.p[rest.n - 1] == 'B') {
        rest.n--;
    }
    if (rest.n == 0) {
        return apply(&d, 1, out);
    }
    int64_t factor = rest.n == 1 ? magnitude(rest.p[0], base) : 0;
    return factor > 0 && apply(&d, factor, out);
}

bool sp_parse_size(struct sp_str s, int64_t *bytes)
{
    return parse_magnitude(s, 1024, true, bytes);
}

bool sp_parse_count(struct sp_str s, int64_t *n)
{
    return parse_magnitude(s, 1000, false, n);
}

bool sp_parse_share(struct sp_str s, int64_t *millionths)
{
    struct decimal d;
    struct sp_str rest;
    int64_t v;

    if (!parse_decimal(s, &d, &rest) || !sp_str_eq(rest, SP_STR("%")) || !apply(&d, 10000, &v) ||
        v > 1000000) {
        return false;
    }
    *millionths = v;
    return true;
}

static unsigned min2(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Two neighbours swapped count as one edit: it is the commonest slip of the fingers. */
unsigned sp_distance(struct sp_str a, struct sp_str b)
{
    unsigned row[3][WORD_BYTES + 1];
    unsigned *above2 = row[0], *above = row[1], *now = row[2];
    size_t an = a.n < WORD_BYTES ? a.n : WORD_BYTES;
    size_t bn = b.n < WORD_BYTES ? b.n : WORD_BYTES;

    for (size_t j = 0; j <= bn; j++) {
        above[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= an; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= bn; j++) {
            unsigned change = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            now[j] = min2(change, min2(above[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1]) {
                now[j] = min2(now[j], above2[j - 2] + 1);
            }
        }
        unsigned *free_row = above2;
        above2 = above;
        above = now;
        now = free_row;
    }
    return above[bn];
}

struct sp_guess sp_guess_init(struct sp_str word)
{
    /* more than a third of the letters wrong is another word, not a slip */
    return (struct sp_guess){.word = word, .best = NULL, .distance = word.n < 4 ? 2 : 3};
}

void sp_guess_consider(struct sp_guess *g, const char *candidate)
{
    struct sp_str c = sp_str(candidate);
    bool begins = g->word.n > 1 && g->word.n < c.n && memcmp(g->word.p, c.p, g->word.n) == 0;
    unsigned distance = begins ? 0 : sp_distance(g->word, c);
    if (distance < g->distance) {
        g->distance = distance;
        g->best = candidate;
    }
}

struct sp_str sp_cut(struct sp_str *s, const char *separators)
{
    size_t start = 0;
    while (start < s->n && strchr(separators, s->p[start])) {
        start++;
    }
    size_t end = start;
    while (end < s->n && !strchr(separators, s->p[end])) {
        end++;
    }
    struct sp_str word = {s->p + start, end - start};
    s->p += end;
    s->n -= end;
    return word;
}

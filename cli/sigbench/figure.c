/* SPDX-License-Identifier: MIT
 * The unit is the largest of which there are enough. */
#include "cli/sigbench/figure.h"

#include <math.h>
#include <stdio.h>

struct scale {
    double from, size; /* from how much on, and what one is */
    int digits;
    const char *name;
};

static const struct scale usec[] = {
    {1e6, 1e6, 2, "s"}, {1e3, 1e3, 2, "ms"}, {100, 1, 0, "\302\265s"}, {0, 1, 2, "\302\265s"}};
static const struct scale bytes[] = {{1073741824, 1073741824, 2, "GiB"},
                                     {1048576, 1048576, 1, "MiB"},
                                     {1024, 1024, 1, "KiB"},
                                     {0, 1, 0, "bytes"}};
static const struct scale ratio[] = {{0, 0.01, 1, "%"}};

static const struct scale *const scales[] = {
    [UNIT_USEC] = usec, [UNIT_BYTES] = bytes, [UNIT_RATIO] = ratio, [UNIT_PER_S] = NULL};

/* 1234567 is 1,234,567. */
static void grouped(char out[48], double v, const char *suffix)
{
    char plain[40];
    int len = snprintf(plain, sizeof(plain), "%.*f", v == floor(v) || v >= 100 ? 0 : 2, v);
    int whole = (int)strcspn(plain, "."), n = 0;

    for (int i = 0; i < len && n < 40; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0 && plain[i - 1] != '-') {
            out[n++] = ',';
        }
        out[n++] = plain[i];
    }
    snprintf(out + n, (size_t)(48 - n), "%s", suffix);
}

void figure_text(char out[48], enum metric_unit unit, double v)
{
    const struct scale *s = scales[unit];

    if (!s) {
        grouped(out, v, unit == UNIT_PER_S ? "/s" : "");
        return;
    }
    while (fabs(v) < s->from) {
        s++;
    }
    double n = v / s->size;
    snprintf(out, 48, "%.*f %s", n == floor(n) ? 0 : s->digits, n, s->name);
}

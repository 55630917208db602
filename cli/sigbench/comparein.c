/* SPDX-License-Identifier: MIT
 * Reports read back. They may come from anywhere: names are checked before they are printed. */
#include "cli/sigbench/compare.h"

#include "cli/common/out.h"
#include "cli/sigbench/stat.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX       (256u << 20)
#define SCHEMA_VERSION 1
#define MEMBERS_MAX    256

static bool is_name(const char *s)
{
    static const char fits[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";

    return s && s[0] && s[strspn(s, fits)] == '\0';
}

/* --- warnings -------------------------------------------------------------------------------- */

void compare_warn(struct comparison *c, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (unsigned i = 0; i < c->warnings; i++) {
        if (strcmp(c->warning[i], text) == 0) {
            return;
        }
    }
    if (c->warnings < COMPARE_WARNINGS_MAX) {
        memcpy(c->warning[c->warnings++], text, sizeof(text));
    }
}

static void show_value(char out[48], const cJSON *v)
{
    if (cJSON_IsNumber(v)) {
        snprintf(out, 48, "%.12g", v->valuedouble);
        return;
    }
    snprintf(out, 48, "%s", cJSON_IsString(v) ? v->valuestring : v ? "another" : "none");
    for (char *p = out; *p; p++) {
        *p = *p < ' ' || *p > '~' ? '?' : *p;
    }
}

static void differ(struct comparison *c, const char *what, const char *name, const cJSON *a,
                   const cJSON *b)
{
    char x[48], y[48];

    if (!is_name(name) || strlen(name) > 40 || strcmp(name, "url") == 0 ||
        strcmp(name, "scenario") == 0 || (a && b && cJSON_Compare(a, b, true))) {
        return;
    }
    show_value(x, a);
    show_value(y, b);
    compare_warn(c, "%.60s: %s is %s and %s", what, name, x, y);
}

void compare_differences(struct comparison *c, const char *what, const cJSON *a, const cJSON *b)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, a)
    {
        differ(c, what, m->string, m, cJSON_GetObjectItemCaseSensitive(b, m->string));
    }
    cJSON_ArrayForEach(m, b)
    {
        if (!cJSON_GetObjectItemCaseSensitive(a, m->string)) {
            differ(c, what, m->string, NULL, m);
        }
    }
}

/* --- samples --------------------------------------------------------------------------------- */

const struct series *side_find(const struct side *s, const char *name)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (strcmp(s->series[i].name, name) == 0) {
            return &s->series[i];
        }
    }
    return NULL;
}

static struct series *series_of(struct side *s, const char *name)
{
    struct series *old = (struct series *)side_find(s, name);

    if (old) {
        return old;
    }
    if (s->n == COMPARE_SERIES_MAX) {
        return NULL;
    }
    struct series *new = &s->series[s->n++];
    snprintf(new->name, sizeof(new->name), "%s", name);
    return new;
}

static bool add_value(struct side *s, const cJSON *m)
{
    if (!is_name(m->string) || strlen(m->string) >= sizeof(s->series->name) || !cJSON_IsNumber(m) ||
        !isfinite(m->valuedouble)) {
        return false;
    }
    struct series *at = series_of(s, m->string);
    if (at && at->n == at->cap) {
        unsigned cap = at->cap ? at->cap * 2 : 8;
        double *v = realloc(at->v, cap * sizeof(*v));
        if (!v) {
            return false;
        }
        at->v = v;
        at->cap = cap;
    }
    if (at) {
        at->v[at->n++] = m->valuedouble;
    }
    return at != NULL;
}

static bool add_sample(struct side *s, const cJSON *metrics)
{
    const cJSON *m;

    if (!cJSON_IsObject(metrics)) {
        return false;
    }
    cJSON_ArrayForEach(m, metrics)
    {
        if (!add_value(s, m)) {
            return false;
        }
    }
    s->samples++;
    return true;
}

static bool add_samples(struct side *s, const cJSON *report)
{
    const cJSON *samples = cJSON_GetObjectItemCaseSensitive(report, "samples"), *one;

    if (!samples) {
        return add_sample(s, cJSON_GetObjectItemCaseSensitive(report, "metrics"));
    }
    cJSON_ArrayForEach(one, samples)
    {
        if (!add_sample(s, one)) {
            return false;
        }
    }
    return cJSON_IsArray(samples) && cJSON_GetArraySize(samples) > 0;
}

/* --- reports --------------------------------------------------------------------------------- */

/* Few enough to be looked up one by one. */
static bool is_small(const cJSON *object)
{
    return cJSON_GetArraySize(object) <= MEMBERS_MAX;
}

static const char *scenario_of(const cJSON *report)
{
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(report, "schema_version");
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(report, "parameters");
    const char *name =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(parameters, "scenario"));

    return is_small(parameters) &&
                   is_small(cJSON_GetObjectItemCaseSensitive(report, "environment")) &&
                   cJSON_IsNumber(version) && version->valueint == SCHEMA_VERSION &&
                   is_name(name) && strlen(name) < sizeof(((struct side *)0)->scenario)
               ? name
               : NULL;
}

static void note_invalid(struct side *s, const cJSON *report)
{
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(report, "reasons");
    char why[48];

    if (s->invalid[0] || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "valid"))) {
        return;
    }
    show_value(why, cJSON_GetArrayItem(reasons, 0));
    snprintf(s->invalid, sizeof(s->invalid), "%s", why);
}

static int add_report(struct side *s, cJSON *report, struct comparison *c)
{
    const char *scenario = scenario_of(report);

    if (!scenario || !add_samples(s, report)) {
        return out_fail(EXIT_DATA, NULL, "%s is not a report of sigbench --json", s->file);
    }
    note_invalid(s, report);
    if (!s->parameters) {
        snprintf(s->scenario, sizeof(s->scenario), "%s", scenario);
        s->parameters = cJSON_DetachItemFromObjectCaseSensitive(report, "parameters");
        s->environment = cJSON_DetachItemFromObjectCaseSensitive(report, "environment");
        return 0;
    }
    if (strcmp(s->scenario, scenario) != 0) {
        return out_fail(EXIT_USAGE, NULL, "%s has reports of %s and of %s", s->file, s->scenario,
                        scenario);
    }
    compare_differences(c, s->file, s->parameters,
                        cJSON_GetObjectItemCaseSensitive(report, "parameters"));
    compare_differences(c, s->file, s->environment,
                        cJSON_GetObjectItemCaseSensitive(report, "environment"));
    return 0;
}

static int add_reports(struct side *s, const char *p, size_t n, struct comparison *c)
{
    const char *end = p + n;
    int status = 0;

    for (p += strspn(p, " \t\r\n"); p < end && status == 0; p += strspn(p, " \t\r\n")) {
        const char *next = NULL;
        cJSON *report = cJSON_ParseWithLengthOpts(p, (size_t)(end - p), &next, false);
        if (!report) {
            return out_fail(EXIT_DATA, NULL, "%s is not JSON, or too large for the memory",
                            s->file);
        }
        status = add_report(s, report, c);
        cJSON_Delete(report);
        p = next;
    }
    if (status == 0 && s->samples == 0) {
        return out_fail(EXIT_DATA, NULL, "%s is empty", s->file);
    }
    return status;
}

/* Gives the text, ended by a zero, or NULL with errno. */
static char *read_all(FILE *f, size_t *n)
{
    size_t cap = 65536, got;
    char *text = malloc(cap);

    *n = 0;
    while (text && (got = fread(text + *n, 1, cap - *n - 1, f)) > 0) {
        *n += got;
        if (cap - *n == 1) {
            char *grown = cap < FILE_MAX ? realloc(text, cap *= 2) : NULL;
            errno = grown || cap < FILE_MAX ? errno : EFBIG;
            if (!grown) {
                free(text);
            }
            text = grown;
        }
    }
    if (text && ferror(f)) {
        free(text);
        text = NULL;
    }
    if (text) {
        text[*n] = '\0';
    }
    return text;
}

int side_read(struct side *s, const char *file, struct comparison *c)
{
    bool is_stdin = strcmp(file, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(file, "re");
    size_t n = 0;
    char *text = f ? read_all(f, &n) : NULL;
    int status;

    s->file = is_stdin ? "standard input" : file;
    s->series = calloc(COMPARE_SERIES_MAX, sizeof(*s->series));
    if (text && s->series) {
        status = add_reports(s, text, n, c);
    } else {
        status = out_fail(EXIT_DATA, NULL, "cannot read %s: %s", s->file, strerror(errno));
    }
    free(text);
    if (f && !is_stdin) {
        fclose(f);
    }
    for (unsigned i = 0; i < s->n; i++) {
        stat_sort(s->series[i].v, s->series[i].n);
    }
    return status;
}

void side_free(struct side *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        free(s->series[i].v);
    }
    free(s->series);
    cJSON_Delete(s->parameters);
    cJSON_Delete(s->environment);
}

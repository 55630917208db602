/* SPDX-License-Identifier: MIT
 * The JUnit report of a scenario, in the form that build servers read: tests/schema/junit.xsd. */
#include "cli/sigctl/run.h"
#include "libproto/utf8.h"

#include <errno.h>

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML 1.0 (2.2). */
static bool is_no_char(const char *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xEF\xBF", 2) == 0 && ((unsigned char)p[2] & 0xFE) == 0xBE;
}

static void put_escaped(FILE *f, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (p[i]) {
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '&':
            fputs("&amp;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        case '\n':
            fputs("&#10;", f);
            break;
        default:
            if (is_no_char(p + i, n - i)) {
                fprintf(f, "\\u{%s}", (unsigned char)p[i + 2] == 0xBE ? "fffe" : "ffff");
                i += 2;
            } else {
                fputc(p[i], f);
            }
        }
    }
}

/* Control characters become text, for XML 1.0 has no way to write them. */
static void put_text(FILE *f, const char *text)
{
    char safe[16 * 1024];
    size_t n = sp_utf8_safe(safe, sizeof(safe), sp_str(text), true);
    put_escaped(f, safe, n);
}

static void put_attribute(FILE *f, const char *name, const char *text)
{
    fprintf(f, " %s=\"", name);
    put_text(f, text);
    fputc('"', f);
}

static void put_wrong(FILE *f, const struct scene *s, const struct wrong *x)
{
    char age[32], type[16];
    snprintf(type, sizeof(type), "exit %d", x->f.status);
    fputs("      <failure", f);
    put_attribute(f, "message", x->f.text);
    put_attribute(f, "type", x->f.code[0] ? x->f.code : type);
    fputc('>', f);
    put_text(f, s->file);
    fprintf(f, ":%u: ", x->step->line);
    put_text(f, x->step->text);
    for (unsigned i = 0; i < x->nseen; i++) {
        run_age(age, x->seen[i].age_us);
        fputs("\nunread: ", f);
        put_text(f, x->seen[i].what);
        fprintf(f, ", %s", age);
    }
    fputs("</failure>\n", f);
}

static void put_test(FILE *f, const struct scene *s, const struct test *t)
{
    fputs("    <testcase", f);
    put_attribute(f, "name", t->name);
    put_attribute(f, "classname", s->file);
    fprintf(f, " time=\"%.6f\"", (double)t->took_us / 1e6);
    if (t->state == CASE_PASSED) {
        fputs("/>\n", f);
        return;
    }
    fputs(">\n", f);
    if (t->wrong) {
        put_wrong(f, s, t->wrong);
    } else {
        fputs("      <skipped/>\n", f);
    }
    fputs("    </testcase>\n", f);
}

static bool is_told(const struct scene *s, unsigned at)
{
    return at >= s->has_setup || s->tests[at].state == CASE_FAILED;
}

static void put_counts(FILE *f, const struct scene *s)
{
    unsigned count[3] = {0};
    for (unsigned i = 0; i < s->ntests; i++) {
        count[s->tests[i].state] += is_told(s, i);
    }
    fprintf(f, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\" time=\"%.6f\"",
            count[0] + count[1] + count[2], count[CASE_FAILED], count[CASE_SKIPPED],
            (double)(link_mono_us() - s->start_us) / 1e6);
}

int run_report_xml(struct scene *s)
{
    FILE *f = s->junit;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", f);
    put_counts(f, s);
    fputs(">\n  <testsuite", f);
    put_attribute(f, "name", s->file);
    put_counts(f, s);
    fputs(">\n", f);
    for (unsigned i = 0; i < s->ntests; i++) {
        if (is_told(s, i)) {
            put_test(f, s, &s->tests[i]);
        }
    }
    fputs("  </testsuite>\n</testsuites>\n", f);
    bool bad = fflush(f) != 0 || ferror(f);
    if (fclose(f) != 0 || bad) {
        return ctl_fail(s->c, EXIT_DATA, NULL, "cannot write %s: %s", s->o->junit, strerror(errno));
    }
    return 0;
}

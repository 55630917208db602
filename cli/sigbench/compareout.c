/* SPDX-License-Identifier: MIT
 * A comparison as tables for people and as one object for programs. */
#include "cli/sigbench/compare.h"

#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigbench/figure.h"
#include "cli/sigbench/formats_in.h"
#include "cli/sigbench/markup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_VERSION 1
#define JSON_MAX       (1u << 20) /* 512 rows of less than a kilobyte, names of files */

static const char *const verdicts[] = {"neutral", "same", "better", "worse"};

/* --- tables ---------------------------------------------------------------------------------- */

/* How a value is written: at most 47 characters. */
typedef void value_fn(char *out, enum metric_unit unit, double value);

/* cells are what tables say of a row. */
struct cells {
    char base[160], next[160], change[32], p[32];
};

static void show_figures(char out[160], value_fn *value, enum metric_unit unit,
                         const struct figures *f)
{
    char median[48], least[48], most[48];

    value(median, unit, f->median);
    if (f->least < f->most) {
        value(least, unit, f->least);
        value(most, unit, f->most);
        snprintf(out, 160, "%s (%s .. %s)", median, least, most);
    } else {
        snprintf(out, 160, "%s", median);
    }
}

static struct cells cells_of(const struct row *r, value_fn *value)
{
    struct cells c = {.change = "from 0", .p = "-"};

    show_figures(c.base, value, r->trait.unit, &r->base);
    show_figures(c.next, value, r->trait.unit, &r->next);
    if (isfinite(r->change)) {
        snprintf(c.change, sizeof(c.change), "%+.1f %%", r->change * 100);
    }
    if (isfinite(r->p)) {
        snprintf(c.p, sizeof(c.p), "%.3f", r->p);
    }
    return c;
}

static const char *way_of(const struct comparison *c)
{
    return c->tested ? "by the Mann-Whitney test" : "too few samples for a test: 5 % is noise";
}

static bool is_zero(const struct figures *f)
{
    return f->least >= 0 && f->most <= 0;
}

/* Raw latencies are for those who ask; what never happened is no row. */
static bool is_shown(const struct row *r)
{
    return !isnan(r->bound) || (r->verdict != CHANGE_NEUTRAL && !strstr(r->name, ".raw.") &&
                                !(is_zero(&r->base) && is_zero(&r->next)));
}

/* --- text ------------------------------------------------------------------------------------ */

static void print_row(const struct row *r)
{
    static const char *const colours[] = {"0", "0", "32", "31"};
    struct cells c = cells_of(r, metric_format);

    printf("  %-27s  %-34s  %-34s  %9s  %5s  %s%s%s%s\n", r->name, c.base, c.next, c.change, c.p,
           out_sgr(colours[r->verdict]), verdicts[r->verdict], out_sgr("0"),
           isnan(r->bound) ? "" : " *");
}

void compare_text(const struct comparison *c)
{
    printf("%s%-10s%s  ", out_sgr("1"), c->base.scenario, out_sgr("0"));
    out_safe(stdout, sp_str(c->base.file));
    printf(" (%u) and ", c->base.samples);
    out_safe(stdout, sp_str(c->next.file));
    printf(" (%u), %s\n", c->next.samples, way_of(c));
    printf("  %-27s  %-34s  %-34s  %9s  %5s  %s\n", "metric", "base", "new", "change", "p",
           "verdict");
    for (unsigned i = 0; i < c->n; i++) {
        if (is_shown(&c->row[i])) {
            print_row(&c->row[i]);
        }
    }
    printf("%-10s  %s%u of the metrics marked *%s\n", "regressions",
           out_sgr(c->regressions ? "31" : "32"), c->regressions, out_sgr("0"));
}

/* --- Markdown -------------------------------------------------------------------------------- */

static void put_side(FILE *f, const char *what, const struct side *s)
{
    fprintf(f, "%s ", what);
    markup_md(f, sp_str(s->file));
    fprintf(f, " (%u sample%s), ", s->samples, s->samples == 1 ? "" : "s");
}

/* side_read has checked the names. */
static void put_row(FILE *f, const struct row *r)
{
    struct cells c = cells_of(r, figure_text);
    const char *bold = r->regression ? "**" : "";
    char bound[32] = "";

    if (!isnan(r->bound)) {
        snprintf(bound, sizeof(bound), "%.1f %%", r->bound * 100);
    }
    fprintf(f, "| `%s` | %s | %s | %s | %s | %s | %s%s%s |\n", r->name, c.base, c.next, c.change,
            c.p, bound, bold, verdicts[r->verdict], bold);
}

void format_markdown_compare(FILE *f, const struct comparison *c)
{
    fprintf(f, "### sigbench compare %s: %u regression%s\n\n", c->base.scenario, c->regressions,
            c->regressions == 1 ? "" : "s");
    put_side(f, "base", &c->base);
    put_side(f, "new", &c->next);
    fprintf(f, "%s\n\n", way_of(c));
    for (unsigned i = 0; i < c->warnings; i++) {
        fputs("- ", f);
        markup_md(f, sp_str(c->warning[i]));
        fputs("\n", f);
    }
    fputs(c->warnings > 0 ? "\n" : "", f);
    fputs("| metric | base | new | change | p | bound | verdict |\n"
          "|:---|---:|---:|---:|---:|---:|:---|\n",
          f);
    for (unsigned i = 0; i < c->n; i++) {
        if (is_shown(&c->row[i])) {
            put_row(f, &c->row[i]);
        }
    }
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_or_null(struct sp_json *j, const char *key, double v)
{
    if (isfinite(v)) {
        metric_write(j, key, v);
    } else {
        sp_json_raw(j, key, SP_STR("null"));
    }
}

static void write_side(struct sp_json *j, const char *key, const struct side *s)
{
    sp_json_object(j, key);
    sp_json_str(j, "file", sp_str(s->file));
    sp_json_int(j, "samples", s->samples);
    sp_json_end(j, '}');
}

static void write_figures(struct sp_json *j, const char *key, const char *spread,
                          const struct figures *f)
{
    metric_write(j, key, f->median);
    sp_json_array(j, spread);
    metric_write(j, NULL, f->least);
    metric_write(j, NULL, f->most);
    sp_json_end(j, ']');
}

static void write_row(struct sp_json *j, const struct row *r)
{
    static const char *const ways[] = {"neutral", "lower", "higher"};

    sp_json_object(j, r->name);
    write_figures(j, "base", "base_spread", &r->base);
    write_figures(j, "new", "new_spread", &r->next);
    write_or_null(j, "change_ratio", r->change);
    write_or_null(j, "p", r->p);
    sp_json_str(j, "better", sp_str(ways[r->trait.better]));
    sp_json_str(j, "verdict", sp_str(verdicts[r->verdict]));
    write_or_null(j, "bound_ratio", r->bound);
    sp_json_bool(j, "regression", r->regression);
    sp_json_end(j, '}');
}

static void write_lists(struct sp_json *j, const struct comparison *c)
{
    sp_json_array(j, "warnings");
    for (unsigned i = 0; i < c->warnings; i++) {
        sp_json_str(j, NULL, sp_str(c->warning[i]));
    }
    sp_json_end(j, ']');
    sp_json_array(j, "regressions");
    for (unsigned i = 0; i < c->n; i++) {
        if (c->row[i].regression) {
            sp_json_str(j, NULL, sp_str(c->row[i].name));
        }
    }
    sp_json_end(j, ']');
}

bool compare_json(const struct comparison *c, int status)
{
    char *text = malloc(JSON_MAX);
    struct sp_buf buf;
    struct sp_json j;

    if (!text) {
        return false;
    }
    sp_buf_init(&buf, text, JSON_MAX);
    sp_json_init(&j, &buf);
    sp_json_object(&j, NULL);
    sp_json_bool(&j, "ok", status == EXIT_OK);
    sp_json_int(&j, "exit", status);
    sp_json_int(&j, "schema_version", SCHEMA_VERSION);
    sp_json_str(&j, "type", SP_STR("comparison"));
    print_stamp(&j, link_wall_us());
    sp_json_str(&j, "scenario", sp_str(c->base.scenario));
    write_side(&j, "base", &c->base);
    write_side(&j, "new", &c->next);
    sp_json_str(&j, "test", c->tested ? SP_STR("mann_whitney") : SP_STR("margin"));
    write_lists(&j, c);
    sp_json_object(&j, "metrics");
    for (unsigned i = 0; i < c->n; i++) {
        write_row(&j, &c->row[i]);
    }
    sp_json_end(&j, '}');
    sp_json_end(&j, '}');
    if (!buf.full) {
        out_line(sp_buf_view(&buf));
    }
    free(text);
    return !buf.full;
}

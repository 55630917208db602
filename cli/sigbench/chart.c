/* SPDX-License-Identifier: MIT
 * A chart is drawn in fixed places, so that nothing overlaps: title, legend, plot, ticks, label. */
#include "cli/sigbench/chart.h"

#include "cli/sigbench/markup.h"

#include <math.h>

#define WIDTH      600.0
#define HEIGHT     300.0
#define LEFT       72.0
#define RIGHT      (WIDTH - 30)
#define TOP        56.0
#define BOTTOM     (HEIGHT - 46)
#define LETTER     7.0  /* the widest that a letter is on average */
#define DOTS_MOST  60u  /* so many points are shown as such */
#define DENSE_FROM 200u /* from so many on, dashes and width would hide the line */

const char chart_style[] =
    ".chart{--ink:#24292f;--soft:#57606a;--grid:#d8dee4;--s0:#0072b2;--s1:#d55e00;--s2:#008060;"
    "--s3:#a8488a;font:12px system-ui,sans-serif}\n"
    "@media (prefers-color-scheme:dark){.chart{--ink:#e6edf3;--soft:#9da7b3;--grid:#30363d;"
    "--s0:#58b3ee;--s1:#f0954a;--s2:#3fc79a;--s3:#e39ac4}}\n"
    ".chart text{fill:var(--soft)}.chart .title{fill:var(--ink);font-size:14px;font-weight:600}\n"
    ".chart .grid{stroke:var(--grid);stroke-width:1}.chart .axis{stroke:var(--soft)}\n"
    ".chart .line{fill:none;stroke-width:1.8;stroke-linejoin:round}\n"
    ".chart .c0{stroke:var(--s0)}.chart .c1{stroke:var(--s1);stroke-dasharray:7 3}\n"
    ".chart .c2{stroke:var(--s2);stroke-dasharray:2 3}"
    ".chart .c3{stroke:var(--s3);stroke-dasharray:8 3 2 3}\n"
    ".chart .f0{fill:var(--s0)}.chart .f1{fill:var(--s1)}.chart .f2{fill:var(--s2)}"
    ".chart .f3{fill:var(--s3)}\n"
    ".chart .dense{stroke-width:.7;stroke-dasharray:none}\n";

/* plot is a chart with its axes settled. */
struct plot {
    FILE *f;
    const struct chart *c;
    struct chart_ticks x, y;
};

static double part(const struct chart_axis *a, const struct chart_ticks *t, double v)
{
    double in = fmin(fmax(v, t->lo), t->hi);

    return a->log ? log(in / t->lo) / log(t->hi / t->lo) : (in - t->lo) / (t->hi - t->lo);
}

static double at_x(const struct plot *p, double v)
{
    return LEFT + (RIGHT - LEFT) * part(&p->c->x, &p->x, v);
}

static double at_y(const struct plot *p, double v)
{
    return BOTTOM - (BOTTOM - TOP) * part(&p->c->y, &p->y, v);
}

static void put_label(const struct plot *p, const struct chart_axis *a, const struct chart_ticks *t)
{
    markup_xml(p->f, sp_str(a->label));
    if (t->unit > 0 && *t->name) {
        fprintf(p->f, " (%s)", t->name);
    }
    fputs("</text>\n", p->f);
}

static void put_x_axis(const struct plot *p)
{
    char text[32];

    for (unsigned i = 0; i < p->x.n; i++) {
        double x = at_x(p, p->x.at[i]);
        chart_tick_text(text, &p->c->x, &p->x, i);
        fprintf(p->f,
                "<path class=\"grid\" d=\"M%.1f %.0fV%.0f\"/><text x=\"%.1f\" y=\"%.0f\" "
                "text-anchor=\"middle\">%s</text>\n",
                x, TOP, BOTTOM, x, BOTTOM + 17, text);
    }
    fprintf(p->f, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2,
            HEIGHT - 8);
    put_label(p, &p->c->x, &p->x);
}

static void put_y_axis(const struct plot *p)
{
    char text[32];

    for (unsigned i = 0; i < p->y.n; i++) {
        double y = at_y(p, p->y.at[i]);
        chart_tick_text(text, &p->c->y, &p->y, i);
        fprintf(p->f,
                "<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/><text x=\"%.0f\" y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>\n",
                LEFT, y, RIGHT, LEFT - 7, y + 4, text);
    }
    fprintf(p->f, "<text transform=\"translate(15 %.0f) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + BOTTOM) / 2);
    put_label(p, &p->c->y, &p->y);
}

static void put_legend(const struct plot *p)
{
    double x = LEFT;

    for (unsigned i = 0; i < p->c->n; i++) {
        const struct chart_series *s = &p->c->series[i];
        if (s->bars) {
            fprintf(p->f, "<rect class=\"f%u\" x=\"%.0f\" y=\"33\" width=\"12\" height=\"10\"/>", i,
                    x + 8);
        } else {
            fprintf(p->f, "<path class=\"line c%u\" d=\"M%.0f 38h22\"/>", i, x);
        }
        fprintf(p->f, "<text x=\"%.0f\" y=\"42\">", x + 28);
        markup_xml(p->f, sp_str(s->name));
        fputs("</text>\n", p->f);
        x += 28 + LETTER * (double)strlen(s->name) + 18;
    }
}

/* What a browser shows when the pointer rests on it. */
static void put_tip(const struct plot *p, const struct chart_series *s, size_t i)
{
    char x[32], to[32] = "", y[32];

    chart_value_text(x, p->c->x.unit, s->x[i]);
    chart_value_text(y, p->c->y.unit, s->y[i]);
    if (s->bars) {
        chart_value_text(to, p->c->x.unit, s->x[i + 1]);
    }
    fputs("<title>", p->f);
    markup_xml(p->f, sp_str(s->name));
    fprintf(p->f, ", %s%s%s: %s</title>", x, s->bars ? " to " : "", to, y);
}

static void put_line(const struct plot *p, unsigned nr)
{
    const struct chart_series *s = &p->c->series[nr];
    bool on = false;

    fprintf(p->f, "<path class=\"line c%u%s\" d=\"", nr, s->n > DENSE_FROM ? " dense" : "");
    for (size_t i = 0; i < s->n; i++) {
        if (isfinite(s->y[i])) {
            fprintf(p->f, "%c%.1f %.1f", on ? 'L' : 'M', at_x(p, s->x[i]), at_y(p, s->y[i]));
        }
        on = isfinite(s->y[i]);
    }
    fputs("\"/>\n", p->f);
    for (size_t i = 0; i < s->n && s->n <= DOTS_MOST; i++) {
        if (isfinite(s->y[i])) {
            fprintf(p->f, "<circle class=\"f%u\" r=\"2.4\" cx=\"%.1f\" cy=\"%.1f\">", nr,
                    at_x(p, s->x[i]), at_y(p, s->y[i]));
            put_tip(p, s, i);
            fputs("</circle>\n", p->f);
        }
    }
}

static void put_bars(const struct plot *p, unsigned nr)
{
    const struct chart_series *s = &p->c->series[nr];

    for (size_t i = 0; i < s->n; i++) {
        double x = at_x(p, s->x[i]), y = at_y(p, s->y[i]);
        if (s->y[i] > 0) {
            fprintf(p->f,
                    "<rect class=\"f%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", nr,
                    x, y, fmax(at_x(p, s->x[i + 1]) - x - 1, 1), BOTTOM - y);
            put_tip(p, s, i);
            fputs("</rect>\n", p->f);
        }
    }
}

static void put_head(const struct plot *p, bool standalone)
{
    fprintf(p->f,
            "%s<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 %.0f %.0f\"",
            standalone ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" : "", WIDTH, HEIGHT);
    if (standalone) {
        fprintf(p->f, " width=\"%.0f\" height=\"%.0f\"", WIDTH, HEIGHT);
    }
    fputs(" role=\"img\" aria-label=\"", p->f);
    markup_xml(p->f, sp_str(p->c->title));
    fputs("\">\n", p->f);
    if (standalone) {
        fprintf(p->f,
                "<style>%s.paper{fill:#fff}\n"
                "@media (prefers-color-scheme:dark){.paper{fill:#0d1117}}</style>\n"
                "<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n",
                chart_style);
    }
}

void chart_write(FILE *f, const struct chart *c, bool standalone)
{
    struct plot p = {.f = f, .c = c};

    chart_ticks_of(&c->x, 7, &p.x);
    chart_ticks_of(&c->y, 5, &p.y);
    put_head(&p, standalone);
    fprintf(f, "<text class=\"title\" x=\"%.0f\" y=\"18\">", LEFT);
    markup_xml(f, sp_str(c->title));
    fputs("</text>\n", f);
    put_legend(&p);
    put_x_axis(&p);
    put_y_axis(&p);
    fprintf(f, "<path class=\"axis\" fill=\"none\" d=\"M%.0f %.0fV%.0fH%.0f\"/>\n", LEFT, TOP,
            BOTTOM, RIGHT);
    if (c->n == 0) {
        fprintf(f, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">no data</text>\n",
                (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2 - 4);
    }
    for (unsigned i = 0; i < c->n; i++) {
        if (c->series[i].bars) {
            put_bars(&p, i);
        } else {
            put_line(&p, i);
        }
    }
    fputs("</svg>\n", f);
}

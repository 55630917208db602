/* SPDX-License-Identifier: MIT
 * One page that needs nothing else: no scripts, no fonts, no network. It is XML as well as HTML, so
 * that tools can check and read it. */
#include "cli/sigbench/charts.h"
#include "cli/sigbench/formats_in.h"
#include "cli/sigbench/markup.h"
#include "cli/sigbench/words.h"
#include "libproto/time.h"

#include <time.h>

static const char page_style[] =
    ":root{color-scheme:light dark;--back:#fff;--text:#24292f;--quiet:#57606a;--rule:#d8dee4;"
    "--card:#f6f8fa;--good:#0a6b33;--bad:#b3261e}\n"
    "@media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--quiet:#9da7b3;"
    "--rule:#30363d;--card:#161b22;--good:#4fc97f;--bad:#ff8a80}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:24px;max-width:1280px;background:var(--back);color:var(--text);"
    "font:14px/1.45 system-ui,sans-serif}\n"
    "h1{font-size:24px;margin:0 0 4px;overflow-wrap:anywhere}"
    "h2{font-size:17px;margin:32px 0 12px}"
    "h3{font-size:14px;margin:0 0 6px;overflow-wrap:anywhere}\n"
    ".sub{color:var(--quiet);margin:0 0 16px}\n"
    ".verdict{border-left:5px solid;padding:10px 14px;background:var(--card);margin:0}"
    ".good{border-color:var(--good)}.bad{border-color:var(--bad)}\n"
    ".good b,.ok{color:var(--good)}.bad b,.no{color:var(--bad)}\n"
    ".charts{display:grid;margin-top:24px;grid-template-columns:repeat(auto-fill,minmax(min(100%,"
    "480px),1fr));"
    "gap:16px}\n"
    ".charts>div{background:var(--card);border-radius:6px;padding:12px}.chart{display:block;"
    "width:100%;height:auto}\n"
    ".cards{columns:4 270px;column-gap:16px}\n"
    ".cards>div{background:var(--card);border-radius:6px;padding:12px;margin:0 0 16px;"
    "break-inside:avoid}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0 0}.tiles>div{background:var(--card);"
    "border-radius:6px;padding:8px 14px;flex:1 1 120px}\n"
    ".tiles b{display:block;font-size:20px;white-space:nowrap}.tiles span{color:var(--quiet)}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{text-align:left;font-weight:400;padding:3px 8px 3px 0;border-top:1px solid var(--rule);"
    "vertical-align:top;overflow-wrap:anywhere}\n"
    "tr:first-child>*{border-top:0}th{color:var(--quiet);white-space:nowrap}tr>:last-child{text-"
    "align:"
    "right;padding-right:0}thead th{font-weight:600}\n"
    "@media print{body{padding:0;max-width:none}.charts>div,.cards>div{break-inside:avoid}}\n";

static void put_row(void *ctx, struct sp_str name, struct sp_str value)
{
    FILE *f = ctx;

    fputs("<tr><th scope=\"row\">", f);
    markup_xml(f, name);
    fputs("</th><td>", f);
    markup_xml(f, value);
    fputs("</td></tr>\n", f);
}

static void put_head(FILE *f, const struct report *r)
{
    fputs("<!DOCTYPE html>\n"
          "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'\"/>\n<title>sigbench ",
          f);
    markup_xml(f, sp_str(r->b->scenario->name));
    fprintf(f, ": %s</title>\n<style>\n%s%s</style>\n</head>\n<body>\n", words_outcome(r),
            page_style, chart_style);
}

static void put_title(FILE *f, const struct report *r)
{
    struct sp_stamp stamp = {0};
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    fputs("<h1>sigbench ", f);
    markup_xml(f, sp_str(r->b->scenario->name));
    fputs("</h1>\n<p class=\"sub\">", f);
    markup_xml(f, sp_str(r->b->shown_url));
    fputs(" &#183; ", f);
    markup_xml(f, sp_stamp_at(&stamp, (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000));
    fputs("</p>\n", f);
}

static void put_verdict(FILE *f, const struct report *r)
{
    const char *why;

    fprintf(f, "<p class=\"verdict %s\"><b>%s</b>", r->status == 0 ? "good" : "bad",
            words_outcome(r));
    for (unsigned i = 0; (why = words_reason(r, i)); i++) {
        fputs("<br/>", f);
        markup_xml(f, sp_str(why));
    }
    if (r->b->first_error[0]) {
        fputs("<br/>first error: ", f);
        markup_xml(f, sp_str(r->b->first_error));
    }
    fputs("</p>\n", f);
}

static void put_tile(FILE *f, const struct metrics *all, const char *label, const char *metric)
{
    const struct metric *m = metric_find(all, sp_str(metric));
    char text[48];

    if (m && m->has && m->value > 0) {
        words_metric(text, m);
        fprintf(f, "<div><b>%s</b><span>%s</span></div>\n", text, label);
    }
}

static void put_tiles(FILE *f, const struct report *r)
{
    static const char *const quantiles[][2] = {
        {"p50", "p50"}, {"p99", "p99"}, {"p99.9", "p999"}, {"max", "max"}};
    const char *const others[][2] = {
        {"rate", "rate"},
        {"lost", "lost"},
        {r->b->scenario->timed_connect ? "CPU per connection" : "CPU per message",
         "server.cpu_per_message"},
        {"memory per client", "server.per_connection"}};
    char name[64];

    fputs("<div class=\"tiles\">\n", f);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        snprintf(name, sizeof(name), "%s.%s", r->b->scenario->name, quantiles[i][1]);
        put_tile(f, &r->all, quantiles[i][0], name);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        put_tile(f, &r->all, others[i][0], others[i][1]);
    }
    fputs("</div>\n", f);
}

static void put_thresholds(FILE *f, const struct report *r)
{
    const struct opt_list *all = &r->b->conf.thresholds;
    char text[48];

    if (all->n == 0) {
        return;
    }
    fputs("<h2>Thresholds</h2>\n<table>\n<thead><tr><th>must hold</th><th>outcome</th>"
          "<th>measured</th></tr></thead>\n<tbody>\n",
          f);
    for (unsigned i = 0; i < all->n; i++) {
        bool ok = report_threshold_ok(r->b, i, &r->all);
        fputs("<tr><td>", f);
        markup_xml(f, sp_str(all->v[i]));
        words_threshold(text, r, i);
        fprintf(f, "</td><td class=\"%s\">%s</td><td>%s</td></tr>\n", ok ? "ok" : "no",
                ok ? "ok" : "failed", text);
    }
    fputs("</tbody>\n</table>\n", f);
}

static void put_charts(FILE *f, const struct report *r)
{
    struct chart c;

    fputs("<div class=\"charts\">\n", f);
    for (const struct chart_row *row = charts; row->make; row++) {
        if (row->make(&c, r->b)) {
            fputs("<div>", f);
            chart_write(f, &c, false);
            fputs("</div>\n", f);
        }
    }
    fputs("</div>\n", f);
}

static void open_card(FILE *f, struct sp_str title)
{
    fputs("<div><h3>", f);
    markup_xml(f, title);
    fputs("</h3>\n<table><tbody>\n", f);
}

static void close_card(FILE *f)
{
    fputs("</tbody></table></div>\n", f);
}

/* Neighbours whose names begin alike share a card. */
static void put_metrics(FILE *f, const struct metrics *all)
{
    struct sp_str open = {0};
    char name[48], text[48];

    fputs("<h2>Metrics</h2>\n<div class=\"cards\">\n", f);
    for (unsigned i = 0; i < all->n; i++) {
        const struct metric *m = &all->m[i];
        struct sp_str group = {m->name, words_group(m)};
        if (!m->has) {
            continue;
        }
        if (!open.p || !sp_str_eq(open, group)) {
            if (open.p) {
                close_card(f);
            }
            open_card(f, group.n ? group : SP_STR("run"));
            open = group;
        }
        words_name(name, m);
        words_metric(text, m);
        put_row(f, sp_str(name + group.n + (group.n > 0)), sp_str(text));
    }
    if (open.p) {
        close_card(f);
    }
    fputs("</div>\n", f);
}

static void put_setting(FILE *f, const struct report *r)
{
    fputs("<h2>Setting</h2>\n<div class=\"cards\">\n", f);
    open_card(f, SP_STR("parameters"));
    words_rows(r, words_parameters, put_row, f);
    close_card(f);
    open_card(f, SP_STR("environment"));
    words_rows(r, words_environment, put_row, f);
    close_card(f);
    fputs("</div>\n", f);
}

void format_html(FILE *f, const struct report *r)
{
    put_head(f, r);
    put_title(f, r);
    put_verdict(f, r);
    put_tiles(f, r);
    put_thresholds(f, r);
    put_charts(f, r);
    put_metrics(f, &r->all);
    put_setting(f, r);
    fputs("</body>\n</html>\n", f);
}

void format_svg(FILE *f, const struct report *r)
{
    struct chart c;
    char title[96];

    charts_spectrum(&c, r->b);
    snprintf(title, sizeof(title), "sigbench %s: latency by percentile", r->b->scenario->name);
    c.title = title;
    chart_write(f, &c, true);
}

/* SPDX-License-Identifier: MIT
 * sigmon stat: a line of gauges and rates per interval, out of the server's counters. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/lines.h"
#include "cli/sigmon/mon.h"
#include "libproto/msg.h"
#include "libproto/units.h"

#include <stdlib.h>
#include <unistd.h>

#define ASK_US      10000000
#define SECOND_US   1000000
#define LEAST_US    10000 /* a server is not asked without a pause */
#define HEAD_EVERY  20
#define DIGITS_MOST 100000

struct stat_opts {
    int64_t duration_us;
};
_Static_assert(sizeof(struct stat_opts) <= MON_VALUES_MAX, "room for the options");

const struct opt stat_rows[] = {{"duration", 'd', OPT_DURATION, "DUR", NULL,
                                 offsetof(struct stat_opts, duration_us), "end after a while"},
                                {0}};

enum kind { GAUGE, COUNTER };

static const struct column {
    const char *title;
    int width;
    enum kind kind;
    const char *name, *group, *member, *help;
} columns[] = {
#define STAT(title, width, kind, name, group, member, help)                                        \
    {title, width, kind, name, group, member, help},
#include "cli/sigmon/tbl/stats.h"
#undef STAT
};

#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Values are -1 where the server has none. */
struct sample {
    int64_t mono_us, wall_us, uptime_s;
    int64_t v[NCOLUMNS];
};

struct stat {
    const struct mon_args *a;
    struct link *link;
    struct sample last, now;
    bool has_last;
    bool was_lost;              /* since then */
    int64_t interval_us, count; /* count 0: no end */
    int64_t lines, end;
    char id[64];
};

void stat_help(FILE *f)
{
    fputs("\ncolumns:\n", f);
    for (size_t i = 0; i < NCOLUMNS; i++) {
        const struct column *c = &columns[i];
        if (c->title) {
            fprintf(f, "  %-8s %s%s\n", c->title, c->help,
                    c->kind == COUNTER ? ", each second" : "");
        }
    }
}

/* ---------------------------------------------------------------- what the server says */

static bool find_object(struct link_msg *out, const struct link_msg *m, const char *key)
{
    const struct sp_member *member = sp_doc_find(&m->doc, sp_str(key));
    return member && member->kind == SP_J_OBJECT && link_scan(out, sp_doc_raw(&m->doc, member));
}

static int64_t number(const struct link_msg *m, const char *key)
{
    int64_t n;
    return sp_doc_int(&m->doc, sp_str(key), &n) == SP_OK && n >= 0 ? n : -1;
}

static int64_t sum(const struct link_msg *m)
{
    int64_t all = 0, n;
    for (uint32_t i = 0; i < m->doc.count; i++) {
        if (sp_parse_int(sp_doc_raw(&m->doc, &m->doc.m[i]), &n) && n > 0) {
            all += n;
        }
    }
    return all;
}

static int64_t value(const struct column *c, const struct link_msg *reply,
                     const struct link_msg *counters)
{
    struct link_msg group;
    if (!c->group) {
        return number(reply, c->member);
    }
    if (!c->group[0]) {
        return number(counters, c->member);
    }
    if (!find_object(&group, counters, c->group)) {
        return -1;
    }
    return c->member ? number(&group, c->member) : sum(&group);
}

static bool read_sample(struct sample *s, const struct link_msg *reply)
{
    struct link_msg counters;
    if (!find_object(&counters, reply, "counters")) {
        return false;
    }
    s->mono_us = reply->mono_us;
    s->wall_us = reply->wall_us;
    s->uptime_s = number(reply, "uptime");
    for (size_t i = 0; i < NCOLUMNS; i++) {
        s->v[i] = value(&columns[i], reply, &counters);
    }
    return true;
}

static int ask_once(struct stat *s, int64_t deadline)
{
    char text[256];
    struct sp_buf b;
    struct sp_str none = {NULL, 0};
    sp_buf_init(&b, text, sizeof(text));
    sp_put_send(&b, SP_STR("stats"), none, none, none, link_rid(s->link));
    return link_ask(s->link, sp_buf_view(&b), SP_T_STATS, deadline);
}

/* Takes a sample; it comes to nothing when the connection is lost. */
static int ask(struct stat *s)
{
    int64_t until = link_deadline(ASK_US);
    until = s->end < until ? s->end : until;
    int status = ask_once(s, until);
    if (status && link_why(s->link)->err == SP_NOT_REGISTERED) {
        status = source_become(s->link, s->a->opts, s->id, sizeof(s->id));
        status = status ? status : ask_once(s, until);
    }
    if (status == 0 && !read_sample(&s->now, link_reply(s->link))) {
        status = link_set_why(s->link, EXIT_DATA, "the server's counters cannot be read");
    }
    return status;
}

/* ---------------------------------------------------------------- lines */

static double rate(const struct stat *s, size_t i)
{
    return (double)(s->now.v[i] - s->last.v[i]) * 1e6 / (double)(s->now.mono_us - s->last.mono_us);
}

static bool has_value(const struct stat *s, size_t i)
{
    return s->now.v[i] >= 0 && (columns[i].kind == GAUGE || s->last.v[i] >= 0);
}

static bool is_restarted(const struct stat *s)
{
    bool back = s->now.uptime_s < s->last.uptime_s;
    for (size_t i = 0; i < NCOLUMNS; i++) {
        back = back || (columns[i].kind == COUNTER && s->now.v[i] < s->last.v[i]);
    }
    return back;
}

static void put_machine(const struct stat *s)
{
    struct print_line l;
    char key[64], text[64];
    if (!print_begin(&l, 0)) {
        return;
    }
    sp_json_str(&l.j, "type", SP_STR("stat"));
    print_time(&l, s->now.wall_us);
    sp_json_int(&l.j, "interval_us", s->now.mono_us - s->last.mono_us);
    if (s->now.uptime_s >= 0 && s->now.uptime_s <= SP_INT_MAX / SECOND_US) {
        sp_json_int(&l.j, "uptime_us", s->now.uptime_s * SECOND_US);
    }
    for (size_t i = 0; i < NCOLUMNS; i++) {
        if (!has_value(s, i)) {
            continue;
        }
        if (columns[i].kind == GAUGE) {
            sp_json_int(&l.j, columns[i].name, s->now.v[i]);
        } else {
            snprintf(key, sizeof(key), "%s_per_s", columns[i].name);
            snprintf(text, sizeof(text), "%.3f", rate(s, i));
            sp_json_raw(&l.j, key, sp_str(text));
        }
    }
    print_end(s->a->opts, &l);
}

static void put_number(const struct column *c, double v)
{
    char text[16];
    if (c->kind == COUNTER && v > 0 && v < 10) {
        snprintf(text, sizeof(text), "%.1f", v);
    } else if (v < DIGITS_MOST) {
        snprintf(text, sizeof(text), "%.0f", v);
    } else {
        out_size(text, (uint64_t)v);
    }
    printf("%*s", c->width, text);
}

static void put_head(void)
{
    for (size_t i = 0; i < NCOLUMNS && columns[i].title; i++) {
        printf("%*s", columns[i].width, columns[i].title);
    }
    putchar('\n');
}

static void put_human(const struct stat *s)
{
    if (s->lines == 0 || (s->lines % HEAD_EVERY == 0 && isatty(STDOUT_FILENO) == 1)) {
        put_head();
    }
    for (size_t i = 0; i < NCOLUMNS && columns[i].title; i++) {
        if (has_value(s, i)) {
            put_number(&columns[i], columns[i].kind == GAUGE ? (double)s->now.v[i] : rate(s, i));
        } else {
            printf("%*s", columns[i].width, "-");
        }
    }
    putchar('\n');
    fflush(stdout);
}

static void put_restart(const struct stat *s)
{
    struct lines l = {.opts = s->a->opts};
    if (print_is_machine(s->a->opts)) {
        lines_restart(&l);
    } else {
        puts("-- the server has restarted, its counters begin anew --");
    }
}

static void show(struct stat *s)
{
    if (s->has_last && is_restarted(s)) {
        put_restart(s);
    } else if (s->has_last && !s->was_lost && s->now.mono_us > s->last.mono_us) {
        (print_is_machine(s->a->opts) ? put_machine : put_human)(s);
        s->lines++;
    }
    s->last = s->now;
    s->has_last = true;
    s->was_lost = false;
}

/* ---------------------------------------------------------------- the run */

static bool is_done(void *ctx)
{
    const struct stat *s = ctx;
    return s->count > 0 && s->lines >= s->count;
}

/* One turn: a sample, then a pause up to *next. */
static int turn(struct stat *s, int64_t *next)
{
    int status = ask(s);
    if (status) {
        return status;
    }
    show(s);
    int64_t now = link_mono_us();
    do {
        *next += s->interval_us;
    } while (*next <= now);
    status = link_until(s->link, is_done, s, *next < s->end ? *next : s->end);
    return status == EXIT_TIMEOUT && *next < s->end ? 0 : status;
}

/* A line that spans a loss would be of another interval than the others. */
static int follow(struct stat *s)
{
    int64_t next = link_mono_us();
    link_comes_back(s->link, true);
    while (!is_done(s)) {
        int status = turn(s, &next);
        if (status == EXIT_LOST) {
            status = link_recover(s->link, NULL, NULL, s->end);
            next = link_mono_us();
            s->was_lost = true;
        }
        if (status) {
            return status;
        }
    }
    return 0;
}

static int run(struct stat *s)
{
    const struct stat_opts *o = s->a->values;
    int64_t give_up = OPT_NEVER, end = OPT_NEVER;
    link_needs_reader(s->link, true);
    int status = link_open(s->link);
    if (o->duration_us > 0) {
        end = link_deadline(o->duration_us);
    }
    if (s->a->opts->timeout_us >= 0) {
        give_up = link_deadline(s->a->opts->timeout_us);
    }
    s->end = end < give_up ? end : give_up;
    status = status ? status : follow(s);
    if (status == EXIT_TIMEOUT && end <= give_up && link_mono_us() >= end) {
        return 0;
    }
    return status ? mon_fail(s->link) : 0;
}

static int read_words(struct stat *s, const struct mon_args *a)
{
    if (a->n > 2) {
        return out_fail(EXIT_USAGE, NULL, "stat takes an interval and a count");
    }
    if (a->n > 0 && (!sp_parse_duration(sp_str(a->words[0]), SECOND_US, &s->interval_us) ||
                     s->interval_us < LEAST_US)) {
        return out_fail(EXIT_USAGE, NULL,
                        "interval '%s': want 10ms or more, such as 1, 250ms or 1m", a->words[0]);
    }
    if (a->n > 1 && (!sp_parse_count(sp_str(a->words[1]), &s->count) || s->count < 1)) {
        return out_fail(EXIT_USAGE, NULL, "count '%s': want a number of lines, 1 or more",
                        a->words[1]);
    }
    return mon_check_format(a->opts);
}

int stat_run(const struct mon_args *a)
{
    struct stat s = {.a = a, .interval_us = SECOND_US};
    int status = read_words(&s, a);
    if (status) {
        return status;
    }
    s.link = link_new(a->opts);
    if (!s.link) {
        return EXIT_DATA;
    }
    status = run(&s);
    link_free(s.link);
    return status;
}

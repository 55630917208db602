/* SPDX-License-Identifier: MIT
 * ping: round-trip times of the JSON ping, with statistics, which come however it ends. */
#include "cli/sigctl/want.h"

#include <math.h>

struct ping_opts {
    const char *count, *interval;
};
_Static_assert(sizeof(struct ping_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, arg, member, help)                                                       \
    {                                                                                              \
        name, letter, OPT_STRING, arg, NULL, offsetof(struct ping_opts, member), help              \
    }

const struct opt ping_rows[] = {ROW("stop-after", 'C', "N", count, "how many (4); none: no end"),
                                ROW("interval", 0, "DUR", interval, "between two (200ms)"),
                                {0}};

struct times {
    int64_t n, least, most;
    double sum, squares;
};

static void add(struct times *t, int64_t us)
{
    t->least = t->n == 0 || us < t->least ? us : t->least;
    t->most = us > t->most ? us : t->most;
    t->n++;
    t->sum += (double)us;
    t->squares += (double)us * (double)us;
}

static void print_pong(const struct ctl *c, int64_t seq, int64_t us)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        if (!c->opts.quiet) {
            printf("pong %lld %.3f ms\n", (long long)seq, (double)us / 1000);
        }
        return;
    }
    if (print_begin(&l, 0)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("pong"));
        sp_json_int(&l.j, "seq", seq);
        sp_json_int(&l.j, "rtt_us", us);
        print_time(&l, link_wall_us());
        print_end(&c->opts, &l);
    }
}

static double deviation(const struct times *t)
{
    double avg = t->sum / (double)t->n, square = t->squares / (double)t->n - avg * avg;
    return square > 0 ? sqrt(square) : 0;
}

static void print_people(const struct times *t, int64_t sent)
{
    printf("%lld sent, %lld answered, %.3g%% lost", (long long)sent, (long long)t->n,
           sent > 0 ? (double)(sent - t->n) * 100 / (double)sent : 0.0);
    if (t->n > 0) {
        printf("; min/avg/max/mdev %.3f/%.3f/%.3f/%.3f ms", (double)t->least / 1000,
               t->sum / (double)t->n / 1000, (double)t->most / 1000, deviation(t) / 1000);
    }
    putchar('\n');
    fflush(stdout);
}

/* Where nothing was answered there are no times: the members stay, with null. */
static void print_machine(const struct ctl *c, const struct times *t, int64_t sent)
{
    const struct {
        const char *name;
        double us;
    } rows[] = {{"min_us", (double)t->least},
                {"avg_us", t->n > 0 ? t->sum / (double)t->n : 0},
                {"max_us", (double)t->most},
                {"mdev_us", t->n > 0 ? deviation(t) : 0}};
    struct print_line l;
    if (!print_begin(&l, 0)) {
        return;
    }
    sp_json_bool(&l.j, "ok", t->n == sent);
    sp_json_str(&l.j, "type", SP_STR("statistics"));
    sp_json_int(&l.j, "sent", sent);
    sp_json_int(&l.j, "received", t->n);
    sp_json_int(&l.j, "lost", sent - t->n);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (t->n > 0) {
            sp_json_int(&l.j, rows[i].name, (int64_t)rows[i].us);
        } else {
            sp_json_raw(&l.j, rows[i].name, SP_STR("null"));
        }
    }
    print_time(&l, link_wall_us());
    print_end(&c->opts, &l);
}

static int ping_once(struct ctl *c, struct times *t, int64_t seq)
{
    struct sp_str none = {NULL, 0};
    int64_t start = link_mono_us();
    int status = ctl_query(c, SP_T_PING, none, SP_T_PONG, ctl_deadline(c, CTL_ONE_US));
    if (status == 0) {
        int64_t us = link_reply(c->link)->mono_us - start;
        add(t, us);
        print_pong(c, seq, us);
    }
    return status;
}

static int give_up(const struct ctl *c, int status, int64_t seq)
{
    if (status == EXIT_TIMEOUT) {
        return ctl_fail(c, status, NULL,
                        "timed out: ping %lld was not answered; the server stands still or -W is "
                        "too short",
                        (long long)seq);
    }
    return ctl_fail_link(c);
}

int cmd_ping(struct ctl *c, const struct ctl_args *a)
{
    const struct ping_opts *o = a->values;
    int64_t count = 4, interval = 200000, sent = 0;
    struct times t = {0};
    int status = want_count(c, "stop-after", o->count, &count);
    status = status ? status : want_duration(c, "interval", o->interval, 0, &interval);
    status = status ? status : ctl_connect(c);
    if (status) {
        return status;
    }
    while (status == 0 && sent < count) {
        int64_t next = link_deadline(interval);
        status = ping_once(c, &t, ++sent);
        if (status == 0 && sent < count) {
            status = link_rest(c->link, next, NULL, NULL);
        }
    }
    /* what was still under way when somebody had enough is not lost */
    int64_t judged = status > 128 ? t.n : sent;
    if (print_is_machine(&c->opts)) {
        print_machine(c, &t, judged);
    } else {
        print_people(&t, judged);
    }
    return status ? give_up(c, status, sent) : 0;
}

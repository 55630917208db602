/* SPDX-License-Identifier: MIT
 * ping: round-trip times of the JSON ping, with statistics. */
#include "cli/sigctl/ctl.h"

#include <math.h>

struct ping_opts {
    int64_t count, interval_us;
};
_Static_assert(sizeof(struct ping_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct ping_opts, member), help                    \
    }

const struct opt ping_rows[] = {
    ROW("stop-after", 'C', OPT_COUNT, "N", count, "how many (4)"),
    ROW("interval", 0, OPT_DURATION, "DUR", interval_us, "between two (200ms)"),
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

static void print_times(const struct ctl *c, const struct times *t, int64_t sent)
{
    struct print_line l;
    double avg = t->sum / (double)t->n;
    double dev = t->squares / (double)t->n - avg * avg;
    dev = dev > 0 ? sqrt(dev) : 0;
    if (!print_is_machine(&c->opts)) {
        printf("%lld sent, %lld answered; min/avg/max/mdev %.3f/%.3f/%.3f/%.3f ms\n",
               (long long)sent, (long long)t->n, (double)t->least / 1000, avg / 1000,
               (double)t->most / 1000, dev / 1000);
        return;
    }
    if (print_begin(&l, 0)) {
        sp_json_bool(&l.j, "ok", t->n == sent);
        sp_json_str(&l.j, "type", SP_STR("statistics"));
        sp_json_int(&l.j, "sent", sent);
        sp_json_int(&l.j, "received", t->n);
        sp_json_int(&l.j, "min_us", t->least);
        sp_json_int(&l.j, "avg_us", (int64_t)avg);
        sp_json_int(&l.j, "max_us", t->most);
        sp_json_int(&l.j, "mdev_us", (int64_t)dev);
        print_time(&l, link_wall_us());
        print_end(&c->opts, &l);
    }
}

int cmd_ping(struct ctl *c, const struct ctl_args *a)
{
    const struct ping_opts *o = a->values;
    int64_t count = o->count > 0 ? o->count : 4, sent = 0;
    int64_t interval = o->interval_us > 0 ? o->interval_us : 200000;
    struct sp_str none = {NULL, 0};
    struct times t = {0};
    int status = 0;
    while (status == 0 && sent < count) {
        int64_t start = link_mono_us();
        sent++;
        status = ctl_query(c, SP_T_PING, none, SP_T_PONG, ctl_deadline(c, CTL_ONE_US));
        if (status == 0) {
            int64_t us = link_reply(c->link)->mono_us - start;
            add(&t, us);
            print_pong(c, sent, us);
        }
        if (status == 0 && sent < count) {
            status = link_rest(c->link, start + interval, NULL, NULL);
        }
    }
    if (t.n > 0) {
        print_times(c, &t, sent);
    }
    return status ? ctl_fail_link(c) : 0;
}

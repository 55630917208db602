/* SPDX-License-Identifier: MIT
 * What simulated peers tell: that they are ready, what arrives, what they did. */
#include "cli/common/out.h"
#include "cli/sigctl/agent.h"
#include "cli/sigctl/show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

void agent_remark(const struct agent_peer *p, const char *fmt, ...)
{
    char text[480], id[SP_ID_MAX + 1];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    agent_id(p, id);
    out_note("%s: %s", id, text);
}

void agent_print_message(const struct agent_peer *p, const struct link_msg *m)
{
    const struct link_opts *o = &p->a->c->opts;
    char id[SP_ID_MAX + 1];
    struct print_line l;
    agent_id(p, id);
    if (!print_is_machine(o)) {
        printf("%s  ", id);
        show_message(stdout, m);
    } else if (print_begin(&l, m->raw.n)) {
        sp_json_str(&l.j, "agent", sp_str(id));
        print_time(&l, m->wall_us);
        print_members(&l, &m->doc);
        print_end(o, &l);
    }
}

void agent_print_ready(const struct agent *a)
{
    const struct link_opts *o = &a->c->opts;
    int64_t us = link_mono_us() - a->start_us;
    char first[SP_ID_MAX + 1], last[SP_ID_MAX + 1];
    struct print_line l;
    agent_id(&a->peers[0], first);
    agent_id(&a->peers[a->count - 1], last);
    if (!print_is_machine(o)) {
        if (!o->quiet) {
            printf("%lld agent%s registered as %s%s%s in %.2f s\n", (long long)a->count,
                   a->count == 1 ? "" : "s", first, a->count == 1 ? "" : " … ",
                   a->count == 1 ? "" : last, (double)us / 1e6);
            fflush(stdout);
        }
        return;
    }
    if (print_begin(&l, 2 * SP_ID_MAX)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("ready"));
        sp_json_int(&l.j, "count", a->count);
        sp_json_str(&l.j, "first", sp_str(first));
        sp_json_str(&l.j, "last", sp_str(last));
        sp_json_int(&l.j, "ready_us", us);
        print_time(&l, link_wall_us());
        print_end(o, &l);
    }
}

static void print_summary_line(const struct agent *a)
{
    const struct agent_counts *n = &a->counts;
    typedef unsigned long long ull;
    printf("%llu offers: %llu answered, %llu rejected, %llu dropped; candidates: %llu sent, %llu "
           "received; %llu disconnects, %llu reconnects, %llu errors",
           (ull)n->offers, (ull)n->answered, (ull)n->rejected, (ull)n->dropped, (ull)n->ice_sent,
           (ull)n->ice_received, (ull)n->disconnects, (ull)n->reconnects, (ull)n->errors);
    if (a->o->on.n > 0) {
        printf("; hooks: %llu run, %llu failed, %llu lost", (ull)n->hooks_run, (ull)n->hooks_failed,
               (ull)n->hooks_lost);
    }
    putchar('\n');
    fflush(stdout);
}

void agent_print_summary(const struct agent *a)
{
    const struct agent_counts *n = &a->counts;
    const struct link_opts *o = &a->c->opts;
    const struct {
        const char *key;
        uint64_t v;
    } rows[] = {{"offers", n->offers},
                {"answered", n->answered},
                {"rejected", n->rejected},
                {"dropped", n->dropped},
                {"ice_sent", n->ice_sent},
                {"ice_received", n->ice_received},
                {"byes", n->byes},
                {"disconnects", n->disconnects},
                {"reconnects", n->reconnects},
                {"errors", n->errors},
                {"hooks_run", n->hooks_run},
                {"hooks_failed", n->hooks_failed},
                {"hooks_lost", n->hooks_lost}};
    struct print_line l;
    if (!print_is_machine(o)) {
        if (!o->quiet) {
            print_summary_line(a);
        }
        return;
    }
    if (print_begin(&l, 0)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("summary"));
        sp_json_int(&l.j, "count", a->count);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            sp_json_int(&l.j, rows[i].key, (int64_t)rows[i].v);
        }
        sp_json_int(&l.j, "seed", (int64_t)a->seed);
        sp_json_int(&l.j, "duration_us", link_mono_us() - a->start_us);
        print_time(&l, link_wall_us());
        print_end(o, &l);
    }
}

int agent_make_ready(const struct agent *a)
{
    const char *path = a->o->ready_file;
    char name[4096], text[32];
    int n = snprintf(name, sizeof(name), "%s.%ld", path, (long)getpid());
    int size = snprintf(text, sizeof(text), "%lld\n", (long long)a->count);
    if (n >= (int)sizeof(name)) {
        return ctl_fail(a->c, EXIT_USAGE, NULL, "--ready-file: the name is too long");
    }
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write(fd, text, (size_t)size) == size;
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    if (ok && rename(name, path) == 0) {
        return 0;
    }
    int err = errno;
    if (fd >= 0) {
        unlink(name);
    }
    return ctl_fail(a->c, EXIT_DATA, NULL, "cannot make %s: %s", path, strerror(err));
}

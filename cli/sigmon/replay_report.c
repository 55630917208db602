/* SPDX-License-Identifier: MIT
 * How a replay went: for people, and as one object. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/replay.h"
#include "cli/sigmon/report.h"
#include "libproto/units.h"

#include <stdlib.h>

static const char *seconds(char out[32], int64_t us)
{
    snprintf(out, 32, "%.3f s", (double)us / 1e6);
    return out;
}

static int64_t recorded_us(const struct replay *r)
{
    return r->script->timeline.last - r->script->first_us;
}

/* Each "RECORDED GOT". */
static void put_differences(struct sp_json *j, const struct replay *r)
{
    size_t n;
    const struct word **v = words_sorted(&r->differences, &n);
    sp_json_array(j, "differences");
    for (size_t i = 0; i < n; i++) {
        struct sp_str text = {v[i]->text, v[i]->len}, recorded = sp_cut(&text, " ");
        sp_json_object(j, NULL);
        sp_json_str(j, "recorded", recorded);
        sp_json_str(j, "got", sp_cut(&text, " "));
        sp_json_int(j, "count", v[i]->n);
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
    free(v);
}

static void put_counts(struct sp_json *j, const struct replay *r)
{
    const struct replay_counts *n = &r->counts;
    sp_json_int(j, "peers", r->script->joins);
    sp_json_int(j, "registered", n->registered);
    sp_json_int(j, "not_registered", n->not_registered);
    sp_json_int(j, "lost_connections", n->lost);
    sp_json_int(j, "messages", r->script->messages);
    sp_json_int(j, "sent", n->sent);
    sp_json_int(j, "delivered", n->delivered);
    sp_json_int(j, "errors", n->failed);
    sp_json_int(j, "as_recorded", n->as_recorded);
    sp_json_int(j, "differently", n->differently);
    sp_json_int(j, "resized", n->resized);
    sp_json_int(j, "skipped", r->script->skipped);
    sp_json_int(j, "before", r->script->before);
    sp_json_int(j, "missed", r->script->missed);
}

static bool print_json(struct replay *r, int exit)
{
    struct print_line l;
    size_t words = 0;
    for (size_t i = 0; i <= r->differences.map.mask; i++) {
        const struct word *one = r->differences.map.slots[i].value;
        words += one ? one->len + 64 : 0;
    }
    if (!print_begin(&l, words + strlen(r->file) + sizeof(r->first) + 1024)) {
        return false;
    }
    sp_json_bool(&l.j, "ok", exit == EXIT_OK);
    sp_json_int(&l.j, "exit", exit);
    sp_json_str(&l.j, "type", SP_STR("replay"));
    sp_json_str(&l.j, "file", sp_str(r->file));
    sp_json_str(&l.j, "url", sp_str(link_url(r->link)));
    sp_json_str(&l.j, "speed", sp_str(r->shown_speed));
    sp_json_bool(&l.j, "complete", r->done == r->script->n);
    sp_json_int(&l.j, "recorded_us", recorded_us(r));
    sp_json_int(&l.j, "took_us", r->took_us);
    put_counts(&l.j, r);
    spread_put(&l.j, "lag", &r->lag);
    spread_put(&l.j, "round_trip", &r->round_trip);
    put_differences(&l.j, r);
    if (r->first[0]) {
        sp_json_str(&l.j, "first_difference", sp_str(r->first));
    } else {
        sp_json_raw(&l.j, "first_difference", SP_STR("null"));
    }
    print_end(r->opts, &l);
    return true;
}

/* ---------------------------------------------------------------- for people */

static void print_differences(const struct replay *r)
{
    size_t n;
    const struct word **v = words_sorted(&r->differences, &n);
    for (size_t i = 0; i < n; i++) {
        struct sp_str text = {v[i]->text, v[i]->len}, recorded = sp_cut(&text, " ");
        report_label(i ? "" : "differently");
        printf("%s%lld ", out_sgr("31"), (long long)v[i]->n);
        out_safe(stdout, sp_cut(&text, " "));
        fputs(", recorded: ", stdout);
        out_safe(stdout, recorded);
        printf("%s\n", out_sgr("0"));
    }
    free(v);
}

static void print_left_out(const struct script *s)
{
    const struct {
        int64_t n;
        const char *what;
    } all[] = {{s->skipped, "over a rate, broken or of another kind"},
               {s->before, "of sessions that began before the recording"},
               {s->missed, "events missed by the recording"}};
    const char *label = "left out";
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].n) {
            report_label(label);
            printf("%lld %s\n", (long long)all[i].n, all[i].what);
            label = "";
        }
    }
}

static void print_text(struct replay *r)
{
    const struct replay_counts *n = &r->counts;
    char took[32], recorded[32];
    out_safe(stdout, sp_str(strcmp(r->file, "-") == 0 ? "standard input" : r->file));
    printf(" to %s: %s in %s at %s%s\n", link_url(r->link), seconds(recorded, recorded_us(r)),
           seconds(took, r->took_us), r->shown_speed,
           r->done == r->script->n ? "" : ", not to the end");
    report_label("peers");
    printf("%u: %lld registered, %lld could not, %lld lost their connection\n", r->script->joins,
           (long long)n->registered, (long long)n->not_registered, (long long)n->lost);
    report_label("messages");
    printf("%lld: %lld sent, %lld delivered, %lld failed as recorded, %lld went differently\n",
           (long long)r->script->messages, (long long)n->sent, (long long)n->delivered,
           (long long)n->failed, (long long)n->differently);
    if (n->resized) {
        report_label("resized");
        printf("%lld could not be as short as recorded\n", (long long)n->resized);
    }
    report_spread("lag", &r->lag);
    report_spread("round trip", &r->round_trip);
    print_differences(r);
    print_left_out(r->script);
    fflush(stdout);
}

void replay_print(struct replay *r, int exit)
{
    if (print_is_machine(r->opts)) {
        print_json(r, exit);
    } else {
        print_text(r);
    }
}

/* SPDX-License-Identifier: MIT
 * Metrics of a recording from a table. */
#include "cli/sigmon/metric.h"

#include "libproto/units.h"

#define FIGURE(member) offsetof(struct tally_figures, member)
#define ALONE          SIZE_MAX
#define COUNT(member, whole, help)                                                                 \
    {                                                                                              \
#member, METRIC_COUNT, FIGURE(member), 0, whole, help                                      \
    }
#define RANKS(member, what)                                                                        \
    {#member ".p50", METRIC_USEC, offsetof(struct tally, member), 500, ALONE, what},               \
        {#member ".p90", METRIC_USEC, offsetof(struct tally, member), 900, ALONE, NULL},           \
        {#member ".p99", METRIC_USEC, offsetof(struct tally, member), 990, ALONE, NULL},           \
    {                                                                                              \
#member ".max", METRIC_USEC, offsetof(struct tally, member), 1000, ALONE, NULL             \
    }

const struct metric metrics[] = {
    COUNT(events, ALONE, "events"),
    COUNT(messages, ALONE, "messages delivered"),
    COUNT(offers, FIGURE(messages), "of them offers"),
    COUNT(answers, FIGURE(messages), "answers"),
    COUNT(candidates, FIGURE(messages), "candidates"),
    COUNT(byes, FIGURE(messages), "byes"),
    {"bytes", METRIC_BYTES, FIGURE(bytes), 0, ALONE, "their sizes"},
    COUNT(errors, FIGURE(attempts), "deliver errors; % of all messages, delivered or not"),
    COUNT(rate_limits, FIGURE(attempts), "messages over a rate"),
    COUNT(protocol_errors, FIGURE(attempts), "protocol errors"),
    COUNT(refusals, ALONE, "tokens and certificates refused"),
    COUNT(sessions, ALONE, "sessions seen"),
    COUNT(opened, FIGURE(sessions), "of them opened in the recording"),
    COUNT(before, FIGURE(sessions), "opened before it"),
    COUNT(answered, FIGURE(sessions), "answered"),
    COUNT(unanswered, FIGURE(opened), "ended, or older than --patience, without an answer"),
    COUNT(ended, FIGURE(sessions), "ended"),
    COUNT(open, FIGURE(sessions), "open at the end of the recording"),
    COUNT(peers, ALONE, "ids"),
    COUNT(pairs, ALONE, "pairs of ids with messages or sessions"),
    COUNT(connections, ALONE, "connections made"),
    COUNT(registrations, ALONE, "registrations"),
    COUNT(takeovers, ALONE, "ids taken over by a newer connection"),
    COUNT(disconnects, ALONE, "connections ended"),
    COUNT(gaps, ALONE, "gaps in the recording"),
    COUNT(missed, ALONE, "events missed in them"),
    COUNT(restarts, ALONE, "restarts of the server"),
    {"span", METRIC_USEC, FIGURE(span_us), 0, ALONE, "from the first event to the last"},
    RANKS(setup, "from offer to answer; also .p90 .p99 .max"),
    RANKS(life, "from offer to end; also .p90 .p99 .max"),
    RANKS(relay, "of a message within the server; also .p90 .p99 .max"),
    {0}};

static int64_t figure(const struct tally *t, size_t off)
{
    return *(const int64_t *)(const void *)((const char *)&t->f + off);
}

int64_t metric_get(const struct metric *m, struct tally *t)
{
    return m->permille ? spread_rank((struct spread *)(void *)((char *)t + m->off), m->permille)
                       : figure(t, m->off);
}

void metric_print(FILE *f, const struct metric *m, int64_t value)
{
    if (m->unit == METRIC_USEC && value >= 1000000) {
        fprintf(f, "%.2f s", (double)value / 1e6);
    } else if (m->unit == METRIC_USEC && value >= 1000) {
        fprintf(f, "%.2f ms", (double)value / 1e3);
    } else {
        fprintf(f, "%lld%s", (long long)value,
                m->unit == METRIC_USEC    ? " us"
                : m->unit == METRIC_BYTES ? " bytes"
                                          : "");
    }
}

void metric_help(FILE *f)
{
    for (const struct metric *m = metrics; m->name; m++) {
        if (m->help) {
            fprintf(f, "  %-16s %s\n", m->name, m->help);
        }
    }
}

/* ---------------------------------------------------------------- thresholds */

static const struct metric *find(struct sp_str name, const char **guess)
{
    struct sp_guess g = sp_guess_init(name);
    for (const struct metric *m = metrics; m->name; m++) {
        if (sp_str_eq(name, sp_str(m->name))) {
            return m;
        }
        sp_guess_consider(&g, m->name);
    }
    *guess = g.best;
    return NULL;
}

static bool parse_bound(struct threshold *th, struct sp_str s)
{
    th->share = s.n > 0 && s.p[s.n - 1] == '%';
    if (th->share) {
        return th->metric->whole != ALONE && sp_parse_share(s, &th->compare.bound);
    }
    switch (th->metric->unit) {
    case METRIC_COUNT:
        return sp_parse_count(s, &th->compare.bound);
    case METRIC_BYTES:
        return sp_parse_size(s, &th->compare.bound);
    case METRIC_USEC:
        return sp_parse_duration(s, 0, &th->compare.bound);
    }
    return false;
}

static const char *wanted(const struct metric *m)
{
    switch (m->unit) {
    case METRIC_COUNT:
        return m->whole == ALONE ? "a count such as 10" : "a count such as 10, or a share as 1%";
    case METRIC_BYTES:
        return "a size such as 10M";
    case METRIC_USEC:
        return "a time such as 20ms";
    }
    return "";
}

bool threshold_parse(struct threshold *th, const char *text, char *why, size_t cap)
{
    size_t n = strcspn(text, "<>=! ");
    const char *rest = text + n + strspn(text + n, " "), *op = rest, *guess = NULL;
    struct sp_str name = {text, n};
    th->metric = find(name, &guess);
    th->compare.op = compare_operator(&rest, COMPARE_EQ);
    if (!th->metric) {
        snprintf(why, cap, "no metric '%.*s'%s%s%s", (int)(n < 64 ? n : 64), text,
                 guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
        return false;
    }
    if (rest == op) {
        snprintf(why, cap, "want NAME>VALUE, with <, <=, =, !=, >= or >");
        return false;
    }
    if (!parse_bound(th, sp_str(rest + strspn(rest, " ")))) {
        snprintf(why, cap, "want %s behind %s", wanted(th->metric), th->metric->name);
        return false;
    }
    return true;
}

/* value/whole against bound/million, without a division that rounds. */
static bool share_holds(const struct compare *c, int64_t value, int64_t whole)
{
    __int128 left = (__int128)value * SP_SAMPLE_ALL, right = (__int128)c->bound * whole;
    struct compare sign = {c->op, 0};
    return compare_holds(&sign, (left > right) - (left < right));
}

enum threshold_result threshold_judge(const struct threshold *th, struct tally *t)
{
    int64_t value = metric_get(th->metric, t), whole = th->share ? figure(t, th->metric->whole) : 1;
    if (value < 0 || whole == 0 || t->f.events == 0) {
        return THRESHOLD_UNMEASURED;
    }
    bool fired =
        th->share ? share_holds(&th->compare, value, whole) : compare_holds(&th->compare, value);
    return fired ? THRESHOLD_FIRED : THRESHOLD_QUIET;
}

void threshold_print(FILE *f, const struct threshold *th, struct tally *t)
{
    int64_t value = metric_get(th->metric, t);
    fprintf(f, "%s is ", th->metric->name);
    metric_print(f, th->metric, value);
    if (th->share) {
        fprintf(f, " (%.2f%%)", (double)value * 100 / (double)figure(t, th->metric->whole));
    }
}

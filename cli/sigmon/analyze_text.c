/* SPDX-License-Identifier: MIT
 * The report of analyze for people. */
#include "cli/common/out.h"
#include "cli/sigmon/report.h"

#include <stdlib.h>
#include <time.h>

#define BUSIEST 20
#define LABEL   16
#define ID_MOST 40

void report_label(const char *label)
{
    printf("%s%-*s%s", out_sgr("1"), LABEL, label, out_sgr("0"));
}

static void put_us(int64_t us)
{
    static const struct metric time = {.unit = METRIC_USEC};
    metric_print(stdout, &time, us);
}

static void put_bytes(char out[16], int64_t bytes)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    double v = (double)bytes;
    size_t i = 0;
    while (v >= 9999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
        v /= 1024;
        i++;
    }
    snprintf(out, 16, i ? "%.1f%s" : "%.0f%s", v, units[i]);
}

/* ---------------------------------------------------------------- lines */

static bool put_words(const struct words *w)
{
    size_t n;
    const struct word **v = words_sorted(w, &n);
    for (size_t i = 0; i < n; i++) {
        printf("%s", i ? ", " : "");
        out_safe(stdout, (struct sp_str){v[i]->text, v[i]->len});
        printf(" %lld", (long long)v[i]->n);
    }
    free(v);
    return v != NULL;
}

/* A line of its own where there is a word at all. */
static bool put_words_line(const char *label, const struct words *w)
{
    if (w->map.count == 0) {
        return true;
    }
    report_label(label);
    bool ok = put_words(w);
    putchar('\n');
    return ok;
}

static void put_head(const struct report *r)
{
    const struct tally_figures *f = &r->tally->f;
    char first[32] = "";
    time_t t = (time_t)(f->first_ms / 1000);
    struct tm tm;
    out_safe(stdout, sp_str(strcmp(r->file, "-") == 0 ? "standard input" : r->file));
    if (f->events == 0) {
        fputs(": no events\n", stdout);
        return;
    }
    localtime_r(&t, &tm);
    strftime(first, sizeof(first), "%Y-%m-%d %H:%M:%S", &tm);
    printf(": from %s, ", first);
    put_us(f->span_us);
    putchar('\n');
}

static bool put_messages(const struct tally *t)
{
    const struct tally_figures *f = &t->f;
    char bytes[16];
    bool ok = true;
    report_label("events");
    printf("%lld", (long long)f->events);
    if (f->events) {
        fputs(": ", stdout);
        ok = put_words(&t->events);
    }
    put_bytes(bytes, f->bytes);
    putchar('\n');
    report_label("messages");
    printf("%lld: offer %lld, answer %lld, ice %lld, bye %lld; %s bytes", (long long)f->messages,
           (long long)f->offers, (long long)f->answers, (long long)f->candidates,
           (long long)f->byes, bytes);
    if (f->span_us > 0) {
        printf(", %.1f a second", (double)f->messages * 1e6 / (double)f->span_us);
    }
    putchar('\n');
    return ok;
}

static bool put_sessions(const struct tally *t)
{
    const struct tally_figures *f = &t->f;
    bool ok = true;
    report_label("sessions");
    printf("%lld: %lld answered, %s%lld unanswered%s, %lld open", (long long)f->sessions,
           (long long)f->answered, f->unanswered ? out_sgr("31") : "", (long long)f->unanswered,
           f->unanswered ? out_sgr("0") : "", (long long)f->open);
    if (f->before) {
        printf(", %lld begun before", (long long)f->before);
    }
    if (f->ended) {
        printf("; %lld ended: ", (long long)f->ended);
        ok = put_words(&t->reasons);
    }
    putchar('\n');
    return ok;
}

void report_spread(const char *label, struct spread *s)
{
    static const struct {
        const char *name;
        unsigned permille;
    } ranks[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"max", 1000}};
    if (s->n == 0) {
        return;
    }
    report_label(label);
    for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++) {
        printf("%s%s ", i ? "  " : "", ranks[i].name);
        put_us(spread_rank(s, ranks[i].permille));
    }
    printf("  of %zu\n", s->n);
}

static bool put_errors(const struct tally *t)
{
    const struct tally_figures *f = &t->f;
    if (f->errors == 0) {
        return true;
    }
    report_label("errors");
    printf("%s%lld%s (%.2f%%): ", out_sgr("31"), (long long)f->errors, out_sgr("0"),
           (double)f->errors * 100 / (double)f->attempts);
    bool ok = put_words(&t->codes);
    putchar('\n');
    return ok;
}

/* What is seldom, where it is not 0. */
static void put_others(const struct tally_figures *f)
{
    const struct {
        int64_t n;
        const char *label;
    } lines[] = {{f->rate_limits, "rate limits"}, {f->protocol_errors, "protocol errors"},
                 {f->refusals, "refusals"},       {f->takeovers, "takeovers"},
                 {f->restarts, "restarts"},       {f->missed, "missed events"}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (lines[i].n) {
            report_label(lines[i].label);
            printf("%s%lld%s\n", out_sgr("33"), (long long)lines[i].n, out_sgr("0"));
        }
    }
}

/* ---------------------------------------------------------------- tables */

static int width_of(int width, size_t id)
{
    int n = id < ID_MOST ? (int)id : ID_MOST;
    return n > width ? n : width;
}

static void put_id(const char *id, size_t n, int width)
{
    out_safe(stdout, (struct sp_str){id, n});
    printf("%*s", (int)n < width ? width - (int)n : 0, "");
}

static void put_rest(int64_t shown, int64_t all, const char *what)
{
    if (shown < all) {
        printf("and %lld more %s (--all)\n", (long long)(all - shown), what);
    }
}

static int64_t shown_of(const struct report *r, int64_t n)
{
    return r->all || n < BUSIEST ? n : BUSIEST;
}

static void put_peer(const struct tally_peer *p, int width)
{
    char bytes[16];
    put_bytes(bytes, p->sent.bytes);
    put_id(p->id, p->len, width);
    printf("  %6lld  %8lld  %6lld  %8lld  %10lld  %6lld  %6lld  %8s  %4lld  %4lld\n",
           (long long)p->sent.n, (long long)p->received.n, (long long)p->calls,
           (long long)p->answered, (long long)p->unanswered, (long long)p->open,
           (long long)p->errors, bytes, (long long)p->registrations, (long long)p->disconnects);
}

static bool put_peers(const struct report *r)
{
    int64_t n = shown_of(r, r->tally->f.peers);
    int width = 4;
    const struct tally_peer **v = tally_peers(r->tally);
    for (int64_t i = 0; v && i < n; i++) {
        width = width_of(width, v[i]->len);
    }
    if (v && n > 0) {
        printf(
            "\n%s%-*s    SENT  RECEIVED   CALLS  ANSWERED  UNANSWERED    OPEN  ERRORS     BYTES  "
            " REG  DISC%s\n",
            out_sgr("1"), width, "PEER", out_sgr("0"));
    }
    for (int64_t i = 0; v && i < n; i++) {
        put_peer(v[i], width);
    }
    put_rest(n, r->tally->f.peers, "peers");
    free(v);
    return v != NULL;
}

static bool put_pairs(const struct report *r)
{
    int64_t n = shown_of(r, r->tally->f.pairs);
    int a = 1, b = 1;
    const struct tally_pair **v = tally_pairs(r->tally, true);
    for (int64_t i = 0; v && i < n; i++) {
        a = width_of(a, v[i]->alen);
        b = width_of(b, v[i]->blen);
    }
    if (v && n > 0) {
        printf("\n%s%-*s  %-*s     A>B     B>A  SESSIONS  ORDER%s\n", out_sgr("1"), a, "A", b, "B",
               out_sgr("0"));
    }
    for (int64_t i = 0; v && i < n; i++) {
        put_id(v[i]->a, v[i]->alen, a + 2);
        put_id(v[i]->b, v[i]->blen, b);
        printf("  %6lld  %6lld  %8lld  %016llx\n", (long long)v[i]->way[0].n,
               (long long)v[i]->way[1].n, (long long)v[i]->sessions,
               (unsigned long long)v[i]->both);
    }
    put_rest(n, r->tally->f.pairs, "pairs");
    free(v);
    return v != NULL;
}

bool report_text(const struct report *r)
{
    struct tally *t = r->tally;
    put_head(r);
    bool ok = put_messages(t) && put_sessions(t);
    report_spread("set-up", &t->setup);
    report_spread("life", &t->life);
    report_spread("relay", &t->relay);
    ok = ok && put_words_line("candidates", &t->candidates) && put_errors(t);
    put_others(&t->f);
    return ok && put_peers(r) && put_pairs(r);
}

/* SPDX-License-Identifier: MIT
 * What the checker is told, and what it says in the reports. */
#include "cli/sigbench/checkio.h"

#include "cli/common/out.h"
#include "cli/sigbench/check.h"
#include "cli/sigbench/text.h"

#include <stdio.h>
#include <sys/random.h>

#define RUN_MASK 0xffffffu /* the digits of the stamp */

bool checkio_init(struct bench *b)
{
    struct check_conf conf = {.run = b->check_run,
                              .patience = b->conf.patience_us * NS_PER_US,
                              .need_outcomes = b->conf.rid,
                              .prefix = b->id_prefix};

    if (!b->conf.check) {
        return true;
    }
    while (conf.run == 0) {
        if (getrandom(&conf.run, sizeof(conf.run), 0) != (ssize_t)sizeof(conf.run)) {
            return false;
        }
        conf.run &= RUN_MASK;
    }
    b->check_run = conf.run;
    b->check = check_new(&conf);
    return b->check != NULL;
}

void checkio_fini(struct bench *b)
{
    check_free(b->check);
    b->check = NULL;
}

bool checkio_send(struct bench *b, struct peer *from, const struct peer *to, enum text_kind kind,
                  uint32_t seq, struct sp_str session)
{
    struct text *t = b->text[kind];
    uint32_t pair = from->pair->index;
    struct check_stamp stamp;

    if (!b->check) {
        return wsconn_send(from->ws, text_make(t, to->index, pair, seq, session));
    }
    if (!check_sent(b->check, from->index, to->index, &stamp)) {
        return false;
    }
    if (!wsconn_send(from->ws, text_make_checked(t, &stamp, pair, seq, session))) {
        check_unsent(b->check, &stamp);
        return false;
    }
    return true;
}

bool checkio_arrived(struct peer *peer, enum text_kind kind, struct sp_str m)
{
    struct bench *b = peer->b;
    struct check_arrival a = {.at = peer->index};

    if (!b->check) {
        return true;
    }
    text_check(b->text[kind], m, &a);
    return check_arrived(b->check, &a);
}

void checkio_answered(struct peer *peer, struct sp_str m, bool failed)
{
    struct check *c = peer->b->check;
    struct check_stamp stamp = {.src = peer->index};
    bool named;

    if (!c) {
        return;
    }
    if (text_answered(m, &stamp, &named)) {
        (failed ? check_failed : check_acked)(c, &stamp);
    } else if (named || !failed) {
        check_answered_unknown(c, peer->index);
    } else {
        check_failed_unnamed(c, peer->index);
    }
}

void checkio_opened(const struct peer *peer)
{
    if (peer->b->check) {
        check_opened(peer->b->check, peer->index);
    }
}

void checkio_closed(const struct peer *peer)
{
    if (peer->b->check) {
        check_closed(peer->b->check, peer->index);
    }
}

bool checkio_drained(struct bench *b, int64_t now, int64_t *next)
{
    if (!b->check) {
        return true;
    }
    *next = check_tick(b->check, now);
    return check_pending(b->check) == 0;
}

/* --- reports --------------------------------------------------------------------------------- */

static void grouped(char out[32], uint64_t n)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), k = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[k++] = ',';
        }
        out[k++] = digits[i];
    }
    out[k] = '\0';
}

void checkio_text(const struct bench *b)
{
    char n[32];

    if (!b->check) {
        return;
    }
    struct check_totals t = check_totals(b->check);
    uint64_t flagged = check_flagged(b->check);
    grouped(n, t.sent);
    printf("%-10s  %s messages: %s", "check", n, out_sgr(flagged ? "31" : "32"));
    grouped(n, flagged);
    printf("%s flag%s%s", n, flagged == 1 ? "" : "s", out_sgr("0"));
    puts(!t.outcomes  ? "  (no acks came: outcomes were not checked)"
         : t.counters ? "  (the server's counters were compared)"
                      : "  (the server's counters could not be had)");
    for (int f = 0; f < CHECK_FLAGS; f++) {
        uint64_t count = check_count(b->check, (enum check_flag)f);
        const char *example = check_example(b->check, (enum check_flag)f, 0);
        if (count) {
            grouped(n, count);
            printf("%-10s  %s %s, such as: ", "", n, check_flag_name((enum check_flag)f));
            out_safe(stdout, sp_str(example));
            putchar('\n');
        }
    }
}

static void json_examples(struct sp_json *j, const struct check *c)
{
    const char *text;

    sp_json_array(j, "examples");
    for (int f = 0; f < CHECK_FLAGS; f++) {
        for (unsigned i = 0; (text = check_example(c, (enum check_flag)f, i)); i++) {
            sp_json_object(j, NULL);
            sp_json_str(j, "flag", sp_str(check_flag_name((enum check_flag)f)));
            sp_json_str(j, "text", sp_str(text));
            sp_json_end(j, '}');
        }
    }
    sp_json_end(j, ']');
}

void checkio_json(struct sp_json *j, const struct bench *b)
{
    if (!b->check) {
        return;
    }
    struct check_totals t = check_totals(b->check);
    sp_json_object(j, "check");
    sp_json_int(j, "messages", (int64_t)t.sent);
    sp_json_int(j, "acked", (int64_t)t.acked);
    sp_json_int(j, "failed", (int64_t)t.failed);
    sp_json_int(j, "arrived", (int64_t)t.arrived);
    sp_json_bool(j, "outcomes_checked", t.outcomes);
    sp_json_bool(j, "counters_compared", t.counters);
    sp_json_object(j, "flags");
    for (int f = 0; f < CHECK_FLAGS; f++) {
        sp_json_int(j, check_flag_name((enum check_flag)f),
                    (int64_t)check_count(b->check, (enum check_flag)f));
    }
    sp_json_end(j, '}');
    json_examples(j, b->check);
    sp_json_end(j, '}');
}

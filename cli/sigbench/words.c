/* SPDX-License-Identifier: MIT
 * The reports for people are made of what the JSON report says, so that they cannot drift apart. */
#include "cli/sigbench/words.h"

#include "cli/common/exits.h"
#include "cli/sigbench/figure.h"
#include "libproto/scan.h"

#include <stdio.h>
#include <stdlib.h>

#define OBJECT_MAX (64u << 10)

const char *words_outcome(const struct report *r)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {{EXIT_OK, "passed"},
                {EXIT_CONNECT, "no connection"},
                {EXIT_THRESHOLD, "threshold failed"},
                {EXIT_INVALID_RUN, "invalid"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].status == r->status) {
            return rows[i].text;
        }
    }
    return exit_text(r->status);
}

const char *words_reason(const struct report *r, unsigned i)
{
    if (r->status == EXIT_CONNECT) {
        return i == 0 ? r->b->connect_error : NULL;
    }
    return i < r->verdict.n ? r->verdict.text[i] : NULL;
}

void words_metric(char out[48], const struct metric *m)
{
    if (m->has) {
        figure_text(out, m->unit, m->value);
    } else {
        snprintf(out, 48, "not measured");
    }
}

void words_threshold(char out[48], const struct report *r, unsigned i)
{
    struct threshold t;
    char why[256];

    snprintf(out, 48, "not measured");
    if (threshold_parse(&t, r->b->conf.thresholds.v[i], &r->all, why, sizeof(why))) {
        words_metric(out, metric_find(&r->all, t.name));
    }
}

/* The share of errors is not the number of them. */
void words_name(char out[48], const struct metric *m)
{
    snprintf(out, 48, "%s%s", m->name, m->unit == UNIT_RATIO ? metric_suffix(m->unit) : "");
}

size_t words_group(const struct metric *m)
{
    const char *dot = strrchr(m->name, '.');

    return dot ? (size_t)(dot - m->name) : 0;
}

void words_environment(struct sp_json *j, const struct report *r)
{
    (void)r;
    report_environment(j);
}

void words_parameters(struct sp_json *j, const struct report *r)
{
    report_parameters(j, r->b);
}

static bool ends(struct sp_str s, const char *suffix)
{
    size_t n = strlen(suffix);

    return s.n > n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

static void give(const struct sp_doc *doc, const struct sp_member *m, words_row_fn *row, void *ctx)
{
    struct sp_str name = {doc->buf + m->key_off, m->key_len}, value = sp_doc_raw(doc, m);
    char text[48], decoded[1024];

    if (m->kind == SP_J_NUMBER && ends(name, "_us")) {
        figure_text(text, UNIT_USEC, strtod(value.p, NULL));
        row(ctx, (struct sp_str){name.p, name.n - strlen("_us")}, sp_str(text));
        return;
    }
    size_t n = m->kind == SP_J_STRING ? sp_unescape(decoded, sizeof(decoded), value) : SIZE_MAX;
    row(ctx, name, n == SIZE_MAX ? value : (struct sp_str){decoded, n});
}

void words_rows(const struct report *r, words_object_fn *object, words_row_fn *row, void *ctx)
{
    char *text = malloc(OBJECT_MAX);
    struct sp_doc doc, inner;
    struct sp_diag d;
    struct sp_buf buf;
    struct sp_json j;

    if (!text) {
        row(ctx, SP_STR("error"), SP_STR("out of memory"));
        return;
    }
    sp_buf_init(&buf, text, OBJECT_MAX);
    sp_json_init(&j, &buf);
    sp_json_object(&j, NULL);
    object(&j, r);
    sp_json_end(&j, '}');
    if (sp_scan(&doc, text, buf.n, &sp_scan_replies, &d) == SP_OK && doc.count == 1) {
        struct sp_str whole = sp_doc_raw(&doc, &doc.m[0]);
        if (sp_scan(&inner, whole.p, whole.n, &sp_scan_replies, &d) == SP_OK) {
            for (uint32_t i = 0; i < inner.count; i++) {
                give(&inner, &inner.m[i], row, ctx);
            }
        }
    }
    free(text);
}

/* SPDX-License-Identifier: MIT
 * A description: findings point into the text, and an offer without errors has an answer that
 * breaks no rule. */
#include "tests/fuzz/common.h"

#include "cli/sigctl/sdp.h"

static struct sdp d, back;
static struct sdp_findings f;

static void check_findings(struct sp_str text, unsigned lines)
{
    unsigned errors = 0;
    CHECK(f.n <= SDP_FINDINGS_MAX && f.n <= f.errors + f.warnings);
    for (unsigned i = 0; i < f.n; i++) {
        const struct sdp_finding *e = &f.v[i];
        CHECK(e->line >= 1 && e->line <= lines && e->rule < SDP_RULES);
        CHECK(e->what.n == 0 ||
              (e->what.p >= text.p && e->what.n <= text.n - (size_t)(e->what.p - text.p)) ||
              sp_str_eq(e->what, SP_STR("sendrecv")));
        errors += sdp_rules[e->rule].severity == SDP_ERROR;
    }
    CHECK(errors <= f.errors);
}

static unsigned count_lines(struct sp_str text)
{
    unsigned n = 1;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

static void check_answer(void)
{
    size_t cap = SDP_WRITE_SIZE(d.text.n, d.n);
    char *p = malloc(cap);
    struct sp_buf b;
    CHECK(p);
    sp_buf_init(&b, p, cap);
    sdp_write_answer(&b, &d, &(struct sdp_want){"active", 3});
    CHECK(!b.full);
    CHECK(sdp_read(&back, sp_buf_view(&b), &f));
    sdp_judge(&back, SDP_ANSWER, &f);
    sdp_judge_pair(&d, &back, &f);
    for (unsigned i = 0; f.errors > 0 && i < f.n; i++) {
        fprintf(stderr, "answer:%u: %s\n", f.v[i].line, sdp_rules[f.v[i].rule].name);
    }
    CHECK(f.errors == 0);
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_str text = fuzz_str(data, size);
    if (!sdp_read(&d, text, &f)) {
        return 0;
    }
    sdp_judge(&d, size % 2 == 0 ? SDP_OFFER : SDP_ANSWER, &f);
    sdp_judge_pair(&d, &d, &f);
    check_findings(text, count_lines(text));
    CHECK(sdp_read(&d, text, &f));
    sdp_judge(&d, SDP_OFFER, &f);
    if (f.errors == 0) {
        check_answer();
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 * sdp: make, show and check session descriptions. It needs no server. */
#include "cli/common/out.h"
#include "cli/sigctl/sdp.h"
#include "cli/sigctl/sdp_show.h"
#include "cli/sigctl/spec.h"

#include <stdlib.h>

struct sdp_opts {
    const char *media, *answer_to, *setup, *against;
    int64_t ice;
    bool offer, answer, strict;
};
_Static_assert(sizeof(struct sdp_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, kind, arg, member, help)                                                         \
    {                                                                                              \
        name, 0, kind, arg, NULL, offsetof(struct sdp_opts, member), help                          \
    }

const struct opt sdp_rows[] = {
    ROW("media", OPT_STRING, "WORDS", media, "gen: of video,audio,data (video)"),
    ROW("answer-to", OPT_STRING, "SPEC", answer_to, "gen: an answer to this offer"),
    ROW("ice", OPT_COUNT, "N", ice, "gen: with N candidates, up to 64 (0: trickle)"),
    ROW("setup", OPT_CHOICE, "active|passive|actpass", setup, "gen: DTLS role"),
    ROW("offer", OPT_FLAG, NULL, offer, "check: as an offer"),
    ROW("answer", OPT_FLAG, NULL, answer, "check: as an answer"),
    ROW("against", OPT_STRING, "FILE", against, "check: as the answer to the offer in FILE"),
    ROW("strict", OPT_FLAG, NULL, strict, "check: a warning is an error"),
    {0}};

/* loaded is a description with its text. */
struct loaded {
    char *text;
    struct sdp d;
    struct sdp_findings f;
};

static void loaded_free(struct loaded *l)
{
    if (l) {
        free(l->text);
        free(l);
    }
}

static int no_sdp(const struct ctl *c, size_t n)
{
    if (n > SDP_TEXT_MAX) {
        return ctl_fail(c, EXIT_DATA, NULL, "more than 1 MiB is not a session description");
    }
    return ctl_fail(c, EXIT_DATA, NULL,
                    "not a session description%s: the first line of one is v=0. Want the text, "
                    "@FILE or @-",
                    n == 0 ? " but nothing" : "");
}

/* Reads what spec names; NULL with the failure printed. */
static struct loaded *load(const struct ctl *c, const char *spec, int *status)
{
    size_t n = 0;
    struct loaded *l = calloc(1, sizeof(*l));
    if (!l) {
        *status = ctl_fail(c, EXIT_DATA, NULL, "out of memory");
        return NULL;
    }
    l->text = spec_load(c, spec, &n, status);
    if (l->text && !sdp_read(&l->d, (struct sp_str){l->text, n}, &l->f)) {
        *status = no_sdp(c, n);
    }
    if (*status) {
        loaded_free(l);
        return NULL;
    }
    return l;
}

/* ---------------------------------------------------------------- gen */

static int write_out(const struct ctl *c, struct sp_str text)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        fwrite(text.p, 1, text.n, stdout);
        fflush(stdout);
    } else if (print_begin(&l, text.n)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("sdp"));
        sp_json_str(&l.j, "sdp", text);
        print_end(&c->opts, &l);
    }
    return 0;
}

/* The role that answers an offer: active, unless the offer is (RFC 8842 5.3). */
static const char *role_to(const struct sdp *offer)
{
    for (unsigned i = 0; i < offer->n; i++) {
        const struct sdp_attr *a = sdp_attr_of(offer, &offer->media[i], SDP_SETUP);
        if (a && sp_str_eq(a->value, SP_STR("active"))) {
            return "passive";
        }
    }
    return "active";
}

static int load_offer(const struct ctl *c, const struct sdp_opts *o, struct loaded **offer)
{
    int status = 0;
    if (o->setup && strcmp(o->setup, "actpass") == 0) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--setup actpass: an answer is active or passive");
    }
    *offer = load(c, o->answer_to, &status);
    if (*offer) {
        sdp_judge(&(*offer)->d, SDP_OFFER, &(*offer)->f);
        if ((*offer)->f.errors > 0) {
            loaded_free(*offer);
            *offer = NULL;
            status =
                ctl_fail(c, EXIT_DATA, NULL, "the offer has errors. See: sigctl sdp check --offer");
        }
    }
    return status;
}

static int run_gen(const struct ctl *c, const struct sdp_opts *o)
{
    char media[4] = "v";
    struct loaded *offer = NULL;
    struct sp_buf b;
    if (o->media && o->answer_to) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--media: an answer has the sections of its offer");
    }
    if (o->media && !sdp_media(o->media, media)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--media '%s': want video, audio, data", o->media);
    }
    if (o->ice > SDP_ICE_MOST) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--ice: at most %d", SDP_ICE_MOST);
    }
    int status = o->answer_to ? load_offer(c, o, &offer) : 0;
    if (status) {
        return status;
    }
    size_t cap = offer ? SDP_WRITE_SIZE(offer->d.text.n, offer->d.n) : SDP_WRITE_SIZE(0, 3);
    char *p = malloc(cap);
    if (!p) {
        loaded_free(offer);
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    const char *role = offer ? role_to(&offer->d) : "actpass";
    struct sdp_want want = {o->setup ? o->setup : role, (unsigned)o->ice};
    sp_buf_init(&b, p, cap);
    if (offer) {
        sdp_write_answer(&b, &offer->d, &want);
    } else {
        sdp_write(&b, media, &want);
    }
    status = write_out(c, sp_buf_view(&b));
    free(p);
    loaded_free(offer);
    return status;
}

/* ---------------------------------------------------------------- show */

static int run_show(const struct ctl *c, const char *spec)
{
    int status = 0;
    struct loaded *l = load(c, spec, &status);
    struct print_line line;
    if (!l) {
        return status;
    }
    sdp_judge(&l->d, SDP_ANY, &l->f);
    if (!print_is_machine(&c->opts)) {
        sdp_show_text(stdout, &l->d);
        fflush(stdout);
    } else if (print_begin(&line, sdp_show_size(&l->d))) {
        sp_json_bool(&line.j, "ok", true);
        sp_json_str(&line.j, "type", SP_STR("sdp_show"));
        sp_json_int(&line.j, "errors", l->f.errors);
        sp_json_int(&line.j, "warnings", l->f.warnings);
        sdp_show_json(&line.j, &l->d);
        print_end(&c->opts, &line);
    }
    if (l->f.errors > 0) {
        out_note("%u error%s in it. See: sigctl sdp check", l->f.errors,
                 l->f.errors == 1 ? "" : "s");
    }
    loaded_free(l);
    return 0;
}

/* ---------------------------------------------------------------- check */

static const char *word_of(enum sdp_severity severity)
{
    return severity == SDP_ERROR ? "error" : "warning";
}

static int compare(const void *a, const void *b)
{
    const struct sdp_finding *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : (x->rule > y->rule) - (x->rule < y->rule);
}

#define WHAT_MOST 80

static struct sp_str what_of(const struct sdp_finding *e)
{
    struct sp_str what = e->what;
    what.n = what.n > WHAT_MOST ? WHAT_MOST : what.n;
    return what;
}

static void print_people(const struct sdp_findings *f)
{
    for (unsigned i = 0; i < f->n; i++) {
        const struct sdp_finding *e = &f->v[i];
        const struct sdp_rule_row *r = &sdp_rules[e->rule];
        printf("%u: %s: %s", e->line, word_of(r->severity), r->text);
        if (e->what.n > 0) {
            fputs(": ", stdout);
            out_safe(stdout, what_of(e));
        }
        printf(" (%s)\n", r->rfc);
    }
    if (f->errors + f->warnings > f->n) {
        printf("and %u more\n", f->errors + f->warnings - f->n);
    }
    fflush(stdout);
}

static void print_machine(const struct ctl *c, const struct sdp_findings *f, bool ok)
{
    struct print_line l;
    if (!print_begin(&l, (size_t)f->n * (WHAT_MOST + 64))) {
        return;
    }
    sp_json_bool(&l.j, "ok", ok);
    sp_json_str(&l.j, "type", SP_STR("sdp_check"));
    sp_json_int(&l.j, "errors", f->errors);
    sp_json_int(&l.j, "warnings", f->warnings);
    sp_json_array(&l.j, "findings");
    for (unsigned i = 0; i < f->n; i++) {
        const struct sdp_rule_row *r = &sdp_rules[f->v[i].rule];
        sp_json_object(&l.j, NULL);
        sp_json_int(&l.j, "line", f->v[i].line);
        sp_json_str(&l.j, "severity", sp_str(word_of(r->severity)));
        sp_json_str(&l.j, "rule", sp_str(r->name));
        sp_json_str(&l.j, "message", sp_str(r->text));
        sp_json_str(&l.j, "what", what_of(&f->v[i]));
        sp_json_str(&l.j, "rfc", sp_str(r->rfc));
        sp_json_end(&l.j, '}');
    }
    sp_json_end(&l.j, ']');
    print_end(&c->opts, &l);
}

static int judge(const struct ctl *c, const struct sdp_opts *o, struct loaded *l)
{
    enum sdp_mode mode = o->offer ? SDP_OFFER : o->answer || o->against ? SDP_ANSWER : SDP_ANY;
    int status = 0;
    char spec[4096];
    sdp_judge(&l->d, mode, &l->f);
    if (!o->against) {
        return 0;
    }
    snprintf(spec, sizeof(spec), "%s%s", o->against[0] == '@' ? "" : "@", o->against);
    struct loaded *offer = load(c, spec, &status);
    if (offer) {
        sdp_judge_pair(&offer->d, &l->d, &l->f);
        loaded_free(offer);
    }
    return status;
}

static int run_check(const struct ctl *c, const struct sdp_opts *o, const char *spec)
{
    int status = 0;
    if (o->offer && (o->answer || o->against)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--offer: not with --answer or --against");
    }
    struct loaded *l = load(c, spec, &status);
    if (!l) {
        return status;
    }
    status = judge(c, o, l);
    if (status == 0) {
        bool ok = l->f.errors == 0 && (l->f.warnings == 0 || !o->strict);
        qsort(l->f.v, l->f.n, sizeof(l->f.v[0]), compare);
        if (print_is_machine(&c->opts)) {
            print_machine(c, &l->f, ok);
        } else {
            print_people(&l->f);
        }
        status = ok ? 0 : EXIT_FALSE;
    }
    loaded_free(l);
    return status;
}

int cmd_sdp(struct ctl *c, const struct ctl_args *a)
{
    const struct sdp_opts *o = a->values;
    const char *spec = a->n > 1 ? a->v[1] : "@-";
    if (strcmp(a->v[0], "gen") == 0 && a->n == 1) {
        return run_gen(c, o);
    }
    if (strcmp(a->v[0], "show") == 0) {
        return run_show(c, spec);
    }
    if (strcmp(a->v[0], "check") == 0) {
        return run_check(c, o, spec);
    }
    return ctl_fail(c, EXIT_USAGE, NULL, "usage: sdp gen | show [SPEC] | check [SPEC]");
}

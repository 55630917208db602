/* SPDX-License-Identifier: MIT
 * check: one probe of the server for monitoring: connects, registers, pings, and relays an offer
 * and its answer between two identities of its own. */
#include "cli/common/out.h"
#include "cli/sigctl/want.h"
#include "libproto/msg.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

struct check_opts {
    const char *warning, *critical;
    bool relay;
};
_Static_assert(sizeof(struct check_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct check_opts, member), help                   \
    }

const struct opt check_rows[] = {
    ROW("warning", 'w', OPT_STRING, "DUR", warning, "a round trip longer than this is a warning"),
    ROW("critical", 'c', OPT_STRING, "DUR", critical, "one longer than this is critical"),
    ROW("relay", 0, OPT_FLAG, NULL, relay, "an offer and its answer too, between two identities"),
    {0}};

enum form { FORM_TEXT, FORM_JSON, FORM_NAGIOS };
enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN }; /* as plugins exit */

static const char *const state_words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
static const char *const json_words[] = {"ok", "warning", "critical", "unknown"};

/* probe is a run; times are -1 until measured. */
struct probe {
    struct ctl *c;
    enum form form;
    struct link_opts opts; /* of both links */
    struct link *a, *b;
    char id_a[SP_ID_MAX + 1], id_b[SP_ID_MAX + 1];
    int64_t deadline, warning, critical;
    int64_t connect_us, register_us, ping_us, relay_us, peers;
    int64_t answered_us; /* when the answer came, 0: not yet */
    struct link *failed; /* the link that knows why; NULL: text does */
    char text[128];
};

/* ---------------------------------------------------------------- what is said */

static enum state judge(const struct probe *p)
{
    int64_t slowest = p->relay_us > p->ping_us ? p->relay_us : p->ping_us;
    return slowest > p->critical ? STATE_CRITICAL : slowest > p->warning ? STATE_WARNING : STATE_OK;
}

static void put_summary(const struct probe *p)
{
    printf("ping %.2f ms", (double)p->ping_us / 1000);
    if (p->relay_us >= 0) {
        printf(", relay %.2f ms", (double)p->relay_us / 1000);
    }
    if (p->peers >= 0) {
        printf(", %lld peer%s", (long long)p->peers, p->peers == 1 ? "" : "s");
    }
}

/* 'label'=value[unit];[warn];[crit];[min], of the guidelines for plugins */
static void put_limit(int64_t us)
{
    putchar(';');
    if (us != OPT_NEVER) {
        printf("%.6g", (double)us / 1e6);
    }
}

static void put_perf(const char *name, int64_t us, const struct probe *limits)
{
    if (us < 0) {
        return;
    }
    printf(" %s=%.6fs", name, (double)us / 1e6);
    put_limit(limits ? limits->warning : OPT_NEVER);
    put_limit(limits ? limits->critical : OPT_NEVER);
    fputs(";0", stdout);
}

static int say_nagios(const struct probe *p)
{
    enum state state = judge(p);
    printf("SIGD %s - ", state_words[state]);
    put_summary(p);
    fputs(" |", stdout);
    put_perf("connect", p->connect_us, NULL);
    put_perf("register", p->register_us, NULL);
    put_perf("ping", p->ping_us, p);
    put_perf("relay", p->relay_us, p);
    if (p->peers >= 0) {
        printf(" peers=%lld;;;0", (long long)p->peers);
    }
    putchar('\n');
    fflush(stdout);
    return (int)state;
}

static void say_text(const struct probe *p)
{
    printf("%s: connected in %.2f ms, registered in %.2f ms, ", json_words[judge(p)],
           (double)p->connect_us / 1000, (double)p->register_us / 1000);
    put_summary(p);
    putchar('\n');
    fflush(stdout);
}

static void put_time(struct sp_json *j, const char *key, int64_t v)
{
    if (v >= 0) {
        sp_json_int(j, key, v);
    } else {
        sp_json_raw(j, key, SP_STR("null"));
    }
}

static void say_json(const struct probe *p)
{
    struct print_line l;
    if (!print_begin(&l, 0)) {
        return;
    }
    sp_json_bool(&l.j, "ok", judge(p) == STATE_OK);
    sp_json_str(&l.j, "type", SP_STR("check"));
    sp_json_str(&l.j, "state", sp_str(json_words[judge(p)]));
    put_time(&l.j, "connect_us", p->connect_us);
    put_time(&l.j, "register_us", p->register_us);
    put_time(&l.j, "ping_us", p->ping_us);
    put_time(&l.j, "relay_us", p->relay_us);
    put_time(&l.j, "peers", p->peers);
    print_time(&l, link_wall_us());
    print_end(&p->opts, &l);
}

static int say(const struct probe *p)
{
    if (p->form == FORM_NAGIOS) {
        return say_nagios(p);
    }
    if (p->form == FORM_JSON) {
        say_json(p);
    } else {
        say_text(p);
    }
    return judge(p) == STATE_OK ? 0 : EXIT_THRESHOLD;
}

/* A line for a console and a pager, so that no character ends it or begins performance data. */
static int say_plugin_failure(enum state state, const char *text)
{
    printf("SIGD %s - ", state_words[state]);
    for (; *text; text++) {
        char c = *text == '|' || *text == '\n' ? ' ' : *text;
        out_safe(stdout, (struct sp_str){&c, 1});
    }
    putchar('\n');
    fflush(stdout);
    return (int)state;
}

static int say_failure(const struct probe *p, int status)
{
    const struct link_fail *why = p->failed ? link_why(p->failed) : NULL;
    const char *text = why ? why->text : p->text;
    if (status > 128) {
        return status;
    }
    if (p->form == FORM_NAGIOS) {
        return say_plugin_failure(STATE_CRITICAL, text);
    }
    return ctl_fail(p->c, status, why && why->code[0] ? why->code : NULL, "%s", text);
}

/* ---------------------------------------------------------------- steps */

static int fail_at(struct probe *p, struct link *l, int status)
{
    p->failed = l;
    if (status == EXIT_TIMEOUT) {
        p->failed = NULL;
        snprintf(p->text, sizeof(p->text),
                 "timed out after the connection: the server stands still or -W is too short");
    }
    return status;
}

static struct link *new_link(struct probe *p, int *status)
{
    struct link *l = link_new(&p->opts);
    if (!l) {
        snprintf(p->text, sizeof(p->text), "cannot use the options of the connection");
        *status = EXIT_DATA;
    }
    return l;
}

static int connect_to(struct probe *p, struct link *l)
{
    int64_t left = p->deadline - link_mono_us();
    p->opts.timeout_us = p->deadline == OPT_NEVER ? -1 : left > 0 ? left : 1;
    int status = link_open(l);
    p->failed = l;
    return status;
}

static int enter(struct probe *p, struct link *l, const char *id)
{
    struct link_who who = {.id = id};
    int status = link_register(l, &who, p->deadline);
    return status ? fail_at(p, l, status) : 0;
}

static int ask(struct probe *p, const char *type, const char *target, struct sp_str body,
               enum sp_type want)
{
    char text[1024];
    struct sp_buf b;
    struct sp_str none = {NULL, 0};
    sp_buf_init(&b, text, sizeof(text));
    sp_put_send(&b, sp_str(type), sp_str(target), none, body, link_rid(p->a));
    return link_ask(p->a, sp_buf_view(&b), want, p->deadline);
}

/* A server whose rights do not let us list is no less healthy. */
static int count_peers(struct probe *p)
{
    int64_t n;
    int status = ask(p, "list", NULL, SP_STR("\"limit\":1"), SP_T_CLIENTS);
    if (status == 0 && sp_doc_int(&link_reply(p->a)->doc, SP_STR("count"), &n) == SP_OK) {
        p->peers = n - 1; /* all but us */
    }
    return status == 0 || status == EXIT_REFUSED || status == EXIT_REFUSED_AUTH
               ? 0
               : fail_at(p, p->a, status);
}

static int probe_ping(struct probe *p)
{
    struct sp_str none = {NULL, 0};
    int64_t start = link_mono_us();
    int status = ask(p, "ping", NULL, none, SP_T_PONG);
    if (status) {
        return fail_at(p, p->a, status);
    }
    p->ping_us = link_reply(p->a)->mono_us - start;
    return 0;
}

/* ---------------------------------------------------------------- relay */

#define BODY "\"sdp\":\"v=0\\r\\n\""

static void answer_offer(void *ctx, const struct link_msg *m)
{
    struct probe *p = ctx;
    char text[1024], session[SP_ID_MAX + 1];
    struct sp_buf b;
    struct sp_str none = {NULL, 0};
    if (m->type == SP_T_OFFER) {
        sp_buf_init(&b, text, sizeof(text));
        sp_put_send(&b, SP_STR("answer"), sp_str(p->id_a),
                    link_text(m, "sessionId", session, sizeof(session)), SP_STR(BODY), none);
        (void)link_post(p->b, sp_buf_view(&b)); /* a failure is an answer that does not come */
    }
}

static void take_answer(void *ctx, const struct link_msg *m)
{
    struct probe *p = ctx;
    if (m->type == SP_T_ANSWER) {
        p->answered_us = m->mono_us;
    }
}

static bool is_answered(void *ctx)
{
    return ((const struct probe *)ctx)->answered_us > 0;
}

static int probe_relay(struct probe *p)
{
    int status = 0;
    p->b = new_link(p, &status);
    if (!p->b || !link_beside(p->b, p->a)) {
        return status ? status : EXIT_DATA;
    }
    link_on_message(p->a, take_answer, p);
    link_on_message(p->b, answer_offer, p);
    status = connect_to(p, p->b);
    status = status ? status : enter(p, p->b, p->id_b);
    if (status) {
        return status;
    }
    int64_t start = link_mono_us();
    status = ask(p, "offer", p->id_b, SP_STR(BODY), SP_T_ACK);
    status = status ? status : link_until(p->a, is_answered, p, p->deadline);
    if (status) {
        return fail_at(p, p->a, status);
    }
    p->relay_us = p->answered_us - start;
    return 0;
}

/* ---------------------------------------------------------------- command */

/* Probes may run side by side, so that names of our own making differ. */
static void choose_ids(struct probe *p)
{
    uint32_t r = 0;
    if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r)) {
        r = (uint32_t)getpid();
    }
    snprintf(p->id_b, sizeof(p->id_b), "check-%ld-%08x-b", (long)getpid(), r);
    if (p->opts.id) {
        snprintf(p->id_a, sizeof(p->id_a), "%s", p->opts.id);
    } else if (!link_token_id(p->a, p->id_a)) {
        snprintf(p->id_a, sizeof(p->id_a), "check-%ld-%08x-a", (long)getpid(), r);
    }
}

static int run(struct probe *p, bool relay)
{
    int status = 0;
    int64_t start = link_mono_us();
    p->a = new_link(p, &status);
    if (!p->a) {
        return status;
    }
    choose_ids(p);
    status = connect_to(p, p->a);
    if (status) {
        return status;
    }
    int64_t open = link_mono_us();
    p->connect_us = open - start;
    status = enter(p, p->a, p->id_a);
    p->register_us = link_mono_us() - open;
    status = status ? status : probe_ping(p);
    status = status ? status : count_peers(p);
    return status == 0 && relay ? probe_relay(p) : status;
}

static int choose_form(const struct ctl *c, enum form *form)
{
    static const char *const words[] = {"text", "json", "nagios"};
    const char *want = c->opts.format;
    *form = c->opts.json ? FORM_JSON : FORM_TEXT;
    for (unsigned i = 0; want && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(want, words[i]) == 0) {
            *form = (enum form)i;
            return 0;
        }
    }
    return want ? ctl_fail(c, EXIT_USAGE, NULL, "--format '%s': must be nagios, json or text", want)
                : 0;
}

static int read_limits(struct probe *p, const struct check_opts *o)
{
    int status = want_duration(p->c, "warning", o->warning, 1, &p->warning);
    status = status ? status : want_duration(p->c, "critical", o->critical, 1, &p->critical);
    if (status == 0 && p->opts.id) {
        status = want_id(p->c, p->opts.id);
    }
    return status == 0 || p->form != FORM_NAGIOS
               ? status
               : say_plugin_failure(STATE_UNKNOWN, "the options are wrong, see stderr");
}

int cmd_check(struct ctl *c, const struct ctl_args *a)
{
    const struct check_opts *o = a->values;
    struct probe p = {.c = c, .opts = c->opts, .warning = OPT_NEVER, .critical = OPT_NEVER};
    p.connect_us = p.register_us = p.ping_us = p.relay_us = p.peers = -1;
    p.deadline = ctl_deadline(c, CTL_ONE_US);
    int status = choose_form(c, &p.form);
    if (status) {
        return status;
    }
    p.opts.json = p.form == FORM_JSON;
    p.opts.format = NULL;
    out_init(&(struct out_conf){"sigctl", p.opts.json, c->opts.quiet, c->opts.color});
    status = read_limits(&p, o);
    if (status == 0) {
        status = run(&p, o->relay);
        status = status ? say_failure(&p, status) : say(&p);
    }
    link_free(p.b);
    link_free(p.a);
    return status;
}

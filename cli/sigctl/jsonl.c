/* SPDX-License-Identifier: MIT
 * Addressed messages from stdin, many under way at once. */
#include "cli/sigctl/jsonl.h"

#include "cli/sigctl/lines.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW       256 /* messages under way at most */
#define ROOM_FIRST   16  /* at the start */
#define GROW_FIRST   2 /* acks after which one more is tried: a burst overrun by less than it has */
#define GROW_AGAIN   16 /* the same after a refusal */
#define TYPE_LONGEST 64

/* HELD waits for the time that the server named when it refused. */
enum state { FLYING, HELD, DONE };

/* What became of one line. A DONE one with a status in no has failed. */
struct slot {
    enum state state;
    int64_t line, sent_us, tries;
    char *text; /* owned; the composed message until it is done */
    size_t n;
    char type[TYPE_LONGEST + 1], to[SP_ID_MAX + 1], session[SP_ID_MAX + 1];
    int64_t rtt_us, wall_us;
    struct refusal no;
};

struct feed {
    struct ctl *c;
    const struct relay *defaults;
    struct lines in;
    struct slot *slots;  /* WINDOW of them; message n has slots[n % WINDOW] and the rid n */
    int64_t first, next; /* messages without a printed result are first..next-1 */
    int64_t flying, held, room, acks, grow;
    int64_t resume_us, until_us, line, timeout_us;
    bool end, watching;
    int status; /* of the first failure */
};

static struct slot *slot_at(const struct feed *f, int64_t n)
{
    return &f->slots[n % WINDOW];
}

/* ---------------------------------------------------------------- results */

static void done(struct slot *s)
{
    s->state = DONE;
    free(s->text);
    s->text = NULL;
}

__attribute__((format(printf, 3, 4))) static void fail(struct slot *s, int status, const char *fmt,
                                                       ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->no.text, sizeof(s->no.text), fmt, ap);
    va_end(ap);
    s->no.status = status;
    done(s);
}

static void print_slot(struct feed *f, const struct slot *s)
{
    struct relay r = {.type = s->type, .target = s->to, .counter = "line", .count = s->line};
    if (s->no.status) {
        relay_refused(f->c, &r, &s->no);
        f->status = f->status ? f->status : s->no.status;
    } else {
        relay_acked(f->c, &r, &(struct relay_ack){sp_str(s->session), s->rtt_us, s->wall_us});
    }
}

static void print_results(struct feed *f)
{
    while (f->first < f->next && slot_at(f, f->first)->state == DONE) {
        print_slot(f, slot_at(f, f->first++));
    }
}

/* Who is told to slow down tries one message at a time, and more again as they are taken. */
static void slow_down(struct feed *f, int64_t retry_us)
{
    int64_t at = link_deadline(retry_us);
    f->room = 1;
    f->acks = 0;
    f->grow = GROW_AGAIN;
    f->resume_us = at > f->resume_us ? at : f->resume_us;
}

static void hold(struct feed *f, struct slot *s)
{
    s->no = (struct refusal){0};
    s->state = HELD;
    s->tries--;
    f->held++;
}

static void settle(struct feed *f, struct slot *s, const struct link_msg *m)
{
    f->flying--;
    if (m->type == SP_T_ERROR) {
        refusal_of(&s->no, m, s->to);
        if (s->no.retry_us >= 0) {
            slow_down(f, s->no.retry_us);
            if (s->tries > 0) {
                hold(f, s);
                return;
            }
        }
    } else {
        struct sp_str id = link_text(m, "sessionId", s->session, SP_ID_MAX);
        memmove(s->session, id.p ? id.p : "", id.n);
        s->session[id.n] = '\0';
        s->rtt_us = m->mono_us - s->sent_us;
        s->wall_us = m->wall_us;
        f->room += f->room < WINDOW && ++f->acks % f->grow == 0;
    }
    done(s);
}

static bool on_message(void *ctx, const struct link_msg *m)
{
    struct feed *f = ctx;
    const struct sp_member *rid = sp_doc_find(&m->doc, SP_STR("rid"));
    int64_t n;
    if (!rid || !sp_parse_int(sp_doc_raw(&m->doc, rid), &n) || n < f->first || n >= f->next ||
        slot_at(f, n)->state != FLYING) {
        return false;
    }
    settle(f, slot_at(f, n), m);
    return true;
}

/* ---------------------------------------------------------------- lines */

/* A member's text in a buffer of cap bytes and its end; false when it is too long or no string. */
static bool take_text(const struct sp_doc *doc, const char *key, char *to, size_t cap)
{
    struct sp_str s;
    if (sp_doc_str(doc, sp_str(key), to, cap, &s) != SP_OK || s.n > cap) {
        return false;
    }
    memmove(to, s.p, s.n);
    to[s.n] = '\0';
    return s.n > 0;
}

/* Takes type and target out of a line where it has them. */
static bool take_address(struct slot *s, const struct sp_doc *doc)
{
    bool to = sp_doc_find(doc, SP_STR("to")), target = sp_doc_find(doc, SP_STR("target"));
    bool type = sp_doc_find(doc, SP_STR("type"));
    if (to && target) {
        fail(s, EXIT_USAGE, "\"to\" and \"target\" say the same thing: give one of them");
    } else if (type && !take_text(doc, "type", s->type, TYPE_LONGEST)) {
        fail(s, EXIT_USAGE, "\"type\" is no short text");
    } else if ((to || target) && !take_text(doc, to ? "to" : "target", s->to, SP_ID_MAX)) {
        fail(s, EXIT_USAGE, "\"%s\" is no id", to ? "to" : "target");
    } else if (!s->type[0] || !s->to[0]) {
        fail(s, EXIT_USAGE, s->type[0] ? "no \"to\", and no TO" : "no \"type\", and no --type");
    }
    return s->no.status == 0;
}

static bool is_ours(struct sp_str key)
{
    return sp_str_eq(key, SP_STR("to")) || sp_str_eq(key, SP_STR("target")) ||
           sp_str_eq(key, SP_STR("type")) || sp_str_eq(key, SP_STR("rid"));
}

/* The other members as they came. */
static void put_rest(struct sp_buf *b, const struct sp_doc *doc)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct sp_member *m = &doc->m[i];
        struct sp_str key = {doc->buf + m->key_off, m->key_len};
        if (is_ours(key)) {
            continue;
        }
        if (b->n > 0) {
            sp_buf_lit(b, ",");
        }
        sp_buf_lit(b, "\"");
        sp_buf_str(b, key);
        sp_buf_lit(b, "\":");
        sp_buf_str(b, sp_doc_raw(doc, m));
    }
}

static void compose(struct slot *s, const struct sp_doc *doc, int64_t n)
{
    char rid[24], *body = malloc(doc->len + 1);
    struct relay r = {.type = s->type, .target = s->to};
    struct sp_buf b;
    snprintf(rid, sizeof(rid), "%lld", (long long)n);
    if (body) {
        sp_buf_init(&b, body, doc->len);
        put_rest(&b, doc);
        r.body = sp_buf_view(&b);
    }
    s->text = malloc(relay_size(&r));
    if (body && s->text) {
        sp_buf_init(&b, s->text, relay_size(&r));
        s->n = relay_put(&b, &r, sp_str(rid)) ? b.n : 0;
    }
    free(body);
    if (s->n == 0) {
        fail(s, EXIT_DATA, "out of memory");
    } else if (s->n > SP_MESSAGE_MAX) {
        fail(s, EXIT_DATA, "the message has %zu bytes, %u at most", s->n, SP_MESSAGE_MAX);
    }
}

static void send_slot(struct feed *f, struct slot *s)
{
    struct link *l = f->c->link;
    s->sent_us = link_mono_us();
    int status = link_post(l, (struct sp_str){s->text, s->n});
    if (status) {
        fail(s, EXIT_LOST, "%s", link_why(l)->text);
    } else {
        s->state = FLYING;
        f->flying++;
    }
}

static void take_line(struct feed *f, struct sp_str line)
{
    struct sp_doc doc;
    struct sp_diag d;
    struct slot *s = slot_at(f, f->next);
    *s = (struct slot){.line = f->line, .tries = f->c->opts.retry};
    snprintf(s->type, sizeof(s->type), "%s", f->defaults->type ? f->defaults->type : "");
    snprintf(s->to, sizeof(s->to), "%s", f->defaults->target ? f->defaults->target : "");
    if (sp_scan(&doc, line.p, line.n, &sp_scan_defaults, &d) != SP_OK) {
        fail(s, EXIT_DATA, "%s", d.text);
    } else if (take_address(s, &doc)) {
        compose(s, &doc, f->next);
    }
    f->next++;
    if (s->state != DONE) {
        send_slot(f, s);
    }
}

static void take_too_long(struct feed *f)
{
    struct slot *s = slot_at(f, f->next++);
    *s = (struct slot){.line = f->line};
    fail(s, EXIT_DATA, "%s", link_why(f->c->link)->text);
}

static bool may_take(const struct feed *f)
{
    return !f->end && f->held == 0 && f->flying < f->room && f->next - f->first < WINDOW &&
           link_mono_us() >= f->resume_us;
}

/* Takes the lines that are there, as many as there is room for. */
static int take_lines(struct feed *f)
{
    while (may_take(f) && lines_ready(&f->in)) {
        char *line;
        int status = lines_next(&f->in, f->c->link, &line);
        f->line++;
        if (f->in.err) {
            f->end = true;
            return ctl_fail_link(f->c);
        }
        if (status) {
            take_too_long(f);
        } else if (!line) {
            f->end = true;
        } else if (line[strspn(line, " \t")] || f->in.len != strlen(line)) {
            take_line(f, (struct sp_str){line, f->in.len});
        }
    }
    return 0;
}

/* There is room, but not before resume_us, which a message that came since may have moved. */
static bool resumes(const struct feed *f)
{
    return f->flying < f->room && (f->held > 0 || link_mono_us() < f->resume_us);
}

static void send_held(struct feed *f)
{
    bool due = link_mono_us() >= f->resume_us;
    for (int64_t n = f->first; n < f->next && due && f->held > 0 && f->flying < f->room; n++) {
        if (slot_at(f, n)->state == HELD) {
            f->held--;
            send_slot(f, slot_at(f, n));
        }
    }
}

/* ---------------------------------------------------------------- waiting */

static bool has_news(void *ctx)
{
    struct feed *f = ctx;
    bool result = f->first < f->next && slot_at(f, f->first)->state == DONE;
    return result || (resumes(f) && f->resume_us < f->until_us) ||
           ((f->watching || may_take(f)) && lines_ready(&f->in));
}

static const struct slot *oldest_flying(const struct feed *f)
{
    for (int64_t n = f->first; n < f->next; n++) {
        if (slot_at(f, n)->state == FLYING) {
            return slot_at(f, n);
        }
    }
    return NULL;
}

static int64_t late_at(const struct feed *f, const struct slot *s)
{
    return s->sent_us > OPT_NEVER - f->timeout_us ? OPT_NEVER : s->sent_us + f->timeout_us;
}

static int64_t next_moment(const struct feed *f)
{
    const struct slot *oldest = oldest_flying(f);
    int64_t at = oldest ? late_at(f, oldest) : OPT_NEVER;
    return resumes(f) && f->resume_us < at ? f->resume_us : at;
}

static void fail_late(struct feed *f)
{
    int64_t now = link_mono_us();
    for (int64_t n = f->first; n < f->next; n++) {
        struct slot *s = slot_at(f, n);
        if (s->state == FLYING && late_at(f, s) <= now) {
            f->flying--;
            fail(s, EXIT_TIMEOUT, "timed out: %s to %s was not acknowledged", s->type, s->to);
        }
    }
}

/* What was under way may have arrived, so it is not sent again; the rest goes on where --retry
 * says so. */
static int lose(struct feed *f)
{
    struct link *l = f->c->link;
    char why[sizeof(link_why(l)->text)];
    link_explain_closed(l);
    snprintf(why, sizeof(why), "%s", link_why(l)->text);
    for (int64_t n = f->first; n < f->next; n++) {
        if (slot_at(f, n)->state == FLYING) {
            fail(slot_at(f, n), EXIT_LOST, "%s", why);
        }
    }
    f->flying = 0;
    print_results(f);
    if (f->c->opts.retry > 0 && link_recover(l, NULL, NULL, ctl_deadline(f->c, CTL_ONE_US)) == 0) {
        return 0;
    }
    for (int64_t n = f->first; n < f->next; n++) {
        if (slot_at(f, n)->state == HELD) {
            fail(slot_at(f, n), EXIT_LOST, "%s", why);
        }
    }
    print_results(f);
    return ctl_fail_link(f->c);
}

static int wait_on(struct feed *f)
{
    struct link *l = f->c->link;
    f->watching = may_take(f) && !lines_ready(&f->in);
    link_on_input(l, f->watching ? STDIN_FILENO : -1, lines_read, &f->in);
    f->until_us = next_moment(f);
    int status = link_until(l, has_news, f, f->until_us);
    if (status == EXIT_TIMEOUT) {
        fail_late(f);
        return 0;
    }
    return status == EXIT_LOST ? lose(f) : status;
}

static int serve(struct feed *f)
{
    int status = 0;
    while (status == 0) {
        send_held(f);
        status = take_lines(f);
        print_results(f);
        if (status || (f->end && f->first == f->next)) {
            break;
        }
        status = wait_on(f);
    }
    return status;
}

int jsonl_send(struct ctl *c, const struct relay *defaults)
{
    struct feed f = {.c = c,
                     .defaults = defaults,
                     .first = 1,
                     .next = 1,
                     .room = ROOM_FIRST,
                     .grow = GROW_FIRST,
                     .timeout_us = c->opts.timeout_us >= 0 ? c->opts.timeout_us : CTL_ONE_US};
    f.slots = calloc(WINDOW, sizeof(*f.slots));
    if (!f.slots) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    f.in.forgiving = true;
    ctl_set_take(c, on_message, &f);
    link_needs_reader(c->link, true);
    int status = serve(&f);
    link_needs_reader(c->link, false);
    link_on_input(c->link, -1, NULL, NULL);
    for (; f.first < f.next; f.first++) {
        free(slot_at(&f, f.first)->text);
    }
    free(f.slots);
    lines_fini(&f.in);
    return f.status && status < 128 ? f.status : status;
}

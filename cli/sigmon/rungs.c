/* SPDX-License-Identifier: MIT
 * Rungs as text, as a diagram and as objects. */
#include "cli/sigmon/rungs.h"

#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/common/term.h"
#include "cli/sigmon/lines.h"
#include "libproto/msg.h"
#include "libproto/units.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TIME_WIDTH   14
#define REMARK_WIDTH 23
#define ARM_LEAST    14
#define ARM_FRAME    4 /* of an arm are no label */
#define ARM_MOST     34
#define WIDTH_MOST   10000

int rungs_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int64_t n = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return columns && sp_parse_count(sp_str(columns), &n) && n > 0 && n < WIDTH_MOST ? (int)n : 80;
}

void rungs_fini(struct rungs *p)
{
    free(p->names);
    p->names = NULL;
}

/* What stands at the end of a line: how it went. */
static void put_remark(FILE *f, const struct rung *r)
{
    char span[16];
    if (r->count > 1) {
        fprintf(f, "x%u%s", r->count, r->code[0] ? " " : "");
    }
    if (r->code[0]) {
        out_safe(f, sp_str(r->code));
        fputs(r->reason[0] ? ": " : "", f);
    }
    out_safe(f, sp_str(r->reason));
    if (r->way == RUNG_ENDED && r->side >= 0) {
        fputs(" (", f);
        out_safe(f, sp_str(r->id[r->side]));
        fputs(")", f);
    }
    if (r->setup_us >= 0) {
        out_span(span, r->setup_us);
        fprintf(f, "set up in %s", span);
    }
    if (r->life_us >= 0) {
        out_span(span, r->life_us);
        fprintf(f, " after %s", span);
    }
}

/* ---------------------------------------------------------------- text */

enum heading { LEFT = -1, NOWHERE, RIGHT };

static int arm_width(const struct rungs *p)
{
    int arm = (p->width - TIME_WIDTH - 3 - REMARK_WIDTH) / 2;
    return arm < ARM_LEAST ? ARM_LEAST : arm > ARM_MOST ? ARM_MOST : arm;
}

/* "-- offer video ---->", "<- answer ---------", or with an X where it did not arrive. */
static void put_arm(FILE *f, int width, enum heading to, const char *label, bool arrives)
{
    int room = width - ARM_FRAME - (to == RIGHT), n = (int)strlen(label);
    n = n > room ? room : n;
    int rest = width - ARM_FRAME - n;
    if (to == NOWHERE) {
        fprintf(f, "%*s%.*s%*s", (width - n) / 2, "", n, label, width - n - (width - n) / 2, "");
    } else if (to == RIGHT) {
        fprintf(f, "-- %.*s ", n, label);
        for (; rest > 1; rest--) {
            fputc('-', f);
        }
        fputc(arrives ? '>' : 'X', f);
    } else {
        fprintf(f, "%c- %.*s ", arrives ? '<' : 'X', n, label);
        for (; rest > 0; rest--) {
            fputc('-', f);
        }
    }
}

/* The message with what it has, for the sender's arm; where there is no room, without its detail.
 */
static void full_label(char *out, size_t cap, const struct rung *r, int room)
{
    char size[16] = "";
    const char *type = sp_type_wire(r->kind);
    if (r->size >= 0) {
        out_size(size, (uint64_t)r->size);
    }
    const char *gap = size[0] ? " " : "";
    int n = snprintf(out, cap, "%s%s%s%s%s", type, r->detail[0] ? " " : "", r->detail, gap, size);
    if (n > room) {
        snprintf(out, cap, "%s%s%s", type, gap, size);
    }
    for (char *c = out; *c; c++) {
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    }
}

static void put_over(FILE *f, int arm, const struct rung *r)
{
    char full[128];
    const char *bare = sp_type_wire(r->kind);
    enum heading to = r->side == 1 ? LEFT : RIGHT;
    bool failed = r->way == RUNG_FAILED;
    full_label(full, sizeof(full), r, arm - ARM_FRAME - (to == RIGHT));
    fputc('|', f);
    put_arm(f, arm, failed && to == LEFT ? NOWHERE : to,
            to == RIGHT ? full
            : failed    ? ""
                        : bare,
            to == LEFT || !failed);
    fputc('|', f);
    put_arm(f, arm, failed && to == RIGHT ? NOWHERE : to,
            to == LEFT ? full
            : failed   ? ""
                       : bare,
            !failed);
    fputc('|', f);
}

/* The server says bye to those that are there. */
static void put_ended(FILE *f, int arm, const struct rung *r)
{
    fputc('|', f);
    put_arm(f, arm, r->side == 0 ? NOWHERE : LEFT, r->side == 0 ? "gone" : "bye", true);
    fputc('|', f);
    put_arm(f, arm, r->side == 1 ? NOWHERE : RIGHT, r->side == 1 ? "gone" : "bye", true);
    fputc('|', f);
}

/* Gives the line, which the caller frees. */
static char *text_of(const struct rungs *p, const struct rung *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f) {
        return NULL;
    }
    if (r->us < 10000000) {
        fprintf(f, "%+9.3f ms  ", (double)r->us / 1e3);
    } else {
        fprintf(f, "%+9.3f s   ", (double)r->us / 1e6);
    }
    (r->way == RUNG_ENDED ? put_ended : put_over)(f, arm_width(p), r);
    fputs("   ", f);
    put_remark(f, r);
    fclose(f);
    while (text && n > 0 && text[n - 1] == ' ') {
        text[--n] = '\0';
    }
    return text;
}

static bool is_same(const struct rungs *p, const struct rung *r)
{
    return p->has_head && strcmp(p->session, r->session) == 0 && strcmp(p->id[0], r->id[0]) == 0 &&
           strcmp(p->id[1], r->id[1]) == 0;
}

/* Puts a name over a bar, as far as there is room; gives the column behind it. */
static int put_name(int at, int bar, const char *name)
{
    int n = (int)strlen(name), from = bar - n / 2;
    from = from > at ? from : at;
    printf("%*s%s", from - at, "", name);
    return from + n + 1;
}

static void put_head(struct rungs *p, const struct rung *r)
{
    int arm = arm_width(p), at, first = TIME_WIDTH, last = TIME_WIDTH + 2 * (arm + 1);
    char *names[2] = {strdup(r->id[0]), strdup(r->id[1])};
    struct sp_str session = lines_session(sp_str(r->session));
    /* names that are too long keep their ends, which tell them apart */
    for (int i = 0; i < 2 && names[i]; i++) {
        size_t n = strlen(names[i]), most = (size_t)arm + 4;
        if (n > most) {
            memmove(names[i] + 1, names[i] + n - most + 1, most);
            names[i][0] = '~';
        }
    }
    printf("%s%s", p->has_head ? "\n" : "", out_sgr("2"));
    out_safe(stdout, session);
    printf("%s ", out_sgr("0"));
    at = (int)session.n + 1;
    at = put_name(at, first, names[0] ? names[0] : "?");
    at = put_name(at - 1, TIME_WIDTH + arm + 1 > at + 1 ? TIME_WIDTH + arm + 1 : at + 3, "sigd");
    put_name(at - 1, last > at + 1 ? last : at + 1, names[1] ? names[1] : "?");
    putchar('\n');
    free(names[0]);
    free(names[1]);
    snprintf(p->session, sizeof(p->session), "%s", r->session);
    memcpy(p->id, r->id, sizeof(p->id));
    p->has_head = true;
}

/* A line that goes on in the next could not be gone back over. */
static void cut_to(char *text, int width)
{
    size_t n = strlen(text);
    int have = term_width(text);
    while (n > 0 && (have < 0 || have >= width)) {
        do {
            n--;
        } while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80);
        text[n] = '\0';
        have = term_width(text);
    }
}

static void put_text(struct rungs *p, const struct rung *r, bool again, bool open)
{
    char *text = text_of(p, r);
    if (!text) {
        return;
    }
    if (p->cut) {
        cut_to(text, p->width);
    }
    if (!is_same(p, r)) {
        put_head(p, r);
    }
    printf("%s%s%s%s%s", again ? "\r\033[K" : "",
           r->way == RUNG_FAILED  ? out_sgr("31")
           : r->way == RUNG_ENDED ? out_sgr("33")
                                  : "",
           text, r->way == RUNG_OVER ? "" : out_sgr("0"), open ? "" : "\n");
    fflush(stdout);
    free(text);
}

void rungs_remark(struct rungs *p, const char *fmt, ...)
{
    va_list ap;
    fputs(p->mermaid ? "    %% " : "-- ", stdout);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    fputs(p->mermaid ? "\n" : " --\n", stdout);
    fflush(stdout);
}

/* ---------------------------------------------------------------- mermaid */

void rungs_begin(const struct rungs *p)
{
    if (p->mermaid) {
        puts("sequenceDiagram");
        fflush(stdout);
    }
}

/* Gives the number of a participant, declared where it is new; SIZE_MAX when out of memory. */
static size_t participant(struct rungs *p, const char *id)
{
    for (size_t i = 0; i < p->nnames; i++) {
        if (strcmp(p->names[i], id) == 0) {
            return i;
        }
    }
    void *more = realloc(p->names, (p->nnames + 1) * sizeof(*p->names));
    if (!more) {
        return SIZE_MAX;
    }
    p->names = more;
    snprintf(p->names[p->nnames], sizeof(p->names[0]), "%s", id);
    printf("    participant p%zu as ", p->nnames);
    out_safe(stdout, sp_str(id));
    putchar('\n');
    if (p->nnames == 0) {
        puts("    participant sigd");
    }
    return p->nnames++;
}

/* Text of others must not end a line of the diagram or begin an entity. */
static void put_mermaid_text(const char *text)
{
    for (; text && *text; text++) {
        switch (*text) {
        case ';':
            fputs("#59;", stdout);
            break;
        case '#':
            fputs("#35;", stdout);
            break;
        default:
            putchar(*text);
        }
    }
}

static void put_arrow(const struct rung *r, const size_t who[2], const char *label)
{
    const char *bare = sp_type_wire(r->kind);
    int from = r->side == 1;
    if (r->way == RUNG_ENDED) {
        for (int i = 0; i < 2; i++) {
            if (r->side != i) {
                printf("    sigd->>p%zu: bye\n", who[i]);
            }
        }
        return;
    }
    printf("    p%zu%ssigd: %s\n", who[from], r->way == RUNG_FAILED ? "-x" : "->>", label);
    if (r->way == RUNG_OVER) {
        printf("    sigd->>p%zu: %s\n", who[!from], bare);
    }
}

static void put_mermaid(struct rungs *p, const struct rung *r)
{
    char label[128], *remark = NULL;
    size_t n = 0, first = participant(p, r->id[0]), second = participant(p, r->id[1]);
    FILE *f = open_memstream(&remark, &n);
    if (!f) {
        return;
    }
    put_remark(f, r);
    fclose(f);
    full_label(label, sizeof(label), r, INT_MAX);
    if (first != SIZE_MAX && second != SIZE_MAX) {
        put_arrow(r, (const size_t[]){first, second}, label);
        if (n > 0) {
            printf("    Note over p%zu,p%zu: ", first, second);
            put_mermaid_text(remark);
            putchar('\n');
        }
    }
    free(remark);
    fflush(stdout);
}

/* ---------------------------------------------------------------- objects */

static void put_number(struct sp_json *j, const char *name, int64_t v)
{
    if (v >= 0) {
        sp_json_int(j, name, v);
    }
}

void rungs_members(struct sp_json *j, const struct rung *r)
{
    static const char *const ways[] = {"delivered", "failed", "ended"};
    bool has_sender = r->way != RUNG_ENDED || r->side >= 0;
    int from = r->side == 1;
    sp_json_str(j, "way", sp_str(ways[r->way]));
    sp_json_str_opt(j, "session", sp_str(r->session));
    sp_json_int(j, "since_us", r->us);
    sp_json_str(j, "kind", sp_str(sp_type_wire(r->kind)));
    sp_json_str_opt(j, "from", sp_str(has_sender ? r->id[from] : ""));
    sp_json_str_opt(j, "to", sp_str(has_sender ? r->id[!from] : ""));
    sp_json_str_opt(j, "detail", sp_str(r->detail));
    put_number(j, "size", r->size);
    sp_json_str_opt(j, "code", sp_str(r->code));
    sp_json_str_opt(j, "reason", sp_str(r->reason));
    put_number(j, "setup_us", r->setup_us);
    put_number(j, "life_us", r->life_us);
}

static void put_object(const struct rungs *p, const struct rung *r)
{
    struct print_line l;
    if (print_begin(&l, RUNGS_TEXT)) {
        print_time(&l, r->ts_ms * 1000);
        sp_json_str(&l.j, "type", SP_STR("step"));
        rungs_members(&l.j, r);
        print_end(p->opts, &l);
    }
}

void rungs_put(struct rungs *p, const struct rung *r, bool again, bool open)
{
    if (p->mermaid) {
        put_mermaid(p, r);
    } else if (print_is_machine(p->opts)) {
        put_object(p, r);
    } else {
        put_text(p, r, again, open);
    }
}

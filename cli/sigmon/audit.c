/* SPDX-License-Identifier: MIT
 * sigmon audit verify: is an audit log complete and unchanged? */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/chain.h"
#include "cli/sigmon/mon.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* A record has less than 8 KiB. What is longer is none, and need not be held as a whole. */
#define LONGEST   (64u * 1024u)
#define READ_SIZE (1024u * 1024u)

struct audit_opts {
    const char *expect_head;
};

_Static_assert(sizeof(struct audit_opts) <= MON_VALUES_MAX, "room for the options");

const struct opt audit_rows[] = {{"expect-head", 0, OPT_STRING, "HEX", NULL,
                                  offsetof(struct audit_opts, expect_head),
                                  "fail unless a record has this hash"},
                                 {0}};

struct verify {
    const struct link_opts *opts;
    struct chain chain;
    char **names;
    int file;  /* the one being read */
    char *buf; /* READ_SIZE */
    char expect[CHAIN_HEX];
    bool has_expect, is_found;
    uint64_t found; /* the record whose hash is expect */
};

static int fail_at(const struct verify *v, const struct chain_place *at, const char *why)
{
    return out_fail(EXIT_FALSE, NULL, "%s:%" PRIu64 ": %s", v->names[at->file], at->line, why);
}

static int check_line(struct verify *v, struct sp_str line, bool ended)
{
    char why[256];
    struct chain_place next = {v->chain.at.file, v->chain.at.line + 1};
    if (v->chain.at.line == 0 && !chain_is_log(line)) {
        return out_fail(EXIT_DATA, NULL, "%s: not an audit log", v->names[v->file]);
    }
    if (line.n > LONGEST) {
        return fail_at(v, &next, "longer than any record");
    }
    if (!chain_line(&v->chain, line, ended, why, sizeof(why))) {
        return fail_at(v, &v->chain.bad, why);
    }
    if (v->has_expect && memcmp(v->chain.head, v->expect, CHAIN_HEX) == 0) {
        v->is_found = true;
        v->found = v->chain.seq;
    }
    return 0;
}

/* Takes the whole lines off the front of buf; *n is what remains of it. */
static int check_lines(struct verify *v, size_t *n)
{
    size_t at = 0;
    int status = 0;
    while (status == 0) {
        const char *lf = memchr(v->buf + at, '\n', *n - at);
        if (!lf) {
            break;
        }
        size_t len = (size_t)(lf - v->buf) - at;
        status = check_line(v, (struct sp_str){v->buf + at, len}, true);
        at += len + 1;
    }
    memmove(v->buf, v->buf + at, *n - at);
    *n -= at;
    return status;
}

static int read_file(struct verify *v, int fd)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, v->buf + n, READ_SIZE - n);
        if (got < 0) {
            return out_fail(EXIT_DATA, NULL, "%s: %s", v->names[v->file], strerror(errno));
        }
        n += (size_t)got;
        int status = check_lines(v, &n);
        if (status) {
            return status;
        }
        if (got == 0 || n > LONGEST) {
            break;
        }
    }
    return n > 0 ? check_line(v, (struct sp_str){v->buf, n}, false) : 0;
}

static void report_text(const struct verify *v)
{
    const struct chain_count *n = &v->chain.count;
    out_safe(stdout, sp_str(v->names[v->file]));
    printf(": %" PRIu64 " records, seq %" PRIu64 "..%" PRIu64 ", chain intact", n->records,
           n->first, n->last);
    if (n->drops) {
        printf(", %" PRIu64 " events dropped", n->drops);
    }
    if (n->recovered) {
        printf(", %" PRIu64 " torn lines recovered", n->recovered);
    }
    /* the next file has to tell so, else its check fails */
    printf("%s, head %.*s\n", v->chain.torn ? ", last line torn" : "", (int)CHAIN_HEX,
           v->chain.head);
}

static int report(const struct verify *v)
{
    const struct chain_count *n = &v->chain.count;
    const char *name = v->names[v->file];
    struct print_line l;
    if (!print_is_machine(v->opts)) {
        report_text(v);
        return 0;
    }
    if (!print_begin(&l, strlen(name))) {
        return EXIT_DATA;
    }
    sp_json_bool(&l.j, "ok", true);
    sp_json_str(&l.j, "file", sp_str(name));
    sp_json_int(&l.j, "records", (int64_t)n->records);
    sp_json_int(&l.j, "first", (int64_t)n->first);
    sp_json_int(&l.j, "last", (int64_t)n->last);
    sp_json_int(&l.j, "dropped", (int64_t)n->drops);
    sp_json_int(&l.j, "recovered", (int64_t)n->recovered);
    sp_json_bool(&l.j, "torn", v->chain.torn);
    sp_json_str(&l.j, "head", (struct sp_str){v->chain.head, CHAIN_HEX});
    print_end(v->opts, &l);
    return 0;
}

static int verify_file(struct verify *v)
{
    const char *name = v->names[v->file];
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return out_fail(EXIT_DATA, NULL, "%s: %s", name, strerror(errno));
    }
    chain_next_file(&v->chain);
    int status = read_file(v, fd);
    if (!is_stdin) {
        close(fd);
    }
    if (status == 0 && v->chain.count.lines == 0) {
        return out_fail(EXIT_DATA, NULL, "%s: empty, not an audit log", name);
    }
    return status;
}

static int check_head(const struct verify *v)
{
    if (!v->has_expect) {
        return 0;
    }
    if (!v->is_found) {
        return out_fail(EXIT_FALSE, NULL,
                        "no record has the expected head: the end was cut off, or all was "
                        "written anew");
    }
    out_note("the expected head is record %" PRIu64 "; %" PRIu64 " follow it", v->found,
             v->chain.seq - v->found);
    return 0;
}

static int verify_files(struct verify *v, int n)
{
    char why[256];
    int status = 0;
    for (v->file = 0; status == 0 && v->file < n; v->file++) {
        status = verify_file(v);
        if (status == 0 && v->file == n - 1 && !chain_end(&v->chain, why, sizeof(why))) {
            return fail_at(v, &v->chain.bad, why);
        }
        status = status ? status : report(v);
    }
    return status ? status : check_head(v);
}

static bool set_expect(struct verify *v, const char *hex)
{
    v->has_expect = true;
    for (size_t i = 0; i < CHAIN_HEX; i++) {
        if (!isxdigit((unsigned char)hex[i])) {
            return false;
        }
        v->expect[i] = (char)tolower((unsigned char)hex[i]);
    }
    return hex[CHAIN_HEX] == '\0';
}

int audit_run(const struct mon_args *a)
{
    const struct audit_opts *o = a->values;
    struct verify v = {.opts = a->opts, .names = a->words + 1};
    if (a->n == 0 || strcmp(a->words[0], "verify") != 0) {
        return out_fail(EXIT_USAGE, NULL, "audit knows one word: sigmon audit verify FILE...");
    }
    if (a->n < 2) {
        return out_fail(EXIT_USAGE, NULL, "audit verify needs a file, or '-' for stdin");
    }
    if (o->expect_head && !set_expect(&v, o->expect_head)) {
        return out_fail(EXIT_USAGE, NULL, "--expect-head '%s': must be %u hexadecimal digits",
                        o->expect_head, CHAIN_HEX);
    }
    if (mon_check_format(a->opts) != 0) {
        return EXIT_USAGE;
    }
    v.buf = malloc(READ_SIZE);
    bool ok = chain_init(&v.chain) && v.buf;
    int status = ok ? verify_files(&v, a->n - 1) : out_fail(EXIT_DATA, NULL, "out of memory");
    chain_fini(&v.chain);
    free(v.buf);
    return status;
}

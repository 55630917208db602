/* SPDX-License-Identifier: MIT
 * Output of the tools: machine lines, messages, colour, the end of a broken pipe. */
#include "cli/common/out.h"

#include "libproto/buf.h"
#include "libproto/json.h"
#include "libproto/utf8.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static struct out_conf conf = {.program = "sigkit"};
static bool colour;
static const struct out_sink *diverted;
/* A line leaves in one write up to this size, so that lines of parallel tools do not mix. */
static char stdout_buf[64 * 1024];

static bool env_is_set(const char *name)
{
    const char *v = getenv(name);
    return v && *v;
}

static bool want_colour(const char *flag)
{
    if (flag && strcmp(flag, "auto") != 0) {
        return strcmp(flag, "always") == 0;
    }
    if (env_is_set("NO_COLOR")) {
        return false;
    }
    const char *force = getenv("CLICOLOR_FORCE");
    if (force && *force && strcmp(force, "0") != 0) {
        return true;
    }
    return isatty(STDOUT_FILENO) == 1;
}

void out_streams(void)
{
    static const char *const stand_in[] = {"/dev/null", "/dev/full", "/dev/null"};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open(stand_in[fd], O_RDWR) != fd) {
            abort();
        }
    }
}

void out_init(const struct out_conf *c)
{
    static bool buffered;
    conf = *c;
    if (!buffered) {
        setvbuf(stdout, stdout_buf, _IOLBF, sizeof(stdout_buf));
        buffered = true;
    }
    signal(SIGPIPE, SIG_IGN);
    colour = want_colour(c->color);
}

const char *out_sgr(const char *code)
{
    static char seq[4][16];
    static unsigned next;
    if (!colour) {
        return "";
    }
    char *s = seq[next++ % 4];
    snprintf(s, sizeof(seq[0]), "\033[%sm", code);
    return s;
}

void out_safe(FILE *f, struct sp_str s)
{
    /* An escape of one input byte takes at most 8 bytes, so no slice is cut short; a slice never
     * ends inside a multi-byte sequence. */
    char safe[2048];
    while (s.n > 0) {
        size_t n = s.n < sizeof(safe) / 8 ? s.n : sizeof(safe) / 8;
        while (n < s.n && n > sizeof(safe) / 8 - 4 && ((unsigned char)s.p[n] & 0xC0) == 0x80) {
            n--;
        }
        fwrite(safe, 1, sp_utf8_safe(safe, sizeof(safe), (struct sp_str){s.p, n}, false), f);
        s = (struct sp_str){s.p + n, s.n - n};
    }
}

void out_size(char out[16], uint64_t n)
{
    if (n < 1000) {
        snprintf(out, 16, "%d", (int)n);
    } else if (n < 999950) {
        snprintf(out, 16, "%.1fk", (double)n / 1e3);
    } else {
        snprintf(out, 16, "%.1fM", (double)n / 1e6);
    }
}

void out_span(char out[16], int64_t us)
{
    if (us < 1000000) {
        snprintf(out, 16, us < 10000 ? "%.3f ms" : "%.1f ms", (double)us / 1e3);
    } else if (us < 60000000) {
        snprintf(out, 16, "%.1f s", (double)us / 1e6);
    } else if (us < 3600000000) {
        snprintf(out, 16, "%dm%02ds", (int)(us / 60000000), (int)(us / 1000000 % 60));
    } else {
        snprintf(out, 16, "%lldh%02dm", (long long)(us / 3600000000), (int)(us / 60000000 % 60));
    }
}

/* The same JSON with what a terminal would obey written as \u escapes. */
static void put_visible(struct sp_str line)
{
    size_t run = 0, i = 0;
    while (i < line.n) {
        uint32_t point;
        size_t n = sp_utf8_hidden(line.p + i, line.n - i, &point);
        if (n) {
            fwrite(line.p + run, 1, i - run, stdout);
            if (point > 0xffff) {
                printf("\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
                       0xdc00 + (point & 0x3ff));
            } else {
                printf("\\u%04x", point);
            }
            run = i + n;
        }
        i += n ? n : 1;
    }
    fwrite(line.p + run, 1, line.n - run, stdout);
}

void out_divert(const struct out_sink *sink)
{
    diverted = sink;
}

bool out_is_diverted(void)
{
    return diverted != NULL;
}

void out_line(struct sp_str line)
{
    if (diverted) {
        diverted->line(diverted->ctx, line);
        return;
    }
    if (isatty(STDOUT_FILENO)) {
        put_visible(line);
    } else {
        fwrite(line.p, 1, line.n, stdout);
    }
    fputc('\n', stdout);
    fflush(stdout);
}

static void say(const char *text)
{
    /* One write per message, so that parallel tools do not mix their words. */
    char safe[4096];
    size_t n = sp_utf8_safe(safe, sizeof(safe), sp_str(text), false);
    fflush(stdout);
    fprintf(stderr, "%s: %.*s\n", conf.program, (int)n, safe);
}

static const char *word_of(int status)
{
    switch (status) {
#define EXIT_ROW(id, number, text)                                                                 \
    case EXIT_##id:                                                                                \
        return #id;
#include "cli/common/tbl/exits.h"
#undef EXIT_ROW
    }
    return "SIGNAL";
}

void out_word(int status, char word[32])
{
    size_t n = 0;
    for (const char *w = word_of(status); *w && n + 1 < 32; w++) {
        word[n++] = (char)tolower((unsigned char)*w);
    }
    word[n] = '\0';
}

static void fail_json(int status, const char *code, const char *text)
{
    char line[16 * 1024];
    struct sp_buf b;
    struct sp_json j;
    sp_buf_init(&b, line, sizeof(line));
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_bool(&j, "ok", false);
    sp_json_int(&j, "exit", (int64_t)status);
    sp_json_str(&j, "code", sp_str(code));
    sp_json_str(&j, "message", sp_str(text));
    sp_json_end(&j, '}');
    out_line(sp_buf_view(&b));
}

int out_fail(enum exit_code status, const char *code, const char *fmt, ...)
{
    char text[2048], word[32];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    out_word((int)status, word);
    code = code && *code ? code : word;
    if (diverted) {
        diverted->fail(diverted->ctx, (int)status, code, text);
        return (int)status;
    }
    say(text);
    if (conf.json) {
        fail_json((int)status, code, text);
    }
    return (int)status;
}

void out_note(const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    if (conf.quiet) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say(text);
}

bool out_broken(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = 0};
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

int out_done(int status)
{
    bool bad = fflush(stdout) != 0 || ferror(stdout);
    if (!bad) {
        return status;
    }
    if (out_broken()) {
        return status;
    }
    return status ? status : out_fail(EXIT_DATA, NULL, "cannot write to standard output");
}

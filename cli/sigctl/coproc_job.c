/* SPDX-License-Identifier: MIT
 * A co-process's commands: one after another, what they print is their result. */
#include "cli/sigctl/coproc.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---------------------------------------------------------------- waiting commands */

static void job_clear(struct job *j)
{
    free(j->rid);
    free(j->text);
    free(j->argv);
    *j = (struct job){0};
}

static bool add_word(struct job *j, char *word)
{
    if (j->argc == WORDS_MAX) {
        return false;
    }
    j->argv[j->argc++] = word;
    return true;
}

/* Copies the strings of the array one behind the other into text; NULL or what is wrong. */
static const char *take_args(struct job *j, struct sp_str raw)
{
    cJSON *tree = cJSON_ParseWithLength(raw.p, raw.n);
    const cJSON *item = tree ? tree->child : NULL;
    const char *why = cJSON_IsArray(tree) && item ? NULL : "\"args\" must be an array of strings";
    char *at = j->text;
    for (; item && !why; item = item->next) {
        if (!cJSON_IsString(item)) {
            why = "\"args\" must be an array of strings";
        } else if (!add_word(j, at)) {
            why = "too many words";
        } else {
            at = stpcpy(at, item->valuestring) + 1;
        }
    }
    cJSON_Delete(tree);
    return why;
}

static const char *take_line(struct job *j, struct sp_str raw)
{
    const char *why = NULL;
    size_t n = sp_unescape(j->text, raw.n, raw);
    if (n == SIZE_MAX) {
        return "\"line\" must be text";
    }
    j->text[n] = '\0';
    if (memchr(j->text, '\n', n)) {
        return "\"line\" must be one line";
    }
    j->argc = words(j->text, j->argv, &why);
    j->argv[0] = "sigctl";
    return j->argc == 1 ? "\"line\" is empty" : why;
}

/* Gives NULL or what is wrong. */
static const char *take_words(struct job *j, const struct sp_doc *doc)
{
    const struct sp_member *args = sp_doc_find(doc, SP_STR("args"));
    const struct sp_member *line = sp_doc_find(doc, SP_STR("line"));
    const struct sp_member *given = args ? args : line;
    struct sp_str raw = given ? sp_doc_raw(doc, given) : (struct sp_str){NULL, 0};
    const char *why;
    j->text = malloc(raw.n + 1);
    j->argv = calloc(WORDS_MAX + 1, sizeof(*j->argv));
    if (!j->text || !j->argv) {
        return "out of memory";
    }
    if (args && line) {
        return "\"args\" and \"line\" say the same thing: give one of them";
    }
    if (memmem(raw.p, raw.n, "\\u0000", 6)) {
        return "U+0000 is in no word of a command";
    }
    if (args) {
        add_word(j, "sigctl");
        why = take_args(j, raw);
    } else {
        why = given && given->kind == SP_J_STRING ? take_line(j, raw) : "\"line\" must be text";
    }
    for (int i = 1; i < j->argc && !why; i++) {
        why = strcmp(j->argv[i], "--exec") == 0 ? "--exec is not for a co-process" : NULL;
    }
    return why;
}

void coproc_queue(struct coproc *co, const struct sp_doc *doc, char *rid)
{
    struct job *j = &co->jobs[co->njobs];
    if (co->njobs == COPROC_JOBS) {
        coproc_refuse(co, rid, EXIT_REFUSED, "overloaded", "too many commands wait");
        free(rid);
        return;
    }
    *j = (struct job){.rid = rid};
    const char *why = take_words(j, doc);
    if (why) {
        coproc_refuse(co, rid, EXIT_USAGE, NULL, why);
        job_clear(j);
        return;
    }
    co->njobs++;
}

/* ---------------------------------------------------------------- running */

static void add_result(void *ctx, struct sp_str object)
{
    struct coproc *co = ctx;
    size_t want = co->nresults + object.n + 1;
    if (want > COPROC_RESULTS) {
        co->cut = true;
        return;
    }
    if (want > co->cap) {
        char *more = realloc(co->results, want * 2);
        if (!more) {
            co->cut = true;
            return;
        }
        co->results = more;
        co->cap = want * 2;
    }
    if (co->nresults > 0) {
        co->results[co->nresults++] = ',';
    }
    memcpy(co->results + co->nresults, object.p, object.n);
    co->nresults += object.n;
}

void coproc_on_fail(void *ctx, int status, const char *code, const char *text)
{
    struct coproc *co = ctx;
    co->failed.status = status;
    snprintf(co->failed.code, sizeof(co->failed.code), "%s", code ? code : "");
    snprintf(co->failed.text, sizeof(co->failed.text), "%s", text);
}

/* A line of text for people, as an object. */
static void add_text(struct coproc *co, struct sp_str line)
{
    struct link_msg m;
    struct print_line l;
    if (line.n > 0 && line.p[0] == '{' && link_scan(&m, line)) {
        add_result(co, line);
    } else if (print_begin(&l, line.n)) {
        sp_json_str(&l.j, "text", line);
        print_end(&co->c->base, &l);
    }
}

static void add_texts(struct coproc *co, int fd)
{
    FILE *f = fdopen(fd, "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    if (!f) {
        close(fd);
        return;
    }
    rewind(f);
    while ((n = getline(&line, &cap, f)) > 0) {
        add_text(co, (struct sp_str){line, (size_t)n - (line[n - 1] == '\n')});
    }
    free(line);
    fclose(f);
}

/* Help, tokens and completions are for people: they print where they like, and end at once. */
static bool is_for_people(const struct job *j)
{
    int at = command_index(j->argc, j->argv);
    const struct command *cmd = at < j->argc ? command_find(j->argv[at]) : NULL;
    bool help = false;
    for (int i = 1; i < j->argc; i++) {
        help = help || strcmp(j->argv[i], "-h") == 0 || strcmp(j->argv[i], "--help") == 0;
    }
    return help || (cmd && (cmd->flags & CMD_LOCAL) != 0);
}

static int run_and_catch(struct coproc *co, struct job *j)
{
    int real = dup(STDOUT_FILENO), fd = memfd_create("text", MFD_CLOEXEC);
    if (real < 0 || fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
        return ctl_fail(co->c, EXIT_DATA, NULL, "no room for what %s prints", j->argv[1]);
    }
    int status = ctl_run(co->c, j->argc, j->argv);
    fflush(stdout);
    dup2(real, STDOUT_FILENO);
    close(real);
    add_texts(co, fd);
    return status;
}

static int run(struct coproc *co, struct job *j)
{
    struct ctl *c = co->c;
    co->nresults = 0;
    co->cut = false;
    co->failed = (struct refusal){0};
    co->sink = (struct out_sink){add_result, coproc_on_fail, co};
    co->running = true;
    c->on_fail = coproc_on_fail;
    c->scene = co;
    out_divert(&co->sink);
    link_needs_reader(c->link, true);
    int status = is_for_people(j) ? run_and_catch(co, j) : ctl_run(c, j->argc, j->argv);
    link_needs_reader(c->link, true);
    out_divert(NULL);
    c->on_fail = NULL;
    co->running = false;
    out_init(&(struct out_conf){"sigctl", true, c->base.quiet, c->base.color});
    return status;
}

int coproc_next(struct coproc *co)
{
    struct job j = co->jobs[0];
    co->njobs--;
    memmove(co->jobs, co->jobs + 1, co->njobs * sizeof(co->jobs[0]));
    int status = run(co, &j);
    coproc_result(co, j.rid, status);
    job_clear(&j);
    return status > 128 ? status : 0;
}

/* SPDX-License-Identifier: MIT
 * The session so far as a script. */
#include "cli/common/out.h"
#include "cli/sigctl/repl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct save_opts {
    bool force;
};

const struct opt save_rows[] = {
    {"force", 'f', OPT_FLAG, NULL, NULL, offsetof(struct save_opts, force), "replace FILE"}, {0}};

static bool is_about_session(const char *line)
{
    const char *word = line + strspn(line, " \t");
    size_t n = strcspn(word, " \t");
    return (n == 4 && (memcmp(word, "save", n) == 0 || memcmp(word, "help", n) == 0));
}

void repl_note(struct repl *r, const char *line)
{
    size_t n = strlen(line);
    char *more;
    if (is_about_session(line) || repl_has_secret(line) ||
        (more = realloc(r->script, r->script_n + n + 2)) == NULL) {
        return;
    }
    r->script = more;
    memcpy(more + r->script_n, line, n);
    more[r->script_n + n] = '\n';
    r->script_n += n + 1;
    r->script[r->script_n] = '\0';
    r->script_lines++;
}

static int open_new(const char *path, bool replace)
{
    if (replace && unlink(path) != 0 && errno != ENOENT) {
        return -1;
    }
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static bool write_script(FILE *f, const struct repl *r)
{
    if (r->c->base.id) {
        fprintf(f, "register %s\n", r->c->base.id);
    }
    fputs(r->script ? r->script : "", f);
    return fflush(f) == 0 && !ferror(f);
}

static void tell(const struct repl *r, const char *path)
{
    struct print_line l;
    unsigned lines = r->script_lines + (r->c->base.id != NULL);
    if (!print_is_machine(&r->c->opts)) {
        printf("saved %u line%s\n", lines, lines == 1 ? "" : "s");
    } else if (print_begin(&l, strlen(path))) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("saved"));
        sp_json_str(&l.j, "file", sp_str(path));
        sp_json_int(&l.j, "lines", lines);
        print_end(&r->c->opts, &l);
    }
}

int cmd_save(struct ctl *c, const struct ctl_args *a)
{
    const struct save_opts *o = a->values;
    const char *path = a->v[0];
    if (c->mode != CTL_REPL) {
        return ctl_fail(c, EXIT_USAGE, NULL, "save is for the prompt: it writes what was typed");
    }
    int fd = open_new(path, o->force);
    if (fd < 0) {
        return ctl_fail(c, EXIT_DATA, NULL, "cannot write %s: %s%s", path, strerror(errno),
                        errno == EEXIST ? ". Try: another name, or --force" : "");
    }
    FILE *f = fdopen(fd, "w");
    bool ok = f && write_script(f, c->repl);
    int err = errno;
    if (f) {
        fclose(f);
    } else {
        close(fd);
    }
    if (!ok) {
        return ctl_fail(c, EXIT_DATA, NULL, "cannot write %s: %s", path, strerror(err));
    }
    tell(c->repl, path);
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Which option writes which report. */
#include "cli/common/out.h"
#include "cli/sigbench/formats_in.h"
#include "cli/sigbench/hgrm.h"

static void format_hgrm(FILE *f, const struct report *r)
{
    hgrm_write(f, &r->b->latency);
}

static void format_hgrm_raw(FILE *f, const struct report *r)
{
    hgrm_write(f, &r->b->raw);
}

static const struct {
    const char *option;
    size_t off; /* of the path in the configuration */
    void (*write)(FILE *f, const struct report *r);
    void (*compare)(FILE *f, const struct comparison *c); /* NULL: only runs have it */
} formats[] = {
#define ROW(id, option, member, write, compare)                                                    \
    [FORMAT_##id] = {option, offsetof(struct bench_conf, member), write, compare}
    ROW(CSV, "csv", csv, format_csv, NULL),
    ROW(HGRM, "hgrm", hgrm, format_hgrm, NULL),
    ROW(HGRM_RAW, "hgrm-raw", hgrm_raw, format_hgrm_raw, NULL),
    ROW(HTML, "html", html, format_html, NULL),
    ROW(SVG, "svg", svg, format_svg, NULL),
    ROW(MARKDOWN, "markdown", markdown, format_markdown, format_markdown_compare),
    ROW(JUNIT, "junit", junit, format_junit, NULL),
#undef ROW
};

static const char *path_of(const struct bench_conf *c, unsigned i)
{
    const char *at = (const char *)c + formats[i].off;
    return *(const char *const *)(const void *)at;
}

/* Two reports in one file would be neither; the JSON report is on stdout as well. */
static const char *rival(const struct bench_conf *c, unsigned i)
{
    const char *path = path_of(c, i);
    if (strcmp(path, "-") == 0 && strcmp(c->output, "json") == 0) {
        return "json";
    }
    for (unsigned k = 0; k < i; k++) {
        if (path_of(c, k) && strcmp(path_of(c, k), path) == 0) {
            return formats[k].option;
        }
    }
    return NULL;
}

int formats_open(struct format_files *files, const struct bench_conf *c, bool compares)
{
    char why[512];

    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        const char *path = path_of(c, i);
        const char *other = path ? rival(c, i) : NULL;
        if (path && compares && !formats[i].compare) {
            return out_fail(EXIT_USAGE, NULL, "--%s is not for compare", formats[i].option);
        }
        if (other) {
            return out_fail(EXIT_USAGE, NULL,
                            "--%s and --%s cannot go to the same place: name "
                            "another file for one of them",
                            other, formats[i].option);
        }
        if (path && !outfile_open(&files->file[i], path, why, sizeof(why))) {
            return out_fail(EXIT_DATA, NULL, "--%s: %s", formats[i].option, why);
        }
        files->on_stdout |= files->file[i].f == stdout;
    }
    return 0;
}

/* Either r or c is there. */
static int write_each(struct format_files *files, const struct report *r,
                      const struct comparison *c)
{
    char why[512];
    int status = 0;

    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        struct outfile *o = &files->file[i];
        if (!o->f) {
            continue;
        }
        if (r) {
            formats[i].write(o->f, r);
        } else {
            formats[i].compare(o->f, c);
        }
        if (!outfile_commit(o, why, sizeof(why))) {
            status = out_fail(EXIT_DATA, NULL, "--%s: %s", formats[i].option, why);
        }
    }
    return status;
}

int formats_write(struct format_files *files, const struct report *r)
{
    return write_each(files, r, NULL);
}

int formats_compare(struct format_files *files, const struct comparison *c)
{
    return write_each(files, NULL, c);
}

void formats_close(struct format_files *files)
{
    for (unsigned i = 0; i < FORMAT_COUNT; i++) {
        outfile_discard(&files->file[i]);
    }
}

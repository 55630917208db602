/* SPDX-License-Identifier: MIT
 * Values of arguments and what is made of them. */
#include "cli/sigctl/spec.h"

#include "cli/sigctl/sdp.h"
#include "libproto/utf8.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_MOST (16u * 1024 * 1024)

static char *read_all(FILE *f, size_t *n)
{
    size_t cap = 4096, len = 0;
    char *p = malloc(cap);
    while (p) {
        len += fread(p + len, 1, cap - len, f);
        if (len < cap || len >= FILE_MOST) {
            break;
        }
        char *more = realloc(p, cap * 2);
        if (!more) {
            free(p);
            return NULL;
        }
        p = more;
        cap *= 2;
    }
    *n = len;
    return p;
}

static char *load_file(const struct ctl *c, const char *path, size_t *n, int *status)
{
    bool in = strcmp(path, "-") == 0;
    if (in && c->mode != CTL_ONE) {
        *status = ctl_fail(c, EXIT_USAGE, NULL, "@-: stdin is where the commands come from");
        return NULL;
    }
    errno = 0;
    FILE *f = in ? stdin : fopen(path, "re");
    char *p = f ? read_all(f, n) : NULL;
    if (p && *n >= FILE_MOST) {
        *status = ctl_fail(c, EXIT_DATA, NULL, "%s is larger than any message (%u MiB)", path,
                           (unsigned)(FILE_MOST >> 20));
        free(p);
        p = NULL;
    } else if (!p || (f && ferror(f))) {
        *status = ctl_fail(c, EXIT_DATA, NULL, "cannot read %s: %s", path, strerror(errno));
        free(p);
        p = NULL;
    }
    if (f && !in) {
        fclose(f);
    }
    return p;
}

char *spec_load(const struct ctl *c, const char *spec, size_t *n, int *status)
{
    char *p;
    if (spec[0] == '@' && spec[1] != '@') {
        p = load_file(c, spec + 1, n, status);
    } else {
        p = strdup(spec + (spec[0] == '@'));
        *n = p ? strlen(p) : 0;
    }
    if (p && !sp_utf8_valid(p, *n)) {
        *status = ctl_fail(c, EXIT_DATA, NULL, "%s is not UTF-8", spec[0] == '@' ? spec : "value");
        free(p);
        return NULL;
    }
    return p;
}

char *spec_sdp(const struct ctl *c, const char *spec, const char *media, bool answer, size_t *n,
               int *status)
{
    char initials[4] = "v";
    struct sp_buf b;
    bool made = !spec || strcmp(spec, "auto") == 0;
    if (media && !made) {
        *status =
            ctl_fail(c, EXIT_USAGE, NULL, "--media is for a made-up description (auto), not %s",
                     spec[0] == '@' ? spec : "this one");
        return NULL;
    }
    if (media && !sdp_media(media, initials)) {
        *status = ctl_fail(c, EXIT_USAGE, NULL, "--media '%s': want video, audio, data", media);
        return NULL;
    }
    if (!made) {
        return spec_load(c, spec, n, status);
    }
    char *p = malloc(4096);
    if (p) {
        sp_buf_init(&b, p, 4096);
        sdp_make(&b, initials, answer);
        *n = b.n;
    }
    return p;
}

int spec_ice_open(const struct ctl *c, const char *spec, struct spec_ice *ice)
{
    int status = 0;
    char *end;
    *ice = (struct spec_ice){.null = strcmp(spec, "null") == 0};
    if (ice->null) {
        return 0;
    }
    ice->made = strcmp(spec, "auto") == 0 ? 1 : strtoll(spec, &end, 10);
    if (ice->made > 0 && (strcmp(spec, "auto") == 0 || *end == '\0')) {
        return 0;
    }
    ice->made = 0;
    ice->text = spec_load(c, spec, &ice->n, &status);
    return status;
}

static void put_candidate(struct sp_buf *b, struct sp_str line)
{
    sp_buf_lit(b, "{\"candidate\":");
    sp_buf_json(b, line);
    sp_buf_lit(b, ",\"sdpMLineIndex\":0,\"sdpMid\":\"0\"}");
}

static struct sp_str next_line(struct spec_ice *ice)
{
    struct sp_str line = {NULL, 0};
    while (line.n == 0 && ice->at < ice->n) {
        const char *p = ice->text + ice->at;
        const char *lf = memchr(p, '\n', ice->n - ice->at);
        line = (struct sp_str){p, lf ? (size_t)(lf - p) : ice->n - ice->at};
        ice->at += line.n + (lf != NULL);
        line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
    }
    return line;
}

static bool put_line(const struct ctl *c, struct sp_str line, struct sp_buf *b, int *status)
{
    struct sp_diag d;
    if (sp_str_eq(line, SP_STR("null"))) {
        sp_buf_lit(b, "null");
        return true;
    }
    if (line.p[0] == '{') {
        if (sp_scan_value(line.p, line.n, &sp_scan_defaults, &d) != SP_OK) {
            *status = ctl_fail(c, EXIT_DATA, NULL, "candidate: %s", d.text);
            return false;
        }
        sp_buf_str(b, line);
        return true;
    }
    bool attribute = line.n > 2 && memcmp(line.p, "a=", 2) == 0;
    put_candidate(b, attribute ? (struct sp_str){line.p + 2, line.n - 2} : line);
    return true;
}

bool spec_ice_next(const struct ctl *c, struct spec_ice *ice, struct sp_buf *b, int *status)
{
    if (ice->null) {
        ice->null = false;
        sp_buf_lit(b, "null");
        return true;
    }
    if (ice->next < ice->made) {
        char text[128];
        struct sp_buf line;
        sp_buf_init(&line, text, sizeof(text));
        sdp_candidate(&line, (unsigned)ice->next++);
        put_candidate(b, sp_buf_view(&line));
        return true;
    }
    struct sp_str line = next_line(ice);
    return line.n > 0 && put_line(c, line, b, status);
}

void spec_ice_close(struct spec_ice *ice)
{
    free(ice->text);
    *ice = (struct spec_ice){0};
}

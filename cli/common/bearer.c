/* SPDX-License-Identifier: MIT
 * The bearer token of a tool. */
#include "cli/common/bearer.h"

#include "cli/common/exits.h"
#include "cli/common/out.h"
#include "libproto/id.h"
#include "libproto/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A byte at a time: what follows the line may be a script that is read later. */
static bool read_line(int fd, char *out, size_t cap)
{
    size_t n = 0;
    ssize_t got = 1;
    char c = '\0';
    while (n + 1 < cap && c != '\n' && got > 0) {
        got = read(fd, &c, 1);
        if (got > 0) {
            out[n++] = c;
        } else if (got < 0 && errno == EINTR) {
            got = 1;
        }
    }
    out[n] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return got >= 0;
}

static bool is_one_word(const char *text)
{
    return text[0] && strlen(text) <= TOKEN_MAX && !strpbrk(text, " \t");
}

/* Gives 0 or an errno; text holds a line, maybe none. */
static int read_file(const char *path, char text[TOKEN_MAX + 3], struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fstat(fd, st) == 0 && read_line(fd, text, TOKEN_MAX + 3);
    int err = ok ? 0 : errno;
    if (fd >= 0) {
        close(fd);
    }
    return err;
}

static bool load_file(const char *path, char text[TOKEN_MAX + 3])
{
    struct stat st = {0};
    int err = 0;
    if (strcmp(path, "-") == 0) {
        err = read_line(STDIN_FILENO, text, TOKEN_MAX + 3) ? 0 : errno;
    } else {
        err = read_file(path, text, &st);
    }
    if (err || !text[0]) {
        out_fail(EXIT_DATA, NULL, "cannot read a token from %s%s%s", path, err ? ": " : "",
                 err ? strerror(err) : "");
        return false;
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        out_note("others can read the token in %s (try: chmod 600)", path);
    }
    return true;
}

bool bearer_load(struct bearer *b, const char *file, const char *text)
{
    char line[TOKEN_MAX + 3] = "";
    if (file && !load_file(file, line)) {
        return false;
    }
    if (!file && text) {
        snprintf(line, sizeof(line), "%s", text);
    }
    if (line[0] && !is_one_word(line)) {
        out_fail(EXIT_DATA, NULL, "the token is not one word of at most %d bytes", TOKEN_MAX);
        return false;
    }
    memcpy(b->text, line, strlen(line) + 1);
    b->file = file && strcmp(file, "-") != 0 ? file : NULL;
    return true;
}

bool bearer_reload(struct bearer *b)
{
    char line[TOKEN_MAX + 3] = "";
    struct stat st;
    if (!b->file || read_file(b->file, line, &st) != 0 || !is_one_word(line) ||
        strcmp(line, b->text) == 0) {
        return false;
    }
    memcpy(b->text, line, strlen(line) + 1);
    return true;
}

/* The claims, which borrow parts; nothing of them is verified. */
static bool read_claims(const struct bearer *b, struct token_parts *parts, struct sp_doc *doc)
{
    return !token_split(b->text, strlen(b->text), parts) &&
           sp_scan(doc, parts->payload.p, parts->payload.n, &sp_scan_replies, NULL) == SP_OK;
}

bool bearer_id(const struct bearer *b, char out[SP_ID_MAX + 1])
{
    struct token_parts parts;
    struct sp_doc doc;
    struct sp_str id = {NULL, 0};
    if (!read_claims(b, &parts, &doc) ||
        (sp_doc_str(&doc, SP_STR("sub"), out, SP_ID_MAX, &id) != SP_OK &&
         sp_doc_str(&doc, SP_STR("userId"), out, SP_ID_MAX, &id) != SP_OK) ||
        !sp_id_ok(id)) {
        return false;
    }
    memmove(out, id.p, id.n);
    out[id.n] = '\0';
    return true;
}

int64_t bearer_left_us(const struct bearer *b, int64_t wall_us)
{
    struct token_parts parts;
    struct sp_doc doc;
    const struct sp_member *exp = NULL;
    int64_t ms = 0;
    if (read_claims(b, &parts, &doc)) {
        exp = sp_doc_find(&doc, SP_STR("exp"));
    }
    if (!exp || exp->kind != SP_J_NUMBER || !token_date(sp_doc_raw(&doc, exp), &ms)) {
        return INT64_MAX;
    }
    return ms * 1000 - wall_us;
}

void bearer_header(const struct bearer *b, char out[BEARER_HEADER_MAX])
{
    snprintf(out, BEARER_HEADER_MAX, "%s%s%s", b->text[0] ? "Authorization: Bearer " : "", b->text,
             b->text[0] ? "\r\n" : "");
}

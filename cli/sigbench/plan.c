/* SPDX-License-Identifier: MIT
 * Lines of a file become options in front of those of the command line, which goes before them. */
#include "cli/sigbench/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *s)
{
    s += strspn(s, " \t\r\n");
    for (char *end = s + strlen(s); end > s && isspace((unsigned char)end[-1]); end--) {
        end[-1] = '\0';
    }
    return s;
}

static bool is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz-");
    return n > 0 && s[n] == '\0' && s[0] != '-';
}

static bool add(struct plan *p, const char *name, const char *value)
{
    char *word = NULL;
    if (p->n == PLAN_WORDS ||
        asprintf(&word, "--%s%s%s", name, value ? "=" : "", value ? value : "") < 0) {
        return false;
    }
    p->word[p->n++] = word;
    return true;
}

static bool take(struct plan *p, char *line)
{
    char *name = trim(line), *value = strchr(name, '=');
    if (*name == '\0' || *name == '#') {
        return true;
    }
    if (value) {
        *value = '\0';
        value = trim(value + 1);
        name = trim(name);
    }
    if (value && strcmp(name, "scenario") == 0) {
        free(p->scenario);
        p->scenario = strdup(value);
        return p->scenario != NULL;
    }
    return is_name(name) && add(p, name, value);
}

bool plan_read(struct plan *p, const char *path, char *why, size_t cap)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    unsigned n = 0;
    bool ok = true;
    *p = (struct plan){.n = 0};
    if (!f) {
        snprintf(why, cap, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    while (ok && getline(&line, &room, f) >= 0) {
        n++;
        ok = take(p, line);
    }
    if (!ok) {
        snprintf(why, cap, "%s:%u: want an option as name = value, and no more than %d", path, n,
                 PLAN_WORDS);
    }
    free(line);
    fclose(f);
    return ok;
}

void plan_free(struct plan *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->word[i]);
    }
    free(p->scenario);
}

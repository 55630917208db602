/* SPDX-License-Identifier: MIT
 * The lines of the options rights and role-limit (behind a '='): what parses is printed and parsed
 * to the same table, and is within its bounds. */
#include "tests/fuzz/common.h"

#include <string.h>

#include "daemon/core/limits.h"

#define LINES    64u
#define LINE_MAX 512u

/* list is some lines of an input, as the configuration hands them over. */
struct list {
    char text[LINES][LINE_MAX];
    const char *v[LINES];
    unsigned n;
};

static void add(struct list *l, struct sp_str line)
{
    if (l->n < LINES && line.n < LINE_MAX) {
        memcpy(l->text[l->n], line.p, line.n);
        l->text[l->n][line.n] = '\0';
        l->v[l->n] = l->text[l->n];
        l->n++;
    }
}

static void split(struct sp_str in, struct list *rights, struct list *limits)
{
    rights->n = limits->n = 0;
    while (in.n) {
        const char *end = memchr(in.p, '\n', in.n);
        struct sp_str line = {in.p, end ? (size_t)(end - in.p) : in.n};
        bool limit = line.n && line.p[0] == '=';
        add(limit ? limits : rights, (struct sp_str){line.p + limit, line.n - limit});
        in.p += line.n + (end != NULL);
        in.n -= line.n + (end != NULL);
    }
}

static bool is_sentence(const char *why, size_t cap)
{
    return why[0] && memchr(why, '\0', cap);
}

static void check_round_trip(const struct rights *r)
{
    static char text[RIGHTS_ROLES][16384];
    static struct rights again;
    const char *lines[RIGHTS_ROLES];
    unsigned bad;
    char why[128];

    for (unsigned i = 1; i < r->nroles; i++) {
        struct sp_buf b;
        sp_buf_init(&b, text[i], sizeof(text[i]) - 1);
        rights_put(&b, r, i);
        CHECK(!b.full);
        text[i][b.n] = '\0';
        lines[i - 1] = text[i];
    }
    CHECK(rights_parse(&again, lines, r->nroles - 1, &bad, why, sizeof(why)));
    CHECK(memcmp(r, &again, sizeof(again)) == 0);
}

static void check_limits(const struct limits *l)
{
#define LIMIT_ROW(member, name, kind, low, high)                                                   \
    CHECK((int64_t)l->member >= (low) && l->member <= (high));
#include "daemon/core/tbl/limits.h"
#undef LIMIT_ROW
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct list rights, limits;
    static struct rights r;
    static struct limits out[RIGHTS_ROLES];
    const struct limits base = {10, 20, 1024, 4096, 64, 262144, 256};
    unsigned bad = LINES;
    char why[128] = "";

    split(fuzz_str(data, size), &rights, &limits);
    if (!rights_parse(&r, rights.v, rights.n, &bad, why, sizeof(why))) {
        CHECK(bad < rights.n && is_sentence(why, sizeof(why)));
        return 0;
    }
    CHECK(r.nroles <= RIGHTS_ROLES && r.name[RIGHTS_NOBODY][0] == '\0');
    for (int t = 0; t < SP_T_COUNT; t++) {
        CHECK(r.to[RIGHTS_NOBODY][t] == 0);
    }
    check_round_trip(&r);
    if (!limits_parse(out, &base, &r, limits.v, limits.n, &bad, why, sizeof(why))) {
        CHECK(bad < limits.n && is_sentence(why, sizeof(why)));
        return 0;
    }
    for (unsigned i = 0; i < RIGHTS_ROLES; i++) {
        check_limits(&out[i]);
    }
    return 0;
}

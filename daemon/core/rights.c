/* SPDX-License-Identifier: MIT
 * The rights table: its defaults, its grammar both ways. */
#include "daemon/core/rights.h"

#include "libproto/id.h"
#include "libproto/units.h"

#include <stdio.h>

#define EVERYBODY UINT32_MAX
#define BLANK     " \t"

static const struct {
    const char *role, *grants;
} presets[] = {
#define RIGHTS_ROW(name, text) {name, text},
#include "daemon/core/tbl/rights.h"
#undef RIGHTS_ROW
};

#define NPRESETS (sizeof(presets) / sizeof(presets[0]))

/* Words for several requests at once: every request of the classes in the set. */
static const struct {
    const char *word;
    unsigned classes;
} groups[] = {
    {"signal", 1u << SP_CLASS_RELAY},
    {"admin", 1u << SP_CLASS_ADMIN},
    {"all", 1u << SP_CLASS_RELAY | 1u << SP_CLASS_QUERY | 1u << SP_CLASS_ADMIN},
};

#define NGROUPS (sizeof(groups) / sizeof(groups[0]))

/* What rights are about: requests, and what monitors may see. */
static bool is_verb(enum sp_type t)
{
    const struct sp_request *row = sp_request_row(t);
    return t == SP_T_CONTENT || (row && row->class != SP_CLASS_FREE);
}

static enum sp_class class_of(enum sp_type t)
{
    return t == SP_T_CONTENT ? SP_CLASS_ADMIN : sp_request_row(t)->class;
}

static bool has_target(enum sp_type t)
{
    const struct sp_request *row = sp_request_row(t);
    return class_of(t) != SP_CLASS_ADMIN || (row && (row->required & SP_B(TARGET)));
}

/* One parse: where it is and what it complains about. */
struct parse {
    struct rights *r;
    uint32_t named; /* the roles that had their line */
    char *why;
    size_t cap;
};

static bool complain(struct parse *p, const char *what, struct sp_str word, const char *near)
{
    snprintf(p->why, p->cap, "%s '%.*s'%s%s%s", what, word.n < 64 ? (int)word.n : 64, word.p,
             near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

/* The next word of a list with that separator; false at the end. */
static bool next(struct sp_str *s, const char *separators, struct sp_str *word)
{
    *word = sp_cut(s, separators);
    return word->n > 0;
}

unsigned rights_role(const struct rights *r, struct sp_str name)
{
    for (unsigned i = 1; i < r->nroles; i++) {
        if (sp_str_eq(sp_str(r->name[i]), name)) {
            return i;
        }
    }
    return RIGHTS_NOBODY;
}

unsigned rights_role_of_token(const struct rights *r, struct sp_str name)
{
    unsigned i = rights_role(r, name);
    return i == RIGHTS_LOCAL || i == RIGHTS_ANONYMOUS ? RIGHTS_NOBODY : i;
}

static bool add_role(struct parse *p, struct sp_str name)
{
    struct rights *r = p->r;
    if (name.n > SP_ROLE_MAX || !sp_id_ok(name)) {
        return complain(p, "not a role's name:", name, NULL);
    }
    if (rights_role(r, name) != RIGHTS_NOBODY) {
        return true;
    }
    if (r->nroles == RIGHTS_ROLES) {
        return complain(p, "too many roles with", name, NULL);
    }
    memcpy(r->name[r->nroles++], name.p, name.n);
    return true;
}

static bool take_role(struct parse *p, struct sp_str name, uint32_t *set)
{
    unsigned i = rights_role(p->r, name);
    if (i == RIGHTS_NOBODY) {
        struct sp_guess g = sp_guess_init(name);
        for (unsigned k = 1; k < p->r->nroles; k++) {
            sp_guess_consider(&g, p->r->name[k]);
        }
        return complain(p, "unknown role", name, g.best);
    }
    *set |= 1u << i;
    return true;
}

static bool take_roles(struct parse *p, struct sp_str list, uint32_t *set)
{
    struct sp_str name;
    *set = 0;
    if (list.n == 0) {
        return complain(p, "no role behind", SP_STR(">"), NULL);
    }
    while (next(&list, ",", &name)) {
        if (!take_role(p, name, set)) {
            return false;
        }
    }
    return true;
}

static bool unknown_verb(struct parse *p, struct sp_str word)
{
    struct sp_guess g = sp_guess_init(word);
    for (int t = 1; t < SP_T_COUNT; t++) {
        if (is_verb((enum sp_type)t)) {
            sp_guess_consider(&g, sp_type_wire((enum sp_type)t));
        }
    }
    for (size_t i = 0; i < NGROUPS; i++) {
        sp_guess_consider(&g, groups[i].word);
    }
    return complain(p, "unknown right", word, g.best);
}

static bool grant_group(struct parse *p, unsigned role, unsigned classes, uint32_t set)
{
    for (int t = 1; t < SP_T_COUNT; t++) {
        enum sp_type type = (enum sp_type)t;
        if (is_verb(type) && (classes >> class_of(type) & 1u)) {
            p->r->to[role][t] |= has_target(type) ? set : EVERYBODY;
        }
    }
    return true;
}

static bool grant_verb(struct parse *p, unsigned role, struct sp_str word, uint32_t set)
{
    for (size_t i = 0; i < NGROUPS; i++) {
        if (sp_str_eq(sp_str(groups[i].word), word)) {
            return grant_group(p, role, groups[i].classes, set);
        }
    }
    enum sp_type t = sp_type_find(word);
    if (t == SP_T_NONE || !is_verb(t)) {
        return unknown_verb(p, word);
    }
    if (set != EVERYBODY && !has_target(t)) {
        return complain(p, "no target belongs to", word, NULL);
    }
    p->r->to[role][t] |= set;
    return true;
}

static bool take_grant(struct parse *p, unsigned role, struct sp_str grant)
{
    const char *arrow = memchr(grant.p, '>', grant.n);
    uint32_t set = EVERYBODY;
    struct sp_str verbs = grant, word;
    if (arrow) {
        verbs.n = (size_t)(arrow - grant.p);
        struct sp_str roles = {arrow + 1, grant.n - verbs.n - 1};
        if (!take_roles(p, roles, &set)) {
            return false;
        }
    }
    if (verbs.n == 0) {
        return complain(p, "no right before", grant, NULL);
    }
    while (next(&verbs, ",", &word)) {
        if (!grant_verb(p, role, word, set)) {
            return false;
        }
    }
    return true;
}

static bool take_grants(struct parse *p, unsigned role, struct sp_str grants)
{
    struct sp_str grant;
    while (next(&grants, BLANK, &grant)) {
        if (!take_grant(p, role, grant)) {
            return false;
        }
    }
    return true;
}

/* The row is emptied first: what the line does not grant is not granted. */
static bool take_line(struct parse *p, struct sp_str line)
{
    struct sp_str role, first;
    next(&line, BLANK, &role);
    unsigned i = rights_role(p->r, role);
    memset(p->r->to[i], 0, sizeof(p->r->to[i]));
    struct sp_str rest = line;
    if (!next(&rest, BLANK, &first)) {
        return complain(p, "nothing is granted or denied ('none') to", role, NULL);
    }
    if (!sp_str_eq(first, SP_STR("none"))) {
        return take_grants(p, i, line);
    }
    return next(&rest, BLANK, &first) ? complain(p, "none stands alone, not with", first, NULL)
                                      : true;
}

static bool name_role(struct parse *p, struct sp_str line)
{
    struct sp_str role;
    if (!next(&line, BLANK, &role)) {
        snprintf(p->why, p->cap, "expected ROLE and what it may do");
        return false;
    }
    if (!add_role(p, role)) {
        return false;
    }
    uint32_t bit = 1u << rights_role(p->r, role);
    if (p->named & bit) {
        return complain(p, "there is a row already for", role, NULL);
    }
    p->named |= bit;
    return true;
}

bool rights_parse(struct rights *r, const char *const *lines, unsigned n, unsigned *bad, char *why,
                  size_t cap)
{
    struct parse p = {.r = r, .why = why, .cap = cap};
    memset(r, 0, sizeof(*r));
    r->nroles = 1;
    for (size_t i = 0; i < NPRESETS; i++) {
        add_role(&p, sp_str(presets[i].role));
    }
    /* all names first, since a line may speak of roles that come later */
    for (*bad = 0; *bad < n; ++*bad) {
        if (!name_role(&p, sp_str(lines[*bad]))) {
            return false;
        }
    }
    for (size_t i = 0; i < NPRESETS; i++) {
        take_grants(&p, rights_role(r, sp_str(presets[i].role)), sp_str(presets[i].grants));
    }
    for (*bad = 0; *bad < n; ++*bad) {
        if (!take_line(&p, sp_str(lines[*bad]))) {
            return false;
        }
    }
    return true;
}

static void put_verbs(struct sp_buf *b, const struct rights *r, unsigned role, int first)
{
    uint32_t set = r->to[role][first];
    sp_buf_lit(b, " ");
    for (int t = first; t < SP_T_COUNT; t++) {
        if (is_verb((enum sp_type)t) && r->to[role][t] == set) {
            if (t != first) {
                sp_buf_lit(b, ",");
            }
            sp_buf_str(b, sp_str(sp_type_wire((enum sp_type)t)));
        }
    }
    for (unsigned i = 1; i < r->nroles && set != EVERYBODY; i++) {
        if (set >> i & 1u) {
            uint32_t before = set & ((1u << i) - 1);
            sp_buf_str(b, before ? SP_STR(",") : SP_STR(">"));
            sp_buf_str(b, sp_str(r->name[i]));
        }
    }
}

void rights_put(struct sp_buf *b, const struct rights *r, unsigned role)
{
    bool any = false;
    sp_buf_str(b, sp_str(r->name[role]));
    for (int t = 1; t < SP_T_COUNT; t++) {
        bool told = r->to[role][t] == 0;
        for (int k = 1; k < t && !told; k++) {
            told = r->to[role][k] == r->to[role][t];
        }
        if (!told) {
            put_verbs(b, r, role, t);
            any = true;
        }
    }
    if (!any) {
        sp_buf_lit(b, " none");
    }
}

/* SPDX-License-Identifier: MIT
 * The default rights, cell by cell, written down a second time. */
#include "tests/core/rights_want.h"

#include <stddef.h>
#include <string.h>

const char *const want_roles[WANT_ROLES] = {"",       "local",    "anonymous", "drone",
                                            "camera", "operator", "monitor",   "admin"};
const char *const want_verbs[WANT_VERBS] = {"offer", "answer", "ice",     "bye",
                                            "list",  "watch",  "monitor", "sessions",
                                            "stats", "kick",   "drain",   "reload"};

/* One column per target's role, in the order of want_roles. */
static const struct {
    const char *role, *verb, *targets;
} rows[] = {
    {"local", "offer", "++++++++"},       {"local", "answer", "++++++++"},
    {"local", "ice", "++++++++"},         {"local", "bye", "++++++++"},
    {"local", "list", "++++++++"},        {"local", "watch", "++++++++"},
    {"local", "monitor", "++++++++"},     {"local", "sessions", "++++++++"},
    {"local", "stats", "++++++++"},       {"local", "kick", "++++++++"},
    {"local", "drain", "++++++++"},       {"local", "reload", "++++++++"},
    {"anonymous", "offer", "++++++++"},   {"anonymous", "answer", "++++++++"},
    {"anonymous", "ice", "++++++++"},     {"anonymous", "bye", "++++++++"},
    {"anonymous", "list", "++++++++"},    {"anonymous", "watch", "++++++++"},
    {"anonymous", "monitor", "........"}, {"anonymous", "sessions", "........"},
    {"anonymous", "stats", "........"},   {"anonymous", "kick", "........"},
    {"anonymous", "drain", "........"},   {"anonymous", "reload", "........"},
    {"drone", "offer", "....++.+"},       {"drone", "answer", "....++.+"},
    {"drone", "ice", "....++.+"},         {"drone", "bye", "....++.+"},
    {"drone", "list", "....++.."},        {"drone", "watch", "....++.."},
    {"drone", "monitor", "........"},     {"drone", "sessions", "........"},
    {"drone", "stats", "........"},       {"drone", "kick", "........"},
    {"drone", "drain", "........"},       {"drone", "reload", "........"},
    {"camera", "offer", "...+.+.+"},      {"camera", "answer", "...+.+.+"},
    {"camera", "ice", "...+.+.+"},        {"camera", "bye", "...+.+.+"},
    {"camera", "list", "........"},       {"camera", "watch", "........"},
    {"camera", "monitor", "........"},    {"camera", "sessions", "........"},
    {"camera", "stats", "........"},      {"camera", "kick", "........"},
    {"camera", "drain", "........"},      {"camera", "reload", "........"},
    {"operator", "offer", "...+++.+"},    {"operator", "answer", "...+++.+"},
    {"operator", "ice", "...+++.+"},      {"operator", "bye", "...+++.+"},
    {"operator", "list", "++++++++"},     {"operator", "watch", "++++++++"},
    {"operator", "monitor", "........"},  {"operator", "sessions", "........"},
    {"operator", "stats", "........"},    {"operator", "kick", "........"},
    {"operator", "drain", "........"},    {"operator", "reload", "........"},
    {"monitor", "offer", "........"},     {"monitor", "answer", "........"},
    {"monitor", "ice", "........"},       {"monitor", "bye", "........"},
    {"monitor", "list", "++++++++"},      {"monitor", "watch", "++++++++"},
    {"monitor", "monitor", "++++++++"},   {"monitor", "sessions", "++++++++"},
    {"monitor", "stats", "++++++++"},     {"monitor", "kick", "........"},
    {"monitor", "drain", "........"},     {"monitor", "reload", "........"},
    {"admin", "offer", "++++++++"},       {"admin", "answer", "++++++++"},
    {"admin", "ice", "++++++++"},         {"admin", "bye", "++++++++"},
    {"admin", "list", "++++++++"},        {"admin", "watch", "++++++++"},
    {"admin", "monitor", "++++++++"},     {"admin", "sessions", "++++++++"},
    {"admin", "stats", "++++++++"},       {"admin", "kick", "++++++++"},
    {"admin", "drain", "++++++++"},       {"admin", "reload", "++++++++"},
};

static size_t column_of(const char *role)
{
    size_t i = WANT_ROLES;
    while (--i > 0 && strcmp(want_roles[i], role) != 0) {
    }
    return i;
}

bool want_may(const char *role, const char *verb, const char *target)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].role, role) == 0 && strcmp(rows[i].verb, verb) == 0) {
            return rows[i].targets[column_of(target)] == '+';
        }
    }
    return false;
}

bool want_any(const char *role, const char *verb)
{
    for (size_t i = 0; i < WANT_ROLES; i++) {
        if (want_may(role, verb, want_roles[i])) {
            return true;
        }
    }
    return false;
}

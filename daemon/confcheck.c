/* SPDX-License-Identifier: MIT
 * From the texts of a configuration to its values. */
#include "daemon/confsrc.h"

#include "libproto/id.h"
#include "libproto/units.h"

#include <string.h>

#define CLUSTER_KEY_MIN 16u

static bool parse_flag(const char *s, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0) {
            *out = i & 1;
            return true;
        }
    }
    return false;
}

static bool parse_quantity(const struct conf_row *row, const char *s, int64_t *v)
{
    bool minus = row->type == CONF_NUMBER && s[0] == '-';
    struct sp_str text = sp_str(s + minus);
    bool ok = row->type == CONF_SIZE       ? sp_parse_size(text, v)
              : row->type == CONF_DURATION ? sp_parse_duration(text, 1000, v)
                                           : sp_parse_count(text, v);
    *v = minus ? -*v : *v;
    return ok;
}

static bool is_word_of(const char *s, const char *words)
{
    size_t n = strlen(s);
    for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|') {
        if (strcspn(p, "|") == n && strncmp(p, s, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool convert_quantity(struct conf_fill *f, const struct conf_row *row,
                             const struct conf_value *v, int64_t *out)
{
    if (!parse_quantity(row, v->text[0], out)) {
        return conf_fail(f, "%s: %s: '%.64s' is not %s", v->where[0], row->name, v->text[0],
                         row->type == CONF_SIZE       ? "a size such as 64K"
                         : row->type == CONF_DURATION ? "a duration such as 250ms or 30s"
                                                      : "a number");
    }
    if (*out < row->low || *out > row->high) {
        int64_t unit = row->type == CONF_DURATION ? 1000 : 1;
        return conf_fail(f, "%s: %s: '%.64s' is out of range, %lld to %lld%s", v->where[0],
                         row->name, v->text[0], (long long)(row->low / unit),
                         (long long)(row->high / unit), row->type == CONF_DURATION ? " ms" : "");
    }
    return true;
}

/* An empty text is a variable that somebody forgot to fill in; it must not open a door. */
static bool convert_list(struct conf_fill *f, const struct conf_row *row,
                         const struct conf_value *v, struct conf_list *out)
{
    for (unsigned i = 0; i < v->n; i++) {
        if (v->text[i][0] == '\0') {
            return conf_fail(f, "%s: %s is empty", v->where[i], row->name);
        }
        out->v[i] = v->text[i];
    }
    out->n = v->n;
    return true;
}

static bool convert_text(struct conf_fill *f, const struct conf_row *row,
                         const struct conf_value *v, const char **out)
{
    const char *text = *out = v->text[0];
    if (text[0] == '\0') {
        return conf_fail(f, "%s: %s is empty", v->where[0], row->name);
    }
    if (row->type == CONF_WORD && !sp_id_ok(sp_str(text))) {
        return conf_fail(f, "%s: %s: '%.64s' is not a name of A-Z a-z 0-9 . _ : @ -", v->where[0],
                         row->name, text);
    }
    if (row->type == CONF_CHOICE && !is_word_of(text, row->arg)) {
        return conf_fail(f, "%s: %s: '%.64s' is not one of %s", v->where[0], row->name, text,
                         row->arg);
    }
    return true;
}

static bool convert(struct conf *c, struct conf_fill *f, const struct conf_row *row)
{
    const struct conf_value *v = conf_value_of(f->bank, row);
    void *field = (char *)c + row->off;
    if (v->n == 0) {
        return true;
    }
    switch (row->type) {
    case CONF_STRING:
    case CONF_SECRET:
    case CONF_WORD:
    case CONF_CHOICE:
        return convert_text(f, row, v, field);
    case CONF_NUMBER:
    case CONF_SIZE:
    case CONF_DURATION:
        return convert_quantity(f, row, v, field);
    case CONF_FLAG:
        return parse_flag(v->text[0], field) ||
               conf_fail(f, "%s: %s: '%.64s' is neither true nor false", v->where[0], row->name,
                         v->text[0]);
    case CONF_LIST:
        return convert_list(f, row, v, field);
    }
    return true;
}

bool conf_convert(struct conf *c, struct conf_fill *f, bool *flag)
{
    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < CONF_ROWS; i++) {
        *flag = f->bank->v[i].source == CONF_FROM_FLAG;
        if (!convert(c, f, &conf_rows[i])) {
            return false;
        }
    }
    *flag = false;
    return true;
}

/* ---------------------------------------------------------------- options together */

static bool find_lacks(const struct conf *c, struct conf_fill *f)
{
    const struct {
        unsigned at;
        bool lacks;
        const char *other;
    } pairs[] = {
        {CONF_AT_tls_cert, c->tls_cert && !c->tls_key, "tls-key"},
        {CONF_AT_tls_key, c->tls_key && !c->tls_cert, "tls-cert"},
        {CONF_AT_client_ca, c->client_ca && !c->tls_cert, "tls-cert"},
        {CONF_AT_crl, c->crl && !c->client_ca, "client-ca"},
        {CONF_AT_client_cert, c->client_cert[0] != 'n' && !c->client_ca, "client-ca"},
        {CONF_AT_turn_user, c->turn_user && !c->turn_password_file, "turn-password-file"},
        {CONF_AT_turn_password_file, c->turn_password_file && !c->turn_user, "turn-user"},
        {CONF_AT_audit_required, c->audit_required && !c->audit, "audit"},
        {CONF_AT_redis, c->redis && !c->cluster_key_file, "cluster-key-file"},
        {CONF_AT_cluster_key_file, c->cluster_key_file && !c->redis, "redis"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i].lacks) {
            return conf_fail(f, "%s: %s needs %s", f->bank->v[pairs[i].at].where[0],
                             conf_rows[pairs[i].at].name, pairs[i].other);
        }
    }
    return true;
}

/* Reads the file that an option names, if it does, once. */
static bool read_secret(struct conf_fill *f, unsigned at, const char *path, char **slot,
                        const char **out)
{
    if (!path) {
        return true;
    }
    *out = *slot = conf_read_secret(f, f->bank->v[at].where[0], path);
    return *out;
}

static bool check_cluster(struct conf *c, struct conf_fill *f)
{
    const struct conf_value *v = f->bank->v;
    if (!c->redis) {
        return true;
    }
    if (v[CONF_AT_node].source == CONF_FROM_DEFAULT) {
        return conf_fail(f, "%s: redis needs a node of its own name, or two would have the same",
                         v[CONF_AT_redis].where[0]);
    }
    if (!read_secret(f, CONF_AT_cluster_key_file, c->cluster_key_file, &f->bank->cluster_key,
                     &c->cluster_key)) {
        return false;
    }
    return strlen(c->cluster_key) >= CLUSTER_KEY_MIN ||
           conf_fail(f, "%s: the key in %s has less than %u bytes",
                     v[CONF_AT_cluster_key_file].where[0], c->cluster_key_file, CLUSTER_KEY_MIN);
}

static bool read_secrets(struct conf *c, struct conf_fill *f)
{
    struct conf_bank *b = f->bank;
    if (c->turn_secret_file && c->turn_user) {
        return conf_fail(f, "%s: turn-secret-file: there is a turn-user too, from %s",
                         b->v[CONF_AT_turn_secret_file].where[0], b->v[CONF_AT_turn_user].where[0]);
    }
    if (c->jwt_secret_file && c->jwt_secret) {
        return conf_fail(f, "%s: jwt-secret-file: there is a jwt-secret too, from %s",
                         b->v[CONF_AT_jwt_secret_file].where[0], b->v[CONF_AT_jwt_secret].where[0]);
    }
    return read_secret(f, CONF_AT_jwt_secret_file, c->jwt_secret_file, &b->secret,
                       &c->jwt_secret) &&
           read_secret(f, CONF_AT_turn_secret_file, c->turn_secret_file, &b->turn_secret,
                       &c->turn_secret) &&
           read_secret(f, CONF_AT_turn_password_file, c->turn_password_file, &b->turn_password,
                       &c->turn_password);
}

bool conf_check_together(struct conf *c, struct conf_fill *f)
{
    const struct conf_value *v = f->bank->v;
    if (!find_lacks(c, f) || !check_cluster(c, f)) {
        return false;
    }
    if (c->byte_rate && c->byte_burst < c->max_message) {
        return conf_fail(f, "%s: byte-burst is less than max-message: the largest would not pass",
                         v[CONF_AT_byte_burst].where[0]);
    }
    return read_secrets(c, f);
}

/* SPDX-License-Identifier: MIT
 * A set of client ids. */
#include "cli/sigctl/ids.h"

#include "libproto/event.h"
#include "libproto/id.h"

#include <stdlib.h>
#include <sys/random.h>

static struct sp_str key_of(const void *value)
{
    return sp_str(value);
}

bool ids_init(struct ids *s, const char *match)
{
    uint8_t secret[16];
    s->match = match;
    return getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret) &&
           sp_map_init(&s->map, key_of, secret);
}

const char *ids_each(const struct ids *s, size_t *at)
{
    while (s->map.slots && *at <= s->map.mask) {
        const char *id = s->map.slots[(*at)++].value;
        if (id) {
            return id;
        }
    }
    return NULL;
}

void ids_clear(struct ids *s)
{
    for (;;) {
        size_t at = 0;
        const char *id = ids_each(s, &at);
        if (!id) {
            return;
        }
        free(sp_map_del(&s->map, sp_str(id)));
    }
}

void ids_fini(struct ids *s)
{
    ids_clear(s);
    sp_map_fini(&s->map);
}

size_t ids_count(const struct ids *s)
{
    return s->map.count;
}

static void add(struct ids *s, struct sp_str id)
{
    if (!sp_id_ok(id) || sp_map_get(&s->map, id) ||
        (s->match && !sp_glob_match(sp_str(s->match), id))) {
        return;
    }
    char *copy = strndup(id.p, id.n);
    if (copy && !sp_map_put(&s->map, copy)) {
        free(copy);
    }
}

void ids_list(struct ids *s, const struct link_msg *m)
{
    const struct sp_member *clients = sp_doc_find(&m->doc, SP_STR("clients"));
    struct sp_str one;
    char id[SP_ID_MAX];
    size_t at = 0;
    while (clients && clients->kind == SP_J_ARRAY &&
           sp_each_element(sp_doc_raw(&m->doc, clients), &at, &one)) {
        size_t n = one.p[0] == '"' ? sp_unescape(id, sizeof(id), one) : SIZE_MAX;
        if (n != SIZE_MAX) {
            add(s, (struct sp_str){id, n});
        }
    }
}

void ids_presence(struct ids *s, const struct link_msg *m)
{
    char word[SP_WORD_MAX], scratch[SP_ID_MAX];
    struct sp_str event = link_text(m, "event", word, sizeof(word));
    struct sp_str id = link_text(m, "id", scratch, sizeof(scratch));
    if (sp_str_eq(event, SP_STR("leave"))) {
        free(sp_map_del(&s->map, id));
    } else if (sp_str_eq(event, SP_STR("join"))) {
        add(s, id);
    }
}

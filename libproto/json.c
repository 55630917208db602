/* SPDX-License-Identifier: MIT
 * The streaming JSON writer. */
#include "libproto/json.h"

#include <assert.h>

void sp_json_init(struct sp_json *j, struct sp_buf *b)
{
    *j = (struct sp_json){.b = b};
}

static void lead(struct sp_json *j, const char *key)
{
    if (j->comma[j->depth]) {
        sp_buf_lit(j->b, ",");
    }
    j->comma[j->depth] = true;
    if (key) {
        sp_buf_lit(j->b, "\"");
        sp_buf_str(j->b, sp_str(key));
        sp_buf_lit(j->b, "\":");
    }
}

static void open_with(struct sp_json *j, const char *key, const char *bracket)
{
    lead(j, key);
    sp_buf_put(j->b, bracket, 1);
    assert(j->depth < SP_JSON_DEPTH);
    j->comma[++j->depth] = false;
}

void sp_json_object(struct sp_json *j, const char *key)
{
    open_with(j, key, "{");
}

void sp_json_array(struct sp_json *j, const char *key)
{
    open_with(j, key, "[");
}

void sp_json_end(struct sp_json *j, char bracket)
{
    assert(j->depth > 0);
    j->depth--;
    sp_buf_put(j->b, &bracket, 1);
}

void sp_json_str(struct sp_json *j, const char *key, struct sp_str v)
{
    lead(j, key);
    sp_buf_json(j->b, v);
}

void sp_json_int(struct sp_json *j, const char *key, int64_t v)
{
    lead(j, key);
    sp_buf_int(j->b, v);
}

void sp_json_bool(struct sp_json *j, const char *key, bool v)
{
    lead(j, key);
    sp_buf_str(j->b, v ? SP_STR("true") : SP_STR("false"));
}

void sp_json_raw(struct sp_json *j, const char *key, struct sp_str v)
{
    lead(j, key);
    sp_buf_str(j->b, v);
}

void sp_json_str_opt(struct sp_json *j, const char *key, struct sp_str v)
{
    if (v.n) {
        sp_json_str(j, key, v);
    }
}

/* SPDX-License-Identifier: MIT
 * Messages as bytes: what the server sends and what clients ask. Ids have passed their grammar and
 * need no escaping. */
#include "libproto/msg.h"

static void put_id(struct sp_buf *b, const char *lead, size_t n, struct sp_str id)
{
    sp_buf_put(b, lead, n);
    sp_buf_str(b, id);
    sp_buf_lit(b, "\"");
}

#define PUT_ID(b, lead, id) put_id((b), (lead), sizeof(lead) - 1, (id))

void sp_put_relay(struct sp_buf *b, const struct sp_stamped *s, const struct sp_msg *m)
{
    PUT_ID(b, "{\"type\":\"", sp_str(sp_type_wire(s->type)));
    PUT_ID(b, ",\"from\":\"", s->from);
    if (s->session.n) {
        PUT_ID(b, ",\"sessionId\":\"", s->session);
    }
    if (s->polite >= 0) {
        sp_buf_str(b, s->polite ? SP_STR(",\"polite\":true") : SP_STR(",\"polite\":false"));
    }
    if (s->type == SP_T_BYE && !sp_msg_has(m, SP_M_REASON)) {
        PUT_ID(b, ",\"reason\":\"", sp_str(sp_bye_wire(SP_BYE_HANGUP)));
    }
    PUT_ID(b, ",\"timestamp\":\"", s->timestamp);
    for (uint32_t i = 0; i < m->npass; i++) {
        sp_buf_lit(b, ",");
        sp_buf_str(b, m->pass[i]);
    }
    sp_buf_lit(b, "}");
}

void sp_put_error(struct sp_buf *b, enum sp_err e, struct sp_str details, struct sp_str rid,
                  struct sp_str target, int64_t retry_after_ms, struct sp_str timestamp)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("error"));
    sp_json_str(&j, "code", sp_str(sp_err_wire(e)));
    sp_json_str(&j, "message", sp_str(sp_err_text(e)));
    sp_json_str(&j, "details", details);
    sp_json_bool(&j, "retryable", sp_err_retryable(e));
    if (retry_after_ms >= 0) {
        sp_json_int(&j, "retryAfter", retry_after_ms);
    }
    if (rid.n) {
        sp_json_raw(&j, "rid", rid);
    }
    sp_json_str_opt(&j, "target", target);
    sp_json_str(&j, "timestamp", timestamp);
    sp_json_end(&j, '}');
}

void sp_put_ack(struct sp_buf *b, struct sp_str rid, struct sp_str session, struct sp_str timestamp)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("ack"));
    sp_json_raw(&j, "rid", rid);
    sp_json_str_opt(&j, "sessionId", session);
    sp_json_str(&j, "timestamp", timestamp);
    sp_json_end(&j, '}');
}

void sp_put_bye(struct sp_buf *b, struct sp_str from, struct sp_str session, enum sp_bye reason,
                struct sp_str timestamp)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("bye"));
    sp_json_str(&j, "from", from);
    sp_json_str(&j, "sessionId", session);
    sp_json_str(&j, "reason", sp_str(sp_bye_wire(reason)));
    sp_json_str(&j, "timestamp", timestamp);
    sp_json_end(&j, '}');
}

void sp_put_register(struct sp_buf *b, struct sp_str id, struct sp_str role, struct sp_str meta,
                     struct sp_str token, struct sp_str resume, struct sp_str rid)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("register"));
    sp_json_str(&j, "id", id);
    sp_json_str_opt(&j, "role", role);
    if (meta.n) {
        sp_json_raw(&j, "meta", meta);
    }
    sp_json_str_opt(&j, "token", token);
    sp_json_str_opt(&j, "resume", resume);
    if (rid.n) {
        sp_json_raw(&j, "rid", rid);
    }
    sp_json_end(&j, '}');
}

void sp_put_send(struct sp_buf *b, struct sp_str type, struct sp_str target, struct sp_str session,
                 struct sp_str body, struct sp_str rid)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", type);
    sp_json_str_opt(&j, "target", target);
    sp_json_str_opt(&j, "sessionId", session);
    if (rid.n) {
        sp_json_raw(&j, "rid", rid);
    }
    if (body.n) {
        sp_json_raw(&j, NULL, body);
    }
    sp_json_end(&j, '}');
}

/* SPDX-License-Identifier: MIT
 * What tests expect of messages, events and closes, checked with libproto's own scanner. */
#include "tests/core/world.h"

#include "libproto/event.h"

const struct sp_scan_limits wide = {64, SP_DOC_MAX, 100000};

static bool open_doc(struct sp_doc *doc, const char *json)
{
    struct sp_diag d;
    if (sp_scan(doc, json, strlen(json), &wide, &d)) {
        print_error("not a message (%s): %s\n", d.text, json);
        return false;
    }
    return true;
}

bool value_of(const char *json, const char *key, char *out, size_t cap)
{
    struct sp_doc doc;
    const struct sp_member *m = open_doc(&doc, json) ? sp_doc_find(&doc, sp_str(key)) : NULL;
    if (!m) {
        return false;
    }
    struct sp_str raw = sp_doc_raw(&doc, m);
    size_t n = raw.n;
    if (m->kind == SP_J_STRING) {
        n = sp_unescape(out, cap - 1, raw);
        assert_true(n != SIZE_MAX);
    } else {
        assert_true(n < cap);
        memcpy(out, raw.p, n);
    }
    out[n] = '\0';
    return true;
}

int64_t number_of(const char *json, const char *key)
{
    struct sp_doc doc;
    int64_t v = -1;
    return open_doc(&doc, json) && sp_doc_int(&doc, sp_str(key), &v) == SP_OK ? v : -1;
}

int count_in(const char *json, const char *key)
{
    struct sp_doc doc;
    const struct sp_member *m = open_doc(&doc, json) ? sp_doc_find(&doc, sp_str(key)) : NULL;
    if (!m || m->kind != SP_J_ARRAY) {
        return -1;
    }
    struct sp_str element;
    size_t pos = 0;
    int n = 0;
    while (sp_each_element(sp_doc_raw(&doc, m), &pos, &element)) {
        n++;
    }
    return n;
}

/* want is "key=value" or "!key". */
static bool holds(const char *json, const char *want)
{
    static char value[256 * 1024];
    char key[64];
    if (want[0] == '!') {
        return !value_of(json, want + 1, value, sizeof(value));
    }
    const char *eq = strchr(want, '=');
    assert_non_null(eq);
    snprintf(key, sizeof(key), "%.*s", (int)(eq - want), want);
    return value_of(json, key, value, sizeof(value)) && strcmp(value, eq + 1) == 0;
}

static bool holds_all(const char *json, va_list ap)
{
    const char *want;
    while ((want = va_arg(ap, const char *))) {
        if (!holds(json, want)) {
            print_error("expected %s in %.2000s\n", want, json);
            return false;
        }
    }
    return true;
}

static const char *next_message(const char *file, int line, struct sock *s, const char *what)
{
    if (unread(s) == 0) {
        print_error("expected %s, there is no message; close code %u\n", what, s->close_code);
        _fail(file, line);
    }
    return s->in.v[s->in.read++].p;
}

const char *world_expect(const char *file, int line, struct sock *s, const char *type, ...)
{
    const char *json = next_message(file, line, s, type);
    char got[64] = "";
    if (!value_of(json, "type", got, sizeof(got)) || strcmp(got, type) != 0 ||
        strncmp(json, "{\"type\":", 8) != 0) {
        print_error("expected type %s first in %.2000s\n", type, json);
        _fail(file, line);
    }
    va_list ap;
    va_start(ap, type);
    bool ok = holds_all(json, ap);
    va_end(ap);
    if (!ok) {
        _fail(file, line);
    }
    return json;
}

void world_expect_text(const char *file, int line, struct sock *s, const char *text)
{
    const char *json = next_message(file, line, s, text);
    size_t i = 0;
    while (text[i] && json[i] == (text[i] == '\'' ? '"' : text[i])) {
        i++;
    }
    if (text[i] || json[i]) {
        print_error("expected %s\n     got %s\n", text, json);
        _fail(file, line);
    }
}

void world_expect_nothing(const char *file, int line, struct sock *s)
{
    if (unread(s)) {
        print_error("unexpected message: %.2000s\n", s->in.v[s->in.read].p);
        _fail(file, line);
    }
    if (s->closes || s->over) {
        print_error("unexpected close %u\n", s->close_code);
        _fail(file, line);
    }
}

void world_expect_closed(const char *file, int line, struct sock *s, unsigned code)
{
    size_t n = strlen(s->close_reason);
    if (s->closes != 1 || s->close_code != code || n == 0 || n > SP_REASON_MAX) {
        print_error("expected one close %u; there were %u, the last with %u '%s'\n", code,
                    s->closes, s->close_code, s->close_reason);
        _fail(file, line);
    }
    if (unread(s)) {
        print_error("unexpected message: %.2000s\n", s->in.v[s->in.read].p);
        _fail(file, line);
    }
}

const char *world_expect_event(const char *file, int line, struct world *w, const char *word, ...)
{
    char want[64];
    snprintf(want, sizeof(want), "event=%s", word);
    for (size_t i = w->events.n; i-- > 0;) {
        if (!holds(w->events.v[i].p, want)) {
            continue;
        }
        va_list ap;
        va_start(ap, word);
        bool ok = holds_all(w->events.v[i].p, ap);
        va_end(ap);
        if (!ok) {
            _fail(file, line);
        }
        return w->events.v[i].p;
    }
    print_error("there was no event %s\n", word);
    _fail(file, line);
    return "";
}

const char *call(struct sock *a, struct sock *b, const char *from, const char *to)
{
    static char session[SP_ID_MAX + 1];
    char want[160];
    say(a, "{'type':'offer','target':'%s','sdp':'v=0'}", to);
    snprintf(want, sizeof(want), "from=%s", from);
    const char *offer = expect(b, "offer", want);
    assert_true(value_of(offer, "sessionId", session, sizeof(session)));
    return session;
}

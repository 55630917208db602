/* SPDX-License-Identifier: MIT
 * Received messages for people and for conditions. */
#include "cli/sigctl/show.h"

#include "cli/common/out.h"
#include "libproto/id.h"
#include "libproto/msg.h"
#include "libproto/summary.h"

#include <time.h>

static struct sp_str raw_member(const struct link_msg *m, struct sp_str key)
{
    const struct sp_member *member = sp_doc_find(&m->doc, key);
    return member ? sp_doc_raw(&m->doc, member) : (struct sp_str){NULL, 0};
}

static struct sp_str summary_of(const struct link_msg *m)
{
    struct sp_str sdp = raw_member(m, SP_STR("sdp"));
    struct sp_str candidate = raw_member(m, SP_STR("candidate"));
    if (sdp.n > 0) {
        return sp_sdp_summary(sp_sdp_media(sdp));
    }
    return candidate.n > 0 ? sp_candidate_summary(candidate) : (struct sp_str){NULL, 0};
}

static void put_word(FILE *f, const char *before, struct sp_str s)
{
    if (s.n > 0) {
        fputs(before, f);
        out_safe(f, s);
    }
}

void show_message(FILE *f, const struct link_msg *m)
{
    static const char *const told[] = {"event", "id",      "role",   "reason",
                                       "code",  "message", "details"};
    char clock[16], size[16], scratch[256];
    time_t t = (time_t)(m->wall_us / 1000000);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    out_size(size, m->raw.n);
    fprintf(f, "%s%s.%03d%s  ", out_sgr("2"), clock, (int)(m->wall_us / 1000 % 1000), out_sgr("0"));
    fputs(out_sgr("1"), f);
    out_safe(f, link_text(m, "type", scratch, sizeof(scratch)));
    fputs(out_sgr("0"), f);
    put_word(f, " from ", link_text(m, "from", scratch, sizeof(scratch)));
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        put_word(f, " ", link_text(m, told[i], scratch, sizeof(scratch)));
    }
    put_word(f, " ", summary_of(m));
    if (m->type != SP_T_PRESENCE) {
        fprintf(f, " %s", size);
    }
    put_word(f, " ", link_text(m, "sessionId", scratch, sizeof(scratch)));
    fputc('\n', f);
    fflush(f);
}

int match_init(const struct ctl *c, struct match *w, const char *from, const char *type,
               const char *until)
{
    struct sp_diag d;
    *w = (struct match){.from = from, .type = type, .has_until = until != NULL};
    if (until && !*until) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--until: want an expression such as type=bye");
    }
    if (!until || sp_filter_parse(&w->until, sp_str(until), &d) == SP_OK) {
        return 0;
    }
    ctl_fail(c, EXIT_USAGE, NULL, "--until: %s", d.text);
    fprintf(stderr, "  %s\n  %*s^\n", until, (int)d.off, "");
    return EXIT_USAGE;
}

bool match_peer(const struct match *w, const struct link_msg *m)
{
    char scratch[SP_ID_MAX + 1], word[SP_ID_MAX];
    if (w->from &&
        !sp_glob_match(sp_str(w->from), link_text(m, "from", scratch, sizeof(scratch)))) {
        return false;
    }
    return !w->type || sp_str_eq(sp_str(w->type), link_text(m, "type", word, sizeof(word)));
}

bool match_until(const struct match *w, const struct link_msg *m, const char *me)
{
    char from[256], session[256], id[256], reason[256], code[64];
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_RELAY, m->wall_us / 1000);
    ev.kind = m->type;
    ev.s[SP_ES_from] = link_text(m, "from", from, sizeof(from));
    ev.s[SP_ES_to] = sp_str(me);
    ev.s[SP_ES_session] = link_text(m, "sessionId", session, sizeof(session));
    ev.s[SP_ES_id] = link_text(m, "id", id, sizeof(id));
    ev.s[SP_ES_reason] = link_text(m, "reason", reason, sizeof(reason));
    ev.s[SP_ES_code] = link_text(m, "code", code, sizeof(code));
    ev.s[SP_ES_summary] = summary_of(m);
    ev.n[SP_EN_size] = (int64_t)m->raw.n;
    return w->has_until && sp_filter_match(&w->until, &ev);
}

void seen_add(struct seen *s, const struct link_msg *m)
{
    char type[32], from[SP_ID_MAX + 1];
    struct sp_str t = link_text(m, "type", type, sizeof(type));
    struct sp_str f = link_text(m, "from", from, sizeof(from));
    size_t at = strlen(s->text);
    if (s->n++ < 4 && at + 1 < sizeof(s->text)) {
        snprintf(s->text + at, sizeof(s->text) - at, "%s%.*s%s%.*s", at ? ", " : "", (int)t.n, t.p,
                 f.n ? " from " : "", (int)f.n, f.p);
    }
}

const char *seen_text(const struct seen *s)
{
    return s->n > 0 ? s->text : "nothing";
}

/* SPDX-License-Identifier: MIT
 * The lines of a session description: their form, order and number (RFC 8866 5 and 9). */
#include "cli/sigctl/sdp_in.h"

const struct sdp_rule_row sdp_rules[SDP_RULES] = {
#define ERROR                                   SDP_ERROR
#define WARNING                                 SDP_WARNING
#define SDP_RULE(id, name, severity, rfc, text) {name, severity, rfc, text},
#include "cli/sigctl/sdp_rules.h"
#undef SDP_RULE
#undef WARNING
#undef ERROR
};

void sdp_find(struct sdp_findings *f, unsigned line, enum sdp_rule rule, struct sp_str what)
{
    unsigned *count = sdp_rules[rule].severity == SDP_ERROR ? &f->errors : &f->warnings;
    ++*count;
    if (f->n < SDP_FINDINGS_MAX) {
        f->v[f->n++] = (struct sdp_finding){line, rule, what};
    }
}

/* One line off the text, without its end. */
static struct sp_str cut_line(struct sp_str *rest)
{
    struct sp_str line = sdp_cut(rest, '\n');
    line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
    return line;
}

static bool take_apart(struct sp_str raw, unsigned no, struct sdp_line *l)
{
    if (raw.n < 2 || raw.p[0] < 'a' || raw.p[0] > 'z' || raw.p[1] != '=') {
        return false;
    }
    *l = (struct sdp_line){.type = raw.p[0], .no = no, .raw = raw};
    l->value = (struct sp_str){raw.p + 2, raw.n - 2};
    if (l->type == 'a') {
        size_t n = l->value.n;
        l->name = sdp_cut(&l->value, ':');
        l->has_value = l->name.n < n;
    }
    return true;
}

bool sdp_next(struct sdp_lines *it, struct sdp_line *line)
{
    while (it->rest.n > 0) {
        struct sp_str raw = cut_line(&it->rest);
        if (take_apart(raw, it->no++, line)) {
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------- order */

/* The letters in their order; those of the second string may come again. */
struct order {
    const char *letters, *again;
};

static const struct order of_session = {"vosiuepcbtrzka", "epbtrza"};
static const struct order of_media = {"micbka", "cba"};

struct reader {
    struct sdp *d;
    struct sdp_findings *f;
    struct sdp_part *part;
    const struct order *order;
    size_t place;
    unsigned seen; /* letters, a bit each */
};

static bool has_seen(const struct reader *r, char letter)
{
    return ((r->seen >> (letter - 'a')) & 1u) != 0;
}

/* Each time may be followed by its own repeats and zones. */
static size_t place_of(const struct reader *r, const char *at)
{
    size_t place = (size_t)(at - r->order->letters);
    return r->order == &of_session && (*at == 'r' || *at == 'z') ? place - (*at == 'r' ? 1 : 2)
                                                                 : place;
}

static void check_order(struct reader *r, const struct sdp_line *l)
{
    const char *at = strchr(r->order->letters, l->type);
    struct sp_str letter = {l->raw.p, 1};
    if (!at) {
        sdp_find(r->f, l->no, SDP_R_LINE_TYPE, letter);
        return;
    }
    if (has_seen(r, l->type) && !strchr(r->order->again, l->type)) {
        sdp_find(r->f, l->no, SDP_R_LINE_TWICE, letter);
    } else if (place_of(r, at) < r->place) {
        sdp_find(r->f, l->no, SDP_R_LINE_ORDER, letter);
    } else {
        r->place = place_of(r, at);
    }
    r->seen |= 1u << (l->type - 'a');
}

static void end_session(const struct reader *r)
{
    static const struct {
        char letter;
        enum sdp_rule rule;
    } needed[] = {{'v', SDP_R_V_MISSING},
                  {'o', SDP_R_O_MISSING},
                  {'s', SDP_R_S_MISSING},
                  {'t', SDP_R_T_MISSING}};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!has_seen(r, needed[i].letter)) {
            sdp_find(r->f, 1, needed[i].rule, (struct sp_str){NULL, 0});
        }
    }
}

static void end_part(const struct reader *r, const char *end)
{
    struct sdp_part *p = r->part;
    p->text.n = (size_t)(end - p->text.p);
    p->connected = has_seen(r, 'c');
    if (p == &r->d->session) {
        end_session(r);
    } else if (!p->connected && !r->d->session.connected && p->port != 0) {
        sdp_find(r->f, p->line, SDP_R_C_MISSING, (struct sp_str){NULL, 0});
    }
}

/* False when there are too many. */
static bool begin_media(struct reader *r, const struct sdp_line *l)
{
    end_part(r, l->raw.p);
    if (r->d->n == SDP_MEDIA_MAX) {
        sdp_find(r->f, l->no, SDP_R_M_MANY, (struct sp_str){NULL, 0});
        return false;
    }
    r->part = &r->d->media[r->d->n++];
    *r->part = (struct sdp_part){.text = {l->raw.p, 0}, .line = l->no};
    r->order = &of_media;
    r->place = 0;
    r->seen = 0;
    return true;
}

/* ---------------------------------------------------------------- lines */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void check_form(const struct reader *r, struct sp_str raw, unsigned no)
{
    if (raw.n == 0) {
        sdp_find(r->f, no, SDP_R_LINE_EMPTY, raw);
    } else if (raw.n > 1 && (is_blank(raw.p[0]) || (is_blank(raw.p[1]) && raw.n > 2))) {
        sdp_find(r->f, no, SDP_R_LINE_SPACE, raw);
    } else {
        sdp_find(r->f, no, SDP_R_LINE_FORM, raw);
    }
}

static bool read_line(struct reader *r, struct sp_str raw, unsigned no)
{
    struct sdp_line l;
    if (!take_apart(raw, no, &l)) {
        check_form(r, raw, no);
        return true;
    }
    if (memchr(raw.p, '\r', raw.n) || memchr(raw.p, '\0', raw.n)) {
        sdp_find(r->f, no, SDP_R_LINE_CONTROL, raw);
    }
    /* s= alone may hold a blank (RFC 8866 5.3) */
    if (raw.n > 2 && is_blank(raw.p[2]) && l.type != 's') {
        sdp_find(r->f, no, SDP_R_LINE_SPACE, raw);
        return true;
    }
    if (l.type == 'm' && !begin_media(r, &l)) {
        return false;
    }
    check_order(r, &l);
    if (l.type == 'a') {
        sdp_attribute(r->d, r->part, &l, r->f);
    } else {
        sdp_field(r->d, r->part, &l, r->f);
    }
    return true;
}

static bool looks_like_sdp(struct sp_str text)
{
    struct sdp_line l;
    return text.n > 0 && text.n <= SDP_TEXT_MAX && take_apart(cut_line(&text), 1, &l) &&
           strchr(of_session.letters, l.type) != NULL;
}

bool sdp_read(struct sdp *d, struct sp_str text, struct sdp_findings *f)
{
    struct reader r = {.d = d, .f = f, .part = &d->session, .order = &of_session};
    struct sp_str rest = text;
    unsigned no = 0;
    bool lf = false;
    d->text = text;
    d->origin = d->name = (struct sp_str){NULL, 0};
    d->n = 0;
    d->session = (struct sdp_part){.text = {text.p, 0}, .line = 1};
    f->n = f->errors = f->warnings = 0;
    if (!looks_like_sdp(text)) {
        return false;
    }
    while (rest.n > 0) {
        struct sp_str before = rest, raw = cut_line(&rest);
        no++;
        if (!lf && raw.n < before.n && before.p[raw.n] == '\n') {
            lf = true;
            sdp_find(f, no, SDP_R_LINE_LF, (struct sp_str){NULL, 0});
        }
        if (!read_line(&r, raw, no)) {
            return true;
        }
    }
    end_part(&r, text.p + text.n);
    sdp_read_groups(d, f);
    if (text.p[text.n - 1] != '\n') {
        sdp_find(f, no, SDP_R_LINE_OPEN, (struct sp_str){NULL, 0});
    }
    return true;
}

/* SPDX-License-Identifier: MIT
 * The frames of top as text. */
#include "cli/sigmon/topview.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MOST   2048u
#define AROUND_ROWS 4u /* two lines of the head, titles, status */

/* line is text that never gets wider than most columns. */
struct line {
    char text[LINE_MOST];
    size_t n;
    unsigned columns, most;
};

static void put(struct line *l, const char *s)
{
    for (; *s; s++) {
        bool starts = ((unsigned char)*s & 0xC0) != 0x80;
        if ((starts && (l->columns >= l->most || l->n + 4 >= sizeof(l->text))) ||
            l->n + 1 >= sizeof(l->text)) {
            break;
        }
        l->columns += starts;
        l->text[l->n++] = *s;
    }
    l->text[l->n] = '\0';
}

static void putf(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void putf(struct line *l, const char *fmt, ...)
{
    char text[LINE_MOST];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    put(l, text);
}

static void put_spaces(struct line *l, unsigned n)
{
    while (n-- > 0) {
        put(l, " ");
    }
}

static unsigned columns_of(const char *s)
{
    unsigned n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
    }
    return n;
}

static const char *behind(const char *s, unsigned columns)
{
    for (; *s && columns > 0; columns--) {
        do {
            s++;
        } while (((unsigned char)*s & 0xC0) == 0x80);
    }
    return s;
}

/* A cell that is too long loses its middle, and shows that: ids differ at their ends. */
static void put_cell(struct line *l, const char *s, unsigned width, bool left)
{
    unsigned n = columns_of(s);
    struct line begin = {.most = (width - 1) / 3};
    if (n > width) {
        put(&begin, s);
        put(l, begin.text);
        put(l, "…");
        put(l, behind(s, n - (width - 1 - begin.most)));
        return;
    }
    put_spaces(l, left ? 0 : width - n);
    put(l, s);
    put_spaces(l, left ? width - n : 0);
}

/* ---------------------------------------------------------------- columns */

/* The first column that may grow does: the others of its view have the width that they need. */
static unsigned grows(const struct top_view *v)
{
    return v->by == TOP_PEERS ? 0 : 1;
}

/* layout is how many columns fit and how wide the one that grows is. */
struct layout {
    unsigned columns, grown;
};

static unsigned widest(const struct top_view *v, const struct top_column *k)
{
    char cell[TOP_CELL];
    unsigned most = (unsigned)k->width;
    for (size_t i = 0; i < v->n; i++) {
        k->put(v->sorted[i], cell);
        unsigned n = columns_of(cell);
        most = n > most ? n : most;
    }
    return most;
}

static struct layout lay_out(const struct top_view *v, unsigned w)
{
    const struct top_column *k = top_columns[v->by];
    struct layout l = {0, (unsigned)k[grows(v)].width};
    unsigned used = 0;
    for (; k[l.columns].name; l.columns++) {
        unsigned next = used + (unsigned)k[l.columns].width + (l.columns > 0);
        if (l.columns > 0 && next > w) {
            break;
        }
        used = next;
    }
    unsigned wanted = widest(v, &k[grows(v)]), room = w > used ? l.grown + w - used : l.grown;
    l.grown = wanted < room ? wanted : room;
    return l;
}

static void put_columns(struct line *line, const struct top_view *v, const struct layout *l,
                        const struct top_row *r)
{
    const struct top_column *k = top_columns[v->by];
    char cell[TOP_CELL];
    for (unsigned i = 0; i < l->columns; i++) {
        const char *text = k[i].name;
        if (r) {
            k[i].put(r, cell);
            text = cell;
        }
        put_spaces(line, i > 0);
        put_cell(line, text, i == grows(v) ? l->grown : (unsigned)k[i].width, k[i].left);
    }
    while (line->n > 0 && line->text[line->n - 1] == ' ') {
        line->text[--line->n] = '\0';
    }
}

/* ---------------------------------------------------------------- head and status */

/* frame is one on its way out. */
struct frame {
    struct top_view *v;
    unsigned w, h, lines;
    top_line_fn fn;
    void *ctx;
};

static struct line begin(const struct frame *f)
{
    return (struct line){.most = f->w};
}

static void end(struct frame *f, enum top_line kind, const struct line *l)
{
    f->fn(f->ctx, kind, l->text);
    f->lines++;
}

static void put_rate(struct line *l, double v)
{
    putf(l, v > 0 && v < 9.95 ? "%.1f" : "%.0f", v);
}

static void put_head(struct frame *f)
{
    const struct top_view *v = f->v;
    struct line l = begin(f);
    char url[256];
    top_safe(url, sizeof(url), sp_str(v->url));
    putf(&l, "sigmon top %s, by %s", url, top_by_words[v->by]);
    if (v->filter_text[0] && f->h == 0) {
        char filter[512];
        top_safe(filter, sizeof(filter), sp_str(v->filter_text));
        putf(&l, ", %s", filter);
    }
    end(f, TOP_HEAD, &l);
    l = begin(f);
    putf(&l, "%zu clients, %zu sessions, ", v->clients, v->sessions);
    put_rate(&l, v->messages_s);
    put(&l, " msgs/s, ");
    put_rate(&l, v->errors_s);
    putf(&l, " errors/s, %lld missed", (long long)v->missed);
    end(f, TOP_HEAD, &l);
}

static void put_edit(struct line *l, const struct top_view *v)
{
    char text[LINE_MOST];
    top_safe(text, sizeof(text), sp_str(v->edit));
    /* the end is what is being typed */
    size_t n = strlen(text), room = l->most > 10 ? l->most - 2 : 8;
    putf(l, "/%s_", n > room ? text + n - room : text);
    if (v->error[0]) {
        putf(l, "  %s", v->error);
    }
}

static void put_where(struct line *l, const struct top_view *v, size_t first, size_t last)
{
    const struct top_order *o = &v->order[v->by];
    const struct top_column *k = &top_columns[v->by][o->column];
    char filter[512];
    bool down = k->left == o->reverse;
    putf(l, "%zu-%zu of %zu by %s %s", v->n > 0 ? first + 1 : 0, last, v->n, k->name,
         down ? "down" : "up");
    if (v->filter_text[0]) {
        top_safe(filter, sizeof(filter), sp_str(v->filter_text));
        putf(l, "  /%s", filter);
    }
    put(l, "  ?: help");
}

static void put_status(struct frame *f, size_t first, size_t last)
{
    const struct top_view *v = f->v;
    struct line l = begin(f);
    if (v->editing) {
        /* an error is more than what it is about */
        put_edit(&l, v);
    } else {
        if (v->note[0]) {
            char note[sizeof(v->note) * 2];
            top_safe(note, sizeof(note), sp_str(v->note));
            putf(&l, "%s  ", note);
        }
        put(&l, v->paused ? "paused  " : "");
        put_where(&l, v, first, last);
    }
    end(f, TOP_STATUS, &l);
}

static void put_empty(struct frame *f, unsigned until)
{
    struct line l = begin(f);
    while (f->lines < until) {
        end(f, TOP_ROW, &l);
    }
}

/* ---------------------------------------------------------------- frames */

static const char *const key_help[] = {"Tab p s  peers, sessions    < >  sort by another column",
                                       "r        the other way      /    filter, Enter or Esc",
                                       "space    pause              q    quit",
                                       "arrows, PgUp, PgDn, Home, End: scroll; any key: back"};

static void put_help(struct frame *f)
{
    const struct top_column *k = top_columns[f->v->by];
    for (size_t i = 0; i < sizeof(key_help) / sizeof(key_help[0]) && f->lines + 1 < f->h; i++) {
        struct line l = begin(f);
        put(&l, key_help[i]);
        end(f, TOP_ROW, &l);
    }
    for (; k->name && f->lines + 1 < f->h; k++) {
        struct line l = begin(f);
        putf(&l, "%-10s %s", k->name, k->help);
        end(f, TOP_ROW, &l);
    }
    put_empty(f, f->h - 1);
    put_status(f, 0, f->v->n);
}

static void keep_in_sight(struct top_view *v)
{
    size_t *scroll = &v->order[v->by].scroll, most = v->n > v->page ? v->n - v->page : 0;
    *scroll = *scroll < most ? *scroll : most;
}

static void put_rows(struct frame *f, size_t first, size_t last)
{
    struct top_view *v = f->v;
    struct layout layout = lay_out(v, f->w);
    struct line l = begin(f);
    put_columns(&l, v, &layout, NULL);
    end(f, TOP_TITLES, &l);
    for (size_t i = first; i < last; i++) {
        const struct top_row *r = v->sorted[i];
        bool gone = v->by == TOP_PEERS ? r->peer.gone_us >= 0 : book_is_over(&r->call);
        l = begin(f);
        put_columns(&l, v, &layout, r);
        end(f, gone ? TOP_GONE : TOP_ROW, &l);
    }
}

void top_view_frame(struct top_view *v, unsigned w, unsigned h, top_line_fn fn, void *ctx)
{
    struct frame f = {.v = v, .w = h == 0 ? LINE_MOST : w, .h = h, .fn = fn, .ctx = ctx};
    if (h == 0) {
        put_head(&f);
        put_rows(&f, 0, v->n);
        return;
    }
    v->page = h > AROUND_ROWS ? h - AROUND_ROWS : 1;
    keep_in_sight(v);
    size_t first = v->order[v->by].scroll, last = first + v->page < v->n ? first + v->page : v->n;
    put_head(&f);
    if (v->help) {
        put_help(&f);
        return;
    }
    put_rows(&f, first, last);
    put_empty(&f, h - 1);
    put_status(&f, first, last);
}

/* SPDX-License-Identifier: MIT
 * The keys of top. */
#include "cli/sigmon/topview.h"

#include <stdio.h>

enum { CTRL_C = 3, CTRL_H = 8, TAB = 9, LF = 10, CTRL_L = 12, CR = 13, CTRL_U = 21, ESC = 27 };
enum { DEL = 127, KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END };

/* ---------------------------------------------------------------- what they do */

static bool show(struct top_view *v, enum top_by by)
{
    bool other = v->by != by;
    v->by = by;
    v->stale = v->stale || other;
    return other;
}

static bool do_tab(struct top_view *v)
{
    return show(v, v->by == TOP_PEERS ? TOP_SESSIONS : TOP_PEERS);
}

static bool do_peers(struct top_view *v)
{
    return show(v, TOP_PEERS);
}

static bool do_sessions(struct top_view *v)
{
    return show(v, TOP_SESSIONS);
}

static unsigned count(const struct top_view *v)
{
    unsigned n = 0;
    while (top_columns[v->by][n].name) {
        n++;
    }
    return n;
}

static bool do_left(struct top_view *v)
{
    struct top_order *o = &v->order[v->by];
    o->column = (o->column + count(v) - 1) % count(v);
    o->reverse = false;
    return true;
}

static bool do_right(struct top_view *v)
{
    struct top_order *o = &v->order[v->by];
    o->column = (o->column + 1) % count(v);
    o->reverse = false;
    return true;
}

static bool do_reverse(struct top_view *v)
{
    v->order[v->by].reverse = !v->order[v->by].reverse;
    return true;
}

static bool do_pause(struct top_view *v)
{
    v->paused = !v->paused;
    return !v->paused;
}

static bool do_help(struct top_view *v)
{
    v->help = true;
    return false;
}

static bool do_edit(struct top_view *v)
{
    v->editing = true;
    v->error[0] = '\0';
    snprintf(v->edit, sizeof(v->edit), "%s", v->filter_text);
    return false;
}

static bool do_quit(struct top_view *v)
{
    v->quit = true;
    return false;
}

/* A frame keeps the scroll within what there is. */
static bool scroll(struct top_view *v, bool up, size_t n)
{
    size_t *at = &v->order[v->by].scroll;
    *at = !up ? *at + n : *at > n ? *at - n : 0;
    return false;
}

static bool do_up(struct top_view *v)
{
    return scroll(v, true, 1);
}

static bool do_down(struct top_view *v)
{
    return scroll(v, false, 1);
}

static bool do_page_up(struct top_view *v)
{
    return scroll(v, true, v->page);
}

static bool do_page_down(struct top_view *v)
{
    return scroll(v, false, v->page);
}

static bool do_home(struct top_view *v)
{
    return scroll(v, true, v->n);
}

static bool do_end(struct top_view *v)
{
    return scroll(v, false, v->n);
}

static const struct {
    int key;
    bool (*fn)(struct top_view *v);
} keys[] = {{TAB, do_tab},
            {'p', do_peers},
            {'s', do_sessions},
            {'<', do_left},
            {'>', do_right},
            {'r', do_reverse},
            {'/', do_edit},
            {' ', do_pause},
            {'?', do_help},
            {'h', do_help},
            {'q', do_quit},
            {CTRL_C, do_quit},
            {KEY_UP, do_up},
            {KEY_DOWN, do_down},
            {KEY_PAGE_UP, do_page_up},
            {KEY_PAGE_DOWN, do_page_down},
            {KEY_HOME, do_home},
            {KEY_END, do_end}};

/* ---------------------------------------------------------------- editing */

static bool apply(struct top_view *v)
{
    struct sp_diag d;
    if (top_view_filter(v, v->edit, &d) != SP_OK) {
        snprintf(v->error, sizeof(v->error), "%s", d.text);
        return false;
    }
    v->editing = false;
    v->stale = true;
    v->order[v->by].scroll = 0;
    return true;
}

static bool edit(struct top_view *v, int key)
{
    size_t n = strlen(v->edit);
    v->error[0] = '\0';
    if (key == CR || key == LF) {
        return apply(v);
    }
    if (key == ESC) {
        v->editing = false;
    } else if (key == CTRL_C) {
        v->quit = true;
    } else if (key == CTRL_U) {
        v->edit[0] = '\0';
    } else if ((key == CTRL_H || key == DEL) && n > 0) {
        v->edit[n - 1] = '\0';
    } else if (key >= ' ' && key < DEL && n + 1 < sizeof(v->edit)) {
        v->edit[n] = (char)key;
        v->edit[n + 1] = '\0';
    }
    return false;
}

/* ---------------------------------------------------------------- what came */

static bool take(struct top_view *v, int key)
{
    if (v->editing) {
        return edit(v, key);
    }
    if (v->help) {
        v->help = false;
        v->quit = key == 'q' || key == CTRL_C;
        return false;
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i].key == key) {
            return keys[i].fn(v);
        }
    }
    return false;
}

/* The end of a sequence: a letter, or a number and '~'. 0 is none that means something. */
static int key_of(char last, unsigned number)
{
    static const struct {
        char last;
        unsigned number;
        int key;
    } sequences[] = {{'A', 0, KEY_UP},   {'B', 0, KEY_DOWN},    {'H', 0, KEY_HOME},
                     {'F', 0, KEY_END},  {'~', 5, KEY_PAGE_UP}, {'~', 6, KEY_PAGE_DOWN},
                     {'~', 1, KEY_HOME}, {'~', 7, KEY_HOME},    {'~', 4, KEY_END},
                     {'~', 8, KEY_END}};
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        if (sequences[i].last == last && sequences[i].number == number) {
            return sequences[i].key;
        }
    }
    return 0;
}

static bool take_sequence(struct top_view *v, char ch)
{
    if (ch >= '0' && ch <= '9') {
        v->esc_number = v->esc_number < 1000 ? v->esc_number * 10 + (unsigned)(ch - '0') : 1000;
        return false;
    }
    if (ch == ';') {
        return false;
    }
    v->esc = TOP_ESC_NONE;
    return take(v, key_of(ch, v->esc_number));
}

static bool take_byte(struct top_view *v, char ch)
{
    bool anew = false;
    if (v->esc == TOP_ESC_SEQUENCE) {
        return take_sequence(v, ch);
    }
    if (v->esc == TOP_ESC_SEEN) {
        if (ch == '[' || ch == 'O') {
            v->esc = TOP_ESC_SEQUENCE;
            v->esc_number = 0;
            return false;
        }
        v->esc = TOP_ESC_NONE;
        anew = take(v, ESC);
    }
    if (ch == ESC) {
        v->esc = TOP_ESC_SEEN;
        return anew;
    }
    return take(v, (unsigned char)ch) || anew;
}

bool top_keys(struct top_view *v, const char *p, size_t n)
{
    bool anew = false;
    for (size_t i = 0; i < n && !v->quit; i++) {
        anew = take_byte(v, p[i]) || anew;
    }
    return anew;
}

bool top_keys_rest(struct top_view *v)
{
    bool waited = v->esc == TOP_ESC_SEEN;
    if (waited) {
        v->esc = TOP_ESC_NONE;
        take(v, ESC);
    }
    return waited;
}

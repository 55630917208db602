/* SPDX-License-Identifier: MIT
 * What top shows: rows out of a crowd, sorted and filtered, as text of a given size, and the keys
 * that change it. Pure: knows no terminal. */
#ifndef SIGMON_TOPVIEW_H
#define SIGMON_TOPVIEW_H

#include "cli/sigmon/crowd.h"
#include "libproto/filter.h"

#define TOP_CELL 640u /* bytes of a cell: two ids, escaped */

enum top_by { TOP_PEERS, TOP_SESSIONS, TOP_VIEWS };

/* top_row is a copy of what it shows, so that a pause keeps it. Times are -1 where unknown. */
struct top_row {
    int64_t age_us;
    union {
        struct peer peer;
        struct call call;
    };
};

/* top_column is one column: put writes a cell, in which each code point is a column wide; cmp gives
 * the order of two rows. Texts are left-aligned and sort upwards, numbers downwards. */
struct top_column {
    const char *name;
    int width;
    bool left;
    void (*put)(const struct top_row *r, char cell[TOP_CELL]);
    int (*cmp)(const struct top_row *a, const struct top_row *b);
    const char *help;
};

/* The columns of a view, up to one without a name, and the word for it: "peers", "sessions". */
extern const struct top_column *const top_columns[TOP_VIEWS];
extern const char *const top_by_words[TOP_VIEWS];

/* top_state gives "waiting", "answered" or "ended". */
const char *top_state(const struct call *c);

/* top_safe writes remote text escaped, in ASCII alone. */
void top_safe(char *out, size_t cap, struct sp_str s);

struct top_order {
    unsigned column;
    bool reverse; /* against the column's way */
    size_t scroll;
};

enum top_esc { TOP_ESC_NONE, TOP_ESC_SEEN, TOP_ESC_SEQUENCE };

struct top_view {
    enum top_by by;
    struct top_order order[TOP_VIEWS];
    const char *url;
    /* rows; sorted points into them */
    struct top_row *rows;
    struct top_row **sorted;
    size_t n, room;
    enum top_by rows_by; /* what they are */
    /* as of the last refresh */
    size_t clients, sessions;
    int64_t missed;
    double messages_s, errors_s;
    /* the filter in force, empty: none */
    char filter_text[SP_FILTER_MAX + 1];
    struct sp_filter filter;
    bool paused, help, editing, quit;
    bool stale; /* the rows are of another view or filter */
    char edit[SP_FILTER_MAX + 1];
    char error[192]; /* what is wrong with what is being typed */
    char note[192];  /* what happened to the connection */
    enum top_esc esc;
    unsigned esc_number;
    size_t page; /* rows of the last frame */
};

/* top_view_init borrows url. */
void top_view_init(struct top_view *v, const char *url);
void top_view_fini(struct top_view *v);

/* top_view_sort has the view sorted by a column, backwards with a '-' before its name; false with a
 * sentence in why. */
bool top_view_sort(struct top_view *v, const char *name, char *why, size_t cap);

/* top_view_filter sets which rows are shown; as sp_filter_parse. The old one stays when it is bad.
 */
enum sp_err top_view_filter(struct top_view *v, const char *text, struct sp_diag *d);

/* top_view_refresh takes the rows anew; false when out of memory. */
bool top_view_refresh(struct top_view *v, const struct crowd *c, int64_t now_us);

/* top_view_resort sorts the rows that were taken. */
void top_view_resort(struct top_view *v);

/* Which part of a frame a line is. */
enum top_line { TOP_HEAD, TOP_TITLES, TOP_ROW, TOP_GONE, TOP_STATUS };

/* line may hold UTF-8 of ours, each code point a column wide. */
typedef void (*top_line_fn)(void *ctx, enum top_line kind, const char *line);

/* top_view_frame tells the lines of a frame that is w columns wide and h high, exactly h; h 0: all
 * rows, and neither status nor cut lines. */
void top_view_frame(struct top_view *v, unsigned w, unsigned h, top_line_fn fn, void *ctx);

/* top_keys takes what was typed. Gives whether the rows have to be taken, or sorted, anew. */
bool top_keys(struct top_view *v, const char *p, size_t n);
/* top_keys_rest says that nothing came for a while: an escape that waits is the key itself. Gives
 * whether one has waited. */
bool top_keys_rest(struct top_view *v);

#endif

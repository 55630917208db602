/* SPDX-License-Identifier: MIT
 * Words and how often they came. */
#include "cli/sigmon/words.h"

#include <stdlib.h>

static struct sp_str text_of(const void *word)
{
    const struct word *one = word;
    return (struct sp_str){one->text, one->len};
}

bool words_init(struct words *w, const uint8_t secret[16])
{
    return sp_map_init(&w->map, text_of, secret);
}

void words_fini(struct words *w)
{
    for (size_t i = 0; w->map.slots && i <= w->map.mask; i++) {
        free(w->map.slots[i].value);
    }
    sp_map_fini(&w->map);
}

bool words_add(struct words *w, struct sp_str text)
{
    struct word *one = sp_map_get(&w->map, text);
    if (one) {
        one->n++;
        return true;
    }
    one = malloc(sizeof(*one) + text.n + 1);
    if (!one) {
        return false;
    }
    one->n = 1;
    one->len = text.n;
    memcpy(one->text, text.n ? text.p : "", text.n);
    one->text[text.n] = '\0';
    if (!sp_map_put(&w->map, one)) {
        free(one);
        return false;
    }
    return true;
}

static int by_count(const void *a, const void *b)
{
    const struct word *x = *(const struct word *const *)a, *y = *(const struct word *const *)b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->text, y->text);
}

const struct word **words_sorted(const struct words *w, size_t *n)
{
    const struct word **v = calloc(w->map.count + 1, sizeof(*v));
    *n = 0;
    for (size_t i = 0; v && i <= w->map.mask; i++) {
        if (w->map.slots[i].value) {
            v[(*n)++] = w->map.slots[i].value;
        }
    }
    if (v) {
        qsort(v, *n, sizeof(*v), by_count);
    }
    return v;
}

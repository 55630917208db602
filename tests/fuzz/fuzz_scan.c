/* SPDX-License-Identifier: MIT
 * The scanner against itself without SSE2 and against cJSON, and its slices against the input. */
#include "tests/fuzz/common.h"

#include <cjson/cJSON.h>

#include "libproto/event.h"
#include "libproto/scan.h"
#include "tests/fuzz/portable.h"

#define CJSON_NUMBER_MAX 60 /* cJSON copies a number into 64 bytes and fails on longer ones */

/* cJSON refuses unpaired surrogates and long numbers, RFC 8259 does not. */
static bool cjson_differs(struct sp_str s)
{
    size_t run = 0;

    for (size_t i = 0; i < s.n; i++) {
        run = memchr("0123456789+-.eE", s.p[i], 15) ? run + 1 : 0;
        if (run > CJSON_NUMBER_MAX) {
            return true;
        }
        if (s.n - i > 3 && s.p[i] == '\\' && s.p[i + 1] == 'u' && (s.p[i + 2] | 0x20) == 'd') {
            return true;
        }
    }
    return false;
}

static void check_cjson(struct sp_str s)
{
    cJSON *tree = cJSON_ParseWithLengthOpts(s.p, s.n, NULL, 0);

    CHECK(tree != NULL || cjson_differs(s));
    cJSON_Delete(tree);
}

static void check_array(struct sp_str array)
{
    struct sp_str element;
    struct sp_diag d;
    size_t pos = 0;

    while (sp_each_element(array, &pos, &element)) {
        CHECK(element.p >= array.p && element.p + element.n <= array.p + array.n);
        CHECK(sp_scan_value(element.p, element.n, &sp_scan_defaults, &d) == SP_OK);
    }
}

static void check_member(const struct sp_doc *doc, const struct sp_member *m)
{
    struct sp_str raw = sp_doc_raw(doc, m), key = {doc->buf + m->key_off, m->key_len};
    char text[256];
    struct sp_diag d;

    CHECK(m->key_off + m->key_len <= doc->len && m->val_off + m->val_len <= doc->len);
    CHECK(raw.n > 0 && sp_scan_value(raw.p, raw.n, &sp_scan_defaults, &d) == SP_OK);
    CHECK(m->key_escaped == (memchr(key.p, '\\', key.n) != NULL));
    CHECK(sp_text_eq(key, key));
    if (m->kind == SP_J_ARRAY) {
        check_array(raw);
    }
    if (m->kind == SP_J_STRING) {
        CHECK(m->val_escaped == (memchr(raw.p, '\\', raw.n) != NULL));
        size_t n = sp_unescape(text, sizeof(text), raw);
        CHECK(n == SIZE_MAX || (n <= sizeof(text) && n <= raw.n));
    }
    if (!m->key_escaped) {
        CHECK(sp_doc_find(doc, key) == m);
    }
}

static bool same(enum sp_err a, enum sp_err b, const struct sp_diag *da, const struct sp_diag *db)
{
    return a == b && (a == SP_OK || (da->off == db->off && da->bad_utf8 == db->bad_utf8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_str s = fuzz_str(data, size);
    struct sp_doc doc, other;
    struct sp_diag d = {0}, pd = {0};

    enum sp_err e = sp_scan_value(s.p, s.n, &sp_scan_defaults, &d);
    enum sp_err pe = portable_scan_value(s.p, s.n, &sp_scan_defaults, &pd);
    CHECK(same(e, pe, &d, &pd));
    CHECK(e == SP_OK || (d.code == e && d.off <= size));
    if (e == SP_OK) {
        check_cjson(s);
    }
    enum sp_err oe = sp_scan(&doc, s.p, s.n, &sp_scan_defaults, &d);
    pe = portable_scan(&other, s.p, s.n, &sp_scan_defaults, &pd);
    CHECK(same(oe, pe, &d, &pd));
    CHECK(oe != SP_OK || e == SP_OK);
    CHECK(oe != SP_INVALID_JSON || e != SP_OK);
    for (uint32_t i = 0; oe == SP_OK && i < doc.count; i++) {
        check_member(&doc, &doc.m[i]);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 * What messages and traces must not show. */
#include "cli/common/mask.h"

#include "cli/common/out.h"
#include "libproto/scan.h"

static const char *next_token(const char *url)
{
    static const char word[] = "token=";
    const char *p = strchr(url, '?');
    while (p && strncasecmp(p + 1, word, sizeof(word) - 1) != 0) {
        p = strchr(p + 1, '&');
    }
    return p ? p + sizeof(word) : NULL;
}

void mask_url(char *out, size_t cap, const char *url)
{
    const char *secret = next_token(url);
    if (secret) {
        snprintf(out, cap, "%.*s***%s", (int)(secret - url), url, secret + strcspn(secret, "&"));
    } else {
        snprintf(out, cap, "%s", url);
    }
}

static bool is_secret(const struct sp_doc *doc, const struct sp_member *m)
{
    struct sp_str key = {doc->buf + m->key_off, m->key_len};
    return m->key_escaped || sp_str_eq(key, SP_STR("token")) || sp_str_eq(key, SP_STR("resume")) ||
           sp_str_eq(key, SP_STR("iceServers"));
}

void mask_frame(FILE *f, struct sp_str text)
{
    struct sp_doc doc;
    size_t at = 0;
    if (sp_scan(&doc, text.p, text.n, &sp_scan_replies, NULL) == SP_OK) {
        for (uint32_t i = 0; i < doc.count; i++) {
            const struct sp_member *m = &doc.m[i];
            if (is_secret(&doc, m)) {
                out_safe(f, (struct sp_str){text.p + at, m->val_off - at});
                fputs("\"***\"", f);
                at = m->val_off + m->val_len;
            }
        }
    }
    out_safe(f, (struct sp_str){text.p + at, text.n - at});
}

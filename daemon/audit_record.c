/* SPDX-License-Identifier: MIT
 * Records of the audit log: one JSON object a line, chained by the hash of the line before. */
#include "daemon/audit_in.h"
#include "libproto/json.h"

bool audit_hash_init(struct audit_hash *h)
{
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    return h->md && h->ctx;
}

void audit_hash_fini(struct audit_hash *h)
{
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
}

void audit_hash_line(struct audit_hash *h, struct sp_str line, unsigned char out[AUDIT_HASH])
{
    bool ok = EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1 &&
              EVP_DigestUpdate(h->ctx, line.p, line.n) == 1 &&
              EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
    if (!ok) {
        /* a chain that does not verify says so */
        memset(out, 0, AUDIT_HASH);
    }
}

static void put_hex(struct sp_buf *b, const unsigned char hash[AUDIT_HASH])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * AUDIT_HASH];
    for (size_t i = 0; i < AUDIT_HASH; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    sp_buf_put(b, text, sizeof(text));
}

/* The object from start on lacks only its last member. */
static void seal(struct audit_writer *w, struct sp_buf *b, size_t start, struct audit_link *link)
{
    sp_buf_lit(b, ",\"prev\":\"");
    put_hex(b, link->hash);
    sp_buf_lit(b, "\"}");
    audit_hash_line(&w->hash, (struct sp_str){b->p + start, b->n - start}, link->hash);
    link->seq++;
    sp_buf_lit(b, "\n");
}

void audit_put_event(struct audit_writer *w, struct sp_buf *b, struct sp_event *ev,
                     struct audit_link *link)
{
    size_t start = b->n;
    ev->n[SP_EN_seq] = (int64_t)(link->seq + 1);
    ev->n[SP_EN_at] = -1;
    sp_put_event(b, ev, sp_stamp_at(&w->stamp, ev->ts_ms));
    b->n--; /* its closing brace */
    seal(w, b, start, link);
}

void audit_put_own(struct audit_writer *w, struct sp_buf *b, const struct audit_own *own,
                   struct audit_link *link)
{
    size_t start = b->n;
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_int(&j, "seq", (int64_t)(link->seq + 1));
    sp_json_str(&j, "ts", sp_stamp_at(&w->stamp, own->ts_ms));
    sp_json_str(&j, "event", sp_str(own->event));
    if (own->key) {
        sp_json_int(&j, own->key, own->count);
    }
    seal(w, b, start, link);
}
